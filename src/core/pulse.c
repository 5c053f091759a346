#include "ald/core/pulse.h"

#include <math.h> /* NAN */

void pulse_gauge_sample(struct pulse_gauge *g, int64_t t_us, double value)
{
        g->past[g->past_next].t_us = t_us;
        g->past[g->past_next].value = value;
        g->past_next = (g->past_next + 1) % PULSE_PAST;
        g->past_count += g->past_count < PULSE_PAST;
        if (!g->is_running || !g->has_base || t_us < g->open_us || t_us > g->end_us)
                return;
        /* Trapezoids; the first one begins at the base on the open edge. */
        g->area += ((g->last - g->base) + (value - g->base)) / 2 * (double)(t_us - g->last_us) / 1e6;
        g->last = value;
        g->last_us = t_us;
        if (value > g->peak)
                g->peak = value;
}

void pulse_gauge_begin(struct pulse_gauge *g, int64_t open_us, int64_t close_us)
{
        double sum = 0;
        int n = 0;

        for (int i = 0; i < g->past_count; i++) {
                if (g->past[i].t_us < open_us - PULSE_BASE_US || g->past[i].t_us >= open_us)
                        continue;
                sum += g->past[i].value;
                n++;
        }
        g->is_running = true;
        g->open_us = g->last_us = open_us;
        g->end_us = close_us + PULSE_TAIL_US;
        g->has_base = n > 0;
        g->base = g->last = g->peak = n > 0 ? sum / n : 0;
        g->area = 0;
}

bool pulse_gauge_is_over(const struct pulse_gauge *g, int64_t now_us)
{
        return g->is_running && now_us > g->end_us;
}

void pulse_gauge_end(struct pulse_gauge *g, double *base, double *peak, double *area)
{
        g->is_running = false;
        *base = g->has_base ? g->base : NAN;
        *peak = g->has_base && g->last_us > g->open_us ? g->peak : NAN;
        *area = g->has_base && g->last_us > g->open_us ? g->area : NAN;
}
