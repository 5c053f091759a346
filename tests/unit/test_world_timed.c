/* The simulated world with a module that times pulses itself: whatever becomes of the host, the valve closes on time. */
#include "suite.h"
#include "timed_tool.h"

#include "ald/base/time.h"   /* TIME_S */
#include "ald/core/core.h"   /* core_get_status */
#include "ald/core/record.h" /* struct record_pulse */
#include "ald/sim/world.h"   /* world_new */

static struct tool *tool;
static struct recipe *recipe;
static struct world *world;
static int water;

enum { OPENINGS = 64, PULSES = 256 };
static struct {
        int64_t open_us, close_us; /* at the module */
        enum world_by by;          /* closed */
} opening[OPENINGS];
static int openings, codes, coil_opens;
static struct record_pulse pulse[PULSES]; /* of water, ended */
static int pulses;

static void see_output(const struct world_note *n)
{
        if (n->tag != water)
                return;
        if (n->value != 0) {
                ck_assert_int_lt(openings, OPENINGS);
                opening[openings].open_us = n->t_us;
                opening[openings++].close_us = -1;
        } else if (openings > 0 && opening[openings - 1].close_us < 0) {
                opening[openings - 1].close_us = n->t_us;
                opening[openings - 1].by = n->by;
        }
}

static void see(void *ctx, const struct world_note *n)
{
        const struct tool_tag *t = &tool->tags[water];

        (void)ctx;
        if (n->kind == WORLD_OUTPUT)
                see_output(n);
        if (n->kind == WORLD_REPLY)
                codes = n->reply->code;
        if (n->kind == WORLD_REQUEST && n->device == t->device && n->action->kind == SCHED_WRITE &&
            n->action->reg == TOOL_COIL)
                coil_opens += n->action->words[0] != 0;
        if (n->kind == WORLD_RECORD && n->record->kind == RECORD_PULSE_END &&
            tool->lines[n->record->u.pulse.line].valve == water) {
                ck_assert_int_lt(pulses, PULSES);
                pulse[pulses++] = n->record->u.pulse;
        }
}

static void run(int64_t us)
{
        world_run(world, world_now(world) + us);
}

static int order(enum verb verb, bool now)
{
        struct command c = {.reply = 7,
            .verb = verb,
            .role = TOOL_ROLE_OPERATOR,
            .uid = 1000,
            .pid = 1,
            .user = "ann",
            .now = now,
            .recipe = verb == VERB_RUN ? recipe : NULL};

        ck_assert(world_command(world, &c));
        return codes;
}

static enum machine_state state(void)
{
        struct core_status status;

        core_get_status(world_core(world), &status);
        return status.state;
}

static void await(enum machine_state wanted)
{
        for (int i = 0; i < 6000 && state() != wanted; i++)
                run(10 * TIME_MS);
        ck_assert_str_eq(machine_state_name(state()), machine_state_name(wanted));
}

static void setup(void)
{
        struct world_config config = {
            .seed = 1, .sim = {.seed = 1, .ready = true}, .wall_us = 1700000000 * TIME_S, .see = see};

        tool = timed_tool_new();
        water = tool_find_tag(tool, "water.valve");
        config.tool = tool;
        openings = pulses = coil_opens = 0;
        world = world_new(tool, &config);
        ck_assert_ptr_nonnull(world);
        await(MACHINE_STOPPED);
        run(TIME_S);
        ck_assert_int_eq(order(VERB_RESET, false), 0);
        await(MACHINE_IDLE);
}

static void teardown(void)
{
        world_free(world);
        recipe_free(recipe);
        recipe = NULL;
        free(tool);
}

/* In a run whose water pulses are so wide. */
static void start_run(const char *width)
{
        struct file_set sets[] = {{"cycles", "3"}, {"purge", "6 s"}, {"base", "2 s"}, {"settle", "2 s"},
            {"cool", "120 degC"}, {"last_purge", "5 s"}, {"water_pulse", width}};

        recipe = support_recipe(tool, SUPPORT_RECIPE, sets, sizeof sets / sizeof sets[0]);
        ck_assert_int_eq(order(VERB_RUN, false), 0);
}

