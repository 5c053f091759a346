#include "ald/app/web_feed.h" /* own declarations */

#include "ald/app/aldctl_show.h" /* show_get_text */
#include "ald/app/aldctl_view.h" /* struct view */
#include "ald/base/text.h"       /* text_copy */
#include "ald/base/time.h"       /* TIME_S */

#include <event2/buffer.h>      /* evbuffer_readln */
#include <event2/bufferevent.h> /* bufferevent_socket_new */
#include <event2/event.h>       /* evtimer_new */

#include <errno.h>      /* errno */
#include <stdbool.h>    /* bool */
#include <stdlib.h>     /* calloc, free */
#include <string.h>     /* strcmp, strerror */
#include <sys/socket.h> /* socket, connect */
#include <sys/un.h>     /* struct sockaddr_un */
#include <time.h>       /* clock_gettime */
#include <unistd.h>     /* close */

/* A line of the daemon is bounded by what it queues for one client. */
static const size_t line_max = (size_t)512 * 1024;
/* More than any gauge has. */
enum { DIGITS = 12 };
enum { PROTOCOL = 1, EVENTS_MAX = 32, RETRY_MS_MIN = 250, RETRY_MS_MAX = 5000, WHY_CAP = 320 };
/* How often alarms are asked for when nothing tells that they changed. A daemon that says nothing at all from one look to
 * the next hangs: browsers show its values as live for so long. */
enum { LOOK_S = 2, ANSWER_LOOKS = 1 };

/* The questions; their numbers in the table are the ids on the socket. */
enum question { ASK_SUBSCRIBE, ASK_ALARMS, ASK_TOOL, QUESTIONS };
static const char *const verbs[QUESTIONS] = {"subscribe", "alarms", "tool"};

struct web_feed {
        struct event_base *base;
        const char *path;
        struct web_feed_hooks hooks;
        struct bufferevent *io; /* NULL: not connected */
        struct event *retry, *look;
        int retry_ms, looks_unanswered;
        int64_t heard_us; /* monotonic: the daemon's last word of any kind */
        bool is_asked[QUESTIONS], is_full;
        bool are_alarms_old; /* ask again when the answer under way is there */
        bool is_quiet;       /* browsers were told nothing since the last look */
        char why[WHY_CAP], db[512], time[48];
        json_t *hello, *events, *alarms, *tool;
        struct view view;
};

/* ---- What browsers are told ---- */

static int64_t now_us(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (int64_t)t.tv_sec * TIME_S + t.tv_nsec / 1000;
}

static void tell(struct web_feed *f, const char *event, const json_t *data)
{
        char *line = json_dumps(data, JSON_COMPACT | JSON_REAL_PRECISION(DIGITS));

        f->is_quiet = false;
        if (line != NULL)
                f->hooks.tell(f->hooks.ctx, event, line, strlen(line));
        free(line);
}

/* A tool where nothing moves: its daemon has answered, and what browsers show is so. */
static void tell_beat(struct web_feed *f)
{
        json_t *nothing = json_object();

        if (nothing != NULL)
                tell(f, "beat", nothing);
        json_decref(nothing);
}

static json_t *or_null(json_t *value)
{
        return value != NULL ? json_incref(value) : json_null();
}

static json_t *pack_full(const struct web_feed *f)
{
        double heard_s = (double)(now_us() - f->heard_us) / TIME_S;

        return json_pack("{s:O, s:O, s:O, s:O, s:O, s:o, s:s, s:f}", "hello", f->hello, "status",
            f->view.status, "tags", f->view.tags, "events", f->events, "alarms", f->alarms, "tool",
            or_null(f->tool), "time", f->time, "heard_s", heard_s);
}

static json_t *pack_lost(const struct web_feed *f)
{
        return json_pack("{s:s}", "why", f->why);
}

char *web_feed_begin(const struct web_feed *f, const char **event, size_t *len)
{
        json_t *data = f->is_full ? pack_full(f) : pack_lost(f);
        char *line = data != NULL ? json_dumps(data, JSON_COMPACT | JSON_REAL_PRECISION(DIGITS)) : NULL;

        *event = f->is_full ? "full" : "lost";
        *len = line != NULL ? strlen(line) : 0;
        json_decref(data);
        return line;
}

