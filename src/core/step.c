#include "step.h"

#include "ald/base/time.h" /* TIME_NEVER, time_add, time_min */

#include <assert.h>   /* assert */
#include <inttypes.h> /* PRId64 */
#include <math.h>     /* NAN */
#include <stdarg.h>   /* va_list */
#include <string.h>   /* memset */

/* ---- set, open, close ---- */

bool core_closes_purge_path(const struct core *core, int tag, double value, struct text *why)
{
        const struct tool *tool = core->tool;
        bool is_path =
            tag == tool->exhaust || (tool->carrier >= 0 && tag == tool->loops[tool->carrier].setpoint);

        for (int i = 0; is_path && !(value > 0) && i < tool->line_count; i++) {
                const struct output *valve = &core->outs.out[tool->lines[i].valve];

                if (!output_may_be_open(&core->outs, tool->lines[i].valve) &&
                    (valve->closed_us == INT64_MIN ||
                        time_add(valve->closed_us, tool->lines[i].purge_us_min) <= core->now_us))
                        continue;
                text_add(why, "the purge of %s needs it for ", tool->lines[i].name);
                time_add_duration(why, tool->lines[i].purge_us_min);
                return true;
        }
        return false;
}

int64_t step_purge_path_us(const struct core *core)
{
        int64_t next = TIME_NEVER;

        for (int i = 0; i < core->tool->line_count; i++) {
                const struct output *valve = &core->outs.out[core->tool->lines[i].valve];
                int64_t end_us = time_add(valve->closed_us, core->tool->lines[i].purge_us_min);

                if (valve->closed_us != INT64_MIN && end_us > core->now_us)
                        next = time_min(next, end_us);
        }
        return next;
}

bool step_may_move(struct core *core, int output, double value)
{
        const struct tool_tag *tag = &core->tool->tags[output];
        bool is_away = value < tag->safe || value > tag->safe, is_refused;
        char why[160];
        struct text t;

        text_init(&t, why, sizeof why);
        is_refused = core_closes_purge_path(core, output, value, &t);
        if (!is_refused && is_away && tag->class != TOOL_CLASS_PLAIN && !machine_may_pulse(core->state)) {
                text_add(&t, "a reactive gas does not move in state %s", machine_state_name(core->state));
                is_refused = true;
        }
        if (!is_refused && is_away)
                is_refused =
                    !output_may_open(&core->outs, &core->locks, &core->snap, output, core->now_us, &t);
        if (!is_refused)
                return true;
        core_log(core, "step", RECORD_WARNING, tag->name, "was not moved: %s", why);
        core_hold(core, false, "%s was not moved: %s", tag->name, why);
        return false;
}

static void enter_set(struct core *core, const struct recipe_op *op)
{
        struct core_setpoint *sp = &core->setpoint[op->tag];
        int loop = tool_find_loop_of_setpoint(core->tool, op->tag);

        if (!step_may_move(core, op->tag, op->value))
                return;
        core_end_rotation(core, op->tag);
        *sp = (struct core_setpoint){
            .is_set = true, .is_standby = op->is_standby, .value = op->value, .ramp = op->ramp};
        if (op->ramp > 0 && loop >= 0 && snapshot_is_good(&core->snap, core->tool->loops[loop].value))
                output_ramp(&core->outs, op->tag, core->snap.tag[core->tool->loops[loop].value].value,
                    op->value, op->ramp, core->now_us);
        else
                output_want(&core->outs, op->tag, op->value, CAUSE_STEP);
}

static void enter_valve(struct core *core, const struct recipe_op *op)
{
        if (!step_may_move(core, op->tag, op->value))
                return;
        core->setpoint[op->tag] =
            (struct core_setpoint){.is_set = true, .is_standby = true, .value = op->value};
        output_want(&core->outs, op->tag, op->value, CAUSE_STEP);
}

static void enter_nothing(struct core *core, const struct recipe_op *op)
{
        (void)core;
        (void)op;
}

static struct step_turn turn_at_once(struct core *core, const struct recipe_op *op)
{
        (void)op;
        return (struct step_turn){.is = STEP_DONE, .at_us = core->step_us};
}

static void describe_set(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op)
{
        int loop = tool_find_loop_of_setpoint(tool, op->tag);
        const struct unit *unit = tool->tags[op->tag].unit;

        (void)r;
        text_add(
            t, "set %s ", loop >= 0 ? tool->tags[tool->loops[loop].value].name : tool->tags[op->tag].name);
        tool_add_value(t, &tool->tags[op->tag], op->value);
        /* As recipes say it: by the minute, and a change of temperature in K. */
        if (op->ramp > 0 && unit->dim == UNIT_DIM_TEMPERATURE)
                text_add(t, " at %.4g K/min", op->ramp * 60 * unit->scale);
        else if (op->ramp > 0)
                text_add(t, " at %.4g %s/min", op->ramp * 60, unit->name);
}

