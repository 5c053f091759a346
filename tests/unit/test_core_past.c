/* Past bugs of the core, each as the fact that must hold since. */

#include "one_scenario.h"
#include "suite.h"

#define HEAD "format: 1\nrecipe: past\ntitle: t\ntool: rotary-ald\n"
/* What a niobium pulse asks for: flow, and a line hotter than its source. */
#define WARM                                                                                                 \
        "    - set: {carrier.flow: 20 sccm, nb.line.temperature: 130 degC, nb.temperature: 100 degC}\n"      \
        "    - wait: 60 s\n"
#define FINALLY "finally:\n  - purge: 1 s\n"

/* The same again on a tool that differs in `count` places. */
static void change_tool(const struct scenario_edit *edits, size_t count)
{
        scenario_free(s);
        s = scenario_new_with(scenario_edited_tool(edits, count), 0);
        scenario_await(s, MACHINE_STOPPED, 10 * TIME_S);
}

/* An interlock more, before the shipped ones. */
static void add_interlock(const char *text)
{
        char is[512];

        snprintf(is, sizeof is, "%s  - id: no-mixing\n", text);
        change_tool(&(struct scenario_edit){"  - id: no-mixing\n", is}, 1);
}

/* The over-pressure trip, which closes the carrier, with a milder consequence than abort. */
static void soften_over_pressure(const char *then)
{
        char is[128];

        snprintf(is, sizeof is, "    grace: 500 ms\n    then: %s\n    set:", then);
        change_tool(&(struct scenario_edit){"    grace: 500 ms                        # how long an "
                                            "unreadable gauge is borne\n    then: abort\n    set:",
                        is},
            1);
}

/* The vent valve becomes the valve of a reactive gas, permitted while the lid is closed. */
static void make_vent_reactive(void)
{
        static const struct scenario_edit edits[] = {
            {"address: 3, type: BIT,", "address: 3, max_open: 1 h, type: BIT,"},
            {"vent: {kind: valve, valve: vent.valve, role: vent}",
                "h2: {kind: valve, valve: vent.valve, role: reactive}"},
            {"  - id: no-mixing\n",
                "  - id: h2-permit\n    permit: [vent.valve]\n    while: lid.closed\n  - id: no-mixing\n"}};

        change_tool(edits, sizeof edits / sizeof edits[0]);
}

static int ask_for_run(const char *text)
{
        recipe_free(s->recipe);
        s->recipe = support_recipe_text(s->tool, text, NULL, 0);
        return scenario_do(s, VERB_RUN);
}

static void start(const char *text)
{
        ck_assert_int_eq(ask_for_run(text), 0);
}

static void start_and_await(const char *text)
{
        start(text);
        scenario_await(s, MACHINE_EXECUTE, TIME_MIN);
}

/* A command by an engineer; returns the reply's code. */
static int ask(struct command c)
{
        int replies = s->replies;

        c.reply = 7;
        c.role = TOOL_ROLE_ENGINEER;
        c.uid = 1000; /* scenario_do()'s: control is theirs */
        snprintf(c.user, sizeof c.user, "ann");
        virtual_command(s->v, &c);
        ck_assert_int_eq(s->replies, replies + 1);
        return s->reply.code;
}

