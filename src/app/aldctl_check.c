/* aldctl check: is a recipe sound for a tool? Everything that is wrong, in one run, without a daemon. */
#include "ald/app/aldctl.h"      /* own declarations */
#include "ald/app/aldctl_show.h" /* show_* */
#include "ald/base/diag.h"       /* diag_* */
#include "ald/base/text.h"       /* text_copy */
#include "ald/base/time.h"       /* TIME_S */
#include "ald/file/file.h"       /* file_read, file_compile_* */

#include <stdlib.h> /* free */
#include <string.h> /* memcpy, strchr */

/* The names of --set as the file ring takes them. */
struct sets {
        struct file_set list[ALDCTL_SETS_MAX];
        char names[ALDCTL_SETS_MAX][64];
};

static void split_sets(const struct aldctl_options *o, struct sets *s)
{
        for (size_t i = 0; i < o->set_count; i++) {
                const char *equals = strchr(o->sets[i], '=');
                (void)snprintf(
                    s->names[i], sizeof s->names[i], "%.*s", (int)(equals - o->sets[i]), o->sets[i]);
                s->list[i] = (struct file_set){.name = s->names[i], .value = equals + 1};
        }
}

static struct tool *load_tool(const char *path, struct diag *d)
{
        struct tool *tool = NULL;
        size_t len;
        char *text = file_read(path, &len, d);

        if (text != NULL)
                tool = file_compile_tool(path, text, len, d);
        free(text);
        return tool;
}

/* What a recipe includes, read from the disk; kept until it is compiled. */
struct shelf {
        char *texts[FILE_TEXTS_MAX];
        int count;
        char why[200];
};

static const char *find_on_disk(void *ctx, const char *path, size_t *len, const char **why)
{
        struct shelf *shelf = ctx;
        struct diag *d = shelf->count < FILE_TEXTS_MAX ? diag_new() : NULL;
        char *text = d != NULL ? file_read(path, len, d) : NULL;

        text_copy(shelf->why, sizeof shelf->why,
            d != NULL && diag_count(d) > 0 ? diag_entry(d, 0)->text : "no memory");
        *why = shelf->why;
        diag_free(d);
        if (text != NULL)
                shelf->texts[shelf->count++] = text;
        return text;
}

static struct recipe *load_recipe(const struct aldctl_options *o, const struct tool *tool, struct diag *d)
{
        struct recipe *recipe = NULL;
        struct sets sets;
        struct shelf shelf = {.count = 0};
        struct file_library library = {find_on_disk, &shelf};
        size_t len;
        char *text = file_read(o->words[0], &len, d);

        split_sets(o, &sets);
        if (text != NULL)
                recipe = file_compile_recipe_with(
                    o->words[0], text, len, tool, sets.list, o->set_count, &library, d);
        while (shelf.count > 0)
                free(shelf.texts[--shelf.count]);
        free(text);
        return recipe;
}

/* ---- What is said ---- */

static json_t *phase_list(const struct recipe *r)
{
        json_t *list = json_array();

        for (int i = 0; i < r->phase_count; i++)
                (void)json_array_append_new(list, json_string(r->phases[i].name));
        return list;
}

static json_t *diagnostic_list(const struct diag *d)
{
        json_t *list = json_array();

        for (size_t i = 0; i < diag_count(d); i++) {
                const struct diag_entry *e = diag_entry(d, i);
                json_t *text = json_string(e->text);
                /* A message may quote bytes of a file that is not UTF-8. */
                (void)json_array_append_new(
                    list, json_pack("{s:s, s:s, s:i, s:i, s:o}", "severity", diag_severity_name(e->severity),
                              "file", diag_path(d, e->at.source), "line", e->at.line, "column", e->at.column,
                              "text", text != NULL ? text : json_string("the text is not UTF-8")));
        }
        return list;
}

static void print_json(const struct aldctl_options *o, const struct diag *d, const struct recipe *r)
{
        json_t *out = json_pack("{s:s, s:b, s:I, s:o}", "file", o->words[0], "ok", r != NULL, "errors",
            (json_int_t)diag_errors(d), "diagnostics", diagnostic_list(d));

        if (r != NULL)
                (void)json_object_set_new(out, "recipe",
                    json_pack("{s:s, s:s, s:I, s:I, s:I, s:f, s:o}", "name", r->name, "title", r->title,
                        "cycles", (json_int_t)r->cycles, "wall_cycles", (json_int_t)r->wall_cycles, "pulses",
                        (json_int_t)r->pulses, "timed_s", (double)r->timed_us / (double)TIME_S, "phases",
                        phase_list(r)));
        show_json(out);
}

static void print_summary(const struct aldctl_options *o, const struct recipe *r)
{
        char buf[256];
        struct text t;

        (void)printf("%s: %sno errors%s\n  %s: %s\n", o->words[0], show_colour(stdout, SHOW_GREEN),
            show_colour(stdout, SHOW_PLAIN), r->name, r->title);
        text_init(&t, buf, sizeof buf);
        time_add_duration(&t, r->timed_us);
        (void)printf("  %lld cycles", (long long)r->cycles);
        if (r->wall_cycles > 0)
                (void)printf(" (%lld on the walls)", (long long)r->wall_cycles);
        (void)printf(", %lld pulses, %s timed; waits for conditions (heat-up) come on top\n",
            (long long)r->pulses, buf);
        (void)printf("  phases:");
        for (int i = 0; i < r->phase_count; i++)
                (void)printf("%s %s", i > 0 ? "," : "", r->phases[i].name);
        (void)printf("\n");
}

enum aldctl_exit aldctl_check(const struct aldctl_command *self, const struct aldctl_options *o)
{
        struct diag *d = diag_new();
        struct tool *tool = NULL;
        struct recipe *recipe = NULL;

        (void)self;
        if (o->tool == NULL || d == NULL) {
                show_error(d == NULL ? "no memory" : "check needs the tool file: -c TOOL.yaml");
                diag_free(d);
                return d == NULL ? ALDCTL_FAILED : ALDCTL_USAGE;
        }
        tool = load_tool(o->tool, d);
        if (tool != NULL)
                recipe = load_recipe(o, tool, d);
        if (o->json)
                print_json(o, d, recipe);
        else
                diag_print(d, stderr, show_has_colour(stderr));
        if (!o->json && recipe != NULL)
                print_summary(o, recipe);
        recipe_free(recipe);
        free(tool);
        diag_free(d);
        return recipe != NULL ? ALDCTL_OK : ALDCTL_FAILED;
}
