/* What people are told of the time to come, against what then happened on the simulated tool. */
#include "scenario.h"
#include "suite.h"

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

/* The tool file is wrong about how fast the chamber heats, and knows not how it cools; the room is warm. */
static const struct scenario_edit slow_and_unknown[] = {
    {"chamber: {lag: 20 s, max_rate: 20 K/min, ambient: 22 degC}",
        "chamber: {lag: 60 s, max_rate: 8 K/min, ambient: 27 degC}"},
    {", cool_lag: 30 min", ""}};

static void start_heating(void)
{
        start("format: 1\nrecipe: t\ntitle: t\ntool: rotary-ald\nphases:\n  a:\n"
              "    - set: {chamber.temperature: 175 degC}\n    - wait: {until: settled, timeout: 2 h}\n"
              "    - wait: 1 min\n    - set: {chamber.temperature: standby}\n"
              "    - wait: {until: chamber.temperature < 90 degC, timeout: 4 h}\n",
            NULL, 0);
}

static bool is_cooling(void)
{
        return scenario_status(s).is_heating && scenario_status(s).source_line == 11;
}

START_TEST(what_is_not_known_is_learned)
{
        int seen[2] = {0}, from[2] = {0}, to[2] = {0};

        begin(scenario_edited_tool(slow_and_unknown, 2), false);
        scenario_run(s, TIME_MIN);
        for (int run = 0; run < 2; run++) {
                if (run > 0) {
                        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
                        scenario_await(s, MACHINE_IDLE, TIME_MIN);
                }
                start_heating();
                from[run] = look_count;
                seen[run] = -1;
                while (machine_in_run(scenario_state(s)) || scenario_state(s) == MACHINE_RESETTING) {
                        (void)look();
                        if (seen[run] < 0 && looks[look_count - 1].heating_us > 0)
                                seen[run] = look_count - 1;
                        /* It never cooled: there is no number until it does. */
                        ck_assert(run > 0 || is_cooling() || looks[look_count - 1].heating_us <= 0);
                }
                to[run] = look_count - 1;
        }
        compare(seen[0], to[0], looks[to[0]].now_us, false, 0.06, 0.3);
        /* The second time it is known from the beginning. */
        ck_assert_int_lt(seen[1], from[1] + 3);
        compare(seen[1], to[1], looks[to[1]].now_us, false, 0.05, 0.3);
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        scenario_await(s, MACHINE_IDLE, TIME_MIN);
        start("format: 1\nrecipe: t\ntitle: t\ntool: rotary-ald\nphases:\n  a:\n"
              "    - set: {chamber.temperature: 175 degC}\n    - wait: {until: settled, timeout: 2 h}\n",
            NULL, 0);
        scenario_run(s, 2 * TIME_S);
        from[0] = look_count;
        while (machine_in_run(scenario_state(s)))
                (void)look();
        /* Its last degrees, where it slows down, are not foreseen. */
        compare(from[0], look_count - 1, virtual_now(s->v), false, 0.1, 0.8);
}
END_TEST

/* A run that leaves the tool hot: it cools in standby. */
START_TEST(after_a_run_it_cools)
{
        int first;

        begin(support_tool(SUPPORT_TOOL), true);
        start("format: 1\nrecipe: t\ntitle: t\ntool: rotary-ald\nphases:\n  a:\n"
              "    - set: {chamber.temperature: 120 degC}\n    - wait: {until: settled, timeout: 2 h}\n"
              "    - wait: 5 min\n",
            NULL, 0);
        scenario_run(s, TIME_MIN);
        first = look_count;
        while (machine_in_run(scenario_state(s)) || value("chamber.temperature") >= 80)
                (void)look();
        compare(first, look_count - 1, virtual_now(s->v), true, 0.03, 0.3);
}
END_TEST

/* Cold, with a pulse to come: its purge is what takes time. */
START_TEST(after_a_run_it_purges)
{
        begin(support_tool(SUPPORT_TOOL), false);
        scenario_run(s, TIME_MIN);
        start("format: 1\nrecipe: t\ntitle: t\ntool: rotary-ald\nphases:\n  a:\n"
              "    - set: {carrier.flow: 20 sccm}\n    - wait: 1 min\n"
              "    - pulse: water\n      for: 100 ms\n    - purge: 20 s\n",
            NULL, 0);
        scenario_run(s, 2 * TIME_S);
        (void)look();
        ck_assert_double_eq_tol(minutes(looks[0].open_us), minutes(looks[0].left_us) + 5, 0.2);
}
END_TEST

