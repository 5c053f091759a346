/* The schedule of one link whose module times pulses itself, against such a module (sim/pulser.h) in virtual time. */
#include "ald/base/random.h"
#include "ald/base/time.h"
#include "ald/link/pair.h"
#include "ald/link/registers.h"
#include "ald/link/sched.h"
#include "ald/link/timed.h"
#include "ald/sim/pulser.h"
#include "link_tool.h"
#include "suite.h"

#include <check.h>

enum { WIDTH = 18, START = 34, COUNT = 100, MODE = 66, LOW = 2 };
/* What befalls a call: a time to its answer, or one of these. */
enum { LOST = -1, UNANSWERED = -2, EXCEPTION = -3, WRONG = -4 };
enum { EVENTS = 2000, CALLS = 4000, EDGES = 400, ORDERS = 64 };

static struct rig {
        struct tool *tool;
        struct registers registers;
        struct sched *s;
        int64_t now_us, core_dies_us;
        bool is_connected;
        int64_t (*befall)(const struct sched_action *a);
        struct random random;
        double coil[3];
        struct pulser pulser;
        int64_t refuses_until_us; /* new connections */
        int64_t drags_us;         /* the module's clock makes a pulse longer by so much */
        int extra;                /* pulses that it puts out beside the one asked for */
        struct {
                int64_t at_us;
                int tag;
                bool on;
        } edge[EDGES];
        int edges;
        struct {
                int64_t sent_us;
                struct sched_action action;
        } call[CALLS];
        int calls;
        struct event event[EVENTS];
        int events;
        struct effect_pulse pulse[ORDERS];
        bool is_given[ORDERS];
        int pulses;
        int64_t revoke_us;
        uint32_t revoke_id;
} rig;

/* Does the module count its pulses? */
static bool has_count = true;

/* ---- The module ---- */

static void set(int tag, double value, int64_t at_us)
{
        if (rig.coil[tag] == value)
                return;
        rig.coil[tag] = value;
        ck_assert_int_lt(rig.edges, EDGES);
        rig.edge[rig.edges].at_us = at_us;
        rig.edge[rig.edges].tag = tag;
        rig.edge[rig.edges++].on = value != 0;
}

static void pass(int64_t until_us)
{
        int64_t end_us = pulser_deadline_us(&rig.pulser);
        if (!pulser_expire(&rig.pulser, until_us))
                return;
        set(TAG_WATER, 0, end_us);
        rig.pulser.count = (uint16_t)(rig.pulser.count + rig.extra);
}

static int read_tag(void *ctx, int tag, double *value)
{
        (void)ctx;
        *value = rig.coil[tag];
        return 0;
}

static int write_tag(void *ctx, int tag, double value)
{
        if (tag == TAG_WATER && value == 0)
                pulser_cut(&rig.pulser);
        set(tag, value, *(const int64_t *)ctx);
        return 0;
}

static int read_pulser(void *ctx, int tag, int address, uint16_t *word)
{
        (void)ctx, (void)tag;
        return pulser_read(&rig.pulser, address, word);
}

static int write_pulser(void *ctx, int tag, int address, uint16_t word)
{
        bool begins;
        int exception = pulser_write(&rig.pulser, address, word, *(const int64_t *)ctx, &begins);
        if (begins) {
                set(tag, 1, *(const int64_t *)ctx);
                rig.pulser.end_us += rig.drags_us;
        }
        return exception;
}

/* ---- The wire ---- */

static int64_t prompt(const struct sched_action *a)
{
        (void)a;
        return 500;
}

static int act(const struct sched_action *a, struct sched_result *r)
{
        int64_t at_us = rig.now_us + 200;
        pass(at_us);
        rig.registers.ctx = &at_us;
        if (a->kind == SCHED_READ)
                return registers_read(&rig.registers, DEV_VALVES, a->reg, a->address, a->count, r->words);
        return registers_write(&rig.registers, DEV_VALVES, a->reg, a->address, a->count, a->words);
}

static void call_now(const struct sched_action *a, struct sched_result *r)
{
        int64_t how = rig.befall(a);
        ck_assert(rig.is_connected);
        ck_assert_int_gt(a->limit_us, rig.now_us);
        ck_assert_int_lt(rig.calls, CALLS);
        rig.call[rig.calls].sent_us = rig.now_us;
        rig.call[rig.calls++].action = *a;
        if (how >= 0 || how == UNANSWERED || how == WRONG)
                r->exception = act(a, r);
        else if (how == EXCEPTION)
                r->exception = 4;
        if (how == WRONG)
                r->words[0] ^= 1;
        r->outcome = r->exception ? SCHED_EXCEPTION : SCHED_OK;
        r->done_us = rig.now_us + (how > 0 ? how : 500);
        if (how == LOST || how == UNANSWERED || r->done_us > a->limit_us) {
                r->done_us = a->limit_us;
                r->outcome = SCHED_TIMEOUT;
        }
}

