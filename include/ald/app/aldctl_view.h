/* What a subscriber knows of the tool, kept up to date by differences, and how it reads in one line. */
#ifndef ALD_APP_ALDCTL_VIEW_H
#define ALD_APP_ALDCTL_VIEW_H

#include "ald/base/text.h" /* struct text */

#include <jansson.h> /* json_t */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdio.h>   /* FILE */

struct view {
        json_t *status; /* control/report.h names the keys */
        json_t *tags;   /* by name */
};

/* From the answer to `subscribe`. */
void view_begin(struct view *v, json_t *full);
/* Fold an update's params in. */
void view_fold(struct view *v, json_t *params);
void view_end(struct view *v);

/* The one line: "Execute, prepare: waiting for nb.temperature 104.2 of 110 degC". */
void view_add_line(struct text *t, const json_t *status);
/* The same without what only counts down: when it differs, something happened. */
void view_add_key(struct text *t, const json_t *status);

/* Of the line, what is done or waited for: "waiting for nb.temperature 104.2 of 110 degC". */
void view_add_doing(struct text *t, const json_t *status);

/* An estimate: "about 12 min". */
void view_add_about(struct text *t, double seconds);

/* How many bytes of a line stand in its next row: up to the time left, else whole words. */
size_t view_row(const char *text, int columns);

/* A line of the devices that rest on profiles which nobody has verified, where there are any. */
void view_print_unverified(FILE *to, const json_t *status);
/* A line for each input that is bypassed. */
void view_print_bypasses(FILE *to, const json_t *status);

/* Further lines that a status needs: trips with guidance, what is asked and how to answer, bypasses, outputs not confirmed, a record that is not kept. */
void view_print_concerns(FILE *to, const json_t *status);

/* "10:15:30 warning over-pressure: text" of an event. */
void view_add_event(struct text *t, const json_t *event);
/* Is it worth a colour: a warning, an alarm, a trip? */
bool view_is_grave(const json_t *event);

#endif
