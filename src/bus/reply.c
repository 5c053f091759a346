#include "ald/bus/reply.h"

#include "ald/link/registers.h" /* registers_read, registers_write */

#include <assert.h> /* assert */
#include <modbus.h> /* function and exception codes, limits */
#include <string.h> /* memcpy */

/* One request while it is being answered. */
struct request {
        struct registers registers;
        int device;
        const uint8_t *pdu;
        int len;
        uint8_t *out; /* the reply's PDU */
};

static int get_word(const uint8_t *at)
{
        return at[0] << 8 | at[1];
}

static void put_word(uint8_t *at, int word)
{
        at[0] = (uint8_t)(word >> 8);
        at[1] = (uint8_t)(word & 0xff);
}

int reply_frame_length(const uint8_t *bytes, int len)
{
        if (len < 6)
                return 0;
        int length = get_word(bytes + 4);
        if (get_word(bytes + 2) != 0 || length < 2 || length > REPLY_FRAME_MAX - 6)
                return -1;
        return 6 + length;
}

int reply_find_device(const struct tool *tool, unsigned links, int slave_id)
{
        for (int i = 0; i < tool->device_count; i++) {
                const struct tool_device *d = &tool->devices[i];
                if (d->slave_id == slave_id && (links & (1u << d->link | 1u << d->poll_link)) != 0)
                        return i;
        }
        return TOOL_NONE;
}

bool reply_is_write(const uint8_t *frame)
{
        int function = frame[REPLY_HEADER];
        return function == MODBUS_FC_WRITE_SINGLE_COIL || function == MODBUS_FC_WRITE_SINGLE_REGISTER ||
               function == MODBUS_FC_WRITE_MULTIPLE_COILS || function == MODBUS_FC_WRITE_MULTIPLE_REGISTERS;
}

/* ---- Functions ---- */

static int answer_read(const struct request *q, enum tool_register reg, int count_max, int *out_len)
{
        uint16_t words[MODBUS_MAX_READ_BITS];
        if (q->len != 5)
                return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
        int address = get_word(q->pdu + 1), count = get_word(q->pdu + 3);
        if (count < 1 || count > count_max)
                return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
        if (address + count > 65536)
                return MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS;
        int exception = registers_read(&q->registers, q->device, reg, address, count, words);
        if (exception != 0)
                return exception;
        int bytes = registers_are_bits(reg) ? (count + 7) / 8 : 2 * count;
        q->out[1] = (uint8_t)bytes;
        memset(q->out + 2, 0, (size_t)bytes);
        for (int i = 0; i < count; i++) {
                if (!registers_are_bits(reg))
                        put_word(q->out + 2 + 2 * i, words[i]);
                else if (words[i])
                        q->out[2 + i / 8] |= (uint8_t)(1u << (i % 8));
        }
        *out_len = 2 + bytes;
        return 0;
}

static int answer_write_one(const struct request *q, enum tool_register reg, int *out_len)
{
        if (q->len != 5)
                return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
        uint16_t word = (uint16_t)get_word(q->pdu + 3);
        if (reg == TOOL_COIL && word != 0 && word != 0xff00)
                return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
        if (reg == TOOL_COIL)
                word = word != 0;
        int exception = registers_write(&q->registers, q->device, reg, get_word(q->pdu + 1), 1, &word);
        memcpy(q->out, q->pdu, 5); /* the reply is the echo */
        *out_len = 5;
        return exception;
}

static int answer_write_many(const struct request *q, enum tool_register reg, int count_max, int *out_len)
{
        uint16_t words[MODBUS_MAX_WRITE_BITS];
        if (q->len < 6)
                return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
        int address = get_word(q->pdu + 1), count = get_word(q->pdu + 3), bytes = q->pdu[5];
        if (count < 1 || count > count_max ||
            bytes != (registers_are_bits(reg) ? (count + 7) / 8 : 2 * count) || q->len != 6 + bytes)
                return MODBUS_EXCEPTION_ILLEGAL_DATA_VALUE;
        if (address + count > 65536)
                return MODBUS_EXCEPTION_ILLEGAL_DATA_ADDRESS;
        const uint8_t *data = q->pdu + 6;
        for (int i = 0; i < count; i++)
                words[i] =
                    (uint16_t)(registers_are_bits(reg) ? data[i / 8] >> (i % 8) & 1 : get_word(data + 2 * i));
        int exception = registers_write(&q->registers, q->device, reg, address, count, words);
        memcpy(q->out, q->pdu, 5);
        *out_len = 5;
        return exception;
}

static int answer(const struct request *q, int *out_len)
{
        switch (q->pdu[0]) {
        case MODBUS_FC_READ_COILS:
                return answer_read(q, TOOL_COIL, MODBUS_MAX_READ_BITS, out_len);
        case MODBUS_FC_READ_DISCRETE_INPUTS:
                return answer_read(q, TOOL_DISCRETE, MODBUS_MAX_READ_BITS, out_len);
        case MODBUS_FC_READ_HOLDING_REGISTERS:
                return answer_read(q, TOOL_HOLDING, MODBUS_MAX_READ_REGISTERS, out_len);
        case MODBUS_FC_READ_INPUT_REGISTERS:
                return answer_read(q, TOOL_INPUT, MODBUS_MAX_READ_REGISTERS, out_len);
        case MODBUS_FC_WRITE_SINGLE_COIL:
                return answer_write_one(q, TOOL_COIL, out_len);
        case MODBUS_FC_WRITE_SINGLE_REGISTER:
                return answer_write_one(q, TOOL_HOLDING, out_len);
        case MODBUS_FC_WRITE_MULTIPLE_COILS:
                return answer_write_many(q, TOOL_COIL, MODBUS_MAX_WRITE_BITS, out_len);
        case MODBUS_FC_WRITE_MULTIPLE_REGISTERS:
                return answer_write_many(q, TOOL_HOLDING, MODBUS_MAX_WRITE_REGISTERS, out_len);
        default:
                return MODBUS_EXCEPTION_ILLEGAL_FUNCTION;
        }
}

int reply_make(const struct tool *tool, const struct server_tool *behind, int device, const uint8_t *frame,
    int len, uint8_t reply[REPLY_FRAME_MAX])
{
        assert(len > REPLY_HEADER && len <= REPLY_FRAME_MAX && len == reply_frame_length(frame, len));
        struct request q = {.registers = {.tool = tool,
                                .ctx = behind->ctx,
                                .read = behind->read,
                                .write = behind->write,
                                .read_watchdog = behind->read_watchdog,
                                .write_watchdog = behind->write_watchdog,
                                .read_pulser = behind->read_pulser,
                                .write_pulser = behind->write_pulser},
            .device = device,
            .pdu = frame + REPLY_HEADER,
            .len = len - REPLY_HEADER,
            .out = reply + REPLY_HEADER};
        int out_len = 0;
        memcpy(reply, frame, REPLY_HEADER);
        q.out[0] = q.pdu[0];
        int exception = device == TOOL_NONE ? MODBUS_EXCEPTION_GATEWAY_TARGET : answer(&q, &out_len);
        if (exception != 0) {
                q.out[0] = (uint8_t)(q.pdu[0] | 0x80);
                q.out[1] = (uint8_t)exception;
                out_len = 2;
        }
        assert(out_len >= 2 && REPLY_HEADER + out_len <= REPLY_FRAME_MAX);
        put_word(reply + 4, out_len + 1);
        return REPLY_HEADER + out_len;
}
