/* Questions to the run database: answers, and every way in which it cannot be read. */
#include "unit/suite.h"
#include "unit/store_fixture.h"

#include "ald/core/event.h"  /* PULSE_DONE */
#include "ald/store/query.h" /* struct query */

#include <check.h>    /* the test framework */
#include <math.h>     /* isnan */
#include <stdio.h>    /* snprintf */
#include <string.h>   /* strstr */
#include <sys/stat.h> /* chmod */
#include <sys/wait.h> /* waitpid */
#include <unistd.h>   /* fork, setuid */

#define T0 FIXTURE_T0

static struct query *open_query(const char *db)
{
        char why[256] = "untouched";
        struct query *q = query_open(db, why, sizeof why);

        ck_assert_msg(q != NULL, "%s", why);
        return q;
}

static void refuses(const char *db, const char *cause)
{
        char why[256];

        ck_assert_ptr_null(query_open(db, why, sizeof why));
        ck_assert_ptr_nonnull(strstr(why, db));
        ck_assert_msg(strstr(why, cause) != NULL, "'%s' says nothing of '%s'", why, cause);
}

/* Three runs: 1 complete with two pulses, 2 without any, 3 under way with an open pulse. Eleven records. */
enum { RECORDS = 11 };
static void post_runs(struct store *s)
{
        struct record done = fixture_pulse(RECORD_PULSE_END, 1, 2, "coat[2]", 1);
        struct record metrics = fixture_pulse(RECORD_PULSE_METRICS, 1, 2, "coat[2]", 1);

        done.u.pulse.outcome = PULSE_DONE;
        done.u.pulse.opened_us = T0 + 2000050;
        done.u.pulse.width_us = 99980;
        done.u.pulse.open_acked_us = T0 + 2000350;
        done.u.pulse.closed_us = T0 + 2100030;
        done.u.pulse.close_acked_us = T0 + 2100330;
        done.u.pulse.is_device_timed = true;
        metrics.u.pulse.pressure_base = 2.25;
        metrics.u.pulse.pressure_area = 0.5;
        metrics.u.pulse.pressure_fit = 0.625;
        metrics.u.pulse.pressure_decay_us = 651000;
        fixture_post(s, fixture_run(RECORD_RUN_START, 1, T0, "Execute", ""));
        fixture_post(s, fixture_cycle(RECORD_CYCLE_START, 1, T0, 1));
        fixture_post(s, fixture_pulse(RECORD_PULSE_START, 1, 2, "coat[2]", 1));
        fixture_post(s, done);
        fixture_post(s, metrics);
        fixture_post(s, fixture_pulse(RECORD_PULSE_START, 1, 1, "coat[9]", 0));
        fixture_post(s, fixture_run(RECORD_RUN_END, 1, T0 + 60, "Complete", "fine"));
        fixture_post(s, fixture_run(RECORD_RUN_START, 2, T0 + 70, "Execute", ""));
        fixture_post(s, fixture_run(RECORD_RUN_END, 2, T0 + 80, "Aborted", "over-pressure"));
        fixture_post(s, fixture_run(RECORD_RUN_START, 3, T0 + 90, "Execute", ""));
        fixture_post(s, fixture_pulse(RECORD_PULSE_START, 3, 1, "coat[0]", 0));
        fixture_await_records(s, RECORDS);
}

struct runs {
        int count;
        struct query_run run[8];
};
static void take_run(void *ctx, const struct query_run *run)
{
        struct runs *runs = ctx;

        ck_assert_int_lt(runs->count, 8);
        runs->run[runs->count++] = *run;
}

struct pulses {
        int count;
        struct query_pulse pulse[8];
};
static void take_pulse(void *ctx, const struct query_pulse *pulse)
{
        struct pulses *pulses = ctx;

        ck_assert_int_lt(pulses->count, 8);
        pulses->pulse[pulses->count++] = *pulse;
}

