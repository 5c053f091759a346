/* The equipment as far as the names and units of tags tell it, in the words of the verb `tool`: for a daemon that is older
 * than the verb. A convention, not knowledge: "nb.valve" is a precursor's unless it is called exhaust, vent or soft;
 * "X.setpoint" belongs to "X". */
#ifndef ALD_APP_TOP_GUESS_H
#define ALD_APP_TOP_GUESS_H

#include <jansson.h> /* json_t */

/* New: {"tool", "title", "equipment"}. `tags` by name as in the answer to `subscribe`, NULL allowed. */
json_t *top_guess_tool(json_t *tags, const char *name);

#endif
