/* The gate: the last look at every output value before it goes on the wire. Small and independent of the arbiter on
 * purpose: it knows only exclusion groups with their purge, maximum open times and leases, so that an error in the core
 * cannot open two precursors or leave one open (SAFETY V1, V2, V3, V5). It shares no code with the core: it reads the
 * tool's table of interlocks by itself, and nothing of output.c, interlock.c or tool.c is linked into what it needs
 * (held by tests/rings). The table itself is common: a wrong tool file is wrong for both, and is the reviewer's to find.
 *
 * purge_between counts here from the close alone, of what was opened since the start, or may have been before
 * (gate_left_open()). Whether flow, exhaust and pump were Good meanwhile is the core's to
 * watch: the gate sees outputs only, and stays that small.
 *
 * It sees the outputs of one link only; that is why an exclusion group lies on one link (DESIGN.md, Outputs). */
#ifndef ALD_LINK_GATE_H
#define ALD_LINK_GATE_H

#include "ald/core/event.h" /* enum cause */
#include "ald/core/tool.h"  /* struct tool */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

enum gate_verdict {
        GATE_PASS,
        GATE_EXCLUDED, /* another output of its group may be open */
        GATE_UNKNOWN,  /* another output of its group has not been confirmed closed since the start */
        GATE_PURGING   /* another output of its group was closed less than purge_between ago */
};

/* The core counts a purge from the close as planned, the gate from the close as sent: it may come up to this much short
 * of it before the gate refuses. */
#define GATE_PURGE_SLACK_US INT64_C(10000)

/* Two notions that differ for an output whose safe value is "open" (an exhaust valve):
 * open = not 0, what exclusions are about; energised = not its safe value, what leases and maximum times are about. */
struct gate_output {
        bool is_known;    /* an acknowledged write has told what it is */
        bool may_be_open; /* a sent open counts from before it is sent, a close only once acknowledged */
        bool
            is_energised; /* likewise; at the start, where it has a maximum open time, as it may have been left so */
        bool is_leased; /* a write of ours may have energised it: silence makes it safe */
        bool is_timed;  /* opened by a timed pair, which carries its own close: no lease, no maximum here */
        int64_t energised_us; /* when the first write that may have energised it was sent */
        int64_t closed_us;    /* when the close that ended its last opening was sent; INT64_MIN = none */
        /* A write that got no answer may still lie in the device, behind a later one that came on a fresh connection. One
         * acknowledged close is no proof then: the output counts as open until a second one, sent a time-out (on a
         * serial line: a quarantine) after the first was acknowledged, is acknowledged too. */
        bool is_lost;    /* nothing was acknowledged since */
        int64_t sure_us; /* what is sent from here on tells what it is */
};

struct gate {
        const struct tool *tool; /* borrowed */
        int link;
        int64_t doubt_us; /* how long a write without an answer may still take effect, or be answered */
        struct gate_output out[TOOL_TAGS_MAX];
};

/* (doubt_us is the time-out; a serial line's schedule makes it longer.)
 * A gate for the outputs of devices that are written over `link`. */
void gate_init(struct gate *gate, const struct tool *tool, int link, int64_t now_us);

/* Outputs may have been left open by the process before: their first close ends an opening. */
void gate_left_open(struct gate *gate);

/* May `tag` be written to `value` now? Safe values always pass, and so does a close. */
enum gate_verdict gate_check(const struct gate *gate, int tag, double value, int64_t now_us);
/* The output that excludes `tag` (open or unknown), or TOOL_NONE. */
int gate_blocker(const struct gate *gate, int tag);

/* A write is about to be sent / was acknowledged (it was sent at sent_us) / got no answer. */
void gate_sending(struct gate *gate, int tag, double value, int64_t now_us);
void gate_acked(struct gate *gate, int tag, double value, int64_t sent_us, int64_t done_us);
void gate_lost(struct gate *gate, int tag, double value);
/* Is it away from its safe value as far as anyone can know, though the last write was a safe one and was acknowledged?
 * Then a safe value is to be written again, not before *from_us. */
bool gate_is_doubtful(const struct gate *gate, int tag, int64_t *from_us);
/* The output is in the hands of a timed pair / no longer. */
void gate_set_timed(struct gate *gate, int tag, bool is_timed);

/* When `tag` must be back at its safe value at the latest, if the core's last turn was at turn_us: TIME_NEVER when
 * nothing bounds it. *cause gets what does: CAUSE_DEADLINE (maximum open time) or CAUSE_LEASE (silence). */
int64_t gate_limit(const struct gate *gate, int tag, int64_t turn_us, enum cause *cause);

#endif
