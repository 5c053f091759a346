/* What a store tells of earlier runs when it is opened: where trends begin. */
#include "store_fixture.h"
#include "suite.h"

#include "ald/core/core.h"  /* struct core_past */
#include "ald/core/drift.h" /* DRIFT_LEARNS */
#include "ald/core/event.h" /* PULSE_DONE */

#include <check.h> /* the test framework */

/* Areas that scatter by nothing that a mean keeps: 10 and 12 in turns. */
static void post_pulses(struct store *s, int64_t run, int count, int64_t width_us, double area)
{
        for (int i = 0; i < count; i++) {
                struct record end = fixture_pulse(RECORD_PULSE_END, run, i + 1, "coat[0]", 0);
                struct record metrics = fixture_pulse(RECORD_PULSE_METRICS, run, i + 1, "coat[0]", 0);

                end.u.pulse.outcome = metrics.u.pulse.outcome = i == 2 ? PULSE_CUT : PULSE_DONE;
                end.u.pulse.planned_width_us = metrics.u.pulse.planned_width_us = width_us;
                metrics.u.pulse.pressure_fit = i == 2 ? 99 : i == 5 ? 500 : i % 2 == 0 ? area : area + 2;
                fixture_post(s, end);
                fixture_post(s, metrics);
        }
}

static void post_run(struct store *s, int64_t run, double flow, double pressure)
{
        struct record base = {.kind = RECORD_BASE, .wall_us = FIXTURE_T0 + run, .run_id = run};

        base.u.base = (struct record_base){.flow = flow, .pressure = pressure, .spread = 0.01, .samples = 9};
        fixture_post(s, fixture_run(RECORD_RUN_START, run, FIXTURE_T0 + run, "Execute", ""));
        fixture_post(s, base);
        base.u.base.is_after = true;
        base.u.base.pressure = 77;
        fixture_post(s, base);
        fixture_post(s, fixture_run(RECORD_RUN_END, run, FIXTURE_T0 + run, "Complete", ""));
}

static struct core_past reopen(struct store *s, const char *db)
{
        struct store_state state;

        store_close(s);
        s = fixture_open(db);
        store_get_state(s, &state);
        store_close(s);
        return state.past;
}

START_TEST(a_new_record_tells_nothing)
{
        const char *db = fixture_path("a.db");
        struct core_past past = reopen(fixture_open(db), db);

        ck_assert_int_eq(past.base_count, 0);
        ck_assert_int_eq(past.line[0].count, 0);
}
END_TEST

START_TEST(the_oldest_healthy_pulses_of_the_last_runs_speak)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);

        post_run(s, 1, 70, 2.3);
        post_pulses(s, 1, 40, 100000, 10);
        post_run(s, 2, 70.5, 2.31);
        post_pulses(s, 2, 40, 100000, 10);
        post_run(s, 3, 40, 1.7); /* another flow */
        post_pulses(s, 3, 40, 100000, 14);
        post_run(s, 4, 70, 2.32);
        post_pulses(s, 4, 40, 50000, 5); /* another width */
        post_run(s, 5, 70, 2.33);
        post_pulses(s, 5, 6, 100000, 10);
        struct core_past past = reopen(s, db);

        ck_assert_int_eq(past.line[0].width_us, 100000);
        ck_assert_double_eq(past.line[0].flow, 70);
        ck_assert_double_eq_tol(past.line[0].area, 11, 0.1); /* neither the cut one nor what lies far out */
        ck_assert_double_eq_tol(past.line[0].sigma, 2 * 1.0483, 1e-9);
        ck_assert_int_eq(past.line[0].count, 2 * 38 + 4);
        ck_assert_int_eq(past.line[1].count, 0);
        ck_assert_int_eq(past.base_count, 5); /* before the pulses, oldest first */
        ck_assert_double_eq(past.base[0].pressure, 2.3);
        ck_assert_double_eq(past.base[2].flow, 40);
        ck_assert_double_eq(past.base[4].pressure, 2.33);
}
END_TEST

START_TEST(few_pulses_say_nothing_and_many_no_more_than_there_is_room)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);
        struct core_past past;

        post_run(s, 1, 70, 2.3);
        post_pulses(s, 1, 4, 100000, 10);
        past = reopen(s, db);
        ck_assert_int_eq(past.line[0].count, 0);
        s = fixture_open(db);
        for (int run = 2; run < 24; run++) {
                post_run(s, run, 70, run);
                post_pulses(s, run, 30, 100000, 10);
                fixture_await_records(s, (run - 1) * (4 + 2 * 30));
        }
        past = reopen(s, db);
        ck_assert_int_le(past.line[0].count, DRIFT_LEARNS);
        ck_assert_int_ge(past.line[0].count, DRIFT_LEARNS - 10);
        ck_assert_int_eq(past.base_count, CORE_PAST_BASES);
        ck_assert_double_eq(past.base[CORE_PAST_BASES - 1].pressure, 23);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("past");
        TCase *tcase = tcase_create("past");

        tcase_set_timeout(tcase, 60);
        tcase_add_checked_fixture(tcase, fixture_make, fixture_clean);
        tcase_add_test(tcase, a_new_record_tells_nothing);
        tcase_add_test(tcase, the_oldest_healthy_pulses_of_the_last_runs_speak);
        tcase_add_test(tcase, few_pulses_say_nothing_and_many_no_more_than_there_is_room);
        suite_add_tcase(suite, tcase);
        return suite_main(suite);
}
