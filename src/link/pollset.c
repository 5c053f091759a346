#include "ald/link/pollset.h"

#include "ald/base/time.h"      /* time_add */
#include "ald/link/codec.h"     /* codec_decode */
#include "ald/link/registers.h" /* registers_are_bits, REGISTERS_NO_ADDRESS */

#include <assert.h> /* assert */
#include <string.h> /* memcpy, memset */

_Static_assert((int)PLAN_TAGS_MAX <= (int)EVENT_SAMPLES_MAX, "one request's tags fit one event");
_Static_assert((int)PLAN_TAGS_MAX == 64, "a bit for each tag of a request");

bool pollset_init(struct pollset *set, const struct tool *tool, int link, int64_t now_us)
{
        memset(set, 0, sizeof *set);
        set->tool = tool;
        if (!plan_build(&set->plan, tool, link))
                return false;
        for (int i = 0; i < set->plan.count; i++)
                set->item[i].due_us = now_us;
        return true;
}

static bool reads_tag(const struct plan_request *request, int tag)
{
        for (int k = 0; k < request->tag_count; k++)
                if (request->tags[k] == tag)
                        return true;
        return false;
}

void pollset_hurry(struct pollset *set, int tag, int64_t now_us)
{
        for (int i = 0; i < set->plan.count; i++) {
                int64_t period = set->plan.request[i].period_us, early = set->item[i].due_us - now_us;

                if (early > 0 && reads_tag(&set->plan.request[i], tag))
                        set->item[i].due_us -= (early + period - 1) / period * period;
        }
}

/* ---- Which read is next ---- */

static bool is_guilty(const struct pollset_item *item, int k)
{
        return (item->guilty >> k & 1) != 0;
}

/* The first tag from `k` on that is worth reading. */
static int skip_guilty(const struct pollset *set, int i, int k)
{
        while (k < set->plan.request[i].tag_count && is_guilty(&set->item[i], k))
                k++;
        return k;
}

/* Where a read that begins with tag `from` ends. */
static int end_of_part(const struct pollset *set, int i, int from)
{
        const struct plan_request *request = &set->plan.request[i];
        int to = from + 1;
        if (set->item[i].shape == POLLSET_PARTS)
                while (to < request->tag_count && !is_guilty(&set->item[i], to))
                        to++;
        return to;
}

void pollset_next_read(const struct pollset *set, int i, struct pollset_read *read)
{
        const struct plan_request *request = &set->plan.request[i];
        const struct pollset_item *item = &set->item[i];
        if (item->shape == POLLSET_WHOLE) {
                *read = (struct pollset_read){0, request->tag_count, request->address, request->count};
                return;
        }
        int from = item->is_under_way ? item->at : skip_guilty(set, i, 0);
        assert(from < request->tag_count);
        int to = end_of_part(set, i, from);
        const struct tool_tag *first = &set->tool->tags[request->tags[from]];
        const struct tool_tag *last = &set->tool->tags[request->tags[to - 1]];
        int end = last->address + (registers_are_bits(last->reg) ? 1 : codec_words(last->type));
        *read = (struct pollset_read){from, to, first->address, end - first->address};
        assert(read->count > 0 && read->address + read->count <= request->address + request->count);
}

int64_t pollset_due(const struct pollset *set, int i)
{
        return set->item[i].is_under_way ? set->item[i].begun_us : set->item[i].due_us;
}

void pollset_begin(struct pollset *set, int i, int64_t now_us)
{
        assert(i >= 0 && i < set->plan.count);
        struct pollset_item *item = &set->item[i];
        int64_t period = set->plan.request[i].period_us;
        if (item->is_under_way)
                return;
        if (item->shape != POLLSET_WHOLE) {
                item->is_under_way = true;
                item->begun_us = item->due_us;
                item->at = skip_guilty(set, i, 0);
        }
        item->due_us += period;
        if (item->due_us <= now_us) {
                int64_t missed = (now_us - item->due_us) / period + 1;
                item->due_us += missed * period;
                set->skipped += missed;
        }
        assert(item->due_us > now_us);
}

/* ---- What it brought ---- */

static void store(struct pollset *set, int i, int k, int64_t t_us, enum quality_why why)
{
        set->point[set->plan.request[i].tags[k]] =
            (struct pollset_point){.is_fresh = true, .why = (uint8_t)why, .t_us = t_us};
        set->item[i].is_fresh = true;
}

static uint64_t all_tags(const struct plan_request *request)
{
        return UINT64_MAX >> (PLAN_TAGS_MAX - request->tag_count);
}

/* The points were looked at. Where all are refused there is nothing to read around: the request is tried whole. */
static void end_search(struct pollset *set, int i)
{
        struct pollset_item *item = &set->item[i];
        if (item->guilty == all_tags(&set->plan.request[i])) {
                item->shape = POLLSET_WHOLE;
                item->guilty = 0;
                return;
        }
        item->shape = item->guilty == 0 ? POLLSET_SINGLE : POLLSET_PARTS;
}

