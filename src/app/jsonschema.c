#include "ald/app/jsonschema.h" /* own declarations */

#include "ald/base/text.h"        /* text_add */
#include "ald/base/unit.h"        /* unit_at */
#include "ald/file/recipe_file.h" /* recipe_file_root_keys, recipe_file_step_keys */
#include "ald/file/tool_file.h"   /* tool_file_root_keys */

#include <assert.h> /* assert */
#include <stdint.h> /* uint32_t */
#include <string.h> /* strcmp */

#define NUMBER    "[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?"
#define NAME      "[A-Za-z][A-Za-z0-9._-]*"
#define PARAMETER "\\$.+"

static const struct schema {
        const char *name, *title;
        const struct keys *keys, *lent; /* lent: keys that it has besides, none required */
        bool has_parameters;
} schemas[] = {
    {"recipe", "a recipe: man ald-recipe", &recipe_file_root_keys, NULL, true},
    {"blocks", "blocks that a recipe includes: man ald-recipe", &recipe_file_include_keys, NULL, true},
    {"tool", "a tool file: man ald-tool", &tool_file_root_keys, NULL, false},
    {"profile", "a device profile: man ald-tool", &tool_file_profile_keys, &tool_file_device_keys, false},
};
enum { SCHEMAS = sizeof schemas / sizeof schemas[0] };

struct make {
        const struct schema *schema;
        json_t *definitions;
};

static json_t *of_shape(struct make *m, const struct shape *shape);

/* ---- Small parts ---- */

static json_t *pattern(const struct make *m, const char *text)
{
        char buf[1200];
        struct text t;

        text_init(&t, buf, sizeof buf);
        text_add(&t, "^(%s%s)$", text, m->schema->has_parameters ? "|" PARAMETER : "");
        assert(!t.truncated);
        return json_pack("{s:s, s:s}", "type", "string", "pattern", buf);
}

static json_t *either(json_t *a, json_t *b)
{
        return json_pack("{s:[o, o]}", "anyOf", a, b);
}

/* In a recipe a parameter may stand in the place of any value. */
static json_t *or_parameter(const struct make *m, json_t *schema)
{
        if (!m->schema->has_parameters)
                return schema;
        return either(schema, json_pack("{s:s, s:s}", "type", "string", "pattern", "^" PARAMETER "$"));
}

/* A definition that is there already, or NULL and a place for it: one that refers to itself finds that. */
static json_t *refer(struct make *m, const char *name, bool *is_new)
{
        char path[100];
        struct text t;

        *is_new = json_object_get(m->definitions, name) == NULL;
        if (*is_new)
                (void)json_object_set_new(m->definitions, name, json_object());
        text_init(&t, path, sizeof path);
        text_add(&t, "#/definitions/%s", name);
        return json_pack("{s:s}", "$ref", path);
}

static void define(struct make *m, const char *name, json_t *as)
{
        (void)json_object_set_new(m->definitions, name, as);
}

static json_t *described(json_t *schema, const char *help)
{
        if (help != NULL)
                (void)json_object_set_new(schema, "description", json_string(help));
        return schema;
}

/* ---- Scalars ---- */

static json_t *words(const struct make *m, const struct key_word *word)
{
        json_t *list = json_array(), *schema = json_pack("{s:O}", "enum", list);

        for (; word->name != NULL; word++)
                (void)json_array_append_new(list, json_string(word->name));
        json_decref(list);
        return or_parameter(m, schema);
}

static json_t *beginnings(const struct make *m, const struct key_word *word)
{
        char buf[200];
        struct text t;

        text_init(&t, buf, sizeof buf);
        for (const struct key_word *w = word; w->name != NULL; w++)
                text_add(&t, "%s%s *[^ ].*", w == word ? "" : "|", w->name);
        return pattern(m, buf);
}

/* YAML gives numbers to a validator as such, and texts in quotes as texts: the parser reads both. */
static json_t *whole(struct make *m, double min, double max)
{
        json_t *number = json_pack("{s:s}", "type", "integer");

        if (min < max) {
                (void)json_object_set_new(number, "minimum", json_integer((json_int_t)min));
                (void)json_object_set_new(number, "maximum", json_integer((json_int_t)max));
        }
        if (min > 0 && !(min < max)) {
                json_decref(number);
                return json_pack("{s:[I, o]}", "enum", (json_int_t)min, json_sprintf("%.0f", min));
        }
        return either(number, pattern(m, "[+-]?[0-9]+|0x[0-9A-Fa-f]+"));
}

