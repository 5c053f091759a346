/* Retention: what is removed is exactly what the policy says, never a run's own samples, and nothing else. */
#include "unit/suite.h"
#include "unit/store_fixture.h"

#include "ald/base/text.h"       /* text_init */
#include "ald/base/time.h"       /* TIME_H */
#include "ald/store/query.h"     /* query_open */
#include "ald/store/retention.h" /* RETENTION_MARGIN_US */
#include "ald/store/rollup.h"    /* ROLLUP_PERIOD_0 */
#include "ald/store/trend.h"     /* query_trend */
#include "ald/store/writer.h"    /* writer_tidy */

#include <check.h>  /* the test framework */
#include <math.h>   /* fmax */
#include <stdio.h>  /* snprintf */
#include <stdlib.h> /* rand_r */
#include <time.h>   /* clock_gettime */

#define DAY (24 * TIME_H)

enum { SAMPLES_MAX = 20000, RUNS = 12, TAGS = 2 };
static struct kept {
        int tag;
        int64_t t_us;
        double value;
} kept[SAMPLES_MAX];
static int kept_count;
static struct run {
        int64_t started_us, ended_us;
} runs[RUNS];
static unsigned seed;

static int64_t below(int64_t n)
{
        return (int64_t)((double)rand_r(&seed) / ((double)RAND_MAX + 1) * (double)n);
}

/* UTC, a whole number of seconds. */
static int64_t now_us(void)
{
        return (int64_t)time(NULL) * TIME_S;
}

