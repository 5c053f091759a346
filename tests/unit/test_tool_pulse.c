/* A module that times pulses itself, in the tool file and in what recipes may ask of it. */
#include "suite.h"
#include "timed_tool.h"

#include "ald/base/time.h"  /* time_nearest */
#include "ald/link/timed.h" /* timed_encode */

static struct tool *tool;

static void set_up(void)
{
        tool = timed_tool_new();
}

static void tear_down(void)
{
        free(tool);
}

START_TEST(as_compiled)
{
        const struct tool_tag *water = &tool->tags[tool_find_tag(tool, "water.valve")];
        const struct tool_pulse *p = &water->pulse;

        ck_assert_int_eq(water->failsafe, TOOL_FAILSAFE_DEVICE_TIMED);
        ck_assert_int_eq(water->address, 17);
        ck_assert(p->present && !tool->tags[tool_find_tag(tool, "nb.valve")].pulse.present);
        ck_assert_int_eq(p->width_register, 18);
        ck_assert_int_eq(p->width_type, TOOL_UINT32);
        ck_assert_int_eq(p->width_order, TOOL_ORDER_CDAB);
        ck_assert_int_eq(p->width_unit_us, 100);
        ck_assert_int_eq(p->setup_count, 2);
        ck_assert_int_eq(p->setup[0].reg, 65);
        ck_assert_int_eq(p->setup[0].value, 1);
        ck_assert_int_eq(p->setup[1].reg, 2);
        ck_assert_int_eq(p->setup[1].value, 10);
        ck_assert_int_eq(p->start_register, 34);
        ck_assert_int_eq(p->start_value, 1);
        ck_assert_int_eq(p->count_register, 50);
}
END_TEST

/* Frames of an ADAM-4100 typed from its table: 32 bits, low word first, 0.1 ms. */
START_TEST(widths_as_words)
{
        const struct tool_pulse *p = &tool->tags[tool_find_tag(tool, "water.valve")].pulse;
        uint16_t words[CODEC_WORDS_MAX];

        timed_encode(p, 100000, words);
        ck_assert_int_eq(words[0], 1000);
        ck_assert_int_eq(words[1], 0);
        timed_encode(p, 10000000, words);
        ck_assert_int_eq(words[0], 100000 & 0xffff);
        ck_assert_int_eq(words[1], 1);
        ck_assert_int_eq(timed_decode(p, words), 10000000);
        ck_assert_int_eq(timed_width_max_us(p), INT64_C(4294967295) * 100);
        ck_assert_int_eq(timed_width_words(p), 2);
}
END_TEST

START_TEST(nearest)
{
        ck_assert_int_eq(time_nearest(100049, 100), 100000);
        ck_assert_int_eq(time_nearest(100050, 100), 100100);
        ck_assert_int_eq(time_nearest(49, 100), 0);
        ck_assert_int_eq(time_nearest(7, 1), 7);
}
END_TEST

/* The water line in steps of 50 ms, with the tolerance given. */
static struct tool *tool_in_steps(double tolerance_us)
{
        struct tool *t = timed_tool_new();
        int line = tool_find_line(t, "water");

        t->tags[t->lines[line].valve].pulse.width_unit_us = 50000;
        t->lines[line].width_tolerance_us = tolerance_us;
        return t;
}

static struct recipe *recipe_of(const struct tool *t, const char *width, struct diag *d)
{
        size_t len;
        char *text = file_read(SUPPORT_RECIPE, &len, d);
        struct file_set set = {.name = "water_pulse", .value = width};
        struct recipe *recipe = file_compile_recipe("test.yaml", text, len, t, &set, 1, d);

        free(text);
        return recipe;
}

static void check_width(double tolerance_us, const char *width, const char *said)
{
        struct tool *t = tool_in_steps(tolerance_us);
        struct diag *d = diag_new();
        struct recipe *recipe = recipe_of(t, width, d);
        char *text = NULL;
        size_t len;
        FILE *f = open_memstream(&text, &len);

        diag_print(d, f, false);
        fclose(f);
        if (said == NULL)
                ck_assert_msg(recipe != NULL, "%s: %s", width, text);
        else
                ck_assert_msg(recipe == NULL && strstr(text, said) != NULL, "%s: %s", width, text);
        free(text);
        recipe_free(recipe);
        diag_free(d);
        free(t);
}

START_TEST(widths_between_two_steps)
{
        check_width(5000, "100 ms", NULL);
        check_width(5000, "105 ms", NULL); /* within the tolerance: rounded */
        check_width(5000, "95 ms", NULL);
        check_width(5000, "106 ms",
            "for: 106 ms cannot be put out by the valve of 'water' within its width_tolerance: its module "
            "counts "
            "in steps of 50 ms: 100 ms and 150 ms fit");
        check_width(0, "100 ms", NULL);
        check_width(0, "100.1 ms", "cannot be put out");
        check_width(5000, "30 ms", ": 50 ms fits");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("tool_pulse");
        TCase *tests = tcase_create("pulse");

        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_add_test(tests, as_compiled);
        tcase_add_test(tests, widths_as_words);
        tcase_add_test(tests, nearest);
        tcase_add_test(tests, widths_between_two_steps);
        suite_add_tcase(suite, tests);
        return suite_main(suite);
}
