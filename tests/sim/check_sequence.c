/* S1 to S7: the machine's states and the order of a run. */
#include "check.h"
#include "locks.h" /* lock_eval */

#include "ald/base/time.h"   /* TIME_S */
#include "ald/core/recipe.h" /* struct recipe */

#include <string.h> /* strcmp */

/* ---- S1 ---- */

/* The first wait of a run's program that is a plain condition, has no way round, and comes before the first pulse: it must have
 * been true, by values sampled in the run, when that pulse is handed over. */
struct first_wait {
        const struct recipe *recipe;
        int op;         /* -1 = none */
        int64_t was_us; /* last turn in which it was true; SEEN_NEVER */
        bool has_pulsed;
};

static int find_first_wait(const struct recipe *r)
{
        for (int i = 0; i < r->op_count && r->ops[i].kind != RECIPE_PULSE; i++)
                if (r->ops[i].kind == RECIPE_WAIT_UNTIL && r->ops[i].otherwise != TOOL_ACT_CONTINUE &&
                    r->ops[i].cond >= 0)
                        return i;
        return -1;
}

/* Every value it names was sampled since the run began (S1: not before the step began, which is later still). */
static bool is_fresh(const struct seen *s, const struct cond_pool *pool, int root)
{
        for (int i = 0; i < s->tool->tag_count; i++)
                if (s->in[i].sent_us != SEEN_NEVER && s->in[i].sent_us < s->run_us &&
                    cond_uses_tag(pool, root, i))
                        return false;
        return true;
}

static void see_wait(struct check_context *c, const struct world_note *n)
{
        struct first_wait *m = c->mine;
        const struct cond *cond;
        enum lock_says says;

        if (n->kind == WORLD_RECORD && n->record->kind == RECORD_RUN_START) {
                m->recipe = n->record->u.run.recipe;
                m->op = m->recipe != NULL ? find_first_wait(m->recipe) : -1;
                m->was_us = SEEN_NEVER;
                m->has_pulsed = false;
        }
        if (n->kind == WORLD_BEGUN || (n->kind == WORLD_RECORD && n->record->kind == RECORD_RUN_END))
                m->recipe = NULL;
        if (m->recipe == NULL || m->op < 0 || m->has_pulsed || m->was_us != SEEN_NEVER ||
            c->seen->state != MACHINE_EXECUTE)
                return;
        cond = &m->recipe->conds[m->recipe->ops[m->op].cond];
        says = lock_eval(c->seen, &m->recipe->pool, cond->root, LOCK_UNSURE);
        if (says == LOCK_UNSURE || (says == LOCK_YES && is_fresh(c->seen, &m->recipe->pool, cond->root)))
                m->was_us = n->t_us;
        if (n->kind != WORLD_RECORD || n->record->kind != RECORD_PULSE_START)
                return;
        m->has_pulsed = true;
        if (m->was_us == SEEN_NEVER)
                check_fail(c,
                    "the first pulse of the run, and '%s' was never true with Good values of the run",
                    cond->text);
}

/* ---- S2 ---- */

enum { PULSES_MAX = 256 };

struct progress {
        const struct recipe *recipe;
        int64_t begun, ended; /* cycles */
        bool is_open;
        bool is_skipping; /* somebody resumed with `skip`: a pulse may be left out */
        bool is_resumed;  /* since the last new pulse: what came before may be repeated, a block of it too */
        int64_t done;     /* pulses with outcome done, in cycles */
        int count;        /* of the last pulses */
        struct {
                int64_t cycle;
                char path[64];
                int attempt;
                bool is_done;
        } pulse[PULSES_MAX];
};

static void begin_cycle(struct check_context *c, int64_t n)
{
        struct progress *p = c->mine;

        if (p->is_open || n != p->begun + 1)
                check_fail(c, "cycle %lld begins after %lld of which %lld ended", (long long)n,
                    (long long)p->begun, (long long)p->ended);
        p->begun = n;
        p->is_open = true;
}