static void do_action(const struct sched_action *a)
{
        struct sched_result r = {.sent_us = rig.now_us, .done_us = rig.now_us};
        if (a->kind == SCHED_CONNECT) {
                r.done_us += 300;
                rig.is_connected = rig.now_us >= rig.refuses_until_us;
                r.outcome = rig.is_connected ? SCHED_OK : SCHED_CLOSED;
        } else if (a->kind == SCHED_CLOSE) {
                rig.is_connected = false;
        } else {
                call_now(a, &r);
        }
        rig.now_us = r.done_us;
        sched_done(rig.s, &r);
}

/* ---- The core ---- */

static int64_t give(void)
{
        int64_t next = TIME_NEVER;
        for (int i = 0; i < rig.pulses; i++) {
                int64_t at_us = rig.pulse[i].open_us - 50000;
                if (rig.is_given[i])
                        continue;
                if (at_us > rig.now_us) {
                        next = time_min(next, at_us);
                        continue;
                }
                rig.is_given[i] = true;
                sched_pulse(rig.s, &rig.pulse[i], rig.now_us);
        }
        if (rig.revoke_us > rig.now_us)
                return time_min(next, rig.revoke_us);
        sched_revoke(rig.s, rig.revoke_id, rig.now_us);
        rig.revoke_us = TIME_NEVER;
        return next;
}

static int64_t feed(void)
{
        int64_t turn = rig.now_us - rig.now_us % 10000;
        if (turn >= rig.core_dies_us)
                return TIME_NEVER;
        sched_feed(rig.s, turn);
        return turn + 10000;
}

static void take(void)
{
        while (sched_report(rig.s, &rig.event[rig.events]))
                ck_assert_int_lt(++rig.events, EVENTS);
}

static void run_until(int64_t until_us)
{
        struct sched_action a;
        for (int n = 0; rig.now_us < until_us; n++) {
                ck_assert_msg(n < 200000, "busy loop");
                int64_t next = time_min(feed(), give());
                sched_next(rig.s, rig.now_us, &a);
                if (a.kind == SCHED_WAIT)
                        rig.now_us = time_min(until_us, time_min(a.until_us, next));
                else
                        do_action(&a);
                take();
        }
        pass(rig.now_us);
}

static void make_tool(void)
{
        rig.tool = link_tool_new();
        rig.tool->devices[DEV_VALVES].watchdog.present = false;
        for (int i = TAG_NB; i <= TAG_EXHAUST; i++)
                rig.tool->tags[i].failsafe = TOOL_FAILSAFE_EXTERNAL;
        rig.tool->tags[TAG_WATER].failsafe = TOOL_FAILSAFE_DEVICE_TIMED;
        rig.tool->tags[TAG_WATER].pulse = (struct tool_pulse){.present = true,
            .width_register = WIDTH,
            .width_type = TOOL_UINT32,
            .width_order = TOOL_ORDER_CDAB,
            .width_unit_us = 100,
            .setup_count = 2,
            .setup = {{MODE, 1}, {LOW, 10}},
            .start_register = START,
            .start_value = 1,
            .count_register = has_count ? COUNT : TOOL_NONE};
}

static void close_by_write(uint32_t id, int tag)
{
        struct effect_write w = {.id = id, .tag = (int16_t)tag, .cause = CAUSE_STARTUP, .is_safe = true};
        ck_assert(sched_write(rig.s, &w, rig.now_us));
}

/* Connected, set up, and both valves known to be closed. */
static void start(void)
{
        memset(&rig, 0, sizeof rig);
        make_tool();
        rig.now_us = 1000000;
        rig.core_dies_us = rig.revoke_us = TIME_NEVER;
        rig.befall = prompt;
        rig.registers = (struct registers){.tool = rig.tool,
            .read = read_tag,
            .write = write_tag,
            .read_pulser = read_pulser,
            .write_pulser = write_pulser};
        rig.coil[TAG_EXHAUST] = 1;
        pulser_init(&rig.pulser, &rig.tool->tags[TAG_WATER].pulse);
        rig.pulser.count = 65534; /* it wraps with the second pulse */
        rig.s = sched_new(rig.tool, LINK_VALVES, rig.now_us);
        ck_assert_ptr_nonnull(rig.s);
        close_by_write(901, TAG_NB);
        close_by_write(902, TAG_WATER);
        run_until(rig.now_us + 100000);
}

