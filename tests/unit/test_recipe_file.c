/* Recipes as compiled: the reference recipe number for number, nested loops, planned times, conditions, guards. */
#include "unit/suite.h"
#include "unit/support.h"

#include "ald/base/time.h"        /* TIME_S */
#include "ald/file/recipe_file.h" /* recipe_file_keys */

#include <dirent.h> /* opendir */
#include <math.h>   /* fabs */
#include <stdio.h>  /* snprintf */

static struct tool *tool;

static void set_up(void)
{
        tool = support_tool(SUPPORT_TOOL);
}

static void tear_down(void)
{
        free(tool);
}

#define SAME(a, b)                                                                                           \
        ck_assert_msg(fabs((a) - (b)) < 1e-9, "%s is %.17g, not %.17g", #a, (double)(a), (double)(b))

static const struct recipe_op *nth(const struct recipe *r, enum recipe_op_kind kind, int n)
{
        for (int i = 0; i < r->op_count; i++)
                if (r->ops[i].kind == kind && n-- == 0)
                        return &r->ops[i];
        ck_abort_msg("no such op");
        return NULL;
}

/* PROCESS.md, section 1: 30 cycles of 1 s niobium, 20 s, 0.1 s water, 20 s; 175 and 110 degC; 70 sccm; 3 rpm. */
START_TEST(the_reference_recipe)
{
        struct recipe *r = support_recipe(tool, SUPPORT_RECIPE, NULL, 0);
        ck_assert_str_eq(r->name, "nb2o5-nmc532");
        ck_assert_int_eq(r->cycles, 30);
        ck_assert_int_eq(r->pulses, 60);
        ck_assert_int_eq(r->timed_us, 30 * INT64_C(41100000));
        const struct recipe_op *loop = nth(r, RECIPE_REPEAT, 0), *nb = nth(r, RECIPE_PULSE, 0),
                               *water = nth(r, RECIPE_PULSE, 1);
        ck_assert(loop->is_cycle);
        ck_assert_int_eq(loop->count, 30);
        ck_assert_int_eq(loop->body_us, 41100000);
        ck_assert_int_eq(r->ops[loop->jump].kind, RECIPE_REPEAT_END);
        ck_assert_ptr_eq(&r->ops[r->ops[loop->jump].jump], loop);
        ck_assert_int_eq(nb->for_us, 1000000);
        ck_assert_int_eq(nb->tail_us, 40100000);
        ck_assert_int_eq(water->for_us, 100000);
        ck_assert_int_eq(water->tail_us, 20000000);
        ck_assert_str_eq(tool->lines[nb->line].name, "nb");
        ck_assert_str_eq(tool->lines[water->line].name, "water");
        ck_assert_int_eq(r->phase_count, 3);
        ck_assert_str_eq(r->phases[1].name, "coat");
        ck_assert_ptr_eq(&r->ops[r->phases[1].first], loop);
        ck_assert_int_eq(nb->phase, 1);
        SAME(r->growth_nm, 0.167);
        SAME(r->powder_m2_g, 0.4);
        ck_assert_int_eq(r->hold_us_max, 30 * TIME_MIN);
        ck_assert_int_eq(r->hold_then, TOOL_ACT_STOP);
        ck_assert(!r->resume_asks);
        recipe_free(r);
}
END_TEST

START_TEST(set_points_of_the_reference_recipe)
{
        struct recipe *r = support_recipe(tool, SUPPORT_RECIPE, NULL, 0);
        static const struct {
                const char *tag;
                double value;
                bool is_standby;
        } wanted[] = {{"carrier.flow.setpoint", 10, false}, {"bed.speed.setpoint", 3, false},
            {"carrier.flow.setpoint", 70, false}, {"chamber.temperature.setpoint", 175, false}};
        for (int i = 0; i < 4; i++) {
                const struct recipe_op *op = nth(r, RECIPE_SET, i);
                ck_assert_str_eq(tool->tags[op->tag].name, wanted[i].tag);
                SAME(op->value, wanted[i].value);
                ck_assert(op->is_standby == wanted[i].is_standby && op->ramp <= 0);
        }
        int last = r->finally_first;
        ck_assert_int_eq(r->ops[last - 1].kind, RECIPE_END);
        ck_assert_int_eq(r->ops[last].kind, RECIPE_PURGE);
        ck_assert_int_eq(r->ops[last].phase, -1);
        ck_assert_int_eq(r->ops[r->op_count - 1].kind, RECIPE_END);
        recipe_free(r);
}
END_TEST

START_TEST(waits_and_guards)
{
        struct recipe *r = support_recipe(tool, SUPPORT_RECIPE, NULL, 0);
        const struct recipe_op *base = nth(r, RECIPE_WAIT_UNTIL, 0);
        ck_assert_int_eq(base->for_us, TIME_MIN);
        ck_assert_int_eq(base->timeout_us, 30 * TIME_MIN);
        ck_assert_int_eq(base->otherwise, TOOL_ACT_HOLD);
        ck_assert_str_eq(r->conds[base->cond].text, "chamber.pressure < 950 mTorr");
        const struct cond_node *n = &r->pool.nodes[r->conds[base->cond].root];
        ck_assert_int_eq(n->a, tool->gauge);
        SAME(n->value, 0.95);
        ck_assert_int_eq(r->guard_count, 2);
        ck_assert_int_eq(r->guards[0].phases, 1u << 1);
        ck_assert_int_eq(r->guards[0].for_us, 30 * TIME_S);
        ck_assert_int_eq(r->guards[0].otherwise, TOOL_ACT_HOLD);
        n = &r->pool.nodes[r->conds[r->guards[0].cond].root];
        ck_assert_int_eq(n->op, COND_WITHIN);
        ck_assert_int_eq(n->a, tool->loops[tool->chamber].value);
        ck_assert_int_eq(n->b, tool->loops[tool->chamber].setpoint);
        SAME(n->span, 3);
        recipe_free(r);
}
END_TEST

START_TEST(sets_replace_defaults)
{
        const struct file_set sets[] = {{"cycles", "2"}, {"nb_pulse", "500 ms"}};
        struct recipe *r = support_recipe(tool, SUPPORT_RECIPE, sets, 2);
        ck_assert_int_eq(r->cycles, 2);
        ck_assert_int_eq(nth(r, RECIPE_PULSE, 0)->for_us, 500000);
        ck_assert_str_eq(r->parameters[0].name, "cycles");
        ck_assert_str_eq(r->parameters[0].value, "2");
        ck_assert_str_eq(r->parameters[2].value, "100 ms");
        recipe_free(r);
}
END_TEST

#define HEAD "format: 1\nrecipe: t\ntool: rotary-ald\n"

/* DESIGN.md: the 3:1 supercycle. */
START_TEST(supercycles)
{
        struct recipe *r = support_recipe_text(tool,
            HEAD "phases:\n"
                 "  coat:\n"
                 "    - wait: 7 s\n"
                 "    - repeat: 5\n"
                 "      do:\n"
                 "        - repeat: 3\n"
                 "          do: [{pulse: nb, for: 2 s}, {purge: 30 s}, {pulse: water, for: 100 ms}, {purge: "
                 "45 s}]\n"
                 "        - pulse: nb\n"
                 "          for: 1 s\n"
                 "        - purge: 20 s\n"
                 "    - wait: 3 s\n"
                 "  more:\n"
                 "    - wait: 2 s\n"
                 "finally:\n"
                 "  - purge: 1 min\n",
            NULL, 0);
        const int64_t inner = 77100000, outer = 3 * inner + 21000000;
        const struct recipe_op *first = nth(r, RECIPE_REPEAT, 0), *second = nth(r, RECIPE_REPEAT, 1);
        ck_assert_int_eq(r->cycles, 5);
        ck_assert_int_eq(r->pulses, 5 * (3 * 2 + 1));
        ck_assert(first->is_cycle && !second->is_cycle);
        ck_assert_int_eq(first->body_us, outer);
        ck_assert_int_eq(second->body_us, inner);
        ck_assert_int_eq(second->tail_us, 21000000);
        ck_assert_int_eq(first->tail_us, 5000000);
        ck_assert_int_eq(r->ops[first->jump].tail_us, 5000000);
        ck_assert_int_eq(nth(r, RECIPE_WAIT, 0)->tail_us, 5 * outer + 5000000);
        ck_assert_int_eq(nth(r, RECIPE_PULSE, 0)->tail_us, 75100000);
        ck_assert_int_eq(nth(r, RECIPE_PULSE, 2)->tail_us, 20000000);
        ck_assert_int_eq(r->timed_us, 12000000 + 5 * outer);
        ck_assert_int_eq(r->ops[r->finally_first].tail_us, 0);
        recipe_free(r);
}
END_TEST

START_TEST(words_of_set)
{
        struct recipe *r = support_recipe_text(tool,
            HEAD "phases:\n"
                 "  a:\n"
                 "    - set: {chamber.temperature: safe, nb.temperature: standby, pump.run: off}\n"
                 "    - set: {chamber.temperature: 347 degF}\n"
                 "      ramp: 6 K/min\n"
                 "    - close: exhaust\n"
                 "    - open: exhaust.valve\n"
                 "    - note: >\n"
                 "        folded\n"
                 "        text\n",
            NULL, 0);
        const struct recipe_op *op = nth(r, RECIPE_SET, 0);
        SAME(op->value, 0);
        ck_assert(op->is_standby);
        op = nth(r, RECIPE_SET, 1);
        SAME(op->value, 40);
        ck_assert(op->is_standby);
        op = nth(r, RECIPE_SET, 2);
        ck_assert_int_eq(op->tag, tool->pump_run);
        SAME(op->value, 0);
        ck_assert(!op->is_standby);
        op = nth(r, RECIPE_SET, 3);
        SAME(op->value, 175);
        SAME(op->ramp, 0.1);
        ck_assert_int_eq(nth(r, RECIPE_VALVE, 0)->tag, tool->exhaust);
        SAME(nth(r, RECIPE_VALVE, 0)->value, 0);
        SAME(nth(r, RECIPE_VALVE, 1)->value, 1);
        ck_assert_str_eq(r->notes[nth(r, RECIPE_NOTE, 0)->note], "folded text");
        ck_assert_int_eq(r->hold_us_max, TIME_NEVER);
        ck_assert_int_eq(r->cycles, 0);
        recipe_free(r);
}
END_TEST

/* A block's steps carry the lines of the block; its conditions and notes are kept once. */
START_TEST(blocks_are_put_in)
{
        struct recipe *r = support_recipe_text(tool,
            HEAD "blocks:\n"
                 "  b:\n"
                 "    - wait: {until: settled, timeout: 1 h}\n"
                 "    - note: here\n"
                 "phases:\n"
                 "  a: [{use: b}, {use: b}, {use: b}]\n",
            NULL, 0);
        ck_assert_int_eq(r->op_count, 8);
        ck_assert_int_eq(r->cond_count, 1);
        ck_assert_int_eq(r->note_count, 1);
        ck_assert_int_eq(nth(r, RECIPE_WAIT_UNTIL, 2)->source_line, 6);
        ck_assert_int_eq(nth(r, RECIPE_NOTE, 2)->source_line, 7);
        recipe_free(r);
}
END_TEST

/* Windows of `steady` in a recipe follow those of the tool. */
START_TEST(windows_follow_the_tools)
{
        tool->conds.nodes[0] = (struct cond_node){.op = COND_STEADY, .slot = 2};
        struct recipe *r = support_recipe_text(tool,
            HEAD "phases:\n  a:\n    - purge: {until: chamber.pressure steady 1 mTorr over 10 s, timeout: 1 "
                 "h, else: abort}\n",
            NULL, 0);
        const struct recipe_op *op = nth(r, RECIPE_PURGE_UNTIL, 0);
        ck_assert_int_eq(r->pool.nodes[r->conds[op->cond].root].slot, 3);
        ck_assert_int_eq(op->otherwise, TOOL_ACT_ABORT);
        recipe_free(r);
}
END_TEST

/* The sentences of DESIGN.md, for a tool that has what they need. */
static struct recipe *sentence(const char *path)
{
        struct diag *d = diag_new();
        struct tool *other = support_tool("tests/table/tool-sentences.yaml");
        size_t len;
        char *text = file_read(path, &len, d);
        ck_assert_ptr_nonnull(text);
        struct recipe *r = file_compile_recipe(path, text, len, other, NULL, 0, d);
        ck_assert_msg(r != NULL, "%s is not sound", path);
        free(text);
        free(other);
        diag_free(d);
        return r;
}

START_TEST(an_exposure)
{
        struct recipe *r = sentence("tests/table/sentences/exposure.yaml");
        const struct recipe_op *begin = nth(r, RECIPE_EXPOSE, 0), *end = nth(r, RECIPE_EXPOSE_END, 0),
                               *loop = nth(r, RECIPE_REPEAT, 0), *back = nth(r, RECIPE_REPEAT_END, 0);
        ck_assert_ptr_eq(&r->ops[begin->jump], end);
        ck_assert_ptr_eq(&r->ops[end->jump], begin);
        SAME(begin->value, 0);
        SAME(begin->close_below, 0.02);
        SAME(begin->limit, 1);
        ck_assert_int_eq(begin->timeout_us, 4 * TIME_MIN);
        ck_assert_int_eq(loop->count, 12);
        ck_assert_int_eq(loop->cond, back->cond);
        ck_assert_str_eq(r->conds[back->cond].text, "chamber.pressure steady 1 mTorr over 10 s");
        ck_assert_int_eq(back->otherwise, TOOL_ACT_HOLD);
        ck_assert(loop->is_cycle && !loop->is_walls);
        ck_assert_int_eq(begin->tail_us, 12 * INT64_C(15200000) + TIME_MIN);
        ck_assert_int_eq(end->tail_us, TIME_MIN);
        recipe_free(r);
}
END_TEST

START_TEST(a_loop_without_a_condition_has_none)
{
        struct recipe *r = support_recipe(tool, SUPPORT_RECIPE, NULL, 0);
        ck_assert_int_eq(nth(r, RECIPE_REPEAT_END, 0)->cond, -1);
        ck_assert_int_eq(r->wall_cycles, 0);
        recipe_free(r);
}
END_TEST

START_TEST(a_rotation)
{
        struct recipe *r = support_recipe_text(tool,
            HEAD "phases:\n"
                 "  a:\n"
                 "    - rotate: {speed: 3 rpm, reverse_every: 60 s, stop_in: pulse, lead: 2 s}\n"
                 "    - rotate: {speed: 0 rpm}\n",
            NULL, 0);
        const struct recipe_op *op = nth(r, RECIPE_ROTATE, 0);
        ck_assert_str_eq(tool->tags[op->tag].name, "bed.speed.setpoint");
        SAME(op->value, 3);
        ck_assert_int_eq(op->period_us, TIME_MIN);
        ck_assert(op->stops);
        ck_assert_int_eq(op->lead_us, 2 * TIME_S);
        op = nth(r, RECIPE_ROTATE, 1);
        SAME(op->value, 0);
        ck_assert(!op->stops && op->period_us == 0);
        recipe_free(r);
}
END_TEST

/* A bed whose limits know one direction turns in it, and never the other way. */
START_TEST(a_bed_that_may_not_turn_back)
{
        static const struct {
                const char *rotate, *error;
        } cases[] = {{"{speed: 3 rpm}", NULL},
            {"{speed: 3 rpm, reverse_every: 1 min}", "reverse_every: -3 rpm is outside the limits"},
            {"{speed: -3 rpm}", "speed: -3 rpm is outside the limits"}};
        tool->tags[tool->loops[tool->bed].setpoint].limit_min = 0;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                char text[300];
                struct diag *d = diag_new();
                snprintf(text, sizeof text, HEAD "phases:\n  a:\n    - rotate: %s\n", cases[i].rotate);
                struct recipe *r = file_compile_recipe("t", text, strlen(text), tool, NULL, 0, d);
                ck_assert_int_eq(r != NULL, cases[i].error == NULL);
                ck_assert(r != NULL || strstr(diag_entry(d, 0)->text, cases[i].error) != NULL);
                recipe_free(r);
                diag_free(d);
        }
}
END_TEST

