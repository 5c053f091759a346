#include "ald/app/aldctl_past.h"

#include "ald/app/digest.h" /* digest_sha256 */
#include "ald/base/diag.h"  /* diag_new */
#include "ald/base/text.h"  /* text_add */
#include "ald/file/file.h"  /* file_compile_tool, file_compile_joined */

#include <stdarg.h> /* va_list */
#include <stdlib.h> /* free */
#include <string.h> /* strcmp, strlen */

static bool give_up(struct aldctl_past *past, const char *fmt, ...) TEXT_PRINTF(2, 3);
static bool give_up(struct aldctl_past *past, const char *fmt, ...)
{
        struct text t;
        va_list args;

        text_init(&t, past->why, sizeof past->why);
        va_start(args, fmt);
        text_addv(&t, fmt, args);
        va_end(args);
        return false;
}

static bool is_digest(const char *text, const char *sha256)
{
        char hex[DIGEST_HEX];

        digest_sha256(text, strlen(text), hex);
        return strcmp(hex, sha256) == 0;
}

/* The first error is enough: the texts were sound for the version that recorded them. */
static bool give_up_compiling(struct aldctl_past *past, const char *what, const struct diag *d)
{
        for (size_t i = 0; i < diag_count(d); i++) {
                const struct diag_entry *e = diag_entry(d, i);

                if (e->severity == DIAG_ERROR)
                        return give_up(past, "this version does not accept the recorded %s: line %d: %s",
                            what, e->at.line, e->text);
        }
        return give_up(past, "the recorded %s cannot be compiled", what);
}

static bool compile_tool(
    struct aldctl_past *past, const struct query_run *run, const char *text, struct diag *d)
{
        if (!is_digest(text, run->tool_sha256))
                return give_up(
                    past, "the recorded tool file is not the one that was in force: its SHA-256 differs");
        past->tool = file_compile_tool("tool of the run", text, strlen(text), d);
        return past->tool != NULL || give_up_compiling(past, "tool file", d);
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

static bool compile_recipe(
    struct aldctl_past *past, const struct query_run *run, const struct query_texts *texts, struct diag *d)
{
        struct file_set sets[RECIPE_PARAMETERS_MAX];
        size_t count;

        past->parameters = json_loads(texts->parameters, 0, NULL);
        count = list_parameters(past->parameters, sets);
        past->recipe = file_compile_joined(
            "recipe of the run", texts->recipe, strlen(texts->recipe), past->tool, sets, count, d);
        if (past->recipe == NULL)
                return give_up_compiling(past, "recipe", d);
        digest_sha256(past->recipe->text, past->recipe->text_len, past->recipe->sha256);
        return strcmp(past->recipe->sha256, run->recipe_sha256) == 0 ||
               give_up(past, "the recorded recipe is not the one that ran: its SHA-256 differs");
}

bool aldctl_past_load(struct aldctl_past *past, struct query *q, const struct query_run *run)
{
        struct query_texts texts;
        struct diag *d = diag_new();
        bool ok;

        *past = (struct aldctl_past){.tool = NULL};
        if (d == NULL || query_texts(q, run->id, &texts) != 1) {
                diag_free(d);
                return give_up(past, "%s", d == NULL ? "memory is out" : query_why(q));
        }
        ok = compile_tool(past, run, texts.tool, d) && compile_recipe(past, run, &texts, d);
        query_free_texts(&texts);
        diag_free(d);
        return ok;
}

void aldctl_past_free(struct aldctl_past *past)
{
        json_decref(past->parameters);
        recipe_free(past->recipe);
        free(past->tool);
}

struct recipe_resume aldctl_past_resume(const struct query_run *run)
{
        struct recipe_resume was = {
            .run_id = run->resumes, .cycle = run->resumes_cycle, .attempt = run->resumes_attempt};

        text_copy(was.path, sizeof was.path, run->resumes_path);
        return was;
}
