/* The ways out of a run and of its steps, on the simulated tool: out of an expose and a leak check by every cause, a stop after
 * the cycle, a suspend, a hold that closes a reactive gas; and that every acting state ends (S3). */
#include "language_rig.h"
#include "suite.h"

/* A suspend by hand: an external cause that the lithium bottle's flow stands for. */
static void add_suspend(const char *tag, int64_t for_us)
{
        struct tool_interlock *lock = &s->tool->interlocks[s->tool->interlock_count];
        struct cond_node *node = &s->tool->conds.nodes[s->tool->conds.count];
        struct tool *tool = s->tool;

        *node = (struct cond_node){.op = COND_COMPARE,
            .cmp = COND_LT,
            .a = (int16_t)tool_find_tag(tool, tag),
            .b = -1,
            .left = -1,
            .right = -1,
            .slot = -1,
            .value = -2};
        *lock = (struct tool_interlock){.id = "house-gas",
            .kind = TOOL_SUSPEND,
            .when = {.root = tool->conds.count, .text = "the house gas is low"},
            .arm = {.root = -1},
            .for_us = for_us,
            .grace_us = 500 * TIME_MS,
            .guidance = "Call the house."};
        tool->conds.count++;
        tool->interlock_count++;
}

static void setup_suspend(const char *tag, int64_t for_us)
{
        struct tool *tool = support_tool(TOOL);

        teardown();
        s = calloc(1, sizeof *s);
        s->tool = tool;
        add_suspend(tag, for_us);
        free(s);
        s = scenario_new_with(tool, 0);
        scenario_await(s, MACHINE_STOPPED, 10 * TIME_S);
}

/* The ways out. Each is asked for at some moment of a block; in the turn in which the run leaves Execute, the exhaust stands
 * open and the flow as it was (the abort image has its own flow). */
static void by_hold(void)
{
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
}
static void by_hold_now(void)
{
        ck_assert_int_eq(ask((struct command){.verb = VERB_HOLD, .now = true}), 0);
}
static void by_stop(void)
{
        ck_assert_int_eq(scenario_do(s, VERB_STOP), 0);
}
static void by_abort(void)
{
        ck_assert_int_eq(scenario_do(s, VERB_ABORT), 0);
}
static void by_trip(void)
{
        feign("emo.ok", 0);
}
static void by_hold_trip(void)
{
        for (int i = 0; i < s->tool->interlock_count; i++)
                if (strcmp(s->tool->interlocks[i].id, "chamber-hot") == 0)
                        s->tool->interlocks[i].then = TOOL_ACT_HOLD;
        feign("chamber.temperature", 250);
}
static void by_stop_trip(void)
{
        for (int i = 0; i < s->tool->interlock_count; i++)
                if (strcmp(s->tool->interlocks[i].id, "chamber-hot") == 0)
                        s->tool->interlocks[i].then = TOOL_ACT_STOP;
        feign("chamber.temperature", 250);
}
static void by_suspend(void)
{
        feign("n2.flow", -4);
}
static void by_permit(void)
{
        /* Of the carrier's own set-point, or of whatever is open. */
        feign("pump.running", 0);
}
static void by_shutdown(void)
{
        struct command c = {.verb = VERB_SHUTDOWN, .role = TOOL_ROLE_ENGINEER, .user = "signal"};

        virtual_command(s->v, &c);
}
static void by_store(void)
{
        struct event broken = {.kind = EVENT_STORE, .u.store = {.ok = false, .why = "disk full"}};

        virtual_event(s->v, &broken);
}
static void by_pressure(void)
{
        feign("chamber.pressure", 3.5);
}
static void by_blind_gauge(void)
{
        feign("chamber.pressure", NAN);
}
static void by_time(void)
{
        /* The block's own longest time, shortened by hand: what is left of it is over. */
        for (int i = 0; i < s->recipe->op_count; i++)
                if (s->recipe->ops[i].kind == RECIPE_EXPOSE)
                        s->recipe->ops[i].timeout_us = 3 * TIME_S;
}
static void by_link(void)
{
        struct event wrote = {.kind = EVENT_WROTE,
            .u.wrote = {.tag = (int16_t)scenario_tag(s, "exhaust.valve"),
                .cause = CAUSE_LEASE,
                .ok = true,
                .unasked = true,
                .value = 1,
                .sent_us = virtual_now(s->v),
                .acked_us = virtual_now(s->v)}};

        s->out[scenario_tag(s, "exhaust.valve")] = 1;
        virtual_event(s->v, &wrote);
}

