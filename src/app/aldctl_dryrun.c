/* aldctl dry-run: the whole run of a recipe in virtual time on the simulated tool, without a daemon and without hardware. */
#include "ald/app/aldctl.h"        /* own declarations */
#include "ald/app/aldctl_dryrun.h" /* dryrun_* */
#include "ald/app/aldctl_load.h"   /* load_* */
#include "ald/app/aldctl_show.h"   /* show_* */
#include "ald/base/unit.h"         /* unit_parse */

#include <errno.h>  /* errno */
#include <signal.h> /* sigaction */
#include <stdlib.h> /* free */
#include <string.h> /* strerror */
#include <time.h>   /* clock_gettime */
#include <unistd.h> /* isatty */

static volatile sig_atomic_t is_interrupted;

static void interrupt(int signal)
{
        (void)signal;
        is_interrupted = 1;
}

/* ---- The command line ---- */

/* A quantity above zero in the unit `name`; 0 for no text. False: told. */
static bool read_quantity(const char *option, const char *text, const char *name, double *value)
{
        const struct unit *to = unit_find(name), *unit;
        enum unit_status status;
        char buf[200];
        struct text why;

        if (text == NULL)
                return true;
        status = unit_parse(text, to->dim, value, &unit);
        if (status == UNIT_OK) {
                *value = unit_convert(*value, unit, to);
                if (*value > 0)
                        return true;
        }
        text_init(&why, buf, sizeof buf);
        if (status == UNIT_OK)
                text_add(&why, "must be above zero");
        else
                unit_explain(&why, status, text, to->dim);
        show_error("%s: %s", option, buf);
        return false;
}

static bool read_powder(const struct aldctl_options *o, struct dryrun_config *config)
{
        return read_quantity("--powder-mass", o->powder_mass, "g", &config->powder_g) &&
               read_quantity("--powder-area", o->powder_area, "m2/g", &config->powder_m2_g) &&
               read_quantity("--saturation", o->saturation, "umol/m2", &config->saturation_umol_m2);
}

/* ---- Progress, for those who wait ---- */

struct progress {
        int64_t begun_ms, shown_ms;
        bool is_terminal, is_shown;
};

static int64_t now_ms(void)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool show_progress(void *ctx, double part)
{
        enum { PATIENCE_MS = 1000, EVERY_MS = 100 };
        struct progress *p = ctx;
        int64_t now = now_ms();

        if (p->is_terminal && now - p->begun_ms > PATIENCE_MS && now - p->shown_ms > EVERY_MS) {
                (void)fprintf(stderr, "\rdry run: %3.0f %% ", 100 * part);
                (void)fflush(stderr);
                p->shown_ms = now;
                p->is_shown = true;
        }
        return !is_interrupted;
}

/* ---- The results ---- */

static enum aldctl_exit write_plot(const struct aldctl_options *o, const struct dryrun_report *r)
{
        FILE *file = fopen(o->plot, "w");
        bool ok = file != NULL;

        if (ok) {
                plot_print_svg(file, r);
                ok = ferror(file) == 0;
                ok = fclose(file) == 0 && ok;
        }
        if (!ok)
                show_error("--plot %s: %s", o->plot, strerror(errno));
        return ok ? ALDCTL_OK : ALDCTL_FAILED;
}

static enum aldctl_exit show(
    const struct aldctl_options *o, const struct load *load, const struct dryrun_result *result)
{
        struct dryrun_report *report = dryrun_report_new(load->tool, load->recipe, result);
        enum aldctl_exit exit = ALDCTL_FAILED;

        if (report == NULL) {
                show_error("no memory");
                return exit;
        }
        /* Before the report: telling the findings uses up its places. */
        exit = o->plot != NULL ? write_plot(o, report) : ALDCTL_OK;
        if (!dryrun_report_is_ok(report))
                exit = ALDCTL_FAILED;
        if (o->json)
                show_json(dryrun_pack_json(report, load->diag));
        else
                dryrun_print_text(stdout, report, show_has_colour(stdout));
        dryrun_report_free(report);
        return exit;
}

static enum aldctl_exit run(
    const struct aldctl_options *o, const struct load *load, const struct dryrun_config *powder)
{
        struct progress progress = {.begun_ms = now_ms(), .is_terminal = isatty(STDERR_FILENO) == 1};
        struct dryrun_config config = *powder;
        struct sigaction on_interrupt = {.sa_handler = interrupt};
        enum aldctl_exit exit = ALDCTL_FAILED;
        struct dryrun *dry;

        config.tool = load->tool;
        config.recipe = load->recipe;
        config.progress = show_progress;
        config.ctx = &progress;
        dry = dryrun_new(&config);
        if (dry == NULL) {
                show_error("no memory");
                return exit;
        }
        (void)sigaction(SIGINT, &on_interrupt, NULL);
        (void)sigaction(SIGTERM, &on_interrupt, NULL);
        if (dryrun_run(dry))
                exit = ALDCTL_OK;
        else
                exit = ALDCTL_INTERRUPTED;
        if (progress.is_shown)
                (void)fprintf(stderr, "\r%*s\r", 20, "");
        if (exit == ALDCTL_OK)
                exit = show(o, load, dryrun_get(dry));
        dryrun_free(dry);
        return exit;
}

enum aldctl_exit aldctl_dryrun(const struct aldctl_command *self, const struct aldctl_options *o)
{
        struct dryrun_config config = {.powder_g = 0};
        struct load load;
        enum aldctl_exit exit;

        if (!read_powder(o, &config))
                return ALDCTL_USAGE;
        exit = load_files(&load, self, o);
        if (load.diag != NULL && o->json && load.recipe == NULL)
                show_json(dryrun_pack_refused(o->words[0], load.diag));
        if (load.diag != NULL && !o->json)
                diag_print(load.diag, stderr, show_has_colour(stderr));
        if (exit == ALDCTL_OK)
                exit = run(o, &load, &config);
        load_free(&load);
        return exit;
}
