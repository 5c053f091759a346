#include "core_state.h"

#include "ald/base/time.h" /* TIME_NEVER */

#include <assert.h>   /* assert */
#include <inttypes.h> /* PRId64 */
#include <stdio.h>    /* snprintf */
#include <stdlib.h>   /* calloc, free */
#include <string.h>   /* strcmp */

struct core *core_new(const struct tool *tool, const struct core_start *start)
{
        struct core *core = calloc(1, sizeof *core);

        if (core == NULL)
                return NULL;
        core->tool = tool;
        core->now_us = core->state_us = start->now_us;
        core->turn_us_max = start->turn_us_max > 0 ? start->turn_us_max : CORE_TURN_US_MAX;
        core->lagged_us = INT64_MIN;
        core->due_us = TIME_NEVER; /* the first turn is never late: links and record were opened before it */
        core->wall_us = start->wall_us;
        snapshot_init(&core->snap, tool);
        interlock_init(&core->locks, tool, start->now_us);
        output_init(&core->outs, tool);
        core->outs.was_left_open = start->was_left_open || start->interrupted_run != 0;
        token_init(&core->token, tool->control_lapse_us);
        core->standby_us = core->asked_us = TIME_NEVER;
        alarm_init(&core->alarms, tool);
        core_init_plausible(core);
        core_init_counts(core, start->counts);
        core_init_trend(core, &start->past);
        core->state = MACHINE_ABORTING;
        core->is_starting_up = true;
        core->interrupted_run = start->interrupted_run;
        core->next_run_id = start->next_run_id > 0 ? start->next_run_id : 1;
        core->store_ok = start->store_ok;
        text_copy(core->store_why, sizeof core->store_why, start->store_why);
        text_copy(core->reason, sizeof core->reason, "start-up: the abort image is being confirmed");
        for (int i = 0; i < tool->link_count; i++)
                core->link[i].down_us = start->now_us;
        for (int i = 0; i < tool->tag_count; i++)
                core->logged[i].t_us = INT64_MIN;
        for (int i = 0; i < tool->loop_count; i++)
                core->heater_good_us[i] = start->now_us;
        core_watch_windows(core, &tool->conds);
        output_want_image(&core->outs, TOOL_IMAGE_ABORT, CAUSE_STARTUP);
        return core;
}

void core_free(struct core *core)
{
        free(core);
}

void core_copy(struct core *to, const struct core *from)
{
        assert(to->tool == from->tool && to->out == NULL && from->out == NULL);
        *to = *from;
}

void core_watch_windows(struct core *core, const struct cond_pool *pool)
{
        for (int i = 0; i < pool->count; i++)
                if (pool->nodes[i].slot >= 0)
                        snapshot_watch(
                            &core->snap, pool->nodes[i].slot, pool->nodes[i].a, pool->nodes[i].over_us);
}

/* The worst turn beside samples and writes: every alarm comes off its shelf, comes and goes; every trip latches; every device is
 * re-armed; every bypass ends; every state is passed, with what a transition tells; and two sections of a program walk. */
enum {
        TELLS_OF_A_STATE = 6,
        TELLS_OF_STEPS = 160,
        TELLS_OF_COUNTS = 8, /* one of a write, two of a pulse, those that count.c bounds, one of a command */
        TELLS_OF_A_TURN = 3 * ALARM_MAX + TOOL_INTERLOCKS_MAX + CORE_LATCHES_MAX + TOOL_DEVICES_MAX +
                          BYPASS_MAX + MACHINE_STATE_COUNT * TELLS_OF_A_STATE + TELLS_OF_STEPS +
                          TELLS_OF_COUNTS + 48
};
static_assert(EFFECTS_MAX >= EVENT_SAMPLES_MAX + TOOL_TAGS_MAX + TELLS_OF_A_TURN, "the worst turn has room");

struct effect *core_emit(struct core *core, enum effect_kind kind)
{
        struct effect *e;

        assert(core->out != NULL && core->out->count < EFFECTS_MAX);
        e = &core->out->item[core->out->count++];
        e->kind = kind;
        return e;
}

int64_t core_wall(const struct core *core, int64_t t_us)
{
        return core->wall_us + (t_us - core->now_us);
}

/* ---- trips of the core's own ---- */

void core_trip(
    struct core *core, const char *id, enum tool_action action, const char *guidance, const char *text)
{
        if (interlock_raise(&core->locks, id, action, text, guidance, core->wall_us)) {
                core_log(core, "trip", RECORD_TRIP, id, "%s", text);
                core_act_on_trip(core, action, text);
        }
}

