#include "ald/core/core_image.h"

#include "core_state.h"

#include "ald/core/trace.h" /* trace_fold_bytes, trace_fold_int */

#include <assert.h> /* assert, static_assert */
#include <stddef.h> /* offsetof */
#include <string.h> /* memcpy, memcmp, memset */

/* Changes with what is written here or folded by the tape, not with the layout of the core. */
enum { FORMAT = 6 };

/* Every part of the core: a part that moves, grows or comes anew gives another fingerprint. */
#define PART(member)                                                                                         \
        {                                                                                                    \
                offsetof(struct core, member), sizeof(((struct core *)NULL)->member)                         \
        }
static const struct {
        size_t at, size;
} parts[] = {PART(now_us), PART(lags), PART(snap), PART(snap.now_us), PART(snap.settled), PART(locks),
    PART(bypasses), PART(outs), PART(outs.out[1]), PART(gauge), PART(state), PART(is_starting_up),
    PART(interrupted_run), PART(reason), PART(store_ok), PART(store_why), PART(next_run_id), PART(link[1]),
    PART(watchdog), PART(proof), PART(proof[1]), PART(token), PART(standby_us), PART(outcome),
    PART(is_run_pending), PART(run_id), PART(run_started_us), PART(at), PART(step_us), PART(true_us),
    PART(recover_us), PART(cycle), PART(cycles_ended), PART(setpoint[1]), PART(guard_us), PART(half),
    PART(half_line), PART(has_half), PART(is_skipping), PART(attempt), PART(reenter), PART(pass_us),
    PART(held_us), PART(step_why), PART(is_confirmed), PART(stop_reason), PART(asked_us), PART(block),
    PART(block.flow[1]), PART(leak), PART(rotation), PART(pulse), PART(pulse.record), PART(stage),
    PART(heater_good_us), PART(alarms), PART(plausible), PART(trend), PART(trend.past), PART(counts),
    PART(counts.bottle[1]), PART(logged[1])};

/* The pointers, in the order of their places; each takes no part in the image. */
static const size_t pointers[] = {offsetof(struct core, tool), offsetof(struct core, locks.tool),
    offsetof(struct core, outs.tool), offsetof(struct core, recipe), offsetof(struct core, out)};
enum { POINTERS = sizeof pointers / sizeof pointers[0] };
static_assert(offsetof(struct core, tool) < offsetof(struct core, locks.tool) &&
                  offsetof(struct core, locks.tool) < offsetof(struct core, outs.tool) &&
                  offsetof(struct core, outs.tool) < offsetof(struct core, recipe) &&
                  offsetof(struct core, recipe) < offsetof(struct core, out) &&
                  offsetof(struct core, out) + sizeof(void *) <= sizeof(struct core),
    "pointers stand in the order of their places");

static uint64_t fingerprint(void)
{
        static const uint16_t order = 1;
        uint64_t hash = trace_fold_int(TRACE_START, FORMAT);

        hash = trace_fold_bytes(hash, &order, sizeof order); /* the machine's order of bytes */
        hash = trace_fold_int(hash, (int64_t)sizeof(struct core));
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
                hash = trace_fold_int(hash, (int64_t)parts[i].at);
                hash = trace_fold_int(hash, (int64_t)parts[i].size);
        }
        for (int i = 0; i < POINTERS; i++)
                hash = trace_fold_int(hash, (int64_t)pointers[i]);
        return hash;
}

/* Zeros in a row are told by their number from this many on: shorter ones cost more told than written. */
enum { ZEROS_MIN = 4 };

size_t core_image_size_max(void)
{
        /* At worst every ZEROS_MIN + 1 bytes are told with two numbers of a byte. */
        return 64 + sizeof(struct core) * 2;
}

