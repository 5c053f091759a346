/* Machine states (PackML / ISA-88 words) and the one table of transitions (SAFETY S3, S4). */
#ifndef ALD_CORE_MACHINE_H
#define ALD_CORE_MACHINE_H

#include "ald/core/tool.h" /* enum tool_image */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* UINT32_C, int64_t */

enum machine_state {
        MACHINE_STOPPED,
        MACHINE_RESETTING,
        MACHINE_IDLE,
        MACHINE_STARTING,
        MACHINE_EXECUTE,
        MACHINE_COMPLETING,
        MACHINE_COMPLETE,
        MACHINE_HOLDING,
        MACHINE_HELD,
        MACHINE_UNHOLDING,
        MACHINE_SUSPENDING,
        MACHINE_SUSPENDED,
        MACHINE_UNSUSPENDING,
        MACHINE_STOPPING,
        MACHINE_ABORTING,
        MACHINE_ABORTED,
        MACHINE_CLEARING,
        MACHINE_STATE_COUNT
};

#define MACHINE_BIT(s) (UINT32_C(1) << (s))

/* What moves the machine. DONE: the acting state has reached its end. */
enum machine_cause {
        MACHINE_ON_DONE,
        MACHINE_ON_RUN,
        MACHINE_ON_HOLD,
        MACHINE_ON_RESUME,
        MACHINE_ON_SUSPEND,
        MACHINE_ON_UNSUSPEND,
        MACHINE_ON_STOP,
        MACHINE_ON_ABORT,
        MACHINE_ON_RESET,
        MACHINE_ON_FINISH,  /* the program has no further step */
        MACHINE_ON_STARTED, /* start-up is over and nothing is latched */
        MACHINE_CAUSE_COUNT
};

const char *machine_state_name(enum machine_state s);
const char *machine_cause_name(enum machine_cause c);

/* The state that follows, or -1 when the table has no such transition. */
int machine_next(enum machine_state s, enum machine_cause c);

/* Acting states do something and end in bounded time; resting states stay until told. */
bool machine_is_acting(enum machine_state s);
/* Longest stay in an acting state before it becomes Aborting (TIME_NEVER for resting states, Execute and the states
 * whose bound is the recipe's own). */
int64_t machine_bound_us(enum machine_state s);
/* A run is under way in these. */
bool machine_in_run(enum machine_state s);
/* Precursors may open in these (SAFETY V4, without manual operation). */
bool machine_may_pulse(enum machine_state s);
/* The image a resting state equals; TOOL_IMAGE_COUNT for states without one. */
enum tool_image machine_image(enum machine_state s);

#endif
