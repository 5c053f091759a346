#include "ald/base/time.h"        /* TIME_NEVER, time_add, time_min */
#include "ald/link/sched_state.h" /* struct sched */

#include <assert.h> /* assert */
#include <string.h> /* memset */

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

int64_t sched_next_close(const struct sched *s)
{
        int64_t edge = TIME_NEVER;
        for (int i = 0; i < SCHED_PAIRS_MAX; i++)
                if (s->pairs[i].state == PAIR_OPEN)
                        edge = time_min(edge, pair_edge(&s->pairs[i]));
        return edge;
}

/* Where a connection can be replaced, a first close that nobody answers is given up early and sent again on a fresh one,
 * so that it is there within 50 ms of its time. What is known to answer slowly is given its time. */
static int64_t close_by(const struct sched *s, const struct pair *p)
{
        int64_t usual_us = 2 * s->manners[s->tool->tags[p->times.tag].device].answer_us;
        if (s->quarantine.is_serial || p->close_failed)
                return TIME_NEVER;
        return time_add(s->now_us, usual_us > SCHED_CLOSE_US ? usual_us : SCHED_CLOSE_US);
}

bool sched_pick_close(struct sched *s, struct sched_action *a)
{
        struct pair *p = find_due_pair(s, PAIR_OPEN);
        if (!p)
                return false;
        int tag = p->times.tag;
        pair_closing(p); /* first, so that its own edge no longer counts as ahead */
        int64_t limit_us = sched_limit_call(s, sched_next_close(s), SCHED_MARGIN_US, SCHED_CALL_US);
        sched_begin_call(s, a, SCHED_JOB_EDGE, pair_index(s, p), s->tool->tags[tag].device,
            time_min(limit_us, close_by(s, p)));
        bool fits_register = sched_fill_write(s, a, tag, s->tool->tags[tag].safe);
        assert(fits_register);
        (void)fits_register;
        gate_sending(&s->gate, tag, s->job_value, s->now_us);
        return true;
}

bool sched_is_guarded(const struct sched *s, int tag)
{
        const struct tool_tag *t = &s->tool->tags[tag];
        if (t->failsafe != TOOL_FAILSAFE_WATCHDOG || !s->has_watch[t->device])
                return true;
        return watch_is_sure(&s->watches[t->device]);
}

bool sched_is_turn_fresh(const struct sched *s)
{
        return s->turn_us != INT64_MIN && s->now_us - s->turn_us <= SCHED_TURN_US;
}

bool sched_may_open(const struct sched *s, int tag, double value, int64_t at_us)
{
        /* A pulse begins from closed: on an output that is open it would escape its maximum open time. */
        return sched_is_turn_fresh(s) && !s->owed[tag].is_owed && !s->gate.out[tag].is_energised &&
               sched_is_guarded(s, tag) && gate_check(&s->gate, tag, value, at_us) == GATE_PASS;
}

/* A module that times the pulse is told to start it. */
static bool fill_open(struct sched *s, struct sched_action *a, const struct pair *p)
{
        int tag = p->times.tag;
        bool fits_register = sched_fill_write(s, a, tag, open_value(&s->tool->tags[tag]));
        if (p->is_timed)
                sched_timed_fill_start(s, a, tag);
        return fits_register;
}

static void begin_open(struct sched *s, struct sched_action *a, struct pair *p)
{
        int tag = p->times.tag, device = s->tool->tags[tag].device;
        pair_opening(p);
        p->losses = s->watches[device].losses;
        /* A narrow pulse leaves half of itself to the open, however little that is. */
        int64_t half = (p->close_us - s->now_us) / 2;
        sched_begin_call(s, a, SCHED_JOB_EDGE, pair_index(s, p), device,
            sched_limit_call(s, time_min(p->close_us, sched_next_edge(s)), time_min(half, SCHED_MARGIN_US),
                time_min(half, SCHED_CALL_US)));
        gate_sending(&s->gate, tag, s->job_value, s->now_us);
        gate_set_timed(&s->gate, tag, true);
}

bool sched_pick_open(struct sched *s, struct sched_action *a)
{
        for (struct pair *p = find_due_pair(s, PAIR_ARMED); p; p = find_due_pair(s, PAIR_ARMED)) {
                int tag = p->times.tag;
                if (sched_may_open(s, tag, open_value(&s->tool->tags[tag]), s->now_us) &&
                    sched_timed_is_ready(s, p) && fill_open(s, a, p)) {
                        begin_open(s, a, p);
                        return true;
                }
                sched_refuse_pulse(s, p);
        }
        memset(a, 0, sizeof *a);
        return false;
}
