#include "ald/base/bytes.h"

#include <assert.h> /* assert */
#include <string.h> /* memcpy, memchr */

void bytes_put(struct bytes_out *out, const void *bytes, size_t len)
{
        if (out->is_full || len > out->cap - out->len) {
                out->is_full = true;
                return;
        }
        memcpy(out->at + out->len, bytes, len);
        out->len += len;
}

void bytes_put_u8(struct bytes_out *out, uint8_t value)
{
        bytes_put(out, &value, 1);
}

void bytes_put_fixed(struct bytes_out *out, uint64_t value, int count)
{
        unsigned char bytes[8];

        assert(count > 0 && count <= 8);
        for (int i = 0; i < count; i++, value >>= 8)
                bytes[i] = (unsigned char)(value & 0xff);
        bytes_put(out, bytes, (size_t)count);
}

void bytes_put_varint(struct bytes_out *out, uint64_t value)
{
        unsigned char bytes[BYTES_VARINT_MAX];
        size_t len = 0;

        for (; value > 0x7f; value >>= 7)
                bytes[len++] = (unsigned char)(value | 0x80);
        bytes[len++] = (unsigned char)value;
        bytes_put(out, bytes, len);
}

/* 0, -1, 1, -2 ... become 0, 1, 2, 3 ... */
void bytes_put_signed(struct bytes_out *out, int64_t value)
{
        uint64_t bits = (uint64_t)value << 1;

        bytes_put_varint(out, value < 0 ? ~bits : bits);
}

void bytes_put_text(struct bytes_out *out, const char *text, size_t cap)
{
        const char *end = memchr(text, '\0', cap - 1);
        size_t len = end == NULL ? cap - 1 : (size_t)(end - text);

        bytes_put_varint(out, len);
        bytes_put(out, text, len);
}

const unsigned char *bytes_take(struct bytes_in *in, size_t len)
{
        const unsigned char *at = in->at + in->pos;

        if (in->is_bad || len > in->len - in->pos) {
                in->is_bad = true;
                return NULL;
        }
        in->pos += len;
        return at;
}

uint8_t bytes_take_u8(struct bytes_in *in)
{
        const unsigned char *at = bytes_take(in, 1);

        return at == NULL ? 0 : *at;
}

uint64_t bytes_take_fixed(struct bytes_in *in, int count)
{
        const unsigned char *at = bytes_take(in, (size_t)count);
        uint64_t value = 0;

        assert(count > 0 && count <= 8);
        for (int i = 0; at != NULL && i < count; i++)
                value |= (uint64_t)at[i] << (8 * i);
        return value;
}

uint64_t bytes_take_varint(struct bytes_in *in)
{
        uint64_t value = 0;

        for (int i = 0; i < BYTES_VARINT_MAX; i++) {
                uint8_t byte = bytes_take_u8(in);

                if (i == BYTES_VARINT_MAX - 1 && byte > 1) /* of 70 bits, 64 count */
                        break;
                value |= (uint64_t)(byte & 0x7f) << (7 * i);
                if ((byte & 0x80) == 0)
                        return in->is_bad ? 0 : value;
        }
        in->is_bad = true;
        return 0;
}

int64_t bytes_take_signed(struct bytes_in *in)
{
        uint64_t bits = bytes_take_varint(in);

        return (int64_t)((bits & 1) != 0 ? ~(bits >> 1) : bits >> 1);
}

void bytes_take_text(struct bytes_in *in, char *to, size_t cap)
{
        uint64_t len = bytes_take_varint(in);
        const unsigned char *at = len < cap ? bytes_take(in, (size_t)len) : NULL;

        to[0] = '\0';
        if (at == NULL || memchr(at, '\0', (size_t)len) != NULL) {
                in->is_bad = true;
                return;
        }
        memcpy(to, at, (size_t)len);
        to[len] = '\0';
}

size_t bytes_left(const struct bytes_in *in)
{
        return in->is_bad ? 0 : in->len - in->pos;
}
