/* Where the simulated tool listens: every distinct TCP endpoint of its links. */
#ifndef ALD_BUS_ENDPOINT_H
#define ALD_BUS_ENDPOINT_H

#include "ald/core/tool.h" /* struct tool */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

struct endpoint {
        char host[64];
        int port;       /* as asked for, then as bound */
        unsigned links; /* that lead here, a bit each */
        int fd;         /* -1 = not listening */
};

/* The distinct endpoints of the tool's TCP links; returns how many. */
int endpoint_collect(const struct tool *tool, struct endpoint list[TOOL_LINKS_MAX]);
/* "HOST:PORT" replaces the first endpoint, further ones follow on the next ports (port 0: any free one for each).
 * False: it is no HOST:PORT, and `why` says so. */
bool endpoint_replace(struct endpoint *list, int count, const char *at, char *why, size_t why_cap);
/* Listen at each (not blocking). False: `why` says at which it failed; those that listen are left to
 * endpoint_close(). */
bool endpoint_listen(struct endpoint *list, int count, char *why, size_t why_cap);
void endpoint_close(struct endpoint *list, int count);

#endif
