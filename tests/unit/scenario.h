/* A scenario: the reference tool in virtual time, with the wire and the record watched by checkers that know nothing
 * of the core's state. */
#ifndef TESTS_UNIT_SCENARIO_H
#define TESTS_UNIT_SCENARIO_H

#include "support.h" /* support_tool */

#include "ald/base/time.h"   /* TIME_S */
#include "ald/core/tape.h"   /* tape_turn */
#include "ald/sim/virtual.h" /* struct virtual */

#include <math.h>  /* fabs */
#include <stdio.h> /* fprintf */

enum { SCENARIO_EDGES_MAX = 4096, SCENARIO_EVENTS_MAX = 4096, SCENARIO_PULSES_MAX = 2048 };

struct scenario_edge {
        int64_t t_us;
        int tag;
        double value;
        enum cause cause;
};

struct scenario {
        struct tool *tool;
        struct recipe *recipe;
        struct virtual *v;
        int edge_count;
        struct scenario_edge edges[SCENARIO_EDGES_MAX]; /* of precursor valves only */
        int event_count;
        struct record_event events[SCENARIO_EVENTS_MAX];
        int pulse_count; /* PULSE_END records */
        struct record_pulse pulses[SCENARIO_PULSES_MAX];
        int metrics_count;
        struct record_pulse metrics;
        int cycles_begun, cycles_ended, runs_ended, audits;
        struct record_run run_end;
        struct record_audit audit;
        struct effect_reply reply;
        int replies;
        int alarms;                /* events of kind "alarm" */
        uint64_t wire_digest;      /* of every value that reached the wire, with its time */
        double out[TOOL_TAGS_MAX]; /* what stands on the wire */
        bool has_out[TOOL_TAGS_MAX];
        int64_t closed_us[TOOL_TAGS_MAX];
        /* Disturbances. */
        int bad_tag;      /* -1 = none */
        double bad_value; /* NaN or a number; the sample is replaced by it */
        bool drop_bad, freeze_bad;
        struct {
                bool is_on;
                double value,
                    per_s; /* what is read instead, and how it goes on from from_us; NaN = unreadable */
                int64_t from_us;
        } force[TOOL_TAGS_MAX];
        int moves[TOOL_TAGS_MAX];            /* changes of the output on the wire */
        enum cause cause[TOOL_TAGS_MAX];     /* of the last write */
        int deaf_tag;                        /* -1 = none: writes to it fail */
        int deviant_tag;                     /* -1 = none: reads back 1 - value */
        int deaf_device;                     /* -1 = none: writes to it fail */
        int late_pulse;                      /* number from 1 of the one whose edges come late, 0 = none */
        int64_t open_late_us, close_late_us; /* a close of INT64_MAX: it does not open at all */
        int pulses_begun;
        int turns;                                                       /* of the core */
        void (*on_turn)(struct scenario *s);                             /* after each; may be NULL */
        void (*on_record)(struct scenario *s, const struct record *r);   /* may be NULL */
        void (*on_effects)(struct scenario *s, const struct effects *e); /* of each turn; may be NULL */
        void (*on_wire)(struct scenario *s, int64_t t_us, int tag, double value); /* may be NULL */
        struct tape *tape;           /* takes down every turn; may be NULL */
        bool was_left_open;          /* as the process begins */
        const struct counts *counts; /* what was counted before it; may be NULL */
};

/* V1 and V2 on the wire: no two of an exclusion open, and the purge between. Closed is 0, whatever the safe value: an
 * exhaust is safe when it is open. */
static inline void scenario_check_wire(struct scenario *s, int64_t t_us, int tag, double value)
{
        if (value == 0)
                return;
        for (int i = 0; i < s->tool->tag_count; i++) {
                int64_t purge_us = 0;

                if (i == tag || !s->has_out[i] || !tool_excludes(s->tool, tag, i, &purge_us))
                        continue;
                ck_assert_msg(s->out[i] == 0, "V1: %s opened while %s is open", s->tool->tags[tag].name,
                    s->tool->tags[i].name);
                ck_assert_msg(s->closed_us[i] == 0 || t_us - s->closed_us[i] >= purge_us,
                    "V2: %s opened %lld us after %s closed", s->tool->tags[tag].name,
                    (long long)(t_us - s->closed_us[i]), s->tool->tags[i].name);
        }
}

/* V9 on the wire: the way out and the carrier close under no precursor and in no post-purge, and no precursor opens while they
 * are closed, but in an expose. A trip may shut the carrier all the same. */
