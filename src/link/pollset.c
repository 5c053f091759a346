#include "ald/link/pollset.h"

#include "ald/link/codec.h" /* codec_decode */

#include <assert.h> /* assert */
#include <string.h> /* memcpy, memset */

_Static_assert((int)PLAN_TAGS_MAX <= (int)EVENT_SAMPLES_MAX, "one request's tags fit one event");

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

void pollset_begin(struct pollset *set, int i, int64_t now_us)
{
        assert(i >= 0 && i < set->plan.count);
        struct pollset_item *item = &set->item[i];
        int64_t period = set->plan.request[i].period_us;
        item->due_us += period;
        if (item->due_us <= now_us) {
                int64_t missed = (now_us - item->due_us) / period + 1;
                item->due_us += missed * period;
                set->skipped += missed;
        }
        assert(item->due_us > now_us);
}

static void store(struct pollset *set, int i, int64_t t_us, enum quality_why why)
{
        assert(i >= 0 && i < set->plan.count);
        set->item[i].is_fresh = set->plan.request[i].tag_count > 0;
        set->item[i].why = (uint8_t)why;
        set->item[i].t_us = t_us;
}

void pollset_answer(struct pollset *set, int i, int64_t t_us, const uint16_t *words)
{
        store(set, i, t_us, QUALITY_WHY_NONE);
        memcpy(set->item[i].words, words, (size_t)set->plan.request[i].count * sizeof words[0]);
}

void pollset_fail(struct pollset *set, int i, int64_t t_us, enum quality_why why)
{
        assert(why != QUALITY_WHY_NONE);
        store(set, i, t_us, why);
}

void pollset_fail_all(struct pollset *set, int64_t t_us)
{
        for (int i = 0; i < set->plan.count; i++)
                store(set, i, t_us, QUALITY_WHY_COMM);
}

static void add_sample(const struct pollset *set, int i, int tag, struct event *out)
{
        const struct tool_tag *t = &set->tool->tags[tag];
        const struct pollset_item *item = &set->item[i];
        struct sample *s = &out->u.samples.item[out->u.samples.count++];
        *s = (struct sample){.tag = (int16_t)tag, .why = item->why, .t_us = item->t_us};
        s->quality = item->why == QUALITY_WHY_NONE ? QUALITY_GOOD : QUALITY_BAD;
        if (item->why == QUALITY_WHY_NONE)
                s->value = codec_decode(t, &item->words[t->address - set->plan.request[i].address]);
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
                        add_sample(set, i, set->plan.request[i].tags[k], out);
                return true;
        }
        return false;
}