static void hold_and_resume(void)
{
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        scenario_await(s, MACHINE_HELD, 20 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_await(s, MACHINE_EXECUTE, 5 * TIME_S);
}

static void feign_nothing(void)
{
        s->bad_tag = -1;
}

static double plant(const char *name)
{
        return sim_read(virtual_sim(s->v), scenario_tag(s, name));
}

/* What another master does to the plant, behind the core's back. */
static void meddle(const char *name, double value)
{
        sim_write(virtual_sim(s->v), scenario_tag(s, name), value);
}

static void break_store(bool ok)
{
        struct event event = {.kind = EVENT_STORE, .u.store = {.ok = ok, .why = "disk full"}};

        virtual_event(s->v, &event);
}

static int64_t last_edge_us(void)
{
        ck_assert_int_gt(s->edge_count, 0);
        return s->edges[s->edge_count - 1].t_us;
}

/* ---- outputs that stray ---- */

START_TEST(a_strayed_valve_is_written_closed_again)
{
        int edges;

        scenario_run(s, 2 * TIME_S);
        edges = s->edge_count;
        meddle("nb.valve", 1);
        scenario_await(s, MACHINE_ABORTED, 5 * TIME_S);
        ck_assert(plant("nb.valve") == 0);
        ck_assert_int_gt(s->edge_count, edges);
        ck_assert_str_eq(scenario_status(s).latches[0].id, "follow-nb.valve");
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        scenario_await(s, MACHINE_STOPPED, 5 * TIME_S);
        scenario_run(s, TIME_MIN);
        ck_assert_int_eq(scenario_state(s), MACHINE_STOPPED);
        ck_assert(plant("nb.valve") == 0);
}
END_TEST

START_TEST(a_strayed_set_point_is_written_back)
{
        scenario_run(s, 2 * TIME_S);
        meddle("chamber.temperature.setpoint", 300);
        scenario_await(s, MACHINE_ABORTED, 10 * TIME_S);
        scenario_run(s, TIME_S);
        ck_assert(plant("chamber.temperature.setpoint") == 0);
        ck_assert_str_eq(scenario_status(s).latches[0].id, "follow-chamber.temperature.setpoint");
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        scenario_await(s, MACHINE_STOPPED, 5 * TIME_S);
        scenario_run(s, TIME_MIN);
        ck_assert_int_eq(scenario_state(s), MACHINE_STOPPED);
        ck_assert(plant("chamber.temperature.setpoint") == 60);
}
END_TEST

/* ---- the sequence over holds ---- */

START_TEST(cycles_are_counted_once_over_a_loops_edge)
{
        start(HEAD "phases:\n  coat:\n" WARM "    - repeat: 3\n      do:\n        - purge: 20 s\n"
                   "        - pulse: nb\n          for: 1 s\n    - purge: 5 s\n" FINALLY);
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 5 * TIME_S);
        ck_assert_int_eq(scenario_status(s).cycle, 2);
        /* The half-cycle, whose purge restarts, reaches back over the edge into cycle 1. */
        hold_and_resume();
        scenario_run(s, 2 * TIME_S);
        ck_assert_int_eq(scenario_status(s).cycle, 2);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(s->cycles_begun, 3);
        ck_assert_int_eq(s->cycles_ended, 3);
        ck_assert_int_eq(s->pulse_count, 3);
        for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(s->pulses[i].cycle, i + 1);
                ck_assert_int_eq(s->pulses[i].attempt, 1);
                ck_assert_int_eq(s->pulses[i].outcome, PULSE_DONE);
        }
}
END_TEST

START_TEST(a_wait_that_timed_out_goes_on_after_a_resume)
{
        start(HEAD "phases:\n  a:\n    - set: {chamber.temperature: 176 degC}\n"
                   "    - wait: {until: chamber.temperature > 177 degC, for: 10 s, timeout: 20 s, else: "
                   "hold}\n    - wait: 1 s\n");
        scenario_await(s, MACHINE_HELD, 30 * TIME_S);
        check_reason("not reached in 20 s");
        scenario_run(s, TIME_S);
        feign("chamber.temperature", 178);
        scenario_run(s, TIME_MIN);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_run(s, 5 * TIME_S);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        /* Its 10 s begin anew with the resume, and its timeout with them. */
        scenario_await(s, MACHINE_COMPLETE, 10 * TIME_S);
}
END_TEST

START_TEST(a_skip_in_recovery_keeps_the_purge)
{
        int64_t resumed;
        int edges;

        scenario_start(s, "2", "20 s");
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 300 * TIME_MS);
        ck_assert_int_eq(ask((struct command){.verb = VERB_HOLD, .now = true}), 0);
        scenario_await(s, MACHINE_HELD, 20 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_run(s, 5 * TIME_S);
        ck_assert_str_eq(scenario_status(s).waiting, "the purge to run whole again");
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        scenario_await(s, MACHINE_HELD, 20 * TIME_S);
        scenario_run(s, 10 * TIME_MIN);
        edges = s->edge_count;
        resumed = virtual_now(s->v);
        ck_assert_int_eq(ask((struct command){.verb = VERB_RESUME, .skip = true}), 0);
        /* The pulse that was cut is left out; the purge after it is not. */
        scenario_await_open(s, "water.valve", 1);
        ck_assert_int_eq(s->edge_count, edges + 1);
        ck_assert_int_ge(last_edge_us() - resumed, 20 * TIME_S);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(s->cycles_ended, 2);
}
END_TEST

