/* A plant that does the same again and again need not be computed anew: 100,000 equal cycles are one cycle.
 *
 * Whoever drives it marks where a period begins. What happens in a period is remembered: each move through time and each
 * output that changed, with the plant's state after it. When REPEAT_EQUAL periods in a row were equal in all of that (states
 * and what the period added to sums within 1e-9), the next ones are played back from the last: the plant gets the state that
 * followed the same move from the same start. The first move or output that differs ends it, and physics goes on from the
 * state reached. Who asks the plant cannot tell the difference beyond those 1e-9; the core walks every cycle all the same. */
#ifndef ALD_SIM_REPEAT_H
#define ALD_SIM_REPEAT_H

#include "ald/sim/plant.h" /* struct plant */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

enum { REPEAT_EQUAL = 3 };

struct repeat; /* opaque */

/* NULL when memory is out. */
struct repeat *repeat_new(void);
void repeat_free(struct repeat *r); /* NULL allowed */
/* Something changed that is no move and no output: nothing that was remembered holds. */
void repeat_forget(struct repeat *r);

/* A period begins. */
void repeat_mark(struct repeat *r, struct plant *plant);
/* Move the plant by span_us if that is known; false: compute it, then repeat_moved(). */
bool repeat_move(struct repeat *r, struct plant *plant, int64_t span_us);
void repeat_moved(struct repeat *r, const struct plant *plant, int64_t span_us);
/* An output changed. */
void repeat_drove(struct repeat *r, int tag, double value);
bool repeat_is_playing(const struct repeat *r);

#endif
