#include "web_child.h" /* own declarations */

#include "ald/base/text.h" /* text_clean */

#include <event2/buffer.h>      /* evbuffer_get_length */
#include <event2/bufferevent.h> /* bufferevent_socket_new */
#include <event2/event.h>       /* evsignal_new */

#include <errno.h>    /* errno */
#include <fcntl.h>    /* O_CLOEXEC */
#include <signal.h>   /* kill, SIGCHLD */
#include <spawn.h>    /* posix_spawn */
#include <stdio.h>    /* snprintf */
#include <stdlib.h>   /* calloc, free */
#include <string.h>   /* memcpy */
#include <sys/wait.h> /* waitpid */
#include <unistd.h>   /* pipe2 */

extern char **environ;

enum { OUT, ERR, PIPES };

struct web_child {
        pid_t pid; /* 0 = not there, or seen to have ended */
        int status;
        struct event *ended, *late;
        struct bufferevent *from[PIPES];
        bool is_open[PIPES], is_late, is_large;
        size_t bytes_max;
        int limit_s;
        char said[240];
        void (*done)(void *ctx, const struct web_child_end *end);
        void *ctx;
};

/* With what it started itself: it leads a group of its own. */
static void end_it(struct web_child *c)
{
        if (c->pid > 0)
                (void)kill(-c->pid, SIGKILL);
}

void web_child_free(struct web_child *c)
{
        if (c == NULL)
                return;
        end_it(c);
        while (c->pid > 0 && waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR)
                continue;
        for (int i = 0; i < PIPES; i++)
                if (c->from[i] != NULL)
                        bufferevent_free(c->from[i]);
        if (c->ended != NULL)
                event_free(c->ended);
        if (c->late != NULL)
                event_free(c->late);
        free(c);
}

/* ---- Its end ---- */

static const char *find_why(struct web_child *c)
{
        struct evbuffer *err = bufferevent_get_input(c->from[ERR]);
        ssize_t n = evbuffer_copyout(err, c->said, sizeof c->said - 1);

        c->said[n > 0 ? n : 0] = '\0';
        for (char *s = c->said; *s != '\0'; s++)
                if (*s == '\n')
                        *s = ' ';
        text_clean(c->said);
        if (c->is_large)
                (void)snprintf(c->said, sizeof c->said, "it wrote more than %zu bytes", c->bytes_max);
        else if (c->is_late)
                (void)snprintf(c->said, sizeof c->said, "it was not done after %d s", c->limit_s);
        else if (c->said[0] == '\0')
                (void)snprintf(c->said, sizeof c->said, "it ended without a word, with status %d", c->status);
        return c->said;
}

static void look(struct web_child *c)
{
        struct web_child_end end = {.is_good = false};

        if (c->pid > 0 || c->is_open[OUT] || c->is_open[ERR])
                return;
        end.is_good = !c->is_late && !c->is_large && WIFEXITED(c->status) && WEXITSTATUS(c->status) == 0;
        end.out = bufferevent_get_input(c->from[OUT]);
        end.why = end.is_good ? "" : find_why(c);
        c->done(c->ctx, &end);
        web_child_free(c);
}

static void on_ended(evutil_socket_t signal, short what, void *ctx)
{
        struct web_child *c = ctx;

        (void)signal;
        (void)what;
        if (c->pid > 0 && waitpid(c->pid, &c->status, WNOHANG) == c->pid)
                c->pid = 0;
        look(c);
}

static void on_late(evutil_socket_t fd, short what, void *ctx)
{
        struct web_child *c = ctx;

        (void)fd;
        (void)what;
        c->is_late = true;
        end_it(c);
}

static void on_read(struct bufferevent *from, void *ctx)
{
        struct web_child *c = ctx;

        if (evbuffer_get_length(bufferevent_get_input(from)) <= c->bytes_max)
                return;
        c->is_large = true;
        c->is_open[from == c->from[OUT] ? OUT : ERR] = false;
        (void)bufferevent_disable(from, EV_READ);
        end_it(c);
}

