#include "ald/app/jsonschema.h" /* own declarations */

#include "ald/base/text.h"        /* text_add */
#include "ald/base/unit.h"        /* unit_find */
#include "ald/file/recipe_file.h" /* recipe_file_root_keys, recipe_file_step_keys */
#include "ald/file/tool_file.h"   /* tool_file_root_keys */
#include "jsonschema_value.h"     /* jsonschema_* */

#include <assert.h> /* assert */
#include <string.h> /* strcmp */

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

static json_t *of_shape(struct jsonschema *m, const struct shape *shape);

/* ---- Keys ---- */

static json_t *of_kind(struct jsonschema *m, const struct key *key)
{
        switch (key->kind) {
        case KEY_NODE:
                break;
        case KEY_WORDS:
                return jsonschema_text(key->size - 1);
        case KEY_NAME:
                return jsonschema_identifier(m);
        case KEY_BOOL:
                return jsonschema_bool(m);
        case KEY_INT:
                return jsonschema_whole(m, key->min, key->max);
        case KEY_NUMBER:
                return jsonschema_number(m, key->min, key->max);
        case KEY_TIME:
                return jsonschema_quantity(m, UNIT_DIM_TIME);
        case KEY_QUANTITY:
                return jsonschema_quantity(m, unit_find(key->unit)->dim);
        case KEY_WORD:
                return jsonschema_words(m, key->words);
        }
        assert(false && "what is read by hand says what it holds");
        return NULL;
}

