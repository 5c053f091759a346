/* The simulated tool behind aldsim's wire: one mutex around physics, module watchdogs and the pulses that modules time,
 * all moved lazily to the present at each access and by a ticker. Physics may run faster than real time; modules never do. */
#ifndef ALD_APP_ALDSIM_TOOL_H
#define ALD_APP_ALDSIM_TOOL_H

#include "ald/bus/server.h" /* struct server_tool */
#include "ald/core/tool.h"  /* struct tool */
#include "ald/sim/sim.h"    /* struct sim_config */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct aldsim_tool; /* opaque */
struct aldsim_edges;

/* Time begins with this call. `speed`: simulated seconds a second, > 0. NULL when memory is out. The tool is
 * borrowed. Free with aldsim_tool_free() (NULL allowed) after the server has stopped. */
struct aldsim_tool *aldsim_tool_new(const struct tool *tool, const struct sim_config *config, double speed);
void aldsim_tool_free(struct aldsim_tool *behind);

/* See sim_fault(). */
bool aldsim_tool_fault(struct aldsim_tool *behind, const char *spec, char *why, int why_cap);

/* Note each change of an output from now on (borrowed until the server has stopped; NULL: no longer). */
void aldsim_tool_log_edges(struct aldsim_tool *behind, struct aldsim_edges *edges);

/* The callbacks for the server; each is safe from any thread. */
struct server_tool aldsim_tool_callbacks(struct aldsim_tool *behind);

/* Let time pass and report what happened on standard error. Returns when the next watchdog or pulse would expire
 * (monotonic us, TIME_NEVER when none runs). */
int64_t aldsim_tool_tick(struct aldsim_tool *behind);

#endif
