#include "ald/link/plan.h"

#include "ald/link/codec.h" /* codec_words */

#include <assert.h> /* assert */

static bool is_polled(const struct tool *tool, int tag, int link)
{
        const struct tool_tag *t = &tool->tags[tag];
        return tool->devices[t->device].poll_link == link && t->poll_us > 0 && (!t->is_output || t->verify);
}

static bool is_bits(enum tool_register reg)
{
        return reg == TOOL_COIL || reg == TOOL_DISCRETE;
}

/* Registers or coils that a tag takes in its table. */
static int width_of(const struct tool_tag *t)
{
        return is_bits(t->reg) ? 1 : codec_words(t->type);
}

/* Same request as far as everything but the address goes: device, table, period. */
static int compare_kind(const struct tool_tag *a, const struct tool_tag *b)
{
        if (a->device != b->device)
                return a->device < b->device ? -1 : 1;
        if (a->reg != b->reg)
                return a->reg < b->reg ? -1 : 1;
        if (a->poll_us != b->poll_us)
                return a->poll_us < b->poll_us ? -1 : 1;
        return 0;
}

static int compare_place(const struct tool_tag *a, const struct tool_tag *b)
{
        int kind = compare_kind(a, b);
        if (kind != 0)
                return kind;
        return a->address < b->address ? -1 : a->address > b->address;
}

/* Tags of the link in order of place. Insertion: a few hundred tags, once at start. */
static int sort_tags(const struct tool *tool, int link, int16_t *tags)
{
        int n = 0;
        for (int i = 0; i < tool->tag_count; i++) {
                if (!is_polled(tool, i, link))
                        continue;
                int at = n++;
                for (; at > 0 && compare_place(&tool->tags[i], &tool->tags[tags[at - 1]]) < 0; at--)
                        tags[at] = tags[at - 1];
                tags[at] = (int16_t)i;
        }
        return n;
}

static int count_max(const struct tool_device *d, enum tool_register reg)
{
        int words =
            d->read_words_max > 0 && d->read_words_max < PLAN_WORDS_MAX ? d->read_words_max : PLAN_WORDS_MAX;
        if (!is_bits(reg))
                return words;
        return words * 16 < PLAN_BITS_MAX ? words * 16 : PLAN_BITS_MAX;
}

/* Does `t` continue the request without a gap (an undeclared register) and within the limits? */
static bool joins(const struct tool *tool, const struct plan_request *r, const struct tool_tag *t)
{
        int end = r->address + r->count;
        int new_count = t->address + width_of(t) - r->address;
        return compare_kind(&tool->tags[r->tags[0]], t) == 0 && t->address <= end &&
               new_count <= count_max(&tool->devices[t->device], t->reg) && r->tag_count < PLAN_TAGS_MAX;
}

static void join(const struct tool *tool, struct plan_request *r, int tag)
{
        const struct tool_tag *t = &tool->tags[tag];
        int count = t->address + width_of(t) - r->address;
        if (count > r->count)
                r->count = count;
        r->tags[r->tag_count++] = (int16_t)tag;
        assert(r->count > 0 && r->tag_count <= PLAN_TAGS_MAX);
}

static struct plan_request *add_request(struct plan *plan, int device, enum tool_register reg, int address)
{
        if (plan->count == PLAN_REQUESTS_MAX)
                return NULL;
        struct plan_request *r = &plan->request[plan->count++];
        *r = (struct plan_request){
            .device = (int16_t)device, .reg = reg, .address = address, .signature_at = -1, .watchdog_of = -1};
        return r;
}

static bool add_watchdogs(struct plan *plan, const struct tool *tool, int link)
{
        for (int i = 0; i < tool->device_count; i++) {
                const struct tool_device *d = &tool->devices[i];
                if (d->poll_link != link || !d->watchdog.present || d->watchdog.status_register < 0)
                        continue;
                struct plan_request *r = add_request(plan, i, TOOL_HOLDING, d->watchdog.status_register);
                if (!r)
                        return false;
                r->count = 1;
                r->period_us = PLAN_WATCHDOG_US;
                r->watchdog_of = (int16_t)i;
        }
        return true;
}

/* A signature that stands in a read or touches it is read with it. */
static void sign(const struct tool *tool, struct plan_request *r)
{
        const struct tool_device *d = &tool->devices[r->device];
        const struct tool_signature *g = &d->signature;
        int at = g->address - r->address;
        bool is_inside = at >= 0 && at < r->count, is_beside = at == -1 || at == r->count;
        if (!g->present || g->reg != r->reg || r->watchdog_of >= 0 ||
            !(is_inside || (is_beside && r->count < count_max(d, r->reg))))
                return;
        if (is_beside)
                r->count++;
        if (at == -1)
                r->address--;
        r->signature_at = (int16_t)(at == -1 ? 0 : at);
}

bool plan_build(struct plan *plan, const struct tool *tool, int link)
{
        int16_t tags[TOOL_TAGS_MAX];
        assert(plan && tool && link >= 0 && link < tool->link_count);
        plan->count = 0;
        int n = sort_tags(tool, link, tags);
        struct plan_request *r = NULL;
        for (int i = 0; i < n; i++) {
                const struct tool_tag *t = &tool->tags[tags[i]];
                if (!r || !joins(tool, r, t)) {
                        r = add_request(plan, t->device, t->reg, t->address);
                        if (!r)
                                return false;
                        r->period_us = t->poll_us;
                }
                join(tool, r, tags[i]);
        }
        for (int i = 0; i < plan->count; i++)
                sign(tool, &plan->request[i]);
        return add_watchdogs(plan, tool, link);
}
