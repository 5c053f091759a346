#include "ald/core/machine.h"

#include "ald/base/time.h" /* TIME_S */

#include <assert.h> /* assert */

/* Everything that is known of a state, in one row. `bound_us`: an acting state that is not done by then becomes
 * Aborting (S3). Stopping and Completing run the recipe's `finally`, whose own steps are bounded; Execute and the
 * resting states have no bound here. Holding and Starting wait for outputs to be confirmed. */
static const struct {
        const char *name;
        bool is_acting, in_run, may_pulse;
        enum tool_image image;
        int64_t bound_us;
} states[MACHINE_STATE_COUNT] = {
    [MACHINE_STOPPED] = {"Stopped", false, false, false, TOOL_IMAGE_STANDBY, TIME_NEVER},
    [MACHINE_RESETTING] = {"Resetting", true, false, false, TOOL_IMAGE_STANDBY, 30 * TIME_S},
    [MACHINE_IDLE] = {"Idle", false, false, false, TOOL_IMAGE_STANDBY, TIME_NEVER},
    [MACHINE_STARTING] = {"Starting", true, true, true, TOOL_IMAGE_COUNT, 30 * TIME_S},
    [MACHINE_EXECUTE] = {"Execute", true, true, true, TOOL_IMAGE_COUNT, TIME_NEVER},
    [MACHINE_COMPLETING] = {"Completing", true, true, false, TOOL_IMAGE_COUNT, TIME_NEVER},
    [MACHINE_COMPLETE] = {"Complete", false, false, false, TOOL_IMAGE_STANDBY, TIME_NEVER},
    [MACHINE_HOLDING] = {"Holding", true, true, false, TOOL_IMAGE_COUNT, 60 * TIME_S},
    [MACHINE_HELD] = {"Held", false, true, false, TOOL_IMAGE_HOLD, TIME_NEVER},
    [MACHINE_UNHOLDING] = {"Unholding", true, true, true, TOOL_IMAGE_COUNT, 60 * TIME_S},
    [MACHINE_SUSPENDING] = {"Suspending", true, true, false, TOOL_IMAGE_COUNT, 60 * TIME_S},
    [MACHINE_SUSPENDED] = {"Suspended", false, true, false, TOOL_IMAGE_HOLD, TIME_NEVER},
    [MACHINE_UNSUSPENDING] = {"Unsuspending", true, true, true, TOOL_IMAGE_COUNT, 60 * TIME_S},
    [MACHINE_STOPPING] = {"Stopping", true, true, false, TOOL_IMAGE_COUNT, TIME_NEVER},
    [MACHINE_ABORTING] = {"Aborting", true, true, false, TOOL_IMAGE_ABORT, 5 * TIME_S},
    [MACHINE_ABORTED] = {"Aborted", false, false, false, TOOL_IMAGE_ABORT, TIME_NEVER},
    [MACHINE_CLEARING] = {"Clearing", true, false, false, TOOL_IMAGE_STANDBY, 30 * TIME_S},
};

/* The transitions: PackML's, with two additions that spare the operator a word: `run` is accepted from Stopped and
 * Complete (it passes through Resetting), and a finished start-up leads from Aborting to Stopped when nothing is
 * latched (core.c decides which). 0 = no transition, else state + 1. */
