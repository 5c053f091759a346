/* Slow neighbours on the link that carries the pulses, and devices that refuse addresses: a schedule against devices that each
 * take their own time to answer, in virtual time. */
#include "ald/base/time.h"
#include "ald/link/load.h"
#include "ald/link/pollset.h"
#include "ald/link/sched.h"
#include "link_tool.h"
#include "suite.h"

#include <check.h>

enum { CALLS = 6000, EVENTS = 6000, PULSES = 40, BAD = 8 };

struct call {
        int64_t sent_us, done_us;
        struct sched_action action;
};

static struct rig {
        struct tool *tool;
        struct sched *s;
        int64_t now_us;
        bool is_connected;
        int64_t answer_us[8];       /* by unit; -1: never */
        int bad_at[BAD], bad_count; /* addresses that do not exist, of unit 2's inputs */
        int bad_code;               /* the exception that says so */
        bool refuses_blocks;        /* unit 2 takes reads of at most two inputs */
        uint16_t reg[65536];
        uint16_t coil[16];
        bool foresees; /* the core tells of the next pulse ahead of handing it over */
        struct effect_pulse pulse[PULSES];
        int pulses, given;
        struct call call[CALLS];
        int calls, connects, edges;
        int64_t edge_us[2 * PULSES];
        struct event event[EVENTS];
        int events;
} rig;

static struct tool *new_tool(enum tool_link_kind kind)
{
        struct tool *t = link_tool_new();
        t->devices[DEV_VALVES].link = LINK_PLANT;
        t->links[LINK_PLANT].kind = kind;
        t->links[LINK_PLANT].baud = 115200;
        t->devices[DEV_VALVES].watchdog.present = false;
        for (int i = 0; kind == TOOL_LINK_RTU && i < t->device_count; i++)
                t->devices[i].signature = (struct tool_signature){true, TOOL_HOLDING, 900, 0};
        t->tags[TAG_NB].failsafe = t->tags[TAG_WATER].failsafe = TOOL_FAILSAFE_EXTERNAL;
        t->line_count = 1;
        t->lines[0] = (struct tool_line){.name = "nb", .valve = TAG_NB};
        return t;
}

static void start(enum tool_link_kind kind)
{
        memset(&rig, 0, sizeof rig);
        rig.tool = new_tool(kind);
        rig.now_us = 1000000;
        rig.bad_code = 2;
        rig.foresees = true;
        for (int i = 0; i < 8; i++)
                rig.answer_us[i] = 500;
        rig.s = sched_new(rig.tool, LINK_PLANT, rig.now_us);
        ck_assert_ptr_nonnull(rig.s);
}

static void finish(void)
{
        sched_free(rig.s);
        free(rig.tool);
}

/* ---- The devices ---- */

static bool is_bad(const struct sched_action *a)
{
        if (a->slave_id != 2 || a->kind != SCHED_READ || a->reg != TOOL_INPUT)
                return false;
        for (int i = 0; i < rig.bad_count; i++)
                if (rig.bad_at[i] >= a->address && rig.bad_at[i] < a->address + a->count)
                        return true;
        return rig.refuses_blocks && a->count > 2;
}

static void act(const struct sched_action *a, struct sched_result *r)
{
        for (int i = 0; i < a->count; i++) {
                bool is_coil = a->reg == TOOL_COIL;
                if (a->kind == SCHED_READ)
                        r->words[i] = is_coil ? rig.coil[a->address + i] : rig.reg[a->address + i];
                else if (!is_coil)
                        rig.reg[a->address + i] = a->words[i];
                else if (rig.coil[a->address + i] != a->words[i]) {
                        rig.coil[a->address + i] = a->words[i];
                        ck_assert_int_lt(rig.edges, 2 * PULSES);
                        if (a->address + i == 0)
                                rig.edge_us[rig.edges++] = rig.now_us;
                }
        }
}

static void call_now(const struct sched_action *a, struct sched_result *r)
{
        int64_t late = rig.answer_us[a->slave_id];
        ck_assert(rig.is_connected);
        if (is_bad(a)) {
                r->outcome = SCHED_EXCEPTION;
                r->exception = rig.bad_code;
        } else {
                act(a, r);
        }
        r->done_us = rig.now_us + late;
        if (late < 0 || r->done_us > a->limit_us) {
                r->done_us = a->limit_us;
                r->outcome = SCHED_TIMEOUT;
        }
        ck_assert_int_lt(rig.calls, CALLS);
        rig.call[rig.calls++] = (struct call){rig.now_us, r->done_us, *a};
}

