#include "output_state.h"

#include "ald/base/time.h" /* TIME_NEVER, time_add, time_next */

#include <assert.h> /* assert */
#include <math.h>   /* fabs */
#include <string.h> /* memset */

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
        assert(t->is_bit || (value >= t->limit_min && value <= t->limit_max) || output_same(value, t->safe));
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

static struct effect *emit(struct effects *out, enum effect_kind kind)
{
        struct effect *e;

        assert(out->count < EFFECTS_MAX);
        e = &out->item[out->count++];
        e->kind = kind;
        return e;
}

uint32_t output_pulse(struct outputs *o, int tag, int64_t open_us, int64_t close_us, struct effects *out)
{
        struct output *output = &o->out[tag];
        const struct tool_tag *t = &o->tool->tags[tag];
        struct effect *e;

        assert(output->pulse_id == 0 && close_us > open_us);
        assert(t->max_open_us == 0 || close_us - open_us <= t->max_open_us);
        assert(!output_is_excluded(o, tag));
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
        output->has_followed = false;
        return output->pulse_id;
}

/* It is closed for certain since now at the latest: the close that was commanded may have reached it late, or those before it
 * nobody (V2). */
static void confirm_closed(struct output *out, int64_t now_us)
{
        if (!out->is_closed_sure && out->closed_us != INT64_MIN && now_us > out->closed_us)
                out->closed_us = now_us;
        out->is_closed_sure = true;
}

bool output_tells(struct outputs *o, const struct event_wrote *w)
{
        struct output *out = &o->out[w->tag];
        bool is_same = out->is_failure_told && out->told_cause == w->cause && !(out->told_value < w->value) &&
                       !(out->told_value > w->value);

        out->is_failure_told = !w->ok && !w->unasked;
        out->told_value = w->value;
        out->told_cause = w->cause;
        return w->ok || w->unasked || !is_same;
}

