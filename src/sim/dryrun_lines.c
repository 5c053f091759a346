/* The precursors: what each dose delivered and the bed took, what there was while the valve stood open, and what is left of
 * one line when another opens. Sums come from the physics, so that nothing depends on when one looks. */
#include "dryrun_state.h"

#include "ald/base/unit.h" /* unit_convert, unit_base */
#include "ald/sim/gas.h"   /* GAS_UMOL_S_PER_SCCM */

#include <math.h> /* exp, fabs */

static double loop_value(const struct dryrun *d, int loop)
{
        const struct tool *tool = d->config.tool;
        const struct tool_tag *tag;

        if (loop == TOOL_NONE)
                return 0;
        tag = &tool->tags[tool->loops[loop].value];
        return unit_convert(
            sim_read(virtual_sim(d->v), tool->loops[loop].value), tag->unit, unit_base(tag->unit->dim));
}

void dryrun_lines_begin(struct dryrun *d)
{
        struct sim_gas gas;

        sim_get_gas(virtual_sim(d->v), &gas);
        d->inert_from_scc = gas.inert_scc;
        d->dosing = TOOL_NONE;
}

/* ---- doses ---- */

static void end_dose(struct dryrun *d, int line)
{
        struct dryrun_track *t = &d->track[line];
        struct dryrun_sum *sum = &t->sum[t->dose];
        struct sim_line now;

        if (!t->is_dosing)
                return;
        t->is_dosing = false;
        sim_get_line(virtual_sim(d->v), line, &now);
        sum->doses++;
        sum->delivered_umol += now.delivered_umol - t->dose_from.delivered_umol;
        sum->adsorbed_umol += now.adsorbed_umol - t->dose_from.adsorbed_umol;
        sum->exposure_torr_s += now.exposure_torr_s - t->dose_from.exposure_torr_s;
}

/* The first pulse of a line after another line's, or in another cycle, begins a dose. */
static void begin_dose(struct dryrun *d, int line)
{
        struct dryrun_track *t = &d->track[line];

        if (t->is_dosing && d->dosing == line && t->dose_cycle == d->cycle_n)
                return;
        end_dose(d, line);
        t->is_dosing = true;
        t->dose_cycle = d->cycle_n;
        t->dose = d->is_walls          ? DRYRUN_DOSE_WALLS
                  : d->coat_begun <= 1 ? DRYRUN_DOSE_FIRST
                                       : DRYRUN_DOSE_LATER;
        sim_get_line(virtual_sim(d->v), line, &t->dose_from);
        d->dosing = line;
}

/* ---- what is left of the others ---- */

static void look_at_residue(struct dryrun *d, int other, int line)
{
        const struct tool *tool = d->config.tool;
        struct dryrun_line *out = &d->result.line[other];
        double part, limit = tool->sim.overlap_part;
        struct sim_line now;

        if (!(d->track[other].peak_umol > 0))
                return;
        sim_get_line(virtual_sim(d->v), other, &now);
        part = now.residue_umol / d->track[other].peak_umol;
        if (part >= out->residue_part) {
                out->residue_umol = now.residue_umol;
                out->residue_part = part;
                out->residue_source_line = dryrun_source_line(d);
                out->residue_us = dryrun_time(d);
        }
        if (part > limit && limit > 0)
                dryrun_find(d, DRYRUN_WARNING, "overlap",
                    "%s opens into what is left of %s: %.2g %% of its highest content, limit %.2g %%; purge "
                    "longer",
                    tool->lines[line].name, tool->lines[other].name, part * 100, limit * 100);
}

static void note_peak(struct dryrun *d, int line)
{
        struct sim_line now;

        sim_get_line(virtual_sim(d->v), line, &now);
        if (now.residue_umol > d->track[line].peak_umol)
                d->track[line].peak_umol = now.residue_umol;
}

/* The content that a pulse of this length and mean flow leads to where nothing is adsorbed: what is left is judged against
 * that (PROCESS.md, section 4: parts of the peak), whatever the powder takes out of the peak. */
static double peak_without_powder(const struct tool_sim_line *n, double delivered_umol, double open_s)
{
        double slow_part = n->tail_part / (1 + n->tail_part), part = 0;

        if (!(open_s > 0))
                return 0;
        for (int i = 0; i < 2; i++)
                part += (i == 0 ? 1 - slow_part : slow_part) * n->tail_s[i] / open_s *
                        (1 - exp(-open_s / n->tail_s[i]));
        return delivered_umol * part;
}

/* ---- edges ---- */

