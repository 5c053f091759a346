/* What the workers do on the wire, whatever the core wants: their second look (V2), their duty to close (V3), connections (Q3,
 * C1) and watchdogs (F2, V7). */
#include "check.h"

#include "ald/base/time.h" /* TIME_MS */

#include <string.h> /* memset, strncmp */

/* ---- V2: the gate is a second line; with a healthy link it has nothing to refuse ---- */

struct dogs {
        int status[TOOL_DEVICES_MAX];
        int64_t since_us[TOOL_DEVICES_MAX];
        int64_t expired_us[TOOL_DEVICES_MAX]; /* last time that it did of itself */
        bool is_proof[TOOL_DEVICES_MAX];      /* its last expiry was the one that its proof wants */
        bool is_starved[TOOL_DEVICES_MAX];    /* its last feed was one of a proof */
        int64_t reset_us;                     /* a reset was granted then */
};
/* Longer than any reason of the worker's own lasts: a turn that is old, a safe value that is owed, a watchdog being armed. */
#define HEALTHY_US INT64_C(5000000)

static bool is_at_rest(const struct seen *s, int device)
{
        for (int i = 0; i < s->tool->tag_count; i++)
                if (s->tool->tags[i].is_output && s->tool->tags[i].device == device &&
                    !seen_is_safe(s->tool, i, s->out[i].value))
                        return false;
        return true;
}

static bool is_feed(const struct seen *s, const struct world_note *n)
{
        return n->kind == WORLD_REQUEST && n->device >= 0 && n->number == 0 &&
               n->action->kind == SCHED_WRITE && n->action->reg == TOOL_HOLDING &&
               s->tool->devices[n->device].watchdog.present &&
               n->action->address == s->tool->devices[n->device].watchdog.trigger_register;
}

/* A reset that is refused because something else stands starts watchdogs again all the same, and says so. */
static bool rearms(const struct seen *s, const struct world_note *n)
{
        const struct command *k = seen_command(s);

        return seen_resets(s, n) || (k != NULL && k->verb == VERB_RESET &&
                                        strstr(n->reply->hint, "is being started again") != NULL);
}

static void fold_dogs(struct dogs *m, const struct seen *s, const struct world_note *n)
{
        if (n->kind == WORLD_WATCHDOG && m->status[n->device] != (int)n->number) {
                m->status[n->device] = (int)n->number;
                m->since_us[n->device] = n->t_us;
                /* The restart that the proof itself sends is told after what it did: the lamp is out by then (seed 100850). */
                if (n->number == TOOL_WATCHDOG_EXPIRED)
                        m->is_proof[n->device] = seen_is_lit(s, n->device) ||
                                                 (m->is_starved[n->device] && is_at_rest(s, n->device));
                if (n->number == TOOL_WATCHDOG_EXPIRED && !m->is_proof[n->device])
                        m->expired_us[n->device] = n->t_us;
        }
        /* One that was broken off puts the lamp out, and may come too late to feed (seed 109441). */
        if (is_feed(s, n))
                m->is_starved[n->device] = seen_is_lit(s, n->device);
        if (n->kind == WORLD_REPLY && rearms(s, n))
                m->reset_us = n->t_us;
}

static bool is_healthy(const struct check_context *c, const struct dogs *m, int tag)
{
        int device = c->tool->tags[tag].device;
        int64_t since_us = c->seen->now_us - HEALTHY_US;
        bool is_guarded = !c->tool->devices[device].watchdog.present ||
                          (m->status[device] == TOOL_WATCHDOG_RUNNING && m->since_us[device] < since_us);

        return is_guarded && seen_output_is_well(c->seen, tag, since_us) &&
               seen_is_awake(c->seen, since_us) && seen_lived(c->seen, since_us);
}

