/* What goes on in time: steps that end on values of their own (S1), repeated pulses behind a whole purge (S2), times of
 * values (Q1), heaters that heat (H1) and a bed that turns (M1). */
#include "check.h"
#include "locks.h" /* lock_is_good */

#include "ald/base/time.h"   /* TIME_MS */
#include "ald/core/cond.h"   /* cond_uses_tag */
#include "ald/core/core.h"   /* CORE_HANDOVER_US */
#include "ald/core/recipe.h" /* struct recipe */

#include <math.h>   /* fabs */
#include <string.h> /* memset, strcmp */

/* ---- S1: a wait between two notes of a recipe ends on values that were sampled in it ---- */

struct noted {
        int op;          /* of the first note; -1 = none */
        int64_t note_us; /* it was told then */
};

static bool is_note(const struct recipe *r, int op, const char *text)
{
        return r->ops[op].kind == RECIPE_NOTE && strcmp(r->notes[r->ops[op].note], text) == 0;
}

static bool is_set_before(const struct recipe *r, int op, int setpoint)
{
        bool is_set = false;

        for (int i = 0; i < op; i++)
                if (r->ops[i].kind == RECIPE_SET && r->ops[i].tag == setpoint)
                        is_set = !r->ops[i].is_standby;
        return is_set;
}

/* Does this step's condition look at this tag? */
static bool looks_at(const struct tool *tool, const struct recipe *r, int op, int tag)
{
        int root = r->conds[r->ops[op].cond].root;

        if (cond_uses_tag(&r->pool, root, tag))
                return true;
        for (int i = 0; r->pool.nodes[root].op == COND_SETTLED && i < tool->loop_count; i++)
                if (tool->loops[i].value == tag && is_set_before(r, op, tool->loops[i].setpoint))
                        return true;
        return false;
}

static void judge_noted(struct check_context *c, const struct recipe *r, const struct noted *m)
{
        for (int i = 0; i < c->tool->tag_count; i++)
                if (looks_at(c->tool, r, m->op + 1, i) && c->seen->in[i].good_sent_us < m->note_us)
                        check_fail(c,
                            "line %d: '%s' was passed without a Good value of %s since the step began",
                            r->ops[m->op + 1].source_line, r->conds[r->ops[m->op + 1].cond].text,
                            c->tool->tags[i].name);
}

static void see_noted(struct check_context *c, const struct world_note *n)
{
        struct noted *m = c->mine;
        const struct recipe *r = c->seen->recipe;

        if (!seen_event(n, "note") || r == NULL) {
                if (n->kind == WORLD_BEGUN ||
                    (n->kind == WORLD_RECORD && n->record->kind == RECORD_RUN_START))
                        m->op = -1;
                return;
        }
        if (m->op >= 0 && is_note(r, m->op + 2, n->record->u.event.text))
                judge_noted(c, r, m);
        m->op = -1;
        for (int i = 0; i + 2 < r->op_count; i++)
                if (is_note(r, i, n->record->u.event.text) && r->ops[i + 2].kind == RECIPE_NOTE &&
                    (r->ops[i + 1].kind == RECIPE_WAIT_UNTIL || r->ops[i + 1].kind == RECIPE_PURGE_UNTIL) &&
                    r->ops[i + 1].otherwise != TOOL_ACT_CONTINUE) {
                        m->op = i;
                        m->note_us = n->t_us;
                }
}

/* ---- S2: before a pulse is repeated its purge runs whole ---- */

struct resumed {
        int64_t t_us; /* Execute was entered */
};

static void see_repeat(struct check_context *c, const struct world_note *n)
{
        struct resumed *m = c->mine;
        enum machine_state from, to;
        int64_t purge_us;

        if (seen_transition(n->record, &from, &to) && to == MACHINE_EXECUTE)
                m->t_us = n->t_us;
        if (n->record->kind != RECORD_PULSE_START || n->record->u.pulse.attempt <= 1)
                return;
        purge_us = c->tool->lines[n->record->u.pulse.line].purge_us_min;
        if (n->t_us - m->t_us < purge_us - CORE_HANDOVER_US)
                check_fail(c, "pulse %s is repeated %lld ms after the resume, its purge is %lld at least",
                    n->record->u.pulse.path, (long long)((n->t_us - m->t_us) / TIME_MS),
                    (long long)(purge_us / TIME_MS));
}

