/* One seed: a world, what befalls it, people who do anything at any time, and the checkers that watch. Each seed draws
 * which kinds of faults it has at all (swarm testing: some are only found where others are absent), how often, and when.
 *
 * First the safety phase, with faults; then all of them end and an operator acknowledges, resets and runs a short recipe,
 * which must come to Complete in bounded time (the liveness phase). */
#ifndef TESTS_SIM_SWARM_H
#define TESTS_SIM_SWARM_H

#include "check.h"  /* struct check_breach */
#include "closes.h" /* struct closes_result */

#include "ald/base/random.h" /* struct random */
#include "ald/core/recipe.h" /* struct recipe */
#include "ald/sim/world.h"   /* struct world */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t, uint64_t */

/* ---- What all seeds share: tools and recipes, compiled once ---- */

enum {
        SWARM_TOOLS = 2,
        SWARM_RECIPES = 7,
        SWARM_EXPOSE = 1,
        SWARM_LIVE = 3,
        SWARM_NOTED = 5,
        SWARM_DOSES = 6
};
struct swarm_kit {
        struct tool *tool[SWARM_TOOLS];
        struct recipe *recipe[SWARM_TOOLS][SWARM_RECIPES]; /* the one at SWARM_LIVE: of the liveness phase */
};
/* False: a file does not compile, which was told. Run from the top of the source tree. */
/* is_timed: the water valve's module times its pulses itself. */
bool swarm_kit_load(struct swarm_kit *kit, bool is_timed);
void swarm_kit_free(struct swarm_kit *kit);

/* ---- Kinds of faults ---- */

enum swarm_fault {
        SWARM_WIRES, /* + enum world_wire_fault */
        SWARM_PLANT = SWARM_WIRES + WORLD_WIRE_FAULTS,
        SWARM_PLANT_KINDS = 21, /* rows of swarm_plant[] */
        SWARM_REBOOT = SWARM_PLANT + SWARM_PLANT_KINDS,
        SWARM_FOREIGN,
        SWARM_STALL,
        SWARM_STALL_ALL, /* with the workers */
        SWARM_CLOCK,
        SWARM_DISK_FULL,
        SWARM_DISK_SLOW,
        SWARM_FLOOD,
        SWARM_CRASH,
        SWARM_SHUTDOWN,
        SWARM_FAULTS
};
const char *swarm_fault_name(int fault);

/* ---- What came of it ---- */

enum swarm_count {
        SWARM_RUNS,
        SWARM_COMPLETED, /* in the safety phase too */
        SWARM_CYCLES,
        SWARM_PULSES_DONE,
        SWARM_PULSES_CUT,
        SWARM_PULSES_OTHER,
        SWARM_TRIPS,
        SWARM_PERMITS_LOST,
        SWARM_EXPOSURES,
        SWARM_VENTS,
        SWARM_BYPASSES,
        SWARM_MOVES_BY_HAND,
        SWARM_WATCHDOGS, /* expired */
        SWARM_ENDED,     /* processes, in whatever way */
        SWARM_COMMANDS,
        SWARM_REFUSED,
        SWARM_GIVEN_UP, /* runs of the liveness phase that would not go on and were stopped */
        /* What met what. */
        SWARM_TRIPS_IN_PULSE,
        SWARM_HOLDS_IN_PULSE,
        SWARM_CRASHES_IN_PULSE,
        SWARM_STALLS_IN_PULSE,
        SWARM_WATCHDOGS_IN_PULSE,
        SWARM_TRIPS_IN_PURGE,
        SWARM_HOLDS_IN_PURGE,
        SWARM_CRASHES_IN_PURGE,
        SWARM_TRIPS_IN_EXPOSE,
        SWARM_HOLDS_IN_EXPOSE,
        SWARM_CRASHES_IN_EXPOSE,
        SWARM_TRIPS_IN_VENT,
        SWARM_HOLDS_IN_VENT,
        SWARM_TRIPS_IN_LEAK_CHECK,
        SWARM_HOLDS_IN_LEAK_CHECK,
        SWARM_REPEATED, /* pulses of a second attempt */
        SWARM_COUNTS
};
/* Must it occur in a long run? What should not be, a run given up, need not. */
bool swarm_count_is_owed(int count);
const char *swarm_count_name(int count);