/* The read that ended with tag `to` is over. */
static void advance(struct pollset *set, int i, int to, int64_t t_us)
{
        struct pollset_item *item = &set->item[i];
        if (item->shape == POLLSET_WHOLE)
                return;
        item->at = item->shape == POLLSET_POINTS ? to : skip_guilty(set, i, to);
        if (item->at < set->plan.request[i].tag_count)
                return;
        item->is_under_way = false;
        if (item->shape == POLLSET_POINTS) {
                end_search(set, i);
                return;
        }
        for (int k = 0; k < set->plan.request[i].tag_count; k++)
                if (is_guilty(item, k))
                        store(
                            set, i, k, t_us, QUALITY_WHY_DEVICE); /* said again, lest it turn stale instead */
}

void pollset_answer(struct pollset *set, int i, int64_t t_us, const uint16_t *words)
{
        struct pollset_read read;
        pollset_next_read(set, i, &read);
        memcpy(&set->item[i].words[read.address - set->plan.request[i].address], words,
            (size_t)read.count * sizeof words[0]);
        for (int k = read.from; k < read.to; k++)
                store(set, i, k, t_us, QUALITY_WHY_NONE);
        advance(set, i, read.to, t_us);
}

static void begin_search(struct pollset_item *item, int64_t t_us)
{
        item->shape = POLLSET_POINTS;
        item->is_searched = true;
        item->again_us = time_add(t_us, POLLSET_AGAIN_US);
        item->is_under_way = true;
        item->begun_us = t_us;
        item->at = 0;
}

void pollset_refuse(struct pollset *set, int i, int64_t t_us, int exception)
{
        struct pollset_item *item = &set->item[i];
        struct pollset_read read;
        bool is_address = exception == REGISTERS_NO_ADDRESS;
        pollset_next_read(set, i, &read);
        if (is_address && item->shape == POLLSET_WHOLE && !item->is_searched && read.to > 1) {
                begin_search(item, t_us);
                return;
        }
        for (int k = read.from; k < read.to; k++)
                store(set, i, k, t_us, QUALITY_WHY_DEVICE);
        if (is_address && item->shape == POLLSET_POINTS)
                item->guilty |= UINT64_C(1) << read.from;
        advance(set, i, read.to, t_us);
}

void pollset_fail(struct pollset *set, int i, int64_t t_us, enum quality_why why)
{
        assert(why != QUALITY_WHY_NONE);
        set->item[i].is_under_way = false;
        if (set->item[i].shape == POLLSET_POINTS) { /* half a search tells nothing */
                set->item[i].shape = POLLSET_WHOLE;
                set->item[i].is_searched = false;
                set->item[i].guilty = 0;
        }
        for (int k = 0; k < set->plan.request[i].tag_count; k++)
                store(set, i, k, t_us, why);
}

void pollset_fail_all(struct pollset *set, int64_t t_us)
{
        for (int i = 0; i < set->plan.count; i++)
                pollset_fail(set, i, t_us, QUALITY_WHY_COMM);
}

static void renew(struct pollset_item *item)
{
        item->shape = POLLSET_WHOLE;
        item->is_searched = item->is_under_way = false;
        item->guilty = 0;
}

void pollset_renew(struct pollset *set)
{
        for (int i = 0; i < set->plan.count; i++)
                renew(&set->item[i]);
}

void pollset_forgive(struct pollset *set, int i, int64_t now_us)
{
        assert(i >= 0 && i < set->plan.count);
        struct pollset_item *item = &set->item[i];
        if (item->is_searched && !item->is_under_way && now_us >= item->again_us)
                renew(item);
}

static void add_sample(struct pollset *set, int i, int tag, struct event *out)
{
        const struct tool_tag *t = &set->tool->tags[tag];
        struct pollset_point *point = &set->point[tag];
        struct sample *s = &out->u.samples.item[out->u.samples.count++];
        *s = (struct sample){.tag = (int16_t)tag, .why = point->why, .t_us = point->t_us};
        s->quality = point->why == QUALITY_WHY_NONE ? QUALITY_GOOD : QUALITY_BAD;
        if (point->why == QUALITY_WHY_NONE)
                s->value = codec_decode(t, &set->item[i].words[t->address - set->plan.request[i].address]);
        point->is_fresh = false;
}

bool pollset_report(struct pollset *set, struct event *out)
{
        for (int n = 0; n < set->plan.count; n++) {
                int i = (set->report_from + n) % set->plan.count;
                if (!set->item[i].is_fresh)
                        continue;
                set->item[i].is_fresh = false;
                set->report_from = i + 1;
                out->kind = EVENT_SAMPLES;
                out->now_us = 0;
                out->wall_us = 0;
                out->u.samples.count = 0;
                out->u.samples.seq = ++set->seq;
                for (int k = 0; k < set->plan.request[i].tag_count; k++)
                        if (set->point[set->plan.request[i].tags[k]].is_fresh)
                                add_sample(set, i, set->plan.request[i].tags[k], out);
                assert(out->u.samples.count > 0);
                return true;
        }
        return false;
}
