/* The bus load: wire times against the figures of the manuals, sums worked out by hand, and each refusal. */
#include "ald/base/text.h"
#include "ald/base/time.h"
#include "ald/link/load.h"
#include "link_tool.h"
#include "suite.h"

#include <check.h>

static struct load load;
static char said[400];

static struct tool_link line_at(int baud)
{
        return (struct tool_link){.kind = TOOL_LINK_RTU, .baud = baud, .timeout_us = 300000};
}

/* A tool whose plant link is a line. */
static struct tool *on_a_line(int baud)
{
        struct tool *t = link_tool_new();
        t->links[LINK_PLANT].kind = TOOL_LINK_RTU;
        t->links[LINK_PLANT].baud = baud;
        for (int i = 0; i < t->tag_count; i++)
                t->tags[i].stale_us = 3 * t->tags[i].poll_us + 200000;
        return t;
}

static bool is_refused(const struct tool *t, int link)
{
        struct text why;
        text_init(&why, said, sizeof said);
        return load_refuses(&load, t, link, &why);
}

/* Times without the unit's own, as worked out for DEVICES.md: function 5, and function 3 of 20 registers. */
START_TEST(test_wire_times)
{
        static const struct {
                int baud;
                int64_t coil_us, read_us;
        } rows[] = {{9600, 26354, 68750}, {19200, 13177, 34375}, {38400, 8083, 18682}, {115200, 5027, 8560}};
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct tool_link l = line_at(rows[i].baud);
                ck_assert_int_le(llabs((long long)(load_wire_us(&l, 8, 8) - rows[i].coil_us)), 3);
                ck_assert_int_le(llabs((long long)(load_wire_us(&l, 8, 45) - rows[i].read_us)), 3);
        }
        struct tool_link tcp = {.kind = TOOL_LINK_TCP};
        ck_assert_int_eq(load_wire_us(&tcp, 8, 255), LOAD_TCP_US);
}
END_TEST

START_TEST(test_calls)
{
        struct tool *t = on_a_line(9600);
        struct tool_link l = line_at(9600);
        /* 20 registers: 5 bytes and 40. 17 coils: 5 and 3. */
        ck_assert_int_eq(load_read_us(t, LINK_PLANT, DEV_PLANT, TOOL_HOLDING, 20),
            load_wire_us(&l, 8, 45) + LOAD_ANSWER_RTU_US);
        ck_assert_int_eq(load_read_us(t, LINK_PLANT, DEV_PLANT, TOOL_COIL, 17),
            load_wire_us(&l, 8, 8) + LOAD_ANSWER_RTU_US);
        t->devices[DEV_PLANT].answer_us = 7000;
        ck_assert_int_eq(
            load_read_us(t, LINK_PLANT, DEV_PLANT, TOOL_INPUT, 1), load_wire_us(&l, 8, 7) + 7000);
        /* Function 16 with two registers asks with 13 bytes, function 5 with 8. */
        ck_assert_int_eq(load_write_us(t, LINK_PLANT, TAG_FLOW_SET), load_wire_us(&l, 13, 8) + 7000);
        ck_assert_int_eq(load_write_us(t, LINK_VALVES, TAG_NB), LOAD_TCP_US + LOAD_ANSWER_TCP_US);
        free(t);
}
END_TEST

/* One device, one request every 100 ms, one watchdog, nothing else: by hand. */
START_TEST(test_sum)
{
        struct tool *t = on_a_line(9600);
        struct tool_link l = line_at(9600);
        for (int i = 0; i < t->tag_count; i++)
                t->tags[i].poll_us = i == TAG_FLOW ? 200000 : 0;
        t->devices[DEV_VALVES].watchdog.present = false;
        for (int i = 0; i < t->tag_count; i++)
                t->tags[i].is_output = false;
        ck_assert(!is_refused(t, LINK_PLANT));
        double call = (double)(load_wire_us(&l, 8, 9) + LOAD_ANSWER_RTU_US);
        ck_assert_double_eq_tol(load.share, call / 200000, 1e-9);
        ck_assert_double_eq_tol(load.polls, load.share, 1e-9);
        ck_assert_double_eq_tol(load.wire, (call - LOAD_ANSWER_RTU_US) / 200000, 1e-9);
        ck_assert_int_eq(load.busiest, DEV_PLANT);
        ck_assert_double_eq_tol(load.device_share[DEV_PLANT], load.share, 1e-9);
        t->devices[DEV_PLANT].pause_us = 50000; /* of which the line is free */
        ck_assert(!is_refused(t, LINK_PLANT));
        ck_assert_double_eq_tol(load.share, call / 200000, 1e-9);
        ck_assert_double_eq_tol(load.device_share[DEV_PLANT], (call + 50000) / 200000, 1e-9);
        ck_assert_int_eq(load.round_us, (int64_t)call + 50000);
        t->devices[DEV_PLANT].pause_us = 130000;
        ck_assert(is_refused(t, LINK_PLANT));
        ck_assert_int_eq(load.verdict, LOAD_DEVICE_FULL);
        ck_assert(strstr(said, "'plant-io'") && strstr(said, "130 ms"));
        free(t);
}
END_TEST

