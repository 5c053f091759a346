/* Questions about the pulses of a run, and the base pressure before and after them. */
#include "query_keep.h" /* struct query_keep */
#include "query_state.h"

static void get_pulse(sqlite3_stmt *stmt, struct query_pulse *p)
{
        *p = (struct query_pulse){
            .cycle = sqlite3_column_int64(stmt, 0),
            .attempt = sqlite3_column_int(stmt, 2),
            .planned_open_us = query_get_known(stmt, 5),
            .opened_us = query_get_known(stmt, 6),
            .planned_width_us = query_get_known(stmt, 7),
            .width_us = query_get_known(stmt, 8),
            .base = query_get_number(stmt, 9),
            .peak = query_get_number(stmt, 10),
            .area = query_get_number(stmt, 11),
            .open_acked_us = query_get_known(stmt, 12),
            .closed_us = query_get_known(stmt, 13),
            .close_acked_us = query_get_known(stmt, 14),
            .is_device_timed = sqlite3_column_int(stmt, 15) != 0,
            .fit = query_get_number(stmt, 16),
            .decay_us = query_get_known(stmt, 17),
        };
        query_get_text(stmt, 1, p->path, sizeof p->path);
        query_get_text(stmt, 3, p->outcome, sizeof p->outcome);
        query_get_text(stmt, 4, p->precursor, sizeof p->precursor);
}

#define PULSE_COLUMNS                                                                                        \
        "SELECT cycle, path, attempt, outcome, precursor, planned_open_us, opened_us, planned_width_us,"     \
        " width_us, pressure_base, pressure_peak, pressure_area, open_acked_us, closed_us, close_acked_us, " \
        "device_timed, pressure_fit, pressure_decay_us"                                                      \
        " FROM pulse "

static int list_pulses(
    struct query *q, sqlite3_stmt *stmt, void (*row)(void *ctx, const struct query_pulse *p), void *ctx)
{
        struct query_keep kept = {0};
        struct query_pulse pulse;
        int found;

        if (stmt == NULL)
                return -1;
        while ((found = query_next(q, stmt)) == 1) {
                get_pulse(stmt, &pulse);
                if (!query_keep_add(&kept, &pulse, sizeof pulse))
                        break;
        }
        sqlite3_finalize(stmt);
        for (size_t i = 0; i < kept.count; i++)
                row(ctx, (const struct query_pulse *)(const void *)kept.rows + i);
        query_keep_free(&kept);
        return found == 1 ? query_fail(q, "out of memory") : found;
}

int query_pulses(
    struct query *q, int64_t run_id, void (*row)(void *ctx, const struct query_pulse *p), void *ctx)
{
        return list_pulses(q,
            query_ask(
                q, PULSE_COLUMNS "WHERE run_id = ?1 ORDER BY planned_open_us, cycle, path, attempt", run_id),
            row, ctx);
}

int query_last_pulses(
    struct query *q, int64_t run_id, void (*row)(void *ctx, const struct query_pulse *p), void *ctx)
{
        return list_pulses(q,
            query_ask(q,
                PULSE_COLUMNS
                "WHERE run_id = ?1 AND cycle = (SELECT max(cycle) FROM pulse WHERE run_id = ?1)",
                run_id),
            row, ctx);
}

int query_recent_pulses(struct query *q, int64_t run_id, int limit,
    void (*row)(void *ctx, const struct query_pulse *p), void *ctx)
{
        sqlite3_stmt *stmt = query_ask(
            q, PULSE_COLUMNS "WHERE run_id = ?1 ORDER BY cycle DESC, planned_open_us DESC LIMIT ?2", run_id);

        if (stmt != NULL)
                sqlite3_bind_int(stmt, 2, limit);
        return list_pulses(q, stmt, row, ctx);
}

int query_all_pulses(struct query *q, void (*row)(void *ctx, const struct query_pulse *p), void *ctx)
{
        return list_pulses(q, query_ask(q, PULSE_COLUMNS "LIMIT ?1", INT64_MAX), row, ctx);
}

static void get_base(sqlite3_stmt *stmt, struct query_base *b)
{
        *b = (struct query_base){
            .run_id = sqlite3_column_int64(stmt, 0),
            .t_us = sqlite3_column_int64(stmt, 2),
            .flow = query_get_number(stmt, 3),
            .pressure = query_get_number(stmt, 4),
            .spread = query_get_number(stmt, 5),
            .samples = sqlite3_column_int64(stmt, 6),
        };
        query_get_text(stmt, 1, b->moment, sizeof b->moment);
}

int query_bases(
    struct query *q, int64_t run_id, void (*row)(void *ctx, const struct query_base *b), void *ctx)
{
        sqlite3_stmt *stmt = query_ask(q,
            "SELECT run_id, moment, t_us, flow, pressure, spread, samples FROM base"
            " WHERE ?1 = 0 OR run_id = ?1 ORDER BY run_id, moment = 'after'",
            run_id);
        struct query_base base;
        int found;

        if (stmt == NULL)
                return -1;
        while ((found = query_next(q, stmt)) == 1) {
                get_base(stmt, &base);
                row(ctx, &base);
        }
        sqlite3_finalize(stmt);
        return found;
}