static void do_action(const struct sched_action *a)
{
        static struct sched_result r;
        memset(&r, 0, sizeof r);
        r.sent_us = r.done_us = rig.now_us;
        if (a->kind == SCHED_CONNECT) {
                rig.is_connected = true;
                rig.connects++;
                r.done_us += 300;
        } else if (a->kind == SCHED_CLOSE) {
                rig.is_connected = false;
        } else {
                call_now(a, &r);
        }
        rig.now_us = r.done_us;
        sched_done(rig.s, &r);
}

/* ---- The core: a turn every 10 ms, pulses 50 ms ahead ---- */

static int64_t turn_core(void)
{
        int64_t turn = rig.now_us - rig.now_us % 10000;
        while (rig.given < rig.pulses && rig.pulse[rig.given].open_us - 50000 <= rig.now_us)
                sched_pulse(rig.s, &rig.pulse[rig.given++], rig.now_us);
        sched_feed(rig.s, turn);
        sched_expect(
            rig.s, rig.foresees && rig.given < rig.pulses ? rig.pulse[rig.given].open_us : TIME_NEVER);
        int64_t next = turn + 10000;
        return rig.given < rig.pulses ? time_min(next, rig.pulse[rig.given].open_us - 50000) : next;
}

static void run_until(int64_t until_us)
{
        struct sched_action a;
        struct event e;
        for (int n = 0; rig.now_us < until_us; n++) {
                ck_assert_msg(n < 1000000, "busy loop");
                int64_t next = turn_core();
                sched_next(rig.s, rig.now_us, &a);
                if (a.kind != SCHED_WAIT)
                        do_action(&a);
                else
                        rig.now_us = time_min(until_us, time_min(a.until_us, next));
                while (sched_report(rig.s, &e)) {
                        ck_assert_int_lt(rig.events, EVENTS);
                        rig.event[rig.events++] = e;
                }
        }
}

static void bring_up(void)
{
        for (int tag = TAG_NB; tag <= TAG_WATER; tag++) {
                struct effect_write w = {.id = (uint32_t)(900 + tag), .tag = (int16_t)tag, .is_safe = true};
                sched_write(rig.s, &w, rig.now_us);
        }
        run_until(rig.now_us + 1500000); /* a line begins in quarantine */
        rig.calls = rig.events = rig.edges = 0;
}

/* One every `period_us`, at times that fall on no raster. */
static void plan_pulses(int count, int64_t from_us, int64_t period_us, int64_t width_us)
{
        for (int i = 0; i < count; i++) {
                int64_t open_us = from_us + i * period_us + i * 1371;
                rig.pulse[rig.pulses++] = (struct effect_pulse){.id = (uint32_t)(1 + i),
                    .tag = TAG_NB,
                    .open_us = open_us,
                    .close_us = open_us + width_us};
        }
}

static int count_done(void)
{
        int n = 0;
        for (int i = 0; i < rig.events; i++)
                n += rig.event[i].kind == EVENT_PULSE && rig.event[i].u.pulse.outcome == PULSE_DONE;
        return n;
}

static bool was_refused(uint32_t id)
{
        for (int i = 0; i < rig.events; i++)
                if (rig.event[i].kind == EVENT_PULSE && rig.event[i].u.pulse.id == id)
                        return rig.event[i].u.pulse.outcome == PULSE_REFUSED ||
                               rig.event[i].u.pulse.outcome == PULSE_LATE;
        return false;
}

/* How late the latest edge was, of all pulses that were not refused. */
static int64_t worst_lateness(void)
{
        int64_t worst = 0;
        int edges = 0;
        for (int i = 0; i < rig.pulses; i++) {
                const struct effect_pulse *p = &rig.pulse[i];
                if (was_refused(p->id))
                        continue;
                ck_assert_int_le(edges + 2, rig.edges);
                int64_t open_late = rig.edge_us[edges++] - p->open_us;
                int64_t close_late = rig.edge_us[edges++] - p->close_us;
                ck_assert(open_late >= 0 && close_late >= 0);
                worst = open_late > worst ? open_late : worst;
                worst = close_late > worst ? close_late : worst;
        }
        ck_assert_int_eq(edges, rig.edges);
        return worst;
}

