#include "ald/sim/adequacy.h"

#include "ald/base/time.h" /* TIME_S */
#include "ald/sim/bed.h"   /* bed_* */
#include "ald/sim/dose.h"  /* dose_complete, dose_draw_rate */

#include <math.h> /* NAN, INFINITY, isnan, ceil, log1p */

const char *adequacy_limit_name(enum adequacy_limit limit)
{
        static const char *const names[] = {
            [ADEQUACY_DELIVERY] = "delivery", [ADEQUACY_KINETICS] = "kinetics", [ADEQUACY_PURGE] = "purge"};

        return names[limit];
}

static double by(double a, double b)
{
        return b > 0 ? a / b : NAN;
}

static double lesser(double a, double b)
{
        return a < b ? a : b;
}

static double greater(double a, double b)
{
        return a > b ? a : b;
}

/* Every way of delivery is about in proportion to the vapour pressure. */
static void eval_vapour(struct adequacy_line *out, const struct dryrun_line *line, double factor)
{
        factor = greater(factor, 1);
        out->vapour_low_torr = line->source_torr / factor;
        out->vapour_high_torr = line->source_torr * factor;
        out->dose_ratio_low = out->dose_ratio / factor;
        out->dose_ratio_high = out->dose_ratio * factor;
}

static double lesser_coverage(double da, double tau)
{
        return lesser(bed_coverage_mixed(da, tau), bed_coverage_plug(da, tau));
}

static void eval_coverage(struct adequacy_line *out, const struct dryrun_result *r,
    const struct dryrun_line *line, double molar_mass)
{
        struct bed bed = {.area_m2 = r->powder_m2,
            .sites_umol_m2 = r->saturation_umol_m2,
            .flow_sccm = line->flow_sccm,
            .chamber_torr = line->chamber_torr,
            .vapour_torr = line->vapour_torr,
            .degc = line->chamber_degc,
            .molar_mass = molar_mass};
        double tau = out->dose_ratio;

        out->damkoehler = bed_damkoehler(&bed);
        out->coverage_mixed = bed_coverage_mixed(out->damkoehler, tau);
        out->coverage_plug = bed_coverage_plug(out->damkoehler, tau);
        out->coverage_low = lesser_coverage(out->damkoehler, out->dose_ratio_low);
        out->coverage_simulated = lesser(line->dose_adsorbed_umol / out->needed_umol, 1);
        out->outlet_part = bed_outlet_mixed(out->damkoehler, out->coverage_mixed);
        if (lesser(out->coverage_mixed, out->coverage_plug) >= BED_SATURATED)
                out->limited_by = ADEQUACY_PURGE;
        else
                out->limited_by = tau < 1 ? ADEQUACY_DELIVERY : ADEQUACY_KINETICS;
}

/* How long each pulse of a dose must be for `times` as much. What flows at a steady rate: in proportion. A head space gives
 * less and less: 1 - e^-(rate t), and never more than it holds. */
static double pulse_for(const struct tool_sim_line *numbers, const struct dryrun_line *line, double times)
{
        double open_s = line->dose_open_us / (double)line->dose_pulses / (double)TIME_S;
        double rate, part;

        if (numbers->delivery != TOOL_DELIVERY_DRAW)
                return open_s * times;
        rate = dose_draw_rate(numbers, line->source_degc);
        part = -expm1(-rate * open_s) * times;
        return part < 1 ? -log1p(-part) / rate : INFINITY;
}

static void eval_saturation(
    struct adequacy_line *out, const struct dryrun_line *line, const struct tool_sim_line *numbers)
{
        double wanted = greater(
            bed_tau_mixed(out->damkoehler, BED_SATURATED), bed_tau_plug(out->damkoehler, BED_SATURATED));
        double times = out->dose_ratio > 0 ? wanted / out->dose_ratio : INFINITY;

        if (line->dose_pulses <= 0)
                return;
        out->saturating_pulse_s = isinf(times) ? INFINITY : pulse_for(numbers, line, times);
        /* A pulse more for what rounding alone asks would mislead. */
        out->saturating_pulses = isinf(times) ? INFINITY : ceil(line->dose_pulses * times - 1e-9);
}

