/* A bounded queue between one thread that puts and one that takes, without locks: neither ever waits for the other.
 * Items are fixed in size and live in the queue; nothing is allocated after ring_init(). */
#ifndef ALD_BUS_RING_H
#define ALD_BUS_RING_H

#include <stdalign.h>  /* alignas */
#include <stdatomic.h> /* _Atomic */
#include <stdbool.h>   /* bool */
#include <stddef.h>    /* size_t */

struct ring {
        unsigned char *items;
        size_t size;     /* of an item */
        size_t capacity; /* a power of two */
        /* Counts of items ever put and taken, on cache lines of their own. */
        alignas(64) _Atomic size_t put;
        alignas(64) _Atomic size_t taken;
};

/* False: memory is out. `capacity` must be a power of two. */
bool ring_init(struct ring *ring, size_t capacity, size_t size);
void ring_free(struct ring *ring);

/* The putting side: a free slot to fill, or NULL when full; then make it visible. */
void *ring_reserve(struct ring *ring);
void ring_commit(struct ring *ring);
/* How many free slots there are at least. */
size_t ring_free_count(struct ring *ring);
/* The taking side: the oldest item, or NULL when empty; then give the slot back. */
const void *ring_peek(struct ring *ring);
void ring_release(struct ring *ring);

#endif