START_TEST(back_to_back_pulses_are_both_done)
{
        start(HEAD "phases:\n  coat:\n" WARM "    - pulse: nb\n      for: 100 ms\n"
                   "    - pulse: nb\n      for: 100 ms\n    - purge: 10 s\n" FINALLY);
        scenario_await(s, MACHINE_COMPLETE, 2 * TIME_MIN);
        ck_assert_int_eq(s->pulse_count, 2);
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(s->pulses[i].outcome, PULSE_DONE);
                ck_assert_int_eq(s->pulses[i].width_us, 100 * TIME_MS);
        }
}
END_TEST

START_TEST(a_start_called_off_knows_nothing_of_the_last_runs_half_cycle)
{
        scenario_start(s, "2", "20 s");
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 3 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_ABORT), 0);
        scenario_await(s, MACHINE_ABORTED, 10 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        scenario_await(s, MACHINE_STOPPED, 40 * TIME_S);
        start(HEAD "phases:\n  a:\n    - wait: 1 min\n");
        ck_assert_int_eq(scenario_state(s), MACHINE_RESETTING);
        ck_assert_int_eq(scenario_do(s, VERB_STOP), 0);
        /* No pulse of its own, hence no purge to end: only the standby image is confirmed. */
        scenario_await(s, MACHINE_STOPPED, 2 * TIME_S);
}
END_TEST

START_TEST(steady_counts_from_the_steps_beginning)
{
        int64_t begun;

        start_and_await(HEAD "phases:\n  a:\n    - wait: 15 min\n    - set: {chamber.temperature: 195 degC}\n"
                             "    - wait: {until: chamber.temperature steady 1 K over 20 s, timeout: 1 h}\n"
                             "    - wait: 1 h\n");
        begun = virtual_now(s->v);
        while (scenario_status(s).source_line != 10 && virtual_now(s->v) < begun + TIME_H)
                scenario_run(s, 50 * TIME_MS);
        /* The quarter of an hour before it was steady too, at standby. */
        ck_assert_int_ge(virtual_now(s->v) - begun, 15 * TIME_MIN + 20 * TIME_S);
        ck_assert(plant("chamber.temperature") > 193);
}
END_TEST

