#include "ald/file/same.h"

#include "ald/base/unit.h" /* unit_parse */

#include <ctype.h>  /* isalnum */
#include <math.h>   /* fabs */
#include <string.h> /* strcmp */

/* The next letter that counts: blanks do only between words. */
static const char *next_letter(const char *begin, const char *p)
{
        const char *q = p;
        while (*q == ' ' || *q == '\n')
                q++;
        bool counts = q > p && p > begin && isalnum((unsigned char)p[-1]) && isalnum((unsigned char)*q);
        return counts ? q - 1 : q;
}

static char blank(char c)
{
        return c == '\n' ? ' ' : c;
}

static bool same_letters(const char *a, const char *b)
{
        const char *at_a = a, *at_b = b;
        for (;; a++, b++) {
                a = next_letter(at_a, a);
                b = next_letter(at_b, b);
                if (blank(*a) != blank(*b))
                        return false;
                if (*a == '\0')
                        return true;
        }
}

/* Quantities of one dimension; bare numbers are compared as texts, since they may be names. */
static bool same_amount(const char *a, const char *b)
{
        for (int dim = UNIT_DIM_NONE + 1; dim < UNIT_DIM_COUNT; dim++) {
                const struct unit *unit_a, *unit_b, *base = unit_base((enum unit_dim)dim);
                double x, y;
                if (unit_parse(a, (enum unit_dim)dim, &x, &unit_a) != UNIT_OK ||
                    unit_parse(b, (enum unit_dim)dim, &y, &unit_b) != UNIT_OK)
                        continue;
                x = unit_convert(x, unit_a, base);
                y = unit_convert(y, unit_b, base);
                return fabs(x - y) <= 1e-12 * (fabs(x) + fabs(y));
        }
        return false;
}

static const char *truth(const char *text)
{
        return strcmp(text, "true") == 0 ? "yes" : strcmp(text, "false") == 0 ? "no" : text;
}

bool same_text(const char *a, const char *b)
{
        return same_letters(truth(a), truth(b)) || same_amount(a, b);
}

static bool same_map(const struct yaml_node *a, const struct yaml_node *b)
{
        for (const struct yaml_node *n = a->first; n; n = n->next) {
                const struct yaml_node *other = yaml_node_get(b, n->key);
                if (!other || !same_node(n, other))
                        return false;
        }
        return a->count == b->count;
}

static bool same_list(const struct yaml_node *a, const struct yaml_node *b)
{
        const struct yaml_node *m = b->first;
        for (const struct yaml_node *n = a->first; n && m; n = n->next, m = m->next)
                if (!same_node(n, m))
                        return false;
        return a->count == b->count;
}

bool same_node(const struct yaml_node *a, const struct yaml_node *b)
{
        if (a->kind != b->kind)
                return false;
        return a->kind == YAML_SCALAR ? same_text(a->text, b->text)
               : a->kind == YAML_MAP  ? same_map(a, b)
                                      : same_list(a, b);
}