START_TEST(runs_come_newest_first)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);
        struct query *q = open_query(db);
        struct runs all = {0}, two = {0}, before = {0}, none = {0};
        struct pulses recent = {0};

        ck_assert_int_eq(query_runs(q, 10, take_run, &all), 0);
        ck_assert_int_eq(all.count, 0);
        post_runs(s); /* the open reader sees what comes */
        ck_assert_int_eq(query_runs(q, 10, take_run, &all), 0);
        ck_assert_int_eq(query_runs(q, 2, take_run, &two), 0);
        ck_assert_int_eq(all.count, 3);
        ck_assert_int_eq(two.count, 2);
        ck_assert_int_eq(two.run[1].id, 2);
        ck_assert_int_eq(query_runs_before(q, 3, 10, take_run, &before), 0);
        ck_assert_int_eq(before.count, 2);
        ck_assert_int_eq(before.run[0].id, 2);
        ck_assert_int_eq(query_runs_before(q, 1, 10, take_run, &none), 0);
        ck_assert_int_eq(none.count, 0);
        ck_assert_int_eq(query_recent_pulses(q, 1, 1, take_pulse, &recent), 0);
        ck_assert_int_eq(recent.count, 1);
        ck_assert_int_eq(recent.pulse[0].cycle, 2);
        ck_assert_str_eq(recent.pulse[0].path, "coat[2]");
        ck_assert_int_eq(query_recent_pulses(q, 1, 9, take_pulse, &recent), 0);
        ck_assert_int_eq(recent.count, 3);
        ck_assert_str_eq(recent.pulse[2].path, "coat[9]");

        const struct query_run *first = &all.run[2], *last = &all.run[0];
        ck_assert_int_eq(last->id, 3);
        ck_assert_int_eq(last->ended_us, 0);
        ck_assert_int_eq(last->pulses, 1);
        ck_assert_str_eq(all.run[1].reason, "over-pressure");
        ck_assert_int_eq(first->id, 1);
        ck_assert_str_eq(first->recipe, "small");
        ck_assert_str_eq(first->state, "Complete");
        ck_assert_str_eq(first->reason, "fine");
        ck_assert_str_eq(first->user, "ada");
        ck_assert_int_eq(first->started_us, T0);
        ck_assert_int_eq(first->ended_us, T0 + 60);
        ck_assert_int_eq(first->cycles, 1);
        ck_assert_int_eq(first->pulses, 2);
        ck_assert_str_eq(first->recipe_sha256, fixture_recipe()->sha256);
        ck_assert_str_eq(first->tool_sha256, "bbbb");
        ck_assert_str_eq(first->version, "v1");
        query_close(q);
        store_close(s);
}
END_TEST

START_TEST(one_run_with_its_pulses)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);
        struct query_run run;
        struct pulses pulses = {0};

        post_runs(s);
        struct query *q = open_query(db);
        ck_assert_int_eq(query_run(q, 2, &run), 1);
        ck_assert_int_eq(run.id, 2);
        ck_assert_int_eq(query_run(q, 99, &run), 0);
        ck_assert_int_eq(query_pulses(q, 1, take_pulse, &pulses), 0);
        ck_assert_int_eq(pulses.count, 2); /* in order of planned opening, not of the path */
        const struct query_pulse *open = &pulses.pulse[0], *done = &pulses.pulse[1];
        ck_assert_str_eq(open->path, "coat[9]");
        ck_assert_str_eq(open->outcome, "open");
        ck_assert_str_eq(open->precursor, "nb");
        ck_assert_int_eq(open->planned_open_us, T0 + 1000000);
        ck_assert_int_eq(open->planned_width_us, 100000);
        ck_assert_int_eq(open->opened_us, -1);
        ck_assert_int_eq(open->width_us, -1);
        ck_assert(isnan(open->base) && isnan(open->peak) && isnan(open->area) && isnan(open->fit));
        ck_assert_int_eq(open->decay_us, -1);
        ck_assert_double_eq(done->fit, 0.625);
        ck_assert_int_eq(done->decay_us, 651000);
        ck_assert_str_eq(done->path, "coat[2]");
        ck_assert_str_eq(done->outcome, "done");
        ck_assert_int_eq(done->cycle, 2);
        ck_assert_int_eq(done->attempt, 1);
        ck_assert_int_eq(done->opened_us, T0 + 2000050);
        ck_assert_int_eq(done->width_us, 99980);
        ck_assert_int_eq(done->open_acked_us, T0 + 2000350);
        ck_assert_int_eq(done->closed_us, T0 + 2100030);
        ck_assert_int_eq(done->close_acked_us, T0 + 2100330);
        ck_assert_int_eq(open->closed_us, -1);
        ck_assert(done->is_device_timed && !open->is_device_timed);
        ck_assert_double_eq(done->base, 2.25);
        ck_assert(isnan(done->peak));
        ck_assert_double_eq(done->area, 0.5);
        pulses.count = 0;
        ck_assert_int_eq(query_all_pulses(q, take_pulse, &pulses), 0);
        ck_assert_int_eq(pulses.count, fixture_number(db, "SELECT count(*) FROM pulse"));
        query_close(q);
        store_close(s);
}
END_TEST

