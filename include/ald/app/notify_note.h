/* What a hook program is told: one event as plain values, small enough for one message between the daemon and its helper, and
 * the JSON that the program reads. The keys of the JSON are a contract (ald-tool(5), Notify). */
#ifndef ALD_APP_NOTIFY_NOTE_H
#define ALD_APP_NOTIFY_NOTE_H

#include "ald/core/tool.h" /* enum tool_notify, enum tool_priority */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* int64_t */

struct core;
struct record;

/* Beyond those of the tool file. */
enum {
        NOTIFY_TEST = TOOL_NOTIFY_COUNT, /* aldd --notify-test */
        NOTIFY_END                       /* to the helper alone: the daemon ends in order */
};

struct notify_note {
        uint8_t what;                        /* enum tool_notify, or one of those above */
        uint8_t priority;                    /* enum tool_priority */
        uint32_t hooks;                      /* 1 << number of the hook: who is told */
        int32_t more;                        /* notifications before this one that were left out */
        int64_t wall_us, run, cycle, cycles; /* run 0 = none */
        char recipe[TOOL_NAME_MAX], state[16], user[TOOL_NAME_MAX];
        char source[TOOL_NAME_MAX]; /* interlock or alarm */
        char reason[192];           /* why it was held, stopped or aborted */
        char text[256], guidance[TOOL_TEXT_MAX];
};

/* "complete", "test". */
const char *notify_note_name(unsigned what);

/* Is this record something to tell somebody? Then the note, `hooks` for those of the tool that want it; false when there are
 * none. `core` is as it is after the turn that made the record. */
bool notify_note_of_record(
    struct notify_note *note, const struct tool *tool, const struct core *core, const struct record *r);
/* The daemon's own: TOOL_NOTIFY_DAEMON, NOTIFY_TEST. `core` NULL: there is none. */
bool notify_note_of_daemon(struct notify_note *note, const struct tool *tool, const struct core *core,
    unsigned what, const char *text, int64_t wall_us);

/* The note as one line of JSON with its newline, cut to nothing but sense: no byte of it is unprintable. Its length. It fits
 * into a pipe at once. */
enum { NOTIFY_LINE_CAP = 8192 };
size_t notify_note_line(
    const struct notify_note *note, const struct tool *tool, const char *host, char out[NOTIFY_LINE_CAP]);

#endif
