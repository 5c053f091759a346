/* Rollups: minimum, maximum, mean and count of each tag's samples over periods, so that years are read quickly
 * (store/trend.h).
 *
 * A row of sample_rollup is always computed anew from what it sums up, never added to: it is right whatever came late,
 * twice or before a crash. rollup_mark says up to where that was done; it moves in the transaction of the samples that
 * let it, and back for one that is older. What retention has removed no longer counts: a row never shrinks. */
#ifndef ALD_STORE_ROLLUP_H
#define ALD_STORE_ROLLUP_H

#include "ald/base/time.h" /* TIME_S */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct statements;
struct rollup; /* opaque */

/* Each a multiple of the one before. Chosen by measurement: a window of 2,000 points reads at most 30 rows a point, and
 * 60,000 rows are read in 50 ms. */
enum { ROLLUP_LEVELS = 3 };
#define ROLLUP_PERIOD_0 (10 * TIME_S)
#define ROLLUP_PERIOD_1 (5 * TIME_MIN)
#define ROLLUP_PERIOD_2 (2 * TIME_H)
extern const int64_t rollup_period_us[ROLLUP_LEVELS];

/* rollup_mark.period of what retention removed: samples before the mark are kept within runs only; not there either. */
enum { ROLLUP_SAMPLES = 0, ROLLUP_RUN_SAMPLES = -1 };

/* So many periods are made in one transaction, so that what waits behind it does not wait long; those of a moment when the
 * periods of all tags end together fit. */
enum { ROLLUP_PERIODS_AT_ONCE = 1024 };

/* On the writer's connection (borrowed, as are its statements' error text); every tag has its row already. *rc: an SQLite code
 * when the result is NULL. */
struct rollup *rollup_new(struct statements *sql, int *rc);
void rollup_free(struct rollup *r); /* NULL allowed */

/* A sample of this tag was stored in the transaction under way. */
void rollup_note(struct rollup *r, int64_t tag_id, int64_t t_us);
/* Before the commit: make what the samples of this transaction have completed, at most `periods`. An SQLite code. */
int rollup_update(struct rollup *r, int periods);
/* The same for what is behind, in a transaction for that. */
int rollup_catch_up(struct rollup *r, int periods);
/* After the commit, or the rollback. */
void rollup_commit(struct rollup *r);
void rollup_rollback(struct rollup *r);

/* Is there more to make than the last update did? */
bool rollup_is_behind(const struct rollup *r);

/* For retention, by place: the tags of the database, and up to where a tag's samples are all rolled up. */
int rollup_tags(const struct rollup *r);
int64_t rollup_tag_id(const struct rollup *r, int i);
int64_t rollup_mark(const struct rollup *r, int i); /* INT64_MIN: nothing is */

#endif
