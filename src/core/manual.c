/* Outputs moved by hand (SAFETY V4): open, close and set, with the permits, exclusions and purge rules that a recipe's
 * steps have. A precursor or reactive gas opens for a time only, as a timed pair like a recipe's pulse. */
#include "core_state.h"

#include "ald/base/time.h" /* time_add, time_add_duration */

#include <assert.h> /* assert */
#include <stdarg.h> /* va_list */
#include <string.h> /* memset */

static void refuse(struct effect_reply *reply, const char *hint, const char *fmt, ...) TEXT_PRINTF(3, 4);
static void refuse(struct effect_reply *reply, const char *hint, const char *fmt, ...)
{
        struct text t;
        va_list args;

        reply->code = CORE_REFUSED;
        text_init(&t, reply->text, sizeof reply->text);
        va_start(args, fmt);
        text_addv(&t, fmt, args);
        va_end(args);
        text_copy(reply->hint, sizeof reply->hint, hint);
}

static bool is_dosing(const struct tool_tag *tag)
{
        return tag->class != TOOL_CLASS_PLAIN;
}

/* Some outputs are not open for long, whoever opens them: precursors, reactive gases, and what has a max_open. */
static bool is_timed(const struct tool_tag *tag)
{
        return tag->is_bit && (is_dosing(tag) || tag->max_open_us > 0);
}

static bool is_output(const struct core *core, int tag)
{
        return tag >= 0 && tag < core->tool->tag_count && core->tool->tags[tag].is_output;
}

static bool is_safe(const struct tool_tag *tag, double value)
{
        return !(value < tag->safe) && !(value > tag->safe);
}

static bool is_bit_value(double value)
{
        return (value >= 0 && value <= 0) || (value >= 1 && value <= 1);
}

enum verb core_manual_rule(const struct core *core, const struct command *command)
{
        if (command->verb == VERB_CLOSE && is_output(core, command->tag) &&
            !is_dosing(&core->tool->tags[command->tag]))
                return VERB_SET;
        return command->verb;
}

/* ---- what may be moved at all ---- */

static bool refuse_unknown(const struct core *core, const struct command *command, struct effect_reply *reply)
{
        if (is_output(core, command->tag))
                return false;
        refuse(
            reply, "`aldctl tags` lists them", "%s: there is no such output", verb_at(command->verb)->name);
        return true;
}

/* The tool file's word on it, and V4: in a hold no precursor moves. */
static bool refuse_manual(
    const struct core *core, const struct tool_tag *tag, double value, struct effect_reply *reply)
{
        bool in_run = core->recipe != NULL;

        if (tag->manual == TOOL_MANUAL_NEVER)
                refuse(reply, "the tool file says `manual: never`", "%s is not moved by hand", tag->name);
        else if (in_run && tag->manual == TOOL_MANUAL_OUTSIDE)
                refuse(reply,
                    "wait for the run to end, or `aldctl stop`; the tool file's `manual: inside` allows it",
                    "%s is not moved by hand in a run", tag->name);
        else if (in_run && is_dosing(tag) && !is_safe(tag, value) && !machine_may_pulse(core->state))
                refuse(reply, "resume the run first", "%s does not move in state %s", tag->name,
                    machine_state_name(core->state));
        else if (core_is_proving(core, tag->device) && !is_safe(tag, value))
                refuse(reply, "try again in a few seconds",
                    "%s does not move while the watchdog of %s is proven", tag->name,
                    core->tool->devices[tag->device].name);
        else
                return false;
        return true;
}

/* What stands against an interlocked move, its parts apart. */
static bool refuse_interlocks(
    const struct core *core, int tag, double value, int64_t at_us, struct effect_reply *reply)
{
        const struct tool_tag *t = &core->tool->tags[tag];
        struct interlock_reason why;
        char purge[160];
        struct text text;

        text_init(&text, purge, sizeof purge);
        if (core_closes_purge_path(core, tag, value, &text)) {
                refuse(reply, "wait for the purge to end", "%s is not closed: %s", t->name, purge);
                text_copy(reply->condition, sizeof reply->condition, purge);
                return true;
        }
        if (!(value < 0 || value > 0) || is_safe(t, value) ||
            output_permits(&core->outs, &core->locks, &core->snap, tag, at_us, &why))
                return false;
        refuse(reply, "`aldctl interlocks` shows what stands against it", "%s was not moved: %s%s%s (%s)",
            t->name, why.interlock, why.interlock[0] != '\0' ? ": " : "", why.condition, why.values);
        text_copy(reply->interlock, sizeof reply->interlock, why.interlock);
        text_copy(reply->condition, sizeof reply->condition, why.condition);
        text_copy(reply->values, sizeof reply->values, why.values);
        return true;
}

static void log_move(struct core *core, const struct command *command, double value)
{
        char words[48];
        struct text t;

        text_init(&t, words, sizeof words);
        tool_add_value(&t, &core->tool->tags[command->tag], value);
        core_log(core, "manual", RECORD_INFO, core->tool->tags[command->tag].name, "%s by %s", words,
            command->user);
}

