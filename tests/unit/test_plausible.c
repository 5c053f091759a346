/* Alarms and checks of plausibility on the reference tool, each against the fault of the simulated tool that it looks for;
 * and the run without a fault, which must be silent. */
#include "one_scenario.h"
#include "suite.h"

#include "ald/sim/sim.h" /* sim_fault */

/* Begin with another scenario: a tool of its own (taken), and perhaps cold. */
static void begin(struct tool *tool, bool is_ready)
{
        scenario_free(s);
        s = scenario_make(tool, 0, is_ready);
        scenario_await(s, MACHINE_STOPPED, 10 * TIME_S);
}

static void edit(const char *was, const char *is)
{
        begin(scenario_edited_tool(&(struct scenario_edit){was, is}, 1), true);
}

static void inject(const char *spec)
{
        char why[200];

        ck_assert_msg(sim_fault(virtual_sim(s->v), spec, why, sizeof why), "%s", why);
}

/* A fault that begins now. */
static void inject_now(const char *what, const char *rest)
{
        char spec[120];

        snprintf(spec, sizeof spec, "%s@%lld ms%s", what,
            (long long)(sim_time_us(virtual_sim(s->v)) / TIME_MS), rest);
        inject(spec);
}

#define HEAD "format: 1\nrecipe: t\ntitle: t\ntool: rotary-ald\n"

static void start(const char *phases)
{
        char text[2000];

        snprintf(text, sizeof text, HEAD "phases:\n  a:\n%s", phases);
        recipe_free(s->recipe);
        s->recipe = support_recipe_text(s->tool, text, NULL, 0);
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 0);
}

static const char *state_of(const char *id)
{
        static struct core_alarm_now a;

        for (int i = 0; i < core_count_alarms(virtual_core(s->v)); i++) {
                core_get_alarm(virtual_core(s->v), i, &a);
                if (strcmp(a.id, id) == 0)
                        return alarm_state_name(a.state);
        }
        return "normal";
}

static struct core_alarm_now alarm_of(const char *id)
{
        struct core_alarm_now a;

        for (int i = 0; i < core_count_alarms(virtual_core(s->v)); i++) {
                core_get_alarm(virtual_core(s->v), i, &a);
                if (strcmp(a.id, id) == 0)
                        return a;
        }
        ck_abort_msg("no alarm %s", id);
}

static void await_alarm(const char *id, const char *state, int64_t within_us)
{
        int64_t limit_us = virtual_now(s->v) + within_us;

        while (strcmp(state_of(id), state) != 0 && virtual_now(s->v) < limit_us)
                scenario_run(s, 50 * TIME_MS);
        ck_assert_msg(strcmp(state_of(id), state) == 0, "%s is %s, not %s", id, state_of(id), state);
}

static int told(const char *id)
{
        int n = 0;

        for (int i = 0; i < s->event_count; i++)
                n += strcmp(s->events[i].kind, "alarm") == 0 && strcmp(s->events[i].source, id) == 0;
        return n;
}

/* A command about alarms; returns the reply's code. */
static int ask(enum verb verb, const char *alarm, int64_t for_us, const char *reason)
{
        struct command c = {.reply = 7,
            .verb = verb,
            .role = TOOL_ROLE_OPERATOR,
            .uid = 1000,
            .pid = 1,
            .user = "ann",
            .for_us = for_us};

        text_copy(c.name, sizeof c.name, alarm);
        text_copy(c.reason, sizeof c.reason, reason);
        virtual_command(s->v, &c);
        return s->reply.code;
}

/* ---- silence ---- */

START_TEST(the_papers_run_from_cold_to_complete_is_silent)
{
        begin(support_tool(SUPPORT_TOOL), false);
        recipe_free(s->recipe);
        s->recipe = support_recipe(s->tool, SUPPORT_RECIPE, NULL, 0);
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 0);
        scenario_await(s, MACHINE_COMPLETE, 8 * TIME_H);
        ck_assert_int_eq(s->pulse_count, 60);
        scenario_run(s, 10 * TIME_MIN);
        for (int i = 0; i < s->event_count; i++)
                ck_assert_msg(strcmp(s->events[i].kind, "alarm") != 0, "%s: %s", s->events[i].source,
                    s->events[i].text);
        ck_assert_int_eq(s->alarms, 0);
        ck_assert_int_eq(core_count_alarms(virtual_core(s->v)), 0);
}
END_TEST

