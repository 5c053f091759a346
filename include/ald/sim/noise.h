/* Noise without state: a number from (seed, stream, time). A value does not depend on how often or in which order
 * instruments are read, and is the same under every compiler. */
#ifndef ALD_SIM_NOISE_H
#define ALD_SIM_NOISE_H

#include <stdint.h> /* int64_t, uint64_t */

/* Mean 0, standard deviation 1, within +-6. */
double noise_normal(uint64_t seed, uint64_t stream, int64_t t_us);
/* What flickers in the last digit of an instrument without noise to speak of: 0 to 1e-6, never twice the same in a row. */
double noise_last_digit(uint64_t stream, int64_t t_us);

#endif
