#include "core_state.h"

#include "ald/base/time.h" /* time_add_duration */

#include <math.h>  /* fabs */
#include <stdio.h> /* snprintf */

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

/* A set-point that rose with the hand-over has no flow yet, which is no word against the purge before it. */
static bool has_new_flow(const struct core *core)
{
        const struct tool *tool = core->tool;

        return tool->carrier >= 0 && core->outs.out[tool->loops[tool->carrier].setpoint].commanded_us >=
                                         core->pulse.open_us - CORE_HANDOVER_US;
}

void core_watch_handed_over(struct core *core)
{
        const struct core_pulse *pulse = &core->pulse;
        char why[160];
        struct text t;

        if (!pulse->is_live || pulse->is_revoked || core->now_us >= pulse->open_us || has_new_flow(core))
                return;
        text_init(&t, why, sizeof why);
        if (!output_is_clear(&core->outs, &core->snap, pulse->tag, pulse->open_us, &t))
                core_hold(core, true, "pulse %s was taken back: %s", core_pulse_name(core), why);
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
                core_hold(core, false, "pulse %s: not known to be whole, an edge or its device failed", name);
                return;
        }
        snprintf(why, sizeof why, "pulse %s: its close was not acknowledged", name);
        interlock_raise(&core->locks, "pulse-close", TOOL_ACT_ABORT, why, "Look at the valve and its module.",
            core->wall_us);
        interlock_clear(&core->locks, "pulse-close");
        core_log(core, "trip", RECORD_TRIP, "pulse-close", "%s", why);
        core_apply(core, TOOL_ACT_ABORT, true, why);
}

/* A dose that is not what the recipe says is told, whatever made it so (V8): a close that found no connection, an edge that
 * came late. */
static void judge_width(struct core *core)
{
        const struct record_pulse *r = &core->pulse.record;
        int64_t error_us = r->width_us - r->planned_width_us;
        char open[32], planned[32];
        struct text t;

        if (r->width_us < 0 || r->outcome != PULSE_DONE ||
            fabs((double)error_us) <= core->tool->lines[r->line].width_tolerance_us)
                return;
        text_init(&t, open, sizeof open);
        time_add_duration(&t, r->width_us);
        text_init(&t, planned, sizeof planned);
        time_add_duration(&t, r->planned_width_us);
        core_log(core, "pulse", RECORD_ALARM, core_pulse_name(core), "%s: open for %s instead of %s", r->path,
            open, planned);
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
        judge_width(core);
        core_record(core, RECORD_PULSE_END)->u.pulse = pulse->record;
        if (p->open_sent_us == 0)
                pulse->is_measuring = false;
        judge_pulse(core, p);
}