static const struct way {
        const char *name;
        void (*go)(void);
        enum machine_state to; /* the first state after Execute */
        bool is_abort;         /* flows by the abort image */
        bool in_leak;          /* a leak check has this way too */
} ways[] = {{"hold", by_hold, MACHINE_HOLDING, false, true},
    {"hold --now", by_hold_now, MACHINE_HOLDING, false, true},
    {"stop", by_stop, MACHINE_STOPPING, false, true}, {"abort", by_abort, MACHINE_ABORTING, true, true},
    {"trip", by_trip, MACHINE_ABORTING, true, true},
    {"hold trip", by_hold_trip, MACHINE_HOLDING, false, true},
    {"stop trip", by_stop_trip, MACHINE_STOPPING, false, true},
    {"suspend", by_suspend, MACHINE_SUSPENDING, false, true},
    {"permit", by_permit, MACHINE_HOLDING, false, false},
    {"shutdown", by_shutdown, MACHINE_STOPPING, false, true},
    {"store", by_store, MACHINE_HOLDING, false, true}, {"limit", by_pressure, MACHINE_HOLDING, false, false},
    {"blind gauge", by_blind_gauge, MACHINE_HOLDING, false, true},
    {"at most", by_time, MACHINE_HOLDING, false, false}, {"link", by_link, MACHINE_HOLDING, false, true}};

enum { WAYS = sizeof ways / sizeof ways[0] };

static void check_open_again(const struct way *way, const char *where, double flow, double n2)
{
        enum machine_state state = scenario_state(s);

        ck_assert_msg(state == way->to, "%s %s: %s (%s)", way->name, where, machine_state_name(state),
            scenario_status(s).reason);
        ck_assert_msg(out("exhaust.valve") == 1, "%s %s: the exhaust is closed", way->name, where);
        ck_assert_msg(!scenario_status(s).is_exposing, "%s %s: still exposing", way->name, where);
        /* A shutdown goes on to the abort image in the same turn, unless a pulse must close first. */
        if (way->go == by_shutdown && out("carrier.flow.setpoint") != flow)
                flow = n2 = -1;
        if (way->is_abort || flow < 0) {
                flow = 10;
                n2 = 0;
        }
        ck_assert_msg(out("carrier.flow.setpoint") == flow, "%s %s: the flow is %g", way->name, where,
            out("carrier.flow.setpoint"));
        ck_assert_msg(out("n2.flow.setpoint") == n2, "%s %s: nitrogen is %g", way->name, where,
            out("n2.flow.setpoint"));
}

START_TEST(every_way_out_of_an_expose_opens_the_exhaust)
{
        static const struct {
                const char *name;
                int64_t after_us; /* of the first open edge; < 0: of the carrier's change */
        } moments[] = {{"in a pulse", 300 * TIME_MS}, {"between pulses", 5 * TIME_S},
            {"just before a pulse", 13 * TIME_S - 20 * TIME_MS}, {"before it closes", -1}};
        const struct way *way = &ways[_i / 4];
        int m = _i % 4;

        setup_suspend("n2.flow", 0);
        start(EXPOSING);
        await_out("carrier.flow.setpoint", 0, 2 * TIME_MIN);
        if (moments[m].after_us < 0 &&
            (way->go == by_pressure || way->go == by_time || way->go == by_permit ||
                way->go == by_blind_gauge || way->go == by_link))
                return; /* the block's bounds begin when it is closed */
        if (way->go == by_permit && m != 0)
                return; /* nothing is open that a permit could close */
        if (moments[m].after_us >= 0) {
                scenario_await_open(s, "nb.valve", 1);
                virtual_run(s->v, s->edges[s->edge_count - 1].t_us + moments[m].after_us);
                ck_assert(scenario_status(s).is_exposing);
                ck_assert(out("exhaust.valve") == 0);
        }
        way->go();
        leave_execute(10 * TIME_S);
        check_open_again(way, moments[m].name, 20, 0);
        /* A pulse in it closes with it, at once. */
        scenario_run(s, 2 * TIME_MS);
        scenario_check_closed(s);
}
END_TEST