static inline void scenario_check_purge_path(
    struct scenario *s, int64_t t_us, int tag, double value, enum cause cause)
{
        const struct tool *tool = s->tool;
        int carrier = tool->carrier >= 0 ? tool->loops[tool->carrier].setpoint : TOOL_NONE;
        int line = tool_find_line_of_valve(tool, tag);
        struct core_status status;

        if (cause == CAUSE_TRIP || (value != 0) != (line >= 0) ||
            (line < 0 && tag != tool->exhaust && tag != carrier))
                return;
        core_get_status(virtual_core(s->v), &status);
        if (status.is_exposing)
                return;
        if (line >= 0) {
                ck_assert_msg(tool->exhaust < 0 || s->out[tool->exhaust] != 0,
                    "V9: %s opened with the exhaust closed", tool->tags[tag].name);
                ck_assert_msg(carrier < 0 || s->out[carrier] > 0, "V9: %s opened without carrier",
                    tool->tags[tag].name);
                return;
        }
        for (int i = 0; i < tool->line_count; i++) {
                int valve = tool->lines[i].valve;

                ck_assert_msg(s->out[valve] == 0, "V9: %s closed under %s", tool->tags[tag].name,
                    tool->tags[valve].name);
                ck_assert_msg(
                    s->closed_us[valve] == 0 || t_us - s->closed_us[valve] >= tool->lines[i].purge_us_min,
                    "V9: %s closed %lld us after %s", tool->tags[tag].name,
                    (long long)(t_us - s->closed_us[valve]), tool->tags[valve].name);
        }
}

static inline void scenario_wire(void *ctx, int64_t t_us, int tag, double value, enum cause cause)
{
        struct scenario *s = ctx;

        ck_assert_msg(cause != CAUSE_NONE, "V5: a write to %s carries no cause", s->tool->tags[tag].name);
        s->wire_digest =
            (s->wire_digest ^ (uint64_t)t_us ^ (uint64_t)tag << 56 ^ (uint64_t)(value * 1e6) << 8) *
            UINT64_C(1099511628211);
        if (s->tool->tags[tag].is_valve)
                scenario_check_wire(s, t_us, tag, value);
        s->moves[tag] += s->has_out[tag] && s->out[tag] != value;
        scenario_check_purge_path(s, t_us, tag, value, cause);
        if (s->has_out[tag] && s->out[tag] != value && value == 0)
                s->closed_us[tag] = t_us;
        s->out[tag] = value;
        s->has_out[tag] = true;
        s->cause[tag] = cause;
        if (s->on_wire != NULL)
                s->on_wire(s, t_us, tag, value);
        if (s->tool->tags[tag].class == TOOL_CLASS_PLAIN || s->edge_count == SCENARIO_EDGES_MAX)
                return;
        s->edges[s->edge_count++] = (struct scenario_edge){t_us, tag, value, cause};
}

static inline void scenario_record(void *ctx, const struct record *r)
{
        struct scenario *s = ctx;

        if (s->on_record != NULL)
                s->on_record(s, r);
        s->alarms += r->kind == RECORD_EVENT && strcmp(r->u.event.kind, "alarm") == 0;
        if (r->kind == RECORD_EVENT && s->event_count < SCENARIO_EVENTS_MAX)
                s->events[s->event_count++] = r->u.event;
        if (r->kind == RECORD_PULSE_END && s->pulse_count < SCENARIO_PULSES_MAX)
                s->pulses[s->pulse_count++] = r->u.pulse;
        if (r->kind == RECORD_PULSE_METRICS) {
                s->metrics_count++;
                s->metrics = r->u.pulse;
        }
        s->cycles_begun += r->kind == RECORD_CYCLE_START;
        s->cycles_ended += r->kind == RECORD_CYCLE_END;
        if (r->kind == RECORD_RUN_END) {
                s->runs_ended++;
                s->run_end = r->u.run;
        }
        if (r->kind == RECORD_AUDIT) {
                s->audits++;
                s->audit = r->u.audit;
        }
}

static inline void scenario_reply(void *ctx, const struct effect_reply *reply)
{
        struct scenario *s = ctx;

        s->reply = *reply;
        s->replies++;
}

static inline bool scenario_tamper(void *ctx, struct sample *sample)
{
        struct scenario *s = ctx;

        if (sample->tag == s->deviant_tag)
                sample->value = 1 - sample->value;
        if (s->force[sample->tag].is_on)
                sample->value = s->force[sample->tag].value +
                                s->force[sample->tag].per_s *
                                    (double)(sample->t_us - s->force[sample->tag].from_us) / (double)TIME_S;
        if (sample->tag != s->bad_tag)
                return true;
        if (!s->freeze_bad)
                sample->value = s->bad_value;
        else if (isnan(s->bad_value))
                s->bad_value = sample->value;
        if (s->freeze_bad)
                sample->value = s->bad_value;
        return !s->drop_bad;
}

