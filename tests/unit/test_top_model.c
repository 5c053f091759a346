/* What `aldctl top` knows: the subscription folded, the plot's memory, the equipment with and without the verb. */
#include "suite.h"
#include "top_rig.h" /* rig_* */

#include "ald/app/top_trend.h" /* top_trend_* */

#include <math.h>   /* NAN */
#include <string.h> /* strcmp */

static struct top_trend trend;

static void begin(void)
{
        rig_begin(true);
        trend = (struct top_trend){.count = 0};
}

static const char *text_of(const json_t *o, const char *key)
{
        return show_get_text(o, key);
}

START_TEST(updates_change_what_they_name)
{
        rig_update("{\"status\": {\"state\": \"Held\"}, \"tags\": {\"nb.temperature\": {\"value\": 99.5}}}");
        ck_assert_str_eq(text_of(rig_model.view.status, "state"), "Held");
        ck_assert_str_eq(text_of(rig_model.view.status, "recipe"), "nb2o5-nmc532");
        ck_assert_double_eq_tol(
            show_get_number(top_model_tag(&rig_model, "nb.temperature"), "value", 0), 99.5, 1e-9);
        ck_assert_str_eq(text_of(top_model_tag(&rig_model, "nb.temperature"), "unit"), "degC");
}
END_TEST

START_TEST(the_equipment_is_found)
{
        ck_assert_str_eq(rig_model.gauge, "chamber.pressure");
        ck_assert_int_eq(rig_model.line_count, 2);
        ck_assert_str_eq(rig_model.lines[0], "nb");
        ck_assert_str_eq(rig_model.valves[1], "water.valve");
        ck_assert_ptr_null(top_model_equipment(&rig_model, "precursor", 2));
        ck_assert_str_eq(text_of(top_model_named(&rig_model, "nb-source"), "value"), "nb.temperature");
}
END_TEST

/* A daemon that is older than the verb `tool`. */
START_TEST(names_and_units_tell_the_equipment)
{
        const json_t *nb, *source;

        rig_end();
        rig_begin(false);
        ck_assert_str_eq(rig_model.gauge, "chamber.pressure");
        ck_assert_int_eq(rig_model.line_count, 2);
        nb = top_model_equipment(&rig_model, "precursor", 0);
        ck_assert_str_eq(text_of(nb, "valve"), "nb.valve");
        source = top_model_named(&rig_model, text_of(nb, "source"));
        ck_assert_ptr_nonnull(source);
        ck_assert_str_eq(text_of(source, "kind"), "heater");
        ck_assert_str_eq(text_of(source, "setpoint"), "nb.temperature.setpoint");
        ck_assert_str_eq(text_of(top_model_equipment(&rig_model, "flow", 0), "value"), "carrier.flow");
        ck_assert_str_eq(text_of(top_model_equipment(&rig_model, "motor", 0), "value"), "bed.speed");
        ck_assert_str_eq(text_of(top_model_equipment(&rig_model, "valve", 0), "role"), "exhaust");
        ck_assert_ptr_nonnull(top_model_equipment(&rig_model, "pump", 0));
}
END_TEST

START_TEST(alarms_are_asked_for_when_they_change)
{
        ck_assert(rig_model.wants_alarms); /* at the begin */
        rig_model.wants_alarms = false;
        rig_update("{\"status\": {\"left_s\": 12.0}}");
        ck_assert(!rig_model.wants_alarms);
        rig_update("{\"status\": {\"alarms_unacknowledged\": 1}}");
        ck_assert(rig_model.wants_alarms);
}
END_TEST

START_TEST(silence_makes_values_old)
{
        int64_t wall_us = rig_model.wall_us;

        rig_pass(4 * TIME_S);
        ck_assert(!top_model_is_stale(&rig_model));
        rig_pass(1 * TIME_S);
        ck_assert(top_model_is_stale(&rig_model));
        ck_assert_int_eq(top_model_age_us(&rig_model), 5 * TIME_S);
        ck_assert_int_eq(top_model_wall_us(&rig_model), wall_us + 5 * TIME_S);
        top_model_heard(&rig_model, rig_now_us); /* an answer without a time of day */
        ck_assert(!top_model_is_stale(&rig_model));
        ck_assert_int_eq(top_model_wall_us(&rig_model), wall_us + 5 * TIME_S);
}
END_TEST

