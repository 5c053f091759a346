#include "ald/control/control.h"

#include "ald/control/client.h"   /* client_* */
#include "ald/control/dispatch.h" /* dispatch_line, dispatch_reply */
#include "ald/control/feed.h"     /* feed_* */
#include "ald/control/jsonrpc.h"  /* jsonrpc_notification */
#include "ald/control/listen.h"   /* listen_open */
#include "ald/control/peer.h"     /* peer_identify */
#include "ald/control/session.h"  /* struct session */
#include "ald/core/record.h"      /* struct record */

#include <assert.h>       /* assert */
#include <errno.h>        /* errno, EMFILE */
#include <event2/event.h> /* event_new */
#include <stdio.h>        /* snprintf */
#include <stdlib.h>       /* calloc, free */
#include <sys/socket.h>   /* accept4, send */
#include <time.h>         /* clock_gettime */
#include <unistd.h>       /* close */

struct control {
        struct control_config config;
        struct listen_socket listening;
        struct event *acceptable;
        struct event *retry; /* accepting rests a second when the system is out of descriptors */
        struct peer_rules rules;
        struct feed *feed;
        struct dispatch dispatch;
        struct session *sessions[CONTROL_CLIENTS_MAX]; /* NULL = free */
};

static void on_acceptable(evutil_socket_t fd, short what, void *arg);
static void on_retry(evutil_socket_t fd, short what, void *arg);

static bool set_up_events(struct control *c)
{
        c->acceptable = event_new(c->config.base, c->listening.fd, EV_READ | EV_PERSIST, on_acceptable, c);
        c->retry = evtimer_new(c->config.base, on_retry, c);
        if (c->acceptable == NULL || c->retry == NULL)
                return false;
        (void)event_priority_set(c->acceptable, event_base_get_npriorities(c->config.base) - 1);
        return event_add(c->acceptable, NULL) == 0;
}

struct control *control_new(const struct control_config *config, char *why, int why_cap)
{
        struct control *c = calloc(1, sizeof *c);

        assert(config->base != NULL && config->tool != NULL && config->owner.command != NULL &&
               config->owner.core != NULL && config->owner.compile != NULL);
        (void)snprintf(why, (size_t)why_cap, "no memory for the control socket");
        if (c == NULL)
                return NULL;
        c->config = *config;
        c->listening.fd = -1;
        c->feed = feed_new(config->tool);
        c->dispatch = (struct dispatch){.owner = &c->config.owner, .tool = config->tool, .feed = c->feed};
        peer_resolve(&c->rules, config->tool);
        if (c->feed != NULL && listen_open(&c->listening, config->path, why, why_cap) == 0) {
                if (set_up_events(c))
                        return c;
                (void)snprintf(why, (size_t)why_cap, "no memory for the control socket");
        }
        control_free(c);
        return NULL;
}

void control_free(struct control *c)
{
        if (c == NULL)
                return;
        for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
                if (c->sessions[i] != NULL) {
                        session_clear(c->sessions[i]);
                        client_free(c->sessions[i]->io);
                        free(c->sessions[i]);
                }
        if (c->acceptable != NULL)
                event_free(c->acceptable);
        if (c->retry != NULL)
                event_free(c->retry);
        listen_close(&c->listening);
        peer_forget(&c->rules);
        feed_free(c->feed);
        free(c);
}

/* ---- Clients come and go ---- */

static struct session *session_of(const struct control *c, const struct client *client)
{
        for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
                if (c->sessions[i] != NULL && c->sessions[i]->io == client)
                        return c->sessions[i];
        assert(false && "every client has its session");
        return NULL;
}

static void on_line(void *ctx, struct client *client, const char *line, size_t len)
{
        struct control *c = ctx;
        struct session *s = session_of(c, client);

        if (c->config.identify == NULL)
                peer_name(&c->rules, &s->peer);
        dispatch_line(&c->dispatch, s, line, len);
}

static void on_gone(void *ctx, struct client *client)
{
        struct control *c = ctx;
        struct session *s = session_of(c, client);

        for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
                if (c->sessions[i] == s)
                        c->sessions[i] = NULL;
        session_clear(s);
        free(s);
}

/* Say why and close. The line fits any fresh socket's buffer; a peer that is gone already is no concern. */
static void turn_away(int fd, enum jsonrpc_code code, int exit_code, const char *text)
{
        json_t *data = json_object();
        size_t len = 0;
        char *line;

        (void)json_object_set_new(data, "exit", json_integer(exit_code));
        line = jsonrpc_line(jsonrpc_error(NULL, code, text, data), &len);
        if (line != NULL)
                (void)send(fd, line, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        free(line);
        (void)close(fd);
}

/* Where a new session may stand, or -1 with the reason. */
static int free_place(const struct control *c, const struct peer *peer, char *why, size_t cap)
{
        int place = -1, of_uid = 0;

        for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
                const struct session *s = c->sessions[i];
                if (s == NULL)
                        place = place < 0 ? i : place;
                else if (s->peer.uid == peer->uid)
                        of_uid++;
        }
        if (of_uid >= CONTROL_CLIENTS_PER_UID) {
                (void)snprintf(why, cap, "%s has %d connections already; close one", peer->user, of_uid);
                return -1;
        }
        if (place < 0)
                (void)snprintf(
                    why, cap, "%d clients are connected already; try again later", CONTROL_CLIENTS_MAX);
        return place;
}

