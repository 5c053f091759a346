/* The live runner: carries events from links, clients, signals and the clock into the core, and its effects out to
 * links, record and clients. The control path waits for nothing: links and record have threads of their own. */
#ifndef ALD_APP_LIVE_H
#define ALD_APP_LIVE_H

#include "ald/bus/realtime.h" /* struct realtime */
#include "ald/core/tool.h"    /* struct tool */

#include <stddef.h> /* size_t */

struct live; /* opaque */
struct notify;

struct live_config {
        const struct tool *tool; /* borrowed */
        const char *tool_text;   /* borrowed: kept with each run */
        size_t tool_text_len;
        const char *socket_path, *db_path;
        struct realtime realtime; /* what realtime_begin() found */
        struct notify *notify;    /* borrowed; NULL = nobody is told */
};

/* Open the record, start links and control socket, begin start-up. NULL: the reason was printed to stderr. */
struct live *live_new(const struct live_config *config);

/* Run until a shutdown is complete. Returns the exit code. */
int live_run(struct live *live);

void live_free(struct live *live); /* NULL allowed */

#endif
