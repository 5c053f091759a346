#include "ald/app/top_trend.h"

#include <assert.h> /* assert */
#include <math.h>   /* isfinite */
#include <stddef.h> /* NULL */

/* The edges that a subscription shows are up to two of its turns off, with the clock of the message and not of the valve. */
#define SAME_PULSE_US INT64_C(500000)

/* The bucket of a time, emptied when it held an older one; NULL when it holds a newer one. */
static struct top_bucket *take_bucket(struct top_trend *t, int64_t number)
{
        struct top_bucket *b;

        if (number <= 0)
                return NULL;
        b = &t->buckets[number % TOP_TREND_BUCKETS];
        if (b->number > number)
                return NULL;
        if (b->number < number)
                *b = (struct top_bucket){.number = number, .min = INFINITY, .max = -INFINITY};
        return b;
}

static void widen(struct top_bucket *b, double min, double max)
{
        if (b == NULL)
                return;
        b->min = min < b->min ? min : b->min;
        b->max = max > b->max ? max : b->max;
}

void top_trend_add(struct top_trend *t, int64_t wall_us, double value)
{
        if (isfinite(value))
                widen(take_bucket(t, wall_us / TOP_TREND_BUCKET_US), value, value);
}

void top_trend_hold(struct top_trend *t, int64_t from_us, int64_t to_us, double min, double max)
{
        int64_t from = from_us / TOP_TREND_BUCKET_US, to = to_us / TOP_TREND_BUCKET_US;

        if (!isfinite(min) || !isfinite(max) || from_us <= 0)
                return;
        if (to - from > TOP_TREND_BUCKETS)
                from = to - TOP_TREND_BUCKETS;
        for (int64_t n = from; n <= to; n++)
                widen(take_bucket(t, n), min, max);
}

/* ---- Pulses ---- */

static struct top_pulse *at(struct top_trend *t, int i)
{
        return &t->pulses[(t->first + i) % TOP_TREND_PULSES];
}

static struct top_pulse *find_open(struct top_trend *t, int line)
{
        for (int i = t->count - 1; i >= 0; i--)
                if (at(t, i)->line == line && at(t, i)->close_us == 0)
                        return at(t, i);
        return NULL;
}

static void append(struct top_trend *t, struct top_pulse p)
{
        if (t->count == TOP_TREND_PULSES) {
                t->first = (t->first + 1) % TOP_TREND_PULSES;
                t->count--;
        }
        *at(t, t->count++) = p;
}

void top_trend_open(struct top_trend *t, int line, int64_t wall_us)
{
        if (find_open(t, line) == NULL)
                append(t, (struct top_pulse){.line = line, .open_us = wall_us});
}

void top_trend_close(struct top_trend *t, int line, int64_t wall_us)
{
        struct top_pulse *p = find_open(t, line);

        if (p != NULL)
                p->close_us = wall_us > p->open_us ? wall_us : p->open_us + 1;
}

void top_trend_lose(struct top_trend *t, int64_t wall_us)
{
        for (int i = 0; i < t->count; i++)
                if (at(t, i)->close_us == 0)
                        top_trend_close(t, at(t, i)->line, wall_us);
}

void top_trend_know(struct top_trend *t, int line, int64_t open_us, int64_t close_us)
{
        struct top_pulse known = {.line = line, .open_us = open_us, .close_us = close_us, .is_exact = true};

        for (int i = 0; i < t->count; i++) {
                struct top_pulse *p = at(t, i);

                if (p->line != line || (p->is_exact && p->open_us != open_us) ||
                    p->open_us > close_us + SAME_PULSE_US ||
                    (p->close_us != 0 ? p->close_us : p->open_us) < open_us - SAME_PULSE_US)
                        continue;
                *p = known;
                return;
        }
        append(t, known);
}

/* ---- Questions ---- */

bool top_trend_range(const struct top_trend *t, int64_t from_us, int64_t to_us, double *min, double *max)
{
        int64_t from = from_us / TOP_TREND_BUCKET_US, to = (to_us - 1) / TOP_TREND_BUCKET_US;

        assert(from_us <= to_us);
        *min = INFINITY;
        *max = -INFINITY;
        for (int64_t n = from > 0 ? from : 1; n <= to; n++) {
                const struct top_bucket *b = &t->buckets[n % TOP_TREND_BUCKETS];

                if (b->number != n)
                        continue;
                *min = b->min < *min ? b->min : *min;
                *max = b->max > *max ? b->max : *max;
        }
        return *min <= *max;
}

bool top_trend_was_open(const struct top_trend *t, int line, int64_t from_us, int64_t to_us)
{
        for (int i = 0; i < t->count; i++) {
                const struct top_pulse *p = &t->pulses[(t->first + i) % TOP_TREND_PULSES];

                if (p->line == line && p->open_us < to_us && (p->close_us == 0 || p->close_us > from_us))
                        return true;
        }
        return false;
}
