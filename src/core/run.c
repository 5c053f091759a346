#include "core_state.h"

#include "ald/base/time.h" /* TIME_NEVER, time_add */

#include <assert.h> /* assert */
#include <math.h>   /* isnan */
#include <stdarg.h> /* va_list */
#include <stdio.h>  /* snprintf */
#include <string.h> /* memset */

/* ---- pulses ---- */

const char *core_pulse_name(const struct core *core)
{
        int line = core->pulse.record.line;

        return line >= 0 ? core->tool->lines[line].name : core->tool->tags[core->pulse.tag].name;
}

void core_revoke_pulse(struct core *core, bool cut, enum cause cause)
{
        struct effect *e;

        if (!core->pulse.is_live || core->pulse.is_revoked || (!cut && core->now_us >= core->pulse.open_us))
                return;
        core->pulse.is_revoked = true;
        e = core_emit(core, EFFECT_REVOKE);
        e->u.revoke.id = core->pulse.id;
        e->u.revoke.tag = core->pulse.tag;
        core_log(core, "pulse", cut ? RECORD_WARNING : RECORD_INFO, core_pulse_name(core), "taken back: %s",
            cause_name(cause));
}

void core_finish_measure(struct core *core)
{
        struct record_pulse *p = &core->pulse.record;

        if (!core->pulse.is_measuring)
                return;
        core->pulse.is_measuring = false;
        pulse_gauge_end(&core->gauge, &p->pressure_base, &p->pressure_peak, &p->pressure_area);
        core_record(core, RECORD_PULSE_METRICS)->u.pulse = *p;
        if (p->outcome == PULSE_DONE)
                core_judge_gauge(core, p->line, p->pressure_area, core->gauge.last_us - core->gauge.open_us);
}

/* A pulse that did not go as planned: what follows from its outcome. */
static void judge_pulse(struct core *core, const struct event_pulse *p)
{
        const char *name = core_pulse_name(core);
        char why[160];

        if (!core->pulse.is_manual) {
                core->must_repeat = p->outcome != PULSE_DONE || core->is_dose_lost;
                core->is_cut = core->is_cut || p->outcome == PULSE_CUT || p->outcome == PULSE_FAILED;
        }
        if (p->outcome == PULSE_REFUSED)
                core_hold(core, false, "pulse %s was kept closed by its link", name);
        if (p->outcome != PULSE_FAILED)
                return;
        if (p->close_acked_us != 0) {
                core_hold(core, false, "pulse %s: an edge was not acknowledged", name);
                return;
        }
        snprintf(why, sizeof why, "pulse %s: its close was not acknowledged", name);
        interlock_raise(&core->locks, "pulse-close", TOOL_ACT_ABORT, why, "Look at the valve and its module.",
            core->wall_us);
        interlock_clear(&core->locks, "pulse-close");
        core_log(core, "trip", RECORD_TRIP, "pulse-close", "%s", why);
        core_apply(core, TOOL_ACT_ABORT, true, why);
}

void core_pulse_ended(struct core *core, const struct event_pulse *p)
{
        struct core_pulse *pulse = &core->pulse;

        output_pulsed(&core->outs, p, core->now_us);
        if (!pulse->is_live || p->id != pulse->id)
                return;
        pulse->is_live = false;
        if (pulse->is_manual) {
                core_log_manual_pulse(core, p);
                judge_pulse(core, p);
                return;
        }
        pulse->record.outcome = p->outcome;
        if (p->open_sent_us != 0)
                pulse->record.opened_us = core_wall(core, p->open_sent_us);
        if (p->open_sent_us != 0 && p->close_sent_us != 0)
                pulse->record.width_us = p->close_sent_us - p->open_sent_us;
        core_record(core, RECORD_PULSE_END)->u.pulse = pulse->record;
        if (p->open_sent_us == 0)
                pulse->is_measuring = false;
        judge_pulse(core, p);
}

/* ---- what a state does when it is entered ---- */

/* A vented chamber stays as its recipe left it: pumped by no standby or hold, only by the abort image. */
static bool stays_vented(const struct core *core, int tag, enum tool_image image)
{
        return core->locks.is_vented && image != TOOL_IMAGE_ABORT &&
               (tag == core->tool->exhaust || tag == core->tool->vent || tag == core->tool->soft);
}

