/* What is still to come, estimated for people: how long the waits of a run take that its timed length leaves out, and when
 * the tool may be opened. Made from what the core knows and from how the temperatures move now and moved before, as seen once
 * a second. It is no part of the core: nothing that moves an output depends on it, no image holds it, and a virtual run
 * goes without it.
 *
 * What cannot be told stays untold: there is no number that stands for "unknown". */
#ifndef ALD_CORE_OUTLOOK_H
#define ALD_CORE_OUTLOOK_H

#include "ald/core/core.h" /* struct core */
#include "ald/core/tool.h" /* struct tool */

#include <stdint.h> /* int64_t */

struct outlook; /* opaque */

struct outlook_now {
        int64_t heating_us; /* of the run's waits that core_status.left_us leaves out; -1 = cannot be told */
        int64_t open_us;    /* until the tool may be opened, 0 = now; -1 = cannot be told */
        char open_waits[320]; /* what must still happen first; "" = nothing */
};

/* For one tool (borrowed for its whole life); NULL when memory is out. Nothing is allocated later. */
struct outlook *outlook_new(const struct tool *tool);
void outlook_free(struct outlook *outlook); /* NULL allowed */

/* Look at the core as it is now; about once a second. */
void outlook_turn(struct outlook *outlook, const struct core *core);
/* An output has just been moved: what could be opened a moment ago may not be now. Until the next look that is not known. */
void outlook_doubt(struct outlook *outlook);
/* As of the last turn. Times are rounded as far as they are far away. */
const struct outlook_now *outlook_get(const struct outlook *outlook);

#endif
