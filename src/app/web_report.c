#include "ald/app/web_report.h" /* own declarations */

#include "ald/app/web_reply.h" /* web_reply_file */
#include "ald/app/web_shelf.h" /* web_shelf_find */
#include "web_child.h"         /* web_child_start */

#include <event2/buffer.h> /* evbuffer_remove */
#include <event2/http.h>   /* evhttp_request_get_connection */

#include <errno.h>  /* errno */
#include <stdio.h>  /* snprintf */
#include <stdlib.h> /* calloc, free */
#include <string.h> /* strcmp, strrchr */
#include <time.h>   /* clock_gettime */
#include <unistd.h> /* readlink */

/* A report of a long run is a few megabytes. */
static const size_t page_max = (size_t)64 * 1024 * 1024;

struct waiting {
        struct evhttp_request *req;
        int64_t run;
        bool is_settled;
        char db[WEB_SHELF_DB_CAP];
};

struct web_reports {
        struct event_base *base;
        struct web_child *child; /* makes the report that waiting[0] waits for */
        size_t waiting_count;
        struct waiting waiting[WEB_REPORTS_WAITING_MAX];
        struct web_shelf shelf;
};

static void begin(struct web_reports *r);

static time_t now_s(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec;
}

/* ---- Making one ---- */

/* The first who waits, and all who wait for the same. */
static struct waiting take_first(
    struct web_reports *r, struct evhttp_request *reqs[WEB_REPORTS_WAITING_MAX], size_t *count)
{
        struct waiting first = r->waiting[0];
        size_t left = 0;

        *count = 0;
        for (size_t i = 0; i < r->waiting_count; i++) {
                if (r->waiting[i].run == first.run && strcmp(r->waiting[i].db, first.db) == 0)
                        reqs[(*count)++] = r->waiting[i].req;
                else
                        r->waiting[left++] = r->waiting[i];
        }
        r->waiting_count = left;
        return first;
}

static void refuse_first(struct web_reports *r, const char *why)
{
        struct evhttp_request *reqs[WEB_REPORTS_WAITING_MAX];
        size_t count;

        (void)take_first(r, reqs, &count);
        for (size_t i = 0; i < count; i++)
                web_reply_error(reqs[i], 500, why, "`aldctl report RUN -o FILE.html` makes the same page");
}

static void refuse_busy(struct web_reports *r)
{
        struct evhttp_request *reqs[WEB_REPORTS_WAITING_MAX];
        size_t count;

        (void)take_first(r, reqs, &count);
        for (size_t i = 0; i < count; i++)
                web_reply_busy(reqs[i], "slow readers hold too many reports already",
                    "it is made when some of them have theirs");
}

/* What the child wrote, as a file. False: no memory, or nothing was written. */
static bool take_page(struct evbuffer *out, struct web_file *file)
{
        size_t len = evbuffer_get_length(out);
        unsigned char *bytes = len > 0 ? malloc(len) : NULL;

        if (bytes == NULL)
                return false;
        (void)evbuffer_remove(out, bytes, len);
        return web_files_make(file, "text/html; charset=utf-8", bytes, len);
}

static void on_made(void *ctx, const struct web_child_end *end)
{
        struct web_reports *r = ctx;
        struct web_file file;

        r->child = NULL;
        if (!end->is_good || !take_page(end->out, &file)) {
                refuse_first(r, end->is_good ? "no memory" : end->why);
        } else {
                struct evhttp_request *reqs[WEB_REPORTS_WAITING_MAX];
                size_t count;
                struct waiting first = take_first(r, reqs, &count);

                for (size_t i = 0; i < count; i++)
                        web_reply_file(reqs[i], &file, web_reply_report_csp);
                web_shelf_add(&r->shelf, first.is_settled ? first.run : 0, first.db, &file, now_s());
        }
        begin(r);
}

/* aldctl lies beside this program. */
static bool find_aldctl(char *path, size_t cap)
{
        ssize_t n = readlink("/proc/self/exe", path, cap - 1);
        char *slash;

        if (n <= 0)
                return false;
        path[n] = '\0';
        slash = strrchr(path, '/');
        if (slash == NULL || (size_t)(slash - path) + sizeof "/aldctl" > cap)
                return false;
        (void)snprintf(slash, cap - (size_t)(slash - path), "/aldctl");
        return true;
}

static bool start_first(struct web_reports *r)
{
        struct waiting *w = &r->waiting[0];
        char path[512], run[24], report[] = "report", output[] = "-o", to[] = "/dev/stdout", db[] = "--db";
        char *const argv[] = {path, db, w->db, report, run, output, to, NULL};

        (void)snprintf(run, sizeof run, "%lld", (long long)w->run);
        errno = ENOENT;
        if (!find_aldctl(path, sizeof path))
                return false;
        r->child = web_child_start(r->base, path, argv, WEB_REPORTS_LIMIT_S, page_max, on_made, r);
        return r->child != NULL;
}

static void start_or_refuse(struct web_reports *r)
{
        char why[160];

        if (start_first(r))
                return;
        (void)snprintf(
            why, sizeof why, "aldctl, which makes reports, cannot be started: %s", strerror(errno));
        refuse_first(r, why);
}

/* For the next who waits, unless one is being made. */
static void begin(struct web_reports *r)
{
        while (r->child == NULL && r->waiting_count > 0) {
                if (web_shelf_make_room(&r->shelf, now_s()))
                        start_or_refuse(r);
                else
                        refuse_busy(r);
        }
}

void web_reports_answer(
    struct web_reports *r, struct evhttp_request *req, int64_t run, bool is_settled, const char *db)
{
        const struct web_file *file = web_shelf_find(&r->shelf, run, db, now_s());
        struct waiting *w = &r->waiting[r->waiting_count];

        if (file != NULL) {
                web_reply_file(req, file, web_reply_report_csp);
                return;
        }
        if (r->waiting_count == WEB_REPORTS_WAITING_MAX) {
                web_reply_busy(req, "too many reports are asked for", "they are made one after the other");
                return;
        }
        *w = (struct waiting){.req = req, .run = run, .is_settled = is_settled};
        (void)snprintf(w->db, sizeof w->db, "%s", db);
        r->waiting_count++;
        begin(r);
}

struct web_reports *web_reports_new(struct event_base *base)
{
        struct web_reports *r = calloc(1, sizeof *r);

        if (r != NULL)
                r->base = base;
        return r;
}

void web_reports_free(struct web_reports *r)
{
        if (r == NULL)
                return;
        web_child_free(r->child);
        for (size_t i = 0; i < r->waiting_count; i++)
                web_reply_error(r->waiting[i].req, 503, "aldweb ends", "try again later");
        web_shelf_clear(&r->shelf);
        free(r);
}