const char *web_feed_db(const struct web_feed *f)
{
        return f->db[0] != '\0' ? f->db : NULL;
}

const char *web_feed_lost(const struct web_feed *f)
{
        return f->is_full ? "" : f->why;
}

/* ---- The connection's end ---- */

static void forget(struct web_feed *f)
{
        if (f->io != NULL)
                bufferevent_free(f->io);
        f->io = NULL;
        (void)event_del(f->look);
        json_decref(f->hello);
        json_decref(f->events);
        json_decref(f->alarms);
        json_decref(f->tool);
        f->hello = f->events = f->alarms = f->tool = NULL;
        view_end(&f->view);
        for (int i = 0; i < QUESTIONS; i++)
                f->is_asked[i] = false;
        f->are_alarms_old = false;
        f->looks_unanswered = 0;
}

static void lose(struct web_feed *f, const char *fmt, ...) TEXT_PRINTF(2, 3);
static void lose(struct web_feed *f, const char *fmt, ...)
{
        struct timeval after = {.tv_sec = f->retry_ms / 1000, .tv_usec = f->retry_ms % 1000 * 1000};
        char why[WHY_CAP];
        struct text t;
        va_list args;
        json_t *data;
        bool is_news;

        text_init(&t, why, sizeof why);
        va_start(args, fmt);
        text_addv(&t, fmt, args);
        va_end(args);
        text_clean(why);
        is_news = f->is_full || strcmp(why, f->why) != 0;
        text_copy(f->why, sizeof f->why, why);
        f->is_full = false;
        forget(f);
        (void)evtimer_add(f->retry, &after);
        f->retry_ms = 2 * f->retry_ms < RETRY_MS_MAX ? 2 * f->retry_ms : RETRY_MS_MAX;
        data = is_news ? pack_lost(f) : NULL;
        if (data != NULL)
                tell(f, "lost", data);
        json_decref(data);
}

/* ---- Questions and answers ---- */

static void ask(struct web_feed *f, enum question what)
{
        if (f->is_asked[what]) {
                f->are_alarms_old |= what == ASK_ALARMS;
                return;
        }
        f->is_asked[what] = true;
        (void)evbuffer_add_printf(bufferevent_get_output(f->io),
            "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"%s\"}\n", (int)what, verbs[what]);
}

static void start_look(struct web_feed *f)
{
        static const struct timeval every = {.tv_sec = LOOK_S};

        (void)event_add(f->look, &every);
}

/* All that a browser needs first is there. */
static void begin_full(struct web_feed *f)
{
        json_t *full;

        if (f->is_full || f->view.status == NULL || f->alarms == NULL || f->is_asked[ASK_TOOL])
                return;
        f->is_full = true;
        f->why[0] = '\0';
        f->retry_ms = RETRY_MS_MIN;
        full = pack_full(f);
        if (full != NULL)
                tell(f, "full", full);
        json_decref(full);
}

/* Does an alarm differ otherwise than by getting older? */
static bool are_same(const json_t *before, const json_t *now)
{
        bool same = json_array_size(before) == json_array_size(now);

        for (size_t i = 0; same && i < json_array_size(now); i++) {
                json_t *a = json_copy(json_array_get(before, i)), *b = json_copy(json_array_get(now, i));

                (void)json_object_del(a, "age_s");
                (void)json_object_del(b, "age_s");
                same = json_equal(a, b) != 0;
                json_decref(a);
                json_decref(b);
        }
        return same;
}

static void take_alarms(struct web_feed *f, json_t *alarms)
{
        bool is_news = !are_same(f->alarms, alarms);

        json_decref(f->alarms);
        f->alarms = json_incref(alarms);
        f->looks_unanswered = 0;
        if (f->is_full && is_news)
                tell(f, "alarms", f->alarms);
        else if (f->is_full && f->is_quiet)
                tell_beat(f);
        if (f->are_alarms_old) {
                f->are_alarms_old = false;
                ask(f, ASK_ALARMS);
        }
}