START_TEST(a_hold_while_unholding_keeps_what_the_timeout_used)
{
        start_and_await(
            HEAD "phases:\n  a:\n    - set: {chamber.temperature: 190 degC}\n"
                 "    - wait: {until: chamber.temperature > 199 degC, timeout: 10 min, else: hold}\n"
                 "    - wait: 1 s\n");
        scenario_run(s, 2 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        scenario_await(s, MACHINE_HELD, TIME_MIN);
        scenario_run(s, 9 * TIME_MIN + 55 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        ck_assert_int_eq(scenario_state(s), MACHINE_UNHOLDING);
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        scenario_await(s, MACHINE_HELD, TIME_MIN);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        /* 2 s of the 10 min are used, not the time that it stood held. */
        scenario_run(s, 9 * TIME_MIN + 50 * TIME_S);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        scenario_await(s, MACHINE_HELD, 10 * TIME_S);
        check_reason("not reached in 10 min");
}
END_TEST

/* The gauge reads too much, yet not the same for long: a value that never changes would be frozen. */
static void feign_pressure(int seconds)
{
        for (int i = 0; i < seconds; i++) {
                feign("chamber.pressure", i % 2 == 0 ? 3.5 : 3.6);
                scenario_run(s, TIME_S);
        }
}

START_TEST(a_guard_counts_only_time_unbroken_by_a_hold)
{
        start_and_await(HEAD "guard:\n  - {in: a, while: chamber.pressure < 3 Torr, for: 30 s, else: hold}\n"
                             "phases:\n  a:\n    - wait: 1 h\n");
        scenario_run(s, 5 * TIME_S);
        feign_pressure(1);
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        scenario_await(s, MACHINE_HELD, TIME_MIN);
        feign_nothing();
        scenario_run(s, TIME_MIN);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        /* Broken for 1 s before the hold, whole for a minute in it: its 30 s begin now. */
        feign_pressure(28);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        feign_pressure(4);
        scenario_await(s, MACHINE_HELD, TIME_S);
        check_reason("chamber.pressure");
}
END_TEST

START_TEST(a_hold_in_a_long_pulse_lets_it_end)
{
        change_tool(&(struct scenario_edit){"max_open: 5 s", "max_open: 5 min"}, 1);
        start(
            HEAD "phases:\n  coat:\n" WARM "    - pulse: nb\n      for: 2 min\n    - purge: 10 s\n" FINALLY);
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        scenario_run(s, 110 * TIME_S);
        ck_assert_int_eq(scenario_state(s), MACHINE_HOLDING);
        ck_assert(out("nb.valve") == 1);
        scenario_await(s, MACHINE_HELD, 15 * TIME_S);
        ck_assert_int_eq(s->pulse_count, 1);
        ck_assert_int_eq(s->pulses[0].outcome, PULSE_DONE);
        ck_assert_int_eq(s->pulses[0].width_us, 2 * TIME_MIN);
}
END_TEST

/* ---- trips and what they force ---- */

START_TEST(a_hold_trip_while_resetting_stops_the_start)
{
        change_tool(&(struct scenario_edit){"    trip: heater.over-temperature\n    then: abort",
                        "    trip: heater.over-temperature\n    then: hold"},
            1);
        start(HEAD "phases:\n  a:\n    - set: {chamber.temperature: 190 degC}\n    - wait: 10 min\n");
        ck_assert_int_eq(scenario_state(s), MACHINE_RESETTING);
        feign("heater.over-temperature", 1);
        scenario_await(s, MACHINE_STOPPED, 2 * TIME_S);
        check_reason("over-temperature");
        scenario_run(s, TIME_MIN);
        ck_assert_int_eq(scenario_state(s), MACHINE_STOPPED);
        ck_assert(out("chamber.temperature.setpoint") == 0); /* H1: the switch leaves no heater any power */
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 3);
        ck_assert_str_eq(s->reply.interlock, "over-temperature");
}
END_TEST

START_TEST(a_later_trip_forces_its_set_too)
{
        scenario_run(s, 4 * TIME_S);
        feign("emo.ok", 0);
        scenario_await(s, MACHINE_ABORTED, 10 * TIME_S);
        ck_assert(out("carrier.flow.setpoint") == 10);
        feign("chamber.pressure", 9);
        scenario_run(s, TIME_S);
        ck_assert_int_eq(scenario_status(s).latch_count, 2);
        ck_assert_str_eq(scenario_status(s).latches[0].id, "emergency-stop");
        ck_assert_str_eq(scenario_status(s).latches[1].id, "over-pressure");
        ck_assert(out("carrier.flow.setpoint") == 0);
}
END_TEST

/* A run whose chamber is over pressure in the purge behind its first pulse. */
static void run_into_over_pressure(void)
{
        scenario_start(s, "2", "20 s");
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 3 * TIME_S);
        feign("chamber.pressure", 9);
}

