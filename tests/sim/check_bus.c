/* C1 to C3, R1, R2 and F1: links, the loop, and the end of a process. */
#include "check.h"

#include "ald/base/time.h" /* TIME_MS */

#include <string.h> /* memset */

/* ---- C1, C2 ---- */

static void see_flight(struct check_context *c, const struct world_note *n)
{
        if (n->kind == WORLD_CALL && c->seen->link[n->link].in_call)
                check_fail(c, "link %s begins a call in a call", c->tool->links[n->link].name);
        if (n->kind == WORLD_ANSWER && !c->seen->link[n->link].in_call)
                check_fail(c, "link %s has an answer and asked nothing", c->tool->links[n->link].name);
}

#define OVER_US INT64_C(50000)

static void see_length(struct check_context *c, const struct world_note *n)
{
        const struct seen_link *l = &c->seen->link[n->link];
        int64_t took_us = n->t_us - l->call_us;

        if (!l->in_call || !seen_is_awake(c->seen, l->call_us))
                return;
        if (took_us > c->tool->links[n->link].timeout_us + OVER_US)
                check_fail(c, "a call on %s lasted %lld ms", c->tool->links[n->link].name,
                    (long long)(took_us / TIME_MS));
        if (n->action->kind != SCHED_CLOSE && n->t_us > n->action->limit_us + OVER_US)
                check_fail(c, "a call on %s ended %lld ms after its limit", c->tool->links[n->link].name,
                    (long long)((n->t_us - n->action->limit_us) / TIME_MS));
}

/* ---- C3 ---- */

enum { CONNECTS_MAX = 16 };

struct reconnects {
        int64_t at_us[TOOL_LINKS_MAX][CONNECTS_MAX];
        int count[TOOL_LINKS_MAX];
        bool is_proven[TOOL_DEVICES_MAX]; /* its watchdog was asked and runs, since the link was connected */
};

static void judge_rate(struct check_context *c, const struct world_note *n)
{
        struct reconnects *m = c->mine;
        int at = m->count[n->link]++ % CONNECTS_MAX;
        int64_t first_us = m->at_us[n->link][at];

        /* An edge or a safe value that waits may replace the connection at once, but no faster than every 10 ms. */
        if (m->count[n->link] > CONNECTS_MAX && n->t_us - first_us < CONNECTS_MAX * 10 * TIME_MS)
                check_fail(c, "%d attempts to connect %s in %lld ms", CONNECTS_MAX + 1,
                    c->tool->links[n->link].name, (long long)((n->t_us - first_us) / TIME_MS));
        m->at_us[n->link][at] = n->t_us;
}

static void judge_proof(struct check_context *c, const struct world_note *n)
{
        struct reconnects *m = c->mine;
        int device = seen_device_of(c->tool, n->link, n->action), tag;

        if (device < 0 || !c->tool->devices[device].watchdog.present ||
            c->tool->devices[device].link != n->link)
                return;
        tag = seen_tag_of(c->tool, device, n->action);
        if (tag < 0 || n->action->reg != TOOL_COIL || n->action->words[0] == 0 ||
            seen_is_safe(c->tool, tag, n->action->words[0] != 0))
                return;
        if (!m->is_proven[device])
                check_fail(c, "%s is energised on a new connection whose watchdog was not seen to run",
                    c->tool->tags[tag].name);
}

static void see_connecting(struct check_context *c, const struct world_note *n)
{
        struct reconnects *m = c->mine;
        int device;

        if (n->kind == WORLD_BEGUN)
                memset(m, 0, sizeof *m);
        if (n->kind == WORLD_CALL && n->action->kind == SCHED_CONNECT) {
                judge_rate(c, n);
                for (int i = 0; i < c->tool->device_count; i++)
                        if (c->tool->devices[i].link == n->link)
                                m->is_proven[i] = false;
        }
        if (n->kind == WORLD_CALL && n->action->kind == SCHED_WRITE)
                judge_proof(c, n);
        if (n->kind != WORLD_ANSWER || n->outcome != SCHED_OK || n->action->kind != SCHED_READ)
                return;
        device = seen_device_of(c->tool, n->link, n->action);
        if (device >= 0 && c->tool->devices[device].watchdog.present && n->action->reg == TOOL_HOLDING &&
            n->action->address == c->tool->devices[device].watchdog.status_register)
                m->is_proven[device] = true;
}

/* ---- R1 ---- */

struct fed {
        int64_t turns, at_feed[TOOL_DEVICES_MAX];
};
#define TURN_US INT64_C(100000)

static void see_feeding(struct check_context *c, const struct world_note *n)
{
        struct fed *m = c->mine;
        int device;

        if (n->kind == WORLD_BEGUN)
                memset(m, 0, sizeof *m);
        m->turns += n->kind == WORLD_TURN;
        if (n->kind != WORLD_CALL || n->action->kind != SCHED_WRITE)
                return;
        device = seen_device_of(c->tool, n->link, n->action);
        if (device < 0 || !c->tool->devices[device].watchdog.present || n->action->reg != TOOL_HOLDING ||
            n->action->address != c->tool->devices[device].watchdog.trigger_register)
                return;
        if (c->seen->turn_us == SEEN_NEVER || n->t_us - c->seen->turn_us > TURN_US)
                check_fail(c, "the watchdog of %s is fed, and the last turn is %lld ms old",
                    c->tool->devices[device].name, (long long)((n->t_us - c->seen->turn_us) / TIME_MS));
        if (m->at_feed[device] == m->turns)
                check_fail(c, "the watchdog of %s is fed twice by one turn", c->tool->devices[device].name);
        m->at_feed[device] = m->turns;
}

