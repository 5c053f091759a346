/* People who want what they may not have, and resets that come too early. */
#include "deed.h"
#include "drill.h"

#include "ald/base/text.h" /* text_copy */
#include "ald/base/time.h" /* TIME_S */

/* Another person says it. */
static void ask(struct swarm *s, enum verb verb, const char *user, uint32_t uid, enum tool_role role)
{
        struct command c = deed_word(verb);

        text_copy(c.user, sizeof c.user, user);
        c.uid = uid;
        c.role = role;
        if (verb == VERB_RUN)
                c.recipe = s->config->kit->recipe[s->tool_i][SWARM_LIVE];
        if (verb == VERB_SET) {
                c.tag = (int16_t)tool_find_tag(s->tool, "carrier.flow.setpoint");
                c.value = 15;
        }
        if (verb == VERB_CONTROL)
                text_copy(c.name, sizeof c.name, "take");
        swarm_command(s, &c);
}

/* A viewer, an operator without control, and whoever has to wait until control lapses (the second tool: 20 s). */
static void ask_without_right(struct swarm *s)
{
        static const enum verb verbs[] = {VERB_SET, VERB_RUN, VERB_HOLD, VERB_ABORT, VERB_RESET};

        deed_settle(s);
        for (int i = 0; i < 5; i++) {
                deed_say(s, VERB_CONTROL);
                ask(s, verbs[i], "eve", 1002, TOOL_ROLE_VIEWER);
                deed_go(s, TIME_S);
                ask(s, verbs[i], "ann", 1000, TOOL_ROLE_OPERATOR);
                deed_go(s, TIME_S);
        }
        deed_go(s, 10 * TIME_S);
        deed_say(s, VERB_RESET);
        deed_go(s, 30 * TIME_S);
        ask(s, VERB_CONTROL, "ann", 1000, TOOL_ROLE_OPERATOR);
        ask(s, VERB_RUN, "ann", 1000, TOOL_ROLE_OPERATOR);
        deed_go(s, 10 * TIME_S);
        deed_say(s, VERB_HOLD);
        deed_go(s, TIME_S);
}

/* Every command in every state that comes by. */
static void say_all(struct swarm *s)
{
        static const enum verb verbs[] = {
            VERB_RESUME, VERB_CONFIRM, VERB_RESET, VERB_HOLD, VERB_RUN, VERB_STOP, VERB_ABORT};

        for (int i = 0; i < 7; i++) {
                deed_settle(s);
                deed_say(s, verbs[i]);
                deed_go(s, TIME_S);
                deed_start(s, SWARM_LIVE);
                (void)deed_reach(s, MACHINE_EXECUTE, 20 * TIME_S);
                deed_go(s, 5 * TIME_S);
                deed_start(s, SWARM_LIVE);
                deed_say(s, verbs[i]);
                deed_go(s, 3 * TIME_S);
                for (int k = 0; k < 7; k++)
                        deed_say(s, verbs[k]);
                deed_go(s, 20 * TIME_S);
        }
}

/* The wall clock steps, to and fro, in a run. */
static void step_clock(struct swarm *s)
{
        deed_settle(s);
        deed_start(s, SWARM_LIVE);
        for (int i = 0; i < 6; i++) {
                deed_go(s, 5 * TIME_S);
                world_step_clock(s->world, (i % 2 == 0 ? 1 : -1) * 3600 * TIME_S);
        }
        (void)deed_reach(s, MACHINE_COMPLETE, 2 * TIME_MIN);
}

/* A reset while its cause still stands, and one while the valves' module is away. */
static void reset_too_early(struct swarm *s)
{
        deed_settle(s);
        deed_befall(s, "emo", 20 * TIME_S);
        for (int i = 0; i < 8; i++) {
                deed_go(s, 4 * TIME_S);
                deed_say(s, VERB_RESET);
        }
        deed_settle(s);
        world_reboot(s->world, tool_find_device(s->tool, "valve-io"), 100 * TIME_S);
        deed_go(s, 5 * TIME_S);
        deed_say(s, VERB_ABORT);
        deed_go(s, 10 * TIME_S);
        deed_say(s, VERB_RESET);
        deed_go(s, 60 * TIME_S);
}

/* Outputs that do not do as they are told, and a second master. */
static void disobey(struct swarm *s)
{
        deed_settle(s);
        deed_befall(s, "deaf:nb.temperature.setpoint", 30 * TIME_S);
        deed_go(s, TIME_S);
        deed_set(s, "nb.temperature.setpoint", 50);
        deed_go(s, 20 * TIME_S);
        deed_settle(s);
        world_foreign(s->world, tool_find_tag(s->tool, "soft.valve"), 1);
        deed_go(s, 10 * TIME_S);
}

/* The valves' module loses its power in a run, and people resume as soon as they may; then once more, and its watchdog, which
 * says that it runs, never acts again. */
static void resume_unproven(struct swarm *s)
{
        for (int i = 0; i < 2; i++) {
                deed_settle(s);
                deed_start(s, SWARM_LIVE);
                (void)deed_reach(s, MACHINE_EXECUTE, 30 * TIME_S);
                deed_go(s, 8 * TIME_S);
                if (i == 1)
                        deed_befall(s, "watchdog-dead:valve-io", 40 * TIME_S);
                world_reboot(s->world, tool_find_device(s->tool, "valve-io"), 500 * TIME_MS);
                for (int k = 0; k < 60; k++) {
                        deed_go(s, 100 * TIME_MS);
                        deed_say(s, VERB_RESUME);
                }
                deed_go(s, 50 * TIME_S);
                deed_say(s, VERB_ABORT);
        }
        deed_settle(s);
}

/* SIGKILL in a pulse of a run, and the other precursor by hand as soon as people may. */
static void dose_after_crash(struct swarm *s)
{
        for (int i = 0; i < 3; i++) {
                deed_settle(s);
                deed_start(s, SWARM_LIVE);
                (void)deed_reach(s, MACHINE_EXECUTE, 30 * TIME_S);
                s->is_handed_over = false;
                for (int k = 0; k < 2000 && !s->is_handed_over; k++)
                        deed_go(s, 20 * TIME_MS);
                deed_go(s, 200 * TIME_MS);
                world_crash(s->world, 100 * TIME_MS);
                for (int k = 0; k < 24; k++) {
                        deed_go(s, 200 * TIME_MS);
                        if (s->state == MACHINE_ABORTED)
                                deed_say(s, VERB_RESET);
                        else
                                deed_pulse(s, "water.valve", 300 * TIME_MS);
                }
                deed_go(s, 10 * TIME_S);
        }
}

const struct drill drills_people[] = {{"asking without the right", ask_without_right, 1},
    {"every command in every state", say_all, 0}, {"a clock that steps", step_clock, 0},
    {"resets that come too early", reset_too_early, 0}, {"outputs that disobey", disobey, 0},
    {"a watchdog that is not proven", resume_unproven, 0},
    {"a dose after a crash in one", dose_after_crash, 0}, {NULL, NULL, 0}};
