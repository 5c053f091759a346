/* Everything that was recorded of a run, table by table, for files that others read. One table here is the source of the columns,
 * their order and units; man ald-export(5) documents them.
 *
 * Rows are read in slices, and a slice is given out only when its question is over: a reader of the files may be as slow as it
 * likes without holding up the log. */
#ifndef ALD_STORE_QUERY_EXPORT_H
#define ALD_STORE_QUERY_EXPORT_H

#include "ald/store/query.h" /* struct query */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

enum query_table {
        QUERY_CYCLES,
        QUERY_PULSES,
        QUERY_EVENTS, /* the run's, and those of no run in its time: gaps, links */
        QUERY_AUDIT,  /* from the record before its begin to its closing record */
        QUERY_BASE,
        QUERY_SAMPLES, /* tag by tag; a gap is a row with the number of samples that were lost from its time on */
        QUERY_TABLES
};
const char *query_table_name(enum query_table table); /* "cycles" ... */

enum query_kind { QUERY_TIME, QUERY_SECONDS, QUERY_INTEGER, QUERY_NUMBER, QUERY_TEXT, QUERY_YES };
struct query_column {
        const char *name;
        enum query_kind kind;
        const char *unit; /* NULL: none; "p" and "p s": the gauge's unit, and that times seconds */
};
const struct query_column *query_columns(enum query_table table, int *count);

/* What belongs to a run. */
struct query_span {
        int64_t run, from_us, to_us; /* UTC; not ended: to_us INT64_MAX */
        int64_t audit_from,
            audit_to; /* records; from -1: of a time before heads were kept, told by their time */
        char pressure_unit[16];
};
/* 1 found, 0 no such run, -1 error. */
int query_span(struct query *q, int64_t run, struct query_span *out);

/* A value as it is stored; the column's kind says how it reads (times and seconds are integers, us). Borrowed. */
struct query_value {
        enum { QUERY_IS_NULL, QUERY_IS_INTEGER, QUERY_IS_NUMBER, QUERY_IS_TEXT } is;
        int64_t integer;
        double number;
        const char *text;
};
/* 0, or -1 with query_why(). `row` ends the list with false, which is no error. */
int query_export(struct query *q, enum query_table table, const struct query_span *span,
    bool (*row)(void *ctx, const struct query_value *values), void *ctx);

#endif
