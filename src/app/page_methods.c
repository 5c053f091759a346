/* The methods paragraph that a paper needs, from the record: what was set, what was measured, and what was neither. */
#include "ald/base/time.h" /* time_add_duration */
#include "ald/core/core.h" /* core_describe_op */
#include "page.h"          /* own declarations */

#include <math.h>   /* isnan */
#include <stdlib.h> /* free */
#include <string.h> /* strcmp */

/* ---- The program in words ---- */

static void put_op(struct page *r, int op)
{
        char buf[300];
        struct text t;

        text_init(&t, buf, sizeof buf);
        core_describe_op(&t, r->tool, r->recipe, op);
        html_put(&r->html, buf);
}

/* What stands between a repeat and its end: "pulse nb 1 s, purge 20 s, 3 times (...)". */
static void put_body(struct page *r, int first, int end)
{
        bool is_first = true;

        for (int i = first; i < end; i++) {
                const struct recipe_op *op = &r->recipe->ops[i];

                if (op->kind == RECIPE_REPEAT_END) {
                        html_text(&r->html, ")");
                        continue;
                }
                html_text(&r->html, "%s", is_first ? "" : ", ");
                is_first = op->kind == RECIPE_REPEAT;
                if (op->kind == RECIPE_REPEAT)
                        html_text(&r->html, "%lld times (", (long long)op->count);
                else
                        put_op(r, i);
        }
}

/* Each repeat whose passes are cycles. */
static void put_program(struct page *r)
{
        int found = 0;

        for (int i = 0; i < r->recipe->finally_first; i++) {
                const struct recipe_op *op = &r->recipe->ops[i];

                if (op->kind != RECIPE_REPEAT || !op->is_cycle)
                        continue;
                html_text(&r->html, "%s%lld %s%s of: ", found++ == 0 ? " The recipe set " : "; then ",
                    (long long)op->count, op->count == 1 ? "cycle" : "cycles",
                    op->is_walls ? " on the walls" : "");
                put_body(r, i + 1, op->jump);
        }
        if (found > 0)
                html_text(&r->html, ".");
}

/* ---- The paragraph ---- */

static void put_subject(struct page *r)
{
        char buf[2][PAGE_TEXT_CAP];
        const struct recipe *recipe = r->recipe;

        html_text(&r->html, "%s (recipe %s%s%s) was %s by atomic layer deposition",
            recipe->title[0] != '\0' ? recipe->title : recipe->name, recipe->name,
            recipe->source[0] != '\0' ? ", after " : "", recipe->source,
            page_is_complete(r) ? "deposited" : "to be deposited");
        if (recipe->powder_g > 0)
                html_text(&r->html, " on %s g of %s", page_number(buf[0], recipe->powder_g, 5),
                    recipe->powder_material[0] != '\0' ? recipe->powder_material : "powder");
        if (recipe->powder_m2_g > 0)
                html_text(&r->html, " (declared specific surface %s m2/g)",
                    page_number(buf[1], recipe->powder_m2_g, 5));
        if (recipe->powder_lot[0] != '\0')
                html_text(&r->html, ", lot %s,", recipe->powder_lot);
        html_text(&r->html, " in the tool %s", r->tool->name);
        if (r->tool->title[0] != '\0')
                html_text(&r->html, " (%s)", r->tool->title);
        html_text(&r->html, ", on %.10s (UTC).", page_time(buf[0], r->run.started_us));
}

static void put_outcome(struct page *r)
{
        char buf[PAGE_TEXT_CAP];
        int64_t held_us = 0;

        html_text(&r->html, " %lld %s begun; %d of %d recorded pulses were done as planned.",
            (long long)r->run.cycles, r->run.cycles == 1 ? "cycle was" : "cycles were",
            r->sum.count - r->sum.not_done, r->sum.count);
        for (size_t i = 0; i < r->waits.count; i++) {
                const struct page_wait *w = page_item(&r->waits, i);
                held_us += w->to_us - w->from_us;
        }
        if (r->waits.count > 0)
                html_text(&r->html, " The run was held or suspended %zu %s, %s in all.", r->waits.count,
                    r->waits.count == 1 ? "time" : "times", page_lasting(buf, held_us));
        if (r->run.ended_us == 0)
                html_text(&r->html, " It is still under way.");
        else if (!page_is_complete(r))
                html_text(&r->html, " It did not end as its recipe wanted: %s%s%s.", r->run.state,
                    r->run.reason[0] != '\0' ? ", " : "", r->run.reason);
}

/* "1 s" of each precursor, as its valve was really told. */
static void put_widths(struct page *r)
{
        const char *names[PAGE_LINES_MAX];
        size_t lines = page_list_precursors(r, names);

        for (size_t k = 0; k < lines; k++) {
                struct page_list widths = {.size = sizeof(double)};
                char buf[PAGE_TEXT_CAP];

                for (size_t i = 0; i < r->pulses.count; i++) {
                        const struct query_pulse *p = page_item(&r->pulses, i);
                        double s = (double)p->width_us / (double)TIME_S;

                        if (p->width_us > 0 && strcmp(p->precursor, names[k]) == 0)
                                (void)page_append(&widths, &s);
                }
                if (widths.count > 0)
                        html_text(&r->html, "%s %s %s s", k == 0 ? " Valves were open for (median):" : ",",
                            names[k], page_number(buf, page_median(widths.items, widths.count), 4));
                if (k + 1 == lines)
                        html_text(&r->html,
                            "; the largest error of a width was %.2f ms, between the writes of both edges.",
                            (double)r->sum.width_error_us_max / 1000.0);
                free(widths.items);
        }
}

