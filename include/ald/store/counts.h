/* Wear and use in the record: openings into tables counter, opening and bottle (their names: schema.c).
 *
 * Exactly once: an opening's row in `opening` comes with its first record and goes with its last one, in the transactions that
 * count it. What is left there when a database is opened was cut off by the end of the daemon and is counted then: a timed
 * opening as it was planned (wear is never taken for less than it was), another one up to the record's last word. */
#ifndef ALD_STORE_COUNTS_H
#define ALD_STORE_COUNTS_H

#include "ald/core/count.h"      /* struct counts */
#include "ald/core/record.h"     /* struct record */
#include "ald/core/tool.h"       /* struct tool */
#include "ald/store/statement.h" /* struct statements */

#include <sqlite3.h> /* sqlite3 */
#include <stdbool.h> /* bool */

struct text;

/* Rows of a RECORD_VALVE, RECORD_BOTTLE, within the writer's transaction. Return an SQLite code. */
int counts_put_valve(struct statements *s, const struct tool *tool, const struct record *r);
int counts_put_bottle(struct statements *s, const struct tool *tool, const struct record *r);

/* At the opening of a database, before anything new is written (the record's last word is that of the process before): count
 * what was cut off, write the tool's limits beside the counts, give each precursor line without a bottle one that nobody has
 * told of, and read what there is. One transaction. False: *why, and nothing is changed. */
bool counts_open(sqlite3 *db, const struct tool *tool, struct counts *out, struct text *why);

#endif
