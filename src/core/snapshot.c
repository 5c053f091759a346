#include "ald/core/snapshot.h"

#include "ald/base/text.h" /* text_add */
#include "ald/base/time.h" /* TIME_S, time_add_duration */

#include <assert.h> /* assert */
#include <math.h>   /* isfinite */
#include <string.h> /* memset */

void snapshot_init(struct snapshot *snap, const struct tool *tool)
{
        memset(snap, 0, sizeof *snap);
        snap->settled = TRI_BAD;
        snap->fresh_us = INT64_MIN;
        for (int i = 0; i < tool->tag_count; i++) {
                struct snapshot_tag *st = &snap->tag[i];

                st->t_us = st->same_us = INT64_MIN;
                st->quality = st->link_quality = QUALITY_BAD;
                st->why = st->link_why = QUALITY_WHY_NEVER;
        }
        for (int i = 0; i < SNAPSHOT_WINDOWS_MAX; i++)
                snap->window[i].tag = -1;
}

static void window_forget(struct snapshot_window *w)
{
        w->begun_us = INT64_MIN;
        for (int i = 0; i < SNAPSHOT_BUCKETS; i++)
                w->bucket_at[i] = INT64_MIN;
}

void snapshot_watch(struct snapshot *snap, int slot, int tag, int64_t over_us)
{
        struct snapshot_window *w = &snap->window[slot];

        assert(slot >= 0 && slot < SNAPSHOT_WINDOWS_MAX && over_us > 0);
        snap->tag[tag].is_windowed = true;
        w->tag = (int16_t)tag;
        w->over_us = over_us;
        w->bucket_us = over_us / (SNAPSHOT_BUCKETS - 2) + 1;
        window_forget(w);
}

static void window_fold(struct snapshot_window *w, int64_t t_us, double value)
{
        int64_t at = t_us / w->bucket_us;
        int i = (int)(at % SNAPSHOT_BUCKETS);

        if (w->begun_us == INT64_MIN)
                w->begun_us = t_us;
        if (w->bucket_at[i] != at) {
                w->bucket_at[i] = at;
                w->min[i] = w->max[i] = value;
                w->mean[i] = w->mean_s[i] = 0;
                w->count[i] = 0;
        }
        w->count[i]++;
        w->mean[i] += (value - w->mean[i]) / w->count[i];
        w->mean_s[i] += ((double)(t_us - at * w->bucket_us) / (double)TIME_S - w->mean_s[i]) / w->count[i];
        if (value < w->min[i])
                w->min[i] = value;
        if (value > w->max[i])
                w->max[i] = value;
}

/* `is_broken`: what the window holds and this value do not follow one another as Good values. */
static void windows_fold(struct snapshot *snap, const struct sample *s, bool is_good, bool is_broken)
{
        for (int i = 0; i < SNAPSHOT_WINDOWS_MAX; i++) {
                if (snap->window[i].tag != s->tag)
                        continue;
                if (!is_good || is_broken)
                        window_forget(&snap->window[i]);
                if (is_good)
                        window_fold(&snap->window[i], s->t_us, s->value);
        }
}

/* Full of Good values, all of them seen since the step began (S1)? */
static bool is_full(const struct snapshot *snap, const struct snapshot_window *w)
{
        if (w->tag < 0 || w->begun_us == INT64_MIN || snap->now_us - w->begun_us < w->over_us)
                return false;
        return snap->fresh_us == INT64_MIN || snap->now_us - snap->fresh_us >= w->over_us;
}

bool snapshot_range(const struct snapshot *snap, int slot, double *range)
{
        const struct snapshot_window *w = &snap->window[slot];
        int64_t oldest = (snap->now_us - w->over_us) / w->bucket_us;
        double min = INFINITY, max = -INFINITY;

        assert(slot >= 0 && slot < SNAPSHOT_WINDOWS_MAX);
        if (!is_full(snap, w))
                return false;
        for (int i = 0; i < SNAPSHOT_BUCKETS; i++) {
                if (w->bucket_at[i] == INT64_MIN || w->bucket_at[i] < oldest)
                        continue;
                min = w->min[i] < min ? w->min[i] : min;
                max = w->max[i] > max ? w->max[i] : max;
        }
        if (!(min <= max))
                return false;
        *range = max - min;
        return true;
}

/* Sums of a weighted straight line, times and values counted from the first bucket taken: large clocks and large
 * values cancel nothing. */
struct line_sums {
        int64_t at; /* bucket that times count from, INT64_MIN = none yet */
        double value;
        double w, t, v, tt, tv;
        int points;
};

