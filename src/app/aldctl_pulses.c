/* aldctl pulses: what each precursor's pulses brought, cycle by cycle and run by run, and the base pressure at their flow. */
#include "ald/app/aldctl.h"      /* own declarations */
#include "ald/app/aldctl_show.h" /* show_* */
#include "ald/base/time.h"       /* time_format_utc, TIME_S */
#include "ald/core/drift.h"      /* drift_* */
#include "ald/store/query.h"     /* query_* */

#include <math.h>   /* fabs, isnan, NAN */
#include <stdlib.h> /* calloc, free, malloc, realloc */
#include <string.h> /* memcpy, memset, strcmp */

enum { SPARK = 24, SPARK_MIN = 8, ROW = 78, RUNS_BEFORE = 20, RUNS_ALL = 1000000 };
/* Where the tool file does not say it (ald-tool.5, depletion). */
static const double change_sought = 0.3;

/* The pulses of one precursor in one run. */
struct series {
        size_t count, cap;
        double *area;  /* of those done and measured, in order */
        double *decay; /* s, of those that have one */
        size_t decays;
        int64_t all, width_us;
};

struct line {
        char name[48];
        struct series now; /* of the run that is being read */
        struct drift drift;
        int64_t width_us;
        double first; /* median of the first run at this width; NaN = none yet */
        json_t *runs;
        int rows;
};

struct pulses {
        const char *only; /* NULL: every precursor */
        int count;
        struct line line[TOOL_LINES_MAX];
        struct query_run *run;
        int run_count, run_cap;
        bool json, is_failed;
        json_t *bases;
        int base_rows;
        int64_t only_run;  /* shown alone, after those before it were judged; 0: all */
        int64_t first_run; /* bases of runs before are not shown */
};

/* ---- collecting ---- */

static void take_run(void *ctx, const struct query_run *run)
{
        struct pulses *p = ctx;

        if (p->run_count < p->run_cap && (p->only_run == 0 || run->id <= p->only_run))
                p->run[p->run_count++] = *run;
}

static struct line *find_line(struct pulses *p, const char *name)
{
        for (int i = 0; i < p->count; i++)
                if (strcmp(p->line[i].name, name) == 0)
                        return &p->line[i];
        if (p->count == TOOL_LINES_MAX)
                return NULL;
        text_copy(p->line[p->count].name, sizeof p->line[p->count].name, name);
        p->line[p->count].first = NAN;
        p->line[p->count].runs = json_array();
        return &p->line[p->count++];
}

static bool grow(struct series *s)
{
        size_t cap = s->cap == 0 ? 64 : 2 * s->cap;
        double *area = realloc(s->area, cap * sizeof *area);

        if (area != NULL)
                s->area = area;
        double *decay = area != NULL ? realloc(s->decay, cap * sizeof *decay) : NULL;
        if (decay == NULL)
                return false;
        s->decay = decay;
        s->cap = cap;
        return true;
}

static void take_pulse(void *ctx, const struct query_pulse *pulse)
{
        struct pulses *p = ctx;
        struct line *line;
        struct series *s;

        if (pulse->precursor[0] == '\0' || (p->only != NULL && strcmp(p->only, pulse->precursor) != 0))
                return;
        line = find_line(p, pulse->precursor);
        if (line == NULL)
                return;
        s = &line->now;
        s->all++;
        if (strcmp(pulse->outcome, "done") != 0 || isnan(pulse->fit))
                return;
        if (s->count == s->cap && !grow(s)) {
                p->is_failed = true;
                return;
        }
        s->area[s->count++] = pulse->fit;
        s->width_us = pulse->planned_width_us;
        if (pulse->decay_us >= 0)
                s->decay[s->decays++] = (double)pulse->decay_us / (double)TIME_S;
}

/* ---- figures ---- */

static double median(const double *value, size_t n)
{
        double *sorted = n > 0 ? malloc(n * sizeof *sorted) : NULL;
        double middle;

        if (sorted == NULL)
                return NAN;
        memcpy(sorted, value, n * sizeof *sorted);
        middle = drift_median(sorted, n);
        free(sorted);
        return middle;
}

/* The standard deviation of one pulse, by neighbours: 1.4826 / sqrt(2) times the median of their differences. */
static double spread(const double *value, size_t n)
{
        double *by = n > 2 ? malloc(n * sizeof *by) : NULL;
        double all;

        if (by == NULL)
                return NAN;
        for (size_t i = 1; i < n; i++)
                by[i - 1] = fabs(value[i] - value[i - 1]);
        all = 1.0483 * median(by, n - 1);
        free(by);
        return all;
}