/* What a step of several ops became, one word each: "vent 0", "exhaust.valve 1", "until chamber.pressure < 10 Torr". */
static void spell(const struct recipe *r, int line, char *buf, size_t cap)
{
        struct text t;
        text_init(&t, buf, cap);
        for (int i = 0; i < r->op_count; i++) {
                const struct recipe_op *op = &r->ops[i];
                if (op->source_line != line)
                        continue;
                text_add(&t, "%s", t.len > 0 ? "; " : "");
                if (op->kind == RECIPE_VENT)
                        text_add(&t, "vent %g", op->value);
                else if (op->kind == RECIPE_VALVE || op->kind == RECIPE_SET)
                        text_add(&t, "%s %g", tool->tags[op->tag].name, op->value);
                else if (op->kind == RECIPE_WAIT_UNTIL)
                        text_add(&t, "until %s, %g h, %s", r->conds[op->cond].text,
                            (double)op->timeout_us / (double)TIME_H, tool_action_name(op->otherwise));
                else
                        text_add(&t, "?");
        }
}

START_TEST(pump_down_and_vent_become_what_they_consist_of)
{
        char buf[600];
        struct recipe *r = support_recipe_text(tool,
            HEAD "phases:\n"
                 "  a:\n"
                 "    - pump_down: {soft: 10 Torr, until: chamber.pressure < 100 mTorr, timeout: 1 h}\n"
                 "    - pump_down: {until: settled, timeout: 2 h, flow: 20 sccm, else: abort}\n"
                 "    - vent: {flow: 20 sccm, timeout: 2 h, else: stop}\n",
            NULL, 0);
        spell(r, 6, buf, sizeof buf);
        ck_assert_str_eq(buf, "vent 0; vent.valve 0; exhaust.valve 0; carrier.flow.setpoint 0; pump.run 1; "
                              "soft.valve 1; until chamber.pressure < 10 Torr, 1 h, hold; exhaust.valve 1; "
                              "soft.valve 0; until chamber.pressure < 100 mTorr, 1 h, hold");
        spell(r, 7, buf, sizeof buf);
        ck_assert_str_eq(buf, "vent 0; vent.valve 0; carrier.flow.setpoint 20; pump.run 1; exhaust.valve 1; "
                              "soft.valve 0; until settled, 2 h, abort");
        spell(r, 8, buf, sizeof buf);
        ck_assert_str_eq(buf,
            "vent 1; carrier.flow.setpoint 20; exhaust.valve 0; soft.valve 0; vent.valve 1; "
            "until chamber.atmosphere, 2 h, stop; vent.valve 0");
        ck_assert_int_eq(r->pool.nodes[r->conds[0].root].op, COND_COMPARE);
        SAME(r->pool.nodes[r->conds[0].root].value, 10);
        recipe_free(r);
}
END_TEST

