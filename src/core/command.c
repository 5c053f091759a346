#include "core_state.h"

#include "ald/base/time.h" /* time_add_duration */

#include <assert.h> /* assert */
#include <stdio.h>  /* snprintf */
#include <string.h> /* memset */

void core_refuse(struct effect_reply *reply, const char *text, const char *hint)
{
        reply->code = CORE_REFUSED;
        text_copy(reply->text, sizeof reply->text, text);
        text_copy(reply->hint, sizeof reply->hint, hint);
}

/* A refusal names the interlock that stands behind it: the first-out, with condition and values as it tripped. */
static void name_latch(const struct core *core, struct effect_reply *reply)
{
        if (core->locks.latch_count == 0)
                return;
        text_copy(reply->interlock, sizeof reply->interlock, core->locks.latch[0].id);
        text_copy(reply->condition, sizeof reply->condition, core->locks.latch[0].text);
}

/* ---- run: what must be so before a recipe may start (permissives) ---- */

bool core_refuse_latched(const struct core *core, struct effect_reply *reply)
{
        char text[256];

        if (!interlock_has_latches(&core->locks))
                return false;
        snprintf(text, sizeof text, "%s is latched",
            core->locks.latch_count > 0 ? core->locks.latch[0].id : "a trip");
        core_refuse(reply, text, "remove the cause, then `aldctl reset`");
        name_latch(core, reply);
        return true;
}

bool core_refuse_store(const struct core *core, struct effect_reply *reply)
{
        char text[256];

        if (core->store_ok)
                return false;
        snprintf(text, sizeof text, "the record is not sound: %s", core->store_why);
        core_refuse(reply, text, "nothing is dosed without a record: mend what it names, then try again");
        return true;
}

bool core_refuse_links(const struct core *core, struct effect_reply *reply)
{
        for (int i = 0; i < core->tool->link_count; i++) {
                char text[256];

                if (core->link[i].is_up)
                        continue;
                snprintf(
                    text, sizeof text, "link %s is down: %s", core->tool->links[i].name, core->link[i].why);
                core_refuse(
                    reply, text, "look at the cable, the module's power and the address in the tool file");
                return true;
        }
        return false;
}

/* A precursor output without a fail-safe of its own refuses a run (F2, SAFETY: Fail-safe of each output). */
bool core_refuse_failsafe(const struct core *core, struct effect_reply *reply)
{
        for (int i = 0; i < core->tool->tag_count; i++) {
                const struct tool_tag *tag = &core->tool->tags[i];
                const struct tool_device *device = &core->tool->devices[tag->device];
                char text[256];

                if (!tag->is_output || tag->class == TOOL_CLASS_PLAIN ||
                    tag->failsafe == TOOL_FAILSAFE_DEVICE_TIMED)
                        continue;
                if (tag->failsafe == TOOL_FAILSAFE_WATCHDOG &&
                    core->watchdog[tag->device] == TOOL_WATCHDOG_RUNNING) {
                        if (core_refuse_unproven(core, i, reply))
                                return true;
                        continue;
                }
                if (tag->failsafe == TOOL_FAILSAFE_WATCHDOG)
                        snprintf(text, sizeof text, "%s relies on the watchdog of %s, which is not running",
                            tag->name, device->name);
                else
                        snprintf(text, sizeof text, "%s has no fail-safe of its own", tag->name);
                core_refuse(reply, text,
                    tag->failsafe == TOOL_FAILSAFE_WATCHDOG
                        ? "look at the device and its link; an expired watchdog is re-armed by `aldctl reset`"
                        : "a precursor valve needs `failsafe: watchdog` or `device_timed` in the tool file");
                return true;
        }
        return false;
}

bool core_refuse_suspended(const struct core *core, struct effect_reply *reply)
{
        int which = interlock_suspends(&core->locks);
        const struct tool_interlock *lock;
        char text[256];
        struct text t;

        if (which < 0)
                return false;
        lock = &core->tool->interlocks[which];
        text_init(&t, text, sizeof text);
        interlock_add_reason(&t, &core->locks, &core->snap, which);
        core_refuse(reply, text,
            lock->guidance[0] != '\0' ? lock->guidance : "wait until the external cause is gone");
        text_copy(reply->interlock, sizeof reply->interlock, lock->id);
        text_copy(reply->condition, sizeof reply->condition, lock->when.text);
        text_init(&t, reply->values, sizeof reply->values);
        cond_add_values(&t, &core->tool->conds, lock->when.root, &core->snap, core->tool);
        return true;
}

