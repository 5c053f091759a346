#include "ald/link/pair.h"

#include "ald/base/time.h" /* time_add, time_min, TIME_NEVER */

#include <assert.h> /* assert */
#include <string.h> /* memset */

void pair_arm(struct pair *p, const struct effect_pulse *order)
{
        assert(p->state == PAIR_FREE && order->close_us > order->open_us);
        memset(p, 0, sizeof *p);
        p->state = PAIR_ARMED;
        p->open_us = order->open_us;
        p->close_us = order->close_us;
        p->retry_us = INT64_MIN;
        p->times.id = order->id;
        p->times.tag = order->tag;
}

void pair_arm_timed(struct pair *p, const struct effect_pulse *order, int64_t width_us)
{
        pair_arm(p, order);
        assert(width_us > 0);
        p->is_timed = true;
        p->close_us = p->open_us + width_us;
}

bool pair_is_live(const struct pair *p)
{
        return p->state != PAIR_FREE;
}

int64_t pair_edge(const struct pair *p)
{
        if (p->state == PAIR_ARMED)
                return p->open_us;
        if (p->state == PAIR_OPEN)
                return p->close_us > p->retry_us ? p->close_us : p->retry_us;
        return TIME_NEVER;
}

int64_t pair_latest_open(const struct pair *p)
{
        return time_add(p->open_us, time_min(PAIR_LATE_US, (p->close_us - p->open_us) / 2));
}

int64_t pair_report_by(const struct pair *p)
{
        return p->state == PAIR_OPEN ? time_add(p->close_us, PAIR_REPORT_US) : TIME_NEVER;
}

bool pair_revoke(struct pair *p, int64_t now_us)
{
        if (p->state == PAIR_ARMED)
                return true;
        if (p->state != PAIR_FREE && now_us < p->close_us) {
                p->is_cut = true;
                p->close_us = now_us;
                if (p->state == PAIR_RUNNING)
                        p->state = PAIR_OPEN; /* its close is ours again */
        }
        return false;
}

void pair_opening(struct pair *p)
{
        assert(p->state == PAIR_ARMED);
        p->state = PAIR_OPENING;
}

void pair_opened(struct pair *p, bool ok, bool refused, int64_t sent_us, int64_t done_us)
{
        assert(p->state == PAIR_OPENING);
        p->state = PAIR_OPEN;
        p->times.open_sent_us = sent_us;
        p->times.open_acked_us = ok ? done_us : 0;
        p->open_failed = !ok;
        if (ok && p->is_timed && !p->is_cut) {
                int64_t width_us = p->close_us - p->open_us;
                p->state = PAIR_RUNNING;
                p->ask_by_us = TIME_NEVER;
                p->check_us = done_us + width_us +
                              time_min(PAIR_CHECK_US + width_us / PAIR_CHECK_PART, PAIR_CHECK_US_MAX);
        }
        if (refused && done_us < p->close_us)
                p->close_us = done_us; /* it says it did not open: close at once all the same */
}

void pair_closing(struct pair *p)
{
        assert(p->state == PAIR_OPEN);
        p->state = PAIR_CLOSING;
}

bool pair_closed(struct pair *p, bool ok, int64_t sent_us, int64_t done_us)
{
        assert(p->state == PAIR_CLOSING);
        p->state = PAIR_OPEN;
        p->times.close_sent_us = sent_us;
        if (ok) {
                p->times.close_acked_us = done_us;
                return true;
        }
        p->close_failed = true;
        p->retry_us = time_add(done_us, p->retry_step_us); /* first at once, on the fresh connection */
        p->retry_step_us =
            p->retry_step_us == 0 ? PAIR_RETRY_US_MIN : time_min(2 * p->retry_step_us, PAIR_RETRY_US_MAX);
        return false;
}

int64_t pair_check(const struct pair *p)
{
        return p->state == PAIR_RUNNING ? p->check_us : TIME_NEVER;
}

int64_t pair_ask_by(struct pair *p, int64_t now_us)
{
        assert(p->state == PAIR_RUNNING);
        if (p->ask_by_us == TIME_NEVER && now_us >= p->check_us)
                p->ask_by_us = time_add(now_us, PAIR_ASK_US);
        return p->ask_by_us;
}

void pair_checked(struct pair *p, int64_t done_us)
{
        assert(p->state == PAIR_RUNNING);
        p->state = PAIR_OPEN;
        p->times.is_device_timed = true;
        p->times.close_sent_us = p->times.open_sent_us + (p->close_us - p->open_us);
        p->times.close_acked_us = done_us;
}

void pair_doubt(struct pair *p, int64_t now_us)
{
        assert(p->state == PAIR_RUNNING);
        p->state = PAIR_OPEN;
        p->is_wrong = true;
        p->close_us = now_us;
}

bool pair_is_whole(const struct pair *p)
{
        return !p->open_failed && !p->close_failed && !p->is_wrong && !p->is_cut;
}

void pair_prove(struct pair *p)
{
        assert(p->state == PAIR_OPEN && p->times.close_acked_us != 0);
        p->state = PAIR_PROVING;
}

int64_t pair_prove_by(const struct pair *p)
{
        assert(p->state == PAIR_PROVING);
        return time_add(p->times.close_acked_us, PAIR_PROVE_US);
}

void pair_proved(struct pair *p, bool lived)
{
        assert(p->state == PAIR_PROVING);
        p->state = PAIR_OPEN;
        p->is_unproven = !lived;
}

void pair_finish(struct pair *p, struct event_pulse *out)
{
        assert(p->state == PAIR_OPEN);
        bool is_acked = p->times.close_acked_us != 0;
        bool is_failed = p->open_failed || p->close_failed || p->is_wrong || p->is_unproven || !is_acked;
        p->times.outcome = is_failed ? PULSE_FAILED : p->is_cut ? PULSE_CUT : PULSE_DONE;
        *out = p->times;
        p->state = PAIR_FREE;
}

void pair_end_closed(struct pair *p, enum pulse_outcome outcome, struct event_pulse *out)
{
        assert(p->state == PAIR_ARMED);
        p->times.outcome = (uint8_t)outcome;
        *out = p->times;
        p->state = PAIR_FREE;
}
