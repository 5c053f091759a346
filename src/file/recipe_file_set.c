/* Set-points, conditions and guards of a recipe. */
#include "ald/file/recipe_file.h"

#include "ald/file/cond_parse.h" /* cond_parse_node */
#include "ald/file/value.h"      /* value_read */

#include <string.h> /* strcmp */

/* "standby" and "safe" are values; anything else is a quantity or a word. */
static bool read_target(struct recipe_file *f, const struct yaml_node *node, const struct tool_tag *tag,
    double *value, bool *is_standby)
{
        const char *text = reader_text(&f->r, node, node->key);
        if (!text)
                return false;
        *is_standby = strcmp(text, "standby") == 0 || strcmp(text, "safe") == 0;
        if (*is_standby) {
                *value = strcmp(text, "safe") == 0 ? tag->safe : tag->image[TOOL_IMAGE_STANDBY].value;
                return true;
        }
        return value_read(&f->r, node, node->key, tag, value) &&
               value_check_limits(&f->r, node, node->key, tag, *value);
}

static bool may_set(struct recipe_file *f, const struct yaml_node *node, int number)
{
        const struct tool_tag *tag = &f->tool->tags[number];
        int line = tool_find_line_of_valve(f->tool, number);
        if (line >= 0)
                diag_error(f->r.d, reader_at_key(&f->r, node),
                    "set: '%s' is the valve of precursor '%s': it opens by 'pulse: %s' only", tag->name,
                    f->tool->lines[line].name, f->tool->lines[line].name);
        else if (tag->is_valve)
                diag_error(f->r.d, reader_at_key(&f->r, node), "set: '%s' is a valve: use 'open' or 'close'",
                    tag->name);
        return !tag->is_valve && line < 0;
}

static bool read_ramp(
    struct recipe_file *f, const struct yaml_node *name, const struct yaml_node *ramp, int tag, double *rate)
{
        int number = tool_find_loop_of_setpoint(f->tool, tag);
        if (number < 0) {
                reader_error(&f->r, ramp, "ramp: '%s' has no process value to ramp", name->key);
                return false;
        }
        const struct tool_loop *loop = &f->tool->loops[number];
        const struct unit *unit = f->tool->tags[tag].unit;
        if (!reader_rate(&f->r, ramp, "ramp", unit, rate))
                return false;
        /* A recipe's "20 K/min" and the tool's must not differ by the last bit of a division. */
        if (loop->ramp_max <= 0 || *rate <= loop->ramp_max * (1 + 1e-9))
                return true;
        char buf[160];
        struct text t;
        text_init(&t, buf, sizeof buf);
        text_add_number(&t, loop->ramp_max * 60, 6);
        text_add(&t, " %s a minute", unit_base(unit_dim_of_difference(unit->dim))->name);
        reader_error(&f->r, ramp, "ramp: '%s' is above the max_ramp of '%s', %s", ramp->text, name->key, buf);
        return false;
}

/* Inside `expose` the block holds the carrier; nobody else may. */
static bool is_carrier_of_expose(struct recipe_file *f, const struct yaml_node *node, int tag)
{
        if (!f->is_exposing || f->tool->carrier < 0 || f->tool->loops[f->tool->carrier].setpoint != tag)
                return false;
        diag_error(f->r.d, reader_at_key(&f->r, node),
            "set: inside 'expose' the carrier stays at the block's 'flow'; set it before or after");
        return true;
}

static void compile_one(struct recipe_file *f, const struct yaml_node *node, const struct yaml_node *ramp)
{
        double value, rate = 0;
        bool is_standby;
        int tag = value_want_output(&f->r, reader_at_key(&f->r, node), f->tool, node->key);
        if (tag < 0 || !may_set(f, node, tag) || is_carrier_of_expose(f, node, tag))
                return;
        bool ok = read_target(f, node, &f->tool->tags[tag], &value, &is_standby);
        ok = (!ramp || read_ramp(f, node, ramp, tag, &rate)) && ok;
        struct recipe_op *op = ok ? recipe_file_add_op(f, node, RECIPE_SET) : NULL;
        if (!op)
                return;
        op->tag = (int16_t)tag;
        op->value = value;
        op->ramp = rate;
        op->is_standby = is_standby;
}

