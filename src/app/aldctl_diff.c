/* aldctl diff: what a recipe, and the tool file, say otherwise than they did in a recorded run. The meaning first: what is compared
 * are keys, steps and values, not lines; those only when asked for. */
#include "ald/app/aldctl.h"      /* own declarations */
#include "ald/app/aldctl_load.h" /* load_recipe */
#include "ald/app/aldctl_show.h" /* show_* */
#include "ald/base/time.h"       /* time_format_utc */
#include "ald/file/file.h"       /* file_load_tool, file_compile_tool */
#include "ald/file/file_diff.h"  /* file_diff */
#include "ald/file/same.h"       /* same_text */
#include "ald/store/query.h"     /* query_* */
#include "text_diff.h"           /* text_diff_make */

#include <stdio.h>  /* printf */
#include <stdlib.h> /* free */
#include <string.h> /* strcmp */

/* One of the two texts. */
struct side {
        const char *name; /* "recipe", "tool file" */
        enum file_diff_form form;
        const char *then, *now; /* borrowed; now NULL = not compared */
        size_t count;           /* of differences */
        json_t *changes;        /* JSON only */
        char *lines;            /* --text; NULL = not asked for, or no */
};

struct compare {
        const struct aldctl_options *o;
        struct query_run run;
        struct query_texts texts;
        json_t *parameters; /* the run's */
        struct load load;
        char *tool_text; /* of -c */
        struct side recipe, tool, *side;
        char where[FILE_DIFF_PATH_CAP]; /* whose changes are being printed */
        size_t parameters_changed;
};

/* ---- Parameters ---- */

static const char *parameter_now(const struct compare *c, const char *name)
{
        const struct recipe *r = c->load.recipe;

        for (int i = 0; i < r->parameter_count; i++)
                if (strcmp(r->parameters[i].name, name) == 0)
                        return r->parameters[i].value;
        return NULL;
}

static const char *parameter_then(const struct compare *c, const char *name)
{
        return json_string_value(json_object_get(c->parameters, name));
}

static bool is_changed(const struct compare *c, const char *name)
{
        const char *then = parameter_then(c, name), *now = parameter_now(c, name);

        return then == NULL || now == NULL || !same_text(then, now);
}

static void take_parameter(struct compare *c, json_t *list, const char *name)
{
        const char *then = parameter_then(c, name), *now = parameter_now(c, name);

        if (!is_changed(c, name))
                return;
        if (c->parameters_changed++ == 0 && !c->o->json)
                (void)printf("parameters\n");
        if (c->o->json) {
                (void)json_array_append_new(
                    list, json_pack("{s:s, s:s?, s:s?}", "name", name, "then", then, "now", now));
                return;
        }
        (void)printf("  %-26s ", name);
        show_text(stdout, then != NULL ? then : "(none)", false);
        (void)printf(" -> ");
        show_text(stdout, now != NULL ? now : "(none)", false);
        (void)printf("\n");
}

/* In the order of the recipe, then those that are gone. */
static json_t *compare_parameters(struct compare *c)
{
        json_t *list = json_array(), *value;
        const char *name;

        for (int i = 0; i < c->load.recipe->parameter_count; i++)
                take_parameter(c, list, c->load.recipe->parameters[i].name);
        json_object_foreach(c->parameters, name, value)
        {
                if (parameter_now(c, name) == NULL)
                        take_parameter(c, list, name);
        }
        return list;
}

/* A default that is told with its parameter's value, or a parameter that came or went. */
static bool is_told(const struct compare *c, const struct file_change *change)
{
        static const char under[] = "parameters";
        const char *name;

        if (c->side != &c->recipe || strncmp(change->where, under, strlen(under)) != 0)
                return false;
        name = change->where + strlen(under);
        if (name[0] == '\0')
                return change->kind != FILE_DIFF_CHANGED && is_changed(c, change->what);
        return strcmp(change->what, "default") == 0 && is_changed(c, name + 1);
}

/* ---- Changes ---- */

static const char *kind_name(enum file_diff_kind kind)
{
        static const char *const names[] = {[FILE_DIFF_CHANGED] = "changed",
            [FILE_DIFF_ADDED] = "added",
            [FILE_DIFF_REMOVED] = "removed",
            [FILE_DIFF_ORDER] = "order"};

        return names[kind];
}

static json_t *line_or_null(int line)
{
        return line > 0 ? json_integer(line) : json_null();
}

static json_t *text_or_null(const char *text, int line)
{
        return line > 0 ? json_string(text) : json_null();
}

