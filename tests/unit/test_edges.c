/* What is told of a pulse whose edges or width are wrong, what holds the run, and what is repeated (V8, S2). */

#include "one_scenario.h"
#include "suite.h"

/* The shipped tool with its water line's limits as given, and a run of two cycles in which pulse `n` comes late. Niobium
 * pulses (odd) last 1 s, water pulses (even) 100 ms. */
static void begin(const char *limits, int n, int64_t open_late_us, int64_t close_late_us)
{
        char is[96];

        snprintf(is, sizeof is, "valve: water.valve, %s", limits);
        scenario_free(s);
        s = scenario_new_with(scenario_edited_tool(&(struct scenario_edit){"valve: water.valve,", is}, 1), 0);
        scenario_await(s, MACHINE_STOPPED, 10 * TIME_S);
        s->late_pulse = n;
        s->open_late_us = open_late_us;
        s->close_late_us = close_late_us;
        scenario_start(s, "2", "10 s");
}

static int count_told(const char *text)
{
        int n = 0;

        for (int i = 0; i < s->event_count; i++)
                n += strcmp(s->events[i].kind, "pulse") == 0 && s->events[i].severity == RECORD_ALARM &&
                     strstr(s->events[i].text, text) != NULL;
        return n;
}

START_TEST(what_is_within_the_tolerance_is_not_told)
{
        begin("", 2, 5 * TIME_MS, 0);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(count_told(""), 0);
        ck_assert_int_eq(s->pulses[1].width_us, 95 * TIME_MS);
}
END_TEST

START_TEST(both_edges_and_their_answers_are_recorded)
{
        const struct record_pulse *p;

        begin("", 2, 3 * TIME_MS, 4 * TIME_MS);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        p = &s->pulses[1];
        ck_assert_int_eq(p->opened_us, p->planned_open_us + 3 * TIME_MS);
        ck_assert_int_eq(p->open_acked_us, p->opened_us);
        ck_assert_int_eq(p->closed_us, p->planned_open_us + 104 * TIME_MS);
        ck_assert_int_eq(p->close_acked_us, p->closed_us + TIME_MS);
}
END_TEST

START_TEST(an_edge_that_is_late_is_told_with_the_width)
{
        begin("", 2, 10 * TIME_MS, 0);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(count_told("open for 90 ms instead of 100 ms, opened 10 ms late"), 1);
        ck_assert_int_eq(count_told(""), 1);
        ck_assert_int_eq(s->pulse_count, 4);
}
END_TEST

/* The width is right, the dose came late: the purge before it was longer, the one behind it shorter. */
START_TEST(a_late_dose_of_the_right_width_is_told)
{
        begin("", 2, 10 * TIME_MS, 10 * TIME_MS);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(count_told("opened 10 ms late, closed 10 ms late"), 1);
        ck_assert_int_eq(count_told("instead of"), 0);
}
END_TEST

/* Unless given: ten tolerances (50 ms) for a pulse of 100 ms, a fifth (200 ms) for one of a second. */
START_TEST(the_limit_unless_given)
{
        const struct tool_line *line;

        begin("", 2, 0, 50 * TIME_MS);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        begin("", 2, 0, 50 * TIME_MS + 1);
        scenario_await(s, MACHINE_HELD, TIME_H);
        begin("", 1, 0, 200 * TIME_MS);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        begin("", 1, 0, 200 * TIME_MS + 1);
        scenario_await(s, MACHINE_HELD, TIME_H);
        line = &s->tool->lines[tool_find_line(s->tool, "water")];
        ck_assert_int_eq(tool_width_limit_us(line, 100 * TIME_MS), 50 * TIME_MS);
        ck_assert_int_eq(tool_width_limit_us(line, TIME_S), 200 * TIME_MS);
}
END_TEST

/* More of it is no remedy for too much: its purge runs whole, then the run goes on behind it. */
START_TEST(an_overlong_dose_holds_and_is_not_repeated)
{
        begin("width_limit: 20 ms,", 2, 0, 21 * TIME_MS);
        scenario_await(s, MACHINE_HELD, TIME_H);
        ck_assert_int_eq(count_told("open for 121 ms instead of 100 ms, closed 21 ms late; the line's "
                                    "width_limit is 20 ms"),
            1);
        ck_assert_str_eq(scenario_status(s).reason,
            "pulse water: open for 121 ms instead of 100 ms, closed 21 ms late, beyond its width_limit of "
            "20 ms; look at its link and the machine's load");
        ck_assert_int_eq(s->pulses[1].outcome, PULSE_DONE);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_await(s, MACHINE_EXECUTE, 5 * TIME_S);
        int64_t resumed = virtual_now(s->v);
        scenario_await_open(s, "nb.valve", 2);
        ck_assert_int_ge(s->edges[s->edge_count - 1].t_us - resumed, 10 * TIME_S);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(s->pulse_count, 4);
        ck_assert_int_eq(s->cycles_ended, 2);
}
END_TEST

