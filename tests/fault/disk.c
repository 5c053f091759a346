#include "fault/disk.h"

#include <dlfcn.h>       /* dlsym */
#include <errno.h>       /* errno */
#include <fcntl.h>       /* open */
#include <pthread.h>     /* mutex */
#include <stdarg.h>      /* va_arg */
#include <stdbool.h>     /* bool */
#include <stdio.h>       /* snprintf */
#include <stdlib.h>      /* getenv, malloc, free */
#include <string.h>      /* strstr */
#include <sys/mman.h>    /* mmap */
#include <sys/stat.h>    /* fstat */
#include <sys/statvfs.h> /* statvfs */
#include <sys/types.h>   /* ssize_t */
#include <time.h>        /* nanosleep */
#include <unistd.h>      /* readlink */

static struct fault_disk own;
struct fault_disk *fault_disk = &own;

#define REAL(name, type)                                                                                     \
        static type real;                                                                                    \
        if (real == NULL)                                                                                    \
        *(void **)&real = dlsym(RTLD_NEXT, name)

typedef ssize_t pwrite_fn(int, const void *, size_t, off_t);
typedef ssize_t write_fn(int, const void *, size_t);
typedef int sync_fn(int), truncate_fn(int, off_t), allocate_fn(int, off_t, off_t),
    open_fn(const char *, int, ...);
typedef int statvfs_fn(const char *, struct statvfs *);

