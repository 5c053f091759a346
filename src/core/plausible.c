/* What cannot be, whatever the values say: heaters that do not heat, flows and motors that do not follow, lines colder than
 * their source, pulses that do not move the gauge; and power or motion where the tool does not allow it (H1, M1). */
#include "core_state.h"

#include "ald/base/time.h" /* TIME_NEVER, time_add, time_add_duration, time_next */

#include <math.h>  /* fabs, isnan */
#include <stdio.h> /* snprintf */

void core_init_plausible(struct core *core)
{
        core->plausible.cut_out_us = core->now_us;
        core->plausible.unconfirmed_us = TIME_NEVER;
        for (int i = 0; i < TOOL_LOOPS_MAX; i++)
                core->plausible.follow[i].differs_us = TIME_NEVER;
        for (int i = 0; i < TOOL_LINES_MAX; i++)
                core->plausible.line[i].cold_us = TIME_NEVER;
}

void core_was_reset(struct core *core)
{
        for (int i = 0; i < TOOL_LOOPS_MAX; i++) {
                core->plausible.heater[i].is_failed = core->plausible.heater[i].is_watched = false;
                /* What has not failed yet gets no more time: whoever resumes again and again would put the trip off (M1). */
                if (core->plausible.follow[i].is_failed)
                        core->plausible.follow[i].differs_us = TIME_NEVER;
                core->plausible.follow[i].is_failed = false;
        }
        for (int i = 0; i < core->alarms.count; i++)
                alarm_reset(&core->alarms, i);
        core_prove_again(core);
}

/* Is this output commanded, or wanted, away from its safe value? */
static bool is_away(const struct core *core, int tag, double value)
{
        double safe = core->tool->tags[tag].safe;

        return value < safe || value > safe;
}

static bool is_commanded_away(const struct core *core, int tag)
{
        return core->outs.out[tag].has_commanded && is_away(core, tag, core->outs.out[tag].commanded);
}

/* ---- heaters that do not heat (H1) ---- */

/* The goal is never above where the set-point stood when the watch began: the value that follows a slow ramp reaches it, and
 * so does one that has less to rise than rise_by. */
static void set_goal(struct core *core, int i, double value, double enough)
{
        double goal = value + core->tool->loops[i].rise_by;

        core->plausible.heater[i].is_watched = true;
        core->plausible.heater[i].goal = goal < enough ? goal : enough;
        core->plausible.heater[i].from_us = core->now_us;
}

/* The idea of Klipper's verify_heater: a set-point above the value wants a steady rise, until the value is there. */
static void watch_rise(struct core *core, int i)
{
        const struct tool_loop *loop = &core->tool->loops[i];
        const struct output *out = &core->outs.out[loop->setpoint];
        double value = core->snap.tag[loop->value].value, enough = out->commanded - loop->tolerance;
        char id[TOOL_NAME_MAX + 8], why[256];
        struct text t;

        /* Without a Good value the time goes on; watch_heaters() trips on that. */
        if (loop->kind != TOOL_LOOP_HEATER || loop->rise_us == 0 || !out->has_commanded ||
            !snapshot_is_good(&core->snap, loop->value))
                return;
        if (value >= enough || !is_commanded_away(core, loop->setpoint)) {
                core->plausible.heater[i].is_watched = false;
                return;
        }
        if (!core->plausible.heater[i].is_watched || value >= core->plausible.heater[i].goal) {
                set_goal(core, i, value, enough);
                return;
        }
        if (core->now_us - core->plausible.heater[i].from_us <= loop->rise_us)
                return;
        core->plausible.heater[i].is_watched = false;
        core->plausible.heater[i].is_failed = true;
        text_init(&t, why, sizeof why);
        text_add(&t, "%s does not heat: ", loop->name);
        snapshot_add_tag(&t, &core->snap, core->tool, loop->value);
        text_add(&t, " did not reach ");
        tool_add_value(&t, &core->tool->tags[loop->value], core->plausible.heater[i].goal);
        text_add(&t, " within ");
        time_add_duration(&t, loop->rise_us);
        snprintf(id, sizeof id, "rise-%s", loop->name);
        core_trip(core, id, TOOL_ACT_HOLD, "Look at the heater, its relay and where its sensor sits.", why);
        /* With its set-point safe nobody can tell whether it would heat now: the reset may try. */
        interlock_clear(&core->locks, id);
}

/* ---- flows and motors that do not follow ---- */

