#include "ald/base/time.h"

#include "ald/base/text.h" /* text_add */

#include <inttypes.h> /* PRId64 */
#include <stdio.h>    /* snprintf */

int64_t time_add(int64_t a_us, int64_t b_us)
{
        if (a_us == TIME_NEVER || b_us == TIME_NEVER)
                return TIME_NEVER;
        if (b_us > 0 && a_us > TIME_NEVER - b_us)
                return TIME_NEVER;
        if (b_us < 0 && a_us < INT64_MIN - b_us)
                return INT64_MIN;
        return a_us + b_us;
}

int64_t time_min(int64_t a_us, int64_t b_us)
{
        return a_us < b_us ? a_us : b_us;
}

int64_t time_nearest(int64_t t_us, int64_t unit_us)
{
        int64_t over_us = t_us % unit_us;

        return over_us < unit_us - over_us ? t_us - over_us : time_add(t_us, unit_us - over_us);
}

int64_t time_next(int64_t next_us, int64_t deadline_us, int64_t now_us)
{
        return deadline_us > now_us ? time_min(next_us, deadline_us) : next_us;
}

/* Proleptic Gregorian date of a day number since 1970-01-01 (H. Hinnant, "chrono-compatible low-level date
 * algorithms", civil_from_days). */
static void civil_from_days(int64_t z, int *year, int *month, int *day)
{
        z += 719468;
        int64_t era = (z >= 0 ? z : z - 146096) / 146097;
        int64_t doe = z - era * 146097;
        int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
        int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        int64_t mp = (5 * doy + 2) / 153;

        *day = (int)(doy - (153 * mp + 2) / 5 + 1);
        *month = (int)(mp < 10 ? mp + 3 : mp - 9);
        *year = (int)(yoe + era * 400 + (*month <= 2));
}

void time_format_utc(int64_t wall_us, char buf[TIME_UTC_CAP])
{
        int64_t days = wall_us / (24 * TIME_H), rest = wall_us % (24 * TIME_H);
        int year, month, day;

        if (rest < 0) {
                rest += 24 * TIME_H;
                days--;
        }
        civil_from_days(days, &year, &month, &day);
        snprintf(buf, TIME_UTC_CAP, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", year % 10000, month, day,
            (int)(rest / TIME_H), (int)(rest / TIME_MIN % 60), (int)(rest / TIME_S % 60),
            (int)(rest % TIME_S));
}

void time_add_duration(struct text *t, int64_t us)
{
        if (us == TIME_NEVER) {
                text_add(t, "without end");
                return;
        }
        if (us < 0) {
                text_add(t, "-");
                us = -us;
        }
        if (us == 0)
                text_add(t, "0 s");
        else if (us < TIME_MS)
                text_add(t, "%" PRId64 " us", us);
        else if (us < TIME_S)
                text_add(t, "%.4g ms", (double)us / (double)TIME_MS);
        else if (us < TIME_MIN)
                text_add(t, "%.4g s", (double)us / (double)TIME_S);
        else if (us < TIME_H)
                text_add(t, "%" PRId64 " min %02" PRId64 " s", us / TIME_MIN, us / TIME_S % 60);
        else
                text_add(t, "%" PRId64 " h %02" PRId64 " min", us / TIME_H, us / TIME_MIN % 60);
}
