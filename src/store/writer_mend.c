#include "writer_state.h"

#include "ald/base/text.h"     /* text_add, text_copy */
#include "ald/core/recq.h"     /* struct recq */
#include "ald/store/aside.h"   /* aside_move */
#include "ald/store/ballast.h" /* ballast_make, ballast_release */
#include "ald/store/rows.h"    /* rows_put_record and friends */
#include "ald/store/schema.h"  /* schema_check, schema_check_sound, schema_use_wal */
#include "ald/store/walscan.h" /* walscan_is_damaged */

#include <assert.h>   /* assert */
#include <errno.h>    /* ENOSPC, EDQUOT */
#include <fcntl.h>    /* open, posix_fadvise */
#include <inttypes.h> /* PRId64 */
#include <limits.h>   /* PATH_MAX */
#include <stdio.h>    /* snprintf */
#include <string.h>   /* strerror, strncmp */
#include <unistd.h>   /* close */

/* ---- A full disk ---- */

void writer_note_full(struct writer *w)
{
        text_copy(w->full_why, sizeof w->full_why,
            "the disk is full: events go on into a reserve, samples wait: make room");
        w->is_full = true;
}

static void note_full(struct writer *w, struct text *why)
{
        writer_note_full(w);
        if (w->has_ballast)
                ballast_release(w->config->path);
        text_add(why, "%s",
            w->has_ballast ? w->full_why
                           : "the disk is full, its reserve too: records wait in memory: make room");
        w->has_ballast = false;
}

void writer_tend(struct writer *w)
{
        char reason[128];
        struct text t;

        if (w->has_ballast || w->ballast_bytes < 0)
                return;
        text_init(&t, reason, sizeof reason);
        switch (ballast_make(w->config->path, w->ballast_bytes, &t)) {
        case BALLAST_HELD:
                w->has_ballast = true;
                w->is_full = false;
                return;
        case BALLAST_NO_ROOM:
                if (!w->is_full)
                        text_copy(w->full_why, sizeof w->full_why, reason);
                w->is_full = true;
                return;
        case BALLAST_FAILED: /* the record does without: said once */
                w->ballast_bytes = -1;
                w->is_full = false;
                writer_tell(w, 0, RECORD_WARNING, reason);
                return;
        }
}

bool writer_is_full(const struct writer *w)
{
        return w->is_full;
}

/* ---- What the operator hears ---- */

void writer_warn(const struct writer *w, struct text *why)
{
        if (w->run_orphan != 0)
                text_add(why, "was damaged, is now %s; a new one is begun: stop run %" PRId64, w->moved,
                    w->run_orphan);
        else if (w->is_full)
                text_add(why, "%s", w->full_why);
}

const char *writer_notice(const struct writer *w, int *count)
{
        *count = w->notices;
        return w->notice;
}

static void put_event(struct writer *w, int64_t run_id, enum record_severity severity, const char *words)
{
        struct record r = {.kind = RECORD_EVENT, .wall_us = writer_wall_us(), .run_id = run_id};

        w->has_doubt = false;
        r.u.event.severity = severity;
        text_copy(r.u.event.kind, sizeof r.u.event.kind, "record");
        text_copy(r.u.event.source, sizeof r.u.event.source, "store");
        text_copy(r.u.event.text, sizeof r.u.event.text, words);
        int rc = rows_begin(w->rows);
        if (rc == SQLITE_OK)
                rc = rows_put_record(w->rows, &r, NULL);
        if (rc == SQLITE_OK)
                rc = rows_commit(w->rows);
        if (rc != SQLITE_OK) {
                char ignored[128];
                struct text t;

                text_init(&t, ignored, sizeof ignored);
                writer_note_failure(w, rows_error(w->rows), &t);
                rows_rollback(w->rows);
                return;
        }
        w->batch++;
}

