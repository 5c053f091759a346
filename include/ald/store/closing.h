/* When a run gets its closing record (store/seal.h): at the commit in which it ends, and again at each later one in which
 * something of it still comes. Bookkeeping of the writer's connection; what a transaction changed is forgotten by
 * closing_begin() unless closing_commit() came before. */
#ifndef ALD_STORE_CLOSING_H
#define ALD_STORE_CLOSING_H

#include "ald/store/audit.h" /* audit_digest, struct audit_head */
#include "ald/store/seal.h"  /* struct seal_tape */

#include <sqlite3.h> /* sqlite3 */
#include <stdint.h>  /* int64_t */

/* Runs that end in one transaction: one does, more only behind a disk that stood still. */
enum { CLOSING_MAX = 8 };

struct closing {
        sqlite3 *db;          /* borrowed */
        audit_digest *digest; /* NULL: nothing is closed */
        /* Put a record into the chain; an SQLite code. */
        int (*put)(void *ctx, const struct record *record);
        void *ctx;
        struct seal_tape tape, tape_committed;
        int64_t running, running_committed; /* the run under way, 0 = none */
        int due_count;
        struct {
                int64_t run, t_us; /* of the record that made it so */
        } due[CLOSING_MAX];
        const char *when; /* what the head is to be told for after the commit; NULL: nothing */
};

void closing_begin(struct closing *c);
void closing_commit(struct closing *c);
void closing_run_begins(struct closing *c, int64_t run);
void closing_run_ends(struct closing *c, int64_t run);

/* All of these return an SQLite code. Something of a run was put (0: of none); a piece of its tape was. */
int closing_note(struct closing *c, int64_t run, int64_t t_us);
int closing_piece(struct closing *c, const struct tape_piece *piece);
/* Before the commit: the closing records that are due. */
int closing_put_due(struct closing *c);
/* Runs that a crash left open and that were closed just now (recover.h) get the head (*head, moved by put()) and their record. */
int closing_put_interrupted(struct closing *c, const struct audit_head *head, int64_t wall_us);

#endif
