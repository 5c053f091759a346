#include "ald/core/interlock.h"

#include "ald/base/text.h" /* text_add */
#include "ald/base/time.h" /* TIME_NEVER, time_add */

#include <assert.h> /* assert */
#include <string.h> /* memset, strcmp */

void interlock_init(struct interlocks *il, const struct tool *tool, int64_t now_us)
{
        memset(il, 0, sizeof *il);
        il->tool = tool;
        il->quiet_until_us = time_add(now_us, INTERLOCK_FIRST_VALUE_US);
        for (int i = 0; i < tool->interlock_count; i++) {
                il->state[i].true_us = il->state[i].bad_us = il->state[i].false_us = TIME_NEVER;
                il->state[i].is_armed =
                    tool->interlocks[i].kind != TOOL_TRIP || tool->interlocks[i].arm.root < 0;
        }
}

static int find(const struct interlocks *il, const char *id)
{
        for (int i = 0; i < il->latch_count; i++)
                if (strcmp(il->latch[i].id, id) == 0)
                        return i;
        return -1;
}

bool interlock_raise(struct interlocks *il, const char *id, enum tool_action action, const char *text,
    const char *guidance, int64_t wall_us)
{
        int at = find(il, id);
        struct core_latch *latch;

        if (at >= 0) {
                il->latch[at].is_active = true;
                return false;
        }
        if (il->latch_count == CORE_LATCHES_MAX) {
                bool is_stronger = action > il->beyond;

                il->is_overfull = true;
                il->beyond = is_stronger ? action : il->beyond;
                return is_stronger;
        }
        latch = &il->latch[il->latch_count++];
        memset(latch, 0, sizeof *latch);
        text_copy(latch->id, sizeof latch->id, id);
        text_copy(latch->text, sizeof latch->text, text);
        text_copy(latch->guidance, sizeof latch->guidance, guidance);
        latch->action = action;
        latch->wall_us = wall_us;
        latch->is_active = true;
        return true;
}

void interlock_clear(struct interlocks *il, const char *id)
{
        int at = find(il, id);

        if (at >= 0)
                il->latch[at].is_active = false;
}

/* How long this condition's unreadable input is borne now. */
static int64_t grace_until(const struct interlocks *il, int i)
{
        int64_t until = time_add(il->state[i].bad_us, il->tool->interlocks[i].grace_us);

        return until < il->quiet_until_us ? il->quiet_until_us : until;
}

/* Fold one condition into its timers; true while the cause stands (of a trip: while it is armed). */
static bool cause_stands(struct interlocks *il, int i, const struct snapshot *snap)
{
        const struct tool_interlock *lock = &il->tool->interlocks[i];
        struct interlock_state *st = &il->state[i];

        if (!st->is_armed && !il->is_vented && cond_eval(&il->tool->conds, lock->arm.root, snap) == TRI_TRUE)
                st->is_armed = true;
        if (!st->is_armed || st->value == TRI_FALSE) {
                st->true_us = st->bad_us = TIME_NEVER;
                return false;
        }
        if (st->value == TRI_TRUE) {
                st->bad_us = TIME_NEVER;
                st->true_us = st->true_us == TIME_NEVER ? snap->now_us : st->true_us;
                return snap->now_us - st->true_us >= lock->for_us;
        }
        /* A bad input does not reset a delay that is running: it counts on, as if the condition held (T5, T7). */
        st->bad_us = st->bad_us == TIME_NEVER ? snap->now_us : st->bad_us;
        if (st->true_us != TIME_NEVER && snap->now_us - st->true_us >= lock->for_us)
                return true;
        return snap->now_us >= grace_until(il, i);
}

