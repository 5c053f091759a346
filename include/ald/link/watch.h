/* One device's watchdog as its master sees it: ask, set up, arm, read back, feed; never restart one that has expired
 * unless told to (SAFETY, device-side watchdog: good-master checklist a-f). Kinds of modules differ by the table in
 * struct tool_watchdog only. Pure: it says which register to read or write next, the schedule does it.
 *
 *     ASK -> off:     setup, write the time, read it back, write the trigger, ask again: running
 *         -> running: look at setup and time, go on feeding
 *         -> expired: wait for watch_rearm(), then the restart writes, ask again
 *
 * Setup is read first and written only where it differs (some modules keep it in a memory that wears), then read back.
 * Where a module has no status, its time is asked for instead: exception 4 means expired everywhere; a counter of events
 * that moved does too; and with neither, a watchdog that was not fed for longer than its time counts as expired, since
 * nothing could say otherwise. The counter is read after each feed.
 *
 * The proof (link/proof.h) is the one time at which a running watchdog is not fed, on the core's order. */
#ifndef ALD_LINK_WATCH_H
#define ALD_LINK_WATCH_H

#include "ald/core/tool.h"  /* struct tool_watchdog, struct tool_tag */
#include "ald/link/proof.h" /* struct proof */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t, uint16_t */

enum watch_step {
        WATCH_ASK,         /* status unknown: read it before the device is used */
        WATCH_SETUP_CHECK, /* does each word of the setup stand there? */
        WATCH_SETUP_WRITE,
        WATCH_SETUP_READ,
        WATCH_TIME_CHECK, /* found running: is its time ours? */
        WATCH_TIME_WRITE,
        WATCH_TIME_READ,
        WATCH_START, /* the first write to the trigger */
        WATCH_CONFIRM,
        WATCH_RUNNING, /* feed */
        WATCH_COUNT,   /* running, too: has it counted an event? */
        WATCH_EXPIRED, /* wait for an operator's reset */
        WATCH_RESTART,
        WATCH_PROVING, /* see link/proof.h */
        WATCH_PAUSED   /* it answered nonsense or an exception: ask again later */
};

/* What the device said when it was asked last. */
enum watch_found { WATCH_FOUND_UNKNOWN, WATCH_FOUND_OFF, WATCH_FOUND_RUNNING };

/* Between attempts with a device whose watchdog does not behave. */
#define WATCH_RETRY_US INT64_C(1000000)

struct watch {
        const struct tool_watchdog *dog; /* borrowed */
        const struct tool_tag *lamp;     /* its proof output, borrowed; NULL = none */
        enum watch_step step;
        enum watch_found found;
        int at;              /* of setup or restart writes */
        int64_t retry_us;    /* PAUSED */
        int64_t fed_us;      /* when the last trigger write was sent */
        int64_t fed_turn_us; /* the grant that it used up */
        uint16_t trigger;    /* last value written to the trigger */
        int32_t count;       /* of its events, -1 = not read since it was armed */
        bool rearm;          /* an operator's reset waits for being carried out */
        struct proof proof;
};

struct watch_call {
        bool is_write;
        enum tool_register reg; /* HOLDING, or the proof output's */
        int address;
        uint16_t word; /* write */
};

/* What came of a call. */
struct watch_answer {
        int exception; /* the device's refusal, 0 = none */
        uint16_t word; /* read */
        int64_t sent_us, done_us;
};

/* `lamp`: the device's proof output (borrowed), NULL = none. */
void watch_init(struct watch *w, const struct tool_watchdog *dog, const struct tool_tag *lamp);
/* The connection is new: nothing is known. A device that is paused stays so, lest a silent one keep all others on its
 * link from being served. A proof is broken off. */
void watch_reset(struct watch *w);
void watch_rearm(struct watch *w);
/* Prove a running one; what runs no proof output or is not running says at once that the proof was broken off. */
void watch_prove(struct watch *w, int64_t now_us);
/* Give the proof up, if there is one. */
void watch_break_proof(struct watch *w, const char *why);
/* A write went to the device that was not this watch's own. */
void watch_disturbed(struct watch *w);
/* Take the outcome of a proof. False: there is none. */
bool watch_take_proof(struct watch *w, struct proof *out);

bool watch_is_running(const struct watch *w);
/* Is a proof under way, up to the watchdog's running again? What others see of its status is no news then. */
bool watch_is_proving(const struct watch *w);
/* Asked, it said that it does not run: the device was restarted, or its watchdog expired. */
bool watch_is_off(const struct watch *w);
/* Not fed for longer than its time: it may have expired unseen (the answer to a feed does not tell), so ask first. */
void watch_doubt(struct watch *w, int64_t now_us, int64_t turn_us);
/* When watch_call() will have something to do, given the core's last turn (INT64_MIN: none yet). */
int64_t watch_due(const struct watch *w, int64_t turn_us);
/* What to do at watch_due(). */
void watch_call(const struct watch *w, struct watch_call *call);

/* The time as its register holds it. */
uint16_t watch_time_word(const struct watch *w);

/* The call of watch_call() is about to be sent, on the grant of turn_us. */
void watch_sending(struct watch *w, int64_t now_us, int64_t turn_us);
/* It was answered. Returns the status that this tells (TOOL_WATCHDOG_*), or -1. */
int watch_answered(struct watch *w, const struct watch_answer *a);
/* It was not answered: a running one is asked again at once, another is left alone for a feed interval. */
void watch_failed(struct watch *w, int64_t now_us);
/* The device's status was read elsewhere (the poll plan) on the same connection. */
void watch_observe(struct watch *w, int status);

#endif
