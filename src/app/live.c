#include "ald/app/live.h"

#include "ald/app/digest.h"      /* digest_sha256 */
#include "ald/app/live_recipe.h" /* live_recipe_compile */
#include "ald/app/notify.h"      /* notify_look */
#include "ald/app/usage.h"       /* usage_of_pulse_umol */
#include "ald/app/version.h"     /* version_text */
#include "ald/base/text.h"       /* text_add */
#include "ald/base/time.h"       /* TIME_S */
#include "ald/bus/bus.h"         /* bus_start, bus_next */
#include "ald/control/control.h" /* control_new */
#include "ald/core/core.h"       /* core_step */
#include "ald/core/outlook.h"    /* outlook_turn */
#include "ald/core/tape.h"       /* tape_turn */
#include "ald/file/file.h"       /* struct file_set */
#include "ald/store/store.h"     /* store_open, store_post */

#include <errno.h>             /* errno */
#include <event2/event.h>      /* struct event_base */
#include <pthread.h>           /* pthread_self */
#include <signal.h>            /* SIGTERM */
#include <stdio.h>             /* fprintf */
#include <stdlib.h>            /* calloc, free, getenv */
#include <string.h>            /* memset, memcpy */
#include <systemd/sd-daemon.h> /* sd_notify, sd_watchdog_enabled */
#include <time.h>              /* clock_gettime */
#include <unistd.h>            /* getpid, read, write */

/* Subscribers get what changed this often. */
static const int64_t publish_us = 100 * TIME_MS;
/* What people are told of what is to come is made anew this often. */
static const struct timeval outlook_every = {.tv_sec = 1};

enum { SETS_MAX = 64, DIAGNOSTICS_MAX = 16 * 1024, RECIPES_MAX = 4 };

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

static int64_t wall_now(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_REALTIME, &ts);
        return (int64_t)ts.tv_sec * TIME_S + ts.tv_nsec / 1000;
}

/* ---- effects ---- */

/* What an operator of the machine wants to read in the journal: everything that is not routine. */
static void journal(const struct record *r)
{
        static const char *const priority[] = {"<6>", "<4>", "<3>", "<2>"};
        const struct record_event *e = &r->u.event;

        if (r->kind != RECORD_EVENT || (e->severity == RECORD_INFO && strcmp(e->kind, "state") != 0))
                return;
        fprintf(stderr, "%s%s %s: %s\n", getenv("JOURNAL_STREAM") != NULL ? priority[e->severity] : "",
            e->kind, e->source, e->text);
}

static void keep_record(struct live *live, const struct record *r)
{
        store_post(live->store, r);
        journal(r);
        if (r->kind == RECORD_EVENT)
                control_event(live->control, r);
        notify_look(live->notify, live->core, r);
}

/* An event of the daemon's own: of no run, whose record may be closed by now. */
static void tell_of_hook(void *ctx, enum record_severity severity, const char *text)
{
        struct live *live = ctx;
        struct record r = {.kind = RECORD_EVENT, .wall_us = wall_now()};

        r.u.event.severity = severity;
        text_copy(r.u.event.kind, sizeof r.u.event.kind, "notify");
        text_copy(r.u.event.source, sizeof r.u.event.source, "aldd");
        text_copy(r.u.event.text, sizeof r.u.event.text, text);
        store_post(live->store, &r);
        journal(&r);
        if (live->control != NULL)
                control_event(live->control, &r);
}

/* systemd's watchdog is fed only from here: a turn that evaluated the interlocks (R1). */
static void feed(struct live *live, int64_t now_us)
{
        bus_feed(live->bus, now_us);
        if (live->systemd_us == 0 || now_us - live->systemd_fed_us < (int64_t)live->systemd_us / 4)
                return;
        live->systemd_fed_us = now_us;
        sd_notify(0, "WATCHDOG=1");
}

static void free_recipe(struct live *live, const struct recipe *recipe)
{
        for (int i = 0; i < RECIPES_MAX; i++) {
                if (live->recipes[i] != recipe)
                        continue;
                recipe_free(live->recipes[i]);
                live->recipes[i] = NULL;
        }
}

