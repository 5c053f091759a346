/* The core through whole runs in virtual time: sequence, holds, stops, trips, start-up. */

#include "one_scenario.h"
#include "suite.h"

/* ---- a run ---- */

START_TEST(start_up_confirms_the_abort_image)
{
        scenario_check_image(s, TOOL_IMAGE_ABORT);
        ck_assert_int_eq(scenario_status(s).unconfirmed_count, 0);
        ck_assert_int_eq(scenario_status(s).latch_count, 0);
}
END_TEST

START_TEST(two_cycles_give_two_pulses_of_each)
{
        int nb = scenario_tag(s, "nb.valve"), water = scenario_tag(s, "water.valve");
        int64_t t0;

        scenario_start(s, "2", "20 s");
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(s->pulse_count, 4);
        ck_assert_int_eq(s->cycles_begun, 2);
        ck_assert_int_eq(s->cycles_ended, 2);
        ck_assert_int_eq(s->metrics_count, 4);
        ck_assert_int_eq(s->runs_ended, 1);
        ck_assert_str_eq(s->run_end.state, "Complete");
        /* On the wire: open, close of nb, water, nb, water, each exactly where the schedule says. The start-up wrote
         * both valves closed first, and nothing wrote them again. */
        ck_assert_int_eq(s->edge_count, 2 + 8);
        t0 = s->edges[2].t_us;
        static const int64_t at[] = {0, 1000000, 21000000, 21100000, 41100000, 42100000, 62100000, 62200000};
        for (int i = 0; i < 8; i++) {
                ck_assert_int_eq(s->edges[2 + i].t_us - t0, at[i]);
                ck_assert_int_eq(s->edges[2 + i].tag, (i / 2) % 2 == 0 ? nb : water);
                ck_assert_int_eq((int)s->edges[2 + i].value, i % 2 == 0);
        }
        for (int i = 0; i < 4; i++) {
                ck_assert_int_eq(s->pulses[i].outcome, PULSE_DONE);
                ck_assert_int_eq(s->pulses[i].attempt, 1);
                ck_assert_int_eq(s->pulses[i].cycle, i / 2 + 1);
        }
        scenario_check_image(s, TOOL_IMAGE_STANDBY);
}
END_TEST

START_TEST(ten_thousand_cycles_drift_by_nothing)
{
        struct file_set sets[] = {{"cycles", "10000"}, {"purge", "5 s"}, {"base", "0 s"}, {"settle", "0 s"},
            {"nb_pulse", "20 ms"}, {"water_pulse", "20 ms"}};
        int64_t first = 0, last = 0;

        s->recipe = support_recipe(s->tool, SUPPORT_RECIPE, sets, 6);
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 0);
        scenario_await_open(s, "nb.valve", 1);
        first = s->edges[s->edge_count - 1].t_us;
        while (scenario_status(s).cycle < 10000) {
                s->edge_count = 4;
                scenario_run(s, 10 * TIME_S);
        }
        s->edge_count = 4;
        scenario_await_open(s, "water.valve", 1);
        for (int i = 4; i < s->edge_count; i++)
                if (s->edges[i].value != 0)
                        last = s->edges[i].t_us;
        /* The water pulse of cycle 10,000 opens after 9,999 whole cycles, one niobium pulse and one purge. */
        ck_assert_int_eq(last - first, 9999 * INT64_C(10040000) + 20000 + 5000000);
}
END_TEST

START_TEST(pulses_are_visible_in_the_pressure)
{
        scenario_start(s, "1", "20 s");
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        /* The last one measured is water: 17 Torr behind the valve against 2.3 Torr in the chamber. */
        ck_assert(s->metrics.pressure_base > 2.1 && s->metrics.pressure_base < 2.5);
        ck_assert(s->metrics.pressure_peak > s->metrics.pressure_base * 1.02);
        ck_assert(s->metrics.pressure_area > 0);
}
END_TEST

START_TEST(status_says_what_it_waits_for)
{
        struct core_status status;

        scenario_start(s, "1", "20 s");
        scenario_await(s, MACHINE_EXECUTE, TIME_MIN);
        scenario_run(s, TIME_S);
        status = scenario_status(s);
        ck_assert_str_eq(status.phase, "prepare");
        ck_assert_ptr_nonnull(strstr(status.waiting, "chamber.pressure"));
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 500 * TIME_MS);
        status = scenario_status(s);
        ck_assert_str_eq(status.step, "pulse nb 1 s");
        ck_assert_int_eq(status.cycle, 1);
        /* 0.5 s of the pulse, 20 + 0.1 + 20 s, then the last purge of 5 s. */
        ck_assert_int_ge(status.left_us, 45500 * TIME_MS);
        ck_assert_int_le(status.left_us, 45700 * TIME_MS);
}
END_TEST

