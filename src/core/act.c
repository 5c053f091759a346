#include "step.h"

#include "ald/base/time.h" /* TIME_NEVER, time_add_duration */

#include <stdio.h> /* snprintf */

static bool is_confirmed(const struct core *core)
{
        return output_count_unconfirmed(&core->outs, &core->snap, NULL) == 0;
}

/* Every watchdog has said what it is: running or expired. One that is still off is being armed. */
static bool watchdogs_answered(const struct core *core)
{
        for (int i = 0; i < core->tool->device_count; i++)
                if (core->tool->devices[i].watchdog.present && core->watchdog[i] == TOOL_WATCHDOG_OFF)
                        return false;
        return true;
}

static bool watchdogs_run(const struct core *core)
{
        for (int i = 0; i < core->tool->device_count; i++)
                if (core->tool->devices[i].watchdog.present && core->watchdog[i] != TOOL_WATCHDOG_RUNNING)
                        return false;
        return true;
}

static void start_stage(struct core *core, enum stage stage)
{
        core->stage = stage;
        core->stage_us = core->now_us;
        if (stage == STAGE_PURGE)
                core->stage_us = core->now_us + core_purge_us(core);
        if (stage == STAGE_PROGRAM)
                core_begin_program(core, core->recipe->finally_first);
        if (stage == STAGE_IMAGE) {
                core_leave_block(core, core->state);
                core->is_in_program = false;
                if (core->is_shutting_down)
                        core_enter_image(core, TOOL_IMAGE_ABORT, CAUSE_SHUTDOWN);
                else
                        core_enter_image(core, TOOL_IMAGE_STANDBY, CAUSE_IMAGE);
        }
}

/* Stopping and Completing: pulse, purge, finally, image. */
static void act_ending(struct core *core)
{
        if (core->stage == STAGE_PULSE && !core->pulse.is_live)
                start_stage(core, core->is_shutting_down ? STAGE_IMAGE : STAGE_PURGE);
        if (core->stage == STAGE_PURGE && core->now_us >= core->stage_us)
                start_stage(core, STAGE_PROGRAM);
        if (core->stage == STAGE_PROGRAM && core_run_program(core))
                start_stage(core, STAGE_IMAGE);
        if (core->stage != STAGE_IMAGE)
                return;
        /* The image was asked for in an earlier turn: confirmation needs a read-back after the write. */
        if (core->now_us > core->stage_us && is_confirmed(core))
                core_go(core, MACHINE_ON_DONE, NULL);
        else if (core->now_us - core->stage_us > machine_bound_us(MACHINE_RESETTING))
                core_go(core, MACHINE_ON_ABORT, "the standby image was not confirmed");
}

static void act_confirming(struct core *core)
{
        if (core->now_us > core->state_us && is_confirmed(core))
                core_go(core, MACHINE_ON_DONE, NULL);
}

static void act_holding(struct core *core)
{
        if (!core->pulse.is_live)
                act_confirming(core);
}

/* Whoever runs something next finds the watchdogs proven. */
static void act_resetting(struct core *core)
{
        if (!core_awaits_proof(core))
                act_confirming(core);
}

static void act_clearing(struct core *core)
{
        if (watchdogs_run(core))
                act_resetting(core);
}

static void act_starting(struct core *core)
{
        core_go(core, MACHINE_ON_DONE, NULL);
}

static void act_idle(struct core *core)
{
        struct effect_reply reply = {.code = 0};

        if (!core->is_run_pending)
                return;
        core->is_run_pending = false;
        /* What was looked at when the run was accepted may have changed while the standby image was confirmed. */
        if (core_refuse_latched(core, &reply) || core_refuse_suspended(core, &reply) ||
            core_refuse_store(core, &reply) || core_refuse_links(core, &reply) ||
            core_refuse_failsafe(core, &reply))
                core_go(core, MACHINE_ON_STOP, reply.text);
        else
                core_go(core, MACHINE_ON_RUN, NULL);
}

