/* The proof of the module's watchdog in the fault simulation: core, schedules, wire and module together (F2, T2, R1). */
#include "ald/base/time.h"   /* TIME_S */
#include "ald/core/core.h"   /* core_get_status */
#include "ald/core/recipe.h" /* recipe_free */
#include "ald/sim/sim.h"     /* sim_read */
#include "ald/sim/world.h"   /* world_new */

#include "unit/suite.h"
#include "unit/support.h" /* support_tool, support_recipe */

#include <check.h>  /* START_TEST */
#include <stdio.h>  /* snprintf */
#include <stdlib.h> /* free */
#include <string.h> /* strstr */

enum { SAID_MAX = 4096 };
static struct tool *tool;
static struct recipe *recipe;
static struct world *world;
static struct {
        char source[48], text[256];
        int64_t t_us;
} said[SAID_MAX];
static int said_count, lit, fallen, ready, code;
static char reply[256];

static int device(void)
{
        return tool_find_device(tool, "valve-io");
}

static void see(void *ctx, const struct world_note *n)
{
        (void)ctx;
        if (n->kind == WORLD_OUTPUT && n->tag == tool->devices[device()].proof_output) {
                lit += n->value > 0;
                fallen += n->by == WORLD_BY_WATCHDOG;
        }
        ready += n->kind == WORLD_READY;
        if (n->kind == WORLD_REPLY) {
                code = n->reply->code;
                snprintf(reply, sizeof reply, "%s", n->reply->text);
        }
        if (n->kind != WORLD_RECORD || n->record->kind != RECORD_EVENT || said_count == SAID_MAX)
                return;
        snprintf(said[said_count].source, sizeof said[0].source, "%s", n->record->u.event.source);
        snprintf(said[said_count].text, sizeof said[0].text, "%s", n->record->u.event.text);
        said[said_count++].t_us = n->t_us;
}

static void begin(void)
{
        struct world_config config = {.tool = tool,
            .seed = 1,
            .sim = {.seed = 1, .ready = true},
            .wall_us = 1700000000 * TIME_S,
            .see = see};

        said_count = lit = fallen = ready = 0;
        world = world_new(tool, &config);
        ck_assert_ptr_nonnull(world);
}

static void run(int64_t us)
{
        world_run(world, world_now(world) + us);
}

static int count(const char *text)
{
        int n = 0;

        for (int i = 0; i < said_count; i++)
                n += strstr(said[i].text, text) != NULL;
        return n;
}

static struct core_status status(void)
{
        struct core_status s;

        core_get_status(world_core(world), &s);
        return s;
}

static void await(enum machine_state wanted)
{
        for (int i = 0; i < 6000 && status().state != wanted; i++)
                run(10 * TIME_MS);
        ck_assert_str_eq(machine_state_name(status().state), machine_state_name(wanted));
}

static int order(enum verb verb)
{
        struct command c = {.reply = 7,
            .verb = verb,
            .role = TOOL_ROLE_OPERATOR,
            .uid = 1000,
            .pid = 1,
            .user = "ann",
            .recipe = verb == VERB_RUN ? recipe : NULL};

        if (verb == VERB_CONTROL)
                snprintf(c.name, sizeof c.name, "take");
        ck_assert(world_command(world, &c));
        return code;
}

static double held(const char *name)
{
        return sim_read(world_sim(world), tool_find_tag(tool, name));
}

static void lose(const char *link, int64_t us)
{
        struct world_wire wire = {.kind = WORLD_RESET,
            .link = tool_find_link(tool, link),
            .device = TOOL_NONE,
            .per_mille = 1000,
            .from_us = world_now(world),
            .until_us = world_now(world) + us};

        ck_assert(world_wire(world, &wire));
        wire.kind = WORLD_REFUSED;
        ck_assert(world_wire(world, &wire));
}

