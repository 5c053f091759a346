/* aldctl trend: how a tag went over a run or a time, from the run database: a plot for people, points for programs. */
#include "ald/app/aldctl.h"      /* own declarations */
#include "ald/app/aldctl_show.h" /* show_* */
#include "ald/base/time.h"       /* TIME_S, time_format_utc */
#include "ald/base/unit.h"       /* unit_parse_time */
#include "ald/core/event.h"      /* quality_name */
#include "ald/store/query.h"     /* query_run */
#include "ald/store/trend.h"     /* query_trend */

#include <inttypes.h> /* PRId64 */
#include <math.h>     /* isnan, NAN */
#include <stdlib.h>   /* calloc, free, strtol */
#include <string.h>   /* strcmp */
#include <time.h>     /* strptime, mktime, clock_gettime */

#define NEWEST_US TIME_H /* without --run or --from: the last hour */

/* What is asked, and what was found. */
struct trend_view {
        const char *tag;
        int64_t from_us, to_us;
        struct trend_info info;
        int max, count;
        struct trend_point *points;
};

static int64_t wall_now_us(void)
{
        struct timespec t;

        clock_gettime(CLOCK_REALTIME, &t);
        return (int64_t)t.tv_sec * TIME_S + t.tv_nsec / 1000;
}

/* ---- What is asked ---- */

static const char *find_arg(const struct aldctl_options *o, const char *name)
{
        for (size_t i = 0; i < o->arg_count; i++)
                if (strcmp(o->args[i].name, name) == 0)
                        return o->args[i].value;
        return NULL;
}

/* UTC with its Z, local time without, or a time ago. -1: none of them. */
static int64_t parse_time(const char *text, int64_t now_us)
{
        static const char *const forms[] = {
            "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"};
        int64_t us = show_parse_time(text);

        for (size_t i = 0; i < sizeof forms / sizeof forms[0] && us < 0; i++) {
                struct tm tm = {.tm_isdst = -1};
                const char *rest = strptime(text, forms[i], &tm);

                if (rest != NULL && *rest == '\0')
                        us = (int64_t)mktime(&tm) * TIME_S;
        }
        if (us < 0 && unit_parse_time(text, &us) == UNIT_OK)
                us = now_us - us;
        return us;
}

static bool take_time(
    const struct aldctl_options *o, const char *name, int64_t now_us, int64_t otherwise_us, int64_t *us)
{
        const char *text = find_arg(o, name);

        *us = text == NULL ? otherwise_us : parse_time(text, now_us);
        if (*us >= 0)
                return true;
        show_error("--%s %s: a time wanted: \"2026-11-21 10:15\" (local), \"2026-11-21T10:15:30Z\" (UTC), or "
                   "how long ago: 2h, \"3 d\"",
            name, text);
        return false;
}

static bool take_points(const struct aldctl_options *o, int otherwise, int *points)
{
        const char *text = find_arg(o, "points");
        char *end = NULL;
        long n = text == NULL ? otherwise : strtol(text, &end, 10);

        *points = (int)n;
        if (n >= 2 && n <= TREND_POINTS_MAX && (end == NULL || *end == '\0'))
                return true;
        show_error("--points %s: a number from 2 to %d wanted", text, TREND_POINTS_MAX);
        return false;
}

/* A run's time, to now while it is under way. */
static enum aldctl_exit take_run(struct query *q, const char *text, struct trend_view *v)
{
        struct query_run run;
        char *end;
        long long id = strtoll(text, &end, 10);

        if (*end != '\0' || id < 1) {
                show_error("--run %s: a run's number wanted; `aldctl runs` lists them", text);
                return ALDCTL_USAGE;
        }
        int found = query_run(q, id, &run);
        if (found == 1) {
                v->from_us = run.started_us;
                v->to_us = run.ended_us > 0 ? run.ended_us + 1 : wall_now_us();
                return ALDCTL_OK;
        }
        if (found == 0)
                show_error("there is no run %lld; `aldctl runs` lists them", id);
        else
                show_error("%s", query_why(q));
        return ALDCTL_FAILED;
}

static enum aldctl_exit take_window(struct query *q, const struct aldctl_options *o, struct trend_view *v)
{
        const char *run = find_arg(o, "run");
        int64_t now_us = wall_now_us();

        if (run != NULL && (find_arg(o, "from") != NULL || find_arg(o, "to") != NULL)) {
                show_error("either --run, or --from and --to");
                return ALDCTL_USAGE;
        }
        if (run != NULL)
                return take_run(q, run, v);
        if (!take_time(o, "to", now_us, now_us, &v->to_us) ||
            !take_time(o, "from", now_us, v->to_us - NEWEST_US, &v->from_us))
                return ALDCTL_USAGE;
        if (v->from_us < v->to_us)
                return ALDCTL_OK;
        show_error("--from lies not before --to");
        return ALDCTL_USAGE;
}

/* ---- What is found ---- */

static void take_point(void *ctx, const struct trend_point *p)
{
        struct trend_view *v = ctx;

        if (v->count < v->max)
                v->points[v->count++] = *p;
}

struct names {
        size_t count;
        char name[TOOL_TAGS_MAX][TOOL_NAME_MAX];
};

