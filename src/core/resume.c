#include "ald/core/resume.h"

#include "ald/base/text.h"     /* text_add */
#include "ald/base/time.h"     /* time_add, TIME_S */
#include "ald/core/position.h" /* position_find */

#include <assert.h> /* assert */
#include <stdarg.h> /* va_list */
#include <string.h> /* memset */

/* Nobody waits longer for an answer than this: nothing is warm yet. */
static const int64_t answer_us = 1800 * TIME_S;
/* Where the recipe itself nowhere waits until all is settled. */
static const int64_t settled_us = 7200 * TIME_S;

struct plan {
        struct recipe *r;
        const struct tool *tool;
        struct recipe_resume resume;
        int32_t told[TOOL_TAGS_MAX]; /* the op that told each output last, -1 = none */
        int64_t settle_us, timeout_us, purge_us;
        int settled; /* node of the pool */
        int32_t source_line;
        int32_t op_count;
};

static bool refuse(struct resume_refusal *why, const char *hint, const char *fmt, ...) TEXT_PRINTF(3, 4);
static bool refuse(struct resume_refusal *why, const char *hint, const char *fmt, ...)
{
        struct text t;
        va_list args;

        text_init(&t, why->text, sizeof why->text);
        va_start(args, fmt);
        text_addv(&t, fmt, args);
        va_end(args);
        text_copy(why->hint, sizeof why->hint, hint);
        return false;
}

/* ---- may it be gone on with there? ---- */

static bool is_in_search(const struct plan *p)
{
        const struct position *at = &p->resume.half;

        for (int i = 0; i < at->depth; i++)
                if (p->r->ops[p->r->ops[at->loop[i].repeat].jump].cond >= 0)
                        return true;
        return false;
}

static int32_t find_pulse(const struct recipe *r, int32_t from)
{
        for (int32_t i = from; i < r->finally_first; i++)
                if (r->ops[i].kind == RECIPE_PULSE)
                        return i;
        return -1;
}

static bool has_pulse_behind(const struct plan *p)
{
        const struct position *at = &p->resume.half;

        for (int i = 0; i < at->depth; i++)
                if (at->loop[i].pass < p->r->ops[at->loop[i].repeat].count)
                        return true;
        return find_pulse(p->r, at->op + 1) >= 0;
}

static bool is_dosing(const struct plan *p, const struct recipe_op *op)
{
        const struct tool_tag *tag;

        if (op->kind != RECIPE_SET && op->kind != RECIPE_VALVE)
                return false;
        tag = &p->tool->tags[op->tag];
        return tag->class != TOOL_CLASS_PLAIN && (op->value < tag->safe || op->value > tag->safe);
}

/* What may have happened between the pulse and the end: nobody knows how far it came. */
static bool refuse_between(const struct plan *p, struct resume_refusal *why)
{
        const struct position *at = &p->resume.half;
        const struct recipe *r = p->r;
        int32_t from = at->depth > 0 ? at->loop[0].repeat : at->op, to = find_pulse(r, at->op + 1);

        if (to < 0)
                to = r->finally_first;
        for (int32_t i = 0; i < to; i++)
                if (r->ops[i].kind == RECIPE_VENT && r->ops[i].value != 0)
                        return refuse(why, "start the recipe, or one for what is left, from its beginning",
                            "line %d vents, before the next pulse: what is in the chamber is not known to be "
                            "what was",
                            r->ops[i].source_line);
        for (int32_t i = from; i < to; i++)
                if (is_dosing(p, &r->ops[i]))
                        return refuse(why, "start a recipe for what is left",
                            "line %d lets %s flow: how much of it came is not known", r->ops[i].source_line,
                            p->tool->tags[r->ops[i].tag].name);
        for (int i = 0; i < p->tool->tag_count; i++)
                if (p->told[i] >= 0 && is_dosing(p, &r->ops[p->told[i]]))
                        return refuse(why, "start a recipe for what is left",
                            "%s flowed (line %d): how much of it came is not known", p->tool->tags[i].name,
                            r->ops[p->told[i]].source_line);
        return true;
}

static bool find_place(struct plan *p, struct resume_refusal *why)
{
        struct recipe_resume *to = &p->resume;
        struct position_move move;

        if (!position_find(p->r, to->cycle, to->path, &to->half) ||
            p->r->ops[to->half.op].kind != RECIPE_PULSE)
                return refuse(why, "start the recipe from its beginning",
                    "run %lld: its last pulse, cycle %lld at %s, is no place that this recipe tells",
                    (long long)to->run_id, (long long)to->cycle, to->path);
        p->source_line = p->r->ops[to->half.op].source_line;
        if (position_find_expose(p->r, to->half.op) >= 0)
                return refuse(why, "start a recipe for what is left",
                    "run %lld ended at or behind the pulse of line %d, in an expose: how long it lasted is "
                    "not known",
                    (long long)to->run_id, p->source_line);
        if (is_in_search(p))
                return refuse(why, "start a recipe for what is left",
                    "run %lld ended in a loop around line %d that ends on a condition: how many passes are "
                    "left is "
                    "not known",
                    (long long)to->run_id, p->source_line);
        if (to->attempt == 0 && !has_pulse_behind(p))
                return refuse(why,
                    "nothing is left to dose; a recipe that cools and purges brings the tool to rest",
                    "run %lld ended behind its last pulse", (long long)to->run_id);
        to->at = to->half;
        if (to->attempt == 0)
                position_advance(&to->at, p->r, &move);
        to->cycles_before = to->cycle - position_in_cycle(&to->half, p->r);
        return true;
}

