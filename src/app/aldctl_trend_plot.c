/* A trend as a plot of letters: a column is a stretch of time, its bar reaches from the least to the greatest value. */
#include "ald/app/aldctl_show.h"  /* show_* */
#include "ald/app/aldctl_trend.h" /* own declarations */
#include "ald/base/time.h"        /* TIME_H, time_add_duration */
#include "ald/core/event.h"       /* QUALITY_GOOD */

#include <inttypes.h> /* PRId64 */
#include <string.h>   /* memset, strlen */

enum { LABEL = 11, PLOT_MIN = 60, PLOT_MAX = 100, PLOT_HEIGHT = 12 };

struct plot {
        const struct trend_view *v;
        double low, high;
        int width;
        char cell[PLOT_HEIGHT][PLOT_MAX + 1];
        char amiss[PLOT_MAX + 1];
        double sum[PLOT_MAX]; /* of the values in a column */
        int64_t count[PLOT_MAX];
        bool is_amiss;
};

static int plot_width(void)
{
        int columns = show_columns(stdout), width = (columns == 0 ? 80 : columns) - LABEL - 1;

        return width < PLOT_MIN ? PLOT_MIN : width > PLOT_MAX ? PLOT_MAX : width;
}

static int column_of(const struct plot *p, int64_t us)
{
        double part = (double)(us - p->v->from_us) / (double)(p->v->to_us - p->v->from_us);
        int column = (int)(part * p->width);

        return column < 0 ? 0 : column >= p->width ? p->width - 1 : column;
}

/* Rows count from the top. */
static int row_of(const struct plot *p, double value)
{
        return PLOT_HEIGHT - 1 - (int)((value - p->low) / (p->high - p->low) * (PLOT_HEIGHT - 1) + 0.5);
}

static void plot_point(struct plot *p, const struct trend_point *point)
{
        int column = column_of(p, point->t_us);

        if (point->lost > 0 || point->quality != QUALITY_GOOD) {
                p->amiss[column] = point->lost > 0                 ? 'x'
                                   : p->amiss[column] == 'x'       ? 'x'
                                   : point->quality == QUALITY_BAD ? '!'
                                   : p->amiss[column] == '!'       ? '!'
                                                                   : '?';
                p->is_amiss = true;
        }
        if (point->count == 0)
                return;
        for (int row = row_of(p, point->max); row <= row_of(p, point->min); row++)
                if (p->cell[row][column] == ' ')
                        p->cell[row][column] = '|';
        p->sum[column] += point->mean * (double)point->count;
        p->count[column] += point->count;
}

static void fill_plot(struct plot *p)
{
        for (int row = 0; row < PLOT_HEIGHT; row++) {
                memset(p->cell[row], ' ', (size_t)p->width);
                p->cell[row][p->width] = '\0';
        }
        memset(p->amiss, ' ', (size_t)p->width);
        p->amiss[p->width] = '\0';
        for (int i = 0; i < p->v->count; i++)
                plot_point(p, &p->v->points[i]);
        for (int i = 0; i < p->width; i++)
                if (p->count[i] > 0)
                        p->cell[row_of(p, p->sum[i] / (double)p->count[i])][i] = '*';
}

static void print_label(double value)
{
        char label[24];
        struct text t;

        text_init(&t, label, sizeof label);
        text_add_number(&t, value, 5);
        (void)printf("%*s ", LABEL - 1, label);
}

static void print_plot(const struct plot *p)
{
        char from[SHOW_TIME_CAP], to[SHOW_TIME_CAP];

        for (int row = 0; row < PLOT_HEIGHT; row++) {
                if (row % 3 == 0 || row == PLOT_HEIGHT - 1)
                        print_label(p->high - (p->high - p->low) * row / (PLOT_HEIGHT - 1));
                else
                        (void)printf("%*s", LABEL, "");
                (void)printf("|%s\n", p->cell[row]);
        }
        if (p->is_amiss)
                (void)printf("%*s|%s\n", LABEL, "", p->amiss);
        (void)printf("%*s+", LABEL, "");
        for (int i = 0; i < p->width; i++)
                (void)fputc('-', stdout);
        show_local(p->v->from_us, true, from);
        show_local(p->v->to_us, true, to);
        (void)printf("\n%*s%s%*s\n", LABEL, "", from, p->width + 1 - (int)strlen(from), to);
}

static void add_value(struct text *t, const struct trend_view *v, const char *name, double value, int64_t us)
{
        const char *unit = v->info.unit;
        char when[SHOW_TIME_CAP];

        text_add(t, "%s%s ", t->len > 0 ? ", " : "", name);
        text_add_number(t, value, 6);
        if (unit[0] != '\0')
                text_add(t, " %s", unit);
        if (us > 0) {
                show_local(us, v->to_us - v->from_us > 20 * TIME_H, when);
                text_add(t, " at %s", when);
        }
}

/* What all points add up to; `first` and `last` are the ends that have a value. */
struct sum {
        const struct trend_point *first, *last, *min, *max;
        int64_t count, bad, lost;
        double sum;
};

static struct sum sum_up(const struct trend_view *v)
{
        struct sum s = {0};

        for (int i = 0; i < v->count; i++) {
                const struct trend_point *p = &v->points[i];

                s.bad += p->bad;
                s.lost += p->lost;
                s.count += p->count;
                if (p->count == 0)
                        continue;
                s.first = s.first == NULL ? p : s.first;
                s.last = p;
                s.min = s.min == NULL || p->min < s.min->min ? p : s.min;
                s.max = s.max == NULL || p->max > s.max->max ? p : s.max;
                s.sum += p->mean * (double)p->count;
        }
        return s;
}

static void print_sum(const struct trend_view *v, const struct sum *s)
{
        char line[320];
        struct text t;

        text_init(&t, line, sizeof line);
        add_value(&t, v, "first", s->first->mean, 0);
        add_value(&t, v, "last", s->last->mean, 0);
        add_value(&t, v, "mean", s->sum / (double)s->count, 0);
        show_wrapped(stdout, line, 0, 2);
        (void)fputc('\n', stdout);
        text_init(&t, line, sizeof line);
        add_value(&t, v, "min", s->min->min, s->min->min_us);
        add_value(&t, v, "max", s->max->max, s->max->max_us);
        text_add(&t, "; %" PRId64 " samples", s->count + s->bad);
        if (v->info.step_us > 1) {
                text_add(&t, ", summed up over ");
                time_add_duration(&t, v->info.step_us);
        }
        show_wrapped(stdout, line, 0, 2);
        (void)fputc('\n', stdout);
}

void trend_print_plot(const struct trend_view *v)
{
        struct plot p = {.v = v, .width = plot_width()};
        struct sum s = sum_up(v);

        show_text(stdout, v->tag, false);
        (void)printf("%s%s\n", v->info.unit[0] != '\0' ? ", " : "", v->info.unit);
        if (s.count == 0) {
                (void)printf("no value was recorded in this time%s\n", s.bad > 0 ? ", only Bad ones" : "");
                return;
        }
        p.low = s.min->min;
        p.high = s.max->max > s.min->min ? s.max->max : s.min->min + 1;
        fill_plot(&p);
        print_plot(&p);
        print_sum(v, &s);
        if (s.bad > 0)
                (void)printf("! %" PRId64 " Bad, or no number: not in the plot\n", s.bad);
        if (s.lost > 0)
                (void)printf("x %" PRId64 " were not kept\n", s.lost);
}
