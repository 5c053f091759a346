/* The dry run: a whole run of a recipe in virtual time, by the daemon's own core on the simulated tool, and what came of
 * it as plain numbers. It samples the physics at the core's deadlines and adaptively between, so that hours of purge cost
 * little; it touches no hardware and needs no daemon. The core walks every cycle; the physics of cycles that are equal to
 * 1e-9 is computed once and played back until anything differs (sim/repeat.h), so that 100,000 cycles take seconds.
 *
 * The numbers are facts of the run (what was delivered, how long a valve stood open, which interlock acted); what follows
 * from them for a powder (coverage by both bed models, the pulse that would saturate) is computed from them in sim/bed.h. */
#ifndef ALD_SIM_DRYRUN_H
#define ALD_SIM_DRYRUN_H

#include "ald/core/machine.h" /* enum machine_state */
#include "ald/core/recipe.h"  /* struct recipe */
#include "ald/core/tool.h"    /* struct tool, TOOL_LINES_MAX */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct dryrun; /* opaque */

struct dryrun_config {
        const struct tool *tool;      /* borrowed until dryrun_free() */
        const struct recipe *recipe;  /* borrowed likewise */
        double powder_g, powder_m2_g; /* in the bed; 0 = as the recipe declares; neither: an empty bed */
        double
            saturation_umol_m2; /* what a whole half-cycle takes of a precursor; 0 = 1.04 (0.3 A a cycle) */
        /* Called now and then with the part of the planned time that is done, 0-1; false gives the run up. NULL allowed. */
        bool (*progress)(void *ctx, double part);
        void *ctx;
};

enum dryrun_severity { DRYRUN_INFO, DRYRUN_WARNING, DRYRUN_ERROR };
const char *dryrun_severity_name(enum dryrun_severity severity); /* "info", "warning", "error" */

/* Something a person should know: an interlock, alarm or guard that acts, a time-out, a question, an overlap of precursors.
 * The same thing at the same step is one finding with a count. */
struct dryrun_finding {
        enum dryrun_severity
            severity; /* ERROR: the run would not end as planned, or not safely for the powder */
        char id
            [TOOL_NAME_MAX]; /* the interlock's, the alarm's, or "guard", "timeout", "overlap", "dose", "question" ... */
        char text[256];
        int32_t source_line; /* of the step, in the recipe's text; 0 = of no step */
        int64_t first_us;    /* since the run's start */
        int64_t count;
};

/* One step of the program over all its passes. Timeline order is that of the program. */
struct dryrun_step {
        int32_t op;        /* index in recipe->ops */
        int64_t begun_us;  /* the first time, since the run's start */
        int64_t lasted_us; /* sum over all passes */
        int64_t times;
        bool is_heating; /* waited for `settled` or a temperature */
};

/* One precursor line. A dose is one pulse, or all pulses of the line in one pass of an expose block's cycle: what one
 * half-cycle gives. Means are over the coating cycles (not `coats: walls`) after the first. */
struct dryrun_line {
        int64_t pulses, open_us; /* of the valve, whole run */
        int64_t coat_doses;      /* half-cycles with powder in the bed */
        double delivered_umol;   /* whole run, into the chamber */
        double adsorbed_umol;    /* whole run, by the bed as simulated */
        double exposure_torr_s;  /* whole run */
        /* Of one dose, in the mean. */
        double dose_umol, dose_adsorbed_umol, dose_exposure_torr_s;
        double dose_open_us; /* time open in it */
        int dose_pulses;     /* pulses in it */
        /* While the valve is open, in the mean. */
        double
            vapour_torr; /* partial pressure of the precursor as it enters: delivered part of the flow x pressure */
        double source_degc, source_torr;              /* the bottle's temperature and vapour pressure */
        double chamber_torr, chamber_degc, flow_sccm; /* total flow through the bed, precursor included */
        double bed_rpm;
        /* What is left of this line when a pulse of another one opens: the worst case. */
        /* In the chamber's gas; part of its own highest content, 0-1, as it would be without powder. */
        double residue_umol, residue_part;
        int32_t residue_source_line; /* the step that opens into it; 0 = no other line pulses */
        int64_t residue_us;
        int32_t source_line; /* of its first pulse */
};

/* Points for a plot, thinned so that extremes stay; times since the run's start. */
struct dryrun_point {
        int64_t t_us;
        double pressure_torr;
        double loop[TOOL_LOOPS_MAX]; /* process values, base unit of the loop's kind */
        uint32_t open; /* bit i: valve of precursor line i is open, or was in what the point stands for */
};

struct dryrun_result {
        enum machine_state ended;    /* Complete, or where it ended or stood still */
        char reason[192];            /* why, when not Complete */
        int64_t duration_us;         /* from the start to the end, heat-up included */
        int64_t heating_us;          /* of it, waits for temperatures and `settled` */
        int64_t deposition_us;       /* from the first coating cycle's start to the last one's end */
        int64_t cycles, wall_cycles; /* ended: those that coat powder, and those on the walls */
        int64_t cycle_us;            /* deposition by cycles; 0 = no cycles */
        double carrier_scc;          /* gas used: sum over inert flows, standard cm3 */
        double powder_g, powder_m2;  /* as used */
        double saturation_umol_m2;
        double pressure_min_torr,
            pressure_max_torr; /* after the pump-down, with precursor flowing excluded or not: all */
        int64_t turns;         /* of the core, for the curious */
        int64_t actuations[TOOL_TAGS_MAX]; /* of a valve's tag: openings and closings */
        struct dryrun_line line[TOOL_LINES_MAX];
        int step_count, finding_count, point_count;
        const struct dryrun_step *steps;       /* owned by the dry run */
        const struct dryrun_finding *findings; /* by first_us */
        const struct dryrun_point *points;
        /* Every turn of one coating cycle, the second where there is one: also of a run so long that `points` cannot show any. */
        int64_t cycle_from_us;
        int cycle_point_count;
        const struct dryrun_point *cycle_points;
        int64_t findings_lost; /* more than there is room for */
};

/* NULL when memory is out. */
struct dryrun *dryrun_new(const struct dryrun_config *config);
void dryrun_free(struct dryrun *d); /* NULL allowed */
/* Run to the end. The tool starts as a lab finds it: cold, stopped, pumped by its standby image. Questions of `confirm` steps
 * are answered yes, and told as findings. False: given up by `progress`. */
bool dryrun_run(struct dryrun *d);
/* After dryrun_run(). Borrowed. */
const struct dryrun_result *dryrun_get(const struct dryrun *d);

#endif
