#include "ald/control/client.h"

#include <assert.h>       /* assert */
#include <errno.h>        /* errno, EAGAIN */
#include <event2/event.h> /* event_new, event_add */
#include <poll.h>         /* poll, POLLHUP */
#include <stdlib.h>       /* calloc, free, realloc */
#include <string.h>       /* memchr, memcpy, memmove */
#include <sys/socket.h>   /* recv, send, MSG_NOSIGNAL */
#include <unistd.h>       /* close */

#define CLIENT_IN_CAP (JSONRPC_LINE_MAX + 1) /* a whole line and its newline */

struct client {
        int fd;
        struct client_hooks hooks;
        struct event *readable, *writable;
        struct event *again; /* next turn: further lines wait, or the end of the linger */
        char in[CLIENT_IN_CAP];
        size_t in_at, in_len; /* unread bytes are in[in_at .. in_at + in_len) */
        char *out;
        size_t out_at, out_len, out_cap; /* unsent bytes are out[out_at .. out_at + out_len) */
        bool is_line_begun;              /* the first unsent byte is inside a line */
        bool is_ending, is_eof, is_gone;
        bool is_deaf; /* the peer takes nothing more; what it sent before it left still counts */
        int owed;
};

static const struct timeval at_once = {0, 0};
static const struct timeval linger = {CLIENT_LINGER_MS / 1000, (CLIENT_LINGER_MS % 1000) * 1000};

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);
static void on_again(evutil_socket_t fd, short what, void *arg);

struct client *client_new(struct event_base *base, int fd, const struct client_hooks *hooks)
{
        struct client *c = calloc(1, sizeof *c);

        assert(fd >= 0 && hooks->line != NULL && hooks->gone != NULL);
        if (c == NULL) {
                (void)close(fd);
                return NULL;
        }
        c->fd = fd;
        c->hooks = *hooks;
        c->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, c);
        c->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, c);
        c->again = evtimer_new(base, on_again, c);
        if (c->readable == NULL || c->writable == NULL || c->again == NULL ||
            event_add(c->readable, NULL) != 0) {
                client_free(c);
                return NULL;
        }
        /* After the links and timers of the daemon, where its loop knows priorities. */
        (void)event_priority_set(c->readable, event_base_get_npriorities(base) - 1);
        (void)event_priority_set(c->writable, event_base_get_npriorities(base) - 1);
        (void)event_priority_set(c->again, event_base_get_npriorities(base) - 1);
        return c;
}

void client_free(struct client *c)
{
        if (c == NULL)
                return;
        if (c->readable != NULL)
                event_free(c->readable);
        if (c->writable != NULL)
                event_free(c->writable);
        if (c->again != NULL)
                event_free(c->again);
        (void)close(c->fd);
        free(c->out);
        free(c);
}

/* Only from this module's own callbacks. */
static void leave(struct client *c)
{
        c->hooks.gone(c->hooks.ctx, c);
        client_free(c);
}

/* The peer is not there any more. Freed next turn: a caller may still hold the pointer. */
static void lose(struct client *c)
{
        c->is_ending = true;
        c->is_gone = true;
        c->out_at = c->out_len = 0;
        (void)event_del(c->readable);
        (void)event_del(c->writable);
        (void)event_add(c->again, &at_once);
}

static void close_when_drained(struct client *c)
{
        (void)event_del(c->readable);
        (void)event_add(c->again, c->out_len == 0 ? &at_once : &linger);
}

/* ---- Out ---- */

static bool reserve(struct client *c, size_t more)
{
        size_t cap = c->out_cap == 0 ? 1024 : c->out_cap;
        char *grown;

        if (c->out_at > 0) {
                memmove(c->out, c->out + c->out_at, c->out_len);
                c->out_at = 0;
        }
        while (cap < c->out_len + more)
                cap *= 2;
        if (cap <= c->out_cap)
                return true;
        grown = realloc(c->out, cap);
        if (grown == NULL)
                return false;
        c->out = grown;
        c->out_cap = cap;
        return true;
}

static void drain(struct client *c)
{
        while (c->out_len > 0) {
                ssize_t n = send(c->fd, c->out + c->out_at, c->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)) {
                        (void)event_add(c->writable, NULL);
                        return;
                }
                if (n <= 0) {
                        c->is_deaf = true;
                        c->out_len = 0;
                        break;
                }
                c->is_line_begun = c->out[c->out_at + (size_t)n - 1] != '\n';
                c->out_at += (size_t)n;
                c->out_len -= (size_t)n;
        }
        (void)event_del(c->writable);
        free(c->out);
        c->out = NULL;
        c->out_at = c->out_cap = 0;
}

