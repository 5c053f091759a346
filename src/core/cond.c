#include "ald/core/cond.h"

#include "ald/base/text.h"     /* text_add */
#include "ald/core/snapshot.h" /* struct snapshot */
#include "ald/core/tool.h"     /* struct tool */

#include <assert.h> /* assert */
#include <math.h>   /* fabs */

static enum tri of_bool(bool b)
{
        return b ? TRI_TRUE : TRI_FALSE;
}

/* Kleene: false wins an AND, true wins an OR, whatever the other side cannot tell. */
static enum tri both(enum tri a, enum tri b)
{
        if (a == TRI_FALSE || b == TRI_FALSE)
                return TRI_FALSE;
        return a == TRI_BAD || b == TRI_BAD ? TRI_BAD : TRI_TRUE;
}

static enum tri either(enum tri a, enum tri b)
{
        if (a == TRI_TRUE || b == TRI_TRUE)
                return TRI_TRUE;
        return a == TRI_BAD || b == TRI_BAD ? TRI_BAD : TRI_FALSE;
}

static enum tri inverse(enum tri a)
{
        return a == TRI_BAD ? TRI_BAD : of_bool(a == TRI_FALSE);
}

/* What a stands against: the constant, or tag b brought to a's unit plus the offset. */
static bool reference(const struct cond_node *n, const struct snapshot *snap, double *ref)
{
        *ref = n->value;
        if (n->b < 0)
                return true;
        if (!snapshot_is_good(snap, n->b))
                return false;
        *ref += snap->tag[n->b].value * n->b_scale + n->b_offset;
        return true;
}

static enum tri test(enum cond_cmp cmp, double a, double ref)
{
        switch (cmp) {
        case COND_LT:
                return of_bool(a < ref);
        case COND_LE:
                return of_bool(a <= ref);
        case COND_GT:
                return of_bool(a > ref);
        case COND_GE:
                return of_bool(a >= ref);
        case COND_EQ:
                return of_bool(!(a < ref) && !(a > ref));
        }
        assert(false && "comparison in the table");
        return TRI_BAD;
}

static enum tri compare(const struct cond_node *n, const struct snapshot *snap)
{
        double ref;

        if (!snapshot_is_good(snap, n->a) || !reference(n, snap, &ref))
                return TRI_BAD;
        return test((enum cond_cmp)n->cmp, snap->tag[n->a].value, ref);
}

static enum tri within(const struct cond_node *n, const struct snapshot *snap)
{
        double ref;

        if (!snapshot_is_good(snap, n->a) || !reference(n, snap, &ref))
                return TRI_BAD;
        return of_bool(fabs(snap->tag[n->a].value - ref) <= n->span);
}

static enum tri steady(const struct cond_node *n, const struct snapshot *snap)
{
        double range;

        if (!snapshot_is_good(snap, n->a))
                return TRI_BAD;
        return of_bool(snapshot_range(snap, n->slot, &range) && range <= n->span);
}

/* Bad until the window is full: too few values say nothing of how fast it changes, neither good nor bad. */
static enum tri rate(const struct cond_node *n, const struct snapshot *snap)
{
        double per_s;

        if (!snapshot_is_good(snap, n->a) || !snapshot_rate(snap, n->slot, &per_s))
                return TRI_BAD;
        return test((enum cond_cmp)n->cmp, per_s, n->value);
}

/* One evaluation. `benign` is TRI_BAD where bypasses count for nothing. */
struct look {
        const struct cond_pool *pool;
        const struct snapshot *snap;
        enum tri benign;
};

static enum tri eval(const struct look *look, int root, int depth);

/* So many of the items: true when enough are, false when too few can be, whatever the Bad ones are (T6). */
static enum tri vote(const struct look *look, const struct cond_node *n, int depth)
{
        int yes = 0, unknown = 0;

