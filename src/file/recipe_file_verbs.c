/* What single steps of a recipe become: waits and purges, pulses, valves, the bed, notes and questions. */
#include "ald/file/recipe_file.h"

#include "ald/base/time.h"      /* time_add_duration, time_nearest */
#include "ald/file/tool_file.h" /* tool_file_add_widths */
#include "ald/file/value.h"     /* value_check_limits */

#include <string.h> /* strcmp */

enum { MESSAGE_CAP = 400 };

struct raw_until {
        const struct yaml_node *until;
        int64_t for_us, timeout;
        int otherwise;
};
const struct key_word recipe_file_ends[] = {{"hold", TOOL_ACT_HOLD}, {"stop", TOOL_ACT_STOP},
    {"abort", TOOL_ACT_ABORT}, {"continue", TOOL_ACT_CONTINUE}, {NULL, 0}};
const struct shape recipe_file_end_shape = {.kind = SHAPE_WORD, .words = recipe_file_ends};

static const struct key until_rows[] = {
    {"until", KEY_NODE, true, KEY_NODE_AT(struct raw_until, until), .holds = &shape_condition,
        .help = "the condition"},
    {"for", KEY_TIME, false, KEY_AT(struct raw_until, for_us), .help = "how long it must hold"},
    {"timeout", KEY_TIME, true, KEY_AT(struct raw_until, timeout), .min = 1, .max = 32e12,
        .help = "a wait for a condition must end"},
    {"else", KEY_WORD, false, KEY_AT(struct raw_until, otherwise), .words = recipe_file_ends,
        .help = "what a timeout does: hold, stop, abort or continue"},
};
const struct keys recipe_file_until_keys = KEYS("wait", until_rows);

/* In place of a step that cannot be read: a long wait, so that no later check misses the purge that it may be. The
 * recipe is refused anyway. */
void recipe_file_add_unknown(struct recipe_file *f, const struct yaml_node *node)
{
        struct recipe_op *op = recipe_file_add_op(f, node, RECIPE_WAIT);
        if (op)
                op->for_us = 24 * TIME_H;
}

/* A condition with its timeout. */
static bool compile_until(struct recipe_file *f, const struct yaml_node *node, enum recipe_op_kind kind)
{
        struct raw_until u = {.otherwise = TOOL_ACT_HOLD};
        struct keys_found found;
        bool ok = keys_read(&f->r, node, &recipe_file_until_keys, NULL, &u, &found);
        int cond = u.until ? recipe_file_read_cond(f, u.until, "until") : -1;
        if (ok && u.for_us >= u.timeout) {
                reader_error(&f->r, keys_node(&found, "timeout"),
                    "timeout: not longer than 'for': the wait could never succeed");
                ok = false;
        }
        struct recipe_op *op = ok && cond >= 0 ? recipe_file_add_op(f, node, kind) : NULL;
        if (!op)
                return false;
        op->cond = (int16_t)cond;
        op->for_us = u.for_us;
        op->timeout_us = u.timeout;
        op->otherwise = (uint8_t)u.otherwise;
        return true;
}

void recipe_file_compile_wait(
    struct recipe_file *f, const struct yaml_node *node, enum recipe_op_kind timed, enum recipe_op_kind until)
{
        int64_t us;
        bool ok;
        if (timed == RECIPE_PURGE && f->is_exposing)
                diag_error(f->r.d, reader_at_key(&f->r, node),
                    "purge: inside 'expose' nothing is purged, for the exhaust is closed: use 'wait'");
        if (node->kind == YAML_MAP) {
                ok = compile_until(f, node, until);
        } else {
                ok = reader_time(&f->r, node, node->key, &us);
                struct recipe_op *op = ok ? recipe_file_add_op(f, node, timed) : NULL;
                if (op)
                        op->for_us = us;
        }
        if (!ok)
                recipe_file_add_unknown(f, node);
}

static const char *line_at(const void *ctx, size_t i)
{
        return ((const struct tool *)ctx)->lines[i].name;
}

static int want_line(struct recipe_file *f, const struct yaml_node *node)
{
        const char *name = reader_text(&f->r, node, "pulse");
        int line = name ? tool_find_line(f->tool, name) : TOOL_NONE;
        if (name && line < 0)
                reader_unknown(&f->r, reader_at(&f->r, node), NULL, "precursor line", name, line_at, f->tool,
                    (size_t)f->tool->line_count);
        return line;
}

/* A module that times pulses itself does so in steps. A width between two of them is rounded within the line's
 * width_tolerance, and refused beyond. */
