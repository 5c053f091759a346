/* What was counted before: the record's counts as the core takes them over at its start, and goes on with.
 *
 * The core sees each edge of each output once, so it tells openings (RECORD_VALVE), and the store adds them up in the
 * transaction that keeps what tells of them. The core's own sums are there to warn by; no output and no state depends on them. */
#ifndef ALD_CORE_COUNT_H
#define ALD_CORE_COUNT_H

#include "ald/core/tool.h" /* TOOL_TAGS_MAX, TOOL_LINES_MAX */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

/* Of an output's tag. */
struct count_valve {
        int64_t actuations, open_us;
        bool
            is_known; /* the record has seen it; else it is thought to be where it rests, at its safe value */
        bool is_open; /* it was, when the record ended */
};

/* The bottle in use of a precursor line. */
struct count_bottle {
        int64_t pulses, open_us;
        double used_umol; /* estimate */
        double content_g; /* when new; 0 = not known */
        char lot[96];     /* "" = not said */
};

struct counts {
        struct count_valve valve[TOOL_TAGS_MAX];
        struct count_bottle bottle[TOOL_LINES_MAX];
};

#endif