START_TEST(a_lost_daemon_makes_values_old_until_it_is_back)
{
        top_model_lost(&rig_model, "", rig_now_us);
        ck_assert(top_model_is_stale(&rig_model));
        rig_pass(60 * TIME_S);
        ck_assert_int_eq(top_model_age_us(&rig_model), 60 * TIME_S);
        rig_hello("viewer");
        ck_assert(!top_model_is_stale(&rig_model));
        ck_assert_str_eq(rig_model.role, "viewer");
        ck_assert(rig_model.back_until_us > rig_now_us);
}
END_TEST

START_TEST(events_are_bounded)
{
        for (int i = 0; i < 3 * TOP_EVENTS_MAX; i++) {
                json_t *event = json_pack("{s:i}", "number", i);

                top_model_event(&rig_model, event);
                json_decref(event);
        }
        ck_assert_uint_eq(json_array_size(rig_model.events), TOP_EVENTS_MAX);
        ck_assert_double_eq_tol(
            show_get_number(json_array_get(rig_model.events, TOP_EVENTS_MAX - 1), "number", 0),
            3 * TOP_EVENTS_MAX - 1, 1e-9);
}
END_TEST

/* ---- The plot's memory ---- */

#define T0 (INT64_C(1795000000) * TIME_S)

START_TEST(the_trend_keeps_extremes)
{
        double min, max;

        ck_assert(!top_trend_range(&trend, T0, T0 + TIME_S, &min, &max));
        top_trend_add(&trend, T0, 2.0);
        top_trend_add(&trend, T0 + 1000, 5.0);
        top_trend_add(&trend, T0 + 2000, 1.0);
        top_trend_add(&trend, T0 + 3000, NAN);
        top_trend_add(&trend, T0 + 10 * TIME_S, 9.0);
        ck_assert(top_trend_range(&trend, T0, T0 + TIME_S, &min, &max));
        ck_assert_double_eq_tol(min, 1, 1e-9);
        ck_assert_double_eq_tol(max, 5, 1e-9);
        ck_assert(!top_trend_range(&trend, T0 + TIME_S, T0 + 10 * TIME_S, &min, &max)); /* a gap stays one */
}
END_TEST

START_TEST(the_trend_forgets_what_is_old)
{
        double min, max;

        top_trend_add(&trend, T0, 2.0);
        top_trend_add(&trend, T0 + TOP_TREND_SPAN_US, 3.0);
        ck_assert(!top_trend_range(&trend, T0, T0 + TIME_S, &min, &max));
        top_trend_add(&trend, T0, 2.0); /* too late: newer ones are there */
        ck_assert(top_trend_range(&trend, T0 + TOP_TREND_SPAN_US, T0 + TOP_TREND_SPAN_US + 1, &min, &max));
        ck_assert_double_eq_tol(min, 3, 1e-9);
}
END_TEST

START_TEST(a_held_value_fills_the_time)
{
        double min, max;

        top_trend_hold(&trend, T0, T0 + 3 * TIME_S, 1, 2);
        ck_assert(top_trend_range(&trend, T0 + TIME_S, T0 + TIME_S + 1, &min, &max));
        ck_assert_double_eq_tol(max, 2, 1e-9);
        top_trend_hold(
            &trend, T0 - 1000000 * TIME_S, T0 + 4 * TIME_S, 1, 2); /* longer than the ring: no endless loop */
        ck_assert(top_trend_range(&trend, T0 + 4 * TIME_S, T0 + 4 * TIME_S + 1, &min, &max));
}
END_TEST

START_TEST(pulses_have_their_edges)
{
        top_trend_open(&trend, 0, T0);
        top_trend_open(&trend, 0, T0 + TIME_S); /* known */
        ck_assert_int_eq(trend.count, 1);
        ck_assert(top_trend_was_open(&trend, 0, T0 + 5 * TIME_S, T0 + 6 * TIME_S)); /* and still is */
        ck_assert(!top_trend_was_open(&trend, 1, T0, T0 + 6 * TIME_S));
        top_trend_close(&trend, 0, T0 + 2 * TIME_S);
        ck_assert(!top_trend_was_open(&trend, 0, T0 + 2 * TIME_S, T0 + 6 * TIME_S));
        ck_assert(top_trend_was_open(&trend, 0, T0 + TIME_S, T0 + 6 * TIME_S));
        ck_assert(!top_trend_was_open(&trend, 0, T0 - TIME_S, T0));
}
END_TEST

