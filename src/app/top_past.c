#include "ald/app/top_past.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_get_number */
#include "ald/base/time.h"       /* TIME_MS */
#include "ald/store/query.h"     /* query_open */
#include "ald/store/trend.h"     /* query_trend */

#include <math.h>   /* isnan */
#include <string.h> /* strcmp */

/* The keys do not wait for a slow disk. A value is logged when it changes; longer than this it is not drawn on without word. */
#define LIMIT_US (150 * TIME_MS)
#define HOLD_US  (60 * TIME_S)
enum { POINTS = 4000, RUNS = 8 };

struct filling {
        struct top_model *m;
        int64_t last_us; /* end of the point before; 0: none */
        double last;
        int64_t runs[RUNS];
        int run_count;
};

static void take_point(void *ctx, const struct trend_point *p)
{
        struct filling *f = ctx;

        if (f->last_us > 0 && p->t_us - f->last_us < HOLD_US)
                top_trend_hold(&f->m->trend, f->last_us, p->t_us, f->last, f->last);
        f->last_us = 0;
        if (p->lost > 0 || isnan(p->mean))
                return;
        top_trend_hold(&f->m->trend, p->t_us, p->end_us, p->min, p->max);
        f->last_us = p->end_us;
        f->last = p->mean;
}

static void take_pulse(void *ctx, const struct query_pulse *p)
{
        struct filling *f = ctx;
        int64_t from_us = f->m->wall_us - TOP_TREND_SPAN_US;

        if (p->opened_us < from_us || p->width_us < 0)
                return;
        for (int i = 0; i < f->m->line_count; i++)
                if (strcmp(f->m->lines[i], p->precursor) == 0)
                        top_trend_know(&f->m->trend, i, p->opened_us, p->opened_us + p->width_us);
}

static void take_run(void *ctx, const struct query_run *run)
{
        struct filling *f = ctx;

        if (f->run_count < RUNS && (run->ended_us == 0 || run->ended_us > f->m->wall_us - TOP_TREND_SPAN_US))
                f->runs[f->run_count++] = run->id;
}

static struct query *open_record(const char *path)
{
        char why[256];
        struct query *q = path != NULL && path[0] != '\0' ? query_open(path, why, sizeof why) : NULL;

        if (q != NULL)
                query_set_limit(q, LIMIT_US);
        return q;
}

void top_past_fill(struct top_model *m, const char *path)
{
        struct filling f = {.m = m};
        struct trend_info info;
        struct query *q = open_record(path);

        if (q == NULL)
                return;
        if (m->gauge != NULL)
                (void)query_trend(
                    q, m->gauge, m->wall_us - TOP_TREND_SPAN_US, m->wall_us, POINTS, &info, take_point, &f);
        if (query_runs(q, RUNS, take_run, &f) == 0)
                for (int i = 0; i < f.run_count; i++)
                        (void)query_pulses(q, f.runs[i], take_pulse, &f);
        query_close(q);
}

void top_past_refresh(struct top_model *m, const char *path)
{
        struct filling f = {.m = m};
        struct query *q = open_record(path);

        if (q == NULL)
                return;
        (void)query_last_pulses(q, (int64_t)show_get_number(m->view.status, "run", 0), take_pulse, &f);
        query_close(q);
}
