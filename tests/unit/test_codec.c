/* Words on the wire, typed by hand from manuals and from the definitions of the formats. */
#include "suite.h"

#include "ald/link/codec.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

static struct tool_tag make_tag(enum tool_type type, enum tool_byte_order order)
{
        return (struct tool_tag){.type = type, .order = order, .scale = 1};
}

static void check_both(struct tool_tag tag, double value, const uint16_t *words)
{
        uint16_t made[CODEC_WORDS_MAX] = {0};
        ck_assert(codec_decode(&tag, words) == value);
        ck_assert(codec_encode(&tag, value, made));
        for (int i = 0; i < codec_words(tag.type); i++)
                ck_assert_uint_eq(made[i], words[i]);
}

START_TEST(test_float32_orders)
{
        /* Watlow EZ-ZONE manual: 75.0 is 0x0000 to 2160 and 0x4296 to 2161 (low word first). */
        check_both(make_tag(TOOL_FLOAT32, TOOL_ORDER_CDAB), 75.0, (const uint16_t[]){0x0000, 0x4296});
        check_both(make_tag(TOOL_FLOAT32, TOOL_ORDER_ABCD), 75.0, (const uint16_t[]){0x4296, 0x0000});
        check_both(make_tag(TOOL_FLOAT32, TOOL_ORDER_BADC), 75.0, (const uint16_t[]){0x9642, 0x0000});
        check_both(make_tag(TOOL_FLOAT32, TOOL_ORDER_DCBA), 75.0, (const uint16_t[]){0x0000, 0x9642});
        /* -0.0625 = bd80 0000; 1/3 rounded = 3eaa aaab. */
        check_both(make_tag(TOOL_FLOAT32, TOOL_ORDER_ABCD), -0.0625, (const uint16_t[]){0xbd80, 0x0000});
        check_both(make_tag(TOOL_FLOAT32, TOOL_ORDER_CDAB), (double)0x1.555556p-2f,
            (const uint16_t[]){0xaaab, 0x3eaa});
}
END_TEST

START_TEST(test_scaled_integers)
{
        struct tool_tag t = make_tag(TOOL_INT16, TOOL_ORDER_ABCD);
        uint16_t w[4];
        t.scale = 0.1; /* Eurotherm: 123.5 -> 1235, negative as two's complement */
        ck_assert(codec_encode(&t, 123.5, w));
        ck_assert_uint_eq(w[0], 1235);
        ck_assert_double_eq_tol(codec_decode(&t, (const uint16_t[]){1235}), 123.5, 1e-9);
        ck_assert(codec_encode(&t, -12.3, w));
        ck_assert_uint_eq(w[0], 0xff85);
        t.scale = 0.01;
        ck_assert(codec_encode(&t, 3.0, w));
        ck_assert_uint_eq(w[0], 300);
        ck_assert(codec_encode(&t, 0.29, w)); /* 0.29 / 0.01 is 28.999... */
        ck_assert_uint_eq(w[0], 29);
        t.scale = 2;
        t.offset = -40;
        ck_assert_double_eq(codec_decode(&t, (const uint16_t[]){100}), 160);
        ck_assert(codec_encode(&t, 160, w));
        ck_assert_uint_eq(w[0], 100);
}
END_TEST

START_TEST(test_integers_orders)
{
        check_both(make_tag(TOOL_UINT32, TOOL_ORDER_ABCD), 0x01020304, (const uint16_t[]){0x0102, 0x0304});
        check_both(make_tag(TOOL_UINT32, TOOL_ORDER_CDAB), 0x01020304, (const uint16_t[]){0x0304, 0x0102});
        check_both(make_tag(TOOL_UINT32, TOOL_ORDER_BADC), 0x01020304, (const uint16_t[]){0x0201, 0x0403});
        check_both(make_tag(TOOL_UINT32, TOOL_ORDER_DCBA), 0x01020304, (const uint16_t[]){0x0403, 0x0201});
        check_both(make_tag(TOOL_INT32, TOOL_ORDER_ABCD), -2, (const uint16_t[]){0xffff, 0xfffe});
        check_both(make_tag(TOOL_INT32, TOOL_ORDER_CDAB), -2147483648.0, (const uint16_t[]){0x0000, 0x8000});
        check_both(make_tag(TOOL_UINT32, TOOL_ORDER_ABCD), 4294967295.0, (const uint16_t[]){0xffff, 0xffff});
        check_both(make_tag(TOOL_UINT16, TOOL_ORDER_ABCD), 0x1234, (const uint16_t[]){0x1234});
        check_both(make_tag(TOOL_UINT16, TOOL_ORDER_CDAB), 0x1234, (const uint16_t[]){0x1234});
        check_both(make_tag(TOOL_UINT16, TOOL_ORDER_BADC), 0x1234, (const uint16_t[]){0x3412});
        check_both(make_tag(TOOL_INT16, TOOL_ORDER_DCBA), -2, (const uint16_t[]){0xfeff});
}
END_TEST

