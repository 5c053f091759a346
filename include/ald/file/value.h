/* Values of outputs as files write them: "70 sccm", "open", "on"; and the names outputs go by. */
#ifndef ALD_FILE_VALUE_H
#define ALD_FILE_VALUE_H

#include "ald/core/tool.h"   /* struct tool_tag */
#include "ald/file/reader.h" /* struct reader */

#include <stdbool.h> /* bool */

/* Read a value of `tag` in its unit: on/off, open/closed (a valve) or a quantity. No look at limits.
 * A tag without a unit is broken: false, silently. */
bool value_read(const struct reader *r, const struct yaml_node *node, const char *what,
    const struct tool_tag *tag, double *out);

/* Is the value within the tag's limits? False: an error that names them. */
bool value_check_limits(const struct reader *r, const struct yaml_node *node, const char *what,
    const struct tool_tag *tag, double value);

/* The output that a name stands for: a loop by its process value's tag (its set-point), or an output by its own
 * name. TOOL_NONE when there is none. */
int value_find_output(const struct tool *tool, const char *name);

/* The same with an error, "did you mean" included, at `at`. */
int value_want_output(const struct reader *r, struct diag_at at, const struct tool *tool, const char *name);

#endif