START_TEST(every_way_out_of_a_leak_check_opens_the_exhaust)
{
        static const int64_t moments[] = {2 * TIME_S, 20 * TIME_S};
        const struct way *way = &ways[_i / 2];
        bool is_closed = _i % 2 == 1;

        if (!way->in_leak || (!is_closed && (way->go == by_blind_gauge || way->go == by_link)))
                return;
        setup_suspend("h2ar.flow", 0);
        start(LEAKING);
        await_out("n2.flow.setpoint", 5, TIME_MIN);
        await_out("n2.flow.setpoint", 0, TIME_MIN);
        scenario_run(s, moments[_i % 2]);
        ck_assert(out("carrier.flow.setpoint") == 0);
        ck_assert(out("exhaust.valve") == !is_closed);
        ck_assert(!scenario_status(s).is_exposing);
        if (way->go == by_suspend)
                feign("h2ar.flow", -4);
        else
                way->go();
        leave_execute(10 * TIME_S);
        check_open_again(way, is_closed ? "closed" : "settling", 20, 5);
}
END_TEST

/* ---- stop --after-cycle ---- */

#define CYCLES                                                                                               \
        HEAD "phases:\n  warm:\n" WARM "  coat:\n    - repeat: 4\n      do:\n"                               \
             "        - pulse: nb\n          for: 1 s\n        - purge: 10 s\n        - pulse: water\n"      \
             "          for: 100 ms\n        - purge: 10 s\n  cool:\n    - wait: 1 min\n" FINALLY

static int stop_after_cycle(void)
{
        return ask((struct command){.verb = VERB_STOP, .after_cycle = true});
}

START_TEST(a_stop_after_the_cycle_lets_it_end)
{
        start(CYCLES);
        scenario_await_open(s, "nb.valve", 2);
        ck_assert_int_eq(stop_after_cycle(), 0);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        ck_assert(scenario_status(s).is_stopping_after_cycle);
        /* A hold in between keeps it. */
        scenario_run(s, 5 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_await(s, MACHINE_STOPPING, TIME_MIN);
        int64_t closed = s->edges[s->edge_count - 1].t_us;
        ck_assert_int_eq((virtual_now(s->v) - closed) / (10 * TIME_MS), 1000);
        scenario_await(s, MACHINE_STOPPED, 5 * TIME_S);
        ck_assert(!scenario_status(s).is_stopping_after_cycle);
        check_reason("end of a cycle, as asked by ann");
        ck_assert_int_eq(s->pulse_count, 4);
        ck_assert_int_eq(s->cycles_begun, 2);
        ck_assert_int_eq(s->cycles_ended, 2);
}
END_TEST

START_TEST(a_second_stop_stops_at_once)
{
        start(CYCLES);
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 3 * TIME_S);
        ck_assert_int_eq(stop_after_cycle(), 0);
        ck_assert_int_eq(scenario_do(s, VERB_STOP), 0);
        ck_assert_int_eq(scenario_state(s), MACHINE_STOPPING);
}
END_TEST

START_TEST(a_stop_after_the_cycle_outside_of_one)
{
        /* Before the first: none begins. */
        start(CYCLES);
        scenario_run(s, 5 * TIME_S);
        ck_assert_int_eq(stop_after_cycle(), 0);
        scenario_run(s, 50 * TIME_S);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        scenario_await(s, MACHINE_STOPPED, TIME_MIN);
        ck_assert_int_eq(s->cycles_begun, 0);
        ck_assert_int_eq(s->pulse_count, 0);
        /* After the last: none comes. */
        start(CYCLES);
        scenario_await_open(s, "water.valve", 4);
        scenario_run(s, 12 * TIME_S);
        ck_assert_int_eq(s->cycles_ended, 4);
        ck_assert_int_eq(stop_after_cycle(), 0);
        ck_assert_int_eq(scenario_state(s), MACHINE_STOPPING);
}
END_TEST

/* ---- suspend ---- */

START_TEST(an_external_cause_suspends_and_the_run_goes_on_by_itself)
{
        setup_suspend("n2.flow", 3 * TIME_S);
        start(CYCLES);
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 5 * TIME_S);
        feign("n2.flow", -4);
        scenario_run(s, 2 * TIME_S);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        scenario_await(s, MACHINE_SUSPENDED, 5 * TIME_S);
        check_reason("house-gas: waits while the house gas is low (n2.flow -4");
        ck_assert_ptr_nonnull(strstr(scenario_status(s).waiting, "house-gas"));
        scenario_check_image(s, TOOL_IMAGE_HOLD);
        /* No operator's word: it stands until it has been gone for as long. */
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 3);
        scenario_run(s, TIME_MIN);
        s->bad_tag = -1;
        scenario_run(s, 2900 * TIME_MS);
        ck_assert_int_eq(scenario_state(s), MACHINE_SUSPENDED);
        scenario_await(s, MACHINE_EXECUTE, 3 * TIME_S);
        int64_t resumed = virtual_now(s->v);
        scenario_await_open(s, "water.valve", 1);
        ck_assert_int_ge(virtual_now(s->v) - resumed, 10 * TIME_S - 2 * TIME_MS);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(s->pulse_count, 8);
        ck_assert_int_eq(scenario_status(s).latch_count, 0);
}
END_TEST

