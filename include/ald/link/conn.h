/* One connection's life: when to connect, when to drop, when to call the link down. Pure.
 *
 * A call that fails on a link that worked so far only replaces the connection, at once: a single late reply is not
 * a lost link. One that breaks again and again is replaced at a bounded rate. The link is down when connecting fails, or when calls fail twice without a success between; from then
 * on attempts are paced by a back-off that doubles (SAFETY C3). */
#ifndef ALD_LINK_CONN_H
#define ALD_LINK_CONN_H

#include "ald/core/event.h" /* struct event_link */
#include "ald/core/tool.h"  /* struct tool_link */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

/* A close that is owed may be tried this often, whatever the back-off says. */
#define CONN_HURRY_US INT64_C(100000)
/* A connection that broke is replaced at once, unless it was itself replaced less than this before: a device that spoils
 * every second call would otherwise be given a new socket every few milliseconds for as long as it does (C3). */
#define CONN_REPLACE_US INT64_C(20000)
/* But an edge or a safe value does not wait for that: the connection is replaced so long before it is needed. */
#define CONN_LEAD_US INT64_C(10000)

struct conn {
        int64_t backoff_us, backoff_us_min, backoff_us_max;
        int64_t retry_us; /* no attempt before this */
        int64_t tried_us; /* the last attempt */
        int fails;        /* since the last success */
        bool
            needs_proof; /* this link carries calls that will show whether it works: after a failure, connecting
                            * alone does not count as up */
        bool is_connected;
        bool must_drop;          /* the socket is to be closed before anything else */
        bool is_down;            /* not up as far as anyone was or will be told */
        bool owes_down, owes_up; /* reports not yet taken */
        char why[96];
};

void conn_init(struct conn *c, const struct tool_link *link, bool needs_proof, int64_t now_us);

void conn_connected(struct conn *c);
/* Connecting failed. True: the link went down by this (it was up, or nobody had been told anything yet). */
bool conn_refused(struct conn *c, int64_t now_us, const char *why);
/* A call failed such that the connection must be replaced, or the peer closed it. True as above. */
bool conn_broke(struct conn *c, int64_t now_us, const char *why);
/* A call on a serial line failed: nothing is replaced. `is_all`: none of its units answers any more, and twice in a row
 * means that the link is down. True as above. */
bool conn_muted(struct conn *c, const char *why, bool is_all);
/* A call was given up for an edge: replace the connection at once; nobody is to blame. */
void conn_replace(struct conn *c, int64_t now_us);
void conn_dropped(struct conn *c);
/* A call was answered. */
void conn_worked(struct conn *c);
/* When to connect next: `in_hurry` when a close is owed or an edge is pending; need_us: when a safe value or an edge wants the
 * connection, TIME_NEVER = none does. */
int64_t conn_retry(const struct conn *c, bool in_hurry, int64_t need_us);
/* Take the next change of state; false when there is none. `link` is left to the caller. */
bool conn_report(struct conn *c, struct event_link *out);

#endif
