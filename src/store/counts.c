#include "ald/store/counts.h"

#include "ald/base/text.h" /* text_add, text_copy */

#include <assert.h> /* assert */
#include <string.h> /* memset, strlen */

/* ---- records into rows ---- */

static void bind_whole(sqlite3_stmt *stmt, int at, const char *text)
{
        sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

static int add_to_counter(struct statements *s, const char *valve, const char *what, int64_t by)
{
        sqlite3_stmt *stmt = s->prepared[STATEMENT_COUNTER];
        char name[TOOL_NAME_MAX + 16];
        struct text t;

        text_init(&t, name, sizeof name);
        text_add(&t, "%s.%s", valve, what);
        bind_whole(stmt, 1, name);
        sqlite3_bind_int64(stmt, 2, by);
        return statement_run(s, stmt);
}

/* Both are there from the first opening on. */
static int count(struct statements *s, const char *valve, int64_t actuations, int64_t open_us)
{
        int rc = add_to_counter(s, valve, "actuations", actuations);

        return rc == SQLITE_OK ? add_to_counter(s, valve, "open_us", open_us) : rc;
}

static int begin_opening(
    struct statements *s, const char *valve, const char *precursor, const struct record_valve *v)
{
        sqlite3_stmt *stmt = s->prepared[STATEMENT_OPENING_BEGIN];

        bind_whole(stmt, 1, valve);
        if (precursor != NULL)
                bind_whole(stmt, 2, precursor);
        sqlite3_bind_int64(stmt, 3, v->since_us);
        if (v->what == RECORD_VALVE_PLANNED)
                sqlite3_bind_int64(stmt, 4, v->open_us);
        return statement_run(s, stmt);
}

static int end_opening(struct statements *s, const char *valve)
{
        bind_whole(s->prepared[STATEMENT_OPENING_END], 1, valve);
        return statement_run(s, s->prepared[STATEMENT_OPENING_END]);
}

static int use_bottle(struct statements *s, const char *precursor, const struct record_valve *v)
{
        sqlite3_stmt *stmt = s->prepared[STATEMENT_BOTTLE_USED];

        bind_whole(stmt, 1, precursor);
        sqlite3_bind_int64(stmt, 2, v->open_us);
        sqlite3_bind_double(stmt, 3, v->used_umol);
        sqlite3_bind_int(stmt, 4, !(v->used_umol > 0));
        return statement_run(s, stmt);
}

static int renew(struct statements *s, const char *valve, int64_t wall_us)
{
        bind_whole(s->prepared[STATEMENT_COUNTER_ZERO], 1, valve);
        int rc = statement_run(s, s->prepared[STATEMENT_COUNTER_ZERO]);

        if (rc != SQLITE_OK)
                return rc;
        bind_whole(s->prepared[STATEMENT_OPENING_ANEW], 1, valve);
        sqlite3_bind_int64(s->prepared[STATEMENT_OPENING_ANEW], 2, wall_us);
        return statement_run(s, s->prepared[STATEMENT_OPENING_ANEW]);
}

int counts_put_valve(struct statements *s, const struct tool *tool, const struct record *r)
{
        const struct record_valve *v = &r->u.valve;

        assert(v->tag >= 0 && v->tag < tool->tag_count && v->line < tool->line_count);
        const char *valve = tool->tags[v->tag].name;
        const char *precursor = v->line >= 0 ? tool->lines[v->line].name : NULL;
        int rc = SQLITE_OK;

        switch ((enum record_valve_what)v->what) {
        case RECORD_VALVE_OPENED:
                rc = count(s, valve, v->is_actuation, 0);
                return rc == SQLITE_OK ? begin_opening(s, valve, precursor, v) : rc;
        case RECORD_VALVE_PLANNED:
                return begin_opening(s, valve, precursor, v);
        case RECORD_VALVE_CLOSED:
                rc = count(s, valve, 0, v->open_us);
                break;
        case RECORD_VALVE_ENDED:
                if (v->is_actuation)
                        rc = count(s, valve, 1, v->open_us);
                if (rc == SQLITE_OK && v->is_actuation && precursor != NULL)
                        rc = use_bottle(s, precursor, v);
                break;
        case RECORD_VALVE_RENEWED:
                return renew(s, valve, r->wall_us);
        }
        return rc == SQLITE_OK ? end_opening(s, valve) : rc;
}

/* since_us 0: nobody has told of it. */
static void bind_bottle(sqlite3_stmt *stmt, const struct tool *tool, int line, const char *lot,
    double content_g, int64_t since_us)
{
        const struct tool_line *l = &tool->lines[line];

        bind_whole(stmt, 1, l->name);
        bind_whole(stmt, 2, lot);
        if (content_g > 0)
                sqlite3_bind_double(stmt, 3, content_g);
        if (since_us > 0)
                sqlite3_bind_int64(stmt, 4, since_us);
        if (tool_knows_delivery(tool, line))
                sqlite3_bind_double(stmt, 5, tool->sim.line[line].molar_mass);
        if (content_g > 0 && l->bottle.warn_part > 0)
                sqlite3_bind_double(stmt, 6, content_g * l->bottle.warn_part);
        if (l->bottle.pulses_max > 0)
                sqlite3_bind_int64(stmt, 7, l->bottle.pulses_max);
}

int counts_put_bottle(struct statements *s, const struct tool *tool, const struct record *r)
{
        const struct record_bottle *b = &r->u.bottle;
        sqlite3_stmt *end = s->prepared[STATEMENT_BOTTLE_END], *begin = s->prepared[STATEMENT_BOTTLE_BEGIN];

        assert(b->line >= 0 && b->line < tool->line_count);
        bind_whole(end, 1, tool->lines[b->line].name);
        sqlite3_bind_int64(end, 2, r->wall_us);
        int rc = statement_run(s, end);
        if (rc != SQLITE_OK)
                return rc;
        bind_bottle(begin, tool, b->line, b->lot, b->content_g, r->wall_us);
        return statement_run(s, begin);
}

/* ---- at the opening of a database ---- */

static bool fail(sqlite3 *db, struct text *why)
{
        text_add(why, "%s", sqlite3_errmsg(db));
        return false;
}

static bool run_sql(sqlite3 *db, const char *sql, struct text *why)
{
        return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || fail(db, why);
}

#define ADD " ON CONFLICT DO UPDATE SET value = value + excluded.value;"

/* A timed opening that was cut off counts as it was planned; another one up to the record's last word, and is open still. */
static const char settle_sql[] =
    "INSERT INTO counter(name, value) SELECT valve || '.actuations', 1 FROM opening"
    " WHERE planned_us IS NOT NULL" ADD
    "INSERT INTO counter(name, value) SELECT valve || '.open_us', planned_us FROM opening"
    " WHERE planned_us IS NOT NULL" ADD "UPDATE bottle SET pulses = pulses + 1, unreckoned = unreckoned + 1, "
    "open_us = open_us + (SELECT planned_us"
    " FROM opening WHERE precursor = bottle.precursor AND planned_us IS NOT NULL) WHERE until_us IS NULL AND"
    " precursor IN (SELECT precursor FROM opening WHERE planned_us IS NOT NULL);"
    "DELETE FROM opening WHERE planned_us IS NOT NULL;"
    "INSERT INTO counter(name, value) SELECT valve || '.open_us', max(last.t_us - since_us, 0) FROM opening,"
    " (SELECT max(coalesce((SELECT max(t_us) FROM event), 0), coalesce((SELECT max((SELECT max(t_us) FROM "
    "sample"
    " WHERE tag_id = tag.id)) FROM tag), 0)) AS t_us) AS last WHERE since_us IS NOT NULL" ADD
    "UPDATE opening SET since_us = NULL;"
    "DELETE FROM counter WHERE name LIKE '%.actuations.limit' OR name LIKE '%.open_us.limit'";

static bool put_limit(sqlite3_stmt *stmt, const char *valve, const char *what, int64_t limit)
{
        char name[TOOL_NAME_MAX + 24];
        struct text t;

        if (limit <= 0)
                return true;
        text_init(&t, name, sizeof name);
        text_add(&t, "%s.%s.limit", valve, what);
        bind_whole(stmt, 1, name);
        sqlite3_bind_int64(stmt, 2, limit);
        bool ok = sqlite3_step(stmt) == SQLITE_DONE;
        sqlite3_reset(stmt);
        return ok;
}

static bool put_limits(sqlite3 *db, const struct tool *tool, struct text *why)
{
        sqlite3_stmt *stmt = NULL;
        bool ok = sqlite3_prepare_v2(
                      db, "INSERT INTO counter(name, value) VALUES(?1, ?2)", -1, &stmt, NULL) == SQLITE_OK;

        for (int i = 0; i < tool->tag_count && ok; i++)
                ok = put_limit(stmt, tool->tags[i].name, "actuations", tool->tags[i].actuations_max) &&
                     put_limit(stmt, tool->tags[i].name, "open_us", tool->tags[i].open_us_max);
        sqlite3_finalize(stmt);
        return ok || fail(db, why);
}

/* The tool file's word on the bottle in use: it may have changed, but not what the bottle held when it was new. */
static const char refresh_sql[] =
    "UPDATE bottle SET content_g = coalesce(content_g, ?3), molar_mass = ?5, pulses_limit = ?7,"
    " warn_g = coalesce(content_g, ?3) * ?8 WHERE precursor = ?1 AND until_us IS NULL";
static const char first_sql[] =
    "INSERT INTO bottle(precursor, lot, content_g, molar_mass, warn_g, pulses_limit, pulses, open_us, "
    "used_umol,"
    " unreckoned) SELECT ?1, ?2, ?3, ?5, ?6, ?7, 0, 0, 0, 0 WHERE NOT EXISTS (SELECT 1 FROM bottle"
    " WHERE precursor = ?1 AND until_us IS NULL)";

static bool put_bottle(sqlite3 *db, const struct tool *tool, int line, const char *sql, struct text *why)
{
        const struct tool_line *l = &tool->lines[line];
        sqlite3_stmt *stmt = NULL;

        sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
        bind_bottle(stmt, tool, line, "", l->bottle.content_g, 0);
        if (l->bottle.warn_part > 0)
                sqlite3_bind_double(stmt, 8, l->bottle.warn_part); /* out of range where there is none */
        bool ok = sqlite3_step(stmt) == SQLITE_DONE;
        sqlite3_finalize(stmt);
        return ok || fail(db, why);
}

static bool put_bottles(sqlite3 *db, const struct tool *tool, struct text *why)
{
        bool ok = true;

        for (int i = 0; i < tool->line_count && ok; i++)
                ok = put_bottle(db, tool, i, refresh_sql, why) && put_bottle(db, tool, i, first_sql, why);
        return ok;
}

static bool read_valve(sqlite3 *db, const char *name, struct count_valve *v, struct text *why)
{
        sqlite3_stmt *stmt = NULL;

        sqlite3_prepare_v2(db,
            "SELECT (SELECT value FROM counter WHERE name = ?1 || '.actuations'),"
            " (SELECT value FROM counter WHERE name = ?1 || '.open_us'),"
            " EXISTS (SELECT 1 FROM opening WHERE valve = ?1)",
            -1, &stmt, NULL);
        bind_whole(stmt, 1, name);
        bool ok = sqlite3_step(stmt) == SQLITE_ROW;
        if (ok) {
                v->is_known = sqlite3_column_type(stmt, 0) != SQLITE_NULL;
                v->actuations = sqlite3_column_int64(stmt, 0);
                v->open_us = sqlite3_column_int64(stmt, 1);
                v->is_open = sqlite3_column_int(stmt, 2) != 0;
        }
        sqlite3_finalize(stmt);
        return ok || fail(db, why);
}

static bool read_bottle(sqlite3 *db, const char *precursor, struct count_bottle *b, struct text *why)
{
        sqlite3_stmt *stmt = NULL;

        sqlite3_prepare_v2(db,
            "SELECT pulses, open_us, used_umol, content_g, lot FROM bottle WHERE precursor = ?1 AND until_us "
            "IS NULL",
            -1, &stmt, NULL);
        bind_whole(stmt, 1, precursor);
        bool ok = sqlite3_step(stmt) == SQLITE_ROW;
        if (ok) {
                b->pulses = sqlite3_column_int64(stmt, 0);
                b->open_us = sqlite3_column_int64(stmt, 1);
                b->used_umol = sqlite3_column_double(stmt, 2);
                b->content_g = sqlite3_column_double(stmt, 3);
                text_copy(b->lot, sizeof b->lot, (const char *)sqlite3_column_text(stmt, 4));
        }
        sqlite3_finalize(stmt);
        return ok || fail(db, why);
}

static bool read_counts(sqlite3 *db, const struct tool *tool, struct counts *out, struct text *why)
{
        bool ok = true;

        memset(out, 0, sizeof *out);
        for (int i = 0; i < tool->tag_count && ok; i++)
                if (tool_is_counted(tool, i))
                        ok = read_valve(db, tool->tags[i].name, &out->valve[i], why);
        for (int i = 0; i < tool->line_count && ok; i++)
                ok = read_bottle(db, tool->lines[i].name, &out->bottle[i], why);
        return ok;
}

bool counts_open(sqlite3 *db, const struct tool *tool, struct counts *out, struct text *why)
{
        bool ok = run_sql(db, "BEGIN IMMEDIATE", why) && run_sql(db, settle_sql, why) &&
                  put_limits(db, tool, why) && put_bottles(db, tool, why) &&
                  read_counts(db, tool, out, why) && run_sql(db, "COMMIT", why);

        if (!ok && sqlite3_get_autocommit(db) == 0)
                sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        return ok;
}
