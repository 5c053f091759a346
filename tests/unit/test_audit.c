/* The audit chain (SAFETY L5): what was written verifies; every edit, deletion, insertion, swap, duplicate and renumbering of a
 * record is found, as is every change of a run that has ended; a chain cut at its end is found against each kind of head.
 *
 * ALD_TAMPERS=100000 build/tests/test_audit: so many random tampers instead of 5,000. */
#include "unit/suite.h"
#include "unit/store_fixture.h"

#include "ald/app/digest.h"         /* digest_sha256 */
#include "ald/base/random.h"        /* struct random */
#include "ald/core/event.h"         /* PULSE_DONE */
#include "ald/store/audit_verify.h" /* audit_verify */

#include <check.h>  /* the test framework */
#include <stdio.h>  /* snprintf */
#include <stdlib.h> /* getenv */
#include <string.h> /* strstr */

#define T0 FIXTURE_T0

/* ---- what the daemon tells ---- */

static struct told {
        int64_t id;
        char sha256[65], when[24];
} told[32];
static int told_count;

static void tell(int64_t id, const char *sha256, const char *when)
{
        ck_assert_int_lt(told_count, 32);
        told[told_count].id = id;
        snprintf(told[told_count].sha256, sizeof told[0].sha256, "%s", sha256);
        snprintf(told[told_count++].when, sizeof told[0].when, "%s", when);
}

static struct store *open_store(const char *db)
{
        struct store_config config = fixture_config(db);
        struct store *s;

        config.sha256 = digest_sha256;
        config.tell_head = tell;
        s = store_open(&config);
        ck_assert_ptr_nonnull(s);
        return s;
}

static void post_piece(struct store *s, enum tape_kind kind, int64_t run, int64_t n)
{
        static const unsigned char bytes[5] = {1, 2, 0, 4, 5};
        struct tape_piece piece = {.kind = kind, .run_id = run, .n = n, .wall_us = T0 + n};

        if (kind != TAPE_END) {
                piece.bytes = bytes;
                piece.len = (uint32_t)(1 + n % 5);
        }
        ck_assert(store_post_input(s, &piece));
}

/* 5 cycles with a pulse each, an event, commands, a tape. */
static void post_run(struct store *s, int64_t run)
{
        fixture_post(s, fixture_audit(T0 + run * 100, "run", "small"));
        fixture_post(s, fixture_run(RECORD_RUN_START, run, T0 + run * 100, "Execute", ""));
        fixture_await_records(s, (run - 1) * 33 + 2);
        post_piece(s, TAPE_SNAPSHOT, run, 0);
        for (int64_t n = 1; n <= 5; n++) {
                struct record end = fixture_pulse(RECORD_PULSE_END, run, n, "coat[0]", 0);

                end.u.pulse.outcome = PULSE_DONE;
                end.u.pulse.opened_us = T0 + n;
                end.u.pulse.width_us = 100000 + n;
                fixture_post(s, fixture_cycle(RECORD_CYCLE_START, run, T0 + n, n));
                fixture_post(s, fixture_pulse(RECORD_PULSE_START, run, n, "coat[0]", 0));
                fixture_post(s, end);
                fixture_post(s, fixture_cycle(RECORD_CYCLE_END, run, T0 + n + 1, n));
                fixture_post(s, fixture_event(run, T0 + n, n == 2 ? "it's \"2\" \\ \xc3\xa9" : "note"));
                fixture_post(
                    s, fixture_audit(T0 + n, n % 2 == 0 ? "hold" : "resume", n == 4 ? "a\"b\\\tc" : ""));
                post_piece(s, TAPE_EVENTS, run, n * 3);
        }
        post_piece(s, TAPE_END, run, 18);
        fixture_post(s, fixture_run(RECORD_RUN_END, run, T0 + run * 100 + 50, "Complete", "done"));
}

/* Two runs, and three commands after them: 6 + 1 + 6 + 1 + 3 records. */
enum { RECORDS = 17 };
static const char *make_record(void)
{
        const char *db = fixture_path("a.db");
        struct store *s = open_store(db);

        post_run(s, 1);
        fixture_await_records(s, 33);
        post_run(s, 2);
        fixture_await_records(s, 66);
        for (int i = 0; i < 3; i++)
                fixture_post(s, fixture_audit(T0 + 900 + i, "tags", ""));
        store_close(s);
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM audit"), RECORDS);
        return db;
}