/* A suspend lets go only once its condition has been false for as long as it took to act. */
static bool suspend_stands(struct interlocks *il, int i, const struct snapshot *snap)
{
        struct interlock_state *st = &il->state[i];
        bool stands = cause_stands(il, i, snap);

        if (st->value != TRI_FALSE)
                st->false_us = TIME_NEVER;
        else if (st->false_us == TIME_NEVER)
                st->false_us = snap->now_us;
        if (stands || !st->is_tripped)
                return stands;
        return st->false_us == TIME_NEVER || snap->now_us - st->false_us < il->tool->interlocks[i].for_us;
}

static void latch_trip(struct interlocks *il, int i, const struct snapshot *snap, int64_t wall_us)
{
        const struct tool_interlock *lock = &il->tool->interlocks[i];
        int at = find(il, lock->id);
        char buf[256];
        struct text t;

        if (!il->state[i].is_latched)
                il->fresh[il->fresh_count++] = (int16_t)i;
        il->state[i].is_latched = true;
        if (at >= 0) {
                il->latch[at].is_active = true;
                return;
        }
        text_init(&t, buf, sizeof buf);
        interlock_add_reason(&t, il, snap, i);
        interlock_raise(il, lock->id, lock->then, buf, lock->guidance, wall_us);
}

/* What a bypassed input counts as: for a permit that it permits, else that there is nothing wrong. */
static enum tri benign(const struct tool_interlock *lock)
{
        return lock->kind == TOOL_PERMIT ? TRI_TRUE : TRI_FALSE;
}

void interlock_eval(struct interlocks *il, const struct snapshot *snap, int64_t wall_us)
{
        assert(snap->fresh_us == INT64_MIN);
        il->fresh_count = 0;
        il->is_overfull = false;
        for (int i = 0; i < il->tool->interlock_count; i++) {
                const struct tool_interlock *lock = &il->tool->interlocks[i];
                struct interlock_state *st = &il->state[i];

                if (lock->kind == TOOL_EXCLUSIVE)
                        continue;
                st->value = cond_eval_lock(&il->tool->conds, lock->when.root, snap, benign(lock));
                if (lock->kind == TOOL_SUSPEND)
                        st->is_tripped = suspend_stands(il, i, snap);
                if (lock->kind != TOOL_TRIP)
                        continue;
                st->is_tripped = cause_stands(il, i, snap);
                if (st->is_tripped)
                        latch_trip(il, i, snap, wall_us);
                else
                        interlock_clear(il, lock->id);
        }
}

bool interlock_has_latches(const struct interlocks *il)
{
        for (int i = 0; i < il->tool->interlock_count; i++)
                if (il->state[i].is_latched)
                        return true;
        return il->latch_count > 0;
}

void interlock_vent(struct interlocks *il, bool is_vented)
{
        il->is_vented = is_vented;
        for (int i = 0; is_vented && i < il->tool->interlock_count; i++)
                if (il->tool->interlocks[i].kind == TOOL_TRIP && il->tool->interlocks[i].arm.root >= 0)
                        il->state[i].is_armed = false;
}

int interlock_suspends(const struct interlocks *il)
{
        for (int i = 0; i < il->tool->interlock_count; i++)
                if (il->tool->interlocks[i].kind == TOOL_SUSPEND && il->state[i].is_tripped)
                        return i;
        return -1;
}

bool interlock_has_latch(const struct interlocks *il, int interlock)
{
        return il->state[interlock].is_latched;
}

/* What tripped, without the id that the texts of the tool file's interlocks begin with. */
static const char *after_id(const struct core_latch *latch)
{
        size_t n = strlen(latch->id);

        return strncmp(latch->text, latch->id, n) == 0 && latch->text[n] == ':' ? latch->text + n + 2
                                                                                : latch->text;
}

