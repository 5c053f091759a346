/* The picture of `aldctl top`: a header that says what the tool does, the tool itself, the pressure, alarms, events, keys. What
 * is essential fits 80 x 24; more rows go to the plot, the alarms and the events. */
#ifndef ALD_APP_TOP_DRAW_H
#define ALD_APP_TOP_DRAW_H

#include "ald/app/top_ask.h"    /* struct top_ask */
#include "ald/app/top_canvas.h" /* struct top_canvas */
#include "ald/app/top_model.h"  /* struct top_model */
#include "ald/base/text.h"      /* struct text */

#include <jansson.h> /* json_t */

#include <stdbool.h> /* bool */

enum { TOP_ROWS_MIN = 22, TOP_COLUMNS_MIN = 72 };

/* Has the picture its room? Without it there are words only, and no question can be read. */
bool top_draw_fits(const struct top_canvas *c);
void top_draw(struct top_canvas *c, const struct top_model *m, const struct top_ask *a);

/* The parts, each in rows [row, row + rows). */

/* top_draw_head.c: as many rows as top_draw_head_rows() says. */
int top_draw_head_rows(const struct top_canvas *c);
void top_draw_head(struct top_canvas *c, const struct top_model *m);
/* The style of a state: is all well, does it wait for somebody, is it an emergency? */
enum top_style top_draw_state(const char *state);

/* top_draw_tool.c; top_draw_tool_rows() says how many it wants. */
int top_draw_tool_rows(const struct top_model *m);
void top_draw_tool(struct top_canvas *c, const struct top_model *m, int row, int rows);

/* top_draw_value.c */
/* A number of a tag ("value", "commanded"); NaN: it has none. */
double top_draw_number(const struct top_model *m, const char *tag, const char *key);
/* A tag's value with its sign: "104.2", "104.2 ?"; the style to show it in. decimals -1: as many digits as a gauge has. */
enum top_style top_draw_value(struct text *t, const struct top_model *m, const char *tag, int decimals);
/* "104.2 < 110 degC": the value of a flow, heater or motor against its set-point. */
enum top_style top_draw_loop(
    struct text *t, const struct top_model *m, const json_t *equipment, bool with_unit);

/* top_draw_plot.c: a heading, the plot, a row for each precursor's pulses. */
int top_draw_plot_rows_min(const struct top_canvas *c, const struct top_model *m);
void top_draw_plot(
    struct top_canvas *c, const struct top_model *m, const struct top_ask *a, int row, int rows);

/* top_draw_lists.c */
void top_draw_alarms(struct top_canvas *c, const struct top_model *m, int row, int rows);
void top_draw_events(struct top_canvas *c, const struct top_model *m, int row, int rows);
/* All alarms with what to do, in place of the picture. */
void top_draw_alarm_list(struct top_canvas *c, const struct top_model *m, const struct top_ask *a);

/* top_draw_over.c: the last row, and what stands over the picture. */
void top_draw_keys(struct top_canvas *c, const struct top_model *m, const struct top_ask *a, int row);
void top_draw_over(struct top_canvas *c, const struct top_model *m, const struct top_ask *a);

#endif
