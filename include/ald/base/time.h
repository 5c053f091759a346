/* Time inside the programs: int64_t microseconds.
 *
 * Monotonic times (`..._us`) order and pace everything; wall times (`wall_us`, UTC since 1970) are recorded
 * beside them and decide nothing (SAFETY R3). This module only does arithmetic and text: it reads no clock. */
#ifndef ALD_BASE_TIME_H
#define ALD_BASE_TIME_H

#include <stddef.h> /* size_t */
#include <stdint.h> /* int64_t */

#define TIME_MS    INT64_C(1000)
#define TIME_S     INT64_C(1000000)
#define TIME_MIN   (60 * TIME_S)
#define TIME_H     (60 * TIME_MIN)
#define TIME_NEVER INT64_MAX /* a deadline that does not come */

struct text;

/* `a + b` that stays at TIME_NEVER and never overflows. */
int64_t time_add(int64_t a_us, int64_t b_us);
int64_t time_min(int64_t a_us, int64_t b_us);
/* The earlier of `next` and a deadline, where that is still ahead of now_us; else `next`. */
int64_t time_next(int64_t next_us, int64_t deadline_us, int64_t now_us);

/* The whole multiple of unit_us (> 0) nearest to t_us (>= 0); up from the middle. */
int64_t time_nearest(int64_t t_us, int64_t unit_us);

/* "2026-11-21T10:15:30.123456Z" from UTC microseconds; the buffer has room for any value. */
#define TIME_UTC_CAP 48
void time_format_utc(int64_t wall_us, char buf[TIME_UTC_CAP]);

/* A duration as people say it: "100 ms", "1 s", "20 min 33 s", "2 h 05 min". */
void time_add_duration(struct text *t, int64_t us);

#endif
