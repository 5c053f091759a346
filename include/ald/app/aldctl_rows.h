/* Tables of a run's record as CSV or JSON: man ald-export(5) documents them. */
#ifndef ALD_APP_ALDCTL_ROWS_H
#define ALD_APP_ALDCTL_ROWS_H

#include "ald/store/query_export.h" /* enum query_table */

#include <stdbool.h> /* bool */
#include <stdio.h>   /* FILE */

/* One table with its head as CSV (RFC 4180, but lines end with a line feed), or as a JSON object {"columns": [...], "rows":
 * [[...], ...]}. False: it went wrong (told), was interrupted, or the stream takes no more. */
bool rows_put_csv(FILE *to, struct query *q, enum query_table table, const struct query_span *span);
bool rows_put_json(FILE *to, struct query *q, enum query_table table, const struct query_span *span);

/* A JSON string; bytes that are no UTF-8 become U+FFFD. */
void rows_put_json_text(FILE *to, const char *text);

#endif
