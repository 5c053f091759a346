/* When the tool may be opened. */
#include "outlook_state.h"
#include "output_state.h" /* output_purged_since */

#include "ald/base/time.h" /* TIME_NEVER, time_add_duration */

#include <math.h> /* round */

/* What was purged so far is told in steps of this: not every listener wants each second. */
static const int64_t told_us = 10 * TIME_S;

/* A further thing that must still happen. */
static void begin(struct text *t)
{
        text_add(t, "%s", t->len > 0 ? "; " : "");
}

static const char *name_of(const struct tool *tool, int tag, int line)
{
        return line >= 0 ? tool->lines[line].name : tool->tags[tag].name;
}

/* How long what came from this output is purged before people open the tool. */
static int64_t purge_of(const struct outlook *o, int tag)
{
        int line = tool_find_line_of_valve(o->tool, tag);
        int64_t need_us = o->tool->opening.purge_us;

        if (line >= 0 && o->tool->lines[line].purge_us_min > need_us)
                need_us = o->tool->lines[line].purge_us_min;
        return need_us;
}

/* " of 5 min", and what is left of it: since_us is since when it purges, TIME_NEVER = it does not. */
static int64_t add_rest(
    const struct core *core, int64_t done_us, int64_t need_us, int64_t since_us, struct text *t)
{
        time_add_duration(t, done_us / told_us * told_us);
        text_add(t, " of ");
        time_add_duration(t, need_us);
        if (since_us != TIME_NEVER)
                return since_us + need_us - core->now_us;
        text_add(t, ", and nothing purges now");
        return OUTLOOK_UNKNOWN;
}

/* One output that doses, and was closed by this process: what is left of its purge. */
static int64_t look_purged(const struct outlook *o, const struct core *core, int tag, struct text *t)
{
        const struct output *out = &core->outs.out[tag];
        int64_t need_us = purge_of(o, tag), done_us;

        if (output_may_be_open(&core->outs, tag)) {
                begin(t);
                text_add(t, "%s to be surely closed", o->tool->tags[tag].name);
                return OUTLOOK_UNKNOWN;
        }
        done_us = out->purged_of_us == out->closed_us ? out->purged_us : 0;
        if (done_us >= need_us)
                return 0;
        begin(t);
        text_add(t, "%s purged for ", name_of(o->tool, tag, tool_find_line_of_valve(o->tool, tag)));
        return add_rest(core, done_us, need_us, output_purged_since(&core->outs, tag), t);
}

/* What was open before this process is not known: the longest unbroken purge since its start stands for all that it did not
 * close itself. */
static int64_t look_before(const struct outlook *o, const struct core *core, int64_t need_us, struct text *t)
{
        if (o->purged_us >= need_us)
                return 0;
        begin(t);
        text_add(t, "purged since the daemon's start for ");
        return add_rest(core, o->purged_us, need_us, core->outs.purging_us, t);
}

static int64_t later(int64_t a_us, int64_t b_us)
{
        if (a_us == OUTLOOK_UNKNOWN || b_us == OUTLOOK_UNKNOWN)
                return OUTLOOK_UNKNOWN;
        return a_us > b_us ? a_us : b_us;
}

static int64_t look_purges(const struct outlook *o, const struct core *core, struct text *t)
{
        int64_t longest_us = 0, before_us = 0;

        for (int i = 0; i < o->tool->tag_count; i++) {
                if (!o->tool->tags[i].is_output || o->tool->tags[i].class == TOOL_CLASS_PLAIN)
                        continue;
                if (core->outs.out[i].closed_us == INT64_MIN && !output_may_be_open(&core->outs, i))
                        before_us = purge_of(o, i) > before_us ? purge_of(o, i) : before_us;
                else
                        longest_us = later(longest_us, look_purged(o, core, i, t));
        }
        return later(longest_us, look_before(o, core, before_us, t));
}

