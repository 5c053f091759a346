#include "ald/app/web_server.h" /* own declarations */

#include "ald/app/web_api.h"     /* web_api_answer */
#include "ald/app/web_feed.h"    /* web_feed_new */
#include "ald/app/web_files.h"   /* web_files_find */
#include "ald/app/web_lib.h"     /* web_lib_answer */
#include "ald/app/web_reply.h"   /* web_reply_* */
#include "ald/app/web_streams.h" /* web_streams_add */
#include "ald/base/text.h"       /* text_add */

#include <event2/event.h>          /* event_new */
#include <event2/http.h>           /* evhttp_new */
#include <event2/http_struct.h>    /* struct evhttp_request: its uri as it was sent */
#include <event2/keyvalq_struct.h> /* struct evkeyval */
#include <event2/listener.h>       /* evconnlistener_disable */

#include <arpa/inet.h>  /* ntohs */
#include <errno.h>      /* errno */
#include <fcntl.h>      /* fcntl */
#include <netinet/in.h> /* struct sockaddr_in */
#include <stdlib.h>     /* calloc, free */
#include <string.h>     /* strcmp, strerror */
#include <strings.h>    /* strcasecmp */
#include <sys/socket.h> /* getsockname, setsockopt */

/* A browser's headers are a kilobyte or two; a body is read only to refuse it with a reason. */
enum { HEADERS_MAX = 16 * 1024, BODY_MAX = 4096, QUIET_S = 20, LISTENERS_MAX = 8 };
/* What the kernel keeps for a reader that is slow: enough for a second of updates, and not minutes of them. Left to itself it
 * takes megabytes for each, which count as this program's memory. */
enum { KERNEL_BYTES = 64 * 1024 };
/* Descriptors in all: with so many open, nobody further is let in until some have gone. What remains serves questions. */
enum { FDS_MAX = 160, FDS_LOOKED_AT = 256, REOPEN_MS = 200 };

struct web_server {
        struct web_server_config config;
        struct evhttp *http;
        struct web_feed *feed;
        struct web_streams *streams;
        struct web_api *api;
        struct event *reopen;
        struct evconnlistener *listeners[LISTENERS_MAX];
        size_t listener_count;
};

/* ---- Who may ask ---- */

static size_t count_header(struct evkeyvalq *headers, const char *name)
{
        size_t count = 0;

        for (const struct evkeyval *h = headers->tqh_first; h != NULL; h = h->next.tqe_next)
                count += strcasecmp(h->key, name) == 0;
        return count;
}

/* A page of another site made the browser ask, and it is no link that a person follows. */
static bool is_from_elsewhere(struct evkeyvalq *headers)
{
        const char *site = evhttp_find_header(headers, "Sec-Fetch-Site");
        const char *mode = evhttp_find_header(headers, "Sec-Fetch-Mode");

        return site != NULL && (strcmp(site, "cross-site") == 0 || strcmp(site, "same-site") == 0) &&
               (mode == NULL || strcmp(mode, "navigate") != 0);
}

/* False: answered already. */
static bool may_ask(struct web_server *s, struct evhttp_request *req)
{
        struct evkeyvalq *headers = evhttp_request_get_input_headers(req);
        const char *host = evhttp_find_header(headers, "Host"),
                   *origin = evhttp_find_header(headers, "Origin");
        enum evhttp_cmd_type command = evhttp_request_get_command(req);

        if (command != EVHTTP_REQ_GET && command != EVHTTP_REQ_HEAD) {
                (void)evhttp_add_header(evhttp_request_get_output_headers(req), "Allow", "GET, HEAD");
                web_reply_error(req, HTTP_BADMETHOD, "this server only reads: GET and HEAD",
                    "commands go over the control socket: aldctl --help");
        } else if (req->uri == NULL || req->uri[0] != '/' || count_header(headers, "Host") > 1 ||
                   count_header(headers, "Origin") > 1) {
                web_reply_error(req, HTTP_BADREQUEST, "that is no request for a path of this server", "");
        } else if (!web_rules_allow_host(s->config.rules, host)) {
                web_reply_error(req, 403, "this server does not go by the name in Host",
                    "open it as http://localhost:PORT/, or start it with --allow-host NAME");
        } else if (!web_rules_allow_origin(s->config.rules, origin, host) || is_from_elsewhere(headers)) {
                web_reply_error(req, 403, "a page of another site asks",
                    "start aldweb with --allow-host NAME if it is yours");
        } else {
                return true;
        }
        return false;
}

/* ---- Paths ---- */

static void answer_live(struct web_server *s, struct evhttp_request *req)
{
        if (evhttp_request_get_command(req) == EVHTTP_REQ_HEAD) {
                web_reply_headers(req, "text/event-stream");
                evhttp_send_reply(req, HTTP_OK, NULL, NULL);
        } else if (!web_streams_add(s->streams, req)) {
                web_reply_busy(req, "too many browsers watch already", "close one, or try again later");
        }
}

static void answer_path(struct web_server *s, struct evhttp_request *req, const char *path, const char *query)
{
        const struct web_file *file = web_files_find(path);
        const char *db = s->config.db != NULL ? s->config.db : web_feed_db(s->feed);

        if (file != NULL)
                web_reply_file(req, file, NULL);
        else if (strcmp(path, "/api/live") == 0)
                answer_live(s, req);
        else if (strncmp(path, "/lib/", strlen("/lib/")) == 0)
                web_lib_answer(req, path + strlen("/lib/"));
        else if (!web_api_answer(s->api, req, path, query, db))
                web_reply_error(req, HTTP_NOTFOUND, "there is nothing at that path", "the page is at /");
}