START_TEST(ready_waits_for_the_proof)
{
        begin();
        while (ready == 0 && world_now(world) < 10 * TIME_S)
                run(10 * TIME_MS);
        ck_assert_int_eq(lit, 1);
        ck_assert_int_eq(fallen, 1);
        ck_assert_int_eq(count("proven: spare.relay fell 1.0") + count("proven: spare.relay fell 0.9"), 1);
        ck_assert_int_lt(world_now(world), 2500 * TIME_MS);
        await(MACHINE_STOPPED);
        ck_assert_int_eq(status().latch_count, 0);
        ck_assert_int_eq(order(VERB_RUN), 0);
}
END_TEST

START_TEST(a_reconnect_proves_nothing_anew)
{
        begin();
        await(MACHINE_STOPPED);
        run(TIME_S);
        lose("valves", 300 * TIME_MS);
        run(10 * TIME_S);
        ck_assert_int_ge(count("up"), 3);
        ck_assert_int_eq(lit, 1);
        ck_assert_int_eq(order(VERB_RUN), 0);
}
END_TEST

START_TEST(a_device_that_was_restarted_is_proven_anew)
{
        begin();
        await(MACHINE_STOPPED);
        run(TIME_S);
        world_reboot(world, device(), 400 * TIME_MS);
        while (lit < 2 && world_now(world) < 60 * TIME_S)
                run(10 * TIME_MS);
        run(100 * TIME_MS);
        ck_assert_int_eq(order(VERB_RUN), 3);
        ck_assert_msg(strstr(reply, "is being proven") != NULL, "%s", reply);
        run(3 * TIME_S);
        ck_assert_int_eq(fallen, 2);
        ck_assert_int_eq(order(VERB_RUN), 0);
}
END_TEST

START_TEST(a_proof_that_loses_its_link_is_repeated)
{
        begin();
        while (lit == 0)
                run(10 * TIME_MS);
        run(200 * TIME_MS);
        lose("valves", _i * 400 * TIME_MS); /* before the fall, and beyond it */
        run(20 * TIME_S);
        ck_assert_int_ge(count("its proof was broken off"), 1);
        ck_assert_int_eq(count("proven: spare.relay fell"), 1);
        ck_assert_int_eq(count("the watchdog of valve-io expired"), 0);
        ck_assert_int_eq(status().latch_count, 0);
        ck_assert_int_eq(order(VERB_RUN), 0);
}
END_TEST

/* From so long on, for 20 s. */
static void befall(const char *what, int64_t in_us)
{
        char spec[80], why[200];

        snprintf(
            spec, sizeof spec, "%s@%lld ms+20s", what, (long long)((world_now(world) + in_us) / TIME_MS));
        ck_assert_msg(world_fault(world, spec, why, sizeof why), "%s", why);
}

/* T1: lit, but not yet read back, its module is fed on, and nothing but the core would let it fall (seed 430). */
START_TEST(a_trip_puts_out_what_is_not_read_back_yet)
{
        begin();
        for (int i = 0; i < 5000 && lit == 0; i++)
                run(TIME_MS);
        befall("absent:spare.relay", 0);
        befall("emo", 300 * TIME_MS);
        run(300 * TIME_MS);
        ck_assert(held("spare.relay") > 0);
        run(500 * TIME_MS);
        ck_assert_str_eq(status().latches[0].id, "emergency-stop");
        ck_assert(held("spare.relay") <= 0);
        ck_assert_int_eq(fallen, 0);
}
END_TEST

/* A crash in it: what the next start finds is an expiry like any other. */
START_TEST(a_crash_in_it)
{
        begin();
        while (lit == 0)
                run(10 * TIME_MS);
        run(200 * TIME_MS);
        world_crash(world, 3 * TIME_S);
        run(10 * TIME_S);
        ck_assert_int_eq(held("spare.relay"), 0);
        ck_assert_int_eq(ready, 1);
        ck_assert_int_eq(status().state, MACHINE_ABORTED);
        ck_assert_int_eq(order(VERB_RUN), 3);
        ck_assert_int_eq(order(VERB_RESET), 0);
        await(MACHINE_STOPPED);
        ck_assert_int_eq(count("proven: spare.relay fell"), 1);
        ck_assert_int_eq(order(VERB_RUN), 0);
}
END_TEST

