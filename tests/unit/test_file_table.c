/* Table tests of the two file formats: tests/table/{tool,profile,recipe,sentences}/cases.txt change a sound base file line by line and
 * say what must then be told; files with a .expect beside them are read as they are. Format of a case:
 *
 *     case: its name
 *     - text of the base that is replaced (a substring of it that occurs once; several lines: several '-')
 *     + what it is replaced by (none: removed)
 *     set: NAME=VALUE        (recipes; as --set)
 *     > LINE:COL: error: text          every diagnostic in order; none: the file is sound
 *
 * Several pairs of '-' and '+' make several changes. "test_file_table --print tool|profile|recipe|sentences" prints the cases with what
 * is really told, for the eye of whoever changes a message. */
#include "unit/suite.h"
#include "unit/support.h"

#include "ald/base/text.h" /* struct text */

#include <dirent.h> /* opendir */
#include <stdint.h> /* uintptr_t */
#include <stdio.h>  /* fopen */

enum { TEXT_CAP = 1 << 16, SETS_MAX = 4, CASES_MAX = 400 };

struct table {
        const char *dir;
        const char *tool; /* that its recipes are compiled for; NULL: it is a table of tools */
};
enum { TABLES = 4 };
static const struct table tables[TABLES] = {{"tests/table/tool", NULL}, {"tests/table/profile", NULL},
    {"tests/table/recipe", "tests/table/tool/base.yaml"},
    {"tests/table/sentences", "tests/table/tool-sentences.yaml"}};

/* A table that is itself wrong; told in --print too, where Check's asserts may not be used. */
#define SOUND(is, ...)                                                                                       \
        do {                                                                                                 \
                if (!(is)) {                                                                                 \
                        fprintf(stderr, __VA_ARGS__);                                                        \
                        fputc('\n', stderr);                                                                 \
                        abort();                                                                             \
                }                                                                                            \
        } while (0)

static struct tool *bench[TABLES]; /* that recipes are compiled for */

/* Texts that the recipe at work includes. */
static char *kept[FILE_TEXTS_MAX];
static int kept_count;

/* What recipes include lies beside the table. */
static const char *find_included(void *ctx, const char *path, size_t *len, const char **why)
{
        const struct table *t = ctx;
        char full[300];
        snprintf(full, sizeof full, "%s/%s", t->dir, path);
        FILE *from = fopen(full, "rb");
        *why = "there is none";
        if (!from)
                return NULL;
        char *text = calloc(1, FILE_BYTES_MAX);
        *len = fread(text, 1, FILE_BYTES_MAX - 1, from);
        fclose(from);
        if (kept_count < FILE_TEXTS_MAX)
                kept[kept_count++] = text;
        return text;
}
static char *read_all(const char *dir, const char *name, size_t *len)
{
        char path[300];
        snprintf(path, sizeof path, "%s/%s", dir, name);
        FILE *from = fopen(path, "rb");
        SOUND(from != NULL, "%s cannot be opened (run from the top of the tree)", path);
        char *text = calloc(1, 1 << 20);
        *len = fread(text, 1, (1 << 20) - 1, from);
        fclose(from);
        return text;
}

static void load_bench(int number)
{
        struct diag *d = diag_new();
        size_t len;
        char *text = file_read(tables[number].tool, &len, d);
        bench[number] = text ? file_compile_tool("tool.yaml", text, len, d) : NULL;
        if (!bench[number])
                diag_print(d, stderr, false);
        SOUND(bench[number] != NULL, "the tool that recipes are compiled for is not sound");
        diag_free(d);
        free(text);
}

/* Everything told about a file, one line each, as the tables write it. */
static void tell_all(const struct diag *d, struct text *out)
{
        for (size_t i = 0; i < diag_count(d); i++) {
                const struct diag_entry *e = diag_entry(d, i);
                if (strcmp(diag_path(d, e->at.source), "file") != 0)
                        text_add(out, "%s: ", diag_path(d, e->at.source));
                if (e->at.line > 0)
                        text_add(out, "%d:%d: ", e->at.line, e->at.column);
                text_add(out, "%s: %s\n", diag_severity_name(e->severity), e->text);
        }
}

