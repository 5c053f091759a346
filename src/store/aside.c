#include "ald/store/aside.h"

#include "ald/base/text.h"    /* text_add, text_copy */
#include "ald/store/schema.h" /* SCHEMA_APPLICATION_ID */

#include <errno.h>  /* errno */
#include <fcntl.h>  /* open */
#include <limits.h> /* PATH_MAX */
#include <stdio.h>  /* snprintf, rename */
#include <string.h> /* strerror, strrchr */
#include <time.h>   /* gmtime_r, strftime */
#include <unistd.h> /* access, pread, fsync, close */

/* The database header (https://www.sqlite.org/fileformat2.html, 1.3): application id at byte 68, big-endian. */
enum { HEADER_BYTES = 100, APPLICATION_ID_AT = 68 };

bool aside_is_ours(const char *path)
{
        unsigned char header[HEADER_BYTES];
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t got = fd < 0 ? -1 : pread(fd, header, sizeof header, 0);
        uint32_t id = 0;

        if (fd >= 0)
                close(fd);
        for (int i = 0; got == sizeof header && i < 4; i++)
                id = id << 8 | header[APPLICATION_ID_AT + i];
        return id == (uint32_t)SCHEMA_APPLICATION_ID;
}

/* Renames are on the disk before a new file begins under the old name. */
static void sync_folder(const char *path)
{
        char folder[PATH_MAX];
        const char *slash = strrchr(path, '/');

        text_copy(folder, sizeof folder, slash == NULL ? "." : path);
        if (slash != NULL)
                folder[slash == path ? 1 : slash - path] = '\0';
        int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return;
        (void)fsync(fd);
        close(fd);
}

static bool rename_one(const char *path, const char *to, const char *suffix)
{
        char from_name[PATH_MAX], to_name[PATH_MAX];

        if (snprintf(from_name, sizeof from_name, "%s%s", path, suffix) >= PATH_MAX ||
            snprintf(to_name, sizeof to_name, "%s%s", to, suffix) >= PATH_MAX) {
                errno = ENAMETOOLONG;
                return false;
        }
        return rename(from_name, to_name) == 0;
}

/* Two in one second: the second one gets a number. */
static bool find_name(const char *path, int64_t wall_us, char to[PATH_MAX])
{
        time_t s = (time_t)(wall_us / 1000000);
        char stamp[32];
        struct tm utc;

        strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", gmtime_r(&s, &utc));
        for (int n = 1; n < 100; n++) {
                int len = n == 1 ? snprintf(to, PATH_MAX, "%s.corrupt-%s", path, stamp)
                                 : snprintf(to, PATH_MAX, "%s.corrupt-%s.%d", path, stamp, n);

                if (len >= PATH_MAX)
                        return false;
                if (access(to, F_OK) != 0)
                        return true;
        }
        return false;
}

bool aside_move(const char *path, int64_t wall_us, char moved[64], struct text *why)
{
        char to[PATH_MAX];
        const char *slash;

        if (!find_name(path, wall_us, to)) {
                text_add(why, "damaged, and there is no name to move it aside to");
                return false;
        }
        /* The log first: a crash in between leaves a file without it, which is found damaged or older, never a fresh file with
         * a log that is not its own. */
        bool ok = rename_one(path, to, "-wal") || errno == ENOENT;
        ok = ok && (rename_one(path, to, "-shm") || errno == ENOENT);
        ok = ok && rename_one(path, to, "");
        if (!ok) {
                text_add(why, "damaged, and cannot be moved aside: %s", strerror(errno));
                return false;
        }
        sync_folder(path);
        slash = strrchr(to, '/');
        text_copy(moved, 64, slash == NULL ? to : slash + 1);
        return true;
}
