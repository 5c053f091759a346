#include "outlook_state.h"

#include <stdlib.h> /* calloc, free */

struct outlook *outlook_new(const struct tool *tool)
{
        struct outlook *o = calloc(1, sizeof *o);

        if (o == NULL)
                return NULL;
        o->tool = tool;
        o->now = (struct outlook_now){.heating_us = OUTLOOK_UNKNOWN, .open_us = OUTLOOK_UNKNOWN};
        return o;
}

void outlook_free(struct outlook *o)
{
        free(o);
}

static int64_t look_heating(const struct core *core)
{
        if (core->recipe == NULL)
                return 0;
        return core->is_in_program && !position_has_waits(&core->at, core->recipe) ? 0 : OUTLOOK_UNKNOWN;
}

void outlook_turn(struct outlook *o, const struct core *core)
{
        o->now.heating_us = look_heating(core);
        outlook_look_open(o, core);
}

const struct outlook_now *outlook_get(const struct outlook *o)
{
        return &o->now;
}
