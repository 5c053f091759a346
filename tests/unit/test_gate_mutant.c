/* The real core with its exclusions and permits switched off, above the real links: the Makefile builds the arbiter and
 * core.c once more for this program, with tool_excludes() and interlock_permits() replaced by the two liars below. The
 * recipes are broken too: they open precursor valves by hand while others pulse, and purge for next to nothing.
 * Without the gate two precursors are open at once; with it they never are (SAFETY V1, V2, V3). */
#include "machine_rig.h"
#include "suite.h"

#include "ald/core/interlock.h"
#include "ald/sim/virtual.h"

enum { SEEDS = 40 };

bool mutant_excludes(const struct tool *tool, int tag_a, int tag_b, int64_t *purge_us);
bool mutant_permits(const struct interlocks *il, const struct snapshot *snap, int tag, int *which);

bool mutant_excludes(const struct tool *tool, int tag_a, int tag_b, int64_t *purge_us)
{
        (void)tool;
        (void)tag_a;
        (void)tag_b;
        if (purge_us)
                *purge_us = 0;
        return false;
}

bool mutant_permits(const struct interlocks *il, const struct snapshot *snap, int tag, int *which)
{
        (void)il;
        (void)snap;
        (void)tag;
        *which = -1;
        return true;
}

static struct tool *tool;
static struct recipe *recipe;

/* ---- a recipe that no checker would let pass ---- */

static const char recipe_text[] = "format: 1\n"
                                  "recipe: mutant\n"
                                  "title: Everything at once\n"
                                  "tool: rotary-ald\n"
                                  "phases:\n"
                                  "  coat:\n"
                                  "    - open: exhaust\n"
                                  "    - pulse: nb\n"
                                  "      for: 300 ms\n"
                                  "    - purge: 5 s\n"
                                  "    - open: exhaust\n"
                                  "    - pulse: water\n"
                                  "      for: 200 ms\n"
                                  "    - purge: 5 s\n"
                                  "    - open: exhaust\n"
                                  "    - wait: 1 s\n"
                                  "    - pulse: nb\n"
                                  "      for: 100 ms\n"
                                  "    - purge: 5 s\n"
                                  "    - pulse: water\n"
                                  "      for: 100 ms\n"
                                  "    - purge: 5 s\n";

static void make_recipe(struct rig *r)
{
        static const char *const names[] = {"nb.valve", "water.valve", "vent.valve"};

        recipe = support_recipe_text(tool, recipe_text, NULL, 0);
        for (int i = 0; i < recipe->op_count; i++) {
                struct recipe_op *op = &recipe->ops[i];

                if (op->kind == RECIPE_VALVE) {
                        op->tag = (int16_t)tool_find_tag(tool, names[rig_dice(r, 3)]);
                        op->value = rig_dice(r, 5) > 0;
                }
                if (op->kind == RECIPE_PURGE || op->kind == RECIPE_WAIT)
                        op->for_us = 60000 + (int64_t)rig_dice(r, 300000);
        }
}

/* ---- without the gate ---- */

static struct {
        double out[TOOL_TAGS_MAX];
        int mixed; /* opens while another of the group was open */
} bare;

static void see_bare_wire(void *ctx, int64_t t_us, int tag, double value, enum cause cause)
{
        (void)ctx;
        (void)t_us;
        (void)cause;
        bare.out[tag] = value;
        for (int k = 0; k < tool->interlock_count && value != 0; k++)
                for (int b = 0; b < tool->tag_count; b++)
                        bare.mixed += rig_excludes(&tool->interlocks[k], tag, b) && bare.out[b] != 0;
}

START_TEST(test_without_the_gate_precursors_mix)
{
        static struct rig dice;
        struct virtual_config config = {.sim = {.seed = 1, .ready = true},
            .start = machine_start(TIME_S),
            .watch = {.wire = see_bare_wire}};
        struct command command;

        tool = support_tool(SUPPORT_TOOL);
        memset(&bare, 0, sizeof bare);
        for (uint64_t seed = 1; seed <= 10; seed++) {
                struct virtual *v = virtual_new(tool, &config);

                dice.dice = seed * 7919;
                make_recipe(&dice);
                ck_assert(virtual_run_to(v, MACHINE_STOPPED, 20 * TIME_S));
                command = (struct command){.verb = VERB_RUN, .role = TOOL_ROLE_OPERATOR, .recipe = recipe};
                virtual_command(v, &command);
                virtual_run(v, virtual_now(v) + 20 * TIME_S);
                virtual_free(v);
                recipe_free(recipe);
        }
        ck_assert_int_gt(bare.mixed, 10);
        free(tool);
}
END_TEST

/* ---- with it ---- */

START_TEST(test_the_gate_holds)
{
        tool = support_tool(SUPPORT_TOOL);
        machine_begin(tool, (uint64_t)_i + 1);
        make_recipe(&m.rig);
        m.rig.fault_permille = _i % 4 == 3 ? 5 : 0;
        machine_do(VERB_RUN, recipe);
        machine_run(40 * TIME_S);
        RIG_CHECK(&m.rig, m.rig.opens > 0, "nothing was ever opened");
        for (int i = 0; i < tool->line_count; i++)
                RIG_CHECK(
                    &m.rig, m.rig.out[tool->lines[i].valve] == 0, "%s was left open", tool->lines[i].name);
        if (getenv("GATE_TELL"))
                fprintf(stderr, "seed %d: %d opens, %d refused, ends %s\n", _i + 1, m.rig.opens, m.refused,
                    machine_state_name(machine_now()));
        if (_i == 0) /* its recipe opens water by hand before niobium's pulse */
                RIG_CHECK(&m.rig, m.refused > 0, "nothing was refused: the core is not broken");
        machine_end();
        recipe_free(recipe);
}
END_TEST

int main(void)
{
        Suite *s = suite_create("gate below a mutated core");
        TCase *tc = tcase_create("mutant");

        tcase_set_timeout(tc, 60);
        tcase_add_test(tc, test_without_the_gate_precursors_mix);
        tcase_add_loop_test(tc, test_the_gate_holds, 0, SEEDS);
        suite_add_tcase(s, tc);
        return suite_main(s);
}
