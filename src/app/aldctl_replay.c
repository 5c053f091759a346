/* aldctl replay: a recorded run goes through the core of this program once more, from the image at its start, event by event,
 * and every turn must be decided as it was. What was in force then is compiled again from the record's own texts. */
#include "ald/app/aldctl.h"        /* own declarations */
#include "ald/app/aldctl_replay.h" /* struct aldctl_replay */
#include "ald/app/aldctl_show.h"   /* show_error */
#include "ald/app/digest.h"        /* digest_sha256 */
#include "ald/app/version.h"       /* version_text */
#include "ald/base/diag.h"         /* diag_new */
#include "ald/base/time.h"         /* time_add_duration */
#include "ald/core/recipe.h"       /* struct recipe */
#include "ald/file/file.h"         /* file_compile_tool, file_compile_joined */

#include <errno.h>    /* errno */
#include <jansson.h>  /* run.parameters */
#include <stdarg.h>   /* va_list */
#include <stdio.h>    /* fprintf */
#include <stdlib.h>   /* exit, free */
#include <string.h>   /* strcmp, strlen, strsignal */
#include <sys/wait.h> /* waitpid */
#include <unistd.h>   /* fork, isatty */

/* Rows of the record in one question. */
enum { ROWS = 256 };

static void give_up(struct aldctl_replay *r, const char *fmt, ...) TEXT_PRINTF(2, 3);
static void give_up(struct aldctl_replay *r, const char *fmt, ...)
{
        struct text t;
        va_list args;

        r->verdict = ALDCTL_IMPOSSIBLE;
        text_init(&t, r->why, sizeof r->why);
        va_start(args, fmt);
        text_addv(&t, fmt, args);
        va_end(args);
}

/* ---- what was in force then ---- */

static bool is_digest(const char *text, const char *sha256)
{
        char hex[DIGEST_HEX];

        digest_sha256(text, strlen(text), hex);
        return strcmp(hex, sha256) == 0;
}

/* The first error is enough: the texts were sound for the version that recorded them. */
static void give_up_compiling(struct aldctl_replay *r, const char *what, const struct diag *d)
{
        for (size_t i = 0; i < diag_count(d); i++) {
                const struct diag_entry *e = diag_entry(d, i);

                if (e->severity != DIAG_ERROR)
                        continue;
                give_up(r, "this version does not accept the recorded %s: line %d: %s", what, e->at.line,
                    e->text);
                return;
        }
        give_up(r, "the recorded %s cannot be compiled", what);
}

static bool compile_tool(struct aldctl_replay *r, const char *text, struct diag *d)
{
        if (!is_digest(text, r->run.tool_sha256)) {
                give_up(r, "the recorded tool file is not the one that was in force: its SHA-256 differs");
                return false;
        }
        r->tool = file_compile_tool("tool of the run", text, strlen(text), d);
        if (r->tool == NULL)
                give_up_compiling(r, "tool file", d);
        return r->tool != NULL;
}

static size_t list_parameters(json_t *parameters, struct file_set sets[RECIPE_PARAMETERS_MAX])
{
        size_t count = 0;
        const char *name;
        json_t *value;

        json_object_foreach(parameters, name, value)
        {
                if (json_is_string(value) && count < RECIPE_PARAMETERS_MAX)
                        sets[count++] = (struct file_set){.name = name, .value = json_string_value(value)};
        }
        return count;
}

static bool compile_recipe(struct aldctl_replay *r, const struct query_texts *texts, struct diag *d)
{
        struct file_set sets[RECIPE_PARAMETERS_MAX];
        json_t *parameters = json_loads(texts->parameters, 0, NULL);
        size_t count = list_parameters(parameters, sets);

        r->recipe = file_compile_joined(
            "recipe of the run", texts->recipe, strlen(texts->recipe), r->tool, sets, count, d);
        json_decref(parameters);
        if (r->recipe == NULL) {
                give_up_compiling(r, "recipe", d);
                return false;
        }
        digest_sha256(r->recipe->text, r->recipe->text_len, r->recipe->sha256);
        if (strcmp(r->recipe->sha256, r->run.recipe_sha256) == 0)
                return true;
        give_up(r, "the recorded recipe is not the one that ran: its SHA-256 differs");
        return false;
}

static bool compile(struct aldctl_replay *r)
{
        struct query_texts texts;
        struct diag *d = diag_new();
        bool ok = false;

        if (d == NULL || query_texts(r->q, r->run.id, &texts) != 1) {
                give_up(r, "%s", d == NULL ? "memory is out" : query_why(r->q));
                diag_free(d);
                return false;
        }
        ok = compile_tool(r, texts.tool, d) && compile_recipe(r, &texts, d);
        query_free_texts(&texts);
        diag_free(d);
        return ok;
}

/* ---- the tape ---- */

static bool on_piece(void *ctx, const struct tape_piece *piece)
{
        struct aldctl_replay *r = ctx;

        r->after = piece->n;
        r->has_row = true;
        r->is = player_take(r->player, piece, r->why, sizeof r->why);
        return r->is == PLAYER_SAME;
}