static json_t *hello(const struct control *c, const struct peer *peer)
{
        json_t *params = json_object();

        (void)json_object_set_new(params, "program", json_string("aldd"));
        (void)json_object_set_new(params, "version", jsonrpc_text(c->config.version));
        (void)json_object_set_new(params, "protocol", json_integer(CONTROL_PROTOCOL));
        (void)json_object_set_new(params, "tool", jsonrpc_text(c->config.tool->name));
        (void)json_object_set_new(params, "title", jsonrpc_text(c->config.tool->title));
        (void)json_object_set_new(
            params, "db", c->config.db_path != NULL ? jsonrpc_text(c->config.db_path) : json_null());
        (void)json_object_set_new(params, "user", jsonrpc_text(peer->user));
        (void)json_object_set_new(params, "role", jsonrpc_text(tool_role_name(peer->role)));
        return jsonrpc_notification("hello", params);
}

static void seat(struct control *c, int place, int fd, const struct peer *peer)
{
        const struct client_hooks hooks = {.ctx = c, .line = on_line, .gone = on_gone};
        struct session *s = calloc(1, sizeof *s);

        if (s == NULL) {
                (void)close(fd);
                return;
        }
        s->peer = *peer;
        s->io = client_new(c->config.base, fd, &hooks);
        if (s->io == NULL) {
                free(s);
                return;
        }
        c->sessions[place] = s;
        client_send(s->io, hello(c, peer));
}

static bool identify(struct control *c, int fd, struct peer *peer)
{
        if (c->config.identify != NULL)
                return c->config.identify(c->config.identify_ctx, fd, peer);
        return peer_identify(&c->rules, fd, peer);
}

static void receive(struct control *c, int fd)
{
        struct peer peer;
        char why[240] = "";
        int place;

        if (!identify(c, fd, &peer)) {
                turn_away(fd, JSONRPC_DENIED, 5, "the system does not tell who is calling");
                return;
        }
        if (peer.role == TOOL_ROLE_NONE) {
                (void)snprintf(why, sizeof why,
                    "%s has no role on %s: the tool file's access list names neither the user nor one of its "
                    "groups",
                    peer.user, c->config.tool->name);
                turn_away(fd, JSONRPC_DENIED, 5, why);
                return;
        }
        place = free_place(c, &peer, why, sizeof why);
        if (place < 0)
                turn_away(fd, JSONRPC_LIMIT, 1, why);
        else
                seat(c, place, fd, &peer);
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
        const struct timeval rest = {.tv_sec = 1};
        struct control *c = arg;
        int peer_fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        (void)what;
        if (peer_fd >= 0) {
                receive(c, peer_fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                (void)event_del(c->acceptable);
                (void)event_add(c->retry, &rest);
        }
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
        struct control *c = arg;

        (void)fd;
        (void)what;
        (void)event_add(c->acceptable, NULL);
}

/* ---- What the daemon tells ---- */

void control_reply(struct control *c, const struct effect_reply *reply)
{
        for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
                if (c->sessions[i] != NULL)
                        dispatch_reply(c->sessions[i], reply);
}

void control_event(struct control *c, const struct record *r)
{
        const char *line;
        size_t len = 0;

        if (r->kind != RECORD_EVENT)
                return;
        line = feed_event(c->feed, r, &len);
        for (int i = 0; line != NULL && i < CONTROL_CLIENTS_MAX; i++)
                if (c->sessions[i] != NULL && c->sessions[i]->seen != NULL)
                        client_send_line(c->sessions[i]->io, line, len);
}

static bool is_due(const struct session *s)
{
        return s != NULL && s->seen != NULL && client_queued(s->io) == 0 && !client_is_ending(s->io);
}

void control_publish(struct control *c)
{
        struct timespec t;
        bool is_looked_at = false;

        for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
                const char *line;
                size_t len = 0;
                if (!is_due(c->sessions[i]))
                        continue;
                if (!is_looked_at) {
                        (void)clock_gettime(CLOCK_REALTIME, &t);
                        feed_turn(c->feed, c->config.owner.core(c->config.owner.ctx),
                            dispatch_outlook(&c->config.owner),
                            (int64_t)t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000);
                        is_looked_at = true;
                }
                line = feed_update(c->feed, &c->sessions[i]->seen, &len);
                if (line != NULL)
                        client_send_line(c->sessions[i]->io, line, len);
        }
}
