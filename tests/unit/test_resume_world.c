/* The daemon is killed around every edge of a run, in the simulated world with its links, its modules and its disk; the next process
 * goes on with what was stored. On the wire and in the record the recipe's pulses come once each, but for the recorded repeat (S2). */
#include "ald/base/time.h"   /* TIME_S */
#include "ald/core/core.h"   /* core_get_status */
#include "ald/core/resume.h" /* resume_prepare */
#include "ald/sim/world.h"   /* world_new */

#include "unit/suite.h"
#include "unit/resume_rig.h" /* SUPER */
#include "unit/support.h"    /* support_tool, support_recipe_text */

#include <check.h>  /* START_TEST */
#include <stdio.h>  /* snprintf */
#include <stdlib.h> /* free */
#include <string.h> /* strcmp */

enum { PULSES_MAX = 64, HANDED_MAX = 16 };

static struct tool *tool;
static struct recipe *recipe;
static struct world *world;

/* What the disk has of pulses, in the order in which it came there. */
static struct {
        int64_t cycle;
        char path[64];
        int attempt;
        enum pulse_outcome outcome;
} stored[PULSES_MAX];
static int stored_count;
/* First letters of the lines that opened on the wire, and how many did before the kill. */
static char wire[PULSES_MAX + 1], reference[PULSES_MAX + 1];
static int opened, opened_before;
/* Killed at so many notes behind the hand-over of pulse number so many; 0 = never. */
static int handed, kill_pulse, kill_notes;
static bool is_killed;
static int records_made, records_stored; /* of pulses' beginnings */
static bool was_unstored;                /* a pulse had been handed over whose row was not on the disk yet */

static void see_stored(const struct record_pulse *p, bool is_end)
{
        int i = stored_count;

        for (int k = 0; k < stored_count; k++)
                if (stored[k].cycle == p->cycle && stored[k].attempt == p->attempt &&
                    strcmp(stored[k].path, p->path) == 0)
                        i = k;
        ck_assert_int_lt(i, PULSES_MAX);
        stored_count += i == stored_count;
        stored[i].cycle = p->cycle;
        stored[i].attempt = p->attempt;
        stored[i].outcome = is_end ? (enum pulse_outcome)p->outcome : PULSE_INTERRUPTED;
        snprintf(stored[i].path, sizeof stored[i].path, "%s", p->path);
}

static void see_kill(const struct world_note *n)
{
        bool is_handed = n->kind == WORLD_RECORD && n->record->kind == RECORD_PULSE_START;

        handed += is_handed;
        if (is_killed || handed != kill_pulse || kill_pulse == 0 || --kill_notes > 0)
                return;
        is_killed = true;
        was_unstored = records_stored < records_made;
        world_crash(world, 2 * TIME_S);
}

static void see(void *ctx, const struct world_note *n)
{
        bool is_open = n->kind == WORLD_OUTPUT && n->value > 0 && n->by == WORLD_BY_REQUEST;

        (void)ctx;
        if (is_open && tool_find_line_of_valve(tool, n->tag) >= 0) {
                ck_assert_int_lt(opened, PULSES_MAX);
                wire[opened++] = tool->tags[n->tag].name[0];
                wire[opened] = '\0';
        }
        if (n->kind == WORLD_STORED && n->record != NULL &&
            (n->record->kind == RECORD_PULSE_START || n->record->kind == RECORD_PULSE_END))
                see_stored(&n->record->u.pulse, n->record->kind == RECORD_PULSE_END);
        records_made += n->kind == WORLD_RECORD && n->record->kind == RECORD_PULSE_START;
        records_stored +=
            n->kind == WORLD_STORED && n->record != NULL && n->record->kind == RECORD_PULSE_START;
        /* What was on the wire when the process ended still arrives. */
        if (n->kind == WORLD_BEGUN)
                opened_before = opened;
        see_kill(n);
}

static enum machine_state state(void)
{
        struct core_status status;

        if (world_core(world) == NULL)
                return MACHINE_STATE_COUNT;
        core_get_status(world_core(world), &status);
        return status.state;
}

static void await(enum machine_state wanted, int64_t within_us)
{
        int64_t limit_us = world_now(world) + within_us;

        while (state() != wanted && !(is_killed && wanted == MACHINE_COMPLETE) && world_now(world) < limit_us)
                world_run(world, world_now(world) + 10 * TIME_MS);
        ck_assert_msg(state() == wanted || is_killed, "the state is %d, not %s", (int)state(),
            machine_state_name(wanted));
}

static void order(enum verb verb)
{
        struct command c = {
            .reply = 7, .verb = verb, .role = TOOL_ROLE_OPERATOR, .uid = 1000, .pid = 1, .user = "ann"};

        c.recipe = verb == VERB_RUN ? recipe : NULL;
        ck_assert(world_command(world, &c));
}

