#include "locks.h"

#include "ald/core/recipe.h" /* struct recipe */

#include <math.h>   /* fabs */
#include <string.h> /* memset */

void lock_init(struct lock_watch *w, const struct tool *tool)
{
        memset(w, 0, sizeof *w);
        w->tool = tool;
        for (int i = 0; i < TOOL_INTERLOCKS_MAX; i++) {
                struct lock_state *st = &w->lock[i];

                st->yes_us = st->bad_us = st->due_us = st->due_by_bad_us = st->stood_us = SEEN_NEVER;
                st->denied_us = SEEN_NEVER;
        }
}

bool lock_is_good(const struct seen *s, int tag)
{
        const struct tool_tag *t = &s->tool->tags[tag];
        const struct seen_input *in = &s->in[tag];

        if (in->sent_us == SEEN_NEVER || !in->is_valid || s->now_us - in->sent_us > t->stale_us)
                return false;
        return t->freeze_us == 0 || in->sent_us - in->same_us <= t->freeze_us;
}

/* ---- conditions ---- */

static enum lock_says is(bool yes)
{
        return yes ? LOCK_YES : LOCK_NO;
}

static enum lock_says compare(const struct cond_node *n, double a, double with)
{
        switch (n->cmp) {
        case COND_LT:
                return is(a < with);
        case COND_LE:
                return is(a <= with);
        case COND_GT:
                return is(a > with);
        case COND_GE:
                return is(a >= with);
        default:
                return is(a == with);
        }
}

/* Good by its age; but a read of it failed since, or its link was lost, which may make it Bad to the core before its time and
 * until it is read again (seed 101441). */
static bool is_doubtful(const struct seen *s, int tag)
{
        const struct seen_input *in = &s->in[tag];
        const struct seen_link *l = &s->link[s->tool->devices[s->tool->tags[tag].device].poll_link];

        return in->failed_us > in->got_us || l->lost_us > in->got_us || !l->is_up;
}

static enum lock_says leaf(const struct seen *s, const struct cond_node *n, enum lock_says benign)
{
        double a, with = n->value;
        bool is_bypassed = (n->a >= 0 && s->bypass_until_us[n->a] != SEEN_NEVER) ||
                           (n->b >= 0 && s->bypass_until_us[n->b] != SEEN_NEVER);

        if (is_bypassed && benign != LOCK_UNSURE)
                return benign;
        if (n->a < 0)
                return LOCK_UNSURE;
        if (!lock_is_good(s, n->a) || (n->b >= 0 && !lock_is_good(s, n->b)))
                return LOCK_BAD;
        if (is_doubtful(s, n->a) || (n->b >= 0 && is_doubtful(s, n->b)))
                return LOCK_UNSURE;
        a = s->in[n->a].value;
        if (n->b >= 0)
                with += s->in[n->b].value * n->b_scale + n->b_offset;
        if (n->op == COND_BIT)
                return is(a != 0);
        if (n->op == COND_WITHIN)
                return is(fabs(a - with) <= n->span);
        return n->op == COND_COMPARE ? compare(n, a, with) : LOCK_UNSURE;
}

static enum lock_says both(enum lock_says a, enum lock_says b, enum lock_says weak)
{
        enum lock_says strong = weak == LOCK_NO ? LOCK_YES : LOCK_NO;

        if (a == weak || b == weak)
                return weak;
        if (a == strong && b == strong)
                return strong;
        return a == LOCK_UNSURE || b == LOCK_UNSURE ? LOCK_UNSURE : LOCK_BAD;
}

static enum lock_says turned(enum lock_says a)
{
        return a == LOCK_YES ? LOCK_NO : a == LOCK_NO ? LOCK_YES : a;
}

/* An expose shuts the exhaust or the carrier; while both are open there is none. */
static enum lock_says exposing(const struct seen *s)
{
        int carrier = s->tool->carrier >= 0 ? s->tool->loops[s->tool->carrier].setpoint : TOOL_NONE;
        bool is_shut = (s->tool->exhaust >= 0 && s->out[s->tool->exhaust].told == 0) ||
                       (carrier >= 0 && s->out[carrier].told <= 0);
        bool has_expose = false;

        for (int i = 0; is_shut && s->recipe != NULL && i < s->recipe->op_count; i++)
                has_expose = has_expose || s->recipe->ops[i].kind == RECIPE_EXPOSE;
        return has_expose ? LOCK_UNSURE : LOCK_NO;
}

