/* Random damage to sound files: whatever comes in, the compilers answer with a result or with errors, in bounded time.
 * Seeded; a failure prints its seed. ALD_SEED and ALD_ROUNDS change the run. Meant for the sanitizer builds too. */
#include "unit/suite.h"
#include "unit/support.h"

#include <stdint.h> /* uint64_t */
#include <stdio.h>  /* fprintf */

enum { TEXT_CAP = 1 << 16, ROUNDS = 1500 };

static uint64_t state;

/* splitmix64 */
static uint64_t draw(void)
{
        uint64_t z = (state += UINT64_C(0x9E3779B97F4A7C15));
        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        return z ^ (z >> 31);
}

static size_t below(size_t n)
{
        return n ? (size_t)(draw() % n) : 0;
}

/* Words that mean something to one of the parsers. */
static const char *const words[] = {"[", "]", "{", "}", ": ", "- ", "\n", "\n  ", "\t", "&a ", "*a", "!!int ",
    "---\n", "$", "$gap", "'", "\"", "#", "|", ">", "? ", ", ", "0", "-1", "99999999999999999999", "1e999",
    "nan", "0x", "20 s", " K/min", "and ", "not ", "(", ")", "within ", "steady ", "over ", "a.valve",
    "repeat: 2", "use: half", "do: ", "until: ", "settled", "\xC3\xA9", "\xFF", "\x00", "standby", "pulse: a",
    "kind: flow", "unit: ", "safe: ", "expose: {flow: 0 sccm}", "vent: {timeout: 1 h}", "coats: walls",
    "else: stop", "rotate: ", "confirm: ", "include: [a]"};

static void insert(char *text, size_t *len, size_t at, const char *what, size_t n)
{
        if (*len + n >= TEXT_CAP)
                return;
        memmove(text + at + n, text + at, *len - at);
        memcpy(text + at, what, n);
        *len += n;
}

static void mutate(char *text, size_t *len)
{
        size_t at = below(*len), n = 1 + below(below(40) + 1);
        const char *word = words[below(sizeof words / sizeof words[0])];
        char piece[64];
        if (at + n > *len)
                n = *len - at;
        switch (below(6)) {
        case 0:
                insert(text, len, at, word, strlen(word) + (word[0] == '\0'));
                break;
        case 1:
                memmove(text + at, text + at + n, *len - at - n);
                *len -= n;
                break;
        case 2:
                memcpy(piece, text + at, n);
                insert(text, len, below(*len), piece, n);
                break;
        case 3:
                text[at] = (char)(draw() & 0xFF);
                break;
        case 4: /* a word in place of another */
                memmove(text + at, text + at + n, *len - at - n);
                *len -= n;
                insert(text, len, at, word, strlen(word));
                break;
        default: /* a line twice */
                for (n = 0; at + n < *len && text[at + n] != '\n' && n < sizeof piece - 1; n++)
                        piece[n] = text[at + n];
                insert(text, len, at, piece, n);
        }
        if (*len == 0)
                text[(*len)++] = 'x';
}

/* Both results must agree with what was told, and every place must lie in the file. */
static void check(const struct diag *d, bool has_result, uint64_t seed)
{
        ck_assert_msg(has_result == (diag_errors(d) == 0), "seed %llu: result and errors disagree",
            (unsigned long long)seed);
        char line[2000];
        for (size_t i = 0; i < diag_count(d); i++) {
                struct text t;
                text_init(&t, line, sizeof line);
                diag_add_entry(d, i, &t);
                ck_assert_msg(diag_entry(d, i)->text[0] != '\0', "seed %llu: an error without words",
                    (unsigned long long)seed);
        }
}

static long number_of(const char *name, long otherwise)
{
        const char *text = getenv(name);
        return text ? strtol(text, NULL, 10) : otherwise;
}

/* What a recipe includes is damaged as well. */
static const char *find_damaged(void *ctx, const char *path, size_t *len, const char **why)
{
        static char text[TEXT_CAP];
        struct diag *d = diag_new();
        char *base = file_read("tests/table/sentences/include/cycles.yaml", len, d);
        ck_assert_ptr_nonnull(base);
        (void)ctx;
        (void)path;
        *why = "there is none";
        memcpy(text, base, *len);
        if (below(4) == 0)
                mutate(text, len);
        free(base);
        diag_free(d);
        return below(20) == 0 ? NULL : text;
}

/* `bench_path`: the tool that recipes are compiled for; NULL: the file is a tool. */
static void run(const char *path, const char *bench_path)
{
        static char text[TEXT_CAP];
        struct diag *first = diag_new();
        size_t base_len;
        char *base = file_read(path, &base_len, first);
        bool is_tool = bench_path == NULL;
        struct tool *bench = is_tool ? NULL : support_tool(bench_path);
        const struct file_library library = {find_damaged, NULL};
        uint64_t seed = (uint64_t)number_of("ALD_SEED", 1);
        long rounds = number_of("ALD_ROUNDS", ROUNDS);
        int sound = 0;
        ck_assert_ptr_nonnull(base);
        for (long i = 0; i < rounds; i++, seed++) {
                struct diag *d = diag_new();
                size_t len = base_len;
                memcpy(text, base, len);
                state = seed;
                for (size_t k = 1 + below(4); k > 0; k--)
                        mutate(text, &len);
                /* An exact copy on the heap: a read past the end is seen by the sanitizer. */
                char *exact = malloc(len);
                memcpy(exact, text, len);
                struct tool *tool = is_tool ? file_compile_tool("file", exact, len, d) : NULL;
                struct recipe *recipe =
                    is_tool ? NULL
                            : file_compile_recipe_with("file", exact, len, bench, NULL, 0, &library, d);
                check(d, tool || recipe, seed);
                sound += tool || recipe;
                free(exact);
                free(tool);
                recipe_free(recipe);
                diag_free(d);
        }
        /* Some damage is harmless (a comment, a title), most is not: else the mutations do not reach the parsers. */
        if (rounds >= ROUNDS)
                ck_assert_msg(sound > 0 && sound < rounds / 2, "%d of %ld stayed sound", sound, rounds);
        free(bench);
        free(base);
        diag_free(first);
}

START_TEST(tools)
{
        run("tests/table/tool/base.yaml", NULL);
}
END_TEST

START_TEST(tools_with_profiles)
{
        run("tests/table/profile/base.yaml", NULL);
}
END_TEST

START_TEST(recipes)
{
        run("tests/table/recipe/base.yaml", "tests/table/tool/base.yaml");
}
END_TEST

START_TEST(sentences)
{
        run("tests/table/sentences/base.yaml", "tests/table/tool-sentences.yaml");
}
END_TEST

START_TEST(the_reference_tool)
{
        run(SUPPORT_TOOL, NULL);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("file mutations");
        TCase *tc = tcase_create("mutations");
        tcase_set_timeout(tc, 300);
        tcase_add_test(tc, tools);
        tcase_add_test(tc, tools_with_profiles);
        tcase_add_test(tc, recipes);
        tcase_add_test(tc, sentences);
        tcase_add_test(tc, the_reference_tool);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
