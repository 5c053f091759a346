/* What a Modbus request of the simulated tool's clients is answered with: request frame in, reply frame out. No
 * sockets here. Only what the tool file declares exists. */
#ifndef ALD_BUS_REPLY_H
#define ALD_BUS_REPLY_H

#include "ald/bus/server.h" /* struct server_tool */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* uint8_t */

/* The MBAP header: transaction, protocol 0, length (of unit and PDU), unit (MODBUS Messaging on TCP/IP 1.0b, 3.1). */
enum { REPLY_HEADER = 7, REPLY_FRAME_MAX = 260 };

/* The length of the frame that begins with these bytes: 0 while it cannot be told yet, -1 when they do not begin a
 * Modbus TCP frame. */
int reply_frame_length(const uint8_t *bytes, int len);

/* The device with that unit number whose link (or poll link) is one of `links` (a bit each), or TOOL_NONE. */
int reply_find_device(const struct tool *tool, unsigned links, int slave_id);
/* Does the request ask for a write? */
bool reply_is_write(const uint8_t *frame);

/* Answer one whole frame of `len` bytes for `device` (TOOL_NONE: unknown unit, exception 11). Returns the length of
 * the reply. */
int reply_make(const struct tool *tool, const struct server_tool *behind, int device, const uint8_t *frame,
    int len, uint8_t reply[REPLY_FRAME_MAX]);

#endif
