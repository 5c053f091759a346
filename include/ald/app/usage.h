/* What a pulse took from its bottle, estimated: the delivery that the tool file describes (`simulation`: draw, through or boost,
 * as the dry run computes it), with the source temperature, the chamber pressure and the carrier flow as they read when the
 * pulse ended, for as long as the valve was open. It is known within the vapour pressure and the pick-up, no better.
 *
 * An estimate for people, made outside the core: nothing that moves an output depends on it. */
#ifndef ALD_APP_USAGE_H
#define ALD_APP_USAGE_H

#include "ald/core/core.h"  /* struct core */
#include "ald/core/event.h" /* struct event_pulse */
#include "ald/core/tool.h"  /* struct tool */

/* umol; 0 where it cannot be told: it did not open, the tool file does not say, or what it depends on is not Good. */
double usage_of_pulse_umol(const struct tool *tool, const struct core *core, const struct event_pulse *p);

#endif
