#include "ald/core/drift.h"

#include <math.h>   /* isnan, NAN, sqrt */
#include <string.h> /* memset */

/* k below this would wait for more than a hundred pulses; above the last, h changes no more. */
static const struct {
        double k, h;
} limits[] = {
    /* ARL0 = 10^6 on one side. To k = 1.25 by Brook and Evans' Markov chain (Biometrika 59, 1972) with 60 states; checked by
     * Montgomery's k = 0.5, h = 5: ARL0 938 (465 for both sides), ARL1 10.4. Above by Siegmund's approximation
     * ARL = (exp(2 k b) - 2 k b - 1) / (2 k^2), b = h + 1.166, which lies 0.04 below the chain at k = 1.25. */
    {0.25, 22.54},
    {0.375, 15.64},
    {0.5, 12.0},
    {0.625, 9.72},
    {0.75, 8.15},
    {0.875, 7.0},
    {1.0, 6.12},
    {1.125, 5.42},
    {1.25, 4.86},
    {1.5, 3.98},
    {2.0, 2.85},
    {2.5, 2.14},
    {3.0, 1.66},
};
enum { LIMITS = sizeof limits / sizeof limits[0] };

/* k as a part of the change to be found. A half finds it soonest in the mean; less finds it with fewer stragglers, which is
 * what counts: with 2.5 sigma, 0.5 % of the losses would still be unknown after 10 pulses, and 0.15 % are so. Where pulses
 * tell clearly, nothing is gained by looking for less than half the change. */
static const double slack = 0.375, slack_clear = 0.5, clear = 4;
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