static void see_refusal(struct check_context *c, const struct world_note *n)
{
        struct dogs *m = c->mine;
        int tag = TOOL_NONE;

        fold_dogs(m, c->seen, n);
        if (n->kind != WORLD_RECORD)
                return;
        if (n->record->kind == RECORD_PULSE_END &&
            (n->record->u.pulse.outcome == PULSE_REFUSED || n->record->u.pulse.outcome == PULSE_LATE))
                tag = c->tool->lines[n->record->u.pulse.line].valve;
        if (seen_event(n, "manual") && strncmp(n->record->u.event.text, "refused:", 8) == 0) {
                int line = tool_find_line(c->tool, n->record->u.event.source);

                tag = line >= 0 ? c->tool->lines[line].valve
                                : tool_find_tag(c->tool, n->record->u.event.source);
        }
        if (tag >= 0 && is_healthy(c, m, tag))
                check_fail(
                    c, "a pulse of %s was refused by its link, which is healthy", c->tool->tags[tag].name);
}

/* ---- V3: a close that failed is tried again at once; nothing opens without a turn ---- */

struct closing {
        int64_t
            tried_us[TOOL_TAGS_MAX]; /* the last attempt ended without an answer; 0 = none, or it is over */
};
/* A close is tried again after 250 ms at the latest, on a connection that may have to be made first. */
#define AGAIN_US INT64_C(780000)

static void see_closing(struct check_context *c, const struct world_note *n)
{
        struct closing *m = c->mine;
        int device, tag;

        if (n->kind == WORLD_BEGUN || n->kind == WORLD_ENDED) {
                memset(m, 0, sizeof *m);
                return;
        }
        if (n->kind == WORLD_TURN) {
                for (int i = 0; i < c->tool->tag_count; i++) {
                        const struct seen_link *l =
                            &c->seen->link[c->tool->devices[c->tool->tags[i].device].link];

                        if (m->tried_us[i] != 0 && c->seen->out[i].told != 0 &&
                            n->t_us - m->tried_us[i] > AGAIN_US && l->is_up &&
                            n->t_us - l->up_us > AGAIN_US && seen_is_awake(c->seen, m->tried_us[i]))
                                check_fail(c, "a close of %s failed, and is not tried again for %lld ms",
                                    c->tool->tags[i].name, (long long)((n->t_us - m->tried_us[i]) / TIME_MS));
                }
                return;
        }
        if (n->action->kind != SCHED_WRITE || n->action->reg != TOOL_COIL || n->action->words[0] != 0)
                return;
        device = seen_device_of(c->tool, n->link, n->action);
        tag = device >= 0 ? seen_tag_of(c->tool, device, n->action) : TOOL_NONE;
        if (tag < 0 || !seen_is_dosing(c->tool, tag))
                return;
        m->tried_us[tag] = n->kind == WORLD_ANSWER && n->outcome != SCHED_OK ? n->t_us : 0;
}

/* How old the core's last turn may be, and what a worker takes from its look at it to the call. */
#define TURN_US (INT64_C(100000) + INT64_C(2000))

static void see_opening(struct check_context *c, const struct world_note *n)
{
        int device, tag;

        if (n->action->kind != SCHED_WRITE || n->action->reg != TOOL_COIL || n->action->words[0] == 0)
                return;
        device = seen_device_of(c->tool, n->link, n->action);
        tag = device >= 0 ? seen_tag_of(c->tool, device, n->action) : TOOL_NONE;
        if (tag >= 0 && seen_is_dosing(c->tool, tag) &&
            (c->seen->turn_us == SEEN_NEVER || n->t_us - c->seen->turn_us > TURN_US))
                check_fail(c, "%s is opened %lld ms after the last turn", c->tool->tags[tag].name,
                    (long long)((n->t_us - c->seen->turn_us) / TIME_MS));
}

/* ---- V3: a pulse is as long as it was planned, whatever the loop and the wire do ---- */

struct widths {
        int64_t plan_us[TOOL_TAGS_MAX];  /* of the pulse that was ordered last */
        int64_t begun_us[TOOL_TAGS_MAX]; /* the call that opens it began; 0 = none is open */
        int64_t stalled_us;              /* the workers stand still until then */
};
/* The worker's thread wakes; a connection that is being replaced is not counted at all. */
#define WIDTH_SLACK_US INT64_C(30000)

