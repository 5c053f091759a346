/* A child process of the event loop: its output is gathered while the loop goes on. */
#ifndef ALD_APP_WEB_CHILD_H
#define ALD_APP_WEB_CHILD_H

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

struct event_base;
struct evbuffer;
struct web_child; /* opaque */

struct web_child_end {
        bool is_good;         /* it ended by itself, with status 0 */
        struct evbuffer *out; /* borrowed */
        const char *
            why; /* for people, when it is not good: the first that it complained of, or that it took too long */
};

/* Start `path` with those arguments; it is ended after limit_s, or with more than bytes_max of output. `done` is called once,
 * from the loop, and the child is freed after it. NULL: errno tells. */
struct web_child *web_child_start(struct event_base *base, const char *path, char *const argv[], int limit_s,
    size_t bytes_max, void (*done)(void *ctx, const struct web_child_end *end), void *ctx);
/* End it at once, without a call of `done`. NULL allowed. */
void web_child_free(struct web_child *c);

#endif
