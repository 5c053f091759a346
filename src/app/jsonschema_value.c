/* What single values are in a JSON Schema: patterns of names and quantities, made of the unit table. */
#include "jsonschema_value.h" /* own declarations */

#include "ald/base/text.h" /* text_add */

#include <assert.h> /* assert */
#include <stdint.h> /* uint32_t */
#include <string.h> /* strchr */

#define UNSIGNED  "([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?"
#define NUMBER    "[+-]?" UNSIGNED
#define PARAMETER "\\$.+"

/* ---- Small parts ---- */

json_t *jsonschema_pattern(const struct jsonschema *m, const char *text)
{
        char buf[1200];
        struct text t;

        text_init(&t, buf, sizeof buf);
        text_add(&t, "^(%s%s)$", text, m->has_parameters ? "|" PARAMETER : "");
        assert(!t.truncated);
        return json_pack("{s:s, s:s}", "type", "string", "pattern", buf);
}

json_t *jsonschema_either(json_t *a, json_t *b)
{
        return json_pack("{s:[o, o]}", "anyOf", a, b);
}

/* In a recipe a parameter may stand in the place of any value. */
json_t *jsonschema_or_parameter(const struct jsonschema *m, json_t *schema)
{
        if (!m->has_parameters)
                return schema;
        return jsonschema_either(
            schema, json_pack("{s:s, s:s}", "type", "string", "pattern", "^" PARAMETER "$"));
}

/* A definition that is there already, or NULL and a place for it: one that refers to itself finds that. */
json_t *jsonschema_refer(struct jsonschema *m, const char *name, bool *is_new)
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

void jsonschema_define(struct jsonschema *m, const char *name, json_t *as)
{
        (void)json_object_set_new(m->definitions, name, as);
}

json_t *jsonschema_described(json_t *schema, const char *help)
{
        if (help != NULL)
                (void)json_object_set_new(schema, "description", json_string(help));
        return schema;
}

/* What an editor says of a text that is none, rather than its pattern. */
static void explain(json_t *schema, const char *help)
{
        (void)json_object_set_new(schema, "patternErrorMessage", json_string(help));
}

/* Numbers go to a validator as such, and the pattern is of texts only. */
static void allow_numbers(json_t *schema, const char *type)
{
        (void)json_object_set_new(schema, "type", json_pack("[s, s]", type, "string"));
}

/* ---- Scalars ---- */

json_t *jsonschema_words(const struct jsonschema *m, const struct key_word *word)
{
        json_t *list = json_array(), *schema = json_pack("{s:O}", "enum", list);

        for (; word->name != NULL; word++)
                (void)json_array_append_new(list, json_string(word->name));
        json_decref(list);
        return jsonschema_or_parameter(m, schema);
}

json_t *jsonschema_beginnings(const struct jsonschema *m, const struct key_word *word)
{
        char buf[200];
        struct text t;

        text_init(&t, buf, sizeof buf);
        for (const struct key_word *w = word; w->name != NULL; w++)
                text_add(&t, "%s%s *[^ ].*", w == word ? "" : "|", w->name);
        return jsonschema_pattern(m, buf);
}

/* YAML gives numbers to a validator as such, and texts in quotes as texts: the parser reads both. */
json_t *jsonschema_whole(struct jsonschema *m, double min, double max)
{
        json_t *schema;

        if (min > 0 && !(min < max))
                return json_pack("{s:[I, o]}", "enum", (json_int_t)min, json_sprintf("%lld", (long long)min));
        schema = jsonschema_pattern(m, "[+-]?[0-9]+|0x[0-9A-Fa-f]+");
        allow_numbers(schema, "integer");
        explain(schema, "a whole number, or 0x and hexadecimal digits");
        if (min < max) {
                (void)json_object_set_new(schema, "minimum", json_integer((json_int_t)min));
                (void)json_object_set_new(schema, "maximum", json_integer((json_int_t)max));
        }
        return schema;
}

json_t *jsonschema_number(struct jsonschema *m, double min, double max)
{
        json_t *schema = jsonschema_pattern(m, NUMBER);

        allow_numbers(schema, "number");
        explain(schema, "a number");
        if (min < max) {
                (void)json_object_set_new(schema, "minimum", json_real(min));
                (void)json_object_set_new(schema, "maximum", json_real(max));
        }
        return schema;
}