/* ---- what was in force ---- */

static void walk(struct plan *p, int32_t first, int32_t last)
{
        for (int32_t i = first; i < last; i++) {
                const struct recipe_op *op = &p->r->ops[i];

                if (op->kind == RECIPE_SET || op->kind == RECIPE_VALVE || op->kind == RECIPE_ROTATE)
                        p->told[op->tag] = i;
                if (op->kind != RECIPE_WAIT_UNTIL ||
                    p->r->pool.nodes[p->r->conds[op->cond].root].op != COND_SETTLED)
                        continue;
                p->settle_us = op->for_us > p->settle_us ? op->for_us : p->settle_us;
                p->timeout_us = op->timeout_us > p->timeout_us ? op->timeout_us : p->timeout_us;
        }
}

/* As the program comes there: of a loop that it has passed before, a whole pass, then the way up to the place. */
static void walk_there(struct plan *p)
{
        const struct position *at = &p->resume.half;
        int32_t from = 0;

        for (int i = 0; i < at->depth; i++) {
                int32_t repeat = at->loop[i].repeat;

                walk(p, from, repeat);
                if (at->loop[i].pass > 1)
                        walk(p, repeat + 1, p->r->ops[repeat].jump);
                from = repeat + 1;
        }
        walk(p, from, at->op);
}

/* The longest that the recipe purges for, and no less than any line asks for. */
static void choose_purge(struct plan *p)
{
        for (int32_t i = 0; i < p->r->finally_first; i++) {
                const struct recipe_op *op = &p->r->ops[i];

                if ((op->kind == RECIPE_PURGE || op->kind == RECIPE_PURGE_UNTIL) && op->for_us > p->purge_us)
                        p->purge_us = op->for_us;
        }
        for (int i = 0; i < p->tool->line_count; i++)
                if (p->tool->lines[i].purge_us_min > p->purge_us)
                        p->purge_us = p->tool->lines[i].purge_us_min;
}

/* ---- the preparation ---- */

static struct recipe_op *add(struct plan *p, enum recipe_op_kind kind)
{
        struct recipe_op *op = &p->r->ops[p->op_count];

        assert(p->op_count < RECIPE_OPS_MAX + RECIPE_RESUME_OPS);
        p->op_count++;
        *op = (struct recipe_op){.kind = (uint8_t)kind,
            .otherwise = TOOL_ACT_NONE,
            .phase = RECIPE_IN_RESUME,
            .tag = TOOL_NONE,
            .line = -1,
            .cond = -1,
            .note = -1,
            .jump = -1,
            .source_line = p->source_line};
        return op;
}

static void add_question(struct plan *p)
{
        const struct recipe_resume *to = &p->resume;
        const char *line = p->tool->lines[p->r->ops[to->half.op].line].name;
        struct recipe_op *op = add(p, RECIPE_CONFIRM);
        struct text t;

        op->note = RECIPE_NOTES_MAX;
        op->timeout_us = answer_us;
        op->otherwise = TOOL_ACT_STOP;
        text_init(&t, p->r->notes[RECIPE_NOTES_MAX], sizeof p->r->notes[RECIPE_NOTES_MAX]);
        text_add(&t, "Go on with run %lld ", (long long)to->run_id);
        if (to->attempt > 0)
                text_add(&t, "at cycle %lld: pulse %s again (attempt %d)?", (long long)to->cycle, line,
                    to->attempt + 1);
        else
                text_add(&t, "at cycle %lld, behind its pulse %s?", (long long)to->cycle, line);
        text_add(&t, " Same powder, the chamber not opened since?");
}

static void add_settle(struct plan *p, int64_t for_us)
{
        struct recipe_op *op = add(p, RECIPE_WAIT_UNTIL);

        op->cond = RECIPE_CONDS_MAX;
        op->for_us = for_us;
        op->timeout_us = p->timeout_us > 0 ? p->timeout_us : settled_us;
        op->otherwise = TOOL_ACT_HOLD;
}

/* A line colder than its source condenses precursor. */
static bool is_hot_source(const struct plan *p, const struct recipe_op *op)
{
        for (int i = 0; i < p->tool->line_count; i++)
                if (p->tool->lines[i].source != TOOL_NONE &&
                    p->tool->loops[p->tool->lines[i].source].setpoint == op->tag)
                        return !op->is_standby;
        return false;
}

enum stage { SETS, SOURCES, ROTATIONS };

static enum stage stage_of(const struct plan *p, const struct recipe_op *op)
{
        if (op->kind == RECIPE_ROTATE)
                return ROTATIONS;
        return is_hot_source(p, op) ? SOURCES : SETS;
}

