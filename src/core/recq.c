#include "ald/core/recq.h"

#include "ald/base/text.h" /* text_add, text_copy */
#include "ald/base/time.h" /* time_format_utc */
#include "ald/core/tool.h" /* TOOL_TAGS_MAX */

#include <assert.h>    /* assert */
#include <inttypes.h>  /* PRId64 */
#include <stdatomic.h> /* _Atomic loads and stores */
#include <stdlib.h>    /* malloc, calloc, free */

/* Positions of a ring of 2^k places; they run on and wrap at 2^32. The producer alone writes `head`, the consumer
 * alone `tail`; a release store of the one makes the places before it visible to the other's acquire load. */
struct ring {
        uint32_t max;
        _Atomic uint32_t head, tail;
};

struct gap {
        uint32_t count;
        int64_t first_us, last_us;
};

struct recq {
        struct ring records, samples;
        struct record *record;
        struct recq_sample *sample;
        _Atomic int64_t dropped, lost;
        /* The producer's own. */
        int open_gaps; /* tags with gap[].count > 0 */
        struct gap gap[TOOL_TAGS_MAX];
        struct gap lost_now; /* records refused since there was room last */
        int64_t lost_run_id;
};

/* For the producer or the consumer, who each see their own end standing still. */
static uint32_t ring_used(const struct ring *r)
{
        uint32_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
        uint32_t used = atomic_load_explicit(&r->head, memory_order_acquire) - tail;

        assert(used <= r->max);
        return used;
}

/* For anybody: both ends may move between the two loads. */
static uint32_t ring_glance(const struct ring *r)
{
        uint32_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
        uint32_t used = atomic_load_explicit(&r->head, memory_order_acquire) - tail;

        return used < r->max ? used : r->max;
}

static uint32_t ring_room(const struct ring *r)
{
        return r->max - ring_used(r);
}

static uint32_t ring_place(const struct ring *r, uint32_t position)
{
        return position & (r->max - 1);
}

/* Where the producer may write; ring_publish() hands it over. */
static uint32_t ring_next(const struct ring *r)
{
        return ring_place(r, atomic_load_explicit(&r->head, memory_order_relaxed));
}

static void ring_publish(struct ring *r)
{
        atomic_store_explicit(
            &r->head, atomic_load_explicit(&r->head, memory_order_relaxed) + 1, memory_order_release);
}

static void ring_release(struct ring *r, uint32_t n)
{
        assert(n <= ring_used(r));
        atomic_store_explicit(
            &r->tail, atomic_load_explicit(&r->tail, memory_order_relaxed) + n, memory_order_release);
}

static uint32_t ring_at(const struct ring *r, uint32_t i)
{
        assert(i < ring_used(r));
        return ring_place(r, atomic_load_explicit(&r->tail, memory_order_relaxed) + i);
}

static void ring_init(struct ring *r, uint32_t max)
{
        r->max = max;
        atomic_init(&r->head, 0);
        atomic_init(&r->tail, 0);
}

struct recq *recq_new(uint32_t records_max, uint32_t samples_max)
{
        assert(records_max >= 8 && (records_max & (records_max - 1)) == 0);
        assert(samples_max >= 2 * TOOL_TAGS_MAX && (samples_max & (samples_max - 1)) == 0);

        struct recq *q = calloc(1, sizeof *q);
        if (q == NULL)
                return NULL;
        ring_init(&q->records, records_max);
        ring_init(&q->samples, samples_max);
        atomic_init(&q->dropped, 0);
        atomic_init(&q->lost, 0);
        /* malloc, not calloc: a page becomes resident when its first record is written. */
        q->record = malloc(records_max * sizeof *q->record);
        q->sample = malloc(samples_max * sizeof *q->sample);
        if (q->record == NULL || q->sample == NULL) {
                recq_free(q);
                return NULL;
        }
        return q;
}

void recq_free(struct recq *q)
{
        if (q == NULL)
                return;
        free(q->record);
        free(q->sample);
        free(q);
}

static void note_gap(struct gap *gap, int64_t t_us)
{
        if (gap->count == 0)
                gap->first_us = t_us;
        gap->last_us = t_us;
        gap->count++;
}

static void put_sample(struct recq *q, struct recq_sample sample)
{
        assert(ring_room(&q->samples) > 0);
        q->sample[ring_next(&q->samples)] = sample;
        ring_publish(&q->samples);
}