static void carry_out(struct live *live, const struct effect *e, int64_t now_us)
{
        switch (e->kind) {
        case EFFECT_WRITE:
                bus_write(live->bus, &e->u.write);
                break;
        case EFFECT_PULSE:
                bus_pulse(live->bus, &e->u.pulse);
                break;
        case EFFECT_REVOKE:
                bus_revoke(live->bus, e->u.revoke.id, e->u.revoke.tag);
                break;
        case EFFECT_FEED:
                bus_expect(live->bus, e->u.expected_us);
                feed(live, now_us);
                break;
        case EFFECT_REARM:
                bus_rearm(live->bus, e->u.device);
                break;
        case EFFECT_PROVE:
                bus_prove(live->bus, &e->u.prove);
                break;
        case EFFECT_RECORD:
                keep_record(live, &e->u.record);
                break;
        case EFFECT_REPLY:
                control_reply(live->control, &e->u.reply);
                break;
        case EFFECT_RECIPE_DONE:
                free_recipe(live, e->u.recipe);
                break;
        case EFFECT_READY:
                sd_notify(0, "READY=1");
                fprintf(stderr, "aldd: ready\n");
                notify_ready(live->notify, live->core, live->interrupted_run);
                break;
        case EFFECT_EXIT:
                live->is_over = true;
                notify_ending(live->notify, live->core);
                event_base_loopbreak(live->base);
                break;
        }
}

static bool is_for_wire(const struct effect *e)
{
        return e->kind == EFFECT_WRITE || e->kind == EFFECT_PULSE || e->kind == EFFECT_REVOKE ||
               e->kind == EFFECT_REARM || e->kind == EFFECT_PROVE || e->kind == EFFECT_FEED;
}

static void arm_timer(struct live *live)
{
        int64_t wait_us = live->due_us - bus_now_us();
        struct timeval tv;

        if (wait_us < 0)
                wait_us = 0;
        tv.tv_sec = (time_t)(wait_us / TIME_S);
        tv.tv_usec = (suseconds_t)(wait_us % TIME_S);
        evtimer_add(live->on_time, &tv);
}

static void turn(struct live *live, struct event *event)
{
        event->now_us = bus_now_us();
        event->wall_us = wall_now();
        live->due_us = core_step(live->core, event, &live->effects);
        /* The wire comes first: no record, reply or line in the journal stands before a safe write. */
        for (int i = 0; i < live->effects.count; i++)
                if (is_for_wire(&live->effects.item[i]))
                        carry_out(live, &live->effects.item[i], event->now_us);
        tape_turn(live->tape, live->core, event, &live->effects, live->due_us);
        for (int i = 0; i < live->effects.count; i++)
                if (!is_for_wire(&live->effects.item[i]))
                        carry_out(live, &live->effects.item[i], event->now_us);
        arm_timer(live);
}

/* ---- events ---- */

static void on_time(evutil_socket_t fd, short what, void *ctx)
{
        struct live *live = ctx;

        (void)fd;
        (void)what;
        live->event.kind = EVENT_TICK;
        turn(live, &live->event);
}

static void on_bus(evutil_socket_t fd, short what, void *ctx)
{
        struct live *live = ctx;
        uint64_t count;

        (void)what;
        if (read(fd, &count, sizeof count) < 0)
                return;
        while (!live->is_over && bus_next(live->bus, &live->event)) {
                if (live->event.kind == EVENT_PULSE)
                        live->event.u.pulse.used_umol =
                            usage_of_pulse_umol(live->tool, live->core, &live->event.u.pulse);
                turn(live, &live->event);
        }
}

/* The store has it in the record already. */
static void tell_notice(struct live *live, const struct store_state *state)
{
        struct record r = {.kind = RECORD_EVENT, .wall_us = wall_now()};

        if (state->notices == live->notices)
                return;
        live->notices = state->notices;
        r.u.event.severity = RECORD_ALARM;
        text_copy(r.u.event.kind, sizeof r.u.event.kind, "record");
        text_copy(r.u.event.source, sizeof r.u.event.source, "store");
        text_copy(r.u.event.text, sizeof r.u.event.text, state->notice);
        journal(&r);
        control_event(live->control, &r);
}

