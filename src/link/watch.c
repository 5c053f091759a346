#include "ald/link/watch.h"

#include "ald/base/time.h" /* time_add, TIME_NEVER */

#include <assert.h> /* assert */
#include <string.h> /* memset */

enum { EXCEPTION_SERVER_FAILURE = 4 }; /* Modbus application protocol 1.1b3, section 7 */

void watch_init(struct watch *w, const struct tool_watchdog *dog)
{
        assert(w && dog && dog->present && dog->time_unit_us > 0);
        memset(w, 0, sizeof *w);
        w->dog = dog;
        w->fed_us = INT64_MIN;
        w->fed_turn_us = INT64_MIN;
        w->asked_us = w->seen_us = w->look_us = INT64_MIN;
}

void watch_reset(struct watch *w)
{
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
        return w->step == WATCH_RUNNING || w->step == WATCH_FEED;
}

void watch_look(struct watch *w, int64_t since_us)
{
        if (since_us > w->look_us)
                w->look_us = since_us;
}

bool watch_ran_on(const struct watch *w, uint32_t losses, int64_t since_us)
{
        return watch_is_running(w) && w->losses == losses && w->seen_us >= since_us;
}

static int pause_watch(struct watch *w, int64_t now_us)
{
        w->losses++;
        w->step = WATCH_PAUSED;
        w->retry_us = now_us + WATCH_RETRY_US;
        return TOOL_WATCHDOG_OFF; /* not proven to run counts as not running */
}

/* Arming waits for the core as feeding does: a watchdog that is started and not fed is a needless trip. */
static int64_t grant_due(const struct watch *w, int64_t turn_us)
{
        return turn_us == INT64_MIN || turn_us <= w->fed_turn_us ? TIME_NEVER : turn_us;
}

void watch_doubt(struct watch *w, int64_t now_us, int64_t turn_us)
{
        if (w->step == WATCH_FEED && now_us > w->fresh_us)
                w->step = WATCH_RUNNING;
        if (w->step == WATCH_RUNNING && grant_due(w, turn_us) != TIME_NEVER &&
            now_us > time_add(w->fed_us, w->dog->timeout_us))
                w->step = WATCH_ASK;
}

void watch_failed(struct watch *w, int64_t now_us)
{
        if (watch_is_running(w)) {
                w->step = WATCH_ASK; /* one lost feed is no reason to let it expire */
                return;
        }
        w->step = WATCH_PAUSED;
        w->retry_us = time_add(now_us, w->dog->feed_us);
}

int64_t watch_due(const struct watch *w, int64_t turn_us)
{
        switch (w->step) {
        case WATCH_PAUSED:
                return w->retry_us;
        case WATCH_EXPIRED:
                return TIME_NEVER;
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
        default:
                return INT64_MIN; /* at once */
        }
}

static uint16_t time_word(const struct watch *w)
{
        int64_t units = w->dog->timeout_us / w->dog->time_unit_us;
        return (uint16_t)(units < 1 ? 1 : units > UINT16_MAX ? UINT16_MAX : units);
}

