/* Was the dose enough for the powder? What a dry run of the recorded recipe on the recorded tool says of it. */
#include "ald/app/aldctl_dryrun.h" /* dryrun_add_number, dryrun_add_percent */
#include "page.h"                  /* own declarations */

#include <math.h> /* isnan */

static const char *put_number(char buf[PAGE_TEXT_CAP], double value, int digits, const char *unit)
{
        struct text t;

        text_init(&t, buf, PAGE_TEXT_CAP);
        if (isnan(value))
                text_add(&t, "-");
        else
                dryrun_add_number(&t, value, digits, unit);
        return buf;
}

static const char *put_percent(char buf[PAGE_TEXT_CAP], double part)
{
        struct text t;

        text_init(&t, buf, PAGE_TEXT_CAP);
        if (isnan(part))
                text_add(&t, "-");
        else
                dryrun_add_percent(&t, part);
        return buf;
}

static void put_ratio(struct page *r, const char *name, const struct adequacy_line *a)
{
        char id[TOOL_NAME_MAX + 16], buf[3][PAGE_TEXT_CAP];

        html_open(&r->html, "td", "class", "n", HTML_END);
        if (isnan(a->dose_ratio)) {
                html_text(&r->html, "-");
        } else {
                (void)snprintf(id, sizeof id, "dose-%s", name);
                html_data(&r->html, id, a->dose_ratio, "%s", put_number(buf[0], a->dose_ratio, 2, ""));
                if (a->dose_ratio_low < a->dose_ratio_high)
                        html_text(&r->html, " (%s to %s)", put_number(buf[1], a->dose_ratio_low, 2, ""),
                            put_number(buf[2], a->dose_ratio_high, 2, ""));
        }
        html_close(&r->html, "td");
        r->html.column++;
}

static void put_line(struct page *r, int i)
{
        const struct dryrun_line *line = &dryrun_get(r->dry)->line[i];
        const struct adequacy_line *a = &r->adequacy.line[i];
        char buf[6][PAGE_TEXT_CAP];

        html_row_begin(&r->html, a->dose_ratio < 1 ? "odd" : NULL);
        html_cell(&r->html, "%s", r->tool->lines[i].name);
        html_cell(&r->html, "%s", put_number(buf[0], line->dose_umol, 3, "umol"));
        html_cell(&r->html, "%s", put_number(buf[1], a->needed_umol, 3, "umol"));
        put_ratio(r, r->tool->lines[i].name, a);
        html_cell(&r->html, "%s", put_percent(buf[2], a->coverage_mixed));
        html_cell(&r->html, "%s", put_percent(buf[3], a->coverage_plug));
        html_cell(&r->html, "%s",
            adequacy_limit_name(a->limited_by) != NULL ? adequacy_limit_name(a->limited_by) : "-");
        html_row_end(&r->html);
}

void page_dose(struct page *r)
{
        static const struct html_column columns[] = {{"precursor", false}, {"delivered a dose", true},
            {"needed", true}, {"dose ratio", true}, {"coverage, mixed bed", true},
            {"coverage, plug flow", true}, {"limited by", false}};
        const struct dryrun_result *d;
        char buf[2][PAGE_TEXT_CAP];

        if (r->dry == NULL) {
                html_element(&r->html, "p", "missing", "Not computed: %s.", r->no_dose);
                return;
        }
        d = dryrun_get(r->dry);
        html_table_begin(&r->html, "dose", columns, 7);
        for (int i = 0; i < r->tool->line_count; i++)
                if (d->line[i].dose_pulses > 0)
                        put_line(r, i);
        html_table_end(&r->html);
        html_element(&r->html, "p", "note",
            "Computed, not measured: a dry run of the recorded recipe, tool file and powder (%s, %s in the "
            "bed) by "
            "this version, as `aldctl dry-run` does it. Dose ratio: delivered by needed, within what is "
            "known of the "
            "vapour pressure. A ratio below 1 means that not all of the powder can be coated in a cycle.",
            d->powder_g > 0 ? put_number(buf[0], d->powder_g, 3, "g") : "no powder",
            d->powder_m2 > 0 ? put_number(buf[1], d->powder_m2, 3, "m2") : "no area");
}
