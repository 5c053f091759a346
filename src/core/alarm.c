#include "ald/core/alarm.h"

#include "ald/base/text.h" /* text_copy */
#include "ald/base/time.h" /* TIME_NEVER, time_add, time_next */

#include <assert.h> /* assert */
#include <string.h> /* memset, strcmp */

/* ---- the state machine ---- */

/* 0 = stays, else state + 1. What has returned or is latched is kept from shelf and suppression: somebody has yet to see
 * it. Acknowledge and reset may come in either order; both are needed (T2). */
#define TO(s) ((s) + 1)
static const unsigned char table[ALARM_STATE_COUNT][ALARM_EVENT_COUNT] = {
    [ALARM_NORMAL] = {[ALARM_COMES] = TO(ALARM_UNACKED),
        [ALARM_ON_SHELVE] = TO(ALARM_SHELVED),
        [ALARM_ON_SUPPRESS] = TO(ALARM_SUPPRESSED)},
    [ALARM_UNACKED] = {[ALARM_GOES] = TO(ALARM_RETURNED),
        [ALARM_GOES_LATCHING] = TO(ALARM_LATCHED_UNACKED),
        [ALARM_ON_ACK] = TO(ALARM_ACKED),
        [ALARM_ON_SHELVE] = TO(ALARM_SHELVED),
        [ALARM_ON_SUPPRESS] = TO(ALARM_SUPPRESSED)},
    [ALARM_ACKED] = {[ALARM_GOES] = TO(ALARM_NORMAL),
        [ALARM_GOES_LATCHING] = TO(ALARM_LATCHED),
        [ALARM_ON_SHELVE] = TO(ALARM_SHELVED),
        [ALARM_ON_SUPPRESS] = TO(ALARM_SUPPRESSED)},
    [ALARM_RETURNED] = {[ALARM_COMES] = TO(ALARM_UNACKED),
        [ALARM_ON_ACK] = TO(ALARM_NORMAL),
        [ALARM_ON_SHELVE] = TO(ALARM_SHELVED)},
    [ALARM_LATCHED_UNACKED] = {[ALARM_COMES] = TO(ALARM_UNACKED),
        [ALARM_ON_ACK] = TO(ALARM_LATCHED),
        [ALARM_ON_RESET] = TO(ALARM_RETURNED)},
    [ALARM_LATCHED] = {[ALARM_COMES] = TO(ALARM_UNACKED), [ALARM_ON_RESET] = TO(ALARM_NORMAL)},
    [ALARM_SHELVED] = {[ALARM_ON_UNSHELVE] = TO(ALARM_NORMAL)},
    [ALARM_SUPPRESSED] = {[ALARM_ON_SHELVE] = TO(ALARM_SHELVED), [ALARM_ON_UNSUPPRESS] = TO(ALARM_NORMAL)},
};

enum alarm_state alarm_next(enum alarm_state state, enum alarm_event event)
{
        unsigned char to;

        assert((unsigned)state < ALARM_STATE_COUNT && (unsigned)event < ALARM_EVENT_COUNT);
        to = table[state][event];
        return to == 0 ? state : (enum alarm_state)(to - 1);
}

const char *alarm_state_name(enum alarm_state state)
{
        static const char *const names[ALARM_STATE_COUNT] = {
            [ALARM_NORMAL] = "normal",
            [ALARM_UNACKED] = "unacknowledged",
            [ALARM_ACKED] = "acknowledged",
            [ALARM_RETURNED] = "returned-unacknowledged",
            [ALARM_LATCHED_UNACKED] = "latched-unacknowledged",
            [ALARM_LATCHED] = "latched",
            [ALARM_SHELVED] = "shelved",
            [ALARM_SUPPRESSED] = "suppressed",
        };

        assert((unsigned)state < ALARM_STATE_COUNT);
        return names[state];
}

static bool take(struct alarm *a, enum alarm_event event)
{
        uint8_t before = a->state;

        a->state = (uint8_t)alarm_next((enum alarm_state)a->state, event);
        return a->state != before;
}

bool alarm_is_unacked(const struct alarm *a)
{
        return a->state == ALARM_UNACKED || a->state == ALARM_RETURNED || a->state == ALARM_LATCHED_UNACKED;
}

bool alarm_is_shown(const struct alarm *a)
{
        return alarm_is_unacked(a) || a->state == ALARM_ACKED || a->state == ALARM_LATCHED;
}

/* ---- the list ---- */