void watch_call(const struct watch *w, struct watch_call *call)
{
        const struct tool_watchdog *dog = w->dog;
        *call = (struct watch_call){.address = dog->status_register};
        switch (w->step) {
        case WATCH_TIME_CHECK:
        case WATCH_TIME_READ:
                call->address = dog->time_register;
                break;
        case WATCH_TIME_WRITE:
                *call = (struct watch_call){true, dog->time_register, time_word(w)};
                break;
        case WATCH_START:
        case WATCH_FEED: /* only a *changed* value feeds; 0 is left out, it starts nothing on some modules */
                *call = (struct watch_call){
                    true, dog->trigger_register, (uint16_t)(w->trigger == UINT16_MAX ? 1 : w->trigger + 1)};
                break;
        case WATCH_RESTART:
                *call = (struct watch_call){true, dog->restart_register, 1};
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
        if (w->step != WATCH_START && w->step != WATCH_FEED)
                return;
        struct watch_call call;
        watch_call(w, &call);
        w->trigger = call.word;
        w->fed_us = now_us;
        w->fed_turn_us = turn_us;
}

/* It runs. Asked while it was known to: just looked. */
static int take_running(struct watch *w, int64_t now_us)
{
        w->rearm = false;
        w->seen_us = w->asked_us;
        if (w->step == WATCH_RUNNING && time_add(w->fed_us, w->dog->feed_us) <= now_us) {
                w->step = WATCH_FEED;
                w->fresh_us = time_add(now_us, WATCH_LOOK_US);
        } else if (w->step == WATCH_CONFIRM) {
                w->step = WATCH_RUNNING;
        } else if (w->step == WATCH_ASK) {
                w->step = WATCH_TIME_CHECK;
                return -1;
        }
        return TOOL_WATCHDOG_RUNNING;
}

static int take_status(struct watch *w, uint16_t status, int64_t now_us)
{
        bool is_confirming = w->step == WATCH_CONFIRM;
        switch (status) {
        case TOOL_WATCHDOG_OFF:
                if (is_confirming)
                        return pause_watch(w, now_us);
                w->losses++;
                w->rearm = false;
                w->step = WATCH_TIME_WRITE;
                return TOOL_WATCHDOG_OFF;
        case TOOL_WATCHDOG_RUNNING:
                return take_running(w, now_us);
        case TOOL_WATCHDOG_EXPIRED:
                w->losses++;
                w->step = w->rearm ? WATCH_RESTART : WATCH_EXPIRED;
                w->rearm = false;
                return TOOL_WATCHDOG_EXPIRED;
        default:
                return pause_watch(w, now_us);
        }
}

/* A WAGO coupler answers every request with exception 4 once its watchdog has expired. */
static int take_exception(struct watch *w, int exception, int64_t now_us)
{
        if (exception == EXCEPTION_SERVER_FAILURE && w->step != WATCH_RESTART)
                return take_status(w, TOOL_WATCHDOG_EXPIRED, now_us);
        /* A busy device on a feed is milder than silence: ask before the next feed, as after silence; a pause of the
         * length of the watchdog's own time would make the expiry it fears. */
        if (watch_is_running(w)) {
                w->step = WATCH_ASK;
                return -1;
        }
        return pause_watch(w, now_us);
}

/* Found running, perhaps since before this program started. Some modules keep the time of a running watchdog: the
 * read-back after TIME_WRITE tells. */
static int take_running_time(struct watch *w, uint16_t word, int64_t now_us)
{
        if (word != time_word(w)) {
                w->step = WATCH_TIME_WRITE;
                return -1;
        }
        w->step = WATCH_RUNNING;
        w->fed_us = time_add(now_us, -w->dog->feed_us); /* the next grant feeds at once */
        return TOOL_WATCHDOG_RUNNING;
}

int watch_answered(struct watch *w, int exception, uint16_t word, int64_t now_us)
{
        if (exception != 0)
                return take_exception(w, exception, now_us);
        switch (w->step) {
        case WATCH_ASK:
        case WATCH_CONFIRM:
        case WATCH_RUNNING:
                return take_status(w, word, now_us);
        case WATCH_TIME_CHECK:
                return take_running_time(w, word, now_us);
        case WATCH_TIME_WRITE:
                w->step = WATCH_TIME_READ;
                return -1;
        case WATCH_TIME_READ:
                if (word != time_word(w))
                        return pause_watch(w, now_us);
                w->step = WATCH_START;
                return -1;
        case WATCH_START:
                w->step = WATCH_CONFIRM;
                return -1;
        case WATCH_RESTART:
                w->step = WATCH_ASK;
                return -1;
        case WATCH_FEED:
                w->step = WATCH_RUNNING;
                return -1;
        default:
                return -1;
        }
}

void watch_observe(struct watch *w, int status)
{
        if (!watch_is_running(w) || status == TOOL_WATCHDOG_RUNNING)
                return;
        w->losses++;
        w->step = status == TOOL_WATCHDOG_EXPIRED ? WATCH_EXPIRED : WATCH_ASK; /* the module was restarted */
}
