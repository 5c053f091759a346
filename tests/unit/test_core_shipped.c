/* The recipes that are shipped, one after another on the reference tool as a lab would run them (S6): each is accepted and
 * runs to its end with no trip, no repeat and no word of a hold, its questions answered. */
#include "one_scenario.h"
#include "suite.h"

static const char *const shipped[] = {"pump-down", "leak-check", "mfc-zero", "conditioning", "nb2o5-nmc532",
    "standby", "vent", "pump-down", "standby"};

static void answer_what_is_asked(int *asked)
{
        if (scenario_status(s).asks[0] == '\0')
                return;
        ck_assert_int_eq(scenario_do(s, VERB_CONFIRM), 0);
        (*asked)++;
}

/* Run it to its end; how many questions it asked. */
static int run(const char *name)
{
        const struct file_set sets[] = {{"cycles", "2"}};
        bool has_cycles = strcmp(name, "conditioning") == 0 || strcmp(name, "nb2o5-nmc532") == 0;
        int64_t until_us = virtual_now(s->v) + 12 * TIME_H;
        char path[100];
        int asked = 0;

        snprintf(path, sizeof path, "recipes/%s.yaml", name);
        recipe_free(s->recipe);
        s->recipe = support_recipe(s->tool, path, sets, has_cycles);
        ck_assert_msg(scenario_do(s, VERB_RUN) == 0, "%s: %s", name, s->reply.text);
        while (scenario_status(s).state != MACHINE_COMPLETE) {
                enum machine_state state = scenario_status(s).state;

                ck_assert_msg(state != MACHINE_HELD && state != MACHINE_STOPPED && state != MACHINE_ABORTED,
                    "%s is %s: %s", name, machine_state_name(state), scenario_status(s).reason);
                ck_assert_msg(virtual_now(s->v) < until_us, "%s does not end", name);
                answer_what_is_asked(&asked);
                virtual_run(s->v, virtual_now(s->v) + TIME_S);
        }
        ck_assert_int_eq(scenario_status(s).latch_count, 0);
        return asked;
}

START_TEST(shipped_recipes_run_one_after_another)
{
        int asked = 0;

        for (size_t i = 0; i < sizeof shipped / sizeof shipped[0]; i++)
                asked += run(shipped[i]);
        ck_assert_int_eq(asked, 3); /* mfc-zero, conditioning, vent */
        ck_assert_int_eq(s->pulse_count, 8);
        for (int i = 0; i < s->pulse_count; i++)
                ck_assert_int_eq(s->pulses[i].outcome, PULSE_DONE);
        ck_assert_int_eq(s->runs_ended, (int)(sizeof shipped / sizeof shipped[0]));
}
END_TEST

/* Behind a vent the chamber is at the atmosphere, no valve but the vent's own way moves it, and it stays so. */
START_TEST(a_vented_chamber_stays_vented)
{
        run("vent");
        virtual_run(s->v, virtual_now(s->v) + 10 * TIME_MIN);
        ck_assert(s->out[s->tool->exhaust] == 0);
        ck_assert(s->out[s->tool->vent] == 0);
        ck_assert(s->out[s->tool->soft] == 0);
        run("pump-down");
        ck_assert(s->out[s->tool->exhaust] == 1);
        ck_assert(s->out[s->tool->soft] == 0);
}
END_TEST

static char *included;

static const char *read_included(void *ctx, const char *path, size_t *len, const char **why)
{
        (void)why;
        free(included);
        return included = file_read(path, len, ctx);
}

/* Cycles on the walls from a block of another file, begun by an answer; and without one, as its `else` says. */
START_TEST(a_recipe_of_two_files_asks_and_runs)
{
        const char *path = "tests/table/sentences/questions.yaml";
        struct diag *d = diag_new();
        struct file_library library = {read_included, d};
        size_t len;
        char *text = file_read(path, &len, d);

        teardown();
        s = scenario_new_with(support_tool("tests/table/tool-sentences.yaml"), 0);
        scenario_await(s, MACHINE_STOPPED, 10 * TIME_S);
        s->recipe = file_compile_recipe_with(path, text, len, s->tool, NULL, 0, &library, d);
        ck_assert_ptr_nonnull(s->recipe);
        ck_assert_int_eq(s->recipe->wall_cycles, 2);
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 0);
        scenario_await(s, MACHINE_EXECUTE, TIME_MIN);
        scenario_run(s, 9 * TIME_MIN);
        ck_assert_str_eq(scenario_status(s).asks, "Is the bed empty?");
        scenario_await(s, MACHINE_COMPLETE, 10 * TIME_MIN);
        ck_assert_int_eq(s->pulse_count, 2);
        ck_assert_int_eq(s->cycles_ended, 2);
        free(text);
        free(included);
        diag_free(d);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("core_shipped");
        TCase *tc = tcase_create("recipes");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_set_timeout(tc, 120);
        tcase_add_test(tc, shipped_recipes_run_one_after_another);
        tcase_add_test(tc, a_vented_chamber_stays_vented);
        tcase_add_test(tc, a_recipe_of_two_files_asks_and_runs);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