struct events {
        int count;
        struct query_event event[8];
};

static void take_event(void *ctx, const struct query_event *e)
{
        struct events *events = ctx;

        ck_assert_int_lt(events->count, 8);
        events->event[events->count++] = *e;
}

/* Notes, answers and what was amiss; not each state and output, and nothing of another run. */
START_TEST(what_a_run_told)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);
        struct record other = fixture_event(1, T0 + 30, "Idle -> Starting");
        struct record amiss = fixture_event(1, T0 + 20, "5.2 Torr");
        struct events events = {0};

        snprintf(other.u.event.kind, sizeof other.u.event.kind, "state");
        snprintf(amiss.u.event.kind, sizeof amiss.u.event.kind, "trip");
        amiss.u.event.severity = RECORD_TRIP;
        post_runs(s);
        fixture_post(s, fixture_event(1, T0 + 40, "tight"));
        fixture_post(s, fixture_event(2, T0 + 75, "of another run"));
        fixture_post(s, other);
        fixture_post(s, amiss);
        fixture_await_records(s, RECORDS + 4);
        struct query *q = open_query(db);
        ck_assert_int_eq(query_events(q, 1, take_event, &events), 0);
        ck_assert_int_eq(events.count, 2);
        ck_assert_str_eq(events.event[0].severity, "trip");
        ck_assert_str_eq(events.event[0].text, "5.2 Torr");
        ck_assert_str_eq(events.event[1].kind, "note");
        ck_assert_str_eq(events.event[1].text, "tight");
        ck_assert_int_eq(events.event[1].t_us, T0 + 40);
        query_close(q);
        store_close(s);
}
END_TEST

static void reads_three_runs(const char *db)
{
        struct query *q = open_query(db);
        struct runs all = {0};

        ck_assert_msg(query_runs(q, 10, take_run, &all) == 0, "%s", query_why(q));
        ck_assert_int_eq(all.count, 3);
        query_close(q);
}

/* A process that reads when asked, as somebody who may read the folder and its files but write nothing (root may write
 * everywhere). It is begun before the record's thread: a fork beside that thread may copy a lock of SQLite's that the thread
 * holds, and the copy is never released. */
struct reader {
        pid_t pid;
        int ask, told; /* a byte each way for each reading */
};

static struct reader begin_reader(const char *db)
{
        struct reader r;
        int ask[2], told[2];
        char byte;

        ck_assert(pipe(ask) == 0 && pipe(told) == 0);
        r = (struct reader){.pid = fork(), .ask = ask[1], .told = told[0]};
        ck_assert_int_ge(r.pid, 0);
        if (r.pid == 0) {
                close(ask[1]);
                close(told[0]);
                if (geteuid() == 0 && setuid(65534) != 0)
                        _exit(2);
                while (read(ask[0], &byte, 1) == 1) {
                        reads_three_runs(db);
                        if (write(told[1], &byte, 1) != 1)
                                _exit(3);
                }
                _exit(0);
        }
        close(ask[0]);
        close(told[1]);
        return r;
}

static void reads_without_permission(const struct reader *r)
{
        char byte = 0;

        ck_assert_int_eq(write(r->ask, &byte, 1), 1);
        ck_assert_int_eq(read(r->told, &byte, 1), 1);
}

static void end_reader(struct reader *r)
{
        int status;

        close(r->ask);
        close(r->told);
        ck_assert_int_eq(waitpid(r->pid, &status, 0), r->pid);
        ck_assert_int_eq(status, 0);
}

START_TEST(it_reads_while_the_daemon_runs_and_after)
{
        const char *db = fixture_path("a.db");
        struct reader other = begin_reader(db);
        struct store *s = fixture_open(db);

        post_runs(s);
        ck_assert_int_eq(chmod(fixture_path(""), 0755), 0);
        reads_three_runs(db);
        reads_without_permission(&other);
        store_close(s);
        ck_assert_int_eq(chmod(fixture_path(""), 0555), 0);
        reads_without_permission(&other);
        end_reader(&other);
        ck_assert_int_eq(chmod(fixture_path(""), 0755), 0);
        reads_three_runs(db);
}
END_TEST

