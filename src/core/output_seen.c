/* What comes back from the outputs: is the chamber purged, did they go where they were sent. */
#include "output_state.h"

#include "ald/base/text.h" /* text_add */
#include "ald/base/time.h" /* TIME_NEVER */

#include <math.h> /* fabs */

/* What counts as purge flow: at least this part of the carrier's set-point. Told to stop it has none, whatever trickles or its
 * noise reads. */
static const double purge_flow_part = 0.5;

static bool is_flowing(const struct outputs *o, const struct snapshot *snap)
{
        const struct tool *tool = o->tool;
        const struct tool_loop *carrier;

        if (tool->carrier < 0)
                return true;
        carrier = &tool->loops[tool->carrier];
        return snapshot_is_good(snap, carrier->value) &&
               output_is_open(o->out[carrier->setpoint].commanded) && snap->tag[carrier->value].value > 0 &&
               snap->tag[carrier->value].value >= purge_flow_part * o->out[carrier->setpoint].commanded;
}

static bool is_on(const struct snapshot *snap, int tag)
{
        return tag < 0 || (snapshot_is_good(snap, tag) && snap->tag[tag].value != 0);
}

static void count_purge(struct outputs *o, int tag, int64_t now_us)
{
        struct output *out = &o->out[tag];
        int64_t since = output_purged_since(o, tag);

        if (out->closed_us == INT64_MIN || output_may_be_open(o, tag))
                return;
        if (out->purged_of_us != out->closed_us)
                out->purged_us = 0;
        out->purged_of_us = out->closed_us;
        if (now_us - since > out->purged_us)
                out->purged_us = now_us - since;
}

static void watch_purge(struct outputs *o, const struct snapshot *snap)
{
        bool is_purging =
            is_flowing(o, snap) && is_on(snap, o->tool->exhaust) && is_on(snap, o->tool->pump_running);

        if (!is_purging)
                o->purging_us = TIME_NEVER;
        else if (o->purging_us == TIME_NEVER)
                o->purging_us = snap->now_us;
        for (int i = 0; is_purging && i < o->tool->tag_count; i++)
                if (o->tool->tags[i].is_output)
                        count_purge(o, i, snap->now_us);
}

void output_observe(struct outputs *o, const struct snapshot *snap)
{
        for (int i = 0; i < o->tool->tag_count; i++) {
                const struct tool_tag *t = &o->tool->tags[i];
                const struct snapshot_tag *st = &snap->tag[i];

                if (!t->is_output || !t->is_bit || !t->verify || st->quality != QUALITY_GOOD)
                        continue;
                if (o->out[i].pulse_id != 0 || st->t_us <= o->out[i].commanded_us)
                        continue;
                o->out[i].reads_open = output_is_open(st->value);
                /* Whoever opened it: what it let in is purged like any other dose (V2). */
                if (o->out[i].reads_open && o->out[i].has_followed && !output_is_open(o->out[i].commanded))
                        o->out[i].closed_us = st->t_us;
        }
        watch_purge(o, snap);
}

bool output_reads_back(const struct outputs *o, const struct snapshot *snap, int tag)
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
            !output_same(out->wanted, out->commanded))
                return false;
        return o->tool->tags[tag].verify ? output_reads_back(o, snap, tag) : out->is_acked;
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

/* A precursor that was closed, and read back closed, was opened by somebody else: a second master, or a request that came much
 * too late. T_follow is for what has just been told. */
static bool opened_unasked(const struct tool_tag *t, const struct output *out)
{
        return t->class != TOOL_CLASS_PLAIN && out->pulse_id == 0 && out->has_followed &&
               output_same(out->commanded, t->safe);
}

int output_find_strayed(struct outputs *o, const struct snapshot *snap, double *expected)
{
        for (int i = 0; i < o->tool->tag_count; i++) {
                const struct tool_tag *t = &o->tool->tags[i];
                const struct snapshot_tag *st = &snap->tag[i];
                struct output *out = &o->out[i];

                if (!t->is_output || !t->verify || !out->has_commanded || st->quality != QUALITY_GOOD ||
                    o->is_proving[t->device])
                        continue;
                if (!commanded_at(o, i, st->t_us, expected))
                        continue;
                if (fabs(st->value - *expected) <= t->verify_within) {
                        out->differs_us = TIME_NEVER;
                        out->has_followed = true;
                        continue;
                }
                if (out->differs_us == TIME_NEVER)
                        out->differs_us = st->t_us;
                if (st->t_us - out->differs_us <= t->follow_us && !opened_unasked(t, out))
                        continue;
                out->differs_us = TIME_NEVER;
                if (out->pulse_id == 0) {
                        out->retry_us = snap->now_us;
                        out->commanded_us = snap->now_us; /* only a later look tells what came of it (C3) */
                }
                return i;
        }
        return -1;
}