/* ---- hold and resume ---- */

START_TEST(a_hold_in_a_purge_runs_the_purge_whole_again)
{
        int64_t resumed, opened;

        scenario_start(s, "2", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 6 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        scenario_check_closed(s);
        scenario_check_image(s, TOOL_IMAGE_HOLD);
        scenario_run(s, TIME_MIN);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_await(s, MACHINE_EXECUTE, 5 * TIME_S);
        resumed = virtual_now(s->v);
        scenario_await_open(s, "water.valve", 1);
        opened = s->edges[s->edge_count - 1].t_us;
        ck_assert_int_ge(opened - resumed, 10 * TIME_S);
        ck_assert_int_le(opened - resumed, 10 * TIME_S + 100 * TIME_MS);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(s->pulse_count, 4);
        ck_assert_int_eq(s->cycles_ended, 2);
}
END_TEST

START_TEST(a_hold_lets_the_running_pulse_end)
{
        scenario_start(s, "2", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 300 * TIME_MS);
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        ck_assert_int_eq(scenario_state(s), MACHINE_HOLDING);
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        ck_assert_int_eq(s->pulses[0].outcome, PULSE_DONE);
        ck_assert_int_eq(s->pulses[0].width_us, TIME_S);
        scenario_do(s, VERB_RESUME);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(s->pulse_count, 4);
}
END_TEST

START_TEST(a_cut_pulse_is_repeated_whole_as_a_row_of_its_own)
{
        struct command now = {.reply = 1,
            .verb = VERB_HOLD,
            .role = TOOL_ROLE_OPERATOR,
            .uid = 1000,
            .now = true,
            .user = "ann"};

        scenario_start(s, "2", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 300 * TIME_MS);
        virtual_command(s->v, &now);
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        ck_assert_int_eq(s->pulses[0].outcome, PULSE_CUT);
        ck_assert_int_lt(s->pulses[0].width_us, 400 * TIME_MS);
        scenario_do(s, VERB_RESUME);
        scenario_await(s, MACHINE_EXECUTE, 5 * TIME_S);
        int64_t resumed = virtual_now(s->v);
        scenario_await_open(s, "nb.valve", 2);
        ck_assert_int_ge(s->edges[s->edge_count - 1].t_us - resumed, 10 * TIME_S);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(s->pulse_count, 5);
        ck_assert_int_eq(s->pulses[1].attempt, 2);
        ck_assert_int_eq(s->pulses[1].cycle, 1);
        ck_assert_str_eq(s->pulses[1].path, s->pulses[0].path);
        ck_assert_int_eq(s->pulses[1].width_us, TIME_S);
        ck_assert_int_eq(s->pulses[2].attempt, 1);
        ck_assert_int_eq(s->cycles_ended, 2);
}
END_TEST

START_TEST(a_pulse_handed_over_is_taken_back_by_a_hold)
{
        scenario_start(s, "2", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        /* The water pulse opens 11 s after niobium: 20 ms before, it is handed over but closed. */
        virtual_run(s->v, s->edges[s->edge_count - 1].t_us + 11 * TIME_S - 20 * TIME_MS);
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        ck_assert_int_eq(s->pulse_count, 2);
        ck_assert_int_eq(s->pulses[1].outcome, PULSE_REVOKED);
        ck_assert_int_eq(s->pulses[1].opened_us, -1);
        scenario_do(s, VERB_RESUME);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(s->pulse_count, 5);
        ck_assert_int_eq(s->pulses[2].attempt, 2);
}
END_TEST

START_TEST(holds_at_every_moment_lose_and_double_nothing)
{
        /* One cycle of 2 x 5 s purge: hold at each tenth of a second of it, resume, and count. */
        for (int k = 0; k < 112; k++) {
                scenario_free(s);
                setup();
                scenario_start(s, "2", "5 s");
                scenario_await_open(s, "nb.valve", 1);
                virtual_run(s->v, s->edges[s->edge_count - 1].t_us + k * 100 * TIME_MS);
                ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
                scenario_await(s, MACHINE_HELD, 5 * TIME_S);
                scenario_do(s, VERB_RESUME);
                scenario_await(s, MACHINE_COMPLETE, TIME_H);
                int done = 0;
                for (int i = 0; i < s->pulse_count; i++)
                        done += s->pulses[i].outcome == PULSE_DONE;
                ck_assert_msg(done == 4 && s->cycles_begun == 2 && s->cycles_ended == 2,
                    "hold at %d ms: %d pulses done, %d cycles begun, %d ended", k * 100, done,
                    s->cycles_begun, s->cycles_ended);
        }
}
END_TEST

static void start_text(const char *phase)
{
        char text[512];

        snprintf(text, sizeof text,
            "format: 1\nrecipe: test\ntitle: t\ntool: rotary-ald\nphases:\n  one:\n%s", phase);
        s->recipe = support_recipe_text(s->tool, text, NULL, 0);
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 0);
        scenario_await(s, MACHINE_EXECUTE, TIME_MIN);
}

START_TEST(a_hold_in_a_wait_pauses_its_timeout)
{
        int64_t resumed;

        start_text("    - wait: {until: bed.speed > 9 rpm, timeout: 10 s, else: stop}\n");
        scenario_run(s, 6 * TIME_S);
        scenario_do(s, VERB_HOLD);
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        scenario_run(s, TIME_MIN);
        scenario_do(s, VERB_RESUME);
        scenario_await(s, MACHINE_EXECUTE, 5 * TIME_S);
        resumed = virtual_now(s->v);
        scenario_await(s, MACHINE_STOPPING, 20 * TIME_S);
        /* 6 of the 10 s were used before the hold. */
        ck_assert_int_ge(virtual_now(s->v) - resumed, 3900 * TIME_MS);
        ck_assert_int_le(virtual_now(s->v) - resumed, 4100 * TIME_MS);
        ck_assert_ptr_nonnull(strstr(scenario_status(s).reason, "bed.speed"));
}
END_TEST

START_TEST(a_step_does_not_advance_on_what_was_sampled_before_it)
{
        start_text("    - wait: 5 s\n    - wait: {until: chamber.pressure < 950 mTorr, timeout: 10 s}\n    - "
                   "wait: 1 min\n");
        while (scenario_status(s).source_line == 7) {
                /* The gauge falls silent just before the second step begins, too late to be stale. */
                if (scenario_status(s).step_left_us < 60 * TIME_MS) {
                        s->bad_tag = scenario_tag(s, "chamber.pressure");
                        s->drop_bad = true;
                }
                scenario_run(s, 10 * TIME_MS);
        }
        scenario_run(s, 150 * TIME_MS);
        ck_assert_int_eq(scenario_status(s).source_line, 8);
        s->bad_tag = -1;
        scenario_run(s, 200 * TIME_MS);
        ck_assert_int_eq(scenario_status(s).source_line, 9);
}
END_TEST

START_TEST(nothing_starts_while_a_trip_is_latched)
{
        for (int i = 0; i < s->tool->interlock_count; i++)
                if (strcmp(s->tool->interlocks[i].id, "chamber-hot") == 0)
                        s->tool->interlocks[i].then = TOOL_ACT_HOLD;
        s->bad_tag = scenario_tag(s, "chamber.temperature");
        s->bad_value = 250;
        scenario_run(s, 3 * TIME_S);
        s->bad_tag = -1;
        scenario_run(s, TIME_S);
        ck_assert_int_eq(scenario_state(s), MACHINE_STOPPED);
        s->recipe = support_recipe(s->tool, SUPPORT_RECIPE, NULL, 0);
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 3);
        ck_assert_str_eq(s->reply.interlock, "chamber-hot");
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        scenario_await(s, MACHINE_IDLE, 10 * TIME_S);
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 0);
}
END_TEST

