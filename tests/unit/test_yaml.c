/* The strict subset of YAML: what becomes of nodes and places, and what is refused. */
#include "unit/suite.h"
#include "unit/support.h"

#include "ald/file/yaml.h" /* yaml_tree_parse */

#include <time.h> /* clock */

static struct diag *d;
static int source;

static void set_up(void)
{
        d = diag_new();
        source = diag_source(d, "test", NULL, 0);
}

static void tear_down(void)
{
        diag_free(d);
}

static struct yaml_tree *parse(const char *text)
{
        return yaml_tree_parse(text, strlen(text), source, d);
}

START_TEST(nodes_have_kinds_texts_and_places)
{
        struct yaml_tree *tree = parse("a: one two\nb: [x, 'y']\nc:\n  d: \"q\"\n");
        ck_assert_ptr_nonnull(tree);
        const struct yaml_node *root = yaml_tree_root(tree), *b = yaml_node_get(root, "b");
        ck_assert_int_eq(root->kind, YAML_MAP);
        ck_assert_int_eq(root->count, 3);
        ck_assert_str_eq(root->first->text, "one two");
        ck_assert_int_eq(root->first->column, 4);
        ck_assert_int_eq(b->kind, YAML_LIST);
        ck_assert_int_eq(b->count, 2);
        ck_assert_int_eq(b->key_line, 2);
        ck_assert_int_eq(b->key_column, 1);
        ck_assert(b->first->is_plain && !b->first->next->is_plain);
        ck_assert_ptr_null(b->first->key);
        ck_assert_str_eq(yaml_node_get(yaml_node_get(root, "c"), "d")->text, "q");
        ck_assert_ptr_null(yaml_node_get(root, "e"));
        ck_assert_uint_eq(diag_count(d), 0);
        yaml_tree_free(tree);
}
END_TEST

/* The words that plain YAML turns into other kinds stay words here. */
START_TEST(scalars_stay_text)
{
        struct yaml_tree *tree = parse("{a: no, b: 1e3, c: ~, d: 0x10, e: , f: 2020-01-01}");
        ck_assert_ptr_nonnull(tree);
        static const char *const wanted[] = {"no", "1e3", "~", "0x10", "", "2020-01-01"};
        const struct yaml_node *n = yaml_tree_root(tree)->first;
        for (int i = 0; i < 6; i++, n = n->next) {
                ck_assert_int_eq(n->kind, YAML_SCALAR);
                ck_assert_str_eq(n->text, wanted[i]);
        }
        yaml_tree_free(tree);
}
END_TEST

/* Columns count bytes, so that the caret stands right; `inner` points into a scalar only where that is exact. */
START_TEST(columns_count_bytes)
{
        struct yaml_tree *tree =
            parse("a: \xC3\xBC, b\nc: {\"\xC3\xA9\": x, d: 'it''s', e: \"q\"}\nf: one\n  two\n");
        ck_assert_ptr_nonnull(tree);
        const struct yaml_node *c = yaml_node_get(yaml_tree_root(tree), "c");
        ck_assert_int_eq(c->first->column, 11);
        ck_assert_int_eq(c->first->inner, 11);
        ck_assert_int_eq(yaml_node_get(c, "d")->inner, 0);
        ck_assert_int_eq(yaml_node_get(c, "e")->inner, yaml_node_get(c, "e")->column + 1);
        const struct yaml_node *f = yaml_node_get(yaml_tree_root(tree), "f");
        ck_assert_str_eq(f->text, "one two");
        ck_assert_int_eq(f->inner, 0);
        yaml_tree_free(tree);
}
END_TEST

static void expect(const char *text, int line, int column, const char *words)
{
        yaml_tree_free(parse(text));
        bool found = false;
        for (size_t i = 0; i < diag_count(d); i++) {
                const struct diag_entry *e = diag_entry(d, i);
                found = found || (e->at.line == line && e->at.column == column && strstr(e->text, words));
        }
        if (!found)
                diag_print(d, stderr, false);
        ck_assert_msg(found, "'%s' should say '%s' at %d:%d", text, words, line, column);
}

