#include "ald/bus/frame.h"

#include "ald/base/text.h" /* text_copy */

#include <assert.h> /* assert */
#include <modbus.h> /* function codes, modbus_strerror */
#include <string.h> /* memcmp, memcpy */

/* Transaction, protocol and length stand before the unit, the PDU behind it. */
enum { AT_TRANSACTION = 0, AT_PROTOCOL = 2, AT_LENGTH = 4, AT_UNIT = 6, AT_FUNCTION = 7, AT_DATA = 8 };

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

int frame_request(const struct sched_action *a, uint16_t transaction, uint8_t frame[FRAME_MAX])
{
        int len = AT_DATA + 4;

        assert(a->count > 0 && a->count <= SCHED_WORDS_MAX);
        put16(frame + AT_TRANSACTION, transaction);
        put16(frame + AT_PROTOCOL, 0);
        frame[AT_UNIT] = (uint8_t)a->slave_id;
        frame[AT_FUNCTION] = (uint8_t)function_of(a);
        put16(frame + AT_DATA, a->address);
        put16(frame + AT_DATA + 2, a->kind == SCHED_WRITE && !a->multiple ? single_value(a) : a->count);
        if (a->kind == SCHED_WRITE && a->multiple)
                len += put_values(a, frame + len);
        put16(frame + AT_LENGTH, len - AT_UNIT);
        return len;
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

static void take_exception(const uint8_t *reply, struct sched_result *r)
{
        r->outcome = SCHED_EXCEPTION;
        r->exception = reply[AT_DATA];
        if (r->exception > 0 && r->exception < MODBUS_EXCEPTION_MAX)
                text_copy(r->text, sizeof r->text, modbus_strerror(MODBUS_ENOBASE + r->exception));
        else
                text_copy(r->text, sizeof r->text, "an exception of no known code");
}

void frame_reply(
    const struct sched_action *a, uint16_t transaction, const uint8_t *reply, int len, struct sched_result *r)
{
        uint8_t request[FRAME_MAX];
        int function = function_of(a);

        if (len < AT_DATA + 1 || get16(reply + AT_LENGTH) != len - AT_UNIT) {
                spoil(r, "the reply's length is not what its header says");
        } else if (get16(reply + AT_TRANSACTION) != transaction || get16(reply + AT_PROTOCOL) != 0) {
                spoil(r, "the reply belongs to another request");
        } else if (reply[AT_UNIT] != (uint8_t)a->slave_id) {
                spoil(r, "the reply comes from another unit");
        } else if (reply[AT_FUNCTION] == (function | 0x80) && len == AT_DATA + 1) {
                take_exception(reply, r);
        } else if (reply[AT_FUNCTION] != function) {
                spoil(r, "the reply is to another function");
        } else if (a->kind == SCHED_READ) {
                if (reply[AT_DATA] != data_bytes(a) || len != AT_DATA + 1 + data_bytes(a))
                        spoil(r, "the reply has another length than was asked for");
                else
                        take_words(a, reply + AT_DATA + 1, r);
        } else {
                frame_request(a, transaction, request);
                if (len != AT_DATA + 4 || memcmp(reply + AT_DATA, request + AT_DATA, 4) != 0)
                        spoil(r, "the reply echoes something else than was written");
        }
}
