#include "ald/base/time.h"        /* TIME_NEVER, time_add, time_min */
#include "ald/link/codec.h"       /* codec_encode, codec_words */
#include "ald/link/sched_state.h" /* struct sched */

#include <assert.h> /* assert */
#include <string.h> /* memset */

_Static_assert((int)PLAN_BITS_MAX <= (int)SCHED_WORDS_MAX && (int)PLAN_WORDS_MAX <= (int)SCHED_WORDS_MAX,
    "a planned read fits a result");

/* A safe write may be cut closer to a close than other calls: this long before it at the latest. */
#define SAFE_MARGIN_US INT64_C(2000)

static const struct tool_device *device_of(const struct sched *s, int tag)
{
        return &s->tool->devices[s->tool->tags[tag].device];
}

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
        int64_t need_us = writeq_first(&s->writes, true, 0) >= 0 ? s->now_us : sched_next_edge(s);
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

/* ---- Calls ---- */

/* When a call that begins now must be over: the link's timeout, or `margin_us` before the edge ahead, but `least_us`
 * it has in any case (several edges may be due together). */
static int64_t limit_call(const struct sched *s, int64_t edge_us, int64_t margin_us, int64_t least_us)
{
        int64_t limit = s->now_us + s->link->timeout_us;
        if (edge_us != TIME_NEVER)
                limit = time_min(limit, edge_us - margin_us);
        return limit > s->now_us + least_us ? limit : s->now_us + least_us;
}

static void begin_call(
    struct sched *s, struct sched_action *a, enum sched_job job, int index, int device, int64_t limit_us)
{
        a->limit_us = limit_us;
        a->slave_id = s->tool->devices[device].slave_id;
        s->job = job;
        s->job_index = index;
        s->job_device = device;
        s->job_is_cut = limit_us < s->now_us + s->link->timeout_us;
}

/* Fill a write of `tag`. False: the value does not fit the register. */
static bool fill_write(struct sched *s, struct sched_action *a, int tag, double value)
{
        const struct tool_tag *t = &s->tool->tags[tag];
        a->kind = SCHED_WRITE;
        a->reg = t->reg;
        a->address = t->address;
        a->count = t->reg == TOOL_COIL ? 1 : codec_words(t->type);
        a->multiple = a->count > 1 || device_of(s, tag)->write_multiple_only;
        s->job_value = value;
        return codec_encode(t, value, a->words);
}

/* May a call to `device` begin with an edge ahead? It must be over before; how long the device usually takes is
 * known, and a call that is given up costs the connection. */
static bool fits(struct sched *s, int device)
{
        const struct sched_manners *m = &s->manners[device];
        if (m->ready_us > s->now_us) {
                sched_wake_at(s, m->ready_us);
                return false;
        }
        int64_t edge = sched_next_edge(s);
        if (edge == TIME_NEVER)
                return true;
        int64_t call = 2 * m->call_us > SCHED_CALL_US ? 2 * m->call_us : SCHED_CALL_US;
        int64_t longest = time_min(call, s->link->timeout_us) + s->tool->devices[device].pause_us;
        return edge - s->now_us >= longest + SCHED_MARGIN_US;
}

static double open_value(const struct tool_tag *t)
{
        return t->safe == 0.0 ? 1.0 : 0.0;
}

/* The live pair in `state` whose edge is due first, or NULL. */
static struct pair *find_due_pair(struct sched *s, enum pair_state state)
{
        struct pair *first = NULL;
        for (int i = 0; i < SCHED_PAIRS_MAX; i++) {
                struct pair *p = &s->pairs[i];
                if (p->state != state)
                        continue;
                if (pair_edge(p) > s->now_us)
                        sched_wake_at(s, pair_edge(p));
                else if (!first || pair_edge(p) < pair_edge(first))
                        first = p;
        }
        return first;
}

static int pair_index(const struct sched *s, const struct pair *p)
{
        return (int)(p - s->pairs);
}

static int64_t next_close(const struct sched *s)
{
        int64_t edge = TIME_NEVER;
        for (int i = 0; i < SCHED_PAIRS_MAX; i++)
                if (s->pairs[i].state == PAIR_OPEN)
                        edge = time_min(edge, pair_edge(&s->pairs[i]));
        return edge;
}

