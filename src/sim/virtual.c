#include "ald/sim/virtual.h"

#include "ald/base/time.h"   /* TIME_NEVER, time_min */
#include "ald/core/recipe.h" /* struct recipe */

#include "virtual_state.h" /* struct virtual */

#include <assert.h> /* assert */
#include <stdlib.h> /* calloc, free */

/* A write is acknowledged this long after it was ordered: about what a module on Ethernet takes. */
static const int64_t reply_us = 1000;
static const int64_t sample_us_default = 50000;
/* Sparse: an event that is no sample comes with values no older than this. */
static const int64_t fresh_us = 50000;

static void carry_out(struct virtual *v);

void virtual_turn(struct virtual *v, struct event *event)
{
        event->now_us = v->now_us;
        event->wall_us = v->now_us + v->wall_offset_us;
        v->due_us = core_step(v->core, event, &v->effects);
        if (v->watch.took != NULL)
                v->watch.took(v->watch.ctx, v->core, event, &v->effects, v->due_us);
        carry_out(v);
        if (v->watch.turn != NULL)
                v->watch.turn(v->watch.ctx, v->core, v->now_us);
}

/* An event from outside. */
static void bring(struct virtual *v, struct event *event)
{
        if (v->is_sparse && v->now_us - v->sampled_us > fresh_us)
                virtual_send_samples(v);
        virtual_turn(v, event);
}

void virtual_event(struct virtual *v, struct event *event)
{
        bring(v, event);
}

static bool obeys(const struct virtual *v, int tag)
{
        return v->watch.obeys == NULL || v->watch.obeys(v->watch.ctx, tag);
}

static void put(struct virtual *v, int tag, double value, enum cause cause)
{
        sim_write(v->sim, tag, value);
        virtual_stir(v);
        if (v->watch.wire != NULL)
                v->watch.wire(v->watch.ctx, v->now_us, tag, value, cause);
}

static void order_write(struct virtual *v, const struct effect_write *w)
{
        assert(v->write_count < WRITES_MAX);
        v->writes[v->write_count++] = (struct pending_write){.write = *w, .sent_us = v->now_us};
        if (obeys(v, w->tag))
                put(v, w->tag, w->value, (enum cause)w->cause);
}

static void order_pulse(struct virtual *v, const struct effect_pulse *p)
{
        for (int i = 0; i < PAIRS_MAX; i++) {
                if (v->pairs[i].is_used)
                        continue;
                v->pairs[i] = (struct pair){.pulse = *p, .is_used = true};
                v->pairs[i].is_late =
                    v->watch.move != NULL && !v->watch.move(v->watch.ctx, &v->pairs[i].pulse);
                return;
        }
        assert(false && "a pair for every pulse");
}

static void order_revoke(struct virtual *v, uint32_t id)
{
        for (int i = 0; i < PAIRS_MAX; i++)
                if (v->pairs[i].is_used && v->pairs[i].pulse.id == id)
                        v->pairs[i].is_revoked = true;
}

static void rearm(struct virtual *v, int device)
{
        struct event event = {.kind = EVENT_WATCHDOG,
            .u.watchdog = {.device = (int16_t)device,
                .status = TOOL_WATCHDOG_RUNNING,
                .proof = WATCHDOG_PROOF_PASSED, /* without links there is nothing to prove */
                .count = -1,
                .seen_us = v->now_us,
                .measured_us = v->tool->devices[device].watchdog.timeout_us}};

        virtual_turn(v, &event);
}

/* What is only looked back at, and a pulse that is only ordered, set nothing in motion; its edges do. */
static bool stirs(const struct record *r)
{
        return r->kind == RECORD_RUN_STATE || r->kind == RECORD_EVENT || r->kind == RECORD_AUDIT;
}

