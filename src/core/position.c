#include "ald/core/position.h"

#include "ald/base/text.h" /* text_add */
#include "ald/base/time.h" /* time_add */

#include <assert.h> /* assert */
#include <string.h> /* memset, strcspn, strncmp */

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

/* The cycle that was interrupted begins once more, in the record of this run. */
static void resume(struct position *p, const struct recipe *r, struct position_move *move)
{
        assert(r->resume.run_id != 0);
        *p = r->resume.at;
        move->cycles_begun = position_in_cycle(p, r);
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
        else if (op->kind == RECIPE_RESUMED)
                resume(p, r, move);
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

        /* Nested loops end one inside the other: at most DEPTH ends and DEPTH beginnings stand between two ops, and a resume. */
        for (int i = 0; i < 2 * RECIPE_DEPTH_MAX + 3; i++) {
                const struct recipe_op *op = &r->ops[ahead.op];

                if (op->kind == RECIPE_END || (op->kind == RECIPE_REPEAT_END && op->cond >= 0))
                        return NULL;
                position_advance(&ahead, r, &move);
                crossed->cycles_ended += move.cycles_ended;
                crossed->cycles_begun += move.cycles_begun;
                op = &r->ops[ahead.op];
                if (op->kind < RECIPE_REPEAT || op->kind == RECIPE_END)
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
        else if (op->phase == RECIPE_IN_RESUME)
                text_add(t, "resume[%d]", p->op - r->resume.first);
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

int position_compare(const struct position *a, const struct position *b)
{
        for (int i = 0;; i++) {
                bool is_loop_a = i < a->depth, is_loop_b = i < b->depth;
                int32_t op_a = is_loop_a ? a->loop[i].repeat : a->op,
                        op_b = is_loop_b ? b->loop[i].repeat : b->op;

                if (op_a != op_b)
                        return op_a < op_b ? -1 : 1;
                if (!is_loop_a || !is_loop_b)
                        return is_loop_a - is_loop_b;
                if (a->loop[i].pass != b->loop[i].pass)
                        return a->loop[i].pass < b->loop[i].pass ? -1 : 1;
        }
}

/* A whole number from 1 on at *text, which moves behind it; -1 = there is none. */
static int64_t take_number(const char **text, int64_t max)
{
        int64_t n = 0;

        if (**text < '0' || **text > '9')
                return -1;
        for (; **text >= '0' && **text <= '9'; (*text)++)
                if ((n = n * 10 + (**text - '0')) > max)
                        return -1;
        return n;
}

/* "coat[3]" at *path, which moves behind it. */
static bool find_op(const struct recipe *r, const char **path, int32_t *op)
{
        size_t len = strcspn(*path, "[");
        int64_t number;

        for (int i = 0; i < r->phase_count; i++) {
                int32_t end = i + 1 < r->phase_count ? r->phases[i + 1].first : r->finally_first - 1;

                if (strlen(r->phases[i].name) != len || strncmp(r->phases[i].name, *path, len) != 0)
                        continue;
                *path += len;
                if (**path != '[')
                        return false;
                (*path)++;
                number = take_number(path, RECIPE_OPS_MAX);
                *op = r->phases[i].first + (int32_t)number;
                return number >= 0 && *(*path)++ == ']' && *op < end;
        }
        return false;
}

static bool is_pass(const struct recipe *r, const struct position *p, int i)
{
        return p->loop[i].pass >= 1 && p->loop[i].pass <= r->ops[p->loop[i].repeat].count;
}

/* Cycles of the loops that end before the op; -1: one of them ends on a condition, which the recipe alone does not tell. */
static int64_t count_cycles(const struct recipe *r, int32_t op)
{
        int64_t sum = 0;

        for (int32_t i = 0; i < op; i++) {
                if (r->ops[i].kind != RECIPE_REPEAT || !r->ops[i].is_cycle || r->ops[i].jump > op)
                        continue;
                if (r->ops[r->ops[i].jump].cond >= 0)
                        return -1;
                sum += r->ops[i].count;
        }
        return sum;
}

bool position_find(const struct recipe *r, int64_t cycle, const char *path, struct position *out)
{
        int64_t before;
        int32_t op;

        if (!find_op(r, &path, &op))
                return false;
        position_start(out, op);
        for (int32_t i = 0; i < op; i++)
                if (r->ops[i].kind == RECIPE_REPEAT && r->ops[i].jump > op)
                        out->loop[out->depth++].repeat = i;
        before = count_cycles(r, op);
        if (before < 0)
                return false;
        if (out->depth == 0)
                return cycle == before && *path == '\0';
        if (!r->ops[out->loop[0].repeat].is_cycle)
                return false;
        out->loop[0].pass = cycle - before;
        for (int i = 1; i < out->depth; i++) {
                if (*path++ != '/')
                        return false;
                out->loop[i].pass = take_number(&path, RECIPE_CYCLES_MAX);
        }
        for (int i = 0; i < out->depth; i++)
                if (!is_pass(r, out, i))
                        return false;
        return *path == '\0';
}