static json_t *of_key(struct jsonschema *m, const struct key *key)
{
        return jsonschema_described(
            key->holds != NULL ? of_shape(m, key->holds) : of_kind(m, key), key->help);
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

static void add_keys(struct jsonschema *m, json_t *schema, const struct keys *keys, bool only_lent)
{
        json_t *properties = json_object_get(schema, "properties");

        for (size_t i = 0; i < keys->count; i++)
                if (!only_lent || !keys->row[i].is_own)
                        (void)json_object_set_new(properties, keys->row[i].name, of_key(m, &keys->row[i]));
}

static json_t *of_keys(struct jsonschema *m, const char *kind, const struct keys *keys, bool only_lent)
{
        char name[80];
        struct text t;
        bool is_new;
        json_t *schema, *made;

        text_init(&t, name, sizeof name);
        text_add(&t, "%s.%s", kind, keys->what);
        for (char *p = name; *p != '\0'; p++)
                *p = *p == ' ' ? '-' : *p;
        schema = jsonschema_refer(m, name, &is_new);
        if (!is_new)
                return schema;
        made = object(keys->what);
        add_keys(m, made, keys, only_lent);
        if (!only_lent)
                add_rules(made, keys);
        jsonschema_define(m, name, made);
        return schema;
}

/* ---- Shapes ---- */

/* One form of a mapping, which the word at the key `by` tells. */
static json_t *one_form(struct jsonschema *m, const struct shape *shape, const struct key_word *word)
{
        const struct keys *keys = shape->forms[word->value];
        char name[80];
        struct text t;
        bool is_new;
        json_t *schema, *made;

        text_init(&t, name, sizeof name);
        text_add(&t, "%s.%s", shape->by, word->name);
        schema = jsonschema_refer(m, name, &is_new);
        if (!is_new)
                return schema;
        made = object(word->name);
        add_keys(m, made, keys, false);
        add_rules(made, keys);
        (void)json_object_set_new(json_object_get(made, "properties"), shape->by,
            jsonschema_described(json_pack("{s:s}", "const", word->name), "what it is"));
        jsonschema_define(m, name, made);
        return schema;
}

static json_t *forms(struct jsonschema *m, const struct shape *shape)
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

static json_t *map_of(struct jsonschema *m, const struct shape *shape)
{
        bool is_known = m->tool != NULL && shape->of->kind == SHAPE_TARGET;
        json_t *schema = is_known ? jsonschema_tool_outputs(m)
                                  : json_pack("{s:s, s:o}", "type", "object", "additionalProperties",
                                        of_shape(m, shape->of));

        if (!shape->is_free && !is_known)
                (void)json_object_set_new(
                    schema, "propertyNames", json_pack("{s:s}", "pattern", "^" JSONSCHEMA_NAME "$"));

        set_bounds(schema, shape, "minProperties", "maxProperties");
        return schema;
}

static json_t *list_of(struct jsonschema *m, const struct shape *shape)
{
        json_t *schema = json_pack("{s:s, s:o}", "type", "array", "items", of_shape(m, shape->of));

        set_bounds(schema, shape, "minItems", "maxItems");
        return schema;
}

static json_t *steps(struct jsonschema *m)
{
        bool is_new;
        json_t *schema = jsonschema_refer(m, "steps", &is_new), *list;

        if (!is_new)
                return schema;
        list = json_array();
        for (size_t i = 0; recipe_file_step_keys(i) != NULL; i++)
                (void)json_array_append_new(list, of_keys(m, "step", recipe_file_step_keys(i), false));
        jsonschema_define(m, "steps",
            json_pack("{s:s, s:s, s:i, s:{s:s, s:o}}", "description", "steps, one behind the other", "type",
                "array", "minItems", 1, "items", "type", "object", "anyOf", list));
        return schema;
}

static json_t *condition(void)
{
        return json_pack("{s:s, s:i, s:s}", "type", "string", "minLength", 1, "title",
            "a condition: TAG < VALUE, TAG within VALUE of VALUE, settled, and, or, not ...");
}

static json_t *of_shape(struct jsonschema *m, const struct shape *shape)
{
        switch (shape->kind) {
        case SHAPE_TEXT:
                return jsonschema_text(0);
        case SHAPE_NAME:
                return jsonschema_identifier(m);
        case SHAPE_LINE:
        case SHAPE_VALVE:
        case SHAPE_LOOP:
                return m->tool != NULL ? jsonschema_tool_names(m, shape->kind) : jsonschema_identifier(m);
        case SHAPE_CONDITION:
                return condition();
        case SHAPE_UNIT:
                return jsonschema_unit_names();
        case SHAPE_BEGIN:
                return jsonschema_beginnings(m, shape->words);
        case SHAPE_WORD:
                return jsonschema_words(m, shape->words);
        case SHAPE_INT:
                return jsonschema_whole(m, (double)shape->min, (double)shape->max);
        case SHAPE_NUMBER:
                return jsonschema_number(m, 0, 0);
        case SHAPE_TIME:
                return jsonschema_quantity(m, UNIT_DIM_TIME);
        case SHAPE_QUANTITY:
                return jsonschema_quantity(m, unit_find(shape->unit)->dim);
        case SHAPE_AMOUNT:
                return jsonschema_quantities(m, NULL, "an amount");
        case SHAPE_SPAN:
                return jsonschema_quantities(m, unit_dim_of_difference, "a difference");
        case SHAPE_RATE:
                return jsonschema_quantities(m, unit_dim_of_rate, "a rate");
        case SHAPE_VALUE:
        case SHAPE_TARGET:
                return jsonschema_value(m, shape->kind == SHAPE_TARGET);
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
                return jsonschema_either(of_shape(m, shape->of), of_shape(m, shape->or_else));
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

/* A recipe is for one tool. */
static void name_tool(json_t *schema, const struct tool *tool)
{
        json_t *key = json_object_get(json_object_get(schema, "properties"), "tool");

        (void)json_object_set_new(key, "const", json_string(tool->name));
}

static json_t *make(const struct schema *schema, const struct tool *tool)
{
        struct jsonschema m = {schema->has_parameters, json_object(), schema->has_parameters ? tool : NULL};
        json_t *root = json_pack("{s:s}", "$schema", "http://json-schema.org/draft-07/schema#"),
               *body = object(schema->title);

        add_keys(&m, body, schema->keys, false);
        if (schema->lent != NULL)
                add_keys(&m, body, schema->lent, true);
        add_rules(body, schema->keys);
        if (m.tool != NULL && schema->keys == &recipe_file_root_keys)
                name_tool(body, m.tool);
        (void)json_object_update(root, body);
        json_decref(body);
        (void)json_object_set_new(root, "definitions", m.definitions);
        return root;
}

json_t *jsonschema_make(const char *name, const struct tool *tool)
{
        for (size_t i = 0; i < SCHEMAS; i++)
                if (strcmp(schemas[i].name, name) == 0)
                        return make(&schemas[i], tool);
        return NULL;
}