static void fold_widths(struct check_context *c, const struct world_note *n)
{
        struct widths *m = c->mine;
        const struct command *k = seen_command(c->seen);
        int device, tag;

        if (n->kind == WORLD_STALL && n->flag)
                m->stalled_us = n->t_us + n->number;
        if (n->kind == WORLD_RECORD && n->record->kind == RECORD_PULSE_START)
                m->plan_us[c->tool->lines[n->record->u.pulse.line].valve] =
                    n->record->u.pulse.planned_width_us;
        if (n->kind == WORLD_REPLY && k != NULL && k->verb == VERB_OPEN && n->reply->code == 0 && k->tag >= 0)
                m->plan_us[k->tag] = k->for_us;
        if (n->kind != WORLD_CALL || n->action->kind != SCHED_WRITE || n->action->reg != TOOL_COIL)
                return;
        device = seen_device_of(c->tool, n->link, n->action);
        tag = device >= 0 ? seen_tag_of(c->tool, device, n->action) : TOOL_NONE;
        if (tag >= 0 && seen_is_dosing(c->tool, tag))
                m->begun_us[tag] = n->action->words[0] != 0 ? n->t_us : 0;
}

static void see_widths(struct check_context *c, const struct world_note *n)
{
        struct widths *m = c->mine;

        if (n->kind == WORLD_BEGUN || n->kind == WORLD_ENDED)
                memset(m, 0, sizeof *m);
        fold_widths(c, n);
        for (int i = 0; n->kind == WORLD_REQUEST && i < c->tool->tag_count; i++)
                if (m->begun_us[i] != 0 && n->t_us - m->begun_us[i] > m->plan_us[i] + WIDTH_SLACK_US &&
                    c->seen->link[c->tool->devices[c->tool->tags[i].device].link].is_up &&
                    m->stalled_us < m->begun_us[i])
                        check_fail(c, "%s is not closed %lld ms after it was opened, planned are %lld",
                            c->tool->tags[i].name, (long long)((n->t_us - m->begun_us[i]) / TIME_MS),
                            (long long)(m->plan_us[i] / TIME_MS));
}

/* ---- V3: what the core does not renew ends ---- */

struct silences {
        int64_t stalled_us; /* the workers stand still until then */
};

static void see_silence(struct check_context *c, const struct world_note *n)
{
        struct silences *m = c->mine;

        if (n->kind == WORLD_STALL && n->flag)
                m->stalled_us = n->t_us + n->number;
        for (int i = 0; n->kind == WORLD_ANSWER && i < c->tool->tag_count; i++) {
                const struct tool_tag *t = &c->tool->tags[i];
                int64_t since_us = c->seen->turn_us;

                if (!t->is_output || t->lease_us == 0 || since_us == SEEN_NEVER || !c->seen->is_alive ||
                    n->t_us - since_us <= t->lease_us + CHECK_FREE_US ||
                    c->seen->out[i].told_us == SEEN_NEVER || c->seen->out[i].told_us < c->seen->begun_us ||
                    seen_is_safe(c->tool, i, c->seen->out[i].told) || m->stalled_us >= since_us ||
                    !seen_output_is_well(c->seen, i, since_us))
                        continue;
                if (!seen_is_dosing(c->tool, i)) /* a pulse has a close of its own (V3d) */
                        check_fail(c, "%s is at %g, %lld ms after the last turn; its lease is %lld", t->name,
                            c->seen->out[i].told, (long long)((n->t_us - since_us) / TIME_MS),
                            (long long)(t->lease_us / TIME_MS));
        }
}

/* ---- Q3: after a call that failed the connection is closed ---- */

struct spoilt {
        bool is[TOOL_LINKS_MAX];
};

