/* What the record tells of a run that a crash ended: its last step; and what it tells of the run that goes on with it. */
#include "store_fixture.h"
#include "suite.h"

#include "ald/store/query.h" /* query_* */

#include <check.h>  /* START_TEST */
#include <stdio.h>  /* snprintf */
#include <stdlib.h> /* malloc, free */
#include <string.h> /* strstr */

#define T0 FIXTURE_T0

static struct record step(int64_t at_us, const char *text)
{
        struct record r = fixture_event(1, T0 + at_us, text);

        snprintf(r.u.event.kind, sizeof r.u.event.kind, "step");
        return r;
}

static struct record pulse(
    enum record_kind kind, int64_t cycle, const char *path, int attempt, enum pulse_outcome outcome)
{
        struct record r = fixture_pulse(kind, 1, cycle, path, 0);

        r.u.pulse.attempt = attempt;
        r.u.pulse.outcome = outcome;
        /* The wall clock was set back in the run: what counts is the cycle. */
        if (cycle == 10)
                r.u.pulse.planned_open_us = T0 - 3600000000;
        return r;
}

/* The daemon ends in the run, behind so many of the records; the next one closes it. */
static const char *last_step_after(const struct record *records, int count)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);

        fixture_post(s, fixture_run(RECORD_RUN_START, 1, T0, "Execute", ""));
        for (int i = 0; i < count; i++)
                fixture_post(s, records[i]);
        store_close(s);
        store_close(fixture_open(db));
        return fixture_text(db, "SELECT coalesce(last_step, 'NULL') FROM run");
}

START_TEST(the_last_step_is_told)
{
        static const char *const told[] = {"", "phase prepare", "phase prepare", "phase coat",
            "phase coat, cycle 1, coat[1]: pulse nb interrupted",
            "phase coat, cycle 1, coat[1]: pulse nb done", "phase coat, cycle 1, coat[1]: pulse nb done",
            "phase coat, cycle 10, coat[1]: pulse nb cut",
            "phase coat, cycle 10, coat[1]: pulse nb (attempt 2) interrupted",
            "phase finish, cycle 10, coat[1]: pulse nb (attempt 2) interrupted"};
        const struct record records[] = {step(1, "phase prepare"), step(2, "line 3 begins again"),
            step(3, "phase coat"), pulse(RECORD_PULSE_START, 1, "coat[1]", 1, PULSE_PENDING),
            pulse(RECORD_PULSE_END, 1, "coat[1]", 1, PULSE_DONE),
            fixture_event(1, T0 + 4, "phase nothing of the kind"),
            pulse(RECORD_PULSE_END, 10, "coat[1]", 1, PULSE_CUT),
            pulse(RECORD_PULSE_START, 10, "coat[1]", 2, PULSE_PENDING), step(5, "phase finish")};
        const char *last = last_step_after(records, _i);
        char reason[200];

        ck_assert_str_eq(last, told[_i]);
        snprintf(reason, sizeof reason, "; last step: %s", told[_i]);
        last = fixture_text(fixture_path("a.db"), "SELECT reason FROM run");
        ck_assert_msg((strstr(last, reason) != NULL) == (_i > 0), "%s", last);
}
END_TEST

static void take_path(void *ctx, const struct query_pulse *p)
{
        char *to = ctx;

        snprintf(to + strlen(to), 128 - strlen(to), "%lld %s; ", (long long)p->cycle, p->path);
}

START_TEST(a_run_tells_what_it_goes_on_with)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);
        struct record second = fixture_run(RECORD_RUN_START, 2, T0 + 10, "Execute", "");
        struct recipe *recipe = malloc(sizeof *recipe);
        struct query_run run;
        char why[200], paths[128] = "";

        ck_assert_ptr_nonnull(recipe);
        *recipe = *fixture_recipe();
        recipe->resume = (struct recipe_resume){.run_id = 1, .cycle = 7, .path = "coat[1]", .attempt = 2};
        second.u.run.recipe = recipe;
        fixture_post(s, fixture_run(RECORD_RUN_START, 1, T0, "Execute", ""));
        fixture_post(s, pulse(RECORD_PULSE_START, 6, "coat[3]", 1, PULSE_PENDING));
        fixture_post(s, pulse(RECORD_PULSE_START, 7, "coat[1]", 1, PULSE_PENDING));
        fixture_post(s, pulse(RECORD_PULSE_START, 7, "coat[1]", 2, PULSE_PENDING));
        fixture_post(s, second);
        free(recipe); /* the store has copied it */
        store_close(s);
        struct query *q = query_open(db, why, sizeof why);
        ck_assert_msg(q != NULL, "%s", why);
        ck_assert_int_eq(query_run(q, 2, &run), 1);
        ck_assert_int_eq(run.resumes, 1);
        ck_assert_int_eq(run.resumes_cycle, 7);
        ck_assert_str_eq(run.resumes_path, "coat[1]");
        ck_assert_int_eq(run.resumes_attempt, 2);
        ck_assert_int_eq(query_run(q, 1, &run), 1);
        ck_assert_int_eq(run.resumes, 0);
        ck_assert_int_eq(query_resumed_by(q, 1, &run), 1);
        ck_assert_int_eq(run.id, 2);
        ck_assert_int_eq(query_resumed_by(q, 2, &run), 0);
        ck_assert_int_eq(query_last_pulses(q, 1, take_path, paths), 0);
        ck_assert_str_eq(paths, "7 coat[1]; 7 coat[1]; ");
        paths[0] = '\0';
        ck_assert_int_eq(query_last_pulses(q, 2, take_path, paths), 0);
        ck_assert_str_eq(paths, "");
        query_close(q);
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM run WHERE resumes_path IS NULL"), 1);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("recover");
        TCase *tc = tcase_create("recover");

        tcase_add_checked_fixture(tc, fixture_make, fixture_clean);
        tcase_add_loop_test(tc, the_last_step_is_told, 0, 10);
        tcase_add_test(tc, a_run_tells_what_it_goes_on_with);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
