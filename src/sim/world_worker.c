#include "world_state.h" /* struct world */

#include "ald/base/time.h" /* TIME_MS, TIME_NEVER, time_min */

#include <assert.h> /* assert */
#include <string.h> /* memset */

/* As in bus/worker.c: what is left to write at the end has this long; while events cannot be handed over, look again
 * this often. */
#define STOP_US  INT64_C(700000)
#define STALL_US INT64_C(5000)

/* How late a thread wakes, and how late the loop hears of it, us. */
enum { WAKE_US_MAX = 100, HEAR_US_MIN = 5, HEAR_US_MAX = 60 };

_Static_assert(
    (int)WORLD_ORDERS_URGENT >= (int)TOOL_TAGS_MAX + (int)SCHED_PAIRS_MAX, "all that is urgent in a turn");

/* ---- The loop's side ---- */

static void wake(struct world *w, struct world_link *l)
{
        l->wake_us = time_min(l->wake_us, w->now_us + random_below(&w->on_worker, WAKE_US_MAX));
}

static void hear(struct world *w)
{
        w->bus_us = time_min(w->bus_us, w->now_us + random_between(&w->on_worker, HEAR_US_MIN, HEAR_US_MAX));
}

static bool is_urgent(const struct world_order *o)
{
        return o->kind == WORLD_ORDER_REVOKE || (o->kind == WORLD_ORDER_WRITE && o->u.write.is_safe);
}

/* Every order ends in a report, also one that found no place. */
static void refuse(struct world *w, const struct world_order *o)
{
        struct world_refused *no = &w->refused[(w->refused_head + w->refused_count) % WORLD_UNTAKEN];

        if ((o->kind != WORLD_ORDER_WRITE && o->kind != WORLD_ORDER_PULSE) ||
            w->refused_count == WORLD_UNTAKEN)
                return;
        w->refused_count++;
        if (o->kind == WORLD_ORDER_WRITE) {
                no->kind = EVENT_WROTE;
                no->u.wrote = (struct event_wrote){.tag = o->u.write.tag,
                    .cause = o->u.write.cause,
                    .id = o->u.write.id,
                    .value = o->u.write.value};
        } else {
                no->kind = EVENT_PULSE;
                no->u.pulse = (struct event_pulse){
                    .id = o->u.pulse.id, .tag = o->u.pulse.tag, .outcome = PULSE_REFUSED};
        }
        hear(w);
}

void world_worker_order(struct world *w, int link, const struct world_order *order)
{
        struct world_link *l = &w->links[link];
        int room = WORLD_ORDERS - l->order_count;

        if (room == 0 && order->kind == WORLD_ORDER_REVOKE) {
                l->must_revoke = true;
        } else if (room == 0 || (!is_urgent(order) && room <= WORLD_ORDERS_URGENT)) {
                refuse(w, order);
                return;
        } else {
                l->orders[(l->order_head + l->order_count++) % WORLD_ORDERS] = *order;
        }
        wake(w, l);
}

void world_worker_feed(struct world *w, int64_t turn_us)
{
        for (int i = 0; i < w->tool->link_count; i++) {
                w->links[i].turn_us = turn_us;
                if (w->links[i].has_watchdog)
                        wake(w, &w->links[i]);
        }
}

void world_worker_expect(struct world *w, int64_t open_us)
{
        for (int i = 0; i < w->tool->link_count; i++)
                w->links[i].expected_us = open_us;
}

void world_worker_stop(struct world *w, int link)
{
        w->links[link].is_stopping = true;
        wake(w, &w->links[link]);
}

/* ---- The worker's side ---- */

static void take_order(struct world *w, struct world_link *l, const struct world_order *o)
{
        switch (o->kind) {
        case WORLD_ORDER_WRITE:
                sched_write(l->sched, &o->u.write, w->now_us);
                break;
        case WORLD_ORDER_PULSE:
                sched_pulse(l->sched, &o->u.pulse, w->now_us);
                break;
        case WORLD_ORDER_REVOKE:
                sched_revoke(l->sched, o->u.revoke_id, w->now_us);
                break;
        case WORLD_ORDER_REARM:
                sched_rearm(l->sched, o->u.device);
                break;
        case WORLD_ORDER_PROVE:
                sched_prove(l->sched, &o->u.prove, w->now_us);
                break;
        }
}

