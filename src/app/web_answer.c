#include "ald/app/web_answer.h" /* own declarations */

#include "ald/app/aldctl_past.h" /* aldctl_past_load */
#include "ald/base/text.h"       /* text_copy */
#include "ald/base/time.h"       /* TIME_MS, time_format_utc */
#include "ald/core/position.h"   /* position_find */
#include "ald/core/resume.h"     /* resume_again */
#include "ald/store/query.h"     /* query_run */
#include "ald/store/trend.h"     /* query_trend */
#include "page.h"                /* page_overlay_end_us, struct page_list */

#include <jansson.h> /* json_pack */

#include <math.h>   /* isfinite, isnan */
#include <stdarg.h> /* va_list */
#include <stdlib.h> /* free */
#include <string.h> /* strcmp */
#include <time.h>   /* clock_gettime */

/* HTTP's words for how it went. */
enum { OK = 200, BAD_REQUEST = 400, NOT_FOUND = 404, UNAVAILABLE = 503 };
/* More digits than any sensor has; the last hour when no time is said; a pulse in so many points. */
enum { DIGITS = 9, PULSE_POINTS = 400 };
static const int64_t newest_us = TIME_H;
/* The last samples of a run come into the record within seconds of its end. */
static const int64_t settle_us = 20 * TIME_S;
/* So many of a run's last pulses, of all lines, are looked through for those of one line. */
enum { SEEN_MAX = 4096 };

struct asking {
        const struct web_question *question;
        struct query *q;
        struct web_answer *out;
        int64_t until_us; /* wall clock: what is made of many questions ends then with what it has */
};

static int64_t wall_now_us(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_REALTIME, &t);
        return (int64_t)t.tv_sec * TIME_S + t.tv_nsec / 1000;
}

/* ---- How it ends ---- */

static void refuse(struct asking *a, int code, const char *hint, const char *fmt, ...) TEXT_PRINTF(4, 5);
static void refuse(struct asking *a, int code, const char *hint, const char *fmt, ...)
{
        struct text t;
        va_list args;

        a->out->code = code;
        text_copy(a->out->hint, sizeof a->out->hint, hint);
        text_init(&t, a->out->text, sizeof a->out->text);
        va_start(args, fmt);
        text_addv(&t, fmt, args);
        va_end(args);
        text_clean(a->out->text);
}

static void fail(struct asking *a)
{
        refuse(a, UNAVAILABLE, "ask for less, or try again", "%s", query_why(a->q));
}

static void say(struct asking *a, json_t *json)
{
        a->out->json = json != NULL ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(DIGITS)) : NULL;
        a->out->code = OK;
        json_decref(json);
        if (a->out->json == NULL)
                refuse(a, UNAVAILABLE, "ask for less, or try again", "no memory");
}

static json_t *json_time(int64_t us)
{
        char text[TIME_UTC_CAP];

        if (us <= 0)
                return json_null();
        time_format_utc(us, text);
        return json_string(text);
}

static json_t *json_value(double value)
{
        return isfinite(value) ? json_real(value) : json_null();
}

/* ---- Runs ---- */

static json_t *json_run(const struct query_run *r)
{
        return json_pack("{s:I, s:s, s:s, s:s, s:s, s:o, s:o, s:I}", "id", (json_int_t)r->id, "recipe",
            r->recipe, "state", r->state, "reason", r->reason, "operator", r->user, "started",
            json_time(r->started_us), "ended", json_time(r->ended_us), "cycles", (json_int_t)r->cycles);
}

static void take_run(void *ctx, const struct query_run *r)
{
        (void)json_array_append_new(ctx, json_run(r));
}

static void answer_runs(struct asking *a)
{
        json_t *list = json_array();

        if (query_runs_before(a->q, a->question->before, (int)a->question->limit, take_run, list) == 0) {
                say(a, json_pack("{s:o}", "runs", list));
                return;
        }
        fail(a);
        json_decref(list);
}

/* False: answered. */
static bool find_run(struct asking *a, struct query_run *run)
{
        int found = query_run(a->q, a->question->run, run);

        if (found < 0)
                fail(a);
        else if (found == 0)
                refuse(a, NOT_FOUND, "/api/runs lists them", "there is no run %lld",
                    (long long)a->question->run);
        return found == 1;
}

static void answer_report(struct asking *a)
{
        struct query_run run;

        if (!find_run(a, &run))
                return;
        a->out->is_settled = run.ended_us > 0 && run.ended_us < wall_now_us() - settle_us;
        say(a, json_object());
}

