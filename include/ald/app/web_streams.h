/* The browsers that watch: a stream of server-sent events to each, as fast as it reads (web_pace.h).
 * Source: WHATWG HTML, 9.2 Server-sent events. */
#ifndef ALD_APP_WEB_STREAMS_H
#define ALD_APP_WEB_STREAMS_H

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* uint64_t */

struct web_streams; /* opaque */
struct evbuffer;
struct event_base;
struct evhttp_request;

enum { WEB_STREAMS_MAX = 32, WEB_STREAMS_BEAT_S = 15, WEB_STREAMS_RETRY_MS = 2000 };

struct web_streams_hooks {
        void *ctx;
        /* What a stream begins with: the event's name and its data, freed by the caller; NULL: no memory. */
        char *(*begin)(void *ctx, const char **event, size_t *len);
};

struct web_streams *web_streams_new(struct event_base *base, const struct web_streams_hooks *hooks);
/* Before the server that the requests came from is freed. */
void web_streams_free(struct web_streams *s); /* NULL allowed */

/* Answer the request with a stream. False: there are WEB_STREAMS_MAX already, and nothing was done. */
bool web_streams_add(struct web_streams *s, struct evhttp_request *req);
/* Tell all of them. */
void web_streams_tell(struct web_streams *s, const char *event, const char *data, size_t len);
size_t web_streams_count(const struct web_streams *s);

/* One event as it goes over the wire; data of several lines stays so. False: no memory. */
bool web_streams_frame(struct evbuffer *to, uint64_t id, const char *event, const char *data, size_t len);

#endif
