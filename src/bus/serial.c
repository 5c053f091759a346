#include "ald/bus/serial.h"

#include "ald/base/text.h"       /* text_copy */
#include "ald/base/time.h"       /* TIME_S, time_min */
#include "ald/bus/bus.h"         /* bus_now_us */
#include "ald/bus/frame.h"       /* frame_request_rtu, frame_reply_rtu */
#include "ald/link/quarantine.h" /* quarantine_silence_us */

#include <assert.h>        /* assert */
#include <errno.h>         /* errno */
#include <fcntl.h>         /* open */
#include <modbus.h>        /* modbus_* */
#include <poll.h>          /* ppoll */
#include <stdlib.h>        /* calloc, free */
#include <string.h>        /* strerror_r */
#include <sys/file.h>      /* flock */
#include <sys/ioctl.h>     /* TIOCEXCL */
#include <sys/select.h>    /* FD_SETSIZE */
#include <sys/stat.h>      /* fstat */
#include <sys/sysmacros.h> /* major */
#include <termios.h>       /* tcsetattr */
#include <unistd.h>        /* read, close */

struct serial {
        modbus_t *ctx; /* its socket is the line, -1 = not open */
        struct tool_link link;
        speed_t speed;
        int64_t silence_us;
};

static const struct {
        int baud;
        speed_t speed;
} speeds[] = {{1200, B1200}, {1800, B1800}, {2400, B2400}, {4800, B4800}, {9600, B9600}, {19200, B19200},
    {38400, B38400}, {57600, B57600}, {115200, B115200}, {230400, B230400}, {460800, B460800},
    {500000, B500000}, {576000, B576000}, {921600, B921600}};

static bool find_speed(int baud, speed_t *speed)
{
        for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++)
                if (speeds[i].baud == baud) {
                        *speed = speeds[i].speed;
                        return true;
                }
        return false;
}

struct serial *serial_new(const struct tool_link *link, const char **why)
{
        assert(link->kind == TOOL_LINK_RTU);
        struct serial *s = calloc(1, sizeof *s);
        if (!s) {
                *why = "out of memory for a serial line";
                return NULL;
        }
        s->link = *link;
        s->silence_us = quarantine_silence_us(link);
        if (!find_speed(link->baud, &s->speed)) {
                *why = "its baud is no rate of this system (1200, 2400, 4800, 9600, 19200, 38400, 57600, "
                       "115200 ...)";
                free(s);
                return NULL;
        }
        s->ctx = modbus_new_rtu(link->path, link->baud, link->parity, 8, link->stop_bits);
        if (!s->ctx || modbus_set_byte_timeout(s->ctx, 0, 0) == -1 ||
            modbus_set_error_recovery(s->ctx, MODBUS_ERROR_RECOVERY_NONE) == -1) {
                *why = "out of memory for a serial line";
                serial_free(s);
                return NULL;
        }
        modbus_set_socket(s->ctx, -1);
        return s;
}

int serial_fd(const struct serial *s)
{
        return modbus_get_socket(s->ctx);
}

static void shut(struct serial *s)
{
        int fd = serial_fd(s);
        if (fd < 0)
                return;
        tcflush(fd, TCIOFLUSH); /* what a dead line never took would hold close() up */
        ioctl(fd, TIOCNXCL);
        close(fd);
        modbus_set_socket(s->ctx, -1);
}

void serial_free(struct serial *s)
{
        if (!s)
                return;
        if (s->ctx) {
                shut(s);
                modbus_free(s->ctx);
        }
        free(s);
}

static void fail(struct sched_result *r, enum sched_outcome outcome, int err)
{
        char words[64];
        r->outcome = outcome;
        text_copy(r->text, sizeof r->text, strerror_r(err, words, sizeof words));
}

static void spoil(struct sched_result *r, const char *what)
{
        r->outcome = SCHED_BAD_FRAME;
        text_copy(r->text, sizeof r->text, what);
}

/* ---- Opening ---- */

/* Majors 136 to 143 (Linux, admin-guide/devices.txt). */
static bool is_pseudo(int fd)
{
        struct stat st;
        return fstat(fd, &st) == 0 && major(st.st_rdev) >= 136 && major(st.st_rdev) <= 143;
}

/* Nobody else opens the line. Root is let in all the same, and minds the lock; so does whoever opens a pseudo-terminal, which
 * would stay exclusive for ever after a process that was killed, as its other end keeps it. */
static int claim(int fd)
{
        if (flock(fd, LOCK_EX | LOCK_NB) != 0)
                return EBUSY;
        return is_pseudo(fd) || ioctl(fd, TIOCEXCL) == 0 ? 0 : errno;
}

static tcflag_t flags_of(const struct tool_link *link, int fd)
{
        tcflag_t flags = CS8 | CREAD | CLOCAL; /* no modem lines: nothing hangs up but the line's end */
        if (is_pseudo(fd))                     /* it has no parity, and tcsetattr() says so */
                return flags;
        if (link->parity != 'N')
                flags |= PARENB;
        if (link->parity == 'O')
                flags |= PARODD;
        if (link->stop_bits == 2)
                flags |= CSTOPB;
        return flags;
}

/* Every byte as it is, none waited for. */
static bool set_line(const struct serial *s, int fd)
{
        struct termios t, got;
        if (tcgetattr(fd, &t) != 0)
                return false;
        cfmakeraw(&t);
        t.c_cflag = flags_of(&s->link, fd);
        t.c_iflag = s->link.parity != 'N' ? INPCK | IGNPAR : IGNPAR; /* a spoiled byte is a missing one */
        t.c_cc[VMIN] = 1; /* so that reading 0 bytes means the line's end */
        t.c_cc[VTIME] = 0;
        if (cfsetispeed(&t, s->speed) != 0 || cfsetospeed(&t, s->speed) != 0 ||
            tcsetattr(fd, TCSANOW, &t) != 0 || tcgetattr(fd, &got) != 0)
                return false;
        errno = EINVAL; /* tcsetattr() is content when it could set anything at all */
        return cfgetospeed(&got) == s->speed;
}

