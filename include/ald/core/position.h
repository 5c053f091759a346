/* Where a run stands in its program (struct position, core/recipe.h). Small and copyable, so that a half-cycle can be
 * marked and gone back to, and one can look ahead without moving. */
#ifndef ALD_CORE_POSITION_H
#define ALD_CORE_POSITION_H

#include "ald/core/recipe.h" /* struct recipe, struct position */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int32_t, int64_t */

struct text;

/* At `op`, outside every loop. */
void position_start(struct position *p, int32_t op);

/* What one move did, for the record. */
struct position_move {
        int64_t cycles_ended; /* 0 or 1 */
        int64_t cycles_begun; /* 0 or 1 */
};

/* From a finished op to the next one in program order; REPEAT, REPEAT_END and RESUMED are moved over one at a time. */
void position_advance(struct position *p, const struct recipe *r, struct position_move *move);

/* Out of the innermost loop, from its RECIPE_REPEAT_END, though passes are left. */
void position_leave(struct position *p, const struct recipe *r, struct position_move *move);

/* The op that will do something next after `p`'s own, past the loops' ends; NULL at the section's end and where a loop's
 * condition decides. `crossed` (NULL allowed): the cycles that end and begin on the way. */
const struct recipe_op *position_peek(
    const struct position *p, const struct recipe *r, struct position_move *crossed);

/* The timed length from the end of the op at `p` to the next pulse; -1 when it cannot be told (a wait for a condition comes
 * first) or none comes. */
int64_t position_pulse_in_us(const struct position *p, const struct recipe *r);

/* The RECIPE_EXPOSE whose block holds `op` (its RECIPE_EXPOSE_END counts as inside), -1 = none. */
int32_t position_find_expose(const struct recipe *r, int32_t op);

/* Is `a` reached before `b` in a run (< 0), or after it (> 0)? 0: they are the same. */
int position_compare(const struct position *a, const struct position *b);

/* The place that a record of the run calls `path` in its `cycle` (position_add_path). False: the program has none, or not one
 * alone, because a loop that ends on a condition came before it. */
bool position_find(const struct recipe *r, int64_t cycle, const char *path, struct position *out);

/* Inside a cycle? */
bool position_in_cycle(const struct position *p, const struct recipe *r);
/* Does a cycle begin after the op at `p`? */
bool position_has_cycles(const struct position *p, const struct recipe *r);

/* The timed length of all that follows the op at `p` up to the end of its section. */
int64_t position_tail_us(const struct position *p, const struct recipe *r);

/* "coat[3]": phase and number of the op in it, the same in every cycle; "coat[3]/2" in the second pass of a loop inside
 * the cycle. */
void position_add_path(struct text *t, const struct position *p, const struct recipe *r);

/* Does anything after the op at `p` wait for a condition? */
bool position_has_waits(const struct position *p, const struct recipe *r);

#endif
