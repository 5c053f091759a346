/* One run taken out of the database, and a run's tables as they are exported: everything of it, nothing else, across many slices,
 * with gaps in their places; the same bytes each time. */
#include "unit/suite.h"
#include "unit/store_fixture.h"

#include "ald/app/digest.h"         /* digest_sha256 */
#include "ald/store/audit_verify.h" /* struct audit_verify */
#include "ald/store/extract.h"      /* extract_run */
#include "ald/store/query.h"        /* query_open */

#include <check.h>  /* the test framework */
#include <math.h>   /* NAN */
#include <stdio.h>  /* fopen */
#include <stdlib.h> /* free */
#include <string.h> /* strcmp */

#define T0 FIXTURE_T0

/* More than any slice has rows. */
enum { SAMPLES = 9000, EVENTS = 2500, CYCLES = 1200, PIECES = 600 };

static struct store *open_store(const char *db)
{
        struct store_config config = fixture_config(db);

        config.sha256 = digest_sha256;
        config.records_max = 32768;
        struct store *s = store_open(&config);
        ck_assert_ptr_nonnull(s);
        return s;
}

static int64_t posted; /* records */
static void post(struct store *s, struct record r)
{
        fixture_post(s, r);
        posted++;
}

static void post_pieces(struct store *s, int64_t run, int count)
{
        for (int n = 0; n < count; n++) {
                const struct tape_piece piece = {.kind = TAPE_EVENTS,
                    .run_id = run,
                    .n = n,
                    .wall_us = T0 + n,
                    .bytes = (const unsigned char *)"abc",
                    .len = 3};

                ck_assert(store_post_input(s, &piece));
        }
}

/* Run `run` lasts from T0 + run hours for one second. */
static void post_run(struct store *s, int64_t run, int events, int cycles, int samples, int pieces)
{
        int64_t t0 = T0 + run * 3600000000;

        post(s, fixture_audit(t0 - 1, "run", "small"));
        post(s, fixture_run(RECORD_RUN_START, run, t0, "Execute", ""));
        fixture_await_records(s, posted);
        post_pieces(s, run, pieces);
        for (int i = 0; i < events; i++)
                post(s, fixture_event(run, t0 + i, "of the run"));
        for (int i = 1; i <= cycles; i++) {
                post(s, fixture_cycle(RECORD_CYCLE_START, run, t0 + i, i));
                post(s, fixture_pulse(RECORD_PULSE_START, run, i, "coat[0]", 0));
                post(s, fixture_pulse(RECORD_PULSE_START, run, i, "coat[2]", 1));
        }
        for (int i = 0; i < samples; i++)
                fixture_post(s, fixture_sample(FIXTURE_PRESSURE, t0 + i * 100, i == 5 ? NAN : i / 7.0));
        post(s, fixture_audit(t0 + 20, "hold", ""));
        post(s, fixture_run(RECORD_RUN_END, run, t0 + 1000000, "Complete", "done"));
        fixture_await_records(s, posted);
}

/* Three runs; the middle one is large, and has a gap of two samples. */
static const char *make_record(void)
{
        const char *db = fixture_path("a.db");
        struct store *s = open_store(db);
        int64_t t2 = T0 + 2 * INT64_C(3600000000);

        posted = 0;
        post_run(s, 1, 3, 2, 10, 4);
        post(s, fixture_event(0, t2 - 5, "before it"));
        post(s, fixture_event(0, t2 + 5, "beside it"));
        fixture_post(s, fixture_sample(FIXTURE_NB_VALVE, t2 - 1, 1));
        post_run(s, 2, EVENTS, CYCLES, SAMPLES, PIECES);
        fixture_post(s, fixture_sample(FIXTURE_PRESSURE, t2 + 400, 1)); /* again: left out, a gap says so */
        fixture_post(s, fixture_sample(FIXTURE_PRESSURE, t2 + 400, 1));
        post_run(s, 3, 3, 2, 10, 4);
        store_close(s);
        return db;
}

static struct query *open_query(const char *path)
{
        char why[256];
        struct query *q = query_open(path, why, sizeof why);

        ck_assert_msg(q != NULL, "%s", why);
        return q;
}

static bool always(void)
{
        return true;
}

static bool never(void)
{
        return false;
}

static const char *extract(const char *from, const char *to, int64_t run)
{
        struct query *q = open_query(from);
        struct query_span span;
        char why[256];

        ck_assert_int_eq(query_span(q, run, &span), 1);
        ck_assert_msg(extract_run(q, &span, to, always, why, sizeof why) == 0, "%s", why);
        query_close(q);
        return to;
}

