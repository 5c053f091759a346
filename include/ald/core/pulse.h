/* What a pulse did to the chamber pressure: base before it, peak, and baseline-subtracted area (DESIGN.md, pulse
 * table). Fed with every sample of the gauge; keeps a short past for the base. */
#ifndef ALD_CORE_PULSE_H
#define ALD_CORE_PULSE_H

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

/* The base is the mean over this long before the open edge; the area ends this long after the close edge, or at the
 * next pulse: with tau about 0.65 s (PROCESS.md) all of the fast tail lies within it. */
#define PULSE_BASE_US INT64_C(1000000)
#define PULSE_TAIL_US INT64_C(5000000)

enum { PULSE_PAST = 128 };

struct pulse_gauge {
        int past_next, past_count;
        struct {
                int64_t t_us;
                double value;
        } past[PULSE_PAST];

        bool is_running;
        int64_t open_us, end_us;
        int64_t last_us;
        double last, base, peak, area;
        bool has_base;
};

/* A Good sample of the gauge, in order of source time. */
void pulse_gauge_sample(struct pulse_gauge *g, int64_t t_us, double value);
/* A pulse opens at open_us and closes at close_us (planned): start to measure. */
void pulse_gauge_begin(struct pulse_gauge *g, int64_t open_us, int64_t close_us);
/* Is the measurement of the last pulse complete at now_us? */
bool pulse_gauge_is_over(const struct pulse_gauge *g, int64_t now_us);
/* Take the result (NaN where nothing was measured) and stop. */
void pulse_gauge_end(struct pulse_gauge *g, double *base, double *peak, double *area);

#endif