START_TEST(a_dead_watchdog_refuses_runs)
{
        char why[160];

        begin();
        ck_assert(world_fault(world, "watchdog-dead:valve-io", why, sizeof why));
        await(MACHINE_STOPPED);
        run(TIME_S);
        ck_assert_int_eq(order(VERB_RUN), 3);
        ck_assert_msg(strstr(reply, "failed its proof") != NULL, "%s", reply);
        ck_assert_int_eq(count("the watchdog of valve-io failed its proof"), 1); /* the alarm, told once */
        ck_assert(held("spare.relay") == 0);
}
END_TEST

START_TEST(an_expiry_at_rest_trips_and_stays)
{
        begin();
        await(MACHINE_STOPPED);
        run(TIME_S);
        lose("valves", 2 * TIME_S);
        run(8 * TIME_S);
        ck_assert_int_eq(status().state, MACHINE_ABORTED);
        ck_assert_str_eq(status().latches[0].id, "watchdog-valve-io");
        run(20 * TIME_S);
        ck_assert_int_eq(status().state, MACHINE_ABORTED);
        ck_assert_int_eq(order(VERB_RESET), 0);
        await(MACHINE_STOPPED);
        ck_assert_int_eq(lit, 1); /* it has shown that it acts */
        ck_assert_int_eq(order(VERB_RUN), 0);
}
END_TEST

/* Somebody's hand in the proof: what is not safe waits, what is safe does not. */
START_TEST(nothing_else_moves_in_it)
{
        struct command c = {.reply = 7,
            .verb = VERB_SET,
            .role = TOOL_ROLE_ENGINEER,
            .uid = 1000,
            .pid = 1,
            .user = "ann",
            .value = 1};

        begin();
        await(MACHINE_STOPPED);
        run(TIME_S);
        ck_assert_int_eq(order(VERB_CONTROL), 0);
        world_reboot(world, device(), 400 * TIME_MS);
        while (lit < 2 && world_now(world) < 60 * TIME_S)
                run(10 * TIME_MS);
        c.tag = (int16_t)tool_find_tag(tool, "vent.valve");
        ck_assert(world_command(world, &c));
        ck_assert_int_eq(code, 3);
        ck_assert_msg(strstr(reply, "while the watchdog of valve-io is proven") != NULL, "%s", reply);
        ck_assert_int_eq(order(VERB_ABORT), 0);
        run(5 * TIME_S);
        ck_assert(held("spare.relay") == 0);
        ck_assert_int_eq(status().state, MACHINE_ABORTED);
}
END_TEST

static void setup(void)
{
        tool = support_tool(SUPPORT_TOOL);
        recipe = support_recipe(tool, "tests/sim/recipes/short.yaml", NULL, 0);
}

static void teardown(void)
{
        world_free(world);
        recipe_free(recipe);
        free(tool);
}

int main(void)
{
        Suite *suite = suite_create("proof");
        TCase *tc = tcase_create("proof");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_set_timeout(tc, 60);
        suite_add_tcase(suite, tc);
        tcase_add_test(tc, ready_waits_for_the_proof);
        tcase_add_test(tc, a_reconnect_proves_nothing_anew);
        tcase_add_test(tc, a_device_that_was_restarted_is_proven_anew);
        tcase_add_loop_test(tc, a_proof_that_loses_its_link_is_repeated, 1, 6);
        tcase_add_test(tc, a_trip_puts_out_what_is_not_read_back_yet);
        tcase_add_test(tc, a_crash_in_it);
        tcase_add_test(tc, a_dead_watchdog_refuses_runs);
        tcase_add_test(tc, an_expiry_at_rest_trips_and_stays);
        tcase_add_test(tc, nothing_else_moves_in_it);
        return suite_main(suite);
}
