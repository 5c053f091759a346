/* Inputs that an engineer took out of the interlocks for a time (SAFETY T4): each with a person, a reason and an end.
 * Nothing of it outlives the process: a restart ends every bypass.
 *
 * A bypass is a flag at the tag in the snapshot (is_bypassed), which the evaluation of interlocks looks at and nothing
 * else does: recipes, guards, the trips of the core's own (an output that does not follow, a heater without a
 * temperature) see the tag as it is. A trip that waits to be armed is not armed by a bypass. */
#ifndef ALD_CORE_BYPASS_H
#define ALD_CORE_BYPASS_H

#include "ald/core/tool.h" /* TOOL_NAME_MAX */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct command;
struct snapshot;
struct text;

enum { BYPASS_MAX = 8 };                   /* at once, whatever the tool file says */
#define BYPASS_US_MAX INT64_C(28800000000) /* 8 h, likewise */

struct bypass {
        int16_t tag;
        int64_t until_us;         /* monotonic */
        int64_t until_wall_us;    /* the same for people, as told when it began */
        char user[TOOL_NAME_MAX]; /* who asked for it */
        char reason[96];
};

struct bypass_list {
        int count;
        struct bypass item[BYPASS_MAX]; /* in the order in which they began */
};

/* The place of a tag's bypass, -1 = none. */
int bypass_find(const struct bypass_list *list, int tag);

/* Begin the bypass that `command` (its tag, for_us, reason and user) asks for, at now_us (wall_us: UTC). False: nothing changed; `why`
 * says what stands against it, `hint` what would be accepted. */
bool bypass_begin(struct bypass_list *list, struct snapshot *snap, const struct tool *tool,
    const struct command *command, int64_t now_us, int64_t wall_us, struct text *why, struct text *hint);

/* End the one at a place. */
void bypass_end(struct bypass_list *list, struct snapshot *snap, int at);

/* When the next one ends; TIME_NEVER = none. */
int64_t bypass_deadline(const struct bypass_list *list);

#endif
