#include "ald/core/recipe.h"

#include <stdlib.h> /* free */

void recipe_free(struct recipe *recipe)
{
        if (recipe == NULL)
                return;
        free(recipe->text);
        free(recipe);
}