/* ... and water has just been opened. */
static void come_to_pulse(const char *width)
{
        start_run(width);
        for (int i = 0; i < 60000 && openings == 0; i++)
                run(10 * TIME_MS);
        ck_assert_int_eq(openings, 1);
        ck_assert_int_eq(opening[0].close_us, -1);
}

static void check_width(int i, int64_t us)
{
        ck_assert_int_eq(opening[i].by, WORLD_BY_MODULE);
        ck_assert_int_eq(opening[i].close_us - opening[i].open_us, us);
}

START_TEST(a_run)
{
        start_run("100 ms");
        await(MACHINE_EXECUTE);
        for (int i = 0; i < 60000 && state() == MACHINE_EXECUTE; i++)
                run(10 * TIME_MS);
        run(60 * TIME_S);
        ck_assert_int_eq(openings, 3);
        ck_assert_int_eq(pulses, 3);
        ck_assert_int_eq(coil_opens, 0);
        for (int i = 0; i < 3; i++) {
                check_width(i, 100 * TIME_MS);
                ck_assert_int_eq(pulse[i].outcome, PULSE_DONE);
                ck_assert_int_eq(pulse[i].width_us, 100 * TIME_MS);
                ck_assert(pulse[i].is_device_timed);
        }
}
END_TEST

START_TEST(a_crash_in_a_pulse)
{
        come_to_pulse("3 s");
        run(200 * TIME_MS);
        world_crash(world, 10 * TIME_S);
        run(8 * TIME_S);
        ck_assert_ptr_null(world_core(world));
        check_width(0, 3 * TIME_S); /* nobody else was there, and no watchdog either */
        run(10 * TIME_S);
        ck_assert_int_eq(state(), MACHINE_ABORTED);
        ck_assert_int_eq(openings, 1);
}
END_TEST

/* Loop and worker stand still over the end, as under SIGSTOP. */
START_TEST(stopped_in_a_pulse)
{
        come_to_pulse("100 ms");
        world_stall(world, 400 * TIME_MS, true);
        run(5 * TIME_S);
        check_width(0, 100 * TIME_MS);
        ck_assert_int_eq(pulses, 1);
        ck_assert_int_eq(pulse[0].outcome, PULSE_DONE);
}
END_TEST

START_TEST(cut_in_a_pulse)
{
        come_to_pulse("3 s");
        run(500 * TIME_MS);
        ck_assert_int_eq(order(VERB_HOLD, true), 0);
        run(TIME_S);
        ck_assert_int_eq(opening[0].by, WORLD_BY_REQUEST);
        ck_assert_int_lt(opening[0].close_us - opening[0].open_us, 530 * TIME_MS);
        ck_assert_int_eq(pulse[0].outcome, PULSE_CUT);
        ck_assert(!pulse[0].is_device_timed);
}
END_TEST

START_TEST(a_restart_of_the_module_in_a_pulse)
{
        come_to_pulse("400 ms");
        run(200 * TIME_MS);
        world_reboot(world, tool->tags[water].device, 100 * TIME_MS);
        run(10 * TIME_S);
        ck_assert_int_eq(opening[0].by, WORLD_BY_REBOOT);
        ck_assert_int_eq(pulse[0].outcome, PULSE_FAILED);
        ck_assert(!pulse[0].is_device_timed);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("world_timed");
        TCase *tests = tcase_create("timed");

        tcase_set_timeout(tests, 120);
        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_test(tests, a_run);
        tcase_add_test(tests, a_crash_in_a_pulse);
        tcase_add_test(tests, stopped_in_a_pulse);
        tcase_add_test(tests, cut_in_a_pulse);
        tcase_add_test(tests, a_restart_of_the_module_in_a_pulse);
        suite_add_tcase(suite, tests);
        return suite_main(suite);
}
