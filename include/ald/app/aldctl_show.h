/* How aldctl shows things to people: colour only on a terminal and not with NO_COLOR, times of day local, and never a
 * control character of somebody else's text on the terminal. */
#ifndef ALD_APP_ALDCTL_SHOW_H
#define ALD_APP_ALDCTL_SHOW_H

#include "ald/base/text.h" /* struct text */

#include <jansson.h> /* json_t */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */
#include <stdio.h>   /* FILE */

enum show_colour { SHOW_PLAIN, SHOW_BOLD, SHOW_DIM, SHOW_RED, SHOW_GREEN, SHOW_YELLOW };

/* First of all: no file or socket may become a stream that the caller has closed; writing to that one fails. */
void show_open(void);
/* Last of all: did everything that was printed arrive? False: told. A reader that has gone (`| head`) wanted no more. */
bool show_close(void);

/* May `to` be coloured? */
bool show_has_colour(FILE *to);
/* The escape that begins a colour on `to`, "" where there is none; SHOW_PLAIN ends it. */
const char *show_colour(FILE *to, enum show_colour colour);

/* Print text with control characters (but newlines, when `lines`) as '?'. */
void show_text(FILE *to, const char *text, bool lines);

/* "error: ..." on stderr. */
void show_error(const char *fmt, ...) TEXT_PRINTF(1, 2);

/* One JSON value and a newline on stdout; it is released. */
void show_json(json_t *value);

/* "2026-11-21 10:15:30" or "10:15:30", local, from UTC microseconds. */
enum { SHOW_TIME_CAP = 32 };
void show_local(int64_t wall_us, bool with_date, char out[SHOW_TIME_CAP]);
/* UTC microseconds from "2026-11-21T10:15:30.123456Z"; -1 when it is none. */
int64_t show_parse_time(const char *utc);

/* Append a duration without fractions a person does not read: "12 min 20 s", "8.5 s". */
void show_add_seconds(struct text *t, double seconds);

/* Text and numbers of an object; what is missing or of another type is "" or `otherwise`. Borrowed. */
const char *show_get_text(const json_t *object, const char *key);
double show_get_number(const json_t *object, const char *key, double otherwise);

/* Columns of a terminal; 0 when `to` is none. */
int show_columns(FILE *to);
/* How many of the first bytes of `text` stand in a row of `columns`: whole words, where there are any. */
size_t show_fit_words(const char *text, int columns);
/* Print text that begins in column `at`; a terminal gets it in rows of whole words, the further ones indented. */
void show_wrapped(FILE *to, const char *text, int at, int indent);
/* How many of the first bytes of `text` fit in `columns` (UTF-8: one column a letter). */
size_t show_fit(const char *text, int columns);

#endif