/* ---- heaters ---- */

START_TEST(a_heater_that_does_not_heat_trips)
{
        inject("heater-dead:chamber");
        start("    - set: {chamber.temperature: 190 degC}\n    - wait: 1 h\n");
        scenario_run(s, 58 * TIME_S);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        scenario_await(s, MACHINE_HELD, 10 * TIME_S);
        ck_assert_str_eq(scenario_status(s).latches[0].id, "rise-chamber");
        ck_assert(out("chamber.temperature.setpoint") == 0);
        ck_assert(out("nb.line.temperature.setpoint") > 0); /* the others are kept */
        ck_assert_str_eq(state_of("rise-chamber"), "latched-unacknowledged");
        /* Mended and resumed it heats again. */
        scenario_run(s, 5 * TIME_MIN);
        ck_assert(out("chamber.temperature.setpoint") == 0);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_await(s, MACHINE_EXECUTE, 5 * TIME_S);
        ck_assert(out("chamber.temperature.setpoint") == 190);
        scenario_await(s, MACHINE_HELD, 70 * TIME_S); /* nobody mended it */
}
END_TEST

START_TEST(a_heater_that_dies_on_its_way_trips)
{
        inject("heater-dead:chamber@3 min");
        begin(support_tool(SUPPORT_TOOL), false);
        inject("heater-dead:chamber@3 min");
        start("    - set: {chamber.temperature: 175 degC}\n    - wait: 1 h\n");
        scenario_run(s, 150 * TIME_S);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        scenario_await(s, MACHINE_HELD, 2 * TIME_MIN);
        ck_assert_str_eq(scenario_status(s).latches[0].id, "rise-chamber");
}
END_TEST

/* Ramps slower than the test's own rate, set-points below the value, a value that stays within tolerance. */
START_TEST(ramps_and_cooling_are_no_failures)
{
        start("    - set: {chamber.temperature: 176 degC}\n"
              "      ramp: 0.5 K/min\n"
              "    - wait: 10 min\n"
              "    - set: {chamber.temperature: 60 degC}\n"
              "    - wait: 20 min\n"
              "    - set: {chamber.temperature: 180 degC}\n"
              "      ramp: 1.5 K/min\n"
              "    - wait: {until: settled, timeout: 3 h}\n");
        scenario_await(s, MACHINE_COMPLETE, 5 * TIME_H);
        ck_assert_int_eq(s->alarms, 0);
}
END_TEST

/* A zone that follows a slow ramp further behind than its tolerance rises less than rise_by, but to where the set-point was. */
START_TEST(a_zone_behind_a_slow_ramp_is_no_failure)
{
        static const struct scenario_edit edits[] = {{"chamber.temperature.setpoint, tolerance: 2 K",
                                                         "chamber.temperature.setpoint, tolerance: 0.9 K"},
            {"chamber: {lag: 20 s", "chamber: {lag: 100 s"}};

        begin(scenario_edited_tool(edits, 2), true);
        start("    - set: {chamber.temperature: 190 degC}\n"
              "      ramp: 1 K/min\n"
              "    - wait: 12 min\n");
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(s->alarms, 0);
}
END_TEST

