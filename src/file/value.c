#include "ald/file/value.h"

enum { MESSAGE_CAP = 400 };

bool value_read(const struct reader *r, const struct yaml_node *node, const char *what,
    const struct tool_tag *tag, double *out)
{
        char buf[MESSAGE_CAP];
        struct text why;
        const char *text;
        if (!tag->unit)
                return false;
        text = reader_text(r, node, what);
        if (!text)
                return false;
        text_init(&why, buf, sizeof buf);
        if (!tool_read_value(tag, text, out, &why)) {
                reader_error(r, node, "%s: %s", what, buf);
                return false;
        }
        return true;
}

bool value_check_limits(const struct reader *r, const struct yaml_node *node, const char *what,
    const struct tool_tag *tag, double value)
{
        char buf[MESSAGE_CAP];
        struct text why;
        if (!tag->unit ||
            !(tag->is_bit || tag->limit_min < tag->limit_max)) /* broken: told where it stands */
                return true;
        text_init(&why, buf, sizeof buf);
        if (tool_check_limits(tag, value, &why))
                return true;
        reader_error(r, node, "%s: %s", what, buf);
        return false;
}

int value_find_output(const struct tool *tool, const char *name)
{
        return tool_find_output(tool, name);
}

static const char *name_at(const void *tool, size_t i)
{
        return tool_output_name(tool, i);
}

int value_want_output(const struct reader *r, struct diag_at at, const struct tool *tool, const char *name)
{
        int found = value_find_output(tool, name);
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
        reader_suggest(&t, name, name_at, tool, tool_output_names(tool));
        diag_error(r->d, at, "%s", buf);
        return TOOL_NONE;
}
