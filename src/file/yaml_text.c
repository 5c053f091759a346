#include "ald/file/yaml_text.h"

#include "ald/base/diag.h" /* diag_error */
#include "ald/base/text.h" /* text_letter */

#include <stdbool.h> /* bool */
#include <stdlib.h>  /* malloc */
#include <string.h>  /* memcpy */

struct scan {
        char *text;
        size_t len, at;
        size_t line_at;
        int line; /* from 1 */
        int source;
        struct diag *d;
        bool in_indent;    /* only blanks so far on this line */
        bool tab_reported; /* on this line */
        bool is_unreadable;
};

static struct diag_at place(const struct scan *s)
{
        return (struct diag_at){s->source, s->line, (int)(s->at - s->line_at) + 1};
}

static void refuse_encoding(struct scan *s, unsigned char byte)
{
        const char *guess = "";
        if (s->at == 0 && (byte == 0xFF || byte == 0xFE))
                guess = "; the file looks like UTF-16";
        else if (byte >= 0xA0)
                guess = "; the file looks like Latin-1";
        diag_error(s->d, place(s), "byte 0x%02X is not UTF-8%s: save the file as UTF-8", byte, guess);
        s->is_unreadable = true;
}

static void take_tab(struct scan *s)
{
        if (!s->tab_reported)
                diag_error(s->d, place(s), "a tab: use spaces");
        s->tab_reported = true;
        if (s->in_indent)
                s->is_unreadable = true;
        s->text[s->at] = ' ';
}

/* Line ends that an editor does not show as such would make every line number wrong. */
static bool is_odd_break(const unsigned char *p, size_t n)
{
        return (n == 2 && p[0] == 0xC2 && p[1] < 0xA0) ||
               (n == 3 && p[0] == 0xE2 && p[1] == 0x80 && (p[2] & 0xFE) == 0xA8);
}

static void take_control(struct scan *s, const unsigned char *p)
{
        diag_error(s->d, place(s), "the control character %s0x%02X is not allowed",
            p[0] < 0x80 ? "" : "in the bytes from ", p[0]);
        s->is_unreadable = true;
}

/* False: stop here. */
static bool take_character(struct scan *s)
{
        const unsigned char *p = (const unsigned char *)s->text + s->at;
        size_t n = text_letter((const char *)p, s->len - s->at);
        if (n == 0) {
                refuse_encoding(s, p[0]);
                return false;
        }
        bool is_break = p[0] == '\n' || (p[0] == '\r' && s->len - s->at > 1 && p[1] == '\n');
        if (p[0] == '\t')
                take_tab(s);
        else if ((p[0] < 0x20 && !is_break) || p[0] == 0x7F || is_odd_break(p, n))
                take_control(s, p);
        if (p[0] != ' ' && p[0] != '\t')
                s->in_indent = false;
        s->at += n;
        if (p[0] == '\n') {
                s->line++;
                s->line_at = s->at;
                s->in_indent = true;
                s->tab_reported = false;
        }
        return true;
}

char *yaml_text_check(const char *text, size_t len, int source, struct diag *d)
{
        char *copy = malloc(len + 1);
        if (!copy) {
                diag_error(d, (struct diag_at){source, 0, 0}, "memory is out");
                return NULL;
        }
        memcpy(copy, text, len);
        copy[len] = '\0';
        struct scan s = {.text = copy, .len = len, .line = 1, .source = source, .d = d, .in_indent = true};
        while (s.at < s.len && take_character(&s)) {
        }
        if (!s.is_unreadable)
                return copy;
        free(copy);
        return NULL;
}
