/* The pulses of each precursor laid over one another: pressure above what it was before, from the opening on. */
#include "ald/base/time.h"   /* TIME_MS */
#include "ald/store/trend.h" /* struct trend_point */
#include "page.h"            /* own declarations */

#include <math.h>   /* NAN, isnan, fmax */
#include <stdlib.h> /* free */
#include <string.h> /* strcmp */

/* More pulses than this are not told apart on paper; they are chosen evenly. */
enum { SHOWN_MAX = 40, POINTS = 400 };
static const int64_t lead_us = PAGE_OVERLAY_LEAD_US, tail_us = 6 * TIME_S, margin_us = 50 * TIME_MS;

/* The median of them all, in so many parts from the lead to the tail: what noise leaves of a weak pulse. */
enum { BINS = 80 };

struct overlay {
        struct page_curve first, last, others, median;
        struct page_curve *to;
        const struct query_pulse *pulse;
        double base;
};

static void take_base(void *ctx, const struct trend_point *p)
{
        struct overlay *o = ctx;

        if (p->count > 0)
                o->base = p->mean;
}

static void take_point(void *ctx, const struct trend_point *p)
{
        struct overlay *o = ctx;

        (void)page_add_point(
            o->to, (double)(p->t_us - o->pulse->opened_us) / (double)TIME_S, p->mean - o->base);
}

/* What the gauge showed before a pulse whose baseline was not recorded. */
static double find_base(struct page *r, struct overlay *o, const struct query_pulse *p)
{
        o->base = p->base;
        if (isnan(o->base))
                page_trend(r, page_gauge(r), p->opened_us - lead_us, p->opened_us, 2, take_base, o);
        return o->base;
}

int64_t page_overlay_end_us(const struct query_pulse *p, int64_t next_opened_us)
{
        int64_t end_us = p->opened_us + p->width_us + tail_us;

        return next_opened_us > 0 && next_opened_us - margin_us < end_us ? next_opened_us - margin_us
                                                                         : end_us;
}

static int64_t find_end(const struct page *r, size_t i)
{
        const struct query_pulse *p = page_item(&r->pulses, i);

        for (i++; i < r->pulses.count; i++) {
                const struct query_pulse *next = page_item(&r->pulses, i);

                if (next->opened_us > p->opened_us)
                        return page_overlay_end_us(p, next->opened_us);
        }
        return page_overlay_end_us(p, 0);
}

static void add_pulse(struct page *r, struct overlay *o, size_t i, struct page_curve *to)
{
        const struct query_pulse *p = page_item(&r->pulses, i);
        int64_t end_us = find_end(r, i);

        o->pulse = p;
        o->to = to;
        if (isnan(find_base(r, o, p)))
                return;
        if (end_us > p->opened_us - lead_us)
                page_trend(r, page_gauge(r), p->opened_us - lead_us, end_us, POINTS, take_point, o);
        (void)page_add_point(to, NAN, NAN);
}

static bool is_of(const struct query_pulse *p, const char *precursor)
{
        return strcmp(p->precursor, precursor) == 0 && p->opened_us > 0 && p->width_us > 0;
}

static size_t count_of(const struct page *r, const char *precursor)
{
        size_t count = 0;

        for (size_t i = 0; i < r->pulses.count; i++)
                count += is_of(page_item(&r->pulses, i), precursor);
        return count;
}

/* The first, the last, and evenly between them. Returns how many. */
static size_t add_pulses(struct page *r, struct overlay *o, const char *precursor, size_t count)
{
        size_t at = 0, shown = 0;

        for (size_t i = 0; i < r->pulses.count; i++) {
                const struct query_pulse *p = page_item(&r->pulses, i);
                bool is_end;

                if (!is_of(p, precursor))
                        continue;
                is_end = at == 0 || at + 1 == count;
                if (is_end || count <= SHOWN_MAX ||
                    at * (SHOWN_MAX - 1) / (count - 1) != (at - 1) * (SHOWN_MAX - 1) / (count - 1)) {
                        add_pulse(r, o, i, at == 0 ? &o->first : at + 1 == count ? &o->last : &o->others);
                        shown++;
                }
                at++;
        }
        return shown;
}

