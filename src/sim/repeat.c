#include "ald/sim/repeat.h"

#include <assert.h> /* assert */
#include <math.h>   /* fabs */
#include <stdlib.h> /* calloc, free */
#include <string.h> /* memcpy */

enum {
        STEPS_MAX = 256, /* moves and outputs in a period; a longer one is computed */
        STATE_MAX = 8 + 2 * TOOL_LOOPS_MAX + 8 * TOOL_LINES_MAX,
        SUMS_MAX = 2 + TOOL_LOOPS_MAX + 4 * TOOL_LINES_MAX
};

/* Equal within. */
static const double equal_part = 1e-9;

struct repeat_step {
        int64_t span_us; /* of a move */
        int tag;         /* of an output; TOOL_NONE = a move */
        double value;
        double state[STATE_MAX], sums[SUMS_MAX]; /* after a move; sums since the period began */
};

struct course {
        bool is_whole; /* it was followed from its mark on */
        int count;
        double start[STATE_MAX];
        struct repeat_step step[STEPS_MAX];
};

struct repeat {
        bool is_playing;
        int equal;                     /* periods that were equal to the one before, in a row */
        int cursor;                    /* playing: next step of the template */
        double from[SUMS_MAX];         /* at the last mark */
        struct course *last, *present; /* the template, and the period that goes on */
        struct course course[2];
};

/* ---- the plant as numbers ---- */

/* All that decides how it goes on, but for what drives it. */
static int save_state(const struct plant *plant, double *to)
{
        int n = 0;

        to[n++] = plant->pressure_torr;
        to[n++] = plant->inflow_sccm;
        to[n++] = plant->pump;
        to[n++] = plant->is_over_temperature;
        to[n++] = plant->is_quiet;
        to[n++] = (double)plant->since_us;
        for (int i = 0; i < plant->loop_count; i++) {
                to[n++] = plant->loop[i].value;
                to[n++] = plant->loop[i].is_moving;
        }
        for (int i = 0; i < plant->line_count; i++) {
                const struct plant_line *line = &plant->line[i];
                double numbers[] = {line->is_resting, line->rest_degc, line->coverage, line->vapour_sccm,
                    line->dose.head_vapour_torr, line->dose.head_carrier_torr, line->dose.gas_umol,
                    line->dose.slow_umol};

                memcpy(&to[n], numbers, sizeof numbers);
                n += (int)(sizeof numbers / sizeof numbers[0]);
        }
        assert(n <= STATE_MAX);
        return n;
}

static void load_state(struct plant *plant, const double *from)
{
        plant->pressure_torr = *from++;
        plant->inflow_sccm = *from++;
        plant->pump = *from++;
        plant->is_over_temperature = *from++ != 0;
        plant->is_quiet = *from++ != 0;
        plant->since_us = (int64_t)*from++;
        for (int i = 0; i < plant->loop_count; i++) {
                plant->loop[i].value = *from++;
                plant->loop[i].is_moving = *from++ != 0;
        }
        for (int i = 0; i < plant->line_count; i++) {
                struct plant_line *line = &plant->line[i];

                line->is_resting = *from++ != 0;
                line->rest_degc = *from++;
                line->coverage = *from++;
                line->vapour_sccm = *from++;
                line->dose.head_vapour_torr = *from++;
                line->dose.head_carrier_torr = *from++;
                line->dose.gas_umol = *from++;
                line->dose.slow_umol = *from++;
        }
}

/* What only adds up. */
static int save_sums(const struct plant *plant, double *to)
{
        int n = 0;

        to[n++] = plant->torr_s;
        to[n++] = plant->in_sccm_s;
        for (int i = 0; i < plant->loop_count; i++)
                to[n++] = plant->loop[i].passed_sccm_s;
        for (int i = 0; i < plant->line_count; i++) {
                const struct dose *dose = &plant->line[i].dose;

                to[n++] = dose->delivered_umol;
                to[n++] = dose->adsorbed_umol;
                to[n++] = dose->released_umol;
                to[n++] = dose->exposure_torr_s;
        }
        assert(n <= SUMS_MAX);
        return n;
}

/* `from`, and since then `more`. */
static void load_sums(struct plant *plant, const double *from, const double *more)
{
        plant->torr_s = *from++ + *more++;
        plant->in_sccm_s = *from++ + *more++;
        for (int i = 0; i < plant->loop_count; i++)
                plant->loop[i].passed_sccm_s = *from++ + *more++;
        for (int i = 0; i < plant->line_count; i++) {
                struct dose *dose = &plant->line[i].dose;

                dose->delivered_umol = *from++ + *more++;
                dose->adsorbed_umol = *from++ + *more++;
                dose->released_umol = *from++ + *more++;
                dose->exposure_torr_s = *from++ + *more++;
        }
}

