#include "world_state.h" /* struct world */

#include "ald/base/text.h"  /* text_copy */
#include "ald/base/time.h"  /* TIME_NEVER, time_min */
#include "ald/core/core.h"  /* core_new, core_step */
#include "ald/core/trace.h" /* trace_fold_effects */

#include <assert.h> /* assert */

/* How late the loop's timer fires, and a descriptor is seen, us (libevent with precise timers). */
enum { TICK_US_MAX = 120, HEAR_US_MAX = 60 };

/* ---- Effects, as app/live.c carries them out ---- */

static int link_of(const struct world *w, int tag)
{
        return w->tool->devices[w->tool->tags[tag].device].link;
}

static void keep_record(struct world *w, const struct record *r)
{
        struct world_note n = world_note(w, WORLD_RECORD);

        n.flag = world_disk_post(w, r);
        n.record = r;
        if (r->kind == RECORD_SAMPLE)
                n.tag = r->u.sample.tag;
        world_tell(w, &n);
}

static void order_on_wire(struct world *w, const struct effect *e)
{
        struct world_order o;

        switch (e->kind) {
        case EFFECT_WRITE:
                o.kind = WORLD_ORDER_WRITE;
                o.u.write = e->u.write;
                world_worker_order(w, link_of(w, e->u.write.tag), &o);
                break;
        case EFFECT_PULSE:
                o.kind = WORLD_ORDER_PULSE;
                o.u.pulse = e->u.pulse;
                world_worker_order(w, link_of(w, e->u.pulse.tag), &o);
                break;
        case EFFECT_REVOKE:
                o.kind = WORLD_ORDER_REVOKE;
                o.u.revoke_id = e->u.revoke.id;
                world_worker_order(w, link_of(w, e->u.revoke.tag), &o);
                break;
        case EFFECT_REARM:
                o.kind = WORLD_ORDER_REARM;
                o.u.device = e->u.device;
                world_worker_order(w, w->tool->devices[e->u.device].link, &o);
                break;
        case EFFECT_PROVE:
                o.kind = WORLD_ORDER_PROVE;
                o.u.prove = e->u.prove;
                world_worker_order(w, w->tool->devices[e->u.prove.device].link, &o);
                break;
        case EFFECT_FEED:
                world_worker_expect(w, e->u.expected_us);
                world_worker_feed(w, w->now_us);
                break;
        default:
                break;
        }
}

static void tell_plain(struct world *w, enum world_note_kind kind, const struct effect_reply *reply)
{
        struct world_note n = world_note(w, kind);

        n.reply = reply;
        world_tell(w, &n);
}

static void order_elsewhere(struct world *w, const struct effect *e)
{
        switch (e->kind) {
        case EFFECT_RECORD:
                keep_record(w, &e->u.record);
                break;
        case EFFECT_REPLY:
                tell_plain(w, WORLD_REPLY, &e->u.reply);
                break;
        case EFFECT_RECIPE_DONE:
                tell_plain(w, WORLD_RECIPE_DONE, NULL);
                break;
        case EFFECT_READY:
                tell_plain(w, WORLD_READY, NULL);
                break;
        case EFFECT_EXIT:
                w->is_exiting = true;
                break;
        default:
                break;
        }
}

static void carry_out(struct world *w)
{
        /* The wire comes first: no record or reply stands before a safe write. */
        for (int i = 0; i < w->effects.count; i++)
                order_on_wire(w, &w->effects.item[i]);
        for (int i = 0; i < w->effects.count; i++)
                order_elsewhere(w, &w->effects.item[i]);
        for (int i = 0; w->is_exiting && i < w->tool->link_count; i++)
                world_worker_stop(w, i);
}

static void turn(struct world *w, struct event *event)
{
        struct world_note n = world_note(w, WORLD_TURN);
        int64_t due_us;

        assert(!w->is_exiting);
        event->now_us = w->now_us;
        event->wall_us = w->now_us + w->wall_offset_us;
        due_us = core_step(w->core, event, &w->effects);
        w->hash = trace_fold_int(trace_fold_effects(w->hash, &w->effects), due_us);
        carry_out(w);
        w->tick_us =
            time_add(due_us > w->now_us ? due_us : w->now_us, random_below(&w->on_loop, TICK_US_MAX));
        n.number = (int64_t)event->kind;
        world_tell(w, &n);
}

/* ---- The loop ---- */

static bool goes_on(const struct world *w)
{
        return !w->is_exiting && w->crash_down_us < 0;
}

static void take_refused(struct world *w)
{
        const struct world_refused *no = &w->refused[w->refused_head];

        w->event.kind = no->kind;
        if (no->kind == EVENT_WROTE)
                w->event.u.wrote = no->u.wrote;
        else
                w->event.u.pulse = no->u.pulse;
        w->refused_head = (w->refused_head + 1) % WORLD_UNTAKEN;
        w->refused_count--;
        turn(w, &w->event);
}

