/* What unit tests share: the reference tool and recipes, compiled from the shipped files. */
#ifndef TESTS_UNIT_SUPPORT_H
#define TESTS_UNIT_SUPPORT_H

#include "ald/base/diag.h"   /* diag_new */
#include "ald/core/recipe.h" /* struct recipe */
#include "ald/core/tool.h"   /* struct tool */
#include "ald/file/file.h"   /* file_compile_* */

#include <check.h>  /* ck_assert */
#include <stdlib.h> /* free */
#include <string.h> /* strlen */

static inline struct tool *support_tool(const char *path)
{
        struct diag *d = diag_new();
        size_t len;
        char *text = file_read(path, &len, d);
        struct tool *tool = text != NULL ? file_compile_tool(path, text, len, d) : NULL;

        if (tool == NULL)
                diag_print(d, stderr, false);
        ck_assert_ptr_nonnull(tool);
        diag_free(d);
        free(text);
        return tool;
}

static inline struct recipe *support_recipe_text(
    const struct tool *tool, const char *text, const struct file_set *sets, size_t count)
{
        struct diag *d = diag_new();
        struct recipe *recipe = file_compile_recipe("test.yaml", text, strlen(text), tool, sets, count, d);

        if (recipe == NULL)
                diag_print(d, stderr, false);
        ck_assert_ptr_nonnull(recipe);
        diag_free(d);
        return recipe;
}

static inline struct recipe *support_recipe(
    const struct tool *tool, const char *path, const struct file_set *sets, size_t count)
{
        struct diag *d = diag_new();
        size_t len;
        char *text = file_read(path, &len, d);
        struct recipe *recipe;

        ck_assert_ptr_nonnull(text);
        recipe = support_recipe_text(tool, text, sets, count);
        diag_free(d);
        free(text);
        return recipe;
}

#define SUPPORT_TOOL   "config/rotary-ald.yaml"
#define SUPPORT_RECIPE "recipes/nb2o5-nmc532.yaml"

#endif
