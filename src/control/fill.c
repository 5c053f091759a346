#include "ald/control/fill.h"

#include "ald/base/text.h" /* text_nearest, text_copy, text_clean */
#include "ald/base/unit.h" /* unit_parse, unit_parse_time */

#include <assert.h> /* assert */
#include <stddef.h> /* offsetof */
#include <stdio.h>  /* snprintf */
#include <string.h> /* strcmp, memcpy */

/* ---- Where texts and switches go ---- */

static const struct {
        const char *arg;
        size_t offset, size; /* size 0: it has no place in the command */
} texts[] = {
    {"recipe", 0, 0}, /* compiled before */
    {"alarm", offsetof(struct command, name), sizeof((struct command *)0)->name},
    {"action", offsetof(struct command, name), sizeof((struct command *)0)->name},
    {"to", offsetof(struct command, to), sizeof((struct command *)0)->to},
    {"lot", offsetof(struct command, reason), sizeof((struct command *)0)->reason},
    {"reason", offsetof(struct command, reason), sizeof((struct command *)0)->reason},
};

static const struct {
        const char *arg;
        size_t offset;
} switches[] = {
    {"now", offsetof(struct command, now)},
    {"repeat", offsetof(struct command, repeat)},
    {"skip", offsetof(struct command, skip)},
    {"after_cycle", offsetof(struct command, after_cycle)},
    {"force", offsetof(struct command, force)},
};

/* ---- Refusals ---- */

static struct text begin_fault(
    const struct verb_entry *verb, const struct verb_arg *arg, struct params_fault *fault)
{
        struct text t;

        text_copy(fault->argument, sizeof fault->argument, arg->name);
        text_copy(fault->expected, sizeof fault->expected, arg->help);
        text_init(&t, fault->text, sizeof fault->text);
        text_add(&t, "%s: ", verb->name);
        return t;
}

static const char *output_name(const void *tool, size_t i)
{
        return tool_output_name(tool, i);
}

/* ---- One argument of each type ---- */

struct filling {
        const struct tool *tool;
        const struct verb_entry *verb;
        const struct verb_arg *arg;
        const char *text;
        struct command *c;
        struct params_fault *fault;
};

static bool take_text(const struct filling *f)
{
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
                char *to = (char *)f->c + texts[i].offset;

                if (strcmp(texts[i].arg, f->arg->name) != 0)
                        continue;
                if (texts[i].size == 0 || text_copy(to, texts[i].size, f->text)) {
                        if (texts[i].size != 0)
                                text_clean(to);
                        return true;
                }
                struct text t = begin_fault(f->verb, f->arg, f->fault);
                text_add(&t, "%s is longer than %zu bytes", f->arg->name, texts[i].size - 1);
                return false;
        }
        assert(false && "every text has its place");
        return false;
}

static bool take_switch(const struct filling *f, bool value)
{
        for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
                if (strcmp(switches[i].arg, f->arg->name) == 0) {
                        memcpy((char *)f->c + switches[i].offset, &value, sizeof value);
                        return true;
                }
        assert(false && "every switch has its place");
        return false;
}

static bool take_time(const struct filling *f)
{
        enum unit_status status = unit_parse_time(f->text, &f->c->for_us);
        struct text t;

        if (status == UNIT_OK && f->c->for_us > 0)
                return true;
        t = begin_fault(f->verb, f->arg, f->fault);
        if (status == UNIT_OK)
                text_add(&t, "'%.40s' is no time to speak of", f->text);
        else
                unit_explain(&t, status, f->text, UNIT_DIM_TIME);
        return false;
}

static bool take_mass(const struct filling *f)
{
        const struct unit *unit = NULL;
        double value = 0;
        enum unit_status status = unit_parse(f->text, UNIT_DIM_MASS, &value, &unit);
        struct text t;

        if (status == UNIT_OK)
                f->c->value = unit_convert(value, unit, unit_find("g"));
        if (status == UNIT_OK && f->c->value > 0 && f->c->value <= 1e6)
                return true;
        t = begin_fault(f->verb, f->arg, f->fault);
        if (status == UNIT_OK)
                text_add(&t, "'%.40s' is not the content of a bottle", f->text);
        else
                unit_explain(&t, status, f->text, UNIT_DIM_MASS);
        return false;
}

/* A loop of that name: it is moved by the tag of its value. NULL: none. */
static const char *loop_tag(const struct tool *tool, const char *name)
{
        for (int i = 0; i < tool->loop_count; i++)
                if (strcmp(tool->loops[i].name, name) == 0)
                        return tool->tags[tool->loops[i].value].name;
        return NULL;
}

static bool take_output(const struct filling *f)
{
        int tag = tool_find_output(f->tool, f->text);
        const char *near;
        struct text t;

        f->c->tag = (int16_t)tag;
        if (tag >= 0)
                return true;
        near = loop_tag(f->tool, f->text);
        if (near == NULL)
                near = text_nearest(f->text, output_name, f->tool, tool_output_names(f->tool));
        t = begin_fault(f->verb, f->arg, f->fault);
        if (tool_find_tag(f->tool, f->text) >= 0)
                text_add(&t, "'%.60s' is read only: it has no set-point", f->text);
        else
                text_add(&t, "no output named '%.60s'", f->text);
        if (near != NULL)
                text_add(&t, "; did you mean '%s'?", near);
        else
                text_add(&t, "; `aldctl tags` lists them");
        return false;
}

