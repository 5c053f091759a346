#include "ald/app/aldctl_view.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_get_text, show_add_seconds */

#include <math.h>   /* ceil, floor, fmod */
#include <string.h> /* strcmp, strlen, strrchr */

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

/* What it asks, waits for or does. */
static void add_doing(struct text *t, const json_t *s, size_t *parts, bool with_numbers)
{
        const char *waiting = show_get_text(s, "waiting"), *step = show_get_text(s, "step");

        if (show_get_text(s, "asks")[0] != '\0') {
                begin_part(t, parts, ", ");
                text_add(t, "%s", show_get_text(s, "asks"));
        } else if (waiting[0] != '\0' && strcmp(waiting, show_get_text(s, "reason")) != 0) {
                /* A suspend is its own reason. */
                begin_part(t, parts, ", ");
                text_add(t, "waiting for %s", with_numbers ? waiting : step);
        } else if (step[0] != '\0') {
                begin_part(t, parts, ", ");
                text_add(t, "%s", step);
        }
}

static void add_step(struct text *t, const json_t *s, size_t *parts, bool with_numbers)
{
        double left = show_get_number(s, "step_left_s", -1);

        add_doing(t, s, parts, with_numbers);
        if (with_numbers && left >= 1 && show_get_text(s, "asks")[0] == '\0' &&
            (show_get_text(s, "waiting")[0] != '\0' || show_get_text(s, "step")[0] != '\0')) {
                text_add(t, ", ");
                show_add_seconds(t, left);
                text_add(t, " of it left");
        }
}

void view_add_doing(struct text *t, const json_t *status)
{
        char buf[512];
        struct text inner;
        size_t parts = 0;

        text_init(&inner, buf, sizeof buf);
        add_doing(&inner, status, &parts, true);
        text_add(t, "%s", parts > 0 ? buf + strlen(": ") : "");
}

/* An estimate: whole minutes where there are some. */
void view_add_about(struct text *t, double seconds)
{
        text_add(t, "about ");
        if (seconds < 120)
                show_add_seconds(t, seconds);
        else if (seconds < 7200)
                text_add(t, "%.0f min", ceil(seconds / 60));
        else
                text_add(t, "%.0f h %02.0f min", floor(seconds / 3600), floor(fmod(seconds, 3600) / 60));
}

/* Heat-up takes as long as it takes: it is named, never added to the time left. */
static void add_left(struct text *t, const json_t *s)
{
        double left = show_get_number(s, "left_s", 0), heating = show_get_number(s, "heating_left_s", -1);
        const char *what = json_is_true(json_object_get(s, "is_heating")) ? "heating" : "waits";

        /* Nothing but a question or a wait is left: no time can be told. */
        if (show_get_text(s, "asks")[0] != '\0' ||
            (left < 1 && heating <= 0 && !json_is_true(json_object_get(s, "is_bounded"))))
                return;
        text_add(t, "; ");
        show_add_seconds(t, left);
        text_add(t, " left");
        if (heating > 0) {
                text_add(t, ", ");
                view_add_about(t, heating);
                text_add(t, " of %s apart", what);
        } else if (json_is_true(json_object_get(s, "is_heating")) ||
                   !json_is_true(json_object_get(s, "is_bounded"))) {
                text_add(t, ", %s apart", what);
        }
}

/* A run that is over so soon, with what follows, may have somebody wait for it to be opened. */
static const double opens_soon_s = 600;

