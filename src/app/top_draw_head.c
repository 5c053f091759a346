/* The header of `aldctl top`: is the picture live, what is done, how long it takes, when the tool may be opened. */
#include "ald/app/top_draw.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_add_seconds */
#include "ald/base/time.h"       /* TIME_S */

#include <string.h> /* strcmp */

/* A terminal with so many rows spares one for what must happen before the tool may be opened. */
enum { ROOMY = 30 };

enum top_style top_draw_state(const char *state)
{
        static const struct {
                const char *state;
                enum top_style style;
        } styles[] = {{"Execute", TOP_GOOD}, {"Completing", TOP_GOOD}, {"Complete", TOP_GOOD},
            {"Starting", TOP_GOOD}, {"Unholding", TOP_GOOD}, {"Unsuspending", TOP_GOOD}, {"Idle", TOP_BOLD},
            {"Stopped", TOP_BOLD}, {"Resetting", TOP_BOLD}, {"Aborting", TOP_ALARM}, {"Aborted", TOP_ALARM},
            {"Clearing", TOP_ALARM}};

        for (size_t i = 0; i < sizeof styles / sizeof styles[0]; i++)
                if (strcmp(styles[i].state, state) == 0)
                        return styles[i].style;
        return TOP_WARN; /* held, suspended, stopping: somebody may have to do something */
}

/* ---- The bar ---- */

static void add_life(struct text *t, const struct top_model *m)
{
        char when[SHOW_TIME_CAP];
        int64_t seconds;

        show_local(m->wall_us, false, when);
        if (m->lost_us >= 0)
                text_add(t, "NO CONNECTION for ");
        else if (top_model_is_stale(m))
                text_add(t, "NO ANSWER for ");
        else if (m->now_us < m->back_until_us)
                text_add(t, "the connection is back");
        if (!top_model_is_stale(m))
                return;
        seconds = top_model_age_us(m) / TIME_S;
        show_add_seconds(t, (double)seconds);
        text_add(t, ": values of %s", m->wall_us > 0 ? when : "?");
        if (m->lost_us >= 0)
                text_add(t, "; trying again%s%s", m->lost_why[0] != '\0' ? ": " : "", m->lost_why);
}

static void draw_bar(struct top_canvas *c, const struct top_model *m)
{
        enum top_style style = top_model_is_stale(m) ? TOP_ALERT : TOP_BAR;
        char when[SHOW_TIME_CAP] = "", life[256];
        const char *title = show_get_text(m->tool, "tool");
        struct text t;
        int at, right;

        if (m->wall_us > 0 && !top_model_is_stale(m))
                show_local(top_model_wall_us(m), false, when);
        text_init(&t, life, sizeof life);
        add_life(&t, m);
        top_canvas_fill(c, 0, 0, c->columns, style, ' ');
        right = c->columns - (int)strlen(when) - 1;
        (void)top_canvas_put(c, 0, right, c->columns, style, when);
        at = top_canvas_put(c, 0, 1, right - 2, style, title[0] != '\0' ? title : m->title);
        (void)top_canvas_put(c, 0, at + 2, right - at - 3, style, life);
}

/* ---- The state ---- */

static void add_flag(struct text *t, const char *words)
{
        text_add(t, "%s%s", t->len == 0 ? "[" : ", ", words);
}