__attribute__((constructor)) static void map_faults(void)
{
        const char *path = getenv("FAULT_DISK");
        REAL("open64", open_fn *);
        int fd = path == NULL ? -1 : real(path, O_RDWR | O_CLOEXEC);

        if (fd < 0)
                return;
        void *at = mmap(NULL, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (at != MAP_FAILED)
                fault_disk = at;
        close(fd);
}

static bool find_path(int fd, char path[512])
{
        char link[64];

        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t len = readlink(link, path, 511);
        path[len < 0 ? 0 : len] = '\0';
        return len > 0;
}

static bool is_ours(int fd, char path[512])
{
        return fault_disk->match[0] != '\0' && find_path(fd, path) && strstr(path, fault_disk->match) != NULL;
}

static bool fails(int what)
{
        struct fault_disk *f = fault_disk;

        if ((f->what & what) == 0)
                return false;
        int32_t n = f->calls++;
        if (n < f->after || n - f->after >= f->count)
                return false;
        f->failed++;
        errno = f->error;
        return true;
}

/* ---- What was written since the last sync, so that a failed one can take it away ---- */

struct undo {
        struct undo *next; /* older */
        ino_t inode;
        off_t at, size; /* of the file before */
        size_t len;
        char bytes[];
};

static struct undo *undone;
static pthread_mutex_t undo_lock = PTHREAD_MUTEX_INITIALIZER;

static void note_undo(int fd, off_t at, size_t len)
{
        struct stat st;

        if (fault_disk->loses == 0 || fstat(fd, &st) != 0)
                return;
        struct undo *u = malloc(sizeof *u + len);
        if (u == NULL)
                return;
        ssize_t got = pread(fd, u->bytes, len, at);
        *u =
            (struct undo){.inode = st.st_ino, .at = at, .size = st.st_size, .len = got < 0 ? 0 : (size_t)got};
        pthread_mutex_lock(&undo_lock);
        u->next = undone;
        undone = u;
        pthread_mutex_unlock(&undo_lock);
}

static void take_back(int fd, const struct undo *u)
{
        REAL("pwrite64", pwrite_fn *);
        static truncate_fn *cut;

        if (cut == NULL)
                *(void **)&cut = dlsym(RTLD_NEXT, "ftruncate64");
        (void)!real(fd, u->bytes, u->len, u->at);
        (void)!cut(fd, u->size);
}

/* The newest first, so that the oldest bytes are what stays. */
static void end_undo(int fd, bool is_lost)
{
        struct stat st;

        if (fault_disk->loses == 0 || fstat(fd, &st) != 0)
                return;
        pthread_mutex_lock(&undo_lock);
        for (struct undo **at = &undone; *at != NULL;) {
                struct undo *u = *at;

                if (u->inode != st.st_ino) {
                        at = &u->next;
                        continue;
                }
                if (is_lost)
                        take_back(fd, u);
                *at = u->next;
                free(u);
        }
        pthread_mutex_unlock(&undo_lock);
}

/* ---- A full disk ---- */

static bool has_ballast(const char *path)
{
        char name[600];
        const char *db = strstr(path, ".db");

        if (db == NULL)
                return false;
        snprintf(name, sizeof name, "%.*s-ballast", (int)(db - path + 3), path);
        return access(name, F_OK) == 0;
}

static bool is_too_much(int fd, const char *path, off_t end)
{
        struct stat st;

        if (fault_disk->is_full == 0 || fstat(fd, &st) != 0 || end <= st.st_size)
                return false;
        if (!has_ballast(path) && fault_disk->room >= end - st.st_size) {
                fault_disk->room -= (int32_t)(end - st.st_size);
                return false;
        }
        fault_disk->failed++;
        errno = ENOSPC;
        return true;
}

/* ---- The calls ---- */

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
        REAL("pwrite64", pwrite_fn *);
        char path[512];

        if (!is_ours(fd, path))
                return real(fd, bytes, len, at);
        if (fails(FAULT_WRITE)) {
                int error = errno;
                (void)!real(fd, bytes, len / 2 / 512 * 512, at); /* torn, but not within a sector */
                errno = error;
                return -1;
        }
        if (is_too_much(fd, path, at + (off_t)len))
                return -1;
        note_undo(fd, at, len);
        return real(fd, bytes, len, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
        return pwrite64(fd, bytes, len, at);
}

static int sync_with(int fd, sync_fn *real)
{
        char path[512];

        if (!is_ours(fd, path))
                return real(fd);
        if (fault_disk->sync_ms > 0)
                nanosleep(&(struct timespec){.tv_sec = fault_disk->sync_ms / 1000,
                              .tv_nsec = fault_disk->sync_ms % 1000 * 1000000L},
                    NULL);
        if (fails(FAULT_SYNC)) {
                int error = errno;
                end_undo(fd, true);
                errno = error;
                return -1;
        }
        end_undo(fd, false);
        return real(fd);
}

int fsync(int fd)
{
        REAL("fsync", sync_fn *);
        return sync_with(fd, real);
}

int fdatasync(int fd)
{
        REAL("fdatasync", sync_fn *);
        return sync_with(fd, real);
}

int ftruncate64(int fd, off_t size)
{
        REAL("ftruncate64", truncate_fn *);
        char path[512];

        if (is_ours(fd, path) && (fails(FAULT_TRUNCATE) || is_too_much(fd, path, size)))
                return -1;
        return real(fd, size);
}

int ftruncate(int fd, off_t size)
{
        return ftruncate64(fd, size);
}

int posix_fallocate64(int fd, off_t at, off_t len)
{
        REAL("posix_fallocate64", allocate_fn *);
        char path[512];

        if (is_ours(fd, path)) {
                if (fails(FAULT_ALLOCATE))
                        return errno;
                if (fault_disk->is_full)
                        return ENOSPC;
        }
        return real(fd, at, len);
}

int posix_fallocate(int fd, off_t at, off_t len)
{
        return posix_fallocate64(fd, at, len);
}

int statvfs(const char *path, struct statvfs *out)
{
        REAL("statvfs", statvfs_fn *);
        int rc = real(path, out);

        if (fault_disk->is_full && fault_disk->match[0] != '\0' && strstr(path, fault_disk->match) != NULL)
                out->f_bavail = 0;
        return rc;
}

int open64(const char *path, int flags, ...)
{
        REAL("open64", open_fn *);
        mode_t mode = 0;

        if ((flags & O_CREAT) != 0) {
                va_list args;
                va_start(args, flags);
                mode = va_arg(args, mode_t);
                va_end(args);
        }
        if (fault_disk->match[0] != '\0' && (flags & (O_WRONLY | O_RDWR)) != 0 &&
            strstr(path, fault_disk->match) != NULL && fails(FAULT_OPEN))
                return -1;
        return real(path, flags, mode);
}
