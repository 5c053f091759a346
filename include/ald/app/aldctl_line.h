/* aldctl's end of the control socket: plain blocking calls with poll, one message at a time. */
#ifndef ALD_APP_ALDCTL_LINE_H
#define ALD_APP_ALDCTL_LINE_H

#include "ald/app/aldctl.h" /* enum aldctl_exit */

#include <jansson.h> /* json_t */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */

struct line {
        int fd; /* -1 = closed */
        json_t *hello;
        char *in; /* bytes read and not yet taken */
        size_t in_len, in_cap;
        int last_id;
};

/* Connect and read the hello. ALDCTL_OK, or the exit code after saying why (on stderr, or as JSON). */
enum aldctl_exit line_open(struct line *l, const struct aldctl_options *o);
/* The same without a word when no daemon answers. */
enum aldctl_exit line_try(struct line *l, const char *path);
/* Connect without waiting for anything; the hello comes as the first message. *l must be closed by the caller. */
enum aldctl_exit line_dial(struct line *l, const char *path);
void line_close(struct line *l);

enum line_got { LINE_MESSAGE, LINE_TIMEOUT, LINE_CLOSED, LINE_INTERRUPTED };
/* The next message within timeout_ms (-1 = whenever it comes); *message is the caller's. A signal ends the wait. */
enum line_got line_next(struct line *l, int timeout_ms, json_t **message);

/* Ask, and do not wait: the answer has the id l->last_id. `params` is taken, NULL = none. False: it was not sent. */
bool line_send(struct line *l, const char *verb, json_t *params);

/* Ask and wait for the answer: *result (the caller's) on ALDCTL_OK, else the exit code after saying why.
 * `params` is taken, NULL = none. */
enum aldctl_exit line_ask(
    struct line *l, const struct aldctl_options *o, const char *verb, json_t *params, json_t **result);

/* Say what the daemon would say, in the same words for people and programs, where it cannot be asked. The code. */
enum aldctl_exit line_say(
    const struct aldctl_options *o, enum aldctl_exit code, const char *text, const char *hint);

/* Print the daemon's words; the result is released. */
void line_tell(const struct aldctl_options *o, json_t *result);

#endif
