/* Who has control, and what follows when nobody has (SAFETY A2): the handlers of the token, its lapse, and the way back
 * of what was moved by hand. */
#include "core_state.h"

#include "ald/base/time.h" /* TIME_NEVER, time_add */

#include <string.h> /* strcmp */

static const char lapse_alarm[] = "control-lapsed";

/* ---- what was moved by hand ---- */

/* The last to ask for it was an operator, and not for what it is at standby. An image, a step or a trip that asks later
 * ends that. */
static bool is_by_hand(const struct core *core, int tag)
{
        const struct output *out = &core->outs.out[tag];
        double standby = core->tool->tags[tag].image[TOOL_IMAGE_STANDBY].value;

        if (core->pulse.is_live && core->pulse.is_manual && core->pulse.tag == tag)
                return true;
        return out->has_wanted && out->cause == CAUSE_OPERATOR &&
               (out->wanted < standby || out->wanted > standby);
}

int core_count_by_hand(const struct core *core, struct text *names)
{
        int n = 0;

        for (int i = 0; i < core->tool->tag_count; i++) {
                if (!is_by_hand(core, i))
                        continue;
                if (names != NULL)
                        text_add(names, "%s%s", n > 0 ? ", " : "", core->tool->tags[i].name);
                n++;
        }
        return n;
}

/* A lapse takes it back; a vented chamber stays as it is. */
static bool goes_to_standby(const struct core *core, int tag)
{
        return is_by_hand(core, tag) && !core_stays_vented(core, tag, TOOL_IMAGE_STANDBY);
}

static void end_lapse(struct core *core)
{
        if (core->standby_us == TIME_NEVER)
                return;
        core->standby_us = TIME_NEVER;
        core_alarm(core, lapse_alarm, false, TOOL_PRIORITY_HIGH, "", "%s", "");
}

static void bring_to_standby(struct core *core)
{
        for (int i = 0; i < core->tool->tag_count; i++)
                if (goes_to_standby(core, i))
                        output_want(
                            &core->outs, i, core->tool->tags[i].image[TOOL_IMAGE_STANDBY].value, CAUSE_IMAGE);
        core_log(core, "control", RECORD_WARNING, "standby", "what was moved by hand goes to standby");
        end_lapse(core);
}

/* Precursors and reactive gases that somebody let in by hand do not stay open without them; nor does a run go on whose own gas
 * was changed so. */
static void close_by_hand(struct core *core)
{
        if (core->pulse.is_manual)
                core_revoke_pulse(core, true, CAUSE_OPERATOR);
        for (int i = 0; i < core->tool->tag_count; i++) {
                const struct tool_tag *tag = &core->tool->tags[i];
                const struct core_setpoint *sp = &core->setpoint[i];

                if (!tag->is_output || tag->class == TOOL_CLASS_PLAIN || !is_by_hand(core, i))
                        continue;
                output_want(&core->outs, i, tag->safe, CAUSE_IMAGE);
                if (sp->is_set && (sp->value < tag->safe || sp->value > tag->safe))
                        core_hold(core, false, "%s was closed: who set it by hand has no control any more",
                            tag->name);
        }
}

/* Inside a run the recipe moves on; what was moved by hand there waits for its steps and images. */
static bool must_go_to_standby(const struct core *core)
{
        for (int i = 0; core->recipe == NULL && i < core->tool->tag_count; i++)
                if (goes_to_standby(core, i))
                        return true;
        return false;
}

static void begin_lapse(struct core *core)
{
        char names[120], left[24];
        struct text t;

        text_init(&t, names, sizeof names);
        core_count_by_hand(core, &t);
        text_init(&t, left, sizeof left);
        time_add_duration(&t, CORE_LAPSE_US);
        core->standby_us = time_add(core->now_us, CORE_LAPSE_US);
        core_alarm(core, lapse_alarm, true, TOOL_PRIORITY_HIGH,
            "Look at the tool. `aldctl control take` keeps it as it is.",
            "nobody has control any more (last: %s): in %s standby for %s, unless somebody takes control",
            core->token.user, left, names);
}

