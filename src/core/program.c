#include "step.h"

#include "ald/base/time.h" /* TIME_NEVER, time_add */

#include <assert.h>   /* assert */
#include <inttypes.h> /* PRId64 */
#include <stdio.h>    /* snprintf */

/* Steps of no length (set, note, loop ends) that one turn may take; a program with more goes on in the next turn. */
enum { OPS_IN_A_TURN = 32 };

void core_begin_program(struct core *core, int32_t op)
{
        position_start(&core->at, op);
        core->is_in_program = true;
        core->is_entered = false;
        core->step_us = core->now_us;
        core->waited_us = 0;
        core->recover_us = 0;
        core->reenter = -1;
        core->has_half = core->must_repeat = core->is_cut = core->is_dose_lost = core->is_gas_cut = false;
        core->attempt = 0;
        for (int i = 0; i < RECIPE_GUARDS_MAX; i++)
                core->guard_us[i] = TIME_NEVER;
}

/* The first timed purge after the last pulse in its block, else the line's own minimum. What an expose dosed is purged after
 * its end. */
int64_t core_purge_us(const struct core *core)
{
        const struct recipe_op *ops;
        int32_t expose, from;

        if (!core->has_half)
                return 0;
        ops = core->recipe->ops;
        expose = position_find_expose(core->recipe, core->half.op);
        from = expose >= 0 ? ops[expose].jump : core->half.op;
        for (int32_t i = from + 1; i < core->recipe->op_count; i++) {
                if (ops[i].kind == RECIPE_PURGE)
                        return ops[i].for_us;
                if (ops[i].kind == RECIPE_PULSE || ops[i].kind == RECIPE_REPEAT_END ||
                    ops[i].kind == RECIPE_END)
                        break;
        }
        return core->tool->lines[core->half_line].purge_us_min;
}

static void resume_step(struct core *core)
{
        const struct recipe_op *op = &core->recipe->ops[core->at.op];

        /* A search without a pulse looks at its condition again after a whole pass. */
        if (op->kind == RECIPE_REPEAT_END && op->cond >= 0)
                core->at.op = op->jump + 1;
        op = &core->recipe->ops[core->at.op];
        if (op->kind < RECIPE_REPEAT)
                core_log(
                    core, "step", RECORD_INFO, core->recipe->name, "line %d begins again", op->source_line);
}

/* The operator did not want the rest of the step that lost its reactive gas. */
static void skip_step(struct core *core)
{
        struct position_move move;

        core_log(core, "step", RECORD_WARNING, core->recipe->name, "the rest of line %d is skipped",
            core->recipe->ops[core->at.op].source_line);
        if (core->recipe->ops[core->at.op].kind < RECIPE_REPEAT)
                position_advance(&core->at, core->recipe, &move);
}

static void resume_half_cycle(struct core *core)
{
        struct position_move move;

        core->at = core->half;
        core->cycle = core->half_cycle;
        if (core->must_repeat) {
                core->recover_us = time_add(core->now_us, core_purge_us(core));
                core_log(core, "step", RECORD_INFO, core->recipe->name,
                    "purge runs whole, then the pulse of line %d is repeated (attempt %d)",
                    core->recipe->ops[core->at.op].source_line, core->attempt + 1);
                return;
        }
        position_advance(&core->at, core->recipe, &move);
        core_log(core, "step", RECORD_INFO, core->recipe->name,
            "the half-cycle after line %d runs whole again", core->recipe->ops[core->half.op].source_line);
}

void core_resume_program(struct core *core)
{
        int32_t left_op = core->at.op;

        core->step_us = core->now_us;
        core->is_entered = false;
        core->recover_us = core->reenter_us = 0;
        for (int i = 0; i < RECIPE_GUARDS_MAX; i++)
                core->guard_us[i] = TIME_NEVER;
        for (int i = 0; i < RECIPE_DEPTH_MAX; i++)
                core->pass_us[i] = core->now_us;
        if (core->is_skipping)
                skip_step(core);
        else if (core->has_half)
                resume_half_cycle(core);
        else
                resume_step(core);
        /* What was used of a timeout counts for the step that used it. */
        if (core->at.op != left_op)
                core->waited_us = 0;
        core->is_gas_cut = core->is_skipping = false;
        core->reenter = position_find_expose(core->recipe, core->at.op);
}

