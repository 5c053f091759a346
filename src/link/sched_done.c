#include "ald/base/text.h"        /* text_init, text_add */
#include "ald/base/time.h"        /* TIME_S, time_min */
#include "ald/link/sched_state.h" /* struct sched */
#include "ald/link/watchmap.h"    /* watchmap_status */

#include <assert.h> /* assert */

/* A device that stays silent is polled ever less often, up to this, so that it cannot starve its neighbours. */
#define QUIET_US_MAX (2 * TIME_S)

static bool is_answer(enum sched_outcome outcome)
{
        return outcome == SCHED_OK || outcome == SCHED_EXCEPTION;
}

static void explain(const struct sched *s, const struct sched_result *r, char *buf, size_t cap)
{
        const struct tool_device *d = &s->tool->devices[s->job_device];
        struct text t;
        text_init(&t, buf, cap);
        switch (r->outcome) {
        case SCHED_TIMEOUT:
                text_add(&t, "no answer from %s (unit %d) within %lld ms", d->name, d->slave_id,
                    (long long)(s->link->timeout_us / TIME_MS));
                break;
        case SCHED_BAD_FRAME:
                text_add(&t, "bad frame from %s (unit %d)%s%s", d->name, d->slave_id, r->text[0] ? ": " : "",
                    r->text);
                break;
        default:
                text_add(&t, "connection lost at %s (unit %d)%s%s", d->name, d->slave_id,
                    r->text[0] ? ": " : "", r->text);
        }
}

static void go_down(struct sched *s, int64_t now_us)
{
        pollset_fail_all(&s->polls, now_us);
}

/* A cut call tells nothing about the device: it was not given its time. */
static bool was_cut(const struct sched *s, const struct sched_result *r)
{
        return s->job_is_cut && r->outcome == SCHED_TIMEOUT;
}

static void note_answer(struct sched *s, enum sched_job job, const struct sched_result *r)
{
        struct sched_manners *m = &s->manners[s->job_device];
        int64_t took = r->done_us - r->sent_us;
        quarantine_answered(&s->quarantine, s->job_device, s->job_read.count > 0 ? &s->job_read : NULL,
            job == SCHED_JOB_PROBE);
        if (s->quarantine.is_serial && m->silences > 0)
                sched_hurry_owed(s, s->job_device);
        m->call_us = took > m->call_us ? took : m->call_us - (m->call_us - took) / 8;
        m->answer_us = took > m->answer_us ? took : m->answer_us - (m->answer_us - took) / 8;
        m->ready_us = r->done_us + s->tool->devices[s->job_device].pause_us;
        m->quiet_us = INT64_MIN;
        m->silences = 0;
        conn_worked(&s->conn);
}

static void note_silence(struct sched *s, const struct sched_result *r)
{
        struct sched_manners *m = &s->manners[s->job_device];
        char why[96];
        if (r->done_us - r->sent_us > m->call_us)
                m->call_us = r->done_us - r->sent_us;
        if (s->quarantine.is_serial && r->outcome != SCHED_CLOSED) {
                explain(s, r, why, sizeof why);
                sched_note_doubt(s, r, was_cut(s, r), why);
                return;
        }
        if (was_cut(s, r)) {
                conn_replace(&s->conn, r->done_us);
                return;
        }
        if (r->outcome == SCHED_TIMEOUT && ++m->silences > 1) {
                int doublings = m->silences - 2 < 4 ? m->silences - 2 : 4;
                m->quiet_us = r->done_us + time_min(s->link->timeout_us << doublings, QUIET_US_MAX);
        }
        explain(s, r, why, sizeof why);
        if (conn_broke(&s->conn, r->done_us, why))
                go_down(s, r->done_us);
}

/* The first safe write that has had its two attempts, or -1. */
static int find_spent_write(const struct sched *s)
{
        int i = writeq_first(&s->writes, true, 0);
        while (i >= 0 && s->writes.item[i].attempts < 2)
                i = writeq_first(&s->writes, true, i + 1);
        return i;
}

/* A failed connection counts as an attempt for the safe writes that wait for it; what fails so stays owed. */
static void count_attempt(struct sched *s)
{
        for (int i = writeq_first(&s->writes, true, 0); i >= 0; i = writeq_first(&s->writes, true, i + 1))
                s->writes.item[i].attempts++;
        for (int i = find_spent_write(s); i >= 0; i = find_spent_write(s))
                sched_fail_write(s, i, CAUSE_NONE, 0);
}

static void finish_connect(struct sched *s, const struct sched_result *r)
{
        if (r->outcome == SCHED_OK) {
                conn_connected(&s->conn);
                quarantine_opened(&s->quarantine, r->done_us);
                return;
        }
        if (conn_refused(&s->conn, r->done_us, r->text[0] ? r->text : "cannot connect"))
                go_down(s, r->done_us);
        count_attempt(s);
}

