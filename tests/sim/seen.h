/* What an onlooker knows: facts gathered from the notes of a world (sim/world.h) and from nothing else. The checkers share
 * them, so that each fact is drawn from the notes in one place; none of them ever asks the core.
 *
 * Three values of an output are kept apart: what a worker last began to send (`asked`), what its device last took (`told`),
 * and what the device really holds (`value`). Lost requests part the first from the second; deaf outputs, watchdogs, power
 * failures and second masters part the second from the third. */
#ifndef TESTS_SIM_SEEN_H
#define TESTS_SIM_SEEN_H

#include "ald/core/machine.h" /* enum machine_state */
#include "ald/sim/world.h"    /* struct world_note */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

#define SEEN_NEVER INT64_MIN

struct seen_output {
        double told, value;
        int64_t asked_us, told_us; /* SEEN_NEVER: not yet */
        int64_t changed_us;        /* of `value` */
        enum world_by by;          /* who changed it */
        int64_t opened_us;         /* of `value`, away from closed */
        int64_t closed_us;         /* of `value`, to closed */
        int64_t alien_us;          /* last change by watchdog, loss of power or a second master */
        int64_t told_changed_us;   /* when `told` last became another value */
        int64_t open_told_us;      /* `told` has been away from closed since then; SEEN_NEVER: closed */
        int64_t close_told_us;     /* closing was commanded then: the request was sent (V2) */
};

struct seen_input {
        double value;
        int64_t sent_us, got_us; /* of the last value that came; SEEN_NEVER: none yet */
        int64_t good_sent_us;    /* of the last one that was a number within `valid` */
        int64_t same_us;         /* bit-identical since (sent) */
        int64_t failed_us;       /* last read of it that failed: Bad to the core from then on, or not yet */
        bool is_valid;           /* a number within `valid` */
};

struct seen_link {
        bool is_up; /* connected, as its worker knows */
        bool in_call;
        int64_t call_us; /* the call under way, or the last one, began */
        int64_t mute_us; /* the last call that told nothing, not even that its device's watchdog expired */
        int64_t ill_us;  /* last time that a call failed, was refused, or took longer than SEEN_SLOW_US */
        int64_t up_us;   /* connected since */
        int64_t
            lost_us; /* last time that nobody could be asked: no connection, or two calls in a row without an answer */
        int fails; /* calls without an answer in a row */
        struct sched_action action;
};
/* A call that takes longer is no longer "when the bus is free". */
#define SEEN_SLOW_US INT64_C(30000)

enum { SEEN_COMMANDS_MAX = 64 };

struct seen {
        const struct tool *tool;
        int64_t now_us, wall_us; /* of the last note */
        /* The daemon. */
        bool is_alive, is_ending, was_killed, has_state;
        int lives;
        int64_t begun_us, ended_us, turn_us;
        int64_t loop_us, workers_us; /* they stand still till then */
        int64_t stalled_us;          /* the later of both; SEEN_NEVER: there was no stall */
        bool is_vented;
        enum machine_state state;
        int64_t state_us;            /* entered */
        bool is_starting_up;         /* no state was told yet in this life */
        int64_t aborting_us;         /* entered Aborting, or began; while it is in Aborting or Aborted */
        const struct recipe *recipe; /* of the run under way; NULL between runs */
        int64_t run_us;
        struct seen_output out[TOOL_TAGS_MAX];
        struct seen_input in[TOOL_TAGS_MAX];
        struct seen_link link[TOOL_LINKS_MAX];
        bool is_expired
            [TOOL_DEVICES_MAX]; /* a module's watchdog: it answers exceptions, and its link is none the worse */
        int64_t expired_us[TOOL_DEVICES_MAX];   /* the last exception that it answered so */
        int64_t bypass_until_us[TOOL_TAGS_MAX]; /* SEEN_NEVER: not bypassed */
        /* Commands that were given and had no turn yet: more than one only after a stall. The first is the one that audits and
         * answers belong to. */
        int command_count;
        struct command commands[SEEN_COMMANDS_MAX];
};

void seen_init(struct seen *s, const struct tool *tool);
/* Fold one note. */
void seen_note(struct seen *s, const struct world_note *n);

/* The output that a request of this action writes; TOOL_NONE: none. */
int seen_tag_of(const struct tool *tool, int device, const struct sched_action *action);
/* The device that an action of a link speaks to; TOOL_NONE: none. */
int seen_device_of(const struct tool *tool, int link, const struct sched_action *action);
/* Is it the output on which a watchdog is proven? */
bool seen_is_lamp(const struct tool *tool, int tag);
/* Is the proof output of a device's watchdog on, and everything else on it safe? Then its expiry is wanted. */
bool seen_is_lit(const struct seen *s, int device);
/* Does this note tell that a device took a value for an output from a request? */
bool seen_told(const struct tool *tool, const struct world_note *n, int *tag, double *value);
/* The command whose audit, answer and turn come next; NULL: none was given. */
const struct command *seen_command(const struct seen *s);
/* Does this answer grant a reset, or a resume, which is the reset of what held? */
bool seen_resets(const struct seen *s, const struct world_note *n);
/* "A -> B" of a record of kind "state". False: it is none. */
bool seen_transition(const struct record *r, enum machine_state *from, enum machine_state *to);
/* Is it an event of this kind? */
bool seen_event(const struct world_note *n, const char *kind);

bool seen_is_safe(const struct tool *tool, int tag, double value);
/* Precursor valve or reactive gas. */
bool seen_is_dosing(const struct tool *tool, int tag);
/* Nothing failed on the link since `since_us`, and it was connected then: the bus was free. */
bool seen_is_well(const struct seen *s, int link, int64_t since_us);
/* ... on the links of this output, both ways, and its device holds what it was told: nobody else moved it since. */
bool seen_output_is_well(const struct seen *s, int tag, int64_t since_us);
/* The loop took turns, and its workers, all the time since then. */
bool seen_is_awake(const struct seen *s, int64_t since_us);
/* The daemon has lived since then, and is not at its end. */
bool seen_lived(const struct seen *s, int64_t since_us);

#endif