static void clear(struct alarm *a, const char *id)
{
        memset(a, 0, sizeof *a);
        text_copy(a->id, sizeof a->id, id);
        a->turning_us = TIME_NEVER;
        for (int i = 0; i < ALARM_CHATTER_COMINGS; i++)
                a->past_us[i] = INT64_MIN;
}

void alarm_init(struct alarms *al, const struct tool *tool)
{
        memset(al, 0, sizeof *al);
        al->tool_count = al->count = tool->alarm_count;
        for (int i = 0; i <= ALARM_FLOOD_COMINGS; i++)
                al->past_us[i] = INT64_MIN;
        for (int i = 0; i < tool->alarm_count; i++) {
                const struct tool_alarm *from = &tool->alarms[i];
                struct alarm *a = &al->item[i];

                clear(a, from->id);
                text_copy(a->guidance, sizeof a->guidance, from->guidance);
                a->priority = (uint8_t)from->priority;
                a->is_latching = from->is_latching;
                a->on_us = from->on_us;
                a->off_us = from->off_us;
        }
}

static int find(const struct alarms *al, const char *id, int from)
{
        for (int i = from; i < al->count; i++)
                if (strcmp(al->item[i].id, id) == 0)
                        return i;
        return -1;
}

int alarm_find(const struct alarms *al, const char *id)
{
        return find(al, id, 0);
}

int alarm_find_own(const struct alarms *al, const char *id)
{
        return find(al, id, al->tool_count);
}

int alarm_make_own(struct alarms *al, const char *id)
{
        int at = alarm_find_own(al, id);

        if (at >= 0)
                return at;
        if (al->count < al->tool_count + ALARM_OWN_MAX)
                at = al->count++;
        for (int i = al->tool_count; at < 0 && i < al->count; i++)
                if (al->item[i].state == ALARM_NORMAL && !al->item[i].stands)
                        at = i;
        if (at >= 0)
                clear(&al->item[at], id);
        return at;
}

/* ---- coming and going ---- */

static int count_since(const struct alarms *al, int64_t since_us)
{
        int n = 0;

        for (int i = 0; i <= ALARM_FLOOD_COMINGS; i++)
                n += al->past_us[i] > since_us;
        return n;
}

static unsigned note_flood(struct alarms *al, const struct alarm *a, int64_t now_us)
{
        al->past_us[al->past_next] = now_us;
        al->past_next = (al->past_next + 1) % (ALARM_FLOOD_COMINGS + 1);
        if (!al->is_flooded && count_since(al, now_us - ALARM_FLOOD_US) > ALARM_FLOOD_COMINGS) {
                al->is_flooded = true;
                al->untold = 0;
                return ALARM_NEWS_FLOOD;
        }
        if (!al->is_flooded || a->priority != TOOL_PRIORITY_LOW)
                return 0;
        al->untold++;
        return ALARM_NEWS_UNTOLD;
}

/* One coming more than fits into a minute. */
static unsigned note_chatter(struct alarm *a, int64_t now_us)
{
        int64_t *oldest = &a->past_us[a->comings % ALARM_CHATTER_COMINGS];
        bool is_often = *oldest != INT64_MIN && now_us - *oldest < ALARM_CHATTER_US;

        *oldest = now_us;
        if (!is_often || a->is_chattering)
                return 0;
        a->is_chattering = true;
        return ALARM_NEWS_CHATTERS;
}

static unsigned come(struct alarms *al, struct alarm *a, int64_t now_us, int64_t wall_us)
{
        unsigned news = ALARM_NEWS_CAME;

        a->has_stood = true;
        if (!take(a, ALARM_COMES))
                return 0;
        news |= note_chatter(a, now_us) | note_flood(al, a, now_us);
        a->came_us = now_us;
        a->came_wall_us = wall_us;
        a->comings++;
        return news;
}

static unsigned go(struct alarms *al, struct alarm *a)
{
        unsigned news = a->is_chattering ? ALARM_NEWS_CALM : 0;

        a->is_chattering = false;
        if (!take(a, a->is_latching ? ALARM_GOES_LATCHING : ALARM_GOES))
                return 0;
        if (al->is_flooded && a->priority == TOOL_PRIORITY_LOW)
                news |= ALARM_NEWS_UNTOLD;
        return news | ALARM_NEWS_WENT;
}

/* How long the condition has to differ from `stands` before that follows it. */
static int64_t delay_of(const struct alarm *a, bool is_true)
{
        if (is_true)
                return a->on_us;
        return a->is_chattering && a->off_us < ALARM_QUIET_US ? ALARM_QUIET_US : a->off_us;
}

