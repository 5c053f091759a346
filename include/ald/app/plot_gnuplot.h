/* Plots for a page, drawn by gnuplot: run as a program of its own with everything on its standard input; no shell, no file.
 * Curves differ by dashes and marks as well as by colour, and black follows the page's text colour. */
#ifndef ALD_APP_PLOT_GNUPLOT_H
#define ALD_APP_PLOT_GNUPLOT_H

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

enum { PLOT_CURVES_MAX = 16, PLOT_BANDS_MAX = 64, PLOT_WHY_CAP = 240 };

enum plot_look {
        PLOT_LINE,  /* a line with a mark now and then */
        PLOT_MARKS, /* marks alone */
        PLOT_FAINT  /* a thin grey line without an entry in the legend */
};

struct plot_curve {
        const char *label; /* borrowed; letters that gnuplot could take for more than a label are replaced */
        enum plot_look look;
        int style;           /* which dashes, mark and colour; curves of one plot have different ones */
        bool is_right;       /* by the scale on the right */
        const double *x, *y; /* borrowed; NaN in y breaks the line */
        size_t count;
};

struct plot {
        int width, height;
        const char *x_label, *y_label, *right_label; /* right_label NULL: no scale on the right */
        double from, to;                             /* of x; from >= to: as the curves need */
        bool has_zero;                               /* the scales of y begin at zero, or below */
        bool is_whole;                               /* x are whole numbers */
        int curve_count, band_count;
        struct plot_curve curves[PLOT_CURVES_MAX];
        struct {
                double from, to; /* of x, shaded */
        } bands[PLOT_BANDS_MAX];
};

/* One <svg> element, for inside a page: freed by the caller. `name` (a word) makes its ids its own; `text` says what it shows
 * to who cannot see it, escaped already. NULL: `why` says what is missing or wrong. `ALD_GNUPLOT` names another gnuplot. */
char *plot_gnuplot(
    const struct plot *plot, const char *name, const char *text, size_t *len, char why[PLOT_WHY_CAP]);

#endif