        for (int at = n->left; at >= 0; at = look->pool->nodes[at].right) {
                enum tri one = eval(look, look->pool->nodes[at].left, depth + 1);

                yes += one == TRI_TRUE;
                unknown += one == TRI_BAD;
        }
        if (yes >= n->count)
                return TRI_TRUE;
        return yes + unknown < n->count ? TRI_FALSE : TRI_BAD;
}

static enum tri opposite(const struct look *look, int root, int depth)
{
        struct look other = *look;

        other.benign = inverse(look->benign);
        return inverse(eval(&other, root, depth));
}

static bool is_bypassed(const struct look *look, const struct cond_node *n)
{
        return look->benign != TRI_BAD && ((n->a >= 0 && look->snap->tag[n->a].is_bypassed) ||
                                              (n->b >= 0 && look->snap->tag[n->b].is_bypassed));
}

static enum tri eval(const struct look *look, int root, int depth)
{
        const struct cond_node *n = &look->pool->nodes[root];
        const struct snapshot *snap = look->snap;

        assert(root >= 0 && root < look->pool->count && depth <= COND_DEPTH_MAX);
        if (is_bypassed(look, n))
                return look->benign;
        switch ((enum cond_op)n->op) {
        case COND_COMPARE:
                return compare(n, snap);
        case COND_BIT:
                return snapshot_is_good(snap, n->a) ? of_bool(snap->tag[n->a].value != 0) : TRI_BAD;
        case COND_WITHIN:
                return within(n, snap);
        case COND_STEADY:
                return steady(n, snap);
        case COND_SETTLED:
                return snap->settled;
        case COND_EXPOSING:
                return of_bool(snap->is_exposing);
        case COND_VOTE:
                return vote(look, n, depth);
        case COND_RATE:
                return rate(n, snap);
        case COND_AND:
                return both(eval(look, n->left, depth + 1), eval(look, n->right, depth + 1));
        case COND_OR:
                return either(eval(look, n->left, depth + 1), eval(look, n->right, depth + 1));
        case COND_NOT:
                return opposite(look, n->left, depth + 1);
        case COND_LIST: /* only within a vote, which walks it */
                break;
        }
        assert(false && "operator in the table");
        return TRI_BAD;
}

enum tri cond_eval(const struct cond_pool *pool, int root, const struct snapshot *snap)
{
        struct look look = {pool, snap, TRI_BAD};

        return root < 0 ? TRI_TRUE : eval(&look, root, 0);
}

enum tri cond_eval_lock(const struct cond_pool *pool, int root, const struct snapshot *snap, enum tri benign)
{
        struct look look = {pool, snap, benign};

        assert(benign != TRI_BAD);
        return root < 0 ? TRI_TRUE : eval(&look, root, 0);
}

/* The parts of a node that is none itself: *at walks them, from -1; false when there are no more. */
static bool next_part(const struct cond_pool *pool, const struct cond_node *n, int *at, int *part)
{
        switch ((enum cond_op)n->op) {
        case COND_VOTE:
                *at = *at < 0 ? n->left : pool->nodes[*at].right;
                *part = *at < 0 ? -1 : pool->nodes[*at].left;
                return *at >= 0;
        case COND_AND:
        case COND_OR:
        case COND_NOT:
                *part = *at < 0 ? n->left : n->op != COND_NOT && *at == n->left ? n->right : -1;
                *at = *part;
                return *part >= 0;
        default:
                return false;
        }
}

enum tri cond_eval_slack(const struct cond_pool *pool, int root, const struct snapshot *snap, double slack)
{
        struct cond_node n;

        if (root < 0 || pool->nodes[root].op != COND_COMPARE || pool->nodes[root].cmp == COND_EQ)
                return cond_eval(pool, root, snap);
        n = pool->nodes[root];
        n.value += n.cmp == COND_LT || n.cmp == COND_LE ? slack : -slack;
        return compare(&n, snap);
}

static bool is_leaf(const struct cond_node *n)
{
        return n->op != COND_AND && n->op != COND_OR && n->op != COND_NOT && n->op != COND_VOTE;
}

