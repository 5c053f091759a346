/* What one link does next, without doing it: the order of safe writes, edges of timed pairs, other writes, watchdog feeds
 * and polls, with leases, connection and back-off. Pure: the worker thread carries actions out on a real socket, the fault
 * simulation on a simulated one.
 *
 * sched_next(now) -> action; the worker does it; sched_done(result); sched_report() -> events
 *
 * Order of urgency: safe writes, due edges, (nothing that could still be running at a pending edge), arming and feeding the
 * watchdog, other writes, due polls. The `limit_us` of an action never reaches past the next edge (DESIGN.md, Time): a call
 * that is not over by then is given up, the connection closed and replaced, the edge sent. Only a close overtakes a safe
 * value, also while that waits for its device's pause: that of a pulse, and of safe values the one of an output that has a
 * maximum open time and may be open. After any time-out or bad frame the connection is closed; nothing is resynchronised
 * (SAFETY traps 2-4). A serial line cannot be replaced like that: it is quarantined (quarantine.h). */
#ifndef ALD_LINK_SCHED_H
#define ALD_LINK_SCHED_H

#include "ald/core/event.h" /* struct event, struct effect_write, struct effect_pulse */
#include "ald/core/tool.h"  /* struct tool */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct sched; /* opaque */

/* What the numbers below mean is argued in DESIGN.md, Time. */
enum { SCHED_PAIRS_MAX = 16 }; /* pulses under way at once on one link */
/* A pulse opens only if the core's last turn is younger than this. */
#define SCHED_TURN_US INT64_C(100000)
/* A call is given up this long before an edge, which leaves time to replace the connection. */
#define SCHED_MARGIN_US INT64_C(10000)
/* No call begins with less than this to go (beside the margin). */
#define SCHED_CALL_US INT64_C(5000)

/* A close that is not answered by then is sent again on a fresh connection (V3: 50 ms with all that this takes). */
#define SCHED_CLOSE_US INT64_C(40000)

/* The schedule of one link. Everything is allocated here. NULL when memory is out, the plan does not fit, a serial line's
 * unit has no probe (quarantine_check), or a safe value does not fit its register. */
struct sched *sched_new(const struct tool *tool, int link, int64_t now_us);
void sched_free(struct sched *s);

/* Before the first order: outputs may have been left open by the process before (V2). */
void sched_left_open(struct sched *s);

/* How many further orders can be taken now. */
int sched_room(const struct sched *s);
/* Is there room to report on one more order, be it refused for want of a place? */
bool sched_hears(const struct sched *s);

/* Orders from the core. Each ends in exactly one report (EVENT_WROTE or EVENT_PULSE) with the same id.
 *
 * Writes: a newer order for a tag takes the place of older ones that were not sent and are not safe; their reports
 * then carry the value, times and success of the write that was really done. A write that the gate refuses (or one
 * that would energise an output whose watchdog does not run) is reported with ok = false, sent_us = 0 and cause
 * CAUSE_GATE. A safe write that fails is tried once more on a fresh connection before ok = false is reported, and
 * stays owed: the worker writes it as soon as it can and reports that with `unasked`.
 * A safe write for an output that a pulse holds revokes the pulse.
 *
 * Pulses: a close that is not acknowledged within a second is reported as PULSE_FAILED with close_acked_us = 0 and
 * stays owed likewise (CAUSE_DEADLINE). Where a watchdog guards the output, the device is asked for it once more after
 * the close: it may have been restarted, which closes the valve and tells nobody. A pulse is PULSE_FAILED with
 * close_acked_us set unless its watchdog was seen to run on within PAIR_PROVE_US (V8).
 * One whose module times it (struct tool_pulse) is handed over whole: the width ahead of open_us, the start then, and nothing
 * more unless it is cut. After its end the module is asked. It is PULSE_DONE, and is_device_timed, if the output is closed and
 * one pulse more was counted; else a close goes out at once and it is PULSE_FAILED. Without an acknowledged width by
 * open_us it is PULSE_REFUSED.
 *
 * False: the queue is full (the report is made all the same, as failed, as long as reports are taken). */
