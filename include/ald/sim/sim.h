/* The simulated tool: the physics of the reactor behind its outputs and inputs (PROCESS.md, section 4), in tag values.
 * Pure: time is an argument, noise comes from a seed. It serves the virtual runner (tests, dry-run) and aldsim. */
#ifndef ALD_SIM_SIM_H
#define ALD_SIM_SIM_H

#include "ald/core/tool.h" /* struct tool */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t, uint64_t */

struct sim; /* opaque */

struct sim_config {
        uint64_t seed;
        bool ready;     /* start pumped down, carrier at its standby flow, heaters hot (see sim.c) */
        double powder_m2; /* area in the bed, 0 = empty */
};

/* NULL when memory is out. The tool is borrowed. Free with sim_free(). */
struct sim *sim_new(const struct tool *tool, const struct sim_config *config);
void sim_free(struct sim *sim);

/* Let the physics run up to t_us (>= the last; steps are chosen inside). */
void sim_advance(struct sim *sim, int64_t t_us);

/* What the instrument behind `tag` shows at the time reached, in the tag's unit; outputs read back what they hold. */
double sim_read(struct sim *sim, int tag);
/* Set an output. */
void sim_write(struct sim *sim, int tag, double value);
/* All outputs of a device to their safe values: its watchdog expired. */
void sim_device_safe(struct sim *sim, int device);

/* Make a fault from its words, "stuck-open:nb.valve@10s" (see sim_fault_help). False: *why explains (why_cap bytes). */
bool sim_fault(struct sim *sim, const char *spec, char *why, int why_cap);
/* One line for each kind of fault. */
const char *sim_fault_help(void);
/* Faults of the wire, for the server: delay of a reply now (us), -1 silence, -2 drop the connection. */
int64_t sim_wire_delay(struct sim *sim, int device, bool is_write);

#endif