/* The open line, or -errno. */
static int open_line(const struct serial *s)
{
        int fd = open(s->link.path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        int err = 0;
        if (fd >= FD_SETSIZE)
                err = EMFILE; /* libmodbus would write outside its fd_set */
        else
                err = claim(fd);
        if (err == 0 && !set_line(s, fd))
                err = errno;
        if (err == 0) {
                tcflush(fd, TCIOFLUSH);
                return fd;
        }
        close(fd);
        return -err;
}

static void do_connect(struct serial *s, struct sched_result *r)
{
        assert(serial_fd(s) < 0);
        int fd = open_line(s);
        if (fd < 0)
                fail(r, SCHED_CLOSED, -fd);
        else
                modbus_set_socket(s->ctx, fd);
}

/* ---- What lies on the line ---- */

/* Throw away what came; how much, or -1 when the line is gone. */
static int discard(const struct serial *s)
{
        uint8_t bytes[256];
        int total = 0;
        for (;;) {
                ssize_t n = read(serial_fd(s), bytes, sizeof bytes);
                if (n > 0)
                        total += (int)n;
                else if (n < 0 && errno == EINTR)
                        continue;
                else
                        return n < 0 && errno == EAGAIN ? total : -1;
        }
}

/* Does anything come within `us`? */
static bool hears(const struct serial *s, int64_t us)
{
        struct pollfd p = {.fd = serial_fd(s), .events = POLLIN};
        struct timespec ts = {.tv_sec = us / TIME_S, .tv_nsec = us % TIME_S * 1000};
        return ppoll(&p, 1, &ts, NULL) > 0;
}

/* What came is thrown away until nothing has come for as long as between two frames. False: not until until_us. */
static bool await_silence(const struct serial *s, int64_t until_us)
{
        bool is_silent = false;
        while (!is_silent && bus_now_us() < until_us) {
                is_silent = !hears(s, s->silence_us);
                discard(s);
        }
        tcflush(serial_fd(s), TCIFLUSH);
        return is_silent;
}

/* May the request be sent as far as the line is concerned? */
static bool is_clear(const struct serial *s, const struct sched_action *a, struct sched_result *r)
{
        int n = discard(s);
        if (n < 0)
                fail(r, SCHED_CLOSED, EIO);
        if (n <= 0)
                return n == 0;
        bool is_urgent = a->kind == SCHED_WRITE;
        int64_t until_us = is_urgent ? bus_now_us() + SERIAL_DRAIN_US : a->limit_us;
        if (a->drains && (await_silence(s, time_min(until_us, a->limit_us)) || is_urgent))
                return true;
        spoil(r, "the line was not silent before the request");
        return false;
}

enum wire_state serial_check(struct serial *s, const char **why)
{
        int n = discard(s);
        *why = n < 0 ? "the serial line is gone" : "bytes came that nobody had asked for";
        return n < 0 ? WIRE_LOST : n > 0 ? WIRE_STRAY : WIRE_IDLE;
}

/* ---- Calls ---- */

static void explain(struct sched_result *r, int err)
{
        if (err >= MODBUS_ENOBASE)
                spoil(r, modbus_strerror(err));
        else if (err == ETIMEDOUT)
                fail(r, SCHED_TIMEOUT, err);
        else
                fail(r, SCHED_CLOSED, err);
}

static void receive(struct serial *s, const struct sched_action *a, struct sched_result *r)
{
        uint8_t frame[MODBUS_RTU_MAX_ADU_LENGTH];
        int64_t left = a->limit_us - bus_now_us();
        if (left < 1)
                left = 1;
        modbus_set_response_timeout(s->ctx, (uint32_t)(left / TIME_S), (uint32_t)(left % TIME_S));
        errno = 0;
        int len = modbus_receive_confirmation(s->ctx, frame);
        if (len < 0)
                explain(r, errno);
        else if (len == 0)
                spoil(r, "the reply comes from another unit");
        else
                frame_reply_rtu(a, frame, len, r);
}

static void do_call(struct serial *s, const struct sched_action *a, struct sched_result *r)
{
        uint8_t frame[FRAME_MAX];
        if (serial_fd(s) < 0) {
                fail(r, SCHED_CLOSED, ENOTCONN);
                return;
        }
        if (!is_clear(s, a, r))
                return;
        r->sent_us = bus_now_us();
        if (a->limit_us <= r->sent_us) {
                fail(r, SCHED_TIMEOUT, ETIMEDOUT); /* the thread was held up; sending now would be too late */
                return;
        }
        if (modbus_set_slave(s->ctx, a->slave_id) == -1 ||
            modbus_send_raw_request(s->ctx, frame, frame_request_rtu(a, frame)) < 0) {
                fail(r, SCHED_CLOSED, errno >= MODBUS_ENOBASE ? EIO : errno);
                return;
        }
        receive(s, a, r);
}

void serial_do(struct serial *s, const struct sched_action *a, struct sched_result *r)
{
        r->outcome = SCHED_OK;
        r->exception = 0;
        r->text[0] = '\0';
        r->sent_us = bus_now_us();
        if (a->kind == SCHED_CONNECT)
                do_connect(s, r);
        else if (a->kind == SCHED_CLOSE)
                shut(s);
        else
                do_call(s, a, r);
        r->done_us = bus_now_us();
}
