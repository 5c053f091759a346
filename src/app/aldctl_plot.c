/* A dry run as a drawing: pressure, temperatures and valves over the whole run, and below over one coating cycle. Plain SVG
 * 1.1, dark on light or the other way round as the viewer likes it. */
#include "ald/app/aldctl_dryrun.h" /* own declarations */
#include "ald/base/time.h"         /* TIME_S */

#include <math.h> /* log10, floor, pow */

enum { WIDTH = 960, LEFT = 76, PLOT_WIDTH = 700, LEGEND_AT = LEFT + PLOT_WIDTH + 14, BAR = 14, GAP = 26 };
enum { CURVES_MAX = 12 };

/* Told apart on white and on black, also by people who see red and green alike (Okabe and Ito, 2008). */
static const char *const colours[] = {
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#7f7f7f"};
/* Curves that lie on one another show through. */
static const char *const dashes[] = {"none", "none", "none", "9 5", "2 4"};
enum { DASHES = sizeof dashes / sizeof dashes[0] };
enum { COLOURS = sizeof colours / sizeof colours[0] };

/* A window of time and the place it is drawn in. */
struct panel {
        FILE *to;
        const struct dryrun_report *r;
        const struct dryrun_point *points;
        int point_count;
        int64_t from_us, span_us;
        double top;
};

struct scale {
        double low, high; /* log: of the logarithms */
        bool is_log;
        double top, height;
};

static void put_escaped(FILE *to, const char *text)
{
        for (; *text != '\0'; text++)
                switch (*text) {
                case '&':
                        (void)fputs("&amp;", to);
                        break;
                case '<':
                        (void)fputs("&lt;", to);
                        break;
                case '>':
                        (void)fputs("&gt;", to);
                        break;
                default:
                        (void)fputc((unsigned char)*text < ' ' ? ' ' : *text, to);
                }
}

static void put_text(FILE *to, double x, double y, const char *class, const char *text)
{
        (void)fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class);
        put_escaped(to, text);
        (void)fprintf(to, "</text>\n");
}

static double x_of(const struct panel *p, int64_t t_us)
{
        return LEFT + PLOT_WIDTH * ((double)(t_us - p->from_us) / (double)p->span_us);
}

static double y_of(const struct scale *s, double value)
{
        if (s->is_log)
                value = log10(value > 1e-12 ? value : 1e-12);
        return s->top + s->height * (1 - (value - s->low) / (s->high - s->low));
}

/* ---- Values: what is drawn of a point ---- */

enum { PRESSURE = -1 };

static double value_of(const struct dryrun_point *point, int curve)
{
        return curve == PRESSURE ? point->pressure_torr : point->loop[curve];
}

static bool is_inside(const struct panel *p, const struct dryrun_point *point)
{
        return point->t_us >= p->from_us && point->t_us <= p->from_us + p->span_us;
}

static void widen(const struct panel *p, int curve, double *low, double *high)
{
        for (int i = 0; i < p->point_count; i++) {
                double value = value_of(&p->points[i], curve);

                if (!is_inside(p, &p->points[i]) || !isfinite(value))
                        continue;
                *low = value < *low ? value : *low;
                *high = value > *high ? value : *high;
        }
}

/* A step of 1, 2 or 5 that cuts a span into about `parts`. */
static double nice_step(double span, int parts)
{
        double raw = span / parts, unit = pow(10, floor(log10(raw)));

        return raw <= unit ? unit : raw <= 2 * unit ? 2 * unit : raw <= 5 * unit ? 5 * unit : 10 * unit;
}

/* Around low..high, with ends at whole steps. A pressure that spans a lot is shown by its logarithm. */
static struct scale make_scale(double low, double high, bool may_log, double top, double height)
{
        struct scale s = {.top = top, .height = height};
        double step;

        if (!(low <= high))
                low = high = 0;
        s.is_log = may_log && low > 0 && high / low > 30;
        if (s.is_log) {
                s.low = floor(log10(low));
                s.high = ceil(log10(high));
                return s;
        }
        if (high - low < 1e-6 * fabs(high) + 1e-9)
                high = low + (fabs(low) > 0 ? 0.1 * fabs(low) : 1);
        step = nice_step(high - low, 4);
        s.low = floor(low / step) * step;
        s.high = ceil(high / step) * step;
        return s;
}

/* ---- Axes ---- */

static void put_grid(const struct panel *p, const struct scale *s, const char *unit)
{
        double step = s->is_log ? 1 : nice_step(s->high - s->low, 4);
        char buf[40];
        struct text t;

        (void)fprintf(p->to, "<rect x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" class=\"frame\"/>\n",
            LEFT, s->top, PLOT_WIDTH, s->height);
        for (int i = 0; s->low + i * step <= s->high + 1e-9 * step && i < 20; i++) {
                double at = s->low + i * step, value = s->is_log ? pow(10, at) : at;
                double y = s->top + s->height * (1 - (at - s->low) / (s->high - s->low));

                (void)fprintf(p->to, "<path d=\"M%d %.1fh%d\" class=\"grid\"/>\n", LEFT, y, PLOT_WIDTH);
                text_init(&t, buf, sizeof buf);
                text_add_number(&t, fabs(value) < 1e-9 * step ? 0 : value, 4);
                put_text(p->to, LEFT - 6, y + 4, "end", buf);
        }
        put_text(p->to, 10, s->top - 6, "unit", unit);
}