void writer_tell(struct writer *w, int64_t run_id, enum record_severity severity, const char *words)
{
        struct text t;

        text_init(&t, w->notice, sizeof w->notice);
        writer_add_path(&t, w->config->path);
        text_add(&t, "%s", words);
        w->notices++;
        put_event(w, run_id, severity, w->notice);
}

/* ---- What a failure calls for ---- */

void writer_say_error(const char *words, int os, struct text *why)
{
        if (os == EROFS)
                text_add(
                    why, "the file system is read-only now: records wait in memory: mount it for writing");
        else if (os != 0)
                text_add(why, "%s (%s): records wait in memory: look at the disk", words, strerror(os));
        else
                text_add(why, "%s", words);
}

void writer_note_failure(struct writer *w, const char *words, struct text *why)
{
        int primary = sqlite3_extended_errcode(w->db) & 0xff, os = sqlite3_system_errno(w->db);

        if (primary == SQLITE_IOERR)
                w->trouble = TROUBLE_SUSPECT;
        if (primary == SQLITE_FULL || (primary == SQLITE_IOERR && (os == ENOSPC || os == EDQUOT))) {
                note_full(w, why);
                return;
        }
        if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) {
                w->trouble = TROUBLE_DAMAGED;
                text_copy(w->reason, sizeof w->reason, words);
        }
        writer_say_error(words, primary == SQLITE_IOERR ? os : 0, why);
}

/* ---- Opened anew after a failed write or sync ---- */

/* The kernel drops what it could not write: after an error of fsync() the pages count as clean, a second fsync() succeeds, and
 * the data is not on the disk (PostgreSQL wiki, "Fsync Errors"; Rebello et al., "Can Applications Recover from fsync Failures?",
 * USENIX ATC 2020). SQLite's own retry of a checkpoint may rely on that second fsync() for pages that an earlier, partial
 * checkpoint wrote. So nothing more is written by what this process remembers: the connection is closed without a checkpoint, the
 * cached pages are given up, so that what is read is what the disk has, and the log is read from the disk and copied into the
 * database once more as a whole, since it holds everything back to the last checkpoint that was synced. Only when that has been
 * synced does the record go on. */