/* In the recipe's order. How many there were. */
static int add_told(struct plan *p, enum stage stage)
{
        int count = 0;

        for (int32_t i = 0; i < p->r->finally_first; i++) {
                const struct recipe_op *op = &p->r->ops[i];
                bool is_kind =
                    op->kind == RECIPE_SET || op->kind == RECIPE_VALVE || op->kind == RECIPE_ROTATE;

                if (!is_kind || p->told[op->tag] != i || stage_of(p, op) != stage)
                        continue;
                *add(p, (enum recipe_op_kind)op->kind) = *op;
                p->r->ops[p->op_count - 1].phase = RECIPE_IN_RESUME;
                count++;
        }
        return count;
}

static int64_t own_us(const struct recipe_op *op)
{
        switch (op->kind) {
        case RECIPE_WAIT:
        case RECIPE_PULSE:
        case RECIPE_PURGE:
        case RECIPE_LEAK_CHECK:
                return op->for_us;
        case RECIPE_REPEAT:
                return op->count * op->body_us;
        default:
                return 0;
        }
}

static void measure(struct plan *p)
{
        struct recipe *r = p->r;
        int64_t tail_us = time_add(own_us(&r->ops[p->resume.at.op]), position_tail_us(&p->resume.at, r));

        for (int32_t i = p->op_count - 1; i >= p->resume.first; i--) {
                r->ops[i].tail_us = tail_us;
                tail_us = time_add(tail_us, own_us(&r->ops[i]));
        }
        r->timed_us = tail_us;
}

static void build(struct plan *p)
{
        struct recipe_op *purge;

        p->op_count = p->r->op_count;
        p->resume.first = p->op_count;
        p->r->conds[RECIPE_CONDS_MAX] = (struct cond){.root = (int16_t)p->settled, .text = "settled"};
        add_question(p);
        add_told(p, SETS);
        add_settle(p, 0);
        if (add_told(p, SOURCES) > 0 || p->settle_us > 0)
                add_settle(p, p->settle_us);
        add_told(p, ROTATIONS);
        purge = add(p, RECIPE_PURGE);
        purge->for_us = p->purge_us;
        add(p, RECIPE_RESUMED);
        measure(p);
        add(p, RECIPE_END);
        p->r->op_count = p->op_count;
        p->r->resume = p->resume;
}

/* ---- entry ---- */

/* A node of the recipe's own, or one more. */
static bool find_settled(struct plan *p, struct resume_refusal *why)
{
        struct cond_pool *pool = &p->r->pool;

        for (p->settled = 0; p->settled < pool->count; p->settled++)
                if (pool->nodes[p->settled].op == COND_SETTLED)
                        return true;
        if (pool->count == COND_NODES_MAX)
                return refuse(why, "start a recipe for what is left",
                    "the recipe's conditions leave no room for what a resume waits for");
        pool->nodes[pool->count++] = (struct cond_node){
            .op = COND_SETTLED, .a = -1, .b = -1, .left = -1, .right = -1, .slot = -1, .b_scale = 1};
        return true;
}

bool resume_again(struct recipe *recipe, const struct tool *tool, const struct recipe_resume *was,
    struct resume_refusal *why)
{
        struct plan p = {.r = recipe, .tool = tool, .resume = *was};

        assert(recipe->resume.run_id == 0 && was->run_id > 0);
        memset(p.told, -1, sizeof p.told);
        if (!find_place(&p, why))
                return false;
        walk_there(&p);
        if (!refuse_between(&p, why) || !find_settled(&p, why))
                return false;
        choose_purge(&p);
        build(&p);
        return true;
}

/* Did some of its dose, or all of it, come? */
static bool may_have_dosed(enum pulse_outcome outcome)
{
        return outcome == PULSE_PENDING || outcome == PULSE_CUT || outcome == PULSE_FAILED ||
               outcome == PULSE_INTERRUPTED;
}

bool resume_prepare(struct recipe *recipe, const struct tool *tool, const struct resume_from *from,
    struct resume_refusal *why)
{
        struct recipe_resume was = {.run_id = from->run_id, .cycle = from->cycle, .attempt = from->attempt};

        if (!text_copy(was.path, sizeof was.path, from->path) || from->run_id < 1 || from->cycle < 0 ||
            from->attempt < 1)
                return refuse(
                    why, "start the recipe from its beginning", "what to go on with is no pulse of a run");
        if (from->outcome == PULSE_DONE && (from->repeat || from->skip))
                return refuse(why, "resume without --repeat and --skip",
                    "run %lld: its last pulse was done, there is nothing to repeat or skip",
                    (long long)from->run_id);
        if (recipe->resume_asks && may_have_dosed(from->outcome) && !from->repeat && !from->skip)
                return refuse(why, "resume with --repeat (the pulse once more, whole) or --skip",
                    "run %lld: a pulse was cut, and the recipe asks what to do with it",
                    (long long)from->run_id);
        if (from->outcome == PULSE_DONE || from->skip)
                was.attempt = 0;
        return resume_again(recipe, tool, &was, why);
}