static void finish(void)
{
        sched_free(rig.s);
        free(rig.tool);
}

static void give_pulse(uint32_t id, int tag, int64_t open_us, int64_t width_us)
{
        ck_assert_int_lt(rig.pulses, ORDERS);
        rig.pulse[rig.pulses++] = (struct effect_pulse){
            .id = id, .tag = (int16_t)tag, .open_us = open_us, .close_us = open_us + width_us};
}

/* ---- What came of it ---- */

static const struct event_pulse *pulse_of(uint32_t id)
{
        const struct event_pulse *found = NULL;
        for (int i = 0; i < rig.events; i++) {
                if (rig.event[i].kind != EVENT_PULSE || rig.event[i].u.pulse.id != id)
                        continue;
                ck_assert_msg(!found, "pulse %u was reported twice", id);
                found = &rig.event[i].u.pulse;
        }
        ck_assert_msg(found, "pulse %u was not reported", id);
        return found;
}

/* Writes of the valve's coil sent from `from_us` on, and when the first was. */
static int coil_writes(int64_t from_us, int64_t *first_us)
{
        int n = 0;
        for (int i = 0; i < rig.calls; i++) {
                const struct sched_action *a = &rig.call[i].action;
                if (a->kind != SCHED_WRITE || a->reg != TOOL_COIL || a->address != TAG_WATER ||
                    rig.call[i].sent_us < from_us)
                        continue;
                if (n++ == 0 && first_us)
                        *first_us = rig.call[i].sent_us;
        }
        return n;
}

static void check_edge(int i, bool on, int64_t at_us)
{
        ck_assert_int_lt(i, rig.edges);
        ck_assert_int_eq(rig.edge[i].tag, TAG_WATER);
        ck_assert_int_eq(rig.edge[i].on, on);
        ck_assert_int_eq(rig.edge[i].at_us, at_us);
}

static bool is_start(const struct sched_action *a)
{
        return a->kind == SCHED_WRITE && a->reg == TOOL_HOLDING && a->address == START;
}

static bool is_width(const struct sched_action *a, enum sched_kind kind)
{
        return a->kind == kind && a->reg == TOOL_HOLDING && a->address == WIDTH;
}

static bool is_check(const struct sched_action *a)
{
        return a->kind == SCHED_READ && a->reg == TOOL_COIL;
}

/* ---- A pulse as it should be ---- */

START_TEST(test_set_up_once_and_read_back)
{
        start();
        static const struct {
                enum sched_kind kind;
                int address;
        } want[] = {{SCHED_WRITE, MODE}, {SCHED_READ, MODE}, {SCHED_WRITE, LOW}, {SCHED_READ, LOW},
            {SCHED_READ, COUNT}};
        int n = 0;
        run_until(rig.now_us + 5000000);
        for (int i = 0; i < rig.calls; i++) {
                if (rig.call[i].action.reg != TOOL_HOLDING)
                        continue;
                ck_assert_int_lt(n, 5);
                ck_assert_int_eq(rig.call[i].action.kind, want[n].kind);
                ck_assert_int_eq(rig.call[i].action.address, want[n++].address);
        }
        ck_assert_int_eq(n, 5);
        ck_assert_int_eq(rig.edges, 0);
        finish();
}
END_TEST

START_TEST(test_handed_over_whole)
{
        start();
        int64_t t0 = rig.now_us + 100000, before = rig.now_us;
        give_pulse(1, TAG_WATER, t0, 100000);
        give_pulse(2, TAG_WATER, t0 + 500000, 20000);
        run_until(t0 + 1000000);
        check_edge(0, true, t0 + 200);
        check_edge(1, false, t0 + 100200);
        check_edge(2, true, t0 + 500200);
        check_edge(3, false, t0 + 520200);
        ck_assert_int_eq(coil_writes(before, NULL), 0); /* the close is the module's own */
        const struct event_pulse *p = pulse_of(1);
        ck_assert_int_eq(p->outcome, PULSE_DONE);
        ck_assert(p->is_device_timed);
        ck_assert_int_eq(p->open_sent_us, t0);
        ck_assert_int_eq(p->open_acked_us, t0 + 500);
        ck_assert_int_eq(p->close_sent_us, t0 + 100000);
        ck_assert_int_gt(p->close_acked_us, t0 + 100500);
        ck_assert_int_lt(p->close_acked_us, t0 + 115000);
        ck_assert_int_eq(pulse_of(2)->outcome, PULSE_DONE);
        finish();
}
END_TEST

