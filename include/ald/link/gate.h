/* The gate: the last look at every output value before it goes on the wire. Small and independent of the arbiter on
 * purpose (it shares no code with it and reads the interlock table itself): it knows only exclusion groups, maximum
 * open times and leases, so that an error in the core cannot open two precursors or leave one open (SAFETY V1, V3,
 * V5).
 *
 * It sees the outputs of one link only; that is why an exclusion group lies on one link (DESIGN.md, Outputs). */
#ifndef ALD_LINK_GATE_H
#define ALD_LINK_GATE_H

#include "ald/core/event.h" /* enum cause */
#include "ald/core/tool.h"  /* struct tool */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

enum gate_verdict {
        GATE_PASS,
        GATE_EXCLUDED, /* another output of its group may be open */
        GATE_UNKNOWN   /* another output of its group has not been confirmed closed since the start */
};

/* Two notions that differ for an output whose safe value is "open" (an exhaust valve):
 * open = not 0, what exclusions are about; energised = not its safe value, what leases and maximum times are about. */
struct gate_output {
        bool is_known;     /* an acknowledged write has told what it is */
        bool may_be_open;  /* a sent open counts from before it is sent, a close only once acknowledged */
        bool is_energised; /* likewise */
        bool is_timed; /* opened by a timed pair, which carries its own close: no lease, no maximum here */
        int64_t energised_us; /* when the first write that may have energised it was sent */
};

struct gate {
        const struct tool *tool; /* borrowed */
        int link;
        struct gate_output out[TOOL_TAGS_MAX];
};

/* A gate for the outputs of devices that are written over `link`. */
void gate_init(struct gate *gate, const struct tool *tool, int link);

/* May `tag` be written to `value` now? Safe values always pass, and so does a close. */
enum gate_verdict gate_check(const struct gate *gate, int tag, double value);
/* The output that excludes `tag` (open or unknown), or TOOL_NONE. */
int gate_blocker(const struct gate *gate, int tag);

/* A write is about to be sent / was acknowledged. */
void gate_sending(struct gate *gate, int tag, double value, int64_t now_us);
void gate_acked(struct gate *gate, int tag, double value);
/* It may be open after all: an earlier open may still take effect. */
void gate_doubt(struct gate *gate, int tag, int64_t now_us);
/* The output is in the hands of a timed pair / no longer. */
void gate_set_timed(struct gate *gate, int tag, bool is_timed);

/* When `tag` must be back at its safe value at the latest, if the core's last turn was at turn_us: TIME_NEVER when
 * nothing bounds it. *cause gets what does: CAUSE_DEADLINE (maximum open time) or CAUSE_LEASE (silence). */
int64_t gate_limit(const struct gate *gate, int tag, int64_t turn_us, enum cause *cause);

#endif
