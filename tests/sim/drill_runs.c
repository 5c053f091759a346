/* Runs, drives, the record, the module and the process, each with the fault that hurts it most. */
#include "deed.h"
#include "drill.h"

#include "ald/base/text.h" /* text_copy */
#include "ald/base/time.h" /* TIME_S */

/* The loop stands still just as a pulse of a run was handed over. */
static void stall_at_handover(struct swarm *s)
{
        deed_settle(s);
        deed_start(s, SWARM_LIVE);
        for (int i = 0; i < 8 && deed_reach(s, MACHINE_EXECUTE, 2 * TIME_MIN); i++) {
                int64_t until_us = world_now(s->world) + 60 * TIME_S;

                s->is_handed_over = false;
                while (!s->is_handed_over && world_now(s->world) < until_us)
                        deed_go(s, TIME_MS);
                world_stall(s->world, 700 * TIME_MS, false);
                deed_go(s, 3 * TIME_S);
                deed_say(s, VERB_RESUME);
                deed_go(s, TIME_S);
        }
}

/* The whole machine pauses, for less than a turn may be old, just as a pulse of a run was handed over. */
static void pause_at_handover(struct swarm *s)
{
        deed_settle(s);
        deed_start(s, SWARM_NOTED);
        (void)deed_reach(s, MACHINE_EXECUTE, 20 * TIME_S);
        for (int i = 0; i < 12 && s->state != MACHINE_COMPLETE; i++) {
                int64_t until_us = world_now(s->world) + 4 * TIME_MIN;

                s->is_handed_over = false;
                while (!s->is_handed_over && world_now(s->world) < until_us)
                        deed_go(s, TIME_MS);
                world_stall(s->world, (72 + random_below(&s->on_fault, 20)) * TIME_MS, true);
                deed_go(s, 3 * TIME_S);
                if (s->state == MACHINE_HELD)
                        deed_say(s, VERB_RESUME);
        }
}

/* Precursors opened by hand wherever a run stands. */
static void open_in_holds(struct swarm *s)
{
        deed_settle(s);
        deed_say(s, VERB_CONTROL);
        deed_start(s, SWARM_LIVE);
        (void)deed_reach(s, MACHINE_EXECUTE, 20 * TIME_S);
        s->is_handed_over = false;
        for (int i = 0; i < 1000 && !s->is_handed_over; i++)
                deed_go(s, 20 * TIME_MS);
        deed_go(s, TIME_S);
        deed_say(s, VERB_HOLD);
        (void)deed_reach(s, MACHINE_HELD, 20 * TIME_S);
        deed_go(s, 7 * TIME_S);
        deed_pulse(s, "water.valve", 300 * TIME_MS);
        deed_go(s, 3 * TIME_S);
}

/* A run whose waits stand between notes, with instruments that fail in them; then holds wherever it is. */
static void wait_blindly(struct swarm *s)
{
        deed_settle(s);
        deed_befall(s, "nan:chamber.temperature", 40 * TIME_S);
        deed_start(s, SWARM_NOTED);
        (void)deed_reach(s, MACHINE_EXECUTE, 20 * TIME_S);
        deed_befall(s, "nan:carrier.flow", 3 * TIME_S);
        deed_go(s, 3 * TIME_S);
        deed_befall(s, "nan:nb.temperature", 2 * TIME_S);
        (void)deed_reach(s, MACHINE_COMPLETE, 6 * TIME_MIN);
}

static void settle_blindly(struct swarm *s)
{
        deed_settle(s);
        deed_start(s, SWARM_NOTED);
        (void)deed_reach(s, MACHINE_EXECUTE, 20 * TIME_S);
        deed_go(s, TIME_S);
        deed_befall(s, "nan:carrier.flow", 5 * TIME_MIN);
        (void)deed_reach(s, MACHINE_COMPLETE, 8 * TIME_MIN);
}

static void hold_everywhere(struct swarm *s)
{
        deed_settle(s);
        deed_start(s, SWARM_NOTED);
        (void)deed_reach(s, MACHINE_EXECUTE, 20 * TIME_S);
        for (int i = 0; i < 40 && s->state != MACHINE_COMPLETE; i++) {
                struct command c = deed_word(VERB_HOLD);

                deed_go(s, (1 + random_below(&s->on_fault, 9000)) * TIME_MS);
                c.now = i % 2 == 0;
                if (s->state == MACHINE_EXECUTE && i % 4 != 3)
                        swarm_command(s, &c);
                (void)deed_reach(s, MACHINE_HELD, 2 * TIME_S);
                if (s->state == MACHINE_HELD)
                        deed_say(s, VERB_RESUME);
                (void)deed_reach(s, MACHINE_EXECUTE, 2 * TIME_S);
        }
        (void)deed_reach(s, MACHINE_COMPLETE, 6 * TIME_MIN);
}

