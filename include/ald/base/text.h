/* Bounded text: every message, caret line and JSON fragment is built in a buffer of known size.
 *
 * Why: snprintf chains lose count of what is left; here truncation is a fact that can be asked for. */
#ifndef ALD_BASE_TEXT_H
#define ALD_BASE_TEXT_H

#include <stdarg.h>  /* va_list */
#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

/* A writable text. `buf` is borrowed and always NUL-terminated after text_init(). */
struct text {
        char *buf;
        size_t cap; /* bytes in buf, at least 1 */
        size_t len; /* bytes used, without the NUL; < cap */
        bool truncated;
};

#define TEXT_PRINTF(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))

/* Start an empty text in `buf` of `cap` bytes (cap >= 1; borrowed). */
void text_init(struct text *t, char *buf, size_t cap);

/* Append formatted text; what does not fit is dropped and `truncated` is set. */
void text_add(struct text *t, const char *fmt, ...) TEXT_PRINTF(2, 3);
void text_addv(struct text *t, const char *fmt, va_list args) TEXT_PRINTF(2, 0);

/* Copy `from` into `to` of `cap` bytes, always terminated; true when all of it fitted. */
bool text_copy(char *to, size_t cap, const char *from);

/* Length in bytes of the well-formed UTF-8 letter at `p` with `left` bytes to go (Unicode standard, table 3-7: no
 * overlong forms, no surrogates); 0 when there is none. */
size_t text_letter(const char *p, size_t left);

/* Put '?' in the place of every byte that belongs to no letter and of every control character but a line feed. */
void text_clean(char *s);

/* Optimal string alignment distance of two words, at most `cap` (names are short; longer than 63 bytes: cap). */
size_t text_distance(const char *a, const char *b, size_t cap);

/* The nearest of `n` names to `word`, or NULL when none is near enough to be a slip of the pen.
 * name_at(ctx, i) gives name i (borrowed). */
const char *text_nearest(
    const char *word, const char *(*name_at)(const void *ctx, size_t i), const void *ctx, size_t n);

/* Append a number in the shortest form that a person would write: up to `digits` significant digits (1-17),
 * no trailing zeros. NaN prints as "nan". */
void text_add_number(struct text *t, double value, int digits);

#endif
