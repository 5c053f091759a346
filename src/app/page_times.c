/* Planned against actual: the run, its phases, its cycles, its edges. */
#include "ald/base/time.h" /* TIME_S */
#include "page.h"          /* own declarations */

#include <math.h>   /* NAN, fabs, fmax, isnan */
#include <stdlib.h> /* free */
#include <string.h> /* strcmp, strncmp */

/* ---- The run as a whole ---- */

static void put_run(struct page *r)
{
        const struct run_sum *s = &r->sum;
        char buf[2][PAGE_TEXT_CAP];
        double planned_s = (double)(s->planned_to_us - s->planned_from_us) / (double)TIME_S;
        double actual_s = (double)(s->to_us - s->from_us) / (double)TIME_S;

        html_facts_begin(&r->html, "run-times");
        html_fact(&r->html, "started", "%s UTC", page_time(buf[0], r->run.started_us));
        html_fact(&r->html, "ended", "%s%s",
            r->run.ended_us > 0 ? page_time(buf[0], r->run.ended_us) : "not yet: the run is under way",
            r->run.ended_us > 0 ? " UTC" : "");
        html_fact(&r->html, "took", "%s", page_lasting(buf[0], r->end_us - r->run.started_us));
        html_fact(&r->html, "planned", "%s",
            r->run.timed_us > 0 ? page_lasting(buf[0], r->run.timed_us) : "not known");
        if (s->count > s->not_done) {
                html_fact_begin(&r->html, "first opening to last close");
                html_text(&r->html, "planned ");
                html_data(&r->html, "planned_span_s", planned_s, "%s s", page_number(buf[0], planned_s, 7));
                html_text(&r->html, ", actual ");
                html_data(&r->html, "span_s", actual_s, "%s s", page_number(buf[1], actual_s, 7));
                html_text(&r->html, " (difference %s ms)",
                    page_ms(buf[0], (s->to_us - s->from_us) - (s->planned_to_us - s->planned_from_us), true));
                html_fact_end(&r->html);
                html_fact_begin(&r->html, "largest width error");
                html_data(&r->html, "width_error_s_max", (double)s->width_error_us_max / (double)TIME_S,
                    "%.2f ms", (double)s->width_error_us_max / 1000.0);
                html_fact_end(&r->html);
        }
        html_facts_end(&r->html);
        html_element(&r->html, "p", "note",
            "Planned: the recipe's timed length with its last steps; heat-up and other waits for a condition "
            "come "
            "on top. Each pulse is planned anew just before it, so the plan follows a hold or a wait.");
}

/* ---- Phases ---- */

static void put_phase(struct page *r, const struct query_event *phase, int64_t until_us)
{
        char buf[3][PAGE_TEXT_CAP];

        html_row_begin(&r->html, NULL);
        html_cell(&r->html, "%s", phase->text + strlen("phase "));
        html_cell(&r->html, "%s", page_clock(buf[0], phase->t_us));
        html_cell(&r->html, "%s", page_lasting(buf[1], phase->t_us - r->run.started_us));
        html_cell(&r->html, "%s", page_lasting(buf[2], until_us - phase->t_us));
        html_row_end(&r->html);
}

/* A phase ends where the next begins, or the run leaves its program. */
static void put_phases(struct page *r)
{
        static const struct html_column columns[] = {
            {"phase", false}, {"began (UTC)", true}, {"after the start", true}, {"lasted", true}};
        const struct query_event *phase = NULL;

        html_table_begin(&r->html, "phases", columns, 4);
        for (size_t i = 0; i < r->states.count; i++) {
                const struct query_event *e = page_item(&r->states, i);
                bool is_phase = strcmp(e->kind, "step") == 0 && strncmp(e->text, "phase ", 6) == 0;
                bool is_end =
                    strncmp(e->text, "Execute -> ", 11) == 0 &&
                    (strstr(e->text, "-> Completing") != NULL || strstr(e->text, "-> Stopping") != NULL ||
                        strstr(e->text, "-> Aborting") != NULL);

                if (!is_phase && !is_end)
                        continue;
                if (phase != NULL)
                        put_phase(r, phase, e->t_us);
                phase = is_phase ? e : NULL;
        }
        if (phase != NULL)
                put_phase(r, phase, r->end_us);
        html_table_end(&r->html);
}

/* ---- Edges ---- */

struct edges {
        struct page_list late, error; /* ms, as they are without sign */
        size_t count, done;
};

static void add_edges(struct edges *e, const struct query_pulse *p)
{
        double ms;
        int64_t us;

        e->count++;
        e->done += strcmp(p->outcome, "done") == 0;
        if (p->opened_us > 0 && p->planned_open_us > 0) {
                ms = fabs((double)(p->opened_us - p->planned_open_us)) / 1000.0;
                (void)page_append(&e->late, &ms);
        }
        if (page_width_error(p, &us)) {
                ms = fabs((double)us) / 1000.0;
                (void)page_append(&e->error, &ms);
        }
}

/* Median and largest. */
static void put_cells(struct page *r, struct page_list *values)
{
        double median = page_median(values->items, values->count); /* sorts them */

        if (values->count == 0) {
                html_cell(&r->html, "-");
                html_cell(&r->html, "-");
                return;
        }
        html_cell(&r->html, "%.2f", median);
        html_cell(&r->html, "%.2f", *(const double *)page_item(values, values->count - 1));
}

static void put_edges(struct page *r)
{
        static const struct html_column columns[] = {{"precursor", false}, {"pulses", true}, {"done", true},
            {"opening off by, median (ms)", true}, {"largest (ms)", true},
            {"width off by, median (ms)", true}, {"largest (ms)", true}};
        const char *names[PAGE_LINES_MAX];
        size_t lines = page_list_precursors(r, names);

        html_table_begin(&r->html, "edges", columns, 7);
        for (size_t k = 0; k < lines; k++) {
                struct edges e = {.late = {.size = sizeof(double)}, .error = {.size = sizeof(double)}};

                for (size_t i = 0; i < r->pulses.count; i++) {
                        const struct query_pulse *p = page_item(&r->pulses, i);
                        if (strcmp(p->precursor, names[k]) == 0)
                                add_edges(&e, p);
                }
                html_row_begin(&r->html, NULL);
                html_cell(&r->html, "%s", names[k]);
                html_cell(&r->html, "%zu", e.count);
                html_cell(&r->html, "%zu", e.done);
                put_cells(r, &e.late);
                put_cells(r, &e.error);
                html_row_end(&r->html);
                free(e.late.items);
                free(e.error.items);
        }
        html_table_end(&r->html);
}

void page_times(struct page *r)
{
        put_run(r);
        html_element(&r->html, "h3", NULL, "Phases");
        put_phases(r);
        if (r->pulses.count == 0)
                return;
        html_element(&r->html, "h3", NULL, "Edges");
        put_edges(r);
        html_element(&r->html, "p", "note",
            "An edge is the write to the valve's module that its device acknowledged, not the movement of "
            "the "
            "valve itself, which nothing here senses. Where a module times pulses itself, the width is what "
            "it was told.");
}
