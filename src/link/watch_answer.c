/* What the answers to a watch's calls mean. */
#include "ald/base/time.h"     /* time_add */
#include "ald/link/watch.h"    /* struct watch */
#include "ald/link/watchmap.h" /* watchmap_status */

enum { EXCEPTION_SERVER_FAILURE = 4 }; /* Modbus application protocol 1.1b3, section 7 */
/* A proof restarts the watchdog so often by itself; then it is an operator's to do. */
enum { RESTARTS_MAX = 3 };

static int pause_watch(struct watch *w, int64_t now_us)
{
        w->losses++;
        w->step = WATCH_PAUSED;
        w->retry_us = now_us + WATCH_RETRY_US;
        return TOOL_WATCHDOG_OFF; /* not proven to run counts as not running */
}

/* The last look found all as it should be, and so did the counter where there is one. */
static void see(struct watch *w)
{
        w->step = WATCH_RUNNING;
        w->seen_us = w->asked_us;
}

static void count_or_see(struct watch *w)
{
        if (w->dog->counter_register >= 0)
                w->step = WATCH_COUNT;
        else
                see(w);
}

static int run(struct watch *w, int64_t now_us)
{
        w->rearm = false;
        w->was_armed = true;
        w->is_blind = false;
        count_or_see(w);
        if (w->proof.phase == PROOF_RECOVER)
                proof_recovered(&w->proof, true, now_us);
        return TOOL_WATCHDOG_RUNNING;
}

static void begin_restart(struct watch *w)
{
        w->at = 0;
        w->count = -1; /* its event is known */
        w->fed_us = INT64_MIN;
        w->step = w->dog->restart_count > 0 ? WATCH_RESTART : WATCH_ASK;
}

/* The proof's own expiry is restarted without a reset: feeding had been stopped for it. */
static int take_expiry(struct watch *w, int64_t now_us)
{
        bool was_wanted =
            w->proof.phase == PROOF_RECOVER && w->proof.fed_acked_us > 0 && w->proof.restarts < RESTARTS_MAX;
        w->losses++;
        if (was_wanted || w->rearm) {
                w->proof.restarts++;
                begin_restart(w);
                w->rearm = false;
                return was_wanted ? -1 : TOOL_WATCHDOG_EXPIRED;
        }
        if (w->proof.phase == PROOF_RECOVER)
                proof_recovered(&w->proof, false, now_us);
        w->step = WATCH_EXPIRED;
        return TOOL_WATCHDOG_EXPIRED;
}

static void check_time(struct watch *w)
{
        w->step = w->found == WATCH_FOUND_OFF ? WATCH_TIME_WRITE : WATCH_TIME_CHECK;
}

static int begin_setup(struct watch *w, enum watch_found found)
{
        w->found = found;
        w->losses += found == WATCH_FOUND_OFF;
        w->at = 0;
        if (w->dog->setup_count > 0)
                w->step = WATCH_SETUP_CHECK;
        else
                check_time(w);
        return found == WATCH_FOUND_OFF ? TOOL_WATCHDOG_OFF : -1;
}

/* It runs, and was known to. */
static int take_look(struct watch *w, int64_t now_us)
{
        w->rearm = false;
        if (time_add(w->fed_us, w->dog->feed_us) > now_us) {
                count_or_see(w);
                return TOOL_WATCHDOG_RUNNING;
        }
        if (w->dog->counter_register < 0)
                see(w);
        w->step = WATCH_FEED;
        w->fresh_us = time_add(now_us, WATCH_LOOK_US);
        return TOOL_WATCHDOG_RUNNING;
}

static int take_running(struct watch *w, int64_t now_us)
{
        if (w->step == WATCH_RUNNING)
                return take_look(w, now_us);
        w->rearm = false;
        return w->step == WATCH_CONFIRM ? run(w, now_us) : begin_setup(w, WATCH_FOUND_RUNNING);
}

static int take_status(struct watch *w, int status, int64_t now_us)
{
        switch (status) {
        case TOOL_WATCHDOG_OFF:
                if (w->step == WATCH_CONFIRM)
                        return pause_watch(w, now_us);
                w->rearm = false;
                return begin_setup(w, WATCH_FOUND_OFF);
        case TOOL_WATCHDOG_RUNNING:
                return take_running(w, now_us);
        case TOOL_WATCHDOG_EXPIRED:
                return take_expiry(w, now_us);
        default:
                return pause_watch(w, now_us);
        }
}

/* A counter that moved since the watchdog was armed. */
static bool has_counted(struct watch *w, uint16_t word)
{
        bool is_news = w->count >= 0 && w->count != word;
        w->count = word;
        return is_news;
}

/* Without a status: what answers has not latched, and what was restarted has lost our time. */
static int take_silent(struct watch *w, uint16_t word, int64_t now_us)
{
        if (w->step == WATCH_RUNNING && word == watch_time_word(w))
                return take_look(w, now_us);
        if (w->step == WATCH_RUNNING)
                return begin_setup(w, WATCH_FOUND_OFF);
        bool was_starved = w->fed_us != INT64_MIN && now_us > time_add(w->fed_us, w->dog->timeout_us);
        if (w->dog->counter_register >= 0 ? has_counted(w, word) : was_starved)
                return take_expiry(w, now_us);
        w->rearm = false;
        return begin_setup(w, WATCH_FOUND_UNKNOWN);
}