bool interlock_reset(struct interlocks *il, struct text *why)
{
        for (int i = 0; i < il->latch_count; i++) {
                if (!il->latch[i].is_active)
                        continue;
                text_add(why, "%s still stands: %s", il->latch[i].id, after_id(&il->latch[i]));
                return false;
        }
        for (int i = 0; i < il->tool->interlock_count; i++) {
                if (!il->state[i].is_tripped || il->tool->interlocks[i].kind != TOOL_TRIP)
                        continue;
                text_add(why, "%s still stands", il->tool->interlocks[i].id);
                return false;
        }
        if (il->is_overfull) {
                text_add(why, "the cause of one more trip still stands");
                return false;
        }
        for (int i = 0; i < il->tool->interlock_count; i++)
                il->state[i].is_latched = false;
        il->latch_count = 0;
        il->beyond = TOOL_ACT_NONE;
        return true;
}

static bool names_output(const struct tool_interlock *lock, int tag)
{
        for (int i = 0; i < lock->output_count; i++)
                if (lock->outputs[i] == tag)
                        return true;
        return false;
}

bool interlock_permits(const struct interlocks *il, const struct snapshot *snap, int tag, int *which)
{
        bool is_dosing = il->tool->tags[tag].class != TOOL_CLASS_PLAIN;

        *which = INTERLOCK_VENTED;
        if (is_dosing && il->is_vented)
                return false;
        for (int i = 0; i < il->tool->interlock_count; i++) {
                const struct tool_interlock *lock = &il->tool->interlocks[i];

                *which = i;
                if (lock->kind == TOOL_TRIP && is_dosing && !il->state[i].is_armed)
                        return false;
                if (lock->kind == TOOL_PERMIT && names_output(lock, tag) &&
                    cond_eval_lock(&il->tool->conds, lock->when.root, snap, TRI_TRUE) != TRI_TRUE)
                        return false;
        }
        *which = -1;
        return true;
}

static const char *kind_word(enum tool_interlock_kind kind)
{
        return kind == TOOL_TRIP ? "trips on" : kind == TOOL_SUSPEND ? "waits while" : "permits only while";
}

void interlock_get_reason(
    const struct interlocks *il, const struct snapshot *snap, int interlock, struct interlock_reason *out)
{
        const struct tool_interlock *lock;
        const struct cond *cond;
        bool waits;
        struct text t;

        memset(out, 0, sizeof *out);
        if (interlock == INTERLOCK_VENTED) {
                text_copy(out->interlock, sizeof out->interlock, "vented");
                text_copy(
                    out->condition, sizeof out->condition, "precursors are locked until it is pumped down");
                text_copy(out->values, sizeof out->values, "the chamber is vented");
                return;
        }
        lock = &il->tool->interlocks[interlock];
        waits = lock->kind == TOOL_TRIP && !il->state[interlock].is_armed;
        cond = waits ? &lock->arm : &lock->when;
        text_copy(out->interlock, sizeof out->interlock, lock->id);
        text_init(&t, out->condition, sizeof out->condition);
        text_add(&t, "%s %s", waits ? "waits to be armed by" : kind_word(lock->kind), cond->text);
        text_init(&t, out->values, sizeof out->values);
        cond_add_values(&t, &il->tool->conds, cond->root, snap, il->tool);
}

void interlock_add_reason(
    struct text *t, const struct interlocks *il, const struct snapshot *snap, int interlock)
{
        struct interlock_reason reason;

        interlock_get_reason(il, snap, interlock, &reason);
        text_add(t, "%s: %s (%s)", reason.interlock, reason.condition, reason.values);
}

int64_t interlock_deadline(const struct interlocks *il)
{
        int64_t next = TIME_NEVER;

        for (int i = 0; i < il->tool->interlock_count; i++) {
                const struct interlock_state *st = &il->state[i];

                if (st->false_us != TIME_NEVER && st->is_tripped)
                        next = time_min(next, time_add(st->false_us, il->tool->interlocks[i].for_us));
                if (st->is_tripped)
                        continue;
                if (st->true_us != TIME_NEVER)
                        next = time_min(next, time_add(st->true_us, il->tool->interlocks[i].for_us));
                if (st->bad_us != TIME_NEVER)
                        next = time_min(next, grace_until(il, i));
        }
        return next;
}