static void run_sql(sqlite3 *db, const char *sql)
{
        ck_assert_msg(
            sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
}

static void put_sample(sqlite3 *db, int tag, int64_t t_us, double value)
{
        char sql[200];

        ck_assert_int_lt(kept_count, SAMPLES_MAX);
        kept[kept_count++] = (struct kept){tag, t_us, value};
        snprintf(sql, sizeof sql, "INSERT INTO sample VALUES(%d, %lld, %.17g, 0)", tag + 1, (long long)t_us,
            value);
        run_sql(db, sql);
}

/* Sixty days of samples of two tags, and runs of hours, some overlapping, one of them under way. */
static void fill(const char *path, int64_t now)
{
        store_close(fixture_open(path));
        sqlite3 *db = fixture_intrude(path, "BEGIN");
        char sql[512];

        kept_count = 0;
        for (int tag = 0; tag < TAGS; tag++)
                for (int64_t t = now - 60 * DAY; t < now - TIME_H; t += 2 * TIME_MIN + below(90 * TIME_MIN))
                        put_sample(db, tag, t, (double)below(100000));
        for (int i = 0; i < RUNS; i++) {
                runs[i].started_us = now - 59 * DAY + below(56 * DAY);
                runs[i].ended_us =
                    i == 0 ? INT64_MAX / 2 : runs[i].started_us + (i == 1 ? 0 : below(20 * TIME_H));
                if (i == 0)
                        runs[i].started_us = now - 2 * TIME_H;
                snprintf(sql, sizeof sql,
                    "INSERT INTO run(id, recipe, state, reason, operator, started_us, ended_us, parameters,"
                    " declared, recipe_text, recipe_sha256, tool_text, tool_sha256, version) VALUES(%d, '',"
                    " 'Complete', '', '', %lld, %lld, '', '', '', '', '', '', '')",
                    i + 1, (long long)runs[i].started_us,
                    (long long)(i == 0 ? runs[i].started_us + 1 : runs[i].ended_us));
                run_sql(db, sql);
                /* The samples at the very edges decide. */
                for (int k = 0; i > 1 && k < 4; k++) {
                        static const int64_t off_us[] = {-1, 0, -1, 0};
                        int64_t edge_us = k < 2 ? runs[i].started_us - RETENTION_MARGIN_US
                                                : runs[i].ended_us + RETENTION_MARGIN_US;

                        put_sample(db, 0, edge_us + off_us[k], (double)k);
                }
        }
        runs[0].ended_us = runs[0].started_us + 1;
        run_sql(db, "COMMIT");
        sqlite3_close(db);
}

static struct writer *open_writer(const char *path, const struct tool_history *history, struct tool *tool)
{
        static struct store_config config;
        struct writer_found found;
        char why[160] = "";
        struct text t;

        *tool = *fixture_tool();
        tool->history = *history;
        config = fixture_config(path);
        config.tool = tool;
        text_init(&t, why, sizeof why);
        struct writer *w = writer_open(&config, &found, &t);
        ck_assert_msg(w != NULL, "%s", why);
        return w;
}

/* Until nothing is left to do; now and then the daemon begins anew. */
static void tidy_all(const char *path, const struct tool_history *history, bool restarts)
{
        static struct tool tool;
        struct writer *w = open_writer(path, history, &tool);
        char why[160] = "";
        struct text t;
        bool more = true;

        text_init(&t, why, sizeof why);
        while (more) {
                ck_assert_msg(writer_tidy(w, &more, &t), "%s", why);
                if (restarts && more && below(10) == 0) {
                        writer_close(w);
                        w = open_writer(path, history, &tool);
                }
        }
        writer_close(w);
}

static bool is_of_a_run(int64_t t_us)
{
        for (int i = 0; i < RUNS; i++)
                if (t_us >= runs[i].started_us - RETENTION_MARGIN_US &&
                    t_us < runs[i].ended_us + RETENTION_MARGIN_US)
                        return true;
        return false;
}

/* What the policy leaves; the newest period of each tag is not rolled up yet. */
static bool is_left(const struct kept *k, const struct tool_history *h, int64_t now, const int64_t *mark_us)
{
        if (k->t_us >= mark_us[k->tag] || h->samples_us == 0 || k->t_us >= now - h->samples_us)
                return true;
        return is_of_a_run(k->t_us) && (h->runs_us == 0 || k->t_us >= now - h->runs_us);
}

static int64_t check_left(const char *path, const struct tool_history *h, int64_t now)
{
        int64_t left = 0, mark_us[TAGS];

        for (int tag = 0; tag < TAGS; tag++) {
                char sql[200];

                snprintf(sql, sizeof sql,
                    "SELECT t_us FROM rollup_mark WHERE period = 10000000 AND tag_id = %d", tag + 1);
                mark_us[tag] = fixture_number(path, sql);
        }
        sqlite3 *db = fixture_intrude(path, "SELECT 1");
        sqlite3_stmt *stmt;
        ck_assert_int_eq(
            sqlite3_prepare_v2(db, "SELECT 1 FROM sample WHERE tag_id = ?1 AND t_us = ?2", -1, &stmt, NULL),
            SQLITE_OK);
        for (int i = 0; i < kept_count; i++) {
                bool is_wanted = is_left(&kept[i], h, now, mark_us);

                sqlite3_bind_int64(stmt, 1, kept[i].tag + 1);
                sqlite3_bind_int64(stmt, 2, kept[i].t_us);
                ck_assert_msg((sqlite3_step(stmt) == SQLITE_ROW) == is_wanted, "sample %d, %.3f days old: %s",
                    i, (double)(now - kept[i].t_us) / (double)DAY, is_wanted ? "removed" : "left");
                sqlite3_reset(stmt);
                left += is_wanted;
        }
        sqlite3_finalize(stmt);
        sqlite3_close(db);
        ck_assert_int_eq(fixture_number(path, "SELECT count(*) FROM sample"), left);
        return left;
}

static const struct tool_history policies[] = {
    {0, 0}, {5 * DAY, 0}, {5 * DAY, 30 * DAY}, {1 * DAY, 1 * DAY}, {3650 * DAY, 0}};

START_TEST(only_what_the_policy_says_is_removed)
{
        const struct tool_history *history = &policies[_i % 5];
        const char *path = fixture_path("a.db");
        int64_t now = now_us();

        seed = (unsigned)_i + 1;
        /* No sample is as old as the policy to within the time that the test takes. */
        fill(path, now);
        for (int i = 0; i < kept_count; i++)
                for (int k = 0; k < 2; k++) {
                        int64_t edge_us = now - (k == 0 ? history->samples_us : history->runs_us);
                        if (kept[i].t_us >= edge_us && kept[i].t_us < edge_us + 100 * TIME_S) {
                                char sql[160];
                                snprintf(sql, sizeof sql,
                                    "DELETE FROM sample WHERE tag_id = %d AND t_us = %lld", kept[i].tag + 1,
                                    (long long)kept[i].t_us);
                                sqlite3_close(fixture_intrude(path, sql));
                                kept[i--] = kept[--kept_count];
                                break;
                        }
                }
        tidy_all(path, history, _i >= 5);
        int64_t left = check_left(path, history, now);
        ck_assert_int_eq(fixture_number(path, "SELECT count(*) FROM event WHERE kind = 'retention'") > 0,
            left < kept_count);
        ck_assert_int_eq(
            fixture_number(path, "SELECT coalesce(sum(substr(text, instr(text, 'asks: ') + 6) + CASE WHEN "
                                 "text LIKE '% of runs "
                                 "older%' THEN substr(text, instr(text, ', ') + 2) ELSE 0 END), 0) FROM event"
                                 " WHERE kind = 'retention'"),
            kept_count - left);
        /* Rollups know of all that was, before and after they are made anew. */
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(
                    fixture_number(path,
                        "SELECT (SELECT sum(count) FROM sample_rollup WHERE period = 10000000) + (SELECT"
                        " count(*) FROM sample s WHERE t_us >= (SELECT t_us FROM rollup_mark m WHERE "
                        "m.tag_id ="
                        " s.tag_id AND period = 10000000))"),
                    kept_count);
                sqlite3_close(fixture_intrude(path, "UPDATE rollup_mark SET t_us = 0 WHERE period > 0"));
                tidy_all(path, history, false);
        }
}
END_TEST

