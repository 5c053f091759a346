#include "ald/link/writeq.h"

#include <assert.h> /* assert */

static bool is_replaced_by(const struct writeq_item *older, const struct effect_write *newer)
{
        if (older->is_sent || older->is_replaced || older->order.tag != newer->tag)
                return false;
        return !older->order.is_safe || newer->is_safe;
}

bool writeq_add(struct writeq *q, const struct effect_write *order)
{
        if (q->count == WRITEQ_MAX)
                return false;
        for (int i = 0; i < q->count; i++)
                if (is_replaced_by(&q->item[i], order))
                        q->item[i].is_replaced = true;
        q->item[q->count++] = (struct writeq_item){.order = *order};
        return true;
}

int writeq_first(const struct writeq *q, bool is_safe, int from)
{
        assert(from >= 0);
        for (int i = from; i < q->count; i++)
                if (!q->item[i].is_replaced && q->item[i].order.is_safe == is_safe)
                        return i;
        return -1;
}

static void report(
    const struct writeq_item *item, const struct event_wrote *how, double value, writeq_sink *sink, void *ctx)
{
        struct event_wrote wrote = *how;
        wrote.id = item->order.id;
        wrote.tag = item->order.tag;
        wrote.value = value;
        wrote.unasked = false;
        if (wrote.cause == CAUSE_NONE)
                wrote.cause = item->order.cause;
        sink(ctx, &wrote);
}

void writeq_end(struct writeq *q, int i, const struct event_wrote *how, writeq_sink *sink, void *ctx)
{
        assert(i >= 0 && i < q->count && !q->item[i].is_replaced);
        const struct effect_write done = q->item[i].order;
        int kept = 0;
        for (int k = 0; k < q->count; k++) {
                struct writeq_item *item = &q->item[k];
                if (k == i || (k < i && item->is_replaced && item->order.tag == done.tag))
                        report(item, how, done.value, sink, ctx);
                else
                        q->item[kept++] = *item;
        }
        assert(kept < q->count);
        q->count = kept;
}
