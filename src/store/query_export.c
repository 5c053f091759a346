#include "ald/store/query_export.h"

#include "query_state.h"

#include "ald/base/text.h"  /* text_copy */
#include "ald/store/seal.h" /* seal_find */

#include <assert.h> /* assert */
#include <stdlib.h> /* calloc, free */

enum { SLICE = 1024, COLUMNS_MAX = 20, KEYS_MAX = 3 };

static const struct query_column cycle_columns[] = {
    {"cycle", QUERY_INTEGER, NULL}, {"started", QUERY_TIME, NULL}, {"ended", QUERY_TIME, NULL}};
static const struct query_column pulse_columns[] = {{"cycle", QUERY_INTEGER, NULL},
    {"path", QUERY_TEXT, NULL}, {"attempt", QUERY_INTEGER, NULL}, {"precursor", QUERY_TEXT, NULL},
    {"outcome", QUERY_TEXT, NULL}, {"planned_open", QUERY_TIME, NULL}, {"opened", QUERY_TIME, NULL},
    {"open_acknowledged", QUERY_TIME, NULL}, {"closed", QUERY_TIME, NULL},
    {"close_acknowledged", QUERY_TIME, NULL}, {"planned_width", QUERY_SECONDS, "s"},
    {"width", QUERY_SECONDS, "s"}, {"device_timed", QUERY_YES, NULL}, {"pressure_base", QUERY_NUMBER, "p"},
    {"pressure_peak", QUERY_NUMBER, "p"}, {"pressure_area", QUERY_NUMBER, "p s"},
    {"pressure_decay", QUERY_SECONDS, "s"}};
static const struct query_column event_columns[] = {{"id", QUERY_INTEGER, NULL}, {"time", QUERY_TIME, NULL},
    {"kind", QUERY_TEXT, NULL}, {"severity", QUERY_TEXT, NULL}, {"source", QUERY_TEXT, NULL},
    {"text", QUERY_TEXT, NULL}, {"data", QUERY_TEXT, NULL}};
static const struct query_column audit_columns[] = {{"id", QUERY_INTEGER, NULL}, {"time", QUERY_TIME, NULL},
    {"uid", QUERY_INTEGER, NULL}, {"pid", QUERY_INTEGER, NULL}, {"user", QUERY_TEXT, NULL},
    {"role", QUERY_TEXT, NULL}, {"command", QUERY_TEXT, NULL}, {"arguments", QUERY_TEXT, NULL},
    {"state_before", QUERY_TEXT, NULL}, {"state_after", QUERY_TEXT, NULL}, {"result", QUERY_TEXT, NULL},
    {"prev_sha256", QUERY_TEXT, NULL}, {"sha256", QUERY_TEXT, NULL}};
static const struct query_column base_columns[] = {{"moment", QUERY_TEXT, NULL}, {"time", QUERY_TIME, NULL},
    {"flow", QUERY_NUMBER, NULL}, {"pressure", QUERY_NUMBER, "p"}, {"spread", QUERY_NUMBER, "p"},
    {"samples", QUERY_INTEGER, NULL}};
static const struct query_column sample_columns[] = {{"time", QUERY_TIME, NULL}, {"tag", QUERY_TEXT, NULL},
    {"value", QUERY_NUMBER, NULL}, {"unit", QUERY_TEXT, NULL}, {"quality", QUERY_TEXT, NULL},
    {"lost", QUERY_INTEGER, NULL}};

/* One lower bound a key: of two SQLite takes either, and a slice must not begin at the run's begin again.
 * ?1 run, ?2 to ?4 the key of the last row, ?5 rows at most, ?6 and ?7 the run's time, ?8 and ?9 its audit records. The key is
 * selected behind the columns. */
