/* The text of a condition -> nodes in a pool (DESIGN.md, Conditions):
 *
 *     either  = both { "or" both }
 *     both    = one { "and" one }
 *     one     = "not" one | "(" either ")" | "settled" | "exposing" | TAG [ test ]
 *     test    = ( "<" | "<=" | ">" | ">=" | "==" ) operand | "within" VALUE "of" operand | "steady" VALUE "over" TIME
 *     operand = VALUE | TAG [ ( "+" | "-" ) VALUE ]
 *
 * A bit tag stands alone (it is on, or open), or beside == on, off, open, closed. Each VALUE carries a unit that fits
 * the tag. In a recipe a VALUE may be a `$parameter`. */
#ifndef ALD_FILE_COND_PARSE_H
#define ALD_FILE_COND_PARSE_H

#include "ald/core/cond.h"   /* struct cond, struct cond_pool */
#include "ald/core/tool.h"   /* struct tool */
#include "ald/file/reader.h" /* struct reader */

#include <stdbool.h> /* bool */

struct cond_parse {
        const struct reader *reader;
        const struct tool
            *tool; /* its tags; one without a unit that is no bit is broken: nothing is said about it */
        struct cond_pool *pool;
        int *windows; /* windows of `steady` given out so far, of SNAPSHOT_WINDOWS_MAX */
};

/* Parse the scalar `node`, the value of key `what`. False: errors told, *out has root -1. */
bool cond_parse_node(
    const struct cond_parse *c, const struct yaml_node *node, const char *what, struct cond *out);

/* Make "|value - (set-point)| <= span" for a loop, as guards do. False: the pool is full (told at `node`). */
bool cond_parse_make_guard(const struct cond_parse *c, const struct yaml_node *node,
    const struct tool_loop *loop, double span, struct cond *out);

/* Make "tag < value" (the tag's unit), and "tag" for a bit. False: the pool is full (told at `node`). */
bool cond_parse_make_below(
    const struct cond_parse *c, const struct yaml_node *node, int tag, double value, struct cond *out);
bool cond_parse_make_bit(const struct cond_parse *c, const struct yaml_node *node, int tag, struct cond *out);

/* Windows of `steady` that a pool uses: where the next file's windows begin. */
int cond_parse_windows(const struct cond_pool *pool);

/* A word of the grammar, which no tag may be called. */
bool cond_parse_is_reserved(const char *name);

#endif