static void take_store_state(struct live *live, struct event *event)
{
        struct store_state state;

        store_get_state(live->store, &state);
        tell_notice(live, &state);
        event->kind = EVENT_STORE;
        event->u.store.ok = state.ok;
        text_copy(event->u.store.why, sizeof event->u.store.why, state.why);
}

static void on_store(evutil_socket_t fd, short what, void *ctx)
{
        struct live *live = ctx;

        (void)fd;
        (void)what;
        take_store_state(live, &live->event);
        turn(live, &live->event);
}

static void on_notify(evutil_socket_t fd, short what, void *ctx)
{
        struct live *live = ctx;

        (void)fd;
        (void)what;
        if (notify_read(live->notify))
                return;
        event_del(live->on_notify);
        tell_of_hook(
            live, RECORD_ALARM, "the helper is gone: nobody is told until the daemon is started anew");
}

static void on_publish(evutil_socket_t fd, short what, void *ctx)
{
        struct live *live = ctx;

        (void)fd;
        (void)what;
        control_publish(live->control);
}

static void on_outlook(evutil_socket_t fd, short what, void *ctx)
{
        struct live *live = ctx;

        (void)fd;
        (void)what;
        outlook_turn(live->outlook, live->core);
}

/* The first signal ends in order; a second one does not wait for a running pulse. */
static void on_signal(evutil_socket_t signal, short what, void *ctx)
{
        struct live *live = ctx;
        struct command *command = &live->event.u.command;

        (void)what;
        memset(&live->event, 0, sizeof live->event);
        live->event.kind = EVENT_COMMAND;
        command->verb = live->signals++ == 0 ? VERB_SHUTDOWN : VERB_ABORT;
        command->role = TOOL_ROLE_ENGINEER;
        command->uid = (uint32_t)getuid();
        command->pid = (uint32_t)getpid();
        text_copy(command->user, sizeof command->user, "signal");
        text_copy(command->text, sizeof command->text, signal == SIGTERM ? "SIGTERM" : "SIGINT");
        turn(live, &live->event);
}

/* ---- what clients ask of the daemon ---- */

static void take_command(void *ctx, const struct command *command)
{
        struct live *live = ctx;

        live->event.kind = EVENT_COMMAND;
        live->event.u.command = *command;
        turn(live, &live->event);
}

static const struct core *give_core(void *ctx)
{
        const struct live *live = ctx;

        return live->core;
}

static const struct outlook_now *give_outlook(void *ctx)
{
        const struct live *live = ctx;

        return outlook_get(live->outlook);
}

static const struct recipe *compile(void *ctx, const struct control_text *texts, size_t count,
    const char *const *set_names, const char *const *set_values, size_t sets, struct control_resume *resume,
    const char **why)
{
        struct live *live = ctx;
        struct file_set set[SETS_MAX];
        struct live_recipe ask = {.tool = live->tool,
            .tool_sha256 = live->tool_sha256,
            .texts = texts,
            .text_count = count,
            .sets = set,
            .set_count = sets,
            .resume = resume};
        struct text diagnostics;
        int slot = 0;

        *why = "no memory, or too many parameters";
        while (slot < RECIPES_MAX && live->recipes[slot] != NULL)
                slot++;
        if (sets > SETS_MAX || slot == RECIPES_MAX)
                return NULL;
        for (size_t i = 0; i < sets; i++)
                set[i] = (struct file_set){.name = set_names[i], .value = set_values[i]};
        text_init(&diagnostics, live->diagnostics, sizeof live->diagnostics);
        live->recipes[slot] = live_recipe_compile(&ask, &diagnostics);
        *why = live->diagnostics;
        return live->recipes[slot];
}

/* ---- life ---- */

static bool keep_piece(void *store, const struct tape_piece *piece)
{
        return store_post_input(store, piece);
}

