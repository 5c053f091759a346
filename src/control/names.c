#include "ald/control/names.h"

#include "ald/base/text.h" /* text_copy */

#include <pthread.h> /* pthread_create */
#include <signal.h>  /* sigfillset */
#include <stdio.h>   /* snprintf */
#include <stdlib.h>  /* calloc, free */

/* Locked in memory, as everything is; what asks a directory on the network needs some. */
enum { STACK_BYTES = 256 * 1024 };

struct user {
        uint32_t uid;
        bool is_asked;            /* its look-up has begun, or is not needed */
        char name[TOOL_NAME_MAX]; /* "" = none, or none yet */
};

struct names {
        pthread_mutex_t mutex; /* never held over a look-up */
        pthread_cond_t changed;
        pthread_t thread;
        names_lookup *lookup;
        bool is_busy, is_over;
        int count;
        struct user user[NAMES_MAX];
};

static void destroy(struct names *n)
{
        pthread_cond_destroy(&n->changed);
        pthread_mutex_destroy(&n->mutex);
        free(n);
}

static struct user *next_to_ask(struct names *n)
{
        for (int i = 0; i < n->count; i++)
                if (!n->user[i].is_asked)
                        return &n->user[i];
        return NULL;
}

/* Under the lock, which is given away meanwhile. */
static void ask(struct names *n, struct user *u)
{
        char name[TOOL_NAME_MAX] = "";
        bool found;

        u->is_asked = n->is_busy = true;
        pthread_mutex_unlock(&n->mutex);
        found = n->lookup(u->uid, name);
        pthread_mutex_lock(&n->mutex);
        n->is_busy = false;
        if (found)
                text_copy(u->name, sizeof u->name, name);
}

static void *look_up(void *arg)
{
        struct names *n = arg;
        bool was_left = false;

        pthread_mutex_lock(&n->mutex);
        while (!n->is_over) {
                struct user *u = next_to_ask(n);

                if (u == NULL) {
                        pthread_cond_wait(&n->changed, &n->mutex);
                        continue;
                }
                ask(n, u);
                was_left = n->is_over;
        }
        pthread_mutex_unlock(&n->mutex);
        /* Its owner did not wait for a look-up that was under way. */
        if (was_left)
                destroy(n);
        return NULL;
}

static bool start(struct names *n)
{
        pthread_attr_t attr;
        sigset_t all, before;
        bool started;

        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, STACK_BYTES);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        started = pthread_create(&n->thread, &attr, look_up, n) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        pthread_attr_destroy(&attr);
        if (started)
                pthread_setname_np(n->thread, "names");
        return started;
}

struct names *names_new(names_lookup *lookup)
{
        struct names *n = calloc(1, sizeof *n);
        pthread_mutexattr_t attr;

        if (n == NULL)
                return NULL;
        n->lookup = lookup;
        /* The loop's priority is lent to a thread that holds the lock. */
        pthread_mutexattr_init(&attr);
        pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
        pthread_mutex_init(&n->mutex, &attr);
        pthread_mutexattr_destroy(&attr);
        pthread_cond_init(&n->changed, NULL);
        if (start(n))
                return n;
        destroy(n);
        return NULL;
}

void names_free(struct names *n)
{
        bool is_busy;

        if (n == NULL)
                return;
        pthread_mutex_lock(&n->mutex);
        n->is_over = true;
        is_busy = n->is_busy;
        if (is_busy)
                pthread_detach(n->thread);
        pthread_cond_signal(&n->changed);
        pthread_mutex_unlock(&n->mutex);
        if (is_busy)
                return;
        pthread_join(n->thread, NULL);
        destroy(n);
}

static struct user *find(struct names *n, uint32_t uid)
{
        for (int i = 0; i < n->count; i++)
                if (n->user[i].uid == uid)
                        return &n->user[i];
        return NULL;
}

/* NULL: there is no more room. */
static struct user *add(struct names *n, uint32_t uid)
{
        if (n->count == NAMES_MAX)
                return NULL;
        n->user[n->count] = (struct user){.uid = uid};
        return &n->user[n->count++];
}

void names_put(struct names *n, uint32_t uid, const char *name)
{
        struct user *u;

        if (n == NULL)
                return;
        pthread_mutex_lock(&n->mutex);
        u = find(n, uid);
        if (u == NULL)
                u = add(n, uid);
        if (u != NULL) {
                u->is_asked = true;
                text_copy(u->name, sizeof u->name, name);
        }
        pthread_mutex_unlock(&n->mutex);
}

void names_get(struct names *n, uint32_t uid, char name[TOOL_NAME_MAX])
{
        struct user *u;

        (void)snprintf(name, TOOL_NAME_MAX, "uid %u", uid);
        if (n == NULL)
                return;
        pthread_mutex_lock(&n->mutex);
        u = find(n, uid);
        if (u == NULL && add(n, uid) != NULL)
                pthread_cond_signal(&n->changed);
        if (u != NULL && u->name[0] != '\0')
                text_copy(name, TOOL_NAME_MAX, u->name);
        pthread_mutex_unlock(&n->mutex);
}