static bool pick_close(struct sched *s, struct sched_action *a)
{
        struct pair *p = find_due_pair(s, PAIR_OPEN);
        if (!p)
                return false;
        int tag = p->times.tag;
        pair_closing(p); /* first, so that its own edge no longer counts as ahead */
        begin_call(s, a, SCHED_JOB_EDGE, pair_index(s, p), s->tool->tags[tag].device,
            limit_call(s, next_close(s), SCHED_MARGIN_US, SCHED_CALL_US));
        bool fits_register = fill_write(s, a, tag, s->tool->tags[tag].safe);
        assert(fits_register);
        (void)fits_register;
        gate_sending(&s->gate, tag, s->job_value, s->now_us);
        return true;
}

/* An output that only its watchdog makes safe is not energised while that does not run. */
static bool is_guarded(const struct sched *s, int tag)
{
        const struct tool_tag *t = &s->tool->tags[tag];
        if (t->failsafe != TOOL_FAILSAFE_WATCHDOG || !s->has_watch[t->device])
                return true;
        return watch_is_running(&s->watches[t->device]);
}

static bool is_turn_fresh(const struct sched *s)
{
        return s->turn_us != INT64_MIN && s->now_us - s->turn_us <= SCHED_TURN_US;
}

static bool may_open(const struct sched *s, int tag, double value)
{
        /* A pulse begins from closed: on an output that is open it would escape its maximum open time. */
        return is_turn_fresh(s) && !s->owed[tag].is_owed && !s->gate.out[tag].is_energised &&
               is_guarded(s, tag) && gate_check(&s->gate, tag, value, s->now_us) == GATE_PASS;
}

static void begin_open(struct sched *s, struct sched_action *a, struct pair *p)
{
        int tag = p->times.tag;
        pair_opening(p);
        /* A narrow pulse leaves half of itself to the open, however little that is. */
        int64_t half = (p->close_us - s->now_us) / 2;
        begin_call(s, a, SCHED_JOB_EDGE, pair_index(s, p), s->tool->tags[tag].device,
            limit_call(s, time_min(p->close_us, sched_next_edge(s)), time_min(half, SCHED_MARGIN_US),
                time_min(half, SCHED_CALL_US)));
        gate_sending(&s->gate, tag, s->job_value, s->now_us);
        gate_set_timed(&s->gate, tag, true);
}

static bool pick_open(struct sched *s, struct sched_action *a)
{
        for (struct pair *p = find_due_pair(s, PAIR_ARMED); p; p = find_due_pair(s, PAIR_ARMED)) {
                int tag = p->times.tag;
                double value = open_value(&s->tool->tags[tag]);
                if (may_open(s, tag, value) && fill_write(s, a, tag, value)) {
                        begin_open(s, a, p);
                        return true;
                }
                sched_refuse_pulse(s, p);
        }
        memset(a, 0, sizeof *a);
        return false;
}

/* May a safe write to `device` begin? Only a close is as urgent, and the device's own pause. */
static bool fits_safe(struct sched *s, int device)
{
        int64_t edge = next_close(s);
        bool fits_edge = edge == TIME_NEVER || edge - s->now_us >= 2 * SAFE_MARGIN_US;
        if (fits_edge && s->manners[device].ready_us <= s->now_us)
                return true;
        sched_wake_at(s, fits_edge ? s->manners[device].ready_us : edge);
        s->is_safe_waiting = true;
        return false;
}

static int64_t limit_safe(const struct sched *s)
{
        return limit_call(s, next_close(s), SAFE_MARGIN_US, SAFE_MARGIN_US);
}

static int64_t limit_other(const struct sched *s)
{
        return limit_call(s, sched_next_edge(s), SCHED_MARGIN_US, SCHED_CALL_US);
}

static void begin_write(struct sched *s, struct sched_action *a, int i)
{
        int tag = s->writes.item[i].order.tag;
        bool is_safe = s->writes.item[i].order.is_safe;
        int64_t limit = is_safe ? limit_safe(s) : limit_other(s);
        begin_call(s, a, SCHED_JOB_WRITE, i, s->tool->tags[tag].device, limit);
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
                bool fits_register = fill_write(s, a, order->tag, order->value);
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
                bool fits_register = fill_write(s, a, tag, s->tool->tags[tag].safe);
                assert(fits_register);
                (void)fits_register;
                begin_call(s, a, SCHED_JOB_OWED, tag, s->tool->tags[tag].device, limit_safe(s));
                gate_sending(&s->gate, tag, s->job_value, s->now_us);
                return true;
        }
        return false;
}

