#include "ald/file/cond_lex.h"

#include <ctype.h>  /* isalpha */
#include <string.h> /* strchr */

static bool is_in(const char *set, char c)
{
        return c != '\0' && strchr(set, c) != NULL;
}

static size_t skip_blanks(const char *text, size_t at)
{
        while (is_in(" \n\r", text[at]))
                at++;
        return at;
}

static size_t skip_word(const char *text, size_t at)
{
        while (isalnum((unsigned char)text[at]) || is_in("._-", text[at]))
                at++;
        return at;
}

static size_t skip_digits(const char *text, size_t at)
{
        while (isdigit((unsigned char)text[at]) || text[at] == '.')
                at++;
        bool is_power =
            is_in("eE", text[at]) && (isdigit((unsigned char)text[at + 1]) ||
                                         (is_in("+-", text[at + 1]) && isdigit((unsigned char)text[at + 2])));
        if (is_power) {
                at += 2;
                while (isdigit((unsigned char)text[at]))
                        at++;
        }
        return at;
}

/* A unit belongs to its number; a word of the grammar does not ("within 5 of"). */
static size_t skip_unit(const char *text, size_t at)
{
        static const char *const words[] = {"and", "or", "of", "over", "not", "within", "steady", "rate"};
        size_t start = skip_blanks(text, at), end = start;
        while (isalnum((unsigned char)text[end]) || is_in("/%", text[end]) || (text[end] & 0x80))
                end++;
        if (end == start || isdigit((unsigned char)text[start]))
                return at;
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
                if (strlen(words[i]) == end - start && strncmp(words[i], text + start, end - start) == 0)
                        return at;
        return end;
}

void cond_lex_start(struct cond_lex *lex, const char *text)
{
        *lex = (struct cond_lex){.text = text};
        cond_lex_next(lex);
}

void cond_lex_next(struct cond_lex *lex)
{
        const char *t = lex->text;
        size_t at = skip_blanks(t, lex->at);
        lex->start = at;
        if (t[at] == '\0') {
                lex->kind = COND_LEX_END;
        } else if (isalpha((unsigned char)t[at])) {
                lex->kind = COND_LEX_WORD;
                at = skip_word(t, at);
        } else if (isdigit((unsigned char)t[at]) || t[at] == '.') {
                lex->kind = COND_LEX_NUMBER;
                at = skip_unit(t, skip_digits(t, at));
        } else if (t[at] == '$') {
                lex->kind = COND_LEX_DOLLAR;
                at = skip_word(t, at + 1);
        } else {
                lex->kind = is_in("<>()+-=,", t[at]) ? COND_LEX_SIGN : COND_LEX_BAD;
                at += is_in("<>=", t[at]) && t[at + 1] == '=' ? 2 : 1;
        }
        lex->len = at - lex->start;
        lex->at = at;
}

bool cond_lex_is(const struct cond_lex *lex, const char *word)
{
        return (lex->kind == COND_LEX_WORD || lex->kind == COND_LEX_SIGN) && strlen(word) == lex->len &&
               strncmp(lex->text + lex->start, word, lex->len) == 0;
}

void cond_lex_copy(const struct cond_lex *lex, char *out, size_t cap)
{
        size_t n = lex->len < cap - 1 ? lex->len : cap - 1;
        memcpy(out, lex->text + lex->start, n);
        out[n] = '\0';
}
