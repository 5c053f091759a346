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
        char last_step[160]; /* of one that a crash ended; "" = none */
        int64_t resumes;     /* the run that it goes on with, 0 = none ... */
        int64_t resumes_cycle;
        char resumes_path[64];
        int resumes_attempt; /* ... at this pulse, which it repeats; 0: behind it */
};
struct query_pulse {
        int64_t cycle;
        int attempt;
        char path[64], outcome[16], precursor[48];
        int64_t planned_open_us, opened_us, planned_width_us, width_us; /* -1 = NULL */
        int64_t open_acked_us, closed_us, close_acked_us;               /* -1 = NULL */
        bool is_device_timed;    /* the width is what its module was told to time */
        double base, peak, area; /* NaN = NULL */
        double fit;              /* the area with less noise: what trends judge; NaN = NULL */
        int64_t decay_us;        /* from the close until 1/e of the rise is left; -1 = NULL: noise hides it */
};

/* Newest first, at most `limit`. Return 0, or -1 with query_why(). The row is borrowed during the call of `row`, which may take its
 * time: rows are handed over when the question is closed, here and below. */
int query_runs(struct query *q, int limit, void (*row)(void *ctx, const struct query_run *run), void *ctx);
/* The same of the runs with a number below `before`. */
int query_runs_before(struct query *q, int64_t before, int limit,
    void (*row)(void *ctx, const struct query_run *run), void *ctx);
/* One run: 1 found, 0 no such run, -1 error. */
int query_run(struct query *q, int64_t id, struct query_run *out);
/* The run that goes on with run `id`: 1 found, 0 none, -1 error. */
int query_resumed_by(struct query *q, int64_t id, struct query_run *out);
/* Those of the last cycle that has any, in no order that tells anything: the wall clock may have been set meanwhile. */
int query_last_pulses(
    struct query *q, int64_t run_id, void (*row)(void *ctx, const struct query_pulse *p), void *ctx);
int query_pulses(
    struct query *q, int64_t run_id, void (*row)(void *ctx, const struct query_pulse *p), void *ctx);
/* The newest first, at most `limit`. */
int query_recent_pulses(struct query *q, int64_t run_id, int limit,
    void (*row)(void *ctx, const struct query_pulse *p), void *ctx);
/* Those of all runs, in the order in which they are stored. */
int query_all_pulses(struct query *q, void (*row)(void *ctx, const struct query_pulse *p), void *ctx);
/* The base pressure at the flow of the pulses. */
struct query_base {
        int64_t run_id;
        char moment[16];               /* "before" or "after" the pulses */
        int64_t t_us;                  /* UTC, its end */
        double flow, pressure, spread; /* units of the carrier and the gauge; NaN = NULL */
        int64_t samples;
};
/* Of one run, before first; of all runs in order when run_id is 0. */
int query_bases(
    struct query *q, int64_t run_id, void (*row)(void *ctx, const struct query_base *b), void *ctx);
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
/* ---- Wear and use (query_counters.c) ---- */

/* A valve's life, the pump's likewise; since its replacement was told (`aldctl counters reset`). What is open now counts up to
 * the record's last word. */
struct query_counter {
        char valve[48]; /* tag of the output */
        int64_t actuations, open_us;
        int64_t actuations_limit, open_us_limit; /* of the tool file; 0 = none */
        bool is_open;                            /* at the record's last word */
};
/* In the order of their names. Returns as query_runs(). */
int query_counters(struct query *q, void (*row)(void *ctx, const struct query_counter *c), void *ctx);

/* A bottle of a precursor: what was taken from it. */
struct query_bottle {
        int64_t id;
        char precursor[48], lot[96];
        double content_g;           /* when new; NaN = not known */
        int64_t since_us, until_us; /* UTC; since 0 = before anybody said; until 0 = in use */
        int64_t pulses, open_us;
        double used_umol, used_g; /* estimates, by the delivery in the tool file; NaN = it has none */
        int64_t unreckoned;       /* pulses that are not in them */
        double warn_g;            /* people are told when less is left; NaN = never */
        int64_t pulses_limit;     /* or after so many pulses; 0 = never */
        int64_t pulses_of_a_run;  /* of this precursor, in the last run that used it; 0 = none did */
};
/* Those in use at at_us (UTC; 0 = now), at most one for each precursor: the bottles of a run are those at its start. */
int query_bottles(
    struct query *q, int64_t at_us, void (*row)(void *ctx, const struct query_bottle *b), void *ctx);
/* Whichever was in use within a time: more than one of a precursor where it was changed in it. */
int query_bottles_between(struct query *q, int64_t from_us, int64_t to_us,
    void (*row)(void *ctx, const struct query_bottle *b), void *ctx);

/* How long a tag was above a value, from <= t < to (UTC): of its Good samples, each of which holds until the next one, but no
 * longer than QUERY_HOLD_US (the daemon may have ended). `above` is in the tag's unit. 0 with *us; no such tag: *us 0. */
#define QUERY_HOLD_US INT64_C(600000000)
int query_hot_us(struct query *q, const char *tag, double above, int64_t from_us, int64_t to_us, int64_t *us);
/* Records of the audit chain, newest first, at most `limit`. */
struct query_audit {
        int64_t id, t_us, uid, pid;
        char user[48], role[12], command[24], arguments[96], state_before[16], state_after[16], result[128];
        char sha256[65];
};
int query_audits(struct query *q, int limit, void (*row)(void *ctx, const struct query_audit *a), void *ctx);
struct audit_verify;
struct audit_verified;
/* audit_verify() on this database; `go_on` is called before each of its questions. -1 when it gave up or went wrong. */
int query_verify(struct query *q, const struct audit_verify *how, struct audit_verified *out);

/* Is the file sound, page by page? 0: yes; 1: no, *why says the first thing that is not; -1 error. As long as it takes. */
int query_integrity(struct query *q, char *why, int why_cap);

/* What went wrong last, with the path. */
const char *query_why(const struct query *q);

#endif
