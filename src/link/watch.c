#include "ald/link/watch.h"

#include "ald/base/time.h" /* time_add, TIME_NEVER */

#include <assert.h> /* assert */
#include <string.h> /* memset */

void watch_init(struct watch *w, const struct tool_watchdog *dog, const struct tool_tag *lamp)
{
        assert(w && dog && dog->present && dog->time_unit_us > 0);
        memset(w, 0, sizeof *w);
        w->dog = dog;
        w->lamp = lamp;
        w->fed_us = INT64_MIN;
        w->fed_turn_us = INT64_MIN;
        w->asked_us = w->seen_us = w->look_us = INT64_MIN;
        w->count = -1;
}

void watch_reset(struct watch *w)
{
        proof_end(&w->proof, WATCHDOG_PROOF_BROKEN, "the connection was lost");
        if (w->step != WATCH_PAUSED)
                w->step = WATCH_ASK;
        w->rearm = false; /* an operator's reset is for the state that the operator saw */
}

void watch_rearm(struct watch *w)
{
        w->rearm = true;
        if (w->step == WATCH_EXPIRED || w->step == WATCH_PAUSED || watch_is_running(w))
                w->step = WATCH_ASK;
}

bool watch_is_running(const struct watch *w)
{
        return w->step == WATCH_RUNNING || w->step == WATCH_FEED || w->step == WATCH_COUNT;
}

bool watch_is_proving(const struct watch *w)
{
        return w->proof.phase != PROOF_NONE;
}

bool watch_is_sure(const struct watch *w)
{
        return watch_is_running(w) && !w->is_blind;
}

void watch_look(struct watch *w, int64_t since_us)
{
        if (since_us > w->look_us)
                w->look_us = since_us;
}

bool watch_ran_on(const struct watch *w, uint32_t losses, int64_t since_us)
{
        return watch_is_sure(w) && w->losses == losses && w->seen_us >= since_us;
}

/* ---- The proof ---- */

void watch_prove(struct watch *w, int64_t now_us)
{
        bool may = w->lamp && watch_is_sure(w) && !watch_is_proving(w);
        if (!may && watch_is_proving(w))
                return;
        proof_begin(&w->proof);
        if (may) {
                w->step = WATCH_PROVING;
                return;
        }
        proof_end(&w->proof, WATCHDOG_PROOF_BROKEN, "the watchdog does not run");
        proof_recovered(&w->proof, false, now_us);
}

void watch_break_proof(struct watch *w, const char *why)
{
        proof_end(&w->proof, WATCHDOG_PROOF_BROKEN, why);
        if (w->step == WATCH_PROVING)
                w->step = WATCH_ASK;
}

void watch_disturbed(struct watch *w)
{
        if (proof_is_starving(&w->proof))
                watch_break_proof(w, "something else was written to the device");
}

bool watch_take_proof(struct watch *w, struct proof *out)
{
        if (!w->proof.is_told)
                return false;
        *out = w->proof;
        w->proof.is_told = false;
        return true;
}

/* ---- What to do when ---- */

/* Arming waits for the core as feeding does: a watchdog that is started and not fed is a needless trip. */
static int64_t grant_due(const struct watch *w, int64_t turn_us)
{
        return turn_us == INT64_MIN || turn_us <= w->fed_turn_us ? TIME_NEVER : turn_us;
}

void watch_doubt(struct watch *w, int64_t now_us, int64_t turn_us)
{
        if (w->step == WATCH_FEED && now_us > w->fresh_us)
                w->step = WATCH_RUNNING;
        if (watch_is_running(w) && w->step != WATCH_FEED && grant_due(w, turn_us) != TIME_NEVER &&
            now_us > time_add(w->fed_us, w->dog->timeout_us))
                w->step = WATCH_ASK;
}

void watch_failed(struct watch *w, int64_t now_us)
{
        if (watch_is_running(w)) {
                w->step = WATCH_ASK; /* one lost feed is no reason to let it expire */
                return;
        }
        if (w->step == WATCH_PROVING) {
                watch_break_proof(w, "the device did not answer");
                return;
        }
        w->step = WATCH_PAUSED;
        w->retry_us = time_add(now_us, w->dog->feed_us);
}

static bool is_feed(const struct watch *w)
{
        return w->step == WATCH_START || w->step == WATCH_FEED ||
               (w->step == WATCH_PROVING && w->proof.phase == PROOF_FEED);
}

int64_t watch_due(const struct watch *w, int64_t turn_us)
{
        switch (w->step) {
        case WATCH_PAUSED:
                return w->retry_us;
        case WATCH_EXPIRED:
                return TIME_NEVER;
        case WATCH_SETUP_WRITE:
        case WATCH_TIME_WRITE:
        case WATCH_START:
        case WATCH_FEED:
                return grant_due(w, turn_us);
        case WATCH_RUNNING:
                if (w->seen_us < w->look_us)
                        return INT64_MIN;
                if (grant_due(w, turn_us) == TIME_NEVER)
                        return TIME_NEVER;
                return time_add(w->fed_us, w->dog->feed_us);
        case WATCH_PROVING:
                return is_feed(w) ? grant_due(w, turn_us) : proof_due(&w->proof);
        default:
                return INT64_MIN; /* at once */
        }
}