static double max_seen;
static int64_t seen;

static void take_point(void *ctx, const struct trend_point *p)
{
        (void)ctx;
        max_seen = fmax(max_seen, p->max);
        seen += p->count;
}

/* The trend of a time whose samples are gone comes from rollups, that of a run from its samples. */
START_TEST(trends_go_on)
{
        const char *path = fixture_path("a.db");
        const struct tool_history history = {5 * DAY, 0};
        struct trend_info info;
        int64_t now = now_us();
        char why[256];

        seed = 77;
        fill(path, now);
        tidy_all(path, &history, false);
        struct query *q = query_open(path, why, sizeof why);
        ck_assert_msg(q != NULL, "%s", why);
        for (int i = 0; i < 40; i++) {
                int64_t from = now - 60 * DAY + below(50 * DAY), to = from + below(4 * DAY);
                if (i < RUNS && i > 1) {
                        from = runs[i].started_us;
                        to = runs[i].ended_us;
                }
                seen = 0;
                max_seen = -1;
                ck_assert_int_eq(
                    query_trend(q, "chamber.pressure", from, to, 2000, &info, take_point, NULL), 1);
                double max = -1;
                int64_t count = 0, low = from - from % info.step_us, high = to + info.step_us - 1;
                for (int k = 0; k < kept_count; k++)
                        if (kept[k].tag == 0 && kept[k].t_us >= low &&
                            kept[k].t_us < high - high % info.step_us) {
                                max = fmax(max, kept[k].value);
                                count++;
                        }
                ck_assert_int_eq(seen, count);
                ck_assert(max_seen == max);
                if (i < RUNS && i > 1)
                        ck_assert_int_eq(info.step_us, 1);
        }
        query_close(q);
}
END_TEST

/* The store does it by itself, beside what comes. */
START_TEST(it_is_done_while_samples_come)
{
        static struct tool tool;
        const struct timespec moment = {.tv_nsec = 10000000};
        const char *path = fixture_path("a.db");
        struct store_config config = fixture_config(path);
        struct store_state state;
        int64_t now = now_us(), told = 0;

        seed = 5;
        fill(path, now);
        tool = *fixture_tool();
        tool.history = (struct tool_history){5 * DAY, 0};
        config.tool = &tool;
        struct store *s = store_open(&config);
        for (int i = 0; i < 3000 && told == 0; i++) {
                fixture_post(s, fixture_sample(FIXTURE_WATER_VALVE, now + i, i));
                nanosleep(&moment, NULL); /* nothing tells of it; the database is asked again */
                if (i % 10 == 9)
                        told = fixture_number(path, "SELECT count(*) FROM event WHERE kind = 'retention'");
        }
        ck_assert_int_gt(told, 0);
        store_get_state(s, &state);
        ck_assert(state.ok);
        store_close(s);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("retention");
        TCase *c = tcase_create("retention");

        tcase_add_checked_fixture(c, fixture_make, fixture_clean);
        tcase_set_timeout(c, 60);
        tcase_add_loop_test(c, only_what_the_policy_says_is_removed, 0, 8);
        tcase_add_test(c, trends_go_on);
        tcase_add_test(c, it_is_done_while_samples_come);
        suite_add_tcase(suite, c);
        return suite_main(suite);
}
