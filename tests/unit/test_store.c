/* The run database: what is posted is found again, whatever happens to the daemon, the disk or the file. */
#include "unit/suite.h"
#include "unit/store_fixture.h"

#include "ald/core/event.h" /* PULSE_DONE */

#include <check.h>        /* the test framework */
#include <fcntl.h>        /* open */
#include <math.h>         /* NAN */
#include <signal.h>       /* kill */
#include <stdio.h>        /* snprintf */
#include <stdlib.h>       /* rand_r */
#include <string.h>       /* strstr */
#include <sys/resource.h> /* setrlimit */
#include <sys/stat.h>     /* mkdir, stat */
#include <sys/wait.h>     /* waitpid */
#include <time.h>         /* nanosleep */
#include <unistd.h>       /* fork, pipe */

#define T0 FIXTURE_T0

/* ---- What is posted is found again ---- */

static int valve_of[] = {FIXTURE_NB_VALVE, FIXTURE_WATER_VALVE};

static void post_pulse(
    struct store *s, int64_t run, int64_t cycle, const char *path, int line, int64_t width_us)
{
        struct record end = fixture_pulse(RECORD_PULSE_END, run, cycle, path, line);
        struct record metrics = fixture_pulse(RECORD_PULSE_METRICS, run, cycle, path, line);

        fixture_post(s, fixture_pulse(RECORD_PULSE_START, run, cycle, path, line));
        end.u.pulse.outcome = PULSE_DONE;
        end.u.pulse.opened_us = end.u.pulse.planned_open_us + 40;
        end.u.pulse.width_us = width_us;
        end.u.pulse.open_acked_us = end.u.pulse.opened_us + 300;
        end.u.pulse.closed_us = end.u.pulse.opened_us + width_us;
        end.u.pulse.close_acked_us = end.u.pulse.closed_us + 400;
        fixture_post(s, end);
        metrics.u.pulse.pressure_base = 2.3;
        metrics.u.pulse.pressure_peak = 2.4;
        fixture_post(s, metrics);
        fixture_post(s, fixture_valve(RECORD_VALVE_ENDED, valve_of[line], line, width_us));
}

START_TEST(a_run_is_kept_whole)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);

        fixture_post(s, fixture_run(RECORD_RUN_START, 1, T0, "Execute", ""));
        fixture_post(s, fixture_cycle(RECORD_CYCLE_START, 1, T0 + 1, 1));
        post_pulse(s, 1, 1, "coat[0]", 0, 100040);
        post_pulse(s, 1, 1, "coat[2]", 1, 100050);
        fixture_post(s, fixture_cycle(RECORD_CYCLE_END, 1, T0 + 9, 1));
        fixture_post(s, fixture_pulse(RECORD_PULSE_START, 1, 2, "coat[0]", 0));
        fixture_post(s, fixture_event(1, T0 + 5, "it's \"here\""));
        fixture_post(s, fixture_event(0, T0 + 6, "outside"));
        fixture_post(s, fixture_audit(T0 + 7, "run", "small"));
        fixture_post(s, fixture_run(RECORD_RUN_STATE, 1, T0 + 8, "Held", "operator"));
        fixture_post(s, fixture_run(RECORD_RUN_END, 1, T0 + 99, "Complete", "done"));
        fixture_post(s, fixture_sample(FIXTURE_PRESSURE, T0 + 3, 2.25));
        fixture_post(s, fixture_sample(FIXTURE_PRESSURE, T0 + 4, NAN));
        store_close(s);

        ck_assert_str_eq(
            fixture_text(db,
                "SELECT format('%s %s %s %s %d %d %s %s %s', recipe, state, reason, operator, started_us,"
                " ended_us, tool_text, tool_sha256, version) FROM run"),
            "small Complete done ada 1795255200000000 1795255200000099 format: 1\ntool: t\n bbbb v1");
        ck_assert_str_eq(fixture_text(db, "SELECT recipe_text FROM run"), fixture_recipe()->text);
        ck_assert_str_eq(fixture_text(db, "SELECT recipe_sha256 FROM run"), fixture_recipe()->sha256);
        ck_assert_str_eq(fixture_text(db, "SELECT parameters ->> 'purge' FROM run"), "20 s \"\\\t");
        ck_assert_str_eq(fixture_text(db, "SELECT parameters ->> 'cycles' FROM run"), "2");
        ck_assert_str_eq(fixture_text(db, "SELECT declared FROM run"),
            "{\"powder_material\":\"NMC532\",\"powder_g\":1.0,"
            "\"growth_nm\":0.167,\"pressure_unit\":\"Torr\"}");
        ck_assert_str_eq(
            fixture_text(db, "SELECT group_concat(format('%d %d %d', n, started_us, ended_us)) FROM cycle"),
            "1 1795255200000001 1795255200000009");
        ck_assert_str_eq(
            fixture_text(db,
                "SELECT group_concat(format('%d %s %d %s %s %d %d %s', cycle, path, attempt, outcome,"
                " precursor, opened_us - planned_open_us, width_us, pressure_peak), '|') FROM pulse"),
            "1 coat[0] 1 done nb 40 100040 2.4|1 coat[2] 1 done water 40 100050 2.4|2 coat[0] 1 open nb 0 "
            "0 ");
        ck_assert_int_eq(
            fixture_number(db,
                "SELECT count(*) FROM pulse WHERE cycle = 2 AND opened_us IS NULL AND width_us IS NULL"
                " AND pressure_base IS NULL"),
            1);
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM pulse WHERE pressure_area IS NULL"), 3);
        ck_assert_str_eq(
            fixture_text(db,
                "SELECT group_concat(format('%d %d %d', open_acked_us - opened_us, closed_us - opened_us,"
                " close_acked_us - closed_us), '|') FROM pulse"),
            "300 100040 400|300 100050 400|0 0 0");
        ck_assert_int_eq(
            fixture_number(db, "SELECT count(*) FROM pulse WHERE cycle = 2 AND open_acked_us IS NULL"
                               " AND closed_us IS NULL AND close_acked_us IS NULL"),
            1);
        ck_assert_str_eq(
            fixture_text(db,
                "SELECT group_concat(format('%d %s %s %s %s', t_us, run_id, severity, source, text), '|')"
                " FROM event"),
            "1795255200000005 1 info test it's \"here\"|1795255200000006  info test outside");
        ck_assert_str_eq(
            fixture_text(db,
                "SELECT format('%d %d %d %s %s %s %s %s %s %s %s', t_us, uid, pid, user, role, command,"
                " arguments, state_before, state_after, result, sha256) FROM audit"),
            "1795255200000007 1000 4242 ada operator run small Idle Starting ok ");
        ck_assert_str_eq(
            fixture_text(db,
                "SELECT group_concat(format('%s %s %d %s %d', name, unit, t_us, value, quality), '|')"
                " FROM sample JOIN tag ON tag.id = tag_id"),
            "chamber.pressure Torr 1795255200000003 2.25 0|chamber.pressure Torr 1795255200000004  0");
        ck_assert_str_eq(fixture_text(db, "SELECT group_concat(format('%s=%d', name, value)) FROM counter"),
            "nb.valve.actuations=1,nb.valve.open_us=100040,water.valve.actuations=1,water.valve.open_us="
            "100050");
}
END_TEST

