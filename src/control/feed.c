#include "ald/control/feed.h"

#include "ald/control/jsonrpc.h" /* jsonrpc_notification, jsonrpc_line */
#include "ald/control/report.h"  /* report_* */

#include <assert.h> /* assert */
#include <stdlib.h> /* calloc, free */

struct feed {
        const struct tool *tool;
        json_t *events; /* array, oldest first */
        json_t *state;  /* of this turn: {status: {...}, tags: {name: {...}}}; immutable */
        int64_t wall_us;
        json_t *line_from; /* the state that `line` leads from */
        char *line;
        size_t line_len;
        bool has_line; /* line_from -> state is known; `line` NULL means no difference */
        char *event_line;
};

struct feed *feed_new(const struct tool *tool)
{
        struct feed *feed = calloc(1, sizeof *feed);

        if (feed == NULL)
                return NULL;
        feed->tool = tool;
        feed->events = json_array();
        if (feed->events == NULL) {
                free(feed);
                return NULL;
        }
        return feed;
}

static void forget_line(struct feed *feed)
{
        json_decref(feed->line_from);
        free(feed->line);
        feed->line_from = NULL;
        feed->line = NULL;
        feed->has_line = false;
}

void feed_free(struct feed *feed)
{
        if (feed == NULL)
                return;
        forget_line(feed);
        json_decref(feed->events);
        json_decref(feed->state);
        free(feed->event_line);
        free(feed);
}

const char *feed_event(struct feed *feed, const struct record *r, size_t *len)
{
        json_t *event = report_event(r);

        if (json_array_size(feed->events) >= FEED_EVENTS_MAX)
                (void)json_array_remove(feed->events, 0);
        (void)json_array_append(feed->events, event);
        free(feed->event_line);
        feed->event_line = jsonrpc_line(jsonrpc_notification("event", event), len);
        return feed->event_line;
}

static json_t *tags_now(const struct tool *tool, const struct core *core)
{
        json_t *tags = json_object();

        for (int i = 0; i < tool->tag_count; i++) {
                struct core_tag now;
                core_get_tag(core, i, &now);
                (void)json_object_set_new(tags, tool->tags[i].name, report_tag_now(&tool->tags[i], &now));
        }
        return tags;
}

void feed_turn(struct feed *feed, const struct core *core, const struct outlook_now *outlook, int64_t wall_us)
{
        json_t *state = json_object();

        (void)json_object_set_new(state, "status", report_status(feed->tool, core, outlook));
        (void)json_object_set_new(state, "tags", tags_now(feed->tool, core));
        json_decref(feed->state);
        feed->state = state;
        feed->wall_us = wall_us;
        forget_line(feed);
}

/* Facts that never change and the present values, by name. */
static json_t *tags_full(const struct feed *feed)
{
        const json_t *now = json_object_get(feed->state, "tags");
        json_t *tags = json_object();

        for (int i = 0; i < feed->tool->tag_count; i++) {
                const struct tool_tag *tag = &feed->tool->tags[i];
                json_t *o = report_tag_facts(tag);
                (void)json_object_update(o, json_object_get(now, tag->name));
                (void)json_object_set_new(tags, tag->name, o);
        }
        return tags;
}

static void remember(json_t **seen, json_t *state)
{
        json_t *old = *seen;

        *seen = json_incref(state);
        json_decref(old);
}

json_t *feed_full(struct feed *feed, json_t **seen)
{
        json_t *full = json_object();

        assert(feed->state != NULL);
        (void)json_object_set_new(full, "time", report_time(feed->wall_us));
        (void)json_object_set(full, "status", json_object_get(feed->state, "status"));
        (void)json_object_set_new(full, "tags", tags_full(feed));
        /* A copy: later events must not change an answer that is not serialised yet. */
        (void)json_object_set_new(full, "events", json_copy(feed->events));
        remember(seen, feed->state);
        return full;
}

/* What is new or different in `to`; NULL when nothing is. */
static json_t *difference(const json_t *from, json_t *to)
{
        json_t *changed = NULL, *value;
        const char *key;

        json_object_foreach(to, key, value)
        {
                if (json_equal(json_object_get(from, key), value))
                        continue;
                if (changed == NULL)
                        changed = json_object();
                (void)json_object_set(changed, key, value);
        }
        return changed;
}

static json_t *tags_difference(const json_t *from, json_t *to)
{
        json_t *changed = NULL, *value;
        const char *name;

        json_object_foreach(to, name, value)
        {
                json_t *one = difference(json_object_get(from, name), value);
                if (one == NULL)
                        continue;
                if (changed == NULL)
                        changed = json_object();
                (void)json_object_set_new(changed, name, one);
        }
        return changed;
}

static void make_line(struct feed *feed, json_t *from)
{
        json_t *status = difference(json_object_get(from, "status"), json_object_get(feed->state, "status"));
        json_t *tags = tags_difference(json_object_get(from, "tags"), json_object_get(feed->state, "tags"));
        json_t *params;

        forget_line(feed);
        feed->has_line = true;
        feed->line_from = json_incref(from);
        if (status == NULL && tags == NULL)
                return;
        params = json_object();
        (void)json_object_set_new(params, "time", report_time(feed->wall_us));
        if (status != NULL)
                (void)json_object_set_new(params, "status", status);
        if (tags != NULL)
                (void)json_object_set_new(params, "tags", tags);
        feed->line = jsonrpc_line(jsonrpc_notification("update", params), &feed->line_len);
}

const char *feed_update(struct feed *feed, json_t **seen, size_t *len)
{
        assert(feed->state != NULL && *seen != NULL);
        if (!feed->has_line || feed->line_from != *seen)
                make_line(feed, *seen);
        remember(seen, feed->state);
        *len = feed->line_len;
        return feed->line;
}
