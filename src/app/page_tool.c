/* The tool that made it: base pressure and leak rate, what its sources went through, what ran on it before. */
#include "ald/base/time.h"   /* TIME_H */
#include "ald/core/event.h"  /* QUALITY_GOOD */
#include "ald/store/trend.h" /* struct trend_point */
#include "page.h"          /* own declarations */

#include <math.h>   /* isnan */
#include <string.h> /* strcmp */

/* ---- Base pressure ---- */

static const char *carrier_unit(const struct page *r)
{
        return r->tool != NULL && r->tool->carrier >= 0
                   ? r->tool->tags[r->tool->loops[r->tool->carrier].value].unit->name
                   : "";
}

static void put_base(struct page *r, const struct query_base *b)
{
        char buf[4][PAGE_TEXT_CAP];

        html_row_begin(&r->html, NULL);
        html_cell(&r->html, "%lld%s", (long long)b->run_id, b->run_id == r->run.id ? " (this)" : "");
        html_cell(&r->html, "%s", b->moment);
        html_cell(&r->html, "%s", page_time(buf[0], b->t_us));
        html_cell(&r->html, "%s", page_number(buf[1], b->flow, 3));
        html_cell(&r->html, "%s", page_number(buf[2], b->pressure, 5));
        html_cell(&r->html, "%s", page_number(buf[3], b->spread, 2));
        html_cell(&r->html, "%lld", (long long)b->samples);
        html_row_end(&r->html);
}

static void take_base(void *ctx, const struct query_base *b)
{
        put_base(ctx, b);
}

/* "The base pressure rose by 0.3 %". */
static void put_change(struct page *r)
{
        const struct query_base *before, *after;
        double part;

        if (r->bases.count != 2)
                return;
        before = page_item(&r->bases, 0);
        after = page_item(&r->bases, 1);
        part = after->pressure / before->pressure - 1;
        if (isnan(part))
                return;
        html_element(&r->html, "p", NULL,
            "From before to after the pulses it changed by %+.2f %%, at flows that differ by %+.2f %%.", 100 * part,
            100 * (after->flow / before->flow - 1));
}

static void put_bases(struct page *r)
{
        enum { RUNS_BEFORE = 3 };
        char flow[40], pressure[40], spread[40];
        const struct html_column columns[] = {{"run", true}, {"when", false}, {"at (UTC)", true}, {flow, true},
            {pressure, true}, {spread, true}, {"samples", true}};

        html_element(&r->html, "h3", NULL, "Base pressure");
        if (r->bases.count == 0) {
                html_element(&r->html, "p", "missing",
                    "Not measured: there was no steady time at the flow of the pulses, or the version of the record "
                    "does not measure it.");
                return;
        }
        (void)snprintf(flow, sizeof flow, "flow (%s)", carrier_unit(r));
        (void)snprintf(pressure, sizeof pressure, "pressure (%s)", r->run.pressure_unit);
        (void)snprintf(spread, sizeof spread, "spread (%s)", r->run.pressure_unit);
        html_table_begin(&r->html, "base", columns, 7);
        for (size_t i = 0; i < r->bases.count; i++)
                put_base(r, page_item(&r->bases, i));
        for (size_t i = 0; i < r->before.count && i < RUNS_BEFORE; i++)
                (void)query_bases(
                    r->q, ((const struct query_run *)page_item(&r->before, i))->id, take_base, r);
        html_table_end(&r->html);
        put_change(r);
}

/* ---- Leak rate ---- */

static void put_leaks(struct page *r)
{
        size_t found = 0;
        char buf[PAGE_TEXT_CAP];

        html_element(&r->html, "h3", NULL, "Leak rate");
        for (size_t i = 0; i < r->events.count; i++) {
                const struct query_event *e = page_item(&r->events, i);

                if (strcmp(e->kind, "leak") != 0)
                        continue;
                html_element(&r->html, "p", NULL, "%s UTC: %s %s", page_clock(buf, e->t_us), e->source, e->text);
                found++;
        }
        if (found == 0)
                html_element(&r->html, "p", "missing", "Not measured: the run had no leak check that came to a result.");
}

/* ---- Sources ---- */

/* A value holds until the next one, but no longer: the daemon may have ended. */
static const int64_t value_holds_us = 10 * TIME_MIN;
/* So much above its standby temperature a source ages. */
static const double hot_by_k = 10;

struct heat {
        double above;
        int64_t since_us, hot_us;
        bool is_hot;
};

