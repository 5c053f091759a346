#include "ald/store/retention.h"

#include "ald/base/text.h"       /* text_add */
#include "ald/store/rollup.h"    /* rollup_mark */
#include "ald/store/rows.h"      /* rows_put_record */
#include "ald/store/statement.h" /* statement_run */

#include <assert.h>   /* assert */
#include <inttypes.h> /* PRId64 */
#include <stdlib.h>   /* calloc, free */
#include <string.h>   /* memcpy */

#define PASS_US (10 * TIME_MIN) /* from the end of one pass over all tags to the next */
#define TELL_US (24 * TIME_H)
#define FAR_US  (INT64_MAX / 2) /* the end of a run under way */

/* Samples before are gone: outside of runs, and within them too. INT64_MIN: none was ever removed. */
struct place {
        int64_t kept_us, runs_us;
};

enum sql { SQL_FIRST, SQL_RUN, SQL_NEXT_RUN, SQL_NTH, SQL_DELETE, SQL_MARK, SQL_COUNT };

struct retention {
        struct rows *rows;
        struct statements *sql;
        struct rollup *rollup;
        struct tool_history history;
        sqlite3_stmt *prepared[SQL_COUNT];
        struct place *now, *committed;
        int tag;                               /* at work on this one */
        int64_t due_us;                        /* the next pass */
        int64_t removed, removed_runs;         /* not told yet */
        int64_t removed_now, removed_runs_now; /* in the transaction under way */
        int64_t told_us;                       /* INT64_MIN: never */
};

static const char *const texts[SQL_COUNT] = {
    [SQL_FIRST] = "SELECT min(t_us) FROM sample WHERE tag_id = ?1 AND t_us >= ?2",
    /* Until when runs hold what was sampled at ?1; ?2 is the margin, ?3 the end of one under way. */
    [SQL_RUN] = "SELECT max(coalesce(ended_us, ?3) + ?2) FROM run WHERE started_us <= ?1 + ?2"
                " AND coalesce(ended_us, ?3) + ?2 > ?1",
    [SQL_NEXT_RUN] = "SELECT min(started_us) - ?2 FROM run WHERE started_us > ?1 + ?2",
    [SQL_NTH] = "SELECT t_us FROM sample WHERE tag_id = ?1 AND t_us >= ?2 AND t_us < ?3 ORDER BY t_us"
                " LIMIT 1 OFFSET ?4",
    [SQL_DELETE] = "DELETE FROM sample WHERE tag_id = ?1 AND t_us >= ?2 AND t_us < ?3",
    [SQL_MARK] = "INSERT INTO rollup_mark(tag_id, period, t_us) VALUES(?1, ?2, ?3)"
                 " ON CONFLICT DO UPDATE SET t_us = excluded.t_us",
};

/* ---- Open ---- */

static int read_places(struct retention *r)
{
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(r->sql->db,
            "SELECT (SELECT t_us FROM rollup_mark WHERE tag_id = ?1 AND period = ?2),"
            " (SELECT t_us FROM rollup_mark WHERE tag_id = ?1 AND period = ?3)",
            -1, &stmt, NULL);

        for (int i = 0; i < rollup_tags(r->rollup) && rc == SQLITE_OK; i++) {
                sqlite3_bind_int64(stmt, 1, rollup_tag_id(r->rollup, i));
                sqlite3_bind_int64(stmt, 2, ROLLUP_SAMPLES);
                sqlite3_bind_int64(stmt, 3, ROLLUP_RUN_SAMPLES);
                if (sqlite3_step(stmt) == SQLITE_ROW) {
                        bool has_kept = sqlite3_column_type(stmt, 0) != SQLITE_NULL,
                             has_runs = sqlite3_column_type(stmt, 1) != SQLITE_NULL;

                        r->now[i].kept_us = has_kept ? sqlite3_column_int64(stmt, 0) : INT64_MIN;
                        r->now[i].runs_us = has_runs ? sqlite3_column_int64(stmt, 1) : INT64_MIN;
                }
                rc = sqlite3_reset(stmt);
        }
        sqlite3_finalize(stmt);
        return rc;
}