START_TEST(over_temperature_leaves_no_heater_any_power)
{
        edit("    trip: heater.over-temperature\n    then: abort",
            "    trip: heater.over-temperature and bed.speed > 9 rpm\n    then: abort");
        start("    - set: {chamber.temperature: 190 degC, bed.speed: 3 rpm}\n    - wait: 1 h\n");
        scenario_run(s, 30 * TIME_S);
        ck_assert(out("chamber.temperature.setpoint") == 190);
        feign("heater.over-temperature", 1);
        scenario_run(s, 100 * TIME_MS);
        ck_assert(out("chamber.temperature.setpoint") == 0);
        ck_assert(out("nb.line.temperature.setpoint") == 0);
        ck_assert(out("bed.speed.setpoint") == 3);
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        ck_assert_ptr_nonnull(strstr(scenario_status(s).reason, "over-temperature"));
        /* Nothing latches; the resume restores what the run wants, as soon as it may. */
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_run(s, 2 * TIME_S);
        ck_assert(out("chamber.temperature.setpoint") == 0);
        s->bad_tag = -1;
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        scenario_run(s, TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_await(s, MACHINE_EXECUTE, 5 * TIME_S);
        ck_assert(out("chamber.temperature.setpoint") == 190);
}
END_TEST

START_TEST(a_cut_out_that_says_nothing_counts_after_three_seconds)
{
        edit("    trip: heater.over-temperature\n    then: abort",
            "    trip: heater.over-temperature\n    grace: 30 s\n    then: abort");
        start("    - set: {chamber.temperature: 190 degC}\n    - wait: 1 h\n");
        scenario_run(s, 30 * TIME_S);
        feign("heater.over-temperature", 0);
        s->drop_bad = true;
        scenario_run(s, 2 * TIME_S);
        ck_assert(out("chamber.temperature.setpoint") == 190);
        scenario_run(s, 2 * TIME_S);
        ck_assert(out("chamber.temperature.setpoint") == 0);
}
END_TEST

/* ---- the bed ---- */

START_TEST(a_bed_that_does_not_turn_trips)
{
        start("    - set: {bed.speed: 3 rpm}\n    - wait: 1 h\n");
        scenario_run(s, 30 * TIME_S);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        inject_now("motor-stall:bed", "");
        scenario_run(s, 4500 * TIME_MS);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        ck_assert_str_eq(scenario_status(s).latches[0].id, "motor-bed");
        ck_assert(out("bed.speed.setpoint") == 0);
        ck_assert_str_eq(state_of("motor-bed"), "latched-unacknowledged");
}
END_TEST

/* A resume is the reset of what held a run; what has not failed yet gets no more time by it. */
START_TEST(a_bed_that_does_not_turn_trips_in_time_whoever_resumes)
{
        start("    - set: {bed.speed: 3 rpm}\n    - wait: 1 h\n");
        scenario_run(s, 30 * TIME_S);
        inject_now("motor-stall:bed", "");
        for (int i = 0; i < 2; i++) {
                scenario_run(s, 2 * TIME_S);
                ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
                scenario_await(s, MACHINE_HELD, TIME_S);
                ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        }
        scenario_await(s, MACHINE_HELD, 3 * TIME_S);
        ck_assert_str_eq(scenario_status(s).latches[0].id, "motor-bed");
}
END_TEST

START_TEST(a_bed_whose_speed_is_not_known_trips)
{
        start("    - set: {bed.speed: 3 rpm}\n    - wait: 1 h\n");
        scenario_run(s, 30 * TIME_S);
        feign("bed.speed", NAN);
        scenario_await(s, MACHINE_HELD, 8 * TIME_S);
        ck_assert_str_eq(scenario_status(s).latches[0].id, "motor-bed");
}
END_TEST

/* M1 without the tool file's own trip. */
START_TEST(the_bed_turns_only_under_a_closed_lid)
{
        edit("    trip: not lid.closed and not bed.speed within 0.5 rpm of 0 rpm",
            "    trip: not lid.closed and bed.speed > 9 rpm");
        start("    - set: {bed.speed: 3 rpm}\n    - wait: 1 h\n");
        scenario_run(s, 30 * TIME_S);
        ck_assert(out("bed.speed.setpoint") == 3);
        feign("lid.closed", 0);
        scenario_run(s, 100 * TIME_MS);
        ck_assert(out("bed.speed.setpoint") == 0);
        ck_assert(out("chamber.temperature.setpoint") > 0);
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        s->bad_tag = -1;
        scenario_run(s, 10 * TIME_S);
        ck_assert(out("bed.speed.setpoint") == 0); /* by itself it does not turn again */
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_await(s, MACHINE_EXECUTE, 5 * TIME_S);
        ck_assert(out("bed.speed.setpoint") == 3);
}
END_TEST

/* ---- flows, lines, pulses, valves ---- */

START_TEST(a_flow_that_does_not_follow_is_an_alarm)
{
        inject("flow-stuck:carrier");
        start("    - set: {carrier.flow: 70 sccm}\n    - wait: 2 min\n");
        scenario_run(s, 4 * TIME_S);
        ck_assert_str_eq(state_of("not-following-carrier"), "normal");
        await_alarm("not-following-carrier", "unacknowledged", 5 * TIME_S);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE); /* it tells, and moves nothing */
        ck_assert_int_eq(told("not-following-carrier"), 1);
        ck_assert_int_eq(ask(VERB_ACK, "not-following-carrier", 0, ""), 0);
        ck_assert_str_eq(state_of("not-following-carrier"), "acknowledged");
}
END_TEST