static json_t *number(struct make *m, double min, double max)
{
        json_t *schema = json_pack("{s:s}", "type", "number");

        if (min < max) {
                (void)json_object_set_new(schema, "minimum", json_real(min));
                (void)json_object_set_new(schema, "maximum", json_real(max));
        }
        return either(schema, pattern(m, NUMBER));
}

static json_t *text_schema(size_t longest)
{
        json_t *schema = json_pack("{s:[s, s, s]}", "type", "string", "number", "boolean");

        if (longest > 0)
                (void)json_object_set_new(schema, "maxLength", json_integer((json_int_t)longest));
        return schema;
}

static json_t *yes_or_no(const struct make *m)
{
        json_t *schema = json_pack("{s:[s, s, b, b, s, s]}", "enum", "yes", "no", 1, 0, "true", "false");

        return or_parameter(m, schema);
}

/* ---- Quantities ---- */

#define dim_set uint32_t

static void add_units(struct text *t, dim_set dims, const char *between)
{
        size_t shown = 0;

        for (size_t i = 0; unit_at(i) != NULL; i++)
                if (unit_at(i)->name[0] != '\0' && (dims >> unit_at(i)->dim & 1) != 0)
                        text_add(t, "%s%s", shown++ == 0 ? "" : between, unit_at(i)->name);
}

static json_t *make_quantity(const struct make *m, dim_set dims, const char *what)
{
        bool has_bare = (dims >> UNIT_DIM_NONE & 1) != 0;
        char buf[1000], help[1000];
        struct text t;
        json_t *schema;

        text_init(&t, buf, sizeof buf);
        text_add(&t, dims == (dim_set)1 << UNIT_DIM_TIME ? "\\+?" : "[+-]?");
        text_add(&t, "%s *(", NUMBER + strlen("[+-]?"));
        add_units(&t, dims, "|");
        text_add(&t, has_bare ? ")?" : ")");
        assert(!t.truncated);
        schema = has_bare ? either(json_pack("{s:s}", "type", "number"), pattern(m, buf)) : pattern(m, buf);
        text_init(&t, help, sizeof help);
        text_add(&t, "%s: a number with %s", what, has_bare ? "or without " : "");
        add_units(&t, dims, ", ");
        return described(schema, help);
}

/* `what`: "a temperature ramp"; its definition is called after it. */
static json_t *quantity(struct make *m, dim_set dims, const char *what)
{
        char name[40];
        bool is_new;
        json_t *schema;

        text_copy(name, sizeof name, strchr(what, ' ') + 1);
        for (char *p = name; *p != '\0'; p++)
                *p = *p == ' ' ? '-' : *p;
        schema = refer(m, name, &is_new);
        if (is_new)
                define(m, name, make_quantity(m, dims, what));
        return schema;
}

static json_t *of_dim(struct make *m, enum unit_dim dim)
{
        return quantity(m, (dim_set)1 << dim, unit_dim_name(dim));
}

static json_t *of_many(struct make *m, enum unit_dim (*of)(enum unit_dim dim), const char *what)
{
        dim_set dims = 0;

        for (int dim = 0; dim < UNIT_DIM_COUNT; dim++)
                dims |= (dim_set)1 << (of != NULL ? of((enum unit_dim)dim) : (enum unit_dim)dim);
        if (of == unit_dim_of_rate)
                dims &= ~((dim_set)1 << UNIT_DIM_NONE); /* what has no rate */
        return quantity(m, dims, what);
}

static json_t *unit_names(void)
{
        json_t *list = json_pack("[s]", "none");

        for (size_t i = 0; unit_at(i) != NULL; i++)
                if (unit_at(i)->name[0] != '\0')
                        (void)json_array_append_new(list, json_string(unit_at(i)->name));
        return json_pack("{s:o}", "enum", list);
}

static json_t *value(struct make *m, bool is_target)
{
        json_t *list = json_pack("[s, s, s, s]", "on", "off", "open", "closed");

        if (is_target) {
                (void)json_array_append_new(list, json_string("safe"));
                (void)json_array_append_new(list, json_string("standby"));
        }
        return either(of_many(m, NULL, "an amount"), json_pack("{s:o}", "enum", list));
}

/* ---- Keys ---- */

static json_t *of_kind(struct make *m, const struct key *key)
{
        switch (key->kind) {
        case KEY_NODE:
                break;
        case KEY_WORDS:
                return text_schema(key->size - 1);
        case KEY_NAME:
                return pattern(m, NAME);
        case KEY_BOOL:
                return yes_or_no(m);
        case KEY_INT:
                return whole(m, key->min, key->max);
        case KEY_NUMBER:
                return number(m, key->min, key->max);
        case KEY_TIME:
                return of_dim(m, UNIT_DIM_TIME);
        case KEY_QUANTITY:
                return of_dim(m, unit_find(key->unit)->dim);
        case KEY_WORD:
                return words(m, key->words);
        }
        assert(false && "what is read by hand says what it holds");
        return NULL;
}