START_TEST(leak_checks_and_questions)
{
        struct recipe *r = support_recipe_text(tool,
            HEAD "phases:\n"
                 "  a:\n"
                 "    - leak_check: {for: 5 min, limit: 2 mTorr/min, else: abort}\n"
                 "    - wait: 7 s\n"
                 "    - confirm: Loaded?\n"
                 "      timeout: 10 min\n"
                 "      else: continue\n"
                 "    - note: Loaded?\n",
            NULL, 0);
        const struct recipe_op *op = nth(r, RECIPE_LEAK_CHECK, 0);
        ck_assert_int_eq(op->for_us, 5 * TIME_MIN);
        SAME(op->limit, 0.002 / 60);
        ck_assert_int_eq(op->otherwise, TOOL_ACT_ABORT);
        op = nth(r, RECIPE_CONFIRM, 0);
        ck_assert_str_eq(r->notes[op->note], "Loaded?");
        ck_assert_int_eq(op->timeout_us, 10 * TIME_MIN);
        ck_assert_int_eq(op->otherwise, TOOL_ACT_CONTINUE);
        ck_assert_int_eq(nth(r, RECIPE_NOTE, 0)->note, op->note);
        ck_assert_int_eq(r->note_count, 1);
        ck_assert_int_eq(r->timed_us, 5 * TIME_MIN + 7 * TIME_S);
        recipe_free(r);
}
END_TEST

