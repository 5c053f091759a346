#include "ald/control/resumes.h"

#include "ald/base/text.h" /* text_copy */

#include <stdio.h>  /* snprintf */
#include <stdlib.h> /* strtoll */
#include <string.h> /* strcmp */

static const char names[] = "run, cycle, path, attempt, outcome, recipe_sha256, tool_sha256 and version";

bool resumes_is_asked(json_t *params)
{
        return json_object_get(params, "resumes") != NULL;
}

static bool refuse(struct params_fault *fault, const char *wrong)
{
        text_copy(fault->argument, sizeof fault->argument, "resumes");
        text_copy(fault->expected, sizeof fault->expected, names);
        (void)snprintf(
            fault->text, sizeof fault->text, "run: 'resumes' has no sound '%s': it takes %s", wrong, names);
        return false;
}

/* NULL: it is not there. */
static const char *find(const struct params_map *map, const char *name)
{
        for (size_t i = 0; i < map->count; i++)
                if (strcmp(map->names[i], name) == 0)
                        return map->values[i];
        return NULL;
}

static bool take_number(const struct params_map *map, const char *name, int64_t *number, int64_t max)
{
        const char *text = find(map, name);
        char *end = NULL;

        if (text == NULL)
                return false;
        *number = strtoll(text, &end, 10);
        return text[0] != '\0' && *end == '\0' && *number >= 0 && *number <= max;
}

static bool take_text(const struct params_map *map, const char *name, const char **text)
{
        *text = find(map, name);
        return *text != NULL;
}

static bool take_outcome(const struct params_map *map, enum pulse_outcome *outcome)
{
        const char *text = find(map, "outcome");

        for (int i = 0; text != NULL && i < PULSE_OUTCOME_COUNT; i++) {
                *outcome = (enum pulse_outcome)i;
                if (strcmp(pulse_outcome_name(*outcome), text) == 0)
                        return true;
        }
        return false;
}

bool resumes_read(json_t *params, struct resumes *out, struct params_fault *fault)
{
        struct control_resume *to = &out->resume;
        int64_t attempt = 0;
        const char *wrong = NULL;

        *fault = (struct params_fault){.text = ""};
        *to = (struct control_resume){.from = {.run_id = 0}};
        params_read_map(params, "resumes", &out->map);
        if (!take_number(&out->map, "run", &to->from.run_id, INT64_MAX))
                wrong = "run";
        else if (!take_number(&out->map, "cycle", &to->from.cycle, INT64_MAX))
                wrong = "cycle";
        else if (!take_number(&out->map, "attempt", &attempt, 1000000))
                wrong = "attempt";
        else if (!take_text(&out->map, "path", &to->from.path))
                wrong = "path";
        else if (!take_outcome(&out->map, &to->from.outcome))
                wrong = "outcome";
        else if (!take_text(&out->map, "recipe_sha256", &to->recipe_sha256))
                wrong = "recipe_sha256";
        else if (!take_text(&out->map, "tool_sha256", &to->tool_sha256))
                wrong = "tool_sha256";
        else if (!take_text(&out->map, "version", &to->version))
                wrong = "version";
        to->from.attempt = (int)attempt;
        if (wrong != NULL)
                return refuse(fault, wrong);
        return true;
}