static void see_spoilt(struct check_context *c, const struct world_note *n)
{
        struct spoilt *m = c->mine;

        if (n->kind == WORLD_BEGUN) {
                memset(m, 0, sizeof *m);
                return;
        }
        if (n->kind == WORLD_CALL && m->is[n->link] &&
            (n->action->kind == SCHED_READ || n->action->kind == SCHED_WRITE))
                check_fail(c, "a request on %s follows one that failed, on the same connection",
                    c->tool->links[n->link].name);
        if (n->action->kind == SCHED_CLOSE || n->action->kind == SCHED_CONNECT)
                m->is[n->link] = false;
        else if (n->kind == WORLD_ANSWER && n->outcome != SCHED_OK && n->outcome != SCHED_EXCEPTION)
                m->is[n->link] = true;
}

/* ---- C1: a link that is down while it holds something energised trips ---- */

struct downs {
        int64_t since_us[TOOL_LINKS_MAX]; /* no answer since then; 0 = there was one */
};
/* Calls that fail until the link is called down, a second that it is borne, and a turn. */
#define DOWN_US INT64_C(4000000)

static bool is_energised_on(const struct check_context *c, int link)
{
        for (int i = 0; i < c->tool->tag_count; i++)
                if (c->tool->tags[i].is_output && c->tool->devices[c->tool->tags[i].device].link == link &&
                    c->seen->out[i].told_us != SEEN_NEVER && !seen_is_safe(c->tool, i, c->seen->out[i].told))
                        return true;
        return false;
}

static bool is_aborting(const struct seen *s)
{
        return s->state == MACHINE_ABORTING || s->state == MACHINE_ABORTED || s->state == MACHINE_CLEARING;
}

static void see_down(struct check_context *c, const struct world_note *n)
{
        struct downs *m = c->mine;

        if (n->kind == WORLD_BEGUN) {
                memset(m, 0, sizeof *m);
        } else if (n->kind == WORLD_ANSWER && n->action->kind == SCHED_CONNECT) {
                if (n->outcome != SCHED_OK && m->since_us[n->link] == 0)
                        m->since_us[n->link] = n->t_us;
        } else if (n->kind == WORLD_ANSWER && (n->outcome == SCHED_OK || n->outcome == SCHED_EXCEPTION)) {
                m->since_us[n->link] = 0;
        }
        for (int i = 0; n->kind == WORLD_TURN && i < c->tool->link_count; i++)
                if (m->since_us[i] != 0 && n->t_us - m->since_us[i] > DOWN_US && is_energised_on(c, i) &&
                    !is_aborting(c->seen) && seen_is_awake(c->seen, m->since_us[i]) &&
                    seen_lived(c->seen, m->since_us[i]))
                        check_fail(c, "link %s is down for %lld ms in %s with outputs energised",
                            c->tool->links[i].name, (long long)((n->t_us - m->since_us[i]) / TIME_MS),
                            machine_state_name(c->seen->state));
}

/* ---- F2, V7: watchdogs ---- */

/* A watchdog that fails is seen at the next feed or look, both well within this. */
#define UNGUARDED_US INT64_C(2000000)

/* Who asks for a dose is refused while a watchdog does not run that a dose relies on. */
static void judge_grant(struct check_context *c, const struct world_note *n)
{
        const struct dogs *m = c->mine;

        for (int i = 0; i < c->tool->tag_count; i++) {
                int device = c->tool->tags[i].device;

                if (seen_is_dosing(c->tool, i) && c->tool->tags[i].failsafe == TOOL_FAILSAFE_WATCHDOG &&
                    m->status[device] != TOOL_WATCHDOG_RUNNING &&
                    n->t_us - m->since_us[device] > UNGUARDED_US &&
                    seen_is_awake(c->seen, m->since_us[device]) &&
                    seen_lived(c->seen, n->t_us - UNGUARDED_US))
                        check_fail(c, "a dose was granted, and the watchdog of %s does not run",
                            c->tool->devices[device].name);
        }
}

