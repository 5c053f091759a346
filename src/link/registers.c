#include "ald/link/registers.h"

#include "ald/link/codec.h"    /* codec_decode, codec_encode */
#include "ald/link/watchmap.h" /* watchmap_has */

#include <math.h> /* isfinite */

bool registers_are_bits(enum tool_register reg)
{
        return reg == TOOL_COIL || reg == TOOL_DISCRETE;
}

static int width_of(const struct tool_tag *t)
{
        return registers_are_bits(t->reg) ? 1 : codec_words(t->type);
}

/* The tag that covers an address, or TOOL_NONE. */
static int find_tag(const struct registers *r, int device, enum tool_register reg, int address)
{
        for (int i = 0; i < r->tool->tag_count; i++) {
                const struct tool_tag *t = &r->tool->tags[i];
                if (t->device == device && t->reg == reg && address >= t->address &&
                    address < t->address + width_of(t))
                        return i;
        }
        return TOOL_NONE;
}

static bool is_watchdog(const struct registers *r, int device, enum tool_register reg, int address)
{
        const struct tool_watchdog *dog = &r->tool->devices[device].watchdog;
        return dog->present && reg == TOOL_HOLDING && watchmap_has(dog, address);
}

static bool is_signature(const struct registers *r, int device, enum tool_register reg, int address)
{
        const struct tool_signature *g = &r->tool->devices[device].signature;
        return g->present && g->reg == reg && g->address == address;
}

static bool is_pulse_register(const struct tool_pulse *p, int address)
{
        if (!p->present)
                return false;
        for (int i = 0; i < p->setup_count; i++)
                if (address == p->setup[i].reg)
                        return true;
        return (address >= p->width_register && address < p->width_register + codec_words(p->width_type)) ||
               address == p->start_register || address == p->count_register;
}

/* The first output from `from` on whose module has a register for its pulses there, or TOOL_NONE. Channels may share one. */
static int find_pulser(const struct registers *r, int device, enum tool_register reg, int address, int from)
{
        for (int i = from; reg == TOOL_HOLDING && i < r->tool->tag_count; i++)
                if (r->tool->tags[i].device == device && is_pulse_register(&r->tool->tags[i].pulse, address))
                        return i;
        return TOOL_NONE;
}

/* ---- Reading ---- */

/* The whole tag, so that its words come from one moment. */
static int read_tag(const struct registers *r, int tag, uint16_t *words)
{
        const struct tool_tag *t = &r->tool->tags[tag];
        double value = 0;
        int exception = r->read(r->ctx, tag, &value);
        if (exception != 0)
                return exception;
        if (codec_encode(t, value, words))
                return REGISTERS_OK;
        if (t->type != TOOL_FLOAT32 && t->type != TOOL_FLOAT64)
                return REGISTERS_FAILURE; /* an instrument cannot show what does not fit */
        /* A gauge may show "not a number" (a quiet NaN, whatever the byte order: every word 0x7fff or 0xffff). */
        for (int i = 0; i < codec_words(t->type); i++)
                words[i] = 0xffff;
        return REGISTERS_OK;
}

int registers_read(
    const struct registers *r, int device, enum tool_register reg, int address, int count, uint16_t *words)
{
        for (int i = 0; i < count;) {
                int tag = find_tag(r, device, reg, address + i);
                int exception = REGISTERS_OK;
                if (tag != TOOL_NONE) {
                        uint16_t all[CODEC_WORDS_MAX];
                        int first = address + i - r->tool->tags[tag].address;
                        exception = read_tag(r, tag, all);
                        for (; exception == 0 && first < width_of(&r->tool->tags[tag]) && i < count;
                             first++, i++)
                                words[i] = all[first];
                } else if (is_watchdog(r, device, reg, address + i) && r->read_watchdog) {
                        exception = r->read_watchdog(r->ctx, device, address + i, &words[i]);
                        i++;
                } else if (is_signature(r, device, reg, address + i)) {
                        words[i++] = r->tool->devices[device].signature.value;
                } else if ((tag = find_pulser(r, device, reg, address + i, 0)) != TOOL_NONE &&
                           r->read_pulser) {
                        exception = r->read_pulser(r->ctx, tag, address + i, &words[i]);
                        i++;
                } else {
                        exception = REGISTERS_NO_ADDRESS;
                }
                if (exception != REGISTERS_OK)
                        return exception;
        }
        return REGISTERS_OK;
}

/* ---- Writing: everything is checked before anything is changed ---- */

static int check_write(const struct registers *r, int device, enum tool_register reg, int address, int count,
    const uint16_t *words)
{
        for (int i = 0; i < count;) {
                int tag = find_tag(r, device, reg, address + i);
                if (tag == TOOL_NONE && is_watchdog(r, device, reg, address + i) && r->write_watchdog) {
                        i++;
                        continue;
                }
                if (tag == TOOL_NONE && r->write_pulser &&
                    find_pulser(r, device, reg, address + i, 0) != TOOL_NONE) {
                        i++;
                        continue;
                }
                if (tag == TOOL_NONE || !r->tool->tags[tag].is_output)
                        return REGISTERS_NO_ADDRESS;
                const struct tool_tag *t = &r->tool->tags[tag];
                if (t->address != address + i || i + width_of(t) > count)
                        return REGISTERS_NO_ADDRESS; /* part of a value is no value */
                if (!isfinite(codec_decode(t, words + i)))
                        return REGISTERS_NO_VALUE;
                i += width_of(t);
        }
        return REGISTERS_OK;
}

static int write_pulsers(const struct registers *r, int device, int address, uint16_t word)
{
        int exception = REGISTERS_OK;
        for (int tag = find_pulser(r, device, TOOL_HOLDING, address, 0); tag != TOOL_NONE && exception == 0;
             tag = find_pulser(r, device, TOOL_HOLDING, address, tag + 1))
                exception = r->write_pulser(r->ctx, tag, address, word);
        return exception;
}

int registers_write(const struct registers *r, int device, enum tool_register reg, int address, int count,
    const uint16_t *words)
{
        int exception = check_write(r, device, reg, address, count, words);
        for (int i = 0; exception == 0 && i < count;) {
                int tag = find_tag(r, device, reg, address + i);
                if (tag == TOOL_NONE && find_pulser(r, device, reg, address + i, 0) != TOOL_NONE) {
                        exception = write_pulsers(r, device, address + i, words[i]);
                        i++;
                } else if (tag == TOOL_NONE) {
                        exception = r->write_watchdog(r->ctx, device, address + i, words[i]);
                        i++;
                } else {
                        exception = r->write(r->ctx, tag, codec_decode(&r->tool->tags[tag], words + i));
                        i += width_of(&r->tool->tags[tag]);
                }
        }
        return exception;
}
