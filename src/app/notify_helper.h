/* The helper's side of app/notify.h: it runs programs, and nothing else. */
#ifndef APP_NOTIFY_HELPER_H
#define APP_NOTIFY_HELPER_H

#include "ald/core/tool.h" /* struct tool */

#include <stdint.h> /* int64_t */

enum notify_how {
        NOTIFY_EXITED,
        NOTIFY_SIGNALLED,
        NOTIFY_LATE,     /* killed after its time */
        NOTIFY_CUT,      /* killed because the daemon's end does not wait longer */
        NOTIFY_NOT_RUN,  /* status: errno */
        NOTIFY_RESTARTED /* the helper itself was killed, and what waited in it is lost */
};

/* How a hook ended, to the daemon. */
struct notify_result {
        uint8_t hook, what, how;
        int32_t status, more;
        int64_t run, took_us;
        char said[128]; /* the last line of its output */
};

/* Notes come in by `fd`, results go out. It ends, and with it whatever it started, when the other end is closed. */
_Noreturn void notify_helper_main(const struct tool *tool, int fd);

#endif