START_TEST(a_stop_trips_set_stays_forced_through_the_stop)
{
        soften_over_pressure("stop");
        run_into_over_pressure();
        scenario_await(s, MACHINE_STOPPING, 2 * TIME_S);
        ck_assert(out("carrier.flow.setpoint") == 0);
        while (scenario_state(s) == MACHINE_STOPPING) {
                scenario_run(s, 100 * TIME_MS);
                ck_assert(out("carrier.flow.setpoint") == 0);
        }
        ck_assert_int_eq(scenario_state(s), MACHINE_STOPPED);
        scenario_run(s, TIME_MIN);
        ck_assert(out("carrier.flow.setpoint") == 0);
        feign_nothing();
        scenario_run(s, TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        scenario_await(s, MACHINE_IDLE, 5 * TIME_S);
        ck_assert(out("carrier.flow.setpoint") == 10);
}
END_TEST

START_TEST(a_hold_trips_set_stays_forced_through_a_stop)
{
        soften_over_pressure("hold");
        run_into_over_pressure();
        scenario_await(s, MACHINE_HELD, TIME_MIN);
        ck_assert(out("carrier.flow.setpoint") == 0);
        ck_assert_int_eq(scenario_do(s, VERB_STOP), 0);
        scenario_await(s, MACHINE_STOPPED, 2 * TIME_MIN);
        ck_assert(out("carrier.flow.setpoint") == 0);
        scenario_run(s, TIME_MIN);
        ck_assert(out("carrier.flow.setpoint") == 0);
}
END_TEST

START_TEST(an_emergency_stop_acts_though_the_latches_are_full)
{
        static char is[64 * CORE_LATCHES_MAX + 16];
        int len = snprintf(is, sizeof is, "interlocks:\n");

        for (int i = 0; i < CORE_LATCHES_MAX; i++)
                len += snprintf(is + len, sizeof is - (size_t)len,
                    "  - id: hold-%d\n    trip: not lid.closed\n    then: hold\n", i);
        change_tool(&(struct scenario_edit){"interlocks:\n", is}, 1);
        feign("lid.closed", 0);
        scenario_run(s, TIME_S);
        ck_assert_int_eq(scenario_status(s).latch_count, CORE_LATCHES_MAX);
        ck_assert_int_eq(scenario_state(s), MACHINE_STOPPED);
        feign("emo.ok", 0);
        scenario_await(s, MACHINE_ABORTED, 2 * TIME_S);
        scenario_check_image(s, TOOL_IMAGE_ABORT);
        check_reason("emergency-stop");
        /* Its cause stands, though it has no place in the list. */
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 3);
        feign_nothing();
        scenario_run(s, TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        scenario_await(s, MACHINE_STOPPED, 5 * TIME_S);
        ck_assert_int_eq(scenario_status(s).latch_count, 0);
}
END_TEST

START_TEST(a_watchdog_that_is_off_holds_the_run)
{
        struct event off = {.kind = EVENT_WATCHDOG, .u.watchdog = {.device = 0, .status = TOOL_WATCHDOG_OFF}};

        scenario_start(s, "2", "20 s");
        scenario_await_open(s, "nb.valve", 1);
        virtual_event(s->v, &off);
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        check_reason("watchdog of valve-io");
        scenario_run(s, 90 * TIME_S);
        ck_assert_int_eq(s->pulse_count, 1);
        ck_assert_int_ne(scenario_do(s, VERB_RESUME), 0);
}
END_TEST

START_TEST(a_heater_without_its_temperature_is_turned_off)
{
        scenario_start(s, "30", "20 s");
        scenario_await_open(s, "nb.valve", 1);
        ck_assert(out("trap.temperature.setpoint") == 130);
        feign("trap.temperature", NAN);
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        check_reason("trap is heated without a Good temperature");
        ck_assert(out("trap.temperature.setpoint") == 0);
        ck_assert(out("chamber.temperature.setpoint") == 175);
        scenario_run(s, TIME_MIN);
        ck_assert(out("trap.temperature.setpoint") == 0);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 3);
        feign_nothing();
        scenario_run(s, TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_await(s, MACHINE_EXECUTE, 5 * TIME_S);
        ck_assert(out("trap.temperature.setpoint") == 130);
}
END_TEST

/* ---- the record ---- */

START_TEST(nothing_resumes_without_a_record)
{
        scenario_start(s, "2", "20 s");
        scenario_await_open(s, "nb.valve", 1);
        break_store(false);
        scenario_await(s, MACHINE_HELD, 20 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 3);
        ck_assert_ptr_nonnull(strstr(s->reply.text, "disk full"));
        scenario_run(s, 2 * TIME_MIN);
        ck_assert_int_eq(scenario_state(s), MACHINE_HELD);
        ck_assert_int_eq(s->pulse_count, 1);
        break_store(true);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
}
END_TEST

START_TEST(a_record_lost_while_resetting_stops_the_start)
{
        scenario_start(s, "2", "20 s");
        ck_assert_int_eq(scenario_state(s), MACHINE_RESETTING);
        break_store(false);
        scenario_await(s, MACHINE_STOPPED, 2 * TIME_S);
        check_reason("disk full");
        scenario_run(s, 2 * TIME_MIN);
        ck_assert_int_eq(scenario_state(s), MACHINE_STOPPED);
        ck_assert_int_eq(s->pulse_count, 0);
}
END_TEST

START_TEST(many_notes_and_logged_tags_have_room)
{
        static char tags[16384], text[16384];
        int len = 0, notes = 0;

        for (int i = 0; i < 60; i++)
                len += snprintf(tags + len, sizeof tags - (size_t)len,
                    "  x%d.value: {device: heat, register: input, address: %d, type: FLOAT32, unit: degC, "
                    "poll: 500 ms, stale_after: 3 s, log: {every: 40 ms}}\n",
                    i, 100 + 2 * i);
        snprintf(tags + len, sizeof tags - (size_t)len, "  bed.speed:\n");
        change_tool(&(struct scenario_edit){"  bed.speed:\n", tags}, 1);
        len = snprintf(text, sizeof text, HEAD "phases:\n  a:\n    - wait: 1 s\n");
        for (int i = 0; i < 600; i++)
                len += snprintf(text + len, sizeof text - (size_t)len, "    - note: hello\n");
        snprintf(text + len, sizeof text - (size_t)len, "    - wait: 1 s\n");
        start(text);
        scenario_await(s, MACHINE_COMPLETE, 30 * TIME_S);
        for (int i = 0; i < s->event_count; i++)
                notes += strcmp(s->events[i].kind, "note") == 0;
        ck_assert_int_eq(notes, 600);
}
END_TEST

/* ---- shutting down ---- */

/* Into Stopped in the standby image, which differs from the abort image, and a shutdown from there. */
static void shut_down_in_standby(void)
{
        start_and_await(HEAD "phases:\n  a:\n    - wait: 1 s\n");
        scenario_await(s, MACHINE_COMPLETE, TIME_MIN);
        ck_assert_int_eq(scenario_do(s, VERB_STOP), 0);
        scenario_await(s, MACHINE_STOPPED, TIME_MIN);
        scenario_run(s, TIME_S);
        ck_assert(out("chamber.temperature.setpoint") == 60);
        ck_assert_int_eq(ask((struct command){.verb = VERB_SHUTDOWN}), 0);
        ck_assert(!scenario_has_event(s, "state", "shutdown"));
}

static void check_shut_down(void)
{
        scenario_run(s, TIME_MIN);
        ck_assert(scenario_has_event(s, "state", "shutdown"));
        ck_assert_int_eq(scenario_state(s), MACHINE_STOPPED);
        scenario_check_image(s, TOOL_IMAGE_ABORT);
}

START_TEST(nothing_starts_while_shutting_down)
{
        shut_down_in_standby();
        ck_assert_int_eq(ask_for_run(HEAD "phases:\n  a:\n    - wait: 1 s\n"), 3);
        ck_assert_ptr_nonnull(strstr(s->reply.text, "ending"));
        check_shut_down();
        ck_assert_int_eq(s->runs_ended, 1);
}
END_TEST

START_TEST(nothing_is_reset_while_shutting_down)
{
        shut_down_in_standby();
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 3);
        ck_assert_ptr_nonnull(strstr(s->reply.text, "ending"));
        check_shut_down();
}
END_TEST