#define COUNT(columns) ((int)(sizeof(columns) / sizeof((columns)[0])))
static const struct {
        const char *name;
        const struct query_column *columns;
        int column_count, key_count;
        const char *sql;
} tables[QUERY_TABLES] = {
    [QUERY_CYCLES] = {"cycles", cycle_columns, COUNT(cycle_columns), 1,
        "SELECT n, started_us, ended_us, n FROM cycle WHERE run_id = ?1 AND n > ?2 ORDER BY n LIMIT ?5"},
    [QUERY_PULSES] = {"pulses", pulse_columns, COUNT(pulse_columns), 3,
        "SELECT cycle, path, attempt, precursor, outcome, planned_open_us, opened_us, open_acked_us, "
        "closed_us,"
        " close_acked_us, planned_width_us, width_us, device_timed, pressure_base, pressure_peak, "
        "pressure_area,"
        " pressure_decay_us, cycle, path, attempt FROM pulse WHERE run_id = ?1 AND (cycle, path, attempt) > "
        "(?2, ?3, ?4)"
        " ORDER BY cycle, path, attempt LIMIT ?5"},
    [QUERY_EVENTS] = {"events", event_columns, COUNT(event_columns), 1,
        "SELECT id, t_us, kind, severity, source, text, data, id FROM event WHERE (run_id = ?1 OR (run_id IS "
        "NULL"
        " AND t_us BETWEEN ?6 AND ?7)) AND id > ?2 ORDER BY id LIMIT ?5"},
    [QUERY_AUDIT] = {"audit", audit_columns, COUNT(audit_columns), 1,
        "SELECT id, t_us, uid, pid, user, role, command, arguments, state_before, state_after, result, "
        "prev_sha256,"
        " sha256, id FROM audit WHERE id > max(?2, ?8 - 1) AND id <= ?9 AND (?8 >= 0 OR t_us BETWEEN "
        "?6 AND ?7)"
        " ORDER BY id LIMIT ?5"},
    [QUERY_BASE] = {"base", base_columns, COUNT(base_columns), 1,
        "SELECT moment, t_us, flow, pressure, spread, samples, t_us FROM base WHERE run_id = ?1 AND t_us > ?2"
        " ORDER BY t_us LIMIT ?5"},
    [QUERY_SAMPLES] = {"samples", sample_columns, COUNT(sample_columns), 1,
        "SELECT t_us, NULL, value, NULL, CASE quality WHEN 0 THEN 'good' WHEN 1 THEN 'uncertain' ELSE 'bad' "
        "END, NULL,"
        " t_us FROM sample WHERE tag_id = ?1 AND t_us > max(?2, ?6 - 1) AND t_us <= ?7 ORDER BY t_us LIMIT "
        "?5"},
};

const char *query_table_name(enum query_table table)
{
        assert(table < QUERY_TABLES);
        return tables[table].name;
}

const struct query_column *query_columns(enum query_table table, int *count)
{
        assert(table < QUERY_TABLES);
        *count = tables[table].column_count;
        return tables[table].columns;
}

/* ---- what belongs to a run ---- */

static int find_audit(struct query *q, sqlite3_stmt *stmt, struct query_span *out)
{
        int64_t seal = 0, ended = sqlite3_column_int64(stmt, 4);

        out->audit_to = INT64_MAX;
        out->audit_from = sqlite3_column_type(stmt, 3) == SQLITE_NULL ? -1 : sqlite3_column_int64(stmt, 3);
        if (sqlite3_column_type(stmt, 4) == SQLITE_NULL)
                return 1;
        if (seal_find(query_renew(q), out->run, ended, &seal) != SQLITE_OK)
                return query_fail(q, "the run's closing record cannot be read");
        out->audit_to = seal > 0 ? seal : ended;
        return 1;
}

int query_span(struct query *q, int64_t run, struct query_span *out)
{
        sqlite3_stmt *stmt = query_ask(q,
            "SELECT started_us, ended_us, json_extract(declared, '$.pressure_unit'), audit_id, "
            "audit_id_ended FROM run"
            " WHERE id = ?1",
            run);
        int found;

        *out = (struct query_span){.run = run};
        if (stmt == NULL)
                return -1;
        found = query_next(q, stmt);
        if (found == 1) {
                out->from_us = sqlite3_column_int64(stmt, 0);
                out->to_us =
                    sqlite3_column_type(stmt, 1) == SQLITE_NULL ? INT64_MAX : sqlite3_column_int64(stmt, 1);
                query_get_text(stmt, 2, out->pressure_unit, sizeof out->pressure_unit);
                found = find_audit(q, stmt, out);
        }
        sqlite3_finalize(stmt);
        return found;
}

/* ---- slices ---- */

struct slice {
        struct query *q;
        const struct query_span *span;
        enum query_table table;
        int64_t subject; /* ?1: the run, or the tag of samples */
        int rows, width;
        sqlite3_value *values[SLICE * COLUMNS_MAX];
        sqlite3_value *key[KEYS_MAX]; /* of the last row; NULL: before the first */
};

static void free_values(struct slice *s)
{
        for (int i = 0; i < s->rows * s->width; i++)
                sqlite3_value_free(s->values[i]);
        s->rows = 0;
}

