#include "ald/store/writer.h"

#include "ald/base/text.h"       /* text_add */
#include "ald/base/time.h"       /* TIME_S */
#include "ald/core/core.h"       /* CORE_PURGED */
#include "ald/core/inputq.h"     /* inputq_next */
#include "ald/core/recq.h"       /* recq_record and friends */
#include "ald/store/counts.h"    /* counts_open */
#include "ald/store/lockfile.h"  /* lockfile_take, lockfile_drop */
#include "ald/store/past.h"      /* past_read */
#include "ald/store/recover.h"   /* recover_runs */
#include "ald/store/retention.h" /* retention_step */
#include "ald/store/rollup.h"    /* rollup_catch_up */
#include "ald/store/rows.h"      /* rows_put_record and friends */
#include "ald/store/schema.h"    /* schema_prepare */

#include <assert.h>   /* assert */
#include <sqlite3.h>  /* sqlite3 */
#include <stdlib.h>   /* calloc, free */
#include <string.h>   /* strerror */
#include <sys/stat.h> /* stat */
#include <time.h>     /* clock_gettime */

/* Another program may hold the write lock for a moment (somebody's sqlite3 shell). */
enum { BUSY_MS = 1000 };

enum { CHECKPOINT_PAGES = 1000 };
#define CHECKPOINT_US (60 * TIME_S)

/* One slice of tidying. */
enum { TIDY_PERIODS = 256, TIDY_SAMPLES = 1000 };
#define TIDY_US (10 * TIME_MS)

struct writer {
        const struct store_config *config;
        int lock;
        sqlite3 *db;
        struct rows *rows;
        struct retention *retention;
        int64_t records, samples;
        int wal_pages;        /* after the last commit */
        int checkpoint_pages; /* due at this length of the log */
        int64_t checkpoint_us;
};

static int64_t wall_now_us(void)
{
        struct timespec t;

        clock_gettime(CLOCK_REALTIME, &t);
        return (int64_t)t.tv_sec * TIME_S + t.tv_nsec / 1000;
}

static int64_t monotonic_now_us(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * TIME_S + t.tv_nsec / 1000;
}

static int note_wal_pages(void *context, sqlite3 *db, const char *name, int pages)
{
        struct writer *w = context;

        (void)db;
        (void)name;
        if (pages < w->wal_pages) /* it began anew */
                w->checkpoint_pages = CHECKPOINT_PAGES;
        w->wal_pages = pages;
        return SQLITE_OK;
}

