/* Trends on the reference tool as its file has it, in virtual time, its gauge read 20 times a second with noise of 0.2 %: the
 * core's own words about bottles, valves and base pressures, run after run. */
#include "one_scenario.h"
#include "suite.h"

#include "ald/sim/sim.h" /* sim_fault */

static struct record_base bases[8];
static int base_count;
static double fits[256];
static int fit_count;

static void take_record(struct scenario *of, const struct record *r)
{
        (void)of;
        if (r->kind == RECORD_BASE) {
                ck_assert_int_lt(base_count, 8);
                bases[base_count++] = r->u.base;
        }
        if (r->kind == RECORD_PULSE_METRICS && r->u.pulse.line == 0 && fit_count < 256)
                fits[fit_count++] = r->u.pulse.pressure_fit;
}

/* What a record of some runs like this one would tell. */
static const struct core_past healthy = {
    .line = {{.width_us = 1000000, .flow = 70, .area = 11.7e-3, .sigma = 1.53e-3, .count = 200}},
    .base_count = 3,
    .base = {{70, 2.303}, {70.01, 2.304}, {69.98, 2.305}}};

static void begin(const struct core_past *past)
{
        teardown();
        s = scenario_make_past(support_tool(SUPPORT_TOOL), past);
        s->on_record = take_record;
        base_count = fit_count = 0;
        scenario_await(s, MACHINE_STOPPED, 10 * TIME_S);
}

static void inject(const char *spec)
{
        char why[200];

        ck_assert_msg(sim_fault(virtual_sim(s->v), spec, why, sizeof why), "%s", why);
}

static void inject_now(const char *what)
{
        char spec[120];

        snprintf(
            spec, sizeof spec, "%s@%lld ms", what, (long long)(sim_time_us(virtual_sim(s->v)) / TIME_MS));
        inject(spec);
}

/* Cycles of the paper, between rests at the carrier's flow. `after`: what follows them at once. */
static void run_cycles_and(int cycles, const char *after)
{
        char text[1000];

        snprintf(text, sizeof text,
            "format: 1\nrecipe: t\ntitle: t\ntool: rotary-ald\nphases:\n  a:\n"
            "    - set: {carrier.flow: 70 sccm, chamber.temperature: 175 degC, bed.speed: 3 rpm,\n"
            "            nb.line.temperature: 130 degC}\n"
            "    - wait: {until: settled, timeout: 2 h}\n    - set: {nb.temperature: 110 degC}\n"
            "    - wait: {until: settled, for: 1 min, timeout: 2 h}\n"
            "    - repeat: %d\n      do: [{pulse: nb, for: 1 s}, {purge: 20 s}, {pulse: water, for: 100 ms}, "
            "{purge: 20 s}]\n"
            "%s    - wait: 1 min\n",
            cycles, after);
        recipe_free(s->recipe);
        s->recipe = support_recipe_text(s->tool, text, NULL, 0);
        ck_assert_int_eq(scenario_do(s, s->runs_ended > 0 ? VERB_RESET : VERB_RUN), 0);
        if (s->runs_ended > 0) {
                scenario_await(s, MACHINE_IDLE, TIME_MIN);
                ck_assert_int_eq(scenario_do(s, VERB_RUN), 0);
        }
}

static void run_cycles(int cycles)
{
        run_cycles_and(cycles, "");
}

static const struct record_event *find_alarm(const char *id)
{
        for (int i = 0; i < s->event_count; i++)
                if (strcmp(s->events[i].kind, "alarm") == 0 && strcmp(s->events[i].source, id) == 0)
                        return &s->events[i];
        return NULL;
}

/* Niobium pulses until it comes; 0: the run ended without. */
static int await_alarm(const char *id)
{
        int before = fit_count;

        while (find_alarm(id) == NULL && scenario_state(s) != MACHINE_COMPLETE)
                scenario_run(s, TIME_S);
        return find_alarm(id) == NULL ? 0 : fit_count - before;
}