struct figures {
        double median, spread, decay, change; /* change: against the first run shown at this width */
        enum drift_is is;
        double low, high; /* the sums at the end, in standard deviations */
        int64_t at;       /* the pulse of the run at which it alarmed first; 0 = none */
};

static struct figures judge(struct line *line)
{
        const struct series *s = &line->now;
        struct figures f = {.median = median(s->area, s->count),
            .spread = spread(s->area, s->count),
            .decay = median(s->decay, s->decays)};

        if (line->width_us != s->width_us) {
                drift_forget(&line->drift);
                line->first = NAN;
        }
        line->width_us = s->width_us;
        if (isnan(line->first))
                line->first = f.median;
        f.change = line->first > 0 ? f.median / line->first - 1 : NAN;
        drift_begin(&line->drift);
        for (size_t i = 0; i < s->count; i++)
                if (drift_add(&line->drift, s->area[i], NAN, change_sought) > DRIFT_HEALTHY && f.at == 0)
                        f.at = (int64_t)i + 1;
        f.is = drift_state(&line->drift);
        f.low = line->drift.low.sum;
        f.high = line->drift.high.sum;
        return f;
}

static const char *word(const struct figures *f)
{
        static const char *const words[] = {[DRIFT_LEARNING] = "learning",
            [DRIFT_HEALTHY] = "steady",
            [DRIFT_LOW] = "low",
            [DRIFT_HIGH] = "high"};

        return words[f->is];
}

/* ---- showing ---- */

/* What a row of the table leaves of a terminal for the areas. */
static int spark_columns(void)
{
        int columns = show_columns(stdout);

        if (columns == 0 || columns > ROW + SPARK)
                return SPARK;
        return columns - ROW < SPARK_MIN ? 0 : columns - ROW;
}

/* Parts of the run against its median: half of it is the lowest block, half more the highest. */
static void add_spark(struct text *t, const struct series *s, double middle)
{
        static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
        size_t room = (size_t)spark_columns(), parts = s->count < room ? s->count : room;

        for (size_t i = 0; middle > 0 && i < parts; i++) {
                size_t from = i * s->count / parts, to = (i + 1) * s->count / parts;
                double part = (median(s->area + from, to - from) / middle - 0.5) * 8;

                text_add(t, "%s", blocks[part < 0 ? 0 : part > 7 ? 7 : (int)part]);
        }
}

static void add_part(struct text *t, double part, bool has_sign)
{
        if (isnan(part))
                text_add(t, "-");
        else
                text_add(t, has_sign ? "%+.1f %%" : "%.1f %%", 100 * part);
}

static void print_head(const struct line *line, const char *unit)
{
        char head[40];

        (void)snprintf(head, sizeof head, "AREA (%s s)", unit[0] != '\0' ? unit : "gauge");
        (void)printf(
            "%s%s%s: median of its pulses, spread of one, change since the first run, decay to 1/e in s\n",
            show_colour(stdout, SHOW_BOLD), line->name, show_colour(stdout, SHOW_PLAIN));
        (void)printf("%s%5s  %-16s %6s %13s %6s %7s %5s  %-9s%s%s\n", show_colour(stdout, SHOW_BOLD), "RUN",
            "STARTED", "PULSES", head, "SPREAD", "CHANGE", "DECAY", "CUSUM",
            spark_columns() > 0 ? " AREA" : "", show_colour(stdout, SHOW_PLAIN));
}

static void print_row(const struct query_run *run, struct line *line, const struct figures *f)
{
        char started[SHOW_TIME_CAP], buf[5][40], spark[SPARK * 4];
        struct text t;

        show_local(run->started_us, true, started);
        text_init(&t, buf[0], sizeof buf[0]);
        text_add(&t, isnan(f->median) ? "-" : "%.4g", f->median);
        text_init(&t, buf[1], sizeof buf[1]);
        add_part(&t, f->median > 0 ? f->spread / f->median : NAN, false);
        text_init(&t, buf[2], sizeof buf[2]);
        add_part(&t, f->change, true);
        text_init(&t, buf[3], sizeof buf[3]);
        text_add(&t, isnan(f->decay) ? "-" : "%.2f", f->decay);
        text_init(&t, buf[4], sizeof buf[4]);
        text_add(&t, "%s", word(f));
        if (f->at > 0)
                text_add(&t, " at %lld", (long long)f->at);
        text_init(&t, spark, sizeof spark);
        add_spark(&t, &line->now, f->median);
        (void)printf("%5lld  %-16.16s %6lld %13s %6s %7s %5s  %s%-9s%s %s\n", (long long)run->id, started,
            (long long)line->now.all, buf[0], buf[1], buf[2], buf[3],
            f->at > 0 ? show_colour(stdout, SHOW_YELLOW) : "", buf[4],
            f->at > 0 ? show_colour(stdout, SHOW_PLAIN) : "", spark);
}

