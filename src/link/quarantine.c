#include "ald/link/quarantine.h"

#include "ald/base/text.h"      /* text_add */
#include "ald/base/time.h"      /* time_add */
#include "ald/link/codec.h"     /* codec_words */
#include "ald/link/registers.h" /* registers_are_bits */
#include "ald/link/watchmap.h"  /* watchmap_has */

#include <assert.h> /* assert */
#include <string.h> /* memset */

_Static_assert((int)TOOL_DEVICES_MAX <= 32, "a bit for each device");

int64_t quarantine_length_us(const struct tool *tool, int link)
{
        int64_t length = 3 * tool->links[link].timeout_us;
        for (int i = 0; i < tool->device_count; i++) {
                const struct tool_device *d = &tool->devices[i];
                if ((d->link == link || d->poll_link == link) && d->answer_us_max > length)
                        length = d->answer_us_max;
        }
        return length;
}

/* Above 19,200 baud a fixed time (Modbus over serial line 1.02, 2.5.1.1). */
int64_t quarantine_silence_us(const struct tool_link *link)
{
        enum { TENTHS = 35, BITS = 11 };
        if (link->baud > 19200 || link->baud <= 0)
                return 1750;
        return (int64_t)TENTHS * BITS * 100000 / link->baud;
}

/* ---- The choice of a probe ---- */

static int bytes_of(enum tool_register reg, int count)
{
        return registers_are_bits(reg) ? (count + 7) / 8 : 2 * count;
}

static bool is_alike(enum tool_register reg, int count, enum tool_register other_reg, int other_count)
{
        return reg == other_reg && bytes_of(reg, count) == bytes_of(other_reg, other_count);
}

/* The watchdog is asked and read back over the link of its writes, one register at a time. */
static bool has_watch(const struct tool *tool, int link, int device)
{
        return tool->devices[device].link == link && tool->devices[device].watchdog.present;
}

static bool is_read(const struct tool *tool, int link, const struct plan *plan, int device)
{
        for (int i = 0; i < plan->count; i++)
                if (plan->request[i].device == device)
                        return true;
        return has_watch(tool, link, device);
}

struct search {
        const struct tool *tool;
        const struct plan *plan;
        int link, device;
        struct quarantine_read best;
};

/* Take a read that no other of the unit is like; the shortest is the best. */
static void offer(struct search *s, enum tool_register reg, int address, int count)
{
        if (has_watch(s->tool, s->link, s->device) && is_alike(reg, count, TOOL_HOLDING, 1))
                return;
        int lamp = s->tool->devices[s->device].proof_output;
        if (lamp >= 0 && is_alike(reg, count, s->tool->tags[lamp].reg, 1))
                return;
        for (int i = 0; i < s->plan->count; i++) {
                const struct plan_request *r = &s->plan->request[i];
                if (r->device == s->device && is_alike(reg, count, r->reg, r->count))
                        return;
        }
        if (count <= 0 || (s->best.count > 0 && bytes_of(s->best.reg, s->best.count) <= bytes_of(reg, count)))
                return;
        const struct tool_signature *g = &s->tool->devices[s->device].signature;
        s->best = (struct quarantine_read){.reg = reg, .address = address, .count = count};
        s->best.is_signature = g->present && g->reg == reg && g->address == address && count == 1;
}

static void offer_signature(struct search *s)
{
        const struct tool_signature *g = &s->tool->devices[s->device].signature;
        if (g->present)
                offer(s, g->reg, g->address, 1);
}

static int end_of(const struct tool_tag *t)
{
        return t->address + (registers_are_bits(t->reg) ? 1 : codec_words(t->type));
}

/* The beginning of a planned read, up to the end of one of its tags. */
static void offer_tags(struct search *s)
{
        for (int i = 0; i < s->plan->count; i++) {
                const struct plan_request *r = &s->plan->request[i];
                for (int k = 0; r->device == s->device && k < r->tag_count; k++)
                        offer(s, r->reg, r->address, end_of(&s->tool->tags[r->tags[k]]) - r->address);
        }
}

static void offer_parts(struct search *s)
{
        for (int i = 0; i < s->plan->count; i++) {
                const struct plan_request *r = &s->plan->request[i];
                for (int count = 1; r->device == s->device && r->tag_count > 0 && count < r->count; count++)
                        offer(s, r->reg, r->address, count);
        }
}

static void offer_others(struct search *s)
{
        for (int i = 0; i < s->tool->tag_count; i++) {
                const struct tool_tag *t = &s->tool->tags[i];
                if (t->device == s->device)
                        offer(s, t->reg, t->address, end_of(t) - t->address);
        }
}