START_TEST(test_width_comes_ahead_and_is_read_back)
{
        start();
        int64_t t0 = rig.now_us + 100000;
        int written = 0, read = 0;
        give_pulse(1, TAG_WATER, t0, 100030); /* the register counts in 0.1 ms */
        run_until(t0 + 1000);
        for (int i = 0; i < rig.calls; i++) {
                if (is_width(&rig.call[i].action, SCHED_WRITE)) {
                        written++;
                        ck_assert_int_eq(rig.call[i].action.count, 2);
                        ck_assert_int_eq(rig.call[i].action.words[0], 1000); /* low word first */
                        ck_assert_int_eq(rig.call[i].action.words[1], 0);
                        ck_assert_int_ge(rig.call[i].sent_us, t0 - 50000);
                        ck_assert_int_lt(rig.call[i].sent_us, t0);
                }
                read += is_width(&rig.call[i].action, SCHED_READ);
        }
        ck_assert_int_eq(written, 1);
        ck_assert_int_eq(read, 1);
        run_until(t0 + 300000);
        check_edge(1, false, t0 + 100200);
        ck_assert_int_eq(pulse_of(1)->close_sent_us - pulse_of(1)->open_sent_us, 100000);
        finish();
}
END_TEST

/* A dead core neither lengthens it nor, by a lease or a maximum, cuts it. */
START_TEST(test_dead_core_changes_nothing)
{
        start();
        int64_t t0 = rig.now_us + 100000, before = rig.now_us;
        give_pulse(1, TAG_WATER, t0, 2000000);
        rig.core_dies_us = t0 + 10000;
        run_until(t0 + 3000000);
        check_edge(1, false, t0 + 2000200);
        ck_assert_int_eq(coil_writes(before, NULL), 0);
        ck_assert_int_eq(pulse_of(1)->outcome, PULSE_DONE);
        finish();
}
END_TEST

/* A schedule that stands still over the close finds out afterwards. */
START_TEST(test_a_stopped_worker_asks_later)
{
        start();
        int64_t t0 = rig.now_us + 100000, before = rig.now_us;
        give_pulse(1, TAG_WATER, t0, 100000);
        run_until(t0 + 10000);
        rig.now_us = t0 + 5000000;
        run_until(t0 + 5100000);
        check_edge(1, false, t0 + 100200);
        ck_assert_int_eq(pulse_of(1)->outcome, PULSE_DONE);
        ck_assert_int_eq(coil_writes(before, NULL), 0);
        finish();
}
END_TEST

/* And when what it finds is wrong, there is time for the close. */
START_TEST(test_a_stopped_worker_closes_later)
{
        start();
        int64_t t0 = rig.now_us + 100000;
        rig.drags_us = 20000000;
        give_pulse(1, TAG_WATER, t0, 100000);
        run_until(t0 + 10000);
        rig.now_us = t0 + 5000000;
        run_until(t0 + 5100000);
        ck_assert_int_eq(rig.edges, 2);
        ck_assert_int_eq(pulse_of(1)->outcome, PULSE_FAILED);
        ck_assert_int_ne(pulse_of(1)->close_acked_us, 0);
        finish();
}
END_TEST

/* ---- What else may become of it ---- */

START_TEST(test_revoked_while_it_runs)
{
        start();
        int64_t t0 = rig.now_us + 100000;
        give_pulse(1, TAG_WATER, t0, 1000000);
        give_pulse(2, TAG_WATER, t0 + 1500000, 100000);
        rig.revoke_us = t0 + 400000;
        rig.revoke_id = 1;
        run_until(t0 + 2000000);
        check_edge(1, false, t0 + 400200);
        ck_assert_int_eq(pulse_of(1)->outcome, PULSE_CUT);
        ck_assert(!pulse_of(1)->is_device_timed);
        ck_assert_int_eq(pulse_of(1)->close_sent_us, t0 + 400000);
        ck_assert_int_eq(
            pulse_of(2)->outcome, PULSE_DONE); /* what the module counted of the first is asked again */
        finish();
}
END_TEST

