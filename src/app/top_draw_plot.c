/* The pressure of the last minutes, and when each precursor's valve was open. */
#include "ald/app/top_draw.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_get_text */
#include "ald/base/text.h"       /* text_add_number */
#include "ald/base/time.h"       /* TIME_S */

#include <math.h> /* log10 */

enum { AXIS = 9, MARK_ROWS_MAX = 4, MARK_ROWS_SMALL = 2, ROOMY = 30, BRAILLE = 0x2800, BLOCK = 0x2588 };

/* A pump-down goes through decades. */
#define LOG_FROM 30.0
/* A quiet gauge's noise is not drawn as mountains: so much of the value fills the plot at least. */
#define SPAN_MIN 0.05

struct plot {
        int row, rows, column, columns; /* of the plot itself */
        int64_t from_us, step_us;       /* a step is half a column */
        double low, high;
        bool is_log, is_known;
};

static double scale(const struct plot *p, double value)
{
        return p->is_log ? log10(value) : value;
}

/* The window ends with a whole step, so that the picture moves on by half columns. */
static struct plot make_plot(
    const struct top_canvas *c, const struct top_model *m, const struct top_ask *a, int row, int rows)
{
        struct plot p = {.row = row, .rows = rows, .column = AXIS, .columns = c->columns - AXIS - 1};
        int64_t window_us = top_ask_window_s(a) * TIME_S, now_us = top_model_wall_us(m), end_us;
        double min, max, span;

        p.step_us = window_us / (2 * p.columns);
        end_us = (now_us / p.step_us + 1) * p.step_us;
        p.from_us = end_us - 2 * p.columns * p.step_us;
        p.is_known =
            top_trend_range(&m->trend, p.from_us > 0 ? p.from_us : 0, end_us > 0 ? end_us : 0, &min, &max);
        if (!p.is_known)
                return p;
        p.is_log = min > 0 && max / min > LOG_FROM;
        p.low = scale(&p, min);
        p.high = scale(&p, max);
        span = p.is_log ? 0.1 : fabs(max) * SPAN_MIN;
        if (p.high - p.low < span) {
                p.low -= (span - (p.high - p.low)) / 2;
                p.high = p.low + span;
        }
        return p;
}

/* Levels from the bottom, 0 to levels - 1. */
static int level(const struct plot *p, int levels, double value)
{
        int at = (int)((scale(p, value) - p->low) / (p->high - p->low) * (levels - 1) + 0.5);

        return at < 0 ? 0 : at >= levels ? levels - 1 : at;
}

/* What one step shows: a bar from low to high, joined to the step before; false: nothing is known. */
struct bar {
        int low, high;
        bool is_known;
};

static struct bar measure(
    const struct plot *p, const struct top_trend *trend, int levels, int step, struct bar before)
{
        int64_t from_us = p->from_us + step * p->step_us;
        struct bar b = {.is_known = false};
        double min, max;

        if (from_us <= 0 || !top_trend_range(trend, from_us, from_us + p->step_us, &min, &max))
                return b;
        b = (struct bar){.low = level(p, levels, min), .high = level(p, levels, max), .is_known = true};
        if (before.is_known && b.low > before.high + 1)
                b.low = before.high + 1;
        if (before.is_known && b.high < before.low - 1)
                b.high = before.low - 1;
        return b;
}

/* ---- Braille: two steps and four levels a cell ---- */

static uint32_t dots(struct bar left, struct bar right, int bottom)
{
        static const uint32_t bits[2][4] = {{0x40, 0x04, 0x02, 0x01}, {0x80, 0x20, 0x10, 0x08}};
        uint32_t letter = BRAILLE;

        for (int i = 0; i < 4; i++) {
                if (left.is_known && left.low <= bottom + i && left.high >= bottom + i)
                        letter |= bits[0][i];
                if (right.is_known && right.low <= bottom + i && right.high >= bottom + i)
                        letter |= bits[1][i];
        }
        return letter;
}

static void draw_braille(struct top_canvas *c, const struct plot *p, const struct top_trend *trend)
{
        struct bar before = {.is_known = false};

        for (int i = 0; i < p->columns; i++) {
                struct bar left = measure(p, trend, 4 * p->rows, 2 * i, before);
                struct bar right = measure(p, trend, 4 * p->rows, 2 * i + 1, left);

                for (int row = 0; row < p->rows; row++) {
                        uint32_t letter = dots(left, right, 4 * row);

                        if (letter != BRAILLE)
                                top_canvas_fill(
                                    c, p->row + p->rows - 1 - row, p->column + i, 1, TOP_PLAIN, letter);
                }
                before = right;
        }
}

