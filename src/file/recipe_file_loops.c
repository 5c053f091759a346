/* Loops of a recipe: `repeat` with a count, until a condition, on the walls. */
#include "ald/file/recipe_file.h"

#include <string.h> /* strcmp */

/* A loop without a number has its own words for people who look for "for ever". */
static bool read_count(struct recipe_file *f, const struct yaml_node *node, int64_t *count)
{
        static const char *const endless[] = {
            "", "forever", "for ever", "ever", "infinite", "always", "inf", "endless"};
        for (size_t i = 0; node->kind == YAML_SCALAR && i < sizeof endless / sizeof endless[0]; i++) {
                if (strcmp(node->text, endless[i]) == 0) {
                        diag_error(f->r.d, reader_at_key(&f->r, node),
                            "repeat: an unbounded loop: give a count from 1 to 100000000");
                        return false;
                }
        }
        if (!reader_int(&f->r, node, "repeat", count))
                return false;
        if (*count >= 1 && *count <= RECIPE_CYCLES_MAX)
                return true;
        reader_error(&f->r, node, "repeat: takes a count from 1 to 100000000");
        return false;
}

const struct shape recipe_file_count_shape = {.kind = SHAPE_INT, .min = 1, .max = RECIPE_CYCLES_MAX};

static const struct key_word coats[] = {{"walls", 1}, {NULL, 0}};
const struct shape recipe_file_coats_shape = {.kind = SHAPE_WORD, .words = coats};

struct end {
        int cond, otherwise;
        int is_walls;
};

/* The keys beside the count. */
static void read_end(struct recipe_file *f, const struct recipe_file_step *step, struct end *end)
{
        *end = (struct end){.cond = -1, .otherwise = TOOL_ACT_HOLD};
        if (step->until)
                end->cond = recipe_file_read_cond(f, step->until, "until");
        if (step->otherwise && !step->until)
                diag_error(f->r.d, reader_at_key(&f->r, step->otherwise),
                    "repeat: 'else' says what follows when 'until' is never true: 'until' is missing");
        if (step->otherwise)
                keys_word(&f->r, step->otherwise, "else", recipe_file_ends, &end->otherwise);
        if (step->coats)
                keys_word(&f->r, step->coats, "coats", coats, &end->is_walls);
}

static void keep_end(struct recipe_op *op, const struct end *end, int64_t count)
{
        op->count = count;
        op->cond = (int16_t)end->cond;
        op->otherwise = (uint8_t)(end->cond >= 0 ? end->otherwise : TOOL_ACT_NONE);
        op->is_walls = end->is_walls != 0;
}

void recipe_file_compile_repeat(struct recipe_file *f, const struct recipe_file_step *step)
{
        int64_t count;
        struct end rest;
        if (!read_count(f, step->verb, &count))
                count = 1;
        read_end(f, step, &rest);
        if (f->loop_depth == RECIPE_DEPTH_MAX) {
                diag_error(f->r.d, reader_at_key(&f->r, step->verb), "repeat: nested deeper than %d loops",
                    RECIPE_DEPTH_MAX);
                return;
        }
        int32_t first = f->recipe->op_count;
        struct recipe_op *op = recipe_file_add_op(f, step->verb, RECIPE_REPEAT);
        f->loop_depth++;
        recipe_file_compile_steps(f, step->body, "do");
        f->loop_depth--;
        struct recipe_op *end = op ? recipe_file_add_op(f, step->verb, RECIPE_REPEAT_END) : NULL;
        if (!end)
                return;
        keep_end(op, &rest, count);
        keep_end(end, &rest, count);
        op->jump = f->recipe->op_count - 1;
        end->jump = first;
}