static void on_request(struct evhttp_request *req, void *ctx)
{
        struct web_server *s = ctx;
        char path[128];
        size_t len;

        if (!may_ask(s, req))
                return;
        len = strcspn(req->uri, "?#");
        if (len >= sizeof path)
                len = 0; /* no path of ours */
        memcpy(path, req->uri, len);
        path[len] = '\0';
        answer_path(s, req, path, req->uri[len] == '?' ? req->uri + len + 1 : NULL);
}

/* ---- Connections ---- */

static int count_fds(void)
{
        int count = 0;

        for (int fd = 0; fd < FDS_LOOKED_AT; fd++)
                count += fcntl(fd, F_GETFD) >= 0;
        return count;
}

/* With too much open, let nobody in, and look again soon. */
static void bound_connections(struct web_server *s)
{
        static const struct timeval later = {.tv_usec = REOPEN_MS * 1000};
        bool is_room = count_fds() < FDS_MAX;

        for (size_t i = 0; i < s->listener_count; i++)
                (void)(is_room ? evconnlistener_enable(s->listeners[i])
                               : evconnlistener_disable(s->listeners[i]));
        if (!is_room)
                (void)evtimer_add(s->reopen, &later);
}

static void on_reopen(evutil_socket_t fd, short what, void *ctx)
{
        (void)fd;
        (void)what;
        bound_connections(ctx);
}

/* A connection has come. libevent does not say when one goes, nor how many there are: their descriptors do. */
static struct bufferevent *on_connection(struct event_base *base, void *ctx)
{
        (void)base;
        bound_connections(ctx);
        return NULL; /* libevent makes its own */
}

/* Connections have what their listener has (Linux: tcp(7), Socket options). */
static void bound_kernel(struct evhttp_bound_socket *bound)
{
        static const int bytes = KERNEL_BYTES;

        (void)setsockopt(evhttp_bound_socket_get_fd(bound), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static int port_of(struct evhttp_bound_socket *bound)
{
        union {
                struct sockaddr any;
                struct sockaddr_in v4;
                struct sockaddr_in6 v6;
        } at = {.any = {.sa_family = AF_UNSPEC}};
        socklen_t len = sizeof at;

        if (getsockname(evhttp_bound_socket_get_fd(bound), &at.any, &len) != 0)
                return 0;
        return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

bool web_server_listen(struct web_server *s, const struct web_name *at, int *port, struct text *why)
{
        struct evhttp_bound_socket *bound;

        if (s->listener_count == LISTENERS_MAX) {
                text_add(why, "at most %d addresses", LISTENERS_MAX);
                return false;
        }
        errno = 0;
        bound = evhttp_bind_socket_with_handle(s->http, at->name, (ev_uint16_t)at->port);
        if (bound != NULL) {
                s->listeners[s->listener_count++] = evhttp_bound_socket_get_listener(bound);
                bound_kernel(bound);
                *port = port_of(bound);
                return true;
        }
        text_add(why, "%s", errno != 0 ? strerror(errno) : "no such address");
        if (errno == EADDRINUSE)
                text_add(why,
                    "; is another aldweb running? `ss -ltnp sport = :%d` shows who has the port; "
                    "--listen takes another one",
                    at->port);
        else if (errno == EACCES)
                text_add(why, "; ports below 1024 need a privilege: take a higher one");
        else if (errno == EADDRNOTAVAIL)
                text_add(why, "; it is no address of this machine");
        return false;
}

/* ---- The daemon ---- */

static void on_news(void *ctx, const char *event, const char *data, size_t len)
{
        struct web_server *s = ctx;

        web_streams_tell(s->streams, event, data, len);
}

static char *begin_stream(void *ctx, const char **event, size_t *len)
{
        struct web_server *s = ctx;

        return web_feed_begin(s->feed, event, len);
}

/* ---- All of it ---- */

struct web_server *web_server_new(const struct web_server_config *config)
{
        struct web_server *s = calloc(1, sizeof *s);
        struct web_streams_hooks streams = {.ctx = s, .begin = begin_stream};
        struct web_feed_hooks feed = {.ctx = s, .tell = on_news};

        if (s == NULL)
                return NULL;
        s->config = *config;
        s->http = evhttp_new(config->base);
        s->reopen = evtimer_new(config->base, on_reopen, s);
        s->streams = web_streams_new(config->base, &streams);
        s->api = web_api_new(config->base);
        s->feed = s->streams != NULL ? web_feed_new(config->base, config->socket, &feed) : NULL;
        if (s->http == NULL || s->reopen == NULL || s->api == NULL || s->feed == NULL) {
                web_server_free(s);
                return NULL;
        }
        evhttp_set_max_headers_size(s->http, HEADERS_MAX);
        evhttp_set_max_body_size(s->http, BODY_MAX);
        evhttp_set_timeout(s->http, QUIET_S);
        /* All methods reach on_request(), which refuses with a reason. */
        evhttp_set_allowed_methods(s->http, UINT16_MAX);
        evhttp_set_gencb(s->http, on_request, s);
        evhttp_set_bevcb(s->http, on_connection, s);
        return s;
}

void web_server_free(struct web_server *s)
{
        if (s == NULL)
                return;
        web_streams_free(s->streams);
        web_api_free(s->api);
        if (s->http != NULL)
                evhttp_free(s->http);
        web_feed_free(s->feed);
        if (s->reopen != NULL)
                event_free(s->reopen);
        free(s);
}
