#include "ald/control/listen.h"

#include <assert.h>     /* assert */
#include <errno.h>      /* errno, EADDRINUSE */
#include <fcntl.h>      /* open, O_DIRECTORY */
#include <libgen.h>     /* dirname */
#include <stdio.h>      /* snprintf */
#include <string.h>     /* strerror, strlen */
#include <sys/file.h>   /* flock */
#include <sys/socket.h> /* socket, bind, listen, connect */
#include <sys/stat.h>   /* lstat, chmod */
#include <sys/un.h>     /* struct sockaddr_un */
#include <time.h>       /* nanosleep */
#include <unistd.h>     /* close, unlink */

enum { LISTEN_BACKLOG = 32, LISTEN_MODE = 0660, LISTEN_LOCK_TRIES = 100 };

static int fail(char *why, int why_cap, const char *path, const char *what)
{
        (void)snprintf(why, (size_t)why_cap, "%s: %s", path, what);
        return -1;
}

static int fail_errno(char *why, int why_cap, const char *path, const char *what)
{
        (void)snprintf(why, (size_t)why_cap, "%s: %s: %s", path, what, strerror(errno));
        return -1;
}

/* Look, remove and bind must not interleave with another daemon's: the folder's lock is held meanwhile. */
static int lock_folder(const char *path, char *why, int why_cap)
{
        const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
        char folder[sizeof((struct listen_socket *)0)->path];
        int fd;

        (void)snprintf(folder, sizeof folder, "%s", path);
        fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return fail_errno(why, why_cap, path, "cannot open its folder");
        for (int i = 0; i < LISTEN_LOCK_TRIES; i++) {
                if (flock(fd, LOCK_EX | LOCK_NB) == 0)
                        return fd;
                (void)nanosleep(&pause, NULL);
        }
        (void)close(fd);
        return fail(why, why_cap, path, "its folder is locked by another program that is starting");
}

/* Is somebody listening there? A full backlog (EAGAIN) is a live listener too. */
static int somebody_answers(const struct sockaddr_un *to)
{
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        int live;

        if (fd < 0)
                return 1;
        live = connect(fd, (const struct sockaddr *)to, sizeof *to) == 0 || errno != ECONNREFUSED;
        (void)close(fd);
        return live;
}

static int remove_stale(const struct sockaddr_un *at, char *why, int why_cap)
{
        struct stat st;

        if (lstat(at->sun_path, &st) != 0)
                return errno == ENOENT ? 0 : fail_errno(why, why_cap, at->sun_path, "cannot look at it");
        if (!S_ISSOCK(st.st_mode))
                return fail(why, why_cap, at->sun_path, "exists and is not a socket");
        if (somebody_answers(at))
                return fail(why, why_cap, at->sun_path, "another daemon is serving here");
        if (unlink(at->sun_path) != 0)
                return fail_errno(why, why_cap, at->sun_path, "cannot remove what a dead daemon left");
        return 0;
}

/* Nobody can connect between bind and listen, so the mode is right before it matters. */
static int bind_and_listen(int fd, const struct sockaddr_un *at, char *why, int why_cap)
{
        if (bind(fd, (const struct sockaddr *)at, sizeof *at) != 0)
                return fail_errno(why, why_cap, at->sun_path, "cannot make the socket");
        if (chmod(at->sun_path, LISTEN_MODE) != 0)
                return fail_errno(why, why_cap, at->sun_path, "cannot set its mode");
        if (listen(fd, LISTEN_BACKLOG) != 0)
                return fail_errno(why, why_cap, at->sun_path, "cannot listen");
        return 0;
}

int listen_open(struct listen_socket *s, const char *path, char *why, int why_cap)
{
        struct sockaddr_un at = {.sun_family = AF_UNIX};
        struct stat st;
        int lock;

        assert(why_cap > 0);
        *s = (struct listen_socket){.fd = -1};
        if (path[0] == '\0' || strlen(path) >= sizeof at.sun_path) {
                (void)snprintf(why, (size_t)why_cap, "%s: a socket's path has 1 to %zu bytes", path,
                    sizeof at.sun_path - 1);
                return -1;
        }
        memcpy(at.sun_path, path, strlen(path) + 1);
        memcpy(s->path, path, strlen(path) + 1);
        lock = lock_folder(path, why, why_cap);
        if (lock < 0)
                return -1;
        s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (s->fd < 0)
                (void)fail_errno(why, why_cap, path, "cannot make a socket");
        else if (remove_stale(&at, why, why_cap) != 0 || bind_and_listen(s->fd, &at, why, why_cap) != 0 ||
                 lstat(path, &st) != 0) {
                (void)close(s->fd);
                s->fd = -1;
        } else {
                s->dev = st.st_dev;
                s->ino = st.st_ino;
        }
        (void)close(lock);
        return s->fd < 0 ? -1 : 0;
}

void listen_close(struct listen_socket *s)
{
        struct stat st;

        if (s->fd < 0)
                return;
        if (lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
                (void)unlink(s->path);
        (void)close(s->fd);
        s->fd = -1;
}