/* A tool's profiles stand behind it in the table's text. */
static const char *profiles_begin(const char *text)
{
        const char *at = strstr(text, "# ---- profile: ");
        return at ? at : text + strlen(text);
}

static const char *find_profile(void *ctx, const char *path, size_t *len, const char **why)
{
        char head[300];
        snprintf(head, sizeof head, "# ---- profile: %s ----\n", path);
        const char *at = strstr(ctx, head);
        *why = "there is none";
        if (!at)
                return NULL;
        at += strlen(head);
        *len = (size_t)(profiles_begin(at) - at);
        return at;
}

static size_t list_profiles(void *ctx, const char *path, char (*names)[FILE_NAME_CAP], size_t max)
{
        size_t count = 0;
        (void)path;
        for (const char *at = profiles_begin(ctx); *at && count < max; at = profiles_begin(at + 1))
                count += sscanf(at, "# ---- profile: devices/%100[^.]", names[count]) == 1;
        return count;
}

static struct tool *compile_tool(const char *text, size_t len, struct diag *d)
{
        struct file_profiles profiles = {{find_profile, (char *)(uintptr_t)text}, list_profiles};
        size_t own = len < TEXT_CAP ? (size_t)(profiles_begin(text) - text) : len;
        return file_compile_tool_with("file", text, own < len ? own : len, &profiles, NULL, NULL, d);
}

static void compile(const struct table *t, const char *text, size_t len, const struct file_set *sets,
    size_t count, struct text *out)
{
        struct diag *d = diag_new();
        if (!t->tool) {
                struct tool *tool = compile_tool(text, len, d);
                SOUND((tool != NULL) == (diag_errors(d) == 0), "errors and result disagree");
                free(tool);
        } else {
                struct file_library library = {find_included, (void *)(uintptr_t)t};
                struct recipe *recipe =
                    file_compile_recipe_with("file", text, len, bench[t - tables], sets, count, &library, d);
                SOUND((recipe != NULL) == (diag_errors(d) == 0), "errors and result disagree");
                recipe_free(recipe);
                while (kept_count > 0)
                        free(kept[--kept_count]);
        }
        tell_all(d, out);
        diag_free(d);
}

struct change {
        char from[2000], to[4000];
        size_t from_len, to_len;
        bool has_to;
};
struct work {
        char name[200], expect[8000];
        struct change change[8];
        int changes, sets;
        char set_text[SETS_MAX][100];
        struct file_set set[SETS_MAX];
};

static void add_line(char *buf, size_t cap, size_t *len, const char *line, const char *end)
{
        int n = snprintf(buf + *len, cap - *len, "%s%.*s", *len ? "\n" : "", (int)(end - line), line);
        *len += (size_t)n;
        SOUND(*len < cap, "too long: %s", line);
}

static void take_line(struct work *w, const char *line, const char *end)
{
        struct change *c = w->changes ? &w->change[w->changes - 1] : NULL;
        size_t used = strlen(w->expect);
        if (line[0] == '-') {
                if (!c || c->has_to) {
                        SOUND(w->changes < 8, "too many changes: %s", w->name);
                        c = &w->change[w->changes++];
                }
                add_line(c->from, sizeof c->from, &c->from_len, line + 2, end);
        } else if (line[0] == '+') {
                SOUND(c != NULL, "'+' without '-': %s", w->name);
                c->has_to = true;
                add_line(c->to, sizeof c->to, &c->to_len, end - line > 1 ? line + 2 : end, end);
        } else if (line[0] == '>') {
                snprintf(
                    w->expect + used, sizeof w->expect - used, "%.*s\n", (int)(end - line - 2), line + 2);
        } else if (strncmp(line, "set: ", 5) == 0) {
                SOUND(w->sets < SETS_MAX, "too many sets: %s", w->name);
                char *text = w->set_text[w->sets];
                snprintf(text, sizeof w->set_text[0], "%.*s", (int)(end - line - 5), line + 5);
                char *is = strchr(text, '=');
                SOUND(is != NULL, "set without '=': %s", w->name);
                *is = '\0';
                w->set[w->sets++] = (struct file_set){text, is + 1};
        }
}