static void add_both(struct text *t, const struct core *core, const struct tool_loop *loop)
{
        snapshot_add_tag(t, &core->snap, core->tool, loop->value);
        text_add(t, ", set to ");
        tool_add_value(t, &core->tool->tags[loop->setpoint], core->outs.out[loop->setpoint].commanded);
}

/* A value that is not Good counts as one that differs, since it cannot be told. */
static bool differs(const struct core *core, const struct tool_loop *loop)
{
        const struct output *out = &core->outs.out[loop->setpoint];

        return out->has_commanded &&
               (!snapshot_is_good(&core->snap, loop->value) ||
                   fabs(core->snap.tag[loop->value].value - out->commanded) > loop->follow_within);
}

/* A motor that does not do as told is stopped (M1); one that should stand is left to its drive. */
static void trip_motor(struct core *core, int i)
{
        const struct tool_loop *loop = &core->tool->loops[i];
        char id[TOOL_NAME_MAX + 8], why[256];
        struct text t;

        core->plausible.follow[i].is_failed = true;
        core->plausible.follow[i].differs_us = TIME_NEVER;
        text_init(&t, why, sizeof why);
        text_add(&t, "%s does not turn as it should: ", loop->name);
        add_both(&t, core, loop);
        snprintf(id, sizeof id, "motor-%s", loop->name);
        core_trip(core, id, TOOL_ACT_HOLD, "Look at the drive, its coupling and what may block it.", why);
        interlock_clear(&core->locks, id);
}

static void watch_follow(struct core *core, int i)
{
        const struct tool_loop *loop = &core->tool->loops[i];
        int64_t *since_us = &core->plausible.follow[i].differs_us;
        bool is_over, was = core->plausible.follow[i].is_alarmed;
        char id[TOOL_NAME_MAX], text[160];
        struct text t;

        if (loop->follow_us == 0)
                return;
        if (!differs(core, loop))
                *since_us = TIME_NEVER;
        else if (*since_us == TIME_NEVER)
                *since_us = core->now_us;
        is_over = *since_us != TIME_NEVER && core->now_us - *since_us > loop->follow_us;
        if (is_over && loop->kind == TOOL_LOOP_MOTOR && is_commanded_away(core, loop->setpoint)) {
                trip_motor(core, i);
                return;
        }
        if (!is_over && !was)
                return;
        core->plausible.follow[i].is_alarmed = is_over;
        text_init(&t, text, sizeof text);
        add_both(&t, core, loop);
        snprintf(id, sizeof id, "not-following-%.32s", loop->name);
        core_alarm(core, id, is_over, TOOL_PRIORITY_HIGH, "Look at the controller and its supply.",
            "%s does not follow: %s", loop->name, text);
}

/* ---- lines colder than their source ---- */

/* Watched while the source is heated; what cools down with it is left alone. A value that is not Good counts as too cold. */
static bool is_cold(const struct core *core, const struct tool_line *line)
{
        const struct tool_loop *source = &core->tool->loops[line->source];
        const struct tool_loop *hot = &core->tool->loops[line->hot_line];

        if (!is_commanded_away(core, source->setpoint))
                return false;
        return !snapshot_is_good(&core->snap, source->value) || !snapshot_is_good(&core->snap, hot->value) ||
               core->snap.tag[hot->value].value < core->snap.tag[source->value].value + line->hot_line_by;
}

static void watch_line(struct core *core, int i)
{
        const struct tool_line *line = &core->tool->lines[i];
        int64_t *since_us = &core->plausible.line[i].cold_us;
        bool is_over, was = core->plausible.line[i].is_cold;
        char id[TOOL_NAME_MAX], text[160];
        struct text t;

        if (line->hot_line < 0 || line->source < 0)
                return;
        if (!is_cold(core, line))
                *since_us = TIME_NEVER;
        else if (*since_us == TIME_NEVER)
                *since_us = core->now_us;
        is_over = *since_us != TIME_NEVER && core->now_us - *since_us > CORE_HOT_LINE_US;
        if (!is_over && !was)
                return;
        core->plausible.line[i].is_cold = is_over;
        text_init(&t, text, sizeof text);
        snapshot_add_tag(&t, &core->snap, core->tool, core->tool->loops[line->hot_line].value);
        text_add(&t, ", ");
        snapshot_add_tag(&t, &core->snap, core->tool, core->tool->loops[line->source].value);
        snprintf(id, sizeof id, "cold-line-%.36s", line->name);
        core_alarm(core, id, is_over, TOOL_PRIORITY_HIGH,
            "Heat the line before the source: precursor condenses where it is colder.",
            "the line of %s is colder than its source wants: %s", line->name, text);
}

/* ---- pulses that do not move the gauge ---- */

