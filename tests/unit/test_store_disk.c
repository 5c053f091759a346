/* The record on a disk that fails: each fault is injected at the system call (tests/fault/disk.h), or done to the file itself. What
 * must hold in each: the file is sound or moved aside, no record that was taken is lost, none is there twice, and stored + gaps =
 * produced (SAFETY L1, L2, L3). */
#include "unit/suite.h"
#include "unit/store_fixture.h"

#include "fault/disk.h"      /* fault_disk */
#include "unit/store_work.h" /* struct work */

#include <check.h>    /* the test framework */
#include <errno.h>    /* EIO */
#include <stdio.h>    /* snprintf */
#include <string.h>   /* strstr */
#include <sys/stat.h> /* stat */
#include <sys/wait.h> /* waitpid */
#include <time.h>     /* nanosleep */
#include <unistd.h>   /* fork */

#define T0 FIXTURE_T0

/* Before any thread begins. */
static void match_files(const char *db)
{
        if (strcmp(fault_disk->match, db) != 0)
                snprintf(fault_disk->match, sizeof fault_disk->match, "%s", db);
}

static struct store *open_disk(const char *db)
{
        match_files(db);
        struct store_config config = fixture_config(db);

        config.sha256 = work_digest;
        config.samples_max = 512;
        config.ballast_bytes = 1 << 20;
        config.wal_bytes_max = 200000;
        return store_open(&config);
}

/* Until the state's why holds `words` (10 s at most). */
static void await_why(struct store *s, const char *words)
{
        struct store_state state = work_state(s);

        for (int i = 0; strstr(state.why, words) == NULL; i++) {
                ck_assert_msg(i < 10000, "never '%s' but '%s'", words, state.why);
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
                state = work_state(s);
        }
}

/* ---- Every call in turn ---- */

static void heal(void)
{
        fault_disk->what = fault_disk->loses = fault_disk->is_full = fault_disk->sync_ms = 0;
        fault_disk->count = fault_disk->calls = 0;
}

static void fail_at(const char *db, int what, int after, int count, int error)
{
        heal();
        match_files(db);
        fault_disk->after = after;
        fault_disk->count = count;
        fault_disk->error = error;
        fault_disk->loses = error == EIO;
        fault_disk->what = what;
}

/* The calls of a workload from before the open until after the close. A store that could not be opened keeps nothing and says so;
 * the next one can. Returns how many calls there were. */
static int work_through(const char *db, int after, int count, int error)
{
        struct work w = {0};

        fail_at(db, FAULT_ALL, after, count, error);
        struct store *s = open_disk(db);
        struct store_state state = work_state(s);
        if (!state.ok && state.next_run_id == 1 && !store_post(s, &(struct record){.kind = RECORD_EVENT})) {
                ck_assert_ptr_nonnull(strstr(state.why, db));
                store_close(s);
                heal();
                s = open_disk(db);
                ck_assert_msg(work_state(s).ok, "%s", work_state(s).why);
        }
        work_do(s, &w);
        store_close(s);
        int calls = fault_disk->calls;
        heal();
        work_check(db, &w);
        s = open_disk(db);
        ck_assert_msg(work_state(s).ok, "%s", work_state(s).why);
        ck_assert_int_eq(work_state(s).notices, 0);
        work_do(s, &w);
        store_close(s);
        work_check(db, &w);
        return calls;
}

/* Each case mostly waits for its retry: many at a time, each a process. */
static void work_through_all(int count, int error, int step)
{
        enum { AT_ONCE = 24 };
        int calls = work_through(fixture_path("clean.db"), 0, 0, 0), running = 0, status, cases = 0;

        ck_assert_int_gt(calls, 60);
        for (int n = 0; n < calls || running > 0; n += step) {
                if (n < calls) {
                        pid_t child = fork();
                        if (child == 0) {
                                char name[32];
                                snprintf(name, sizeof name, "n%d.db", n);
                                work_through(fixture_path(name), n, count, error);
                                _exit(fault_disk->failed > 0 ? 0 : 3);
                        }
                        ck_assert_int_gt(child, 0);
                        running++;
                        cases++;
                }
                while (running >= AT_ONCE || (n + step >= calls && running > 0)) {
                        ck_assert_int_gt(wait(&status), 0);
                        ck_assert_msg(WIFEXITED(status), "a case ended with signal %d", WTERMSIG(status));
                        /* 3: this time there were fewer calls */
                        ck_assert_msg(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 3, "a case failed");
                        running--;
                }
        }
        printf("%d calls, each failed in turn, %d times\n", calls, count);
}

START_TEST(any_call_fails_once)
{
        work_through_all(1, EIO, work_count("ALD_FAULT_STEP", 1));
}
END_TEST

/* The attempts to mend it fail too. */
START_TEST(any_five_calls_fail)
{
        work_through_all(5, EIO, work_count("ALD_FAULT_STEP", 3));
}
END_TEST

