#include "core_state.h"

#include <assert.h> /* assert */
#include <stdarg.h> /* va_list */
#include <stdio.h>  /* snprintf */
#include <string.h> /* memset */

/* ---- what a state does when it is entered ---- */

bool core_stays_vented(const struct core *core, int tag, enum tool_image image)
{
        return core->locks.is_vented && image != TOOL_IMAGE_ABORT &&
               (tag == core->tool->exhaust || tag == core->tool->vent || tag == core->tool->soft);
}

void core_enter_image(struct core *core, enum tool_image image, enum cause cause)
{
        /* A live opening too. */
        if (core->pulse.is_manual)
                core_revoke_pulse(core, true, cause);
        output_freeze_ramps(&core->outs);
        if (image != TOOL_IMAGE_HOLD)
                core_end_rotation(core, TOOL_NONE);
        for (int i = 0; i < core->tool->tag_count; i++)
                if (core->tool->tags[i].is_output && !core_stays_vented(core, i, image))
                        output_want_image_of(&core->outs, i, image, cause);
}

int core_find_forcing(const struct core *core, int tag, double value)
{
        for (int i = 0; i < core->tool->interlock_count; i++) {
                const struct tool_interlock *lock = &core->tool->interlocks[i];

                if (lock->kind != TOOL_TRIP || !interlock_has_latch(&core->locks, i))
                        continue;
                for (int k = 0; k < lock->set_count; k++)
                        if (lock->set[k].tag == tag &&
                            (lock->set[k].value < value || lock->set[k].value > value))
                                return i;
        }
        return TOOL_NONE;
}

/* What latched trips set beyond the image (T1), and heaters whose temperature is not known (H1). */
void core_apply_forced(struct core *core)
{
        for (int i = 0; i < core->tool->interlock_count; i++) {
                const struct tool_interlock *lock = &core->tool->interlocks[i];

                if (lock->kind != TOOL_TRIP || !interlock_has_latch(&core->locks, i))
                        continue;
                for (int k = 0; k < lock->set_count; k++)
                        output_want(&core->outs, lock->set[k].tag, lock->set[k].value, CAUSE_TRIP);
        }
        for (int i = 0; i < core->tool->loop_count; i++) {
                const struct tool_loop *loop = &core->tool->loops[i];

                if (loop->kind == TOOL_LOOP_HEATER && core->now_us - core->heater_good_us[i] > CORE_HEATER_US)
                        output_want(
                            &core->outs, loop->setpoint, core->tool->tags[loop->setpoint].safe, CAUSE_TRIP);
        }
        core_force_plausible(core);
}

static void enter_resetting(struct core *core)
{
        core_enter_image(core, TOOL_IMAGE_STANDBY, CAUSE_IMAGE);
}

static void log_resume(struct core *core)
{
        const struct recipe_resume *from = &core->recipe->resume;
        char how[48] = "";

        if (from->attempt > 0)
                snprintf(how, sizeof how, ", attempt %d of its pulse", from->attempt + 1);
        core_log(core, "step", RECORD_WARNING, core->recipe->name,
            "goes on with run %lld %s cycle %lld, %s%s", (long long)from->run_id,
            from->attempt > 0 ? "at" : "behind", (long long)from->cycle, from->path, how);
}

static void enter_execute(struct core *core)
{
        core->held_us = 0;
        if (core->is_in_program) {
                core_resume_program(core);
        } else if (core->recipe->resume.run_id != 0) {
                core_begin_program(core, core->recipe->resume.first);
                log_resume(core);
        } else {
                core_begin_program(core, core->recipe->phases[0].first);
                core_log(
                    core, "step", RECORD_INFO, core->recipe->name, "phase %s", core->recipe->phases[0].name);
        }
}

/* A reactive gas that the hold closes takes its step with it: whether that step begins again is the operator's to say. */
static bool cuts_gas(const struct core *core)
{
        for (int i = 0; i < core->tool->tag_count; i++) {
                const struct tool_tag *t = &core->tool->tags[i];

                if (t->class == TOOL_CLASS_REACTIVE && core->setpoint[i].is_set &&
                    (core->setpoint[i].value < t->safe || core->setpoint[i].value > t->safe))
                        return true;
        }
        return false;
}

static void enter_holding(struct core *core)
{
        const struct recipe_op *op = &core->recipe->ops[core->at.op];

        /* A timeout pauses: what was used of it counts on after the resume. */
        if (core->is_entered &&
            (op->kind == RECIPE_WAIT_UNTIL || op->kind == RECIPE_PURGE_UNTIL || op->kind == RECIPE_CONFIRM))
                core->waited_us += core->now_us - core->entered_us;
        core->is_gas_cut = core->is_gas_cut || cuts_gas(core);
        if (core->held_us == 0)
                core->held_us = core->now_us;
        core->is_entered = false;
        core_enter_image(core, TOOL_IMAGE_HOLD, CAUSE_IMAGE);
}

