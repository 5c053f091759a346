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

static enum tri compare(const struct cond_node *n, const struct snapshot *snap)
{
        double a, ref;

        if (!snapshot_is_good(snap, n->a) || !reference(n, snap, &ref))
                return TRI_BAD;
        a = snap->tag[n->a].value;
        switch ((enum cond_cmp)n->cmp) {
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

static enum tri eval(const struct cond_pool *pool, int root, const struct snapshot *snap, int depth);

/* So many of the items: true when enough are, false when too few can be, whatever the Bad ones are (T6). */
static enum tri vote(
    const struct cond_pool *pool, const struct cond_node *n, const struct snapshot *snap, int depth)
{
        int yes = 0, unknown = 0;

        for (int at = n->left; at >= 0; at = pool->nodes[at].right) {
                enum tri one = eval(pool, pool->nodes[at].left, snap, depth + 1);

                yes += one == TRI_TRUE;
                unknown += one == TRI_BAD;
        }
        if (yes >= n->count)
                return TRI_TRUE;
        return yes + unknown < n->count ? TRI_FALSE : TRI_BAD;
}

static enum tri eval(const struct cond_pool *pool, int root, const struct snapshot *snap, int depth)
{
        const struct cond_node *n = &pool->nodes[root];

        assert(root >= 0 && root < pool->count && depth <= COND_DEPTH_MAX);
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
                return vote(pool, n, snap, depth);
        case COND_RATE:
        case COND_LIST:
                return TRI_BAD;
        case COND_AND:
                return both(eval(pool, n->left, snap, depth + 1), eval(pool, n->right, snap, depth + 1));
        case COND_OR:
                return either(eval(pool, n->left, snap, depth + 1), eval(pool, n->right, snap, depth + 1));
        case COND_NOT:
                return inverse(eval(pool, n->left, snap, depth + 1));
        }
        assert(false && "operator in the table");
        return TRI_BAD;
}

enum tri cond_eval(const struct cond_pool *pool, int root, const struct snapshot *snap)
{
        return root < 0 ? TRI_TRUE : eval(pool, root, snap, 0);
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
        return n->op != COND_AND && n->op != COND_OR && n->op != COND_NOT;
}

void cond_add_values(struct text *t, const struct cond_pool *pool, int root, const struct snapshot *snap,
    const struct tool *tool)
{
        const struct cond_node *n;

        if (root < 0)
                return;
        n = &pool->nodes[root];
        if (!is_leaf(n)) {
                cond_add_values(t, pool, n->left, snap, tool);
                if (n->op != COND_NOT)
                        cond_add_values(t, pool, n->right, snap, tool);
                return;
        }
        if (n->a < 0)
                return;
        text_add(t, "%s", t->len > 0 ? ", " : "");
        snapshot_add_tag(t, snap, tool, n->a);
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
        }
}

void cond_add_unmet(struct text *t, const struct cond_pool *pool, int root, const struct snapshot *snap,
    const struct tool *tool)
{
        const struct cond_node *n;

        if (root < 0 || cond_eval(pool, root, snap) == TRI_TRUE)
                return;
        n = &pool->nodes[root];
        if (n->op == COND_AND || n->op == COND_OR) {
                cond_add_unmet(t, pool, n->left, snap, tool);
                cond_add_unmet(t, pool, n->right, snap, tool);
                return;
        }
        /* Under a NOT the leaves are unmet while they are true. */
        if (n->op == COND_NOT) {
                cond_add_values(t, pool, n->left, snap, tool);
                return;
        }
        if (n->a < 0)
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
        if (n->op == COND_AND || n->op == COND_OR)
                return cond_uses_tag(pool, n->left, tag) || cond_uses_tag(pool, n->right, tag);
        if (n->op == COND_NOT)
                return cond_uses_tag(pool, n->left, tag);
        return n->a == tag || n->b == tag;
}
