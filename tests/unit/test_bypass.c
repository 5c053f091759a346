/* Bypass (T4): only inputs the tool file names, only with a reason and an end, only so many, and only in the interlocks. */
#include "one_scenario.h"
#include "suite.h"

static int ask(enum verb verb, enum tool_role role, const char *name, int64_t for_us, const char *reason)
{
        struct command c = {.reply = 7,
            .verb = verb,
            .role = role,
            .uid = 1001,
            .pid = 1,
            .user = "eve",
            .tag = (int16_t)(name != NULL ? tool_find_tag(s->tool, name) : TOOL_NONE),
            .for_us = for_us};

        text_copy(c.reason, sizeof c.reason, reason);
        virtual_command(s->v, &c);
        return s->reply.code;
}

static int bypass(const char *name, int64_t for_us)
{
        return ask(VERB_BYPASS, TOOL_ROLE_ENGINEER, name, for_us, "the switch is broken");
}

static void spoil(const char *name, double value)
{
        s->bad_tag = scenario_tag(s, name);
        s->bad_value = value;
}

static int events(const char *kind, const char *words)
{
        int n = 0;

        for (int i = 0; i < s->event_count; i++)
                n += strcmp(s->events[i].kind, kind) == 0 && strstr(s->events[i].text, words) != NULL;
        return n;
}

/* ---- what is refused, and what would be accepted ---- */

static const struct {
        const char *tag;
        int64_t for_us;
        const char *reason, *text, *hint;
} refusals[] = {
    {"lid.closed", TIME_H, "", "needs a reason", "it is recorded"},
    {"lid.closed", TIME_H, " \t ", "needs a reason", "it is recorded"},
    {"lid.closed", 0, "broken", "needs the time", "at most 4 h"},
    {"lid.closed", -1, "broken", "needs the time", "at most 4 h"},
    {"lid.closed", 4 * TIME_H + 1, "broken", "too long", "at most 4 h"},
    {"emo.ok", TIME_H, "broken", "emo.ok may not be bypassed",
        "lets these be bypassed: lid.closed, chamber.temperature, nb.line.temperature"},
    {"nb.valve", TIME_H, "broken", "is an output", "lets these be bypassed"},
    {NULL, TIME_H, "broken", "no such input", "lets these be bypassed"},
};

START_TEST(a_refusal_names_what_would_be_accepted)
{
        int audits = s->audits;

        ck_assert_int_eq(
            ask(VERB_BYPASS, TOOL_ROLE_ENGINEER, refusals[_i].tag, refusals[_i].for_us, refusals[_i].reason),
            3);
        ck_assert_msg(strstr(s->reply.text, refusals[_i].text) != NULL, "%s", s->reply.text);
        ck_assert_msg(strstr(s->reply.hint, refusals[_i].hint) != NULL, "%s", s->reply.hint);
        ck_assert_int_eq(scenario_status(s).bypass_count, 0);
        ck_assert_int_eq(s->audits, audits + 1);
        ck_assert_str_eq(s->audit.result, s->reply.text);
        ck_assert_int_eq(events("bypass", ""), 0);
}
END_TEST

START_TEST(only_an_engineer_begins_one)
{
        ck_assert_int_eq(ask(VERB_BYPASS, TOOL_ROLE_OPERATOR, "lid.closed", TIME_H, "broken"), 5);
        ck_assert_int_eq(scenario_status(s).bypass_count, 0);
        ck_assert_int_eq(bypass("lid.closed", TIME_H), 0);
        /* Ending one is open to operators: it only makes the tool more careful. */
        ck_assert_int_eq(ask(VERB_UNBYPASS, TOOL_ROLE_OPERATOR, "lid.closed", 0, ""), 0);
        ck_assert_int_eq(scenario_status(s).bypass_count, 0);
        ck_assert_int_eq(ask(VERB_UNBYPASS, TOOL_ROLE_OPERATOR, "lid.closed", 0, ""), 3);
        ck_assert_ptr_nonnull(strstr(s->reply.text, "is not bypassed"));
        ck_assert_str_eq(s->reply.hint, "nothing is bypassed");
}
END_TEST

