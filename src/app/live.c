#include "live_state.h"

#include "ald/app/journal.h"     /* journal_say */
#include "ald/app/live_recipe.h" /* live_recipe_compile */
#include "ald/app/notify.h"      /* notify_look */
#include "ald/app/usage.h"       /* usage_of_pulse_umol */
#include "ald/base/text.h"       /* struct text */
#include "ald/base/time.h"       /* TIME_S */
#include "ald/bus/bus.h"         /* bus_start, bus_next */
#include "ald/control/control.h" /* control_publish and friends */
#include "ald/core/core.h"       /* core_step */
#include "ald/core/outlook.h"    /* outlook_turn */
#include "ald/core/tape.h"       /* tape_turn */
#include "ald/file/file.h"       /* struct file_set */
#include "ald/store/store.h"     /* store_open, store_post */

#include <signal.h>            /* SIGTERM */
#include <stdlib.h>            /* calloc, free, getenv */
#include <string.h>            /* memset, memcpy */
#include <systemd/sd-daemon.h> /* sd_notify, sd_watchdog_enabled */
#include <time.h>              /* clock_gettime */
#include <unistd.h>            /* getpid, read, write */

enum { SETS_MAX = 64 };

int64_t live_wall_now(void)
{
        struct timespec ts;

        clock_gettime(CLOCK_REALTIME, &ts);
        return (int64_t)ts.tv_sec * TIME_S + ts.tv_nsec / 1000;
}

/* ---- effects ---- */

/* What an operator of the machine wants to read in the journal: everything that is not routine. */
static void say_record(const struct record *r)
{
        static const char *const priority[] = {"<6>", "<4>", "<3>", "<2>"};
        const struct record_event *e = &r->u.event;

        if (r->kind != RECORD_EVENT || (e->severity == RECORD_INFO && strcmp(e->kind, "state") != 0))
                return;
        journal_say("%s%s %s: %s", getenv("JOURNAL_STREAM") != NULL ? priority[e->severity] : "", e->kind,
            e->source, e->text);
}

static void keep_record(struct live *live, const struct record *r)
{
        store_post(live->store, r);
        say_record(r);
        if (r->kind == RECORD_EVENT)
                control_event(live->control, r);
        notify_look(live->notify, live->core, r);
}

/* An event of the daemon's own: of no run, whose record may be closed by now. */
void live_tell_of_hook(void *ctx, enum record_severity severity, const char *text)
{
        struct live *live = ctx;
        struct record r = {.kind = RECORD_EVENT, .wall_us = live_wall_now()};

        r.u.event.severity = severity;
        text_copy(r.u.event.kind, sizeof r.u.event.kind, "notify");
        text_copy(r.u.event.source, sizeof r.u.event.source, "aldd");
        text_copy(r.u.event.text, sizeof r.u.event.text, text);
        store_post(live->store, &r);
        say_record(&r);
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
                outlook_doubt(live->outlook);
                bus_write(live->bus, &e->u.write);
                break;
        case EFFECT_PULSE:
                outlook_doubt(live->outlook);
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
                journal_say("aldd: ready");
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

void live_turn(struct live *live, struct event *event)
{
        event->now_us = bus_now_us();
        event->wall_us = live_wall_now();
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

void live_on_time(evutil_socket_t fd, short what, void *ctx)
{
        struct live *live = ctx;

        (void)fd;
        (void)what;
        live->event.kind = EVENT_TICK;
        live_turn(live, &live->event);
}

void live_on_bus(evutil_socket_t fd, short what, void *ctx)
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
                live_turn(live, &live->event);
        }
}

/* The store has it in the record already. */
static void tell_notice(struct live *live, const struct store_state *state)
{
        struct record r = {.kind = RECORD_EVENT, .wall_us = live_wall_now()};

        if (state->notices == live->notices)
                return;
        live->notices = state->notices;
        r.u.event.severity = RECORD_ALARM;
        text_copy(r.u.event.kind, sizeof r.u.event.kind, "record");
        text_copy(r.u.event.source, sizeof r.u.event.source, "store");
        text_copy(r.u.event.text, sizeof r.u.event.text, state->notice);
        say_record(&r);
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

void live_on_store(evutil_socket_t fd, short what, void *ctx)
{
        struct live *live = ctx;

        (void)fd;
        (void)what;
        take_store_state(live, &live->event);
        live_turn(live, &live->event);
}

void live_on_notify(evutil_socket_t fd, short what, void *ctx)
{
        struct live *live = ctx;

        (void)fd;
        (void)what;
        if (notify_read(live->notify))
                return;
        event_del(live->on_notify);
        live_tell_of_hook(
            live, RECORD_ALARM, "the helper is gone: nobody is told until the daemon is started anew");
}

void live_on_publish(evutil_socket_t fd, short what, void *ctx)
{
        struct live *live = ctx;

        (void)fd;
        (void)what;
        control_publish(live->control);
}

void live_on_outlook(evutil_socket_t fd, short what, void *ctx)
{
        struct live *live = ctx;

        (void)fd;
        (void)what;
        outlook_turn(live->outlook, live->core);
}

/* The first signal ends in order; a second one does not wait for a running pulse. */
void live_on_signal(evutil_socket_t signal, short what, void *ctx)
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
        live_turn(live, &live->event);
}

/* ---- what clients ask of the daemon ---- */

void live_take_command(void *ctx, const struct command *command)
{
        struct live *live = ctx;

        live->event.kind = EVENT_COMMAND;
        live->event.u.command = *command;
        live_turn(live, &live->event);
}

const struct core *live_give_core(void *ctx)
{
        const struct live *live = ctx;

        return live->core;
}

const struct outlook_now *live_give_outlook(void *ctx)
{
        const struct live *live = ctx;

        return outlook_get(live->outlook);
}

const struct recipe *live_compile(void *ctx, const struct control_text *texts, size_t count,
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
