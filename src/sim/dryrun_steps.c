/* Steps and cycles, by their planned times: the schedule is absolute, and a turn that hands a pulse over ahead of its edge
 * shortens nothing. */
#include "dryrun_state.h"

#include "ald/core/position.h" /* position_advance */

/* From one step to the next stand at most so many ops of no length. */
enum { ADVANCE_MAX = 256 };

void dryrun_steps_record(struct dryrun *d, const struct record *r)
{
        if (r->kind == RECORD_CYCLE_END)
                d->ended_in_turn++;
        if (r->kind == RECORD_CYCLE_START) {
                d->begun_in_turn++;
                d->cycle_n = r->u.cycle.n;
        }
}

static bool is_same(const struct position *a, const struct position *b)
{
        if (a->op != b->op || a->depth != b->depth)
                return false;
        for (int i = 0; i < a->depth; i++)
                if (a->loop[i].repeat != b->loop[i].repeat || a->loop[i].pass != b->loop[i].pass)
                        return false;
        return true;
}

static bool is_in_walls(const struct recipe *r, const struct position *at)
{
        for (int i = 0; i < at->depth; i++)
                if (r->ops[at->loop[i].repeat].is_walls)
                        return true;
        return false;
}

/* A pass of an op begins. */
static void count(struct dryrun *d, int32_t op, int64_t begun_us)
{
        struct dryrun_step *s = &d->step[op];

        if (d->config.recipe->ops[op].kind >= RECIPE_REPEAT)
                return;
        if (s->times == 0)
                s->begun_us = begun_us - d->started_us;
        s->times++;
}

static bool is_timed(const struct recipe_op *op)
{
        return op->kind != RECIPE_WAIT_UNTIL && op->kind != RECIPE_PURGE_UNTIL &&
               op->kind != RECIPE_CONFIRM && op->kind != RECIPE_EXPOSE;
}

static void leave(struct dryrun *d, int64_t end_us)
{
        const struct recipe_op *op = &d->config.recipe->ops[d->place.at.op];
        int64_t us = end_us - d->step_begun_us;

        d->is_counting = false;
        if (us < 0)
                return;
        d->step[d->place.at.op].lasted_us += us;
        if (!is_timed(op))
                d->untimed_us += us;
        if (recipe_waits_for_heat(d->config.recipe, d->config.tool, op))
                d->result.heating_us += us;
}

/* Ops of no length that were passed in the same turn are found by walking the same way; where the run jumped, there are
 * none to tell of. */
static void pass_over(struct dryrun *d, const struct core_place *now)
{
        struct position at = d->place.at;
        struct position_move move;
        int32_t passed[ADVANCE_MAX];
        int n = 0;

        while (n < ADVANCE_MAX && d->config.recipe->ops[at.op].kind != RECIPE_END) {
                position_advance(&at, d->config.recipe, &move);
                if (is_same(&at, &now->at))
                        break;
                passed[n++] = at.op;
        }
        for (int i = 0; is_same(&at, &now->at) && i < n; i++)
                count(d, passed[i], now->step_us);
}

/* At the beginning of a section everything before the first step that takes time was passed. */
static void begin_section(struct dryrun *d, const struct core_place *now)
{
        const struct recipe *r = d->config.recipe;

        d->place.at = (struct position){.op = now->at.op >= r->finally_first ? r->finally_first : 0};
        if (is_same(&d->place.at, &now->at))
                return;
        count(d, d->place.at.op, now->step_us);
        pass_over(d, now);
}

static void turn_cycles(struct dryrun *d, const struct core_place *now)
{
        struct dryrun_result *result = &d->result;

        if (d->ended_in_turn > 0) {
                *(d->is_walls ? &result->wall_cycles : &result->cycles) += d->ended_in_turn;
                if (!d->is_walls)
                        result->deposition_us = now->step_us - d->coat_from_us;
        }
        if (d->begun_in_turn > 0) {
                d->is_walls = is_in_walls(d->config.recipe, &now->at);
                if (!d->is_walls && d->coat_begun++ == 0)
                        d->coat_from_us = now->step_us;
                if (!d->is_walls && d->coat_begun <= 2)
                        dryrun_points_cycle(d, now->step_us - d->started_us);
                sim_mark(virtual_sim(d->v));
        }
        d->ended_in_turn = d->begun_in_turn = 0;
}

/* The run is complete: what it passed in its last turn took no time. */
static void pass_rest(struct dryrun *d)
{
        const struct recipe *r = d->config.recipe;
        struct position at = d->place.at;
        struct position_move move;
        bool is_last = at.op >= r->finally_first;

        for (int n = 0; n < ADVANCE_MAX; n++) {
                if (r->ops[at.op].kind != RECIPE_END) {
                        position_advance(&at, r, &move);
                } else if (!is_last) {
                        is_last = true;
                        at = (struct position){.op = r->finally_first};
                } else {
                        return;
                }
                count(d, at.op, virtual_now(d->v));
        }
}

void dryrun_steps_turn(struct dryrun *d, const struct core_place *now)
{
        bool was = d->is_counting;

        turn_cycles(d, now);
        if (!now->is_in_program) {
                if (was)
                        leave(d, virtual_now(d->v));
                if (was && (now->state == MACHINE_COMPLETING || now->state == MACHINE_COMPLETE))
                        pass_rest(d);
                d->place = *now;
                return;
        }
        if (was && is_same(&d->place.at, &now->at)) {
                d->place = *now;
                return;
        }
        if (was && (d->place.at.op < d->config.recipe->finally_first) ==
                       (now->at.op < d->config.recipe->finally_first)) {
                leave(d, now->step_us);
                pass_over(d, now);
        } else {
                if (was)
                        leave(d, now->step_us);
                begin_section(d, now);
        }
        count(d, now->at.op, now->step_us);
        d->is_counting = true;
        d->step_begun_us = now->step_us;
        d->place = *now;
}

void dryrun_steps_end(struct dryrun *d)
{
        const struct recipe *r = d->config.recipe;
        struct dryrun_result *result = &d->result;

        if (d->is_counting)
                leave(d, virtual_now(d->v));
        for (int32_t i = 0; i < r->op_count; i++) {
                if (d->step[i].times == 0)
                        continue;
                d->steps_told[result->step_count] = d->step[i];
                d->steps_told[result->step_count].op = i;
                d->steps_told[result->step_count++].is_heating =
                    recipe_waits_for_heat(r, d->config.tool, &r->ops[i]);
        }
        result->steps = d->steps_told;
        if (result->cycles > 0)
                result->cycle_us = result->deposition_us / result->cycles;
}