START_TEST(test_revoked_before)
{
        start();
        int64_t t0 = rig.now_us + 100000;
        give_pulse(1, TAG_WATER, t0, 1000000);
        rig.revoke_us = t0 - 5000;
        rig.revoke_id = 1;
        run_until(t0 + 500000);
        ck_assert_int_eq(rig.edges, 0);
        ck_assert_int_eq(pulse_of(1)->outcome, PULSE_REVOKED);
        finish();
}
END_TEST

START_TEST(test_a_safe_write_cuts)
{
        start();
        int64_t t0 = rig.now_us + 100000;
        give_pulse(1, TAG_WATER, t0, 1000000);
        run_until(t0 + 300000);
        close_by_write(7, TAG_WATER);
        run_until(t0 + 2000000);
        check_edge(1, false, t0 + 300200);
        ck_assert_int_eq(pulse_of(1)->outcome, PULSE_CUT);
        finish();
}
END_TEST

/* Handed over so late that its width cannot be there in time: nothing opens. */
START_TEST(test_without_its_width_it_does_not_start)
{
        start();
        int64_t t0 = rig.now_us + 3000;
        give_pulse(1, TAG_WATER, t0, 100000);
        run_until(t0 + 300000);
        ck_assert_int_eq(rig.edges, 0);
        ck_assert_int_eq(pulse_of(1)->outcome, PULSE_REFUSED);
        finish();
}
END_TEST

START_TEST(test_a_late_start_is_refused)
{
        start();
        int64_t t0 = rig.now_us + 100000;
        give_pulse(1, TAG_WATER, t0, 100000);
        run_until(t0 - 1000);
        rig.now_us = t0 + PAIR_LATE_US + 1000;
        run_until(t0 + 300000);
        ck_assert_int_eq(rig.edges, 0);
        ck_assert_int_eq(pulse_of(1)->outcome, PULSE_LATE);
        finish();
}
END_TEST

START_TEST(test_one_pulse_more_or_less_is_no_dose)
{
        start();
        int64_t t0 = rig.now_us + 100000, at_us = 0;
        rig.extra = _i == 0 ? 1 : -1; /* two, or none */
        give_pulse(1, TAG_WATER, t0, 100000);
        run_until(t0 + 500000);
        ck_assert_int_eq(pulse_of(1)->outcome, PULSE_FAILED);
        ck_assert_int_ne(pulse_of(1)->close_acked_us, 0);
        ck_assert_int_eq(coil_writes(t0, &at_us), 1);
        ck_assert_int_lt(at_us, t0 + 110000);
        finish();
}
END_TEST

START_TEST(test_still_open_is_closed_at_once)
{
        has_count = _i == 0;
        start();
        int64_t t0 = rig.now_us + 100000;
        rig.drags_us = 3000000;
        give_pulse(1, TAG_WATER, t0, 100000);
        run_until(t0 + 500000);
        ck_assert_int_eq(rig.edges, 2);
        ck_assert_int_lt(rig.edge[1].at_us, t0 + 108000);
        ck_assert_int_eq(pulse_of(1)->outcome, PULSE_FAILED);
        ck_assert(!pulse_of(1)->is_device_timed);
        finish();
}
END_TEST

START_TEST(test_without_a_count)
{
        has_count = false;
        start();
        int64_t t0 = rig.now_us + 100000;
        give_pulse(1, TAG_WATER, t0, 100000);
        run_until(t0 + 500000);
        check_edge(1, false, t0 + 100200);
        ck_assert_int_eq(pulse_of(1)->outcome, PULSE_DONE);
        ck_assert(pulse_of(1)->is_device_timed);
        finish();
}
END_TEST

/* Lost in the pulse, the connection is there again when the module is to be asked, whatever the back-off says. */
START_TEST(test_a_connection_is_there_to_ask)
{
        start();
        int64_t t0 = rig.now_us + 100000, before = rig.now_us;
        give_pulse(1, TAG_WATER, t0, 400000);
        run_until(t0 + 10000);
        rig.refuses_until_us = _i == 0 ? t0 + 350000 : 0;
        sched_lost(rig.s, rig.now_us, "cable");
        rig.is_connected = false;
        run_until(t0 + 1500000);
        check_edge(1, false, t0 + 400200);
        ck_assert_int_eq(pulse_of(1)->outcome, PULSE_DONE);
        ck_assert_int_eq(coil_writes(before, NULL), 0);
        /* Nor is the module set up anew before it was asked. */
        for (int i = 0; i < rig.calls; i++)
                ck_assert(rig.call[i].sent_us < t0 || rig.call[i].action.address != MODE ||
                          rig.call[i].sent_us >= pulse_of(1)->close_acked_us);
        finish();
}
END_TEST

