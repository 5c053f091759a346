/* What must be plausible of a tool's equipment: heaters that heat, flows and motors that follow, lines hotter than their
 * source, pulses that move the gauge; and the inputs of the safety chain. */
#include "ald/file/tool_file.h"

#include "ald/file/cond_parse.h" /* cond_parse_make_bit */

#include <string.h> /* strcmp */

struct raw_rise {
        const struct yaml_node *by;
        int64_t in;
};
static const struct key rise_rows[] = {
    {"by", KEY_NODE, true, KEY_NODE_AT(struct raw_rise, by), .holds = &shape_span,
        .help = "how much the value rises"},
    {"in", KEY_TIME, true, KEY_AT(struct raw_rise, in), .min = 1e6, .max = 86400e6,
        .help = "within this time"},
};
const struct keys tool_file_rise_keys = KEYS("rise", rise_rows);

struct raw_follow {
        const struct yaml_node *within;
        int64_t in;
};
static const struct key follow_rows[] = {
    {"within", KEY_NODE, true, KEY_NODE_AT(struct raw_follow, within), .holds = &shape_span,
        .help = "how far the value may be from its set-point"},
    {"in", KEY_TIME, true, KEY_AT(struct raw_follow, in), .min = 100e3, .max = 86400e6,
        .help = "for no longer than this"},
};
const struct keys tool_file_follow_keys = KEYS("follow", follow_rows);

struct raw_safety {
        int kind;
        const struct yaml_node *lid, *emo, *over_temperature;
};
static const struct key_word safety_kinds[] = {{"inputs", 1}, {NULL, 0}};
static const struct key safety_rows[] = {
    {"kind", KEY_WORD, true, KEY_AT(struct raw_safety, kind), .words = safety_kinds, .help = "inputs"},
    {"lid", KEY_NODE, false, KEY_NODE_AT(struct raw_safety, lid), .holds = &shape_name,
        .help = "tag: on while it is closed"},
    {"emo", KEY_NODE, false, KEY_NODE_AT(struct raw_safety, emo), .holds = &shape_name,
        .help = "tag: on while the button is not pressed"},
    {"over_temperature", KEY_NODE, false, KEY_NODE_AT(struct raw_safety, over_temperature),
        .holds = &shape_name, .help = "tag: on once the cut-out has acted"},
};
const struct keys tool_file_safety_keys = KEYS("inputs", safety_rows);

/* A difference above zero in the loop's unit, or 0 with an error told. */
static double read_span(
    struct tool_file *f, const struct yaml_node *node, const char *what, const struct unit *unit)
{
        double span = 0;

        if (!node || !unit || !reader_difference(&f->r, node, what, unit, &span))
                return 0;
        if (!(span > 0))
                reader_error(&f->r, node, "%s: must be above zero", what);
        return span > 0 ? span : 0;
}

void tool_file_read_rise(struct tool_file *f, const struct yaml_node *node, struct tool_loop *loop)
{
        struct raw_rise raw = {0};
        struct keys_found found;

        if (!node)
                return;
        if (loop->kind != TOOL_LOOP_HEATER) {
                diag_error(f->r.d, reader_at_key(&f->r, node), "rise: only of a heater");
                return;
        }
        if (!keys_read(&f->r, node, &tool_file_rise_keys, NULL, &raw, &found) || loop->value < 0)
                return;
        loop->rise_by = read_span(f, raw.by, "by", f->tool->tags[loop->value].unit);
        loop->rise_us = raw.in;
}

void tool_file_read_follow(struct tool_file *f, const struct yaml_node *node, struct tool_loop *loop)
{
        struct raw_follow raw = {0};
        struct keys_found found;

        if (!node)
                return;
        if (loop->kind == TOOL_LOOP_HEATER) {
                diag_error(f->r.d, reader_at_key(&f->r, node),
                    "follow: only of a flow or a motor; 'rise' suits a heater");
                return;
        }
        if (!keys_read(&f->r, node, &tool_file_follow_keys, NULL, &raw, &found) || loop->value < 0)
                return;
        loop->follow_within = read_span(f, raw.within, "within", f->tool->tags[loop->value].unit);
        loop->follow_us = raw.in;
}

static void read_hot_line(
    struct tool_file *f, const struct yaml_node *name, const struct yaml_node *by, struct tool_line *line)
{
        char text[TOOL_NAME_MAX];
        const struct tool *tool = f->tool;

