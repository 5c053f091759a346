#include "ald/bus/wire.h"

#include "ald/base/text.h"  /* text_copy */
#include "ald/bus/bus.h"    /* bus_now_us */
#include "ald/bus/frame.h"  /* frame_request, frame_reply */
#include "ald/bus/serial.h" /* struct serial */

#include <assert.h>      /* assert, static_assert */
#include <errno.h>       /* errno */
#include <modbus.h>      /* modbus_* */
#include <netdb.h>       /* getaddrinfo */
#include <netinet/in.h>  /* IPPROTO_TCP */
#include <netinet/tcp.h> /* TCP_NODELAY */
#include <poll.h>        /* ppoll */
#include <stdio.h>       /* snprintf */
#include <stdlib.h>      /* calloc, free */
#include <string.h>      /* memcpy, strerror_r */
#include <sys/select.h>  /* FD_SETSIZE */
#include <sys/socket.h>  /* socket */
#include <unistd.h>      /* close */

struct wire {
        struct serial *serial; /* a serial line; then all below is unused */
        modbus_t *ctx;
        uint16_t transaction; /* of the last request */
        struct sockaddr_storage addr;
        socklen_t addr_len;
};

static bool resolve(struct wire *w, const struct tool_link *link)
{
        char port[8];
        struct addrinfo *found = NULL;
        const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
        snprintf(port, sizeof port, "%d", link->port);
        if (getaddrinfo(link->host, port, &hints, &found) != 0 || !found)
                return false;
        assert(found->ai_addrlen <= sizeof w->addr);
        memcpy(&w->addr, found->ai_addr, found->ai_addrlen);
        w->addr_len = found->ai_addrlen;
        freeaddrinfo(found);
        return true;
}

static modbus_t *new_context(void)
{
        modbus_t *ctx = modbus_new_tcp("127.0.0.1", MODBUS_TCP_DEFAULT_PORT); /* never dialled: see dial() */
        if (!ctx)
                return NULL;
        if (modbus_set_byte_timeout(ctx, 0, 0) == -1 ||
            modbus_set_error_recovery(ctx, MODBUS_ERROR_RECOVERY_NONE) == -1) {
                modbus_free(ctx);
                return NULL;
        }
        return ctx;
}

static struct wire *fill_serial(struct wire *w, const struct tool_link *link, const char **why)
{
        w->serial = serial_new(link, why);
        if (w->serial)
                return w;
        free(w);
        return NULL;
}

struct wire *wire_new(const struct tool_link *link, const char **why)
{
        struct wire *w = calloc(1, sizeof *w);
        if (w && link->kind == TOOL_LINK_RTU)
                return fill_serial(w, link, why);
        if (w)
                w->ctx = new_context();
        if (!w || !w->ctx) {
                *why = "out of memory for a Modbus connection";
                wire_free(w);
                return NULL;
        }
        if (!resolve(w, link)) {
                *why = "its host has no known address (give a numeric one, or a name that resolves)";
                wire_free(w);
                return NULL;
        }
        return w;
}

void wire_free(struct wire *w)
{
        if (!w)
                return;
        serial_free(w->serial);
        if (w->ctx) {
                if (wire_fd(w) >= 0)
                        modbus_close(w->ctx);
                modbus_free(w->ctx);
        }
        free(w);
}

int wire_fd(const struct wire *w)
{
        return w->serial ? serial_fd(w->serial) : modbus_get_socket(w->ctx);
}

static void fail(struct sched_result *r, enum sched_outcome outcome, int err)
{
        char words[64];
        r->outcome = outcome;
        text_copy(r->text, sizeof r->text, strerror_r(err, words, sizeof words));
}

/* Wait for a connection under way until limit_us. 0 or an errno. */
static int await_connected(int fd, int64_t limit_us)
{
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        for (;;) {
                int64_t left = limit_us - bus_now_us();
                if (left < 0)
                        return ETIMEDOUT;
                struct timespec ts = {.tv_sec = left / 1000000, .tv_nsec = (left % 1000000) * 1000};
                int n = ppoll(&p, 1, &ts, NULL);
                if (n > 0)
                        break;
                if (n < 0 && errno != EINTR)
                        return errno;
        }
        int err = 0;
        socklen_t len = sizeof err;
        return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 ? err : errno;
}

