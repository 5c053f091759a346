/* How fast the simulation is: virtual seconds per second. Usage: sim TOOL RECIPE [NAME=VALUE]... */
#include "ald/base/diag.h"    /* diag_new */
#include "ald/base/time.h"    /* TIME_S */
#include "ald/core/machine.h" /* machine_state_name */
#include "ald/file/file.h"    /* file_load_tool */
#include "ald/sim/dryrun.h"   /* dryrun_run */

#include <stdio.h>  /* printf */
#include <stdlib.h> /* free */
#include <string.h> /* strchr */
#include <time.h>   /* clock_gettime */

static double now_s(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

enum { SETS_MAX = 16 };

static char *read_text(const char *path, size_t *len, struct diag *d)
{
        char *text = file_read(path, len, d);

        if (text == NULL) {
                diag_print(d, stderr, false);
                exit(1);
        }
        return text;
}

/* One line, or why there is none. */
static int print_result(const struct dryrun_result *r, double compiled_s, double ran_s)
{
        if (r->ended != MACHINE_COMPLETE) {
                fprintf(stderr, "%s: %s\n", machine_state_name(r->ended), r->reason);
                return 1;
        }
        printf("%lld cycles, %.0f virtual s, %lld turns; compiled in %.1f ms, ran in %.1f ms: %.3g virtual "
               "s/s\n",
            (long long)(r->cycles + r->wall_cycles), (double)r->duration_us / (double)TIME_S,
            (long long)r->turns, compiled_s * 1e3, ran_s * 1e3,
            (double)r->duration_us / (double)TIME_S / ran_s);
        return 0;
}

int main(int argc, char **argv)
{
        double begun_s = now_s(), compiled_s, ended_s;
        struct file_set sets[SETS_MAX];
        struct diag *d = diag_new();
        struct dryrun_config config = {0};
        struct recipe *recipe;
        struct dryrun *run;
        struct tool *tool;
        size_t len;
        char *text;
        int n = 0, failed;

        if (argc < 3) {
                fprintf(stderr, "usage: sim TOOL RECIPE [NAME=VALUE]...\n");
                return 2;
        }
        for (int i = 3; i < argc && n < SETS_MAX; i++) {
                char *eq = strchr(argv[i], '=');

                if (eq == NULL)
                        return 2;
                *eq = '\0';
                sets[n++] = (struct file_set){argv[i], eq + 1};
        }
        text = read_text(argv[1], &len, d);
        tool = file_compile_tool(argv[1], text, len, d);
        free(text);
        text = read_text(argv[2], &len, d);
        recipe = tool != NULL ? file_compile_recipe(argv[2], text, len, tool, sets, (size_t)n, d) : NULL;
        free(text);
        if (recipe == NULL) {
                diag_print(d, stderr, false);
                return 1;
        }
        compiled_s = now_s();
        config.tool = tool;
        config.recipe = recipe;
        run = dryrun_new(&config);
        if (run == NULL)
                return 1;
        (void)dryrun_run(run);
        ended_s = now_s();
        failed = print_result(dryrun_get(run), compiled_s - begun_s, ended_s - compiled_s);
        dryrun_free(run);
        recipe_free(recipe);
        free(tool);
        diag_free(d);
        return failed;
}