static void add_opening(struct text *t, const json_t *s, bool in_run)
{
        double left = show_get_number(s, "left_s", 0) + show_get_number(s, "heating_left_s", 1e9);
        double open = show_get_number(s, "open_in_s", -1);

        if (open < 0 || (in_run && left > opens_soon_s))
                return;
        text_add(t, "; may be opened");
        if (open > 0) {
                text_add(t, " in ");
                view_add_about(t, open);
        }
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

/* What is out of the ordinary, next to the state, where no narrow screen cuts it off: " [vented, 1 bypassed]". */
static void add_flags(struct text *t, const json_t *s)
{
        static const struct {
                const char *key, *words;
        } flags[] = {{"is_exposing", "exposing"}, {"is_vented", "vented"},
            {"is_stopping_after_cycle", "stops after this cycle"}};
        size_t n = 0, bypasses = json_array_size(json_object_get(s, "bypasses"));

        if (show_get_text(s, "asks")[0] != '\0')
                text_add(t, "%sasks: `aldctl confirm`", n++ == 0 ? " [" : ", ");
        for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
                if (json_is_true(json_object_get(s, flags[i].key)))
                        text_add(t, "%s%s", n++ == 0 ? " [" : ", ", flags[i].words);
        if (bypasses > 0)
                text_add(t, "%s%zu bypassed", n++ == 0 ? " [" : ", ", bypasses);
        if (n > 0)
                text_add(t, "]");
}

static void add_sentence(struct text *t, const json_t *s, bool with_numbers)
{
        const char *state = show_get_text(s, "state"), *phase = show_get_text(s, "phase");
        const char *reason = show_get_text(s, "reason");
        bool in_run = json_is_true(json_object_get(s, "in_run"));
        bool moves = strcmp(state, "Execute") == 0 || strcmp(state, "Completing") == 0;
        size_t parts = 0;

        text_add(t, "%s", state);
        add_flags(t, s);
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
        if (with_numbers && (!in_run || moves))
                add_opening(t, s, in_run);
}

void view_add_line(struct text *t, const json_t *status)
{
        add_sentence(t, status, true);
}

void view_add_key(struct text *t, const json_t *status)
{
        add_sentence(t, status, false);
}

size_t view_row(const char *text, int columns)
{
        size_t fits = show_fit(text, columns);
        const char *tail = strrchr(text, ';');

        /* The time left stays together. */
        if (text[fits] != '\0' && tail != NULL && (size_t)(tail - text) <= fits)
                return (size_t)(tail - text);
        return show_fit_words(text, columns);
}

/* ---- Concerns ---- */

enum { VIEW_INDENT = 14 };

/* One concern with its word in colour, then a text of the daemon's or of ours. */
static void print_word(FILE *to, enum show_colour colour, const char *word, const char *text)
{
        (void)fprintf(to, "  %s%s%s%*s", show_colour(to, colour), word, show_colour(to, SHOW_PLAIN),
            (int)(strlen(word) < VIEW_INDENT - 2 ? VIEW_INDENT - 2 - strlen(word) : 1), "");
        show_wrapped(to, text, VIEW_INDENT, VIEW_INDENT);
}

static void print_latch(FILE *to, const json_t *latch, bool is_first)
{
        const char *id = show_get_text(latch, "id"), *text = show_get_text(latch, "text");
        char when[SHOW_TIME_CAP], buf[512];
        struct text t;

        show_local(show_parse_time(show_get_text(latch, "time")), false, when);
        text_init(&t, buf, sizeof buf);
        text_add(&t, "%s ", when);
        /* The text of an interlock of the tool file begins with its id. */
        if (strncmp(text, id, strlen(id)) != 0)
                text_add(&t, "%s: ", id);
        text_add(&t, "%s%s", text,
            json_is_true(json_object_get(latch, "is_active")) ? " (still so)" : " (gone; reset clears it)");
        print_word(to, SHOW_RED, is_first ? "tripped" : "then", buf);
        (void)fputc('\n', to);
        if (show_get_text(latch, "guidance")[0] != '\0') {
                print_word(to, SHOW_PLAIN, "", show_get_text(latch, "guidance"));
                (void)fputc('\n', to);
        }
}

void view_print_bypasses(FILE *to, const json_t *status)
{
        const json_t *bypasses = json_object_get(status, "bypasses");

        for (size_t i = 0; i < json_array_size(bypasses); i++) {
                const json_t *b = json_array_get(bypasses, i);
                char when[SHOW_TIME_CAP], buf[256];
                struct text t;

                show_local(show_parse_time(show_get_text(b, "until")), false, when);
                text_init(&t, buf, sizeof buf);
                text_add(&t, "%s until %s by %s: %s", show_get_text(b, "tag"), when, show_get_text(b, "user"),
                    show_get_text(b, "reason"));
                print_word(to, SHOW_RED, "bypassed", buf);
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
                print_word(to, SHOW_YELLOW, "by hand", show_get_text(status, "by_hand"));
                if (json_is_number(json_object_get(status, "standby_s")))
                        (void)fprintf(to, "; nobody has control: standby in %.0f s",
                            show_get_number(status, "standby_s", 0));
                (void)fputc('\n', to);
        }
}

/* A way out for a person, and what comes without one: "... (else stop in 9 min 50 s)". */
static void print_way(FILE *to, const json_t *status, const char *word, const char *way)
{
        double left = show_get_number(status, "expires_s", -1);
        char buf[160];
        struct text t;

        text_init(&t, buf, sizeof buf);
        text_add(&t, "%s", way);
        if (left >= 0) {
                text_add(&t, " (else %s in ", show_get_text(status, "expires_then"));
                show_add_seconds(&t, left);
                text_add(&t, ")");
        }
        print_word(to, SHOW_YELLOW, word, buf);
        (void)fputc('\n', to);
}

/* What the tool waits for from people, and how they give it. */
static void print_next(FILE *to, const json_t *status)
{
        static const struct {
                const char *state, *word, *way;
        } next[] = {
            {"Held", "held", "`aldctl resume` goes on, `aldctl stop` ends the run"},
            {"Suspended", "suspended",
                "goes on by itself once the cause is gone; `aldctl stop` ends the run"},
            {"Aborted", "aborted", "look at the tool, then `aldctl reset`"},
        };

        if (show_get_text(status, "asks")[0] != '\0') {
                print_word(to, SHOW_YELLOW, "asks", show_get_text(status, "asks"));
                (void)fputc('\n', to);
                print_way(to, status, "", "yes: `aldctl confirm`");
        }
        for (size_t i = 0; i < sizeof next / sizeof next[0]; i++)
                if (strcmp(show_get_text(status, "state"), next[i].state) == 0)
                        print_way(to, status, next[i].word, next[i].way);
}

/* Modes that change what the tool lets happen. */
static void print_modes(FILE *to, const json_t *status)
{
        static const struct {
                const char *key, *word, *text;
        } modes[] = {
            {"is_vented", "vented",
                "no precursor opens and trips with `arm` are off until the next pump_down"},
            {"is_exposing", "exposing", "the exhaust is closed by an expose block"},
            {"is_stopping_after_cycle", "stopping", "the run ends after this cycle"},
        };

        for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
                if (!json_is_true(json_object_get(status, modes[i].key)))
                        continue;
                print_word(to, SHOW_YELLOW, modes[i].word, modes[i].text);
                (void)fputc('\n', to);
        }
}

