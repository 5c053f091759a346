/* How often a runner looks that has no leases to renew: at once after anything happened, then less and less often, since
 * what an edge sets in motion dies away; never too seldom while something moves that a decision may wait for. */
#ifndef ALD_SIM_PACE_H
#define ALD_SIM_PACE_H

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct pace {
        int64_t quiet_us_max,
            moving_us_max;  /* longest time between two looks while nothing moves, and else */
        int64_t stirred_us; /* when something happened last */
};

/* Shortest time between two looks. */
#define PACE_US_MIN INT64_C(50000)

/* Something happened: an edge on the wire, a step of the program, a trip. Returns when to look next. */
int64_t pace_stir(struct pace *pace, int64_t now_us);
/* When to look next after a look now. */
int64_t pace_next(const struct pace *pace, int64_t now_us, bool is_moving);

#endif