static void see_unguarded(struct check_context *c, const struct world_note *n)
{
        struct dogs *m = c->mine;
        const struct command *k = seen_command(c->seen);
        double value;
        int tag, device;

        fold_dogs(m, c->seen, n);
        if (n->kind == WORLD_REPLY && n->reply->code == 0 && k != NULL &&
            (k->verb == VERB_RUN || (k->verb == VERB_OPEN && seen_is_dosing(c->tool, k->tag))))
                judge_grant(c, n);
        if (!seen_told(c->tool, n, &tag, &value) || value == 0 || !seen_is_dosing(c->tool, tag) ||
            c->tool->tags[tag].failsafe != TOOL_FAILSAFE_WATCHDOG)
                return;
        device = c->tool->tags[tag].device;
        if (m->status[device] != TOOL_WATCHDOG_RUNNING && n->t_us - m->since_us[device] > UNGUARDED_US &&
            seen_is_awake(c->seen, m->since_us[device]))
                check_fail(c, "%s is opened, and the watchdog of %s does not run", c->tool->tags[tag].name,
                    c->tool->devices[device].name);
}

struct proofs {
        struct dogs dogs;
        bool is_proven[TOOL_DEVICES_MAX]; /* asked on this connection, while it ran */
};

/* The device that this call is about, of those that this link guards; TOOL_NONE: none. */
static int guarded_device(const struct check_context *c, const struct world_note *n)
{
        int device = n->action->kind == SCHED_READ || n->action->kind == SCHED_WRITE
                         ? seen_device_of(c->tool, n->link, n->action)
                         : TOOL_NONE;

        return device >= 0 && c->tool->devices[device].watchdog.present &&
                       c->tool->devices[device].link == n->link
                   ? device
                   : TOOL_NONE;
}

static void see_unproven(struct check_context *c, const struct world_note *n)
{
        struct proofs *m = c->mine;
        int device, tag;

        fold_dogs(&m->dogs, c->seen, n);
        if (n->kind != WORLD_CALL && n->kind != WORLD_ANSWER)
                return;
        for (int i = 0; n->action->kind == SCHED_CONNECT && i < c->tool->device_count; i++)
                if (c->tool->devices[i].link == n->link)
                        m->is_proven[i] = false;
        device = guarded_device(c, n);
        if (device < 0)
                return;
        if (n->kind == WORLD_ANSWER && n->action->kind == SCHED_READ && n->outcome == SCHED_OK &&
            n->action->address == c->tool->devices[device].watchdog.status_register &&
            m->dogs.status[device] == TOOL_WATCHDOG_RUNNING)
                m->is_proven[device] = true;
        tag = n->kind == WORLD_CALL && n->action->kind == SCHED_WRITE
                  ? seen_tag_of(c->tool, device, n->action)
                  : TOOL_NONE;
        if (tag >= 0 && seen_is_dosing(c->tool, tag) && n->action->words[0] != 0 && !m->is_proven[device])
                check_fail(c, "%s is opened on a connection on which the watchdog of %s was not seen to run",
                    c->tool->tags[tag].name, c->tool->devices[device].name);
}

/* A reset that was granted before may still be under way. */
#define CLEARING_US INT64_C(30000000)

static void see_restart(struct check_context *c, const struct world_note *n)
{
        struct dogs *m = c->mine;
        int device = n->kind == WORLD_REQUEST ? n->device : TOOL_NONE;
        const struct tool_watchdog *dog = device >= 0 ? &c->tool->devices[device].watchdog : NULL;

        fold_dogs(m, c->seen, n);
        if (dog == NULL || !dog->present || n->number != 0 || n->action->kind != SCHED_WRITE ||
            n->action->reg != TOOL_HOLDING || dog->restart_count == 0 ||
            n->action->address != dog->restart[0].address)
                return;
        if (!m->is_proof[device] && m->reset_us < m->expired_us[device] - CLEARING_US)
                check_fail(c, "the watchdog of %s is started again, and nobody reset",
                    c->tool->devices[device].name);
}

/* The status is asked for at every feed; a link that fails trips by itself. */
#define EXPIRED_US INT64_C(4000000)

/* Is every call on the link answered since then, be it by an exception? */
static bool is_asked(const struct seen *s, int link, int64_t since_us)
{
        const struct seen_link *l = &s->link[link];

        return l->is_up && l->up_us < since_us && l->mute_us < since_us;
}

