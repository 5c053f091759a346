/* The plant: chamber, pump, loops, precursor lines and powder bed as one state that moves through time, driven by
 * positions and targets. It knows no registers and no faults of instruments; sim.c joins it to the tags.
 *
 * Each part is solved exactly for a step in which the others stand still; steps are short after a change and grow as
 * it fades, so a quiet hour is one step and a pulse edge is resolved to a millisecond. */
#ifndef ALD_SIM_PLANT_H
#define ALD_SIM_PLANT_H

#include "ald/core/tool.h" /* struct tool, struct tool_sim */
#include "ald/sim/dose.h"  /* struct dose */
#include "ald/sim/lag.h"   /* struct lag_heater */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

/* Values are in the base unit of the loop's kind: sccm, degC, rpm. */
struct plant_loop {
        enum tool_loop_kind kind;
        double value;
        double target;
        double tau_s, rate_max;   /* flow, motor */
        struct lag_heater heater; /* heater */
        double cut_out_degc;      /* heater: the hardware cut-out acts above */
        /* Driven. */
        bool is_powered;      /* false: heater off, motor without torque */
        bool is_stuck_on;     /* heater at full power */
        bool is_stalled;      /* motor held fast; flow controller stuck where it is */
        bool is_moving;       /* after the last step */
        double passed_sccm_s; /* flow: what it let through since the beginning */
};

struct plant_line {
        struct tool_sim_line numbers; /* with defaults filled in */
        int source;                   /* loop, or TOOL_NONE */
        bool is_open;                 /* driven */
        bool is_empty;                /* driven: its bottle gives nothing */
        double lost_part;             /* driven: part of its vapour that does not come, 0-1 */
        bool is_resting;              /* closed, nothing of it in the chamber, head space full */
        double rest_degc;             /* source temperature when it came to rest */
        double coverage;              /* part of the bed's sites it covers */
        double vapour_sccm;           /* in the last step */
        struct dose dose;
};

struct plant {
        struct tool_sim numbers; /* with defaults filled in */
        int loop_count, line_count;
        int carrier, chamber; /* loops, or TOOL_NONE */
        struct plant_loop loop[TOOL_LOOPS_MAX];
        struct plant_line line[TOOL_LINES_MAX];
        double pressure_torr;
        double inflow_sccm;         /* in the last step */
        double torr_s, in_sccm_s;   /* pressure and inflow, integrated since the beginning */
        double pump;                /* part of full speed, 0-1 */
        double area_m2, sites_umol; /* the bed */
        bool is_over_temperature;   /* the cut-out has acted: heaters are without power */
        bool is_quiet;              /* nothing but pressure and temperatures moves */
        int64_t since_us;           /* since the last change from outside */
        /* Driven. */
        bool is_pumped, is_exhaust_open, is_vent_open;
        bool is_soft_open; /* the narrow way round the exhaust valve */
        double leak_sccm;  /* beside the tool's own */
        double clog_part;  /* of the exhaust's conductance that is lost, 0-1 */
};

/* A cold plant at the air, everything shut and off. */
void plant_init(struct plant *plant, const struct tool *tool, double area_m2, double saturation_umol_m2);
/* Something that drives it changed: resolve what follows finely. */
void plant_touch(struct plant *plant);
void plant_advance(struct plant *plant, int64_t span_us);
/* Fill the bottles to equilibrium and bring the pressure to its steady value. */
void plant_settle(struct plant *plant);
double plant_source_degc(const struct plant *plant, int line);

#endif
