#include "ald/sim/noise.h"

/* The output function of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): a bijection whose bits look random. */
static uint64_t mix(uint64_t z)
{
        z += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

/* Twelve uniform numbers have a sum of variance 1: near enough to a normal distribution, and exact arithmetic (no
 * logarithm that could differ between libraries). */
double noise_normal(uint64_t seed, uint64_t stream, int64_t t_us)
{
        uint64_t state = mix(mix(seed ^ mix(stream)) ^ (uint64_t)t_us);
        int64_t sum = 0;

        for (int word = 0; word < 3; word++) {
                state = mix(state);
                for (int part = 0; part < 4; part++)
                        sum += (int64_t)((state >> (16 * part)) & 0xffff);
        }
        /* Each part is uniform on 0..65535: mean 32767.5. */
        return ((double)sum - 12 * 32767.5) / 65536.0;
}
