#include "ald/sim/dryrun.h"

#include "ald/base/time.h" /* TIME_NEVER */

#include "dryrun_state.h" /* struct dryrun */

#include <assert.h> /* assert */
#include <stdlib.h> /* calloc, free */

/* Turns at most this far apart while nothing moves. */
static const int64_t sparse_us = 10 * TIME_S;
/* The tool rests in its standby image so long before the run. */
static const int64_t rest_us = 10 * TIME_MIN;
/* A run that is further behind its plan than this will not end. */
static const int64_t behind_us_max = 30 * 24 * TIME_H;
/* Steps of the runner between two calls of `progress`. */
enum { STEPS_PER_PROGRESS = 4096 };

int64_t dryrun_time(const struct dryrun *d)
{
        return d->started_us == TIME_NEVER ? 0 : virtual_now(d->v) - d->started_us;
}

int32_t dryrun_source_line(const struct dryrun *d)
{
        struct core_place now;

        core_get_place(virtual_core(d->v), &now);
        if (now.is_in_program)
                return d->config.recipe->ops[now.at.op].source_line;
        return d->is_counting ? d->config.recipe->ops[d->place.at.op].source_line : 0;
}

/* ---- what the runner tells ---- */

static void on_record(void *ctx, const struct record *r)
{
        struct dryrun *d = ctx;

        if (r->kind == RECORD_RUN_START)
                d->started_us = virtual_now(d->v);
        if (d->started_us == TIME_NEVER || d->has_ended)
                return;
        dryrun_steps_record(d, r);
        dryrun_watch_record(d, r);
        d->has_ended = r->kind == RECORD_RUN_END;
}

static void on_reply(void *ctx, const struct effect_reply *reply)
{
        struct dryrun *d = ctx;

        if (reply->code == 0 || d->is_refused)
                return;
        d->is_refused = true;
        text_copy(d->refusal, sizeof d->refusal, reply->text);
}

static void on_wire(void *ctx, int64_t t_us, int tag, double value, enum cause cause)
{
        struct dryrun *d = ctx;

        (void)t_us;
        (void)cause;
        if (d->started_us != TIME_NEVER) {
                d->result.actuations[tag] += d->config.tool->tags[tag].is_valve && value != d->valve_at[tag];
                dryrun_lines_wire(d, tag, value);
        }
        d->valve_at[tag] = value;
}

static void on_turn(void *ctx, const struct core *core, int64_t now_us)
{
        struct dryrun *d = ctx;
        struct core_place place;

        (void)now_us;
        if (d->started_us == TIME_NEVER)
                return;
        core_get_place(core, &place);
        dryrun_steps_turn(d, &place);
        dryrun_lines_turn(d);
        dryrun_points_add(d);
        d->found_in_turn = 0;
        d->result.turns++;
}

/* ---- life ---- */

static void weigh_powder(struct dryrun *d)
{
        const struct dryrun_config *c = &d->config;

        d->result.powder_g = c->powder_g > 0 ? c->powder_g : c->recipe->powder_g;
        d->result.powder_m2 =
            d->result.powder_g * (c->powder_m2_g > 0 ? c->powder_m2_g : c->recipe->powder_m2_g);
        d->result.saturation_umol_m2 =
            c->saturation_umol_m2 > 0 ? c->saturation_umol_m2 : SIM_SATURATION_UMOL_M2;
}

struct dryrun *dryrun_new(const struct dryrun_config *config)
{
        struct dryrun *d = calloc(1, sizeof *d);
        struct virtual_config v = {.start = {.next_run_id = 1, .store_ok = true}, .sparse_us = sparse_us};

