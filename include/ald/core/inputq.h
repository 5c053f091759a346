/* The pieces of tapes (core/tape.h) on their way to the thread that writes them: a ring of bytes, allocated once and touched only
 * as it fills. One producer, one consumer, no lock: the producer never waits for the disk (SAFETY L4). A piece that does not fit is
 * refused to the producer's face, and so are those that follow until half of the ring is free: one long gap, not many
 * short ones. */
#ifndef ALD_CORE_INPUTQ_H
#define ALD_CORE_INPUTQ_H

#include "ald/core/tape.h" /* struct tape_piece */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* uint32_t */

struct inputq; /* opaque */

/* 60 s of 1,000 samples/s in 100 turns/s, and an image: a normal run needs a tenth of it. */
enum { INPUTQ_BYTES_DEFAULT = 1 << 20 };

/* `bytes_max`: a power of two, at least 4 KiB. NULL when memory is out. Free with inputq_free() (NULL allowed). */
struct inputq *inputq_new(uint32_t bytes_max);
void inputq_free(struct inputq *q);

/* The producer: queue a copy of *piece. */
bool inputq_push(struct inputq *q, const struct tape_piece *piece);

/* The consumer: the next piece behind *place, which begins at 0 and moves on; its bytes are borrowed until released. False: there
 * is none. */
bool inputq_next(const struct inputq *q, uint32_t *place, struct tape_piece *out);
/* Release all before a place that inputq_next() gave. */
void inputq_release(struct inputq *q, uint32_t place);

/* Any thread. */
uint32_t inputq_used(const struct inputq *q); /* bytes */
uint32_t inputq_max(const struct inputq *q);

#endif
