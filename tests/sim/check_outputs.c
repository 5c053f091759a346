/* V5 to V7: who moves outputs, what rest looks like, and that outputs are where they were sent. */
#include "check.h"

#include "ald/base/text.h" /* struct text */
#include "ald/base/time.h" /* TIME_MS */

#include <math.h>   /* fabs */
#include <stdio.h>  /* snprintf */
#include <string.h> /* strstr */

/* ---- V5 ---- */

/* Moves away from safe, and the records that explain them. */
struct moves {
        int64_t moved_us[TOOL_TAGS_MAX];     /* the first that no record has explained yet; 0 = none */
        double value[TOOL_TAGS_MAX];         /* of it */
        int64_t explained_us[TOOL_TAGS_MAX]; /* last record of this output */
        char awaited[TOOL_TAGS_MAX]
                    [48]; /* it said of this value that it was not acknowledged; "" = it did not */
        int pending;
};
/* The worker reports once the call has ended, and the loop hears of it in its next turn. A call that was given up is reported
 * before a late request arrives. */
#define EXPLAIN_US INT64_C(2000000)
#define EARLY_US   INT64_C(1000000)

static void explained(struct check_context *c, int tag)
{
        struct moves *m = c->mine;

        m->pending -= m->moved_us[tag] != 0;
        m->moved_us[tag] = 0;
        m->explained_us[tag] = c->seen->now_us + 1;
}

/* A failure that repeats itself is recorded once: its record explains when the value gets through at last, and no other. */
static void await_value(struct check_context *c, int tag, const char *text)
{
        struct moves *m = c->mine;
        const char *end = strstr(text, ": not acknowledged") != NULL ? strstr(text, " (") : NULL;

        snprintf(m->awaited[tag], sizeof m->awaited[tag], "%.*s", end != NULL ? (int)(end - text) : 0, text);
}

static bool is_awaited(struct check_context *c, int tag, double value)
{
        const struct moves *m = c->mine;
        char words[sizeof m->awaited[tag]];
        struct text t;

        text_init(&t, words, sizeof words);
        tool_add_value(&t, &c->tool->tags[tag], value);
        return strcmp(words, m->awaited[tag]) == 0;
}

static void explain(struct check_context *c, const struct world_note *n)
{
        const struct record_event *e = &n->record->u.event;
        int tag;

        if (n->record->kind == RECORD_PULSE_START || n->record->kind == RECORD_PULSE_END)
                explained(c, c->tool->lines[n->record->u.pulse.line].valve);
        if (n->record->kind != RECORD_EVENT)
                return;
        tag = tool_find_tag(c->tool, e->source);
        if (tag < 0 && tool_find_line(c->tool, e->source) >= 0)
                tag = c->tool->lines[tool_find_line(c->tool, e->source)].valve;
        if (tag < 0)
                return;
        if (strcmp(e->kind, "output") == 0 || strcmp(e->kind, "manual") == 0 || strcmp(e->kind, "pulse") == 0)
                explained(c, tag);
        if (strcmp(e->kind, "output") == 0)
                await_value(c, tag, e->text);
        if (strcmp(e->kind, "output") == 0 && strstr(e->text, "none") != NULL)
                check_fail(c, "a write to %s carries no cause: %s", e->source, e->text);
        /* Its value stands first, as people read it; what is safe is read with the tool's own words. */
        if (strcmp(e->kind, "output") == 0 && strstr(e->text, " by its link: ") != NULL) {
                char words[64], safe[64];
                struct text t;

                snprintf(
                    words, sizeof words, "%.*s", (int)(strstr(e->text, " by its link: ") - e->text), e->text);
                text_init(&t, safe, sizeof safe);
                tool_add_value(&t, &c->tool->tags[tag], c->tool->tags[tag].safe);
                if (strcmp(words, safe) != 0)
                        check_fail(
                            c, "the worker of %s wrote %s, which is not its safe value", e->source, words);
        }
}

static void note_move(struct check_context *c, int tag, double value, int64_t t_us)
{
        struct moves *m = c->mine;
        bool is_known = m->explained_us[tag] != 0 && t_us - m->explained_us[tag] <= EARLY_US;

        if (is_known || is_awaited(c, tag, value) || m->moved_us[tag] != 0)
                return;
        m->moved_us[tag] = t_us + 1;
        m->value[tag] = value;
        m->pending++;
}

