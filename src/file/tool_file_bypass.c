/* Which inputs an engineer may leave out of the interlocks, how many at once and how long (SAFETY T4). */
#include "ald/file/tool_file.h"

#include "ald/base/time.h"   /* TIME_H */
#include "ald/core/bypass.h" /* BYPASS_MAX, BYPASS_US_MAX */

struct raw_bypass {
        const struct yaml_node *inputs;
        int64_t at_once, longest;
};

static const struct key rows[] = {
    {"inputs", KEY_NODE, true, KEY_NODE_AT(struct raw_bypass, inputs), .holds = &shape_names,
        .help = "inputs of interlocks that may be bypassed"},
    {"at_once", KEY_INT, false, KEY_AT(struct raw_bypass, at_once), .min = 1, .max = BYPASS_MAX,
        .help = "how many at the same time"},
    {"longest", KEY_TIME, false, KEY_AT(struct raw_bypass, longest), .min = 1e6, .max = BYPASS_US_MAX,
        .help = "longest time of one"},
};
const struct keys tool_file_bypass_keys = KEYS("bypass", rows);

static bool is_used(const struct tool *tool, int tag)
{
        for (int i = 0; i < tool->interlock_count; i++)
                if (cond_uses_tag(&tool->conds, tool->interlocks[i].when.root, tag))
                        return true;
        return false;
}

static void read_input(struct tool_file *f, const struct yaml_node *node)
{
        int number = tool_file_want_tag(f, node, "inputs");
        if (number < 0)
                return;
        struct tool_tag *tag = &f->tool->tags[number];
        if (tag->is_output)
                reader_error(
                    &f->r, node, "inputs: '%s' is an output: only what is read can be bypassed", tag->name);
        else if (tag->is_bypassable)
                reader_error(&f->r, node, "inputs: '%s' is there twice", tag->name);
        else if (number == f->tool->emo || number == f->tool->over_temperature)
                reader_error(
                    &f->r, node, "inputs: '%s' belongs to the safety chain: it is never bypassed", tag->name);
        else if (!is_used(f->tool, number))
                reader_error(&f->r, node, "inputs: no interlock looks at '%s'", tag->name);
        tag->is_bypassable = !tag->is_output;
}

void tool_file_read_bypass(struct tool_file *f, const struct yaml_node *map)
{
        struct raw_bypass raw = {.at_once = 1, .longest = TIME_H};
        struct keys_found found;
        keys_read(&f->r, map, &tool_file_bypass_keys, NULL, &raw, &found);
        if (!raw.inputs)
                return;
        if (raw.inputs->kind != YAML_LIST) {
                reader_error(&f->r, raw.inputs, "inputs: takes a list of tags ([a, b]), not %s",
                    yaml_kind_name(raw.inputs->kind));
                return;
        }
        for (const struct yaml_node *n = raw.inputs->first; n; n = n->next)
                read_input(f, n);
        f->tool->bypass_max = (int)raw.at_once;
        f->tool->bypass_us_max = raw.longest;
}
