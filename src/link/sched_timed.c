/* Pulses of modules that time them themselves (link/timed.h). What an armed one needs is written ahead of its start, what a
 * running one became is asked after its end; the start, and every close that has to go out after all, are edges like any
 * other (sched_edge.c). For the gate the output is open from before the start until it was found closed. */
#include "ald/base/time.h"        /* TIME_NEVER, time_min, time_nearest */
#include "ald/link/sched_state.h" /* struct sched */

#include <assert.h> /* assert */
#include <string.h> /* memcpy, memcmp */

/* The width is written this long before the start at the latest. */
#define WIDTH_MARGIN_US INT64_C(2000)

static const struct tool_tag *tag_of(const struct sched *s, const struct pair *p)
{
        return &s->tool->tags[p->times.tag];
}

static struct timed *timed_of(struct sched *s, const struct pair *p)
{
        return &s->timed[p->times.tag];
}

void sched_timed_init(struct sched *s)
{
        for (int i = 0; i < s->output_count; i++) {
                const struct tool_pulse *map = &s->tool->tags[s->outputs[i]].pulse;
                if (map->present)
                        timed_init(&s->timed[s->outputs[i]], map);
        }
}

void sched_timed_reset(struct sched *s)
{
        for (int i = 0; i < s->output_count; i++)
                timed_reset(&s->timed[s->outputs[i]]);
        for (int i = 0; i < SCHED_PAIRS_MAX; i++)
                s->pairs[i].width = PAIR_WIDTH_UNWRITTEN;
}

void sched_timed_ended(struct sched *s, const struct pair *p)
{
        if (p->is_timed && !p->times.is_device_timed)
                timed_reset(
                    timed_of(s, p)); /* what it counted, and whether it still knows its mode, is not known */
}

bool sched_timed_arm(struct sched *s, struct pair *p, const struct effect_pulse *o)
{
        const struct tool_pulse *map = &s->tool->tags[o->tag].pulse;
        int64_t width_us = time_nearest(o->close_us - o->open_us, map->width_unit_us);
        if (width_us <= 0 || width_us > timed_width_max_us(map))
                return false;
        pair_arm_timed(p, o, width_us);
        return true;
}

bool sched_timed_is_ready(const struct sched *s, const struct pair *p)
{
        return !p->is_timed || (timed_is_ready(&s->timed[p->times.tag]) && p->width != PAIR_WIDTH_UNWRITTEN);
}

int64_t sched_next_check(const struct sched *s)
{
        int64_t check = TIME_NEVER;
        for (int i = 0; i < SCHED_PAIRS_MAX; i++)
                check = time_min(check, pair_check(&s->pairs[i]));
        return check;
}

/* ---- Calls ---- */

static void fill(struct sched *s, struct sched_action *a, int device, const struct timed_call *call)
{
        a->kind = call->is_write ? SCHED_WRITE : SCHED_READ;
        a->reg = TOOL_HOLDING;
        a->address = call->address;
        a->count = call->count;
        a->multiple = call->is_write && (call->count > 1 || s->tool->devices[device].write_multiple_only);
        memcpy(a->words, call->words, sizeof call->words);
}

void sched_timed_fill_start(struct sched *s, struct sched_action *a, int tag)
{
        struct timed_call call;
        timed_call_start(&s->timed[tag], &call);
        fill(s, a, s->tool->tags[tag].device, &call);
}

static void begin(struct sched *s, struct sched_action *a, int index, int device, enum sched_timed_job job,
    int64_t limit_us)
{
        sched_begin_call(s, a, SCHED_JOB_TIMED, index, device, limit_us);
        s->job_timed = job;
}

static int64_t limit(const struct sched *s)
{
        return sched_limit_call(s, sched_next_edge(s), SCHED_MARGIN_US, SCHED_CALL_US);
}

static bool begin_check(struct sched *s, struct sched_action *a, struct pair *p)
{
        const struct tool_tag *t = tag_of(s, p);
        struct timed_call call;
        if (!sched_fits(s, t->device))
                return false;
        if (p->is_seen_closed) {
                timed_call_count(timed_of(s, p), &call);
                fill(s, a, t->device, &call);
        } else {
                a->kind = SCHED_READ;
                a->reg = t->reg;
                a->address = t->address;
                a->count = 1;
        }
        s->job_id = p->times.id;
        begin(s, a, (int)(p - s->pairs), t->device,
            p->is_seen_closed ? SCHED_TIMED_COUNT : SCHED_TIMED_OUTPUT, limit(s));
        return true;
}

bool sched_pick_check(struct sched *s, struct sched_action *a)
{
        for (int i = 0; i < SCHED_PAIRS_MAX; i++) {
                struct pair *p = &s->pairs[i];
                if (p->state != PAIR_RUNNING)
                        continue;
                if (pair_check(p) > s->now_us)
                        sched_wake_at(s, pair_check(p));
                else if (begin_check(s, a, p))
                        return true;
        }
        return false;
}

/* A pulse that has no width does not start: its own edge may wait for that, those of others may not. */
static bool fits_width(struct sched *s, const struct pair *p)
{
        int device = tag_of(s, p)->device;
        if (p->width != PAIR_WIDTH_UNWRITTEN || sched_next_edge(s) != p->open_us)
                return sched_fits(s, device);
        if (s->manners[device].ready_us <= s->now_us)
                return p->open_us - s->now_us >= SCHED_CALL_US;
        sched_wake_at(s, s->manners[device].ready_us);
        return false;
}

