/* The file formats as JSON Schemas, for editors: made of the tables of keys that the parser reads (file/keys.h), so that neither
 * knows a key, a word or a unit that the other does not. Draft-07, the newest that the YAML language servers of editors take.
 *
 * What a schema cannot tell stays with `aldctl check`: names that a tool has, limits, ranges of quantities, conditions, and
 * whatever follows from the order of steps. What it refuses is an error there too. */
#ifndef ALD_APP_JSONSCHEMA_H
#define ALD_APP_JSONSCHEMA_H

#include <jansson.h> /* json_t */

#include <stddef.h> /* size_t */

struct tool;

/* The kinds of files by number: "recipe", "blocks", "tool", "profile"; NULL behind the last. */
const char *jsonschema_name(size_t i);

/* The schema of that kind, a new reference; NULL when there is no such kind. `tool` (NULL: not known) is the one that a recipe, or
 * its blocks, are for: then it knows the names and units there. */
json_t *jsonschema_make(const char *name, const struct tool *tool);

#endif
