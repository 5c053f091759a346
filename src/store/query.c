#include "query_keep.h"
#include "query_state.h"

#include "ald/base/text.h"    /* text_add, text_copy */
#include "ald/base/time.h"    /* TIME_S */
#include "ald/store/schema.h" /* schema_check */

#include <assert.h>   /* assert */
#include <errno.h>    /* errno */
#include <math.h>     /* NAN */
#include <stdio.h>    /* snprintf */
#include <stdlib.h>   /* calloc, free */
#include <string.h>   /* strerror, strlen */
#include <sys/stat.h> /* stat */
#include <time.h>     /* clock_gettime */
#include <unistd.h>   /* access */

enum { BUSY_MS = 1000, OPS_BETWEEN_LOOKS = 10000 };

struct query {
        sqlite3 *db;
        char *path;
        int64_t limit_us, deadline_us;
        char why[256];
};

static int64_t now_us(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * TIME_S + t.tv_nsec / 1000;
}

static int is_late(void *query)
{
        return now_us() > ((const struct query *)query)->deadline_us;
}

int query_fail(struct query *q, const char *reason)
{
        struct text t;

        text_init(&t, q->why, sizeof q->why);
        text_add(&t, "%s: ", q->path);
        if (sqlite3_errcode(q->db) == SQLITE_INTERRUPT)
                text_add(&t, "no answer within %g s", (double)q->limit_us / (double)TIME_S);
        else
                text_add(&t, "%s", reason);
        return -1;
}

/* ---- Open ---- */

/* A WAL database without its -wal and -shm files in a folder that cannot be written (an archive): nobody can be writing
 * it, and SQLite reads it only when told so. */
static bool is_archive(const char *path)
{
        size_t cap = strlen(path) + 8;
        char *name = malloc(cap);
        struct stat st;

        if (name == NULL)
                return false;
        snprintf(name, cap, "%s-wal", path);
        bool has_wal = stat(name, &st) == 0;
        free(name);
        return !has_wal && access(path, R_OK) == 0;
}

/* "file:" with what is special in a URI escaped, and immutable=1. */
static char *archive_uri(const char *path)
{
        sqlite3_str *uri = sqlite3_str_new(NULL);

        sqlite3_str_appendall(uri, "file:");
        for (const char *c = path; *c != '\0'; c++) {
                if (*c == '%' || *c == '?' || *c == '#')
                        sqlite3_str_appendf(uri, "%%%02x", (unsigned)(unsigned char)*c);
                else
                        sqlite3_str_appendchar(uri, 1, *c);
        }
        sqlite3_str_appendall(uri, "?immutable=1");
        return sqlite3_str_finish(uri);
}