START_TEST(test_float64_orders)
{
        /* 1.5 + 2^-52 = 3ff8 0000 0000 0001 */
        double v = 1.5 + 0x1p-52;
        check_both(make_tag(TOOL_FLOAT64, TOOL_ORDER_ABCD), v, (const uint16_t[]){0x3ff8, 0, 0, 0x0001});
        check_both(make_tag(TOOL_FLOAT64, TOOL_ORDER_CDAB), v, (const uint16_t[]){0x0001, 0, 0, 0x3ff8});
        check_both(make_tag(TOOL_FLOAT64, TOOL_ORDER_BADC), v, (const uint16_t[]){0xf83f, 0, 0, 0x0100});
        check_both(make_tag(TOOL_FLOAT64, TOOL_ORDER_DCBA), v, (const uint16_t[]){0x0100, 0, 0, 0xf83f});
}
END_TEST

START_TEST(test_bits)
{
        check_both(make_tag(TOOL_BIT, TOOL_ORDER_DCBA), 1, (const uint16_t[]){1});
        check_both(make_tag(TOOL_BIT, TOOL_ORDER_ABCD), 0, (const uint16_t[]){0});
        struct tool_tag t = make_tag(TOOL_BIT, TOOL_ORDER_ABCD);
        ck_assert_double_eq(codec_decode(&t, (const uint16_t[]){0x0100}), 1);
        uint16_t w[4];
        ck_assert(!codec_encode(&t, 2, w));
}
END_TEST

START_TEST(test_what_does_not_fit)
{
        static const struct {
                enum tool_type type;
                double value;
                bool fits;
        } rows[] = {
            {TOOL_INT16, 32767, true},
            {TOOL_INT16, 32767.4, true},
            {TOOL_INT16, 32768, false},
            {TOOL_INT16, -32768, true},
            {TOOL_INT16, -32769, false},
            {TOOL_UINT16, -1, false},
            {TOOL_UINT16, 65535, true},
            {TOOL_UINT16, 65536, false},
            {TOOL_INT32, 2147483648.0, false},
            {TOOL_UINT32, 4294967296.0, false},
            {TOOL_UINT32, 1e300, false},
            {TOOL_FLOAT32, 1e39, false},
            {TOOL_FLOAT32, -1e39, false},
            {TOOL_FLOAT32, 3e38, true},
            {TOOL_FLOAT32, NAN, false},
            {TOOL_FLOAT64, INFINITY, false},
            {TOOL_INT16, NAN, false},
        };
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct tool_tag t = make_tag(rows[i].type, TOOL_ORDER_ABCD);
                uint16_t w[4] = {0xdead, 0xdead, 0xdead, 0xdead};
                ck_assert_msg(codec_encode(&t, rows[i].value, w) == rows[i].fits, "row %zu", i);
                if (!rows[i].fits)
                        for (int k = 0; k < 4; k++)
                                ck_assert_uint_eq(w[k], 0xdead);
        }
}
END_TEST

START_TEST(test_nan_passes_through)
{
        struct tool_tag t = make_tag(TOOL_FLOAT32, TOOL_ORDER_ABCD);
        ck_assert(isnan(codec_decode(&t, (const uint16_t[]){0x7fc0, 0})));
        ck_assert(isinf(codec_decode(&t, (const uint16_t[]){0x7f80, 0})));
}
END_TEST

int main(void)
{
        Suite *s = suite_create("codec");
        TCase *tc = tcase_create("words");
        tcase_add_test(tc, test_float32_orders);
        tcase_add_test(tc, test_scaled_integers);
        tcase_add_test(tc, test_integers_orders);
        tcase_add_test(tc, test_float64_orders);
        tcase_add_test(tc, test_bits);
        tcase_add_test(tc, test_what_does_not_fit);
        tcase_add_test(tc, test_nan_passes_through);
        suite_add_tcase(s, tc);
        return suite_main(s);
}
