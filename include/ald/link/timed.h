/* One output whose module times pulses itself, as its master sees it: what stands in the module's registers, and the calls
 * that put it there. Once per connection the module is set up (each register written and read back) and its count of pulses
 * read; after that a width and the start are all that a pulse takes. Pure: it says which register to read or write next, the
 * schedule does it.
 *
 * Nothing here energises anything but the start, and that is an edge of its pair (pair.h), which the gate has passed. */
#ifndef ALD_LINK_TIMED_H
#define ALD_LINK_TIMED_H

#include "ald/core/tool.h"  /* struct tool_pulse */
#include "ald/link/codec.h" /* CODEC_WORDS_MAX */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t, uint16_t */

/* Between attempts with a module that does not take its set-up. */
#define TIMED_RETRY_US INT64_C(1000000)

struct timed {
        const struct tool_pulse *map; /* borrowed */
        int step;                     /* of the set-up: each register takes two, the count one */
        int64_t retry_us;
        uint16_t count; /* of whole pulses when last asked */
};

struct timed_call {
        bool is_write;
        int address, count; /* holding registers */
        uint16_t words[CODEC_WORDS_MAX];
};

/* Registers that the width takes. */
int timed_width_words(const struct tool_pulse *map);
/* The longest width that the register holds, us. */
int64_t timed_width_max_us(const struct tool_pulse *map);
/* The register's words for a width that is a whole number of units. */
void timed_encode(const struct tool_pulse *map, int64_t width_us, uint16_t *words);

/* The width that stands in the register's words, us. */
int64_t timed_decode(const struct tool_pulse *map, const uint16_t *words);

void timed_init(struct timed *t, const struct tool_pulse *map);
/* The connection is new, or the module did not do as it was told: nothing is known. One that refused its set-up stays
 * paused. */
void timed_reset(struct timed *t);
bool timed_is_ready(const struct timed *t);

/* The set-up's next call; not when it is ready. */
int64_t timed_due(const struct timed *t);
void timed_call(const struct timed *t, struct timed_call *call);
/* It was answered; ok: not by an exception. */
void timed_answered(struct timed *t, bool ok, const uint16_t *words, int64_t now_us);

/* Calls of a pulse. */
void timed_call_width(const struct timed *t, int64_t width_us, bool is_write, struct timed_call *call);
void timed_call_start(const struct timed *t, struct timed_call *call);
void timed_call_count(const struct timed *t, struct timed_call *call);
/* The count was read after a pulse. True: it is one more than before. */
bool timed_take_count(struct timed *t, uint16_t count);

#endif
