/* The watchdog inside a simulated output module. */
#include "suite.h"

#include "ald/base/time.h"  /* TIME_MS, TIME_NEVER */
#include "ald/sim/module.h" /* module_write */

#include <check.h> /* START_TEST */

static const struct tool_watchdog map = {.present = true,
    .time_register = 0x1000,
    .time_unit_us = 100 * TIME_MS,
    .timeout_us = TIME_S,
    .feed_us = 250 * TIME_MS,
    .trigger_register = 0x1003,
    .status_register = 0x1006,
    .status = {TOOL_WATCHDOG_OFF, TOOL_WATCHDOG_RUNNING, TOOL_WATCHDOG_EXPIRED, 0xffff},
    .counter_register = TOOL_NONE,
    .restart_count = 1,
    .restart = {{0x1007, 1}},
    .drives = TOOL_DRIVES_SAFE};
static struct module module;

static void setup(void)
{
        module_init(&module, &map);
}

static int64_t now_us;

static int get(int address)
{
        uint16_t word = 0xbeef;

        ck_assert_int_eq(module_read(&module, address, &word, now_us), MODULE_OK);
        return word;
}

static void put(int address, int word, int64_t at_us)
{
        now_us = at_us;
        ck_assert_int_eq(module_write(&module, address, (uint16_t)word, now_us), MODULE_OK);
}

START_TEST(test_off_at_power_up)
{
        ck_assert_int_eq(get(0x1006), TOOL_WATCHDOG_OFF);
        ck_assert_int_eq(module_deadline_us(&module), TIME_NEVER);
        ck_assert(!module_expire(&module, 1000 * TIME_S));
        put(0x1000, 10, 0); /* the time alone starts nothing */
        ck_assert_int_eq(get(0x1000), 10);
        ck_assert_int_eq(get(0x1006), TOOL_WATCHDOG_OFF);
        put(0x1003, 0, 0); /* nor does a trigger that does not change */
        ck_assert_int_eq(get(0x1006), TOOL_WATCHDOG_OFF);
}
END_TEST

START_TEST(test_feeding)
{
        put(0x1000, 10, 0);
        put(0x1003, 1, 5 * TIME_S);
        ck_assert_int_eq(get(0x1006), TOOL_WATCHDOG_RUNNING);
        ck_assert_int_eq(get(0x1003), 1);
        ck_assert_int_eq(module_deadline_us(&module), 6 * TIME_S);
        ck_assert(!module_expire(&module, 5900 * TIME_MS));
        put(0x1003, 2, 5900 * TIME_MS);
        ck_assert_int_eq(module_deadline_us(&module), 6900 * TIME_MS);
        put(0x1003, 2, 6800 * TIME_MS); /* unchanged: no feeding */
        ck_assert_int_eq(module_deadline_us(&module), 6900 * TIME_MS);
        ck_assert(module_expire(&module, 6900 * TIME_MS));
        ck_assert(!module_expire(&module, 6950 * TIME_MS)); /* once */
        ck_assert_int_eq(get(0x1006), TOOL_WATCHDOG_EXPIRED);
}
END_TEST

START_TEST(test_latched_until_restart)
{
        put(0x1000, 10, 0);
        put(0x1003, 1, 0);
        ck_assert(module_expire(&module, 2 * TIME_S));
        ck_assert_int_eq(module_write(&module, 0x1003, 2, 2 * TIME_S), MODULE_FAILURE);
        ck_assert_int_eq(get(0x1006), TOOL_WATCHDOG_EXPIRED);
        put(0x1007, 0, 3 * TIME_S);
        ck_assert_int_eq(get(0x1006), TOOL_WATCHDOG_EXPIRED);
        ck_assert_int_eq(module_write(&module, 0x1007, 7, 3 * TIME_S), MODULE_NO_VALUE);
        put(0x1007, 1, 4 * TIME_S);
        ck_assert_int_eq(get(0x1006), TOOL_WATCHDOG_RUNNING);
        ck_assert_int_eq(module_deadline_us(&module), 5 * TIME_S); /* and watches again from here */
        put(0x1007, 1, 4500 * TIME_MS);                            /* no way to feed it */
        ck_assert_int_eq(module_deadline_us(&module), 5 * TIME_S);
}
END_TEST

START_TEST(test_registers)
{
        uint16_t word = 7;

        ck_assert_int_eq(module_read(&module, 0x1002, &word, 0), MODULE_NO_REGISTER);
        ck_assert_int_eq(word, 7);
        ck_assert_int_eq(module_write(&module, 0x1002, 1, 0), MODULE_NO_REGISTER);
        ck_assert_int_eq(
            module_write(&module, 0x1006, 1, 0), MODULE_NO_REGISTER); /* the status is read only */
        ck_assert_int_eq(module_write(&module, 0x1000, 0, 0), MODULE_NO_VALUE);
        ck_assert_int_gt(get(0x1000), 0);
        ck_assert_int_eq(get(0x1007), 0);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("sim_module");
        TCase *c = tcase_create("watchdog");

        tcase_add_checked_fixture(c, setup, NULL);
        tcase_add_test(c, test_off_at_power_up);
        tcase_add_test(c, test_feeding);
        tcase_add_test(c, test_latched_until_restart);
        tcase_add_test(c, test_registers);
        suite_add_tcase(s, c);
        return suite_main(s);
}
