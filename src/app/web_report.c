#include "ald/app/web_report.h" /* own declarations */

#include "ald/app/web_reply.h" /* web_reply_file */
#include "web_child.h"         /* web_child_start */

#include <event2/buffer.h> /* evbuffer_remove */
#include <event2/http.h>   /* evhttp_request_get_connection */

#include <errno.h>  /* errno */
#include <stdio.h>  /* snprintf */
#include <stdlib.h> /* calloc, free */
#include <string.h> /* memmove, strrchr */
#include <unistd.h> /* readlink */

/* A report of a long run is a few megabytes. */
static const size_t page_max = (size_t)64 * 1024 * 1024;

/* The page of a run that has ended. */
struct kept {
        int64_t run; /* 0 = free */
        char db[512];
        unsigned char *bytes; /* of the file */
        struct web_file file;
};

struct waiting {
        struct evhttp_request *req;
        int64_t run;
        bool is_settled;
        char db[512];
};

struct web_reports {
        struct event_base *base;
        struct web_child *child; /* makes the report that waiting[0] waits for */
        size_t waiting_count;
        struct waiting waiting[WEB_REPORTS_WAITING_MAX];
        struct kept kept[WEB_REPORTS_KEPT]; /* the one used last first */
};

static void begin(struct web_reports *r);

/* ---- What is kept ---- */

static const struct web_file *find_kept(struct web_reports *r, int64_t run, const char *db)
{
        for (size_t i = 0; i < WEB_REPORTS_KEPT; i++) {
                struct kept one = r->kept[i];

                if (one.run != run || strcmp(one.db, db) != 0)
                        continue;
                memmove(&r->kept[1], &r->kept[0], i * sizeof r->kept[0]);
                r->kept[0] = one;
                return &r->kept[0].file;
        }
        return NULL;
}

/* Takes the bytes. */
static void keep(
    struct web_reports *r, const struct waiting *w, const struct web_file *file, unsigned char *bytes)
{
        struct kept *last = &r->kept[WEB_REPORTS_KEPT - 1];

        free(last->bytes);
        memmove(&r->kept[1], &r->kept[0], (WEB_REPORTS_KEPT - 1) * sizeof r->kept[0]);
        r->kept[0] = (struct kept){.run = w->run, .bytes = bytes, .file = *file};
        memcpy(r->kept[0].db, w->db, sizeof w->db);
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

static void on_made(void *ctx, const struct web_child_end *end)
{
        struct web_reports *r = ctx;
        struct evhttp_request *reqs[WEB_REPORTS_WAITING_MAX];
        struct web_file file = {.type = "text/html; charset=utf-8", .len = evbuffer_get_length(end->out)};
        unsigned char *bytes = end->is_good ? malloc(file.len + 1) : NULL;

        r->child = NULL;
        if (bytes == NULL || file.len == 0) {
                refuse_first(r, end->is_good ? "no memory" : end->why);
                free(bytes);
        } else {
                size_t count;
                struct waiting first = take_first(r, reqs, &count);

                (void)evbuffer_remove(end->out, bytes, file.len);
                file.bytes = bytes;
                web_files_tag(bytes, file.len, file.etag);
                for (size_t i = 0; i < count; i++)
                        web_reply_file(reqs[i], &file, web_reply_report_csp);
                if (first.is_settled)
                        keep(r, &first, &file, bytes);
                else
                        free(bytes);
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

/* For the next who waits, unless one is being made. */
static void begin(struct web_reports *r)
{
        while (r->child == NULL && r->waiting_count > 0 && !start_first(r)) {
                char why[160];

                (void)snprintf(
                    why, sizeof why, "aldctl, which makes reports, cannot be started: %s", strerror(errno));
                refuse_first(r, why);
        }
}

void web_reports_answer(
    struct web_reports *r, struct evhttp_request *req, int64_t run, bool is_settled, const char *db)
{
        const struct web_file *file = find_kept(r, run, db);
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
        for (size_t i = 0; i < WEB_REPORTS_KEPT; i++)
                free(r->kept[i].bytes);
        free(r);
}