#define WITH "format: 1\nrecipe: t\ntool: rotary-ald\ninclude: [b.yaml]\nphases:\n  a:\n    - use: w\n"
#define BLOCKS                                                                                               \
        "format: 1\nblocks:\n  w:\n    - repeat: 2\n      coats: walls\n"                                    \
        "      do: [{pulse: water, for: 100 ms}, {purge: 9 s}]"

static const char *give_blocks(void *ctx, const char *path, size_t *len, const char **why)
{
        const char *text = ctx;
        ck_assert_str_eq(path, "some/folder/b.yaml"); /* beside the recipe */
        *len = strlen(text);
        *why = "";
        return text;
}

/* S5: what is recorded and hashed is everything that was compiled, and lines count in it. */
START_TEST(an_included_file_is_part_of_the_text)
{
        static char blocks[] = BLOCKS;
        struct file_library library = {give_blocks, blocks};
        struct diag *d = diag_new();
        struct recipe *r =
            file_compile_recipe_with("some/folder/r.yaml", WITH, strlen(WITH), tool, NULL, 0, &library, d);
        ck_assert_ptr_nonnull(r);
        ck_assert_str_eq(r->text, WITH "# ---- include: b.yaml ----\n" BLOCKS);
        ck_assert_uint_eq(r->text_len, strlen(r->text));
        ck_assert_int_eq(nth(r, RECIPE_REPEAT, 0)->source_line, 7 + 1 + 4);
        ck_assert_int_eq(nth(r, RECIPE_PULSE, 0)->source_line, 7 + 1 + 6);
        ck_assert_int_eq(r->cycles, 2);
        ck_assert_int_eq(r->wall_cycles, 2);
        ck_assert(nth(r, RECIPE_REPEAT, 0)->is_walls);
        recipe_free(r);
        diag_free(d);
}
END_TEST

