#include "ald/bus/ring.h"

#include <assert.h> /* assert */
#include <stdlib.h> /* calloc, free */

bool ring_init(struct ring *ring, size_t capacity, size_t size)
{
        assert(capacity > 0 && (capacity & (capacity - 1)) == 0 && size > 0);
        ring->items = calloc(capacity, size);
        ring->size = size;
        ring->capacity = capacity;
        atomic_init(&ring->put, 0);
        atomic_init(&ring->taken, 0);
        return ring->items != NULL;
}

void ring_free(struct ring *ring)
{
        free(ring->items);
        ring->items = NULL;
}

static void *slot(struct ring *ring, size_t n)
{
        return ring->items + (n & (ring->capacity - 1)) * ring->size;
}

void *ring_reserve(struct ring *ring)
{
        size_t put = atomic_load_explicit(&ring->put, memory_order_relaxed);
        size_t taken = atomic_load_explicit(&ring->taken, memory_order_acquire);
        assert(put - taken <= ring->capacity);
        return put - taken == ring->capacity ? NULL : slot(ring, put);
}

size_t ring_free_count(struct ring *ring)
{
        size_t put = atomic_load_explicit(&ring->put, memory_order_relaxed);
        size_t taken = atomic_load_explicit(&ring->taken, memory_order_acquire);
        return ring->capacity - (put - taken);
}

void ring_commit(struct ring *ring)
{
        size_t put = atomic_load_explicit(&ring->put, memory_order_relaxed);
        atomic_store_explicit(&ring->put, put + 1, memory_order_release);
}

const void *ring_peek(struct ring *ring)
{
        size_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
        size_t put = atomic_load_explicit(&ring->put, memory_order_acquire);
        return put == taken ? NULL : slot(ring, taken);
}

void ring_release(struct ring *ring)
{
        size_t taken = atomic_load_explicit(&ring->taken, memory_order_relaxed);
        atomic_store_explicit(&ring->taken, taken + 1, memory_order_release);
}