/* The valves' own link carries their reads too. */
static struct tool *shared(enum tool_link_kind kind, int64_t timeout_us)
{
        struct tool *t = on_a_line(19200);
        t->links[LINK_VALVES].kind = kind;
        t->links[LINK_VALVES].baud = 115200;
        t->links[LINK_VALVES].timeout_us = timeout_us;
        t->devices[DEV_VALVES].poll_link = LINK_VALVES;
        t->line_count = 2;
        for (int i = 0; i < 2; i++)
                t->lines[i] = (struct tool_line){.name = "nb",
                    .valve = (int16_t)(TAG_NB + i),
                    .pulse_us_min = 20000,
                    .purge_us_min = 5000000};
        return t;
}

START_TEST(test_feeds_and_writes)
{
        struct tool *t = link_tool_new();
        double call = (double)(LOAD_TCP_US + LOAD_ANSWER_TCP_US);
        ck_assert(!is_refused(t, LINK_VALVES));
        /* A look and a write. */
        ck_assert_double_eq_tol(load.feeds, 2 * call / 250000, 1e-9);
        ck_assert_double_eq_tol(load.polls, 0, 1e-12);
        /* A counter is read after each feed and in each look. */
        t->devices[DEV_VALVES].watchdog.counter_register = 557;
        ck_assert(!is_refused(t, LINK_VALVES));
        ck_assert_double_eq_tol(load.feeds, 3 * call / 250000, 1e-9);
        t->devices[DEV_VALVES].watchdog.counter_register = TOOL_NONE;
        ck_assert(!is_refused(t, LINK_VALVES));
        /* Three outputs are written here, three read back there, and three written there too. */
        ck_assert_double_eq_tol(load.writes, 3 * call / 10e6, 1e-9);
        ck_assert(!is_refused(t, LINK_PLANT));
        ck_assert_double_eq_tol(load.writes, 9 * call / 10e6, 1e-9);
        ck_assert_double_eq_tol(load.feeds, 0, 1e-12);
        free(t);
}
END_TEST

/* Open, close, and the look that proves a pulse of what a watchdog guards. */
START_TEST(test_pulses_are_looked_after)
{
        struct tool *t = shared(TOOL_LINK_TCP, 200000);
        double call = (double)(LOAD_TCP_US + LOAD_ANSWER_TCP_US), period = 20000 + 5000000;
        ck_assert(!is_refused(t, LINK_VALVES));
        ck_assert_double_eq_tol(load.edges, 3 * call / period, 1e-9);
        t->devices[DEV_VALVES].watchdog.counter_register = 557;
        ck_assert(!is_refused(t, LINK_VALVES));
        ck_assert_double_eq_tol(load.edges, 4 * call / period, 1e-9);
        t->tags[TAG_NB].failsafe = t->tags[TAG_WATER].failsafe = TOOL_FAILSAFE_EXTERNAL;
        ck_assert(!is_refused(t, LINK_VALVES));
        ck_assert_double_eq_tol(load.edges, 2 * call / period, 1e-9);
        free(t);
}
END_TEST

/* 80 % is borne, a little more is not. */
START_TEST(test_full)
{
        struct tool *t = on_a_line(9600);
        struct tool_link l = line_at(9600);
        for (int i = 0; i < t->tag_count; i++) {
                t->tags[i].poll_us = i == TAG_FLOW ? 200000 : 0;
                t->tags[i].is_output = false;
        }
        t->devices[DEV_VALVES].watchdog.present = false;
        t->devices[DEV_PLANT].answer_us = 160000 - load_wire_us(&l, 8, 9);
        ck_assert(!is_refused(t, LINK_PLANT));
        ck_assert_double_eq_tol(load.share, 0.8, 1e-9);
        t->devices[DEV_PLANT].answer_us += 200;
        ck_assert(is_refused(t, LINK_PLANT));
        ck_assert_int_eq(load.verdict, LOAD_FULL);
        ck_assert(strstr(said, "at most 80 %") && strstr(said, "'plant-io'") && strstr(said, "9600 baud"));
        free(t);
}
END_TEST