static void offer_watchdog(struct search *s)
{
        const struct tool_watchdog *w = &s->tool->devices[s->device].watchdog;
        for (int i = 0; w->present && i < 65535; i++)
                if (watchmap_has(w, i) && watchmap_has(w, i + 1))
                        offer(s, TOOL_HOLDING, i, 2);
}

static struct quarantine_read find_probe(
    const struct tool *tool, int link, const struct plan *plan, int device)
{
        static void (*const offers[])(struct search *) = {
            offer_signature, offer_tags, offer_parts, offer_others, offer_watchdog};
        struct search s = {.tool = tool, .plan = plan, .link = link, .device = device};
        for (size_t i = 0; i < sizeof offers / sizeof offers[0] && s.best.count == 0; i++)
                offers[i](&s);
        return s.best;
}

bool quarantine_check(const struct tool *tool, int link, const struct plan *plan, struct text *why)
{
        assert(tool && plan && link >= 0 && link < tool->link_count);
        for (int i = 0; tool->links[link].kind == TOOL_LINK_RTU && i < tool->device_count; i++) {
                if (!is_read(tool, link, plan, i) || find_probe(tool, link, plan, i).count > 0)
                        continue;
                text_add(why,
                    "'%s' has no read of another length than its polls, which a serial line needs to tell a "
                    "late answer from the next: declare its `signature`, or another tag beside a polled one",
                    tool->devices[i].name);
                return false;
        }
        return true;
}

/* ---- What happens on the line ---- */

void quarantine_init(struct quarantine *q, const struct tool *tool, int link, const struct plan *plan)
{
        assert(q && tool && plan && link >= 0 && link < tool->link_count);
        memset(q, 0, sizeof *q);
        q->tool = tool;
        q->link = link;
        q->is_serial = tool->links[link].kind == TOOL_LINK_RTU;
        q->until_us = q->free_us = INT64_MIN;
        q->is_proven = true;
        q->length_us = quarantine_length_us(tool, link);
        q->silence_us = quarantine_silence_us(&tool->links[link]);
        for (int i = 0; q->is_serial && i < tool->device_count; i++) {
                if (!is_read(tool, link, plan, i))
                        continue;
                q->units |= UINT32_C(1) << i;
                q->probe[i] = find_probe(tool, link, plan, i);
                assert(q->probe[i].count > 0); /* quarantine_check() */
        }
}

static void begin(struct quarantine *q, int64_t now_us)
{
        q->until_us = time_add(now_us, q->length_us);
        q->is_proven = q->units == 0; /* nobody to ask */
        q->count++;
}

void quarantine_opened(struct quarantine *q, int64_t now_us)
{
        if (!q->is_serial)
                return;
        begin(q, now_us);
        memset(q->last, 0, sizeof q->last);
}

bool quarantine_failed(struct quarantine *q, int device, int64_t now_us)
{
        if (!q->is_serial)
                return false;
        begin(q, now_us);
        if (device == TOOL_NONE)
                return false;
        q->unproven |= q->units & UINT32_C(1) << device;
        q->mute |= UINT32_C(1) << device;
        return (q->units & ~q->mute) == 0;
}

void quarantine_used(struct quarantine *q, int64_t now_us)
{
        if (q->is_serial)
                q->free_us = time_add(now_us, q->silence_us);
}

void quarantine_answered(struct quarantine *q, int device, const struct quarantine_read *read, bool is_probe)
{
        if (!q->is_serial)
                return;
        q->mute = 0;
        if (read)
                q->last[device] = *read;
        if (!is_probe)
                return;
        q->is_proven = true;
        q->unproven &= ~(UINT32_C(1) << device);
}

bool quarantine_holds(const struct quarantine *q, int64_t now_us)
{
        return q->is_serial && now_us < q->until_us;
}

bool quarantine_is_open(const struct quarantine *q)
{
        return !q->is_proven;
}

bool quarantine_is_doubted(const struct quarantine *q, int device)
{
        return (q->unproven & UINT32_C(1) << device) != 0;
}

bool quarantine_wants_probe(const struct quarantine *q, int device, enum tool_register reg, int count)
{
        const struct quarantine_read *last = &q->last[device];
        if (!q->is_serial || q->probe[device].count == 0)
                return false;
        if (quarantine_is_doubted(q, device))
                return true;
        /* A read that is like the probe cannot be kept apart by it. */
        return is_alike(reg, count, last->reg, last->count) &&
               !is_alike(reg, count, q->probe[device].reg, q->probe[device].count);
}
