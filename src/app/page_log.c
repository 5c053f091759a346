/* What was amiss, and what people did. */
#include "page.h" /* own declarations */

#include <string.h> /* strcmp */

enum { ROWS_MAX = 500 };

static bool is_grave(const struct query_event *e)
{
        return strcmp(e->severity, "info") != 0;
}

static void put_events(struct page *r, const char *id, bool grave)
{
        static const struct html_column columns[] = {
            {"at (UTC)", true}, {"severity", false}, {"source", false}, {"text", false}};
        char buf[PAGE_TEXT_CAP];
        size_t shown = 0, count = 0;

        html_table_begin(&r->html, id, columns, 4);
        for (size_t i = 0; i < r->events.count; i++) {
                const struct query_event *e = page_item(&r->events, i);

                if (is_grave(e) != grave || count++ >= ROWS_MAX)
                        continue;
                shown++;
                html_row_begin(&r->html, grave ? "odd" : NULL);
                html_cell(&r->html, "%s", page_clock(buf, e->t_us));
                html_cell(&r->html, "%s", e->severity);
                html_cell(&r->html, "%s", e->source);
                html_cell(&r->html, "%s", e->text);
                html_row_end(&r->html);
        }
        html_table_end(&r->html);
        if (shown < count)
                html_element(&r->html, "p", "note", "%zu in all; the first %zu are shown.", count, shown);
}

static size_t count_events(const struct page *r, bool grave)
{
        size_t count = 0;

        for (size_t i = 0; i < r->events.count; i++)
                count += is_grave(page_item(&r->events, i)) == grave;
        return count;
}

void page_alarms(struct page *r)
{
        if (count_events(r, true) == 0)
                html_element(&r->html, "p", NULL, "No warning, no alarm, no trip.");
        else
                put_events(r, "grave", true);
        if (count_events(r, false) > 0) {
                html_element(&r->html, "h3", NULL, "Notes, questions, checks and holds");
                put_events(r, "notes", false);
        }
}

void page_actions(struct page *r)
{
        static const struct html_column columns[] = {
            {"at (UTC)", true}, {"who", false}, {"role", false}, {"command", false}, {"result", false}};
        char buf[PAGE_TEXT_CAP];

        if (r->audits.count == 0) {
                html_element(&r->html, "p", "missing", "None is recorded between the start and the end.");
                return;
        }
        html_table_begin(&r->html, "actions", columns, 5);
        for (size_t i = 0; i < r->audits.count && i < ROWS_MAX; i++) {
                const struct query_report_audit *a = page_item(&r->audits, i);
                size_t len = strlen(a->command);
                /* The arguments repeat the command. */
                bool repeats = strncmp(a->arguments, a->command, len) == 0;

                html_row_begin(&r->html, strcmp(a->result, "ok") == 0 ? NULL : "odd");
                html_cell(&r->html, "%s", page_clock(buf, a->t_us));
                html_cell(&r->html, "%s", a->user);
                html_cell(&r->html, "%s", a->role);
                html_cell(&r->html, "%s%s", a->command, repeats ? a->arguments + len : a->arguments);
                html_cell(&r->html, "%s", a->result);
                html_row_end(&r->html);
        }
        html_table_end(&r->html);
        if (r->audits.count > ROWS_MAX)
                html_element(
                    &r->html, "p", "note", "%zu in all; the first %d are shown.", r->audits.count, ROWS_MAX);
}
