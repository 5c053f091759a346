#include "ald/file/recipe_file.h"

#include "ald/base/time.h"       /* TIME_NEVER */
#include "ald/file/cond_parse.h" /* cond_parse_windows */
#include "ald/file/format.h"     /* format_open */

#include <stdlib.h> /* calloc */
#include <string.h> /* memcpy */

struct raw_powder {
        char material[TOOL_NAME_MAX], lot[TOOL_NAME_MAX];
        double mass, area;
};
static const struct key powder_rows[] = {
    {"material", KEY_WORDS, false, KEY_AT(struct raw_powder, material), .help = "what it is"},
    {"mass", KEY_QUANTITY, false, KEY_AT(struct raw_powder, mass), .unit = "g", .min = 1e-6, .max = 1e6,
        .help = "how much is in the bed"},
    {"area", KEY_QUANTITY, false, KEY_AT(struct raw_powder, area), .unit = "m2/g", .min = 1e-6, .max = 1e5,
        .help = "specific surface"},
    {"lot", KEY_WORDS, false, KEY_AT(struct raw_powder, lot), .help = "which lot"},
};
static const struct keys powder_keys = KEYS("powder", powder_rows);

struct raw_expect {
        double growth, thickness;
};
static const struct key expect_rows[] = {
    {"growth_per_cycle", KEY_QUANTITY, false, KEY_AT(struct raw_expect, growth), .unit = "nm", .min = 1e-6,
        .max = 1e3, .help = "declared growth in one cycle"},
    {"thickness", KEY_QUANTITY, false, KEY_AT(struct raw_expect, thickness), .unit = "nm", .min = 1e-6,
        .max = 1e6, .help = "declared thickness of the film"},
};
static const struct keys expect_keys = KEYS("expect", expect_rows);

struct raw_hold {
        int64_t at_most;
        int then, resume;
};
static const struct key_word hold_ends[] = {{"stop", TOOL_ACT_STOP}, {"abort", TOOL_ACT_ABORT}, {NULL, 0}};
static const struct key_word resumes[] = {{"repeat", 0}, {"ask", 1}, {NULL, 0}};
static const struct key hold_rows[] = {
    {"at_most", KEY_TIME, false, KEY_AT(struct raw_hold, at_most), .min = 1e6, .max = 8e12,
        .help = "longest hold"},
    {"then", KEY_WORD, false, KEY_AT(struct raw_hold, then), .words = hold_ends,
        .help = "after it: stop or abort"},
    {"resume", KEY_WORD, false, KEY_AT(struct raw_hold, resume), .words = resumes,
        .help = "a pulse that was cut: repeat or ask"},
};
static const struct keys hold_keys = KEYS("on_hold", hold_rows);

static const struct shape parameter_shape = {.kind = SHAPE_KEYS, .keys = &recipe_file_parameter_keys};
static const struct shape parameters_shape = {.kind = SHAPE_MAP, .of = &parameter_shape};
static const struct shape powder_shape = {.kind = SHAPE_KEYS, .keys = &powder_keys};
static const struct shape expect_shape = {.kind = SHAPE_KEYS, .keys = &expect_keys};
static const struct shape guard_shape = {.kind = SHAPE_KEYS, .keys = &recipe_file_guard_keys};
static const struct shape guards_shape = {.kind = SHAPE_LIST, .of = &guard_shape};
static const struct shape phases_shape = {
    .kind = SHAPE_MAP, .of = &shape_steps, .min = 1, .max = RECIPE_PHASES_MAX};
static const struct shape hold_shape = {.kind = SHAPE_KEYS, .keys = &hold_keys};
static const struct shape include_shape = {
    .kind = SHAPE_LIST, .of = &shape_text, .min = 1, .max = FILE_TEXTS_MAX - 1};

struct raw {
        int64_t format;
        char recipe[TOOL_NAME_MAX], title[TOOL_TEXT_MAX], source[TOOL_TEXT_MAX], tool[TOOL_NAME_MAX];
        const struct yaml_node *parameters, *powder, *expect, *guard, *blocks, *phases, *on_hold, *finally,
            *include;
};
static const struct key rows[] = {
    {"format", KEY_INT, true, KEY_AT(struct raw, format), .holds = &format_shape,
        .help = "format of this file: 1"},
    {"recipe", KEY_NAME, true, KEY_AT(struct raw, recipe), .help = "its name"},
    {"title", KEY_WORDS, false, KEY_AT(struct raw, title), .help = "the process in a few words"},
    {"source", KEY_WORDS, false, KEY_AT(struct raw, source), .help = "where it comes from"},
    {"tool", KEY_NAME, true, KEY_AT(struct raw, tool), .help = "the tool it is written for"},
    {"parameters", KEY_NODE, false, KEY_NODE_AT(struct raw, parameters), .holds = &parameters_shape,
        .help = "values that --set may change"},
    {"powder", KEY_NODE, false, KEY_NODE_AT(struct raw, powder), .holds = &powder_shape,
        .help = "what is coated"},
    {"expect", KEY_NODE, false, KEY_NODE_AT(struct raw, expect), .holds = &expect_shape,
        .help = "what should come out"},
    {"guard", KEY_NODE, false, KEY_NODE_AT(struct raw, guard), .holds = &guards_shape,
        .help = "what must stay true in a phase"},
    {"blocks", KEY_NODE, false, KEY_NODE_AT(struct raw, blocks), .holds = &shape_blocks,
        .help = "named steps for 'use'"},
    {"phases", KEY_NODE, true, KEY_NODE_AT(struct raw, phases), .holds = &phases_shape,
        .help = "named steps that run in this order"},
    {"on_hold", KEY_NODE, false, KEY_NODE_AT(struct raw, on_hold), .holds = &hold_shape,
        .help = "how long a hold may last"},
    {"finally", KEY_NODE, false, KEY_NODE_AT(struct raw, finally), .holds = &shape_steps,
        .help = "steps at the end and after a stop"},
    {"include", KEY_NODE, false, KEY_NODE_AT(struct raw, include), .holds = &include_shape,
        .help = "files whose blocks may be used"},
};
const struct keys recipe_file_root_keys = KEYS("recipe", rows);

