/* One precursor line: vapour from the source into the chamber, its way out again, and what the powder takes of it
 * (PROCESS.md, section 4). Amounts are umol, pressures Torr, flows sccm. */
#ifndef ALD_SIM_DOSE_H
#define ALD_SIM_DOSE_H

#include "ald/core/tool.h" /* struct tool_sim_line */

#include <stdbool.h> /* bool */

/* Fill in what a tool file left out of a line's numbers. */
void dose_complete(struct tool_sim_line *line);

/* log10 p(Torr) = a - b / (c + T): the line's vapour pressure at a temperature. */
double dose_vapour_torr(const struct tool_sim_line *line, double degc);

/* How fast the head space of a bottle at `degc` empties through the open valve of a `draw` line (1/s). */
double dose_draw_rate(const struct tool_sim_line *line, double degc);

/* State of a line. All zero is an empty chamber with an empty bottle: dose_fill() first. */
struct dose {
        double head_vapour_torr, head_carrier_torr; /* draw: what stands in the bottle's head space */
        double gas_umol;  /* vapour that clears with the line's first purge constant */
        double slow_umol; /* vapour held in dead legs and on walls: clears with the second */
        /* Sums since the beginning. */
        double delivered_umol, adsorbed_umol, released_umol, exposure_torr_s;
};

/* The head space in equilibrium with the source at `degc`, without carrier. */
void dose_fill(struct dose *dose, const struct tool_sim_line *line, double degc);
/* Nothing moves: neither vapour in the chamber nor a head space that refills. */
bool dose_is_at_rest(const struct dose *dose, const struct tool_sim_line *line, double degc);

/* What surrounds a line during one step. */
struct dose_at {
        double h_s;
        bool is_open; /* its valve passes */
        double source_degc;
        double chamber_torr; /* in the middle of the step */
        double chamber_litre;
        double carrier_sccm; /* inert flow that can sweep the bottle */
        double
            clear_part; /* how far the way to the pump is open, 0-1: 0 = vapour stays until the powder takes it */
};

/* Flows out of the bottle, averaged over the step. Negative `other`: carrier flows back into the bottle. */
struct dose_flow {
        double vapour_sccm;
        double
            other_sccm; /* carrier that comes with a draw or a boost; through: 0, the carrier is counted already */
};
struct dose_flow dose_deliver(struct dose *dose, const struct tool_sim_line *line, const struct dose_at *at);

/* The powder as one line sees it. */
struct dose_bed {
        double sites_umol; /* what a whole half-cycle takes of this precursor; 0 = empty bed */
        double free_part;  /* sites still open to it, 0-1 */
        double area_m2;
        double degc; /* of the chamber */
};

/* Let what is in the chamber flow away and adsorb. Returns umol adsorbed in the step (<= free_part x sites_umol);
 * *gas_umol gets what this line adds to the chamber's gas in the step, ligands that are released included. */
double dose_spread(struct dose *dose, const struct tool_sim_line *line, const struct dose_at *at,
    const struct dose_bed *bed, double vapour_sccm, double *gas_umol);

#endif
