/* Every pulse with what the gauge and the clock made of it. */
#include "ald/base/time.h" /* TIME_S */
#include "page.h"          /* own declarations */

#include <math.h>   /* NAN, isnan, fabs */
#include <stdlib.h> /* free */
#include <string.h> /* strcmp */

/* A table of more rows is for programs: `--json` and `aldctl export` have them all. */
enum { ROWS_MAX = 400 };

/* A number that each pulse has; NaN: this one has not. */
static double rise_of(const struct query_pulse *p)
{
        return p->peak - p->base; /* NaN with either */
}

static double area_of(const struct query_pulse *p)
{
        return p->area;
}

static double fit_of(const struct query_pulse *p)
{
        return p->fit;
}

static double base_of(const struct query_pulse *p)
{
        return p->base;
}

static double decay_of(const struct query_pulse *p)
{
        return p->decay_us < 0 ? NAN : (double)p->decay_us / (double)TIME_S;
}

static double error_of(const struct query_pulse *p)
{
        int64_t us;

        return page_width_error(p, &us) ? (double)us / 1000.0 : NAN;
}

static const char *gauge_unit(const struct page *r)
{
        return r->run.pressure_unit[0] != '\0' ? r->run.pressure_unit : "gauge";
}

/* ---- Medians ---- */

/* One number of every pulse of a precursor that has it. */
static struct page_list collect(
    const struct page *r, const char *precursor, double (*of)(const struct query_pulse *p))
{
        struct page_list values = {.size = sizeof(double)};

        for (size_t i = 0; i < r->pulses.count; i++) {
                const struct query_pulse *p = page_item(&r->pulses, i);
                double value = of(p);

                if (strcmp(p->precursor, precursor) == 0 && !isnan(value))
                        (void)page_append(&values, &value);
        }
        return values;
}

/* "0.553 (0.531 to 0.57)" over the pulses of a precursor. */
static void put_spread(
    struct page *r, const char *precursor, double (*of)(const struct query_pulse *p), int digits)
{
        struct page_list values = collect(r, precursor, of);
        double median = page_median(values.items, values.count); /* sorts them */
        const double *sorted = values.items;
        char buf[3][PAGE_TEXT_CAP];

        if (values.count == 0)
                html_cell(&r->html, "-");
        else
                html_cell(&r->html, "%s (%s to %s)", page_number(buf[0], median, digits),
                    page_number(buf[1], sorted[0], digits),
                    page_number(buf[2], sorted[values.count - 1], digits));
        free(values.items);
}

/* A row for each number, a column for each precursor. */
static void put_medians(struct page *r, const char *const *names, size_t lines)
{
        static const struct {
                const char *name,
                    *unit; /* unit: behind the gauge's, or alone when there is no space before it */
                double (*of)(const struct query_pulse *p);
                int digits;
        } rows[] = {{"baseline", "", base_of, 4}, {"rise to the peak", "", rise_of, 3},
            {"area", " s", area_of, 3}, {"area, fitted", " s", fit_of, 3}, {"decay to 1/e", "s", decay_of, 3},
            {"width error", "ms", error_of, 2}};
        struct html_column columns[PAGE_LINES_MAX + 1] = {{"of the pulses", false}};

        for (size_t k = 0; k < lines; k++)
                columns[k + 1] = (struct html_column){names[k], true};
        html_table_begin(&r->html, "medians", columns, (int)lines + 1);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                bool is_pressure = rows[i].unit[0] == '\0' || rows[i].unit[0] == ' ';

                html_row_begin(&r->html, NULL);
                html_cell(
                    &r->html, "%s (%s%s)", rows[i].name, is_pressure ? gauge_unit(r) : "", rows[i].unit);
                for (size_t k = 0; k < lines; k++)
                        put_spread(r, names[k], rows[i].of, rows[i].digits);
                html_row_end(&r->html);
        }
        html_table_end(&r->html);
        html_element(&r->html, "p", "note",
            "Median (lowest to highest). The area is the pressure above the baseline, summed over time; "
            "fitted: by "
            "the shape of a response, which noise moves less.");
}

size_t page_count_baselines_off(const struct page *r, double part)
{
        const char *names[PAGE_LINES_MAX];
        size_t lines = page_list_precursors(r, names), off = 0;

        for (size_t k = 0; k < lines; k++) {
                struct page_list values = collect(r, names[k], base_of);
                double median = page_median(values.items, values.count);

                for (size_t i = 0; i < values.count; i++)
                        off += fabs(*(const double *)page_item(&values, i) - median) > part * fabs(median);
                free(values.items);
        }
        return off;
}

/* ---- Plots over the cycles ---- */

/* The part of a long run that one plot shows, 2,000 points at most: every k-th pulse. */
static size_t every(const struct page *r)
{
        return r->pulses.count / 2000 + 1;
}

static void fill(const struct page *r, const char *precursor, double (*of)(const struct query_pulse *p),
    struct page_curve *curve)
{
        for (size_t i = 0, at = 0; i < r->pulses.count; i++) {
                const struct query_pulse *p = page_item(&r->pulses, i);

                if (strcmp(p->precursor, precursor) == 0 && at++ % every(r) == 0 && !isnan(of(p)))
                        (void)page_add_point(curve, (double)p->cycle, of(p));
        }
}

static void add_curve(
    struct plot *plot, const struct page_curve *curve, const char *label, int style, bool is_right)
{
        struct plot_curve *to = &plot->curves[plot->curve_count];

        if (curve->x.count == 0)
                return;
        *to = (struct plot_curve){.label = label, .look = PLOT_MARKS, .style = style, .is_right = is_right};
        page_use_curve(to, curve);
        plot->curve_count++;
}

