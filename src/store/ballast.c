#include "ald/store/ballast.h"

#include "ald/base/text.h" /* text_add */

#include <errno.h>       /* errno */
#include <fcntl.h>       /* open, posix_fallocate */
#include <inttypes.h>    /* PRId64 */
#include <limits.h>      /* PATH_MAX */
#include <stdbool.h>     /* bool */
#include <stdio.h>       /* snprintf */
#include <string.h>      /* strerror */
#include <sys/stat.h>    /* fstat */
#include <sys/statvfs.h> /* statvfs */
#include <unistd.h>      /* access, close, unlink */

static bool name_ballast(char name[PATH_MAX], const char *path)
{
        return snprintf(name, PATH_MAX, "%s-ballast", path) < PATH_MAX;
}

/* A ballast that a process before this one left: sparse or short ones are made anew. */
static bool is_whole(int fd, int64_t bytes)
{
        struct stat st;

        return fstat(fd, &st) == 0 && st.st_size >= bytes && (int64_t)st.st_blocks * 512 >= bytes;
}

static enum ballast_state refuse_room(int64_t bytes, struct text *why)
{
        text_add(why, "less than %" PRId64 " MiB are free: make room (a reserve of %" PRId64 " MiB is kept)",
            2 * bytes >> 20, bytes >> 20);
        return BALLAST_NO_ROOM;
}

/* Only a look, so that a full disk is not stirred up by every try. */
static bool has_room(const char *name, const char *path, int64_t bytes)
{
        struct statvfs fs;

        return access(name, F_OK) == 0 || statvfs(path, &fs) != 0 ||
               (uint64_t)fs.f_bavail * fs.f_frsize >= 2 * (uint64_t)bytes;
}

static enum ballast_state fill(int fd, int64_t bytes, struct text *why)
{
        int failed = posix_fallocate(fd, 0, bytes);
        if (failed == ENOSPC || failed == EDQUOT)
                return refuse_room(bytes, why);
        if (failed == 0)
                return BALLAST_HELD;
        text_add(why, "no reserve for a full disk could be made: %s", strerror(failed));
        return BALLAST_FAILED;
}

enum ballast_state ballast_make(const char *path, int64_t bytes, struct text *why)
{
        char name[PATH_MAX];
        enum ballast_state state;

        if (!name_ballast(name, path)) {
                text_add(why, "no reserve for a full disk could be made: the path is too long");
                return BALLAST_FAILED;
        }
        if (!has_room(name, path, bytes))
                return refuse_room(bytes, why);
        int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0 && (errno == ENOSPC || errno == EDQUOT))
                return refuse_room(bytes, why);
        if (fd < 0) {
                text_add(why, "no reserve for a full disk could be made: %s", strerror(errno));
                return BALLAST_FAILED;
        }
        state = is_whole(fd, bytes) ? BALLAST_HELD : fill(fd, bytes, why);
        close(fd);
        if (state != BALLAST_HELD)
                unlink(name);
        return state;
}

void ballast_release(const char *path)
{
        char name[PATH_MAX];

        if (name_ballast(name, path))
                unlink(name);
}

bool ballast_is_wanted(const char *path)
{
        char name[PATH_MAX];
        struct statvfs fs;

        return name_ballast(name, path) && statvfs(name, &fs) == 0 &&
               (uint64_t)fs.f_bavail * fs.f_frsize < 1 << 20;
}
