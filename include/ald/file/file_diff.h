/* What two texts of a recipe, or of a tool file, say differently: key by key and step by step, whatever their comments, spacing,
 * quotes, the order of keys and the units of quantities. */
#ifndef ALD_FILE_FILE_DIFF_H
#define ALD_FILE_FILE_DIFF_H

#include "ald/base/diag.h" /* struct diag */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

enum file_diff_form { FILE_DIFF_RECIPE, FILE_DIFF_TOOL };
enum file_diff_kind { FILE_DIFF_CHANGED, FILE_DIFF_ADDED, FILE_DIFF_REMOVED, FILE_DIFF_ORDER };

enum { FILE_DIFF_PATH_CAP = 200, FILE_DIFF_VALUE_CAP = 240 };

/* One difference. What is too long is cut. */
struct file_change {
        enum file_diff_kind kind;
        const char *file;               /* an included file or a profile; "" = the text itself */
        char where[FILE_DIFF_PATH_CAP]; /* "phases.coat", "tags.nb.valve": where it stands ... */
        char what[FILE_DIFF_PATH_CAP];  /* ... and which key there: "wait.timeout"; "" = all of it */
        int line_then, line_now;        /* 0: not there */
        char then[FILE_DIFF_VALUE_CAP], now[FILE_DIFF_VALUE_CAP]; /* as one line; "" where not there */
};

/* Tell every difference in the order of the texts; whole texts as the record keeps them, with what they include. False: one of
 * them cannot be read, which stands in `d`. */
bool file_diff(enum file_diff_form form, const char *then, size_t then_len, const char *now, size_t now_len,
    void (*tell)(void *ctx, const struct file_change *change), void *ctx, struct diag *d);

#endif
