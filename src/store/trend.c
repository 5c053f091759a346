#include "ald/store/trend.h"

#include "query_state.h"

#include "ald/base/text.h"    /* text_copy */
#include "ald/core/event.h"   /* enum quality */
#include "ald/store/rollup.h" /* rollup_period_us, ROLLUP_SAMPLES */

#include <assert.h> /* assert */
#include <math.h>   /* isnan, NAN */

/* So many samples are read in well under 100 ms; with more of them, rollups stand for them. */
enum { SAMPLES_MAX = 60000 };

struct trend {
        struct query *q;
        int64_t tag_id, from_us, to_us, width_us;
        int64_t mark_us[ROLLUP_LEVELS]; /* samples before are rolled up; INT64_MIN: none */
        int64_t kept_us, runs_us;       /* samples before are gone: outside of runs, within them */
        int level;                      /* -1: sample by sample */

        sqlite3_stmt *gaps;
        int64_t gap_us, gap_count; /* the next one; gap_us INT64_MAX: no more */

        struct trend_point point; /* being put together */
        int64_t at;               /* its number */
        bool has_point;
        double sum;
        void (*row)(void *ctx, const struct trend_point *p);
        void *ctx;
};

/* ---- Putting points together ---- */

static void emit(struct trend *t)
{
        if (!t->has_point)
                return;
        if (t->point.count > 0)
                t->point.mean = t->sum / (double)t->point.count;
        t->has_point = false;
        t->row(t->ctx, &t->point);
}

static void merge(struct trend_point *to, const struct trend_point *p)
{
        bool has_samples = to->count + to->bad > 0;

        if (p->count + p->bad > 0 && (!has_samples || p->quality > to->quality))
                to->quality = p->quality;
        if (p->count > 0 && (to->count == 0 || p->min < to->min)) {
                to->min = p->min;
                to->min_us = p->min_us;
        }
        if (p->count > 0 && (to->count == 0 || p->max > to->max)) {
                to->max = p->max;
                to->max_us = p->max_us;
        }
        to->end_us = p->end_us;
        to->count += p->count;
        to->bad += p->bad;
        to->lost += p->lost;
}

static void add_point(struct trend *t, const struct trend_point *p)
{
        int64_t at = (p->t_us - t->from_us) / t->width_us;

        if (t->has_point && at != t->at)
                emit(t);
        if (!t->has_point) {
                t->point = *p;
                t->sum = 0;
        } else {
                merge(&t->point, p);
        }
        t->at = at;
        t->has_point = true;
        if (p->count > 0)
                t->sum += p->mean * (double)p->count;
}

static int next_gap(struct trend *t)
{
        int found = query_next(t->q, t->gaps);

        t->gap_us = found == 1 ? sqlite3_column_int64(t->gaps, 0) : INT64_MAX;
        t->gap_count = found == 1 ? sqlite3_column_int64(t->gaps, 1) : 0;
        return found;
}

/* Those up to until_us, each where it ends. */
static int add_gaps(struct trend *t, int64_t until_us)
{
        int found = 0;

        while (t->gap_us <= until_us && t->gap_us != INT64_MAX && found >= 0) {
                add_point(t, &(struct trend_point){.t_us = t->gap_us,
                                 .end_us = t->gap_us,
                                 .min_us = t->gap_us,
                                 .max_us = t->gap_us,
                                 .min = NAN,
                                 .max = NAN,
                                 .mean = NAN,
                                 .lost = t->gap_count,
                                 .quality = QUALITY_BAD});
                found = next_gap(t);
        }
        return found < 0 ? -1 : 0;
}

static struct trend_point get_sample(sqlite3_stmt *stmt)
{
        int64_t t_us = sqlite3_column_int64(stmt, 0);
        int quality = sqlite3_column_int(stmt, 2);
        bool is_number = quality != QUALITY_BAD && sqlite3_column_type(stmt, 1) != SQLITE_NULL;
        double value = is_number ? sqlite3_column_double(stmt, 1) : NAN;

        return (struct trend_point){.t_us = t_us,
            .end_us = t_us,
            .min = value,
            .max = value,
            .mean = value,
            .min_us = t_us,
            .max_us = t_us,
            .count = is_number,
            .bad = !is_number,
            .quality = is_number ? quality : QUALITY_BAD};
}

