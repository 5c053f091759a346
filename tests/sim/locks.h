/* The interlocks of the tool file, judged anew from the values on the wire: an evaluator of its own, so that an error in
 * core/cond.c or core/interlock.c is not repeated here. Four outcomes: a value that is not Good is BAD; what an onlooker cannot
 * know (is an expose block open, has a window of time been steady) is UNSURE, and nothing is concluded from it.
 *
 * It judges at the end of each turn: samples come several to an answer, and only when all of one answer are in do they mean
 * something together. So a loop that stands still delays its judgement as well: that is R2's, and the watchdogs'. */
#ifndef TESTS_SIM_LOCKS_H
#define TESTS_SIM_LOCKS_H

#include "seen.h" /* struct seen */

enum lock_says { LOCK_NO, LOCK_YES, LOCK_BAD, LOCK_UNSURE };

struct lock_state {
        enum lock_says says;
        bool is_armed;  /* trips: as far as it can be seen */
        int64_t yes_us; /* says YES since, or BAD after YES; SEEN_NEVER: not */
        int64_t bad_us; /* says BAD since */
        int64_t due_us; /* trip: it stands from then on (for or grace is over); SEEN_NEVER: it does not */
        int64_t due_by_bad_us; /* ... because a value is not Good */
        int64_t stood_us;      /* last time that it did not say NO */
        int64_t denied_us;     /* permit: not permitted since; SEEN_NEVER: permitted, or not sure */
};

struct lock_watch {
        const struct tool *tool;
        struct lock_state lock[TOOL_INTERLOCKS_MAX];
};

void lock_init(struct lock_watch *w, const struct tool *tool);
void lock_note(struct lock_watch *w, const struct seen *s, const struct world_note *n);
/* Is the value of this tag Good now, by what came over the wire? */
bool lock_is_good(const struct seen *s, int tag);
/* Evaluate a condition now; `benign`: what a comparison with a bypassed tag counts as (LOCK_UNSURE: there are no bypasses). */
enum lock_says lock_eval(const struct seen *s, const struct cond_pool *pool, int root, enum lock_says benign);
/* Does some permit deny this output, and since when? SEEN_NEVER: none for sure. *which names it. */
int64_t lock_denied_since(const struct lock_watch *w, int tag, int *which);

#endif
