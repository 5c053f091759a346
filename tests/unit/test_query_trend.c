/* Rollups and trends against brute force: random batches, restarts, duplicates, late samples, values that are none. */
#include "unit/suite.h"
#include "unit/store_fixture.h"

#include "ald/base/time.h"    /* TIME_S */
#include "ald/core/event.h"   /* enum quality */
#include "ald/store/query.h"  /* struct query */
#include "ald/store/rollup.h" /* rollup_period_us */
#include "ald/store/trend.h"  /* query_trend */

#include <check.h>  /* the test framework */
#include <math.h>   /* isnan, fabs */
#include <stdio.h>  /* snprintf */
#include <stdlib.h> /* rand_r, qsort */
#include <string.h> /* memset */

#define T0 FIXTURE_T0

/* ---- What was put, kept beside the database ---- */

enum { KEPT_MAX = 60000 };
struct kept {
        int64_t t_us;
        double value;
        int quality;
};
static struct kept kept[KEPT_MAX];
static int kept_count;
static unsigned seed;

static int below(int n)
{
        return rand_r(&seed) % n;
}

static void put(struct store *s, int64_t t_us, double value, int quality)
{
        struct record r = fixture_sample(FIXTURE_PRESSURE, t_us, value);

        r.u.sample.quality = (int16_t)quality;
        fixture_post(s, r);
        for (int i = kept_count - 1; i >= 0 && i > kept_count - 200; i--)
                if (kept[i].t_us == t_us)
                        return; /* the first one stays */
        ck_assert_int_lt(kept_count, KEPT_MAX);
        kept[kept_count++] = (struct kept){t_us, value, quality};
}

static bool is_number(const struct kept *k)
{
        return k->quality != QUALITY_BAD && !isnan(k->value);
}

/* A sample now and then Bad, Uncertain, no number, twice, or older than the last ones. */
static int64_t put_some(struct store *s, int n, int64_t t_us, int64_t step_us)
{
        for (int i = 0; i < n; i++) {
                int odd = below(100);
                double value = odd == 0 ? NAN : odd == 1 ? 1e6 : (double)below(1000) / 7.0;
                int quality = odd < 3 ? QUALITY_BAD : odd < 6 ? QUALITY_UNCERTAIN : QUALITY_GOOD;

                t_us += 1 + below((int)(2 * step_us));
                put(s, odd == 7 ? t_us - 20 * step_us : t_us, value, odd == 0 ? QUALITY_GOOD : quality);
                if (odd == 8)
                        put(s, t_us, -1, QUALITY_GOOD);
        }
        return t_us;
}

/* Everything posted is on disk with its rollups: closed and opened. */
static struct store *settle(struct store *s, const char *db)
{
        store_close(s);
        return fixture_open(db);
}

static int compare_kept(const void *a, const void *b)
{
        int64_t x = ((const struct kept *)a)->t_us, y = ((const struct kept *)b)->t_us;

        return (x > y) - (x < y);
}

/* ---- Brute force ---- */

struct sum {
        int64_t count, bad, uncertain, min_us, max_us;
        double min, max, sum;
};

static struct sum sum_up(int64_t from_us, int64_t to_us)
{
        struct sum s = {0};

        for (int i = 0; i < kept_count; i++) {
                const struct kept *k = &kept[i];

                if (k->t_us < from_us || k->t_us >= to_us)
                        continue;
                if (!is_number(k)) {
                        s.bad++;
                        continue;
                }
                if (s.count == 0 || k->value < s.min) {
                        s.min = k->value;
                        s.min_us = k->t_us;
                }
                if (s.count == 0 || k->value > s.max) {
                        s.max = k->value;
                        s.max_us = k->t_us;
                }
                s.count++;
                s.uncertain += k->quality == QUALITY_UNCERTAIN;
                s.sum += k->value;
        }
        return s;
}

