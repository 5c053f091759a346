/* One link, driven by one thread: actions of the schedule in, results out. A Modbus TCP connection lives here, a serial
 * line in serial.h. Every call is bounded by its action's limit_us (SAFETY traps 1-5):
 *   - libmodbus' byte timeout is 0, so that its response timeout bounds the whole reply, however it drips;
 *   - its error recovery is off: it can block for ever and sends requests twice;
 *   - connecting is done here: modbus_connect() puts any descriptor into an fd_set, and takes numeric addresses only;
 *   - libmodbus frames what comes in; replies are attributed by transaction, unit, function, length and echo in
 *     bus/frame.h; after any failure the schedule closes the socket.
 */
#ifndef ALD_BUS_WIRE_H
#define ALD_BUS_WIRE_H

#include "ald/core/tool.h"  /* struct tool_link */
#include "ald/link/sched.h" /* struct sched_action, struct sched_result */

struct wire; /* opaque */

/* What was found on an idle link. */
enum wire_state {
        WIRE_IDLE,  /* nothing */
        WIRE_STRAY, /* bytes that nobody had asked for, on a serial line; they are thrown away */
        WIRE_LOST   /* its end, or such bytes on a connection: it is to be replaced */
};

/* Prepare a link's connection; resolves the host of a TCP one, which may take as long as the resolver does. NULL: *why
 * (static text) says what failed. */
struct wire *wire_new(const struct tool_link *link, const char **why);
void wire_free(struct wire *w);

/* Carry out CONNECT, CLOSE, READ or WRITE. */
void wire_do(struct wire *w, const struct sched_action *action, struct sched_result *result);

/* The socket or the open line, -1 when there is none. */
int wire_fd(const struct wire *w);
/* poll() has something to say of the idle link: what; unless it is idle, *why (static text) tells. */
enum wire_state wire_check(struct wire *w, const char **why);

#endif
