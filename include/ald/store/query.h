/* Questions to the run database: a read-only connection with a deadline, for aldctl and aldweb. It works while the
 * daemon writes and after it has ended, with read permission only. A question that takes too long is given up, since a
 * reader keeps the write-ahead log from starting anew (SAFETY, trap 9). */
#ifndef ALD_STORE_QUERY_H
#define ALD_STORE_QUERY_H

#include "ald/core/tape.h" /* struct tape_piece */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct query; /* opaque */

#define QUERY_LIMIT_US INT64_C(5000000) /* one question, unless query_set_limit() */

/* Open a database for reading. NULL: *why explains (why_cap bytes). */
struct query *query_open(const char *path, char *why, int why_cap);
void query_close(struct query *q); /* NULL allowed */
void query_set_limit(struct query *q, int64_t limit_us);

struct query_run {
        int64_t id;
        char recipe[48], state[16], reason[192], user[48];
        int64_t started_us, ended_us; /* UTC; ended 0 = still open */
        int64_t cycles, pulses;       /* recorded so far */
        int64_t
            timed_us; /*timed length of the recipe with its `finally`, waits for conditions apart; 0 = unknown */
        char pressure_unit[16]; /* of the pulses' pressures; "" = unknown */
        char recipe_sha256[65], tool_sha256[65], version[32];
};
struct query_pulse {
        int64_t cycle;
        int attempt;
        char path[64], outcome[16], precursor[48];
        int64_t planned_open_us, opened_us, planned_width_us, width_us; /* -1 = NULL */
        int64_t open_acked_us, closed_us, close_acked_us;               /* -1 = NULL */
        bool is_device_timed;    /* the width is what its module was told to time */
        double base, peak, area; /* NaN = NULL */
};

/* Newest first, at most `limit`. Return 0, or -1 with query_why(). The row is borrowed during the call of `row`, which may take its
 * time: rows are handed over when the question is closed, here and below. */
int query_runs(struct query *q, int limit, void (*row)(void *ctx, const struct query_run *run), void *ctx);
/* One run: 1 found, 0 no such run, -1 error. */
int query_run(struct query *q, int64_t id, struct query_run *out);
int query_pulses(
    struct query *q, int64_t run_id, void (*row)(void *ctx, const struct query_pulse *p), void *ctx);
/* Those of all runs, in the order in which they are stored. */
int query_all_pulses(struct query *q, void (*row)(void *ctx, const struct query_pulse *p), void *ctx);
/* What a run told beside its pulses: questions and answers, notes, leak checks, trips, holds and whatever was amiss. */
struct query_event {
        int64_t t_us; /* UTC */
        char kind[24], severity[16], source[48], text[256];
};
int query_events(
    struct query *q, int64_t run_id, void (*row)(void *ctx, const struct query_event *e), void *ctx);
/* Everything that the record tells within a time, both ends included. */
int query_events_between(struct query *q, int64_t from_us, int64_t to_us,
    void (*row)(void *ctx, const struct query_event *e), void *ctx);

/* What was in force in a run: texts to be freed with query_free_texts(). */
struct query_texts {
        char *recipe, *tool, *parameters; /* JSON: {name: value} */
};
int query_texts(struct query *q, int64_t run_id, struct query_texts *out); /* as query_run() */
void query_free_texts(struct query_texts *texts);
/* Pieces of a run's tape behind number `after` (-1: from the first on), in order, at most `limit`; the bytes are borrowed during
 * the call of `row`, which ends the list with false. A piece of a kind that this program does not know is of TAPE_KINDS. Many
 * short questions, not a long one: a reader keeps the log growing. */
int query_inputs(struct query *q, int64_t run_id, int64_t after, int limit,
    bool (*row)(void *ctx, const struct tape_piece *piece), void *ctx);
/* What went wrong last, with the path. */
const char *query_why(const struct query *q);

#endif
