/* The cause-and-effect matrix: what does interlock i do to output o? Derived from the tool alone, so that what people read,
 * what clients are told and what the tests prove cell by cell is one table.
 *
 * The cells are about a run. Outside of one, `hold`, `stop` and suspends have nothing to act on: a trip then latches, stands
 * in the way of a start, and moves only what its `set` names. */
#ifndef ALD_CORE_MATRIX_H
#define ALD_CORE_MATRIX_H

#include "ald/core/tool.h" /* struct tool */

enum matrix_effect {
        MATRIX_NOTHING, /* left as it is */
        MATRIX_FORCES,  /* to `value`, at once */
        MATRIX_ENDS_AT, /* to `value`, in order: once the pulse has ended; of a stop, its purge and `finally` too */
        MATRIX_PERMITS, /* away from its safe value only while; a permit that is lost brings it there and holds */
        MATRIX_FOLLOWS, /* to `value` by the hold that follows when a permit is lost while its output is open */
        MATRIX_EXCLUDES, /* open only while the others that it excludes are closed, and have been for the purge */
        MATRIX_EFFECTS
};

struct matrix_cell {
        enum matrix_effect effect;
        double value; /* FORCES, ENDS_AT, FOLLOWS: the output's value; PERMITS: its safe value */
};

/* `interlock` and `output` (a tag that is one) are numbers in the tool (asserted). */
struct matrix_cell matrix_at(const struct tool *tool, int interlock, int output);

/* "forces", "ends at", ... and "" for nothing. */
const char *matrix_effect_name(enum matrix_effect effect);

#endif
