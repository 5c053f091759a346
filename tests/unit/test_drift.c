/* What a pulse tells, and what many tell together, on the simulated tool's gas balance: 70 sccm, the reference cycle, a gauge
 * that is read 20 times a second with noise of 0.2 % rms. ALD_TRIALS and ALD_HEALTHY give other counts than CI's:
 *
 *     ALD_TRIALS=1000 ALD_HEALTHY=100000 build/tests/test_drift */
#include "sim_tool.h"
#include "suite.h"

#include "ald/core/drift.h" /* drift_* */
#include "ald/core/pulse.h" /* pulse_gauge_* */
#include "ald/sim/noise.h"  /* noise_normal */
#include "ald/sim/plant.h"  /* plant_* */

#include <check.h>  /* the test framework */
#include <math.h>   /* sqrt, isnan */
#include <stdlib.h> /* getenv, strtol */

#define PURGE_US INT64_C(20000000)
#define NB_US    INT64_C(1000000)
#define WATER_US INT64_C(100000)

static const double noise_part = 0.002, change = 0.3;

struct rig {
        struct plant plant;
        struct pulse_gauge gauge;
        int64_t now_us;
        uint64_t seed;
        double noise_part;
};

static struct tool tool;
static int64_t sample_us = 50000; /* 20 Hz */
static struct rig rig;

static int count_of(const char *name, int otherwise)
{
        const char *text = getenv(name);

        return text != NULL ? (int)strtol(text, NULL, 10) : otherwise;
}

static void rig_begin(uint64_t seed)
{
        struct plant *p = &rig.plant;

        sim_tool_make(&tool);
        memset(&rig, 0, sizeof rig);
        rig.seed = seed;
        rig.noise_part = noise_part;
        plant_init(p, &tool, 0.4, 1.04);
        p->line[N_NB].numbers.pickup = 0.9; /* as config/rotary-ald.yaml has it */
        p->is_pumped = p->is_exhaust_open = true;
        p->pump = 1;
        p->loop[L_CARRIER].target = p->loop[L_CARRIER].value = 70;
        for (int i = 0; i < p->loop_count; i++) {
                if (p->loop[i].kind != TOOL_LOOP_HEATER)
                        continue;
                p->loop[i].is_powered = true;
                p->loop[i].target = p->loop[i].value = i == L_SOURCE ? 110 : 175;
        }
        plant_settle(p);
}

static void go(int64_t span_us, int open_line)
{
        struct plant *p = &rig.plant;

        for (int i = 0; i < p->line_count; i++) {
                if (p->line[i].is_open != (i == open_line))
                        plant_touch(p);
                p->line[i].is_open = i == open_line;
        }
        for (int64_t end_us = rig.now_us + span_us; rig.now_us < end_us;) {
                double noise = noise_normal(rig.seed, 7, rig.now_us + sample_us);

                plant_advance(p, sample_us);
                rig.now_us += sample_us;
                pulse_gauge_sample(&rig.gauge, rig.now_us, p->pressure_torr * (1 + rig.noise_part * noise));
        }
}

static struct pulse_measured dose(int line, int64_t width_us)
{
        struct pulse_measured m;

        pulse_gauge_begin(
            &rig.gauge, rig.now_us, rig.now_us + width_us, rig.now_us - PURGE_US + PULSE_TAIL_US);
        go(width_us, line);
        go(PURGE_US, -1);
        pulse_gauge_end(&rig.gauge, &m);
        return m;
}

/* One cycle: what the niobium pulse gave. */
static struct pulse_measured cycle(struct pulse_measured *water)
{
        struct pulse_measured nb = dose(N_NB, NB_US), w = dose(N_WATER, WATER_US);

        if (water != NULL)
                *water = w;
        return nb;
}

static void warm_up(void)
{
        for (int i = 0; i < 3; i++)
                cycle(NULL);
}

struct moments {
        double n, sum, square;
};

static void add(struct moments *m, double value)
{
        m->n++;
        m->sum += value;
        m->square += value * value;
}

static double mean(const struct moments *m)
{
        return m->sum / m->n;
}

static double sd(const struct moments *m)
{
        return sqrt(m->square / m->n - mean(m) * mean(m));
}

/* ---- one pulse ---- */

