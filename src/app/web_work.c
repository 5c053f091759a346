#include "ald/app/web_work.h" /* own declarations */

#include <event2/event.h> /* event_new */

#include <errno.h>       /* EINTR */
#include <pthread.h>     /* pthread_create */
#include <signal.h>      /* pthread_sigmask */
#include <stdlib.h>      /* calloc, free */
#include <sys/eventfd.h> /* eventfd */
#include <unistd.h>      /* read, write, close */

/* A ring: [done, next) are answered, [next, end) wait or are under way. Counted on and on; places are modulo the size. */
struct web_work {
        pthread_t thread;
        pthread_mutex_t mutex;
        pthread_cond_t wake;
        int fd; /* tells the loop that something was answered */
        struct event *told;
        bool has_thread, is_ending; /* is_ending: under the mutex */
        unsigned done, next, end;   /* under the mutex; done: the loop's own */
        struct web_job jobs[WEB_WORK_MAX];
};

static struct web_job *at(struct web_work *w, unsigned n)
{
        return &w->jobs[n % WEB_WORK_MAX];
}

static void *work(void *ctx)
{
        static const uint64_t one = 1;
        struct web_work *w = ctx;

        (void)pthread_mutex_lock(&w->mutex);
        for (;;) {
                struct web_job *job;

                while (w->next == w->end && !w->is_ending)
                        (void)pthread_cond_wait(&w->wake, &w->mutex);
                if (w->is_ending)
                        break;
                job = at(w, w->next);
                (void)pthread_mutex_unlock(&w->mutex);
                web_answer(&job->question, job->db, &job->answer);
                (void)pthread_mutex_lock(&w->mutex);
                w->next++;
                while (write(w->fd, &one, sizeof one) < 0 && errno == EINTR)
                        continue;
        }
        (void)pthread_mutex_unlock(&w->mutex);
        return NULL;
}

static void finish(struct web_job *job)
{
        job->done(job->ctx, job);
        free(job->answer.json);
        *job = (struct web_job){.done = NULL};
}

static unsigned get_next(struct web_work *w)
{
        unsigned next;

        (void)pthread_mutex_lock(&w->mutex);
        next = w->next;
        (void)pthread_mutex_unlock(&w->mutex);
        return next;
}

static void on_told(evutil_socket_t fd, short what, void *ctx)
{
        struct web_work *w = ctx;
        uint64_t count;
        ssize_t n = read(fd, &count, sizeof count); /* only to make it quiet */

        (void)n;
        (void)what;
        for (unsigned next = get_next(w); w->done != next; w->done++)
                finish(at(w, w->done));
}

bool web_work_post(struct web_work *w, const struct web_job *job)
{
        bool has_room;

        (void)pthread_mutex_lock(&w->mutex);
        has_room = w->end - w->done < WEB_WORK_MAX;
        if (has_room) {
                *at(w, w->end) = *job;
                w->end++;
                (void)pthread_cond_signal(&w->wake);
        }
        (void)pthread_mutex_unlock(&w->mutex);
        return has_room;
}

/* Signals are the loop's: the thread takes none. */
static bool start(struct web_work *w)
{
        sigset_t all, before;

        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        w->has_thread = pthread_create(&w->thread, NULL, work, w) == 0;
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        return w->has_thread;
}

struct web_work *web_work_new(struct event_base *base)
{
        struct web_work *w = calloc(1, sizeof *w);

        if (w == NULL)
                return NULL;
        (void)pthread_mutex_init(&w->mutex, NULL);
        (void)pthread_cond_init(&w->wake, NULL);
        w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        w->told = w->fd >= 0 ? event_new(base, w->fd, EV_READ | EV_PERSIST, on_told, w) : NULL;
        if (w->told != NULL && event_add(w->told, NULL) == 0 && start(w))
                return w;
        web_work_free(w);
        return NULL;
}

void web_work_free(struct web_work *w)
{
        if (w == NULL)
                return;
        (void)pthread_mutex_lock(&w->mutex);
        w->is_ending = true;
        (void)pthread_cond_signal(&w->wake);
        (void)pthread_mutex_unlock(&w->mutex);
        if (w->has_thread)
                (void)pthread_join(w->thread, NULL);
        for (; w->done != w->end; w->done++)
                finish(at(w, w->done));
        if (w->told != NULL)
                event_free(w->told);
        if (w->fd >= 0)
                (void)close(w->fd);
        (void)pthread_cond_destroy(&w->wake);
        (void)pthread_mutex_destroy(&w->mutex);
        free(w);
}
