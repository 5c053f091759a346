#include "ald/core/event.h"

#include <assert.h> /* assert */

const char *quality_name(enum quality q)
{
        static const char *const names[] = {"Good", "Uncertain", "Bad"};

        return names[q];
}

const char *quality_why_name(enum quality_why why)
{
        static const char *const names[] = {
            [QUALITY_WHY_NONE] = "",
            [QUALITY_WHY_NEVER] = "no value yet",
            [QUALITY_WHY_STALE] = "stale",
            [QUALITY_WHY_COMM] = "no reply",
            [QUALITY_WHY_DEVICE] = "device exception",
            [QUALITY_WHY_INVALID] = "not a valid value",
            [QUALITY_WHY_FROZEN] = "frozen",
        };

        return names[why];
}

const char *cause_name(enum cause cause)
{
        static const char *const names[CAUSE_COUNT] = {
            [CAUSE_NONE] = "none",
            [CAUSE_STARTUP] = "start-up",
            [CAUSE_STEP] = "step",
            [CAUSE_OPERATOR] = "operator",
            [CAUSE_IMAGE] = "image",
            [CAUSE_TRIP] = "trip",
            [CAUSE_PERMIT] = "permit",
            [CAUSE_DEADLINE] = "deadline",
            [CAUSE_LEASE] = "lease",
            [CAUSE_GATE] = "gate",
            [CAUSE_SHUTDOWN] = "shutdown",
            [CAUSE_PROOF] = "watchdog proof",
        };

        assert(cause < CAUSE_COUNT);
        return names[cause];
}

const char *pulse_outcome_name(enum pulse_outcome outcome)
{
        static const char *const names[PULSE_OUTCOME_COUNT] = {
            [PULSE_PENDING] = "open",
            [PULSE_DONE] = "done",
            [PULSE_CUT] = "cut",
            [PULSE_REVOKED] = "revoked",
            [PULSE_REFUSED] = "refused",
            [PULSE_FAILED] = "failed",
            [PULSE_INTERRUPTED] = "interrupted",
            [PULSE_LATE] = "late",
        };

        assert(outcome < PULSE_OUTCOME_COUNT);
        return names[outcome];
}

const char *record_severity_name(enum record_severity s)
{
        static const char *const names[] = {"info", "warning", "alarm", "trip"};

        return names[s];
}
