#include "ald/link/proof.h"

#include "ald/base/text.h" /* text_init, text_add */
#include "ald/base/time.h" /* TIME_MS, time_add */

#include <assert.h> /* assert */
#include <string.h> /* memset */

/* Looks in a watchdog's time: so fine is its fall timed. */
enum { LOOKS = 50 };
static const int64_t look_us_min = 5 * TIME_MS;

int64_t proof_tolerance_us(const struct tool_watchdog *dog)
{
        return dog->timeout_us / 5 > dog->time_unit_us ? dog->timeout_us / 5 : dog->time_unit_us;
}

void proof_begin(struct proof *p)
{
        memset(p, 0, sizeof *p);
        p->phase = PROOF_FEED;
        p->look_us = INT64_MIN;
}

bool proof_is_starving(const struct proof *p)
{
        return p->phase != PROOF_NONE && p->phase != PROOF_RECOVER;
}

int64_t proof_due(const struct proof *p)
{
        assert(proof_is_starving(p));
        return p->phase == PROOF_FALL ? p->look_us : INT64_MIN;
}

void proof_fed(struct proof *p, int64_t sent_us, int64_t acked_us)
{
        assert(p->phase == PROOF_FEED);
        p->fed_sent_us = sent_us;
        p->fed_acked_us = acked_us;
        p->phase = PROOF_LOOK;
}

void proof_end(struct proof *p, enum watchdog_proof outcome, const char *why)
{
        if (p->phase == PROOF_NONE || p->phase == PROOF_RECOVER)
                return;
        p->phase = PROOF_RECOVER;
        p->outcome = (uint8_t)outcome;
        if (why)
                text_copy(p->why, sizeof p->why, why);
}

/* The fall lies between the last look that found it on and the one that found it off; the timer began between the sending of
 * the last feed and its answer. */
static void judge(struct proof *p, const struct tool_watchdog *dog, int64_t done_us)
{
        int64_t least = p->on_us - p->fed_acked_us, most = done_us - p->fed_sent_us;
        int64_t slack = proof_tolerance_us(dog);
        struct text t;

        p->measured_us = least + (most - least) / 2;
        p->outcome = WATCHDOG_PROOF_PASSED;
        text_init(&t, p->why, sizeof p->why);
        if (most < dog->timeout_us - slack || least > dog->timeout_us + slack) {
                p->outcome = WATCHDOG_PROOF_FAILED;
                text_add(&t, "it acted after %.3f s, not %.3f s", (double)p->measured_us / 1e6,
                    (double)dog->timeout_us / 1e6);
        }
        p->phase = dog->restart_count > 0 ? PROOF_RESTART : PROOF_LOW;
}

static void look_again(struct proof *p, const struct tool_watchdog *dog, int64_t sent_us, int64_t done_us)
{
        int64_t every = dog->timeout_us / LOOKS;
        struct text t;

        p->phase = PROOF_FALL;
        p->on_us = sent_us;
        p->look_us = done_us + (every > look_us_min ? every : look_us_min);
        if (sent_us - p->fed_acked_us <= dog->timeout_us + proof_tolerance_us(dog))
                return;
        proof_end(p, WATCHDOG_PROOF_FAILED, "");
        text_init(&t, p->why, sizeof p->why);
        text_add(&t, "its output was still on %.3f s after the last feed",
            (double)(sent_us - p->fed_acked_us) / 1e6);
}

void proof_saw(struct proof *p, const struct tool_watchdog *dog, bool has_expired, bool is_on,
    int64_t sent_us, int64_t done_us)
{
        switch (p->phase) {
        case PROOF_LOOK:
                if (has_expired) { /* before anybody starved it: not the proof's */
                        p->fed_acked_us = 0;
                        proof_end(p, WATCHDOG_PROOF_BROKEN, "the watchdog expired before the proof");
                } else if (!is_on) {
                        proof_end(p, WATCHDOG_PROOF_FAILED, "its output reads off, though it was set on");
                } else {
                        look_again(p, dog, sent_us, done_us);
                }
                break;
        case PROOF_FALL:
                p->did_expire = has_expired || !is_on;
                if (p->did_expire)
                        judge(p, dog, done_us);
                else
                        look_again(p, dog, sent_us, done_us);
                break;
        case PROOF_LOW:
                if (has_expired)
                        proof_end(p, WATCHDOG_PROOF_FAILED, "it could not be re-armed");
                else if (is_on)
                        proof_end(p, WATCHDOG_PROOF_FAILED, "it expired, and its output stayed on");
                else
                        proof_end(p, (enum watchdog_proof)p->outcome, NULL);
                break;
        default:
                assert(false && "nothing looks in this phase");
        }
}

void proof_restarted(struct proof *p, const struct tool_watchdog *dog)
{
        assert(p->phase == PROOF_RESTART);
        if (++p->at == dog->restart_count)
                p->phase = PROOF_LOW;
}

void proof_recovered(struct proof *p, bool is_running, int64_t now_us)
{
        assert(p->phase == PROOF_RECOVER);
        if (!is_running && p->outcome != WATCHDOG_PROOF_FAILED)
                p->outcome = WATCHDOG_PROOF_BROKEN;
        p->phase = PROOF_NONE;
        p->ended_us = now_us;
        p->is_told = true;
}
