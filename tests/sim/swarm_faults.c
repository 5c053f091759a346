/* What befalls a world. */
#include "swarm.h"

#include "ald/base/time.h" /* TIME_S */
#include "ald/core/core.h" /* struct core: whether a process runs */
#include "ald/sim/fault.h" /* FAULT_SPEC_MAX */

#include <assert.h> /* assert */
#include <stdio.h>  /* snprintf */

/* ---- Plant and instruments: words of sim/fault.h, with what may stand behind them ---- */

enum { CHOICES_MAX = 8, CALM_FAULTS_MAX = 3 };
static const struct {
        const char *name;
        const char *what[CHOICES_MAX];
} plant[SWARM_PLANT_KINDS] = {
    {"stuck-closed", {"stuck-closed:nb.valve", "stuck-closed:exhaust.valve", "stuck-closed:water.valve"}},
    {"stuck-open", {"stuck-open:nb.valve", "stuck-open:water.valve", "stuck-open:vent.valve"}},
    {"frozen",
        {"frozen:chamber.pressure", "frozen:carrier.flow", "frozen:nb.temperature", "frozen:lid.closed"}},
    {"nan",
        {"nan:chamber.pressure", "nan:chamber.temperature", "nan:nb.line.temperature", "nan:carrier.flow"}},
    {"drift", {"drift:chamber.pressure=100 mTorr/s", "drift:nb.temperature=30 K/min",
                  "drift:chamber.temperature=60 K/min"}},
    {"reads", {"reads:heater.over-temperature=on", "reads:chamber.pressure=6 Torr", "reads:pump.running=off",
                  "reads:block.temperature=160 degC", "reads:carrier.flow=2 sccm", "reads:lid.closed=off",
                  "reads:nb.line.temperature=90 degC"}},
    {"deaf", {"deaf:nb.valve", "deaf:exhaust.valve", "deaf:carrier.flow.setpoint",
                 "deaf:nb.temperature.setpoint", "deaf:bed.speed.setpoint"}},
    {"flow-stuck", {"flow-stuck:carrier"}},
    {"motor-stall", {"motor-stall:bed"}},
    {"heater-stuck-on", {"heater-stuck-on:chamber", "heater-stuck-on:nb-source"}},
    {"heater-dead", {"heater-dead:nb-line", "heater-dead:chamber"}},
    {"bottle-empty", {"bottle-empty:water", "bottle-empty:nb"}},
    {"pump-fail", {"pump-fail"}},
    {"leak", {"leak=20 sccm", "leak=100 sccm"}},
    {"clog", {"clog=50 %", "clog=95 %"}},
    {"lid-open", {"lid-open"}},
    {"emo", {"emo"}},
    {"house", {"reads:trap.temperature=160 degC"}},
    {"slow", {"slow:plant-io=100 ms", "slow:valves=50 ms", "slow:heat=250 ms", "slow:plant=400 ms"}},
    {"silent", {"silent:plant-io", "silent:valve-io", "silent:heat", "silent:plant"}},
    {"drop", {"drop:valve-io", "drop:flow", "drop:motor"}},
};

static const char *const others[SWARM_FAULTS - SWARM_REBOOT] = {"reboot", "second master", "stall",
    "stall with workers", "clock step", "disk full", "disk slow", "flood", "crash", "shutdown"};

const char *swarm_fault_name(int fault)
{
        return fault < SWARM_PLANT    ? world_wire_fault_name((enum world_wire_fault)fault)
               : fault < SWARM_REBOOT ? plant[fault - SWARM_PLANT].name
                                      : others[fault - SWARM_REBOOT];
}

static int64_t draw(struct swarm *s, int64_t min, int64_t max)
{
        return random_between(&s->on_fault, min, max);
}

/* From a moment to much, short ones more often. */
static int64_t draw_span(struct swarm *s)
{
        static const int64_t most[] = {TIME_S, 5 * TIME_S, 20 * TIME_S, 60 * TIME_S};
        int64_t us = draw(s, 10 * TIME_MS, most[random_below(&s->on_fault, 4)]);
        int64_t left_us = s->end_us - world_now(s->world);

        us = us < left_us ? us : left_us;
        return us > 1 ? us : 1;
}

/* ---- One fault ---- */

static void make_wire(struct swarm *s, int kind)
{
        static const int often[] = {10, 50, 200, 500, 1000};
        static const int codes[] = {1, 2, 3, 4, 6, 10, 11};
        struct world_wire f = {.kind = (enum world_wire_fault)kind, .link = TOOL_NONE, .device = TOOL_NONE};

        if (random_chance(&s->on_fault, 600))
                f.link = (int)random_below(&s->on_fault, s->tool->link_count);
        if (random_chance(&s->on_fault, 300))
                f.device = (int)random_below(&s->on_fault, s->tool->device_count);
        f.per_mille = often[random_below(&s->on_fault, 5)];
        f.us = kind == WORLD_DRIPPED ? draw(s, 100, 50 * TIME_MS) : draw(s, TIME_MS, 700 * TIME_MS);
        f.number = codes[random_below(&s->on_fault, (int64_t)(sizeof codes / sizeof codes[0]))];
        f.from_us = world_now(s->world);
        f.until_us = f.from_us + draw_span(s);
        (void)world_wire(s->world, &f);
}