/* ---- S7: a run that ended with its process is told of ---- */

struct interrupted {
        bool is_open; /* its start is on the disk, its end is not */
        bool is_full; /* the disk: what is on it may not be known */
        bool is_owed; /* the process that runs owes it */
};

static void see_interrupted(struct check_context *c, const struct world_note *n)
{
        struct interrupted *m = c->mine;

        if (n->kind == WORLD_FAULT && strcmp(n->text, "disk full") == 0)
                m->is_full = n->flag;
        if (n->kind == WORLD_BEGUN) {
                m->is_owed = m->is_open && !m->is_full;
                m->is_open = false;
        }
        if (n->kind == WORLD_STORED && n->record != NULL && n->record->kind == RECORD_RUN_START)
                m->is_open = true;
        if (n->kind == WORLD_STORED && n->record != NULL && n->record->kind == RECORD_RUN_END)
                m->is_open = false;
        if (seen_event(n, "trip") && strcmp(n->record->u.event.source, "restart") == 0)
                m->is_owed = false;
        if (n->kind == WORLD_READY && m->is_owed)
                check_fail(c, "the process before ended in a run, and nothing says so");
}

/* ---- Q1: the time of a value is when it was asked for ---- */

enum { ASKED_MAX = 16 };

struct asked {
        int64_t sent_us[TOOL_TAGS_MAX][ASKED_MAX];
        int64_t count[TOOL_TAGS_MAX];
};

static void see_dated(struct check_context *c, const struct world_note *n)
{
        struct asked *m = c->mine;
        const struct record_sample *s;
        int64_t t_us;

        if (n->kind == WORLD_BEGUN)
                memset(m->count, 0, sizeof m->count);
        if (n->kind == WORLD_SAMPLE)
                m->sent_us[n->tag][m->count[n->tag]++ % ASKED_MAX] = n->sent_us;
        if (n->kind != WORLD_RECORD || n->record->kind != RECORD_SAMPLE ||
            n->record->u.sample.quality != QUALITY_GOOD)
                return;
        s = &n->record->u.sample;
        t_us = n->t_us + (s->t_us - n->wall_us);
        for (int i = 0; i < ASKED_MAX; i++)
                if (i < m->count[s->tag] && m->sent_us[s->tag][i] == t_us)
                        return;
        if (m->count[s->tag] < ASKED_MAX || t_us > m->sent_us[s->tag][m->count[s->tag] % ASKED_MAX])
                check_fail(c, "%s is recorded with a time at which it was not asked for, %lld us before",
                    c->tool->tags[s->tag].name, (long long)(n->t_us - t_us));
}

/* ---- H1: a heater that does not heat ---- */

struct rising {
        struct {
                bool is_watched;
                double goal;
                int64_t from_us;
        } loop[TOOL_LOOPS_MAX];
};
#define RISE_SLACK_US INT64_C(5000000)

static void judge_rise(struct check_context *c, int i, int64_t now_us)
{
        struct rising *m = c->mine;
        const struct tool_loop *loop = &c->tool->loops[i];
        const struct seen_output *o = &c->seen->out[loop->setpoint];
        double value = c->seen->in[loop->value].value, enough = o->told - loop->tolerance;

        if (o->told_us == SEEN_NEVER || seen_is_safe(c->tool, loop->setpoint, o->told) || value >= enough) {
                m->loop[i].is_watched = false;
        } else if (!m->loop[i].is_watched || value >= m->loop[i].goal) {
                m->loop[i].is_watched = true;
                m->loop[i].goal = value + loop->rise_by < enough ? value + loop->rise_by : enough;
                m->loop[i].from_us = now_us;
        } else if (now_us - m->loop[i].from_us > loop->rise_us + RISE_SLACK_US &&
                   seen_output_is_well(c->seen, loop->setpoint, m->loop[i].from_us) &&
                   seen_is_awake(c->seen, m->loop[i].from_us) && seen_lived(c->seen, m->loop[i].from_us)) {
                check_fail(c, "%s is told %g, did not reach %g in %lld s, and stays on",
                    c->tool->tags[loop->setpoint].name, o->told, m->loop[i].goal,
                    (long long)((now_us - m->loop[i].from_us) / TIME_S));
        }
}

