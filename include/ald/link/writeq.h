/* The queue of ordered writes: safe ones overtake, others keep their order. Bounded, nothing is allocated.
 *
 * A newer order for a tag takes the place of older ones that were not sent yet and are not safe (an open must not
 * be sent after the close that came later). An older order that was replaced ends with its replacement: its report
 * carries the value, times and success of the write that was really done. */
#ifndef ALD_LINK_WRITEQ_H
#define ALD_LINK_WRITEQ_H

#include "ald/core/event.h" /* struct effect_write, struct event_wrote */

#include <stdbool.h> /* bool */

enum { WRITEQ_MAX = 256 };

struct writeq_item {
        struct effect_write order;
        bool is_replaced;
        bool is_sent; /* on the wire now */
        int attempts; /* that failed */
};

struct writeq {
        int count;
        struct writeq_item item[WRITEQ_MAX]; /* oldest first */
};

/* False: full. */
bool writeq_add(struct writeq *q, const struct effect_write *order);
/* The oldest item that is to be sent, safe or other, from index `from` on; -1 when there is none. */
int writeq_first(const struct writeq *q, bool is_safe, int from);

/* Receives one report. */
typedef void writeq_sink(void *ctx, const struct event_wrote *wrote);
/* The write of item `i` ended as `how` says (ok, cause, times): reports it, and those it replaced, and removes them. */
void writeq_end(struct writeq *q, int i, const struct event_wrote *how, writeq_sink *sink, void *ctx);

#endif
