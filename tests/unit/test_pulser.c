/* The simulated channel that times pulses itself. */
#include "unit/suite.h"

#include "ald/base/time.h"  /* TIME_NEVER */
#include "ald/sim/module.h" /* MODULE_* */
#include "ald/sim/pulser.h" /* struct pulser */

enum { WIDTH = 18, START = 34, COUNT = 50, MODE = 65 };

static const struct tool_pulse map = {.present = true,
    .width_register = WIDTH,
    .width_type = TOOL_UINT32,
    .width_order = TOOL_ORDER_CDAB,
    .width_unit_us = 100,
    .setup_count = 1,
    .setup = {{MODE, 1}},
    .start_register = START,
    .start_value = 7,
    .count_register = COUNT};
static struct pulser p;

static bool put(int address, int word, int64_t now_us)
{
        bool begins;

        ck_assert_int_eq(pulser_write(&p, address, (uint16_t)word, now_us, &begins), MODULE_OK);
        return begins;
}

static int get(int address)
{
        uint16_t word = 0;

        ck_assert_int_eq(pulser_read(&p, address, &word), MODULE_OK);
        return word;
}

/* Set up, with a width of 100 ms. */
static void set_up(void)
{
        pulser_init(&p, &map);
        ck_assert(!put(MODE, 1, 0));
        ck_assert(!put(WIDTH, 1000, 0));
}

START_TEST(a_pulse)
{
        ck_assert(put(START, 7, 5000));
        ck_assert_int_eq(pulser_deadline_us(&p), 105000);
        ck_assert_int_eq(get(COUNT), 0);
        ck_assert(!put(START, 7, 50000)); /* one at a time */
        ck_assert(!put(WIDTH, 2000, 50000));
        ck_assert(!pulser_expire(&p, 104999));
        ck_assert(pulser_expire(&p, 105000)); /* the width that it began with */
        ck_assert(!pulser_expire(&p, 200000));
        ck_assert_int_eq(get(COUNT), 1);
        ck_assert(put(START, 7, 200000));
        ck_assert_int_eq(pulser_deadline_us(&p), 400000);
}
END_TEST

START_TEST(cut)
{
        ck_assert(!pulser_cut(&p));
        ck_assert(put(START, 7, 0));
        ck_assert(pulser_cut(&p));
        ck_assert_int_eq(pulser_deadline_us(&p), TIME_NEVER);
        ck_assert_int_eq(get(COUNT), 0); /* it was no whole one */
}
END_TEST

START_TEST(not_set_up)
{
        put(MODE, 0, 0);
        ck_assert(!put(START, 7, 0));
        put(MODE, 1, 0);
        ck_assert(!put(START, 6, 0));
        put(WIDTH, 0, 0);
        ck_assert(!put(START, 7, 0));
        put(WIDTH + 1, 1, 0);
        ck_assert(put(START, 7, 0));
        ck_assert_int_eq(pulser_deadline_us(&p), 6553600); /* low word first */
}
END_TEST

START_TEST(its_registers)
{
        uint16_t word;
        bool begins;
        struct tool_pulse none = {0};

        ck_assert_int_eq(get(MODE), 1);
        ck_assert_int_eq(get(WIDTH), 1000);
        ck_assert_int_eq(get(WIDTH + 1), 0);
        ck_assert_int_eq(pulser_read(&p, WIDTH + 2, &word), MODULE_NO_REGISTER);
        ck_assert_int_eq(pulser_write(&p, COUNT, 1, 0, &begins), MODULE_NO_REGISTER); /* read only */
        pulser_init(&p, &none);
        ck_assert_int_eq(pulser_read(&p, 0, &word), MODULE_NO_REGISTER);
        ck_assert_int_eq(pulser_deadline_us(&p), TIME_NEVER);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("pulser");
        TCase *tests = tcase_create("pulser");

        tcase_add_checked_fixture(tests, set_up, NULL);
        tcase_add_test(tests, a_pulse);
        tcase_add_test(tests, cut);
        tcase_add_test(tests, not_set_up);
        tcase_add_test(tests, its_registers);
        suite_add_tcase(suite, tests);
        return suite_main(suite);
}