static void take_orders(struct world *w, struct world_link *l)
{
        if (l->turn_us != INT64_MIN) {
                sched_feed(l->sched, l->turn_us);
                sched_expect(l->sched, l->expected_us);
        }
        if (l->must_revoke)
                sched_revoke_all(l->sched, w->now_us);
        l->must_revoke = false;
        while (l->order_count > 0 && sched_hears(l->sched)) {
                take_order(w, l, &l->orders[l->order_head]);
                l->order_head = (l->order_head + 1) % WORLD_ORDERS;
                if (--l->order_count == 0)
                        l->order_head = 0; /* what is used again and again stays in the cache */
        }
        if (!l->is_ending && l->is_stopping) {
                l->is_ending = true;
                l->end_by_us = w->now_us + STOP_US;
                sched_stop(l->sched, w->now_us);
        }
}

static void give_events(struct world *w, struct world_link *l)
{
        bool is_news = false;

        if (l->event_count == 0)
                l->event_head = 0;
        for (;;) {
                l->is_stalled = l->event_count == WORLD_EVENTS;
                if (l->is_stalled ||
                    !sched_report(l->sched, &l->events[(l->event_head + l->event_count) % WORLD_EVENTS]))
                        break;
                l->event_count++;
                is_news = true;
        }
        if (is_news)
                hear(w);
}

static void wait_until(struct world *w, struct world_link *l, int64_t until_us)
{
        if (l->is_stalled)
                until_us = time_min(until_us, w->now_us + STALL_US);
        if (l->is_ending)
                until_us = time_min(until_us, l->end_by_us);
        if (until_us < w->now_us)
                until_us = w->now_us;
        l->wake_us = time_add(until_us, 1 + random_below(&w->on_worker, WAKE_US_MAX));
}

static void finish(struct world *w, int link)
{
        struct world_link *l = &w->links[link];

        give_events(w, l);
        l->is_over = true;
        l->wake_us = TIME_NEVER;
        world_disconnect(w, link); /* its descriptors are closed */
}

/* Until it waits, for time or for an answer. */
static void work(struct world *w, int link)
{
        struct world_link *l = &w->links[link];

        take_orders(w, l);
        give_events(w, l);
        if (l->is_ending && (sched_is_idle(l->sched) || w->now_us >= l->end_by_us)) {
                finish(w, link);
                return;
        }
        sched_next(l->sched, w->now_us, &l->call.action);
        if (l->call.action.kind == SCHED_WAIT) {
                give_events(w, l); /* choosing may have ended an order */
                wait_until(w, l, l->call.action.until_us);
                return;
        }
        l->wake_us = TIME_NEVER;
        world_call_begin(w, link);
}

static bool is_in_call(const struct world_link *l)
{
        return l->call.n != 0;
}

int64_t world_worker_due(const struct world *w, int link)
{
        const struct world_link *l = &w->links[link];
        int64_t due_us;

        if (l->sched == NULL || l->is_over)
                return TIME_NEVER;
        due_us = is_in_call(l) ? world_call_due(w, link) : time_min(l->wake_us, l->stray_us);
        return due_us > w->workers_until_us ? due_us : w->workers_until_us;
}

void world_worker_run(struct world *w, int link)
{
        struct world_link *l = &w->links[link];

        if (is_in_call(l)) {
                world_call_end(w, link);
                sched_done(l->sched, &l->call.result);
        } else if (l->is_connected && l->stray_us <= w->now_us) {
                l->stray_us = TIME_NEVER;
                sched_lost(l->sched, w->now_us, "bytes came that nobody had asked for");
        }
        work(w, link);
}

static bool has_watchdog(const struct tool *tool, int link)
{
        for (int i = 0; i < tool->device_count; i++)
                if (tool->devices[i].link == link && tool->devices[i].watchdog.present)
                        return true;
        return false;
}

bool world_worker_start(struct world *w, int link, bool was_left_open)
{
        struct world_link *l = &w->links[link];

        l->sched = sched_new(w->tool, link, w->now_us);
        l->has_watchdog = has_watchdog(w->tool, link);
        l->wake_us = w->now_us;
        l->turn_us = INT64_MIN;
        l->must_revoke = l->is_stopping = l->is_stalled = l->is_ending = l->is_over = false;
        l->order_head = l->order_count = l->event_head = l->event_count = 0;
        l->call.n = 0;
        world_disconnect(w, link);
        if (l->sched != NULL && was_left_open)
                sched_left_open(l->sched);
        return l->sched != NULL;
}