START_TEST(a_hold_ends_as_the_recipe_says)
{
        scenario_start(s, "1", "5 s");
        scenario_await_open(s, "nb.valve", 1);
        scenario_do(s, VERB_HOLD);
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        scenario_run(s, 29 * TIME_MIN);
        ck_assert_int_eq(scenario_state(s), MACHINE_HELD);
        scenario_await(s, MACHINE_STOPPED, 5 * TIME_MIN);
        ck_assert_ptr_nonnull(strstr(s->run_end.reason, "30 min"));
}
END_TEST

/* ---- stop, abort, shutdown ---- */

START_TEST(a_stop_ends_pulse_purge_and_finally)
{
        int64_t closed, stopped;

        scenario_start(s, "2", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 300 * TIME_MS);
        ck_assert_int_eq(scenario_do(s, VERB_STOP), 0);
        scenario_await(s, MACHINE_STOPPED, TIME_MIN);
        stopped = virtual_now(s->v);
        closed = s->edges[s->edge_count - 1].t_us;
        ck_assert_int_eq(s->pulse_count, 1);
        ck_assert_int_eq(s->pulses[0].width_us, TIME_S);
        /* The purge of 10 s and the `finally` of 5 s lie between. */
        ck_assert_int_ge(stopped - closed, 15 * TIME_S);
        ck_assert_int_le(stopped - closed, 17 * TIME_S);
        scenario_check_image(s, TOOL_IMAGE_STANDBY);
        ck_assert_str_eq(s->run_end.state, "Stopped");
}
END_TEST