struct shelf {
        const char *name, *text;
};

static const char *give_any(void *ctx, const char *path, size_t *len, const char **why)
{
        for (const struct shelf *at = ctx; at->name != NULL; at++) {
                if (strcmp(path, at->name) != 0)
                        continue;
                *len = strlen(at->text);
                return at->text;
        }
        *why = "it is not there";
        return NULL;
}

/* S5: the log can rebuild the recipe: the recorded text, compiled once more, gives the same text, lines and steps. */
START_TEST(a_recorded_text_compiles_again)
{
        static struct shelf files[] = {{"b.yaml", BLOCKS},
            {"c/d.yaml", "# ---- include: b.yaml ----\nformat: 1\nblocks:\n  x:\n    - wait: 3 s\n"},
            {NULL, NULL}};
        /* Two includes, one, none; comments that look like the line of an included file; no newline at the end. */
        static const char two[] = "format: 1\nrecipe: t\ntool: rotary-ald\ninclude: [b.yaml, c/d.yaml]\n"
                                  "phases:\n  a:\n    - use: w\n    - use: x";
        static const char one[] =
            "format: 1\n# ---- include: b.yaml ----\nrecipe: t\ntool: rotary-ald\n"
            "include: [b.yaml]\n# ---- include: old ----\nphases:\n  a:\n    - use: w\n";
        static const char none[] = "format: 1\nrecipe: t\ntool: rotary-ald\n# ---- include: b.yaml ----\n"
                                   "phases:\n  a:\n    - wait: 1 s";
        static const char *const texts[] = {two, one, none};
        struct file_library library = {give_any, files};
        struct diag *d = diag_new();
        struct recipe *r =
            file_compile_recipe_with("r.yaml", texts[_i], strlen(texts[_i]), tool, NULL, 0, &library, d);
        ck_assert_ptr_nonnull(r);
        struct recipe *again =
            file_compile_joined("recipe of the run", r->text, r->text_len, tool, NULL, 0, d);
        if (again == NULL)
                diag_print(d, stderr, false);
        ck_assert_ptr_nonnull(again);
        ck_assert_str_eq(again->text, r->text);
        ck_assert_int_eq(again->op_count, r->op_count);
        for (int i = 0; i < r->op_count; i++) {
                ck_assert_int_eq(again->ops[i].kind, r->ops[i].kind);
                ck_assert_int_eq(again->ops[i].source_line, r->ops[i].source_line);
        }
        recipe_free(again);
        recipe_free(r);
        diag_free(d);
}
END_TEST