/* Version 1 knew nothing of answers: its rows stay, with NULL there, and new ones have them. */
START_TEST(an_older_file_is_brought_up_to_date)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);

        fixture_post(s, fixture_run(RECORD_RUN_START, 1, T0, "Execute", ""));
        post_pulse(s, 1, 1, "coat[0]", 0, 100040);
        store_close(s);
        sqlite3_close(fixture_intrude(db,
            "ALTER TABLE pulse DROP COLUMN open_acked_us; ALTER TABLE pulse DROP COLUMN closed_us;"
            "ALTER TABLE pulse DROP COLUMN close_acked_us;"
            "ALTER TABLE pulse DROP COLUMN device_timed; ALTER TABLE pulse DROP COLUMN pressure_decay_us;"
            "ALTER TABLE pulse DROP COLUMN pressure_fit;"
            "ALTER TABLE run DROP COLUMN resumes; ALTER TABLE run DROP COLUMN last_step;"
            "ALTER TABLE run DROP COLUMN resumes_cycle; ALTER TABLE run DROP COLUMN resumes_path;"
            "ALTER TABLE run DROP COLUMN resumes_attempt;"
            "ALTER TABLE run DROP COLUMN audit_id; ALTER TABLE run DROP COLUMN audit_sha256;"
            "ALTER TABLE run DROP COLUMN audit_id_ended; ALTER TABLE run DROP COLUMN audit_sha256_ended;"
            "DROP TABLE base; DROP TABLE batch; DROP TABLE opening; DROP TABLE bottle; DROP TABLE "
            "rollup_mark; DROP INDEX "
            "event_gap; DROP INDEX run_started_us;"
            "ALTER TABLE sample_rollup DROP COLUMN uncertain; ALTER TABLE sample_rollup DROP COLUMN bad;"
            "PRAGMA user_version = 1"));
        s = fixture_open(db);
        post_pulse(s, 1, 2, "coat[0]", 0, 100050);
        store_close(s);
        ck_assert_int_eq(fixture_number(db, "PRAGMA user_version"), 4);
        ck_assert_str_eq(
            fixture_text(db,
                "SELECT group_concat(format('%s %d %s', outcome, width_us, closed_us - opened_us), '|') FROM "
                "pulse"),
            "done 100040 |done 100050 100050");
}
END_TEST

