/* Alarms of a tool file: what people are told, and what they should do about it. */
#include "ald/file/tool_file.h"

#include "ald/file/cond_parse.h" /* cond_parse_node */

#include <string.h> /* strcmp */

struct raw_alarm {
        char id[TOOL_NAME_MAX], guidance[TOOL_TEXT_MAX];
        const struct yaml_node *when, *suppress, *deadband;
        int64_t for_us, clear_for;
        int priority;
        bool latch;
};

const struct key_word tool_file_priorities[] = {{"low", TOOL_PRIORITY_LOW}, {"medium", TOOL_PRIORITY_MEDIUM},
    {"high", TOOL_PRIORITY_HIGH}, {"critical", TOOL_PRIORITY_CRITICAL}, {NULL, 0}};

static const struct key alarm_rows[] = {
    {"id", KEY_NAME, true, KEY_AT(struct raw_alarm, id), .help = "its name"},
    {"when", KEY_NODE, true, KEY_NODE_AT(struct raw_alarm, when), .holds = &shape_condition,
        .help = "condition of the alarm"},
    {"for", KEY_TIME, false, KEY_AT(struct raw_alarm, for_us), .max = 86400e6,
        .help = "how long the condition holds first"},
    {"clear_for", KEY_TIME, false, KEY_AT(struct raw_alarm, clear_for), .max = 86400e6,
        .help = "how long it is gone before the alarm returns"},
    {"deadband", KEY_NODE, false, KEY_NODE_AT(struct raw_alarm, deadband), .holds = &shape_span,
        .help = "how far on the good side the value returns"},
    {"suppress", KEY_NODE, false, KEY_NODE_AT(struct raw_alarm, suppress), .holds = &shape_condition,
        .help = "condition under which it is no alarm"},
    {"priority", KEY_WORD, false, KEY_AT(struct raw_alarm, priority), .words = tool_file_priorities,
        .help = "low, medium, high or critical"},
    {"latch", KEY_BOOL, false, KEY_AT(struct raw_alarm, latch), .help = "stays until acknowledged and reset"},
    {"guidance", KEY_WORDS, true, KEY_AT(struct raw_alarm, guidance), .help = "what to do about it"},
};
const struct keys tool_file_alarm_keys = KEYS("alarm", alarm_rows);

static void read_cond(struct tool_file *f, const struct yaml_node *node, const char *what, struct cond *out)
{
        struct cond_parse c = {&f->r, f->tool, &f->tool->conds, &f->windows};

        if (node)
                cond_parse_node(&c, node, what, out);
}

/* Only a comparison by order has a good side. */
static void read_deadband(struct tool_file *f, const struct yaml_node *node, struct tool_alarm *alarm)
{
        if (!node || alarm->when.root < 0)
                return;
        const struct cond_node *n = &f->tool->conds.nodes[alarm->when.root];
        if (n->op != COND_COMPARE || n->cmp == COND_EQ) {
                reader_error(&f->r, node,
                    "deadband: needs a single comparison with <, <=, > or >= in 'when'; 'clear_for' suits "
                    "any");
                return;
        }
        const struct unit *unit = f->tool->tags[n->a].unit;
        if (unit)
                reader_difference(&f->r, node, "deadband", unit, &alarm->deadband);
}

/* Trips are alarms under the ids of their interlocks: one id is one alarm. */
static void check_id(struct tool_file *f, const struct yaml_node *node, const struct tool_alarm *alarm)
{
        const struct tool *tool = f->tool;
        int line = 0;

        for (const struct tool_alarm *other = tool->alarms; other < alarm; other++)
                if (strcmp(other->id, alarm->id) == 0)
                        line = other->line;
        for (int i = 0; i < tool->interlock_count; i++)
                if (strcmp(tool->interlocks[i].id, alarm->id) == 0)
                        line = tool->interlocks[i].line;
        if (line > 0 && alarm->id[0])
                reader_error(&f->r, node, "id: '%s' is taken on line %d", alarm->id, line);
}

static void read_alarm(struct tool_file *f, const struct yaml_node *node)
{
        struct raw_alarm raw = {.priority = TOOL_PRIORITY_MEDIUM};
        struct keys_found found;
        if (!tool_file_has_room(f, node, "alarms", f->tool->alarm_count, TOOL_ALARMS_MAX))
                return;
        struct tool_alarm *alarm = &f->tool->alarms[f->tool->alarm_count];
        *alarm = (struct tool_alarm){.line = node->line, .when.root = -1, .suppress.root = -1};
        keys_read(&f->r, node, &tool_file_alarm_keys, NULL, &raw, &found);
        if (node->kind != YAML_MAP)
                return;
        text_copy(alarm->id, sizeof alarm->id, raw.id);
        text_copy(alarm->guidance, sizeof alarm->guidance, raw.guidance);
        alarm->on_us = raw.for_us;
        alarm->off_us = raw.clear_for;
        alarm->priority = (enum tool_priority)raw.priority;
        alarm->is_latching = raw.latch;
        check_id(f, keys_node(&found, "id"), alarm);
        f->tool->alarm_count++;
        read_cond(f, raw.when, "when", &alarm->when);
        read_cond(f, raw.suppress, "suppress", &alarm->suppress);
        read_deadband(f, raw.deadband, alarm);
}

void tool_file_read_alarms(struct tool_file *f, const struct yaml_node *list)
{
        if (list->kind != YAML_LIST) {
                reader_error(
                    &f->r, list, "alarms: takes a list ('- id: ...'), not %s", yaml_kind_name(list->kind));
                return;
        }
        for (const struct yaml_node *n = list->first; n; n = n->next)
                read_alarm(f, n);
}