/* A connected socket with NODELAY, or -errno. */
static int dial(const struct wire *w, int64_t limit_us)
{
        int fd = socket(w->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        /* Closing gives up what was not acknowledged. An orderly close would leave it to the kernel to send it again: an
         * open that arrives after its close on the fresh connection would stay. */
        const struct linger abort_on_close = {.l_onoff = 1, .l_linger = 0};
        int err = 0, one = 1;
        if (fd >= FD_SETSIZE)
                err = EMFILE; /* libmodbus would write outside its fd_set */
        else if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
                 setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_on_close, sizeof abort_on_close) != 0)
                err = errno;
        else if (connect(fd, (const struct sockaddr *)&w->addr, w->addr_len) != 0)
                err = errno == EINPROGRESS ? await_connected(fd, limit_us) : errno;
        if (err == 0)
                return fd;
        close(fd);
        return -err;
}

static void do_connect(struct wire *w, const struct sched_action *a, struct sched_result *r)
{
        assert(wire_fd(w) < 0);
        int fd = dial(w, a->limit_us);
        if (fd < 0)
                fail(r, fd == -ETIMEDOUT ? SCHED_TIMEOUT : SCHED_CLOSED, -fd);
        else
                modbus_set_socket(w->ctx, fd);
}

static void explain(struct sched_result *r, int err)
{
        if (err >= MODBUS_ENOBASE) {
                r->outcome = SCHED_BAD_FRAME;
                text_copy(r->text, sizeof r->text, modbus_strerror(err));
        } else {
                fail(r, err == ETIMEDOUT ? SCHED_TIMEOUT : SCHED_CLOSED, err);
        }
}

/* A request is a few dozen bytes: a socket that does not take it at once is not one to wait for. */
static bool send_request(const struct wire *w, const uint8_t *frame, int len, struct sched_result *r)
{
        ssize_t n = send(wire_fd(w), frame, (size_t)len, MSG_NOSIGNAL);
        if (n == len)
                return true;
        fail(r, SCHED_CLOSED, n < 0 ? errno : EPIPE);
        return false;
}

static void do_call(struct wire *w, const struct sched_action *a, struct sched_result *r)
{
        int64_t left = a->limit_us - r->sent_us;
        if (wire_fd(w) < 0) {
                fail(r, SCHED_CLOSED, ENOTCONN);
                return;
        }
        if (left <= 0) {
                fail(r, SCHED_TIMEOUT, ETIMEDOUT); /* the thread was held up; sending now would be too late */
                return;
        }
        uint8_t frame[MODBUS_TCP_MAX_ADU_LENGTH];
        static_assert(sizeof frame >= FRAME_MAX, "libmodbus receives into it");
        uint16_t transaction = ++w->transaction;
        if (!send_request(w, frame, frame_request(a, transaction, frame), r))
                return;
        modbus_set_response_timeout(w->ctx, (uint32_t)(left / 1000000), (uint32_t)(left % 1000000));
        errno = 0;
        int len = modbus_receive_confirmation(w->ctx, frame);
        if (len < 0)
                explain(r, errno);
        else
                frame_reply(a, transaction, frame, len, r);
}

void wire_do(struct wire *w, const struct sched_action *a, struct sched_result *r)
{
        if (w->serial) {
                serial_do(w->serial, a, r);
                return;
        }
        r->outcome = SCHED_OK;
        r->exception = 0;
        r->text[0] = '\0';
        r->sent_us = bus_now_us();
        if (a->kind == SCHED_CONNECT)
                do_connect(w, a, r);
        else if (a->kind == SCHED_CLOSE)
                modbus_close(w->ctx);
        else
                do_call(w, a, r);
        r->done_us = bus_now_us();
}

enum wire_state wire_check(struct wire *w, const char **why)
{
        char byte;
        if (w->serial)
                return serial_check(w->serial, why);
        ssize_t n = recv(wire_fd(w), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return WIRE_IDLE;
        *why = n > 0    ? "bytes came that nobody had asked for"
               : n == 0 ? "the device closed the connection"
                        : "the connection was reset";
        return WIRE_LOST;
}
