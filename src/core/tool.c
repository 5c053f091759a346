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

void tool_add_unverified(struct text *t, const struct tool *tool)
{
        const char *between = "";

        for (int i = 0; i < tool->device_count; i++) {
                const struct tool_device *d = &tool->devices[i];
                if (d->profile[0] == '\0' || d->is_verified)
                        continue;
                text_add(t, "%s%s (%s)", between, d->name, d->profile);
                between = ", ";
        }
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

bool tool_is_counted(const struct tool *tool, int tag)
{
        const struct tool_tag *t = &tool->tags[tag];

        return t->is_output && t->is_bit &&
               (t->is_valve || tag == tool->pump_run || t->actuations_max > 0 || t->open_us_max > 0);
}

bool tool_knows_delivery(const struct tool *tool, int line)
{
        const struct tool_sim_line *l = &tool->sim.line[line];

        return !l->is_vapour_assumed && !l->is_mass_assumed && l->molar_mass > 0;
}

int64_t tool_width_limit_us(const struct tool_line *line, int64_t planned_us)
{
        int64_t least_us = (int64_t)(10 * line->width_tolerance_us);

        if (line->width_limit_us > 0)
                return line->width_limit_us;
        return planned_us / 5 > least_us ? planned_us / 5 : least_us;
}

int tool_find_line_of_valve(const struct tool *tool, int tag)
{
        for (int i = 0; i < tool->line_count; i++)
                if (tool->lines[i].valve == tag)
                        return i;
        return TOOL_NONE;
}

int tool_find_output(const struct tool *tool, const char *name)
{
        int at = tool_find_tag(tool, name);

        if (at >= 0) {
                int loop = tool_find_loop_of_value(tool, at);

                if (loop >= 0)
                        return tool->loops[loop].setpoint;
                return tool->tags[at].is_output ? at : TOOL_NONE;
        }
        at = tool_find_line(tool, name);
        if (at >= 0)
                return tool->lines[at].valve;
        at = tool_find_valve(tool, name);
        return at >= 0 ? tool->valves[at].tag : TOOL_NONE;
}

const char *tool_output_name(const struct tool *tool, size_t i)
{
        if (i < (size_t)tool->loop_count)
                return tool->tags[tool->loops[i].value].name;
        i -= (size_t)tool->loop_count;
        for (int tag = 0; tag < tool->tag_count; tag++)
                if (tool->tags[tag].is_output && tool_find_loop_of_setpoint(tool, tag) < 0 && i-- == 0)
                        return tool->tags[tag].name;
        if (i < (size_t)tool->line_count)
                return tool->lines[i].name;
        i -= (size_t)tool->line_count;
        return i < (size_t)tool->valve_count ? tool->valves[i].name : NULL;
}

size_t tool_output_names(const struct tool *tool)
{
        size_t n = 0;

        while (tool_output_name(tool, n) != NULL)
                n++;
        return n;
}

static const char *bit_word(const void *tag, size_t i)
{
        static const char *const words[2][2] = {{"off", "on"}, {"closed", "open"}};

        return words[((const struct tool_tag *)tag)->is_valve][i];
}

static bool read_bit(const struct tool_tag *tag, const char *text, double *value, struct text *why)
{
        const char *near = text_nearest(text, bit_word, tag, 2);

        for (size_t i = 0; i < 2; i++)
                if (strcmp(bit_word(tag, i), text) == 0) {
                        *value = (double)i;
                        return true;
                }
        text_add(
            why, "'%.60s' is not known here: it takes %s or %s", text, bit_word(tag, 0), bit_word(tag, 1));
        if (near != NULL)
                text_add(why, " (did you mean '%s'?)", near);
        return false;
}

bool tool_read_value(const struct tool_tag *tag, const char *text, double *value, struct text *why)
{
        const struct unit *given = NULL;
        enum unit_status status;
        double number = 0;

        if (tag->is_bit)
                return read_bit(tag, text, value, why);
        status = unit_parse(text, tag->unit->dim, &number, &given);
        if (status != UNIT_OK) {
                unit_explain(why, status, text, tag->unit->dim);
                return false;
        }
        *value = unit_convert(number, given, tag->unit);
        return true;
}

bool tool_check_limits(const struct tool_tag *tag, double value, struct text *why)
{
        if (tag->is_bit || (value >= tag->limit_min && value <= tag->limit_max))
                return true;
        unit_add_value(why, value, tag->unit);
        text_add(why, " is outside the limits of '%s': ", tag->name);
        unit_add_value(why, tag->limit_min, tag->unit);
        text_add(why, " to ");
        unit_add_value(why, tag->limit_max, tag->unit);
        return false;
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

int tool_find_exclusion(const struct tool *tool, int tag_a, int tag_b)
{
        int found = TOOL_NONE;

        for (int i = 0; i < tool->interlock_count; i++) {
                const struct tool_interlock *lock = &tool->interlocks[i];

                if (lock->kind != TOOL_EXCLUSIVE || !names_output(lock, tag_a) || !names_output(lock, tag_b))
                        continue;
                if (found < 0 || lock->purge_us > tool->interlocks[found].purge_us)
                        found = i;
        }
        return found;
}

bool tool_excludes(const struct tool *tool, int tag_a, int tag_b, int64_t *purge_us)
{
        int found = tool_find_exclusion(tool, tag_a, tag_b);

        if (found >= 0 && purge_us != NULL)
                *purge_us = tool->interlocks[found].purge_us;
        return found >= 0;
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

const char *tool_notify_name(enum tool_notify what)
{
        static const char *const names[] = {
            "complete", "held", "suspended", "stopped", "aborted", "tripped", "alarm", "question", "daemon"};

        assert((unsigned)what < TOOL_NOTIFY_COUNT);
        return names[what];
}

const char *tool_action_name(enum tool_action action)
{
        static const char *const names[] = {"none", "hold", "stop", "abort", "continue"};

        assert((unsigned)action <= TOOL_ACT_CONTINUE);
        return names[action];
}
