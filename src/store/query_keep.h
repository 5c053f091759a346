/* Rows of an answer, kept until the question is closed: whoever takes a row may wait, for a pager or a slow terminal, and a question
 * that stays open meanwhile keeps the log growing (SAFETY, trap 9). */
#ifndef ALD_STORE_QUERY_KEEP_H
#define ALD_STORE_QUERY_KEEP_H

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

struct query_keep {
        char *rows;
        size_t count, room; /* rows */
};

/* Add a copy of a row of always the same size. False: memory is out. */
bool query_keep_add(struct query_keep *k, const void *row, size_t size);
void query_keep_free(struct query_keep *k);

#endif
