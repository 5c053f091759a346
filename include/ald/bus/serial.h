/* One serial line of Modbus RTU units, driven by one thread: the wire of wire.h where the link is one. What the schedule
 * knows of such lines stands in link/quarantine.h.
 *
 * The line is opened here, not by modbus_connect(), which takes 9600 baud for every rate it does not know, lets other
 * programs in and, on closing, restores settings that it may never have read. libmodbus adds the checksum and puts the
 * bytes of a reply together; of its ways (3.1.6) these matter:
 *   - the byte timeout is 0 and error recovery off, as on TCP (wire.h);
 *   - a reply of another unit makes modbus_receive_confirmation() return 0, before its checksum was looked at;
 *   - how many bytes it waits for follows from the function that the reply names; what comes behind stays on the line, and
 *     is found by serial_check() or before the next request.
 *
 * What lies on the line before a request spoils it (a reply to it could not be told from what lies there), unless the action
 * drains: then the line is read until it has been silent for as long as between two frames, and flushed. A close does not
 * wait longer than SERIAL_DRAIN_US for that.
 *
 * No other program can open the line meanwhile (TIOCEXCL; where that does not serve, an advisory lock). A line
 * that vanishes (an adapter that was pulled out) is a lost connection, and opened again with the link's back-off. */
#ifndef ALD_BUS_SERIAL_H
#define ALD_BUS_SERIAL_H

#include "ald/bus/wire.h"   /* enum wire_state */
#include "ald/core/tool.h"  /* struct tool_link */
#include "ald/link/sched.h" /* struct sched_action, struct sched_result */

#define SERIAL_DRAIN_US INT64_C(20000)

struct serial; /* opaque */

/* NULL: *why (static text) says what failed. The line is opened by CONNECT. */
struct serial *serial_new(const struct tool_link *link, const char **why);
void serial_free(struct serial *s);

/* As wire_do(), wire_fd() and wire_check(). */
void serial_do(struct serial *s, const struct sched_action *action, struct sched_result *result);
int serial_fd(const struct serial *s);
enum wire_state serial_check(struct serial *s, const char **why);

#endif
