/* Questions about wear and use: how often and how long valves were open, what came out of each bottle, how long something
 * was hot. */
#include "query_state.h"

#include "ald/base/text.h" /* text_copy */

#include <math.h> /* NAN */

static void get_text(sqlite3_stmt *stmt, int column, char *to, size_t cap)
{
        const char *text = (const char *)sqlite3_column_text(stmt, column);

        text_copy(to, cap, text == NULL ? "" : text);
}

static double get_number(sqlite3_stmt *stmt, int column)
{
        return sqlite3_column_type(stmt, column) == SQLITE_NULL ? NAN : sqlite3_column_double(stmt, column);
}

/* The record's last word: samples are looked up tag by tag, each of which is one step in their order. */
#define LAST_WORD                                                                                            \
        "max(coalesce((SELECT max(t_us) FROM event), 0),"                                                    \
        " coalesce((SELECT max((SELECT max(t_us) FROM sample WHERE tag_id = tag.id)) FROM tag), 0))"

/* ---- valves ---- */

/* What is open is added as far as the record goes: a steady opening has its actuation in the table already, a timed one has
 * neither part. */
static const char counters_sql[] =
    "WITH last(t_us) AS (SELECT " LAST_WORD "),"
    " valve(name) AS (SELECT substr(name, 1, length(name) - 11) FROM counter WHERE name LIKE '%.actuations'"
    " UNION SELECT valve FROM opening),"
    " now(name, since_us, planned_us) AS (SELECT valve, since_us, planned_us FROM opening)"
    " SELECT valve.name,"
    " coalesce((SELECT value FROM counter WHERE name = valve.name || '.actuations'), 0),"
    " coalesce((SELECT value FROM counter WHERE name = valve.name || '.open_us'), 0) +"
    " CASE WHEN planned_us IS NULL AND since_us IS NOT NULL THEN max(last.t_us - since_us, 0) ELSE 0 END,"
    " coalesce((SELECT value FROM counter WHERE name = valve.name || '.actuations.limit'), 0),"
    " coalesce((SELECT value FROM counter WHERE name = valve.name || '.open_us.limit'), 0),"
    " now.name IS NOT NULL"
    " FROM last, valve LEFT JOIN now ON now.name = valve.name WHERE ?1 ORDER BY valve.name";

int query_counters(struct query *q, void (*row)(void *ctx, const struct query_counter *c), void *ctx)
{
        sqlite3_stmt *stmt = query_ask(q, counters_sql, 1);
        int found;

        if (stmt == NULL)
                return -1;
        while ((found = query_next(q, stmt)) == 1) {
                struct query_counter c = {.actuations = sqlite3_column_int64(stmt, 1),
                    .open_us = sqlite3_column_int64(stmt, 2),
                    .actuations_limit = sqlite3_column_int64(stmt, 3),
                    .open_us_limit = sqlite3_column_int64(stmt, 4),
                    .is_open = sqlite3_column_int(stmt, 5) != 0};

                get_text(stmt, 0, c.valve, sizeof c.valve);
                row(ctx, &c);
        }
        sqlite3_finalize(stmt);
        return found;
}

/* ---- bottles ---- */

#define BOTTLE_COLUMNS                                                                                       \
        "SELECT id, precursor, lot, content_g, since_us, until_us, pulses, open_us, used_umol, unreckoned,"  \
        " molar_mass, warn_g, pulses_limit,"                                                                 \
        " (SELECT count(*) FROM pulse WHERE precursor = bottle.precursor AND opened_us IS NOT NULL"          \
        " AND run_id = (SELECT run_id FROM pulse AS last WHERE last.precursor = bottle.precursor"            \
        " ORDER BY run_id DESC LIMIT 1)) FROM bottle "

static int list_bottles(
    struct query *q, sqlite3_stmt *stmt, void (*row)(void *ctx, const struct query_bottle *b), void *ctx)
{
        int found;