START_TEST(so_many_at_once_and_none_made_longer)
{
        ck_assert_int_eq(bypass("lid.closed", TIME_H), 0);
        ck_assert_int_eq(bypass("lid.closed", 2 * TIME_H), 3);
        ck_assert_ptr_nonnull(strstr(s->reply.text, "bypassed already, by eve for another 1 h"));
        ck_assert_int_eq(bypass("chamber.temperature", TIME_H), 0);
        ck_assert_int_eq(bypass("nb.line.temperature", TIME_H), 3);
        ck_assert_ptr_nonnull(
            strstr(s->reply.text, "no more than 2 at once: lid.closed, chamber.temperature"));
        ck_assert_int_eq(ask(VERB_UNBYPASS, TOOL_ROLE_ENGINEER, "lid.closed", 0, ""), 0);
        ck_assert_int_eq(bypass("nb.line.temperature", TIME_H), 0);
        ck_assert_int_eq(scenario_status(s).bypasses[0].tag, scenario_tag(s, "chamber.temperature"));
        ck_assert_int_eq(scenario_status(s).bypasses[1].tag, scenario_tag(s, "nb.line.temperature"));
}
END_TEST

/* ---- what it does ---- */

/* Spoiled while bypassed, the lid's switch neither trips nor forbids; when the bypass ends, both at once. */
START_TEST(it_ends_at_its_time)
{
        struct core_status status;
        int64_t began;

        scenario_start(s, "20", "5 s");
        scenario_await_open(s, "nb.valve", 1);
        began = virtual_now(s->v);
        ck_assert_int_eq(bypass("lid.closed", 30 * TIME_S), 0);
        status = scenario_status(s);
        ck_assert_int_eq(status.bypass_count, 1);
        ck_assert_str_eq(status.bypasses[0].user, "eve");
        ck_assert_str_eq(status.bypasses[0].reason, "the switch is broken");
        ck_assert_int_eq(status.bypasses[0].until_wall_us, status.wall_us + 30 * TIME_S);
        ck_assert_int_eq(events("bypass", "by eve: the switch is broken"), 1);
        spoil("lid.closed", 0);
        scenario_await_open(s, "nb.valve", 3);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        virtual_run(s->v, began + 30 * TIME_S - 1);
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        ck_assert_int_eq(scenario_status(s).bypass_count, 1);
        /* lid-open waits its 100 ms; the permit is lost at once. */
        virtual_run(s->v, began + 30 * TIME_S + 101 * TIME_MS);
        ck_assert_int_eq(scenario_status(s).bypass_count, 0);
        ck_assert_int_eq(events("bypass", "its time is over"), 1);
        ck_assert_str_eq(scenario_status(s).latches[0].id, "lid-open");
        scenario_await(s, MACHINE_ABORTED, TIME_MIN);
        scenario_check_image(s, TOOL_IMAGE_ABORT);
}
END_TEST

/* A bypassed input that cannot be read at all counts the same. */
START_TEST(an_unreadable_input_is_left_out_too)
{
        scenario_start(s, "2", "5 s");
        scenario_await_open(s, "nb.valve", 1);
        ck_assert_int_eq(bypass("lid.closed", TIME_H), 0);
        spoil("lid.closed", NAN);
        scenario_await(s, MACHINE_COMPLETE, TIME_H);
        ck_assert_int_eq(s->pulse_count, 4);
}
END_TEST

START_TEST(unbypass_lets_the_cause_act)
{
        scenario_start(s, "20", "5 s");
        scenario_await_open(s, "nb.valve", 1);
        ck_assert_int_eq(bypass("lid.closed", TIME_H), 0);
        spoil("lid.closed", 0);
        scenario_run(s, 10 * TIME_S);
        ck_assert_int_eq(ask(VERB_UNBYPASS, TOOL_ROLE_OPERATOR, "lid.closed", 0, ""), 0);
        ck_assert_int_eq(events("bypass", "ended by eve"), 1);
        scenario_run(s, 160 * TIME_MS);
        ck_assert_str_eq(scenario_status(s).latches[0].id, "lid-open");
        scenario_await(s, MACHINE_ABORTED, TIME_MIN);
}
END_TEST

/* Only interlocks leave it out: the recipe's guard still sees the temperature, and holds. */
START_TEST(guards_see_it_as_it_is)
{
        scenario_start(s, "20", "20 s");
        scenario_await_open(s, "nb.valve", 1);
        ck_assert_int_eq(bypass("chamber.temperature", TIME_H), 0);
        spoil("chamber.temperature", 210);
        scenario_run(s, 10 * TIME_S);
        /* chamber-hot would have tripped after 2 s. */
        ck_assert_int_eq(scenario_state(s), MACHINE_EXECUTE);
        ck_assert_int_eq(scenario_status(s).latch_count, 0);
        scenario_run(s, 21 * TIME_S);
        ck_assert_int_eq(scenario_state(s), MACHINE_HELD);
        ck_assert_ptr_nonnull(strstr(scenario_status(s).reason, "chamber.temperature"));
}
END_TEST