struct swarm_result {
        uint64_t seed, hash;
        uint64_t outputs; /* digest of what every output did, and when */
        int64_t virtual_us, notes;
        int64_t alive_us; /* how long the liveness phase took */
        int32_t faults[SWARM_FAULTS], states[MACHINE_STATE_COUNT], counts[SWARM_COUNTS];
        struct closes_result closes;
        int32_t breaches;
        struct check_breach first;
        char first_id[16];
};

/* ---- A seed ---- */

/* How much befalls it and how much sense its people have: in calm seeds whole runs pass, and the few faults there are meet
 * the middle of one; in stormy ones nearly everything is aborted at once. */
enum swarm_temper { SWARM_CALM, SWARM_MIDDLING, SWARM_STORMY, SWARM_TEMPERS };

/* Where the run stands. */
enum swarm_where { SWARM_ELSEWHERE, SWARM_IN_PURGE, SWARM_IN_EXPOSE, SWARM_IN_VENT, SWARM_IN_LEAK_CHECK };

enum { SWARM_AIMS_MAX = 6 }; /* looking so closely takes time */

struct swarm_config {
        const struct swarm_kit *kit;
        uint64_t seed;
        int64_t safety_us; /* length of the safety phase */
        /* Besides the checkers; may be NULL. */
        void (*see)(void *ctx, const struct world_note *n);
        void *ctx;
        void (*say)(
            void *ctx, int64_t t_us, const char *text); /* phases and deeds that are no notes; may be NULL */
        int drill;         /* instead of the swarm: this one of drill.h; 0 = none */
        bool until_breach; /* end at the first breach */
        bool still_clock;  /* the wall clock's steps are drawn and not made (R3) */
};

/* Run a seed to its end. False: memory is out. */
bool swarm_run(const struct swarm_config *config, struct swarm_result *out);

/* ---- Inside: shared by swarm*.c ---- */

struct swarm {
        const struct swarm_config *config;
        const struct tool *tool;
        int tool_i;
        enum swarm_temper temper;
        struct world *world;
        struct checks *checks;
        struct closes closes;
        struct swarm_result *out;
        struct random on_people, on_plan, on_meet;
        /* One stream for each kind of fault, so that a new kind moves none of the others; on_fault is that of the one being made. */
        struct random on[SWARM_FAULTS], on_fault;
        bool has[SWARM_FAULTS];
        int64_t due_us[SWARM_FAULTS], every_us[SWARM_FAULTS];
        int plant_faults; /* given so far */
        int aims;
        int64_t people_us, people_every_us, disk_until_us, end_us;
        uint64_t replies;
        int64_t crash_in; /* so many notes on the process is killed; 0 = it is not */
        int64_t down_us;
        /* What the last notes told, for what to do next; never for judging. */
        bool is_open, is_tripped, is_handed_over, was_refused_store, was_refused_control, was_refused_proof,
            is_reset_due, is_hurried;
        int resumes; /* in vain, one after the other */
        enum machine_state state;
        enum swarm_where where, was; /* after the last turn, and the one before */
        int64_t width_us;            /* of the pulse that was handed over last */
};

/* swarm_faults.c */
void swarm_plan_faults(struct swarm *s);
/* The next fault is due then. */
int64_t swarm_fault_due(const struct swarm *s);
void swarm_make_faults(struct swarm *s);
/* One at once, of those that stop a run, or might. */
void swarm_strike(struct swarm *s);
void swarm_end_faults(struct swarm *s);
/* swarm_aim.c */
/* Wait for an instant that is hard to hit by chance: within a pulse, before an edge, after it, within a block. */
void swarm_aim(struct swarm *s);
/* After each turn of the core: see where the run stands. */
void swarm_look(struct swarm *s);
/* A pulse was handed over: now and then what people do next, or what befalls, meets it. */
void swarm_meet_pulse(struct swarm *s);
/* swarm_people.c */
void swarm_act(struct swarm *s);
/* The operator of the liveness phase. True: the run is complete. */
bool swarm_recover(struct swarm *s);
bool swarm_command(struct swarm *s, struct command *c);
__attribute__((format(printf, 2, 3))) void swarm_say(struct swarm *s, const char *fmt, ...);

#endif
