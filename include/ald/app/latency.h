/* How pulses kept their time: what `aldctl latency` and people who compare tools want to know of a run's edges. */
#ifndef ALD_APP_LATENCY_H
#define ALD_APP_LATENCY_H

#include "ald/store/query.h" /* struct query_pulse */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* int64_t */

enum latency_what {
        LATENCY_OPENED, /* open sent - planned */
        LATENCY_CLOSED, /* close sent - planned */
        LATENCY_WIDTH,  /* between both, actual - planned */
        LATENCY_OPEN_ANSWER,
        LATENCY_CLOSE_ANSWER, /* the device's answer - sent */
        LATENCY_COUNT
};
const char *latency_name(enum latency_what what);      /* "opened late" */
const char *latency_json_name(enum latency_what what); /* "opened_late" */

struct latency_values {
        int64_t *us; /* owned */
        size_t count, room;
};

/* Of one precursor line, or of all. */
struct latency_group {
        char precursor[48];
        int64_t pulses, done, late; /* late: its link could not open it in time, so it did not open */
        struct latency_values values[LATENCY_COUNT];
};

enum { LATENCY_GROUPS_MAX = 64 };
struct latency {
        int count;
        struct latency_group group[LATENCY_GROUPS_MAX];
        bool is_short_of_memory; /* or of groups: the sums are not of all pulses */
};

void latency_add(struct latency *l, const struct query_pulse *p);
void latency_free(struct latency *l); /* its values, not itself */

/* Fewer values than this have no such percentile of their own. */
enum { LATENCY_P99_MIN = 100, LATENCY_P999_MIN = 1000 };

struct latency_sum {
        size_t count;
        int64_t
            median_us; /* signed: late and too long are +; of an even number the lower one in the middle */
        int64_t p99_us, p999_us, max_us; /* of the sizes; -1 = too few values */
};
/* Sorts the values. */
void latency_sum_up(struct latency_values *v, struct latency_sum *out);

#endif
