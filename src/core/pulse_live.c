#include "core_state.h"

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
        struct pulse_measured m;

        if (!core->pulse.is_measuring)
                return;
        core->pulse.is_measuring = false;
        pulse_gauge_end(&core->gauge, &m);
        p->pressure_base = m.base;
        p->pressure_peak = m.peak;
        p->pressure_area = m.area;
        p->pressure_fit = m.fit;
        p->pressure_decay_us = m.decay_us;
        core_record(core, RECORD_PULSE_METRICS)->u.pulse = *p;
        if (p->outcome != PULSE_DONE)
                return;
        core_judge_gauge(core, p->line, p->pressure_area, pulse_gauge_span_us(&core->gauge));
        core_judge_trend(core, p->line, &m);
}

/* An edge or its answer, -1 = there was none, by the wall clock as it stood when the pulse was planned: a clock that was set
 * meanwhile makes no edge late. */
static int64_t wall_of(const struct core_pulse *pulse, int64_t t_us)
{
        return t_us != 0 ? pulse->record.planned_open_us + (t_us - pulse->open_us) : -1;
}

static void record_end(struct core *core, const struct event_pulse *p)
{
        struct record_pulse *r = &core->pulse.record;

        r->outcome = p->outcome;
        r->is_device_timed = p->is_device_timed;
        r->opened_us = wall_of(&core->pulse, p->open_sent_us);
        r->open_acked_us = wall_of(&core->pulse, p->open_acked_us);
        r->closed_us = wall_of(&core->pulse, p->close_sent_us);
        r->close_acked_us = wall_of(&core->pulse, p->close_acked_us);
        if (p->open_sent_us != 0 && p->close_sent_us != 0)
                r->width_us = p->close_sent_us - p->open_sent_us;
        core_record(core, RECORD_PULSE_END)->u.pulse = *r;
        if (p->open_sent_us == 0)
                core->pulse.is_measuring = false;
}

void core_pulse_ended(struct core *core, const struct event_pulse *p)
{
        struct core_pulse *pulse = &core->pulse;
        struct event_pulse judged = *p;
        char beyond[192];
        bool is_beyond;

        output_pulsed(&core->outs, p, core->now_us);
        if (!pulse->is_live || p->id != pulse->id)
                return;
        pulse->is_live = false;
        core_count_pulse(core, p);
        is_beyond = core_judge_edges(core, &judged, beyond, sizeof beyond);
        if (pulse->is_manual)
                core_log_manual_pulse(core, &judged);
        else
                record_end(core, &judged);
        core_judge_outcome(core, &judged, is_beyond ? beyond : NULL);
}