START_TEST(an_abort_is_heard_while_shutting_down)
{
        scenario_start(s, "2", "20 s");
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 300 * TIME_MS);
        ck_assert_int_eq(ask((struct command){.verb = VERB_SHUTDOWN}), 0);
        scenario_run(s, 100 * TIME_MS);
        ck_assert(out("nb.valve") == 1);
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 3);
        ck_assert_int_eq(scenario_do(s, VERB_ABORT), 0);
        scenario_run(s, 10 * TIME_MS);
        ck_assert(out("nb.valve") == 0);
        scenario_run(s, TIME_MIN);
        ck_assert(scenario_has_event(s, "state", "shutdown"));
        ck_assert_int_eq(s->pulses[0].outcome, PULSE_CUT);
        scenario_check_image(s, TOOL_IMAGE_ABORT);
}
END_TEST

/* ---- what may move, and when ---- */

#define OPEN_H2 HEAD "phases:\n  a:\n    - open: h2\n    - wait: 1 h\n"

START_TEST(a_reactive_valve_is_not_restored_without_its_permit)
{
        int edges;

        make_vent_reactive();
        start_and_await(OPEN_H2);
        scenario_run(s, TIME_S);
        ck_assert(out("vent.valve") == 1);
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        scenario_await(s, MACHINE_HELD, TIME_MIN);
        ck_assert(out("vent.valve") == 0);
        feign("lid.closed", 0);
        scenario_run(s, TIME_S);
        edges = s->edge_count;
        /* What to do with a step that lost its reactive gas is asked. */
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 3);
        ck_assert_int_eq(ask((struct command){.verb = VERB_RESUME, .repeat = true}), 0);
        scenario_run(s, 5 * TIME_S);
        ck_assert_int_eq(scenario_state(s), MACHINE_HELD);
        check_reason("h2-permit");
        ck_assert_int_eq(s->edge_count, edges);
        feign_nothing();
        scenario_run(s, TIME_S);
        ck_assert_int_eq(ask((struct command){.verb = VERB_RESUME, .repeat = true}), 0);
        scenario_await(s, MACHINE_EXECUTE, 5 * TIME_S);
        ck_assert(out("vent.valve") == 1);
}
END_TEST

