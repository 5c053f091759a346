/* The output arbiter: the only place that emits writes (SAFETY V5). It knows for each output what is wanted and why,
 * what was commanded, and what is confirmed; it writes what differs, closes before opens, and never opens what an
 * exclusion or a permit forbids. Pulses pass here too: as timed pairs, never as two writes. */
#ifndef ALD_CORE_OUTPUT_H
#define ALD_CORE_OUTPUT_H

#include "ald/core/event.h"     /* struct event_wrote, struct effects */
#include "ald/core/interlock.h" /* struct interlocks */
#include "ald/core/snapshot.h"  /* struct snapshot */
#include "ald/core/tool.h"      /* struct tool */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct text;

/* A failed write is repeated this often, until it is confirmed or no longer wanted. */
#define OUTPUT_RETRY_US INT64_C(500000)
/* A read-back that was asked for within this time of a pulse's edge may show either side of it. */
#define OUTPUT_EDGE_US INT64_C(50000)
/* An edge that goes out less late than this is on its plan. */
#define OUTPUT_ON_TIME_US INT64_C(5000)
/* A ramp writes its set-point at most this often: some controllers' set-points wear (DESIGN.md, Outputs). */
#define OUTPUT_RAMP_US INT64_C(10000000)

struct output {
        double wanted;
        uint8_t cause; /* enum cause of `wanted` */
        bool has_wanted;
        double commanded; /* the last value emitted; for a live pulse: closed */
        bool has_commanded;
        int64_t commanded_us; /* when it was first emitted, or emitted again because it strayed */
        uint32_t write_id;    /* of the last write */
        bool is_acked;        /* that write was acknowledged */
        int64_t retry_us;     /* when a failed write is repeated; TIME_NEVER = not due */
        bool is_failure_told; /* that it fails, with this value for this cause, has been recorded */
        double told_value;
        uint8_t told_cause;
        int64_t differs_us; /* source time since when the read-back differs; TIME_NEVER = it does not */
        bool has_followed;  /* it has read back what it was told last */
        /* A ramp: wanted walks towards ramp_to. */
        bool is_ramping;
        double ramp_from, ramp_to, ramp_rate;
        int64_t ramp_start_us;
        /* Pulses and exclusion. */
        uint32_t pulse_id; /* live pair, 0 = none */
        int64_t pulse_open_us, pulse_close_us;
        int64_t
            closed_us; /* commanded closed at, once confirmed: confirmed at; INT64_MIN = never opened, as far
                              * as is known */
        bool is_closed_sure; /* the close was acknowledged or read back */
        bool reads_open;     /* the last read-back after the command says open */
        int64_t before_us;   /* closed_us before the pulse that was handed over last */
        int64_t purged_us;   /* the longest unbroken purge since the close of purged_of_us */
        int64_t purged_of_us;
};

struct outputs {
        const struct tool *tool;
        uint32_t next_id;
        bool
            was_left_open; /* by the process before, as far as is known: the first close may end an opening of its */
        int64_t purging_us; /* since when flow, exhaust and pump are Good; TIME_NEVER = they are not */
        bool is_proving
            [TOOL_DEVICES_MAX]; /* the device's watchdog is proven: its outputs stay safe but for the proof's own */
        struct output out[TOOL_TAGS_MAX];
};

void output_init(struct outputs *o, const struct tool *tool);

/* Ask for a value from now on. The value lies within the tag's limits (asserted: files and commands are checked
 * before they come here). A ramp in progress ends. */
void output_want(struct outputs *o, int tag, double value, enum cause cause);
/* Ask for a value along a ramp (unit per second > 0), from `from`. */
void output_ramp(struct outputs *o, int tag, double from, double to, double rate, int64_t now_us);
/* Stop all ramps where they are. */
void output_freeze_ramps(struct outputs *o);
/* Ask for one output of an image, if the image does not keep it. */
void output_want_image_of(struct outputs *o, int tag, enum tool_image image, enum cause cause);
/* Ask for a whole image. `keep` entries stay as they are. */
void output_want_image(struct outputs *o, enum tool_image image, enum cause cause);