static void read_powder(struct recipe_file *f, const struct yaml_node *map)
{
        struct raw_powder raw = {{0}, {0}, 0, 0};
        struct keys_found found;
        keys_read(&f->r, map, &powder_keys, NULL, &raw, &found);
        memcpy(f->recipe->powder_material, raw.material, sizeof raw.material);
        memcpy(f->recipe->powder_lot, raw.lot, sizeof raw.lot);
        f->recipe->powder_g = raw.mass;
        f->recipe->powder_m2_g = raw.area;
}

static void read_expect(struct recipe_file *f, const struct yaml_node *map)
{
        struct raw_expect raw = {0};
        struct keys_found found;
        keys_read(&f->r, map, &expect_keys, NULL, &raw, &found);
        f->recipe->growth_nm = raw.growth;
        f->recipe->thickness_nm = raw.thickness;
}

static void read_hold(struct recipe_file *f, const struct yaml_node *map)
{
        struct raw_hold raw = {.at_most = TIME_NEVER, .then = TOOL_ACT_STOP};
        struct keys_found found;
        if (map)
                keys_read(&f->r, map, &hold_keys, NULL, &raw, &found);
        f->recipe->hold_us_max = raw.at_most;
        f->recipe->hold_then = (uint8_t)raw.then;
        f->recipe->resume_asks = raw.resume == 1;
}

static void read_phase(struct recipe_file *f, const struct yaml_node *node)
{
        struct recipe *recipe = f->recipe;
        if (recipe->phase_count == RECIPE_PHASES_MAX) {
                diag_error(
                    f->r.d, reader_at_key(&f->r, node), "too many phases: at most %d", RECIPE_PHASES_MAX);
                return;
        }
        struct recipe_phase *phase = &recipe->phases[recipe->phase_count];
        bool fits = text_copy(phase->name, sizeof phase->name, node->key);
        if (!fits || !reader_is_name(node->key))
                diag_error(f->r.d, reader_at_key(&f->r, node),
                    "'%.60s' is no name for a phase: letters, digits, '.', '_' and '-', at most %d",
                    node->key, TOOL_NAME_MAX - 1);
        phase->first = recipe->op_count;
        f->phase = recipe->phase_count++;
        recipe_file_compile_steps(f, node, phase->name);
}

static void read_phases(struct recipe_file *f, const struct yaml_node *map)
{
        if (map && (map->kind != YAML_MAP || map->count == 0)) {
                reader_error(&f->r, map, "phases: takes a mapping of at least one name to its steps");
                map = NULL;
        }
        for (const struct yaml_node *n = map ? map->first : NULL; n; n = n->next)
                read_phase(f, n);
        recipe_file_end_section(f);
}

static void read_finally(struct recipe_file *f, const struct yaml_node *list)
{
        f->recipe->finally_first = f->recipe->op_count;
        f->phase = -1;
        if (list)
                recipe_file_compile_steps(f, list, "finally");
        recipe_file_end_section(f);
}

static void check_tool(struct recipe_file *f, const struct raw *raw, const struct keys_found *found)
{
        if (raw->tool[0] && strcmp(raw->tool, f->tool->name) != 0)
                reader_error(&f->r, keys_node(found, "tool"),
                    "tool: this recipe is for '%s', but the tool is '%s'", raw->tool, f->tool->name);
}

static void read_head(struct recipe_file *f, const struct raw *raw, const struct keys_found *found)
{
        struct recipe *recipe = f->recipe;
        memcpy(recipe->name, raw->recipe, sizeof raw->recipe);
        memcpy(recipe->title, raw->title, sizeof raw->title);
        memcpy(recipe->source, raw->source, sizeof raw->source);
        check_tool(f, raw, found);
        if (raw->powder)
                read_powder(f, raw->powder);
        if (raw->expect)
                read_expect(f, raw->expect);
        read_hold(f, raw->on_hold);
}

