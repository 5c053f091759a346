/* The core and the gate together, on a sound tool: what the core orders the gate never refuses, down to the shortest purge. */
#include "machine_rig.h"
#include "suite.h"

START_TEST(test_the_gate_refuses_nothing_that_is_right)
{
        struct file_set sets[] = {{"cycles", "3"}, {"purge", "5 s"}, {"base", "2 s"}, {"settle", "2 s"},
            {"cool", "120 degC"}, {"last_purge", "5 s"}};
        struct tool *tool = support_tool(SUPPORT_TOOL);
        struct recipe *recipe = support_recipe(tool, SUPPORT_RECIPE, sets, sizeof sets / sizeof sets[0]);

        machine_begin(tool, (uint64_t)_i + 1);
        machine_do(VERB_RUN, recipe);
        for (int i = 0; i < 600 && machine_now() != MACHINE_COMPLETE; i++)
                machine_run(m.rig.now_us + TIME_S);
        ck_assert_int_eq(machine_now(), MACHINE_COMPLETE);
        ck_assert_int_eq(m.refused, 0);
        machine_end();
        recipe_free(recipe);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("core and gate");
        TCase *tc = tcase_create("sound");

        tcase_set_timeout(tc, 60);
        tcase_add_loop_test(tc, test_the_gate_refuses_nothing_that_is_right, 0, 5);
        suite_add_tcase(s, tc);
        return suite_main(s);
}