/* ---- a timed opening ---- */

/* A module that times pulses itself does so in steps: by hand only what it can do. */
static bool refuse_step(const struct tool_tag *tag, int64_t for_us, struct effect_reply *reply)
{
        char step[32];
        struct text t;

        if (!tag->pulse.present || for_us % tag->pulse.width_unit_us == 0)
                return false;
        text_init(&t, step, sizeof step);
        time_add_duration(&t, tag->pulse.width_unit_us);
        refuse(reply, "", "%s opens for whole steps of its module, %s each", tag->name, step);
        return true;
}

static bool refuse_time(
    const struct core *core, const struct tool_tag *tag, int64_t for_us, struct effect_reply *reply)
{
        int line = tool_find_line_of_valve(core->tool, (int)(tag - core->tool->tags));
        int64_t least = line >= 0 ? core->tool->lines[line].pulse_us_min : 1;
        char bounds[64];
        struct text t;

        assert(tag->max_open_us > 0); /* the compiler wants it of all that doses */
        text_init(&t, bounds, sizeof bounds);
        if (for_us >= least && for_us <= tag->max_open_us)
                return refuse_step(tag, for_us, reply);
        time_add_duration(&t, least);
        text_add(&t, " to ");
        time_add_duration(&t, tag->max_open_us);
        if (for_us <= 0)
                refuse(reply, "`aldctl open VALVE --for TIME`", "%s opens for a time only: --for, %s",
                    tag->name, bounds);
        else
                refuse(reply, "", "%s opens for %s", tag->name, bounds);
        return true;
}

/* Nothing is dosed that could not be recorded, watched or made safe without us (L2, F2). */
static bool refuse_dosing(const struct core *core, struct effect_reply *reply)
{
        return core_refuse_latched(core, reply) || core_refuse_store(core, reply) ||
               core_refuse_links(core, reply) || core_refuse_failsafe(core, reply);
}

static void open_for(struct core *core, const struct command *command, struct effect_reply *reply)
{
        const struct tool_tag *tag = &core->tool->tags[command->tag];
        int64_t open_us = core->now_us + CORE_ANCHOR_US;
        struct core_pulse *pulse = &core->pulse;
        struct text t;

        if (refuse_time(core, tag, command->for_us, reply) || refuse_dosing(core, reply))
                return;
        if (refuse_interlocks(core, command->tag, 1, open_us, reply))
                return;
        if (pulse->is_live) {
                refuse(
                    reply, "wait for its end", "one pulse at a time: %s is under way", core_pulse_name(core));
                return;
        }
        assert(token_is_held_by(&core->token, core_user(command))); /* V4: the gate saw to it */
        core_finish_measure(core);
        memset(pulse, 0, sizeof *pulse);
        pulse->is_live = pulse->is_manual = true;
        pulse->tag = command->tag;
        pulse->record.line = (int16_t)tool_find_line_of_valve(core->tool, command->tag);
        pulse->open_us = open_us;
        pulse->close_us = open_us + command->for_us;
        pulse->id = output_pulse(&core->outs, command->tag, pulse->open_us, pulse->close_us, core->out);
        core_count_handed_over(core);
        text_init(&t, reply->text, sizeof reply->text);
        text_add(&t, "%s opens for ", tag->name);
        time_add_duration(&t, command->for_us);
        core_log(core, "manual", RECORD_INFO, tag->name, "%s, by %s", reply->text, command->user);
}

void core_log_manual_pulse(struct core *core, const struct event_pulse *p)
{
        bool opened = p->open_sent_us != 0 && p->close_sent_us != 0;

        core_log(core, "manual", p->outcome == PULSE_DONE ? RECORD_INFO : RECORD_WARNING,
            core_pulse_name(core), "%s: open for %lld us", pulse_outcome_name((enum pulse_outcome)p->outcome),
            opened ? (long long)(p->close_sent_us - p->open_sent_us) : 0LL);
}

/* ---- moves that stay ---- */

/* Heater power needs a temperature that is known, and a cut-out that says off (H1). */
static bool refuse_heater(const struct core *core, int tag, double value, struct effect_reply *reply)
{
        int at = tool_find_loop_of_setpoint(core->tool, tag);
        const struct tool_loop *loop = at >= 0 ? &core->tool->loops[at] : NULL;
        bool is_known;
        struct text t;

        if (loop == NULL || loop->kind != TOOL_LOOP_HEATER || is_safe(&core->tool->tags[tag], value))
                return false;
        is_known = snapshot_is_good(&core->snap, loop->value);
        if (is_known && core_may_heat(core))
                return false;
        if (is_known)
                refuse(reply, "look at the cut-out and what it guards",
                    "%s is not heated: the over-temperature switch does not say off", loop->name);
        else
                refuse(reply, "look at the sensor and its controller",
                    "%s is not heated without a Good temperature", loop->name);
        text_init(&t, reply->values, sizeof reply->values);
        snapshot_add_tag(&t, &core->snap, core->tool, is_known ? core->tool->over_temperature : loop->value);
        return true;
}