START_TEST(a_flow_that_follows_again_returns)
{
        inject_now("flow-stuck:carrier", "+30 s");
        start("    - set: {carrier.flow: 70 sccm}\n    - wait: 2 min\n");
        await_alarm("not-following-carrier", "unacknowledged", 10 * TIME_S);
        await_alarm("not-following-carrier", "returned-unacknowledged", 40 * TIME_S);
        ck_assert_int_eq(ask(VERB_ACK, "", 0, ""), 0);
        ck_assert_str_eq(s->reply.text, "1 alarm acknowledged");
        ck_assert_str_eq(state_of("not-following-carrier"), "normal");
}
END_TEST

START_TEST(a_line_colder_than_its_source_is_an_alarm)
{
        /* The line's set-point stays below the source's; its own rise test has nothing to say. */
        start("    - set: {nb.line.temperature: 90 degC, nb.temperature: 110 degC}\n    - wait: 3 h\n");
        await_alarm("cold-line-nb", "unacknowledged", 3 * TIME_H);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        ck_assert_ptr_nonnull(strstr(alarm_of("cold-line-nb").text, "nb.line.temperature"));
}
END_TEST

static void run_cycles(const char *cycles)
{
        scenario_start(s, cycles, "10 s");
}

START_TEST(a_bottle_that_is_empty_is_an_alarm_after_three_pulses)
{
        run_cycles("6");
        inject("bottle-empty:water");
        scenario_await_open(s, "water.valve", 3);
        scenario_run(s, TIME_S);
        ck_assert_str_eq(state_of("flat-pulse-water"), "normal");
        await_alarm("flat-pulse-water", "unacknowledged", 10 * TIME_S);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        scenario_await(s, MACHINE_COMPLETE, 2 * TIME_H);
        ck_assert_int_eq(told("flat-pulse-water"), 1); /* said once, not at each pulse */
}
END_TEST

START_TEST(the_first_pulse_that_moves_the_gauge_returns_it)
{
        run_cycles("6");
        inject("stuck-closed:water.valve"); /* the seat, not the coil: only the gauge tells */
        await_alarm("flat-pulse-water", "unacknowledged", TIME_H);
        scenario_free(s);
        s = scenario_new(0);
        scenario_await(s, MACHINE_STOPPED, 10 * TIME_S);
        run_cycles("20");
        inject_now("bottle-empty:water", "+3 min");
        await_alarm("flat-pulse-water", "unacknowledged", TIME_H);
        ck_assert_int_eq(ask(VERB_ACK, "flat-pulse-water", 0, ""), 0);
        await_alarm("flat-pulse-water", "normal", TIME_H);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
}
END_TEST

START_TEST(two_flat_pulses_are_none)
{
        run_cycles("6");
        scenario_await_open(s, "water.valve", 1);
        scenario_run(s, 8 * TIME_S);
        inject_now("bottle-empty:water", "+40 s");
        scenario_await(s, MACHINE_COMPLETE, 2 * TIME_H);
        ck_assert_int_eq(told("flat-pulse-water"), 0);
}
END_TEST

/* V7: a valve that does not answer is a trip, and stands in the list as one. */
START_TEST(a_valve_that_does_not_answer_is_a_trip_and_an_alarm)
{
        struct core_alarm_now a;

        s->deviant_tag = scenario_tag(s, "exhaust.valve");
        scenario_run(s, 5 * TIME_S);
        a = alarm_of("follow-exhaust.valve");
        ck_assert_str_eq(alarm_state_name(a.state), "latched-unacknowledged");
        ck_assert_int_eq(a.priority, TOOL_PRIORITY_CRITICAL);
        ck_assert(a.is_trip);
        ck_assert_int_eq(told("follow-exhaust.valve"),
            0 + (int)(a.stands ? 0 : 1)); /* its going; its coming is the trip */
}
END_TEST

/* ---- alarms of the tool file ---- */

