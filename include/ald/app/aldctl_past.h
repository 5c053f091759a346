/* What was in force in a recorded run, compiled again from the record's own texts: to replay it, and to go on with it. */
#ifndef ALD_APP_ALDCTL_PAST_H
#define ALD_APP_ALDCTL_PAST_H

#include "ald/core/recipe.h" /* struct recipe, struct recipe_resume */
#include "ald/store/query.h" /* struct query, struct query_run */

#include <jansson.h> /* json_t */

#include <stdbool.h> /* bool */

struct aldctl_past {
        struct tool *tool;
        struct recipe *recipe;
        json_t *parameters; /* {name: value as written} */
        char why[512];
};

/* False: past->why; what was compiled so far is kept until aldctl_past_free(). */
bool aldctl_past_load(struct aldctl_past *past, struct query *q, const struct query_run *run);
void aldctl_past_free(struct aldctl_past *past);

/* What the run goes on with; run_id 0 = nothing. */
struct recipe_resume aldctl_past_resume(const struct query_run *run);

#endif