static json_t *number(double value)
{
        return isnan(value) ? json_null() : json_real(value);
}

static json_t *utc(int64_t us)
{
        char text[TIME_UTC_CAP];

        if (us <= 0)
                return json_null();
        time_format_utc(us, text);
        return json_string(text);
}

static void keep_row(const struct query_run *run, struct line *line, const struct figures *f)
{
        json_t *o = json_object(), *areas = json_array();

        for (size_t i = 0; i < line->now.count; i++)
                (void)json_array_append_new(areas, json_real(line->now.area[i]));
        (void)json_object_set_new(o, "run", json_integer(run->id));
        (void)json_object_set_new(o, "started", utc(run->started_us));
        (void)json_object_set_new(o, "pulses", json_integer(line->now.all));
        (void)json_object_set_new(o, "width_s", number((double)line->now.width_us / (double)TIME_S));
        (void)json_object_set_new(o, "unit", json_string(run->pressure_unit));
        (void)json_object_set_new(o, "median", number(f->median));
        (void)json_object_set_new(o, "spread", number(f->spread));
        (void)json_object_set_new(o, "change", number(f->change));
        (void)json_object_set_new(o, "decay_s", number(f->decay));
        (void)json_object_set_new(o, "state", json_string(word(f)));
        (void)json_object_set_new(o, "alarmed_at", f->at > 0 ? json_integer(f->at) : json_null());
        (void)json_object_set_new(o, "cusum_low", number(f->low));
        (void)json_object_set_new(o, "cusum_high", number(f->high));
        (void)json_object_set_new(o, "areas", areas);
        (void)json_array_append_new(line->runs, o);
}

static void show_base(void *ctx, const struct query_base *b)
{
        struct pulses *p = ctx;
        json_t *o;

        if (b->run_id < p->first_run || (p->only_run != 0 && b->run_id != p->only_run))
                return;
        if (!p->json) {
                if (p->base_rows++ == 0)
                        (void)printf("%sbase pressure at a steady flow\n%5s  %-7s %8s %10s %10s %8s%s\n",
                            show_colour(stdout, SHOW_BOLD), "RUN", "MOMENT", "FLOW", "PRESSURE", "SPREAD",
                            "SAMPLES", show_colour(stdout, SHOW_PLAIN));
                (void)printf("%5lld  %-7s %8.4g %10.5g %10.3g %8lld\n", (long long)b->run_id, b->moment,
                    b->flow, b->pressure, b->spread, (long long)b->samples);
                return;
        }
        o = json_object();
        (void)json_object_set_new(o, "run", json_integer(b->run_id));
        (void)json_object_set_new(o, "moment", json_string(b->moment));
        (void)json_object_set_new(o, "time", utc(b->t_us));
        (void)json_object_set_new(o, "flow", number(b->flow));
        (void)json_object_set_new(o, "pressure", number(b->pressure));
        (void)json_object_set_new(o, "spread", number(b->spread));
        (void)json_object_set_new(o, "samples", json_integer(b->samples));
        (void)json_array_append_new(p->bases, o);
}

/* ---- the command ---- */

/* Rows of one line at a time for people: the pulses are read once for each line. */
static int read_run(struct query *q, struct pulses *p, const struct query_run *run)
{
        for (int i = 0; i < p->count; i++)
                p->line[i].now.count = p->line[i].now.decays = (size_t)(p->line[i].now.all = 0);
        if (query_pulses(q, run->id, take_pulse, p) != 0)
                return -1;
        return p->is_failed ? -1 : 0;
}

static int show_each(struct query *q, struct pulses *p)
{
        const char *only = p->only;

        for (int i = p->run_count - 1; i >= 0; i--) {
                if (read_run(q, p, &p->run[i]) != 0)
                        return -1;
                for (int k = 0; k < p->count; k++) {
                        struct line *line = &p->line[k];
                        struct figures f;

                        if (line->now.all == 0 || (only != NULL && strcmp(only, line->name) != 0))
                                continue;
                        f = judge(line);
                        if (p->only_run != 0 && p->run[i].id != p->only_run)
                                continue;
                        if (p->json)
                                keep_row(&p->run[i], line, &f);
                        else if (only != NULL) {
                                if (line->rows++ == 0)
                                        print_head(line, p->run[i].pressure_unit);
                                print_row(&p->run[i], line, &f);
                        }
                }
        }
        return 0;
}

