#include "ald/app/journal.h"

#include "ald/base/text.h" /* text_add */

#include <errno.h>   /* errno */
#include <poll.h>    /* poll */
#include <pthread.h> /* pthread_create, pthread_cond_timedwait */
#include <signal.h>  /* sigfillset */
#include <stdarg.h>  /* va_list */
#include <stdio.h>   /* vsnprintf */
#include <string.h>  /* memcpy */
#include <time.h>    /* clock_gettime */
#include <unistd.h>  /* write */

enum { STACK_BYTES = 64 * 1024, PIECE_BYTES = 4096 };

/* Static, so that the thread may stand in its write when the process ends. */
static struct {
        pthread_mutex_t mutex; /* held to copy bytes, never over a write */
        pthread_cond_t changed;
        pthread_t thread;
        bool is_running, is_over, is_written; /* is_written: by the thread, all of it, after is_over */
        char bytes[JOURNAL_BYTES];            /* a ring */
        size_t head, count;                   /* of the oldest byte; how many wait */
        unsigned long lost;                   /* lines left out since the last one that found room */
} journal;

/* What a reader left not blocking is waited for as well: such a descriptor may be shared with whoever began the program.
 * False: the reader is gone. */
static bool write_all(const char *bytes, size_t len)
{
        struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};

        while (len > 0) {
                ssize_t n = write(STDERR_FILENO, bytes, len);

                if (n < 0 && errno == EAGAIN)
                        (void)poll(&room, 1, -1);
                else if (n < 0 && errno != EINTR)
                        return false;
                if (n > 0) {
                        bytes += n;
                        len -= (size_t)n;
                }
        }
        return true;
}

static void put(const char *bytes, size_t len)
{
        for (size_t done = 0; done < len;) {
                size_t at = (journal.head + journal.count) % JOURNAL_BYTES;
                size_t piece = len - done < JOURNAL_BYTES - at ? len - done : JOURNAL_BYTES - at;

                memcpy(journal.bytes + at, bytes + done, piece);
                journal.count += piece;
                done += piece;
        }
}

static size_t take(char piece[PIECE_BYTES])
{
        size_t len = journal.count < PIECE_BYTES ? journal.count : PIECE_BYTES;

        if (len > JOURNAL_BYTES - journal.head)
                len = JOURNAL_BYTES - journal.head;
        memcpy(piece, journal.bytes + journal.head, len);
        journal.head = (journal.head + len) % JOURNAL_BYTES;
        journal.count -= len;
        return len;
}

static void put_lost(void)
{
        char line[128];
        struct text t;

        text_init(&t, line, sizeof line);
        text_add(
            &t, "%lu lines are missing here: nobody took what was written to standard error\n", journal.lost);
        if (journal.lost == 0 || journal.count + t.len > JOURNAL_BYTES)
                return;
        put(line, t.len);
        journal.lost = 0;
}

static void *write_lines(void *unused)
{
        char piece[PIECE_BYTES];

        (void)unused;
        pthread_mutex_lock(&journal.mutex);
        for (;;) {
                put_lost();
                if (journal.count > 0) {
                        size_t len = take(piece);

                        pthread_mutex_unlock(&journal.mutex);
                        write_all(piece, len);
                        pthread_mutex_lock(&journal.mutex);
                } else if (journal.is_over) {
                        break;
                } else {
                        pthread_cond_wait(&journal.changed, &journal.mutex);
                }
        }
        journal.is_written = true;
        pthread_cond_broadcast(&journal.changed);
        pthread_mutex_unlock(&journal.mutex);
        return NULL;
}

static void init_locks(void)
{
        pthread_mutexattr_t mutex;
        pthread_condattr_t cond;

        /* The loop's priority is lent to a writer that holds the lock. */
        pthread_mutexattr_init(&mutex);
        pthread_mutexattr_setprotocol(&mutex, PTHREAD_PRIO_INHERIT);
        pthread_mutex_init(&journal.mutex, &mutex);
        pthread_mutexattr_destroy(&mutex);
        pthread_condattr_init(&cond);
        pthread_condattr_setclock(&cond, CLOCK_MONOTONIC);
        pthread_cond_init(&journal.changed, &cond);
        pthread_condattr_destroy(&cond);
}

bool journal_start(void)
{
        pthread_attr_t attr;
        sigset_t all, before;

        init_locks();
        journal.is_over = journal.is_written = false;
        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, STACK_BYTES);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        journal.is_running = pthread_create(&journal.thread, &attr, write_lines, NULL) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attr);
        if (journal.is_running)
                pthread_setname_np(journal.thread, "journal");
        return journal.is_running;
}

void journal_say(const char *format, ...)
{
        char line[JOURNAL_LINE_MAX];
        size_t len;
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(line, sizeof line, format, args);
        va_end(args);
        if (n < 0)
                return;
        len = (size_t)n < sizeof line ? (size_t)n : sizeof line - 1;
        line[len++] = '\n'; /* in the place of the zero */
        if (!journal.is_running) {
                write_all(line, len);
                return;
        }
        pthread_mutex_lock(&journal.mutex);
        if (journal.lost > 0 || journal.count + len > JOURNAL_BYTES)
                journal.lost++;
        else
                put(line, len);
        pthread_cond_broadcast(&journal.changed);
        pthread_mutex_unlock(&journal.mutex);
}

void journal_stop(void)
{
        struct timespec until;
        int err = 0;

        if (!journal.is_running)
                return;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += JOURNAL_DRAIN_S;
        pthread_mutex_lock(&journal.mutex);
        journal.is_over = true;
        pthread_cond_broadcast(&journal.changed);
        while (!journal.is_written && err == 0)
                err = pthread_cond_timedwait(&journal.changed, &journal.mutex, &until);
        err = journal.is_written ? 0 : ETIMEDOUT;
        pthread_mutex_unlock(&journal.mutex);
        /* One that nobody reads goes with the process. */
        if (err == 0)
                pthread_join(journal.thread, NULL);
        else
                pthread_detach(journal.thread);
        journal.is_running = false;
}
