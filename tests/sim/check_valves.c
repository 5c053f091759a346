/* V1 to V4 and V9: what is open, beside what, for how long, and when. Judged by what the devices took from requests, not by
 * what a second master or a stuck coil made of it. */
#include "check.h"
#include "locks.h" /* lock_denied_since */

#include "ald/base/time.h"   /* TIME_S */
#include "ald/core/recipe.h" /* struct recipe */

#include <string.h> /* strstr */

static bool opens(const struct check_context *c, const struct world_note *n, int *tag)
{
        double value;

        return seen_told(c->tool, n, tag, &value) && value != 0 && c->seen->out[*tag].told == 0;
}

/* ---- V1, V2 ---- */

static void see_exclusion(struct check_context *c, const struct world_note *n)
{
        int tag;

        if (!opens(c, n, &tag) || !c->tool->tags[tag].is_valve)
                return;
        for (int i = 0; i < c->tool->tag_count; i++)
                if (i != tag && c->tool->tags[i].is_output && tool_excludes(c->tool, tag, i, NULL) &&
                    c->seen->out[i].told != 0)
                        check_fail(
                            c, "%s opens while %s is open", c->tool->tags[tag].name, c->tool->tags[i].name);
}

/* The core counts from the plan of an edge that went out less than 5 ms late, and the gate below it bears 10 ms; closing is
 * counted from when it was sent. */
#define PURGE_SLACK_US INT64_C(15000)

static void see_purge_between(struct check_context *c, const struct world_note *n)
{
        int tag;

        if (!opens(c, n, &tag) || !c->tool->tags[tag].is_valve)
                return;
        for (int i = 0; i < c->tool->tag_count; i++) {
                const struct seen_output *o = &c->seen->out[i];
                int64_t purge_us = 0;

                if (i == tag || !c->tool->tags[i].is_output || !tool_excludes(c->tool, tag, i, &purge_us) ||
                    o->close_told_us == SEEN_NEVER)
                        continue;
                if (n->t_us - o->close_told_us < purge_us - PURGE_SLACK_US)
                        check_fail(c, "%s opens %lld ms after %s closed, not %lld", c->tool->tags[tag].name,
                            (long long)((n->t_us - o->close_told_us) / TIME_MS), c->tool->tags[i].name,
                            (long long)(purge_us / TIME_MS));
        }
}

/* ---- V3 ---- */

struct pulse_plan {
        int64_t width_us[TOOL_TAGS_MAX]; /* of the opening that was handed over or granted last; 0 = none */
};

static void see_deadline(struct check_context *c, const struct world_note *n)
{
        struct pulse_plan *p = c->mine;
        const struct command *k = seen_command(c->seen);

        if (n->kind == WORLD_RECORD && n->record->kind == RECORD_PULSE_START)
                p->width_us[c->tool->lines[n->record->u.pulse.line].valve] =
                    n->record->u.pulse.planned_width_us;
        if (n->kind == WORLD_REPLY && n->reply->code == 0 && k != NULL && k->tag >= 0 &&
            (k->verb == VERB_OPEN || k->verb == VERB_SET))
                p->width_us[k->tag] = k->for_us;
        for (int i = 0; i < c->tool->tag_count; i++) {
                const struct tool_tag *t = &c->tool->tags[i];
                const struct seen_output *o = &c->seen->out[i];
                int64_t open_us, most_us = t->max_open_us;

                if (t->max_open_us == 0 || o->open_told_us == SEEN_NEVER)
                        continue;
                open_us = n->t_us - o->open_told_us;
                if (open_us > most_us + CHECK_DOG_US)
                        check_fail(c, "%s is open for %lld ms, its maximum is %lld", t->name,
                            (long long)(open_us / TIME_MS), (long long)(most_us / TIME_MS));
                most_us = p->width_us[i] > 0 && p->width_us[i] < most_us ? p->width_us[i] : most_us;
                if (open_us > most_us + CHECK_FREE_US && seen_output_is_well(c->seen, i, o->open_told_us) &&
                    seen_is_awake(c->seen, o->open_told_us) && seen_lived(c->seen, o->open_told_us))
                        check_fail(c, "%s is open for %lld ms though its link answers, planned are %lld",
                            t->name, (long long)(open_us / TIME_MS), (long long)(most_us / TIME_MS));
        }
}