START_TEST(a_suspend_lets_the_pulse_end_and_a_flicker_keeps_it)
{
        setup_suspend("n2.flow", 0);
        s->tool->interlocks[s->tool->interlock_count - 1].for_us = 0;
        start(CYCLES);
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 300 * TIME_MS);
        feign("n2.flow", -4);
        scenario_await(s, MACHINE_SUSPENDED, 5 * TIME_S);
        ck_assert_int_eq(s->pulses[0].outcome, PULSE_DONE);
        s->tool->interlocks[s->tool->interlock_count - 1].for_us = 3 * TIME_S;
        for (int i = 0; i < 10; i++) {
                s->bad_tag = -1;
                scenario_run(s, 2 * TIME_S);
                feign("n2.flow", i % 2 == 0 ? -4 : NAN);
                scenario_run(s, 200 * TIME_MS);
                ck_assert_int_eq(scenario_state(s), MACHINE_SUSPENDED);
        }
}
END_TEST

START_TEST(nothing_starts_or_resumes_while_an_external_cause_stands)
{
        setup_suspend("n2.flow", 0);
        feign("n2.flow", NAN);
        scenario_run(s, 4 * TIME_S); /* the start-up's patience with values is over */
        s->recipe = support_recipe_text(s->tool, CYCLES, NULL, 0);
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 3);
        ck_assert_str_eq(s->reply.interlock, "house-gas");
        ck_assert_ptr_nonnull(strstr(s->reply.values, "n2.flow"));
        ck_assert_str_eq(s->reply.hint, "Call the house.");
        s->bad_tag = -1;
        scenario_run(s, TIME_S);
        start(CYCLES);
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 5 * TIME_S);
        feign("n2.flow", -4);
        scenario_await(s, MACHINE_SUSPENDED, 5 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        check_reason("held by ann");
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 3);
        ck_assert_str_eq(s->reply.interlock, "house-gas");
        s->bad_tag = -1;
        scenario_run(s, TIME_S);
        /* Held stays held: that was the operator's word. */
        ck_assert_int_eq(scenario_state(s), MACHINE_HELD);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
}
END_TEST

START_TEST(a_suspend_is_bounded_as_a_hold_is)
{
        setup_suspend("n2.flow", 0);
        start(
            HEAD "phases:\n  a:\n    - wait: 1 h\non_hold: {at_most: 10 min, then: stop, resume: repeat}\n");
        feign("n2.flow", -4);
        scenario_await(s, MACHINE_SUSPENDED, 5 * TIME_S);
        scenario_run(s, 6 * TIME_MIN);
        /* A hold on top of it does not begin the time anew. */
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        scenario_run(s, 3 * TIME_MIN);
        ck_assert_int_eq(scenario_state(s), MACHINE_HELD);
        scenario_await(s, MACHINE_STOPPED, 2 * TIME_MIN);
        check_reason("10 min");
}
END_TEST

START_TEST(a_suspended_run_that_must_ask_is_held)
{
        setup_suspend("n2.flow", 0);
        start(HEAD "phases:\n  coat:\n" WARM EXPOSE
                   "on_hold: {at_most: 30 min, then: stop, resume: ask}\n" FINALLY);
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 5 * TIME_S);
        feign("n2.flow", -4);
        scenario_await(s, MACHINE_SUSPENDED, 5 * TIME_S);
        s->bad_tag = -1;
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        check_reason("asks");
}
END_TEST

/* ---- a reactive gas that a hold closes ---- */

#define HYDROGEN                                                                                             \
        HEAD "phases:\n  reduce:\n    - set: {n2.flow: 0 sccm, h2ar.flow: 100 sccm}\n    - wait: 10 min\n"   \
             "    - set: {h2ar.flow: 0 sccm, n2.flow: 100 sccm}\n    - wait: 1 min\n"

