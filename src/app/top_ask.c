#include "ald/app/top_ask.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_get_text */
#include "ald/base/text.h"       /* text_init */
#include "ald/base/time.h"       /* TIME_S */
#include "ald/core/machine.h"    /* machine_state_name */
#include "ald/core/tool.h"       /* tool_role_name */
#include "ald/core/verb.h"       /* verb_gate */

#include <assert.h> /* assert */
#include <string.h> /* strcmp */

#define NOTE_US (8 * TIME_S)

/* Beside what the verb's states say, when is a key of use? */
enum needs { NEEDS_NOTHING, NEEDS_RUN, NEEDS_CYCLE, NEEDS_QUESTION, NEEDS_ALARM, NEEDS_RESET };

struct top_key {
        char key;
        enum verb verb;
        const char *word;   /* beside the key, in the last row */
        const char *option; /* an argument set to true; NULL = none */
        enum needs needs;
        const char *asks;    /* the question's title, the run is named behind it */
        const char *will;    /* what will happen */
        const char *why_not; /* what is missing when `needs` is not there */
        const char *help;
};

static const struct top_key keys[] = {
    {'h', VERB_HOLD, "hold", NULL, NEEDS_NOTHING, "Hold",
        "The running pulse ends first, then precursors close. Heat, flow and pump stay as they are.", "",
        "hold the run: pulse ends, precursors close, heat and flow stay"},
    {'r', VERB_RESUME, "resume", NULL, NEEDS_NOTHING, "Resume",
        "The run goes on; the purge that was interrupted runs whole again.\n"
        "Where a pulse was cut and the recipe leaves it to you:  p  pulse once more,  o  without it.",
        "", "go on with a held run"},
    {'c', VERB_CONFIRM, "confirm", NULL, NEEDS_QUESTION, "Answer yes to what is asked in", "",
        "nothing is asked", "answer yes to what the recipe asks"},
    {'s', VERB_STOP, "after cycle", "after_cycle", NEEDS_CYCLE, "At the end of this cycle, stop",
        "The present cycle runs to its end. Then the run ends in order: its `finally`, then standby.",
        "no cycle is under way", "end the run in order once this cycle is done"},
    {'S', VERB_STOP, "stop", NULL, NEEDS_RUN, "Stop",
        "The run ends in order: the running pulse ends, a purge, the recipe's `finally`, then standby.",
        "no run is under way", "end the run in order now"},
    {'a', VERB_ABORT, "abort", NULL, NEEDS_NOTHING, "Abort",
        "Everything goes safe at once: a running pulse is cut, heaters and motor go to their safe values. "
        "The run ends.",
        "", "everything safe at once"},
    {'k', VERB_ACK, "ack", NULL, NEEDS_ALARM, "Acknowledge",
        "They are marked as seen. That mends nothing and moves no output.", "no alarm waits for it",
        "acknowledge the alarms; moves no output"},
    {'R', VERB_RESET, "reset", NULL, NEEDS_RESET, "Reset",
        "Trips whose cause is gone are cleared. Has somebody looked at the tool?", "nothing is to be reset",
        "clear trips whose cause is gone"},
};
enum { KEYS = sizeof keys / sizeof keys[0] };

static const int windows_s[] = {60, 300, 1800};
enum { WINDOWS = sizeof windows_s / sizeof windows_s[0], WINDOW_FIRST = 1 };

int top_ask_window_s(const struct top_ask *a)
{
        return windows_s[(a->window + WINDOW_FIRST) % WINDOWS];
}

/* ---- What can be done now ---- */

static bool read_state(const json_t *status, enum machine_state *state)
{
        for (int i = 0; i < MACHINE_STATE_COUNT; i++)
                if (strcmp(machine_state_name((enum machine_state)i), show_get_text(status, "state")) == 0) {
                        *state = (enum machine_state)i;
                        return true;
                }
        return false;
}

static enum tool_role read_role(const char *name)
{
        for (int i = TOOL_ROLE_NONE; i <= TOOL_ROLE_ENGINEER; i++)
                if (strcmp(tool_role_name((enum tool_role)i), name) == 0)
                        return (enum tool_role)i;
        return TOOL_ROLE_NONE;
}

static bool has_need(const json_t *s, enum needs needs)
{
        const char *state = show_get_text(s, "state");
        bool in_run = json_is_true(json_object_get(s, "in_run"));

        switch (needs) {
        case NEEDS_NOTHING:
                return true;
        case NEEDS_RUN:
                return in_run;
        case NEEDS_CYCLE:
                return in_run && show_get_number(s, "cycle", 0) > 0 &&
                       !json_is_true(json_object_get(s, "is_stopping_after_cycle"));
        case NEEDS_QUESTION:
                return show_get_text(s, "asks")[0] != '\0';
        case NEEDS_ALARM:
                return show_get_number(s, "alarms_unacknowledged", 0) > 0;
        case NEEDS_RESET:
                return strcmp(state, "Aborted") == 0 || json_array_size(json_object_get(s, "latches")) > 0;
        }
        return false;
}

