#include "event_code_parts.h"

#include <assert.h> /* assert, static_assert */
#include <string.h> /* memset */

/* An event begins with a byte: its kind in the low bits; above them by how much the wall clock ran away from the monotonic one
 * since the event before, + OFFSET_MID, where that is little (the two clocks are read one after the other). */
enum { KIND_BITS = 3, KIND_MASK = (1 << KIND_BITS) - 1, OFFSET_MID = 15, OFFSET_FOLLOWS = 31 };

static const char *const kinds[] = {[EVENT_TICK] = "tick",
    [EVENT_SAMPLES] = "samples",
    [EVENT_WROTE] = "wrote",
    [EVENT_PULSE] = "pulse",
    [EVENT_LINK] = "link",
    [EVENT_WATCHDOG] = "watchdog",
    [EVENT_COMMAND] = "command",
    [EVENT_STORE] = "store"};
enum { KINDS = sizeof kinds / sizeof kinds[0] };
static_assert(KINDS <= KIND_MASK + 1, "every kind has its number");

const char *event_code_kind(enum event_kind kind)
{
        assert((int)kind >= 0 && (int)kind < KINDS);
        return kinds[kind];
}

void event_code_init(struct event_code *code, int64_t now_us, int64_t wall_us)
{
        memset(code, 0, sizeof *code);
        code->now_us = now_us;
        code->offset_us = wall_us - now_us;
}

static void put_body(struct event_code *code, const struct event *event, struct bytes_out *out)
{
        switch (event->kind) {
        case EVENT_TICK:
                break;
        case EVENT_SAMPLES:
                event_code_put_samples(code, event, out);
                break;
        case EVENT_WROTE:
                event_code_put_wrote(code, &event->u.wrote, out);
                break;
        case EVENT_PULSE:
                event_code_put_pulse(code, &event->u.pulse, out);
                break;
        case EVENT_LINK:
                bytes_put_signed(out, event->u.link.link);
                bytes_put_u8(out, event->u.link.up);
                bytes_put_text(out, event->u.link.why, sizeof event->u.link.why);
                break;
        case EVENT_WATCHDOG:
                event_code_put_watchdog(code, &event->u.watchdog, out);
                break;
        case EVENT_COMMAND:
                event_code_put_command(&event->u.command, out);
                break;
        case EVENT_STORE:
                bytes_put_u8(out, event->u.store.ok);
                bytes_put_text(out, event->u.store.why, sizeof event->u.store.why);
                break;
        }
}

void event_code_put(struct event_code *code, const struct event *event, struct bytes_out *out)
{
        int64_t offset_us = event->wall_us - event->now_us, ran_us = offset_us - code->offset_us;
        bool is_little = ran_us >= -OFFSET_MID && ran_us < OFFSET_FOLLOWS - OFFSET_MID;

        assert(event->now_us >= code->now_us);
        bytes_put_u8(out,
            (uint8_t)(event->kind | (is_little ? (int)ran_us + OFFSET_MID : OFFSET_FOLLOWS) << KIND_BITS));
        if (!is_little)
                bytes_put_signed(out, ran_us);
        bytes_put_varint(out, (uint64_t)(event->now_us - code->now_us));
        code->now_us = event->now_us;
        code->offset_us = offset_us;
        put_body(code, event, out);
}

static void take_body(struct event_code *code, struct bytes_in *in, const struct tool *tool,
    const struct recipe *recipe, struct event *event)
{
        switch (event->kind) {
        case EVENT_TICK:
                break;
        case EVENT_SAMPLES:
                event_code_take_samples(code, in, tool, event);
                break;
        case EVENT_WROTE:
                event_code_take_wrote(code, in, tool, &event->u.wrote);
                break;
        case EVENT_PULSE:
                event_code_take_pulse(code, in, tool, &event->u.pulse);
                break;
        case EVENT_LINK:
                event->u.link.link = (int16_t)event_code_take_from(in, 0, tool->link_count - 1);
                event->u.link.up = bytes_take_u8(in) != 0;
                bytes_take_text(in, event->u.link.why, sizeof event->u.link.why);
                break;
        case EVENT_WATCHDOG:
                event_code_take_watchdog(code, in, tool, &event->u.watchdog);
                break;
        case EVENT_COMMAND:
                event_code_take_command(in, tool, recipe, &event->u.command);
                break;
        case EVENT_STORE:
                event->u.store.ok = bytes_take_u8(in) != 0;
                bytes_take_text(in, event->u.store.why, sizeof event->u.store.why);
                break;
        }
}

/* The event's times. The clock of a century stays in range whatever the bytes say. */
static bool take_times(struct event_code *code, struct bytes_in *in, int ran, struct event *event)
{
        int64_t ran_us = ran == OFFSET_FOLLOWS ? bytes_take_signed(in) : ran - OFFSET_MID;
        uint64_t passed_us = bytes_take_varint(in);

        if (in->is_bad || passed_us > (uint64_t)EVENT_CODE_APART_US || ran_us > EVENT_CODE_APART_US ||
            ran_us < -EVENT_CODE_APART_US || code->now_us > INT64_MAX / 2 ||
            code->offset_us > INT64_MAX / 4 || code->offset_us < -INT64_MAX / 4)
                return false;
        code->now_us += (int64_t)passed_us;
        code->offset_us += ran_us;
        event->now_us = code->now_us;
        event->wall_us = code->now_us + code->offset_us;
        return true;
}

bool event_code_take(struct event_code *code, struct bytes_in *in, const struct tool *tool,
    const struct recipe *recipe, struct event *event)
{
        uint8_t head = bytes_take_u8(in);

        if ((head & KIND_MASK) >= KINDS || !take_times(code, in, head >> KIND_BITS, event))
                in->is_bad = true;
        if (in->is_bad)
                return false;
        event->kind = (enum event_kind)(head & KIND_MASK);
        take_body(code, in, tool, recipe, event);
        return !in->is_bad;
}