static void on_closed(struct bufferevent *from, short what, void *ctx)
{
        struct web_child *c = ctx;

        (void)what;
        (void)bufferevent_disable(from, EV_READ);
        c->is_open[from == c->from[OUT] ? OUT : ERR] = false;
        look(c);
}

/* ---- Its start ---- */

/* It has our standard input's end, /dev/null, and the signals of a program by itself. 0 or an error number. */
static int spawn(struct web_child *c, const char *path, char *const argv[], const int theirs[PIPES])
{
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        sigset_t none, all;
        int failed = posix_spawn_file_actions_init(&files);

        if (failed != 0)
                return failed;
        (void)sigemptyset(&none);
        (void)sigfillset(&all);
        failed = posix_spawnattr_init(&attributes);
        if (failed == 0) {
                (void)posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
                (void)posix_spawn_file_actions_adddup2(&files, theirs[OUT], STDOUT_FILENO);
                (void)posix_spawn_file_actions_adddup2(&files, theirs[ERR], STDERR_FILENO);
                (void)posix_spawnattr_setsigmask(&attributes, &none);
                (void)posix_spawnattr_setsigdefault(&attributes, &all);
                (void)posix_spawnattr_setpgroup(&attributes, 0);
                (void)posix_spawnattr_setflags(
                    &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
                failed = posix_spawn(&c->pid, path, &files, &attributes, argv, environ);
                (void)posix_spawnattr_destroy(&attributes);
        }
        (void)posix_spawn_file_actions_destroy(&files);
        if (failed != 0)
                c->pid = 0;
        return failed;
}

static bool listen_to(struct web_child *c, struct event_base *base, int i, int fd)
{
        if (evutil_make_socket_nonblocking(fd) == 0)
                c->from[i] = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
        if (c->from[i] == NULL) {
                (void)close(fd);
                return false;
        }
        c->is_open[i] = true;
        bufferevent_setcb(c->from[i], on_read, NULL, on_closed, c);
        return bufferevent_enable(c->from[i], EV_READ) == 0;
}

static int start(struct web_child *c, struct event_base *base, const char *path, char *const argv[])
{
        const struct timeval limit = {.tv_sec = c->limit_s};
        int theirs[PIPES] = {-1, -1}, failed = 0;

        c->ended = evsignal_new(base, SIGCHLD, on_ended, c);
        c->late = evtimer_new(base, on_late, c);
        if (c->ended == NULL || c->late == NULL || evsignal_add(c->ended, NULL) != 0 ||
            evtimer_add(c->late, &limit) != 0)
                return ENOMEM;
        for (int i = 0; i < PIPES && failed == 0; i++) {
                int both[2] = {-1, -1};

                failed = pipe2(both, O_CLOEXEC) == 0 ? 0 : errno;
                theirs[i] = both[1];
                if (failed == 0 && !listen_to(c, base, i, both[0]))
                        failed = ENOMEM;
        }
        if (failed == 0)
                failed = spawn(c, path, argv, theirs);
        for (int i = 0; i < PIPES; i++)
                if (theirs[i] >= 0)
                        (void)close(theirs[i]);
        return failed;
}

struct web_child *web_child_start(struct event_base *base, const char *path, char *const argv[], int limit_s,
    size_t bytes_max, void (*done)(void *ctx, const struct web_child_end *end), void *ctx)
{
        struct web_child *c = calloc(1, sizeof *c);
        int failed;

        if (c == NULL)
                return NULL;
        *c = (struct web_child){.limit_s = limit_s, .bytes_max = bytes_max, .done = done, .ctx = ctx};
        failed = start(c, base, path, argv);
        if (failed == 0)
                return c;
        web_child_free(c);
        errno = failed;
        return NULL;
}
