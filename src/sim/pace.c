#include "ald/sim/pace.h"

#include "ald/base/time.h" /* time_min */

#include <assert.h> /* assert */

/* Longest time between two looks while something moves: within it a decision may come late. */
static const int64_t slow_us_max = 1000000, fast_us_max = 250000;

void pace_init(struct pace *pace, int64_t now_us, int64_t step_us_max)
{
        *pace = (struct pace){.stirred_us = now_us};
        pace->step_us_max[PACE_REST] = step_us_max;
        pace->step_us_max[PACE_SLOW] = time_min(step_us_max, slow_us_max);
        pace->step_us_max[PACE_FAST] = time_min(step_us_max, fast_us_max);
}

int64_t pace_stir(struct pace *pace, int64_t now_us)
{
        pace->stirred_us = now_us;
        return now_us + PACE_US_MIN;
}

int64_t pace_next(const struct pace *pace, int64_t now_us, enum pace_motion motion)
{
        /* Twice as long again as it has been quiet. */
        int64_t step_us = 2 * (now_us - pace->stirred_us);

        assert(step_us >= 0);
        if (step_us < PACE_US_MIN)
                step_us = PACE_US_MIN;
        return now_us + time_min(step_us, pace->step_us_max[motion]);
}