/* H1: heater power needs a Good temperature, bypass or not. */
START_TEST(a_heater_needs_its_temperature_all_the_same)
{
        scenario_start(s, "20", "20 s");
        scenario_await_open(s, "nb.valve", 1);
        ck_assert_int_eq(bypass("chamber.temperature", TIME_H), 0);
        spoil("chamber.temperature", NAN);
        scenario_run(s, 3200 * TIME_MS);
        ck_assert(s->out[scenario_tag(s, "chamber.temperature.setpoint")] == 0);
        ck_assert_str_eq(scenario_status(s).latches[0].id, "heater-chamber");
}
END_TEST

/* A wait of the recipe does not advance on a bypassed value either (S1). */
START_TEST(recipes_wait_for_it_as_it_is)
{
        ck_assert_int_eq(bypass("chamber.temperature", 4 * TIME_H), 0);
        spoil("chamber.temperature", 180); /* above: one that stays below would fail the rise test (H1) */
        scenario_start(s, "1", "5 s");
        scenario_run(s, TIME_H);
        ck_assert_str_eq(scenario_status(s).phase, "prepare");
        ck_assert_int_eq(s->pulse_count, 0);
}
END_TEST

/* Nothing of it outlives the process. */
START_TEST(a_restart_ends_it)
{
        ck_assert_int_eq(bypass("lid.closed", 4 * TIME_H), 0);
        scenario_free(s);
        setup();
        ck_assert_int_eq(scenario_status(s).bypass_count, 0);
        spoil("lid.closed", 0);
        scenario_run(s, TIME_S);
        {
                struct core_interlock lock;

                for (int i = 0; i < s->tool->interlock_count; i++) {
                        if (strcmp(s->tool->interlocks[i].id, "precursor-needs-lid") != 0)
                                continue;
                        core_get_interlock(virtual_core(s->v), i, &lock);
                        ck_assert(!lock.is_permitted);
                        return;
                }
        }
        ck_abort_msg("no such interlock");
}
END_TEST

/* A trip that waits to be armed is not armed by a bypass: precursors stay locked. */
START_TEST(a_bypass_arms_nothing)
{
        static const struct scenario_edit edits[] = {{"inputs: [lid.closed,", "inputs: [chamber.pressure,"}};
        struct core_interlock lock;
        int over = -1;

        scenario_free(s);
        s = scenario_new_with(scenario_edited_tool(edits, 1), 0);
        for (int i = 0; i < s->tool->interlock_count; i++)
                if (strcmp(s->tool->interlocks[i].id, "over-pressure") == 0)
                        over = i;
        spoil("chamber.pressure", 4); /* between arm and trip */
        scenario_await(s, MACHINE_STOPPED, TIME_MIN);
        ck_assert_int_eq(bypass("chamber.pressure", TIME_H), 0);
        spoil("chamber.pressure", 4.5);
        scenario_run(s, TIME_S);
        core_get_interlock(virtual_core(s->v), over, &lock);
        ck_assert(!lock.is_armed);
        ck_assert_str_eq(lock.values, "chamber.pressure (bypassed) 4.5 Torr");
        spoil("chamber.pressure", 1);
        scenario_run(s, TIME_S);
        core_get_interlock(virtual_core(s->v), over, &lock);
        ck_assert(lock.is_armed);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("bypass");
        TCase *tc = tcase_create("bypass");
        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_add_loop_test(
            tc, a_refusal_names_what_would_be_accepted, 0, (int)(sizeof refusals / sizeof refusals[0]));
        tcase_add_test(tc, only_an_engineer_begins_one);
        tcase_add_test(tc, so_many_at_once_and_none_made_longer);
        tcase_add_test(tc, it_ends_at_its_time);
        tcase_add_test(tc, an_unreadable_input_is_left_out_too);
        tcase_add_test(tc, unbypass_lets_the_cause_act);
        tcase_add_test(tc, guards_see_it_as_it_is);
        tcase_add_test(tc, a_heater_needs_its_temperature_all_the_same);
        tcase_add_test(tc, recipes_wait_for_it_as_it_is);
        tcase_add_test(tc, a_restart_ends_it);
        tcase_add_test(tc, a_bypass_arms_nothing);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
