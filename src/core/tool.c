#include "ald/core/tool.h"

#include "ald/base/text.h" /* text_add */

#include <assert.h> /* assert */
#include <string.h> /* strcmp */

/* Every table of named things begins its rows with the name. */
#define FIND(rows, count, wanted)                                                                            \
        for (int i = 0; i < (count); i++)                                                                    \
                if (strcmp((rows)[i].name, (wanted)) == 0)                                                   \
                        return i;                                                                            \
        return TOOL_NONE

int tool_find_tag(const struct tool *tool, const char *name)
{
        FIND(tool->tags, tool->tag_count, name);
}

int tool_find_line(const struct tool *tool, const char *name)
{
        FIND(tool->lines, tool->line_count, name);
}

int tool_find_valve(const struct tool *tool, const char *name)
{
        FIND(tool->valves, tool->valve_count, name);
}

int tool_find_link(const struct tool *tool, const char *name)
{
        FIND(tool->links, tool->link_count, name);
}

int tool_find_device(const struct tool *tool, const char *name)
{
        FIND(tool->devices, tool->device_count, name);
}

int tool_find_loop_of_value(const struct tool *tool, int tag)
{
        for (int i = 0; i < tool->loop_count; i++)
                if (tool->loops[i].value == tag)
                        return i;
        return TOOL_NONE;
}

int tool_find_loop_of_setpoint(const struct tool *tool, int tag)
{
        for (int i = 0; i < tool->loop_count; i++)
                if (tool->loops[i].setpoint == tag)
                        return i;
        return TOOL_NONE;
}

int tool_find_line_of_valve(const struct tool *tool, int tag)
{
        for (int i = 0; i < tool->line_count; i++)
                if (tool->lines[i].valve == tag)
                        return i;
        return TOOL_NONE;
}

void tool_add_value(struct text *t, const struct tool_tag *tag, double value)
{
        if (tag->is_valve)
                text_add(t, "%s", value != 0 ? "open" : "closed");
        else if (tag->is_bit)
                text_add(t, "%s", value != 0 ? "on" : "off");
        else
                unit_add_value(t, value, tag->unit);
}

static bool names_output(const struct tool_interlock *lock, int tag)
{
        for (int i = 0; i < lock->output_count; i++)
                if (lock->outputs[i] == tag)
                        return true;
        return false;
}

bool tool_excludes(const struct tool *tool, int tag_a, int tag_b, int64_t *purge_us)
{
        bool excludes = false;

        for (int i = 0; i < tool->interlock_count; i++) {
                const struct tool_interlock *lock = &tool->interlocks[i];

                if (lock->kind != TOOL_EXCLUSIVE || !names_output(lock, tag_a) || !names_output(lock, tag_b))
                        continue;
                if (purge_us != NULL && (!excludes || lock->purge_us > *purge_us))
                        *purge_us = lock->purge_us;
                excludes = true;
        }
        return excludes;
}

const char *tool_role_name(enum tool_role role)
{
        static const char *const names[] = {"none", "viewer", "operator", "engineer"};

        assert((unsigned)role <= TOOL_ROLE_ENGINEER);
        return names[role];
}

const char *tool_priority_name(enum tool_priority priority)
{
        static const char *const names[] = {"low", "medium", "high", "critical"};

        assert((unsigned)priority <= TOOL_PRIORITY_CRITICAL);
        return names[priority];
}

const char *tool_action_name(enum tool_action action)
{
        static const char *const names[] = {"none", "hold", "stop", "abort", "continue"};

        assert((unsigned)action <= TOOL_ACT_CONTINUE);
        return names[action];
}
