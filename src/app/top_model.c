#include "ald/app/top_model.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_get_text, show_parse_time */
#include "ald/app/top_guess.h"   /* top_guess_tool */
#include "ald/base/text.h"       /* text_copy */
#include "ald/base/time.h"       /* TIME_S */

#include <math.h>   /* NAN */
#include <string.h> /* strcmp */

/* How long it is told that the connection is back. */
#define BACK_US (10 * TIME_S)

void top_model_init(struct top_model *m)
{
        *m = (struct top_model){.lost_us = -1, .back_until_us = 0};
        m->alarms = json_array();
        m->events = json_array();
}

void top_model_free(struct top_model *m)
{
        view_end(&m->view);
        json_decref(m->tool);
        json_decref(m->alarms);
        json_decref(m->events);
        *m = (struct top_model){.gauge = NULL};
}

static void replace(json_t **held, json_t *by)
{
        json_decref(*held);
        *held = by;
}

/* ---- Equipment ---- */

const json_t *top_model_equipment(const struct top_model *m, const char *kind, int i)
{
        const json_t *list = json_object_get(m->tool, "equipment");

        for (size_t k = 0; k < json_array_size(list); k++) {
                const json_t *e = json_array_get(list, k);

                if (strcmp(show_get_text(e, "kind"), kind) == 0 && i-- == 0)
                        return e;
        }
        return NULL;
}

const json_t *top_model_named(const struct top_model *m, const char *name)
{
        const json_t *list = json_object_get(m->tool, "equipment");

        for (size_t k = 0; k < json_array_size(list); k++)
                if (strcmp(show_get_text(json_array_get(list, k), "name"), name) == 0)
                        return json_array_get(list, k);
        return NULL;
}

const json_t *top_model_tag(const struct top_model *m, const char *name)
{
        return json_object_get(m->view.tags, name);
}

/* The names that the plot follows; borrowed from m->tool. */
static void look_up(struct top_model *m)
{
        const json_t *gauge = top_model_equipment(m, "gauge", 0), *line;

        m->gauge = gauge != NULL ? show_get_text(gauge, "value") : NULL;
        m->line_count = 0;
        for (int i = 0;
             m->line_count < TOP_LINES_MAX && (line = top_model_equipment(m, "precursor", i)) != NULL; i++) {
                m->lines[m->line_count] = show_get_text(line, "name");
                m->valves[m->line_count++] = show_get_text(line, "valve");
        }
}

void top_model_tool(struct top_model *m, json_t *tool)
{
        if (json_is_array(json_object_get(tool, "equipment")))
                replace(&m->tool, json_incref(tool));
        else
                replace(&m->tool, top_guess_tool(m->view.tags, m->title));
        look_up(m);
}

/* ---- The subscription ---- */

static double number_of(const json_t *tag, const char *key)
{
        const json_t *value = json_object_get(tag, key);

        return json_is_number(value) ? json_number_value(value) : NAN;
}

/* The command tells of a pulse that is shorter than the turns of the read-back, the read-back of one that a module times. */
static bool is_open(const json_t *valve)
{
        return number_of(valve, "commanded") > 0.5 ||
               (number_of(valve, "value") > 0.5 && strcmp(show_get_text(valve, "quality"), "Good") == 0);
}

/* What the values of this moment add to the plot. */
static void follow(struct top_model *m, int64_t wall_us)
{
        const json_t *gauge = m->gauge != NULL ? top_model_tag(m, m->gauge) : NULL;

        if (gauge != NULL && strcmp(show_get_text(gauge, "quality"), "Bad") != 0)
                top_trend_add(&m->trend, wall_us, number_of(gauge, "value"));
        for (int i = 0; i < m->line_count; i++) {
                const json_t *valve = top_model_tag(m, m->valves[i]);

                if (valve == NULL)
                        continue;
                if (is_open(valve))
                        top_trend_open(&m->trend, i, wall_us);
                else
                        top_trend_close(&m->trend, i, wall_us);
        }
}

void top_model_heard(struct top_model *m, int64_t now_us)
{
        if (m->wall_us > 0)
                m->wall_us += now_us - m->heard_us;
        m->heard_us = now_us;
        m->now_us = now_us;
}

static void take_time(struct top_model *m, const json_t *params, int64_t now_us)
{
        int64_t wall_us = show_parse_time(show_get_text(params, "time"));

        top_model_heard(m, now_us);
        if (wall_us >= 0)
                m->wall_us = wall_us;
}

void top_model_hello(struct top_model *m, const json_t *hello, int64_t now_us)
{
        (void)text_copy(m->role, sizeof m->role, show_get_text(hello, "role"));
        if (strcmp(m->title, show_get_text(hello, "tool")) != 0)
                m->trend = (struct top_trend){.count = 0}; /* another tool */
        (void)text_copy(m->title, sizeof m->title, show_get_text(hello, "tool"));
        if (m->lost_us >= 0)
                m->back_until_us = now_us + BACK_US;
        m->lost_us = -1;
        top_model_heard(m, now_us);
}

void top_model_full(struct top_model *m, json_t *full, int64_t now_us)
{
        view_end(&m->view);
        view_begin(&m->view, full);
        if (json_is_array(json_object_get(full, "events")))
                replace(&m->events, json_copy(json_object_get(full, "events")));
        take_time(m, full, now_us);
        m->wants_alarms = true;
        if (m->tool == NULL)
                top_model_tool(m, NULL);
        follow(m, m->wall_us);
}

/* Alarms are a list of their own: it is asked for when their numbers change. */
static bool touches_alarms(const json_t *status)
{
        static const char *const keys[] = {
            "alarms_shown", "alarms_unacknowledged", "alarms_shelved", "is_flooded", "latches", "state"};

        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
                if (json_object_get(status, keys[i]) != NULL)
                        return true;
        return false;
}

void top_model_update(struct top_model *m, json_t *params, int64_t now_us)
{
        if (m->view.status == NULL)
                return;
        take_time(m, params, now_us);
        view_fold(&m->view, params);
        if (touches_alarms(json_object_get(params, "status")))
                m->wants_alarms = true;
        follow(m, m->wall_us);
}

void top_model_event(struct top_model *m, json_t *event)
{
        if (json_array_size(m->events) >= TOP_EVENTS_MAX)
                (void)json_array_remove(m->events, 0);
        (void)json_array_append(m->events, event);
        if (strcmp(show_get_text(event, "kind"), "alarm") == 0)
                m->wants_alarms = true;
}

void top_model_alarms(struct top_model *m, json_t *alarms)
{
        if (json_is_array(alarms))
                replace(&m->alarms, json_incref(alarms));
}

/* ---- Time ---- */

void top_model_lost(struct top_model *m, const char *why, int64_t now_us)
{
        (void)text_copy(m->lost_why, sizeof m->lost_why, why);
        if (m->lost_us >= 0)
                return;
        m->lost_us = now_us;
        m->back_until_us = 0;
        top_trend_lose(&m->trend, m->wall_us);
}

bool top_model_is_stale(const struct top_model *m)
{
        return m->lost_us >= 0 || (m->view.status != NULL && m->now_us - m->heard_us >= TOP_SILENCE_US);
}

int64_t top_model_age_us(const struct top_model *m)
{
        return m->now_us - m->heard_us;
}

int64_t top_model_wall_us(const struct top_model *m)
{
        return m->wall_us + top_model_age_us(m);
}

void top_model_tick(struct top_model *m, int64_t now_us)
{
        m->now_us = now_us;
        /* A value that does not change is not sent again. */
        if (m->view.status != NULL && !top_model_is_stale(m))
                follow(m, top_model_wall_us(m));
}