static int count_samples(int tag, int why)
{
        int n = 0;
        for (int i = 0; i < rig.events; i++) {
                if (rig.event[i].kind != EVENT_SAMPLES)
                        continue;
                for (int k = 0; k < rig.event[i].u.samples.count; k++)
                        n += rig.event[i].u.samples.item[k].tag == tag &&
                             rig.event[i].u.samples.item[k].why == why;
        }
        return n;
}

/* No call but edges stands on the wire within the guard window of an edge: what was sent was over before. */
static void check_no_call_over_an_edge(void)
{
        for (int i = 0; i < rig.edges; i++)
                for (int k = 0; k < rig.calls; k++) {
                        const struct call *c = &rig.call[k];
                        bool is_edge = c->action.kind == SCHED_WRITE && c->action.reg == TOOL_COIL;
                        ck_assert(is_edge || !(c->sent_us < rig.edge_us[i] && c->done_us > rig.edge_us[i]));
                }
}

/* ---- A device that answers after 200 ms, beside pulses of 20, 100 and 1000 ms ---- */

static const int64_t widths_us[] = {20000, 100000, 1000000};
enum { WIDTHS = sizeof widths_us / sizeof widths_us[0] };

START_TEST(test_a_slow_device_on_the_same_link)
{
        start(_i < WIDTHS ? TOOL_LINK_TCP : TOOL_LINK_RTU);
        rig.tool->links[LINK_PLANT].timeout_us = 300000;
        rig.answer_us[2] = 200000;
        bring_up();
        plan_pulses(20, rig.now_us + 2000000, 3000000, widths_us[_i % WIDTHS]);
        run_until(rig.now_us + 64000000);
        ck_assert_int_eq(count_done(), 20);
        ck_assert_int_eq(worst_lateness(), 0);
        check_no_call_over_an_edge();
        ck_assert_int_gt(count_samples(TAG_PRESSURE, QUALITY_WHY_NONE), 20); /* and it is still heard */
        ck_assert_int_gt(count_samples(TAG_NB, QUALITY_WHY_NONE), 20);
        ck_assert_int_eq(rig.connects, 1); /* nothing was given up */
        finish();
}
END_TEST

/* What the foresight is for: of a pulse that is told of 50 ms ahead only, a poll of 200 ms that began before takes the edge. */
START_TEST(test_without_foresight_a_slow_poll_meets_the_open)
{
        start(TOOL_LINK_TCP);
        rig.tool->links[LINK_PLANT].timeout_us = 300000;
        rig.answer_us[2] = 200000;
        rig.foresees = false;
        bring_up();
        plan_pulses(20, rig.now_us + 2000000, 3000000, 100000);
        run_until(rig.now_us + 64000000);
        ck_assert_int_lt(count_done(), 20);
        finish();
}
END_TEST

/* A foresight that does not come true (a hold) delays polls by no more than itself. */
START_TEST(test_a_pulse_that_does_not_come)
{
        start(TOOL_LINK_RTU);
        bring_up();
        int64_t t = rig.now_us + 100000;
        struct sched_action a;
        sched_expect(rig.s, t);
        sched_next(rig.s, rig.now_us, &a);
        while (a.kind != SCHED_WAIT) {
                do_action(&a);
                sched_expect(rig.s, t);
                sched_next(rig.s, rig.now_us, &a);
        }
        ck_assert_int_le(a.until_us, t);
        ck_assert_int_gt(a.until_us, rig.now_us);
        int polls = rig.calls;
        run_until(t + 100000);
        ck_assert_int_gt(rig.calls, polls);
        finish();
}
END_TEST

/* On a line the window is the response timeout, however soon the device usually answers; one that falls silent does not move
 * an edge. */