static bool check_steps(struct recipe_file *f, const struct yaml_node *node, int number, int64_t us)
{
        const struct tool_line *line = &f->tool->lines[number];
        const struct tool_pulse *pulse = &f->tool->tags[line->valve].pulse;
        int64_t off_us = pulse->present ? us - time_nearest(us, pulse->width_unit_us) : 0;
        char buf[MESSAGE_CAP];
        struct text t;
        if ((double)(off_us < 0 ? -off_us : off_us) <= line->width_tolerance_us)
                return true;
        text_init(&t, buf, sizeof buf);
        time_add_duration(&t, us);
        text_add(&t, " cannot be put out by the valve of '%s' within its width_tolerance: ", line->name);
        tool_file_add_widths(&t, pulse, us);
        reader_error(&f->r, node, "for: %s", buf);
        return false;
}

static bool check_width(struct recipe_file *f, const struct yaml_node *node, int number, int64_t us)
{
        const struct tool_line *line = &f->tool->lines[number];
        int64_t most = f->tool->tags[line->valve].max_open_us;
        bool is_short = us<line->pulse_us_min, is_long = most> 0 && us > most;
        char buf[MESSAGE_CAP];
        struct text t;
        if (!is_short && !is_long)
                return check_steps(f, node, number, us);
        text_init(&t, buf, sizeof buf);
        time_add_duration(&t, us);
        text_add(&t, " is %s of '%s', ", is_short ? "shorter than the min_pulse" : "longer than the max_open",
            line->name);
        time_add_duration(&t, is_short ? line->pulse_us_min : most);
        reader_error(&f->r, node, "for: %s", buf);
        return false;
}

void recipe_file_compile_pulse(
    struct recipe_file *f, const struct yaml_node *node, const struct yaml_node *width)
{
        int64_t us = 0;
        int line = want_line(f, node);
        bool ok = reader_time(&f->r, width, "for", &us) && line >= 0;
        ok = ok && check_width(f, width, line, us);
        if (f->phase < 0) {
                diag_error(f->r.d, reader_at_key(&f->r, node),
                    "no pulse in 'finally': it runs after a stop, when no precursor may open");
                return;
        }
        struct recipe_op *op = ok ? recipe_file_add_op(f, node, RECIPE_PULSE) : NULL;
        if (!op)
                return;
        op->line = (int16_t)line;
        op->for_us = us;
}

static const char *valve_at(const void *ctx, size_t i)
{
        return ((const struct tool *)ctx)->valves[i].name;
}

/* By its equipment's name, or by its tag's. */
static int want_valve(struct recipe_file *f, const struct yaml_node *node)
{
        const struct tool *tool = f->tool;
        const char *name = reader_text(&f->r, node, node->key);
        if (!name)
                return TOOL_NONE;
        int tag = tool_find_tag(tool, name), line = tool_find_line(tool, name),
            valve = tool_find_valve(tool, name);
        if (line < 0 && tag >= 0)
                line = tool_find_line_of_valve(tool, tag);
        if (line >= 0) {
                reader_error(&f->r, node, "%s: '%s' is a precursor line: use 'pulse: %s' with 'for'",
                    node->key, name, tool->lines[line].name);
                return TOOL_NONE;
        }
        for (int i = 0; valve < 0 && i < tool->valve_count; i++)
                if (tool->valves[i].tag == tag && tag >= 0)
                        valve = i;
        if (valve >= 0)
                return tool->valves[valve].tag;
        reader_unknown(&f->r, reader_at(&f->r, node), node->key, "valve", name, valve_at, tool,
            (size_t)tool->valve_count);
        return TOOL_NONE;
}

void recipe_file_compile_valve(struct recipe_file *f, const struct yaml_node *node, double value)
{
        int tag = want_valve(f, node);
        if (f->is_exposing && tag >= 0 &&
            (tag == f->tool->exhaust || tag == f->tool->soft || tag == f->tool->vent)) {
                reader_error(&f->r, node, "%s: inside 'expose' the block itself holds '%s'", node->key,
                    f->tool->tags[tag].name);
                return;
        }
        struct recipe_op *op = tag >= 0 ? recipe_file_add_op(f, node, RECIPE_VALVE) : NULL;
        if (!op)
                return;
        op->tag = (int16_t)tag;
        op->value = value;
}

