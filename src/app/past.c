#include "ald/app/past.h"

#include "ald/app/digest.h" /* digest_sha256 */
#include "ald/base/diag.h"  /* diag_new */
#include "ald/base/text.h"  /* text_add */
#include "ald/file/file.h"  /* file_compile_tool, file_compile_joined */

#include <jansson.h> /* run.parameters */
#include <string.h>  /* strcmp, strlen */

static bool is_digest(const char *text, const char *sha256)
{
        char hex[DIGEST_HEX];

        digest_sha256(text, strlen(text), hex);
        return strcmp(hex, sha256) == 0;
}

/* The first error is enough: the texts were sound for the version that recorded them. */
static void explain(struct text *why, const char *what, const struct diag *d)
{
        for (size_t i = 0; i < diag_count(d); i++) {
                const struct diag_entry *e = diag_entry(d, i);

                if (e->severity != DIAG_ERROR)
                        continue;
                text_add(why, "this version does not accept the recorded %s: line %d: %s", what, e->at.line,
                    e->text);
                return;
        }
        text_add(why, "the recorded %s cannot be compiled", what);
}

static struct tool *compile_tool(
    const struct query_run *run, const char *text, struct diag *d, struct text *why)
{
        struct tool *tool;

        if (!is_digest(text, run->tool_sha256)) {
                text_add(why, "the recorded tool file is not the one that was in force: its SHA-256 differs");
                return NULL;
        }
        tool = file_compile_tool("tool of the run", text, strlen(text), d);
        if (tool == NULL)
                explain(why, "tool file", d);
        return tool;
}

static size_t list_parameters(json_t *parameters, struct file_set sets[RECIPE_PARAMETERS_MAX])
{
        size_t count = 0;
        const char *name;
        json_t *value;

        json_object_foreach(parameters, name, value)
        {
                if (json_is_string(value) && count < RECIPE_PARAMETERS_MAX)
                        sets[count++] = (struct file_set){.name = name, .value = json_string_value(value)};
        }
        return count;
}

static struct recipe *compile_recipe(const struct query_run *run, const struct query_texts *texts,
    const struct tool *tool, struct diag *d, struct text *why)
{
        struct file_set sets[RECIPE_PARAMETERS_MAX];
        json_t *parameters = json_loads(texts->parameters, 0, NULL);
        size_t count = list_parameters(parameters, sets);
        struct recipe *recipe = file_compile_joined(
            "recipe of the run", texts->recipe, strlen(texts->recipe), tool, sets, count, d);

        json_decref(parameters);
        if (recipe == NULL) {
                explain(why, "recipe", d);
                return NULL;
        }
        digest_sha256(recipe->text, recipe->text_len, recipe->sha256);
        if (strcmp(recipe->sha256, run->recipe_sha256) == 0)
                return recipe;
        text_add(why, "the recorded recipe is not the one that ran: its SHA-256 differs");
        recipe_free(recipe);
        return NULL;
}

bool past_compile(const struct query_run *run, const struct query_texts *texts, struct tool **tool,
    struct recipe **recipe, struct text *why)
{
        struct diag *d = diag_new();

        *tool = NULL;
        *recipe = NULL;
        if (d == NULL) {
                text_add(why, "memory is out");
                return false;
        }
        *tool = compile_tool(run, texts->tool, d, why);
        if (*tool != NULL)
                *recipe = compile_recipe(run, texts, *tool, d, why);
        diag_free(d);
        return *recipe != NULL;
}