void core_judge_gauge(struct core *core, int line, double area, int64_t span_us)
{
        const struct tool_line *l = &core->tool->lines[line];
        double mean = span_us > 0 ? area / ((double)span_us / 1e6) : 0;
        int *flat = &core->plausible.line[line].flat;
        char id[TOOL_NAME_MAX], text[48];
        struct text t;
        bool was = *flat >= CORE_FLAT_PULSES;

        /* Without a reading nothing is known: the gauge has alarms of its own. */
        if (!(l->gauge_rise > 0) || isnan(area))
                return;
        *flat = mean >= l->gauge_rise ? 0 : was ? *flat : *flat + 1;
        if (*flat < CORE_FLAT_PULSES && !was)
                return;
        text_init(&t, text, sizeof text);
        tool_add_value(&t, &core->tool->tags[core->tool->gauge], mean);
        snprintf(id, sizeof id, "flat-pulse-%.36s", l->name);
        core_alarm(core, id, *flat >= CORE_FLAT_PULSES, TOOL_PRIORITY_HIGH,
            "Look at the bottle, its hand valve and whether the valve really opens.",
            "%d pulses of %s in a row did not move the gauge; the last one by %s in the mean",
            CORE_FLAT_PULSES, l->name, text);
}

void core_watch_plausible(struct core *core)
{
        for (int i = 0; i < core->tool->loop_count; i++) {
                watch_rise(core, i);
                watch_follow(core, i);
        }
        for (int i = 0; i < core->tool->line_count; i++)
                watch_line(core, i);
}

/* The turn after a span that has to be exceeded; TIME_NEVER: it does not run. */
static int64_t after(int64_t since_us, int64_t span_us)
{
        return since_us == TIME_NEVER ? TIME_NEVER : time_add(since_us, span_us + 1);
}

int64_t core_plausible_deadline(const struct core *core)
{
        const struct core_plausible *p = &core->plausible;
        int64_t now_us = core->now_us;
        int64_t next = time_next(TIME_NEVER, after(p->unconfirmed_us, CORE_UNCONFIRMED_US), now_us);

        for (int i = 0; i < core->tool->loop_count; i++) {
                const struct tool_loop *loop = &core->tool->loops[i];

                if (p->heater[i].is_watched)
                        next = time_next(next, after(p->heater[i].from_us, loop->rise_us), now_us);
                next = time_next(next, after(p->follow[i].differs_us, loop->follow_us), now_us);
        }
        for (int i = 0; i < core->tool->line_count; i++)
                next = time_next(next, after(p->line[i].cold_us, CORE_HOT_LINE_US), now_us);
        return next;
}

/* ---- power and motion that the tool does not allow ---- */

static bool is_on(const struct core *core, int tag)
{
        return snapshot_is_good(&core->snap, tag) && core->snap.tag[tag].value != 0;
}

static void watch_cut_out(struct core *core)
{
        int tag = core->tool->over_temperature;

        if (tag >= 0 && snapshot_is_good(&core->snap, tag) && core->snap.tag[tag].value == 0)
                core->plausible.cut_out_us = core->snap.tag[tag].t_us;
}

/* It says off, and said so no longer ago than a heater's temperature may be old. */
bool core_may_heat(const struct core *core)
{
        int tag = core->tool->over_temperature;

        return tag < 0 || (!is_on(core, tag) && core->now_us - core->plausible.cut_out_us <= CORE_HEATER_US);
}

static void force_safe(struct core *core, const struct tool_loop *loop, const char *why)
{
        const struct output *out = &core->outs.out[loop->setpoint];

        if (!out->is_ramping && !is_away(core, loop->setpoint, out->wanted))
                return;
        if (why != NULL)
                core_hold(core, true, "%s was set safe: %s", loop->name, why);
        output_want(&core->outs, loop->setpoint, core->tool->tags[loop->setpoint].safe, CAUSE_TRIP);
}

/* The cut-out is a permit that every tool has which has the switch, with the patience of H1; a lost one holds. What failed a
 * test of plausibility has tripped already. */
void core_force_plausible(struct core *core)
{
        bool is_cool;

        watch_cut_out(core);
        is_cool = core_may_heat(core);
        for (int i = 0; i < core->tool->loop_count; i++) {
                const struct tool_loop *loop = &core->tool->loops[i];

                if (loop->kind == TOOL_LOOP_HEATER && !is_cool)
                        force_safe(core, loop, "the over-temperature switch does not say off");
                else if (core->plausible.heater[i].is_failed || core->plausible.follow[i].is_failed)
                        force_safe(core, loop, NULL);
        }
}