/* What a latched trip sets stands until the reset (T2), even against the safe value. */
static bool refuse_forced(const struct core *core, int tag, double value, struct effect_reply *reply)
{
        int which = core_find_forcing(core, tag, value);
        const struct tool_interlock *lock;

        if (which < 0)
                return false;
        lock = &core->tool->interlocks[which];
        refuse(reply, "remove the cause, then `aldctl reset`", "%s is set by the trip %s, which is latched",
            core->tool->tags[tag].name, lock->id);
        text_copy(reply->interlock, sizeof reply->interlock, lock->id);
        text_copy(reply->condition, sizeof reply->condition, lock->when.text);
        return true;
}

static void move(struct core *core, const struct command *command, double value, struct effect_reply *reply)
{
        const struct tool_tag *tag = &core->tool->tags[command->tag];
        struct text t;

        if (!is_safe(tag, value) &&
            (is_dosing(tag) ? refuse_dosing(core, reply) : core_refuse_latched(core, reply)))
                return;
        if (refuse_forced(core, command->tag, value, reply) ||
            refuse_heater(core, command->tag, value, reply) ||
            refuse_interlocks(core, command->tag, value, core->now_us, reply))
                return;
        core_end_rotation(core, command->tag);
        output_want(&core->outs, command->tag, value, CAUSE_OPERATOR);
        log_move(core, command, value);
        text_init(&t, reply->text, sizeof reply->text);
        text_add(&t, "%s is set ", tag->name);
        tool_add_value(&t, tag, value);
}

/* ---- the verbs ---- */

void core_do_open(struct core *core, const struct command *command, struct effect_reply *reply)
{
        const struct tool_tag *tag;

        if (refuse_unknown(core, command, reply))
                return;
        tag = &core->tool->tags[command->tag];
        if (!tag->is_valve) {
                refuse(reply, "`aldctl set TAG VALUE` moves it", "%s is no valve", tag->name);
        } else if (refuse_manual(core, tag, 1, reply)) {
                return;
        } else if (is_timed(tag)) {
                open_for(core, command, reply);
        } else if (command->for_us != 0) {
                refuse(reply, "`aldctl close` closes it",
                    "%s stays open until it is closed: it takes no --for", tag->name);
        } else {
                move(core, command, 1, reply);
        }
}

/* A precursor or reactive gas always closes. A recipe that loses its pulse by that is held. */
static void close_dosing(struct core *core, const struct command *command, struct effect_reply *reply)
{
        const struct tool_tag *tag = &core->tool->tags[command->tag];
        const struct output *out = &core->outs.out[command->tag];
        bool was_open = out->has_wanted && !is_safe(tag, out->wanted);
        bool is_recipes = core->recipe != NULL && was_open && out->cause != CAUSE_OPERATOR;
        struct text t;

        if (core->pulse.is_live && core->pulse.tag == command->tag) {
                is_recipes = !core->pulse.is_manual;
                was_open = true;
                core_revoke_pulse(core, true, CAUSE_OPERATOR);
        }
        if (was_open) {
                output_want(&core->outs, command->tag, tag->safe, CAUSE_OPERATOR);
                log_move(core, command, tag->safe);
        }
        if (is_recipes)
                core_hold(core, true, "%s was closed by %s", tag->name, command->user);
        text_init(&t, reply->text, sizeof reply->text);
        text_add(&t, "%s %s", tag->name, was_open ? "closes" : "is closed already");
}

void core_do_close(struct core *core, const struct command *command, struct effect_reply *reply)
{
        const struct tool_tag *tag;

        if (refuse_unknown(core, command, reply))
                return;
        tag = &core->tool->tags[command->tag];
        if (is_dosing(tag))
                close_dosing(core, command, reply);
        else if (!tag->is_valve)
                refuse(reply, "`aldctl set TAG VALUE` moves it", "%s is no valve", tag->name);
        else if (!refuse_manual(core, tag, 0, reply))
                move(core, command, 0, reply);
}

void core_do_set(struct core *core, const struct command *command, struct effect_reply *reply)
{
        const struct tool_tag *tag;
        struct text t;

        if (refuse_unknown(core, command, reply))
                return;
        tag = &core->tool->tags[command->tag];
        text_init(&t, reply->text, sizeof reply->text);
        if (tag->is_bit && !is_bit_value(command->value)) {
                refuse(reply, "", "%s is %s", tag->name, tag->is_valve ? "open or closed" : "on or off");
        } else if (tag->is_valve && command->value > 0) {
                core_do_open(core, command, reply);
        } else if (tag->is_valve) {
                core_do_close(core, command, reply);
        } else if (!tool_check_limits(tag, command->value, &t)) {
                reply->code = CORE_REFUSED;
                text_copy(reply->hint, sizeof reply->hint, "a value within the limits; nothing is clipped");
        } else if (!refuse_manual(core, tag, command->value, reply)) {
                move(core, command, command->value, reply);
        }
}
