/* What the registers and outputs of a module mean for its watchdog, as the tool file describes it: for its master (link/watch.h), for
 * the simulated module (sim/module.h), and for the checks of the tool file. */
#ifndef ALD_LINK_WATCHMAP_H
#define ALD_LINK_WATCHMAP_H

#include "ald/core/tool.h" /* struct tool_watchdog, struct tool_tag */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* uint16_t */

/* The status that a word of the status register means (TOOL_WATCHDOG_*), -1 = none. */
int watchmap_status(const struct tool_watchdog *w, uint16_t word);
/* Does a register of the watchdog stand at this address? */
bool watchmap_has(const struct tool_watchdog *w, int address);
/* Where expiry leaves an output: true with *value in the tag's unit, false where it stays as it is. */
bool watchmap_drives(const struct tool_watchdog *w, const struct tool_tag *tag, double *value);

#endif