/* ---- R2 ---- */

struct lags {
        int64_t late_us; /* the loop has been standing for more than the trip's bound until then; 0 = no */
        bool has_tripped;
        bool was_aborted; /* at the last turn's end */
};
/* A turn is due every 50 ms, so that a stall counts from a turn that was due up to that much later. */
#define TRIP_LAG_US (INT64_C(1000000) + INT64_C(60000))

static void see_lag(struct check_context *c, const struct world_note *n)
{
        struct lags *m = c->mine;

        if (n->kind == WORLD_BEGUN || n->kind == WORLD_ENDED)
                m->late_us = 0;
        /* A further stall takes the place of the one under way. */
        if (n->kind == WORLD_STALL)
                m->late_us = n->number > TRIP_LAG_US ? n->t_us + n->number : 0;
        if (seen_event(n, "trip") && strcmp(n->record->u.event.source, "loop-lag") == 0)
                m->has_tripped = true;
        if (n->kind != WORLD_TURN)
                return;
        /* In Aborting and Aborted it may be latched already; then there is nothing new to tell. */
        if (m->late_us != 0 && n->t_us >= m->late_us && !m->has_tripped && !m->was_aborted)
                check_fail(c, "the loop stood still until %lld ms and nothing tripped",
                    (long long)(m->late_us / TIME_MS));
        if (n->t_us >= m->late_us) {
                m->late_us = 0;
                m->has_tripped = false;
        }
        m->was_aborted = c->seen->state == MACHINE_ABORTING || c->seen->state == MACHINE_ABORTED;
}

/* ---- F1 ---- */

static void see_end(struct check_context *c, const struct world_note *n)
{
        const struct seen *s = c->seen;

        /* In order: safe values have been sent, where links answer. */
        if (n->kind == WORLD_ENDED && !n->flag)
                for (int i = 0; i < c->tool->tag_count; i++)
                        if (c->tool->tags[i].is_output && !seen_is_safe(c->tool, i, s->out[i].value) &&
                            seen_output_is_well(s, i, n->t_us - 2 * TIME_S) &&
                            seen_is_awake(s, n->t_us - 2 * TIME_S))
                                check_fail(c, "the daemon ended in order with %s at %g",
                                    c->tool->tags[i].name, s->out[i].value);
        /* Killed: what the watchdog guards falls; the next process may be there by then. */
        if (s->ended_us == SEEN_NEVER || n->t_us - s->ended_us <= CHECK_DOG_US || s->is_alive)
                return;
        for (int i = 0; i < c->tool->tag_count; i++)
                if (seen_is_dosing(c->tool, i) && !seen_is_safe(c->tool, i, s->out[i].value))
                        check_fail(c, "%s is open %lld ms after the daemon's end", c->tool->tags[i].name,
                            (long long)((n->t_us - s->ended_us) / TIME_MS));
}

#define CALLS (CHECK_SEES(CALL) | CHECK_SEES(ANSWER))
#define LIFE  (CHECK_SEES(BEGUN) | CHECK_SEES(ENDED))

const struct check check_bus[] = {
    {"C1", "one call at a time on each link", "no tolerance", 0, CALLS, see_flight, NULL},
    {"C2", "no call lasts longer than its limit and 50 ms", "not while the workers stand still", 0,
        CHECK_SEES(ANSWER), see_length, NULL},
    {"C3",
        "attempts to connect are bounded in rate; a new connection proves the watchdog before it energises",
        "17 attempts in 160 ms: an edge or a safe value that waits may replace a connection every 10 ms",
        sizeof(struct reconnects), CALLS | CHECK_SEES(BEGUN), see_connecting, NULL},
    {"R1", "a watchdog is fed only while turns come, once for each at most",
        "100 ms: how old a turn a worker bears", sizeof(struct fed),
        CHECK_SEES(CALL) | CHECK_SEES(TURN) | CHECK_SEES(BEGUN), see_feeding, NULL},
    {"R2", "a loop that stood still for more than 1 s trips", "60 ms: the turn that was due",
        sizeof(struct lags), LIFE | CHECK_SEES(STALL) | CHECK_SEES(RECORD) | CHECK_SEES(TURN), see_lag, NULL},
    {"F1", "however a process ends, outputs become safe",
        "in order: where links answered for 2 s; killed: what the watchdog guards, "
        "within 250 ms and its 1.0 s",
        0, LIFE | CHECK_SEES(OUTPUT) | CHECK_SEES(WATCHDOG) | CHECK_SEES(FAULT), see_end, NULL},
    {.id = NULL}};