START_TEST(a_reactive_valve_is_not_moved_while_stopping)
{
        int edges;

        make_vent_reactive();
        start_and_await(HEAD "phases:\n  a:\n    - wait: 1 h\nfinally:\n  - open: h2\n  - wait: 10 s\n");
        edges = s->edge_count;
        ck_assert_int_eq(scenario_do(s, VERB_STOP), 0);
        scenario_await(s, MACHINE_STOPPED, TIME_MIN);
        for (int i = edges; i < s->edge_count; i++)
                ck_assert(s->edges[i].value == 0);
        ck_assert(out("vent.valve") == 0);
}
END_TEST

START_TEST(a_reactive_valve_closed_by_its_link_stays_closed)
{
        struct event closed = {.kind = EVENT_WROTE};
        int edges;

        make_vent_reactive();
        start_and_await(OPEN_H2);
        scenario_run(s, TIME_S);
        ck_assert(out("vent.valve") == 1);
        edges = s->edge_count;
        meddle("vent.valve", 0);
        closed.u.wrote = (struct event_wrote){.tag = (int16_t)scenario_tag(s, "vent.valve"),
            .cause = CAUSE_DEADLINE,
            .ok = true,
            .unasked = true,
            .sent_us = virtual_now(s->v) - 500,
            .acked_us = virtual_now(s->v)};
        virtual_event(s->v, &closed);
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        check_reason("vent.valve was set closed by its link");
        scenario_run(s, 10 * TIME_S);
        ck_assert_int_eq(scenario_state(s), MACHINE_HELD);
        for (int i = edges; i < s->edge_count; i++)
                ck_assert(s->edges[i].value == 0);
        ck_assert(plant("vent.valve") == 0);
}
END_TEST

START_TEST(an_exclusion_counts_a_valve_that_is_safe_when_open)
{
        add_interlock("  - id: no-vent-into-pump\n    exclusive: [vent.valve, exhaust.valve]\n"
                      "    purge_between: 1 s\n");
        start(HEAD "phases:\n  a:\n    - open: vent\n    - wait: 1 min\n");
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        check_reason("vent.valve excludes exhaust.valve");
        scenario_run(s, 5 * TIME_S);
        ck_assert(out("exhaust.valve") == 1);
        ck_assert(out("vent.valve") == 0);
}
END_TEST

START_TEST(an_exclusion_yields_once_the_other_valve_is_closed)
{
        add_interlock("  - id: no-vent-into-pump\n    exclusive: [vent.valve, exhaust.valve]\n"
                      "    purge_between: 0 s\n");
        start(HEAD
            "phases:\n  a:\n    - close: exhaust\n    - wait: 1 s\n    - open: vent\n    - wait: 1 min\n");
        scenario_await(s, MACHINE_EXECUTE, TIME_MIN);
        scenario_run(s, 1100 * TIME_MS);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        ck_assert(out("exhaust.valve") == 0);
        ck_assert(out("vent.valve") == 1);
        /* The pressure rises and trips: the vent closes before the exhaust opens, whose safe value is open (V1). */
        scenario_await(s, MACHINE_ABORTED, 10 * TIME_S);
        ck_assert(out("vent.valve") == 0);
        ck_assert(out("exhaust.valve") == 1);
}
END_TEST

/* The compiler refuses a recipe that shuts the purge's way too early; the core does not rely on it. */
static void lose_the_first_purge(void)
{
        for (int i = 0; i < s->recipe->op_count; i++)
                if (s->recipe->ops[i].kind == RECIPE_PURGE) {
                        s->recipe->ops[i].for_us = 0;
                        return;
                }
}