static int take_count(struct watch *w, uint16_t word, int64_t now_us)
{
        if (has_counted(w, word))
                return take_expiry(w, now_us);
        see(w);
        return -1;
}

/* What does not stand there any more was lost with the power: without a status this is what tells, and where a feed may have
 * started it again. */
static int find_restarted(struct watch *w)
{
        bool is_news = w->found == WATCH_FOUND_UNKNOWN || (w->found == WATCH_FOUND_RUNNING && w->was_armed);
        if (!is_news)
                return -1;
        w->losses++;
        w->found = WATCH_FOUND_OFF;
        return TOOL_WATCHDOG_OFF;
}

static int take_setup(struct watch *w, uint16_t word, int64_t now_us)
{
        if (word != w->dog->setup[w->at].value) {
                if (w->step == WATCH_SETUP_READ)
                        return pause_watch(w, now_us);
                w->step = WATCH_SETUP_WRITE;
                return find_restarted(w);
        }
        if (++w->at < w->dog->setup_count)
                w->step = WATCH_SETUP_CHECK;
        else
                check_time(w);
        return -1;
}

/* A WAGO coupler answers every request with exception 4 once its watchdog has expired. */
static int take_exception(struct watch *w, int exception, int64_t now_us)
{
        if (exception == EXCEPTION_SERVER_FAILURE && w->step != WATCH_RESTART)
                return take_expiry(w, now_us);
        /* A busy device on a feed is milder than silence: ask before the next feed, as after silence; a pause of the
         * length of the watchdog's own time would make the expiry it fears. */
        if (watch_is_running(w)) {
                w->step = WATCH_ASK;
                return -1;
        }
        return pause_watch(w, now_us);
}

/* Found running, perhaps since before this program started. Some modules keep the time of a running watchdog: the
 * read-back after TIME_WRITE tells. Whether one without a status runs cannot be seen: it is fed first. */
static int take_running_time(struct watch *w, uint16_t word, int64_t now_us)
{
        if (word != watch_time_word(w)) {
                w->step = WATCH_TIME_WRITE;
                return find_restarted(w);
        }
        if (w->found != WATCH_FOUND_RUNNING) {
                w->step = WATCH_START;
                return -1;
        }
        w->fed_us = time_add(now_us, -w->dog->feed_us); /* the next grant feeds at once */
        return run(w, now_us);
}

static int take_proof(struct watch *w, const struct watch_answer *a)
{
        bool has_expired = a->exception == EXCEPTION_SERVER_FAILURE;
        struct proof *p = &w->proof;
        if (p->phase == PROOF_FEED && a->exception == 0)
                proof_fed(p, a->sent_us, a->done_us);
        else if (p->phase == PROOF_RESTART && a->exception == 0)
                proof_restarted(p, w->dog);
        else if (p->phase == PROOF_RESTART)
                proof_end(p, WATCHDOG_PROOF_FAILED, "it could not be re-armed");
        else if (p->phase == PROOF_FEED || (a->exception != 0 && !has_expired))
                proof_end(p, WATCHDOG_PROOF_BROKEN, "the device refused a request");
        else
                proof_saw(p, w->dog, has_expired, a->word != 0, a->sent_us, a->done_us);
        if (p->phase == PROOF_RECOVER) {
                w->step = WATCH_ASK;
                w->count = -1;
                w->fed_us = p->did_expire ? INT64_MIN : w->fed_us;
        }
        return -1;
}

int watch_answered(struct watch *w, const struct watch_answer *a)
{
        if (w->step == WATCH_PROVING)
                return take_proof(w, a);
        if (a->exception != 0)
                return take_exception(w, a->exception, a->done_us);
        switch (w->step) {
        case WATCH_ASK:
        case WATCH_CONFIRM:
        case WATCH_RUNNING:
                if (w->dog->status_register < 0)
                        return take_silent(w, a->word, a->done_us);
                return take_status(w, watchmap_status(w->dog, a->word), a->done_us);
        case WATCH_SETUP_CHECK:
        case WATCH_SETUP_READ:
                return take_setup(w, a->word, a->done_us);
        case WATCH_SETUP_WRITE:
                w->step = WATCH_SETUP_READ;
                return -1;
        case WATCH_TIME_CHECK:
                return take_running_time(w, a->word, a->done_us);
        case WATCH_TIME_WRITE:
                w->step = WATCH_TIME_READ;
                return -1;
        case WATCH_TIME_READ:
                if (a->word != watch_time_word(w))
                        return pause_watch(w, a->done_us);
                w->step = WATCH_START;
                return -1;
        case WATCH_START:
                if (w->dog->status_register < 0)
                        return run(w, a->done_us);
                w->step = WATCH_CONFIRM;
                return -1;
        case WATCH_FEED:
                w->step = w->dog->counter_register >= 0 ? WATCH_COUNT : WATCH_RUNNING;
                return -1;
        case WATCH_COUNT:
                return take_count(w, a->word, a->done_us);
        case WATCH_RESTART:
                if (++w->at == w->dog->restart_count)
                        w->step = WATCH_ASK;
                return -1;
        default:
                return -1;
        }
}
