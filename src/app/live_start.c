/* The live runner's life: its modules begin in one order and end in the reverse one. */
#include "live_state.h"

#include "ald/app/journal.h"     /* journal_say */
#include "ald/app/notify.h"      /* notify_attach, notify_finish */
#include "ald/app/version.h"     /* version_text */
#include "ald/base/text.h"       /* text_add */
#include "ald/bus/bus.h"         /* bus_start, bus_stop */
#include "ald/control/control.h" /* control_new */
#include "ald/core/core.h"       /* core_new */
#include "ald/core/outlook.h"    /* outlook_new */
#include "ald/core/tape.h"       /* tape_new */
#include "ald/store/store.h"     /* store_open, store_close */

#include <pthread.h>           /* pthread_self */
#include <signal.h>            /* SIGTERM */
#include <stdlib.h>            /* calloc, free */
#include <systemd/sd-daemon.h> /* sd_watchdog_enabled */

static bool keep_piece(void *store, const struct tape_piece *piece)
{
        return store_post_input(store, piece);
}

/* In the writer's thread. What is in the journal proves later that the chain was not cut (`aldctl audit verify --head`). */
static void tell_head(int64_t id, const char *sha256, const char *when)
{
        journal_say("aldd: audit head %lld:%s (%s)", (long long)id, sha256, when);
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
        struct core_start start = {.now_us = bus_now_us(), .wall_us = live_wall_now()};
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
                journal_say("aldd: the record is not sound, so no run can start: %s", state.why);
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
                .command = live_take_command,
                .core = live_give_core,
                .outlook = live_give_outlook,
                .compile = live_compile}};

        live->control = control_new(&control, why, sizeof why);
        if (live->control == NULL)
                journal_say("aldd: %s", why);
        return live->control != NULL;
}

static bool start_bus(struct live *live)
{
        const char *why = "";

        live->bus = bus_start(live->tool, &why);
        if (live->bus == NULL) {
                journal_say("aldd: %s", why);
                return false;
        }
        if (live->was_left_open)
                bus_left_open(live->bus);
        return true;
}

static bool start_loop(struct live *live)
{
        struct event_config *config = event_config_new();
        const struct timeval outlook = {.tv_sec = LIVE_OUTLOOK_S};
        struct timeval every = {.tv_usec = LIVE_PUBLISH_US};

        if (config == NULL)
                return false;
        /* The default timers are about 2 ms late (SAFETY, trap 6). */
        event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
        live->base = event_base_new_with_config(config);
        event_config_free(config);
        if (live->base == NULL)
                return false;
        live->on_time = evtimer_new(live->base, live_on_time, live);
        live->on_publish = event_new(live->base, -1, EV_PERSIST, live_on_publish, live);
        live->on_outlook = event_new(live->base, -1, EV_PERSIST, live_on_outlook, live);
        live->on_term = evsignal_new(live->base, SIGTERM, live_on_signal, live);
        live->on_int = evsignal_new(live->base, SIGINT, live_on_signal, live);
        return live->on_time != NULL && live->on_publish != NULL &&
               event_add(live->on_publish, &every) == 0 && live->on_outlook != NULL &&
               event_add(live->on_outlook, &outlook) == 0 && live->on_term != NULL &&
               event_add(live->on_term, NULL) == 0 && live->on_int != NULL &&
               event_add(live->on_int, NULL) == 0;
}

static bool watch_threads(struct live *live)
{
        live->on_bus = event_new(live->base, bus_fd(live->bus), EV_READ | EV_PERSIST, live_on_bus, live);
        live->on_store =
            event_new(live->base, store_fd(live->store), EV_READ | EV_PERSIST, live_on_store, live);
        if (live->on_bus == NULL || event_add(live->on_bus, NULL) != 0 || live->on_store == NULL ||
            event_add(live->on_store, NULL) != 0)
                return false;
        event_active(live->on_store, EV_READ, 1); /* what it had to tell at its opening */
        if (notify_fd(live->notify) < 0)
                return true;
        notify_attach(live->notify, &(struct notify_owner){.ctx = live, .tell = live_tell_of_hook});
        live->on_notify =
            event_new(live->base, notify_fd(live->notify), EV_READ | EV_PERSIST, live_on_notify, live);
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
        struct record r = {.kind = RECORD_EVENT, .wall_us = live_wall_now()};
        struct record_event *e = &r.u.event;
        struct text t;

        e->severity = realtime_is_whole(rt) ? RECORD_INFO : RECORD_WARNING;
        text_copy(e->kind, sizeof e->kind, "realtime");
        text_copy(e->source, sizeof e->source, "aldd");
        text_init(&t, e->text, sizeof e->text);
        text_add(&t, "real-time priority: ");
        realtime_describe(&t, rt, live->tool->link_count);
        store_post(live->store, &r);
        journal_say("aldd: %s", e->text);
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
        live_turn(live, &live->event);
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
