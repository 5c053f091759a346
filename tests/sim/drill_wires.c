/* Closes that a wire loses, each in its own way: how late they come all the same. */
#include "deed.h"
#include "drill.h"

#include "ald/base/time.h" /* TIME_S */

/* Pulses by hand whose close, and mostly nothing else, meets the fault. */
static void lose_closes(struct swarm *s, enum world_wire_fault kind, int64_t us)
{
        deed_settle(s);
        for (int i = 0; i < 12; i++) {
                /* A pulse by hand opens 20 ms behind its order. */
                int64_t before_us = 3 * TIME_MS * (i % 4);

                deed_set(s, "carrier.flow.setpoint", 20);
                deed_go(s, 6 * TIME_S);
                deed_pulse(s, i % 2 == 0 ? "water.valve" : "nb.valve", 300 * TIME_MS);
                deed_go(s, 315 * TIME_MS - before_us);
                deed_spoil(s, kind, "valves", 1000, us, 15 * TIME_MS + before_us);
                deed_go(s, 6 * TIME_S);
        }
}

static void try_lost(struct swarm *s)
{
        lose_closes(s, WORLD_LOST, 0);
}

static void try_late(struct swarm *s)
{
        lose_closes(s, WORLD_LATE, 300 * TIME_MS);
}

static void try_mute(struct swarm *s)
{
        lose_closes(s, WORLD_MUTE, 0);
}

static void try_truncated(struct swarm *s)
{
        lose_closes(s, WORLD_TRUNCATED, 0);
}

static void try_dripped(struct swarm *s)
{
        lose_closes(s, WORLD_DRIPPED, 40 * TIME_MS);
}

static void try_reset(struct swarm *s)
{
        lose_closes(s, WORLD_RESET, 0);
}

const struct drill drills_wires[] = {{"the close is lost", try_lost, 0}, {"the close is late", try_late, 0},
    {"the answer to the close is lost", try_mute, 0},
    {"the answer to the close is cut off", try_truncated, 0},
    {"the answer to the close drips", try_dripped, 0}, {"the connection ends under the close", try_reset, 0},
    {NULL, NULL, 0}};
