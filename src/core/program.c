#include "core_state.h"

#include "ald/base/time.h" /* TIME_NEVER, time_add */

#include <assert.h>   /* assert */
#include <inttypes.h> /* PRId64 */
#include <string.h>   /* memset */

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
        core->has_half = core->must_repeat = false;
        core->attempt = 1;
        for (int i = 0; i < RECIPE_GUARDS_MAX; i++)
                core->guard_us[i] = TIME_NEVER;
}

/* The first timed purge after the last pulse in its block, else the line's own minimum. */
int64_t core_purge_us(const struct core *core)
{
        const struct recipe_op *op;
        int16_t line;

        if (!core->has_half)
                return 0;
        line = core->recipe->ops[core->half.op].line;
        for (int32_t i = core->half.op + 1; i < core->recipe->op_count; i++) {
                op = &core->recipe->ops[i];
                if (op->kind == RECIPE_PURGE)
                        return op->for_us;
                if (op->kind == RECIPE_PULSE || op->kind == RECIPE_REPEAT_END || op->kind == RECIPE_END)
                        break;
        }
        return core->tool->lines[line].purge_us_min;
}

void core_resume_program(struct core *core)
{
        const struct recipe_op *op = &core->recipe->ops[core->at.op];
        struct position_move move;

        core->step_us = core->now_us;
        core->is_entered = false;
        core->recover_us = 0;
        for (int i = 0; i < RECIPE_GUARDS_MAX; i++)
                core->guard_us[i] = TIME_NEVER;
        if (!core->has_half) {
                /* No pulse in this phase yet: the step begins again; its timeout only paused. */
                if (op->kind == RECIPE_WAIT_UNTIL || op->kind == RECIPE_PURGE_UNTIL)
                        core_log(core, "step", RECORD_INFO, core->recipe->name, "line %d begins again",
                            op->source_line);
                return;
        }
        core->at = core->half;
        core->cycle = core->half_cycle;
        if (core->must_repeat) {
                core->recover_us = time_add(core->now_us, core_purge_us(core));
                core->attempt++;
                core_log(core, "step", RECORD_INFO, core->recipe->name,
                    "purge runs whole, then the pulse of line %d is repeated (attempt %d)",
                    core->recipe->ops[core->at.op].source_line, core->attempt);
                return;
        }
        position_advance(&core->at, core->recipe, &move);
        core_log(core, "step", RECORD_INFO, core->recipe->name,
            "the half-cycle after line %d runs whole again", core->recipe->ops[core->half.op].source_line);
}

/* Is a repeated purge still running? */
static bool is_recovering(struct core *core)
{
        if (core->recover_us == 0)
                return false;
        if (core->now_us < core->recover_us - CORE_HANDOVER_US) {
                core->program_due_us = core->recover_us - CORE_HANDOVER_US;
                return true;
        }
        core->step_us = core->recover_us;
        core->recover_us = 0;
        return false;
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

static void move_on(struct core *core)
{
        int16_t phase = core->recipe->ops[core->at.op].phase;
        struct position_move move;

        position_advance(&core->at, core->recipe, &move);
        log_move(core, &move);
        core->is_entered = false;
        core->waited_us = 0;
        if (core->recipe->ops[core->at.op].phase != phase &&
            core->recipe->ops[core->at.op].kind != RECIPE_END) {
                /* A half-cycle does not reach past its phase. */
                core->has_half = core->must_repeat = false;
                core_log(core, "step", RECORD_INFO, core->recipe->name, "phase %s",
                    core->recipe->phases[core->recipe->ops[core->at.op].phase].name);
        }
}

static void fail_step(struct core *core, const struct recipe_op *op, enum tool_action action)
{
        char buf[192], waiting[120];
        struct text t;

        text_init(&t, waiting, sizeof waiting);
        step_add_waiting(&t, core, op);
        text_init(&t, buf, sizeof buf);
        text_add(&t, "line %d: not reached in ", op->source_line);
        time_add_duration(&t, op->timeout_us);
        text_add(&t, ": %s", waiting);
        if (core->state != MACHINE_EXECUTE || action == TOOL_ACT_CONTINUE || action == TOOL_ACT_NONE) {
                core_log(core, "step", RECORD_WARNING, core->recipe->name, "%s; goes on", buf);
                core->step_us = core->now_us;
                move_on(core);
                return;
        }
        /* What the timeout was for begins anew with the resume. */
        core->waited_us = 0;
        core->entered_us = core->now_us;
        core_apply(core, action, false, buf);
}

/* One op: true when the walk can go on in this turn. */
static bool walk(struct core *core)
{
        const struct recipe_op *op = &core->recipe->ops[core->at.op];
        struct step_turn turn;

        if (op->kind >= RECIPE_REPEAT) {
                move_on(core);
                return true;
        }
        /* The last pulse's end is reported a moment after its close; the next one waits for that (core.c watches it). */
        if (!core->is_entered && op->kind == RECIPE_PULSE && core->pulse.is_live)
                return false;
        if (!core->is_entered) {
                enum machine_state before = core->state;

                step_enter(core, op);
                if (core->state != before)
                        return false;
        }
        turn = step_turn(core, op);
        if (turn.is == STEP_WAITS) {
                core->program_due_us = turn.at_us;
                return false;
        }
        if (turn.is == STEP_FAILED) {
                enum machine_state before = core->state;

                fail_step(core, op, turn.action);
                return core->state == before;
        }
        assert(turn.at_us >= core->step_us);
        core->step_us = turn.at_us;
        move_on(core);
        return true;
}

bool core_run_program(struct core *core)
{
        assert(core->recipe != NULL && core->is_in_program);
        core->program_due_us = TIME_NEVER;
        if (is_recovering(core))
                return false;
        for (int i = 0; i < OPS_IN_A_TURN; i++) {
                if (core->recipe->ops[core->at.op].kind == RECIPE_END)
                        return true;
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
