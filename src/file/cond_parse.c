#include "ald/file/cond_parse.h"

#include "ald/base/text.h"      /* text_copy */
#include "ald/file/cond_term.h" /* cond_term_parse */

#include <assert.h> /* assert */
#include <string.h> /* strcmp */

/* Nesting of the text; the tree may come out deeper by the logarithm of its chains. */
enum { NEST_MAX = 24 };

static int parse_either(struct cond_term *p);

static int parse_one(struct cond_term *p);

static bool enter(struct cond_term *p)
{
        if (p->nest == NEST_MAX) {
                if (!p->is_lost)
                        cond_term_fail(p, p->lex.start, "nested deeper than %d levels", NEST_MAX);
                p->is_lost = true;
                return false;
        }
        p->nest++;
        cond_lex_next(&p->lex);
        return true;
}

static int parse_not(struct cond_term *p)
{
        struct cond_node n = cond_term_blank(COND_NOT);
        if (!enter(p))
                return -1;
        n.left = (int16_t)parse_one(p);
        p->nest--;
        return n.left < 0 ? -1 : cond_term_add(p, n);
}

static int parse_parentheses(struct cond_term *p)
{
        if (!enter(p))
                return -1;
        int at = parse_either(p);
        p->nest--;
        if (p->is_lost)
                return -1;
        if (!cond_lex_is(&p->lex, ")"))
                return cond_term_lose(p, "')'");
        cond_lex_next(&p->lex);
        return at;
}

static int parse_one(struct cond_term *p)
{
        bool is_settled = cond_lex_is(&p->lex, "settled");
        if (p->is_lost)
                return -1;
        if (cond_lex_is(&p->lex, "not"))
                return parse_not(p);
        if (cond_lex_is(&p->lex, "("))
                return parse_parentheses(p);
        if (is_settled || cond_lex_is(&p->lex, "exposing")) {
                cond_lex_next(&p->lex);
                return cond_term_add(p, cond_term_blank(is_settled ? COND_SETTLED : COND_EXPOSING));
        }
        return cond_term_parse(p);
}

/* A chain "a and b and c ..." becomes a balanced tree: its depth grows with the logarithm of its length, since the
 * evaluation may go only COND_DEPTH_MAX deep. */
static int balance(struct cond_term *p, enum cond_op op, const int16_t *item, int count)
{
        struct cond_node n = cond_term_blank(op);
        assert(count > 0);
        if (count == 1)
                return item[0];
        n.left = (int16_t)balance(p, op, item, count / 2);
        n.right = (int16_t)balance(p, op, item + count / 2, count - count / 2);
        return n.left < 0 || n.right < 0 ? -1 : cond_term_add(p, n);
}

static int parse_chain(struct cond_term *p, enum cond_op op, int (*part)(struct cond_term *))
{
        const char *word = op == COND_AND ? "and" : "or";
        int first = p->chain_count;
        bool has_gap = false;
        do {
                if (p->chain_count > first)
                        cond_lex_next(&p->lex);
                int at = part(p);
                has_gap = has_gap || at < 0;
                if (p->chain_count == COND_TERM_CHAIN_MAX) {
                        cond_term_fail(p, p->lex.start, "too many terms in one condition");
                        p->is_lost = true;
                        break;
                }
                p->chain[p->chain_count++] = (int16_t)at;
        } while (!p->is_lost && cond_lex_is(&p->lex, word));
        int count = p->chain_count - first;
        p->chain_count = first;
        return has_gap || p->is_lost ? -1 : balance(p, op, p->chain + first, count);
}

static int parse_both(struct cond_term *p)
{
        return parse_chain(p, COND_AND, parse_one);
}

static int parse_either(struct cond_term *p)
{
        return parse_chain(p, COND_OR, parse_both);
}

static int depth_of(const struct cond_pool *pool, int at)
{
        if (at < 0)
                return 0;
        int left = depth_of(pool, pool->nodes[at].left), right = depth_of(pool, pool->nodes[at].right);
        return 1 + (left > right ? left : right);
}

