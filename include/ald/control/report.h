/* What clients are told about the tool, as JSON. The keys below are a contract: scripts read them. Times of day are
 * UTC text, durations are seconds, values are in the tag's own unit.
 *
 * status
 *   state              one of the machine's states, "Execute"
 *   in_run             a run is under way
 *   run                number of the present or last run, null = none yet
 *   recipe, phase      names, "" = none
 *   step               "pulse nb 1 s", "" = none
 *   source_line        the step's line in the recipe, null = none
 *   waiting            the condition it waits for with live values, "" = nothing
 *   asks               what a `confirm` asks, "" = nothing
 *   expires_s          until that question, or a hold or suspend, ends by itself, null = it does not
 *   expires_then       what follows then: "hold", "stop", "abort" or "continue"
 *   reason             why it was held, stopped or aborted, "" = none
 *   cycle, cycles      cycle i of n, 0 = not yet, none
 *   elapsed_s          since the run's start
 *   left_s             timed time left; waits for conditions (heat-up) are not in it
 *   step_left_s        of the present step, null = open-ended
 *   is_heating         it waits for set-points or a temperature: that time is not in left_s
 *   is_bounded         no further condition waits: left_s is all there is
 *   heating_left_s     estimate of the waits that left_s leaves out, from how fast the temperatures move: the run takes about
 *                      left_s and this; 0 = none, null = cannot be told. A question counts as answered at once, a pressure
 *                      that holds now as holding then
 *   open_in_s          estimate until the tool may be opened: the run over, precursors purged, what the tool file's `opening`
 *                      asks; 0 = now, null = cannot be told, or nothing is waited for but a vent. A vent is not in it
 *   open_waits         what must still happen first, for people: "run 7 to end; chamber.temperature 175 degC, wants < 80 degC",
 *                      "" = nothing
 *   is_stopping_after_cycle, is_exposing (the exhaust is shut by a block), is_vented (until the next pump_down)
 *   store_ok           the record is being kept
 *   latches            tripped interlocks, first-out first: id, text, guidance, time, is_active, action
 *   bypasses           inputs that interlocks do without: tag, user, reason, until
 *   unconfirmed_count, unconfirmed    outputs whose position is not known, by name
 *   external_failsafe  outputs whose fail-safe is outside this program's reach, by name
 *   control            who may move outputs: user, since, until (it lapses then without a command); null = nobody
 *   by_hand_count, by_hand    outputs that an operator moved away from standby, by name
 *   standby_s          control lapsed: they go to standby then, null = they stay
 *   alarms_shown       alarms that stand, or are still to be acknowledged or reset
 *   alarms_unacknowledged, alarms_shelved    how many
 *   is_flooded         more alarms than a person can take in: those of low priority are counted, not told one by one
 *   lags               turns of the control loop more than 50 ms late, since the daemon's start
 * tag
 *   name, kind         "number", "switch" (on/off) or "valve" (open/closed)
 *   unit               "Torr", "" for switches and valves
 *   value              null = none; text: the same for people
 *   quality, why       Good, Uncertain, Bad and the reason
 *   age_s              null = never read
 *   is_output; for outputs: commanded, safe, limit_min, limit_max, failsafe (text)
 * interlock
 *   id, kind           "trip", "permit", "exclusive" or "suspend"
 *   condition          as in the tool file; is_true: true, false or null (a value is not Good)
 *   values             the live values it looks at
 *   action, for_s, grace_s, arm, is_armed, is_latched, is_permitted, outputs, purge_between_s, guidance
 *   sets               what a trip sets beyond the image, for people
 *   effects            its row of the matrix (core/matrix.h), by output: [effect, value, is that value the safe one],
 *                      effect "forces", "ends at", "permits", "then closes" or "excludes"
 * alarm                those that are not normal, by priority, then by time
 *   id, priority       low, medium, high or critical
 *   state              unacknowledged, acknowledged, returned-unacknowledged, latched-unacknowledged, latched, shelved or
 *                      suppressed
 *   text, guidance     what it was when it came; what to do about it
 *   stands             its condition holds now
 *   is_trip            a latched trip: it cannot be shelved
 *   is_chattering, comings
 *   time, age_s        when it came last, null = not since the daemon's start
 *   shelved_until, shelved_by, shelved_reason    null and "" unless it is shelved
 * event
 *   time, run, kind, severity, source, text */
#ifndef ALD_CONTROL_REPORT_H
#define ALD_CONTROL_REPORT_H

#include "ald/core/core.h"    /* struct core */
#include "ald/core/outlook.h" /* struct outlook_now */
#include "ald/core/record.h"  /* struct record */
#include "ald/core/tool.h"    /* struct tool */

#include <jansson.h> /* json_t */

/* All results are new; NULL when memory is out. */
/* `outlook` NULL: nothing is estimated. */
json_t *report_status(const struct tool *tool, const struct core *core, const struct outlook_now *outlook);
json_t *report_tags(const struct tool *tool, const struct core *core);       /* array of tags */
json_t *report_interlocks(const struct tool *tool, const struct core *core); /* array of interlocks */
json_t *report_alarms(const struct core *core);                              /* array of alarms */
json_t *report_event(const struct record *r);                                /* of kind RECORD_EVENT */
/* The table of verbs: name, role, control ("free", "takes", "holds"), help, arguments. */
json_t *report_verbs(void);

/* For subscriptions: what never changes of a tag, and what does. Neither has the name. */
json_t *report_tag_facts(const struct tool_tag *tag);
json_t *report_tag_now(const struct tool_tag *tag, const struct core_tag *now);

/* "2026-11-21T10:15:30.123Z" now or then. */
json_t *report_time(int64_t wall_us);

#endif
