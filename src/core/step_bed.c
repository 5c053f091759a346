/* A bed that turns to and fro on an absolute schedule, and rests in pulses. The rotation goes on beside the other steps: its
 * set-point is worked out anew in each turn and written when it changes. */
#include "step.h"

#include "ald/base/time.h" /* TIME_NEVER, time_add, time_min */

#include <assert.h> /* assert */

void step_rotate_enter(struct core *core, const struct recipe_op *op)
{
        if (!step_may_move(core, op->tag, op->value))
                return;
        core->rotation = (struct core_rotation){.is_on = true,
            .stops = op->stops,
            .tag = op->tag,
            .speed = op->value,
            .begun_us = core->step_us,
            .period_us = op->period_us,
            .lead_us = op->lead_us};
}

void step_rotate_describe(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op)
{
        int loop = tool_find_loop_of_setpoint(tool, op->tag);

        (void)r;
        text_add(t, "rotate %s at ", loop >= 0 ? tool->loops[loop].name : tool->tags[op->tag].name);
        tool_add_value(t, &tool->tags[op->tag], op->value);
        if (op->period_us == 0)
                return;
        text_add(t, ", reversed every ");
        time_add_duration(t, op->period_us);
}

void core_end_rotation(struct core *core, int tag)
{
        if (tag == TOOL_NONE || core->rotation.tag == tag)
                core->rotation.is_on = false;
}

void core_pause_rotation(struct core *core, int tag)
{
        if (core->rotation.is_on && core->rotation.tag == tag)
                core->rotation.is_paused = true;
}

void core_resume_rotation(struct core *core)
{
        core->rotation.is_paused = core->rotation.has_ordered = false;
}

int64_t core_next_pulse_us(const struct core *core)
{
        const struct recipe_op *op = &core->recipe->ops[core->at.op];
        int64_t gap_us;

        if (core->recover_us != 0)
                return core->reenter < 0 && op->kind == RECIPE_PULSE ? core->recover_us : TIME_NEVER;
        if (op->kind == RECIPE_END)
                return TIME_NEVER;
        if (!core->is_entered)
                return op->kind == RECIPE_PULSE ? core->step_us : TIME_NEVER;
        gap_us = position_pulse_in_us(&core->at, core->recipe);
        if (gap_us < 0)
                return TIME_NEVER;
        switch (op->kind) {
        case RECIPE_WAIT:
        case RECIPE_PURGE:
        case RECIPE_PULSE:
                return time_add(core->step_us + op->for_us, gap_us);
        case RECIPE_EXPOSE:
                /* The exhaust is about to be confirmed closed. */
                return core->block.is_closed ? time_add(core->now_us, gap_us) : TIME_NEVER;
        default:
                return TIME_NEVER;
        }
}

/* Is the bed to rest now? *next_us gets earlier when that changes before. */
static bool rests(const struct core *core, int64_t *next_us)
{
        const struct core_rotation *rot = &core->rotation;
        const struct core_pulse *pulse = &core->pulse;
        int64_t open_us;

        if (!rot->stops)
                return false;
        /* Until its end is reported, and not until its planned time: before that the valve may be open, or open late. So may one
         * that was taken back. */
        if (pulse->is_live) {
                bool is_near = core->now_us >= pulse->open_us - rot->lead_us;

                if (!is_near)
                        *next_us = time_min(*next_us, pulse->open_us - rot->lead_us);
                return is_near;
        }
        if (core->state != MACHINE_EXECUTE || !core->is_in_program)
                return false;
        open_us = core_next_pulse_us(core);
        if (open_us == TIME_NEVER)
                return false;
        if (core->now_us >= open_us - rot->lead_us)
                return true;
        *next_us = time_min(*next_us, open_us - rot->lead_us);
        return false;
}

/* Forwards in even periods, backwards in odd ones, counted from the rotation's own start: nothing shifts them. */
static double wanted_speed(const struct core *core, int64_t *next_us)
{
        const struct core_rotation *rot = &core->rotation;
        int64_t n = 0;

        if (rot->period_us > 0 && core->now_us > rot->begun_us) {
                n = (core->now_us - rot->begun_us) / rot->period_us;
                *next_us = time_min(*next_us, rot->begun_us + (n + 1) * rot->period_us);
        }
        if (rests(core, next_us))
                return 0;
        return n % 2 == 0 ? rot->speed : -rot->speed;
}

/* Does the hold image say where the bed stands? Then it stands there until the resume. */
static bool is_held_still(const struct core *core)
{
        bool is_holding = core->state == MACHINE_HOLDING || core->state == MACHINE_HELD ||
                          core->state == MACHINE_SUSPENDING || core->state == MACHINE_SUSPENDED;

        return is_holding && !core->tool->tags[core->rotation.tag].image[TOOL_IMAGE_HOLD].keep;
}

void core_turn_bed(struct core *core)
{
        struct core_rotation *rot = &core->rotation;
        int64_t next_us = TIME_NEVER;
        double speed;

        if (!rot->is_on || rot->is_paused || is_held_still(core))
                return;
        assert(core->recipe != NULL);
        speed = wanted_speed(core, &next_us);
        core->program_due_us = time_min(core->program_due_us, next_us);
        if (rot->has_ordered && !(speed < rot->ordered) && !(speed > rot->ordered))
                return;
        rot->has_ordered = true;
        rot->ordered = speed;
        rot->rests_us = core->now_us;
        core->setpoint[rot->tag] = (struct core_setpoint){.is_set = true, .value = speed};
        output_want(&core->outs, rot->tag, speed, CAUSE_STEP);
}

/* A pulse behind a wait whose end nobody could foretell comes upon a bed that still turns. One that the schedule told of has
 * had its lead, within a turn's length. */
bool core_awaits_rest(struct core *core)
{
        const struct core_rotation *rot = &core->rotation;
        bool is_at_rest = rot->has_ordered && !(rot->ordered < 0) && !(rot->ordered > 0);
        int64_t ready_us = time_add(is_at_rest ? rot->rests_us : core->now_us, rot->lead_us);

        /* Nor is one handed over early that was put off for a rotation which has ended since. */
        if (!rot->is_on || !rot->stops || rot->is_paused) {
                core->program_due_us = core->step_us - CORE_HANDOVER_US;
                return core->now_us < core->program_due_us;
        }
        if (is_at_rest && core->step_us >= ready_us - CORE_TURN_US_MAX) {
                core->program_due_us = core->step_us - CORE_HANDOVER_US;
                return core->now_us < core->program_due_us;
        }
        if (ready_us < core->now_us + CORE_ANCHOR_US)
                ready_us = core->now_us + CORE_ANCHOR_US;
        if (core->step_us < ready_us)
                core->step_us = ready_us;
        core->program_due_us = core->step_us - CORE_HANDOVER_US;
        return !is_at_rest || core->now_us < core->program_due_us;
}
