#include "query_keep.h"

#include <stdlib.h> /* realloc, free */
#include <string.h> /* memcpy */

bool query_keep_add(struct query_keep *k, const void *row, size_t size)
{
        if (k->count == k->room) {
                size_t room = k->room == 0 ? 64 : 2 * k->room;
                char *rows = realloc(k->rows, room * size);

                if (rows == NULL)
                        return false;
                k->rows = rows;
                k->room = room;
        }
        memcpy(k->rows + k->count++ * size, row, size);
        return true;
}

void query_keep_free(struct query_keep *k)
{
        free(k->rows);
}
