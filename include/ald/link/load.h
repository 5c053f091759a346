/* The bus load of one link: how much of its time the poll plan, the watchdog feeds and the writes of its tool take, and
 * whether polls and feeds can still be made beside pulses on the same link. Pure arithmetic on the compiled tool: the
 * tool file's check, the start of the links and `aldctl device plan` say the same because they ask here.
 *
 * What is assumed, where the tool file does not say it:
 *   - a device's typical time to an answer is its `answer`, else LOAD_ANSWER_TCP_US or LOAD_ANSWER_RTU_US;
 *   - set-points are written, and read back at once, every LOAD_WRITE_US: a ramp's pace (DESIGN.md, Outputs);
 *   - a feed is a look at the watchdog, a write, and a read of its counter where it has one (link/watch.h);
 *   - every precursor line on the link pulses without end: its min_pulse, then its min_purge, one line at a time; a pulse whose
 *     valve the watchdog guards is two writes and a look. */
#ifndef ALD_LINK_LOAD_H
#define ALD_LINK_LOAD_H

#include "ald/core/tool.h" /* struct tool */
#include "ald/link/plan.h" /* struct plan */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct text;

/* What a link may be asked to do of its time: the rest is for calls that are late, and for what people do by hand. */
#define LOAD_SHARE_MAX 0.8

/* A call over TCP, wire only: two frames of at most 330 bytes with everything around them, at 10 Mbit/s. */
#define LOAD_TCP_US INT64_C(500)
/* A module with its own Ethernet port answers between two of its scans. */
#define LOAD_ANSWER_TCP_US INT64_C(2000)
/* A unit on a serial line: instruments that let one set it wait 20 ms before they answer unless told otherwise, so that a
 * master's line driver has let go (Omron E5CN, "send data wait time"). */
#define LOAD_ANSWER_RTU_US INT64_C(20000)
#define LOAD_WRITE_US      INT64_C(10000000)

/* What goes over the wire in one call: bytes of request and reply from the unit's number to the check sum (Modbus
 * application protocol 1.1b3, section 6; over serial line 1.02, section 2.3), over TCP a constant. */
int64_t load_wire_us(const struct tool_link *link, int request_bytes, int reply_bytes);
/* How long `device` typically thinks before it answers over `link`. */
int64_t load_answer_us(const struct tool *tool, int link, int device);
/* A whole call without the device's pause: reading `count` registers or bits; writing `tag`; a request of the plan. */
int64_t load_read_us(const struct tool *tool, int link, int device, enum tool_register reg, int count);
int64_t load_write_us(const struct tool *tool, int link, int tag);
int64_t load_request_us(const struct tool *tool, int link, const struct plan_request *request);

/* Do pulses of a precursor line go over `link`? */
bool load_has_pulses(const struct tool *tool, int link);
/* The guard window: a call to `device` does not begin later than this before an edge, given how long its calls take. Over
 * TCP a call that is late is given up and its socket replaced, so twice its usual time will do (measured: DESIGN.md,
 * Time). A serial line cannot be replaced: whatever is still to come would meet the edge, so the window is the whole
 * response timeout. */
int64_t load_guard_us(const struct tool_link *link, const struct tool_device *device, int64_t call_us);

enum load_verdict {
        LOAD_FITS,
        LOAD_FULL,        /* above LOAD_SHARE_MAX */
        LOAD_DEVICE_FULL, /* the same for one device, with its pauses */
        LOAD_NO_ROOM, /* beside pulses of the shortest period, polls, feeds and writes do not find their time */
        LOAD_STALE,   /* a tag would be older than its stale_after after a pulse */
        LOAD_UNFED    /* a watchdog would expire during a pulse */
};

struct load {
        enum load_verdict verdict; /* the first that is wrong */
        double polls, feeds, writes,
            edges;    /* parts of the link's time; edges: pulses of the shortest period */
        double share; /* their sum */
        double wire;  /* the part of it that is characters on the line, not thinking */
        double device_share
            [TOOL_DEVICES_MAX]; /* the part of its time that a device is busy or rests over this link */
        int busiest;            /* device, TOOL_NONE = no calls at all */
        int64_t round_us;       /* all requests of the plan, one after another */

        /* Pulses beside other calls on the same link. */
        bool is_shared;
        int line;            /* whose pulses leave the least room, TOOL_NONE = no pulses here */
        int64_t call_us;     /* the longest call but edges */
        int64_t guard_us;    /* STALE, UNFED: of what is refused; else the longest */
        int64_t blackout_us; /* no call but edges for so long, in the worst of the line's pulses */
        int64_t worst_us;    /* which is this wide */
        double free_share;   /* what pulses of the shortest period leave */
        int tag, device;     /* STALE: which tag; UNFED: whose watchdog */
        int64_t needed_us;   /* STALE, UNFED: the least that would do */
};

/* Compute the load of `link` under its plan. */
void load_compute(struct load *out, const struct tool *tool, int link, const struct plan *plan);

/* What each precursor line's lead_us must be. */
void load_set_leads(struct tool *tool);

/* Why the plan is refused, and what would be accepted, in one line. False: nothing is wrong with it. */
bool load_explain(const struct load *load, const struct tool *tool, int link, struct text *why);

/* Plan, compute and explain: is there something to refuse about `link`? `why` says what. */
bool load_refuses(struct load *load, const struct tool *tool, int link, struct text *why);

#endif
