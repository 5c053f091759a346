#include "writer_state.h"

#include "ald/base/text.h"       /* text_add */
#include "ald/base/time.h"       /* TIME_S */
#include "ald/core/core.h"       /* CORE_PURGED */
#include "ald/core/inputq.h"     /* inputq_next */
#include "ald/core/recq.h"       /* recq_record and friends */
#include "ald/store/aside.h"     /* aside_is_ours */
#include "ald/store/ballast.h"   /* BALLAST_BYTES_DEFAULT */
#include "ald/store/counts.h"    /* counts_open */
#include "ald/store/lockfile.h"  /* lockfile_take, lockfile_drop */
#include "ald/store/past.h"      /* past_read */
#include "ald/store/recover.h"   /* recover_runs */
#include "ald/store/retention.h" /* retention_step */
#include "ald/store/rollup.h"    /* rollup_catch_up */
#include "ald/store/rows.h"      /* rows_put_record and friends */
#include "ald/store/schema.h"    /* schema_prepare */
#include "ald/store/statement.h" /* statement_prepare */
#include "ald/store/walscan.h"   /* walscan_is_damaged */

#include <assert.h>   /* assert */
#include <errno.h>    /* errno */
#include <fcntl.h>    /* open */
#include <sqlite3.h>  /* sqlite3 */
#include <stdlib.h>   /* calloc, free */
#include <string.h>   /* strerror */
#include <sys/stat.h> /* stat */
#include <time.h>     /* clock_gettime */
#include <unistd.h>   /* close */

int64_t writer_wall_us(void)
{
        struct timespec t;

        clock_gettime(CLOCK_REALTIME, &t);
        return (int64_t)t.tv_sec * TIME_S + t.tv_nsec / 1000;
}

/* The end of a long path tells more than its beginning. */
void writer_add_path(struct text *t, const char *path)
{
        size_t len = strlen(path);

        text_add(t, "%s%s: ", len > 90 ? "..." : "", len > 90 ? path + len - 87 : path);
}

static int note_wal_pages(void *context, sqlite3 *db, const char *name, int pages)
{
        struct writer *w = context;

        (void)db;
        (void)name;
        if (pages < w->wal_pages) /* it began anew */
                w->checkpoint_pages = WRITER_CHECKPOINT_PAGES;
        w->wal_pages = pages;
        return SQLITE_OK;
}

static bool is_regular(const char *path, struct text *why)
{
        struct stat st;

        if (stat(path, &st) != 0 || S_ISREG(st.st_mode))
                return true;
        text_add(why, S_ISDIR(st.st_mode) ? "a folder, not a database" : "not a regular file");
        return false;
}

/* SQLite tries other ways after the one that matters, and keeps the last one's errno. */
static void explain_open(struct writer *w, struct text *why)
{
        int fd = open(w->config->path, O_RDWR | O_CREAT | O_CLOEXEC, 0644), os = errno;

        if (fd >= 0)
                close(fd);
        if (fd < 0 && os == EROFS)
                writer_say_error("", os, why);
        else
                text_add(why, "%s",
                    fd < 0          ? strerror(os)
                    : w->db == NULL ? "out of memory"
                                    : sqlite3_errmsg(w->db));
}

