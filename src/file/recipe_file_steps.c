/* Steps of a recipe. One table says which there are; each has its table of keys, whose first row is the step's verb,
 * and a function that appends its ops. */
#include "ald/file/recipe_file.h"

#include <assert.h> /* assert */
#include <string.h> /* strcmp */

#define STEP_VERB(name, shape, text)                                                                         \
        {                                                                                                    \
                name, KEY_NODE, true, KEY_NODE_AT(struct recipe_file_step, verb), .holds = (shape),          \
                                                                                  .help = (text)             \
        }

static const struct shape until_shape = {.kind = SHAPE_KEYS, .keys = &recipe_file_until_keys};
static const struct shape wait_shape = {.kind = SHAPE_EITHER, .of = &shape_time, .or_else = &until_shape};
static const struct shape expose_shape = {.kind = SHAPE_KEYS, .keys = &recipe_file_expose_keys};
static const struct shape rotate_shape = {.kind = SHAPE_KEYS, .keys = &recipe_file_rotate_keys};
static const struct shape pump_down_shape = {.kind = SHAPE_KEYS, .keys = &recipe_file_pump_down_keys};
static const struct shape vent_shape = {.kind = SHAPE_KEYS, .keys = &recipe_file_vent_keys};
static const struct shape leak_check_shape = {.kind = SHAPE_KEYS, .keys = &recipe_file_leak_check_keys};

static const struct key set_rows[] = {
    STEP_VERB("set", &shape_targets, "set-points: {NAME: VALUE}, safe or standby"),
    {"ramp", KEY_NODE, false, KEY_NODE_AT(struct recipe_file_step, ramp), .holds = &shape_rate,
        .help = "how fast the set-points move"},
};
static const struct key wait_rows[] = {
    STEP_VERB("wait", &wait_shape, "a time, or {until, for, timeout, else}")};
static const struct key pulse_rows[] = {
    STEP_VERB("pulse", &shape_line, "one dose of a precursor line"),
    {"for", KEY_NODE, true, KEY_NODE_AT(struct recipe_file_step, for_us), .holds = &shape_time,
        .help = "width of the pulse"},
};
static const struct key purge_rows[] = {
    STEP_VERB("purge", &wait_shape, "inert flow for a time, or {until, for, timeout, else}")};
static const struct key repeat_rows[] = {
    STEP_VERB("repeat", &recipe_file_count_shape, "how often"),
    {"do", KEY_NODE, true, KEY_NODE_AT(struct recipe_file_step, body), .holds = &shape_steps,
        .help = "steps that are repeated"},
    {"until", KEY_NODE, false, KEY_NODE_AT(struct recipe_file_step, until), .holds = &shape_condition,
        .help = "no further pass once this is true"},
    {"else", KEY_NODE, false, KEY_NODE_AT(struct recipe_file_step, otherwise),
        .holds = &recipe_file_end_shape,
        .help = "when no pass is left and 'until' is not true: hold, stop, abort or continue"},
    {"coats", KEY_NODE, false, KEY_NODE_AT(struct recipe_file_step, coats), .holds = &recipe_file_coats_shape,
        .help = "walls: its cycles condition the chamber"},
};
static const struct key use_rows[] = {STEP_VERB("use", &shape_name, "the steps of a block")};
static const struct key open_rows[] = {STEP_VERB("open", &shape_valve, "a valve that is no precursor line")};
static const struct key close_rows[] = {
    STEP_VERB("close", &shape_valve, "a valve that is no precursor line")};
static const struct key note_rows[] = {STEP_VERB("note", &shape_text, "a text for the record")};
static const struct key expose_rows[] = {
    STEP_VERB("expose", &expose_shape, "dosing with the exhaust closed: {flow, close_below, limit, at_most}"),
    {"do", KEY_NODE, true, KEY_NODE_AT(struct recipe_file_step, body), .holds = &shape_steps,
        .help = "steps of the exposure"},
};
static const struct key rotate_rows[] = {
    STEP_VERB("rotate", &rotate_shape, "how the bed turns: {speed, reverse_every, stop_in, lead}")};
