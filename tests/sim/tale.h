/* Notes as lines for people. */
#ifndef TESTS_SIM_TALE_H
#define TESTS_SIM_TALE_H

#include "ald/sim/world.h" /* struct world_note */

#include <stdbool.h> /* bool */
#include <stdio.h>   /* FILE */

struct tale {
        FILE *out;
        const struct tool *tool;
        bool with_wire;              /* calls, requests and samples as well */
        int64_t from_us, to_us;      /* what lies outside is left out */
        double value[TOOL_TAGS_MAX]; /* of outputs: only changes are told */
        bool is_known[TOOL_TAGS_MAX];
};
void tale_note(struct tale *t, const struct world_note *n);
void tale_say(struct tale *t, int64_t t_us, const char *text);

#endif
