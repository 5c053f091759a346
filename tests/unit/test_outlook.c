/* What people are told of the time to come, against what then happened on the simulated tool. */
#include "scenario.h"

#include "ald/core/outlook.h" /* outlook_turn */

enum { LOOKS_MAX = 4 * 3600 };

static struct scenario *s;
static struct outlook *outlook;
static struct {
        int64_t now_us, left_us, heating_us, open_us;
        bool in_run;
} looks[LOOKS_MAX];
static int look_count;

static void begin(struct tool *tool, bool is_ready)
{
        s = scenario_make(tool, 0, is_ready);
        outlook = outlook_new(s->tool);
        look_count = 0;
        ck_assert_ptr_nonnull(outlook);
        scenario_await(s, MACHINE_STOPPED, TIME_MIN);
}

static void teardown(void)
{
        outlook_free(outlook);
        scenario_free(s);
        s = NULL;
        outlook = NULL;
}

/* A second, and a look, as the daemon does. */
static const struct outlook_now *look(void)
{
        const struct outlook_now *now;
        struct core_status status;

        scenario_run(s, TIME_S);
        status = scenario_status(s);
        outlook_turn(outlook, virtual_core(s->v));
        now = outlook_get(outlook);
        ck_assert_int_lt(look_count, LOOKS_MAX);
        looks[look_count].now_us = virtual_now(s->v);
        looks[look_count].left_us = status.left_us;
        looks[look_count].heating_us = now->heating_us;
        looks[look_count].open_us = now->open_us;
        looks[look_count++].in_run = machine_in_run(status.state);
        return now;
}

static void start(const char *text, const struct file_set *sets, size_t count)
{
        recipe_free(s->recipe);
        s->recipe = text != NULL ? support_recipe_text(s->tool, text, sets, count)
                                 : support_recipe(s->tool, SUPPORT_RECIPE, sets, count);
        ck_assert_int_eq(scenario_do(s, VERB_RUN), 0);
}

static double value(const char *tag)
{
        struct core_tag now;

        core_get_tag(virtual_core(s->v), scenario_tag(s, tag), &now);
        return now.value;
}

static double minutes(int64_t us)
{
        return us < 0 ? NAN : (double)us / 60e6;
}

/* Each look's estimate against the end that came. */
static void compare(int from, int to, int64_t over_us, bool is_open, double worst_part, double worst_min)
{
        for (int i = from; i < to; i++) {
                int64_t said_us = is_open ? looks[i].open_us : looks[i].left_us + looks[i].heating_us;
                double is = minutes(over_us - looks[i].now_us), said = minutes(said_us);

                if ((i - from) % 300 == 0)
                        fprintf(stderr, "# %5.1f min before: told %5.1f min\n", is, said);
                ck_assert_msg(looks[i].heating_us >= 0 && said_us >= 0, "%g min before the end: nothing", is);
                ck_assert_msg(
                    fabs(said - is) < worst_min + worst_part * is, "%g min before: told %g min", is, said);
        }
}

START_TEST(a_run_from_cold)
{
        static const struct file_set sets[] = {{"cycles", "3"}, {"settle", "2 min"}};
        int first, end;
        int64_t ended_us;

        begin(support_tool(SUPPORT_TOOL), false);
        scenario_run(s, TIME_MIN);
        start(NULL, sets, 2);
        (void)look();
        first = look_count;
        while (machine_in_run(scenario_state(s)))
                (void)look();
        ck_assert_str_eq(machine_state_name(scenario_state(s)), "Complete");
        end = look_count - 1;
        ended_us = virtual_now(s->v);
        compare(first, end, ended_us, false, 0.05, 0.3);
        while (value("chamber.temperature") >= 80)
                (void)look();
        fprintf(stderr, "# open\n");
        compare(first, look_count - 1, virtual_now(s->v), true, 0.05, 0.3);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("outlook");
        TCase *c = tcase_create("outlook");

        tcase_set_timeout(c, 60);
        tcase_add_checked_fixture(c, NULL, teardown);
        tcase_add_test(c, a_run_from_cold);
        suite_add_tcase(suite, c);
        return support_main(suite);
}
