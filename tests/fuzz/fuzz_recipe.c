/* Recipes: any bytes are compiled for the reference tool.
 *
 * Held: a recipe or errors, never both or neither, each error with a place in the text; an accepted recipe is a program
 * whose sections, phases and loops are whole, whose numbers are within the tool's limits, and in which no walk meets two
 * pulses of different lines closer than the tool asks (X2): fuzz_program.c has the rules. */
#include "fuzz/fuzz_program.h"

#include "ald/file/file.h" /* file_compile_recipe */

#include <string.h> /* memcmp, memmem, strcmp */

static struct tool *tool;

int LLVMFuzzerInitialize(const int *argc, char ***argv)
{
        (void)argc;
        (void)argv;
        tool = fuzz_load_tool("config/rotary-ald.yaml");
        return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
        return fuzz_mutate_lines(data, size, max, seed);
}

#ifdef FUZZ_CANARY
static bool has_guard_twice(const struct recipe *r)
{
        for (int i = 1; i < r->guard_count; i++)
                if (strcmp(r->conds[r->guards[i].cond].text, r->conds[r->guards[i - 1].cond].text) == 0)
                        return true;
        return false;
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct file_set sets[] = {{"cycles", "3"}};
        const char *text = (const char *)data;
        struct diag *d = diag_new();
        /* --set goes with the recipes that have the parameter. */
        size_t set_count = memmem(data, size, "cycles: {", 9) ? 1 : 0;
        struct recipe *recipe = file_compile_recipe("recipe", text, size, tool, sets, set_count, d);
        size_t bom = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
        fuzz_count(recipe);
        fuzz_check_diag(d, "recipe", text + bom, size - bom, recipe);
        if (recipe) {
                FUZZ_CHECK(recipe->text_len == size && memcmp(recipe->text, text, size) == 0, "another text");
                fuzz_check_program(recipe, tool);
                FUZZ_PLANT(has_guard_twice(recipe));
                fuzz_keep_sound(data, size);
        }
        recipe_free(recipe);
        diag_free(d);
        return 0;
}