void output_wrote(struct outputs *o, const struct event_wrote *w, int64_t now_us)
{
        struct output *out = &o->out[w->tag];

        /* The worker wrote a safe value on its own duty: what was commanded no longer stands. */
        if (w->unasked) {
                out->commanded = w->value;
                out->commanded_us = w->sent_us;
                out->has_followed = false;
                out->is_acked = w->ok;
                if (!output_is_open(w->value)) {
                        out->closed_us = w->ok ? now_us : w->sent_us;
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
        if (!w->ok || output_is_open(w->value))
                return;
        confirm_closed(out, now_us);
}

/* What the schedule planned is what was commanded, and what a recipe's purge is counted from: an edge that went out on time and
 * was answered as edges are counts from its plan. A module that times its pulses closes by itself. */
static int64_t closed_at(const struct output *out, const struct event_pulse *p)
{
        int64_t plan_us = out->pulse_close_us;
        int64_t sent_us = p->close_sent_us != 0 ? p->close_sent_us : plan_us;
        int64_t sure_us = p->close_acked_us != 0 && !p->is_device_timed ? p->close_acked_us : sent_us;

        if (sent_us > plan_us - OUTPUT_ON_TIME_US && sent_us < plan_us + OUTPUT_ON_TIME_US &&
            sure_us < plan_us + OUTPUT_EDGE_US)
                return plan_us;
        return sure_us;
}

void output_pulsed(struct outputs *o, const struct event_pulse *p, int64_t now_us)
{
        struct output *out = &o->out[p->tag];

        if (p->id != out->pulse_id)
                return;
        out->pulse_id = 0;
        out->commanded_us = now_us;
        out->differs_us = TIME_NEVER;
        out->has_followed = false;
        if (p->outcome == PULSE_REVOKED || p->outcome == PULSE_REFUSED || p->outcome == PULSE_LATE) {
                out->is_closed_sure = true;
                out->closed_us = out->before_us; /* it never opened */
                return;
        }
        out->closed_us = closed_at(out, p);
        out->is_closed_sure = p->close_acked_us != 0;
        if (!out->is_closed_sure)
                out->retry_us = now_us;
}

bool output_is_energised_on(const struct outputs *o, int link)
{
        for (int i = 0; i < o->tool->tag_count; i++) {
                const struct tool_tag *t = &o->tool->tags[i];

                if (!t->is_output || o->tool->devices[t->device].link != link)
                        continue;
                if (o->out[i].pulse_id != 0 ||
                    (o->out[i].has_commanded && !output_same(o->out[i].commanded, t->safe)))
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
        if (!out->has_commanded || !output_same(out->wanted, out->commanded))
                return true;
        return snap->now_us >= out->retry_us && !output_is_confirmed(o, snap, tag);
}

static void write_output(struct outputs *o, const struct snapshot *snap, int tag, struct effects *out)
{
        struct output *output = &o->out[tag];
        const struct tool_tag *t = &o->tool->tags[tag];
        bool is_safe = output_same(output->wanted, t->safe);
        bool is_new = !output->has_commanded || !output_same(output->wanted, output->commanded);
        struct effect *e = emit(out, EFFECT_WRITE);

        e->u.write = (struct effect_write){.id = o->next_id++,
            .tag = (int16_t)tag,
            .cause = output->cause,
            .is_safe = is_safe,
            .value = output->wanted};
        if (is_new) {
                if (!output_is_open(output->wanted) && (output->has_commanded || o->was_left_open)) {
                        output->closed_us = snap->now_us;
                        output->is_closed_sure = false;
                }
                output->reads_open = false;
                output->commanded_us = snap->now_us;
                output->differs_us = TIME_NEVER;
                output->has_followed = false;
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

        if (!out->is_closed_sure && out->has_commanded && out->pulse_id == 0 &&
            !output_is_open(out->commanded) && o->tool->tags[tag].is_output &&
            output_reads_back(o, snap, tag))
                confirm_closed(out, snap->tag[tag].t_us);
}

/* While a device's watchdog is proven nothing on it leaves its safe value but the output that the proof lights. */
static bool waits_for_proof(const struct outputs *o, int tag)
{
        const struct tool_tag *t = &o->tool->tags[tag];

        return o->is_proving[t->device] && o->out[tag].cause != CAUSE_PROOF &&
               !output_same(o->out[tag].wanted, t->safe);
}

/* May what is wanted go out now? A close always may. What opens waits until everything that excludes it is surely closed,
 * even where open is its safe value (V1); permits are asked for all that is not safe. Whoever wanted it was told by
 * output_may_open() what stands against it. */
static bool is_allowed(
    const struct outputs *o, const struct interlocks *il, const struct snapshot *snap, int tag)
{
        int which;

        if (!output_is_open(o->out[tag].wanted))
                return true;
        if (output_is_excluded(o, tag) || waits_for_proof(o, tag))
                return false;
        return output_same(o->out[tag].wanted, o->tool->tags[tag].safe) ||
               interlock_permits(il, snap, tag, &which);
}

void output_arbitrate(
    struct outputs *o, const struct interlocks *il, const struct snapshot *snap, struct effects *out)
{
        bool is_any_due = false;

        for (int i = 0; i < o->tool->tag_count; i++) {
                if (!o->tool->tags[i].is_output)
                        continue;
                if (o->out[i].is_ramping)
                        walk_ramp(&o->out[i], snap->now_us);
                settle_closed(o, snap, i);
                is_any_due = is_any_due || is_due(o, snap, i);
        }
        if (!is_any_due)
                return;
        /* Closes leave first, then safe values that open, then whatever moves. */
        for (int i = 0; i < o->tool->tag_count; i++)
                if (is_due(o, snap, i) && !output_is_open(o->out[i].wanted))
                        write_output(o, snap, i, out);
        for (int i = 0; i < o->tool->tag_count; i++)
                if (is_due(o, snap, i) && output_same(o->out[i].wanted, o->tool->tags[i].safe) &&
                    is_allowed(o, il, snap, i))
                        write_output(o, snap, i, out);
        for (int i = 0; i < o->tool->tag_count; i++)
                if (is_due(o, snap, i) && is_allowed(o, il, snap, i))
                        write_output(o, snap, i, out);
}

/* A ramp's next step: see walk_ramp(). */
static int64_t ramp_deadline(const struct output *out, int64_t now_us)
{
        int64_t steps = (now_us - out->ramp_start_us) / OUTPUT_RAMP_US;

        return out->ramp_start_us + (steps + 1) * OUTPUT_RAMP_US;
}

int64_t output_deadline(const struct outputs *o, int64_t now_us)
{
        int64_t next = TIME_NEVER;

        for (int i = 0; i < o->tool->tag_count; i++) {
                const struct output *out = &o->out[i];

                if (!o->tool->tags[i].is_output)
                        continue;
                if (out->is_ramping)
                        next = time_next(next, ramp_deadline(out, now_us), now_us);
                next = time_next(next, out->retry_us, now_us);
                next = time_next(next, time_add(out->differs_us, o->tool->tags[i].follow_us + 1), now_us);
        }
        return next;
}

void output_insist(struct outputs *o, const struct snapshot *snap)
{
        for (int i = 0; i < o->tool->tag_count; i++)
                if (o->tool->tags[i].is_output && !output_is_confirmed(o, snap, i))
                        o->out[i].retry_us = snap->now_us;
}

void output_begin_proof(struct outputs *o, int device)
{
        o->is_proving[device] = true;
}

void output_end_proof(struct outputs *o, int device, int64_t now_us)
{
        o->is_proving[device] = false;
        for (int i = 0; i < o->tool->tag_count; i++) {
                struct output *out = &o->out[i];

                if (!o->tool->tags[i].is_output || o->tool->tags[i].device != device || out->pulse_id != 0)
                        continue;
                out->commanded_us = out->retry_us = now_us;
                out->differs_us = TIME_NEVER;
                out->has_followed = out->is_acked = false;
        }
}

void output_hurry(struct outputs *o, int link, int64_t now_us)
{
        for (int i = 0; i < o->tool->tag_count; i++)
                if (o->tool->tags[i].is_output && o->tool->devices[o->tool->tags[i].device].link == link &&
                    o->out[i].retry_us != TIME_NEVER && o->out[i].retry_us > now_us)
                        o->out[i].retry_us = now_us;
}
