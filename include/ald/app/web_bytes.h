/* Bytes that many connections send, each as fast as its reader takes them: one copy for all, counted, and freed with the last
 * that holds it. Of the loop's thread only. */
#ifndef ALD_APP_WEB_BYTES_H
#define ALD_APP_WEB_BYTES_H

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

struct web_bytes; /* opaque */
struct evbuffer;

/* Takes `bytes`, which are malloc()'s; the caller holds the result. NULL: no memory, and the bytes are freed. */
struct web_bytes *web_bytes_new(unsigned char *bytes, size_t len);
/* The caller holds them no longer. */
void web_bytes_drop(struct web_bytes *b); /* NULL allowed */

/* Append them without a copy; `to` holds them until they have left it. False: no memory, and nothing was done. */
bool web_bytes_put(struct web_bytes *b, struct evbuffer *to);
/* Does anybody hold them besides the caller? */
bool web_bytes_is_shared(const struct web_bytes *b);

#endif