static json_t *of_key(struct make *m, const struct key *key)
{
        return described(key->holds != NULL ? of_shape(m, key->holds) : of_kind(m, key), key->help);
}

static json_t *required(const char *const *names)
{
        json_t *list = json_array();

        for (; *names != NULL; names++)
                (void)json_array_append_new(list, json_string(*names));
        return json_pack("{s:o}", "required", list);
}

/* Of those that are required: the ones that a lender may give, or the others. */
static json_t *list_required(const struct keys *keys, bool is_lent)
{
        json_t *list = json_array();

        for (size_t i = 0; i < keys->count; i++)
                if (keys->row[i].required && (keys->lender != NULL && !keys->row[i].is_own) == is_lent)
                        (void)json_array_append_new(list, json_string(keys->row[i].name));
        return list;
}

static json_t *one_case(const struct keys_case *c)
{
        const char *const needs[] = {c->key, c->needs, NULL};
        json_t *schema = required(needs), *foreign = json_array();

        for (const char *const *name = c->foreign; *name != NULL; name++)
                (void)json_array_append_new(foreign, required((const char *const[]){*name, NULL}));
        (void)json_object_set_new(schema, "not", json_pack("{s:o}", "anyOf", foreign));
        return schema;
}

static void add_rules(json_t *schema, const struct keys *keys)
{
        json_t *lent = list_required(keys, true), *cases = json_array();

        (void)json_object_set_new(schema, "required", list_required(keys, false));
        if (json_array_size(lent) > 0)
                (void)json_object_set_new(schema, "anyOf",
                    json_pack("[{s:[s]}, {s:O}]", "required", keys->lender, "required", lent));
        json_decref(lent);
        for (const struct keys_case *c = keys->cases; c != NULL && c->key != NULL; c++)
                (void)json_array_append_new(cases, one_case(c));
        if (json_array_size(cases) > 0)
                (void)json_object_set(schema, "oneOf", cases);
        json_decref(cases);
}

static json_t *object(const char *title)
{
        return json_pack("{s:s, s:s, s:b, s:{}}", "title", title, "type", "object", "additionalProperties", 0,
            "properties");
}

static void add_keys(struct make *m, json_t *schema, const struct keys *keys, bool only_lent)
{
        json_t *properties = json_object_get(schema, "properties");

        for (size_t i = 0; i < keys->count; i++)
                if (!only_lent || !keys->row[i].is_own)
                        (void)json_object_set_new(properties, keys->row[i].name, of_key(m, &keys->row[i]));
}

static json_t *of_keys(struct make *m, const char *kind, const struct keys *keys, bool only_lent)
{
        char name[80];
        struct text t;
        bool is_new;
        json_t *schema, *made;

        text_init(&t, name, sizeof name);
        text_add(&t, "%s.%s", kind, keys->what);
        for (char *p = name; *p != '\0'; p++)
                *p = *p == ' ' ? '-' : *p;
        schema = refer(m, name, &is_new);
        if (!is_new)
                return schema;
        made = object(keys->what);
        add_keys(m, made, keys, only_lent);
        if (!only_lent)
                add_rules(made, keys);
        define(m, name, made);
        return schema;
}

/* ---- Shapes ---- */

/* One form of a mapping, which the word at the key `by` tells. */
static json_t *one_form(struct make *m, const struct shape *shape, const struct key_word *word)
{
        const struct keys *keys = shape->forms[word->value];
        char name[80];
        struct text t;
        bool is_new;
        json_t *schema, *made;

        text_init(&t, name, sizeof name);
        text_add(&t, "%s.%s", shape->by, word->name);
        schema = refer(m, name, &is_new);
        if (!is_new)
                return schema;
        made = object(word->name);
        add_keys(m, made, keys, false);
        add_rules(made, keys);
        (void)json_object_set_new(json_object_get(made, "properties"), shape->by,
            described(json_pack("{s:s}", "const", word->name), "what it is"));
        define(m, name, made);
        return schema;
}

static json_t *forms(struct make *m, const struct shape *shape)
{
        json_t *list = json_array();

        for (const struct key_word *word = shape->words; word->name != NULL; word++)
                (void)json_array_append_new(list, one_form(m, shape, word));
        return json_pack("{s:s, s:[s], s:o}", "type", "object", "required", shape->by, "anyOf", list);
}

