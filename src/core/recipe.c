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

void recipe_free(struct recipe *recipe)
{
        if (recipe == NULL)
                return;
        free(recipe->text);
        free(recipe);
}
