/* The polls of one link: when each request of the plan is due, and what it brought last. Due times are absolute; what
 * cannot be done in time is skipped and counted, never piled up. Results wait here until taken; a newer one takes the
 * place of an older.
 *
 * A request of several tags that is refused with exception 2 (no such address) is read point by point once, each tag in a
 * read of its own; then only the guilty ones are Bad, and the others are read in the parts that lie between them. Until the
 * connection is a new one, or for POLLSET_AGAIN_US: a device that refused a point while it started must not leave, say, an
 * emergency stop unreadable for good. These reads are polls like any other: edges, pauses and back-off hold for each. */
#ifndef ALD_LINK_POLLSET_H
#define ALD_LINK_POLLSET_H

#include "ald/core/event.h" /* struct event, enum quality_why */
#include "ald/link/plan.h"  /* struct plan */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

/* What was found guilty is tried again after this: one read more, and a search where it still is. */
#define POLLSET_AGAIN_US INT64_C(10000000)

/* How a request is read. */
enum pollset_shape {
        POLLSET_WHOLE,
        POLLSET_POINTS, /* each tag alone, once: which is refused? */
        POLLSET_PARTS,  /* around the guilty ones */
        POLLSET_SINGLE  /* no tag is guilty, but together they are refused: each alone, from now on */
};

struct pollset_item {
        int64_t due_us;
        bool is_fresh;     /* a result waits */
        bool is_under_way; /* of several reads, some are still to be made */
        bool is_searched;  /* the points were looked at, and not again before again_us on this connection */
        enum pollset_shape shape;
        int64_t again_us;
        int64_t begun_us; /* under way: when the first of its reads was due */
        int at;           /* under way: the tag that the next read begins with, counted in the request */
        uint64_t guilty;  /* a bit for each tag of the request */
        uint16_t words[PLAN_BITS_MAX];
};

/* The last result of a tag. */
struct pollset_point {
        bool is_fresh;
        uint8_t why;  /* QUALITY_WHY_NONE: Good */
        int64_t t_us; /* when its read was sent */
};

/* One read on the wire. */
struct pollset_read {
        int from, to; /* its tags, counted in the request: [from, to) */
        int address, count;
};

struct pollset {
        const struct tool *tool; /* borrowed */
        struct plan plan;
        struct pollset_item item[PLAN_REQUESTS_MAX];
        struct pollset_point point[TOOL_TAGS_MAX];
        int report_from; /* so that no request's results starve the others' */
        int64_t seq;
        int64_t skipped; /* polls that were not made because their time had passed */
};

/* False: the plan does not fit. All requests are due at now_us. */
bool pollset_init(struct pollset *set, const struct tool *tool, int link, int64_t now_us);

/* The output `tag` was written: the request that reads it back is due now, however long its period, so that a safe value is
 * confirmed within the budget (T1). Later polls keep their places in time. */
void pollset_hurry(struct pollset *set, int tag, int64_t now_us);

/* When request `i`, or what is left of it, is due. */
int64_t pollset_due(const struct pollset *set, int i);
/* Its next read. */
void pollset_next_read(const struct pollset *set, int i, struct pollset_read *read);

/* Its next read begins: the first one of a request sets its next due time. */
void pollset_begin(struct pollset *set, int i, int64_t now_us);
/* The read was answered with `words`, having been sent at t_us. */
void pollset_answer(struct pollset *set, int i, int64_t t_us, const uint16_t *words);
/* The device answered with an exception: the tags of this read are Bad, or looked at one by one. */
void pollset_refuse(struct pollset *set, int i, int64_t t_us, int exception);
/* It failed: all tags of the request are Bad, and what is left of it is not read. */
void pollset_fail(struct pollset *set, int i, int64_t t_us, enum quality_why why);
/* The connection is new, so may the device be: every request is whole again. */
void pollset_renew(struct pollset *set);
/* Before request `i` is read: it is whole again if it was searched POLLSET_AGAIN_US ago. */
void pollset_forgive(struct pollset *set, int i, int64_t now_us);
/* The link is down: all tags are Bad. */
void pollset_fail_all(struct pollset *set, int64_t t_us);

/* Take the next result as EVENT_SAMPLES. False when there is none. */
bool pollset_report(struct pollset *set, struct event *out);

#endif
