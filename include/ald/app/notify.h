/* Notifications: programs of the tool file's `notify` that are run on chosen events, so that people hear of them.
 *
 * The daemon's loop runs at a real-time priority with locked memory: a fork there would copy its page tables in the middle of
 * a run, and the child of a process with threads may do next to nothing. So a helper is forked once, at the very start, when
 * the process is small and has no thread, no priority and no locked page. The loop only hands it one message of fixed size,
 * without waiting and without allocating; what the helper does not take is counted and told with the next one. The helper
 * makes the JSON, runs the programs, and tells how they ended, which belongs into the record.
 *
 * Why not a client of the socket: it would be another service to set up and to keep alive, it would hear of nothing while it
 * is being started again, it takes one of the socket's places, and it could not tell of the daemon's own start and end. */
#ifndef ALD_APP_NOTIFY_H
#define ALD_APP_NOTIFY_H

#include "ald/core/record.h" /* struct record, enum record_severity */
#include "ald/core/tool.h"   /* struct tool */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct core;
struct diag;
struct notify; /* opaque; NULL is allowed everywhere: nobody is told */

/* Told of how hooks ended, in the caller's thread. */
struct notify_owner {
        void *ctx;
        void (*tell)(void *ctx, enum record_severity severity, const char *text);
};

/* Are the programs there, and nobody's but their owner's? Errors and warnings at their places in source 0 of `d`. */
void notify_check(const struct tool *tool, struct diag *d);

/* Fork the helper, in main, before there are threads and priorities. NULL: the tool has no hooks, or it could not be started,
 * which is then said on stderr. `tool` is borrowed. */
struct notify *notify_start(const struct tool *tool);
void notify_attach(struct notify *n, const struct notify_owner *owner);

/* A record that leaves the core. Never waits. */
void notify_look(struct notify *n, const struct core *core, const struct record *r);
/* The daemon's own: it is ready, after an end that left this run open (0 = none); it ends in order. */
void notify_ready(struct notify *n, const struct core *core, int64_t interrupted_run);
void notify_ending(struct notify *n, const struct core *core);

/* Readable when the helper has something to say; -1: there is none. */
int notify_fd(const struct notify *n);
/* Hear what it says. False: it is gone, and its descriptor closed. */
bool notify_read(struct notify *n);

/* An orderly end: what is under way and waits may still be told, for at most NOTIFY_DRAIN_S; all processes are gone then. */
enum { NOTIFY_DRAIN_S = 10 };
void notify_finish(struct notify *n);

/* aldd --notify-test: run every hook once, print how it ended. True: all of them did well. */
bool notify_test(const struct tool *tool);

#endif