static void end_cycle(struct check_context *c, int64_t n)
{
        struct progress *p = c->mine;

        if (!p->is_open || n != p->begun || n != p->ended + 1)
                check_fail(c, "cycle %lld ends, begun was %lld", (long long)n, (long long)p->begun);
        p->ended = n;
        p->is_open = false;
}

static void begin_pulse(struct check_context *c, const struct record_pulse *r)
{
        struct progress *p = c->mine;
        int last = 0;

        for (int i = 0; i < p->count; i++) {
                if (p->pulse[i].cycle != r->cycle || strcmp(p->pulse[i].path, r->path) != 0)
                        continue;
                last = p->pulse[i].attempt > last ? p->pulse[i].attempt : last;
        }
        if (last > 0 && !p->is_resumed)
                check_fail(c, "pulse %s of cycle %lld is doubled: nobody resumed since the last new one",
                    r->path, (long long)r->cycle);
        if (last == 0)
                p->is_resumed = false;
        if (r->attempt != last + 1)
                check_fail(c, "pulse %s of cycle %lld: attempt %d after %d", r->path, (long long)r->cycle,
                    r->attempt, last);
        if (p->count == PULSES_MAX)
                return;
        p->pulse[p->count].cycle = r->cycle;
        p->pulse[p->count].attempt = r->attempt;
        p->pulse[p->count].is_done = false;
        memcpy(p->pulse[p->count++].path, r->path, sizeof r->path);
}

static void end_pulse(struct check_context *c, const struct record_pulse *r)
{
        struct progress *p = c->mine;

        for (int i = 0; i < p->count; i++)
                if (p->pulse[i].cycle == r->cycle && p->pulse[i].attempt == r->attempt &&
                    strcmp(p->pulse[i].path, r->path) == 0) {
                        p->pulse[i].is_done = r->outcome == PULSE_DONE;
                        p->done += r->outcome == PULSE_DONE;
                        return;
                }
        if (p->count < PULSES_MAX)
                check_fail(c, "pulse %s of cycle %lld ends and never began", r->path, (long long)r->cycle);
}

/* Repeats with a condition may end early; without one every pulse of the program was done. */
static bool has_open_end(const struct recipe *r)
{
        for (int i = 0; i < r->op_count; i++)
                if (r->ops[i].kind == RECIPE_REPEAT_END && r->ops[i].cond >= 0)
                        return true;
        return false;
}

static void end_progress(struct check_context *c, const struct record_run *run)
{
        struct progress *p = c->mine;

        if (strcmp(run->state, "Complete") != 0 || p->recipe == NULL || has_open_end(p->recipe))
                return;
        if (p->ended != p->recipe->cycles || p->is_open)
                check_fail(c, "complete after %lld cycles of %lld", (long long)p->ended,
                    (long long)p->recipe->cycles);
        if (p->done < p->recipe->pulses && !p->is_skipping && p->count < PULSES_MAX)
                check_fail(c, "complete after %lld pulses done of %lld", (long long)p->done,
                    (long long)p->recipe->pulses);
}

static void see_progress(struct check_context *c, const struct world_note *n)
{
        struct progress *p = c->mine;
        const struct record *r = n->record;
        enum machine_state from, to;

        if (n->kind == WORLD_BEGUN) {
                memset(p, 0, sizeof *p);
                return;
        }
        if (n->kind == WORLD_REPLY) {
                p->is_skipping = p->is_skipping || (seen_resets(c->seen, n) && seen_command(c->seen)->skip);
                return;
        }
        switch (r->kind) {
        case RECORD_RUN_START:
                memset(p, 0, sizeof *p);
                p->recipe = r->u.run.recipe;
                break;
        case RECORD_CYCLE_START:
                begin_cycle(c, r->u.cycle.n);
                break;
        case RECORD_CYCLE_END:
                end_cycle(c, r->u.cycle.n);
                break;
        case RECORD_PULSE_START:
                begin_pulse(c, &r->u.pulse);
                break;
        case RECORD_PULSE_END:
                end_pulse(c, &r->u.pulse);
                break;
        case RECORD_RUN_END:
                end_progress(c, &r->u.run);
                break;
        default:
                if (seen_transition(r, &from, &to) && to == MACHINE_EXECUTE)
                        p->is_resumed = true;
                break;
        }
}