static struct trend_point get_rollup(sqlite3_stmt *stmt)
{
        int64_t t_us = sqlite3_column_int64(stmt, 0), count = sqlite3_column_int64(stmt, 4);
        bool is_number = count > 0;

        return (struct trend_point){.t_us = t_us,
            .end_us = t_us,
            .min = is_number ? sqlite3_column_double(stmt, 1) : NAN,
            .max = is_number ? sqlite3_column_double(stmt, 2) : NAN,
            .mean = is_number ? sqlite3_column_double(stmt, 3) : NAN,
            .min_us = t_us,
            .max_us = t_us,
            .count = count,
            .bad = sqlite3_column_int64(stmt, 5),
            .quality = sqlite3_column_int64(stmt, 5) > 0   ? QUALITY_BAD
                       : sqlite3_column_int64(stmt, 6) > 0 ? QUALITY_UNCERTAIN
                                                           : QUALITY_GOOD};
}

/* ---- Reading ---- */

static sqlite3_stmt *ask_window(struct trend *t, const char *sql, int64_t from_us, int64_t to_us)
{
        sqlite3_stmt *stmt = query_ask(t->q, sql, t->tag_id);

        if (stmt == NULL)
                return NULL;
        sqlite3_bind_int64(stmt, 2, from_us);
        sqlite3_bind_int64(stmt, 3, to_us);
        return stmt;
}

static int read_rows(struct trend *t, sqlite3_stmt *stmt, struct trend_point (*get)(sqlite3_stmt *stmt))
{
        int found = -1;

        while (stmt != NULL && (found = query_next(t->q, stmt)) == 1) {
                struct trend_point p = get(stmt);

                if (add_gaps(t, p.t_us) != 0) {
                        found = -1;
                        break;
                }
                add_point(t, &p);
        }
        sqlite3_finalize(stmt);
        return found;
}

#define SAMPLES_FROM  "FROM sample WHERE tag_id = ?1 AND t_us >= ?2 AND t_us < ?3"
#define SAMPLE_OF(by) "SELECT t_us, value, quality " SAMPLES_FROM " ORDER BY t_us " by
#define GAPS_FROM                                                                                            \
        "FROM event WHERE kind = 'gap' AND t_us >= ?2 AND t_us < ?3 AND json_extract(data, '$.tag_id') = ?1"

/* Coarse rollups as far as they go, finer ones behind them, samples at the end. */
static int read_all(struct trend *t)
{
        int64_t at_us = t->from_us;

        t->gaps = ask_window(t, "SELECT t_us, json_extract(data, '$.count') " GAPS_FROM " ORDER BY t_us",
            t->from_us, t->to_us);
        if (t->gaps == NULL || next_gap(t) < 0)
                return -1;
        for (int level = t->level; level >= 0; level--) {
                int64_t end_us = time_min(t->to_us, t->mark_us[level]);

                if (end_us <= at_us)
                        continue;
                sqlite3_stmt *stmt = ask_window(t,
                    "SELECT t_us, min, max, mean, count, bad, uncertain FROM sample_rollup"
                    " WHERE tag_id = ?1 AND t_us >= ?2 AND t_us < ?3 AND period = ?4 ORDER BY t_us",
                    at_us, end_us);
                if (stmt != NULL)
                        sqlite3_bind_int64(stmt, 4, rollup_period_us[level]);
                if (read_rows(t, stmt, get_rollup) != 0)
                        return -1;
                at_us = end_us;
        }
        if (at_us < t->to_us &&
            read_rows(t, ask_window(t, SAMPLE_OF("ASC"), at_us, t->to_us), get_sample) != 0)
                return -1;
        if (add_gaps(t, INT64_MAX - 1) != 0)
                return -1;
        emit(t);
        return 1;
}

/* ---- Choosing ---- */

/* One number of a statement; -1 on error. */
static int64_t ask_number(struct trend *t, sqlite3_stmt *stmt)
{
        int64_t n = -1;

        if (stmt != NULL && query_next(t->q, stmt) == 1)
                n = sqlite3_column_int64(stmt, 0);
        sqlite3_finalize(stmt);
        return n;
}