/* A set-point or valve of the run goes into force again: a trip or an image may have moved it. False: something forbids
 * that now, and the run was held again. */
static bool restore(struct core *core, int tag)
{
        const struct core_setpoint *sp = &core->setpoint[tag];
        const struct tool_tag *t = &core->tool->tags[tag];
        char why[160];
        struct text text;

        text_init(&text, why, sizeof why);
        if (sp->value != t->safe &&
            !output_may_open(&core->outs, &core->locks, &core->snap, tag, core->now_us, &text)) {
                core_hold(core, true, "%s was not restored: %s", t->name, why);
                return false;
        }
        if (sp->ramp > 0 && core->outs.out[tag].has_commanded)
                output_ramp(
                    &core->outs, tag, core->outs.out[tag].commanded, sp->value, sp->ramp, core->now_us);
        else
                output_want(&core->outs, tag, sp->value, CAUSE_STEP);
        return true;
}

static void enter_unholding(struct core *core)
{
        core_resume_rotation(core);
        for (int i = 0; i < core->tool->tag_count; i++)
                if (core->setpoint[i].is_set && !restore(core, i))
                        return;
}

static void enter_completing(struct core *core)
{
        /* A pulse by hand does not reach into the end of the run (V4). */
        if (core->pulse.is_manual)
                core_revoke_pulse(core, true, CAUSE_STEP);
        core->stage = STAGE_PROGRAM;
        core_begin_program(core, core->recipe->finally_first);
}

/* What doses closes at once: a purge against an open gas line is none. A pulse that runs ends by itself. */
static void close_dosing(struct core *core, enum cause cause)
{
        for (int i = 0; i < core->tool->tag_count; i++)
                if (core->tool->tags[i].is_output && core->tool->tags[i].class != TOOL_CLASS_PLAIN)
                        output_want(&core->outs, i, core->tool->tags[i].safe, cause);
}

static void enter_stopping(struct core *core)
{
        /* A run that has not begun has nothing to purge and no `finally`. */
        core->stage = core->is_in_program ? STAGE_PULSE : STAGE_IMAGE;
        core->is_stopping_after_cycle = false;
        /* Its step waits for nothing any more, least of all for an answer. */
        core->is_entered = false;
        core->stage_us = core->now_us;
        output_freeze_ramps(&core->outs);
        core_revoke_pulse(core, false, CAUSE_STEP);
        close_dosing(core, CAUSE_IMAGE);
        if (!core->is_in_program)
                core_enter_image(
                    core, core->is_shutting_down ? TOOL_IMAGE_ABORT : TOOL_IMAGE_STANDBY, CAUSE_IMAGE);
}

static void enter_aborting(struct core *core)
{
        core_revoke_pulse(core, true, CAUSE_TRIP);
        core->is_in_program = false;
        core->is_run_pending = false;
        core_enter_image(core, TOOL_IMAGE_ABORT, core->is_starting_up ? CAUSE_STARTUP : CAUSE_TRIP);
        output_insist(&core->outs, &core->snap);
}

static void enter_clearing(struct core *core)
{
        /* One that expired and was then restarted says off; its link still waits for this reset to arm it again. */
        for (int i = 0; i < core->tool->device_count; i++)
                if (core->tool->devices[i].watchdog.present && core->watchdog[i] != TOOL_WATCHDOG_RUNNING)
                        core_emit(core, EFFECT_REARM)->u.device = (int16_t)i;
        core_enter_image(core, TOOL_IMAGE_STANDBY, CAUSE_IMAGE);
        output_insist(&core->outs, &core->snap);
}

/* The run is over: its record is closed and the recipe given back. */
static void end_run(struct core *core)
{
        if (core->recipe == NULL)
                return;
        core_finish_measure(core);
        core_base_after(core);
        core_log_run(core, RECORD_RUN_END);
        core_emit(core, EFFECT_RECIPE_DONE)->u.recipe = core->recipe;
        core->recipe = NULL;
        core->is_in_program = core->is_run_pending = core->is_stopping_after_cycle = false;
        core_end_rotation(core, TOOL_NONE);
        memset(core->setpoint, 0, sizeof core->setpoint);
}

static void enter_end(struct core *core)
{
        end_run(core);
}

static void enter_nothing(struct core *core)
{
        (void)core;
}

