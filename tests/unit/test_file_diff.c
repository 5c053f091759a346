/* What two texts of a file say differently. */
#include "unit/suite.h"

#include "ald/base/text.h"      /* struct text */
#include "ald/file/file_diff.h" /* file_diff */
#include "ald/file/same.h"      /* same_text */

#include <stdio.h>  /* snprintf */
#include <string.h> /* strlen */

static char told[4000];

/* One line a change: "kind where|what then-line:value now-line:value". */
static void take(void *ctx, const struct file_change *c)
{
        static const char *const kinds[] = {"changed", "added", "removed", "order"};
        size_t used = strlen(told);
        (void)ctx;
        snprintf(told + used, sizeof told - used, "%s %s%s%s|%s %d:%s %d:%s\n", kinds[c->kind], c->file,
            c->file[0] ? ": " : "", c->where, c->what, c->line_then, c->then, c->line_now, c->now);
}

static void expect(enum file_diff_form form, const char *then, const char *now, const char *wanted)
{
        struct diag *d = diag_new();
        told[0] = '\0';
        ck_assert(file_diff(form, then, strlen(then), now, strlen(now), take, NULL, d));
        ck_assert_str_eq(told, wanted);
        ck_assert_uint_eq(diag_count(d), 0);
        diag_free(d);
}

START_TEST(values_that_mean_the_same)
{
        static const struct {
                const char *a, *b;
                bool is_same;
        } rows[] = {{"20 s", "20000 ms", true}, {"20 s", "20s", true}, {"20 s", "21 s", false},
            {"1 Torr", "1 sccm", false}, {"0.870 Torr", "870 mTorr", true}, {"yes", "true", true},
            {"no", "true", false}, {"a < 5 Torr and  b", "a<5 Torr and b", true}, {"a and b", "aandb", false},
            {"1", "1.0", false}, {"$purge", "20 s", false}, {"two\nlines", "two lines", true}, {"", "", true},
            {"", "x", false}, {"60 degC", "140 degF", true}, {"60 degC", "60 K", false}};
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                ck_assert_msg(
                    same_text(rows[i].a, rows[i].b) == rows[i].is_same, "%s / %s", rows[i].a, rows[i].b);
                ck_assert_msg(
                    same_text(rows[i].b, rows[i].a) == rows[i].is_same, "%s / %s", rows[i].b, rows[i].a);
        }
}
END_TEST

START_TEST(what_means_nothing)
{
        expect(FILE_DIFF_RECIPE, "a: {b: 1 s, c: [x, y]}\n",
            "# comment\na:\n  c:\n    - 'x'\n    - y\n  b: 1000 ms\n", "");
}
END_TEST

START_TEST(keys)
{
        expect(FILE_DIFF_TOOL, "a: {b: 1, c: {d: 2}}\nx: 1\n", "a: {b: 2, c: {e: 3}}\ny: {z: [1, {q: r}]}\n",
            "changed a|b 1:1 1:2\nadded a.c|e 0: 1:3\nremoved a.c|d 1:2 0:\nadded |y 0: 2:{z: [1, {q: "
            "r}]}\nremoved |x 2:1 0:\n");
        expect(FILE_DIFF_TOOL, "a: 1\n", "a: {b: 1}\n", "changed |a 1:1 1:{b: 1}\n");
        expect(
            FILE_DIFF_TOOL, "a: [1 s, 2 s]\n", "a: [1 s, 3 s]\n", "changed |a 1:[1 s, 2 s] 1:[1 s, 3 s]\n");
}
END_TEST

START_TEST(steps)
{
        const char *then = "phases:\n  p:\n    - set: {x: 1 s}\n    - wait: 5 s\n    - repeat: 3\n      "
                           "do:\n        - purge: 1 s\n";
        /* One more, one changed deep inside. */
        expect(FILE_DIFF_RECIPE, then,
            "phases:\n  p:\n    - note: n\n    - set: {x: 1 s}\n    - wait: 5 s\n    - repeat: 3\n      "
            "do:\n        - purge: 2 s\n",
            "added phases.p| 0: 3:{note: n}\nchanged phases.p|purge 7:1 s 8:2 s\n");
        /* One less; a step does not become another one of a different kind. */
        expect(FILE_DIFF_RECIPE, then,
            "phases:\n  p:\n    - set: {x: 1 s}\n    - note: 5 s\n    - repeat: 3\n      do:\n        - "
            "purge: 1 s\n",
            "removed phases.p| 4:{wait: 5 s} 0:\nadded phases.p| 0: 4:{note: 5 s}\n");
        /* What stands behind a change keeps its place. */
        expect(FILE_DIFF_RECIPE, then,
            "phases:\n  p:\n    - wait: 6 s\n    - repeat: 3\n      do:\n        - purge: 1 s\n",
            "removed phases.p| 3:{set: {x: 1 s}} 0:\nchanged phases.p|wait 4:5 s 3:6 s\n");
}
END_TEST