static int64_t lose_start(const struct sched_action *a)
{
        return is_start(a) ? LOST : 500;
}
static int64_t leave_start(const struct sched_action *a)
{
        return is_start(a) ? UNANSWERED : 500;
}

/* It may have started: until two closes were acknowledged nothing that it excludes opens. */
START_TEST(test_unanswered_start)
{
        start();
        int64_t t0 = rig.now_us + 100000, at_us = 0;
        rig.befall = _i == 0 ? lose_start : leave_start;
        give_pulse(1, TAG_WATER, t0, 100000);
        give_pulse(2, TAG_NB, t0 + 150000, 50000);
        give_pulse(3, TAG_NB, t0 + 600000, 50000);
        run_until(t0 + 1000000);
        int starts = 0;
        for (int i = 0; i < rig.calls; i++)
                starts += is_start(&rig.call[i].action);
        ck_assert_int_eq(starts, 1); /* never again */
        ck_assert_int_eq(pulse_of(1)->outcome, PULSE_FAILED);
        ck_assert_int_ge(coil_writes(t0, &at_us), 2);
        ck_assert_int_eq(at_us, t0 + 100000);
        ck_assert_int_eq(pulse_of(2)->outcome, PULSE_REFUSED);
        ck_assert_int_eq(pulse_of(3)->outcome, PULSE_DONE);
        finish();
}
END_TEST

static int64_t refuse_start(const struct sched_action *a)
{
        return is_start(a) ? EXCEPTION : 500;
}

START_TEST(test_refused_start)
{
        start();
        int64_t t0 = rig.now_us + 100000, at_us = 0;
        rig.befall = refuse_start;
        give_pulse(1, TAG_WATER, t0, 1000000);
        run_until(t0 + 300000);
        ck_assert_int_eq(rig.edges, 0);
        ck_assert_int_eq(coil_writes(t0, &at_us), 1);
        ck_assert_int_lt(at_us, t0 + 1000);
        ck_assert_int_eq(pulse_of(1)->outcome, PULSE_FAILED);
        finish();
}
END_TEST

static int64_t mute_check(const struct sched_action *a)
{
        return is_check(a) ? UNANSWERED : 500;
}
static int64_t refuse_check(const struct sched_action *a)
{
        return is_check(a) ? EXCEPTION : 500;
}

START_TEST(test_nobody_tells_how_it_went)
{
        start();
        int64_t t0 = rig.now_us + 100000, at_us = 0;
        rig.befall = _i == 0 ? mute_check : refuse_check;
        give_pulse(1, TAG_WATER, t0, 100000);
        run_until(t0 + 1000000);
        ck_assert_int_eq(coil_writes(t0, &at_us), 1);
        ck_assert_int_lt(at_us, t0 + 320000);
        ck_assert_int_eq(pulse_of(1)->outcome, PULSE_FAILED);
        ck_assert_int_ne(pulse_of(1)->close_acked_us, 0);
        finish();
}
END_TEST

/* V1, V2: closed by its own clock it still counts as open, until it was found closed. */
START_TEST(test_exclusions_hold_until_it_is_found_closed)
{
        start();
        int64_t t0 = rig.now_us + 100000;
        give_pulse(1, TAG_WATER, t0, 100000);
        give_pulse(2, TAG_NB, t0 + 103000, 50000);
        give_pulse(3, TAG_NB, t0 + 200000, 50000);
        run_until(t0 + 500000);
        ck_assert_int_eq(pulse_of(1)->outcome, PULSE_DONE);
        ck_assert_int_eq(pulse_of(2)->outcome, PULSE_REFUSED);
        ck_assert_int_eq(pulse_of(3)->outcome, PULSE_DONE);
        finish();
}
END_TEST

/* Nothing of it is written for a pulse that the gate would refuse. */
START_TEST(test_nothing_is_prepared_that_may_not_open)
{
        start();
        int64_t t0 = rig.now_us + 100000;
        give_pulse(1, TAG_NB, t0 - 80000, 200000);
        give_pulse(2, TAG_WATER, t0, 100000);
        run_until(t0 + 500000);
        for (int i = 0; i < rig.calls; i++) {
                ck_assert(!is_start(&rig.call[i].action));
                ck_assert(!is_width(&rig.call[i].action, SCHED_WRITE));
        }
        ck_assert_int_eq(pulse_of(2)->outcome, PULSE_REFUSED);
        finish();
}
END_TEST