/* ---- One run ---- */

static void take_pulse(void *ctx, const struct query_pulse *p)
{
        *(struct query_pulse *)ctx = *p;
}

/* The recipe's line of the last pulse, as this version compiles it; null: there is none, or it cannot be told. */
static json_t *json_last_line(struct query *q, const struct query_run *run)
{
        struct query_pulse last = {.cycle = -1};
        const struct recipe_resume was = aldctl_past_resume(run);
        struct aldctl_past past = {.tool = NULL};
        struct resume_refusal refused;
        struct position at;
        json_t *line = NULL;

        if (query_recent_pulses(q, run->id, 1, take_pulse, &last) == 0 && last.cycle >= 0 &&
            aldctl_past_load(&past, q, run) &&
            (was.run_id == 0 || resume_again(past.recipe, past.tool, &was, &refused)) &&
            position_find(past.recipe, last.cycle, last.path, &at))
                line = json_integer(past.recipe->ops[at.op].source_line);
        aldctl_past_free(&past);
        return line != NULL ? line : json_null();
}

static void answer_run(struct asking *a)
{
        struct query_run run;
        struct query_texts texts = {.recipe = NULL};
        json_t *o, *parameters;

        if (!find_run(a, &run))
                return;
        if (query_texts(a->q, run.id, &texts) != 1) {
                fail(a);
                return;
        }
        o = json_run(&run);
        parameters = texts.parameters != NULL ? json_loads(texts.parameters, 0, NULL) : NULL;
        (void)json_object_set_new(o, "recipe_text", json_string(texts.recipe != NULL ? texts.recipe : ""));
        (void)json_object_set_new(o, "parameters", parameters != NULL ? parameters : json_object());
        (void)json_object_set_new(o, "source_line", json_last_line(a->q, &run));
        query_free_texts(&texts);
        say(a, o);
}

/* ---- Trends ---- */

static void take_point(void *ctx, const struct trend_point *p)
{
        (void)json_array_append_new(ctx, json_pack("[I, o, o, o]", (json_int_t)(p->t_us / TIME_MS),
                                             json_value(p->min), json_value(p->max), json_value(p->mean)));
}

/* False: answered. */
static bool find_window(struct asking *a, int64_t *from_us, int64_t *to_us)
{
        struct query_run run;

        if (a->question->run > 0) {
                if (!find_run(a, &run))
                        return false;
                *from_us = run.started_us;
                *to_us = run.ended_us > 0 ? run.ended_us + 1 : wall_now_us();
        } else {
                *to_us = a->question->to_us >= 0 ? a->question->to_us : wall_now_us();
                *from_us = a->question->from_us >= 0 ? a->question->from_us : *to_us - newest_us;
        }
        if (*from_us < *to_us)
                return true;
        refuse(a, BAD_REQUEST, "from is the earlier time", "from does not lie before to");
        return false;
}

static void answer_trend(struct asking *a)
{
        const char *tag = a->question->tag;
        struct trend_info info;
        int64_t from_us, to_us;
        json_t *points;
        int found;

        if (!find_window(a, &from_us, &to_us))
                return;
        points = json_array();
        found = query_trend(a->q, tag, from_us, to_us, (int)a->question->points, &info, take_point, points);
        if (found == 1) {
                say(a, json_pack("{s:s, s:s, s:o}", "tag", tag, "unit", info.unit, "points", points));
                return;
        }
        json_decref(points);
        if (found == 0)
                refuse(a, NOT_FOUND, "the tags of /api/live are those of the tool",
                    "no tag '%s' was ever recorded", tag);
        else
                fail(a);
}

/* ---- Pulses laid over one another ---- */

struct overlay {
        struct page_list pulses; /* struct query_pulse, newest first */
        const struct query_pulse *pulse;
        json_t *points; /* of it */
};

static void keep_pulse(void *ctx, const struct query_pulse *p)
{
        (void)page_append(&((struct overlay *)ctx)->pulses, p);
}

static void take_rise(void *ctx, const struct trend_point *p)
{
        struct overlay *o = ctx;

        (void)json_array_append_new(
            o->points, json_pack("[f, o]", (double)(p->t_us - o->pulse->opened_us) / (double)TIME_S,
                           json_value(p->mean)));
}

/* When the one after pulse i opened; 0: none did. */
static int64_t find_next(const struct overlay *o, size_t i)
{
        const struct query_pulse *p = page_item(&o->pulses, i);

        while (i-- > 0) {
                const struct query_pulse *next = page_item(&o->pulses, i);

                if (next->opened_us > p->opened_us)
                        return next->opened_us;
        }
        return 0;
}