static void see_rise(struct check_context *c, const struct world_note *n)
{
        struct rising *m = c->mine;

        if (n->kind == WORLD_BEGUN || (n->kind == WORLD_REPLY && seen_resets(c->seen, n)))
                memset(m, 0, sizeof *m);
        for (int i = 0; n->kind == WORLD_TURN && i < c->tool->loop_count; i++)
                if (c->tool->loops[i].kind == TOOL_LOOP_HEATER && c->tool->loops[i].rise_us > 0 &&
                    lock_is_good(c->seen, c->tool->loops[i].value))
                        judge_rise(c, i, n->t_us);
}

/* ---- M1: a bed that does not turn as it is told ---- */

struct turning {
        int64_t since_us[TOOL_LOOPS_MAX]; /* it differs since then; 0 = it does not */
};
#define TURN_SLACK_US INT64_C(5000000)

static void see_turning(struct check_context *c, const struct world_note *n)
{
        struct turning *m = c->mine;

        if (n->kind == WORLD_BEGUN)
                memset(m, 0, sizeof *m);
        for (int i = 0; n->kind == WORLD_TURN && i < c->tool->loop_count; i++) {
                const struct tool_loop *loop = &c->tool->loops[i];
                const struct seen_output *o = &c->seen->out[loop->setpoint];
                bool differs = o->told_us != SEEN_NEVER && !seen_is_safe(c->tool, loop->setpoint, o->told) &&
                               (!lock_is_good(c->seen, loop->value) ||
                                   fabs(c->seen->in[loop->value].value - o->told) > loop->follow_within);

                if (loop->kind != TOOL_LOOP_MOTOR || loop->follow_us == 0)
                        continue;
                if (!differs || m->since_us[i] == 0 || o->told_changed_us > m->since_us[i])
                        m->since_us[i] = differs ? n->t_us : 0;
                if (m->since_us[i] != 0 && n->t_us - m->since_us[i] > loop->follow_us + TURN_SLACK_US &&
                    seen_output_is_well(c->seen, loop->setpoint, m->since_us[i]) &&
                    seen_is_awake(c->seen, m->since_us[i]) && seen_lived(c->seen, m->since_us[i]))
                        check_fail(c, "%s is told %g and reads %g for %lld ms",
                            c->tool->tags[loop->setpoint].name, o->told, c->seen->in[loop->value].value,
                            (long long)((n->t_us - m->since_us[i]) / TIME_MS));
        }
}

#define TOLD (CHECK_SEES(REQUEST) | CHECK_SEES(OUTPUT))

const struct check check_steps[] = {
    {"S1b", "a wait ends on Good values that were sampled in it",
        "waits that stand between two notes of the recipe", sizeof(struct noted),
        CHECK_SEES(RECORD) | CHECK_SEES(BEGUN), see_noted, NULL},
    {"S2b", "a pulse is repeated only behind a whole purge",
        "the line's least purge; it is handed over 50 ms ahead of its edge", sizeof(struct resumed),
        CHECK_SEES(RECORD), see_repeat, NULL},
    {"S7b", "a run that ended with its process is latched", "not on a full disk", sizeof(struct interrupted),
        CHECK_SEES(BEGUN) | CHECK_SEES(FAULT) | CHECK_SEES(STORED) | CHECK_SEES(RECORD) | CHECK_SEES(READY),
        see_interrupted, NULL},
    {"Q1b", "the time of a value is when it was asked for", "of Good values that are recorded",
        sizeof(struct asked), CHECK_SEES(BEGUN) | CHECK_SEES(SAMPLE) | CHECK_SEES(RECORD), see_dated, NULL},
    {"H1b", "a heater that does not heat is switched off", "the tool's time and 5 s, while its link answers",
        sizeof(struct rising), CHECK_SEES(BEGUN) | CHECK_SEES(REPLY) | CHECK_SEES(TURN), see_rise, NULL},
    {"M1b", "a bed that does not turn as told is stopped", "the tool's time and 5 s, while its link answers",
        sizeof(struct turning), CHECK_SEES(BEGUN) | CHECK_SEES(TURN), see_turning, NULL},
    {.id = NULL}};
