/* One device's watchdog as its master sees it: ask, arm, read back, feed; never restart one that has expired
 * unless told to (SAFETY, device-side watchdog: good-master checklist). Pure: it says which register to read or
 * write next, the schedule does it.
 *
 * Every feed is preceded by a look at the status: a module that was restarted takes a feed for the start of its
 * watchdog, with the time of its power-up (10 s on a WAGO coupler) instead of ours, and nobody would be the wiser.
 *
 *     ASK -> off:     write the time, read it back, write the trigger, ask again: running
 *         -> running: read the time back, go on feeding
 *         -> expired: wait for watch_rearm(), then restart register = 1, ask again
 */
#ifndef ALD_LINK_WATCH_H
#define ALD_LINK_WATCH_H

#include "ald/core/tool.h" /* struct tool_watchdog */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t, uint16_t */

enum watch_step {
        WATCH_ASK,        /* status unknown: read it before the device is used */
        WATCH_TIME_CHECK, /* found running: is its time ours? */
        WATCH_TIME_WRITE,
        WATCH_TIME_READ,
        WATCH_START, /* the first write to the trigger */
        WATCH_CONFIRM,
        WATCH_RUNNING, /* look, before the next feed is due */
        WATCH_FEED,    /* seen to run just now: feed */
        WATCH_EXPIRED, /* wait for an operator's reset */
        WATCH_RESTART,
        WATCH_PAUSED /* it answered nonsense or an exception: ask again later */
};

/* So long a look counts as just now: no module restarts in less. */
#define WATCH_LOOK_US INT64_C(20000)
/* Between attempts with a device whose watchdog does not behave. */
#define WATCH_RETRY_US INT64_C(1000000)

struct watch {
        const struct tool_watchdog *dog; /* borrowed */
        enum watch_step step;
        int64_t retry_us;    /* PAUSED */
        int64_t fed_us;      /* when the last trigger write was sent */
        int64_t fed_turn_us; /* the grant that it used up */
        int64_t asked_us;    /* when the last question for its status was sent */
        int64_t seen_us;     /* ... the last one that was answered with "running" */
        int64_t fresh_us;    /* FEED: until then */
        int64_t look_us;     /* somebody wants a look that is not older than this */
        uint32_t losses;     /* how often it was found not to run */
        uint16_t trigger;    /* last value written to the trigger */
        bool rearm;          /* an operator's reset waits for being carried out */
};

struct watch_call {
        bool is_write;
        int address;   /* holding register */
        uint16_t word; /* write */
};

void watch_init(struct watch *w, const struct tool_watchdog *dog);
/* The connection is new: nothing is known. A device that is paused stays so, lest a silent one keep all others on its
 * link from being served. */
void watch_reset(struct watch *w);
void watch_rearm(struct watch *w);

bool watch_is_running(const struct watch *w);
/* Look again, as soon as the link has time, unless it was asked at since_us or later. */
void watch_look(struct watch *w, int64_t since_us);
/* It was seen to run by a question that was sent at since_us or later, and was not found otherwise since it had been found
 * so `losses` times. */
bool watch_ran_on(const struct watch *w, uint32_t losses, int64_t since_us);
/* Not fed for longer than its time: it may have expired unseen (the answer to a feed does not tell), so ask first. */
void watch_doubt(struct watch *w, int64_t now_us, int64_t turn_us);
/* When watch_call() will have something to do, given the core's last turn (INT64_MIN: none yet). */
int64_t watch_due(const struct watch *w, int64_t turn_us);
/* What to do at watch_due(). */
void watch_call(const struct watch *w, struct watch_call *call);

/* The call of watch_call() is about to be sent, on the grant of turn_us. */
void watch_sending(struct watch *w, int64_t now_us, int64_t turn_us);
/* It was answered: `word` is what was read, `exception` the device's refusal (0 = none). Returns the status that this
 * tells (TOOL_WATCHDOG_*), or -1. */
int watch_answered(struct watch *w, int exception, uint16_t word, int64_t now_us);
/* It was not answered: a running one is asked again at once, another is left alone for a feed interval. */
void watch_failed(struct watch *w, int64_t now_us);
/* The device's status was read elsewhere (the poll plan) on the same connection. */
void watch_observe(struct watch *w, int status);

#endif