START_TEST(test_the_window_of_a_line_is_its_timeout)
{
        start(_i ? TOOL_LINK_RTU : TOOL_LINK_TCP);
        bring_up();
        plan_pulses(20, rig.now_us + 2000000, 1500000, 100000);
        int64_t window = 0;
        for (int i = 0; i < 20; i++) {
                run_until(rig.pulse[i].open_us - 500000);
                int from = rig.calls;
                run_until(rig.pulse[i].open_us);
                int64_t last = rig.call[from].sent_us;
                for (int k = from; k < rig.calls; k++)
                        if (rig.call[k].action.kind == SCHED_READ &&
                            rig.call[k].sent_us < rig.pulse[i].open_us)
                                last = rig.call[k].sent_us;
                if (i == 0 || rig.pulse[i].open_us - last < window)
                        window = rig.pulse[i].open_us - last;
        }
        run_until(rig.now_us + 500000);
        ck_assert_int_eq(worst_lateness(), 0);
        if (_i)
                ck_assert_int_ge(window, 200000 + SCHED_MARGIN_US);
        else
                ck_assert_int_lt(window, 60000);
        finish();
}
END_TEST

START_TEST(test_a_silent_device_on_a_line_moves_no_edge)
{
        start(TOOL_LINK_RTU);
        bring_up();
        plan_pulses(20, rig.now_us + 2000000, 1500000, _i ? 600000 : 100000);
        run_until(rig.now_us + 4000000);
        rig.answer_us[2] = -1;
        run_until(rig.now_us + 30000000);
        ck_assert_int_eq(worst_lateness(), 0);
        ck_assert_int_ge(count_done(), 15); /* the others met a quarantine, in which nothing opens */
        check_no_call_over_an_edge();
        finish();
}
END_TEST

/* ---- Pause and back-off, of each device by itself ---- */

START_TEST(test_a_pause_holds_up_its_own_device_only)
{
        start(TOOL_LINK_RTU);
        rig.tool->devices[DEV_PLANT].pause_us = 70000;
        rig.tool->devices[DEV_VALVES].pause_us = 3000;
        run_until(rig.now_us + 10000000);
        int64_t done[3] = {0};
        int in_pauses = 0;
        for (int i = 0; i < rig.calls; i++) {
                const struct call *c = &rig.call[i];
                int unit = c->action.slave_id;
                ck_assert_int_ge(c->sent_us, done[unit] + (unit == 2 ? 70000 : 3000));
                in_pauses += unit == 1 && c->sent_us < done[2] + 70000;
                done[unit] = c->done_us;
        }
        ck_assert_int_gt(in_pauses, 50); /* the other is asked meanwhile */
        ck_assert_int_gt(count_samples(TAG_NB, QUALITY_WHY_NONE), 90);
        finish();
}
END_TEST

START_TEST(test_back_off_is_its_own_and_ends_with_an_answer)
{
        start(TOOL_LINK_TCP);
        run_until(rig.now_us + 1000000);
        rig.answer_us[2] = -1;
        rig.calls = 0;
        run_until(rig.now_us + 12000000);
        int64_t last = 0, longest = 0;
        int silent = 0;
        for (int i = 0; i < rig.calls; i++) {
                if (rig.call[i].action.slave_id != 2)
                        continue;
                silent++;
                if (last && rig.call[i].sent_us - last > longest)
                        longest = rig.call[i].sent_us - last;
                last = rig.call[i].sent_us;
        }
        ck_assert_int_le(silent, 12); /* 200, 400, ... at most every 2 s and its own timeout */
        ck_assert_int_ge(longest, 2000000);
        ck_assert_int_gt(count_samples(TAG_NB, QUALITY_WHY_NONE), 80); /* of 130 at best */
        rig.answer_us[2] = 500;
        run_until(rig.now_us + 3000000);
        rig.events = 0;
        run_until(rig.now_us + 1000000);
        ck_assert_int_ge(count_samples(TAG_PRESSURE, QUALITY_WHY_NONE), 19);
        finish();
}
END_TEST

/* ---- Exception 2 ---- */

/* Unit 2's inputs: pressure at 0 and 1, speed at 2, then five more. */
static int more_inputs(void)
{
        int first = rig.tool->tag_count;
        for (int i = 0; i < 5; i++)
                link_tool_tag(rig.tool, "more", DEV_PLANT, TOOL_INPUT, 3 + i, TOOL_UINT16)->poll_us = 50000;
        sched_free(rig.s);
        rig.s = sched_new(rig.tool, LINK_PLANT, rig.now_us);
        return first;
}

