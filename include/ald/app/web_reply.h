/* What aldweb answers, and the headers that every answer has: nothing is cached that lives, no other site may frame or read
 * it, and a page runs no script but the files of this server. */
#ifndef ALD_APP_WEB_REPLY_H
#define ALD_APP_WEB_REPLY_H

#include "ald/app/web_files.h" /* struct web_file */

#include <stddef.h> /* size_t */

struct evhttp_request;

/* Headers of an answer that is not to be kept; a stream's. */
void web_reply_headers(struct evhttp_request *req, const char *type);

/* JSON text (borrowed). */
void web_reply_json(struct evhttp_request *req, int code, const char *json, size_t len);
/* {"error": {"text", "hint"}} */
void web_reply_error(struct evhttp_request *req, int code, const char *text, const char *hint);
/* The same, to be tried again after so many seconds. */
void web_reply_busy(struct evhttp_request *req, const char *text, const char *hint);
/* A file, or 304 when the browser has it already. Every use is checked against the ETag. `csp` NULL: the page's own. */
void web_reply_file(struct evhttp_request *req, const struct web_file *file, const char *csp);
/* The policy of a report: its style is in it, and it has no scripts. */
extern const char web_reply_report_csp[];

#endif
