/* A serial line in virtual time, with units on it that answer late, not at all, in pieces, twice or in another's name.
 * Bytes have times; they are put together as libmodbus does, and judged by the code that judges them in the daemon. What a
 * register shows tells its unit, its address and the moment it was asked for. */
#ifndef TESTS_UNIT_SERIAL_RIG_H
#define TESTS_UNIT_SERIAL_RIG_H

#include "ald/base/random.h"     /* random_between */
#include "ald/base/time.h"       /* TIME_MS, time_min */
#include "ald/bus/frame.h"       /* frame_request_rtu, frame_reply_rtu */
#include "ald/core/tool.h"       /* struct tool */
#include "ald/link/quarantine.h" /* quarantine_silence_us */
#include "ald/link/registers.h"  /* registers_are_bits */

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { SERIAL_BYTES = 4096, SERIAL_DEEDS = 64, SERIAL_UNITS = 8, SERIAL_PLACES = 512 };
/* Holding registers from here on show what was written. */
enum { SERIAL_STORED = 400 };
#define SERIAL_CHAR_US INT64_C(573) /* 11 bits at 19200 baud */

struct serial_deed {
        int64_t at_us;
        int unit, address;
        uint16_t word;
};

struct serial_rig {
        struct tool *tool;
        struct random dice;
        int64_t now_us;
        int64_t worst_us;                                      /* no answer comes later after its request */
        int late, lost, dripped, cut, doubled, glued, foreign; /* per mille of the requests */
        int late_unit;                                         /* the only one that is late, 0 = any */
        bool is_dead[SERIAL_UNITS];
        /* What became of it. */
        int64_t requests, late_count, write_count;
        struct {
                int64_t at_us;
                uint8_t byte;
        } line[SERIAL_BYTES]; /* in order of time */
        int bytes;
        int64_t busy_us[SERIAL_UNITS]; /* a unit does one thing after the other */
        uint8_t reply[FRAME_MAX];      /* the last that was made */
        int reply_len;
        struct serial_deed deed[SERIAL_DEEDS];
        int deeds;
        uint16_t place[SERIAL_UNITS][SERIAL_PLACES]; /* what was written */
};

/* What a register shows when it was asked at t_us. */
static inline uint16_t serial_word(int unit, enum tool_register reg, int address, int64_t t_us)
{
        uint64_t z = random_mix((uint64_t)unit << 32 | (uint64_t)reg << 24 | (uint64_t)address);
        return (uint16_t)random_mix(z ^ (uint64_t)t_us);
}

static inline void serial_put(struct serial_rig *s, int64_t at_us, uint8_t byte)
{
        assert(s->bytes < SERIAL_BYTES);
        int at = s->bytes++;
        for (; at > 0 && s->line[at - 1].at_us > at_us; at--)
                s->line[at] = s->line[at - 1];
        s->line[at].at_us = at_us;
        s->line[at].byte = byte;
}

static inline void serial_put_frame(
    struct serial_rig *s, int64_t at_us, const uint8_t *frame, int len, int64_t step_us)
{
        for (int i = 0; i < len; i++)
                serial_put(s, at_us + i * step_us, frame[i]);
}

static inline int64_t serial_next(const struct serial_rig *s)
{
        return s->bytes > 0 ? s->line[0].at_us : TIME_NEVER;
}

static inline uint8_t serial_take(struct serial_rig *s)
{
        uint8_t byte = s->line[0].byte;
        memmove(s->line, s->line + 1, (size_t)--s->bytes * sizeof s->line[0]);
        return byte;
}

/* Throw away what came until now; how much? */
static inline int serial_discard(struct serial_rig *s)
{
        int n = 0;
        for (; serial_next(s) <= s->now_us; n++)
                serial_take(s);
        return n;
}

