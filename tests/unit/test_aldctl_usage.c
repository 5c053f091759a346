/* What the command table says of a command, read as tokens: with tables of this test's own. */
#include "suite.h"

#include "ald/app/aldctl_usage.h" /* the module under test */

#include <check.h>
#include <string.h>

static const struct aldctl_option options[] = {
    {"--run", "RUN", 1, NULL, NULL}, {"--all", NULL, 2, NULL, NULL}, {"-o", "FILE", 4, NULL, NULL}};

const struct aldctl_option *aldctl_option_table(size_t *count)
{
        *count = sizeof options / sizeof options[0];
        return options;
}

const struct aldctl_command *aldctl_commands(size_t *count)
{
        *count = 0;
        return NULL;
}

static struct aldctl_usage_token found[8];

static size_t words(const char *usage, size_t given, const char *first, const char *second)
{
        const struct aldctl_command c = {.name = "x", .usage = usage};
        const char *const before[] = {first, second};

        return aldctl_usage_words(&c, before, given, found, 8);
}

#define FOUND(i, name) ck_assert_str_eq(found[i].text, name)

START_TEST(alternatives)
{
        ck_assert_uint_eq(words("take [--all] | release [--run RUN]", 0, NULL, NULL), 2);
        FOUND(0, "take");
        FOUND(1, "release");
        ck_assert_int_eq(found[0].kind, ALDCTL_USAGE_WORD);
        ck_assert_uint_eq(words("take [--all] | release [--run RUN]", 1, "take", NULL), 0);
        ck_assert_uint_eq(words("plan | probe TAG [-o FILE]", 1, "probe", NULL), 1);
        FOUND(0, "TAG");
        ck_assert_int_eq(found[0].kind, ALDCTL_USAGE_PLACE);
        ck_assert_uint_eq(words("plan | probe TAG [-o FILE]", 1, "plan", NULL), 0);
        ck_assert_uint_eq(words("[RUN | --all]", 0, NULL, NULL), 1);
        FOUND(0, "RUN");
}
END_TEST

START_TEST(places_in_their_order)
{
        ck_assert_uint_eq(words("TAG VALUE", 1, "a", NULL), 1);
        FOUND(0, "VALUE");
        ck_assert_uint_eq(words("TAG VALUE", 2, "a", "b"), 0);
        ck_assert_uint_eq(words("[reset VALVE]", 1, "reset", NULL), 1);
        ck_assert_uint_eq(words("[reset VALVE]", 1, "set", NULL), 0);
        /* What an option takes is no word. */
        ck_assert_uint_eq(words("--run RUN [RECIPE]", 0, NULL, NULL), 1);
        FOUND(0, "RECIPE");
}
END_TEST

START_TEST(forms)
{
        ck_assert_uint_eq(words("RECIPE [--all]\naldctl x --run RUN [RECIPE] | next", 0, NULL, NULL), 2);
        FOUND(0, "RECIPE");
        FOUND(1, "next");
}
END_TEST

START_TEST(tokens)
{
        const char *at = "[-o FILE.svg]... csv|json";
        struct aldctl_usage_token t;
        const enum aldctl_usage_kind kinds[] = {ALDCTL_USAGE_OPEN, ALDCTL_USAGE_FLAG, ALDCTL_USAGE_PLACE,
            ALDCTL_USAGE_CLOSE, ALDCTL_USAGE_MORE, ALDCTL_USAGE_PLACE};

        for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
                ck_assert(aldctl_usage_next(&at, &t));
                ck_assert_int_eq(t.kind, kinds[i]);
        }
        ck_assert_str_eq(t.text, "csv|json");
        ck_assert(!aldctl_usage_next(&at, &t));
}
END_TEST

START_TEST(parts_of_help)
{
        const char *at = "what it does; more\n  --from, --to  a time,  or more\n  REST: no item\nlast";
        struct aldctl_usage_part part;

        ck_assert(aldctl_usage_next_part(&at, &part));
        ck_assert_str_eq(part.tag, "");
        ck_assert_str_eq(part.text, "what it does; more");
        ck_assert(aldctl_usage_next_part(&at, &part));
        ck_assert_str_eq(part.tag, "--from, --to");
        ck_assert_str_eq(part.text, "a time,  or more");
        ck_assert(aldctl_usage_next_part(&at, &part));
        ck_assert_str_eq(part.tag, "");
        ck_assert(aldctl_usage_next_part(&at, &part));
        ck_assert_str_eq(part.text, "last");
        ck_assert(!aldctl_usage_next_part(&at, &part));
        ck_assert_ptr_null(aldctl_usage_find_option("--ru", 4));
        ck_assert_ptr_eq(aldctl_usage_find_option("--run=1", 5), &options[0]);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("aldctl_usage");
        TCase *t = tcase_create("all");

        tcase_add_test(t, alternatives);
        tcase_add_test(t, places_in_their_order);
        tcase_add_test(t, forms);
        tcase_add_test(t, tokens);
        tcase_add_test(t, parts_of_help);
        suite_add_tcase(suite, t);
        return suite_main(suite);
}
