#include "ald/app/aldctl_files.h"

#include "ald/app/aldctl_show.h" /* show_error */

#include <errno.h>    /* errno */
#include <fcntl.h>    /* open */
#include <libgen.h>   /* dirname */
#include <signal.h>   /* sigaction */
#include <stdlib.h>   /* mkstemp */
#include <string.h>   /* strerror, strrchr */
#include <sys/stat.h> /* fchmod, umask */
#include <unistd.h>   /* fsync, unlink */

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int signal)
{
        (void)signal;
        is_interrupted = 1;
}

void files_catch_interrupts(void)
{
        struct sigaction action = {.sa_handler = on_interrupt};

        (void)sigaction(SIGINT, &action, NULL);
        (void)sigaction(SIGTERM, &action, NULL);
        (void)sigaction(SIGHUP, &action, NULL);
}

bool files_interrupted(void)
{
        return is_interrupted != 0;
}

bool files_join(char *to, size_t cap, const char *folder, const char *name)
{
        int n = snprintf(to, cap, "%s/%s", folder, name);

        if (n >= 0 && (size_t)n < cap)
                return true;
        show_error("%s/%s: the path is too long", folder, name);
        return false;
}

static bool fail(struct files_new *f)
{
        show_error("%s: %s", f->path, strerror(errno));
        return false;
}

bool files_begin(struct files_new *f, const char *path)
{
        const char *slash = strrchr(path, '/');
        int folder = slash == NULL ? 0 : (int)(slash + 1 - path), fd;

        f->to = NULL;
        if (snprintf(f->path, sizeof f->path, "%s", path) >= (int)sizeof f->path) {
                errno = ENAMETOOLONG;
                return fail(f);
        }
        (void)snprintf(f->temporary, sizeof f->temporary, "%.*s.%.40s.XXXXXX", folder, path, path + folder);
        fd = mkstemp(f->temporary);
        if (fd < 0)
                return fail(f);
        f->to = fdopen(fd, "w");
        if (f->to != NULL)
                return true;
        (void)close(fd);
        (void)unlink(f->temporary);
        return fail(f);
}

static bool sync_folder(const struct files_new *f)
{
        char folder[sizeof f->path];
        int fd;

        (void)snprintf(folder, sizeof folder, "%s", f->path);
        fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return true; /* a folder that may be written and not read */
        bool ok = fsync(fd) == 0 || errno == EINVAL;
        (void)close(fd);
        return ok;
}

bool files_end(struct files_new *f, bool is_good)
{
        mode_t mask = umask(0);
        bool ok = is_good;

        (void)umask(mask);
        if (ok)
                ok = (fflush(f->to) == 0 && !ferror(f->to) && fchmod(fileno(f->to), 0666 & ~mask) == 0 &&
                         fsync(fileno(f->to)) == 0) ||
                     fail(f);
        (void)fclose(f->to);
        f->to = NULL;
        if (ok)
                ok = (rename(f->temporary, f->path) == 0 && sync_folder(f)) || fail(f);
        if (!ok)
                (void)unlink(f->temporary);
        return ok;
}