/* From the run's first cycle to the last, with room for the marks of both. */
static struct plot make_plot(const struct page *r, int height, const char *y_label)
{
        struct plot plot = {
            .width = 960, .height = height, .x_label = "cycle", .y_label = y_label, .is_whole = true};

        for (size_t i = 0; i < r->pulses.count; i++) {
                double cycle = (double)((const struct query_pulse *)page_item(&r->pulses, i))->cycle;
                plot.to = fmax(plot.to, cycle + 1);
        }
        return plot;
}

static void plot_metrics(struct page *r, const char *precursor)
{
        struct page_curve rise = {0}, area = {0};
        char left[48] = "", right[48], caption[200];
        struct plot plot = make_plot(r, 260, left);
        bool is_fitted;

        (void)snprintf(left, sizeof left, "rise (%s)", gauge_unit(r));
        (void)snprintf(right, sizeof right, "area (%s s)", gauge_unit(r));
        plot.right_label = right;
        plot.has_zero = true;
        fill(r, precursor, rise_of, &rise);
        fill(r, precursor, fit_of, &area);
        is_fitted = area.x.count > 0;
        if (!is_fitted)
                fill(r, precursor, area_of, &area);
        add_curve(&plot, &rise, "rise to the peak (left)", 0, false);
        add_curve(&plot, &area, is_fitted ? "area, fitted (right)" : "area (right)", 1, true);
        (void)snprintf(caption, sizeof caption, "%s: rise and area of each pulse.", precursor);
        if (plot.curve_count == 2)
                page_put_plot(r, &plot, caption);
        page_free_curve(&rise);
        page_free_curve(&area);
}

static void plot_errors(struct page *r, const char *const *names, size_t lines)
{
        struct plot plot = make_plot(r, 240, "actual - planned (ms)");
        struct page_curve errors[PAGE_LINES_MAX] = {0};

        for (size_t i = 0; i < lines; i++) {
                fill(r, names[i], error_of, &errors[i]);
                add_curve(&plot, &errors[i], names[i], (int)i, false);
        }
        if (plot.curve_count > 0)
                page_put_plot(
                    r, &plot, "Width error of each pulse: how much longer than planned its valve was open.");
        for (size_t i = 0; i < lines; i++)
                page_free_curve(&errors[i]);
}

/* ---- The table ---- */

static void put_row(struct page *r, const struct query_pulse *p)
{
        bool is_done = strcmp(p->outcome, "done") == 0, has_open = p->opened_us > 0 && p->planned_open_us > 0;
        char buf[9][PAGE_TEXT_CAP];
        int64_t error_us;
        bool has_error = page_width_error(p, &error_us);
        struct html *h = &r->html;

        html_row_begin(h, is_done ? NULL : "odd");
        html_cell(h, "%lld%s", (long long)p->cycle, p->attempt > 1 ? " (again)" : "");
        html_cell(h, "%s", p->precursor);
        html_cell(h, "%s", page_clock(buf[0], p->opened_us));
        html_cell(h, "%s", page_ms(buf[1], p->opened_us - p->planned_open_us, has_open));
        html_cell(h, "%s", page_ms(buf[2], p->planned_width_us, p->planned_width_us >= 0));
        html_cell(h, "%s", page_ms(buf[3], p->width_us, p->width_us >= 0));
        html_cell(h, "%s", page_ms(buf[4], error_us, has_error));
        html_cell(h, "%s", page_number(buf[5], p->base, 4));
        html_cell(h, "%s", page_number(buf[6], rise_of(p), 3));
        html_cell(h, "%s", page_number(buf[7], p->area, 3));
        html_cell(h, "%s", page_number(buf[8], decay_of(p), 3));
        html_cell(h, "%s", p->outcome);
        html_row_end(h);
}

static void put_table(struct page *r)
{
        const char *unit = gauge_unit(r);
        char base[40], rise[40], area[40];
        const struct html_column columns[] = {{"cycle", true}, {"precursor", false}, {"opened (UTC)", true},
            {"late (ms)", true}, {"planned (ms)", true}, {"actual (ms)", true}, {"error (ms)", true},
            {base, true}, {rise, true}, {area, true}, {"decay (s)", true}, {"outcome", false}};
        bool is_short = r->pulses.count <= ROWS_MAX;
        size_t shown = 0;

        (void)snprintf(base, sizeof base, "base (%s)", unit);
        (void)snprintf(rise, sizeof rise, "rise (%s)", unit);
        (void)snprintf(area, sizeof area, "area (%s s)", unit);
        if (!is_short)
                html_element(&r->html, "p", "note",
                    "%zu pulses: the table has those that were not done as planned, %d at most. `aldctl "
                    "report %lld "
                    "--json` has all.",
                    r->pulses.count, ROWS_MAX, (long long)r->run.id);
        html_table_begin(&r->html, "pulses", columns, sizeof columns / sizeof columns[0]);
        for (size_t i = 0; i < r->pulses.count && shown < ROWS_MAX; i++) {
                const struct query_pulse *p = page_item(&r->pulses, i);

                if (!is_short && strcmp(p->outcome, "done") == 0)
                        continue;
                put_row(r, p);
                shown++;
        }
        html_table_end(&r->html);
}

void page_cycles(struct page *r)
{
        const char *names[PAGE_LINES_MAX];
        size_t lines = page_list_precursors(r, names);

        if (lines == 0) {
                html_element(&r->html, "p", "missing", "No pulse was recorded.");
                return;
        }
        put_medians(r, names, lines);
        for (size_t i = 0; i < lines; i++)
                plot_metrics(r, names[i]);
        plot_errors(r, names, lines);
        html_element(&r->html, "h3", NULL, "Each pulse");
        put_table(r);
}