void core_watch_control(struct core *core)
{
        if (token_lapse(&core->token, core->now_us)) {
                core_log(core, "control", RECORD_INFO, core->token.user, "control lapsed");
                close_by_hand(core);
                if (must_go_to_standby(core))
                        begin_lapse(core);
        }
        if (core->standby_us == TIME_NEVER)
                return;
        if (!must_go_to_standby(core))
                end_lapse(core);
        else if (core->now_us >= core->standby_us)
                bring_to_standby(core);
}

/* ---- take, release ---- */

struct token_user core_user(const struct command *command)
{
        return (struct token_user){.uid = command->uid, .user = command->user};
}

void core_take_control(struct core *core, const struct command *command)
{
        if (!token_is_held_by(&core->token, core_user(command)))
                core_log(core, "control", RECORD_INFO, command->user, "took control");
        token_take(&core->token, core_user(command), core->now_us);
        end_lapse(core);
}

void core_refuse_token(const struct core *core, const struct command *command, struct effect_reply *reply)
{
        struct text t;

        reply->code = CORE_REFUSED;
        text_init(&t, reply->text, sizeof reply->text);
        text_add(&t, "%s needs control, and ", verb_at(command->verb)->name);
        token_add_holder(&t, &core->token, core->now_us);
        text_copy(reply->hint, sizeof reply->hint,
            core->token.is_held ? "ask them to release it; an engineer may `aldctl control take --force`; "
                                  "`aldctl abort` is always possible"
                                : "`aldctl control take`, then once more");
}

static void do_take(struct core *core, const struct command *command, struct effect_reply *reply)
{
        struct text t;
        bool from_other = core->token.is_held && !token_is_held_by(&core->token, core_user(command));
        char former[TOOL_NAME_MAX];

        if (from_other && !command->force) {
                core_refuse_token(core, command, reply);
                return;
        }
        if (from_other && command->role < TOOL_ROLE_ENGINEER) {
                core_refuse_token(core, command, reply);
                reply->code = CORE_NO_PERMISSION;
                return;
        }
        text_copy(former, sizeof former, core->token.user);
        core_take_control(core, command);
        text_init(&t, reply->text, sizeof reply->text);
        text_add(&t, "you have control");
        if (!from_other)
                return;
        text_add(&t, ", taken from %s", former);
        text_init(&t, core->outcome, sizeof core->outcome);
        text_add(&t, "ok, taken from %s", former);
        core_log(core, "control", RECORD_WARNING, command->user, "took control from %s by force", former);
}

static void do_release(struct core *core, const struct command *command, struct effect_reply *reply)
{
        struct text t;

        text_init(&t, reply->text, sizeof reply->text);
        if (!token_is_held_by(&core->token, core_user(command))) {
                core_refuse_token(core, command, reply);
                if (!core->token.is_held)
                        text_copy(reply->hint, sizeof reply->hint, "there is nothing to release");
                return;
        }
        if (command->to[0] != '\0') {
                if (strcmp(command->to, core->token.user) != 0)
                        token_hand_over(&core->token, command->to, core->now_us);
                core_log(core, "control", RECORD_INFO, command->user, "handed control to %s", command->to);
                text_add(&t, "%s has control", command->to);
                return;
        }
        token_release(&core->token);
        core_log(core, "control", RECORD_INFO, command->user, "released control");
        text_add(&t, "nobody has control");
        close_by_hand(core);
        if (!must_go_to_standby(core))
                return;
        text_add(&t, "; what was moved by hand goes to standby");
        bring_to_standby(core);
}

void core_do_control(struct core *core, const struct command *command, struct effect_reply *reply)
{
        bool takes = strcmp(command->name, "take") == 0;

        if (!takes && strcmp(command->name, "release") != 0)
                core_refuse(reply, "control: what to do is not known", "`control take` or `control release`");
        else if (takes && command->to[0] != '\0')
                core_refuse(
                    reply, "control take is for yourself", "`control release --to USER` hands it over");
        else if (!takes && command->force)
                core_refuse(reply, "control release needs no force", "`control take --force` takes it first");
        else if (takes)
                do_take(core, command, reply);
        else
                do_release(core, command, reply);
}
