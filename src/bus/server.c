/* Why libmodbus serves no sockets here, only its codes and limits: modbus_receive() blocks until a frame is whole, so
 * that half a frame from one client would hold up all others; modbus_reply() writes straight into tables (no
 * undeclared registers, no refusals), sends on a blocking socket, sleeps for the response timeout before some
 * exceptions, and cannot delay a reply. Frames are put together here without blocking; the tests hold other people's
 * clients against it. */
#include "ald/bus/server.h"

#include "ald/base/time.h"    /* TIME_NEVER, time_min */
#include "ald/bus/bus.h"      /* bus_now_us */
#include "ald/bus/endpoint.h" /* struct endpoint */
#include "ald/bus/reply.h"    /* reply_make */

#include <assert.h>      /* assert */
#include <errno.h>       /* errno */
#include <netinet/in.h>  /* IPPROTO_TCP */
#include <netinet/tcp.h> /* TCP_NODELAY */
#include <poll.h>        /* ppoll */
#include <pthread.h>     /* pthread_create */
#include <signal.h>      /* sigfillset */
#include <stdatomic.h>   /* _Atomic */
#include <stdio.h>       /* snprintf */
#include <stdlib.h>      /* calloc, free */
#include <string.h>      /* memmove */
#include <sys/eventfd.h> /* eventfd */
#include <sys/socket.h>  /* accept4, recv, send */
#include <unistd.h>      /* close */

enum { CONNS_MAX = 64, REPLIES_MAX = 16 };

struct pending {
        int64_t due_us;
        int len;
        int sent;
        uint8_t bytes[REPLY_FRAME_MAX];
};

/* One client. Replies leave in the order of the requests, as a device with one task a connection sends them. */
struct conn_in {
        int fd; /* -1 = free */
        int endpoint;
        int len;
        uint8_t in[2 * REPLY_FRAME_MAX];
        int first, count; /* of pending replies */
        struct pending replies[REPLIES_MAX];
};

struct server {
        const struct tool *tool; /* borrowed */
        struct server_tool behind;
        int endpoint_count;
        struct endpoint endpoints[TOOL_LINKS_MAX];
        struct conn_in conns[CONNS_MAX];
        int stop_fd; /* eventfd */
        _Atomic bool is_stopping;
        pthread_t thread;
};

/* ---- Clients ---- */

static void close_conn(struct conn_in *c)
{
        close(c->fd);
        c->fd = -1;
}

