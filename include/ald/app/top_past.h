/* What the run database has of the last half hour: the pressure and the pulses, for the plot of `aldctl top`. */
#ifndef ALD_APP_TOP_PAST_H
#define ALD_APP_TOP_PAST_H

#include "ald/app/top_model.h" /* struct top_model */

/* Fill the plot with what is there; a database that cannot be read, or not at once, adds nothing. */
void top_past_fill(struct top_model *m, const char *path);

/* The pulses of the last cycle with their exact edges: one that is shorter than the turns of the subscription may not have been
 * seen at all. */
void top_past_refresh(struct top_model *m, const char *path);

#endif
