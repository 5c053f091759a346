/* Trips, permits and what is latched. Conditions come from the tool file; the core adds trips of its own (an output
 * that does not follow, a lost link, a watchdog). Both latch here, in the order in which they came: the first is the
 * first-out and stays until the reset (SAFETY T2, T3). */
#ifndef ALD_CORE_INTERLOCK_H
#define ALD_CORE_INTERLOCK_H

#include "ald/core/core.h"     /* struct core_latch, CORE_LATCHES_MAX */
#include "ald/core/snapshot.h" /* struct snapshot */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct text;

struct interlock_state {
        enum tri value;
        bool is_armed;
        bool is_tripped;  /* trip, suspend: the cause stands now (after `for` or `grace`) */
        bool is_latched;  /* it tripped since the last reset */
        int64_t true_us;  /* since when the condition is true, TIME_NEVER = it is not */
        int64_t bad_us;   /* since when it cannot be told, TIME_NEVER = it can */
        int64_t false_us; /* suspend: since when it is false again, TIME_NEVER = it is not */
};

struct interlocks {
        const struct tool *tool;
        int64_t quiet_until_us; /* start-up: values that never came are borne until then */
        bool is_vented; /* by a recipe: nothing that `arm` guards is armed, and precursors are locked (V4) */
        struct interlock_state state[TOOL_INTERLOCKS_MAX];
        int fresh_count; /* trips of the tool file that latched in the last evaluation, in order of the file */
        int16_t fresh[TOOL_INTERLOCKS_MAX];
        int latch_count; /* what people are told of; no action depends on room here */
        struct core_latch latch[CORE_LATCHES_MAX];
};

/* How long after the start a first value may take to come. */
#define INTERLOCK_FIRST_VALUE_US INT64_C(3000000)

void interlock_init(struct interlocks *il, const struct tool *tool, int64_t now_us);

/* Evaluate everything and latch what trips; what is new stands in il->fresh. */
void interlock_eval(struct interlocks *il, const struct snapshot *snap, int64_t wall_us);

/* Latch a trip of the core's own. False when it is latched already (it is marked active again).`id` and `text` are
 * copied; when the list is full they are lost, but the answer is true and the caller acts all the same. */
bool interlock_raise(struct interlocks *il, const char *id, enum tool_action action, const char *text,
    const char *guidance, int64_t wall_us);
/* The cause of a trip of the core's own is gone. */
void interlock_clear(struct interlocks *il, const char *id);

/* Is anything latched? */
bool interlock_has_latches(const struct interlocks *il);
/* Is a trip of the tool file latched? */
bool interlock_has_latch(const struct interlocks *il, int interlock);

/* Drop every latch. False, with the first reason in `why`, when a cause still stands: nothing is dropped. */
bool interlock_reset(struct interlocks *il, struct text *why);

/* The chamber is opened to the air (true): every trip with an `arm` condition is disarmed and precursors are locked. It is
 * pumped down again (false): `arm` arms again. */
void interlock_vent(struct interlocks *il, bool is_vented);

/* The first suspend whose external cause stands, -1 = none. */
int interlock_suspends(const struct interlocks *il);

/* `which` of a refusal that no interlock of the tool file makes: the chamber is vented. */
enum { INTERLOCK_VENTED = -2 };

/* May this output be open now? A bad input is no permission (T5); a trip that waits to be armed locks precursors.
 * On false *which is the interlock, or INTERLOCK_VENTED. */
bool interlock_permits(const struct interlocks *il, const struct snapshot *snap, int tag, int *which);

/* What stands against a move, in the parts that a refusal names apart. */
struct interlock_reason {
        char interlock[TOOL_NAME_MAX]; /* id */
        char condition[COND_TEXT_MAX + 24];
        char values[192]; /* live */
};
void interlock_get_reason(
    const struct interlocks *il, const struct snapshot *snap, int interlock, struct interlock_reason *out);

/* Append "no-mixing: CONDITION (live values)"; `interlock` as interlock_permits() gave it. */
void interlock_add_reason(
    struct text *t, const struct interlocks *il, const struct snapshot *snap, int interlock);

/* When a delay or grace that is running ends (TIME_NEVER: none). */
int64_t interlock_deadline(const struct interlocks *il);

#endif