        if (d == NULL)
                return NULL;
        d->config = *config;
        d->started_us = TIME_NEVER;
        d->stride = 1;
        weigh_powder(d);
        v.sim = (struct sim_config){.is_exact = true,
            .may_repeat = true,
            .powder_m2 = d->result.powder_m2,
            .saturation_umol_m2 = d->result.saturation_umol_m2};
        v.watch = (struct virtual_watch){
            .ctx = d, .record = on_record, .reply = on_reply, .wire = on_wire, .turn = on_turn};
        d->v = virtual_new(config->tool, &v);
        if (d->v == NULL) {
                free(d);
                return NULL;
        }
        return d;
}

void dryrun_free(struct dryrun *d)
{
        if (d == NULL)
                return;
        virtual_free(d->v);
        free(d);
}

/* ---- the run ---- */

static void command(struct dryrun *d, enum verb verb)
{
        struct command c = {.reply = 1,
            .verb = verb,
            .role = TOOL_ROLE_ENGINEER,
            .user = "dry-run",
            .recipe = verb == VERB_RUN ? d->config.recipe : NULL,
            .tag = TOOL_NONE};

        virtual_command(d->v, &c);
}

/* Start-up, standby, rest: as a lab finds the tool in the morning. */
static bool prepare(struct dryrun *d)
{
        if (!virtual_run_to(d->v, MACHINE_STOPPED, virtual_now(d->v) + TIME_MIN))
                return false;
        command(d, VERB_RESET);
        if (!virtual_run_to(d->v, MACHINE_IDLE, virtual_now(d->v) + TIME_MIN))
                return false;
        virtual_run(d->v, virtual_now(d->v) + rest_us);
        dryrun_lines_begin(d);
        command(d, VERB_RUN);
        return !d->is_refused && d->started_us != TIME_NEVER;
}

/* Nobody is there to resume a hold; a suspend waits for its cause outside the tool. */
static bool is_standing(const struct dryrun *d)
{
        return d->place.state == MACHINE_HELD;
}

static bool is_told_on(struct dryrun *d)
{
        double planned_us = (double)d->config.recipe->timed_us + 1;
        double part = (double)(dryrun_time(d) - d->untimed_us) / planned_us;

        return d->config.progress == NULL || d->config.progress(d->config.ctx, part < 1 ? part : 1);
}

/* False: given up. */
static bool run(struct dryrun *d)
{
        int64_t last_us = time_add(d->started_us, time_add(d->config.recipe->timed_us, behind_us_max));
        int steps = 0;

        while (!d->has_ended && !is_standing(d) && virtual_now(d->v) < last_us) {
                virtual_step(d->v, last_us);
                if (d->place.asks)
                        command(d, VERB_CONFIRM);
                if (++steps < STEPS_PER_PROGRESS)
                        continue;
                steps = 0;
                if (!is_told_on(d))
                        return false;
        }
        return true;
}

static void tell(struct dryrun *d, bool is_whole)
{
        struct core_place place;

        core_get_place(virtual_core(d->v), &place);
        d->result.ended = place.state;
        d->result.duration_us = dryrun_time(d);
        if (d->is_refused)
                text_copy(d->result.reason, sizeof d->result.reason, d->refusal);
        else if (!is_whole)
                text_copy(d->result.reason, sizeof d->result.reason, "the dry run was given up");
        else if (!d->has_ended && !is_standing(d))
                text_copy(
                    d->result.reason, sizeof d->result.reason, "it is far behind its plan and does not end");
        else if (place.state != MACHINE_COMPLETE)
                text_copy(d->result.reason, sizeof d->result.reason, core_get_reason(virtual_core(d->v)));
        dryrun_watch_end(d);
        dryrun_steps_end(d);
        dryrun_lines_end(d);
        dryrun_points_end(d);
}

bool dryrun_run(struct dryrun *d)
{
        bool is_whole = true;

        assert(d->started_us == TIME_NEVER);
        if (prepare(d))
                is_whole = run(d);
        tell(d, is_whole);
        return is_whole;
}

const struct dryrun_result *dryrun_get(const struct dryrun *d)
{
        return &d->result;
}
