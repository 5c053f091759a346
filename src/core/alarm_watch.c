#include "step.h" /* step_timeout */

#include "ald/base/time.h" /* TIME_NEVER, TIME_S, time_add, time_add_duration */

#include <stdarg.h> /* va_list */
#include <stdio.h>  /* snprintf, vsnprintf */

/* ---- what people are told ---- */

static enum record_severity severity(const struct alarm *a)
{
        return a->priority >= TOOL_PRIORITY_HIGH ? RECORD_ALARM : RECORD_WARNING;
}

static void tell_flood(struct core *core)
{
        core_log(core, "alarm", RECORD_ALARM, "flood",
            "more than %d alarms within 10 min: those of low priority are counted, not told one by one",
            ALARM_FLOOD_COMINGS);
}

/* What has an event of its own, as a trip has, is not told twice. */
static void tell_coming(struct core *core, const struct alarm *a, unsigned news)
{
        if ((news & ALARM_NEWS_CHATTERS) != 0)
                core_log(core, "alarm", severity(a), a->id,
                    "chatters: more than %d comings within 1 min; it stands until it is quiet for 1 min: %s",
                    ALARM_CHATTER_COMINGS, a->text);
        else if (!a->is_told && (news & ALARM_NEWS_UNTOLD) == 0)
                core_log(core, "alarm", severity(a), a->id, "%s", a->text);
}

static void tell_going(struct core *core, const struct alarm *a, unsigned news)
{
        bool is_waiting = a->state != ALARM_NORMAL;

        if ((news & ALARM_NEWS_UNTOLD) != 0)
                return;
        core_log(core, "alarm", RECORD_INFO, a->id, "%s%s%s",
            (news & ALARM_NEWS_CALM) != 0 ? "quiet again: gone" : "gone", is_waiting ? ", " : "",
            is_waiting ? alarm_state_name((enum alarm_state)a->state) : "");
}

void core_tell_alarm(struct core *core, int which, unsigned news)
{
        const struct alarm *a = &core->alarms.item[which];

        if ((news & ALARM_NEWS_CAME) != 0)
                tell_coming(core, a, news);
        if ((news & ALARM_NEWS_FLOOD) != 0)
                tell_flood(core);
        if ((news & ALARM_NEWS_WENT) != 0)
                tell_going(core, a, news);
}

/* ---- alarms of the core's own ---- */

static void tell_full(struct core *core, const char *id)
{
        if (core->alarms.is_full)
                return;
        core->alarms.is_full = true;
        core_log(core, "alarm", RECORD_ALARM, id, "is not shown: the list of alarms is full (%d of the core)",
            ALARM_OWN_MAX);
}

/* Its place in the list; -1 when it neither stands nor has one, or the list is full. */
static int own_alarm(struct core *core, const char *id, bool stands)
{
        int which;

        if (!stands && core->alarms.count == core->alarms.tool_count)
                return -1;
        which = stands ? alarm_make_own(&core->alarms, id) : alarm_find_own(&core->alarms, id);
        if (which < 0 && stands)
                tell_full(core, id);
        return which;
}

void core_alarm(struct core *core, const char *id, bool stands, enum tool_priority priority,
    const char *guidance, const char *fmt, ...)
{
        int which = own_alarm(core, id, stands);
        struct alarm *a;
        struct text t;
        va_list args;

        if (which < 0)
                return;
        a = &core->alarms.item[which];
        if (stands && !a->stands) {
                a->priority = (uint8_t)priority;
                text_copy(a->guidance, sizeof a->guidance, guidance);
                text_init(&t, a->text, sizeof a->text);
                va_start(args, fmt);
                text_addv(&t, fmt, args);
                va_end(args);
        }
        core_tell_alarm(
            core, which, alarm_feed(&core->alarms, which, stands, false, core->now_us, core->wall_us));
}

/* ---- latched trips ---- */

/* A latch is an alarm of its own id: critical, latching, not to be shelved. One that came and whose cause is gone already has
 * come all the same; the reset of latches resets its alarm (core_was_reset). */
