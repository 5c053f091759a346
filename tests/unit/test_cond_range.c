/* What a condition can be, against trying it out: trees are drawn at random over three tags and bits, and evaluated at
 * points drawn on and beside their thresholds. NEVER and ALWAYS must hold at every point; where all thresholds are
 * constants, EITHER must be seen both ways. */
#include "unit/suite.h"

#include "ald/file/cond_range.h" /* own subject */

#include <math.h>   /* fabs */
#include <stdint.h> /* uint64_t */

enum { TAGS = 3, BIT = 3, ROUNDS = 20000 };

static uint64_t state = 1;
static struct cond_pool pool;
static struct cond_ranges ranges;
static bool has_pair; /* a term compares two tags */

static int below(int n)
{
        uint64_t z = (state += UINT64_C(0x9E3779B97F4A7C15));
        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        return (int)((z ^ (z >> 31)) % (uint64_t)n);
}

static int add(struct cond_node n)
{
        pool.nodes[pool.count] = n;
        return pool.count++;
}

static int draw_term(void)
{
        struct cond_node n = {.op = COND_COMPARE,
            .a = (int16_t)below(TAGS),
            .b = -1,
            .left = -1,
            .right = -1,
            .slot = -1,
            .b_scale = 1};
        switch (below(6)) {
        case 0:
                n.op = COND_BIT;
                n.a = BIT;
                break;
        case 1:
                n.op = COND_WITHIN;
                n.span = below(2);
                break;
        case 2:
                if (below(4) == 0) {
                        n.b = (int16_t)below(TAGS);
                        has_pair = true;
                }
                break;
        default:
                break;
        }
        n.cmp = (uint8_t)below(COND_EQ + 1);
        n.value = below(5);
        return add(n);
}

static int draw(int depth)
{
        static const enum cond_op ops[] = {COND_AND, COND_OR, COND_NOT};
        struct cond_node n = {.a = -1, .b = -1, .left = -1, .right = -1, .slot = -1};
        if (depth == 0 || below(3) == 0)
                return draw_term();
        n.op = (uint8_t)ops[below(3)];
        n.left = (int16_t)draw(depth - 1);
        if (n.op != COND_NOT)
                n.right = (int16_t)draw(depth - 1);
        return add(n);
}

static bool compare(int cmp, double a, double b)
{
        return cmp == COND_LT   ? a < b
               : cmp == COND_LE ? a <= b
               : cmp == COND_GT ? a > b
               : cmp == COND_GE ? a >= b
                                : fabs(a - b) <= 0;
}

static bool eval(int root, const double *v)
{
        const struct cond_node *n = &pool.nodes[root];
        double ref = n->value + (n->b >= 0 ? v[n->b] : 0);
        switch ((enum cond_op)n->op) {
        case COND_AND:
                return eval(n->left, v) && eval(n->right, v);
        case COND_OR:
                return eval(n->left, v) || eval(n->right, v);
        case COND_NOT:
                return !eval(n->left, v);
        case COND_BIT:
                return v[n->a] > 0;
        case COND_WITHIN:
                return fabs(v[n->a] - ref) <= n->span;
        default:
                return compare(n->cmp, v[n->a], ref);
        }
}

/* Thresholds lie on 0 to 4 and half widths on 0 and 1: halves hit every cell between -1 and 5. */
static void try_out(int root, bool *is_ever, bool *is_always)
{
        double v[BIT + 1];
        int steps[BIT] = {0};
        *is_ever = false;
        *is_always = true;
        for (int bit = 0; bit <= 1; bit++) {
                v[BIT] = bit;
                for (steps[0] = 0; steps[0] <= 2 * 6; steps[0]++)
                        for (steps[1] = 0; steps[1] <= 2 * 6; steps[1]++)
                                for (steps[2] = 0; steps[2] <= 2 * 6; steps[2]++) {
                                        bool inside = true;
                                        for (int i = 0; i < TAGS; i++) {
                                                v[i] = steps[i] * 0.5 - 0.5;
                                                inside = inside && v[i] >= ranges.tag[i].low &&
                                                         v[i] <= ranges.tag[i].high;
                                        }
                                        bool is = inside && eval(root, v);
                                        *is_ever = *is_ever || is;
                                        *is_always = *is_always && (is || !inside);
                                }
        }
}

