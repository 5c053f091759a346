/* Damaged, foreign and newer files: what is ours and damaged is found, moved aside and begun anew; what is not ours stays as it is. And
 * kill -9 at random instants. */
#include "unit/suite.h"
#include "unit/store_fixture.h"

#include "ald/store/walscan.h" /* walscan_is_damaged */
#include "ald/base/text.h"     /* text_init */
#include "unit/store_work.h"   /* struct work */

#include <check.h>    /* the test framework */
#include <fcntl.h>    /* open */
#include <glob.h>     /* glob */
#include <signal.h>   /* kill */
#include <stdio.h>    /* snprintf */
#include <stdlib.h>   /* rand_r */
#include <string.h>   /* strstr, memcmp */
#include <sys/mman.h> /* mmap */
#include <sys/stat.h> /* stat */
#include <sys/wait.h> /* waitpid */
#include <time.h>     /* nanosleep */
#include <unistd.h>   /* fork */

#define T0 FIXTURE_T0

/* ---- Files as bytes ---- */

struct bytes {
        size_t len;
        unsigned char *at;
};

static struct bytes read_bytes(const char *path)
{
        struct bytes b = {0};
        struct stat st;
        FILE *f = fopen(path, "rb");

        if (f == NULL)
                return b;
        ck_assert_int_eq(fstat(fileno(f), &st), 0);
        b.len = (size_t)st.st_size;
        b.at = malloc(b.len + 1);
        ck_assert_uint_eq(fread(b.at, 1, b.len, f), b.len);
        fclose(f);
        return b;
}

static void write_bytes(const char *path, struct bytes b)
{
        FILE *f = fopen(path, "wb");

        ck_assert_ptr_nonnull(f);
        ck_assert_uint_eq(fwrite(b.at, 1, b.len, f), b.len);
        fclose(f);
}

/* The one file that was moved aside (static), or NULL; never more than one. */
static const char *find_moved(const char *db)
{
        static char found[600];
        char pattern[600];
        glob_t all;

        snprintf(pattern, sizeof pattern, "%s.corrupt-*Z", db);
        if (glob(pattern, 0, NULL, &all) != 0)
                return NULL;
        ck_assert_uint_eq(all.gl_pathc, 1);
        snprintf(found, sizeof found, "%s", all.gl_pathv[0]);
        globfree(&all);
        return found;
}

static void remove_all(const char *db)
{
        char pattern[600];
        glob_t all;

        snprintf(pattern, sizeof pattern, "%s*", db);
        if (glob(pattern, 0, NULL, &all) != 0)
                return;
        for (size_t i = 0; i < all.gl_pathc; i++)
                unlink(all.gl_pathv[i]);
        globfree(&all);
}

static struct store *open_plain(const char *db)
{
        struct store_config config = fixture_config(db);

        config.ballast_bytes = -1;
        return store_open(&config);
}

/* ---- Found at open ---- */

static void spoil_table(const char *db, const char *table)
{
        char sql[128];
        unsigned char junk[4096];

        snprintf(sql, sizeof sql, "SELECT max(pageno) FROM dbstat WHERE name = '%s'", table);
        int64_t page = fixture_number(db, sql);
        int fd = open(db, O_RDWR);
        memset(junk, 0xa5, sizeof junk);
        ck_assert_int_eq(pwrite(fd, junk, sizeof junk, (off_t)(page - 1) * 4096), sizeof junk);
        close(fd);
}

static void make_run(struct store *s, struct work *w)
{
        fixture_post(s, fixture_run(RECORD_RUN_START, 1, T0, "Execute", ""));
        work_events(s, w, 500);
        fixture_await_records(s, 501);
}

START_TEST(a_damaged_file_is_moved_aside)
{
        const char *db = fixture_path("a.db"), *moved;
        struct store *s = open_plain(db);
        struct work w = {0};
        char text[200];

        make_run(s, &w);
        store_close(s);
        spoil_table(db, "event");
        struct bytes before = read_bytes(db);

        s = open_plain(db);
        struct store_state state = work_state(s);
        ck_assert_msg(state.ok, "%s", state.why);
        moved = find_moved(db);
        ck_assert_ptr_nonnull(moved);
        struct bytes after = read_bytes(moved);
        ck_assert(before.len == after.len && memcmp(before.at, after.at, before.len) == 0);
        ck_assert_int_eq(state.notices, 1);
        ck_assert_ptr_nonnull(strstr(state.notice, db));
        ck_assert_ptr_nonnull(strstr(state.notice, "was damaged ("));
        ck_assert_ptr_nonnull(strstr(state.notice, moved + strlen(db)));
        /* No number of a run is used twice, and what was open before nobody can say. */
        ck_assert_int_eq(state.next_run_id, 2);
        ck_assert_int_eq(state.interrupted_run, 0);
        ck_assert(state.was_left_open);
        snprintf(
            text, sizeof text, "%s", fixture_text(db, "SELECT text FROM event WHERE severity = 'alarm'"));
        ck_assert_ptr_nonnull(strstr(text, moved + strlen(db)));
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM run"), 0);
        store_close(s);
        s = open_plain(db);
        ck_assert_int_eq(work_state(s).next_run_id, 2);
        ck_assert_int_eq(work_state(s).notices, 0);
        store_close(s);
        free(before.at);
        free(after.at);
}
END_TEST