enum lock_says lock_eval(const struct seen *s, const struct cond_pool *pool, int root, enum lock_says benign)
{
        const struct cond_node *n;

        if (root < 0)
                return LOCK_YES;
        n = &pool->nodes[root];
        switch (n->op) {
        case COND_AND:
                return both(
                    lock_eval(s, pool, n->left, benign), lock_eval(s, pool, n->right, benign), LOCK_NO);
        case COND_OR:
                return both(
                    lock_eval(s, pool, n->left, benign), lock_eval(s, pool, n->right, benign), LOCK_YES);
        case COND_NOT:
                return turned(lock_eval(s, pool, n->left, turned(benign)));
        case COND_COMPARE:
        case COND_BIT:
        case COND_WITHIN:
                return leaf(s, n, benign);
        case COND_EXPOSING:
                return exposing(s);
        default:
                return LOCK_UNSURE; /* windows of time, settled, votes */
        }
}

/* ---- trips and permits ---- */

/* How long a bad value is borne after the start: as the tool has it, a first value needs time. */
#define FIRST_VALUE_US INT64_C(3000000)

static void time_trip(const struct seen *s, const struct tool_interlock *lock, struct lock_state *st)
{
        int64_t now_us = s->now_us, quiet_us = s->begun_us + FIRST_VALUE_US;

        if (lock->arm.root < 0)
                st->is_armed = true;
        else if (s->is_vented)
                st->is_armed = false;
        else if (lock_eval(s, &s->tool->conds, lock->arm.root, LOCK_UNSURE) == LOCK_YES)
                st->is_armed = true;
        if (!st->is_armed || st->says == LOCK_NO || st->says == LOCK_UNSURE) {
                st->yes_us = st->bad_us = st->due_us = st->due_by_bad_us = SEEN_NEVER;
                return;
        }
        if (st->says == LOCK_YES) {
                st->bad_us = SEEN_NEVER;
                if (st->yes_us == SEEN_NEVER)
                        st->yes_us = now_us;
        } else if (st->bad_us == SEEN_NEVER) {
                st->bad_us = now_us;
        }
        st->due_us = st->due_by_bad_us = SEEN_NEVER;
        if (st->yes_us != SEEN_NEVER && now_us >= st->yes_us + lock->for_us)
                st->due_us = st->yes_us + lock->for_us;
        if (st->bad_us != SEEN_NEVER) {
                int64_t due_us = st->bad_us + lock->grace_us;

                due_us = due_us < quiet_us ? quiet_us : due_us;
                if (now_us >= due_us)
                        st->due_by_bad_us = due_us;
        }
}

static void judge(struct lock_watch *w, const struct seen *s, int i)
{
        const struct tool_interlock *lock = &w->tool->interlocks[i];
        struct lock_state *st = &w->lock[i];

        st->says =
            lock_eval(s, &w->tool->conds, lock->when.root, lock->kind == TOOL_PERMIT ? LOCK_YES : LOCK_NO);
        if (st->says != LOCK_NO)
                st->stood_us = s->now_us;
        if (lock->kind == TOOL_TRIP)
                time_trip(s, lock, st);
        if (lock->kind != TOOL_PERMIT)
                return;
        if (st->says == LOCK_YES || st->says == LOCK_UNSURE)
                st->denied_us = SEEN_NEVER;
        else if (st->denied_us == SEEN_NEVER)
                st->denied_us = s->now_us;
}

void lock_note(struct lock_watch *w, const struct seen *s, const struct world_note *n)
{
        if (n->kind == WORLD_BEGUN) {
                lock_init(w, s->tool);
                return;
        }
        if (n->kind != WORLD_TURN)
                return;
        for (int i = 0; i < w->tool->interlock_count; i++)
                if (w->tool->interlocks[i].kind != TOOL_EXCLUSIVE)
                        judge(w, s, i);
}

int64_t lock_denied_since(const struct lock_watch *w, int tag, int *which)
{
        int64_t first_us = SEEN_NEVER;

        for (int i = 0; i < w->tool->interlock_count; i++) {
                const struct tool_interlock *lock = &w->tool->interlocks[i];
                bool is_named = false;

                for (int k = 0; k < lock->output_count; k++)
                        is_named = is_named || lock->outputs[k] == tag;
                if (lock->kind != TOOL_PERMIT || !is_named || w->lock[i].denied_us == SEEN_NEVER)
                        continue;
                if (first_us != SEEN_NEVER && w->lock[i].denied_us >= first_us)
                        continue;
                first_us = w->lock[i].denied_us;
                *which = i;
        }
        return first_us;
}
