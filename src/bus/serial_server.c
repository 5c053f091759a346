#include "ald/bus/serial_server.h"

#include "ald/base/text.h" /* text_copy */
#include "ald/base/time.h" /* TIME_MS, time_min */
#include "ald/bus/bus.h"   /* bus_now_us */
#include "ald/bus/frame.h" /* frame_crc, frame_seal_rtu */
#include "ald/bus/reply.h" /* reply_make */

#include <assert.h>      /* assert */
#include <errno.h>       /* errno */
#include <modbus.h>      /* function codes */
#include <poll.h>        /* ppoll */
#include <pthread.h>     /* pthread_create */
#include <signal.h>      /* sigfillset */
#include <stdatomic.h>   /* _Atomic */
#include <stdio.h>       /* snprintf */
#include <stdlib.h>      /* posix_openpt, calloc */
#include <string.h>      /* memmove, strerror */
#include <sys/eventfd.h> /* eventfd */
#include <sys/stat.h>    /* lstat */
#include <fcntl.h>       /* O_NOCTTY */
#include <unistd.h>      /* read, symlink */

enum { REPLIES_MAX = 16, LINE_FRAME_MAX = 256 };

/* Bytes that are no frame after so long never become one. */
#define GAP_US (20 * TIME_MS)
/* How often a terminal that nobody has open is looked at: its other end raises nothing when it is opened. */
#define ABSENT_US (20 * TIME_MS)

struct pending {
        int64_t due_us;
        int len; /* 0 = free */
        uint8_t bytes[LINE_FRAME_MAX];
};

struct line {
        int fd; /* the terminal's inner end */
        unsigned links;
        int64_t char_us;
        char device[64];  /* its outer end */
        char at[256];     /* the symbolic link to it, "" = none */
        int64_t heard_us; /* the last byte */
        bool is_absent;   /* nobody has it open */
        int len;
        uint8_t in[LINE_FRAME_MAX];
        struct pending replies[REPLIES_MAX];
};

struct serial_server {
        const struct tool *tool; /* borrowed */
        struct server_tool behind;
        int line_count;
        struct line lines[TOOL_LINKS_MAX];
        int stop_fd; /* eventfd */
        _Atomic bool is_stopping;
        bool is_running;
        pthread_t thread;
};

/* ---- Requests ---- */

/* The length of the request that begins with these bytes: 0 while it cannot be told, -1 when it is of no known function. */
static int request_length(const uint8_t *in, int len)
{
        if (len < 2)
                return 0;
        switch (in[1]) {
        case MODBUS_FC_READ_COILS:
        case MODBUS_FC_READ_DISCRETE_INPUTS:
        case MODBUS_FC_READ_HOLDING_REGISTERS:
        case MODBUS_FC_READ_INPUT_REGISTERS:
        case MODBUS_FC_WRITE_SINGLE_COIL:
        case MODBUS_FC_WRITE_SINGLE_REGISTER:
                return 8;
        case MODBUS_FC_WRITE_MULTIPLE_COILS:
        case MODBUS_FC_WRITE_MULTIPLE_REGISTERS:
                return len < 7 ? 0 : 9 + in[6];
        default:
                return -1;
        }
}

static bool is_sealed(const uint8_t *frame, int len)
{
        return len >= 4 && len <= LINE_FRAME_MAX &&
               frame_crc(frame, len - 2) == (frame[len - 2] | frame[len - 1] << 8);
}

static struct pending *find_free(struct line *l)
{
        for (int i = 0; i < REPLIES_MAX; i++)
                if (l->replies[i].len == 0)
                        return &l->replies[i];
        return NULL;
}

/* The reply to a whole frame, without the checksum, as on TCP but for its header. */
static int answer(const struct serial_server *s, int device, const uint8_t *frame, int len, uint8_t *out)
{
        enum { BEFORE_UNIT = REPLY_HEADER - 1 };
        uint8_t asked[REPLY_FRAME_MAX] = {0}, reply[REPLY_FRAME_MAX];
        asked[4] = (uint8_t)((len - 2) >> 8);
        asked[5] = (uint8_t)(len - 2);
        memcpy(asked + BEFORE_UNIT, frame, (size_t)len - 2);
        int n = reply_make(s->tool, &s->behind, device, asked, BEFORE_UNIT + len - 2, reply) - BEFORE_UNIT;
        assert(n > 0 && n <= LINE_FRAME_MAX - 2);
        memcpy(out, reply + BEFORE_UNIT, (size_t)n);
        return n;
}

static bool is_write(const uint8_t *frame)
{
        uint8_t asked[REPLY_FRAME_MAX] = {0};
        asked[REPLY_HEADER] = frame[1];
        return reply_is_write(asked);
}