static void enter_image(struct core *core, enum tool_image image, enum cause cause)
{
        /* An image ends what was done by hand, a live opening too. */
        if (core->pulse.is_manual)
                core_revoke_pulse(core, true, cause);
        output_freeze_ramps(&core->outs);
        if (image != TOOL_IMAGE_HOLD)
                core_end_rotation(core, TOOL_NONE);
        for (int i = 0; i < core->tool->tag_count; i++)
                if (core->tool->tags[i].is_output && !stays_vented(core, i, image))
                        output_want_image_of(&core->outs, i, image, cause);
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
        enter_image(core, TOOL_IMAGE_STANDBY, CAUSE_IMAGE);
}

static void enter_execute(struct core *core)
{
        core->held_us = 0;
        if (core->is_in_program) {
                core_resume_program(core);
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
        enter_image(core, TOOL_IMAGE_HOLD, CAUSE_IMAGE);
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
        core->stage_us = core->now_us;
        output_freeze_ramps(&core->outs);
        core_revoke_pulse(core, false, CAUSE_STEP);
        close_dosing(core, CAUSE_IMAGE);
        if (!core->is_in_program)
                enter_image(
                    core, core->is_shutting_down ? TOOL_IMAGE_ABORT : TOOL_IMAGE_STANDBY, CAUSE_IMAGE);
}

static void enter_aborting(struct core *core)
{
        core_revoke_pulse(core, true, CAUSE_TRIP);
        core->is_in_program = false;
        core->is_run_pending = false;
        enter_image(core, TOOL_IMAGE_ABORT, core->is_starting_up ? CAUSE_STARTUP : CAUSE_TRIP);
        output_insist(&core->outs, &core->snap);
}

static void enter_clearing(struct core *core)
{
        for (int i = 0; i < core->tool->device_count; i++)
                if (core->tool->devices[i].watchdog.present && core->watchdog[i] == TOOL_WATCHDOG_EXPIRED)
                        core_emit(core, EFFECT_REARM)->u.device = (int16_t)i;
        enter_image(core, TOOL_IMAGE_STANDBY, CAUSE_IMAGE);
        output_insist(&core->outs, &core->snap);
}

/* The run is over: its record is closed and the recipe given back. */
static void end_run(struct core *core)
{
        if (core->recipe == NULL)
                return;
        core_finish_measure(core);
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
        core->state_us = core->now_us;
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

/* ---- what acting states do ---- */

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
                        enter_image(core, TOOL_IMAGE_ABORT, CAUSE_SHUTDOWN);
                else
                        enter_image(core, TOOL_IMAGE_STANDBY, CAUSE_IMAGE);
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

static void act_clearing(struct core *core)
{
        if (watchdogs_run(core))
                act_confirming(core);
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
                    "Look at the tool and the powder, then reset.", core->wall_us);
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

static void act_aborting(struct core *core)
{
        bool is_late = core->now_us - core->state_us > machine_bound_us(MACHINE_ABORTING);
        bool is_first = core->now_us <= core->state_us;

        if (!is_late && (is_first || core->pulse.is_live || !is_confirmed(core)))
                return;
        if (!is_late && core->is_starting_up && !watchdogs_answered(core))
                return;
        if (core->is_starting_up) {
                end_start_up(core);
                return;
        }
        if (is_late)
                name_unconfirmed(core);
        core_go(core, MACHINE_ON_DONE, NULL);
}

static void act_nothing(struct core *core)
{
        (void)core;
}

static void (*const act[MACHINE_STATE_COUNT])(struct core *core) = {
    [MACHINE_STOPPED] = act_nothing,
    [MACHINE_RESETTING] = act_confirming,
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
        if (core->pulse.is_measuring && pulse_gauge_is_over(&core->gauge, core->now_us))
                core_finish_measure(core);
        watch_exit(core);
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
        core->cycle = core->cycles_begun = core->cycles_ended = 0;
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
        core_log_run(core, RECORD_RUN_START);
        core->is_run_pending = !is_clean;
        core_go(core, core->state == MACHINE_IDLE && !is_clean ? MACHINE_ON_RESET : MACHINE_ON_RUN, "");
}
