#include "ald/core/pulse.h"

#include <math.h>   /* NAN, sqrt */
#include <string.h> /* memset */

/* A rise this many times the noise of a sample has a decay that can be told within 10 %: its first sample weighs as much as
 * all others together. */
static const double clear_rise = 20;
/* The decay is told by what is left above this part of the rise; below it the slow tail of the lines bends it. */
static const double fade_part = 0.15;

static double seconds(int64_t us)
{
        return (double)us / 1e6;
}

/* e^-x within 3 %: 16 squarings' worth in plain arithmetic, since a replay must come to the same number on every machine. */
static double fade_to(double x)
{
        double y = 1 / (1 + x / 16);

        y *= y;
        y *= y;
        y *= y;
        return y * y;
}

/* The response of the chamber to a flow of one between open and close, t_us after the open. */
static double shape(const struct pulse_gauge *g, int64_t t_us)
{
        int64_t width_us = g->close_us - g->open_us;

        if (t_us <= 0)
                return 0;
        if (t_us < width_us)
                return 1 - fade_to((double)t_us / PULSE_FADE_US);
        return (1 - fade_to((double)width_us / PULSE_FADE_US)) *
               fade_to((double)(t_us - width_us) / PULSE_FADE_US);
}

/* ---- samples ---- */

static void add_to_fit(struct pulse_gauge *g, int64_t t_us, double p)
{
        struct pulse_sums *f = &g->sums;
        double t = seconds(t_us - g->open_us), s = shape(g, t_us - g->open_us);

        f->in_base += t_us < g->open_us;
        f->in_shape += t_us > g->open_us && t_us <= g->close_us + 2 * PULSE_FADE_US;
        f->n++;
        f->t += t;
        f->p += p;
        f->s += s;
        f->tt += t * t;
        f->tp += t * p;
        f->ts += t * s;
        f->pp += p * p;
        f->ps += p * s;
        f->ss += s * s;
}

static void add_to_area(struct pulse_gauge *g, int64_t t_us, double p)
{
        /* Trapezoids; the first one begins at the base on the open edge. */
        g->area += (g->last + p) / 2 * seconds(t_us - g->last_us);
        g->last = p;
        g->last_us = t_us;
        if (g->base + p > g->peak)
                g->peak = g->base + p;
}

static void add_to_fade(struct pulse_gauge *g, int64_t t_us, double p)
{
        if (g->fade.is_over)
                return;
        if (!g->fade.has_begun) {
                g->fade.has_begun = true;
                g->fade.begun = p;
        } else {
                g->fade.integral += (g->fade.last + p) / 2 * seconds(t_us - g->fade.last_us);
        }
        g->fade.last = p;
        g->fade.last_us = t_us;
        if (p < fade_part * g->fade.begun) {
                g->fade.is_over = true;
                return;
        }
        g->fade.n++;
        g->fade.i += g->fade.integral;
        g->fade.y += p;
        g->fade.ii += g->fade.integral * g->fade.integral;
        g->fade.iy += g->fade.integral * p;
}

void pulse_gauge_sample(struct pulse_gauge *g, int64_t t_us, double value)
{
        double p = value - g->base;

        g->past[g->past_next].t_us = t_us;
        g->past[g->past_next].value = value;
        g->past_next = (g->past_next + 1) % PULSE_PAST;
        g->past_count += g->past_count < PULSE_PAST;
        if (!g->is_running || !g->has_base || t_us < g->open_us || t_us > g->end_us)
                return;
        add_to_fit(g, t_us, p);
        if (t_us >= g->close_us)
                add_to_fade(g, t_us, p);
        if (t_us <= g->close_us + PULSE_TAIL_US) {
                add_to_area(g, t_us, p);
                return;
        }
        g->late.sum += p;
        g->late.count++;
}

/* ---- begin ---- */

static int64_t later(int64_t a, int64_t b)
{
        return a > b ? a : b;
}

static bool is_between(int64_t t_us, int64_t from_us, int64_t to_us)
{
        return t_us >= from_us && t_us < to_us;
}

/* Mean, and the variance of a sample about it. */
static void find_base(struct pulse_gauge *g, int64_t from_us)
{
        double sum = 0, square = 0;
        int n = 0;

        for (int i = 0; i < g->past_count; i++) {
                if (!is_between(g->past[i].t_us, from_us, g->open_us))
                        continue;
                sum += g->past[i].value;
                n++;
        }
        g->has_base = n > 0;
        g->base = g->peak = n > 0 ? sum / n : 0;
        for (int i = 0; i < g->past_count; i++) {
                double d = g->past[i].value - g->base;

                if (is_between(g->past[i].t_us, from_us, g->open_us))
                        square += d * d;
        }
        g->noise = n > 1 ? square / (n - 1) : 0;
}