static int64_t spoil_mode(const struct sched_action *a)
{
        return a->kind == SCHED_READ && a->reg == TOOL_HOLDING && a->address == MODE ? WRONG : 500;
}

START_TEST(test_a_module_that_takes_no_set_up)
{
        start();
        rig.befall = spoil_mode;
        sched_lost(rig.s, rig.now_us, "cable");
        int64_t t0 = rig.now_us + 500000;
        int calls = rig.calls;
        give_pulse(1, TAG_WATER, t0, 100000);
        run_until(t0 + 400000);
        ck_assert_int_eq(rig.edges, 0);
        ck_assert_int_eq(pulse_of(1)->outcome, PULSE_REFUSED);
        ck_assert_int_lt(rig.calls - calls, 10); /* asked again at a pace */
        rig.befall = prompt;
        run_until(rig.now_us + TIMED_RETRY_US);
        give_pulse(2, TAG_WATER, rig.now_us + 100000, 100000);
        run_until(rig.now_us + 500000);
        ck_assert_int_eq(pulse_of(2)->outcome, PULSE_DONE);
        finish();
}
END_TEST

static int64_t spoil_width(const struct sched_action *a)
{
        return is_width(a, SCHED_READ) ? WRONG : 500;
}

START_TEST(test_another_width_is_refused)
{
        start();
        int64_t t0 = rig.now_us + 100000;
        rig.befall = spoil_width;
        give_pulse(1, TAG_WATER, t0, 100000);
        run_until(t0 + 300000);
        ck_assert_int_eq(rig.edges, 0);
        ck_assert_int_eq(pulse_of(1)->outcome, PULSE_REFUSED);
        finish();
}
END_TEST

START_TEST(test_a_module_that_was_restarted)
{
        start();
        int64_t t0 = rig.now_us + 100000;
        pulser_init(&rig.pulser, rig.pulser.map); /* its mode and its count are gone; the connection stands */
        give_pulse(1, TAG_WATER, t0, 100000);
        give_pulse(2, TAG_WATER, t0 + 500000, 100000);
        run_until(t0 + 1000000);
        ck_assert_int_eq(pulse_of(1)->outcome, PULSE_FAILED);
        ck_assert_int_eq(pulse_of(2)->outcome, PULSE_DONE); /* set up anew */
        ck_assert_int_eq(rig.edges, 2);
        finish();
}
END_TEST

/* What only the module's clock makes safe opens by a pulse and by nothing else. */
START_TEST(test_no_plain_opening)
{
        start();
        struct effect_write w = {.id = 5, .tag = TAG_WATER, .cause = CAUSE_OPERATOR, .value = 1};
        sched_write(rig.s, &w, rig.now_us);
        run_until(rig.now_us + 100000);
        ck_assert_int_eq(rig.edges, 0);
        const struct event *last = &rig.event[rig.events - 1];
        ck_assert_int_eq(last->kind, EVENT_WROTE);
        ck_assert_int_eq(last->u.wrote.id, 5);
        ck_assert_int_eq(last->u.wrote.cause, CAUSE_GATE);
        ck_assert(!last->u.wrote.ok);
        finish();
}
END_TEST

START_TEST(test_too_wide_for_its_register)
{
        start();
        rig.tool->tags[TAG_WATER].pulse.width_type = TOOL_UINT16;
        rig.tool->tags[TAG_WATER].max_open_us = 0;
        int64_t t0 = rig.now_us + 100000;
        give_pulse(1, TAG_WATER, t0, 6553600);
        give_pulse(2, TAG_WATER, t0 + 500000, 49);
        run_until(t0 + 1000000);
        ck_assert_int_eq(rig.edges, 0);
        ck_assert_int_eq(pulse_of(1)->outcome, PULSE_REFUSED);
        ck_assert_int_eq(pulse_of(2)->outcome, PULSE_REFUSED);
        finish();
}
END_TEST

/* ---- Anything at all ---- */

static int64_t any(const struct sched_action *a)
{
        (void)a;
        int64_t fault = random_below(&rig.random, 100);
        if (fault < 4)
                return LOST;
        if (fault < 8)
                return UNANSWERED;
        if (fault < 10)
                return EXCEPTION;
        return fault < 14 ? random_between(&rig.random, 1000, 300000)
                          : random_between(&rig.random, 300, 3000);
}