static void compile(void)
{
        recipe_free(recipe);
        recipe = support_recipe_text(tool, SUPER, NULL, 0);
}

static void begin(uint64_t seed)
{
        struct world_config config = {.tool = tool,
            .seed = seed,
            .sim = {.seed = 1, .ready = true},
            .wall_us = 1700000000 * TIME_S,
            .see = see};

        world_free(world);
        stored_count = opened = opened_before = handed = records_made = records_stored = 0;
        is_killed = false;
        world = world_new(tool, &config);
        ck_assert_ptr_nonnull(world);
        compile();
        await(MACHINE_STOPPED, 10 * TIME_S);
        order(VERB_RUN);
}

/* With the last row that is stored. False: there is none. */
static bool resume(void)
{
        struct resume_refusal why = {.text = ""};
        struct resume_from from = {.run_id = 1};

        if (stored_count == 0)
                return false;
        from.cycle = stored[stored_count - 1].cycle;
        from.path = stored[stored_count - 1].path;
        from.attempt = stored[stored_count - 1].attempt;
        from.outcome = stored[stored_count - 1].outcome;
        compile();
        if (!resume_prepare(recipe, tool, &from, &why)) {
                /* Its last pulse was done. */
                ck_assert_msg(strstr(why.text, "behind its last pulse") != NULL, "%s", why.text);
                return false;
        }
        order(VERB_RUN);
        await(MACHINE_EXECUTE, TIME_MIN);
        order(VERB_CONFIRM);
        return true;
}

static int count_done(void)
{
        int done = 0;

        for (int i = 0; i < stored_count; i++)
                done += stored[i].outcome == PULSE_DONE;
        return done;
}

/* Each pulse of the recipe is done once in the record, in order; on the wire only the one that was repeated opened twice. */
static void check(int pulse, int notes)
{
        bool is_repeated = false;
        char expected[2 * PULSES_MAX];

        for (int i = 0; i < stored_count; i++)
                is_repeated = is_repeated || stored[i].attempt > 1;
        ck_assert_msg(
            count_done() == (int)strlen(reference), "pulse %d, note %d: %d done", pulse, notes, count_done());
        snprintf(expected, sizeof expected, "%.*s%s", opened_before, reference,
            reference + opened_before - (opened > (int)strlen(reference)));
        ck_assert_msg(strcmp(wire, expected) == 0, "pulse %d, note %d: on the wire %s, not %s", pulse, notes,
            wire, expected);
        /* A pulse that opens as it is handed over may be ahead of its row by what a write takes: that one nobody knows of. */
        ck_assert_msg(opened == (int)strlen(reference) || is_repeated || was_unstored,
            "pulse %d, note %d: a repeat that is not told", pulse, notes);
}

static void setup(void)
{
        tool = support_tool(SUPPORT_TOOL);
        kill_pulse = 0;
        begin(1);
        await(MACHINE_COMPLETE, 10 * TIME_MIN);
        ck_assert_int_eq(count_done(), opened);
        snprintf(reference, sizeof reference, "%s", wire);
}

static void teardown(void)
{
        world_free(world);
        world = NULL;
        recipe_free(recipe);
        free(tool);
}

/* Behind the hand-over: before its row is on the disk, at the edges, in the dose, in the purge. */
static const int notes_behind[] = {1, 3, 8, 20, 45, 90, 400};

/* The next process, reset as soon as its module lets it be. */
static void come_back(void)
{
        int64_t limit_us = world_now(world) + TIME_MIN;

        while (state() != MACHINE_STOPPED && world_now(world) < limit_us) {
                if (state() == MACHINE_ABORTED)
                        order(VERB_RESET);
                world_run(world, world_now(world) + 100 * TIME_MS);
        }
        ck_assert_int_eq(state(), MACHINE_STOPPED);
}

START_TEST(test_killed_around_every_edge)
{
        int resumed = 0, repeated = 0;

        for (int i = 0; i < (int)strlen(reference); i++)
                for (size_t k = 0; k < sizeof notes_behind / sizeof notes_behind[0]; k++) {
                        kill_pulse = i + 1;
                        kill_notes = notes_behind[k];
                        begin((uint64_t)(100 * i) + k);
                        await(MACHINE_COMPLETE, 10 * TIME_MIN);
                        ck_assert(is_killed);
                        is_killed = false;
                        kill_pulse = 0;
                        come_back();
                        if (!resume())
                                continue;
                        await(MACHINE_COMPLETE, 10 * TIME_MIN);
                        check(i, notes_behind[k]);
                        resumed++;
                        repeated += opened > (int)strlen(reference);
                }
        ck_assert_int_gt(resumed, 50);
        ck_assert_int_gt(repeated, 10); /* those were killed while open */
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("resume_world");
        TCase *tc = tcase_create("killed");

        tcase_add_checked_fixture(tc, setup, teardown);
        tcase_set_timeout(tc, 120);
        tcase_add_test(tc, test_killed_around_every_edge);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
