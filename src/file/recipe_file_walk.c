#include "ald/file/recipe_file_walk.h"

#include "ald/base/time.h" /* time_add */

#include <stdlib.h> /* calloc */

/* Loops in loops are walked twice each: beyond so many ops only once. */
enum { VISITS_MAX = 2 * RECIPE_OPS_MAX };

bool recipe_file_was_told(struct recipe_file_walk *w, int what, int32_t op, int32_t about)
{
        const struct yaml_node *at = w->f->op_node[op], *other = about >= 0 ? w->f->op_node[about] : NULL;
        for (int i = 0; i < w->told_count; i++)
                if (w->told[i].at == at && w->told[i].about == other && w->told[i].what == what)
                        return true;
        if (w->told_count < RECIPE_FILE_TOLD_MAX)
                w->told[w->told_count++] = (struct recipe_file_told){at, other, what};
        return false;
}

bool recipe_file_is_hot(const struct recipe_file_walk *w, int loop)
{
        const struct tool_loop *l = &w->f->tool->loops[loop];
        return l->kind == TOOL_LOOP_HEATER && w->want[l->setpoint].op >= 0 && !w->want[l->setpoint].is_rest;
}

static struct cond_range point(double value)
{
        return (struct cond_range){value, value, false, false};
}

static struct cond_range hull(struct cond_range r, double value)
{
        if (value <= r.low)
                r = (struct cond_range){value, r.high, false, r.is_high_open};
        if (value >= r.high)
                r = (struct cond_range){r.low, value, r.is_low_open, false};
        return r;
}

/* On its way to the set-point, and to either side of it. */
static struct cond_range around(struct cond_range r, double value, double tolerance)
{
        return hull(hull(r, value - tolerance), value + tolerance);
}

void recipe_file_range_at_rest(const struct recipe_file_walk *w, struct cond_ranges *out)
{
        const struct tool *tool = w->f->tool;
        *out = w->now;
        for (int i = 0; i < tool->loop_count; i++) {
                const struct tool_loop *loop = &tool->loops[i];
                struct cond_range told = w->now.tag[loop->setpoint];
                const struct recipe_file_want *want = &w->want[loop->setpoint];
                /* A bed that turns both ways reads anything between. */
                bool is_turning = want->op >= 0 && w->f->recipe->ops[want->op].kind == RECIPE_ROTATE;
                out->tag[loop->value] = is_turning ? told : point(want->value);
                if (w->expose >= 0 && i == tool->carrier)
                        out->tag[loop->value] = point(w->f->recipe->ops[w->expose].value);
        }
        if (tool->pump_run >= 0 && tool->pump_running >= 0 && w->want[tool->pump_run].value <= 0)
                out->tag[tool->pump_running] = point(0);
        out->is_exposing_known = true;
        out->is_exposing = w->expose >= 0;
}

/* ---- what an op does ---- */

/* How long the process value takes at the very least, from the nearest place where it may be. */
static int64_t least_us(
    const struct recipe_file_walk *w, const struct tool_loop *loop, const struct recipe_op *op)
{
        struct cond_range from = w->now.tag[loop->value];
        double way = op->value > from.high ? op->value - from.high : from.low - op->value;
        double rate = op->ramp > 0 ? op->ramp : loop->ramp_max;
        way -= loop->tolerance;
        return way > 0 && rate > 0 && way / rate < 1e9 ? (int64_t)(way / rate * 1e6) : 0;
}

static void move(struct recipe_file_walk *w, int tag, int32_t i)
{
        const struct tool *tool = w->f->tool;
        const struct recipe_op *op = &w->f->recipe->ops[i];
        struct recipe_file_want *want = &w->want[tag];
        int number = tool_find_loop_of_setpoint(tool, tag);
        const struct tool_loop *loop = number >= 0 ? &tool->loops[number] : NULL;
        want->value = op->value;
        want->op = i;
        want->is_rest = op->is_standby || op->value <= tool->tags[tag].image[TOOL_IMAGE_STANDBY].value;
        want->is_awaited = false;
        want->was_hot = want->was_hot || !want->is_rest;
        want->least_us = loop ? least_us(w, loop, op) : 0;
        want->begun_us = w->clock_us;
        w->now.tag[tag] = op->ramp > 0 ? hull(w->now.tag[tag], op->value) : point(op->value);
        if (loop)
                w->now.tag[loop->value] = around(w->now.tag[loop->value], op->value, loop->tolerance);
        w->is_moved = true;
}

static void rotate(struct recipe_file_walk *w, int32_t i)
{
        const struct recipe_op *op = &w->f->recipe->ops[i];
        struct cond_range *told = &w->now.tag[op->tag];
        struct cond_range *read = &w->now.tag[w->f->tool->loops[w->f->tool->bed].value];
        move(w, op->tag, i);
        if (op->period_us > 0)
                *told = hull(*told, -op->value);
        if (op->stops)
                *told = hull(*told, 0);
        double tolerance = w->f->tool->loops[w->f->tool->bed].tolerance;
        *read = around(around(*read, told->low, tolerance), told->high, tolerance);
}

/* The carrier goes to the block's flow and back. */
static void expose(struct recipe_file_walk *w, int32_t i, bool is_begin)
{
        const struct tool *tool = w->f->tool;
        if (tool->carrier >= 0) {
                const struct tool_loop *loop = &tool->loops[tool->carrier];
                double value = is_begin ? w->f->recipe->ops[i].value : w->want[loop->setpoint].value;
                w->now.tag[loop->setpoint] = point(value);
                w->now.tag[loop->value] = around(w->now.tag[loop->value], value, loop->tolerance);
        }
        w->expose = is_begin ? i : -1;
}

