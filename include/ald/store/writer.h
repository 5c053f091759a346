/* The one connection that writes and checkpoints. It lives on one thread (store.c makes it there) and knows nothing of
 * threads itself. */
#ifndef ALD_STORE_WRITER_H
#define ALD_STORE_WRITER_H

#include "ald/core/count.h"    /* struct counts */
#include "ald/store/runcopy.h" /* struct runcopies */
#include "ald/store/store.h"   /* struct store_config */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t, uint32_t */

struct inputq;
struct recq;
struct text;
struct writer; /* opaque */

struct writer_found {
        int64_t next_run_id, interrupted_run; /* as in struct store_state */
        bool was_left_open;
        struct counts counts;
        struct core_past past;
};

/* Lock, open or create, migrate, close interrupted runs. NULL: *why (without the path); a file that is not ours is
 * untouched. `config` is borrowed until writer_close(). */
struct writer *writer_open(const struct store_config *config, struct writer_found *found, struct text *why);

/* How much of the queues one transaction takes: inputs up to about so many bytes. Out: how many run copies went with it, and the
 * place in the inputs' queue that it reached. */
struct writer_batch {
        uint32_t records, samples, starts, inputs;
};
/* Write the first records, samples and inputs of the queues in one synced transaction. They are the caller's to release
 * then; on failure (false, *why) nothing is written. */
bool writer_write(struct writer *w, struct recq *queue, const struct inputq *inputs,
    const struct runcopies *copies, struct writer_batch *batch, struct text *why);
/* Move the write-ahead log into the database when it has grown (4 MiB) or aged (60 s). False: *why. */
bool writer_checkpoint(struct writer *w, int64_t now_us, struct text *why);

/* Between commits, when nothing waits: a slice of what is behind of rollups and retention, at most about 10 ms of it. *more: there
 * is more to do. False: *why. */
bool writer_tidy(struct writer *w, bool *more, struct text *why);

int64_t writer_samples(const struct writer *w);    /* stored since open */
int64_t writer_duplicates(const struct writer *w); /* left out and accounted for as gaps */
int64_t writer_records(const struct writer *w);

/* Optimise, checkpoint, truncate the log, close, unlock. NULL allowed. */
void writer_close(struct writer *w);

#endif
