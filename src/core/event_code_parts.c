#include "event_code_parts.h"

#include <string.h> /* memcpy */

uint64_t event_code_double_bits(double value)
{
        uint64_t bits;

        memcpy(&bits, &value, sizeof bits);
        return bits;
}

double event_code_bits_double(uint64_t bits)
{
        double value;

        memcpy(&value, &bits, sizeof value);
        return value;
}

void event_code_put_time(struct bytes_out *out, int64_t now_us, int64_t t_us)
{
        int64_t ago_us = now_us - t_us;

        if (t_us == 0)
                bytes_put_varint(out, 0);
        else
                bytes_put_varint(out, (ago_us < 0 ? ~((uint64_t)ago_us << 1) : (uint64_t)ago_us << 1) + 1);
}

int64_t event_code_take_time(struct bytes_in *in, int64_t now_us)
{
        uint64_t bits = bytes_take_varint(in);

        if (bits == 0)
                return 0;
        bits--;
        if (bits >> 1 > (uint64_t)EVENT_CODE_APART_US)
                in->is_bad = true;
        return in->is_bad ? 0 : now_us - (int64_t)((bits & 1) != 0 ? ~(bits >> 1) : bits >> 1);
}

int event_code_take_from(struct bytes_in *in, int min, int max)
{
        int64_t value = bytes_take_signed(in);

        if (value < min || value > max)
                in->is_bad = true;
        return in->is_bad ? min : (int)value;
}

uint32_t event_code_take_id(struct bytes_in *in)
{
        uint64_t id = bytes_take_varint(in);

        if (id > UINT32_MAX)
                in->is_bad = true;
        return in->is_bad ? 0 : (uint32_t)id;
}