/* What is out of the ordinary. */
static void add_flags(struct text *t, const json_t *s)
{
        static const struct {
                const char *key, *words;
        } flags[] = {{"is_exposing", "exposing"}, {"is_vented", "vented: no precursor"},
            {"is_stopping_after_cycle", "stops after this cycle"}};
        char buf[240];

        for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
                if (json_is_true(json_object_get(s, flags[i].key)))
                        add_flag(t, flags[i].words);
        if (json_array_size(json_object_get(s, "bypasses")) > 0) {
                const json_t *b = json_array_get(json_object_get(s, "bypasses"), 0);

                (void)snprintf(buf, sizeof buf, "BYPASSED %s%s", show_get_text(b, "tag"),
                    json_array_size(json_object_get(s, "bypasses")) > 1 ? " and more" : "");
                add_flag(t, buf);
        }
        if (show_get_number(s, "by_hand_count", 0) > 0) {
                (void)snprintf(buf, sizeof buf, "by hand: %s", show_get_text(s, "by_hand"));
                add_flag(t, buf);
        }
        /* While a valve moves in a run, its own sign says so. */
        if (show_get_number(s, "unconfirmed_count", 0) > 0 &&
            strcmp(show_get_text(s, "state"), "Execute") != 0) {
                (void)snprintf(buf, sizeof buf, "not confirmed: %s", show_get_text(s, "unconfirmed"));
                add_flag(t, buf);
        }
        if (json_is_false(json_object_get(s, "store_ok")))
                add_flag(t, "NOT RECORDED");
        if (t->len > 0)
                text_add(t, "]");
}

static void draw_state(struct top_canvas *c, const json_t *s, int row)
{
        const char *state = show_get_text(s, "state"), *phase = show_get_text(s, "phase");
        bool in_run = json_is_true(json_object_get(s, "in_run"));
        char flags[320], run[120] = "";
        struct text t;
        int at, right;

        text_init(&t, run, sizeof run);
        if (json_is_integer(json_object_get(s, "run")))
                text_add(&t, "%srun %.0f %s", in_run ? "" : "last: ", show_get_number(s, "run", 0),
                    show_get_text(s, "recipe"));
        text_init(&t, flags, sizeof flags);
        add_flags(&t, s);
        right = c->columns - (int)strlen(run) - 1;
        at = top_canvas_put(c, row, 1, c->columns - 2, top_draw_state(state), state);
        if (in_run && phase[0] != '\0')
                at = top_canvas_say(c, row, at, right - at, TOP_BOLD, ", %s", phase);
        if (in_run && show_get_number(s, "cycle", 0) > 0)
                at = top_canvas_say(c, row, at, right - at, TOP_BOLD, ", cycle %.0f of %.0f",
                    show_get_number(s, "cycle", 0), show_get_number(s, "cycles", 0));
        at = top_canvas_put(c, row, at + 2, right - at - 3, TOP_WARN, flags);
        (void)top_canvas_put(c, row, right > at ? right : at + 1, c->columns, TOP_PLAIN, run);
}

/* What it waits for or does, or why it does not. */
static void draw_doing(struct top_canvas *c, const json_t *s, int row)
{
        const char *state = show_get_text(s, "state"), *reason = show_get_text(s, "reason");
        bool moves = strcmp(state, "Execute") == 0 || strcmp(state, "Completing") == 0;
        double left = show_get_number(s, "step_left_s", -1);
        int width = c->columns - 2, at = 1;
        char buf[512];
        struct text t;

        if (show_get_text(s, "asks")[0] != '\0') {
                at = top_canvas_put(c, row, at, width, TOP_WARN, "ASKS  ");
                (void)top_canvas_put(c, row, at, c->columns - at - 1, TOP_BOLD, show_get_text(s, "asks"));
                return;
        }
        if (!moves && reason[0] != '\0') {
                (void)top_canvas_put(c, row, at, width, top_draw_state(state), reason);
                return;
        }
        text_init(&t, buf, sizeof buf);
        if (left >= 1) {
                show_add_seconds(&t, left);
                text_add(&t, " of it left");
        }
        width -= (int)t.len + 1;
        (void)top_canvas_put(c, row, c->columns - 1 - (int)t.len, c->columns, TOP_BOLD, buf);
        text_init(&t, buf, sizeof buf);
        view_add_doing(&t, s);
        (void)top_canvas_put(c, row, at, width, TOP_BOLD, buf);
}

/* ---- Time ---- */

