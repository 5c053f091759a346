/* Priorities and memory: what is said of them, what the kernel then has, and that nothing is allocated once the links run. */
#include "ald/base/time.h"
#include "ald/bus/bus.h"
#include "ald/bus/realtime.h"
#include "ald/bus/server.h"
#include "link_tool.h"
#include "one_scenario.h"
#include "store_fixture.h"
#include "suite.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Who allocates? ---- */

static atomic_bool is_counting;            /* what links' workers allocate */
static _Thread_local bool is_counted_here; /* what this thread does */
static atomic_long allocations;

static long count_allocations(void)
{
        return atomic_load(&allocations);
}

/* The sanitizers bring allocators of their own. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#if defined(IS_SANITIZED) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { CAN_COUNT = false };
#else
enum { CAN_COUNT = true };
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void __libc_free(void *p);

static void count(void)
{
        char name[16] = "";

        if (!atomic_load(&is_counting) && !is_counted_here)
                return;
        if (!is_counted_here)
                prctl(PR_GET_NAME, name);
        if (is_counted_here || strncmp(name, "bus-", 4) == 0)
                atomic_fetch_add(&allocations, 1);
}

/* In place of the C library's, for it and for every other library too. */
void *malloc(size_t size)
{
        count();
        return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
        count();
        return __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
        count();
        return __libc_realloc(p, size);
}

void free(void *p)
{
        if (p != NULL)
                count(); /* giving back takes the allocator's lock as well */
        __libc_free(p);
}
#endif

START_TEST(an_allocation_is_counted)
{
        is_counted_here = true;
        void *volatile p = malloc(100);
        free(p);
        is_counted_here = false;
        free(strdup("not counted"));
        ck_assert_int_eq(count_allocations(), CAN_COUNT ? 2 : 0);
}
END_TEST

/* ---- Workers ---- */

static struct plant {
        pthread_mutex_t lock;
        double value[TOOL_TAGS_MAX];
        uint16_t dog[16];
        bool is_opening;
        _Atomic int64_t open_delay_us;
        _Atomic int exception; /* of every read of the plant's speed */
} plant = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int plant_read(void *ctx, int tag, double *value)
{
        (void)ctx;
        *value = plant.value[tag];
        return tag == TAG_SPEED ? atomic_load(&plant.exception) : 0;
}

static int plant_write(void *ctx, int tag, double value)
{
        (void)ctx;
        plant.is_opening = tag <= TAG_WATER && value != 0;
        plant.value[tag] = value;
        return 0;
}

static int dog_read(void *ctx, int device, int address, uint16_t *word)
{
        (void)ctx;
        (void)device;
        *word = plant.dog[address - 0x1000];
        return 0;
}

static int dog_write(void *ctx, int device, int address, uint16_t word)
{
        (void)ctx;
        (void)device;
        plant.is_opening = false;
        plant.dog[address - 0x1000] = word;
        if (address == 0x1003)
                plant.dog[6] = TOOL_WATCHDOG_RUNNING;
        return 0;
}

static int64_t plant_delay(void *ctx, int device, bool is_write)
{
        (void)ctx;
        (void)device;
        return is_write && plant.is_opening ? atomic_load(&plant.open_delay_us) : 0;
}

static struct bus *bus;
static struct event event; /* the last one that came */
static int pulses_done, pulses_failed, writes_ok;

/* As the loop does it; what it allocates is counted. */
static void turn(void)
{
        uint64_t n;
        struct pollfd p = {.fd = bus_fd(bus), .events = POLLIN};

        is_counted_here = true;
        bus_feed(bus, bus_now_us());
        if (poll(&p, 1, 5) > 0 && read(bus_fd(bus), &n, sizeof n) < 0)
                n = 0;
        while (bus_next(bus, &event)) {
                pulses_done += event.kind == EVENT_PULSE && event.u.pulse.outcome == PULSE_DONE;
                pulses_failed += event.kind == EVENT_PULSE && event.u.pulse.outcome == PULSE_FAILED;
                writes_ok += event.kind == EVENT_WROTE && event.u.wrote.ok;
        }
        is_counted_here = false;
}

static void await_count(const int *count, int n)
{
        int64_t end = bus_now_us() + 20 * TIME_S;

        while (*count < n) {
                ck_assert_msg(bus_now_us() < end, "%d of %d came", *count, n);
                turn();
        }
}

static void close_all(void)
{
        int before = writes_ok;

        for (int tag = TAG_NB; tag <= TAG_WATER; tag++) {
                struct effect_write w = {
                    .id = 900 + tag, .tag = (int16_t)tag, .cause = CAUSE_STEP, .is_safe = true};
                bus_write(bus, &w);
        }
        await_count(&writes_ok, before + 2);
}

static void give_pulse(uint32_t id)
{
        struct effect_pulse p = {.id = id, .tag = TAG_NB, .open_us = bus_now_us() + 50000};

        p.close_us = p.open_us + 100000;
        is_counted_here = true;
        bus_pulse(bus, &p);
        is_counted_here = false;
}