static void free_slice(struct slice *s)
{
        free_values(s);
        for (int i = 0; i < KEYS_MAX; i++)
                sqlite3_value_free(s->key[i]);
        free(s);
}

static void bind_key(const struct slice *s, sqlite3_stmt *stmt)
{
        for (int i = 0; i < tables[s->table].key_count; i++) {
                if (s->key[i] != NULL)
                        sqlite3_bind_value(stmt, 2 + i, s->key[i]);
                else if (i == 1) /* a pulse's path */
                        sqlite3_bind_text(stmt, 2 + i, "", 0, SQLITE_STATIC);
                else
                        sqlite3_bind_int64(stmt, 2 + i, INT64_MIN);
        }
}

static bool keep_row(struct slice *s, sqlite3_stmt *stmt)
{
        int columns = tables[s->table].column_count;

        for (int i = 0; i < s->width; i++)
                s->values[s->rows * s->width + i] = sqlite3_value_dup(sqlite3_column_value(stmt, i));
        s->rows++;
        for (int i = 0; i < tables[s->table].key_count; i++) {
                sqlite3_value_free(s->key[i]);
                s->key[i] = sqlite3_value_dup(sqlite3_column_value(stmt, columns + i));
                if (s->key[i] == NULL)
                        return false;
        }
        return true;
}

/* The next rows behind the key; s->rows 0: no more. */
static int read_slice(struct slice *s)
{
        sqlite3_stmt *stmt = query_ask(s->q, tables[s->table].sql, s->subject);
        int found = 0;

        free_values(s);
        if (stmt == NULL)
                return -1;
        bind_key(s, stmt);
        sqlite3_bind_int(stmt, 5, SLICE);
        sqlite3_bind_int64(stmt, 6, s->span->from_us);
        sqlite3_bind_int64(stmt, 7, s->span->to_us);
        sqlite3_bind_int64(stmt, 8, s->span->audit_from);
        sqlite3_bind_int64(stmt, 9, s->span->audit_to);
        while (s->rows < SLICE && (found = query_next(s->q, stmt)) == 1)
                if (!keep_row(s, stmt)) {
                        found = query_fail(s->q, "out of memory");
                        break;
                }
        sqlite3_finalize(stmt);
        return found < 0 ? -1 : 0;
}

static struct query_value get_value(sqlite3_value *v)
{
        switch (v == NULL ? SQLITE_NULL : sqlite3_value_type(v)) {
        case SQLITE_INTEGER:
                return (struct query_value){.is = QUERY_IS_INTEGER, .integer = sqlite3_value_int64(v)};
        case SQLITE_FLOAT:
                return (struct query_value){.is = QUERY_IS_NUMBER, .number = sqlite3_value_double(v)};
        case SQLITE_NULL:
                return (struct query_value){.is = QUERY_IS_NULL};
        default:
                return (struct query_value){.is = QUERY_IS_TEXT, .text = (const char *)sqlite3_value_text(v)};
        }
}

static void get_row(const struct slice *s, int row, struct query_value values[COLUMNS_MAX])
{
        for (int i = 0; i < tables[s->table].column_count; i++)
                values[i] = get_value(s->values[row * s->width + i]);
}

static struct slice *begin(
    struct query *q, enum query_table table, const struct query_span *span, int64_t subject)
{
        struct slice *s = calloc(1, sizeof *s);

        if (s == NULL) {
                query_fail(q, "out of memory");
                return NULL;
        }
        *s = (struct slice){.q = q, .span = span, .table = table, .subject = subject};
        s->width = tables[table].column_count;
        return s;
}

/* ---- samples: tag by tag, gaps in their places ---- */

struct gap {
        int64_t t_us, count;
};

struct tag {
        int64_t id;
        char name[64], unit[24];
        struct gap *gaps;
        int gap_count, gap_at;
};

/* The tag behind tag->id; 0: no more. */
static int next_tag(struct query *q, struct tag *tag)
{
        sqlite3_stmt *stmt =
            query_ask(q, "SELECT id, name, unit FROM tag WHERE id > ?1 ORDER BY id LIMIT 1", tag->id);
        int found;

        if (stmt == NULL)
                return -1;
        found = query_next(q, stmt);
        if (found == 1) {
                tag->id = sqlite3_column_int64(stmt, 0);
                query_get_text(stmt, 1, tag->name, sizeof tag->name);
                query_get_text(stmt, 2, tag->unit, sizeof tag->unit);
        }
        sqlite3_finalize(stmt);
        return found;
}

