#include "ald/file/cond_term.h"

#include "ald/core/snapshot.h" /* SNAPSHOT_WINDOWS_MAX */

#include <stdarg.h> /* va_list */
#include <stdlib.h> /* strtol */
#include <string.h> /* strspn */

enum { MESSAGE_CAP = 400, TOKEN_CAP = 64 };

static struct diag_at place(const struct cond_term *p, size_t offset)
{
        struct diag_at at = reader_at(p->c->reader, p->node);
        if (p->node->inner > 0 && p->lex.text == p->node->text)
                at.column = p->node->inner + (int)offset;
        return at;
}

void cond_term_fail(struct cond_term *p, size_t offset, const char *fmt, ...)
{
        char buf[MESSAGE_CAP];
        struct text t;
        va_list args;
        text_init(&t, buf, sizeof buf);
        va_start(args, fmt);
        text_addv(&t, fmt, args);
        va_end(args);
        diag_error(p->c->reader->d, place(p, offset), "%s: %s", p->what, buf);
        p->has_error = true;
}

/* The text cannot be read on from here. */
int cond_term_lose(struct cond_term *p, const char *wanted)
{
        char token[TOKEN_CAP];
        if (!p->is_lost) {
                cond_lex_copy(&p->lex, token, sizeof token);
                if (p->lex.kind == COND_LEX_END)
                        cond_term_fail(p, p->lex.start, "the condition ends where %s is expected", wanted);
                else
                        cond_term_fail(p, p->lex.start, "'%s' stands where %s is expected", token, wanted);
        }
        p->is_lost = true;
        return -1;
}

int cond_term_add(struct cond_term *p, struct cond_node n)
{
        struct cond_pool *pool = p->c->pool;
        if (pool->count == COND_NODES_MAX) {
                if (!p->is_lost)
                        cond_term_fail(p, 0, "the conditions of this file are too many: at most %d terms",
                            COND_NODES_MAX);
                p->is_lost = true;
                return -1;
        }
        pool->nodes[pool->count] = n;
        return pool->count++;
}

struct cond_node cond_term_blank(enum cond_op op)
{
        return (struct cond_node){
            .op = (uint8_t)op, .a = -1, .b = -1, .left = -1, .right = -1, .slot = -1, .b_scale = 1};
}

bool cond_term_push(struct cond_term *p, int at)
{
        if (p->chain_count == COND_TERM_CHAIN_MAX) {
                cond_term_fail(p, p->lex.start, "too many terms in one condition");
                p->is_lost = true;
                return false;
        }
        p->chain[p->chain_count++] = (int16_t)at;
        return true;
}

int cond_term_take_count(struct cond_term *p)
{
        char token[TOKEN_CAP];
        size_t at = p->lex.start;
        cond_lex_copy(&p->lex, token, sizeof token);
        cond_lex_next(&p->lex);
        if (!cond_lex_is(&p->lex, "of")) {
                /* "5 Torr < pressure": the tag comes first. */
                cond_term_fail(p, at, "'%s' stands where the name of a tag is expected", token);
                p->is_lost = true;
                return -1;
        }
        cond_lex_next(&p->lex);
        if (strspn(token, "0123456789") == strlen(token) && strlen(token) <= 3)
                return (int)strtol(token, NULL, 10);
        cond_term_fail(
            p, at, "'%s' is no number of votes: a whole number, as in 2 of (COND, COND, COND)", token);
        p->is_lost = true;
        return -1;
}

static const char *tag_at(const void *ctx, size_t i)
{
        return ((const struct tool *)ctx)->tags[i].name;
}