static bool is_of_use(const struct top_model *m, const struct top_key *k)
{
        enum machine_state state;

        return m->view.status != NULL && m->lost_us < 0 && read_state(m->view.status, &state) &&
               verb_gate(k->verb, read_role(m->role), state) == VERB_ALLOWED &&
               has_need(m->view.status, k->needs);
}

/* Why a key does nothing now. */
static void say_why_not(struct top_ask *a, const struct top_model *m, const struct top_key *k)
{
        char buf[sizeof a->note];
        enum machine_state state;
        struct text t;

        text_init(&t, buf, sizeof buf);
        text_add(&t, "%s: ", k->word);
        if (m->lost_us >= 0 || m->view.status == NULL)
                text_add(&t, "no connection to the daemon, nothing was sent");
        else if (!read_state(m->view.status, &state))
                text_add(&t, "a state that this aldctl does not know");
        else if (verb_gate(k->verb, read_role(m->role), state) == VERB_REFUSED_ROLE)
                text_add(
                    &t, "needs the role %s, yours is %s", tool_role_name(verb_at(k->verb)->role), m->role);
        else if (verb_gate(k->verb, read_role(m->role), state) == VERB_REFUSED_STATE)
                text_add(&t, "not while %s", machine_state_name(state));
        else
                text_add(&t, "%s", k->why_not);
        top_ask_note(a, m, true, buf);
}

bool top_ask_hint(const struct top_model *m, int i, char *key, const char **word)
{
        for (int k = 0; k < KEYS; k++)
                if (is_of_use(m, &keys[k]) && i-- == 0) {
                        *key = keys[k].key;
                        *word = keys[k].word;
                        return true;
                }
        *key = 'i';
        *word = "alarms";
        return i == 0;
}

/* ---- Questions ---- */

/* What the answer would be given to. More alarms than one can look at are acknowledged as they come. */
static void add_subject(struct text *t, const struct top_model *m, const struct top_key *k)
{
        const json_t *s = m->view.status;

        text_add(t, "%.0f", show_get_number(s, "run", 0));
        if (k->verb == VERB_CONFIRM)
                text_add(t, " %s", show_get_text(s, "asks"));
        if (k->verb == VERB_ACK && !json_is_true(json_object_get(s, "is_flooded")))
                text_add(t, " %.0f", show_get_number(s, "alarms_unacknowledged", 0));
}

static void add_title(struct text *t, const struct top_model *m, const struct top_key *k)
{
        const json_t *s = m->view.status;
        double unacked = show_get_number(s, "alarms_unacknowledged", 0);

        text_add(t, "%s", k->asks);
        if (k->verb == VERB_ACK)
                text_add(t, " %.0f alarm%s", unacked, unacked > 1 ? "s" : "");
        else if (json_is_true(json_object_get(s, "in_run")))
                text_add(t, " run %.0f (%s)", show_get_number(s, "run", 0), show_get_text(s, "recipe"));
        text_add(t, "?");
}

static void ask(struct top_ask *a, const struct top_model *m, const struct top_key *k)
{
        struct text t;

        a->over = TOP_OVER_QUESTION;
        a->key = k;
        a->note_until_us = 0;
        text_init(&t, a->title, sizeof a->title);
        add_title(&t, m, k);
        text_init(&t, a->subject, sizeof a->subject);
        add_subject(&t, m, k);
        text_init(&t, a->text, sizeof a->text);
        if (k->verb == VERB_CONFIRM)
                text_add(&t, "%s\nYes lets the run go on.", show_get_text(m->view.status, "asks"));
        else
                text_add(&t, "%s", k->will);
}

void top_ask_leave(struct top_ask *a)
{
        a->over = TOP_OVER_NOTHING;
        a->key = NULL;
        a->scroll = 0;
}

void top_ask_tick(struct top_ask *a, const struct top_model *m)
{
        char subject[sizeof a->subject];
        const struct top_key *k = a->key;
        struct text t;

        if (a->over != TOP_OVER_QUESTION)
                return;
        assert(k != NULL);
        if (!is_of_use(m, k)) {
                top_ask_leave(a);
                say_why_not(a, m, k);
                return;
        }
        text_init(&t, subject, sizeof subject);
        add_subject(&t, m, k);
        if (strcmp(subject, a->subject) == 0)
                return;
        top_ask_leave(a);
        top_ask_note(a, m, true,
            k->verb == VERB_ACK ? "the alarms changed: look, then k again"
                                : "meanwhile something else is asked: look again");
}