static void apply(const struct work *w, const char *base, char *text)
{
        snprintf(text, TEXT_CAP, "%s", base);
        for (int i = 0; i < w->changes; i++) {
                const struct change *c = &w->change[i];
                char *at = strstr(text, c->from);
                SOUND(at != NULL, "case '%s': the base has no '%s'", w->name, c->from);
                SOUND(strstr(at + 1, c->from) == NULL, "case '%s': '%s' is there twice", w->name, c->from);
                char *rest = strdup(at + c->from_len);
                snprintf(at, TEXT_CAP - (size_t)(at - text), "%s%s", c->to, rest);
                free(rest);
        }
}

static void run_case(const struct table *t, const struct work *w, const char *base, bool only_print)
{
        static char text[TEXT_CAP], told[TEXT_CAP];
        struct text out;
        apply(w, base, text);
        text_init(&out, told, sizeof told);
        compile(t, text, strlen(text), w->set, (size_t)w->sets, &out);
        if (!only_print) {
                ck_assert_msg(strcmp(told, w->expect) == 0, "case '%s'\n--- expected\n%s--- told\n%s",
                    w->name, w->expect, told);
                return;
        }
        for (char *line = strtok(told, "\n"); line; line = strtok(NULL, "\n"))
                printf("> %s\n", line);
}

/* Go through cases.txt; run case number `only`, or all of them (-1). Returns how many there are. */
static int walk_cases(const struct table *t, int only, bool only_print)
{
        size_t len;
        int n = 0;
        char *base = read_all(t->dir, "base.yaml", &len), *cases = read_all(t->dir, "cases.txt", &len);
        struct work *w = calloc(1, sizeof *w);
        for (const char *line = cases; line && *line;) {
                const char *end = line + strcspn(line, "\n");
                bool is_case = strncmp(line, "case: ", 6) == 0;
                if (is_case) {
                        memset(w, 0, sizeof *w);
                        snprintf(w->name, sizeof w->name, "%.*s", (int)(end - line - 6), line + 6);
                } else {
                        take_line(w, line, end);
                }
                if (only_print && line[0] != '>' && *line != '\n')
                        printf("%.*s\n", (int)(end - line), line);
                line = *end ? end + 1 : end;
                bool is_last = *line == '\0' || strncmp(line, "case: ", 6) == 0;
                if (!is_last || !w->name[0])
                        continue;
                if (only == -1 || only == n)
                        run_case(t, w, base, only_print);
                if (only_print)
                        printf("\n");
                n++;
        }
        free(w);
        free(base);
        free(cases);
        return n;
}

static int case_count[TABLES];

START_TEST(a_case)
{
        int number = _i, which = 0;
        while (number >= case_count[which])
                number -= case_count[which++];
        walk_cases(&tables[which], number, false);
}
END_TEST

/* The bases are sound, else the cases would prove nothing. */
START_TEST(the_base_is_sound)
{
        const struct table *t = &tables[_i];
        static char told[TEXT_CAP];
        struct text out;
        size_t len;
        char *base = read_all(t->dir, "base.yaml", &len);
        text_init(&out, told, sizeof told);
        compile(t, base, len, NULL, 0, &out);
        ck_assert_str_eq(told, "");
        free(base);
}
END_TEST