        if (!name || !by) {
                if (name || by)
                        diag_error(f->r.d, reader_at_key(&f->r, name ? name : by),
                            "'hot_line' and 'hot_line_by' belong together");
                return;
        }
        if (!reader_name(&f->r, name, "hot_line", text, sizeof text))
                return;
        line->hot_line =
            (int16_t)tool_file_want_equipment(f, reader_at(&f->r, name), text, TOOL_FILE_LOOP, "heater");
        if (line->hot_line < 0)
                return;
        const struct tool_loop *loop = &tool->loops[line->hot_line];
        if (loop->kind != TOOL_LOOP_HEATER)
                reader_error(&f->r, name, "hot_line: '%s' is no heater", text);
        else if (line->source < 0 || line->source == line->hot_line)
                reader_error(&f->r, name, "hot_line: is compared with a 'source' that is another heater");
        else if (tool->tags[loop->value].unit != tool->tags[tool->loops[line->source].value].unit)
                reader_error(&f->r, name, "hot_line: '%s' and the source are not in one unit", text);
        line->hot_line_by = read_span(f, by, "hot_line_by", tool->tags[loop->value].unit);
}

void tool_file_read_line_checks(
    struct tool_file *f, const struct tool_file_line_checks *raw, struct tool_line *line)
{
        read_hot_line(f, raw->hot_line, raw->hot_line_by, line);
        if (!raw->gauge_rise)
                return;
        if (f->tool->gauge < 0)
                diag_error(f->r.d, reader_at_key(&f->r, raw->gauge_rise),
                    "gauge_rise: the tool has no gauge ('kind: gauge')");
        else
                line->gauge_rise =
                    read_span(f, raw->gauge_rise, "gauge_rise", f->tool->tags[f->tool->gauge].unit);
}

static void read_input(struct tool_file *f, const struct yaml_node *node, const char *what, int16_t *place)
{
        int tag = node ? tool_file_want_input_bit(f, node, what) : TOOL_NONE;

        if (tag >= 0)
                *place = (int16_t)tag;
}

int tool_file_read_safety(struct tool_file *f, const struct yaml_node *node)
{
        struct raw_safety raw = {0};
        struct keys_found found;
        struct tool *tool = f->tool;

        keys_read(&f->r, node, &tool_file_safety_keys, node->key, &raw, &found);
        if (tool->lid >= 0 || tool->emo >= 0 || tool->over_temperature >= 0) {
                diag_error(
                    f->r.d, reader_at_key(&f->r, node), "a second set of inputs: this version knows one");
                return 0;
        }
        text_copy(tool->inputs_name, sizeof tool->inputs_name, node->key);
        read_input(f, raw.lid, "lid", &tool->lid);
        read_input(f, raw.emo, "emo", &tool->emo);
        read_input(f, raw.over_temperature, "over_temperature", &tool->over_temperature);
        f->safety_node = node;
        return 0;
}

/* M1: a motor turns only under a closed lid. Made rather than written, so that no tool goes without it; from there on it is an
 * interlock like any other: shown, told in refusals, bypassed. A tool file may write one of the same name instead. */
void tool_file_make_lid_permit(struct tool_file *f)
{
        struct tool *tool = f->tool;
        struct cond_parse parse = {&f->r, tool, &tool->conds, &f->windows};
        struct tool_interlock lock = {.id = "motor-needs-lid",
            .kind = TOOL_PERMIT,
            .arm = {.root = -1},
            .guidance = "Close the lid; nothing turns under an open one."};

        for (int i = 0; i < tool->loop_count; i++)
                if (tool->loops[i].kind == TOOL_LOOP_MOTOR)
                        lock.outputs[lock.output_count++] = tool->loops[i].setpoint;
        for (int i = 0; i < tool->interlock_count; i++)
                if (strcmp(tool->interlocks[i].id, lock.id) == 0)
                        return;
        if (tool->lid < 0 || lock.output_count == 0 || f->has_broken_loop ||
            !tool_file_has_room(f, f->safety_node, "interlocks", tool->interlock_count, TOOL_INTERLOCKS_MAX))
                return;
        lock.line = lock.when.line = f->safety_node->key_line;
        if (cond_parse_make_bit(&parse, f->safety_node, tool->lid, &lock.when))
                tool->interlocks[tool->interlock_count++] = lock;
}
