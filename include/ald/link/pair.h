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

/* PROVING: closed, but whether the device lived through the pulse is not known yet. */
enum pair_state { PAIR_FREE, PAIR_ARMED, PAIR_OPENING, PAIR_OPEN, PAIR_CLOSING, PAIR_PROVING };

struct pair {
        enum pair_state state;
        bool is_cut;       /* closed earlier than planned */
        bool open_failed;  /* the open was sent and not acknowledged: the valve may be open */
        bool close_failed; /* a close was sent and not acknowledged */
        bool is_unproven;  /* the device may have closed by itself before */
        uint32_t losses;   /* of its device's watchdog, as it opened (watch_ran_on()) */
        int64_t open_us, close_us;
        int64_t retry_us; /* the next close not before */
        int64_t retry_step_us;
        struct event_pulse times; /* id, tag and what happened so far */
};

void pair_arm(struct pair *p, const struct effect_pulse *order);
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
