#include "notify_helper.h" /* own declarations */

#include "ald/app/notify.h"       /* NOTIFY_DRAIN_S */
#include "ald/app/notify_queue.h" /* notify_queue_put */
#include "ald/base/time.h"        /* TIME_S, TIME_NEVER */
#include "notify_hook.h"          /* notify_hook_start */

#include <errno.h>        /* errno */
#include <fcntl.h>        /* open */
#include <poll.h>         /* ppoll */
#include <sched.h>        /* sched_setscheduler */
#include <signal.h>       /* kill */
#include <stdbool.h>      /* bool */
#include <stdio.h>        /* fopen, fscanf */
#include <stdlib.h>       /* calloc */
#include <string.h>       /* memset */
#include <sys/mman.h>     /* mmap */
#include <sys/prctl.h>    /* PR_SET_NAME */
#include <sys/resource.h> /* setpriority */
#include <sys/socket.h>   /* recv, send */
#include <sys/wait.h>     /* waitpid */
#include <unistd.h>       /* fork, setpgid */

struct helper {
        const struct tool *tool;
        int fd;
        pid_t *groups;  /* of the programs under way, for the keeper: 0 = none */
        int64_t end_us; /* TIME_NEVER: the daemon has not said that it ends */
        struct notify_hook hook[TOOL_HOOKS_MAX];
        struct notify_queue queue[TOOL_HOOKS_MAX];
};

/* ---- one program ---- */

