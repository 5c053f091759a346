#include "ald/app/latency.h"

#include "ald/base/text.h" /* text_copy */

#include <stdlib.h> /* realloc, qsort */
#include <string.h> /* strcmp */

static const struct {
        const char *name, *json;
} names[LATENCY_COUNT] = {
    [LATENCY_OPENED] = {"opened late", "opened_late"},
    [LATENCY_CLOSED] = {"closed late", "closed_late"},
    [LATENCY_WIDTH] = {"width error", "width_error"},
    [LATENCY_OPEN_ANSWER] = {"open answered", "open_answered"},
    [LATENCY_CLOSE_ANSWER] = {"close answered", "close_answered"},
};

const char *latency_name(enum latency_what what)
{
        return names[what].name;
}

const char *latency_json_name(enum latency_what what)
{
        return names[what].json;
}

static struct latency_group *find_group(struct latency *l, const char *precursor)
{
        for (int i = 0; i < l->count; i++)
                if (strcmp(l->group[i].precursor, precursor) == 0)
                        return &l->group[i];
        if (l->count == LATENCY_GROUPS_MAX)
                return NULL;
        struct latency_group *g = &l->group[l->count++];
        text_copy(g->precursor, sizeof g->precursor, precursor);
        return g;
}

static void add_value(struct latency *l, struct latency_values *v, int64_t us)
{
        if (v->count == v->room) {
                size_t room = v->room > 0 ? 2 * v->room : 256;
                int64_t *more = realloc(v->us, room * sizeof *more);
                if (more == NULL) {
                        l->is_short_of_memory = true;
                        return;
                }
                v->us = more;
                v->room = room;
        }
        v->us[v->count++] = us;
}

/* Did it close by its plan, whatever else went wrong? A cut one did not mean to. */
static bool is_judged(const struct query_pulse *p)
{
        return (strcmp(p->outcome, "done") == 0 || strcmp(p->outcome, "failed") == 0) && p->width_us >= 0 &&
               p->planned_width_us >= 0;
}

void latency_add(struct latency *l, const struct query_pulse *p)
{
        struct latency_group *g = find_group(l, p->precursor);
        if (g == NULL) {
                l->is_short_of_memory = true;
                return;
        }
        struct latency_values *v = g->values;
        g->pulses++;
        g->done += strcmp(p->outcome, "done") == 0;
        g->late += strcmp(p->outcome, "late") == 0;
        if (p->opened_us < 0 || p->planned_open_us < 0)
                return;
        int64_t late_us = p->opened_us - p->planned_open_us;
        add_value(l, &v[LATENCY_OPENED], late_us);
        if (p->open_acked_us >= 0)
                add_value(l, &v[LATENCY_OPEN_ANSWER], p->open_acked_us - p->opened_us);
        if (!is_judged(p))
                return;
        add_value(l, &v[LATENCY_WIDTH], p->width_us - p->planned_width_us);
        add_value(l, &v[LATENCY_CLOSED], late_us + p->width_us - p->planned_width_us);
        if (p->closed_us >= 0 && p->close_acked_us >= 0)
                add_value(l, &v[LATENCY_CLOSE_ANSWER], p->close_acked_us - p->closed_us);
}

void latency_free(struct latency *l)
{
        for (int i = 0; i < l->count; i++)
                for (int k = 0; k < LATENCY_COUNT; k++)
                        free(l->group[i].values[k].us);
        l->count = 0;
}

static int64_t size_of(int64_t us)
{
        return us < 0 ? -us : us;
}

static int by_value(const void *a, const void *b)
{
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
        return (x > y) - (x < y);
}

static int by_size(const void *a, const void *b)
{
        int64_t x = size_of(*(const int64_t *)a), y = size_of(*(const int64_t *)b);
        return (x > y) - (x < y);
}

/* The smallest that `per_mille` of them do not exceed. */
static int64_t at(const struct latency_values *v, size_t per_mille)
{
        size_t rank = (v->count * per_mille + 999) / 1000;
        return size_of(v->us[rank - 1]);
}

void latency_sum_up(struct latency_values *v, struct latency_sum *out)
{
        *out = (struct latency_sum){.count = v->count, .p99_us = -1, .p999_us = -1, .max_us = -1};
        if (v->count == 0)
                return;
        qsort(v->us, v->count, sizeof *v->us, by_value);
        out->median_us = v->us[(v->count - 1) / 2];
        qsort(v->us, v->count, sizeof *v->us, by_size);
        if (v->count >= LATENCY_P99_MIN)
                out->p99_us = at(v, 990);
        if (v->count >= LATENCY_P999_MIN)
                out->p999_us = at(v, 999);
        out->max_us = at(v, 1000);
}
