#include "ald/base/time.h"        /* TIME_NEVER, time_add, time_min */
#include "ald/link/sched_state.h" /* struct sched */

#include <assert.h> /* assert */
#include <string.h> /* memset */

_Static_assert((int)PLAN_BITS_MAX <= (int)SCHED_WORDS_MAX && (int)PLAN_WORDS_MAX <= (int)SCHED_WORDS_MAX,
    "a planned read fits a result");

/* A safe write may be cut closer to a close than other calls: this long before it at the latest. */
#define SAFE_MARGIN_US INT64_C(2000)

/* ---- The connection ---- */

static bool owes_anything(const struct sched *s)
{
        for (int i = 0; i < s->output_count; i++)
                if (s->owed[s->outputs[i]].is_owed)
                        return true;
        return false;
}

/* Is an output away from safe that this link still has to make safe? */
static bool owes_energised(const struct sched *s)
{
        for (int i = 0; i < s->output_count; i++)
                if (s->owed[s->outputs[i]].is_owed && s->gate.out[s->outputs[i]].is_energised)
                        return true;
        return false;
}

static bool pick_connection(struct sched *s, struct sched_action *a)
{
        if (s->conn.must_drop) {
                a->kind = SCHED_CLOSE;
                s->job = SCHED_JOB_CLOSE;
                return true;
        }
        if (s->conn.is_connected)
                return false;
        int64_t need_us = writeq_first(&s->writes, true, 0) >= 0
                              ? s->now_us
                              : time_min(sched_next_edge(s), sched_next_check(s));
        bool in_hurry = need_us != TIME_NEVER || owes_energised(s);
        if (s->is_stopping && !in_hurry && !owes_anything(s))
                return false;
        int64_t retry = conn_retry(&s->conn, in_hurry, need_us);
        if (retry > s->now_us) {
                sched_wake_at(s, retry);
                return false;
        }
        a->kind = SCHED_CONNECT;
        a->limit_us = s->now_us + s->link->timeout_us;
        s->job = SCHED_JOB_CONNECT;
        return true;
}

/* A safe write that was given up for a close is still under way on a serial line, and its answer would meet the close: it
 * has the time that the device usually takes, as far as that is not what keeps valves open. */
#define SAFE_SERIAL_US INT64_C(20000)

static int64_t need_safe(const struct sched *s, int device)
{
        if (!s->quarantine.is_serial)
                return 2 * SAFE_MARGIN_US;
        return time_min(s->manners[device].call_us, SAFE_SERIAL_US) + s->quarantine.silence_us +
               SAFE_MARGIN_US;
}

/* May a safe write to `device` begin? Only a close is as urgent, and the device's own pause. */
static bool fits_safe(struct sched *s, int device)
{
        int64_t edge = sched_next_close(s);
        bool fits_edge = edge == TIME_NEVER || edge - s->now_us >= need_safe(s, device);
        if (fits_edge && s->manners[device].ready_us <= s->now_us)
                return true;
        sched_wake_at(s, fits_edge ? s->manners[device].ready_us : edge);
        s->is_safe_waiting = true;
        return false;
}

static int64_t limit_safe(const struct sched *s)
{
        return sched_limit_call(s, sched_next_close(s), SAFE_MARGIN_US, SAFE_MARGIN_US);
}

static int64_t limit_other(const struct sched *s)
{
        return sched_limit_call(s, sched_next_guarded(s), SCHED_MARGIN_US, SCHED_CALL_US);
}

static void begin_write(struct sched *s, struct sched_action *a, int i)
{
        int tag = s->writes.item[i].order.tag;
        bool is_safe = s->writes.item[i].order.is_safe;
        int64_t limit = is_safe ? limit_safe(s) : limit_other(s);
        sched_begin_call(s, a, SCHED_JOB_WRITE, i, s->tool->tags[tag].device, limit);
        gate_sending(&s->gate, tag, s->job_value, s->now_us);
        s->writes.item[i].is_sent = true;
}

/* What has a maximum open time and may be open. Its close goes before every other safe value: on a connection that comes
 * back late nothing else stands between it and the valve, also when its pair has long been reported as failed. */
static bool may_dose(const struct sched *s, int tag)
{
        return s->tool->tags[tag].max_open_us > 0 && s->gate.out[tag].is_energised;
}

static bool pick_safe(struct sched *s, struct sched_action *a, bool of_dosing)
{
        for (int i = writeq_first(&s->writes, true, 0); i >= 0; i = writeq_first(&s->writes, true, i + 1)) {
                const struct effect_write *order = &s->writes.item[i].order;
                if (may_dose(s, order->tag) != of_dosing || !fits_safe(s, s->tool->tags[order->tag].device))
                        continue;
                bool fits_register = sched_fill_write(s, a, order->tag, order->value);
                assert(fits_register); /* a safe value is checked with its tool file */
                (void)fits_register;
                begin_write(s, a, i);
                return true;
        }
        return false;
}

