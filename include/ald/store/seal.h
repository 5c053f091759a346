/* A run's closing record: when a run ends, the daemon itself puts a record into the audit chain that names how many rows the run
 * has and their SHA-256. From then on the run's record cannot be changed without the chain telling (SAFETY L5).
 *
 *     command "run-ended", role "daemon"      arguments "run 12 rows 3512 HEX"      result "tape 3021 HEX"
 *
 * Rows: the run's own (table run) and those of base, cycle, pulse and event, in this order, each in the order of its key.
 *     sha256(i) = SHA-256(sha256(i - 1) "\n" table "\n" row)       sha256(0) = ""       row: audit_add_row()
 * Tape: the pieces of table input in order, without run_id:
 *     sha256(i) = SHA-256(sha256(i - 1) "\n" n "\n" t_us "\n" kind "\n" SHA-256(payload))
 *
 * Columns that a later schema adds are NULL in old rows and stand at the end, where audit_add_row() leaves NULLs out: a migration
 * that only adds does not break what was closed before. A record of the run that comes later is followed by another closing
 * record; the last one counts. */
#ifndef ALD_STORE_SEAL_H
#define ALD_STORE_SEAL_H

#include "ald/core/record.h" /* struct record */
#include "ald/core/tape.h"   /* struct tape_piece */
#include "ald/store/audit.h" /* audit_digest */

#include <sqlite3.h> /* sqlite3 */
#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

#define SEAL_COMMAND "run-ended"
#define SEAL_ROLE    "daemon"

/* The fold over a tape as its pieces are written, so that the end of a long run need not read them all again. */
struct seal_tape {
        int64_t run_id;      /* 0: nothing yet */
        int64_t count, last; /* pieces; number of the last one */
        char sha256[65];
};
void seal_tape_add(struct seal_tape *tape, const struct tape_piece *piece, audit_digest *digest);

struct seal {
        int64_t run, rows, pieces; /* rows 0: there is no such run */
        char rows_sha256[65], tape_sha256[65];
};

/* Told between two parts of a long reading, each of which is a read transaction of its own; false gives up
 * (SQLITE_INTERRUPT). NULL: nobody. */
struct seal_pause {
        bool (*between)(void *ctx);
        void *ctx;
};

/* What is stored now of a run; the tape too, unless `tape` is of this run (NULL: read it). Returns an SQLite code. */
int seal_read(sqlite3 *db, int64_t run, const struct seal_tape *tape, audit_digest *digest,
    const struct seal_pause *pause, struct seal *out);

/* The closing record, and back from its texts (false: it is none). */
void seal_make_record(const struct seal *seal, int64_t wall_us, struct record *out);
bool seal_parse(
    const char *role, const char *command, const char *arguments, const char *result, struct seal *out);

/* The last closing record of a run behind record `after`: *id, 0 = none. Returns an SQLite code. */
int seal_find(sqlite3 *db, int64_t run, int64_t after, int64_t *id);

/* A run that has ended (recover.h) without its head and closing record; *run 0 = none. Returns an SQLite code. */
int seal_next_open(sqlite3 *db, int64_t *run);
/* Put the head into its row. */
int seal_close_row(sqlite3 *db, int64_t run, const struct audit_head *head);

#endif