bool core_refuse_unasked(const struct core *core, struct effect_reply *reply)
{
        if (core->is_gas_cut) {
                core_refuse(reply, "a reactive gas was cut in its step",
                    "resume with `repeat` (the step begins again) or `skip` (the run goes on behind it)");
                return true;
        }
        if (!core->must_repeat || !core->has_half || !core->is_cut || !core->recipe->resume_asks)
                return false;
        core_refuse(reply, "a pulse was cut, and the recipe asks what to do with it",
            "resume with `repeat` (the pulse once more, whole) or `skip`");
        return true;
}

static void do_run(struct core *core, const struct command *command, struct effect_reply *reply)
{
        /* Nothing to run: it did not compile. The client was told its errors; the attempt is audited (A3). */
        if (command->recipe == NULL) {
                core_refuse(reply, "the recipe has errors", "`aldctl check RECIPE -c TOOL` shows them");
                return;
        }
        if (core_refuse_latched(core, reply) || core_refuse_suspended(core, reply) ||
            core_refuse_store(core, reply) || core_refuse_links(core, reply) ||
            core_refuse_failsafe(core, reply))
                return;
        core_start_run(core, command);
        reply->run_id = core->run_id;
        if (command->recipe->resume.run_id != 0)
                snprintf(reply->text, sizeof reply->text,
                    "run %lld goes on with run %lld as soon as an operator confirms: `aldctl confirm`",
                    (long long)core->run_id, (long long)command->recipe->resume.run_id);
        else
                snprintf(reply->text, sizeof reply->text, "run %lld started: %s", (long long)core->run_id,
                    core->recipe_name);
}

/* ---- the others ---- */

/* Who answers has seen what was asked. */
static void ack_own(struct core *core, const char *id)
{
        int which = alarm_find_own(&core->alarms, id);

        if (which >= 0)
                alarm_ack(&core->alarms, which);
}

static void do_hold(struct core *core, const struct command *command, struct effect_reply *reply)
{
        char reason[192];

        snprintf(reason, sizeof reason, "held by %s", command->user);
        core_revoke_pulse(core, command->now, CAUSE_OPERATOR);
        core_go(core, MACHINE_ON_HOLD, reason);
        text_copy(
            reply->text, sizeof reply->text, command->now ? "holding now" : "holding at the next safe point");
}

static void do_resume(struct core *core, const struct command *command, struct effect_reply *reply)
{
        char why[256], reason[192];
        struct text t;

        text_init(&t, why, sizeof why);
        if (!command->repeat && !command->skip && core_refuse_unasked(core, reply))
                return;
        if (core_refuse_suspended(core, reply) || core_refuse_store(core, reply) ||
            core_refuse_links(core, reply) || core_refuse_failsafe(core, reply))
                return;
        /* The resume is the reset of what only held; a refused one resets nothing (S4), so this comes last. */
        if (!interlock_reset(&core->locks, &t)) {
                core_refuse(reply, why, "remove the cause, then resume");
                name_latch(core, reply);
                return;
        }
        core_was_reset(core);
        core->is_skipping = command->skip && core->is_gas_cut;
        if (command->skip && !core->is_gas_cut)
                core->must_repeat = false;
        snprintf(reason, sizeof reason, "resumed by %s", command->user);
        ack_own(core, "hold-ends");
        core_go(core, MACHINE_ON_RESUME, reason);
        text_copy(reply->text, sizeof reply->text,
            core->must_repeat && core->has_half
                ? "resuming: the purge runs whole, then the pulse that was cut"
                : "resuming");
}

/* Does a boundary of cycles lie ahead, at which the run can stop? */
static bool has_boundary(const struct core *core)
{
        if (core->recipe == NULL || core->state == MACHINE_COMPLETING)
                return false;
        if (!core->is_in_program)
                return core->recipe->cycles > 0;
        return position_in_cycle(&core->at, core->recipe) || position_has_cycles(&core->at, core->recipe);
}

static void stop_after_cycle(struct core *core, const struct command *command, struct effect_reply *reply)
{
        bool is_inside = core->is_in_program && position_in_cycle(&core->at, core->recipe);

        core->is_stopping_after_cycle = true;
        snprintf(core->stop_reason, sizeof core->stop_reason, "stopped at the end of a cycle, as asked by %s",
            command->user);
        if (is_inside)
                snprintf(reply->text, sizeof reply->text, "stopping at the end of cycle %lld",
                    (long long)core->cycle);
        else
                text_copy(reply->text, sizeof reply->text, "stopping before the next cycle");
        core_log(core, "state", RECORD_INFO, "stop", "%s, as asked by %s", reply->text, command->user);
}