/* ---- Below the edges: watchdogs, other writes, polls ---- */

static bool begin_watch(struct sched *s, struct sched_action *a, int device)
{
        struct watch_call call;
        if (!fits(s, device))
                return false;
        watch_call(&s->watches[device], &call);
        a->kind = call.is_write ? SCHED_WRITE : SCHED_READ;
        a->reg = TOOL_HOLDING;
        a->address = call.address;
        a->count = 1;
        a->multiple = call.is_write && s->tool->devices[device].write_multiple_only;
        a->words[0] = call.word;
        begin_call(s, a, SCHED_JOB_WATCH, device, device, limit_other(s));
        watch_sending(&s->watches[device], s->now_us, s->turn_us);
        return true;
}

/* Asking after a fresh connection is always due, so it comes before all that is of lower urgency. */
static bool pick_watch(struct sched *s, struct sched_action *a)
{
        int64_t turn = is_turn_fresh(s) ? s->turn_us : INT64_MIN; /* an old grant feeds nothing */
        for (int i = 0; i < s->tool->device_count; i++) {
                if (!s->has_watch[i])
                        continue;
                watch_doubt(&s->watches[i], s->now_us, turn);
                int64_t due = watch_due(&s->watches[i], turn);
                if (due > s->now_us)
                        sched_wake_at(s, due);
                else if (begin_watch(s, a, i))
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
        return is_guarded(s, tag);
}

static bool pick_write(struct sched *s, struct sched_action *a)
{
        for (int i = writeq_first(&s->writes, false, 0); i >= 0;) {
                const struct effect_write *order = &s->writes.item[i].order;
                if (!fits(s, s->tool->tags[order->tag].device)) {
                        i = writeq_first(&s->writes, false, i + 1);
                        continue;
                }
                if (!may_write(s, order->tag, order->value)) {
                        sched_fail_write(s, i, CAUSE_GATE, 0);
                } else if (!fill_write(s, a, order->tag, order->value)) {
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

static int find_due_poll(struct sched *s)
{
        int first = -1;
        for (int i = 0; i < s->polls.plan.count; i++) {
                int device = s->polls.plan.request[i].device;
                int64_t due = s->polls.item[i].due_us;
                if (s->manners[device].quiet_us > due)
                        due = s->manners[device].quiet_us;
                if (due > s->now_us)
                        sched_wake_at(s, due);
                else if ((first < 0 || s->polls.item[i].due_us < s->polls.item[first].due_us) &&
                         fits(s, device))
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
        a->kind = SCHED_READ;
        a->reg = r->reg;
        a->address = r->address;
        a->count = r->count;
        pollset_begin(&s->polls, i, s->now_us);
        begin_call(s, a, SCHED_JOB_POLL, i, r->device, limit_other(s));
        return true;
}

/* What may wait for edges. */
static bool pick_other(struct sched *s, struct sched_action *a)
{
        if (s->is_stopping)
                return false;
        return pick_watch(s, a) || pick_write(s, a) || pick_poll(s, a);
}

/* What makes safe. */
static bool pick_urgent(struct sched *s, struct sched_action *a)
{
        return pick_close(s, a) || pick_safe(s, a, true) || pick_owed(s, a, true) || pick_safe(s, a, false) ||
               pick_owed(s, a, false);
}

void sched_pick(struct sched *s, struct sched_action *a)
{
        s->wake_us = TIME_NEVER;
        s->is_safe_waiting = false;
        sched_lapse(s);
        if (pick_connection(s, a))
                return;
        if (s->conn.is_connected && pick_urgent(s, a))
                return;
        /* Nothing overtakes a safe value that waits for its device or for a close. */
        if (s->conn.is_connected && !s->is_safe_waiting && (pick_open(s, a) || pick_other(s, a)))
                return;
        assert(s->wake_us > s->now_us && s->job == SCHED_JOB_NONE);
        a->kind = SCHED_WAIT;
        a->until_us = s->wake_us;
}