static void show_latch(struct core *core, const struct core_latch *latch)
{
        int which = alarm_make_own(&core->alarms, latch->id);
        struct alarm *a;
        unsigned news = 0;
        bool is_new;

        if (which < 0) {
                tell_full(core, latch->id);
                return;
        }
        a = &core->alarms.item[which];
        is_new = !a->stands && (a->state == ALARM_NORMAL || a->state == ALARM_RETURNED);
        if (is_new) {
                a->is_trip = a->is_told = a->is_latching = true;
                a->priority = TOOL_PRIORITY_CRITICAL;
                text_copy(a->text, sizeof a->text, latch->text);
                text_copy(a->guidance, sizeof a->guidance, latch->guidance);
        }
        if (is_new || (latch->is_active && !a->stands))
                news = alarm_feed(&core->alarms, which, true, false, core->now_us, core->wall_us);
        core_tell_alarm(core, which, news);
        if (!latch->is_active)
                core_tell_alarm(
                    core, which, alarm_feed(&core->alarms, which, false, false, core->now_us, core->wall_us));
}

/* ---- alarms of the tool file ---- */

/* A value that is not Good counts as in alarm, once the first values had time to come; it never suppresses. */
static bool is_true(const struct core *core, const struct tool_alarm *from, const struct alarm *a)
{
        const struct cond_pool *pool = &core->tool->conds;
        enum tri is = a->stands && from->deadband > 0
                          ? cond_eval_slack(pool, from->when.root, &core->snap, from->deadband)
                          : cond_eval(pool, from->when.root, &core->snap);

        return is == TRI_TRUE || (is == TRI_BAD && core->now_us >= core->locks.quiet_until_us);
}

static void watch_tool_alarm(struct core *core, int i)
{
        const struct tool_alarm *from = &core->tool->alarms[i];
        const struct cond_pool *pool = &core->tool->conds;
        struct alarm *a = &core->alarms.item[i];
        bool is_suppressed =
            from->suppress.root >= 0 && cond_eval(pool, from->suppress.root, &core->snap) == TRI_TRUE;
        unsigned news =
            alarm_feed(&core->alarms, i, is_true(core, from, a), is_suppressed, core->now_us, core->wall_us);

        if ((news & ALARM_NEWS_CAME) != 0) {
                char values[128];
                struct text t;

                text_init(&t, values, sizeof values);
                cond_add_values(&t, pool, from->when.root, &core->snap, core->tool);
                snprintf(a->text, sizeof a->text, "%.60s (%s)", from->when.text, values);
        }
        core_tell_alarm(core, i, news);
}

/* ---- conditions that were there before there were alarms ---- */

static void watch_link(struct core *core, int i)
{
        const char *name = core->tool->links[i].name;
        bool is_down = !core->link[i].is_up && core->now_us - core->link[i].down_us > CORE_LINK_US;
        char id[TOOL_NAME_MAX];

        /* One that chatters is watched on until it is quiet. */
        core->link[i].was_down = core->link[i].was_down || is_down;
        if (!core->link[i].was_down)
                return;
        snprintf(id, sizeof id, "link-down-%.36s", name);
        core_alarm(core, id, is_down, TOOL_PRIORITY_HIGH, "Look at the cable and the module's power.",
            "link %s is down: %s", name, core->link[i].why);
}

static bool is_unconfirmed(const struct core *core, int tag)
{
        return core->tool->tags[tag].is_output && core->outs.out[tag].pulse_id == 0 &&
               core->outs.out[tag].has_wanted && !output_is_confirmed(&core->outs, &core->snap, tag);
}

static void watch_unconfirmed(struct core *core)
{
        int64_t *since_us = &core->plausible.unconfirmed_us;
        char names[128] = "";
        struct text t;
        int first = 0;

        while (first < core->tool->tag_count && !is_unconfirmed(core, first))
                first++;
        if (first == core->tool->tag_count)
                *since_us = TIME_NEVER;
        else if (*since_us == TIME_NEVER)
                *since_us = core->now_us;
        text_init(&t, names, sizeof names);
        for (int i = first; *since_us != TIME_NEVER && i < core->tool->tag_count; i++)
                if (is_unconfirmed(core, i))
                        text_add(&t, "%s%s", t.len > 0 ? ", " : "", core->tool->tags[i].name);
        core_alarm(core, "unconfirmed-outputs",
            *since_us != TIME_NEVER && core->now_us - *since_us > CORE_UNCONFIRMED_US, TOOL_PRIORITY_MEDIUM,
            "Look at the links and the modules.", "not confirmed: %s", names);
}