START_TEST(any_call_finds_no_room)
{
        work_through_all(1, ENOSPC, work_count("ALD_FAULT_STEP", 2));
}
END_TEST

/* ---- Faults with an outcome of their own ---- */

/* A reader keeps the log from being copied as a whole: what a checkpoint copied in part is not synced. The sync that fails later
 * takes it away, and the next one says that all is well. */
START_TEST(a_failed_sync_is_not_believed)
{
        const char *db = fixture_path("a.db");
        struct work w = {0};
        struct store *s = open_disk(db);
        sqlite3 *reader;

        fail_at(db, FAULT_SYNC, 0, 0, EIO);
        work_events(s, &w, 500);
        fixture_await_records(s, 500);
        reader = fixture_intrude(db, "BEGIN; SELECT count(*) FROM event");
        for (int i = 0; i < 40;
             i++) { /* the log passes its limit: checkpoints that come as far as the reader */
                work_events(s, &w, 20);
                fixture_await_records(s, w.events);
        }
        fault_disk->calls = 0;
        fault_disk->count = 3;
        sqlite3_close(reader);
        fixture_await_ok(s, false);
        ck_assert_ptr_nonnull(strstr(work_state(s).why, "records wait in memory"));
        fixture_await_ok(s, true);
        ck_assert_int_eq(fault_disk->failed, 3);
        work_events(s, &w, 20);
        store_close(s);
        heal();
        work_check(db, &w);
}
END_TEST

/* Full for as long as it takes: the ballast carries the records, samples wait and then become gaps. */
START_TEST(a_full_disk_is_outlived_on_the_ballast)
{
        const char *db = fixture_path("a.db");
        struct work w = {0};
        struct store *s = open_disk(db);
        struct store_state state;
        struct stat st;

        ck_assert_int_eq(stat(fixture_path("a.db-ballast"), &st), 0);
        ck_assert_int_ge((int64_t)st.st_blocks * 512, 1 << 20);
        match_files(db);
        fault_disk->room = 1 << 20;
        fault_disk->is_full = 1;
        work_events(s, &w, 3000);

        fixture_await_ok(s, false);
        await_why(s, "the disk is full: events go on into a reserve, samples wait: make room");
        ck_assert_int_ne(stat(fixture_path("a.db-ballast"), &st), 0);
        int64_t samples = work_state(s).stored;
        work_samples(s, &w, 2000);
        fixture_post(s, fixture_audit(T0, "hold", ""));
        w.audits++;
        work_events(s, &w, 500);
        fixture_await_records(s, 3501);
        state = work_state(s);
        ck_assert(!state.ok);
        ck_assert_int_eq(state.stored, samples); /* they yield */
        ck_assert_int_eq(state.dropped + (int64_t)state.queued, 2000);

        fault_disk->is_full = 0;
        fixture_await_ok(s, true);
        ck_assert_int_eq(stat(fixture_path("a.db-ballast"), &st), 0);
        work_samples(s, &w, 1);
        store_close(s);
        work_check(db, &w);
        ck_assert_int_gt(fixture_number(db, "SELECT count(*) FROM event WHERE kind = 'gap'"), 0);
}
END_TEST

/* The ballast is used up too: records wait in memory, and none is lost. */
START_TEST(a_used_up_ballast_loses_no_record)
{
        const char *db = fixture_path("a.db");
        struct work w = {0};
        struct store *s = open_disk(db);

        match_files(db);
        fault_disk->room = 20000;
        fault_disk->is_full = 1;
        work_events(s, &w, 2000);
        await_why(s, "its reserve too: records wait in memory: make room");
        fault_disk->is_full = 0;
        fixture_await_ok(s, true);
        store_close(s);
        work_check(db, &w);
}
END_TEST

START_TEST(a_disk_too_full_for_a_ballast_is_told_of)
{
        const char *db = fixture_path("a.db");
        struct work w = {0};

        match_files(db);
        fault_disk->is_full = 1;
        fault_disk->room = 1 << 30;
        struct store *s = open_disk(db);
        ck_assert(!work_state(s).ok);
        ck_assert_ptr_nonnull(strstr(work_state(s).why, "less than 2 MiB are free: make room"));
        work_events(s, &w, 10);
        fixture_await_records(s, 10);
        fault_disk->is_full = 0;
        fixture_await_ok(s, true);
        store_close(s);
        work_check(db, &w);
}
END_TEST