json_t *jsonschema_identifier(const struct jsonschema *m)
{
        json_t *schema = jsonschema_pattern(m, JSONSCHEMA_NAME);

        explain(schema, "a name: letters, digits, '.', '_' and '-', beginning with a letter");
        return schema;
}

json_t *jsonschema_text(size_t longest)
{
        json_t *schema = json_pack("{s:[s, s, s]}", "type", "string", "number", "boolean");

        if (longest > 0)
                (void)json_object_set_new(schema, "maxLength", json_integer((json_int_t)longest));
        return schema;
}

json_t *jsonschema_bool(const struct jsonschema *m)
{
        json_t *schema = json_pack("{s:[s, s, b, b, s, s]}", "enum", "yes", "no", 1, 0, "true", "false");

        return jsonschema_or_parameter(m, schema);
}

/* ---- Quantities ---- */

/* Sets of dimensions: one bit each. */
_Static_assert(UNIT_DIM_COUNT <= 32, "dimensions fit into a set");

static void add_units(struct text *t, uint32_t dims, const char *between)
{
        size_t shown = 0;

        for (size_t i = 0; unit_at(i) != NULL; i++)
                if (unit_at(i)->name[0] != '\0' && (dims >> unit_at(i)->dim & 1) != 0)
                        text_add(t, "%s%s", shown++ == 0 ? "" : between, unit_at(i)->name);
}

static json_t *make_quantity(const struct jsonschema *m, uint32_t dims, const char *what)
{
        bool has_bare = (dims >> UNIT_DIM_NONE & 1) != 0;
        char buf[1000], help[1000];
        struct text t;
        json_t *schema;

        text_init(&t, buf, sizeof buf);
        text_add(&t, dims == UINT32_C(1) << UNIT_DIM_TIME ? "\\+?" : "[+-]?");
        text_add(&t, "%s *(", UNSIGNED);
        add_units(&t, dims, "|");
        text_add(&t, has_bare ? ")?" : ")");
        assert(!t.truncated);
        schema = jsonschema_pattern(m, buf);
        if (has_bare)
                allow_numbers(schema, "number");
        text_init(&t, help, sizeof help);
        text_add(&t, "%s: a number with %s", what, has_bare ? "or without " : "");
        add_units(&t, dims, ", ");
        explain(schema, help);
        return jsonschema_described(schema, help);
}

/* `what`: "a temperature ramp"; its definition is called after it. */
static json_t *quantity(struct jsonschema *m, uint32_t dims, const char *what)
{
        char name[40];
        bool is_new;
        json_t *schema;

        text_copy(name, sizeof name, strchr(what, ' ') + 1);
        for (char *p = name; *p != '\0'; p++)
                *p = *p == ' ' ? '-' : *p;
        schema = jsonschema_refer(m, name, &is_new);
        if (is_new)
                jsonschema_define(m, name, make_quantity(m, dims, what));
        return schema;
}

json_t *jsonschema_quantity(struct jsonschema *m, enum unit_dim dim)
{
        return quantity(m, UINT32_C(1) << dim, unit_dim_name(dim));
}

json_t *jsonschema_quantities(struct jsonschema *m, enum unit_dim (*of)(enum unit_dim dim), const char *what)
{
        uint32_t dims = 0;

        for (int dim = 0; dim < UNIT_DIM_COUNT; dim++)
                dims |= UINT32_C(1) << (of != NULL ? of((enum unit_dim)dim) : (enum unit_dim)dim);
        if (of == unit_dim_of_rate)
                dims &= ~(UINT32_C(1) << UNIT_DIM_NONE); /* what has no rate */
        return quantity(m, dims, what);
}

json_t *jsonschema_unit_names(void)
{
        json_t *list = json_pack("[s]", "none");

        for (size_t i = 0; unit_at(i) != NULL; i++)
                if (unit_at(i)->name[0] != '\0')
                        (void)json_array_append_new(list, json_string(unit_at(i)->name));
        return json_pack("{s:o}", "enum", list);
}

json_t *jsonschema_value(struct jsonschema *m, bool is_target)
{
        json_t *list = json_pack("[s, s, s, s]", "on", "off", "open", "closed");

        if (is_target) {
                (void)json_array_append_new(list, json_string("safe"));
                (void)json_array_append_new(list, json_string("standby"));
        }
        return jsonschema_either(
            jsonschema_quantities(m, NULL, "an amount"), json_pack("{s:o}", "enum", list));
}
