/* aldweb's end of the control socket: one connection and one subscription, whatever number of browsers watch. Nothing here
 * waits. It sends the verbs of viewers that it names itself, and nothing that comes from a browser. */
#ifndef ALD_APP_WEB_FEED_H
#define ALD_APP_WEB_FEED_H

#include <stddef.h> /* size_t */

struct web_feed; /* opaque */
struct event_base;

struct web_feed_hooks {
        void *ctx;
        /* Something to tell browsers: an event's name and its data, one line of JSON (borrowed). Of "full", ask web_feed_full(). */
        void (*tell)(void *ctx, const char *event, const char *data, size_t len);
};

/* Begin to connect, and go on trying. NULL: no memory. `path` is borrowed. */
struct web_feed *web_feed_new(struct event_base *base, const char *path, const struct web_feed_hooks *hooks);
void web_feed_free(struct web_feed *feed); /* NULL allowed */

/* The event that a browser gets first: "full" when the daemon is there, else "lost"; its data, freed by the caller (NULL: no
 * memory). */
char *web_feed_begin(const struct web_feed *feed, const char **event, size_t *len);

/* Where the daemon keeps its record; NULL: it never said. */
const char *web_feed_db(const struct web_feed *feed);
/* Why the daemon is not there; "" when it is. */
const char *web_feed_lost(const struct web_feed *feed);

#endif
