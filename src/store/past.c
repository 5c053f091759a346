#include "ald/store/past.h"

#include "ald/base/text.h"  /* text_add */
#include "ald/core/drift.h" /* drift_median, DRIFT_LEARNS */

#include <math.h>   /* fabs, NAN */
#include <stdint.h> /* int64_t */
#include <string.h> /* memcpy, memset */

/* The areas of one line, in order; and for each whether the one before is its neighbour. */
struct areas {
        int count;
        double area[DRIFT_LEARNS];
        bool follows[DRIFT_LEARNS];
};

static sqlite3_stmt *ask(sqlite3 *db, const char *sql, struct text *why)
{
        sqlite3_stmt *stmt = NULL;

        if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
                text_add(why, "%s", sqlite3_errmsg(db));
        return stmt;
}

/* 1: a row, 0: none, -1: *why. */
static int next(sqlite3 *db, sqlite3_stmt *stmt, struct text *why)
{
        int rc = sqlite3_step(stmt);

        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
                text_add(why, "%s", sqlite3_errmsg(db));
        return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? 0 : -1;
}

#define LAST_RUNS "(SELECT coalesce(max(id), 0) FROM run) - ?1"

/* The width that a line was pulsed with last, and the flow of that run. */
static int find_width(sqlite3 *db, const char *line, struct core_past_line *to, struct text *why)
{
        sqlite3_stmt *stmt = ask(db,
            "SELECT planned_width_us, (SELECT flow FROM base WHERE base.run_id = pulse.run_id AND moment = "
            "'before')"
            " FROM pulse WHERE run_id > " LAST_RUNS " AND precursor = ?2 AND outcome = 'done'"
            " AND pressure_fit IS NOT NULL ORDER BY run_id DESC, cycle DESC LIMIT 1",
            why);
        int found;

        if (stmt == NULL)
                return -1;
        sqlite3_bind_int(stmt, 1, PAST_RUNS);
        sqlite3_bind_text(stmt, 2, line, -1, SQLITE_STATIC);
        found = next(db, stmt, why);
        if (found == 1) {
                to->width_us = sqlite3_column_int64(stmt, 0);
                to->flow = sqlite3_column_type(stmt, 1) == SQLITE_NULL ? NAN : sqlite3_column_double(stmt, 1);
        }
        sqlite3_finalize(stmt);
        return found;
}

/* Runs at another flow are left out; of one whose flow is not known nothing speaks against it. */
static int read_areas(
    sqlite3 *db, const char *line, const struct core_past_line *of, struct areas *areas, struct text *why)
{
        sqlite3_stmt *stmt = ask(db,
            "SELECT pressure_fit, pulse.run_id FROM pulse"
            " LEFT JOIN base ON base.run_id = pulse.run_id AND moment = 'before'"
            " WHERE pulse.run_id > " LAST_RUNS
            " AND precursor = ?2 AND outcome = 'done' AND pressure_fit IS NOT "
            "NULL"
            " AND planned_width_us = ?3 AND (?4 IS NULL OR flow IS NULL OR abs(flow - ?4) <= 0.02 * ?4)"
            " ORDER BY pulse.run_id, cycle LIMIT ?5",
            why);
        int64_t run = -1;
        int found;

        if (stmt == NULL)
                return -1;
        sqlite3_bind_int(stmt, 1, PAST_RUNS);
        sqlite3_bind_text(stmt, 2, line, -1, SQLITE_STATIC);
        sqlite3_bind_int64(stmt, 3, of->width_us);
        sqlite3_bind_double(stmt, 4, of->flow); /* NaN is NULL */
        sqlite3_bind_int(stmt, 5, DRIFT_LEARNS);
        while ((found = next(db, stmt, why)) == 1) {
                areas->follows[areas->count] = sqlite3_column_int64(stmt, 1) == run;
                run = sqlite3_column_int64(stmt, 1);
                areas->area[areas->count++] = sqlite3_column_double(stmt, 0);
        }
        sqlite3_finalize(stmt);
        return found;
}

/* The mean of what lies within four standard deviations of the median. The deviation comes from neighbours, which a slow loss
 * does not pull apart: 1.4826 / sqrt(2) times the median of their differences. */
static void sum_up(const struct areas *areas, struct core_past_line *line)
{
        double middle, sorted[DRIFT_LEARNS], differences[DRIFT_LEARNS], sum = 0;
        int n = 0, taken = 0;

        for (int i = 1; i < areas->count; i++)
                if (areas->follows[i])
                        differences[n++] = fabs(areas->area[i] - areas->area[i - 1]);
        if (n < DRIFT_FIRST)
                return;
        memcpy(sorted, areas->area, (size_t)areas->count * sizeof sorted[0]);
        middle = drift_median(sorted, (size_t)areas->count);
        line->sigma = 1.0483 * drift_median(differences, (size_t)n);
        for (int i = 0; i < areas->count; i++) {
                if (fabs(areas->area[i] - middle) > 4 * line->sigma)
                        continue;
                sum += areas->area[i];
                taken++;
        }
        line->area = taken > 0 ? sum / taken : middle;
        line->count = taken;
}

static bool read_line(sqlite3 *db, const char *name, struct core_past_line *line, struct text *why)
{
        struct areas areas = {.count = 0};
        int found = find_width(db, name, line, why);

        if (found == 1)
                found = read_areas(db, name, line, &areas, why);
        if (areas.count > DRIFT_FIRST)
                sum_up(&areas, line);
        return found >= 0;
}

static bool read_bases(sqlite3 *db, struct core_past *past, struct text *why)
{
        sqlite3_stmt *stmt = ask(db,
            "SELECT flow, pressure FROM (SELECT run_id, flow, pressure FROM base WHERE moment = 'before'"
            " AND flow IS NOT NULL AND pressure IS NOT NULL ORDER BY run_id DESC LIMIT ?1) ORDER BY run_id",
            why);
        int found;

        if (stmt == NULL)
                return false;
        sqlite3_bind_int(stmt, 1, CORE_PAST_BASES);
        while ((found = next(db, stmt, why)) == 1)
                past->base[past->base_count++] =
                    (struct core_past_base){sqlite3_column_double(stmt, 0), sqlite3_column_double(stmt, 1)};
        sqlite3_finalize(stmt);
        return found == 0;
}

bool past_read(sqlite3 *db, const struct tool *tool, struct core_past *past, struct text *why)
{
        bool ok = true;

        memset(past, 0, sizeof *past);
        for (int i = 0; ok && i < tool->line_count; i++)
                ok = read_line(db, tool->lines[i].name, &past->line[i], why);
        return ok && read_bases(db, past, why);
}
