#include "ald/base/text.h"

#include <assert.h> /* assert */
#include <math.h>   /* isnan */
#include <stdio.h>  /* vsnprintf */
#include <string.h> /* memcpy, strlen */

void text_init(struct text *t, char *buf, size_t cap)
{
        assert(buf != NULL && cap >= 1);
        t->buf = buf;
        t->cap = cap;
        t->len = 0;
        t->truncated = false;
        buf[0] = '\0';
}

void text_addv(struct text *t, const char *fmt, va_list args)
{
        size_t left = t->cap - t->len;
        int n = vsnprintf(t->buf + t->len, left, fmt, args);

        if (n < 0) {
                t->buf[t->len] = '\0';
                t->truncated = true;
        } else if ((size_t)n >= left) {
                t->len = t->cap - 1;
                t->truncated = true;
        } else {
                t->len += (size_t)n;
        }
}

void text_add(struct text *t, const char *fmt, ...)
{
        va_list args;

        va_start(args, fmt);
        text_addv(t, fmt, args);
        va_end(args);
}

bool text_copy(char *to, size_t cap, const char *from)
{
        size_t n = strlen(from);
        bool fits = n < cap;

        assert(cap >= 1);
        if (!fits)
                n = cap - 1;
        memcpy(to, from, n);
        to[n] = '\0';
        return fits;
}

size_t text_letter(const char *p, size_t left)
{
        const unsigned char *u = (const unsigned char *)p;
        size_t n = u[0] < 0x80 ? 1 : u[0] < 0xE0 ? 2 : u[0] < 0xF0 ? 3 : 4;
        unsigned char low = u[0] == 0xE0 ? 0xA0 : u[0] == 0xF0 ? 0x90 : 0x80;
        unsigned char high = u[0] == 0xED ? 0x9F : u[0] == 0xF4 ? 0x8F : 0xBF;

        if (n == 1)
                return 1;
        if (u[0] < 0xC2 || u[0] > 0xF4 || n > left || u[1] < low || u[1] > high)
                return 0;
        for (size_t i = 2; i < n; i++)
                if ((u[i] & 0xC0) != 0x80)
                        return 0;
        return n;
}

void text_clean(char *s)
{
        size_t len = strlen(s);

        for (size_t i = 0; i < len;) {
                size_t n = text_letter(s + i, len - i);
                bool is_control = n == 1 && ((unsigned char)s[i] < ' ' || s[i] == 0x7F) && s[i] != '\n';

                if (n == 0 || is_control)
                        s[i] = '?';
                i += n == 0 ? 1 : n;
        }
}

enum { WORD_MAX = 63 };

static size_t least(size_t a, size_t b, size_t c)
{
        size_t m = a < b ? a : b;

        return m < c ? m : c;
}

size_t text_distance(const char *a, const char *b, size_t cap)
{
        /* Three rows of the usual table: two back for transposed letters. */
        size_t row[3][WORD_MAX + 1];
        size_t na = strlen(a), nb = strlen(b);

        if (na > WORD_MAX || nb > WORD_MAX)
                return cap;
        for (size_t j = 0; j <= nb; j++)
                row[0][j] = j;
        for (size_t i = 1; i <= na; i++) {
                size_t *now = row[i % 3], *last = row[(i - 1) % 3], *before = row[(i + 1) % 3];

                now[0] = i;
                for (size_t j = 1; j <= nb; j++) {
                        now[j] = least(last[j] + 1, now[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                            before[j - 2] + 1 < now[j])
                                now[j] = before[j - 2] + 1;
                }
        }
        return row[na % 3][nb] < cap ? row[na % 3][nb] : cap;
}

const char *text_nearest(
    const char *word, const char *(*name_at)(const void *ctx, size_t i), const void *ctx, size_t n)
{
        size_t letters = strlen(word);
        /* One slip in three letters is a slip of the pen; more is another word. */
        size_t best = letters / 3 + 2;
        const char *found = NULL;

        for (size_t i = 0; i < n; i++) {
                size_t d = text_distance(word, name_at(ctx, i), best);

                if (d < best) {
                        best = d;
                        found = name_at(ctx, i);
                }
        }
        return found;
}

void text_add_number(struct text *t, double value, int digits)
{
        if (isnan(value))
                text_add(t, "nan");
        else
                text_add(t, "%.*g", digits, value + 0.0);
}
