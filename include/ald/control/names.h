/* The names of users, for people and the audit record. Looked up by a thread of its own: the user database may be a directory on
 * the network, whose answer the control loop must not wait for. */
#ifndef ALD_CONTROL_NAMES_H
#define ALD_CONTROL_NAMES_H

#include "ald/core/tool.h" /* TOOL_NAME_MAX */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* uint32_t */

enum { NAMES_MAX = 64 };

struct names; /* opaque */

/* In the thread of `names`; may take its time. False: this user has no name. */
typedef bool names_lookup(uint32_t uid, char name[TOOL_NAME_MAX]);

/* NULL: no memory, or no thread. */
struct names *names_new(names_lookup *lookup);
/* A look-up under way is not waited for. NULL allowed. */
void names_free(struct names *names);

/* What is known before anybody asks. */
void names_put(struct names *names, uint32_t uid, const char *name);

/* The user's name, or "uid N" while it is not known, which is then asked for: once in the life of `names`. Never waits. NULL
 * knows nobody. */
void names_get(struct names *names, uint32_t uid, char name[TOOL_NAME_MAX]);

#endif
