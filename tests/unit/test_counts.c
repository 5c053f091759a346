/* Counts in the record: each opening once, whatever the disk or the daemon does; bottles; and the questions about them. */
#include "unit/suite.h"
#include "unit/store_fixture.h"

#include "ald/core/count.h"  /* struct counts */
#include "ald/store/query.h" /* query_counters, query_bottles, query_hot_us */

#include <check.h>    /* the test framework */
#include <math.h>     /* fabs, isnan */
#include <signal.h>   /* SIGKILL */
#include <stdio.h>    /* snprintf */
#include <stdlib.h>   /* srand, rand */
#include <string.h>   /* strcmp */
#include <sys/wait.h> /* waitpid */
#include <time.h>     /* nanosleep */
#include <unistd.h>   /* fork */

#define T0 FIXTURE_T0
#define S  INT64_C(1000000)

static const char nb_times[] = "SELECT value FROM counter WHERE name = 'nb.valve.actuations'";
static const char nb_open[] = "SELECT value FROM counter WHERE name = 'nb.valve.open_us'";

static struct record valve(enum record_valve_what what, int64_t open_us)
{
        return fixture_valve(what, FIXTURE_NB_VALVE, 0, open_us);
}

static struct record ended(int64_t open_us, double used_umol)
{
        struct record r = valve(RECORD_VALVE_ENDED, open_us);

        r.u.valve.used_umol = used_umol;
        return r;
}

static struct counts reopen(const char *db)
{
        struct store *s = fixture_open(db);
        struct counts counts;

        store_get_counts(s, &counts);
        store_close(s);
        return counts;
}

/* ---- once ---- */

START_TEST(an_opening_is_counted_when_it_ends_and_only_if_it_opened)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);
        struct record revoked = valve(RECORD_VALVE_ENDED, 0);

        revoked.u.valve.is_actuation = false;
        fixture_post(s, valve(RECORD_VALVE_PLANNED, 100000));
        fixture_post(s, ended(90000, 2.5));
        fixture_post(s, valve(RECORD_VALVE_PLANNED, 100000));
        fixture_post(s, revoked);
        fixture_post(s, fixture_valve(RECORD_VALVE_OPENED, FIXTURE_WATER_VALVE, -1, 0));
        fixture_await_records(s, 5);
        ck_assert_int_eq(fixture_number(db, nb_times), 1);
        ck_assert_int_eq(fixture_number(db, nb_open), 90000);
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM opening WHERE valve = 'nb.valve'"), 0);
        ck_assert_int_eq(
            fixture_number(db, "SELECT value FROM counter WHERE name = 'water.valve.actuations'"), 1);
        fixture_post(s, fixture_valve(RECORD_VALVE_CLOSED, FIXTURE_WATER_VALVE, -1, 7 * S));
        store_close(s);
        ck_assert_int_eq(
            fixture_number(db, "SELECT value FROM counter WHERE name = 'water.valve.actuations'"), 1);
        ck_assert_int_eq(
            fixture_number(db, "SELECT value FROM counter WHERE name = 'water.valve.open_us'"), 7 * S);
        /* Only the pulse was drawn from a bottle. */
        ck_assert_str_eq(
            fixture_text(db, "SELECT group_concat(format('%s %d %d %.1f %d', precursor, pulses, open_us,"
                             " used_umol, unreckoned), '|') FROM bottle"),
            "nb 1 90000 2.5 0|water 0 0 0.0 0");
}
END_TEST

/* Another program holds the write lock beyond the writer's patience: its transactions fail and are tried again. */
START_TEST(a_write_that_is_tried_again_counts_once)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);
        sqlite3 *other = fixture_intrude(db, "BEGIN IMMEDIATE");

        for (int i = 0; i < 3; i++) {
                fixture_post(s, valve(RECORD_VALVE_PLANNED, 100000));
                fixture_post(s, ended(90000, 1));
        }
        fixture_await_ok(s, false);
        ck_assert_int_eq(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
        fixture_await_ok(s, true);
        fixture_await_records(s, 6);
        sqlite3_close(other);
        store_close(s);
        ck_assert_int_eq(fixture_number(db, nb_times), 3);
        ck_assert_int_eq(fixture_number(db, nb_open), 270000);
        ck_assert_int_eq(fixture_number(db, "SELECT pulses FROM bottle WHERE precursor = 'nb'"), 3);
}
END_TEST

