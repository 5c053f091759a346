/* How each heater moves, from what was seen of it since its set-point was changed last.
 *
 * A heater on its way up goes about straight while its power is at its limit, and bends as its losses or its controller slow
 * it; on its way down it cools like e^(-t/lag) towards the room. What bends is fitted by T' = a + b T in its integrated form,
 * T - T0 = a t + b (integral of T), which needs no derivative of a noisy value. */
#include "outlook_state.h"

#include "ald/base/time.h" /* TIME_S */
#include "ald/base/unit.h" /* unit_convert */

#include <math.h> /* exp, fabs, sqrt */

/* Samples this far apart make five minutes; a straight line is laid through the last minute. */
static const int64_t past_us = 2 * TIME_S, line_us = 60 * TIME_S;
/* Before it has moved for so long, what is known from before tells more; without that, so long is the least. */
static const int64_t young_us = 60 * TIME_S, least_us = 20 * TIME_S;
/* It bends if a line through the same samples is off by so much more, or else nothing can be told of where it ends. */
static const double bend = 2;
/* A lag beyond so many times what was seen of it is a guess. */
static const double lags_seen = 8;
/* Without power a zone ends at the temperature of a room, until its own bend tells it better. */
static const double room_degc = 22, room_margin_k = 15;
/* What a way up or down must have left to teach how this heater moves. */
static const double teaches = 5;

/* Sums of a fit over the samples from `first` on, times from there, values from the first one's. */
struct fit {
        int count;
        double span_s, mean;       /* mean: of the values */
        double slope, slope_error; /* of the line; error: rms of what is left over */
        bool bends;
        double to, lag_s; /* of the curve, when it bends */
};

static const struct outlook_sample *sample(const struct outlook_heat *h, int i)
{
        return &h->past[(h->next + OUTLOOK_PAST - h->count + i) % OUTLOOK_PAST];
}

static double seconds(int64_t us)
{
        return (double)us / 1e6;
}

/* Three unknowns by Cramer's rule: c + a t + b i = y. False: they are not told apart. */
static bool solve3(const double m[3][4], double *out)
{
        double d = m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) -
                   m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
                   m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);

        if (!(fabs(d) > 1e-12))
                return false;
        for (int k = 0; k < 3; k++) {
                double n[3][3];

                for (int i = 0; i < 3; i++)
                        for (int j = 0; j < 3; j++)
                                n[i][j] = m[i][j == k ? 3 : j];
                out[k] = (n[0][0] * (n[1][1] * n[2][2] - n[1][2] * n[2][1]) -
                             n[0][1] * (n[1][0] * n[2][2] - n[1][2] * n[2][0]) +
                             n[0][2] * (n[1][0] * n[2][1] - n[1][1] * n[2][0])) /
                         d;
        }
        return true;
}

/* Rms of c + a t + b i against what was read. */
static double left_over(const struct outlook_heat *h, int first, const double x[3])
{
        const struct outlook_sample *s0 = sample(h, first), *before = s0;
        double sum = 0, integral = 0, span = seconds(sample(h, h->count - 1)->t_us - s0->t_us);

        for (int i = first; i < h->count; i++) {
                const struct outlook_sample *s = sample(h, i);
                double t = seconds(s->t_us - s0->t_us) / span, y = s->value - s0->value, e;

                integral += (y + before->value - s0->value) / 2 * seconds(s->t_us - before->t_us) / span;
                before = s;
                e = x[0] + x[1] * t + x[2] * integral - y;
                sum += e * e;
        }
        return sqrt(sum / (h->count - first));
}

