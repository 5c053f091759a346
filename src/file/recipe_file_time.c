/* Planned times of a recipe: what follows each op in its block, one pass of each loop, the whole; cycles and pulses.
 * Waits for conditions count nothing: nobody knows how long they take. */
#include "ald/file/recipe_file.h"

#include "ald/base/time.h" /* time_add */

/* A year: beyond it something is wrong, and sums stay far from overflow. */
static const int64_t run_us_max = INT64_C(365) * 24 * TIME_H;

static int64_t times(int64_t us, int64_t count)
{
        return us > 0 && count > INT64_MAX / us ? TIME_NEVER : us * count;
}

static int64_t length_of(const struct recipe_op *op)
{
        bool is_timed = op->kind == RECIPE_WAIT || op->kind == RECIPE_PULSE || op->kind == RECIPE_PURGE ||
                        op->kind == RECIPE_LEAK_CHECK;
        return is_timed ? op->for_us : 0;
}

/* Ops [first, last), which are whole blocks, from behind. Nested as deep as the recipe's loops. */
static int64_t measure(struct recipe *recipe, int32_t first, int32_t last)
{
        int64_t total = 0;
        for (int32_t i = last - 1; i >= first; i--) {
                struct recipe_op *op = &recipe->ops[i];
                op->tail_us = total;
                if (op->kind != RECIPE_REPEAT_END) {
                        total = time_add(total, length_of(op));
                        continue;
                }
                struct recipe_op *begin = &recipe->ops[op->jump];
                begin->tail_us = total;
                begin->body_us = op->body_us = measure(recipe, op->jump + 1, i);
                total = time_add(total, times(begin->body_us, begin->count));
                i = op->jump;
        }
        return total;
}

/* Pulses in ops [first, last), each loop's times its count. */
static int64_t count_pulses(const struct recipe *recipe, int32_t first, int32_t last)
{
        int64_t pulses = 0;
        for (int32_t i = first; i < last; i++) {
                const struct recipe_op *op = &recipe->ops[i];
                pulses += op->kind == RECIPE_PULSE;
                if (op->kind != RECIPE_REPEAT)
                        continue;
                pulses = time_add(pulses, times(count_pulses(recipe, i + 1, op->jump), op->count));
                i = op->jump;
        }
        return pulses;
}

/* The outermost loops that hold a pulse are the cycles of the run. */
static void mark_cycles(struct recipe *recipe, int32_t last)
{
        for (int32_t i = 0; i < last; i++) {
                struct recipe_op *op = &recipe->ops[i];
                if (op->kind != RECIPE_REPEAT)
                        continue;
                op->is_cycle = count_pulses(recipe, i + 1, op->jump) > 0;
                recipe->ops[op->jump].is_cycle = op->is_cycle;
                recipe->cycles += op->is_cycle ? op->count : 0;
                recipe->wall_cycles += op->is_cycle && op->is_walls ? op->count : 0;
                i = op->jump;
        }
}

void recipe_file_measure(struct recipe_file *f)
{
        struct recipe *recipe = f->recipe;
        int32_t end = recipe->finally_first - 1;
        recipe->timed_us = measure(recipe, 0, end);
        int64_t last_us = measure(recipe, recipe->finally_first, recipe->op_count - 1);
        mark_cycles(recipe, end);
        recipe->pulses = count_pulses(recipe, 0, end);
        if (diag_errors(f->r.d) == f->errors_before &&
            (recipe->timed_us > run_us_max || last_us > run_us_max))
                diag_error(f->r.d, (struct diag_at){f->r.source, 0, 0},
                    "the recipe would take more than a year: is a count or a unit wrong?");
}