START_TEST(the_purge_path_stays_open_for_its_purge)
{
        start(HEAD "phases:\n  coat:\n" WARM
                   "    - pulse: nb\n      for: 1 s\n    - purge: 10 s\n    - close: exhaust\n"
                   "    - set: {carrier.flow: 0 sccm}\n    - wait: 1 s\n    - open: exhaust\n"
                   "    - purge: 10 s\n" FINALLY);
        lose_the_first_purge();
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 1300 * TIME_MS);
        check_reason("exhaust.valve was not moved");
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        scenario_run(s, TIME_S);
        ck_assert(out("exhaust.valve") == 1);
        ck_assert(out("carrier.flow.setpoint") == 20);
        ck_assert_int_eq(s->pulse_count, 1);
        ck_assert_int_eq(s->pulses[0].outcome, PULSE_DONE);
}
END_TEST

START_TEST(the_carrier_flows_on_for_its_purge)
{
        start(HEAD "phases:\n  coat:\n" WARM "    - pulse: nb\n      for: 1 s\n    - purge: 10 s\n"
                   "    - set: {carrier.flow: 0 sccm}\n    - purge: 10 s\n" FINALLY);
        lose_the_first_purge();
        scenario_await_open(s, "nb.valve", 1);
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        check_reason("carrier.flow.setpoint was not moved");
        ck_assert(out("carrier.flow.setpoint") == 20);
}
END_TEST

START_TEST(a_permit_guards_the_motors_set_point)
{
        add_interlock("  - id: motor-needs-lid\n    permit: [bed.speed]\n    while: lid.closed\n");
        feign("lid.closed", 0);
        start(HEAD "phases:\n  a:\n    - set: {bed.speed: 0.4 rpm}\n    - wait: 1 h\n");
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        check_reason("motor-needs-lid");
        scenario_run(s, 30 * TIME_S);
        ck_assert(out("bed.speed.setpoint") == 0);
        feign_nothing();
        scenario_run(s, TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_run(s, 2 * TIME_S);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        ck_assert(fabs(out("bed.speed.setpoint") - 0.4) < 1e-9);
}
END_TEST

START_TEST(a_permit_guards_the_carriers_set_point)
{
        add_interlock("  - id: gas-permit\n    permit: [carrier.flow]\n    while: lid.closed\n");
        feign("lid.closed", 0);
        start(HEAD "phases:\n  a:\n    - set: {carrier.flow: 50 sccm}\n    - wait: 1 h\n");
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        check_reason("gas-permit");
        scenario_run(s, 30 * TIME_S);
        ck_assert(out("carrier.flow.setpoint") == 10);
}
END_TEST

static Suite *suite(void)
{
        const TTest *const tests[] = {a_strayed_valve_is_written_closed_again,
            a_strayed_set_point_is_written_back, cycles_are_counted_once_over_a_loops_edge,
            a_wait_that_timed_out_goes_on_after_a_resume, a_skip_in_recovery_keeps_the_purge,
            back_to_back_pulses_are_both_done, a_start_called_off_knows_nothing_of_the_last_runs_half_cycle,
            steady_counts_from_the_steps_beginning, a_hold_while_unholding_keeps_what_the_timeout_used,
            a_guard_counts_only_time_unbroken_by_a_hold, a_hold_in_a_long_pulse_lets_it_end,
            a_hold_trip_while_resetting_stops_the_start, a_later_trip_forces_its_set_too,
            a_stop_trips_set_stays_forced_through_the_stop, a_hold_trips_set_stays_forced_through_a_stop,
            an_emergency_stop_acts_though_the_latches_are_full, a_watchdog_that_is_off_holds_the_run,
            a_heater_without_its_temperature_is_turned_off, nothing_resumes_without_a_record,
            a_record_lost_while_resetting_stops_the_start, many_notes_and_logged_tags_have_room,
            nothing_starts_while_shutting_down, nothing_is_reset_while_shutting_down,
            an_abort_is_heard_while_shutting_down, a_reactive_valve_is_not_restored_without_its_permit,
            a_reactive_valve_is_not_moved_while_stopping, a_reactive_valve_closed_by_its_link_stays_closed,
            an_exclusion_counts_a_valve_that_is_safe_when_open,
            an_exclusion_yields_once_the_other_valve_is_closed, the_purge_path_stays_open_for_its_purge,
            the_carrier_flows_on_for_its_purge, a_permit_guards_the_motors_set_point,
            a_permit_guards_the_carriers_set_point};
        Suite *suite = suite_create("core_past");
        TCase *tc = tcase_create("past bugs");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_set_timeout(tc, 60);
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
                tcase_add_test(tc, tests[i]);
        suite_add_tcase(suite, tc);
        return suite;
}

int main(void)
{
        return suite_main(suite());
}
