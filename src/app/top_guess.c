#include "ald/app/top_guess.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_get_text */
#include "ald/base/unit.h"       /* unit_find */

#include <stdbool.h> /* bool */
#include <stdio.h>   /* snprintf */
#include <string.h>  /* strlen, strcmp */

enum { NAME_MAX_LEN = 128 };
#define SOURCE " source"

static void set(json_t *o, const char *key, const char *text)
{
        (void)json_object_set_new(o, key, json_string(text));
}

static json_t *add(json_t *list, const char *kind, const char *name)
{
        json_t *o = json_object();

        set(o, "kind", kind);
        set(o, "name", name);
        (void)json_array_append_new(list, o);
        return o;
}

/* `name` without `tail`; false: it ends otherwise. */
static bool cut_tail(const char *name, const char *tail, char out[NAME_MAX_LEN])
{
        size_t len = strlen(name), tail_len = strlen(tail);

        if (len <= tail_len || len - tail_len >= NAME_MAX_LEN || strcmp(name + len - tail_len, tail) != 0)
                return false;
        (void)snprintf(out, NAME_MAX_LEN, "%.*s", (int)(len - tail_len), name);
        return true;
}

static const char *loop_kind(const char *unit_name)
{
        const struct unit *unit = unit_find(unit_name);

        switch (unit != NULL ? unit->dim : UNIT_DIM_NONE) {
        case UNIT_DIM_FLOW:
                return "flow";
        case UNIT_DIM_TEMPERATURE:
                return "heater";
        case UNIT_DIM_SPEED:
                return "motor";
        default:
                return NULL;
        }
}

/* "block" of "block.temperature": what people call it; the bottle of line nb is "nb source". */
static void name_loop(const json_t *tags, const char *tag, char out[NAME_MAX_LEN])
{
        const char *dot = strrchr(tag, '.');
        int len = dot != NULL ? (int)(dot - tag) : (int)strlen(tag);
        char valve[NAME_MAX_LEN + 8];

        (void)snprintf(valve, sizeof valve, "%.*s.valve", len, tag);
        (void)snprintf(
            out, NAME_MAX_LEN, "%.*s%s", len, tag, json_object_get(tags, valve) != NULL ? SOURCE : "");
}

static void add_loop(json_t *list, const json_t *tags, const char *setpoint)
{
        char value[NAME_MAX_LEN], name[NAME_MAX_LEN];
        const char *unit, *kind;
        json_t *o;

        if (!cut_tail(setpoint, ".setpoint", value) || json_object_get(tags, value) == NULL)
                return;
        unit = show_get_text(json_object_get(tags, value), "unit");
        kind = loop_kind(unit);
        if (kind == NULL)
                return;
        name_loop(tags, value, name);
        o = add(list, kind, name);
        set(o, "value", value);
        set(o, "setpoint", setpoint);
        set(o, "unit", unit);
}

static void add_valve(json_t *list, const json_t *tags, const char *valve)
{
        static const char *const roles[] = {"exhaust", "vent", "soft"};
        char name[NAME_MAX_LEN], source[NAME_MAX_LEN + 16];
        const char *role = NULL;
        json_t *o;

        if (!cut_tail(valve, ".valve", name))
                return;
        for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
                if (strcmp(name, roles[i]) == 0)
                        role = roles[i];
        o = add(list, role != NULL ? "valve" : "precursor", name);
        set(o, "valve", valve);
        if (role != NULL)
                set(o, "role", role);
        (void)snprintf(source, sizeof source, "%s.temperature", name);
        if (role == NULL && json_object_get(tags, source) != NULL) {
                (void)snprintf(source, sizeof source, "%s%s", name, SOURCE); /* as name_loop() says */
                set(o, "source", source);
        }
}

static void add_gauge(json_t *list, const char *name, const json_t *tag)
{
        const struct unit *unit = unit_find(show_get_text(tag, "unit"));
        json_t *o;

        if (unit == NULL || unit->dim != UNIT_DIM_PRESSURE || json_is_true(json_object_get(tag, "is_output")))
                return;
        o = add(list, "gauge", "gauge");
        set(o, "value", name);
        set(o, "unit", unit->name);
}

json_t *top_guess_tool(json_t *tags, const char *name)
{
        json_t *tool = json_object(), *list = json_array();
        const char *tag_name;
        json_t *tag;

        json_object_foreach(tags, tag_name, tag)
        {
                add_loop(list, tags, tag_name);
                add_valve(list, tags, tag_name);
                add_gauge(list, tag_name, tag);
        }
        if (json_object_get(tags, "pump.run") != NULL || json_object_get(tags, "pump.running") != NULL) {
                json_t *pump = add(list, "pump", "pump");

                set(pump, "run", "pump.run");
                set(pump, "running", "pump.running");
        }
        set(tool, "tool", name);
        set(tool, "title", "");
        (void)json_object_set_new(tool, "equipment", list);
        return tool;
}