static size_t count_zeros(const unsigned char *at, size_t len)
{
        static const unsigned char zeros[64];
        size_t n = 0;

        while (len - n >= sizeof zeros && memcmp(at + n, zeros, sizeof zeros) == 0)
                n += sizeof zeros;
        while (n < len && at[n] == 0)
                n++;
        return n;
}

/* Up to where bytes are written as they are: to the end, or to zeros enough. */
static size_t count_bytes(const unsigned char *at, size_t len)
{
        size_t n = 0, zeros = 0;

        while (n < len && zeros < ZEROS_MIN)
                zeros = at[n++] == 0 ? zeros + 1 : 0;
        return zeros == ZEROS_MIN ? n - zeros : n;
}

/* A stretch without pointers: zeros, bytes, zeros, bytes ... */
static void put_stretch(struct bytes_out *out, const unsigned char *at, size_t len)
{
        for (size_t i = 0; i < len;) {
                size_t zeros = count_zeros(at + i, len - i);
                size_t bytes = count_bytes(at + i + zeros, len - i - zeros);

                bytes_put_varint(out, zeros);
                bytes_put_varint(out, bytes);
                bytes_put(out, at + i + zeros, bytes);
                i += zeros + bytes;
        }
}

static bool take_stretch(struct bytes_in *in, unsigned char *to, size_t len)
{
        for (size_t i = 0; i < len;) {
                uint64_t zeros = bytes_take_varint(in), bytes = bytes_take_varint(in);
                const unsigned char *at;

                if (in->is_bad || zeros > len - i || bytes > len - i - zeros || zeros + bytes == 0)
                        return false;
                at = bytes_take(in, (size_t)bytes);
                if (at == NULL)
                        return false;
                memset(to + i, 0, (size_t)zeros);
                memcpy(to + i + zeros, at, (size_t)bytes);
                i += (size_t)(zeros + bytes);
        }
        return true;
}

void core_image_put(const struct core *core, struct bytes_out *out)
{
        const unsigned char *at = (const unsigned char *)core;
        size_t begun = out->len, from = 0;

        assert(core->out == NULL);
        bytes_put_fixed(out, fingerprint(), 8);
        for (int i = 0; i < POINTERS; i++) {
                put_stretch(out, at + from, pointers[i] - from);
                from = pointers[i] + sizeof(void *);
        }
        put_stretch(out, at + from, sizeof *core - from);
        if (!out->is_full)
                bytes_put_fixed(
                    out, trace_fold_bytes(TRACE_START, out->at + begun, (uint32_t)(out->len - begun)), 8);
}

/* The bytes are looked at twice: nothing is taken before all is known to be whole. */
static bool is_whole(struct bytes_in in)
{
        size_t begun = in.pos, len = bytes_left(&in);

        if (len < 16)
                return false;
        in.pos += len - 8;
        return bytes_take_fixed(&in, 8) == trace_fold_bytes(TRACE_START, in.at + begun, (uint32_t)(len - 8));
}

enum core_image_is core_image_take(
    struct core *core, struct bytes_in *in, const struct recipe *recipe, int64_t *now_us, int64_t *wall_us)
{
        unsigned char *to = (unsigned char *)core;
        const struct tool *tool = core->tool;
        size_t from = 0;

        if (!is_whole(*in))
                return CORE_IMAGE_DAMAGED;
        if (bytes_take_fixed(in, 8) != fingerprint())
                return CORE_IMAGE_FOREIGN;
        for (int i = 0; i < POINTERS; i++) {
                if (!take_stretch(in, to + from, pointers[i] - from))
                        return CORE_IMAGE_DAMAGED;
                from = pointers[i] + sizeof(void *);
        }
        if (!take_stretch(in, to + from, sizeof *core - from))
                return CORE_IMAGE_DAMAGED;
        assert(core->tool == tool && core->locks.tool == tool && core->outs.tool == tool);
        core->recipe = recipe;
        core->out = NULL;
        *now_us = core->now_us;
        *wall_us = core->wall_us;
        return CORE_IMAGE_TAKEN;
}
