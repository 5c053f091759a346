#include "deed.h"

#include "ald/base/text.h" /* text_copy */
#include "ald/base/time.h" /* TIME_S */
#include "ald/sim/fault.h" /* FAULT_SPEC_MAX */

#include <assert.h> /* assert */
#include <stdio.h>  /* snprintf */
#include <string.h> /* strcmp */

void deed_go(struct swarm *s, int64_t us)
{
        world_run(s->world, world_now(s->world) + us);
}

bool deed_reach(struct swarm *s, enum machine_state state, int64_t us)
{
        int64_t until_us = world_now(s->world) + us;

        while (s->state != state && world_now(s->world) < until_us)
                deed_go(s, 20 * TIME_MS);
        return s->state == state;
}

struct command deed_word(enum verb verb)
{
        struct command c = {
            .verb = verb, .role = TOOL_ROLE_ENGINEER, .uid = 1003, .pid = 1004, .tag = TOOL_NONE};

        text_copy(c.user, sizeof c.user, "dan");
        return c;
}

void deed_say(struct swarm *s, enum verb verb)
{
        struct command c = deed_word(verb);

        c.repeat = verb == VERB_RESUME;
        if (verb == VERB_CONTROL)
                text_copy(c.name, sizeof c.name, "take");
        swarm_command(s, &c);
}

static void move(struct swarm *s, enum verb verb, const char *tag, double value, int64_t for_us)
{
        struct command c = deed_word(verb);

        c.tag = (int16_t)tool_find_tag(s->tool, tag);
        assert(c.tag >= 0);
        c.value = value;
        c.for_us = for_us;
        swarm_command(s, &c);
}

void deed_set(struct swarm *s, const char *tag, double value)
{
        move(s, VERB_SET, tag, value, 0);
}

void deed_pulse(struct swarm *s, const char *tag, int64_t us)
{
        move(s, VERB_OPEN, tag, 1, us);
}

void deed_start(struct swarm *s, int recipe)
{
        struct command c = deed_word(VERB_RUN);

        c.recipe = s->config->kit->recipe[s->tool_i][recipe];
        swarm_command(s, &c);
}

void deed_befall(struct swarm *s, const char *what, int64_t us)
{
        char spec[FAULT_SPEC_MAX], why[256];
        bool ok;

        snprintf(spec, sizeof spec, "%s@%lld ms+%lld ms", what,
            (long long)(world_now(s->world) / TIME_MS + 1), (long long)(us / TIME_MS));
        ok = world_fault(s->world, spec, why, sizeof why);
        assert(ok && "the words of faults are right");
        (void)ok;
}

void deed_spoil(
    struct swarm *s, enum world_wire_fault kind, const char *link, int per_mille, int64_t us, int64_t for_us)
{
        struct world_wire f = {.kind = kind,
            .link = TOOL_NONE,
            .device = TOOL_NONE,
            .per_mille = per_mille,
            .us = us,
            .number = 6, /* busy */
            .from_us = world_now(s->world),
            .until_us = world_now(s->world) + for_us};

        for (int i = 0; i < s->tool->link_count; i++)
                if (strcmp(s->tool->links[i].name, link) == 0)
                        f.link = i;
        (void)world_wire(s->world, &f);
}

void deed_settle(struct swarm *s)
{
        deed_go(s, 3 * TIME_S);
        for (int i = 0; i < 10 && s->state != MACHINE_STOPPED; i++) {
                deed_say(s, VERB_RESET);
                (void)deed_reach(s, MACHINE_STOPPED, 5 * TIME_S);
        }
        deed_say(s, VERB_CONTROL);
        deed_set(s, "carrier.flow.setpoint", 20);
        deed_set(s, "nb.temperature.setpoint", 60);
        deed_set(s, "nb.line.temperature.setpoint", 130);
        deed_go(s, 90 * TIME_S);
}