/* One event of a link, each link in its turn; false: none waits. */
static bool take_event(struct world *w)
{
        for (int n = 0; n < w->tool->link_count; n++) {
                int i = (w->from + n) % w->tool->link_count;
                struct world_link *l = &w->links[i];
                struct event *e = &l->events[l->event_head];

                if (l->event_count == 0)
                        continue;
                l->event_head = (l->event_head + 1) % WORLD_EVENTS;
                l->event_count--;
                w->from = i + 1;
                turn(w, e); /* no worker runs meanwhile, so that its place is still its own */
                return true;
        }
        return false;
}

static void take_bus(struct world *w)
{
        w->bus_us = TIME_NEVER;
        while (goes_on(w)) {
                if (w->refused_count > 0)
                        take_refused(w);
                else if (!take_event(w))
                        break;
        }
}

static void take_store(struct world *w)
{
        w->store_us = TIME_NEVER;
        w->event.kind = EVENT_STORE;
        w->event.u.store.ok = world_disk_ok(w);
        text_copy(w->event.u.store.why, sizeof w->event.u.store.why, world_disk_why(w));
        turn(w, &w->event);
}

static void take_command(struct world *w, const struct command *command)
{
        w->event.kind = EVENT_COMMAND;
        w->event.u.command = *command;
        turn(w, &w->event);
}

int64_t world_daemon_due(const struct world *w)
{
        int64_t due_us;

        if (w->core == NULL || w->is_exiting)
                return TIME_NEVER;
        due_us = time_min(time_min(w->tick_us, w->bus_us), w->store_us);
        if (w->command_count > 0)
                due_us = w->now_us;
        return due_us > w->loop_until_us ? due_us : w->loop_until_us;
}

void world_daemon_run(struct world *w)
{
        if (w->bus_us <= w->now_us)
                take_bus(w);
        if (goes_on(w) && w->store_us <= w->now_us)
                take_store(w);
        for (int i = 0; goes_on(w) && i < w->command_count; i++)
                take_command(w, &w->commands[i]);
        w->command_count = 0;
        if (goes_on(w) && w->tick_us <= w->now_us) {
                w->event.kind = EVENT_TICK;
                turn(w, &w->event);
        }
}

bool world_command(struct world *w, const struct command *command)
{
        struct world_note n = world_note(w, WORLD_COMMAND);

        assert(!w->is_happening);
        if (w->core == NULL || w->is_exiting || w->command_count == WORLD_COMMANDS)
                return false;
        w->is_happening = true;
        n.command = command;
        world_tell(w, &n);
        if (w->now_us < w->loop_until_us)
                w->commands[w->command_count++] = *command;
        else
                take_command(w, command);
        w->is_happening = false;
        world_daemon_crash(w);
        return true;
}

/* ---- Life ---- */

bool world_daemon_start(struct world *w)
{
        struct core_start start = {.now_us = w->now_us, .wall_us = w->now_us + w->wall_offset_us};
        struct world_note n = world_note(w, WORLD_BEGUN);

        assert(w->core == NULL);
        n.number = ++w->number;
        world_tell(w, &n);
        w->restart_us = w->bus_us = w->store_us = TIME_NEVER;
        w->is_exiting = false;
        w->loop_until_us = w->workers_until_us = INT64_MIN;
        w->from = w->refused_head = w->refused_count = w->command_count = 0;
        if (!world_disk_open(w, &start))
                return false;
        w->core = core_new(w->tool, &start);
        if (w->core == NULL)
                return false;
        for (int i = 0; i < w->tool->link_count; i++)
                if (!world_worker_start(w, i, start.was_left_open || start.interrupted_run != 0))
                        return false;
        w->event.kind = EVENT_TICK;
        turn(w, &w->event);
        return true;
}

/* The process is gone: its objects, its connections, what it had in memory. */
void world_daemon_end(struct world *w, bool is_killed)
{
        struct world_note n = world_note(w, WORLD_ENDED);

        assert(w->core != NULL);
        core_free(w->core);
        w->core = NULL;
        world_disk_drop(w);
        for (int i = 0; i < w->tool->link_count; i++) {
                sched_free(w->links[i].sched);
                w->links[i].sched = NULL;
                w->links[i].call.n = 0;
                world_disconnect(w, i);
        }
        n.flag = is_killed;
        world_tell(w, &n);
}

void world_daemon_crash(struct world *w)
{
        int64_t down_us = w->crash_down_us;

        if (down_us < 0)
                return;
        w->crash_down_us = -1;
        if (w->core != NULL)
                world_daemon_end(w, true);
        w->restart_us = w->now_us + down_us;
}

void world_crash(struct world *w, int64_t down_us)
{
        assert(down_us >= 0);
        w->crash_down_us = down_us;
        if (!w->is_happening)
                world_daemon_crash(w);
}

void world_stall(struct world *w, int64_t us, bool workers)
{
        struct world_note n = world_note(w, WORLD_STALL);

        assert(us >= 0);
        n.number = us;
        n.flag = workers;
        world_tell(w, &n);
        w->loop_until_us = w->now_us + us;
        if (workers)
                w->workers_until_us = w->now_us + us;
}

void world_step_clock(struct world *w, int64_t us)
{
        struct world_note n = world_note(w, WORLD_CLOCK);

        n.number = us;
        world_tell(w, &n);
        w->wall_offset_us += us;
}