static int open_db(struct query *q, const char *name, int flags)
{
        int rc = sqlite3_open_v2(name, &q->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | flags, NULL);

        if (rc != SQLITE_OK)
                return rc;
        sqlite3_busy_timeout(q->db, BUSY_MS);
        sqlite3_progress_handler(q->db, OPS_BETWEEN_LOOKS, is_late, q);
        return sqlite3_exec(q->db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
}

static int open_any(struct query *q)
{
        int rc = open_db(q, q->path, 0);

        if (rc != SQLITE_CANTOPEN && rc != SQLITE_READONLY)
                return rc;
        if (!is_archive(q->path))
                return rc;
        char *uri = archive_uri(q->path);
        if (uri == NULL)
                return SQLITE_NOMEM;
        sqlite3_close(q->db);
        q->db = NULL;
        rc = open_db(q, uri, SQLITE_OPEN_URI);
        sqlite3_free(uri);
        return rc;
}

static bool connect_db(struct query *q, struct text *why)
{
        struct stat st;
        int version;

        if (stat(q->path, &st) != 0) {
                text_add(why, "%s", strerror(errno));
                return false;
        }
        if (!S_ISREG(st.st_mode)) {
                text_add(why, S_ISDIR(st.st_mode) ? "a folder, not a database" : "not a regular file");
                return false;
        }
        if (access(q->path, R_OK) != 0) {
                text_add(why, "%s", strerror(errno));
                return false;
        }
        int rc = open_any(q);
        if (rc != SQLITE_OK) {
                text_add(why, "%s", rc == SQLITE_NOTADB ? "not an SQLite database" : sqlite3_errmsg(q->db));
                return false;
        }
        if (!schema_check(q->db, &version, why))
                return false;
        if (version < schema_version())
                text_add(why,
                    "made by an older version (schema %d of %d): aldd brings it up to date when it opens it",
                    version, schema_version());
        return version == schema_version();
}

struct query *query_open(const char *path, char *why, int why_cap)
{
        assert(path != NULL && why_cap > 0);
        struct query *q = calloc(1, sizeof *q);
        struct text t;

        text_init(&t, why, (size_t)why_cap);
        text_add(&t, "%s: ", path);
        if (q != NULL)
                q->path = strdup(path);
        if (q == NULL || q->path == NULL) {
                text_add(&t, "out of memory");
                query_close(q);
                return NULL;
        }
        q->limit_us = QUERY_LIMIT_US;
        q->deadline_us = now_us() + q->limit_us;
        if (connect_db(q, &t)) {
                why[0] = '\0';
                return q;
        }
        query_close(q);
        return NULL;
}

void query_close(struct query *q)
{
        if (q == NULL)
                return;
        sqlite3_close(q->db);
        free(q->path);
        free(q);
}

void query_set_limit(struct query *q, int64_t limit_us)
{
        assert(limit_us > 0);
        q->limit_us = limit_us;
}

const char *query_why(const struct query *q)
{
        return q->why;
}

/* ---- Ask ---- */

sqlite3 *query_renew(struct query *q)
{
        q->deadline_us = now_us() + q->limit_us;
        return q->db;
}

sqlite3_stmt *query_ask(struct query *q, const char *sql, int64_t argument)
{
        sqlite3_stmt *stmt = NULL;

        q->deadline_us = now_us() + q->limit_us;
        if (sqlite3_prepare_v2(q->db, sql, -1, &stmt, NULL) != SQLITE_OK) {
                query_fail(q, sqlite3_errmsg(q->db));
                return NULL;
        }
        sqlite3_bind_int64(stmt, 1, argument);
        return stmt;
}

int query_next(struct query *q, sqlite3_stmt *stmt)
{
        int rc = sqlite3_step(stmt);

        if (rc == SQLITE_ROW || rc == SQLITE_DONE)
                return rc == SQLITE_ROW;
        return query_fail(q, sqlite3_errmsg(q->db));
}

void query_get_text(sqlite3_stmt *stmt, int column, char *to, size_t cap)
{
        const char *text = (const char *)sqlite3_column_text(stmt, column);

        text_copy(to, cap, text == NULL ? "" : text);
}

int64_t query_get_known(sqlite3_stmt *stmt, int column)
{
        return sqlite3_column_type(stmt, column) == SQLITE_NULL ? -1 : sqlite3_column_int64(stmt, column);
}

double query_get_number(sqlite3_stmt *stmt, int column)
{
        return sqlite3_column_type(stmt, column) == SQLITE_NULL ? NAN : sqlite3_column_double(stmt, column);
}

#define RUN_COLUMNS                                                                                          \
        "SELECT id, recipe, state, reason, operator, started_us, ended_us,"                                  \
        " (SELECT count(*) FROM cycle WHERE run_id = run.id),"                                               \
        " (SELECT count(*) FROM pulse WHERE run_id = run.id), recipe_sha256, tool_sha256, version,"          \
        " json_extract(declared, '$.timed_s'), json_extract(declared, '$.pressure_unit'), last_step, "       \
        "resumes,"                                                                                           \
        " resumes_cycle, resumes_path, resumes_attempt FROM run "

static void get_run(sqlite3_stmt *stmt, struct query_run *run)
{
        *run = (struct query_run){
            .id = sqlite3_column_int64(stmt, 0),
            .started_us = sqlite3_column_int64(stmt, 5),
            .ended_us = sqlite3_column_int64(stmt, 6), /* NULL reads as 0 */
            .timed_us = (int64_t)(sqlite3_column_double(stmt, 12) * 1e6 + 0.5),
            .cycles = sqlite3_column_int64(stmt, 7),
            .pulses = sqlite3_column_int64(stmt, 8),
            .resumes = sqlite3_column_int64(stmt, 15),
            .resumes_cycle = sqlite3_column_int64(stmt, 16),
            .resumes_attempt = sqlite3_column_int(stmt, 18),
        };
        query_get_text(stmt, 1, run->recipe, sizeof run->recipe);
        query_get_text(stmt, 2, run->state, sizeof run->state);
        query_get_text(stmt, 3, run->reason, sizeof run->reason);
        query_get_text(stmt, 4, run->user, sizeof run->user);
        query_get_text(stmt, 9, run->recipe_sha256, sizeof run->recipe_sha256);
        query_get_text(stmt, 10, run->tool_sha256, sizeof run->tool_sha256);
        query_get_text(stmt, 11, run->version, sizeof run->version);
        query_get_text(stmt, 13, run->pressure_unit, sizeof run->pressure_unit);
        query_get_text(stmt, 14, run->last_step, sizeof run->last_step);
        query_get_text(stmt, 17, run->resumes_path, sizeof run->resumes_path);
}

int query_runs(struct query *q, int limit, void (*row)(void *ctx, const struct query_run *run), void *ctx)
{
        return query_runs_before(q, INT64_MAX, limit, row, ctx);
}

int query_runs_before(struct query *q, int64_t before, int limit,
    void (*row)(void *ctx, const struct query_run *run), void *ctx)
{
        sqlite3_stmt *stmt = query_ask(q, RUN_COLUMNS "WHERE id < ?1 ORDER BY id DESC LIMIT ?2", before);
        struct query_keep kept = {0};
        struct query_run run;
        int found;

        if (stmt == NULL)
                return -1;
        sqlite3_bind_int(stmt, 2, limit);
        while ((found = query_next(q, stmt)) == 1) {
                get_run(stmt, &run);
                if (!query_keep_add(&kept, &run, sizeof run))
                        break;
        }
        sqlite3_finalize(stmt);
        for (size_t i = 0; i < kept.count; i++)
                row(ctx, (const struct query_run *)(const void *)kept.rows + i);
        query_keep_free(&kept);
        return found == 1 ? query_fail(q, "out of memory") : found;
}

static int take_run(struct query *q, sqlite3_stmt *stmt, struct query_run *out)
{
        if (stmt == NULL)
                return -1;
        int found = query_next(q, stmt);
        if (found == 1)
                get_run(stmt, out);
        sqlite3_finalize(stmt);
        return found;
}

int query_run(struct query *q, int64_t id, struct query_run *out)
{
        return take_run(q, query_ask(q, RUN_COLUMNS "WHERE id = ?1", id), out);
}

int query_resumed_by(struct query *q, int64_t id, struct query_run *out)
{
        return take_run(q, query_ask(q, RUN_COLUMNS "WHERE resumes = ?1 ORDER BY id DESC LIMIT 1", id), out);
}

static int list_events(
    struct query *q, sqlite3_stmt *stmt, void (*row)(void *ctx, const struct query_event *e), void *ctx)
{
        struct query_keep kept = {0};
        int found;

        while ((found = query_next(q, stmt)) == 1) {
                struct query_event e = {.t_us = sqlite3_column_int64(stmt, 0)};

                query_get_text(stmt, 1, e.kind, sizeof e.kind);
                query_get_text(stmt, 2, e.severity, sizeof e.severity);
                query_get_text(stmt, 3, e.source, sizeof e.source);
                query_get_text(stmt, 4, e.text, sizeof e.text);
                if (!query_keep_add(&kept, &e, sizeof e))
                        break;
        }
        sqlite3_finalize(stmt);
        for (size_t i = 0; i < kept.count; i++)
                row(ctx, (const struct query_event *)(const void *)kept.rows + i);
        query_keep_free(&kept);
        return found == 1 ? query_fail(q, "out of memory") : found;
}

#define EVENT_COLUMNS "SELECT t_us, kind, severity, source, text FROM event "

int query_events(
    struct query *q, int64_t run_id, void (*row)(void *ctx, const struct query_event *e), void *ctx)
{
        sqlite3_stmt *stmt = query_ask(q,
            EVENT_COLUMNS
            "WHERE run_id = ?1 AND (severity <> 'info' OR kind IN ('note', 'confirm', 'leak', 'bypass')"
            " OR (kind = 'state' AND source IN ('hold', 'resume'))) ORDER BY t_us, id",
            run_id);

        return stmt == NULL ? -1 : list_events(q, stmt, row, ctx);
}

int query_events_between(struct query *q, int64_t from_us, int64_t to_us,
    void (*row)(void *ctx, const struct query_event *e), void *ctx)
{
        sqlite3_stmt *stmt =
            query_ask(q, EVENT_COLUMNS "WHERE t_us BETWEEN ?1 AND ?2 ORDER BY t_us, id LIMIT 1000", from_us);

        if (stmt == NULL)
                return -1;
        sqlite3_bind_int64(stmt, 2, to_us);
        return list_events(q, stmt, row, ctx);
}
