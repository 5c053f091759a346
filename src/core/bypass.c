#include "ald/core/bypass.h"

#include "core_state.h" /* struct core */

#include "ald/base/time.h" /* TIME_NEVER, time_add_duration */

#include <assert.h> /* assert */
#include <stdio.h>  /* snprintf */
#include <string.h> /* memmove, strspn */

int bypass_find(const struct bypass_list *list, int tag)
{
        for (int i = 0; i < list->count; i++)
                if (list->item[i].tag == tag)
                        return i;
        return -1;
}

/* ---- what stands against one ---- */

static void add_allowed(struct text *hint, const struct tool *tool)
{
        bool first = true;

        for (int i = 0; i < tool->tag_count; i++) {
                if (!tool->tags[i].is_bypassable)
                        continue;
                text_add(
                    hint, "%s%s", first ? "this tool lets these be bypassed: " : ", ", tool->tags[i].name);
                first = false;
        }
        if (first)
                text_add(hint, "this tool lets no input be bypassed (`bypass` in the tool file)");
}

static bool refuse_tag(const struct tool *tool, int tag, struct text *why, struct text *hint)
{
        if (tag >= 0 && tool->tags[tag].is_bypassable)
                return false;
        if (tag < 0)
                text_add(why, "there is no such input");
        else
                text_add(why, "%s %s", tool->tags[tag].name,
                    tool->tags[tag].is_output ? "is an output, which nothing bypasses"
                                              : "may not be bypassed");
        add_allowed(hint, tool);
        return true;
}

static bool refuse_time(const struct tool *tool, int64_t for_us, struct text *why, struct text *hint)
{
        if (for_us > 0 && for_us <= tool->bypass_us_max)
                return false;
        if (for_us > 0)
                time_add_duration(why, for_us);
        text_add(why, "%s",
            for_us > 0 ? " is too long for a bypass" : "a bypass needs the time after which it ends");
        text_add(hint, "at most ");
        time_add_duration(hint, tool->bypass_us_max);
        return true;
}

static bool refuse_reason(const char *reason, struct text *why, struct text *hint)
{
        if (reason[strspn(reason, " \t")] != '\0')
                return false;
        text_add(why, "a bypass needs a reason");
        text_add(hint, "say why it is safe without this input; it is recorded");
        return true;
}

static bool refuse_count(const struct bypass_list *list, const struct tool *tool, int tag, int64_t now_us,
    struct text *why, struct text *hint)
{
        int at = bypass_find(list, tag);

        if (at >= 0) {
                text_add(why, "%s is bypassed already, by %s for another ", tool->tags[tag].name,
                    list->item[at].user);
                time_add_duration(why, (list->item[at].until_us - now_us) / TIME_S * TIME_S);
                text_add(hint, "a bypass is not made longer: `aldctl unbypass %s`, then anew",
                    tool->tags[tag].name);
                return true;
        }
        if (list->count < tool->bypass_max && list->count < BYPASS_MAX)
                return false;
        text_add(why, "no more than %d at once:", tool->bypass_max);
        for (int i = 0; i < list->count; i++)
                text_add(why, "%s %s", i > 0 ? "," : "", tool->tags[list->item[i].tag].name);
        text_add(hint, "end one with `aldctl unbypass`");
        return true;
}

bool bypass_begin(struct bypass_list *list, struct snapshot *snap, const struct tool *tool,
    const struct command *command, int64_t now_us, int64_t wall_us, struct text *why, struct text *hint)
{
        struct bypass *b;

        if (refuse_tag(tool, command->tag, why, hint) || refuse_time(tool, command->for_us, why, hint) ||
            refuse_reason(command->reason, why, hint) ||
            refuse_count(list, tool, command->tag, now_us, why, hint))
                return false;
        assert(list->count < BYPASS_MAX);
        b = &list->item[list->count++];
        *b = (struct bypass){.tag = command->tag,
            .until_us = time_add(now_us, command->for_us),
            .until_wall_us = time_add(wall_us, command->for_us)};
        text_copy(b->user, sizeof b->user, command->user);
        text_copy(b->reason, sizeof b->reason, command->reason);
        snap->tag[b->tag].is_bypassed = true;
        return true;
}

