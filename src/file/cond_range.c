/* Kleene's logic over ranges; where a term can be either, it is taken as true and as false in turn, with the range of its
 * tag cut down to what that means, so that two terms about one tag are seen together. */
#include "ald/file/cond_range.h"

#include <math.h> /* INFINITY, fabs */

enum { NO = COND_RANGE_NEVER, YES = COND_RANGE_ALWAYS, BOTH = COND_RANGE_EITHER };
/* Terms taken both ways, in one condition: beyond it nothing is said. */
enum { TRIES_MAX = 500 };

struct look {
        const struct cond_pool *pool;
        struct cond_ranges ranges;
        uint8_t taken[COND_NODES_MAX]; /* NO, YES: a term taken so; 0 */
        int open;                      /* a term that can be either, -1 = none */
        int tries;
};

struct cond_range cond_range_of_tag(const struct tool_tag *tag)
{
        if (tag->is_bit)
                return (struct cond_range){0, 1, false, false};
        if (tag->is_output && tag->limit_min < tag->limit_max)
                return (struct cond_range){tag->limit_min, tag->limit_max, false, false};
        if (tag->has_valid)
                return (struct cond_range){tag->valid_min, tag->valid_max, false, false};
        return (struct cond_range){-INFINITY, INFINITY, true, true};
}

void cond_range_init(struct cond_ranges *ranges, const struct tool *tool)
{
        for (int i = 0; i < TOOL_TAGS_MAX; i++)
                ranges->tag[i] = i < tool->tag_count ? cond_range_of_tag(&tool->tags[i])
                                                     : (struct cond_range){-INFINITY, INFINITY, true, true};
        ranges->is_exposing_known = ranges->is_exposing = false;
}

static bool is_empty(struct cond_range r)
{
        return r.low > r.high || (r.low >= r.high && (r.is_low_open || r.is_high_open));
}

static struct cond_range below(struct cond_range r, double value, bool is_open)
{
        if (value < r.high || (value <= r.high && is_open))
                r.is_high_open = is_open;
        r.high = value < r.high ? value : r.high;
        return r;
}

static struct cond_range above(struct cond_range r, double value, bool is_open)
{
        if (value > r.low || (value >= r.low && is_open))
                r.is_low_open = is_open;
        r.low = value > r.low ? value : r.low;
        return r;
}

/* The parts of a range in which a term about one tag and constants is true (or false); how many, 0 to 2. */
static int cut(const struct cond_node *n, bool is_true, struct cond_range r, struct cond_range part[2])
{
        double v = n->value;
        double low = v, high = v; /* true from here to there: `==` and `within` */
        if (n->op == COND_BIT) {
                part[0] = is_true ? above(r, 1, false) : below(r, 0, false);
                return !is_empty(part[0]);
        }
        if (n->op == COND_COMPARE && n->cmp != COND_EQ) {
                bool is_down = n->cmp == COND_LT || n->cmp == COND_LE;
                bool has_end = (n->cmp == COND_LE || n->cmp == COND_GE) == is_true;
                part[0] = is_down == is_true ? below(r, v, !has_end) : above(r, v, !has_end);
                return !is_empty(part[0]);
        }
        if (n->op == COND_WITHIN) {
                low = v - n->span;
                high = v + n->span;
        }
        if (is_true) {
                part[0] = above(below(r, high, false), low, false);
                return !is_empty(part[0]);
        }
        int count = 0;
        part[count] = below(r, low, true);
        count += !is_empty(part[count]);
        part[count] = above(r, high, true);
        return count + !is_empty(part[count]);
}

static bool is_of_one_tag(const struct cond_node *n)
{
        return n->op == COND_BIT || ((n->op == COND_COMPARE || n->op == COND_WITHIN) && n->b < 0);
}

/* Tag a less what it stands against. */
static struct cond_range difference(const struct look *look, const struct cond_node *n)
{
        struct cond_range a = look->ranges.tag[n->a], b = look->ranges.tag[n->b];
        double low = b.low * n->b_scale + n->b_offset + n->value,
               high = b.high * n->b_scale + n->b_offset + n->value;
        return (struct cond_range){
            a.low - high, a.high - low, a.is_low_open || b.is_high_open, a.is_high_open || b.is_low_open};
}