/* An external cause: the run waits for its end. */
static bool is_suspended(struct core *core)
{
        int which = interlock_suspends(&core->locks);
        char why[192];
        struct text t;

        if (which < 0)
                return false;
        text_init(&t, why, sizeof why);
        interlock_add_reason(&t, &core->locks, &core->snap, which);
        core_revoke_pulse(core, false, CAUSE_STEP);
        return core_go(core, MACHINE_ON_SUSPEND, why);
}

static void act_execute(struct core *core)
{
        struct effect_reply reply = {.code = 0};

        /* Without a record or a fail-safe the run goes no further than its next safe point (L2, F2). */
        if (core_refuse_store(core, &reply) || core_refuse_failsafe(core, &reply)) {
                core_hold(core, false, "%s", reply.text);
                return;
        }
        if (is_suspended(core))
                return;
        core_watch_guards(core);
        if (core->state == MACHINE_EXECUTE && core_run_program(core))
                core_go(core, MACHINE_ON_FINISH, "");
}

/* A hold may last as long as the recipe says, whatever it waits for. */
static void act_held(struct core *core)
{
        char reason[192];
        struct text t;

        if (core->recipe->hold_us_max == TIME_NEVER ||
            core->now_us - core->held_us < core->recipe->hold_us_max)
                return;
        text_init(&t, reason, sizeof reason);
        text_add(&t, "held for more than ");
        time_add_duration(&t, core->recipe->hold_us_max);
        core_apply(core, core->recipe->hold_then, true, reason);
}

/* The run goes on by itself once its external cause is gone, unless there is something to ask. */
static void act_suspended(struct core *core)
{
        struct effect_reply reply = {.code = 0};

        if (interlock_suspends(&core->locks) >= 0)
                act_held(core);
        else if (core_refuse_unasked(core, &reply))
                core_go(core, MACHINE_ON_HOLD, reply.text);
        else
                core_go(core, MACHINE_ON_UNSUSPEND, "the external cause is gone");
}

static void name_unconfirmed(struct core *core)
{
        char names[160], why[256];
        struct text t;

        text_init(&t, names, sizeof names);
        if (output_count_unconfirmed(&core->outs, &core->snap, &t) == 0)
                return;
        snprintf(why, sizeof why, "not confirmed safe: %s", names);
        interlock_raise(&core->locks, "unconfirmed", TOOL_ACT_ABORT, why,
            "Look at the links and the modules.", core->wall_us);
        /* Clearing confirms them anew: the cause does not stand in the way of a reset. */
        interlock_clear(&core->locks, "unconfirmed");
        core_log(core, "trip", RECORD_TRIP, "unconfirmed", "%s", why);
}

/* Start-up ends: Stopped when the tool is safe and nothing is latched, else Aborted with the first cause. */
static void end_start_up(struct core *core)
{
        char why[160];

        name_unconfirmed(core);
        if (core->interrupted_run != 0) {
                snprintf(why, sizeof why,
                    "run %lld was interrupted: the daemon ended in it; nothing resumes by itself",
                    (long long)core->interrupted_run);
                interlock_raise(&core->locks, "restart", TOOL_ACT_ABORT, why,
                    "Look at the tool and the powder, then reset; `aldctl run --resume` offers to go on.",
                    core->wall_us);
                interlock_clear(&core->locks, "restart");
                core_log(core, "trip", RECORD_TRIP, "restart", "%s", why);
        }
        core->is_starting_up = false;
        if (!interlock_has_latches(&core->locks))
                core_go(core, MACHINE_ON_STARTED, "start-up: outputs confirmed safe");
        else
                core_go(core, MACHINE_ON_DONE, core->locks.latch[0].text);
        core_emit(core, EFFECT_READY);
}

/* What is not confirmed stands on a module whose watchdog has expired: it has driven its outputs, and takes no requests until a
 * reset (WAGO: exception 4). Nothing is gained by waiting, and the operator needs the socket to reset it. */
