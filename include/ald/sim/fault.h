/* Faults on demand: what people write, KIND[:TARGET][=VALUE][@START][+DURATION], checked against the tool.
 * What a fault does stands where it acts (sim.c and its parts); here it only begins and ends. */
#ifndef ALD_SIM_FAULT_H
#define ALD_SIM_FAULT_H

#include "ald/core/tool.h" /* struct tool */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int16_t, int64_t */

enum { FAULTS_MAX = 64, FAULT_SPEC_MAX = 128 };

enum fault_kind {
        FAULT_STUCK_CLOSED, /* the valve's seat, not its coil: the read-back still follows */
        FAULT_STUCK_OPEN,
        FAULT_FROZEN, /* an input shows what it showed when the fault began */
        FAULT_NAN,
        FAULT_DRIFT,      /* an input shows more and more; value in its unit a second */
        FAULT_READS,      /* an input shows this value */
        FAULT_DEAF,       /* an output takes writes and ignores them */
        FAULT_FLOW_STUCK, /* the controller's valve stays where it is */
        FAULT_MOTOR_STALL,
        FAULT_HEATER_STUCK_ON,
        FAULT_HEATER_DEAD,
        FAULT_BOTTLE_EMPTY, /* the line's bottle gives nothing */
        FAULT_BOTTLE_LOW,   /* it gives less: part of the vapour that is lost, 0-1 */
        FAULT_PUMP_FAIL,
        FAULT_LEAK, /* sccm of air into the chamber */
        FAULT_CLOG, /* part of the exhaust's conductance that is lost, 0-1 */
        FAULT_LID_OPEN,
        FAULT_EMO,           /* the emergency-off button is pressed */
        FAULT_SLOW,          /* replies come `value` microseconds late */
        FAULT_SILENT,        /* no reply at all */
        FAULT_DROP,          /* the connection is dropped instead of an answer */
        FAULT_ABSENT,        /* the device has no such register: reads of it get exception 2 */
        FAULT_WATCHDOG_DEAD, /* a module's watchdog never acts */
        FAULT_KIND_COUNT
};

struct fault {
        enum fault_kind kind;
        int16_t tag, loop, device, link; /* its target; TOOL_NONE where it has none of that sort */
        double value;
        int64_t start_us, end_us; /* simulated time; end_us TIME_NEVER = stays */
        bool is_active;
        double held;               /* FROZEN: what is shown */
        char spec[FAULT_SPEC_MAX]; /* as written */
};

/* Compile a fault. False: *why (why_cap bytes) says what is wrong and what would be accepted; *out is untouched. */
bool fault_parse(struct fault *out, const struct tool *tool, const char *spec, char *why, int why_cap);

/* The grammar and one line for each kind. Static. */
const char *fault_help(void);

#endif