static void put_times(const struct panel *p, double bottom)
{
        double span_s = (double)p->span_us / (double)TIME_S;
        double unit_s = span_s > 3 * 3600 ? 3600 : span_s > 180 ? 60 : 1;
        const char *unit = unit_s > 60 ? "h" : unit_s > 1 ? "min" : "s";
        double step = nice_step(span_s / unit_s, 10);
        char buf[40];
        struct text t;

        for (int i = 0; i * step <= span_s / unit_s * (1 + 1e-9) && i < 40; i++) {
                double x = LEFT + PLOT_WIDTH * (i * step * unit_s / span_s);

                (void)fprintf(p->to, "<path d=\"M%.1f %.1fv4\" class=\"frame\"/>\n", x, bottom);
                text_init(&t, buf, sizeof buf);
                text_add_number(&t, i * step, 4);
                put_text(p->to, x, bottom + 16, "mid", buf);
        }
        put_text(p->to, LEGEND_AT, bottom + 16, "unit", unit);
}

/* ---- Curves ---- */

/* All points of one column of the screen are drawn by their first, extremes and last: peaks stay, the file stays small. */
struct column {
        double x, first, low, high, last;
        bool is_used;
};

static void put_column(FILE *to, const struct scale *s, const struct column *c)
{
        const double values[] = {c->first, c->low, c->high, c->last};
        double before = NAN;

        for (int i = 0; c->is_used && i < 4; i++) {
                double y = y_of(s, values[i]);

                if (!(fabs(y - before) < 0.05))
                        (void)fprintf(to, "%.1f,%.1f ", c->x, y);
                before = y;
        }
}

static void put_curve(const struct panel *p, const struct scale *s, int curve, int look)
{
        struct column c = {.is_used = false};

        (void)fprintf(p->to, "<polyline class=\"curve\" stroke=\"%s\" stroke-dasharray=\"%s\" points=\"",
            colours[look % COLOURS], dashes[look % DASHES]);
        for (int i = 0; i < p->point_count; i++) {
                double value = value_of(&p->points[i], curve);
                double x = floor(x_of(p, p->points[i].t_us) * 2) / 2;

                if (!is_inside(p, &p->points[i]) || !isfinite(value))
                        continue;
                if (c.is_used && x > c.x) {
                        put_column(p->to, s, &c);
                        c.is_used = false;
                }
                if (!c.is_used)
                        c = (struct column){
                            .x = x, .first = value, .low = value, .high = value, .is_used = true};
                c.low = value < c.low ? value : c.low;
                c.high = value > c.high ? value : c.high;
                c.last = value;
        }
        put_column(p->to, s, &c);
        (void)fprintf(p->to, "\"/>\n");
}

static void put_legend(const struct panel *p, double y, const char *name, int look)
{
        (void)fprintf(p->to,
            "<path d=\"M%d %.1fh18\" stroke=\"%s\" stroke-dasharray=\"%s\" class=\"curve\"/>\n", LEGEND_AT,
            y - 4, colours[look % COLOURS], dashes[look % DASHES]);
        put_text(p->to, LEGEND_AT + 24, y, "name", name);
}

/* ---- Valves ---- */

static void put_bar(const struct panel *p, double y, double from, double to, const char *colour)
{
        double width = to - from > 1 ? to - from : 1;

        (void)fprintf(p->to, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", from,
            y, width, BAR - 4, colour);
}

/* Openings so close that the screen cannot part them are one bar. */
static void put_bars(const struct panel *p, int line, double y, const char *colour)
{
        double from = NAN, to = NAN;

        for (int i = 0; i + 1 < p->point_count; i++) {
                double x0 = x_of(p, p->points[i].t_us), x1 = x_of(p, p->points[i + 1].t_us);

                if ((p->points[i].open >> line & 1) == 0 || x1 < LEFT || x0 > LEFT + PLOT_WIDTH)
                        continue;
                x0 = x0 < LEFT ? LEFT : x0;
                x1 = x1 > LEFT + PLOT_WIDTH ? LEFT + PLOT_WIDTH : x1;
                if (!isnan(from) && x0 > to + 0.6) {
                        put_bar(p, y, from, to, colour);
                        from = NAN;
                }
                if (isnan(from))
                        from = x0;
                to = x1;
        }
        if (!isnan(from))
                put_bar(p, y, from, to, colour);
}