/* ---- Found while it is written ---- */

/* The run that was under way has its beginning in the other file: nothing begins or goes on until it has ended. */
START_TEST(a_file_damaged_in_a_run_is_moved_aside)
{
        const char *db = fixture_path("a.db");
        struct store *s = open_plain(db);
        struct store_state state;
        struct work w = {0};

        make_run(s, &w);
        store_close(s);
        s = open_plain(db);
        fixture_post(s, fixture_run(RECORD_RUN_START, 2, T0, "Execute", ""));
        fixture_await_records(s, 1);
        sqlite3_close(
            fixture_intrude(db, "UPDATE tag SET name = name")); /* the writer trusts its memory no more */
        spoil_table(db, "audit");
        fixture_post(s, fixture_audit(T0, "hold", ""));
        fixture_await_ok(s, false);
        for (int i = 0; (state = work_state(s)).notices == 0; i++) {
                ck_assert_int_lt(i, 10000);
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
        ck_assert_ptr_nonnull(find_moved(db));
        fixture_post(s, fixture_event(2, T0, "what comes after"));
        fixture_await_records(s, 3);
        state = work_state(s);
        ck_assert(!state.ok);
        ck_assert_ptr_nonnull(strstr(state.why, "a new one is begun: stop run 2"));
        fixture_post(s, fixture_run(RECORD_RUN_END, 2, T0, "Stopped", ""));
        fixture_await_ok(s, true);
        fixture_post(s, fixture_run(RECORD_RUN_START, 3, T0, "Execute", ""));
        store_close(s);
        ck_assert_str_eq(fixture_text(db, "PRAGMA integrity_check"), "ok");
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM audit"), 1);
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM event WHERE text = 'what comes after'"), 1);
        ck_assert_str_eq(fixture_text(db, "SELECT group_concat(id) FROM run"), "3");
        ck_assert_int_eq(fixture_number(db, "SELECT run_id FROM event WHERE severity = 'alarm'"), 2);
}
END_TEST

/* ---- Flipped bits ---- */

enum verdict { SOUND, DAMAGED, FOREIGN };

/* By a connection of its own: is there anything that SQLite can find? */
static enum verdict judge(const char *db)
{
        sqlite3 *judge = NULL;
        sqlite3_stmt *stmt = NULL;
        enum verdict verdict = DAMAGED;
        bool is_read;

        ck_assert_int_eq(sqlite3_open_v2(db, &judge, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
        is_read = sqlite3_prepare_v2(judge,
                      "SELECT group_concat(user_version || application_id) FROM "
                      "pragma_user_version, pragma_application_id",
                      -1, &stmt, NULL) == SQLITE_OK &&
                  sqlite3_step(stmt) == SQLITE_ROW;
        bool is_other = is_read && strcmp((const char *)sqlite3_column_text(stmt, 0), "41095517266") != 0;
        sqlite3_finalize(stmt);
        if (sqlite3_prepare_v2(judge, "PRAGMA quick_check(1)", -1, &stmt, NULL) == SQLITE_OK &&
            sqlite3_step(stmt) == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0)
                verdict = SOUND;
        sqlite3_finalize(stmt);
        sqlite3_close(judge);
        return is_other ? FOREIGN : verdict;
}

/* Open it in a process of its own: its end is part of the test. */
static int open_in_child(const char *db)
{
        int status;
        pid_t child = fork();

        if (child == 0) {
                struct store *s = open_plain(db);
                struct store_state state = work_state(s);

                if (state.ok)
                        fixture_post(s, fixture_event(0, T0, "after"));
                else
                        fprintf(stderr, "%s\n", state.why);
                store_close(s);
                _exit(state.ok ? 10 + (state.notices > 0) : 20);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(WIFEXITED(status), "ended by signal %d", WTERMSIG(status));
        return WEXITSTATUS(status);
}

START_TEST(flipped_bits_in_the_file_are_found)
{
        char db[512];
        int count = work_count("ALD_FLIPS", 60), found[3] = {0}, left = 0, unseen = 0;
        struct work w = {0};
        unsigned seed = 7;

        snprintf(db, sizeof db, "%s", fixture_path("a.db"));
        struct store *s = open_plain(db);

        make_run(s, &w);
        work_do(s, &w);
        store_close(s);
        struct bytes whole = read_bytes(db);
        for (int i = 0; i < count; i++) {
                /* Every third in the header and the schema, where little is needed to spoil all. */
                size_t place = (size_t)rand_r(&seed) % (i % 3 == 0 ? 200 : whole.len);
                unsigned char kept = whole.at[place];

                remove_all(db);
                whole.at[place] ^= (unsigned char)(1 + rand_r(&seed) % 255);
                write_bytes(db, whole);
                enum verdict verdict = judge(db);
                remove_all(db);
                write_bytes(db, whole);
                int end = open_in_child(db);
                const char *moved = find_moved(db);

                found[verdict]++;
                if (verdict == DAMAGED &&
                    moved == NULL) { /* then it must have been refused, and stay as it is */
                        struct bytes now = read_bytes(db);
                        ck_assert_msg(end == 20, "byte %zu: damaged, but opened (%d)", place, end);
                        ck_assert(now.len == whole.len && memcmp(now.at, whole.at, now.len) == 0);
                        free(now.at);
                        left++;
                } else if (verdict == FOREIGN) {
                        ck_assert_msg(end == 20 || end == 10, "byte %zu: %d", place, end);
                } else {
                        /* Also the text of the schema may be damaged, which only we look at. */
                        ck_assert_msg(end == (moved == NULL ? 10 : 11) && (moved != NULL || verdict == SOUND),
                            "byte %zu: verdict %d, end %d", place, verdict, end);
                        unseen += moved != NULL && verdict == SOUND;
                }
                ck_assert_str_eq(end == 20 ? "ok" : fixture_text(db, "PRAGMA quick_check"), "ok");
                whole.at[place] = kept;
        }
        ck_assert_int_gt(found[DAMAGED] - left, count / 10);
        printf("%d flips in the file: %d sound for SQLite, %d moved aside, %d refused and left, %d no longer "
               "ours\n",
            count, found[SOUND] - unseen, found[DAMAGED] - left + unseen, left, found[FOREIGN]);
        free(whole.at);
}
END_TEST

/* SQLite takes a damaged log for a torn one, without a word. The last two transactions can in truth not be told from torn ones. */
START_TEST(flipped_bits_in_the_log_are_found)
{
        enum { EVENTS = 40 };
        char db[512], log[520];
        int count = work_count("ALD_FLIPS", 60), moved = 0, unhurt = 0;
        struct work w = {0};
        unsigned seed = 11;

        snprintf(db, sizeof db, "%s", fixture_path("a.db"));
        snprintf(log, sizeof log, "%s-wal", db);
        struct store *s = open_plain(db);

        for (int i = 1; i <= EVENTS; i++) {
                work_events(s, &w, 1);
                fixture_await_records(s, i);
        }
        struct bytes whole = read_bytes(db), wal = read_bytes(log); /* as a crash would leave them */
        store_close(s);
        for (int i = 0; i < count; i++) {
                size_t place = (size_t)rand_r(&seed) % (i % 10 == 0 ? 32 : wal.len);
                unsigned char kept = wal.at[place];
                char path[600];

                remove_all(db);
                wal.at[place] ^= (unsigned char)(1 + rand_r(&seed) % 255);
                write_bytes(db, whole);
                write_bytes(log, wal);
                int end = open_in_child(db);
                ck_assert_msg(end == 10 || end == 11, "byte %zu: end %d", place, end);
                if (end == 10) {
                        int64_t events =
                            fixture_number(db, "SELECT count(*) FROM event WHERE text LIKE 'event%'");
                        ck_assert_msg(
                            events >= EVENTS - 2, "byte %zu: %lld of %d", place, (long long)events, EVENTS);
                        unhurt++;
                } else {
                        snprintf(path, sizeof path, "%s-wal", find_moved(db));
                        struct bytes now = read_bytes(path);
                        ck_assert(now.len == wal.len && memcmp(now.at, wal.at, now.len) == 0);
                        free(now.at);
                        moved++;
                }
                wal.at[place] = kept;
        }
        ck_assert_int_gt(moved, count / 2);
        printf(
            "%d flips in the log: %d moved aside, %d at its very end or behind it\n", count, moved, unhurt);
        free(whole.at);
        free(wal.at);
}
END_TEST

/* A log as any crash leaves it is not damaged. */
START_TEST(a_torn_log_is_not_damaged)
{
        const char *db = fixture_path("a.db"), *log = fixture_path("a.db-wal");
        struct store *s = open_plain(db);
        struct work w = {0};
        char why[100];
        struct text t;

        work_do(s, &w);
        struct bytes wal = read_bytes(log);
        ck_assert_uint_gt(wal.len, 20000);
        for (size_t len = 0; len <= wal.len; len += 512) {
                struct bytes torn = {.len = wal.len, .at = malloc(wal.len)};

                memcpy(torn.at, wal.at, wal.len);
                memset(torn.at + len, 0, wal.len - len);
                write_bytes(fixture_path("torn-wal"), torn);
                text_init(&t, why, sizeof why);
                ck_assert_msg(!walscan_is_damaged(fixture_path("torn"), &t), "torn at %zu: %s", len, why);
                free(torn.at);
        }
        store_close(s);
        free(wal.at);
}
END_TEST

/* ---- kill -9 ---- */

/* What the child says about itself, in memory that outlives it. */
struct said {
        volatile int64_t posted, safe; /* events taken; told as stored */
        volatile int64_t sampled_us, samples;
};

static void post_until_killed(const char *db, struct said *said)
{
        struct store *s = open_plain(db);
        int64_t begun_us = work_now_us();
        char text[32];

        for (int64_t n = 1;; n++) {
                int64_t at_us = work_now_us() - begun_us;
                struct record sample = fixture_sample(0, T0 + at_us, 1);

                snprintf(text, sizeof text, "event %lld", (long long)n);
                struct record event = fixture_event(0, T0 + at_us, text);
                said->samples += store_post(s, &sample);
                said->sampled_us = at_us;
                ck_assert(store_post(s, &event));
                said->posted = n;
                said->safe = work_state(s).records_stored;
                nanosleep(&(struct timespec){.tv_nsec = 300000}, NULL);
        }
}

static void kill_one(const char *db, struct said *said, unsigned *seed, int64_t *worst_us)
{
        /* Mostly in the thick of it; every fifth lives past the time at which samples are written. */
        int64_t life_us = rand_r(seed) % (rand_r(seed) % 5 == 0 ? 1600000 : 40000);
        int status;
        pid_t child;

        memset(said, 0, sizeof *said);
        child = fork();
        if (child == 0)
                post_until_killed(db, said);
        while (said->posted == 0)
                nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
        nanosleep(&(struct timespec){.tv_sec = life_us / 1000000, .tv_nsec = life_us % 1000000 * 1000}, NULL);
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

        struct store *s = open_plain(db);
        ck_assert_msg(
            work_state(s).ok && work_state(s).notices == 0, "%s%s", work_state(s).why, work_state(s).notice);
        store_close(s);
        ck_assert_str_eq(fixture_text(db, "PRAGMA integrity_check"), "ok");
        int64_t kept = fixture_number(db, "SELECT count(*) FROM event");
        ck_assert_int_ge(kept, said->safe);
        ck_assert_int_eq(
            fixture_number(db, "SELECT coalesce(max(CAST(substr(text, 7) AS INTEGER)), 0) FROM event"), kept);
        int64_t lost_us =
            said->sampled_us - (fixture_number(db, "SELECT coalesce(max(t_us), 0) FROM sample") == 0
                                       ? 0
                                       : fixture_number(db, "SELECT max(t_us) FROM sample") - T0);
        if (lost_us > *worst_us)
                *worst_us = lost_us;
}

START_TEST(killed_at_any_instant_it_keeps_all_that_it_acknowledged)
{
        int kills = work_count("ALD_KILLS", 40);
        unsigned seed = (unsigned)work_count("ALD_SEED", 1);
        int64_t worst_us = 0, events = 0;
        struct said *said =
            mmap(NULL, sizeof *said, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        ck_assert_ptr_ne(said, MAP_FAILED);
        for (int i = 0; i < kills; i++) {
                const char *db = fixture_path("a.db");

                remove_all(db);
                kill_one(db, said, &seed, &worst_us);
                events += said->safe;
        }
        /* 1 s, and what a commit takes on a busy machine. */
        ck_assert_int_lt(worst_us, 4000000);
        printf("%d kills: %lld events acknowledged, none lost; the longest loss of samples %.2f s\n", kills,
            (long long)events, (double)worst_us / 1e6);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("store damage");
        TCase *tcase = tcase_create("damage");

        tcase_set_timeout(tcase, 3600);
        tcase_add_checked_fixture(tcase, fixture_make, fixture_clean);
        tcase_add_test(tcase, a_damaged_file_is_moved_aside);
        tcase_add_test(tcase, a_file_damaged_in_a_run_is_moved_aside);
        tcase_add_test(tcase, flipped_bits_in_the_file_are_found);
        tcase_add_test(tcase, flipped_bits_in_the_log_are_found);
        tcase_add_test(tcase, a_torn_log_is_not_damaged);
        tcase_add_test(tcase, killed_at_any_instant_it_keeps_all_that_it_acknowledged);
        suite_add_tcase(suite, tcase);
        return suite_main(suite);
}