START_TEST(a_reactive_step_is_asked_for)
{
        start(HYDROGEN);
        scenario_run(s, 4 * TIME_MIN);
        ck_assert(out("h2ar.flow.setpoint") == 100);
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        ck_assert(out("h2ar.flow.setpoint") == 0);
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 3);
        ck_assert_ptr_nonnull(strstr(s->reply.text, "reactive gas"));
        ck_assert_int_eq(ask((struct command){.verb = VERB_RESUME, .repeat = true}), 0);
        ck_assert(out("h2ar.flow.setpoint") == 100);
        scenario_run(s, 9 * TIME_MIN);
        ck_assert(out("h2ar.flow.setpoint") == 100); /* the ten minutes began again */
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        ck_assert_int_eq(ask((struct command){.verb = VERB_RESUME, .skip = true}), 0);
        scenario_run(s, 2 * TIME_S);
        ck_assert(out("h2ar.flow.setpoint") == 0);
        ck_assert(out("n2.flow.setpoint") == 100);
        scenario_await(s, MACHINE_COMPLETE, 5 * TIME_MIN);
}
END_TEST

/* ---- S3: every acting state ends ---- */

/* An output that is not confirmed any more, from the moment on at which an acting state begins. */
static const struct ending {
        enum machine_state state;
        enum verb verb; /* what leads there, from the state before; VERB_COUNT = nothing */
} endings[] = {{MACHINE_RESETTING, VERB_RUN}, {MACHINE_HOLDING, VERB_HOLD}, {MACHINE_UNHOLDING, VERB_RESUME},
    {MACHINE_STOPPING, VERB_STOP}, {MACHINE_ABORTING, VERB_ABORT}, {MACHINE_COMPLETING, VERB_COUNT},
    {MACHINE_CLEARING, VERB_RESET}, {MACHINE_SUSPENDING, VERB_COUNT}, {MACHINE_UNSUSPENDING, VERB_COUNT},
    {MACHINE_STARTING, VERB_COUNT}, {MACHINE_EXECUTE, VERB_COUNT}};

static void lead_to(const struct ending *e)
{
        if (e->state == MACHINE_RESETTING) {
                s->recipe = support_recipe_text(s->tool, CYCLES, NULL, 0);
                s->deaf_tag = s->deviant_tag = scenario_tag(s, "pump.run");
                ck_assert_int_eq(scenario_do(s, VERB_RUN), 0);
                return;
        }
        start(e->state == MACHINE_COMPLETING ? HEAD "phases:\n  a:\n    - wait: 5 s\nfinally:\n  - wait: "
                                                    "{until: bed.speed > 5 rpm, timeout: 1 min}\n"
                                             : CYCLES);
        if (e->state == MACHINE_UNHOLDING) {
                ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
                scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        }
        if (e->state == MACHINE_CLEARING) {
                ck_assert_int_eq(scenario_do(s, VERB_ABORT), 0);
                scenario_await(s, MACHINE_ABORTED, 10 * TIME_S);
        }
        if (e->state == MACHINE_SUSPENDING || e->state == MACHINE_UNSUSPENDING)
                feign("n2.flow", -4);
        if (e->state == MACHINE_UNSUSPENDING) {
                scenario_await(s, MACHINE_SUSPENDED, 5 * TIME_S);
                s->bad_tag = -1;
        }
        /* What the state waits for is never told: the pump's coil neither acknowledges nor reads back. */
        s->tool->tags[scenario_tag(s, "pump.run")].follow_us = TIME_H;
        s->deaf_tag = s->deviant_tag = scenario_tag(s, "pump.run");
        if (e->verb != VERB_COUNT)
                ck_assert_int_eq(scenario_do(s, e->verb), 0);
}

START_TEST(an_acting_state_ends_though_nothing_is_confirmed)
{
        const struct ending *e = &endings[_i];
        int64_t began;

        setup_suspend("n2.flow", 0);
        lead_to(e);
        if (e->state != MACHINE_EXECUTE && e->state != MACHINE_STARTING)
                scenario_await(s, e->state, 10 * TIME_S);
        began = virtual_now(s->v);
        while (machine_is_acting(scenario_state(s))) {
                ck_assert_msg(virtual_now(s->v) - began < 10 * TIME_MIN, "%s never ends: now %s",
                    machine_state_name(e->state), machine_state_name(scenario_state(s)));
                scenario_run(s, 100 * TIME_MS);
        }
        /* And it ends safe. */
        if (scenario_state(s) == MACHINE_ABORTED)
                scenario_check_closed(s);
}
END_TEST

