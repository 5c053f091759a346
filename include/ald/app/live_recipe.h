/* Recipes that clients send, compiled for the daemon: with what they include, or ready to go on with a recorded run. */
#ifndef ALD_APP_LIVE_RECIPE_H
#define ALD_APP_LIVE_RECIPE_H

#include "ald/control/control.h" /* struct control_text, struct control_resume */
#include "ald/file/file.h"       /* struct file_set */

#include <stddef.h> /* size_t */

struct text;

/* All borrowed. */
struct live_recipe {
        const struct tool *tool;
        const char *tool_sha256;
        const struct control_text *texts; /* the recipe, then what was sent beside it */
        size_t text_count;
        const struct file_set *sets;
        size_t set_count;
        struct control_resume *resume; /* NULL: from its beginning */
};

/* Free with recipe_free(). NULL: the diagnostics say why, or resume->refused does. */
struct recipe *live_recipe_compile(const struct live_recipe *ask, struct text *diagnostics);

#endif
