/* Records into rows: the prepared statements of the writer's connection. A transaction takes any number of records and
 * samples; after an error the caller rolls back and puts the same ones again later. */
#ifndef ALD_STORE_ROWS_H
#define ALD_STORE_ROWS_H

#include "ald/core/record.h"   /* struct record */
#include "ald/core/recq.h"     /* struct recq_sample */
#include "ald/core/tape.h"     /* struct tape_piece */
#include "ald/core/tool.h"     /* struct tool */
#include "ald/store/audit.h"   /* audit_digest */
#include "ald/store/runcopy.h" /* struct runcopy */

#include <sqlite3.h> /* sqlite3 */
#include <stdint.h>  /* int64_t */

struct rollup;
struct statements;
struct rows; /* opaque */

/* Facts of the daemon that go into run rows. */
struct rows_config {
        const struct tool *tool;                       /* borrowed until rows_free() */
        const char *tool_text, *tool_sha256, *version; /* borrowed likewise */
        audit_digest *digest;                          /* NULL: audit records are not chained */
        void (*tell_head)(int64_t id, const char *sha256, const char *when); /* store.h; NULL: nobody */
        int64_t wall_us;                                                     /* now, UTC */
};

/* Prepare on a connection that schema_prepare() has accepted (borrowed); gives every tag of the tool its row. NULL:
 * memory is out or the database refused; *why says which. */
struct rows *rows_new(sqlite3 *db, const struct rows_config *config, struct text *why);
void rows_free(struct rows *r); /* NULL allowed */

/* All of these return an SQLite code; rows_error() tells the last one in words. */
int rows_begin(struct rows *r);
int rows_commit(struct rows *r); /* also counts it in table batch */
void rows_rollback(struct rows *r);
/* `copy` belongs to a RECORD_RUN_START and is NULL otherwise. A record that the tables refuse for itself (a run number
 * that exists already) becomes an event that says so: it must not stand in the way of all others. */
int rows_put_record(struct rows *r, const struct record *record, const struct runcopy *copy);
/* A sample, or a gap, which becomes an event of kind "gap". A second sample of a tag at the same microsecond is left out
 * and accounted for as a gap at commit. */
int rows_put_sample(struct rows *r, const struct recq_sample *sample);
/* A piece of a run's tape. One that its table refuses for itself becomes an event likewise. */
int rows_put_input(struct rows *r, const struct tape_piece *piece);
const char *rows_error(const struct rows *r);

/* What else writes on this connection shares these (borrowed). */
struct statements *rows_statements(struct rows *r);
struct rollup *rows_rollup(struct rows *r);

/* Samples left out as duplicates in all committed transactions. */
int64_t rows_duplicates(const struct rows *r);
/* In the transaction under way, until commit or rollback. */
int64_t rows_duplicates_now(const struct rows *r);

#endif