void pulse_gauge_begin(struct pulse_gauge *g, int64_t open_us, int64_t close_us, int64_t quiet_us)
{
        int64_t least_us = open_us - PULSE_BASE_US_MIN;

        quiet_us = quiet_us < least_us ? quiet_us : least_us;
        memset(&g->sums, 0, sizeof g->sums);
        memset(&g->fade, 0, sizeof g->fade);
        memset(&g->late, 0, sizeof g->late);
        g->is_running = true;
        g->open_us = g->last_us = open_us;
        g->close_us = close_us;
        g->end_us = close_us + PULSE_FIT_US;
        g->last = g->area = 0;
        find_base(g, later(quiet_us, open_us - PULSE_BASE_US));
        quiet_us = later(quiet_us, open_us - PULSE_FIT_US);
        for (int i = 0; g->has_base && i < g->past_count; i++)
                if (is_between(g->past[i].t_us, quiet_us, open_us))
                        add_to_fit(g, g->past[i].t_us, g->past[i].value - g->base);
}

void pulse_gauge_disturb(struct pulse_gauge *g, int64_t at_us)
{
        if (g->is_running && at_us >= g->open_us && at_us < g->end_us)
                g->end_us = at_us;
}

bool pulse_gauge_is_over(const struct pulse_gauge *g, int64_t now_us)
{
        return g->is_running && now_us > g->end_us;
}

/* ---- end ---- */

/* The amplitude of the shape beside a constant and a slope, which are eliminated first; its variance from what is left over.
 * The slope is the slow tail of the pulse before, or a chamber that warms up. */
static void fit(const struct pulse_gauge *g, struct pulse_measured *out)
{
        const struct pulse_sums *f = &g->sums;
        double tt, ts, tp, ss, sp, pp, free_ss, left, amplitude, width_s = seconds(g->close_us - g->open_us);

        if (f->in_base < PULSE_FIT_SAMPLES_MIN || f->in_shape < PULSE_FIT_SAMPLES_MIN)
                return;
        tt = f->tt - f->t * f->t / f->n;
        ts = f->ts - f->t * f->s / f->n;
        tp = f->tp - f->t * f->p / f->n;
        ss = f->ss - f->s * f->s / f->n;
        sp = f->ps - f->s * f->p / f->n;
        pp = f->pp - f->p * f->p / f->n;
        if (!(tt > 0))
                return;
        free_ss = ss - ts * ts / tt;
        if (!(free_ss > 0))
                return;
        amplitude = (sp - ts * tp / tt) / free_ss;
        left = pp - tp * tp / tt - amplitude * (sp - ts * tp / tt);
        out->fit = amplitude * width_s;
        out->fit_error = sqrt((left > 0 ? left : 0) / (f->n - 3) / free_ss) * width_s;
}

/* For y = y0 e^(-t/tau) the integral from the close is tau (y0 - y): a line of slope -1/tau, found without a logarithm. */
static void find_decay(const struct pulse_gauge *g, struct pulse_measured *out)
{
        double n = g->fade.n, ii, iy;

        if (!g->fade.is_over || n < 3 || !(g->noise > 0) ||
            g->fade.begun * g->fade.begun < clear_rise * clear_rise * g->noise)
                return;
        ii = g->fade.ii - g->fade.i * g->fade.i / n;
        iy = g->fade.iy - g->fade.i * g->fade.y / n;
        if (ii > 0 && iy < 0)
                out->decay_us = (int64_t)(ii / -iy * 1e6 + 0.5);
}

void pulse_gauge_end(struct pulse_gauge *g, struct pulse_measured *out)
{
        g->is_running = false;
        *out = (struct pulse_measured){.base = NAN,
            .peak = NAN,
            .area = NAN,
            .fit = NAN,
            .fit_error = NAN,
            .late = NAN,
            .late_error = NAN,
            .decay_us = -1};
        if (!g->has_base)
                return;
        out->base = g->base;
        if (g->last_us <= g->open_us)
                return;
        out->peak = g->peak;
        out->area = g->area;
        fit(g, out);
        find_decay(g, out);
        if (g->late.count < PULSE_FIT_SAMPLES_MIN || g->sums.in_base < PULSE_FIT_SAMPLES_MIN)
                return;
        out->late = g->late.sum / g->late.count;
        out->late_error = sqrt(g->noise * (1.0 / g->late.count + 1.0 / g->sums.in_base));
}

int64_t pulse_gauge_span_us(const struct pulse_gauge *g)
{
        return g->last_us - g->open_us;
}
