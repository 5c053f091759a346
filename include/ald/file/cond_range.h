/* What a condition can be at all, when each tag reads something within a range: never true, always true, or either. For
 * checks before a run: "chamber.pressure < 1 Torr and chamber.pressure > 2 Torr" is never true, whatever the gauge reads.
 *
 * The answers NEVER and ALWAYS are sure; EITHER may only mean that it could not be told. */
#ifndef ALD_FILE_COND_RANGE_H
#define ALD_FILE_COND_RANGE_H

#include "ald/core/cond.h" /* struct cond_pool */
#include "ald/core/tool.h" /* TOOL_TAGS_MAX */

#include <stdbool.h> /* bool */

/* What one tag may read, in its own unit: from low to high. */
struct cond_range {
        double low, high;
        bool is_low_open, is_high_open; /* the end itself is not meant */
};

struct cond_ranges {
        struct cond_range tag[TOOL_TAGS_MAX];
        bool is_exposing_known, is_exposing;
};

enum cond_range_answer { COND_RANGE_NEVER = 1, COND_RANGE_ALWAYS, COND_RANGE_EITHER };

/* Whatever a tag can read and be Good: its valid range, the limits of an output, 0 to 1 for a bit. */
struct cond_range cond_range_of_tag(const struct tool_tag *tag);
/* All tags of a tool at that; nothing is known of `exposing`. */
void cond_range_init(struct cond_ranges *ranges, const struct tool *tool);

/* A root of -1 is ALWAYS true. Bounded work, whatever the condition. */
enum cond_range_answer cond_range_judge(
    const struct cond_pool *pool, int root, const struct cond_ranges *ranges);

/* The condition is true now: narrow the ranges of what it compares with constants (terms joined by `and`). */
void cond_range_narrow(const struct cond_pool *pool, int root, struct cond_ranges *ranges);

#endif