START_TEST(without_noise_all_is_as_the_gas_balance_has_it)
{
        struct pulse_measured nb, water;

        rig_begin(1);
        rig.noise_part = 1e-7; /* a variance of nothing is no variance */
        warm_up();
        nb = cycle(&water);
        ck_assert_double_eq_tol(nb.base, 2.3036, 1e-3);
        ck_assert_double_eq_tol(nb.peak - nb.base, 0.0093, 5e-4);
        /* The slow tail makes the difference between the areas. */
        ck_assert_double_eq_tol(nb.area, 0.0121, 1e-3);
        ck_assert_double_eq_tol(nb.fit, 0.0118, 5e-4);
        rig.plant.line[N_NB].numbers.pickup *= 0.7;
        ck_assert_double_eq_tol(cycle(NULL).fit / nb.fit, 0.70, 0.01);
        /* The way out for a small rise: V/(2 k P) = 0.64 s; a large one fades faster at first. */
        ck_assert_int_ge(water.decay_us, 560000);
        ck_assert_int_le(water.decay_us, 660000);
        ck_assert_int_ge(nb.decay_us, 560000);
        ck_assert_int_le(nb.decay_us, 760000);
        ck_assert(nb.late < 0.05 * nb.fit);
}
END_TEST

/* The figures of core/pulse.h. */
START_TEST(the_fit_is_as_good_as_the_theory_and_the_area_is_not)
{
        struct moments fit = {0}, area = {0}, error = {0}, decay = {0};

        rig_begin(2);
        warm_up();
        for (int i = 0; i < 500; i++) {
                struct pulse_measured water, nb = cycle(&water);

                add(&fit, nb.fit);
                add(&area, nb.area);
                add(&error, nb.fit_error);
                add(&decay, (double)water.decay_us);
                ck_assert_int_eq(nb.decay_us, -1); /* noise hides it */
        }
        printf("niobium: fit %.2f +- %.2f mTorr s (by its samples %.2f), trapezoids %.2f +- %.2f; water "
               "fades in "
               "%.0f +- %.0f ms\n",
            1e3 * mean(&fit), 1e3 * sd(&fit), 1e3 * mean(&error), 1e3 * mean(&area), 1e3 * sd(&area),
            mean(&decay) / 1e3, sd(&decay) / 1e3);
        ck_assert_double_eq_tol(sd(&fit), 1.52e-3, 0.15e-3);
        ck_assert_double_eq_tol(mean(&error), 1.52e-3, 0.1e-3);
        ck_assert_double_eq_tol(sd(&area), 3.7e-3, 0.4e-3);
        ck_assert(sd(&decay) < 0.05 * mean(&decay));
}
END_TEST

/* A chamber that warms up takes nothing from the fit; what moves the pressure ends it. */
START_TEST(a_slope_is_no_dose_and_a_disturbance_ends_the_look)
{
        struct pulse_gauge g = {0};
        struct pulse_measured m;

        for (int64_t t = -15 * 20; t < 0; t++)
                pulse_gauge_sample(&g, t * sample_us, 2 + 1e-3 * (double)t / 20);
        pulse_gauge_begin(&g, 0, NB_US, INT64_MIN);
        for (int64_t t = 0; t < 20 * 20; t++)
                pulse_gauge_sample(&g, t * sample_us, 2 + 1e-3 * (double)t / 20);
        ck_assert(pulse_gauge_is_over(&g, NB_US + PULSE_FIT_US + 1));
        pulse_gauge_end(&g, &m);
        ck_assert_double_eq_tol(m.fit, 0, 1e-9);

        pulse_gauge_begin(&g, 20000000, 21000000, 20000000);
        for (int64_t t = 20 * 20; t < 40 * 20; t++) {
                if (t == 30 * 20)
                        pulse_gauge_disturb(&g, t * sample_us);
                pulse_gauge_sample(&g, t * sample_us, t > 30 * 20 ? 9 : 2);
        }
        ck_assert(pulse_gauge_is_over(&g, 30000001));
        pulse_gauge_end(&g, &m);
        ck_assert(m.peak < 3 && m.late < 1);
}
END_TEST

