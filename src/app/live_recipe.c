#include "ald/app/live_recipe.h"

#include "ald/app/digest.h"  /* digest_sha256 */
#include "ald/app/version.h" /* version_text */
#include "ald/base/diag.h"   /* diag_new */
#include "ald/base/text.h"   /* text_add */
#include "ald/core/resume.h" /* resume_prepare */

#include <stdio.h>  /* snprintf */
#include <string.h> /* strcmp */

/* What a client sent beside its recipe. */
struct sent {
        const struct control_text *texts;
        size_t count;
};

static const char *find_sent(void *ctx, const char *path, size_t *len, const char **why)
{
        const struct sent *sent = ctx;

        for (size_t i = 1; i < sent->count; i++) {
                if (strcmp(sent->texts[i].name, path) != 0)
                        continue;
                *len = sent->texts[i].len;
                return sent->texts[i].text;
        }
        *why = "it was not sent with the recipe";
        return NULL;
}

/* What was in force then must be in force now: nobody can say what the other half of a run would be worth. */
static bool refuse_other(const struct live_recipe *ask)
{
        struct control_resume *resume = ask->resume;
        struct resume_refusal *why = &resume->refused;
        struct text t;

        text_init(&t, why->text, sizeof why->text);
        if (strcmp(resume->version, version_text()) != 0)
                text_add(&t, "run %lld was made by version %.40s; this is %s", (long long)resume->from.run_id,
                    resume->version, version_text());
        else if (strcmp(resume->tool_sha256, ask->tool_sha256) != 0)
                text_add(&t, "the tool file in force (SHA-256 %.12s...) is not that of run %lld (%.12s...)",
                    ask->tool_sha256, (long long)resume->from.run_id, resume->tool_sha256);
        text_copy(why->hint, sizeof why->hint,
            "start aldd of that version with that tool file, or a recipe for what is left");
        return t.len > 0;
}

/* The recipe in its recorded text, ready to go on. NULL: *refused or the diagnostics say why. */
static struct recipe *compile_resumed(const struct live_recipe *ask, struct diag *d)
{
        const struct control_text *text = &ask->texts[0];
        struct control_resume *resume = ask->resume;
        struct recipe *recipe;

        if (refuse_other(ask))
                return NULL;
        recipe =
            file_compile_joined(text->name, text->text, text->len, ask->tool, ask->sets, ask->set_count, d);
        if (recipe == NULL)
                return NULL;
        digest_sha256(recipe->text, recipe->text_len, recipe->sha256);
        if (strcmp(recipe->sha256, resume->recipe_sha256) == 0 &&
            resume_prepare(recipe, ask->tool, &resume->from, &resume->refused))
                return recipe;
        if (resume->refused.text[0] == '\0') {
                snprintf(resume->refused.text, sizeof resume->refused.text,
                    "the recipe (SHA-256 %.12s...) is not that of run %lld (%.12s...)", recipe->sha256,
                    (long long)resume->from.run_id, resume->recipe_sha256);
                text_copy(resume->refused.hint, sizeof resume->refused.hint, "start it from its beginning");
        }
        recipe_free(recipe);
        return NULL;
}

static struct recipe *compile_sent(const struct live_recipe *ask, struct diag *d)
{
        struct sent sent = {ask->texts, ask->text_count};
        struct file_library library = {find_sent, &sent};
        struct recipe *recipe = file_compile_recipe_with(ask->texts[0].name, ask->texts[0].text,
            ask->texts[0].len, ask->tool, ask->sets, ask->set_count, &library, d);

        if (recipe != NULL)
                digest_sha256(recipe->text, recipe->text_len, recipe->sha256);
        return recipe;
}

struct recipe *live_recipe_compile(const struct live_recipe *ask, struct text *diagnostics)
{
        struct diag *d = diag_new();
        struct recipe *recipe;

        if (d == NULL)
                return NULL;
        recipe = ask->resume != NULL ? compile_resumed(ask, d) : compile_sent(ask, d);
        for (size_t i = 0; i < diag_count(d); i++)
                diag_add_entry(d, i, diagnostics);
        diag_free(d);
        return recipe;
}
