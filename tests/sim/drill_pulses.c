/* Pulses by hand, and what may go wrong under them. */
#include "deed.h"
#include "drill.h"

#include "ald/base/time.h" /* TIME_S */

/* Whatever must not be open beside a precursor, or so soon behind it, asked for by hand. */
static void try_pairs(struct swarm *s)
{
        deed_settle(s);
        for (int i = 0; i < 3; i++) {
                deed_pulse(s, "nb.valve", 1500 * TIME_MS);
                deed_go(s, 500 * TIME_MS);
                deed_set(s, "vent.valve", 1);
                deed_pulse(s, "water.valve", TIME_S);
                deed_go(s, 1500 * TIME_MS);
                deed_set(s, "vent.valve", 0);
                deed_pulse(s, "water.valve", TIME_S); /* 0.5 s behind nb */
                deed_go(s, 3 * TIME_S);
                deed_pulse(s, "water.valve", TIME_S);
                deed_go(s, 9 * TIME_S);
                deed_set(s, "vent.valve", 1);
                deed_go(s, TIME_S);
                deed_pulse(s, "nb.valve", TIME_S);
                deed_go(s, 2 * TIME_S);
                deed_set(s, "vent.valve", 0);
                deed_go(s, 15 * TIME_S);
        }
}

static void dose_without(struct swarm *s, const char *way, double open)
{
        deed_say(s, VERB_CONTROL);
        deed_set(s, way, 0);
        deed_go(s, 300 * TIME_MS);
        deed_pulse(s, "water.valve", TIME_S);
        deed_go(s, 2 * TIME_S);
        deed_set(s, way, open);
        deed_go(s, 20 * TIME_S);
        deed_say(s, VERB_CONTROL);
}

/* The way out and the carrier, shut by hand before any precursor, when no purge keeps it back either, under one, in its purge,
 * and before the next. */
static void try_way_out(struct swarm *s)
{
        static const char *const way[] = {"exhaust.valve", "carrier.flow.setpoint"};

        deed_settle(s);
        dose_without(s, way[1], 20);
        dose_without(s, way[0], 1);
        for (int i = 0; i < 4; i++) {
                double open = i % 2 == 0 ? 1 : 20;

                deed_pulse(s, "nb.valve", TIME_S);
                deed_go(s, 500 * TIME_MS);
                deed_set(s, way[i % 2], 0);
                deed_go(s, 2 * TIME_S);
                deed_set(s, way[i % 2], 0);
                deed_go(s, 2 * TIME_S);
                deed_set(s, way[i % 2], open);
                deed_go(s, 20 * TIME_S);
                dose_without(s, way[i % 2], open);
        }
}

/* Between two precursors the pump stops, or the flow: the purge begins anew when it is back. */
static void try_dry_purges(struct swarm *s)
{
        static const char *const what[] = {"reads:pump.running=off", "reads:carrier.flow=6 sccm"};

        deed_settle(s);
        for (int i = 0; i < 4; i++) {
                deed_pulse(s, "nb.valve", TIME_S);
                deed_go(s, 3 * TIME_S);
                deed_befall(s, what[i % 2], 2 * TIME_S);
                deed_go(s, 4 * TIME_S);
                deed_pulse(s, "water.valve", TIME_S); /* 6 s behind nb, 2 s behind the fault */
                deed_go(s, 15 * TIME_S);
                deed_say(s, VERB_CONTROL);
        }
}

/* Pulses by hand, one after the other, while something is wrong with the wire or the loop. */
static void pulse_on(struct swarm *s, void (*trouble)(struct swarm *s))
{
        deed_settle(s);
        for (int i = 0; i < 24; i++) {
                if (s->state != MACHINE_STOPPED) {
                        deed_go(s, 3 * TIME_S);
                        deed_say(s, VERB_RESET);
                        (void)deed_reach(s, MACHINE_STOPPED, 10 * TIME_S);
                }
                deed_say(s, VERB_CONTROL);
                deed_set(s, "carrier.flow.setpoint", 20);
                deed_go(s, 6 * TIME_S);
                deed_pulse(s, "water.valve", 1500 * TIME_MS);
                trouble(s);
                deed_go(s, 6 * TIME_S);
        }
}

static void be_late(struct swarm *s)
{
        deed_go(s, 1350 * TIME_MS);
        deed_spoil(s, WORLD_LATE, "valves", 1000, 190 * TIME_MS, 110 * TIME_MS);
}

static void be_lost(struct swarm *s)
{
        deed_go(s, 1300 * TIME_MS);
        deed_spoil(s, WORLD_LOST, "valves", 500, 0, 400 * TIME_MS);
}

static void be_mute(struct swarm *s)
{
        deed_spoil(s, WORLD_MUTE, "valves", 200, 0, TIME_S);
}

static void stand_still(struct swarm *s)
{
        deed_go(s, 600 * TIME_MS);
        world_stall(s->world, 900 * TIME_MS + random_below(&s->on_fault, 2500) * TIME_MS, false);
}

static void be_reset(struct swarm *s)
{
        deed_spoil(s, WORLD_RESET, "valves", 400, 0, 100 * TIME_MS);
}

static void pulse_reset(struct swarm *s)
{
        pulse_on(s, be_reset);
}

static void pulse_late(struct swarm *s)
{
        pulse_on(s, be_late);
}

static void pulse_lost(struct swarm *s)
{
        pulse_on(s, be_lost);
}

static void pulse_mute(struct swarm *s)
{
        pulse_on(s, be_mute);
}

static void pulse_alone(struct swarm *s)
{
        pulse_on(s, stand_still);
}

/* A trip while a long pulse is open. */
static void trip_in_pulses(struct swarm *s)
{
        static const char *const what[] = {"emo", "reads:chamber.pressure=6 Torr", "nan:chamber.pressure",
            "reads:block.temperature=160 degC", "reads:lid.closed=off", "reads:carrier.flow=2 sccm"};

        for (int i = 0; i < 6; i++) {
                deed_settle(s);
                deed_pulse(s, i % 2 == 0 ? "nb.valve" : "water.valve", 2 * TIME_S);
                deed_go(s, 300 * TIME_MS);
                deed_befall(s, what[i], 5 * TIME_S);
                deed_go(s, 12 * TIME_S);
        }
}

const struct drill drills_pulses[] = {{"pairs", try_pairs, 0}, {"way out", try_way_out, 0},
    {"dry purges", try_dry_purges, 0}, {"late edges", pulse_late, 0}, {"lost edges", pulse_lost, 0},
    {"mute edges", pulse_mute, 0}, {"connections that are reset", pulse_reset, 0},
    {"a loop that stands still in pulses", pulse_alone, 0}, {"trips in pulses", trip_in_pulses, 0},
    {NULL, NULL, 0}};