/* ---- cut off ---- */

static void open_and_close_for_ever(const char *db)
{
        const struct timespec moment = {.tv_nsec = 200000};
        struct store *s = fixture_open(db);

        for (int64_t n = 1;; n++) {
                fixture_post(s, fixture_event(0, T0 + n, "before"));
                fixture_post(s, valve(RECORD_VALVE_PLANNED, 100000));
                nanosleep(&moment, NULL);
                fixture_post(s, ended(90000, 1));
                fixture_post(s, fixture_event(0, T0 + n, "after"));
                nanosleep(&moment, NULL);
        }
}

static void kill_one(const char *db, int64_t after_us)
{
        const struct timespec moment = {.tv_nsec = after_us * 1000};
        pid_t child = fork();
        int status;

        ck_assert_int_ge(child, 0);
        if (child == 0)
                open_and_close_for_ever(db);
        nanosleep(&moment, NULL);
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status));
}

/* Records become durable in their order, so what is counted lies between the two events, and what was cut off adds what was
 * planned: 10 ms more than one that ended. */
START_TEST(a_daemon_that_dies_in_an_opening_counts_it_once)
{
        const char *db = fixture_path("a.db");
        int64_t cut = 0;

        srand(7);
        for (int i = 0; i < 40; i++) {
                int64_t before, after, times, open;

                kill_one(db, 20000 + rand() % 20000);
                reopen(db);
                before = fixture_number(db, "SELECT count(*) FROM event WHERE text = 'before'");
                after = fixture_number(db, "SELECT count(*) FROM event WHERE text = 'after'");
                times = before == 0 ? 0 : fixture_number(db, nb_times);
                open = before == 0 ? 0 : fixture_number(db, nb_open);
                ck_assert_msg(times >= after && times <= before, "%d: %lld of %lld to %lld", i,
                    (long long)times, (long long)after, (long long)before);
                ck_assert_int_eq((open - times * 90000) % 10000, 0);
                ck_assert_int_ge((open - times * 90000) / 10000, cut);
                ck_assert_int_le((open - times * 90000) / 10000, cut + 1);
                cut = (open - times * 90000) / 10000;
                ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM opening"), 0);
                ck_assert_int_eq(
                    fixture_number(db, "SELECT pulses FROM bottle WHERE precursor = 'nb'"), times);
                ck_assert_int_eq(
                    fixture_number(db, "SELECT unreckoned FROM bottle WHERE precursor = 'nb'"), cut);
        }
        ck_assert_int_gt(cut, 0); /* it was hit in the middle at least once */
}
END_TEST

/* As a kill leaves it: the last record says that it opened. */
static void leave_open(const char *db)
{
        struct store *s = fixture_open(db);

        fixture_post(s, fixture_valve(RECORD_VALVE_OPENED, FIXTURE_WATER_VALVE, -1, 0));
        fixture_post(s, fixture_event(0, T0 + 60 * S, "the last word"));
        store_close(s);
}

