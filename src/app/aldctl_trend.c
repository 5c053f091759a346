/* aldctl trend: how a tag went over a run or a time, from the run database: a plot for people, points for programs. */
#include "ald/app/aldctl.h"       /* own declarations */
#include "ald/app/aldctl_show.h"  /* show_* */
#include "ald/app/aldctl_trend.h" /* struct trend_view */
#include "ald/base/time.h"        /* TIME_S, time_format_utc */
#include "ald/base/unit.h"        /* unit_parse_time */
#include "ald/core/event.h"       /* quality_name */
#include "ald/store/query.h"      /* query_run */

#include <inttypes.h> /* PRId64 */
#include <math.h>     /* isnan, NAN */
#include <stdlib.h>   /* calloc, free, strtol */
#include <string.h>   /* strcmp */
#include <time.h>     /* strptime, mktime, clock_gettime */

#define NEWEST_US TIME_H /* without --run or --from: the last hour */

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
        if (!aldctl_find_run(q, id, &run))
                return ALDCTL_FAILED;
        v->from_us = run.started_us;
        v->to_us = run.ended_us > 0 ? run.ended_us + 1 : wall_now_us();
        return ALDCTL_OK;
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

static enum aldctl_exit show(struct query *q, const struct aldctl_options *o)
{
        struct trend_view v = {.tag = o->words[0]};
        bool is_csv = false;
        int points;
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
                        trend_print_plot(&v);
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
