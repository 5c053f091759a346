/* text, time, unit, diag. */

#include "suite.h"

#include "ald/base/diag.h" /* diag_* */
#include "ald/base/text.h" /* text_* */
#include "ald/base/time.h" /* time_* */
#include "ald/base/unit.h" /* unit_* */

#include <math.h> /* fabs, NAN */

static const char *name_at(const void *ctx, size_t i)
{
        return ((const char *const *)ctx)[i];
}

START_TEST(text_truncates_and_says_so)
{
        char buf[8];
        struct text t;

        text_init(&t, buf, sizeof buf);
        text_add(&t, "%s", "1234");
        ck_assert(!t.truncated);
        text_add(&t, "%s", "5678");
        ck_assert(t.truncated);
        ck_assert_str_eq(buf, "1234567");
        text_add(&t, "more");
        ck_assert_str_eq(buf, "1234567");
        ck_assert(!text_copy(buf, sizeof buf, "123456789"));
        ck_assert_str_eq(buf, "1234567");
}
END_TEST

START_TEST(text_finds_slips_of_the_pen)
{
        static const char *const names[] = {"purge", "pulse", "repeat", "chamber.temperature"};

        ck_assert_int_eq(text_distance("puls", "pulse", 9), 1);
        ck_assert_int_eq(text_distance("pusle", "pulse", 9), 1); /* transposed */
        ck_assert_int_eq(text_distance("kitten", "sitting", 9), 3);
        ck_assert_int_eq(text_distance("abc", "xyz", 2), 2);
        ck_assert_str_eq(text_nearest("pules", name_at, names, 4), "pulse");
        ck_assert_str_eq(text_nearest("chamber.temprature", name_at, names, 4), "chamber.temperature");
        ck_assert_ptr_null(text_nearest("voltage", name_at, names, 4));
}
END_TEST

START_TEST(time_formats)
{
        char utc[TIME_UTC_CAP], buf[64];
        struct text t;
        static const struct {
                int64_t us;
                const char *words;
        } rows[] = {{0, "0 s"}, {1, "1 us"}, {500, "500 us"}, {100 * TIME_MS, "100 ms"}, {TIME_S, "1 s"},
            {41100 * TIME_MS, "41.1 s"}, {1233 * TIME_S, "20 min 33 s"},
            {2 * TIME_H + 5 * TIME_MIN, "2 h 05 min"}, {TIME_NEVER, "without end"}};

        time_format_utc(0, utc);
        ck_assert_str_eq(utc, "1970-01-01T00:00:00.000000Z");
        time_format_utc(INT64_C(1709210096789012), utc); /* a leap day */
        ck_assert_str_eq(utc, "2024-02-29T12:34:56.789012Z");
        time_format_utc(-1, utc);
        ck_assert_str_eq(utc, "1969-12-31T23:59:59.999999Z");
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                text_init(&t, buf, sizeof buf);
                time_add_duration(&t, rows[i].us);
                ck_assert_str_eq(buf, rows[i].words);
        }
        ck_assert(time_add(TIME_NEVER, -5) == TIME_NEVER);
        ck_assert(time_add(TIME_NEVER - 1, 5) == TIME_NEVER);
        ck_assert(time_add(3, 4) == 7);
}
END_TEST

START_TEST(units_parse_with_their_unit_only)
{
        static const struct {
                const char *text;
                enum unit_dim dim;
                enum unit_status status;
                double value;
        } rows[] = {
            {"20 s", UNIT_DIM_TIME, UNIT_OK, 20},
            {"870 mTorr", UNIT_DIM_PRESSURE, UNIT_OK, 870},
            {"-5 degC", UNIT_DIM_TEMPERATURE, UNIT_OK, -5},
            {"1e3 sccm", UNIT_DIM_FLOW, UNIT_OK, 1000},
            {"5K/min", UNIT_DIM_TEMP_RATE, UNIT_OK, 5},
            {"7", UNIT_DIM_NONE, UNIT_OK, 7},
            {"20", UNIT_DIM_TIME, UNIT_ERR_NO_UNIT, 0},
            {"20 sec", UNIT_DIM_TIME, UNIT_ERR_UNKNOWN, 0},
            {"20 degC", UNIT_DIM_TIME, UNIT_ERR_DIM, 0},
            {"3 K", UNIT_DIM_TEMPERATURE, UNIT_ERR_DIM, 0},
            {"s", UNIT_DIM_TIME, UNIT_ERR_NUMBER, 0},
            {"nan s", UNIT_DIM_TIME, UNIT_ERR_NUMBER, 0},
            {"inf s", UNIT_DIM_TIME, UNIT_ERR_NUMBER, 0},
            {"0x10 s", UNIT_DIM_TIME, UNIT_ERR_NUMBER, 0},
            {"-1 s", UNIT_DIM_TIME, UNIT_ERR_RANGE, 0},
            {"11 d", UNIT_DIM_TIME, UNIT_OK, 11},
            {"1e99 s", UNIT_DIM_TIME, UNIT_ERR_RANGE, 0},
            {"1e999 Torr", UNIT_DIM_PRESSURE, UNIT_ERR_RANGE, 0},
            {"7 s", UNIT_DIM_NONE, UNIT_ERR_DIM, 0},
        };

        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                double value = NAN;
                const struct unit *unit = NULL;

                ck_assert_msg(unit_parse(rows[i].text, rows[i].dim, &value, &unit) == rows[i].status, "%s",
                    rows[i].text);
                if (rows[i].status == UNIT_OK)
                        ck_assert(fabs(value - rows[i].value) < 1e-12);
                else
                        ck_assert_ptr_null(unit);
        }
}
END_TEST