/* A slope for people: by the minute, in the tag's unit. */
static void add_per_minute(struct text *t, const struct unit *unit, double per_s)
{
        bool is_heat = unit->dim == UNIT_DIM_TEMPERATURE;

        text_add_number(t, per_s * 60 * (is_heat ? unit->scale : 1), 3);
        text_add(t, " %s/min", is_heat ? "K" : unit->name);
}

static void add_slope(
    struct text *t, const struct cond_node *n, const struct snapshot *snap, const struct tool *tool)
{
        double per_s;

        if (!snapshot_rate(snap, n->slot, &per_s)) {
                text_add(t, " (rate not known yet)");
                return;
        }
        text_add(t, " (");
        add_per_minute(t, tool->tags[n->a].unit, per_s);
        text_add(t, ")");
}

void cond_add_values(struct text *t, const struct cond_pool *pool, int root, const struct snapshot *snap,
    const struct tool *tool)
{
        const struct cond_node *n;

        if (root < 0)
                return;
        n = &pool->nodes[root];
        for (int at = -1, part; next_part(pool, n, &at, &part);)
                cond_add_values(t, pool, part, snap, tool);
        if (!is_leaf(n) || n->a < 0)
                return;
        text_add(t, "%s", t->len > 0 ? ", " : "");
        snapshot_add_tag(t, snap, tool, n->a);
        if (n->op == COND_RATE)
                add_slope(t, n, snap, tool);
        if (n->b >= 0) {
                text_add(t, ", ");
                snapshot_add_tag(t, snap, tool, n->b);
        }
}

static void add_wanted(
    struct text *t, const struct cond_node *n, const struct snapshot *snap, const struct tool *tool)
{
        static const char *const words[] = {"<", "<=", ">", ">=", "="};
        double ref;

        if (n->op == COND_BIT) {
                text_add(t, ", wants ");
                tool_add_value(t, &tool->tags[n->a], snap->tag[n->a].value == 0);
        } else if (n->op == COND_COMPARE && reference(n, snap, &ref)) {
                text_add(t, ", wants %s ", words[n->cmp]);
                tool_add_value(t, &tool->tags[n->a], ref);
        } else if (n->op == COND_WITHIN && reference(n, snap, &ref)) {
                text_add(t, ", wants ");
                tool_add_value(t, &tool->tags[n->a], ref);
        } else if (n->op == COND_STEADY) {
                text_add(t, ", wants it steady");
        } else if (n->op == COND_RATE) {
                add_slope(t, n, snap, tool);
                text_add(t, ", wants %s ", words[n->cmp]);
                add_per_minute(t, tool->tags[n->a].unit, n->value);
        }
}

void cond_add_unmet(struct text *t, const struct cond_pool *pool, int root, const struct snapshot *snap,
    const struct tool *tool)
{
        const struct cond_node *n;

        if (root < 0 || cond_eval(pool, root, snap) == TRI_TRUE)
                return;
        n = &pool->nodes[root];
        if (n->op != COND_NOT)
                for (int at = -1, part; next_part(pool, n, &at, &part);)
                        cond_add_unmet(t, pool, part, snap, tool);
        /* Under a NOT the leaves are unmet while they are true. */
        if (n->op == COND_NOT) {
                cond_add_values(t, pool, n->left, snap, tool);
                return;
        }
        if (!is_leaf(n) || n->a < 0)
                return;
        text_add(t, "%s", t->len > 0 ? "; " : "");
        snapshot_add_tag(t, snap, tool, n->a);
        add_wanted(t, n, snap, tool);
}

bool cond_uses_tag(const struct cond_pool *pool, int root, int tag)
{
        const struct cond_node *n;

        if (root < 0)
                return false;
        n = &pool->nodes[root];
        for (int at = -1, part; next_part(pool, n, &at, &part);)
                if (cond_uses_tag(pool, part, tag))
                        return true;
        if (!is_leaf(n))
                return false;
        return n->a == tag || n->b == tag;
}
