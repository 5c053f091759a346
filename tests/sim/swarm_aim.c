/* Instants that are hard to hit by chance. To look at the core is allowed here: it schedules what comes next and counts what
 * came, and judges nothing. */
#include "swarm.h"

#include "ald/base/time.h" /* TIME_S */
#include "ald/core/core.h" /* core_get_place */

static enum swarm_where where_of(const struct recipe *r, int op)
{
        bool is_vented = false;

        if (position_find_expose(r, op) >= 0)
                return SWARM_IN_EXPOSE;
        for (int i = 0; i <= op; i++)
                if (r->ops[i].kind == RECIPE_VENT)
                        is_vented = r->ops[i].value != 0;
        if (is_vented)
                return SWARM_IN_VENT;
        switch (r->ops[op].kind) {
        case RECIPE_LEAK_CHECK:
                return SWARM_IN_LEAK_CHECK;
        case RECIPE_PURGE:
        case RECIPE_PURGE_UNTIL:
                return SWARM_IN_PURGE;
        default:
                return SWARM_ELSEWHERE;
        }
}

/* The next deed comes within so long. */
static void hurry(struct swarm *s, const int per_mille[], int64_t within_us)
{
        int64_t t_us;

        if (!random_chance(&s->on_meet, per_mille[s->temper]))
                return;
        t_us = world_now(s->world) + random_between(&s->on_meet, 0, within_us);
        s->people_us = t_us < s->people_us ? t_us : s->people_us;
        s->is_hurried = true;
}

void swarm_meet_pulse(struct swarm *s)
{
        static const int per_mille[SWARM_TEMPERS] = {
            [SWARM_CALM] = 25, [SWARM_MIDDLING] = 180, [SWARM_STORMY] = 300};

        hurry(s, per_mille, s->width_us + 80 * TIME_MS);
}

static void meet_block(struct swarm *s)
{
        static const int per_mille[SWARM_TEMPERS] = {
            [SWARM_CALM] = 100, [SWARM_MIDDLING] = 400, [SWARM_STORMY] = 400};
        static const int in_purge_per_mille[SWARM_TEMPERS] = {
            [SWARM_CALM] = 5, [SWARM_MIDDLING] = 30, [SWARM_STORMY] = 60};

        if (s->where == SWARM_IN_PURGE)
                hurry(s, in_purge_per_mille, 6 * TIME_S);
        else
                hurry(s, per_mille, 8 * TIME_S);
}

void swarm_look(struct swarm *s)
{
        const struct recipe *recipe = checks_seen(s->checks)->recipe;
        struct core_place place = {.state = MACHINE_ABORTED};

        s->was = s->where;
        s->where = SWARM_ELSEWHERE;
        if (recipe == NULL || s->state != MACHINE_EXECUTE || world_core(s->world) == NULL)
                return;
        core_get_place(world_core(s->world), &place);
        if (place.state == MACHINE_EXECUTE && place.is_in_program)
                s->where = where_of(recipe, place.at.op);
        if (s->where != SWARM_ELSEWHERE && s->where != s->was)
                meet_block(s);
}

/* What is waited for, and how finely: blocks last for seconds, edges for no time at all. */
enum aim {
        AT_PULSE,
        AT_CLOSE_SOON,
        AT_CLOSED,
        AT_HANDED_OVER,
        AT_TRIP,
        AT_EXPOSE,
        AT_VENT,
        AT_LEAK_CHECK,
        AT_PURGE,
        AIMS
};

static bool is_there(const struct swarm *s, enum aim at, bool was_open)
{
        switch (at) {
        case AT_PULSE:
        case AT_CLOSE_SOON:
                return s->is_open;
        case AT_CLOSED:
                return was_open && !s->is_open;
        case AT_HANDED_OVER:
                return s->is_handed_over;
        case AT_TRIP:
                return s->is_tripped;
        case AT_EXPOSE:
                return s->where == SWARM_IN_EXPOSE;
        case AT_VENT:
                return s->where == SWARM_IN_VENT;
        case AT_LEAK_CHECK:
                return s->where == SWARM_IN_LEAK_CHECK;
        case AT_PURGE:
                return s->where == SWARM_IN_PURGE;
        default:
                return true;
        }
}

/* From there on, at random, where it still is what it was waited for. */
static int64_t draw_offset(struct swarm *s, enum aim at)
{
        switch (at) {
        case AT_CLOSE_SOON:
                return s->width_us > 0 ? s->width_us - random_between(&s->on_fault, 0, 15 * TIME_MS) : 0;
        case AT_EXPOSE:
        case AT_VENT:
                return random_between(&s->on_fault, 0, 8 * TIME_S);
        case AT_LEAK_CHECK:
        case AT_PURGE:
                return random_between(&s->on_fault, 0, 5 * TIME_S);
        default:
                return random_between(&s->on_fault, 0, 60 * TIME_MS);
        }
}

/* People go on meanwhile. */
static void go(struct swarm *s, int64_t until_us)
{
        until_us = until_us < s->end_us ? until_us : s->end_us;
        if (world_now(s->world) >= s->people_us)
                swarm_act(s);
        if (until_us > world_now(s->world))
                world_run(s->world, until_us);
}

void swarm_aim(struct swarm *s)
{
        /* Pulses are short: every second aim is at one. */
        int drawn = (int)random_below(&s->on_fault, 2 * AIMS);
        enum aim at = drawn < AIMS ? (enum aim)drawn : AT_PULSE;
        int64_t step_us = at < AT_EXPOSE ? TIME_MS : 50 * TIME_MS;
        int64_t limit_us = world_now(s->world) + (at < AT_EXPOSE ? 20 : 90) * TIME_S;
        bool was_open = false;

        if (s->aims >= SWARM_AIMS_MAX)
                return;
        s->aims++;
        s->is_tripped = s->is_handed_over = false;
        limit_us = limit_us < s->end_us ? limit_us : s->end_us;
        while (world_now(s->world) < limit_us && !is_there(s, at, was_open)) {
                was_open = s->is_open;
                go(s, world_now(s->world) + step_us);
        }
        if (is_there(s, at, was_open))
                go(s, world_now(s->world) + draw_offset(s, at));
}
