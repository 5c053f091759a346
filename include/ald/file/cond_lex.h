/* The words of a condition, one at a time. */
#ifndef ALD_FILE_COND_LEX_H
#define ALD_FILE_COND_LEX_H

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

enum cond_lex_kind {
        COND_LEX_END,
        COND_LEX_WORD,   /* a tag or a word of the grammar */
        COND_LEX_NUMBER, /* with its unit, if one follows: "5 Torr" */
        COND_LEX_DOLLAR, /* $name */
        COND_LEX_SIGN,   /* one of < <= > >= == + - ( ) , */
        COND_LEX_BAD     /* a character that belongs nowhere */
};

struct cond_lex {
        const char *text;
        size_t at; /* where the next token is looked for */
        enum cond_lex_kind kind;
        size_t start, len; /* the present token in `text` */
};

void cond_lex_start(struct cond_lex *lex, const char *text);
void cond_lex_next(struct cond_lex *lex);
/* Is the present token this word or sign? */
bool cond_lex_is(const struct cond_lex *lex, const char *word);
/* Copy the present token, cut to `cap`. */
void cond_lex_copy(const struct cond_lex *lex, char *out, size_t cap);

#endif