/* ---- verifying ---- */

static char found_first[256];
static int64_t found_id;

static void note(void *ctx, int64_t id, const char *what)
{
        (void)ctx;
        if (found_first[0] != '\0')
                return;
        snprintf(found_first, sizeof found_first, "%s", what);
        found_id = id;
}

static struct audit_verified verify(sqlite3 *db, const struct audit_head *kept)
{
        struct audit_verify how = {.digest = digest_sha256, .kept = kept, .find = note};
        struct audit_verified out;

        found_first[0] = '\0';
        ck_assert_int_eq(audit_verify(db, &how, &out), SQLITE_OK);
        ck_assert((out.findings == 0) == (found_first[0] == '\0'));
        return out;
}

/* A copy in memory whose tables take any value anywhere. */
static sqlite3 *loose_copy(const char *path)
{
        static const char *const tables[] = {"run", "base", "cycle", "pulse", "event", "input"};
        sqlite3 *db;
        char sql[512];

        ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
        snprintf(sql, sizeof sql,
            "ATTACH '%s' AS f; PRAGMA application_id = %d;"
            "CREATE TABLE audit(id INTEGER PRIMARY KEY, t_us, uid, pid, user, role, command, arguments, "
            "state_before,"
            " state_after, result, prev_sha256, sha256); INSERT INTO audit SELECT * FROM f.audit",
            path, 0x414C4452);
        ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
        for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
                snprintf(sql, sizeof sql, "CREATE TABLE main.%s AS SELECT * FROM f.%s", tables[i], tables[i]);
                ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
        }
        ck_assert_int_eq(sqlite3_exec(db, "DETACH f", NULL, NULL, NULL), SQLITE_OK);
        return db;
}

