/* History of a tool file: how long samples are kept. Without it everything is. */
#include "ald/file/tool_file.h"

#include "ald/base/time.h" /* TIME_H */

/* As long as a time in a file can be. */
#define LONGEST_US  ((double)(3650 * 24 * TIME_H))
#define SHORTEST_US ((double)(24 * TIME_H))

struct raw_history {
        int64_t samples, runs;
};
static const struct key rows[] = {
    {"samples", KEY_TIME, true, KEY_AT(struct raw_history, samples), .min = SHORTEST_US, .max = LONGEST_US,
        .help = "how long samples outside of runs are kept"},
    {"runs", KEY_TIME, false, KEY_AT(struct raw_history, runs), .min = SHORTEST_US, .max = LONGEST_US,
        .help = "how long a run's samples are kept (for ever)"},
};
const struct keys tool_file_history_keys = KEYS("history", rows);

void tool_file_read_history(struct tool_file *f, const struct yaml_node *map)
{
        struct raw_history raw = {0};
        struct keys_found found;

        if (!keys_read(&f->r, map, &tool_file_history_keys, NULL, &raw, &found))
                return;
        if (raw.runs > 0 && raw.runs < raw.samples)
                reader_error(&f->r, keys_node(&found, "runs"),
                    "runs: a run's samples are kept at least as long as those outside of runs: `samples` or "
                    "longer");
        f->tool->history.samples_us = raw.samples;
        f->tool->history.runs_us = raw.runs;
}
