#include "ald/app/aldctl_view.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_get_text, show_add_seconds */

#include <string.h> /* strcmp */

void view_begin(struct view *v, json_t *full)
{
        v->status = json_deep_copy(json_object_get(full, "status"));
        v->tags = json_deep_copy(json_object_get(full, "tags"));
}

void view_fold(struct view *v, json_t *params)
{
        const char *name;
        json_t *changed;

        (void)json_object_update(v->status, json_object_get(params, "status"));
        json_object_foreach(json_object_get(params, "tags"), name, changed)(void)
            json_object_update(json_object_get(v->tags, name), changed);
}

void view_end(struct view *v)
{
        json_decref(v->status);
        json_decref(v->tags);
        *v = (struct view){.status = NULL};
}

/* ---- The line ---- */

/* Parts of a sentence: ": " before the first, `between` before the others. */
static void begin_part(struct text *t, size_t *parts, const char *between)
{
        text_add(t, "%s", (*parts)++ == 0 ? ": " : between);
}

static void add_step(struct text *t, const json_t *s, size_t *parts, bool with_numbers)
{
        const char *waiting = show_get_text(s, "waiting"), *step = show_get_text(s, "step");
        double left = show_get_number(s, "step_left_s", -1);

        if (waiting[0] != '\0') {
                begin_part(t, parts, ", ");
                text_add(t, "waiting for %s", with_numbers ? waiting : step);
        } else if (step[0] != '\0') {
                begin_part(t, parts, ", ");
                text_add(t, "%s", step);
        }
        if (with_numbers && left >= 1 && (waiting[0] != '\0' || step[0] != '\0')) {
                text_add(t, ", ");
                show_add_seconds(t, left);
                text_add(t, " of it left");
        }
}

/* Heat-up takes as long as it takes: it is named, never added to the time left. */
static void add_left(struct text *t, const json_t *s)
{
        text_add(t, "; ");
        show_add_seconds(t, show_get_number(s, "left_s", 0));
        text_add(t, " left");
        if (json_is_true(json_object_get(s, "is_heating")))
                text_add(t, ", heating apart");
        else if (!json_is_true(json_object_get(s, "is_bounded")))
                text_add(t, ", waits apart");
}

static void add_run(struct text *t, const json_t *s, size_t *parts)
{
        if (!json_is_integer(json_object_get(s, "run")))
                return;
        begin_part(t, parts, ", ");
        text_add(t, "run %lld %s", (long long)json_integer_value(json_object_get(s, "run")),
            show_get_text(s, "recipe"));
}

/* " (2 alarms, 1 unacknowledged, 1 shelved)", nothing while there are none. */
static void add_alarms(struct text *t, const json_t *s)
{
        double shown = show_get_number(s, "alarms_shown", 0);
        double unacked = show_get_number(s, "alarms_unacknowledged", 0);
        double shelved = show_get_number(s, "alarms_shelved", 0);
        bool is_flooded = json_is_true(json_object_get(s, "is_flooded"));

        if (!(shown > 0) && !(shelved > 0) && !is_flooded)
                return;
        text_add(t, " (%.0f alarm%s", shown, shown > 1 || shown < 1 ? "s" : "");
        if (unacked > 0)
                text_add(t, ", %.0f unacknowledged", unacked);
        if (shelved > 0)
                text_add(t, ", %.0f shelved", shelved);
        text_add(t, "%s)", is_flooded ? ", a flood" : "");
}

static void add_sentence(struct text *t, const json_t *s, bool with_numbers)
{
        const char *state = show_get_text(s, "state"), *phase = show_get_text(s, "phase");
        const char *reason = show_get_text(s, "reason");
        bool in_run = json_is_true(json_object_get(s, "in_run"));
        bool moves = strcmp(state, "Execute") == 0 || strcmp(state, "Completing") == 0;
        size_t parts = 0, bypasses = json_array_size(json_object_get(s, "bypasses"));

        text_add(t, "%s", state);
        if (bypasses > 0)
                text_add(t, " [%zu bypassed]", bypasses);
        if (in_run && phase[0] != '\0')
                text_add(t, ", %s", phase);
        add_alarms(t, s);
        if (!moves && reason[0] != '\0') {
                begin_part(t, &parts, ", ");
                text_add(t, "%s", reason);
        }
        if (in_run && show_get_number(s, "cycle", 0) > 0) {
                begin_part(t, &parts, "; ");
                text_add(
                    t, "cycle %.0f of %.0f", show_get_number(s, "cycle", 0), show_get_number(s, "cycles", 0));
        }
        if (in_run || show_get_text(s, "waiting")[0] != '\0')
                add_step(t, s, &parts, with_numbers);
        if (show_get_number(s, "by_hand_count", 0) > 0) {
                begin_part(t, &parts, ", ");
                text_add(t, "by hand: %s", show_get_text(s, "by_hand"));
        }
        if (!in_run)
                add_run(t, s, &parts);
        else if (moves && with_numbers)
                add_left(t, s);
}

void view_add_line(struct text *t, const json_t *status)
{
        add_sentence(t, status, true);
}

