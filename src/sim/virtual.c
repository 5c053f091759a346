#include "ald/sim/virtual.h"

#include "ald/base/time.h"   /* TIME_NEVER, time_min */
#include "ald/core/recipe.h" /* struct recipe */
#include "ald/sim/pace.h"    /* struct pace */

#include <assert.h> /* assert */
#include <math.h>   /* fabs */
#include <stdlib.h> /* calloc, free */

/* A write is acknowledged this long after it was ordered: about what a module on Ethernet takes. */
static const int64_t reply_us = 1000;
static const int64_t sample_us_default = 50000;
/* Sparse: an event that is no sample comes with values no older than this. */
static const int64_t fresh_us = 50000;

enum { WRITES_MAX = 512, PAIRS_MAX = 16 };

struct pending_write {
        struct effect_write write;
        int64_t sent_us;
};

struct pair {
        struct effect_pulse pulse;
        bool is_used, is_open, is_revoked, is_closed, is_cut;
        int64_t closed_us;
};

struct virtual
{
        const struct tool *tool;
        struct core *core;
        struct sim *sim;
        struct virtual_watch watch;
        int64_t now_us, wall_offset_us, due_us;
        int64_t sample_every_us, sample_next_us, sampled_us;
        bool is_sparse;
        struct pace pace;
        double seen_torr;  /* at the last look */
        int64_t window_us; /* sparse: so often is sampled in between what windows look at, 0 = no window */
        int window_count;
        bool is_windowed[TOOL_TAGS_MAX];
        int write_count;
        struct pending_write writes[WRITES_MAX];
        struct pair pairs[PAIRS_MAX];
        struct effects effects;
        struct event event; /* samples that wait for the next turn */
};

static void carry_out(struct virtual *v);

static void stir(struct virtual *v)
{
        if (v->is_sparse)
                v->sample_next_us = time_min(v->sample_next_us, pace_stir(&v->pace, v->now_us));
}

static void step(struct virtual *v, struct event *event)
{
        event->now_us = v->now_us;
        event->wall_us = v->now_us + v->wall_offset_us;
        v->due_us = core_step(v->core, event, &v->effects);
        carry_out(v);
        if (v->watch.turn != NULL)
                v->watch.turn(v->watch.ctx, v->core, v->now_us);
}

static void send_samples(struct virtual *v);

/* An event from outside. */
static void bring(struct virtual *v, struct event *event)
{
        if (v->is_sparse && v->now_us - v->sampled_us > fresh_us)
                send_samples(v);
        step(v, event);
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
        stir(v);
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
            .u.watchdog = {.device = (int16_t)device, .status = TOOL_WATCHDOG_RUNNING}};

        step(v, &event);
}

static void carry_out(struct virtual *v)
{
        int rearm_device = -1;

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
                        if (e->u.record.kind != RECORD_SAMPLE)
                                stir(v);
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

static void read_tag(struct virtual *v, int tag)
{
        struct sample s = {.tag = (int16_t)tag, .quality = QUALITY_GOOD, .t_us = v->now_us};

        s.value = sim_read(v->sim, tag);
        if (v->watch.tamper == NULL || v->watch.tamper(v->watch.ctx, &s))
                v->event.u.samples.item[v->event.u.samples.count++] = s;
}

static void hand_in(struct virtual *v)
{
        v->event.kind = EVENT_SAMPLES;
        step(v, &v->event);
        v->event.u.samples.count = 0;
}

/* Pressure that changed by more since the last look has not come to rest. */
static const double still_part = 1e-3;

/* Does anything move that may decide? Then it is looked at often enough that nobody sees the difference. */
static bool is_moving(struct virtual *v)
{
        double torr = sim_pressure_torr(v->sim), was = v->seen_torr;
        struct core_place place;

        v->seen_torr = torr;
        if (fabs(torr - was) > still_part * was || sim_is_moving(v->sim))
                return true;
        core_get_place(v->core, &place);
        return place.waits_for_value;
}

static void send_samples(struct virtual *v)
{
        v->sampled_us = v->now_us;
        v->sample_next_us = TIME_NEVER;
        if (!v->is_sparse)
                v->sample_next_us = v->now_us + v->sample_every_us;
        for (int tag = 0; tag < v->tool->tag_count; tag++) {
                if (v->event.u.samples.count == EVENT_SAMPLES_MAX)
                        hand_in(v);
                read_tag(v, tag);
        }
        hand_in(v);
        if (v->is_sparse)
                v->sample_next_us = time_min(v->sample_next_us, pace_next(&v->pace, v->now_us, is_moving(v)));
}

/* ---- windows between the turns ---- */

static void note_windows(struct virtual *v, const struct cond_pool *pool)
{
        for (int i = 0; v->is_sparse && i < pool->count; i++) {
                const struct cond_node *n = &pool->nodes[i];
                int64_t half_us;

                if (n->slot < 0)
                        continue;
                half_us = v->tool->tags[n->a].stale_us / 2;
                v->window_count += !v->is_windowed[n->a];
                v->is_windowed[n->a] = true;
                v->window_us = v->window_us == 0 ? half_us : time_min(v->window_us, half_us);
        }
}

/* Let the physics run; what windows look at is sampled on the way. The next turn comes at t_us. */
static void advance_sim(struct virtual *v, int64_t t_us)
{
        while (v->window_us > 0 && v->now_us + v->window_us < t_us) {
                v->now_us += v->window_us;
                sim_advance(v->sim, v->now_us);
                for (int tag = 0; tag < v->tool->tag_count; tag++) {
                        if (!v->is_windowed[tag])
                                continue;
                        read_tag(v, tag);
                }
                /* As many as go into one event with all the others. */
                if (v->event.u.samples.count + v->window_count + v->tool->tag_count > EVENT_SAMPLES_MAX)
                        send_samples(v);
        }
        v->now_us = t_us;
        sim_advance(v->sim, t_us);
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
        advance_sim(v, time_min(next_time(v), t_us));
        move_pairs(v);
        answer_writes(v);
        if (v->now_us >= v->sample_next_us || (v->is_sparse && v->now_us >= v->due_us)) {
                send_samples(v);
        } else if (v->now_us >= v->due_us) {
                struct event tick = {.kind = EVENT_TICK};

                step(v, &tick);
        }
}

void virtual_command(struct virtual *v, const struct command *command)
{
        struct event event = {.kind = EVENT_COMMAND, .u.command = *command};

        if (command->recipe != NULL)
                note_windows(v, &command->recipe->pool);
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

                step(v, &event);
        }
        for (int i = 0; i < v->tool->device_count; i++)
                if (v->tool->devices[i].watchdog.present)
                        rearm(v, i);
}

/* The longest time between two looks while something moves. */
static const int64_t moving_us_max = 1000000;

/* Values of a tool that do not fit into one event come in several turns: then none may get stale between two looks. */
static void set_pace(struct virtual *v, int64_t sparse_us)
{
        int64_t most_us = sparse_us;

        for (int i = 0; v->tool->tag_count > EVENT_SAMPLES_MAX && i < v->tool->tag_count; i++)
                most_us = time_min(most_us, v->tool->tags[i].stale_us / 2);
        v->pace = (struct pace){.quiet_us_max = most_us,
            .moving_us_max = time_min(most_us, moving_us_max),
            .stirred_us = v->now_us};
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
        set_pace(v, config->sparse_us);
        note_windows(v, &tool->conds);
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
