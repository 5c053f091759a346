/* Where a run stood still: holds, suspensions, and cycles that took longer than the others. */
#include "ald/base/time.h" /* TIME_S */
#include "page.h"          /* own declarations */

#include <math.h>   /* isnan */
#include <stdlib.h> /* free */

enum { STALLS_MAX = 50 };
/* A cycle is long when it takes so much more than the median one. */
static const double stall_part = 1.05;
static const int64_t stall_us = TIME_S;

static void put_waits(struct page *r)
{
        static const struct html_column columns[] = {
            {"what", false}, {"from (UTC)", true}, {"lasted", true}, {"why", false}};
        char buf[2][PAGE_TEXT_CAP];

        if (r->waits.count == 0) {
                html_element(&r->html, "p", NULL, "The run was never held or suspended.");
                return;
        }
        html_table_begin(&r->html, "holds", columns, 4);
        for (size_t i = 0; i < r->waits.count; i++) {
                const struct page_wait *w = page_item(&r->waits, i);

                html_row_begin(&r->html, NULL);
                html_cell(&r->html, "%s", w->is_suspended ? "suspended" : "held");
                html_cell(&r->html, "%s", page_clock(buf[0], w->from_us));
                html_cell(&r->html, "%s%s", page_lasting(buf[1], w->to_us - w->from_us),
                    w->is_open ? ", to the end of the record" : "");
                html_cell(&r->html, "%s", w->why);
                html_row_end(&r->html);
        }
        html_table_end(&r->html);
}

/* ---- Cycles ---- */

struct cycle {
        int64_t n, from_us;
        double lasted_us; /* to the next one's first opening; of the last: unknown, 0 */
};

/* By the first opening in each. */
static bool list_cycles(const struct page *r, struct page_list *cycles)
{
        for (size_t i = 0; i < r->pulses.count; i++) {
                const struct query_pulse *p = page_item(&r->pulses, i);
                struct cycle cycle = {.n = p->cycle, .from_us = p->opened_us};
                struct cycle *last =
                    cycles->count > 0 ? (struct cycle *)cycles->items + cycles->count - 1 : NULL;

                if (p->cycle < 1 || p->opened_us <= 0 || (last != NULL && p->cycle <= last->n))
                        continue;
                if (last != NULL && p->cycle == last->n + 1)
                        last->lasted_us = (double)(p->opened_us - last->from_us);
                if (!page_append(cycles, &cycle))
                        return false;
        }
        return true;
}

static double find_median(const struct page_list *cycles)
{
        struct page_list lengths = {.size = sizeof(double)};
        double median;

        for (size_t i = 0; i < cycles->count; i++) {
                const struct cycle *c = page_item(cycles, i);
                if (c->lasted_us > 0)
                        (void)page_append(&lengths, &c->lasted_us);
        }
        median = page_median(lengths.items, lengths.count);
        free(lengths.items);
        return median;
}

static bool was_waiting(const struct page *r, int64_t from_us, double lasted_us)
{
        for (size_t i = 0; i < r->waits.count; i++) {
                const struct page_wait *w = page_item(&r->waits, i);
                if ((double)w->from_us < (double)from_us + lasted_us && w->to_us > from_us)
                        return true;
        }
        return false;
}

static void put_stall(struct page *r, const struct cycle *c, double median_us)
{
        char buf[3][PAGE_TEXT_CAP];

        html_row_begin(&r->html, NULL);
        html_cell(&r->html, "%lld", (long long)c->n);
        html_cell(&r->html, "%s", page_clock(buf[0], c->from_us));
        html_cell(&r->html, "%s", page_lasting(buf[1], (int64_t)c->lasted_us));
        html_cell(&r->html, "%s", page_lasting(buf[2], (int64_t)(c->lasted_us - median_us)));
        html_cell(&r->html, "%s", was_waiting(r, c->from_us, c->lasted_us) ? "yes" : "no");
        html_row_end(&r->html);
}

static void put_stalls(struct page *r, const struct page_list *cycles, double median_us)
{
        static const struct html_column columns[] = {{"cycle", true}, {"from (UTC)", true}, {"lasted", true},
            {"longer by", true}, {"held in it", false}};
        char buf[PAGE_TEXT_CAP];
        size_t found = 0;

        for (size_t i = 0; i < cycles->count; i++) {
                const struct cycle *c = page_item(cycles, i);

                if (c->lasted_us < median_us * stall_part || c->lasted_us < median_us + (double)stall_us)
                        continue;
                if (found++ == 0)
                        html_table_begin(&r->html, "stalls", columns, 5);
                if (found <= STALLS_MAX)
                        put_stall(r, c, median_us);
        }
        if (found > 0)
                html_table_end(&r->html);
        html_element(&r->html, "p", "note",
            "A cycle took %s s (median, first opening to first opening). %zu of %zu took longer by a "
            "twentieth and a "
            "second or more%s.",
            page_number(buf, median_us / (double)TIME_S, 5), found, cycles->count,
            found > STALLS_MAX ? "; the first are shown" : "");
}

void page_waits(struct page *r)
{
        struct page_list cycles = {.size = sizeof(struct cycle)};
        double median_us = list_cycles(r, &cycles) ? find_median(&cycles) : 0;

        put_waits(r);
        if (median_us > 0)
                put_stalls(r, &cycles, median_us);
        free(cycles.items);
}
