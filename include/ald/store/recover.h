/* Runs that a crash or a power cut left open are closed when the database is opened next. */
#ifndef ALD_STORE_RECOVER_H
#define ALD_STORE_RECOVER_H

#include <sqlite3.h> /* sqlite3 */
#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct text;

/* In one transaction: each open run becomes Aborted with the reason, the last step that is known to have begun and the time
 * of its last record, its open pulses "interrupted", and an event at `wall_us` (UTC, now) says so. Out: *interrupted_run, the last such run, 0 = none.
 * False: *why; nothing is changed. */
bool recover_runs(sqlite3 *db, int64_t wall_us, int64_t *interrupted_run, struct text *why);

#endif
