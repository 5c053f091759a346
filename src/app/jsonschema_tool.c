/* What a recipe may name of a tool that is known: lines, valves, process values, and outputs with the unit that each takes. */
#include "jsonschema_value.h" /* own declarations */

#include "ald/core/tool.h"  /* struct tool */
#include "ald/file/shape.h" /* enum shape_kind */

#include <assert.h> /* assert */

static void add_name(json_t *list, const char *name)
{
        (void)json_array_append_new(list, json_string(name));
}

static json_t *list_names(const struct tool *tool, enum shape_kind kind)
{
        json_t *list = json_array();

        for (int i = 0; kind == SHAPE_LINE && i < tool->line_count; i++)
                add_name(list, tool->lines[i].name);
        for (int i = 0; kind == SHAPE_VALVE && i < tool->valve_count; i++)
                add_name(list, tool->valves[i].name);
        for (int i = 0; kind == SHAPE_VALVE && i < tool->valve_count; i++)
                add_name(list, tool->tags[tool->valves[i].tag].name);
        for (int i = 0; kind == SHAPE_LOOP && i < tool->loop_count; i++)
                add_name(list, tool->tags[tool->loops[i].value].name);
        return list;
}

json_t *jsonschema_tool_names(const struct jsonschema *m, enum shape_kind kind)
{
        assert(m->tool != NULL);
        return jsonschema_or_parameter(m, json_pack("{s:o}", "enum", list_names(m->tool, kind)));
}

static json_t *target_of(struct jsonschema *m, const struct tool_tag *tag)
{
        json_t *words = json_pack("[s, s]", "safe", "standby");

        if (!tag->is_bit)
                return jsonschema_either(
                    jsonschema_quantity(m, tag->unit->dim), json_pack("{s:o}", "enum", words));
        add_name(words, "on");
        add_name(words, "off");
        return jsonschema_or_parameter(m, json_pack("{s:o}", "enum", words));
}

/* Valves open by steps of their own. */
static bool may_be_set(const struct tool *tool, int tag)
{
        return tag >= 0 && !tool->tags[tag].is_valve && tool_find_line_of_valve(tool, tag) < 0;
}

json_t *jsonschema_tool_outputs(struct jsonschema *m)
{
        const struct tool *tool = m->tool;
        json_t *properties = json_object();

        assert(tool != NULL);
        for (int i = 0; i < tool->loop_count; i++)
                if (tool->loops[i].setpoint >= 0)
                        (void)json_object_set_new(properties, tool->tags[tool->loops[i].value].name,
                            target_of(m, &tool->tags[tool->loops[i].setpoint]));
        for (int i = 0; i < tool->tag_count; i++)
                if (tool->tags[i].is_output && may_be_set(tool, i))
                        (void)json_object_set_new(
                            properties, tool->tags[i].name, target_of(m, &tool->tags[i]));
        return json_pack(
            "{s:s, s:b, s:o}", "type", "object", "additionalProperties", 0, "properties", properties);
}
