/* How late pulses close at their module, by what befell them: one figure for all faults in which the module still executes
 * writes. Planned is the width behind the call that opens, as the pulse or the hand that opened says. */
#ifndef TESTS_SIM_CLOSES_H
#define TESTS_SIM_CLOSES_H

#include "seen.h" /* struct seen */

#include <stdint.h> /* int64_t */

enum closes_class {
        CLOSES_PLAIN,       /* nothing befell its link */
        CLOSES_SLOW,        /* the request took more than CLOSES_SLOW_US to its module */
        CLOSES_FAILED,      /* one call of the link failed while it was open */
        CLOSES_FAILED_MORE, /* several did */
        CLOSES_REFUSED,     /* a close arrived, and its module did not execute it */
        CLOSES_STALLED,     /* the worker's thread stood still */
        CLOSES_CLASSES
};
const char *closes_class_name(int class);

/* What came of many; of several results the sums, and the latest. */
struct closes_result {
        int64_t count[CLOSES_CLASSES], late[CLOSES_CLASSES]; /* late: by more than CLOSES_LATE_US */
        int64_t latest_us[CLOSES_CLASSES];
        uint64_t seed[CLOSES_CLASSES]; /* of the latest, and when it closed there */
        int64_t t_us[CLOSES_CLASSES];
};
#define CLOSES_LATE_US INT64_C(50000)
#define CLOSES_SLOW_US INT64_C(25000)
void closes_add(struct closes_result *to, const struct closes_result *r);

/* What is followed of each output that doses. */
struct closes_pulse {
        int64_t plan_us;  /* width; of the pulse that was ordered last */
        int64_t begun_us; /* the call that opens it; 0: none is open */
        bool is_open;     /* at the module */
        bool is_refused, is_stalled;
        int failures;       /* calls of its link */
        int64_t closed_us;  /* its output fell; not counted yet */
        int64_t transit_us; /* of the last close that arrived */
};
struct closes {
        const struct seen *seen;
        const struct tool *tool;
        uint64_t seed;
        struct closes_pulse pulse[TOOL_TAGS_MAX];
        struct closes_result result;
};
/* Before seen_note() of the same, as the checkers. */
void closes_see(struct closes *c, const struct world_note *n);

#endif