/* ---- S3 ---- */

/* SAFETY's bounds; a pulse that runs ends first (5 s and half a second for its report), and the recipe's `finally` has its own
 * waits. */
#define PULSE_US INT64_C(6000000)

static int64_t bound_us(const struct seen *s)
{
        int64_t us = 0;

        switch (s->state) {
        case MACHINE_ABORTING:
                return 5 * TIME_S;
        case MACHINE_RESETTING:
        case MACHINE_STARTING:
        case MACHINE_CLEARING:
                return 30 * TIME_S;
        case MACHINE_HOLDING:
        case MACHINE_UNHOLDING:
        case MACHINE_SUSPENDING:
        case MACHINE_UNSUSPENDING:
                return 60 * TIME_S;
        case MACHINE_STOPPING:
        case MACHINE_COMPLETING:
                for (int i = s->recipe != NULL ? s->recipe->finally_first : 0;
                     s->recipe != NULL && i < s->recipe->op_count; i++)
                        us += s->recipe->ops[i].for_us + s->recipe->ops[i].timeout_us;
                return us + 70 * TIME_S; /* the purge before it, and the image behind */
        default:
                return INT64_MAX / 2;
        }
}

static void see_bound(struct check_context *c, const struct world_note *n)
{
        const struct seen *s = c->seen;

        int64_t since_us = s->state_us > s->stalled_us ? s->state_us : s->stalled_us;

        if (!s->is_alive || !s->has_state || n->t_us - since_us <= bound_us(s) + PULSE_US)
                return;
        check_fail(c, "%s lasts for %lld s", machine_state_name(s->state),
            (long long)((n->t_us - s->state_us) / TIME_S));
}

/* ---- S4 ---- */

#define M(s) MACHINE_##s
/* PackML's transitions, and the two of DESIGN.md: `run` passes through Resetting, a clean start-up ends in Stopped. */
static const unsigned char allowed[][2] = {{M(STOPPED), M(RESETTING)}, {M(STOPPED), M(ABORTING)},
    {M(RESETTING), M(IDLE)}, {M(RESETTING), M(STOPPING)}, {M(RESETTING), M(ABORTING)}, {M(IDLE), M(STARTING)},
    {M(IDLE), M(RESETTING)}, {M(IDLE), M(STOPPING)}, {M(IDLE), M(ABORTING)}, {M(STARTING), M(EXECUTE)},
    {M(STARTING), M(STOPPING)}, {M(STARTING), M(ABORTING)}, {M(EXECUTE), M(COMPLETING)},
    {M(EXECUTE), M(HOLDING)}, {M(EXECUTE), M(SUSPENDING)}, {M(EXECUTE), M(STOPPING)},
    {M(EXECUTE), M(ABORTING)}, {M(COMPLETING), M(COMPLETE)}, {M(COMPLETING), M(STOPPING)},
    {M(COMPLETING), M(ABORTING)}, {M(COMPLETE), M(RESETTING)}, {M(COMPLETE), M(STOPPING)},
    {M(COMPLETE), M(ABORTING)}, {M(HOLDING), M(HELD)}, {M(HOLDING), M(STOPPING)}, {M(HOLDING), M(ABORTING)},
    {M(HELD), M(UNHOLDING)}, {M(HELD), M(STOPPING)}, {M(HELD), M(ABORTING)}, {M(UNHOLDING), M(EXECUTE)},
    {M(UNHOLDING), M(HOLDING)}, {M(UNHOLDING), M(STOPPING)}, {M(UNHOLDING), M(ABORTING)},
    {M(SUSPENDING), M(SUSPENDED)}, {M(SUSPENDING), M(HOLDING)}, {M(SUSPENDING), M(STOPPING)},
    {M(SUSPENDING), M(ABORTING)}, {M(SUSPENDED), M(UNSUSPENDING)}, {M(SUSPENDED), M(HOLDING)},
    {M(SUSPENDED), M(STOPPING)}, {M(SUSPENDED), M(ABORTING)}, {M(UNSUSPENDING), M(EXECUTE)},
    {M(UNSUSPENDING), M(SUSPENDING)}, {M(UNSUSPENDING), M(HOLDING)}, {M(UNSUSPENDING), M(STOPPING)},
    {M(UNSUSPENDING), M(ABORTING)}, {M(STOPPING), M(STOPPED)}, {M(STOPPING), M(ABORTING)},
    {M(ABORTING), M(ABORTED)}, {M(ABORTING), M(STOPPED)}, {M(ABORTED), M(CLEARING)},
    {M(CLEARING), M(STOPPED)}, {M(CLEARING), M(ABORTING)}};
