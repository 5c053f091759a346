/* What runs before tell of a tool's pulses and base pressures: where the trends of the next run begin (core/drift.h). */
#ifndef ALD_STORE_PAST_H
#define ALD_STORE_PAST_H

#include "ald/core/core.h" /* struct core_past */
#include "ald/core/tool.h" /* struct tool */

#include <sqlite3.h> /* sqlite3 */
#include <stdbool.h> /* bool */

struct text;

/* Of the last PAST_RUNS runs: for each precursor line the oldest pulses of the width that it had last, so that a bottle that
 * ran low from run to run is compared with how it was, and the base pressures before the pulses. False: *why. */
enum { PAST_RUNS = 30 };
bool past_read(sqlite3 *db, const struct tool *tool, struct core_past *past, struct text *why);

#endif
