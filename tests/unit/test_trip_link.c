/* A link lost at every so many events of a reference run (SAFETY T1, T3, V3, V4, C1), with the real schedules, gate and
 * module watchdogs between core and tool. Each trial runs from the beginning.
 * TRIP_EVERY=1 looks at every turn; TRIP_TELL=1 says how many there were and what was first out. */
#include "machine_rig.h"
#include "suite.h"

enum { STRIDE = 61 };

#define CONFIRM_US  (250 * TIME_MS)
#define WATCHDOG_US (1000 * TIME_MS)
/* From the cut to the decision: the next call, its time-out and the connection that is refused after it, and the grace of
 * what is unreadable then; or the module's watchdog and the poll that finds it. */
#define PLANT_US  (1000 * TIME_MS)
#define VALVES_US (WATCHDOG_US + 500 * TIME_MS)

static struct recipe *recipe;

static void begin_run(int cut_at, int cut_link)
{
        struct file_set sets[] = {{"cycles", "2"}, {"purge", "5 s"}, {"base", "2 s"}, {"settle", "2 s"},
            {"cool", "120 degC"}, {"last_purge", "5 s"}};
        struct tool *tool = support_tool(SUPPORT_TOOL);

        recipe = support_recipe(tool, SUPPORT_RECIPE, sets, sizeof sets / sizeof sets[0]);
        machine_begin(tool, 1);
        m.turns = 0;
        m.cut_at = cut_at;
        m.cut_link = cut_link;
        machine_do(VERB_RUN, recipe);
}

static void end_run(void)
{
        machine_end();
        recipe_free(recipe);
}

#define TRIAL_CHECK(ok, what, ...)                                                                           \
        ck_assert_msg(                                                                                       \
            ok, "%s cut after turn %d: " what, m.tool->links[m.cut_link].name, m.cut_at, __VA_ARGS__)

static bool is_ours(int tag)
{
        const struct tool_tag *t = &m.tool->tags[tag];

        return t->is_output && m.tool->devices[t->device].link == m.cut_link;
}

static bool is_aborting(void)
{
        return machine_now() == MACHINE_ABORTING || machine_now() == MACHINE_ABORTED;
}

/* What the module's watchdog guards is safe within its time, whatever the core does. */
static void check_watchdog(void)
{
        for (int i = 0; i < m.tool->tag_count; i++)
                if (is_ours(i) && m.tool->tags[i].failsafe == TOOL_FAILSAFE_WATCHDOG)
                        TRIAL_CHECK(m.rig.out[i] == m.tool->tags[i].safe, "T1: its watchdog left %s open",
                            m.tool->tags[i].name);
}

/* What the other links carry is at the abort image. */
static void check_others(void)
{
        for (int i = 0; i < m.tool->tag_count; i++) {
                const struct tool_tag *t = &m.tool->tags[i];
                double image = t->image[TOOL_IMAGE_ABORT].value;

                if (t->is_output && !is_ours(i))
                        TRIAL_CHECK(m.rig.out[i] == image, "T1: %s is %g", t->name, m.rig.out[i]);
        }
}

/* No precursor opened since the call that was under way at the cut; or, where only inputs were lost, since that was known:
 * the next call and its time-out. */
static void check_opens(void)
{
        int64_t known_us = m.cut_us + (m.cut_link == 0 ? 2 * TIME_MS : 400 * TIME_MS);

        for (int i = 0; i < m.tool->line_count; i++)
                TRIAL_CHECK(m.rig.opened_us[m.tool->lines[i].valve] <= known_us, "V4: %s opened afterwards",
                    m.tool->lines[i].name);
}

/* First out is what the cut made true first: the link itself, an input that came over it, the watchdog, or a valve whose
 * close could not be sent. */
static void check_first_out(void)
{
        static const char *const fair[] = {"link-valves", "link-plant", "watchdog-valve-io", "emergency-stop",
            "over-pressure", "pulse-close", "follow-nb.valve", "follow-water.valve"};
        static struct core_status status;

        core_get_status(m.core, &status);
        TRIAL_CHECK(status.latch_count > 0, "T3: nothing is latched in %s", machine_state_name(status.state));
        for (size_t i = 0; i < sizeof fair / sizeof fair[0]; i++)
                if (strcmp(status.latches[0].id, fair[i]) == 0)
                        return;
        TRIAL_CHECK(false, "T3: the first-out is %s", status.latches[0].id);
}

static void try_cut(int link, int at)
{
        const int64_t decide_us = link == 0 ? VALVES_US : PLANT_US;
        int64_t decided_us;

        begin_run(at, link);
        while (m.cut_us == 0)
                machine_run(m.rig.now_us + TIME_MS);
        while (!is_aborting() && m.rig.now_us < m.cut_us + decide_us)
                machine_run(m.rig.now_us + TIME_MS);
        TRIAL_CHECK(is_aborting(), "T1: no decision, %s", machine_state_name(machine_now()));
        decided_us = m.rig.now_us;
        if (link == 0 && m.rig.now_us < m.cut_us + WATCHDOG_US)
                machine_run(m.cut_us + WATCHDOG_US);
        if (link == 0)
                check_watchdog();
        if (m.rig.now_us < decided_us + CONFIRM_US)
                machine_run(decided_us + CONFIRM_US);
        check_others();
        machine_run(decided_us + 6 * TIME_S);
        TRIAL_CHECK(machine_now() == MACHINE_ABORTED, "S3: %s", machine_state_name(machine_now()));
        TRIAL_CHECK(m.runs_ended == 1, "the run's record was closed %d times", m.runs_ended);
        check_opens();
        check_watchdog();
        check_others();
        check_first_out();
        end_run();
}

START_TEST(test_cut)
{
        const char *every = getenv("TRIP_EVERY");
        int stride = every != NULL ? atoi(every) : STRIDE, trials = 0, last;

        begin_run(0, 0);
        for (int i = 0; i < 600 && machine_now() != MACHINE_COMPLETE; i++)
                machine_run(m.rig.now_us + 100 * TIME_MS);
        ck_assert_int_eq(machine_now(), MACHINE_COMPLETE);
        last = m.turns;
        end_run();
        for (int at = 2; at < last - 100; at += stride, trials++)
                try_cut(_i, at);
        if (getenv("TRIP_TELL") != NULL)
                fprintf(stderr, "link %d: %d turns, %d trials\n", _i, last, trials);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("link lost everywhere");
        TCase *tc = tcase_create("cut");

        tcase_set_timeout(tc, 600);
        tcase_add_loop_test(tc, test_cut, 0, 2);
        suite_add_tcase(s, tc);
        return suite_main(s);
}
