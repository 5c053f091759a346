#include "ald/sim/bed.h"

#include "ald/sim/gas.h" /* GAS_* */

#include <assert.h> /* assert */
#include <math.h>   /* exp, expm1, log, log1p, sqrt, INFINITY */

static const double zero_degc_k = 273.15;
static const double gas_constant = 8.314462618; /* J/(mol K) */
static const double pascal_per_torr = 133.322368;
static const double pi = 3.14159265358979324;

double bed_speed(double degc, double molar_mass)
{
        return sqrt(8 * gas_constant * (zero_degc_k + degc) / (pi * molar_mass * 1e-3));
}

/* m3/s as it flows in the bed. */
static double flow_m3_s(const struct bed *bed)
{
        double litre_s = bed->flow_sccm * GAS_TORR_L_S_PER_SCCM / bed->chamber_torr;

        return litre_s * 1e-3 * (zero_degc_k + bed->degc) / zero_degc_k;
}

double bed_damkoehler(const struct bed *bed)
{
        if (bed->area_m2 <= 0)
                return 0;
        if (bed->flow_sccm <= 0 || bed->chamber_torr <= 0)
                return INFINITY;
        return bed->area_m2 * bed_speed(bed->degc, bed->molar_mass) * BED_STICKING / (4 * flow_m3_s(bed));
}

double bed_fill_s(const struct bed *bed)
{
        double umol_s;

        if (bed->vapour_torr <= 0 || bed->flow_sccm <= 0 || bed->chamber_torr <= 0)
                return INFINITY;
        umol_s = bed->flow_sccm * GAS_UMOL_S_PER_SCCM * bed->vapour_torr / bed->chamber_torr;
        return bed->area_m2 * bed->sites_umol_m2 / umol_s;
}

double bed_surface_s(const struct bed *bed)
{
        double umol_m3, hits;

        if (bed->vapour_torr <= 0)
                return INFINITY;
        umol_m3 = bed->vapour_torr * pascal_per_torr / (gas_constant * (zero_degc_k + bed->degc)) * 1e6;
        hits = bed_speed(bed->degc, bed->molar_mass) / 4 * umol_m3; /* umol/(m2 s) */
        return bed->sites_umol_m2 / (hits * BED_STICKING);
}

/* tau = coverage - ln(1 - coverage) / da, solved for u = -ln(1 - coverage): g(u) = u + da (1 - e^-u) = da tau. g rises and
 * is concave, so Newton's steps from below never pass the root; both starting points are below it. */
double bed_coverage_mixed(double da, double tau)
{
        double want = da * tau, u, from_end;

        assert(da >= 0 && tau >= 0);
        if (tau <= 0 || da <= 0)
                return 0;
        if (da > 1e15)
                return tau < 1 ? tau : 1;
        u = want / (1 + da);
        from_end = da * (tau - 1);
        if (u < from_end)
                u = from_end;
        if (u > 700) /* 1 to the last bit */
                return 1;
        for (int i = 0; i < 200; i++) {
                double step = (want - u + da * expm1(-u)) / (1 + da * exp(-u));

                u += step;
                if (step <= 1e-14 * u)
                        break;
        }
        return -expm1(-u);
}

/* ln(1 + e^x), without overflow. */
static double log_1_plus_exp(double x)
{
        return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

/* coverage = 1 - ln(1 + (e^da - 1) e^(-da tau)) / da. e^da leaves the range of a double beyond 709, so its logarithm is
 * what is carried along: ln(e^da - 1) = da + ln(1 - e^-da). */
double bed_coverage_plug(double da, double tau)
{
        double coverage;

        assert(da >= 0 && tau >= 0);
        if (tau <= 0 || da <= 0)
                return 0;
        if (da > 1e15)
                return tau < 1 ? tau : 1;
        if (da < 1e-6) /* the logarithms cancel; both models agree here */
                return -expm1(-da * tau);
        coverage = 1 - log_1_plus_exp(da * (1 - tau) + log(-expm1(-da))) / da;
        return coverage > 0 ? coverage : 0;
}

double bed_outlet_mixed(double da, double coverage)
{
        double free_part = 1 - coverage;

        return free_part > 0 ? 1 / (1 + da * free_part) : 1;
}

double bed_outlet_plug(double da, double coverage)
{
        double free_part = 1 - coverage;

        return free_part > 0 ? exp(-da * free_part) : 1;
}

double bed_tau_mixed(double da, double coverage)
{
        assert(da >= 0 && coverage >= 0 && coverage < 1);
        if (coverage <= 0)
                return 0;
        return da > 0 ? coverage - log1p(-coverage) / da : INFINITY;
}

/* tau = (ln(e^da - 1) - ln(e^(da (1 - coverage)) - 1)) / da; the leading terms of both logarithms differ by da coverage. */
double bed_tau_plug(double da, double coverage)
{
        assert(da >= 0 && coverage >= 0 && coverage < 1);
        if (coverage <= 0)
                return 0;
        if (da <= 0)
                return INFINITY;
        if (isinf(da))
                return coverage;
        return coverage + (log(-expm1(-da)) - log(-expm1(-da * (1 - coverage)))) / da;
}
