/* aldctl replay: a recorded run goes through the core of this program once more, from the image at its start, event by event,
 * and every turn must be decided as it was. What was in force then is compiled again from the record's own texts. */
#include "ald/app/aldctl.h"        /* own declarations */
#include "ald/app/aldctl_replay.h" /* struct aldctl_replay */
#include "ald/app/aldctl_show.h"   /* show_error */
#include "ald/app/version.h"       /* version_text */
#include "ald/base/time.h"         /* time_add_duration */
#include "ald/core/resume.h"       /* resume_again */

#include <errno.h>    /* errno */
#include <stdarg.h>   /* va_list */
#include <stdio.h>    /* fprintf */
#include <stdlib.h>   /* exit */
#include <string.h>   /* strsignal */
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

static bool compile(struct aldctl_replay *r)
{
        struct resume_refusal refusal;
        const struct recipe_resume was = aldctl_past_resume(&r->run);

        if (!aldctl_past_load(&r->past, r->q, &r->run)) {
                give_up(r, "%s", r->past.why);
                return false;
        }
        /* A run that went on with another one had its preparation before its program. */
        if (was.run_id == 0 || resume_again(r->past.recipe, r->past.tool, &was, &refusal))
                return true;
        give_up(r, "this version does not go on where that one did: %s", refusal.text);
        return false;
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
        r->player = player_new(r->past.tool, r->past.recipe);
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
        aldctl_past_free(&r->past);
        return r->verdict == ALDCTL_SAME ? ALDCTL_OK : ALDCTL_FAILED;
}

/* `signal`: what ended the process that replayed; 0 = nothing has been replayed yet. */
static enum aldctl_exit replay_number(const struct aldctl_options *o, long long id, int signal)
{
        struct aldctl_replay r = {.o = o};
        enum aldctl_exit code;

        r.q = aldctl_open_database(o, &code);
        if (r.q == NULL)
                return code;
        code = ALDCTL_FAILED;
        if (aldctl_find_run(r.q, id, &r.run)) {
                if (signal != 0)
                        give_up(&r, "what is recorded leads the core of version %s into a fault (%s)",
                            version_text(), strsignal(signal));
                code = replay_run(&r);
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
