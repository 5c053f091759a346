/* The rest of a run, step by step: what its waits take, and where its heaters are then. */
#include "outlook_state.h"

#include "ald/base/time.h" /* TIME_NEVER, time_add */

#include "step.h" /* step_timeout */

/* A recipe that asks for more cannot be told: the walk takes place in the daemon's loop, and takes it less than some ms. Steps are
 * those looked at, too. */
enum { STEPS_MAX = 100000, WAITS_MAX = 40 };
static const double longest_us = 1e15;

struct walk {
        struct outlook *o;
        const struct core *core;
        const struct recipe *r;
        struct position at;
        int64_t heat_us;
        int steps, waits;
        /* Of each loop around the place: where its present pass began, and how many whole ones were walked. */
        struct {
                int64_t t_us, heat_us;
                int whole;
        } pass[RECIPE_DEPTH_MAX];
};

/* Does no heater move in it, and is nothing waited for? */
static bool is_quiet(struct walk *w, int32_t repeat)
{
        w->steps += w->r->ops[repeat].jump - repeat;
        for (int32_t i = repeat + 1; i < w->r->ops[repeat].jump; i++) {
                const struct recipe_op *op = &w->r->ops[i];
                int loop =
                    op->kind == RECIPE_SET ? tool_find_loop_of_setpoint(w->o->tool, op->tag) : TOOL_NONE;

                if (op->kind == RECIPE_WAIT_UNTIL || op->kind == RECIPE_PURGE_UNTIL ||
                    (loop >= 0 && w->o->tool->loops[loop].kind == TOOL_LOOP_HEATER))
                        return false;
        }
        return true;
}

/* `count` more passes like one of t_us and heat_us. */
static bool repeat_pass(struct walk *w, int64_t t_us, int64_t heat_us, int64_t count)
{
        if ((double)t_us * (double)count > longest_us)
                return false;
        w->o->ahead.t_us += t_us * count;
        w->heat_us += heat_us * count;
        return true;
}

static bool enter_loop(struct walk *w)
{
        const struct recipe_op *op = &w->r->ops[w->at.op];
        struct position_move move;

        if (is_quiet(w, w->at.op)) {
                w->at.op = op->jump + 1;
                return repeat_pass(w, op->body_us, 0, op->count);
        }
        position_advance(&w->at, w->r, &move);
        w->pass[w->at.depth - 1].t_us = w->o->ahead.t_us;
        w->pass[w->at.depth - 1].heat_us = w->heat_us;
        w->pass[w->at.depth - 1].whole = 0;
        return true;
}

/* The second whole pass is as all others: the first may begin elsewhere. */
static bool end_pass(struct walk *w)
{
        int d = w->at.depth - 1;
        int32_t repeat = w->at.loop[d].repeat;
        int64_t left = w->r->ops[repeat].count - w->at.loop[d].pass;
        bool quiet = is_quiet(w, repeat), ok = true;
        struct position_move move;

        if (quiet)
                ok = repeat_pass(w, w->r->ops[repeat].body_us, 0, left);
        else if (++w->pass[d].whole >= 2)
                ok =
                    repeat_pass(w, w->o->ahead.t_us - w->pass[d].t_us, w->heat_us - w->pass[d].heat_us, left);
        if (quiet || w->pass[d].whole >= 2)
                w->at.loop[d].pass = w->r->ops[repeat].count;
        w->pass[d].t_us = w->o->ahead.t_us;
        w->pass[d].heat_us = w->heat_us;
        position_advance(&w->at, w->r, &move);
        return ok;
}

/* Until its condition is true, and has been for long enough; or until its time is over, where that lets the run go on. */
static bool wait_until(struct walk *w, const struct recipe_op *op, int64_t timeout_us)
{
        int64_t us = w->waits++ < WAITS_MAX
                         ? outlook_find_true_us(w->o, &w->r->pool, w->r->conds[op->cond].root)
                         : OUTLOOK_UNKNOWN;

        if (us == OUTLOOK_UNKNOWN)
                return false;
        us += op->for_us;
        if (us > timeout_us && op->otherwise != TOOL_ACT_CONTINUE)
                return false;
        us = time_min(us, timeout_us);
        w->o->ahead.t_us += us;
        w->heat_us += us;
        return true;
}

static void set(struct walk *w, const struct recipe_op *op)
{
        int loop = tool_find_loop_of_setpoint(w->o->tool, op->tag);

        if (loop >= 0 && w->o->tool->loops[loop].kind == TOOL_LOOP_HEATER)
                outlook_set_ahead(w->o, loop, op->value, op->ramp, op->is_standby);
}

