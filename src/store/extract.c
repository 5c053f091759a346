#include "ald/store/extract.h"

#include "query_state.h"

#include "ald/base/text.h"    /* text_add */
#include "ald/store/schema.h" /* schema_make */

#include <assert.h> /* assert */
#include <stdio.h>  /* snprintf */

enum { SLICE = 4096 };

/* The last column, behind those of the table, is the key by which the next slice goes on. ?1 run or tag, ?2 the last key, ?3 rows
 * at most, ?4 and ?5 the run's time, ?6 and ?7 its audit records. A run's pulses are few: one slice. */
static const struct {
        const char *table, *sql;
} copies[] = {
    {"run", "SELECT *, id FROM run WHERE id = ?1 AND id > ?2 LIMIT ?3"},
    {"base", "SELECT *, 1 FROM base WHERE run_id = ?1 AND ?2 < 1 ORDER BY moment"},
    {"cycle", "SELECT *, n FROM cycle WHERE run_id = ?1 AND n > ?2 ORDER BY n LIMIT ?3"},
    {"pulse", "SELECT *, 1 FROM pulse WHERE run_id = ?1 AND ?2 < 1 ORDER BY cycle, path, attempt"},
    {"event", "SELECT *, id FROM event WHERE (run_id = ?1 OR (run_id IS NULL AND t_us BETWEEN ?4 AND ?5)) "
              "AND id > ?2"
              " ORDER BY id LIMIT ?3"},
    {"audit", "SELECT *, id FROM audit WHERE id > max(?2, ?6 - 1) AND id <= ?7"
              " AND (?6 >= 0 OR t_us BETWEEN ?4 AND ?5) ORDER BY id LIMIT ?3"},
    {"input", "SELECT *, n FROM input WHERE run_id = ?1 AND n > ?2 ORDER BY n LIMIT 256"},
    {"tag", "SELECT *, id FROM tag WHERE id > ?2 AND (EXISTS(SELECT 1 FROM sample WHERE tag_id = tag.id"
            " AND t_us BETWEEN ?4 AND ?5) OR id IN (SELECT json_extract(data, '$.tag_id') FROM event WHERE "
            "kind = 'gap'"
            " AND t_us BETWEEN ?4 AND ?5)) ORDER BY id LIMIT ?3"},
};
static const char samples[] =
    "SELECT *, t_us FROM sample WHERE tag_id = ?1 AND t_us > max(?2, ?4 - 1) AND t_us <= ?5"
    " ORDER BY t_us LIMIT ?3";

struct extract {
        struct query *q;
        const struct query_span *span;
        sqlite3 *to;
        bool (*go_on)(void);
        struct text *why;
};

static int fail(struct extract *e)
{
        text_add(e->why, "%s", sqlite3_errmsg(e->to));
        return -1;
}

static sqlite3_stmt *prepare_insert(struct extract *e, const char *table, int columns)
{
        sqlite3_str *sql = sqlite3_str_new(NULL);
        sqlite3_stmt *stmt = NULL;

        sqlite3_str_appendf(sql, "INSERT INTO %s VALUES(?1", table);
        for (int i = 2; i <= columns; i++)
                sqlite3_str_appendf(sql, ", ?%d", i);
        sqlite3_str_appendchar(sql, 1, ')');
        char *text = sqlite3_str_finish(sql);
        if (text == NULL || sqlite3_prepare_v2(e->to, text, -1, &stmt, NULL) != SQLITE_OK)
                fail(e);
        sqlite3_free(text);
        return stmt;
}

static int put_row(struct extract *e, sqlite3_stmt *to, sqlite3_stmt *from, int columns)
{
        for (int i = 0; i < columns; i++)
                sqlite3_bind_value(to, i + 1, sqlite3_column_value(from, i));
        int rc = sqlite3_step(to);
        sqlite3_reset(to);
        return rc == SQLITE_DONE ? 0 : fail(e);
}

/* Rows behind *key; *key of the last one. How many there were, -1 on error. */
static int copy_slice(struct extract *e, const char *table, const char *sql, int64_t subject, int64_t *key)
{
        sqlite3_stmt *from = query_ask(e->q, sql, subject), *to = NULL;
        int found = -1, rows = 0;

        if (from == NULL)
                return -1;
        int columns = sqlite3_column_count(from) - 1;
        sqlite3_bind_int64(from, 2, *key);
        sqlite3_bind_int(from, 3, SLICE);
        sqlite3_bind_int64(from, 4, e->span->from_us);
        sqlite3_bind_int64(from, 5, e->span->to_us);
        sqlite3_bind_int64(from, 6, e->span->audit_from);
        sqlite3_bind_int64(from, 7, e->span->audit_to);
        to = prepare_insert(e, table, columns);
        while (to != NULL && (found = query_next(e->q, from)) == 1) {
                *key = sqlite3_column_int64(from, columns);
                rows++;
                if (put_row(e, to, from, columns) != 0) {
                        found = -1;
                        break;
                }
        }
        sqlite3_finalize(from);
        sqlite3_finalize(to);
        return found < 0 ? -1 : rows;
}

static int copy_all(struct extract *e, const char *table, const char *sql, int64_t subject)
{
        int64_t key = INT64_MIN;
        int rows;

        do {
                if (!e->go_on())
                        return -1;
                rows = copy_slice(e, table, sql, subject, &key);
        } while (rows > 0);
        return rows;
}

static int run_sql(struct extract *e, const char *sql)
{
        return sqlite3_exec(e->to, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(e);
}

/* The next tag of the extract itself; 0: no more, -1: error. */
static int64_t next_tag(struct extract *e, int64_t after)
{
        sqlite3_stmt *stmt = NULL;
        int64_t id = -1;

        if (sqlite3_prepare_v2(
                e->to, "SELECT coalesce(min(id), 0) FROM tag WHERE id > ?1", -1, &stmt, NULL) == SQLITE_OK) {
                sqlite3_bind_int64(stmt, 1, after);
                if (sqlite3_step(stmt) == SQLITE_ROW)
                        id = sqlite3_column_int64(stmt, 0);
        }
        sqlite3_finalize(stmt);
        return id >= 0 ? id : fail(e);
}

static int copy_run(struct extract *e)
{
        int64_t tag = 0;
        int done = run_sql(e, "BEGIN");

        for (size_t i = 0; i < sizeof copies / sizeof copies[0] && done == 0; i++)
                done = copy_all(e, copies[i].table, copies[i].sql, e->span->run);
        while (done == 0 && (tag = next_tag(e, tag)) > 0)
                done = copy_all(e, "sample", samples, tag);
        return done == 0 && tag == 0 ? run_sql(e, "COMMIT") : -1;
}

int extract_run(struct query *q, const struct query_span *span, const char *path, bool (*go_on)(void),
    char *why, int why_cap)
{
        struct text t;
        struct extract e = {.q = q, .span = span, .go_on = go_on, .why = &t};
        int done = -1;

        text_init(&t, why, (size_t)why_cap);
        if (sqlite3_open(path, &e.to) != SQLITE_OK)
                text_add(&t, "%s: %s", path, e.to == NULL ? "out of memory" : sqlite3_errmsg(e.to));
        else if (run_sql(&e, "PRAGMA page_size=4096; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
                             "PRAGMA secure_delete=ON; PRAGMA foreign_keys=OFF") == 0 &&
                 schema_make(e.to, SCHEMA_EXTRACT_ID, &t))
                done = copy_run(&e);
        if (done != 0 && t.len == 0 && go_on())
                text_add(&t, "%s", query_why(q));
        sqlite3_close(e.to);
        return done;
}