START_TEST(it_reads_a_bare_copy_in_a_folder_that_cannot_be_written)
{
        const char *db = fixture_path("what?%#.db");
        struct reader other = begin_reader(db);
        struct store *s = fixture_open(db);

        post_runs(s);
        store_close(s);
        ck_assert_int_eq(unlink(fixture_path("what?%#.db-wal")), 0);
        ck_assert_int_eq(unlink(fixture_path("what?%#.db-shm")), 0);
        ck_assert_int_eq(chmod(fixture_path(""), 0555), 0);
        reads_without_permission(&other);
        end_reader(&other);
        ck_assert_int_eq(chmod(fixture_path(""), 0755), 0);
}
END_TEST

START_TEST(it_reads_what_a_killed_daemon_left)
{
        const char *db = fixture_path("a.db");
        struct reader other = begin_reader(db);
        pid_t child = fork();
        int status;

        if (child == 0) {
                post_runs(fixture_open(db));
                _exit(0);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
        ck_assert_int_eq(chmod(fixture_path(""), 0755), 0);
        reads_without_permission(&other);
        end_reader(&other);
        reads_three_runs(db);
}
END_TEST

START_TEST(what_is_no_run_database_is_refused)
{
        const char *db = fixture_path("a.db"), *foreign = fixture_path("foreign.db");
        FILE *f = fopen(fixture_path("garbage.db"), "w");

        fprintf(f, "%01000d", 7);
        fclose(f);
        refuses(fixture_path("none.db"), "No such file or directory");
        ck_assert_int_ne(access(fixture_path("none.db"), F_OK), 0); /* reading makes no file */
        refuses(fixture_path(""), "a folder");
        refuses(fixture_path("garbage.db"), "not an SQLite database");
        sqlite3_close(fixture_intrude(foreign, "CREATE TABLE run(id)"));
        refuses(foreign, "another program");
        store_close(fixture_open(db));
        sqlite3_close(fixture_intrude(db, "PRAGMA user_version = 9"));
        refuses(db, "newer version (schema 9");
        sqlite3_close(fixture_intrude(db, "PRAGMA user_version = 0"));
        refuses(db, "older version (schema 0 of 4)");
}
END_TEST

struct bases {
        int count;
        struct query_base base[4];
};
static void take_base(void *ctx, const struct query_base *b)
{
        struct bases *bases = ctx;

        ck_assert_int_lt(bases->count, 4);
        bases->base[bases->count++] = *b;
}

static struct record base_record(int64_t run, int64_t t_us, bool is_after, double pressure)
{
        struct record r = {.kind = RECORD_BASE, .wall_us = t_us, .run_id = run};

        r.u.base = (struct record_base){
            .is_after = is_after, .flow = 70, .pressure = pressure, .spread = NAN, .samples = 500};
        return r;
}

START_TEST(bases_before_and_after_the_pulses)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);
        struct bases of_run = {0}, all = {0};

        post_runs(s);
        fixture_post(s, base_record(1, T0 + 30, false, 2.3));
        fixture_post(s, base_record(1, T0 + 50, true, 2.325));
        fixture_post(s, base_record(3, T0 + 95, false, 2.5));
        fixture_await_records(s, RECORDS + 3);
        struct query *q = open_query(db);
        ck_assert_int_eq(query_bases(q, 1, take_base, &of_run), 0);
        ck_assert_int_eq(query_bases(q, 0, take_base, &all), 0);
        ck_assert_int_eq(of_run.count, 2);
        ck_assert_str_eq(of_run.base[0].moment, "before");
        ck_assert_str_eq(of_run.base[1].moment, "after");
        ck_assert_int_eq(of_run.base[0].t_us, T0 + 30);
        ck_assert_double_eq(of_run.base[0].flow, 70);
        ck_assert_double_eq(of_run.base[1].pressure, 2.325);
        ck_assert_double_nan(of_run.base[1].spread);
        ck_assert_int_eq(of_run.base[1].samples, 500);
        ck_assert_int_eq(all.count, 3);
        ck_assert_int_eq(all.base[2].run_id, 3);
        query_close(q);
        store_close(s);
}
END_TEST

