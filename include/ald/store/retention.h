/* How long samples are kept, by policy of the tool file (section `history`): outside of runs for a time, within runs for
 * longer or for ever. Events, pulses, audit and rollups stay. What is not rolled up yet stays too, and with it the newest
 * sample of each tag.
 *
 * Removed pages are used again by what comes; the file does not shrink. The work is done in slices, between commits. */
#ifndef ALD_STORE_RETENTION_H
#define ALD_STORE_RETENTION_H

#include "ald/base/time.h" /* TIME_MIN */
#include "ald/core/tool.h" /* struct tool_history */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct rows;
struct retention; /* opaque */

/* A run's samples begin so long before it and end so long after it: what led to it belongs to its record. */
#define RETENTION_MARGIN_US (10 * TIME_MIN)

/* On the writer's connection, with its rows (both borrowed). NULL: *rc, an SQLite code. */
struct retention *retention_new(struct rows *rows, const struct tool_history *history, int *rc);
void retention_free(struct retention *r); /* NULL allowed */

/* Is there something to do at that time (UTC)? Without `history` there never is. */
bool retention_is_due(const struct retention *r, int64_t wall_us);
/* In a transaction: remove at most so many samples. An SQLite code. */
int retention_step(struct retention *r, int64_t wall_us, int samples);
/* After its commit or rollback. */
void retention_commit(struct retention *r);
void retention_rollback(struct retention *r);

/* Is it time to say what was removed: once a day, after a pass over all tags, or at last? */
bool retention_has_news(const struct retention *r, int64_t wall_us, bool is_last);
/* In a transaction: the event that says it. An SQLite code. */
int retention_tell(struct retention *r, int64_t wall_us);
/* After its commit. */
void retention_told(struct retention *r, int64_t wall_us);

#endif
