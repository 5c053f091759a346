/* What a pulse takes from its bottle, estimated from what is read, against what the simulated tool delivers. */
#include "scenario.h"
#include "suite.h"

#include "ald/app/usage.h" /* usage_of_pulse_umol */

static struct scenario *s;

static void setup(void)
{
        s = scenario_new(0);
        scenario_await(s, MACHINE_STOPPED, TIME_MIN);
        scenario_start(s, "3", "20 s");
}

static void teardown(void)
{
        scenario_free(s);
}

static double delivered(int line)
{
        struct sim_line now;

        sim_get_line(virtual_sim(s->v), line, &now);
        return now.delivered_umol;
}

/* Over one whole pulse of a run, by the edges that its end tells. */
static void compare(const char *valve, const char *name, double within)
{
        int line = tool_find_line(s->tool, name), tag = scenario_tag(s, valve), pulses = s->pulse_count;
        struct event_pulse p = {.tag = (int16_t)tag};
        double before, took, estimate;

        scenario_await_open(s, valve, 2);
        before = delivered(line);
        while (s->pulse_count == pulses || s->pulses[s->pulse_count - 1].line != line)
                virtual_run(s->v, virtual_now(s->v) + TIME_MS);
        took = delivered(line) - before;
        p.open_sent_us = 10 * TIME_S;
        p.close_sent_us = p.open_sent_us + s->pulses[s->pulse_count - 1].width_us;
        estimate = usage_of_pulse_umol(s->tool, virtual_core(s->v), &p);
        ck_assert_msg(took > 0.01 && fabs(estimate / took - 1) < within,
            "%s: %g umol estimated, %g delivered", name, estimate, took);
}

START_TEST(it_is_near_what_is_delivered_through)
{
        compare("nb.valve", "nb", 0.1);
}
END_TEST

START_TEST(it_is_near_what_is_drawn)
{
        compare("water.valve", "water", 0.1);
}
END_TEST

START_TEST(what_cannot_be_told_is_nothing)
{
        int tag = scenario_tag(s, "nb.valve"), line = tool_find_line(s->tool, "nb");
        struct event_pulse p = {.tag = (int16_t)tag, .open_sent_us = TIME_S, .close_sent_us = 2 * TIME_S};
        const struct core *core;

        scenario_await_open(s, "nb.valve", 1);
        core = virtual_core(s->v);
        ck_assert_double_gt(usage_of_pulse_umol(s->tool, core, &p), 0);
        p.close_sent_us = 0; /* the close is not known */
        ck_assert_double_eq(usage_of_pulse_umol(s->tool, core, &p), 0);
        p.close_sent_us = 2 * TIME_S;
        p.tag = (int16_t)scenario_tag(s, "exhaust.valve");
        ck_assert_double_eq(usage_of_pulse_umol(s->tool, core, &p), 0);
        p.tag = (int16_t)tag;
        s->tool->sim.line[line].is_mass_assumed = true;
        ck_assert_double_eq(usage_of_pulse_umol(s->tool, core, &p), 0);
        s->tool->sim.line[line].is_mass_assumed = false;
        s->bad_tag = s->tool->gauge;
        s->bad_value = NAN;
        scenario_run(s, TIME_S);
        ck_assert_double_eq(usage_of_pulse_umol(s->tool, core, &p), 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("usage");
        TCase *c = tcase_create("usage");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, it_is_near_what_is_delivered_through);
        tcase_add_test(c, it_is_near_what_is_drawn);
        tcase_add_test(c, what_cannot_be_told_is_nothing);
        suite_add_tcase(suite, c);
        return suite_main(suite);
}