/* ---- V4 ---- */

struct by_hand {
        int64_t asked_us[TOOL_TAGS_MAX]; /* an opening by hand was granted then */
};

static bool may_open_in(enum machine_state state)
{
        return state == MACHINE_STARTING || state == MACHINE_EXECUTE || state == MACHINE_UNHOLDING ||
               state == MACHINE_UNSUSPENDING;
}

static bool may_by_hand_in(enum machine_state state)
{
        return state == MACHINE_STOPPED || state == MACHINE_IDLE || state == MACHINE_COMPLETE ||
               state == MACHINE_EXECUTE;
}

/* The worker bears a loop that is silent for up to 100 ms before it opens; what is not permitted for longer must not open. */
#define TURN_US INT64_C(110000)
/* An opening by hand goes out in the turn that grants it, or once its device is ready. */
#define HAND_US INT64_C(500000)

/* A revoke reaches its worker as fast as a thread wakes. */
#define ORDER_US INT64_C(1000)

static void judge_opening(struct check_context *c, const struct world_note *n, int tag)
{
        struct by_hand *h = c->mine;
        const struct seen *s = c->seen;
        bool is_by_hand = h->asked_us[tag] != 0 && n->t_us - h->asked_us[tag] <= HAND_US;
        int64_t denied_us;
        int which = 0;

        if (!may_open_in(s->state) && n->sent_us - s->state_us > ORDER_US &&
            !(is_by_hand && may_by_hand_in(s->state)))
                check_fail(c, "%s opens in %s", c->tool->tags[tag].name, machine_state_name(s->state));
        if (!s->is_alive && s->ended_us < n->sent_us)
                check_fail(c, "%s opens without a daemon", c->tool->tags[tag].name);
        denied_us = lock_denied_since(c->locks, tag, &which);
        if (denied_us != SEEN_NEVER && n->sent_us - denied_us > TURN_US)
                check_fail(c, "%s opens %lld ms after %s denied it", c->tool->tags[tag].name,
                    (long long)((n->t_us - denied_us) / TIME_MS), c->tool->interlocks[which].id);
        if (s->is_vented)
                check_fail(c, "%s opens in a vented chamber", c->tool->tags[tag].name);
}

static void judge_open(struct check_context *c, const struct world_note *n, int tag)
{
        const struct seen_output *o = &c->seen->out[tag];
        int which = 0;
        int64_t since_us = lock_denied_since(c->locks, tag, &which);

        if (since_us == SEEN_NEVER || o->open_told_us == SEEN_NEVER)
                return;
        since_us = since_us > o->open_told_us ? since_us : o->open_told_us;
        if (n->t_us - since_us <= CHECK_FREE_US)
                return;
        if (n->t_us - since_us > CHECK_DOG_US ||
            (seen_output_is_well(c->seen, tag, since_us) && seen_is_awake(c->seen, since_us) &&
                seen_lived(c->seen, since_us)))
                check_fail(c, "%s stays open for %lld ms after %s denied it", c->tool->tags[tag].name,
                    (long long)((n->t_us - since_us) / TIME_MS), c->tool->interlocks[which].id);
}

static void see_permits(struct check_context *c, const struct world_note *n)
{
        struct by_hand *h = c->mine;
        const struct command *k = seen_command(c->seen);
        int tag;

        if (n->kind == WORLD_REPLY && n->reply->code == 0 && k != NULL && k->tag >= 0 &&
            (k->verb == VERB_OPEN || k->verb == VERB_SET))
                h->asked_us[k->tag] = n->t_us;
        if (opens(c, n, &tag) && seen_is_dosing(c->tool, tag))
                judge_opening(c, n, tag);
        for (int i = 0; n->kind == WORLD_TURN && i < c->tool->tag_count; i++)
                if (seen_is_dosing(c->tool, i))
                        judge_open(c, n, i);
}

/* ---- V9 ---- */

/* A recipe that has one may shut the way out inside it, and a leak check does so with nothing flowing. */
static bool may_shut(const struct recipe *r)
{
        for (int i = 0; r != NULL && i < r->op_count; i++)
                if (r->ops[i].kind == RECIPE_EXPOSE)
                        return true;
        return false;
}

struct shut_by {
        bool is_tripped; /* a trip whose own values may shut the carrier is latched */
};

