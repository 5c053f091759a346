/* What the tags are: the tool's equipment as JSON, for screens that draw a tool they have never seen. The keys are a
 * contract as those of report.h are.
 *
 * tool
 *   tool, title        of the tool file
 *   equipment          flows, heaters and motors, then precursor lines, valves, the pump, the gauge and the safety inputs,
 *                      each kind as the tool file orders it; every piece has every key, null where it does not apply
 * equipment
 *   name               as in the tool file
 *   kind               "flow", "heater", "motor", "precursor", "valve", "pump", "gauge" or "inputs"
 *   value, setpoint, valve, run, running, atmosphere, lid, emo, over_temperature    names of tags
 *   unit               of the value, "" = none
 *   tolerance          within it a set-point counts as reached, in the unit
 *   source, line       of a precursor: names of the heaters of its bottle and of the way from it
 *   role               of a valve: "exhaust", "vent", "soft" or ""
 *   inert              of a flow: carrier or purge gas */
#ifndef ALD_CONTROL_REPORT_TOOL_H
#define ALD_CONTROL_REPORT_TOOL_H

#include "ald/core/tool.h" /* struct tool */

#include <jansson.h> /* json_t */

/* New; NULL when memory is out. */
json_t *report_tool(const struct tool *tool);

#endif
