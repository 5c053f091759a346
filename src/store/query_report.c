#include "ald/store/query_report.h" /* own declarations */

#include "query_state.h" /* query_ask */

int query_report_run(struct query *q, int64_t run_id, struct query_report_run *out)
{
        sqlite3_stmt *stmt = query_ask(q,
            "SELECT audit_id, audit_id_ended, audit_sha256, audit_sha256_ended FROM run"
            " WHERE id = ?1",
            run_id);
        int found;

        if (stmt == NULL)
                return -1;
        found = query_next(q, stmt);
        if (found == 1) {
                *out = (struct query_report_run){
                    .audit_id = query_get_known(stmt, 0), .audit_id_ended = query_get_known(stmt, 1)};
                query_get_text(stmt, 2, out->audit_sha256, sizeof out->audit_sha256);
                query_get_text(stmt, 3, out->audit_sha256_ended, sizeof out->audit_sha256_ended);
        }
        sqlite3_finalize(stmt);
        return found;
}

int query_report_audits(struct query *q, int64_t from_us, int64_t to_us,
    void (*row)(void *ctx, const struct query_report_audit *a), void *ctx)
{
        sqlite3_stmt *stmt = query_ask(q,
            "SELECT id, t_us, user, role, command, arguments, result FROM audit WHERE t_us BETWEEN ?1 AND ?2"
            " ORDER BY id",
            from_us);
        int found;

        if (stmt == NULL)
                return -1;
        sqlite3_bind_int64(stmt, 2, to_us);
        while ((found = query_next(q, stmt)) == 1) {
                struct query_report_audit a = {
                    .id = sqlite3_column_int64(stmt, 0), .t_us = sqlite3_column_int64(stmt, 1)};

                query_get_text(stmt, 2, a.user, sizeof a.user);
                query_get_text(stmt, 3, a.role, sizeof a.role);
                query_get_text(stmt, 4, a.command, sizeof a.command);
                query_get_text(stmt, 5, a.arguments, sizeof a.arguments);
                query_get_text(stmt, 6, a.result, sizeof a.result);
                row(ctx, &a);
        }
        sqlite3_finalize(stmt);
        return found;
}

int query_report_states(
    struct query *q, int64_t run_id, void (*row)(void *ctx, const struct query_event *e), void *ctx)
{
        sqlite3_stmt *stmt = query_ask(q,
            "SELECT t_us, kind, severity, source, text FROM event WHERE run_id = ?1 AND"
            " (kind = 'state' OR (kind = 'step' AND text LIKE 'phase %')) ORDER BY t_us, id",
            run_id);
        int found;

        if (stmt == NULL)
                return -1;
        while ((found = query_next(q, stmt)) == 1) {
                struct query_event e = {.t_us = sqlite3_column_int64(stmt, 0)};

                query_get_text(stmt, 1, e.kind, sizeof e.kind);
                query_get_text(stmt, 2, e.severity, sizeof e.severity);
                query_get_text(stmt, 3, e.source, sizeof e.source);
                query_get_text(stmt, 4, e.text, sizeof e.text);
                row(ctx, &e);
        }
        sqlite3_finalize(stmt);
        return found;
}
