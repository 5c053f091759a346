/* The values in a fault's specification: what stands behind the equals sign, and its times. */
#ifndef ALD_SIM_FAULT_VALUE_H
#define ALD_SIM_FAULT_VALUE_H

#include "ald/core/tool.h" /* struct tool_tag */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct text;

enum fault_value {
        FAULT_VALUE_NONE,
        FAULT_VALUE_RATE,    /* of the tag's quantity; becomes its unit a second */
        FAULT_VALUE_READING, /* of the tag, in its unit; a switch: on or off */
        FAULT_VALUE_DELAY,   /* a time, in microseconds */
        FAULT_VALUE_FLOW,    /* sccm */
        FAULT_VALUE_PERCENT  /* becomes a part, 0-1 */
};

/* Read `text`. `tag`: the fault's target, needed for RATE and READING. False: `why` gets what would be accepted. */
bool fault_value_read(
    enum fault_value what, const struct tool_tag *tag, const char *text, double *value, struct text *why);
bool fault_value_time(const char *text, int64_t *us, struct text *why);

#endif