int64_t watch_due_blind(const struct watch *w, int64_t turn_us)
{
        if (!watch_is_running(w) || grant_due(w, turn_us) == TIME_NEVER)
                return TIME_NEVER;
        return time_add(w->fed_us, w->dog->feed_us);
}

void watch_feed_blind(struct watch *w)
{
        assert(watch_is_running(w));
        w->step = WATCH_FEED;
        w->fresh_us = INT64_MIN;
}

void watch_end_blind(struct watch *w)
{
        if (w->is_blind && watch_is_running(w))
                w->step = WATCH_ASK;
}

uint16_t watch_time_word(const struct watch *w)
{
        int64_t units = w->dog->timeout_us / w->dog->time_unit_us;
        return (uint16_t)(units < 1 ? 1 : units > UINT16_MAX ? UINT16_MAX : units);
}

/* Who only feeds by a *changed* value gets one; 0 is left out, it starts nothing on some modules. */
static uint16_t feed_word(const struct watch *w)
{
        if (w->dog->feeds_by_repeat)
                return 0;
        return (uint16_t)(w->trigger == UINT16_MAX ? 1 : w->trigger + 1);
}

static int ask_register(const struct tool_watchdog *dog)
{
        if (dog->status_register >= 0)
                return dog->status_register;
        return dog->counter_register >= 0 ? dog->counter_register : dog->time_register;
}

static int look_register(const struct tool_watchdog *dog)
{
        return dog->status_register >= 0 ? dog->status_register : dog->time_register;
}

static struct watch_call write_of(const struct tool_register_value *write)
{
        return (struct watch_call){true, TOOL_HOLDING, write->address, write->value};
}

static void call_proof(const struct watch *w, struct watch_call *call)
{
        if (w->proof.phase == PROOF_FEED)
                *call = (struct watch_call){true, TOOL_HOLDING, w->dog->trigger_register, feed_word(w)};
        else if (w->proof.phase == PROOF_RESTART)
                *call = write_of(&w->dog->restart[w->proof.at]);
        else
                *call = (struct watch_call){.reg = w->lamp->reg, .address = w->lamp->address};
}

void watch_call(const struct watch *w, struct watch_call *call)
{
        const struct tool_watchdog *dog = w->dog;
        *call = (struct watch_call){.reg = TOOL_HOLDING, .address = ask_register(dog)};
        switch (w->step) {
        case WATCH_SETUP_CHECK:
        case WATCH_SETUP_READ:
                call->address = dog->setup[w->at].address;
                break;
        case WATCH_SETUP_WRITE:
                *call = write_of(&dog->setup[w->at]);
                break;
        case WATCH_TIME_CHECK:
        case WATCH_TIME_READ:
                call->address = dog->time_register;
                break;
        case WATCH_TIME_WRITE:
                *call = (struct watch_call){true, TOOL_HOLDING, dog->time_register, watch_time_word(w)};
                break;
        case WATCH_RUNNING:
                call->address = look_register(dog);
                break;
        case WATCH_START:
        case WATCH_FEED:
                *call = (struct watch_call){true, TOOL_HOLDING, dog->trigger_register, feed_word(w)};
                break;
        case WATCH_COUNT:
                call->address = dog->counter_register;
                break;
        case WATCH_RESTART:
                *call = write_of(&dog->restart[w->at]);
                break;
        case WATCH_PROVING:
                call_proof(w, call);
                break;
        default:
                break;
        }
}

void watch_sending(struct watch *w, int64_t now_us, int64_t turn_us)
{
        if (w->step == WATCH_PAUSED)
                w->step = WATCH_ASK;
        if (w->step == WATCH_ASK || w->step == WATCH_CONFIRM || w->step == WATCH_RUNNING)
                w->asked_us = now_us;
        if (!is_feed(w))
                return;
        /* It may be the start of a module that was restarted, with its own time. */
        if (w->step == WATCH_FEED && now_us > w->fresh_us)
                w->is_blind = true;
        w->trigger = feed_word(w);
        w->fed_us = now_us;
        w->fed_turn_us = turn_us;
}

void watch_observe(struct watch *w, int status)
{
        if (watch_is_proving(w) || !watch_is_running(w) || status == TOOL_WATCHDOG_RUNNING)
                return;
        w->losses++;
        w->step = status == TOOL_WATCHDOG_EXPIRED ? WATCH_EXPIRED : WATCH_ASK; /* the module was restarted */
}
