/* Plots of a report: what they have in common, and the run's trends. */
#include "ald/base/time.h"   /* TIME_S */
#include "ald/store/trend.h" /* struct trend_point */
#include "page.h"            /* own declarations */

#include <assert.h> /* assert */
#include <math.h>   /* NAN */
#include <stdlib.h> /* free */

/* Parts of a trend: each is drawn with its lowest and its highest value, so 2,000 points at most. */
enum { PARTS = 1000, WIDTH = 960 };

/* ---- Curves ---- */

bool page_add_point(struct page_curve *c, double x, double y)
{
        c->x.size = c->y.size = sizeof(double);
        if (!page_append(&c->x, &x))
                return false;
        if (page_append(&c->y, &y))
                return true;
        c->x.count--;
        return false;
}

void page_use_curve(struct plot_curve *to, const struct page_curve *c)
{
        to->x = c->x.items;
        to->y = c->y.items;
        to->count = c->x.count;
}

void page_free_curve(struct page_curve *c)
{
        free(c->x.items);
        free(c->y.items);
        *c = (struct page_curve){0};
}

void page_put_plot(struct page *r, const struct plot *plot, const char *caption)
{
        char name[32];
        size_t len = 0;
        char *svg = NULL;

        (void)snprintf(name, sizeof name, "plot%d", ++r->plot_count);
        if (r->no_plots[0] == '\0')
                svg = plot_gnuplot(plot, name, "plot, described below", &len, r->no_plots);
        html_open(&r->html, "figure", HTML_END);
        if (svg != NULL)
                html_raw(&r->html, svg, len);
        else
                html_element(&r->html, "p", "missing", "No plot here: %s", r->no_plots);
        html_element(&r->html, "figcaption", NULL, "%s", caption);
        html_close(&r->html, "figure");
        free(svg);
}

/* ---- Trends ---- */

/* Time since the run's start, in a unit that fits its length. */
struct clock_unit {
        const char *label;
        double us;
};

static struct clock_unit find_unit(int64_t lasted_us)
{
        if (lasted_us > 3 * TIME_H)
                return (struct clock_unit){"time since the start (h)", (double)TIME_H};
        if (lasted_us > 3 * TIME_MIN)
                return (struct clock_unit){"time since the start (min)", (double)TIME_MIN};
        return (struct clock_unit){"time since the start (s)", (double)TIME_S};
}

struct trend_curve {
        struct page_curve curve;
        const struct page *r;
        struct clock_unit unit;
};

static double x_of(const struct trend_curve *t, int64_t us)
{
        return (double)(us - t->r->run.started_us) / t->unit.us;
}

/* Lowest and highest in the order in which they came; a break where there was nothing good. */
static void take_point(void *ctx, const struct trend_point *p)
{
        struct trend_curve *t = ctx;
        bool min_first = p->min_us <= p->max_us;

        if (p->count == 0) {
                (void)page_add_point(&t->curve, x_of(t, p->t_us), NAN);
                return;
        }
        (void)page_add_point(
            &t->curve, x_of(t, min_first ? p->min_us : p->max_us), min_first ? p->min : p->max);
        if (p->min_us != p->max_us)
                (void)page_add_point(
                    &t->curve, x_of(t, min_first ? p->max_us : p->min_us), min_first ? p->max : p->min);
}

/* A plot of the whole run being put together from tags. */
struct panel {
        struct plot plot;
        struct trend_curve trends[PLOT_CURVES_MAX];
        struct clock_unit unit;
        size_t points;
};

static void begin_panel(struct panel *p, const struct page *r, int height, const char *y_label)
{
        int64_t lasted_us = r->end_us - r->run.started_us;

        *p = (struct panel){.unit = find_unit(lasted_us)};
        p->plot =
            (struct plot){.width = WIDTH, .height = height, .x_label = p->unit.label, .y_label = y_label};
        p->plot.to = (double)lasted_us / p->unit.us;
        for (size_t i = 0; i < r->waits.count && p->plot.band_count < PLOT_BANDS_MAX; i++) {
                const struct page_wait *w = page_item(&r->waits, i);
                int k = p->plot.band_count++;

                p->plot.bands[k].from = (double)(w->from_us - r->run.started_us) / p->unit.us;
                p->plot.bands[k].to = (double)(w->to_us - r->run.started_us) / p->unit.us;
        }
}