        while ((found = query_next(q, stmt)) == 1) {
                double molar_mass = get_number(stmt, 10);
                struct query_bottle b = {.id = sqlite3_column_int64(stmt, 0),
                    .content_g = get_number(stmt, 3),
                    .since_us = sqlite3_column_int64(stmt, 4), /* NULL reads as 0 */
                    .until_us = sqlite3_column_int64(stmt, 5),
                    .pulses = sqlite3_column_int64(stmt, 6),
                    .open_us = sqlite3_column_int64(stmt, 7),
                    .used_umol = isnan(molar_mass) ? NAN : sqlite3_column_double(stmt, 8),
                    .used_g = sqlite3_column_double(stmt, 8) * 1e-6 * molar_mass,
                    .unreckoned = sqlite3_column_int64(stmt, 9),
                    .warn_g = get_number(stmt, 11),
                    .pulses_limit = sqlite3_column_int64(stmt, 12),
                    .pulses_of_a_run = sqlite3_column_int64(stmt, 13)};

                get_text(stmt, 1, b.precursor, sizeof b.precursor);
                get_text(stmt, 2, b.lot, sizeof b.lot);
                row(ctx, &b);
        }
        sqlite3_finalize(stmt);
        return found;
}

int query_bottles(
    struct query *q, int64_t at_us, void (*row)(void *ctx, const struct query_bottle *b), void *ctx)
{
        sqlite3_stmt *stmt;

        if (at_us != 0)
                return query_bottles_between(q, at_us, at_us, row, ctx);
        stmt = query_ask(q, BOTTLE_COLUMNS "WHERE until_us IS NULL AND ?1 ORDER BY precursor", 1);
        return stmt == NULL ? -1 : list_bottles(q, stmt, row, ctx);
}

int query_bottles_between(struct query *q, int64_t from_us, int64_t to_us,
    void (*row)(void *ctx, const struct query_bottle *b), void *ctx)
{
        sqlite3_stmt *stmt = query_ask(q,
            BOTTLE_COLUMNS "WHERE coalesce(since_us, 0) <= ?2 AND (until_us IS NULL OR until_us > ?1) ORDER "
                           "BY precursor, id",
            from_us);

        if (stmt == NULL)
                return -1;
        sqlite3_bind_int64(stmt, 2, to_us);
        return list_bottles(q, stmt, row, ctx);
}

/* ---- hot hours ---- */

/* The sample before the window holds into it. */
static const char hot_sql[] =
    "SELECT t_us, value, quality FROM sample WHERE tag_id = (SELECT max(id) FROM tag WHERE name = ?3)"
    " AND t_us >= ?1 - ?4 AND t_us < ?2 ORDER BY t_us";

struct hot {
        double above;
        int64_t from_us, since_us, hot_us;
        bool is_hot;
};

/* The last sample held until now_us at the latest. */
static void hold(struct hot *h, int64_t now_us)
{
        int64_t begun_us = h->since_us > h->from_us ? h->since_us : h->from_us;
        int64_t end_us = h->since_us + QUERY_HOLD_US < now_us ? h->since_us + QUERY_HOLD_US : now_us;

        if (h->is_hot && end_us > begun_us)
                h->hot_us += end_us - begun_us;
}

int query_hot_us(struct query *q, const char *tag, double above, int64_t from_us, int64_t to_us, int64_t *us)
{
        struct hot h = {.above = above, .from_us = from_us};
        sqlite3_stmt *stmt = query_ask(q, hot_sql, from_us);
        int found;

        if (stmt == NULL)
                return -1;
        sqlite3_bind_int64(stmt, 2, to_us);
        sqlite3_bind_text(stmt, 3, tag, -1, SQLITE_STATIC);
        sqlite3_bind_int64(stmt, 4, QUERY_HOLD_US);
        while ((found = query_next(q, stmt)) == 1) {
                hold(&h, sqlite3_column_int64(stmt, 0));
                h.since_us = sqlite3_column_int64(stmt, 0);
                h.is_hot = sqlite3_column_type(stmt, 1) != SQLITE_NULL &&
                           sqlite3_column_double(stmt, 1) > above && sqlite3_column_int(stmt, 2) == 0;
        }
        if (found == 0)
                hold(&h, to_us);
        *us = h.hot_us;
        sqlite3_finalize(stmt);
        return found;
}