static bool pick_owed(struct sched *s, struct sched_action *a, bool of_dosing)
{
        for (int i = 0; i < s->output_count; i++) {
                int tag = s->outputs[i];
                if (!s->owed[tag].is_owed || may_dose(s, tag) != of_dosing)
                        continue;
                /* An open pulse closes by itself; one that only waits must not stand in the way. */
                const struct pair *p = sched_pair_of(s, tag);
                if (p && p->state != PAIR_ARMED && p->state != PAIR_PROVING)
                        continue;
                if (s->owed[tag].retry_us > s->now_us) {
                        sched_wake_at(s, s->owed[tag].retry_us);
                        continue;
                }
                if (!fits_safe(s, s->tool->tags[tag].device))
                        continue;
                bool fits_register = sched_fill_write(s, a, tag, s->tool->tags[tag].safe);
                assert(fits_register);
                (void)fits_register;
                sched_begin_call(s, a, SCHED_JOB_OWED, tag, s->tool->tags[tag].device, limit_safe(s));
                gate_sending(&s->gate, tag, s->job_value, s->now_us);
                return true;
        }
        return false;
}

/* ---- Below the edges: watchdogs, other writes, polls ---- */

static bool begin_watch(struct sched *s, struct sched_action *a, int device)
{
        struct watch_call call;
        if (!sched_fits(s, device))
                return false;
        watch_call(&s->watches[device], &call);
        a->kind = call.is_write ? SCHED_WRITE : SCHED_READ;
        a->reg = call.reg;
        a->address = call.address;
        a->count = 1;
        a->multiple = call.is_write && s->tool->devices[device].write_multiple_only;
        a->words[0] = call.word;
        if (!call.is_write && quarantine_wants_probe(&s->quarantine, device, a->reg, a->count)) {
                sched_begin_probe(s, a, device, limit_other(s));
                return true;
        }
        sched_begin_call(s, a, SCHED_JOB_WATCH, device, device, limit_other(s));
        watch_sending(&s->watches[device], s->now_us, s->turn_us);
        return true;
}

static int64_t due_watch(struct sched *s, int device, int64_t turn_us)
{
        struct watch *w = &s->watches[device];
        watch_end_blind(w);
        watch_doubt(w, s->now_us, turn_us);
        int64_t due = watch_due(w, turn_us);
        /* A silent unit costs a serial line a quarantine each time it is asked. */
        if (s->quarantine.is_serial && !watch_is_running(w) && s->manners[device].quiet_us > due)
                due = s->manners[device].quiet_us;
        return due;
}

/* Where no answer to a read is trusted. */
static int64_t due_feed(struct sched *s, int device, int64_t turn_us)
{
        watch_doubt(&s->watches[device], s->now_us, turn_us);
        return watch_due_blind(&s->watches[device], turn_us);
}

/* Asking after a fresh connection is always due, so it comes before all that is of lower urgency. */
static bool pick_watch(struct sched *s, struct sched_action *a, bool feeds_only)
{
        int64_t turn = sched_is_turn_fresh(s) ? s->turn_us : INT64_MIN; /* an old grant feeds nothing */
        for (int i = 0; i < s->tool->device_count; i++) {
                if (!s->has_watch[i])
                        continue;
                int64_t due = feeds_only ? due_feed(s, i, turn) : due_watch(s, i, turn);
                if (due > s->now_us) {
                        sched_wake_at(s, due);
                        continue;
                }
                if (feeds_only)
                        watch_feed_blind(&s->watches[i]);
                if (begin_watch(s, a, i))
                        return true;
        }
        return false;
}

static bool may_write(struct sched *s, int tag, double value)
{
        int64_t lease_us = s->tool->tags[tag].lease_us;
        /* A safe value that is still owed comes first; whoever wants another one asks again (CAUSE_GATE). */
        if (s->owed[tag].is_owed || sched_pair_of(s, tag) ||
            gate_check(&s->gate, tag, value, s->now_us) != GATE_PASS)
                return false;
        /* What nobody renews is not begun. */
        if (lease_us > 0 && time_add(s->turn_us, lease_us) <= s->now_us)
                return false;
        /* What only its module's clock makes safe opens by a pulse and by nothing else. */
        return s->tool->tags[tag].failsafe != TOOL_FAILSAFE_DEVICE_TIMED && sched_is_guarded(s, tag);
}