static void same(const char *path, const char *other, const char *sql, const char *other_sql)
{
        char first[4096];

        snprintf(first, sizeof first, "%s", fixture_text(path, sql));
        ck_assert_str_eq(first, fixture_text(other, other_sql));
}

#define FOLD "count(*) || ' ' || sum(id) || ' ' || sum(t_us % 1000) FROM "

START_TEST(an_extract_has_all_of_its_run_and_nothing_else)
{
        const char *db = make_record(), *out = extract(db, fixture_path("x.db"), 2);

        ck_assert_int_eq(fixture_number(out, "SELECT count(*) FROM run"), 1);
        ck_assert_int_eq(fixture_number(out, "SELECT count(*) FROM pulse"), 2 * CYCLES);
        ck_assert_int_eq(fixture_number(out, "SELECT count(*) FROM cycle"), CYCLES);
        ck_assert_int_eq(fixture_number(out, "SELECT count(*) FROM input"), PIECES);
        ck_assert_int_eq(fixture_number(out, "SELECT count(*) FROM sample"), SAMPLES);
        ck_assert_int_eq(fixture_number(out, "SELECT count(*) FROM tag"), 1);
        same(out, db, "SELECT " FOLD "event",
            "SELECT " FOLD "event WHERE run_id = 2 OR text = 'beside it' OR kind = 'gap'");
        same(out, db, "SELECT " FOLD "audit", "SELECT " FOLD "audit WHERE id BETWEEN 4 AND 6");
        same(out, db,
            "SELECT group_concat(quote(id) || quote(recipe_text) || quote(audit_sha256_ended)) FROM run",
            "SELECT group_concat(quote(id) || quote(recipe_text) || quote(audit_sha256_ended)) FROM run "
            "WHERE id = 2");
        same(out, db, "SELECT sum(value) || count(value) FROM sample",
            "SELECT sum(value) || count(value) FROM sample WHERE tag_id = 1 AND t_us BETWEEN "
            "1795262400000000 AND 1795262401000000");
        ck_assert_str_eq(fixture_text(out, "PRAGMA integrity_check"), "ok");
        ck_assert_str_eq(fixture_text(out, "PRAGMA journal_mode"), "delete");
}
END_TEST

static void note(void *ctx, int64_t id, const char *what)
{
        (void)id;
        snprintf(ctx, 256, "%s", what);
}

static struct audit_verified verify(const char *path, char why[256])
{
        struct audit_verify how = {.digest = digest_sha256, .find = note, .ctx = why};
        struct audit_verified out;
        struct query *q = open_query(path);

        why[0] = '\0';
        ck_assert_int_eq(query_verify(q, &how, &out), 0);
        query_close(q);
        return out;
}

/* Its chain begins in the middle, at the record that the run's row names. */
START_TEST(an_extract_verifies)
{
        static const char *const changes[] = {"DELETE FROM audit WHERE id = 4",
            "DELETE FROM audit WHERE id <= 5", "UPDATE audit SET user = 'eve' WHERE id = 4",
            "UPDATE audit SET prev_sha256 = '' WHERE id = 4", "DELETE FROM audit WHERE id = 6",
            "DELETE FROM audit", "UPDATE run SET audit_id = 5",
            "UPDATE pulse SET width_us = 5 WHERE cycle = 1100", "DELETE FROM input WHERE n = 599",
            "UPDATE run SET audit_sha256 = '', audit_id = 0", "DELETE FROM run",
            "PRAGMA application_id = 1095517266" /* as if it were a whole one */};
        const char *out = extract(make_record(), fixture_path("x.db"), 2);
        char why[256];
        struct audit_verified v = verify(out, why);

        ck_assert_msg(v.findings == 0, "%s", why);
        ck_assert_int_eq(v.extract, 2);
        ck_assert_int_eq(v.first.id, 4);
        ck_assert_int_eq(v.head.id, 6);
        ck_assert_int_eq(v.sealed, 1);
        ck_assert_int_eq(v.pieces, PIECES);
        for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
                const char *copy = extract(fixture_path("a.db"), fixture_path("y.db"), 2);

                sqlite3_close(fixture_intrude(copy, changes[i]));
                ck_assert_msg(verify(copy, why).findings > 0, "%s", changes[i]);
                remove(copy);
        }
}
END_TEST

static void read_all(const char *path, char **bytes, size_t *len)
{
        FILE *f = fopen(path, "rb");

        ck_assert_ptr_nonnull(f);
        *bytes = malloc(4 << 20);
        *len = fread(*bytes, 1, 4 << 20, f);
        fclose(f);
}

