/* How `aldctl interlocks` shows causes and effects. */
#ifndef ALD_APP_ALDCTL_MATRIX_H
#define ALD_APP_ALDCTL_MATRIX_H

#include "ald/app/aldctl_show.h" /* enum show_colour */

#include <jansson.h> /* json_t */

#include <stdio.h> /* FILE */

/* The matrix of an answer to `interlocks` (control/report.h names the keys), with a legend. */
void matrix_print(FILE *to, json_t *locks);

/* What an interlock does at this moment, in a word, and whether that is a concern. */
const char *matrix_lock_word(const json_t *lock, enum show_colour *colour);

#endif
