#include "ald/core/output.h"

#include "ald/base/text.h" /* text_add */
#include "ald/base/time.h" /* TIME_NEVER, time_add */

#include <assert.h> /* assert */
#include <math.h>   /* fabs */
#include <string.h> /* memset */

/* What counts as purge flow: at least this part of the carrier's set-point. */
static const double purge_flow_part = 0.5;

static bool same(double a, double b)
{
        return !(a < b) && !(a > b);
}

/* Closed is 0: a valve's coil, a gas line's flow. */
static bool is_open(double value)
{
        return !same(value, 0);
}

void output_init(struct outputs *o, const struct tool *tool)
{
        memset(o, 0, sizeof *o);
        o->tool = tool;
        o->next_id = 1;
        o->purging_us = TIME_NEVER;
        for (int i = 0; i < tool->tag_count; i++) {
                o->out[i].retry_us = o->out[i].differs_us = TIME_NEVER;
                o->out[i].closed_us = o->out[i].purged_of_us = INT64_MIN;
        }
}

void output_want(struct outputs *o, int tag, double value, enum cause cause)
{
        const struct tool_tag *t = &o->tool->tags[tag];

        assert(t->is_output);
        assert(t->is_bit || (value >= t->limit_min && value <= t->limit_max) || same(value, t->safe));
        o->out[tag].wanted = value;
        o->out[tag].cause = (uint8_t)cause;
        o->out[tag].has_wanted = true;
        o->out[tag].is_ramping = false;
}

void output_ramp(struct outputs *o, int tag, double from, double to, double rate, int64_t now_us)
{
        struct output *out = &o->out[tag];
        const struct tool_tag *t = &o->tool->tags[tag];

        assert(rate > 0 && to >= t->limit_min && to <= t->limit_max);
        from = from < t->limit_min ? t->limit_min : from > t->limit_max ? t->limit_max : from;
        output_want(o, tag, from, CAUSE_STEP);
        out->is_ramping = true;
        out->ramp_from = from;
        out->ramp_to = to;
        out->ramp_rate = rate;
        out->ramp_start_us = now_us;
}

void output_freeze_ramps(struct outputs *o)
{
        for (int i = 0; i < o->tool->tag_count; i++)
                o->out[i].is_ramping = false;
}

/* Walk a ramp in steps of OUTPUT_RAMP_US. */
static void walk_ramp(struct output *out, int64_t now_us)
{
        int64_t steps = (now_us - out->ramp_start_us) / OUTPUT_RAMP_US;
        double moved = out->ramp_rate * (double)(steps * OUTPUT_RAMP_US) / (double)TIME_S;
        double way = out->ramp_to - out->ramp_from;

        if (moved >= fabs(way)) {
                out->wanted = out->ramp_to;
                out->is_ramping = false;
        } else {
                out->wanted = out->ramp_from + (way < 0 ? -moved : moved);
        }
}

void output_want_image_of(struct outputs *o, int tag, enum tool_image image, enum cause cause)
{
        const struct tool_tag *t = &o->tool->tags[tag];

        assert(t->is_output && image < TOOL_IMAGE_COUNT);
        if (!t->image[image].keep)
                output_want(o, tag, t->image[image].value, cause);
}

void output_want_image(struct outputs *o, enum tool_image image, enum cause cause)
{
        for (int i = 0; i < o->tool->tag_count; i++)
                if (o->tool->tags[i].is_output)
                        output_want_image_of(o, i, image, cause);
}

bool output_may_be_open(const struct outputs *o, int tag)
{
        const struct output *out = &o->out[tag];

        if (out->pulse_id != 0 || !out->has_commanded || out->reads_open || is_open(out->commanded))
                return true;
        return out->closed_us != INT64_MIN && !out->is_closed_sure;
}

/* Since when the chamber is purged of what `tag` let in; TIME_NEVER = it is not being purged. */
static int64_t purged_since(const struct outputs *o, int tag)
{
        const struct output *out = &o->out[tag];

        return o->purging_us == TIME_NEVER || o->purging_us > out->closed_us ? o->purging_us : out->closed_us;
}

/* In an expose, which shuts flow and exhaust, the purge counts that was whole before. Elsewhere one that breaks begins anew. */
static bool was_purged(const struct output *out, const struct snapshot *snap, int64_t purge_us)
{
        return purge_us == 0 ||
               (snap->is_exposing && out->purged_of_us == out->closed_us && out->purged_us >= purge_us);
}

