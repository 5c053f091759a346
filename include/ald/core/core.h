/* The reactor as a pure state machine. One call, core_step(), takes an event and gives effects and the next
 * deadline. It has no clock, no I/O, no library, and allocates nothing after core_new().
 *
 * The order inside one step is fixed: time moves forward; the event folds into the snapshot; age turns into
 * quality; interlocks are evaluated and latched; a command passes the gate; the sequencer advances; the arbiter
 * (wanted minus forbidden, closes before opens) is the only place that emits a write; effects leave. */
#ifndef ALD_CORE_CORE_H
#define ALD_CORE_CORE_H

#include "ald/core/alarm.h"    /* enum alarm_state */
#include "ald/core/bypass.h"   /* BYPASS_MAX */
#include "ald/core/count.h"    /* struct counts */
#include "ald/core/event.h"    /* struct event, struct effects */
#include "ald/core/machine.h"  /* enum machine_state */
#include "ald/core/position.h" /* struct position */
#include "ald/core/tool.h"     /* struct tool */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct core; /* opaque */

/* Longest time between two turns of a runner with live links: leases are renewed and watchdogs fed by turns. */
#define CORE_TURN_US_MAX INT64_C(50000)
/* A pulse is handed to its link at most this early (DESIGN.md, Time). */
#define CORE_HANDOVER_US INT64_C(50000)

/* Source of the event, of kind "state", that an orderly end leaves as its last, if nothing that was opened is still to be
 * purged (V2). */
#define CORE_PURGED "purged"

/* What the record tells of runs before, for trends; all zero: nothing. */
enum { CORE_PAST_BASES = 16 };
struct core_past_line {
        int64_t width_us; /* of its pulses, planned */
        double flow;      /* the carrier's, its unit; NaN = not known */
        double area;      /* their mean: pressure_fit */
        double sigma;     /* of one */
        int64_t count;
};
struct core_past_base {
        double flow, pressure;
};
struct core_past {
        struct core_past_line line[TOOL_LINES_MAX];
        int base_count;
        struct core_past_base base[CORE_PAST_BASES]; /* before the pulses of runs, oldest first */
};

struct core_start {
        int64_t now_us, wall_us;
        int64_t next_run_id;     /* the record's next free run number, from 1 */
        int64_t interrupted_run; /* a run that a crash left open, 0 = none */
        /* Valves may have been open before, and what they let in is to be purged: true unless the record's last word is
         * CORE_PURGED, or there is none. A run that was interrupted says so by itself. */
        bool was_left_open;
        bool store_ok;
        char store_why[192];
        const struct counts *counts; /* what was counted before (core/count.h); NULL = nothing */
        /* Longest time between two turns, 0 = CORE_TURN_US_MAX, which the leases and watchdogs of live links want. Whatever
         * the core does by the clock has a deadline of its own and comes on time all the same; only the age of a value is
         * looked at in turns alone, so a runner that takes fewer brings fresh values to each of them. */
        int64_t turn_us_max;
        struct core_past past;
};

/* A core for `tool` (borrowed for its whole life). The first step begins start-up: the abort image is written and
 * confirmed. NULL when memory is out. Free with core_free(). */
struct core *core_new(const struct tool *tool, const struct core_start *start);
void core_free(struct core *core);
/* Make `to` what `from` is, both of one tool and between turns: a snapshot, or a way back to it. A recipe in force is
 * then borrowed by both. */
void core_copy(struct core *to, const struct core *from);

/* One turn. `out` is cleared first. Returns when the next turn is due at the latest (monotonic us; never more than
 * turn_us_max ahead). A turn that comes later than that is lag (R2). */
int64_t core_step(struct core *core, const struct event *event, struct effects *out);

/* ---- Plain reports for people and clients: facts copied out, nothing to free. ---- */

enum { CORE_LATCHES_MAX = 48 };

struct core_latch {
        char id[TOOL_NAME_MAX];
        char text[256]; /* condition and live values when it tripped */
        char guidance[TOOL_TEXT_MAX];
        int64_t wall_us;
        bool is_active; /* its cause still stands */
        enum tool_action action;
};

/* An input that interlocks do without for a time (T4). */
struct core_bypass {
        int16_t tag;
        int64_t until_wall_us;
        char user[TOOL_NAME_MAX];
        char reason[96];
};