static void see_expired(struct check_context *c, const struct world_note *n)
{
        struct dogs *m = c->mine;

        fold_dogs(m, c->seen, n);
        for (int i = 0; n->kind == WORLD_TURN && i < c->tool->device_count; i++) {
                const struct seen_link *l = &c->seen->link[c->tool->devices[i].link];
                int64_t since_us = l->up_us > m->since_us[i] ? l->up_us : m->since_us[i];

                if (m->status[i] == TOOL_WATCHDOG_EXPIRED && l->is_up && n->t_us - since_us > EXPIRED_US &&
                    !is_aborting(c->seen) && is_asked(c->seen, c->tool->devices[i].poll_link, since_us) &&
                    seen_is_awake(c->seen, since_us) && seen_lived(c->seen, since_us))
                        check_fail(c, "the watchdog of %s expired %lld ms ago, and nothing tripped",
                            c->tool->devices[i].name, (long long)((n->t_us - m->since_us[i]) / TIME_MS));
        }
}

#define CALLS (CHECK_SEES(CALL) | CHECK_SEES(ANSWER))
#define DOGS  (CHECK_SEES(WATCHDOG) | CHECK_SEES(REPLY))

const struct check check_link[] = {{"V2b", "the core asks for nothing that its gate has to refuse",
                                       "pulses, on a link that has been healthy for 5 s: whatever "
                                       "else the worker refuses for is over by then",
                                       sizeof(struct dogs), DOGS | CHECK_SEES(RECORD), see_refusal, NULL},
    {"V3b", "a close that failed is tried again until it is done",
        "780 ms on a connection that stands: 250 ms and the calls before", sizeof(struct closing),
        CALLS | CHECK_SEES(TURN) | CHECK_SEES(BEGUN) | CHECK_SEES(ENDED), see_closing, NULL},
    {"V3c", "nothing that doses opens without a turn of the core in the last 100 ms",
        "2 ms from the worker's look to its call", 0, CHECK_SEES(CALL), see_opening, NULL},
    {"V3d", "a pulse is closed when it was planned, whatever loop and wire do",
        "30 ms for the worker's thread; not while it stands still or its connection is being replaced",
        sizeof(struct widths),
        CALLS | CHECK_SEES(BEGUN) | CHECK_SEES(ENDED) | CHECK_SEES(REQUEST) | CHECK_SEES(RECORD) |
            CHECK_SEES(REPLY) | CHECK_SEES(STALL),
        see_widths, NULL},
    {"V3e", "what the core does not renew becomes safe", "250 ms behind its lease, while its link answers",
        sizeof(struct silences), CHECK_SEES(ANSWER) | CHECK_SEES(STALL), see_silence, NULL},
    {"Q3b", "after a call that failed no request goes out on the same connection", "no tolerance",
        sizeof(struct spoilt), CALLS | CHECK_SEES(BEGUN), see_spoilt, NULL},
    {"C1b", "a link that is down with outputs energised trips",
        "4 s without an answer, of links that cannot be connected", sizeof(struct downs),
        CALLS | CHECK_SEES(BEGUN) | CHECK_SEES(TURN), see_down, NULL},
    {"F2", "nothing that a watchdog guards is opened, or granted, while that does not run",
        "2 s after it ceased to", sizeof(struct dogs), DOGS | CHECK_SEES(REQUEST) | CHECK_SEES(OUTPUT),
        see_unguarded, NULL},
    {"F2c", "nothing that doses opens on a connection on which its watchdog was not seen to run",
        "no tolerance", sizeof(struct proofs), CALLS | DOGS, see_unproven, NULL},
    {"F2b", "an expired watchdog is started again by an operator's reset only",
        "30 s: one that was granted before it expired may be under way", sizeof(struct dogs),
        DOGS | CHECK_SEES(REQUEST), see_restart, NULL},
    {"V7b", "a watchdog that expired trips",
        "4 s of a connection that stands, while the link that polls it answers", sizeof(struct dogs),
        DOGS | CHECK_SEES(TURN), see_expired, NULL},
    {.id = NULL}};