static void watch_lag(struct core *core)
{
        int64_t lag_us = core->due_us == TIME_NEVER ? 0 : core->now_us - core->due_us;
        char why[96];

        core_alarm(core, "loop-slow", lag_us > CORE_LAG_ALARM_US, TOOL_PRIORITY_HIGH,
            "Look for what stalls the machine.", "a turn came %" PRId64 " ms late", lag_us / TIME_MS);
        /* Its cause stands until the loop has kept time for a while: a reset that waited in the stall clears nothing that
         * nobody has seen (T2). */
        if (core->lagged_us != INT64_MIN && core->now_us - core->lagged_us > CORE_LAG_OVER_US) {
                core->lagged_us = INT64_MIN;
                interlock_clear(&core->locks, "loop-lag");
        }
        if (lag_us <= CORE_LAG_US)
                return;
        core->lags++;
        if (lag_us <= CORE_LAG_TRIP_US)
                return;
        snprintf(why, sizeof why, "the control loop stood still for %" PRId64 " ms", lag_us / TIME_MS);
        core->lagged_us = core->now_us;
        core_trip(core, "loop-lag", TOOL_ACT_ABORT, "Look for what stalls the machine.", why);
}

static void watch_links(struct core *core)
{
        for (int i = 0; i < core->tool->link_count; i++) {
                char id[TOOL_NAME_MAX + 8], why[256];

                if (core->link[i].is_up && core->locks.latch_count == 0)
                        continue;
                snprintf(id, sizeof id, "link-%s", core->tool->links[i].name);
                if (core->link[i].is_up) {
                        interlock_clear(&core->locks, id);
                        continue;
                }
                if (core->is_starting_up || core->now_us - core->link[i].down_us <= CORE_LINK_US ||
                    !output_is_energised_on(&core->outs, i))
                        continue;
                snprintf(why, sizeof why, "link %s is down with outputs energised: %s",
                    core->tool->links[i].name, core->link[i].why);
                core_trip(core, id, TOOL_ACT_ABORT, "Look at the cable and the module's power.", why);
        }
}

static void watch_outputs(struct core *core)
{
        double expected;
        int tag = output_find_strayed(&core->outs, &core->snap, &expected);
        char id[TOOL_NAME_MAX + 8], why[256], wanted[48], seen[48];
        struct text t;

        if (tag < 0)
                return;
        text_init(&t, wanted, sizeof wanted);
        tool_add_value(&t, &core->tool->tags[tag], expected);
        text_init(&t, seen, sizeof seen);
        tool_add_value(&t, &core->tool->tags[tag], core->snap.tag[tag].value);
        snprintf(id, sizeof id, "follow-%s", core->tool->tags[tag].name);
        snprintf(why, sizeof why, "%s was commanded %s and reads back %s", core->tool->tags[tag].name, wanted,
            seen);
        core_trip(core, id, TOOL_ACT_ABORT, "A second master, or a module that does not obey.", why);
        interlock_clear(&core->locks, id);
}

static void watch_pulse(struct core *core)
{
        char why[160];

        if (!core->pulse.is_live || core->now_us - core->pulse.close_us <= CORE_CLOSE_US)
                return;
        snprintf(why, sizeof why, "pulse %s: no word of its close", core_pulse_name(core));
        core_trip(core, "pulse-close", TOOL_ACT_ABORT, "Look at the valve and its module.", why);
        interlock_clear(&core->locks, "pulse-close");
}

/* A permit that is lost while its output is open closes it at once and holds (V4). */
static void watch_permits(struct core *core)
{
        for (int i = 0; i < core->tool->tag_count; i++) {
                const struct tool_tag *tag = &core->tool->tags[i];
                const struct output *out = &core->outs.out[i];
                bool is_pulsing = out->pulse_id != 0;
                char why[256];
                struct text t;
                int which;

                if (!tag->is_output)
                        continue;
                if (!is_pulsing &&
                    (!out->has_wanted || !(out->wanted < tag->safe || out->wanted > tag->safe)))
                        continue;
                if (interlock_permits(&core->locks, &core->snap, i, &which))
                        continue;
                text_init(&t, why, sizeof why);
                interlock_add_reason(&t, &core->locks, &core->snap, which);
                if (!is_pulsing)
                        output_want(&core->outs, i, tag->safe, CAUSE_PERMIT);
                core_pause_rotation(core, i);
                if (machine_next(core->state, MACHINE_ON_HOLD) >= 0)
                        core_log(core, "permit", RECORD_ALARM, tag->name, "%s", why);
                core_hold(core, true, "%s closed: %s", tag->name, why);
        }
}

/* Heater power needs a temperature that is Good and young (H1): without one the set-point goes to its safe value
 * (core_apply_forced) and the run holds. */
