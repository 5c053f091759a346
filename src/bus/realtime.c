#include "ald/bus/realtime.h"

#include "ald/base/text.h" /* text_add */

#include <errno.h>        /* errno */
#include <malloc.h>       /* mallopt */
#include <sched.h>        /* SCHED_FIFO */
#include <string.h>       /* strerrorname_np, memset */
#include <sys/mman.h>     /* mlockall */
#include <sys/resource.h> /* RLIMIT_RTPRIO, RLIMIT_RTTIME */

/* Freed memory is kept, and taken in steps that last: after start no allocation of the loop asks the kernel for pages. */
enum { MMAP_FROM_BYTES = 32 << 20, STEP_BYTES = 256 << 10 };

static void keep_heap(void)
{
        mallopt(M_TRIM_THRESHOLD, -1); /* never trimmed */
        mallopt(M_MMAP_THRESHOLD, MMAP_FROM_BYTES);
        mallopt(M_TOP_PAD, STEP_BYTES);
}

/* With locked memory every later mapping counts against RLIMIT_MEMLOCK, threads' stacks and heaps too: a limit that is met
 * in the middle of a run is worse than pages that may be missing. */
static int try_room(void)
{
        const size_t size = 512u << 20;
        void *room = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (room == MAP_FAILED)
                return errno;
        munmap(room, size);
        return 0;
}

/* Pages are locked as they are first used: a daemon locked as a whole would hold every page of every library. What a pulse
 * uses was used before it, by polls and by the safe writes of the start. */
static int lock_memory(void)
{
        int err;

        if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
                return errno;
        err = try_room();
        if (err != 0)
                munlockall();
        return err == EAGAIN ? ENOMEM : err;
}

/* (The flag stays: without a privilege nobody may take it away again. It says that threads start without a priority.) */
static bool may_run_at(int priority)
{
        const struct sched_param none = {0};

        if (!realtime_raise(pthread_self(), priority))
                return false;
        pthread_setschedparam(pthread_self(), SCHED_OTHER | SCHED_RESET_ON_FORK, &none);
        return true;
}

/* The highest priority that this process may give its threads, at most REALTIME_PRIORITY; 0: none, errno says why. */
static int find_priority(void)
{
        struct rlimit limit;

        if (may_run_at(REALTIME_PRIORITY))
                return REALTIME_PRIORITY;
        int err = errno;
        if (getrlimit(RLIMIT_RTPRIO, &limit) == 0 && limit.rlim_cur >= 2 &&
            limit.rlim_cur < REALTIME_PRIORITY && may_run_at((int)limit.rlim_cur))
                return (int)limit.rlim_cur;
        errno = err;
        return 0;
}

static void guard_runaway(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_RTTIME, &limit) != 0)
                return;
        const rlim_t soft = REALTIME_RUNAWAY_S * 1000000u, hard = soft + 1000000u;
        limit.rlim_max = limit.rlim_max < hard ? limit.rlim_max : hard;
        limit.rlim_cur = limit.rlim_max < soft ? limit.rlim_max : soft;
        setrlimit(RLIMIT_RTTIME, &limit);
}

void realtime_begin(struct realtime *rt, bool is_asked)
{
        memset(rt, 0, sizeof *rt);
        rt->is_asked = is_asked;
        if (!is_asked)
                return;
        keep_heap();
        rt->memory_errno = lock_memory();
        rt->is_locked = rt->memory_errno == 0;
        rt->worker = find_priority();
        rt->fifo_errno = rt->worker > 0 ? 0 : errno;
        rt->loop = rt->worker > 1 ? rt->worker - 1 : 0;
        if (rt->worker > 0)
                guard_runaway();
}

bool realtime_raise(pthread_t thread, int priority)
{
        const struct sched_param param = {.sched_priority = priority};

        if (priority <= 0)
                return false;
        int err = pthread_setschedparam(thread, SCHED_FIFO | SCHED_RESET_ON_FORK, &param);
        errno = err;
        return err == 0;
}

/* More than the deepest call of a worker takes. */
enum { STACK_BYTES = 64 << 10, PAGE_BYTES = 4096 };

void realtime_touch_stack(void)
{
        volatile char pages[STACK_BYTES];

        for (int i = 0; i < STACK_BYTES; i += PAGE_BYTES)
                pages[i] = 0;
        (void)pages[0];
}

bool realtime_is_whole(const struct realtime *rt)
{
        return !rt->is_asked || (rt->worker > 0 && rt->is_locked);
}

static void add_errno(struct text *t, int err)
{
        const char *name = strerrorname_np(err);

        text_add(t, "%s", name != NULL ? name : "?");
}

void realtime_describe(struct text *t, const struct realtime *rt, int links)
{
        if (!rt->is_asked) {
                text_add(t, "off (--no-realtime): pulses keep their time only while the machine is idle");
                return;
        }
        if (rt->worker > 0) {
                text_add(t, "SCHED_FIFO %d for %d link%s, %d for the loop", rt->worker, links,
                    links == 1 ? "" : "s", rt->loop);
        } else {
                text_add(t, "not allowed (");
                add_errno(t, rt->fifo_errno);
                text_add(t,
                    "): pulses keep their time only while the machine is idle; LimitRTPRIO=%d in its unit, "
                    "or "
                    "`ulimit -r %d`, allows it",
                    REALTIME_PRIORITY, REALTIME_PRIORITY);
        }
        if (rt->is_locked) {
                text_add(t, "; memory locked");
                return;
        }
        text_add(t, "; memory not locked (");
        add_errno(t, rt->memory_errno);
        text_add(t, "): LimitMEMLOCK=infinity, or `ulimit -l unlimited`, allows it");
}
