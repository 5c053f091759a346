/* The snapshot: the newest value of each tag with its quality and source time, never one without the others
 * (SAFETY Q1). Samples fold in; age turns into quality; nothing else changes it. */
#ifndef ALD_CORE_SNAPSHOT_H
#define ALD_CORE_SNAPSHOT_H

#include "ald/core/cond.h"  /* enum tri */
#include "ald/core/event.h" /* struct sample, enum quality */
#include "ald/core/tool.h"  /* TOOL_TAGS_MAX */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct snapshot_tag {
        double value;                   /* the last one accepted, whatever its quality */
        int64_t t_us;                   /* source time; INT64_MIN = never */
        int64_t same_us;                /* source time since when bit-identical */
        uint8_t link_quality, link_why; /* as folded */
        uint8_t quality, why;           /* after age */
        bool is_windowed;               /* a window looks at it */
        bool is_bypassed;               /* T4: interlocks take it for good news; nothing else does */
};

enum { SNAPSHOT_WINDOWS_MAX = 16, SNAPSHOT_BUCKETS = 32 };

/* What `steady` and `rate` look at: one tag's last over_us as buckets, each over_us / (BUCKETS - 2) long. */
struct snapshot_window {
        int16_t tag; /* -1 = unused */
        int64_t over_us, bucket_us;
        int64_t begun_us; /* first Good value since the last that was not; INT64_MIN = none */
        int64_t bucket_at[SNAPSHOT_BUCKETS];
        double min[SNAPSHOT_BUCKETS], max[SNAPSHOT_BUCKETS];
        double mean[SNAPSHOT_BUCKETS],
            mean_s[SNAPSHOT_BUCKETS];    /* value, and time since the bucket's start */
        int32_t count[SNAPSHOT_BUCKETS]; /* values in it */
};

struct snapshot {
        int64_t now_us;
        int64_t fresh_us; /* values sampled before this do not count as Good (S1); INT64_MIN = all count */
        enum tri settled; /* set by the core before conditions are evaluated */
        bool is_exposing;
        int64_t dropped; /* samples older than what was known (Q2) */
        struct snapshot_tag tag[TOOL_TAGS_MAX];
        struct snapshot_window window[SNAPSHOT_WINDOWS_MAX];
};

void snapshot_init(struct snapshot *snap, const struct tool *tool);

/* Fold one sample in. False: dropped because it is not newer than what is known (Q2). NaN, Inf and values outside
 * `valid` become Bad here (Q4). */
bool snapshot_fold(struct snapshot *snap, const struct tool *tool, const struct sample *s);

/* Let time move to now_us: stale values become Bad, frozen ones Uncertain. */
void snapshot_age(struct snapshot *snap, const struct tool *tool, int64_t now_us);

/* Good, and not sampled before snap->fresh_us. */
bool snapshot_is_good(const struct snapshot *snap, int tag);

/* Set up window `slot` for a tag; older contents are forgotten. */
void snapshot_watch(struct snapshot *snap, int slot, int tag, int64_t over_us);
/* Range of the window, or false while it is not yet full of Good values. */
bool snapshot_range(const struct snapshot *snap, int slot, double *range);
/* Slope of the window, per second, by least squares over its buckets' means, each as heavy as the values in it: noise
 * falls with the number of values, not with the length of the window alone. False as above. */
bool snapshot_rate(const struct snapshot *snap, int slot, double *per_s);

/* "chamber.pressure 2.31 Torr" or "chamber.pressure Bad (stale)". */
void snapshot_add_tag(struct text *t, const struct snapshot *snap, const struct tool *tool, int tag);

#endif