/* Polls, pulses, a device's exception, a reply that comes too late, a connection that is replaced: none of it allocates,
 * neither in the links' workers nor where the loop orders and hears. */
START_TEST(links_allocate_nothing_after_their_start)
{
        static const struct server_tool behind = {.ctx = &plant,
            .read = plant_read,
            .write = plant_write,
            .read_watchdog = dog_read,
            .write_watchdog = dog_write,
            .reply_delay = plant_delay};
        struct tool *tool = link_tool_new();
        const char *why = "";
        char text[200];
        struct server *server = server_start(tool, &behind, "127.0.0.1:0", text, sizeof text);

        ck_assert_msg(server != NULL, "%s", text);
        for (int i = 0; i < tool->link_count; i++)
                tool->links[i].port = server_port(server, i);
        bus = bus_start(tool, &why);
        ck_assert_msg(bus != NULL, "%s", why);
        atomic_store(&is_counting, true);
        close_all();
        for (int64_t end = bus_now_us() + TIME_S; bus_now_us() < end;)
                turn(); /* the watchdog runs */
        /* (On a busy machine one or the other may fail; each failed one took its own way through the worker.) */
        for (uint32_t id = 1; id <= 5; id++) {
                give_pulse(id);
                int ended = pulses_done + pulses_failed + 1;
                for (int64_t end = bus_now_us() + 5 * TIME_S;
                     pulses_done + pulses_failed < ended && bus_now_us() < end;)
                        turn();
        }
        atomic_store(&plant.exception, 2);
        atomic_store(&plant.open_delay_us, 300000);
        give_pulse(6);
        await_count(&pulses_failed, 1);
        atomic_store(&plant.open_delay_us, -2); /* the connection is dropped */
        give_pulse(7);
        for (int64_t end = bus_now_us() + 2 * TIME_S; bus_now_us() < end;)
                turn();
        atomic_store(&is_counting, false);
        ck_assert_int_gt(pulses_done, 0);
        ck_assert_int_eq(count_allocations(), 0);
        bus_stop(bus);
        server_stop(server);
        free(tool);
}
END_TEST

/* ---- The loop ---- */

static struct store *kept;

static void keep(struct scenario *scenario, const struct record *r)
{
        (void)scenario;
        if (r->kind != RECORD_RUN_START) /* (the recipe's text is copied at the start of its run) */
                store_post(kept, r);
}

static bool keep_piece(void *ctx, const struct tape_piece *piece)
{
        return store_post_input(ctx, piece);
}

