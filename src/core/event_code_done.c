/* The ends of writes and pulses as bytes. */
#include "event_code_parts.h"

void event_code_put_wrote(const struct event_code *code, const struct event_wrote *w, struct bytes_out *out)
{
        bytes_put_signed(out, w->tag);
        bytes_put_signed(out, w->cause);
        bytes_put_u8(out, (uint8_t)(w->ok | w->unasked << 1));
        bytes_put_varint(out, w->id);
        bytes_put_fixed(out, event_code_double_bits(w->value), 8);
        event_code_put_time(out, code->now_us, w->sent_us);
        event_code_put_time(out, code->now_us, w->acked_us);
}

static int event_code_take_output(struct bytes_in *in, const struct tool *tool)
{
        int tag = event_code_take_from(in, 0, tool->tag_count - 1);

        if (!in->is_bad && !tool->tags[tag].is_output)
                in->is_bad = true;
        return tag;
}

/* Nobody writes what the tool file does not allow; the core relies on it. */
static bool is_allowed(const struct tool_tag *t, double value)
{
        if (t->is_bit)
                return value >= 0 && value <= 1;
        return (value >= t->limit_min && value <= t->limit_max) || (value >= t->safe && value <= t->safe);
}

void event_code_take_wrote(
    const struct event_code *code, struct bytes_in *in, const struct tool *tool, struct event_wrote *w)
{
        uint8_t flags;

        w->tag = (int16_t)event_code_take_output(in, tool);
        w->cause = (uint8_t)event_code_take_from(in, 0, CAUSE_COUNT - 1);
        flags = bytes_take_u8(in);
        w->ok = (flags & 1) != 0;
        w->unasked = (flags & 2) != 0;
        w->id = event_code_take_id(in);
        w->value = event_code_bits_double(bytes_take_fixed(in, 8));
        w->sent_us = event_code_take_time(in, code->now_us);
        w->acked_us = event_code_take_time(in, code->now_us);
        if (!in->is_bad && !is_allowed(&tool->tags[w->tag], w->value))
                in->is_bad = true;
}

void event_code_put_pulse(const struct event_code *code, const struct event_pulse *p, struct bytes_out *out)
{
        bytes_put_varint(out, p->id);
        bytes_put_signed(out, p->tag);
        bytes_put_signed(out, p->outcome);
        event_code_put_time(out, code->now_us, p->open_sent_us);
        event_code_put_time(out, code->now_us, p->open_acked_us);
        event_code_put_time(out, code->now_us, p->close_sent_us);
        event_code_put_time(out, code->now_us, p->close_acked_us);
        bytes_put_u8(out, p->is_device_timed);
        bytes_put_fixed(out, event_code_double_bits(p->used_umol), 8);
}

void event_code_take_pulse(
    const struct event_code *code, struct bytes_in *in, const struct tool *tool, struct event_pulse *p)
{
        p->id = event_code_take_id(in);
        p->tag = (int16_t)event_code_take_output(in, tool);
        p->outcome = (uint8_t)event_code_take_from(in, 0, PULSE_OUTCOME_COUNT - 1);
        p->open_sent_us = event_code_take_time(in, code->now_us);
        p->open_acked_us = event_code_take_time(in, code->now_us);
        p->close_sent_us = event_code_take_time(in, code->now_us);
        p->close_acked_us = event_code_take_time(in, code->now_us);
        p->is_device_timed = bytes_take_u8(in) != 0;
        p->used_umol = event_code_bits_double(bytes_take_fixed(in, 8));
        if (!(p->used_umol >= 0 && p->used_umol <= EVENT_CODE_UMOL_MAX))
                in->is_bad = true;
}

void event_code_put_watchdog(
    const struct event_code *code, const struct event_watchdog *w, struct bytes_out *out)
{
        bytes_put_signed(out, w->device);
        bytes_put_u8(out, (uint8_t)(w->status | w->proof << 2));
        bytes_put_signed(out, w->count);
        event_code_put_time(out, code->now_us, w->seen_us);
        if (w->proof == WATCHDOG_PROOF_NO_NEWS)
                return;
        bytes_put_signed(out, w->measured_us);
        bytes_put_text(out, w->why, sizeof w->why);
}

void event_code_take_watchdog(
    const struct event_code *code, struct bytes_in *in, const struct tool *tool, struct event_watchdog *w)
{
        uint8_t flags;

        w->device = (int16_t)event_code_take_from(in, 0, tool->device_count - 1);
        flags = bytes_take_u8(in);
        w->status = flags & 3;
        w->proof = flags >> 2;
        w->count = event_code_take_from(in, -1, UINT16_MAX);
        w->seen_us = event_code_take_time(in, code->now_us);
        if (w->status > TOOL_WATCHDOG_EXPIRED || w->proof >= WATCHDOG_PROOF_COUNT)
                in->is_bad = true;
        if (in->is_bad || w->proof == WATCHDOG_PROOF_NO_NEWS)
                return;
        w->measured_us = bytes_take_signed(in);
        bytes_take_text(in, w->why, sizeof w->why);
        if (w->measured_us < -EVENT_CODE_APART_US || w->measured_us > EVENT_CODE_APART_US)
                in->is_bad = true;
}
