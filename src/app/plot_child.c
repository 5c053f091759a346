#include "plot_child.h" /* own declarations */

#include "ald/base/text.h" /* text_add */

#include <errno.h>    /* errno */
#include <fcntl.h>    /* O_CLOEXEC */
#include <poll.h>     /* poll */
#include <stdbool.h>  /* bool */
#include <stdint.h>   /* int64_t */
#include <signal.h>   /* kill */
#include <spawn.h>    /* posix_spawnp */
#include <stdio.h>    /* open_memstream */
#include <stdlib.h>   /* free */
#include <string.h>   /* strerror */
#include <sys/wait.h> /* waitpid */
#include <time.h>     /* clock_gettime */
#include <unistd.h>   /* pipe2, read, write */

extern char **environ;

/* A plot takes a tenth of a second. */
enum { PATIENCE_MS = 30000, SAID_CAP = 160 };
/* More than any plot of ours: a program that is no gnuplot may write without end. */
static const size_t output_max = (size_t)64 * 1024 * 1024;

enum { IN, OUT, ERR, PIPES };

struct child {
        pid_t pid;
        int fd[PIPES]; /* our ends; -1 = closed */
        const char *in;
        size_t in_left, out_len;
        FILE *out;
        char said[SAID_CAP]; /* the first of its complaints */
        size_t said_len;
};

static int64_t now_ms(void)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void close_end(int *fd)
{
        if (*fd >= 0)
                (void)close(*fd);
        *fd = -1;
}

/* ---- Start ---- */

/* The child's ends become its standard ones; all others close by themselves. SIGPIPE, which we ignore, is its own again. */
static int spawn(struct child *c, const char *program, char *const argv[], const int theirs[PIPES])
{
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        sigset_t own;
        int failed;

        (void)sigemptyset(&own);
        (void)sigaddset(&own, SIGPIPE);
        failed = posix_spawn_file_actions_init(&files);
        if (failed != 0)
                return failed;
        failed = posix_spawnattr_init(&attributes);
        for (int i = 0; failed == 0 && i < PIPES; i++)
                failed = posix_spawn_file_actions_adddup2(&files, theirs[i], i);
        if (failed == 0) {
                (void)posix_spawnattr_setsigdefault(&attributes, &own);
                (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
                failed = posix_spawnp(&c->pid, program, &files, &attributes, argv, environ);
                (void)posix_spawnattr_destroy(&attributes);
        }
        (void)posix_spawn_file_actions_destroy(&files);
        return failed;
}

/* Three pipes and the child. 0 or an error number; nothing is left open then. */
static int start(struct child *c, const char *program, char *const argv[])
{
        int theirs[PIPES] = {-1, -1, -1}, failed = 0;

        for (int i = 0; i < PIPES && failed == 0; i++) {
                int both[2] = {-1, -1};

                failed = pipe2(both, O_CLOEXEC) == 0 ? 0 : errno;
                theirs[i] = both[i == IN ? 0 : 1];
                c->fd[i] = both[i == IN ? 1 : 0];
                if (failed == 0 && fcntl(c->fd[i], F_SETFL, O_NONBLOCK) != 0)
                        failed = errno;
        }
        if (failed == 0)
                failed = spawn(c, program, argv, theirs);
        for (int i = 0; i < PIPES; i++) {
                close_end(&theirs[i]);
                if (failed != 0)
                        close_end(&c->fd[i]);
        }
        return failed;
}

/* ---- Talk ---- */

static void give(struct child *c)
{
        ssize_t n = write(c->fd[IN], c->in, c->in_left);

        if (n > 0) {
                c->in += n;
                c->in_left -= (size_t)n;
        }
        if (c->in_left == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                close_end(&c->fd[IN]);
}

static void take(struct child *c, int from)
{
        char buf[16384];
        ssize_t n = read(c->fd[from], buf, sizeof buf);

        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                close_end(&c->fd[from]);
        for (ssize_t i = 0; from == ERR && i < n && c->said_len + 1 < sizeof c->said; i++)
                c->said[c->said_len++] = buf[i] == '\n' ? ' ' : buf[i];
        if (from == OUT && n > 0) {
                (void)fwrite(buf, 1, (size_t)n, c->out);
                c->out_len += (size_t)n;
        }
}

/* Until it has closed its ends. False: not in time, or without end. */
static bool talk(struct child *c)
{
        int64_t until_ms = now_ms() + PATIENCE_MS;

        while (c->fd[OUT] >= 0 || c->fd[ERR] >= 0) {
                struct pollfd p[PIPES] = {{.fd = c->fd[IN], .events = POLLOUT},
                    {.fd = c->fd[OUT], .events = POLLIN}, {.fd = c->fd[ERR], .events = POLLIN}};
                int64_t left_ms = until_ms - now_ms();

                if (left_ms <= 0 || c->out_len > output_max)
                        return false;
                if (poll(p, PIPES, (int)left_ms) < 0 && errno != EINTR)
                        return false;
                if (p[IN].revents != 0)
                        give(c);
                for (int i = OUT; i <= ERR; i++)
                        if (p[i].revents != 0)
                                take(c, i);
        }
        return true;
}

/* ---- End ---- */

static bool end(struct child *c, bool in_time, const char *program, struct text *why)
{
        int status = 0;

        if (!in_time)
                (void)kill(c->pid, SIGKILL);
        while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
                continue;
        for (int i = 0; i < PIPES; i++)
                close_end(&c->fd[i]);
        text_clean(c->said);
        if (!in_time)
                text_add(why, "%s was not done after %d s", program, PATIENCE_MS / 1000);
        else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                text_add(why, "%s failed: %s", program, c->said[0] != '\0' ? c->said : "it did not say why");
        return in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

char *plot_child_run(const char *program, char *const argv[], const char *in, size_t in_len, struct text *why)
{
        struct child c = {.fd = {-1, -1, -1}, .in = in, .in_left = in_len};
        char *all = NULL;
        size_t len = 0;
        int failed;
        bool ok;

        c.out = open_memstream(&all, &len);
        if (c.out == NULL) {
                text_add(why, "no memory");
                return NULL;
        }
        failed = start(&c, program, argv);
        if (failed == ENOENT)
                text_add(why, "gnuplot is not installed here ('%s'): the Debian package gnuplot-nox has it",
                    program);
        else if (failed != 0)
                text_add(why, "%s: %s", program, strerror(failed));
        ok = failed == 0 && end(&c, talk(&c), program, why);
        ok = fclose(c.out) == 0 && ok;
        if (ok)
                return all;
        free(all);
        return NULL;
}