static bool make_word(struct swarm *s, const char *what)
{
        char spec[FAULT_SPEC_MAX], why[256];
        int64_t span_us = draw_span(s);

        if (s->plant_faults == FAULTS_MAX - 4)
                return false;
        snprintf(spec, sizeof spec, "%s@%lld ms+%lld ms", what,
            (long long)(world_now(s->world) / TIME_MS + 1), (long long)(span_us / TIME_MS + 1));
        if (!world_fault(s->world, spec, why, sizeof why)) {
                fprintf(stderr, "swarm: %s: %s\n", spec, why);
                assert(false && "the words of faults are right");
        }
        s->plant_faults++;
        return true;
}

static bool make_plant(struct swarm *s, int kind)
{
        int n = 0;

        while (n < CHOICES_MAX && plant[kind].what[n] != NULL)
                n++;
        return make_word(s, plant[kind].what[random_below(&s->on_fault, n)]);
}

static void make_foreign(struct swarm *s)
{
        int tag;

        do
                tag = (int)random_below(&s->on_fault, s->tool->tag_count);
        while (!s->tool->tags[tag].is_output);
        world_foreign(s->world, tag,
            s->tool->tags[tag].is_bit
                ? (double)random_below(&s->on_fault, 2)
                : (double)(int64_t)(random_part(&s->on_fault) * s->tool->tags[tag].limit_max));
}

static void make_reboot(struct swarm *s)
{
        int device = (int)random_below(&s->on_fault, s->tool->device_count);

        world_reboot(s->world, device, draw_span(s));
}

static void make_stall(struct swarm *s, bool workers)
{
        static const int64_t most[] = {60 * TIME_MS, 300 * TIME_MS, 1200 * TIME_MS, 5 * TIME_S};

        swarm_aim(s);
        world_stall(s->world, draw(s, TIME_MS, most[random_below(&s->on_fault, 4)]), workers);
}

static void make_disk(struct swarm *s, bool is_full)
{
        s->disk_until_us = world_now(s->world) + draw_span(s);
        world_disk(s->world, is_full ? 0 : draw(s, TIME_MS, 3 * TIME_S), is_full);
}

static void make_flood(struct swarm *s)
{
        static const enum verb verbs[] = {
            VERB_ACK, VERB_HOLD, VERB_SET, VERB_RESET, VERB_CONTROL, VERB_CLOSE};
        int64_t n = draw(s, 20, 300);

        for (int64_t i = 0; i < n; i++) {
                struct command c = {.verb = verbs[random_below(&s->on_fault, 6)],
                    .role = TOOL_ROLE_OPERATOR,
                    .uid = 2000,
                    .pid = 7,
                    .tag = TOOL_NONE,
                    .user = "flood"};

                swarm_command(s, &c);
                if (i % 16 == 0)
                        world_run(s->world, world_now(s->world) + draw(s, 0, TIME_MS));
        }
}

static void make_shutdown(struct swarm *s)
{
        struct command c = {
            .verb = VERB_SHUTDOWN, .role = TOOL_ROLE_ENGINEER, .tag = TOOL_NONE, .user = "signal"};
        int64_t limit_us = world_now(s->world) + 60 * TIME_S;

        swarm_command(s, &c);
        while (world_core(s->world) != NULL && world_now(s->world) < limit_us)
                world_run(s->world, world_now(s->world) + 100 * TIME_MS);
        world_run(s->world, world_now(s->world) + draw(s, 0, 3 * TIME_S));
        if (world_core(s->world) == NULL)
                world_crash(s->world, TIME_MS); /* the next process; there is none to kill */
}

/* At an instant that counts, or at whatever note comes: in the middle of a turn, of a call, of a transaction. */
static void make_crash(struct swarm *s)
{
        s->down_us = draw(s, 0, 5 * TIME_S);
        if (random_chance(&s->on_fault, 500)) {
                s->crash_in = draw(s, 1, 5000);
                return;
        }
        swarm_aim(s);
        world_crash(s->world, s->down_us);
}

static bool make(struct swarm *s, int fault)
{
        static const int aims_per_mille[SWARM_TEMPERS] = {
            [SWARM_CALM] = 800, [SWARM_MIDDLING] = 400, [SWARM_STORMY] = 150};

        /* Stalls and crashes aim on their own. */
        if (fault == SWARM_REBOOT ||
            (fault < SWARM_REBOOT && random_chance(&s->on_fault, aims_per_mille[s->temper])))
                swarm_aim(s);
        if (fault < SWARM_PLANT) {
                make_wire(s, fault);
                return true;
        }
        if (fault < SWARM_REBOOT)
                return make_plant(s, fault - SWARM_PLANT);
        switch (fault) {
        case SWARM_REBOOT:
                make_reboot(s);
                break;
        case SWARM_FOREIGN:
                make_foreign(s);
                break;
        case SWARM_STALL:
        case SWARM_STALL_ALL:
                make_stall(s, fault == SWARM_STALL_ALL);
                break;
        case SWARM_CLOCK: {
                int64_t us = draw(s, -3600 * TIME_S, 3600 * TIME_S);

                if (!s->config->still_clock)
                        world_step_clock(s->world, us);
                break;
        }
        case SWARM_DISK_FULL:
        case SWARM_DISK_SLOW:
                make_disk(s, fault == SWARM_DISK_FULL);
                break;
        case SWARM_FLOOD:
                make_flood(s);
                break;
        case SWARM_CRASH:
                make_crash(s);
                break;
        case SWARM_SHUTDOWN:
                make_shutdown(s);
                break;
        default:
                break;
        }
        return true;
}

