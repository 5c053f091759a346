/* Diagnostics: all errors of a file in one run, each with file, line and column, the line itself and a caret.
 *
 * User and file errors are collected here and never abort anything; the caller refuses once all are known. */
#ifndef ALD_BASE_DIAG_H
#define ALD_BASE_DIAG_H

#include "ald/base/text.h" /* TEXT_PRINTF */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdio.h>   /* FILE */

enum diag_severity { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };

/* A place in a source: line and column from 1, column in bytes; line 0 means the file as a whole. */
struct diag_at {
        int source; /* from diag_source() */
        int line;
        int column;
};

struct diag_entry {
        enum diag_severity severity;
        struct diag_at at;
        char text[400];
};

struct diag; /* opaque: a list of entries and the sources they point into */

/* At most this many entries are kept; further errors are counted and summed up in the last line. */
#define DIAG_ENTRIES_MAX 200

/* A new empty list, or NULL when memory is out. Free with diag_free() (NULL allowed). */
struct diag *diag_new(void);
void diag_free(struct diag *d);

/* Name a source for messages. `text` (len bytes) is copied for the caret lines; it may be NULL.
 * Returns the source number for struct diag_at. */
int diag_source(struct diag *d, const char *path, const char *text, size_t len);

void diag_error(struct diag *d, struct diag_at at, const char *fmt, ...) TEXT_PRINTF(3, 4);
void diag_warning(struct diag *d, struct diag_at at, const char *fmt, ...) TEXT_PRINTF(3, 4);
void diag_note(struct diag *d, struct diag_at at, const char *fmt, ...) TEXT_PRINTF(3, 4);

/* How many errors (warnings do not count), including those beyond DIAG_ENTRIES_MAX. */
size_t diag_errors(const struct diag *d);
size_t diag_count(const struct diag *d);
const struct diag_entry *diag_entry(const struct diag *d, size_t i);
const char *diag_path(const struct diag *d, int source);
const char *diag_severity_name(enum diag_severity s);

/* Print everything in order of place: "FILE:LINE:COL: error: text", the line, the caret. `colour` adds ANSI. */
void diag_print(const struct diag *d, FILE *to, bool colour);

/* The same for one entry into a text, without colour. */
void diag_add_entry(const struct diag *d, size_t i, struct text *t);

#endif
