#include "ald/app/notify.h"

#include "ald/app/notify_note.h" /* notify_note_of_record */
#include "ald/base/diag.h"       /* diag_error */
#include "ald/base/text.h"       /* text_add */
#include "ald/base/time.h"       /* time_add_duration, TIME_S */
#include "notify_helper.h"       /* notify_helper_main */

#include <errno.h>      /* errno */
#include <limits.h>     /* INT_MAX */
#include <poll.h>       /* poll */
#include <signal.h>     /* kill */
#include <stdio.h>      /* fprintf */
#include <stdlib.h>     /* calloc, free */
#include <string.h>     /* strerror */
#include <sys/socket.h> /* socketpair, send, recv */
#include <sys/stat.h>   /* stat */
#include <sys/wait.h>   /* waitpid */
#include <time.h>       /* clock_gettime */
#include <unistd.h>     /* fork, access */

struct notify {
        const struct tool *tool;
        struct notify_owner owner;
        int fd; /* -1: the helper is gone */
        pid_t pid;
        int left_out;        /* notes that the helper did not take, since it took one */
        int results, failed; /* hooks that ended; that did not do well */
};

/* ---- the tool file's programs ---- */

void notify_check(const struct tool *tool, struct diag *d)
{
        for (int i = 0; i < tool->hook_count; i++) {
                const struct tool_hook *h = &tool->hooks[i];
                const struct diag_at at = {.line = h->line, .column = h->column};
                struct stat st;

                if (stat(h->run, &st) != 0)
                        diag_warning(d, at, "run: '%s': %s: nobody will be told", h->run, strerror(errno));
                else if (!S_ISREG(st.st_mode) || access(h->run, X_OK) != 0)
                        diag_warning(d, at,
                            "run: '%s' is no program that may be run here: nobody will be told", h->run);
                else if ((st.st_mode & S_IWOTH) != 0)
                        diag_error(d, at, "run: everybody may write '%s'; chmod o-w it", h->run);
        }
}

/* ---- what is told of hooks ---- */

static void say(struct notify *n, enum record_severity severity, const char *text)
{
        if (n->owner.tell != NULL)
                n->owner.tell(n->owner.ctx, severity, text);
}

static void add_how(struct text *t, const struct notify *n, const struct notify_result *r)
{
        text_add(t, " ");
        switch ((enum notify_how)r->how) {
        case NOTIFY_EXITED:
                text_add(t, r->status == 0 ? "done after " : "ended with status %d after ", r->status);
                time_add_duration(t, r->took_us);
                break;
        case NOTIFY_SIGNALLED:
                text_add(t, "ended by signal %d after ", r->status);
                time_add_duration(t, r->took_us);
                break;
        case NOTIFY_LATE:
                text_add(t, "killed: not done after ");
                time_add_duration(t, n->tool->hooks[r->hook].timeout_us);
                break;
        case NOTIFY_CUT:
                text_add(t, "killed: the daemon's end does not wait longer than %d s", NOTIFY_DRAIN_S);
                break;
        case NOTIFY_NOT_RUN:
                text_add(t, "not run: %s", strerror(r->status));
                break;
        case NOTIFY_RESTARTED:
                break;
        }
}

static void tell_result(struct notify *n, const struct notify_result *r)
{
        bool is_well = r->how == NOTIFY_EXITED && r->status == 0;
        char buf[256];
        struct text t;

        text_init(&t, buf, sizeof buf);
        if (r->how == NOTIFY_RESTARTED) {
                say(n, RECORD_WARNING, "the helper was killed and started again; what waited in it is lost");
                return;
        }
        n->results++;
        n->failed += !is_well;
        text_add(&t, "%.100s (%s", n->tool->hooks[r->hook].run, notify_note_name(r->what));
        if (r->run != 0)
                text_add(&t, ", run %lld", (long long)r->run);
        text_add(&t, ")");
        add_how(&t, n, r);
        if (r->more > 0)
                text_add(&t, ", %d more left out", r->more);
        if (!is_well && r->said[0] != '\0')
                text_add(&t, ": %s", r->said);
        say(n, is_well ? RECORD_INFO : RECORD_WARNING, buf);
}

/* ---- life ---- */

struct notify *notify_start(const struct tool *tool)
{
        struct notify *n;
        int fd[2];

        if (tool->hook_count == 0)
                return NULL;
        n = calloc(1, sizeof *n);
        if (n == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) != 0) {
                fprintf(stderr, "aldd: nobody will be notified: %s\n", strerror(errno));
                free(n);
                return NULL;
        }
        *n = (struct notify){.tool = tool, .fd = fd[0]};
        n->pid = fork();
        if (n->pid == 0) {
                (void)close(fd[0]);
                notify_helper_main(tool, fd[1]);
        }
        (void)close(fd[1]);
        if (n->pid > 0)
                return n;
        fprintf(stderr, "aldd: nobody will be notified: %s\n", strerror(errno));
        (void)close(fd[0]);
        free(n);
        return NULL;
}