START_TEST(an_alarm_has_its_delay_and_its_deadband)
{
        feign("chamber.temperature", 191);
        scenario_run(s, 4 * TIME_S);
        ck_assert_str_eq(state_of("chamber-warm"), "normal");
        await_alarm("chamber-warm", "unacknowledged", 2 * TIME_S);
        ck_assert_str_eq(
            alarm_of("chamber-warm").text, "chamber.temperature > 190 degC (chamber.temperature 191 degC)");
        s->bad_value = 188.5;
        scenario_run(s, 10 * TIME_S);
        ck_assert_str_eq(state_of("chamber-warm"), "unacknowledged");
        s->bad_value = 187.9;
        await_alarm("chamber-warm", "returned-unacknowledged", TIME_S);
        s->bad_value = 189; /* and from below it comes at the limit, not before */
        scenario_run(s, 10 * TIME_S);
        ck_assert_str_eq(state_of("chamber-warm"), "returned-unacknowledged");
}
END_TEST

START_TEST(what_cannot_be_read_is_in_alarm)
{
        feign("nb.temperature", NAN);
        await_alarm("source-hot", "unacknowledged", 40 * TIME_S);
        ck_assert_ptr_nonnull(strstr(alarm_of("source-hot").text, "Bad"));
}
END_TEST

/* Values that never came are borne as long as those of interlocks, then the delay runs. */
START_TEST(first_values_have_time_to_come)
{
        struct event tick = {.kind = EVENT_TICK};
        struct core *core = core_new(s->tool, &(struct core_start){.now_us = TIME_S, .store_ok = true});
        static struct effects effects;
        int64_t came_us = 0;

        for (tick.now_us = TIME_S; tick.now_us < 20 * TIME_S && came_us == 0; tick.now_us += 50 * TIME_MS) {
                core_step(core, &tick, &effects);
                for (int i = 0; i < core_count_alarms(core); i++) {
                        struct core_alarm_now a;

                        core_get_alarm(core, i, &a);
                        came_us = strcmp(a.id, "chamber-warm") == 0 ? tick.now_us - TIME_S : came_us;
                }
        }
        ck_assert_int_eq(came_us, 8 * TIME_S); /* 3 s for the first value, 5 s of `for` */
        core_free(core);
}
END_TEST

START_TEST(a_suppressed_alarm_is_none)
{
        feign("chamber.pressure", 4.5);
        await_alarm("pressure-high", "unacknowledged", 10 * TIME_S);
        s->bad_tag = -1;
        inject_now("pump-fail", "");
        scenario_run(s, 5 * TIME_S);
        feign("chamber.pressure", 4.5);
        scenario_run(s, 10 * TIME_S);
        ck_assert_str_eq(state_of("pressure-high"), "returned-unacknowledged");
        ck_assert_int_eq(ask(VERB_ACK, "", 0, ""), 0);
        scenario_run(s, TIME_S);
        ck_assert_str_eq(state_of("pressure-high"), "suppressed");
}
END_TEST

START_TEST(bad_does_not_suppress)
{
        edit("suppress: carrier.flow.setpoint < 5 sccm", "suppress: pump.running");
        feign("pump.running", NAN); /* a bit that is no number is Bad */
        start("    - set: {carrier.flow: 0 sccm}\n    - wait: 1 h\n");
        await_alarm("no-carrier", "unacknowledged", 40 * TIME_S);
        s->bad_tag = -1;
        await_alarm("no-carrier", "suppressed", 5 * TIME_S);
}
END_TEST