void swarm_strike(struct swarm *s)
{
        static const char *const words[] = {"emo", "lid-open", "pump-fail", "reads:chamber.pressure=6 Torr",
            "reads:heater.over-temperature=on", "silent:valve-io", "stuck-open:nb.valve", "deaf:water.valve",
            "reads:trap.temperature=160 degC"};
        int what = (int)random_below(&s->on_meet, 16);

        s->on_fault = s->on_meet;
        switch (what) {
        case 0:
        case 1:
                s->down_us = draw(s, 0, 5 * TIME_S);
                s->out->faults[SWARM_CRASH]++;
                world_crash(s->world, s->down_us);
                break;
        case 2:
        case 3:
                s->out->faults[what == 2 ? SWARM_STALL : SWARM_STALL_ALL]++;
                world_stall(s->world, draw(s, 20 * TIME_MS, 1500 * TIME_MS), what == 3);
                break;
        case 4:
        case 5:
                s->out->faults[SWARM_REBOOT]++;
                make_reboot(s);
                break;
        case 6:
                s->out->faults[SWARM_FOREIGN]++;
                make_foreign(s);
                break;
        default:
                make_word(s, words[what - 7]);
                break;
        }
        s->on_meet = s->on_fault;
}

/* ---- The swarm ---- */

static bool is_rare(int fault)
{
        return fault == SWARM_CRASH || fault == SWARM_SHUTDOWN || fault == SWARM_FLOOD;
}

/* By the kind's name, so that its place in the table does not matter. */
static uint64_t stream_of(int fault)
{
        uint64_t purpose = 1;

        for (const char *p = swarm_fault_name(fault); *p != '\0'; p++)
                purpose = random_mix(purpose ^ (uint64_t)(unsigned char)*p);
        return purpose;
}

/* A few, each once, anywhere behind the start. */
static void plan_calm(struct swarm *s)
{
        int n = (int)random_below(&s->on_plan, CALM_FAULTS_MAX + 1);

        for (int i = 0; i < n; i++)
                s->has[random_below(&s->on_plan, SWARM_FAULTS)] = true;
        for (int i = 0; i < SWARM_FAULTS; i++)
                s->due_us[i] = random_between(&s->on[i], 10 * TIME_S, s->end_us - 10 * TIME_S);
}

void swarm_plan_faults(struct swarm *s)
{
        bool is_stormy = s->temper == SWARM_STORMY;
        int share = (int)random_between(&s->on_plan, 30, is_stormy ? 350 : 120);

        for (int i = 0; i < SWARM_FAULTS; i++) {
                s->on[i] = random_split(s->config->seed, stream_of(i));
                s->has[i] = random_chance(&s->on[i], share) && s->temper != SWARM_CALM;
                s->every_us[i] = random_between(&s->on[i], is_rare(i) || !is_stormy ? 60 : 15, 240) * TIME_S;
                s->due_us[i] = random_between(&s->on[i], TIME_S, s->every_us[i]);
        }
        if (s->temper == SWARM_CALM)
                plan_calm(s);
}

int64_t swarm_fault_due(const struct swarm *s)
{
        int64_t next_us = s->disk_until_us;

        for (int i = 0; i < SWARM_FAULTS; i++)
                if (s->has[i] && s->due_us[i] < next_us)
                        next_us = s->due_us[i];
        return next_us;
}

void swarm_make_faults(struct swarm *s)
{
        if (world_now(s->world) >= s->disk_until_us) {
                world_disk(s->world, 0, false);
                s->disk_until_us = INT64_MAX;
        }
        for (int i = 0; i < SWARM_FAULTS && world_now(s->world) < s->end_us; i++) {
                if (!s->has[i] || world_now(s->world) < s->due_us[i])
                        continue;
                s->on_fault = s->on[i];
                s->out->faults[i] += make(s, i);
                s->due_us[i] = world_now(s->world) + draw(s, TIME_S, 2 * s->every_us[i]);
                s->has[i] = s->temper != SWARM_CALM;
                s->on[i] = s->on_fault;
        }
}

void swarm_end_faults(struct swarm *s)
{
        world_disk(s->world, 0, false);
        s->disk_until_us = INT64_MAX;
        s->crash_in = 0;
        if (world_core(s->world) == NULL)
                world_crash(s->world, 100 * TIME_MS);
}