START_TEST(waits_of_loops_count_for_each_pass)
{
        int first;

        begin(support_tool(SUPPORT_TOOL), true);
        scenario_run(s, TIME_MIN);
        start("format: 1\nrecipe: t\ntitle: t\ntool: rotary-ald\nphases:\n  a:\n"
              "    - repeat: 5\n      do:\n"
              "        - set: {block.temperature: 140 degC}\n        - wait: {until: settled, timeout: 1 h}\n"
              "        - repeat: 100000\n          do: [{wait: 1 ms}]\n"
              "        - set: {block.temperature: 160 degC}\n        - wait: {until: settled, for: 30 s, "
              "timeout: 1 h}\n",
            NULL, 0);
        scenario_run(s, 2 * TIME_MIN);
        first = look_count;
        while (machine_in_run(scenario_state(s)))
                (void)look();
        ck_assert_str_eq(machine_state_name(scenario_state(s)), "Complete");
        compare(first, look_count - 1, virtual_now(s->v), false, 0.05, 0.3);
}
END_TEST

static void force(const char *tag, double is)
{
        int number = scenario_tag(s, tag);

        s->force[number].is_on = true;
        s->force[number].value = is;
        s->force[number].per_s = 0;
}

/* An oven that bends: its losses slow it on its way up, and its thermometer scatters by 0.2 K. A second of it. */
static double oven(double is, double goal)
{
        double to = is < goal ? 260 : 25, lag_s = is < goal ? 900 : 2400;

        is += (to - is) * (1 - exp(-1 / lag_s));
        return to > goal && is > goal ? goal : to < goal && is < goal ? goal : is;
}

/* A run in the oven, from the first look on that tells something. */
static void run_oven(double *is, const char *steps)
{
        int sp = scenario_tag(s, "chamber.temperature.setpoint");
        uint32_t random = 1;
        char text[400];

        snprintf(
            text, sizeof text, "format: 1\nrecipe: t\ntitle: t\ntool: rotary-ald\nphases:\n  a:\n%s", steps);
        start(text, NULL, 0);
        while (machine_in_run(scenario_state(s)) || scenario_state(s) == MACHINE_RESETTING) {
                *is = oven(*is, s->out[sp]);
                random = random * 1664525 + 1013904223;
                force("chamber.temperature", *is + 0.4 * ((double)(random >> 8) / (1 << 24) - 0.5));
                (void)look();
        }
        ck_assert_str_eq(machine_state_name(scenario_state(s)), "Complete");
}

START_TEST(a_bend_is_seen_through_the_noise)
{
        double is = 60;
        int first;

        begin(scenario_edited_tool((const struct scenario_edit[]){{", cool_lag: 30 min", ""}}, 1), false);
        force("chamber.temperature", is);
        scenario_run(s, TIME_MIN);
        run_oven(&is, "    - set: {chamber.temperature: 175 degC}\n"
                      "    - wait: {until: settled, timeout: 2 h}\n");
        /* At first the bend is lost in the noise. */
        compare(150, look_count - 1, virtual_now(s->v), false, 0.25, 0.5);
        compare(300, look_count - 1, virtual_now(s->v), false, 0.12, 0.5);
        first = look_count;
        ck_assert_int_eq(scenario_do(s, VERB_RESET), 0);
        scenario_await(s, MACHINE_IDLE, TIME_MIN);
        run_oven(&is, "    - set: {chamber.temperature: standby}\n"
                      "    - wait: {until: chamber.temperature < 90 degC, timeout: 4 h}\n");
        ck_assert_int_eq(looks[first + 10].heating_us, -1); /* a fall that was never seen */
        compare(first + 60, look_count - 1, virtual_now(s->v), false, 0.12, 0.5);
}
END_TEST

