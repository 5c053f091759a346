/* The watchdogs of a schedule's devices: their proof, and what is told of them. */
#include "ald/base/text.h"        /* text_copy */
#include "ald/link/sched_state.h" /* struct sched */

#include <assert.h> /* assert */

void sched_prove(struct sched *s, const struct effect_prove *order, int64_t now_us)
{
        assert(order->device >= 0 && order->device < s->tool->device_count);
        if (!s->has_watch[order->device])
                return;
        if (order->stop)
                watch_break_proof(&s->watches[order->device], "it was called off");
        else
                watch_prove(&s->watches[order->device], now_us);
}

static void say_watchdog(struct sched *s, int device, struct event *out)
{
        struct sched_manners *m = &s->manners[device];
        out->kind = EVENT_WATCHDOG;
        int status = m->was_off ? TOOL_WATCHDOG_OFF : m->status;
        m->was_off = false;
        m->status_reported = status;
        out->u.watchdog = (struct event_watchdog){.device = (int16_t)device,
            .status = (uint8_t)status,
            .count = s->has_watch[device] ? s->watches[device].count : -1,
            .seen_us = m->status_us};
}

/* The outcome of a proof goes first: what it brought about is old news then. */
static bool report_proof(struct sched *s, struct event *out)
{
        struct proof proof;
        for (int i = 0; i < s->tool->device_count; i++) {
                if (!s->has_watch[i] || s->manners[i].status < 0 || s->manners[i].was_off ||
                    !watch_take_proof(&s->watches[i], &proof))
                        continue;
                say_watchdog(s, i, out);
                out->u.watchdog.proof = proof.outcome;
                out->u.watchdog.seen_us = proof.ended_us;
                out->u.watchdog.measured_us = proof.measured_us;
                text_copy(out->u.watchdog.why, sizeof out->u.watchdog.why, proof.why);
                return true;
        }
        return false;
}

bool sched_report_watchdog(struct sched *s, struct event *out)
{
        if (report_proof(s, out))
                return true;
        for (int i = 0; i < s->tool->device_count; i++) {
                if (s->manners[i].status == s->manners[i].status_reported && !s->manners[i].was_off)
                        continue;
                say_watchdog(s, i, out);
                return true;
        }
        return false;
}
