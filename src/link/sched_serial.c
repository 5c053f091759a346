#include "ald/base/text.h"        /* text_init */
#include "ald/base/time.h"        /* time_add, time_min */
#include "ald/link/sched_state.h" /* struct sched */

#include <assert.h> /* assert */
#include <string.h> /* memset */

/* Asking a dead unit costs its line a time-out and a quarantine: it is asked so seldom that this is at most one part in so
 * many of the line's time. */
enum { QUIET_PARTS = 20 };

bool sched_init_serial(struct sched *s)
{
        char buf[8];
        struct text why;
        text_init(&why, buf, sizeof buf); /* whoever wants to know asks quarantine_check() before */
        if (!quarantine_check(s->tool, s->link_index, &s->polls.plan, &why))
                return false;
        quarantine_init(&s->quarantine, s->tool, s->link_index, &s->polls.plan);
        return true;
}

void sched_begin_probe(struct sched *s, struct sched_action *a, int device, int64_t limit_us)
{
        const struct quarantine_read *probe = &s->quarantine.probe[device];
        memset(a, 0, sizeof *a);
        a->kind = SCHED_READ;
        a->reg = probe->reg;
        a->address = probe->address;
        a->count = probe->count;
        sched_begin_call(s, a, SCHED_JOB_PROBE, device, device, limit_us);
}

/* Any unit's answer proves the line, and the one that was silent least is the likeliest to give it. How long a unit has been
 * silent does not matter here: while the line is not proven nobody else uses it. */
bool sched_pick_probe(struct sched *s, struct sched_action *a)
{
        int best = TOOL_NONE;
        for (int n = 0; n < s->tool->device_count; n++) {
                int i = (s->probe_from + n) % s->tool->device_count;
                if ((s->quarantine.units & UINT32_C(1) << i) == 0 || !sched_fits(s, i))
                        continue;
                if (best == TOOL_NONE || s->manners[i].silences < s->manners[best].silences)
                        best = i;
        }
        if (best == TOOL_NONE)
                return false;
        s->probe_from = best + 1;
        sched_begin_probe(
            s, a, best, sched_limit_call(s, sched_next_edge(s), SCHED_MARGIN_US, SCHED_CALL_US));
        return true;
}

void sched_note_doubt(struct sched *s, const struct sched_result *r, bool is_cut, const char *why)
{
        struct sched_manners *m = &s->manners[s->job_device];
        bool is_all_mute = quarantine_failed(&s->quarantine, s->job_device, r->done_us);
        if (is_cut)
                return; /* nobody is to blame */
        int64_t lost_us = s->link->timeout_us + s->quarantine.length_us;
        if (++m->silences > 1) {
                int doublings = m->silences - 2 < 8 ? m->silences - 2 : 8;
                int64_t rest_us = time_min(lost_us << doublings, QUIET_PARTS * lost_us);
                m->quiet_us = time_add(s->quarantine.until_us, rest_us);
        }
        if (conn_muted(&s->conn, why, is_all_mute))
                pollset_fail_all(&s->polls, r->done_us);
}

bool sched_is_foreign(const struct sched *s, enum sched_job job, const struct sched_result *r)
{
        const struct tool_signature *g = &s->tool->devices[s->job_device].signature;
        if (r->outcome != SCHED_OK)
                return false;
        if (job == SCHED_JOB_PROBE)
                return s->quarantine.probe[s->job_device].is_signature && r->words[0] != g->value;
        if (job != SCHED_JOB_POLL || s->polls.plan.request[s->job_index].signature_at < 0)
                return false;
        return r->words[s->polls.plan.request[s->job_index].signature_at] != g->value;
}

void sched_stray(struct sched *s, int64_t now_us)
{
        assert(s->job == SCHED_JOB_NONE && s->quarantine.is_serial);
        if (now_us > s->now_us)
                s->now_us = now_us;
        quarantine_used(&s->quarantine, now_us);
        /* While the line is in quarantine, late answers are what is waited for. */
        if (!quarantine_holds(&s->quarantine, now_us))
                quarantine_failed(&s->quarantine, TOOL_NONE, now_us);
}

int64_t sched_foreign(const struct sched *s)
{
        return s->foreign_count;
}

int64_t sched_quarantines(const struct sched *s)
{
        return s->quarantine.count;
}