static void put_thickness(struct page *r)
{
        char buf[PAGE_TEXT_CAP];

        if (r->recipe->thickness_nm > 0)
                html_text(&r->html, " The recipe declares a thickness of %s nm",
                    page_number(buf, r->recipe->thickness_nm, 4));
        if (r->recipe->growth_nm > 0)
                html_text(&r->html, "%s %s nm per cycle",
                    r->recipe->thickness_nm > 0 ? " at" : " The recipe declares a growth of",
                    page_number(buf, r->recipe->growth_nm, 4));
        if (r->recipe->thickness_nm > 0 || r->recipe->growth_nm > 0)
                html_text(&r->html, ": this was not measured here.");
        else
                html_text(&r->html, " Thickness was neither declared nor measured here.");
        html_text(&r->html, " Control and record: aldd %s.", r->run.version);
}

/* ---- Set and measured ---- */

static void put_loop(struct page *r, const struct tool_loop *loop)
{
        const struct tool_tag *value = &r->tool->tags[loop->value];
        struct page_measure set =
            page_measure(r, r->tool->tags[loop->setpoint].name, r->coat_from_us, r->coat_to_us);
        struct page_measure is = page_measure(r, value->name, r->coat_from_us, r->coat_to_us);
        char buf[4][PAGE_TEXT_CAP];

        html_row_begin(&r->html, NULL);
        html_cell(&r->html, "%s", value->name);
        html_cell(&r->html, "%s", page_number(buf[0], set.median, 5));
        html_cell(&r->html, "%s", page_number(buf[1], is.median, 5));
        html_cell(&r->html, "%s", page_number(buf[2], is.min, 5));
        html_cell(&r->html, "%s", page_number(buf[3], is.max, 5));
        html_cell(&r->html, "%s", value->unit->name);
        html_cell(&r->html, "%lld%s", (long long)is.samples, is.bad > 0 ? " and bad ones" : "");
        html_row_end(&r->html);
}

static void put_gauge(struct page *r)
{
        struct page_measure is = page_measure(r, page_gauge(r), r->coat_from_us, r->coat_to_us);
        char buf[3][PAGE_TEXT_CAP];

        html_row_begin(&r->html, NULL);
        html_cell(&r->html, "%s", page_gauge(r));
        html_cell(&r->html, "-");
        html_cell(&r->html, "%s", page_number(buf[0], is.median, 5));
        html_cell(&r->html, "%s", page_number(buf[1], is.min, 5));
        html_cell(&r->html, "%s", page_number(buf[2], is.max, 5));
        html_cell(&r->html, "%s", r->tool->tags[r->tool->gauge].unit->name);
        html_cell(&r->html, "%lld", (long long)is.samples);
        html_row_end(&r->html);
}

static void put_measured(struct page *r)
{
        static const struct html_column columns[] = {{"tag", false}, {"set", true},
            {"measured, median", true}, {"lowest", true}, {"highest", true}, {"unit", false},
            {"samples", true}};

        html_element(&r->html, "h3", NULL, "Set and measured in the deposition");
        if (r->coat_from_us == 0) {
                html_element(&r->html, "p", "missing", "Nothing: no pulse was opened.");
                return;
        }
        html_table_begin(&r->html, "measured", columns, 7);
        for (int i = 0; i < r->tool->loop_count; i++)
                put_loop(r, &r->tool->loops[i]);
        if (page_gauge(r) != NULL)
                put_gauge(r);
        html_table_end(&r->html);
        html_element(&r->html, "p", "note",
            "Samples between the first opening and the last close. Temperatures are those of the "
            "controllers' "
            "sensors, not of the powder. Set: the set-point as read back from its controller.");
}

/* "at 175 degC (chamber.temperature)" of each loop, in one sentence. */
static void put_conditions(struct page *r)
{
        int put = 0;

        for (int i = 0; i < r->tool->loop_count && r->coat_from_us > 0; i++) {
                const struct tool_tag *tag = &r->tool->tags[r->tool->loops[i].value];
                struct page_measure m = page_measure(r, tag->name, r->coat_from_us, r->coat_to_us);
                char buf[PAGE_TEXT_CAP];

                if (isnan(m.median))
                        continue;
                html_text(&r->html, "%s %s %s %s", put++ == 0 ? " Measured in the deposition (median):" : ",",
                    tag->name, page_number(buf, m.median, 4), tag->unit->name);
        }
        if (put > 0)
                html_text(&r->html, ".");
}

void page_methods(struct page *r)
{
        if (r->recipe == NULL) {
                html_element(&r->html, "p", "missing", "Not written: %s.", r->why_not);
                return;
        }
        html_open(&r->html, "p", "id", "methods-text", HTML_END);
        put_subject(r);
        put_program(r);
        put_outcome(r);
        put_widths(r);
        put_conditions(r);
        put_thickness(r);
        html_close(&r->html, "p");
        put_measured(r);
}
