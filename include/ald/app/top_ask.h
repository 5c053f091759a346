/* The keys of `aldctl top`, and what stands over the picture: a question before anything is sent, what the daemon refused and
 * why, the help. Pure: keys come in, what is to be sent goes out. */
#ifndef ALD_APP_TOP_ASK_H
#define ALD_APP_TOP_ASK_H

#include "ald/app/top_model.h" /* struct top_model */

#include <jansson.h> /* json_t */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct top_key;

enum top_over { TOP_OVER_NOTHING, TOP_OVER_QUESTION, TOP_OVER_REFUSAL, TOP_OVER_HELP, TOP_OVER_ALARMS };

struct top_ask {
        enum top_over over;
        const struct top_key *key; /* of the question */
        char title[96];
        char text[1024];   /* rows, separated by newlines */
        char subject[512]; /* what the question was asked about: when that changes, it is taken back */
        char note[256];    /* one line beside the keys */
        bool is_note_bad;
        int64_t note_until_us;
        int window; /* number of the plot's window */
        int scroll; /* of the list of alarms */
};

enum top_does { TOP_DOES_NOTHING, TOP_DOES_QUIT, TOP_DOES_SEND };

/* What goes to the daemon. */
struct top_send {
        const char *verb; /* static */
        json_t *params;   /* new; NULL = none */
};

/* Keys beside letters: Unicode has no such numbers. */
enum { TOP_KEY_UP = 0x200000, TOP_KEY_DOWN, TOP_KEY_ESCAPE = 27 };

enum top_does top_ask_press(struct top_ask *a, const struct top_model *m, int key, struct top_send *send);
/* Time has passed, the model has changed: does the question still stand? */
void top_ask_tick(struct top_ask *a, const struct top_model *m);

/* Take back whatever stands over the picture. */
void top_ask_leave(struct top_ask *a);

/* The daemon has answered, or there was nobody to: `error` as on the socket, NULL = none. */
void top_ask_answer(struct top_ask *a, const struct top_model *m, const char *verb, const json_t *result,
    const json_t *error);
void top_ask_note(struct top_ask *a, const struct top_model *m, bool is_bad, const char *text);

/* The keys that do something now, in order, beside those for help and quitting: "h hold"; false behind the last one. */
bool top_ask_hint(const struct top_model *m, int i, char *key, const char **word);
/* Rows of the help; NULL behind the last one. */
const char *top_ask_help(int i);
/* The window of the plot in seconds. */
int top_ask_window_s(const struct top_ask *a);

#endif
