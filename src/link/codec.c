#include "ald/link/codec.h"

#include <assert.h> /* assert */
#include <math.h>   /* isfinite (a macro: no libm) */
#include <string.h> /* memcpy */

_Static_assert(sizeof(float) == 4 && sizeof(double) == 8, "IEEE 754 floats are what goes on the wire");

int codec_words(enum tool_type type)
{
        switch (type) {
        case TOOL_BIT:
        case TOOL_INT16:
        case TOOL_UINT16:
                return 1;
        case TOOL_INT32:
        case TOOL_UINT32:
        case TOOL_FLOAT32:
                return 2;
        case TOOL_FLOAT64:
                return 4;
        }
        assert(false && "unknown type");
        return 1;
}

static bool swaps_words(enum tool_byte_order order)
{
        return order == TOOL_ORDER_CDAB || order == TOOL_ORDER_DCBA;
}

static bool swaps_bytes(enum tool_byte_order order)
{
        return order == TOOL_ORDER_BADC || order == TOOL_ORDER_DCBA;
}

static uint16_t turn_word(const struct tool_tag *tag, uint16_t word)
{
        if (tag->type == TOOL_BIT || !swaps_bytes(tag->order))
                return word;
        return (uint16_t)(word << 8 | word >> 8);
}

/* Words in wire order -> one number, most significant word first. */
static uint64_t join_words(const struct tool_tag *tag, const uint16_t *words)
{
        int n = codec_words(tag->type);
        uint64_t raw = 0;
        for (int i = 0; i < n; i++)
                raw = raw << 16 | turn_word(tag, words[swaps_words(tag->order) ? n - 1 - i : i]);
        return raw;
}

static void split_words(const struct tool_tag *tag, uint64_t raw, uint16_t *words)
{
        int n = codec_words(tag->type);
        for (int i = n - 1; i >= 0; i--) {
                words[swaps_words(tag->order) ? n - 1 - i : i] = turn_word(tag, (uint16_t)(raw & 0xffff));
                raw >>= 16;
        }
}

static double float_from_bits(uint32_t bits)
{
        float f;
        memcpy(&f, &bits, sizeof f);
        return (double)f;
}

static double double_from_bits(uint64_t bits)
{
        double d;
        memcpy(&d, &bits, sizeof d);
        return d;
}

/* Two's complement by arithmetic, so that nothing rests on what a cast out of range does. */
static double number_from_bits(enum tool_type type, uint64_t raw)
{
        switch (type) {
        case TOOL_BIT:
                return raw != 0 ? 1.0 : 0.0;
        case TOOL_INT16:
                return raw >= 0x8000 ? (double)raw - 65536.0 : (double)raw;
        case TOOL_INT32:
                return raw >= 0x80000000u ? (double)raw - 4294967296.0 : (double)raw;
        case TOOL_UINT16:
        case TOOL_UINT32:
                return (double)raw;
        case TOOL_FLOAT32:
                return float_from_bits((uint32_t)raw);
        case TOOL_FLOAT64:
                return double_from_bits(raw);
        }
        assert(false && "unknown type");
        return 0.0;
}

double codec_decode(const struct tool_tag *tag, const uint16_t *words)
{
        assert(tag && words);
        return number_from_bits(tag->type, join_words(tag, words)) * tag->scale + tag->offset;
}

/* The nearest integer (halves away from zero) within [min, max], as `bits` bits of two's complement. */
static bool bits_from_integer(double number, double min, double max, uint64_t *raw)
{
        if (!(number > min - 0.5 && number < max + 0.5))
                return false;
        int64_t n = number < 0 ? -(int64_t)(0.5 - number) : (int64_t)(number + 0.5);
        *raw = (uint64_t)n;
        return true;
}

static bool bits_from_float(double number, uint64_t *raw)
{
        const double float_max = 3.4028234663852886e38; /* FLT_MAX */
        if (number > float_max || number < -float_max)
                return false;
        float f = (float)number;
        uint32_t bits;
        memcpy(&bits, &f, sizeof bits);
        *raw = bits;
        return true;
}

static bool bits_from_number(enum tool_type type, double number, uint64_t *raw)
{
        switch (type) {
        case TOOL_BIT:
                return bits_from_integer(number, 0, 1, raw);
        case TOOL_INT16:
                return bits_from_integer(number, -32768, 32767, raw);
        case TOOL_UINT16:
                return bits_from_integer(number, 0, 65535, raw);
        case TOOL_INT32:
                return bits_from_integer(number, -2147483648.0, 2147483647.0, raw);
        case TOOL_UINT32:
                return bits_from_integer(number, 0, 4294967295.0, raw);
        case TOOL_FLOAT32:
                return bits_from_float(number, raw);
        case TOOL_FLOAT64:
                memcpy(raw, &number, sizeof *raw);
                return true;
        }
        assert(false && "unknown type");
        return false;
}

bool codec_encode(const struct tool_tag *tag, double value, uint16_t *words)
{
        assert(tag && words);
        double number = (value - tag->offset) / tag->scale;
        uint64_t raw;
        if (!isfinite(number) || !bits_from_number(tag->type, number, &raw))
                return false; /* NaN and infinities are never commanded */
        split_words(tag, raw, words);
        return true;
}
