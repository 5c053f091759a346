#include "ald/sim/noise.h"

#include "ald/base/random.h" /* random_mix */

/* Twelve uniform numbers have a sum of variance 1: near enough to a normal distribution, and exact arithmetic (no
 * logarithm that could differ between libraries). */
double noise_normal(uint64_t seed, uint64_t stream, int64_t t_us)
{
        uint64_t state = random_mix(random_mix(seed ^ random_mix(stream)) ^ (uint64_t)t_us);
        int64_t sum = 0;

        for (int word = 0; word < 3; word++) {
                state = random_mix(state);
                for (int part = 0; part < 4; part++)
                        sum += (int64_t)((state >> (16 * part)) & 0xffff);
        }
        /* Each part is uniform on 0..65535: mean 32767.5. */
        return ((double)sum - 12 * 32767.5) / 65536.0;
}

double noise_last_digit(uint64_t stream, int64_t t_us)
{
        return (double)(int64_t)(random_mix(stream ^ (uint64_t)t_us << 8) >> 44) * 1e-6 / (1 << 20);
}