static void do_stop(struct core *core, const struct command *command, struct effect_reply *reply)
{
        char reason[192];

        if (command->after_cycle && has_boundary(core)) {
                stop_after_cycle(core, command, reply);
                return;
        }
        snprintf(reason, sizeof reason, "stopped by %s", command->user);
        core_go(core, MACHINE_ON_STOP, reason);
        text_copy(reply->text, sizeof reply->text, "stopping: pulse, purge, finally, standby");
}

static void do_abort(struct core *core, const struct command *command, struct effect_reply *reply)
{
        char reason[192];

        snprintf(reason, sizeof reason, "aborted by %s", command->user);
        core_go(core, MACHINE_ON_ABORT, reason);
        text_copy(reply->text, sizeof reply->text, "aborting");
}

/* A module that answers nothing until its expired watchdog is reset (WAGO: exception 4) takes its inputs with it, and what
 * they trip stands in the way of the very reset that would bring them back. So this much is done of a reset that is refused. */
static void rearm_expired(struct core *core, struct effect_reply *reply)
{
        for (int i = 0; i < core->tool->device_count; i++) {
                if (core->watchdog[i] != TOOL_WATCHDOG_EXPIRED)
                        continue;
                core_emit(core, EFFECT_REARM)->u.device = (int16_t)i;
                snprintf(reply->hint, sizeof reply->hint,
                    "the watchdog of %s is being started again; remove what else stands, then reset once "
                    "more",
                    core->tool->devices[i].name);
        }
}

static void do_reset(struct core *core, const struct command *command, struct effect_reply *reply)
{
        char why[256], reason[192];
        struct text t;

        text_init(&t, why, sizeof why);
        if (!interlock_reset(&core->locks, &t)) {
                core_refuse(reply, why, "remove the cause, then reset");
                name_latch(core, reply);
                rearm_expired(core, reply);
                return;
        }
        core_was_reset(core);
        core->interrupted_run = 0;
        snprintf(reason, sizeof reason, "reset by %s", command->user);
        core_go(core, MACHINE_ON_RESET, reason);
        text_copy(reply->text, sizeof reply->text, "reset: the standby image is being confirmed");
}

/* End in order: a running pulse ends, outputs go to the abort image, the record is closed. */
static void do_shutdown(struct core *core, const struct command *command, struct effect_reply *reply)
{
        (void)command;
        core->is_shutting_down = true;
        core->stage_us = core->now_us;
        text_copy(reply->text, sizeof reply->text, "shutting down");
        if (core->state == MACHINE_STOPPING ||
            !core_go(core, MACHINE_ON_STOP, "the daemon was told to end")) {
                core_revoke_pulse(core, false, CAUSE_SHUTDOWN);
                if (core->state == MACHINE_STOPPING)
                        core->stage = STAGE_PULSE;
                else
                        output_want_image(&core->outs, TOOL_IMAGE_ABORT, CAUSE_SHUTDOWN);
        }
}

static void do_confirm(struct core *core, const struct command *command, struct effect_reply *reply)
{
        const struct recipe_op *op = core_get_question(core);

        if (op == NULL) {
                core_refuse(reply, "nothing is asked", "`aldctl status` shows what the run waits for");
                return;
        }
        core->is_confirmed = true;
        ack_own(core, "asks");
        core_log(core, "confirm", RECORD_INFO, core->recipe->name, "%s confirmed: %s", command->user,
            core->recipe->notes[op->note]);
        snprintf(reply->text, sizeof reply->text, "confirmed: %s", core->recipe->notes[op->note]);
}

static void (*const handlers[VERB_COUNT])(
    struct core *core, const struct command *command, struct effect_reply *reply) = {
    [VERB_RUN] = do_run,
    [VERB_HOLD] = do_hold,
    [VERB_RESUME] = do_resume,
    [VERB_STOP] = do_stop,
    [VERB_ABORT] = do_abort,
    [VERB_RESET] = do_reset,
    [VERB_CONFIRM] = do_confirm,
    [VERB_ACK] = core_do_ack,
    [VERB_SHELVE] = core_do_shelve,
    [VERB_UNSHELVE] = core_do_unshelve,
    [VERB_BYPASS] = core_bypass,
    [VERB_UNBYPASS] = core_unbypass,
    [VERB_CONTROL] = core_do_control,
    [VERB_OPEN] = core_do_open,
    [VERB_CLOSE] = core_do_close,
    [VERB_SET] = core_do_set,
    [VERB_BOTTLE] = core_do_bottle,
    [VERB_COUNTERS] = core_do_counters,
    [VERB_SHUTDOWN] = do_shutdown,
};

/* ---- the gate, the handler, the audit ---- */