static void finish_close(struct sched *s)
{
        conn_dropped(&s->conn);
        pollset_renew(&s->polls);
        sched_timed_reset(s);
        for (int i = 0; i < s->tool->device_count; i++)
                if (s->has_watch[i])
                        watch_reset(&s->watches[i]);
}

/* What a write of `tag` tells about the output. */
static void note_write(struct sched *s, int tag, const struct sched_result *r)
{
        if (s->has_watch[s->job_device])
                watch_disturbed(&s->watches[s->job_device]);
        if (r->outcome == SCHED_OK)
                gate_acked(&s->gate, tag, s->job_value, r->sent_us, r->done_us);
        else if (!is_answer(r->outcome))
                gate_lost(&s->gate, tag, s->job_value);
}

/* A safe value of `tag` was acknowledged. While an earlier write may still take effect it is owed once more. */
static void settle(struct sched *s, int tag, enum cause cause)
{
        int64_t from_us;
        if (!gate_is_doubtful(&s->gate, tag, &from_us))
                return;
        sched_owe(s, tag, cause);
        s->owed[tag].retry_us = from_us;
}

/* It opened with its watchdog known to run. The device may have been restarted and have closed by itself in the middle,
 * taking the close as if nothing had been: it tells by its watchdog, which does not run then. */
static bool needs_proof(const struct sched *s, int tag)
{
        const struct tool_tag *t = &s->tool->tags[tag];
        return t->failsafe == TOOL_FAILSAFE_WATCHDOG && s->has_watch[t->device];
}

void sched_end_closed(struct sched *s, struct pair *p)
{
        int tag = p->times.tag;
        gate_set_timed(&s->gate, tag, false);
        settle(s, tag, CAUSE_DEADLINE);
        sched_timed_ended(s, p);
        if (pair_is_whole(p) && needs_proof(s, tag)) {
                pair_prove(p); /* sched_lapse() ends it */
                return;
        }
        struct event_pulse ended;
        pair_finish(p, &ended);
        sched_push_pulse(s, &ended);
}

static void finish_edge(struct sched *s, const struct sched_result *r)
{
        struct pair *p = &s->pairs[s->job_index];
        int tag = p->times.tag;
        bool ok = r->outcome == SCHED_OK;
        note_write(s, tag, r);
        if (p->state == PAIR_OPENING) {
                pair_opened(p, ok, r->outcome == SCHED_EXCEPTION, r->sent_us, r->done_us);
                return;
        }
        if (!pair_closed(p, ok, r->sent_us, r->done_us))
                return;
        sched_end_closed(s, p);
}

static void finish_write(struct sched *s, const struct sched_result *r)
{
        struct writeq_item *item = &s->writes.item[s->job_index];
        const struct effect_write order = item->order;
        item->is_sent = false;
        note_write(s, order.tag, r);
        if (r->outcome == SCHED_OK) {
                struct event_wrote how = {.ok = true, .sent_us = r->sent_us, .acked_us = r->done_us};
                writeq_end(&s->writes, s->job_index, &how, sched_push_wrote, s);
                pollset_hurry(&s->polls, order.tag, r->done_us);
                if (order.is_safe)
                        settle(s, order.tag, (enum cause)order.cause);
                return;
        }
        if (order.is_safe && !is_answer(r->outcome) && (was_cut(s, r) || ++item->attempts < 2))
                return; /* once more, on the fresh connection */
        sched_fail_write(s, s->job_index, CAUSE_NONE, r->sent_us);
}

static void finish_owed(struct sched *s, const struct sched_result *r)
{
        int tag = s->job_index;
        struct sched_owed *o = &s->owed[tag];
        note_write(s, tag, r);
        if (r->outcome != SCHED_OK) {
                o->retry_us = r->done_us + SCHED_OWED_RETRY_US;
                /* On a serial line a dead unit must not take all the time of the others. */
                if (s->quarantine.is_serial && s->manners[s->job_device].quiet_us > o->retry_us)
                        o->retry_us = s->manners[s->job_device].quiet_us;
                return;
        }
        if (gate_is_doubtful(&s->gate, tag, &o->retry_us))
                return; /* not before then, and once more */
        o->is_owed = false;
        o->is_done = true;
        o->report_n = s->report_n++;
        o->report = (struct event_wrote){.tag = (int16_t)tag,
            .cause = o->cause,
            .ok = true,
            .unasked = true,
            .value = s->job_value,
            .sent_us = r->sent_us,
            .acked_us = r->done_us};
}

void sched_hurry_owed(struct sched *s, int device)
{
        for (int i = 0; i < s->output_count; i++)
                if (s->tool->tags[s->outputs[i]].device == device)
                        s->owed[s->outputs[i]].retry_us = INT64_MIN;
}