/* Can this output be open (not 0), as far as the core knows? Live pulses, unconfirmed closes and a read-back that says so
 * count as open. Open and energised (away from safe) are two things: an exhaust valve's safe value is open. */
bool output_may_be_open(const struct outputs *o, int tag);

/* Do the exclusions of `tag` let it open at at_us: every output that it excludes surely closed, and purged away? False: `why`
 * says which does not. */
bool output_is_clear(
    const struct outputs *o, const struct snapshot *snap, int tag, int64_t at_us, struct text *why);

/* Was everything that excludes something purged away since it closed for the last time, also if nothing purges now? */
bool output_is_all_purged(const struct outputs *o);

/* May `tag` go open at at_us? No live pulse of its own, permits, exclusions with purge_between, V2. False: *why names
 * the interlock ("" when none stands behind it), its condition and the live values. */
bool output_permits(const struct outputs *o, const struct interlocks *il, const struct snapshot *snap,
    int tag, int64_t at_us, struct interlock_reason *why);
/* The same with the reason as one text. */
bool output_may_open(const struct outputs *o, const struct interlocks *il, const struct snapshot *snap,
    int tag, int64_t at_us, struct text *why);

/* Hand over a pulse. Returns the pair's id. output_may_open() was asked in this turn (asserted). */
uint32_t output_pulse(struct outputs *o, int tag, int64_t open_us, int64_t close_us, struct effects *out);

/* Is it news that a write ended so? A failure that repeats itself (same value, same cause) is told once: a dead module's log
 * is not a line each OUTPUT_RETRY_US for a day. Asked before output_wrote, once for each result. */
bool output_tells(struct outputs *o, const struct event_wrote *w);

/* Results from the links. */
void output_wrote(struct outputs *o, const struct event_wrote *w, int64_t now_us);
void output_pulsed(struct outputs *o, const struct event_pulse *p, int64_t now_us);

/* Look at the snapshot: read-backs that say open, and flow, exhaust and pump, since purge_between counts only while they
 * are Good. */
void output_observe(struct outputs *o, const struct snapshot *snap);

/* Emit what differs: safe values and closes first, then the rest. What a permit or an exclusion forbids is not emitted,
 * whoever wants it. */
void output_arbitrate(
    struct outputs *o, const struct interlocks *il, const struct snapshot *snap, struct effects *out);
/* Write again whatever is not confirmed, even where the last command already says it. */
void output_insist(struct outputs *o, const struct snapshot *snap);
/* The proof of a device's watchdog begins: only its own output leaves its safe value, and a read-back that differs is no news. */
void output_begin_proof(struct outputs *o, int device);
/* It ended: what an expiry may have moved is written again, and counts once it is read back. */
void output_end_proof(struct outputs *o, int device, int64_t now_us);
/* What failed on this link is tried again now: it is up. */
void output_hurry(struct outputs *o, int link, int64_t now_us);

/* An output whose read-back differs from its command for longer than follow_us, or -1 (V7); *expected gets what was
 * commanded. A pulse is commanded open between its edges: a valve that stays closed is found within a long one. Outside
 * pulses the output is written again: what strayed does not stay as it is because the image says so already. */
int output_find_strayed(struct outputs *o, const struct snapshot *snap, double *expected);

/* Commanded as wanted, and acknowledged or (where verified) read back as such. */
bool output_is_confirmed(const struct outputs *o, const struct snapshot *snap, int tag);
/* How many outputs are not confirmed; their names go into `names` (NULL allowed). */
int output_count_unconfirmed(const struct outputs *o, const struct snapshot *snap, struct text *names);

/* When the clock alone moves an output next, or decides on its read-back, after now_us: a ramp's next step, a write that is
 * repeated, T_follow. TIME_NEVER: never. */
int64_t output_deadline(const struct outputs *o, int64_t now_us);

/* Is any output of this link away from its safe value? */
bool output_is_energised_on(const struct outputs *o, int link);

#endif