static void open_line(struct dryrun *d, int line)
{
        struct dryrun_track *t = &d->track[line];

        for (int i = 0; i < d->config.tool->line_count; i++)
                if (i != line)
                        look_at_residue(d, i, line);
        begin_dose(d, line);
        t->is_open = true;
        t->opened_us = virtual_now(d->v);
        sim_get_line(virtual_sim(d->v), line, &t->open_from);
        sim_get_gas(virtual_sim(d->v), &t->gas_from);
        if (d->result.line[line].pulses++ == 0)
                d->result.line[line].source_line = dryrun_source_line(d);
}

static void close_line(struct dryrun *d, int line)
{
        const struct tool *tool = d->config.tool;
        struct dryrun_track *t = &d->track[line];
        struct dryrun_sum *sum = &t->sum[t->dose];
        int64_t open_us = virtual_now(d->v) - t->opened_us;
        double open_s = (double)open_us * 1e-6, peak_umol;
        struct sim_line now;
        struct sim_gas gas;

        t->is_open = false;
        sim_get_line(virtual_sim(d->v), line, &now);
        sim_get_gas(virtual_sim(d->v), &gas);
        d->result.line[line].open_us += open_us;
        sum->pulses++;
        sum->open_s += open_s;
        sum->torr_s += gas.torr_s - t->gas_from.torr_s;
        sum->in_sccm_s += gas.in_sccm_s - t->gas_from.in_sccm_s;
        sum->vapour_sccm_s += (now.delivered_umol - t->open_from.delivered_umol) / GAS_UMOL_S_PER_SCCM;
        sum->source_torr_s += (now.vapour_torr + t->open_from.vapour_torr) / 2 * open_s;
        sum->source_degc_s +=
            open_s * (tool->lines[line].source == TOOL_NONE ? tool->sim.line[line].bottle_degc
                                                            : loop_value(d, tool->lines[line].source));
        sum->chamber_degc_s += loop_value(d, tool->chamber) * open_s;
        sum->rpm_s += fabs(loop_value(d, tool->bed)) * open_s;
        note_peak(d, line);
        peak_umol = peak_without_powder(
            &tool->sim.line[line], now.delivered_umol - t->open_from.delivered_umol, open_s);
        if (peak_umol > t->peak_umol)
                t->peak_umol = peak_umol;
}

void dryrun_lines_wire(struct dryrun *d, int tag, double value)
{
        int line = tool_find_line_of_valve(d->config.tool, tag);
        bool is_open = value != 0;

        if (line < 0 || d->track[line].is_open == is_open)
                return;
        if (is_open)
                open_line(d, line);
        else
                close_line(d, line);
}

void dryrun_lines_turn(struct dryrun *d)
{
        for (int i = 0; i < d->config.tool->line_count; i++)
                if (d->track[i].is_open)
                        note_peak(d, i);
}

/* ---- the end ---- */

static void tell_line(struct dryrun *d, int line)
{
        const struct dryrun_sum *first = &d->track[line].sum[DRYRUN_DOSE_FIRST];
        const struct dryrun_sum *later = &d->track[line].sum[DRYRUN_DOSE_LATER];
        const struct dryrun_sum *sum = later->doses > 0 ? later : first;
        struct dryrun_line *out = &d->result.line[line];
        double n = (double)sum->doses, s = sum->open_s;
        struct sim_line now;

        sim_get_line(virtual_sim(d->v), line, &now);
        out->delivered_umol = now.delivered_umol;
        out->adsorbed_umol = now.adsorbed_umol;
        out->exposure_torr_s = now.exposure_torr_s;
        out->coat_doses = first->doses + later->doses;
        if (sum->doses == 0 || !(s > 0))
                return;
        out->dose_umol = sum->delivered_umol / n;
        out->dose_adsorbed_umol = sum->adsorbed_umol / n;
        out->dose_exposure_torr_s = sum->exposure_torr_s / n;
        out->dose_open_us = s * 1e6 / n;
        out->dose_pulses = (int)((double)sum->pulses / n + 0.5);
        out->chamber_torr = sum->torr_s / s;
        out->flow_sccm = sum->in_sccm_s / s;
        out->vapour_torr =
            sum->in_sccm_s > 0 ? out->chamber_torr * sum->vapour_sccm_s / sum->in_sccm_s : out->chamber_torr;
        out->source_degc = sum->source_degc_s / s;
        out->source_torr = sum->source_torr_s / s;
        out->chamber_degc = sum->chamber_degc_s / s;
        out->bed_rpm = sum->rpm_s / s;
}

void dryrun_lines_end(struct dryrun *d)
{
        struct sim_gas gas;

        sim_get_gas(virtual_sim(d->v), &gas);
        d->result.carrier_scc = gas.inert_scc - d->inert_from_scc;
        for (int i = 0; i < d->config.tool->line_count; i++) {
                if (d->track[i].is_open)
                        close_line(d, i);
                end_dose(d, i);
                tell_line(d, i);
        }
}