static int show_runs(struct query *q, struct pulses *p, const char *only)
{
        p->only = only;
        int failed = show_each(q, p);
        p->only = NULL; /* it is the caller's */
        return failed;
}

static void forget(struct pulses *p)
{
        for (int i = 0; i < p->count; i++) {
                drift_forget(&p->line[i].drift);
                p->line[i].first = NAN;
                p->line[i].width_us = 0;
        }
}

/* A table for each precursor: the first look finds their names. */
static int show_tables(struct query *q, struct pulses *p, const char *only)
{
        char names[TOOL_LINES_MAX][48];
        int count;

        if (only != NULL) {
                int failed = show_runs(q, p, only);

                (void)fputc('\n', stdout);
                return failed;
        }
        for (int i = 0; i < p->run_count; i++)
                if (read_run(q, p, &p->run[i]) != 0)
                        return -1;
        count = p->count;
        for (int i = 0; i < count; i++)
                memcpy(names[i], p->line[i].name, sizeof names[i]);
        for (int i = 0; i < count; i++) {
                forget(p);
                if (show_runs(q, p, names[i]) != 0)
                        return -1;
                (void)fputc('\n', stdout);
        }
        return 0;
}

static void show_all_json(struct pulses *p)
{
        json_t *out = json_object(), *list = json_array();

        for (int i = 0; i < p->count; i++) {
                json_t *o = json_object();

                (void)json_object_set_new(o, "precursor", json_string(p->line[i].name));
                (void)json_object_set(o, "runs", p->line[i].runs);
                (void)json_array_append_new(list, o);
        }
        (void)json_object_set_new(out, "precursors", list);
        (void)json_object_set(out, "bases", p->bases);
        show_json(out);
}

static enum aldctl_exit show_pulses(struct query *q, struct pulses *p, const struct aldctl_options *o)
{
        bool found_any = false;
        int failed;

        p->json = o->json;
        p->first_run = p->only_run != 0 ? p->only_run : p->run_count > 0 ? p->run[p->run_count - 1].id : 0;
        p->bases = json_array();
        failed = p->json ? show_runs(q, p, o->precursor) : show_tables(q, p, o->precursor);
        for (int i = 0; i < p->count; i++)
                found_any = found_any || o->precursor == NULL || strcmp(o->precursor, p->line[i].name) == 0;
        if (failed == 0 && !found_any && !p->json)
                (void)printf("no pulses were recorded%s%s\n", o->precursor != NULL ? " of " : "",
                    o->precursor != NULL ? o->precursor : "");
        if (failed == 0 && (p->json || o->precursor == NULL))
                failed = query_bases(q, 0, show_base, p);
        if (failed == 0 && p->json)
                show_all_json(p);
        if (failed != 0)
                show_error("%s", p->is_failed ? "out of memory" : query_why(q));
        return failed == 0 ? ALDCTL_OK : ALDCTL_FAILED;
}

/* The runs to show; anything but ALDCTL_OK was told. */
static enum aldctl_exit find_runs(
    struct query *q, struct pulses *p, const struct aldctl_command *self, const struct aldctl_options *o)
{
        struct query_run run;
        int limit = p->run_cap;

        if (o->word_count > 0) {
                limit = RUNS_ALL;
                p->only_run = aldctl_run_number(self, o);
                if (p->only_run == 0)
                        return ALDCTL_USAGE;
                if (!aldctl_find_run(q, p->only_run, &run))
                        return ALDCTL_FAILED;
        }
        if (query_runs(q, limit, take_run, p) == 0)
                return ALDCTL_OK;
        show_error("%s", query_why(q));
        return ALDCTL_FAILED;
}

enum aldctl_exit aldctl_pulses(const struct aldctl_command *self, const struct aldctl_options *o)
{
        struct pulses p = {.run_cap = o->word_count > 0 ? RUNS_BEFORE : o->limit};
        enum aldctl_exit code;
        struct query *q = aldctl_open_database(o, &code);

        if (q == NULL)
                return code;
        p.run = calloc((size_t)p.run_cap, sizeof *p.run);
        if (p.run == NULL) {
                show_error("out of memory");
                code = ALDCTL_FAILED;
        } else {
                code = find_runs(q, &p, self, o);
        }
        if (code == ALDCTL_OK)
                code = show_pulses(q, &p, o);
        for (int i = 0; i < p.count; i++) {
                free(p.line[i].now.area);
                free(p.line[i].now.decay);
                json_decref(p.line[i].runs);
        }
        json_decref(p.bases);
        free(p.run);
        query_close(q);
        return code;
}
