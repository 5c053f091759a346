/* Q1 to Q4: values, their quality and their times. */
#include "check.h"

#include "ald/base/time.h" /* TIME_MS */

#include <math.h>   /* isfinite */
#include <string.h> /* memset */

/* Monotonic time of what a record tells in wall time. */
static int64_t monotonic(const struct world_note *n, int64_t wall_us)
{
        return n->t_us + (wall_us - n->wall_us);
}

static bool is_sample(const struct world_note *n)
{
        return n->kind == WORLD_RECORD && n->record->kind == RECORD_SAMPLE;
}

/* ---- Q1 ---- */

static void see_quality(struct check_context *c, const struct world_note *n)
{
        const struct record_sample *s;

        if (!is_sample(n))
                return;
        s = &n->record->u.sample;
        if (s->tag < 0 || s->tag >= c->tool->tag_count || s->quality < QUALITY_GOOD ||
            s->quality > QUALITY_BAD)
                check_fail(c, "a sample of tag %d has quality %d", s->tag, s->quality);
        else if (s->quality == QUALITY_GOOD && c->seen->in[s->tag].good_sent_us == SEEN_NEVER)
                check_fail(c, "%s is Good, and no value of it ever came", c->tool->tags[s->tag].name);
}

/* ---- Q2 ---- */

struct order {
        int64_t last_us[TOOL_TAGS_MAX]; /* + 1; 0 = none yet */
};

static void see_order(struct check_context *c, const struct world_note *n)
{
        struct order *m = c->mine;
        int64_t t_us;
        int tag;

        if (n->kind == WORLD_BEGUN)
                memset(m, 0, sizeof *m);
        if (!is_sample(n))
                return;
        tag = n->record->u.sample.tag;
        t_us = monotonic(n, n->record->u.sample.t_us);
        if (m->last_us[tag] != 0 && t_us + 1 <= m->last_us[tag])
                check_fail(c, "%s: a sample of %lld us follows one of %lld us", c->tool->tags[tag].name,
                    (long long)t_us, (long long)(m->last_us[tag] - 1));
        if (t_us > n->t_us)
                check_fail(c, "%s: a sample comes from the future", c->tool->tags[tag].name);
        m->last_us[tag] = t_us + 1;
}

/* ---- Q3 ---- */

enum { PAST_MAX = 8 };

/* What each output held lately, with the time at which it ceased to. */
struct past {
        struct {
                double value;
                int64_t until_us;
        } was[TOOL_TAGS_MAX][PAST_MAX];
        int next[TOOL_TAGS_MAX];
};

static void see_attribution(struct check_context *c, const struct world_note *n)
{
        struct past *m = c->mine;
        const struct seen_output *o = n->tag >= 0 ? &c->seen->out[n->tag] : NULL;

        if (n->kind == WORLD_OUTPUT && n->value != o->value) {
                int at = m->next[n->tag]++ % PAST_MAX;

                m->was[n->tag][at].value = o->value;
                m->was[n->tag][at].until_us = n->t_us;
        }
        if (n->kind != WORLD_SAMPLE || !c->tool->tags[n->tag].is_output || n->value == o->value ||
            o->changed_us == SEEN_NEVER)
                return;
        for (int i = 0; i < PAST_MAX; i++)
                if (m->was[n->tag][i].until_us >= n->sent_us && m->was[n->tag][i].value == n->value)
                        return;
        if (m->next[n->tag] >= PAST_MAX && m->was[n->tag][m->next[n->tag] % PAST_MAX].until_us >= n->sent_us)
                return;
        check_fail(c, "%s is read as %g, and held %g all the time since the request",
            c->tool->tags[n->tag].name, n->value, o->value);
}

/* ---- Q4 ---- */

static void see_implausible(struct check_context *c, const struct world_note *n)
{
        const struct record_sample *s = is_sample(n) ? &n->record->u.sample : NULL;
        const struct tool_tag *t;
        const struct seen_input *in;

        if (s == NULL || s->quality != QUALITY_GOOD)
                return;
        t = &c->tool->tags[s->tag];
        in = &c->seen->in[s->tag];
        if (!isfinite(s->value) || (t->has_valid && (s->value < t->valid_min || s->value > t->valid_max)))
                check_fail(c, "%s is recorded as Good with %g", t->name, s->value);
        if (n->t_us - monotonic(n, s->t_us) > t->stale_us)
                check_fail(c, "%s is recorded as Good and is %lld ms old", t->name,
                    (long long)((n->t_us - monotonic(n, s->t_us)) / TIME_MS));
        if (t->freeze_us > 0 && in->same_us != SEEN_NEVER &&
            monotonic(n, s->t_us) - in->same_us > t->freeze_us)
                check_fail(c, "%s is recorded as Good and frozen for %lld ms", t->name,
                    (long long)((monotonic(n, s->t_us) - in->same_us) / TIME_MS));
}

#define SAMPLES (CHECK_SEES(RECORD) | CHECK_SEES(BEGUN))

const struct check check_samples[] = {
    {"Q1", "no value without quality", "of values that are recorded", 0, SAMPLES, see_quality, NULL},
    {"Q2", "per tag, accepted times increase strictly",
        "of values that are recorded, in one life of the daemon", sizeof(struct order), SAMPLES, see_order,
        NULL},
    {"Q3", "an answer belongs to its request",
        "by outputs: what is read back was held at some time since the request was sent; "
        "not once an output has changed eight times in that",
        sizeof(struct past), CHECK_SEES(OUTPUT) | CHECK_SEES(SAMPLE), see_attribution, NULL},
    {"Q4", "NaN, outside `valid`, stale or frozen is never Good",
        "of values that are recorded; what is decided on them is T5's "
        "and V4's",
        0, SAMPLES, see_implausible, NULL},
    {.id = NULL}};