/* ---- The median of all ---- */

/* The lists of each part's values, from one of the curves. */
static void sort_in(struct page_list bins[BINS], const struct page_curve *c, double from_s, double bin_s)
{
        for (size_t i = 0; i < c->x.count; i++) {
                double at = (*(const double *)page_item(&c->x, i) - from_s) / bin_s;

                if (at >= 0 && at < BINS) /* false for a break's NaN */
                        (void)page_append(&bins[(int)at], page_item(&c->y, i));
        }
}

static void find_median(struct overlay *o)
{
        double from_s = -(double)lead_us / (double)TIME_S, to_s = from_s, bin_s;
        const struct page_curve *curves[] = {&o->first, &o->last, &o->others};
        enum { CURVES = sizeof curves / sizeof curves[0] };
        struct page_list bins[BINS];

        for (size_t k = 0; k < CURVES; k++)
                for (size_t i = 0; i < curves[k]->x.count; i++)
                        to_s = fmax(to_s, *(const double *)page_item(&curves[k]->x, i));
        bin_s = (to_s - from_s) / BINS;
        for (int i = 0; i < BINS; i++)
                bins[i] = (struct page_list){.size = sizeof(double)};
        for (size_t k = 0; k < CURVES && bin_s > 0; k++)
                sort_in(bins, curves[k], from_s, bin_s);
        for (int i = 0; i < BINS; i++) {
                if (bins[i].count > 0)
                        (void)page_add_point(&o->median, from_s + (i + 0.5) * bin_s,
                            page_median(bins[i].items, bins[i].count));
                free(bins[i].items);
        }
}

static void draw(struct page *r, struct overlay *o, const char *precursor, size_t shown, size_t count)
{
        const struct {
                struct page_curve *curve;
                struct plot_curve look;
        } curves[] = {{&o->others, {.label = "", .look = PLOT_FAINT}},
            {&o->first, {.label = "first", .look = PLOT_LINE, .style = 1}},
            {&o->last, {.label = "last", .look = PLOT_LINE, .style = 2}},
            {&o->median, {.label = "median of all", .look = PLOT_LINE, .style = 0}}};
        struct plot plot = {.width = 960, .height = 320, .x_label = "time since the opening (s)"};
        char label[48], caption[300];

        (void)snprintf(label, sizeof label, "rise (%s)", r->tool->tags[r->tool->gauge].unit->name);
        plot.y_label = label;
        for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
                if (curves[i].curve->x.count == 0)
                        continue;
                plot.curves[plot.curve_count] = curves[i].look;
                page_use_curve(&plot.curves[plot.curve_count++], curves[i].curve);
        }
        (void)snprintf(caption, sizeof caption,
            "%s: pressure above the baseline of each pulse, from its opening on; %zu of %zu pulses%s. Grey: "
            "those "
            "between the first and the last.",
            precursor, shown, count, shown < count ? ", chosen evenly" : "");
        if (plot.curve_count > 0)
                page_put_plot(r, &plot, caption);
        else
                html_element(
                    &r->html, "p", "missing", "%s: no samples of the gauge around its pulses.", precursor);
}

void page_overlay(struct page *r)
{
        const char *names[PAGE_LINES_MAX];
        size_t lines = page_list_precursors(r, names);

        if (page_gauge(r) == NULL || lines == 0) {
                html_element(&r->html, "p", "missing", "%s",
                    lines == 0 ? "No pulse was recorded." : "Which tag is the gauge is not known.");
                return;
        }
        for (size_t i = 0; i < lines; i++) {
                size_t count = count_of(r, names[i]);
                struct overlay o = {.base = NAN};
                size_t shown;

                html_element(&r->html, "h3", NULL, "%s", names[i]);
                if (count == 0) {
                        html_element(
                            &r->html, "p", "missing", "No pulse of %s is known to have opened.", names[i]);
                        continue;
                }
                shown = add_pulses(r, &o, names[i], count);
                if (shown > 2)
                        find_median(&o);
                draw(r, &o, names[i], shown, count);
                page_free_curve(&o.first);
                page_free_curve(&o.last);
                page_free_curve(&o.median);
                page_free_curve(&o.others);
        }
}
