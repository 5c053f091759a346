/* Two precursors that must not meet, or a precursor and what else its exclusions name: is there enough purge between any two of their pulses, round the end of every
 * loop too? A block is summed up by the time from its start to the first pulse of each line, and from the last pulse
 * of each line to its end; so nested loops cost no more than they have steps. Only time that is sure counts: the time
 * of a purge or wait, and of a condition the time for which it must hold; none inside `expose`, where nothing is purged.
 *
 * What shuts the flow or the exhaust is looked at in the same way, as if it were one more line: it must stay away from
 * each pulse for the line's own purge (SAFETY V9). */
#include "ald/file/recipe_file.h"

#include "ald/base/time.h" /* TIME_NEVER */

/* Behind the lines: what shuts the flow or the exhaust, and the other outputs that exclusions name (V2). */
enum { SHUT = TOOL_LINES_MAX, OTHER, EVENTS = OTHER + 24 };

struct edge {
        int64_t us; /* TIME_NEVER: no such pulse */
        int32_t op; /* the pulse */
};

struct span {
        int64_t total_us;
        struct edge first[EVENTS]; /* from the start to the first pulse of the line */
        struct edge last[EVENTS];  /* from the end of its last pulse to the end */
};

enum { TOLD_MAX = 64 };
struct told {
        const struct yaml_node *a, *b;
};
struct check {
        struct recipe_file *f;
        struct told told[TOLD_MAX]; /* a block is put in many times: each pair of its lines is told once */
        int told_count;
        int16_t output[EVENTS]; /* that opens at such an event; TOOL_NONE = none */
        bool is_exposing;
};

static void clear(struct span *s)
{
        s->total_us = 0;
        for (int i = 0; i < EVENTS; i++)
                s->first[i] = s->last[i] = (struct edge){TIME_NEVER, -1};
}

/* Time needed from the end of a pulse of line a to the event b. */
static int64_t needed_us(const struct check *c, int a, int b)
{
        const struct tool *tool = c->f->tool;
        int64_t between = 0, least = b < OTHER ? tool->lines[a].purge_us_min : 0;
        if (c->output[b] < 0 || !tool_excludes(tool, c->output[a], c->output[b], &between))
                return least;
        return between > least ? between : least;
}

static bool names(const struct tool_interlock *lock, int output)
{
        for (int i = 0; i < lock->output_count; i++)
                if (lock->outputs[i] == output)
                        return true;
        return false;
}

/* The exclusion that names both, for messages; "" when it is the line's own min_purge that asks. */
static const char *exclusion_of(const struct check *c, int a, int b)
{
        const struct tool *tool = c->f->tool;
        for (int i = 0; i < tool->interlock_count; i++) {
                const struct tool_interlock *lock = &tool->interlocks[i];
                if (lock->kind == TOOL_EXCLUSIVE && names(lock, c->output[a]) && names(lock, c->output[b]) &&
                    lock->purge_us == needed_us(c, a, b))
                        return lock->id;
        }
        return "";
}

static void add_output(struct check *c, int output)
{
        for (int i = 0; i < EVENTS; i++)
                if (c->output[i] == output)
                        return;
        for (int i = OTHER; i < EVENTS; i++) {
                if (c->output[i] >= 0)
                        continue;
                c->output[i] = (int16_t)output;
                return;
        }
}

/* Which outputs the events are about. Beyond the places the core still looks, at run time. */
static void list_outputs(struct check *c)
{
        const struct tool *tool = c->f->tool;
        for (int i = 0; i < EVENTS; i++)
                c->output[i] = i < tool->line_count ? tool->lines[i].valve : TOOL_NONE;
        for (int i = 0; i < tool->interlock_count; i++)
                for (int k = 0;
                     tool->interlocks[i].kind == TOOL_EXCLUSIVE && k < tool->interlocks[i].output_count; k++)
                        add_output(c, tool->interlocks[i].outputs[k]);
}

static bool was_told(struct check *c, const struct yaml_node *a, const struct yaml_node *b)
{
        for (int i = 0; i < c->told_count; i++)
                if (c->told[i].a == a && c->told[i].b == b)
                        return true;
        if (c->told_count < TOLD_MAX)
                c->told[c->told_count++] = (struct told){a, b};
        return false;
}

static void tell_shut(struct check *c, struct edge before, struct edge after, int a)
{
        const struct recipe_file *f = c->f;
        char buf[400];
        struct text t;
        text_init(&t, buf, sizeof buf);
        text_add(&t, "'%s' stops the purge ", f->op_node[after.op]->key);
        if (before.us + after.us > 0)
                time_add_duration(&t, before.us + after.us);
        else
                text_add(&t, "directly");
        text_add(&t, " after pulse '%s' ", f->tool->lines[a].name);
        recipe_file_add_line(f, &t, before.op, after.op);
        text_add(&t, ": it must last at least ");
        time_add_duration(&t, needed_us(c, a, SHUT));
        diag_error(f->r.d, recipe_file_at_op(f, after.op), "%s (the line's min_purge)", buf);
}