/* ---- are two periods equal? ---- */

static bool are_equal(const double *a, const double *b, int n)
{
        for (int i = 0; i < n; i++)
                if (!(fabs(a[i] - b[i]) <= equal_part * (1 + fabs(a[i]))))
                        return false;
        return true;
}

static bool is_same_course(const struct course *a, const struct course *b, const struct plant *plant)
{
        double sums[SUMS_MAX], state[STATE_MAX];
        int sum_count = save_sums(plant, sums), state_count = save_state(plant, state);

        if (!a->is_whole || !b->is_whole || a->count != b->count ||
            !are_equal(a->start, b->start, state_count))
                return false;
        for (int i = 0; i < a->count; i++) {
                const struct repeat_step *x = &a->step[i], *y = &b->step[i];

                if (x->tag != y->tag || x->span_us != y->span_us || x->value < y->value ||
                    x->value > y->value)
                        return false;
                if (x->tag == TOOL_NONE &&
                    !(are_equal(x->state, y->state, state_count) && are_equal(x->sums, y->sums, sum_count)))
                        return false;
        }
        return true;
}

/* ---- life ---- */

struct repeat *repeat_new(void)
{
        struct repeat *r = calloc(1, sizeof *r);

        if (r == NULL)
                return NULL;
        r->last = &r->course[0];
        r->present = &r->course[1];
        return r;
}

void repeat_free(struct repeat *r)
{
        free(r);
}

void repeat_forget(struct repeat *r)
{
        r->is_playing = false;
        r->equal = 0;
        r->last->is_whole = r->present->is_whole = false;
}

bool repeat_is_playing(const struct repeat *r)
{
        return r->is_playing;
}

/* ---- following and playing ---- */

static void begin(struct repeat *r, const struct plant *plant)
{
        r->cursor = 0;
        (void)save_sums(plant, r->from);
        r->present->is_whole = true;
        r->present->count = 0;
        (void)save_state(plant, r->present->start);
}

void repeat_mark(struct repeat *r, struct plant *plant)
{
        struct course *ended = r->present;

        if (r->is_playing) {
                if (r->cursor != r->last->count)
                        repeat_forget(r);
                begin(r, plant);
                return;
        }
        r->equal = is_same_course(r->last, ended, plant) ? r->equal + 1 : 0;
        r->present = r->last;
        r->last = ended;
        begin(r, plant);
        /* The last one ended where it began: only then does one more lead to the same. */
        r->is_playing = r->equal >= REPEAT_EQUAL &&
                        are_equal(r->last->start, r->present->start, save_state(plant, r->present->start));
}

bool repeat_move(struct repeat *r, struct plant *plant, int64_t span_us)
{
        const struct repeat_step *s = &r->last->step[r->cursor];

        if (!r->is_playing)
                return false;
        if (r->cursor == r->last->count || s->tag != TOOL_NONE || s->span_us != span_us) {
                repeat_forget(r);
                return false;
        }
        load_state(plant, s->state);
        load_sums(plant, r->from, s->sums);
        r->cursor++;
        return true;
}

static struct repeat_step *add(struct repeat *r)
{
        if (!r->present->is_whole)
                return NULL;
        if (r->present->count == STEPS_MAX) {
                r->present->is_whole = false;
                return NULL;
        }
        return &r->present->step[r->present->count++];
}

void repeat_moved(struct repeat *r, const struct plant *plant, int64_t span_us)
{
        struct repeat_step *s = add(r);
        int n;

        if (s == NULL)
                return;
        s->tag = TOOL_NONE;
        s->value = 0;
        s->span_us = span_us;
        (void)save_state(plant, s->state);
        n = save_sums(plant, s->sums);
        for (int i = 0; i < n; i++)
                s->sums[i] -= r->from[i];
}

void repeat_drove(struct repeat *r, int tag, double value)
{
        const struct repeat_step *next = &r->last->step[r->cursor];
        struct repeat_step *s;

        if (r->is_playing && r->cursor < r->last->count && next->tag == tag && !(next->value < value) &&
            !(next->value > value)) {
                r->cursor++;
                return;
        }
        if (r->is_playing) {
                repeat_forget(r);
                return;
        }
        s = add(r);
        if (s == NULL)
                return;
        s->tag = tag;
        s->value = value;
        s->span_us = 0;
}
