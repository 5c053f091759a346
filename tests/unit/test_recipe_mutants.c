/* Unsafe mutants of the shipped recipes: tests/table/recipe-mutants.txt says what is changed where, and who must tell. One
 * test a row, and the counter-test: what is harmless stays accepted. "test_recipe_mutants --print" tells what is really told
 * of each row. */
#include "unit/suite.h"
#include "unit/support.h"

#include "ald/app/aldctl_dryrun.h" /* dryrun_report_new */
#include "ald/base/text.h"         /* text_copy */
#include "ald/sim/dryrun.h"        /* dryrun_run */

#include <stdio.h> /* fopen */

enum { TEXT_CAP = 1 << 14, ROWS_MAX = 600, CLASSES_MAX = 40, EDITS_MAX = 3 };
enum outcome { REFUSED, WARNED, FLAGGED, HARMLESS, OUTCOMES };
static const char *const outcomes[OUTCOMES] = {"refused", "warned", "flagged", "harmless"};

struct row {
        char *id, *recipe, *class;
        char *edit[EDITS_MAX];
        int edits, line;
        enum outcome outcome;
        const char *wanted;
};

static struct row rows[ROWS_MAX];
static int row_count;
static const struct tool *tool;

#define SOUND(is, line, what)                                                                                \
        do {                                                                                                 \
                if (!(is)) {                                                                                 \
                        fprintf(stderr, "tests/table/recipe-mutants.txt:%d: %s\n", line, what);              \
                        abort();                                                                             \
                }                                                                                            \
        } while (0)

/* ---- the table ---- */

static void take_outcome(struct row *row, char *field)
{
        char *colon = strchr(field, ':');
        SOUND(colon != NULL, row->line, "an outcome and a text: 'refused: TEXT'");
        *colon = '\0';
        row->wanted = colon[1] == ' ' ? colon + 2 : colon + 1;
        row->outcome = OUTCOMES;
        for (int i = 0; i < OUTCOMES; i++)
                if (strcmp(outcomes[i], field) == 0)
                        row->outcome = (enum outcome)i;
        SOUND(row->outcome < OUTCOMES, row->line, "no such outcome");
        SOUND((row->outcome == HARMLESS) == (row->wanted[0] == '\0'), row->line, "a text of what is told");
}

static void take_row(char *line, int number, char *recipe, char *class)
{
        struct row *row = &rows[row_count++];
        char *field = line, *next;
        SOUND(row_count < ROWS_MAX, number, "too many rows");
        SOUND(recipe != NULL && class != NULL, number, "'recipe' and 'class' come first");
        *row = (struct row){.id = line, .recipe = recipe, .class = class, .line = number};
        next = strstr(field, " | ");
        SOUND(next != NULL, number, "ID | FROM -> TO | OUTCOME: TEXT");
        *next = '\0';
        for (field = next + 3; (next = strstr(field, " | ")) != NULL; field = next + 3) {
                SOUND(row->edits < EDITS_MAX, number, "too many edits");
                *next = '\0';
                row->edit[row->edits++] = field;
        }
        SOUND(row->edits > 0, number, "no edit");
        take_outcome(row, field);
        for (int i = 0; i + 1 < row_count; i++)
                SOUND(strcmp(rows[i].id, row->id) != 0, number, "this id is there already");
}

static void load_table(void)
{
        struct diag *d = diag_new();
        size_t len;
        char *text = file_read("tests/table/recipe-mutants.txt", &len, d), *recipe = NULL, *class = NULL;
        int number = 1;
        SOUND(text != NULL, 0, "cannot be read (run from the top of the tree)");
        for (char *line = text; *line; number++) {
                char *end = line + strcspn(line, "\n");
                bool is_last = *end == '\0';
                *end = '\0';
                if (strncmp(line, "recipe ", 7) == 0)
                        recipe = line + 7;
                else if (strncmp(line, "class ", 6) == 0)
                        class = line + 6;
                else if (line[0] != '#' && line[0] != '\0')
                        take_row(line, number, recipe, class);
                line = is_last ? end : end + 1;
        }
        diag_free(d); /* the table lives as long as the program */
}

/* ---- the edits ---- */

static void unescape(char *s)
{
        char *to = s;
        for (; *s; s++) {
                bool is_break = s[0] == '\\' && s[1] == 'n';
                *to++ = is_break ? '\n' : *s;
                s += is_break;
        }
        *to = '\0';
}

/* The place of `from`; with `nth` 0 it must be the only one. */
static char *find(const struct row *row, char *text, const char *from, int nth)
{
        char *at = strstr(text, from);
        for (int i = 1; at && i < nth; i++)
                at = strstr(at + 1, from);
        SOUND(at != NULL, row->line, "the recipe has no such text");
        SOUND(nth > 0 || strstr(at + 1, from) == NULL, row->line, "the text is there twice");
        return at;
}

