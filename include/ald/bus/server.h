/* A Modbus TCP server for the simulated tool: frames in, tag reads and writes out. It serves all units of the tool's
 * devices at each of the tool's TCP endpoints; several connections at once; one thread (poll loop).
 *
 * Only declared registers exist: others get exception 2, writes to inputs exception 1/2, values that do not decode
 * exception 3. Half a frame or a slow reader holds up nobody else. */
#ifndef ALD_BUS_SERVER_H
#define ALD_BUS_SERVER_H

#include "ald/core/tool.h" /* struct tool */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct server; /* opaque */

/* How the tool behind the wire answers. Called from the server's thread. Return 0 or a Modbus exception code. */
struct server_tool {
        void *ctx;
        int (*read)(void *ctx, int tag, double *value); /* value in the tag's unit */
        int (*write)(void *ctx, int tag, double value);
        /* A holding register of the device's watchdog block (struct tool_watchdog). */
        int (*read_watchdog)(void *ctx, int device, int address, uint16_t *word);
        int (*write_watchdog)(void *ctx, int device, int address, uint16_t word);
        /* A holding register of an output that its module times (struct tool_pulse). NULL: there is none. */
        int (*read_pulser)(void *ctx, int tag, int address, uint16_t *word);
        int (*write_pulser)(void *ctx, int tag, int address, uint16_t word);
        /* After the request has had its effect, before its reply is sent: microseconds to delay it (0 = at once), or -1 = never answer, -2 = drop the
         * connection. */
        int64_t (*reply_delay)(void *ctx, int device, bool is_write);
};

/* Listen for every distinct TCP endpoint of the tool; `listen` "HOST:PORT" (NULL = as in the tool file) replaces the
 * first endpoint, further ones follow on the next ports (port 0 = any free port for each).
 * NULL: *why says what failed (buffer of why_cap bytes). */
struct server *server_start(
    const struct tool *tool, const struct server_tool *behind, const char *listen, char *why, int why_cap);
void server_stop(struct server *s);
/* The port on which `link`'s endpoint is served. */
int server_port(const struct server *s, int link);

#endif