static int count_reads(int address, int count)
{
        int n = 0;
        for (int i = 0; i < rig.calls; i++)
                n += rig.call[i].action.slave_id == 2 && rig.call[i].action.reg == TOOL_INPUT &&
                     rig.call[i].action.address == address && rig.call[i].action.count == count;
        return n;
}

START_TEST(test_only_the_guilty_point_is_bad)
{
        start(TOOL_LINK_TCP);
        int more = more_inputs();
        rig.reg[0] = 0x4296; /* 75.0 */
        rig.reg[7] = 77;
        rig.bad_at[rig.bad_count++] = 4;
        run_until(rig.now_us + 2000000);
        ck_assert_int_eq(count_reads(0, 8), 1); /* whole once, */
        for (int address = 2; address < 8; address++)
                if (address != 4)
                        ck_assert_int_eq(count_reads(address, 1), 1); /* each alone once, */
        ck_assert_int_eq(count_reads(4, 1), 1);
        ck_assert_int_ge(count_reads(0, 4), 38); /* then around it: pressure, speed and the first */
        ck_assert_int_ge(count_reads(5, 3), 38);
        ck_assert_int_eq(count_samples(more + 1, QUALITY_WHY_NONE), 0);
        ck_assert_int_ge(count_samples(more + 1, QUALITY_WHY_DEVICE), 38); /* not merely stale */
        for (int tag = more; tag < more + 5; tag++)
                if (tag != more + 1) {
                        ck_assert_int_eq(count_samples(tag, QUALITY_WHY_DEVICE), 0);
                        ck_assert_int_ge(count_samples(tag, QUALITY_WHY_NONE), 39);
                }
        ck_assert_int_eq(count_samples(TAG_PRESSURE, QUALITY_WHY_DEVICE), 0);
        ck_assert_int_eq(rig.connects, 1);
        /* Values and times are those of each one's own read. */
        for (int i = 0; i < rig.events; i++)
                for (int k = 0; rig.event[i].kind == EVENT_SAMPLES && k < rig.event[i].u.samples.count; k++) {
                        const struct sample *s = &rig.event[i].u.samples.item[k];
                        if (s->tag == TAG_PRESSURE)
                                ck_assert_double_eq(s->value, 75.0);
                        if (s->tag != more + 4)
                                continue;
                        ck_assert_double_eq(s->value, 77);
                        bool is_sent = false;
                        for (int c = 0; c < rig.calls; c++)
                                is_sent |= rig.call[c].sent_us == s->t_us && rig.call[c].action.address > 4 &&
                                           rig.call[c].action.reg == TOOL_INPUT;
                        ck_assert(is_sent);
                }
        finish();
}
END_TEST

START_TEST(test_a_value_of_two_registers_is_guilty_as_a_whole)
{
        start(TOOL_LINK_TCP);
        int more = more_inputs();
        rig.bad_at[rig.bad_count++] = 1; /* the second half of the pressure */
        rig.bad_at[rig.bad_count++] = 7;
        run_until(rig.now_us + 1000000);
        ck_assert_int_eq(count_samples(TAG_PRESSURE, QUALITY_WHY_NONE), 0);
        ck_assert_int_eq(count_samples(more + 4, QUALITY_WHY_NONE), 0);
        ck_assert_int_ge(count_reads(2, 5), 18);
        ck_assert_int_eq(count_reads(0, 2), 1);
        ck_assert_int_ge(count_samples(TAG_SPEED, QUALITY_WHY_NONE), 19);
        finish();
}
END_TEST

START_TEST(test_whole_again_on_a_new_connection)
{
        start(TOOL_LINK_TCP);
        more_inputs();
        rig.bad_at[rig.bad_count++] = 4;
        run_until(rig.now_us + 1000000);
        rig.calls = 0;
        rig.bad_count = 0; /* it was changed for another */
        run_until(rig.now_us + 1000000);
        ck_assert_int_eq(count_reads(0, 8), 0);
        rig.is_connected = false;
        sched_lost(rig.s, rig.now_us, "the cable");
        rig.calls = 0;
        run_until(rig.now_us + 1000000);
        ck_assert_int_ge(count_reads(0, 8), 15);
        ck_assert_int_eq(count_reads(0, 4), 0);
        finish();
}
END_TEST

