/* Alarms, the first-out on top, with what to do about them; and the last events. */
#include "ald/app/top_draw.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_* */

#include <string.h> /* strcmp */

enum { ALARMS_MAX = 256 };

static bool is_quiet(const json_t *alarm)
{
        const char *state = show_get_text(alarm, "state");

        return strcmp(state, "shelved") == 0 || strcmp(state, "suppressed") == 0;
}

static bool is_low(const json_t *alarm)
{
        return strcmp(show_get_text(alarm, "priority"), "low") == 0;
}

/* ---- In order ---- */

/* The first-out; then the daemon's order, by priority and time; those that are silenced come last. In a flood those of low
 * priority are counted only. */
static int order(const struct top_model *m, bool with_low, const json_t *list[ALARMS_MAX])
{
        const json_t *latch = json_array_get(json_object_get(m->view.status, "latches"), 0);
        const char *first = show_get_text(latch, "id");
        int n = 0;

        for (int turn = 0; turn < 3; turn++)
                for (size_t i = 0; i < json_array_size(m->alarms) && n < ALARMS_MAX; i++) {
                        const json_t *alarm = json_array_get(m->alarms, i);
                        bool is_first = first[0] != '\0' && strcmp(show_get_text(alarm, "id"), first) == 0;

                        if ((is_first             ? 0
                                : is_quiet(alarm) ? 2
                                                  : 1) == turn &&
                            (is_first || with_low || !is_low(alarm)))
                                list[n++] = alarm;
                }
        return n;
}

static enum top_style style_of(const json_t *alarm)
{
        const char *priority = show_get_text(alarm, "priority");

        if (is_quiet(alarm))
                return TOP_DIM;
        return strcmp(priority, "high") == 0 || strcmp(priority, "critical") == 0 ? TOP_ALARM : TOP_WARN;
}

/* "!" waits for somebody, "~" and its cause is gone, "." was seen, "-" is silenced. */
static char sign_of(const json_t *alarm)
{
        const char *state = show_get_text(alarm, "state");

        if (is_quiet(alarm))
                return '-';
        if (strcmp(state, "returned-unacknowledged") == 0)
                return '~';
        return strstr(state, "unacknowledged") != NULL ? '!' : '.';
}

static void add_alarm(struct text *t, const json_t *alarm, bool is_first)
{
        const char *id = show_get_text(alarm, "id"), *text = show_get_text(alarm, "text");
        char when[SHOW_TIME_CAP] = "-";

        if (show_get_text(alarm, "time")[0] != '\0')
                show_local(show_parse_time(show_get_text(alarm, "time")), false, when);
        text_add(t, "%c %-8s %s%s ", sign_of(alarm), when, is_first ? "first " : "",
            show_get_text(alarm, "priority"));
        if (strncmp(text, id, strlen(id)) != 0)
                text_add(t, "%s%s", id, text[0] != '\0' ? ": " : "");
        text_add(t, "%s", text);
        if (is_quiet(alarm))
                text_add(t, " (%s)", show_get_text(alarm, "state"));
}

/* An alarm and, with two rows, what to do; the rows taken. */
static int draw_alarm(struct top_canvas *c, const json_t *alarm, bool is_first, int row, int rows)
{
        const char *guidance = show_get_text(alarm, "guidance");
        char buf[512];
        struct text t;

        text_init(&t, buf, sizeof buf);
        add_alarm(&t, alarm, is_first);
        (void)top_canvas_put(c, row, 1, c->columns - 2, style_of(alarm), buf);
        if (rows < 2 || guidance[0] == '\0')
                return 1;
        (void)top_canvas_put(c, row + 1, 12, c->columns - 13, TOP_PLAIN, guidance);
        return 2;
}

static void add_heading(struct text *t, const json_t *s)
{
        double shown = show_get_number(s, "alarms_shown", 0),
               shelved = show_get_number(s, "alarms_shelved", 0);
        double unacked = show_get_number(s, "alarms_unacknowledged", 0);

        if (json_is_true(json_object_get(s, "is_flooded")))
                text_add(t, "A FLOOD OF ");
        text_add(t, shown > 0 ? "ALARMS: %.0f" : "alarms: none", shown);
        if (unacked > 0)
                text_add(t, ", %.0f not acknowledged (k)", unacked);
        if (shelved > 0)
                text_add(t, ", %.0f shelved", shelved);
}

void top_draw_alarms(struct top_canvas *c, const struct top_model *m, int row, int rows)
{
        const json_t *s = m->view.status, *list[ALARMS_MAX];
        bool is_flooded = json_is_true(json_object_get(s, "is_flooded"));
        bool has_first = json_array_size(json_object_get(s, "latches")) > 0;
        int total = (int)json_array_size(m->alarms), n = order(m, !is_flooded, list), end = row + rows, i = 0;
        char buf[160];
        struct text t;

        text_init(&t, buf, sizeof buf);
        add_heading(&t, s);
        top_canvas_rule(c, row++, show_get_number(s, "alarms_shown", 0) > 0 ? TOP_ALARM : TOP_DIM, buf);
        for (; i < n && row < end; i++) {
                int left = end - row, others = total - i - 1;

                /* The last row counts those that have none. */
                if (left == 1 && others > 0 && i > 0)
                        break;
                row += draw_alarm(
                    c, list[i], i == 0 && has_first, row, i == 0 || left >= 2 * (n - i) ? left : 1);
        }
        if (row < end && i < total)
                (void)top_canvas_say(c, row, 1, c->columns - 2, TOP_BOLD, "and %d more%s: i lists them",
                    total - i, is_flooded ? ", those of low priority among them" : "");
}

/* ---- Events ---- */

void top_draw_events(struct top_canvas *c, const struct top_model *m, int row, int rows)
{
        int count = (int)json_array_size(m->events), from = count > rows - 1 ? count - (rows - 1) : 0;

        top_canvas_rule(c, row++, TOP_DIM, "events");
        for (int i = from; i < count; i++) {
                const json_t *event = json_array_get(m->events, (size_t)i);
                char buf[512];
                struct text t;

                text_init(&t, buf, sizeof buf);
                view_add_event(&t, event);
                (void)top_canvas_put(
                    c, row++, 1, c->columns - 2, view_is_grave(event) ? TOP_WARN : TOP_PLAIN, buf);
        }
}

/* ---- All alarms, over the picture ---- */

void top_draw_alarm_list(struct top_canvas *c, const struct top_model *m, const struct top_ask *a)
{
        const json_t *list[ALARMS_MAX];
        int n = order(m, true, list), from = a->scroll < n ? a->scroll : n - 1, row = 1;
        bool has_first = json_array_size(json_object_get(m->view.status, "latches")) > 0;

        top_canvas_clear(c);
        (void)top_canvas_say(c, 0, 1, c->columns - 2, TOP_BOLD,
            "%d alarm%s; arrows move, any other key goes back", n, n == 1 ? "" : "s");
        if (n == 0)
                (void)top_canvas_put(c, 2, 1, c->columns - 2, TOP_PLAIN, "none");
        for (int i = from < 0 ? 0 : from; i < n && row < c->rows; i++) {
                const char *guidance = show_get_text(list[i], "guidance");
                char buf[512];
                struct text t;

                text_init(&t, buf, sizeof buf);
                add_alarm(&t, list[i], i == 0 && has_first);
                row += top_canvas_wrap(c, row, 3, 1, c->columns - 2, style_of(list[i]), buf);
                row += top_canvas_wrap(c, row, 3, 12, c->columns - 13, TOP_PLAIN, guidance);
        }
}
