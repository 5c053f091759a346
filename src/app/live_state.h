/* The live runner, shared by its two parts: live.c carries events and effects, live_start.c begins and ends it. */
#ifndef ALD_SRC_APP_LIVE_STATE_H
#define ALD_SRC_APP_LIVE_STATE_H

#include "ald/app/digest.h"      /* DIGEST_HEX */
#include "ald/app/live.h"        /* struct live */
#include "ald/control/control.h" /* struct control_text, control_resume */
#include "ald/core/event.h"      /* struct event */
#include "ald/core/record.h"     /* enum record_severity */

#include <event2/event.h> /* struct event_base, evutil_socket_t */
#include <stdbool.h>      /* bool */
#include <stdint.h>       /* int64_t */

/* What people are told of what is to come is made anew this often. */
enum { LIVE_OUTLOOK_S = 1 };
/* Subscribers get what changed this often. */
#define LIVE_PUBLISH_US INT64_C(100000)

enum { DIAGNOSTICS_MAX = 16 * 1024, RECIPES_MAX = 4 };

struct live {
        const struct tool *tool;
        struct event_base *base;
        struct core *core;
        struct outlook *outlook;
        struct bus *bus;
        struct store *store;
        struct tape *tape;
        struct control *control;
        struct notify *notify;
        struct event *on_bus, *on_store, *on_time, *on_publish, *on_outlook, *on_term, *on_int, *on_notify;
        struct event event; /* too large for the stack of a turn */
        struct effects effects;
        struct recipe *recipes[RECIPES_MAX]; /* compiled here, owned until the core gives them back */
        int64_t due_us;
        uint64_t systemd_us; /* WATCHDOG_USEC, 0 = not asked for */
        int64_t systemd_fed_us;
        int signals;
        bool is_over;
        int notices;             /* of the store, told */
        int64_t interrupted_run; /* that the end of the process before left open, 0 = none */
        bool was_left_open;      /* by the process before, as far as is known (core/core.h) */
        char tool_sha256[DIGEST_HEX];
        char diagnostics[DIAGNOSTICS_MAX];
};

int64_t live_wall_now(void);

/* One turn of the core; *event has its kind, and its time comes here. */
void live_turn(struct live *live, struct event *event);

/* Callbacks of the loop; ctx is the struct live. */
void live_on_time(evutil_socket_t fd, short what, void *ctx);
void live_on_bus(evutil_socket_t fd, short what, void *ctx);
void live_on_store(evutil_socket_t fd, short what, void *ctx);
void live_on_notify(evutil_socket_t fd, short what, void *ctx);
void live_on_publish(evutil_socket_t fd, short what, void *ctx);
void live_on_outlook(evutil_socket_t fd, short what, void *ctx);
void live_on_signal(evutil_socket_t signal, short what, void *ctx);

/* What clients and hooks ask of the daemon (control/control.h, app/notify.h). */
void live_take_command(void *ctx, const struct command *command);
const struct core *live_give_core(void *ctx);
const struct outlook_now *live_give_outlook(void *ctx);
void live_tell_of_hook(void *ctx, enum record_severity severity, const char *text);
const struct recipe *live_compile(void *ctx, const struct control_text *texts, size_t count,
    const char *const *set_names, const char *const *set_values, size_t sets, struct control_resume *resume,
    const char **why);

#endif