START_TEST(an_abort_cuts_and_makes_safe_at_once)
{
        int64_t asked;

        scenario_start(s, "2", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 300 * TIME_MS);
        asked = virtual_now(s->v);
        ck_assert_int_eq(scenario_do(s, VERB_ABORT), 0);
        scenario_await(s, MACHINE_ABORTED, 2 * TIME_S);
        ck_assert_int_le(s->edges[s->edge_count - 1].t_us - asked, 5 * TIME_MS);
        scenario_check_image(s, TOOL_IMAGE_ABORT);
        ck_assert_int_eq(s->pulses[0].outcome, PULSE_CUT);
        ck_assert_str_eq(s->run_end.state, "Aborted");
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 3);
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        scenario_await(s, MACHINE_STOPPED, 5 * TIME_S);
        scenario_start(s, "1", "5 s");
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
}
END_TEST

START_TEST(a_shutdown_lets_the_pulse_end_and_goes_to_the_abort_image)
{
        struct command c = {.verb = VERB_SHUTDOWN, .role = TOOL_ROLE_ENGINEER, .user = "signal"};

        scenario_start(s, "2", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 300 * TIME_MS);
        virtual_command(s->v, &c);
        scenario_await(s, MACHINE_STOPPED, 5 * TIME_S);
        ck_assert_int_eq(s->pulses[0].outcome, PULSE_DONE);
        scenario_check_image(s, TOOL_IMAGE_ABORT);
        ck_assert_int_eq(s->runs_ended, 1);
}
END_TEST

/* ---- refusals ---- */

START_TEST(commands_out_of_place_are_refused_and_audited)
{
        struct command viewer = {.reply = 1, .verb = VERB_ABORT, .role = TOOL_ROLE_VIEWER, .user = "eve"};
        int audits = s->audits;

        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 3);
        ck_assert_ptr_nonnull(strstr(s->reply.text, "Execute"));
        ck_assert_int_eq(s->audits, audits + 1);
        ck_assert_str_eq(s->audit.command, "hold");
        virtual_command(s->v, &viewer);
        ck_assert_int_eq(s->reply.code, 5);
        ck_assert_int_eq(scenario_state(s), MACHINE_STOPPED);
        ck_assert_int_eq(s->audits, audits + 2);
}
END_TEST

START_TEST(no_run_without_a_record)
{
        struct event broken = {.kind = EVENT_STORE, .u.store = {.ok = false, .why = "disk full"}};

        virtual_event(s->v, &broken);
        s->recipe = support_recipe(s->tool, SUPPORT_RECIPE, NULL, 0);
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 3);
        ck_assert_ptr_nonnull(strstr(s->reply.text, "disk full"));
        ck_assert_int_eq(scenario_state(s), MACHINE_STOPPED);
}
END_TEST

