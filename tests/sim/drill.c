#include "drill.h"

#include <assert.h> /* assert */

static const struct drill *const families[] = {
    drills_pulses, drills_runs, drills_people, drills_moments, drills_wires};
enum { FAMILIES = sizeof families / sizeof families[0] };

int drill_count(void)
{
        int n = 0;

        for (int f = 0; f < FAMILIES; f++)
                for (const struct drill *d = families[f]; d->name != NULL; d++)
                        n++;
        return n;
}

const struct drill *drill_at(int n)
{
        assert(n >= 1 && n <= drill_count());
        for (int f = 0; f < FAMILIES; f++)
                for (const struct drill *d = families[f]; d->name != NULL; d++)
                        if (--n == 0)
                                return d;
        return NULL;
}
