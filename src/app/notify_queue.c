#include "ald/app/notify_queue.h"

#include <assert.h> /* assert */
#include <string.h> /* memmove */

static void remove_at(struct notify_queue *q, int at)
{
        assert(at >= 0 && at < q->count);
        q->count--;
        memmove(&q->note[at], &q->note[at + 1], (size_t)(q->count - at) * sizeof q->note[0]);
}

/* Of the least grave the latest. */
static int least_of(const struct notify_queue *q)
{
        int least = 0;

        for (int i = 1; i < q->count; i++)
                if (q->note[i].priority <= q->note[least].priority)
                        least = i;
        return least;
}

void notify_queue_put(struct notify_queue *q, const struct notify_note *note)
{
        if (q->count == NOTIFY_QUEUE_MAX) {
                int least = least_of(q), left_out;

                if (note->priority <= q->note[least].priority) {
                        q->note[q->count - 1].more += 1 + note->more;
                        return;
                }
                left_out = 1 + q->note[least].more;
                remove_at(q, least);
                q->note[q->count++] = *note;
                q->note[q->count - 1].more += left_out;
                return;
        }
        q->note[q->count++] = *note;
}

bool notify_queue_take(struct notify_queue *q, struct notify_note *out)
{
        if (q->count == 0)
                return false;
        *out = q->note[0];
        remove_at(q, 0);
        return true;
}
