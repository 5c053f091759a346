/* The simulated tool: the physics of the reactor behind its outputs and inputs (PROCESS.md, section 4), in tag values.
 * Pure: time is an argument, noise comes from a seed. It serves the virtual runner (tests, dry-run) and aldsim.
 *
 * Simulated time begins at 0. Outputs begin at their safe values, the pump stopped, the chamber cold and at the air;
 * with `ready`: pump running, carrier at its standby flow, chamber pumped down, heaters at the temperatures of a run
 * (chamber 175 degC, sources 110 degC, every other zone 130 degC, within the limits of their set-points). */
#ifndef ALD_SIM_SIM_H
#define ALD_SIM_SIM_H

#include "ald/core/tool.h" /* struct tool */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t, uint64_t */

struct fault;
struct sim; /* opaque */

/* A whole niobium half-cycle at 0.3 A a cycle (PROCESS.md, section 4). */
#define SIM_SATURATION_UMOL_M2 1.04

struct sim_config {
        uint64_t seed;
        bool ready; /* start pumped down and hot, see above */
        /* Instruments show what is there. A millionth of their noise stays, as the last digit of a gauge that works never
         * stands still: a value that does counts as frozen. */
        bool is_exact;
        bool may_repeat;  /* sim_mark() will be called: equal periods are computed once (sim/repeat.h) */
        double powder_m2; /* area in the bed, 0 = empty */
        double
            saturation_umol_m2; /* what a whole half-cycle takes of any precursor; 0 = 1.04 (0.3 A a cycle) */
};

/* NULL when memory is out. The tool is borrowed. Free with sim_free() (NULL allowed). */
struct sim *sim_new(const struct tool *tool, const struct sim_config *config);
void sim_free(struct sim *sim);
/* Make `to` what `from` is, both of one tool. */
void sim_copy(struct sim *to, const struct sim *from);

/* Let the physics run up to t_us (>= the last; steps are chosen inside). */
void sim_advance(struct sim *sim, int64_t t_us);
int64_t sim_time_us(const struct sim *sim);

/* A period begins that may be equal to the one before, a cycle of the recipe. */
void sim_mark(struct sim *sim);
/* Is the present one played back? */
bool sim_is_repeating(const struct sim *sim);

/* What the instrument behind `tag` shows at the time reached, in the tag's unit; outputs read back what they hold.
 * NaN only under a `nan` fault. */
double sim_read(const struct sim *sim, int tag);
/* Set an output (a finite value in its unit). Valves move at once: give simulated time its edges by sim_advance(). */
void sim_write(struct sim *sim, int tag, double value);
/* The outputs of a device go where its watchdog drives them when it expires; to their safe values, as without power. */
void sim_device_expire(struct sim *sim, int device);
void sim_device_safe(struct sim *sim, int device);
/* A fault: the device's watchdog never acts. */
bool sim_watchdog_is_dead(const struct sim *sim, int device);

/* Make a fault from its words, "stuck-open:nb.valve@10s" (see sim_fault_help); its times are simulated time. False:
 * *why explains (why_cap bytes). */
bool sim_fault(struct sim *sim, const char *spec, char *why, int why_cap);
/* The grammar and one line for each kind of fault. */
const char *sim_fault_help(void);
/* The faults given so far, for reports: how many, and one of them (sim/fault.h; borrowed until the next sim_fault). */
int sim_fault_count(const struct sim *sim);
const struct fault *sim_fault_at(const struct sim *sim, int i);
/* Faults of the wire, for the server: delay of a reply now (us), -1 silence, -2 drop the connection. */
int64_t sim_wire_delay(const struct sim *sim, int device, bool is_write);
/* Has the device no register for this tag now? */
bool sim_is_absent(const struct sim *sim, int tag);

/* ---- What no instrument shows, for the dry-run and for tests. ---- */

/* The pressure in the chamber without the gauge's noise and faults. */
double sim_pressure_torr(const struct sim *sim);

/* The gas since time 0 as integrals, exact over the edges of pulses. */
struct sim_gas {
        double torr_s;    /* of the pressure */
        double in_sccm_s; /* of all that enters the chamber, precursor included */
        double inert_scc; /* of the inert flows, standard cm3 */
};
void sim_get_gas(const struct sim *sim, struct sim_gas *out);
/* Does anything move that a condition may wait for: a flow, a heater, the bed, the pump? Vapour that fades is no such thing. */
bool sim_is_moving(const struct sim *sim);

struct sim_line {
        bool is_open;        /* vapour can pass: the seat, not the coil */
        double vapour_torr;  /* of the source at its present temperature */
        double vapour_sccm;  /* into the chamber in the last step */
        double residue_umol; /* in the chamber's gas now */
        double coverage;     /* part of the bed's sites that this line covers, 0-1 */
        double sites_umol;   /* what a whole half-cycle takes */
        double delivered_umol, adsorbed_umol, released_umol, exposure_torr_s; /* sums since time 0 */
};
void sim_get_line(const struct sim *sim, int line, struct sim_line *out);

#endif