bool sched_write(struct sched *s, const struct effect_write *w, int64_t now_us);
bool sched_pulse(struct sched *s, const struct effect_pulse *p, int64_t now_us);
void sched_revoke(struct sched *s, uint32_t id, int64_t now_us);
void sched_revoke_all(struct sched *s, int64_t now_us);
/* The core's turn at turn_us evaluated the interlocks: leases run from it and one watchdog feed is granted. */
void sched_feed(struct sched *s, int64_t turn_us);
/* The core foresees that a pulse will open at open_us (TIME_NEVER: none). It is handed over no more than 50 ms
 * before, and a poll that began until then could still be on the wire at its open: polls keep clear of this already. It
 * opens nothing and promises nothing; once it has passed it is forgotten. */
void sched_expect(struct sched *s, int64_t open_us);
void sched_rearm(struct sched *s, int device);
/* Prove a device's watchdog, or give that up: the core has energised its proof output and keeps all else on the device safe.
 * Ends in one EVENT_WATCHDOG with an outcome, as soon as the watchdog runs again (link/proof.h). */
void sched_prove(struct sched *s, const struct effect_prove *order, int64_t now_us);

enum sched_kind {
        SCHED_WAIT,    /* nothing to do before until_us (or the next order) */
        SCHED_CONNECT, /* open the connection within limit_us */
        SCHED_CLOSE,   /* drop the connection */
        SCHED_WRITE,   /* write `count` words or one coil */
        SCHED_READ     /* read `count` words or coils */
};

struct sched_action {
        enum sched_kind kind;
        int64_t until_us; /* WAIT */
        bool is_edge;     /* WAIT: an edge of a pulse is due then */
        int64_t limit_us; /* CONNECT, WRITE, READ: monotonic time by which the call must be over */
        int slave_id;
        enum tool_register reg; /* COIL or HOLDING for writes */
        int address, count;
        bool multiple;     /* write with function 15/16 even for one */
        bool drains;       /* serial line: what lies on it is thrown away first; else it spoils the call */
        uint16_t words[8]; /* WRITE: registers, or 0/1 for coils */
};

enum sched_outcome {
        SCHED_OK,
        SCHED_TIMEOUT,   /* no or partial reply by limit_us */
        SCHED_BAD_FRAME, /* wrong unit, function, length or transaction */
        SCHED_EXCEPTION, /* the device answered with an exception; the connection is sound */
        SCHED_CLOSED     /* connection refused, reset or lost */
};

enum { SCHED_WORDS_MAX = 128 };
struct sched_result {
        enum sched_outcome outcome;
        int exception;                   /* Modbus exception code, else 0 */
        int64_t sent_us;                 /* when the call began */
        int64_t done_us;                 /* when it ended */
        uint16_t words[SCHED_WORDS_MAX]; /* READ: registers; coils as 0/1 */
        char text[64];                   /* system's words for an error, "" = none */
};

/* The worker saw the idle connection end (or bytes on it that nobody asked for). Not while an action is under way. */
void sched_lost(struct sched *s, int64_t now_us, const char *why);

/* On an idle serial line came bytes that nobody had asked for. Not while an action is under way. */
void sched_stray(struct sched *s, int64_t now_us);

/* No further pulses, polls or feeds: pulses are revoked or cut, queued safe writes are sent, and so are safe values of
 * outputs that live on a lease. */
void sched_stop(struct sched *s, int64_t now_us);
/* After sched_stop(): nothing is left to do. */
bool sched_is_idle(const struct sched *s);

/* Polls that were not made because their time had passed. */
int64_t sched_skipped(const struct sched *s);
/* Replies whose signature was not their unit's. */
int64_t sched_foreign(const struct sched *s);
/* Quarantines of a serial line, with the one at its opening. */
int64_t sched_quarantines(const struct sched *s);

/* The next thing to do at now_us. Every action but WAIT must be answered by one sched_done(). */
void sched_next(struct sched *s, int64_t now_us, struct sched_action *action);
void sched_done(struct sched *s, const struct sched_result *result);

/* Take the next event for the core (now_us and wall_us are left to the runner). False when there is none. */
bool sched_report(struct sched *s, struct event *out);

#endif