/* The tag of the present word, or -1 with an error told. */
static int take_tag(struct cond_term *p)
{
        const struct tool *tool = p->c->tool;
        char name[TOKEN_CAP], buf[MESSAGE_CAP];
        struct text t;
        size_t at = p->lex.start;
        cond_lex_copy(&p->lex, name, sizeof name);
        if (p->lex.kind != COND_LEX_WORD || cond_parse_is_reserved(name))
                return cond_term_lose(p, "the name of a tag");
        cond_lex_next(&p->lex);
        int tag = tool_find_tag(tool, name);
        if (tag >= 0)
                return tag;
        text_init(&t, buf, sizeof buf);
        text_add(&t, "no tag named '%s'", name);
        reader_suggest(&t, name, tag_at, tool, (size_t)tool->tag_count);
        cond_term_fail(p, at, "%s", buf);
        return -1;
}

/* The unit of a tag's values; NULL: unknown or broken, so that nothing can be said about the other side. */
static const struct unit *unit_of(const struct cond_term *p, int tag)
{
        return tag < 0 ? NULL : p->c->tool->tags[tag].unit;
}

/* A VALUE of dimension `dim`; dim -1 takes any. *unit is NULL when nothing usable was read. */
static void take_value(struct cond_term *p, int dim, double *value, const struct unit **unit)
{
        char text[TOKEN_CAP], token[TOKEN_CAP], buf[MESSAGE_CAP];
        const char *given = token;
        size_t at = p->lex.start;
        bool negative = cond_lex_is(&p->lex, "-");
        *value = 0;
        *unit = NULL;
        if (negative)
                cond_lex_next(&p->lex);
        cond_lex_copy(&p->lex, token, sizeof token);
        if (p->lex.kind == COND_LEX_DOLLAR && p->c->reader->has_parameters) {
                given = reader_parameter(p->c->reader, place(p, at), token + 1);
                p->has_error = p->has_error || !given;
        } else if (p->lex.kind != COND_LEX_NUMBER) {
                cond_term_lose(p, "a value with its unit");
                return;
        }
        cond_lex_next(&p->lex);
        if (dim < 0 || !given)
                return;
        text_copy(text, sizeof text, given);
        enum unit_status status = unit_parse(text, (enum unit_dim)dim, value, unit);
        if (status != UNIT_OK) {
                struct text t;
                text_init(&t, buf, sizeof buf);
                if (token[0] == '$')
                        text_add(&t, "%s: ", token);
                unit_explain(&t, status, text, (enum unit_dim)dim);
                cond_term_fail(p, at, "%s", buf);
        }
        if (negative)
                *value = -*value;
}

static double take_point(struct cond_term *p, const struct unit *of)
{
        const struct unit *unit;
        double value;
        take_value(p, of ? (int)of->dim : -1, &value, &unit);
        return of && unit ? unit_convert(value, unit, of) : 0;
}

static double take_difference(struct cond_term *p, const struct unit *of)
{
        const struct unit *unit;
        double value;
        take_value(p, of ? (int)unit_dim_of_difference(of->dim) : -1, &value, &unit);
        return of && unit ? unit_convert_difference(value, unit, of) : 0;
}

/* Tag b beside tag a: b's values are brought to a's unit. */
static void join_units(struct cond_term *p, struct cond_node *n, size_t at)
{
        const struct unit *a = unit_of(p, n->a), *b = unit_of(p, n->b);
        if (!a || !b)
                return;
        if (a->dim != b->dim || p->c->tool->tags[n->b].is_bit) {
                cond_term_fail(p, at, "'%s' cannot be compared with '%s': %s and %s",
                    p->c->tool->tags[n->a].name, p->c->tool->tags[n->b].name, unit_dim_name(a->dim),
                    p->c->tool->tags[n->b].is_bit ? "a bit" : unit_dim_name(b->dim));
                return;
        }
        n->b_scale = b->scale / a->scale;
        n->b_offset = (b->offset - a->offset) / a->scale;
}

static void take_operand(struct cond_term *p, struct cond_node *n)
{
        const struct unit *of = unit_of(p, n->a);
        size_t at = p->lex.start;
        if (p->lex.kind != COND_LEX_WORD) {
                n->value = take_point(p, of);
                return;
        }
        n->b = (int16_t)take_tag(p);
        if (p->is_lost)
                return;
        join_units(p, n, at);
        bool plus = cond_lex_is(&p->lex, "+"), minus = cond_lex_is(&p->lex, "-");
        if (!plus && !minus)
                return;
        cond_lex_next(&p->lex);
        double offset = take_difference(p, of);
        n->value = minus ? -offset : offset;
}