static bool begin_width(struct sched *s, struct sched_action *a, struct pair *p)
{
        bool is_write = p->width == PAIR_WIDTH_UNWRITTEN;
        const struct tool_tag *t = tag_of(s, p);
        struct timed_call call;
        /* What the gate would not let open then is not prepared now. */
        if (is_write && !sched_may_open(s, p->times.tag, 1, p->open_us)) {
                sched_wake_at(s, s->now_us);
                return false;
        }
        if (!fits_width(s, p))
                return false;
        timed_call_width(timed_of(s, p), p->close_us - p->open_us, is_write, &call);
        fill(s, a, t->device, &call);
        s->job_id = p->times.id;
        begin(s, a, (int)(p - s->pairs), t->device, is_write ? SCHED_TIMED_WIDTH : SCHED_TIMED_WIDTH_READ,
            is_write ? sched_limit_call(s, sched_next_edge(s), WIDTH_MARGIN_US, WIDTH_MARGIN_US) : limit(s));
        return true;
}

bool sched_pick_width(struct sched *s, struct sched_action *a)
{
        for (int i = 0; i < SCHED_PAIRS_MAX; i++) {
                struct pair *p = &s->pairs[i];
                if (p->state == PAIR_ARMED && p->is_timed && p->width != PAIR_WIDTH_READ &&
                    p->open_us > s->now_us && timed_is_ready(timed_of(s, p)) && begin_width(s, a, p))
                        return true;
        }
        return false;
}

/* Not while a pulse of it runs: some modules take a new mode for a reason to stop. */
static bool may_set_up(struct sched *s, int tag)
{
        const struct pair *p = sched_pair_of(s, tag);
        return s->tool->tags[tag].pulse.present && (!p || p->state == PAIR_ARMED);
}

bool sched_pick_setup(struct sched *s, struct sched_action *a)
{
        for (int i = 0; i < s->output_count; i++) {
                int tag = s->outputs[i], device = s->tool->tags[tag].device;
                struct timed_call call;
                if (!may_set_up(s, tag) || timed_is_ready(&s->timed[tag]))
                        continue;
                if (timed_due(&s->timed[tag]) > s->now_us) {
                        sched_wake_at(s, timed_due(&s->timed[tag]));
                        continue;
                }
                if (!sched_fits(s, device))
                        continue;
                timed_call(&s->timed[tag], &call);
                fill(s, a, device, &call);
                begin(s, a, tag, device, SCHED_TIMED_SETUP, limit(s));
                return true;
        }
        return false;
}

/* ---- How they ended ---- */

static void finish_setup(struct sched *s, const struct sched_result *r)
{
        if (r->outcome != SCHED_TIMEOUT || !s->job_is_cut)
                timed_answered(&s->timed[s->job_index], r->outcome == SCHED_OK, r->words, r->done_us);
}

static void finish_width(struct sched *s, struct pair *p, const struct sched_result *r)
{
        struct timed_call want;
        if (r->outcome != SCHED_OK && r->outcome != SCHED_EXCEPTION)
                return; /* once more on the fresh connection, if there is time */
        if (s->job_timed == SCHED_TIMED_WIDTH && r->outcome == SCHED_OK) {
                p->width = PAIR_WIDTH_WRITTEN;
                return;
        }
        timed_call_width(timed_of(s, p), p->close_us - p->open_us, false, &want);
        if (r->outcome == SCHED_OK &&
            memcmp(want.words, r->words, sizeof want.words[0] * (size_t)want.count) == 0) {
                p->width = PAIR_WIDTH_READ;
                return;
        }
        timed_reset(timed_of(s, p));
        sched_refuse_pulse(s, p);
}

static void finish_check(struct sched *s, struct pair *p, const struct sched_result *r)
{
        if (r->outcome != SCHED_OK && r->outcome != SCHED_EXCEPTION)
                return; /* sched_lapse() ends the asking */
        bool is_good = r->outcome == SCHED_OK;
        if (s->job_timed == SCHED_TIMED_OUTPUT)
                is_good = is_good && r->words[0] == 0;
        else
                is_good = is_good && timed_take_count(timed_of(s, p), r->words[0]);
        if (!is_good) {
                pair_doubt(p, r->done_us);
        } else if (s->job_timed == SCHED_TIMED_OUTPUT && tag_of(s, p)->pulse.count_register != TOOL_NONE) {
                p->is_seen_closed = true;
        } else {
                pair_checked(p, r->done_us);
                gate_acked(&s->gate, p->times.tag, tag_of(s, p)->safe, p->times.close_sent_us, r->done_us);
                sched_end_closed(s, p);
        }
}

void sched_finish_timed(struct sched *s, const struct sched_result *r)
{
        if (s->job_timed == SCHED_TIMED_SETUP) {
                finish_setup(s, r);
                return;
        }
        struct pair *p = &s->pairs[s->job_index];
        bool is_width = s->job_timed == SCHED_TIMED_WIDTH || s->job_timed == SCHED_TIMED_WIDTH_READ;
        if (p->times.id != s->job_id || p->state != (is_width ? PAIR_ARMED : PAIR_RUNNING))
                return; /* taken back meanwhile */
        if (is_width)
                finish_width(s, p, r);
        else
                finish_check(s, p, r);
}