START_TEST(a_record_lost_in_a_run_holds_it)
{
        struct event broken = {.kind = EVENT_STORE, .u.store = {.ok = false, .why = "disk full"}};

        scenario_start(s, "2", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        virtual_event(s->v, &broken);
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        ck_assert_int_eq(s->pulses[0].outcome, PULSE_DONE);
        ck_assert_ptr_nonnull(strstr(scenario_status(s).reason, "disk full"));
}
END_TEST

/* ---- trips and permits ---- */

START_TEST(an_emergency_stop_in_a_pulse_closes_it_in_the_same_turn)
{
        scenario_start(s, "2", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        s->bad_tag = scenario_tag(s, "emo.ok");
        s->bad_value = 0;
        int64_t at = virtual_now(s->v);
        scenario_await(s, MACHINE_ABORTED, 2 * TIME_S);
        /* The next sample comes within 50 ms; the close follows it at once. */
        ck_assert_int_le(s->edges[s->edge_count - 1].t_us - at, 55 * TIME_MS);
        scenario_check_image(s, TOOL_IMAGE_ABORT);
        struct core_status status = scenario_status(s);
        ck_assert_int_ge(status.latch_count, 1);
        ck_assert_str_eq(status.latches[0].id, "emergency-stop");
        /* The cause stands: no reset. */
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 3);
        ck_assert_ptr_nonnull(strstr(s->reply.text, "emergency-stop"));
        s->bad_tag = -1;
        scenario_run(s, TIME_S);
        ck_assert_int_eq(scenario_state(s), MACHINE_ABORTED);
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        scenario_await(s, MACHINE_STOPPED, 5 * TIME_S);
}
END_TEST

START_TEST(over_pressure_sets_the_carrier_beyond_the_image)
{
        scenario_start(s, "2", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        s->bad_tag = scenario_tag(s, "chamber.pressure");
        s->bad_value = 7;
        scenario_await(s, MACHINE_ABORTED, 2 * TIME_S);
        ck_assert(s->out[scenario_tag(s, "carrier.flow.setpoint")] == 0);
        ck_assert_str_eq(scenario_status(s).latches[0].id, "over-pressure");
}
END_TEST

static void check_gauge_fault(const char *why)
{
        struct core_status status;

        scenario_await(s, MACHINE_ABORTED, 10 * TIME_S);
        scenario_check_closed(s);
        status = scenario_status(s);
        ck_assert_str_eq(status.latches[0].id, "over-pressure");
        ck_assert_msg(strstr(status.latches[0].text, "chamber.pressure") != NULL &&
                          strstr(status.latches[0].text, why) != NULL,
            "the reason is: %s", status.latches[0].text);
}

static void start_and_break_gauge(double value, bool drop, bool freeze)
{
        scenario_start(s, "2", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        s->bad_tag = scenario_tag(s, "chamber.pressure");
        s->bad_value = value;
        s->drop_bad = drop;
        s->freeze_bad = freeze;
}

START_TEST(a_gauge_that_reads_nan_trips)
{
        start_and_break_gauge(NAN, false, false);
        check_gauge_fault("not a valid value");
}
END_TEST

START_TEST(a_gauge_that_falls_silent_trips)
{
        start_and_break_gauge(0, true, false);
        check_gauge_fault("stale");
}
END_TEST

START_TEST(a_gauge_that_freezes_trips)
{
        start_and_break_gauge(NAN, false, true);
        check_gauge_fault("frozen");
}
END_TEST

START_TEST(a_permit_lost_in_a_pulse_closes_it_and_holds)
{
        scenario_start(s, "2", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        s->bad_tag = scenario_tag(s, "pump.running");
        s->bad_value = 0;
        scenario_await(s, MACHINE_HELD, 5 * TIME_S);
        ck_assert_int_eq(s->pulses[0].outcome, PULSE_CUT);
        ck_assert_ptr_nonnull(strstr(scenario_status(s).reason, "precursor-needs-flow"));
        s->bad_tag = -1;
        scenario_run(s, TIME_S);
        scenario_do(s, VERB_RESUME);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(s->pulses[1].attempt, 2);
}
END_TEST

START_TEST(a_purge_counts_only_while_it_flows)
{
        scenario_start(s, "1", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 2 * TIME_S);
        s->bad_tag = scenario_tag(s, "carrier.flow");
        s->bad_value = 0;
        scenario_run(s, 6 * TIME_S);
        s->bad_tag = -1;
        /* 3 s of flow are left before the water pulse; the exclusion asks for 5 s. */
        scenario_await(s, MACHINE_HELD, 10 * TIME_S);
        ck_assert_msg(strstr(scenario_status(s).reason, "purge between of 5 s") != NULL, "%s",
            scenario_status(s).reason);
        ck_assert_int_eq(s->pulse_count, 1);
        scenario_do(s, VERB_RESUME);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(s->pulse_count, 2);
}
END_TEST

START_TEST(a_pulse_that_is_not_permitted_does_not_open)
{
        scenario_start(s, "2", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 2 * TIME_S);
        s->bad_tag = scenario_tag(s, "lid.closed");
        s->bad_value = 0;
        int edges = s->edge_count;
        scenario_run(s, 20 * TIME_S);
        ck_assert_int_eq(s->edge_count, edges);
        ck_assert_int_eq(scenario_state(s), MACHINE_ABORTED);
}
END_TEST

START_TEST(a_guard_holds_when_the_bed_stands_still)
{
        scenario_start(s, "5", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        s->bad_tag = scenario_tag(s, "bed.speed");
        s->bad_value = 0;
        scenario_await(s, MACHINE_HELD, 20 * TIME_S);
        ck_assert_ptr_nonnull(strstr(scenario_status(s).reason, "bed.speed"));
        ck_assert_int_eq(s->pulses[0].outcome, PULSE_DONE);
}
END_TEST

START_TEST(an_output_that_strays_trips)
{
        scenario_start(s, "2", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 3 * TIME_S);
        s->deviant_tag = scenario_tag(s, "exhaust.valve");
        scenario_await(s, MACHINE_ABORTED, 10 * TIME_S);
        ck_assert_str_eq(scenario_status(s).latches[0].id, "follow-exhaust.valve");
}
END_TEST

START_TEST(a_link_lost_with_outputs_energised_trips)
{
        struct event down = {
            .kind = EVENT_LINK, .u.link = {.link = 1, .up = false, .why = "connection reset"}};

        scenario_start(s, "2", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        virtual_event(s->v, &down);
        scenario_await(s, MACHINE_ABORTED, 10 * TIME_S);
        ck_assert_str_eq(scenario_status(s).latches[0].id, "link-plant");
        ck_assert_ptr_nonnull(strstr(scenario_status(s).latches[0].text, "connection reset"));
}
END_TEST

START_TEST(a_watchdog_that_expires_trips_and_is_rearmed_by_the_reset)
{
        struct event expired = {
            .kind = EVENT_WATCHDOG, .u.watchdog = {.device = 0, .status = TOOL_WATCHDOG_EXPIRED}};

        scenario_start(s, "2", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        virtual_event(s->v, &expired);
        scenario_await(s, MACHINE_ABORTED, 5 * TIME_S);
        ck_assert_str_eq(scenario_status(s).latches[0].id, "watchdog-valve-io");
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        scenario_await(s, MACHINE_STOPPED, 5 * TIME_S);
}
END_TEST

START_TEST(a_stalled_loop_trips)
{
        struct event tick = {.kind = EVENT_TICK, .now_us = virtual_now(s->v) + 2 * TIME_S};
        struct effects out;

        scenario_start(s, "2", "10 s");
        scenario_await_open(s, "nb.valve", 1);
        tick.now_us = virtual_now(s->v) + 2 * TIME_S;
        core_step(virtual_core(s->v), &tick, &out);
        ck_assert(scenario_status(s).latch_count >= 1);
        bool found = false;
        struct core_status status = scenario_status(s);
        for (int i = 0; i < status.latch_count; i++)
                found |= strcmp(status.latches[i].id, "loop-lag") == 0;
        ck_assert(found);
        ck_assert_int_eq(status.state, MACHINE_ABORTING);
}
END_TEST

/* A reset that waited in the stall clears nothing that nobody has seen (T2). */
START_TEST(a_stall_stands_until_the_loop_keeps_time)
{
        struct event tick = {.kind = EVENT_TICK};
        struct effects out;

        tick.now_us = virtual_now(s->v) + 2 * TIME_S;
        core_step(virtual_core(s->v), &tick, &out);
        ck_assert_int_eq(scenario_status(s).latch_count, 1);
        tick.now_us += TIME_MS;
        tick.kind = EVENT_COMMAND;
        tick.u.command =
            (struct command){.verb = VERB_RESET, .role = TOOL_ROLE_OPERATOR, .user = "ann", .reply = 1};
        core_step(virtual_core(s->v), &tick, &out);
        ck_assert_int_eq(scenario_status(s).latch_count, 1);
        tick.kind = EVENT_TICK;
        for (int i = 0; i < 25; i++) {
                tick.now_us += 50 * TIME_MS;
                core_step(virtual_core(s->v), &tick, &out);
        }
        ck_assert_int_eq(scenario_status(s).latches[0].is_active, false);
}
END_TEST

/* ---- start-up ---- */

START_TEST(a_crash_in_a_run_comes_up_aborted)
{
        scenario_free(s);
        s = scenario_new(12);
        scenario_await(s, MACHINE_ABORTED, 10 * TIME_S);
        ck_assert_str_eq(scenario_status(s).latches[0].id, "restart");
        ck_assert_ptr_nonnull(strstr(scenario_status(s).reason, "run 12"));
        scenario_check_image(s, TOOL_IMAGE_ABORT);
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        scenario_await(s, MACHINE_STOPPED, 5 * TIME_S);
}
END_TEST

START_TEST(an_output_that_does_not_answer_is_named)
{
        scenario_free(s);
        s = scenario_new(0);
        s->deaf_tag = scenario_tag(s, "pump.run");
        s->deviant_tag = s->deaf_tag;
        scenario_await(s, MACHINE_ABORTED, 10 * TIME_S);
        ck_assert_ptr_nonnull(strstr(scenario_status(s).latches[0].text, "pump.run"));
}
END_TEST

/* ---- ramps ---- */

START_TEST(a_ramp_walks_in_steps_and_settles)
{
        static const char text[] = "format: 1\nrecipe: ramp\ntitle: t\ntool: rotary-ald\n"
                                   "phases:\n  up:\n"
                                   "    - set: {chamber.temperature: 185 degC}\n      ramp: 5 K/min\n"
                                   "    - wait: {until: settled, timeout: 1 h}\n";
        int sp = scenario_tag(s, "chamber.temperature.setpoint");
        double last;

        s->recipe = support_recipe_text(s->tool, text, NULL, 0);
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 0);
        scenario_await(s, MACHINE_EXECUTE, TIME_MIN);
        scenario_run(s, 30 * TIME_S);
        last = s->out[sp];
        ck_assert(last > 150 && last < 185);
        scenario_do(s, VERB_HOLD);
        scenario_await(s, MACHINE_HELD, 10 * TIME_S);
        last = s->out[sp];
        scenario_run(s, TIME_MIN);
        ck_assert(s->out[sp] == last); /* frozen */
        scenario_do(s, VERB_RESUME);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
}
END_TEST

static Suite *suite(void)
{
        const TTest *const tests[] = {start_up_confirms_the_abort_image, two_cycles_give_two_pulses_of_each,
            ten_thousand_cycles_drift_by_nothing, pulses_are_visible_in_the_pressure,
            status_says_what_it_waits_for, a_hold_in_a_purge_runs_the_purge_whole_again,
            a_hold_lets_the_running_pulse_end, a_cut_pulse_is_repeated_whole_as_a_row_of_its_own,
            a_pulse_handed_over_is_taken_back_by_a_hold, holds_at_every_moment_lose_and_double_nothing,
            a_hold_in_a_wait_pauses_its_timeout, a_step_does_not_advance_on_what_was_sampled_before_it,
            nothing_starts_while_a_trip_is_latched, a_hold_ends_as_the_recipe_says,
            a_stop_ends_pulse_purge_and_finally, an_abort_cuts_and_makes_safe_at_once,
            a_shutdown_lets_the_pulse_end_and_goes_to_the_abort_image,
            commands_out_of_place_are_refused_and_audited, no_run_without_a_record,
            a_record_lost_in_a_run_holds_it, an_emergency_stop_in_a_pulse_closes_it_in_the_same_turn,
            over_pressure_sets_the_carrier_beyond_the_image, a_gauge_that_reads_nan_trips,
            a_gauge_that_falls_silent_trips, a_gauge_that_freezes_trips,
            a_permit_lost_in_a_pulse_closes_it_and_holds, a_purge_counts_only_while_it_flows,
            a_pulse_that_is_not_permitted_does_not_open, a_guard_holds_when_the_bed_stands_still,
            an_output_that_strays_trips, a_link_lost_with_outputs_energised_trips,
            a_watchdog_that_expires_trips_and_is_rearmed_by_the_reset, a_stalled_loop_trips,
            a_stall_stands_until_the_loop_keeps_time, a_crash_in_a_run_comes_up_aborted,
            an_output_that_does_not_answer_is_named, a_ramp_walks_in_steps_and_settles};
        Suite *suite = suite_create("core");
        TCase *tc = tcase_create("runs");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_set_timeout(tc, 120);
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
                tcase_add_test(tc, tests[i]);
        suite_add_tcase(suite, tc);
        return suite;
}

int main(void)
{
        return suite_main(suite());
}
