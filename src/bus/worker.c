#include "ald/bus/worker.h"

#include "ald/base/text.h"       /* text_init */
#include "ald/base/time.h"       /* TIME_MS, time_min */
#include "ald/bus/bus.h"         /* bus_now_us */
#include "ald/bus/realtime.h"    /* realtime_raise, realtime_touch_stack */
#include "ald/bus/ring.h"        /* struct ring */
#include "ald/bus/wire.h"        /* struct wire */
#include "ald/link/plan.h"       /* plan_build */
#include "ald/link/quarantine.h" /* quarantine_check */
#include "ald/link/sched.h"      /* struct sched */

#include <assert.h>      /* assert */
#include <poll.h>        /* ppoll */
#include <pthread.h>     /* pthread_create */
#include <signal.h>      /* sigfillset */
#include <stdatomic.h>   /* atomic_* */
#include <stdio.h>       /* snprintf */
#include <stdlib.h>      /* aligned_alloc, free */
#include <string.h>      /* memset */
#include <sys/eventfd.h> /* eventfd */
#include <sys/prctl.h>   /* PR_SET_TIMERSLACK */
#include <unistd.h>      /* read, write, close */

/* Half of the orders' places are kept for safe values and revokes: every output of a tool and every pulse of a link at once
 * find room there, so none is ever dropped behind a flood of others. */
enum { ORDERS = 1024, ORDERS_URGENT = 512, EVENTS = 128 };
_Static_assert(
    (int)ORDERS_URGENT >= (int)TOOL_TAGS_MAX + (int)SCHED_PAIRS_MAX, "all that is urgent in a turn");

/* What is left to write at the end has this long. */
#define STOP_US INT64_C(700000)
/* While events cannot be handed over (the loop is busy), look again this often. */
#define STALL_US INT64_C(5000)
/* With a real-time priority the wait for an edge ends so long before it, and the rest is looked at the clock: waking up takes
 * 25-50 us (p50), which would go into every edge. Without one, whoever computes is the first to be put aside: p90 0.8 ms
 * instead of 0.07. */
#define SPIN_US INT64_C(150)
/* Of a worker; what it needs is a few KiB. */
enum { STACK_BYTES = 512 << 10 };

struct worker {
        const struct tool *tool; /* borrowed */
        int link;
        int event_fd; /* borrowed */
        int order_fd; /* eventfd: orders, a turn, or the end */
        bool has_watchdog;
        pthread_t thread;
        struct ring orders; /* loop -> worker */
        struct ring events; /* worker -> loop */
        _Atomic int64_t turn_us;
        _Atomic int64_t expected_us; /* the pulse that the core foresees */
        _Atomic bool is_stopping;
        _Atomic bool is_raised;   /* it has a real-time priority */
        _Atomic bool must_revoke; /* a revoke found even its own places full: then all pulses end */
        /* The worker's own. */
        struct sched *sched;
        struct wire *wire;
        bool is_ending;
        bool is_stalled;
        int64_t end_by_us;
};

static void wake(int fd)
{
        uint64_t one = 1;
        ssize_t n = write(fd, &one, sizeof one);
        (void)n; /* EAGAIN: the counter is full, so the reader has cause enough to wake */
}

/* ---- In the worker's thread ---- */

static void take_order(struct worker *w, const struct worker_order *o)
{
        int64_t now = bus_now_us();
        switch (o->kind) {
        case WORKER_WRITE:
                sched_write(w->sched, &o->u.write, now);
                break;
        case WORKER_PULSE:
                sched_pulse(w->sched, &o->u.pulse, now);
                break;
        case WORKER_REVOKE:
                sched_revoke(w->sched, o->u.revoke_id, now);
                break;
        case WORKER_REARM:
                sched_rearm(w->sched, o->u.device);
                break;
        case WORKER_LEFT_OPEN:
                sched_left_open(w->sched);
                break;
        case WORKER_PROVE:
                sched_prove(w->sched, &o->u.prove, now);
                break;
        }
}

