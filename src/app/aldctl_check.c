/* aldctl check: is a recipe sound for a tool? Everything that is wrong, in one run, without a daemon. */
#include "ald/app/aldctl.h"      /* own declarations */
#include "ald/app/aldctl_load.h" /* load_* */
#include "ald/app/aldctl_show.h" /* show_* */
#include "ald/base/diag.h"       /* diag_* */
#include "ald/base/time.h"       /* TIME_S */

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

        for (size_t i = 0; i < diag_count(d); i++)
                (void)json_array_append_new(list, load_pack_diagnostic(d, i));
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
        struct load load;
        enum aldctl_exit exit = load_files(&load, self, o);

        if (load.diag != NULL && o->json)
                print_json(o, load.diag, load.recipe);
        if (load.diag != NULL && !o->json)
                diag_print(load.diag, stderr, show_has_colour(stderr));
        if (!o->json && load.recipe != NULL)
                print_summary(o, load.recipe);
        load_free(&load);
        return exit;
}
