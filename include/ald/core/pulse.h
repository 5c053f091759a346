/* What a pulse did to the chamber pressure: base before it, peak, baseline-subtracted area, and how fast it went away
 * (DESIGN.md, pulse table). Fed with every sample of the gauge; keeps a short past for the base.
 *
 * Two areas, since one cannot serve both ends. The trapezoids tell what happened, whatever its shape. The fit is what a
 * trend judges: a niobium pulse lifts 2.30 Torr by 9 mTorr for a second, and a gauge with noise of 0.2 % rms is off by
 * 4.6 mTorr in each sample. Theory for 20 samples a second (area 12 mTorr s):
 *     trapezoids from a base of 1 s (20 samples):   6.2 (base) and 2.5 (samples): sd 6.7 mTorr s, half the area
 *     trapezoids from a base of 5 s:                2.8 and 2.5:                  sd 3.7, 31 % of it
 *     the shape of a response, with 15 s of base on both sides, by least squares: sd 1.52, 13 % of it
 *     the same shape if the base were known exactly (the bound):                  sd 1.46, 12 %
 * so that a depletion of 30 % is 2.3 standard deviations of one pulse. A shape that fades twice too fast or too slowly
 * costs 5 % of that. tests/unit/test_drift.c measures it on the simulated tool. */
#ifndef ALD_CORE_PULSE_H
#define ALD_CORE_PULSE_H

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

/* The base is the mean over this long before the open edge, or since the pressure is quiet, but of PULSE_BASE_US_MIN at
 * least. Peak and area end PULSE_TAIL_US after the close edge: with tau about 0.65 s (PROCESS.md) all of the fast tail lies
 * within it. The fit looks PULSE_FIT_US to both sides, as far as nothing else moves the pressure. */
#define PULSE_BASE_US     INT64_C(5000000)
#define PULSE_BASE_US_MIN INT64_C(1000000)
#define PULSE_TAIL_US     INT64_C(5000000)
#define PULSE_FIT_US      INT64_C(15000000)
/* How fast the response is taken to fade: V/(2 k P) of 0.5 L at 2.3 Torr (PROCESS.md). */
#define PULSE_FADE_US INT64_C(650000)

/* Fewer samples in the base, or while the response lasts, give no fit. */
enum { PULSE_PAST = 400, PULSE_FIT_SAMPLES_MIN = 8 };

/* Sums over the samples of a fit of shape, constant and slope; pressures above the base, times from the open edge. */
struct pulse_sums {
        double n, t, p, s, tt, tp, ts, pp, ps, ss;
        int in_base, in_shape;
};

struct pulse_gauge {
        int past_next, past_count;
        struct {
                int64_t t_us;
                double value;
        } past[PULSE_PAST];

        bool is_running;
        int64_t open_us, close_us, end_us;
        int64_t last_us; /* of the trapezoids */
        double last, base, peak, area;
        bool has_base;
        double noise; /* variance of a sample of the base; 0 = not known */
        struct pulse_sums sums;
        /* After the close: the rise over its own integral is a line for what fades exponentially. */
        struct {
                bool has_begun, is_over;
                double begun, last, integral;
                int64_t last_us;
                double n, i, y, ii, iy;
        } fade;
        struct {
                double sum;
                int count;
        } late; /* the pressure above the base from PULSE_TAIL_US on */
};

/* NaN, and -1 for the time, where nothing was measured or noise hides it. */
struct pulse_measured {
        double base, peak, area;
        double fit, fit_error;   /* area by the fit, and its standard deviation by the samples' own scatter */
        double late, late_error; /* what is left of the rise long after the close */
        int64_t decay_us;        /* from the close until 1/e of the rise then is left */
};

/* A Good sample of the gauge, in order of source time. */
void pulse_gauge_sample(struct pulse_gauge *g, int64_t t_us, double value);
/* A pulse opens at open_us and closes at close_us (planned): start to measure. Until quiet_us something else moved the
 * pressure. */
void pulse_gauge_begin(struct pulse_gauge *g, int64_t open_us, int64_t close_us, int64_t quiet_us);
/* Something else moves the pressure from at_us on: what comes later is no part of it. */
void pulse_gauge_disturb(struct pulse_gauge *g, int64_t at_us);
/* Is the measurement of the last pulse complete at now_us? */
bool pulse_gauge_is_over(const struct pulse_gauge *g, int64_t now_us);
/* Take the result and stop. */
void pulse_gauge_end(struct pulse_gauge *g, struct pulse_measured *out);
/* How long its area was summed. */
int64_t pulse_gauge_span_us(const struct pulse_gauge *g);

#endif
