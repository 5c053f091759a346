/* One device's watchdog as its master sees it: ask, set up, arm, read back, feed; never restart one that has expired
 * unless told to (SAFETY, device-side watchdog: good-master checklist a-f). Kinds of modules differ by the table in
 * struct tool_watchdog only. Pure: it says which register to read or write next, the schedule does it.
 *
 *     ASK -> off:     setup, write the time, read it back, write the trigger, ask again: running
 *         -> running: look at setup and time, go on feeding: look, feed, count
 *         -> expired: wait for watch_rearm(), then the restart writes, ask again
 *
 * Every feed is preceded by a look: a module that was restarted takes a feed for the start of its watchdog, with the time of
 * its power-up (10 s on a WAGO coupler) instead of ours, and nobody would be the wiser. A pulse is whole when a look that was
 * sent after its close finds all as it was. The look reads the status; without one the time: ours = it was not restarted,
 * another = it was, which is a loss. A module without a status that keeps its time without power, or powers up with just
 * ours, shows no restart by it; nothing tells then, and it is fed, and a pulse counts as whole, on the strength of its
 * answer. Where there is a counter, it has to stand still besides.
 *
 * In the quarantine of a serial line no read is trusted, and feeds must go on: they go without a look, and behind it all is
 * asked again, the time too.
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
        WATCH_RUNNING, /* look, before the next feed is due */
        WATCH_FEED,    /* seen to run just now: feed */
        WATCH_COUNT,   /* running, too: has it counted an event? */
        WATCH_EXPIRED, /* wait for an operator's reset */
        WATCH_RESTART,
        WATCH_PROVING, /* see link/proof.h */
        WATCH_PAUSED   /* it answered nonsense or an exception: ask again later */
};

/* What the device said when it was asked last. */
enum watch_found { WATCH_FOUND_UNKNOWN, WATCH_FOUND_OFF, WATCH_FOUND_RUNNING };

/* So long a look counts as just now: no module restarts in less. */
#define WATCH_LOOK_US INT64_C(20000)
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
        int64_t asked_us;    /* when the last question for its status was sent */
        int64_t seen_us;     /* ... the last one that was answered with "running" */
        int64_t fresh_us;    /* FEED: until then */
        int64_t look_us;     /* somebody wants a look that is not older than this */
        uint32_t losses;     /* how often it was found not to run */
        uint16_t trigger;    /* last value written to the trigger */
        int32_t count;       /* of its events, -1 = not read since it was armed */
        bool rearm;          /* an operator's reset waits for being carried out */
        bool was_armed;      /* it ran with our setup and time: others mean that it was restarted */
        bool is_blind;       /* it was fed without a look */
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
/* Does it run, as far as is known, with our time? */
bool watch_is_sure(const struct watch *w);
/* Look again, as soon as the link has time, unless it was asked at since_us or later. */
void watch_look(struct watch *w, int64_t since_us);
/* It was seen to run by a question that was sent at since_us or later, and was not found otherwise since it had been found
 * so `losses` times. */
bool watch_ran_on(const struct watch *w, uint32_t losses, int64_t since_us);
/* Not fed for longer than its time: it may have expired unseen (the answer to a feed does not tell), so ask first. */
void watch_doubt(struct watch *w, int64_t now_us, int64_t turn_us);
/* When watch_call() will have something to do, given the core's last turn (INT64_MIN: none yet). */
int64_t watch_due(const struct watch *w, int64_t turn_us);
/* Where no read is trusted: when a running one is to be fed, and that its feed goes without a look then. */
int64_t watch_due_blind(const struct watch *w, int64_t turn_us);
void watch_feed_blind(struct watch *w);
/* Reads are trusted again: what was fed without a look is asked first. */
void watch_end_blind(struct watch *w);
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
