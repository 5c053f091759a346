/* aldctl replay: a recorded run goes through the core of this program once more, from the image at its start, event by event,
 * and every turn must be decided as it was. What was in force then is compiled again from the record's own texts. */
#include "ald/app/aldctl.h"      /* own declarations */
#include "ald/app/aldctl_show.h" /* show_* */
#include "ald/app/digest.h"      /* digest_sha256 */
#include "ald/app/version.h"     /* version_text */
#include "ald/base/diag.h"       /* diag_new */
#include "ald/base/time.h"       /* TIME_S, time_format_utc */
#include "ald/core/event_code.h" /* event_code_kind */
#include "ald/core/player.h"     /* struct player */
#include "ald/core/recipe.h"     /* struct recipe */
#include "ald/file/file.h"       /* file_compile_tool, file_compile_joined */
#include "ald/store/query.h"     /* query_* */

#include <jansson.h> /* run.parameters */
#include <stdlib.h>  /* free */
#include <string.h>  /* strcmp, strlen */
#include <unistd.h>  /* isatty */

/* Rows at a time, and how much of the record is shown around the first difference. */
enum { ROWS = 256 };
static const int64_t around_us = TIME_S;

enum verdict { VERDICT_SAME, VERDICT_DIFFERENT, VERDICT_IMPOSSIBLE };
static const char *const verdicts[] = {"same", "different", "impossible"};

struct replay {
        const struct aldctl_options *o;
        struct query *q;
        struct query_run run;
        struct tool *tool;
        struct recipe *recipe;
        struct player *player;
        enum player_is is;
        int64_t after; /* number of the last row */
        bool has_row;
        enum verdict verdict;
        char why[512]; /* impossible: why; same: how far, when not to the end */
        struct player_state state;
        json_t *recorded; /* JSON only: what the record tells around the difference */
};

static void give_up(struct replay *r, const char *fmt, ...) TEXT_PRINTF(2, 3);
static void give_up(struct replay *r, const char *fmt, ...)
{
        struct text t;
        va_list args;

        r->verdict = VERDICT_IMPOSSIBLE;
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
static void give_up_compiling(struct replay *r, const char *what, const struct diag *d)
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

static bool compile_tool(struct replay *r, const char *text, struct diag *d)
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

static bool compile_recipe(struct replay *r, const struct query_texts *texts, struct diag *d)
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

static bool compile(struct replay *r)
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
        struct replay *r = ctx;

        r->after = piece->n;
        r->has_row = true;
        r->is = player_take(r->player, piece, r->why, sizeof r->why);
        return r->is == PLAYER_SAME;
}

static void show_progress(const struct replay *r)
{
        int64_t done_us = r->state.wall_us - r->run.started_us;
        int64_t all_us = r->run.ended_us - r->run.started_us;

        if (!isatty(STDERR_FILENO) || all_us <= 0)
                return;
        (void)fprintf(stderr, "\r%3d %% ", (int)(100.0 * (double)done_us / (double)all_us));
        (void)fflush(stderr);
}

static void play(struct replay *r)
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
static void tell_reach(struct replay *r)
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
            r->state.is_lost       ? "those that follow are lost"
            : r->run.ended_us == 0 ? "the run is still under way"
                                   : "there the daemon was killed, or lost its power");
}

static void judge(struct replay *r)
{
        if (!r->has_row)
                give_up(r, "no inputs of this run were recorded (by version %s)", r->run.version);
        else if (r->is == PLAYER_FOREIGN)
                give_up(r, "recorded by version %s, which lays out the core otherwise; this is %s",
                    r->run.version, version_text());
        else if (r->is == PLAYER_DAMAGED)
                r->verdict = VERDICT_IMPOSSIBLE; /* `why` says it */
        else if (r->is == PLAYER_DIFFERS)
                r->verdict = VERDICT_DIFFERENT;
        else if (!r->state.has_begun)
                give_up(r, "the image at the run's start was not recorded: the disk did not take it");
        else
                tell_reach(r);
}

static void replay(struct replay *r)
{
        if (!compile(r))
                return;
        r->player = player_new(r->tool, r->recipe);
        if (r->player == NULL) {
                give_up(r, "memory is out");
                return;
        }
        play(r);
        if (r->verdict != VERDICT_IMPOSSIBLE)
                judge(r);
}

/* ---- what is said ---- */

