/* Tools and recipes of the swarm: the reference tool, and one of the same build with what it lacks: a cause that suspends,
 * trips that hold and stop, outputs that may be moved inside a run, and control that lapses soon. */
#include "swarm.h"

#include "ald/base/diag.h" /* diag_new */
#include "ald/file/file.h" /* file_compile_tool */

#include <stdio.h>  /* snprintf */
#include <stdlib.h> /* malloc, free */
#include <string.h> /* strstr */

static const char tool_path[] = "config/rotary-ald.yaml";

struct edit {
        const char *was, *is;
};
static const struct edit edits[] = {
    {"  - id: no-mixing\n", "  - id: house\n    suspend: trap.temperature > 150 degC\n    for: 500 ms\n"
                            "  - id: block-hot\n    trip: block.temperature > 150 degC\n    then: hold\n"
                            "  - id: source-hot-stop\n    trip: nb.temperature > 130 degC\n    then: stop\n"
                            "  - id: no-mixing\n"},
    {"\naccess:\n", "\naccess:\n  control_lapse: 20 s\n"},
    {"address: 1, type: BIT, access: write, valve",
        "address: 1, type: BIT, access: write, manual: inside, valve"},
    {"unit: sccm, access: write, limits", "unit: sccm, access: write, manual: inside, limits"},
};

/* The water valve on a module that times pulses itself and has no watchdog. */
static const struct edit timed_edits[] = {
    {"devices:\n", "devices:\n  pulse-io: {link: valves, poll_link: plant, slave_id: 6, address_base: 0}\n"},
    {"{device: valve-io, register: coil, address: 1,", "{device: pulse-io, register: coil, address: 1,"},
    {"max_open: 2 s, lease: 500 ms, poll: 100 ms, failsafe: watchdog, maintenance: {actuations: 1000000}}",
        "max_open: 2 s, lease: 500 ms, poll: 100 ms, failsafe: device_timed,\n"
        "     pulse: {width_register: 18, width_type: UINT32, width_order: CDAB, width_unit: 0.1 ms,\n"
        "             setup: [{register: 65, value: 1}, {register: 2, value: 10}],\n"
        "             start_register: 34, start_value: 1, count_register: 50}}"},
};

static char *replace(char *text, const char *was, const char *is)
{
        const char *at = strstr(text, was);
        size_t size = strlen(text) + strlen(is) + 1;
        char *out = at != NULL ? malloc(size) : NULL;

        if (out != NULL)
                snprintf(out, size, "%.*s%s%s", (int)(at - text), text, is, at + strlen(was));
        else
                fprintf(stderr, "%s: it has no '%s'\n", tool_path, was);
        free(text);
        return out;
}

static char *read_text(const char *path)
{
        struct diag *d = diag_new();
        size_t len;
        char *text = file_read(path, &len, d);

        if (text == NULL)
                diag_print(d, stderr, false);
        diag_free(d);
        return text;
}

static char *apply(char *text, const struct edit *edit, size_t count)
{
        for (size_t i = 0; text != NULL && i < count; i++)
                text = replace(text, edit[i].was, edit[i].is);
        return text;
}

static struct tool *load_tool(bool is_edited, bool is_timed)
{
        struct diag *d = diag_new();
        char *text = read_text(tool_path);
        struct tool *tool = NULL;

        text = apply(text, timed_edits, is_timed ? sizeof timed_edits / sizeof timed_edits[0] : 0);
        text = apply(text, edits, is_edited ? sizeof edits / sizeof edits[0] : 0);
        if (text != NULL)
                tool = file_compile_tool(tool_path, text, strlen(text), d);
        if (tool == NULL)
                diag_print(d, stderr, false);
        diag_free(d);
        free(text);
        return tool;
}

static const struct {
        const char *path;
        struct file_set sets[4];
        size_t count;
} recipes[SWARM_RECIPES] = {
    {"tests/sim/recipes/short.yaml", {{0}}, 0},
    {"tests/sim/recipes/expose.yaml", {{0}}, 0},
    {"tests/sim/recipes/vent.yaml", {{0}}, 0},
    {"tests/sim/recipes/live.yaml", {{0}}, 0},
    {"recipes/nb2o5-nmc532.yaml", {{"cycles", "3"}, {"purge", "5 s"}, {"base", "2 s"}, {"settle", "2 s"}}, 4},
    {"tests/sim/recipes/noted.yaml", {{0}}, 0},
    {"tests/sim/recipes/doses.yaml", {{0}}, 0},
};

static struct recipe *load_recipe(const struct tool *tool, int i)
{
        struct diag *d = diag_new();
        char *text = read_text(recipes[i].path);
        struct recipe *recipe = NULL;

        if (text != NULL)
                recipe = file_compile_recipe(
                    recipes[i].path, text, strlen(text), tool, recipes[i].sets, recipes[i].count, d);
        if (recipe == NULL)
                diag_print(d, stderr, false);
        diag_free(d);
        free(text);
        return recipe;
}

bool swarm_kit_load(struct swarm_kit *kit, bool is_timed)
{
        *kit = (struct swarm_kit){{0}, {{0}}};
        for (int t = 0; t < SWARM_TOOLS; t++) {
                kit->tool[t] = load_tool(t > 0, is_timed);
                if (kit->tool[t] == NULL)
                        return false;
                for (int i = 0; i < SWARM_RECIPES; i++) {
                        kit->recipe[t][i] = load_recipe(kit->tool[t], i);
                        if (kit->recipe[t][i] == NULL)
                                return false;
                }
        }
        return true;
}

void swarm_kit_free(struct swarm_kit *kit)
{
        for (int t = 0; t < SWARM_TOOLS; t++) {
                for (int i = 0; i < SWARM_RECIPES; i++)
                        recipe_free(kit->recipe[t][i]);
                free(kit->tool[t]);
        }
}
