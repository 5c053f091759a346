/* Drills: what chance seldom brings together. Each is a fixed course of deeds and faults under the same checkers, on wires
 * whose delays come from its number; it ends with an orderly shutdown. */
#ifndef TESTS_SIM_DRILL_H
#define TESTS_SIM_DRILL_H

#include "swarm.h" /* struct swarm */

struct drill {
        const char *name;
        void (*run)(struct swarm *s);
        int tool; /* of the kit: 0 = the reference tool */
};

/* Families, each in a file of its own; a row without a name ends each. */
extern const struct drill drills_pulses[], drills_runs[], drills_people[], drills_moments[], drills_wires[];

int drill_count(void);
/* Of drill n, from 1. */
const struct drill *drill_at(int n);

#endif
