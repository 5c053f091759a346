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
/* What went wrong before is mended before anything else is written: a file whose sync or write failed is closed, opened anew and
 * checked; a damaged one is moved aside and a fresh one begun. False: *why, and it is to be tried again. */
bool writer_mend(struct writer *w, struct text *why);
/* After it: a batch whose commit had failed is in the file all the same; it is the caller's to release. Once for each. */
bool writer_has_landed(struct writer *w, struct recq *queue, struct writer_batch *batch);
/* Write the first records, samples and inputs of the queues in one synced transaction. They are the caller's to release
 * then; on failure (false, *why) nothing is written. */
bool writer_write(struct writer *w, struct recq *queue, const struct inputq *inputs,
    const struct runcopies *copies, struct writer_batch *batch, struct text *why);
/* Move the write-ahead log into the database when it has grown (4 MiB) or aged (60 s); above its limit it is to begin anew at
 * once, and readers that keep it from that are told of. False: *why. */
bool writer_checkpoint(struct writer *w, int64_t now_us, struct text *why);
/* What is due when all was written: the ballast, which is made as soon as there is room for it. */
void writer_tend(struct writer *w);

/* The disk is, or was, full and the ballast is not whole: samples wait, so that what is left serves all other records. */
bool writer_is_full(const struct writer *w);
/* What stands against a run although everything is written; nothing is added when all is well. */
void writer_warn(const struct writer *w, struct text *why);
/* "PATH: ", cut where it is long. */
void writer_add_path(struct text *t, const char *path);
/* The last thing that the operator must hear of (with the path; "" = none), and how many there were. */
const char *writer_notice(const struct writer *w, int *count);

/* Between commits, when nothing waits: a slice of what is behind of rollups and retention, at most about 10 ms of it. *more: there
 * is more to do. False: *why. */
bool writer_tidy(struct writer *w, bool *more, struct text *why);

int64_t writer_samples(const struct writer *w);    /* stored since open */
int64_t writer_duplicates(const struct writer *w); /* left out and accounted for as gaps */
int64_t writer_records(const struct writer *w);

/* Optimise, checkpoint, truncate the log, close, unlock. NULL allowed. */
void writer_close(struct writer *w);

#endif