void notify_attach(struct notify *n, const struct notify_owner *owner)
{
        if (n != NULL)
                n->owner = *owner;
}

int notify_fd(const struct notify *n)
{
        return n != NULL ? n->fd : -1;
}

static void lose(struct notify *n)
{
        (void)close(n->fd);
        n->fd = -1;
}

bool notify_read(struct notify *n)
{
        struct notify_result r;
        ssize_t got;

        if (n->fd < 0)
                return false;
        while ((got = recv(n->fd, &r, sizeof r, MSG_DONTWAIT)) == (ssize_t)sizeof r)
                tell_result(n, &r);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
                return true;
        lose(n);
        return false;
}

/* ---- events ---- */

static void post(struct notify *n, struct notify_note *note)
{
        note->more = n->left_out;
        if (n->fd >= 0 &&
            send(n->fd, note, sizeof *note, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof *note) {
                n->left_out = 0;
                return;
        }
        /* Said once. */
        if (n->left_out++ == 0 && n->fd >= 0)
                say(n, RECORD_WARNING, "the helper does not take notifications: they are counted, not told");
}

void notify_look(struct notify *n, const struct core *core, const struct record *r)
{
        struct notify_note note;

        if (n != NULL && n->fd >= 0 && notify_note_of_record(&note, n->tool, core, r))
                post(n, &note);
}

static bool make_own(
    struct notify *n, struct notify_note *note, const struct core *core, unsigned what, const char *text)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_REALTIME, &now);
        return notify_note_of_daemon(
            note, n->tool, core, what, text, (int64_t)now.tv_sec * TIME_S + now.tv_nsec / 1000);
}

void notify_ready(struct notify *n, const struct core *core, int64_t interrupted_run)
{
        char text[96] = "the daemon is ready";
        struct notify_note note;

        if (interrupted_run != 0)
                (void)snprintf(text, sizeof text, "the daemon is ready; run %lld was interrupted by its end",
                    (long long)interrupted_run);
        if (n == NULL || !make_own(n, &note, core, TOOL_NOTIFY_DAEMON, text))
                return;
        if (interrupted_run != 0) {
                note.run = interrupted_run;
                note.priority = TOOL_PRIORITY_HIGH;
        }
        post(n, &note);
}

void notify_ending(struct notify *n, const struct core *core)
{
        struct notify_note note;

        if (n != NULL && make_own(n, &note, core, TOOL_NOTIFY_DAEMON, "the daemon ends in order"))
                post(n, &note);
}

/* ---- end ---- */

static int64_t now_us(void)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * TIME_S + now.tv_nsec / 1000;
}

/* Hear what the helper says until it has told of so many ends, or is gone. */
static void hear(struct notify *n, int results_max, int64_t for_us)
{
        int64_t until_us = now_us() + for_us;

        while (notify_read(n) && n->results < results_max) {
                struct pollfd p = {.fd = n->fd, .events = POLLIN};
                int64_t left_us = until_us - now_us();

                if (left_us <= 0 || (poll(&p, 1, (int)(left_us / 1000) + 1) < 0 && errno != EINTR))
                        return;
        }
}

/* How many hooks did not do well. A helper that does not end is killed. */
static int finish(struct notify *n)
{
        struct notify_note end = {.what = NOTIFY_END};
        struct pollfd p = {.fd = n->fd, .events = POLLOUT};
        int failed;

        if (n->fd >= 0 && poll(&p, 1, 1000) == 1 &&
            send(n->fd, &end, sizeof end, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof end)
                hear(n, INT_MAX, (NOTIFY_DRAIN_S + 2) * TIME_S);
        if (n->fd >= 0) {
                (void)kill(-n->pid, SIGKILL);
                lose(n);
        }
        while (waitpid(n->pid, NULL, 0) < 0 && errno == EINTR)
                continue;
        failed = n->failed;
        free(n);
        return failed;
}

void notify_finish(struct notify *n)
{
        if (n != NULL)
                (void)finish(n);
}

/* ---- the test ---- */

static void print_result(void *ctx, enum record_severity severity, const char *text)
{
        (void)ctx;
        (void)printf("%s%s\n", severity == RECORD_INFO ? "" : "warning: ", text);
}

bool notify_test(const struct tool *tool)
{
        const struct notify_owner owner = {.tell = print_result};
        struct notify *n = notify_start(tool);
        struct notify_note note;
        int64_t longest_us = 0;

        if (n == NULL) {
                fprintf(stderr, "aldd: the tool file names no hook: `notify` does (ald-tool(5))\n");
                return false;
        }
        notify_attach(n, &owner);
        if (make_own(n, &note, NULL, NOTIFY_TEST, "a test of the notifications: nothing happened"))
                post(n, &note);
        for (int i = 0; i < tool->hook_count; i++)
                longest_us = tool->hooks[i].timeout_us > longest_us ? tool->hooks[i].timeout_us : longest_us;
        hear(n, tool->hook_count, longest_us + 2 * TIME_S);
        return finish(n) == 0;
}
