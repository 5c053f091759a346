/* One run taken out of the run database into a file of its own: same tables, only what belongs to the run, with its tape, the samples
 * of its time and its part of the audit chain, from the record before its begin to its closing record. Such a file can be read
 * like the whole database; the daemon does not record into it (SCHEMA_EXTRACT_ID).
 *
 * The same run gives the same bytes. */
#ifndef ALD_STORE_EXTRACT_H
#define ALD_STORE_EXTRACT_H

#include "ald/store/query_export.h" /* struct query_span */

#include <stdbool.h> /* bool */

/* Write a new file at `path`, where none may be. `go_on` is asked between slices. 0, or -1: *why, or
 * go_on() gave up (*why is ""). */
int extract_run(struct query *q, const struct query_span *span, const char *path, bool (*go_on)(void),
    char *why, int why_cap);

#endif