static int add_gap(struct query *q, struct tag *tag, sqlite3_stmt *stmt)
{
        struct gap *more = realloc(tag->gaps, (size_t)(tag->gap_count + 1) * sizeof *more);

        if (more == NULL)
                return query_fail(q, "out of memory");
        tag->gaps = more;
        tag->gaps[tag->gap_count++] =
            (struct gap){.t_us = sqlite3_column_int64(stmt, 0), .count = sqlite3_column_int64(stmt, 1)};
        return 1;
}

static int list_gaps(struct query *q, const struct query_span *span, struct tag *tag)
{
        sqlite3_stmt *stmt = query_ask(q,
            "SELECT json_extract(data, '$.first_us'), json_extract(data, '$.count') FROM event WHERE kind = "
            "'gap'"
            " AND t_us BETWEEN ?2 AND ?3 AND json_extract(data, '$.tag_id') = ?1 ORDER BY 1",
            tag->id);
        int found;

        tag->gap_count = tag->gap_at = 0;
        if (stmt == NULL)
                return -1;
        sqlite3_bind_int64(stmt, 2, span->from_us);
        sqlite3_bind_int64(stmt, 3, span->to_us);
        while ((found = query_next(q, stmt)) == 1 && add_gap(q, tag, stmt) == 1)
                ;
        sqlite3_finalize(stmt);
        return found == 0 ? 0 : -1;
}

struct out {
        bool (*row)(void *ctx, const struct query_value *values);
        void *ctx;
        bool goes_on;
};

static void put_gaps(struct out *out, struct tag *tag, int64_t until_us)
{
        for (; out->goes_on && tag->gap_at < tag->gap_count && tag->gaps[tag->gap_at].t_us <= until_us;
             tag->gap_at++) {
                const struct query_value values[] = {
                    {.is = QUERY_IS_INTEGER, .integer = tag->gaps[tag->gap_at].t_us},
                    {.is = QUERY_IS_TEXT, .text = tag->name}, {.is = QUERY_IS_NULL},
                    {.is = QUERY_IS_TEXT, .text = tag->unit}, {.is = QUERY_IS_TEXT, .text = "gap"},
                    {.is = QUERY_IS_INTEGER, .integer = tag->gaps[tag->gap_at].count}};

                out->goes_on = out->row(out->ctx, values);
        }
}

static int export_tag(struct query *q, const struct query_span *span, struct tag *tag, struct out *out)
{
        struct query_value values[COLUMNS_MAX];
        struct slice *s = begin(q, QUERY_SAMPLES, span, tag->id);
        int found = s == NULL ? -1 : list_gaps(q, span, tag);

        while (found == 0 && out->goes_on && (found = read_slice(s)) == 0 && s->rows > 0) {
                for (int i = 0; i < s->rows && out->goes_on; i++) {
                        get_row(s, i, values);
                        put_gaps(out, tag, values[0].integer);
                        values[1] = (struct query_value){.is = QUERY_IS_TEXT, .text = tag->name};
                        values[3] = (struct query_value){.is = QUERY_IS_TEXT, .text = tag->unit};
                        out->goes_on = out->goes_on && out->row(out->ctx, values);
                }
        }
        put_gaps(out, tag, INT64_MAX);
        if (s != NULL)
                free_slice(s);
        return found;
}

static int export_samples(struct query *q, const struct query_span *span, struct out *out)
{
        struct tag tag = {.id = INT64_MIN};
        int found;

        while (out->goes_on && (found = next_tag(q, &tag)) == 1)
                if (export_tag(q, span, &tag, out) != 0) {
                        found = -1;
                        break;
                }
        free(tag.gaps);
        return out->goes_on ? found : 0;
}

int query_export(struct query *q, enum query_table table, const struct query_span *span,
    bool (*row)(void *ctx, const struct query_value *values), void *ctx)
{
        struct out out = {.row = row, .ctx = ctx, .goes_on = true};
        struct query_value values[COLUMNS_MAX];
        struct slice *s;
        int found = 0;

        if (table == QUERY_SAMPLES)
                return export_samples(q, span, &out);
        s = begin(q, table, span, span->run);
        if (s == NULL)
                return -1;
        while (out.goes_on && (found = read_slice(s)) == 0 && s->rows > 0)
                for (int i = 0; i < s->rows && out.goes_on; i++) {
                        get_row(s, i, values);
                        out.goes_on = row(ctx, values);
                }
        free_slice(s);
        return found;
}