static void drop_cache(const char *path, const char *suffix)
{
        char name[PATH_MAX];

        if (snprintf(name, sizeof name, "%s%s", path, suffix) >= PATH_MAX)
                return;
        int fd = open(name, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return;
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        close(fd);
}

static void close_suspect(struct writer *w)
{
        if (w->db != NULL)
                sqlite3_db_config(w->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        writer_close_db(w);
        drop_cache(w->config->path, "");
        drop_cache(w->config->path, "-wal");
}

static bool fail(struct writer *w, struct text *why)
{
        if (sqlite3_errcode(w->db) == SQLITE_BUSY)
                text_add(
                    why, "a write failed; to check the file nobody else may read it: end other programs");
        else
                writer_note_failure(w, sqlite3_errmsg(w->db), why);
        return false;
}

/* Alone with the file, SQLite keeps the log's index in its own memory and makes it anew from the log; an index that a reader
 * keeps alive would go on telling how far the failed checkpoint came (https://www.sqlite.org/wal.html, 8). */
static bool check_alone(struct writer *w, int64_t *batch, struct text *why)
{
        char reason[160];
        struct text t;

        text_init(&t, reason, sizeof reason);
        if (sqlite3_exec(w->db, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT", NULL, NULL, NULL) !=
            SQLITE_OK)
                return fail(w, why);
        if (sqlite3_wal_checkpoint_v2(w->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) != SQLITE_OK)
                return fail(w, why);
        if (!schema_check_sound(w->db, false, &t)) {
                if (strncmp(reason, "damaged", 7) == 0) {
                        w->trouble = TROUBLE_DAMAGED;
                        text_copy(w->reason, sizeof w->reason, reason);
                }
                text_add(why, "%s", reason);
                return false;
        }
        return writer_read_batch(w, batch, why);
}

static bool open_anew(struct writer *w, struct text *why)
{
        int64_t batch = 0;

        close_suspect(w);
        if (walscan_is_damaged(w->config->path, why)) {
                text_copy(w->reason, sizeof w->reason, "its log is damaged");
                w->trouble = TROUBLE_DAMAGED;
                return false;
        }
        if (!writer_open_file(w, why))
                return false;
        if (sqlite3_db_readonly(w->db, "main") != 0) { /* all that it lets itself be opened for */
                writer_say_error("cannot be opened", EROFS, why);
                return false;
        }
        if (!check_alone(w, &batch, why))
                return false;
        writer_close_db(w);
        if (!writer_open_file(w, why) || !schema_use_wal(w->db, why))
                return false;
        w->has_landed = w->has_landed || (w->has_doubt && batch == w->batch + 1);
        w->has_doubt = false;
        if (!writer_begin_rows(w, why))
                return false;
        w->trouble = TROUBLE_NONE;
        return true;
}

/* ---- A damaged file ---- */

static int64_t find_last_run(sqlite3 *db)
{
        sqlite3_stmt *stmt = NULL;
        int64_t run = 0;

        if (db != NULL)
                sqlite3_prepare_v2(db, "SELECT coalesce(max(id), 0) FROM run", -1, &stmt, NULL);
        if (stmt != NULL && sqlite3_step(stmt) == SQLITE_ROW)
                run = sqlite3_column_int64(stmt, 0);
        sqlite3_finalize(stmt);
        return run;
}

static bool put_aside(struct writer *w, struct text *why)
{
        w->moved_run = find_last_run(w->db);
        if (w->db != NULL)
                sqlite3_db_config(w->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        writer_close_db(w);
        if (!aside_move(w->config->path, writer_wall_us(), w->moved, why))
                return false;
        w->trouble = TROUBLE_CLOSED;
        w->has_doubt = false; /* it went with the file, and is written again */
        return true;
}

static bool begin_fresh(struct writer *w, struct writer_found *found, struct text *why)
{
        char words[STORE_WHY_CAP];
        struct text t;

        writer_close_db(w);
        if (!writer_open_file(w, why) || !writer_prepare(w, found, why)) {
                ballast_release(w->config->path); /* in case it lacks room */
                w->has_ballast = false;
                return false;
        }
        w->trouble = TROUBLE_NONE;
        w->run_orphan = w->run_open;
        w->run_open = 0;
        if (w->moved_run < w->run_orphan)
                w->moved_run = w->run_orphan;
        text_init(&t, words, sizeof words);
        text_add(&t, "was damaged (%.40s), is now %s; a new one is begun", w->reason, w->moved);
        writer_tell(w, w->moved_run, RECORD_ALARM, words);
        if (found->next_run_id <= w->moved_run)
                found->next_run_id = w->moved_run + 1;
        return true;
}

bool writer_begin_afresh(struct writer *w, struct writer_found *found, const char *reason, struct text *why)
{
        text_copy(w->reason, sizeof w->reason, reason);
        return put_aside(w, why) && begin_fresh(w, found, why);
}

bool writer_mend(struct writer *w, struct text *why)
{
        struct writer_found found = {0};
        char reason[160];
        struct text t;

        text_init(&t, reason, sizeof reason);
        if (w->trouble == TROUBLE_SUSPECT && !open_anew(w, &t) && w->trouble != TROUBLE_DAMAGED) {
                text_add(why, "%s", reason);
                return false;
        }
        if (w->trouble == TROUBLE_DAMAGED && !put_aside(w, why))
                return false;
        if (w->trouble == TROUBLE_CLOSED && !begin_fresh(w, &found, why))
                return false;
        assert(w->trouble == TROUBLE_NONE || w->trouble == TROUBLE_SUSPECT);
        return w->trouble == TROUBLE_NONE;
}
