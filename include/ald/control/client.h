/* One connection: bytes in until they are lines, lines out as fast as the peer takes them, and the limits on both.
 *
 * Nothing here waits. One line is handled per turn of the loop, so that a flood of one client does not delay the
 * others, and a client is only ever freed from its own callbacks, never while somebody is sending to it.
 * Sends use MSG_NOSIGNAL: a departed peer is an error, not a signal. */
#ifndef ALD_CONTROL_CLIENT_H
#define ALD_CONTROL_CLIENT_H

#include "ald/control/jsonrpc.h" /* enum jsonrpc_code, json_t */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

struct client; /* opaque */
struct event_base;

/* Bytes waiting to be sent; beyond, the connection ends. */
#define CLIENT_OUT_MAX ((size_t)256 * 1024)
/* How long a closing connection may take to drain its last line. */
#define CLIENT_LINGER_MS 1000

struct client_hooks {
        void *ctx;
        /* One whole line, borrowed, without its newline; any bytes. */
        void (*line)(void *ctx, struct client *client, const char *line, size_t len);
        /* The connection is over; the client is freed after the call. */
        void (*gone)(void *ctx, struct client *client);
};

/* Take over the non-blocking socket `fd`. NULL when memory is out; fd is closed then. */
struct client *client_new(struct event_base *base, int fd, const struct client_hooks *hooks);
/* End at once, without the hook. NULL allowed. */
void client_free(struct client *client);

/* Queue a message (taken). When it does not fit, or memory is out, the connection ends with an error line. */
void client_send(struct client *client, json_t *message);
/* The same with a line that is serialised already (borrowed, with its newline). */
void client_send_line(struct client *client, const char *line, size_t len);

/* Say why and end: what was queued and not begun is dropped, the error line goes out, the connection closes. */
void client_end(struct client *client, json_t *id, enum jsonrpc_code code, const char *text);

/* Bytes queued and not yet taken by the kernel. */
size_t client_queued(const struct client *client);
/* It takes no further lines and drops what is sent to it. */
bool client_is_ending(const struct client *client);
/* Answers still owed: a peer that has finished sending is served until they are out. */
void client_owe(struct client *client, int more);

#endif