/* Every row of the rollups is what brute force finds, and every sample before the mark is in one. */
static void check_rollups(const char *db)
{
        sqlite3_stmt *stmt;
        sqlite3 *reader = fixture_intrude(db, "SELECT 1");
        int64_t rows = 0;

        ck_assert_int_eq(
            sqlite3_prepare_v2(reader,
                "SELECT r.period, r.t_us, min, max, mean, count, uncertain, bad,"
                " (SELECT m.t_us FROM rollup_mark m WHERE m.tag_id = r.tag_id AND m.period = r.period)"
                " FROM sample_rollup r",
                -1, &stmt, NULL),
            SQLITE_OK);
        while (sqlite3_step(stmt) == SQLITE_ROW) {
                int64_t period_us = sqlite3_column_int64(stmt, 0), t_us = sqlite3_column_int64(stmt, 1);
                struct sum sum = sum_up(t_us, t_us + period_us);

                ck_assert_int_eq(t_us % period_us, 0);
                ck_assert_int_eq(sqlite3_column_int64(stmt, 5), sum.count);
                ck_assert_int_eq(sqlite3_column_int64(stmt, 6), sum.uncertain);
                ck_assert_int_eq(sqlite3_column_int64(stmt, 7), sum.bad);
                ck_assert_int_gt(sum.count + sum.bad, 0);
                ck_assert_int_le(t_us + period_us, sqlite3_column_int64(stmt, 8));
                if (sum.count == 0) {
                        ck_assert_int_eq(sqlite3_column_type(stmt, 2), SQLITE_NULL);
                        continue;
                }
                ck_assert(sqlite3_column_double(stmt, 2) == sum.min);
                ck_assert(sqlite3_column_double(stmt, 3) == sum.max);
                ck_assert_double_eq_tol(sqlite3_column_double(stmt, 4), sum.sum / (double)sum.count, 1e-9);
                rows++;
        }
        sqlite3_finalize(stmt);
        sqlite3_close(reader);
        ck_assert_int_gt(rows, 0);
        for (int level = 0; level < ROLLUP_LEVELS; level++) {
                char sql[256];

                snprintf(sql, sizeof sql,
                    "SELECT (SELECT sum(count + bad) FROM sample_rollup WHERE period = %lld) - (SELECT"
                    " count(*) FROM sample WHERE t_us < (SELECT t_us FROM rollup_mark WHERE period = %lld))",
                    (long long)rollup_period_us[level], (long long)rollup_period_us[level]);
                ck_assert_msg(fixture_number(db, sql) == 0, "level %d lacks samples", level);
        }
}

START_TEST(rollups_are_what_brute_force_finds)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);
        int64_t t_us = T0;

        seed = (unsigned)_i + 1;
        kept_count = 0;
        for (int batch = 0; batch < 12; batch++) {
                static const int64_t steps_us[] = {50000, 500000, 7000000};

                t_us = put_some(s, 50 + below(600), t_us, steps_us[below(3)]);
                if (below(3) == 0)
                        s = settle(s, db);
                if (below(4) == 0) /* the tool was off */
                        t_us += (int64_t)below(400) * TIME_MIN;
                if (below(6) == 0) /* the clock was set back: what is rolled up is so anew */
                        t_us -= (int64_t)below(100) * TIME_S;
        }
        put(s, t_us + 3 * ROLLUP_PERIOD_2, 1, QUALITY_GOOD); /* ends every period before it */
        store_close(s);
        check_rollups(db);
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM sample"), kept_count);
        ck_assert_int_gt(
            fixture_number(db, "SELECT count(*) FROM sample_rollup WHERE period = 7200000000"), 0);
}
END_TEST

/* ---- Trends ---- */

enum { POINTS_MAX = 5000 };
static struct trend_point points[POINTS_MAX];
static int point_count;

static void take_point(void *ctx, const struct trend_point *p)
{
        (void)ctx;
        ck_assert_int_lt(point_count, POINTS_MAX);
        points[point_count++] = *p;
}

static struct trend_info ask(const char *db, int64_t from_us, int64_t to_us, int n)
{
        char why[256];
        struct trend_info info;
        struct query *q = query_open(db, why, sizeof why);

        ck_assert_msg(q != NULL, "%s", why);
        point_count = 0;
        int found = query_trend(q, "chamber.pressure", from_us, to_us, n, &info, take_point, NULL);
        ck_assert_msg(found == 1, "%d: %s", found, query_why(q));
        query_close(q);
        ck_assert_int_le(point_count, n);
        ck_assert_str_eq(info.unit, "Torr");
        return info;
}

static bool fits(const struct trend_point *p, const struct sum *sum)
{
        return p->count == sum->count && p->bad == sum->bad;
}

/* Points are in order, together they hold all samples of the window (widened to steps), and each has the extremes of
 * its own. The last ones are read sample by sample, up to the end that was asked for. */
