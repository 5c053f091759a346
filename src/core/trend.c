/* What pulses and base pressures tell from cycle to cycle and from run to run: a bottle that runs empty, a valve that sticks or
 * leaks, a filter that clogs. It tells people and moves nothing. */
#include "core_state.h"

#include "ald/base/time.h" /* TIME_NEVER */

#include <math.h>   /* fabs, isnan, NAN, sqrt */
#include <stdio.h>  /* snprintf */
#include <string.h> /* memset */

/* A base is the mean of this much, or of what there is of it at the ends; the pressure has rested for so long after a
 * set-point or valve moved, and after a pulse (PROCESS.md: a slow tail of 10-25 s). */
static const int64_t base_us = 10 * TIME_S, base_us_min = 2 * TIME_S, rest_us = 5 * TIME_S,
                     rest_us_pulse = 20 * TIME_S;
/* Flows that differ by less are one flow. Source temperatures are finer: 1 K at 110 degC is 7 % of the dose (PROCESS.md). */
static const double same_flow_part = 0.02, same_source_part = 0.002;
/* The bases of so many runs have a spread; the pressure of one flow repeats no better than this part of it. */
enum { BASES_MIN = 3 };
static const double base_repeats = 0.005, base_sigmas = 4;
/* A pulse that brings less than this part of its reference brings nothing; a valve that leaves more than this part of its
 * steady rise behind has not closed. */
static const double nothing_part = 0.25, open_part = 0.3, open_sigmas = 4;

void core_init_trend(struct core *core, const struct core_past *past)
{
        core->trend.base.from_us = TIME_NEVER;
        for (int i = 0; i < core->tool->line_count; i++) {
                const struct core_past_line *from = &past->line[i];
                struct core_trend_line *line = &core->trend.line[i];

                line->flow = line->source = NAN;
                if (from->count < DRIFT_FIRST)
                        continue;
                drift_know(&line->drift, from->area, from->sigma, from->count);
                line->width_us = from->width_us;
                line->flow = from->flow;
        }
        for (int i = 0; i < past->base_count && i < CORE_PAST_BASES; i++)
                core->trend.past[core->trend.past_count++] = past->base[i];
}

/* ---- what else moves the pressure ---- */

static int64_t later(int64_t a, int64_t b)
{
        return a > b ? a : b;
}

static int64_t moved_us(const struct core *core, int tag)
{
        return tag >= 0 && core->outs.out[tag].has_commanded ? core->outs.out[tag].commanded_us : INT64_MIN;
}

/* When a flow, the pump or a valve that is no precursor's was last told otherwise. */
static int64_t disturbed_us(const struct core *core)
{
        const struct tool *tool = core->tool;
        int64_t at_us = moved_us(core, tool->pump_run);

        for (int i = 0; i < tool->loop_count; i++)
                if (tool->loops[i].kind == TOOL_LOOP_FLOW)
                        at_us = later(at_us, moved_us(core, tool->loops[i].setpoint));
        for (int i = 0; i < tool->valve_count; i++)
                at_us = later(at_us, moved_us(core, tool->valves[i].tag));
        return at_us;
}

static int64_t pulsed_us(const struct core *core)
{
        int64_t at_us = INT64_MIN;

        for (int i = 0; i < core->tool->line_count; i++) {
                const struct output *valve = &core->outs.out[core->tool->lines[i].valve];

                at_us = later(at_us, valve->pulse_id != 0 ? core->now_us : valve->closed_us);
        }
        return at_us;
}

static int64_t add(int64_t us, int64_t span_us)
{
        return us == INT64_MIN ? us : us + span_us;
}

int64_t core_quiet_us(const struct core *core)
{
        return later(add(disturbed_us(core), rest_us), add(pulsed_us(core), PULSE_TAIL_US));
}

void core_watch_measure(struct core *core)
{
        if (core->pulse.is_measuring)
                pulse_gauge_disturb(&core->gauge, disturbed_us(core));
}

/* ---- pulses ---- */

static bool is_same(double a, double b, double part)
{
        return isnan(a) || isnan(b) || fabs(a - b) <= part * fabs(b);
}

static double commanded(const struct core *core, int loop)
{
        return loop < 0 ? NAN : core->outs.out[core->tool->loops[loop].setpoint].commanded;
}

/* As they stand when it opens: the recipe may have gone on before it is judged. */
void core_note_conditions(struct core *core, int line)
{
        core->pulse.is_flowing = core->block.kind == BLOCK_NONE;
        core->pulse.is_rested = core->pulse.open_us >= add(disturbed_us(core), rest_us);
        core->pulse.flow = commanded(core, core->tool->carrier);
        core->pulse.source = commanded(core, core->tool->lines[line].source);
}

/* Another dose, flow or source temperature has another reference. */
static void take_conditions(struct core *core, int line)
{
        struct core_trend_line *trend = &core->trend.line[line];
        const struct core_pulse *pulse = &core->pulse;
        int64_t width_us = pulse->close_us - pulse->open_us;

        if (trend->width_us != width_us || !is_same(trend->flow, pulse->flow, same_flow_part) ||
            !is_same(trend->source, pulse->source, same_source_part))
                drift_forget(&trend->drift);
        trend->width_us = width_us;
        trend->flow = pulse->flow;
        trend->source = pulse->source;
}

