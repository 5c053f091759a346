/* One program of the tool file's `notify` as a process: its input, its output, its time. */
#ifndef APP_NOTIFY_HOOK_H
#define APP_NOTIFY_HOOK_H

#include "ald/app/notify_note.h" /* struct notify_note */

#include <stdbool.h>   /* bool */
#include <stdint.h>    /* int64_t */
#include <sys/types.h> /* pid_t */

struct notify_hook {
        pid_t pid; /* and its process group; 0 = not running */
        int out;   /* its output; -1 = closed, or not looked at any more */
        bool is_late;
        int64_t since_us, until_us;
        const char *name; /* for its lines in the journal */
        struct notify_note note;
        size_t read, line_len;
        char line[128], said[128]; /* the line that comes in; the last whole one */
};

/* Monotonic. */
int64_t notify_hook_now_us(void);

/* Run hook number i with this note on its standard input. 0, or the error number; it is not running then. */
int notify_hook_start(
    struct notify_hook *hook, const struct tool *tool, int i, const struct notify_note *note);
/* Where its output is read, -1 when no more of it is wanted: what comes beyond a bound stays in the pipe, and stops who writes
 * it. */
int notify_hook_output(const struct notify_hook *hook);
/* Take of it what is there, into the journal. */
void notify_hook_read(struct notify_hook *hook);
/* It, and all that it started and that is still in its group. */
void notify_hook_kill(const struct notify_hook *hook);
/* Has it ended? Then what it left behind is killed too, and *status is of waitpid(). */
bool notify_hook_reap(struct notify_hook *hook, int *status);

#endif
