/* `aldctl dry-run`: what its parts share. aldctl_dryrun.c runs it, aldctl_dryrun_notes.c says what a person should know,
 * aldctl_dryrun_text.c, aldctl_dryrun_rows.c and aldctl_dryrun_json.c show it, aldctl_plot.c draws it. */
#ifndef ALD_APP_ALDCTL_DRYRUN_H
#define ALD_APP_ALDCTL_DRYRUN_H

#include "ald/base/diag.h"    /* struct diag */
#include "ald/core/recipe.h"  /* struct recipe */
#include "ald/core/tool.h"    /* struct tool */
#include "ald/sim/adequacy.h" /* struct adequacy */
#include "ald/sim/dryrun.h"   /* struct dryrun_result */

#include <jansson.h> /* json_t */

#include <stdbool.h> /* bool */
#include <stdio.h>   /* FILE */

/* One finding with its place: the dry run's own, or what the powder's numbers say. */
struct dryrun_note {
        enum dryrun_severity severity;
        char id[TOOL_NAME_MAX];
        char text[400];
        struct diag_at at; /* source: of the report's `places` */
        int64_t first_us, count;
};

enum { DRYRUN_NOTES_MAX = DIAG_ENTRIES_MAX };

struct dryrun_report {
        const struct tool *tool;
        const struct recipe *recipe;
        const struct dryrun_result *result;
        struct adequacy adequacy;
        struct diag *places; /* the recipe's texts, for FILE:LINE and carets */
        int note_count;
        struct dryrun_note notes[DRYRUN_NOTES_MAX];
        int64_t notes_lost;
};

/* Everything that follows from a result, all borrowed. NULL: no memory. Release with dryrun_report_free(). */
struct dryrun_report *dryrun_report_new(
    const struct tool *tool, const struct recipe *recipe, const struct dryrun_result *result);
void dryrun_report_free(struct dryrun_report *r); /* NULL allowed */
/* Would the run end as planned, without a finding that is an error? */
bool dryrun_report_is_ok(const struct dryrun_report *r);

/* Add one note; `source_line` counts in the recipe's whole text, 0 = the recipe as such. False: no room; it is counted. */
bool dryrun_add_note(struct dryrun_report *r, enum dryrun_severity severity, const char *id,
    int32_t source_line, const char *fmt, ...) TEXT_PRINTF(5, 6);
/* What the numbers say of each precursor and of the film (aldctl_dryrun_notes.c). */
void dryrun_add_notes(struct dryrun_report *r);

/* Where a report goes, and whether in colour. */
struct dryrun_page {
        FILE *to;
        bool colour;
        const struct dryrun_report *r;
};
enum dryrun_style { DRYRUN_PLAIN, DRYRUN_BOLD, DRYRUN_RED, DRYRUN_GREEN, DRYRUN_YELLOW };
const char *dryrun_style(const struct dryrun_page *p, enum dryrun_style s);
/* Its parts in aldctl_dryrun_rows.c. */
void dryrun_print_timeline(const struct dryrun_page *p);
void dryrun_print_precursors(const struct dryrun_page *p);
/* "1:02:03" since the run's start. */
void dryrun_add_time(struct text *t, int64_t us);
/* A duration without digits that nobody reads. */
void dryrun_add_lasting(struct text *t, int64_t us);

/* For people, within 100 columns. */
enum { DRYRUN_COLUMNS = 100 };
void dryrun_print_text(FILE *to, const struct dryrun_report *r, bool colour);
/* One object; a new reference. `load_diag` holds the warnings of compiling. */
json_t *dryrun_pack_json(const struct dryrun_report *r, const struct diag *load_diag);
/* The same when the recipe did not compile. */
json_t *dryrun_pack_refused(const char *file, const struct diag *load_diag);
/* An SVG of the run and of one coating cycle. */
void plot_print_svg(FILE *to, const struct dryrun_report *r);

/* Numbers for people: `digits` significant ones. */
void dryrun_add_number(struct text *t, double value, int digits, const char *unit);
/* A part as "0.77 %", "4.5 %", "65 %". */
void dryrun_add_percent(struct text *t, double part);

#endif