static bool sets_carrier(const struct tool *tool, const char *id)
{
        for (int i = 0; i < tool->interlock_count; i++)
                for (int k = 0; k < tool->interlocks[i].set_count; k++)
                        if (strcmp(tool->interlocks[i].id, id) == 0 && tool->carrier >= 0 &&
                            tool->interlocks[i].set[k].tag == tool->loops[tool->carrier].setpoint)
                                return true;
        return false;
}

static void judge_shutting(struct check_context *c, const struct world_note *n, int tag)
{
        for (int i = 0; i < c->tool->line_count; i++) {
                const struct tool_line *l = &c->tool->lines[i];
                const struct seen_output *o = &c->seen->out[l->valve];

                if (o->told != 0)
                        check_fail(c, "%s is shut under %s", c->tool->tags[tag].name, l->name);
                if (o->close_told_us != SEEN_NEVER &&
                    n->t_us - o->close_told_us < l->purge_us_min - PURGE_SLACK_US)
                        check_fail(c, "%s is shut %lld ms after %s closed", c->tool->tags[tag].name,
                            (long long)((n->t_us - o->close_told_us) / TIME_MS), l->name);
        }
}

static void see_way_out(struct check_context *c, const struct world_note *n)
{
        struct shut_by *m = c->mine;
        int carrier = c->tool->carrier >= 0 ? c->tool->loops[c->tool->carrier].setpoint : TOOL_NONE, tag;
        const int way[] = {c->tool->exhaust, carrier};
        double value;

        if (n->kind == WORLD_BEGUN)
                m->is_tripped = false;
        if (seen_event(n, "trip") && sets_carrier(c->tool, n->record->u.event.source))
                m->is_tripped = true;
        if (n->kind == WORLD_REPLY && seen_resets(c->seen, n))
                m->is_tripped = false;
        if (!seen_told(c->tool, n, &tag, &value))
                return;
        if (may_shut(c->seen->recipe))
                return;
        for (int i = 0; i < 2; i++) {
                if (way[i] < 0 || (way[i] == carrier && m->is_tripped))
                        continue;
                if (tag == way[i] && value == 0)
                        judge_shutting(c, n, tag);
                if (value != 0 && tool_find_line_of_valve(c->tool, tag) >= 0 &&
                    c->seen->out[way[i]].told == 0)
                        check_fail(
                            c, "%s opens with %s shut", c->tool->tags[tag].name, c->tool->tags[way[i]].name);
        }
}

#define TOLD CHECK_SEES(REQUEST)

const struct check check_valves[] = {
    {"V1", "no two outputs of one exclusion are told open together",
        "as told by us: what a second master opens is V7's. No tolerance", 0, TOLD, see_exclusion, NULL},
    {"V2", "from one closed to the other open, the purge between",
        "between arrivals at the device; 15 ms: the core's credit for an edge on its plan (5) and the gate's "
        "slack (10). "
        "Whether flow, exhaust and pump were Good in it is V9's and the permits'",
        0, TOLD, see_purge_between, NULL},
    {"V3", "an open precursor closes by its deadline",
        "planned width + 250 ms while its link answers, hard maximum + 250 ms + the watchdog's 1.0 s "
        "whatever the bus does",
        sizeof(struct pulse_plan), TOLD | CHECK_SEES(TURN) | CHECK_SEES(RECORD) | CHECK_SEES(REPLY),
        see_deadline, NULL},
    {"V4", "a precursor opens, and stays open, only in its states and with its permits",
        "permits by the values that came over the wire; 110 ms: the worker bears a turn that is 100 ms old. "
        "Expose blocks "
        "cannot be seen, so 'exposing' concludes nothing while the way out is shut. Open: 250 ms, or the "
        "watchdog's 1.0 s more",
        sizeof(struct by_hand), TOLD | CHECK_SEES(TURN) | CHECK_SEES(REPLY), see_permits, NULL},
    {"V9", "the way out and the carrier are not shut under a precursor or in its purge",
        "not judged in runs of recipes with an expose block, which may; a trip's own values may shut the "
        "carrier",
        sizeof(struct shut_by), TOLD | CHECK_SEES(RECORD) | CHECK_SEES(REPLY) | CHECK_SEES(BEGUN),
        see_way_out, NULL},
    {.id = NULL}};