static void tell_low(struct core *core, int line, bool stands)
{
        const char *name = core->tool->lines[line].name;
        int64_t pulses;
        double change = drift_change(&core->trend.line[line].drift, &pulses);
        bool is_nothing = 1 + change < nothing_part;
        char id[TOOL_NAME_MAX], what[80];

        if (is_nothing)
                snprintf(what, sizeof what, "no rise at all: its valve is stuck closed or its bottle empty");
        else
                snprintf(what, sizeof what, "depletion");
        snprintf(id, sizeof id, "dose-low-%.36s", name);
        core_alarm(core, id, stands, is_nothing ? TOOL_PRIORITY_HIGH : TOOL_PRIORITY_MEDIUM,
            "Look at the bottle, its temperature and its hand valve, and whether the valve really opens.",
            "%s: %s: area %.0f %% below the reference over the last %d pulses", name, what,
            change < -1 ? 100 : -100 * change, (int)pulses);
}

static void tell_high(struct core *core, int line, bool stands)
{
        const char *name = core->tool->lines[line].name;
        int64_t pulses;
        double change = drift_change(&core->trend.line[line].drift, &pulses);
        char id[TOOL_NAME_MAX];

        snprintf(id, sizeof id, "dose-high-%.35s", name);
        core_alarm(core, id, stands, TOOL_PRIORITY_MEDIUM,
            "Look at the source's temperature and whether the valve closes in time.",
            "%s: area %.0f %% above the reference over the last %d pulses", name, 100 * change, (int)pulses);
}

/* The pressure stays up after the close: the valve leaks, or is stuck open. */
static void judge_late(struct core *core, int line, const struct pulse_measured *m)
{
        const struct core_trend_line *trend = &core->trend.line[line];
        double area = trend->drift.count >= DRIFT_FIRST ? trend->drift.reference : m->fit;
        double rise = area / ((double)trend->width_us / 1e6);
        bool stands = m->late > open_sigmas * m->late_error && m->late > open_part * rise;
        char id[TOOL_NAME_MAX], text[48];
        struct text t;

        if (isnan(m->late) || !(rise > 0))
                return;
        text_init(&t, text, sizeof text);
        tool_add_value(&t, &core->tool->tags[core->tool->gauge], m->late);
        snprintf(id, sizeof id, "open-pulse-%.34s", core->tool->lines[line].name);
        core_alarm(core, id, stands, TOOL_PRIORITY_HIGH,
            "Look at the valve: close its hand valve, then purge.",
            "%s: a rise without end: %s of it is left long after the close; its valve leaks or is stuck open",
            core->tool->lines[line].name, text);
}

void core_judge_trend(struct core *core, int line, const struct pulse_measured *m)
{
        double change = core->tool->lines[line].depletion;
        struct drift *drift = &core->trend.line[line].drift;
        enum drift_is is;

        /* In an expose block nothing flows: what a pulse brings stays. A pressure that is still on its way to a new flow is no
         * base: what it goes on rising by would be the pulse's. */
        if (!core->pulse.is_flowing || !core->pulse.is_rested || core->tool->gauge < 0 || isnan(m->fit) ||
            !(change > 0))
                return;
        take_conditions(core, line);
        is = drift_add(drift, m->fit, m->fit_error, change);
        tell_low(core, line, is == DRIFT_LOW);
        tell_high(core, line, is == DRIFT_HIGH);
        judge_late(core, line, m);
}

/* ---- base pressure ---- */

void core_begin_trend(struct core *core)
{
        for (int i = 0; i < core->tool->line_count; i++)
                drift_begin(&core->trend.line[i].drift);
        core->trend.has_before = core->trend.has_after = false;
        core->trend.base.from_us = TIME_NEVER;
        core->trend.has_last = false;
}

static bool is_flowing(const struct core *core)
{
        int carrier = core->tool->carrier;

        return core->recipe != NULL && core->block.kind == BLOCK_NONE && !core->locks.is_vented &&
               carrier >= 0 && snapshot_is_good(&core->snap, core->tool->loops[carrier].value) &&
               commanded(core, carrier) > 0;
}

static struct record_base mean_of(const struct core_base_sums *b)
{
        double n = (double)b->samples, mean = b->sum / n, square = (b->square - b->sum * mean) / (n - 1);

        return (struct record_base){.flow = b->flow_sum / n,
            .pressure = b->about + mean,
            .spread = sqrt(square > 0 ? square : 0),
            .samples = b->samples};
}

static void end_base(struct core *core)
{
        struct core_trend *t = &core->trend;

        t->last = mean_of(&t->base);
        t->last_us = t->base.last_us;
        t->has_last = true;
        if (t->has_before && !t->has_after && is_same(t->last.flow, t->before.flow, same_flow_part)) {
                t->after = t->last;
                t->after_us = t->last_us;
                t->has_after = true;
        }
        t->base.from_us = TIME_NEVER;
}

