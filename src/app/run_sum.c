#include "ald/app/run_sum.h"

#include <string.h> /* strcmp */

void run_sum_add(struct run_sum *s, const struct query_pulse *p)
{
        s->count++;
        if (strcmp(p->outcome, "done") != 0) {
                s->not_done++;
                return;
        }
        if (p->planned_open_us > 0 && p->planned_width_us >= 0) {
                s->planned_from_us = s->planned_from_us == 0 ? p->planned_open_us : s->planned_from_us;
                s->planned_to_us = p->planned_open_us + p->planned_width_us;
        }
        if (p->opened_us > 0 && p->width_us >= 0) {
                int64_t error = p->width_us - p->planned_width_us;
                s->from_us = s->from_us == 0 ? p->opened_us : s->from_us;
                s->to_us = p->opened_us + p->width_us;
                error = error < 0 ? -error : error;
                s->width_error_us_max = error > s->width_error_us_max ? error : s->width_error_us_max;
        }
}