static void add_record(struct text *t, const struct record *r)
{
        switch (r->kind) {
        case RECORD_RUN_START:
        case RECORD_RUN_STATE:
        case RECORD_RUN_END:
                text_add(t, "run %s %s", r->u.run.state, r->u.run.reason);
                break;
        case RECORD_CYCLE_START:
        case RECORD_CYCLE_END:
                text_add(t, "cycle %lld %s", (long long)r->u.cycle.n,
                    r->kind == RECORD_CYCLE_START ? "begins" : "ends");
                break;
        case RECORD_PULSE_START:
        case RECORD_PULSE_END:
        case RECORD_PULSE_METRICS:
                text_add(t, "pulse %s in cycle %lld", r->u.pulse.path, (long long)r->u.pulse.cycle);
                break;
        case RECORD_EVENT:
                text_add(t, "%s %s: %s", r->u.event.kind, r->u.event.source, r->u.event.text);
                break;
        case RECORD_AUDIT:
                text_add(t, "audit %s by %s: %s", r->u.audit.command, r->u.audit.user, r->u.audit.result);
                break;
        case RECORD_SAMPLE:
                break;
        }
}

/* A decision in words; nothing for those that every turn takes (feeds, samples kept). */
static void add_effect(struct text *t, const struct replay *r, const struct effect *e)
{
        const struct tool_tag *tags = r->tool->tags;

        switch (e->kind) {
        case EFFECT_WRITE:
                text_add(t, "write %s ", tags[e->u.write.tag].name);
                tool_add_value(t, &tags[e->u.write.tag], e->u.write.value);
                text_add(t, " (%s)", cause_name((enum cause)e->u.write.cause));
                break;
        case EFFECT_PULSE:
                text_add(t, "pulse %s in %.3f ms for %.3f ms", tags[e->u.pulse.tag].name,
                    (double)(e->u.pulse.open_us - r->state.now_us) / 1e3,
                    (double)(e->u.pulse.close_us - e->u.pulse.open_us) / 1e3);
                break;
        case EFFECT_REVOKE:
                text_add(t, "take back the pulse of %s", tags[e->u.revoke.tag].name);
                break;
        case EFFECT_REARM:
                text_add(t, "re-arm %s", r->tool->devices[e->u.device].name);
                break;
        case EFFECT_RECORD:
                add_record(t, &e->u.record);
                break;
        case EFFECT_REPLY:
                text_add(t, "reply %d %s", e->u.reply.code, e->u.reply.text);
                break;
        case EFFECT_EXIT:
                text_add(t, "exit");
                break;
        case EFFECT_FEED:
        case EFFECT_READY:
        case EFFECT_RECIPE_DONE:
                break;
        }
}

/* The decisions of the turn that differs, each as a line, or into a list. */
static void tell_decided(const struct replay *r, json_t *list)
{
        int said = 0;

        for (int i = 0; i < r->state.effects_now->count; i++) {
                char line[512];
                struct text t;

                text_init(&t, line, sizeof line);
                add_effect(&t, r, &r->state.effects_now->item[i]);
                if (line[0] == '\0')
                        continue;
                said++;
                if (list != NULL) {
                        (void)json_array_append_new(list, json_string(line));
                        continue;
                }
                (void)printf("  ");
                show_text(stdout, line, false);
                (void)printf("\n");
        }
        if (said == 0 && list == NULL)
                (void)printf("  nothing but samples kept and the time of the next turn\n");
}

static void on_event(void *ctx, const struct query_event *e)
{
        struct replay *r = ctx;
        char line[512], utc[TIME_UTC_CAP];
        struct text t;

        text_init(&t, line, sizeof line);
        text_add(&t, "%+8.3f s  %s %s: %s", (double)(e->t_us - r->state.wall_us) / (double)TIME_S, e->kind,
            e->source, e->text);
        if (r->recorded == NULL) {
                (void)printf("  ");
                show_text(stdout, line, false);
                (void)printf("\n");
                return;
        }
        time_format_utc(e->t_us, utc);
        (void)json_array_append_new(r->recorded, json_pack("{s:s, s:s, s:s, s:s}", "time", utc, "kind",
                                                     e->kind, "source", e->source, "text", e->text));
}

static void tell_recorded(struct replay *r)
{
        if (query_events_between(
                r->q, r->state.wall_us - around_us, r->state.wall_us + around_us, on_event, r) != 0)
                show_error("%s", query_why(r->q));
}

