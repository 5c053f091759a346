/* What the core tells its links of the next pulse before it hands it over (link/sched.h, sched_expect). */
#include "language_rig.h"
#include "suite.h"

#include "ald/core/core.h"

enum { TOLD = 64 };

static struct foresight {
        int64_t expected_us;    /* as last told */
        int64_t told_us;        /* since when so */
        int pulses;             /* handed over */
        int64_t ahead_us[TOLD]; /* how long before its open each was foreseen */
        bool was_wrong;         /* something else was expected than came */
} seen;

static void watch(struct scenario *now, const struct effects *effects)
{
        for (int i = 0; i < effects->count; i++) {
                const struct effect *e = &effects->item[i];
                int64_t now_us = virtual_now(now->v);
                if (e->kind == EFFECT_PULSE) {
                        ck_assert_int_lt(seen.pulses, TOLD);
                        bool is_told = seen.expected_us == e->u.pulse.open_us;
                        seen.ahead_us[seen.pulses++] = is_told ? e->u.pulse.open_us - seen.told_us : 0;
                        seen.was_wrong |= !is_told && seen.expected_us != TIME_NEVER;
                } else if (e->kind == EFFECT_FEED && e->u.expected_us != seen.expected_us) {
                        seen.expected_us = e->u.expected_us;
                        seen.told_us = now_us;
                }
        }
}

static void begin(const char *text)
{
        seen = (struct foresight){.expected_us = TIME_NEVER};
        s->on_effects = watch;
        start(text);
}

START_TEST(a_pulse_behind_a_purge_is_foreseen)
{
        begin(HEAD "phases:\n  coat:\n" WARM
                   "    - repeat: 3\n      do: [{pulse: nb, for: 1 s}, {purge: 10 s}, "
                   "{pulse: water, for: 100 ms}, {purge: 10 s}]\n" FINALLY);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(seen.pulses, 6);
        ck_assert(!seen.was_wrong);
        ck_assert_int_ge(seen.ahead_us[0], 59 * TIME_S);
        for (int i = 1; i < 6; i++)
                ck_assert_int_ge(seen.ahead_us[i], 10 * TIME_S);
        ck_assert_int_eq(seen.expected_us, TIME_NEVER);
}
END_TEST

/* A hold takes it back, the resume tells it anew. */
START_TEST(a_hold_takes_the_foresight_back)
{
        begin(HEAD "phases:\n  coat:\n" WARM
                   "    - pulse: nb\n      for: 1 s\n    - purge: 20 s\n    - pulse: water\n"
                   "      for: 100 ms\n    - purge: 5 s\n" FINALLY);
        scenario_await_open(s, "nb.valve", 1);
        scenario_run(s, 10 * TIME_S);
        ck_assert_int_gt(seen.expected_us, virtual_now(s->v));
        ck_assert_int_lt(seen.expected_us, TIME_NEVER);
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        scenario_run(s, 5 * TIME_S);
        ck_assert_int_eq(seen.expected_us, TIME_NEVER);
        ck_assert_int_eq(scenario_do(s, VERB_RESUME), 0);
        scenario_run(s, TIME_S);
        ck_assert_int_lt(seen.expected_us, TIME_NEVER);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(seen.pulses, 2);
        ck_assert(!seen.was_wrong);
}
END_TEST

/* Nobody can tell when a condition comes true: the pulse behind it is told of with its order, and not before. */
START_TEST(a_pulse_behind_a_condition_is_not_foreseen)
{
        begin(HEAD "phases:\n  coat:\n" WARM "    - pulse: nb\n      for: 1 s\n    - purge: 10 s\n"
                   "    - wait: {until: chamber.pressure < 3 Torr, for: 4 s, timeout: 1 min}\n"
                   "    - pulse: water\n      for: 100 ms\n    - purge: 5 s\n" FINALLY);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(seen.pulses, 2);
        ck_assert(!seen.was_wrong);
        ck_assert_int_lt(seen.ahead_us[1], 100 * TIME_MS);
}
END_TEST

/* Where other calls share the link of its valve it is planned further ahead, and told of at once (link/load.h). */
START_TEST(a_pulse_behind_a_condition_has_the_lead_of_its_line)
{
        s->tool->lines[tool_find_line(s->tool, "water")].lead_us = 400 * TIME_MS;
        begin(HEAD "phases:\n  coat:\n" WARM "    - pulse: nb\n      for: 1 s\n    - purge: 10 s\n"
                   "    - wait: {until: chamber.pressure < 3 Torr, for: 4 s, timeout: 1 min}\n"
                   "    - pulse: water\n      for: 100 ms\n    - purge: 5 s\n" FINALLY);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(seen.pulses, 2);
        ck_assert(!seen.was_wrong);
        ck_assert_int_eq(seen.ahead_us[1], 400 * TIME_MS);
        ck_assert_int_eq(s->pulses[1].outcome, PULSE_DONE);
}
END_TEST

/* The same at the end of a search, whose pass begins with a pulse. */
START_TEST(a_pulse_of_a_further_pass_has_the_lead_of_its_line)
{
        s->tool->lines[tool_find_line(s->tool, "water")].lead_us = 400 * TIME_MS;
        begin(HEAD "phases:\n  coat:\n" WARM
                   "    - repeat: 3\n      until: chamber.pressure > 9 Torr\n      else: continue\n"
                   "      do: [{pulse: water, for: 100 ms}, {purge: 5 s}]\n" FINALLY);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(seen.pulses, 3);
        for (int i = 1; i < 3; i++)
                ck_assert_int_eq(seen.ahead_us[i], 400 * TIME_MS);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("foresight");
        TCase *tc = tcase_create("foresight");

        tcase_add_checked_fixture(tc, setup_words, teardown);
        tcase_set_timeout(tc, 60);
        tcase_add_test(tc, a_pulse_behind_a_purge_is_foreseen);
        tcase_add_test(tc, a_hold_takes_the_foresight_back);
        tcase_add_test(tc, a_pulse_behind_a_condition_is_not_foreseen);
        tcase_add_test(tc, a_pulse_behind_a_condition_has_the_lead_of_its_line);
        tcase_add_test(tc, a_pulse_of_a_further_pass_has_the_lead_of_its_line);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
