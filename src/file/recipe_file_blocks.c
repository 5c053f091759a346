/* Checks of a whole program that are about its blocks: how long an exposure may last, which loops coat the walls, what
 * may follow a vent, what purges nothing. Only of a recipe that is sound so far: a step that could not be read would be missed here. */
#include "ald/file/recipe_file.h"

#include "ald/base/time.h" /* time_add_duration */

/* The exhaust's own time, and that of its confirmation: steps that fill `at_most` to the brim would never fit. */
static const int64_t margin_us = TIME_S;

/* Both ends of the block stand in the same loop: what follows them differs by what lies between. */
static void check_exposure(struct recipe_file *f, int32_t i)
{
        const struct recipe_op *op = &f->recipe->ops[i];
        int64_t us = op->tail_us - f->recipe->ops[op->jump].tail_us;
        char buf[200];
        struct text t;
        if (us <= op->timeout_us - margin_us)
                return;
        text_init(&t, buf, sizeof buf);
        text_add(&t, "expose: its steps take ");
        time_add_duration(&t, us);
        text_add(&t, ": 'at_most' must be at least ");
        time_add_duration(&t, margin_us);
        text_add(&t, " longer, not ");
        time_add_duration(&t, op->timeout_us);
        diag_error(f->r.d, recipe_file_at_op(f, i), "%s", buf);
}

static void check_walls(struct recipe_file *f, int32_t i)
{
        const struct recipe_op *op = &f->recipe->ops[i];
        if (op->is_walls && !op->is_cycle)
                diag_error(f->r.d, recipe_file_at_op(f, i),
                    "coats: only of a loop whose passes are cycles: the outermost one that holds a pulse");
}

/* Is the chamber vented behind ops [first, last), if it was before? A pulse there is told. */
static bool walk_vents(struct recipe_file *f, int32_t first, int32_t last, bool is_vented)
{
        const struct recipe *recipe = f->recipe;
        for (int32_t i = first; i < last && diag_errors(f->r.d) == f->errors_before; i++) {
                const struct recipe_op *op = &recipe->ops[i];
                if (op->kind == RECIPE_VENT)
                        is_vented = op->value > 0;
                if (op->kind == RECIPE_PULSE && is_vented)
                        diag_error(f->r.d, recipe_file_at_op(f, i),
                            "pulse: after 'vent' no precursor opens before a 'pump_down'");
                if (op->kind != RECIPE_REPEAT)
                        continue;
                /* Vents set the state, whatever it was: a second pass shows all that further ones could. */
                bool was_vented = is_vented;
                is_vented = walk_vents(f, i + 1, op->jump, was_vented);
                if (op->count > 1 && is_vented != was_vented)
                        is_vented = walk_vents(f, i + 1, op->jump, is_vented);
                i = op->jump;
        }
        return is_vented;
}

void recipe_file_check_blocks(struct recipe_file *f)
{
        const struct recipe *recipe = f->recipe;
        for (int32_t i = 0; i < recipe->op_count; i++) {
                if (recipe->ops[i].kind == RECIPE_EXPOSE)
                        check_exposure(f, i);
                if (recipe->ops[i].kind == RECIPE_REPEAT)
                        check_walls(f, i);
        }
        walk_vents(f, 0, recipe->finally_first - 1, false);
}