static void watch_heaters(struct core *core)
{
        for (int i = 0; i < core->tool->loop_count; i++) {
                const struct tool_loop *loop = &core->tool->loops[i];
                const struct tool_tag *setpoint = &core->tool->tags[loop->setpoint];
                const struct output *out = &core->outs.out[loop->setpoint];
                bool is_good = snapshot_is_good(&core->snap, loop->value);
                char id[TOOL_NAME_MAX + 8], why[256];
                struct text t;

                if (is_good)
                        core->heater_good_us[i] = core->snap.tag[loop->value].t_us;
                if (is_good && core->locks.latch_count == 0)
                        continue;
                snprintf(id, sizeof id, "heater-%s", loop->name);
                if (is_good) {
                        interlock_clear(&core->locks, id);
                        continue;
                }
                if (loop->kind != TOOL_LOOP_HEATER ||
                    core->now_us - core->heater_good_us[i] <= CORE_HEATER_US)
                        continue;
                if (!out->has_commanded ||
                    !(out->commanded < setpoint->safe || out->commanded > setpoint->safe))
                        continue;
                text_init(&t, why, sizeof why);
                text_add(&t, "%s is heated without a Good temperature: ", loop->name);
                snapshot_add_tag(&t, &core->snap, core->tool, loop->value);
                core_trip(core, id, TOOL_ACT_HOLD, "Look at the sensor and its controller.", why);
        }
}

/* Trips of the tool file that latched in this turn act in order of their place. */
static void act_on_trips(struct core *core)
{
        for (int i = 0; i < core->locks.fresh_count; i++) {
                int which = core->locks.fresh[i];
                const struct tool_interlock *lock = &core->tool->interlocks[which];
                char why[256];
                struct text t;

                text_init(&t, why, sizeof why);
                interlock_add_reason(&t, &core->locks, &core->snap, which);
                core_log(core, "trip", RECORD_TRIP, lock->id, "%s", why);
                core_act_on_trip(core, lock->then, why);
        }
}

/* ---- events ---- */

static void fold_samples(struct core *core, const struct event *event)
{
        for (int i = 0; i < event->u.samples.count; i++) {
                const struct sample *s = &event->u.samples.item[i];

                if (s->tag < 0 || s->tag >= core->tool->tag_count ||
                    !snapshot_fold(&core->snap, core->tool, s))
                        continue;
                if (s->tag != core->tool->gauge || core->snap.tag[s->tag].link_quality != QUALITY_GOOD)
                        continue;
                pulse_gauge_sample(&core->gauge, s->t_us, s->value);
                core_base_sample(core, s->t_us, s->value);
        }
}

static void log_samples(struct core *core, const struct event *event)
{
        for (int i = 0; i < event->u.samples.count; i++)
                if (event->u.samples.item[i].tag >= 0 && event->u.samples.item[i].tag < core->tool->tag_count)
                        core_log_sample(core, event->u.samples.item[i].tag);
}

static void fold_link(struct core *core, const struct event_link *link)
{
        /* Down since the first word of it: a link that keeps failing does not start anew each time. */
        if (link->up || core->link[link->link].is_up)
                core->link[link->link].down_us = core->now_us;
        core->link[link->link].is_up = link->up;
        if (link->up)
                output_hurry(&core->outs, link->link, core->now_us);
        text_copy(core->link[link->link].why, sizeof core->link[link->link].why, link->why);
        core_log(core, "link", link->up ? RECORD_INFO : RECORD_WARNING, core->tool->links[link->link].name,
            "%s%s%s", link->up ? "up" : "down", link->why[0] != '\0' ? ": " : "", link->why);
}

static void fold_watchdog(struct core *core, const struct event_watchdog *w)
{
        static const char *const words[] = {"off", "running", "expired"};
        char id[TOOL_NAME_MAX + 16], why[160], count[40] = "";

        if (core_fold_proof(core, w) ||
            (w->proof != WATCHDOG_PROOF_NO_NEWS && w->status == core->watchdog[w->device]))
                return;
        core->watchdog[w->device] = w->status;
        if (w->count >= 0)
                snprintf(count, sizeof count, " (events counted: %d)", (int)w->count);
        core_log(core, "watchdog", w->status == TOOL_WATCHDOG_EXPIRED ? RECORD_ALARM : RECORD_INFO,
            core->tool->devices[w->device].name, "%s%s", words[w->status % 3], count);
        if (w->status != TOOL_WATCHDOG_EXPIRED)
                return;
        snprintf(id, sizeof id, "watchdog-%s", core->tool->devices[w->device].name);
        snprintf(why, sizeof why, "the watchdog of %s expired: its outputs went to their safe values",
            core->tool->devices[w->device].name);
        core_trip(core, id, TOOL_ACT_ABORT,
            "The daemon or the link was silent. Look at the tool, then reset.", why);
        /* The reset itself re-arms it (enter_clearing), so its cause never stands in the way. */
        interlock_clear(&core->locks, id);
}

