/* Rollups: minimum, maximum, mean and count of each tag's samples over periods, so that years are read quickly
 * (store/trend.h).
 *
 * A row of sample_rollup is always computed anew from what it sums up, never added to: it is right whatever came late,
 * twice or before a crash. rollup_mark says up to where that was done; it moves in the transaction of the samples that
 * let it, and back for one that is older. */
#ifndef ALD_STORE_ROLLUP_H
#define ALD_STORE_ROLLUP_H

#include "ald/base/time.h" /* TIME_S */

#include <stdint.h> /* int64_t */

/* Each a multiple of the one before. Chosen by measurement: a window of 2,000 points reads at most 30 rows a point. */
enum { ROLLUP_LEVELS = 3 };
#define ROLLUP_PERIOD_0 (10 * TIME_S)
#define ROLLUP_PERIOD_1 (5 * TIME_MIN)
#define ROLLUP_PERIOD_2 (2 * TIME_H)
/* rollup_mark.period of what retention removed: samples before the mark are kept within runs only; not there either. */
enum { ROLLUP_SAMPLES = 0, ROLLUP_RUN_SAMPLES = -1 };
extern const int64_t rollup_period_us[ROLLUP_LEVELS];

#endif