static bool has_settled(const struct cond_pool *pool, int root)
{
        const struct cond_node *n = &pool->nodes[root];
        if (n->op == COND_AND)
                return has_settled(pool, n->left) || has_settled(pool, n->right);
        return n->op == COND_SETTLED;
}

/* The condition was true: what does that say of the process values? */
static void await(struct recipe_file_walk *w, const struct recipe_op *op)
{
        const struct tool *tool = w->f->tool;
        const struct recipe *recipe = w->f->recipe;
        int root = recipe->conds[op->cond].root;
        bool is_settled = has_settled(&recipe->pool, root);
        struct cond_ranges narrow = w->now;
        cond_range_narrow(&recipe->pool, root, &narrow);
        for (int i = 0; i < tool->loop_count; i++) {
                const struct tool_loop *loop = &tool->loops[i];
                struct recipe_file_want *want = &w->want[loop->setpoint];
                struct cond_range *read = &w->now.tag[loop->value];
                if (is_settled && want->op >= 0 && !recipe->ops[want->op].is_standby) {
                        struct cond_range told = w->now.tag[loop->setpoint];
                        if (told.low < told.high && recipe->ops[want->op].kind == RECIPE_SET)
                                told = w->now.tag[loop->setpoint] = point(want->value);
                        *read = (struct cond_range){
                            told.low - loop->tolerance, told.high + loop->tolerance, false, false};
                        want->is_awaited = true;
                }
                if (!cond_uses_tag(&recipe->pool, root, loop->value))
                        continue;
                *read = around(narrow.tag[loop->value], want->value, loop->tolerance);
                want->is_awaited = true;
        }
}

static void take_effect(struct recipe_file_walk *w, int32_t i)
{
        const struct recipe_op *op = &w->f->recipe->ops[i];
        switch ((enum recipe_op_kind)op->kind) {
        case RECIPE_SET:
        case RECIPE_VALVE:
                move(w, op->tag, i);
                break;
        case RECIPE_ROTATE:
                rotate(w, i);
                break;
        case RECIPE_VENT:
                w->vent = op->value > 0 ? i : -1;
                break;
        case RECIPE_EXPOSE:
        case RECIPE_EXPOSE_END:
                expose(w, i, op->kind == RECIPE_EXPOSE);
                break;
        case RECIPE_WAIT_UNTIL:
        case RECIPE_PURGE_UNTIL:
                w->clock_us = time_add(w->clock_us, op->timeout_us);
                if (op->otherwise != TOOL_ACT_CONTINUE)
                        await(w, op);
                break;
        case RECIPE_LEAK_CHECK: /* flows are off for its time */
                for (int k = 0; k < w->f->tool->loop_count; k++)
                        if (w->f->tool->loops[k].kind == TOOL_LOOP_FLOW)
                                w->now.tag[w->f->tool->loops[k].value] =
                                    hull(w->now.tag[w->f->tool->loops[k].value], 0);
                break;
        default:
                break;
        }
        bool is_timed = op->kind == RECIPE_WAIT || op->kind == RECIPE_PULSE || op->kind == RECIPE_PURGE ||
                        op->kind == RECIPE_LEAK_CHECK || op->kind == RECIPE_CONFIRM;
        w->clock_us = time_add(w->clock_us, is_timed ? op->for_us + op->timeout_us : 0);
}

/* ---- the walk ---- */

static void walk(struct recipe_file_walk *w, int32_t first, int32_t last)
{
        const struct recipe *recipe = w->f->recipe;
        for (int32_t i = first; i < last; i++) {
                const struct recipe_op *op = &recipe->ops[i];
                w->visits++;
                if (op->kind != RECIPE_REPEAT) {
                        recipe_file_look(w, i);
                        take_effect(w, i);
                        continue;
                }
                w->walls += op->is_walls;
                walk(w, i + 1, op->jump);
                /* A second pass begins as the first one ended; more of them begin no other way. */
                if (op->count > 1 && w->visits < VISITS_MAX)
                        walk(w, i + 1, op->jump);
                w->walls -= op->is_walls;
                i = op->jump;
        }
}

/* As every run starts. What a vent left open or closed stays so. */
static void begin(struct recipe_file_walk *w, struct recipe_file *f)
{
        const struct tool *tool = f->tool;
        w->f = f;
        w->vent = w->expose = -1;
        cond_range_init(&w->now, tool);
        for (int i = 0; i < tool->tag_count; i++) {
                const struct tool_tag *tag = &tool->tags[i];
                double value = tag->image[TOOL_IMAGE_STANDBY].value;
                if (!tag->is_output)
                        continue;
                w->want[i] = (struct recipe_file_want){.value = value, .op = -1, .is_rest = true};
                if (i != tool->exhaust && i != tool->vent && i != tool->soft &&
                    tag->class != TOOL_CLASS_PRECURSOR)
                        w->now.tag[i] = point(value);
        }
}

bool recipe_file_check_states(struct recipe_file *f)
{
        const struct recipe *recipe = f->recipe;
        struct recipe_file_walk *w = calloc(1, sizeof *w);
        if (!w)
                return false;
        begin(w, f);
        walk(w, 0, recipe->finally_first - 1);
        w->expose = -1;
        walk(w, recipe->finally_first, recipe->op_count - 1);
        recipe_file_look_at_end(w);
        free(w);
        return true;
}