static void fold_wrote(struct core *core, const struct event_wrote *w)
{
        const struct tool_tag *tag = &core->tool->tags[w->tag];
        char value[48];
        struct text t;

        bool is_unwanted = w->unasked && (w->value < core->outs.out[w->tag].wanted ||
                                             w->value > core->outs.out[w->tag].wanted);
        bool is_news = output_tells(&core->outs, w);

        output_wrote(&core->outs, w, core->now_us);
        core_count_write(core, w);
        text_init(&t, value, sizeof value);
        tool_add_value(&t, tag, w->value);
        if (w->unasked)
                core_pause_rotation(core, w->tag);
        if (is_unwanted || (w->unasked && (w->cause == CAUSE_LEASE || w->cause == CAUSE_DEADLINE)))
                core_hold(core, true, "%s was set %s by its link: %s", tag->name, value,
                    cause_name((enum cause)w->cause));
        if (w->unasked)
                core_log(core, "output", RECORD_ALARM, tag->name, "%s by its link: %s", value,
                    cause_name((enum cause)w->cause));
        else if (is_news)
                core_log(core, "output", w->ok ? RECORD_INFO : RECORD_WARNING, tag->name, "%s (%s)%s", value,
                    cause_name((enum cause)w->cause), w->ok ? "" : ": not acknowledged");
}

/* A run that cannot be recorded holds at its next safe point (L2): act.c looks at it in every turn. */
static void fold_store(struct core *core, const struct event *event)
{
        core->store_ok = event->u.store.ok;
        text_copy(core->store_why, sizeof core->store_why, event->u.store.why);
}

static void fold_event(struct core *core, const struct event *event)
{
        switch (event->kind) {
        case EVENT_SAMPLES:
                fold_samples(core, event);
                break;
        case EVENT_WROTE:
                fold_wrote(core, &event->u.wrote);
                break;
        case EVENT_PULSE:
                core_pulse_ended(core, &event->u.pulse);
                break;
        case EVENT_LINK:
                fold_link(core, &event->u.link);
                break;
        case EVENT_WATCHDOG:
                fold_watchdog(core, &event->u.watchdog);
                break;
        case EVENT_STORE:
                fold_store(core, event);
                break;
        case EVENT_TICK:
        case EVENT_COMMAND:
                break;
        }
}

/* Told with every turn, so that what no longer holds is forgotten by the next. */
static int64_t expected_pulse_us(const struct core *core)
{
        bool is_running = core->state == MACHINE_EXECUTE && core->is_in_program && core->recipe != NULL;

        return is_running ? core_next_pulse_us(core) : TIME_NEVER;
}

static void evaluate(struct core *core)
{
        core_watch_bypasses(core);
        core->snap.settled = step_settled(core, INT64_MIN);
        interlock_eval(&core->locks, &core->snap, core->wall_us);
        act_on_trips(core);
        watch_links(core);
        watch_outputs(core);
        watch_pulse(core);
        watch_heaters(core);
        watch_permits(core);
        core_watch_handed_over(core);
        core_watch_block(core);
        core_watch_plausible(core);
        core_watch_counts(core);
        core_watch_alarms(core);
}

int64_t core_step(struct core *core, const struct event *event, struct effects *out)
{
        assert(event->now_us >= core->now_us);
        out->count = 0;
        core->out = out;
        core->program_due_us = TIME_NEVER;
        /* 1. time */
        core->now_us = event->now_us;
        core->wall_us = event->wall_us;
        /* 2. the event, 3. age */
        fold_event(core, event);
        snapshot_age(&core->snap, core->tool, core->now_us);
        if (event->kind == EVENT_SAMPLES)
                log_samples(core, event);
        output_observe(&core->outs, &core->snap);
        /* 4. interlocks */
        watch_lag(core);
        evaluate(core);
        /* 5. the command, for whoever may give one now */
        core_watch_control(core);
        if (event->kind == EVENT_COMMAND)
                core_command(core, &event->u.command);
        /* 6. the sequencer and the acting states */
        core_act(core);
        core_turn_bed(core);
        core_prove_watchdogs(core);
        /* 7. outputs */
        core_apply_forced(core);
        output_arbitrate(&core->outs, &core->locks, &core->snap, out);
        /* 8. this turn evaluated the interlocks: it may feed */
        core_emit(core, EFFECT_FEED)->u.expected_us = expected_pulse_us(core);
        core->out = NULL;
        core->due_us = core_next_due(core);
        return core->due_us;
}