static const struct key pump_down_rows[] = {STEP_VERB(
    "pump_down", &pump_down_shape, "from the atmosphere to vacuum: {soft, until, timeout, flow, else}")};
static const struct key vent_rows[] = {
    STEP_VERB("vent", &vent_shape, "from vacuum to the atmosphere: {flow, until, timeout, else}")};
static const struct key leak_check_rows[] = {STEP_VERB(
    "leak_check", &leak_check_shape, "rise of the pressure with the exhaust closed: {for, limit, else}")};
static const struct key confirm_rows[] = {
    STEP_VERB("confirm", &shape_text, "what the operator is asked"),
    {"timeout", KEY_NODE, true, KEY_NODE_AT(struct recipe_file_step, timeout), .holds = &shape_time,
        .help = "how long the answer may take"},
    {"else", KEY_NODE, false, KEY_NODE_AT(struct recipe_file_step, otherwise),
        .holds = &recipe_file_end_shape, .help = "what the timeout does: hold, stop, abort or continue"},
};

static void wait_step(struct recipe_file *f, const struct recipe_file_step *raw)
{
        recipe_file_compile_wait(f, raw->verb, RECIPE_WAIT, RECIPE_WAIT_UNTIL);
}

static void purge_step(struct recipe_file *f, const struct recipe_file_step *raw)
{
        recipe_file_compile_wait(f, raw->verb, RECIPE_PURGE, RECIPE_PURGE_UNTIL);
}

static void set_step(struct recipe_file *f, const struct recipe_file_step *raw)
{
        recipe_file_compile_set(f, raw->verb, raw->ramp);
}

static void pulse_step(struct recipe_file *f, const struct recipe_file_step *raw)
{
        recipe_file_compile_pulse(f, raw->verb, raw->for_us);
}

static void open_step(struct recipe_file *f, const struct recipe_file_step *raw)
{
        recipe_file_compile_valve(f, raw->verb, 1);
}

static void close_step(struct recipe_file *f, const struct recipe_file_step *raw)
{
        recipe_file_compile_valve(f, raw->verb, 0);
}

static void note_step(struct recipe_file *f, const struct recipe_file_step *raw)
{
        recipe_file_compile_note(f, raw->verb);
}

static const char *block_at(const void *ctx, size_t i)
{
        return ((const struct recipe_file *)ctx)->blocks[i].name;
}

static struct recipe_file_block *want_block(struct recipe_file *f, const struct yaml_node *node)
{
        const char *name = reader_text(&f->r, node, "use");
        for (int i = 0; name && i < f->block_count; i++)
                if (strcmp(f->blocks[i].name, name) == 0)
                        return &f->blocks[i];
        if (name)
                reader_unknown(
                    &f->r, reader_at(&f->r, node), NULL, "block", name, block_at, f, (size_t)f->block_count);
        return NULL;
}

static void put_block(struct recipe_file *f, struct recipe_file_block *block)
{
        size_t before = diag_errors(f->r.d);
        int user = f->text;
        recipe_file_set_text(f, block->text);
        block->is_used = true;
        block->is_open = true;
        f->use_depth++;
        recipe_file_compile_steps(f, block->steps, block->name);
        f->use_depth--;
        block->is_open = false;
        recipe_file_set_text(f, user);
        block->is_bad = diag_errors(f->r.d) != before;
}

static void use_step(struct recipe_file *f, const struct recipe_file_step *raw)
{
        struct recipe_file_block *block = want_block(f, raw->verb);
        if (f->is_full)
                return;
        if (!block || block->is_bad)
                recipe_file_add_unknown(f, raw->verb);
        else if (block->is_open)
                reader_error(&f->r, raw->verb, "use: block '%s' would contain itself", block->name);
        else if (f->use_depth == RECIPE_FILE_USE_DEPTH_MAX)
                reader_error(
                    &f->r, raw->verb, "use: blocks nested deeper than %d", RECIPE_FILE_USE_DEPTH_MAX);
        else
                put_block(f, block);
}