static bool read_marks(struct trend *t)
{
        sqlite3_stmt *stmt =
            query_ask(t->q, "SELECT period, t_us FROM rollup_mark WHERE tag_id = ?1", t->tag_id);
        int found = -1;

        for (int i = 0; i < ROLLUP_LEVELS; i++)
                t->mark_us[i] = INT64_MIN;
        t->kept_us = t->runs_us = INT64_MIN;
        while (stmt != NULL && (found = query_next(t->q, stmt)) == 1) {
                int64_t period = sqlite3_column_int64(stmt, 0), t_us = sqlite3_column_int64(stmt, 1);

                for (int i = 0; i < ROLLUP_LEVELS; i++)
                        if (rollup_period_us[i] == period)
                                t->mark_us[i] = t_us;
                if (period == ROLLUP_SAMPLES)
                        t->kept_us = t_us;
                if (period == ROLLUP_RUN_SAMPLES)
                        t->runs_us = t_us;
        }
        sqlite3_finalize(stmt);
        return found == 0;
}

/* Are the window's samples still there? Those of runs are kept longer. 1, 0 or -1. */
static int has_samples(struct trend *t)
{
        if (t->from_us >= t->kept_us)
                return 1;
        if (t->from_us < t->runs_us)
                return 0;
        return (int)ask_number(
            t, ask_window(t,
                   "SELECT EXISTS(SELECT 1 FROM run WHERE ?1 IS NOT NULL AND started_us <= ?2 AND"
                   " (ended_us IS NULL OR ended_us >= ?3))",
                   t->from_us, time_min(t->to_us, t->kept_us)));
}

/* Are there more samples than that? Told from few rows of rollups, give or take one at either end; 1, 0 or -1. */
static int has_more(struct trend *t, int64_t than)
{
        int level = ROLLUP_LEVELS - 1;

        while (level > 0 && rollup_period_us[level] > (t->to_us - t->from_us) / 16)
                level--;
        sqlite3_stmt *stmt = ask_window(t,
            "SELECT coalesce(sum(count + bad), 0) > ?5 FROM sample_rollup WHERE tag_id = ?1"
            " AND t_us >= ?2 AND t_us < ?3 AND period = ?4",
            t->from_us, t->to_us);
        if (stmt != NULL) {
                sqlite3_bind_int64(stmt, 4, rollup_period_us[level]);
                sqlite3_bind_int64(stmt, 5, than);
        }
        return (int)ask_number(t, stmt);
}

/* How many points there would be, had each sample one of its own; counted up to SAMPLES_MAX + 1. */
static int64_t count_samples(struct trend *t)
{
        int many = has_more(t, SAMPLES_MAX);

        if (many != 0)
                return many < 0 ? -1 : SAMPLES_MAX + 1;
        sqlite3_stmt *stmt =
            ask_window(t, "SELECT count(*) FROM (SELECT 1 " SAMPLES_FROM " LIMIT ?4)", t->from_us, t->to_us);
        int64_t gaps;

        if (stmt != NULL)
                sqlite3_bind_int64(stmt, 4, SAMPLES_MAX + 1);
        int64_t samples = ask_number(t, stmt);
        gaps = ask_number(t, ask_window(t, "SELECT count(*) " GAPS_FROM, t->from_us, t->to_us));
        return samples < 0 || gaps < 0 ? -1 : samples + gaps;
}

/* The points' width, a multiple of step_us. */
static void set_width(struct trend *t, int64_t step_us, int points)
{
        int64_t steps = (t->to_us - t->from_us + step_us - 1) / step_us;

        t->width_us = (steps + points - 1) / points * step_us;
}

static int choose(struct trend *t, int points)
{
        int whole = read_marks(t) ? has_samples(t) : -1;
        int64_t samples = whole == 1 ? count_samples(t) : 0;

        if (whole < 0 || samples < 0)
                return -1;
        t->level = -1;
        if (whole == 1 && samples <= points) {
                t->width_us = 1;
                return 0;
        }
        /* Points of several periods lose nothing by rollups but the exact time of an extreme. */
        bool is_coarse = (t->to_us - t->from_us) / points >= 2 * rollup_period_us[0];
        if ((whole == 1 && samples <= SAMPLES_MAX && !is_coarse) || t->mark_us[0] <= t->from_us) {
                set_width(t, 1, points);
                return 0;
        }
        t->level = 0;
        while (t->level + 1 < ROLLUP_LEVELS &&
               rollup_period_us[t->level + 1] <= (t->to_us - t->from_us) / points)
                t->level++;
        int64_t step_us = rollup_period_us[t->level];
        t->from_us -= (t->from_us % step_us + step_us) % step_us;
        set_width(t, step_us, points);
        return 0;
}

