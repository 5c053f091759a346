#include "output_state.h"

#include "ald/base/text.h" /* text_add */
#include "ald/base/time.h" /* TIME_NEVER, time_add */

#include <string.h> /* memset */

bool output_may_be_open(const struct outputs *o, int tag)
{
        const struct output *out = &o->out[tag];

        if (out->pulse_id != 0 || !out->has_commanded || out->reads_open || output_is_open(out->commanded))
                return true;
        return out->closed_us != INT64_MIN && !out->is_closed_sure;
}

int64_t output_purged_since(const struct outputs *o, int tag)
{
        const struct output *out = &o->out[tag];

        return o->purging_us == TIME_NEVER || o->purging_us > out->closed_us ? o->purging_us : out->closed_us;
}

/* An expose closes the exhaust, and so does a vent, whose valve may have to open again after a hold: what of `other` was purged
 * away before that stays away. What an expose doses itself is not purged in it. */
static bool was_purged(
    const struct outputs *o, const struct snapshot *snap, int tag, int other, int64_t purge_us)
{
        const struct output *out = &o->out[other];

        return (snap->is_exposing || o->tool->tags[tag].class == TOOL_CLASS_PLAIN) &&
               out->purged_of_us == out->closed_us && out->purged_us >= purge_us;
}

bool output_is_all_purged(const struct outputs *o)
{
        for (int i = 0; i < o->tool->tag_count; i++) {
                const struct output *out = &o->out[i];

                for (int k = 0; o->tool->tags[i].is_output && k < o->tool->tag_count; k++) {
                        int64_t purge_us = 0;

                        if (k == i || !o->tool->tags[k].is_output || !tool_excludes(o->tool, k, i, &purge_us))
                                continue;
                        if (output_may_be_open(o, i))
                                return false;
                        if (out->closed_us != INT64_MIN && purge_us > 0 &&
                            (out->purged_of_us != out->closed_us || out->purged_us < purge_us))
                                return false;
                }
        }
        return true;
}

static void name_exclusion(const struct outputs *o, const struct snapshot *snap, int tag, int other,
    bool is_open_now, struct interlock_reason *why)
{
        const struct tool_interlock *lock = &o->tool->interlocks[tool_find_exclusion(o->tool, tag, other)];
        int64_t since = output_purged_since(o, other);
        struct text t;

        text_copy(why->interlock, sizeof why->interlock, lock->id);
        text_init(&t, why->condition, sizeof why->condition);
        text_add(&t, "%s excludes %s", o->tool->tags[tag].name, o->tool->tags[other].name);
        if (lock->purge_us > 0) {
                text_add(&t, ", with a purge between of ");
                time_add_duration(&t, lock->purge_us);
        }
        text_init(&t, why->values, sizeof why->values);
        text_add(&t, "%s is %s", o->tool->tags[other].name, is_open_now ? "not surely closed" : "closed, ");
        if (!is_open_now && since == TIME_NEVER) {
                text_add(&t, "flow, exhaust or pump is not Good");
        } else if (!is_open_now) {
                text_add(&t, "purged for ");
                time_add_duration(&t, snap->now_us > since ? snap->now_us - since : 0);
        }
}

/* The exclusions of `tag`: every output that must not be open with it is surely closed, and has been for the purge. */
static bool is_clear(const struct outputs *o, const struct snapshot *snap, int tag, int64_t at_us,
    struct interlock_reason *why)
{
        for (int i = 0; i < o->tool->tag_count; i++) {
                int64_t purge_us = 0, since;
                bool is_open_now;

                if (i == tag || !o->tool->tags[i].is_output || !tool_excludes(o->tool, tag, i, &purge_us))
                        continue;
                is_open_now = output_may_be_open(o, i);
                if (!is_open_now && (o->out[i].closed_us == INT64_MIN || purge_us == 0))
                        continue;
                since = output_purged_since(o, i);
                if (!is_open_now && since != TIME_NEVER && time_add(since, purge_us) <= at_us)
                        continue;
                if (!is_open_now && was_purged(o, snap, tag, i, purge_us))
                        continue;
                name_exclusion(o, snap, tag, i, is_open_now, why);
                return false;
        }
        return true;
}

/* V9: a precursor enters only where it can leave: the exhaust open and carrier flowing, as commanded. An expose, which closes
 * them, has limits of its own. */
static bool has_way_out(
    const struct outputs *o, const struct snapshot *snap, int tag, struct interlock_reason *why)
{
        const struct tool *tool = o->tool;
        int path[] = {tool->exhaust, tool->carrier >= 0 ? tool->loops[tool->carrier].setpoint : TOOL_NONE};

        if (tool->tags[tag].class != TOOL_CLASS_PRECURSOR || snap->is_exposing)
                return true;
        for (size_t i = 0; i < sizeof path / sizeof path[0]; i++) {
                struct text t;

                if (path[i] < 0 ||
                    (output_is_open(o->out[path[i]].wanted) && output_is_open(o->out[path[i]].commanded)))
                        continue;
                text_init(&t, why->condition, sizeof why->condition);
                text_add(&t, "a precursor needs %s open", tool->tags[path[i]].name);
                text_init(&t, why->values, sizeof why->values);
                text_add(&t, "it is commanded ");
                tool_add_value(&t, &tool->tags[path[i]], o->out[path[i]].commanded);
                return false;
        }
        return true;
}

bool output_permits(const struct outputs *o, const struct interlocks *il, const struct snapshot *snap,
    int tag, int64_t at_us, struct interlock_reason *why)
{
        int which;

        memset(why, 0, sizeof *why);
        if (o->out[tag].pulse_id != 0) {
                text_copy(why->condition, sizeof why->condition, "one opening at a time");
                text_copy(why->values, sizeof why->values, "its last pulse has not ended");
                return false;
        }
        if (!interlock_permits(il, snap, tag, &which)) {
                interlock_get_reason(il, snap, which, why);
                return false;
        }
        return has_way_out(o, snap, tag, why) && is_clear(o, snap, tag, at_us, why);
}

static void add_reason(struct text *why, const struct interlock_reason *reason)
{
        text_add(why, "%s%s%s (%s)", reason->interlock, reason->interlock[0] != '\0' ? ": " : "",
            reason->condition, reason->values);
}

bool output_is_clear(
    const struct outputs *o, const struct snapshot *snap, int tag, int64_t at_us, struct text *why)
{
        struct interlock_reason reason;

        memset(&reason, 0, sizeof reason);
        if (is_clear(o, snap, tag, at_us, &reason))
                return true;
        add_reason(why, &reason);
        return false;
}

bool output_may_open(const struct outputs *o, const struct interlocks *il, const struct snapshot *snap,
    int tag, int64_t at_us, struct text *why)
{
        struct interlock_reason reason;

        if (output_permits(o, il, snap, tag, at_us, &reason))
                return true;
        add_reason(why, &reason);
        return false;
}

bool output_is_excluded(const struct outputs *o, int tag)
{
        for (int i = 0; i < o->tool->tag_count; i++)
                if (i != tag && o->tool->tags[i].is_output && tool_excludes(o->tool, tag, i, NULL) &&
                    output_may_be_open(o, i))
                        return true;
        return false;
}
