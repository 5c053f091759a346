/* The tape of a run: every event that reached the core, after an image of the core at the run's start, so that the run can be
 * played again (core/player.h) and shown to be decided the same (SAFETY S5).
 *
 * It is cut into pieces, one row of table `input` each; each turn's event carries a fold of what the core decided in it. Where a
 * piece could not be kept, a gap says so, and a new image follows as soon as there is room: nothing is ever passed over in
 * silence. The tape waits for nothing and allocates nothing while running (SAFETY L4). */
#ifndef ALD_CORE_TAPE_H
#define ALD_CORE_TAPE_H

#include "ald/core/core.h"  /* struct core */
#include "ald/core/event.h" /* struct event, struct effects */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t, uint32_t */

struct tape; /* opaque */

enum tape_kind {
        TAPE_SNAPSHOT, /* the core as it was after event n */
        TAPE_EVENTS,   /* events from number n on */
        TAPE_GAP,      /* events from number n on are lost, up to the next snapshot's */
        TAPE_END,      /* the run ended with the event before n: the tape is whole */
        TAPE_KINDS
};
const char *tape_kind_name(enum tape_kind kind); /* "snapshot", "events", "gap", "end" */

/* Contents. SNAPSHOT: core/core_image.h. EVENTS: for each turn the
 * event (core/event_code.h) and tape_fold() in four bytes; at the end tape_sum() in four bytes. */
struct tape_piece {
        enum tape_kind kind;
        int64_t run_id, n;
        int64_t wall_us; /* of event n; of the turn in which a gap or the end was told */
        const unsigned char *bytes;
        uint32_t len;
};

/* Where pieces go: copied, or refused (false) when there is no room. */
struct tape_sink {
        void *ctx;
        bool (*take)(void *ctx, const struct tape_piece *piece);
};

/* NULL when memory is out. Free with tape_free() (NULL allowed). */
struct tape *tape_new(const struct tape_sink *sink);
void tape_free(struct tape *tape);

/* The core took a turn: `event` led to `effects` and the deadline due_us. To be told of every turn: those between
 * RECORD_RUN_START (in whose turn the image is taken) and RECORD_RUN_END are kept. */
void tape_turn(struct tape *tape, const struct core *core, const struct event *event,
    const struct effects *effects, int64_t due_us);

/* What a turn decided, in 32 bits. */
uint32_t tape_fold(const struct effects *effects, int64_t due_us);
/* Of a piece's events, before the sum itself: damage is told from a difference. */
uint32_t tape_sum(int64_t n, const unsigned char *bytes, uint32_t len);

#endif