/* Files that no line of text could hold: tabs, Latin-1, emptiness. */
START_TEST(whole_files)
{
        const struct table *t = &tables[_i];
        static char told[TEXT_CAP];
        DIR *dir = opendir(t->dir);
        int seen = 0;
        ck_assert_ptr_nonnull(dir);
        for (struct dirent *e; (e = readdir(dir)) != NULL;) {
                const char *dot = strrchr(e->d_name, '.');
                char name[300];
                size_t len, expect_len;
                struct text out;
                if (!dot || strcmp(dot, ".expect") != 0)
                        continue;
                snprintf(name, sizeof name, "%.*s.yaml", (int)(dot - e->d_name), e->d_name);
                char *text = read_all(t->dir, name, &len), *expect = read_all(t->dir, e->d_name, &expect_len);
                text_init(&out, told, sizeof told);
                compile(t, text, len, NULL, 0, &out);
                ck_assert_msg(strcmp(told, expect) == 0, "%s/%s\n--- expected\n%s--- told\n%s", t->dir, name,
                    expect, told);
                free(text);
                free(expect);
                seen++;
        }
        closedir(dir);
        ck_assert_int_gt(seen, 0);
}
END_TEST

static char *grown(const char *head, const char *unit, size_t times)
{
        size_t n = strlen(unit), at = strlen(head);
        char *text = malloc(at + n * times + 1);
        memcpy(text, head, at + 1);
        for (size_t i = 0; i < times; i++, at += n)
                memcpy(text + at, unit, n + 1);
        return text;
}

static void refuses(const struct table *t, char *text, const char *wanted)
{
        static char told[TEXT_CAP];
        struct text out;
        text_init(&out, told, sizeof told);
        compile(t, text, strlen(text), NULL, 0, &out);
        ck_assert_msg(strstr(told, wanted) != NULL, "wanted '%s', told '%.500s'", wanted, told);
        free(text);
}

/* Too big to lie in the tree. */
START_TEST(bombs)
{
        const struct table *t = &tables[_i];
        refuses(t, grown("format: 1\n", "# comment\n", 1000000),
            "1:1: error: the file has 10000010 bytes: at most 262144");
        refuses(t, grown("format: 1\nx: ", "[", 100000), "error: nested deeper than 32 levels");
        refuses(t, grown("format: 1\nx: ", "{a: ", 60000), "error: nested deeper than 32 levels");
        refuses(t, grown("format: 1\n", "- ", 100000), "error: not valid YAML");
        refuses(t, grown("format: 1\n", "? ", 100000), "error:");
        refuses(t, grown("", "a: 1\n", 1), "'format: 1' is missing");
}
END_TEST

static int print_cases(const char *which)
{
        char dir[100];
        snprintf(dir, sizeof dir, "tests/table/%s", which);
        for (int i = 0; i < TABLES; i++)
                if (strcmp(tables[i].dir, dir) == 0)
                        walk_cases(&tables[i], -1, true);
        return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
        int cases = 0;
        for (int i = 0; i < TABLES; i++)
                if (tables[i].tool)
                        load_bench(i);
        if (argc == 3 && strcmp(argv[1], "--print") == 0)
                return print_cases(argv[2]);
        for (int i = 0; i < TABLES; i++)
                cases += case_count[i] = walk_cases(&tables[i], -2, false);
        Suite *suite = suite_create("file tables");
        TCase *tc = tcase_create("cases");
        tcase_set_timeout(tc, 60);
        tcase_add_loop_test(tc, the_base_is_sound, 0, TABLES);
        tcase_add_loop_test(tc, a_case, 0, cases);
        tcase_add_loop_test(tc, whole_files, 0, TABLES);
        tcase_add_loop_test(tc, bombs, 0, TABLES);
        suite_add_tcase(suite, tc);
        int result = suite_main(suite);
        for (int i = 0; i < TABLES; i++)
                free(bench[i]);
        return result;
}
