/* A dry run's state, shared by the files of its module: dryrun.c (life, the run itself), dryrun_steps.c (where it stands),
 * dryrun_watch.c (what people should know), dryrun_lines.c (the precursors), dryrun_points.c (the plot). */
#ifndef ALD_SIM_DRYRUN_STATE_H
#define ALD_SIM_DRYRUN_STATE_H

#include "ald/base/text.h"   /* TEXT_PRINTF */
#include "ald/core/core.h"   /* struct core_place */
#include "ald/core/record.h" /* struct record */
#include "ald/sim/dryrun.h"  /* struct dryrun_result */
#include "ald/sim/sim.h"     /* struct sim_line, struct sim_gas */
#include "ald/sim/virtual.h" /* struct virtual */

enum { DRYRUN_FINDINGS_MAX = 512, DRYRUN_POINTS_MAX = 4096, DRYRUN_CYCLE_POINTS_MAX = 2048 };

/* What the doses of a line came to, and what there was while its valve stood open. */
struct dryrun_sum {
        int64_t doses, pulses;
        double delivered_umol, adsorbed_umol, exposure_torr_s;
        double open_s;
        /* Integrals over the time open. */
        double torr_s, in_sccm_s, vapour_sccm_s, source_degc_s, source_torr_s, chamber_degc_s, rpm_s;
};

/* Which doses a sum is of: the first coating cycle stands apart, as nothing adsorbed before it. */
enum dryrun_dose { DRYRUN_DOSE_WALLS, DRYRUN_DOSE_FIRST, DRYRUN_DOSE_LATER, DRYRUN_DOSE_COUNT };

struct dryrun_track {
        bool is_open, is_dosing;
        int64_t opened_us;
        enum dryrun_dose dose; /* of the present one */
        int64_t dose_cycle;
        struct sim_line dose_from, open_from;
        struct sim_gas gas_from;
        double
            peak_umol; /* highest content of the chamber's gas so far, or what it would be without powder */
        struct dryrun_sum sum[DRYRUN_DOSE_COUNT];
};

struct dryrun {
        struct dryrun_config config;
        struct virtual *v;
        struct dryrun_result result;
        int64_t started_us; /* TIME_NEVER = the run has not begun */
        bool has_ended, is_refused, is_confirming;

        /* Where it stands: as after the last turn. */
        struct core_place place;
        bool is_counting;      /* the step at place is being counted */
        int64_t step_begun_us; /* its planned start */
        int64_t untimed_us;    /* of the run so far in steps that wait for something */
        int64_t ended_in_turn, begun_in_turn, begun_n; /* cycles */
        bool is_walls;
        int64_t coat_begun, coat_from_us, cycle_n;
        struct dryrun_step step[RECIPE_OPS_MAX];
        struct dryrun_step steps_told[RECIPE_OPS_MAX];

        int found_in_turn;
        char refusal[256];
        struct dryrun_finding finding[DRYRUN_FINDINGS_MAX];

        double valve_at[TOOL_TAGS_MAX]; /* where each valve was put last */
        struct dryrun_track track[TOOL_LINES_MAX];
        double inert_from_scc;
        int dosing; /* the line that dosed last, TOOL_NONE */

        int stride, in_group; /* turns that make a group of points, and in the present one */
        bool is_cycle_kept;   /* the present cycle's points are */
        struct dryrun_point low, high;
        struct dryrun_point point[DRYRUN_POINTS_MAX], cycle_point[DRYRUN_CYCLE_POINTS_MAX];
};

/* Since the run's start. */
int64_t dryrun_time(const struct dryrun *d);
/* The line of the present step, also in the turn that ends the program; 0 = none. */
int32_t dryrun_source_line(const struct dryrun *d);

/* ---- dryrun_steps.c ---- */
void dryrun_steps_record(struct dryrun *d, const struct record *r);
/* After a turn: `now` is where the run stands. */
void dryrun_steps_turn(struct dryrun *d, const struct core_place *now);
void dryrun_steps_end(struct dryrun *d);

/* ---- dryrun_watch.c ---- */
void dryrun_watch_record(struct dryrun *d, const struct record *r);
void dryrun_watch_end(struct dryrun *d);
void dryrun_find(struct dryrun *d, enum dryrun_severity severity, const char *id, const char *fmt, ...)
    TEXT_PRINTF(4, 5);

/* ---- dryrun_lines.c ---- */
void dryrun_lines_begin(struct dryrun *d);
/* An output moved, and no time has passed since. */
void dryrun_lines_wire(struct dryrun *d, int tag, double value);
void dryrun_lines_turn(struct dryrun *d);
void dryrun_lines_end(struct dryrun *d);

/* ---- dryrun_points.c ---- */
void dryrun_points_add(struct dryrun *d);
/* A coating cycle begins whose points are kept whole. */
void dryrun_points_cycle(struct dryrun *d, int64_t from_us);
void dryrun_points_end(struct dryrun *d);

#endif