static void apply(const struct row *row, const char *edit, char *text)
{
        char from[TEXT_CAP], *to = from, *rest;
        text_copy(from, sizeof from, edit);
        int nth = edit[0] == '#' && edit[1] >= '1' && edit[1] <= '9' && edit[2] == ' ' ? edit[1] - '0' : 0;
        to = strstr(from, " ->");
        SOUND(to != NULL, row->line, "an edit is FROM -> TO");
        *to = '\0';
        to += to[3] == ' ' ? 4 : 3;
        unescape(to);
        char *what = from + (nth > 0 ? 3 : 0);
        unescape(what);
        char *at = find(row, text, what, nth);
        rest = strdup(at + strlen(what));
        SOUND((size_t)(at - text) + strlen(to) + strlen(rest) < TEXT_CAP, row->line, "too long");
        strcpy(at, to);
        strcat(at, rest);
        free(rest);
}

static void mutate(const struct row *row, char *text)
{
        char path[100];
        size_t len;
        struct diag *d = diag_new();
        snprintf(path, sizeof path, "recipes/%s.yaml", row->recipe);
        char *base = file_read(path, &len, d);
        SOUND(base != NULL && len < TEXT_CAP, row->line, "no such recipe");
        strcpy(text, base);
        for (int i = 0; i < row->edits; i++)
                apply(row, row->edit[i], text);
        free(base);
        diag_free(d);
}

/* ---- who tells ---- */

static bool tells(const struct diag *d, enum diag_severity severity, const char *wanted)
{
        for (size_t i = 0; i < diag_count(d); i++)
                if (diag_entry(d, i)->severity == severity && strstr(diag_entry(d, i)->text, wanted) != NULL)
                        return true;
        return false;
}

/* What `aldctl dry-run` tells of it. `wanted` NULL: is there an error at all? */
static bool flags(const struct recipe *recipe, const char *wanted, FILE *to)
{
        const struct dryrun_config config = {.tool = tool, .recipe = recipe};
        struct dryrun *run = dryrun_new(&config);
        bool found = false;
        ck_assert_ptr_nonnull(run);
        ck_assert(dryrun_run(run));
        struct dryrun_report *report = dryrun_report_new(tool, recipe, dryrun_get(run));
        ck_assert_ptr_nonnull(report);
        for (int i = 0; i < report->note_count; i++) {
                const struct dryrun_note *n = &report->notes[i];
                if (n->severity < (wanted != NULL ? DRYRUN_WARNING : DRYRUN_ERROR))
                        continue;
                found =
                    found || wanted == NULL || strcmp(n->id, wanted) == 0 || strstr(n->text, wanted) != NULL;
                fprintf(to, "    dry run: %s: %s: %d: %s\n", dryrun_severity_name(n->severity), n->id,
                    n->at.line, n->text);
        }
        found = found || (wanted == NULL && !dryrun_report_is_ok(report));
        dryrun_report_free(report);
        dryrun_free(run);
        return found;
}

static bool holds(const struct row *row, const struct diag *d, const struct recipe *recipe, FILE *to)
{
        switch (row->outcome) {
        case REFUSED:
                return recipe == NULL && tells(d, DIAG_ERROR, row->wanted);
        case WARNED:
                return recipe != NULL && tells(d, DIAG_WARNING, row->wanted);
        case FLAGGED:
                return recipe != NULL && flags(recipe, row->wanted, to);
        default:
                return recipe != NULL && diag_count(d) == 0 && !flags(recipe, NULL, to);
        }
}

static bool run_row(const struct row *row, FILE *to)
{
        char text[TEXT_CAP], path[100];
        struct diag *d = diag_new();
        mutate(row, text);
        snprintf(path, sizeof path, "recipes/%s.yaml", row->recipe);
        struct recipe *recipe = file_compile_recipe(path, text, strlen(text), tool, NULL, 0, d);
        diag_print(d, to, false);
        bool is_right = holds(row, d, recipe, to);
        recipe_free(recipe);
        diag_free(d);
        return is_right;
}

START_TEST(a_mutant)
{
        const struct row *row = &rows[_i];
        char *told = NULL;
        size_t len = 0;
        FILE *to = open_memstream(&told, &len);
        ck_assert_ptr_nonnull(to);
        bool is_right = run_row(row, to);
        fclose(to);
        ck_assert_msg(is_right, "%s (line %d) must be %s: '%s', told was:\n%s", row->id, row->line,
            outcomes[row->outcome], row->wanted, told);
        free(told);
}
END_TEST

/* ---- totals ---- */

static int count(const char *class, int outcome)
{
        int n = 0;
        for (int i = 0; i < row_count; i++)
                n += strcmp(rows[i].class, class) == 0 && (outcome < 0 || (int)rows[i].outcome == outcome);
        return n;
}

