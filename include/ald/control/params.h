/* The arguments of a request against the verb table: unknown ones, missing ones and wrong types are refused before
 * any handler sees them (SAFETY A5). */
#ifndef ALD_CONTROL_PARAMS_H
#define ALD_CONTROL_PARAMS_H

#include "ald/core/verb.h" /* struct verb_entry */

#include <jansson.h> /* json_t */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

struct params_fault {
        char text[240];
        char argument[64]; /* the one that does not fit */
        char expected[96]; /* what would */
};

/* Entries of a map (`run`'s set). */
enum { PARAMS_MAP_MAX = 64 };

/* Do `params` (an object or NULL) fit the verb? False: *fault names the first that does not. */
bool params_check(const struct verb_entry *verb, json_t *params, struct params_fault *fault);

/* Arguments after params_check(); what is missing is "", false, 0 or NULL. Results are borrowed. */
const char *params_text(json_t *params, const char *name);
bool params_bool(json_t *params, const char *name);
json_int_t params_int(json_t *params, const char *name);

/* A map's entries as texts (a whole number becomes its digits in `digits`): at most PARAMS_MAP_MAX. */
struct params_map {
        size_t count;
        const char *names[PARAMS_MAP_MAX], *values[PARAMS_MAP_MAX];
        char digits[PARAMS_MAP_MAX][24];
};
void params_read_map(json_t *params, const char *name, struct params_map *out);

#endif