static bool open_file(struct writer *w, struct text *why)
{
        struct stat st;

        if (stat(w->config->path, &st) == 0 && !S_ISREG(st.st_mode)) {
                text_add(why, S_ISDIR(st.st_mode) ? "a folder, not a database" : "not a regular file");
                return false;
        }
        w->lock = lockfile_take(w->config->path, why);
        if (w->lock < 0)
                return false;
        int rc = sqlite3_open_v2(
            w->config->path, &w->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
        if (rc == SQLITE_OK)
                return true;
        int os = w->db == NULL ? 0 : sqlite3_system_errno(w->db);
        text_add(why, "%s", os != 0 ? strerror(os) : w->db == NULL ? "out of memory" : sqlite3_errmsg(w->db));
        return false;
}

static bool find_next_run(sqlite3 *db, int64_t *next, struct text *why)
{
        sqlite3_stmt *stmt = NULL;

        sqlite3_prepare_v2(db, "SELECT coalesce(max(id), 0) + 1 FROM run", -1, &stmt, NULL);
        bool ok = sqlite3_step(stmt) == SQLITE_ROW;
        if (ok)
                *next = sqlite3_column_int64(stmt, 0);
        else
                text_add(why, "%s", sqlite3_errmsg(db));
        sqlite3_finalize(stmt);
        return ok;
}

/* By the last event of the processes before, so before this one makes any. */
static bool find_last_word(sqlite3 *db, bool *was_left_open, struct text *why)
{
        sqlite3_stmt *stmt = NULL;

        sqlite3_prepare_v2(db,
            "SELECT coalesce((SELECT kind <> 'state' OR source <> ?1 FROM event ORDER BY id DESC LIMIT 1), "
            "0)",
            -1, &stmt, NULL);
        sqlite3_bind_text(stmt, 1, CORE_PURGED, -1, SQLITE_STATIC);
        bool ok = sqlite3_step(stmt) == SQLITE_ROW;
        if (ok)
                *was_left_open = sqlite3_column_int(stmt, 0) != 0;
        else
                text_add(why, "%s", sqlite3_errmsg(db));
        sqlite3_finalize(stmt);
        return ok;
}

static bool prepare(struct writer *w, struct writer_found *found, struct text *why)
{
        const struct rows_config rows = {
            .tool = w->config->tool,
            .tool_text = w->config->tool_text,
            .tool_sha256 = w->config->tool_sha256,
            .version = w->config->version,
            .digest = w->config->sha256,
            .tell_head = w->config->tell_head,
            .wall_us = wall_now_us(),
        };
        int keep = 1;

        sqlite3_busy_timeout(w->db, BUSY_MS);
        if (!schema_prepare(w->db, why))
                return false;
        /* The -wal and -shm files outlive us, so that a reader without write permission finds what it needs. */
        sqlite3_file_control(w->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
        sqlite3_wal_hook(w->db, note_wal_pages, w);
        w->checkpoint_pages = CHECKPOINT_PAGES;
        /* What recovery adds must not pass for the last word of the process before. */
        if (!find_last_word(w->db, &found->was_left_open, why) ||
            !counts_open(w->db, w->config->tool, &found->counts, why) ||
            !recover_runs(w->db, wall_now_us(), &found->interrupted_run, why) ||
            !find_next_run(w->db, &found->next_run_id, why) ||
            !past_read(w->db, w->config->tool, &found->past, why))
                return false;
        w->rows = rows_new(w->db, &rows, why);
        if (w->rows == NULL)
                return false;
        int rc;
        w->retention = retention_new(w->rows, &w->config->tool->history, &rc);
        if (w->retention == NULL)
                text_add(why, "%s", rows_error(w->rows));
        return w->retention != NULL;
}

static void free_writer(struct writer *w)
{
        retention_free(w->retention);
        rows_free(w->rows);
        sqlite3_close(w->db);
        if (w->lock >= 0)
                lockfile_drop(w->config->path, w->lock);
        free(w);
}

struct writer *writer_open(const struct store_config *config, struct writer_found *found, struct text *why)
{
        struct writer *w = calloc(1, sizeof *w);

        if (w == NULL) {
                text_add(why, "out of memory");
                return NULL;
        }
        w->config = config;
        w->lock = -1;
        if (open_file(w, why) && prepare(w, found, why))
                return w;
        free_writer(w);
        return NULL;
}

/* *starts: how many run copies belong to these records. */
static int put_records(
    struct writer *w, struct recq *queue, const struct runcopies *copies, uint32_t n, uint32_t *starts)
{
        int rc = SQLITE_OK;

        for (uint32_t i = 0; i < n && rc == SQLITE_OK; i++) {
                const struct record *r = recq_record(queue, i);
                bool is_start = r->kind == RECORD_RUN_START;

                rc = rows_put_record(w->rows, r, is_start ? runcopies_at(copies, *starts) : NULL);
                *starts += is_start;
        }
        return rc;
}

static int put_samples(struct writer *w, struct recq *queue, uint32_t n, int64_t *gaps)
{
        int rc = SQLITE_OK;

        for (uint32_t i = 0; i < n && rc == SQLITE_OK; i++) {
                const struct recq_sample *s = recq_sample(queue, i);

                rc = rows_put_sample(w->rows, s);
                *gaps += s->gap > 0;
        }
        return rc;
}

/* *place: how far it went, at least to `until`, as long as there are pieces. */
static int put_inputs(struct writer *w, const struct inputq *inputs, uint32_t until, uint32_t *place)
{
        struct tape_piece piece;
        int rc = SQLITE_OK;

        while (rc == SQLITE_OK && *place < until && inputq_next(inputs, place, &piece))
                rc = rows_put_input(w->rows, &piece);
        return rc;
}

bool writer_write(struct writer *w, struct recq *queue, const struct inputq *inputs,
    const struct runcopies *copies, struct writer_batch *batch, struct text *why)
{
        int64_t gaps = 0, duplicates = rows_duplicates(w->rows);
        uint32_t place = 0;

        assert(batch->records + batch->samples + batch->inputs > 0);
        batch->starts = 0;
        int rc = rows_begin(w->rows);
        if (rc == SQLITE_OK)
                rc = put_records(w, queue, copies, batch->records, &batch->starts);
        if (rc == SQLITE_OK)
                rc = put_samples(w, queue, batch->samples, &gaps);
        if (rc == SQLITE_OK)
                rc = put_inputs(w, inputs, batch->inputs, &place);
        if (rc == SQLITE_OK)
                rc = rows_commit(w->rows);
        if (rc != SQLITE_OK) {
                rows_rollback(w->rows);
                text_add(why, "%s", rows_error(w->rows));
                return false;
        }
        batch->inputs = place;
        w->records += batch->records;
        w->samples += batch->samples - gaps - (rows_duplicates(w->rows) - duplicates);
        return true;
}

bool writer_checkpoint(struct writer *w, int64_t now_us, struct text *why)
{
        if (w->wal_pages < w->checkpoint_pages && now_us - w->checkpoint_us < CHECKPOINT_US)
                return true;
        int rc = sqlite3_wal_checkpoint_v2(w->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

        w->checkpoint_us = now_us;
        /* While a reader keeps the log from starting anew it goes on growing: no further try at every commit. */
        w->checkpoint_pages = w->wal_pages + CHECKPOINT_PAGES;
        if (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
                return true;
        text_add(why, "checkpoint: %s", sqlite3_errmsg(w->db));
        return false;
}

/* Rollups first: what they lack is not removed. */
static int tidy(struct writer *w, int64_t wall_us)
{
        int64_t begun_us = monotonic_now_us();
        int rc = rollup_catch_up(rows_rollup(w->rows), TIDY_PERIODS);

        while (rc == SQLITE_OK && !rollup_is_behind(rows_rollup(w->rows)) &&
               retention_is_due(w->retention, wall_us) && monotonic_now_us() - begun_us < TIDY_US)
                rc = retention_step(w->retention, wall_us, TIDY_SAMPLES);
        return rc;
}

static int tell(struct writer *w, int64_t wall_us)
{
        return retention_tell(w->retention, wall_us);
}

/* One transaction of either. */
static bool run_alone(
    struct writer *w, int (*put)(struct writer *w, int64_t wall_us), int64_t wall_us, struct text *why)
{
        int rc = rows_begin(w->rows);

        if (rc == SQLITE_OK)
                rc = put(w, wall_us);
        if (rc == SQLITE_OK)
                rc = rows_commit(w->rows);
        if (rc == SQLITE_OK) {
                retention_commit(w->retention);
                return true;
        }
        rows_rollback(w->rows);
        retention_rollback(w->retention);
        text_add(why, "%s", rows_error(w->rows));
        return false;
}

static bool run_tell(struct writer *w, bool is_last, struct text *why)
{
        int64_t wall_us = wall_now_us();

        if (!retention_has_news(w->retention, wall_us, is_last))
                return true;
        if (!run_alone(w, tell, wall_us, why))
                return false;
        retention_told(w->retention, wall_us);
        return true;
}

static bool is_untidy(const struct writer *w)
{
        return rollup_is_behind(rows_rollup(w->rows)) || retention_is_due(w->retention, wall_now_us());
}

bool writer_tidy(struct writer *w, bool *more, struct text *why)
{
        bool ok = !is_untidy(w) || (run_alone(w, tidy, wall_now_us(), why) && run_tell(w, false, why));

        *more = ok && is_untidy(w);
        return ok;
}

int64_t writer_samples(const struct writer *w)
{
        return w->samples;
}

int64_t writer_duplicates(const struct writer *w)
{
        return rows_duplicates(w->rows);
}

int64_t writer_records(const struct writer *w)
{
        return w->records;
}

void writer_close(struct writer *w)
{
        if (w == NULL)
                return;
        char why[160];
        struct text t;

        text_init(&t, why, sizeof why);
        (void)run_tell(w, true, &t); /* what is not told is left behind when the disk is at fault */
        /* analysis_limit keeps optimize short in a large database. */
        sqlite3_exec(w->db, "PRAGMA analysis_limit=200; PRAGMA optimize", NULL, NULL, NULL);
        sqlite3_wal_checkpoint_v2(w->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        free_writer(w);
}
