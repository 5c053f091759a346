/* aldctl counters: how often and how long valves were open, what is left in the bottles; or a valve from zero again. The record
 * is read directly; the daemon is only asked where it lies, and for a reset. */
#include "ald/app/aldctl.h"      /* own declarations */
#include "ald/app/aldctl_show.h" /* show_* */
#include "ald/base/time.h"       /* time_format_utc, TIME_H, TIME_S */
#include "ald/store/query.h"     /* query_counters, query_bottles */

#include <math.h>   /* isnan, NAN */
#include <string.h> /* strcmp */

struct page {
        json_t *valves, *bottles; /* NULL for people */
        bool is_estimated;
};

/* ---- what follows from the counts ---- */

/* The smaller part of its life that a limit leaves, 0-1; NaN = it has none. */
static double left_part(const struct query_counter *c)
{
        double part = NAN;

        if (c->actuations_limit > 0)
                part = 1 - (double)c->actuations / (double)c->actuations_limit;
        if (c->open_us_limit > 0)
                part = fmin(part, 1 - (double)c->open_us / (double)c->open_us_limit); /* NaN loses */
        return part < 0 ? 0 : part;
}

/* Of what a bottle gave and held: NaN where it cannot be told. */
struct left {
        double g, pulses, runs;
};
static struct left left_of(const struct query_bottle *b)
{
        struct left left = {.g = b->content_g - b->used_g, .pulses = NAN, .runs = NAN};
        int64_t reckoned = b->pulses - b->unreckoned;

        if (left.g < 0)
                left.g = 0;
        if (b->used_g > 0 && reckoned > 0)
                left.pulses = left.g / (b->used_g / (double)reckoned);
        if (b->pulses_limit > 0)
                left.pulses = fmin(left.pulses, fmax(0, (double)(b->pulses_limit - b->pulses)));
        if (b->pulses_of_a_run > 0)
                left.runs = left.pulses / (double)b->pulses_of_a_run;
        return left;
}

/* ---- JSON ---- */

static json_t *number_or_null(double value)
{
        return isnan(value) ? json_null() : json_real(value);
}

static json_t *limit_or_null(int64_t limit, double scale)
{
        return limit > 0 ? json_real((double)limit / scale) : json_null();
}

static json_t *time_or_null(int64_t us)
{
        char text[TIME_UTC_CAP];

        if (us <= 0)
                return json_null();
        time_format_utc(us, text);
        return json_string(text);
}

static void collect_valve(void *ctx, const struct query_counter *c)
{
        struct page *page = ctx;

        (void)json_array_append_new(page->valves,
            json_pack("{s:s, s:I, s:f, s:o, s:o, s:o, s:b}", "valve", c->valve, "actuations",
                (json_int_t)c->actuations, "open_s", (double)c->open_us / (double)TIME_S, "actuations_limit",
                c->actuations_limit > 0 ? json_integer(c->actuations_limit) : json_null(), "open_s_limit",
                limit_or_null(c->open_us_limit, (double)TIME_S), "left_part", number_or_null(left_part(c)),
                "open", (int)c->is_open));
}

static void collect_bottle(void *ctx, const struct query_bottle *b)
{
        struct left left = left_of(b);
        struct page *page = ctx;

        (void)json_array_append_new(page->bottles,
            json_pack("{s:s, s:s, s:o, s:o, s:I, s:f, s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "precursor",
                b->precursor, "lot", b->lot, "since", time_or_null(b->since_us), "content_g",
                number_or_null(b->content_g), "pulses", (json_int_t)b->pulses, "open_s",
                (double)b->open_us / (double)TIME_S, "used_umol_estimate", number_or_null(b->used_umol),
                "used_g_estimate", number_or_null(b->used_g), "pulses_not_estimated",
                (json_int_t)b->unreckoned, "left_g", number_or_null(left.g), "left_pulses",
                number_or_null(left.pulses), "left_runs", number_or_null(left.runs), "warn_g",
                number_or_null(b->warn_g), "pulses_limit",
                b->pulses_limit > 0 ? json_integer(b->pulses_limit) : json_null()));
}

/* ---- people ---- */

/* Hours of a long life, else what a person would say. */
static void add_open(struct text *t, int64_t us)
{
        if (us >= 10 * TIME_H)
                text_add(t, "%.0f h", (double)us / (double)TIME_H);
        else
                show_add_seconds(t, (double)us / (double)TIME_S);
}

