/* The bed models against closed forms, against their own equations integrated step by step, and against PROCESS.md. */
#include "suite.h"

#include "ald/sim/bed.h" /* bed_* */
#include "ald/sim/gas.h" /* GAS_UMOL_S_PER_SCCM */

#include <check.h> /* START_TEST */
#include <math.h>  /* exp, log, fabs, INFINITY */

/* 1 m2 under 28 mTorr of niobium ethoxide in 70 sccm at 2.3 Torr and 175 degC; 0.5 A a cycle. */
static const struct bed reference = {.area_m2 = 1,
    .sites_umol_m2 = 1.73,
    .flow_sccm = 70,
    .chamber_torr = 2.3,
    .vapour_torr = 0.028,
    .degc = 175,
    .molar_mass = 318.21};

/* sccm at 1 bar and 300 K, as PROCESS.md's figures count them: so much more flow in ours. */
static const double flow_over_process = (760.0 / 750.06) * (300.0 / 273.15);

static void near(double got, double want, double part)
{
        ck_assert_msg(fabs(got - want) <= part * fabs(want), "%.9g is not %.9g", got, want);
}

START_TEST(test_figures_of_the_process)
{
        struct bed bed = reference;

        near(bed_speed(175, 318.21), 173, 0.005);
        near(bed_speed(175, 18.015), 726, 0.005);
        near(bed_damkoehler(&bed) * flow_over_process, 76, 0.01);
        near(bed_fill_s(&bed) * flow_over_process * bed_tau_mixed(INFINITY, BED_SATURATED), 2.9, 0.1);
        bed.chamber_torr = 0.87;
        near(bed_damkoehler(&bed) * flow_over_process, 29, 0.01);
        bed.area_m2 = 100;
        bed.chamber_torr = 2.3;
        ck_assert_double_gt(bed_damkoehler(&bed), 2000);
        /* t_k = 2.4-13 ms for beta 1e-2 from 0.3 A (0.63 Nb/nm2) to 1.67 A a cycle (3.5): ours has 1e-3. */
        bed.sites_umol_m2 = 1.04;
        near(bed_surface_s(&bed), 24e-3, 0.03);
        bed.sites_umol_m2 = 5.8;
        near(bed_surface_s(&bed), 0.13, 0.04);
        /* 0.86 sccm, 0.64 umol in 1 s, is what a gram of 0.6 m2/g takes: it is full after 1 s. */
        bed.sites_umol_m2 = 1.04;
        bed.area_m2 = 0.64 / 1.04;
        near(bed_fill_s(&bed), 1, 0.02);
}
END_TEST

START_TEST(test_closed_forms)
{
        /* Da >> 1: everything is taken until the bed is full. */
        for (double tau = 0; tau <= 3; tau += 0.25) {
                ck_assert_double_eq(bed_coverage_mixed(INFINITY, tau), tau < 1 ? tau : 1);
                ck_assert_double_eq(bed_coverage_plug(INFINITY, tau), tau < 1 ? tau : 1);
                near(bed_coverage_plug(1e6, tau), tau < 1 ? tau : 1, 1e-5);
                if (fabs(tau - 1) > 0.1)
                        near(bed_coverage_mixed(1e6, tau), tau < 1 ? tau : 1, 1e-4);
        }
        /* Da -> 0: all powder sees the entering gas, 1 - e^-(Da tau). */
        for (double x = 0.01; x < 20; x *= 3) {
                near(bed_coverage_mixed(1e-9, x * 1e9), -expm1(-x), 1e-6);
                near(bed_coverage_plug(1e-9, x * 1e9), -expm1(-x), 1e-6);
                near(bed_coverage_plug(0.9e-6, x / 0.9e-6), bed_coverage_plug(1.1e-6, x / 1.1e-6), 1e-6);
        }
        /* The textbook's plug flow where its numbers still fit a double. */
        near(bed_coverage_plug(20, 0.9), 1 - log(1 + (exp(20.0) - 1) * exp(-20 * 0.9)) / 20, 1e-12);
        near(bed_coverage_plug(3, 0.2), 1 - log(1 + (exp(3.0) - 1) * exp(-3 * 0.2)) / 3, 1e-12);
        /* What came in is on the powder or left: the mixed bed at any moment. */
        near(bed_outlet_mixed(50, 0.5), 1.0 / 26, 1e-12);
        near(bed_outlet_plug(4, 0.5), exp(-2.0), 1e-12);
        ck_assert_double_eq(bed_outlet_mixed(50, 1), 1);
        ck_assert_double_eq(bed_outlet_plug(INFINITY, 1), 1);
        ck_assert_double_eq(bed_outlet_plug(INFINITY, 0.5), 0);
}
END_TEST