START_TEST(the_same_run_gives_the_same_bytes)
{
        const char *db = make_record();
        size_t first_len, second_len;
        char *first, *second;

        read_all(extract(db, fixture_path("x.db"), 2), &first, &first_len);
        read_all(extract(db, fixture_path("y.db"), 2), &second, &second_len);
        ck_assert_int_gt(first_len, 100000);
        ck_assert_int_eq(first_len, second_len);
        ck_assert_int_eq(memcmp(first, second, first_len), 0);
        free(first);
        free(second);
}
END_TEST

START_TEST(it_is_read_only_and_can_be_given_up)
{
        const char *db = make_record(), *out = extract(db, fixture_path("x.db"), 2);
        struct query *q = open_query(db);
        struct store *s = open_store(out);
        struct store_state state;
        struct query_span span;
        char why[256];

        store_get_state(s, &state);
        ck_assert(!state.ok);
        ck_assert_ptr_nonnull(strstr(state.why, "an extract of one run"));
        store_close(s);
        ck_assert_int_eq(query_span(q, 2, &span), 1);
        ck_assert_int_eq(extract_run(q, &span, fixture_path("z.db"), never, why, sizeof why), -1);
        ck_assert_str_eq(why, "");
        ck_assert_int_eq(extract_run(q, &span, fixture_path("no/such.db"), always, why, sizeof why), -1);
        ck_assert_str_ne(why, "");
        ck_assert_int_eq(query_span(q, 9, &span), 0);
        query_close(q);
}
END_TEST

/* ---- export ---- */

struct sum {
        enum query_table table;
        int64_t rows, last_us, gaps, lost, stop_at;
        double total;
};

static bool add(void *ctx, const struct query_value *v)
{
        struct sum *s = ctx;

        s->rows++;
        if (s->table == QUERY_SAMPLES) {
                ck_assert_str_eq(v[1].text, "chamber.pressure");
                ck_assert_str_eq(v[3].text, "Torr");
                ck_assert_int_ge(v[0].integer, s->last_us);
                s->last_us = v[0].integer;
                if (strcmp(v[4].text, "gap") == 0) {
                        s->gaps++;
                        s->lost += v[5].integer;
                        ck_assert_int_eq(v[0].integer, T0 + 7200000400);
                        ck_assert_int_eq(v[2].is, QUERY_IS_NULL);
                } else if (v[2].is == QUERY_IS_NUMBER) {
                        s->total += v[2].number;
                }
        }
        return s->rows != s->stop_at;
}

static struct sum export(const char *path, enum query_table table, int64_t stop_at)
{
        struct sum s = {.table = table, .stop_at = stop_at};
        struct query *q = open_query(path);
        struct query_span span;

        ck_assert_int_eq(query_span(q, 2, &span), 1);
        ck_assert_msg(query_export(q, table, &span, add, &s) == 0, "%s", query_why(q));
        query_close(q);
        return s;
}

START_TEST(every_row_is_exported_once)
{
        static const int64_t rows[QUERY_TABLES] = {[QUERY_CYCLES] = CYCLES,
            [QUERY_PULSES] = 2 * CYCLES,
            [QUERY_EVENTS] = EVENTS + 2,
            [QUERY_AUDIT] = 3,
            [QUERY_BASE] = 0,
            [QUERY_SAMPLES] = SAMPLES + 1};
        const char *db = make_record(), *out = extract(db, fixture_path("x.db"), 2);
        double total = 0;

        for (int i = 0; i < SAMPLES; i++)
                total += i == 5 ? 0 : i / 7.0;
        for (int table = 0; table < QUERY_TABLES; table++) {
                struct sum s = export(db, (enum query_table)table, -1);

                ck_assert_int_eq(s.rows, rows[table]);
                ck_assert_int_eq(export(out, (enum query_table)table, -1).rows, rows[table]);
                ck_assert_int_eq(
                    export(db, (enum query_table)table, 2).rows, rows[table] < 2 ? rows[table] : 2);
                if (table == QUERY_SAMPLES) {
                        ck_assert_int_eq(s.gaps, 1);
                        ck_assert_int_eq(s.lost, 2);
                        ck_assert_double_eq_tol(s.total, total, 1e-6);
                }
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("extract");
        TCase *tc = tcase_create("extract");

        tcase_add_checked_fixture(tc, fixture_make, fixture_clean);
        tcase_set_timeout(tc, 120);
        tcase_add_test(tc, an_extract_has_all_of_its_run_and_nothing_else);
        tcase_add_test(tc, an_extract_verifies);
        tcase_add_test(tc, the_same_run_gives_the_same_bytes);
        tcase_add_test(tc, it_is_read_only_and_can_be_given_up);
        tcase_add_test(tc, every_row_is_exported_once);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