START_TEST(the_contract_of_names_holds)
{
        static const char *const reads[] = {
            "SELECT id, recipe, state, reason, operator, started_us, ended_us, parameters, recipe_text, "
            "recipe_sha256,"
            " tool_text, tool_sha256, version, resumes, last_step, audit_id, audit_sha256, audit_id_ended,"
            " audit_sha256_ended, resumes_cycle, resumes_path, resumes_attempt FROM run",
            "SELECT run_id, n, started_us, ended_us FROM cycle",
            "SELECT run_id, cycle, path, attempt, outcome, precursor, planned_open_us, opened_us, "
            "planned_width_us,"
            " width_us, pressure_base, pressure_peak, pressure_area, open_acked_us, closed_us, "
            "close_acked_us,"
            " device_timed, pressure_decay_us, pressure_fit FROM pulse",
            "SELECT run_id, moment, t_us, flow, pressure, spread, samples FROM base",
            "SELECT tag_id, t_us, value, quality FROM sample",
            "SELECT id, name, unit FROM tag",
            "SELECT tag_id, period, t_us, min, max, mean, count, uncertain, bad FROM sample_rollup",
            "SELECT tag_id, period, t_us FROM rollup_mark",
            "SELECT run_id, n, t_us, kind, payload FROM input",
            "SELECT id, t_us, run_id, kind, severity, source, text, data FROM event",
            "SELECT id, t_us, uid, role, command, arguments, result, prev_sha256, sha256 FROM audit",
            "SELECT name, value FROM counter",
            "SELECT valve, precursor, since_us, planned_us FROM opening",
            "SELECT id, precursor, lot, content_g, since_us, until_us, pulses, open_us, used_umol, "
            "unreckoned,"
            " molar_mass, warn_g, pulses_limit FROM bottle",
        };
        const char *db = fixture_path("a.db");

        store_close(fixture_open(db));
        sqlite3 *reader = fixture_intrude(db, "SELECT 1");
        for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++)
                ck_assert_msg(sqlite3_exec(reader, reads[i], NULL, NULL, NULL) == SQLITE_OK, "%s: %s",
                    reads[i], sqlite3_errmsg(reader));
        sqlite3_close(reader);
        ck_assert_int_eq(
            fixture_number(db, "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND NOT strict"
                               " AND name NOT LIKE 'sqlite_%'"),
            0);
        ck_assert_str_eq(fixture_text(db, "PRAGMA journal_mode"), "wal");
        ck_assert_int_eq(fixture_number(db, "PRAGMA user_version"), 4);
        ck_assert_int_eq(fixture_number(db, "PRAGMA application_id"), 0x414C4452);
}
END_TEST

START_TEST(reopened_it_goes_on)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);
        struct store_config config = fixture_config(db);
        struct store_state state;
        struct tool other = *fixture_tool();

        store_get_state(s, &state);
        ck_assert_int_eq(state.next_run_id, 1);
        fixture_post(s, fixture_run(RECORD_RUN_START, 4, T0, "Execute", ""));
        fixture_post(s, fixture_run(RECORD_RUN_END, 4, T0 + 9, "Complete", ""));
        fixture_post(s, fixture_sample(FIXTURE_PRESSURE, T0, 1));
        post_pulse(s, 4, 1, "coat[0]", 0, 5);
        store_close(s);

        /* The tags in another order, the pressure in another unit. */
        other.tags[0] = fixture_tool()->tags[1];
        other.tags[1] = fixture_tool()->tags[0];
        other.tags[1].unit = unit_find("mTorr");
        other.lines[0].valve = 0;
        config.tool = &other;
        s = store_open(&config);
        store_get_state(s, &state);
        ck_assert(state.ok);
        ck_assert_int_eq(state.next_run_id, 5);
        ck_assert_int_eq(state.interrupted_run, 0);
        fixture_post(s, fixture_sample(0, T0, 0));
        fixture_post(s, fixture_sample(1, T0, 1000));
        valve_of[0] = 0;
        post_pulse(s, 4, 2, "coat[0]", 0, 7);
        store_close(s);
        ck_assert_str_eq(
            fixture_text(db,
                "SELECT group_concat(format('%d %s %s %s', tag.id, name, unit, value), '|') FROM tag"
                " LEFT JOIN sample ON tag_id = tag.id"),
            "1 chamber.pressure Torr 1.0|2 nb.valve  0.0|3 water.valve  |4 chamber.pressure mTorr 1000.0");
        ck_assert_int_eq(fixture_number(db, "SELECT value FROM counter WHERE name = 'nb.valve.open_us'"), 12);
}
END_TEST