/* All are refused: nothing to read around. It is tried whole, and looked at once. */
/* A device that refused a point for a moment must not leave it unreadable for good: on the same connection it is tried again. */
START_TEST(test_a_guilty_point_is_forgiven)
{
        start(TOOL_LINK_TCP);
        int more = more_inputs();
        rig.bad_at[rig.bad_count++] = 4;
        run_until(rig.now_us + 1000000);
        rig.bad_count = 0;
        run_until(rig.now_us + POLLSET_AGAIN_US - 1500000);
        ck_assert_int_eq(count_samples(more + 1, QUALITY_WHY_NONE), 0);
        run_until(rig.now_us + 2000000);
        ck_assert_int_ge(count_samples(more + 1, QUALITY_WHY_NONE), 15);
        ck_assert_int_eq(rig.connects, 1);
        finish();
}
END_TEST

START_TEST(test_all_are_guilty)
{
        start(TOOL_LINK_TCP);
        more_inputs();
        for (int i = 1; i < 8; i++)
                rig.bad_at[rig.bad_count++] = i;
        run_until(rig.now_us + 1000000);
        ck_assert_int_eq(count_reads(4, 1), 1);
        ck_assert_int_ge(count_reads(0, 8), 18);
        ck_assert_int_ge(count_samples(TAG_PRESSURE, QUALITY_WHY_DEVICE), 18);
        rig.bad_count = 0;
        rig.events = 0;
        run_until(rig.now_us + 200000);
        ck_assert_int_ge(count_samples(TAG_PRESSURE, QUALITY_WHY_NONE), 3);
        finish();
}
END_TEST

/* None is: the device takes no block of that size. Each is read alone, and is Good. */
START_TEST(test_a_block_that_is_refused_as_such)
{
        start(TOOL_LINK_TCP);
        int more = more_inputs();
        rig.refuses_blocks = true;
        run_until(rig.now_us + 1000000);
        ck_assert_int_eq(count_reads(0, 8), 1);
        ck_assert_int_ge(count_reads(0, 2), 18);
        ck_assert_int_ge(count_reads(5, 1), 18);
        ck_assert_int_ge(count_samples(more, QUALITY_WHY_NONE), 18);
        ck_assert_int_eq(count_samples(more, QUALITY_WHY_DEVICE), 0);
        finish();
}
END_TEST

/* Busy, failing: these are no word on an address. */
START_TEST(test_other_exceptions_are_no_search)
{
        start(TOOL_LINK_TCP);
        more_inputs();
        rig.bad_at[rig.bad_count++] = 4;
        rig.bad_code = _i;
        run_until(rig.now_us + 1000000);
        ck_assert_int_ge(count_reads(0, 8), 18);
        ck_assert_int_eq(count_reads(4, 1), 0);
        ck_assert_int_ge(count_samples(TAG_PRESSURE, QUALITY_WHY_DEVICE), 18);
        finish();
}
END_TEST

/* The search is polls like others: no edge moves, the device has its pause, a search that a lost answer ends begins anew. */
START_TEST(test_a_search_keeps_clear_of_edges)
{
        start(_i ? TOOL_LINK_RTU : TOOL_LINK_TCP);
        more_inputs();
        rig.tool->devices[DEV_PLANT].pause_us = 20000;
        bring_up();
        rig.answer_us[2] = 8000;
        int64_t quarantine = _i ? 3 * rig.tool->links[LINK_PLANT].timeout_us : 0;
        plan_pulses(12, rig.now_us + 500000 + quarantine, 700000 + quarantine, 100000);
        for (int i = 0; i < 12; i++) {
                run_until(rig.pulse[i].open_us - 400000 - quarantine);
                rig.bad_count = 0;
                rig.is_connected = false; /* each time anew */
                sched_lost(rig.s, rig.now_us, "the cable");
                rig.bad_at[rig.bad_count++] = 2 + i % 6;
                run_until(rig.pulse[i].open_us - 250000 + i * 15000);
        }
        run_until(rig.now_us + 2000000);
        ck_assert_int_eq(worst_lateness(), 0);
        check_no_call_over_an_edge();
        int64_t done = 0;
        int points = 0;
        for (int i = 0; i < rig.calls; i++) {
                if (rig.call[i].action.slave_id != 2)
                        continue;
                ck_assert_int_ge(rig.call[i].sent_us, done + 20000);
                done = rig.call[i].done_us;
                points += rig.call[i].action.reg == TOOL_INPUT && rig.call[i].action.count == 1;
        }
        ck_assert_int_gt(points, 30);
        ck_assert_int_eq(count_done(), 12);
        finish();
}
END_TEST

