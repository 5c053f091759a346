/* What follows from a dry run for the powder, from results filled in by hand. */
#include "ald/base/time.h"    /* TIME_S */
#include "ald/sim/adequacy.h" /* adequacy_eval */
#include "ald/sim/bed.h"      /* bed_*, BED_SATURATED */
#include "ald/sim/dose.h"     /* dose_* */

#include "unit/suite.h"
#include "unit/sim_tool.h" /* sim_tool_make */

#include <check.h> /* START_TEST */
#include <math.h>  /* isnan, isinf, fabs */

static struct tool tool;
static struct recipe recipe;
static struct dryrun_result result;
static struct adequacy out;

static void near(double got, double want, double part)
{
        ck_assert_msg(fabs(got - want) <= part * fabs(want), "%.9g is not %.9g", got, want);
}

/* 30 cycles on 1 g of 0.4 m2/g: 0.416 umol a half-cycle. Niobium brings twice that, water a hundred times. */
static void setup(void)
{
        sim_tool_make(&tool);
        tool.sim.line[N_NB].vapour_factor = 2;
        tool.sim.line[N_WATER].vapour_factor = 1.02;
        recipe.growth_nm = 0.167;
        result = (struct dryrun_result){.ended = MACHINE_COMPLETE,
            .cycles = 30,
            .powder_g = 1,
            .powder_m2 = 0.4,
            .saturation_umol_m2 = 1.04};
        result.line[N_NB] = (struct dryrun_line){.pulses = 30,
            .coat_doses = 30,
            .dose_umol = 0.832,
            .dose_adsorbed_umol = 0.4,
            .dose_open_us = 1e6,
            .dose_pulses = 1,
            .vapour_torr = 0.025,
            .source_degc = 110,
            .source_torr = 0.028,
            .chamber_torr = 2.3,
            .chamber_degc = 175,
            .flow_sccm = 70,
            .bed_rpm = 3,
            .residue_umol = 0.02,
            .residue_part = 0.03,
            .residue_source_line = 9,
            .source_line = 7};
        result.line[N_WATER] = result.line[N_NB];
        result.line[N_WATER].dose_umol = 41.6;
        result.line[N_WATER].dose_open_us = 1e5;
        result.line[N_WATER].source_degc = 22;
        result.line[N_WATER].residue_source_line = 0;
}

static const struct adequacy_line *eval(void)
{
        adequacy_eval(&out, &result, &tool, &recipe);
        return &out.line[N_NB];
}

START_TEST(test_enough)
{
        const struct adequacy_line *nb = eval();

        near(nb->needed_umol, 0.416, 1e-12);
        near(nb->dose_ratio, 2, 1e-12);
        near(nb->dose_ratio_low, 1, 1e-12);
        near(nb->dose_ratio_high, 4, 1e-12);
        near(nb->vapour_low_torr, 0.014, 1e-12);
        near(nb->umol_per_g, 0.832, 1e-12);
        near(nb->umol_per_m2, 2.08, 1e-12);
        near(nb->coverage_mixed, bed_coverage_mixed(nb->damkoehler, 2), 1e-12);
        near(nb->coverage_plug, bed_coverage_plug(nb->damkoehler, 2), 1e-12);
        near(nb->coverage_low, bed_coverage_mixed(nb->damkoehler, 1), 1e-12);
        near(nb->coverage_simulated, 0.4 / 0.416, 1e-12);
        near(nb->residue_umol_m2, 0.05, 1e-12);
        near(nb->turns_per_pulse, 0.05, 1e-12);
        near(out.line[N_WATER].turns_per_pulse, 0.005, 1e-12);
        near(out.turns_per_pulse, 0.05, 1e-12);
        ck_assert(isnan(out.line[N_WATER].residue_umol_m2));
        near(out.line[N_WATER].dose_ratio_low * 1.02, 100, 1e-12);
        ck_assert_int_eq(nb->limited_by, ADEQUACY_PURGE);
        ck_assert_str_eq(adequacy_limit_name(nb->limited_by), "purge");
        /* A Damkoehler number for 0.4 m2: a share of PROCESS.md's 76 (its sccm are 10 % smaller). */
        near(nb->damkoehler, 0.4 * 76 / 1.11, 0.01);
}
END_TEST