START_TEST(a_latching_alarm_wants_both_ack_and_reset)
{
        inject_now("pump-fail", "+30 s");
        await_alarm("pump-stopped", "unacknowledged", 20 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        ck_assert_str_eq(state_of("pump-stopped"), "unacknowledged"); /* it stands: no reset helps */
        await_alarm("pump-stopped", "latched-unacknowledged", 40 * TIME_S);
        ck_assert_int_eq(ask(VERB_ACK, "pump-stopped", 0, ""), 0);
        ck_assert_str_eq(state_of("pump-stopped"), "latched");
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        ck_assert_str_eq(state_of("pump-stopped"), "normal");
}
END_TEST

START_TEST(trips_are_alarms_until_acknowledged_and_reset)
{
        feign("emo.ok", 0);
        scenario_await(s, MACHINE_ABORTED, 5 * TIME_S);
        ck_assert_str_eq(state_of("emergency-stop"), "unacknowledged");
        ck_assert_int_eq(ask(VERB_SHELVE, "emergency-stop", TIME_H, "noisy"), 3);
        ck_assert_ptr_nonnull(strstr(s->reply.text, "trip"));
        ck_assert_int_eq(ask(VERB_ACK, "emergency-stop", 0, ""), 0);
        ck_assert_str_eq(state_of("emergency-stop"), "acknowledged");
        ck_assert_int_eq(scenario_status(s).latch_count, 1); /* T2: an acknowledgement resets nothing */
        s->bad_tag = -1;
        await_alarm("emergency-stop", "latched", TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        scenario_run(s, 100 * TIME_MS);
        ck_assert_str_eq(state_of("emergency-stop"), "normal");
}
END_TEST

/* ---- people ---- */

START_TEST(a_shelving_says_how_long_and_why)
{
        ck_assert_int_eq(ask(VERB_SHELVE, "chamber-warm", 0, "old gauge"), 3);
        ck_assert_int_eq(ask(VERB_SHELVE, "chamber-warm", 8 * TIME_H + 1, "old gauge"), 3);
        ck_assert_ptr_nonnull(strstr(s->reply.text, "8 h"));
        ck_assert_int_eq(ask(VERB_SHELVE, "chamber-warm", TIME_H, "  "), 3);
        ck_assert_int_eq(ask(VERB_SHELVE, "chamber-hot", TIME_H, "x"), 3);
        ck_assert_ptr_nonnull(strstr(s->reply.text, "no alarm is called 'chamber-hot'"));
        ck_assert_int_eq(ask(VERB_UNSHELVE, "chamber-warm", 0, ""), 3);
        ck_assert_int_eq(core_count_alarms(virtual_core(s->v)), 0);
        ck_assert_int_eq(ask(VERB_SHELVE, "chamber-warm", 8 * TIME_H, "old gauge"), 0);
        ck_assert_str_eq(alarm_of("chamber-warm").shelved_by, "ann");
        ck_assert_str_eq(alarm_of("chamber-warm").reason, "old gauge");
        ck_assert_int_eq(scenario_status(s).alarms_shelved, 1);
        ck_assert_int_eq(ask(VERB_UNSHELVE, "chamber-warm", 0, ""), 0);
        ck_assert_int_eq(scenario_status(s).alarms_shelved, 0);
}
END_TEST

START_TEST(a_shelved_alarm_is_silent_and_comes_back)
{
        ck_assert_int_eq(ask(VERB_SHELVE, "chamber-warm", TIME_MIN, "old gauge"), 0);
        feign("chamber.temperature", 195);
        scenario_run(s, 30 * TIME_S);
        ck_assert_int_eq(told("chamber-warm"), 1); /* the shelving itself */
        ck_assert_int_eq(scenario_status(s).alarms_shown, 0);
        await_alarm("chamber-warm", "unacknowledged", 31 * TIME_S);
        ck_assert_int_eq(scenario_status(s).alarms_unacked, 1);
        ck_assert_int_eq(told("chamber-warm"), 3); /* its end, its coming */
}
END_TEST

/* ---- conditions of the core's own ---- */

START_TEST(a_link_that_is_down_is_an_alarm)
{
        struct event down = {.kind = EVENT_LINK, .u.link = {.link = 1, .up = false, .why = "no reply"}};
        struct event up = {.kind = EVENT_LINK, .u.link = {.link = 1, .up = true}};

        virtual_event(s->v, &down);
        await_alarm("link-down-plant", "unacknowledged", 2 * TIME_S);
        virtual_event(s->v, &up);
        await_alarm("link-down-plant", "returned-unacknowledged", TIME_S);
}
END_TEST

START_TEST(what_chatters_is_told_once)
{
        struct event down = {.kind = EVENT_LINK, .u.link = {.link = 1, .up = false, .why = "no reply"}};
        struct event up = {.kind = EVENT_LINK, .u.link = {.link = 1, .up = true}};

        for (int i = 0; i < 20; i++) {
                virtual_event(s->v, &down);
                scenario_run(s, 1500 * TIME_MS);
                virtual_event(s->v, &up);
                scenario_run(s, 1500 * TIME_MS);
        }
        ck_assert_int_eq(told("link-down-plant"), 7); /* three came and went; then it chatters */
        ck_assert(alarm_of("link-down-plant").is_chattering);
        ck_assert_str_eq(state_of("link-down-plant"), "unacknowledged");
        await_alarm("link-down-plant", "returned-unacknowledged", 61 * TIME_S);
        ck_assert_int_eq(told("link-down-plant"), 8);
}
END_TEST

START_TEST(a_flood_is_told_and_ends_by_itself)
{
        char list[2000];
        struct text t;

        text_init(&t, list, sizeof list);
        text_add(&t, "alarms:\n");
        for (int i = 0; i < 14; i++)
                text_add(&t, "  - {id: low-%d, when: not lid.closed, priority: low, guidance: x}\n", i);
        edit("alarms:\n", list);
        feign("lid.closed", 0);
        scenario_run(s, TIME_S);
        ck_assert_int_eq(told("flood"), 1);
        ck_assert(scenario_status(s).is_flooded);
        ck_assert_int_eq(scenario_status(s).alarms_unacked, 14); /* the list holds them all */
        ck_assert_int_eq(told("low-10"), 1);
        ck_assert_int_eq(told("low-11") + told("low-12") + told("low-13"), 0);
        scenario_run(s, 9 * TIME_MIN);
        ck_assert(scenario_status(s).is_flooded);
        scenario_run(s, TIME_MIN);
        ck_assert(!scenario_status(s).is_flooded);
        ck_assert_int_eq(told("flood"), 2);
        ck_assert_ptr_nonnull(strstr(s->events[s->event_count - 1].text, "3 of low priority"));
}
END_TEST

START_TEST(a_record_that_is_not_kept_is_an_alarm)
{
        struct event event = {.kind = EVENT_STORE, .u.store = {.ok = false, .why = "disk full"}};

        virtual_event(s->v, &event);
        ck_assert_str_eq(state_of("not-recorded"), "unacknowledged");
        ck_assert_ptr_nonnull(strstr(alarm_of("not-recorded").text, "disk full"));
}
END_TEST

START_TEST(outputs_that_are_not_confirmed_are_an_alarm)
{
        feign("exhaust.valve", NAN);
        scenario_run(s, 4 * TIME_S);
        ck_assert_str_eq(state_of("unconfirmed-outputs"), "normal");
        await_alarm("unconfirmed-outputs", "unacknowledged", 10 * TIME_S);
        ck_assert_ptr_nonnull(strstr(alarm_of("unconfirmed-outputs").text, "exhaust.valve"));
}
END_TEST

START_TEST(a_slow_loop_is_counted_and_an_alarm)
{
        struct event tick = {.kind = EVENT_TICK};
        struct core *core = core_new(s->tool, &(struct core_start){.now_us = TIME_S, .store_ok = true});
        static struct effects effects;
        struct core_status status;
        struct core_alarm_now a;
        bool is_there = false;

        tick.now_us = TIME_S;
        core_step(core, &tick, &effects);
        tick.now_us += 150 * TIME_MS;
        core_step(core, &tick, &effects);
        core_get_status(core, &status);
        ck_assert_int_eq(status.lags, 1);
        ck_assert_int_eq(core_count_alarms(core), 0);
        tick.now_us += 400 * TIME_MS;
        core_step(core, &tick, &effects);
        tick.now_us += 10 * TIME_MS;
        core_step(core, &tick, &effects);
        core_get_status(core, &status);
        ck_assert_int_eq(status.lags, 2);
        for (int i = 0; i < core_count_alarms(core); i++) {
                core_get_alarm(core, i, &a);
                is_there = is_there || (strcmp(a.id, "loop-slow") == 0 && a.state == ALARM_RETURNED);
        }
        ck_assert(is_there);
        core_free(core);
}
END_TEST

/* ---- T2: an acknowledgement moves nothing ---- */

static uint64_t wire_of_a_run_with(bool has_acks)
{
        struct event tick = {.kind = EVENT_TICK};
        uint64_t random = 11, digest;

        scenario_free(s);
        s = scenario_new(0);
        scenario_await(s, MACHINE_STOPPED, 10 * TIME_S);
        run_cycles("20");
        inject("flow-stuck:carrier@2 min+20 s");
        inject("bottle-empty:water@1 min");
        for (int i = 0; i < 3000; i++) {
                random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                scenario_run(s, (int64_t)((random >> 40) % 200) * TIME_MS);
                if (i == 1500)
                        feign("bed.speed", NAN); /* a trip, too */
                /* The same turns in both runs, or a retry or a trip could fall on another one. */
                if (!has_acks)
                        virtual_event(s->v, &tick);
                else if (i % 50 == 0)
                        ask(VERB_SHELVE, "not-following-carrier", TIME_MIN, "test");
                else
                        ck_assert_int_eq(ask(VERB_ACK, "", 0, ""), 0);
        }
        ck_assert_int_eq(scenario_status(s).latch_count, 1);
        ck_assert_int_ge(s->alarms, 3);
        digest = s->wire_digest;
        return digest;
}

START_TEST(acknowledgements_leave_the_wire_as_it_is)
{
        uint64_t without = wire_of_a_run_with(false);

        ck_assert_uint_ne(without, 0);
        ck_assert_uint_eq(wire_of_a_run_with(true), without);
}
END_TEST

static void add_checks(TCase *tc)
{
        tcase_add_test(tc, the_papers_run_from_cold_to_complete_is_silent);
        tcase_add_test(tc, a_heater_that_does_not_heat_trips);
        tcase_add_test(tc, a_heater_that_dies_on_its_way_trips);
        tcase_add_test(tc, ramps_and_cooling_are_no_failures);
        tcase_add_test(tc, a_zone_behind_a_slow_ramp_is_no_failure);
        tcase_add_test(tc, over_temperature_leaves_no_heater_any_power);
        tcase_add_test(tc, a_cut_out_that_says_nothing_counts_after_three_seconds);
        tcase_add_test(tc, a_bed_that_does_not_turn_trips);
        tcase_add_test(tc, a_bed_that_does_not_turn_trips_in_time_whoever_resumes);
        tcase_add_test(tc, a_bed_whose_speed_is_not_known_trips);
        tcase_add_test(tc, the_bed_turns_only_under_a_closed_lid);
        tcase_add_test(tc, a_flow_that_does_not_follow_is_an_alarm);
        tcase_add_test(tc, a_flow_that_follows_again_returns);
        tcase_add_test(tc, a_line_colder_than_its_source_is_an_alarm);
        tcase_add_test(tc, a_bottle_that_is_empty_is_an_alarm_after_three_pulses);
        tcase_add_test(tc, the_first_pulse_that_moves_the_gauge_returns_it);
        tcase_add_test(tc, two_flat_pulses_are_none);
        tcase_add_test(tc, a_valve_that_does_not_answer_is_a_trip_and_an_alarm);
}

static void add_alarms(TCase *tc)
{
        tcase_add_test(tc, an_alarm_has_its_delay_and_its_deadband);
        tcase_add_test(tc, what_cannot_be_read_is_in_alarm);
        tcase_add_test(tc, first_values_have_time_to_come);
        tcase_add_test(tc, a_suppressed_alarm_is_none);
        tcase_add_test(tc, bad_does_not_suppress);
        tcase_add_test(tc, a_latching_alarm_wants_both_ack_and_reset);
        tcase_add_test(tc, trips_are_alarms_until_acknowledged_and_reset);
        tcase_add_test(tc, a_shelving_says_how_long_and_why);
        tcase_add_test(tc, a_shelved_alarm_is_silent_and_comes_back);
        tcase_add_test(tc, a_link_that_is_down_is_an_alarm);
        tcase_add_test(tc, what_chatters_is_told_once);
        tcase_add_test(tc, a_flood_is_told_and_ends_by_itself);
        tcase_add_test(tc, a_record_that_is_not_kept_is_an_alarm);
        tcase_add_test(tc, outputs_that_are_not_confirmed_are_an_alarm);
        tcase_add_test(tc, a_slow_loop_is_counted_and_an_alarm);
        tcase_add_test(tc, acknowledgements_leave_the_wire_as_it_is);
}

int main(void)
{
        Suite *suite = suite_create("plausible");
        TCase *tc = tcase_create("plausible");

        tcase_set_timeout(tc, 120);
        tcase_add_checked_fixture(tc, setup, teardown);
        add_checks(tc);
        add_alarms(tc);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
