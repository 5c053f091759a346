/* V2: a purge purges only with flow, pump and way out. */
#include "check.h"

#include "ald/base/time.h"   /* TIME_S */
#include "ald/core/recipe.h" /* struct recipe */

#include <string.h> /* memcpy */

enum { DRY_MAX = 32 };
struct dry {
        int64_t t_us[DRY_MAX]; /* the last values that say that nothing purges, when they came; 0 = none */
        int count;
        double old_told; /* the carrier's set-point before the last one it was told */
        /* Since then values say that flow, pump and way out are there; SEEN_NEVER: they do not. */
        int64_t purging_us;
        int64_t open_us[TOOL_TAGS_MAX];   /* the last value that says that this output is open came then */
        int64_t purged_us[TOOL_TAGS_MAX]; /* the longest unbroken purge since it closed */
        int64_t before_us[TOOL_TAGS_MAX]; /* ... till this process began */
};
/* What a purge may be seen late for: a value stands for `stale_after` from its own time, and comes a poll after. */
#define DRY_STALE_US INT64_C(100000)
/* So long a flow may take to follow its set-point: what it was told before is what it has to keep meanwhile. */
#define DRY_FOLLOW_US (2 * TIME_S)
/* What the core counts as flow is half of the set-point; what lies near it is left alone. */
static const double dry_part = 0.4, wet_part = 0.5;
/* As for V2 (check_valves.c): the core's credit for an edge on its plan, and the gate's slack. */
#define DRY_SLACK_US INT64_C(15000)
/* What comes so late before an opening is sent cannot keep it back any more: a turn and a revoke take as long as two threads
 * wake; a worker bears a loop that is silent for 100 ms, and its turn (V4). */
#define DRY_KNOWN_US  INT64_C(1000)
#define DRY_SILENT_US INT64_C(110000)

static bool is_dry(const struct check_context *c, const struct world_note *n)
{
        const struct dry *m = c->mine;
        const struct tool *tool = c->tool;
        const struct tool_loop *carrier = tool->carrier >= 0 ? &tool->loops[tool->carrier] : NULL;
        const struct seen_output *o;
        double least;

        if (n->tag == tool->pump_running || n->tag == tool->exhaust)
                return n->value == 0;
        if (carrier == NULL || n->tag != carrier->value)
                return false;
        o = &c->seen->out[carrier->setpoint];
        least = o->told_changed_us > n->t_us - DRY_FOLLOW_US && m->old_told < o->told ? m->old_told : o->told;
        return seen_output_is_well(c->seen, carrier->setpoint, n->t_us - DRY_FOLLOW_US) &&
               n->value < dry_part * least;
}

static bool is_there(const struct check_context *c, int tag, double least, int64_t now_us)
{
        const struct seen_input *in;

        if (tag < 0)
                return true;
        in = &c->seen->in[tag];
        return in->is_valid && now_us - in->got_us < c->tool->tags[tag].stale_us + DRY_STALE_US &&
               in->value > 0 && in->value >= least;
}

/* The values before this one: a carrier that was told to stop has no flow, whatever still trickles. */
static bool is_wet(const struct check_context *c, int64_t now_us)
{
        const struct tool *tool = c->tool;
        const struct tool_loop *carrier = tool->carrier >= 0 ? &tool->loops[tool->carrier] : NULL;
        double told = carrier != NULL ? c->seen->out[carrier->setpoint].told : 0;

        return is_there(c, tool->pump_running, 0, now_us) && is_there(c, tool->exhaust, 0, now_us) &&
               (carrier == NULL || (told > 0 && is_there(c, carrier->value, wet_part * told, now_us)));
}

static void forget_purge(struct dry *m, int tag)
{
        m->purged_us[tag] = m->before_us[tag] = 0;
}

/* What was purged away in the process before stays away: it takes a new opening, ours or another's, to bring it back. Within one
 * process the purge has to last up to the opening. */
