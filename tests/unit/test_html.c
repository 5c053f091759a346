/* The HTML writer: no text becomes markup, and what is opened is closed. */
#include "suite.h"

#include "ald/app/html.h"

#include <check.h>  /* the test framework */
#include <signal.h> /* SIGABRT */
#include <stdio.h>  /* open_memstream */
#include <stdlib.h> /* free */
#include <string.h> /* strcmp, strstr */

static char *page;
static size_t page_len;
static struct html html;

static void begin(void)
{
        html_init(&html, open_memstream(&page, &page_len));
        ck_assert_ptr_nonnull(html.to);
}

/* What was written, until the next begin(). */
static const char *end(void)
{
        ck_assert_int_eq(fclose(html.to), 0);
        return page;
}

static const struct {
        const char *text, *html;
} texts[] = {
    {"plain", "plain"},
    {"<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"},
    {"a & b", "a &amp; b"},
    {"&lt;", "&amp;lt;"},
    {"\" onload='x'", "&quot; onload=&#39;x&#39;"},
    {"caf\xc3\xa9 \xc2\xb5m \xe2\x82\x82", "caf\xc3\xa9 \xc2\xb5m \xe2\x82\x82"},
    {"line\nand\ttab", "line\nand\ttab"},
    {"\x1b[31m\x07\x7f", "?[31m??"},
    {"\xc2\x9b", "?"},       /* CSI of eight bits */
    {"\xff<\xc3", "?&lt;?"}, /* no letters */
    {"\xc0\xbc"
     "b>",
        "??b&gt;"},          /* an overlong '<' */
    {"\xed\xa0\x80", "???"}, /* a surrogate */
    {"a\xe2\x80\xae"
     "b\xe2\x81\xa6"
     "c",
        "a?b?c"}, /* marks that turn the direction of reading */
    {"", ""},
};

START_TEST(a_text_is_escaped)
{
        begin();
        html_put(&html, texts[_i].text);
        ck_assert_str_eq(end(), texts[_i].html);
        free(page);
        begin();
        html_text(&html, "%s", texts[_i].text);
        ck_assert_str_eq(end(), texts[_i].html);
        free(page);
}
END_TEST

START_TEST(an_attribute_is_escaped)
{
        begin();
        html_open(&html, "a", "href", "#x\"><script>", "class", "b", NULL);
        html_close(&html, "a");
        ck_assert_str_eq(end(), "<a href=\"#x&quot;&gt;&lt;script&gt;\" class=\"b\"></a>");
        free(page);
}
END_TEST

START_TEST(data_holds_what_it_shows)
{
        begin();
        html_data(&html, "span_s", 1213.25, "%s", "<1213.25 s>");
        ck_assert_str_eq(end(), "<data id=\"span_s\" value=\"1213.25\">&lt;1213.25 s&gt;</data>");
        free(page);
}
END_TEST

START_TEST(a_table_has_its_cells)
{
        static const struct html_column columns[] = {{"a<b", false}, {"n", true}};

        begin();
        html_table_begin(&html, "t", columns, 2);
        html_row_begin(&html, NULL);
        html_cell(&html, "%s", "<i>");
        html_cell(&html, "%d", 7);
        html_row_end(&html);
        html_table_end(&html);
        ck_assert_int_eq(html.depth, 0);
        ck_assert_ptr_nonnull(strstr(end(), "<th>a&lt;b</th>\n<th class=\"n\">n</th>"));
        ck_assert_ptr_nonnull(strstr(page, "<td>&lt;i&gt;</td>\n<td class=\"n\">7</td>"));
        free(page);
}
END_TEST

START_TEST(another_element_cannot_be_closed)
{
        begin();
        html_open(&html, "p", NULL);
        html_close(&html, "div"); /* asserts */
}
END_TEST

START_TEST(a_row_must_be_full)
{
        static const struct html_column columns[] = {{"a", false}, {"b", false}};

        begin();
        html_table_begin(&html, "t", columns, 2);
        html_row_begin(&html, NULL);
        html_cell(&html, "1");
        html_row_end(&html); /* asserts */
}
END_TEST

static Suite *suite(void)
{
        Suite *suite = suite_create("html");
        TCase *tc = tcase_create("html");

        tcase_add_loop_test(tc, a_text_is_escaped, 0, sizeof texts / sizeof texts[0]);
        tcase_add_test(tc, an_attribute_is_escaped);
        tcase_add_test(tc, data_holds_what_it_shows);
        tcase_add_test(tc, a_table_has_its_cells);
        tcase_add_test_raise_signal(tc, another_element_cannot_be_closed, SIGABRT);
        tcase_add_test_raise_signal(tc, a_row_must_be_full, SIGABRT);
        suite_add_tcase(suite, tc);
        return suite;
}

int main(void)
{
        return suite_main(suite());
}
