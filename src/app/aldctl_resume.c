/* aldctl run --resume: what the record tells of a run that did not come to its end goes to the daemon, which decides whether it goes
 * on with it, and asks an operator before it does. */
#include "ald/app/aldctl_line.h" /* line_open */
#include "ald/app/aldctl_past.h" /* aldctl_past_load */
#include "ald/app/aldctl_run.h"  /* own declarations */
#include "ald/app/aldctl_show.h" /* show_error */
#include "ald/app/digest.h"      /* digest_sha256 */
#include "ald/base/time.h"       /* TIME_S */
#include "ald/base/diag.h"       /* diag_new */
#include "ald/core/event.h"      /* pulse_outcome_name */
#include "ald/core/machine.h"    /* machine_state_name */
#include "ald/core/position.h"   /* position_find, position_compare */
#include "ald/file/shelf.h"      /* shelf_library */
#include "ald/store/query.h"     /* query_* */

#include <stdarg.h>   /* va_list */
#include <stdio.h>    /* printf */
#include <stdlib.h>   /* free */
#include <string.h>   /* strcmp */
#include <sys/stat.h> /* stat */

struct resume {
        const struct aldctl_options *o;
        struct query *q;
        struct query_run run;
        struct aldctl_past past;
        bool has_pulse;
        struct query_pulse pulse; /* the last one */
        struct position at;       /* its place */
        bool is_strange; /* some pulse has none in the recipe: the daemon says what is wrong with it */
};

static enum aldctl_exit refuse(
    const struct resume *r, enum aldctl_exit code, const char *hint, const char *fmt, ...) TEXT_PRINTF(4, 5);
static enum aldctl_exit refuse(
    const struct resume *r, enum aldctl_exit code, const char *hint, const char *fmt, ...)
{
        char why[600];
        struct text t;
        va_list args;

        text_init(&t, why, sizeof why);
        va_start(args, fmt);
        text_addv(&t, fmt, args);
        va_end(args);
        return line_say(r->o, code, why, hint);
}

/* ---- what the record tells ---- */

static enum aldctl_exit find_run(struct resume *r, long long id)
{
        struct query_run next;
        int found = query_run(r->q, id, &r->run);

        if (found < 0)
                return refuse(r, ALDCTL_FAILED, "", "%s", query_why(r->q));
        if (found == 0)
                return refuse(r, ALDCTL_FAILED, "`aldctl runs` lists them", "there is no run %lld", id);
        if (r->run.ended_us == 0)
                return refuse(r, ALDCTL_REFUSED,
                    "`aldctl status` shows it; `aldctl resume` goes on with a hold", "run %lld has not ended",
                    id);
        if (strcmp(r->run.state, machine_state_name(MACHINE_COMPLETE)) == 0)
                return refuse(
                    r, ALDCTL_REFUSED, "`aldctl run RECIPE` starts it anew", "run %lld is complete", id);
        found = query_resumed_by(r->q, id, &next);
        if (found < 0)
                return refuse(r, ALDCTL_FAILED, "", "%s", query_why(r->q));
        if (found == 0)
                return ALDCTL_OK;
        return refuse(r, ALDCTL_REFUSED,
            "one run goes on with another one: `aldctl run --resume` with that one",
            "run %lld was gone on with already, by run %lld", id, (long long)next.id);
}

/* The last one is where the program was last, whatever the wall clock said. */
static void take_pulse(void *ctx, const struct query_pulse *pulse)
{
        struct resume *r = ctx;
        struct position at;
        int order;

        if (!position_find(r->past.recipe, pulse->cycle, pulse->path, &at)) {
                r->is_strange = true;
                r->pulse = *pulse;
        }
        if (r->is_strange)
                return;
        order = r->has_pulse ? position_compare(&at, &r->at) : 1;
        if (order < 0 || (order == 0 && pulse->attempt < r->pulse.attempt))
                return;
        r->has_pulse = true;
        r->pulse = *pulse;
        r->at = at;
}