START_TEST(test_too_many_requests)
{
        struct tool *t = link_tool_new();
        while (t->tag_count < TOOL_TAGS_MAX)
                link_tool_tag(t, "x", DEV_PLANT, TOOL_INPUT, 100 + 2 * t->tag_count, TOOL_UINT16);
        ck_assert(is_refused(t, LINK_PLANT));
        ck_assert(strstr(said, "128 requests"));
        free(t);
}
END_TEST

/* ---- The guard window, and pulses beside polls ---- */

START_TEST(test_guard)
{
        struct tool_link line = line_at(9600), tcp = {.kind = TOOL_LINK_TCP, .timeout_us = 300000};
        struct tool_device d = {.pause_us = 4000};
        ck_assert_int_eq(
            load_guard_us(&line, &d, 1000), 300000 + 4000 + 10000); /* whatever it usually takes */
        ck_assert_int_eq(load_guard_us(&tcp, &d, 1000), 5000 + 4000 + 10000);
        ck_assert_int_eq(load_guard_us(&tcp, &d, 20000), 40000 + 4000 + 10000);
        ck_assert_int_eq(load_guard_us(&tcp, &d, 200000), 300000 + 4000 + 10000);
}
END_TEST

START_TEST(test_a_link_without_pulses_is_not_shared)
{
        struct tool *t = shared(TOOL_LINK_TCP, 200000);
        ck_assert(!is_refused(t, LINK_VALVES));
        ck_assert(load.is_shared);
        t->devices[DEV_VALVES].poll_link = LINK_PLANT;
        t->devices[DEV_VALVES].watchdog.present = false;
        ck_assert(!is_refused(t, LINK_VALVES));
        ck_assert(!load.is_shared && load.guard_us == 0);
        load_set_leads(t);
        ck_assert_int_eq(t->lines[0].lead_us, 0);
        free(t);
}
END_TEST

START_TEST(test_polls_starve_beside_pulses)
{
        struct tool *t = shared(TOOL_LINK_RTU, 120000);
        t->devices[DEV_VALVES].answer_us = 5000;
        /* Guard 130 ms, an edge 10.03 ms: a pulse of 140.03 ms has no room, nor has the time before it. Read back every
         * 100 ms, in a round of one request and the watchdog's status: about 401 ms. */
        ck_assert(!is_refused(t, LINK_VALVES));
        ck_assert_int_eq(load.guard_us, 130000);
        int64_t edge = load_write_us(t, LINK_VALVES, TAG_NB);
        ck_assert_int_eq(load.blackout_us, 2 * (130000 + edge));
        int64_t needed = 100000 + load.blackout_us + load.round_us;
        for (int i = TAG_NB; i <= TAG_EXHAUST; i++)
                t->tags[i].stale_us = needed;
        ck_assert(!is_refused(t, LINK_VALVES));
        t->tags[TAG_WATER].stale_us = needed - 1;
        ck_assert(is_refused(t, LINK_VALVES));
        ck_assert_int_eq(load.verdict, LOAD_STALE);
        ck_assert_int_eq(load.tag, TAG_WATER);
        ck_assert_int_eq(load.needed_us, needed);
        ck_assert(strstr(said, "'water.valve'") && strstr(said, "stale_after"));
        /* A valve that may not be open for so long: its widest pulse counts. */
        t->tags[TAG_NB].max_open_us = t->tags[TAG_WATER].max_open_us = 100000;
        ck_assert(!is_refused(t, LINK_VALVES));
        ck_assert_int_eq(load.blackout_us, 130000 + edge + 100000);
        /* One whose every pulse has room in it: the window and the edge alone. */
        t->tags[TAG_NB].max_open_us = t->tags[TAG_WATER].max_open_us = 5000000;
        t->lines[0].pulse_us_min = t->lines[1].pulse_us_min = 130000 + edge;
        ck_assert(!is_refused(t, LINK_VALVES));
        ck_assert_int_eq(load.blackout_us, 130000 + edge);
        free(t);
}
END_TEST

