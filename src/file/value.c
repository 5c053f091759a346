#include "ald/file/value.h"

#include "ald/file/keys.h" /* keys_word */

#include <string.h> /* strcmp */

enum { MESSAGE_CAP = 400 };

static const struct key_word valve_words[] = {{"closed", 0}, {"open", 1}, {NULL, 0}};
static const struct key_word bit_words[] = {{"off", 0}, {"on", 1}, {NULL, 0}};

bool value_read(const struct reader *r, const struct yaml_node *node, const char *what,
    const struct tool_tag *tag, double *out)
{
        int word;
        if (!tag->unit)
                return false;
        if (!tag->is_bit)
                return reader_quantity(r, node, what, tag->unit, out);
        if (!keys_word(r, node, what, tag->is_valve ? valve_words : bit_words, &word))
                return false;
        *out = word;
        return true;
}

bool value_check_limits(const struct reader *r, const struct yaml_node *node, const char *what,
    const struct tool_tag *tag, double value)
{
        char buf[MESSAGE_CAP];
        struct text t;
        if (tag->is_bit || !tag->unit || (value >= tag->limit_min && value <= tag->limit_max))
                return true;
        if (!(tag->limit_min < tag->limit_max)) /* its limits are broken: told where they stand */
                return true;
        text_init(&t, buf, sizeof buf);
        text_add(&t, "%s: ", what);
        unit_add_value(&t, value, tag->unit);
        text_add(&t, " is outside the limits of '%s': ", tag->name);
        unit_add_value(&t, tag->limit_min, tag->unit);
        text_add(&t, " to ");
        unit_add_value(&t, tag->limit_max, tag->unit);
        reader_error(r, node, "%s", buf);
        return false;
}

int value_find_output(const struct tool *tool, const char *name)
{
        int tag = tool_find_tag(tool, name);
        if (tag < 0)
                return TOOL_NONE;
        int loop = tool_find_loop_of_value(tool, tag);
        if (loop >= 0)
                return tool->loops[loop].setpoint;
        return tool->tags[tag].is_output ? tag : TOOL_NONE;
}

struct names {
        const char *name[TOOL_TAGS_MAX + TOOL_LOOPS_MAX];
        size_t count;
};

static const char *name_at(const void *ctx, size_t i)
{
        return ((const struct names *)ctx)->name[i];
}

/* Loops by their process value first, since that is how people should name them. */
static void list_outputs(const struct tool *tool, struct names *names)
{
        names->count = 0;
        for (int i = 0; i < tool->loop_count; i++)
                names->name[names->count++] = tool->tags[tool->loops[i].value].name;
        for (int i = 0; i < tool->tag_count; i++)
                if (tool->tags[i].is_output && tool_find_loop_of_setpoint(tool, i) < 0)
                        names->name[names->count++] = tool->tags[i].name;
}

int value_want_output(const struct reader *r, struct diag_at at, const struct tool *tool, const char *name)
{
        int found = value_find_output(tool, name);
        struct names names;
        char buf[MESSAGE_CAP];
        struct text t;
        int tag = tool_find_tag(tool, name);
        if (found >= 0 ||
            (tag >= 0 && tool_find_loop_of_value(tool, tag) >= 0)) /* a loop whose set-point is broken */
                return found;
        text_init(&t, buf, sizeof buf);
        if (tag >= 0)
                text_add(&t, "'%.48s' is read only: it has no set-point", name);
        else
                text_add(&t, "no output named '%.48s'", name);
        list_outputs(tool, &names);
        reader_suggest(&t, name, name_at, &names, names.count);
        diag_error(r->d, at, "%s", buf);
        return TOOL_NONE;
}