struct core_status {
        enum machine_state state;
        int64_t wall_us;
        int64_t run_id; /* present or last run, 0 = none */
        char recipe[TOOL_NAME_MAX];
        char phase[TOOL_NAME_MAX]; /* "" outside a phase */
        char step[96];             /* "pulse nb 1 s", "purge 20 s" */
        int32_t source_line;       /* of the step, 0 = none */
        char waiting[160];         /* what it waits for; "" = nothing */
        char asks[160];            /* what a `confirm` asks the operator; "" = nothing */
        int64_t expires_us;        /* left until a question or a hold ends by itself, -1 = it does not */
        enum tool_action expires_then;
        char reason[192];             /* why held, stopped or aborted */
        int64_t cycle, cycles;        /* i of n, 0 = not yet / none */
        int64_t left_us;              /* timed time left, heat-up and other waits apart */
        int64_t step_left_us;         /* -1 = open-ended */
        int64_t elapsed_us;           /* since the run's start */
        bool is_heating;              /* waits for `settled` or a temperature: not in left_us */
        bool is_bounded;              /* left_us is all there is: no further condition waits */
        bool is_stopping_after_cycle; /* the run stops where the present cycle ends */
        bool is_exposing;             /* the exhaust is shut by an expose block */
        bool is_vented;               /* precursors are locked until a pump_down */
        bool store_ok;
        char store_why[192]; /* what is wrong, when it is not ok */
        int latch_count;
        struct core_latch latches[CORE_LATCHES_MAX]; /* first-out first */
        int bypass_count;
        struct core_bypass bypasses[BYPASS_MAX]; /* in the order in which they began */
        int unconfirmed_count;
        char unconfirmed[160]; /* names of outputs not confirmed */
        /* Who has control. */
        bool is_controlled;
        char control_user[TOOL_NAME_MAX];
        int64_t control_since_wall_us, control_until_wall_us; /* it lapses then without a command */
        int by_hand_count;
        char by_hand[160];  /* names of outputs that an operator moved away from standby */
        int64_t standby_us; /* until they go to standby because control lapsed, -1 = they stay */
        int alarms_shown;   /* that stand, or are still to be acknowledged or reset */
        int alarms_unacked; /* of them */
        int alarms_shelved;
        bool is_flooded; /* more alarms than a person can take in */
        int64_t lags;    /* turns of the loop more than 50 ms late, since the start (R2) */
};

struct core_tag {
        double value;
        double commanded; /* outputs: what was last commanded */
        bool has_commanded;
        enum quality quality;
        enum quality_why why;
        int64_t age_us; /* -1 = never */
};

void core_get_status(const struct core *core, struct core_status *out);

/* Where the run stands, as numbers: for a runner that looks after every turn. */
struct core_place {
        enum machine_state state;
        bool is_in_program;
        struct position at;   /* meaningful while in the program */
        int64_t step_us;      /* planned start of the step there */
        bool asks;            /* a question waits for an answer */
        bool waits_for_value; /* what the program does next depends on what is read, not on the clock alone */
        bool waits_for_heat;  /* and that is a temperature, or `settled` */
};
void core_get_place(const struct core *core, struct core_place *out);
/* Why it is held, stopped or aborted. Borrowed until the next turn. */
const char *core_get_reason(const struct core *core);
void core_get_tag(const struct core *core, int tag, struct core_tag *out);

/* Alarms that are not normal, in no particular order: number i of core_count_alarms(). */
struct core_alarm_now {
        char id[TOOL_NAME_MAX];
        char text[192]; /* condition and live values when it came */
        char guidance[TOOL_TEXT_MAX];
        enum alarm_state state;
        enum tool_priority priority;
        bool is_trip, stands, is_chattering;
        int64_t came_wall_us; /* 0 = not since the start */
        int64_t age_us;       /* since then, -1 = never */
        int64_t comings;
        int64_t until_wall_us; /* shelved */
        char shelved_by[TOOL_NAME_MAX];
        char reason[96];
};
int core_count_alarms(const struct core *core);
void core_get_alarm(const struct core *core, int i, struct core_alarm_now *out);

struct core_interlock {
        enum tri condition; /* of `when` */
        bool is_armed;
        bool is_latched;   /* trip */
        bool is_permitted; /* permit */
        bool stands;       /* trip, suspend: its cause stands now, after `for` or `grace` */
        char values[192];
};
void core_get_interlock(const struct core *core, int interlock, struct core_interlock *out);

/* Append what the op of a recipe does, in a few words: "pulse nb 1 s"; nothing for loops and ends. */
void core_describe_op(struct text *t, const struct tool *tool, const struct recipe *recipe, int op);

#endif
