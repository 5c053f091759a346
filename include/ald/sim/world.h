/* The whole controller in virtual time, on one thread: the core, every link's schedule, the recorder's queue and the simulated
 * tool behind simulated wires, with faults wherever a fault can be. It drives the very objects of the daemon; what is
 * simulated is what lies outside them: wires, devices, their watchdogs, the disk, the clock and the crash.
 *
 *     core --orders--> schedule --actions--> [wire] --requests--> [device, watchdog, physics]
 *          <--events--           <--results--       <--replies---
 *          --records--> queue --> [disk]
 *
 * Nothing here knows what is right. Whoever judges (tests/sim) is told all that can be seen from outside, as notes: what came
 * to the devices, what they did, what was answered, what was recorded and what was commanded. The same seed gives the same
 * notes, everywhere. */
#ifndef ALD_SIM_WORLD_H
#define ALD_SIM_WORLD_H

#include "ald/core/event.h"  /* struct command, struct effect_reply */
#include "ald/core/record.h" /* struct record */
#include "ald/core/tool.h"   /* struct tool */
#include "ald/link/sched.h"  /* struct sched_action, enum sched_outcome */
#include "ald/sim/sim.h"     /* struct sim_config */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t, uint64_t */

struct world; /* opaque */

/* What a note tells. Times are monotonic us of the virtual clock, and never go back from one note to the next. */
enum world_note_kind {
        WORLD_BEGUN, /* a daemon process began (again); `number` counts them from 1 */
        WORLD_ENDED, /* it ended; flag: it was killed, else it ended in order */
        WORLD_TURN,  /* the core took a turn that ended just now; number: its event's kind */
        WORLD_CALL,  /* a link's worker begins a call: link, action */
        WORLD_ANSWER, /* ... and has its result: link, action, outcome, number = exception, sent_us; t_us = done */
        WORLD_REQUEST, /* a request arrived at its device: device, action; number: exception it answers, 0 = done; sent_us. Its
                        * call may have been given up, and others begun since */
        WORLD_OUTPUT, /* an output of a device was written, or fell: tag, value = what it holds now, by */
        WORLD_SAMPLE, /* an answer brings a tag's value to the worker: tag, value (NaN: no number), sent_us */
        WORLD_WATCHDOG, /* a device's watchdog changed: device, number = TOOL_WATCHDOG_* */
        WORLD_RECORD,   /* the core made a record (also samples): record; flag: the queue took it */
        WORLD_STORED, /* a record is safe on the disk: record. Samples: number of them; a gap: flag, tag, number of samples. At
                       * a start also the end of the run that a crash left open */
        WORLD_COMMAND,     /* somebody commands: command */
        WORLD_REPLY,       /* and is answered: reply */
        WORLD_RECIPE_DONE, /* the core gave its recipe back */
        WORLD_READY,
        WORLD_FAULT, /* a fault begins (flag) or ends: text */
        WORLD_STALL, /* the loop stands still: number = us, beginning now; flag: the workers too */
        WORLD_CLOCK  /* the wall clock steps: number = us */
};

/* WORLD_BY_MODULE: the end of a pulse that it timed. */
enum world_by { WORLD_BY_REQUEST, WORLD_BY_WATCHDOG, WORLD_BY_REBOOT, WORLD_BY_FOREIGN, WORLD_BY_MODULE };

struct world_note {
        enum world_note_kind kind;
        int64_t t_us, wall_us;
        int link, device, tag; /* TOOL_NONE where it has none */
        int64_t number;
        bool flag;
        double value;
        int64_t sent_us;
        enum world_by by;
        enum sched_outcome outcome;
        const struct sched_action *action;
        const struct record *record;
        const struct command *command;
        const struct effect_reply *reply;
        const char *text;
};

struct world_config {
        const struct tool *tool; /* borrowed */
        uint64_t seed;           /* of latencies and of what faults draw */
        struct sim_config sim;
        int64_t wall_us; /* UTC at virtual time 0 */
        /* NULL allowed. What a note points to lives as long as the call. Of all that changes the world it may only call
         * world_crash(). */
        void (*see)(void *ctx, const struct world_note *note);
        void *ctx;
};