static json_t *pack(const struct file_change *f)
{
        return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "kind", kind_name(f->kind), "file",
            f->file, "where", f->where, "what", f->what, "line_then", line_or_null(f->line_then), "line_now",
            line_or_null(f->line_now), "then", text_or_null(f->then, f->line_then), "now",
            text_or_null(f->now, f->line_now));
}

static void print_heading(struct compare *c, const struct file_change *f)
{
        char where[sizeof c->where];
        struct text t;

        text_init(&t, where, sizeof where);
        text_add(&t, "%s%s%s", f->file, f->file[0] != '\0' && f->where[0] != '\0' ? ": " : "", f->where);
        if (c->side->count == 0)
                (void)printf("%s\n", c->side->name);
        if (strcmp(where, c->where) != 0 && where[0] != '\0') {
                (void)printf("  ");
                show_text(stdout, where, false);
                (void)printf("\n");
        }
        text_copy(c->where, sizeof c->where, where);
}

/* "line 30 (was 28)", as wide as most are. */
static void print_lines(const struct file_change *f)
{
        char buf[40];
        struct text t;

        text_init(&t, buf, sizeof buf);
        if (f->line_now > 0)
                text_add(&t, "line %d", f->line_now);
        if (f->line_then > 0 && f->line_then != f->line_now)
                text_add(&t, f->line_now > 0 ? " (was %d)" : "was line %d", f->line_then);
        (void)printf("    %-20s ", buf);
}

static void print_value(const char *colour, const char *text)
{
        (void)printf("%s", colour);
        show_text(stdout, text, false);
        (void)printf("%s", show_colour(stdout, SHOW_PLAIN));
}

static void print_change(const struct file_change *f)
{
        const char *red = show_colour(stdout, SHOW_RED), *green = show_colour(stdout, SHOW_GREEN);

        if (f->line_then == 0 && f->line_now == 0) {
                (void)printf("    %s\n", kind_name(f->kind));
                return;
        }
        print_lines(f);
        if (f->kind == FILE_DIFF_ADDED || f->kind == FILE_DIFF_REMOVED)
                (void)printf("%s ", f->kind == FILE_DIFF_ADDED ? "added:" : "removed:");
        if (f->kind == FILE_DIFF_ORDER)
                (void)printf("in another order: ");
        if (f->what[0] != '\0') {
                show_text(stdout, f->what, false);
                (void)printf(": ");
        }
        if (f->line_then > 0)
                print_value(red, f->then);
        if (f->line_then > 0 && f->line_now > 0)
                (void)printf(f->kind == FILE_DIFF_ORDER ? " is now after " : " -> ");
        if (f->line_now > 0)
                print_value(green, f->now);
        (void)printf("\n");
}

static void take_change(void *ctx, const struct file_change *change)
{
        struct compare *c = ctx;

        if (is_told(c, change))
                return;
        if (c->o->json)
                (void)json_array_append_new(c->side->changes, pack(change));
        else {
                print_heading(c, change);
                print_change(change);
        }
        c->side->count++;
}

/* False: told. */
static bool compare_side(struct compare *c, struct side *s)
{
        char why[200];
        struct text t;

        c->side = s;
        c->where[0] = '\0';
        s->changes = json_array();
        if (s->now == NULL)
                return true;
        if (!file_diff(
                s->form, s->then, strlen(s->then), s->now, strlen(s->now), take_change, c, c->load.diag)) {
                diag_print(c->load.diag, stderr, show_has_colour(stderr));
                return false;
        }
        text_init(&t, why, sizeof why);
        if (c->o->text)
                s->lines = text_diff_make(s->then, "as recorded", s->now, "as it is", &t);
        if (c->o->text && s->lines == NULL)
                show_error("%s", why);
        return !c->o->text || s->lines != NULL;
}

/* ---- The whole ---- */

static bool is_same_text(const struct side *s)
{
        return s->now != NULL && strcmp(s->then, s->now) == 0;
}

static void print_verdict(const struct compare *c, const struct side *s)
{
        if (s->now == NULL)
                (void)printf("%s: not compared (-c TOOL does)\n", s->name);
        else if (is_same_text(s))
                (void)printf("%s: the same, byte for byte\n", s->name);
        else if (s->count == 0 && (s != &c->recipe || c->parameters_changed == 0))
                (void)printf(
                    "%s: the same meaning; only comments, spacing or how values are written differ\n",
                    s->name);
        else if (s->count == 0)
                (void)printf("%s: no other difference in its meaning\n", s->name);
}