static void (*const enter[MACHINE_STATE_COUNT])(struct core *core) = {
    [MACHINE_STOPPED] = enter_end,
    [MACHINE_RESETTING] = enter_resetting,
    [MACHINE_IDLE] = enter_nothing,
    [MACHINE_STARTING] = enter_nothing,
    [MACHINE_EXECUTE] = enter_execute,
    [MACHINE_COMPLETING] = enter_completing,
    [MACHINE_COMPLETE] = enter_end,
    [MACHINE_HOLDING] = enter_holding,
    [MACHINE_HELD] = enter_nothing,
    [MACHINE_UNHOLDING] = enter_unholding,
    [MACHINE_SUSPENDING] = enter_holding,
    [MACHINE_SUSPENDED] = enter_nothing,
    [MACHINE_UNSUSPENDING] = enter_unholding,
    [MACHINE_STOPPING] = enter_stopping,
    [MACHINE_ABORTING] = enter_aborting,
    [MACHINE_ABORTED] = enter_end,
    [MACHINE_CLEARING] = enter_clearing,
};

bool core_go(struct core *core, enum machine_cause cause, const char *reason)
{
        int next = machine_next(core->state, cause);

        if (next < 0)
                return false;
        if (reason != NULL)
                text_copy(core->reason, sizeof core->reason, reason);
        core_log(core, "state", next == MACHINE_ABORTING ? RECORD_TRIP : RECORD_INFO,
            machine_cause_name(cause), "%s -> %s%s%s", machine_state_name(core->state),
            machine_state_name((enum machine_state)next), core->reason[0] != '\0' ? ": " : "", core->reason);
        /* No block outlasts a transition, whichever it is. */
        core_leave_block(core, (enum machine_state)next);
        core->state = (enum machine_state)next;
        core->state_us = core->moved_us = core->now_us;
        if (core->recipe != NULL)
                core_log_run(core, RECORD_RUN_STATE);
        enter[next](core);
        return true;
}

/* ---- holds and trips ---- */

void core_hold(struct core *core, bool cut, const char *fmt, ...)
{
        char reason[192];
        struct text t;
        va_list args;

        text_init(&t, reason, sizeof reason);
        va_start(args, fmt);
        text_addv(&t, fmt, args);
        va_end(args);
        core_apply(core, TOOL_ACT_HOLD, cut, reason);
}

void core_apply(struct core *core, enum tool_action action, bool cut, const char *reason)
{
        static const enum machine_cause causes[] = {[TOOL_ACT_HOLD] = MACHINE_ON_HOLD,
            [TOOL_ACT_STOP] = MACHINE_ON_STOP,
            [TOOL_ACT_ABORT] = MACHINE_ON_ABORT};

        if (action == TOOL_ACT_NONE || action == TOOL_ACT_CONTINUE)
                return;
        /* A trip cuts; everything else takes back only what has not opened yet. */
        core_revoke_pulse(core, cut, CAUSE_TRIP);
        /* Outside a run there is nothing to hold or to end in order: the latch alone stands in the way of a start. */
        if (action != TOOL_ACT_ABORT && core->recipe == NULL)
                return;
        core_go(core, causes[action], reason);
}

/* What doses closes in every state: also where there is no run to hold or to end, and in a run's own end (T1). */
void core_act_on_trip(struct core *core, enum tool_action action, const char *why)
{
        core_apply(core, action, true, why);
        if (action == TOOL_ACT_HOLD || action == TOOL_ACT_STOP)
                close_dosing(core, CAUSE_TRIP);
}

/* ---- the beginning of a run ---- */

void core_start_run(struct core *core, const struct command *command)
{
        /* What was moved by hand in Idle goes through the standby image first. */
        bool is_clean = core->state == MACHINE_IDLE && core_count_by_hand(core, NULL) == 0;

        assert(core->recipe == NULL && command->recipe != NULL);
        core->recipe = command->recipe;
        core->run_id = core->next_run_id++;
        core->run_started_us = core->now_us;
        core->cycle = core->cycles_begun = core->cycles_ended = core->recipe->resume.cycles_before;
        core->is_in_program = core->is_entered = core->has_half = core->must_repeat = false;
        core->is_stopping_after_cycle = core->is_gas_cut = core->is_skipping = false;
        core->recover_us = core->waited_us = core->held_us = 0;
        core->reenter = -1;
        core->attempt = 0;
        core->reason[0] = '\0';
        memset(core->setpoint, 0, sizeof core->setpoint);
        text_copy(core->recipe_name, sizeof core->recipe_name, core->recipe->name);
        text_copy(core->operator_name, sizeof core->operator_name, command->user);
        core_watch_windows(core, &core->recipe->pool);
        core_begin_trend(core);
        core_log_run(core, RECORD_RUN_START);
        core->is_run_pending = !is_clean;
        core_go(core, core->state == MACHINE_IDLE && !is_clean ? MACHINE_ON_RESET : MACHINE_ON_RUN, "");
}