static void take_orders(struct worker *w)
{
        int64_t turn = atomic_load_explicit(&w->turn_us, memory_order_acquire);
        if (turn != INT64_MIN)
                sched_feed(w->sched, turn);
        sched_expect(w->sched, atomic_load_explicit(&w->expected_us, memory_order_relaxed));
        if (atomic_exchange_explicit(&w->must_revoke, false, memory_order_acquire))
                sched_revoke_all(w->sched, bus_now_us());
        /* An order is left in the ring only while there is no room to report on it. One for which the schedule has no place
         * is refused: what is urgent may stand behind it. */
        while (sched_hears(w->sched)) {
                const struct worker_order *o = ring_peek(&w->orders);
                if (!o)
                        break;
                take_order(w, o);
                ring_release(&w->orders);
        }
        if (!w->is_ending && atomic_load_explicit(&w->is_stopping, memory_order_acquire)) {
                w->is_ending = true;
                w->end_by_us = bus_now_us() + STOP_US;
                sched_stop(w->sched, bus_now_us());
        }
}

static void give_events(struct worker *w)
{
        bool is_news = false;
        for (;;) {
                struct event *slot = ring_reserve(&w->events);
                w->is_stalled = slot == NULL;
                if (!slot || !sched_report(w->sched, slot))
                        break;
                ring_commit(&w->events);
                is_news = true;
        }
        if (is_news)
                wake(w->event_fd);
}

static void drain_fd(int fd)
{
        uint64_t count;
        ssize_t n = read(fd, &count, sizeof count);
        (void)n;
}

/* The rest of the way to an edge. */
static void spin_until(int64_t edge_us)
{
        while (bus_now_us() < edge_us)
                ;
}

/* Wait until then, or for an order. `lead_us`: as long before it as the wait may end. */
static void wait_until(struct worker *w, int64_t until_us, int64_t lead_us)
{
        struct pollfd p[2] = {
            {.fd = w->order_fd, .events = POLLIN}, {.fd = wire_fd(w->wire), .events = POLLIN}};
        int64_t now = bus_now_us();
        if (w->is_stalled)
                until_us = time_min(until_us, now + STALL_US);
        if (w->is_ending)
                until_us = time_min(until_us, w->end_by_us);
        int64_t left = until_us == TIME_NEVER ? 3600 * TIME_S : until_us - now - lead_us;
        left = left > 0 ? left : 0;
        struct timespec ts = {.tv_sec = left / TIME_S, .tv_nsec = (left % TIME_S) * 1000};
        int n = ppoll(p, 2, &ts, NULL);
        if (n == 0 && lead_us > 0)
                spin_until(until_us);
        if (n > 0 && p[0].revents)
                drain_fd(w->order_fd);
        if (n > 0 && p[1].revents) {
                const char *why = "";
                enum wire_state state = wire_check(w->wire, &why);
                if (state == WIRE_LOST)
                        sched_lost(w->sched, bus_now_us(), why);
                else if (state == WIRE_STRAY)
                        sched_stray(w->sched, bus_now_us());
        }
}

static bool is_over(const struct worker *w)
{
        return w->is_ending && (sched_is_idle(w->sched) || bus_now_us() >= w->end_by_us);
}

static void *run(void *arg)
{
        struct worker *w = arg;
        struct sched_action action;
        struct sched_result result;
        memset(&result, 0, sizeof result);
        realtime_touch_stack();
        prctl(PR_SET_TIMERSLACK, 1UL); /* ns; the default of 50 us would go into every edge */
        for (;;) {
                take_orders(w);
                give_events(w);
                if (is_over(w))
                        break;
                sched_next(w->sched, bus_now_us(), &action);
                if (action.kind == SCHED_WAIT) {
                        give_events(w); /* choosing may have ended an order */
                        bool may_spin =
                            action.is_edge && atomic_load_explicit(&w->is_raised, memory_order_relaxed);
                        wait_until(w, action.until_us, may_spin ? SPIN_US : 0);
                        continue;
                }
                wire_do(w->wire, &action, &result);
                sched_done(w->sched, &result);
        }
        give_events(w);
        return NULL;
}

/* ---- In the loop's thread ---- */

static void free_worker(struct worker *w)
{
        if (w->order_fd >= 0)
                close(w->order_fd);
        ring_free(&w->orders);
        ring_free(&w->events);
        sched_free(w->sched);
        wire_free(w->wire);
        free(w);
}

static bool has_watchdog(const struct tool *tool, int link)
{
        for (int i = 0; i < tool->device_count; i++)
                if (tool->devices[i].link == link && tool->devices[i].watchdog.present)
                        return true;
        return false;
}

/* A refusal's text; starting happens once, in main. */
static char probe_why[320];