START_TEST(what_stays_open_counts_up_to_the_last_word)
{
        const char *db = fixture_path("a.db");
        static const char open_us[] = "SELECT value FROM counter WHERE name = 'water.valve.open_us'";
        struct counts counts;

        leave_open(db);
        for (int i = 0; i < 2; i++) {
                counts = reopen(db);
                ck_assert_int_eq(fixture_number(db, open_us), 60 * S);
                ck_assert(counts.valve[FIXTURE_WATER_VALVE].is_known);
                ck_assert(counts.valve[FIXTURE_WATER_VALVE].is_open);
                ck_assert_int_eq(counts.valve[FIXTURE_WATER_VALVE].actuations, 1);
                ck_assert_int_eq(counts.valve[FIXTURE_WATER_VALVE].open_us, 60 * S);
                ck_assert(!counts.valve[FIXTURE_NB_VALVE].is_known);
        }
        /* Seen open again by the next one, which is no opening; and closed. */
        struct store *s = fixture_open(db);
        struct record seen = fixture_valve(RECORD_VALVE_OPENED, FIXTURE_WATER_VALVE, -1, 0);
        seen.u.valve.is_actuation = false;
        fixture_post(s, seen);
        fixture_post(s, fixture_valve(RECORD_VALVE_CLOSED, FIXTURE_WATER_VALVE, -1, 5 * S));
        store_close(s);
        counts = reopen(db);
        ck_assert_int_eq(counts.valve[FIXTURE_WATER_VALVE].actuations, 1);
        ck_assert_int_eq(counts.valve[FIXTURE_WATER_VALVE].open_us, 65 * S);
        ck_assert(!counts.valve[FIXTURE_WATER_VALVE].is_open);
}
END_TEST

/* ---- limits, bottles, and the questions ---- */

static struct tool tool;

static struct store *open_with_tool(const char *db)
{
        struct store_config config = fixture_config(db);

        config.tool = &tool;
        return store_open(&config);
}

static void make_tool(void)
{
        tool = *fixture_tool();
        tool.tags[FIXTURE_NB_VALVE].actuations_max = 1000;
        tool.tags[FIXTURE_WATER_VALVE].open_us_max = 3600 * S;
        tool.lines[0].bottle.content_g = 25;
        tool.lines[0].bottle.warn_part = 0.1;
        tool.lines[1].bottle.pulses_max = 500;
        tool.sim.line[0].molar_mass = 300;
        tool.sim.line[1].is_vapour_assumed = true;
}

struct valves {
        int count;
        struct query_counter valve[8];
};
static void take_valve(void *ctx, const struct query_counter *c)
{
        struct valves *v = ctx;

        ck_assert_int_lt(v->count, 8);
        v->valve[v->count++] = *c;
}

struct bottles {
        int count;
        struct query_bottle bottle[8];
};
static void take_bottle(void *ctx, const struct query_bottle *b)
{
        struct bottles *bottles = ctx;

        ck_assert_int_lt(bottles->count, 8);
        bottles->bottle[bottles->count++] = *b;
}

static struct query *open_query(const char *db)
{
        char why[256];
        struct query *q = query_open(db, why, sizeof why);

        ck_assert_msg(q != NULL, "%s", why);
        return q;
}