void view_add_key(struct text *t, const json_t *status)
{
        add_sentence(t, status, false);
}

/* ---- Concerns ---- */

static void print_latch(FILE *to, const json_t *latch, bool is_first)
{
        char when[SHOW_TIME_CAP];

        show_local(show_parse_time(show_get_text(latch, "time")), false, when);
        (void)fprintf(to, "  %s%s%s %s %s: ", show_colour(to, SHOW_RED), is_first ? "tripped" : "then",
            show_colour(to, SHOW_PLAIN), when, show_get_text(latch, "id"));
        show_text(to, show_get_text(latch, "text"), false);
        (void)fprintf(to, "%s\n",
            json_is_true(json_object_get(latch, "is_active")) ? " (still so)" : " (gone; reset clears it)");
        if (show_get_text(latch, "guidance")[0] != '\0') {
                (void)fprintf(to, "          ");
                show_text(to, show_get_text(latch, "guidance"), false);
                (void)fputc('\n', to);
        }
}

void view_print_bypasses(FILE *to, const json_t *status)
{
        const json_t *bypasses = json_object_get(status, "bypasses");

        for (size_t i = 0; i < json_array_size(bypasses); i++) {
                const json_t *b = json_array_get(bypasses, i);
                char when[SHOW_TIME_CAP];

                show_local(show_parse_time(show_get_text(b, "until")), false, when);
                (void)fprintf(to, "  %sbypassed%s ", show_colour(to, SHOW_RED), show_colour(to, SHOW_PLAIN));
                show_text(to, show_get_text(b, "tag"), false);
                (void)fprintf(to, " until %s by ", when);
                show_text(to, show_get_text(b, "user"), false);
                (void)fprintf(to, ": ");
                show_text(to, show_get_text(b, "reason"), false);
                (void)fputc('\n', to);
        }
}

static void print_control(FILE *to, const json_t *status)
{
        const json_t *control = json_object_get(status, "control");
        char since[SHOW_TIME_CAP], until[SHOW_TIME_CAP];

        if (json_is_object(control)) {
                show_local(show_parse_time(show_get_text(control, "since")), false, since);
                show_local(show_parse_time(show_get_text(control, "until")), false, until);
                (void)fprintf(to, "  control     ");
                show_text(to, show_get_text(control, "user"), false);
                (void)fprintf(to, ", since %s, until %s unless used\n", since, until);
        }
        if (show_get_number(status, "by_hand_count", 0) > 0) {
                (void)fprintf(
                    to, "  %sby hand%s     ", show_colour(to, SHOW_YELLOW), show_colour(to, SHOW_PLAIN));
                show_text(to, show_get_text(status, "by_hand"), false);
                if (json_is_number(json_object_get(status, "standby_s")))
                        (void)fprintf(to, "; nobody has control: standby in %.0f s",
                            show_get_number(status, "standby_s", 0));
                (void)fputc('\n', to);
        }
}

static void print_lags(FILE *to, const json_t *status)
{
        double lags = show_get_number(status, "lags", 0);

        if (lags > 0)
                (void)fprintf(to, "  %s%.0f turns of the control loop came late%s\n",
                    show_colour(to, SHOW_DIM), lags, show_colour(to, SHOW_PLAIN));
}

void view_print_concerns(FILE *to, const json_t *status)
{
        const json_t *latches = json_object_get(status, "latches");
        size_t external = json_array_size(json_object_get(status, "external_failsafe"));

        for (size_t i = 0; i < json_array_size(latches); i++)
                print_latch(to, json_array_get(latches, i), i == 0);
        view_print_bypasses(to, status);
        if (show_get_number(status, "unconfirmed_count", 0) > 0) {
                (void)fprintf(
                    to, "  %sunconfirmed%s ", show_colour(to, SHOW_YELLOW), show_colour(to, SHOW_PLAIN));
                show_text(to, show_get_text(status, "unconfirmed"), false);
                (void)fputc('\n', to);
        }
        print_control(to, status);
        if (!json_is_true(json_object_get(status, "store_ok")))
                (void)fprintf(to,
                    "  %snot recorded%s: the run database cannot be written; no run may start\n",
                    show_colour(to, SHOW_RED), show_colour(to, SHOW_PLAIN));
        print_lags(to, status);
        if (external > 0)
                (void)fprintf(to,
                    "  %s%zu outputs rely on a fail-safe outside this program (aldctl tags)%s\n",
                    show_colour(to, SHOW_DIM), external, show_colour(to, SHOW_PLAIN));
}

/* ---- Events ---- */

void view_add_event(struct text *t, const json_t *event)
{
        char when[SHOW_TIME_CAP];
        const char *source = show_get_text(event, "source"), *severity = show_get_text(event, "severity");

        show_local(show_parse_time(show_get_text(event, "time")), false, when);
        text_add(t, "%s ", when);
        if (view_is_grave(event))
                text_add(t, "%s ", severity);
        text_add(t, "%s", source);
        text_add(t, "%s%s", source[0] != '\0' ? ": " : "", show_get_text(event, "text"));
}

bool view_is_grave(const json_t *event)
{
        return strcmp(show_get_text(event, "severity"), "info") != 0;
}
