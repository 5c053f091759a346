/* What the pulses of a run add up to: the same in the text, in the JSON and on the page. */
#ifndef ALD_APP_RUN_SUM_H
#define ALD_APP_RUN_SUM_H

#include "ald/store/query.h" /* struct query_pulse */

#include <stdint.h> /* int64_t */

/* Begin with zeros. Planned and actual lengths run from the first pulse's opening to the last one's close; of pulses that
 * were done. */
struct run_sum {
        int64_t planned_from_us, planned_to_us, from_us, to_us; /* 0 = none yet */
        int64_t width_error_us_max;
        int count, not_done;
};

/* Add the next pulse, in the order of the plan. */
void run_sum_add(struct run_sum *s, const struct query_pulse *p);

#endif
