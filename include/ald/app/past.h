/* What was in force in a recorded run: its tool file and recipe, compiled again from the record's own texts. */
#ifndef ALD_APP_PAST_H
#define ALD_APP_PAST_H

#include "ald/core/recipe.h" /* struct recipe */
#include "ald/core/tool.h"   /* struct tool */
#include "ald/store/query.h" /* struct query_run, struct query_texts */

#include <stdbool.h> /* bool */

struct text;

/* Compile `texts`, checked against the digests that the run recorded. False: `why` says what is not as recorded or what this
 * version does not accept; a tool may be there without its recipe. Free *tool with free(), *recipe with recipe_free(). */
bool past_compile(const struct query_run *run, const struct query_texts *texts, struct tool **tool,
    struct recipe **recipe, struct text *why);

#endif