/* Times are in parts of the span, so that the sums are of one size. */
static void fit_past(const struct outlook_heat *h, int first, struct fit *f)
{
        const struct outlook_sample *s0 = sample(h, first), *before = s0;
        double m[3][4] = {{0}}, line[3] = {0}, curve[3], integral = 0, n = h->count - first, tt, ty;

        *f = (struct fit){
            .count = h->count - first, .span_s = seconds(sample(h, h->count - 1)->t_us - s0->t_us)};
        for (int i = first; i < h->count; i++) {
                const struct outlook_sample *s = sample(h, i);
                double y = s->value - s0->value, r[4] = {1, seconds(s->t_us - s0->t_us) / f->span_s, 0, y};

                integral += (y + before->value - s0->value) / 2 * seconds(s->t_us - before->t_us) / f->span_s;
                before = s;
                r[2] = integral;
                for (int k = 0; k < 3; k++)
                        for (int l = 0; l < 4; l++)
                                m[k][l] += r[k] * r[l];
        }
        tt = m[1][1] - m[0][1] * m[0][1] / n;
        ty = m[1][3] - m[0][1] * m[0][3] / n;
        line[1] = ty / tt;
        line[0] = (m[0][3] - line[1] * m[0][1]) / n;
        f->mean = s0->value + m[0][3] / n;
        f->slope = line[1] / f->span_s;
        f->slope_error = left_over(h, first, line);
        if (!solve3((const double(*)[4])m, curve) || !(curve[2] < 0))
                return;
        f->lag_s = f->span_s / -curve[2];
        f->to = s0->value - curve[1] / curve[2];
        f->bends = bend * left_over(h, first, curve) < f->slope_error && f->lag_s < lags_seen * f->span_s;
}

/* The samples of the last `us`. */
static int first_since(const struct outlook_heat *h, int64_t us)
{
        int first = 0;

        while (first < h->count - 1 && sample(h, first)->t_us < sample(h, h->count - 1)->t_us - us)
                first++;
        return first;
}

static double room(const struct outlook *o, int loop)
{
        return unit_convert(
            room_degc, unit_base(UNIT_DIM_TEMPERATURE), o->tool->tags[o->tool->loops[loop].value].unit);
}

/* A difference in the tag's unit. */
static double difference(const struct outlook *o, int loop, double k)
{
        return k / o->tool->tags[o->tool->loops[loop].value].unit->scale;
}

/* ---- curves ---- */

double outlook_curve_at(const struct outlook_curve *c, double s)
{
        double x = c->lag_s > 0 ? c->to + (c->from - c->to) * exp(-s / c->lag_s) : c->from + c->rate * s;
        bool is_up = c->goal > c->from;

        if (c->slower > 0 && is_up && x > c->from + c->slower * s)
                x = c->from + c->slower * s;
        if (c->slower > 0 && !is_up && x < c->from - c->slower * s)
                x = c->from - c->slower * s;
        if (is_up)
                return x < c->goal ? x : c->goal;
        return x > c->goal ? x : c->goal;
}

struct outlook_curve outlook_curve_to(
    const struct outlook *o, int loop, double from, double goal, double ramp)
{
        const struct outlook_heat *h = &o->heat[loop];
        struct outlook_curve c = {.from = from, .goal = goal, .slower = ramp};

        if (fabs(goal - from) <= o->tool->loops[loop].tolerance) {
                c.is_known = true;
        } else if (goal > from) {
                c.is_known = h->rise > 0;
                c.rate = h->rise;
        } else {
                c.is_known = h->cool_s > 0;
                c.lag_s = h->cool_s;
                c.to = room(o, loop);
        }
        return c;
}

/* ---- what is seen ---- */

static bool is_up(const struct outlook_heat *h, double from)
{
        return h->goal > from;
}

/* On its way up: straight, or as it bends. */
static void look_up(struct outlook *o, int loop, struct outlook_curve *c)
{
        struct outlook_heat *h = &o->heat[loop];
        double far = difference(o, loop, teaches);
        struct fit whole, last;

        fit_past(h, first_since(h, line_us), &last);
        fit_past(h, 0, &whole);
        c->is_known = last.slope > 0;
        c->rate = last.slope;
        if (last.bends && last.to > c->from) {
                c->lag_s = last.lag_s;
                c->to = last.to;
        } else if (whole.bends && whole.to > c->from && whole.slope_error < far) {
                c->lag_s = whole.lag_s;
                c->to = whole.to;
        }
        if (c->slower <= 0 && last.slope > 0 && h->goal - c->from > far &&
            last.span_s >= seconds(young_us) / 2)
                h->rise = last.slope;
}

