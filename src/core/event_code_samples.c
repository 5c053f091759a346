/* Values as bytes: a sensor that rests, or plays between a few numbers, costs a byte. */
#include "event_code_parts.h"

#include <assert.h> /* assert, static_assert */
#include <string.h> /* memcpy */

/* A sample begins with a byte: how its value is written (a number below EVENT_CODE_RECENT: one of the recent ones), and what
 * else follows because it is not as usual. */
enum {
        VALUE_MASK = 0x0f,
        VALUE_FLOAT = 8,  /* four bytes */
        VALUE_DOUBLE = 9, /* eight */
        TAG_FOLLOWS = 0x10,
        TIME_FOLLOWS = 0x20,
        QUALITY_FOLLOWS = 0x40
};
enum { SAMPLE_MAX = 1 + 4 * BYTES_VARINT_MAX + 8 };
static_assert(EVENT_CODE_MAX >= 64 + EVENT_SAMPLES_MAX * SAMPLE_MAX, "the longest samples fit");

/* The place of these bits among the recent ones of a tag, EVENT_CODE_RECENT = not there; they are the newest then. */
static int use_recent(uint64_t *recent, uint64_t bits)
{
        int at = 0;

        while (at < EVENT_CODE_RECENT && recent[at] != bits)
                at++;
        for (int i = at < EVENT_CODE_RECENT ? at : EVENT_CODE_RECENT - 1; i > 0; i--)
                recent[i] = recent[i - 1];
        recent[0] = bits;
        return at;
}

/* A double that a float holds bit for bit (a NaN may not be held so). */
static bool fits_float(double value, uint32_t *bits)
{
        float f;

        if (!(value >= -3.0e38 && value <= 3.0e38))
                return false;
        f = (float)value;
        memcpy(bits, &f, sizeof f);
        return event_code_double_bits((double)f) == event_code_double_bits(value);
}

static void put_sample(
    struct event_code *code, const struct sample *s, int tag_before, int64_t t_before, struct bytes_out *out)
{
        uint64_t bits = event_code_double_bits(s->value);
        int value = use_recent(code->tag[s->tag].recent, bits);
        uint32_t narrow = 0;
        bool is_usual = s->quality == QUALITY_GOOD && s->why == QUALITY_WHY_NONE;

        if (value == EVENT_CODE_RECENT)
                value = fits_float(s->value, &narrow) ? VALUE_FLOAT : VALUE_DOUBLE;
        bytes_put_u8(
            out, (uint8_t)(value | (s->tag != tag_before + 1 ? TAG_FOLLOWS : 0) |
                           (s->t_us != t_before ? TIME_FOLLOWS : 0) | (is_usual ? 0 : QUALITY_FOLLOWS)));
        if (s->tag != tag_before + 1)
                bytes_put_signed(out, s->tag);
        if (s->t_us != t_before)
                event_code_put_time(out, code->now_us, s->t_us);
        if (!is_usual) {
                bytes_put_signed(out, s->quality);
                bytes_put_signed(out, s->why);
        }
        if (value == VALUE_FLOAT)
                bytes_put_fixed(out, narrow, 4);
        else if (value == VALUE_DOUBLE)
                bytes_put_fixed(out, bits, 8);
}

void event_code_put_samples(struct event_code *code, const struct event *event, struct bytes_out *out)
{
        int64_t t_us = code->now_us;
        int tag = -1;

        bytes_put_varint(out, (uint64_t)event->u.samples.count);
        bytes_put_signed(out, event->u.samples.seq - code->seq);
        code->seq = event->u.samples.seq;
        for (int i = 0; i < event->u.samples.count; i++) {
                const struct sample *s = &event->u.samples.item[i];

                assert(s->tag >= 0 && s->tag < TOOL_TAGS_MAX);
                put_sample(code, s, tag, t_us, out);
                tag = s->tag;
                t_us = s->t_us;
        }
}

static uint64_t take_value(struct event_code *code, struct bytes_in *in, int tag, int how)
{
        uint64_t bits = 0;

        if (how < EVENT_CODE_RECENT) {
                bits = code->tag[tag].recent[how];
        } else if (how == VALUE_FLOAT) {
                uint32_t narrow = (uint32_t)bytes_take_fixed(in, 4);
                float f;

                memcpy(&f, &narrow, sizeof f);
                bits = event_code_double_bits((double)f);
        } else if (how == VALUE_DOUBLE) {
                bits = bytes_take_fixed(in, 8);
        } else {
                in->is_bad = true;
        }
        use_recent(code->tag[tag].recent, bits);
        return bits;
}

static void take_sample(struct event_code *code, struct bytes_in *in, const struct tool *tool, int tag_before,
    int64_t t_before, struct sample *s)
{
        uint8_t head = bytes_take_u8(in);
        int tag =
            (head & TAG_FOLLOWS) != 0 ? event_code_take_from(in, 0, tool->tag_count - 1) : tag_before + 1;

        *s = (struct sample){.quality = QUALITY_GOOD, .why = QUALITY_WHY_NONE, .t_us = t_before};
        if (in->is_bad || tag >= tool->tag_count || (head & 0x80) != 0) {
                in->is_bad = true;
                return;
        }
        s->tag = (int16_t)tag;
        if ((head & TIME_FOLLOWS) != 0)
                s->t_us = event_code_take_time(in, code->now_us);
        if ((head & QUALITY_FOLLOWS) != 0) {
                s->quality = (uint8_t)event_code_take_from(in, QUALITY_GOOD, QUALITY_BAD);
                s->why = (uint8_t)event_code_take_from(in, QUALITY_WHY_NONE, QUALITY_WHY_FROZEN);
        }
        s->value = event_code_bits_double(take_value(code, in, tag, head & VALUE_MASK));
}

void event_code_take_samples(
    struct event_code *code, struct bytes_in *in, const struct tool *tool, struct event *event)
{
        uint64_t count = bytes_take_varint(in);
        int64_t t_us = code->now_us;
        int tag = -1;

        if (count > EVENT_SAMPLES_MAX)
                in->is_bad = true;
        /* Wraps round rather than overflows: the bytes may be anything. */
        code->seq = (int64_t)((uint64_t)code->seq + (uint64_t)bytes_take_signed(in));
        event->u.samples.seq = code->seq;
        event->u.samples.count = in->is_bad ? 0 : (int)count;
        for (int i = 0; i < event->u.samples.count && !in->is_bad; i++) {
                struct sample *s = &event->u.samples.item[i];

                take_sample(code, in, tool, tag, t_us, s);
                tag = s->tag;
                t_us = s->t_us;
        }
}