static void print_valve(void *ctx, const struct query_counter *c)
{
        char open[40], limit[64] = "";
        double left = left_part(c);
        struct text t;

        (void)ctx;
        text_init(&t, open, sizeof open);
        add_open(&t, c->open_us);
        text_init(&t, limit, sizeof limit);
        if (c->actuations_limit > 0)
                text_add(&t, "%lld", (long long)c->actuations_limit);
        if (c->open_us_limit > 0) {
                text_add(&t, "%s", c->actuations_limit > 0 ? ", " : "");
                add_open(&t, c->open_us_limit);
        }
        (void)printf("%-20s %9lld  %-14s %-18s", c->valve, (long long)c->actuations, open,
            limit[0] != '\0' ? limit : "-");
        if (isnan(left))
                (void)printf("%6s", "-");
        else
                (void)printf("%s%4.0f %%%s", left > 0 ? "" : show_colour(stdout, SHOW_YELLOW), left * 100,
                    left > 0 ? "" : show_colour(stdout, SHOW_PLAIN));
        (void)printf("%s\n", c->is_open ? "  open" : "");
}

static void add_mass(struct text *t, double g)
{
        if (isnan(g))
                text_add(t, "-");
        else
                text_add(t, g > 0 && g < 0.1 ? "%.2g g" : g < 10 ? "%.2f g" : "%.1f g", g);
}

static void add_count(struct text *t, double n)
{
        if (isnan(n))
                text_add(t, "-");
        else
                text_add(t, n < 10 ? "%.1f" : "%.0f", n);
}

static void print_bottle(void *ctx, const struct query_bottle *b)
{
        char since[SHOW_TIME_CAP] = "not known", open[40], used[24], left[24], pulses[24], runs[24];
        struct left l = left_of(b);
        bool is_low = l.g <= b->warn_g || (b->pulses_limit > 0 && b->pulses > b->pulses_limit);
        struct page *page = ctx;
        struct text t;

        page->is_estimated = page->is_estimated || !isnan(b->used_g);
        if (b->since_us > 0)
                show_local(b->since_us, true, since);
        since[10] = '\0'; /* the day */
        text_init(&t, open, sizeof open);
        add_open(&t, b->open_us);
        text_init(&t, used, sizeof used);
        add_mass(&t, b->used_g);
        text_init(&t, left, sizeof left);
        add_mass(&t, l.g);
        text_init(&t, pulses, sizeof pulses);
        add_count(&t, l.pulses);
        text_init(&t, runs, sizeof runs);
        add_count(&t, l.runs);
        (void)printf("%-11s %-11s %7lld  %-11s %9s %s%9s %8s %6s%s", b->precursor, since,
            (long long)b->pulses, open, used, is_low ? show_colour(stdout, SHOW_YELLOW) : "", left, pulses,
            runs, is_low ? show_colour(stdout, SHOW_PLAIN) : "");
        if (b->lot[0] != '\0') {
                (void)printf("\n            lot ");
                show_text(stdout, b->lot, false);
        }
        (void)fputc('\n', stdout);
}

static int print_all(struct query *q)
{
        struct page page = {NULL, NULL, false};
        int failed;

        (void)printf("%s%-20s %9s  %-14s %-18s%6s%s\n", show_colour(stdout, SHOW_BOLD), "VALVE", "OPENED",
            "OPEN FOR", "LIMIT", "LEFT", show_colour(stdout, SHOW_PLAIN));
        failed = query_counters(q, print_valve, &page);
        if (failed == 0) {
                (void)printf("\n%s%-11s %-11s %7s  %-11s %9s %9s %8s %6s%s\n", show_colour(stdout, SHOW_BOLD),
                    "BOTTLE", "SINCE", "PULSES", "OPEN FOR", "USED", "LEFT", "PULSES", "RUNS",
                    show_colour(stdout, SHOW_PLAIN));
                failed = query_bottles(q, 0, print_bottle, &page);
        }
        if (failed == 0 && page.is_estimated)
                (void)printf(
                    "\nUSED and what follows from it are estimates, by the delivery that the tool file "
                    "describes.\n");
        return failed;
}

/* ---- the command ---- */

static int show_as_json(struct query *q)
{
        struct page page = {json_array(), json_array(), false};
        int failed = query_counters(q, collect_valve, &page);

        if (failed == 0)
                failed = query_bottles(q, 0, collect_bottle, &page);
        if (failed == 0)
                show_json(json_pack("{s:O, s:O}", "valves", page.valves, "bottles", page.bottles));
        json_decref(page.valves);
        json_decref(page.bottles);
        return failed;
}

enum aldctl_exit aldctl_counters(const struct aldctl_command *self, const struct aldctl_options *o)
{
        enum aldctl_exit code;
        struct query *q;
        int failed;

        if (o->word_count == 1 || (o->word_count == 2 && strcmp(o->words[0], "reset") != 0)) {
                show_error("counters lists them; `counters reset VALVE` begins one anew");
                return ALDCTL_USAGE;
        }
        if (o->word_count > 0)
                return aldctl_command(self, o);
        q = aldctl_open_database(o, &code);
        if (q == NULL)
                return code;
        failed = o->json ? show_as_json(q) : print_all(q);
        if (failed != 0)
                show_error("%s", query_why(q));
        query_close(q);
        return failed != 0 ? ALDCTL_FAILED : ALDCTL_OK;
}