/* The table itself: each acting state has a bound, or a bounded program; walked exhaustively, every path of endings comes to
 * rest. */
START_TEST(every_path_of_acting_states_comes_to_rest)
{
        for (int from = 0; from < MACHINE_STATE_COUNT; from++) {
                uint32_t seen = 0, reach = MACHINE_BIT(from);
                static const enum machine_cause causes[] = {
                    MACHINE_ON_DONE, MACHINE_ON_FINISH, MACHINE_ON_STARTED, MACHINE_ON_ABORT};

                /* What an acting state does by itself: it is done, its program is, or its bound is over (abort). */
                while (reach != seen) {
                        seen = reach;
                        for (int at = 0; at < MACHINE_STATE_COUNT; at++)
                                for (size_t c = 0; c < sizeof causes / sizeof causes[0]; c++) {
                                        int next = machine_next((enum machine_state)at, causes[c]);

                                        if ((seen & MACHINE_BIT(at)) != 0 && next >= 0 &&
                                            machine_is_acting((enum machine_state)at))
                                                reach |= MACHINE_BIT(next);
                                }
                }
                bool rests = false;
                for (int at = 0; at < MACHINE_STATE_COUNT; at++)
                        if ((seen & MACHINE_BIT(at)) != 0 && !machine_is_acting((enum machine_state)at))
                                rests = true;
                ck_assert_msg(rests, "%s never rests", machine_state_name((enum machine_state)from));
                if (machine_is_acting((enum machine_state)from) && from != MACHINE_ABORTING)
                        ck_assert_msg(
                            machine_next((enum machine_state)from, MACHINE_ON_ABORT) == MACHINE_ABORTING,
                            "%s cannot be aborted when its bound is over",
                            machine_state_name((enum machine_state)from));
        }
}
END_TEST

START_TEST(a_pulse_whose_end_is_never_told_ends_the_run)
{
        struct event tick = {.kind = EVENT_TICK};
        static struct effects effects;
        int64_t now;

        start(CYCLES);
        scenario_await_open(s, "nb.valve", 1);
        /* From here on the links are silent: only time passes. */
        now = virtual_now(s->v);
        for (int i = 0; i < 4000 && scenario_state(s) != MACHINE_ABORTED; i++) {
                tick.now_us = now + i * 10 * TIME_MS;
                tick.wall_us = tick.now_us;
                core_step(virtual_core(s->v), &tick, &effects);
        }
        ck_assert_int_eq(scenario_state(s), MACHINE_ABORTED);
}
END_TEST

START_TEST(a_finally_that_would_wait_for_ever_ends)
{
        start(HEAD "phases:\n  a:\n    - wait: 2 s\nfinally:\n  - wait: {until: bed.speed > 5 rpm, timeout: "
                   "1 min}\n");
        for (int i = s->recipe->finally_first; i < s->recipe->op_count; i++)
                s->recipe->ops[i].timeout_us = TIME_NEVER;
        scenario_await(s, MACHINE_COMPLETE, 2 * TIME_H);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = {a_stop_after_the_cycle_lets_it_end, a_second_stop_stops_at_once,
            a_stop_after_the_cycle_outside_of_one, an_external_cause_suspends_and_the_run_goes_on_by_itself,
            a_suspend_lets_the_pulse_end_and_a_flicker_keeps_it,
            nothing_starts_or_resumes_while_an_external_cause_stands, a_suspend_is_bounded_as_a_hold_is,
            a_suspended_run_that_must_ask_is_held, a_reactive_step_is_asked_for,
            every_path_of_acting_states_comes_to_rest, a_pulse_whose_end_is_never_told_ends_the_run,
            a_finally_that_would_wait_for_ever_ends};
        Suite *suite = suite_create("core_ways");
        TCase *tc = tcase_create("ways");

        tcase_add_checked_fixture(tc, setup_words, teardown);
        tcase_set_timeout(tc, 120);
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
                tcase_add_test(tc, tests[i]);
        tcase_add_loop_test(tc, every_way_out_of_an_expose_opens_the_exhaust, 0, WAYS * 4);
        tcase_add_loop_test(tc, every_way_out_of_a_leak_check_opens_the_exhaust, 0, WAYS * 2);
        tcase_add_loop_test(
            tc, an_acting_state_ends_though_nothing_is_confirmed, 0, sizeof endings / sizeof endings[0]);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
