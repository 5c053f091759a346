/* What the files of writer share: the connection, and what the disk has done to it. */
#ifndef ALD_STORE_WRITER_STATE_H
#define ALD_STORE_WRITER_STATE_H

#include "ald/store/writer.h" /* struct writer, struct writer_batch */

#include <sqlite3.h> /* sqlite3 */
#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct retention;
struct rows;

/* What the last failure left behind, to be mended before the next transaction. */
enum trouble {
        TROUBLE_NONE,
        TROUBLE_SUSPECT, /* a write or sync failed: the file may not hold what SQLite believes it to hold */
        TROUBLE_DAMAGED, /* it holds what no database holds */
        TROUBLE_CLOSED   /* no connection: opening it anew failed */
};

struct writer {
        const struct store_config *config;
        int lock;
        sqlite3 *db;
        struct rows *rows;
        struct retention *retention;
        int64_t records, samples;
        int64_t duplicates;   /* of connections before this one */
        int wal_pages;        /* after the last commit */
        int checkpoint_pages; /* due at this length of the log */
        int64_t checkpoint_us;

        enum trouble trouble;
        int64_t batch; /* number of the last transaction that is known to be on the disk */
        /* The one after it, when its commit failed: what it holds is known only once the file has been opened anew. */
        struct writer_batch doubt;
        int64_t doubt_gaps, doubt_duplicates;
        bool has_doubt, has_landed;

        int64_t ballast_bytes;
        bool has_ballast, is_full; /* is_full: the disk was, and the ballast is not whole again */
        char full_why[128];

        int64_t wal_bytes_max;
        bool is_wal_told;

        int64_t run_open, run_orphan; /* recorded without an end; in a file that was moved aside. 0 = none */
        char moved[64];               /* the file that the last one was moved to; "" = none */
        char reason[128];             /* what was wrong with it */
        int64_t moved_run;            /* the last run in it, as far as it could be read */
        char notice[STORE_WHY_CAP];
        int notices;
};

/* Another program may hold the write lock for a moment (somebody's sqlite3 shell). */
enum { WRITER_BUSY_MS = 1000 };
/* The log is read into the database once it is so long. */
enum { WRITER_CHECKPOINT_PAGES = 1000 };
#define WRITER_WAL_BYTES_DEFAULT (INT64_C(64) << 20)

/* ---- writer.c ---- */

int64_t writer_wall_us(void);
bool writer_open_file(struct writer *w, struct text *why);
/* Schema, interrupted runs, statements. */
bool writer_prepare(struct writer *w, struct writer_found *found, struct text *why);
/* Statements of a connection that is set up; the number of the last transaction. */
bool writer_begin_rows(struct writer *w, struct text *why);
void writer_close_db(struct writer *w);
bool writer_read_batch(struct writer *w, int64_t *n, struct text *why);

/* ---- writer_tidy.c ---- */

/* An event of what retention has removed, once it is due; `is_last`: of all that was not told yet. */
bool writer_tell_removed(struct writer *w, bool is_last, struct text *why);

/* ---- writer_mend.c ---- */

/* After a failure on the connection, before anything else is done with it: what it was, what it calls for. Adds to *why. */
void writer_note_failure(struct writer *w, const char *words, struct text *why);
/* The disk is full, and the ballast given up for it. */
void writer_note_full(struct writer *w);
/* What the disk says, and what to do. `os`: errno, 0 = none. */
void writer_say_error(const char *words, int os, struct text *why);
/* Words for the operator: an event of this run (0 = none) in the record, and a notice, which has the path before it. */
void writer_tell(struct writer *w, int64_t run_id, enum record_severity severity, const char *words);
/* Begin a fresh file with an event that says why. *w has no connection. */
bool writer_begin_afresh(struct writer *w, struct writer_found *found, const char *reason, struct text *why);

#endif