static bool take_subscription(struct web_feed *f, json_t *full)
{
        json_t *events = json_object_get(full, "events");

        view_begin(&f->view, full);
        f->events = json_is_array(events) ? json_copy(events) : json_array();
        text_copy(f->time, sizeof f->time, show_get_text(full, "time"));
        return json_is_object(f->view.status) && json_is_object(f->view.tags) && f->events != NULL;
}

static void take_answer(struct web_feed *f, json_t *message)
{
        json_t *id = json_object_get(message, "id"), *result = json_object_get(message, "result");
        json_int_t what = json_is_integer(id) ? json_integer_value(id) : QUESTIONS;

        if (what < 0 || what >= QUESTIONS || !f->is_asked[what]) {
                const char *why = show_get_text(json_object_get(message, "error"), "message");

                lose(f, "the daemon turned this connection away: %s", why);
                return;
        }
        f->is_asked[what] = false;
        if (what == ASK_SUBSCRIBE && (f->view.status != NULL || !take_subscription(f, result)))
                lose(f, "the daemon's answer to 'subscribe' makes no sense");
        else if (what == ASK_ALARMS && !json_is_array(result))
                lose(f, "the daemon's answer to 'alarms' makes no sense");
        else if (what == ASK_ALARMS)
                take_alarms(f, result);
        else if (what == ASK_TOOL && result != NULL) /* an older daemon has no such verb */
                f->tool = json_incref(result);
        if (f->io != NULL)
                begin_full(f);
}

/* ---- What the daemon tells by itself ---- */

static void take_hello(struct web_feed *f, json_t *params)
{
        if (show_get_number(params, "protocol", 0) != PROTOCOL) {
                lose(f, "the daemon speaks another protocol version than this aldweb");
                return;
        }
        json_decref(f->hello);
        f->hello = json_incref(params);
        text_copy(f->db, sizeof f->db, show_get_text(params, "db"));
        for (int i = 0; i < QUESTIONS; i++)
                ask(f, (enum question)i);
        start_look(f);
}

static bool touches_alarms(const json_t *status)
{
        static const char *const keys[] = {
            "alarms_shown", "alarms_unacknowledged", "alarms_shelved", "is_flooded", "latches"};

        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
                if (json_object_get(status, keys[i]) != NULL)
                        return true;
        return false;
}

/* Differences of the status, and of tags by name. */
static bool is_update(const json_t *params)
{
        json_t *status = json_object_get(params, "status"), *tags = json_object_get(params, "tags"), *tag;
        const char *name;

        json_object_foreach(tags, name, tag) if (!json_is_object(tag)) return false;
        return (status == NULL || json_is_object(status)) && (tags == NULL || json_is_object(tags));
}

static void take_update(struct web_feed *f, json_t *params)
{
        if (f->view.status == NULL)
                return;
        if (!is_update(params)) {
                lose(f, "an update of the daemon makes no sense");
                return;
        }
        view_fold(&f->view, params);
        text_copy(f->time, sizeof f->time, show_get_text(params, "time"));
        if (f->is_full)
                tell(f, "update", params);
        if (touches_alarms(json_object_get(params, "status")))
                ask(f, ASK_ALARMS);
}

static void take_event(struct web_feed *f, json_t *params)
{
        if (f->events == NULL)
                return;
        if (json_array_size(f->events) >= EVENTS_MAX)
                (void)json_array_remove(f->events, 0);
        (void)json_array_append(f->events, params);
        if (f->is_full)
                tell(f, "event", params);
        if (strcmp(show_get_text(params, "severity"), "info") != 0 ||
            strcmp(show_get_text(params, "kind"), "alarm") == 0)
                ask(f, ASK_ALARMS);
}

