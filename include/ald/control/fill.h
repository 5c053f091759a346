/* From the arguments of a request to the command that the core gets, by the types of the verb table: names become tags,
 * quantities values in the tag's unit, times microseconds. What makes no sense is refused with what would. */
#ifndef ALD_CONTROL_FILL_H
#define ALD_CONTROL_FILL_H

#include "ald/control/params.h" /* struct params_fault */
#include "ald/core/event.h"     /* struct command */
#include "ald/core/tool.h"      /* struct tool */
#include "ald/core/verb.h"      /* struct verb_entry */

#include <jansson.h> /* json_t */

#include <stdbool.h> /* bool */

/* Put the arguments (params_check() was content with them) into *c. False: *fault names the first that makes no sense. */
bool fill_command(const struct tool *tool, const struct verb_entry *verb, json_t *params, struct command *c,
    struct params_fault *fault);

/* What was asked, as a person would have typed it, into c->text for the audit record. Also of arguments that do not fit. */
void fill_text(const struct verb_entry *verb, json_t *params, struct command *c);

#endif
