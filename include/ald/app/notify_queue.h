/* What waits for one hook: a few notes in the order in which they came. When there are more, the least grave, and of these
 * the latest, is left out and counted in what is told next: a flood costs a bounded time, and no trip is lost behind it. */
#ifndef ALD_APP_NOTIFY_QUEUE_H
#define ALD_APP_NOTIFY_QUEUE_H

#include "ald/app/notify_note.h" /* struct notify_note */

enum { NOTIFY_QUEUE_MAX = 16 };

struct notify_queue {
        int count;
        struct notify_note note[NOTIFY_QUEUE_MAX];
};

void notify_queue_put(struct notify_queue *q, const struct notify_note *note);
/* The next one; false: none. */
bool notify_queue_take(struct notify_queue *q, struct notify_note *out);

#endif