START_TEST(counters_are_told_with_their_limits)
{
        const char *db = fixture_path("a.db");
        struct valves all = {0};

        make_tool();
        struct store *s = open_with_tool(db);
        struct query *q = open_query(db);
        ck_assert_int_eq(query_counters(q, take_valve, &all), 0);
        ck_assert_int_eq(all.count, 2); /* what has a limit is there before it moves */
        ck_assert_int_eq(all.valve[1].actuations, 0);
        all.count = 0;
        fixture_post(s, ended(90000, 1));
        fixture_post(s, fixture_valve(RECORD_VALVE_OPENED, FIXTURE_WATER_VALVE, -1, 0));
        fixture_post(s, fixture_event(0, T0 + 20 * S, "now"));
        fixture_await_records(s, 3);
        ck_assert_int_eq(query_counters(q, take_valve, &all), 0);
        ck_assert_int_eq(all.count, 2);
        ck_assert_str_eq(all.valve[0].valve, "nb.valve");
        ck_assert_int_eq(all.valve[0].actuations, 1);
        ck_assert_int_eq(all.valve[0].open_us, 90000);
        ck_assert_int_eq(all.valve[0].actuations_limit, 1000);
        ck_assert_int_eq(all.valve[0].open_us_limit, 0);
        ck_assert(!all.valve[0].is_open);
        ck_assert_str_eq(all.valve[1].valve, "water.valve");
        ck_assert_int_eq(all.valve[1].actuations, 1);
        ck_assert_int_eq(all.valve[1].open_us, 20 * S); /* so far */
        ck_assert_int_eq(all.valve[1].open_us_limit, 3600 * S);
        ck_assert(all.valve[1].is_open);
        /* Replaced: from zero, the open one from then on. */
        struct record renewed = fixture_valve(RECORD_VALVE_RENEWED, FIXTURE_WATER_VALVE, -1, 0);
        renewed.wall_us = T0 + 15 * S;
        fixture_post(s, renewed);
        fixture_await_records(s, 4);
        all.count = 0;
        ck_assert_int_eq(query_counters(q, take_valve, &all), 0);
        ck_assert_int_eq(all.valve[1].actuations, 0);
        ck_assert_int_eq(all.valve[1].open_us, 5 * S);
        ck_assert_int_eq(all.valve[0].actuations, 1);
        query_close(q);
        store_close(s);
        /* A limit that the tool file no longer has is gone. */
        tool.tags[FIXTURE_NB_VALVE].actuations_max = 0;
        store_close(open_with_tool(db));
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM counter WHERE name LIKE '%.limit'"), 1);
}
END_TEST

static struct record bottle(int64_t t_us, double content_g, const char *lot)
{
        struct record r = {.kind = RECORD_BOTTLE, .wall_us = t_us};

        r.u.bottle.line = 0;
        r.u.bottle.content_g = content_g;
        snprintf(r.u.bottle.lot, sizeof r.u.bottle.lot, "%s", lot);
        return r;
}

START_TEST(a_bottle_is_counted_until_it_is_changed)
{
        const char *db = fixture_path("a.db");
        struct bottles all = {0};
        struct record pulse = fixture_pulse(RECORD_PULSE_END, 1, 1, "coat[0]", 0);

        make_tool();
        struct store *s = open_with_tool(db);
        pulse.u.pulse.opened_us = T0;
        fixture_post(s, fixture_run(RECORD_RUN_START, 1, T0, "Execute", ""));
        fixture_post(s, pulse);
        fixture_post(s, ended(S, 100));
        fixture_post(s, ended(S, 0)); /* nobody could tell */
        fixture_post(s, bottle(T0 + 10 * S, 10, "L-7 \"b\""));
        fixture_post(s, ended(2 * S, 40));
        store_close(s);
        struct query *q = open_query(db);
        ck_assert_int_eq(query_bottles(q, 0, take_bottle, &all), 0);
        ck_assert_int_eq(all.count, 2);
        const struct query_bottle *now = &all.bottle[0], *water = &all.bottle[1];
        ck_assert_str_eq(now->precursor, "nb");
        ck_assert_str_eq(now->lot, "L-7 \"b\"");
        ck_assert_double_eq(now->content_g, 10);
        ck_assert_double_eq_tol(now->warn_g, 1, 1e-9);
        ck_assert_int_eq(now->since_us, T0 + 10 * S);
        ck_assert_int_eq(now->until_us, 0);
        ck_assert_int_eq(now->pulses, 1);
        ck_assert_int_eq(now->open_us, 2 * S);
        ck_assert_double_eq(now->used_umol, 40);
        ck_assert_double_eq_tol(now->used_g, 0.012, 1e-9);
        ck_assert_int_eq(now->unreckoned, 0);
        ck_assert_int_eq(now->pulses_of_a_run, 1);
        ck_assert_str_eq(water->precursor, "water");
        ck_assert(isnan(water->used_g) && isnan(water->content_g) && isnan(water->warn_g));
        ck_assert_int_eq(water->pulses_limit, 500);
        ck_assert_int_eq(water->since_us, 0);
        ck_assert_int_eq(water->pulses_of_a_run, 0);
        /* The one before it, of a run that began then. */
        all.count = 0;
        ck_assert_int_eq(query_bottles(q, T0 + 9 * S, take_bottle, &all), 0);
        ck_assert_int_eq(all.count, 2);
        ck_assert_str_eq(all.bottle[0].lot, "");
        ck_assert_int_eq(all.bottle[0].pulses, 2);
        ck_assert_int_eq(all.bottle[0].unreckoned, 1);
        ck_assert_double_eq(all.bottle[0].content_g, 25);
        ck_assert_int_eq(all.bottle[0].until_us, T0 + 10 * S);
        all.count = 0;
        ck_assert_int_eq(query_bottles_between(q, T0, T0 + 20 * S, take_bottle, &all), 0);
        ck_assert_int_eq(all.count, 3);
        query_close(q);
        /* What the core starts with. */
        s = open_with_tool(db);
        struct counts counts;
        store_get_counts(s, &counts);
        store_close(s);
        ck_assert_int_eq(counts.bottle[0].pulses, 1);
        ck_assert_double_eq(counts.bottle[0].used_umol, 40);
        ck_assert_double_eq(counts.bottle[0].content_g, 10);
        ck_assert_str_eq(counts.bottle[0].lot, "L-7 \"b\"");
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM bottle"), 3);
}
END_TEST