static void describe_valve(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op)
{
        (void)r;
        text_add(t, "%s %s", op->value != 0 ? "open" : "close", tool->tags[op->tag].name);
}

/* ---- note ---- */

static void enter_note(struct core *core, const struct recipe_op *op)
{
        core_log(core, "note", RECORD_INFO, core->recipe->name, "%s", core->recipe->notes[op->note]);
}

static void describe_note(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op)
{
        (void)tool;
        text_add(t, "note: %s", r->notes[op->note]);
}

/* ---- how a step's turn ends ---- */

/* A pulse that follows is handed over ahead of its open edge, so the step before it ends that much early; planned
 * times are unmoved. Where the run stops at the end of the cycle, no pulse follows. */
int64_t step_handover_us(const struct core *core)
{
        struct position_move crossed;
        const struct recipe_op *next = position_peek(&core->at, core->recipe, &crossed);

        if (core->is_stopping_after_cycle && crossed.cycles_ended + crossed.cycles_begun > 0)
                return 0;
        return next != NULL && next->kind == RECIPE_PULSE ? CORE_HANDOVER_US : 0;
}

struct step_turn step_waits(int64_t at_us)
{
        return (struct step_turn){.is = STEP_WAITS, .at_us = at_us};
}

int64_t step_anchor_us(const struct core *core, const struct recipe_op *op)
{
        if (op == NULL || op->kind != RECIPE_PULSE || core->tool->lines[op->line].lead_us < CORE_ANCHOR_US)
                return CORE_ANCHOR_US;
        return core->tool->lines[op->line].lead_us;
}

struct step_turn step_done_now(const struct core *core)
{
        struct position_move crossed;
        const struct recipe_op *next = position_peek(&core->at, core->recipe, &crossed);
        int64_t lead_us = step_handover_us(core) != 0 ? step_anchor_us(core, next) : 0;

        return (struct step_turn){.is = STEP_DONE, .at_us = core->now_us + lead_us};
}

struct step_turn step_failed(struct core *core, enum tool_action action, const char *why, ...)
{
        struct text t;
        va_list args;

        text_init(&t, core->step_why, sizeof core->step_why);
        if (why != NULL) {
                va_start(args, why);
                text_addv(&t, why, args);
                va_end(args);
        }
        return (struct step_turn){.is = STEP_FAILED, .at_us = core->now_us, .action = action};
}

int64_t step_timeout(const struct core *core, const struct recipe_op *op)
{
        int64_t timeout_us = op->timeout_us;

        if (core->state != MACHINE_EXECUTE)
                timeout_us = time_min(timeout_us, CORE_FINALLY_US);
        return timeout_us == TIME_NEVER ? TIME_NEVER
                                        : time_add(core->entered_us, timeout_us - core->waited_us);
}

/* ---- pulse ---- */

static void hand_over(struct core *core, const struct recipe_op *op, int64_t open_us)
{
        const struct tool_line *line = &core->tool->lines[op->line];
        struct core_pulse *pulse = &core->pulse;
        int64_t quiet_us = core_quiet_us(core);
        struct text path;
        struct record *r;

        /* Never earlier: until then it can be taken back without a word to the link (DESIGN.md, Time). */
        assert(open_us - core->now_us <= CORE_HANDOVER_US);
        core->attempt++;
        core_finish_measure(core);
        core_base_before(core);
        memset(pulse, 0, sizeof *pulse);
        pulse->tag = line->valve;
        pulse->open_us = open_us;
        pulse->close_us = open_us + op->for_us;
        pulse->id = output_pulse(&core->outs, line->valve, pulse->open_us, pulse->close_us, core->out);
        pulse->is_live = pulse->is_measuring = true;
        core_note_conditions(core, op->line);
        pulse_gauge_begin(&core->gauge, pulse->open_us, pulse->close_us, quiet_us);
        pulse->record.cycle = core->cycle;
        pulse->record.attempt = core->attempt;
        pulse->record.line = op->line;
        pulse->record.planned_open_us = core_wall(core, open_us);
        pulse->record.planned_width_us = op->for_us;
        pulse->record.opened_us = pulse->record.width_us = -1;
        pulse->record.open_acked_us = pulse->record.closed_us = pulse->record.close_acked_us = -1;
        pulse->record.pressure_base = pulse->record.pressure_peak = pulse->record.pressure_area = NAN;
        pulse->record.pressure_fit = NAN;
        pulse->record.pressure_decay_us = -1;
        pulse->record.outcome = PULSE_PENDING;
        text_init(&path, pulse->record.path, sizeof pulse->record.path);
        position_add_path(&path, &core->at, core->recipe);
        r = core_record(core, RECORD_PULSE_START);
        r->u.pulse = pulse->record;
        core_count_handed_over(core);
}

