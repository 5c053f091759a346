/* Questions that only a report asks of the run database: which audit a run belongs to, who did what
 * meanwhile, and when its state and its phases changed. */
#ifndef ALD_STORE_QUERY_REPORT_H
#define ALD_STORE_QUERY_REPORT_H

#include "ald/store/query.h" /* struct query, struct query_event */

#include <stdint.h> /* int64_t */

/* -1 and "": not recorded. */
struct query_report_run {
        int64_t audit_id, audit_id_ended;
        char audit_sha256[65], audit_sha256_ended[65];
};
/* 1 found, 0 no such run, -1 error with query_why(). */
int query_report_run(struct query *q, int64_t run_id, struct query_report_run *out);

struct query_report_audit {
        int64_t id, t_us; /* UTC */
        char user[48], role[12], command[24], arguments[96], result[128];
};
/* What was asked of the daemon within a time, both ends included. The row is borrowed during the call of `row`. */
int query_report_audits(struct query *q, int64_t from_us, int64_t to_us,
    void (*row)(void *ctx, const struct query_report_audit *a), void *ctx);

/* A run's changes of state ("Execute -> Holding: held by ada") and beginnings of phases ("phase coat"), in order. */
int query_report_states(
    struct query *q, int64_t run_id, void (*row)(void *ctx, const struct query_event *e), void *ctx);

#endif