/* In the writer's thread, which shares no lock with the loop: not by way of a stream. What is in the journal proves later that
 * the chain was not cut (`aldctl audit verify --head`). */
static void tell_head(int64_t id, const char *sha256, const char *when)
{
        char line[160];
        struct text t;

        text_init(&t, line, sizeof line);
        text_add(&t, "aldd: audit head %lld:%s (%s)\n", (long long)id, sha256, when);
        (void)!write(STDERR_FILENO, line, t.len);
}

static bool open_record(struct live *live, const struct live_config *config)
{
        struct store_config store = {.path = config->db_path,
            .tool = config->tool,
            .tool_text = config->tool_text,
            .tool_sha256 = live->tool_sha256,
            .version = version_text(),
            .sha256 = digest_sha256,
            .tell_head = tell_head};

        digest_sha256(config->tool_text, config->tool_text_len, live->tool_sha256);
        live->store = store_open(&store);
        if (live->store != NULL)
                live->tape = tape_new(&(struct tape_sink){.ctx = live->store, .take = keep_piece});
        return live->tape != NULL;
}

static bool start_core(struct live *live)
{
        struct store_state state;
        struct core_start start = {.now_us = bus_now_us(), .wall_us = wall_now()};
        struct counts counts;

        store_get_state(live->store, &state);
        start.next_run_id = state.next_run_id;
        start.past = state.past;
        live->interrupted_run = start.interrupted_run = state.interrupted_run;
        /* What nobody can say counts as left open. */
        live->was_left_open = start.was_left_open =
            state.was_left_open || state.interrupted_run != 0 || !state.ok;
        store_get_counts(live->store, &counts);
        start.counts = &counts;
        start.store_ok = state.ok;
        text_copy(start.store_why, sizeof start.store_why, state.why);
        if (!state.ok)
                fprintf(stderr, "aldd: the record is not sound, so no run can start: %s\n", state.why);
        live->core = core_new(live->tool, &start);
        live->outlook = outlook_new(live->tool);
        return live->core != NULL && live->outlook != NULL;
}

static bool start_control(struct live *live, const struct live_config *config)
{
        char why[256];
        struct control_config control = {.base = live->base,
            .path = config->socket_path,
            .tool = live->tool,
            .version = version_text(),
            .db_path = config->db_path,
            .owner = {.ctx = live,
                .command = take_command,
                .core = give_core,
                .outlook = give_outlook,
                .compile = compile}};

        live->control = control_new(&control, why, sizeof why);
        if (live->control == NULL)
                fprintf(stderr, "aldd: %s\n", why);
        return live->control != NULL;
}

static bool start_bus(struct live *live)
{
        const char *why = "";

        live->bus = bus_start(live->tool, &why);
        if (live->bus == NULL) {
                fprintf(stderr, "aldd: %s\n", why);
                return false;
        }
        if (live->was_left_open)
                bus_left_open(live->bus);
        return true;
}

static bool start_loop(struct live *live)
{
        struct event_config *config = event_config_new();
        struct timeval every = {.tv_usec = (suseconds_t)publish_us};

        if (config == NULL)
                return false;
        /* The default timers are about 2 ms late (SAFETY, trap 6). */
        event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
        live->base = event_base_new_with_config(config);
        event_config_free(config);
        if (live->base == NULL)
                return false;
        live->on_time = evtimer_new(live->base, on_time, live);
        live->on_publish = event_new(live->base, -1, EV_PERSIST, on_publish, live);
        live->on_outlook = event_new(live->base, -1, EV_PERSIST, on_outlook, live);
        live->on_term = evsignal_new(live->base, SIGTERM, on_signal, live);
        live->on_int = evsignal_new(live->base, SIGINT, on_signal, live);
        return live->on_time != NULL && live->on_publish != NULL &&
               event_add(live->on_publish, &every) == 0 && live->on_outlook != NULL &&
               event_add(live->on_outlook, &outlook_every) == 0 && live->on_term != NULL &&
               event_add(live->on_term, NULL) == 0 && live->on_int != NULL &&
               event_add(live->on_int, NULL) == 0;
}