/* What has been written and done by now. */
static inline void serial_settle(struct serial_rig *s)
{
        int kept = 0;
        for (int i = 0; i < s->deeds; i++) {
                if (s->deed[i].at_us <= s->now_us)
                        s->place[s->deed[i].unit][s->deed[i].address] = s->deed[i].word;
                else
                        s->deed[kept++] = s->deed[i];
        }
        s->deeds = kept;
}

static inline const struct tool_signature *serial_signature(const struct serial_rig *s, int unit)
{
        for (int i = 0; i < s->tool->device_count; i++)
                if (s->tool->devices[i].slave_id == unit)
                        return &s->tool->devices[i].signature;
        return NULL;
}

static inline uint16_t serial_show(
    const struct serial_rig *s, int unit, enum tool_register reg, int address, int64_t t_us)
{
        const struct tool_signature *g = serial_signature(s, unit);
        if (g && g->present && g->reg == reg && g->address == address)
                return g->value;
        if (reg == TOOL_HOLDING && address >= SERIAL_STORED)
                return s->place[unit][address];
        return serial_word(unit, reg, address, t_us);
}

static inline int serial_answer(struct serial_rig *s, const struct sched_action *a, uint8_t *f)
{
        int len = 3;
        if (a->kind == SCHED_WRITE) {
                frame_request_rtu(a, f);
                return frame_seal_rtu(f, 6);
        }
        static const uint8_t functions[] = {
            [TOOL_COIL] = 1, [TOOL_DISCRETE] = 2, [TOOL_INPUT] = 4, [TOOL_HOLDING] = 3};
        f[0] = (uint8_t)a->slave_id;
        f[1] = functions[a->reg];
        if (registers_are_bits(a->reg)) {
                f[2] = (uint8_t)((a->count + 7) / 8);
                memset(f + 3, 0, f[2]);
                for (int i = 0; i < a->count; i++)
                        f[3 + i / 8] |= (uint8_t)((s->place[a->slave_id][a->address + i] & 1) << i % 8);
                return frame_seal_rtu(f, 3 + f[2]);
        }
        f[2] = (uint8_t)(2 * a->count);
        for (int i = 0; i < a->count; i++, len += 2) {
                uint16_t w = serial_show(s, a->slave_id, a->reg, a->address + i, s->now_us);
                f[len] = (uint8_t)(w >> 8);
                f[len + 1] = (uint8_t)w;
        }
        return frame_seal_rtu(f, len);
}

/* The unit does it at at_us. */
static inline void serial_do(struct serial_rig *s, const struct sched_action *a, int64_t at_us)
{
        s->write_count++;
        for (int i = 0; i < a->count; i++) {
                assert(s->deeds < SERIAL_DEEDS && a->address + i < SERIAL_PLACES);
                s->deed[s->deeds++] = (struct serial_deed){at_us, a->slave_id, a->address + i, a->words[i]};
        }
}

static inline bool serial_draw(struct serial_rig *s, int *left, int per_mille)
{
        *left -= per_mille;
        (void)s;
        return *left < 0;
}

