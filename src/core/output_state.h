/* What the files of the arbiter share. */
#ifndef ALD_OUTPUT_STATE_H
#define ALD_OUTPUT_STATE_H

#include "ald/core/output.h" /* struct outputs */

static inline bool output_same(double a, double b)
{
        return !(a < b) && !(a > b);
}

/* Closed is 0: a valve's coil, a gas line's flow. */
static inline bool output_is_open(double value)
{
        return !output_same(value, 0);
}

/* V1 as a run-time check: something that excludes `tag` can be open now. */
bool output_is_excluded(const struct outputs *o, int tag);
/* Since when the chamber is purged of what `tag` let in; TIME_NEVER = it is not being purged. */
int64_t output_purged_since(const struct outputs *o, int tag);
/* Does the read-back, taken after the command, agree with it? */
bool output_reads_back(const struct outputs *o, const struct snapshot *snap, int tag);

#endif
