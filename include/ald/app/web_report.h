/* Reports of runs: what `aldctl report RUN -o FILE` writes. It takes seconds (a dry run, gnuplot), so aldctl makes it in a process
 * of its own: one at a time, bounded in time and size. The page of a run that has ended is kept for a while, for the next who asks
 * (web_shelf.h). */
#ifndef ALD_APP_WEB_REPORT_H
#define ALD_APP_WEB_REPORT_H

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct web_reports; /* opaque */
struct event_base;
struct evhttp_request;

enum { WEB_REPORTS_WAITING_MAX = 8, WEB_REPORTS_LIMIT_S = 90 };

struct web_reports *web_reports_new(struct event_base *base);
/* Ends the child, and tells who waits. */
void web_reports_free(struct web_reports *r); /* NULL allowed */

/* Answer with the report of a run that exists; later, when it must be made. */
void web_reports_answer(
    struct web_reports *r, struct evhttp_request *req, int64_t run, bool is_settled, const char *db);

#endif