static inline bool scenario_obeys(void *ctx, int tag)
{
        const struct scenario *s = ctx;

        return tag != s->deaf_tag && s->tool->tags[tag].device != s->deaf_device;
}

static inline bool scenario_move(void *ctx, struct effect_pulse *pulse)
{
        struct scenario *s = ctx;

        if (++s->pulses_begun != s->late_pulse)
                return true;
        if (s->close_late_us == INT64_MAX)
                return false;
        pulse->open_us += s->open_late_us;
        pulse->close_us += s->close_late_us;
        return true;
}

static inline void scenario_turn(void *ctx, const struct core *core, int64_t now_us)
{
        struct scenario *s = ctx;

        (void)core;
        (void)now_us;
        s->turns++;
        if (s->on_turn != NULL)
                s->on_turn(s);
}

/* A place of a tool file, and what stands there instead. */
struct scenario_edit {
        const char *was, *is;
};

static inline char *scenario_replace(char *text, const struct scenario_edit *edit)
{
        const char *at = strstr(text, edit->was);
        size_t size = strlen(text) + strlen(edit->is) + 1;
        char *out = malloc(size);

        ck_assert_msg(at != NULL, "the tool file has no '%s'", edit->was);
        ck_assert_ptr_nonnull(out);
        snprintf(out, size, "%.*s%s%s", (int)(at - text), text, edit->is, at + strlen(edit->was));
        free(text);
        return out;
}

static inline char *scenario_edited_text(const char *path, const struct scenario_edit *edits, size_t count)
{
        struct diag *d = diag_new();
        size_t len;
        char *text = file_read(path, &len, d);

        ck_assert_ptr_nonnull(text);
        diag_free(d);
        for (size_t i = 0; i < count; i++)
                text = scenario_replace(text, &edits[i]);
        return text;
}

/* The tool of a text (taken). */
static inline struct tool *scenario_compile_tool(char *text)
{
        struct diag *d = diag_new();
        struct tool *tool = file_compile_tool("edited.yaml", text, strlen(text), d);

        if (tool == NULL)
                diag_print(d, stderr, false);
        ck_assert_ptr_nonnull(tool);
        diag_free(d);
        free(text);
        return tool;
}

static inline struct tool *scenario_edited_file(
    const char *path, const struct scenario_edit *edits, size_t count)
{
        return scenario_compile_tool(scenario_edited_text(path, edits, count));
}

static inline struct tool *scenario_edited_tool(const struct scenario_edit *edits, size_t count)
{
        return scenario_edited_file(SUPPORT_TOOL, edits, count);
}

static inline void scenario_took(void *ctx, const struct core *core, const struct event *event,
    const struct effects *effects, int64_t due_us)
{
        struct scenario *s = ctx;

        if (s->tape != NULL)
                tape_turn(s->tape, core, event, effects, due_us);
        if (s->on_effects != NULL)
                s->on_effects(s, effects);
}

/* Begin at start-up above s->tool; not ready: cold and at the air. */
static inline void scenario_begin_past(
    struct scenario *s, int64_t interrupted_run, bool is_ready, const struct core_past *past)
{
        struct virtual_config config = {.sim = {.seed = 1, .ready = is_ready},
            .start = {.now_us = 10 * TIME_S,
                .wall_us = 1700000000 * TIME_S,
                .next_run_id = 1,
                .store_ok = true,
                .interrupted_run = interrupted_run,
                .was_left_open = s->was_left_open,
                .counts = s->counts}};

        if (past != NULL)
                config.start.past = *past;
        s->bad_tag = s->deaf_tag = s->deviant_tag = s->deaf_device = -1;
        config.watch = (struct virtual_watch){.ctx = s,
            .record = scenario_record,
            .reply = scenario_reply,
            .wire = scenario_wire,
            .tamper = scenario_tamper,
            .took = scenario_took,
            .turn = scenario_turn,
            .obeys = scenario_obeys,
            .move = scenario_move};
        s->v = virtual_new(s->tool, &config);
        ck_assert_ptr_nonnull(s->v);
}

static inline void scenario_begin(struct scenario *s, int64_t interrupted_run, bool is_ready)
{
        scenario_begin_past(s, interrupted_run, is_ready, NULL);
}

/* A ready tool of its own (taken), with what the record tells of runs before. */
static inline struct scenario *scenario_make_past(struct tool *tool, const struct core_past *past)
{
        struct scenario *s = calloc(1, sizeof *s);

        ck_assert_ptr_nonnull(s);
        s->tool = tool;
        scenario_begin_past(s, 0, true, past);
        return s;
}