static void accept_client(struct server *s, int endpoint)
{
        int one = 1;
        int fd = accept4(s->endpoints[endpoint].fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
                return;
        for (int i = 0; i < CONNS_MAX; i++) {
                struct conn_in *c = &s->conns[i];
                if (c->fd >= 0)
                        continue;
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                c->fd = fd;
                c->endpoint = endpoint;
                c->len = c->first = c->count = 0;
                return;
        }
        close(fd); /* as a module does that has no socket left */
}

static struct pending *last_pending(struct conn_in *c)
{
        return c->count == 0 ? NULL : &c->replies[(c->first + c->count - 1) % REPLIES_MAX];
}

/* Answer one whole frame: its effect is now, its reply when the tool behind says. False: the client was dropped. */
static bool serve_frame(struct server *s, struct conn_in *c, int len)
{
        int device = reply_find_device(s->tool, s->endpoints[c->endpoint].links, c->in[6]);
        int64_t delay = 0;
        assert(c->count < REPLIES_MAX);
        const struct pending *last = last_pending(c);
        struct pending *p = &c->replies[(c->first + c->count) % REPLIES_MAX];
        p->len = reply_make(s->tool, &s->behind, device, c->in, len, p->bytes);
        if (device != TOOL_NONE && s->behind.reply_delay)
                delay = s->behind.reply_delay(s->behind.ctx, device, reply_is_write(c->in));
        if (delay == -2) {
                close_conn(c);
                return false;
        }
        if (delay < 0)
                return true; /* done, but never answered */
        p->sent = 0;
        p->due_us = bus_now_us() + delay;
        if (last && last->due_us > p->due_us)
                p->due_us = last->due_us;
        c->count++;
        return true;
}

static void serve_input(struct server *s, struct conn_in *c)
{
        while (c->count < REPLIES_MAX) {
                int len = reply_frame_length(c->in, c->len);
                if (len < 0) {
                        close_conn(c); /* no Modbus: there is no telling where the next frame begins */
                        return;
                }
                if (len == 0 || len > c->len)
                        return;
                if (!serve_frame(s, c, len))
                        return;
                c->len -= len;
                memmove(c->in, c->in + len, (size_t)c->len);
        }
}

static void read_client(struct server *s, struct conn_in *c)
{
        ssize_t n = recv(c->fd, c->in + c->len, sizeof c->in - (size_t)c->len, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
                close_conn(c);
                return;
        }
        if (n < 0)
                return;
        c->len += (int)n;
        serve_input(s, c);
}

/* Send what is due, as far as the client takes it. */
static void send_replies(struct server *s, struct conn_in *c, int64_t now_us)
{
        while (c->fd >= 0 && c->count > 0) {
                struct pending *p = &c->replies[c->first];
                if (p->due_us > now_us)
                        return;
                ssize_t n = send(c->fd, p->bytes + p->sent, (size_t)(p->len - p->sent), MSG_NOSIGNAL);
                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return;
                if (n < 0) {
                        close_conn(c);
                        return;
                }
                p->sent += (int)n;
                if (p->sent < p->len)
                        return;
                c->first = (c->first + 1) % REPLIES_MAX;
                c->count--;
                serve_input(s, c); /* a full queue had held up what came next */
        }
}

static int64_t next_reply(const struct server *s)
{
        int64_t due = TIME_NEVER;
        for (int i = 0; i < CONNS_MAX; i++)
                if (s->conns[i].fd >= 0 && s->conns[i].count > 0)
                        due = time_min(due, s->conns[i].replies[s->conns[i].first].due_us);
        return due;
}

/* ---- The thread ---- */

enum { POLL_MAX = 1 + TOOL_LINKS_MAX + CONNS_MAX };

/* Descriptors in the order: stop, endpoints, connections (-1 is ignored by poll). */
static void fill_poll(const struct server *s, struct pollfd *p, int64_t now_us)
{
        p[0] = (struct pollfd){.fd = s->stop_fd, .events = POLLIN};
        for (int i = 0; i < TOOL_LINKS_MAX; i++)
                p[1 + i] =
                    (struct pollfd){.fd = i < s->endpoint_count ? s->endpoints[i].fd : -1, .events = POLLIN};
        for (int i = 0; i < CONNS_MAX; i++) {
                const struct conn_in *c = &s->conns[i];
                bool has_room = c->count < REPLIES_MAX && c->len < (int)sizeof c->in;
                bool is_due = c->count > 0 && c->replies[c->first].due_us <= now_us;
                p[1 + TOOL_LINKS_MAX + i] = (struct pollfd){
                    .fd = c->fd, .events = (short)((has_room ? POLLIN : 0) | (is_due ? POLLOUT : 0))};
        }
}

static void wait_poll(const struct server *s, struct pollfd *p, int64_t now_us)
{
        int64_t due = next_reply(s);
        int64_t left = due == TIME_NEVER ? TIME_S : due > now_us ? due - now_us : 0;
        if (left == 0)
                left = TIME_S; /* due, but the client does not take it: POLLOUT will say when it does */
        struct timespec ts = {.tv_sec = left / TIME_S, .tv_nsec = (left % TIME_S) * 1000};
        if (ppoll(p, POLL_MAX, &ts, NULL) < 0)
                for (int i = 0; i < POLL_MAX; i++)
                        p[i].revents = 0;
}

static void *run(void *arg)
{
        struct server *s = arg;
        struct pollfd p[POLL_MAX];
        while (!atomic_load_explicit(&s->is_stopping, memory_order_acquire)) {
                int64_t now = bus_now_us();
                fill_poll(s, p, now);
                wait_poll(s, p, now);
                for (int i = 0; i < CONNS_MAX; i++) {
                        if (s->conns[i].fd >= 0 &&
                            p[1 + TOOL_LINKS_MAX + i].revents & (POLLIN | POLLHUP | POLLERR))
                                read_client(s, &s->conns[i]);
                        if (s->conns[i].fd >= 0)
                                send_replies(s, &s->conns[i], bus_now_us());
                }
                for (int i = 0; i < s->endpoint_count; i++)
                        if (p[1 + i].revents)
                                accept_client(s, i);
        }
        return NULL;
}

static bool start_thread(struct server *s)
{
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        int err = pthread_create(&s->thread, NULL, run, s);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return err == 0;
}

static void free_server(struct server *s)
{
        for (int i = 0; i < CONNS_MAX; i++)
                if (s->conns[i].fd >= 0)
                        close_conn(&s->conns[i]);
        endpoint_close(s->endpoints, s->endpoint_count);
        if (s->stop_fd >= 0)
                close(s->stop_fd);
        free(s);
}

static struct server *new_server(const struct tool *tool, const struct server_tool *behind)
{
        struct server *s = calloc(1, sizeof *s);
        if (!s)
                return NULL;
        s->tool = tool;
        s->behind = *behind;
        for (int i = 0; i < CONNS_MAX; i++)
                s->conns[i].fd = -1;
        s->endpoint_count = endpoint_collect(tool, s->endpoints);
        s->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        return s;
}

struct server *server_start(
    const struct tool *tool, const struct server_tool *behind, const char *listen_at, char *why, int why_cap)
{
        assert(tool && behind && behind->read && behind->write && why && why_cap > 0);
        struct server *s = new_server(tool, behind);
        if (!s) {
                snprintf(why, (size_t)why_cap, "out of memory");
                return NULL;
        }
        if (s->stop_fd < 0 || s->endpoint_count == 0) {
                snprintf(why, (size_t)why_cap, "%s",
                    s->stop_fd < 0 ? "no eventfd (too many open files?)"
                                   : "the tool has no TCP link to serve");
                free_server(s);
                return NULL;
        }
        if ((listen_at &&
                !endpoint_replace(s->endpoints, s->endpoint_count, listen_at, why, (size_t)why_cap)) ||
            !endpoint_listen(s->endpoints, s->endpoint_count, why, (size_t)why_cap)) {
                free_server(s);
                return NULL;
        }
        if (!start_thread(s)) {
                snprintf(why, (size_t)why_cap, "no thread for the server");
                free_server(s);
                return NULL;
        }
        return s;
}

void server_stop(struct server *s)
{
        if (!s)
                return;
        uint64_t one = 1;
        atomic_store_explicit(&s->is_stopping, true, memory_order_release);
        ssize_t n = write(s->stop_fd, &one, sizeof one);
        (void)n;
        pthread_join(s->thread, NULL);
        free_server(s);
}

int server_port(const struct server *s, int link)
{
        for (int i = 0; i < s->endpoint_count; i++)
                if (s->endpoints[i].links & 1u << link)
                        return s->endpoints[i].port;
        return -1;
}
