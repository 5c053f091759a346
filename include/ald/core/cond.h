/* Conditions: "chamber.pressure < 950 mTorr and not vent.valve", compiled to a small tree and evaluated with
 * three outcomes. A value that is not Good makes its comparison BAD, and Kleene's rules carry BAD upwards; who
 * asks decides what BAD means (tripped for a trip, not permitted for a permit: SAFETY T5, S1). */
#ifndef ALD_CORE_COND_H
#define ALD_CORE_COND_H

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int16_t, int64_t */

struct snapshot;
struct text;
struct tool;

enum tri { TRI_FALSE = 0, TRI_TRUE = 1, TRI_BAD = 2 };

enum cond_op {
        COND_COMPARE, /* a <cmp> (b + value), b optional */
        COND_BIT,     /* a bit tag is on */
        COND_WITHIN,  /* |a - (b + value)| <= span, b optional */
        COND_STEADY, /* max(a) - min(a) <= span over the last over_us; `slot` is its window in the snapshot */
        COND_SETTLED,  /* every set-point that the run put in force is within its loop's tolerance */
        COND_EXPOSING, /* inside an expose block */
        COND_RATE, /* slope of a over the last over_us <cmp> value (a's unit per second); `slot` is its window */
        COND_VOTE, /* at least `count` of the items of the list at `left` are true */
        COND_LIST, /* an item of a vote: `left` its condition, `right` the next COND_LIST or -1 */
        COND_AND,
        COND_OR,
        COND_NOT
};

enum cond_cmp { COND_LT, COND_LE, COND_GT, COND_GE, COND_EQ };

/* One node. Tag values are in the tag's own unit; constants were converted to a's unit at compile time, and b is
 * brought to a's unit by b * b_scale + b_offset. */
struct cond_node {
        uint8_t op;          /* enum cond_op */
        uint8_t cmp;         /* enum cond_cmp */
        int16_t a, b;        /* tag numbers, -1 = none */
        int16_t left, right; /* children (AND, OR; NOT uses left) */
        int16_t slot;        /* COND_STEADY, COND_RATE: window number, else -1 */
        int16_t count;       /* COND_VOTE: votes needed, from 1 */
        double value;        /* constant, or the offset beside b */
        double span;         /* WITHIN, STEADY: half width or range, >= 0 */
        double b_scale, b_offset;
        int64_t over_us; /* STEADY, RATE */
};

#define COND_NODES_MAX 512 /* in one pool: a tool's or a recipe's */
#define COND_DEPTH_MAX 32
#define COND_TEXT_MAX  160

/* A compiled condition: a root in a pool and the words it was written with (for people). */
struct cond {
        int16_t root; /* -1 = no condition */
        int line;     /* where it stands in its file */
        char text[COND_TEXT_MAX];
};

struct cond_pool {
        int16_t count;
        struct cond_node nodes[COND_NODES_MAX];
};

/* Evaluate. A root of -1 is TRI_TRUE. Reads only the snapshot; at most COND_DEPTH_MAX deep (asserted). */
enum tri cond_eval(const struct cond_pool *pool, int root, const struct snapshot *snap);

/* The same for an alarm that stands: a single comparison by order stays true until its value is `slack` (>= 0, in the unit of
 * its tag) on the other side; anything else is evaluated as it is. */
enum tri cond_eval_slack(const struct cond_pool *pool, int root, const struct snapshot *snap, double slack);
/* The same for an interlock, where inputs may be bypassed (T4): a comparison that names a bypassed tag counts as what
 * makes the whole come out as `benign`: TRI_FALSE for a trip, TRI_TRUE for a permit. Under a NOT it is the other way
 * round; in a vote it is one of the items that are not there. */
enum tri cond_eval_lock(const struct cond_pool *pool, int root, const struct snapshot *snap, enum tri benign);

/* Append the live values the condition looks at: "chamber.pressure 2.31 Torr, pump.running on". A tag that is
 * not Good shows why: "chamber.pressure Bad (stale 1.2 s)". */
void cond_add_values(struct text *t, const struct cond_pool *pool, int root, const struct snapshot *snap,
    const struct tool *tool);

/* Append only the comparisons that are not TRUE now: what a wait is waiting for:
 * "nb.temperature 104.2 degC, wants > 110 degC". */
void cond_add_unmet(struct text *t, const struct cond_pool *pool, int root, const struct snapshot *snap,
    const struct tool *tool);

/* Does the tree name this tag? */
bool cond_uses_tag(const struct cond_pool *pool, int root, int tag);

#endif
