/* The distribution of lateness that `aldctl latency` prints. */
#include "ald/app/latency.h"

#include "suite.h"

#include <check.h>  /* START_TEST */
#include <stdio.h>  /* snprintf */
#include <stdlib.h> /* calloc */

static struct latency *l;

static void setup(void)
{
        l = calloc(1, sizeof *l);
        ck_assert_ptr_nonnull(l);
}

static void teardown(void)
{
        latency_free(l);
        free(l);
}

/* A pulse of 100 ms: its edges late by so much. */
static void add(const char *precursor, const char *outcome, int64_t open_us, int64_t close_us)
{
        struct query_pulse p = {.planned_open_us = 1000000,
            .opened_us = 1000000 + open_us,
            .planned_width_us = 100000,
            .width_us = 100000 + close_us - open_us,
            .open_acked_us = 1000000 + open_us + 300,
            .closed_us = 1100000 + close_us,
            .close_acked_us = 1100000 + close_us + 400};

        snprintf(p.precursor, sizeof p.precursor, "%s", precursor);
        snprintf(p.outcome, sizeof p.outcome, "%s", outcome);
        latency_add(l, &p);
}

static struct latency_sum sum(int group, enum latency_what what)
{
        struct latency_sum s;

        latency_sum_up(&l->group[group].values[what], &s);
        return s;
}

START_TEST(each_line_by_itself)
{
        add("nb", "done", 10, 30);
        add("water", "done", 5, 5);
        add("nb", "done", 20, -10);
        ck_assert_int_eq(l->count, 2);
        ck_assert_str_eq(l->group[0].precursor, "nb");
        ck_assert_int_eq(l->group[0].pulses, 2);
        ck_assert_int_eq(sum(0, LATENCY_OPENED).count, 2);
        ck_assert_int_eq(sum(0, LATENCY_OPENED).median_us, 10);
        ck_assert_int_eq(sum(0, LATENCY_OPENED).max_us, 20);
        ck_assert_int_eq(sum(0, LATENCY_CLOSED).median_us, -10);
        ck_assert_int_eq(sum(0, LATENCY_CLOSED).max_us, 30);
        ck_assert_int_eq(sum(0, LATENCY_WIDTH).median_us, -30); /* signed */
        ck_assert_int_eq(sum(0, LATENCY_WIDTH).max_us, 30);     /* its size */
        ck_assert_int_eq(sum(0, LATENCY_OPEN_ANSWER).max_us, 300);
        ck_assert_int_eq(sum(0, LATENCY_CLOSE_ANSWER).max_us, 400);
        ck_assert_int_eq(sum(1, LATENCY_WIDTH).max_us, 0);
}
END_TEST

/* Nearest rank: 99 of 100 are no larger than the 99th. */
START_TEST(percentiles_need_their_number)
{
        for (int i = 1; i < 100; i++)
                add("nb", "done", i, i);
        ck_assert_int_eq(sum(0, LATENCY_OPENED).p99_us, -1);
        add("nb", "done", 5000, 5000);
        ck_assert_int_eq(sum(0, LATENCY_OPENED).p99_us, 99);
        ck_assert_int_eq(sum(0, LATENCY_OPENED).p999_us, -1);
        ck_assert_int_eq(sum(0, LATENCY_OPENED).max_us, 5000);
        ck_assert_int_eq(sum(0, LATENCY_OPENED).median_us, 50);
        for (int i = 0; i < 899; i++)
                add("nb", "done", 1, 1);
        ck_assert_int_eq(sum(0, LATENCY_OPENED).p999_us, -1);
        add("nb", "done", 1, 1);
        ck_assert_int_eq(sum(0, LATENCY_OPENED).count, 1000);
        ck_assert_int_eq(sum(0, LATENCY_OPENED).p999_us, 99);
        ck_assert_int_eq(sum(0, LATENCY_OPENED).p99_us, 90);
}
END_TEST

/* A cut pulse did not mean to close by its plan; a failed one did; one that was too late never opened. */
START_TEST(outcomes_count_for_what_they_are)
{
        struct query_pulse none = {.planned_open_us = 1,
            .opened_us = -1,
            .planned_width_us = 100000,
            .width_us = -1,
            .open_acked_us = -1,
            .closed_us = -1,
            .close_acked_us = -1,
            .precursor = "nb",
            .outcome = "late"};

        add("nb", "cut", 7, -50000);
        add("nb", "failed", 8, 15000);
        latency_add(l, &none);
        ck_assert_int_eq(l->group[0].pulses, 3);
        ck_assert_int_eq(l->group[0].done, 0);
        ck_assert_int_eq(l->group[0].late, 1);
        ck_assert_int_eq(sum(0, LATENCY_OPENED).count, 2);
        ck_assert_int_eq(sum(0, LATENCY_CLOSED).count, 1);
        ck_assert_int_eq(sum(0, LATENCY_CLOSED).max_us, 15000);
}
END_TEST

/* Rows of before: no times of answers, the close from the width. */
START_TEST(an_older_row_says_what_it_can)
{
        struct query_pulse old = {.planned_open_us = 1000,
            .opened_us = 1020,
            .planned_width_us = 500,
            .width_us = 510,
            .open_acked_us = -1,
            .closed_us = -1,
            .close_acked_us = -1,
            .precursor = "nb",
            .outcome = "done"};

        latency_add(l, &old);
        ck_assert_int_eq(sum(0, LATENCY_CLOSED).median_us, 30);
        ck_assert_int_eq(sum(0, LATENCY_OPEN_ANSWER).count, 0);
        ck_assert_int_eq(sum(0, LATENCY_OPEN_ANSWER).max_us, -1);
}
END_TEST

START_TEST(more_lines_than_places_are_not_hidden)
{
        char name[16];

        for (int i = 0; i < LATENCY_GROUPS_MAX; i++) {
                snprintf(name, sizeof name, "line%d", i);
                add(name, "done", 1, 1);
        }
        ck_assert(!l->is_short_of_memory);
        add("one more", "done", 1, 1);
        ck_assert(l->is_short_of_memory);
}
END_TEST

static Suite *suite(void)
{
        const TTest *const tests[] = {each_line_by_itself, percentiles_need_their_number,
            outcomes_count_for_what_they_are, an_older_row_says_what_it_can,
            more_lines_than_places_are_not_hidden};
        Suite *suite = suite_create("latency");
        TCase *tc = tcase_create("latency");

        tcase_add_checked_fixture(tc, setup, teardown);
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
                tcase_add_test(tc, tests[i]);
        suite_add_tcase(suite, tc);
        return suite;
}

int main(void)
{
        return suite_main(suite());
}
