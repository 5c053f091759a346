/* The run database, written by one connection on one thread behind bounded queues (DESIGN.md, Run database).
 * The caller never waits for the disk.
 *
 * Events, pulses, runs and audit records are committed as they come (one transaction for all that has gathered),
 * samples about once a second; every commit is synced (synchronous=FULL), so that a power cut takes at most the last second of
 * samples and no record that store_state counts as stored. A failed write is undone as a whole and tried again from the
 * queue, which keeps everything until it is safely on disk. */
#ifndef ALD_STORE_STORE_H
#define ALD_STORE_STORE_H

#include "ald/core/count.h"  /* struct counts */
#include "ald/core/core.h"   /* struct core_past */
#include "ald/core/record.h" /* struct record */
#include "ald/core/tape.h"   /* struct tape_piece */
#include "ald/core/tool.h"   /* struct tool */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* int64_t, uint32_t */

struct store; /* opaque */

struct store_config {
        const char *path;        /* copied, as are the texts below */
        const struct tool *tool; /* borrowed until store_close(): tag, line and valve names */
        const char *tool_text;   /* kept with each run */
        const char *tool_sha256; /* hex */
        const char *version;
        /* SHA-256 of `len` bytes as hex; chains the audit records (store/audit.h). NULL: the chain's columns stay NULL. */
        void (*sha256)(const void *data, size_t len, char hex[65]);
        /* The chain's head, where it is to be kept outside the database: at the opening, with the begin and the end of each
         * run, at the close; `when` says which. Called in the writer's thread, once it is on disk. NULL: nobody. */
        void (*tell_head)(int64_t id, const char *sha256, const char *when);
        /* Queue lengths, powers of two; 0 = the defaults of core/recq.h and core/inputq.h (in bytes). */
        uint32_t records_max, samples_max, inputs_max;
        int64_t ballast_bytes; /* kept free for a full disk (store/ballast.h); 0 = 8 MiB, below 0 = none */
        int64_t wal_bytes_max; /* the log's length from which on readers are told of; 0 = 64 MiB */
};

enum { STORE_WHY_CAP = 192 };

struct store_state {
        bool ok;
        char why[STORE_WHY_CAP]; /* what is wrong when not ok, and what to do */
        /* What happened that the operator must hear of, ok or not: a file moved aside, a log that outgrows its limit. The last one, and
         * how many there were. */
        char notice[STORE_WHY_CAP];
        int notices;
        int64_t next_run_id;     /* as found at open */
        int64_t interrupted_run; /* the last run that a crash left open and that open() closed; 0 = none */
        bool
            was_left_open; /* the record's last word at open was not CORE_PURGED (core/core.h); a new one has none */
        struct core_past past;   /* as found at open */
        int64_t stored, dropped; /* samples; together all that were posted and are no longer queued */
        int64_t records_stored, records_lost; /* all other records; of the lost ones, pieces of tapes too */
        size_t queued;                        /* samples and records not yet safe on disk */
};

/* Open or create the database, bring its schema up to date, close runs that a crash left open (state Aborted, pulses
 * "interrupted", with the reason), and start the writer. Never NULL unless memory is out: a database that cannot be
 * written gives a store whose state says why, and which keeps nothing. A lock file PATH-lock, gone after
 * store_close(), keeps a second daemon away. */
struct store *store_open(const struct store_config *config);
/* Write out everything queued (given up after 3 s if the disk is at fault), checkpoint, close. NULL allowed. */
void store_close(struct store *s);

/* Queue a record (copied; a run's recipe text is copied too). Never blocks; one thread only. False: a sample was dropped
 * (a gap record will say so), or a record could not be taken: the state is then not ok until the writer has caught up. */
bool store_post(struct store *s, const struct record *r);

/* Queue a piece of a run's tape (copied; core/tape.h). Never blocks; the same thread. Pieces are committed with the samples, and at
 * once where a run begins or ends. False: it could not be taken, and the state is not ok until the writer has caught up; also
 * some time before that, so that a run holds before its inputs are lost (SAFETY L2). */
bool store_post_input(struct store *s, const struct tape_piece *piece);

/* What the writer last knew. Safe from any thread; quiets store_fd(). */
void store_get_state(struct store *s, struct store_state *out);
/* What was counted before this process: as found at open, all zero when the database could not be opened. */
void store_get_counts(const struct store *s, struct counts *out);
/* Readable when the state's `ok`, `why` or `notices` changed since store_get_state(). Owned by the store. */
int store_fd(const struct store *s);

#endif
