/* The reports in memory: those that are kept for the next who asks, and those that somebody still reads. A reader may be as slow
 * as it likes, so what all of them hold is bounded here. */
#ifndef ALD_APP_WEB_SHELF_H
#define ALD_APP_WEB_SHELF_H

#include "ald/app/web_files.h" /* struct web_file */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */
#include <time.h>    /* time_t */

/* WEB_SHELF_KEPT without a reader, for WEB_SHELF_KEPT_S: a later run may go on with that one, and its page would tell. */
enum { WEB_SHELF_KEPT = 4, WEB_SHELF_KEPT_S = 600, WEB_SHELF_MAX = 16, WEB_SHELF_DB_CAP = 512 };
#define WEB_SHELF_BYTES_MAX ((size_t)128 * 1024 * 1024)

struct web_shelf {
        size_t count;
        struct web_shelved {
                int64_t run; /* 0: not for the next who asks */
                char db[WEB_SHELF_DB_CAP];
                time_t until; /* monotonic, s */
                struct web_file file;
        } pages[WEB_SHELF_MAX]; /* the one used last first */
};

/* The page of a run; NULL: it must be made. Borrowed until the next call. */
const struct web_file *web_shelf_find(struct web_shelf *s, int64_t run, const char *db, time_t now_s);
/* Is there room for another page? What nobody reads goes first; false: readers hold too much. */
bool web_shelf_make_room(struct web_shelf *s, time_t now_s);
/* Takes the file; there was room. Run 0: it is there only for those who read it already. */
void web_shelf_add(
    struct web_shelf *s, int64_t run, const char *db, const struct web_file *file, time_t now_s);
void web_shelf_clear(struct web_shelf *s);

#endif