static void name_exclusion(const struct outputs *o, const struct snapshot *snap, int tag, int other,
    bool is_open_now, struct interlock_reason *why)
{
        const struct tool_interlock *lock = &o->tool->interlocks[tool_find_exclusion(o->tool, tag, other)];
        int64_t since = purged_since(o, other);
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
                if (!is_open_now &&
                    (o->out[i].closed_us == INT64_MIN || was_purged(&o->out[i], snap, purge_us)))
                        continue;
                since = purged_since(o, i);
                if (!is_open_now && since != TIME_NEVER && time_add(since, purge_us) <= at_us)
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

                if (path[i] < 0 || (is_open(o->out[path[i]].wanted) && is_open(o->out[path[i]].commanded)))
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

bool output_may_open(const struct outputs *o, const struct interlocks *il, const struct snapshot *snap,
    int tag, int64_t at_us, struct text *why)
{
        struct interlock_reason reason;

        if (output_permits(o, il, snap, tag, at_us, &reason))
                return true;
        text_add(why, "%s%s%s (%s)", reason.interlock, reason.interlock[0] != '\0' ? ": " : "",
            reason.condition, reason.values);
        return false;
}

static struct effect *emit(struct effects *out, enum effect_kind kind)
{
        struct effect *e;

        assert(out->count < EFFECTS_MAX);
        e = &out->item[out->count++];
        e->kind = kind;
        return e;
}

/* V1 as a run-time check: nothing that excludes `tag` can be open. */
static bool excluded_now(const struct outputs *o, int tag)
{
        for (int i = 0; i < o->tool->tag_count; i++)
                if (i != tag && o->tool->tags[i].is_output && tool_excludes(o->tool, tag, i, NULL) &&
                    output_may_be_open(o, i))
                        return true;
        return false;
}

uint32_t output_pulse(struct outputs *o, int tag, int64_t open_us, int64_t close_us, struct effects *out)
{
        struct output *output = &o->out[tag];
        const struct tool_tag *t = &o->tool->tags[tag];
        struct effect *e;

        assert(output->pulse_id == 0 && close_us > open_us);
        assert(t->max_open_us == 0 || close_us - open_us <= t->max_open_us);
        assert(!excluded_now(o, tag));
        e = emit(out, EFFECT_PULSE);
        e->u.pulse = (struct effect_pulse){
            .id = o->next_id++, .tag = (int16_t)tag, .open_us = open_us, .close_us = close_us};
        output->pulse_id = e->u.pulse.id;
        output->pulse_open_us = open_us;
        output->pulse_close_us = close_us;
        output->is_closed_sure = false;
        output->before_us = output->closed_us;
        output->closed_us = close_us;
        output->differs_us = TIME_NEVER;
        return output->pulse_id;
}

void output_wrote(struct outputs *o, const struct event_wrote *w, int64_t now_us)
{
        struct output *out = &o->out[w->tag];

        /* The worker wrote a safe value on its own duty: what was commanded no longer stands. */
        if (w->unasked) {
                out->commanded = w->value;
                out->commanded_us = w->sent_us;
                out->is_acked = w->ok;
                if (!is_open(w->value)) {
                        out->closed_us = w->sent_us;
                        out->is_closed_sure = w->ok;
                }
                /* And it is not wanted any more: the core does not open again what its link had to close (V3). */
                output_want(o, w->tag, w->value, (enum cause)w->cause);
                return;
        }
        if (w->id != out->write_id)
                return;
        out->is_acked = w->ok;
        out->retry_us = w->ok ? TIME_NEVER : time_add(now_us, OUTPUT_RETRY_US);
        if (w->ok && !is_open(w->value))
                out->is_closed_sure = true;
}

void output_pulsed(struct outputs *o, const struct event_pulse *p, int64_t now_us)
{
        struct output *out = &o->out[p->tag];

        if (p->id != out->pulse_id)
                return;
        out->pulse_id = 0;
        out->commanded_us = now_us;
        out->differs_us = TIME_NEVER;
        if (p->outcome == PULSE_REVOKED || p->outcome == PULSE_REFUSED) {
                out->is_closed_sure = true;
                out->closed_us = out->before_us; /* it never opened */
                return;
        }
        out->closed_us = p->close_sent_us != 0 ? p->close_sent_us : out->pulse_close_us;
        /* What the schedule planned is what was commanded; an edge that went out on time counts from its plan. */
        if (out->closed_us > out->pulse_close_us && out->closed_us - out->pulse_close_us < 5 * TIME_MS)
                out->closed_us = out->pulse_close_us;
        out->is_closed_sure = p->close_acked_us != 0;
        if (!out->is_closed_sure)
                out->retry_us = now_us;
}

static bool is_flowing(const struct outputs *o, const struct snapshot *snap)
{
        const struct tool *tool = o->tool;
        const struct tool_loop *carrier;

        if (tool->carrier < 0)
                return true;
        carrier = &tool->loops[tool->carrier];
        return snapshot_is_good(snap, carrier->value) && snap->tag[carrier->value].value > 0 &&
               snap->tag[carrier->value].value >= purge_flow_part * o->out[carrier->setpoint].commanded;
}

static bool is_on(const struct snapshot *snap, int tag)
{
        return tag < 0 || (snapshot_is_good(snap, tag) && snap->tag[tag].value != 0);
}

static void note_purge(struct outputs *o, const struct snapshot *snap, int tag)
{
        struct output *out = &o->out[tag];
        int64_t since = purged_since(o, tag);

        if (!o->tool->tags[tag].is_output || output_may_be_open(o, tag))
                return;
        if (out->purged_of_us != out->closed_us)
                out->purged_us = 0;
        out->purged_of_us = out->closed_us;
        if (since != TIME_NEVER && snap->now_us - since > out->purged_us)
                out->purged_us = snap->now_us - since;
}

static void watch_purge(struct outputs *o, const struct snapshot *snap)
{
        bool is_purging =
            is_flowing(o, snap) && is_on(snap, o->tool->exhaust) && is_on(snap, o->tool->pump_running);

        if (!is_purging)
                o->purging_us = TIME_NEVER;
        else if (o->purging_us == TIME_NEVER)
                o->purging_us = snap->now_us;
        for (int i = 0; i < o->tool->tag_count; i++)
                note_purge(o, snap, i);
}

void output_observe(struct outputs *o, const struct snapshot *snap)
{
        for (int i = 0; i < o->tool->tag_count; i++) {
                const struct tool_tag *t = &o->tool->tags[i];
                const struct snapshot_tag *st = &snap->tag[i];

                if (!t->is_output || !t->is_bit || !t->verify || st->quality != QUALITY_GOOD)
                        continue;
                if (o->out[i].pulse_id == 0 && st->t_us > o->out[i].commanded_us)
                        o->out[i].reads_open = is_open(st->value);
        }
        watch_purge(o, snap);
}

/* Does the read-back, taken after the command, agree with it? */
static bool reads_back(const struct outputs *o, const struct snapshot *snap, int tag)
{
        const struct tool_tag *t = &o->tool->tags[tag];
        const struct snapshot_tag *st = &snap->tag[tag];

        return st->quality == QUALITY_GOOD && st->t_us > o->out[tag].commanded_us &&
               fabs(st->value - o->out[tag].commanded) <= t->verify_within;
}

bool output_is_confirmed(const struct outputs *o, const struct snapshot *snap, int tag)
{
        const struct output *out = &o->out[tag];

        if (!out->has_wanted || !out->has_commanded || out->pulse_id != 0 ||
            !same(out->wanted, out->commanded))
                return false;
        return o->tool->tags[tag].verify ? reads_back(o, snap, tag) : out->is_acked;
}

int output_count_unconfirmed(const struct outputs *o, const struct snapshot *snap, struct text *names)
{
        int n = 0;

        for (int i = 0; i < o->tool->tag_count; i++) {
                if (!o->tool->tags[i].is_output || output_is_confirmed(o, snap, i))
                        continue;
                if (names != NULL)
                        text_add(names, "%s%s", n > 0 ? ", " : "", o->tool->tags[i].name);
                n++;
        }
        return n;
}

bool output_is_energised_on(const struct outputs *o, int link)
{
        for (int i = 0; i < o->tool->tag_count; i++) {
                const struct tool_tag *t = &o->tool->tags[i];

                if (!t->is_output || o->tool->devices[t->device].link != link)
                        continue;
                if (o->out[i].pulse_id != 0 ||
                    (o->out[i].has_commanded && !same(o->out[i].commanded, t->safe)))
                        return true;
        }
        return false;
}

static bool is_due(const struct outputs *o, const struct snapshot *snap, int tag)
{
        const struct output *out = &o->out[tag];

        /* A live pulse is its link's duty until it is reported; only a revoke interferes. */
        if (!o->tool->tags[tag].is_output || !out->has_wanted || out->pulse_id != 0)
                return false;
        if (!out->has_commanded || !same(out->wanted, out->commanded))
                return true;
        return snap->now_us >= out->retry_us && !output_is_confirmed(o, snap, tag);
}

static void write_output(struct outputs *o, const struct snapshot *snap, int tag, struct effects *out)
{
        struct output *output = &o->out[tag];
        const struct tool_tag *t = &o->tool->tags[tag];
        bool is_safe = same(output->wanted, t->safe);
        bool is_new = !output->has_commanded || !same(output->wanted, output->commanded);
        struct effect *e = emit(out, EFFECT_WRITE);

        e->u.write = (struct effect_write){.id = o->next_id++,
            .tag = (int16_t)tag,
            .cause = output->cause,
            .is_safe = is_safe,
            .value = output->wanted};
        if (is_new) {
                if (!is_open(output->wanted) && output->has_commanded) {
                        output->closed_us = snap->now_us;
                        output->is_closed_sure = false;
                }
                output->reads_open = false;
                output->commanded_us = snap->now_us;
                output->differs_us = TIME_NEVER;
        }
        output->write_id = e->u.write.id;
        output->commanded = output->wanted;
        output->has_commanded = true;
        output->is_acked = false;
        output->retry_us = TIME_NEVER;
}

/* A close that was not acknowledged is sure once it is read back. */
static void settle_closed(struct outputs *o, const struct snapshot *snap, int tag)
{
        struct output *out = &o->out[tag];

        if (!out->is_closed_sure && out->has_commanded && out->pulse_id == 0 && !is_open(out->commanded) &&
            o->tool->tags[tag].is_output && reads_back(o, snap, tag))
                out->is_closed_sure = true;
}

/* May what is wanted go out now? A close always may. What opens waits until everything that excludes it is surely closed,
 * even where open is its safe value (V1); permits are asked for all that is not safe. Whoever wanted it was told by
 * output_may_open() what stands against it. */
static bool is_allowed(
    const struct outputs *o, const struct interlocks *il, const struct snapshot *snap, int tag)
{
        int which;

        if (!is_open(o->out[tag].wanted))
                return true;
        if (excluded_now(o, tag))
                return false;
        return same(o->out[tag].wanted, o->tool->tags[tag].safe) || interlock_permits(il, snap, tag, &which);
}

void output_arbitrate(
    struct outputs *o, const struct interlocks *il, const struct snapshot *snap, struct effects *out)
{
        for (int i = 0; i < o->tool->tag_count; i++) {
                if (o->out[i].is_ramping)
                        walk_ramp(&o->out[i], snap->now_us);
                settle_closed(o, snap, i);
        }
        /* Closes leave first, then safe values that open, then whatever moves. */
        for (int i = 0; i < o->tool->tag_count; i++)
                if (is_due(o, snap, i) && !is_open(o->out[i].wanted))
                        write_output(o, snap, i, out);
        for (int i = 0; i < o->tool->tag_count; i++)
                if (is_due(o, snap, i) && same(o->out[i].wanted, o->tool->tags[i].safe) &&
                    is_allowed(o, il, snap, i))
                        write_output(o, snap, i, out);
        for (int i = 0; i < o->tool->tag_count; i++)
                if (is_due(o, snap, i) && is_allowed(o, il, snap, i))
                        write_output(o, snap, i, out);
}

void output_insist(struct outputs *o, const struct snapshot *snap)
{
        for (int i = 0; i < o->tool->tag_count; i++)
                if (o->tool->tags[i].is_output && !output_is_confirmed(o, snap, i))
                        o->out[i].retry_us = snap->now_us;
}

/* What an output was commanded to be when its read-back was asked for; false when that cannot be told. */
static bool commanded_at(const struct outputs *o, int tag, int64_t t_us, double *value)
{
        const struct output *out = &o->out[tag];

        *value = out->commanded;
        if (out->pulse_id == 0)
                return t_us > out->commanded_us;
        *value = 1 - o->tool->tags[tag].safe;
        return t_us > out->pulse_open_us + OUTPUT_EDGE_US && t_us < out->pulse_close_us - OUTPUT_EDGE_US;
}

int output_find_strayed(struct outputs *o, const struct snapshot *snap, double *expected)
{
        for (int i = 0; i < o->tool->tag_count; i++) {
                const struct tool_tag *t = &o->tool->tags[i];
                const struct snapshot_tag *st = &snap->tag[i];
                struct output *out = &o->out[i];

                if (!t->is_output || !t->verify || !out->has_commanded || st->quality != QUALITY_GOOD)
                        continue;
                if (!commanded_at(o, i, st->t_us, expected))
                        continue;
                if (fabs(st->value - *expected) <= t->verify_within) {
                        out->differs_us = TIME_NEVER;
                        continue;
                }
                if (out->differs_us == TIME_NEVER)
                        out->differs_us = st->t_us;
                if (st->t_us - out->differs_us <= t->follow_us)
                        continue;
                out->differs_us = TIME_NEVER;
                if (out->pulse_id == 0)
                        out->retry_us = snap->now_us;
                return i;
        }
        return -1;
}