static void take_message(struct web_feed *f, json_t *message)
{
        static const struct {
                const char *method;
                void (*take)(struct web_feed *f, json_t *params);
        } methods[] = {{"hello", take_hello}, {"update", take_update}, {"event", take_event}};
        const char *method = show_get_text(message, "method");
        json_t *params = json_object_get(message, "params");

        if (method[0] == '\0') {
                take_answer(f, message);
                return;
        }
        for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
                if (strcmp(methods[i].method, method) == 0 && json_is_object(params))
                        methods[i].take(f, params);
}

/* ---- The connection ---- */

static void on_read(struct bufferevent *io, void *ctx)
{
        struct web_feed *f = ctx;
        size_t len;
        char *line;

        while (f->io == io &&
               (line = evbuffer_readln(bufferevent_get_input(io), &len, EVBUFFER_EOL_LF)) != NULL) {
                json_t *message = json_loadb(line, len, 0, NULL);

                free(line);
                f->heard_us = now_us();
                if (f->is_full) /* before that, only an answer gets it on */
                        f->looks_unanswered = 0;
                if (json_is_object(message))
                        take_message(f, message);
                else
                        lose(f, "what answers at %s is not aldd", f->path);
                json_decref(message);
        }
        if (f->io == io && evbuffer_get_length(bufferevent_get_input(io)) > line_max)
                lose(f, "what answers at %s is not aldd", f->path);
}

static void on_event(struct bufferevent *io, short what, void *ctx)
{
        struct web_feed *f = ctx;

        (void)io;
        if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
                lose(f, "the daemon closed the connection");
}

static void on_look(evutil_socket_t fd, short what, void *ctx)
{
        struct web_feed *f = ctx;

        (void)fd;
        (void)what;
        if (f->looks_unanswered++ >= ANSWER_LOOKS)
                lose(f, "the daemon does not answer");
        else
                ask(f, ASK_ALARMS);
        f->is_quiet = true;
}

/* A connection to a Unix socket is there at once or not at all. -1: errno tells why not. */
static int open_socket(const char *path)
{
        struct sockaddr_un to = {.sun_family = AF_UNIX};
        int fd, error = ENAMETOOLONG;

        if (text_copy(to.sun_path, sizeof to.sun_path, path)) {
                fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
                if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
                        return fd;
                error = errno;
                if (fd >= 0)
                        (void)close(fd);
        }
        errno = error;
        return -1;
}

static void dial(struct web_feed *f)
{
        int fd = open_socket(f->path), error = errno;

        if (fd < 0 && (error == EACCES || error == EPERM))
                lose(f, "no permission for the daemon's socket %s: aldweb's user must be in its group",
                    f->path);
        else if (fd < 0)
                lose(f, "no daemon answers at %s: %s", f->path, strerror(error));
        if (fd < 0)
                return;
        f->io = bufferevent_socket_new(f->base, fd, BEV_OPT_CLOSE_ON_FREE);
        if (f->io == NULL) {
                (void)close(fd);
                lose(f, "no memory");
                return;
        }
        bufferevent_setcb(f->io, on_read, NULL, on_event, f);
        (void)bufferevent_enable(f->io, EV_READ | EV_WRITE);
}

static void on_retry(evutil_socket_t fd, short what, void *ctx)
{
        (void)fd;
        (void)what;
        dial(ctx);
}

struct web_feed *web_feed_new(struct event_base *base, const char *path, const struct web_feed_hooks *hooks)
{
        struct web_feed *f = calloc(1, sizeof *f);

        if (f == NULL)
                return NULL;
        *f = (struct web_feed){.base = base, .path = path, .hooks = *hooks, .retry_ms = RETRY_MS_MIN};
        text_copy(f->why, sizeof f->why, "not connected yet");
        f->retry = evtimer_new(base, on_retry, f);
        f->look = event_new(base, -1, EV_PERSIST, on_look, f);
        if (f->retry == NULL || f->look == NULL) {
                web_feed_free(f);
                return NULL;
        }
        dial(f);
        return f;
}

void web_feed_free(struct web_feed *f)
{
        if (f == NULL)
                return;
        if (f->look != NULL)
                forget(f);
        if (f->look != NULL)
                event_free(f->look);
        if (f->retry != NULL)
                event_free(f->retry);
        free(f);
}