static void expect_open(int64_t us, const char *waits)
{
        const struct outlook_now *now = look();

        ck_assert_msg(now->open_us == us && strcmp(now->open_waits, waits) == 0, "%g min: '%s'",
            minutes(now->open_us), now->open_waits);
}

START_TEST(it_says_what_must_still_happen)
{
        begin(support_tool(SUPPORT_TOOL), false);
        force("chamber.temperature", 120.4);
        force("nb.temperature", 30);
        (void)look();
        /* What the process before had open is not known. */
        ck_assert_str_eq(outlook_get(outlook)->open_waits,
            "purged since the daemon's start for 0 s of 5 min 00 s, and nothing purges now; "
            "chamber.temperature 120 "
            "degC, wants < 80 degC; chamber.atmosphere off, wants on");
        ck_assert_int_eq(outlook_get(outlook)->open_us, -1);
        teardown();
        begin(support_tool(SUPPORT_TOOL), true);
        scenario_run(s, 2 * TIME_MIN);
        ck_assert_ptr_nonnull(
            strstr(look()->open_waits, "purged since the daemon's start for 2 min 00 s of 5 min"));
        for (int i = 0; i < 5; i++) {
                scenario_run(s, TIME_MIN);
                (void)look();
        }
        force("chamber.temperature", 120.4);
        force("nb.temperature", 30);
        (void)look();
        ck_assert_str_eq(outlook_get(outlook)->open_waits,
            "chamber.temperature 120 degC, wants < 80 degC; chamber.atmosphere off, wants on");
        /* 30 min x ln(98.4 / 58) */
        ck_assert_double_eq_tol(minutes(outlook_get(outlook)->open_us), 15.86, 0.2);
        force("chamber.temperature", 79.9);
        expect_open(-1, "chamber.atmosphere off, wants on");
        force("chamber.atmosphere", 1);
        expect_open(0, "");
        force("chamber.temperature", NAN);
        expect_open(-1, "chamber.temperature Bad (not a valid value), wants < 80 degC");
}
END_TEST

START_TEST(a_precursor_is_purged_first)
{
        const struct outlook_now *now;

        begin(support_tool(SUPPORT_TOOL), true);
        scenario_start(s, "1", "6 s");
        scenario_await_open(s, "water.valve", 1);
        now = look();
        ck_assert_ptr_nonnull(strstr(now->open_waits, "run 1 to end; chamber.temperature 17"));
        ck_assert_int_eq(scenario_do(s, VERB_ABORT), 0);
        scenario_await(s, MACHINE_ABORTED, TIME_MIN);
        force("chamber.temperature", 30);
        force("nb.temperature", 30);
        force("chamber.atmosphere", 1);
        scenario_run(s, 10 * TIME_S);
        now = look();
        ck_assert_ptr_nonnull(strstr(now->open_waits, "water purged for 1"));
        ck_assert_ptr_nonnull(strstr(now->open_waits, " of 5 min"));
        ck_assert_int_ge(now->open_us, 280 * TIME_S);
        ck_assert_int_le(now->open_us, 290 * TIME_S);
        force("pump.running", 0);
        scenario_run(s, 10 * TIME_S);
        now = look();
        ck_assert_int_eq(now->open_us, -1);
        ck_assert_ptr_nonnull(strstr(now->open_waits, "nothing purges now"));
}
END_TEST

/* A claim that it may be opened lasts no longer than the rest that it was made of. */
START_TEST(what_moves_is_doubted_and_what_is_held_stands)
{
        begin(support_tool(SUPPORT_TOOL), true);
        for (int i = 0; i < 6; i++) {
                scenario_run(s, TIME_MIN);
                (void)look();
        }
        force("chamber.temperature", 30);
        force("nb.temperature", 30);
        force("chamber.atmosphere", 1);
        expect_open(0, "");
        outlook_doubt(outlook);
        ck_assert_int_eq(outlook_get(outlook)->open_us, -1);
        expect_open(0, "");
        for (int i = 0; i < s->tool->tag_count; i++)
                s->force[i].is_on = false;
        scenario_run(s, TIME_S);
        scenario_start(s, "3", "6 s");
        scenario_await_open(s, "water.valve", 1);
        ck_assert_int_gt(look()->open_us, 0);
        outlook_doubt(outlook); /* a time still to come is no claim */
        ck_assert_int_gt(outlook_get(outlook)->open_us, 0);
        ck_assert_int_eq(scenario_do(s, VERB_HOLD), 0);
        scenario_await(s, MACHINE_HELD, TIME_MIN);
        ck_assert_int_eq(look()->open_us, -1);
        ck_assert_int_eq(look()->heating_us, -1);
}
END_TEST