START_TEST(included_files_are_bounded_together)
{
        char *blocks = malloc(FILE_BYTES_MAX + 1);
        struct file_library library = {give_blocks, blocks};
        strcpy(blocks, BLOCKS "\n");
        size_t used = strlen(blocks), most = FILE_BYTES_MAX - strlen(WITH);
        memset(blocks + used, '#', most - used);
        for (size_t more = 0; more < 2; more++) {
                struct diag *d = diag_new();
                blocks[most] = '#';
                blocks[most + more] = '\0';
                struct recipe *r = file_compile_recipe_with(
                    "some/folder/r.yaml", WITH, strlen(WITH), tool, NULL, 0, &library, d);
                ck_assert_int_eq(r != NULL, more == 0);
                ck_assert(more == 0 || strstr(diag_entry(d, 0)->text, "longer than 256 KiB") != NULL);
                recipe_free(r);
                diag_free(d);
        }
        free(blocks);
}
END_TEST

START_TEST(includes_are_listed)
{
        char names[FILE_TEXTS_MAX][FILE_NAME_CAP], path[20];
        const char text[] = "include: [a.yaml, ../b.yaml, {c: d}, e/f.yaml, ..g.yaml]\n";
        ck_assert_uint_eq(file_list_includes(text, strlen(text), names, FILE_TEXTS_MAX), 3);
        ck_assert_str_eq(names[0], "a.yaml");
        ck_assert_str_eq(names[1], "e/f.yaml");
        ck_assert_str_eq(names[2], "..g.yaml");
        ck_assert_uint_eq(file_list_includes(text, strlen(text), names, 1), 1);
        ck_assert_uint_eq(file_list_includes("[", 1, names, 1), 0);
        ck_assert(file_beside("recipe.yaml", "a.yaml", path, sizeof path));
        ck_assert_str_eq(path, "a.yaml");
        ck_assert(file_beside("/x/recipe.yaml", "y/a.yaml", path, sizeof path));
        ck_assert_str_eq(path, "/x/y/a.yaml");
        ck_assert(!file_beside("/a/long/folder/r.yaml", "b.yaml", path, sizeof path));
}
END_TEST