static void see_cause(struct check_context *c, const struct world_note *n)
{
        struct moves *m = c->mine;
        int tag;
        double value;

        if (n->kind == WORLD_BEGUN || n->kind == WORLD_ENDED)
                memset(m, 0, sizeof *m);
        if (n->kind == WORLD_RECORD)
                explain(c, n);
        if (seen_told(c->tool, n, &tag, &value) && value != c->seen->out[tag].told &&
            !seen_is_safe(c->tool, tag, value) && c->seen->is_alive)
                note_move(c, tag, value, n->t_us);
        for (int i = 0; m->pending > 0 && i < c->tool->tag_count; i++)
                if (m->moved_us[i] != 0 && n->t_us - m->moved_us[i] > EXPLAIN_US &&
                    seen_is_awake(c->seen, m->moved_us[i]))
                        check_fail(
                            c, "%s was told %g, and no record says why", c->tool->tags[i].name, m->value[i]);
}

/* ---- V6 ---- */

struct rest {
        bool was_unconfirmed;          /* a trip of that name was recorded in this turn */
        bool is_forced[TOOL_TAGS_MAX]; /* a latched trip may set it */
        double forced[TOOL_TAGS_MAX];
        int64_t moved_us[TOOL_TAGS_MAX]; /* an operator was allowed to move it */
};

static void note_trip(struct check_context *c, const char *id)
{
        struct rest *r = c->mine;

        if (strcmp(id, "unconfirmed") == 0)
                r->was_unconfirmed = true;
        for (int i = 0; i < c->tool->interlock_count; i++)
                for (int k = 0;
                     strcmp(c->tool->interlocks[i].id, id) == 0 && k < c->tool->interlocks[i].set_count;
                     k++) {
                        r->is_forced[c->tool->interlocks[i].set[k].tag] = true;
                        r->forced[c->tool->interlocks[i].set[k].tag] = c->tool->interlocks[i].set[k].value;
                }
}

static bool equals(const struct tool_tag *t, double a, double b)
{
        return fabs(a - b) <= (t->verify ? t->verify_within : 0) + 1e-6;
}

/* What changed behind our back since it was last read back cannot be known. */
static bool is_known(const struct seen *s, int tag)
{
        return s->in[tag].sent_us != SEEN_NEVER && s->out[tag].alien_us < s->in[tag].sent_us;
}

static bool is_at_rest(struct check_context *c, int tag, enum machine_state state)
{
        const struct rest *r = c->mine;
        const struct tool_tag *t = &c->tool->tags[tag];
        double value = c->seen->out[tag].value;
        bool may_stay = c->seen->is_vented && state != MACHINE_ABORTED &&
                        (tag == c->tool->exhaust || tag == c->tool->vent || tag == c->tool->soft);

        if (!t->is_output || may_stay || !is_known(c->seen, tag) || equals(t, value, t->safe) ||
            (r->is_forced[tag] && equals(t, value, r->forced[tag])))
                return true;
        switch (state) {
        case MACHINE_HELD:
        case MACHINE_SUSPENDED:
                return t->class == TOOL_CLASS_PLAIN;
        case MACHINE_IDLE:
        case MACHINE_STOPPED:
        case MACHINE_COMPLETE:
                return equals(t, value, t->image[TOOL_IMAGE_STANDBY].value);
        case MACHINE_ABORTED:
                return r->was_unconfirmed;
        default:
                return true;
        }
}

static void see_image(struct check_context *c, const struct world_note *n)
{
        struct rest *r = c->mine;
        enum machine_state from, to;

        if (n->kind == WORLD_BEGUN)
                memset(r, 0, sizeof *r);
        if (n->kind == WORLD_TURN)
                r->was_unconfirmed = false;
        if (n->kind == WORLD_REPLY && seen_resets(c->seen, n))
                memset(r->is_forced, 0, sizeof r->is_forced);
        if (seen_event(n, "trip"))
                note_trip(c, n->record->u.event.source);
        if (n->kind != WORLD_RECORD || !seen_transition(n->record, &from, &to))
                return;
        for (int i = 0; i < c->tool->tag_count; i++)
                if (!is_at_rest(c, i, to))
                        check_fail(c, "%s holds %g as %s is entered, which is not its image",
                            c->tool->tags[i].name, c->seen->out[i].value, machine_state_name(to));
}

