/* The recorder's queue: what the control path wants kept, on its way to the thread that writes it.
 *
 * One producer, one consumer, no lock: the producer never waits for the disk (SAFETY L4). Two rings, allocated once
 * and touched only as they fill: samples are many, small and may be dropped; all other records may not.
 *
 * A dropped sample is always covered by a gap, kept per tag with first time, last time and exact count, which
 * travels in the sample ring at the place where the samples are missing: taken + gaps = produced (SAFETY L1). A record
 * that finds its ring full is refused to the caller's face, and a record of kind "gap" tells of it once there is
 * room again. */
#ifndef ALD_CORE_RECQ_H
#define ALD_CORE_RECQ_H

#include "ald/core/record.h" /* struct record */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct recq; /* opaque */

/* Capacities: powers of two, at least 8 records and 512 samples (more than there can be tags). The defaults hold 60 s of
 * 1,000 samples/s (24 B each: 1.5 MiB) and of 68 records/s (about 370 B each: 1.5 MiB), resident only once used. */
enum { RECQ_RECORDS_DEFAULT = 4096, RECQ_SAMPLES_DEFAULT = 65536 };

/* A sample (gap 0), or the account of `gap` samples of this tag that were dropped here. */
struct recq_sample {
        int16_t tag;
        int16_t quality;
        uint32_t gap;
        int64_t t_us; /* of the sample; of the first one dropped */
        union {
                double value;
                int64_t last_us; /* gap: of the last one dropped */
        } u;
};

/* NULL when memory is out. Free with recq_free() (NULL allowed). */
struct recq *recq_new(uint32_t records_max, uint32_t samples_max);
void recq_free(struct recq *q);

/* ---- The producer's side ---- */

/* Queue a copy of *r. False: a sample was dropped into its tag's gap, or the record was lost (its ring is full). */
bool recq_push(struct recq *q, const struct record *r);
/* Nothing more is produced: hand over what is still owed (open gaps), as far as there is room. True when nothing is
 * owed any more. The consumer may call it once the producer has stopped. */
bool recq_end(struct recq *q);

/* ---- The consumer's side: look at what is ready, release it once it is safe ---- */

/* The i-th that is ready, i below the count; borrowed until released. */
const struct record *recq_record(const struct recq *q, uint32_t i);
const struct recq_sample *recq_sample(const struct recq *q, uint32_t i);
void recq_release_records(struct recq *q, uint32_t n);
void recq_release_samples(struct recq *q, uint32_t n);

/* ---- Any thread ---- */

uint32_t recq_records(const struct recq *q); /* ready now; for the consumer: at least so many */
uint32_t recq_samples(const struct recq *q);
uint32_t recq_records_max(const struct recq *q);
uint32_t recq_samples_max(const struct recq *q);
int64_t recq_dropped(const struct recq *q); /* samples, since recq_new() */
int64_t recq_lost(const struct recq *q);    /* other records */

#endif