static const struct {
        const char *text;
        int line, column;
        const char *words;
} refusals[] = {
    {"a: &x 1\n", 1, 4, "anchors"},
    {"a: 1\nb: *x\n", 2, 4, "aliases"},
    {"a: !!str 1\n", 1, 4, "tags"},
    {"a: !x {b: c}\n", 1, 4, "tags"},
    {"%TAG ! tag:x,2000:\n---\na: 1\n", 1, 1, "directives"},
    {"a: 1\n---\nb: 1\n", 2, 1, "second document"},
    {"a: 1\n...\nb: 1\n", 3, 1, "document"},
    {"a: 1\nb: 2\na: 3\n", 3, 1, "twice: first on line 1"},
    {"\ta: 1\n", 1, 1, "tab"},
    {"a: 1 # x\ty\n", 1, 9, "tab"},
    {"a: 1\n  b: 2\n", 2, 4, "not valid YAML"},
    {"? [a]\n: b\n", 1, 3, "key"},
    {"? *a\n: b\n", 1, 3, "aliases"},
    {"a: \"x\\0y\"\n", 1, 4, "NUL"},
    {"a: \x01\n", 1, 4, "control character 0x01"},
    {"a: \xC2\x85\n", 1, 4, "control character"},
    {"a: x\ry\n", 1, 5, "control character 0x0D"},
    {"a: \xE2\x80\xA8\n", 1, 4, "control character"},
    {"a: \xFF\n", 1, 4, "not UTF-8"},
    {"a: \xC0\x80\n", 1, 4, "not UTF-8"},
    {"a: \xED\xA0\x80\n", 1, 4, "not UTF-8"},
    {"a: \xF4\x90\x80\x80\n", 1, 4, "not UTF-8"},
    {"a: \xC3", 1, 4, "not UTF-8"},
    {"", 1, 1, "empty"},
    {"---\n", 1, 1, "empty"},
    {"a: [1, 2\n", 2, 1, "not valid YAML"},
    {"a: 'x\n", 2, 1, "not valid YAML"},
};

START_TEST(what_is_refused)
{
        expect(refusals[_i].text, refusals[_i].line, refusals[_i].column, refusals[_i].words);
        ck_assert_uint_ge(diag_errors(d), 1);
}
END_TEST

/* An error that leaves the rest readable does not hide it. */
START_TEST(reading_goes_on)
{
        struct yaml_tree *tree = parse("a: *x\nb: &y 2\nb: 3\nc: 4\n");
        ck_assert_ptr_nonnull(tree);
        ck_assert_uint_eq(diag_errors(d), 3);
        const struct yaml_node *root = yaml_tree_root(tree);
        ck_assert_int_eq(root->first->kind, YAML_BROKEN);
        ck_assert_str_eq(yaml_node_get(root, "b")->text, "2");
        ck_assert_str_eq(yaml_node_get(root, "c")->text, "4");
        ck_assert_int_eq(root->count, 3);
        yaml_tree_free(tree);
}
END_TEST

static char *nested(int depth)
{
        static char text[400];
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        text[2 * depth] = '\0';
        return text;
}

START_TEST(depth_ends_at_32)
{
        struct yaml_tree *tree = parse(nested(YAML_DEPTH_MAX));
        ck_assert_ptr_nonnull(tree);
        yaml_tree_free(tree);
        ck_assert_ptr_null(parse(nested(YAML_DEPTH_MAX + 1)));
        ck_assert_uint_eq(diag_errors(d), 1);
}
END_TEST

START_TEST(a_mapping_has_1024_entries_at_most)
{
        static char text[32000];
        struct text t;
        for (int n = YAML_ENTRIES_MAX; n <= YAML_ENTRIES_MAX + 1; n++) {
                text_init(&t, text, sizeof text);
                for (int i = 0; i < n; i++)
                        text_add(&t, "key%d: x\n", i);
                struct yaml_tree *tree = parse(text);
                ck_assert_int_eq(tree != NULL, n == YAML_ENTRIES_MAX);
                yaml_tree_free(tree);
        }
}
END_TEST

/* A file may be one long line, and places in it cost no more than in short ones: a client's recipe is compiled in the
 * daemon's loop. Processor time, since the machine may be busy: 0.03 s, or 6 s if each place is counted from the line's
 * first byte. */
START_TEST(one_long_line_is_read_in_bounded_time)
{
        enum { ITEMS = 120000 };
        static char text[2 * ITEMS + 8];
        char *at = text;
        *at++ = '[';
        for (int i = 0; i < ITEMS; i++, at += 2)
                memcpy(at, "x,", 2);
        memcpy(at, "x]", 3);
        clock_t begun = clock();
        struct yaml_tree *tree = parse(text);
        double took_s = (double)(clock() - begun) / CLOCKS_PER_SEC;
        ck_assert_ptr_nonnull(tree);
        const struct yaml_node *n = yaml_tree_root(tree)->first;
        for (int i = 0; i < ITEMS; i++, n = n->next)
                ck_assert_int_eq(n->column, 2 + 2 * i);
        ck_assert_msg(took_s < 2, "%g s", took_s);
        yaml_tree_free(tree);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("yaml");
        TCase *tc = tcase_create("yaml");
        tcase_add_checked_fixture(tc, set_up, tear_down);
        tcase_add_test(tc, nodes_have_kinds_texts_and_places);
        tcase_add_test(tc, scalars_stay_text);
        tcase_add_test(tc, columns_count_bytes);
        tcase_add_loop_test(tc, what_is_refused, 0, (int)(sizeof refusals / sizeof refusals[0]));
        tcase_add_test(tc, reading_goes_on);
        tcase_add_test(tc, depth_ends_at_32);
        tcase_add_test(tc, a_mapping_has_1024_entries_at_most);
        tcase_add_test(tc, one_long_line_is_read_in_bounded_time);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