/* All open gaps leave together, so that the stream goes on for every tag at one place. */
static void close_gaps(struct recq *q)
{
        for (int tag = 0; tag < TOOL_TAGS_MAX && q->open_gaps > 0; tag++) {
                struct gap *gap = &q->gap[tag];

                if (gap->count == 0)
                        continue;
                put_sample(q, (struct recq_sample){.tag = (int16_t)tag,
                                  .gap = gap->count,
                                  .t_us = gap->first_us,
                                  .u.last_us = gap->last_us});
                gap->count = 0;
                q->open_gaps--;
        }
        assert(q->open_gaps == 0);
}

static bool push_sample(struct recq *q, const struct record_sample *s)
{
        assert(s->tag >= 0 && s->tag < TOOL_TAGS_MAX);
        uint32_t room = ring_room(&q->samples);

        /* A quarter of the ring must be free again before samples flow: few long gaps, not many short ones. */
        if (q->open_gaps > 0 && room >= q->samples.max / 4 && room > (uint32_t)q->open_gaps) {
                close_gaps(q);
                room = ring_room(&q->samples);
        }
        if (q->open_gaps > 0 || room == 0) {
                q->open_gaps += q->gap[s->tag].count == 0;
                note_gap(&q->gap[s->tag], s->t_us);
                atomic_fetch_add_explicit(&q->dropped, 1, memory_order_relaxed);
                return false;
        }
        put_sample(q,
            (struct recq_sample){.tag = s->tag, .quality = s->quality, .t_us = s->t_us, .u.value = s->value});
        return true;
}

static void put_record(struct recq *q, const struct record *r)
{
        assert(ring_room(&q->records) > 0);
        q->record[ring_next(&q->records)] = *r;
        ring_publish(&q->records);
}

static void close_loss(struct recq *q)
{
        struct record r = {.kind = RECORD_EVENT, .wall_us = q->lost_now.last_us, .run_id = q->lost_run_id};
        char first[TIME_UTC_CAP], last[TIME_UTC_CAP];
        struct text t;

        time_format_utc(q->lost_now.first_us, first);
        time_format_utc(q->lost_now.last_us, last);
        r.u.event.severity = RECORD_ALARM;
        text_copy(r.u.event.kind, sizeof r.u.event.kind, "gap");
        text_copy(r.u.event.source, sizeof r.u.event.source, "record");
        text_init(&t, r.u.event.text, sizeof r.u.event.text);
        text_add(&t, "%" PRIu32 " records lost between %s and %s: the queue was full", q->lost_now.count,
            first, last);
        put_record(q, &r);
        q->lost_now.count = 0;
}

static bool push_record(struct recq *q, const struct record *r)
{
        uint32_t room = ring_room(&q->records);

        if (q->lost_now.count > 0 && room >= q->records.max / 4) {
                close_loss(q);
                room--;
        }
        if (q->lost_now.count > 0 || room == 0) {
                if (q->lost_now.count == 0)
                        q->lost_run_id = r->run_id;
                note_gap(&q->lost_now, r->wall_us);
                atomic_fetch_add_explicit(&q->lost, 1, memory_order_relaxed);
                return false;
        }
        put_record(q, r);
        return true;
}

bool recq_push(struct recq *q, const struct record *r)
{
        assert(q != NULL && r != NULL);
        return r->kind == RECORD_SAMPLE ? push_sample(q, &r->u.sample) : push_record(q, r);
}

bool recq_end(struct recq *q)
{
        if (q->open_gaps > 0 && ring_room(&q->samples) >= (uint32_t)q->open_gaps)
                close_gaps(q);
        if (q->lost_now.count > 0 && ring_room(&q->records) > 0)
                close_loss(q);
        return q->open_gaps == 0 && q->lost_now.count == 0;
}

uint32_t recq_records(const struct recq *q)
{
        return ring_glance(&q->records);
}

uint32_t recq_samples(const struct recq *q)
{
        return ring_glance(&q->samples);
}

const struct record *recq_record(const struct recq *q, uint32_t i)
{
        return &q->record[ring_at(&q->records, i)];
}

const struct recq_sample *recq_sample(const struct recq *q, uint32_t i)
{
        return &q->sample[ring_at(&q->samples, i)];
}

void recq_release_records(struct recq *q, uint32_t n)
{
        ring_release(&q->records, n);
}

void recq_release_samples(struct recq *q, uint32_t n)
{
        ring_release(&q->samples, n);
}

uint32_t recq_records_max(const struct recq *q)
{
        return q->records.max;
}

uint32_t recq_samples_max(const struct recq *q)
{
        return q->samples.max;
}

int64_t recq_dropped(const struct recq *q)
{
        return atomic_load_explicit(&q->dropped, memory_order_relaxed);
}

int64_t recq_lost(const struct recq *q)
{
        return atomic_load_explicit(&q->lost, memory_order_relaxed);
}