START_TEST(few_samples_give_no_fit)
{
        struct pulse_gauge g = {0};
        struct pulse_measured m;

        pulse_gauge_begin(&g, 0, NB_US, INT64_MIN);
        pulse_gauge_sample(&g, 10, 2);
        pulse_gauge_end(&g, &m);
        ck_assert(isnan(m.base) && isnan(m.area) && isnan(m.fit) && isnan(m.late) && m.decay_us == -1);
        for (int64_t t = -4; t < 0; t++)
                pulse_gauge_sample(&g, t * 1000000 + 30000000, 2);
        pulse_gauge_begin(&g, 30000000, 31000000, INT64_MIN);
        for (int64_t t = 0; t < 10; t++)
                pulse_gauge_sample(&g, t * 1000000 + 30000000, 2);
        pulse_gauge_end(&g, &m);
        ck_assert(!isnan(m.base) && !isnan(m.area) && isnan(m.fit) && isnan(m.fit_error));
}
END_TEST

/* ---- many pulses ---- */

START_TEST(healthy_pulses_alarm_nobody)
{
        int n = count_of("ALD_HEALTHY", 10000), alarms = 0;
        struct drift d;

        drift_forget(&d);
        rig_begin(3);
        warm_up();
        for (int i = 0; i < n; i++) {
                struct pulse_measured nb = cycle(NULL);

                if (drift_add(&d, nb.fit, nb.fit_error, change) <= DRIFT_HEALTHY)
                        continue;
                alarms++;
                drift_begin(&d);
        }
        printf("%d healthy niobium pulses: %d false alarms\n", n, alarms);
        ck_assert_int_le(alarms, n / 50000); /* none in 10,000 */
}
END_TEST

/* How many depleted pulses until it is known, after `healthy` pulses that were not; 0: an alarm before. */
static int find_delay(uint64_t seed, const struct drift *learned, int healthy)
{
        struct drift d = *learned;

        rig.seed = seed;
        drift_begin(&d);
        for (int i = 0; i < healthy; i++) {
                struct pulse_measured nb = cycle(NULL);

                if (drift_add(&d, nb.fit, nb.fit_error, change) > DRIFT_HEALTHY)
                        return 0;
        }
        rig.plant.line[N_NB].numbers.pickup *= 1 - change;
        for (int i = 1; i < 100; i++) {
                struct pulse_measured nb = cycle(NULL);
                int64_t pulses;

                if (drift_add(&d, nb.fit, nb.fit_error, change) != DRIFT_LOW)
                        continue;
                ck_assert(drift_change(&d, &pulses) < 0 && pulses >= 2);
                return i;
        }
        return 100;
}

/* Ten lines, each of which has a record of several runs; each is depleted again and again. With 20 samples a second the limit
 * is the gauge's: 2.3 sigma a pulse leave 4 in 1,000 for later than 10 cycles, whatever is done with them at this rate
 * of false alarms. The 25 that the tool file asks for leave less than 1. */
START_TEST(a_depletion_of_30_percent_is_found_within_10_cycles)
{
        int trials = count_of("ALD_TRIALS", 200), delays[101] = {0}, worst = 0, median = 0, seen = 0,
            late = 0;

        sample_us = _i == 0 ? 50000 : 40000;
        for (int line = 0; line < 10; line++) {
                struct drift learned;

                drift_forget(&learned);
                rig_begin(1000 + (uint64_t)line);
                warm_up();
                for (int i = 0; i < DRIFT_LEARNS; i++) {
                        struct pulse_measured nb = cycle(NULL);

                        ck_assert_int_le(drift_add(&learned, nb.fit, nb.fit_error, change), DRIFT_HEALTHY);
                }
                for (int i = 0; i < trials / 10; i++) {
                        struct rig kept = rig;
                        int delay = find_delay(5000 + (uint64_t)(line * 1000 + i), &learned, 3);

                        ck_assert_int_gt(delay, 0);
                        delays[delay]++;
                        rig = kept;
                }
        }
        for (int i = 1; i <= 100; i++) {
                worst = delays[i] > 0 ? i : worst;
                late += i > 10 ? delays[i] : 0;
                seen += delays[i];
                median = seen >= trials / 2 && median == 0 ? i : median;
        }
        printf("%d depletions by 30 %% at %d Hz: found after %d cycles in the median, %d at worst, %d later "
               "than 10\n",
            trials, _i == 0 ? 20 : 25, median, worst, late);
        ck_assert_int_le(late, _i == 0 ? trials / 100 : trials / 500);
        ck_assert_int_le(median, 5);
}
END_TEST

