/* Does a precursor's pulse still bring what it brought? A two-sided CUSUM of the pulses' areas against a reference that is
 * learned from the first healthy ones (and from runs before), for a loss of which one pulse tells little.
 *
 *     z = (area - reference) / (sigma sqrt(1 + 1/n))      n: pulses in the reference
 *     low = max(0, low - z - k), high = max(0, high + z - k); an alarm where one exceeds h
 *
 * - k is a part of the change that is to be found (Montgomery, Introduction to Statistical Quality Control, chapter 9;
 *   NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.3), in standard deviations of one pulse.
 * - h follows from k: a healthy line alarms once in 300,000 pulses on either side (drift.c has the table).
 * - The division by sqrt(1 + 1/n) makes the z independent with variance 1 while the reference is still being learned
 *   (recursive residuals; Hawkins, Self-starting CUSUM charts, The Statistician 36, 1987): no number of pulses has to go
 *   by unwatched but the first few.
 * - sigma is what the gauge's own scatter makes of one fit (core/pulse.h), or the scatter from pulse to pulse where
 *   that is clearly more: the mean square of successive differences, which a slow loss does not raise.
 * - One pulse that is far off does not alarm by itself: its weight is bounded. */
#ifndef ALD_CORE_DRIFT_H
#define ALD_CORE_DRIFT_H

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* int64_t */

enum {
        DRIFT_FIRST = 4,   /* pulses before anything is judged */
        DRIFT_LEARNS = 200 /* pulses that make the reference; what comes later is only judged */
};

enum drift_is { DRIFT_LEARNING, DRIFT_HEALTHY, DRIFT_LOW, DRIFT_HIGH };

/* One-sided: low or high. */
struct drift_side {
        double sum;      /* in standard deviations */
        int64_t pulses;  /* since it was 0 */
        double area_sum; /* of them */
        bool is_alarmed;
};

struct drift {
        int64_t count;    /* pulses in the reference */
        double reference; /* their mean */
        int64_t errors, differences;
        double error_sum, difference_sum; /* squares */
        bool has_last;
        double last;
        struct drift_side low, high;
};

/* Nothing is known. */
void drift_forget(struct drift *d);
/* What earlier pulses say: a mean, the standard deviation of one, how many. */
void drift_know(struct drift *d, double reference, double sigma, int64_t count);
/* A new run: the reference stays, what stood against it is forgotten. */
void drift_begin(struct drift *d);
/* A pulse: its area, the standard deviation that its own samples give it (NaN: not known), and the change to be found as a
 * part of the reference (0.3). */
enum drift_is drift_add(struct drift *d, double area, double error, double change);
enum drift_is drift_state(const struct drift *d);
/* The standard deviation of one pulse; NaN while it is not known. */
double drift_sigma(const struct drift *d);
/* By what part of the reference the mean of the pulses since the change began differs (-0.3), and how many they are. 0
 * where nothing stands against the reference. */
double drift_change(const struct drift *d, int64_t *pulses);
/* Of n > 0 values, which it sorts. */
double drift_median(double *value, size_t n);
/* h for k. */
double drift_limit(double k);

#endif
