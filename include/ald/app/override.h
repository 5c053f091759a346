/* `--link NAME=ADDRESS` of the programs: another address for a link of the tool file. */
#ifndef ALD_APP_OVERRIDE_H
#define ALD_APP_OVERRIDE_H

#include "ald/core/tool.h" /* struct tool */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

/* "NAME=tcp://HOST:PORT" or "NAME=rtu:///dev/PATH" into the tool. False: `why` (why_cap bytes) says what is wrong with it and
 * what would be accepted. */
bool override_link(struct tool *tool, const char *spec, char *why, size_t why_cap);

#endif
