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

void position_leave(struct position *p, const struct recipe *r, struct position_move *move)
{
        assert(p->depth > 0 && r->ops[p->op].kind == RECIPE_REPEAT_END);
        memset(move, 0, sizeof *move);
        move->cycles_ended = r->ops[p->loop[p->depth - 1].repeat].is_cycle;
        p->depth--;
        p->op++;
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
                position_leave(p, r, move);
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

const struct recipe_op *position_peek(
    const struct position *p, const struct recipe *r, struct position_move *crossed)
{
        struct position ahead = *p;
        struct position_move sum = {0}, move;

        if (crossed == NULL)
                crossed = &sum;
        memset(crossed, 0, sizeof *crossed);

        /* Nested loops end one inside the other: at most DEPTH ends and DEPTH beginnings stand between two ops. */
        for (int i = 0; i < 2 * RECIPE_DEPTH_MAX + 2; i++) {
                const struct recipe_op *op = &r->ops[ahead.op];

                if (op->kind == RECIPE_END || (op->kind == RECIPE_REPEAT_END && op->cond >= 0))
                        return NULL;
                position_advance(&ahead, r, &move);
                crossed->cycles_ended += move.cycles_ended;
                crossed->cycles_begun += move.cycles_begun;
                op = &r->ops[ahead.op];
                if (op->kind != RECIPE_REPEAT && op->kind != RECIPE_REPEAT_END)
                        return op->kind == RECIPE_END ? NULL : op;
        }
        return NULL;
}

/* The length of an op whose end is planned; -1 for one that ends on an event. */
static int64_t planned_us(const struct recipe_op *op)
{
        switch (op->kind) {
        case RECIPE_WAIT:
        case RECIPE_PURGE:
                return op->for_us;
        case RECIPE_WAIT_UNTIL:
        case RECIPE_PURGE_UNTIL:
        case RECIPE_CONFIRM:
        case RECIPE_LEAK_CHECK:
        case RECIPE_END:
                return -1;
        case RECIPE_EXPOSE:
                return op->close_below > 0 ? -1 : 0;
        default:
                return 0;
        }
}

int64_t position_pulse_in_us(const struct position *p, const struct recipe *r)
{
        /* Far enough for what is looked up: the bed's rest before a pulse. */
        enum { LOOK_AHEAD = 64 };
        struct position ahead = *p;
        struct position_move move;
        int64_t sum_us = 0;

        for (int i = 0; i < LOOK_AHEAD && r->ops[ahead.op].kind != RECIPE_END; i++) {
                int64_t us;

                position_advance(&ahead, r, &move);
                if (r->ops[ahead.op].kind == RECIPE_PULSE)
                        return sum_us;
                us = planned_us(&r->ops[ahead.op]);
                if (us < 0)
                        return -1;
                sum_us = time_add(sum_us, us);
        }
        return -1;
}

int32_t position_find_expose(const struct recipe *r, int32_t op)
{
        for (int32_t i = op - 1; i >= 0 && r->ops[i].kind != RECIPE_END; i--)
                if (r->ops[i].kind == RECIPE_EXPOSE)
                        return r->ops[i].jump >= op ? i : -1;
        return -1;
}

bool position_in_cycle(const struct position *p, const struct recipe *r)
{
        for (int i = 0; i < p->depth; i++)
                if (r->ops[p->loop[i].repeat].is_cycle)
                        return true;
        return false;
}

static bool has_cycles(const struct recipe *r, int32_t first, int32_t last)
{
        for (int32_t i = first; i < last && r->ops[i].kind != RECIPE_END; i++)
                if (r->ops[i].kind == RECIPE_REPEAT && r->ops[i].is_cycle)
                        return true;
        return false;
}

bool position_has_cycles(const struct position *p, const struct recipe *r)
{
        for (int i = 0; i < p->depth; i++) {
                const struct recipe_op *repeat = &r->ops[p->loop[i].repeat];

                if (p->loop[i].pass < repeat->count && has_cycles(r, p->loop[i].repeat, repeat->jump))
                        return true;
        }
        return has_cycles(r, p->op + 1, r->op_count);
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
        /* The outermost loop is the cycle, which has a number of its own. */
        for (int i = 1; i < p->depth; i++)
                text_add(t, "/%lld", (long long)p->loop[i].pass);
}

bool position_has_waits(const struct position *p, const struct recipe *r)
{
        int32_t from = p->depth > 0 ? p->loop[0].repeat : p->op + 1;

        for (int32_t i = from; i < r->op_count && r->ops[i].kind != RECIPE_END; i++) {
                const struct recipe_op *op = &r->ops[i];

                if (op->kind == RECIPE_WAIT_UNTIL || op->kind == RECIPE_PURGE_UNTIL ||
                    op->kind == RECIPE_CONFIRM || (op->kind == RECIPE_EXPOSE && op->close_below > 0))
                        return true;
        }
        return false;
}
