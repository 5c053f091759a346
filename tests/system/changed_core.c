/* A core that decides one thing otherwise, for test_replay.py: every pulse of a recipe is planned a microsecond longer. The
 * Makefile builds step.c with output_pulse() replaced by this, and links it into an aldctl of its own. With CHANGED_CORE_FAILS in
 * the environment it fails there. */
#include "ald/core/output.h" /* output_pulse */

#include <stdlib.h> /* abort, getenv */

uint32_t changed_output_pulse(
    struct outputs *o, int tag, int64_t open_us, int64_t close_us, struct effects *out);

uint32_t changed_output_pulse(
    struct outputs *o, int tag, int64_t open_us, int64_t close_us, struct effects *out)
{
        if (getenv("CHANGED_CORE_FAILS") != NULL)
                abort();
        return output_pulse(o, tag, open_us, close_us + 1, out);
}
