/* The feed of subscribers: the full state once, then differences.
 *
 * The state of one turn is built once and never changed afterwards; every subscriber holds the one that it was sent
 * last. A slow reader simply skips turns: its next difference is against what it has, so updates coalesce without
 * being queued. The line from one state to another is serialised once for all that share it. */
#ifndef ALD_CONTROL_FEED_H
#define ALD_CONTROL_FEED_H

#include "ald/core/core.h"    /* struct core */
#include "ald/core/outlook.h" /* struct outlook_now */
#include "ald/core/record.h"  /* struct record */
#include "ald/core/tool.h"    /* struct tool */

#include <jansson.h> /* json_t */

#include <stddef.h> /* size_t */

struct feed; /* opaque */

/* Events told to a new subscriber. */
enum { FEED_EVENTS_MAX = 32 };

/* NULL when memory is out. The tool is borrowed. */
struct feed *feed_new(const struct tool *tool);
void feed_free(struct feed *feed);

/* Note an event record. The line of its notification (borrowed until the next call), or NULL. */
const char *feed_event(struct feed *feed, const struct record *r, size_t *len);

/* Look at the core and at what is estimated (NULL: nothing): the state of this turn. */
void feed_turn(
    struct feed *feed, const struct core *core, const struct outlook_now *outlook, int64_t wall_us);

/* The answer to a subscription after feed_turn(): status, tags by name, events. *seen (NULL at first; owned by the
 * subscriber, released with json_decref) becomes the state told. */
json_t *feed_full(struct feed *feed, json_t **seen);

/* The line from *seen to this turn's state (borrowed until the next call), NULL when nothing changed; *seen becomes
 * this turn's state. */
const char *feed_update(struct feed *feed, json_t **seen, size_t *len);

#endif