#define TO(s) ((s) + 1)
static const unsigned char table[MACHINE_STATE_COUNT][MACHINE_CAUSE_COUNT] = {
    [MACHINE_STOPPED] = {[MACHINE_ON_RUN] = TO(MACHINE_RESETTING),
        [MACHINE_ON_RESET] = TO(MACHINE_RESETTING),
        [MACHINE_ON_ABORT] = TO(MACHINE_ABORTING)},
    [MACHINE_RESETTING] = {[MACHINE_ON_DONE] = TO(MACHINE_IDLE),
        [MACHINE_ON_STOP] = TO(MACHINE_STOPPING),
        [MACHINE_ON_ABORT] = TO(MACHINE_ABORTING)},
    [MACHINE_IDLE] = {[MACHINE_ON_RUN] = TO(MACHINE_STARTING),
        [MACHINE_ON_RESET] = TO(MACHINE_RESETTING),
        [MACHINE_ON_STOP] = TO(MACHINE_STOPPING),
        [MACHINE_ON_ABORT] = TO(MACHINE_ABORTING)},
    [MACHINE_STARTING] = {[MACHINE_ON_DONE] = TO(MACHINE_EXECUTE),
        [MACHINE_ON_STOP] = TO(MACHINE_STOPPING),
        [MACHINE_ON_ABORT] = TO(MACHINE_ABORTING)},
    [MACHINE_EXECUTE] = {[MACHINE_ON_FINISH] = TO(MACHINE_COMPLETING),
        [MACHINE_ON_HOLD] = TO(MACHINE_HOLDING),
        [MACHINE_ON_SUSPEND] = TO(MACHINE_SUSPENDING),
        [MACHINE_ON_STOP] = TO(MACHINE_STOPPING),
        [MACHINE_ON_ABORT] = TO(MACHINE_ABORTING)},
    [MACHINE_COMPLETING] = {[MACHINE_ON_DONE] = TO(MACHINE_COMPLETE),
        [MACHINE_ON_STOP] = TO(MACHINE_STOPPING),
        [MACHINE_ON_ABORT] = TO(MACHINE_ABORTING)},
    [MACHINE_COMPLETE] = {[MACHINE_ON_RUN] = TO(MACHINE_RESETTING),
        [MACHINE_ON_RESET] = TO(MACHINE_RESETTING),
        [MACHINE_ON_STOP] = TO(MACHINE_STOPPING),
        [MACHINE_ON_ABORT] = TO(MACHINE_ABORTING)},
    [MACHINE_HOLDING] = {[MACHINE_ON_DONE] = TO(MACHINE_HELD),
        [MACHINE_ON_STOP] = TO(MACHINE_STOPPING),
        [MACHINE_ON_ABORT] = TO(MACHINE_ABORTING)},
    [MACHINE_HELD] = {[MACHINE_ON_RESUME] = TO(MACHINE_UNHOLDING),
        [MACHINE_ON_STOP] = TO(MACHINE_STOPPING),
        [MACHINE_ON_ABORT] = TO(MACHINE_ABORTING)},
    [MACHINE_UNHOLDING] = {[MACHINE_ON_DONE] = TO(MACHINE_EXECUTE),
        [MACHINE_ON_HOLD] = TO(MACHINE_HOLDING),
        [MACHINE_ON_STOP] = TO(MACHINE_STOPPING),
        [MACHINE_ON_ABORT] = TO(MACHINE_ABORTING)},
    [MACHINE_SUSPENDING] = {[MACHINE_ON_DONE] = TO(MACHINE_SUSPENDED),
        [MACHINE_ON_HOLD] = TO(MACHINE_HOLDING),
        [MACHINE_ON_STOP] = TO(MACHINE_STOPPING),
        [MACHINE_ON_ABORT] = TO(MACHINE_ABORTING)},
    [MACHINE_SUSPENDED] = {[MACHINE_ON_UNSUSPEND] = TO(MACHINE_UNSUSPENDING),
        [MACHINE_ON_HOLD] = TO(MACHINE_HOLDING),
        [MACHINE_ON_STOP] = TO(MACHINE_STOPPING),
        [MACHINE_ON_ABORT] = TO(MACHINE_ABORTING)},
    [MACHINE_UNSUSPENDING] = {[MACHINE_ON_DONE] = TO(MACHINE_EXECUTE),
        [MACHINE_ON_SUSPEND] = TO(MACHINE_SUSPENDING),
        [MACHINE_ON_HOLD] = TO(MACHINE_HOLDING),
        [MACHINE_ON_STOP] = TO(MACHINE_STOPPING),
        [MACHINE_ON_ABORT] = TO(MACHINE_ABORTING)},
    [MACHINE_STOPPING] = {[MACHINE_ON_DONE] = TO(MACHINE_STOPPED), [MACHINE_ON_ABORT] = TO(MACHINE_ABORTING)},
    [MACHINE_ABORTING] =
        {[MACHINE_ON_DONE] = TO(MACHINE_ABORTED), [MACHINE_ON_STARTED] = TO(MACHINE_STOPPED)},
    [MACHINE_ABORTED] = {[MACHINE_ON_RESET] = TO(MACHINE_CLEARING)},
    [MACHINE_CLEARING] = {[MACHINE_ON_DONE] = TO(MACHINE_STOPPED), [MACHINE_ON_ABORT] = TO(MACHINE_ABORTING)},
};

const char *machine_state_name(enum machine_state s)
{
        assert(s < MACHINE_STATE_COUNT);
        return states[s].name;
}

const char *machine_cause_name(enum machine_cause c)
{
        static const char *const names[MACHINE_CAUSE_COUNT] = {
            [MACHINE_ON_DONE] = "done",
            [MACHINE_ON_RUN] = "run",
            [MACHINE_ON_HOLD] = "hold",
            [MACHINE_ON_RESUME] = "resume",
            [MACHINE_ON_SUSPEND] = "suspend",
            [MACHINE_ON_UNSUSPEND] = "unsuspend",
            [MACHINE_ON_STOP] = "stop",
            [MACHINE_ON_ABORT] = "abort",
            [MACHINE_ON_RESET] = "reset",
            [MACHINE_ON_FINISH] = "finish",
            [MACHINE_ON_STARTED] = "started",
        };

        assert(c < MACHINE_CAUSE_COUNT);
        return names[c];
}

int machine_next(enum machine_state s, enum machine_cause c)
{
        assert(s < MACHINE_STATE_COUNT && c < MACHINE_CAUSE_COUNT);
        return table[s][c] - 1;
}

bool machine_is_acting(enum machine_state s)
{
        return states[s].is_acting;
}

int64_t machine_bound_us(enum machine_state s)
{
        return states[s].bound_us;
}

bool machine_in_run(enum machine_state s)
{
        return states[s].in_run;
}

bool machine_may_pulse(enum machine_state s)
{
        return states[s].may_pulse;
}

enum tool_image machine_image(enum machine_state s)
{
        return states[s].image;
}
