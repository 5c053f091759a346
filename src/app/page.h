/* The report of a run as one page: what its parts share. page_load.c gathers, page.c puts the sections in order, the
 * others write them. */
#ifndef ALD_APP_PAGE_H
#define ALD_APP_PAGE_H

#include "ald/app/aldctl_past.h"    /* struct aldctl_past */
#include "ald/app/html.h"           /* struct html */
#include "ald/app/plot_gnuplot.h"   /* struct plot, PLOT_WHY_CAP */
#include "ald/app/run_sum.h"        /* struct run_sum */
#include "ald/base/time.h"          /* TIME_S */
#include "ald/core/recipe.h"        /* struct recipe */
#include "ald/core/tool.h"          /* struct tool */
#include "ald/sim/adequacy.h"       /* struct adequacy */
#include "ald/sim/dryrun.h"         /* struct dryrun */
#include "ald/store/query.h"        /* struct query_run, struct query_pulse, struct query_event */
#include "ald/store/query_report.h" /* struct query_report_run, struct query_report_audit */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* int64_t */

/* A list that grows. */
struct page_list {
        void *items;
        size_t count, cap, size; /* size: of one item */
};

/* A time in which the run waited: held by somebody or something, or suspended. */
struct page_wait {
        int64_t from_us, to_us;
        bool is_suspended, is_open; /* open: it had not ended when the record did */
        char why[256];
};

/* One tag over a time, as recorded. */
struct page_measure {
        double median, min, max; /* NaN: no good sample */
        int64_t samples, bad;
};

struct page {
        struct query *q; /* borrowed */
        struct html html;
        int64_t now_us; /* UTC, of this report */

        struct query_run run;
        struct query_report_run more;
        struct query_texts texts;
        struct aldctl_past past;
        const struct tool *tool;     /* of `past`; NULL: why_not tells */
        const struct recipe *recipe; /* NULL likewise */
        char why_not[256];

        struct page_list pulses; /* struct query_pulse, in the order of the plan */
        struct page_list events; /* struct query_event: what was amiss, notes, leak checks, holds */
        struct page_list states; /* struct query_event: changes of state, phases */
        struct page_list audits; /* struct query_report_audit */
        struct page_list bases;  /* struct query_base */
        struct page_list waits;  /* struct page_wait */
        struct page_list before; /* struct query_run: runs before this one, newest first */
        bool is_before_cut;      /* there were more than that */

        struct run_sum sum;
        int64_t end_us;                   /* of the run; of one under way, now */
        int64_t coat_from_us, coat_to_us; /* first opening, last close; 0 = no pulse was opened */
        struct dryrun *dry;               /* NULL: no_dose tells */
        struct adequacy adequacy;
        char no_dose[256];

        char trouble[320];           /* samples that could not be read; "" = none such */
        char no_plots[PLOT_WHY_CAP]; /* "" = gnuplot works, as far as it was tried */
        int plot_count;
};

/* ---- page_load.c ---- */

/* Gather everything. 1; 0: there is no such run; -1: `why` tells. Release with page_free() in any case. */
int page_load(struct page *r, struct query *q, int64_t run_id, int64_t now_us, struct text *why);
void page_free(struct page *r);
/* Item i of a list; i below its count. */
const void *page_item(const struct page_list *list, size_t i);
/* Append a copy; false: no memory. */
bool page_append(struct page_list *list, const void *item);
struct trend_point;
/* Points of a tag in [from_us, to_us), at most so many (store/trend.h); what goes wrong stands in `trouble`. */
void page_trend(struct page *r, const char *tag, int64_t from_us, int64_t to_us, int points,
    void (*row)(void *ctx, const struct trend_point *p), void *ctx);
/* A tag over from_us to to_us; nothing where the tag has no name or no samples. */
struct page_measure page_measure(struct page *r, const char *tag, int64_t from_us, int64_t to_us);
/* Has the run ended as its recipe wanted it to? */
bool page_is_complete(const struct page *r);
/* The name of the gauge's tag; NULL: unknown. */
const char *page_gauge(const struct page *r);
/* What precursor lines had pulses, in the order of the first ones: their names (borrowed); how many. */
enum { PAGE_LINES_MAX = TOOL_LINES_MAX };
size_t page_list_precursors(const struct page *r, const char *names[PAGE_LINES_MAX]);

/* ---- page_text.c: numbers for people ---- */

enum { PAGE_TEXT_CAP = 64 };
/* "2.303", "-" for NaN. */
const char *page_number(char buf[PAGE_TEXT_CAP], double value, int digits);
/* "2026-11-22 00:24:18", UTC; "-" for none. */
const char *page_time(char buf[PAGE_TEXT_CAP], int64_t us);
/* "00:24:18.123". */
const char *page_clock(char buf[PAGE_TEXT_CAP], int64_t us);
/* "5 min 38 s". */
const char *page_lasting(char buf[PAGE_TEXT_CAP], int64_t us);
/* Milliseconds with two places, "-" for less than zero when `is_known` is false. */
const char *page_ms(char buf[PAGE_TEXT_CAP], int64_t us, bool is_known);
/* The median; sorts `values`. NaN for none. */
double page_median(double *values, size_t count);
/* How far a pulse's width is from its plan; false: not known. */
bool page_width_error(const struct query_pulse *p, int64_t *us);

/* ---- page_cycles.c ---- */

/* Pulses whose baseline differs from their precursor's median by more than that part of it. */
size_t page_count_baselines_off(const struct page *r, double part);

/* ---- page_plots.c ---- */

/* Draw a plot into a figure with a caption, or tell why there is none. */
void page_put_plot(struct page *r, const struct plot *plot, const char *caption);
/* Points of a curve: x and y side by side, growing. */
struct page_curve {
        struct page_list x, y; /* double */
};
bool page_add_point(struct page_curve *c, double x, double y);
void page_use_curve(struct plot_curve *to, const struct page_curve *c);
void page_free_curve(struct page_curve *c);

/* ---- page_overlay.c ---- */

/* What is drawn of each pulse: a second before it opens, and after it closes while the next has not opened. */
#define PAGE_OVERLAY_LEAD_US TIME_S
/* Until the tail is over, or a little before the next pulse opens (0: none does): its rise is no part of this one. */
int64_t page_overlay_end_us(const struct query_pulse *p, int64_t next_opened_us);

/* ---- Sections; page_page.c has their order and titles ---- */

void page_summary(struct page *r);
void page_made(struct page *r);
void page_methods(struct page *r);
void page_trends(struct page *r);
void page_overlay(struct page *r);
void page_cycles(struct page *r);
void page_times(struct page *r);
void page_tool(struct page *r);
void page_before(struct page *r);
void page_dose(struct page *r);
void page_waits(struct page *r);
void page_alarms(struct page *r);
void page_actions(struct page *r);
void page_recipe(struct page *r);
void page_proof(struct page *r);

/* The whole page to `to`. */
void page_put(struct page *r, FILE *to);

#endif