/* On its way down: towards the room, or where its bend leads. */
static void look_down(struct outlook *o, int loop, struct outlook_curve *c)
{
        struct outlook_heat *h = &o->heat[loop];
        double bottom = room(o, loop), far = difference(o, loop, teaches);
        struct fit f;

        fit_past(h, 0, &f);
        c->is_known = f.slope < 0 && f.mean > bottom;
        if (!c->is_known)
                return;
        c->to = bottom;
        c->lag_s = (f.mean - bottom) / -f.slope;
        if (f.mean - (h->goal > bottom ? h->goal : bottom) > far && c->slower <= 0)
                h->cool_s = c->lag_s;
        if (f.bends && f.to < c->from && f.to > bottom - difference(o, loop, room_margin_k)) {
                c->lag_s = f.lag_s;
                c->to = f.to;
        }
}

static void look(struct outlook *o, int loop, int64_t now_us, const struct output *setpoint)
{
        struct outlook_heat *h = &o->heat[loop];
        double from = sample(h, h->count - 1)->value;
        double ramp = setpoint->is_ramping ? setpoint->ramp_rate : 0;
        struct outlook_curve known = outlook_curve_to(o, loop, from, h->goal, ramp), seen = known;
        int64_t age_us = now_us - h->since_us;

        h->curve = known;
        seen.lag_s = seen.rate = 0;
        if (fabs(h->goal - from) <= o->tool->loops[loop].tolerance || age_us < least_us || h->count < 4 ||
            (known.is_known && age_us < young_us))
                return;
        if (is_up(h, from))
                look_up(o, loop, &seen);
        else
                look_down(o, loop, &seen);
        h->curve = seen;
}

static void note(struct outlook_heat *h, int64_t t_us, double value)
{
        if (h->count > 0 && t_us < sample(h, h->count - 1)->t_us + past_us)
                return;
        h->past[h->next] = (struct outlook_sample){t_us, value};
        h->next = (h->next + 1) % OUTLOOK_PAST;
        h->count += h->count < OUTLOOK_PAST;
}

/* The set-point as it will be. */
static double goal_of(const struct output *setpoint)
{
        return setpoint->is_ramping ? setpoint->ramp_to : setpoint->commanded;
}

static void watch(struct outlook *o, const struct core *core, int loop)
{
        const struct tool_loop *l = &o->tool->loops[loop];
        const struct output *setpoint = &core->outs.out[l->setpoint];
        struct outlook_heat *h = &o->heat[loop];
        double goal = goal_of(setpoint);

        if (!setpoint->has_commanded || !snapshot_is_good(&core->snap, l->value)) {
                h->has_goal = h->curve.is_known = false;
                h->count = 0;
                return;
        }
        if (!h->has_goal || h->goal < goal || h->goal > goal) {
                h->goal = goal;
                h->has_goal = true;
                h->since_us = core->now_us;
                h->count = 0;
        }
        note(h, core->snap.tag[l->value].t_us, core->snap.tag[l->value].value);
        look(o, loop, core->now_us, setpoint);
        h->curve.from = core->snap.tag[l->value].value;
}

void outlook_watch_heat(struct outlook *o, const struct core *core)
{
        for (int i = 0; i < o->tool->loop_count; i++)
                if (o->tool->loops[i].kind == TOOL_LOOP_HEATER)
                        watch(o, core, i);
}

void outlook_init_heat(struct outlook *o)
{
        for (int i = 0; i < o->tool->loop_count; i++) {
                o->heat[i].rise = o->tool->loops[i].ramp_max;
                o->heat[i].cool_s = seconds(o->tool->loops[i].cool_us);
        }
}
