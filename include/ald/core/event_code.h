/* Events as bytes and back: what the run database keeps of a run's inputs (table `input`, SAFETY S5).
 *
 * Compact, since a run takes 50 to 100 turns a second for hours: times are differences to the event before, a value that a tag
 * had a moment ago is a number of one byte. Decoding is total: any bytes give events of the tool or are refused, whatever
 * stands in them. A recipe is not carried: only that a command had one. */
#ifndef ALD_CORE_EVENT_CODE_H
#define ALD_CORE_EVENT_CODE_H

#include "ald/base/bytes.h" /* struct bytes_out, struct bytes_in */
#include "ald/core/event.h" /* struct event */
#include "ald/core/tool.h"  /* TOOL_TAGS_MAX */

#include <stdint.h> /* int64_t */

enum { EVENT_CODE_RECENT = 8 };

/* What both sides know of the events before; the same on both sides after each event. */
struct event_code {
        int64_t now_us, offset_us; /* offset: wall clock - monotonic */
        int64_t seq;
        struct {
                int64_t t_us;
                uint64_t recent[EVENT_CODE_RECENT]; /* bits of the last values, newest first */
        } tag[TOOL_TAGS_MAX];
};

/* No event is longer. */
enum { EVENT_CODE_MAX = 8192 };

/* Nothing is known but the time. */
void event_code_init(struct event_code *code, int64_t now_us, int64_t wall_us);
/* Append an event. With EVENT_CODE_MAX bytes of room it always fits; else *out may be full, and `code` is of no more use. */
void event_code_put(struct event_code *code, const struct event *event, struct bytes_out *out);
/* Take the next event, for this tool. A command that had a recipe gets `recipe`. False: these bytes are no event that this
 * tool can have (*in is bad, `event` undefined). */
bool event_code_take(struct event_code *code, struct bytes_in *in, const struct tool *tool,
    const struct recipe *recipe, struct event *event);
/* What people call the kind of an event: "samples", "command" ... */
const char *event_code_kind(enum event_kind kind);

#endif