#undef M

static bool is_allowed(enum machine_state from, enum machine_state to)
{
        for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
                if (allowed[i][0] == from && allowed[i][1] == to)
                        return true;
        return false;
}

static void see_transition(struct check_context *c, const struct world_note *n)
{
        enum machine_state from, to;

        if (n->record->kind == RECORD_AUDIT && strcmp(n->record->u.audit.result, "ok") != 0 &&
            strncmp(n->record->u.audit.result, "ok, ", 4) != 0 &&
            strcmp(n->record->u.audit.state_before, n->record->u.audit.state_after) != 0)
                check_fail(c, "%s was refused and led from %s to %s", n->record->u.audit.command,
                    n->record->u.audit.state_before, n->record->u.audit.state_after);
        if (!seen_transition(n->record, &from, &to))
                return;
        if (from != c->seen->state)
                check_fail(c, "%s -> %s is told in %s", machine_state_name(from), machine_state_name(to),
                    machine_state_name(c->seen->state));
        if (!is_allowed(from, to))
                check_fail(c, "%s -> %s is no transition", machine_state_name(from), machine_state_name(to));
        if (from == MACHINE_ABORTING && to == MACHINE_STOPPED && !c->seen->is_starting_up)
                check_fail(c, "Aborting ends in Stopped after start-up");
}

/* ---- S5 ---- */

struct recipe_print {
        const struct recipe *recipe;
        uint64_t print;
};

static uint64_t print_of(const struct recipe *r)
{
        uint64_t h = UINT64_C(0xcbf29ce484222325);

        for (int i = 0; i < r->op_count; i++) {
                const struct recipe_op *op = &r->ops[i];

                h = (h ^ (uint64_t)op->kind ^ (uint64_t)op->for_us << 8 ^ (uint64_t)op->count << 40) *
                    UINT64_C(1099511628211);
                h = (h ^ (uint64_t)(int64_t)(op->value * 1e6) ^ (uint64_t)op->line << 48) *
                    UINT64_C(1099511628211);
        }
        for (const char *t = r->sha256; *t != '\0'; t++)
                h = (h ^ (uint64_t)*t) * UINT64_C(1099511628211);
        return h;
}

static void see_recipe(struct check_context *c, const struct world_note *n)
{
        struct recipe_print *m = c->mine;

        if (n->kind == WORLD_BEGUN)
                m->recipe = NULL;
        if (n->kind != WORLD_RECORD)
                return;
        if (n->record->kind == RECORD_RUN_START) {
                if (m->recipe != NULL)
                        check_fail(c, "a run begins in a run");
                m->recipe = n->record->u.run.recipe;
                m->print = m->recipe != NULL ? print_of(m->recipe) : 0;
        }
        if (n->record->kind != RECORD_RUN_END)
                return;
        if (m->recipe != NULL && m->print != print_of(m->recipe))
                check_fail(c, "the recipe in force changed in its run");
        m->recipe = NULL;
}

