#include "ald/base/time.h"        /* TIME_MS, time_min */
#include "ald/link/sched_state.h" /* struct sched */

void sched_wake_at(struct sched *s, int64_t t_us)
{
        s->wake_us = time_min(s->wake_us, t_us > s->now_us ? t_us : s->now_us + TIME_MS);
}

static void end_unopened(struct sched *s, struct pair *p, enum pulse_outcome outcome)
{
        struct event_pulse ended;
        pair_end_closed(p, outcome, &ended);
        sched_push_pulse(s, &ended);
}

void sched_refuse_pulse(struct sched *s, struct pair *p)
{
        end_unopened(s, p, PULSE_REFUSED);
}

/* A pulse that was closed is reported when its device's watchdog was seen to run on, or not to; who is told to end does not
 * ask any more. */
static void prove_pair(struct sched *s, struct pair *p)
{
        struct watch *w = &s->watches[s->tool->tags[p->times.tag].device];
        bool lived = watch_ran_on(w, p->losses, p->times.close_acked_us);
        struct event_pulse ended;
        if (!lived && w->losses == p->losses && !s->is_stopping && s->now_us < pair_prove_by(p)) {
                watch_look(w, p->times.close_acked_us);
                sched_wake_at(s, pair_prove_by(p));
                return;
        }
        pair_proved(p, lived);
        pair_finish(p, &ended);
        sched_push_pulse(s, &ended);
}

static void lapse_pair(struct sched *s, struct pair *p)
{
        if (p->state == PAIR_PROVING) {
                prove_pair(s, p);
        } else if (p->state == PAIR_ARMED && s->now_us > pair_latest_open(p)) {
                end_unopened(s, p, PULSE_LATE);
        } else if (p->state == PAIR_ARMED) {
                sched_wake_at(s, pair_latest_open(p) + 1);
        } else if (p->state == PAIR_RUNNING && s->now_us < pair_ask_by(p, s->now_us)) {
                sched_wake_at(s, pair_check(p) > s->now_us ? pair_check(p) : pair_ask_by(p, s->now_us));
        } else if (p->state == PAIR_RUNNING) {
                pair_doubt(p, s->now_us); /* nobody tells how it went */
        } else if (s->now_us < pair_report_by(p)) {
                sched_wake_at(s, pair_report_by(p));
        } else {
                struct event_pulse ended;
                sched_timed_ended(s, p);
                pair_finish(p, &ended);
                gate_set_timed(&s->gate, ended.tag, false);
                sched_push_pulse(s, &ended);
                sched_owe(s, ended.tag, CAUSE_DEADLINE);
        }
}

static void lapse_output(struct sched *s, int tag)
{
        enum cause cause;
        if (s->owed[tag].is_owed)
                return;
        int64_t limit = gate_limit(&s->gate, tag, s->turn_us, &cause);
        if (limit <= s->now_us)
                sched_owe(s, tag, cause);
        else
                sched_wake_at(s, limit);
}

/* On a dead link an old order must not wait for a connection that comes back much later. */
static void lapse_writes(struct sched *s)
{
        bool is_dead =
            s->conn.is_down && s->conn.fails > 0 && (!s->conn.is_connected || s->quarantine.is_serial);
        if (!is_dead && !s->is_stopping)
                return;
        for (int i = writeq_first(&s->writes, false, 0); i >= 0; i = writeq_first(&s->writes, false, 0))
                sched_fail_write(s, i, CAUSE_NONE, 0);
}

void sched_lapse(struct sched *s)
{
        for (int i = 0; i < SCHED_PAIRS_MAX; i++)
                if (pair_is_live(&s->pairs[i]))
                        lapse_pair(s, &s->pairs[i]);
        for (int i = 0; i < s->output_count; i++)
                lapse_output(s, s->outputs[i]);
        lapse_writes(s);
}
