#include "ald/core/drift.h"

#include <math.h>   /* isnan, NAN, sqrt */
#include <stdlib.h> /* qsort */
#include <string.h> /* memset */

/* k below this would wait for more than a hundred pulses; above the last, h changes no more. */
static const struct {
        double k, h;
} limits[] = {
    /* An alarm in 3 10^5 pulses on one side, by Brook and Evans' Markov chain (Biometrika 59, 1972) with 70 states. Checked by
     * Montgomery's k = 0.5, h = 5: 938 pulses (465 for both sides), and 10.4 after a change of 1. */
    {0.25, 20.02},
    {0.375, 14.0},
    {0.5, 10.78},
    {0.625, 8.75},
    {0.75, 7.34},
    {0.875, 6.31},
    {1.0, 5.52},
    {1.25, 4.38},
    {1.5, 3.6},
    {2.0, 2.63},
    {2.5, 2.02},
    {3.0, 1.51},
    {4.0, 0.51},
};
enum { LIMITS = sizeof limits / sizeof limits[0] };

/* k as a part of the change to be found. A half finds it soonest in the mean; less finds it with fewer stragglers, which is
 * what counts (tests/unit/test_drift.c: later than after 10 pulses come 4 in 1,000, with 0.375 5). Where pulses tell
 * clearly, nothing is gained by looking for less than half the change. */
static const double slack = 0.325, slack_clear = 0.5, clear = 4;
/* A pulse adds at most this part of h: two at least make an alarm. */
static const double weight_max = 0.6;
/* A line repeats its dose no better than this part of it: valves, temperatures. */
static const double repeats = 0.04;
/* A sum grows to so many h: what is gone again is seen to be gone after as many pulses as it took to come. */
static const double sum_max = 1.5;

double drift_limit(double k)
{
        int i = 1;

        if (k <= limits[0].k)
                return limits[0].h;
        while (i < LIMITS - 1 && k > limits[i].k)
                i++;
        if (k >= limits[i].k)
                return limits[i].h;
        return limits[i - 1].h +
               (limits[i].h - limits[i - 1].h) * (k - limits[i - 1].k) / (limits[i].k - limits[i - 1].k);
}

void drift_forget(struct drift *d)
{
        memset(d, 0, sizeof *d);
}

void drift_know(struct drift *d, double reference, double sigma, int64_t count)
{
        drift_forget(d);
        d->count = count < DRIFT_LEARNS ? count : DRIFT_LEARNS;
        d->reference = reference;
        d->errors = d->differences = d->count;
        d->error_sum = sigma * sigma * (double)d->count;
        d->difference_sum = 2 * d->error_sum;
}

void drift_begin(struct drift *d)
{
        memset(&d->low, 0, sizeof d->low);
        memset(&d->high, 0, sizeof d->high);
        d->has_last = false;
}

double drift_sigma(const struct drift *d)
{
        double error = d->errors > 0 ? d->error_sum / (double)d->errors : 0;
        double between = d->differences > 0 ? d->difference_sum / (double)d->differences / 2 : 0;
        double floor = repeats * d->reference;

        if (d->errors == 0 && d->differences < DRIFT_FIRST - 1)
                return NAN;
        /* The variance from n successive differences is itself off by sqrt(3/n) of it: two of that are clearly more. */
        if (d->errors > 0 && d->differences > 0 &&
            between < error * (1 + 2 * sqrt(3.0 / (double)d->differences)))
                between = error;
        between = between > error ? between : error;
        return sqrt(between > floor * floor ? between : floor * floor);
}

static void learn_scatter(struct drift *d, double area, double error)
{
        double by = area - d->last;

        if (!isnan(error)) {
                d->errors++;
                d->error_sum += error * error;
        }
        if (d->has_last) {
                d->differences++;
                d->difference_sum += by * by;
        }
        d->has_last = true;
        d->last = area;
}

static void learn(struct drift *d, double area)
{
        d->count++;
        d->reference += (area - d->reference) / (double)d->count;
}

static void add_to_side(struct drift_side *side, double excess, double h, double area)
{
        excess = excess < weight_max * h ? excess : weight_max * h;
        side->sum += excess;
        if (side->sum <= 0) {
                memset(side, 0, sizeof *side);
                return;
        }
        side->pulses++;
        side->area_sum += area;
        side->sum = side->sum < sum_max * h ? side->sum : sum_max * h;
        side->is_alarmed = side->is_alarmed || side->sum > h;
}

enum drift_is drift_state(const struct drift *d)
{
        if (d->low.is_alarmed)
                return DRIFT_LOW;
        if (d->high.is_alarmed)
                return DRIFT_HIGH;
        return d->count < DRIFT_FIRST || !(d->reference > 0) ? DRIFT_LEARNING : DRIFT_HEALTHY;
}

enum drift_is drift_add(struct drift *d, double area, double error, double change)
{
        double sigma, k, h, z;

        learn_scatter(d, area, error);
        sigma = drift_sigma(d);
        if (d->count < DRIFT_FIRST || !(d->reference > 0) || !(sigma > 0)) {
                if (d->count < DRIFT_LEARNS)
                        learn(d, area);
                return drift_state(d);
        }
        z = (area - d->reference) / (sigma * sqrt(1 + 1 / (double)d->count));
        k = change * d->reference / sigma;
        k *= k < clear ? slack : slack_clear;
        k = k < limits[0].k ? limits[0].k : k;
        h = drift_limit(k);
        add_to_side(&d->low, -z - k, h, area);
        add_to_side(&d->high, z - k, h, area);
        /* What is on its way to an alarm is not learned. */
        if (d->count < DRIFT_LEARNS && d->low.sum < h / 2 && d->high.sum < h / 2)
                learn(d, area);
        return drift_state(d);
}

double drift_change(const struct drift *d, int64_t *pulses)
{
        const struct drift_side *side = d->low.sum > d->high.sum ? &d->low : &d->high;

        *pulses = side->pulses;
        if (side->pulses == 0 || !(d->reference > 0))
                return 0;
        return side->area_sum / (double)side->pulses / d->reference - 1;
}

static int compare(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

double drift_median(double *value, size_t n)
{
        qsort(value, n, sizeof *value, compare);
        return n % 2 != 0 ? value[n / 2] : (value[n / 2 - 1] + value[n / 2]) / 2;
}