/* A run that dosed nothing yet stands where the one stood that it goes on with. */
static void take_older(struct resume *r)
{
        struct query_pulse *p = &r->pulse;
        bool is_repeated = r->run.resumes_attempt > 0;

        r->has_pulse = true;
        *p = (struct query_pulse){
            .cycle = r->run.resumes_cycle, .attempt = is_repeated ? r->run.resumes_attempt : 1};
        text_copy(p->path, sizeof p->path, r->run.resumes_path);
        text_copy(
            p->outcome, sizeof p->outcome, pulse_outcome_name(is_repeated ? PULSE_INTERRUPTED : PULSE_DONE));
        if (position_find(r->past.recipe, p->cycle, p->path, &r->at) &&
            r->past.recipe->ops[r->at.op].kind == RECIPE_PULSE)
                text_copy(p->precursor, sizeof p->precursor,
                    r->past.tool->lines[r->past.recipe->ops[r->at.op].line].name);
}

static enum aldctl_exit find_pulse(struct resume *r)
{
        if (query_last_pulses(r->q, r->run.id, take_pulse, r) < 0)
                return refuse(r, ALDCTL_FAILED, "", "%s", query_why(r->q));
        if (!r->has_pulse && !r->is_strange && r->run.resumes != 0)
                take_older(r);
        if (r->has_pulse || r->is_strange)
                return ALDCTL_OK;
        return refuse(r, ALDCTL_REFUSED, "start it from its beginning: `aldctl run RECIPE`",
            "run %lld ended before its first pulse", (long long)r->run.id);
}

/* ---- a recipe beside it must be the same ---- */

static struct recipe *compile_file(const struct resume *r, const char *path)
{
        struct file_set sets[RECIPE_PARAMETERS_MAX];
        size_t count = 0;
        struct shelf shelf = {.count = 0};
        struct file_library library = shelf_library(&shelf);
        struct diag *d = diag_new();
        struct recipe *recipe = NULL;
        size_t len;
        char *text = d != NULL ? file_read(path, &len, d) : NULL;
        const char *name;
        json_t *value;

        json_object_foreach(r->past.parameters, name, value)
        {
                if (count < RECIPE_PARAMETERS_MAX)
                        sets[count++] = (struct file_set){.name = name, .value = json_string_value(value)};
        }
        if (text != NULL)
                recipe = file_compile_recipe_with(path, text, len, r->past.tool, sets, count, &library, d);
        if (recipe == NULL && d != NULL)
                diag_print(d, stderr, show_has_colour(stderr));
        free(text);
        shelf_clear(&shelf);
        diag_free(d);
        return recipe;
}

static enum aldctl_exit compare_file(const struct resume *r)
{
        const char *path = r->o->words[0];
        struct recipe *recipe = compile_file(r, path);
        char sha256[DIGEST_HEX] = "";

        if (recipe != NULL)
                digest_sha256(recipe->text, recipe->text_len, sha256);
        recipe_free(recipe);
        if (strcmp(sha256, r->run.recipe_sha256) == 0)
                return ALDCTL_OK;
        return refuse(r, ALDCTL_REFUSED,
            "leave it out to go on with the recipe as the record has it; what is changed is another run",
            "%s is not the recipe of run %lld", path, (long long)r->run.id);
}

/* ---- off to the daemon ---- */

static bool is_given(const struct aldctl_options *o, const char *arg)
{
        for (size_t i = 0; i < o->arg_count; i++)
                if (strcmp(o->args[i].name, arg) == 0)
                        return true;
        return false;
}

static json_t *params_of(const struct resume *r)
{
        const struct query_pulse *p = &r->pulse;
        json_t *from = json_pack("{s:I, s:I, s:s, s:i, s:s, s:s, s:s, s:s}", "run", (json_int_t)r->run.id,
            "cycle", (json_int_t)p->cycle, "path", p->path, "attempt", p->attempt, "outcome", p->outcome,
            "recipe_sha256", r->run.recipe_sha256, "tool_sha256", r->run.tool_sha256, "version",
            r->run.version);

        return json_pack("{s:o, s:O, s:b, s:b}", "resumes", from, "set", r->past.parameters, "repeat",
            (int)is_given(r->o, "repeat"), "skip", (int)is_given(r->o, "skip"));
}

