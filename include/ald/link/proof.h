/* The proof of a device's watchdog as its link makes it (SAFETY.md, good-master checklist b): with one harmless output
 * energised by the core, the heartbeat stops, and the output's fall is timed.
 *
 *     FEED -> LOOK (it reads on) -> FALL (looks until it reads off, or exception 4 says that the watchdog expired)
 *          -> RESTART (the watchdog's own writes: this expiry was wanted, no operator is asked) -> LOW (it reads off)
 *          -> RECOVER (asked, armed and fed as after a new connection) -> told
 *
 * The link energises nothing and stops no feed of its own accord (V5, R1): the core orders both. Whatever happens in it, the
 * watchdog is armed and fed again; only an expiry that the proof itself brought about is restarted without a reset. Every
 * write to the device within it may have fed the watchdog: then the proof is given up, and repeated when the core says so.
 *
 * Pure: part of a watch (link/watch.h), which says when what is read or written. */
#ifndef ALD_LINK_PROOF_H
#define ALD_LINK_PROOF_H

#include "ald/core/event.h" /* enum watchdog_proof */
#include "ald/core/tool.h"  /* struct tool_watchdog, struct tool_tag */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t, uint16_t */

enum proof_phase {
        PROOF_NONE,
        PROOF_FEED,    /* the last feed */
        PROOF_LOOK,    /* is it on? */
        PROOF_FALL,    /* until it is off */
        PROOF_RESTART, /* writes that re-arm */
        PROOF_LOW,     /* is it off now? */
        PROOF_RECOVER  /* until the watchdog runs again */
};

struct proof {
        enum proof_phase phase;
        bool did_expire; /* it was seen to, and this is the cause */
        bool is_told;    /* the outcome waits to be taken */
        uint8_t outcome; /* enum watchdog_proof */
        int at;          /* of the restart writes */
        int restarts;    /* in RECOVER */
        int64_t fed_sent_us, fed_acked_us;
        int64_t on_us;   /* the last look that found it on was sent */
        int64_t look_us; /* the next look is due */
        int64_t measured_us;
        int64_t ended_us; /* what was seen of the watchdog before is the proof's own doing */
        char why[WATCHDOG_WHY_MAX];
};

/* How far the measured time may lie from the watchdog's: one unit, since its timer counts whole ones from anywhere within one,
 * or a fifth, which no oscillator is off, and less than a wrong unit brings (ADLINK ND-6000, firmware 1.x: 53 for 100 ms). */
int64_t proof_tolerance_us(const struct tool_watchdog *dog);

void proof_begin(struct proof *p);
/* Is the watchdog left to itself, or about to be? */
bool proof_is_starving(const struct proof *p);
/* When its next step is due (RECOVER is the watch's). */
int64_t proof_due(const struct proof *p);
void proof_fed(struct proof *p, int64_t sent_us, int64_t acked_us);
/* A look that was sent at sent_us: `is_on`, or the watchdog's own exception 4. */
void proof_saw(struct proof *p, const struct tool_watchdog *dog, bool has_expired, bool is_on,
    int64_t sent_us, int64_t done_us);
/* One of the restart writes was acknowledged. */
void proof_restarted(struct proof *p, const struct tool_watchdog *dog);
/* It goes on no further: the outcome stands, the watchdog is recovered first. `why` NULL keeps the words that are there. */
void proof_end(struct proof *p, enum watchdog_proof outcome, const char *why);
/* The watchdog runs again, or will not without an operator. */
void proof_recovered(struct proof *p, bool is_running, int64_t now_us);

#endif