/* The waits that are not in the time left; a daemon without an estimate says only that there are some. */
static void add_heating(struct text *t, const json_t *s)
{
        const json_t *heating = json_object_get(s, "heating_left_s");
        bool is_bounded = json_is_true(json_object_get(s, "is_bounded"));
        bool is_heating = json_is_true(json_object_get(s, "is_heating"));

        if (json_is_number(heating) && json_number_value(heating) >= 1) {
                text_add(t, " + %s ", is_heating ? "heat-up" : "waits of");
                view_add_about(t, json_number_value(heating));
        } else if (!json_is_number(heating) && (is_heating || !is_bounded)) {
                text_add(t, " + %s%s", is_heating ? "heat-up" : "waits",
                    heating != NULL ? ", which cannot be told" : "");
        }
}

static void add_expiry(struct text *t, const json_t *s)
{
        double left = show_get_number(s, "expires_s", -1);

        if (left < 0)
                return;
        text_add(t, "; else %s in ", show_get_text(s, "expires_then"));
        show_add_seconds(t, left);
}

/* What is to be done by people, where the run waits for them. */
static bool add_way(struct text *t, const json_t *s)
{
        static const struct {
                const char *state, *way;
        } ways[] = {{"Held", "r resumes, S stops"}, {"Suspended", "goes on by itself once the cause is gone"},
            {"Aborted", "look at the tool, then R resets"}};

        if (show_get_text(s, "asks")[0] != '\0') {
                text_add(t, "c answers yes");
                add_expiry(t, s);
                return true;
        }
        for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
                if (strcmp(show_get_text(s, "state"), ways[i].state) == 0) {
                        text_add(t, "%s", ways[i].way);
                        add_expiry(t, s);
                        return true;
                }
        return false;
}

static void draw_left(struct top_canvas *c, const json_t *s, int row)
{
        char buf[256];
        struct text t;
        bool waits;

        text_init(&t, buf, sizeof buf);
        waits = add_way(&t, s);
        if (json_is_true(json_object_get(s, "in_run"))) {
                text_add(&t, "%s", waits ? "; " : "");
                show_add_seconds(&t, show_get_number(s, "left_s", 0));
                text_add(&t, waits ? " of the run left" : " left");
                add_heating(&t, s);
        }
        if (json_is_true(json_object_get(s, "in_run")) && !waits) {
                text_add(&t, "; begun ");
                show_add_seconds(&t, show_get_number(s, "elapsed_s", 0));
                text_add(&t, " ago");
        }
        (void)top_canvas_put(c, row, 1, c->columns - 2, waits ? TOP_WARN : TOP_PLAIN, buf);
}

static void draw_open(struct top_canvas *c, const struct top_model *m, int row, int rows)
{
        const json_t *s = m->view.status, *open = json_object_get(s, "open_in_s");
        const char *waits = show_get_text(s, "open_waits");
        char buf[320];
        struct text t;

        if (open == NULL)
                return; /* an older daemon */
        text_init(&t, buf, sizeof buf);
        text_add(&t, "safe to open ");
        if (top_model_is_stale(m)) {
                text_init(&t, buf, sizeof buf);
                text_add(&t, "safe to open: not known");
        } else if (json_is_number(open) && json_number_value(open) >= 1) {
                text_add(&t, "in ");
                view_add_about(&t, json_number_value(open));
                text_add(&t, "%s%s", waits[0] != '\0' ? ": " : "", waits);
        } else if (json_is_number(open) && waits[0] == '\0') {
                text_add(&t, "now");
        } else {
                text_add(&t, "after: %s", waits[0] != '\0' ? waits : "what cannot be told");
        }
        (void)top_canvas_wrap(c, row, rows, 1, c->columns - 2, TOP_PLAIN, buf);
}

int top_draw_head_rows(const struct top_canvas *c)
{
        return c->rows < ROOMY ? 5 : 6;
}

void top_draw_head(struct top_canvas *c, const struct top_model *m)
{
        draw_bar(c, m);
        if (m->view.status == NULL)
                return;
        draw_state(c, m->view.status, 1);
        draw_doing(c, m->view.status, 2);
        draw_left(c, m->view.status, 3);
        draw_open(c, m, 4, top_draw_head_rows(c) - 4);
}