/* A pulse may open as it is handed over, ahead of its row by what a write takes: where a crash came when the next one was due, it
 * may have begun and nobody knows. Samples are on the disk up to a second before the end, so that is known no better. */
static bool may_have_begun(const struct resume *r)
{
        int64_t gap_us = position_pulse_in_us(&r->at, r->past.recipe);
        int64_t end_us = r->pulse.planned_open_us + r->pulse.planned_width_us;

        if (r->is_strange || r->run.last_step[0] == '\0' || gap_us < 0 || r->pulse.planned_open_us <= 0 ||
            strcmp(r->pulse.outcome, pulse_outcome_name(PULSE_DONE)) != 0)
                return false;
        return end_us + gap_us >= r->run.ended_us - TIME_S && end_us + gap_us <= r->run.ended_us + TIME_S;
}

static void print_offer(const struct resume *r)
{
        char ended[SHOW_TIME_CAP];

        if (r->o->json)
                return;
        show_local(r->run.ended_us, true, ended);
        (void)printf("run %lld: ", (long long)r->run.id);
        show_text(stdout, r->run.recipe, false);
        (void)printf(", %s at %s\n  ", r->run.state, ended);
        show_text(stdout, r->run.reason, false);
        (void)printf("\n  its last pulse: cycle %lld, %s, %s (attempt %d): %s\n", (long long)r->pulse.cycle,
            r->pulse.path, r->pulse.precursor, r->pulse.attempt, r->pulse.outcome);
        if (may_have_begun(r))
                (void)printf(
                    "  the next one was due as the record ends: it may have begun, and nobody knows\n");
        (void)fflush(stdout);
}

/* A run's number means that run only in the record that the daemon keeps. */
static bool is_daemons(const struct resume *r, const struct line *l)
{
        struct stat own, its;

        return r->o->db == NULL ||
               (stat(r->o->db, &own) == 0 && stat(show_get_text(l->hello, "db"), &its) == 0 &&
                   own.st_dev == its.st_dev && own.st_ino == its.st_ino);
}

static enum aldctl_exit send(struct resume *r, struct line *l)
{
        struct aldctl_parcel parcel = {.text = r->past.recipe->text, .len = r->past.recipe->text_len};

        (void)snprintf(parcel.name, sizeof parcel.name, "recipe of run %lld", (long long)r->run.id);
        if (!is_daemons(r, l))
                return refuse(r, ALDCTL_REFUSED,
                    "leave --db and ALD_DB out: the daemon says where its record is",
                    "%s is not the database that this daemon keeps, %s", r->o->db,
                    show_get_text(l->hello, "db"));
        print_offer(r);
        return aldctl_run_start(l, r->o, &parcel, 1, params_of(r));
}

static enum aldctl_exit resume(struct resume *r, struct line *l, long long id)
{
        enum aldctl_exit code = find_run(r, id);

        if (code == ALDCTL_OK && !aldctl_past_load(&r->past, r->q, &r->run))
                code =
                    refuse(r, ALDCTL_REFUSED, "the version of that run can go on with it", "%s", r->past.why);
        if (code == ALDCTL_OK && r->o->word_count > 0)
                code = compare_file(r);
        if (code == ALDCTL_OK)
                code = find_pulse(r);
        return code == ALDCTL_OK ? send(r, l) : code;
}

enum aldctl_exit aldctl_resume(const struct aldctl_command *self, const struct aldctl_options *o)
{
        struct resume r = {.o = o};
        long long id = aldctl_read_run(self, o->resume);
        enum aldctl_exit code = ALDCTL_USAGE;
        struct line l;

        if (id == 0)
                return code;
        if (o->set_count > 0) {
                show_error("run --resume: the parameters are those of that run; --set does not go with it");
                return code;
        }
        code = line_open(&l, o);
        r.q = code == ALDCTL_OK ? aldctl_open_database(o, &code) : NULL;
        if (r.q != NULL)
                code = resume(&r, &l, id);
        aldctl_past_free(&r.past);
        query_close(r.q);
        line_close(&l);
        return code;
}