/* The window is each device's own: a slow neighbour's does not keep the watchdog from being fed, only its call does. */
START_TEST(test_a_slow_neighbour_keeps_to_itself)
{
        struct tool *t = shared(TOOL_LINK_TCP, 300000);
        struct tool_device *slow = &t->devices[DEV_PLANT];
        slow->link = slow->poll_link = LINK_VALVES;
        slow->answer_us = 200000;
        for (int i = TAG_PRESSURE; i < t->tag_count; i++) {
                t->tags[i].poll_us = i == TAG_SPEED ? 2000000 : 0;
                t->tags[i].stale_us = 3000000;
                t->tags[i].is_output = false;
        }
        ck_assert(!is_refused(t, LINK_VALVES));
        ck_assert_int_eq(load.guard_us, 310000);
        load_set_leads(t);
        ck_assert_int_eq(t->lines[0].lead_us, 310000); /* for what was not foretold */
        /* 2 s, two windows and edges, and the round: the slow one, the read back and the status. */
        int64_t edge = load_write_us(t, LINK_VALVES, TAG_NB);
        int64_t needed = 2000000 + 2 * (310000 + edge) + load.round_us;
        t->tags[TAG_SPEED].stale_us = needed - 1;
        ck_assert(is_refused(t, LINK_VALVES));
        ck_assert_int_eq(load.verdict, LOAD_STALE);
        ck_assert_int_eq(load.needed_us, needed);
        t->tags[TAG_SPEED].stale_us = needed;
        /* The feed: its period, no window to speak of, one slow call, a look and the feed itself. */
        t->devices[DEV_VALVES].watchdog.timeout_us = 250000 + (15000 + edge) + 200500 + 2 * edge;
        ck_assert(!is_refused(t, LINK_VALVES));
        t->devices[DEV_VALVES].watchdog.timeout_us--;
        ck_assert(is_refused(t, LINK_VALVES));
        ck_assert_int_eq(load.verdict, LOAD_UNFED);
        free(t);
}
END_TEST

START_TEST(test_no_room_between_pulses)
{
        struct tool *t = shared(TOOL_LINK_RTU, 120000);
        t->devices[DEV_VALVES].answer_us = 5000;
        t->lines[1].purge_us_min = 160000;
        ck_assert(is_refused(t, LINK_VALVES));
        ck_assert_int_eq(load.verdict, LOAD_NO_ROOM);
        ck_assert_int_eq(load.line, 1);
        int64_t edge = load_write_us(t, LINK_VALVES, TAG_NB);
        ck_assert_double_eq_tol(load.free_share, (double)(160000 - 130000 - edge) / 180000, 1e-9);
        ck_assert(strstr(said, "link of their own"));
        free(t);
}
END_TEST

START_TEST(test_a_watchdog_starves_beside_pulses)
{
        struct tool *t = shared(TOOL_LINK_RTU, 350000);
        t->devices[DEV_VALVES].poll_link = LINK_PLANT;
        t->devices[DEV_VALVES].answer_us = 5000; /* 250 + 2 x 370 + 3 calls of 10 ms: 1.02 s */
        ck_assert(is_refused(t, LINK_VALVES));
        ck_assert_int_eq(load.verdict, LOAD_UNFED);
        ck_assert(strstr(said, "'valve-io'"));
        t->links[LINK_VALVES].timeout_us = 330000;
        ck_assert(!is_refused(t, LINK_VALVES));
        free(t);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("load");
        TCase *tc = tcase_create("load");
        tcase_add_test(tc, test_wire_times);
        tcase_add_test(tc, test_calls);
        tcase_add_test(tc, test_sum);
        tcase_add_test(tc, test_feeds_and_writes);
        tcase_add_test(tc, test_pulses_are_looked_after);
        tcase_add_test(tc, test_full);
        tcase_add_test(tc, test_too_many_requests);
        tcase_add_test(tc, test_guard);
        tcase_add_test(tc, test_a_link_without_pulses_is_not_shared);
        tcase_add_test(tc, test_polls_starve_beside_pulses);
        tcase_add_test(tc, test_a_slow_neighbour_keeps_to_itself);
        tcase_add_test(tc, test_no_room_between_pulses);
        tcase_add_test(tc, test_a_watchdog_starves_beside_pulses);
        suite_add_tcase(s, tc);
        return suite_main(s);
}