START_TEST(units_convert_exactly)
{
        int64_t us = 0;

        ck_assert(unit_convert(870, unit_find("mTorr"), unit_find("Torr")) == 0.87);
        ck_assert(unit_convert(0.87, unit_find("Torr"), unit_find("mTorr")) == 870);
        ck_assert(fabs(unit_convert(760, unit_find("Torr"), unit_find("Pa")) - 101325) < 1e-9);
        ck_assert(fabs(unit_convert(212, unit_find("degF"), unit_find("degC")) - 100) < 1e-9);
        ck_assert(fabs(unit_convert(100, unit_find("degC"), unit_find("degF")) - 212) < 1e-9);
        ck_assert(fabs(unit_convert_difference(3, unit_find("K"), unit_find("degF")) - 5.4) < 1e-9);
        ck_assert(unit_convert_difference(3, unit_find("K"), unit_find("degC")) == 3);
        ck_assert_int_eq(unit_parse_time("100 ms", &us), UNIT_OK);
        ck_assert_int_eq(us, 100000);
        ck_assert_int_eq(unit_parse_time("41.1 s", &us), UNIT_OK);
        ck_assert_int_eq(us, 41100000);
        ck_assert_int_eq(unit_parse_time("0.1 s", &us), UNIT_OK);
        ck_assert_int_eq(us, 100000);
        ck_assert_int_eq(unit_parse_time("2 h", &us), UNIT_OK);
        ck_assert_int_eq(us, 2 * TIME_H);
}
END_TEST

START_TEST(units_explain_what_fits)
{
        char buf[200];
        struct text t;

        text_init(&t, buf, sizeof buf);
        unit_explain(&t, UNIT_ERR_NO_UNIT, "20", UNIT_DIM_TIME);
        ck_assert_str_eq(buf, "'20' has no unit: a time is a number with s, us, ms, min, h or d");
}
END_TEST

START_TEST(diag_sorts_and_points)
{
        static const char text[] = "first\n  purge: 20\nlast\n";
        struct diag *d = diag_new();
        int source = diag_source(d, "r.yaml", text, strlen(text));
        char buf[400];
        struct text t;

        diag_error(d, (struct diag_at){source, 3, 1}, "second");
        diag_error(d, (struct diag_at){source, 2, 10}, "no unit in %d", 20);
        diag_warning(d, (struct diag_at){source, 1, 1}, "a warning");
        ck_assert_int_eq(diag_errors(d), 2);
        ck_assert_int_eq(diag_count(d), 3);
        text_init(&t, buf, sizeof buf);
        diag_add_entry(d, 1, &t);
        ck_assert_str_eq(buf, "r.yaml:2:10: error: no unit in 20\n      purge: 20\n             ^\n");
        for (int i = 0; i < 2 * DIAG_ENTRIES_MAX; i++)
                diag_error(d, (struct diag_at){source, 1, 1}, "another, %d", i);
        ck_assert_int_eq(diag_count(d), DIAG_ENTRIES_MAX);
        ck_assert_int_eq(diag_errors(d), 2 + 2 * DIAG_ENTRIES_MAX);
        diag_free(d);

        /* What is said already at a place is not said again there. */
        d = diag_new();
        source = diag_source(d, "r.yaml", text, strlen(text));
        for (int i = 0; i < 3; i++) {
                diag_error(d, (struct diag_at){source, 2, 3}, "the same");
                diag_error(d, (struct diag_at){source, 2, 3 + i % 2}, "either");
                diag_warning(d, (struct diag_at){source, 2, 3}, "the same");
        }
        ck_assert_int_eq(diag_errors(d), 3);
        ck_assert_int_eq(diag_count(d), 4);
        diag_free(d);
}
END_TEST

START_TEST(diag_shows_no_raw_bytes)
{
        static const char text[] = "caf\xe9: \x1b[2J\xc3\xa9 x\n";
        struct diag *d = diag_new();
        int source = diag_source(d, "r.yaml", text, strlen(text));
        char buf[400], word[] = "\xff\x07\xc3\xa9";
        struct text t;

        diag_error(d, (struct diag_at){source, 1, 14}, "%s", word);
        text_init(&t, buf, sizeof buf);
        diag_add_entry(d, 0, &t);
        ck_assert_str_eq(buf, "r.yaml:1:14: error: ?"
                              "?\xc3\xa9\n    caf?:  [2J\xc3\xa9 x\n                ^\n");
        diag_free(d);
}
END_TEST

START_TEST(text_knows_letters)
{
        ck_assert_int_eq(text_letter("a", 1), 1);
        ck_assert_int_eq(text_letter("\xc3\xa9", 2), 2);
        ck_assert_int_eq(text_letter("\xc3\xa9", 1), 0);
        ck_assert_int_eq(text_letter("\xe2\x82\xac", 3), 3);
        ck_assert_int_eq(text_letter("\xf0\x9f\x92\xa7", 4), 4);
        ck_assert_int_eq(text_letter("\xc0\x80", 2), 0);         /* overlong */
        ck_assert_int_eq(text_letter("\xed\xa0\x80", 3), 0);     /* a surrogate */
        ck_assert_int_eq(text_letter("\xf4\x90\x80\x80", 4), 0); /* beyond Unicode */
        ck_assert_int_eq(text_letter("\xe2\x28\xa1", 3), 0);
        ck_assert_int_eq(text_letter("\x80", 1), 0);
}
END_TEST

int main(void)
{
        const TTest *const tests[] = {text_truncates_and_says_so, text_finds_slips_of_the_pen, time_formats,
            units_parse_with_their_unit_only, units_convert_exactly, units_explain_what_fits,
            diag_sorts_and_points, diag_shows_no_raw_bytes, text_knows_letters};
        Suite *suite = suite_create("base");
        TCase *tc = tcase_create("base");

        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
                tcase_add_test(tc, tests[i]);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