void core_base_sample(struct core *core, int64_t t_us, double value)
{
        struct core_base_sums *b = &core->trend.base;
        int64_t quiet_us = later(add(disturbed_us(core), rest_us), add(pulsed_us(core), rest_us_pulse));

        if (!is_flowing(core) || t_us < quiet_us) {
                b->from_us = TIME_NEVER;
                core->trend.has_last = false;
                return;
        }
        if (b->from_us == TIME_NEVER)
                *b = (struct core_base_sums){.from_us = t_us, .about = value};
        b->samples++;
        b->sum += value - b->about;
        b->square += (value - b->about) * (value - b->about);
        b->flow_sum += core->snap.tag[core->tool->loops[core->tool->carrier].value].value;
        b->last_us = t_us;
        if (t_us - b->from_us >= base_us)
                end_base(core);
}

/* A short one is better than none. */
static void end_short_base(struct core *core)
{
        const struct core_base_sums *b = &core->trend.base;

        if (b->from_us != TIME_NEVER && b->last_us - b->from_us >= base_us_min && b->samples > 1)
                end_base(core);
}

static void record_base(struct core *core, const struct record_base *base, int64_t t_us, bool is_after)
{
        struct record *r = core_record(core, RECORD_BASE);

        r->wall_us = core_wall(core, t_us);
        r->u.base = *base;
        r->u.base.is_after = is_after;
}

/* ---- is it what it was? ---- */

/* Runs before at this flow: how many, their median, and how far from it is far. 1.4826 makes the median deviation that of a
 * normal distribution. */
static int look_back(const struct core *core, double flow, double *middle, double *far)
{
        double value[CORE_PAST_BASES];
        int n = 0;

        for (int i = 0; i < core->trend.past_count; i++)
                if (is_same(core->trend.past[i].flow, flow, same_flow_part))
                        value[n++] = core->trend.past[i].pressure;
        if (n < BASES_MIN)
                return n;
        *middle = drift_median(value, (size_t)n);
        for (int i = 0; i < n; i++)
                value[i] = fabs(value[i] - *middle);
        *far = 1.4826 * drift_median(value, (size_t)n);
        *far = *far > base_repeats * *middle ? *far : base_repeats * *middle;
        *far = base_sigmas * *far;
        return n;
}

static void tell_base(struct core *core, const char *id, bool stands, const struct record_base *now,
    double was, const char *when)
{
        const struct tool_tag *gauge = &core->tool->tags[core->tool->gauge];
        double part = now->pressure / was - 1;
        char is[32], before[32];
        struct text t;

        text_init(&t, is, sizeof is);
        tool_add_value(&t, gauge, now->pressure);
        text_init(&t, before, sizeof before);
        tool_add_value(&t, gauge, was);
        core_alarm(core, id, stands, TOOL_PRIORITY_MEDIUM,
            part > 0
                ? "A leak or a clogging filter: a leak_check tells, only a leak rises with the exhaust shut."
                : "Less resistance or less gas: look at the filter, the carrier's controller and the gauge.",
            "base pressure %s %s at %.3g %s, %s before: %s by %.1f %%", is, when, now->flow,
            core->tool->tags[core->tool->loops[core->tool->carrier].value].unit->name, before,
            part > 0 ? "up" : "down", 100 * fabs(part));
}

static void keep_base(struct core *core, const struct record_base *base)
{
        struct core_trend *t = &core->trend;

        if (t->past_count == CORE_PAST_BASES)
                memmove(t->past, t->past + 1, (CORE_PAST_BASES - 1) * sizeof t->past[0]);
        else
                t->past_count++;
        t->past[t->past_count - 1] = (struct core_past_base){base->flow, base->pressure};
}

void core_base_before(struct core *core)
{
        struct core_trend *t = &core->trend;
        double limit = core->tool->base_drift, middle, far;

        t->has_after = false;
        if (!t->has_last)
                end_short_base(core);
        if (t->has_before || !t->has_last)
                return;
        t->before = t->last;
        t->has_before = true;
        record_base(core, &t->before, t->last_us, false);
        if (look_back(core, t->before.flow, &middle, &far) >= BASES_MIN) {
                double by = fabs(t->before.pressure - middle);

                tell_base(core, "base-drift", limit > 0 && by > far && by > limit * middle, &t->before,
                    middle, "before the pulses");
        }
        keep_base(core, &t->before);
}

void core_base_after(struct core *core)
{
        struct core_trend *t = &core->trend;
        double limit = core->tool->base_drift;

        if (!t->has_before)
                return;
        if (!t->has_after)
                end_short_base(core);
        if (!t->has_after)
                return;
        record_base(core, &t->after, t->after_us, true);
        tell_base(core, "base-change",
            limit > 0 && fabs(t->after.pressure - t->before.pressure) > limit * t->before.pressure, &t->after,
            t->before.pressure, "after the pulses");
}