static void show_progress(const struct aldctl_replay *r)
{
        int64_t done_us = r->state.wall_us - r->run.started_us;
        int64_t all_us = r->run.ended_us - r->run.started_us;

        if (!isatty(STDERR_FILENO) || all_us <= 0)
                return;
        (void)fprintf(stderr, "\r%3d %% ", (int)(100.0 * (double)done_us / (double)all_us));
        (void)fflush(stderr);
}

static void play(struct aldctl_replay *r)
{
        int found = 0;
        int64_t before;

        r->after = -1;
        do {
                before = r->after;
                found = query_inputs(r->q, r->run.id, r->after, ROWS, on_piece, r);
                player_get_state(r->player, &r->state);
                show_progress(r);
        } while (found == 0 && r->is == PLAYER_SAME && r->after > before);
        if (isatty(STDERR_FILENO))
                (void)fputs("\r      \r", stderr);
        if (found != 0)
                give_up(r, "%s", query_why(r->q));
}

/* How far the inputs reach, where that is not the run's end. */
static void tell_reach(struct aldctl_replay *r)
{
        struct text t;

        text_init(&t, r->why, sizeof r->why);
        if (r->state.lost > 0)
                text_add(&t, "%lld events are lost: the disk did not take them. ", (long long)r->state.lost);
        if (r->state.is_ended)
                return;
        text_add(&t, "The inputs reach to event %lld, ", (long long)r->state.n);
        time_add_duration(&t, r->state.now_us - r->state.start_us);
        text_add(&t, " after the start; %s",
            r->state.is_lost ? "those that follow are lost"
            : r->run.ended_us == 0
                ? "the run is still under way"
                : "there the daemon was killed or lost its power, unless rows were taken away");
}

static void judge(struct aldctl_replay *r)
{
        if (!r->has_row)
                give_up(r, "no inputs of this run were recorded (by version %s)", r->run.version);
        else if (r->is == PLAYER_FOREIGN)
                give_up(r, "recorded by version %s, which lays out the core otherwise; this is %s",
                    r->run.version, version_text());
        else if (r->is == PLAYER_DAMAGED)
                r->verdict = ALDCTL_IMPOSSIBLE; /* `why` says it */
        else if (r->is == PLAYER_DIFFERS)
                r->verdict = ALDCTL_DIFFERENT;
        else if (!r->state.has_begun)
                give_up(r, "the image at the run's start was not recorded: the disk did not take it");
        else
                tell_reach(r);
}

static void replay(struct aldctl_replay *r)
{
        if (!compile(r))
                return;
        r->player = player_new(r->tool, r->recipe);
        if (r->player == NULL) {
                give_up(r, "memory is out");
                return;
        }
        play(r);
        if (r->verdict != ALDCTL_IMPOSSIBLE)
                judge(r);
}

static enum aldctl_exit replay_run(struct aldctl_replay *r)
{
        if (r->verdict == ALDCTL_SAME) /* not given up yet */
                replay(r);
        aldctl_replay_say(r);
        player_free(r->player);
        recipe_free(r->recipe);
        free(r->tool);
        return r->verdict == ALDCTL_SAME ? ALDCTL_OK : ALDCTL_FAILED;
}

/* `signal`: what ended the process that replayed; 0 = nothing has been replayed yet. */
static enum aldctl_exit replay_number(const struct aldctl_options *o, long long id, int signal)
{
        struct aldctl_replay r = {.o = o};
        enum aldctl_exit code;
        int found;

        r.q = aldctl_open_database(o, &code);
        if (r.q == NULL)
                return code;
        found = query_run(r.q, id, &r.run);
        if (found == 1 && signal != 0)
                give_up(&r, "what is recorded leads the core of version %s into a fault (%s)", version_text(),
                    strsignal(signal));
        if (found == 1) {
                code = replay_run(&r);
        } else {
                code = ALDCTL_FAILED;
                if (found == 0)
                        show_error("there is no run %lld; `aldctl runs` lists them", id);
                else
                        show_error("%s", query_why(r.q));
        }
        query_close(r.q);
        return code;
}

/* The sum of an image tells that its bytes are those that were written, not who wrote them, and a changed core may have its own
 * faults: one that begins where no core ever was may fail any assert. So it runs in a process of its own. */
enum aldctl_exit aldctl_replay(const struct aldctl_command *self, const struct aldctl_options *o)
{
        long long id = aldctl_run_number(self, o);
        int status = 0;
        pid_t child;

        if (id == 0)
                return ALDCTL_USAGE;
        (void)fflush(NULL);
        child = fork();
        if (child == 0)
                exit((int)replay_number(o, id, 0));
        while (child > 0 && waitpid(child, &status, 0) < 0)
                if (errno != EINTR)
                        child = -1;
        if (child < 0) {
                show_error("no process to replay in: %s", strerror(errno));
                return ALDCTL_FAILED;
        }
        return WIFSIGNALED(status) ? replay_number(o, id, WTERMSIG(status))
                                   : (enum aldctl_exit)WEXITSTATUS(status);
}
