#include "ald/sim/dose.h"

#include "ald/sim/bed.h" /* bed_speed, BED_STICKING */
#include "ald/sim/gas.h" /* GAS_* */

#include <assert.h> /* assert */
#include <math.h>   /* exp, fabs */

static const double ln_10 = 2.302585092994046;
static const double zero_degc_k = 273.15;

/* How fast a head space fills again once its valve is closed. An assumption: evaporation from a wetted bottle takes
 * seconds. What evaporates while the valve is open is left out, so that a draw is never overestimated. */
static const double refill_tau_s = 2.0;
/* A carrier cannot hold more than this part of vapour: near the boiling point the pick-up formula has a pole. */
static const double vapour_part_max = 0.9;
/* Less than this is no vapour at all. */
static const double least_umol = 1e-9;

static double or_default(double value, double otherwise)
{
        return value > 0 ? value : otherwise;
}

void dose_complete(struct tool_sim_line *line)
{
        line->bottle_litre = or_default(line->bottle_litre, 0.05);
        line->conductance_sccm_torr = or_default(line->conductance_sccm_torr, 20);
        line->molar_mass = or_default(line->molar_mass, 18.015);
        line->pickup = or_default(line->pickup, 1);
        line->tail_s[0] = or_default(line->tail_s[0], 0.65);
        line->tail_s[1] = or_default(line->tail_s[1], 15);
}

double dose_vapour_torr(const struct tool_sim_line *line, double degc)
{
        return exp(ln_10 * (line->vapour_a - line->vapour_b / (line->vapour_c + degc)));
}

void dose_fill(struct dose *dose, const struct tool_sim_line *line, double degc)
{
        dose->head_vapour_torr = dose_vapour_torr(line, degc);
        dose->head_carrier_torr = 0;
}

bool dose_is_at_rest(const struct dose *dose, const struct tool_sim_line *line, double degc)
{
        double p;

        if (dose->gas_umol > 0 || dose->slow_umol > 0)
                return false;
        if (line->delivery != TOOL_DELIVERY_DRAW)
                return true;
        p = dose_vapour_torr(line, degc);
        return fabs(dose->head_vapour_torr - p) <= 1e-6 * p;
}

/* The carrier leaves the bottle with `pickup` of saturation: n_v/n_c = p/(P - p). */
static struct dose_flow deliver_through(const struct tool_sim_line *line, const struct dose_at *at)
{
        double swept = at->carrier_sccm;
        double excess = dose_vapour_torr(line, at->source_degc) - at->chamber_torr;
        double p = line->pickup * dose_vapour_torr(line, at->source_degc);
        double part = at->chamber_torr > 0 ? p / at->chamber_torr : vapour_part_max;

        if (line->bottle_flow_sccm > 0 && swept > line->bottle_flow_sccm)
                swept = line->bottle_flow_sccm;
        if (part > vapour_part_max)
                part = vapour_part_max;
        /* Without a carrier, into a chamber below its own pressure, the vapour comes by itself (static dosing). */
        return (struct dose_flow){
            .vapour_sccm = swept * part / (1 - part) +
                           (swept <= 0 && excess > 0 ? excess * line->conductance_sccm_torr : 0)};
}

/* Torr that a flow of 1 sccm moves the head space by in a second; a warm litre holds fewer moles. */
static double head_torr_per_sccm_s(const struct tool_sim_line *line, double degc)
{
        return GAS_TORR_L_S_PER_SCCM * (zero_degc_k + degc) / zero_degc_k / line->bottle_litre;
}

double dose_draw_rate(const struct tool_sim_line *line, double degc)
{
        return line->conductance_sccm_torr * head_torr_per_sccm_s(line, degc);
}

/* The head space and the chamber even out through the valve: its excess decays exponentially. Gas leaves as the mix
 * that stands in the bottle; what comes back is carrier. */
static struct dose_flow deliver_draw(
    struct dose *dose, const struct tool_sim_line *line, const struct dose_at *at)
{
        double head = dose->head_vapour_torr + dose->head_carrier_torr;
        double torr_per_sccm_s = head_torr_per_sccm_s(line, at->source_degc);
        double excess = head - at->chamber_torr;
        double lost = excess * (1 - exp(-dose_draw_rate(line, at->source_degc) * at->h_s));
        double part, sccm;

        if (at->h_s <= 0)
                return (struct dose_flow){0};
        sccm = lost / torr_per_sccm_s / at->h_s;
        if (lost <= 0) {
                dose->head_carrier_torr -= lost;
                return (struct dose_flow){.other_sccm = sccm};
        }
        part = head > 0 ? dose->head_vapour_torr / head : 0;
        dose->head_vapour_torr -= lost * part;
        dose->head_carrier_torr -= lost * (1 - part);
        return (struct dose_flow){.vapour_sccm = sccm * part, .other_sccm = sccm * (1 - part)};
}

