/* The gate: exclusions, maximum open times, leases. */
#include "ald/base/time.h"
#include "ald/link/gate.h"
#include "link_tool.h"
#include "suite.h"

#include <check.h>

static struct tool *tool;
static struct gate gate;

static void set_up(void)
{
        tool = link_tool_new();
        gate_init(&gate, tool, LINK_VALVES, 0);
}

static void tear_down(void)
{
        free(tool);
}

static void put(int tag, double value, int64_t now_us)
{
        gate_sending(&gate, tag, value, now_us);
        gate_acked(&gate, tag, value, now_us, now_us);
}

START_TEST(test_unknown_until_closed)
{
        ck_assert_int_eq(
            gate_check(&gate, TAG_NB, 1, 0), GATE_UNKNOWN); /* water may be open since before we started */
        ck_assert_int_eq(gate_check(&gate, TAG_NB, 0, 0), GATE_PASS);
        put(TAG_WATER, 0, 0);
        ck_assert_int_eq(gate_check(&gate, TAG_NB, 1, 0), GATE_PASS);
        ck_assert_int_eq(gate_blocker(&gate, TAG_NB), TOOL_NONE);
}
END_TEST

START_TEST(test_exclusion)
{
        put(TAG_WATER, 0, 0);
        put(TAG_NB, 0, 0);
        gate_sending(&gate, TAG_NB, 1, 10); /* counts from before it is acknowledged */
        ck_assert_int_eq(gate_check(&gate, TAG_WATER, 1, 0), GATE_EXCLUDED);
        ck_assert_int_eq(gate_blocker(&gate, TAG_WATER), TAG_NB);
        ck_assert_int_eq(gate_check(&gate, TAG_WATER, 0, 0), GATE_PASS);
        gate_sending(&gate, TAG_NB, 0, 20); /* a close counts only once acknowledged */
        ck_assert_int_eq(gate_check(&gate, TAG_WATER, 1, 0), GATE_EXCLUDED);
        gate_acked(&gate, TAG_NB, 0, 20, 30);
        ck_assert_int_eq(gate_check(&gate, TAG_WATER, 1, 0), GATE_PASS);
}
END_TEST

START_TEST(test_open_is_not_energised)
{
        /* An exhaust valve is safe when open: open it counts for exclusions, closed it counts as energised. */
        struct tool_interlock *k = &tool->interlocks[tool->interlock_count++];
        *k = (struct tool_interlock){
            .kind = TOOL_EXCLUSIVE, .outputs = {TAG_EXHAUST, TAG_NB}, .output_count = 2};
        enum cause cause;
        put(TAG_WATER, 0, 0);
        put(TAG_EXHAUST, 1, 0);
        ck_assert_int_eq(gate_check(&gate, TAG_NB, 1, 0), GATE_EXCLUDED);
        put(TAG_NB, 1, 0);
        ck_assert_int_eq(gate_check(&gate, TAG_EXHAUST, 1, 0), GATE_PASS); /* safe values always pass */
        tool->tags[TAG_EXHAUST].max_open_us = 1000;
        ck_assert_int_eq(gate_limit(&gate, TAG_EXHAUST, 0, &cause), TIME_NEVER);
        put(TAG_EXHAUST, 0, 50);
        ck_assert_int_eq(gate_limit(&gate, TAG_EXHAUST, 0, &cause), 1050);
}
END_TEST

START_TEST(test_other_links_are_not_seen)
{
        struct tool_interlock *k = &tool->interlocks[tool->interlock_count++];
        *k = (struct tool_interlock){
            .kind = TOOL_EXCLUSIVE, .outputs = {TAG_FLOW_SET, TAG_NB}, .output_count = 2};
        put(TAG_WATER, 0, 0);
        ck_assert_int_eq(gate_check(&gate, TAG_NB, 1, 0), GATE_PASS);
}
END_TEST

