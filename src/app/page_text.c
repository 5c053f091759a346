/* Numbers and times as a report writes them. */
#include "ald/app/aldctl_show.h" /* show_add_seconds */
#include "ald/base/text.h"       /* text_add_number */
#include "ald/base/time.h"       /* TIME_S */
#include "page.h"                /* own declarations */

#include <math.h>   /* isnan, NAN */
#include <stdlib.h> /* qsort */
#include <string.h> /* strchr, strcmp */
#include <time.h>   /* gmtime_r */

const char *page_number(char buf[PAGE_TEXT_CAP], double value, int digits)
{
        struct text t;

        text_init(&t, buf, PAGE_TEXT_CAP);
        if (isnan(value))
                text_add(&t, "-");
        else
                text_add_number(&t, value, digits);
        return buf;
}

const char *page_time(char buf[PAGE_TEXT_CAP], int64_t us)
{
        time_t seconds = (time_t)(us / TIME_S);
        struct tm tm;

        if (us <= 0 || gmtime_r(&seconds, &tm) == NULL ||
            strftime(buf, PAGE_TEXT_CAP, "%Y-%m-%d %H:%M:%S", &tm) == 0)
                text_copy(buf, PAGE_TEXT_CAP, "-");
        return buf;
}

const char *page_clock(char buf[PAGE_TEXT_CAP], int64_t us)
{
        char whole[PAGE_TEXT_CAP];
        const char *clock = strchr(page_time(whole, us), ' ');

        if (clock == NULL)
                text_copy(buf, PAGE_TEXT_CAP, whole);
        else
                (void)snprintf(buf, PAGE_TEXT_CAP, "%.8s.%03d", clock + 1, (int)(us % TIME_S / TIME_MS));
        return buf;
}

const char *page_lasting(char buf[PAGE_TEXT_CAP], int64_t us)
{
        struct text t;

        text_init(&t, buf, PAGE_TEXT_CAP);
        show_add_seconds(&t, (double)us / (double)TIME_S);
        return buf;
}

const char *page_ms(char buf[PAGE_TEXT_CAP], int64_t us, bool is_known)
{
        /* What rounds to nothing has no sign. */
        if (is_known)
                (void)snprintf(buf, PAGE_TEXT_CAP, "%.2f", us > -5 && us < 5 ? 0.0 : (double)us / 1000.0);
        else
                text_copy(buf, PAGE_TEXT_CAP, "-");
        return buf;
}

static int compare(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

double page_median(double *values, size_t count)
{
        if (count == 0)
                return NAN;
        qsort(values, count, sizeof *values, compare);
        return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

bool page_width_error(const struct query_pulse *p, int64_t *us)
{
        *us = p->width_us - p->planned_width_us;
        return strcmp(p->outcome, "done") == 0 && p->width_us >= 0 && p->planned_width_us >= 0;
}
