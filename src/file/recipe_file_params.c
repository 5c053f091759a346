/* Parameters of a recipe: named texts with a default, which --set may change within min and max. What a text means
 * is checked where it is used. */
#include "ald/file/recipe_file.h"

#include <math.h>   /* isfinite */
#include <stdlib.h> /* strtod */
#include <string.h> /* strlen */

enum { VALUE_CAP = 64 };

struct raw_parameter {
        char default_text[VALUE_CAP], min[VALUE_CAP], max[VALUE_CAP], title[TOOL_TEXT_MAX];
};
static const struct key parameter_rows[] = {
    {"default", KEY_WORDS, true, KEY_AT(struct raw_parameter, default_text),
        .help = "value unless --set gives one"},
    {"min", KEY_WORDS, false, KEY_AT(struct raw_parameter, min), .help = "lowest value that --set may give"},
    {"max", KEY_WORDS, false, KEY_AT(struct raw_parameter, max), .help = "highest value that --set may give"},
    {"title", KEY_WORDS, false, KEY_AT(struct raw_parameter, title), .help = "what it is"},
};
const struct keys recipe_file_parameter_keys = KEYS("parameter", parameter_rows);

/* A number or a quantity of whatever kind. */
struct amount {
        bool is_amount; /* else a text: a name, a word */
        double value;   /* in the base unit */
        enum unit_dim dim;
};

static struct amount amount_of(const char *text)
{
        struct amount a = {0};
        for (int dim = 0; dim < UNIT_DIM_COUNT; dim++) {
                const struct unit *unit;
                double value;
                if (unit_parse(text, (enum unit_dim)dim, &value, &unit) == UNIT_OK)
                        return (struct amount){
                            true, unit_convert(value, unit, unit_base(unit->dim)), unit->dim};
        }
        return a;
}

struct work {
        struct recipe_file *f;
        const char *name;
        const struct raw_parameter *raw;
        struct diag_at at; /* of the value that is checked */
};

/* Is `text` of the kind of the other text, which is the `what` of the parameter? */
static bool same_kind(const struct work *w, const char *text, const char *other, const char *what)
{
        struct amount a = amount_of(text), b = amount_of(other);
        if (a.is_amount == b.is_amount && (!a.is_amount || a.dim == b.dim))
                return true;
        diag_error(w->f->r.d, w->at, "parameter '%s': '%.40s' is not of the kind of its %s, '%.40s'%s",
            w->name, text, what, other,
            b.is_amount && b.dim != UNIT_DIM_NONE ? " (is its unit missing?)" : "");
        return false;
}

static bool within_bound(const struct work *w, const char *text, const char *bound, int side)
{
        const char *what = side < 0 ? "min" : "max";
        if (bound[0] == '\0')
                return true;
        if (!same_kind(w, text, bound, what))
                return false;
        double difference = amount_of(text).value - amount_of(bound).value;
        if (!amount_of(text).is_amount || difference * side <= 0)
                return true;
        diag_error(w->f->r.d, w->at, "parameter '%s': '%.40s' is %s its %s, '%.40s'", w->name, text,
            side < 0 ? "below" : "above", what, bound);
        return false;
}

static bool check_value(struct work *w, const char *text)
{
        bool ok = within_bound(w, text, w->raw->min, -1);
        return ok && within_bound(w, text, w->raw->max, 1);
}

static const struct file_set *find_set(const char *name, const struct file_set *sets, size_t count)
{
        const struct file_set *found = NULL;
        for (size_t i = 0; i < count; i++)
                if (strcmp(sets[i].name, name) == 0)
                        found = &sets[i];
        return found;
}

/* The place of a message about --set: it has no line. */
static struct diag_at set_place(struct recipe_file *f)
{
        if (f->set_source < 0)
                f->set_source = diag_source(f->r.d, "--set", NULL, 0);
        return (struct diag_at){f->set_source, 0, 0};
}

static bool take_set(struct work *w, const struct file_set *set)
{
        w->at = set_place(w->f);
        if (strlen(set->value) >= VALUE_CAP || set->value[0] == '\0') {
                diag_error(
                    w->f->r.d, w->at, "parameter '%s': a value takes 1 to %d bytes", w->name, VALUE_CAP - 1);
                return false;
        }
        return same_kind(w, set->value, w->raw->default_text, "default") && check_value(w, set->value);
}

static void read_parameter(
    struct recipe_file *f, const struct yaml_node *node, const struct file_set *sets, size_t set_count)
{
        struct raw_parameter raw = {{0}, {0}, {0}, {0}};
        struct keys_found found;
        if (f->r.parameter_count == RECIPE_PARAMETERS_MAX || !reader_is_name(node->key) ||
            strlen(node->key) >= TOOL_NAME_MAX) {
                diag_error(f->r.d, reader_at_key(&f->r, node),
                    f->r.parameter_count == RECIPE_PARAMETERS_MAX
                        ? "'%.60s': too many parameters (at most 64)"
                        : "'%.60s' is no name for a parameter",
                    node->key);
                return;
        }
        struct reader_parameter *p = &f->parameters[f->r.parameter_count];
        struct recipe_parameter *kept = &f->recipe->parameters[f->r.parameter_count];
        f->parameter_node[f->r.parameter_count++] = node;
        f->recipe->parameter_count++;
        p->name = node->key;
        if (!keys_read(&f->r, node, &recipe_file_parameter_keys, node->key, &raw, &found))
                return;
        struct work w = {f, node->key, &raw, reader_at(&f->r, keys_node(&found, "default"))};
        const char *text = raw.default_text;
        bool ok = check_value(&w, text);
        const struct file_set *set = find_set(node->key, sets, set_count);
        if (set) {
                ok = take_set(&w, set) && ok;
                text = set->value;
        }
        text_copy(kept->name, sizeof kept->name, node->key);
        text_copy(kept->value, sizeof kept->value, text);
        p->at = w.at;
        if (ok)
                p->text = kept->value;
}

static const char *parameter_at(const void *ctx, size_t i)
{
        return ((const struct recipe_file *)ctx)->parameters[i].name;
}

static void check_sets(struct recipe_file *f, const struct file_set *sets, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                bool is_known = false;
                for (size_t k = 0; k < f->r.parameter_count; k++)
                        is_known = is_known || strcmp(f->parameters[k].name, sets[i].name) == 0;
                if (!is_known)
                        reader_unknown(&f->r, set_place(f), NULL, "parameter", sets[i].name, parameter_at, f,
                            f->r.parameter_count);
        }
}

void recipe_file_read_parameters(
    struct recipe_file *f, const struct yaml_node *map, const struct file_set *sets, size_t set_count)
{
        if (map && map->kind != YAML_MAP)
                reader_error(&f->r, map, "parameters: takes a mapping: NAME: {default: VALUE}");
        for (const struct yaml_node *n = map && map->kind == YAML_MAP ? map->first : NULL; n; n = n->next)
                read_parameter(f, n, sets, set_count);
        check_sets(f, sets, set_count);
        f->r.has_parameters = true;
}

void recipe_file_warn_unused_parameters(const struct recipe_file *f)
{
        for (size_t i = 0; i < f->r.parameter_count; i++)
                if (!f->parameters[i].is_used)
                        diag_warning(f->r.d, reader_at_key(&f->r, f->parameter_node[i]),
                            "parameter '%s' is not used", f->parameters[i].name);
}