static void eval_line(
    struct adequacy_line *out, const struct dryrun_result *r, const struct tool *tool, int i)
{
        const struct dryrun_line *line = &r->line[i];
        struct tool_sim_line numbers = tool->sim.line[i];

        dose_complete(&numbers);
        *out = (struct adequacy_line){.needed_umol = NAN,
            .coverage_mixed = NAN,
            .coverage_plug = NAN,
            .coverage_simulated = NAN,
            .coverage_low = NAN,
            .outlet_part = NAN,
            .damkoehler = NAN,
            .saturating_pulse_s = NAN,
            .saturating_pulses = NAN,
            .turns_per_pulse = NAN,
            .residue_umol_m2 = NAN};
        if (r->powder_m2 > 0 && r->saturation_umol_m2 > 0 && line->coat_doses > 0)
                out->needed_umol = r->powder_m2 * r->saturation_umol_m2;
        out->dose_ratio = by(line->dose_umol, out->needed_umol);
        out->umol_per_g = line->coat_doses > 0 ? by(line->dose_umol, r->powder_g) : NAN;
        out->umol_per_m2 = line->coat_doses > 0 ? by(line->dose_umol, r->powder_m2) : NAN;
        eval_vapour(out, line, numbers.vapour_factor);
        if (!isnan(out->needed_umol)) {
                eval_coverage(out, r, line, numbers.molar_mass);
                eval_saturation(out, line, &numbers);
        }
        if (line->dose_pulses > 0 && tool->bed != TOOL_NONE)
                out->turns_per_pulse = fabs(line->bed_rpm) / 60 * line->dose_open_us /
                                       (double)line->dose_pulses / (double)TIME_S;
        if (line->residue_source_line > 0)
                out->residue_umol_m2 = by(line->residue_umol, r->powder_m2);
}

static double film_mg_per_g(double nm, const struct dryrun_result *r)
{
        return nm * ADEQUACY_FILM_G_CM3 * by(r->powder_m2, r->powder_g); /* nm g/cm3 = mg/m2 */
}

static void eval_film(struct adequacy *out, const struct dryrun_result *r, const struct recipe *recipe)
{
        double growth = recipe->growth_nm > 0 ? recipe->growth_nm : NAN;

        out->thickness_nm = out->coating_cycles > 0 ? (double)out->coating_cycles * growth : NAN;
        out->walls_nm = r->wall_cycles > 0 ? (double)r->wall_cycles * growth : NAN;
        out->dose_growth_nm = out->coverage * r->saturation_umol_m2 * ADEQUACY_NM_M2_UMOL;
        out->thickness_from_dose_nm = (double)out->coating_cycles * out->dose_growth_nm;
        out->mass_gain_mg_per_g = film_mg_per_g(out->thickness_nm, r);
        out->mass_gain_from_dose_mg_per_g = film_mg_per_g(out->thickness_from_dose_nm, r);
}

void adequacy_eval(struct adequacy *out, const struct dryrun_result *result, const struct tool *tool,
    const struct recipe *recipe)
{
        double longest_us = 0;

        *out = (struct adequacy){.coating_cycles = result->cycles, .coverage = NAN, .turns_per_pulse = NAN};
        for (int i = 0; i < tool->line_count; i++) {
                const struct dryrun_line *line = &result->line[i];
                double least;

                eval_line(&out->line[i], result, tool, i);
                least = lesser(out->line[i].coverage_mixed, out->line[i].coverage_plug);
                if (!isnan(least) && !(out->coverage <= least))
                        out->coverage = least;
                if (line->dose_pulses > 0 && line->dose_open_us / line->dose_pulses > longest_us) {
                        longest_us = line->dose_open_us / line->dose_pulses;
                        out->turns_per_pulse = out->line[i].turns_per_pulse;
                }
        }
        eval_film(out, result, recipe);
}