static bool is_left_to_watchdogs(const struct core *core)
{
        for (int i = 0; i < core->tool->tag_count; i++)
                if (core->tool->tags[i].is_output && !output_is_confirmed(&core->outs, &core->snap, i) &&
                    core->watchdog[core->tool->tags[i].device] != TOOL_WATCHDOG_EXPIRED)
                        return false;
        return true;
}

static void act_aborting(struct core *core)
{
        bool is_late = core->now_us - core->state_us > machine_bound_us(MACHINE_ABORTING);
        bool is_first = core->now_us <= core->state_us;

        if (!is_late && (is_first || core->pulse.is_live || !is_left_to_watchdogs(core)))
                return;
        if (!is_late && core->is_starting_up && (!watchdogs_answered(core) || core_awaits_proof(core)))
                return;
        if (core->is_starting_up) {
                end_start_up(core);
                return;
        }
        name_unconfirmed(core);
        core_go(core, MACHINE_ON_DONE, NULL);
}

static void act_nothing(struct core *core)
{
        (void)core;
}

static void (*const act[MACHINE_STATE_COUNT])(struct core *core) = {
    [MACHINE_STOPPED] = act_nothing,
    [MACHINE_RESETTING] = act_resetting,
    [MACHINE_IDLE] = act_idle,
    [MACHINE_STARTING] = act_starting,
    [MACHINE_EXECUTE] = act_execute,
    [MACHINE_COMPLETING] = act_ending,
    [MACHINE_COMPLETE] = act_nothing,
    [MACHINE_HOLDING] = act_holding,
    [MACHINE_HELD] = act_held,
    [MACHINE_UNHOLDING] = act_confirming,
    [MACHINE_SUSPENDING] = act_holding,
    [MACHINE_SUSPENDED] = act_suspended,
    [MACHINE_UNSUSPENDING] = act_confirming,
    [MACHINE_STOPPING] = act_ending,
    [MACHINE_ABORTING] = act_aborting,
    [MACHINE_ABORTED] = act_nothing,
    [MACHINE_CLEARING] = act_clearing,
};

/* A pulse whose end should have been reported long ago: nothing waits for it any more (S3). */
static bool is_overdue(const struct core *core)
{
        return core->now_us - core->pulse.close_us > CORE_CLOSE_US;
}

static void watch_exit(struct core *core)
{
        bool is_over = !machine_is_acting(core->state) && is_confirmed(core);

        if (!core->is_shutting_down || core->recipe != NULL || (core->pulse.is_live && !is_overdue(core)))
                return;
        if (!is_over && core->now_us - core->stage_us < CORE_EXIT_US)
                return;
        core_log(core, "state", RECORD_INFO, "shutdown", "outputs %s",
            is_over ? "confirmed safe" : "not confirmed");
        if (is_over && output_is_all_purged(&core->outs) && step_purge_path_us(core) == TIME_NEVER)
                core_log(
                    core, "state", RECORD_INFO, CORE_PURGED, "nothing that was opened is still to be purged");
        core_emit(core, EFFECT_EXIT);
        core->is_shutting_down = false;
}

void core_act(struct core *core)
{
        enum machine_state before;
        int64_t bound_us = machine_bound_us(core->state);
        char why[96];

        /* A running pulse ends by itself; the bound of what waits for it begins then. */
        if (core->pulse.is_live && machine_is_acting(core->state) && !is_overdue(core))
                core->state_us = core->now_us;
        if (core->state != MACHINE_ABORTING && bound_us != TIME_NEVER &&
            core->now_us - core->state_us > bound_us) {
                snprintf(why, sizeof why, "%s did not end in time", machine_state_name(core->state));
                core_go(core, MACHINE_ON_ABORT, why);
        }
        /* States of no length (Starting, a pending run in Idle) are passed in one turn. */
        for (int i = 0; i < MACHINE_STATE_COUNT; i++) {
                before = core->state;
                act[core->state](core);
                if (core->state == before)
                        break;
        }
        core_watch_measure(core);
        if (core->pulse.is_measuring && pulse_gauge_is_over(&core->gauge, core->now_us))
                core_finish_measure(core);
        watch_exit(core);
}
