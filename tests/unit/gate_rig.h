/* The links of a tool in virtual time: their schedules before devices that lose, delay and refuse calls, with checkers on
 * the wire that know nothing of core, arbiter, gate or schedule. Whoever drives it gives orders to the schedules and
 * takes their reports. */
#ifndef TESTS_UNIT_GATE_RIG_H
#define TESTS_UNIT_GATE_RIG_H

#include "ald/base/time.h"
#include "ald/core/tool.h"
#include "ald/link/codec.h"
#include "ald/link/sched.h"
#include "ald/sim/module.h"
#include "ald/sim/sim.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

enum { RIG_WRITES_MAX = 64 };

/* A write on its way into a device: with a reply, or long after it was given up. */
struct rig_write {
        bool is_used;
        int64_t at_us, sent_us;
        int tag;
        double value;
};

struct rig_link {
        struct sched *s;
        bool is_connected, is_busy, is_cut; /* cut: every call is lost, every connection refused */
        struct sched_action action;         /* while busy */
        struct sched_result result;
        int64_t wait_us; /* while idle */
};

struct rig {
        const struct tool *tool;
        struct sim *sim; /* what inputs show; NULL: they show nothing */
        int64_t now_us;
        uint64_t seed, dice; /* the seed is for messages */
        int fault_permille;  /* of calls that go wrong */
        struct rig_link link[TOOL_LINKS_MAX];
        struct module module[TOOL_DEVICES_MAX];
        struct rig_write write[RIG_WRITES_MAX];
        /* What stands in the devices. */
        double out[TOOL_TAGS_MAX];
        int64_t opened_us[TOOL_TAGS_MAX]; /* left its safe value */
        int64_t closed_us[TOOL_TAGS_MAX]; /* when the write that closed it last was sent; INT64_MIN = none */
        bool is_old
            [TOOL_TAGS_MAX]; /* energised since before the beginning: its purge is not known to anyone */
        int64_t trouble_us;  /* the last time at which anything went wrong */
        int opens;
        void *ctx;
        void (*report)(void *ctx, int link, struct event *e);
        void (*send)(
            void *ctx, int link, int tag, double value); /* tag -1: no write of an output. May be NULL */
};

/* How long a close may take beyond its time when all is well, and after something went wrong: a call in progress, a lost
 * one with its replacement, the pace of attempts. */
#define RIG_PROMPT_US  INT64_C(20000)
#define RIG_TROUBLE_US INT64_C(900000)
/* The clocks of planned and sent edges may differ by this (link/gate.h says why). */
#define RIG_SLACK_US INT64_C(10000)

static inline uint64_t rig_dice(struct rig *r, uint64_t sides)
{
        r->dice ^= r->dice << 13; /* xorshift64 */
        r->dice ^= r->dice >> 7;
        r->dice ^= r->dice << 17;
        return (r->dice >> 11) % sides;
}

#define RIG_CHECK(r, ok, ...)                                                                                \
        do {                                                                                                 \
                if (!(ok)) {                                                                                 \
                        fprintf(stderr, "seed %llu at %lld us: ", (unsigned long long)(r)->seed,             \
                            (long long)(r)->now_us);                                                         \
                        ck_abort_msg(__VA_ARGS__);                                                           \
                }                                                                                            \
        } while (0)

/* ---- checkers ---- */

static inline bool rig_excludes(const struct tool_interlock *k, int a, int b)
{
        bool has_a = false, has_b = false;

        for (int i = 0; i < k->output_count; i++) {
                has_a |= k->outputs[i] == a;
                has_b |= k->outputs[i] == b;
        }
        return k->kind == TOOL_EXCLUSIVE && has_a && has_b && a != b;
}

static inline bool rig_is_coming(const struct rig *r, int tag)
{
        for (int i = 0; i < RIG_WRITES_MAX; i++)
                if (r->write[i].is_used && r->write[i].tag == tag && r->write[i].value != 0)
                        return true;
        return false;
}

/* V1, V2 as an open is sent: nothing of its groups is open or on its way to be, and they were purged. */
static inline void rig_check_open(const struct rig *r, int tag)
{
        const struct tool *t = r->tool;

        for (int i = 0; i < t->interlock_count; i++)
                for (int b = 0; b < t->tag_count; b++) {
                        if (!rig_excludes(&t->interlocks[i], tag, b))
                                continue;
                        RIG_CHECK(r, r->out[b] == 0, "V1: %s is opened, %s is open", t->tags[tag].name,
                            t->tags[b].name);
                        RIG_CHECK(r, !rig_is_coming(r, b), "V1: %s is opened, %s may still open",
                            t->tags[tag].name, t->tags[b].name);
                        RIG_CHECK(r,
                            r->closed_us[b] == INT64_MIN ||
                                r->now_us - r->closed_us[b] >= t->interlocks[i].purge_us - RIG_SLACK_US,
                            "V2: %s is opened %lld us after %s was closed", t->tags[tag].name,
                            (long long)(r->now_us - r->closed_us[b]), t->tags[b].name);
                }
}