static void refuse_role(const struct command *command, struct effect_reply *reply)
{
        char text[256];

        snprintf(text, sizeof text, "%s needs the role of %s; %s is %s", verb_at(command->verb)->name,
            tool_role_name(verb_at(command->verb)->role), command->user, tool_role_name(command->role));
        core_refuse(reply, text, "the tool file's `access` gives roles to users and groups");
        reply->code = CORE_NO_PERMISSION;
}

/* What to do about it. */
static const char *state_hint(const struct core *core, enum verb verb)
{
        if (core->state == MACHINE_ABORTED)
                return "remove the cause, then `aldctl reset`";
        if (machine_is_acting(core->state))
                return "this state ends by itself in a moment; then ask again";
        if (verb == VERB_RUN || verb == VERB_OPEN || verb == VERB_SET)
                return "a run is under way: wait for its end, or `aldctl stop`";
        if (verb == VERB_RESET)
                return "in a run `aldctl resume` is the reset of what held it; `aldctl stop` ends the run";
        if (core->state == MACHINE_SUSPENDED)
                return "the run goes on by itself once the external cause is gone";
        if (core->recipe == NULL)
                return "no run is under way: `aldctl run RECIPE` starts one";
        return "`aldctl status` shows what the run does";
}

static void refuse_state(
    const struct core *core, const struct command *command, enum verb rule, struct effect_reply *reply)
{
        char text[256];
        struct text t;
        bool first = true;

        text_init(&t, text, sizeof text);
        text_add(&t, "%s is not possible in state %s; possible in ", verb_at(command->verb)->name,
            machine_state_name(core->state));
        for (int s = 0; s < MACHINE_STATE_COUNT; s++) {
                if ((verb_at(rule)->states & MACHINE_BIT(s)) == 0)
                        continue;
                text_add(&t, "%s%s", first ? "" : ", ", machine_state_name((enum machine_state)s));
                first = false;
        }
        core_refuse(reply, text, state_hint(core, command->verb));
        name_latch(core, reply);
}

static void audit(struct core *core, const struct command *command, enum machine_state before,
    const struct effect_reply *reply)
{
        struct record_audit *a = &core_record(core, RECORD_AUDIT)->u.audit;

        a->uid = command->uid;
        a->pid = command->pid;
        text_copy(a->user, sizeof a->user, command->user);
        text_copy(a->role, sizeof a->role, tool_role_name(command->role));
        text_copy(a->command, sizeof a->command, verb_at(command->verb)->name);
        text_copy(a->arguments, sizeof a->arguments, command->text);
        text_copy(a->state_before, sizeof a->state_before, machine_state_name(before));
        text_copy(a->state_after, sizeof a->state_after, machine_state_name(core->state));
        text_copy(a->result, sizeof a->result,
            reply->code != CORE_OK     ? reply->text
            : core->outcome[0] != '\0' ? core->outcome
                                       : "ok");
}

/* The handler has its way, and a token that was free is taken by a command that asks for it (A2). */
static void carry_out(
    struct core *core, const struct command *command, enum verb rule, struct effect_reply *reply)
{
        handlers[command->verb](core, command, reply);
        if (reply->code == CORE_OK && verb_at(rule)->control == VERB_TAKES)
                core_take_control(core, command);
}

/* The one gate: role, state, token, then the handler. */
static void decide(struct core *core, const struct command *command, struct effect_reply *reply)
{
        enum verb rule = core_manual_rule(core, command);
        enum verb_refusal refusal = verb_gate(rule, command->role, core->state);

        if (refusal == VERB_REFUSED_ROLE)
                refuse_role(command, reply);
        else if (command->refused[0] != '\0')
                core_refuse(reply, command->refused, "");
        else if (core->is_shutting_down && command->verb != VERB_ABORT && command->verb != VERB_SHUTDOWN)
                core_refuse(reply, "the daemon is ending", "start it again, then ask again");
        else if (refusal == VERB_REFUSED_STATE)
                refuse_state(core, command, rule, reply);
        else if (!token_allows(&core->token, verb_at(rule)->control, core_user(command)))
                core_refuse_token(core, command, reply);
        else
                carry_out(core, command, rule, reply);
}

void core_command(struct core *core, const struct command *command)
{
        struct effect_reply reply = {.reply = command->reply};
        enum machine_state before = core->state;

        assert(handlers[command->verb] != NULL);
        core->outcome[0] = '\0';
        token_use(&core->token, core_user(command), core->now_us);
        decide(core, command, &reply);
        /* A refused recipe goes back to its owner. */
        if (command->verb == VERB_RUN && core->recipe != command->recipe)
                core_emit(core, EFFECT_RECIPE_DONE)->u.recipe = command->recipe;
        audit(core, command, before, &reply);
        if (command->reply != 0)
                core_emit(core, EFFECT_REPLY)->u.reply = reply;
}