/* A tool that stands ready and a daemon that has just started. NULL when memory is out. */
struct world *world_new(const struct tool *tool, const struct world_config *config);
void world_free(struct world *w);

int64_t world_now(const struct world *w);
int64_t world_wall(const struct world *w);
/* A digest of all notes so far. */
uint64_t world_hash(const struct world *w);
/* The plant, brought up to now: where its steps end matters in the last digits, so that to look is to be part of the scenario. */
struct sim *world_sim(struct world *w);
/* For people's eyes and for scheduling what comes next, never for judging. NULL while no daemon runs. */
const struct core *world_core(const struct world *w);

/* Run until t_us. */
void world_run(struct world *w, int64_t t_us);
/* Give a command now, as a client's line would; while the loop stands still it waits. False: no daemon runs, or too many wait.
 * With a recipe: it must live until WORLD_RECIPE_DONE or WORLD_ENDED. */
bool world_command(struct world *w, const struct command *command);

/* ---- faults; each tells itself as notes, begin and end ---- */

/* Of instruments and plant, in the words of sim/fault.h ("frozen:chamber.pressure@10s+30s"; times are virtual). */
bool world_fault(struct world *w, const char *spec, char *why, int why_cap);

/* Of wires and devices. Each request meets it with `per_mille` chance while it lasts. */
enum world_wire_fault {
        WORLD_LATE, /* the answer comes `us` late, or the request does (drawn): it is done after it was given up */
        WORLD_LOST, /* the request never arrives; for no device in particular: nor does an attempt to connect */
        WORLD_MUTE,       /* it arrives and is done, the answer is lost */
        WORLD_DUPLICATED, /* the answer comes twice: the second one meets the next call */
        WORLD_TRUNCATED,  /* cut off in the middle, or a frame too short (drawn) */
        WORLD_DRIPPED,    /* byte by byte, `us` each */
        WORLD_WRONG_UNIT,
        WORLD_EXCEPTION, /* `number`: its code; the device does nothing */
        WORLD_RESET,     /* the connection is reset, before the request is done or after (drawn) */
        WORLD_REFUSED,   /* new connections are refused */
        WORLD_WIRE_FAULTS
};
const char *world_wire_fault_name(enum world_wire_fault kind); /* "late", "wrong unit" ... */
struct world_wire {
        enum world_wire_fault kind;
        int link;   /* or TOOL_NONE: every link */
        int device; /* or TOOL_NONE: every device */
        int per_mille;
        int64_t us; /* LATE, DRIPPED */
        int number; /* EXCEPTION */
        int64_t from_us, until_us;
};
enum { WORLD_WIRES_MAX = 32 };
bool world_wire(
    struct world *w, const struct world_wire *fault); /* false: WORLD_WIRES_MAX are not yet over */

/* The module loses its power for off_us: outputs fall to what they are without power (their safe values), its watchdog is off
 * again, requests find nobody. Connections stay: they end at the gateway. */
void world_reboot(struct world *w, int device, int64_t off_us);
/* A second master writes an output; a device that takes no writes now does not take this one either. */
void world_foreign(struct world *w, int tag, double value);
/* The daemon's event loop stands still for `us` (SIGSTOP, a page fault, a busy machine); the workers run on. With
 * `workers` they stand still too. */
void world_stall(struct world *w, int64_t us, bool workers);
/* The wall clock steps by `us` (either way); the monotonic one does not. */
void world_step_clock(struct world *w, int64_t us);
/* The disk: writes take `us` each; full: records go on into the ballast as long as it lasts, samples wait. (0, false) is a healthy
 * one. */
void world_disk(struct world *w, int64_t us, bool full);
/* SIGKILL, and a new process after down_us, which finds what was stored. Where none runs (it was shut down) only the latter. From
 * within `see`: once what is told there has ended, at the same instant. */
void world_crash(struct world *w, int64_t down_us);

#endif