/* A limit that was at limit_us has been kept by now, as far as the link let it be. */
static inline bool rig_is_overdue(const struct rig *r, int64_t limit_us)
{
        int64_t by_us = time_add(limit_us, RIG_PROMPT_US), trouble_us = r->trouble_us + RIG_TROUBLE_US;

        return r->now_us > (by_us > trouble_us ? by_us : trouble_us);
}

static inline bool rig_is_energised(const struct rig *r, int tag)
{
        return r->tool->tags[tag].is_output && r->out[tag] != r->tool->tags[tag].safe;
}

/* V3: nothing is open beyond its maximum. */
static inline void rig_check_times(const struct rig *r)
{
        for (int i = 0; i < r->tool->tag_count; i++) {
                const struct tool_tag *t = &r->tool->tags[i];

                if (rig_is_energised(r, i) && t->max_open_us > 0)
                        RIG_CHECK(r, !rig_is_overdue(r, r->opened_us[i] + t->max_open_us),
                            "V3: %s is open for %lld us", t->name, (long long)(r->now_us - r->opened_us[i]));
        }
}

/* ---- devices ---- */

static inline void rig_put(struct rig *r, int tag, double value, int64_t sent_us)
{
        bool was_energised = rig_is_energised(r, tag);

        if (r->out[tag] != 0 && value == 0 && !r->is_old[tag])
                r->closed_us[tag] = sent_us;
        r->is_old[tag] = r->is_old[tag] && value != r->tool->tags[tag].safe;
        r->opens += r->out[tag] == 0 && value != 0;
        r->out[tag] = value;
        if (!was_energised && rig_is_energised(r, tag))
                r->opened_us[tag] = r->now_us;
        if (r->sim)
                sim_write(r->sim, tag, value);
}

static inline void rig_run_watchdogs(struct rig *r)
{
        for (int d = 0; d < r->tool->device_count; d++) {
                if (!r->tool->devices[d].watchdog.present || !module_expire(&r->module[d], r->now_us))
                        continue;
                for (int i = 0; i < r->tool->tag_count; i++)
                        if (r->tool->tags[i].is_output && r->tool->tags[i].device == d)
                                rig_put(r, i, r->tool->tags[i].safe, r->now_us);
        }
}

static inline void rig_run_writes(struct rig *r)
{
        for (;;) {
                struct rig_write *first = NULL;

                for (int i = 0; i < RIG_WRITES_MAX; i++)
                        if (r->write[i].is_used && r->write[i].at_us <= r->now_us &&
                            (!first || r->write[i].at_us < first->at_us))
                                first = &r->write[i];
                if (!first)
                        return;
                first->is_used = false;
                rig_put(r, first->tag, first->value, first->sent_us);
        }
}

static inline int rig_find_device(const struct rig *r, int slave_id)
{
        for (int d = 0; d < r->tool->device_count; d++)
                if (r->tool->devices[d].slave_id == slave_id)
                        return d;
        ck_abort_msg("no device %d", slave_id);
}

/* The tag that begins at this place, or TOOL_NONE. */
static inline int rig_find_tag(const struct rig *r, int device, enum tool_register reg, int address)
{
        for (int i = 0; i < r->tool->tag_count; i++) {
                const struct tool_tag *t = &r->tool->tags[i];

                if (t->device == device && t->reg == reg && t->address == address)
                        return i;
        }
        return TOOL_NONE;
}

static inline double rig_show(const struct rig *r, int tag)
{
        if (r->tool->tags[tag].is_output)
                return r->out[tag];
        return r->sim ? sim_read(r->sim, tag) : 0;
}

static inline void rig_read(struct rig *r, const struct sched_action *a, struct sched_result *result)
{
        int device = rig_find_device(r, a->slave_id);

        if (a->reg == TOOL_HOLDING && r->tool->devices[device].watchdog.present &&
            module_read(&r->module[device], a->address, &result->words[0], r->now_us) == MODULE_OK)
                return;
        for (int i = 0; i < a->count; i++) {
                int tag = rig_find_tag(r, device, a->reg, a->address + i);

                if (tag != TOOL_NONE)
                        codec_encode(&r->tool->tags[tag], rig_show(r, tag), &result->words[i]);
        }
}

