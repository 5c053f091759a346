/* A tag's trend as aldctl shows it. */
#ifndef ALD_APP_ALDCTL_TREND_H
#define ALD_APP_ALDCTL_TREND_H

#include "ald/store/trend.h" /* struct trend_point */

#include <stdint.h> /* int64_t */

/* What is asked, and what was found. */
struct trend_view {
        const char *tag;
        int64_t from_us, to_us;
        struct trend_info info;
        int max, count;
        struct trend_point *points;
};

/* As a plot of as many columns as the terminal has, within reason, and what it adds up to. */
void trend_print_plot(const struct trend_view *v);

#endif
