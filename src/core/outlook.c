#include "outlook_state.h"

#include "ald/base/time.h" /* TIME_S */

#include <stdlib.h> /* calloc, free */

struct outlook *outlook_new(const struct tool *tool)
{
        struct outlook *o = calloc(1, sizeof *o);

        if (o == NULL)
                return NULL;
        o->tool = tool;
        o->now = (struct outlook_now){.heating_us = OUTLOOK_UNKNOWN, .open_us = OUTLOOK_UNKNOWN};
        outlook_init_heat(o);
        return o;
}

void outlook_free(struct outlook *o)
{
        free(o);
}

/* The further away, the coarser: it is no better known, and does not tell every listener of each second. Up, so that what is
 * left is never nothing. */
static int64_t round_off(int64_t us)
{
        int64_t step_us = us < 2 * TIME_MIN    ? TIME_S
                          : us < 10 * TIME_MIN ? 5 * TIME_S
                          : us < TIME_H        ? 15 * TIME_S
                                               : TIME_MIN;

        return us <= 0 ? us : (us + step_us - 1) / step_us * step_us;
}

void outlook_turn(struct outlook *o, const struct core *core)
{
        int64_t heating_us;

        outlook_watch_heat(o, core);
        heating_us = outlook_walk(o, core);
        outlook_look_open(o, core, heating_us);
        o->now.heating_us = round_off(heating_us);
        o->now.open_us = round_off(o->now.open_us);
}

void outlook_doubt(struct outlook *o)
{
        if (o->now.open_us == 0)
                o->now.open_us = OUTLOOK_UNKNOWN;
}

const struct outlook_now *outlook_get(const struct outlook *o)
{
        return &o->now;
}