static void serve(struct serial_server *s, struct line *l, int len)
{
        uint8_t reply[LINE_FRAME_MAX];
        int device = reply_find_device(s->tool, l->links, l->in[0]);
        if (l->in[0] == 0 || device == TOOL_NONE)
                return; /* nobody answers to all, or for a unit that is not there */
        int n = frame_seal_rtu(reply, answer(s, device, l->in, len, reply));
        int64_t delay =
            s->behind.reply_delay ? s->behind.reply_delay(s->behind.ctx, device, is_write(l->in)) : 0;
        struct pending *p = find_free(l);
        if (delay < 0 || !p)
                return;
        p->len = n;
        p->due_us = bus_now_us() + delay + (len + n) * l->char_us;
        memcpy(p->bytes, reply, (size_t)n);
}

static void serve_input(struct serial_server *s, struct line *l)
{
        while (l->len > 0) {
                int len = request_length(l->in, l->len);
                bool is_over = bus_now_us() - l->heard_us >= GAP_US;
                if (len <= 0 && is_over)
                        len = l->len; /* what stands alone may be a frame of a function of its own */
                if (len > LINE_FRAME_MAX || (len > l->len && is_over)) {
                        l->len = 0;
                        return;
                }
                if (len <= 0 || len > l->len)
                        return;
                if (!is_sealed(l->in, len)) {
                        l->len = 0; /* there is no telling where the next frame begins, but by silence */
                        return;
                }
                serve(s, l, len);
                l->len -= len;
                memmove(l->in, l->in + len, (size_t)l->len);
        }
}

static void read_line(struct serial_server *s, struct line *l)
{
        ssize_t n = read(l->fd, l->in + l->len, sizeof l->in - (size_t)l->len);
        if (n > 0) {
                l->len += (int)n;
                l->heard_us = bus_now_us();
                serve_input(s, l);
                if (l->len == (int)sizeof l->in)
                        l->len = 0;
        } else if (n < 0 && errno == EIO) {
                l->is_absent = true;
                l->len = 0;
                for (int i = 0; i < REPLIES_MAX; i++)
                        l->replies[i].len = 0;
        }
}

static void send_replies(struct line *l)
{
        for (int i = 0; i < REPLIES_MAX; i++) {
                struct pending *p = &l->replies[i];
                if (p->len == 0 || p->due_us > bus_now_us())
                        continue;
                ssize_t n = write(l->fd, p->bytes, (size_t)p->len);
                (void)n; /* who does not read what was sent loses it, as on a wire */
                p->len = 0;
        }
}

/* ---- The thread ---- */

static int64_t next_us(const struct line *l)
{
        int64_t next = l->is_absent ? bus_now_us() + ABSENT_US : TIME_NEVER;
        if (l->len > 0)
                next = time_min(next, l->heard_us + GAP_US);
        for (int i = 0; i < REPLIES_MAX; i++)
                if (l->replies[i].len > 0)
                        next = time_min(next, l->replies[i].due_us);
        return next;
}

static void wait_lines(struct serial_server *s, struct pollfd *p)
{
        int64_t next = bus_now_us() + TIME_S;
        p[0] = (struct pollfd){.fd = s->stop_fd, .events = POLLIN};
        for (int i = 0; i < s->line_count; i++) {
                p[1 + i] =
                    (struct pollfd){.fd = s->lines[i].is_absent ? -1 : s->lines[i].fd, .events = POLLIN};
                next = time_min(next, next_us(&s->lines[i]));
        }
        int64_t left = next - bus_now_us();
        if (left < 0)
                left = 0;
        struct timespec ts = {.tv_sec = left / TIME_S, .tv_nsec = left % TIME_S * 1000};
        if (ppoll(p, (nfds_t)(1 + s->line_count), &ts, NULL) < 0)
                memset(p, 0, sizeof *p * (size_t)(1 + s->line_count));
}

/* Does anybody have it open again? */
static bool is_back(const struct line *l)
{
        struct pollfd p = {.fd = l->fd, .events = POLLIN};
        return poll(&p, 1, 0) >= 0 && (p.revents & POLLHUP) == 0;
}

static void *run(void *arg)
{
        struct serial_server *s = arg;
        struct pollfd p[1 + TOOL_LINKS_MAX];
        while (!atomic_load_explicit(&s->is_stopping, memory_order_acquire)) {
                wait_lines(s, p);
                for (int i = 0; i < s->line_count; i++) {
                        struct line *l = &s->lines[i];
                        if (l->is_absent)
                                l->is_absent = !is_back(l);
                        else if (p[1 + i].revents)
                                read_line(s, l);
                        else
                                serve_input(s, l); /* silence may have ended a frame */
                        send_replies(l);
                }
        }
        return NULL;
}