START_TEST(a_dose_that_is_too_short_holds_and_is_repeated)
{
        begin("width_limit: 15 ms,", 2, 16 * TIME_MS, 0);
        scenario_await(s, MACHINE_HELD, TIME_H);
        ck_assert_int_eq(s->pulses[1].outcome, PULSE_FAILED);
        ck_assert_int_eq(s->pulses[1].width_us, 84 * TIME_MS);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_await(s, MACHINE_EXECUTE, 5 * TIME_S);
        int64_t resumed = virtual_now(s->v);
        scenario_await_open(s, "water.valve", 2);
        ck_assert_int_ge(s->edges[s->edge_count - 1].t_us - resumed, 10 * TIME_S);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(s->pulse_count, 5);
        ck_assert_int_eq(s->pulses[2].attempt, 2);
        ck_assert_int_eq(s->pulses[2].outcome, PULSE_DONE);
        ck_assert_str_eq(s->pulses[2].path, s->pulses[1].path);
        ck_assert_int_eq(s->cycles_ended, 2);
}
END_TEST

/* The dose is whole, only late by more than the limit: held, and not given twice. */
START_TEST(a_whole_dose_that_is_too_late_holds_and_is_not_repeated)
{
        begin("width_limit: 15 ms,", 2, 16 * TIME_MS, 16 * TIME_MS);
        scenario_await(s, MACHINE_HELD, TIME_H);
        ck_assert_int_eq(s->pulses[1].outcome, PULSE_DONE);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(s->pulse_count, 4);
}
END_TEST

/* Late steps are faults, not catch-ups. */
START_TEST(a_pulse_that_could_not_open_in_time_is_told_and_repeated)
{
        begin("", 2, 0, INT64_MAX);
        scenario_await(s, MACHINE_HELD, TIME_H);
        ck_assert_int_eq(count_told("not opened: its link could not do it in time"), 1);
        ck_assert_int_eq(s->pulses[1].outcome, PULSE_LATE);
        ck_assert_int_eq(s->pulses[1].opened_us, -1);
        ck_assert_int_eq(s->pulses[1].closed_us, -1);
        ck_assert_ptr_nonnull(strstr(scenario_status(s).reason, "could not do it in time"));
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(s->pulse_count, 5);
        ck_assert_int_eq(s->pulses[2].attempt, 2);
}
END_TEST

/* By hand there is no run to hold; it is told all the same. */
START_TEST(a_pulse_by_hand_is_told_too)
{
        struct command open = {.reply = 1,
            .verb = VERB_OPEN,
            .role = TOOL_ROLE_OPERATOR,
            .uid = 1000,
            .for_us = 100 * TIME_MS,
            .user = "ann"};
        struct command take = {.reply = 1,
            .verb = VERB_CONTROL,
            .role = TOOL_ROLE_OPERATOR,
            .uid = 1000,
            .tag = TOOL_NONE,
            .name = "take",
            .user = "ann"};
        int before;

        begin("", 5, 0, 60 * TIME_MS);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        virtual_command(s->v, &take);
        ck_assert_msg(s->reply.code == 0, "%s", s->reply.text);
        open.tag = (int16_t)scenario_tag(s, "water.valve");
        before = s->event_count;
        virtual_command(s->v, &open);
        ck_assert_msg(s->reply.code == 0, "%s", s->reply.text);
        scenario_run(s, 2 * TIME_S);
        ck_assert_int_gt(s->event_count, before);
        ck_assert_int_eq(count_told("open for 160 ms instead of 100 ms"), 1);
        ck_assert_int_eq(scenario_state(s), MACHINE_COMPLETE);
}
END_TEST

static Suite *suite(void)
{
        const TTest *const tests[] = {what_is_within_the_tolerance_is_not_told,
            both_edges_and_their_answers_are_recorded, an_edge_that_is_late_is_told_with_the_width,
            a_late_dose_of_the_right_width_is_told, the_limit_unless_given,
            an_overlong_dose_holds_and_is_not_repeated, a_dose_that_is_too_short_holds_and_is_repeated,
            a_whole_dose_that_is_too_late_holds_and_is_not_repeated,
            a_pulse_that_could_not_open_in_time_is_told_and_repeated, a_pulse_by_hand_is_told_too};
        Suite *suite = suite_create("edges");
        TCase *tc = tcase_create("edges");

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
