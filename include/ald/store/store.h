/* The run database, written by one connection on one thread behind bounded queues (DESIGN.md, Run database).
 * The caller never waits for the disk. */
#ifndef ALD_STORE_STORE_H
#define ALD_STORE_STORE_H

#include "ald/core/record.h" /* struct record */
#include "ald/core/tool.h"   /* struct tool */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* int64_t */

struct store; /* opaque */

struct store_config {
        const char *path;
        const struct tool *tool;  /* borrowed: tag and line names */
        const char *tool_text;    /* borrowed: kept with each run */
        const char *tool_sha256;  /* hex */
        const char *version;
};

struct store_state {
        bool ok;
        char why[96];            /* what is wrong when not ok */
        int64_t next_run_id;     /* as found at open */
        int64_t interrupted_run; /* the last run that a crash left open and that open() closed; 0 = none */
        int64_t stored, dropped; /* samples */
        size_t queued;
};

/* Open or create the database, bring its schema up to date, close runs that a crash left open (state Aborted, pulses
 * "interrupted", with the reason), and start the writer. Never NULL unless memory is out: a database that cannot be
 * written gives a store whose state says why, and which keeps nothing. */
struct store *store_open(const struct store_config *config);
/* Write out everything queued, checkpoint, close. */
void store_close(struct store *s);

/* Queue a record (copied; a run's recipe text is copied too). Never blocks. False: a sample was dropped (a gap record
 * will say so), or an event could not be taken: store_state() is then not ok. */
bool store_post(struct store *s, const struct record *r);

/* What the writer last knew. Safe from any thread. */
void store_get_state(struct store *s, struct store_state *out);
/* Readable when the state's `ok` changed. */
int store_fd(const struct store *s);

#endif