/* Let the condition turn `stands` once it has differed for the delay; true when it did. */
static bool settle(struct alarm *a, bool is_true, int64_t now_us)
{
        if (is_true == a->stands) {
                a->turning_us = TIME_NEVER;
                return false;
        }
        if (a->turning_us == TIME_NEVER)
                a->turning_us = now_us;
        if (now_us - a->turning_us < delay_of(a, is_true))
                return false;
        a->turning_us = TIME_NEVER;
        a->stands = is_true;
        return true;
}

unsigned alarm_feed(
    struct alarms *al, int which, bool is_true, bool is_suppressed, int64_t now_us, int64_t wall_us)
{
        struct alarm *a = &al->item[which];

        assert(which >= 0 && which < al->count);
        if (is_suppressed) {
                /* What has returned or is latched stays on the list; the delays begin anew afterwards. */
                take(a, ALARM_ON_SUPPRESS);
                a->stands = a->is_chattering = false;
                a->turning_us = TIME_NEVER;
                return 0;
        }
        take(a, ALARM_ON_UNSUPPRESS);
        if (!settle(a, is_true, now_us))
                return 0;
        return a->stands ? come(al, a, now_us, wall_us) : go(al, a);
}

/* ---- people ---- */

bool alarm_ack(struct alarms *al, int which)
{
        assert(which >= 0 && which < al->count);
        return take(&al->item[which], ALARM_ON_ACK);
}

void alarm_reset(struct alarms *al, int which)
{
        struct alarm *a = &al->item[which];

        assert(which >= 0 && which < al->count);
        /* The latch of a trip is gone, and nobody feeds its alarm any more: one that chattered does not wait for quiet. */
        if (a->is_trip && a->stands) {
                a->stands = a->is_chattering = false;
                a->turning_us = TIME_NEVER;
                take(a, ALARM_GOES_LATCHING);
        }
        take(a, ALARM_ON_RESET);
}

bool alarm_shelve(struct alarms *al, int which, int64_t for_us, const char *by, const char *reason,
    int64_t now_us, int64_t wall_us)
{
        struct alarm *a = &al->item[which];
        bool was_shelved = a->state == ALARM_SHELVED;

        assert(which >= 0 && which < al->count && for_us > 0 && for_us <= ALARM_SHELVE_US_MAX);
        if (a->is_trip || (!take(a, ALARM_ON_SHELVE) && !was_shelved))
                return false;
        al->shelved += !was_shelved;
        if (!was_shelved)
                a->has_stood = a->stands;
        a->until_us = time_add(now_us, for_us);
        a->until_wall_us = time_add(wall_us, for_us);
        text_copy(a->shelved_by, sizeof a->shelved_by, by);
        text_copy(a->reason, sizeof a->reason, reason);
        return true;
}

unsigned alarm_unshelve(struct alarms *al, int which, int64_t now_us, int64_t wall_us)
{
        struct alarm *a = &al->item[which];
        unsigned news = 0;

        assert(which >= 0 && which < al->count);
        if (!take(a, ALARM_ON_UNSHELVE))
                return 0;
        al->shelved--;
        assert(al->shelved >= 0);
        if (!a->stands && !(a->is_latching && a->has_stood))
                return 0;
        news = come(al, a, now_us, wall_us);
        /* What latches and stood behind the shelf is not forgotten. */
        if (!a->stands)
                news |= go(al, a);
        return news;
}

int alarm_find_expired(const struct alarms *al, int64_t now_us)
{
        for (int i = 0; al->shelved > 0 && i < al->count; i++)
                if (al->item[i].state == ALARM_SHELVED && al->item[i].until_us <= now_us)
                        return i;
        return -1;
}

int64_t alarm_deadline(const struct alarms *al, int64_t now_us)
{
        int64_t next = TIME_NEVER;

        for (int i = 0; i < al->count; i++) {
                const struct alarm *a = &al->item[i];

                if (a->turning_us != TIME_NEVER)
                        next = time_next(next, time_add(a->turning_us, delay_of(a, !a->stands)), now_us);
                if (a->state == ALARM_SHELVED)
                        next = time_next(next, a->until_us, now_us);
        }
        for (int i = 0; al->is_flooded && i <= ALARM_FLOOD_COMINGS; i++)
                if (al->past_us[i] != INT64_MIN)
                        next = time_next(next, al->past_us[i] + ALARM_FLOOD_US, now_us);
        return next;
}

bool alarm_flood_ended(struct alarms *al, int64_t now_us, int64_t *untold)
{
        if (!al->is_flooded || count_since(al, now_us - ALARM_FLOOD_US) >= ALARM_FLOOD_END)
                return false;
        al->is_flooded = false;
        *untold = al->untold;
        return true;
}