/* A scenario with a tool of its own (taken). */
static inline struct scenario *scenario_make(struct tool *tool, int64_t interrupted_run, bool is_ready)
{
        struct scenario *s = calloc(1, sizeof *s);

        ck_assert_ptr_nonnull(s);
        s->tool = tool;
        scenario_begin(s, interrupted_run, is_ready);
        return s;
}

static inline struct scenario *scenario_new_with(struct tool *tool, int64_t interrupted_run)
{
        return scenario_make(tool, interrupted_run, true);
}

static inline struct scenario *scenario_new(int64_t interrupted_run)
{
        return scenario_new_with(support_tool(SUPPORT_TOOL), interrupted_run);
}

static inline void scenario_free(struct scenario *s)
{
        virtual_free(s->v);
        recipe_free(s->recipe);
        free(s->tool);
        free(s);
}

static inline struct core_status scenario_status(struct scenario *s)
{
        struct core_status status;

        core_get_status(virtual_core(s->v), &status);
        return status;
}

static inline enum machine_state scenario_state(struct scenario *s)
{
        return scenario_status(s).state;
}

static inline void scenario_await(struct scenario *s, enum machine_state state, int64_t within_us)
{
        int64_t limit = virtual_now(s->v) + within_us;

        ck_assert_msg(virtual_run_to(s->v, state, limit), "state is %s (%s), not %s",
            machine_state_name(scenario_state(s)), scenario_status(s).reason, machine_state_name(state));
}

static inline void scenario_run(struct scenario *s, int64_t us)
{
        virtual_run(s->v, virtual_now(s->v) + us);
}

static inline int scenario_tag(struct scenario *s, const char *name)
{
        int tag = tool_find_tag(s->tool, name);

        ck_assert_msg(tag >= 0, "no tag %s", name);
        return tag;
}

/* A command by an operator; returns the reply's code. */
static inline int scenario_do(struct scenario *s, enum verb verb)
{
        struct command c = {
            .reply = 7, .verb = verb, .role = TOOL_ROLE_OPERATOR, .uid = 1000, .pid = 1, .user = "ann"};
        int replies = s->replies;

        c.recipe = verb == VERB_RUN ? s->recipe : NULL;
        virtual_command(s->v, &c);
        ck_assert_int_eq(s->replies, replies + 1);
        return s->reply.code;
}

static inline void scenario_start(struct scenario *s, const char *cycles, const char *purge)
{
        struct file_set sets[] = {{"cycles", cycles}, {"purge", purge}, {"base", "2 s"}, {"settle", "2 s"},
            {"cool", "120 degC"}, {"last_purge", "5 s"}};

        recipe_free(s->recipe);
        s->recipe = support_recipe(s->tool, SUPPORT_RECIPE, sets, sizeof sets / sizeof sets[0]);
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 0);
}

/* Run on until a precursor valve is commanded open on the wire `n` times in all. */
static inline void scenario_await_open(struct scenario *s, const char *name, int n)
{
        int tag = scenario_tag(s, name);
        int64_t limit = virtual_now(s->v) + 2 * TIME_H;

        while (virtual_now(s->v) < limit) {
                int opened = 0;

                for (int i = 0; i < s->edge_count; i++)
                        opened += s->edges[i].tag == tag && s->edges[i].value != 0;
                if (opened >= n)
                        return;
                virtual_run(s->v, virtual_now(s->v) + TIME_MS);
        }
        ck_abort_msg("%s did not open %d times", name, n);
}

static inline bool scenario_has_event(const struct scenario *s, const char *kind, const char *source)
{
        for (int i = 0; i < s->event_count; i++)
                if (strcmp(s->events[i].kind, kind) == 0 && strcmp(s->events[i].source, source) == 0)
                        return true;
        return false;
}

static inline void scenario_check_closed(struct scenario *s)
{
        for (int i = 0; i < s->tool->tag_count; i++)
                if (s->tool->tags[i].is_output && s->tool->tags[i].class != TOOL_CLASS_PLAIN)
                        ck_assert_msg(
                            s->out[i] == s->tool->tags[i].safe, "%s is not closed", s->tool->tags[i].name);
}

/* Every output on the wire equals the image (V6). */
static inline void scenario_check_image(struct scenario *s, enum tool_image image)
{
        for (int i = 0; i < s->tool->tag_count; i++) {
                const struct tool_tag *t = &s->tool->tags[i];

                if (t->is_output && !t->image[image].keep)
                        ck_assert_msg(s->has_out[i] && fabs(s->out[i] - t->image[image].value) < 1e-9,
                            "V6: %s is %g, the image says %g", t->name, s->out[i], t->image[image].value);
        }
}

#endif