/* ---- S7 ---- */

struct wakening {
        bool is_asked; /* somebody asked for something since the process began */
};

/* A trip may set what is not the safe value, towards safety in its case. */
static bool is_trips_own(const struct tool *tool, int tag, double value)
{
        for (int i = 0; i < tool->interlock_count; i++)
                for (int k = 0; k < tool->interlocks[i].set_count; k++)
                        if (tool->interlocks[i].set[k].tag == tag &&
                            tool->interlocks[i].set[k].value == value)
                                return true;
        return false;
}

static bool moves_machine(enum verb verb)
{
        return verb == VERB_RUN || verb == VERB_RESET || verb == VERB_OPEN || verb == VERB_CLOSE ||
               verb == VERB_SET || verb == VERB_STOP;
}

static void see_wakening(struct check_context *c, const struct world_note *n)
{
        struct wakening *m = c->mine;
        enum machine_state from, to;
        int tag;
        double value;

        if (n->kind == WORLD_BEGUN)
                m->is_asked = false;
        if (n->kind == WORLD_COMMAND && moves_machine(n->command->verb))
                m->is_asked = true;
        if (m->is_asked || !c->seen->is_alive)
                return;
        if (seen_told(c->tool, n, &tag, &value) && !seen_is_safe(c->tool, tag, value) &&
            c->seen->out[tag].told != value && !is_trips_own(c->tool, tag, value) &&
            !seen_is_lamp(c->tool, tag) && n->sent_us >= c->seen->begun_us)
                check_fail(c, "%s is told %g after the start, and nobody asked for it",
                    c->tool->tags[tag].name, value);
        if (n->kind == WORLD_RECORD && seen_transition(n->record, &from, &to) && to != MACHINE_STOPPED &&
            to != MACHINE_ABORTED && to != MACHINE_ABORTING)
                check_fail(
                    c, "%s is entered after the start, and nobody asked for it", machine_state_name(to));
}

const struct check check_sequence[] = {
    {"S1", "no step goes on but on Good values sampled in it",
        "seen of the first wait before the first pulse of a run, by an evaluator that does not know windows "
        "of time",
        sizeof(struct first_wait), CHECK_SEES(BEGUN) | CHECK_SEES(RECORD) | CHECK_SEES(TURN), see_wait, NULL},
    {"S2", "cycles and pulses are counted on, none skipped or doubled but the recorded repeat",
        "by the record; the pulses of one run, up to 256 attempts", sizeof(struct progress),
        CHECK_SEES(BEGUN) | CHECK_SEES(RECORD) | CHECK_SEES(REPLY), see_progress, NULL},
    {"S3", "every acting state ends in bounded time",
        "SAFETY's bounds and 6 s for a pulse that runs; from the end of a stall", 0, CHECK_SEES(TURN),
        see_bound, NULL},
    {"S4", "only transitions of the table; what is refused changes no state", "by the record. No tolerance",
        0, CHECK_SEES(RECORD), see_transition, NULL},
    {"S5", "the recipe in force does not change", "its program and its digest at the run's begin and end",
        sizeof(struct recipe_print), CHECK_SEES(BEGUN) | CHECK_SEES(RECORD), see_recipe, NULL},
    {"S7", "after a start nothing moves away from safe, and no run goes on, before somebody asks",
        "requests that the old process left on the wire are its own", sizeof(struct wakening),
        CHECK_SEES(BEGUN) | CHECK_SEES(COMMAND) | CHECK_SEES(RECORD) | CHECK_SEES(REQUEST) |
            CHECK_SEES(OUTPUT),
        see_wakening, NULL},
    {.id = NULL}};