static int open_all(struct retention *r)
{
        size_t count = (size_t)rollup_tags(r->rollup) + 1;
        int rc = SQLITE_OK;

        r->now = calloc(count, sizeof *r->now);
        r->committed = calloc(count, sizeof *r->committed);
        if (r->now == NULL || r->committed == NULL)
                return SQLITE_NOMEM;
        for (int i = 0; i < SQL_COUNT && rc == SQLITE_OK; i++)
                rc = sqlite3_prepare_v3(
                    r->sql->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT, &r->prepared[i], NULL);
        if (rc == SQLITE_OK)
                rc = read_places(r);
        retention_commit(r);
        return rc;
}

struct retention *retention_new(struct rows *rows, const struct tool_history *history, int *rc)
{
        struct retention *r = calloc(1, sizeof *r);

        if (r == NULL) {
                *rc = SQLITE_NOMEM;
                return NULL;
        }
        assert(history->runs_us == 0 || history->runs_us >= history->samples_us);
        r->rows = rows;
        r->sql = rows_statements(rows);
        r->rollup = rows_rollup(rows);
        r->history = *history;
        r->due_us = r->told_us = INT64_MIN;
        *rc = open_all(r);
        if (*rc == SQLITE_OK)
                return r;
        statement_failed(r->sql, *rc);
        retention_free(r);
        return NULL;
}

void retention_free(struct retention *r)
{
        if (r == NULL)
                return;
        for (int i = 0; i < SQL_COUNT; i++)
                sqlite3_finalize(r->prepared[i]);
        free(r->now);
        free(r->committed);
        free(r);
}

/* ---- Remove ---- */