bool writer_open_file(struct writer *w, struct text *why)
{
        int keep = 1;

        assert(w->db == NULL);
        int rc = sqlite3_open_v2(
            w->config->path, &w->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
        if (rc != SQLITE_OK) {
                explain_open(w, why);
                return false;
        }
        sqlite3_busy_timeout(w->db, WRITER_BUSY_MS);
        /* The -wal and -shm files outlive us, so that a reader without write permission finds what it needs. */
        sqlite3_file_control(w->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
        w->wal_pages = 0;
        w->checkpoint_pages = WRITER_CHECKPOINT_PAGES;
        return true;
}

static bool find_next_run(sqlite3 *db, int64_t *next, struct text *why)
{
        sqlite3_stmt *stmt = NULL;

        /* Also of runs that only events tell of: their rows are in a file that was moved aside. */
        sqlite3_prepare_v2(db,
            "SELECT 1 + max(coalesce((SELECT max(id) FROM run), 0),"
            " coalesce((SELECT max(run_id) FROM event WHERE run_id IS NOT NULL), 0))",
            -1, &stmt, NULL);
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

bool writer_read_batch(struct writer *w, int64_t *n, struct text *why)
{
        sqlite3_stmt *stmt = NULL;

        sqlite3_prepare_v2(w->db, "SELECT n FROM batch", -1, &stmt, NULL);
        bool ok = sqlite3_step(stmt) == SQLITE_ROW;
        if (ok)
                *n = sqlite3_column_int64(stmt, 0);
        else
                text_add(why, "%s", sqlite3_errmsg(w->db));
        sqlite3_finalize(stmt);
        return ok;
}

static bool begin_retention(struct writer *w, struct text *why)
{
        int rc;

        w->retention = retention_new(w->rows, &w->config->tool->history, &rc);
        if (w->retention == NULL)
                text_add(why, "%s", rows_error(w->rows));
        return w->retention != NULL;
}

bool writer_begin_rows(struct writer *w, struct text *why)
{
        const struct rows_config rows = {
            .tool = w->config->tool,
            .tool_text = w->config->tool_text,
            .tool_sha256 = w->config->tool_sha256,
            .version = w->config->version,
            .digest = w->config->sha256,
            .tell_head = w->config->tell_head,
            .wall_us = writer_wall_us(),
        };

        assert(w->rows == NULL);
        /* After schema_use_wal(): PRAGMA wal_autocheckpoint sets a hook of its own in this place. */
        sqlite3_wal_hook(w->db, note_wal_pages, w);
        w->rows = rows_new(w->db, &rows, why);
        return w->rows != NULL && begin_retention(w, why) && writer_read_batch(w, &w->batch, why);
}

bool writer_prepare(struct writer *w, struct writer_found *found, struct text *why)
{
        if (!schema_prepare(w->db, why))
                return false;
        /* What recovery adds must not pass for the last word of the process before. */
        if (!find_last_word(w->db, &found->was_left_open, why) ||
            !counts_open(w->db, w->config->tool, &found->counts, why) ||
            !recover_runs(w->db, writer_wall_us(), &found->interrupted_run, why) ||
            !find_next_run(w->db, &found->next_run_id, why) ||
            !past_read(w->db, w->config->tool, &found->past, why) || !writer_begin_rows(w, why))
                return false;
        /* So that a fresh file says by its own header whose it is, should its log be lost. */
        sqlite3_wal_checkpoint_v2(w->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        return true;
}

void writer_close_db(struct writer *w)
{
        if (w->rows != NULL)
                w->duplicates += rows_duplicates(w->rows);
        retention_free(w->retention);
        w->retention = NULL;
        rows_free(w->rows);
        w->rows = NULL;
        sqlite3_close(w->db);
        w->db = NULL;
}

static void free_writer(struct writer *w)
{
        writer_close_db(w);
        if (w->lock >= 0)
                lockfile_drop(w->config->path, w->lock);
        free(w);
}

static bool says_damaged(const char *reason, int code)
{
        return strncmp(reason, "damaged", 7) == 0 || code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

/* The schema is text in the file, and no check of SQLite's compares it with anything. */
static bool has_other_tables(sqlite3 *db)
{
        struct statements s = {0};
        bool has_others = statement_prepare(&s, db) == SQLITE_ERROR;

        statement_finalize(&s);
        return has_others;
}

/* Of our own files only, and not of one that merely could not be read or was made by a newer version. */
static bool is_damaged(struct writer *w)
{
        char reason[160];
        struct text t;
        int version;

        text_init(&t, reason, sizeof reason);
        if (w->db == NULL || !aside_is_ours(w->config->path))
                return false;
        if (!schema_check(w->db, &version, &t))
                return says_damaged("", sqlite3_errcode(w->db));
        if (!schema_check_sound(w->db, false, &t))
                return says_damaged(reason, sqlite3_errcode(w->db));
        return version == schema_version() && has_other_tables(w->db);
}

/* A disk that filled up while nobody was here leaves room only in place of the ballast. */
static bool open_file(struct writer *w, struct writer_found *found, struct text *why)
{
        char reason[160];
        struct text t;

        text_init(&t, reason, sizeof reason);
        if (writer_open_file(w, &t) && writer_prepare(w, found, &t))
                return true;
        if (!ballast_is_wanted(w->config->path)) {
                text_add(why, "%s", reason);
                return false;
        }
        ballast_release(w->config->path);
        writer_note_full(w);
        writer_close_db(w);
        return writer_open_file(w, why) && writer_prepare(w, found, why);
}

/* What is damaged is moved aside, and a fresh file begun; what is somebody else's is left alone. */
static bool open_any(struct writer *w, struct writer_found *found, struct text *why)
{
        char reason[160];
        struct text t;

        text_init(&t, reason, sizeof reason);
        bool is_bad = walscan_is_damaged(w->config->path, &t) && aside_is_ours(w->config->path);
        if (!is_bad) {
                text_init(&t, reason, sizeof reason);
                if (open_file(w, found, &t))
                        return true;
                is_bad = is_damaged(w);
        }
        if (!is_bad) {
                text_add(why, "%s", reason);
                return false;
        }
        if (!writer_begin_afresh(w, found, reason, why))
                return false;
        found->was_left_open = true; /* what nobody can say */
        return true;
}

struct writer *writer_open(const struct store_config *config, struct writer_found *found, struct text *why)
{
        struct writer *w = calloc(1, sizeof *w);

        if (w == NULL) {
                text_add(why, "out of memory");
                return NULL;
        }
        w->config = config;
        w->ballast_bytes = config->ballast_bytes == 0 ? BALLAST_BYTES_DEFAULT : config->ballast_bytes;
        w->wal_bytes_max = config->wal_bytes_max == 0 ? WRITER_WAL_BYTES_DEFAULT : config->wal_bytes_max;
        w->lock = -1;
        if (is_regular(config->path, why))
                w->lock = lockfile_take(config->path, why);
        if (w->lock >= 0 && open_any(w, found, why)) {
                writer_tend(w);
                return w;
        }
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

/* Of the records that are now on the disk. */
static void follow_run(struct writer *w, const struct record *r)
{
        if (r->kind == RECORD_RUN_START)
                w->run_open = r->run_id;
        if (r->kind == RECORD_RUN_END && r->run_id == w->run_open)
                w->run_open = 0;
        if (r->kind == RECORD_RUN_END && r->run_id == w->run_orphan)
                w->run_orphan = 0;
}

/* *batch is on the disk. */
static void count_batch(
    struct writer *w, struct recq *queue, const struct writer_batch *batch, int64_t gaps, int64_t duplicates)
{
        w->batch++;
        w->records += batch->records;
        w->samples += batch->samples - gaps - duplicates;
        for (uint32_t i = 0; i < batch->records; i++)
                follow_run(w, recq_record(queue, i));
}

/* How far a commit that failed came is not known: its number in the file will tell. */
static void note_doubt(struct writer *w, const struct writer_batch *batch, uint32_t place, int64_t gaps)
{
        w->has_doubt = true;
        w->doubt = *batch;
        w->doubt.inputs = place;
        w->doubt_gaps = gaps;
        w->doubt_duplicates = rows_duplicates_now(w->rows);
}

bool writer_write(struct writer *w, struct recq *queue, const struct inputq *inputs,
    const struct runcopies *copies, struct writer_batch *batch, struct text *why)
{
        int64_t gaps = 0, duplicates = rows_duplicates(w->rows);
        uint32_t place = 0;

        assert(batch->records + batch->samples + batch->inputs > 0 && w->trouble == TROUBLE_NONE);
        batch->starts = 0;
        w->has_doubt = false;
        int rc = rows_begin(w->rows);
        if (rc == SQLITE_OK)
                rc = put_records(w, queue, copies, batch->records, &batch->starts);
        if (rc == SQLITE_OK)
                rc = put_samples(w, queue, batch->samples, &gaps);
        if (rc == SQLITE_OK)
                rc = put_inputs(w, inputs, batch->inputs, &place);
        if (rc == SQLITE_OK) {
                note_doubt(w, batch, place, gaps);
                rc = rows_commit(w->rows);
        }
        if (rc != SQLITE_OK) {
                writer_note_failure(w, rows_error(w->rows), why);
                rows_rollback(w->rows);
                return false;
        }
        w->has_doubt = false;
        batch->inputs = place;
        count_batch(w, queue, batch, gaps, rows_duplicates(w->rows) - duplicates);
        return true;
}

bool writer_has_landed(struct writer *w, struct recq *queue, struct writer_batch *batch)
{
        if (!w->has_landed)
                return false;
        w->has_landed = false;
        *batch = w->doubt;
        w->duplicates += w->doubt_duplicates;
        w->batch--; /* it has been read from the file already */
        count_batch(w, queue, batch, w->doubt_gaps, w->doubt_duplicates);
        return true;
}

int64_t writer_samples(const struct writer *w)
{
        return w->samples;
}

int64_t writer_duplicates(const struct writer *w)
{
        return w->duplicates + (w->rows == NULL ? 0 : rows_duplicates(w->rows));
}

int64_t writer_records(const struct writer *w)
{
        return w->records;
}

void writer_close(struct writer *w)
{
        if (w == NULL)
                return;
        if (w->trouble == TROUBLE_NONE) {
                char why[160];
                struct text t;

                text_init(&t, why, sizeof why);
                (void)writer_tell_removed(
                    w, true, &t); /* what is not told is left behind when the disk is at fault */
                /* analysis_limit keeps optimize short in a large database. */
                sqlite3_exec(w->db, "PRAGMA analysis_limit=200; PRAGMA optimize", NULL, NULL, NULL);
                sqlite3_wal_checkpoint_v2(w->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        }
        free_writer(w);
}
