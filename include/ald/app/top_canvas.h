/* A screen as a grid of cells: what `aldctl top` draws into, and what its tests read. No terminal is needed.
 *
 * Why not draw into the terminal: a picture that is complete before it is shown can be compared, cut and marked as old
 * as a whole; what has changed on the way to the terminal is the screen's business (app/top_screen). */
#ifndef ALD_APP_TOP_CANVAS_H
#define ALD_APP_TOP_CANVAS_H

#include "ald/base/text.h" /* TEXT_PRINTF */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* uint32_t */
#include <stdio.h>   /* FILE */

/* No meaning hangs on a style alone: signs and words say the same. */
enum top_style {
        TOP_PLAIN,
        TOP_BOLD,
        TOP_DIM,
        TOP_BAR,   /* the bar on top ... */
        TOP_ALERT, /* ... when nothing in the picture is new */
        TOP_GOOD,  /* in order */
        TOP_OPEN,  /* precursor flows */
        TOP_WARN,
        TOP_ALARM,
        TOP_STYLES
};

struct top_cell {
        uint32_t letter; /* Unicode; 0: the second half of a wide letter */
        enum top_style style;
};

struct top_canvas {
        int rows, columns;
        bool is_ascii; /* lines and signs in ASCII, other letters as '?' */
        struct top_cell *cells;
};

/* An empty picture of that size (at least 1 x 1). False: memory is out, the old one stays. */
bool top_canvas_resize(struct top_canvas *c, int rows, int columns);
void top_canvas_free(struct top_canvas *c);
void top_canvas_clear(struct top_canvas *c);

/* Put UTF-8 text into at most `width` cells from (row, column) on; what does not fit ends in an ellipsis. Cells outside of
 * the picture are left out; control characters become '?'. Returns the column behind the text. */
int top_canvas_put(
    struct top_canvas *c, int row, int column, int width, enum top_style style, const char *text);
int top_canvas_say(struct top_canvas *c, int row, int column, int width, enum top_style style,
    const char *fmt, ...) TEXT_PRINTF(6, 7);

/* The same in rows of whole words, at most `rows` of them; returns how many. */
int top_canvas_wrap(
    struct top_canvas *c, int row, int rows, int column, int width, enum top_style style, const char *text);

/* One letter, `count` times. */
void top_canvas_fill(
    struct top_canvas *c, int row, int column, int count, enum top_style style, uint32_t letter);

/* A heading: a line over the whole row with text in it. */
void top_canvas_rule(struct top_canvas *c, int row, enum top_style style, const char *text);

/* An empty frame, the corner at (row, column). */
void top_canvas_frame(struct top_canvas *c, int row, int column, int rows, int columns, enum top_style style);

/* These rows are old: dim, whatever they were. */
void top_canvas_veil(struct top_canvas *c, int from_row, int to_row);

/* The picture as text in UTF-8, without spaces at the ends of rows. */
void top_canvas_print(const struct top_canvas *c, FILE *to);

#endif
