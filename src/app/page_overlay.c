/* The pulses of each precursor laid over one another: pressure above what it was before, from the opening on. */
#include "ald/base/time.h"   /* TIME_S */
#include "ald/store/trend.h" /* struct trend_point */
#include "page.h"          /* own declarations */

#include <math.h>   /* NAN, isnan */
#include <string.h> /* strcmp */

/* More pulses than this are not told apart on paper; they are chosen evenly. */
enum { SHOWN_MAX = 40, POINTS = 400 };
/* What is drawn of each: a second before it opens, and after it closes while the next has not opened. */
static const int64_t lead_us = TIME_S, tail_us = 6 * TIME_S;

struct overlay {
        struct page_curve first, last, others;
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

        (void)page_add_point(o->to, (double)(p->t_us - o->pulse->opened_us) / (double)TIME_S, p->mean - o->base);
}

/* What the gauge showed before a pulse whose baseline was not recorded. */
static double find_base(struct page *r, struct overlay *o, const struct query_pulse *p)
{
        o->base = p->base;
        if (isnan(o->base))
                page_trend(r, page_gauge(r), p->opened_us - lead_us, p->opened_us, 2, take_base, o);
        return o->base;
}

static void add_pulse(struct page *r, struct overlay *o, const struct query_pulse *p, struct page_curve *to)
{
        o->pulse = p;
        o->to = to;
        if (isnan(find_base(r, o, p)))
                return;
        page_trend(r, page_gauge(r), p->opened_us - lead_us, p->opened_us + p->width_us + tail_us,
            POINTS, take_point, o);
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
                        add_pulse(r, o, p, at == 0 ? &o->first : at + 1 == count ? &o->last : &o->others);
                        shown++;
                }
                at++;
        }
        return shown;
}

static void draw(struct page *r, struct overlay *o, const char *precursor, size_t shown, size_t count)
{
        const struct {
                struct page_curve *curve;
                struct plot_curve look;
        } curves[] = {{&o->others, {.label = "", .look = PLOT_FAINT}},
            {&o->first, {.label = "first", .look = PLOT_LINE, .style = 0}},
            {&o->last, {.label = "last", .look = PLOT_LINE, .style = 1}}};
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
            "%s: pressure above the baseline of each pulse, from its opening on; %zu of %zu pulses%s. Grey: those "
            "between the first and the last.",
            precursor, shown, count, shown < count ? ", chosen evenly" : "");
        if (plot.curve_count > 0)
                page_put_plot(r, &plot, caption);
        else
                html_element(&r->html, "p", "missing", "%s: no samples of the gauge around its pulses.", precursor);
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
                        html_element(&r->html, "p", "missing", "No pulse of %s is known to have opened.", names[i]);
                        continue;
                }
                shown = add_pulses(r, &o, names[i], count);
                draw(r, &o, names[i], shown, count);
                page_free_curve(&o.first);
                page_free_curve(&o.last);
                page_free_curve(&o.others);
        }
}