static const char *tag_name(const void *tool, size_t i)
{
        return ((const struct tool *)tool)->tags[i].name;
}

static bool take_input(const struct filling *f)
{
        int tag = tool_find_tag(f->tool, f->text);
        const char *near;
        struct text t;

        if (tag >= 0 && !f->tool->tags[tag].is_output) {
                f->c->tag = (int16_t)tag;
                return true;
        }
        near = text_nearest(f->text, tag_name, f->tool, (size_t)f->tool->tag_count);
        t = begin_fault(f->verb, f->arg, f->fault);
        if (tag >= 0)
                text_add(&t, "'%.60s' is an output", f->text);
        else
                text_add(&t, "no input named '%.60s'%s%s%s", f->text, near != NULL ? "; did you mean '" : "",
                    near != NULL ? near : "", near != NULL ? "'?" : "");
        return false;
}

/* A value of the output that an argument before it named. */
static bool take_value(const struct filling *f)
{
        const struct tool_tag *tag;
        struct text t;

        assert(f->c->tag >= 0);
        tag = &f->tool->tags[f->c->tag];
        if (strcmp(f->text, "safe") == 0) {
                f->c->value = tag->safe;
                return true;
        }
        if (strcmp(f->text, "standby") == 0) {
                f->c->value = tag->image[TOOL_IMAGE_STANDBY].value;
                return true;
        }
        t = begin_fault(f->verb, f->arg, f->fault);
        if (!tool_read_value(tag, f->text, &f->c->value, &t)) {
                text_add(&t, ", or safe or standby");
                return false;
        }
        return true;
}

static bool take(const struct filling *f)
{
        switch (f->arg->type) {
        case VERB_ARG_TEXT:
        case VERB_ARG_OPTION:
                return take_text(f);
        case VERB_ARG_TIME:
                return take_time(f);
        case VERB_ARG_MASS:
                return take_mass(f);
        case VERB_ARG_OUTPUT:
                return take_output(f);
        case VERB_ARG_INPUT:
                return take_input(f);
        case VERB_ARG_VALUE:
                return take_value(f);
        case VERB_ARG_BOOL:
        case VERB_ARG_INT:
        case VERB_ARG_MAP:
                return true;
        }
        return true;
}

bool fill_command(const struct tool *tool, const struct verb_entry *verb, json_t *params, struct command *c,
    struct params_fault *fault)
{
        struct filling f = {.tool = tool, .verb = verb, .c = c, .fault = fault};

        *fault = (struct params_fault){.text = ""};
        for (size_t i = 0; i < VERB_ARGS_MAX && verb->args[i].name != NULL; i++) {
                f.arg = &verb->args[i];
                if (json_object_get(params, f.arg->name) == NULL)
                        continue;
                f.text = params_text(params, f.arg->name);
                if (f.arg->type == VERB_ARG_BOOL ? !take_switch(&f, params_bool(params, f.arg->name))
                                                 : !take(&f))
                        return false;
        }
        return true;
}

/* ---- The text for the record ---- */

static void add_option(struct text *t, const char *name)
{
        text_add(t, " --");
        for (; *name != '\0'; name++)
                text_add(t, "%c", *name == '_' ? '-' : *name);
}

static void add_map(struct text *t, json_t *map)
{
        const char *key;
        json_t *value;

        json_object_foreach(map, key, value)
        {
                if (json_is_string(value))
                        text_add(t, " %s=%s", key, json_string_value(value));
                else if (json_is_integer(value))
                        text_add(t, " %s=%lld", key, (long long)json_integer_value(value));
        }
}

static void add_arg(struct text *t, const struct verb_arg *arg, json_t *value)
{
        if (arg->type == VERB_ARG_MAP) {
                add_map(t, value);
        } else if (arg->type == VERB_ARG_BOOL) {
                if (json_is_true(value))
                        add_option(t, arg->name);
        } else if (json_is_string(value)) {
                if (!verb_arg_is_word(arg))
                        add_option(t, arg->name);
                text_add(t, " %s", json_string_value(value));
        }
}

/* Client bytes: control characters must not reach terminals or logs. */
void fill_text(const struct verb_entry *verb, json_t *params, struct command *c)
{
        struct text t;

        text_init(&t, c->text, sizeof c->text);
        text_add(&t, "%s", verb->name);
        for (size_t i = 0; i < VERB_ARGS_MAX && verb->args[i].name != NULL; i++)
                add_arg(&t, &verb->args[i], json_object_get(params, verb->args[i].name));
        for (size_t i = 0; i < t.len; i++)
                if ((unsigned char)c->text[i] < ' ' || c->text[i] == 0x7F)
                        c->text[i] = '?';
}
