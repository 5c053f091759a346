/* The simulated tool as aldsim serves it: registers, module watchdogs in real time, physics at any speed. */
#include "ald/app/aldsim_tool.h" /* aldsim_tool_new */
#include "ald/base/time.h"       /* TIME_MS */
#include "ald/bus/bus.h"         /* bus_now_us */

#include "unit/suite.h"
#include "unit/sim_tool.h" /* sim_tool_make */

#include <check.h> /* START_TEST */
#include <math.h>  /* NAN */

static struct tool tool;
static struct aldsim_tool *behind;
static struct server_tool on;

enum { TIME_REGISTER = 0x1000, TRIGGER = 0x1003, STATUS = 0x1006, RESTART = 0x1007 };

static void begin(double speed)
{
        struct sim_config config = {.seed = 1, .ready = true};

        behind = aldsim_tool_new(&tool, &config, speed);
        ck_assert_ptr_nonnull(behind);
        on = aldsim_tool_callbacks(behind);
}

static void setup(void)
{
        sim_tool_make(&tool);
        tool.devices[D_VALVES].watchdog = (struct tool_watchdog){.present = true,
            .time_register = TIME_REGISTER,
            .time_unit_us = 10 * TIME_MS,
            .trigger_register = TRIGGER,
            .status_register = STATUS,
            .status = {TOOL_WATCHDOG_OFF, TOOL_WATCHDOG_RUNNING, TOOL_WATCHDOG_EXPIRED, 0xffff},
            .counter_register = TOOL_NONE,
            .restart_count = 1,
            .restart = {{RESTART, 1}},
            .drives = TOOL_DRIVES_SAFE};
}

static void teardown(void)
{
        aldsim_tool_free(behind);
}

static double get(int tag)
{
        double value = -1;

        ck_assert_int_eq(on.read(on.ctx, tag, &value), 0);
        return value;
}

static int put(int tag, double value)
{
        return on.write(on.ctx, tag, value);
}

static int status(void)
{
        uint16_t word = 99;

        ck_assert_int_eq(on.read_watchdog(on.ctx, D_VALVES, STATUS, &word), 0);
        return word;
}

static void put_word(int address, int word)
{
        ck_assert_int_eq(on.write_watchdog(on.ctx, D_VALVES, address, (uint16_t)word), 0);
}

/* Run as aldsim does until the watchdog has expired; how long after fed_us that was (us). */
static int64_t await_expiry(int64_t fed_us)
{
        while (aldsim_tool_tick(behind) != TIME_NEVER)
                ck_assert_int_lt(bus_now_us() - fed_us, 10 * TIME_S);
        return bus_now_us() - fed_us;
}

START_TEST(test_watchdog)
{
        begin(1000); /* a thousand times as fast, but not the watchdog */
        ck_assert_int_eq(status(), TOOL_WATCHDOG_OFF);
        ck_assert_int_eq(put(T_NB, 1), 0);
        ck_assert_int_eq(put(T_EXHAUST, 0), 0);
        ck_assert_int_eq(put(T_BED_SP, 3), 0);
        put_word(TIME_REGISTER, 40);   /* 400 ms */
        int64_t fed_us = bus_now_us(); /* the feed itself comes a moment later, never before */

        put_word(TRIGGER, 1);
        ck_assert_int_ge(await_expiry(fed_us), 400 * TIME_MS);
        ck_assert_int_eq(status(), TOOL_WATCHDOG_EXPIRED);
        ck_assert_int_eq(
            on.read(on.ctx, T_NB, &(double){0}), 4); /* it answers nothing but its watchdog's own */
        ck_assert_double_eq(get(T_BED_SP), 3);       /* another device */
        ck_assert_int_eq(put(T_NB, 1), 4);
        ck_assert_int_eq(put(T_NB, 0), 4);
        ck_assert_int_eq(put(T_BED_SP, 2), 0);
        put_word(RESTART, 1);
        ck_assert_int_eq(status(), TOOL_WATCHDOG_RUNNING);
        ck_assert_double_eq(get(T_NB), 0);
        ck_assert_double_eq(get(T_EXHAUST), 1); /* safe is open */
        ck_assert_int_eq(put(T_NB, 1), 0);
        ck_assert_double_eq(get(T_NB), 1);
        await_expiry(bus_now_us()); /* nobody feeds it */
        put_word(RESTART, 1);
        ck_assert_double_eq(get(T_NB), 0);
}
END_TEST

/* A fed watchdog stays quiet; a read feeds nothing. */
START_TEST(test_only_feeding_feeds)
{
        int64_t begun_us, fed_us = 0;

        begin(1);
        put_word(TIME_REGISTER, 50);
        begun_us = bus_now_us();
        for (int i = 1; bus_now_us() - begun_us < 300 * TIME_MS; i++) {
                fed_us = bus_now_us(); /* the feed itself comes a moment later, never before */
                put_word(TRIGGER, i & 0xff);
        }
        ck_assert_int_eq(status(), TOOL_WATCHDOG_RUNNING);
        while (status() == TOOL_WATCHDOG_RUNNING)
                ck_assert_int_lt(bus_now_us() - fed_us, 10 * TIME_S);
        ck_assert_int_ge(bus_now_us() - fed_us, 500 * TIME_MS);
}
END_TEST

START_TEST(test_speed)
{
        begin(1000);
        ck_assert_int_eq(put(T_FLOW_SP, 70), 0);
        int64_t begun_us = bus_now_us();

        /* A minute of physics. */
        while (get(T_FLOW) < 69)
                ck_assert_int_lt(bus_now_us() - begun_us, 5 * TIME_S);
        ck_assert_int_lt(bus_now_us() - begun_us, 5 * TIME_S);
}
END_TEST

START_TEST(test_values_and_delays)
{
        char why[256];

        begin(1);
        ck_assert_int_eq(put(T_FLOW_SP, NAN), 3);
        ck_assert_double_eq(get(T_FLOW_SP), 10);
        ck_assert_int_eq(on.reply_delay(on.ctx, D_FLOW, false), 0);
        ck_assert(aldsim_tool_fault(behind, "slow:flow=5 ms", why, sizeof why));
        ck_assert_int_eq(on.reply_delay(on.ctx, D_FLOW, false), 5000);
        ck_assert(!aldsim_tool_fault(behind, "slow:flew=5 ms", why, sizeof why));
        ck_assert_ptr_nonnull(strstr(why, "did you mean 'flow'"));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sim_served");
        TCase *c = tcase_create("aldsim");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_set_timeout(c, 60);
        tcase_add_test(c, test_watchdog);
        tcase_add_test(c, test_only_feeding_feeds);
        tcase_add_test(c, test_speed);
        tcase_add_test(c, test_values_and_delays);
        suite_add_tcase(s, c);
        return suite_main(s);
}