/* 1, 0: no such tag, -1. Of several units the newest of which something is kept in the window. */
static int find_tag(struct trend *t, const char *name, char unit[16])
{
        sqlite3_stmt *stmt = query_ask(t->q,
            "SELECT id, unit FROM tag WHERE name = ?4 ORDER BY"
            " EXISTS(SELECT 1 FROM sample WHERE tag_id = tag.id AND t_us >= ?2 AND t_us < ?3)"
            " OR EXISTS(SELECT 1 FROM sample_rollup WHERE tag_id = tag.id AND period = ?1 AND t_us > ?2 - ?1"
            " AND t_us < ?3) DESC, id DESC LIMIT 1",
            ROLLUP_PERIOD_0);

        if (stmt == NULL)
                return -1;
        sqlite3_bind_int64(stmt, 2, t->from_us);
        sqlite3_bind_int64(stmt, 3, t->to_us);
        sqlite3_bind_text(stmt, 4, name, -1, SQLITE_STATIC);
        int found = query_next(t->q, stmt);
        if (found == 1) {
                t->tag_id = sqlite3_column_int64(stmt, 0);
                text_copy(unit, 16, (const char *)sqlite3_column_text(stmt, 1));
        }
        sqlite3_finalize(stmt);
        return found;
}

/* All questions of one trend see the same state of the database. */
static int run_text(struct query *q, const char *sql)
{
        sqlite3_stmt *stmt = query_ask(q, sql, 0);
        int found = stmt == NULL ? -1 : query_next(q, stmt);

        sqlite3_finalize(stmt);
        return found;
}

static int read_trend(struct trend *t, const char *tag, int points, struct trend_info *info)
{
        *info = (struct trend_info){.unit = ""};
        int found = find_tag(t, tag, info->unit);

        if (found != 1 || t->from_us >= t->to_us)
                return found;
        if (choose(t, points) != 0)
                return -1;
        info->step_us = t->level < 0 ? 1 : rollup_period_us[t->level];
        info->width_us = t->width_us;
        found = read_all(t);
        sqlite3_finalize(t->gaps);
        return found;
}

int query_trend(struct query *q, const char *tag, int64_t from_us, int64_t to_us, int points,
    struct trend_info *info, void (*row)(void *ctx, const struct trend_point *p), void *ctx)
{
        struct trend t = {.q = q, .from_us = from_us, .to_us = to_us, .row = row, .ctx = ctx};

        assert(tag != NULL && info != NULL && points >= 2 && points <= TREND_POINTS_MAX);
        if (run_text(q, "BEGIN") < 0)
                return -1;
        int found = read_trend(&t, tag, points, info);
        if (run_text(q, "COMMIT") < 0)
                return -1;
        return found;
}

int query_trend_before(struct query *q, const char *tag, int64_t t_us, struct trend_point *out)
{
        sqlite3_stmt *stmt = query_ask(q,
            "SELECT sample.t_us, value, quality FROM tag CROSS JOIN sample ON tag_id = tag.id AND"
            " sample.t_us = (SELECT max(t_us) FROM sample WHERE tag_id = tag.id AND t_us < ?1)"
            " WHERE name = ?2 ORDER BY 1 DESC LIMIT 1",
            t_us);

        if (stmt == NULL)
                return -1;
        sqlite3_bind_text(stmt, 2, tag, -1, SQLITE_STATIC);
        int found = query_next(q, stmt);
        if (found == 1)
                *out = get_sample(stmt);
        sqlite3_finalize(stmt);
        return found;
}

int query_trend_tags(struct query *q, void (*row)(void *ctx, const char *name, const char *unit), void *ctx)
{
        sqlite3_stmt *stmt = query_ask(q,
            "SELECT name, unit FROM tag WHERE id IN (SELECT max(id) FROM tag GROUP BY name) ORDER BY name "
            "LIMIT ?1",
            INT64_MAX);
        int found;

        if (stmt == NULL)
                return -1;
        while ((found = query_next(q, stmt)) == 1)
                row(ctx, (const char *)sqlite3_column_text(stmt, 0),
                    (const char *)sqlite3_column_text(stmt, 1));
        sqlite3_finalize(stmt);
        return found;
}
