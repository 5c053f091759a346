/* A run that goes on where another one was interrupted: the recipe is the same, and before its program stands a preparation
 * that brings the tool to where it was.
 *
 *     an operator confirms; every set-point that was in force, sources last; all settled; the longest purge whole
 *
 * Then the program goes on at the half-cycle that was not ended: behind its pulse when that was done, so that what follows the
 * pulse runs whole once more, else at the pulse, which is repeated under its next attempt (SAFETY: a half-cycle, S2, S7). The
 * preparation consists of steps like any others: holds, stops, trips and timeouts mean there what they always do. */
#ifndef ALD_CORE_RESUME_H
#define ALD_CORE_RESUME_H

#include "ald/core/event.h"  /* enum pulse_outcome */
#include "ald/core/recipe.h" /* struct recipe, struct recipe_resume */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct resume_refusal {
        char text[256];
        char hint[160];
};

/* The last pulse of the run that was, as the record has it, and the operator's word on it. */
struct resume_from {
        int64_t run_id, cycle;
        const char *path; /* borrowed */
        int attempt;
        enum pulse_outcome outcome;
        bool repeat, skip; /* what to do with a pulse that was cut */
};

/* Make a compiled recipe (not yet running) one that goes on there. False: *why; the recipe is as it was.
 * Refused: what is no place of a pulse in this recipe, or not one alone; a place in a block that shuts the exhaust, in a loop that
 * ends on a condition, behind the last pulse, behind a vent, under a reactive gas; a pulse that was cut where the recipe asks
 * what to do with it, without an answer. */
bool resume_prepare(struct recipe *recipe, const struct tool *tool, const struct resume_from *from,
    struct resume_refusal *why);

/* The same from what the record of such a run holds (run_id, cycle, path and attempt of `was`): for its replay. */
bool resume_again(struct recipe *recipe, const struct tool *tool, const struct recipe_resume *was,
    struct resume_refusal *why);

#endif