/* ---- what waits for people ---- */

static bool is_held(const struct core *core)
{
        return core->state == MACHINE_HELD || core->state == MACHINE_SUSPENDED;
}

int64_t core_expires_us(const struct core *core, enum tool_action *then)
{
        const struct recipe_op *op = core_get_question(core);

        *then = TOOL_ACT_NONE;
        if (op != NULL) {
                *then = (enum tool_action)op->otherwise;
                return step_timeout(core, op);
        }
        if (!is_held(core) || core->recipe->hold_us_max == TIME_NEVER)
                return TIME_NEVER;
        *then = core->recipe->hold_then;
        return time_add(core->held_us, core->recipe->hold_us_max);
}

/* Rounded up, for people. */
static int64_t whole_s(int64_t us)
{
        return (us + TIME_S - 1) / TIME_S * TIME_S;
}

/* A question must be seen: it is an alarm at once. Another one, or the same once more, is another alarm. */
static void watch_question(struct core *core)
{
        const struct recipe_op *op = core_get_question(core);
        char guidance[TOOL_TEXT_MAX];
        enum tool_action then;
        struct text t;
        int which;

        if (op == NULL || core->asked_us != core->entered_us)
                core_alarm(core, "asks", false, TOOL_PRIORITY_LOW, "", "%s", "");
        core->asked_us = op != NULL ? core->entered_us : TIME_NEVER;
        if (op == NULL)
                return;
        text_init(&t, guidance, sizeof guidance);
        text_add(&t, "Answer with `aldctl confirm` within ");
        time_add_duration(&t, whole_s(core_expires_us(core, &then) - core->now_us));
        text_add(&t, ", else: %s.", tool_action_name(then));
        which = alarm_make_own(&core->alarms, "asks");
        if (which >= 0)
                core->alarms.item[which].is_told = true; /* by the step */
        core_alarm(core, "asks", true, TOOL_PRIORITY_LOW, guidance, "the run waits for an answer: %s",
            core->recipe->notes[op->note]);
}

/* So is a hold or suspend that the recipe will soon end. */
static void watch_hold(struct core *core)
{
        enum tool_action then;
        int64_t at_us = is_held(core) ? core_expires_us(core, &then) : TIME_NEVER;
        int64_t left_us = at_us != TIME_NEVER ? at_us - core->now_us : TIME_NEVER;
        char left[24] = "";
        struct text t;

        if (left_us > CORE_HOLD_WARN_US || left_us > core->recipe->hold_us_max / 2) {
                core_alarm(core, "hold-ends", false, TOOL_PRIORITY_MEDIUM, "", "%s", "");
                return;
        }
        text_init(&t, left, sizeof left);
        time_add_duration(&t, whole_s(left_us));
        core_alarm(core, "hold-ends", true, TOOL_PRIORITY_MEDIUM,
            core->state == MACHINE_SUSPENDED
                ? "The run goes on by itself once the cause outside the tool is gone."
                : "Remove what it waits for, then `aldctl resume`.",
            "a hold that nobody ends: %s in %s", tool_action_name(then), left);
}

void core_watch_alarms(struct core *core)
{
        int64_t untold;

        for (int i = 0; i < core->tool->alarm_count; i++)
                watch_tool_alarm(core, i);
        for (int i = 0; i < core->tool->link_count; i++)
                watch_link(core, i);
        watch_unconfirmed(core);
        watch_question(core);
        watch_hold(core);
        core_alarm(core, "not-recorded", !core->store_ok, TOOL_PRIORITY_HIGH,
            "Mend what it names; a run holds at its next safe point.", "the record is not sound: %s",
            core->store_why);
        for (int i = 0; i < core->locks.latch_count; i++)
                show_latch(core, &core->locks.latch[i]);
        for (int i; (i = alarm_find_expired(&core->alarms, core->now_us)) >= 0;) {
                core_log(core, "alarm", RECORD_INFO, core->alarms.item[i].id,
                    "no longer shelved: its time is over");
                core_tell_alarm(core, i, alarm_unshelve(&core->alarms, i, core->now_us, core->wall_us));
        }
        if (alarm_flood_ended(&core->alarms, core->now_us, &untold))
                core_log(core, "alarm", RECORD_INFO, "flood",
                    "is over; %lld of low priority were not told one by one", (long long)untold);
}
