/* The log of edges: each change of each output of the simulated tool, with the tool's own clock, for who judges timing
 * from outside. Serving never waits for the file: changes go through a queue, and the ticker writes them. */
#ifndef ALD_APP_ALDSIM_EDGES_H
#define ALD_APP_ALDSIM_EDGES_H

#include "ald/core/tool.h" /* struct tool */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct aldsim_edges; /* opaque */

/* Append to the file at `path`, which is made if it is not there. NULL: errno says why. The tool is borrowed. End
 * with aldsim_edges_close(). */
struct aldsim_edges *aldsim_edges_open(const struct tool *tool, const char *path);

/* An output changed at t_us (monotonic). Neither waits nor allocates; one thread at a time. A full queue loses it,
 * which the close tells. */
void aldsim_edges_note(struct aldsim_edges *edges, int tag, double value, int64_t t_us);

/* Write what was noted, as lines "TAG VALUE MONOTONIC_US"; by one thread, which may be another than the noting one. */
void aldsim_edges_write(struct aldsim_edges *edges);

/* Write the rest and end; NULL is allowed. How many changes were lost, by a full queue or a file that takes no more. */
int64_t aldsim_edges_close(struct aldsim_edges *edges);

#endif
