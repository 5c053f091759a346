/* aldctl report -o FILE.html: a run on one page. It is made in memory and written when it is whole. */
#include "ald/app/aldctl.h"      /* struct aldctl_options */
#include "ald/app/aldctl_show.h" /* show_error */
#include "ald/base/time.h"       /* TIME_S */
#include "page.h"                /* page_load, page_put */

#include <errno.h>  /* errno */
#include <stdlib.h> /* free */
#include <string.h> /* strerror */
#include <time.h>   /* clock_gettime */

static int64_t wall_us(void)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_REALTIME, &now);
        return (int64_t)now.tv_sec * TIME_S + now.tv_nsec / 1000;
}

static enum aldctl_exit write_file(const char *path, const char *page, size_t len)
{
        FILE *file = fopen(path, "w");
        bool ok = file != NULL;

        if (ok) {
                ok = fwrite(page, 1, len, file) == len;
                ok = fclose(file) == 0 && ok;
        }
        if (!ok)
                show_error("-o %s: %s", path, strerror(errno));
        return ok ? ALDCTL_OK : ALDCTL_FAILED;
}

enum aldctl_exit aldctl_put_page(struct query *q, long long id, int64_t now_us, FILE *to)
{
        struct page *r = calloc(1, sizeof *r);
        char why[400];
        struct text t;
        int found;

        if (r == NULL) {
                show_error("no memory");
                return ALDCTL_FAILED;
        }
        text_init(&t, why, sizeof why);
        found = page_load(r, q, id, now_us, &t);
        if (found == 1) {
                page_put(r, to);
                if (r->no_plots[0] != '\0')
                        (void)fprintf(stderr, "warning: the page has no plots: %s\n", r->no_plots);
        } else if (found < 0) {
                show_error("%s", why);
        } else {
                (void)aldctl_is_found(q, id, found);
        }
        page_free(r);
        free(r);
        return found == 1 ? ALDCTL_OK : ALDCTL_FAILED;
}

enum aldctl_exit aldctl_report_page(struct query *q, long long id, const char *path)
{
        char *page = NULL;
        size_t len = 0;
        FILE *to = open_memstream(&page, &len);
        enum aldctl_exit exit = ALDCTL_FAILED;

        if (to != NULL)
                exit = aldctl_put_page(q, id, wall_us(), to);
        if (to == NULL || fclose(to) != 0) {
                show_error("no memory");
                exit = ALDCTL_FAILED;
        }
        if (exit == ALDCTL_OK)
                exit = write_file(path, page, len);
        free(page);
        return exit;
}