static void print_difference(struct replay *r)
{
        char when[SHOW_TIME_CAP];

        show_local(r->state.wall_us, true, when);
        (void)printf("%sdecided otherwise%s at event %lld (%s), %.6f s after the start, %s\n",
            show_colour(stdout, SHOW_RED), show_colour(stdout, SHOW_PLAIN), (long long)r->state.n,
            event_code_kind(r->state.event->kind),
            (double)(r->state.now_us - r->state.start_us) / (double)TIME_S, when);
        (void)printf("%lld events before it are decided as recorded\n", (long long)r->state.events - 1);
        (void)printf("decided now in that turn:\n");
        tell_decided(r, NULL);
        (void)printf("recorded within a second of it:\n");
        tell_recorded(r);
}

static void print_verdict(struct replay *r)
{
        char took[40];
        struct text t;

        (void)printf("%srun %lld: %s, %s%s, recorded by version %s\n", show_colour(stdout, SHOW_BOLD),
            (long long)r->run.id, r->run.recipe, r->run.state, show_colour(stdout, SHOW_PLAIN),
            r->run.version);
        if (strcmp(r->run.version, version_text()) != 0)
                (void)printf("this is version %s\n", version_text());
        if (r->verdict == VERDICT_IMPOSSIBLE) {
                (void)fflush(stdout);
                show_error("it cannot be replayed: %s", r->why);
                return;
        }
        if (r->verdict == VERDICT_DIFFERENT) {
                print_difference(r);
                return;
        }
        text_init(&t, took, sizeof took);
        time_add_duration(&t, r->state.now_us - r->state.start_us);
        (void)printf("%sdecided the same%s: %lld events in %s, %lld decisions\n",
            show_colour(stdout, SHOW_GREEN), show_colour(stdout, SHOW_PLAIN), (long long)r->state.events,
            took, (long long)r->state.effects);
        if (r->why[0] != '\0')
                (void)printf(
                    "%s%s%s\n", show_colour(stdout, SHOW_YELLOW), r->why, show_colour(stdout, SHOW_PLAIN));
}

static json_t *json_difference(struct replay *r)
{
        json_t *decided = json_array();
        char utc[TIME_UTC_CAP];

        r->recorded = json_array();
        tell_recorded(r);
        tell_decided(r, decided);
        time_format_utc(r->state.wall_us, utc);
        return json_pack("{s:I, s:s, s:s, s:f, s:o, s:o}", "event", (json_int_t)r->state.n, "kind",
            event_code_kind(r->state.event->kind), "time", utc, "at_s",
            (double)(r->state.now_us - r->state.start_us) / (double)TIME_S, "decided", decided, "recorded",
            r->recorded);
}

static void print_json(struct replay *r)
{
        json_t *out = json_pack("{s:I, s:s, s:s, s:s, s:b, s:s, s:I, s:I, s:I, s:f, s:s, s:s}", "run",
            (json_int_t)r->run.id, "recipe", r->run.recipe, "state", r->run.state, "verdict",
            verdicts[r->verdict], "complete", r->state.is_ended && r->state.lost == 0, "why", r->why,
            "events", (json_int_t)r->state.events, "decisions", (json_int_t)r->state.effects, "lost",
            (json_int_t)r->state.lost, "duration_s",
            (double)(r->state.now_us - r->state.start_us) / (double)TIME_S, "recorded_by", r->run.version,
            "version", version_text());

        (void)json_object_set_new(
            out, "difference", r->verdict == VERDICT_DIFFERENT ? json_difference(r) : json_null());
        show_json(out);
}

static enum aldctl_exit replay_run(struct replay *r)
{
        replay(r);
        if (r->o->json)
                print_json(r);
        else
                print_verdict(r);
        player_free(r->player);
        recipe_free(r->recipe);
        free(r->tool);
        return r->verdict == VERDICT_SAME ? ALDCTL_OK : ALDCTL_FAILED;
}

enum aldctl_exit aldctl_replay(const struct aldctl_command *self, const struct aldctl_options *o)
{
        struct replay r = {.o = o};
        long long id = aldctl_run_number(self, o);
        enum aldctl_exit code;
        int found;

        if (id == 0)
                return ALDCTL_USAGE;
        r.q = aldctl_open_database(o, &code);
        if (r.q == NULL)
                return code;
        found = query_run(r.q, id, &r.run);
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
