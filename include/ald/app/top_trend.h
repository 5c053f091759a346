/* The last half hour of one value and of each precursor's valve: what `aldctl top` plots.
 *
 * Times are the daemon's wall clock in UTC microseconds, which the run database uses too: what it has is put in beside what
 * the subscription brings. A stretch without a value stays empty; nothing is drawn across it. */
#ifndef ALD_APP_TOP_TREND_H
#define ALD_APP_TOP_TREND_H

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

enum { TOP_TREND_BUCKETS = 7200, TOP_TREND_PULSES = 1024 };
#define TOP_TREND_BUCKET_US INT64_C(250000)
#define TOP_TREND_SPAN_US   (TOP_TREND_BUCKETS * TOP_TREND_BUCKET_US)

struct top_bucket {
        int64_t number; /* of the quarter second since the epoch; 0 = empty */
        double min, max;
};

struct top_pulse {
        int line;                  /* the caller's number of the precursor line */
        int64_t open_us, close_us; /* close 0 = still open */
        bool is_exact;             /* from the record */
};

/* All zero is empty. */
struct top_trend {
        struct top_bucket buckets[TOP_TREND_BUCKETS];
        struct top_pulse pulses[TOP_TREND_PULSES]; /* a ring, oldest first from `first` on */
        int first, count;
};

/* The value at a time; one that is no number, or older than the ring reaches, is left out. */
void top_trend_add(struct top_trend *t, int64_t wall_us, double value);
/* It held from then until then, both between these. */
void top_trend_hold(struct top_trend *t, int64_t from_us, int64_t to_us, double min, double max);

/* A valve is seen open, or closed; what is known already changes nothing. */
void top_trend_open(struct top_trend *t, int line, int64_t wall_us);
void top_trend_close(struct top_trend *t, int line, int64_t wall_us);
/* Nothing more is heard: valves that are open were last seen so at this time. */
void top_trend_lose(struct top_trend *t, int64_t wall_us);
/* A pulse as the record has it; one that was seen already gets its exact edges. */
void top_trend_know(struct top_trend *t, int line, int64_t open_us, int64_t close_us);

/* The extremes in [from_us, to_us); false: nothing is known. */
bool top_trend_range(const struct top_trend *t, int64_t from_us, int64_t to_us, double *min, double *max);
/* Was the valve open at some moment in [from_us, to_us)? */
bool top_trend_was_open(const struct top_trend *t, int line, int64_t from_us, int64_t to_us);

#endif