static void check_points(const struct trend_info *info, int64_t from_us, int64_t to_us)
{
        int64_t step_us = info->step_us, low_us = from_us - from_us % step_us,
                high_us = (to_us + step_us - 1) / step_us * step_us;
        struct sum whole = sum_up(low_us, high_us), asked = sum_up(low_us, to_us);
        int64_t count = 0, bad = 0;

        for (int i = 0; i < point_count; i++) {
                const struct trend_point *p = &points[i];
                int64_t begin_us = low_us + (p->t_us - low_us) / info->width_us * info->width_us,
                        end_us = begin_us + info->width_us;
                struct sum sum = sum_up(begin_us, end_us < high_us ? end_us : high_us);

                if (!fits(p, &sum))
                        sum = sum_up(begin_us, end_us < to_us ? end_us : to_us);
                ck_assert(fits(p, &sum));
                ck_assert(p->t_us >= begin_us && p->end_us < end_us);
                ck_assert(i == 0 || begin_us > points[i - 1].end_us);
                ck_assert_int_eq(p->quality, sum.bad > 0         ? QUALITY_BAD
                                             : sum.uncertain > 0 ? QUALITY_UNCERTAIN
                                                                 : QUALITY_GOOD);
                if (sum.count > 0) {
                        ck_assert(p->min == sum.min && p->max == sum.max);
                        ck_assert_double_eq_tol(p->mean, sum.sum / (double)sum.count, 1e-9);
                        ck_assert(p->min_us <= sum.min_us && p->min_us + step_us > sum.min_us);
                        ck_assert(p->max_us <= sum.max_us && p->max_us + step_us > sum.max_us);
                } else {
                        ck_assert(isnan(p->min) && isnan(p->max) && isnan(p->mean));
                }
                count += p->count;
                bad += p->bad;
        }
        ck_assert((count == whole.count && bad == whole.bad) || (count == asked.count && bad == asked.bad));
}

START_TEST(no_extreme_is_lost)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);
        int64_t t_us = T0;
        int steps = 0;

        seed = (unsigned)_i + 100;
        kept_count = 0;
        for (int i = 0; i < 4; i++)
                t_us = put_some(s, 500, t_us, i == 2 ? 20000000 : 300000);
        s = settle(s, db);
        qsort(kept, (size_t)kept_count, sizeof kept[0], compare_kept);
        for (int i = 0; i < 60; i++) {
                int64_t a = T0 + (int64_t)((double)(t_us - T0) * below(1000) / 1000.0),
                        b = a + 1 + (int64_t)((double)(t_us - T0) * below(1000) / 1000.0);
                struct trend_info info = ask(db, a, b, 2 + below(700));

                steps |= info.step_us == 1 ? 1 : info.step_us == ROLLUP_PERIOD_0 ? 2 : 4;
                check_points(&info, a, b);
        }
        ck_assert_int_eq(steps, 7); /* from samples, and from rollups of more than one period */
        store_close(s);
}
END_TEST

/* More samples than are read one by one: rollups stand for them, and the last ones still come one by one. */
START_TEST(many_samples_are_read_from_rollups)
{
        static const int counts[] = {2, 10, 300, 2000};
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);
        int64_t from_us = T0, to_us = T0 + 20000 * TIME_S;

        sqlite3_close(fixture_intrude(db, "SELECT 1"));
        store_close(s);
        /* As the writer keeps them, but quicker: 80,000 at 4 Hz, a spike of one sample in each 1,000. */
        sqlite3_close(fixture_intrude(db,
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 79999)"
            " INSERT INTO sample SELECT (SELECT id FROM tag WHERE name = 'chamber.pressure'),"
            " 1795255200000000 + i * 250000, CASE WHEN i % 1000 = 777 THEN 5.0 + i ELSE i % 7 END,"
            " CASE WHEN i % 5000 = 4999 THEN 2 WHEN i % 3000 = 0 THEN 1 ELSE 0 END FROM n"));
        s = fixture_open(db);
        for (int i = 0; i < 3; i++)
                fixture_post(s, fixture_sample(FIXTURE_PRESSURE, to_us + i * TIME_S, i));
        for (int i = 3; i < 6; i++) { /* each commit makes some of what is behind */
                s = settle(s, db);
                fixture_post(s, fixture_sample(FIXTURE_PRESSURE, to_us + i * TIME_S, i));
        }
        s = settle(s, db);
        ck_assert_int_eq(
            fixture_number(db, "SELECT count(*) FROM sample_rollup WHERE period = 10000000"), 2000);
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
                struct trend_info info = ask(db, from_us, to_us + TIME_MIN, counts[i]);
                int64_t count = 0, bad = 0;
                double max = 0;

                ck_assert_int_eq(info.step_us, counts[i] == 2    ? ROLLUP_PERIOD_2
                                               : counts[i] == 10 ? ROLLUP_PERIOD_1
                                                                 : ROLLUP_PERIOD_0);
                ck_assert_int_eq(info.width_us % info.step_us, 0);
                for (int k = 0; k < point_count; k++) {
                        count += points[k].count;
                        bad += points[k].bad;
                        max = fmax(max, points[k].max);
                        ck_assert(points[k].quality != QUALITY_GOOD || points[k].bad == 0);
                }
                ck_assert_int_eq(count, 80000 - 16 + 6);
                ck_assert_int_eq(bad, 16);
                ck_assert(max == 5.0 + 79777);
        }
        /* Each spike is found where it was, in a point of its own. */
        struct trend_info info = ask(db, from_us, to_us, 2000);
        int spikes = 0;
        for (int k = 0; k < point_count; k++)
                if (points[k].max > 6) {
                        int64_t at_us = from_us + ((int64_t)points[k].max - 5) * 250000;

                        ck_assert_int_le(points[k].max_us, at_us);
                        ck_assert_int_gt(points[k].max_us + info.step_us, at_us);
                        spikes++;
                }
        ck_assert_int_eq(spikes, 80);
        store_close(s);
}
END_TEST

