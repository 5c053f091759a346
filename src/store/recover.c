#include "ald/store/recover.h"

#include "ald/base/text.h"    /* text_add */
#include "ald/base/time.h"    /* time_format_utc */
#include "ald/core/event.h"   /* pulse_outcome_name */
#include "ald/core/machine.h" /* machine_state_name */
#include "ald/core/record.h"  /* record_severity_name */

#include <assert.h> /* assert */

/* The last record of an open run: samples have no run, but nothing sampled after this run's daemon ended before now. */
static const char last_record[] =
    "SELECT max(run.started_us,"
    " coalesce((SELECT max(max(coalesce(started_us, 0), coalesce(ended_us, 0))) FROM cycle WHERE run_id = "
    "run.id), 0),"
    " coalesce((SELECT max(coalesce(opened_us + coalesce(width_us, 0), 0)) FROM pulse WHERE run_id = "
    "run.id), 0),"
    " coalesce((SELECT max(t_us) FROM event WHERE run_id = run.id), 0),"
    " coalesce((SELECT max((SELECT max(t_us) FROM sample WHERE tag_id = tag.id)) FROM tag), 0))"
    " FROM run WHERE id = ?1";

static bool step(sqlite3 *db, sqlite3_stmt *stmt, int expected, struct text *why)
{
        if (sqlite3_step(stmt) == expected)
                return true;
        text_add(why, "%s", sqlite3_errmsg(db));
        return false;
}

static bool find_last_record(sqlite3 *db, int64_t run, int64_t *last_us, struct text *why)
{
        sqlite3_stmt *stmt = NULL;

        sqlite3_prepare_v2(db, last_record, -1, &stmt, NULL);
        sqlite3_bind_int64(stmt, 1, run);
        bool ok = step(db, stmt, SQLITE_ROW, why);
        if (ok)
                *last_us = sqlite3_column_int64(stmt, 0);
        sqlite3_finalize(stmt);
        return ok;
}

/* The last step that is known to have begun: the phase that was told last, and the pulse behind which it is. A run that goes on
 * with another one begins behind that one's pulse. */
static const char last_step[] =
    "SELECT trim(coalesce((SELECT text FROM event WHERE run_id = ?1 AND kind = 'step' AND"
    " (text LIKE 'phase %' OR text LIKE 'goes on with run %') ORDER BY id DESC LIMIT 1), '') ||"
    " coalesce((SELECT ', cycle ' || cycle || ', ' || path || ': pulse ' || precursor ||"
    " iif(attempt > 1, ' (attempt ' || attempt || ')', '') || ' ' ||"
    " iif(outcome = ?6, ?7, outcome)"
    " FROM pulse WHERE run_id = ?1 ORDER BY cycle DESC, planned_open_us DESC, attempt DESC, path DESC LIMIT "
    "1), ''), ', "
    "')";

static void bind_outcomes(sqlite3_stmt *stmt)
{
        sqlite3_bind_text(stmt, 6, pulse_outcome_name(PULSE_PENDING), -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 7, pulse_outcome_name(PULSE_INTERRUPTED), -1, SQLITE_STATIC);
}

/* "" where nothing of it was recorded. */
static bool find_last_step(sqlite3 *db, int64_t run, char *out, size_t cap, struct text *why)
{
        sqlite3_stmt *stmt = NULL;

        sqlite3_prepare_v2(db, last_step, -1, &stmt, NULL);
        sqlite3_bind_int64(stmt, 1, run);
        bind_outcomes(stmt);
        bool ok = step(db, stmt, SQLITE_ROW, why);
        if (ok)
                text_copy(out, cap, (const char *)sqlite3_column_text(stmt, 0));
        sqlite3_finalize(stmt);
        return ok;
}

/* Each statement takes what it needs of: 1 run, 2 last record, 3 now, 4 reason, 5 state, 6 pulse outcome now, 7 pulse
 * outcome to be, 8 severity, 9 last step. */
static const char *const closing[] = {
    "UPDATE run SET state = ?5, reason = ?4, ended_us = ?2, last_step = ?9 WHERE id = ?1",
    "UPDATE pulse SET outcome = ?7 WHERE run_id = ?1 AND outcome = ?6",
    "INSERT INTO event(t_us, run_id, kind, severity, source, text) VALUES(?3, ?1, 'state', ?8, 'store', ?4)",
};

static bool close_with(sqlite3 *db, const char *sql, int64_t run, int64_t last_us, int64_t wall_us,
    const char *reason, const char *last, struct text *why)
{
        sqlite3_stmt *stmt = NULL;

        sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
        /* A parameter that this statement does not have is out of range: nothing is bound. */
        sqlite3_bind_int64(stmt, 1, run);
        sqlite3_bind_int64(stmt, 2, last_us);
        sqlite3_bind_int64(stmt, 3, wall_us);
        sqlite3_bind_text(stmt, 4, reason, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 5, machine_state_name(MACHINE_ABORTED), -1, SQLITE_STATIC);
        bind_outcomes(stmt);
        sqlite3_bind_text(stmt, 8, record_severity_name(RECORD_ALARM), -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 9, last, -1, SQLITE_STATIC);
        bool ok = step(db, stmt, SQLITE_DONE, why);
        sqlite3_finalize(stmt);
        return ok;
}

static bool close_run(sqlite3 *db, int64_t run, int64_t wall_us, struct text *why)
{
        char utc[TIME_UTC_CAP], reason[192], last[160];
        int64_t last_us = 0;
        struct text t;

        if (!find_last_record(db, run, &last_us, why) || !find_last_step(db, run, last, sizeof last, why))
                return false;
        time_format_utc(last_us, utc);
        text_init(&t, reason, sizeof reason);
        text_add(&t, "daemon ended during the run (crash or power cut); last record at %s", utc);
        if (last[0] != '\0')
                text_add(&t, "; last step: %s", last);
        for (size_t i = 0; i < sizeof closing / sizeof closing[0]; i++) {
                if (!close_with(db, closing[i], run, last_us, wall_us, reason, last, why))
                        return false;
        }
        return true;
}

static bool run_sql(sqlite3 *db, const char *sql, struct text *why)
{
        if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
                return true;
        text_add(why, "%s", sqlite3_errmsg(db));
        return false;
}

/* The lowest open run, 0 when there is none. */
static bool next_open(sqlite3 *db, int64_t *run, struct text *why)
{
        sqlite3_stmt *stmt = NULL;

        sqlite3_prepare_v2(
            db, "SELECT coalesce(min(id), 0) FROM run WHERE ended_us IS NULL", -1, &stmt, NULL);
        bool ok = step(db, stmt, SQLITE_ROW, why);
        if (ok)
                *run = sqlite3_column_int64(stmt, 0);
        sqlite3_finalize(stmt);
        return ok;
}

bool recover_runs(sqlite3 *db, int64_t wall_us, int64_t *interrupted_run, struct text *why)
{
        int64_t run = 0, last = 0;

        assert(db != NULL && interrupted_run != NULL);
        bool ok = run_sql(db, "BEGIN IMMEDIATE", why) && next_open(db, &run, why);
        while (ok && run != 0) {
                assert(run != last); /* each round closes one */
                last = run;
                ok = close_run(db, run, wall_us, why) && next_open(db, &run, why);
        }
        ok = ok && run_sql(db, "COMMIT", why);
        if (ok)
                *interrupted_run = last;
        else if (sqlite3_get_autocommit(db) == 0)
                sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        return ok;
}