START_TEST(items_with_an_id)
{
        expect(FILE_DIFF_TOOL, "interlocks:\n  - {id: a, trip: x}\n  - {id: b, trip: y}\n",
            "interlocks:\n  - {id: b, trip: z}\n",
            "removed interlocks| 2:{id: a, trip: x} 0:\nchanged interlocks|b.trip 3:y 2:z\n");
}
END_TEST

START_TEST(the_order_of_phases)
{
        expect(FILE_DIFF_RECIPE, "phases: {a: [x: 1], b: [x: 2], c: [x: 3]}\n",
            "phases: {a: [x: 1], c: [x: 3], b: [x: 2]}\n", "order phases| 1:b 1:c\n");
        expect(FILE_DIFF_RECIPE, "phases: {a: [x: 1], b: [x: 2]}\n", "phases: {n: [x: 1], b: [x: 2]}\n",
            "added phases|n 0: 1:[{x: 1}]\nremoved phases|a 1:[{x: 1}] 0:\n");
        /* Of other mappings the order is no meaning. */
        expect(FILE_DIFF_RECIPE, "blocks: {a: [x: 1], b: [x: 2]}\n", "blocks: {b: [x: 2], a: [x: 1]}\n", "");
}
END_TEST

START_TEST(further_texts)
{
        const char *then = "format: 1\ninclude: [b.yaml, c.yaml]\n# ---- include: b.yaml ----\nblocks: {x: "
                           "[wait: 1 s]}\n# ---- include: c.yaml ----\n"
                           "blocks: {y: [wait: 1 s]}\n";
        const char *now =
            "format: 1\ninclude: [b.yaml]\n# ---- include: b.yaml ----\n\nblocks: {x: [wait: 2 s]}\n";
        expect(FILE_DIFF_RECIPE, then, now,
            "changed |include 2:[b.yaml, c.yaml] 2:[b.yaml]\nchanged b.yaml: blocks.x|wait 1:1 s 2:2 "
            "s\nremoved c.yaml: | 0: 0:\n");
}
END_TEST

START_TEST(what_cannot_be_read)
{
        struct diag *d = diag_new();
        ck_assert(!file_diff(FILE_DIFF_RECIPE, "a: [", 4, "a: 1", 4, take, NULL, d));
        ck_assert(!file_diff(FILE_DIFF_RECIPE, "a: 1", 4, "a: [", 4, take, NULL, d));
        ck_assert_uint_gt(diag_errors(d), 1);
        diag_free(d);
}
END_TEST

/* Long values and deep trees are cut, not overrun. */
START_TEST(long_values)
{
        char then[3000] = "a: ", now[3000] = "a: ";
        struct diag *d = diag_new();
        memset(then + 3, 'x', 2000);
        memset(now + 3, 'y', 2000);
        told[0] = '\0';
        ck_assert(file_diff(FILE_DIFF_TOOL, then, strlen(then), now, strlen(now), take, NULL, d));
        ck_assert_ptr_nonnull(strstr(told, "xxx... 1:yyy"));
        diag_free(d);
        then[0] = now[0] = '\0';
        for (int i = 0; i < 14; i++) {
                strcat(then, "k: [{id: i, ");
                strcat(now, "k: [{id: i, ");
        }
        strcat(then, "z: 1");
        strcat(now, "z: 2");
        for (int i = 0; i < 14; i++) {
                strcat(then, "}]");
                strcat(now, "}]");
        }
        expect(FILE_DIFF_TOOL, then, now, "changed k|i.z 1:1 1:2\n");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("file_diff");
        TCase *tc = tcase_create("file_diff");
        tcase_add_test(tc, values_that_mean_the_same);
        tcase_add_test(tc, what_means_nothing);
        tcase_add_test(tc, keys);
        tcase_add_test(tc, steps);
        tcase_add_test(tc, items_with_an_id);
        tcase_add_test(tc, the_order_of_phases);
        tcase_add_test(tc, further_texts);
        tcase_add_test(tc, what_cannot_be_read);
        tcase_add_test(tc, long_values);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