/* The expose block that a hold broke off: closed again as its own step closes it. True while that goes on. */
static bool is_reentering(struct core *core)
{
        const struct recipe_op *op = &core->recipe->ops[core->reenter];
        struct step_turn turn;
        char why[192];

        if (core->reenter_us == 0) {
                core->reenter_us = core->entered_us = core->now_us;
                core->waited_us = 0;
        }
        turn = step_turn(core, op);
        if (turn.is == STEP_WAITS) {
                core->program_due_us = turn.at_us;
                return true;
        }
        if (turn.is == STEP_FAILED) {
                snprintf(why, sizeof why, "line %d: %s", op->source_line, core->step_why);
                core_apply(core, turn.action, false, why);
                return true;
        }
        core->reenter = -1;
        core->step_us = core->now_us + step_anchor_us(core, &core->recipe->ops[core->at.op]);
        return false;
}

/* Does what comes before the half-cycle still go on: the repeated purge, the expose closed again? */
static bool is_recovering(struct core *core)
{
        int64_t lead_us = core->reenter < 0 ? CORE_HANDOVER_US : 0;

        if (core->recover_us != 0 && core->now_us < core->recover_us - lead_us) {
                core->program_due_us = core->recover_us - lead_us;
                return true;
        }
        if (core->recover_us != 0) {
                core->step_us = core->recover_us;
                core->recover_us = 0;
        }
        return core->reenter >= 0 && is_reentering(core);
}

/* Cycles are recorded once, however often a hold goes back over a loop's edge (S2). */
static void log_move(struct core *core, const struct position_move *move)
{
        if (move->cycles_ended > 0 && core->cycle > core->cycles_ended) {
                core->cycles_ended = core->cycle;
                core_record(core, RECORD_CYCLE_END)->u.cycle.n = core->cycle;
        }
        if (move->cycles_begun == 0)
                return;
        core->cycle++;
        if (core->cycle > core->cycles_begun) {
                core->cycles_begun = core->cycle;
                core_record(core, RECORD_CYCLE_START)->u.cycle.n = core->cycle;
        }
}

/* `stop --after-cycle`: where a cycle ends, and where one would begin. */
static bool stops_here(struct core *core, const struct position_move *move)
{
        struct position_move end = {.cycles_ended = move->cycles_ended};
        char reason[192];

        if (!core->is_stopping_after_cycle || core->state != MACHINE_EXECUTE ||
            move->cycles_ended + move->cycles_begun == 0)
                return false;
        log_move(core, &end);
        text_copy(reason, sizeof reason, core->stop_reason);
        /* Where the cycle's last purge has run whole, the stop need not run it again. */
        if (core->has_half && core->now_us >= time_add(core->pulse.close_us, core_purge_us(core)))
                core->has_half = core->must_repeat = false;
        core_go(core, MACHINE_ON_STOP, reason);
        return true;
}

static void note_phase(struct core *core, int16_t phase)
{
        const struct recipe_op *op = &core->recipe->ops[core->at.op];

        if (op->phase == phase || op->kind == RECIPE_END)
                return;
        /* A half-cycle does not reach past its phase. */
        core->has_half = core->must_repeat = false;
        core_log(
            core, "step", RECORD_INFO, core->recipe->name, "phase %s", core->recipe->phases[op->phase].name);
}

