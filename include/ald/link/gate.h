/* The gate: the last look at every output value before it goes on the wire. Small and independent of the arbiter on
 * purpose (it shares no code with it): it knows only exclusion groups and maximum open times, so that an error in
 * the core cannot open two precursors or leave one open (SAFETY V1, V3, V5). */
#ifndef ALD_LINK_GATE_H
#define ALD_LINK_GATE_H

#include "ald/core/tool.h" /* struct tool */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

enum gate_verdict { GATE_PASS, GATE_EXCLUDED, GATE_UNKNOWN };

struct gate_output {
        bool is_open;     /* may be open: a sent open counts from before it is sent, a close only once acknowledged */
        int64_t opened_us;
};

struct gate {
        const struct tool *tool; /* borrowed */
        struct gate_output out[TOOL_TAGS_MAX];
};

void gate_init(struct gate *gate, const struct tool *tool);

/* May `tag` be written to `value` now? Safe values always pass. */
enum gate_verdict gate_check(const struct gate *gate, int tag, double value);
/* The name of an open output that excludes `tag`, or TOOL_NONE. */
int gate_blocker(const struct gate *gate, int tag);

/* A write is about to be sent / was acknowledged. */
void gate_sending(struct gate *gate, int tag, double value, int64_t now_us);
void gate_acked(struct gate *gate, int tag, double value);

/* When the next output passes its maximum open time (TIME_NEVER: none); *tag gets which. */
int64_t gate_deadline(const struct gate *gate, int *tag);

#endif