/* ---- V7 ---- */

struct strays {
        int64_t since_us[TOOL_TAGS_MAX]; /* read back and told have differed since; 0 = they do not */
        int64_t tripped_us;              /* last trip of following, or a state in which all was safe anyway */
};

static bool is_calm(const struct seen *s)
{
        return s->state != MACHINE_ABORTING && s->state != MACHINE_ABORTED && s->state != MACHINE_CLEARING;
}

static void judge_stray(struct check_context *c, const struct world_note *n)
{
        struct strays *m = c->mine;
        const struct tool_tag *t = &c->tool->tags[n->tag];
        const struct seen_output *o = &c->seen->out[n->tag];
        bool differs = t->is_output && t->verify && o->told_us != SEEN_NEVER && isfinite(n->value) &&
                       fabs(n->value - o->told) > t->verify_within + 1e-6;

        /* Only what stands still is judged: a write on its way is compared once it has been taken, and what was asked for before
         * an output fell says nothing of it. */
        if (!differs || o->asked_us > n->sent_us || o->told_us > n->sent_us ||
            (m->since_us[n->tag] != 0 && o->told_us > m->since_us[n->tag])) {
                m->since_us[n->tag] = 0;
                return;
        }
        if (m->since_us[n->tag] == 0)
                m->since_us[n->tag] = n->sent_us;
}

static void see_following(struct check_context *c, const struct world_note *n)
{
        struct strays *m = c->mine;

        if (n->kind == WORLD_BEGUN || !is_calm(c->seen))
                memset(m->since_us, 0, sizeof m->since_us);
        if (seen_event(n, "trip") && strncmp(n->record->u.event.source, "follow-", 7) == 0)
                memset(m->since_us, 0, sizeof m->since_us);
        if (n->kind == WORLD_SAMPLE)
                judge_stray(c, n);
        for (int i = 0; n->kind == WORLD_TURN && i < c->tool->tag_count; i++) {
                int64_t since_us = m->since_us[i],
                        bound_us = c->tool->tags[i].follow_us + 3 * c->tool->tags[i].poll_us;

                if (since_us == 0 || n->t_us - since_us <= bound_us + CHECK_FREE_US ||
                    !seen_is_well(c->seen, c->tool->devices[c->tool->tags[i].device].poll_link, since_us) ||
                    !seen_is_awake(c->seen, since_us) || !seen_lived(c->seen, since_us))
                        continue;
                check_fail(c, "%s was told %g, reads back %g for %lld ms, and nothing tripped",
                    c->tool->tags[i].name, c->seen->out[i].told, c->seen->in[i].value,
                    (long long)((n->t_us - since_us) / TIME_MS));
        }
}

#define TOLD CHECK_SEES(REQUEST)
#define LIFE (CHECK_SEES(BEGUN) | CHECK_SEES(ENDED))

const struct check check_outputs[] = {
    {"V5", "each move of an output has its cause on record, and workers write safe values only",
        "moves away from safe, by records within 2 s (the call's end, then a turn). Which path sent a "
        "request cannot be "
        "seen. Not across the end of a process",
        sizeof(struct moves), TOLD | LIFE | CHECK_SEES(RECORD) | CHECK_SEES(TURN), see_cause, NULL},
    {"V6", "a resting state is entered with every output in its image, or named unconfirmed",
        "what changed behind our back since it was last read back is exempt; safe values and those of "
        "latched trips always fit",
        sizeof(struct rest), CHECK_SEES(BEGUN) | CHECK_SEES(TURN) | CHECK_SEES(REPLY) | CHECK_SEES(RECORD),
        see_image, NULL},
    {"V7", "an output that reads back other than told trips",
        "T_follow, three polls and 250 ms, while reads come and nothing is being written",
        sizeof(struct strays), CHECK_SEES(BEGUN) | CHECK_SEES(RECORD) | CHECK_SEES(SAMPLE) | CHECK_SEES(TURN),
        see_following, NULL},
    {.id = NULL}};
