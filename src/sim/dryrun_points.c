/* Points for a plot. Where there are more than fit, groups of neighbours give way to their lowest and highest pressure, so
 * that peaks stay. */
#include "dryrun_state.h"

#include "ald/base/unit.h" /* unit_convert, unit_base */

static uint32_t open_now(const struct dryrun *d)
{
        uint32_t open = 0;

        for (int i = 0; i < d->config.tool->line_count; i++)
                open |= d->track[i].is_open ? UINT32_C(1) << i : 0;
        return open;
}

static void fill(const struct dryrun *d, struct dryrun_point *p, double torr)
{
        const struct tool *tool = d->config.tool;
        const struct sim *sim = virtual_sim(d->v);

        *p = (struct dryrun_point){.t_us = dryrun_time(d), .pressure_torr = torr, .open = open_now(d)};
        for (int i = 0; i < tool->loop_count; i++) {
                const struct tool_tag *tag = &tool->tags[tool->loops[i].value];

                p->loop[i] =
                    unit_convert(sim_read(sim, tool->loops[i].value), tag->unit, unit_base(tag->unit->dim));
        }
}

/* Two neighbouring groups become one: of their four points the lowest and the highest stay. */
static void thin(struct dryrun *d)
{
        int n = 0;

        for (int i = 0; i + 3 < d->result.point_count; i += 4) {
                int low = i, high = i;

                for (int k = i + 1; k < i + 4; k++) {
                        if (d->point[k].pressure_torr < d->point[low].pressure_torr)
                                low = k;
                        if (d->point[k].pressure_torr >= d->point[high].pressure_torr)
                                high = k;
                }
                if (low == high)
                        high = i + 3;
                for (int k = i; k < i + 4; k++)
                        d->point[low].open |= d->point[k].open;
                d->point[n++] = d->point[low < high ? low : high];
                d->point[n++] = d->point[low < high ? high : low];
        }
        d->result.point_count = n;
        d->stride *= 2;
}

static void put_group(struct dryrun *d)
{
        bool is_rising = d->low.t_us <= d->high.t_us;

        if (d->result.point_count + 2 > DRYRUN_POINTS_MAX)
                thin(d);
        d->point[d->result.point_count++] = is_rising ? d->low : d->high;
        if (d->low.t_us != d->high.t_us)
                d->point[d->result.point_count++] = is_rising ? d->high : d->low;
        d->in_group = 0;
}

void dryrun_points_cycle(struct dryrun *d, int64_t from_us)
{
        d->result.cycle_from_us = from_us;
        d->result.cycle_point_count = 0;
        d->is_cycle_kept = true;
}

/* Up to the turn that ends it. */
static void add_to_cycle(struct dryrun *d, double torr)
{
        if (!d->is_cycle_kept)
                return;
        if (d->result.cycle_point_count < DRYRUN_CYCLE_POINTS_MAX)
                fill(d, &d->cycle_point[d->result.cycle_point_count++], torr);
        d->is_cycle_kept = d->coat_begun <= 2 && d->result.cycles < d->coat_begun;
}

void dryrun_points_add(struct dryrun *d)
{
        double torr = sim_pressure_torr(virtual_sim(d->v));

        if (d->in_group == 0) {
                fill(d, &d->low, torr);
                d->high = d->low;
        } else {
                uint32_t open = d->low.open | open_now(d);

                if (torr < d->low.pressure_torr)
                        fill(d, &d->low, torr);
                else if (torr >= d->high.pressure_torr)
                        fill(d, &d->high, torr);
                d->low.open = d->high.open = open;
        }
        add_to_cycle(d, torr);
        if (torr < d->result.pressure_min_torr || d->result.turns == 0)
                d->result.pressure_min_torr = torr;
        if (torr > d->result.pressure_max_torr)
                d->result.pressure_max_torr = torr;
        if (++d->in_group >= d->stride)
                put_group(d);
}

void dryrun_points_end(struct dryrun *d)
{
        if (d->in_group > 0)
                put_group(d);
        d->result.points = d->point;
        d->result.cycle_points = d->cycle_point;
}
