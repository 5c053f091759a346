#include "ald/base/random.h"

#include <assert.h> /* assert */

uint64_t random_mix(uint64_t z)
{
        z += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

struct random random_split(uint64_t seed, uint64_t purpose)
{
        return (struct random){.state = random_mix(random_mix(seed) ^ purpose)};
}

uint64_t random_next(struct random *r)
{
        uint64_t out = random_mix(r->state);

        r->state += UINT64_C(0x9e3779b97f4a7c15);
        return out;
}

int64_t random_below(struct random *r, int64_t count)
{
        assert(count > 0);
        return (int64_t)(random_next(r) % (uint64_t)count);
}

int64_t random_between(struct random *r, int64_t min, int64_t max)
{
        assert(min <= max);
        return min + random_below(r, max - min + 1);
}

bool random_chance(struct random *r, int per_mille)
{
        return random_below(r, 1000) < per_mille;
}

double random_part(struct random *r)
{
        return (double)(random_next(r) >> 11) * 0x1p-53;
}
