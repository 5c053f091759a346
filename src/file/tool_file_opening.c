/* When people may open the tool: what `aldctl status` and the screens tell them. Nothing moves by it. */
#include "ald/file/tool_file.h"

#include "ald/file/cond_parse.h" /* cond_parse_node */

struct raw_opening {
        const struct yaml_node *when;
        int64_t purge;
};

static const struct key rows[] = {
    {"when", KEY_NODE, true, KEY_NODE_AT(struct raw_opening, when), .holds = &shape_condition,
        .help = "condition under which it is cold and vented enough"},
    {"purge", KEY_TIME, false, KEY_AT(struct raw_opening, purge), .max = 86400e6,
        .help = "how long every precursor has been purged since it closed"},
};
const struct keys tool_file_opening_keys = KEYS("opening", rows);

/* What has no value of its own to look ahead at. */
static bool can_be_foreseen(const struct cond_pool *pool, int first)
{
        for (int i = first; i < pool->count; i++)
                if (pool->nodes[i].op == COND_STEADY || pool->nodes[i].op == COND_RATE ||
                    pool->nodes[i].op == COND_SETTLED || pool->nodes[i].op == COND_EXPOSING)
                        return false;
        return true;
}

void tool_file_read_opening(struct tool_file *f, const struct yaml_node *map)
{
        struct raw_opening raw = {0};
        struct keys_found found;
        struct cond_parse parse = {&f->r, f->tool, &f->tool->conds, &f->windows};
        int first = f->tool->conds.count;

        keys_read(&f->r, map, &tool_file_opening_keys, NULL, &raw, &found);
        f->tool->opening.purge_us = raw.purge;
        if (!raw.when || !cond_parse_node(&parse, raw.when, "when", &f->tool->opening.when))
                return;
        if (!can_be_foreseen(&f->tool->conds, first))
                reader_error(&f->r, raw.when,
                    "when: takes values as they are: 'steady', 'rate', 'settled' and 'exposing' have no "
                    "place "
                    "here");
}