/* When it may be opened, and what must still happen first. */
static void print_opening(FILE *to, const json_t *status)
{
        const char *waits = show_get_text(status, "open_waits");
        double open = show_get_number(status, "open_in_s", -1);
        char buf[400];
        struct text t;

        if (waits[0] == '\0')
                return;
        text_init(&t, buf, sizeof buf);
        if (open > 0) {
                text_add(&t, "in ");
                view_add_about(&t, open);
                text_add(&t, "; ");
        }
        text_add(&t, "first: %s", waits);
        print_word(to, SHOW_PLAIN, "opening", buf);
        (void)fputc('\n', to);
}

static void print_lags(FILE *to, const json_t *status)
{
        double lags = show_get_number(status, "lags", 0);

        if (lags > 0)
                (void)fprintf(to, "  %s%.0f turn%s of the control loop came late%s\n",
                    show_colour(to, SHOW_DIM), lags, lags > 1 ? "s" : "", show_colour(to, SHOW_PLAIN));
}

void view_print_unverified(FILE *to, const json_t *status)
{
        const char *names = show_get_text(status, "unverified");

        if (names[0] == '\0')
                return;
        (void)fprintf(to, "  %snot verified on hardware, the profiles of: ", show_colour(to, SHOW_DIM));
        show_text(to, names, false);
        (void)fprintf(to, "%s\n", show_colour(to, SHOW_PLAIN));
}

void view_print_concerns(FILE *to, const json_t *status)
{
        const json_t *latches = json_object_get(status, "latches");
        size_t external = json_array_size(json_object_get(status, "external_failsafe"));

        for (size_t i = 0; i < json_array_size(latches); i++)
                print_latch(to, json_array_get(latches, i), i == 0);
        print_next(to, status);
        print_modes(to, status);
        view_print_bypasses(to, status);
        if (show_get_number(status, "unconfirmed_count", 0) > 0) {
                print_word(to, SHOW_YELLOW, "unconfirmed", show_get_text(status, "unconfirmed"));
                (void)fputc('\n', to);
        }
        print_control(to, status);
        print_opening(to, status);
        if (!json_is_true(json_object_get(status, "store_ok")))
                (void)fprintf(to, "  %srecord not sound, no run may start%s: %s\n", show_colour(to, SHOW_RED),
                    show_colour(to, SHOW_PLAIN), show_get_text(status, "store_why"));
        print_lags(to, status);
        view_print_unverified(to, status);
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