void recipe_file_compile_set(struct recipe_file *f, const struct yaml_node *map, const struct yaml_node *ramp)
{
        if (map->kind != YAML_MAP || map->count == 0) {
                reader_error(&f->r, map, "set: takes a mapping of names to values: {carrier.flow: 70 sccm}");
                return;
        }
        for (const struct yaml_node *n = map->first; n; n = n->next)
                compile_one(f, n, ramp);
}

static int add_cond(struct recipe_file *f, const struct yaml_node *node, const struct cond *cond)
{
        struct recipe *recipe = f->recipe;
        if (recipe->cond_count == RECIPE_CONDS_MAX) {
                reader_error(&f->r, node, "too many conditions in one recipe: at most %d", RECIPE_CONDS_MAX);
                return -1;
        }
        f->cond_node[recipe->cond_count] = node;
        recipe->conds[recipe->cond_count] = *cond;
        return recipe->cond_count++;
}

/* The condition that was made for this node already, or -1. */
static int find_cond(const struct recipe_file *f, const struct yaml_node *node)
{
        for (int i = 0; i < f->recipe->cond_count; i++)
                if (f->cond_node[i] == node)
                        return i;
        return -1;
}

int recipe_file_read_cond(struct recipe_file *f, const struct yaml_node *node, const char *what)
{
        struct cond_parse c = {&f->r, f->tool, &f->recipe->pool, &f->windows};
        struct cond cond;
        int known = find_cond(f, node);
        if (known >= 0)
                return known;
        return cond_parse_node(&c, node, what, &cond) ? add_cond(f, node, &cond) : -1;
}

int recipe_file_make_below(struct recipe_file *f, const struct yaml_node *node, int tag, double value)
{
        struct cond_parse c = {&f->r, f->tool, &f->recipe->pool, &f->windows};
        struct cond cond;
        int known = find_cond(f, node);
        if (known >= 0)
                return known;
        return cond_parse_make_below(&c, node, tag, value, &cond) ? add_cond(f, node, &cond) : -1;
}

int recipe_file_make_bit(struct recipe_file *f, const struct yaml_node *node, int tag)
{
        struct cond_parse c = {&f->r, f->tool, &f->recipe->pool, &f->windows};
        struct cond cond;
        int known = find_cond(f, node);
        if (known >= 0)
                return known;
        return cond_parse_make_bit(&c, node, tag, &cond) ? add_cond(f, node, &cond) : -1;
}

static const struct shape phases_shape = {.kind = SHAPE_EITHER, .of = &shape_name, .or_else = &shape_names};

struct raw_guard {
        const struct yaml_node *in, *tag, *within, *cond;
        int64_t for_us;
        int otherwise;
};
static const struct key_word guard_ends[] = {
    {"hold", TOOL_ACT_HOLD}, {"stop", TOOL_ACT_STOP}, {"abort", TOOL_ACT_ABORT}, {NULL, 0}};
static const struct key guard_rows[] = {
    {"in", KEY_NODE, false, KEY_NODE_AT(struct raw_guard, in), .holds = &phases_shape,
        .help = "phase or phases in which it watches; else all"},
    {"tag", KEY_NODE, false, KEY_NODE_AT(struct raw_guard, tag), .holds = &shape_loop,
        .help = "process value that must stay near its set-point"},
    {"within", KEY_NODE, false, KEY_NODE_AT(struct raw_guard, within), .holds = &shape_span,
        .help = "how near"},
    {"while", KEY_NODE, false, KEY_NODE_AT(struct raw_guard, cond), .holds = &shape_condition,
        .help = "or: a condition that must stay true"},
    {"for", KEY_TIME, false, KEY_AT(struct raw_guard, for_us), .max = 86400e6,
        .help = "broken for longer acts"},
    {"else", KEY_WORD, false, KEY_AT(struct raw_guard, otherwise), .words = guard_ends,
        .help = "hold, stop or abort"},
};
static const struct keys_case guard_cases[] = {{"tag", "a nearness", .needs = "within", .foreign = {"while"}},
    {"while", "a condition", .foreign = {"tag", "within"}}, {.key = NULL}};
