#include "ald/sim/pace.h"

#include "ald/base/time.h" /* time_min */

#include <assert.h> /* assert */

int64_t pace_stir(struct pace *pace, int64_t now_us)
{
        pace->stirred_us = now_us;
        return now_us + PACE_US_MIN;
}

int64_t pace_next(const struct pace *pace, int64_t now_us, bool is_moving)
{
        /* As long again as it has been quiet. */
        int64_t step_us = now_us - pace->stirred_us;

        assert(step_us >= 0);
        if (step_us < PACE_US_MIN)
                step_us = PACE_US_MIN;
        return now_us + time_min(step_us, is_moving ? pace->moving_us_max : pace->quiet_us_max);
}
