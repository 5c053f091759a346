#include "ald/control/report_tool.h"

#include "ald/control/jsonrpc.h" /* jsonrpc_text, jsonrpc_number */

#include <stddef.h> /* size_t */

/* A piece of equipment with what most pieces do not have. */
static json_t *piece(const char *name, const char *kind)
{
        static const char *const absent[] = {"value", "setpoint", "tolerance", "valve", "source", "line",
            "run", "running", "atmosphere", "lid", "emo", "over_temperature"};
        json_t *o = json_object();

        (void)json_object_set_new(o, "name", jsonrpc_text(name));
        (void)json_object_set_new(o, "kind", json_string(kind));
        (void)json_object_set_new(o, "unit", json_string(""));
        (void)json_object_set_new(o, "role", json_string(""));
        (void)json_object_set_new(o, "inert", json_false());
        for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
                (void)json_object_set_new(o, absent[i], json_null());
        return o;
}

static void set_tag(json_t *o, const char *key, const struct tool *tool, int tag)
{
        if (tag != TOOL_NONE)
                (void)json_object_set_new(o, key, jsonrpc_text(tool->tags[tag].name));
}

static void set_value(json_t *o, const struct tool *tool, int tag)
{
        set_tag(o, "value", tool, tag);
        if (tag != TOOL_NONE && !tool->tags[tag].is_bit && tool->tags[tag].unit != NULL)
                (void)json_object_set_new(o, "unit", json_string(tool->tags[tag].unit->name));
}

static json_t *loop_piece(const struct tool *tool, const struct tool_loop *loop)
{
        static const char *const kinds[] = {
            [TOOL_LOOP_FLOW] = "flow", [TOOL_LOOP_HEATER] = "heater", [TOOL_LOOP_MOTOR] = "motor"};
        json_t *o = piece(loop->name, kinds[loop->kind]);

        set_value(o, tool, loop->value);
        set_tag(o, "setpoint", tool, loop->setpoint);
        (void)json_object_set_new(o, "tolerance", jsonrpc_number(loop->tolerance));
        (void)json_object_set_new(o, "inert", json_boolean(loop->is_inert));
        return o;
}

static void set_loop(json_t *o, const char *key, const struct tool *tool, int loop)
{
        if (loop != TOOL_NONE)
                (void)json_object_set_new(o, key, jsonrpc_text(tool->loops[loop].name));
}

static json_t *line_piece(const struct tool *tool, const struct tool_line *line)
{
        json_t *o = piece(line->name, "precursor");

        set_tag(o, "valve", tool, line->valve);
        set_loop(o, "source", tool, line->source);
        set_loop(o, "line", tool, line->hot_line);
        return o;
}

static json_t *valve_piece(const struct tool *tool, const struct tool_valve *valve)
{
        json_t *o = piece(valve->name, "valve");
        const char *role = valve->tag == tool->exhaust ? "exhaust"
                           : valve->tag == tool->vent  ? "vent"
                           : valve->tag == tool->soft  ? "soft"
                                                       : "";

        set_tag(o, "valve", tool, valve->tag);
        (void)json_object_set_new(o, "role", json_string(role));
        return o;
}

/* What a tool has one of at most. */
static void add_single(json_t *list, const struct tool *tool)
{
        json_t *pump = piece(tool->pump_name, "pump"), *gauge = piece(tool->gauge_name, "gauge"),
               *inputs = piece(tool->inputs_name, "inputs");

        set_tag(pump, "run", tool, tool->pump_run);
        set_tag(pump, "running", tool, tool->pump_running);
        set_value(gauge, tool, tool->gauge);
        set_tag(gauge, "atmosphere", tool, tool->atmosphere);
        set_tag(inputs, "lid", tool, tool->lid);
        set_tag(inputs, "emo", tool, tool->emo);
        set_tag(inputs, "over_temperature", tool, tool->over_temperature);
        if (tool->pump_name[0] != '\0')
                (void)json_array_append(list, pump);
        if (tool->gauge_name[0] != '\0')
                (void)json_array_append(list, gauge);
        if (tool->inputs_name[0] != '\0')
                (void)json_array_append(list, inputs);
        json_decref(pump);
        json_decref(gauge);
        json_decref(inputs);
}

json_t *report_tool(const struct tool *tool)
{
        json_t *o = json_object(), *list = json_array();

        for (int i = 0; i < tool->loop_count; i++)
                (void)json_array_append_new(list, loop_piece(tool, &tool->loops[i]));
        for (int i = 0; i < tool->line_count; i++)
                (void)json_array_append_new(list, line_piece(tool, &tool->lines[i]));
        for (int i = 0; i < tool->valve_count; i++)
                (void)json_array_append_new(list, valve_piece(tool, &tool->valves[i]));
        add_single(list, tool);
        (void)json_object_set_new(o, "tool", jsonrpc_text(tool->name));
        (void)json_object_set_new(o, "title", jsonrpc_text(tool->title));
        (void)json_object_set_new(o, "equipment", list);
        return o;
}