static void change(sqlite3 *db, const char *sql)
{
        ck_assert_msg(
            sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
}

static void finds(const char *path, const char *sql, int64_t id, const char *words)
{
        sqlite3 *db = loose_copy(path);

        change(db, sql);
        verify(db, NULL);
        ck_assert_msg(
            strstr(found_first, words) != NULL, "%s: '%s' says nothing of '%s'", sql, found_first, words);
        ck_assert_int_eq(found_id, id);
        sqlite3_close(db);
}

START_TEST(what_was_written_verifies)
{
        const char *path = make_record();
        sqlite3 *db = fixture_intrude(path, "SELECT 1"), *loose = loose_copy(path);
        struct audit_verified v = verify(db, NULL);

        ck_assert_msg(v.findings == 0, "%s", found_first);
        ck_assert_int_eq(v.records, RECORDS);
        ck_assert_int_eq(v.head.id, RECORDS);
        ck_assert_int_eq(v.runs, 2);
        ck_assert_int_eq(v.sealed, 2);
        ck_assert_int_eq(v.pieces, 14);
        ck_assert_int_eq(v.extract, 0);
        ck_assert_int_eq(verify(loose, NULL).findings, 0);
        sqlite3_close(loose);
        sqlite3_close(db);
        /* The head of each run's row: before its "run", which came first; and before its closing record. */
        ck_assert_str_eq(
            fixture_text(path, "SELECT group_concat(audit_id || ' ' || audit_id_ended, '|') FROM run"),
            "1 6|8 13");
        ck_assert_int_eq(
            fixture_number(
                path, "SELECT count(*) FROM run JOIN audit ON audit.id = audit_id AND sha256 = audit_sha256"),
            2);
        ck_assert_str_eq(
            fixture_text(path,
                "SELECT user || role || command || substr(arguments, 1, 14) || substr(result, 1, 7)"
                " FROM audit WHERE id = 7"),
            "aldddaemonrun-endedrun 1 rows 16 tape 7 ");
}
END_TEST

/* Journal: each head that the daemon tells is one of the chain. */
START_TEST(heads_are_told)
{
        static const char *const when[] = {"opened", "run begins", "run ended", "closed"};
        const char *path;

        told_count = 0;
        path = make_record();
        for (size_t i = 0; i < sizeof when / sizeof when[0]; i++) {
                int n = 0;
                for (int k = 0; k < told_count; k++)
                        n += strcmp(told[k].when, when[i]) == 0;
                ck_assert_msg(n >= 1, "%s", when[i]);
        }
        sqlite3 *db = fixture_intrude(path, "SELECT 1");
        for (int i = 0; i < told_count; i++) {
                struct audit_head head = {.id = told[i].id};

                snprintf(head.sha256, sizeof head.sha256, "%s", told[i].sha256);
                if (head.id > 0)
                        ck_assert_msg(verify(db, &head).findings == 0, "%s: %s", told[i].when, found_first);
        }
        ck_assert_int_eq(told[told_count - 1].id, RECORDS);
        sqlite3_close(db);
}
END_TEST

START_TEST(findings_name_what_was_done)
{
        const char *path = make_record();

        finds(path, "UPDATE audit SET user = 'eve' WHERE id = 5", 5, "record 5 was changed");
        finds(path, "DELETE FROM audit WHERE id = 5", 5, "record 5 is missing");
        finds(path, "DELETE FROM audit WHERE id < 4", 1, "records 1 to 3 are missing");
        finds(path, "UPDATE audit SET sha256 = NULL WHERE id = 5", 5, "not chained");
        finds(path, "UPDATE audit SET prev_sha256 = (SELECT sha256 FROM audit WHERE id = 2) WHERE id = 5", 5,
            "record 5 was changed");
        finds(path, "UPDATE pulse SET width_us = 1 WHERE run_id = 1 AND cycle = 3", 1, "run 1 was changed");
        finds(path, "DELETE FROM cycle WHERE run_id = 2 AND n = 5", 2, "it has 15 rows");
        finds(path, "UPDATE run SET operator = 'eve' WHERE id = 1", 1, "run 1 was changed");
        finds(path, "DELETE FROM run WHERE id = 1", 1, "run 1 is missing: record 7 closed it");
        finds(path, "UPDATE input SET payload = x'00' WHERE run_id = 1 AND n = 3", 1, "its tape");
        finds(path, "DELETE FROM input WHERE run_id = 2", 2, "is gone, 7 pieces");
        finds(path,
            "UPDATE run SET audit_sha256 = (SELECT sha256 FROM audit WHERE id = 3) WHERE id = 2; DELETE FROM "
            "audit WHERE id > 13",
            2, "names record 8 with another SHA-256");
}
END_TEST

/* A migration only adds columns, which are NULL in old rows; a value put there is a change. */
START_TEST(a_later_schema_breaks_nothing)
{
        sqlite3 *db = loose_copy(make_record());

        change(db,
            "ALTER TABLE run ADD COLUMN x; ALTER TABLE cycle ADD COLUMN x; ALTER TABLE pulse ADD COLUMN x;"
            "ALTER TABLE event ADD COLUMN x; ALTER TABLE pulse ADD COLUMN y");
        ck_assert_int_eq(verify(db, NULL).findings, 0);
        change(db, "UPDATE cycle SET x = 1 WHERE n = 2 AND run_id = 1");
        ck_assert_int_eq(verify(db, NULL).findings, 1);
        sqlite3_close(db);
}
END_TEST

/* ---- truncation ---- */

START_TEST(a_chain_that_was_cut_is_found_against_a_head)
{
        const char *path = make_record();
        struct audit_head kept = {.id = RECORDS};
        sqlite3 *db = loose_copy(path);

        snprintf(kept.sha256, sizeof kept.sha256, "%s",
            fixture_text(path, "SELECT sha256 FROM audit WHERE id = 17"));
        ck_assert_int_eq(verify(db, &kept).findings, 0);
        kept.sha256[3] ^= 1;
        ck_assert_int_eq(verify(db, &kept).findings, 1);
        kept.sha256[3] ^= 1;
        for (int last = RECORDS - 1; last >= 0; last--) {
                char sql[96];

                snprintf(sql, sizeof sql, "SAVEPOINT s; DELETE FROM audit WHERE id > %d", last);
                change(db, sql);
                /* Behind the last run nothing in the database tells; before that the runs' rows do. */
                ck_assert_int_eq(verify(db, NULL).findings > 0, last < 14);
                ck_assert_int_ge(verify(db, &kept).findings, 1);
                ck_assert_ptr_nonnull(strstr(found_first, last < 14 ? "run" : "the chain ends at record"));
                change(db, "ROLLBACK TO s; RELEASE s");
        }
        /* Together with the runs that tell of it: only the head that was kept elsewhere is left. */
        change(db, "DELETE FROM audit WHERE id > 7; DELETE FROM run WHERE id = 2");
        ck_assert_int_eq(verify(db, NULL).findings, 0);
        ck_assert_int_eq(verify(db, &kept).findings, 1);
        sqlite3_close(db);
}
END_TEST

/* ---- runs that end otherwise ---- */

START_TEST(a_run_that_a_crash_left_open_is_closed)
{
        const char *path = fixture_path("a.db");
        struct store *s = open_store(path);
        sqlite3 *db;

        fixture_post(s, fixture_audit(T0, "run", "small"));
        fixture_post(s, fixture_run(RECORD_RUN_START, 1, T0, "Execute", ""));
        post_piece(s, TAPE_SNAPSHOT, 1, 0);
        fixture_post(s, fixture_pulse(RECORD_PULSE_START, 1, 1, "coat[0]", 0));
        store_close(s);
        db = fixture_intrude(path, "SELECT 1");
        ck_assert_int_eq(verify(db, NULL).findings, 0);
        told_count = 0;
        store_close(open_store(path));
        ck_assert_msg(verify(db, NULL).sealed == 1, "%s", found_first);
        ck_assert_int_eq(verify(db, NULL).findings, 0);
        ck_assert_int_eq(fixture_number(path, "SELECT audit_id_ended FROM run WHERE state = 'Aborted'"), 1);
        ck_assert_int_eq(told[0].id, 2);
        store_close(open_store(path)); /* once */
        ck_assert_int_eq(fixture_number(path, "SELECT count(*) FROM audit"), 2);
        change(db, "UPDATE pulse SET outcome = 'done'");
        ck_assert_int_eq(verify(db, NULL).findings, 1);
        sqlite3_close(db);
}
END_TEST

START_TEST(what_comes_late_is_closed_again)
{
        const char *path = fixture_path("a.db");
        struct store *s = open_store(path);
        sqlite3 *db;

        post_run(s, 1);
        fixture_await_records(s, 33);
        fixture_post(s, fixture_event(1, T0 + 99, "late"));
        fixture_await_records(s, 34);
        post_piece(s, TAPE_GAP, 1, 30);
        store_close(s);
        ck_assert_int_ge(fixture_number(path, "SELECT count(*) FROM audit WHERE command = 'run-ended'"), 2);
        db = fixture_intrude(path, "SELECT 1");
        ck_assert_msg(verify(db, NULL).findings == 0, "%s", found_first);
        ck_assert_int_eq(verify(db, NULL).sealed, 1);
        change(db, "DELETE FROM event WHERE text = 'late'");
        ck_assert_int_eq(verify(db, NULL).findings, 1);
        sqlite3_close(db);
}
END_TEST

/* ---- random tampers ---- */

static const char *const audit_columns[] = {"id", "t_us", "uid", "pid", "user", "role", "command",
    "arguments", "state_before", "state_after", "result", "prev_sha256", "sha256"};
enum { AUDIT_COLUMNS = sizeof audit_columns / sizeof audit_columns[0] };

static int64_t below(struct random *r, int64_t n)
{
        return random_below(r, n);
}

/* A value other than `column` has: one byte or digit else, longer, shorter, or of another type. */
static void add_other_value(struct random *r, char *to, size_t cap, const char *column)
{
        switch (below(r, 9)) {
        case 0:
                snprintf(to, cap, "NULL");
                break;
        case 1:
                snprintf(to, cap, "CAST(%s AS BLOB)", column);
                break;
        case 2:
                snprintf(to, cap, "CAST(%s AS TEXT)", column);
                break;
        case 3:
                snprintf(to, cap, "CAST(%s AS INTEGER) + %lld", column, (long long)below(r, 3) - 1);
                break;
        case 4:
                snprintf(to, cap, "CAST(%s AS REAL)", column);
                break;
        case 5:
                snprintf(to, cap, "%s || char(%lld)", column, (long long)below(r, 128));
                break;
        case 6:
                snprintf(to, cap, "substr(%s, 1, max(length(%s) - 1, 0))", column, column);
                break;
        default: /* any byte of it */
                snprintf(to, cap,
                    "CAST(substr(CAST(%1$s AS BLOB), 1, %2$lld) || x'%3$02x' || substr(CAST(%1$s AS BLOB), "
                    "%2$lld + 2) AS TEXT)",
                    column, (long long)below(r, 70), (unsigned)below(r, 256));
                break;
        }
}

static void add_edit(struct random *r, char *sql, size_t cap)
{
        const char *column = audit_columns[below(r, AUDIT_COLUMNS)];
        char value[400];

        add_other_value(r, value, sizeof value, column);
        snprintf(sql, cap, "UPDATE OR REPLACE audit SET %s = %s WHERE id = %lld", column,
            strcmp(column, "id") == 0 ? "id + 1 + abs(random() % 40)" : value,
            (long long)below(r, RECORDS) + 1);
}

#define CONTENT "t_us, uid, pid, user, role, command, arguments, state_before, state_after, result"

static void add_insertion(struct random *r, char *sql, size_t cap)
{
        long long at = (long long)below(r, RECORDS + 1) + 1, from = (long long)below(r, RECORDS) + 1;

        /* Room at `at`, then a record like another one there, chained or not. */
        snprintf(sql, cap,
            "UPDATE audit SET id = -id WHERE id >= %lld; UPDATE audit SET id = 1 - id WHERE id < 0;"
            "INSERT INTO audit(id, " CONTENT ", prev_sha256, sha256) SELECT %lld, " CONTENT
            ", %s, sha256 FROM audit"
            " WHERE id = %lld",
            at, at, below(r, 2) == 0 ? "prev_sha256" : "(SELECT sha256 FROM audit ORDER BY id DESC LIMIT 1)",
            from < at ? from : from + 1);
}

static void add_swap(struct random *r, char *sql, size_t cap)
{
        long long a = (long long)below(r, RECORDS) + 1, b = (long long)below(r, RECORDS) + 1;
        const char *what = below(r, 2) == 0 ? CONTENT : CONTENT ", prev_sha256, sha256";

        if (below(r, 2) == 0)
                snprintf(sql, cap,
                    "UPDATE audit SET id = -1 WHERE id = %lld; UPDATE audit SET id = %lld WHERE id = %lld;"
                    "UPDATE audit SET id = %lld WHERE id = -1",
                    a, a, b, b);
        else
                snprintf(sql, cap,
                    "CREATE TEMP TABLE t AS SELECT * FROM audit WHERE id IN (%1$lld, %2$lld);"
                    "UPDATE audit SET (%3$s) = (SELECT %3$s FROM t WHERE t.id = %2$lld) WHERE id = %1$lld;"
                    "UPDATE audit SET (%3$s) = (SELECT %3$s FROM t WHERE t.id = %1$lld) WHERE id = %2$lld;"
                    "DROP TABLE temp.t",
                    a, b, what);
}

/* Of a kind that the seed chooses. */
static void add_tamper(struct random *r, char *sql, size_t cap)
{
        long long at = (long long)below(r, RECORDS) + 1;

        switch (below(r, 8)) {
        case 0:
                snprintf(sql, cap, "DELETE FROM audit WHERE id = %lld", at);
                break;
        case 1: /* and the ones behind it close the gap */
                snprintf(sql, cap,
                    "DELETE FROM audit WHERE id = %lld; UPDATE audit SET id = id - 1 WHERE id > %lld", at,
                    at);
                break;
        case 2:
                add_insertion(r, sql, cap);
                break;
        case 3:
                add_swap(r, sql, cap);
                break;
        case 4:
                snprintf(sql, cap,
                    "INSERT INTO audit SELECT %d, " CONTENT
                    ", prev_sha256, sha256 FROM audit WHERE id = %lld",
                    RECORDS + 1, at);
                break;
        default:
                add_edit(r, sql, cap);
                break;
        }
}

/* All of a table as text, types and all, as one digest. */
static void fingerprint(sqlite3 *db, const char *table, char hex[65])
{
        sqlite3_str *all = sqlite3_str_new(db);
        sqlite3_stmt *stmt;
        char sql[64];

        snprintf(sql, sizeof sql, "SELECT * FROM %s ORDER BY 1, 2, 3", table);
        ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
        while (sqlite3_step(stmt) == SQLITE_ROW)
                for (int i = 0; i < sqlite3_column_count(stmt); i++) {
                        sqlite3_str_appendf(all, "%d:", sqlite3_column_type(stmt, i));
                        const char *bytes = sqlite3_column_blob(stmt, i);
                        sqlite3_str_append(all, bytes == NULL ? "" : bytes, sqlite3_column_bytes(stmt, i));
                }
        sqlite3_finalize(stmt);
        digest_sha256(sqlite3_str_value(all), (size_t)sqlite3_str_length(all), hex);
        sqlite3_free(sqlite3_str_finish(all));
}

static int64_t tampers(int64_t otherwise)
{
        const char *told_by = getenv("ALD_TAMPERS");

        return told_by == NULL ? otherwise : strtoll(told_by, NULL, 10);
}

/* The tampered table is told from the true one by itself; then the verification must tell it too. */
static int64_t tamper(sqlite3 *db, const char *table, const char *sql, const struct audit_head *kept)
{
        char before[65], after[65];
        int64_t is_tampered;

        fingerprint(db, table, before);
        change(db, "SAVEPOINT s");
        change(db, sql);
        fingerprint(db, table, after);
        is_tampered = strcmp(before, after) != 0;
        ck_assert_msg((verify(db, kept).findings > 0) == is_tampered, "%s: %s", sql, found_first);
        change(db, "ROLLBACK TO s; RELEASE s");
        return is_tampered;
}

START_TEST(every_random_tamper_of_the_chain_is_found)
{
        const char *path = make_record();
        int64_t count = tampers(5000), done = 0;
        struct audit_head kept = {.id = RECORDS};
        sqlite3 *db = loose_copy(path);
        struct random r;
        char sql[2048];

        snprintf(kept.sha256, sizeof kept.sha256, "%s",
            fixture_text(path, "SELECT sha256 FROM audit WHERE id = 17"));
        r = random_split(6, 0);
        while (done < count) {
                add_tamper(&r, sql, sizeof sql);
                /* Of the last record's deletion only a head tells. */
                bool cuts = strncmp(sql, "DELETE FROM audit WHERE id = 17", 31) == 0;
                done += tamper(db, "audit", sql, cuts ? &kept : NULL);
        }
        ck_assert_int_eq(verify(db, &kept).findings, 0);
        printf("audit: %lld tampers of the chain, all found\n", (long long)done);
        sqlite3_close(db);
}
END_TEST

START_TEST(every_random_tamper_of_a_run_is_found)
{
        static const struct {
                const char *name, *key;
        } tables[] = {{"run", "id"}, {"cycle", "run_id"}, {"pulse", "run_id"}, {"event", "run_id"},
            {"input", "run_id"}};
        const char *path = make_record();
        int64_t count = tampers(5000) / 5, done = 0;
        sqlite3 *db = loose_copy(path);
        char sql[2048], value[400], column[64];
        struct random r;

        r = random_split(7, 0);
        while (done < count) {
                size_t t = (size_t)below(&r, sizeof tables / sizeof tables[0]);
                sqlite3_stmt *stmt;

                snprintf(sql, sizeof sql, "SELECT * FROM %s", tables[t].name);
                ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
                snprintf(column, sizeof column, "%s",
                    sqlite3_column_name(stmt, (int)below(&r, sqlite3_column_count(stmt))));
                sqlite3_finalize(stmt);
                add_other_value(&r, value, sizeof value, column);
                if (below(&r, 8) == 0)
                        snprintf(sql, sizeof sql,
                            "DELETE FROM %1$s WHERE rowid = (SELECT rowid FROM %1$s ORDER BY random() LIMIT "
                            "1)",
                            tables[t].name);
                else
                        snprintf(sql, sizeof sql,
                            "UPDATE %1$s SET %2$s = %3$s WHERE rowid = (SELECT rowid FROM %1$s WHERE rowid "
                            "%% %4$lld = 0"
                            " LIMIT 1)",
                            tables[t].name, column, value, (long long)below(&r, 9) + 1);
                done += tamper(db, tables[t].name, sql, NULL);
        }
        printf("audit: %lld tampers of runs, all found\n", (long long)done);
        sqlite3_close(db);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("audit");
        TCase *tc = tcase_create("chain");

        tcase_add_checked_fixture(tc, fixture_make, fixture_clean);
        tcase_set_timeout(tc, 600);
        tcase_add_test(tc, what_was_written_verifies);
        tcase_add_test(tc, heads_are_told);
        tcase_add_test(tc, findings_name_what_was_done);
        tcase_add_test(tc, a_later_schema_breaks_nothing);
        tcase_add_test(tc, a_chain_that_was_cut_is_found_against_a_head);
        tcase_add_test(tc, a_run_that_a_crash_left_open_is_closed);
        tcase_add_test(tc, what_comes_late_is_closed_again);
        tcase_add_test(tc, every_random_tamper_of_the_chain_is_found);
        tcase_add_test(tc, every_random_tamper_of_a_run_is_found);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