/* With what a first run of 20 pulses has to go by, most of them. */
START_TEST(a_first_run_finds_most_of_them)
{
        struct drift nothing;
        int found = 0;

        drift_forget(&nothing);
        for (int i = 0; i < 60; i++) {
                int delay;

                rig_begin(9000 + (uint64_t)i);
                warm_up();
                delay = find_delay(rig.seed, &nothing, 20);
                found += delay > 0 && delay <= 10;
        }
        printf("with 20 pulses to go by: %d of 60 within 10 cycles\n", found);
        ck_assert_int_ge(found, 48);
}
END_TEST

START_TEST(nothing_at_all_is_known_after_two_pulses_and_forgotten_when_it_is_back)
{
        struct drift d;
        int64_t pulses;

        drift_forget(&d);
        drift_know(&d, 10, 1.2, 500);
        ck_assert_int_eq(d.count, DRIFT_LEARNS);
        ck_assert_int_eq(drift_add(&d, 0.3, 1.2, change), DRIFT_HEALTHY); /* one may be a word too much */
        ck_assert_int_eq(drift_add(&d, -0.3, 1.2, change), DRIFT_LOW);
        ck_assert_double_eq_tol(drift_change(&d, &pulses), -1, 1e-9);
        ck_assert_int_eq(pulses, 2);
        for (int i = 0; i < 20; i++)
                drift_add(&d, 10, 1.2, change);
        ck_assert_int_eq(drift_state(&d), DRIFT_HEALTHY);
        ck_assert(drift_change(&d, &pulses) == 0 && pulses == 0);
        for (int i = 0; i < 20; i++)
                drift_add(&d, 15, 1.2, change);
        ck_assert_int_eq(drift_state(&d), DRIFT_HIGH);
        drift_begin(&d);
        ck_assert_int_eq(drift_state(&d), DRIFT_HEALTHY);
}
END_TEST

/* What scatters from pulse to pulse more than its samples say is judged by that: a relay's jitter on a short dose. */
START_TEST(the_scatter_from_pulse_to_pulse_counts)
{
        struct drift d;
        int alarms = 0;

        drift_forget(&d);
        for (int i = 0; i < 5000; i++) {
                double area = 10 * (1 + 0.1 * noise_normal(4, 1, i));

                alarms += drift_add(&d, area, 0.01, change) > DRIFT_HEALTHY;
        }
        ck_assert_double_eq_tol(drift_sigma(&d), 1, 0.1);
        ck_assert_int_eq(alarms, 0);
        for (int i = 0; i < 10; i++)
                drift_add(&d, 7 * (1 + 0.1 * noise_normal(4, 2, i)), 0.01, change);
        ck_assert_int_eq(drift_state(&d), DRIFT_LOW);
}
END_TEST

/* Between the rows, and beyond both ends. */
START_TEST(limits_fall_with_k)
{
        for (double k = 0.25; k < 3.5; k += 0.05)
                ck_assert(drift_limit(k + 0.05) <= drift_limit(k));
        ck_assert_double_eq_tol(drift_limit(1), 5.52, 1e-9);
        ck_assert_double_eq_tol(drift_limit(1.125), (5.52 + 4.38) / 2, 1e-9);
        ck_assert_double_eq_tol(drift_limit(0.1), 20.02, 1e-9);
        ck_assert_double_eq_tol(drift_limit(9), 0.51, 1e-9);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("drift");
        TCase *tcase = tcase_create("drift");

        tcase_set_timeout(tcase, 600);
        tcase_add_test(tcase, without_noise_all_is_as_the_gas_balance_has_it);
        tcase_add_test(tcase, the_fit_is_as_good_as_the_theory_and_the_area_is_not);
        tcase_add_test(tcase, a_slope_is_no_dose_and_a_disturbance_ends_the_look);
        tcase_add_test(tcase, few_samples_give_no_fit);
        tcase_add_test(tcase, healthy_pulses_alarm_nobody);
        tcase_add_loop_test(tcase, a_depletion_of_30_percent_is_found_within_10_cycles, 0, 2);
        tcase_add_test(tcase, a_first_run_finds_most_of_them);
        tcase_add_test(tcase, nothing_at_all_is_known_after_two_pulses_and_forgotten_when_it_is_back);
        tcase_add_test(tcase, the_scatter_from_pulse_to_pulse_counts);
        tcase_add_test(tcase, limits_fall_with_k);
        suite_add_tcase(suite, tcase);
        return suite_main(suite);
}