START_TEST(test_a_search_that_is_cut_short_begins_anew)
{
        start(TOOL_LINK_TCP);
        int more = more_inputs();
        rig.tool->devices[DEV_PLANT].pause_us = 10000;
        rig.bad_at[rig.bad_count++] = 4;
        while (count_reads(2, 1) == 0)
                run_until(rig.now_us + 1000);
        rig.answer_us[2] = -1;
        run_until(rig.now_us + 1000000);
        rig.answer_us[2] = 500;
        rig.calls = rig.events = 0;
        run_until(rig.now_us + 4000000);
        ck_assert_int_eq(count_reads(0, 8), 1);
        ck_assert_int_eq(count_reads(4, 1), 1);
        ck_assert_int_gt(count_samples(more, QUALITY_WHY_NONE), 20);
        finish();
}
END_TEST

/* The same where the connection outlives it. */
START_TEST(test_half_a_search_tells_nothing)
{
        static struct pollset set;
        struct pollset_read read;
        struct tool *t = new_tool(TOOL_LINK_RTU);
        ck_assert(pollset_init(&set, t, LINK_PLANT, 0));
        int i = 0;
        while (set.plan.request[i].tag_count < 2)
                i++;
        pollset_begin(&set, i, 0);
        pollset_refuse(&set, i, 0, 2);
        pollset_refuse(&set, i, 0, 2);
        pollset_next_read(&set, i, &read);
        ck_assert_int_eq(read.from, 1);
        pollset_fail(&set, i, 0, QUALITY_WHY_COMM);
        pollset_next_read(&set, i, &read);
        ck_assert_int_eq(read.to, set.plan.request[i].tag_count);
        ck_assert_int_gt(pollset_due(&set, i), 0);
        pollset_begin(&set, i, pollset_due(&set, i));
        pollset_refuse(&set, i, 0, 2);
        pollset_next_read(&set, i, &read);
        ck_assert_int_eq(read.to, 1); /* looked at again */
        free(t);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("neighbours");
        TCase *tc = tcase_create("neighbours");
        tcase_set_timeout(tc, 60);
        tcase_add_loop_test(tc, test_a_slow_device_on_the_same_link, 0, 2 * WIDTHS);
        tcase_add_test(tc, test_without_foresight_a_slow_poll_meets_the_open);
        tcase_add_test(tc, test_a_pulse_that_does_not_come);
        tcase_add_loop_test(tc, test_the_window_of_a_line_is_its_timeout, 0, 2);
        tcase_add_loop_test(tc, test_a_silent_device_on_a_line_moves_no_edge, 0, 2);
        tcase_add_test(tc, test_a_pause_holds_up_its_own_device_only);
        tcase_add_test(tc, test_back_off_is_its_own_and_ends_with_an_answer);
        tcase_add_test(tc, test_only_the_guilty_point_is_bad);
        tcase_add_test(tc, test_a_value_of_two_registers_is_guilty_as_a_whole);
        tcase_add_test(tc, test_whole_again_on_a_new_connection);
        tcase_add_test(tc, test_a_guilty_point_is_forgiven);
        tcase_add_test(tc, test_all_are_guilty);
        tcase_add_test(tc, test_a_block_that_is_refused_as_such);
        tcase_add_loop_test(tc, test_other_exceptions_are_no_search, 3, 7);
        tcase_add_loop_test(tc, test_a_search_keeps_clear_of_edges, 0, 2);
        tcase_add_test(tc, test_a_search_that_is_cut_short_begins_anew);
        tcase_add_test(tc, test_half_a_search_tells_nothing);
        suite_add_tcase(s, tc);
        return suite_main(s);
}