static enum top_does answer(struct top_ask *a, int key, struct top_send *send)
{
        const struct top_key *k = a->key;
        const char *option = k->option;

        if (k->verb == VERB_RESUME && key == 'p')
                option = "repeat";
        else if (k->verb == VERB_RESUME && key == 'o')
                option = "skip";
        else if (key != 'y' && key != 'Y') {
                if (key == 'n' || key == 'N' || key == TOP_KEY_ESCAPE || key == 'q')
                        top_ask_leave(a);
                return TOP_DOES_NOTHING; /* a slip of the finger is no answer */
        }
        top_ask_leave(a);
        *send = (struct top_send){
            .verb = verb_at(k->verb)->name, .params = option != NULL ? json_pack("{s:b}", option, 1) : NULL};
        return TOP_DOES_SEND;
}

static enum top_does press_over(struct top_ask *a, int key, struct top_send *send)
{
        if (a->over == TOP_OVER_QUESTION)
                return answer(a, key, send);
        if (a->over == TOP_OVER_ALARMS && (key == TOP_KEY_DOWN || key == 'j'))
                a->scroll++;
        else if (a->over == TOP_OVER_ALARMS && (key == TOP_KEY_UP))
                a->scroll -= a->scroll > 0;
        else
                top_ask_leave(a);
        return TOP_DOES_NOTHING;
}

enum top_does top_ask_press(struct top_ask *a, const struct top_model *m, int key, struct top_send *send)
{
        *send = (struct top_send){.verb = NULL};
        if (a->over != TOP_OVER_NOTHING)
                return press_over(a, key, send);
        if (key == 'q' || key == 'Q')
                return TOP_DOES_QUIT;
        if (key == '?')
                a->over = TOP_OVER_HELP;
        if (key == 'i')
                a->over = TOP_OVER_ALARMS;
        if (key == 't')
                a->window = (a->window + 1) % WINDOWS;
        for (int i = 0; i < KEYS; i++) {
                if (keys[i].key != key)
                        continue;
                if (is_of_use(m, &keys[i]))
                        ask(a, m, &keys[i]);
                else
                        say_why_not(a, m, &keys[i]);
        }
        return TOP_DOES_NOTHING;
}

/* ---- Answers ---- */

void top_ask_note(struct top_ask *a, const struct top_model *m, bool is_bad, const char *text)
{
        (void)text_copy(a->note, sizeof a->note, text);
        a->is_note_bad = is_bad;
        a->note_until_us = m->now_us + NOTE_US;
}

static void add_part(struct text *t, const char *name, const char *text)
{
        if (text[0] != '\0')
                text_add(t, "\n%s: %s", name, text);
}

void top_ask_answer(
    struct top_ask *a, const struct top_model *m, const char *verb, const json_t *result, const json_t *error)
{
        const json_t *data = json_object_get(error, "data");
        struct text t;

        if (error == NULL) {
                const char *text = show_get_text(result, "text");

                top_ask_note(a, m, false, text[0] != '\0' ? text : "done");
                return;
        }
        a->over = TOP_OVER_REFUSAL;
        a->key = NULL;
        a->note_until_us = 0;
        text_init(&t, a->title, sizeof a->title);
        text_add(&t, "%s was refused", verb);
        text_init(&t, a->text, sizeof a->text);
        text_add(&t, "%s", show_get_text(error, "message"));
        add_part(&t, "interlock", show_get_text(data, "interlock"));
        add_part(&t, "condition", show_get_text(data, "condition"));
        add_part(&t, "now", show_get_text(data, "values"));
        add_part(&t, "hint", show_get_text(data, "hint"));
}

/* ---- Help ---- */

const char *top_ask_help(int i)
{
        static const char *const legend[] = {
            "i  all alarms with what to do (arrows)   t  1, 5 or 30 min of pressure",
            "q  quit: the run goes on                 ?  this text",
            "",
            "104.2 < 110    below its set-point, > above it, = there",
            "70.1 ?         uncertain, or old: the daemon is lost or silent",
            "70.1 !         bad: it cannot be read or makes no sense",
            "opens, closes  commanded, and not yet seen",
            "alarms         ! waits for you, . seen, ~ its cause is gone, - silenced",
            "Each key that does something asks first, and says what will happen.",
        };
        static char row[96];
        struct text t;

        assert(i >= 0);
        if (i < KEYS) {
                text_init(&t, row, sizeof row);
                text_add(&t, "%c  %s", keys[i].key, keys[i].help);
                return row;
        }
        i -= KEYS;
        return i < (int)(sizeof legend / sizeof legend[0]) ? legend[i] : NULL;
}