/* d theta / d tau = 1 - outlet, since what does not leave is on the powder; small steps of the middle point. */
static double integrate(double da, double tau, double (*outlet)(double da, double coverage))
{
        enum { STEPS = 200000 };
        double coverage = 0, h = tau / STEPS;

        for (int i = 0; i < STEPS; i++) {
                double middle = coverage + h / 2 * (1 - outlet(da, coverage));

                coverage += h * (1 - outlet(da, middle < 1 ? middle : 1));
        }
        return coverage;
}

START_TEST(test_integrated)
{
        static const double das[] = {0.01, 0.5, 3, 29, 76, 900};
        static const double taus[] = {0.05, 0.5, 0.95, 1.05, 2};

        for (size_t i = 0; i < sizeof das / sizeof das[0]; i++)
                for (size_t j = 0; j < sizeof taus / sizeof taus[0]; j++) {
                        near(bed_coverage_mixed(das[i], taus[j]),
                            integrate(das[i], taus[j], bed_outlet_mixed), 1e-5);
                        near(bed_coverage_plug(das[i], taus[j]), integrate(das[i], taus[j], bed_outlet_plug),
                            1e-5);
                }
}
END_TEST

/* A column of slices, each of which sees what the one before lets through: no formula of ours in it but the surface's. */
START_TEST(test_plug_as_a_column)
{
        enum { SLICES = 400, STEPS = 20000 };
        static double theta[SLICES];
        double da = 5, tau = 0.8, h = tau / STEPS, mean = 0;

        for (int step = 0; step < STEPS; step++) {
                double x = 1;

                /* The powder tumbles: all slices have the mean coverage. */
                for (int i = 0; i < SLICES; i++) {
                        double next = x * (1 - da / SLICES * (1 - mean));

                        theta[i] += h * (x - next) * SLICES;
                        x = next;
                }
                mean = 0;
                for (int i = 0; i < SLICES; i++)
                        mean += theta[i] / SLICES;
        }
        near(bed_coverage_plug(da, tau), mean, 2e-3);
}
END_TEST

START_TEST(test_there_and_back)
{
        for (double da = 1e-3; da < 1e7; da *= 7)
                for (double coverage = 0.05; coverage < 1; coverage += 0.15) {
                        near(bed_coverage_mixed(da, bed_tau_mixed(da, coverage)), coverage, 1e-9);
                        near(bed_coverage_plug(da, bed_tau_plug(da, coverage)), coverage, 1e-6);
                        /* The mixed bed loses more on the way. */
                        ck_assert_double_ge(
                            bed_tau_mixed(da, coverage) * (1 + 1e-9), bed_tau_plug(da, coverage));
                }
        ck_assert_double_eq(bed_tau_plug(INFINITY, 0.95), 0.95);
        ck_assert_double_eq(bed_tau_mixed(INFINITY, 0.95), 0.95);
}
END_TEST

START_TEST(test_nothing_there)
{
        struct bed bed = reference;

        ck_assert_double_eq(bed_coverage_mixed(0, 1), 0);
        ck_assert_double_eq(bed_coverage_plug(0, 1), 0);
        ck_assert_double_eq(bed_coverage_mixed(76, 0), 0);
        ck_assert_double_eq(bed_coverage_plug(76, 0), 0);
        ck_assert_double_eq(bed_coverage_mixed(76, 1e300), 1);
        ck_assert_double_eq(bed_coverage_plug(1e9, 1e300), 1);
        ck_assert(isinf(bed_tau_mixed(0, 0.95)) && isinf(bed_tau_plug(0, 0.95)));
        ck_assert_double_eq(bed_tau_mixed(0, 0), 0);
        bed.area_m2 = 0;
        ck_assert_double_eq(bed_damkoehler(&bed), 0);
        ck_assert_double_eq(bed_fill_s(&bed), 0);
        bed = reference;
        bed.vapour_torr = 0;
        ck_assert(isinf(bed_fill_s(&bed)) && isinf(bed_surface_s(&bed)));
        bed = reference;
        bed.flow_sccm = 0;
        ck_assert(isinf(bed_damkoehler(&bed)) && isinf(bed_fill_s(&bed)));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("bed");
        TCase *tc = tcase_create("bed");

        suite_add_tcase(suite, tc);
        tcase_add_test(tc, test_figures_of_the_process);
        tcase_add_test(tc, test_closed_forms);
        tcase_add_test(tc, test_integrated);
        tcase_add_test(tc, test_plug_as_a_column);
        tcase_add_test(tc, test_there_and_back);
        tcase_add_test(tc, test_nothing_there);
        return suite_main(suite);
}
