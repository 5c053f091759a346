/* When the virtual runner looks, and at what. */
#include "ald/base/time.h" /* TIME_NEVER, time_min */

#include "virtual_state.h" /* struct virtual */

#include <math.h> /* fabs */

/* ---- when ---- */

/* Values of a tool that do not fit into one event come in several turns: then none may get stale between two looks. */
void virtual_set_pace(struct virtual *v, int64_t sparse_us)
{
        int64_t most_us = sparse_us;

        for (int i = 0; v->tool->tag_count > EVENT_SAMPLES_MAX && i < v->tool->tag_count; i++)
                most_us = time_min(most_us, v->tool->tags[i].stale_us / 2);
        pace_init(&v->pace, v->now_us, most_us);
}

void virtual_stir(struct virtual *v)
{
        if (v->is_sparse)
                v->sample_next_us = time_min(v->sample_next_us, pace_stir(&v->pace, v->now_us));
}

static void read_tag(struct virtual *v, int tag)
{
        struct sample s = {.tag = (int16_t)tag, .quality = QUALITY_GOOD, .t_us = v->now_us};

        s.value = sim_read(v->sim, tag);
        if (v->watch.tamper == NULL || v->watch.tamper(v->watch.ctx, &s))
                v->event.u.samples.item[v->event.u.samples.count++] = s;
}

static void hand_in(struct virtual *v)
{
        v->event.kind = EVENT_SAMPLES;
        virtual_turn(v, &v->event);
        v->event.u.samples.count = 0;
}

/* Parts by which the pressure changes from one look to the next while it moves fast, and while it moves at all. */
static const double fast_part = 0.02, slow_part = 1e-3;

/* What waits for heat is late by no more than its own slowness; other values are looked at often. */
static enum pace_motion motion(struct virtual *v)
{
        double torr = sim_pressure_torr(v->sim), was = v->seen_torr;
        bool is_moving = fabs(torr - was) > slow_part * was || sim_is_moving(v->sim);
        struct core_place place;

        v->seen_torr = torr;
        if (fabs(torr - was) > fast_part * was)
                return PACE_FAST;
        core_get_place(v->core, &place);
        if (place.waits_for_value && !place.waits_for_heat && is_moving)
                return PACE_FAST;
        return is_moving || place.waits_for_value ? PACE_SLOW : PACE_REST;
}

void virtual_send_samples(struct virtual *v)
{
        v->sampled_us = v->now_us;
        v->sample_next_us = TIME_NEVER;
        if (!v->is_sparse)
                v->sample_next_us = v->now_us + v->sample_every_us;
        for (int tag = 0; tag < v->tool->tag_count; tag++) {
                if (v->event.u.samples.count == EVENT_SAMPLES_MAX)
                        hand_in(v);
                read_tag(v, tag);
        }
        hand_in(v);
        if (v->is_sparse)
                v->sample_next_us = time_min(v->sample_next_us, pace_next(&v->pace, v->now_us, motion(v)));
}

/* ---- windows between the turns ---- */

void virtual_note_windows(struct virtual *v, const struct cond_pool *pool)
{
        for (int i = 0; v->is_sparse && i < pool->count; i++) {
                const struct cond_node *n = &pool->nodes[i];
                int64_t half_us;

                if (n->slot < 0)
                        continue;
                half_us = v->tool->tags[n->a].stale_us / 2;
                v->window_count += !v->is_windowed[n->a];
                v->is_windowed[n->a] = true;
                v->window_us = v->window_us == 0 ? half_us : time_min(v->window_us, half_us);
        }
}

/* Let the physics run; what windows look at is sampled on the way. The next turn comes at t_us. */
void virtual_advance(struct virtual *v, int64_t t_us)
{
        while (v->window_us > 0 && v->now_us + v->window_us < t_us) {
                v->now_us += v->window_us;
                sim_advance(v->sim, v->now_us);
                for (int tag = 0; tag < v->tool->tag_count; tag++) {
                        if (!v->is_windowed[tag])
                                continue;
                        read_tag(v, tag);
                }
                /* As many as go into one event with all the others. */
                if (v->event.u.samples.count + v->window_count + v->tool->tag_count > EVENT_SAMPLES_MAX)
                        virtual_send_samples(v);
        }
        v->now_us = t_us;
        sim_advance(v->sim, t_us);
}