/* ---- the wire ---- */

enum rig_fate { RIG_FINE, RIG_SLOW, RIG_LOST, RIG_LATE, RIG_DROPPED, RIG_REFUSED, RIG_GARBLED, RIG_FATES };

static inline void rig_queue_write(struct rig *r, int tag, double value, int64_t at_us)
{
        for (int i = 0; i < RIG_WRITES_MAX; i++) {
                if (r->write[i].is_used)
                        continue;
                r->write[i] = (struct rig_write){true, at_us, r->now_us, tag, value};
                return;
        }
        ck_abort_msg("too many writes on their way");
}

static inline void rig_set_outcome(struct rig *r, struct rig_link *l, enum rig_fate fate, int64_t took_us)
{
        static const enum sched_outcome outcomes[RIG_FATES] = {[RIG_LOST] = SCHED_TIMEOUT,
            [RIG_LATE] = SCHED_TIMEOUT,
            [RIG_DROPPED] = SCHED_CLOSED,
            [RIG_REFUSED] = SCHED_EXCEPTION,
            [RIG_GARBLED] = SCHED_BAD_FRAME};

        l->result.outcome = outcomes[fate];
        l->result.exception = fate == RIG_REFUSED ? 6 : 0;
        l->result.done_us = r->now_us + took_us;
        if (fate == RIG_LOST || fate == RIG_LATE || l->result.done_us > l->action.limit_us) {
                l->result.outcome = SCHED_TIMEOUT;
                l->result.done_us = l->action.limit_us;
        }
        if (l->result.outcome == SCHED_OK)
                return;
        if (l->result.done_us > r->trouble_us)
                r->trouble_us = l->result.done_us;
}

/* A write to a device: to its watchdog at once, to an output at some time within the call, or later. */
static inline void rig_write_out(struct rig *r, struct rig_link *l, enum rig_fate fate, int64_t took_us)
{
        const struct sched_action *a = &l->action;
        int device = rig_find_device(r, a->slave_id);
        struct module *module = r->tool->devices[device].watchdog.present ? &r->module[device] : NULL;
        int tag = rig_find_tag(r, device, a->reg, a->address);
        int64_t reach_us = fate == RIG_LATE ? r->tool->links[l - r->link].timeout_us : took_us;
        bool reaches = fate != RIG_LOST && fate != RIG_REFUSED && (fate != RIG_DROPPED || rig_dice(r, 2));

        if (module && module->status == TOOL_WATCHDOG_EXPIRED && tag != TOOL_NONE) {
                l->result.outcome = SCHED_EXCEPTION; /* a WAGO coupler takes no writes then */
                l->result.exception = 4;
                l->result.done_us = r->now_us + 500;
                r->trouble_us = l->result.done_us;
                return;
        }
        if (tag == TOOL_NONE && reaches)
                module_write(module, a->address, a->words[0], r->now_us);
        if (tag != TOOL_NONE && reaches) {
                double value = codec_decode(&r->tool->tags[tag], a->words);

                reach_us = time_min(reach_us, r->tool->links[l - r->link].timeout_us);
                rig_queue_write(r, tag, value, r->now_us + (int64_t)rig_dice(r, (uint64_t)reach_us));
        }
}

static inline void rig_call(struct rig *r, struct rig_link *l)
{
        int link = (int)(l - r->link), tag = TOOL_NONE;
        double value = 0;
        bool goes_wrong = (int)rig_dice(r, 1000) < r->fault_permille;
        enum rig_fate fate = goes_wrong ? (enum rig_fate)(1 + rig_dice(r, RIG_FATES - 1)) : RIG_FINE;
        int64_t took_us = 300 + (int64_t)rig_dice(r, 700);

        if (l->is_cut)
                fate = RIG_LOST;

        if (fate == RIG_SLOW)
                took_us = (int64_t)rig_dice(r, (uint64_t)r->tool->links[link].timeout_us * 2);
        if (fate == RIG_SLOW)
                r->trouble_us = r->now_us + took_us;
        rig_set_outcome(r, l, fate, took_us);
        if (l->action.kind == SCHED_READ)
                return;
        tag = rig_find_tag(r, rig_find_device(r, l->action.slave_id), l->action.reg, l->action.address);
        if (tag != TOOL_NONE)
                value = codec_decode(&r->tool->tags[tag], l->action.words);
        if (tag != TOOL_NONE && value != 0 && value != r->tool->tags[tag].safe)
                rig_check_open(r, tag);
        rig_write_out(r, l, fate, took_us);
        if (r->send)
                r->send(r->ctx, link, tag, value);
}

