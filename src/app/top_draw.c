#include "ald/app/top_draw.h"

#include "ald/app/aldctl_show.h" /* show_get_text */

/* Rows that the sections below the tool get. */
struct shares {
        int plot, alarms, events;
};

/* What an alarm needs comes first, then the plot, then the events; no section is less than its heading and a row. */
static struct shares share(const struct top_canvas *c, const struct top_model *m, int rows)
{
        int alarms = (int)json_array_size(m->alarms), wanted = alarms > 0 ? 2 * alarms + 1 : 0, spare;
        struct shares s = {.plot = top_draw_plot_rows_min(c, m),
            .alarms = alarms == 0   ? 1
                      : alarms == 1 ? 3
                                    : 4,
            .events = 2};

        spare = rows - s.plot - s.alarms - s.events;
        while (spare > 0) {
                bool is_small = s.alarms < wanted && s.alarms < rows / 4;

                if (is_small && spare-- > 0)
                        s.alarms++;
                if (s.events < 4 && spare > 0 && spare-- > 0)
                        s.events++;
                if (s.plot < rows / 2 && spare > 0 && spare-- > 0)
                        s.plot++;
                else if (!is_small && s.events >= 4 && spare > 0 && spare-- > 0)
                        s.events++;
        }
        return s;
}

/* A terminal that holds no picture gets words. */
static void draw_small(struct top_canvas *c, const struct top_model *m)
{
        const json_t *s = m->view.status;
        char buf[512];
        struct text t;
        int row = 0;

        if (top_model_is_stale(m))
                row += top_canvas_wrap(
                    c, row, 2, 0, c->columns, TOP_ALARM, "OLD VALUES: no word from the daemon");
        text_init(&t, buf, sizeof buf);
        if (s != NULL)
                view_add_line(&t, s);
        row += top_canvas_wrap(c, row, c->rows - row > 4 ? c->rows - 4 - row : 1, 0, c->columns,
            top_draw_state(show_get_text(s, "state")), buf);
        if (m->gauge != NULL) {
                text_init(&t, buf, sizeof buf);
                text_add(&t, "%s ", m->gauge);
                (void)top_draw_value(&t, m, m->gauge, -1);
                text_add(&t, " %s", show_get_text(top_model_tag(m, m->gauge), "unit"));
                row += top_canvas_wrap(c, row, 1, 0, c->columns, TOP_PLAIN, buf);
        }
        text_init(&t, buf, sizeof buf);
        text_add(&t, "Too small: %d x %d, the view needs %d x %d. q quits.", c->columns, c->rows,
            TOP_COLUMNS_MIN, TOP_ROWS_MIN);
        (void)top_canvas_wrap(c, row, c->rows - row, 0, c->columns, TOP_DIM, buf);
}

bool top_draw_fits(const struct top_canvas *c)
{
        return c->rows >= TOP_ROWS_MIN && c->columns >= TOP_COLUMNS_MIN;
}

void top_draw(struct top_canvas *c, const struct top_model *m, const struct top_ask *a)
{
        int tool = top_draw_tool_rows(m), row = top_draw_head_rows(c), left;
        struct shares s;

        top_canvas_clear(c);
        if (!top_draw_fits(c)) {
                draw_small(c, m);
                return;
        }
        left = c->rows - row - 1 - (top_draw_plot_rows_min(c, m) + 6);
        tool = tool > left ? left : tool;
        s = share(c, m, c->rows - row - 1 - tool);
        top_draw_head(c, m);
        if (m->view.status != NULL) {
                top_draw_tool(c, m, row, tool);
                row += tool;
                top_draw_plot(c, m, a, row, s.plot);
                row += s.plot;
                top_draw_alarms(c, m, row, s.alarms);
                row += s.alarms;
                top_draw_events(c, m, row, c->rows - 1 - row);
        }
        if (top_model_is_stale(m))
                top_canvas_veil(c, 1, c->rows - 1);
        top_draw_keys(c, m, a, c->rows - 1);
        top_draw_over(c, m, a);
}
