#include "ald/control/params.h"

#include "ald/base/text.h" /* text_nearest, text_copy */

#include <assert.h> /* assert */
#include <stdio.h>  /* snprintf */
#include <string.h> /* strcmp */

static const char *type_words(enum verb_arg_type type)
{
        switch (type) {
        case VERB_ARG_TEXT:
        case VERB_ARG_OPTION:
                return "text";
        case VERB_ARG_TIME:
                return "a time with its unit, as text";
        case VERB_ARG_MASS:
                return "a mass with its unit, as text";
        case VERB_ARG_OUTPUT:
        case VERB_ARG_INPUT:
                return "a name";
        case VERB_ARG_VALUE:
                return "a value with its unit, as text";
        case VERB_ARG_BOOL:
                return "true or false";
        case VERB_ARG_INT:
                return "a whole number";
        case VERB_ARG_MAP:
                return "an object of names with texts or whole numbers";
        }
        assert(false && "every type has its words");
        return "";
}

static size_t arg_count(const struct verb_entry *verb)
{
        size_t n = 0;

        while (n < VERB_ARGS_MAX && verb->args[n].name != NULL)
                n++;
        return n;
}

static const char *arg_name(const void *ctx, size_t i)
{
        return ((const struct verb_entry *)ctx)->args[i].name;
}

static const struct verb_arg *arg_find(const struct verb_entry *verb, const char *name)
{
        for (size_t i = 0; i < arg_count(verb); i++)
                if (strcmp(verb->args[i].name, name) == 0)
                        return &verb->args[i];
        return NULL;
}

static bool refuse_unknown(const struct verb_entry *verb, const char *name, struct params_fault *fault)
{
        const char *near = text_nearest(name, arg_name, verb, arg_count(verb));
        struct text t;

        text_init(&t, fault->expected, sizeof fault->expected);
        for (size_t i = 0; i < arg_count(verb); i++)
                text_add(&t, "%s%s", i > 0 ? ", " : "", verb->args[i].name);
        if (t.len == 0)
                text_add(&t, "no arguments");
        (void)snprintf(fault->argument, sizeof fault->argument, "%.60s", name);
        text_init(&t, fault->text, sizeof fault->text);
        text_add(&t, "%s: unknown argument '%.60s'", verb->name, name);
        if (near != NULL)
                text_add(&t, "; did you mean '%s'?", near);
        else
                text_add(&t, "; it takes %s", fault->expected);
        return false;
}

static bool refuse_value(
    const struct verb_entry *verb, const struct verb_arg *arg, const char *what, struct params_fault *fault)
{
        text_copy(fault->argument, sizeof fault->argument, arg->name);
        text_copy(fault->expected, sizeof fault->expected, type_words(arg->type));
        (void)snprintf(fault->text, sizeof fault->text, "%s: argument '%s' %s: %s wanted (%s)", verb->name,
            arg->name, what, fault->expected, arg->help);
        return false;
}

static bool map_fits(json_t *map)
{
        const char *key;
        json_t *value;

        if (!json_is_object(map) || json_object_size(map) > PARAMS_MAP_MAX)
                return false;
        json_object_foreach(
            map, key, value) if (!json_is_string(value) && !json_is_integer(value)) return false;
        return true;
}

static bool type_fits(enum verb_arg_type type, json_t *value)
{
        switch (type) {
        case VERB_ARG_TEXT:
        case VERB_ARG_OPTION:
        case VERB_ARG_TIME:
        case VERB_ARG_MASS:
        case VERB_ARG_OUTPUT:
        case VERB_ARG_INPUT:
        case VERB_ARG_VALUE:
                return json_is_string(value);
        case VERB_ARG_BOOL:
                return json_is_boolean(value);
        case VERB_ARG_INT:
                return json_is_integer(value);
        case VERB_ARG_MAP:
                return map_fits(value);
        }
        return false;
}

bool params_check(const struct verb_entry *verb, json_t *params, struct params_fault *fault)
{
        const char *key;
        json_t *value;

        assert(verb != NULL);
        *fault = (struct params_fault){.text = ""};
        json_object_foreach(params, key, value)
        {
                const struct verb_arg *arg = arg_find(verb, key);
                if (arg == NULL)
                        return refuse_unknown(verb, key, fault);
                if (!type_fits(arg->type, value))
                        return refuse_value(verb, arg, "does not fit", fault);
        }
        for (size_t i = 0; i < arg_count(verb); i++)
                if (verb->args[i].required && json_object_get(params, verb->args[i].name) == NULL)
                        return refuse_value(verb, &verb->args[i], "is missing", fault);
        return true;
}

const char *params_text(json_t *params, const char *name)
{
        const char *text = json_string_value(json_object_get(params, name));

        return text != NULL ? text : "";
}

bool params_bool(json_t *params, const char *name)
{
        return json_is_true(json_object_get(params, name));
}

json_int_t params_int(json_t *params, const char *name)
{
        return json_integer_value(json_object_get(params, name));
}

void params_read_map(json_t *params, const char *name, struct params_map *out)
{
        json_t *map = json_object_get(params, name);
        const char *key;
        json_t *value;

        out->count = 0;
        json_object_foreach(map, key, value)
        {
                size_t i = out->count++;
                assert(i < PARAMS_MAP_MAX);
                out->names[i] = key;
                out->values[i] = json_string_value(value);
                if (out->values[i] == NULL) {
                        (void)snprintf(out->digits[i], sizeof out->digits[i], "%lld",
                            (long long)json_integer_value(value));
                        out->values[i] = out->digits[i];
                }
        }
}
