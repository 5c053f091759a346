#include "ald/store/statement.h"

#include "ald/base/text.h" /* text_copy */

#include <assert.h> /* assert */
#include <string.h> /* strnlen */

#define PULSE_KEY "run_id, cycle, path, attempt"

/* Later records of a pulse or cycle complete its row; each also stands alone, should the first have been lost. */
static const char *const statements[STATEMENT_COUNT] = {
    [STATEMENT_RUN_START] =
        "INSERT INTO run(id, state, reason, operator, started_us, recipe, parameters, declared, recipe_text,"
        " recipe_sha256, tool_text, tool_sha256, version, resumes, resumes_cycle, resumes_path, "
        "resumes_attempt, audit_id, audit_sha256) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
        "?13, ?14, ?15,"
        " ?16, ?17, ?18, ?19)",
    [STATEMENT_RUN_STATE] = "UPDATE run SET state = ?2, reason = ?3 WHERE id = ?1",
    [STATEMENT_RUN_END] = "UPDATE run SET state = ?2, reason = ?3, ended_us = ?5, audit_id_ended = ?6,"
                          " audit_sha256_ended = ?7 WHERE id = ?1",
    [STATEMENT_CYCLE] = "INSERT INTO cycle(run_id, n, started_us, ended_us) VALUES(?1, ?2, ?3, ?4)"
                        " ON CONFLICT DO UPDATE SET started_us = coalesce(excluded.started_us, started_us),"
                        " ended_us = coalesce(excluded.ended_us, ended_us)",
    [STATEMENT_PULSE_START] =
        "INSERT INTO pulse(" PULSE_KEY ", outcome, precursor, planned_open_us, planned_width_us)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [STATEMENT_PULSE_END] =
        "INSERT INTO pulse(" PULSE_KEY
        ", outcome, precursor, planned_open_us, planned_width_us, opened_us, width_us, open_acked_us,"
        " closed_us, close_acked_us, device_timed)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?14, ?15, ?16, ?20) ON CONFLICT DO UPDATE SET"
        " outcome = excluded.outcome, opened_us = excluded.opened_us, width_us = excluded.width_us,"
        " open_acked_us = excluded.open_acked_us, closed_us = excluded.closed_us,"
        " close_acked_us = excluded.close_acked_us, device_timed = excluded.device_timed",
    [STATEMENT_PULSE_METRICS] =
        "INSERT INTO pulse(" PULSE_KEY
        ", outcome, precursor, planned_open_us, planned_width_us, pressure_base,"
        " pressure_peak, pressure_area, pressure_fit, pressure_decay_us)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?11, ?12, ?13, ?17, ?18) ON CONFLICT DO UPDATE SET"
        " pressure_base = excluded.pressure_base, pressure_peak = excluded.pressure_peak,"
        " pressure_area = excluded.pressure_area, pressure_fit = excluded.pressure_fit,"
        " pressure_decay_us = excluded.pressure_decay_us",
    [STATEMENT_BASE] = "INSERT INTO base(run_id, moment, t_us, flow, pressure, spread, samples)"
                       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [STATEMENT_EVENT] = "INSERT INTO event(t_us, run_id, kind, severity, source, text, data)"
                        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [STATEMENT_AUDIT] =
        "INSERT INTO audit(id, t_us, uid, pid, user, role, command, arguments, state_before, state_after, "
        "result,"
        " prev_sha256, sha256) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    [STATEMENT_SAMPLE] = "INSERT INTO sample(tag_id, t_us, value, quality) VALUES(?1, ?2, ?3, ?4)"
                         " ON CONFLICT DO NOTHING",
    [STATEMENT_COUNTER] = "INSERT INTO counter(name, value) VALUES(?1, ?2)"
                          " ON CONFLICT DO UPDATE SET value = value + excluded.value",
    [STATEMENT_COUNTER_ZERO] =
        "UPDATE counter SET value = 0 WHERE name IN (?1 || '.actuations', ?1 || '.open_us')",
    [STATEMENT_OPENING_BEGIN] =
        "INSERT INTO opening(valve, precursor, since_us, planned_us) VALUES(?1, ?2, ?3, ?4)"
        " ON CONFLICT DO UPDATE SET precursor = excluded.precursor,"
        " since_us = excluded.since_us, planned_us = excluded.planned_us",
    [STATEMENT_OPENING_END] = "DELETE FROM opening WHERE valve = ?1",
    [STATEMENT_OPENING_ANEW] = "UPDATE opening SET since_us = ?2 WHERE valve = ?1 AND planned_us IS NULL",
    [STATEMENT_BOTTLE_USED] =
        "UPDATE bottle SET pulses = pulses + 1, open_us = open_us + ?2, used_umol = used_umol + ?3,"
        " unreckoned = unreckoned + ?4 WHERE precursor = ?1 AND until_us IS NULL",
    [STATEMENT_BOTTLE_END] = "UPDATE bottle SET until_us = ?2 WHERE precursor = ?1 AND until_us IS NULL",
    [STATEMENT_BOTTLE_BEGIN] =
        "INSERT INTO bottle(precursor, lot, content_g, since_us, molar_mass, warn_g, pulses_limit, pulses,"
        " open_us, used_umol, unreckoned) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 0, 0)",
    [STATEMENT_INPUT] = "INSERT INTO input(run_id, n, t_us, kind, payload) VALUES(?1, ?2, ?3, ?4, ?5)",
    [STATEMENT_BATCH] = "UPDATE batch SET n = n + 1",
};

int statement_failed(struct statements *s, int rc)
{
        text_copy(s->error, sizeof s->error, sqlite3_errmsg(s->db));
        return rc;
}

int statement_run_text(struct statements *s, const char *sql)
{
        int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

        return rc == SQLITE_OK ? rc : statement_failed(s, rc);
}

int statement_run(struct statements *s, sqlite3_stmt *stmt)
{
        int rc = sqlite3_step(stmt);

        assert(rc != SQLITE_ROW);
        if (rc == SQLITE_DONE)
                rc = SQLITE_OK;
        else
                statement_failed(s, rc);
        sqlite3_reset(stmt);
        sqlite3_clear_bindings(stmt);
        return rc;
}

int statement_prepare(struct statements *s, sqlite3 *db)
{
        s->db = db;
        for (int i = 0; i < STATEMENT_COUNT; i++) {
                int rc = sqlite3_prepare_v3(
                    db, statements[i], -1, SQLITE_PREPARE_PERSISTENT, &s->prepared[i], NULL);

                if (rc != SQLITE_OK)
                        return statement_failed(s, rc);
        }
        return SQLITE_OK;
}

void statement_finalize(struct statements *s)
{
        for (int i = 0; i < STATEMENT_COUNT; i++)
                sqlite3_finalize(s->prepared[i]);
}

void statement_bind_text(sqlite3_stmt *stmt, int at, const char *text, size_t max)
{
        sqlite3_bind_text(stmt, at, text, (int)strnlen(text, max), SQLITE_STATIC);
}

void statement_bind_known(sqlite3_stmt *stmt, int at, int64_t value)
{
        if (value >= 0)
                sqlite3_bind_int64(stmt, at, value);
}
