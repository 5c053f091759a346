/* The first thing on the page: what was made, did all go well, what was odd. */
#include "ald/base/time.h" /* TIME_S */
#include "page.h"          /* own declarations */

#include <math.h>   /* fabs, isnan */
#include <string.h> /* strcmp, strncmp */

/* More of the same kind is counted, not listed. */
enum { SAME_MAX = 3 };
/* A change of the base pressure that is worth a word: five times what a gauge of 0.2 % shows in a mean. */
static const double base_part = 0.01;
/* So far from the median a pulse's baseline is no noise: a leak, a burst of gas, the pump. */
static const double baseline_part = 0.02;

/* ---- Did all go well? ---- */

enum verdict { WELL, WELL_BUT, BADLY, UNDER_WAY };

static size_t count_grave(const struct page *r)
{
        size_t count = 0;

        for (size_t i = 0; i < r->events.count; i++)
                count +=
                    strcmp(((const struct query_event *)page_item(&r->events, i))->severity, "info") != 0;
        return count;
}

static bool lacks_dose(const struct page *r, int line)
{
        return r->dry != NULL && r->adequacy.line[line].dose_ratio < 1; /* false for NaN */
}

static double base_change(const struct page *r)
{
        const struct query_base *before, *after;

        if (r->bases.count != 2)
                return 0;
        before = page_item(&r->bases, 0);
        after = page_item(&r->bases, 1);
        return isnan(after->pressure / before->pressure) ? 0 : after->pressure / before->pressure - 1;
}

static bool has_oddities(const struct page *r)
{
        bool lacks = false;

        for (int i = 0; r->dry != NULL && i < r->tool->line_count; i++)
                lacks = lacks || lacks_dose(r, i);
        return lacks || r->sum.not_done > 0 || r->waits.count > 0 || count_grave(r) > 0 ||
               r->why_not[0] != '\0' || r->run.resumes > 0 || fabs(base_change(r)) > base_part ||
               page_count_baselines_off(r, baseline_part) > 0;
}

static enum verdict judge(const struct page *r)
{
        if (r->run.ended_us == 0)
                return UNDER_WAY;
        if (!page_is_complete(r))
                return BADLY;
        return has_oddities(r) ? WELL_BUT : WELL;
}

static void put_verdict(struct page *r)
{
        static const char *const words[] = {[WELL] = "Complete, and nothing was odd",
            [WELL_BUT] = "Complete, with something odd",
            [BADLY] = "Not complete",
            [UNDER_WAY] = "Under way: this page is not the whole run"};
        static const char *const classes[] = {[WELL] = "verdict good",
            [WELL_BUT] = "verdict but",
            [BADLY] = "verdict bad",
            [UNDER_WAY] = "verdict but"};
        enum verdict v = judge(r);

        html_open(&r->html, "p", "class", classes[v], "id", "verdict", HTML_END);
        html_put(&r->html, words[v]);
        if (v == BADLY)
                html_text(
                    &r->html, ": %s%s%s", r->run.state, r->run.reason[0] != '\0' ? ": " : "", r->run.reason);
        html_close(&r->html, "p");
}

/* ---- What was made ---- */

static void put_made(struct page *r)
{
        char buf[2][PAGE_TEXT_CAP];

        html_facts_begin(&r->html, "summary-facts");
        if (r->recipe != NULL && r->recipe->title[0] != '\0')
                html_fact(&r->html, "process", "%s", r->recipe->title);
        html_fact(
            &r->html, "run", "%lld, recipe %s, by %s", (long long)r->run.id, r->run.recipe, r->run.user);
        html_fact(&r->html, "when", "%s UTC, %s", page_time(buf[0], r->run.started_us),
            page_lasting(buf[1], r->end_us - r->run.started_us));
        html_fact_begin(&r->html, "done");
        html_data(&r->html, "cycles_begun", (double)r->run.cycles, "%lld", (long long)r->run.cycles);
        if (r->recipe != NULL)
                html_text(&r->html, " of %lld", (long long)r->recipe->cycles);
        html_text(&r->html, " cycles, ");
        html_data(
            &r->html, "pulses_done", r->sum.count - r->sum.not_done, "%d", r->sum.count - r->sum.not_done);
        html_text(&r->html, " of ");
        html_data(&r->html, "pulse_rows", r->sum.count, "%d", r->sum.count);
        html_text(&r->html, " recorded pulses as planned");
        html_fact_end(&r->html);
        if (r->recipe != NULL && r->recipe->powder_g > 0)
                html_fact(&r->html, "powder", "%s g of %s, lot %s",
                    page_number(buf[0], r->recipe->powder_g, 5), r->recipe->powder_material,
                    r->recipe->powder_lot[0] != '\0' ? r->recipe->powder_lot : "not declared");
        if (r->recipe != NULL && r->recipe->thickness_nm > 0)
                html_fact(&r->html, "film", "%s nm declared, not measured here",
                    page_number(buf[0], r->recipe->thickness_nm, 4));
        html_facts_end(&r->html);
}

