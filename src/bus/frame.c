#include "ald/bus/frame.h"

#include "ald/base/text.h" /* text_copy */

#include <assert.h> /* assert */
#include <modbus.h> /* function codes, modbus_strerror */
#include <string.h> /* memcmp, memcpy */

/* The MBAP header: transaction, protocol and length stand before the unit. */
enum { AT_TRANSACTION = 0, AT_PROTOCOL = 2, AT_LENGTH = 4, AT_UNIT = 6, AT_PDU = 7 };
/* In the PDU, the same on TCP and on a serial line. */
enum { AT_FUNCTION = 0, AT_DATA = 1 };
/* On a serial line: the unit before the PDU, a checksum behind it. */
enum { RTU_UNIT = 0, RTU_PDU = 1, RTU_CRC = 2 };

static void put16(uint8_t *at, int value)
{
        at[0] = (uint8_t)(value >> 8);
        at[1] = (uint8_t)value;
}

static int get16(const uint8_t *at)
{
        return at[0] << 8 | at[1];
}

static int function_of(const struct sched_action *a)
{
        static const int reads[] = {[TOOL_COIL] = MODBUS_FC_READ_COILS,
            [TOOL_DISCRETE] = MODBUS_FC_READ_DISCRETE_INPUTS,
            [TOOL_INPUT] = MODBUS_FC_READ_INPUT_REGISTERS,
            [TOOL_HOLDING] = MODBUS_FC_READ_HOLDING_REGISTERS};

        if (a->kind == SCHED_READ)
                return reads[a->reg];
        assert(a->kind == SCHED_WRITE && (a->reg == TOOL_COIL || a->reg == TOOL_HOLDING));
        assert(a->multiple || a->count == 1);
        if (a->reg == TOOL_COIL)
                return a->multiple ? MODBUS_FC_WRITE_MULTIPLE_COILS : MODBUS_FC_WRITE_SINGLE_COIL;
        return a->multiple ? MODBUS_FC_WRITE_MULTIPLE_REGISTERS : MODBUS_FC_WRITE_SINGLE_REGISTER;
}

/* What a single write carries after its address. */
static int single_value(const struct sched_action *a)
{
        if (a->reg == TOOL_COIL)
                return a->words[0] != 0 ? 0xFF00 : 0;
        return a->words[0];
}

/* The values of functions 15 and 16. Returns their length with the byte count. */
static int put_values(const struct sched_action *a, uint8_t *at)
{
        assert(a->count <= (int)(sizeof a->words / sizeof a->words[0]));
        if (a->reg == TOOL_HOLDING) {
                at[0] = (uint8_t)(2 * a->count);
                for (int i = 0; i < a->count; i++)
                        put16(at + 1 + 2 * i, a->words[i]);
                return 1 + 2 * a->count;
        }
        at[0] = 1;
        at[1] = 0;
        for (int i = 0; i < a->count; i++)
                at[1] = (uint8_t)(at[1] | (a->words[i] != 0) << i);
        return 2;
}

static int put_pdu(const struct sched_action *a, uint8_t *pdu)
{
        assert(a->count > 0 && a->count <= SCHED_WORDS_MAX);
        pdu[AT_FUNCTION] = (uint8_t)function_of(a);
        put16(pdu + AT_DATA, a->address);
        put16(pdu + AT_DATA + 2, a->kind == SCHED_WRITE && !a->multiple ? single_value(a) : a->count);
        if (a->kind == SCHED_WRITE && a->multiple)
                return AT_DATA + 4 + put_values(a, pdu + AT_DATA + 4);
        return AT_DATA + 4;
}

int frame_request(const struct sched_action *a, uint16_t transaction, uint8_t frame[FRAME_MAX])
{
        int len = AT_PDU + put_pdu(a, frame + AT_PDU);

        put16(frame + AT_TRANSACTION, transaction);
        put16(frame + AT_PROTOCOL, 0);
        frame[AT_UNIT] = (uint8_t)a->slave_id;
        put16(frame + AT_LENGTH, len - AT_UNIT);
        return len;
}

int frame_request_rtu(const struct sched_action *a, uint8_t frame[FRAME_MAX])
{
        frame[RTU_UNIT] = (uint8_t)a->slave_id;
        return RTU_PDU + put_pdu(a, frame + RTU_PDU);
}

