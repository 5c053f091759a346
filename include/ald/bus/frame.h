/* Modbus TCP requests and the look at their replies (Modbus Application Protocol V1.1b3, sections 4 and 6; Modbus
 * Messaging on TCP/IP V1.0b, section 3.1.3). libmodbus sends and receives bytes, but in a reply it looks only at the
 * transaction, the function and the count; here the unit and the echo of what was written count too: a reply of another
 * unit is no reply, and an edge is confirmed only by the echo of that very edge (SAFETY Q3, V2). */
#ifndef ALD_BUS_FRAME_H
#define ALD_BUS_FRAME_H

#include "ald/link/sched.h" /* struct sched_action, struct sched_result */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* uint8_t, uint16_t */

enum { FRAME_MAX = 260 }; /* MBAP header and the longest PDU */

/* Write the request of a READ or WRITE into `frame`. Returns its length in bytes. */
int frame_request(const struct sched_action *action, uint16_t transaction, uint8_t frame[FRAME_MAX]);

/* Take a whole reply of `len` bytes: the outcome, the exception or the words read, and for a bad frame what is wrong with
 * it, go into `result`. */
void frame_reply(const struct sched_action *action, uint16_t transaction, const uint8_t *reply, int len,
    struct sched_result *result);

#endif