static struct dose_flow deliver_boost(const struct tool_sim_line *line, const struct dose_at *at)
{
        double excess = line->boost_torr - at->chamber_torr;
        double p = dose_vapour_torr(line, at->source_degc) * (line->pickup > 0 ? line->pickup : 1);
        double part = line->boost_torr > p ? p / line->boost_torr : 1;
        double sccm = excess > 0 ? excess * line->conductance_sccm_torr : 0;

        return (struct dose_flow){.vapour_sccm = sccm * part, .other_sccm = sccm * (1 - part)};
}

struct dose_flow dose_deliver(struct dose *dose, const struct tool_sim_line *line, const struct dose_at *at)
{
        assert(at->h_s >= 0 && at->chamber_torr >= 0);
        if (!at->is_open) {
                if (line->delivery == TOOL_DELIVERY_DRAW) {
                        double p = dose_vapour_torr(line, at->source_degc);

                        dose->head_vapour_torr =
                            p + (dose->head_vapour_torr - p) * exp(-at->h_s / refill_tau_s);
                }
                return (struct dose_flow){0};
        }
        switch (line->delivery) {
        case TOOL_DELIVERY_THROUGH:
                return deliver_through(line, at);
        case TOOL_DELIVERY_BOOST:
                return deliver_boost(line, at);
        case TOOL_DELIVERY_DRAW:
                return deliver_draw(dose, line, at);
        }
        return (struct dose_flow){0};
}

/* Content after h_s with inflow `in` a second and loss `rate` times the content; *area its integral. */
static double relax(double content, double in, double rate, double h_s, double *area)
{
        double steady, after;

        /* Nothing leaves to speak of: it fills up (and the quotients below would lose their digits). */
        if (rate * h_s < 1e-9) {
                *area = (content + in * h_s / 2) * h_s;
                return content + in * h_s;
        }
        steady = in / rate;
        after = steady + (content - steady) * exp(-rate * h_s);
        *area = (in * h_s + content - after) / rate;
        if (*area < 0)
                *area = 0;
        return after > 0 ? after : 0;
}

/* Uptake rate (1/s) of a fresh bed from well-mixed gas: S v_th beta / 4 V. */
static double uptake_rate(
    const struct tool_sim_line *line, const struct dose_at *at, const struct dose_bed *bed)
{
        double speed = bed_speed(bed->degc, line->molar_mass);

        return bed->area_m2 * speed * BED_STICKING / (4 * at->chamber_litre * 1e-3);
}

static double tail(double tau_s)
{
        return tau_s > 1e-3 ? tau_s : 1e-3;
}

double dose_spread(struct dose *dose, const struct tool_sim_line *line, const struct dose_at *at,
    const struct dose_bed *bed, double vapour_sccm, double *gas_umol)
{
        double in = vapour_sccm * GAS_UMOL_S_PER_SCCM;
        double slow_part = line->tail_part / (1 + line->tail_part);
        double clear = at->clear_part / tail(line->tail_s[0]);
        double uptake = bed->sites_umol > 0 ? uptake_rate(line, at, bed) : 0;
        double gas_area, slow_area, wanted, taken, slow_taken, came_off;

        assert(vapour_sccm >= 0 && bed->free_part >= 0 && bed->free_part <= 1);
        dose->delivered_umol += in * at->h_s;
        dose->slow_umol =
            relax(dose->slow_umol, in * slow_part, 1 / tail(line->tail_s[1]), at->h_s, &slow_area);
        came_off = slow_area / tail(line->tail_s[1]);
        dose->gas_umol =
            relax(dose->gas_umol, in * (1 - slow_part), clear + uptake * bed->free_part, at->h_s, &gas_area);
        /* Free sites decay with the exposure; what the linear step promised beyond that stays in the gas. */
        wanted = uptake * bed->free_part * gas_area;
        taken = wanted > 0
                    ? bed->sites_umol * bed->free_part * (1 - exp(-uptake * gas_area / bed->sites_umol))
                    : 0;
        dose->gas_umol += wanted - taken;
        /* The slow part passes the bed as a well-mixed flow: 1 / (1 + Da) of it gets through. */
        slow_taken =
            uptake * bed->free_part > 0 ? came_off * (1 - clear / (clear + uptake * bed->free_part)) : 0;
        if (slow_taken > bed->sites_umol * bed->free_part - taken)
                slow_taken = bed->sites_umol * bed->free_part - taken;
        taken += slow_taken;

        dose->adsorbed_umol += taken;
        dose->released_umol += taken * line->released;
        dose->exposure_torr_s +=
            (gas_area + slow_area) / GAS_UMOL_S_PER_SCCM * GAS_TORR_L_S_PER_SCCM / at->chamber_litre;
        if (!at->is_open && dose->gas_umol + dose->slow_umol < least_umol)
                dose->gas_umol = dose->slow_umol = 0;
        *gas_umol = in * (1 - slow_part) * at->h_s + came_off + taken * (line->released - 1);
        return taken;
}
