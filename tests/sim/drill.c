#include "drill.h"

#include "ald/base/text.h" /* text_copy */
#include "ald/base/time.h" /* TIME_S */
#include "ald/sim/fault.h" /* FAULT_SPEC_MAX */

#include <assert.h> /* assert */
#include <stdio.h>  /* snprintf */
#include <string.h> /* strcmp */

/* ---- deeds ---- */

static void go(struct swarm *s, int64_t us)
{
        world_run(s->world, world_now(s->world) + us);
}

/* Until this state is entered; false: it was not, in so long. */
static bool reach(struct swarm *s, enum machine_state state, int64_t us)
{
        int64_t until_us = world_now(s->world) + us;

        while (s->state != state && world_now(s->world) < until_us)
                go(s, 20 * TIME_MS);
        return s->state == state;
}

static struct command word(enum verb verb)
{
        struct command c = {
            .verb = verb, .role = TOOL_ROLE_ENGINEER, .uid = 1003, .pid = 1004, .tag = TOOL_NONE};

        text_copy(c.user, sizeof c.user, "dan");
        return c;
}

static void say(struct swarm *s, enum verb verb)
{
        struct command c = word(verb);

        c.repeat = verb == VERB_RESUME;
        if (verb == VERB_CONTROL)
                text_copy(c.name, sizeof c.name, "take");
        swarm_command(s, &c);
}

static void move(struct swarm *s, enum verb verb, const char *tag, double value, int64_t for_us)
{
        struct command c = word(verb);

        c.tag = (int16_t)tool_find_tag(s->tool, tag);
        assert(c.tag >= 0);
        c.value = value;
        c.for_us = for_us;
        swarm_command(s, &c);
}

static void set(struct swarm *s, const char *tag, double value)
{
        move(s, VERB_SET, tag, value, 0);
}

static void pulse(struct swarm *s, const char *tag, int64_t us)
{
        move(s, VERB_OPEN, tag, 1, us);
}

static void start(struct swarm *s, int recipe)
{
        struct command c = word(VERB_RUN);

        c.recipe = s->config->kit->recipe[s->tool_i][recipe];
        swarm_command(s, &c);
}

static void befall(struct swarm *s, const char *what, int64_t us)
{
        char spec[FAULT_SPEC_MAX], why[256];
        bool ok;

        snprintf(spec, sizeof spec, "%s@%lld ms+%lld ms", what,
            (long long)(world_now(s->world) / TIME_MS + 1), (long long)(us / TIME_MS));
        ok = world_fault(s->world, spec, why, sizeof why);
        assert(ok && "the words of faults are right");
        (void)ok;
}