/* The half-cycle that another run did not end is this one's: a hold goes back to it, and its pulse has had its attempts. */
static void take_up(struct core *core)
{
        const struct recipe_resume *from = &core->recipe->resume;

        core->half = from->half;
        core->half_cycle = core->cycle;
        core->half_line = core->recipe->ops[from->half.op].line;
        core->has_half = true;
        core->must_repeat = from->attempt > 0;
        core->attempt = from->attempt;
        for (int i = 0; i < RECIPE_DEPTH_MAX; i++)
                core->pass_us[i] = core->step_us;
}

/* To where `to` stands. False: the run stops here instead. */
static bool move_to(struct core *core, const struct position *to, const struct position_move *move)
{
        int16_t phase = core->recipe->ops[core->at.op].phase;
        bool is_resumed = core->recipe->ops[core->at.op].kind == RECIPE_RESUMED;
        bool is_loop =
            core->recipe->ops[core->at.op].kind == RECIPE_REPEAT ||
            (core->recipe->ops[core->at.op].kind == RECIPE_REPEAT_END && to->depth == core->at.depth);

        if (stops_here(core, move))
                return false;
        core->at = *to;
        log_move(core, move);
        core->is_entered = false;
        core->waited_us = 0;
        if (is_loop)
                core->pass_us[core->at.depth - 1] = core->step_us;
        note_phase(core, phase);
        if (is_resumed)
                take_up(core);
        return true;
}

static bool move_on(struct core *core)
{
        struct position to = core->at;
        struct position_move move;

        position_advance(&to, core->recipe, &move);
        return move_to(core, &to, &move);
}

/* What a step does that came to no good end. True: the program goes on behind it. */
static bool fail_step(struct core *core, const struct recipe_op *op, enum tool_action action)
{
        char buf[192], waiting[120];
        struct text t;

        text_init(&t, buf, sizeof buf);
        text_add(&t, "line %d: ", op->source_line);
        if (core->step_why[0] != '\0') {
                text_add(&t, "%s", core->step_why);
        } else {
                struct text w;

                text_init(&w, waiting, sizeof waiting);
                step_add_waiting(&w, core, op);
                text_add(&t, "not reached in ");
                time_add_duration(&t, op->timeout_us);
                text_add(&t, ": %s", waiting);
        }
        /* `finally` knows no hold: it is to end. */
        if (core->state != MACHINE_EXECUTE || action == TOOL_ACT_CONTINUE || action == TOOL_ACT_NONE) {
                core_log(core, "step", RECORD_WARNING, core->recipe->name, "%s; goes on", buf);
                core->step_us = core->now_us > core->step_us ? core->now_us : core->step_us;
                return true;
        }
        /* What the timeout was for begins anew with the resume. */
        core->waited_us = 0;
        core->entered_us = core->now_us;
        core_apply(core, action, false, buf);
        return false;
}

/* ---- a loop that ends on a condition ---- */

/* On values sampled since the pass began, no other (S1). */
static bool is_found(struct core *core, const struct recipe_op *op)
{
        int64_t since_us = core->pass_us[core->at.depth - 1];
        enum tri found;

        core->snap.fresh_us = since_us;
        core->snap.settled = step_settled(core, since_us);
        found = cond_eval(&core->recipe->pool, core->recipe->conds[op->cond].root, &core->snap);
        core->snap.fresh_us = INT64_MIN;
        return found == TRI_TRUE;
}

static bool leave_loop(struct core *core)
{
        struct position to = core->at;
        struct position_move move;

        position_leave(&to, core->recipe, &move);
        return move_to(core, &to, &move);
}

static bool fail_search(struct core *core, const struct recipe_op *op)
{
        const struct recipe_op *repeat = &core->recipe->ops[op->jump];
        char values[96];
        struct text t;

        text_init(&t, values, sizeof values);
        cond_add_unmet(&t, &core->recipe->pool, core->recipe->conds[op->cond].root, &core->snap, core->tool);
        (void)step_failed(core, TOOL_ACT_NONE, "not %s after %" PRId64 " passes (%s)",
            core->recipe->conds[op->cond].text, repeat->count, values);
        return fail_step(core, op, (enum tool_action)op->otherwise) && leave_loop(core);
}

