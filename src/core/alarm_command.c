/* ack, shelve, unshelve: what people may do to alarms. None of it touches an output (T2). */
#include "core_state.h"

#include "ald/base/time.h" /* time_add_duration */

#include <stdio.h>  /* snprintf */
#include <string.h> /* strlen */

static const char *name_at(const void *alarms, size_t i)
{
        return ((const struct alarms *)alarms)->item[i].id;
}

/* The alarm a command names, or -1 with the refusal. */
static int find(const struct core *core, const struct command *command, struct effect_reply *reply)
{
        int which = alarm_find(&core->alarms, command->name);
        const char *near;
        char text[160];

        if (which >= 0)
                return which;
        near = text_nearest(command->name, name_at, &core->alarms, (size_t)core->alarms.count);
        snprintf(text, sizeof text, "no alarm is called '%s'%s%s%s", command->name,
            near != NULL ? "; did you mean '" : "", near != NULL ? near : "", near != NULL ? "'?" : "");
        core_refuse(reply, text, "`aldctl alarms` lists those that are not normal");
        return -1;
}

static void ack_all(struct core *core, const struct command *command, struct effect_reply *reply)
{
        int n = 0;

        for (int i = 0; i < core->alarms.count; i++)
                n += alarm_ack(&core->alarms, i);
        if (n > 0)
                core_log(core, "alarm", RECORD_INFO, "all", "%d acknowledged by %s", n, command->user);
        snprintf(
            reply->text, sizeof reply->text, n == 1 ? "%d alarm acknowledged" : "%d alarms acknowledged", n);
}

void core_do_ack(struct core *core, const struct command *command, struct effect_reply *reply)
{
        int which;

        if (command->name[0] == '\0') {
                ack_all(core, command, reply);
                return;
        }
        which = find(core, command, reply);
        if (which < 0)
                return;
        if (alarm_ack(&core->alarms, which)) {
                core_log(core, "alarm", RECORD_INFO, command->name, "acknowledged by %s", command->user);
                snprintf(reply->text, sizeof reply->text, "%s acknowledged", command->name);
                return;
        }
        snprintf(reply->text, sizeof reply->text, "%s is %s: there is nothing to acknowledge", command->name,
            alarm_state_name((enum alarm_state)core->alarms.item[which].state));
}

/* How long and why: both are said, or it is no shelving. */
static bool is_whole(const struct command *command, struct effect_reply *reply)
{
        if (command->for_us <= 0 || command->for_us > ALARM_SHELVE_US_MAX) {
                core_refuse(reply, "an alarm is shelved for a time of at most 8 h",
                    "for example: aldctl shelve ALARM --for 2h --reason TEXT");
                return false;
        }
        if (strspn(command->reason, " ") == strlen(command->reason)) {
                core_refuse(reply, "an alarm is not shelved without a reason", "say why in a few words");
                return false;
        }
        return true;
}

static void refuse_shelve(const struct alarm *a, struct effect_reply *reply)
{
        char text[160];

        snprintf(text, sizeof text,
            a->is_trip ? "%s is a trip: it cannot be shelved" : "%s is latched: it waits for a reset", a->id);
        core_refuse(reply, text,
            a->is_trip ? "acknowledge it; remove the cause, then `aldctl reset`"
                       : "acknowledge it, then `aldctl reset`");
}

void core_do_shelve(struct core *core, const struct command *command, struct effect_reply *reply)
{
        int which = is_whole(command, reply) ? find(core, command, reply) : -1;
        char span[48];
        struct text t;

        if (which < 0)
                return;
        if (!alarm_shelve(&core->alarms, which, command->for_us, command->user, command->reason, core->now_us,
                core->wall_us)) {
                refuse_shelve(&core->alarms.item[which], reply);
                return;
        }
        text_init(&t, span, sizeof span);
        time_add_duration(&t, command->for_us);
        core_log(core, "alarm", RECORD_WARNING, command->name, "shelved for %s by %s: %s", span,
            command->user, command->reason);
        snprintf(reply->text, sizeof reply->text, "%s is shelved for %s", command->name, span);
}

void core_do_unshelve(struct core *core, const struct command *command, struct effect_reply *reply)
{
        int which = find(core, command, reply);
        char text[128];

        if (which < 0)
                return;
        if (core->alarms.item[which].state != ALARM_SHELVED) {
                snprintf(text, sizeof text, "%s is not shelved", command->name);
                core_refuse(reply, text, "");
                return;
        }
        core_log(core, "alarm", RECORD_INFO, command->name, "no longer shelved: ended by %s", command->user);
        core_tell_alarm(core, which, alarm_unshelve(&core->alarms, which, core->now_us, core->wall_us));
        snprintf(reply->text, sizeof reply->text, "%s is shelved no longer", command->name);
}