static bool pick_write(struct sched *s, struct sched_action *a)
{
        for (int i = writeq_first(&s->writes, false, 0); i >= 0;) {
                const struct effect_write *order = &s->writes.item[i].order;
                if (!sched_fits(s, s->tool->tags[order->tag].device)) {
                        i = writeq_first(&s->writes, false, i + 1);
                        continue;
                }
                if (!may_write(s, order->tag, order->value)) {
                        sched_fail_write(s, i, CAUSE_GATE, 0);
                } else if (!sched_fill_write(s, a, order->tag, order->value)) {
                        sched_fail_write(s, i, CAUSE_NONE, 0);
                } else {
                        begin_write(s, a, i);
                        return true;
                }
                i = writeq_first(&s->writes, false, 0);
        }
        memset(a, 0, sizeof *a);
        return false;
}

/* A unit that is doubted costs the others a quarantine when it fails again: they go before it, but no longer than that
 * lasts, or a full line would never ask it. */
static int64_t turn_of(const struct sched *s, int i)
{
        bool is_doubted = quarantine_is_doubted(&s->quarantine, s->polls.plan.request[i].device);
        return pollset_due(&s->polls, i) + (is_doubted ? s->link->timeout_us + s->quarantine.length_us : 0);
}

static int find_due_poll(struct sched *s)
{
        int first = -1;
        for (int i = 0; i < s->polls.plan.count; i++) {
                int device = s->polls.plan.request[i].device;
                int64_t due = pollset_due(&s->polls, i);
                if (s->manners[device].quiet_us > due)
                        due = s->manners[device].quiet_us;
                if (due > s->now_us)
                        sched_wake_at(s, due);
                else if ((first < 0 || turn_of(s, i) < turn_of(s, first)) && sched_fits(s, device))
                        first = i;
        }
        return first;
}

static bool pick_poll(struct sched *s, struct sched_action *a)
{
        int i = find_due_poll(s);
        if (i < 0)
                return false;
        const struct plan_request *r = &s->polls.plan.request[i];
        struct pollset_read read;
        pollset_forgive(&s->polls, i, s->now_us);
        pollset_next_read(&s->polls, i, &read);
        if (quarantine_wants_probe(&s->quarantine, r->device, r->reg, read.count)) {
                sched_begin_probe(s, a, r->device, limit_other(s)); /* the poll stays due */
                return true;
        }
        a->kind = SCHED_READ;
        a->reg = r->reg;
        a->address = read.address;
        a->count = read.count;
        pollset_begin(&s->polls, i, s->now_us);
        sched_begin_call(s, a, SCHED_JOB_POLL, i, r->device, limit_other(s));
        return true;
}

/* What may wait for edges. */
static bool pick_other(struct sched *s, struct sched_action *a)
{
        if (s->is_stopping)
                return false;
        return pick_watch(s, a, false) || sched_pick_setup(s, a) || pick_write(s, a) || pick_poll(s, a);
}

/* A serial line that is not to be trusted yet carries feeds, and then its probe. */
static bool pick_untrusted(struct sched *s, struct sched_action *a)
{
        bool holds = quarantine_holds(&s->quarantine, s->now_us);
        if (holds)
                sched_wake_at(s, s->quarantine.until_us);
        if (s->is_stopping)
                return false;
        return pick_watch(s, a, true) || (!holds && sched_pick_probe(s, a));
}

static bool pick_lesser(struct sched *s, struct sched_action *a)
{
        if (quarantine_holds(&s->quarantine, s->now_us) || quarantine_is_open(&s->quarantine))
                return pick_untrusted(s, a);
        return sched_pick_open(s, a) || sched_pick_check(s, a) || sched_pick_width(s, a) || pick_other(s, a);
}

/* What makes safe. */
static bool pick_urgent(struct sched *s, struct sched_action *a)
{
        return sched_pick_close(s, a) || pick_safe(s, a, true) || pick_owed(s, a, true) ||
               pick_safe(s, a, false) || pick_owed(s, a, false);
}

void sched_pick(struct sched *s, struct sched_action *a)
{
        s->wake_us = TIME_NEVER;
        s->is_safe_waiting = false;
        sched_lapse(s);
        if (pick_connection(s, a))
                return;
        /* The silence between two frames of a serial line is part of them: without it the next one is not seen as one. */
        bool may_call = s->conn.is_connected && s->quarantine.free_us <= s->now_us;
        if (may_call && pick_urgent(s, a))
                return;
        /* Nothing overtakes a safe value that waits for its device or for a close. */
        if (may_call && !s->is_safe_waiting && pick_lesser(s, a))
                return;
        if (s->conn.is_connected && !may_call)
                sched_wake_at(s, s->quarantine.free_us);
        assert(s->wake_us > s->now_us && s->job == SCHED_JOB_NONE);
        a->kind = SCHED_WAIT;
        a->until_us = s->wake_us;
        a->is_edge = s->wake_us == sched_next_edge(s);
}