START_TEST(a_tool_file_that_says_nothing)
{
        char *text = scenario_edited_text(SUPPORT_TOOL, (const struct scenario_edit[]){{"opening:", "#"}}, 1);

        text = scenario_replace(text, &(struct scenario_edit){"  when: chamber.temperature < 80", "  # "});
        text = scenario_replace(text, &(struct scenario_edit){"  purge: 5 min\n", "\n"});
        begin(scenario_compile_tool(text), true);
        expect_open(-1, "the tool file to say when (opening)");
        ck_assert_int_eq(outlook_get(outlook)->heating_us, 0);
}
END_TEST

/* A wait for a pressure that does not hold cannot be told; one that holds is taken to hold. */
START_TEST(what_no_heater_decides)
{
        static const char *const texts[] = {
            "format: 1\nrecipe: t\ntitle: t\ntool: rotary-ald\nphases:\n  a:\n    - wait: 1 min\n"
            "    - wait: {until: chamber.pressure < 800 mTorr, timeout: 1 h}\n",
            "format: 1\nrecipe: t\ntitle: t\ntool: rotary-ald\nphases:\n  a:\n    - wait: 1 min\n"
            "    - wait: {until: chamber.pressure < 950 mTorr, for: 90 s, timeout: 1 h}\n",
            "format: 1\nrecipe: t\ntitle: t\ntool: rotary-ald\nphases:\n  a:\n    - wait: 1 min\n"
            "    - wait: {until: chamber.temperature < 100 degC, timeout: 3 min, else: continue}\n"};
        static const int64_t told_us[] = {-1, 90 * TIME_S, 3 * TIME_MIN};

        begin(support_tool(SUPPORT_TOOL), true);
        scenario_run(s, TIME_MIN);
        start(texts[_i], NULL, 0);
        scenario_await(s, MACHINE_EXECUTE, TIME_MIN);
        ck_assert_int_eq(look()->heating_us, told_us[_i]);
        ck_assert(told_us[_i] > 0 || outlook_get(outlook)->open_us == -1);
}
END_TEST

/* Each change goes to every listener. */
START_TEST(it_changes_rarely)
{
        static const struct file_set sets[] = {{"cycles", "3"}};
        int changes = 0;

        begin(support_tool(SUPPORT_TOOL), false);
        scenario_run(s, TIME_MIN);
        start(NULL, sets, 1);
        for (int i = 0; i < 1200; i++) {
                (void)look();
                changes += i > 0 && looks[i].heating_us != looks[i - 1].heating_us;
        }
        fprintf(stderr, "# %d changes in %d s\n", changes, 1200);
        ck_assert_int_lt(changes, 240);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("outlook");
        TCase *c = tcase_create("outlook");

        tcase_set_timeout(c, 60);
        tcase_add_checked_fixture(c, NULL, teardown);
        tcase_add_test(c, a_run_from_cold);
        tcase_add_test(c, what_is_not_known_is_learned);
        tcase_add_test(c, after_a_run_it_cools);
        tcase_add_test(c, after_a_run_it_purges);
        tcase_add_test(c, waits_of_loops_count_for_each_pass);
        tcase_add_test(c, a_bend_is_seen_through_the_noise);
        tcase_add_test(c, it_says_what_must_still_happen);
        tcase_add_test(c, a_precursor_is_purged_first);
        tcase_add_test(c, what_moves_is_doubted_and_what_is_held_stands);
        tcase_add_test(c, a_tool_file_that_says_nothing);
        tcase_add_loop_test(c, what_no_heater_decides, 0, 3);
        tcase_add_test(c, it_changes_rarely);
        suite_add_tcase(suite, c);
        return suite_main(suite);
}