/* L4: 5 s in which the disk does nothing cost the control path nothing, and the record nothing. */
/* L1: events that never cease, on a disk that never catches up with them, leave room for the samples between them. */
START_TEST(a_stream_of_events_keeps_no_sample_waiting)
{
        enum { AHEAD = 3000, ENOUGH = 40000 };
        const char *db = fixture_path("a.db");
        struct store *s = open_disk(db);
        int64_t posted = 0;

        match_files(db);
        fault_disk->sync_ms = 20;
        fixture_post(s, fixture_sample(0, T0, 1));
        while (work_state(s).stored == 0) {
                ck_assert_int_lt(work_state(s).records_stored, ENOUGH);
                for (; posted < work_state(s).records_stored + AHEAD; posted++)
                        fixture_post(s, fixture_event(0, T0 + posted, "again"));
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
        fault_disk->sync_ms = 0;
        store_close(s);
}
END_TEST

START_TEST(a_slow_sync_loses_nothing)
{
        const char *db = fixture_path("a.db");
        struct work w = {0};
        struct store *s = open_disk(db);
        int64_t worst_us = 0, begun_us;

        match_files(db);
        fault_disk->sync_ms = 5000;
        work_events(s, &w, 1);
        begun_us = work_now_us();
        while (work_now_us() - begun_us < 4000000) {
                int64_t before_us = work_now_us();

                work_events(s, &w, 1);
                work_samples(s, &w, 1);
                if (work_now_us() - before_us > worst_us)
                        worst_us = work_now_us() - before_us;
                nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        }
        ck_assert_int_eq(work_state(s).records_stored, 0);
        ck_assert(work_state(s).ok);
        ck_assert_int_lt(worst_us, 1000000); /* a caller that waits for the disk waits for seconds */
        heal();
        store_close(s);
        work_check(db, &w);
        printf("slowest post beside a 5 s sync: %lld us\n", (long long)worst_us);
}
END_TEST

START_TEST(a_file_system_gone_read_only_is_waited_for)
{
        const char *db = fixture_path("a.db");
        struct work w = {0};
        struct store *s = open_disk(db);

        fail_at(db, FAULT_ALL, 0, INT32_MAX, EROFS);
        work_events(s, &w, 10);
        fixture_await_ok(s, false);
        await_why(s, "the file system is read-only now: records wait in memory: mount it for writing");
        work_samples(s, &w, 300);
        work_events(s, &w, 10);
        heal();
        fixture_await_ok(s, true);
        work_do(s, &w);
        store_close(s);
        work_check(db, &w);
}
END_TEST

/* A stubborn reader: the log outgrows its limit, the operator hears of it, and when the reader goes it is cut. */
START_TEST(a_long_reader_is_told_of)
{
        const char *db = fixture_path("a.db");
        struct work w = {0};
        struct store *s = open_disk(db);
        struct store_state state;
        struct stat st;

        work_events(s, &w, 10);
        fixture_await_records(s, 10);
        sqlite3 *reader = fixture_intrude(db, "BEGIN; SELECT count(*) FROM event");
        for (int i = 0; (state = work_state(s)).notices == 0; i++) {
                ck_assert_int_lt(i, 1000);
                work_events(s, &w, 20);
                fixture_await_records(s, w.events);
        }
        ck_assert(state.ok);
        ck_assert_ptr_nonnull(strstr(state.notice, db));
        ck_assert_ptr_nonnull(strstr(state.notice, "end the program that reads the database for so long"));
        ck_assert_int_eq(stat(fixture_path("a.db-wal"), &st), 0);
        ck_assert_int_ge(st.st_size, 200000);
        ck_assert_int_eq(
            fixture_number(db, "SELECT count(*) FROM event WHERE kind = 'record' AND severity = 'alarm'"), 1);
        sqlite3_close(reader);
        for (int i = 0; (state = work_state(s)).notices == 1; i++) {
                ck_assert_int_lt(i, 10000);
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
        ck_assert_ptr_nonnull(strstr(state.notice, "short again"));
        ck_assert_int_eq(stat(fixture_path("a.db-wal"), &st), 0);
        ck_assert_int_lt(st.st_size, 200000);
        store_close(s);
        work_check(db, &w);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("store disk");
        TCase *tcase = tcase_create("disk");

        tcase_set_timeout(tcase, 600);
        tcase_add_checked_fixture(tcase, fixture_make, fixture_clean);
        tcase_add_test(tcase, any_call_fails_once);
        tcase_add_test(tcase, any_five_calls_fail);
        tcase_add_test(tcase, any_call_finds_no_room);
        tcase_add_test(tcase, a_failed_sync_is_not_believed);
        tcase_add_test(tcase, a_full_disk_is_outlived_on_the_ballast);
        tcase_add_test(tcase, a_used_up_ballast_loses_no_record);
        tcase_add_test(tcase, a_disk_too_full_for_a_ballast_is_told_of);
        tcase_add_test(tcase, a_slow_sync_loses_nothing);
        tcase_add_test(tcase, a_stream_of_events_keeps_no_sample_waiting);
        tcase_add_test(tcase, a_file_system_gone_read_only_is_waited_for);
        tcase_add_test(tcase, a_long_reader_is_told_of);
        suite_add_tcase(suite, tcase);
        return suite_main(suite);
}
