/* Writes HTML: every text that goes through here is escaped in one place, and what is opened must be closed in order. So what
 * the record holds - titles, notes, names, reasons, all written by anybody - cannot become markup. */
#ifndef ALD_APP_HTML_H
#define ALD_APP_HTML_H

#include "ald/base/text.h" /* TEXT_PRINTF */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdio.h>   /* FILE */

enum { HTML_DEPTH_MAX = 32 };

/* One column of a table. */
struct html_column {
        const char *head;
        bool is_number; /* to the right */
};

struct html {
        FILE *to;
        int depth;
        const char *open[HTML_DEPTH_MAX]; /* names of elements, static */
        const struct html_column *columns;
        int column_count, column; /* of the table that is open; the next cell */
};

/* Write to `to` (borrowed). */
void html_init(struct html *h, FILE *to);

/* Open an element with attributes, pairs of name and value (escaped) up to HTML_END; the names are ours. */
#define HTML_END ((const char *)0)
void html_open(struct html *h, const char *name, ...) __attribute__((sentinel));
/* Close the innermost element, which must be of that name. */
void html_close(struct html *h, const char *name);
/* Text, escaped: what is no letter of UTF-8, control characters but tabs and newlines, and marks that turn the direction of
 * reading become '?'. */
void html_put(struct html *h, const char *text);
void html_text(struct html *h, const char *fmt, ...) TEXT_PRINTF(2, 3);
/* A whole element with text in it; `class` NULL: none. */
void html_element(struct html *h, const char *name, const char *class, const char *fmt, ...)
    TEXT_PRINTF(4, 5);
/* A number that programs may read as well: <data id=... value="12.5">12.5 s</data>. */
void html_data(struct html *h, const char *id, double value, const char *fmt, ...) TEXT_PRINTF(4, 5);
/* Markup of our own making, as it is. Never a text of the record. */
void html_raw(struct html *h, const char *markup, size_t len);

/* A table with a row of heads (borrowed until html_table_end()), inside a box that scrolls when the page is narrow. */
void html_table_begin(struct html *h, const char *id, const struct html_column *columns, int count);
void html_table_end(struct html *h);
/* A row; `class` NULL: none. */
void html_row_begin(struct html *h, const char *class);
void html_row_end(struct html *h);
/* The next cell of a row. */
void html_cell(struct html *h, const char *fmt, ...) TEXT_PRINTF(2, 3);

/* Facts by name, two columns: begin, each fact, end. Between html_fact_begin() and html_fact_end() stands anything. */
void html_facts_begin(struct html *h, const char *id);
void html_facts_end(struct html *h);
void html_fact(struct html *h, const char *name, const char *fmt, ...) TEXT_PRINTF(3, 4);
void html_fact_begin(struct html *h, const char *name);
void html_fact_end(struct html *h);

#endif
