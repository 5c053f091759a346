#include "ald/store/lockfile.h"

#include "ald/base/text.h" /* text_add */

#include <errno.h>    /* errno */
#include <fcntl.h>    /* open */
#include <limits.h>   /* PATH_MAX */
#include <stdbool.h>  /* bool */
#include <stdio.h>    /* snprintf */
#include <string.h>   /* strerror */
#include <sys/file.h> /* flock */
#include <sys/stat.h> /* fstat, stat */
#include <unistd.h>   /* close, unlink */

static bool name_lock(char name[PATH_MAX], const char *path)
{
        return snprintf(name, PATH_MAX, "%s-lock", path) < PATH_MAX;
}

/* Does `name` still mean the file behind fd? Its last holder may have removed it while we came to it. */
static bool is_same_file(const char *name, int fd)
{
        struct stat by_name, by_fd;

        return stat(name, &by_name) == 0 && fstat(fd, &by_fd) == 0 && by_name.st_dev == by_fd.st_dev &&
               by_name.st_ino == by_fd.st_ino;
}

int lockfile_take(const char *path, struct text *why)
{
        char name[PATH_MAX];

        if (!name_lock(name, path)) {
                text_add(why, "the path is too long");
                return -1;
        }
        for (int attempt = 0; attempt < 10; attempt++) {
                int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

                if (fd < 0) {
                        text_add(why, "its folder cannot be written: %s", strerror(errno));
                        return -1;
                }
                bool is_held = flock(fd, LOCK_EX | LOCK_NB) == 0;
                if (is_held && is_same_file(name, fd))
                        return fd;
                close(fd);
                if (!is_held)
                        break;
        }
        text_add(why, "in use by another aldd");
        return -1;
}

void lockfile_drop(const char *path, int fd)
{
        char name[PATH_MAX];

        if (name_lock(name, path))
                unlink(name); /* before the lock goes: nobody can hold it under this name yet */
        close(fd);
}