struct step {
        struct keys keys;
        void (*compile)(struct recipe_file *f, const struct recipe_file_step *raw);
};
static const struct step steps[] = {
    {KEYS("set", set_rows), set_step},
    {KEYS("wait", wait_rows), wait_step},
    {KEYS("pulse", pulse_rows), pulse_step},
    {KEYS("purge", purge_rows), purge_step},
    {KEYS("repeat", repeat_rows), recipe_file_compile_repeat},
    {KEYS("use", use_rows), use_step},
    {KEYS("open", open_rows), open_step},
    {KEYS("close", close_rows), close_step},
    {KEYS("note", note_rows), note_step},
    {KEYS("expose", expose_rows), recipe_file_compile_expose},
    {KEYS("rotate", rotate_rows), recipe_file_compile_rotate},
    {KEYS("pump_down", pump_down_rows), recipe_file_compile_pump_down},
    {KEYS("vent", vent_rows), recipe_file_compile_vent},
    {KEYS("leak_check", leak_check_rows), recipe_file_compile_leak_check},
    {KEYS("confirm", confirm_rows), recipe_file_compile_confirm},
};
enum { STEPS = sizeof steps / sizeof steps[0] };

const struct keys *recipe_file_step_keys(size_t i)
{
        return i < STEPS ? &steps[i].keys : NULL;
}

static const char *step_at(const void *ctx, size_t i)
{
        (void)ctx;
        return steps[i].keys.what;
}

static const struct step *find_step(const char *name)
{
        for (size_t i = 0; i < STEPS; i++)
                if (strcmp(steps[i].keys.what, name) == 0)
                        return &steps[i];
        return NULL;
}

/* A key that some step has beside its verb. */
static bool is_modifier(const char *name)
{
        for (size_t i = 0; i < STEPS; i++)
                for (size_t k = 1; k < steps[i].keys.count; k++)
                        if (strcmp(steps[i].keys.row[k].name, name) == 0)
                                return true;
        return false;
}

static void refuse_step(struct recipe_file *f, const struct yaml_node *node)
{
        const struct yaml_node *odd = node->first;
        while (odd && odd->next && is_modifier(odd->key))
                odd = odd->next;
        if (!odd || is_modifier(odd->key)) {
                reader_error(&f->r, node, "a step without a verb (set, wait, pulse, purge, repeat, use ...)");
                return;
        }
        reader_unknown(&f->r, reader_at_key(&f->r, odd), NULL, "step", odd->key, step_at, NULL, STEPS);
}

/* The step of a mapping: exactly one of its keys is a verb. */
static const struct step *step_of(struct recipe_file *f, const struct yaml_node *node)
{
        const struct step *found = NULL;
        if (node->kind != YAML_MAP) {
                reader_error(&f->r, node, "a step is a mapping such as 'purge: 20 s', not %s",
                    yaml_kind_name(node->kind));
                return NULL;
        }
        for (const struct yaml_node *n = node->first; n; n = n->next) {
                const struct step *s = find_step(n->key);
                if (s && found) {
                        diag_error(f->r.d, reader_at_key(&f->r, n),
                            "a step does one thing: '%s' and '%s' stand in one (is '- ' missing before "
                            "'%s'?)",
                            found->keys.what, n->key, n->key);
                        return NULL;
                }
                found = s ? s : found;
        }
        if (!found)
                refuse_step(f, node);
        return found;
}

static void compile_step(struct recipe_file *f, const struct yaml_node *node)
{
        struct recipe_file_step raw = {0};
        struct keys_found found;
        const struct step *step = step_of(f, node);
        if (!step) {
                recipe_file_add_unknown(f, node);
                return;
        }
        /* With keys missing the step cannot be looked at; an unknown one beside them does not matter. */
        keys_read(&f->r, node, &step->keys, NULL, &raw, &found);
        for (size_t i = 0; i < step->keys.count; i++)
                if (step->keys.row[i].required && !found.node[i])
                        return;
        assert(raw.verb);
        step->compile(f, &raw);
}

void recipe_file_compile_steps(struct recipe_file *f, const struct yaml_node *list, const char *what)
{
        if (list->kind != YAML_LIST || list->count == 0) {
                reader_error(&f->r, list, "%s: takes a list of steps, each with '- ' before it", what);
                return;
        }
        for (const struct yaml_node *n = list->first; n; n = n->next)
                compile_step(f, n);
}
