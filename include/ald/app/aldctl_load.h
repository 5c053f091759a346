/* A tool file and a recipe for it, read from the disk and compiled: what `check` and `dry-run` begin with. */
#ifndef ALD_APP_ALDCTL_LOAD_H
#define ALD_APP_ALDCTL_LOAD_H

#include "ald/app/aldctl.h"  /* struct aldctl_options, enum aldctl_exit */
#include "ald/base/diag.h"   /* struct diag */
#include "ald/core/recipe.h" /* struct recipe */
#include "ald/core/tool.h"   /* struct tool */

#include <jansson.h> /* json_t */

struct load {
        struct diag *diag; /* everything that is wrong with either */
        struct tool *tool; /* NULL: it has errors */
        struct recipe *recipe;
};

/* Load what `-c` and the first word name. ALDCTL_USAGE: there is no `-c`; ALDCTL_FAILED: errors, which stand in `diag`
 * (NULL: no memory, told). Release with load_free() either way. */
enum aldctl_exit load_files(
    struct load *load, const struct aldctl_command *command, const struct aldctl_options *o);
/* The recipe at the first word, for a tool that is there already: into load->recipe, what is wrong into load->diag. */
void load_recipe(struct load *load, const struct aldctl_options *o, const struct tool *tool);
void load_free(struct load *load);

/* One diagnostic as JSON: severity, file, line, column, text. A new reference. */
json_t *load_pack_diagnostic(const struct diag *d, size_t i);

#endif
