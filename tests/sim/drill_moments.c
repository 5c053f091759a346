/* Short moments: between a dose and an end in order, a pulse's hand-over and its edge, the restart of a module and its next
 * feed, a last pulse and the end of its run. What goes wrong in them chance finds once in thousands of seeds. */
#include "deed.h"
#include "drill.h"

#include "ald/base/time.h" /* TIME_S */

/* The next pulse of a run is handed over; false: none was, in so long. */
static bool reach_handover(struct swarm *s, int64_t us)
{
        int64_t until_us = world_now(s->world) + us;

        s->is_handed_over = false;
        while (!s->is_handed_over && world_now(s->world) < until_us)
                deed_go(s, TIME_MS);
        return s->is_handed_over;
}

/* An end in order, and the next process with a pump that reads off for a second; the other precursor by hand as soon as people
 * may. */
static void end_and_dose(struct swarm *s)
{
        int64_t until_us = world_now(s->world) + 30 * TIME_S;

        deed_say(s, VERB_SHUTDOWN);
        while (world_core(s->world) != NULL && world_now(s->world) < until_us)
                deed_go(s, TIME_MS);
        world_crash(s->world, 10 * TIME_MS);
        deed_befall(s, "reads:pump.running=off", TIME_S);
        for (int i = 0; i < 40; i++) {
                deed_go(s, 200 * TIME_MS);
                deed_say(s, VERB_CONTROL);
                if (s->state == MACHINE_ABORTED)
                        deed_say(s, VERB_RESET);
                else
                        deed_pulse(s, "water.valve", 300 * TIME_MS);
        }
        deed_go(s, 5 * TIME_S);
}

/* The process ends soon after a dose; and long after one, with a carrier that a trip told to stop and that went on by itself:
 * nothing was purged, and the process after it has to know. */
static void end_unpurged(struct swarm *s)
{
        deed_settle(s);
        deed_pulse(s, "nb.valve", 300 * TIME_MS);
        deed_go(s, 400 * TIME_MS);
        end_and_dose(s);
        deed_settle(s);
        deed_pulse(s, "nb.valve", 300 * TIME_MS);
        deed_go(s, 100 * TIME_MS);
        deed_befall(s, "flow-stuck:carrier", 12 * TIME_S);
        deed_befall(s, "reads:chamber.pressure=6 Torr", 2 * TIME_S);
        deed_go(s, 9 * TIME_S);
        end_and_dose(s);
}

/* A second master shuts the way out just as a pulse of a run was handed over. */
static void shut_at_handover(struct swarm *s)
{
        for (int i = 0; i < 6; i++) {
                deed_settle(s);
                deed_start(s, SWARM_LIVE);
                (void)deed_reach(s, MACHINE_EXECUTE, 30 * TIME_S);
                (void)reach_handover(s, 2 * TIME_MIN);
                deed_go(s, 2 * TIME_S);
                (void)reach_handover(s, 20 * TIME_S);
                world_foreign(s->world, tool_find_tag(s->tool, "exhaust.valve"), 0);
                deed_go(s, 5 * TIME_S);
                deed_say(s, VERB_ABORT);
        }
        deed_settle(s);
}

/* A second master opens a precursor, which then obeys nobody, on a module that drops one connection after the other. */
static void stray_on_bad_wire(struct swarm *s)
{
        for (int i = 0; i < 6; i++) {
                deed_settle(s);
                world_foreign(s->world, tool_find_tag(s->tool, "water.valve"), 1);
                deed_befall(s, "deaf:water.valve", 2 * TIME_S);
                deed_spoil(s, WORLD_RESET, "valves", 150, 0, 2 * TIME_S);
                deed_go(s, 10 * TIME_S);
        }
        deed_settle(s);
}

/* The valves' module loses its power for a moment that no call falls into; a dose, and SIGKILL in it. */
static void restart_unseen(struct swarm *s)
{
        for (int i = 0; i < 8; i++) {
                deed_settle(s);
                deed_go(s, (1 + random_below(&s->on_fault, 250)) * TIME_MS);
                world_reboot(s->world, tool_find_device(s->tool, "valve-io"), 1);
                deed_go(s, 600 * TIME_MS);
                deed_pulse(s, "water.valve", 1900 * TIME_MS);
                deed_go(s, 300 * TIME_MS);
                world_crash(s->world, 4 * TIME_S);
                deed_go(s, 8 * TIME_S);
        }
        deed_settle(s);
}

/* The same moment in the last pulse of a run: it was none, as its module says behind the close. */
static void restart_in_last_pulse(struct swarm *s)
{
        deed_settle(s);
        deed_start(s, SWARM_NOTED);
        (void)deed_reach(s, MACHINE_EXECUTE, 20 * TIME_S);
        for (int i = 0; i < 7; i++)
                (void)reach_handover(s, 6 * TIME_MIN);
        for (int i = 0; i < 6; i++) {
                (void)reach_handover(s, 30 * TIME_S);
                deed_go(s, (540 - 10 * i) * TIME_MS); /* it closes 550 ms behind its hand-over */
                world_reboot(s->world, tool_find_device(s->tool, "valve-io"), 1);
                (void)deed_reach(s, MACHINE_HELD, 5 * TIME_S);
                deed_go(s, 10 * TIME_S);
                deed_say(s, VERB_RESUME);
        }
        (void)deed_reach(s, MACHINE_COMPLETE, 2 * TIME_MIN);
}

const struct drill drills_moments[] = {{"an end before a purge", end_unpurged, 0},
    {"a way out that shuts at a handover", shut_at_handover, 0},
    {"a valve that strays on a bad wire", stray_on_bad_wire, 0},
    {"a module restarted before its feed", restart_unseen, 0},
    {"a module restarted in a last pulse", restart_in_last_pulse, 0}, {NULL, NULL, 0}};