START_TEST(samples_are_on_disk_within_two_seconds)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);
        const struct timespec moment = {.tv_nsec = 20000000};

        fixture_post(s, fixture_sample(FIXTURE_PRESSURE, T0, 1));
        for (int i = 0; i < 100 && fixture_number(db, "SELECT count(*) FROM sample") == 0; i++)
                nanosleep(&moment, NULL);
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM sample"), 1);
        store_close(s);
}
END_TEST

START_TEST(a_record_the_tables_refuse_does_not_block_the_others)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);

        fixture_post(s, fixture_run(RECORD_RUN_START, 1, T0, "Execute", "first"));
        fixture_post(s, fixture_run(RECORD_RUN_START, 1, T0 + 1, "Execute", "second"));
        fixture_post(s, fixture_run(RECORD_RUN_START, 2, T0 + 2, "Execute", "third"));
        fixture_await_records(s, 3);
        store_close(s);
        ck_assert_str_eq(fixture_text(db, "SELECT group_concat(id || reason) FROM run"), "1first,2third");
        ck_assert_str_eq(fixture_text(db, "SELECT kind || ' ' || severity || ' ' || text FROM event"),
            "gap alarm a record could not be kept: UNIQUE constraint failed: run.id");
}
END_TEST

START_TEST(a_second_sample_at_one_time_is_a_gap)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);
        struct store_state state;

        for (int i = 0; i < 3; i++)
                fixture_post(s, fixture_sample(FIXTURE_PRESSURE, T0, i));
        fixture_post(s, fixture_sample(FIXTURE_NB_VALVE, T0, 1));
        fixture_post(s, fixture_event(0, T0, "x"));
        do
                store_get_state(s, &state);
        while (state.queued > 0);
        ck_assert_int_eq(state.stored, 2);
        ck_assert_int_eq(state.dropped, 2);
        store_close(s);
        ck_assert_str_eq(fixture_text(db, "SELECT group_concat(value) FROM sample"), "0.0,1.0");
        ck_assert_str_eq(
            fixture_text(db,
                "SELECT source || ' ' || (data ->> 'count') || ' ' || (data ->> 'reason') FROM event"
                " WHERE kind = 'gap'"),
            "chamber.pressure 2 a second sample at the same time");
}
END_TEST

/* A digest good enough to see what it was given. */
static void weak_digest(const void *data, size_t len, char hex[65])
{
        uint64_t hash = 14695981039346656037u;

        for (size_t i = 0; i < len; i++)
                hash = (hash ^ ((const unsigned char *)data)[i]) * 1099511628211u;
        snprintf(hex, 65, "%016llx", (unsigned long long)hash);
}

START_TEST(audit_records_are_chained)
{
        const char *db = fixture_path("a.db");
        struct store_config config = fixture_config(db);
        const char *line = "[1,1795255200000000,1000,4242,\"ada\",\"operator\",\"run\",\"a\\\"b\\\\\\u0009\","
                           "\"Idle\",\"Starting\",\"ok\"]";
        char bytes[256], hex[65];

        config.sha256 = weak_digest;
        struct store *s = store_open(&config);
        fixture_post(s, fixture_audit(T0, "run", "a\"b\\\t"));
        fixture_post(s, fixture_audit(T0 + 1, "hold", ""));
        store_close(s);
        s = store_open(&config);
        fixture_post(s, fixture_audit(T0 + 2, "abort", ""));
        store_close(s);

        snprintf(bytes, sizeof bytes, "\n%s", line);
        weak_digest(bytes, strlen(bytes), hex);
        ck_assert_str_eq(fixture_text(db, "SELECT sha256 FROM audit WHERE id = 1"), hex);
        ck_assert_str_eq(fixture_text(db, "SELECT prev_sha256 FROM audit WHERE id = 1"), "");
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM audit a JOIN audit b ON b.id = a.id + 1"
                                            " AND b.prev_sha256 = a.sha256 AND a.sha256 <> b.sha256"),
            2);
}
END_TEST

/* ---- Crashes ---- */