static void carry_out(struct virtual *v)
{
        int rearm_device = -1; /* or prove */

        for (int i = 0; i < v->effects.count; i++) {
                const struct effect *e = &v->effects.item[i];

                switch (e->kind) {
                case EFFECT_WRITE:
                        order_write(v, &e->u.write);
                        break;
                case EFFECT_PULSE:
                        order_pulse(v, &e->u.pulse);
                        break;
                case EFFECT_REVOKE:
                        order_revoke(v, e->u.revoke.id);
                        break;
                case EFFECT_RECORD:
                        if (stirs(&e->u.record))
                                virtual_stir(v);
                        if (v->watch.record != NULL)
                                v->watch.record(v->watch.ctx, &e->u.record);
                        break;
                case EFFECT_REPLY:
                        if (v->watch.reply != NULL)
                                v->watch.reply(v->watch.ctx, &e->u.reply);
                        break;
                case EFFECT_REARM:
                        rearm_device = e->u.device;
                        break;
                case EFFECT_PROVE:
                        rearm_device = e->u.prove.stop ? rearm_device : e->u.prove.device;
                        break;
                case EFFECT_FEED:
                case EFFECT_RECIPE_DONE:
                case EFFECT_READY:
                case EFFECT_EXIT:
                        break;
                }
        }
        if (rearm_device >= 0)
                rearm(v, rearm_device);
}

static void answer_writes(struct virtual *v)
{
        while (v->write_count > 0 && v->writes[0].sent_us + reply_us <= v->now_us) {
                struct pending_write w = v->writes[0];
                bool ok = obeys(v, w.write.tag);
                struct event event = {.kind = EVENT_WROTE,
                    .u.wrote = {.tag = w.write.tag,
                        .cause = w.write.cause,
                        .ok = ok,
                        .id = w.write.id,
                        .value = w.write.value,
                        .sent_us = w.sent_us,
                        .acked_us = ok ? v->now_us : 0}};

                v->write_count--;
                for (int i = 0; i < v->write_count; i++)
                        v->writes[i] = v->writes[i + 1];
                bring(v, &event);
        }
}

static void end_pair(struct virtual *v, struct pair *pair, enum pulse_outcome outcome)
{
        struct pair done = *pair;
        bool opened = outcome == PULSE_DONE || outcome == PULSE_CUT;
        struct event event = {.kind = EVENT_PULSE,
            .u.pulse = {.id = done.pulse.id, .tag = done.pulse.tag, .outcome = (uint8_t)outcome}};

        pair->is_used = false;
        if (opened) {
                event.u.pulse.open_sent_us = event.u.pulse.open_acked_us = done.pulse.open_us;
                event.u.pulse.close_sent_us = done.closed_us;
                event.u.pulse.close_acked_us = v->now_us;
                event.u.pulse.is_device_timed =
                    outcome == PULSE_DONE && v->tool->tags[done.pulse.tag].pulse.present;
        }
        bring(v, &event);
}

/* Close what is due or revoked; its end is reported a moment later, as a module's acknowledgement comes. */
static void close_pair(struct virtual *v, struct pair *p)
{
        if (!p->is_closed && (p->is_revoked || v->now_us >= p->pulse.close_us)) {
                p->is_closed = true;
                p->is_cut = v->now_us < p->pulse.close_us;
                p->closed_us = v->now_us;
                put(v, p->pulse.tag, v->tool->tags[p->pulse.tag].safe, CAUSE_DEADLINE);
        }
        if (p->is_closed && v->now_us >= p->closed_us + reply_us)
                end_pair(v, p, p->is_cut ? PULSE_CUT : PULSE_DONE);
}

static void open_pair(struct virtual *v, struct pair *p)
{
        if (p->is_revoked) {
                end_pair(v, p, PULSE_REVOKED);
        } else if (v->now_us >= p->pulse.open_us && p->is_late) {
                end_pair(v, p, PULSE_LATE);
        } else if (v->now_us >= p->pulse.open_us) {
                p->is_open = true;
                put(v, p->pulse.tag, 1, CAUSE_STEP);
        }
}

/* The edges that are due now, closes first. */
static void move_pairs(struct virtual *v)
{
        for (int i = 0; i < PAIRS_MAX; i++)
                if (v->pairs[i].is_used && v->pairs[i].is_open)
                        close_pair(v, &v->pairs[i]);
        for (int i = 0; i < PAIRS_MAX; i++)
                if (v->pairs[i].is_used && !v->pairs[i].is_open)
                        open_pair(v, &v->pairs[i]);
}

