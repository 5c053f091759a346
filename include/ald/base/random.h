/* Random numbers from a seed, the same everywhere: what is drawn is a matter of record, never of the machine. */
#ifndef ALD_BASE_RANDOM_H
#define ALD_BASE_RANDOM_H

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t, uint64_t */

/* The output function of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a bijection whose bits look random. */
uint64_t random_mix(uint64_t z);

/* A stream of numbers: {seed}. Streams of different purposes are split off by random_split(), so that one more draw in
 * one of them moves no other. */
struct random {
        uint64_t state;
};
struct random random_split(uint64_t seed, uint64_t purpose);
uint64_t random_next(struct random *r);
/* 0 to count - 1; count > 0. */
int64_t random_below(struct random *r, int64_t count);
/* From min to max, both included. */
int64_t random_between(struct random *r, int64_t min, int64_t max);
/* True in `per_mille` of 1,000 cases. */
bool random_chance(struct random *r, int per_mille);
/* 0 <= x < 1. */
double random_part(struct random *r);

#endif
