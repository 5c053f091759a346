/* What `aldctl top` knows: the subscription folded together, the equipment, the alarms, the last events, the last half hour
 * of the pressure, and how old all of it is. It reads no clock: times are handed in. */
#ifndef ALD_APP_TOP_MODEL_H
#define ALD_APP_TOP_MODEL_H

#include "ald/app/aldctl_view.h" /* struct view */
#include "ald/app/top_trend.h"   /* struct top_trend */

#include <jansson.h> /* json_t */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

enum { TOP_EVENTS_MAX = 100, TOP_LINES_MAX = 8 };
/* A daemon that has something to tell tells it ten times a second, and answers a question at once. */
#define TOP_SILENCE_US INT64_C(5000000)

struct top_model {
        struct view view;  /* status and tags NULL: nothing was heard yet */
        json_t *tool;      /* control/report.h; made from the tags where the daemon has no verb `tool` */
        json_t *alarms;    /* array */
        json_t *events;    /* array, oldest first */
        const char *gauge; /* tag of the pressure; NULL: none */
        int line_count;    /* precursor lines */
        const char *lines[TOP_LINES_MAX];  /* their names ... */
        const char *valves[TOP_LINES_MAX]; /* ... and the tags of their valves */
        struct top_trend trend;
        int64_t now_us;   /* monotonic, of the last tick */
        int64_t heard_us; /* monotonic, of the last message */
        int64_t wall_us;  /* the daemon's clock then */
        int64_t lost_us;  /* monotonic, since when there is no connection; -1: there is one */
        char lost_why[160];
        int64_t back_until_us; /* until then it is told that the connection is back */
        bool wants_alarms;     /* they have changed: ask */
        char role[16];         /* from the hello */
        char title[64];        /* the tool's name */
};

void top_model_init(struct top_model *m);
void top_model_free(struct top_model *m);

/* The connection was made (again); `hello` is borrowed. */
void top_model_hello(struct top_model *m, const json_t *hello, int64_t now_us);
/* The answer to `subscribe`, then its updates and events. All borrowed. */
void top_model_full(struct top_model *m, json_t *full, int64_t now_us);
void top_model_update(struct top_model *m, json_t *params, int64_t now_us);
void top_model_event(struct top_model *m, json_t *event);
/* The answer to `tool`; NULL: the daemon does not know the verb. */
void top_model_tool(struct top_model *m, json_t *tool);
void top_model_alarms(struct top_model *m, json_t *alarms);
/* Some answer has come: it is alive. */
void top_model_heard(struct top_model *m, int64_t now_us);
void top_model_lost(struct top_model *m, const char *why, int64_t now_us);
/* Time has passed. */
void top_model_tick(struct top_model *m, int64_t now_us);

/* Are the values old: no connection, or a daemon that says nothing? */
bool top_model_is_stale(const struct top_model *m);
/* The daemon's clock now, and how long nothing was heard, in microseconds. */
int64_t top_model_wall_us(const struct top_model *m);
int64_t top_model_age_us(const struct top_model *m);

/* Number i of the equipment of a kind, NULL = there is none; and the one of a name. Borrowed. */
const json_t *top_model_equipment(const struct top_model *m, const char *kind, int i);
const json_t *top_model_named(const struct top_model *m, const char *name);
/* A tag by name; NULL = there is none. */
const json_t *top_model_tag(const struct top_model *m, const char *name);

#endif