static void enter_pulse(struct core *core, const struct recipe_op *op)
{
        const struct tool_line *line = &core->tool->lines[op->line];
        char why[160];
        struct text t;

        /* V4, whatever the recipe says. */
        if (!machine_may_pulse(core->state)) {
                core_log(core, "pulse", RECORD_WARNING, line->name, "not opened in state %s",
                    machine_state_name(core->state));
                return;
        }
        if (!core->must_repeat)
                core->attempt = 0;
        core->half = core->at;
        core->half_cycle = core->cycle;
        core->half_line = op->line;
        core->has_half = true;
        core->must_repeat = true; /* until it is reported done */
        core->is_cut = core->is_dose_lost = false;
        if (core->now_us > core->step_us + CORE_LATE_US) {
                core_log(core, "pulse", RECORD_WARNING, line->name, "late by %" PRId64 " us: planned anew",
                    core->now_us - core->step_us);
                core->step_us = core->now_us + CORE_ANCHOR_US;
        }
        text_init(&t, why, sizeof why);

        if (!output_may_open(&core->outs, &core->locks, &core->snap, line->valve, core->step_us, &t)) {
                core_hold(core, false, "pulse %s was not opened: %s", line->name, why);
                return;
        }
        hand_over(core, op, core->step_us);
}

static struct step_turn turn_pulse(struct core *core, const struct recipe_op *op)
{
        int64_t end_us = time_add(core->step_us, op->for_us);

        /* How it went is judged when its end is reported (core_pulse_ended); the schedule is absolute. */
        if (core->now_us < end_us)
                return step_waits(end_us);
        return (struct step_turn){.is = STEP_DONE, .at_us = end_us};
}

static void describe_pulse(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op)
{
        (void)r;
        text_add(t, "pulse %s ", tool->lines[op->line].name);
        time_add_duration(t, op->for_us);
}

/* ---- the table ---- */

static const struct {
        void (*enter)(struct core *core, const struct recipe_op *op);
        struct step_turn (*turn)(struct core *core, const struct recipe_op *op);
        void (*describe)(
            struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op);
} steps[] = {
    [RECIPE_SET] = {enter_set, turn_at_once, describe_set},
    [RECIPE_WAIT] = {enter_nothing, step_time_turn, step_wait_describe},
    [RECIPE_WAIT_UNTIL] = {enter_nothing, step_until_turn, step_until_describe},
    [RECIPE_PULSE] = {enter_pulse, turn_pulse, describe_pulse},
    [RECIPE_PURGE] = {enter_nothing, step_time_turn, step_wait_describe},
    [RECIPE_PURGE_UNTIL] = {enter_nothing, step_until_turn, step_until_describe},
    [RECIPE_VALVE] = {enter_valve, turn_at_once, describe_valve},
    [RECIPE_NOTE] = {enter_note, turn_at_once, describe_note},
    [RECIPE_ROTATE] = {step_rotate_enter, turn_at_once, step_rotate_describe},
    [RECIPE_CONFIRM] = {step_confirm_enter, step_confirm_turn, step_confirm_describe},
    [RECIPE_LEAK_CHECK] = {step_leak_enter, step_leak_turn, step_leak_describe},
    [RECIPE_VENT] = {step_vent_enter, turn_at_once, step_vent_describe},
    [RECIPE_EXPOSE] = {enter_nothing, step_expose_turn, step_expose_describe},
    [RECIPE_EXPOSE_END] = {enter_nothing, step_expose_end_turn, step_expose_end_describe},
};

void step_enter(struct core *core, const struct recipe_op *op)
{
        assert(op->kind < RECIPE_REPEAT);
        core->entered_us = core->now_us > core->step_us ? core->now_us : core->step_us;
        core->true_us = TIME_NEVER;
        core->is_entered = true;
        core->moved_us = core->now_us;
        steps[op->kind].enter(core, op);
}

struct step_turn step_turn(struct core *core, const struct recipe_op *op)
{
        assert(op->kind < RECIPE_REPEAT);
        return steps[op->kind].turn(core, op);
}

void step_describe(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op)
{
        if (op->kind < RECIPE_REPEAT)
                steps[op->kind].describe(t, tool, r, op);
}