/* A child that begins a run, tells when `n` records are safe, and dies without a word. */
static void die_in_run(const char *db)
{
        pid_t child = fork();
        int status;

        if (child == 0) {
                struct store *s = fixture_open(db);

                fixture_post(s, fixture_run(RECORD_RUN_START, 1, T0, "Execute", ""));
                fixture_post(s, fixture_cycle(RECORD_CYCLE_START, 1, T0 + 1000000, 1));
                post_pulse(s, 1, 1, "coat[0]", 0, 100000);
                fixture_post(s, fixture_pulse(RECORD_PULSE_START, 1, 1, "coat[2]", 1));
                fixture_post(s, fixture_event(1, T0 + 2000000, "last"));
                fixture_await_records(s, 7);
                _exit(0);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
}

START_TEST(a_run_that_a_crash_left_open_is_closed)
{
        const char *db = fixture_path("a.db");
        const char *reason =
            "daemon ended during the run (crash or power cut); last record at"
            " 2026-11-21T10:00:02.000000Z; last step: cycle 1, coat[2]: pulse water interrupted";
        struct store_state state;

        die_in_run(db);
        struct store *s = fixture_open(db);
        store_get_state(s, &state);
        ck_assert_int_eq(state.interrupted_run, 1);
        ck_assert_int_eq(state.next_run_id, 2);
        store_close(s);
        ck_assert_str_eq(fixture_text(db, "SELECT state FROM run"), "Aborted");
        ck_assert_str_eq(fixture_text(db, "SELECT reason FROM run"), reason);
        ck_assert_int_eq(fixture_number(db, "SELECT ended_us FROM run"), T0 + 2000000);
        ck_assert_str_eq(fixture_text(db, "SELECT group_concat(path || outcome) FROM pulse"),
            "coat[0]done,coat[2]interrupted");
        ck_assert_str_eq(
            fixture_text(db, "SELECT text FROM event WHERE kind = 'state' AND severity = 'alarm' AND"
                             " run_id = 1 AND source = 'store'"),
            reason);

        /* Once only. */
        s = fixture_open(db);
        store_get_state(s, &state);
        ck_assert_int_eq(state.interrupted_run, 0);
        store_close(s);
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM event WHERE kind = 'state'"), 1);
}
END_TEST

static bool was_left_open(const char *db, struct record *last)
{
        struct store_state state;
        struct store *s = fixture_open(db);

        store_get_state(s, &state);
        if (last != NULL)
                fixture_post(s, *last);
        store_close(s);
        return state.was_left_open;
}

/* V2: valves may have been open before, unless the record's last word is that all was purged. */
START_TEST(the_last_word_tells_whether_all_was_purged)
{
        const char *db = fixture_path("a.db");
        struct record purged = fixture_event(0, T0, "all"), other = purged;

        snprintf(purged.u.event.kind, sizeof purged.u.event.kind, "state");
        snprintf(purged.u.event.source, sizeof purged.u.event.source, "purged");
        ck_assert(!was_left_open(db, NULL)); /* a new record */
        ck_assert(!was_left_open(db, &other));
        ck_assert(was_left_open(db, &purged));
        ck_assert(!was_left_open(db, NULL));
        ck_assert(!was_left_open(db, &other));
        ck_assert(was_left_open(db, &purged));
        die_in_run(db);
        ck_assert(was_left_open(db, NULL));
        ck_assert(was_left_open(db, NULL));
}
END_TEST

/* Post without end, telling after each commit how many records are safe. */
static void post_until_killed(const char *db, int told)
{
        struct store *s = fixture_open(db);
        struct store_state state;
        int64_t safe = -1;

        fixture_post(s, fixture_run(RECORD_RUN_START, 1, T0, "Execute", ""));
        for (int64_t n = 1;; n++) {
                char text[32];

                snprintf(text, sizeof text, "%lld", (long long)n);
                struct record event = fixture_event(1, T0 + n, text), sample = fixture_sample(0, T0 + n, 1);
                while (!store_post(s, &event))
                        continue; /* faster than any disk: wait for room */
                (void)store_post(s, &sample);
                store_get_state(s, &state);
                if (state.records_stored != safe) {
                        safe = state.records_stored;
                        if (write(told, &safe, sizeof safe) != sizeof safe)
                                _exit(1);
                }
        }
}

START_TEST(killed_at_any_instant_it_keeps_what_it_acknowledged)
{
        const char *db = fixture_path("a.db");
        unsigned seed = (unsigned)_i + 1;
        struct timespec life = {.tv_nsec = (long)(rand_r(&seed) % 60000000)};
        int64_t safe = 0, next;
        int told[2];

        ck_assert_int_eq(pipe(told), 0);
        pid_t child = fork();
        if (child == 0)
                post_until_killed(db, told[1]);
        close(told[1]);
        ck_assert_int_eq(read(told[0], &safe, sizeof safe), sizeof safe); /* it lives */
        nanosleep(&life, NULL);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        while (read(told[0], &next, sizeof next) == sizeof next)
                safe = next;
        close(told[0]);

        struct store *s = fixture_open(db);
        store_close(s);
        ck_assert_str_eq(fixture_text(db, "PRAGMA integrity_check"), "ok");
        /* The run's row is the first record; the events that follow are numbered without a hole. Where the child outran
         * the disk and had to post again, the record tells of that too. */
        int64_t kept = fixture_number(db, "SELECT count(*) FROM event WHERE kind = 'note'");
        int64_t told_of = fixture_number(db, "SELECT count(*) FROM event WHERE source = 'record'");
        ck_assert_int_ge(kept + told_of + (safe > 0), safe);
        ck_assert_int_eq(fixture_number(db,
                             "SELECT coalesce(max(CAST(text AS INTEGER)), 0) FROM event WHERE kind = 'note'"),
            kept);
        if (safe > 0)
                ck_assert_str_eq(fixture_text(db, "SELECT state FROM run"), "Aborted");
}
END_TEST

/* ---- Files that cannot serve ---- */

static void write_file(const char *path, const char *bytes, size_t len)
{
        FILE *f = fopen(path, "wb");

        ck_assert_ptr_nonnull(f);
        ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
        fclose(f);
}

/* Not ok, the reason names path and cause, nothing is kept, and nothing is left lying beside it. */
static void refuses(const char *path, const char *cause)
{
        struct store_config config = fixture_config(path);
        struct store *s = store_open(&config);
        struct record event = fixture_event(0, T0, "x"), sample = fixture_sample(0, T0, 1);
        struct store_state state;
        char lock[600];

        ck_assert_ptr_nonnull(s);
        ck_assert(!store_post(s, &event));
        ck_assert(!store_post(s, &sample));
        store_get_state(s, &state);
        ck_assert(!state.ok);
        ck_assert_ptr_nonnull(strstr(state.why, path));
        ck_assert_msg(strstr(state.why, cause) != NULL, "'%s' says nothing of '%s'", state.why, cause);
        ck_assert_int_eq(state.dropped, 1);
        ck_assert_int_eq(state.records_lost, 1);
        store_close(s);
        snprintf(lock, sizeof lock, "%s-lock", path);
        ck_assert_int_ne(access(lock, F_OK), 0);
}

START_TEST(unusable_places_are_refused)
{
        ck_assert_int_eq(mkdir(fixture_path("folder"), 0777), 0);
        write_file(fixture_path("file"), "x", 1);
        refuses(fixture_path("folder"), "a folder, not a database");
        refuses(fixture_path("file/a.db"), "Not a directory");
        refuses(fixture_path("none/a.db"), "No such file or directory");
        ck_assert_int_eq(mkfifo(fixture_path("pipe"), 0666), 0);
        refuses(fixture_path("pipe"), "not a regular file");
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_refused)
{
        const char *db = fixture_path("a.db");
        pid_t child;
        int status;

        store_close(fixture_open(db));
        ck_assert_int_eq(chmod(db, 0444), 0);
        ck_assert_int_eq(chmod(fixture_path(""), 0777), 0);
        unlink(fixture_path("a.db-wal"));
        unlink(fixture_path("a.db-shm"));
        child = fork();
        if (child == 0) { /* permissions do not bind root */
                if (geteuid() == 0 && setuid(65534) != 0)
                        _exit(2);
                refuses(db, "read-only");
                _exit(0);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(files_of_others_are_refused_and_untouched)
{
        const char *foreign = fixture_path("foreign.db"), *newer = fixture_path("newer.db");
        const char *garbage = fixture_path("garbage.db"), *half = fixture_path("half.db");
        char bytes[8192];

        sqlite3_close(fixture_intrude(
            foreign, "CREATE TABLE t(x); PRAGMA application_id = 77; PRAGMA user_version = 1"));
        refuses(foreign, "another program (application_id 0x0000004d");
        ck_assert_str_eq(fixture_text(foreign, "PRAGMA journal_mode"), "delete");
        sqlite3_close(fixture_intrude(fixture_path("plain.db"), "CREATE TABLE run(x)"));
        refuses(fixture_path("plain.db"), "another program (application_id 0x00000000");

        store_close(fixture_open(newer));
        sqlite3_close(fixture_intrude(newer, "PRAGMA user_version = 5"));
        refuses(newer, "newer version (schema 5; this program knows up to 4)");

        memset(bytes, 'g', sizeof bytes);
        write_file(garbage, bytes, sizeof bytes);
        refuses(garbage, "not an SQLite database");
        write_file(half, "SQLite format 3", 16);
        refuses(half, "not an SQLite database");
}
END_TEST

START_TEST(an_empty_file_becomes_a_database)
{
        const char *db = fixture_path("a.db");

        write_file(db, "", 0);
        store_close(fixture_open(db));
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM run"), 0);
}
END_TEST

START_TEST(a_second_daemon_is_kept_away)
{
        const char *db = fixture_path("a.db");
        struct store *first = fixture_open(db);
        struct store_config config = fixture_config(db);
        struct store_state state;

        fixture_post(first, fixture_run(RECORD_RUN_START, 1, T0, "Execute", ""));
        fixture_await_records(first, 1);
        struct store *second = store_open(&config);
        store_get_state(second, &state);
        ck_assert(!state.ok);
        ck_assert_ptr_nonnull(strstr(state.why, "in use by another aldd"));
        store_close(second);
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM run WHERE ended_us IS NULL"), 1);
        store_close(first);
        store_close(fixture_open(db));
}
END_TEST

/* ---- A disk that does not keep up ---- */

static struct store *open_small(const char *db)
{
        struct store_config config = fixture_config(db);

        config.records_max = 64;
        config.samples_max = 512;
        return store_open(&config);
}

START_TEST(a_stalled_disk_costs_no_record_and_every_sample_is_accounted_for)
{
        enum { PRODUCED = 5000 };
        const char *db = fixture_path("a.db");
        struct store *s = open_small(db);
        struct store_state state;

        /* Another program holds the write lock: all the writer sees is a disk that does not take anything. */
        sqlite3 *other = fixture_intrude(db, "BEGIN IMMEDIATE");
        for (int i = 0; i < PRODUCED; i++) {
                struct record sample = fixture_sample(i % FIXTURE_TAGS, T0 + i, i);

                (void)store_post(s, &sample);
                if (i % 500 == 0)
                        fixture_post(s, fixture_event(0, T0 + i, "in the stall"));
        }
        fixture_await_ok(s, false);
        store_get_state(s, &state);
        ck_assert_ptr_nonnull(strstr(state.why, db));
        ck_assert_ptr_nonnull(strstr(state.why, "database is locked"));
        ck_assert_int_eq(state.stored, 0);
        ck_assert_int_eq(state.dropped + (int64_t)state.queued - 10, PRODUCED);

        ck_assert_int_eq(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(other);
        fixture_await_ok(s, true);
        fixture_await_records(s, 10);
        fixture_post(s, fixture_sample(0, T0 + PRODUCED, 1));
        store_close(s);

        int64_t stored = fixture_number(db, "SELECT count(*) FROM sample");
        int64_t gaps = fixture_number(db, "SELECT sum(data ->> 'count') FROM event WHERE kind = 'gap'");
        ck_assert_int_ge(stored, 512);
        ck_assert_int_eq(stored + gaps, PRODUCED + 1);
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM event WHERE kind = 'note'"), 10);
        /* For each tag the gap begins where its samples end. */
        ck_assert_int_eq(
            fixture_number(db, "SELECT count(*) FROM event JOIN tag ON tag.name = event.source"
                               " WHERE kind = 'gap' AND EXISTS (SELECT 1 FROM sample WHERE tag_id = tag.id"
                               " AND t_us BETWEEN data ->> 'first_us' AND data ->> 'last_us')"),
            0);
        ck_assert_int_eq(
            fixture_number(db, "SELECT count(DISTINCT source) FROM event WHERE kind = 'gap'"), FIXTURE_TAGS);
}
END_TEST

START_TEST(a_full_queue_of_records_is_an_error_and_told_of)
{
        static struct recipe other_recipe;
        static char other_text[] = "other";
        const char *db = fixture_path("a.db");
        struct store *s = open_small(db);
        struct record event = fixture_event(0, T0, "x"),
                      start = fixture_run(RECORD_RUN_START, 1, T0, "Execute", "");
        struct store_state state;

        sqlite3 *other = fixture_intrude(db, "BEGIN IMMEDIATE");
        for (int i = 0; i < 63; i++)
                fixture_post(s, event);
        fixture_post(s, start);
        store_get_state(s, &state);
        ck_assert(!state.ok); /* said before the first is lost */
        ck_assert_int_eq(state.records_lost, 0);
        for (int i = 0; i < 3; i++)
                ck_assert(!store_post(s, &event));
        other_recipe = *fixture_recipe();
        other_recipe.text = other_text;
        other_recipe.text_len = strlen(other_text);
        start.u.run.recipe = &other_recipe;
        ck_assert(!store_post(s, &start)); /* its copy of the recipe goes too */
        store_get_state(s, &state);
        ck_assert_int_eq(state.records_lost, 4);

        sqlite3_exec(other, "COMMIT", NULL, NULL, NULL);
        sqlite3_close(other);
        fixture_await_ok(s, true);
        start = fixture_run(RECORD_RUN_START, 2, T0, "Execute", "");
        fixture_post(s, start);
        store_close(s);
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM event WHERE kind = 'note'"), 63);
        ck_assert_ptr_nonnull(
            strstr(fixture_text(db, "SELECT text FROM event WHERE kind = 'gap'"), "4 records lost between "));
        ck_assert_int_eq(
            fixture_number(db, "SELECT count(*) FROM run WHERE recipe_text LIKE '%recipe: small%'"), 2);
}
END_TEST

START_TEST(a_full_disk_loses_nothing)
{
        enum { EVENTS = 2000, AUDITS = 100, SAMPLES = 2000 };
        const char *db = fixture_path("a.db");
        struct store_config config = fixture_config(db);
        struct rlimit limit, full;
        struct store_state state;

        config.sha256 = weak_digest;
        struct store *s = store_open(&config);
        fixture_post(s, fixture_audit(T0, "before", ""));
        fixture_await_records(s, 1);

        /* No file may grow beyond this: writes fail in the middle of transactions, as on a full disk. */
        signal(SIGXFSZ, SIG_IGN);
        ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
        full = limit;
        full.rlim_cur = 250000;
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &full), 0);
        for (int i = 0; i < SAMPLES; i++)
                fixture_post(s, fixture_sample(i % FIXTURE_TAGS, T0 + i, i));
        for (int i = 0; i < EVENTS; i++) {
                fixture_post(
                    s, fixture_event(0, T0 + i, "this row is to fill the disk, so it is a little longer"));
                if (i % (EVENTS / AUDITS) == 0)
                        fixture_post(s, fixture_audit(T0 + i, "during", ""));
        }
        fixture_await_ok(s, false);
        store_get_state(s, &state);
        ck_assert_int_lt(state.records_stored, 1 + EVENTS + AUDITS);
        ck_assert_ptr_nonnull(strstr(state.why, db));
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        fixture_await_ok(s, true);
        fixture_await_records(s, 1 + EVENTS + AUDITS);
        store_close(s);

        ck_assert_str_eq(fixture_text(db, "PRAGMA integrity_check"), "ok");
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM event"), EVENTS);
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM sample"), SAMPLES);
        ck_assert_int_eq(fixture_number(db, "SELECT count(*) FROM audit a JOIN audit b ON b.id = a.id + 1"
                                            " AND b.prev_sha256 = a.sha256"),
            AUDITS);
}
END_TEST

START_TEST(closing_gives_up_on_a_dead_disk)
{
        const char *db = fixture_path("a.db");
        struct store *s = open_small(db);
        struct timespec before, after;

        sqlite3 *other = fixture_intrude(db, "BEGIN IMMEDIATE");
        fixture_post(s, fixture_event(0, T0, "x"));
        clock_gettime(CLOCK_MONOTONIC, &before);
        store_close(s);
        clock_gettime(CLOCK_MONOTONIC, &after);
        ck_assert_int_lt(after.tv_sec - before.tv_sec, 8);
        sqlite3_close(other);
}
END_TEST

START_TEST(the_log_stays_short)
{
        const char *db = fixture_path("a.db");
        struct store *s = fixture_open(db);
        struct stat st;

        /* Each batch writes a few pages; without checkpoints the log would hold them all. */
        for (int64_t i = 1; i <= 1500; i++) {
                fixture_post(s,
                    fixture_event(0, T0 + i, "a text of some length, for a row that is worth a page or two"));
                fixture_await_records(s, i);
        }
        ck_assert_int_eq(stat(fixture_path("a.db-wal"), &st), 0);
        ck_assert_int_lt(st.st_size, 8 << 20);
        store_close(s);
        ck_assert_int_eq(stat(fixture_path("a.db-wal"), &st), 0);
        ck_assert_int_eq(st.st_size, 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("store");
        TCase *tcase = tcase_create("store");

        tcase_set_timeout(tcase, 120);
        tcase_add_checked_fixture(tcase, fixture_make, fixture_clean);
        tcase_add_test(tcase, a_run_is_kept_whole);
        tcase_add_test(tcase, the_contract_of_names_holds);
        tcase_add_test(tcase, an_older_file_is_brought_up_to_date);
        tcase_add_test(tcase, reopened_it_goes_on);
        tcase_add_test(tcase, samples_are_on_disk_within_two_seconds);
        tcase_add_test(tcase, a_record_the_tables_refuse_does_not_block_the_others);
        tcase_add_test(tcase, a_second_sample_at_one_time_is_a_gap);
        tcase_add_test(tcase, audit_records_are_chained);
        tcase_add_test(tcase, a_run_that_a_crash_left_open_is_closed);
        tcase_add_test(tcase, the_last_word_tells_whether_all_was_purged);
        tcase_add_loop_test(tcase, killed_at_any_instant_it_keeps_what_it_acknowledged, 0, 20);
        tcase_add_test(tcase, unusable_places_are_refused);
        tcase_add_test(tcase, a_file_that_cannot_be_written_is_refused);
        tcase_add_test(tcase, files_of_others_are_refused_and_untouched);
        tcase_add_test(tcase, an_empty_file_becomes_a_database);
        tcase_add_test(tcase, a_second_daemon_is_kept_away);
        tcase_add_test(tcase, a_stalled_disk_costs_no_record_and_every_sample_is_accounted_for);
        tcase_add_test(tcase, a_full_queue_of_records_is_an_error_and_told_of);
        tcase_add_test(tcase, a_full_disk_loses_nothing);
        tcase_add_test(tcase, closing_gives_up_on_a_dead_disk);
        tcase_add_test(tcase, the_log_stays_short);
        suite_add_tcase(suite, tcase);
        return suite_main(suite);
}