const struct keys recipe_file_guard_keys = KEYS_WITH("guard", guard_rows, guard_cases, NULL);

static const char *phase_at(const void *ctx, size_t i)
{
        return ((const struct recipe *)ctx)->phases[i].name;
}

static uint32_t phase_bit(struct recipe_file *f, const struct yaml_node *node)
{
        const char *name = reader_text(&f->r, node, "in");
        if (!name || f->recipe->phase_count == 0) /* no phases: told */
                return 0;
        for (int i = 0; i < f->recipe->phase_count; i++)
                if (strcmp(f->recipe->phases[i].name, name) == 0)
                        return UINT32_C(1) << i;
        reader_unknown(&f->r, reader_at(&f->r, node), "in", "phase", name, phase_at, f->recipe,
            (size_t)f->recipe->phase_count);
        return 0;
}

static uint32_t phase_bits(struct recipe_file *f, const struct yaml_node *in)
{
        uint32_t bits = 0;
        if (!in)
                return f->recipe->phase_count == 32 ? UINT32_MAX
                                                    : (UINT32_C(1) << f->recipe->phase_count) - 1;
        if (in->kind != YAML_LIST)
                return phase_bit(f, in);
        for (const struct yaml_node *n = in->first; n; n = n->next)
                bits |= phase_bit(f, n);
        return bits;
}

static const char *loop_at(const void *ctx, size_t i)
{
        const struct tool *tool = ctx;
        return tool->tags[tool->loops[i].value].name;
}

/* "tag within X": near the set-point in force. */
static int read_nearness(struct recipe_file *f, const struct raw_guard *raw)
{
        struct cond_parse c = {&f->r, f->tool, &f->recipe->pool, &f->windows};
        struct cond cond;
        double span;
        const char *name = reader_text(&f->r, raw->tag, "tag");
        if (!name)
                return -1;
        int tag = tool_find_tag(f->tool, name);
        int loop = tag >= 0 ? tool_find_loop_of_value(f->tool, tag) : TOOL_NONE;
        if (loop < 0) {
                reader_unknown(&f->r, reader_at(&f->r, raw->tag), "tag",
                    tag < 0 ? "process value" : "process value with a set-point", name, loop_at, f->tool,
                    (size_t)f->tool->loop_count);
                return -1;
        }
        if (!reader_difference(&f->r, raw->within, "within", f->tool->tags[tag].unit, &span) ||
            !cond_parse_make_guard(&c, raw->tag, &f->tool->loops[loop], span, &cond))
                return -1;
        return add_cond(f, raw->tag, &cond);
}

static void read_guard(struct recipe_file *f, const struct yaml_node *node)
{
        struct raw_guard raw = {.otherwise = TOOL_ACT_HOLD};
        struct keys_found found;
        struct recipe *recipe = f->recipe;
        if (recipe->guard_count == RECIPE_GUARDS_MAX) {
                reader_error(&f->r, node, "too many guards: at most %d", RECIPE_GUARDS_MAX);
                return;
        }
        keys_read(&f->r, node, &recipe_file_guard_keys, NULL, &raw, &found);
        if (node->kind != YAML_MAP)
                return;
        if ((raw.tag || raw.within) == (raw.cond != NULL) || !raw.tag != !raw.within) {
                reader_error(&f->r, node, "guard: takes either 'tag' and 'within', or 'while'");
                return;
        }
        int cond = raw.cond ? recipe_file_read_cond(f, raw.cond, "while") : read_nearness(f, &raw);
        recipe->guards[recipe->guard_count++] = (struct recipe_guard){.phases = phase_bits(f, raw.in),
            .cond = (int16_t)cond,
            .for_us = raw.for_us,
            .otherwise = (uint8_t)raw.otherwise,
            .source_line = node->line};
}

void recipe_file_read_guards(struct recipe_file *f, const struct yaml_node *list)
{
        if (list->kind != YAML_LIST) {
                reader_error(&f->r, list, "guard: takes a list ('- {in: PHASE, ...}'), not %s",
                    yaml_kind_name(list->kind));
                return;
        }
        for (const struct yaml_node *n = list->first; n; n = n->next)
                read_guard(f, n);
}
