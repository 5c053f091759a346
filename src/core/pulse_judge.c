#include "core_state.h"

#include "ald/base/time.h" /* time_add_duration */

#include <stdio.h> /* snprintf */

/* How wrong a whole pulse was: edges late (+) or early (-), and what its width has too much. */
struct errors {
        int64_t open_us, close_us, width_us;
};

static int64_t size_of(int64_t us)
{
        return us < 0 ? -us : us;
}

static void add_edge(struct text *t, const char *what, int64_t late_us, double tolerance_us)
{
        if ((double)size_of(late_us) <= tolerance_us)
                return;
        text_add(t, "%s%s ", t->len > 0 ? ", " : "", what);
        time_add_duration(t, size_of(late_us));
        text_add(t, late_us < 0 ? " early" : " late");
}

/* In words; nothing where all is within the tolerance. */
static void describe(struct text *t, const struct errors *e, int64_t planned_us, double tolerance_us)
{
        if ((double)size_of(e->width_us) > tolerance_us) {
                text_add(t, "open for ");
                time_add_duration(t, planned_us + e->width_us);
                text_add(t, " instead of ");
                time_add_duration(t, planned_us);
        }
        add_edge(t, "opened", e->open_us, tolerance_us);
        add_edge(t, "closed", e->close_us, tolerance_us);
}

static int64_t worst_of(const struct errors *e)
{
        int64_t worst = size_of(e->width_us);

        worst = size_of(e->open_us) > worst ? size_of(e->open_us) : worst;
        return size_of(e->close_us) > worst ? size_of(e->close_us) : worst;
}

bool core_judge_edges(struct core *core, struct event_pulse *p, char *why, size_t why_cap)
{
        const struct core_pulse *pulse = &core->pulse;
        int64_t planned_us = pulse->close_us - pulse->open_us, limit_us;
        const struct tool_line *line;
        struct errors e;
        char what[160], limit[32];
        struct text t;
        bool is_beyond;

        if (p->outcome != PULSE_DONE || pulse->record.line < 0)
                return false;
        line = &core->tool->lines[pulse->record.line];
        e = (struct errors){.open_us = p->open_sent_us - pulse->open_us,
            .close_us = p->close_sent_us - pulse->close_us,
            .width_us = p->close_sent_us - p->open_sent_us - planned_us};
        limit_us = tool_width_limit_us(line, planned_us);
        is_beyond = worst_of(&e) > limit_us;
        text_init(&t, what, sizeof what);
        describe(&t, &e, planned_us, line->width_tolerance_us);
        if (t.len == 0)
                return false;
        text_init(&t, limit, sizeof limit);
        time_add_duration(&t, limit_us);
        core_log(core, "pulse", RECORD_ALARM, line->name, "%s%s%s%s%s", pulse->record.path,
            pulse->record.path[0] != '\0' ? ": " : "", what, is_beyond ? "; the line's width_limit is " : "",
            is_beyond ? limit : "");
        if (!is_beyond)
                return false;
        /* Too little of it is no dose (SAFETY V8): its repeat is a row of its own. What was too long is not taken back by more. */
        if (e.width_us < -limit_us)
                p->outcome = PULSE_FAILED;
        snprintf(why, why_cap,
            "pulse %s: %s, beyond its width_limit of %s; look at its link and the machine's load", line->name,
            what, limit);
        return true;
}

void core_judge_outcome(struct core *core, const struct event_pulse *p, const char *beyond)
{
        const char *name = core_pulse_name(core);
        char why[160];

        if (!core->pulse.is_manual) {
                core->must_repeat = p->outcome != PULSE_DONE || core->is_dose_lost;
                core->is_cut = core->is_cut || p->outcome == PULSE_CUT || p->outcome == PULSE_FAILED;
        }
        if (beyond != NULL)
                core_hold(core, false, "%s", beyond);
        if (p->outcome == PULSE_REFUSED)
                core_hold(core, false, "pulse %s was kept closed by its link", name);
        if (p->outcome == PULSE_LATE) {
                core_log(core, "pulse", RECORD_ALARM, name,
                    "%s%snot opened: its link could not do it in time", core->pulse.record.path,
                    core->pulse.record.path[0] != '\0' ? ": " : "");
                core_hold(core, false,
                    "pulse %s was not opened: its link could not do it in time; look at the link and the "
                    "machine's load",
                    name);
        }
        if (p->outcome != PULSE_FAILED || beyond != NULL)
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
