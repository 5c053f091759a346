/* The last row with the keys that do something now, and what stands over the picture: questions, refusals, help. */
#include "ald/app/top_draw.h" /* own declarations */

#include <string.h> /* strlen, strchr */

enum { OVER_COLUMNS_MAX = 80, OVER_ROWS_MAX = 40 };

void top_draw_keys(struct top_canvas *c, const struct top_model *m, const struct top_ask *a, int row)
{
        static const char *const always[] = {"?", " help  ", "q", " quit"};
        const char *word;
        char key;
        int at = c->columns - (int)strlen("? help  q quit") - 1, end = at;

        if (m->now_us < a->note_until_us) {
                (void)top_canvas_put(
                    c, row, 1, c->columns - 2, a->is_note_bad ? TOP_WARN : TOP_GOOD, a->note);
                return;
        }
        for (int i = 0; i < 4; i++)
                at = top_canvas_put(c, row, at, c->columns, i % 2 == 0 ? TOP_BOLD : TOP_PLAIN, always[i]);
        at = 1;
        for (int i = 0; top_ask_hint(m, i, &key, &word); i++) {
                if (at + 2 + (int)strlen(word) >= end)
                        break;
                at = top_canvas_say(c, row, at, 2, TOP_BOLD, "%c", key);
                at = top_canvas_put(c, row, at + 1, end - at - 1, TOP_PLAIN, word) + 2;
        }
}

/* Rows of the text, each paragraph wrapped; drawn when `c` says where, counted only with row < 0. */
static int put_text(struct top_canvas *c, int row, int column, int width, const char *text)
{
        int used = 0;

        while (*text != '\0' && used < OVER_ROWS_MAX) {
                char part[512];
                const char *end = strchr(text, '\n');
                size_t len = end != NULL ? (size_t)(end - text) : strlen(text);

                (void)snprintf(part, sizeof part, "%.*s", (int)len, text);
                used += top_canvas_wrap(
                    c, row < 0 ? -OVER_ROWS_MAX * 2 : row + used, 12, column, width, TOP_PLAIN, part);
                text += len + (end != NULL);
        }
        return used;
}

static void draw_dialogue(struct top_canvas *c, const char *title, const char *text, const char *ways)
{
        int columns = c->columns < OVER_COLUMNS_MAX ? c->columns : OVER_COLUMNS_MAX, width = columns - 4;
        int rows = put_text(c, -1, 0, width, text) + 5, column = (c->columns - columns) / 2;
        int row = c->rows - 1 - rows;

        /* The state and the tool stay in sight. */
        row = row < 0 ? 0 : row;
        top_canvas_frame(c, row, column, rows, columns, TOP_WARN);
        (void)top_canvas_say(c, row, column + 2, width, TOP_WARN, " %s ", title);
        (void)put_text(c, row + 2, column + 2, width, text);
        (void)top_canvas_put(c, row + rows - 2, column + 2, width, TOP_BOLD, ways);
}

static void draw_help(struct top_canvas *c)
{
        int rows = 0, columns = c->columns < OVER_COLUMNS_MAX ? c->columns : OVER_COLUMNS_MAX;
        int row, column = (c->columns - columns) / 2;

        while (top_ask_help(rows) != NULL)
                rows++;
        row = (c->rows - rows - 2) / 2;
        row = row < 0 ? 0 : row;
        top_canvas_frame(c, row, column, rows + 2, columns, TOP_PLAIN);
        (void)top_canvas_put(c, row, column + 2, columns - 4, TOP_BOLD, " aldctl top: any key goes back ");
        for (int i = 0; i < rows; i++)
                (void)top_canvas_put(c, row + 1 + i, column + 2, columns - 4, TOP_PLAIN, top_ask_help(i));
}

void top_draw_over(struct top_canvas *c, const struct top_model *m, const struct top_ask *a)
{
        switch (a->over) {
        case TOP_OVER_NOTHING:
                break;
        case TOP_OVER_QUESTION:
                draw_dialogue(c, a->title, a->text, "y  yes     n  no");
                break;
        case TOP_OVER_REFUSAL:
                draw_dialogue(c, a->title, a->text, "any key goes back");
                break;
        case TOP_OVER_HELP:
                draw_help(c);
                break;
        case TOP_OVER_ALARMS:
                top_draw_alarm_list(c, m, a);
                break;
        }
}
