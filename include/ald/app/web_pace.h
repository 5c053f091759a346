/* How fast a browser is told things: as fast as it reads. One that does not keep up is not queued for: once what waits for
 * it is too much, it gets nothing further, and when it has read all of that, the state as it is then, whole. One that reads
 * nothing for long is given up. Decisions only: no library, no clock. */
#ifndef ALD_APP_WEB_PACE_H
#define ALD_APP_WEB_PACE_H

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* int64_t */

/* Bytes that may wait for one browser before it counts as behind. A full state may be more by itself. */
#define WEB_PACE_QUEUED_MAX ((size_t)64 * 1024)
/* So long a browser may be behind without taking anything. */
#define WEB_PACE_PATIENCE_US INT64_C(30000000)

struct web_pace {
        bool is_behind;
        size_t queued;    /* when it was last looked at */
        int64_t moved_us; /* when it last took something, or had nothing to take */
};

enum web_pace_next {
        WEB_PACE_SEND, /* what is new */
        WEB_PACE_SKIP, /* nothing */
        WEB_PACE_FULL, /* the whole state: it has missed something and has read all that was sent */
        WEB_PACE_DROP  /* end it */
};

/* Something is to be told (or, `is_news` false, time has passed), and `queued` bytes wait still. Monotonic time. */
enum web_pace_next web_pace_decide(struct web_pace *p, bool is_news, size_t queued, int64_t now_us);
/* So many bytes were queued for it. */
void web_pace_note(struct web_pace *p, size_t bytes);

#endif