/* For people: on one line, with the parameters' values in the place of their names. */
static void keep_text(
    const struct cond_parse *c, const struct yaml_node *node, const char *text, struct cond *out)
{
        struct cond_lex lex;
        struct text t;
        size_t from = 0;
        text_init(&t, out->text, sizeof out->text);
        for (cond_lex_start(&lex, text); lex.kind != COND_LEX_END; cond_lex_next(&lex)) {
                char token[TOOL_NAME_MAX];
                if (lex.kind != COND_LEX_DOLLAR)
                        continue;
                cond_lex_copy(&lex, token, sizeof token);
                const char *value = reader_parameter(c->reader, reader_at(c->reader, node), token + 1);
                text_add(&t, "%.*s%s", (int)(lex.start - from), text + from, value ? value : token);
                from = lex.start + lex.len;
        }
        text_add(&t, "%s", text + from);
        if (t.truncated)
                memcpy(out->text + sizeof out->text - 4, "...", 4);
        for (char *p = out->text; *p; p++)
                if (*p == '\n')
                        *p = ' ';
}

bool cond_parse_node(
    const struct cond_parse *c, const struct yaml_node *node, const char *what, struct cond *out)
{
        *out = (struct cond){.root = -1, .line = node->line};
        const char *text = reader_text(c->reader, node, what);
        if (!text)
                return false;
        struct cond_term p = {.c = c, .node = node, .what = what};
        cond_lex_start(&p.lex, text);
        int root = parse_either(&p);
        if (!p.is_lost && p.lex.kind != COND_LEX_END)
                cond_term_lose(&p, "'and', 'or' or the end");
        if (root < 0 || p.has_error)
                return false;
        if (depth_of(c->pool, root) > COND_DEPTH_MAX) {
                cond_term_fail(&p, 0, "the condition is deeper than %d levels", COND_DEPTH_MAX);
                return false;
        }
        out->root = (int16_t)root;
        keep_text(c, node, text, out);
        return true;
}

bool cond_parse_make_guard(const struct cond_parse *c, const struct yaml_node *node,
    const struct tool_loop *loop, double span, struct cond *out)
{
        const struct tool_tag *value = &c->tool->tags[loop->value];
        struct cond_term p = {.c = c, .node = node, .what = "guard"};
        struct cond_node n = cond_term_blank(COND_WITHIN);
        struct text t;
        assert(value->unit);
        n.a = loop->value;
        n.b = loop->setpoint;
        n.span = span;
        *out = (struct cond){.root = (int16_t)cond_term_add(&p, n), .line = node->line};
        text_init(&t, out->text, sizeof out->text);
        text_add(&t, "%s within ", value->name);
        /* Said in the base unit of a difference: 3 K, whether the tag is in degC or degF. */
        unit_add_value(&t, span * value->unit->scale, unit_base(unit_dim_of_difference(value->unit->dim)));
        text_add(&t, " of its set-point");
        return out->root >= 0;
}

/* A condition of one node about `tag`; its words so far are the tag's name. */
static bool make_one(const struct cond_parse *c, const struct yaml_node *node, struct cond_node n, int tag,
    struct cond *out, struct text *t)
{
        struct cond_term p = {.c = c, .node = node, .what = "until"};
        n.a = (int16_t)tag;
        *out = (struct cond){.root = (int16_t)cond_term_add(&p, n), .line = node->line};
        text_init(t, out->text, sizeof out->text);
        text_add(t, "%s", c->tool->tags[tag].name);
        return out->root >= 0;
}

bool cond_parse_make_below(
    const struct cond_parse *c, const struct yaml_node *node, int tag, double value, struct cond *out)
{
        struct cond_node n = cond_term_blank(COND_COMPARE);
        struct text t;
        n.cmp = COND_LT;
        n.value = value;
        bool ok = make_one(c, node, n, tag, out, &t);
        text_add(&t, " < ");
        unit_add_value(&t, value, c->tool->tags[tag].unit);
        return ok;
}

bool cond_parse_make_bit(const struct cond_parse *c, const struct yaml_node *node, int tag, struct cond *out)
{
        struct text t;
        return make_one(c, node, cond_term_blank(COND_BIT), tag, out, &t);
}

int cond_parse_windows(const struct cond_pool *pool)
{
        int count = 0;
        for (int i = 0; i < pool->count; i++)
                if (pool->nodes[i].op == COND_STEADY && pool->nodes[i].slot >= count)
                        count = pool->nodes[i].slot + 1;
        return count;
}

bool cond_parse_is_reserved(const char *name)
{
        static const char *const words[] = {"and", "or", "not", "within", "of", "steady", "over", "settled",
            "exposing", "on", "off", "open", "closed"};
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
                if (strcmp(words[i], name) == 0)
                        return true;
        return false;
}