/* The daemon reads whenever it turns: one that does not is gone, or will be soon. */
static void tell(struct helper *h, const struct notify_result *result)
{
        (void)!send(h->fd, result, sizeof *result, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void tell_end(struct helper *h, int i, enum notify_how how, int status)
{
        const struct notify_hook *hook = &h->hook[i];
        struct notify_result r = {.hook = (uint8_t)i,
            .what = hook->note.what,
            .how = (uint8_t)how,
            .status = status,
            .more = hook->note.more,
            .run = hook->note.run,
            .took_us = notify_hook_now_us() - hook->since_us};

        memcpy(r.said, hook->said, sizeof r.said - 1);
        tell(h, &r);
}

static void begin_next(struct helper *h, int i)
{
        struct notify_hook *hook = &h->hook[i];
        struct notify_note note;
        int failed;

        while (hook->pid == 0 && notify_queue_take(&h->queue[i], &note)) {
                failed = notify_hook_start(hook, h->tool, i, &note);
                h->groups[i] = hook->pid;
                if (failed != 0)
                        tell_end(h, i, NOTIFY_NOT_RUN, failed);
        }
}

static void take_end(struct helper *h, int i)
{
        struct notify_hook *hook = &h->hook[i];
        int status;

        if (hook->pid == 0 || !notify_hook_reap(hook, &status))
                return;
        h->groups[i] = 0;
        if (hook->is_late)
                tell_end(h, i,
                    h->end_us != TIME_NEVER && h->end_us < hook->until_us ? NOTIFY_CUT : NOTIFY_LATE, 0);
        else if (WIFEXITED(status))
                tell_end(h, i, NOTIFY_EXITED, WEXITSTATUS(status));
        else
                tell_end(h, i, NOTIFY_SIGNALLED, WTERMSIG(status));
}

/* ---- the loop ---- */

static void kill_all(struct helper *h)
{
        for (int i = 0; i < h->tool->hook_count; i++)
                notify_hook_kill(&h->hook[i]);
}

/* False: the daemon is gone. */
static bool take_notes(struct helper *h)
{
        struct notify_note note;
        ssize_t n;

        while ((n = recv(h->fd, &note, sizeof note, MSG_DONTWAIT)) == (ssize_t)sizeof note) {
                if (note.what == NOTIFY_END)
                        h->end_us = notify_hook_now_us() + NOTIFY_DRAIN_S * TIME_S;
                for (int i = 0; i < h->tool->hook_count; i++)
                        if ((note.hooks & UINT32_C(1) << i) != 0)
                                notify_queue_put(&h->queue[i], &note);
        }
        return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static bool is_busy(const struct helper *h)
{
        for (int i = 0; i < h->tool->hook_count; i++)
                if (h->hook[i].pid != 0 || h->queue[i].count > 0)
                        return true;
        return false;
}

/* When a program's time, or that of the end, is over. */
static int64_t next_deadline(const struct helper *h)
{
        int64_t next = h->end_us;

        for (int i = 0; i < h->tool->hook_count; i++)
                if (h->hook[i].pid != 0 && !h->hook[i].is_late && h->hook[i].until_us < next)
                        next = h->hook[i].until_us;
        return next;
}

/* Until something happens. Signals are let in here only: the end of a program cannot be missed. */
static void sleep_until(struct helper *h, const sigset_t *open)
{
        struct pollfd p[TOOL_HOOKS_MAX + 1] = {{.fd = h->fd, .events = POLLIN}};
        int64_t at_us = next_deadline(h), left_us = at_us == TIME_NEVER ? 0 : at_us - notify_hook_now_us();
        struct timespec left;

        if (left_us < 0)
                left_us = 0;
        left = (struct timespec){.tv_sec = left_us / TIME_S, .tv_nsec = left_us % TIME_S * 1000};
        for (int i = 0; i < h->tool->hook_count; i++)
                p[i + 1] = (struct pollfd){.fd = notify_hook_output(&h->hook[i]), .events = POLLIN};
        if (ppoll(p, (nfds_t)h->tool->hook_count + 1, at_us == TIME_NEVER ? NULL : &left, open) <= 0)
                return;
        for (int i = 0; i < h->tool->hook_count; i++)
                if (p[i + 1].revents != 0)
                        notify_hook_read(&h->hook[i]);
}

static void look_after(struct helper *h, int i)
{
        take_end(h, i);
        if (h->hook[i].pid != 0 && !h->hook[i].is_late &&
            notify_hook_now_us() >= (h->end_us < h->hook[i].until_us ? h->end_us : h->hook[i].until_us)) {
                h->hook[i].is_late = true;
                notify_hook_kill(&h->hook[i]);
        }
        if (notify_hook_now_us() < h->end_us) {
                begin_next(h, i);
                return;
        }
        h->hook[i].note.more += h->queue[i].count;
        h->queue[i].count = 0;
}

static void on_child(int signal)
{
        (void)signal;
}

static void serve(struct helper *h)
{
        struct sigaction on_end = {.sa_handler = on_child};
        sigset_t children, open;

        (void)sigemptyset(&children);
        (void)sigaddset(&children, SIGCHLD);
        (void)sigprocmask(SIG_BLOCK, &children, &open);
        (void)sigdelset(&open, SIGCHLD);
        (void)sigaction(SIGCHLD, &on_end, NULL);
        while (take_notes(h)) {
                for (int i = 0; i < h->tool->hook_count; i++)
                        look_after(h, i);
                if (h->end_us != TIME_NEVER && !is_busy(h))
                        return;
                sleep_until(h, &open);
        }
        kill_all(h);
}

/* ---- processes ---- */

/* Nothing of the daemon's: neither its priority, which it may have from its start, nor its protection from the kernel's search
 * for memory, nor its signals. It ends when its socket does. */
static void be_ordinary(void)
{
        static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
        const struct sched_param none = {0};
        const struct rlimit nothing = {0, 0};
        int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

        if (fd >= 0) {
                (void)!write(fd, "0", 1);
                (void)close(fd);
        }
        (void)sched_setscheduler(0, SCHED_OTHER, &none);
        /* And no hook takes either from what the daemon's unit allows. */
        (void)setrlimit(RLIMIT_RTPRIO, &nothing);
        (void)setrlimit(RLIMIT_MEMLOCK, &nothing);
        (void)setpriority(PRIO_PROCESS, 0, 5);
        (void)setpgid(0, 0);
        (void)prctl(PR_SET_NAME, "aldd-notify");
        for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
                (void)signal(ignored[i], SIG_IGN);
}

static _Noreturn void work(const struct tool *tool, int fd, pid_t *groups)
{
        struct helper *h = calloc(1, sizeof *h);

        if (h == NULL)
                _exit(1);
        h->tool = tool;
        h->fd = fd;
        h->groups = groups;
        h->end_us = TIME_NEVER;
        for (int i = 0; i < TOOL_HOOKS_MAX; i++)
                h->hook[i].out = -1;
        serve(h);
        _exit(0);
}

/* What the worker had started and not yet told of, or what has left its group, came to us when the worker died. What may not be
 * killed is left. */
static void end_orphans(void)
{
        int count;

        do {
                FILE *file = fopen("/proc/thread-self/children", "re");
                int pid;

                count = 0;
                while (file != NULL && fscanf(file, "%d", &pid) == 1) {
                        (void)kill(-pid, SIGKILL);
                        count += kill(pid, SIGKILL) == 0;
                }
                if (file != NULL)
                        (void)fclose(file);
                for (int i = 0; i < count; i++)
                        (void)waitpid(-1, NULL, 0);
        } while (count > 0);
}

/* Until the worker has ended; what its programs left behind is ours too, and ends unheard. */
static bool await_worker(pid_t worker, int *status)
{
        pid_t ended;

        do
                ended = waitpid(-1, status, 0);
        while (ended != worker && (ended > 0 || errno == EINTR));
        return ended == worker;
}

/* Two processes: one that works, and one that only waits for it. When the first is killed, the second ends what it was running
 * and starts another: programs have their bound in every case, and the daemon never needs to fork. */
_Noreturn void notify_helper_main(const struct tool *tool, int fd)
{
        pid_t *groups = mmap(
            NULL, TOOL_HOOKS_MAX * sizeof *groups, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        be_ordinary();
        (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
        while (groups != MAP_FAILED) {
                const struct notify_result restarted = {.how = NOTIFY_RESTARTED};
                int status = 0;
                pid_t pid = fork();

                if (pid == 0)
                        work(tool, fd, groups);
                if (pid < 0 || !await_worker(pid, &status) || WIFEXITED(status))
                        break;
                for (int i = 0; i < TOOL_HOOKS_MAX; i++) {
                        if (groups[i] != 0)
                                (void)kill(-groups[i], SIGKILL);
                        groups[i] = 0;
                }
                end_orphans();
                (void)!send(fd, &restarted, sizeof restarted, MSG_NOSIGNAL | MSG_DONTWAIT);
        }
        _exit(0);
}
