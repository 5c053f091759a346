#include "ald/base/time.h"        /* TIME_NEVER, time_min */
#include "ald/link/codec.h"       /* codec_encode, codec_words */
#include "ald/link/load.h"        /* load_guard_us */
#include "ald/link/sched_state.h" /* struct sched */

int64_t sched_next_guarded(const struct sched *s)
{
        int64_t edge = sched_next_edge(s);
        return s->expected_us > s->now_us ? time_min(edge, s->expected_us) : edge;
}

int64_t sched_limit_call(const struct sched *s, int64_t edge_us, int64_t margin_us, int64_t least_us)
{
        int64_t limit = s->now_us + s->link->timeout_us;
        if (edge_us != TIME_NEVER)
                limit = time_min(limit, edge_us - margin_us);
        return limit > s->now_us + least_us ? limit : s->now_us + least_us;
}

void sched_begin_call(
    struct sched *s, struct sched_action *a, enum sched_job job, int index, int device, int64_t limit_us)
{
        a->limit_us = limit_us;
        a->slave_id = s->tool->devices[device].slave_id;
        a->drains = quarantine_holds(&s->quarantine, s->now_us) || quarantine_is_open(&s->quarantine);
        s->job_read = (struct quarantine_read){.reg = a->reg, .address = a->address};
        if (a->kind == SCHED_READ)
                s->job_read.count = a->count;
        s->job = job;
        s->job_index = index;
        s->job_device = device;
        s->job_is_cut = limit_us < s->now_us + s->link->timeout_us;
}

bool sched_fill_write(struct sched *s, struct sched_action *a, int tag, double value)
{
        const struct tool_tag *t = &s->tool->tags[tag];
        a->kind = SCHED_WRITE;
        a->reg = t->reg;
        a->address = t->address;
        a->count = t->reg == TOOL_COIL ? 1 : codec_words(t->type);
        a->multiple = a->count > 1 || s->tool->devices[t->device].write_multiple_only;
        s->job_value = value;
        return codec_encode(t, value, a->words);
}

bool sched_fits(struct sched *s, int device)
{
        const struct sched_manners *m = &s->manners[device];
        if (m->ready_us > s->now_us) {
                sched_wake_at(s, m->ready_us);
                return false;
        }
        int64_t edge = sched_next_guarded(s);
        if (edge == TIME_NEVER ||
            edge - s->now_us >= load_guard_us(s->link, &s->tool->devices[device], m->call_us))
                return true;
        sched_wake_at(s, edge); /* one that is only expected may not come */
        return false;
}
