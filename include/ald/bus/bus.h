/* The live side of the links: one worker thread each, which carries out what its schedule (link/sched.h) says with
 * libmodbus. One context, one thread. The event loop never waits for a worker: orders go in and events come out
 * through bounded queues without locks, and an eventfd says that something came. */
#ifndef ALD_BUS_BUS_H
#define ALD_BUS_BUS_H

#include "ald/core/event.h" /* struct event, struct effect_* */
#include "ald/core/tool.h"  /* struct tool */

#include <stdbool.h> /* bool */

struct bus; /* opaque */

/* Start a worker for every link of the tool (borrowed). NULL: *why (static text) says what failed. */
struct bus *bus_start(const struct tool *tool, const char **why);
/* Give every worker a real-time priority (bus/realtime.h). False: not allowed. */
bool bus_raise(struct bus *bus, int priority);
/* Workers finish the call they are in, write what safe values are queued, and end. Blocks at most about a second. */
void bus_stop(struct bus *bus);

/* Readable when events wait; read it empty before bus_next(). */
int bus_fd(const struct bus *bus);
/* The next event for the core; time fields are left to the caller. False: none waits. */
bool bus_next(struct bus *bus, struct event *out);

/* Before the first effect: outputs may have been left open by the process before, as in struct core_start. */
void bus_left_open(struct bus *bus);

/* Carry out effects. None blocks or allocates. */
void bus_write(struct bus *bus, const struct effect_write *w);
void bus_pulse(struct bus *bus, const struct effect_pulse *p);
void bus_revoke(struct bus *bus, uint32_t id, int tag);
void bus_feed(struct bus *bus, int64_t turn_us);
/* The pulse that the core foresees (link/sched.h, sched_expect); TIME_NEVER: none. */
void bus_expect(struct bus *bus, int64_t open_us);
void bus_rearm(struct bus *bus, int device);
void bus_prove(struct bus *bus, const struct effect_prove *prove);

/* CLOCK_MONOTONIC in microseconds: the one clock of the live programs. */
int64_t bus_now_us(void);

#endif