/* ---- Beginning and end ---- */

static bool open_terminal(struct line *l)
{
        l->fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        return l->fd >= 0 && grantpt(l->fd) == 0 && unlockpt(l->fd) == 0 &&
               ptsname_r(l->fd, l->device, sizeof l->device) == 0;
}

/* Where a symbolic link leads, "" when there is none. */
static void follow(const char *path, char *to, size_t cap)
{
        ssize_t n = readlink(path, to, cap - 1);
        to[n > 0 ? n : 0] = '\0';
}

/* Offer the terminal under a name of its own. A name that leads to a terminal was left by one before. */
static bool name_terminal(struct line *l, const char *at, char *why, int why_cap)
{
        struct stat st;
        char to[256];
        follow(at, to, sizeof to);
        bool is_there = lstat(at, &st) == 0;
        if (is_there && strncmp(to, "/dev/pts/", 9) != 0) {
                snprintf(why, (size_t)why_cap,
                    "%s: exists and is no symbolic link to a terminal; give another path or remove it", at);
                return false;
        }
        if ((is_there && unlink(at) != 0) || symlink(l->device, at) != 0 ||
            !text_copy(l->at, sizeof l->at, at)) {
                snprintf(why, (size_t)why_cap, "%s: %s", at, strerror(errno));
                return false;
        }
        return true;
}

static struct line *find_line(struct serial_server *s, const char *path)
{
        for (int i = 0; i < s->line_count; i++)
                for (int k = 0; k < s->tool->link_count; k++)
                        if (s->lines[i].links & 1u << k && strcmp(s->tool->links[k].path, path) == 0)
                                return &s->lines[i];
        return NULL;
}

static bool add_link(struct serial_server *s, int link, const char *at, char *why, int why_cap)
{
        const struct tool_link *t = &s->tool->links[link];
        struct line *l = find_line(s, t->path);
        if (!l) {
                l = &s->lines[s->line_count++];
                l->char_us = (11 * TIME_S + t->baud - 1) / t->baud;
                if (!open_terminal(l)) {
                        snprintf(why, (size_t)why_cap, "no pseudo-terminal: %s", strerror(errno));
                        return false;
                }
        }
        l->links |= 1u << link;
        return !at || l->at[0] || name_terminal(l, at, why, why_cap);
}

static bool start_thread(struct serial_server *s)
{
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        s->is_running = pthread_create(&s->thread, NULL, run, s) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return s->is_running;
}

struct serial_server *serial_server_start(const struct tool *tool, const struct server_tool *behind,
    const char *const at[TOOL_LINKS_MAX], char *why, int why_cap)
{
        assert(tool && behind && behind->read && behind->write && why && why_cap > 0);
        struct serial_server *s = calloc(1, sizeof *s);
        bool ok = s != NULL;
        snprintf(why, (size_t)why_cap, "out of memory, descriptors or threads");
        if (!s)
                return NULL;
        s->tool = tool;
        s->behind = *behind;
        s->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        for (int i = 0; i < TOOL_LINKS_MAX; i++)
                s->lines[i].fd = -1;
        for (int i = 0; ok && i < tool->link_count; i++)
                if (tool->links[i].kind == TOOL_LINK_RTU)
                        ok = add_link(s, i, at ? at[i] : NULL, why, why_cap);
        if (ok && s->stop_fd >= 0 && start_thread(s))
                return s;
        serial_server_stop(s);
        return NULL;
}

static void close_line(struct line *l)
{
        char to[256];
        follow(l->at, to, sizeof to);
        if (l->at[0] && strcmp(to, l->device) == 0)
                unlink(l->at);
        if (l->fd >= 0)
                close(l->fd);
}

void serial_server_stop(struct serial_server *s)
{
        uint64_t one = 1;
        if (!s)
                return;
        atomic_store_explicit(&s->is_stopping, true, memory_order_release);
        ssize_t n = write(s->stop_fd, &one, sizeof one);
        (void)n;
        if (s->is_running)
                pthread_join(s->thread, NULL);
        for (int i = 0; i < s->line_count; i++)
                close_line(&s->lines[i]);
        if (s->stop_fd >= 0)
                close(s->stop_fd);
        free(s);
}

const char *serial_server_path(const struct serial_server *s, int link)
{
        for (int i = 0; i < s->line_count; i++)
                if (s->lines[i].links & 1u << link)
                        return s->lines[i].at[0] ? s->lines[i].at : s->lines[i].device;
        return NULL;
}