/* The pulse that is said to saturate does, and one a hundredth shorter does not. */
START_TEST(test_saturating_pulse)
{
        const struct adequacy_line *nb;

        result.line[N_NB].dose_umol = 0.1;
        nb = eval();
        ck_assert_int_eq(nb->limited_by, ADEQUACY_DELIVERY);
        near(
            bed_coverage_mixed(nb->damkoehler, nb->dose_ratio * nb->saturating_pulse_s), BED_SATURATED, 1e-9);
        ck_assert_double_lt(
            bed_coverage_mixed(nb->damkoehler, nb->dose_ratio * nb->saturating_pulse_s * 0.99),
            BED_SATURATED);
        ck_assert_double_eq(nb->saturating_pulses, ceil(nb->saturating_pulse_s));
        /* Four pulses in a dose: each so much longer. */
        result.line[N_NB].dose_pulses = 4;
        nb = eval();
        near(bed_coverage_mixed(nb->damkoehler, nb->dose_ratio * nb->saturating_pulse_s / 0.25),
            BED_SATURATED, 1e-9);
        near(nb->saturating_pulses, ceil(4 * nb->saturating_pulse_s / 0.25), 1e-12);
}
END_TEST

/* A head space gives less the longer it is open: held against the bottle of the simulated plant. */
START_TEST(test_saturating_draw)
{
        struct tool_sim_line *numbers = &tool.sim.line[N_WATER];
        struct dose_at at = {.h_s = 1e-4, .is_open = true, .source_degc = 22, .chamber_litre = 0.5};
        struct dose bottle = {0};
        double dose = 0, wanted, t;

        dose_fill(&bottle, numbers, 22);
        for (int i = 0; i < 1000; i++)
                dose += dose_deliver(&bottle, numbers, &at).vapour_sccm * 1e-4;
        result.line[N_WATER].dose_umol = 0.3;
        eval();
        wanted = bed_tau_mixed(out.line[N_WATER].damkoehler, BED_SATURATED) /
                 out.line[N_WATER].dose_ratio; /* times as much */
        ck_assert_double_gt(wanted, 1.2);
        dose_fill(&bottle, numbers, 22);
        for (t = 0, wanted *= dose; wanted > 0; t += 1e-4)
                wanted -= dose_deliver(&bottle, numbers, &at).vapour_sccm * 1e-4;
        near(out.line[N_WATER].saturating_pulse_s, t, 1e-3);
        /* More than the bottle holds: no pulse is long enough, but several are. */
        result.line[N_WATER].dose_umol = 0.05;
        eval();
        ck_assert(isinf(out.line[N_WATER].saturating_pulse_s));
        ck_assert_double_eq(out.line[N_WATER].saturating_pulses, 9);
}
END_TEST

START_TEST(test_what_limits)
{
        /* Enough is delivered, but the gas is gone before: a bed that hardly takes anything. */
        result.line[N_NB].chamber_torr = 0.01;
        ck_assert_int_eq(eval()->limited_by, ADEQUACY_KINETICS);
        ck_assert_str_eq(adequacy_limit_name(ADEQUACY_KINETICS), "kinetics");
        ck_assert_double_gt(out.line[N_NB].outlet_part, 0.5);
        result.line[N_NB].dose_umol = 0.4;
        ck_assert_int_eq(eval()->limited_by, ADEQUACY_DELIVERY);
        /* Static dosing: nothing leaves, so whatever is delivered is taken. */
        result.line[N_NB].flow_sccm = 0;
        ck_assert_int_eq(eval()->limited_by, ADEQUACY_PURGE);
        near(out.line[N_NB].coverage_plug, 0.4 / 0.416, 1e-12);
        result.line[N_NB].dose_umol = 0;
        ck_assert_int_eq(eval()->limited_by, ADEQUACY_DELIVERY);
        ck_assert(isinf(out.line[N_NB].saturating_pulse_s) && isinf(out.line[N_NB].saturating_pulses));
        ck_assert_double_eq(out.coverage, 0);
}
END_TEST