/* The step that is under way: what is left of it. */
static bool finish_step(struct walk *w, const struct recipe_op *op)
{
        const struct core *core = w->core;
        int64_t left_us;

        switch (op->kind) {
        case RECIPE_WAIT_UNTIL:
        case RECIPE_PURGE_UNTIL:
                if (core->true_us == TIME_NEVER)
                        return wait_until(w, op, step_timeout(core, op) - core->now_us);
                left_us = core->true_us + op->for_us - core->now_us;
                break;
        case RECIPE_WAIT:
        case RECIPE_PURGE:
        case RECIPE_PULSE:
                left_us = core->step_us + op->for_us - core->now_us;
                break;
        case RECIPE_LEAK_CHECK:
                left_us = op->for_us;
                break;
        case RECIPE_CONFIRM:
                return false; /* people take as long as they take */
        default:
                return true;
        }
        w->o->ahead.t_us += left_us > 0 ? left_us : 0;
        return true;
}

/* One step, and on to the next; false: it cannot be told. */
static bool walk_step(struct walk *w)
{
        const struct recipe_op *op = &w->r->ops[w->at.op];
        struct position_move move;

        switch (op->kind) {
        case RECIPE_REPEAT:
                return enter_loop(w);
        case RECIPE_REPEAT_END:
                return end_pass(w);
        case RECIPE_SET:
                set(w, op);
                break;
        case RECIPE_WAIT_UNTIL:
        case RECIPE_PURGE_UNTIL:
                if (!wait_until(w, op,
                        w->at.op < w->r->finally_first ? op->timeout_us
                                                       : time_min(op->timeout_us, CORE_FINALLY_US)))
                        return false;
                break;
        case RECIPE_WAIT:
        case RECIPE_PURGE:
        case RECIPE_PULSE:
        case RECIPE_LEAK_CHECK:
                w->o->ahead.t_us += op->for_us;
                break;
        default:
                break;
        }
        position_advance(&w->at, w->r, &move);
        return true;
}

/* Where the walk begins. False: there is nothing left of the program. */
static bool begin(struct walk *w)
{
        const struct core *core = w->core;

        w->at = core->at;
        if (core->state == MACHINE_STOPPING || core->state == MACHINE_COMPLETING) {
                if (core->stage == STAGE_PURGE && core->stage_us > core->now_us)
                        w->o->ahead.t_us = core->stage_us - core->now_us;
                if (core->stage != STAGE_PROGRAM)
                        position_start(&w->at, w->r->finally_first);
                return core->stage != STAGE_IMAGE;
        }
        if (!core->is_in_program)
                position_start(&w->at, w->r->resume.run_id != 0 ? w->r->resume.first : w->r->phases[0].first);
        for (int i = 0; i < w->at.depth; i++)
                w->pass[i].whole = -1;
        return core->state != MACHINE_ABORTING;
}

static bool is_under_way(const struct walk *w)
{
        const struct core *core = w->core;

        return core->is_in_program && core->is_entered && w->at.op == core->at.op &&
               w->r->ops[w->at.op].kind < RECIPE_REPEAT;
}

static bool walk_section(struct walk *w)
{
        struct position_move move;

        if (is_under_way(w)) {
                if (!finish_step(w, &w->r->ops[w->at.op]))
                        return false;
                position_advance(&w->at, w->r, &move);
        }
        while (w->r->ops[w->at.op].kind != RECIPE_END)
                if (w->steps++ > STEPS_MAX || !walk_step(w))
                        return false;
        return true;
}

/* It stands until somebody, or what it waits for, lets it go on. */
static bool stands(const struct core *core)
{
        return core->state == MACHINE_HOLDING || core->state == MACHINE_HELD ||
               core->state == MACHINE_SUSPENDING || core->state == MACHINE_SUSPENDED;
}

int64_t outlook_walk(struct outlook *o, const struct core *core)
{
        struct walk w = {.o = o, .core = core, .r = core->recipe};

        outlook_begin_ahead(o, core);
        if (core->recipe == NULL || !begin(&w))
                return 0;
        if (stands(core) || !walk_section(&w))
                return OUTLOOK_UNKNOWN;
        if (w.at.op < w.r->finally_first) {
                position_start(&w.at, w.r->finally_first);
                if (!walk_section(&w))
                        return OUTLOOK_UNKNOWN;
        }
        return w.heat_us;
}
