/* Questions to the record take their time, and the loop waits for nothing: one thread answers them, one after the other. */
#ifndef ALD_APP_WEB_WORK_H
#define ALD_APP_WEB_WORK_H

#include "ald/app/web_answer.h" /* struct web_answer, struct web_question */

#include <stdbool.h> /* bool */

struct web_work; /* opaque */
struct event_base;

/* Questions that may wait. */
enum { WEB_WORK_MAX = 32 };

struct web_job {
        struct web_question question;
        char db[512];
        struct web_answer answer;
        /* In the loop's thread, once it is answered, or with answer.code 0 when there is no time left for it. Frees `ctx`. */
        void (*done)(void *ctx, const struct web_job *job);
        void *ctx;
};

/* NULL: no memory, no thread. */
struct web_work *web_work_new(struct event_base *base);
/* Waits for the question under way, a few seconds at most; everything that waits is told that there is no time. */
void web_work_free(struct web_work *w); /* NULL allowed */

/* Copies the job. False: too many wait already; nothing was done. */
bool web_work_post(struct web_work *w, const struct web_job *job);

#endif