/* Heaters and the bed, which fail outside of a run. */
static void fail_drives(struct swarm *s)
{
        deed_settle(s);
        deed_befall(s, "heater-dead:nb-line", 5 * TIME_MIN);
        deed_befall(s, "heater-dead:nb-source", 5 * TIME_MIN);
        deed_set(s, "nb.line.temperature.setpoint", 170);
        deed_set(s, "nb.temperature.setpoint", 110);
        deed_set(s, "bed.speed.setpoint", 3);
        deed_go(s, 20 * TIME_S);
        deed_befall(s, "motor-stall:bed", 20 * TIME_S);
        deed_go(s, 20 * TIME_S);
        deed_say(s, VERB_CONTROL);
        deed_set(s, "bed.speed.setpoint", 2);
        deed_go(s, 90 * TIME_S);
        deed_say(s, VERB_ACK);
        deed_start(s, SWARM_LIVE);
        deed_go(s, 10 * TIME_S);
        deed_say(s, VERB_RESET);
        deed_go(s, 10 * TIME_S);
}

/* Who asks for more than may be bypassed, of what may not be, for longer. */
static void bypass_all(struct swarm *s)
{
        static const char *const inputs[] = {
            "emo.ok", "lid.closed", "chamber.temperature", "nb.line.temperature"};

        deed_settle(s);
        for (int i = 0; i < 8; i++) {
                struct command c = deed_word(VERB_BYPASS);

                c.tag = (int16_t)tool_find_tag(s->tool, inputs[i % 4]);
                c.for_us = i < 4 ? 20 * TIME_S : 100 * 3600 * TIME_S;
                text_copy(c.reason, sizeof c.reason, "drill");
                swarm_command(s, &c);
                deed_go(s, i == 3 ? 30 * TIME_S : TIME_S);
        }
}

/* The disk fills up, and stalls for longer than the queue is long. */
static void fill_disk(struct swarm *s)
{
        deed_settle(s);
        world_disk(s->world, 0, true);
        deed_go(s, 10 * TIME_S);
        deed_start(s, SWARM_NOTED);
        deed_go(s, 10 * TIME_S);
        deed_pulse(s, "water.valve", TIME_S);
        deed_go(s, 10 * TIME_MIN);
        world_disk(s->world, 0, false);
        deed_go(s, 20 * TIME_S);
}

/* People who are refused, a good deal of them, by a disk that does not take it. */
static void flood_disk(struct swarm *s)
{
        deed_settle(s);
        world_disk(s->world, 0, true);
        for (int i = 0; i < 12000; i++) {
                deed_say(s, VERB_CONFIRM);
                if (i % 100 == 0)
                        deed_go(s, 10 * TIME_MS);
        }
        deed_go(s, 2 * TIME_S);
        world_disk(s->world, 0, false);
        deed_go(s, 20 * TIME_S);
        deed_say(s, VERB_CONFIRM);
        deed_go(s, 2 * TIME_S);
}

/* At rest the valves' link is gone for longer than the module's watchdog bears it. */
static void lose_link(struct swarm *s)
{
        deed_settle(s);
        for (int i = 0; i < 2; i++) {
                if (i == 0)
                        deed_set(s, "soft.valve", 1);
                deed_go(s, TIME_S);
                deed_spoil(s, WORLD_REFUSED, "valves", 1000, 0, 8 * TIME_S);
                deed_spoil(s, WORLD_RESET, "valves", 1000, 0, 8 * TIME_S);
                deed_go(s, 12 * TIME_S);
                deed_pulse(s, "water.valve", TIME_S);
                deed_go(s, 3 * TIME_S);
                deed_settle(s);
        }
}

/* The valves' module loses its power, and hardly answers when it is back: its watchdog is not armed for long. */
static void stay_unarmed(struct swarm *s)
{
        deed_settle(s);
        world_reboot(s->world, tool_find_device(s->tool, "valve-io"), TIME_S);
        deed_spoil(s, WORLD_EXCEPTION, "valves", 1000, 0, 20 * TIME_S);
        deed_go(s, 8 * TIME_S);
        deed_pulse(s, "water.valve", 300 * TIME_MS);
        deed_go(s, 3 * TIME_S);
        deed_start(s, SWARM_LIVE);
        deed_go(s, 30 * TIME_S);
        deed_go(s, 5 * TIME_S);
}

/* SIGKILL with a valve open, with a run under way, and the process after it. */
static void crash(struct swarm *s)
{
        for (int i = 0; i < 2; i++) {
                deed_settle(s);
                deed_pulse(s, "nb.valve", 1500 * TIME_MS);
                deed_go(s, 500 * TIME_MS);
                world_crash(s->world, i == 0 ? 6 * TIME_S : 100 * TIME_MS);
                deed_go(s, 10 * TIME_S);
                deed_settle(s);
                deed_start(s, SWARM_LIVE);
                deed_go(s, 8 * TIME_S);
                world_crash(s->world, 2 * TIME_S);
                deed_go(s, 10 * TIME_S);
                deed_start(s, SWARM_LIVE);
                deed_go(s, 5 * TIME_S);
        }
}

const struct drill drills_runs[] = {{"a loop that stands still at a handover", stall_at_handover, 0},
    {"a machine that pauses at a handover", pause_at_handover, 0}, {"hands in a hold", open_in_holds, 1},
    {"blind waits", wait_blindly, 0}, {"blind settling", settle_blindly, 0},
    {"holds everywhere", hold_everywhere, 0}, {"drives that fail", fail_drives, 0},
    {"bypasses", bypass_all, 0}, {"a full disk", fill_disk, 0}, {"a full queue", flood_disk, 0},
    {"a link that is lost", lose_link, 0}, {"a watchdog that is not armed", stay_unarmed, 0},
    {"crashes", crash, 0}, {NULL, NULL, 0}};