START_TEST(the_record_sharpens_what_was_seen)
{
        top_trend_open(&trend, 0, T0);
        top_trend_close(&trend, 0, T0 + TIME_S);
        top_trend_know(&trend, 0, T0 - 80000, T0 + 920000);
        ck_assert_int_eq(trend.count, 1);
        ck_assert_int_eq(trend.pulses[0].open_us, T0 - 80000);
        top_trend_know(&trend, 0, T0 + 1100000, T0 + 1200000); /* another one, soon after */
        ck_assert_int_eq(trend.count, 2);
        top_trend_know(&trend, 0, T0 - 80000, T0 + 920000); /* told twice */
        ck_assert_int_eq(trend.count, 2);
}
END_TEST

START_TEST(a_lost_daemon_ends_the_bar)
{
        top_trend_open(&trend, 0, T0);
        top_trend_lose(&trend, T0 + TIME_S);
        ck_assert(!top_trend_was_open(&trend, 0, T0 + TIME_S, T0 + 9 * TIME_S));
}
END_TEST

START_TEST(the_ring_of_pulses_turns)
{
        for (int i = 0; i < TOP_TREND_PULSES + 10; i++)
                top_trend_know(&trend, 0, T0 + i * 10 * TIME_S, T0 + i * 10 * TIME_S + 1000);
        ck_assert_int_eq(trend.count, TOP_TREND_PULSES);
        ck_assert(!top_trend_was_open(&trend, 0, T0, T0 + 2000));
        ck_assert(top_trend_was_open(&trend, 0, T0 + (TOP_TREND_PULSES + 9) * 10 * TIME_S,
            T0 + (TOP_TREND_PULSES + 9) * 10 * TIME_S + 2000));
}
END_TEST

/* The command of a pulse that is shorter than the turns of the read-back is enough. */
START_TEST(the_model_follows_pressure_and_pulses)
{
        int64_t wall_us;
        double min, max;

        rig_pass(TIME_S);
        wall_us = top_model_wall_us(&rig_model);
        rig_update(
            "{\"tags\": {\"water.valve\": {\"commanded\": 1.0}, \"chamber.pressure\": {\"value\": 2.75}}}");
        rig_pass(TIME_S / 10);
        rig_update("{\"tags\": {\"water.valve\": {\"commanded\": 0.0}}}");
        rig_pass(2 * TIME_S);
        ck_assert(top_trend_was_open(&rig_model.trend, 1, wall_us, wall_us + TIME_S / 10));
        ck_assert(!top_trend_was_open(&rig_model.trend, 1, wall_us + TIME_S / 5, wall_us + TIME_S));
        ck_assert(top_trend_range(&rig_model.trend, wall_us, wall_us + 1, &min, &max));
        ck_assert_double_eq_tol(max, 2.75, 1e-9);
        /* It held on, though nothing was said. */
        ck_assert(top_trend_range(&rig_model.trend, wall_us + 2 * TIME_S, wall_us + 3 * TIME_S, &min, &max));
        ck_assert_double_eq_tol(min, 2.75, 1e-9);
        rig_update("{\"tags\": {\"chamber.pressure\": {\"value\": 9.0, \"quality\": \"Bad\"}}}");
        ck_assert(top_trend_range(&rig_model.trend, wall_us, wall_us + 10 * TIME_S, &min, &max));
        ck_assert_double_eq_tol(max, 2.75, 1e-9);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = {updates_change_what_they_name, the_equipment_is_found,
            names_and_units_tell_the_equipment, alarms_are_asked_for_when_they_change,
            silence_makes_values_old, a_lost_daemon_makes_values_old_until_it_is_back, events_are_bounded,
            the_trend_keeps_extremes, the_trend_forgets_what_is_old, a_held_value_fills_the_time,
            pulses_have_their_edges, the_record_sharpens_what_was_seen, a_lost_daemon_ends_the_bar,
            the_ring_of_pulses_turns, the_model_follows_pressure_and_pulses};
        Suite *suite = suite_create("top_model");
        TCase *tc = tcase_create("model");

        tcase_add_checked_fixture(tc, begin, rig_end);
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
                tcase_add_test(tc, tests[i]);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