/* ---- What was odd ---- */

static void put_waits(struct page *r)
{
        char buf[PAGE_TEXT_CAP];

        for (size_t i = 0; i < r->waits.count && i < SAME_MAX; i++) {
                const struct page_wait *w = page_item(&r->waits, i);

                html_element(&r->html, "li", NULL, "%s for %s%s%s", w->is_suspended ? "Suspended" : "Held",
                    page_lasting(buf, w->to_us - w->from_us), w->why[0] != '\0' ? ": " : "", w->why);
        }
        if (r->waits.count > SAME_MAX)
                html_element(&r->html, "li", NULL, "%zu holds and suspensions in all", r->waits.count);
}

static void put_graves(struct page *r)
{
        size_t count = 0;

        for (size_t i = 0; i < r->events.count; i++) {
                const struct query_event *e = page_item(&r->events, i);

                if (strcmp(e->severity, "info") != 0 && count++ < SAME_MAX)
                        html_element(&r->html, "li", NULL, "%s %s: %s", e->severity, e->source, e->text);
        }
        if (count > SAME_MAX)
                html_element(&r->html, "li", NULL, "%zu warnings, alarms and trips in all", count);
}

static void put_doses(struct page *r)
{
        char buf[PAGE_TEXT_CAP];

        for (int i = 0; r->dry != NULL && i < r->tool->line_count; i++)
                if (lacks_dose(r, i))
                        html_element(&r->html, "li", NULL,
                            "The dose of %s is not enough for all of the powder: %s of what a dry run says "
                            "it needs",
                            r->tool->lines[i].name, page_number(buf, r->adequacy.line[i].dose_ratio, 2));
}

static void put_oddities(struct page *r)
{
        html_open(&r->html, "ul", "id", "oddities", HTML_END);
        if (r->sum.not_done > 0)
                html_element(&r->html, "li", NULL, "%d of %d pulses were not done as planned",
                    r->sum.not_done, r->sum.count);
        put_waits(r);
        put_graves(r);
        put_doses(r);
        if (fabs(base_change(r)) > base_part)
                html_element(&r->html, "li", NULL, "The base pressure changed by %+.1f %% over the run",
                    100 * base_change(r));
        if (page_count_baselines_off(r, baseline_part) > 0)
                html_element(&r->html, "li", NULL,
                    "The pressure before %zu of %d pulses was off its median by more than %.0f %%",
                    page_count_baselines_off(r, baseline_part), r->sum.count, 100 * baseline_part);
        if (r->run.resumes > 0)
                html_element(&r->html, "li", NULL, "It goes on with the interrupted run %lld",
                    (long long)r->run.resumes);
        if (r->run.last_step[0] != '\0')
                html_element(&r->html, "li", NULL, "Last step known to have begun: %s", r->run.last_step);
        if (r->why_not[0] != '\0')
                html_element(
                    &r->html, "li", NULL, "Recipe or tool file of the record cannot be read: %s", r->why_not);
        html_close(&r->html, "ul");
}

void page_summary(struct page *r)
{
        put_verdict(r);
        put_made(r);
        if (has_oddities(r) || r->run.last_step[0] != '\0')
                put_oddities(r);
}
