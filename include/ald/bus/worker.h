/* The worker of one link: a thread that asks its schedule what to do and does it on the wire. Orders come in and events
 * go out through rings; the event loop's thread calls everything here but nothing of it waits for the worker, save
 * worker_stop(). */
#ifndef ALD_BUS_WORKER_H
#define ALD_BUS_WORKER_H

#include "ald/core/event.h" /* struct event, struct effect_* */
#include "ald/core/tool.h"  /* struct tool */

#include <stdbool.h> /* bool */

struct worker; /* opaque */

enum worker_order_kind {
        WORKER_WRITE,
        WORKER_PULSE,
        WORKER_REVOKE,
        WORKER_REARM,
        WORKER_LEFT_OPEN,
        WORKER_PROVE
};
struct worker_order {
        enum worker_order_kind kind;
        union {
                struct effect_write write;
                struct effect_pulse pulse;
                uint32_t revoke_id;
                int device;
                struct effect_prove prove;
        } u;
};

/* Start the worker of `link`; it writes to event_fd (an eventfd, borrowed) when events wait. NULL: *why (static text). */
struct worker *worker_start(const struct tool *tool, int link, int event_fd, const char **why);
/* Give it a real-time priority (bus/realtime.h). False: not allowed. */
bool worker_raise(struct worker *w, int priority);
/* Tell it to end; does not wait. */
void worker_stop(struct worker *w);
/* Wait for the end, and free. */
void worker_join(struct worker *w);

/* False: the queue is full, the order was not taken. Safe values have places of their own, and a revoke is
 * always taken. */
bool worker_order(struct worker *w, const struct worker_order *order);
void worker_feed(struct worker *w, int64_t turn_us);
void worker_expect(struct worker *w, int64_t open_us);
/* The oldest event, or NULL; then give it back. */
const struct event *worker_peek(struct worker *w);
void worker_release(struct worker *w);

#endif
