/* The polls of one link: when each request of the plan is due, and what it brought last. Due times are absolute; what
 * cannot be done in time is skipped and counted, never piled up. Results wait here until taken; a newer one takes the
 * place of an older. */
#ifndef ALD_LINK_POLLSET_H
#define ALD_LINK_POLLSET_H

#include "ald/core/event.h" /* struct event, enum quality_why */
#include "ald/link/plan.h"  /* struct plan */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct pollset_item {
        int64_t due_us;
        bool is_fresh; /* a result waits */
        uint8_t why;   /* QUALITY_WHY_NONE: Good */
        int64_t t_us;  /* of the result */
        uint16_t words[PLAN_BITS_MAX];
};

struct pollset {
        const struct tool *tool; /* borrowed */
        struct plan plan;
        struct pollset_item item[PLAN_REQUESTS_MAX];
        int report_from; /* so that no request's results starve the others' */
        int64_t seq;
        int64_t skipped; /* polls that were not made because their time had passed */
};

/* False: the plan does not fit. All requests are due at now_us. */
bool pollset_init(struct pollset *set, const struct tool *tool, int link, int64_t now_us);

/* The output `tag` was written: the request that reads it back is due now, however long its period, so that a safe value is
 * confirmed within the budget (T1). Later polls keep their places in time. */
void pollset_hurry(struct pollset *set, int tag, int64_t now_us);

/* Request `i` begins: its next due time. */
void pollset_begin(struct pollset *set, int i, int64_t now_us);
/* It was answered with `words`, having been sent at t_us. */
void pollset_answer(struct pollset *set, int i, int64_t t_us, const uint16_t *words);
/* It failed: its tags are Bad. */
void pollset_fail(struct pollset *set, int i, int64_t t_us, enum quality_why why);
/* The link is down: all tags are Bad. */
void pollset_fail_all(struct pollset *set, int64_t t_us);

/* Take the next result as EVENT_SAMPLES. False when there is none. */
bool pollset_report(struct pollset *set, struct event *out);

#endif
