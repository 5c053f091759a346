/* When the next turn is due: the earliest of all that the clock alone decides. What waits for the world (a read-back, a value,
 * the end of a pulse) comes as an event: a deadline that has passed without effect waits for one, and is not due again. */
#include "core_state.h"

#include "ald/base/time.h" /* TIME_NEVER, time_add, time_min, time_next */

/* Is anything waited for that only a read-back tells? Then the core looks as often as a live one does: it is soon over. */
static bool is_confirming(const struct core *core)
{
        switch (core->state) {
        case MACHINE_RESETTING:
        case MACHINE_HOLDING:
        case MACHINE_UNHOLDING:
        case MACHINE_SUSPENDING:
        case MACHINE_UNSUSPENDING:
        case MACHINE_ABORTING:
        case MACHINE_CLEARING:
                return true;
        case MACHINE_COMPLETING:
        case MACHINE_STOPPING:
                return core->stage == STAGE_PULSE || core->stage == STAGE_IMAGE;
        default:
                return core->is_shutting_down;
        }
}

/* Did the machine or the program move in this turn? What is watched was looked at before that: another turn follows soon. */
static bool has_moved(const struct core *core)
{
        return core->moved_us == core->now_us;
}

/* The machine: how long its state may last, how long people may leave it as it is, and when they are told of that. */
static int64_t state_deadline(const struct core *core)
{
        bool is_ending = core->state == MACHINE_COMPLETING || core->state == MACHINE_STOPPING;
        bool is_held = core->state == MACHINE_HELD || core->state == MACHINE_SUSPENDED;
        int64_t bound_us = machine_bound_us(is_ending ? MACHINE_RESETTING : core->state), held_us;
        int64_t since_us = is_ending ? core->stage_us : core->state_us, now_us = core->now_us;
        int64_t next = TIME_NEVER;
        enum tool_action then;

        if (bound_us != TIME_NEVER)
                next = time_next(next, time_add(since_us, bound_us + 1), now_us);
        if (is_ending && core->stage == STAGE_PURGE)
                next = time_next(next, core->stage_us, now_us);
        if (core->is_shutting_down)
                next = time_next(next, time_add(core->stage_us, CORE_EXIT_US), now_us);
        held_us = is_held ? core_expires_us(core, &then) : TIME_NEVER;
        if (held_us == TIME_NEVER)
                return next;
        next = time_next(next, held_us, now_us);
        return time_next(next, held_us - time_min(CORE_HOLD_WARN_US, core->recipe->hold_us_max / 2), now_us);
}

static int64_t guard_deadline(const struct core *core)
{
        int64_t next = TIME_NEVER;

        for (int i = 0; core->state == MACHINE_EXECUTE && i < core->recipe->guard_count; i++)
                next = time_next(
                    next, time_add(core->guard_us[i], core->recipe->guards[i].for_us), core->now_us);
        return next;
}

/* No word of a pulse's close, and the end of its measurement. */
static int64_t pulse_deadline(const struct core *core)
{
        int64_t next = TIME_NEVER;

        if (core->pulse.is_live)
                next = time_next(next, core->pulse.close_us + CORE_CLOSE_US + 1, core->now_us);
        if (core->pulse.is_measuring)
                next = time_next(next, core->gauge.end_us + 1, core->now_us);
        return next;
}

static int64_t link_deadline(const struct core *core)
{
        int64_t next = TIME_NEVER;

        for (int i = 0; i < core->tool->link_count; i++)
                if (!core->link[i].is_up)
                        next = time_next(next, core->link[i].down_us + CORE_LINK_US + 1, core->now_us);
        return next;
}

/* Until when first values are waited for, and how long heaters do without a Good one (H1). */
static int64_t value_deadline(const struct core *core)
{
        int64_t now_us = core->now_us, next = time_next(TIME_NEVER, core->locks.quiet_until_us, now_us);
        int cut_out = core->tool->over_temperature;

        if (cut_out >= 0 && !snapshot_is_good(&core->snap, cut_out))
                next = time_next(next, core->plausible.cut_out_us + CORE_HEATER_US + 1, now_us);
        for (int i = 0; i < core->tool->loop_count; i++)
                if (core->tool->loops[i].kind == TOOL_LOOP_HEATER &&
                    !snapshot_is_good(&core->snap, core->tool->loops[i].value))
                        next = time_next(next, core->heater_good_us[i] + CORE_HEATER_US + 1, now_us);
        return next;
}

int64_t core_next_due(const struct core *core)
{
        int64_t now_us = core->now_us;
        int64_t due[] = {core->turn_us_max == TIME_NEVER ? TIME_NEVER : now_us + core->turn_us_max,
            is_confirming(core) || has_moved(core) ? now_us + CORE_TURN_US_MAX : TIME_NEVER,
            core->program_due_us, core->standby_us, core->token.is_held ? core->token.until_us : TIME_NEVER,
            interlock_deadline(&core->locks), bypass_deadline(&core->bypasses), core_block_deadline(core),
            state_deadline(core), guard_deadline(core), pulse_deadline(core), link_deadline(core),
            value_deadline(core), core_plausible_deadline(core), alarm_deadline(&core->alarms, now_us),
            output_deadline(&core->outs, now_us)};
        int64_t next = TIME_NEVER;

        for (size_t i = 0; i < sizeof due / sizeof due[0]; i++)
                next = time_min(next, due[i]);
        return next > now_us ? next : now_us;
}