static double put_valves(const struct panel *p, double top)
{
        double y = top;

        for (int i = 0; i < p->r->tool->line_count; i++) {
                const char *colour = colours[i % COLOURS];

                if (p->r->result->line[i].pulses == 0)
                        continue;
                (void)fprintf(
                    p->to, "<path d=\"M%d %.1fh%d\" class=\"grid\"/>\n", LEFT, y + BAR - 4, PLOT_WIDTH);
                put_bars(p, i, y, colour);
                (void)fprintf(p->to, "<rect x=\"%d\" y=\"%.1f\" width=\"14\" height=\"%d\" fill=\"%s\"/>\n",
                    LEGEND_AT, y, BAR - 4, colour);
                put_text(p->to, LEGEND_AT + 20, y + BAR - 5, "name", p->r->tool->lines[i].name);
                y += BAR + 4;
        }
        return y;
}

/* ---- Panels ---- */

static double put_pressure(const struct panel *p, double height)
{
        double low = INFINITY, high = -INFINITY;
        struct scale s;

        widen(p, PRESSURE, &low, &high);
        s = make_scale(low, high, true, p->top, height);
        put_grid(p, &s, "Torr");
        put_curve(p, &s, PRESSURE, 0);
        put_legend(p, p->top + 12, "pressure", 0);
        return p->top + height;
}

static bool is_drawn(const struct dryrun_report *r, int loop)
{
        return r->tool->loops[loop].kind == TOOL_LOOP_HEATER;
}

static double put_temperatures(const struct panel *p, double top, double height)
{
        const struct tool *tool = p->r->tool;
        double low = INFINITY, high = -INFINITY, y = top + 12;
        struct scale s;
        int curves = 0;

        for (int i = 0; i < tool->loop_count; i++)
                if (is_drawn(p->r, i))
                        widen(p, i, &low, &high);
        s = make_scale(low, high, false, top, height);
        put_grid(p, &s, "degC");
        for (int i = 0; i < tool->loop_count && curves < CURVES_MAX; i++) {
                if (!is_drawn(p->r, i))
                        continue;
                put_curve(p, &s, i, curves);
                put_legend(p, y, tool->loops[i].name, curves);
                y += 15;
                curves++;
        }
        return top + height;
}

static void put_head(FILE *to, const struct dryrun_report *r, double height)
{
        (void)fprintf(to,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%d\" height=\"%.0f\" "
            "viewBox=\"0 0 %d %.0f\">\n"
            "<style>\n"
            "text { font: 12px sans-serif; fill: #222 } .title { font-size: 15px; font-weight: bold }\n"
            ".head { font-weight: bold } .end { text-anchor: end } .mid { text-anchor: middle }\n"
            ".back { fill: #fff } .frame { fill: none; stroke: #888 } .grid { stroke: #888; stroke-opacity: "
            ".3 }\n"
            ".curve { fill: none; stroke-width: 1.5; stroke-linejoin: round }\n"
            "@media (prefers-color-scheme: dark) { text { fill: #ddd } .back { fill: #1b1b1b } }\n"
            "</style>\n"
            "<rect width=\"%d\" height=\"%.0f\" class=\"back\"/>\n<title>",
            WIDTH, height, WIDTH, height, WIDTH, height);
        put_escaped(to, r->recipe->name);
        (void)fprintf(to, "</title>\n");
        put_text(to, 10, 22, "title", r->recipe->title[0] != '\0' ? r->recipe->title : r->recipe->name);
}

static int count_valves(const struct dryrun_report *r)
{
        int count = 0;

        for (int i = 0; i < r->tool->line_count; i++)
                count += r->result->line[i].pulses > 0;
        return count;
}

void plot_print_svg(FILE *to, const struct dryrun_report *r)
{
        enum { RUN_PRESSURE = 130, TEMPERATURES = 160, CYCLE_PRESSURE = 150, TOP = 66, HEAD = 56 };
        const struct dryrun_result *d = r->result;
        struct panel run = {.to = to,
            .r = r,
            .points = d->points,
            .point_count = d->point_count,
            .span_us = d->duration_us,
            .top = TOP};
        struct panel cycle = {.to = to,
            .r = r,
            .points = d->cycle_points,
            .point_count = d->cycle_point_count,
            .from_us = d->cycle_from_us,
            .span_us = d->cycle_us};
        double bars = count_valves(r) * (BAR + 4), y;
        bool has_cycle = d->cycle_us > 0 && d->cycle_point_count > 0;
        double height = TOP + RUN_PRESSURE + GAP + TEMPERATURES + 10 + bars + 30;

        if (run.span_us <= 0)
                run.span_us = TIME_S;
        cycle.top = height + HEAD;
        if (has_cycle)
                height = cycle.top + CYCLE_PRESSURE + 10 + bars + 30;
        put_head(to, r, height);
        put_text(to, 10, 42, "head", "The run");
        y = put_temperatures(&run, put_pressure(&run, RUN_PRESSURE) + GAP, TEMPERATURES);
        y = put_valves(&run, y + 10);
        put_times(&run, y);
        if (has_cycle) {
                put_text(to, 10, cycle.top - 24, "head", "One cycle");
                y = put_valves(&cycle, put_pressure(&cycle, CYCLE_PRESSURE) + 10);
                put_times(&cycle, y);
        }
        (void)fprintf(to, "</svg>\n");
}
