/* One pulse as a timed pair of edges: open at open_us, close at close_us. The close is the pair's own duty, whatever
 * the core does (DESIGN.md, Time). Pure: times in, what is due out. */
#ifndef ALD_LINK_PAIR_H
#define ALD_LINK_PAIR_H

#include "ald/core/event.h" /* struct effect_pulse, struct event_pulse */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

/* An open that could not be sent within this of its time (or half the width, if that is less) is not sent at all. */
#define PAIR_LATE_US INT64_C(20000)
/* Between attempts of a close that was not acknowledged: the first at once, then doubling. */
#define PAIR_RETRY_US_MIN INT64_C(20000)
#define PAIR_RETRY_US_MAX INT64_C(250000)
/* A close that is not acknowledged for this long is reported as failed; trying goes on. */
#define PAIR_REPORT_US INT64_C(1000000)
/* So long the report of a pulse that was closed waits for word of its device's watchdog: below the 500 ms that the core
 * waits for the report. */
#define PAIR_PROVE_US INT64_C(250000)

/* A module that times a pulse itself is asked how it went so long after the end at the latest that its clock makes of it:
 * 5 ms, and a part of the width, since cheap oscillators are some tenths of a percent off. */
#define PAIR_CHECK_US     INT64_C(5000)
#define PAIR_CHECK_PART   INT64_C(256)
#define PAIR_CHECK_US_MAX INT64_C(105000)
/* And for so long, should it not answer; then a close goes out. */
#define PAIR_ASK_US INT64_C(100000)

/* RUNNING: started in a module that times it and closes by itself; nothing is due but the question how it went.
 * PROVING: closed, but whether the device lived through the pulse is not known yet. */
enum pair_state { PAIR_FREE, PAIR_ARMED, PAIR_OPENING, PAIR_OPEN, PAIR_RUNNING, PAIR_CLOSING, PAIR_PROVING };

/* What is known of the width register of a module that times a pulse itself. */
enum pair_width { PAIR_WIDTH_UNWRITTEN, PAIR_WIDTH_WRITTEN, PAIR_WIDTH_READ };

struct pair {
        enum pair_state state;
        bool is_cut;         /* closed earlier than planned */
        bool open_failed;    /* the open was sent and not acknowledged: the valve may be open */
        bool close_failed;   /* a close was sent and not acknowledged */
        bool is_unproven;    /* the device may have closed by itself before */
        uint32_t losses;     /* of its device's watchdog, as it opened (watch_ran_on()) */
        bool is_timed;       /* handed over whole: its module closes */
        bool is_wrong;       /* that module did not put out one whole pulse, or cannot be asked */
        bool is_seen_closed; /* asked how it went, it had its output closed: its count is to follow */
        enum pair_width width;
        int64_t check_us;  /* RUNNING: ask from then on */
        int64_t ask_by_us; /* ... and until then; TIME_NEVER: its time to ask has not come yet */
        int64_t open_us, close_us;
        int64_t retry_us; /* the next close not before */
        int64_t retry_step_us;
        struct event_pulse times; /* id, tag and what happened so far */
};

void pair_arm(struct pair *p, const struct effect_pulse *order);
/* The same for a module that times it: `width_us` is what its register can hold. */
void pair_arm_timed(struct pair *p, const struct effect_pulse *order, int64_t width_us);
bool pair_is_live(const struct pair *p);
/* When the next edge is due (TIME_NEVER: none, or one is on the wire). */
int64_t pair_edge(const struct pair *p);
/* The last moment at which the open may be sent. */
int64_t pair_latest_open(const struct pair *p);
/* When a close that still is not acknowledged is to be reported as failed (TIME_NEVER: not open). */
int64_t pair_report_by(const struct pair *p);

/* Take it back: an armed pair ends (true), an open one becomes due for closing now. */
bool pair_revoke(struct pair *p, int64_t now_us);

void pair_opening(struct pair *p);
/* How the open ended. `refused`: the device answered that it will not (an exception). */
void pair_opened(struct pair *p, bool ok, bool refused, int64_t sent_us, int64_t done_us);
void pair_closing(struct pair *p);
/* How a close ended. True: acknowledged, the pair is over. */
bool pair_closed(struct pair *p, bool ok, int64_t sent_us, int64_t done_us);

/* When a module that times the pulse is to be asked how it went (TIME_NEVER: it does not run in one). */
int64_t pair_check(const struct pair *p);
/* Time passes. Until when is it asked? A worker that was held up over the end asks all the same. */
int64_t pair_ask_by(struct pair *p, int64_t now_us);
/* It was: closed, and one pulse put out. The pair is over. */
void pair_checked(struct pair *p, int64_t done_us);
/* It was not, or nobody knows: it is closed now, and the pulse has failed. */
void pair_doubt(struct pair *p, int64_t now_us);

/* Nothing speaks against a whole dose so far. */
bool pair_is_whole(const struct pair *p);
/* It is closed, and its report waits until this is known. */
void pair_prove(struct pair *p);
int64_t pair_prove_by(const struct pair *p);
/* What became of it. */
void pair_proved(struct pair *p, bool lived);

/* The report of a pair that is over, and the slot is free. */
void pair_finish(struct pair *p, struct event_pulse *out);
/* The same for one that never opened. */
void pair_end_closed(struct pair *p, enum pulse_outcome outcome, struct event_pulse *out);

#endif