START_TEST(hot_time_is_what_good_samples_hold)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);
        struct record bad = fixture_sample(FIXTURE_PRESSURE, T0 + 40 * S, 9);
        int64_t us;

        bad.u.sample.quality = 2;
        fixture_post(s, fixture_sample(FIXTURE_PRESSURE, T0, 5));
        fixture_post(s, fixture_sample(FIXTURE_PRESSURE, T0 + 10 * S, 1));
        fixture_post(s, fixture_sample(FIXTURE_PRESSURE, T0 + 30 * S, 5));
        fixture_post(s, bad);
        fixture_post(s, fixture_sample(FIXTURE_PRESSURE, T0 + 50 * S, 6));
        store_close(s);
        struct query *q = open_query(db);
        const struct {
                int64_t from_s, to_s;
                double above;
                int64_t us;
        } rows[] = {
            {0, 50, 4, 20 * S},           /* two stretches; Bad counts nothing */
            {0, 60, 4, 30 * S},           /* the last one holds */
            {5, 35, 4, 10 * S},           /* the one before the window holds into it */
            {0, 60, 5, 10 * S},           /* above, not at */
            {12, 28, 4, 0},               /* cold */
            {50, 3600, 4, QUERY_HOLD_US}, /* nobody looked any more */
            {50 + 590, 3600, 4, 10 * S},  /* the rest of that */
            {-100, 0, 4, 0},              /* before */
        };
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                ck_assert_int_eq(query_hot_us(q, "chamber.pressure", rows[i].above, T0 + rows[i].from_s * S,
                                     T0 + rows[i].to_s * S, &us),
                    0);
                ck_assert_msg(us == rows[i].us, "row %zu: %lld", i, (long long)us);
        }
        ck_assert_int_eq(query_hot_us(q, "no.such", 0, T0, T0 + S, &us), 0);
        ck_assert_int_eq(us, 0);
        query_close(q);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("counts");
        TCase *c = tcase_create("counts");

        tcase_add_checked_fixture(c, fixture_make, fixture_clean);
        tcase_set_timeout(c, 60);
        tcase_add_test(c, an_opening_is_counted_when_it_ends_and_only_if_it_opened);
        tcase_add_test(c, a_write_that_is_tried_again_counts_once);
        tcase_add_test(c, a_daemon_that_dies_in_an_opening_counts_it_once);
        tcase_add_test(c, what_stays_open_counts_up_to_the_last_word);
        tcase_add_test(c, counters_are_told_with_their_limits);
        tcase_add_test(c, a_bottle_is_counted_until_it_is_changed);
        tcase_add_test(c, hot_time_is_what_good_samples_hold);
        suite_add_tcase(suite, c);
        return suite_main(suite);
}