void bypass_end(struct bypass_list *list, struct snapshot *snap, int at)
{
        assert(at >= 0 && at < list->count);
        snap->tag[list->item[at].tag].is_bypassed = false;
        list->count--;
        memmove(&list->item[at], &list->item[at + 1], (size_t)(list->count - at) * sizeof list->item[0]);
}

int64_t bypass_deadline(const struct bypass_list *list)
{
        int64_t next = TIME_NEVER;

        for (int i = 0; i < list->count; i++)
                next = time_min(next, list->item[i].until_us);
        return next;
}

/* ---- in the core: record, alarm, verbs ---- */

static void tell_alarm(struct core *core, int tag, bool stands, const char *user, const char *reason)
{
        const char *name = core->tool->tags[tag].name;
        char id[TOOL_NAME_MAX + 8];

        snprintf(id, sizeof id, "bypass-%s", name);
        core_alarm(core, id, stands, TOOL_PRIORITY_MEDIUM,
            "Interlocks do without this input. Mend it, then end the bypass.", "%s is bypassed by %s: %s",
            name, user, reason);
}

static void end(struct core *core, int at, const char *why)
{
        struct bypass b = core->bypasses.item[at];

        bypass_end(&core->bypasses, &core->snap, at);
        core_log(core, "bypass", RECORD_WARNING, core->tool->tags[b.tag].name, "the bypass by %s ended: %s",
            b.user, why);
        tell_alarm(core, b.tag, false, b.user, b.reason);
}

void core_watch_bypasses(struct core *core)
{
        for (int i = core->bypasses.count - 1; i >= 0; i--)
                if (core->now_us >= core->bypasses.item[i].until_us)
                        end(core, i, "its time is over");
}

void core_bypass(struct core *core, const struct command *command, struct effect_reply *reply)
{
        struct text why, hint, words;
        const struct bypass *b;

        text_init(&why, reply->text, sizeof reply->text);
        text_init(&hint, reply->hint, sizeof reply->hint);
        if (!bypass_begin(&core->bypasses, &core->snap, core->tool, command, core->now_us, core->wall_us,
                &why, &hint)) {
                reply->code = CORE_REFUSED;
                return;
        }
        b = &core->bypasses.item[core->bypasses.count - 1];
        text_init(&words, reply->text, sizeof reply->text);
        text_add(&words, "%s is bypassed for ", core->tool->tags[b->tag].name);
        time_add_duration(&words, command->for_us);
        core_log(core, "bypass", RECORD_ALARM, core->tool->tags[b->tag].name, "%s by %s: %s", reply->text,
            b->user, b->reason);
        tell_alarm(core, b->tag, true, b->user, b->reason);
}

void core_unbypass(struct core *core, const struct command *command, struct effect_reply *reply)
{
        int at = command->tag >= 0 ? bypass_find(&core->bypasses, command->tag) : -1;
        char why[TOOL_NAME_MAX + 16];
        struct text hint;

        if (at < 0) {
                snprintf(reply->text, sizeof reply->text, "%s is not bypassed",
                    command->tag >= 0 ? core->tool->tags[command->tag].name : "that");
                text_init(&hint, reply->hint, sizeof reply->hint);
                for (int i = 0; i < core->bypasses.count; i++)
                        text_add(&hint, "%s%s", i > 0 ? ", " : "bypassed are: ",
                            core->tool->tags[core->bypasses.item[i].tag].name);
                if (core->bypasses.count == 0)
                        text_add(&hint, "nothing is bypassed");
                reply->code = CORE_REFUSED;
                return;
        }
        snprintf(why, sizeof why, "ended by %s", command->user);
        end(core, at, why);
        snprintf(reply->text, sizeof reply->text, "%s is watched again", core->tool->tags[command->tag].name);
}