/* The end of a pass: out, once more, or given up. A pulse of a further pass is planned anew, since what decided was seen only
 * now. */
static bool end_search(struct core *core, const struct recipe_op *op)
{
        const struct recipe_op *next;

        /* The step before may have ended ahead of its planned end. */
        if (core->now_us < core->step_us) {
                core->program_due_us = core->step_us;
                return false;
        }
        if (is_found(core, op))
                return leave_loop(core);
        if (core->at.loop[core->at.depth - 1].pass >= core->recipe->ops[op->jump].count)
                return fail_search(core, op);
        if (!move_on(core))
                return false;
        next = &core->recipe->ops[core->at.op];
        if (next->kind == RECIPE_PULSE)
                core->step_us = core->now_us + step_anchor_us(core, next);
        return true;
}

/* One op: true when the walk can go on in this turn. */
static bool walk(struct core *core)
{
        const struct recipe_op *op = &core->recipe->ops[core->at.op];
        enum machine_state before = core->state;
        struct step_turn turn;

        if (op->kind == RECIPE_REPEAT_END && op->cond >= 0)
                return end_search(core, op);
        if (op->kind >= RECIPE_REPEAT)
                return move_on(core);
        /* The last pulse's end is reported a moment after its close; the next one waits for that (core.c watches it). */
        if (!core->is_entered && op->kind == RECIPE_PULSE && core->pulse.is_live)
                return false;
        if (!core->is_entered && op->kind == RECIPE_PULSE && core_awaits_rest(core))
                return false;
        if (!core->is_entered) {
                step_enter(core, op);
                if (core->state != before)
                        return false;
        }
        turn = step_turn(core, op);
        /* Whatever it came to: in another state the program stands still. */
        if (core->state != before)
                return false;
        if (turn.is == STEP_WAITS) {
                core->program_due_us = turn.at_us;
                return false;
        }
        if (turn.is == STEP_FAILED)
                return fail_step(core, op, turn.action) && move_on(core);
        assert(turn.at_us >= core->step_us);
        core->step_us = turn.at_us;
        return move_on(core);
}

bool core_run_program(struct core *core)
{
        assert(core->recipe != NULL && core->is_in_program);
        core->program_due_us = TIME_NEVER;
        if (is_recovering(core))
                return false;
        for (int i = 0; i < OPS_IN_A_TURN; i++) {
                /* A pulse that ends the section may still have to be repeated: its report is waited for (S2). */
                if (core->recipe->ops[core->at.op].kind == RECIPE_END)
                        return !core->pulse.is_live;
                if (!walk(core))
                        return false;
        }
        core->program_due_us = core->now_us;
        return false;
}

void core_watch_guards(struct core *core)
{
        int16_t phase = core->recipe->ops[core->at.op].phase;

        core->snap.settled = step_settled(core, INT64_MIN);
        for (int i = 0; i < core->recipe->guard_count && core->state == MACHINE_EXECUTE; i++) {
                const struct recipe_guard *guard = &core->recipe->guards[i];
                const struct cond *cond = &core->recipe->conds[guard->cond];
                char reason[192], values[96];
                struct text t;

                if (phase < 0 || (guard->phases & (UINT32_C(1) << phase)) == 0 ||
                    cond_eval(&core->recipe->pool, cond->root, &core->snap) == TRI_TRUE) {
                        core->guard_us[i] = TIME_NEVER;
                        continue;
                }
                if (core->guard_us[i] == TIME_NEVER)
                        core->guard_us[i] = core->now_us;
                if (core->now_us - core->guard_us[i] < guard->for_us)
                        continue;
                text_init(&t, values, sizeof values);
                cond_add_values(&t, &core->recipe->pool, cond->root, &core->snap, core->tool);
                text_init(&t, reason, sizeof reason);
                text_add(&t, "guard of line %d: not %s (%s)", guard->source_line, cond->text, values);
                core_apply(core, guard->otherwise, false, reason);
        }
}
