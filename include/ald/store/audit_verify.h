/* Does the audit chain hold? It is walked from its first record to its head over the rows as they are stored, in slices of short
 * read transactions and constant memory: an edit, deletion, insertion or swap of one record is found and named by its id
 * (SAFETY L5). Each run's closing record (store/seal.h) is held against the run's rows, each run's heads against the chain.
 *
 * What only a head kept elsewhere shows is a chain that was cut at its end, or written anew as a whole. */
#ifndef ALD_STORE_AUDIT_VERIFY_H
#define ALD_STORE_AUDIT_VERIFY_H

#include "ald/store/audit.h" /* audit_digest, struct audit_head */

#include <sqlite3.h> /* sqlite3 */
#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct audit_verify {
        audit_digest *digest;
        const struct audit_head *kept; /* kept outside the database; NULL: none */
        /* One thing that is not as it was written: the record's or run's number (0: the chain as a whole), and a sentence. */
        void (*find)(void *ctx, int64_t id, const char *what);
        /* Before each slice: how far it is; false gives up. */
        bool (*go_on)(void *ctx, int64_t done, int64_t all);
        void *ctx;
};

struct audit_verified {
        int64_t records, findings;
        struct audit_head first, head; /* `first`: its id alone */
        int64_t runs, sealed, pieces;  /* runs with heads; with a closing record; pieces of their tapes */
        int64_t extract; /* the run that this database was taken out for (store/extract.h); 0: a whole one */
};

/* Returns an SQLite code: SQLITE_OK also when something was found, SQLITE_INTERRUPT when go_on() gave up. */
int audit_verify(sqlite3 *db, const struct audit_verify *how, struct audit_verified *out);

#endif
