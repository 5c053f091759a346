#include "notify_hook.h" /* own declarations */

#include "ald/base/text.h" /* text_add, text_clean */
#include "ald/base/time.h" /* TIME_S, time_add */

#include <errno.h>    /* errno */
#include <fcntl.h>    /* O_CLOEXEC, fcntl */
#include <signal.h>   /* kill, sigset_t */
#include <spawn.h>    /* posix_spawn */
#include <stdio.h>    /* snprintf */
#include <stdlib.h>   /* getenv */
#include <string.h>   /* strrchr, memset */
#include <sys/wait.h> /* waitid, waitpid */
#include <time.h>     /* clock_gettime */
#include <unistd.h>   /* pipe2, close, gethostname */

extern char **environ;

/* So much of the output of one call is told, and so much is read. */
enum { TOLD_BYTES = 4096, READ_BYTES = 65536 };
enum { ENV_MAX = 48, ENV_OWN = 6, VALUE_CAP = 96 };

int64_t notify_hook_now_us(void)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * TIME_S + now.tv_nsec / 1000;
}

/* ---- start ---- */

struct environment {
        char own[ENV_OWN][VALUE_CAP];
        char *list[ENV_MAX];
        int count;
};

/* Ours, and what the daemon was given under names that begin with ALD_ (an address, a password). */
static void fill_environment(struct environment *env, const struct tool *tool, const struct notify_note *note)
{
        char(*own)[VALUE_CAP] = env->own;

        (void)snprintf(
            own[0], VALUE_CAP, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        (void)snprintf(own[1], VALUE_CAP, "LANG=C.UTF-8");
        (void)snprintf(own[2], VALUE_CAP, "ALD_EVENT=%s", notify_note_name(note->what));
        (void)snprintf(own[3], VALUE_CAP, "ALD_TOOL=%s", tool->name);
        (void)snprintf(own[4], VALUE_CAP, "ALD_RUN=%lld", (long long)note->run);
        (void)snprintf(
            own[5], VALUE_CAP, "ALD_PRIORITY=%s", tool_priority_name((enum tool_priority)note->priority));
        for (env->count = 0; env->count < ENV_OWN; env->count++)
                env->list[env->count] = own[env->count];
        for (char **e = environ; *e != NULL && env->count + 1 < ENV_MAX; e++) {
                bool is_own = strncmp(*e, "ALD_", 4) != 0;

                for (int i = 0; i < ENV_OWN && !is_own; i++)
                        is_own = strncmp(*e, own[i], (size_t)(strchr(own[i], '=') - own[i]) + 1) == 0;
                if (!is_own)
                        env->list[env->count++] = *e;
        }
        env->list[env->count] = NULL;
}

/* A group of its own, no descriptor but the three, every signal as a program expects it. */
static int spawn(struct notify_hook *hook, const char *program, char *const envp[], int in, int out)
{
        char path[TOOL_TEXT_MAX], *argv[] = {path, NULL};
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        sigset_t all, none;
        int failed = posix_spawn_file_actions_init(&files);

        if (failed != 0)
                return failed;
        (void)text_copy(path, sizeof path, program);
        (void)sigfillset(&all);
        (void)sigemptyset(&none);
        (void)posix_spawnattr_init(&attributes);
        (void)posix_spawnattr_setsigdefault(&attributes, &all);
        (void)posix_spawnattr_setsigmask(&attributes, &none);
        (void)posix_spawnattr_setpgroup(&attributes, 0);
        (void)posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
        failed = posix_spawn_file_actions_adddup2(&files, in, 0);
        for (int fd = 1; fd <= 2 && failed == 0; fd++)
                failed = posix_spawn_file_actions_adddup2(&files, out, fd);
        if (failed == 0)
                failed = posix_spawn_file_actions_addclosefrom_np(&files, 3);
        if (failed == 0)
                failed = posix_spawn_file_actions_addchdir_np(&files, "/");
        if (failed == 0)
                failed = posix_spawn(&hook->pid, program, &files, &attributes, argv, envp);
        (void)posix_spawnattr_destroy(&attributes);
        (void)posix_spawn_file_actions_destroy(&files);
        return failed;
}

/* The whole line fits into the pipe before anybody reads it. */
static int fill_input(int fd, const struct tool *tool, const struct notify_note *note)
{
        char host[256] = "", line[NOTIFY_LINE_CAP];
        size_t len;

        (void)gethostname(host, sizeof host - 1);
        len = notify_note_line(note, tool, host, line);
        return write(fd, line, len) == (ssize_t)len ? 0 : EIO;
}

static void begin(struct notify_hook *hook, const struct tool_hook *from, const struct notify_note *note)
{
        const char *name = strrchr(from->run, '/');

        memset(hook, 0, sizeof *hook);
        hook->out = -1;
        hook->note = *note;
        hook->name = name != NULL ? name + 1 : from->run;
        hook->since_us = notify_hook_now_us();
        hook->until_us = time_add(hook->since_us, from->timeout_us);
}

int notify_hook_start(
    struct notify_hook *hook, const struct tool *tool, int i, const struct notify_note *note)
{
        int in[2] = {-1, -1}, out[2] = {-1, -1}, failed;
        struct environment env = {.count = 0};

        begin(hook, &tool->hooks[i], note);
        fill_environment(&env, tool, note);
        failed = pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 ? 0 : errno;
        if (failed == 0)
                failed = fill_input(in[1], tool, note);
        if (failed == 0)
                failed = spawn(hook, tool->hooks[i].run, env.list, in[0], out[1]);
        for (int end = 0; end < 2; end++) {
                if (in[end] >= 0)
                        (void)close(in[end]);
                if (out[end] >= 0 && (end == 1 || failed != 0))
                        (void)close(out[end]);
        }
        if (failed != 0) {
                hook->pid = 0;
                return failed;
        }
        hook->out = out[0];
        (void)fcntl(hook->out, F_SETFL, O_NONBLOCK);
        return 0;
}

/* ---- output ---- */

static void tell_line(struct notify_hook *hook)
{
        char line[256];
        struct text t;

        if (hook->line_len == 0)
                return;
        hook->line[hook->line_len] = '\0';
        text_clean(hook->line);
        (void)text_copy(hook->said, sizeof hook->said, hook->line);
        hook->line_len = 0;
        if (hook->read > TOLD_BYTES)
                return;
        text_init(&t, line, sizeof line);
        text_add(&t, "%saldd: hook %.48s: %s\n", getenv("JOURNAL_STREAM") != NULL ? "<6>" : "", hook->name,
            hook->said);
        (void)!write(STDERR_FILENO, line, t.len);
}

static void close_output(struct notify_hook *hook)
{
        if (hook->out >= 0)
                (void)close(hook->out);
        hook->out = -1;
}

int notify_hook_output(const struct notify_hook *hook)
{
        return hook->read < READ_BYTES ? hook->out : -1;
}

void notify_hook_read(struct notify_hook *hook)
{
        char buf[4096];
        ssize_t n = hook->out >= 0 ? read(hook->out, buf, sizeof buf) : 0;

        if (n == 0)
                close_output(hook);
        for (ssize_t i = 0; i < n; i++) {
                hook->read++;
                if (buf[i] != '\n' && hook->line_len + 1 < sizeof hook->line)
                        hook->line[hook->line_len++] = buf[i] == '\t' ? ' ' : buf[i];
                else if (buf[i] == '\n')
                        tell_line(hook);
        }
}

/* ---- end ---- */

void notify_hook_kill(const struct notify_hook *hook)
{
        if (hook->pid > 0)
                (void)kill(-hook->pid, SIGKILL);
}

/* The group has its number for as long as the dead program is not waited for. */
bool notify_hook_reap(struct notify_hook *hook, int *status)
{
        siginfo_t info = {0};

        if (waitid(P_PID, (id_t)hook->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
                return false;
        notify_hook_kill(hook);
        while (waitpid(hook->pid, status, 0) < 0 && errno == EINTR)
                continue;
        hook->pid = 0;
        for (size_t before = SIZE_MAX; notify_hook_output(hook) >= 0 && before != hook->read;) {
                before = hook->read;
                notify_hook_read(hook);
        }
        tell_line(hook);
        close_output(hook);
        return true;
}
