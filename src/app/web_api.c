#include "ald/app/web_api.h" /* own declarations */

#include "ald/app/web_reply.h"  /* web_reply_json */
#include "ald/app/web_report.h" /* web_reports_answer */
#include "ald/app/web_work.h"   /* web_work_post */
#include "ald/base/text.h"      /* text_init */

#include <event2/http.h> /* HTTP_BADREQUEST */

#include <stdlib.h> /* calloc, free */
#include <string.h> /* strcmp, strlen */

struct web_api {
        struct web_work *work;
        struct web_reports *reports;
};

/* One path: with a run's number between `path` and `tail` where there is a tail or `has_run`. */
static const struct route {
        const char *path, *tail;
        bool has_run;
        enum web_question_kind kind;
} routes[] = {
    {"/api/runs", "", false, WEB_ASK_RUNS},
    {"/api/run/", "", true, WEB_ASK_RUN},
    {"/api/trend", "", false, WEB_ASK_TREND},
    {"/api/overlay", "", false, WEB_ASK_OVERLAY},
    {"/run/", "/report.html", true, WEB_ASK_REPORT},
};

/* The run's number of a path that matches; 0 where the route has none; -1: it does not match. */
static int64_t match(const struct route *r, const char *path)
{
        size_t head = strlen(r->path), tail = strlen(r->tail), len = strlen(path);
        char number[24];
        int64_t run;

        if (!r->has_run)
                return strcmp(path, r->path) == 0 ? 0 : -1;
        if (len <= head + tail || len - head - tail >= sizeof number || strncmp(path, r->path, head) != 0 ||
            strcmp(path + len - tail, r->tail) != 0)
                return -1;
        memcpy(number, path + head, len - head - tail);
        number[len - head - tail] = '\0';
        run = web_question_run(number);
        return run > 0 ? run : -1;
}

/* ---- Answers ---- */

struct asked {
        struct web_api *api;
        struct evhttp_request *req;
};

static void on_done(void *ctx, const struct web_job *job)
{
        struct asked *asked = ctx;
        const struct web_answer *a = &job->answer;

        if (a->code == 0)
                web_reply_error(asked->req, HTTP_SERVUNAVAIL, "aldweb ends", "try again later");
        else if (a->json == NULL)
                web_reply_error(asked->req, a->code, a->text, a->hint);
        else if (job->question.kind == WEB_ASK_REPORT)
                web_reports_answer(
                    asked->api->reports, asked->req, job->question.run, a->is_settled, job->db);
        else
                web_reply_json(asked->req, a->code, a->json, strlen(a->json));
        free(asked);
}

static void ask(
    struct web_api *a, struct evhttp_request *req, const struct web_question *question, const char *db)
{
        struct web_job job = {.question = *question, .done = on_done};
        struct asked *asked = calloc(1, sizeof *asked);

        if (asked != NULL && text_copy(job.db, sizeof job.db, db)) {
                *asked = (struct asked){.api = a, .req = req};
                job.ctx = asked;
                if (web_work_post(a->work, &job))
                        return;
        }
        free(asked);
        web_reply_busy(req, "too many questions wait already", "they are answered one after the other");
}

bool web_api_answer(
    struct web_api *a, struct evhttp_request *req, const char *path, const char *query, const char *db)
{
        char words[160], more[200];
        struct web_question question;
        struct text why, hint;
        int64_t run = -1;
        size_t i = 0;

        for (; i < sizeof routes / sizeof routes[0]; i++)
                if ((run = match(&routes[i], path)) >= 0)
                        break;
        if (run < 0)
                return false;
        text_init(&why, words, sizeof words);
        text_init(&hint, more, sizeof more);
        if (!web_question_parse(&question, routes[i].kind, query, &why, &hint)) {
                text_clean(words);
                web_reply_error(req, HTTP_BADREQUEST, words, more);
                return true;
        }
        if (run > 0)
                question.run = run;
        if (db != NULL)
                ask(a, req, &question, db);
        else
                web_reply_busy(req,
                    "where the run database is, only the daemon knows, and it does not answer",
                    "start aldweb with --db, or wait for the daemon");
        return true;
}

/* ---- All of it ---- */

struct web_api *web_api_new(struct event_base *base)
{
        struct web_api *a = calloc(1, sizeof *a);

        if (a == NULL)
                return NULL;
        a->work = web_work_new(base);
        a->reports = web_reports_new(base);
        if (a->work != NULL && a->reports != NULL)
                return a;
        web_api_free(a);
        return NULL;
}

void web_api_free(struct web_api *a)
{
        if (a == NULL)
                return;
        web_work_free(a->work); /* which may ask for reports yet */
        web_reports_free(a->reports);
        free(a);
}