/* Is every unit of a serial line such that late answers can be told apart? */
static bool check_probes(const struct worker *w)
{
        struct plan plan;
        struct text why;
        text_init(&why, probe_why, sizeof probe_why);
        return !plan_build(&plan, w->tool, w->link) ||
               quarantine_check(
                   w->tool, w->link, &plan, &why); /* (sched_new() refuses a plan that does not fit) */
}

static const char *set_up(struct worker *w)
{
        const char *why = NULL;
        w->order_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (w->order_fd < 0)
                return "no eventfd (too many open files?)";
        if (!ring_init(&w->orders, ORDERS, sizeof(struct worker_order)) ||
            !ring_init(&w->events, EVENTS, sizeof(struct event)))
                return "out of memory for its queues";
        if (!check_probes(w))
                return probe_why;
        w->sched = sched_new(w->tool, w->link, bus_now_us());
        if (!w->sched)
                return "its schedule cannot be made (more reads than a plan holds, a safe value that does "
                       "not fit its "
                       "register, or no memory)";
        w->wire = wire_new(&w->tool->links[w->link], &why);
        return why;
}

/* All signals stay with the program's main thread. */
static int start_thread(struct worker *w)
{
        sigset_t all, before;
        char name[16];
        pthread_attr_t attr;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, STACK_BYTES);
        int err = pthread_create(&w->thread, &attr, run, w);
        pthread_attr_destroy(&attr);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (err == 0) {
                snprintf(name, sizeof name, "bus-%.11s", w->tool->links[w->link].name);
                pthread_setname_np(w->thread, name);
        }
        return err;
}

struct worker *worker_start(const struct tool *tool, int link, int event_fd, const char **why)
{
        /* calloc() gives no more than the alignment of basic types; the rings want cache lines. */
        size_t size = (sizeof(struct worker) + 63) / 64 * 64;
        struct worker *w = aligned_alloc(64, size);
        if (!w) {
                *why = "out of memory";
                return NULL;
        }
        memset(w, 0, size);
        w->tool = tool;
        w->link = link;
        w->event_fd = event_fd;
        w->order_fd = -1;
        w->has_watchdog = has_watchdog(tool, link);
        atomic_init(&w->turn_us, INT64_MIN);
        atomic_init(&w->expected_us, TIME_NEVER);
        atomic_init(&w->must_revoke, false);
        atomic_init(&w->is_raised, false);
        *why = set_up(w);
        if (!*why && start_thread(w) != 0)
                *why = "no thread for it";
        if (*why) {
                free_worker(w);
                return NULL;
        }
        return w;
}

bool worker_raise(struct worker *w, int priority)
{
        if (!realtime_raise(w->thread, priority))
                return false;
        atomic_store_explicit(&w->is_raised, true, memory_order_relaxed);
        return true;
}

void worker_stop(struct worker *w)
{
        atomic_store_explicit(&w->is_stopping, true, memory_order_release);
        wake(w->order_fd);
}

void worker_join(struct worker *w)
{
        int err = pthread_join(w->thread, NULL);
        assert(err == 0);
        (void)err;
        free_worker(w);
}

static bool is_urgent(const struct worker_order *order)
{
        return order->kind == WORKER_REVOKE || (order->kind == WORKER_WRITE && order->u.write.is_safe);
}

bool worker_order(struct worker *w, const struct worker_order *order)
{
        struct worker_order *slot = ring_reserve(&w->orders);
        if (!slot && order->kind == WORKER_REVOKE) {
                atomic_store_explicit(&w->must_revoke, true, memory_order_release);
                wake(w->order_fd);
                return true;
        }
        if (!slot || (!is_urgent(order) && ring_free_count(&w->orders) <= ORDERS_URGENT))
                return false;
        *slot = *order;
        ring_commit(&w->orders);
        wake(w->order_fd);
        return true;
}

void worker_feed(struct worker *w, int64_t turn_us)
{
        atomic_store_explicit(&w->turn_us, turn_us, memory_order_release);
        if (w->has_watchdog)
                wake(w->order_fd); /* a feed may wait for it; leases are looked at when they are due anyway */
}

void worker_expect(struct worker *w, int64_t open_us)
{
        /* Nobody needs waking for it: it is looked at before every poll. */
        atomic_store_explicit(&w->expected_us, open_us, memory_order_relaxed);
}

const struct event *worker_peek(struct worker *w)
{
        return ring_peek(&w->events);
}

void worker_release(struct worker *w)
{
        ring_release(&w->events);
}