static void spoil(
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

/* At rest, in Stopped or Idle, with carrier and line as a precursor wants them, and control taken. */
static void settle(struct swarm *s)
{
        go(s, 3 * TIME_S);
        for (int i = 0; i < 10 && s->state != MACHINE_STOPPED; i++) {
                say(s, VERB_RESET);
                (void)reach(s, MACHINE_STOPPED, 5 * TIME_S);
        }
        say(s, VERB_CONTROL);
        set(s, "carrier.flow.setpoint", 20);
        set(s, "nb.temperature.setpoint", 60);
        set(s, "nb.line.temperature.setpoint", 130);
        go(s, 90 * TIME_S);
}

/* ---- drills ---- */

/* Whatever must not be open beside a precursor, or so soon behind it, asked for by hand. */
static void try_pairs(struct swarm *s)
{
        settle(s);
        for (int i = 0; i < 3; i++) {
                pulse(s, "nb.valve", 1500 * TIME_MS);
                go(s, 500 * TIME_MS);
                set(s, "vent.valve", 1);
                pulse(s, "water.valve", TIME_S);
                go(s, 1500 * TIME_MS);
                set(s, "vent.valve", 0);
                pulse(s, "water.valve", TIME_S); /* 0.5 s behind nb */
                go(s, 3 * TIME_S);
                pulse(s, "water.valve", TIME_S);
                go(s, 9 * TIME_S);
                set(s, "vent.valve", 1);
                go(s, TIME_S);
                pulse(s, "nb.valve", TIME_S);
                go(s, 2 * TIME_S);
                set(s, "vent.valve", 0);
                go(s, 15 * TIME_S);
        }
}

/* The way out and the carrier, shut by hand under a precursor, in its purge, and before it. */
static void try_way_out(struct swarm *s)
{
        static const char *const way[] = {"exhaust.valve", "carrier.flow.setpoint"};

        settle(s);
        for (int i = 0; i < 4; i++) {
                double open = i % 2 == 0 ? 1 : 20;

                pulse(s, "nb.valve", TIME_S);
                go(s, 500 * TIME_MS);
                set(s, way[i % 2], 0);
                go(s, 2 * TIME_S);
                set(s, way[i % 2], 0);
                go(s, 2 * TIME_S);
                set(s, way[i % 2], open);
                go(s, 20 * TIME_S);
                say(s, VERB_CONTROL);
                set(s, way[i % 2], 0);
                go(s, 300 * TIME_MS);
                pulse(s, "water.valve", TIME_S);
                go(s, 2 * TIME_S);
                set(s, way[i % 2], open);
                go(s, 20 * TIME_S);
                say(s, VERB_CONTROL);
        }
}

/* Between two precursors the pump stops, or the flow: the purge begins anew when it is back. */
static void try_dry_purges(struct swarm *s)
{
        static const char *const what[] = {"reads:pump.running=off", "reads:carrier.flow=6 sccm"};

        settle(s);
        for (int i = 0; i < 4; i++) {
                pulse(s, "nb.valve", TIME_S);
                go(s, 3 * TIME_S);
                befall(s, what[i % 2], 2 * TIME_S);
                go(s, 4 * TIME_S);
                pulse(s, "water.valve", TIME_S); /* 6 s behind nb, 2 s behind the fault */
                go(s, 15 * TIME_S);
                say(s, VERB_CONTROL);
        }
}

/* Pulses by hand, one after the other, while something is wrong with the wire or the loop. */
static void pulse_on(struct swarm *s, void (*trouble)(struct swarm *s))
{
        settle(s);
        for (int i = 0; i < 24; i++) {
                if (s->state != MACHINE_STOPPED) {
                        go(s, 3 * TIME_S);
                        say(s, VERB_RESET);
                        (void)reach(s, MACHINE_STOPPED, 10 * TIME_S);
                }
                say(s, VERB_CONTROL);
                set(s, "carrier.flow.setpoint", 20);
                go(s, 6 * TIME_S);
                pulse(s, "water.valve", 1500 * TIME_MS);
                trouble(s);
                go(s, 6 * TIME_S);
        }
}

static void be_late(struct swarm *s)
{
        go(s, 1350 * TIME_MS);
        spoil(s, WORLD_LATE, "valves", 1000, 190 * TIME_MS, 110 * TIME_MS);
}

static void be_lost(struct swarm *s)
{
        go(s, 1300 * TIME_MS);
        spoil(s, WORLD_LOST, "valves", 500, 0, 400 * TIME_MS);
}

static void be_mute(struct swarm *s)
{
        spoil(s, WORLD_MUTE, "valves", 200, 0, TIME_S);
}

static void stand_still(struct swarm *s)
{
        go(s, 600 * TIME_MS);
        world_stall(s->world, 900 * TIME_MS + random_below(&s->on_fault, 2500) * TIME_MS, false);
}

static void be_reset(struct swarm *s)
{
        spoil(s, WORLD_RESET, "valves", 400, 0, 100 * TIME_MS);
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

/* The loop stands still just as a pulse of a run was handed over. */
static void stall_at_handover(struct swarm *s)
{
        settle(s);
        start(s, SWARM_LIVE);
        for (int i = 0; i < 8 && reach(s, MACHINE_EXECUTE, 2 * TIME_MIN); i++) {
                int64_t until_us = world_now(s->world) + 60 * TIME_S;

                s->is_handed_over = false;
                while (!s->is_handed_over && world_now(s->world) < until_us)
                        go(s, TIME_MS);
                world_stall(s->world, 700 * TIME_MS, false);
                go(s, 3 * TIME_S);
                say(s, VERB_RESUME);
                go(s, TIME_S);
        }
}

/* The whole machine pauses, for less than a turn may be old, just as a pulse of a run was handed over. */
static void pause_at_handover(struct swarm *s)
{
        settle(s);
        start(s, SWARM_NOTED);
        (void)reach(s, MACHINE_EXECUTE, 20 * TIME_S);
        for (int i = 0; i < 12 && s->state != MACHINE_COMPLETE; i++) {
                int64_t until_us = world_now(s->world) + 4 * TIME_MIN;

                s->is_handed_over = false;
                while (!s->is_handed_over && world_now(s->world) < until_us)
                        go(s, TIME_MS);
                world_stall(s->world, (72 + random_below(&s->on_fault, 20)) * TIME_MS, true);
                go(s, 3 * TIME_S);
                if (s->state == MACHINE_HELD)
                        say(s, VERB_RESUME);
        }
}

/* Precursors opened by hand wherever a run stands. */
static void open_in_holds(struct swarm *s)
{
        settle(s);
        say(s, VERB_CONTROL);
        start(s, SWARM_LIVE);
        (void)reach(s, MACHINE_EXECUTE, 20 * TIME_S);
        s->is_handed_over = false;
        for (int i = 0; i < 1000 && !s->is_handed_over; i++)
                go(s, 20 * TIME_MS);
        go(s, TIME_S);
        say(s, VERB_HOLD);
        (void)reach(s, MACHINE_HELD, 20 * TIME_S);
        go(s, 7 * TIME_S);
        pulse(s, "water.valve", 300 * TIME_MS);
        go(s, 3 * TIME_S);
}

/* A run whose waits stand between notes, with instruments that fail in them; then holds wherever it is. */
static void wait_blindly(struct swarm *s)
{
        settle(s);
        befall(s, "nan:chamber.temperature", 40 * TIME_S);
        start(s, SWARM_NOTED);
        (void)reach(s, MACHINE_EXECUTE, 20 * TIME_S);
        befall(s, "nan:carrier.flow", 3 * TIME_S);
        go(s, 3 * TIME_S);
        befall(s, "nan:nb.temperature", 2 * TIME_S);
        (void)reach(s, MACHINE_COMPLETE, 6 * TIME_MIN);
}

static void settle_blindly(struct swarm *s)
{
        settle(s);
        start(s, SWARM_NOTED);
        (void)reach(s, MACHINE_EXECUTE, 20 * TIME_S);
        go(s, TIME_S);
        befall(s, "nan:carrier.flow", 5 * TIME_MIN);
        (void)reach(s, MACHINE_COMPLETE, 8 * TIME_MIN);
}

static void hold_everywhere(struct swarm *s)
{
        settle(s);
        start(s, SWARM_NOTED);
        (void)reach(s, MACHINE_EXECUTE, 20 * TIME_S);
        for (int i = 0; i < 40 && s->state != MACHINE_COMPLETE; i++) {
                struct command c = word(VERB_HOLD);

                go(s, (1 + random_below(&s->on_fault, 9000)) * TIME_MS);
                c.now = i % 2 == 0;
                if (s->state == MACHINE_EXECUTE && i % 4 != 3)
                        swarm_command(s, &c);
                (void)reach(s, MACHINE_HELD, 2 * TIME_S);
                if (s->state == MACHINE_HELD)
                        say(s, VERB_RESUME);
                (void)reach(s, MACHINE_EXECUTE, 2 * TIME_S);
        }
        (void)reach(s, MACHINE_COMPLETE, 6 * TIME_MIN);
}

/* A trip while a long pulse is open. */
static void trip_in_pulses(struct swarm *s)
{
        static const char *const what[] = {"emo", "reads:chamber.pressure=6 Torr", "nan:chamber.pressure",
            "reads:block.temperature=160 degC", "reads:lid.closed=off", "reads:carrier.flow=2 sccm"};

        for (int i = 0; i < 6; i++) {
                settle(s);
                pulse(s, i % 2 == 0 ? "nb.valve" : "water.valve", 2 * TIME_S);
                go(s, 300 * TIME_MS);
                befall(s, what[i], 5 * TIME_S);
                go(s, 12 * TIME_S);
        }
}

/* Heaters and the bed, which fail outside of a run. */
static void fail_drives(struct swarm *s)
{
        settle(s);
        befall(s, "heater-dead:nb-line", 5 * TIME_MIN);
        befall(s, "heater-dead:nb-source", 5 * TIME_MIN);
        set(s, "nb.line.temperature.setpoint", 170);
        set(s, "nb.temperature.setpoint", 110);
        set(s, "bed.speed.setpoint", 3);
        go(s, 20 * TIME_S);
        befall(s, "motor-stall:bed", 20 * TIME_S);
        go(s, 20 * TIME_S);
        say(s, VERB_CONTROL);
        set(s, "bed.speed.setpoint", 2);
        go(s, 90 * TIME_S);
        say(s, VERB_ACK);
        start(s, SWARM_LIVE);
        go(s, 10 * TIME_S);
        say(s, VERB_RESET);
        go(s, 10 * TIME_S);
}

/* Who asks for more than may be bypassed, of what may not be, for longer. */
static void bypass_all(struct swarm *s)
{
        static const char *const inputs[] = {
            "emo.ok", "lid.closed", "chamber.temperature", "nb.line.temperature"};

        settle(s);
        for (int i = 0; i < 8; i++) {
                struct command c = word(VERB_BYPASS);

                c.tag = (int16_t)tool_find_tag(s->tool, inputs[i % 4]);
                c.for_us = i < 4 ? 20 * TIME_S : 100 * 3600 * TIME_S;
                text_copy(c.reason, sizeof c.reason, "drill");
                swarm_command(s, &c);
                go(s, i == 3 ? 30 * TIME_S : TIME_S);
        }
}

/* The disk fills up, and stalls for longer than the queue is long. */
static void fill_disk(struct swarm *s)
{
        settle(s);
        world_disk(s->world, 0, true);
        go(s, 10 * TIME_S);
        start(s, SWARM_NOTED);
        go(s, 10 * TIME_S);
        pulse(s, "water.valve", TIME_S);
        go(s, 10 * TIME_MIN);
        world_disk(s->world, 0, false);
        go(s, 20 * TIME_S);
}

/* People who are refused, a good deal of them, by a disk that does not take it. */
static void flood_disk(struct swarm *s)
{
        settle(s);
        world_disk(s->world, 0, true);
        for (int i = 0; i < 12000; i++) {
                say(s, VERB_CONFIRM);
                if (i % 100 == 0)
                        go(s, 10 * TIME_MS);
        }
        go(s, 2 * TIME_S);
        world_disk(s->world, 0, false);
        go(s, 20 * TIME_S);
        say(s, VERB_CONFIRM);
        go(s, 2 * TIME_S);
}

/* At rest the valves' link is gone for longer than the module's watchdog bears it. */
static void lose_link(struct swarm *s)
{
        settle(s);
        for (int i = 0; i < 2; i++) {
                if (i == 0)
                        set(s, "soft.valve", 1);
                go(s, TIME_S);
                spoil(s, WORLD_REFUSED, "valves", 1000, 0, 8 * TIME_S);
                spoil(s, WORLD_RESET, "valves", 1000, 0, 8 * TIME_S);
                go(s, 12 * TIME_S);
                pulse(s, "water.valve", TIME_S);
                go(s, 3 * TIME_S);
                settle(s);
        }
}

/* The valves' module loses its power, and hardly answers when it is back: its watchdog is not armed for long. */
static void stay_unarmed(struct swarm *s)
{
        settle(s);
        world_reboot(s->world, tool_find_device(s->tool, "valve-io"), TIME_S);
        spoil(s, WORLD_EXCEPTION, "valves", 1000, 0, 20 * TIME_S);
        go(s, 8 * TIME_S);
        pulse(s, "water.valve", 300 * TIME_MS);
        go(s, 3 * TIME_S);
        start(s, SWARM_LIVE);
        go(s, 30 * TIME_S);
        go(s, 5 * TIME_S);
}

/* SIGKILL with a valve open, with a run under way, and the process after it. */
static void crash(struct swarm *s)
{
        for (int i = 0; i < 2; i++) {
                settle(s);
                pulse(s, "nb.valve", 1500 * TIME_MS);
                go(s, 500 * TIME_MS);
                world_crash(s->world, i == 0 ? 6 * TIME_S : 100 * TIME_MS);
                go(s, 10 * TIME_S);
                settle(s);
                start(s, SWARM_LIVE);
                go(s, 8 * TIME_S);
                world_crash(s->world, 2 * TIME_S);
                go(s, 10 * TIME_S);
                start(s, SWARM_LIVE);
                go(s, 5 * TIME_S);
        }
}

static const struct {
        const char *name;
        void (*run)(struct swarm *s);
        int tool; /* of the kit: 0 = the reference tool */
} drills[] = {
    {"pairs", try_pairs, 0},
    {"way out", try_way_out, 0},
    {"dry purges", try_dry_purges, 0},
    {"late edges", pulse_late, 0},
    {"lost edges", pulse_lost, 0},
    {"mute edges", pulse_mute, 0},
    {"connections that are reset", pulse_reset, 0},
    {"a loop that stands still in pulses", pulse_alone, 0},
    {"a loop that stands still at a handover", stall_at_handover, 0},
    {"a machine that pauses at a handover", pause_at_handover, 0},
    {"hands in a hold", open_in_holds, 1},
    {"blind waits", wait_blindly, 0},
    {"blind settling", settle_blindly, 0},
    {"holds everywhere", hold_everywhere, 0},
    {"trips in pulses", trip_in_pulses, 0},
    {"drives that fail", fail_drives, 0},
    {"bypasses", bypass_all, 0},
    {"a full disk", fill_disk, 0},
    {"a full queue", flood_disk, 0},
    {"a link that is lost", lose_link, 0},
    {"a watchdog that is not armed", stay_unarmed, 0},
    {"crashes", crash, 0},
};

int drill_count(void)
{
        return (int)(sizeof drills / sizeof drills[0]);
}

const char *drill_name(int n)
{
        assert(n >= 1 && n <= drill_count());
        return drills[n - 1].name;
}

int drill_tool(int n)
{
        assert(n >= 1 && n <= drill_count());
        return drills[n - 1].tool;
}

void drill_run(struct swarm *s, int n)
{
        assert(n >= 1 && n <= drill_count());
        drills[n - 1].run(s);
}
