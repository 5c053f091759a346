#include "core_state.h"

#include "ald/base/text.h" /* text_copy */
#include "ald/base/time.h" /* TIME_NEVER */

#include <assert.h> /* assert */
#include <string.h> /* memset */

static const struct recipe_op *present_op(const struct core *core)
{
        if (core->recipe == NULL || !core->is_in_program)
                return NULL;
        return core->recipe->ops[core->at.op].kind < RECIPE_REPEAT ? &core->recipe->ops[core->at.op] : NULL;
}

static void report_waiting(const struct core *core, const struct recipe_op *op, struct core_status *out)
{
        int suspend = interlock_suspends(&core->locks);
        struct text t;

        text_init(&t, out->waiting, sizeof out->waiting);
        if (core->state == MACHINE_SUSPENDED && suspend >= 0)
                interlock_add_reason(&t, &core->locks, &core->snap, suspend);
        else if (core->state == MACHINE_EXECUTE && core->recover_us != 0)
                text_add(&t, "the purge to run whole again");
        else if (core->state == MACHINE_EXECUTE && core->reenter >= 0)
                step_add_waiting(&t, core, &core->recipe->ops[core->reenter]);
        else if (op != NULL && core->is_entered)
                step_add_waiting(&t, core, op);
        else if (machine_is_acting(core->state) && out->unconfirmed_count > 0)
                text_add(&t, "outputs to be confirmed: %s", out->unconfirmed);
}

static int64_t step_left(const struct core *core, const struct recipe_op *op)
{
        int64_t left;

        if (op == NULL || !core->is_entered)
                return -1;
        if (op->kind == RECIPE_EXPOSE || op->kind == RECIPE_CONFIRM)
                return -1;
        if (op->kind == RECIPE_LEAK_CHECK && core->leak.stage == LEAK_MEASURES) {
                left = core->leak.stage_us + op->for_us - core->now_us;
        } else if (op->kind == RECIPE_LEAK_CHECK) {
                left = op->for_us;
        } else if (op->kind == RECIPE_WAIT_UNTIL || op->kind == RECIPE_PURGE_UNTIL) {
                if (core->true_us == TIME_NEVER)
                        return -1;
                left = core->true_us + op->for_us - core->now_us;
        } else {
                left = core->step_us + op->for_us - core->now_us;
        }
        return left > 0 ? left : 0;
}

static void report_program(const struct core *core, struct core_status *out)
{
        const struct recipe_op *op = present_op(core);
        struct text t;

        out->step_left_us = core->recover_us != 0 ? core->recover_us - core->now_us : step_left(core, op);
        if (op == NULL)
                return;
        if (op->phase >= 0)
                text_copy(out->phase, sizeof out->phase, core->recipe->phases[op->phase].name);
        else
                text_copy(
                    out->phase, sizeof out->phase, op->phase == RECIPE_IN_RESUME ? "resume" : "finally");
        text_init(&t, out->step, sizeof out->step);
        step_describe(&t, core->tool, core->recipe, op);
        out->source_line = op->source_line;
        out->is_heating = recipe_waits_for_heat(core->recipe, core->tool, op);
        out->is_bounded = !position_has_waits(&core->at, core->recipe);
        out->left_us =
            position_tail_us(&core->at, core->recipe) + (out->step_left_us > 0 ? out->step_left_us : 0);
        if (op->phase != RECIPE_IN_FINALLY)
                out->left_us += recipe_finally_us(core->recipe);
}

static void report_bypasses(const struct core *core, struct core_status *out)
{
        out->bypass_count = core->bypasses.count;
        for (int i = 0; i < core->bypasses.count; i++) {
                const struct bypass *b = &core->bypasses.item[i];

                out->bypasses[i] = (struct core_bypass){.tag = b->tag, .until_wall_us = b->until_wall_us};
                text_copy(out->bypasses[i].user, sizeof out->bypasses[i].user, b->user);
                text_copy(out->bypasses[i].reason, sizeof out->bypasses[i].reason, b->reason);
        }
}

static void report_control(const struct core *core, struct core_status *out)
{
        struct text t;

        text_init(&t, out->by_hand, sizeof out->by_hand);
        out->by_hand_count = core_count_by_hand(core, &t);
        out->standby_us = core->standby_us == TIME_NEVER ? -1 : core->standby_us - core->now_us;
        out->is_controlled = core->token.is_held;
        if (!core->token.is_held)
                return;
        text_copy(out->control_user, sizeof out->control_user, core->token.user);
        out->control_since_wall_us = core_wall(core, core->token.since_us);
        out->control_until_wall_us = core_wall(core, core->token.until_us);
}

static void report_alarms(const struct core *core, struct core_status *out)
{
        for (int i = 0; i < core->alarms.count; i++) {
                out->alarms_shown += alarm_is_shown(&core->alarms.item[i]);
                out->alarms_unacked += alarm_is_unacked(&core->alarms.item[i]);
        }
        out->alarms_shelved = core->alarms.shelved;
        out->is_flooded = core->alarms.is_flooded;
        out->lags = core->lags;
}

static void report_expiry(const struct core *core, struct core_status *out)
{
        int64_t at_us = core_expires_us(core, &out->expires_then);

        out->expires_us = at_us == TIME_NEVER ? -1 : at_us > core->now_us ? at_us - core->now_us : 0;
}