static bool watch_threads(struct live *live)
{
        live->on_bus = event_new(live->base, bus_fd(live->bus), EV_READ | EV_PERSIST, on_bus, live);
        live->on_store = event_new(live->base, store_fd(live->store), EV_READ | EV_PERSIST, on_store, live);
        if (live->on_bus == NULL || event_add(live->on_bus, NULL) != 0 || live->on_store == NULL ||
            event_add(live->on_store, NULL) != 0)
                return false;
        event_active(live->on_store, EV_READ, 1); /* what it had to tell at its opening */
        if (notify_fd(live->notify) < 0)
                return true;
        notify_attach(live->notify, &(struct notify_owner){.ctx = live, .tell = tell_of_hook});
        live->on_notify =
            event_new(live->base, notify_fd(live->notify), EV_READ | EV_PERSIST, on_notify, live);
        return live->on_notify != NULL && event_add(live->on_notify, NULL) == 0;
}

/* Modules start in this order and end in the reverse one (live_free). */
static bool start_all(struct live *live, const struct live_config *config)
{
        return start_loop(live) && open_record(live, config) && start_core(live) &&
               start_control(live, config) && start_bus(live) && watch_threads(live);
}

/* What of it is so belongs into the record: whoever asks later why a pulse was late finds it there. */
static void tell_realtime(struct live *live, const struct realtime *rt)
{
        struct record r = {.kind = RECORD_EVENT, .wall_us = wall_now()};
        struct record_event *e = &r.u.event;
        struct text t;

        e->severity = realtime_is_whole(rt) ? RECORD_INFO : RECORD_WARNING;
        text_copy(e->kind, sizeof e->kind, "realtime");
        text_copy(e->source, sizeof e->source, "aldd");
        text_init(&t, e->text, sizeof e->text);
        text_add(&t, "real-time priority: ");
        realtime_describe(&t, rt, live->tool->link_count);
        store_post(live->store, &r);
        fprintf(stderr, "aldd: %s\n", e->text);
}

/* Last: threads that were started before keep the ordinary priority, the record's writer above all. */
static void raise_priorities(struct live *live, const struct live_config *config)
{
        struct realtime rt = config->realtime;

        if (rt.worker > 0 && !bus_raise(live->bus, rt.worker)) {
                rt.fifo_errno = errno;
                rt.worker = rt.loop = 0;
        }
        if (rt.loop > 0)
                realtime_raise(pthread_self(), rt.loop);
        tell_realtime(live, &rt);
}

struct live *live_new(const struct live_config *config)
{
        struct live *live = calloc(1, sizeof *live);

        if (live == NULL ||
            (live->tool = config->tool, live->notify = config->notify, !start_all(live, config))) {
                live_free(live);
                return NULL;
        }
        raise_priorities(live, config);
        if (sd_watchdog_enabled(0, &live->systemd_us) <= 0)
                live->systemd_us = 0;
        return live;
}

int live_run(struct live *live)
{
        live->event.kind = EVENT_TICK;
        turn(live, &live->event);
        event_base_dispatch(live->base);
        sd_notify(0, "STOPPING=1");
        return 0;
}

static void free_event(struct event *event)
{
        if (event != NULL)
                event_free(event);
}

void live_free(struct live *live)
{
        if (live == NULL)
                return;
        free_event(live->on_bus);
        free_event(live->on_store);
        if (live->bus != NULL)
                bus_stop(live->bus);
        if (live->control != NULL)
                control_free(live->control);
        outlook_free(live->outlook);
        live->control = NULL;
        free_event(live->on_notify);
        notify_finish(live->notify); /* outputs are safe, and the record still takes how its hooks ended */
        core_free(live->core);
        tape_free(live->tape);
        store_close(live->store);
        for (int i = 0; i < RECIPES_MAX; i++)
                recipe_free(live->recipes[i]);
        free_event(live->on_time);
        free_event(live->on_publish);
        free_event(live->on_outlook);
        free_event(live->on_term);
        free_event(live->on_int);
        if (live->base != NULL)
                event_base_free(live->base);
        free(live);
}
