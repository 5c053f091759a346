/* What browsers ask of the record: paths under /api and /run, answered by the worker (web_work.h) and by aldctl (web_report.h). */
#ifndef ALD_APP_WEB_API_H
#define ALD_APP_WEB_API_H

#include <stdbool.h> /* bool */

struct event_base;
struct evhttp_request;
struct web_api; /* opaque */

struct web_api *web_api_new(struct event_base *base);
/* Everything that waits is answered: before the server that the requests came from is freed. */
void web_api_free(struct web_api *a); /* NULL allowed */

/* Is that a path of the record's? Then it is answered, now or later. `query`: what follows the '?', NULL: nothing; `db`: the database,
 * NULL: not known. */
bool web_api_answer(
    struct web_api *a, struct evhttp_request *req, const char *path, const char *query, const char *db);

#endif