/* Does every comparison with this tag come out in `then` as it does now? */
static bool tells_same(const struct outlook *o, const struct core *core, int tag)
{
        const struct cond_pool *conds = &o->tool->conds;

        for (int i = 0; i < conds->count; i++) {
                const struct cond_node *n = &conds->nodes[i];

                if ((n->op == COND_COMPARE || n->op == COND_WITHIN) && (n->a == tag || n->b == tag) &&
                    cond_eval(conds, i, &o->then) != cond_eval(conds, i, &core->snap))
                        return false;
        }
        return true;
}

/* What the condition still wants, in whole degrees where they tell the same. */
static void add_unmet(struct outlook *o, const struct core *core, struct text *t)
{
        char unmet[sizeof o->now.open_waits];
        struct text u;

        o->then = core->snap;
        for (int i = 0; i < o->tool->loop_count; i++) {
                int tag = o->tool->loops[i].value;

                if (o->tool->loops[i].kind != TOOL_LOOP_HEATER)
                        continue;
                o->then.tag[tag].value = round(core->snap.tag[tag].value);
                if (!tells_same(o, core, tag))
                        o->then.tag[tag].value = core->snap.tag[tag].value;
        }
        text_init(&u, unmet, sizeof unmet);
        cond_add_unmet(&u, &o->tool->conds, o->tool->opening.when.root, &o->then, o->tool);
        if (u.len == 0)
                return;
        begin(t);
        text_add(t, "%s", unmet);
}

/* After the run every heater goes to standby. */
static void let_stand_by(struct outlook *o, const struct core *core)
{
        for (int i = 0; i < o->tool->loop_count; i++) {
                const struct tool_loop *loop = &o->tool->loops[i];
                const struct tool_image_value *image =
                    &o->tool->tags[loop->setpoint].image[TOOL_IMAGE_STANDBY];

                if (loop->kind == TOOL_LOOP_HEATER && core->recipe != NULL && !image->keep)
                        outlook_set_ahead(o, i, image->value, 0, true);
        }
}

/* From the end of the walk until the condition is true but for the vent, which waits for people. */
static int64_t look_cold(struct outlook *o, const struct core *core)
{
        let_stand_by(o, core);
        if (o->tool->atmosphere >= 0)
                o->then.tag[o->tool->atmosphere].value = 1;
        return outlook_find_true_us(o, &o->tool->conds, o->tool->opening.when.root);
}

static int64_t look_when(struct outlook *o, const struct core *core, int64_t heating_us, int64_t purge_us)
{
        int64_t cold_us;

        if (heating_us == OUTLOOK_UNKNOWN || (core->recipe == NULL && purge_us == OUTLOOK_UNKNOWN))
                return OUTLOOK_UNKNOWN;
        /* A run purges its own pulses, and the last of them last. */
        if (core->recipe != NULL)
                purge_us = core->recipe->pulses > 0 ? o->tool->opening.purge_us : 0;
        cold_us = look_cold(o, core);
        if (cold_us == OUTLOOK_UNKNOWN)
                return OUTLOOK_UNKNOWN;
        return o->ahead.t_us + (cold_us > purge_us ? cold_us : purge_us);
}

void outlook_look_open(struct outlook *o, const struct core *core, int64_t heating_us)
{
        int64_t purge_us;
        struct text t;

        if (core->outs.purging_us != TIME_NEVER && core->now_us - core->outs.purging_us > o->purged_us)
                o->purged_us = core->now_us - core->outs.purging_us;
        text_init(&t, o->now.open_waits, sizeof o->now.open_waits);
        o->now.open_us = OUTLOOK_UNKNOWN;
        if (o->tool->opening.when.root < 0) {
                text_add(&t, "the tool file to say when (opening)");
                return;
        }
        purge_us = look_purges(o, core, &t);
        /* The purges of a run are its own affair. */
        if (core->recipe != NULL) {
                text_init(&t, o->now.open_waits, sizeof o->now.open_waits);
                text_add(&t, "run %lld to end", (long long)core->run_id);
        }
        o->now.open_us = look_when(o, core, heating_us, purge_us);
        add_unmet(o, core, &t);
        /* What is left to people, or to nobody, takes no time that could be told. */
        if (t.len > 0 && o->now.open_us == 0)
                o->now.open_us = OUTLOOK_UNKNOWN;
        if (t.len == 0)
                o->now.open_us = 0;
}