START_TEST(test_film)
{
        eval();
        near(out.thickness_nm, 5.01, 1e-12);
        /* PROCESS.md: 5 nm on 0.26-0.64 m2/g are 6-15 mg/g. */
        near(out.mass_gain_mg_per_g, 5.01 * 4.6 * 0.4, 1e-12);
        /* The least covered line makes the film: 1.04 umol/m2 are 0.3 A. */
        near(out.coverage, out.line[N_NB].coverage_mixed, 1e-12);
        near(out.thickness_from_dose_nm, 30 * 0.03 * out.coverage, 1e-12);
        result.line[N_WATER].dose_umol = 0.0416;
        eval();
        near(out.coverage, 0.1, 0.02);
        /* Cycles on the walls coat no powder. */
        result.wall_cycles = 10;
        eval();
        near(out.thickness_nm, 30 * 0.167, 1e-12);
        near(out.walls_nm, 10 * 0.167, 1e-12);
        recipe.growth_nm = 0;
        eval();
        ck_assert(isnan(out.thickness_nm) && isnan(out.mass_gain_mg_per_g));
        ck_assert(!isnan(out.thickness_from_dose_nm));
}
END_TEST

/* 5 supercycles of three pairs each are 15 layers; a line alone grows nothing; two lines that share water add up. */
START_TEST(test_layers)
{
        result.cycles = 5;
        result.line[N_NB].coat_doses = result.line[N_WATER].coat_doses = 15;
        eval();
        ck_assert_int_eq(out.layers, 15);
        near(out.thickness_from_dose_nm, 15 * 0.03 * out.coverage, 1e-12);
        near(out.thickness_nm, 5 * 0.167, 1e-12);
        result.line[N_WATER].coat_doses = 0;
        eval();
        ck_assert_int_eq(out.layers, 0);
        ck_assert_double_eq(out.thickness_from_dose_nm, 0);
        ck_assert_int_gt(tool.line_count, N_WATER);
        tool.line_count = 3;
        result.line[2] = result.line[N_NB];
        result.line[2].coat_doses = 3;
        result.line[N_NB].coat_doses = 1;
        result.line[N_WATER].coat_doses = 4;
        eval();
        ck_assert_int_eq(out.layers, 4);
}
END_TEST

START_TEST(test_no_powder)
{
        const struct adequacy_line *nb;

        result.powder_g = result.powder_m2 = 0;
        nb = eval();
        ck_assert(isnan(nb->needed_umol) && isnan(nb->dose_ratio) && isnan(nb->coverage_mixed));
        ck_assert(isnan(nb->umol_per_g) && isnan(out.coverage) && isnan(out.thickness_from_dose_nm));
        ck_assert_int_eq(nb->limited_by, ADEQUACY_NONE);
        ck_assert_ptr_null(adequacy_limit_name(nb->limited_by));
        near(out.thickness_nm, 5.01, 1e-12);
        /* No line pulses, no bed turns. */
        memset(result.line, 0, sizeof result.line);
        tool.bed = TOOL_NONE;
        eval();
        ck_assert(isnan(out.turns_per_pulse));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("adequacy");
        TCase *tc = tcase_create("adequacy");

        suite_add_tcase(suite, tc);
        tcase_add_checked_fixture(tc, setup, NULL);
        tcase_add_test(tc, test_enough);
        tcase_add_test(tc, test_saturating_pulse);
        tcase_add_test(tc, test_saturating_draw);
        tcase_add_test(tc, test_what_limits);
        tcase_add_test(tc, test_film);
        tcase_add_test(tc, test_layers);
        tcase_add_test(tc, test_no_powder);
        return suite_main(suite);
}
