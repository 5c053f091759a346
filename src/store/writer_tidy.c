/* What the writer does beside writing: checkpoints of its log, rollups, and what retention removes. */
#include "writer_state.h"

#include "ald/base/text.h"       /* text_add, text_init */
#include "ald/base/time.h"       /* TIME_S */
#include "ald/store/retention.h" /* retention_step */
#include "ald/store/rollup.h"    /* rollup_catch_up */
#include "ald/store/rows.h"      /* rows_begin, rows_commit */

#include <sqlite3.h> /* sqlite3_wal_checkpoint_v2 */
#include <time.h>    /* clock_gettime */

#define CHECKPOINT_US (60 * TIME_S)

/* One slice of tidying. */
enum { TIDY_PERIODS = 256, TIDY_SAMPLES = 1000 };
#define TIDY_US (10 * TIME_MS)

static int64_t monotonic_now_us(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * TIME_S + t.tv_nsec / 1000;
}

/* A reader may hold the whole log; what one waits for it here the queue must bear. */
enum { TRUNCATE_BUSY_MS = 100, FRAME_BYTES = 4096 + 24 };
#define LONG_LOG_US TIME_S

static bool is_long(const struct writer *w)
{
        return (int64_t)w->wal_pages * FRAME_BYTES > w->wal_bytes_max;
}

static void tell_log(struct writer *w, int rc)
{
        bool was_told = w->is_wal_told;

        w->is_wal_told = rc != SQLITE_OK;
        if (!w->is_wal_told && was_told)
                writer_tell(w, 0, RECORD_INFO, "its log is short again");
        else if (w->is_wal_told && !was_told)
                writer_tell(w, 0, RECORD_ALARM,
                    "its log outgrows its limit: end the program that reads the database for so long");
}

/* The log is too long: it begins anew as soon as no reader needs it, and gives its room back. */
static int truncate_log(struct writer *w)
{
        sqlite3_busy_timeout(w->db, TRUNCATE_BUSY_MS);
        int rc = sqlite3_wal_checkpoint_v2(w->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

        if (rc == SQLITE_OK || rc == SQLITE_BUSY)
                tell_log(w, rc);
        if (rc == SQLITE_OK)
                w->wal_pages = 0;
        return rc;
}

static bool is_checkpoint_due(const struct writer *w, int64_t now_us)
{
        return w->wal_pages >= w->checkpoint_pages ||
               now_us - w->checkpoint_us >= (is_long(w) ? LONG_LOG_US : CHECKPOINT_US);
}

/* On a full disk the log takes what the database has no room for: no failure of the record. */
static bool bear_checkpoint(struct writer *w, struct text *why)
{
        bool was_full = w->is_full;
        char reason[128];
        struct text t;

        text_init(&t, reason, sizeof reason);
        writer_note_failure(w, sqlite3_errmsg(w->db), &t);
        sqlite3_busy_timeout(w->db, WRITER_BUSY_MS);
        if (was_full && w->trouble == TROUBLE_NONE)
                return true;
        text_add(why, "%s", reason);
        return false;
}

bool writer_checkpoint(struct writer *w, int64_t now_us, struct text *why)
{
        if (!is_checkpoint_due(w, now_us))
                return true;
        int rc = is_long(w) ? truncate_log(w)
                            : sqlite3_wal_checkpoint_v2(w->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

        w->checkpoint_us = now_us;
        /* While a reader keeps the log from starting anew it goes on growing: no further try at every commit. */
        w->checkpoint_pages = w->wal_pages + WRITER_CHECKPOINT_PAGES;
        if (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED) {
                sqlite3_busy_timeout(w->db, WRITER_BUSY_MS);
                return true;
        }
        return bear_checkpoint(w, why);
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
        w->has_doubt = false;
        int rc = rows_begin(w->rows);

        if (rc == SQLITE_OK)
                rc = put(w, wall_us);
        if (rc == SQLITE_OK)
                rc = rows_commit(w->rows);
        if (rc == SQLITE_OK) {
                w->batch++;
                retention_commit(w->retention);
                return true;
        }
        writer_note_failure(w, rows_error(w->rows), why);
        rows_rollback(w->rows);
        retention_rollback(w->retention);
        return false;
}

bool writer_tell_removed(struct writer *w, bool is_last, struct text *why)
{
        int64_t wall_us = writer_wall_us();

        if (!retention_has_news(w->retention, wall_us, is_last))
                return true;
        if (!run_alone(w, tell, wall_us, why))
                return false;
        retention_told(w->retention, wall_us);
        return true;
}

/* Nothing of it is worth the last room on a disk. */
static bool is_untidy(const struct writer *w)
{
        if (w->trouble != TROUBLE_NONE || w->is_full)
                return false;
        return rollup_is_behind(rows_rollup(w->rows)) || retention_is_due(w->retention, writer_wall_us());
}

bool writer_tidy(struct writer *w, bool *more, struct text *why)
{
        bool ok = !is_untidy(w) ||
                  (run_alone(w, tidy, writer_wall_us(), why) && writer_tell_removed(w, false, why));

        *more = ok && is_untidy(w);
        return ok;
}
