#include "text_diff.h" /* own declarations */

#include "ald/base/text.h" /* text_add */

#include <errno.h>    /* errno */
#include <signal.h>   /* sigset_t */
#include <spawn.h>    /* posix_spawnp */
#include <stdio.h>    /* snprintf */
#include <stdlib.h>   /* malloc */
#include <string.h>   /* strlen */
#include <sys/mman.h> /* memfd_create */
#include <sys/stat.h> /* fstat */
#include <sys/wait.h> /* waitpid */
#include <unistd.h>   /* write */

extern char **environ;

/* Files without a name hold both texts and what is told: nothing to clean up, and no pipe that could fill. */
enum { THEN, NOW, TOLD, FILES };

static bool fill(int fd, const char *text)
{
        size_t len = strlen(text);

        while (len > 0) {
                ssize_t n = write(fd, text, len);
                if (n < 0 && errno != EINTR)
                        return false;
                text += n > 0 ? n : 0;
                len -= n > 0 ? (size_t)n : 0;
        }
        return true;
}

static char *take(int fd)
{
        struct stat st;
        char *text = fstat(fd, &st) == 0 ? malloc((size_t)st.st_size + 1) : NULL;

        if (text == NULL || pread(fd, text, (size_t)st.st_size, 0) != st.st_size) {
                free(text);
                return NULL;
        }
        text[st.st_size] = '\0';
        return text;
}

/* 0 or an error number. */
static int spawn(pid_t *pid, const int fd[FILES], const char *then_label, const char *now_label)
{
        char program[] = "diff", unified[] = "-u", label[] = "--label", then[32], now[32];
        char *argv[] = {
            program, unified, label, strdup(then_label), label, strdup(now_label), then, now, NULL};
        posix_spawn_file_actions_t files;
        int failed = posix_spawn_file_actions_init(&files);

        (void)snprintf(then, sizeof then, "/dev/fd/%d", fd[THEN]);
        (void)snprintf(now, sizeof now, "/dev/fd/%d", fd[NOW]);
        if (failed == 0) {
                (void)posix_spawn_file_actions_adddup2(&files, fd[TOLD], STDOUT_FILENO);
                failed = posix_spawnp(pid, argv[0], &files, NULL, argv, environ);
                (void)posix_spawn_file_actions_destroy(&files);
        }
        free(argv[3]);
        free(argv[5]);
        return failed;
}

/* diff ends with 0 or 1: there is none, there is one. */
static bool run(const int fd[FILES], const char *then_label, const char *now_label, struct text *why)
{
        pid_t pid;
        int status = 0, failed = spawn(&pid, fd, then_label, now_label);

        if (failed == ENOENT)
                text_add(why, "diff is not installed here: the Debian package diffutils has it");
        else if (failed != 0)
                text_add(why, "diff: %s", strerror(failed));
        if (failed != 0)
                return false;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                continue;
        if (WIFEXITED(status) && WEXITSTATUS(status) <= 1)
                return true;
        text_add(why, "diff failed");
        return false;
}

char *text_diff_make(
    const char *then, const char *then_label, const char *now, const char *now_label, struct text *why)
{
        int fd[FILES];
        bool ok = true;
        char *told = NULL;

        for (int i = 0; i < FILES; i++) {
                fd[i] = memfd_create("ald", 0);
                ok = ok && fd[i] >= 0;
        }
        ok = ok && fill(fd[THEN], then) && fill(fd[NOW], now);
        if (!ok)
                text_add(why, "no memory for the texts: %s", strerror(errno));
        if (ok && run(fd, then_label, now_label, why))
                told = take(fd[TOLD]);
        for (int i = 0; i < FILES; i++)
                if (fd[i] >= 0)
                        (void)close(fd[i]);
        return told;
}