/* "== on": a bit beside a word. */
static int take_bit_word(struct cond_term *p, int tag)
{
        bool on = cond_lex_is(&p->lex, "on") || cond_lex_is(&p->lex, "open");
        if (!on && !cond_lex_is(&p->lex, "off") && !cond_lex_is(&p->lex, "closed"))
                return cond_term_lose(p, "on, off, open or closed");
        cond_lex_next(&p->lex);
        struct cond_node bit = cond_term_blank(COND_BIT);
        bit.a = (int16_t)tag;
        int at = cond_term_add(p, bit);
        if (on || at < 0)
                return at;
        struct cond_node inverse = cond_term_blank(COND_NOT);
        inverse.left = (int16_t)at;
        return cond_term_add(p, inverse);
}

static const char *const cmp_names[] = {"<", "<=", ">", ">=", "=="};

static int present_cmp(const struct cond_term *p)
{
        for (int i = 0; i < 5; i++)
                if (cond_lex_is(&p->lex, cmp_names[i]))
                        return i;
        return -1;
}

static int take_bit_test(struct cond_term *p, int tag)
{
        if (cond_lex_is(&p->lex, "==")) {
                cond_lex_next(&p->lex);
                return take_bit_word(p, tag);
        }
        if (present_cmp(p) >= 0 || cond_lex_is(&p->lex, "within") || cond_lex_is(&p->lex, "steady") ||
            cond_lex_is(&p->lex, "rate")) {
                const struct tool_tag *t = &p->c->tool->tags[tag];
                cond_term_fail(p, p->lex.start, "'%s' is %s: write '%s' or 'not %s'", t->name,
                    t->is_valve ? "open or closed" : "on or off", t->name, t->name);
                p->is_lost = true;
                return -1;
        }
        struct cond_node bit = cond_term_blank(COND_BIT);
        bit.a = (int16_t)tag;
        return cond_term_add(p, bit);
}

static int take_compare(struct cond_term *p, int tag, int cmp)
{
        struct cond_node n = cond_term_blank(COND_COMPARE);
        n.a = (int16_t)tag;
        n.cmp = (uint8_t)cmp;
        cond_lex_next(&p->lex);
        take_operand(p, &n);
        return cond_term_add(p, n);
}

static double take_width(struct cond_term *p, int tag)
{
        size_t at = p->lex.start;
        double width = take_difference(p, unit_of(p, tag));

        if (width < 0)
                cond_term_fail(p, at, "a width cannot be negative");
        return width;
}

static int take_within(struct cond_term *p, int tag)
{
        struct cond_node n = cond_term_blank(COND_WITHIN);
        n.a = (int16_t)tag;
        cond_lex_next(&p->lex);
        n.span = take_width(p, tag);
        if (!cond_lex_is(&p->lex, "of"))
                return cond_term_lose(p, "'of' (TAG within VALUE of VALUE)");
        cond_lex_next(&p->lex);
        take_operand(p, &n);
        return cond_term_add(p, n);
}

/* "over TIME", and the window that looks at it. `form` is what the whole looks like. */
static void take_over(struct cond_term *p, struct cond_node *n, const char *word, const char *form)
{
        const struct unit *unit;
        double over_s;
        if (!cond_lex_is(&p->lex, "over")) {
                cond_term_lose(p, form);
                return;
        }
        cond_lex_next(&p->lex);
        size_t at = p->lex.start;
        take_value(p, UNIT_DIM_TIME, &over_s, &unit);
        n->over_us = unit ? (int64_t)(unit_convert(over_s, unit, unit_base(UNIT_DIM_TIME)) * 1e6 + 0.5) : 0;
        if (unit && n->over_us < 1000)
                cond_term_fail(p, at, "'%s' needs a time of at least 1 ms to look at", word);
        if (*p->c->windows == SNAPSHOT_WINDOWS_MAX) {
                cond_term_fail(p, at,
                    "'steady' and 'rate' are used too often: at most %d times in tool and recipe together",
                    SNAPSHOT_WINDOWS_MAX);
                return;
        }
        n->slot = (int16_t)(*p->c->windows)++;
}

