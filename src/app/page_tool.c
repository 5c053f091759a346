/* The tool that made it: base pressure and leak rate, what its sources went through, what ran on it before. */
#include "ald/base/time.h" /* TIME_H */
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
            "From before to after the pulses it changed by %+.2f %%, at flows that differ by %+.2f %%.",
            100 * part, 100 * (after->flow / before->flow - 1));
}

static void put_bases(struct page *r)
{
        enum { RUNS_BEFORE = 3 };
        char flow[40], pressure[40], spread[40];
        const struct html_column columns[] = {{"run", true}, {"when", false}, {"at (UTC)", true},
            {flow, true}, {pressure, true}, {spread, true}, {"samples", true}};

        html_element(&r->html, "h3", NULL, "Base pressure");
        if (r->bases.count == 0) {
                html_element(&r->html, "p", "missing",
                    "Not measured: there was no steady time at the flow of the pulses, or the version of the "
                    "record "
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
                html_element(
                    &r->html, "p", NULL, "%s UTC: %s %s", page_clock(buf, e->t_us), e->source, e->text);
                found++;
        }
        if (found == 0)
                html_element(&r->html, "p", "missing",
                    "Not measured: the run had no leak check that came to a result.");
}

/* ---- Sources ---- */

/* So much above its standby temperature a source ages. */
static const double hot_by_k = 10;

/* What is known of a line's bottle at the run's end. */
struct bottle {
        const struct tool_line *line;
        struct query_bottle row;
        bool is_known, was_changed; /* in the run */
};

static void take_bottle(void *ctx, const struct query_bottle *row)
{
        struct bottle *b = ctx;

        if (strcmp(row->precursor, b->line->name) != 0)
                return;
        b->was_changed = b->is_known;
        b->row = *row;
        b->is_known = true;
}

static void put_hours(struct page *r, const char *tag, double above, int64_t from_us)
{
        char buf[PAGE_TEXT_CAP];
        int64_t us = 0;

        if (query_hot_us(r->q, tag, above, from_us, r->end_us, &us) != 0) {
                text_copy(r->trouble, sizeof r->trouble, query_why(r->q));
                html_cell(&r->html, "-");
                return;
        }
        html_cell(&r->html, "%s", page_number(buf, (double)us / (double)TIME_H, 3));
}

static void put_heat(struct page *r, const struct tool_line *line, const struct bottle *b)
{
        const struct tool_loop *source = &r->tool->loops[line->source];
        const struct tool_tag *tag = &r->tool->tags[source->value];
        struct page_measure m = page_measure(r, tag->name, r->coat_from_us, r->coat_to_us);
        double above = source->standby + hot_by_k;
        char buf[2][PAGE_TEXT_CAP];

        html_cell(&r->html, "%s %s", page_number(buf[0], m.median, 4), tag->unit->name);
        html_cell(&r->html, "%s %s", page_number(buf[1], above, 4), tag->unit->name);
        put_hours(r, tag->name, above, r->run.started_us);
        put_hours(r, tag->name, above, b->row.since_us);
}

static void put_source(struct page *r, const struct tool_line *line)
{
        struct bottle b = {.line = line};
        char buf[PAGE_TEXT_CAP];

        if (query_bottles_between(r->q, r->run.started_us, r->end_us, take_bottle, &b) != 0)
                text_copy(r->trouble, sizeof r->trouble, query_why(r->q));
        html_row_begin(&r->html, NULL);
        html_cell(&r->html, "%s", line->name);
        html_cell(&r->html, "%s%s", b.row.lot[0] != '\0' ? b.row.lot : "not told",
            b.was_changed ? " (changed in the run)" : "");
        html_cell(&r->html, "%s", b.row.since_us > 0 ? page_time(buf, b.row.since_us) : "not told");
        if (line->source >= 0) {
                put_heat(r, line, &b);
        } else {
                html_cell(&r->html, "not heated");
                for (int k = 0; k < 3; k++)
                        html_cell(&r->html, "-");
        }
        html_row_end(&r->html);
}

static void put_sources(struct page *r)
{
        static const struct html_column columns[] = {{"precursor", false}, {"lot of the bottle", false},
            {"in use since (UTC)", false}, {"in the deposition", true}, {"hot: above", true},
            {"hot in this run (h)", true}, {"hot since then (h)", true}};

        html_element(&r->html, "h3", NULL, "Sources");
        if (r->tool == NULL) {
                html_element(&r->html, "p", "missing", "Not known: %s.", r->why_not);
                return;
        }
        html_table_begin(&r->html, "sources", columns, 7);
        for (int i = 0; i < r->tool->line_count; i++)
                put_source(r, &r->tool->lines[i]);
        html_table_end(&r->html);
        html_element(&r->html, "p", "note",
            "Hot: more than %.0f K above the temperature of its standby; a heated precursor ages. Hours "
            "count up to "
            "the end of this run, from the change of the bottle on, or over all of the record where no "
            "change was "
            "told (`aldctl bottle`).",
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
        static const struct html_column columns[] = {{"run", true}, {"recipe", false},
            {"started (UTC)", true}, {"state", false}, {"cycles", true}, {"pulses", true}};
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