static void queue(struct client *c, const char *line, size_t len)
{
        if (!reserve(c, len)) {
                lose(c);
                return;
        }
        memcpy(c->out + c->out_at + c->out_len, line, len);
        c->out_len += len;
        drain(c);
}

/* Drop what was queued, but let a line that is half sent go out whole. */
static void drop_queued(struct client *c)
{
        const char *end = NULL;

        if (c->out_len == 0)
                return;
        if (c->is_line_begun)
                end = memchr(c->out + c->out_at, '\n', c->out_len);
        c->out_len = end != NULL ? (size_t)(end - (c->out + c->out_at)) + 1 : 0;
}

void client_send_line(struct client *c, const char *line, size_t len)
{
        assert(len > 0 && line[len - 1] == '\n');
        if (c->is_ending || c->is_deaf)
                return;
        if (c->out_len + len > CLIENT_OUT_MAX)
                client_end(c, NULL, JSONRPC_LIMIT, "256 KiB wait to be read: this client reads too slowly");
        else
                queue(c, line, len);
}

void client_send(struct client *c, json_t *message)
{
        size_t len = 0;
        char *line = jsonrpc_line(message, &len);

        if (line == NULL && !c->is_ending)
                lose(c);
        else if (line != NULL)
                client_send_line(c, line, len);
        free(line);
}

void client_end(struct client *c, json_t *id, enum jsonrpc_code code, const char *text)
{
        size_t len = 0;
        char *line;

        if (c->is_ending)
                return;
        drop_queued(c);
        line = jsonrpc_line(jsonrpc_error(id, code, text, NULL), &len);
        c->is_ending = true;
        if (line != NULL)
                queue(c, line, len);
        free(line);
        if (!c->is_gone)
                close_when_drained(c);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
        struct client *c = arg;

        (void)fd;
        (void)what;
        drain(c);
        if (!c->is_gone && c->out_len == 0 && (c->is_ending || (c->is_eof && c->owed <= 0)))
                (void)event_add(c->again, &at_once);
}

/* ---- In ---- */

/* Handle one line, if a whole one is there. True when another may wait. */
static bool take_line(struct client *c)
{
        char *start = c->in + c->in_at;
        char *end = memchr(start, '\n', c->in_len);
        size_t len;

        if (end == NULL)
                return false;
        len = (size_t)(end - start);
        c->in_at += len + 1;
        c->in_len -= len + 1;
        c->hooks.line(c->hooks.ctx, c, start, len);
        return !c->is_ending && memchr(c->in + c->in_at, '\n', c->in_len) != NULL;
}

/* The peer will send no more. One that closed altogether needs no answer; one that only closed its sending side
 * (echo ... | nc -N) gets what it is owed. AF_UNIX tells them apart by POLLHUP. */
static void finish(struct client *c)
{
        struct pollfd p = {.fd = c->fd};

        c->is_eof = true;
        if (poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0) {
                lose(c);
                return;
        }
        (void)event_del(c->readable);
        (void)event_add(c->again, c->out_len == 0 && c->owed <= 0 ? &at_once : &linger);
}

static void refill(struct client *c)
{
        ssize_t n;

        if (c->in_at > 0) {
                memmove(c->in, c->in + c->in_at, c->in_len);
                c->in_at = 0;
        }
        assert(c->in_len < CLIENT_IN_CAP);
        n = recv(c->fd, c->in + c->in_len, CLIENT_IN_CAP - c->in_len, MSG_DONTWAIT);
        if (n > 0)
                c->in_len += (size_t)n;
        else if (n == 0)
                finish(c);
        else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
                lose(c);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
        struct client *c = arg;

        (void)fd;
        (void)what;
        refill(c);
        if (c->is_ending || c->is_eof)
                return;
        if (take_line(c)) {
                /* Reading rests until the lines at hand are done: the kernel's buffer pushes back on the peer. */
                (void)event_del(c->readable);
                (void)event_add(c->again, &at_once);
        } else if (!c->is_ending && c->in_len == CLIENT_IN_CAP) {
                client_end(c, NULL, JSONRPC_LIMIT, "the line is longer than 16 KiB");
        }
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
        struct client *c = arg;

        (void)fd;
        (void)what;
        if (c->is_ending || c->is_eof) {
                drain(c); /* a reader that woke up late still hears why */
                leave(c);
        } else if (take_line(c)) {
                (void)event_add(c->again, &at_once);
        } else if (!c->is_ending) {
                (void)event_add(c->readable, NULL);
        }
}

size_t client_queued(const struct client *c)
{
        return c->out_len;
}

bool client_is_ending(const struct client *c)
{
        return c->is_ending;
}

void client_owe(struct client *c, int more)
{
        c->owed += more;
        assert(c->owed >= 0);
        if (c->is_eof && !c->is_ending && c->owed == 0 && c->out_len == 0)
                (void)event_add(c->again, &at_once);
}
