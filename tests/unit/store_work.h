/* A scripted workload for the record, and what must be in the file after it. */
#ifndef STORE_WORK_H
#define STORE_WORK_H

#include "ald/store/store.h" /* struct store, struct store_state */

#include <stddef.h> /* size_t */
#include <stdint.h> /* int64_t */

/* Posted so far. */
struct work {
        int64_t events, audits, samples, pieces; /* posted */
};

/* Events with numbers as their texts; samples of all tags in turn, which may be refused. */
void work_events(struct store *s, struct work *w, int n);
void work_samples(struct store *s, struct work *w, int n);
/* All kinds of records, in several transactions that begin when the one before is safe. */
void work_do(struct store *s, struct work *w);
/* The file is sound; every event, audit record and piece of tape is there once; stored + gaps = produced. */
void work_check(const char *db, const struct work *w);

struct store_state work_state(struct store *s);
void work_digest(const void *data, size_t len, char hex[65]);
int64_t work_now_us(void); /* monotonic */
/* A count that CI keeps small: from the environment, or the default. */
int work_count(const char *name, int by_default);

#endif
