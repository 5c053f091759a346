#include "ald/core/recipe.h"

#include <stdlib.h> /* free */

int64_t recipe_finally_us(const struct recipe *recipe)
{
        const struct recipe_op *op = &recipe->ops[recipe->finally_first];

        switch (op->kind) {
        case RECIPE_WAIT:
        case RECIPE_PURGE:
        case RECIPE_LEAK_CHECK:
                return op->for_us + op->tail_us;
        case RECIPE_REPEAT:
                return op->count * op->body_us + op->tail_us;
        default:
                return op->tail_us;
        }
}

bool recipe_waits_for_heat(const struct recipe *recipe, const struct tool *tool, const struct recipe_op *op)
{
        const struct cond *cond;

        if (op->kind != RECIPE_WAIT_UNTIL && op->kind != RECIPE_PURGE_UNTIL)
                return false;
        cond = &recipe->conds[op->cond];
        if (recipe->pool.nodes[cond->root].op == COND_SETTLED)
                return true;
        for (int i = 0; i < tool->loop_count; i++)
                if (tool->loops[i].kind == TOOL_LOOP_HEATER &&
                    cond_uses_tag(&recipe->pool, cond->root, tool->loops[i].value))
                        return true;
        return false;
}

void recipe_free(struct recipe *recipe)
{
        if (recipe == NULL)
                return;
        free(recipe->text);
        free(recipe);
}