START_TEST(a_healthy_run_says_nothing_and_records_its_bases)
{
        begin(&healthy);
        run_cycles(30);
        scenario_await(s, MACHINE_COMPLETE, 3 * TIME_H);
        ck_assert_int_eq(s->alarms, 0);
        ck_assert_int_eq(base_count, 2);
        ck_assert(!bases[0].is_after && bases[1].is_after);
        for (int i = 0; i < 2; i++) {
                ck_assert_double_eq_tol(bases[i].flow, 70, 0.1);
                ck_assert_double_eq_tol(bases[i].pressure, 2.3035, 2e-3);
                ck_assert_double_eq_tol(bases[i].spread, 0.0046, 0.0008);
                ck_assert_int_ge(bases[i].samples, 190);
        }
}
END_TEST

START_TEST(a_depleted_bottle_is_told_with_figures)
{
        const struct record_event *e;
        int pulses;

        begin(&healthy);
        run_cycles(40);
        scenario_await_open(s, "nb.valve", 6);
        inject_now("bottle-low:nb=30 %");
        pulses = await_alarm("dose-low-nb");
        ck_assert_int_ge(pulses, 2);
        ck_assert_int_le(pulses, 11); /* the sixth had begun */
        e = find_alarm("dose-low-nb");
        ck_assert_int_eq(e->severity, RECORD_WARNING);
        ck_assert_msg(strstr(e->text, "nb: depletion: area ") == e->text &&
                          strstr(e->text, " % below the reference over the last ") != NULL,
            "%s", e->text);
        printf("%s\n", e->text);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
}
END_TEST

/* With earlier runs to go by, what is low from the first pulse on is seen; without, it is the reference. */
START_TEST(a_bottle_that_is_low_at_the_start_is_seen_by_the_record)
{
        begin(&healthy);
        inject("bottle-low:nb=30 %");
        run_cycles(12);
        ck_assert_int_gt(await_alarm("dose-low-nb"), 0);
        begin(&(struct core_past){.base_count = 0});
        inject("bottle-low:nb=30 %");
        run_cycles(12);
        ck_assert_int_eq(await_alarm("dose-low-nb"), 0);
}
END_TEST

START_TEST(an_empty_bottle_is_no_rise_at_all)
{
        const struct record_event *e;
        int pulses;

        begin(&healthy);
        run_cycles(12);
        inject("stuck-closed:nb.valve");
        pulses = await_alarm("dose-low-nb");
        ck_assert_int_ge(pulses, 2);
        ck_assert_int_le(pulses, 3);
        e = find_alarm("dose-low-nb");
        ck_assert_int_eq(e->severity, RECORD_ALARM);
        ck_assert_msg(strstr(e->text, "no rise at all") != NULL, "%s", e->text);
        printf("%s\n", e->text);
}
END_TEST

START_TEST(a_valve_that_stays_open_is_a_rise_without_end)
{
        begin(&healthy);
        run_cycles(12);
        scenario_await_open(s, "nb.valve", 3);
        inject_now("stuck-open:nb.valve");
        ck_assert_int_ge(await_alarm("open-pulse-nb"), 0);
        ck_assert_ptr_nonnull(find_alarm("open-pulse-nb"));
        printf("%s\n", find_alarm("open-pulse-nb")->text);
}
END_TEST

START_TEST(a_dose_of_another_width_has_another_reference)
{
        struct core_past past = healthy;

        past.line[0].width_us = 500000;
        past.line[0].area = 26e-3;
        begin(&past);
        run_cycles(8);
        scenario_await(s, MACHINE_COMPLETE, 3 * TIME_H);
        ck_assert_int_eq(s->alarms, 0);
}
END_TEST

/* Clogged by 10 %, the way out needs 5 % more pressure. */
START_TEST(a_base_pressure_that_drifts_is_told_before_and_after)
{
        const struct record_event *e;

        begin(&healthy);
        inject("clog=10 %");
        run_cycles(2);
        scenario_await(s, MACHINE_EXECUTE, TIME_MIN);
        await_alarm("base-drift");
        e = find_alarm("base-drift");
        ck_assert_ptr_nonnull(e);
        ck_assert_msg(
            strstr(e->text, "before the pulses at 70 sccm") != NULL && strstr(e->text, "up by 5.") != NULL,
            "%s", e->text);
        printf("%s\n", e->text);
        begin(&healthy);
        run_cycles(3);
        scenario_await_open(s, "nb.valve", 2);
        inject_now("leak=5 sccm");
        scenario_await(s, MACHINE_COMPLETE, 3 * TIME_H);
        ck_assert_ptr_null(find_alarm("base-drift"));
        e = find_alarm("base-change");
        ck_assert_ptr_nonnull(e);
        ck_assert_ptr_nonnull(strstr(e->text, "after the pulses"));
        printf("%s\n", e->text);
}
END_TEST

