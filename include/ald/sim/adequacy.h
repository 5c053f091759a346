/* Is the dose enough for the powder? What follows from the facts of a dry run: needed against delivered, coverage by both
 * bed models, the pulse that would saturate, thickness and mass. Arithmetic only; the words are aldctl's.
 *
 * NAN everywhere means: not known, or does not apply (no powder, no growth declared, no bed motor). */
#ifndef ALD_SIM_ADEQUACY_H
#define ALD_SIM_ADEQUACY_H

#include "ald/core/recipe.h" /* struct recipe */
#include "ald/core/tool.h"   /* struct tool, TOOL_LINES_MAX */
#include "ald/sim/dryrun.h"  /* struct dryrun_result */

#include <stdint.h> /* int64_t */

/* Amorphous niobium oxide taken at the crystal's density, as the declared thickness is (PROCESS.md, section 4). */
#define ADEQUACY_FILM_G_CM3 4.6
/* Film from 1 umol of metal a m2: 1.04 umol/m2 correspond to 0.03 nm (the same). */
#define ADEQUACY_NM_M2_UMOL (0.03 / 1.04)

/* What keeps a half-cycle from doing more.
 * DELIVERY: the bed stays below BED_SATURATED, and less enters than it takes.
 * KINETICS: it stays below, though enough enters: too much leaves unused.
 * PURGE: it is saturated; more dose changes nothing, and what the half-cycle still costs is its purge. */
enum adequacy_limit { ADEQUACY_NONE, ADEQUACY_DELIVERY, ADEQUACY_KINETICS, ADEQUACY_PURGE };
const char *adequacy_limit_name(enum adequacy_limit limit); /* NULL for NONE */

/* Of one dose (struct dryrun_line) unless said otherwise. */
struct adequacy_line {
        double needed_umol;                     /* what the whole bed takes */
        double dose_ratio;                      /* delivered by needed */
        double dose_ratio_low, dose_ratio_high; /* with the vapour pressure wrong by its factor, either way */
        double vapour_low_torr, vapour_high_torr; /* of the source */
        double umol_per_g, umol_per_m2;           /* delivered, for each gram and m2 of powder */
        double damkoehler;
        double coverage_mixed, coverage_plug; /* 0-1, of a bed that was bare */
        double coverage_simulated;            /* what the simulated plant's bed took */
        double coverage_low;                  /* the lesser of the models', at the low vapour pressure */
        double outlet_part; /* of what enters at the end of the dose, what leaves unused (well mixed) */
        double saturating_pulse_s; /* each pulse so long would saturate by both models; INFINITY: none does */
        double saturating_pulses;  /* or so many of the present length in a dose; INFINITY likewise */
        enum adequacy_limit limited_by;
        double turns_per_pulse; /* part of a turn of the bed that one pulse covers */
        double residue_umol_m2; /* left when another line opens, for each m2 of powder */
};

struct adequacy {
        int64_t coating_cycles;
        double thickness_nm; /* declared: coating cycles x growth per cycle */
        double walls_nm;     /* the same for the cycles on the walls */
        double coverage;     /* the least of both models over all lines that dose the powder */
        double thickness_from_dose_nm;
        double dose_growth_nm; /* of it, a cycle */
        double mass_gain_mg_per_g, mass_gain_from_dose_mg_per_g;
        double turns_per_pulse; /* of the longest pulse: the best case */
        struct adequacy_line line[TOOL_LINES_MAX];
};

void adequacy_eval(struct adequacy *out, const struct dryrun_result *result, const struct tool *tool,
    const struct recipe *recipe);

#endif
