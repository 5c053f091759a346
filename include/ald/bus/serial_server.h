/* The simulated tool's serial lines: a pseudo-terminal for each, with all units of its links on it. One thread.
 *
 * As on a real line nobody answers for a unit that is not there, frames with a wrong checksum are not answered, and a
 * request and its reply take the time that their bytes need at the link's baud. What the tool behind delays (struct
 * server_tool) comes late and may come between later answers; a connection that it wants dropped is an answer that does not
 * come. */
#ifndef ALD_BUS_SERIAL_SERVER_H
#define ALD_BUS_SERIAL_SERVER_H

#include "ald/bus/server.h" /* struct server_tool */
#include "ald/core/tool.h"  /* struct tool */

struct serial_server; /* opaque */

/* One terminal for every distinct path of the tool's RTU links. `at` (NULL: none) names a symbolic link for each link, NULL
 * where it wants none; an old one to a terminal is replaced, anything else is not. NULL: *why says what failed (buffer of
 * why_cap bytes). */
struct serial_server *serial_server_start(const struct tool *tool, const struct server_tool *behind,
    const char *const at[TOOL_LINKS_MAX], char *why, int why_cap);
/* Removes its symbolic links. */
void serial_server_stop(struct serial_server *s);
/* What to open for `link`: the symbolic link, or the terminal itself. NULL when it is no RTU link. */
const char *serial_server_path(const struct serial_server *s, int link);

#endif