static void print_table(void)
{
        int sum[OUTCOMES] = {0}, all = 0;
        printf("%-34s %6s %8s %7s %8s\n", "class of mutants", "kinds", "refused", "warned", "flagged");
        for (int i = 0; i < row_count; i++) {
                bool is_new = rows[i].outcome != HARMLESS;
                for (int k = 0; k < i; k++)
                        is_new = is_new && strcmp(rows[k].class, rows[i].class) != 0;
                if (is_new)
                        printf("%-34s %6d %8d %7d %8d\n", rows[i].class, count(rows[i].class, -1),
                            count(rows[i].class, REFUSED), count(rows[i].class, WARNED),
                            count(rows[i].class, FLAGGED));
                sum[rows[i].outcome]++;
                all += rows[i].outcome != HARMLESS;
        }
        printf("%-34s %6d %8d %7d %8d\n", "all", all, sum[REFUSED], sum[WARNED], sum[FLAGGED]);
        printf("harmless changes, accepted without a word: %d\n", sum[HARMLESS]);
}

/* A finding that the recipe has by itself would prove nothing about a mutant. */
START_TEST(the_recipe_itself_is_not_flagged_so)
{
        const struct row *row = &rows[_i];
        struct diag *d = diag_new();
        char path[100];
        size_t len;
        if (row->outcome != FLAGGED) {
                diag_free(d);
                return;
        }
        snprintf(path, sizeof path, "recipes/%s.yaml", row->recipe);
        char *text = file_read(path, &len, d);
        struct recipe *recipe = text ? file_compile_recipe(path, text, len, tool, NULL, 0, d) : NULL;
        ck_assert(recipe != NULL && diag_count(d) == 0);
        ck_assert_msg(!flags(recipe, row->wanted, stdout), "%s: '%s' is told of the recipe itself", row->id,
            row->wanted);
        recipe_free(recipe);
        free(text);
        diag_free(d);
}
END_TEST

/* Equipment speaks for itself: where no permit asks for a hot line, `hot_line_by` still says how hot it must be. */
START_TEST(a_line_is_hot_without_a_permit)
{
        static const struct row cold = {.recipe = "nb2o5-nmc532",
            .edit = {"nb.line.temperature: 130 degC -> nb.line.temperature: 114 degC"},
            .edits = 1};
        char text[TEXT_CAP];
        struct diag *d = diag_new();
        size_t len;
        char *file = file_read(SUPPORT_TOOL, &len, d);
        ck_assert_ptr_nonnull(file);
        static const char asks[] = "nb.temperature + 5 K", none[] = "0 degC              ";
        char *at = strstr(file, asks);
        ck_assert_ptr_nonnull(at);
        memcpy(at, none, strlen(asks));
        struct tool *bare = file_compile_tool("tool.yaml", file, strlen(file), d);
        ck_assert_ptr_nonnull(bare);
        mutate(&cold, text);
        struct recipe *recipe = file_compile_recipe("recipe.yaml", text, strlen(text), bare, NULL, 0, d);
        ck_assert_ptr_null(recipe);
        ck_assert(tells(d, DIAG_ERROR, "precursor condenses in the line"));
        free(bare);
        free(file);
        diag_free(d);
}
END_TEST

START_TEST(there_are_enough)
{
        int kinds = 0, harmless = 0;
        for (int i = 0; i < row_count; i++) {
                kinds += rows[i].outcome != HARMLESS;
                harmless += rows[i].outcome == HARMLESS;
        }
        ck_assert_int_ge(kinds, 200);
        ck_assert_int_ge(harmless, 30);
}
END_TEST

static int print_all(void)
{
        int wrong = 0;
        for (int i = 0; i < row_count; i++) {
                printf("%s\n", rows[i].id);
                bool is_right = run_row(&rows[i], stdout);
                wrong += !is_right;
                printf("    %s: wanted %s: %s\n", is_right ? "right" : "WRONG", outcomes[rows[i].outcome],
                    rows[i].wanted);
        }
        return wrong;
}

int main(int argc, char **argv)
{
        load_table();
        tool = support_tool(SUPPORT_TOOL);
        if (argc == 2 && strcmp(argv[1], "--print") == 0)
                return print_all() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
        Suite *suite = suite_create("recipe mutants");
        TCase *tc = tcase_create("mutants");
        tcase_set_timeout(tc, 120);
        tcase_add_loop_test(tc, a_mutant, 0, row_count);
        tcase_add_loop_test(tc, the_recipe_itself_is_not_flagged_so, 0, row_count);
        tcase_add_test(tc, a_line_is_hot_without_a_permit);
        tcase_add_test(tc, there_are_enough);
        suite_add_tcase(suite, tc);
        int result = suite_main(suite);
        print_table();
        return result;
}
