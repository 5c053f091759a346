/* A connection's pace: replaced at once when it breaks once, at a bounded rate when it breaks again and again. */
#include "suite.h"

#include "ald/base/time.h" /* TIME_MS */
#include "ald/link/conn.h" /* conn_broke */

static const struct tool_link link = {.name = "valves", .backoff_us_min = 250000, .backoff_us_max = 5000000};

/* Each connection works for one call and breaks at the next, a millisecond later. */
START_TEST(what_breaks_after_each_success_is_replaced_at_a_bounded_rate)
{
        struct conn c;
        int64_t now_us = TIME_S;
        int attempts = 0;

        conn_init(&c, &link, true, now_us);
        while (now_us < 2 * TIME_S) {
                int64_t due_us = conn_retry(&c, true, TIME_NEVER);

                now_us = due_us > now_us ? due_us : now_us;
                conn_connected(&c);
                attempts++;
                conn_worked(&c);
                now_us += TIME_MS;
                conn_broke(&c, now_us, "bytes that nobody asked for");
                conn_dropped(&c);
        }
        ck_assert_int_ge(attempts, 20);
        ck_assert_int_le(attempts, 60);
}
END_TEST

START_TEST(what_breaks_once_is_replaced_at_once)
{
        struct conn c;

        conn_init(&c, &link, true, 0);
        conn_connected(&c);
        conn_worked(&c);
        conn_broke(&c, TIME_S, "late");
        ck_assert_int_eq(conn_retry(&c, false, TIME_NEVER), TIME_S);
        conn_dropped(&c);
        conn_connected(&c);
        conn_worked(&c);
        conn_broke(&c, TIME_S + 30 * TIME_MS, "late");
        ck_assert_int_eq(conn_retry(&c, false, TIME_NEVER), TIME_S + 30 * TIME_MS);
}
END_TEST

/* V3, T1: the close of a short pulse, or a safe value, does not wait for the rate of replacements. */
START_TEST(what_breaks_again_is_replaced_for_an_edge)
{
        struct conn c;
        int64_t now_us = TIME_S;

        conn_init(&c, &link, true, 0);
        conn_connected(&c);
        conn_worked(&c);
        conn_replace(&c, now_us); /* a poll was given up for the open */
        conn_dropped(&c);
        conn_connected(&c);
        conn_worked(&c);
        now_us += 4 * TIME_MS;
        conn_broke(&c, now_us, "bytes that nobody asked for");
        ck_assert_int_eq(conn_retry(&c, true, TIME_NEVER), TIME_S + CONN_REPLACE_US);
        ck_assert_int_eq(conn_retry(&c, true, now_us), now_us);
        ck_assert_int_eq(conn_retry(&c, true, now_us + 6 * TIME_MS), now_us);
        ck_assert_int_eq(conn_retry(&c, true, now_us + 15 * TIME_MS), now_us + 5 * TIME_MS);
        ck_assert_int_eq(conn_retry(&c, true, now_us + TIME_S), TIME_S + CONN_REPLACE_US);
        conn_dropped(&c);
        conn_refused(&c, now_us, "no route"); /* down: an edge's hurry has its own pace */
        ck_assert_int_eq(conn_retry(&c, true, now_us), now_us + CONN_HURRY_US);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("conn");
        TCase *c = tcase_create("conn");

        tcase_add_test(c, what_breaks_after_each_success_is_replaced_at_a_bounded_rate);
        tcase_add_test(c, what_breaks_once_is_replaced_at_once);
        tcase_add_test(c, what_breaks_again_is_replaced_for_an_edge);
        suite_add_tcase(suite, c);
        return suite_main(suite);
}