/* Every recipe that is shipped is sound, and nothing is warned of. */
START_TEST(shipped_recipes)
{
        DIR *dir = opendir("recipes");
        int seen = 0;
        ck_assert_ptr_nonnull(dir);
        for (struct dirent *e; (e = readdir(dir)) != NULL;) {
                char path[300];
                size_t len;
                if (!strstr(e->d_name, ".yaml"))
                        continue;
                snprintf(path, sizeof path, "recipes/%s", e->d_name);
                struct diag *d = diag_new();
                char *text = file_read(path, &len, d);
                struct recipe *r = file_compile_recipe(path, text, len, tool, NULL, 0, d);
                if (diag_count(d) > 0)
                        diag_print(d, stderr, false);
                ck_assert_uint_eq(diag_count(d), 0);
                ck_assert_int_eq(strncmp(r->name, e->d_name, strlen(r->name)), 0);
                recipe_free(r);
                free(text);
                diag_free(d);
                seen++;
        }
        closedir(dir);
        ck_assert_int_ge(seen, 7);
}
END_TEST

START_TEST(every_key_is_documented)
{
        size_t len, count;
        char row[80];
        struct diag *d = diag_new();
        char *page = file_read("recipes/ald-recipe.5", &len, d);
        ck_assert_ptr_nonnull(page);
        const struct keys *const *tables = recipe_file_keys(&count);
        const struct keys *table;
        for (size_t i = 0; (table = i < count ? tables[i] : recipe_file_step_keys(i - count)) != NULL; i++) {
                for (size_t k = 0; k < table->count; k++) {
                        snprintf(row, sizeof row, ".It Ic %s\n", table->row[k].name);
                        ck_assert_msg(strstr(page, row) != NULL, "ald-recipe(5) lacks '%s' of %s",
                            table->row[k].name, table->what);
                        ck_assert_ptr_nonnull(table->row[k].help);
                }
        }
        free(page);
        diag_free(d);
}
END_TEST