START_TEST(a_question_without_end_is_given_up)
{
        const char *db = fixture_path("a.db");
        struct pulses pulses = {0};
        struct runs runs = {0};

        store_close(fixture_open(db));
        sqlite3_close(fixture_intrude(db,
            "DROP TABLE pulse; CREATE VIEW pulse AS"
            " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
            " SELECT count(*) AS cycle, 1 AS run_id, '' AS path, 1 AS attempt, '' AS outcome, '' AS "
            "precursor,"
            " 0 AS planned_open_us, 0 AS opened_us, 0 AS planned_width_us, 0 AS width_us, 0 AS pressure_base,"
            " 0 AS pressure_peak, 0 AS pressure_area, 0 AS open_acked_us, 0 AS closed_us, 0 AS "
            "close_acked_us, 0 AS device_timed, 0 AS pressure_fit, 0 AS pressure_decay_us FROM n"));
        struct query *q = open_query(db);
        query_set_limit(q, 100000);
        ck_assert_int_eq(query_pulses(q, 1, take_pulse, &pulses), -1);
        ck_assert_ptr_nonnull(strstr(query_why(q), "no answer within 0.1 s"));
        ck_assert_int_eq(query_runs(q, 1, take_run, &runs), 0); /* the next one has a time of its own */
        query_close(q);
}
END_TEST

/* Trap 9: whoever takes rows slowly, a pager or a terminal, must not keep the log from starting anew. */
static int rows_taken;
static void cut_log(void *db)
{
        sqlite3 *writer = fixture_intrude(db, "CREATE TABLE IF NOT EXISTS t(x); INSERT INTO t VALUES(1)");

        sqlite3_busy_timeout(writer, 0);
        ck_assert_int_eq(
            sqlite3_wal_checkpoint_v2(writer, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL), SQLITE_OK);
        sqlite3_close(writer);
        rows_taken++;
}

static void cut_at_run(void *db, const struct query_run *run)
{
        (void)run;
        cut_log(db);
}

static void cut_at_pulse(void *db, const struct query_pulse *pulse)
{
        (void)pulse;
        cut_log(db);
}

static void cut_at_event(void *db, const struct query_event *event)
{
        (void)event;
        cut_log(db);
}

START_TEST(a_slow_taker_of_rows_holds_nothing)
{
        char *db = (char *)(uintptr_t)fixture_path("a.db");
        struct store *s = fixture_open(db);

        post_runs(s);
        store_close(s);
        struct query *q = open_query(db);
        ck_assert_int_eq(query_runs(q, 10, cut_at_run, db), 0);
        ck_assert_int_eq(query_pulses(q, 1, cut_at_pulse, db), 0);
        ck_assert_int_eq(query_events_between(q, 0, INT64_MAX, cut_at_event, db), 0);
        ck_assert_int_ge(rows_taken, 3 + 2);
        query_close(q);
}
END_TEST

START_TEST(an_error_is_told)
{
        const char *db = fixture_path("a.db");
        struct query_run run;

        store_close(fixture_open(db));
        struct query *q = open_query(db);
        sqlite3_close(fixture_intrude(db, "DROP TABLE cycle"));
        ck_assert_int_eq(query_run(q, 1, &run), -1);
        ck_assert_ptr_nonnull(strstr(query_why(q), "no such table: cycle"));
        ck_assert_ptr_nonnull(strstr(query_why(q), db));
        query_close(q);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("query");
        TCase *tcase = tcase_create("query");

        tcase_set_timeout(tcase, 60);
        tcase_add_checked_fixture(tcase, fixture_make, fixture_clean);
        tcase_add_test(tcase, runs_come_newest_first);
        tcase_add_test(tcase, one_run_with_its_pulses);
        tcase_add_test(tcase, bases_before_and_after_the_pulses);
        tcase_add_test(tcase, what_a_run_told);
        tcase_add_test(tcase, it_reads_while_the_daemon_runs_and_after);
        tcase_add_test(tcase, it_reads_a_bare_copy_in_a_folder_that_cannot_be_written);
        tcase_add_test(tcase, it_reads_what_a_killed_daemon_left);
        tcase_add_test(tcase, what_is_no_run_database_is_refused);
        tcase_add_test(tcase, a_question_without_end_is_given_up);
        tcase_add_test(tcase, a_slow_taker_of_rows_holds_nothing);
        tcase_add_test(tcase, an_error_is_told);
        suite_add_tcase(suite, tcase);
        return suite_main(suite);
}
