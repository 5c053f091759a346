/* The terminal of `aldctl top` (ncurses): keys come in, pictures go out, only what has changed is written. */
#ifndef ALD_APP_TOP_SCREEN_H
#define ALD_APP_TOP_SCREEN_H

#include "ald/app/top_canvas.h" /* struct top_canvas */

#include <stdbool.h> /* bool */

/* Not keys of top_ask.h: nothing was pressed; the size has changed. */
enum { TOP_SCREEN_NO_KEY = -1, TOP_SCREEN_RESIZED = -2 };

/* Take the terminal over. False: it cannot show a screen. */
bool top_screen_open(void);
/* Give it back as it was. */
void top_screen_close(void);
void top_screen_size(int *rows, int *columns);
/* Can it show letters beyond ASCII? After setlocale(). */
bool top_screen_is_ascii(void);
/* The next key, at once. */
int top_screen_key(void);
void top_screen_show(const struct top_canvas *c);
/* Write everything anew. */
void top_screen_redraw(void);

#endif