static inline void rig_connect(struct rig *r, struct rig_link *l)
{
        bool refuses = l->is_cut || (int)rig_dice(r, 1000) < r->fault_permille;

        l->result.done_us = r->now_us + 200;
        l->result.outcome = refuses ? SCHED_CLOSED : SCHED_OK;
        l->is_connected = !refuses;
        if (refuses)
                r->trouble_us = r->now_us;
}

static inline void rig_take_reports(struct rig *r, int link)
{
        static struct event e;

        while (sched_report(r->link[link].s, &e))
                r->report(r->ctx, link, &e);
}

/* Ask an idle link what it does now. To be called after each order, too. */
static inline void rig_ask(struct rig *r, int link)
{
        struct rig_link *l = &r->link[link];

        if (l->is_busy)
                return;
        sched_next(l->s, r->now_us, &l->action);
        rig_take_reports(r, link);
        l->wait_us = l->action.until_us;
        if (l->action.kind == SCHED_WAIT)
                return;
        memset(&l->result, 0, sizeof l->result);
        l->result.sent_us = l->result.done_us = r->now_us;
        l->is_busy = true;
        if (l->action.kind == SCHED_CLOSE)
                l->is_connected = false;
        else if (l->action.kind == SCHED_CONNECT)
                rig_connect(r, l);
        else
                rig_call(r, l);
}

static inline void rig_finish(struct rig *r, int link)
{
        struct rig_link *l = &r->link[link];

        if (!l->is_busy || l->result.done_us > r->now_us)
                return;
        if (l->action.kind == SCHED_READ && l->result.outcome == SCHED_OK)
                rig_read(r, &l->action, &l->result);
        l->is_busy = false;
        sched_done(l->s, &l->result);
        rig_take_reports(r, link);
}

static inline int64_t rig_next_time(const struct rig *r)
{
        int64_t next = TIME_NEVER;

        for (int i = 0; i < r->tool->link_count; i++)
                next = time_min(next, r->link[i].is_busy ? r->link[i].result.done_us : r->link[i].wait_us);
        for (int i = 0; i < RIG_WRITES_MAX; i++)
                if (r->write[i].is_used)
                        next = time_min(next, r->write[i].at_us);
        for (int d = 0; d < r->tool->device_count; d++)
                if (r->tool->devices[d].watchdog.present)
                        next = time_min(next, module_deadline_us(&r->module[d]));
        return next;
}

/* Let time pass up to the next instant at which anything happens, at most until limit_us. */
static inline void rig_advance(struct rig *r, int64_t limit_us)
{
        int64_t next = time_min(rig_next_time(r), limit_us);

        if (next > r->now_us)
                r->now_us = next;
        if (r->sim)
                sim_advance(r->sim, r->now_us);
        rig_run_watchdogs(r);
        rig_run_writes(r);
        for (int i = 0; i < r->tool->link_count; i++)
                rig_finish(r, i);
        for (int i = 0; i < r->tool->link_count; i++)
                rig_ask(r, i);
        rig_check_times(r);
}

static inline void rig_run(struct rig *r, int64_t until_us)
{
        while (r->now_us < until_us)
                rig_advance(r, until_us);
}

static inline void rig_init(struct rig *r, const struct tool *tool, uint64_t seed, int64_t now_us)
{
        memset(r, 0, sizeof *r);
        r->tool = tool;
        r->seed = seed;
        r->dice = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
        r->now_us = now_us;
        for (int i = 0; i < tool->link_count; i++) {
                r->link[i].s = sched_new(tool, i, now_us);
                r->link[i].wait_us = now_us;
                ck_assert_ptr_nonnull(r->link[i].s);
        }
        for (int d = 0; d < tool->device_count; d++)
                if (tool->devices[d].watchdog.present)
                        module_init(&r->module[d], &tool->devices[d].watchdog);
        for (int i = 0; i < tool->tag_count; i++) {
                r->closed_us[i] = INT64_MIN;
                r->out[i] = tool->tags[i].safe;
        }
}

static inline void rig_free(struct rig *r)
{
        for (int i = 0; i < r->tool->link_count; i++)
                sched_free(r->link[i].s);
}

#endif