START_TEST(what_was_lost_is_shown)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);

        for (int i = 0; i < 10; i++)
                fixture_post(s, fixture_sample(FIXTURE_PRESSURE, T0 + i * TIME_S, i));
        fixture_post(s, fixture_sample(FIXTURE_PRESSURE, T0 + 4 * TIME_S, 99)); /* a second one */
        fixture_post(s, fixture_sample(FIXTURE_NB_VALVE, T0, 1));
        fixture_post(s, fixture_sample(FIXTURE_NB_VALVE, T0, 1));
        store_close(s);
        ask(db, T0, T0 + TIME_MIN, 100);
        ck_assert_int_eq(point_count, 10);
        for (int i = 0; i < 10; i++) {
                ck_assert_int_eq(points[i].lost, i == 4);
                ck_assert_int_eq(points[i].count, 1);
                ck_assert_int_eq(points[i].quality, QUALITY_GOOD);
        }
        ask(db, T0, T0 + 10 * TIME_S, 2);
        ck_assert_int_eq(point_count, 2);
        ck_assert_int_eq(points[0].lost, 1);
        ck_assert_int_eq(points[0].count, 5);
        ck_assert(points[0].min == 0 && points[0].max == 4 && points[0].mean == 2);
        ck_assert_int_eq(points[1].lost, 0);
        ck_assert_int_eq(points[1].quality, QUALITY_GOOD);
}
END_TEST

START_TEST(edges_of_what_is_asked)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);
        struct trend_point p;
        struct trend_info info;
        char why[256];

        fixture_post(s, fixture_sample(FIXTURE_PRESSURE, T0, 1));
        fixture_post(s, fixture_sample(FIXTURE_PRESSURE, T0 + 1, 2));
        s = settle(s, db);
        ask(db, T0, T0 + 1, 10); /* the end does not belong to it */
        ck_assert_int_eq(point_count, 1);
        ask(db, T0 + 1, T0 + 1, 10);
        ck_assert_int_eq(point_count, 0);
        ask(db, 0, INT64_MAX, 2);
        ck_assert_int_eq(point_count, 2);
        struct query *q = query_open(db, why, sizeof why);
        ck_assert_int_eq(query_trend(q, "chamber.depth", T0, T0 + 1, 10, &info, take_point, NULL), 0);
        ck_assert_int_eq(query_trend_before(q, "chamber.pressure", T0 + 1, &p), 1);
        ck_assert(p.mean == 1 && p.t_us == T0);
        ck_assert_int_eq(query_trend_before(q, "chamber.pressure", T0, &p), 0);
        ck_assert_int_eq(query_trend_before(q, "chamber.depth", T0 + 1, &p), 0);
        query_close(q);
        store_close(s);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("trend");
        TCase *c = tcase_create("trend");

        tcase_add_checked_fixture(c, fixture_make, fixture_clean);
        tcase_set_timeout(c, 60);
        tcase_add_loop_test(c, rollups_are_what_brute_force_finds, 0, 8);
        tcase_add_loop_test(c, no_extreme_is_lost, 0, 4);
        tcase_add_test(c, many_samples_are_read_from_rollups);
        tcase_add_test(c, what_was_lost_is_shown);
        tcase_add_test(c, edges_of_what_is_asked);
        suite_add_tcase(suite, c);
        return suite_main(suite);
}
