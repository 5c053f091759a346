/* What both lab programs do: libmodbus with its own settings, a connection for the valves and one for each other link. */
#ifndef ALD_TESTS_BENCH_LAB_H
#define ALD_TESTS_BENCH_LAB_H

#include "bench/loop.h" /* struct loop */

struct lab; /* opaque */

struct lab *lab_connect(const struct loop *loop);
/* Write the valve's coil; a failure is counted, and the connection made anew. */
void lab_drive(struct lab *lab, int on);
/* Read the gauge, and the slow device when it is time for it. */
void lab_poll(struct lab *lab);

#endif
