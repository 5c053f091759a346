#include "ald/app/aldctl_line.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_error, show_text */

#include <errno.h>      /* errno */
#include <poll.h>       /* poll */
#include <stdlib.h>     /* realloc, free */
#include <string.h>     /* memchr, strlen */
#include <sys/socket.h> /* socket, connect, send */
#include <sys/un.h>     /* struct sockaddr_un */
#include <time.h>       /* clock_gettime */
#include <unistd.h>     /* close */

/* The daemon answers at once; 10 s means that it does not answer. A line of it is bounded by its own output limit. */
enum { LINE_ANSWER_MS = 10000, LINE_BYTES_MAX = 512 * 1024, LINE_PROTOCOL = 1 };

static int64_t now_ms(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static enum aldctl_exit dial(struct line *l, const char *path, int flags)
{
        struct sockaddr_un to = {.sun_family = AF_UNIX};

        *l = (struct line){.fd = -1};
        if (path[0] == '\0' || strlen(path) >= sizeof to.sun_path) {
                errno = ENAMETOOLONG;
                return ALDCTL_NOT_CONNECTED;
        }
        (void)memcpy(to.sun_path, path, strlen(path) + 1);
        l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
        if (l->fd >= 0 && connect(l->fd, (struct sockaddr *)&to, sizeof to) == 0)
                return ALDCTL_OK;
        return errno == EACCES || errno == EPERM ? ALDCTL_DENIED : ALDCTL_NOT_CONNECTED;
}

void line_close(struct line *l)
{
        if (l->fd >= 0)
                (void)close(l->fd);
        json_decref(l->hello);
        free(l->in);
        *l = (struct line){.fd = -1};
}

/* ---- Reading ---- */

static bool take_message(struct line *l, json_t **message)
{
        char *end = l->in_len > 0 ? memchr(l->in, '\n', l->in_len) : NULL;
        size_t len;

        if (end == NULL)
                return false;
        len = (size_t)(end - l->in) + 1;
        *message = json_loadb(l->in, len, 0, NULL);
        l->in_len -= len;
        (void)memmove(l->in, end + 1, l->in_len);
        return true;
}

static bool fill(struct line *l)
{
        ssize_t n;

        if (l->in_cap - l->in_len < 4096) {
                size_t cap = l->in_cap == 0 ? 16384 : l->in_cap * 2;
                char *grown = cap <= LINE_BYTES_MAX ? realloc(l->in, cap) : NULL;
                if (grown == NULL)
                        return false;
                l->in = grown;
                l->in_cap = cap;
        }
        n = recv(l->fd, l->in + l->in_len, l->in_cap - l->in_len, 0);
        if (n > 0)
                l->in_len += (size_t)n;
        return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

enum line_got line_next(struct line *l, int timeout_ms, json_t **message)
{
        int64_t until = now_ms() + timeout_ms;

        *message = NULL;
        while (!take_message(l, message)) {
                struct pollfd p = {.fd = l->fd, .events = POLLIN};
                int left = timeout_ms < 0 ? -1 : (int)(until - now_ms());
                int n = poll(&p, 1, timeout_ms >= 0 && left < 0 ? 0 : left);
                if (n < 0 && errno == EINTR)
                        return LINE_INTERRUPTED;
                if (n == 0)
                        return LINE_TIMEOUT;
                if (n < 0 || !fill(l))
                        return LINE_CLOSED;
        }
        return *message != NULL ? LINE_MESSAGE : LINE_CLOSED; /* a daemon that sends no JSON is none */
}

/* ---- Errors ---- */

static enum aldctl_exit exit_of(const json_t *error)
{
        const json_t *data = json_object_get(error, "data");
        double code = show_get_number(data, "exit", 0);

        if (code >= ALDCTL_FAILED && code <= ALDCTL_DENIED)
                return (enum aldctl_exit)code;
        return ALDCTL_FAILED;
}

static void show_row(const char *name, const char *text)
{
        if (text[0] == '\0')
                return;
        (void)fprintf(stderr, "  %-10s ", name);
        show_text(stderr, text, false);
        (void)fputc('\n', stderr);
}

static void show_message(bool is_refused, const char *text)
{
        if (!is_refused) {
                show_error("%s", text);
                return;
        }
        (void)fprintf(
            stderr, "%srefused:%s ", show_colour(stderr, SHOW_YELLOW), show_colour(stderr, SHOW_PLAIN));
        show_text(stderr, text, false);
        (void)fputc('\n', stderr);
}

/* Say what the daemon refused, with everything that it says about it. */
static enum aldctl_exit show_refusal(const struct aldctl_options *o, json_t *error)
{
        enum aldctl_exit code = exit_of(error);
        const json_t *data = json_object_get(error, "data");

        if (o->json) {
                show_json(json_pack("{s:O}", "error", error));
                return code;
        }
        show_text(stderr, show_get_text(data, "diagnostics"), true);
        show_message(code == ALDCTL_REFUSED || code == ALDCTL_DENIED, show_get_text(error, "message"));
        show_row("interlock", show_get_text(data, "interlock"));
        show_row("condition", show_get_text(data, "condition"));
        show_row("now", show_get_text(data, "values"));
        show_row("hint", show_get_text(data, "hint"));
        return code;
}

enum aldctl_exit line_say(
    const struct aldctl_options *o, enum aldctl_exit code, const char *text, const char *hint)
{
        if (o->json) {
                show_json(json_pack("{s:{s:s, s:{s:i, s:s}}}", "error", "message", text, "data", "exit",
                    (int)code, "hint", hint));
                return code;
        }
        show_message(code == ALDCTL_REFUSED, text);
        show_row("hint", hint);
        return code;
}

static enum aldctl_exit say_lost(const struct aldctl_options *o)
{
        return line_say(o, ALDCTL_NOT_CONNECTED, "the daemon closed the connection", "");
}

/* ---- Opening ---- */

/* Read the hello. On failure *refusal may be the daemon's error. */
static enum aldctl_exit greet(struct line *l, json_t **refusal)
{
        json_t *message = NULL, *error;
        enum aldctl_exit code = ALDCTL_NOT_CONNECTED;

        *refusal = NULL;
        if (line_next(l, LINE_ANSWER_MS, &message) != LINE_MESSAGE)
                return code;
        error = json_object_get(message, "error");
        if (error != NULL) {
                *refusal = json_incref(error);
                code = exit_of(error);
        } else if (strcmp(show_get_text(message, "method"), "hello") == 0) {
                l->hello = json_incref(json_object_get(message, "params"));
                code = ALDCTL_OK;
        }
        json_decref(message);
        return code;
}

enum aldctl_exit line_dial(struct line *l, const char *path)
{
        return dial(l, path, SOCK_NONBLOCK);
}

enum aldctl_exit line_try(struct line *l, const char *path)
{
        json_t *refusal = NULL;
        enum aldctl_exit code = dial(l, path, 0);

        if (code == ALDCTL_OK)
                code = greet(l, &refusal);
        json_decref(refusal);
        return code;
}

enum aldctl_exit line_open(struct line *l, const struct aldctl_options *o)
{
        char text[512];
        json_t *refusal = NULL;
        enum aldctl_exit code = dial(l, o->socket, 0);

        if (code != ALDCTL_OK) {
                (void)snprintf(
                    text, sizeof text, "cannot reach the daemon at %s: %s", o->socket, strerror(errno));
                return line_say(o, code, text,
                    code == ALDCTL_DENIED
                        ? "the socket is open to members of its group; log in again after joining it"
                        : "is aldd running? --socket or ALD_SOCKET say where");
        }
        code = greet(l, &refusal);
        if (refusal != NULL)
                code = show_refusal(o, refusal);
        else if (code != ALDCTL_OK)
                code = line_say(o, code, "what answers there is not aldd", "");
        json_decref(refusal);
        if (code == ALDCTL_OK && show_get_number(l->hello, "protocol", 0) != LINE_PROTOCOL)
                return line_say(
                    o, ALDCTL_FAILED, "the daemon speaks another protocol version than this aldctl", "");
        return code;
}

/* ---- Asking ---- */

static bool send_all(struct line *l, const char *bytes, size_t len)
{
        while (len > 0) {
                ssize_t n = send(l->fd, bytes, len, MSG_NOSIGNAL);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                bytes += n;
                len -= (size_t)n;
        }
        return true;
}

bool line_send(struct line *l, const char *verb, json_t *params)
{
        json_t *request = json_pack("{s:s, s:i, s:s}", "jsonrpc", "2.0", "id", ++l->last_id, "method", verb);
        char *text;
        bool ok;

        if (params != NULL)
                (void)json_object_set_new(request, "params", params);
        text = json_dumps(request, JSON_COMPACT);
        json_decref(request);
        /* A daemon that turned us away meanwhile has said why: that is read by the caller. */
        ok = text != NULL && send_all(l, text, strlen(text)) && send_all(l, "\n", 1);
        free(text);
        return ok;
}

static bool is_answer(const struct line *l, const json_t *message)
{
        const json_t *id = json_object_get(message, "id");

        if (json_object_get(message, "method") != NULL)
                return false;
        return json_is_null(id) || (json_is_integer(id) && json_integer_value(id) == l->last_id);
}

enum aldctl_exit line_ask(
    struct line *l, const struct aldctl_options *o, const char *verb, json_t *params, json_t **result)
{
        json_t *message = NULL;
        enum aldctl_exit code = ALDCTL_OK;
        enum line_got got;

        *result = NULL;
        (void)line_send(l, verb, params);
        while ((got = line_next(l, LINE_ANSWER_MS, &message)) == LINE_MESSAGE && !is_answer(l, message))
                json_decref(message);
        if (got == LINE_TIMEOUT)
                return line_say(o, ALDCTL_NOT_CONNECTED, "the daemon does not answer", "");
        if (got == LINE_INTERRUPTED)
                return line_say(o, ALDCTL_FAILED, "interrupted before the daemon answered", "");
        if (got == LINE_CLOSED)
                return say_lost(o);
        if (json_object_get(message, "error") != NULL)
                code = show_refusal(o, json_object_get(message, "error"));
        else
                *result = json_incref(json_object_get(message, "result"));
        json_decref(message);
        return code;
}

void line_tell(const struct aldctl_options *o, json_t *result)
{
        if (o->json) {
                show_json(result);
                return;
        }
        show_text(stdout, show_get_text(result, "text"), false);
        (void)fputc('\n', stdout);
        (void)fflush(stdout);
        json_decref(result);
}