static void take_name(void *ctx, const char *name, const char *unit)
{
        struct names *names = ctx;

        (void)unit;
        if (names->count < TOOL_TAGS_MAX)
                text_copy(names->name[names->count++], TOOL_NAME_MAX, name);
}

static const char *name_at(const void *ctx, size_t i)
{
        return ((const struct names *)ctx)->name[i];
}

static enum aldctl_exit refuse_tag(struct query *q, const char *tag)
{
        struct names *names = calloc(1, sizeof *names);
        const char *near = NULL;

        if (names != NULL && query_trend_tags(q, take_name, names) == 0)
                near = text_nearest(tag, name_at, names, names->count);
        if (near != NULL)
                show_error("no tag '%s' was ever recorded; did you mean '%s'?", tag, near);
        else
                show_error("no tag '%s' was ever recorded; `aldctl tags` lists the tool's", tag);
        free(names);
        return ALDCTL_FAILED;
}

static enum aldctl_exit find_points(struct query *q, struct trend_view *v, int points)
{
        v->max = points;
        v->points = calloc((size_t)points, sizeof *v->points);
        if (v->points == NULL) {
                show_error("out of memory");
                return ALDCTL_FAILED;
        }
        int found = query_trend(q, v->tag, v->from_us, v->to_us, points, &v->info, take_point, v);
        if (found == 0)
                return refuse_tag(q, v->tag);
        if (found < 0)
                show_error("%s", query_why(q));
        return found == 1 ? ALDCTL_OK : ALDCTL_FAILED;
}

/* ---- For programs ---- */

static json_t *json_time(int64_t us)
{
        char text[TIME_UTC_CAP];

        time_format_utc(us, text);
        return json_string(text);
}

static json_t *json_value(double value)
{
        return isnan(value) ? json_null() : json_real(value);
}

static json_t *json_point(const struct trend_point *p)
{
        return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:s}", "t", json_time(p->t_us),
            "end", json_time(p->end_us), "min", json_value(p->min), "max", json_value(p->max), "mean",
            json_value(p->mean), "min_at", json_time(p->min_us), "max_at", json_time(p->max_us), "count",
            (json_int_t)p->count, "bad", (json_int_t)p->bad, "lost", (json_int_t)p->lost, "quality",
            quality_name((enum quality)p->quality));
}

static void show_as_json(const struct trend_view *v)
{
        json_t *points = json_array();

        for (int i = 0; i < v->count; i++)
                (void)json_array_append_new(points, json_point(&v->points[i]));
        show_json(json_pack("{s:s, s:s, s:o, s:o, s:f, s:o}", "tag", v->tag, "unit", v->info.unit, "from",
            json_time(v->from_us), "to", json_time(v->to_us), "step_s",
            (double)v->info.step_us / (double)TIME_S, "points", points));
}

static void print_value(double value)
{
        if (!isnan(value))
                (void)printf("%.17g", value);
        (void)fputc(',', stdout);
}

static void print_utc(int64_t us)
{
        char text[TIME_UTC_CAP];

        time_format_utc(us, text);
        (void)printf("%s,", text);
}

static void show_as_csv(const struct trend_view *v)
{
        const char *unit = v->info.unit[0] != '\0' ? v->info.unit : "1";

        (void)printf("t (UTC),end (UTC),min (%s),max (%s),mean (%s),min_at (UTC),max_at "
                     "(UTC),count,bad,lost,quality\n",
            unit, unit, unit);
        for (int i = 0; i < v->count; i++) {
                const struct trend_point *p = &v->points[i];

                print_utc(p->t_us);
                print_utc(p->end_us);
                print_value(p->min);
                print_value(p->max);
                print_value(p->mean);
                print_utc(p->min_us);
                print_utc(p->max_us);
                (void)printf("%" PRId64 ",%" PRId64 ",%" PRId64 ",%s\n", p->count, p->bad, p->lost,
                    quality_name((enum quality)p->quality));
        }
}

/* ---- For people ---- */

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

static void show_as_plot(const struct trend_view *v, int width)
{
        struct plot p = {.v = v, .width = width};
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

static enum aldctl_exit show(struct query *q, const struct aldctl_options *o)
{
        struct trend_view v = {.tag = o->words[0]};
        bool is_csv = false;
        int width = plot_width(), points;
        enum aldctl_exit code = take_window(q, o, &v);

        for (size_t i = 0; i < o->arg_count; i++)
                is_csv |= strcmp(o->args[i].name, "csv") == 0;
        if (code == ALDCTL_OK && is_csv && o->json) {
                show_error("either --json or --csv");
                code = ALDCTL_USAGE;
        }
        if (code == ALDCTL_OK && !take_points(o, TREND_POINTS, &points))
                code = ALDCTL_USAGE;
        if (code == ALDCTL_OK)
                code = find_points(q, &v, points);
        if (code == ALDCTL_OK) {
                if (o->json)
                        show_as_json(&v);
                else if (is_csv)
                        show_as_csv(&v);
                else
                        show_as_plot(&v, width);
        }
        free(v.points);
        return code;
}

enum aldctl_exit aldctl_trend(const struct aldctl_command *self, const struct aldctl_options *o)
{
        enum aldctl_exit code;
        struct query *q = aldctl_open_database(o, &code);

        (void)self;
        if (q == NULL)
                return code;
        code = show(q, o);
        query_close(q);
        return code;
}