/* One number of a bound statement; `otherwise` when it is NULL or there is no row. */
static int ask(struct retention *r, sqlite3_stmt *stmt, int64_t otherwise, int64_t *value)
{
        int rc = sqlite3_step(stmt);

        *value = rc == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL
                     ? sqlite3_column_int64(stmt, 0)
                     : otherwise;
        if (rc != SQLITE_ROW && rc != SQLITE_DONE)
                statement_failed(r->sql, rc);
        sqlite3_reset(stmt);
        return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static sqlite3_stmt *bind(struct retention *r, enum sql which, int64_t a, int64_t b, int64_t c)
{
        sqlite3_stmt *stmt = r->prepared[which];
        const int64_t values[] = {a, b, c};

        for (int i = 0; i < 3 && i < sqlite3_bind_parameter_count(stmt); i++)
                sqlite3_bind_int64(stmt, i + 1, values[i]);
        return stmt;
}

/* Remove the first samples in [*at_us, end_us), at most *left; *at_us: up to where none is left. */
static int remove_some(struct retention *r, int64_t *at_us, int64_t end_us, int *left, int64_t *removed)
{
        int64_t id = rollup_tag_id(r->rollup, r->tag), until_us;
        sqlite3_stmt *stmt = bind(r, SQL_NTH, id, *at_us, end_us);

        sqlite3_bind_int64(stmt, 4, *left);
        int rc = ask(r, stmt, end_us, &until_us);
        if (rc == SQLITE_OK)
                rc = statement_run(r->sql, bind(r, SQL_DELETE, id, *at_us, until_us));
        if (rc != SQLITE_OK)
                return rc;
        *left -= sqlite3_changes(r->sql->db);
        *removed += sqlite3_changes(r->sql->db);
        *at_us = until_us;
        return SQLITE_OK;
}

/* *at_us: over what is empty. */
static int skip_empty(struct retention *r, int64_t *at_us, int64_t end_us)
{
        int64_t first_us;
        int rc = ask(r, bind(r, SQL_FIRST, rollup_tag_id(r->rollup, r->tag), *at_us, 0), end_us, &first_us);

        *at_us = time_min(first_us, end_us);
        return rc;
}

/* Go on from *at_us to end_us: over the time of a run, or through the time before the next one. */
static int move_outside(struct retention *r, int64_t *at_us, int64_t end_us, int *left)
{
        int64_t held_us, next_us;
        int rc = skip_empty(r, at_us, end_us);

        if (rc != SQLITE_OK || *at_us == end_us)
                return rc;
        rc = ask(r, bind(r, SQL_RUN, *at_us, RETENTION_MARGIN_US, FAR_US), *at_us, &held_us);
        if (rc == SQLITE_OK && held_us > *at_us) {
                *at_us = time_min(held_us, end_us);
                return rc;
        }
        if (rc == SQLITE_OK)
                rc = ask(r, bind(r, SQL_NEXT_RUN, *at_us, RETENTION_MARGIN_US, 0), end_us, &next_us);
        if (rc == SQLITE_OK)
                rc = remove_some(r, at_us, time_min(next_us, end_us), left, &r->removed_now);
        return rc;
}

/* Up to where the tag at work may lose samples kept for so long; 0: for ever. */
static int64_t find_end(const struct retention *r, int64_t wall_us, int64_t keep_us)
{
        return keep_us == 0 ? INT64_MIN : time_min(wall_us - keep_us, rollup_mark(r->rollup, r->tag));
}

static int put_mark(struct retention *r, int64_t which, int64_t t_us)
{
        return statement_run(r->sql, bind(r, SQL_MARK, rollup_tag_id(r->rollup, r->tag), which, t_us));
}

static int work_on_tag(struct retention *r, int64_t wall_us, int *left)
{
        struct place *at = &r->now[r->tag];
        const struct place before = *at;
        int64_t kept_us = find_end(r, wall_us, r->history.samples_us),
                runs_us = find_end(r, wall_us, r->history.runs_us);
        int rc = SQLITE_OK;

        while (at->kept_us<kept_us && * left> 0 && rc == SQLITE_OK)
                rc = move_outside(r, &at->kept_us, kept_us, left);
        while (at->runs_us<runs_us && * left> 0 && rc == SQLITE_OK)
                rc = remove_some(r, &at->runs_us, runs_us, left, &r->removed_runs_now);
        if (rc == SQLITE_OK && at->kept_us != before.kept_us)
                rc = put_mark(r, ROLLUP_SAMPLES, at->kept_us);
        if (rc == SQLITE_OK && at->runs_us != before.runs_us)
                rc = put_mark(r, ROLLUP_RUN_SAMPLES, at->runs_us);
        return rc;
}

bool retention_is_due(const struct retention *r, int64_t wall_us)
{
        return r->history.samples_us > 0 && wall_us >= r->due_us;
}

int retention_step(struct retention *r, int64_t wall_us, int samples)
{
        int rc = SQLITE_OK, left = samples;

        assert(samples > 0);
        while (left > 0 && rc == SQLITE_OK && r->tag < rollup_tags(r->rollup)) {
                rc = work_on_tag(r, wall_us, &left);
                r->tag += left > 0;
        }
        if (rc == SQLITE_OK && r->tag == rollup_tags(r->rollup)) { /* the pass is over */
                r->tag = 0;
                r->due_us = wall_us + PASS_US;
        }
        return rc;
}

void retention_commit(struct retention *r)
{
        memcpy(r->committed, r->now, (size_t)rollup_tags(r->rollup) * sizeof *r->now);
        r->removed += r->removed_now;
        r->removed_runs += r->removed_runs_now;
        r->removed_now = r->removed_runs_now = 0;
}

void retention_rollback(struct retention *r)
{
        memcpy(r->now, r->committed, (size_t)rollup_tags(r->rollup) * sizeof *r->now);
        r->removed_now = r->removed_runs_now = 0;
        r->tag = 0;
        r->due_us = INT64_MIN;
}

static void add_age(struct text *t, const char *where, int64_t removed, int64_t keep_us)
{
        text_add(t, "%" PRId64 " samples %s older than ", removed, where);
        time_add_duration(t, keep_us);
}

bool retention_has_news(const struct retention *r, int64_t wall_us, bool is_last)
{
        bool is_time =
            r->tag == 0 && (r->told_us == INT64_MIN || wall_us - r->told_us >= TELL_US); /* a pass is over */

        return r->removed + r->removed_runs > 0 && (is_last || is_time);
}

int retention_tell(struct retention *r, int64_t wall_us)
{
        struct record note = {.kind = RECORD_EVENT, .wall_us = wall_us};
        struct text t;

        text_copy(note.u.event.kind, sizeof note.u.event.kind, "retention");
        text_copy(note.u.event.source, sizeof note.u.event.source, "record");
        text_init(&t, note.u.event.text, sizeof note.u.event.text);
        text_add(&t, "removed as the tool file's `history` asks: ");
        add_age(&t, "outside of runs", r->removed, r->history.samples_us);
        if (r->removed_runs > 0) {
                text_add(&t, ", ");
                add_age(&t, "of runs", r->removed_runs, r->history.runs_us);
        }
        return rows_put_record(r->rows, &note, NULL);
}

void retention_told(struct retention *r, int64_t wall_us)
{
        r->told_us = wall_us;
        r->removed = r->removed_runs = 0;
}