START_TEST(test_limits)
{
        enum cause cause;
        int64_t turn = 1000000;
        /* Left open by whoever was before us, for all we know: it has its maximum open time from our start. */
        ck_assert_int_eq(gate_limit(&gate, TAG_NB, turn, &cause), 5000000);
        ck_assert_int_eq(cause, CAUSE_DEADLINE);
        put(TAG_NB, 0, turn);
        ck_assert_int_eq(gate_limit(&gate, TAG_NB, turn, &cause), TIME_NEVER);
        gate_sending(&gate, TAG_NB, 1, turn);
        ck_assert_int_eq(gate_limit(&gate, TAG_NB, turn, &cause), turn + 500000);
        ck_assert_int_eq(cause, CAUSE_LEASE);
        gate_sending(&gate, TAG_NB, 1, turn + 900000); /* again: the first one counts */
        ck_assert_int_eq(gate_limit(&gate, TAG_NB, turn + 4900000, &cause), turn + 5000000);
        ck_assert_int_eq(cause, CAUSE_DEADLINE);
        ck_assert_int_lt(gate_limit(&gate, TAG_NB, INT64_MIN, &cause), 0); /* no turn ever: lapsed */
        gate_set_timed(&gate, TAG_NB, true);                               /* a pulse carries its own close */
        ck_assert_int_eq(gate_limit(&gate, TAG_NB, turn, &cause), TIME_NEVER);
        gate_set_timed(&gate, TAG_NB, false);
        gate_acked(&gate, TAG_NB, 0, turn, turn);
        ck_assert_int_eq(gate_limit(&gate, TAG_NB, turn, &cause), TIME_NEVER);
}
END_TEST

START_TEST(test_purge_between)
{
        tool->interlocks[0].purge_us = 5000000;
        put(TAG_NB, 0, 0); /* what was closed when we came was not opened by us */
        put(TAG_WATER, 0, 0);
        ck_assert_int_eq(gate_check(&gate, TAG_WATER, 1, 0), GATE_PASS);
        put(TAG_NB, 1, 1000000);
        gate_sending(&gate, TAG_NB, 0, 2000000);
        gate_acked(&gate, TAG_NB, 0, 2000000, 2001000);
        put(TAG_NB, 0, 2500000); /* closed already: the purge does not begin anew */
        ck_assert_int_eq(gate_check(&gate, TAG_WATER, 1, 7000000 - GATE_PURGE_SLACK_US - 1), GATE_PURGING);
        ck_assert_int_eq(gate_check(&gate, TAG_WATER, 0, 3000000), GATE_PASS);
        ck_assert_int_eq(gate_check(&gate, TAG_NB, 1, 3000000), GATE_PASS); /* itself */
        ck_assert_int_eq(gate_check(&gate, TAG_WATER, 1, 7000000 - GATE_PURGE_SLACK_US), GATE_PASS);
}
END_TEST

START_TEST(test_lost_write_is_doubted)
{
        int64_t from;
        put(TAG_WATER, 0, 0);
        put(TAG_NB, 0, 0);
        gate_sending(&gate, TAG_NB, 1, 1000000);
        gate_lost(&gate, TAG_NB, 1);
        gate_acked(&gate, TAG_NB, 0, 1300000, 1301000);
        ck_assert(gate_is_doubtful(&gate, TAG_NB, &from));
        ck_assert_int_eq(from, 1501000); /* a time-out later */
        gate_acked(&gate, TAG_NB, 0, 1500999, 1502000);
        ck_assert_int_eq(gate_check(&gate, TAG_WATER, 1, 1600000), GATE_EXCLUDED);
        gate_acked(&gate, TAG_NB, 0, 1501000, 1503000);
        ck_assert(!gate_is_doubtful(&gate, TAG_NB, &from));
        ck_assert_int_eq(gate_check(&gate, TAG_WATER, 1, 1600000), GATE_PASS);
        gate_lost(&gate, TAG_NB, 0); /* a close that comes late does no harm */
        gate_acked(&gate, TAG_NB, 0, 1700000, 1701000);
        ck_assert(!gate_is_doubtful(&gate, TAG_NB, &from));
}
END_TEST

/* What may have been left open is purged like what was opened (V2). */
START_TEST(test_left_open)
{
        tool->interlocks[0].purge_us = 5000000;
        gate_left_open(&gate);
        ck_assert_int_eq(gate_check(&gate, TAG_NB, 1, 0), GATE_EXCLUDED);
        put(TAG_WATER, 0, 1000000);
        put(TAG_WATER, 0, 2000000); /* closed already */
        ck_assert_int_eq(gate_check(&gate, TAG_NB, 1, 5900000), GATE_PURGING);
        ck_assert_int_eq(gate_check(&gate, TAG_NB, 1, 6000000), GATE_PASS);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("gate");
        TCase *tc = tcase_create("gate");
        tcase_add_checked_fixture(tc, set_up, tear_down);
        tcase_add_test(tc, test_unknown_until_closed);
        tcase_add_test(tc, test_exclusion);
        tcase_add_test(tc, test_open_is_not_energised);
        tcase_add_test(tc, test_other_links_are_not_seen);
        tcase_add_test(tc, test_limits);
        tcase_add_test(tc, test_purge_between);
        tcase_add_test(tc, test_left_open);
        tcase_add_test(tc, test_lost_write_is_doubted);
        suite_add_tcase(s, tc);
        return suite_main(s);
}