static void set_ranges(void)
{
        memset(&ranges, 0, sizeof ranges);
        for (int i = 0; i < TAGS; i++) {
                double low = below(3) * 0.5, high = low + below(8) * 0.5;
                ranges.tag[i] = (struct cond_range){low, high, false, false};
        }
        ranges.tag[BIT] = (struct cond_range){0, 1, false, false};
}

START_TEST(answers_hold)
{
        int seen[COND_RANGE_EITHER + 1] = {0};
        for (int round = 0; round < ROUNDS / 10; round++) {
                bool is_ever, is_always;
                pool.count = 0;
                has_pair = false;
                set_ranges();
                int root = draw(4);
                enum cond_range_answer answer = cond_range_judge(&pool, root, &ranges);
                try_out(root, &is_ever, &is_always);
                ck_assert_msg(answer != COND_RANGE_NEVER || !is_ever, "round %d: never, but it is", round);
                ck_assert_msg(
                    answer != COND_RANGE_ALWAYS || is_always, "round %d: always, but it is not", round);
                if (!has_pair)
                        ck_assert_msg(answer != COND_RANGE_EITHER || (is_ever && !is_always),
                            "round %d: either, but it is always the same", round);
                seen[answer]++;
        }
        /* Else the trees would prove little. */
        ck_assert_int_gt(seen[COND_RANGE_NEVER], 50);
        ck_assert_int_gt(seen[COND_RANGE_ALWAYS], 50);
        ck_assert_int_gt(seen[COND_RANGE_EITHER], 50);
}
END_TEST

/* Narrowed by a condition that is true at a point, the ranges still hold the point. */
START_TEST(narrowing_keeps_what_is_true)
{
        int narrowed = 0;
        for (int round = 0; round < ROUNDS; round++) {
                double v[BIT + 1] = {below(13) * 0.5, below(13) * 0.5, below(13) * 0.5, below(2)};
                struct cond_ranges r = {0};
                for (int i = 0; i < BIT; i++)
                        r.tag[i] = (struct cond_range){0, 6, false, false};
                r.tag[BIT] = (struct cond_range){0, 1, false, false};
                pool.count = 0;
                int root = draw(3);
                if (!eval(root, v))
                        continue;
                cond_range_narrow(&pool, root, &r);
                for (int i = 0; i <= BIT; i++) {
                        struct cond_range k = r.tag[i];
                        ck_assert_msg(v[i] >= k.low && v[i] <= k.high && (v[i] > k.low || !k.is_low_open) &&
                                          (v[i] < k.high || !k.is_high_open),
                            "round %d: tag %d is %g, not in %g to %g", round, i, v[i], k.low, k.high);
                        narrowed += k.low > 0 || k.high < (i == BIT ? 1 : 6);
                }
        }
        ck_assert_int_gt(narrowed, 1000);
}
END_TEST

/* Hundreds of terms about one bit each way: the work is bounded, and what cannot be told is EITHER. */
START_TEST(the_work_is_bounded)
{
        pool.count = 0;
        int root = draw_term();
        for (int i = 0; i < 200; i++) {
                struct cond_node n = {.op = COND_OR, .a = -1, .b = -1, .left = (int16_t)root, .slot = -1};
                n.right = (int16_t)add((struct cond_node){
                    .op = COND_STEADY, .a = 0, .b = -1, .left = -1, .right = -1, .slot = (int16_t)i});
                struct cond_node no = {
                    .op = COND_NOT, .a = -1, .b = -1, .left = (int16_t)add(n), .right = -1, .slot = -1};
                root = pool.count < COND_NODES_MAX - 4 ? add(no) : root;
                if (pool.count >= COND_NODES_MAX - 4)
                        break;
        }
        set_ranges();
        (void)cond_range_judge(&pool, root, &ranges);
        ck_assert_int_eq(cond_range_judge(&pool, -1, &ranges), COND_RANGE_ALWAYS);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("cond_range");
        TCase *tc = tcase_create("cond_range");
        tcase_set_timeout(tc, 60);
        tcase_add_test(tc, answers_hold);
        tcase_add_test(tc, narrowing_keeps_what_is_true);
        tcase_add_test(tc, the_work_is_bounded);
        suite_add_tcase(suite, tc);
        return suite_main(suite);
}