/* ---- ASCII: three levels a cell ---- */

static void draw_ascii(struct top_canvas *c, const struct plot *p, const struct top_trend *trend)
{
        static const char signs[] = {'.', '-', '\''};
        struct bar none = {.is_known = false};

        for (int i = 0; i < p->columns; i++) {
                struct bar b = measure(p, trend, 3 * p->rows, 2 * i, none),
                           next = measure(p, trend, 3 * p->rows, 2 * i + 1, b);

                if (!b.is_known)
                        b = next;
                for (int row = 0; b.is_known && row < p->rows; row++) {
                        int low = b.low > 3 * row ? b.low - 3 * row : 0;
                        int high = b.high < 3 * row + 2 ? b.high - 3 * row : 2;

                        if (low <= high)
                                top_canvas_fill(c, p->row + p->rows - 1 - row, p->column + i, 1, TOP_PLAIN,
                                    (uint32_t)(low == high ? signs[low] : '|'));
                }
        }
}

/* ---- The whole ---- */

static void draw_axis(struct top_canvas *c, const struct plot *p)
{
        const double ends[] = {p->high, p->low};

        for (int i = 0; i < 2; i++) {
                char buf[24];
                struct text t;
                int row = i == 0 ? p->row : p->row + p->rows - 1;

                text_init(&t, buf, sizeof buf);
                text_add_number(&t, p->is_log ? pow(10, ends[i]) : ends[i], 3);
                (void)top_canvas_put(c, row, AXIS - 1 - (int)t.len, AXIS, TOP_DIM, buf);
        }
}

/* Was any line open whose pulses this row shows? The last row shows all that have none of their own. */
static bool was_open(const struct top_model *m, int line, int rows, int64_t from_us, int64_t to_us)
{
        int last = line == rows - 1 ? m->line_count - 1 : line;

        for (; line <= last; line++)
                if (top_trend_was_open(&m->trend, line, from_us, to_us))
                        return true;
        return false;
}

static void draw_marks(
    struct top_canvas *c, const struct top_model *m, const struct plot *p, int row, int rows)
{
        for (int line = 0; line < rows; line++) {
                bool is_rest = line == rows - 1 && m->line_count > rows;

                (void)top_canvas_put(
                    c, row + line, 1, AXIS - 2, TOP_PLAIN, is_rest ? "others" : m->lines[line]);
                for (int i = 0; i < p->columns; i++) {
                        int64_t from_us = p->from_us + 2 * i * p->step_us;

                        if (was_open(m, line, rows, from_us, from_us + 2 * p->step_us))
                                top_canvas_fill(c, row + line, p->column + i, 1, TOP_OPEN, BLOCK);
                }
        }
}

static int mark_rows(const struct top_canvas *c, const struct top_model *m)
{
        int most = c->rows < ROOMY ? MARK_ROWS_SMALL : MARK_ROWS_MAX;

        return m->line_count < most ? m->line_count : most;
}

int top_draw_plot_rows_min(const struct top_canvas *c, const struct top_model *m)
{
        return 1 + 2 + mark_rows(c, m);
}

void top_draw_plot(
    struct top_canvas *c, const struct top_model *m, const struct top_ask *a, int row, int rows)
{
        int marks = mark_rows(c, m);
        struct plot p = make_plot(c, m, a, row + 1, rows - 1 - marks);
        char buf[120];
        struct text t;

        text_init(&t, buf, sizeof buf);
        text_add(&t, "%s, last %d min, %s%s; pulses", m->gauge != NULL ? m->gauge : "pressure",
            top_ask_window_s(a) / 60,
            show_get_text(top_model_tag(m, m->gauge != NULL ? m->gauge : ""), "unit"),
            p.is_log ? " (log)" : "");
        top_canvas_rule(c, row, TOP_DIM, buf);
        if (p.is_known) {
                draw_axis(c, &p);
                if (c->is_ascii)
                        draw_ascii(c, &p, &m->trend);
                else
                        draw_braille(c, &p, &m->trend);
        } else {
                (void)top_canvas_put(c, p.row, p.column, p.columns, TOP_DIM, "nothing is known yet");
        }
        draw_marks(c, m, &p, row + rows - marks, marks);
}
