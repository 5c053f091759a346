/* Modbus requests and the look at their replies, on TCP and on a serial line (Modbus Application Protocol V1.1b3, sections
 * 4 and 6; Modbus Messaging on TCP/IP V1.0b, section 3.1.3; Modbus over Serial Line V1.02, section 2.5.1). libmodbus sends
 * and receives bytes, but in a reply it looks only at the transaction, the function and the count; here the unit and the
 * echo of what was written count too: a reply of another unit is no reply, and an edge is confirmed only by the echo of
 * that very edge (SAFETY Q3, V2). A serial line has no transaction: that an answer is not an older one's is
 * link/quarantine.h's to see to. */
#ifndef ALD_BUS_FRAME_H
#define ALD_BUS_FRAME_H

#include "ald/link/sched.h" /* struct sched_action, struct sched_result */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* uint8_t, uint16_t */

enum { FRAME_MAX = 260 }; /* MBAP header and the longest PDU; a serial line's frame is shorter */

/* Write the request of a READ or WRITE into `frame`. Returns its length in bytes. */
int frame_request(const struct sched_action *action, uint16_t transaction, uint8_t frame[FRAME_MAX]);

/* Take a whole reply of `len` bytes: the outcome, the exception or the words read, and for a bad frame what is wrong with
 * it, go into `result`. */
void frame_reply(const struct sched_action *action, uint16_t transaction, const uint8_t *reply, int len,
    struct sched_result *result);

/* The same on a serial line: the request is unit and PDU, to which libmodbus adds the checksum; the reply is whole. */
int frame_request_rtu(const struct sched_action *action, uint8_t frame[FRAME_MAX]);
void frame_reply_rtu(
    const struct sched_action *action, const uint8_t *reply, int len, struct sched_result *result);

/* The checksum of a serial line's frame, and the frame of `len` bytes with it behind (two bytes more); returns its length. */
uint16_t frame_crc(const uint8_t *bytes, int len);
int frame_seal_rtu(uint8_t *frame, int len);

#endif
