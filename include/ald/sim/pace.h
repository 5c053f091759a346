/* How often a runner looks that has no leases to renew: at once after anything happened, then less and less often, since
 * what an edge sets in motion dies away; never too seldom while something moves that a decision may wait for. */
#ifndef ALD_SIM_PACE_H
#define ALD_SIM_PACE_H

#include <stdint.h> /* int64_t */

/* What goes on, for what a decision may wait for. */
enum pace_motion {
        PACE_REST, /* nothing that a condition could see */
        PACE_SLOW, /* heat, or the last of a vapour */
        PACE_FAST, /* so much that a look a moment later sees another thing; or a step waits for what moves */
        PACE_MOTION_COUNT
};

struct pace {
        int64_t step_us_max[PACE_MOTION_COUNT]; /* longest time between two looks */
        int64_t stirred_us;                     /* when something happened last */
};

/* Shortest time between two looks. */
#define PACE_US_MIN INT64_C(50000)

/* No two looks further apart than step_us_max (>= PACE_US_MIN), whatever goes on. */
void pace_init(struct pace *pace, int64_t now_us, int64_t step_us_max);
/* Something happened: an edge on the wire, a step of the program, a trip. Returns when to look next. */
int64_t pace_stir(struct pace *pace, int64_t now_us);
/* When to look next after a look now. */
int64_t pace_next(const struct pace *pace, int64_t now_us, enum pace_motion motion);

#endif
