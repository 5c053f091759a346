/* When the tool may be opened. */
#include "outlook_state.h"
#include "output_state.h" /* output_purged_since */

#include "ald/base/time.h" /* TIME_NEVER, time_add_duration */

/* A further thing that must still happen. */
static void begin(struct text *t)
{
        text_add(t, "%s", t->len > 0 ? "; " : "");
}

static const char *name_of(const struct tool *tool, int tag, int line)
{
        return line >= 0 ? tool->lines[line].name : tool->tags[tag].name;
}

/* One output that doses: what is left of its purge. */
static int64_t look_purged(const struct outlook *o, const struct core *core, int tag, struct text *t)
{
        const struct output *out = &core->outs.out[tag];
        int line = tool_find_line_of_valve(o->tool, tag);
        int64_t need_us = o->tool->opening.purge_us, done_us, since_us;

        if (line >= 0 && o->tool->lines[line].purge_us_min > need_us)
                need_us = o->tool->lines[line].purge_us_min;
        if (output_may_be_open(&core->outs, tag)) {
                begin(t);
                text_add(t, "%s to be surely closed", o->tool->tags[tag].name);
                return OUTLOOK_UNKNOWN;
        }
        done_us = out->purged_of_us == out->closed_us ? out->purged_us : 0;
        if (out->closed_us == INT64_MIN || done_us >= need_us)
                return 0;
        begin(t);
        since_us = output_purged_since(&core->outs, tag);
        text_add(t, "%s purged for ", name_of(o->tool, tag, line));
        time_add_duration(t, done_us / TIME_S * TIME_S);
        text_add(t, " of ");
        time_add_duration(t, need_us);
        if (since_us == TIME_NEVER) {
                text_add(t, ", and nothing purges now");
                return OUTLOOK_UNKNOWN;
        }
        return since_us + need_us - core->now_us;
}

int64_t outlook_purge_us(const struct outlook *o, const struct core *core, struct text *waits)
{
        int64_t longest_us = 0;

        for (int i = 0; i < o->tool->tag_count; i++) {
                int64_t left_us;

                if (!o->tool->tags[i].is_output || o->tool->tags[i].class == TOOL_CLASS_PLAIN)
                        continue;
                left_us = look_purged(o, core, i, waits);
                if (left_us == OUTLOOK_UNKNOWN || longest_us == OUTLOOK_UNKNOWN)
                        longest_us = OUTLOOK_UNKNOWN;
                else if (left_us > longest_us)
                        longest_us = left_us;
        }
        return longest_us;
}

void outlook_look_open(struct outlook *o, const struct core *core)
{
        const struct tool *tool = o->tool;
        char unmet[sizeof o->now.open_waits];
        struct text t, u;

        text_init(&t, o->now.open_waits, sizeof o->now.open_waits);
        o->now.open_us = OUTLOOK_UNKNOWN;
        if (tool->opening.when.root < 0) {
                text_add(&t, "the tool file does not say when (opening)");
                return;
        }
        if (core->recipe != NULL)
                text_add(&t, "run %lld to end", (long long)core->run_id);
        (void)outlook_purge_us(o, core, &t);
        text_init(&u, unmet, sizeof unmet);
        cond_add_unmet(&u, &tool->conds, tool->opening.when.root, &core->snap, tool);
        if (u.len > 0) {
                begin(&t);
                text_add(&t, "%s", unmet);
        }
        if (t.len == 0)
                o->now.open_us = 0;
}