/* Only of a sound recipe: where a step could not be read, its parameter is missed for no fault of its own. */
static void warn(struct recipe_file *f, const struct raw *raw)
{
        recipe_file_warn_unused_parameters(f);
        recipe_file_warn_unused_includes(f);
        if (!raw->finally && f->recipe->pulses > 0)
                diag_warning(f->r.d, (struct diag_at){f->r.source, 0, 0},
                    "no 'finally': nothing is purged at the end or after a stop");
}

/* What needs the whole program. */
static void check(struct recipe_file *f)
{
        if (f->is_full)
                return;
        recipe_file_measure(f);
        recipe_file_check_purges(f);
        if (diag_errors(f->r.d) == f->errors_before)
                recipe_file_check_blocks(f);
        if (diag_errors(f->r.d) != f->errors_before)
                return;
        recipe_file_check_bounds(f);
        if (!recipe_file_check_states(f))
                diag_error(f->r.d, (struct diag_at){f->r.source, 0, 0}, "memory is out");
}

static void read_root(struct recipe_file *f, const struct yaml_node *root, const struct file_set *sets,
    size_t set_count, const struct file_library *library)
{
        struct raw raw = {0};
        struct keys_found found;
        if (!format_check(&f->r, root))
                return;
        /* Parameters first: any other value may name one. */
        const struct yaml_node *parameters = yaml_node_get(root, "parameters");
        recipe_file_read_parameters(f, parameters, sets, set_count);
        keys_read(&f->r, root, &recipe_file_root_keys, NULL, &raw, &found);
        read_head(f, &raw, &found);
        if (raw.blocks)
                recipe_file_read_blocks(f, raw.blocks);
        if (raw.include)
                recipe_file_read_includes(f, raw.include, library);
        read_phases(f, raw.phases);
        read_finally(f, raw.finally);
        recipe_file_check_unused_blocks(f);
        if (raw.guard)
                recipe_file_read_guards(f, raw.guard);
        check(f);
        if (diag_errors(f->r.d) == f->errors_before)
                warn(f, &raw);
}

static struct recipe *new_recipe(const char *path, const char *text, size_t len)
{
        struct recipe *recipe = calloc(1, sizeof *recipe);
        if (!recipe)
                return NULL;
        text_copy(recipe->path, sizeof recipe->path, path);
        recipe->text = malloc(len + 1);
        if (!recipe->text) {
                recipe_free(recipe);
                return NULL;
        }
        memcpy(recipe->text, text, len);
        recipe->text[len] = '\0';
        recipe->text_len = len;
        return recipe;
}

static void begin(struct recipe_file *f, const char *path, const struct format_source *source,
    const struct tool *tool, struct recipe *recipe, struct diag *d)
{
        f->r = (struct reader){.d = d, .source = source->number, .parameters = f->parameters};
        f->tool = tool;
        f->recipe = recipe;
        f->path = path;
        f->texts[0] = (struct recipe_file_text){
            .text = recipe->text, .len = recipe->text_len, .source = source->number};
        f->text_count = 1;
        f->bytes = recipe->text_len;
        f->set_source = -1;
        f->windows = cond_parse_windows(&tool->conds);
}

struct recipe *file_compile_recipe_with(const char *path, const char *text, size_t len,
    const struct tool *tool, const struct file_set *sets, size_t set_count,
    const struct file_library *library, struct diag *d)
{
        size_t before = diag_errors(d);
        struct format_source source;
        if (!format_open(&source, path, text, len, d))
                return NULL;
        struct recipe_file *f = calloc(1, sizeof *f);
        struct recipe *recipe = new_recipe(path, text, len);
        bool ok = f && recipe;
        if (ok) {
                begin(f, path, &source, tool, recipe, d);
                f->errors_before = before;
                read_root(f, yaml_tree_root(source.tree), sets, set_count, library);
                ok = recipe_file_join_texts(f);
                recipe_file_free_texts(f);
        }
        if (!ok)
                diag_error(d, (struct diag_at){source.number, 0, 0}, "memory is out");
        yaml_tree_free(source.tree);
        free(f);
        if (diag_errors(d) == before)
                return recipe;
        recipe_free(recipe);
        return NULL;
}

struct recipe *file_compile_recipe(const char *path, const char *text, size_t len, const struct tool *tool,
    const struct file_set *sets, size_t set_count, struct diag *d)
{
        return file_compile_recipe_with(path, text, len, tool, sets, set_count, NULL, d);
}

const struct keys *const *recipe_file_keys(size_t *count)
{
        static const struct keys *const all[] = {&recipe_file_root_keys, &recipe_file_parameter_keys,
            &powder_keys, &expect_keys, &recipe_file_guard_keys, &hold_keys, &recipe_file_until_keys,
            &recipe_file_expose_keys, &recipe_file_rotate_keys, &recipe_file_pump_down_keys,
            &recipe_file_vent_keys, &recipe_file_leak_check_keys, &recipe_file_include_keys};
        *count = sizeof all / sizeof all[0];
        return all;
}
