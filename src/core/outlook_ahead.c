/* Conditions at a time to come: heaters go on as they are seen to, everything else stays as it is. */
#include "outlook_state.h"

#include "ald/base/time.h" /* TIME_S, TIME_H */

#include <math.h> /* fabs */

/* Looked at so far ahead, first so closely, then at times this much further away, then between the last two. */
static const int64_t far_us = 36 * TIME_H, close_us = 2 * TIME_S;
static const double further = 1.15;
enum { HALVES = 12 };

void outlook_begin_ahead(struct outlook *o, const struct core *core)
{
        o->then = core->snap;
        o->then.fresh_us = INT64_MIN;
        o->ahead.t_us = 0;
        for (int i = 0; i < o->tool->loop_count; i++) {
                const struct core_setpoint *sp = &core->setpoint[o->tool->loops[i].setpoint];

                o->ahead.loop[i].curve = o->heat[i].curve;
                o->ahead.loop[i].from_us = 0;
                o->ahead.loop[i].is_set = sp->is_set;
                o->ahead.loop[i].is_standby = sp->is_standby;
        }
}

static double value_at(const struct outlook *o, int loop, int64_t t_us)
{
        return outlook_curve_at(
            &o->ahead.loop[loop].curve, (double)(t_us - o->ahead.loop[loop].from_us) / 1e6);
}

void outlook_set_ahead(struct outlook *o, int loop, double goal, double ramp, bool is_standby)
{
        bool was_known = o->ahead.loop[loop].curve.is_known;
        double from = value_at(o, loop, o->ahead.t_us);

        o->ahead.loop[loop].is_set = true;
        o->ahead.loop[loop].is_standby = is_standby;
        o->ahead.loop[loop].curve = outlook_curve_to(o, loop, from, goal, ramp);
        o->ahead.loop[loop].curve.is_known &= was_known;
        o->ahead.loop[loop].from_us = o->ahead.t_us;
}

/* Flows and motors are taken to follow their set-points: they do so within seconds. */
static enum tri settled_at(const struct outlook *o, int64_t t_us)
{
        enum tri all = TRI_TRUE;

        for (int i = 0; i < o->tool->loop_count; i++) {
                if (o->tool->loops[i].kind != TOOL_LOOP_HEATER || !o->ahead.loop[i].is_set ||
                    o->ahead.loop[i].is_standby)
                        continue;
                if (!o->ahead.loop[i].curve.is_known)
                        return TRI_BAD;
                if (fabs(value_at(o, i, t_us) - o->ahead.loop[i].curve.goal) > o->tool->loops[i].tolerance)
                        all = TRI_FALSE;
        }
        return all;
}

static enum tri look_at(struct outlook *o, const struct cond_pool *pool, int root, int64_t t_us)
{
        for (int i = 0; i < o->tool->loop_count; i++) {
                struct snapshot_tag *st = &o->then.tag[o->tool->loops[i].value];

                if (o->tool->loops[i].kind != TOOL_LOOP_HEATER)
                        continue;
                st->value = value_at(o, i, t_us);
                st->quality = o->ahead.loop[i].curve.is_known ? QUALITY_GOOD : QUALITY_BAD;
        }
        o->then.settled = settled_at(o, t_us);
        return cond_eval(pool, root, &o->then);
}

int64_t outlook_find_true_us(struct outlook *o, const struct cond_pool *pool, int root)
{
        int64_t from_us = o->ahead.t_us, no_us = from_us, yes_us = from_us;
        enum tri is = look_at(o, pool, root, from_us);

        for (int64_t us = close_us; is == TRI_FALSE && us < far_us; us = (int64_t)((double)us * further)) {
                no_us = yes_us;
                yes_us = from_us + us;
                is = look_at(o, pool, root, yes_us);
        }
        if (is != TRI_TRUE)
                return OUTLOOK_UNKNOWN;
        for (int i = 0; i < HALVES && yes_us - no_us > TIME_S / 4; i++) {
                int64_t middle_us = no_us + (yes_us - no_us) / 2;

                if (look_at(o, pool, root, middle_us) == TRI_TRUE)
                        yes_us = middle_us;
                else
                        no_us = middle_us;
        }
        return yes_us - from_us;
}
