/* A tag over a window of any length in at most so many points, with no extreme lost: what a plot draws.
 *
 * A point stands for a stretch of time. Its minimum and maximum are those of every sample in it, so that a spike of one
 * sample shows in a plot of a year. Where the samples are many, the rollups that the writer keeps (store/rollup.h)
 * stand for them; a short window is read sample by sample. */
#ifndef ALD_STORE_TREND_H
#define ALD_STORE_TREND_H

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct query;

enum { TREND_POINTS = 2000, TREND_POINTS_MAX = 100000 };

struct trend_point {
        int64_t t_us, end_us;   /* UTC: of its first and of its last sample, to step_us */
        double min, max, mean;  /* of its samples that are not Bad; NaN: there is none */
        int64_t min_us, max_us; /* when, to step_us; the first of equals */
        int64_t count, bad;     /* those samples, and further ones that are Bad or no number */
        int64_t lost;           /* known not to be kept (events of kind "gap"): count and bad may be 0 then */
        int quality;            /* enum quality: the worst of its samples; Bad: it has none */
};

struct trend_info {
        char unit[16];    /* "" = none */
        int64_t step_us;  /* how exact the times of points are: 1 = samples, else the period of the rollups */
        int64_t width_us; /* what one point covers; 1: each sample is a point */
};

/* The points of `tag` in [from_us, to_us), UTC, in order of time, at most `points` (2 to TREND_POINTS_MAX). A stretch without
 * samples gives no point. From rollups the window is widened to whole periods, which is less than a point at either
 * end. Where the tag's unit changed within the window, the newer unit's samples. *info (not NULL) is known before the
 * first row. 1: done; 0: there is no such tag; -1: query_why(). */
int query_trend(struct query *q, const char *tag, int64_t from_us, int64_t to_us, int points,
    struct trend_info *info, void (*row)(void *ctx, const struct trend_point *p), void *ctx);

/* The last sample of `tag` before t_us, as a point: what was in force then. 1: found; 0: none; -1: query_why(). */
int query_trend_before(struct query *q, const char *tag, int64_t t_us, struct trend_point *out);

/* The names of all tags that were ever kept, in order. 0, or -1. */
int query_trend_tags(struct query *q, void (*row)(void *ctx, const char *name, const char *unit), void *ctx);

#endif
