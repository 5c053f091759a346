/* What drills are made of: one person, an engineer called dan, and troubles that are sure to come. */
#ifndef TESTS_SIM_DEED_H
#define TESTS_SIM_DEED_H

#include "swarm.h" /* struct swarm */

/* Let time pass. */
void deed_go(struct swarm *s, int64_t us);
/* Until this state is entered; false: it was not, in so long. */
bool deed_reach(struct swarm *s, enum machine_state state, int64_t us);

/* A command of his, for who wants to fill in more; and plain ones. */
struct command deed_word(enum verb verb);
void deed_say(struct swarm *s, enum verb verb);
void deed_set(struct swarm *s, const char *tag, double value);
void deed_pulse(struct swarm *s, const char *tag, int64_t us);
void deed_start(struct swarm *s, int recipe);

/* A fault of instruments or plant, in the words of sim/fault.h, from now on for `us`. */
void deed_befall(struct swarm *s, const char *what, int64_t us);
/* A fault of a link's wires, from now on. */
void deed_spoil(
    struct swarm *s, enum world_wire_fault kind, const char *link, int per_mille, int64_t us, int64_t for_us);

/* At rest, in Stopped or Idle, with carrier and line as a precursor wants them, and control taken. */
void deed_settle(struct swarm *s);

#endif