static void set_bounds(json_t *schema, const struct shape *shape, const char *min, const char *max)
{
        if (shape->min > 0)
                (void)json_object_set_new(schema, min, json_integer(shape->min));
        if (shape->max > 0)
                (void)json_object_set_new(schema, max, json_integer(shape->max));
}

static json_t *map_of(struct make *m, const struct shape *shape)
{
        json_t *schema =
            json_pack("{s:s, s:o}", "type", "object", "additionalProperties", of_shape(m, shape->of));

        if (!shape->is_free)
                (void)json_object_set_new(
                    schema, "propertyNames", json_pack("{s:s}", "pattern", "^" NAME "$"));

        set_bounds(schema, shape, "minProperties", "maxProperties");
        return schema;
}

static json_t *list_of(struct make *m, const struct shape *shape)
{
        json_t *schema = json_pack("{s:s, s:o}", "type", "array", "items", of_shape(m, shape->of));

        set_bounds(schema, shape, "minItems", "maxItems");
        return schema;
}

static json_t *steps(struct make *m)
{
        bool is_new;
        json_t *schema = refer(m, "steps", &is_new), *list;

        if (!is_new)
                return schema;
        list = json_array();
        for (size_t i = 0; recipe_file_step_keys(i) != NULL; i++)
                (void)json_array_append_new(list, of_keys(m, "step", recipe_file_step_keys(i), false));
        define(m, "steps",
            json_pack("{s:s, s:s, s:i, s:{s:s, s:o}}", "description", "steps, one behind the other", "type",
                "array", "minItems", 1, "items", "type", "object", "anyOf", list));
        return schema;
}

static json_t *condition(void)
{
        return json_pack("{s:s, s:i, s:s}", "type", "string", "minLength", 1, "title",
            "a condition: TAG < VALUE, TAG within VALUE of VALUE, settled, and, or, not ...");
}

static json_t *of_shape(struct make *m, const struct shape *shape)
{
        switch (shape->kind) {
        case SHAPE_TEXT:
                return text_schema(0);
        case SHAPE_NAME:
                return pattern(m, NAME);
        case SHAPE_CONDITION:
                return condition();
        case SHAPE_UNIT:
                return unit_names();
        case SHAPE_BEGIN:
                return beginnings(m, shape->words);
        case SHAPE_WORD:
                return words(m, shape->words);
        case SHAPE_INT:
                return whole(m, (double)shape->min, (double)shape->max);
        case SHAPE_NUMBER:
                return number(m, 0, 0);
        case SHAPE_TIME:
                return of_dim(m, UNIT_DIM_TIME);
        case SHAPE_QUANTITY:
                return of_dim(m, unit_find(shape->unit)->dim);
        case SHAPE_AMOUNT:
                return of_many(m, NULL, "an amount");
        case SHAPE_SPAN:
                return of_many(m, unit_dim_of_difference, "a difference");
        case SHAPE_RATE:
                return of_many(m, unit_dim_of_rate, "a rate");
        case SHAPE_VALUE:
        case SHAPE_TARGET:
                return value(m, shape->kind == SHAPE_TARGET);
        case SHAPE_KEYS:
        case SHAPE_LENT:
                return of_keys(m, "keys", shape->keys, shape->kind == SHAPE_LENT);
        case SHAPE_FORMS:
                return forms(m, shape);
        case SHAPE_MAP:
                return map_of(m, shape);
        case SHAPE_LIST:
                return list_of(m, shape);
        case SHAPE_STEPS:
                return steps(m);
        case SHAPE_EITHER:
                return either(of_shape(m, shape->of), of_shape(m, shape->or_else));
        case SHAPE_NOTHING:
                return json_pack("{s:{}}", "not");
        }
        assert(false && "every shape has its schema");
        return NULL;
}

/* ---- The whole ---- */

const char *jsonschema_name(size_t i)
{
        return i < SCHEMAS ? schemas[i].name : NULL;
}

static json_t *make(const struct schema *schema)
{
        struct make m = {schema, json_object()};
        json_t *root = json_pack("{s:s}", "$schema", "http://json-schema.org/draft-07/schema#"),
               *body = object(schema->title);

        add_keys(&m, body, schema->keys, false);
        if (schema->lent != NULL)
                add_keys(&m, body, schema->lent, true);
        add_rules(body, schema->keys);
        (void)json_object_update(root, body);
        json_decref(body);
        (void)json_object_set_new(root, "definitions", m.definitions);
        return root;
}

json_t *jsonschema_make(const char *name)
{
        for (size_t i = 0; i < SCHEMAS; i++)
                if (strcmp(schemas[i].name, name) == 0)
                        return make(&schemas[i]);
        return NULL;
}