/* Bit by bit: a frame a few milliseconds apart needs no table (MODBUS over Serial Line V1.02, 6.2.2). */
uint16_t frame_crc(const uint8_t *bytes, int len)
{
        unsigned crc = 0xFFFF;

        for (int i = 0; i < len; i++) {
                crc ^= bytes[i];
                for (int bit = 0; bit < 8; bit++)
                        crc = crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1;
        }
        return (uint16_t)crc;
}

int frame_seal_rtu(uint8_t *frame, int len)
{
        uint16_t crc = frame_crc(frame, len);

        frame[len] = (uint8_t)crc; /* low byte first, unlike all else in Modbus */
        frame[len + 1] = (uint8_t)(crc >> 8);
        return len + RTU_CRC;
}

static void spoil(struct sched_result *r, const char *what)
{
        r->outcome = SCHED_BAD_FRAME;
        text_copy(r->text, sizeof r->text, what);
}

/* Bytes of data that a read's reply must bring. */
static int data_bytes(const struct sched_action *a)
{
        return a->reg == TOOL_COIL || a->reg == TOOL_DISCRETE ? (a->count + 7) / 8 : 2 * a->count;
}

static void take_words(const struct sched_action *a, const uint8_t *data, struct sched_result *r)
{
        for (int i = 0; i < a->count; i++) {
                if (a->reg == TOOL_COIL || a->reg == TOOL_DISCRETE)
                        r->words[i] = data[i / 8] >> (i % 8) & 1;
                else
                        r->words[i] = (uint16_t)get16(data + 2 * i);
        }
}

static void take_exception(int exception, struct sched_result *r)
{
        r->outcome = SCHED_EXCEPTION;
        r->exception = exception;
        if (exception > 0 && exception < MODBUS_EXCEPTION_MAX)
                text_copy(r->text, sizeof r->text, modbus_strerror(MODBUS_ENOBASE + exception));
        else
                text_copy(r->text, sizeof r->text, "an exception of no known code");
}

/* The reply's PDU of `len` bytes, at least two, from the right unit. */
static void take_pdu(const struct sched_action *a, const uint8_t *pdu, int len, struct sched_result *r)
{
        uint8_t request[FRAME_MAX];
        int function = function_of(a);

        if (pdu[AT_FUNCTION] == (function | 0x80) && len == AT_DATA + 1) {
                take_exception(pdu[AT_DATA], r);
        } else if (pdu[AT_FUNCTION] != function) {
                spoil(r, "the reply is to another function");
        } else if (a->kind == SCHED_READ) {
                if (pdu[AT_DATA] != data_bytes(a) || len != AT_DATA + 1 + data_bytes(a))
                        spoil(r, "the reply has another length than was asked for");
                else
                        take_words(a, pdu + AT_DATA + 1, r);
        } else {
                put_pdu(a, request);
                if (len != AT_DATA + 4 || memcmp(pdu + AT_DATA, request + AT_DATA, 4) != 0)
                        spoil(r, "the reply echoes something else than was written");
        }
}

void frame_reply(
    const struct sched_action *a, uint16_t transaction, const uint8_t *reply, int len, struct sched_result *r)
{
        if (len < AT_PDU + 2 || get16(reply + AT_LENGTH) != len - AT_UNIT)
                spoil(r, "the reply's length is not what its header says");
        else if (get16(reply + AT_TRANSACTION) != transaction || get16(reply + AT_PROTOCOL) != 0)
                spoil(r, "the reply belongs to another request");
        else if (reply[AT_UNIT] != (uint8_t)a->slave_id)
                spoil(r, "the reply comes from another unit");
        else
                take_pdu(a, reply + AT_PDU, len - AT_PDU, r);
}

void frame_reply_rtu(const struct sched_action *a, const uint8_t *reply, int len, struct sched_result *r)
{
        if (len < RTU_PDU + 2 + RTU_CRC)
                spoil(r, "the reply is too short");
        else if (reply[RTU_UNIT] != (uint8_t)a->slave_id)
                spoil(r, "the reply comes from another unit");
        else if (frame_crc(reply, len - RTU_CRC) != (reply[len - 2] | reply[len - 1] << 8))
                spoil(r, "the reply's checksum is wrong");
        else
                take_pdu(a, reply + RTU_PDU, len - RTU_PDU - RTU_CRC, r);
}