/* The number of a text for people; the same text is kept once. -1: told. */
static int read_note(struct recipe_file *f, const struct yaml_node *node)
{
        struct recipe *recipe = f->recipe;
        char text[TOOL_TEXT_MAX];
        int note = 0;
        if (!reader_words(&f->r, node, node->key, text, sizeof text))
                return -1;
        if (!text[0]) {
                reader_error(&f->r, node, "%s: is empty: takes a text for people", node->key);
                return -1;
        }
        while (note < recipe->note_count && strcmp(recipe->notes[note], text) != 0)
                note++;
        if (note == RECIPE_NOTES_MAX) {
                reader_error(&f->r, node, "too many notes and questions: at most %d", RECIPE_NOTES_MAX);
                return -1;
        }
        text_copy(recipe->notes[note], sizeof recipe->notes[note], text);
        recipe->note_count += note == recipe->note_count;
        return note;
}

void recipe_file_compile_note(struct recipe_file *f, const struct yaml_node *node)
{
        int note = read_note(f, node);
        struct recipe_op *op = note >= 0 ? recipe_file_add_op(f, node, RECIPE_NOTE) : NULL;
        if (op)
                op->note = (int16_t)note;
}

void recipe_file_compile_confirm(struct recipe_file *f, const struct recipe_file_step *step)
{
        int note = read_note(f, step->verb), otherwise = TOOL_ACT_HOLD;
        int64_t us;
        bool ok = reader_time(&f->r, step->timeout, "timeout", &us);
        if (ok && us < TIME_S) {
                reader_error(&f->r, step->timeout, "timeout: nobody answers within less than 1 s");
                ok = false;
        }
        if (step->otherwise)
                ok = keys_word(&f->r, step->otherwise, "else", recipe_file_ends, &otherwise) && ok;
        struct recipe_op *op = ok && note >= 0 ? recipe_file_add_op(f, step->verb, RECIPE_CONFIRM) : NULL;
        if (!op)
                return;
        op->note = (int16_t)note;
        op->timeout_us = us;
        op->otherwise = (uint8_t)otherwise;
}

struct raw_rotate {
        const struct yaml_node *speed;
        int64_t reverse_every, lead;
        int stop_in;
};
static const struct key_word stops[] = {{"pulse", 1}, {NULL, 0}};
static const struct key rotate_rows[] = {
    {"speed", KEY_NODE, true, KEY_NODE_AT(struct raw_rotate, speed), .holds = &shape_speed,
        .help = "of the bed"},
    {"reverse_every", KEY_TIME, false, KEY_AT(struct raw_rotate, reverse_every), .min = 1e6, .max = 86400e6,
        .help = "turns the other way this often"},
    {"stop_in", KEY_WORD, false, KEY_AT(struct raw_rotate, stop_in), .words = stops,
        .help = "pulse: at rest in every pulse"},
    {"lead", KEY_TIME, false, KEY_AT(struct raw_rotate, lead), .max = 60e6,
        .help = "at rest this long before the pulse"},
};
const struct keys recipe_file_rotate_keys = KEYS("rotate", rotate_rows);

/* A bed that turns both ways needs limits on both sides. */
static bool read_speed(struct recipe_file *f, const struct raw_rotate *raw, int tag, double *speed)
{
        const struct tool_tag *t = &f->tool->tags[tag];
        if (!raw->speed || !reader_quantity(&f->r, raw->speed, "speed", t->unit, speed) ||
            !value_check_limits(&f->r, raw->speed, "speed", t, *speed))
                return false;
        return raw->reverse_every == 0 || value_check_limits(&f->r, raw->speed, "reverse_every", t, -*speed);
}

void recipe_file_compile_rotate(struct recipe_file *f, const struct recipe_file_step *step)
{
        struct raw_rotate raw = {0};
        struct keys_found found;
        double speed = 0;
        bool ok = recipe_file_want_equipment(f, step->verb, f->tool->bed, "bed (a motor)");
        bool is_read = keys_read(&f->r, step->verb, &recipe_file_rotate_keys, NULL, &raw, &found);
        int tag = ok ? f->tool->loops[f->tool->bed].setpoint : TOOL_NONE;
        ok = ok && tag >= 0 && read_speed(f, &raw, tag, &speed) && is_read;
        if (is_read && raw.lead > 0 && !raw.stop_in) {
                reader_error(&f->r, keys_node(&found, "lead"),
                    "lead: is the time before a pulse at which the bed is at rest: 'stop_in: pulse' is "
                    "missing");
                ok = false;
        }
        struct recipe_op *op = ok ? recipe_file_add_op(f, step->verb, RECIPE_ROTATE) : NULL;
        if (!op)
                return;
        op->tag = (int16_t)tag;
        op->value = speed;
        op->period_us = raw.reverse_every;
        op->stops = raw.stop_in != 0;
        op->lead_us = raw.lead;
}