static void print_text(const struct side *s)
{
        if (s->lines == NULL || s->lines[0] == '\0')
                return;
        (void)printf("\n%s, line by line\n", s->name);
        show_text(stdout, s->lines, true);
}

static json_t *pack_side(struct side *s)
{
        json_t *o = json_pack(
            "{s:b, s:b, s:o}", "same", s->count == 0, "same_text", is_same_text(s), "changes", s->changes);

        s->changes = NULL;
        if (s->lines != NULL)
                (void)json_object_set_new(o, "text", json_string(s->lines));
        return o;
}

static void show(struct compare *c, json_t *parameters)
{
        bool is_same = c->parameters_changed + c->recipe.count + c->tool.count == 0;

        if (c->o->json) {
                show_json(json_pack("{s:I, s:s, s:b, s:O, s:o, s:o}", "run", (json_int_t)c->run.id, "file",
                    c->o->words[0], "same", is_same, "parameters", parameters, "recipe",
                    pack_side(&c->recipe), "tool", c->tool.now != NULL ? pack_side(&c->tool) : json_null()));
                return;
        }
        print_verdict(c, &c->recipe);
        print_verdict(c, &c->tool);
        print_text(&c->recipe);
        print_text(&c->tool);
}

static void print_head(const struct compare *c)
{
        char when[SHOW_TIME_CAP];

        show_local(c->run.started_us, true, when);
        (void)printf("run %lld, %s, began %s -> ", (long long)c->run.id, c->run.recipe, when);
        show_text(stdout, c->o->words[0], false);
        (void)printf("\n");
}

static enum aldctl_exit compare_all(struct compare *c)
{
        bool ok;
        json_t *parameters;

        c->parameters = json_loads(c->texts.parameters, 0, NULL);
        c->recipe =
            (struct side){"recipe", FILE_DIFF_RECIPE, c->texts.recipe, c->load.recipe->text, 0, NULL, NULL};
        c->tool = (struct side){"tool file", FILE_DIFF_TOOL, c->texts.tool, c->tool_text, 0, NULL, NULL};
        if (!c->o->json)
                print_head(c);
        parameters = compare_parameters(c);
        ok = compare_side(c, &c->recipe) && compare_side(c, &c->tool);
        if (ok)
                show(c, parameters);
        json_decref(parameters);
        json_decref(c->parameters);
        json_decref(c->recipe.changes);
        json_decref(c->tool.changes);
        free(c->recipe.lines);
        free(c->tool.lines);
        return ok ? ALDCTL_OK : ALDCTL_FAILED;
}

/* The tool that the recipe is compiled for: -c, else as it was then. */
static void load_tool(struct compare *c)
{
        size_t len;
        struct load *load = &c->load;

        if (c->o->tool != NULL)
                load->tool = file_load_tool(c->o->tool, &c->tool_text, &len, load->diag);
        else
                load->tool = file_compile_tool(
                    "tool file of the run", c->texts.tool, strlen(c->texts.tool), load->diag);
        if (load->tool == NULL && c->o->tool == NULL)
                show_error("this version does not accept the tool file of that run: name today's with -c");
}

static enum aldctl_exit compare_run(struct compare *c)
{
        struct load *load = &c->load;
        enum aldctl_exit code = ALDCTL_FAILED;

        load->diag = diag_new();
        if (load->diag != NULL)
                load_tool(c);
        if (load->tool != NULL)
                load_recipe(load, c->o, load->tool);
        if (load->recipe != NULL)
                code = compare_all(c);
        else if (load->diag != NULL)
                diag_print(load->diag, stderr, show_has_colour(stderr));
        free(c->tool_text);
        load_free(load);
        return code;
}

enum aldctl_exit aldctl_diff(const struct aldctl_command *self, const struct aldctl_options *o)
{
        struct compare c = {.o = o};
        enum aldctl_exit code;
        long long id = aldctl_read_run(self, o->words[1]);
        struct query *q = id != 0 ? aldctl_open_database(o, &code) : NULL;
        int found;

        if (q == NULL)
                return id == 0 ? ALDCTL_USAGE : code;
        found = query_run(q, id, &c.run);
        found = found == 1 ? query_texts(q, id, &c.texts) : found;
        code = aldctl_is_found(q, id, found) ? compare_run(&c) : ALDCTL_FAILED;
        query_free_texts(&c.texts);
        query_close(q);
        return code;
}
