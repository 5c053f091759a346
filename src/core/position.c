#include "ald/core/position.h"

#include "ald/base/text.h" /* text_add */
#include "ald/base/time.h" /* time_add */

#include <assert.h> /* assert */
#include <string.h> /* memset */

void position_start(struct position *p, int32_t op)
{
        memset(p, 0, sizeof *p);
        p->op = op;
}

static void enter_loop(struct position *p, const struct recipe_op *op, struct position_move *move)
{
        assert(p->depth < RECIPE_DEPTH_MAX && op->count >= 1);
        p->loop[p->depth].repeat = p->op;
        p->loop[p->depth].pass = 1;
        p->depth++;
        p->op++;
        move->cycles_begun = op->is_cycle;
}

static void end_pass(struct position *p, const struct recipe *r, struct position_move *move)
{
        const struct recipe_op *repeat;

        assert(p->depth > 0);
        repeat = &r->ops[p->loop[p->depth - 1].repeat];
        move->cycles_ended = repeat->is_cycle;
        if (p->loop[p->depth - 1].pass < repeat->count) {
                p->loop[p->depth - 1].pass++;
                p->op = p->loop[p->depth - 1].repeat + 1;
                move->cycles_begun = repeat->is_cycle;
        } else {
                p->depth--;
                p->op++;
        }
}

void position_advance(struct position *p, const struct recipe *r, struct position_move *move)
{
        const struct recipe_op *op = &r->ops[p->op];

        assert(p->op >= 0 && p->op < r->op_count && op->kind != RECIPE_END);
        memset(move, 0, sizeof *move);
        if (op->kind == RECIPE_REPEAT)
                enter_loop(p, op, move);
        else if (op->kind == RECIPE_REPEAT_END)
                end_pass(p, r, move);
        else
                p->op++;
}

const struct recipe_op *position_peek(const struct position *p, const struct recipe *r)
{
        struct position ahead = *p;
        struct position_move move;

        /* Nested loops end one inside the other: at most DEPTH ends and DEPTH beginnings stand between two ops. */
        for (int i = 0; i < 2 * RECIPE_DEPTH_MAX + 2; i++) {
                const struct recipe_op *op = &r->ops[ahead.op];

                if (op->kind == RECIPE_END)
                        return NULL;
                position_advance(&ahead, r, &move);
                op = &r->ops[ahead.op];
                if (op->kind != RECIPE_REPEAT && op->kind != RECIPE_REPEAT_END)
                        return op->kind == RECIPE_END ? NULL : op;
        }
        return NULL;
}

int64_t position_tail_us(const struct position *p, const struct recipe *r)
{
        int64_t us = r->ops[p->op].tail_us;

        for (int i = p->depth - 1; i >= 0; i--) {
                const struct recipe_op *repeat = &r->ops[p->loop[i].repeat];

                us = time_add(us, (repeat->count - p->loop[i].pass) * repeat->body_us);
                us = time_add(us, repeat->tail_us);
        }
        return us;
}

void position_add_path(struct text *t, const struct position *p, const struct recipe *r)
{
        const struct recipe_op *op = &r->ops[p->op];

        if (op->phase >= 0)
                text_add(t, "%s[%d]", r->phases[op->phase].name, p->op - r->phases[op->phase].first);
        else
                text_add(t, "finally[%d]", p->op - r->finally_first);
}

bool position_has_waits(const struct position *p, const struct recipe *r)
{
        int32_t from = p->depth > 0 ? p->loop[0].repeat : p->op + 1;

        for (int32_t i = from; i < r->op_count && r->ops[i].kind != RECIPE_END; i++)
                if (r->ops[i].kind == RECIPE_WAIT_UNTIL || r->ops[i].kind == RECIPE_PURGE_UNTIL)
                        return true;
        return false;
}
