#include "ald/core/inputq.h"

#include <assert.h>    /* assert */
#include <stdatomic.h> /* _Atomic loads and stores */
#include <stdlib.h>    /* calloc, malloc, free */
#include <string.h>    /* memcpy */

/* Before each piece in the ring; `size` is all that it takes, a multiple of ALIGN. */
struct head {
        uint32_t size;
        uint32_t kind, len;
        int64_t run_id, n, wall_us;
};
/* A piece lies in one stretch: what is left of the ring's end before it is passed over. */
enum { ALIGN = 8, KIND_PASS = UINT8_MAX };

struct inputq {
        uint32_t max;
        bool is_refusing; /* the producer's own */
        unsigned char *at;
        /* Positions run on and wrap at 2^32. The producer alone writes `head`, the consumer alone `tail`; a release store of the
         * one makes the bytes before it visible to the other's acquire load. */
        _Atomic uint32_t head, tail;
};

struct inputq *inputq_new(uint32_t bytes_max)
{
        struct inputq *q = calloc(1, sizeof *q);

        assert(bytes_max >= 4096 && (bytes_max & (bytes_max - 1)) == 0);
        if (q == NULL)
                return NULL;
        q->max = bytes_max;
        atomic_init(&q->head, 0);
        atomic_init(&q->tail, 0);
        /* malloc, not calloc: a page becomes resident when it is first written. */
        q->at = malloc(bytes_max);
        if (q->at == NULL) {
                free(q);
                return NULL;
        }
        return q;
}

void inputq_free(struct inputq *q)
{
        if (q == NULL)
                return;
        free(q->at);
        free(q);
}

uint32_t inputq_max(const struct inputq *q)
{
        return q->max;
}

uint32_t inputq_used(const struct inputq *q)
{
        uint32_t tail = atomic_load_explicit(&q->tail, memory_order_acquire);
        uint32_t used = atomic_load_explicit(&q->head, memory_order_acquire) - tail;

        return used < q->max ? used : q->max; /* both ends may move between the two loads */
}

static uint32_t place_of(const struct inputq *q, uint32_t position)
{
        return position & (q->max - 1);
}

/* Whole heads only: a stretch at the ring's end that is too short for one has just its size and kind. */
static void put_pass(struct inputq *q, uint32_t at, uint32_t size)
{
        const uint32_t words[2] = {size, KIND_PASS};

        memcpy(q->at + at, words, sizeof words);
}

bool inputq_push(struct inputq *q, const struct tape_piece *piece)
{
        uint32_t head = atomic_load_explicit(&q->head, memory_order_relaxed);
        uint32_t used = head - atomic_load_explicit(&q->tail, memory_order_acquire);
        uint32_t at = place_of(q, head), to_end = q->max - at, pass = 0;
        struct head h = {.kind = (uint32_t)piece->kind,
            .len = piece->len,
            .run_id = piece->run_id,
            .n = piece->n,
            .wall_us = piece->wall_us};

        assert(used <= q->max);
        if (q->is_refusing && used > q->max / 2)
                return false;
        q->is_refusing = true;
        if (piece->len > q->max / 2)
                return false;
        h.size = ((uint32_t)sizeof h + piece->len + ALIGN - 1) / ALIGN * ALIGN;
        if (h.size > to_end)
                pass = to_end;
        if (pass + h.size > q->max - used)
                return false;
        if (pass > 0)
                put_pass(q, at, pass);
        at = place_of(q, head + pass);
        memcpy(q->at + at, &h, sizeof h);
        if (piece->len > 0)
                memcpy(q->at + at + sizeof h, piece->bytes, piece->len);
        q->is_refusing = false;
        atomic_store_explicit(&q->head, head + pass + h.size, memory_order_release);
        return true;
}

bool inputq_next(const struct inputq *q, uint32_t *place, struct tape_piece *out)
{
        uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
        uint32_t head = atomic_load_explicit(&q->head, memory_order_acquire);
        uint32_t words[2], at;
        struct head h;

        assert(*place <= head - tail);
        if (tail + *place == head)
                return false;
        at = place_of(q, tail + *place);
        memcpy(words, q->at + at, sizeof words);
        if (words[1] == KIND_PASS) { /* a piece always follows */
                *place += words[0];
                at = place_of(q, tail + *place);
        }
        memcpy(&h, q->at + at, sizeof h);
        *place += h.size;
        *out = (struct tape_piece){.kind = (enum tape_kind)h.kind,
            .run_id = h.run_id,
            .n = h.n,
            .wall_us = h.wall_us,
            .bytes = q->at + at + sizeof h,
            .len = h.len};
        return true;
}

void inputq_release(struct inputq *q, uint32_t place)
{
        uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);

        assert(place <= atomic_load_explicit(&q->head, memory_order_relaxed) - tail);
        atomic_store_explicit(&q->tail, tail + place, memory_order_release);
}