/* The valve's openings: none is wider than it was told, none meets the other valve's, and what is reported as done was whole. */
static void check_openings(int64_t width_us)
{
        int64_t on_us[2] = {-1, -1};
        for (int i = 0; i < rig.edges; i++) {
                int tag = rig.edge[i].tag;
                ck_assert_int_le(tag, TAG_WATER);
                if (rig.edge[i].on) {
                        ck_assert_int_eq(on_us[1 - tag], -1);
                        on_us[tag] = rig.edge[i].at_us;
                        continue;
                }
                int64_t open_us = rig.edge[i].at_us - on_us[tag];
                if (tag == TAG_WATER)
                        ck_assert_int_le(open_us, width_us);
                for (int k = 0; tag == TAG_WATER && k < rig.events; k++) {
                        const struct event_pulse *p = &rig.event[k].u.pulse;
                        if (rig.event[k].kind == EVENT_PULSE && p->tag == tag && p->outcome == PULSE_DONE &&
                            p->open_sent_us <= on_us[tag] && on_us[tag] <= p->open_acked_us)
                                ck_assert_int_eq(open_us, width_us);
                }
                on_us[tag] = -1;
        }
        ck_assert(on_us[0] == -1 && on_us[1] == -1);
}

START_TEST(test_random_faults)
{
        static const int64_t width_us = 60000;
        start();
        int64_t t0 = rig.now_us + 100000;
        rig.random = (struct random){(uint64_t)_i + 1};
        rig.befall = any;
        for (int i = 0; i < 30; i++)
                give_pulse((uint32_t)i + 1, i % 2 ? TAG_NB : TAG_WATER,
                    t0 + i * 300000 + random_below(&rig.random, 100000), width_us);
        rig.revoke_us = t0 + random_below(&rig.random, 9000000);
        rig.revoke_id = (uint32_t)random_between(&rig.random, 1, 30);
        run_until(t0 + 30 * 300000);
        rig.befall = prompt;
        run_until(rig.now_us + 4000000);
        for (uint32_t id = 1; id <= 30; id++)
                pulse_of(id);
        check_openings(width_us);
        /* And it works again. */
        give_pulse(99, TAG_WATER, rig.now_us + 100000, width_us);
        run_until(rig.now_us + 500000);
        ck_assert_int_eq(pulse_of(99)->outcome, PULSE_DONE);
        finish();
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sched_timed");
        TCase *tc = tcase_create("sched_timed");
        tcase_set_timeout(tc, 60);
        tcase_add_test(tc, test_set_up_once_and_read_back);
        tcase_add_test(tc, test_handed_over_whole);
        tcase_add_test(tc, test_width_comes_ahead_and_is_read_back);
        tcase_add_test(tc, test_dead_core_changes_nothing);
        tcase_add_test(tc, test_a_stopped_worker_asks_later);
        tcase_add_test(tc, test_a_stopped_worker_closes_later);
        tcase_add_test(tc, test_revoked_while_it_runs);
        tcase_add_test(tc, test_revoked_before);
        tcase_add_test(tc, test_a_safe_write_cuts);
        tcase_add_test(tc, test_without_its_width_it_does_not_start);
        tcase_add_test(tc, test_a_late_start_is_refused);
        tcase_add_loop_test(tc, test_one_pulse_more_or_less_is_no_dose, 0, 2);
        tcase_add_loop_test(tc, test_still_open_is_closed_at_once, 0, 2);
        tcase_add_test(tc, test_without_a_count);
        tcase_add_loop_test(tc, test_a_connection_is_there_to_ask, 0, 2);
        tcase_add_loop_test(tc, test_unanswered_start, 0, 2);
        tcase_add_test(tc, test_refused_start);
        tcase_add_loop_test(tc, test_nobody_tells_how_it_went, 0, 2);
        tcase_add_test(tc, test_exclusions_hold_until_it_is_found_closed);
        tcase_add_test(tc, test_nothing_is_prepared_that_may_not_open);
        tcase_add_test(tc, test_a_module_that_takes_no_set_up);
        tcase_add_test(tc, test_another_width_is_refused);
        tcase_add_test(tc, test_a_module_that_was_restarted);
        tcase_add_test(tc, test_no_plain_opening);
        tcase_add_test(tc, test_too_wide_for_its_register);
        tcase_add_loop_test(tc, test_random_faults, 0, 300);
        suite_add_tcase(s, tc);
        return suite_main(s);
}