/* What people copy from the man page works. */
START_TEST(the_example_is_sound)
{
        struct diag *d = diag_new();
        size_t len;
        char *page = file_read("recipes/ald-recipe.5", &len, d);
        ck_assert_ptr_nonnull(page);
        char *example = strstr(page, "format: 1\n"), *end = example ? strstr(example, ".Ed\n") : NULL;
        ck_assert_ptr_nonnull(end);
        *end = '\0';
        struct recipe *made = file_compile_recipe("example", example, strlen(example), tool, NULL, 0, d);
        if (diag_count(d) > 0)
                diag_print(d, stderr, false);
        ck_assert_uint_eq(diag_count(d), 0);
        recipe_free(made);
        free(page);
        diag_free(d);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("recipe_file");
        TCase *tc = tcase_create("recipe_file");
        tcase_add_checked_fixture(tc, set_up, tear_down);
        tcase_add_test(tc, the_reference_recipe);
        tcase_add_test(tc, set_points_of_the_reference_recipe);
        tcase_add_test(tc, waits_and_guards);
        tcase_add_test(tc, sets_replace_defaults);
        tcase_add_test(tc, supercycles);
        tcase_add_test(tc, words_of_set);
        tcase_add_test(tc, blocks_are_put_in);
        tcase_add_test(tc, windows_follow_the_tools);
        tcase_add_test(tc, an_exposure);
        tcase_add_test(tc, a_loop_without_a_condition_has_none);
        tcase_add_test(tc, a_rotation);
        tcase_add_test(tc, a_bed_that_may_not_turn_back);
        tcase_add_test(tc, pump_down_and_vent_become_what_they_consist_of);
        tcase_add_test(tc, leak_checks_and_questions);
        tcase_add_test(tc, an_included_file_is_part_of_the_text);
        tcase_add_loop_test(tc, a_recorded_text_compiles_again, 0, 3);
        tcase_add_test(tc, included_files_are_bounded_together);
        tcase_add_test(tc, includes_are_listed);
        tcase_add_test(tc, shipped_recipes);
        tcase_add_test(tc, every_key_is_documented);
        tcase_add_test(tc, the_example_is_sound);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
