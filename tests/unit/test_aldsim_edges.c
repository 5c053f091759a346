/* aldsim's log of edges: every change of an output once, with the time at which it took effect, whoever made it. */
#include "ald/app/aldsim_edges.h" /* aldsim_edges_open */
#include "ald/app/aldsim_tool.h"  /* aldsim_tool_new */
#include "ald/base/time.h"        /* TIME_MS */
#include "ald/bus/bus.h"          /* bus_now_us */

#include "unit/suite.h"
#include "unit/sim_tool.h" /* sim_tool_make */

#include <check.h>    /* START_TEST */
#include <inttypes.h> /* SCNd64 */
#include <stdlib.h>   /* mkstemp */
#include <unistd.h>   /* unlink */

enum { TIME_REGISTER = 0x1000, TRIGGER = 0x1003, LINES_MAX = 16 };

static struct tool tool;
static struct aldsim_tool *behind;
static struct aldsim_edges *edges;
static char path[] = "/tmp/ald-edges.XXXXXX";

static struct line {
        char tag[TOOL_NAME_MAX];
        double value;
        int64_t t_us;
} lines[LINES_MAX];

static void setup(void)
{
        struct sim_config config = {.seed = 1, .ready = true};

        sim_tool_make(&tool);
        tool.devices[D_VALVES].watchdog = (struct tool_watchdog){.present = true,
            .time_register = TIME_REGISTER,
            .time_unit_us = 10 * TIME_MS,
            .trigger_register = TRIGGER,
            .status_register = 0x1006,
            .status = {TOOL_WATCHDOG_OFF, TOOL_WATCHDOG_RUNNING, TOOL_WATCHDOG_EXPIRED, 0xffff},
            .counter_register = TOOL_NONE,
            .restart_count = 1,
            .restart = {{0x1007, 1}},
            .drives = TOOL_DRIVES_SAFE};
        strcpy(path + strlen(path) - 6, "XXXXXX");
        close(mkstemp(path));
        behind = aldsim_tool_new(&tool, &config, 1);
        edges = aldsim_edges_open(&tool, path);
        ck_assert_ptr_nonnull(edges);
        aldsim_tool_log_edges(behind, edges);
}

static void teardown(void)
{
        aldsim_tool_free(behind);
        unlink(path);
}

/* Close the log and read it; how many lines it has. */
static int read_lines(void)
{
        FILE *f = fopen(path, "r");
        int n = 0;

        aldsim_tool_log_edges(behind, NULL);
        ck_assert_int_eq(aldsim_edges_close(edges), 0);
        while (n < LINES_MAX &&
               fscanf(f, "%47s %lf %" SCNd64 "\n", lines[n].tag, &lines[n].value, &lines[n].t_us) == 3)
                n++;
        ck_assert(feof(f));
        fclose(f);
        return n;
}

static void check_line(int i, int tag, double value, int64_t from_us, int64_t until_us)
{
        ck_assert_str_eq(lines[i].tag, tool.tags[tag].name);
        ck_assert_double_eq(lines[i].value, value);
        ck_assert_int_ge(lines[i].t_us, from_us);
        ck_assert_int_le(lines[i].t_us, until_us);
}

START_TEST(test_writes)
{
        struct server_tool on = aldsim_tool_callbacks(behind);
        int64_t at_us[4];

        at_us[0] = bus_now_us();
        on.write(on.ctx, T_NB, 1);
        at_us[1] = bus_now_us();
        on.write(on.ctx, T_NB, 1); /* no change, no line */
        on.write(on.ctx, T_FLOW_SP, 12.5);
        at_us[2] = bus_now_us();
        aldsim_edges_write(edges); /* in parts as well as at once */
        on.write(on.ctx, T_NB, 0);
        at_us[3] = bus_now_us();
        ck_assert_int_eq(read_lines(), 3);
        check_line(0, T_NB, 1, at_us[0], at_us[1]);
        check_line(1, T_FLOW_SP, 12.5, at_us[1], at_us[2]);
        check_line(2, T_NB, 0, at_us[2], at_us[3]);
}
END_TEST

/* The watchdog closes at its own time, not when somebody looks. */
START_TEST(test_expiry)
{
        struct server_tool on = aldsim_tool_callbacks(behind);
        int64_t fed_us, after_us;

        on.write(on.ctx, T_NB, 1);
        on.write_watchdog(on.ctx, D_VALVES, TIME_REGISTER, 5); /* 50 ms */
        fed_us = bus_now_us();
        on.write_watchdog(on.ctx, D_VALVES, TRIGGER, 1);
        after_us = bus_now_us();
        while (bus_now_us() < after_us + 200 * TIME_MS)
                continue;
        aldsim_tool_tick(behind);
        ck_assert_int_eq(read_lines(), 2);
        check_line(1, T_NB, 0, fed_us + 50 * TIME_MS, after_us + 50 * TIME_MS);
}
END_TEST

/* Before it is asked and after, nothing is noted. */
START_TEST(test_silent)
{
        struct server_tool on = aldsim_tool_callbacks(behind);

        aldsim_tool_log_edges(behind, NULL);
        on.write(on.ctx, T_NB, 1);
        aldsim_tool_log_edges(behind, edges);
        on.write(on.ctx, T_NB, 0);
        ck_assert_int_eq(read_lines(), 1);
        ck_assert_double_eq(lines[0].value, 0);
}
END_TEST

/* What is lost is counted: a queue that nobody empties, a file that takes no more. */
START_TEST(test_lost)
{
        enum { MANY = 20000, FITS = 16384 };
        struct aldsim_edges *full = aldsim_edges_open(&tool, "/dev/full");

        for (int i = 0; i < MANY; i++)
                aldsim_edges_note(edges, T_NB, i & 1, i);
        aldsim_tool_log_edges(behind, NULL);
        ck_assert_int_eq(aldsim_edges_close(edges), MANY - FITS);
        ck_assert_ptr_nonnull(full);
        for (int i = 0; i < 500; i++)
                aldsim_edges_note(full, T_NB, i & 1, i);
        ck_assert_int_eq(aldsim_edges_close(full), 500);
        ck_assert_ptr_null(aldsim_edges_open(&tool, "/nowhere/at/all"));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("aldsim_edges");
        TCase *c = tcase_create("edges");

        tcase_add_checked_fixture(c, setup, teardown);
        tcase_add_test(c, test_writes);
        tcase_add_test(c, test_expiry);
        tcase_add_test(c, test_silent);
        tcase_add_test(c, test_lost);
        suite_add_tcase(s, c);
        return suite_main(s);
}