static void line_add(struct line_sums *l, const struct snapshot_window *w, int i)
{
        double weight = w->count[i], t, v;

        if (l->at == INT64_MIN) {
                l->at = w->bucket_at[i];
                l->value = w->mean[i];
        }
        t = (double)(w->bucket_at[i] - l->at) * (double)w->bucket_us / (double)TIME_S + w->mean_s[i];
        v = w->mean[i] - l->value;
        l->w += weight;
        l->t += weight * t;
        l->v += weight * v;
        l->tt += weight * t * t;
        l->tv += weight * t * v;
        l->points++;
}

bool snapshot_rate(const struct snapshot *snap, int slot, double *per_s)
{
        const struct snapshot_window *w = &snap->window[slot];
        struct line_sums l = {.at = INT64_MIN};
        int64_t oldest;
        double spread;

        assert(slot >= 0 && slot < SNAPSHOT_WINDOWS_MAX);
        if (!is_full(snap, w))
                return false;
        oldest = (snap->now_us - w->over_us) / w->bucket_us;
        for (int i = 0; i < SNAPSHOT_BUCKETS; i++)
                if (w->bucket_at[i] != INT64_MIN && w->bucket_at[i] > oldest)
                        line_add(&l, w, i);
        spread = l.w * l.tt - l.t * l.t;
        if (l.points < 3 || !(spread > 0))
                return false;
        *per_s = (l.w * l.tv - l.t * l.v) / spread;
        return true;
}

/* Bit for bit: a working gauge always shows its noise. */
static bool is_identical(double a, double b)
{
        uint64_t bits[2];

        memcpy(&bits[0], &a, sizeof a);
        memcpy(&bits[1], &b, sizeof b);
        return bits[0] == bits[1];
}

static bool is_frozen(const struct snapshot_tag *st, const struct tool_tag *tag)
{
        return tag->freeze_us > 0 && st->same_us != INT64_MIN && st->t_us - st->same_us > tag->freeze_us;
}

bool snapshot_fold(struct snapshot *snap, const struct tool *tool, const struct sample *s)
{
        const struct tool_tag *tag = &tool->tags[s->tag];
        struct snapshot_tag *st = &snap->tag[s->tag];
        bool is_good = s->quality == QUALITY_GOOD, is_broken;

        assert(s->tag >= 0 && s->tag < tool->tag_count);
        if (s->t_us <= st->t_us && st->t_us != INT64_MIN) {
                snap->dropped++;
                return false;
        }
        /* A value that came too late, or after frozen ones, begins its windows anew. */
        is_broken = st->t_us != INT64_MIN && (s->t_us - st->t_us > tag->stale_us || is_frozen(st, tag));
        st->link_quality = s->quality;
        st->link_why = s->why;
        if (is_good && (!isfinite(s->value) ||
                           (tag->has_valid && (s->value < tag->valid_min || s->value > tag->valid_max)))) {
                is_good = false;
                st->link_quality = QUALITY_BAD;
                st->link_why = QUALITY_WHY_INVALID;
        }
        if (is_good) {
                if (st->same_us == INT64_MIN || !is_identical(st->value, s->value))
                        st->same_us = s->t_us;
                st->value = s->value;
        }
        st->t_us = s->t_us;
        if (st->is_windowed)
                windows_fold(snap, s, is_good, is_broken);
        return true;
}

void snapshot_age(struct snapshot *snap, const struct tool *tool, int64_t now_us)
{
        assert(now_us >= snap->now_us);
        snap->now_us = now_us;
        for (int i = 0; i < tool->tag_count; i++) {
                struct snapshot_tag *st = &snap->tag[i];
                const struct tool_tag *tag = &tool->tags[i];

                st->quality = st->link_quality;
                st->why = st->link_why;
                if (st->quality != QUALITY_GOOD)
                        continue;
                if (now_us - st->t_us > tag->stale_us) {
                        st->quality = QUALITY_BAD;
                        st->why = QUALITY_WHY_STALE;
                } else if (is_frozen(st, tag)) {
                        st->quality = QUALITY_UNCERTAIN;
                        st->why = QUALITY_WHY_FROZEN;
                }
        }
}

bool snapshot_is_good(const struct snapshot *snap, int tag)
{
        assert(tag >= 0 && tag < TOOL_TAGS_MAX);
        return snap->tag[tag].quality == QUALITY_GOOD && snap->tag[tag].t_us >= snap->fresh_us;
}

void snapshot_add_tag(struct text *t, const struct snapshot *snap, const struct tool *tool, int tag)
{
        const struct snapshot_tag *st = &snap->tag[tag];

        text_add(t, "%s%s ", tool->tags[tag].name, st->is_bypassed ? " (bypassed)" : "");
        if (st->quality == QUALITY_GOOD) {
                tool_add_value(t, &tool->tags[tag], st->value);
                return;
        }
        text_add(t, "%s (%s", quality_name(st->quality), quality_why_name(st->why));
        if (st->why == QUALITY_WHY_STALE) {
                text_add(t, " ");
                time_add_duration(t, snap->now_us - st->t_us);
        }
        text_add(t, ")");
}
