/* Steps that wait: for time, for a condition, for the operator; and what `settled` means. */
#include "step.h"

#include "ald/base/time.h" /* TIME_NEVER, time_add */

#include <math.h> /* fabs */

/* ---- wait, purge ---- */

struct step_turn step_time_turn(struct core *core, const struct recipe_op *op)
{
        int64_t end_us = time_add(core->step_us, op->for_us);
        int64_t look_us = end_us - step_handover_us(core);

        if (core->now_us < look_us)
                return step_waits(look_us);
        return (struct step_turn){.is = STEP_DONE, .at_us = end_us};
}

void step_wait_describe(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op)
{
        (void)tool;
        (void)r;
        text_add(t, op->kind == RECIPE_PURGE ? "purge " : "wait ");
        time_add_duration(t, op->for_us);
}

/* ---- wait until, purge until ---- */

static enum tri condition(struct core *core, const struct recipe_op *op)
{
        enum tri value;

        core->snap.fresh_us = core->entered_us;
        core->snap.settled = step_settled(core, core->entered_us);
        value = cond_eval(&core->recipe->pool, core->recipe->conds[op->cond].root, &core->snap);
        core->snap.fresh_us = INT64_MIN;
        return value;
}

struct step_turn step_until_turn(struct core *core, const struct recipe_op *op)
{
        int64_t timeout_us = step_timeout(core, op);

        if (condition(core, op) != TRI_TRUE)
                core->true_us = TIME_NEVER;
        else if (core->true_us == TIME_NEVER)
                core->true_us = core->now_us;
        if (core->true_us != TIME_NEVER && core->now_us - core->true_us >= op->for_us)
                return step_done_now(core);
        if (core->now_us >= timeout_us)
                return step_failed(core, (enum tool_action)op->otherwise, NULL);
        return step_waits(time_min(timeout_us, time_add(core->true_us, op->for_us)));
}

void step_until_describe(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op)
{
        (void)tool;
        text_add(
            t, "%s until %s", op->kind == RECIPE_PURGE_UNTIL ? "purge" : "wait", r->conds[op->cond].text);
        if (op->for_us > 0) {
                text_add(t, " for ");
                time_add_duration(t, op->for_us);
        }
}

/* ---- confirm ---- */

void step_confirm_enter(struct core *core, const struct recipe_op *op)
{
        core->is_confirmed = false;
        core_log(
            core, "confirm", RECORD_WARNING, core->recipe->name, "asks: %s", core->recipe->notes[op->note]);
}

struct step_turn step_confirm_turn(struct core *core, const struct recipe_op *op)
{
        int64_t timeout_us = step_timeout(core, op);

        if (core->is_confirmed)
                return step_done_now(core);
        if (core->now_us >= timeout_us)
                return step_failed(core, (enum tool_action)op->otherwise, "nobody confirmed: %s",
                    core->recipe->notes[op->note]);
        return step_waits(timeout_us);
}

const struct recipe_op *core_get_question(const struct core *core)
{
        const struct recipe_op *op;

        if (core->recipe == NULL || !core->is_in_program || !core->is_entered || core->is_confirmed)
                return NULL;
        op = &core->recipe->ops[core->at.op];
        return op->kind == RECIPE_CONFIRM ? op : NULL;
}

void step_confirm_describe(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op)
{
        (void)tool;
        text_add(t, "confirm: %s", r->notes[op->note]);
}

/* ---- settled ---- */

static enum tri loop_settled(const struct core *core, const struct tool_loop *loop, int64_t fresh_us)
{
        const struct snapshot_tag *st = &core->snap.tag[loop->value];
        const struct core_setpoint *sp = &core->setpoint[loop->setpoint];

        if (!sp->is_set || sp->is_standby)
                return TRI_TRUE;
        if (st->quality != QUALITY_GOOD || st->t_us < fresh_us)
                return TRI_BAD;
        if (core->outs.out[loop->setpoint].is_ramping || fabs(st->value - sp->value) > loop->tolerance)
                return TRI_FALSE;
        return TRI_TRUE;
}

enum tri step_settled(const struct core *core, int64_t fresh_us)
{
        enum tri all = TRI_TRUE;

        for (int i = 0; i < core->tool->loop_count; i++) {
                enum tri one = loop_settled(core, &core->tool->loops[i], fresh_us);

                if (one == TRI_FALSE)
                        return TRI_FALSE;
                if (one == TRI_BAD)
                        all = TRI_BAD;
        }
        return all;
}

static void add_unsettled(struct text *t, const struct core *core)
{
        for (int i = 0; i < core->tool->loop_count; i++) {
                const struct tool_loop *loop = &core->tool->loops[i];
                const struct snapshot_tag *st = &core->snap.tag[loop->value];
                const struct tool_tag *tag = &core->tool->tags[loop->value];

                if (loop_settled(core, loop, INT64_MIN) == TRI_TRUE)
                        continue;
                text_add(t, "%s", t->len > 0 ? "; " : "");
                if (st->quality != QUALITY_GOOD) {
                        snapshot_add_tag(t, &core->snap, core->tool, loop->value);
                        continue;
                }
                text_add(t, "%s %.1f of ", tag->name, st->value);
                tool_add_value(t, tag, core->setpoint[loop->setpoint].value);
        }
}

static bool waits_for_settled(const struct core *core, const struct recipe_op *op)
{
        const struct cond *cond = &core->recipe->conds[op->cond];

        return core->recipe->pool.nodes[cond->root].op == COND_SETTLED;
}

static void add_unmet(struct text *t, const struct core *core, const struct recipe_op *op)
{
        if (core->true_us != TIME_NEVER) {
                text_add(t, "%s to hold for ", core->recipe->conds[op->cond].text);
                time_add_duration(t, op->for_us);
        } else if (waits_for_settled(core, op)) {
                add_unsettled(t, core);
        } else {
                cond_add_unmet(
                    t, &core->recipe->pool, core->recipe->conds[op->cond].root, &core->snap, core->tool);
        }
        if (t->len == 0)
                text_add(t, "fresh readings for %s", core->recipe->conds[op->cond].text);
}

void step_add_waiting(struct text *t, const struct core *core, const struct recipe_op *op)
{
        switch (op->kind) {
        case RECIPE_WAIT_UNTIL:
        case RECIPE_PURGE_UNTIL:
                add_unmet(t, core, op);
                break;
        case RECIPE_CONFIRM:
                text_add(t, "an operator's confirm: %s", core->recipe->notes[op->note]);
                break;
        case RECIPE_EXPOSE:
        case RECIPE_LEAK_CHECK:
                step_gas_add_waiting(t, core, op);
                break;
        default:
                break;
        }
}