/* NULL: the samples could not be read. */
static json_t *json_pulse(
    struct asking *a, struct overlay *o, size_t i, const char *gauge, struct trend_info *info)
{
        const struct query_pulse *p = page_item(&o->pulses, i);
        int64_t from_us = p->opened_us - PAGE_OVERLAY_LEAD_US,
                to_us = page_overlay_end_us(p, find_next(o, i));

        o->pulse = p;
        o->points = json_array();
        if (to_us > from_us &&
            query_trend(a->q, gauge, from_us, to_us, PULSE_POINTS, info, take_rise, o) < 0) {
                json_decref(o->points);
                return NULL;
        }
        return json_pack("{s:I, s:o, s:o, s:o}", "cycle", (json_int_t)p->cycle, "width_s",
            json_value((double)p->width_us / (double)TIME_S), "base", json_value(p->base), "points",
            o->points);
}

/* The newest last, as they came. */
static json_t *json_pulses(struct asking *a, struct overlay *o, const char *gauge, struct trend_info *info)
{
        json_t *list = json_array();

        for (size_t i = 0; i < o->pulses.count && json_array_size(list) < (size_t)a->question->last &&
                           wall_now_us() < a->until_us;
             i++) {
                const struct query_pulse *p = page_item(&o->pulses, i);
                json_t *one;

                if (strcmp(p->precursor, a->question->precursor) != 0 || p->opened_us <= 0 ||
                    p->width_us <= 0)
                        continue;
                one = json_pulse(a, o, i, gauge, info);
                if (one == NULL) {
                        json_decref(list);
                        return NULL;
                }
                (void)json_array_insert_new(list, 0, one);
        }
        return list;
}

static bool has_line(const struct tool *tool, const char *name)
{
        for (int i = 0; i < tool->line_count; i++)
                if (strcmp(tool->lines[i].name, name) == 0)
                        return true;
        return false;
}

static void lay_over(struct asking *a, const struct tool *tool)
{
        struct overlay o = {.pulses = {.size = sizeof(struct query_pulse)}};
        const char *gauge = tool->tags[tool->gauge].name;
        struct trend_info info = {.step_us = 1};
        json_t *pulses = NULL;

        if (query_recent_pulses(a->q, a->question->run, SEEN_MAX, keep_pulse, &o) == 0)
                pulses = json_pulses(a, &o, gauge, &info);
        if (pulses != NULL)
                say(a, json_pack("{s:s, s:s, s:o}", "tag", gauge, "unit", tool->tags[tool->gauge].unit->name,
                           "pulses", pulses));
        else
                fail(a);
        free(o.pulses.items);
}

/* What the gauge is, the run's own tool file tells. */
static void answer_overlay(struct asking *a)
{
        struct aldctl_past past = {.tool = NULL};
        struct query_run run;

        if (!find_run(a, &run))
                return;
        (void)aldctl_past_load(&past, a->q, &run);
        if (past.tool == NULL)
                refuse(a, NOT_FOUND, "", "%s", past.why);
        else if (past.tool->gauge < 0)
                refuse(a, NOT_FOUND, "", "the tool of that run has no gauge");
        else if (!has_line(past.tool, a->question->precursor))
                refuse(a, NOT_FOUND, "precursor is the name of a line in the tool file",
                    "the tool of that run has no precursor '%s'", a->question->precursor);
        else
                lay_over(a, past.tool);
        aldctl_past_free(&past);
}

/* ---- Dispatch ---- */

void web_answer(const struct web_question *question, const char *db, struct web_answer *out)
{
        static void (*const answers[WEB_ASK_KINDS])(struct asking * a) = {
            [WEB_ASK_RUNS] = answer_runs,
            [WEB_ASK_RUN] = answer_run,
            [WEB_ASK_TREND] = answer_trend,
            [WEB_ASK_OVERLAY] = answer_overlay,
            [WEB_ASK_REPORT] = answer_report,
        };
        struct asking a = {.question = question, .out = out, .until_us = wall_now_us() + QUERY_LIMIT_US};
        char why[320];

        *out = (struct web_answer){.code = OK};
        a.q = query_open(db, why, sizeof why);
        if (a.q == NULL) {
                refuse(&a, UNAVAILABLE, "--db or ALD_DB says where the run database is", "%s", why);
                return;
        }
        answers[question->kind](&a);
        query_close(a.q);
}