static void tell(struct check *c, struct edge before, struct edge after, int a, int b, bool is_round)
{
        const struct recipe_file *f = c->f;
        const struct yaml_node *from = f->op_node[before.op], *to = f->op_node[after.op];
        char buf[400];
        struct text t;
        if (was_told(c, from, to))
                return;
        if (b == SHUT) {
                tell_shut(c, before, after, a);
                return;
        }
        text_init(&t, buf, sizeof buf);
        if (b < OTHER)
                text_add(&t, "pulse '%s' comes ", f->tool->lines[b].name);
        else
                text_add(&t, "'%s' opens '%s' ", to->key, f->tool->tags[c->output[b]].name);
        if (before.us + after.us > 0) /* both are below what is needed: no overflow */
                time_add_duration(&t, before.us + after.us);
        else
                text_add(&t, "directly");
        text_add(&t, " after pulse '%s' ", f->tool->lines[a].name);
        recipe_file_add_line(f, &t, before.op, after.op);
        text_add(&t, "%s: there must be at least ", is_round ? " (the loop begins again)" : "");
        time_add_duration(&t, needed_us(c, a, b));
        const char *id = exclusion_of(c, a, b);
        text_add(&t, " of purge between them (%s%s)", id[0] ? "interlock " : "the line's min_purge", id);
        diag_error(f->r.d, recipe_file_at_op(f, after.op), "%s", buf);
}

/* `after` follows `before` at once: do their pulses keep apart? */
static void check_joint(struct check *c, const struct span *before, const struct span *after, bool is_round)
{
        const struct tool *tool = c->f->tool;
        for (int a = 0; a < tool->line_count; a++) {
                for (int b = 0; b < EVENTS && before->last[a].op >= 0; b++) {
                        if (a == b || after->first[b].op < 0)
                                continue;
                        if (time_add(before->last[a].us, after->first[b].us) < needed_us(c, a, b))
                                tell(c, before->last[a], after->first[b], a, b, is_round);
                }
        }
}

static void append(struct check *c, struct span *sum, const struct span *next)
{
        check_joint(c, sum, next, false);
        for (int i = 0; i < EVENTS; i++) {
                if (sum->first[i].op < 0 && next->first[i].op >= 0)
                        sum->first[i] =
                            (struct edge){time_add(sum->total_us, next->first[i].us), next->first[i].op};
                if (next->last[i].op >= 0)
                        sum->last[i] = next->last[i];
                else if (sum->last[i].op >= 0)
                        sum->last[i].us = time_add(sum->last[i].us, next->total_us);
        }
        sum->total_us = time_add(sum->total_us, next->total_us);
}

static bool is_shutting(const struct tool *tool, const struct recipe_op *op)
{
        bool is_carrier = tool->carrier >= 0 && op->tag == tool->loops[tool->carrier].setpoint;
        if (op->kind == RECIPE_VALVE)
                return op->tag == tool->exhaust && op->value <= 0;
        return op->kind == RECIPE_LEAK_CHECK || (op->kind == RECIPE_SET && is_carrier && op->value <= 0);
}

static int64_t sure_us(const struct recipe_op *op)
{
        switch (op->kind) {
        case RECIPE_WAIT:
        case RECIPE_PURGE:
        case RECIPE_WAIT_UNTIL:
        case RECIPE_PURGE_UNTIL:
                return op->for_us;
        default:
                return 0;
        }
}

static void sum_up_one(struct check *c, int32_t i, struct span *sum)
{
        const struct recipe_op *op = &c->f->recipe->ops[i];
        clear(sum);
        c->is_exposing = op->kind == RECIPE_EXPOSE || (c->is_exposing && op->kind != RECIPE_EXPOSE_END);
        sum->total_us = c->is_exposing ? 0 : sure_us(op);
        if (op->kind == RECIPE_PULSE)
                sum->first[op->line] = sum->last[op->line] = (struct edge){0, i};
        if (is_shutting(c->f->tool, op))
                sum->first[SHUT] = sum->last[SHUT] = (struct edge){0, i};
        for (int k = OTHER; (op->kind == RECIPE_VALVE || op->kind == RECIPE_SET) && k < EVENTS; k++)
                if (c->output[k] == op->tag && op->value > 0)
                        sum->first[k] = sum->last[k] = (struct edge){0, i};
}

/* From one pass to all of them. Only the first is sure where a condition may end them. */
static void sum_up_passes(struct check *c, const struct recipe_op *repeat, struct span *pass)
{
        if (repeat->count > 1)
                check_joint(c, pass, pass, true);
        if (repeat->cond >= 0)
                return;
        pass->total_us =
            pass->total_us > TIME_NEVER / repeat->count ? TIME_NEVER : pass->total_us * repeat->count;
}

static void sum_up(struct check *c, int32_t first, int32_t last, struct span *sum)
{
        const struct recipe *recipe = c->f->recipe;
        struct span next;
        clear(sum);
        for (int32_t i = first; i < last; i++) {
                const struct recipe_op *op = &recipe->ops[i];
                if (op->kind == RECIPE_REPEAT) {
                        sum_up(c, i + 1, op->jump, &next);
                        sum_up_passes(c, op, &next);
                        i = op->jump;
                } else {
                        sum_up_one(c, i, &next);
                }
                append(c, sum, &next);
        }
}

void recipe_file_check_purges(struct recipe_file *f)
{
        const struct recipe *recipe = f->recipe;
        struct check c = {.f = f};
        struct span sum, last;
        list_outputs(&c);
        sum_up(&c, 0, recipe->finally_first - 1, &sum);
        sum_up(&c, recipe->finally_first, recipe->op_count - 1, &last);
        append(&c, &sum, &last);
}
