/* aldctl latency: how the pulses of a run kept their time, from the run database. */
#include "ald/app/aldctl.h"      /* own declarations */
#include "ald/app/aldctl_show.h" /* show_* */
#include "ald/app/latency.h"     /* latency_add, latency_sum_up */
#include "ald/base/time.h"       /* TIME_S */
#include "ald/store/query.h"     /* query_pulses */

#include <inttypes.h> /* PRId64 */
#include <stdlib.h>   /* calloc, free */
#include <string.h>   /* strcmp */

static void add_pulse(void *ctx, const struct query_pulse *p)
{
        latency_add(ctx, p);
}

/* ---- JSON ---- */

static json_t *json_seconds(int64_t us, bool is_known)
{
        return is_known ? json_real((double)us / (double)TIME_S) : json_null();
}

static json_t *json_sum(const struct latency_sum *s)
{
        return json_pack("{s:I, s:o, s:o, s:o, s:o}", "count", (json_int_t)s->count, "median_s",
            json_seconds(s->median_us, s->count > 0), "p99_s", json_seconds(s->p99_us, s->p99_us >= 0),
            "p99.9_s", json_seconds(s->p999_us, s->p999_us >= 0), "max_s",
            json_seconds(s->max_us, s->max_us >= 0));
}

static json_t *json_group(struct latency_group *g)
{
        json_t *o = json_pack("{s:s, s:I, s:I, s:I}", "precursor", g->precursor, "pulses",
            (json_int_t)g->pulses, "done", (json_int_t)g->done, "late", (json_int_t)g->late);

        for (int i = 0; i < LATENCY_COUNT; i++) {
                struct latency_sum sum;

                latency_sum_up(&g->values[i], &sum);
                (void)json_object_set_new(o, latency_json_name((enum latency_what)i), json_sum(&sum));
        }
        return o;
}

static void show_as_json(struct latency *l, const struct query_run *run)
{
        json_t *lines = json_array();
        json_t *o = json_pack(
            "{s:o, s:o}", "run", run != NULL ? json_integer(run->id) : json_null(), "precursors", lines);

        for (int i = 0; i < l->count; i++)
                (void)json_array_append_new(lines, json_group(&l->group[i]));
        show_json(o);
}

/* ---- Text ---- */

static void add_ms(struct text *t, int64_t us, bool is_known, bool is_signed)
{
        char value[24] = "-";

        if (is_known)
                (void)snprintf(value, sizeof value, is_signed ? "%+.3f" : "%.3f", (double)us / 1000.0);
        text_add(t, " %9s", value);
}

static void print_sum(const char *precursor, const char *what, const struct latency_sum *s)
{
        char line[128];
        struct text t;

        text_init(&t, line, sizeof line);
        add_ms(&t, s->median_us, s->count > 0, true);
        add_ms(&t, s->p99_us, s->p99_us >= 0, false);
        add_ms(&t, s->p999_us, s->p999_us >= 0, false);
        add_ms(&t, s->max_us, s->max_us >= 0, false);
        (void)printf("%-12s %-15s %7zu%s\n", precursor, what, s->count, line);
}

static void print_group(struct latency_group *g)
{
        for (int i = 0; i < LATENCY_COUNT; i++) {
                struct latency_sum sum;

                latency_sum_up(&g->values[i], &sum);
                print_sum(i == 0 ? g->precursor : "", latency_name((enum latency_what)i), &sum);
        }
        if (g->late > 0)
                (void)printf("%-12s %s%" PRId64 " not opened: too late%s\n", "",
                    show_colour(stdout, SHOW_YELLOW), g->late, show_colour(stdout, SHOW_PLAIN));
}

static void print_all(struct latency *l, const struct query_run *run)
{
        int64_t pulses = 0, done = 0;
        size_t fewest = SIZE_MAX;

        for (int i = 0; i < l->count; i++) {
                size_t n = l->group[i].values[LATENCY_OPENED].count;

                pulses += l->group[i].pulses;
                done += l->group[i].done;
                fewest = n < fewest ? n : fewest;
        }
        if (run != NULL)
                (void)printf("run %" PRId64 ": %s, %s; ", run->id, run->recipe, run->state);
        (void)printf("%" PRId64 " pulses, %" PRId64 " done\n", pulses, done);
        if (l->count == 0)
                return;
        (void)printf("%s%-12s %-15s %7s %9s %9s %9s %9s%s\n", show_colour(stdout, SHOW_BOLD), "PRECURSOR",
            "MS", "N", "MEDIAN", "P99", "P99.9", "MAX", show_colour(stdout, SHOW_PLAIN));
        for (int i = 0; i < l->count; i++)
                print_group(&l->group[i]);
        (void)printf(
            "\nMEDIAN: + is late or too long. P99, P99.9 and MAX are of the sizes, early and late alike.\n");
        if (fewest < LATENCY_P999_MIN)
                (void)printf("-: too few pulses; P99 takes %d, P99.9 takes %d.\n", (int)LATENCY_P99_MIN,
                    (int)LATENCY_P999_MIN);
}

/* ---- Which run ---- */

static void take_run(void *ctx, const struct query_run *run)
{
        *(struct query_run *)ctx = *run;
}

/* The run that was asked for, else the last one. False: told, and *code is set. */
static bool find_run(const struct aldctl_command *self, const struct aldctl_options *o, struct query *q,
    struct query_run *run, enum aldctl_exit *code)
{
        *code = ALDCTL_FAILED;
        run->id = 0;
        if (o->word_count > 0) {
                long long id = aldctl_run_number(self, o);

                if (id == 0)
                        *code = ALDCTL_USAGE;
                return id > 0 && aldctl_find_run(q, id, run);
        }
        if (query_runs(q, 1, take_run, run) != 0) {
                show_error("%s", query_why(q));
                return false;
        }
        if (run->id == 0)
                show_error("no run is recorded yet");
        return run->id > 0;
}

static enum aldctl_exit show_latency(
    const struct aldctl_options *o, struct query *q, const struct query_run *run, struct latency *l)
{
        int failed = run != NULL ? query_pulses(q, run->id, add_pulse, l) : query_all_pulses(q, add_pulse, l);

        if (failed != 0 || l->is_short_of_memory) {
                show_error("%s", failed != 0 ? query_why(q) : "out of memory, or of places for precursors");
                return ALDCTL_FAILED;
        }
        if (o->json)
                show_as_json(l, run);
        else
                print_all(l, run);
        return ALDCTL_OK;
}

enum aldctl_exit aldctl_latency(const struct aldctl_command *self, const struct aldctl_options *o)
{
        enum aldctl_exit code;
        struct query_run run = {0};
        struct latency *l;
        struct query *q;

        if (o->all && o->word_count > 0) {
                show_error("a run or --all, not both; usage: aldctl %s %s", self->name, self->usage);
                return ALDCTL_USAGE;
        }
        l = calloc(1, sizeof *l);
        q = l != NULL ? aldctl_open_database(o, &code) : NULL;
        if (l == NULL)
                code = ALDCTL_FAILED;
        else if (q != NULL && (o->all || find_run(self, o, q, &run, &code)))
                code = show_latency(o, q, o->all ? NULL : &run, l);
        query_close(q);
        if (l != NULL)
                latency_free(l);
        free(l);
        return code;
}