static int judge_term(const struct look *look, const struct cond_node *n)
{
        struct cond_range r, part[2];
        struct cond_node against_zero = *n;
        if (n->op == COND_EXPOSING && look->ranges.is_exposing_known)
                return look->ranges.is_exposing ? YES : NO;
        if (is_of_one_tag(n)) {
                r = look->ranges.tag[n->a];
        } else if (n->op == COND_COMPARE || n->op == COND_WITHIN) {
                r = difference(look, n);
                against_zero.value = 0;
        } else {
                return BOTH;
        }
        int can = cut(&against_zero, true, r, part) > 0 ? YES : 0;
        can |= cut(&against_zero, false, r, part) > 0 ? NO : 0;
        return can ? can : BOTH;
}

static int judge(struct look *look, int root);

static int judge_vote(struct look *look, const struct cond_node *n)
{
        int sure = 0, can = 0;
        for (int at = n->left; at >= 0; at = look->pool->nodes[at].right) {
                int one = judge(look, look->pool->nodes[at].left);
                sure += one == YES;
                can += one != NO;
        }
        return sure >= n->count ? YES : can < n->count ? NO : BOTH;
}

static int judge(struct look *look, int root)
{
        const struct cond_node *n = &look->pool->nodes[root];
        int left, right;
        switch ((enum cond_op)n->op) {
        case COND_AND:
        case COND_OR:
                left = judge(look, n->left);
                right = judge(look, n->right);
                if (n->op == COND_AND)
                        return left == NO || right == NO ? NO : left | right;
                return left == YES || right == YES ? YES : left | right;
        case COND_NOT:
                left = judge(look, n->left);
                return left == BOTH ? BOTH : left == YES ? NO : YES;
        case COND_VOTE:
                return judge_vote(look, n);
        default:
                left = look->taken[root] ? look->taken[root] : judge_term(look, n);
                if (left == BOTH)
                        look->open = root;
                return left;
        }
}

static int judge_all(struct look *look, int root);

/* One way of taking a term, with each of the parts of its tag's range that this leaves. */
static int take(struct look *look, int root, int term, int as)
{
        const struct cond_node *n = &look->pool->nodes[term];
        struct cond_range part[2];
        int answer = 0, parts = 1;
        bool is_one = is_of_one_tag(n);
        struct cond_range before = is_one ? look->ranges.tag[n->a] : (struct cond_range){0};
        if (is_one)
                parts = cut(n, as == YES, before, part);
        look->taken[term] = (uint8_t)as;
        for (int i = 0; i < parts && answer != BOTH; i++) {
                if (is_one)
                        look->ranges.tag[n->a] = part[i];
                answer |= judge_all(look, root);
        }
        look->taken[term] = 0;
        if (is_one)
                look->ranges.tag[n->a] = before;
        return answer;
}

static int judge_all(struct look *look, int root)
{
        look->open = -1;
        int answer = judge(look, root), term = look->open;
        if (answer != BOTH || term < 0)
                return answer;
        if (++look->tries > TRIES_MAX)
                return BOTH;
        answer = take(look, root, term, YES);
        return answer == BOTH ? BOTH : answer | take(look, root, term, NO);
}

enum cond_range_answer cond_range_judge(
    const struct cond_pool *pool, int root, const struct cond_ranges *ranges)
{
        struct look look = {.pool = pool, .ranges = *ranges};
        if (root < 0)
                return COND_RANGE_ALWAYS;
        int answer = judge_all(&look, root);
        return answer ? (enum cond_range_answer)answer : COND_RANGE_EITHER;
}

void cond_range_narrow(const struct cond_pool *pool, int root, struct cond_ranges *ranges)
{
        const struct cond_node *n = root >= 0 ? &pool->nodes[root] : NULL;
        struct cond_range part[2];
        if (n && n->op == COND_AND) {
                cond_range_narrow(pool, n->left, ranges);
                cond_range_narrow(pool, n->right, ranges);
        } else if (n && is_of_one_tag(n) && cut(n, true, ranges->tag[n->a], part) == 1) {
                ranges->tag[n->a] = part[0];
        }
}