static void add_tag(struct panel *p, struct page *r, const char *tag, bool is_right)
{
        int i = p->plot.curve_count;
        struct trend_curve *t = &p->trends[i];

        if (i == PLOT_CURVES_MAX)
                return;
        *t = (struct trend_curve){.r = r, .unit = p->unit};
        page_trend(r, tag, r->run.started_us, r->end_us + 1, PARTS, take_point, t);
        if (t->curve.x.count == 0)
                return;
        p->plot.curves[i] =
            (struct plot_curve){.label = tag, .look = PLOT_LINE, .style = i, .is_right = is_right};
        p->points += t->curve.x.count;
        p->plot.curve_count++;
}

static void end_panel(struct panel *p, struct page *r, const char *what)
{
        char caption[400];

        for (int i = 0; i < p->plot.curve_count; i++)
                page_use_curve(&p->plot.curves[i], &p->trends[i].curve);
        (void)snprintf(caption, sizeof caption,
            "%s, as recorded. Where samples lie closer than the plot's %d parts, the lowest and the highest "
            "of each "
            "part are drawn.%s",
            what, PARTS, r->waits.count > 0 ? " Grey: the run was held or suspended." : "");
        if (p->plot.curve_count > 0)
                page_put_plot(r, &p->plot, caption);
        else
                html_element(&r->html, "p", "missing", "%s: no samples were recorded.", what);
        for (int i = 0; i < PLOT_CURVES_MAX; i++)
                page_free_curve(&p->trends[i].curve);
}

static void put_pressure(struct page *r)
{
        char label[40];
        struct panel p;

        (void)snprintf(label, sizeof label, "pressure (%s)", r->tool->tags[r->tool->gauge].unit->name);
        begin_panel(&p, r, 340, label);
        add_tag(&p, r, page_gauge(r), false);
        end_panel(&p, r, "Pressure");
}

static void put_loops(struct page *r, struct panel *p, enum tool_loop_kind kind, bool is_right)
{
        for (int i = 0; i < r->tool->loop_count; i++)
                if (r->tool->loops[i].kind == kind)
                        add_tag(p, r, r->tool->tags[r->tool->loops[i].value].name, is_right);
}

/* The unit of the first loop of a kind; NULL: the tool has none. */
static const char *unit_of(const struct tool *tool, enum tool_loop_kind kind)
{
        for (int i = 0; i < tool->loop_count; i++)
                if (tool->loops[i].kind == kind)
                        return tool->tags[tool->loops[i].value].unit->name;
        return NULL;
}

static void put_temperatures(struct page *r)
{
        const char *unit = unit_of(r->tool, TOOL_LOOP_HEATER);
        char label[40];
        struct panel p;

        if (unit == NULL)
                return;
        (void)snprintf(label, sizeof label, "temperature (%s)", unit);
        begin_panel(&p, r, 340, label);
        put_loops(r, &p, TOOL_LOOP_HEATER, false);
        end_panel(&p, r, "Temperatures");
}

static void put_flows(struct page *r)
{
        const char *flow = unit_of(r->tool, TOOL_LOOP_FLOW), *speed = unit_of(r->tool, TOOL_LOOP_MOTOR);
        char label[40], right[40];
        struct panel p;

        if (flow == NULL)
                return;
        (void)snprintf(label, sizeof label, "flow (%s)", flow);
        (void)snprintf(right, sizeof right, "speed (%s)", speed != NULL ? speed : "");
        begin_panel(&p, r, 240, label);
        put_loops(r, &p, TOOL_LOOP_FLOW, false);
        if (speed != NULL) {
                p.plot.right_label = right;
                put_loops(r, &p, TOOL_LOOP_MOTOR, true);
        }
        p.plot.has_zero = true;
        end_panel(&p, r, speed != NULL ? "Flow (left) and speed of the bed (right)" : "Flow");
}

void page_trends(struct page *r)
{
        if (r->tool == NULL) {
                html_element(&r->html, "p", "missing", "Which tags to draw is not known: %s.", r->why_not);
                return;
        }
        if (r->tool->gauge >= 0)
                put_pressure(r);
        put_temperatures(r);
        put_flows(r);
}