static void finish_watch(struct sched *s, const struct sched_result *r)
{
        struct watch *w = &s->watches[s->job_index];
        if (!is_answer(r->outcome)) {
                if (!was_cut(s, r))
                        watch_failed(w, r->done_us);
                return;
        }
        struct watch_answer answer = {
            .exception = r->outcome == SCHED_EXCEPTION ? (r->exception ? r->exception : -1) : 0,
            .word = r->words[0],
            .sent_us = r->sent_us,
            .done_us = r->done_us};
        if (w->step == WATCH_RESTART && answer.exception == 0)
                sched_hurry_owed(s, s->job_index); /* it takes writes again: closes first */
        int status = watch_answered(w, &answer);
        if (status >= 0) {
                s->manners[s->job_index].was_off |= status == TOOL_WATCHDOG_OFF;
                s->manners[s->job_index].status = status;
                s->manners[s->job_index].status_us = r->sent_us;
        }
}

/* The poll plan's look at a watchdog: the only one where writes go over another link. */
static void finish_status(struct sched *s, const struct sched_result *r)
{
        struct sched_manners *m = &s->manners[s->job_device];
        const struct tool_watchdog *dog = &s->tool->devices[s->job_device].watchdog;
        int status = r->outcome == SCHED_OK                               ? watchmap_status(dog, r->words[0])
                     : r->outcome == SCHED_EXCEPTION && r->exception == 4 ? TOOL_WATCHDOG_EXPIRED
                                                                          : -1;
        if (status < 0 || (s->has_watch[s->job_device] && watch_is_proving(&s->watches[s->job_device])))
                return;
        if (s->has_watch[s->job_device]) {
                watch_observe(&s->watches[s->job_device], status);
                if (!watch_is_running(&s->watches[s->job_device]) && status == TOOL_WATCHDOG_RUNNING)
                        return; /* not yet armed by us: watch_answered() will say when it is */
        } else if (m->status < 0 && status == TOOL_WATCHDOG_OFF) {
                m->status_reported =
                    status; /* not armed yet, which is no news; and it must not overtake the other
                                              * link's report that it is */
        }
        m->status = status;
        m->status_us = r->sent_us;
}

static void finish_poll(struct sched *s, const struct sched_result *r)
{
        if (s->polls.plan.request[s->job_index].watchdog_of >= 0)
                finish_status(s, r);
        else if (r->outcome == SCHED_OK)
                pollset_answer(&s->polls, s->job_index, r->sent_us, r->words);
        else if (r->outcome == SCHED_EXCEPTION)
                pollset_refuse(&s->polls, s->job_index, r->sent_us, r->exception);
        else if (!was_cut(s, r) && !s->conn.is_down) /* (down: all were said to be Bad at that moment) */
                pollset_fail(&s->polls, s->job_index, r->sent_us, QUALITY_WHY_COMM);
}

static void finish_call(struct sched *s, enum sched_job job, const struct sched_result *r)
{
        quarantine_used(&s->quarantine, r->done_us);
        if (is_answer(r->outcome))
                note_answer(s, job, r);
        else
                note_silence(s, r);
        switch (job) {
        case SCHED_JOB_EDGE:
                finish_edge(s, r);
                break;
        case SCHED_JOB_WRITE:
                finish_write(s, r);
                break;
        case SCHED_JOB_OWED:
                finish_owed(s, r);
                break;
        case SCHED_JOB_TIMED:
                sched_finish_timed(s, r);
                break;
        case SCHED_JOB_WATCH:
                finish_watch(s, r);
                break;
        case SCHED_JOB_POLL:
                finish_poll(s, r);
                break;
        case SCHED_JOB_PROBE:
                break;
        default:
                assert(false && "not a call");
        }
}

/* It is a bad frame like any other; what it brought is not looked at. */
static void finish_foreign(struct sched *s, enum sched_job job, const struct sched_result *r)
{
        struct sched_result spoiled = {
            .outcome = SCHED_BAD_FRAME, .sent_us = r->sent_us, .done_us = r->done_us};
        text_copy(spoiled.text, sizeof spoiled.text, "it does not carry the unit's signature");
        s->foreign_count++;
        finish_call(s, job, &spoiled);
}

void sched_finish(struct sched *s, const struct sched_result *r)
{
        enum sched_job job = s->job;
        s->job = SCHED_JOB_NONE;
        assert(job != SCHED_JOB_NONE);
        if (job == SCHED_JOB_CONNECT)
                finish_connect(s, r);
        else if (job == SCHED_JOB_CLOSE)
                finish_close(s);
        else if (sched_is_foreign(s, job, r))
                finish_foreign(s, job, r);
        else
                finish_call(s, job, r);
}