static void take_heat(void *ctx, const struct trend_point *p)
{
        struct heat *h = ctx;
        int64_t held_us = p->t_us - h->since_us;

        if (h->is_hot)
                h->hot_us += held_us < value_holds_us ? held_us : value_holds_us;
        h->since_us = p->t_us;
        h->is_hot = p->count > 0 && p->mean > h->above;
}

static int64_t find_hot(struct page *r, const char *tag, double above, int64_t from_us, int64_t to_us)
{
        struct heat h = {.above = above};
        struct trend_point last = {.t_us = to_us};

        page_trend(r, tag, from_us, to_us, TREND_POINTS_MAX, take_heat, &h);
        take_heat(&h, &last);
        return h.hot_us;
}

static void put_source(struct page *r, const struct tool_line *line)
{
        const struct tool_loop *source = &r->tool->loops[line->source];
        const struct tool_tag *tag = &r->tool->tags[source->value];
        struct page_measure m = page_measure(r, tag->name, r->coat_from_us, r->coat_to_us);
        double above = source->standby + hot_by_k;
        char buf[5][PAGE_TEXT_CAP];

        html_row_begin(&r->html, NULL);
        html_cell(&r->html, "%s", line->name);
        html_cell(&r->html, "%s", tag->name);
        html_cell(&r->html, "%s %s", page_number(buf[0], m.median, 4), tag->unit->name);
        html_cell(&r->html, "%s %s", page_number(buf[1], above, 4), tag->unit->name);
        html_cell(&r->html, "%s",
            page_number(buf[2],
                (double)find_hot(r, tag->name, above, r->run.started_us, r->end_us) / (double)TIME_H, 3));
        html_cell(&r->html, "%s", page_number(buf[3], (double)find_hot(r, tag->name, above, 0, r->end_us) / (double)TIME_H, 3));
        html_row_end(&r->html);
}

static void put_sources(struct page *r)
{
        static const struct html_column columns[] = {{"precursor", false}, {"source", false},
            {"in the deposition", true}, {"hot: above", true}, {"hot in this run (h)", true},
            {"in all of the record up to its end (h)", true}};

        html_element(&r->html, "h3", NULL, "Sources");
        if (r->tool == NULL) {
                html_element(&r->html, "p", "missing", "Not known: %s.", r->why_not);
                return;
        }
        html_table_begin(&r->html, "sources", columns, 6);
        for (int i = 0; i < r->tool->line_count; i++) {
                if (r->tool->lines[i].source >= 0) {
                        put_source(r, &r->tool->lines[i]);
                        continue;
                }
                html_row_begin(&r->html, NULL);
                html_cell(&r->html, "%s", r->tool->lines[i].name);
                html_cell(&r->html, "not heated");
                for (int k = 2; k < 6; k++)
                        html_cell(&r->html, "-");
                html_row_end(&r->html);
        }
        html_table_end(&r->html);
        html_element(&r->html, "p", "note",
            "Hot: more than %.0f K above the temperature of its standby. A heated precursor ages; the second column "
            "of hours says how long whatever is in the bottle may have been hot.",
            hot_by_k);
}

void page_tool(struct page *r)
{
        put_bases(r);
        put_leaks(r);
        put_sources(r);
}

/* ---- What ran before ---- */

void page_before(struct page *r)
{
        static const struct html_column columns[] = {{"run", true}, {"recipe", false}, {"started (UTC)", true},
            {"state", false}, {"cycles", true}, {"pulses", true}};
        char buf[PAGE_TEXT_CAP];
        size_t others = 0;

        if (r->before.count == 0) {
                html_element(&r->html, "p", NULL, "Nothing: this is the first run of the record.");
                return;
        }
        html_table_begin(&r->html, "before", columns, 6);
        for (size_t i = 0; i < r->before.count; i++) {
                const struct query_run *run = page_item(&r->before, i);
                bool is_other = strcmp(run->recipe, r->run.recipe) != 0;

                others += is_other;
                html_row_begin(&r->html, is_other ? "odd" : NULL);
                html_cell(&r->html, "%lld", (long long)run->id);
                html_cell(&r->html, "%s%s", run->recipe, is_other ? " (another recipe)" : "");
                html_cell(&r->html, "%s", page_time(buf, run->started_us));
                html_cell(&r->html, "%s", run->state);
                html_cell(&r->html, "%lld", (long long)run->cycles);
                html_cell(&r->html, "%lld", (long long)run->pulses);
                html_row_end(&r->html);
        }
        html_table_end(&r->html);
        html_element(&r->html, "p", "note", "Newest first. %s%s",
            others > 0 ? "What another recipe left on the walls may have come off in this run."
                       : "All of them ran the same recipe.",
            r->is_before_cut ? " Older runs are not listed." : "");
}
