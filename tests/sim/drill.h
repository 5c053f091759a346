/* Drills: what chance seldom brings together. Each is a fixed course of deeds and faults under the same checkers, on wires
 * whose delays come from its seed; it ends with an orderly shutdown. */
#ifndef TESTS_SIM_DRILL_H
#define TESTS_SIM_DRILL_H

#include "swarm.h" /* struct swarm */

int drill_count(void);
/* Of drill n, from 1. */
const char *drill_name(int n);
/* Which tool of the kit it is made for. */
int drill_tool(int n);
void drill_run(struct swarm *s, int n);

#endif
