#include "ald/app/web_streams.h" /* own declarations */

#include "ald/app/web_pace.h"  /* web_pace_decide */
#include "ald/app/web_reply.h" /* web_reply_headers */
#include "ald/base/time.h"     /* TIME_S */

#include <event2/buffer.h>      /* evbuffer_add */
#include <event2/bufferevent.h> /* bufferevent_get_output */
#include <event2/event.h>       /* event_new */
#include <event2/http.h>        /* evhttp_send_reply_start */

#include <inttypes.h> /* PRIu64 */
#include <stdlib.h>   /* calloc, free */
#include <string.h>   /* memchr */
#include <time.h>     /* clock_gettime */

enum { LOOK_S = 1, WRITE_S = 120 };
/* What a watcher sends is never read by anybody: past so much it waits in the watcher's own kernel. */
enum { INPUT_BYTES = 4096 };

struct stream {
        struct web_streams *all;
        struct evhttp_request *req;
        struct evhttp_connection *link;
        struct web_pace pace;
        int64_t told_us; /* monotonic: anything at all */
};

struct web_streams {
        struct web_streams_hooks hooks;
        struct event *look;
        uint64_t last_id;
        struct stream *streams[WEB_STREAMS_MAX]; /* NULL = free */
};

static int64_t now_us(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * TIME_S + t.tv_nsec / 1000;
}

/* ---- Framing ---- */

bool web_streams_frame(struct evbuffer *to, uint64_t id, const char *event, const char *data, size_t len)
{
        bool ok = evbuffer_add_printf(to, "event: %s\nid: %" PRIu64 "\n", event, id) > 0;

        for (bool is_first = true; ok && (is_first || len > 0); is_first = false) {
                const char *end = len > 0 ? memchr(data, '\n', len) : NULL;
                size_t part = end != NULL ? (size_t)(end - data) : len;

                ok = evbuffer_add(to, "data: ", 6) == 0 && evbuffer_add(to, data, part) == 0 &&
                     evbuffer_add(to, "\n", 1) == 0;
                part += end != NULL;
                data += part;
                len -= part;
        }
        return ok && evbuffer_add(to, "\n", 1) == 0;
}

/* ---- One stream ---- */

static size_t queued(const struct stream *s)
{
        return evbuffer_get_length(bufferevent_get_output(evhttp_connection_get_bufferevent(s->link)));
}

static void put(struct stream *s, struct evbuffer *bytes)
{
        web_pace_note(&s->pace, evbuffer_get_length(bytes));
        s->told_us = now_us();
        evhttp_send_reply_chunk(s->req, bytes);
}

static void put_event(struct stream *s, const char *event, const char *data, size_t len)
{
        struct evbuffer *bytes = evbuffer_new();

        if (bytes != NULL && web_streams_frame(bytes, ++s->all->last_id, event, data, len))
                put(s, bytes);
        if (bytes != NULL)
                evbuffer_free(bytes);
}

static void put_begin(struct stream *s)
{
        const char *event;
        size_t len;
        char *data = s->all->hooks.begin(s->all->hooks.ctx, &event, &len);

        if (data != NULL)
                put_event(s, event, data, len);
        free(data);
}

static void put_comment(struct stream *s, const char *text)
{
        struct evbuffer *bytes = evbuffer_new();

        if (bytes != NULL && evbuffer_add_printf(bytes, "%s\n\n", text) > 0)
                put(s, bytes);
        if (bytes != NULL)
                evbuffer_free(bytes);
}

/* The connection is going down: a request that was taken from it already is ours to free. */
static void on_close(struct evhttp_connection *link, void *ctx)
{
        struct stream *s = ctx;

        (void)link;
        for (size_t i = 0; i < WEB_STREAMS_MAX; i++)
                if (s->all->streams[i] == s)
                        s->all->streams[i] = NULL;
        if (evhttp_request_get_connection(s->req) == NULL)
                evhttp_request_free(s->req);
        free(s);
}

static void drop(struct stream *s)
{
        evhttp_connection_free(s->link); /* calls on_close() */
}

/* An event, or with `event` NULL, time. */
static void serve(struct stream *s, const char *event, const char *data, size_t len)
{
        switch (web_pace_decide(&s->pace, event != NULL, queued(s), now_us())) {
        case WEB_PACE_SEND:
                put_event(s, event, data, len);
                break;
        case WEB_PACE_FULL:
                put_begin(s);
                break;
        case WEB_PACE_DROP:
                drop(s);
                break;
        case WEB_PACE_SKIP:
                if (!s->pace.is_behind && now_us() - s->told_us >= WEB_STREAMS_BEAT_S * TIME_S)
                        put_comment(s, ": still here");
                break;
        }
}

/* ---- All of them ---- */

void web_streams_tell(struct web_streams *s, const char *event, const char *data, size_t len)
{
        for (size_t i = 0; i < WEB_STREAMS_MAX; i++)
                if (s->streams[i] != NULL)
                        serve(s->streams[i], event, data, len);
}

static void on_look(evutil_socket_t fd, short what, void *ctx)
{
        (void)fd;
        (void)what;
        web_streams_tell(ctx, NULL, "", 0);
}

size_t web_streams_count(const struct web_streams *s)
{
        size_t count = 0;

        for (size_t i = 0; i < WEB_STREAMS_MAX; i++)
                count += s->streams[i] != NULL;
        return count;
}

bool web_streams_add(struct web_streams *all, struct evhttp_request *req)
{
        struct evhttp_connection *link = evhttp_request_get_connection(req);
        struct bufferevent *io = evhttp_connection_get_bufferevent(link);
        struct stream *s;
        char retry[32];
        size_t place = 0;

        while (place < WEB_STREAMS_MAX && all->streams[place] != NULL)
                place++;
        if (place == WEB_STREAMS_MAX || (s = calloc(1, sizeof *s)) == NULL)
                return false;
        *s = (struct stream){.all = all, .req = req, .link = link, .pace = {.moved_us = now_us()}};
        all->streams[place] = s;
        /* libevent goes on reading, to see it closed. */
        bufferevent_setwatermark(io, EV_READ, 0, INPUT_BYTES);
        evhttp_connection_set_timeout(link, WRITE_S);
        evhttp_connection_set_closecb(link, on_close, s);
        web_reply_headers(req, "text/event-stream");
        /* A proxy in front must not gather it (nginx). */
        (void)evhttp_add_header(evhttp_request_get_output_headers(req), "X-Accel-Buffering", "no");
        evhttp_send_reply_start(req, HTTP_OK, NULL);
        (void)snprintf(retry, sizeof retry, "retry: %d", WEB_STREAMS_RETRY_MS);
        put_comment(s, retry);
        put_begin(s);
        return true;
}

struct web_streams *web_streams_new(struct event_base *base, const struct web_streams_hooks *hooks)
{
        static const struct timeval every = {.tv_sec = LOOK_S};
        struct web_streams *s = calloc(1, sizeof *s);

        if (s == NULL)
                return NULL;
        s->hooks = *hooks;
        s->look = event_new(base, -1, EV_PERSIST, on_look, s);
        if (s->look != NULL && event_add(s->look, &every) == 0)
                return s;
        web_streams_free(s);
        return NULL;
}

void web_streams_free(struct web_streams *s)
{
        if (s == NULL)
                return;
        for (size_t i = 0; i < WEB_STREAMS_MAX; i++)
                if (s->streams[i] != NULL)
                        drop(s->streams[i]);
        if (s->look != NULL)
                event_free(s->look);
        free(s);
}