void core_get_status(const struct core *core, struct core_status *out)
{
        struct text t;

        memset(out, 0, sizeof *out);
        out->state = core->state;
        out->wall_us = core->wall_us;
        out->run_id = core->run_id;
        out->step_left_us = -1;
        out->store_ok = core->store_ok;
        text_copy(out->store_why, sizeof out->store_why, core->store_why);
        text_copy(out->recipe, sizeof out->recipe, core->recipe_name);
        text_copy(out->reason, sizeof out->reason, core->reason);
        report_expiry(core, out);
        text_init(&t, out->unconfirmed, sizeof out->unconfirmed);
        out->unconfirmed_count = output_count_unconfirmed(&core->outs, &core->snap, &t);
        if (core->recipe != NULL) {
                out->cycle = core->cycle;
                out->cycles = core->recipe->cycles;
                out->elapsed_us = core->now_us - core->run_started_us;
                report_program(core, out);
        }
        report_waiting(core, present_op(core), out);
        report_bypasses(core, out);
        if (core_get_question(core) != NULL)
                text_copy(out->asks, sizeof out->asks, core->recipe->notes[core_get_question(core)->note]);
        out->is_stopping_after_cycle = core->is_stopping_after_cycle;
        out->is_exposing = core->snap.is_exposing;
        out->is_vented = core->locks.is_vented;
        report_control(core, out);
        out->latch_count = core->locks.latch_count;
        memcpy(out->latches, core->locks.latch, sizeof out->latches);
        report_alarms(core, out);
}

/* ---- alarms ---- */

int core_count_alarms(const struct core *core)
{
        int n = 0;

        for (int i = 0; i < core->alarms.count; i++)
                n += core->alarms.item[i].state != ALARM_NORMAL;
        return n;
}

void core_get_alarm(const struct core *core, int i, struct core_alarm_now *out)
{
        const struct alarm *a = core->alarms.item;

        assert(i >= 0 && i < core_count_alarms(core));
        for (; a->state == ALARM_NORMAL || i > 0; a++)
                i -= a->state != ALARM_NORMAL;
        memset(out, 0, sizeof *out);
        text_copy(out->id, sizeof out->id, a->id);
        text_copy(out->text, sizeof out->text, a->text);
        text_copy(out->guidance, sizeof out->guidance, a->guidance);
        text_copy(out->shelved_by, sizeof out->shelved_by, a->shelved_by);
        text_copy(out->reason, sizeof out->reason, a->reason);
        out->state = (enum alarm_state)a->state;
        out->priority = (enum tool_priority)a->priority;
        out->is_trip = a->is_trip;
        out->stands = a->stands;
        out->is_chattering = a->is_chattering;
        out->came_wall_us = a->came_wall_us;
        out->age_us = a->comings > 0 ? core->now_us - a->came_us : -1;
        out->comings = a->comings;
        out->until_wall_us = a->until_wall_us;
}

void core_get_tag(const struct core *core, int tag, struct core_tag *out)
{
        const struct snapshot_tag *st = &core->snap.tag[tag];

        *out = (struct core_tag){.value = st->value,
            .commanded = core->outs.out[tag].commanded,
            .has_commanded = core->outs.out[tag].has_commanded,
            .quality = (enum quality)st->quality,
            .why = (enum quality_why)st->why,
            .age_us = st->t_us == INT64_MIN ? -1 : core->now_us - st->t_us};
        /* A valve in a pulse is open between its planned edges. */
        if (core->outs.out[tag].pulse_id != 0 && core->now_us >= core->pulse.open_us &&
            core->now_us < core->pulse.close_us)
                out->commanded = 1;
}

void core_get_interlock(const struct core *core, int interlock, struct core_interlock *out)
{
        const struct tool_interlock *lock = &core->tool->interlocks[interlock];
        const struct interlock_state *st = &core->locks.state[interlock];
        struct text t;

        memset(out, 0, sizeof *out);
        out->condition = st->value;
        out->is_armed = st->is_armed;
        out->stands = st->is_tripped;
        out->is_latched = lock->kind == TOOL_TRIP && interlock_has_latch(&core->locks, interlock);
        out->is_permitted = lock->kind != TOOL_PERMIT || st->value == TRI_TRUE;
        text_init(&t, out->values, sizeof out->values);
        cond_add_values(&t, &core->tool->conds, lock->when.root, &core->snap, core->tool);
}

void core_describe_op(struct text *t, const struct tool *tool, const struct recipe *recipe, int op)
{
        assert(op >= 0 && op < recipe->op_count);
        step_describe(t, tool, recipe, &recipe->ops[op]);
}

static bool waits_for_value(const struct core *core)
{
        if (!core->is_in_program || core->recipe == NULL)
                return false;
        if (core->reenter >= 0)
                return true;
        switch (core->recipe->ops[core->at.op].kind) {
        case RECIPE_WAIT_UNTIL:
        case RECIPE_PURGE_UNTIL:
        case RECIPE_EXPOSE:
        case RECIPE_LEAK_CHECK:
                return true;
        default:
                return false;
        }
}

void core_get_place(const struct core *core, struct core_place *out)
{
        *out = (struct core_place){.state = core->state,
            .is_in_program = core->is_in_program,
            .at = core->at,
            .step_us = core->step_us,
            .asks = core_get_question(core) != NULL,
            .waits_for_value = waits_for_value(core)};
        out->waits_for_heat = out->waits_for_value && recipe_waits_for_heat(core->recipe, core->tool,
                                                          &core->recipe->ops[core->at.op]);
}

const char *core_get_reason(const struct core *core)
{
        return core->reason;
}
