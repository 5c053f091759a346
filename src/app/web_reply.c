#include "ald/app/web_reply.h" /* own declarations */

#include "ald/app/web_bytes.h" /* web_bytes_put */

#include <event2/buffer.h>         /* evbuffer_add */
#include <event2/http.h>           /* evhttp_send_reply */
#include <event2/keyvalq_struct.h> /* struct evkeyvalq */
#include <jansson.h>               /* json_pack */

#include <stdio.h>  /* snprintf */
#include <stdlib.h> /* free */
#include <string.h> /* strstr */

/* Charts set styles of elements by script, which this permits; style in the markup it does not. */
static const char page_csp[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const char web_reply_report_csp[] = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
                                    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
enum { BUSY_S = 5 };

static void add(struct evhttp_request *req, const char *name, const char *value)
{
        (void)evhttp_add_header(evhttp_request_get_output_headers(req), name, value);
}

static void add_headers(struct evhttp_request *req, const char *type, const char *cache, const char *csp)
{
        add(req, "Content-Type", type);
        add(req, "Cache-Control", cache);
        add(req, "Content-Security-Policy", csp);
        add(req, "X-Content-Type-Options", "nosniff");
        add(req, "Referrer-Policy", "no-referrer");
        add(req, "Cross-Origin-Resource-Policy", "same-origin");
        add(req, "Cross-Origin-Opener-Policy", "same-origin");
}

void web_reply_headers(struct evhttp_request *req, const char *type)
{
        add_headers(req, type, "no-store", page_csp);
}

/* A HEAD is told how long the answer would be. */
static bool begin_body(struct evhttp_request *req, size_t len)
{
        char length[24];

        (void)snprintf(length, sizeof length, "%zu", len);
        add(req, "Content-Length", length);
        return evhttp_request_get_command(req) != EVHTTP_REQ_HEAD;
}

static void send_copy(struct evhttp_request *req, int code, const void *bytes, size_t len)
{
        struct evbuffer *out = evbuffer_new();

        if (begin_body(req, len) && out != NULL)
                (void)evbuffer_add(out, bytes, len);
        evhttp_send_reply(req, code, NULL, out);
        if (out != NULL)
                evbuffer_free(out);
}

/* A reader may take its time over a file, and many may read the same: no connection has a copy of its own. */
static void send_file(struct evhttp_request *req, const struct web_file *file)
{
        struct evbuffer *out = evbuffer_new();

        if (begin_body(req, file->len) && out != NULL) {
                if (file->shared != NULL)
                        (void)web_bytes_put(file->shared, out);
                else
                        (void)evbuffer_add_reference(out, file->bytes, file->len, NULL, NULL);
        }
        evhttp_send_reply(req, HTTP_OK, NULL, out);
        if (out != NULL)
                evbuffer_free(out);
}

void web_reply_json(struct evhttp_request *req, int code, const char *json, size_t len)
{
        web_reply_headers(req, "application/json");
        send_copy(req, code, json, len);
}

void web_reply_error(struct evhttp_request *req, int code, const char *text, const char *hint)
{
        json_t *error = json_pack("{s:{s:s, s:s}}", "error", "text", text, "hint", hint);
        char *json = error != NULL ? json_dumps(error, JSON_COMPACT) : NULL;

        if (json != NULL)
                web_reply_json(req, code, json, strlen(json));
        else
                web_reply_json(req, code, "{}", 2);
        free(json);
        json_decref(error);
}

void web_reply_busy(struct evhttp_request *req, const char *text, const char *hint)
{
        char seconds[12];

        (void)snprintf(seconds, sizeof seconds, "%d", BUSY_S);
        add(req, "Retry-After", seconds);
        web_reply_error(req, HTTP_SERVUNAVAIL, text, hint);
}

void web_reply_file(struct evhttp_request *req, const struct web_file *file, const char *csp)
{
        const char *has = evhttp_find_header(evhttp_request_get_input_headers(req), "If-None-Match");

        add_headers(req, file->type, "no-cache", csp != NULL ? csp : page_csp);
        add(req, "ETag", file->etag);
        if (has != NULL && strstr(has, file->etag) != NULL)
                evhttp_send_reply(req, HTTP_NOTMODIFIED, NULL, NULL);
        else
                send_file(req, file);
}