/* The next run of one daemon knows the bases and the pulses of those before. */
START_TEST(runs_of_one_daemon_follow_each_other)
{
        begin(&(struct core_past){.base_count = 0});
        for (int i = 0; i < 3; i++) {
                run_cycles(10);
                scenario_await(s, MACHINE_EXECUTE, TIME_MIN);
                scenario_await(s, MACHINE_COMPLETE, 3 * TIME_H);
        }
        ck_assert_int_eq(base_count, 6);
        ck_assert_int_eq(s->alarms, 0);
        inject_now("clog=10 %");
        inject_now("bottle-low:nb=40 %");
        base_count = 0;
        run_cycles(12);
        scenario_await(s, MACHINE_EXECUTE, TIME_MIN);
        scenario_await(s, MACHINE_COMPLETE, 3 * TIME_H);
        ck_assert_ptr_nonnull(find_alarm("base-drift"));
        ck_assert_ptr_nonnull(find_alarm("dose-low-nb"));
}
END_TEST

/* The carrier is up, the pressure still on its way: what it rises by after the pulse is no rise of the pulse. */
START_TEST(a_pulse_on_the_heels_of_a_new_flow_has_no_base)
{
        begin(&healthy);
        recipe_free(s->recipe);
        s->recipe = support_recipe_text(s->tool,
            "format: 1\nrecipe: t\ntitle: t\ntool: rotary-ald\nphases:\n  a:\n"
            "    - set: {carrier.flow: 10 sccm}\n    - wait: 30 s\n"
            "    - set: {carrier.flow: 70 sccm}\n"
            "    - wait: {until: carrier.flow > 60 sccm, timeout: 1 min}\n"
            "    - pulse: nb\n      for: 1 s\n    - purge: 5 s\nfinally:\n  - purge: 5 s\n",
            NULL, 0);
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 0);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(fit_count, 1);
        ck_assert_ptr_null(find_alarm("open-pulse-nb"));
}
END_TEST

/* What the recipe sets while the last pulse is still looked at takes no reference away. */
START_TEST(the_last_pulse_is_one_of_its_own_conditions)
{
        begin(&(struct core_past){.base_count = 0});
        for (int i = 0; i < 2; i++) {
                run_cycles_and(20,
                    "    - pulse: nb\n      for: 1 s\n    - purge: 6 s\n"
                    "    - set: {nb.temperature: 60 degC}\n    - set: {carrier.flow: 40 sccm}\n");
                scenario_await(s, MACHINE_EXECUTE, TIME_MIN);
                scenario_await(s, MACHINE_COMPLETE, 3 * TIME_H);
        }
        ck_assert_int_eq(s->alarms, 0);
        inject_now("bottle-low:nb=40 %");
        run_cycles(12);
        scenario_await(s, MACHINE_EXECUTE, TIME_MIN);
        ck_assert_int_gt(await_alarm("dose-low-nb"), 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("trend");
        TCase *tc = tcase_create("trend");

        tcase_set_timeout(tc, 120);
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_test(tc, a_healthy_run_says_nothing_and_records_its_bases);
        tcase_add_test(tc, a_depleted_bottle_is_told_with_figures);
        tcase_add_test(tc, a_bottle_that_is_low_at_the_start_is_seen_by_the_record);
        tcase_add_test(tc, an_empty_bottle_is_no_rise_at_all);
        tcase_add_test(tc, a_valve_that_stays_open_is_a_rise_without_end);
        tcase_add_test(tc, a_dose_of_another_width_has_another_reference);
        tcase_add_test(tc, a_base_pressure_that_drifts_is_told_before_and_after);
        tcase_add_test(tc, runs_of_one_daemon_follow_each_other);
        tcase_add_test(tc, a_pulse_on_the_heels_of_a_new_flow_has_no_base);
        tcase_add_test(tc, the_last_pulse_is_one_of_its_own_conditions);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
