/* A commented recipe to start from, for whatever a tool has: one text, whose names and numbers come from a plan of it. The numbers
 * are guesses within the tool's limits; each that only the scientist can know is asked for in a comment that begins with "# ?". */
#ifndef ALD_APP_NEW_RECIPE_H
#define ALD_APP_NEW_RECIPE_H

#include "ald/core/tool.h" /* struct tool, TOOL_LOOPS_MAX */

#include <jansson.h> /* json_t */

#include <stdbool.h> /* bool */
#include <stdio.h>   /* FILE */

enum { NEW_VALUE_CAP = 32 };

struct new_heater {
        char name[TOOL_NAME_MAX]; /* of the process value */
        char at[NEW_VALUE_CAP];
        char cool[NEW_VALUE_CAP];   /* source: cold enough for the end */
        char within[NEW_VALUE_CAP]; /* chamber: its guard; "" = none */
        bool is_chamber, is_source;
};

struct new_line {
        char name[TOOL_NAME_MAX];
        char pulse[NEW_VALUE_CAP];
};

/* Where a name is "" the tool has nothing of the kind. */
struct new_plan {
        char recipe[TOOL_NAME_MAX], tool[TOOL_NAME_MAX];
        const char *said;   /* of the head: what is known of the tool */
        const char *schema; /* a path for editors; NULL = there is none */
        char carrier[TOOL_NAME_MAX], rest[NEW_VALUE_CAP], flow[NEW_VALUE_CAP];
        char bed[TOOL_NAME_MAX], speed[NEW_VALUE_CAP], speed_within[NEW_VALUE_CAP];
        char gauge[TOOL_NAME_MAX], base[NEW_VALUE_CAP];
        char pump[TOOL_NAME_MAX], exhaust[TOOL_NAME_MAX]; /* what rests off, closed: it is turned on first */
        char purge[NEW_VALUE_CAP], least[NEW_VALUE_CAP];  /* least: "" = not known */
        int heater_count, line_count;
        struct new_heater heaters[TOOL_LOOPS_MAX];
        struct new_line lines[TOOL_LINES_MAX];
};

/* Guesses for a tool: try i of several, the likeliest first, since what one tool bears trips another. False: no further. */
bool new_plan_for_tool(struct new_plan *plan, const struct tool *tool, int i);
/* The same of what a daemon tells of its tool (verb `tool`): names and units, no limits. */
void new_plan_for_served(struct new_plan *plan, const json_t *told);
/* A tool as there may be one. */
void new_plan_for_none(struct new_plan *plan);

void new_recipe_put(const struct new_plan *plan, FILE *to);

#endif