/* A request leaves now, to be answered within limit_us. */
static inline void serial_send(struct serial_rig *s, const struct sched_action *a)
{
        uint8_t old[FRAME_MAX], f[FRAME_MAX];
        int old_len = s->reply_len, luck = (int)random_below(&s->dice, 1000);
        int64_t heard_us = s->now_us + 8 * SERIAL_CHAR_US + 2000;
        s->requests++;
        if (s->is_dead[a->slave_id])
                return;
        if (serial_next(s) < heard_us && random_chance(&s->dice, 500))
                return; /* it met another's bytes */
        memcpy(old, s->reply, sizeof old);
        int len = serial_answer(s, a, f);
        int64_t at_us = heard_us + random_between(&s->dice, 200, 5000), step_us = SERIAL_CHAR_US;
        bool is_late = (s->late_unit == 0 || s->late_unit == a->slave_id) && serial_draw(s, &luck, s->late);
        if (is_late)
                at_us = s->now_us +
                        random_between(&s->dice, s->tool->links[0].timeout_us, s->worst_us - len * step_us);
        int64_t free_us = s->busy_us[a->slave_id] > heard_us ? s->busy_us[a->slave_id] : heard_us;
        if (at_us < free_us)
                at_us = free_us;
        s->busy_us[a->slave_id] = at_us + len * step_us;
        s->late_count += is_late;
        if (a->kind == SCHED_WRITE)
                serial_do(s, a, is_late && random_chance(&s->dice, 500) ? at_us : free_us);
        memcpy(s->reply, f, sizeof f);
        s->reply_len = len;
        if (serial_draw(s, &luck, s->lost))
                return;
        if (serial_draw(s, &luck, s->foreign)) {
                f[0] = (uint8_t)(f[0] % 4 + 1);
                frame_seal_rtu(f, len - 2);
        }
        if (serial_draw(s, &luck, s->dripped))
                step_us = (s->worst_us - 20000) / len;
        if (serial_draw(s, &luck, s->cut))
                len = (int)random_between(&s->dice, 1, len - 1);
        serial_put_frame(s, at_us, f, len, step_us);
        if (serial_draw(s, &luck, s->doubled))
                serial_put_frame(s, at_us + len * step_us + random_below(&s->dice, 30000), f, len, step_us);
        if (serial_draw(s, &luck, s->glued))
                serial_put_frame(s, at_us + len * step_us, old, old_len, step_us);
}

/* How many bytes a reply has that begins like this; libmodbus asks no more of it (3.1.6, compute_*_length_after_*). */
static inline int serial_reply_length(const uint8_t *f, int len)
{
        if (len < 2)
                return 2;
        if (f[1] == 5 || f[1] == 6 || f[1] == 15 || f[1] == 16)
                return 8;
        if (len < 3)
                return 3;
        return 5 + (f[1] <= 4 ? f[2] : 0);
}

static inline void serial_receive(struct serial_rig *s, const struct sched_action *a, struct sched_result *r)
{
        uint8_t f[300];
        int len = 0;
        while (len < serial_reply_length(f, len)) {
                if (serial_next(s) > a->limit_us) {
                        s->now_us = a->limit_us;
                        r->outcome = SCHED_TIMEOUT;
                        return;
                }
                if (serial_next(s) > s->now_us)
                        s->now_us = serial_next(s);
                f[len++] = serial_take(s);
                if (serial_reply_length(f, len) > 256) {
                        r->outcome = SCHED_BAD_FRAME;
                        return;
                }
        }
        frame_reply_rtu(a, f, len, r);
}

/* Read until silent. False: it does not fall silent. */
static inline bool serial_drain(struct serial_rig *s, int64_t until_us)
{
        int64_t silence_us = quarantine_silence_us(&s->tool->links[0]);
        if (serial_discard(s) == 0)
                return true;
        while (serial_next(s) <= s->now_us + silence_us) {
                s->now_us = serial_next(s);
                serial_discard(s);
                if (s->now_us >= until_us)
                        return false;
        }
        s->now_us += silence_us;
        return true;
}

/* One call, as bus/serial.h makes it. */
static inline void serial_call(struct serial_rig *s, const struct sched_action *a, struct sched_result *r)
{
        memset(r, 0, sizeof *r);
        r->sent_us = s->now_us;
        if (a->kind == SCHED_READ || a->kind == SCHED_WRITE) {
                bool is_silent = a->drains
                                     ? serial_drain(s, time_min(a->limit_us, s->now_us + 20 * TIME_MS)) ||
                                           a->kind == SCHED_WRITE
                                     : serial_discard(s) == 0;
                r->sent_us = s->now_us;
                if (!is_silent) {
                        r->outcome = SCHED_BAD_FRAME;
                } else {
                        serial_send(s, a);
                        serial_receive(s, a, r);
                }
        }
        serial_settle(s);
        r->done_us = s->now_us;
}

#endif