/* Turns of the core, their tape, and what is handed to the record: a run from its first pulse on. */
START_TEST(the_control_path_allocates_nothing_in_a_run)
{
        fixture_make();
        struct store_config config = fixture_config(fixture_path("a.db"));
        setup();
        config.tool = s->tool;
        kept = store_open(&config);
        s->tape = tape_new(&(struct tape_sink){.ctx = kept, .take = keep_piece});
        s->on_record = keep;
        scenario_start(s, "3", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        int64_t limit = virtual_now(s->v) + TIME_H;
        is_counted_here = true;
        bool is_complete = virtual_run_to(s->v, MACHINE_COMPLETE, limit);
        is_counted_here = false;
        ck_assert(is_complete);
        ck_assert_int_eq(count_allocations(), 0);
        store_close(kept);
        tape_free(s->tape);
        teardown();
        fixture_clean();
}
END_TEST

/* ---- What is said ---- */

static const char *describe(const struct realtime *rt, int links)
{
        static char text[320];
        struct text t;

        text_init(&t, text, sizeof text);
        realtime_describe(&t, rt, links);
        ck_assert(!t.truncated);
        ck_assert_uint_lt(t.len, sizeof((struct record_event *)NULL)->text - 24);
        return text;
}

START_TEST(one_line_says_what_is_so)
{
        struct realtime rt = {.is_asked = true, .worker = 40, .loop = 39, .is_locked = true};

        ck_assert_str_eq(describe(&rt, 2), "SCHED_FIFO 40 for 2 links, 39 for the loop; memory locked");
        ck_assert(realtime_is_whole(&rt));
        rt.is_locked = false;
        rt.memory_errno = ENOMEM;
        ck_assert(!realtime_is_whole(&rt));
        ck_assert_str_eq(describe(&rt, 1), "SCHED_FIFO 40 for 1 link, 39 for the loop; memory not locked "
                                           "(ENOMEM): LimitMEMLOCK=infinity, or "
                                           "`ulimit -l unlimited`, allows it");
        rt = (struct realtime){.is_asked = true, .fifo_errno = EPERM, .is_locked = true};
        ck_assert(!realtime_is_whole(&rt));
        ck_assert_str_eq(describe(&rt, 2), "not allowed (EPERM): pulses keep their time only while the "
                                           "machine is idle; LimitRTPRIO=40 in its "
                                           "unit, or `ulimit -r 40`, allows it; memory locked");
        rt = (struct realtime){.is_asked = false};
        ck_assert(realtime_is_whole(&rt));
        ck_assert_str_eq(
            describe(&rt, 2), "off (--no-realtime): pulses keep their time only while the machine is idle");
        rt = (struct realtime){.is_asked = true, .fifo_errno = EPERM, .memory_errno = EPERM};
        describe(&rt, 2); /* the longest */
}
END_TEST

/* ---- What the kernel has ---- */

/* As the kernel says: the C library remembers what it handed on. */
static int policy_of_this_thread(void)
{
        return sched_getscheduler(0) & ~SCHED_RESET_ON_FORK;
}

static void *say_policy(void *ctx)
{
        *(int *)ctx = policy_of_this_thread();
        return NULL;
}

START_TEST(what_was_not_asked_for_is_not_done)
{
        struct realtime rt;

        realtime_begin(&rt, false);
        ck_assert_int_eq(rt.worker, 0);
        ck_assert_int_eq(rt.loop, 0);
        ck_assert(!rt.is_locked);
        ck_assert(!realtime_raise(pthread_self(), rt.worker));
        ck_assert_int_eq(policy_of_this_thread(), SCHED_OTHER);
}
END_TEST

/* A user without limits: nothing is had, nothing breaks, and why is known. */
START_TEST(what_is_not_allowed_is_told)
{
        const struct rlimit none = {0, 0}, little = {1 << 20, 1 << 20};
        struct realtime rt;

        setrlimit(RLIMIT_RTPRIO, &none);
        setrlimit(RLIMIT_MEMLOCK, &little);
        if (getuid() == 0)
                ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
        realtime_begin(&rt, true);
        ck_assert_int_eq(rt.worker, 0);
        ck_assert_int_eq(rt.fifo_errno, EPERM);
        if (CAN_COUNT) { /* (the sanitizers' mlockall() does nothing, and says that it did) */
                ck_assert(!rt.is_locked);
                ck_assert_int_ne(rt.memory_errno, 0);
        }
        ck_assert_int_eq(policy_of_this_thread(), SCHED_OTHER);
        void *volatile p = malloc(8 << 20); /* what later comes is not refused by the limit */
        ck_assert_ptr_nonnull(p);
        free(p);
}
END_TEST

/* Only where it is allowed. */
START_TEST(what_is_allowed_is_had)
{
        struct realtime rt;
        struct rlimit limit;
        pthread_t thread;
        int policy = -1;

        realtime_begin(&rt, true);
        if (rt.worker == 0)
                return;
        ck_assert_int_eq(policy_of_this_thread(), SCHED_OTHER); /* trying leaves nothing behind */
        ck_assert_int_lt(rt.loop, rt.worker);
        ck_assert(realtime_raise(pthread_self(), rt.worker));
        ck_assert_int_eq(policy_of_this_thread(), SCHED_FIFO);
        ck_assert_int_eq(pthread_create(&thread, NULL, say_policy, &policy), 0);
        pthread_join(thread, NULL);
        ck_assert_int_eq(policy, SCHED_OTHER);
        ck_assert_int_eq(getrlimit(RLIMIT_RTTIME, &limit), 0);
        ck_assert_uint_eq(limit.rlim_cur, REALTIME_RUNAWAY_S * 1000000);
        ck_assert_uint_eq(limit.rlim_max, REALTIME_RUNAWAY_S * 1000000 + 1000000);
}
END_TEST

/* A bug that never waits ends the process, not the machine. */
START_TEST(a_runaway_is_ended)
{
        struct realtime rt;

        realtime_begin(&rt, true);
        if (!realtime_raise(pthread_self(), rt.worker))
                raise(SIGXCPU);
        while (bus_now_us() >= 0)
                ;
}
END_TEST

static Suite *suite(void)
{
        Suite *suite = suite_create("realtime");
        TCase *tc = tcase_create("allocations");

        tcase_set_timeout(tc, 120);
        tcase_add_test(tc, an_allocation_is_counted);
        if (CAN_COUNT) {
                tcase_add_test(tc, links_allocate_nothing_after_their_start);
                tcase_add_test(tc, the_control_path_allocates_nothing_in_a_run);
        }
        suite_add_tcase(suite, tc);
        tc = tcase_create("priority");
        tcase_set_timeout(tc, 60);
        tcase_add_test(tc, one_line_says_what_is_so);
        tcase_add_test(tc, what_was_not_asked_for_is_not_done);
        tcase_add_test(tc, what_is_not_allowed_is_told);
        tcase_add_test(tc, what_is_allowed_is_had);
        tcase_add_test_raise_signal(tc, a_runaway_is_ended, SIGXCPU);
        suite_add_tcase(suite, tc);
        return suite;
}

int main(void)
{
        return suite_main(suite());
}
