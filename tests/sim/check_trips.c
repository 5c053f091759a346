/* T1 to T5: what trips, when it must have acted, that it stays, and bypasses. */
#include "check.h"
#include "locks.h" /* struct lock_watch */

#include "ald/base/time.h" /* TIME_MS */

#include <math.h>   /* fabs */
#include <string.h> /* strcmp */

/* ---- T1, T5 ---- */

/* A turn of the core is never further away than this; the decision itself is made in it. */
#define DECIDE_US INT64_C(60000)

static bool is_safe_now(const struct check_context *c, int tag)
{
        const struct tool_tag *t = &c->tool->tags[tag];
        double value = c->seen->out[tag].value;

        if (fabs(value - t->image[TOOL_IMAGE_ABORT].value) <= t->verify_within + 1e-6)
                return true;
        for (int i = 0; i < c->tool->interlock_count; i++)
                for (int k = 0; k < c->tool->interlocks[i].set_count; k++)
                        if (c->tool->interlocks[i].set[k].tag == tag &&
                            fabs(c->tool->interlocks[i].set[k].value - value) <= t->verify_within + 1e-6)
                                return true;
        return false;
}

static bool is_aborted(const struct seen *s)
{
        return s->state == MACHINE_ABORTING || s->state == MACHINE_ABORTED;
}

/* A proof that a trip meets goes on: its output, which harms nobody, is on its way down by the watchdog, which T1 gives 1 s. */
static bool is_being_proven(const struct check_context *c, int tag, int64_t now_us)
{
        const struct tool_watchdog *dog = &c->tool->devices[c->tool->tags[tag].device].watchdog;
        const struct seen_output *o = &c->seen->out[tag];

        return seen_is_lamp(c->tool, tag) && o->by == WORLD_BY_REQUEST && o->told_us != SEEN_NEVER &&
               now_us - o->told_us <= dog->timeout_us + CHECK_FREE_US;
}

static void judge_outputs(
    struct check_context *c, const struct tool_interlock *lock, int64_t due_us, int64_t now_us)
{
        for (int i = 0; i < c->tool->tag_count; i++) {
                bool is_dosing = seen_is_dosing(c->tool, i);

                if (!c->tool->tags[i].is_output || is_safe_now(c, i) ||
                    (!is_dosing && lock->then != TOOL_ACT_ABORT) || is_being_proven(c, i, now_us))
                        continue;
                /* What a second master does is V7's; what a device does not obey, the hardware's. */
                if (now_us - due_us > CHECK_FREE_US && seen_output_is_well(c->seen, i, due_us) &&
                    seen_is_awake(c->seen, due_us) && seen_lived(c->seen, due_us))
                        check_fail(c, "%s stands, and %s is %g after %lld ms though its link answers",
                            lock->id, c->tool->tags[i].name, c->seen->out[i].value,
                            (long long)((now_us - due_us) / TIME_MS));
                if (now_us - due_us > CHECK_DOG_US && is_dosing && c->seen->out[i].told != 0)
                        check_fail(c, "%s stands, and %s is told %g after %lld ms", lock->id,
                            c->tool->tags[i].name, c->seen->out[i].told,
                            (long long)((now_us - due_us) / TIME_MS));
        }
}

static void judge_trip(struct check_context *c, int i, int64_t due_us, int64_t now_us)
{
        const struct tool_interlock *lock = &c->tool->interlocks[i];

        if (due_us == SEEN_NEVER)
                return;
        if (lock->then == TOOL_ACT_ABORT && now_us - due_us > DECIDE_US && !is_aborted(c->seen) &&
            seen_is_awake(c->seen, due_us) && seen_lived(c->seen, due_us))
                check_fail(c, "%s stands for %lld ms in %s", lock->id,
                    (long long)((now_us - due_us) / TIME_MS), machine_state_name(c->seen->state));
        judge_outputs(c, lock, due_us, now_us);
}

static void see_trips(struct check_context *c, const struct world_note *n)
{
        for (int i = 0; i < c->tool->interlock_count; i++)
                if (c->tool->interlocks[i].kind == TOOL_TRIP)
                        judge_trip(c, i, c->locks->lock[i].due_us, n->t_us);
}

static void see_bad_trips(struct check_context *c, const struct world_note *n)
{
        for (int i = 0; i < c->tool->interlock_count; i++)
                if (c->tool->interlocks[i].kind == TOOL_TRIP)
                        judge_trip(c, i, c->locks->lock[i].due_by_bad_us, n->t_us);
}

/* ---- T2 ---- */

static void see_latches(struct check_context *c, const struct world_note *n)
{
        enum machine_state from, to;
        const struct seen *s = c->seen;
        const struct command *k = seen_command(s);

        if (n->kind == WORLD_RECORD && n->record->kind == RECORD_AUDIT && k != NULL && k->verb == VERB_ACK &&
            strcmp(n->record->u.audit.state_before, n->record->u.audit.state_after) != 0)
                check_fail(c, "an acknowledgement led from %s to %s", n->record->u.audit.state_before,
                    n->record->u.audit.state_after);
        if (n->kind != WORLD_RECORD || !seen_transition(n->record, &from, &to) || from != MACHINE_ABORTED)
                return;
        if (to != MACHINE_CLEARING || k == NULL || k->verb != VERB_RESET || k->role < TOOL_ROLE_OPERATOR)
                check_fail(c, "Aborted was left for %s without a reset", machine_state_name(to));
        for (int i = 0; i < c->tool->interlock_count; i++)
                if (c->tool->interlocks[i].kind == TOOL_TRIP && seen_is_awake(s, n->t_us - DECIDE_US) &&
                    (c->locks->lock[i].due_us != SEEN_NEVER || c->locks->lock[i].due_by_bad_us != SEEN_NEVER))
                        check_fail(c, "Aborted was left while %s stands", c->tool->interlocks[i].id);
}

