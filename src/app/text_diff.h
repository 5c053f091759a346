/* Two texts line by line, as the program `diff` tells it. */
#ifndef ALD_APP_TEXT_DIFF_H
#define ALD_APP_TEXT_DIFF_H

#include <stddef.h> /* size_t */

struct text;

/* The unified difference, "" when there is none; freed by the caller. NULL: `why` tells (no such program, no memory ...). */
char *text_diff_make(
    const char *then, const char *then_label, const char *now, const char *now_label, struct text *why);

#endif