static void count_purges(struct check_context *c, const struct world_note *n)
{
        struct dry *m = c->mine;

        if (!is_wet(c, n->t_us))
                m->purging_us = SEEN_NEVER;
        else if (m->purging_us == SEEN_NEVER)
                m->purging_us = n->t_us;
        if (c->tool->tags[n->tag].is_output && n->value != 0 &&
            n->sent_us > c->seen->out[n->tag].close_told_us) {
                m->open_us[n->tag] = n->t_us;
                forget_purge(m, n->tag);
        }
        for (int i = 0; i < c->tool->tag_count; i++) {
                const struct seen_output *o = &c->seen->out[i];
                int64_t since_us = o->close_told_us > m->open_us[i] ? o->close_told_us : m->open_us[i];

                if (m->purging_us == SEEN_NEVER || o->told != 0)
                        continue;
                since_us = since_us > m->purging_us ? since_us : m->purging_us;
                if (n->t_us - since_us > m->purged_us[i])
                        m->purged_us[i] = n->t_us - since_us;
        }
}

static bool has_expose(const struct recipe *r)
{
        for (int i = 0; r != NULL && i < r->op_count; i++)
                if (r->ops[i].kind == RECIPE_EXPOSE)
                        return true;
        return false;
}

/* The last of them that could keep back an opening that was sent then. */
static int64_t last_dry(const struct check_context *c, int64_t sent_us)
{
        const struct dry *m = c->mine;
        int64_t last_us = 0;

        for (int i = 0; i < DRY_MAX; i++) {
                int64_t known_us =
                    m->t_us[i] + (seen_is_awake(c->seen, m->t_us[i]) ? DRY_KNOWN_US : DRY_SILENT_US);

                if (m->t_us[i] > last_us && known_us <= sent_us)
                        last_us = m->t_us[i];
        }
        return last_us;
}

static void judge_opening(struct check_context *c, const struct world_note *n, int tag)
{
        const struct dry *m = c->mine;
        int64_t dry_us = last_dry(c, n->sent_us);

        for (int i = 0; i < c->tool->tag_count; i++) {
                int64_t purge_us = 0;

                if (i == tag || !c->tool->tags[i].is_output || !tool_excludes(c->tool, tag, i, &purge_us) ||
                    c->seen->out[i].close_told_us == SEEN_NEVER || m->before_us[i] >= purge_us - DRY_SLACK_US)
                        continue;
                if (dry_us > c->seen->out[i].close_told_us && n->t_us - dry_us < purge_us - DRY_SLACK_US)
                        check_fail(c,
                            "%s opens %lld ms after flow, pump or exhaust were away, and %s wants a purge of "
                            "%lld",
                            c->tool->tags[tag].name, (long long)((n->t_us - dry_us) / TIME_MS),
                            c->tool->tags[i].name, (long long)(purge_us / TIME_MS));
        }
}

static void see_dry_purge(struct check_context *c, const struct world_note *n)
{
        struct dry *m = c->mine;
        double value;
        int tag;

        if (n->kind == WORLD_BEGUN)
                memcpy(m->before_us, m->purged_us, sizeof m->before_us);
        if (n->kind == WORLD_SAMPLE)
                count_purges(c, n);
        if (n->kind == WORLD_SAMPLE && is_dry(c, n))
                m->t_us[m->count++ % DRY_MAX] = n->t_us;
        if (!seen_told(c->tool, n, &tag, &value))
                return;
        if (c->tool->carrier >= 0 && tag == c->tool->loops[c->tool->carrier].setpoint)
                m->old_told = value != c->seen->out[tag].told ? c->seen->out[tag].told : m->old_told;
        if (value == 0 || c->seen->out[tag].told != 0)
                return;
        forget_purge(m, tag);
        if (!seen_is_dosing(c->tool, tag) || has_expose(c->seen->recipe))
                return;
        judge_opening(c, n, tag);
}

const struct check check_purge[] = {
    {"V2c", "the purge between counts only with flow, pump and way out",
        "by values that say clearly that one of them is away; not in runs of recipes with an expose block, "
        "nor of what was purged whole before the process began. 1 ms from a value to an opening that it "
        "keeps back",
        sizeof(struct dry), CHECK_SEES(REQUEST) | CHECK_SEES(OUTPUT) | CHECK_SEES(SAMPLE) | CHECK_SEES(BEGUN),
        see_dry_purge, NULL},
    {.id = NULL}};