/* ---- T3 ---- */

/* A value that came while the loop stood still may have been replaced before it was looked at; a read that failed is Bad to
 * the core at once, to an onlooker when the value is stale. */
#define LOOK_US INT64_C(100000)
/* As long as a first value may take after the start, and a failed read to be repeated. */
#define ILL_US INT64_C(3500000)

static bool may_be_ill(const struct seen *s)
{
        for (int i = 0; i < s->tool->link_count; i++)
                if (!seen_is_well(s, i, s->now_us - ILL_US))
                        return true;
        return false;
}

static void see_first_out(struct check_context *c, const struct world_note *n)
{
        if (!seen_event(n, "trip"))
                return;
        for (int i = 0; i < c->tool->interlock_count; i++) {
                const struct lock_state *st = &c->locks->lock[i];

                if (strcmp(c->tool->interlocks[i].id, n->record->u.event.source) != 0)
                        continue;
                /* The turn that trips has just folded its values; they are judged at its end. */
                if (st->stood_us >= n->t_us - LOOK_US || may_be_ill(c->seen) ||
                    !seen_is_awake(c->seen, n->t_us - LOOK_US) ||
                    lock_eval(c->seen, &c->tool->conds, c->tool->interlocks[i].when.root, LOCK_NO) != LOCK_NO)
                        continue;
                check_fail(c, "%s tripped without a cause", c->tool->interlocks[i].id);
        }
}

/* ---- T4 ---- */

static void judge_grant(struct check_context *c)
{
        const struct command *k = seen_command(c->seen);
        int active = 0;

        for (int i = 0; i < c->tool->tag_count; i++)
                active += c->seen->bypass_until_us[i] != SEEN_NEVER && i != k->tag;
        if (k->role < TOOL_ROLE_ENGINEER)
                check_fail(c, "a bypass was granted to %s, who is no engineer", k->user);
        if (k->tag < 0 || !c->tool->tags[k->tag].is_bypassable)
                check_fail(c, "a bypass was granted for what may not be bypassed");
        if (k->for_us <= 0 || k->for_us > c->tool->bypass_us_max)
                check_fail(c, "a bypass was granted for %lld s", (long long)(k->for_us / TIME_S));
        if (k->reason[0] == '\0' || k->user[0] == '\0')
                check_fail(c, "a bypass was granted without a reason or a name");
        if (active >= c->tool->bypass_max)
                check_fail(c, "%d bypasses at once", active + 1);
}

static void see_bypass(struct check_context *c, const struct world_note *n)
{
        const struct command *k = seen_command(c->seen);

        if (n->kind == WORLD_REPLY && k != NULL && k->verb == VERB_BYPASS && n->reply->code == 0)
                judge_grant(c);
        for (int i = 0; n->kind == WORLD_TURN && i < c->tool->tag_count; i++)
                if (c->seen->bypass_until_us[i] != SEEN_NEVER && n->t_us > c->seen->bypass_until_us[i] &&
                    seen_is_awake(c->seen, c->seen->bypass_until_us[i]))
                        check_fail(c, "the bypass of %s has not ended in its time", c->tool->tags[i].name);
}

#define RECORD_AND_TURN (CHECK_SEES(RECORD) | CHECK_SEES(TURN))

const struct check check_trips[] = {
    {"T1", "an active trip: decided at once, outputs safe in 250 ms, or by the watchdog within 1.0 s more",
        "60 ms to decide (a turn). What the valves were told counts against the watchdog's bound; other "
        "outputs have no "
        "watchdog and are judged while their link answers",
        0, CHECK_SEES(TURN) | CHECK_SEES(ENDED) | CHECK_SEES(BEGUN) | CHECK_SEES(ANSWER), see_trips, NULL},
    {"T2", "a trip stays until its cause is gone and somebody resets it",
        "aborts only: what holds is left by a resume, which is the reset there", 0, RECORD_AND_TURN,
        see_latches, NULL},
    {"T3", "a trip names a cause that was true",
        "trips of the tool file, not within 3.5 s of a link that failed, whose "
        "values are Bad to the core before they are stale to an onlooker",
        0, CHECK_SEES(RECORD), see_first_out, NULL},
    {"T4", "bypasses: who, what, why, how many, how long", "no tolerance", 0,
        CHECK_SEES(REPLY) | CHECK_SEES(TURN), see_bypass, NULL},
    {"T5", "a trip's input that is not Good trips after its grace", "as T1; a permit's is V4's", 0,
        CHECK_SEES(TURN) | CHECK_SEES(ENDED) | CHECK_SEES(BEGUN) | CHECK_SEES(ANSWER), see_bad_trips, NULL},
    {.id = NULL}};