static int64_t pair_due(const struct virtual *v, const struct pair *p)
{
        if (p->is_closed)
                return p->closed_us + reply_us;
        if (p->is_revoked)
                return v->now_us;
        return p->is_open ? p->pulse.close_us : p->pulse.open_us;
}

static int64_t next_time(const struct virtual *v)
{
        int64_t next = time_min(v->due_us, v->sample_next_us);

        if (v->write_count > 0)
                next = time_min(next, v->writes[0].sent_us + reply_us);
        for (int i = 0; i < PAIRS_MAX; i++)
                if (v->pairs[i].is_used)
                        next = time_min(next, pair_due(v, &v->pairs[i]));
        return next > v->now_us ? next : v->now_us;
}

void virtual_step(struct virtual *v, int64_t t_us)
{
        virtual_advance(v, time_min(next_time(v), t_us));
        move_pairs(v);
        answer_writes(v);
        if (v->now_us >= v->sample_next_us || (v->is_sparse && v->now_us >= v->due_us)) {
                virtual_send_samples(v);
        } else if (v->now_us >= v->due_us) {
                struct event tick = {.kind = EVENT_TICK};

                virtual_turn(v, &tick);
        }
}

void virtual_command(struct virtual *v, const struct command *command)
{
        struct event event = {.kind = EVENT_COMMAND, .u.command = *command};

        if (command->recipe != NULL)
                virtual_note_windows(v, &command->recipe->pool);
        bring(v, &event);
}

void virtual_run(struct virtual *v, int64_t t_us)
{
        while (v->now_us < t_us)
                virtual_step(v, t_us);
}

static bool is_in(const struct virtual *v, enum machine_state state)
{
        struct core_place place;

        core_get_place(v->core, &place);
        return place.state == state;
}

bool virtual_run_to(struct virtual *v, enum machine_state state, int64_t t_us)
{
        while (v->now_us < t_us && !is_in(v, state))
                virtual_step(v, t_us);
        return is_in(v, state);
}

static void come_up(struct virtual *v)
{
        for (int i = 0; i < v->tool->link_count; i++) {
                struct event event = {.kind = EVENT_LINK, .u.link = {.link = (int16_t)i, .up = true}};

                virtual_turn(v, &event);
        }
        for (int i = 0; i < v->tool->device_count; i++)
                if (v->tool->devices[i].watchdog.present)
                        rearm(v, i);
}

struct virtual *virtual_new(const struct tool *tool, const struct virtual_config *config)
{
        struct virtual *v = calloc(1, sizeof *v);
        struct core_start start = config->start;

        if (v == NULL)
                return NULL;
        v->tool = tool;
        v->watch = config->watch;
        v->now_us = v->sample_next_us = config->start.now_us;
        v->is_sparse = config->sparse_us > 0;
        if (v->is_sparse)
                start.turn_us_max = config->sparse_us;
        virtual_set_pace(v, config->sparse_us);
        virtual_note_windows(v, &tool->conds);
        v->wall_offset_us = config->start.wall_us - config->start.now_us;
        v->sample_every_us = config->sample_us > 0 ? config->sample_us : sample_us_default;
        v->sim = sim_new(tool, &config->sim);
        v->core = core_new(tool, &start);
        if (v->sim == NULL || v->core == NULL) {
                virtual_free(v);
                return NULL;
        }
        sim_advance(v->sim, v->now_us);
        come_up(v);
        return v;
}

void virtual_free(struct virtual *v)
{
        if (v == NULL)
                return;
        core_free(v->core);
        sim_free(v->sim);
        free(v);
}

void virtual_copy(struct virtual *to, const struct virtual *from)
{
        struct core *core = to->core;
        struct sim *sim = to->sim;
        struct virtual_watch watch = to->watch;

        assert(to->tool == from->tool);
        core_copy(core, from->core);
        sim_copy(sim, from->sim);
        *to = *from;
        to->core = core;
        to->sim = sim;
        to->watch = watch;
}

struct core *virtual_core(struct virtual *v)
{
        return v->core;
}

struct sim *virtual_sim(struct virtual *v)
{
        return v->sim;
}

int64_t virtual_now(const struct virtual *v)
{
        return v->now_us;
}
