/* aldctl device: what its two halves share. */
#ifndef ALD_APP_ALDCTL_DEVICE_H
#define ALD_APP_ALDCTL_DEVICE_H

#include "ald/app/aldctl.h" /* struct aldctl_options, enum aldctl_exit */
#include "ald/core/tool.h"  /* struct tool */

struct text;

/* The poll plan of every link with its load. ALDCTL_FAILED: one is refused. */
enum aldctl_exit device_plan(const struct aldctl_options *o, const struct tool *tool);
/* Read one tag directly (aldctl_device_probe.c). */
enum aldctl_exit device_probe(const struct aldctl_options *o, const struct tool *tool);

/* The function that reads a table, 1 to 4, and the word of tool files for it. */
int device_function(enum tool_register reg);
const char *device_function_name(enum tool_register reg);
/* "tcp://HOST:PORT" or "rtu:///dev/PATH". */
void device_add_address(struct text *t, const struct tool_link *link);

#endif