/* A rate of change of `of`, in `of` per second. */
static double take_rate_value(struct cond_term *p, const struct unit *of)
{
        const struct unit *unit;
        double value;
        enum unit_dim dim = of ? unit_dim_of_rate(of->dim) : UNIT_DIM_NONE;
        if (of && dim == UNIT_DIM_NONE)
                cond_term_fail(
                    p, p->lex.start, "%s has no unit for a rate of change", unit_dim_name(of->dim));
        take_value(p, dim == UNIT_DIM_NONE ? -1 : (int)dim, &value, &unit);
        if (!unit)
                return 0;
        /* The base unit of a rate is the base unit of its difference per second. */
        value = unit_convert(value, unit, unit_base(dim));
        return unit_convert_difference(value, unit_base(unit_dim_of_difference(of->dim)), of);
}

/* Fewer readings than this say nothing of a slope. */
enum { RATE_READINGS_MIN = 4 };

static int take_rate(struct cond_term *p, int tag)
{
        struct cond_node n = cond_term_blank(COND_RATE);
        size_t place = p->lex.start;
        cond_lex_next(&p->lex);
        int cmp = present_cmp(p);
        if (cmp < 0)
                return cond_term_lose(p, "<, <=, >, >= or == (TAG rate < VALUE over TIME)");
        cond_lex_next(&p->lex);
        n.a = (int16_t)tag;
        n.cmp = (uint8_t)cmp;
        n.value = take_rate_value(p, unit_of(p, tag));
        take_over(p, &n, "rate", "'over' (TAG rate < VALUE over TIME)");
        if (tag >= 0 && n.over_us > 0 && n.over_us < RATE_READINGS_MIN * p->c->tool->tags[tag].poll_us)
                cond_term_fail(p, place,
                    "'%s' is read every %lld ms: a rate needs at least %d readings, so 'over' %lld ms or "
                    "more",
                    p->c->tool->tags[tag].name, (long long)(p->c->tool->tags[tag].poll_us / 1000),
                    RATE_READINGS_MIN, (long long)(RATE_READINGS_MIN * p->c->tool->tags[tag].poll_us / 1000));
        return p->is_lost || n.slot < 0 ? -1 : cond_term_add(p, n);
}

static int take_steady(struct cond_term *p, int tag)
{
        struct cond_node n = cond_term_blank(COND_STEADY);
        n.a = (int16_t)tag;
        cond_lex_next(&p->lex);
        n.span = take_width(p, tag);
        take_over(p, &n, "steady", "'over' (TAG steady VALUE over TIME)");
        return p->is_lost || n.slot < 0 ? -1 : cond_term_add(p, n);
}

int cond_term_parse(struct cond_term *p)
{
        size_t at = p->lex.start;
        int tag = take_tag(p);
        if (p->is_lost)
                return -1;
        if (tag >= 0 && p->c->tool->tags[tag].is_bit)
                return take_bit_test(p, tag);
        int cmp = present_cmp(p);
        if (cmp >= 0)
                return take_compare(p, tag, cmp);
        if (cond_lex_is(&p->lex, "within"))
                return take_within(p, tag);
        if (cond_lex_is(&p->lex, "steady"))
                return take_steady(p, tag);
        if (cond_lex_is(&p->lex, "rate"))
                return take_rate(p, tag);
        if (tag < 0) /* it might have been meant as a bit */
                return -1;
        const struct unit *unit = unit_of(p, tag);
        if (unit)
                cond_term_fail(p, at,
                    "'%s' is %s: compare it with a value (<, <=, >, >=, ==, within, steady, rate)",
                    p->c->tool->tags[tag].name, unit_dim_name(unit->dim));
        return -1;
}
