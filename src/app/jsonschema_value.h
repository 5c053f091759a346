/* What single values are in a JSON Schema, for jsonschema.c. All give new references. */
#ifndef ALD_APP_JSONSCHEMA_VALUE_H
#define ALD_APP_JSONSCHEMA_VALUE_H

#include "ald/base/unit.h"  /* enum unit_dim */
#include "ald/file/keys.h"  /* struct key_word */
#include "ald/file/shape.h" /* enum shape_kind */

#include <jansson.h> /* json_t */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

#define JSONSCHEMA_NAME "[A-Za-z][A-Za-z0-9._-]*"

struct tool;

/* A schema in the making. */
struct jsonschema {
        bool has_parameters; /* `$name` may stand in the place of a value */
        json_t *definitions;
        const struct tool *tool; /* that a recipe is for; NULL = not known */
};

/* A reference to a definition; *is_new: it is not there yet, and jsonschema_define() is to follow. */
json_t *jsonschema_refer(struct jsonschema *m, const char *name, bool *is_new);
void jsonschema_define(struct jsonschema *m, const char *name, json_t *as);
/* The same schema with a description (may be NULL). */
json_t *jsonschema_described(json_t *schema, const char *help);

json_t *jsonschema_either(json_t *a, json_t *b);
/* The same schema; in a recipe a parameter may stand in its place. */
json_t *jsonschema_or_parameter(const struct jsonschema *m, json_t *schema);
/* A text of that form, or a parameter. */
json_t *jsonschema_pattern(const struct jsonschema *m, const char *text);
json_t *jsonschema_words(const struct jsonschema *m, const struct key_word *word);
json_t *jsonschema_beginnings(const struct jsonschema *m, const struct key_word *word);
/* Bounds that are 0 both are none; whole numbers whose bounds are the same are that number. */
json_t *jsonschema_whole(struct jsonschema *m, double min, double max);
json_t *jsonschema_number(struct jsonschema *m, double min, double max);
/* A name of something. */
json_t *jsonschema_identifier(const struct jsonschema *m);
json_t *jsonschema_text(size_t longest);
json_t *jsonschema_bool(const struct jsonschema *m);
json_t *jsonschema_quantity(struct jsonschema *m, enum unit_dim dim);
/* Of whatever dimension `of` makes of one (NULL: any); `what`: "a rate". */
json_t *jsonschema_quantities(struct jsonschema *m, enum unit_dim (*of)(enum unit_dim dim), const char *what);
json_t *jsonschema_unit_names(void);
json_t *jsonschema_value(struct jsonschema *m, bool is_target);

/* With a tool that is known (jsonschema_tool.c): the names of a kind, SHAPE_LINE, SHAPE_VALVE or SHAPE_LOOP; what `set` takes. */
json_t *jsonschema_tool_names(const struct jsonschema *m, enum shape_kind kind);
json_t *jsonschema_tool_outputs(struct jsonschema *m);

#endif
