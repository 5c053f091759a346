/* Numbers that make no sense for a whole recipe, whatever happens in it: conditions that are never or always true, guards
 * that never act or act too soon, waits of weeks, counts beyond the life of a valve. */
#include "ald/file/cond_range.h"  /* cond_range_judge */
#include "ald/file/recipe_file.h" /* own declarations */

#include "ald/base/time.h" /* time_add_duration */

#include <math.h> /* fabs */

enum { MESSAGE_CAP = 400 };
static const int64_t day_us = 24 * TIME_H;
/* Makers of diaphragm valves for this use quote lives from 10 million cycles on. */
static const int64_t actuations_max = 10000000;

static struct diag_at at_cond(const struct recipe_file *f, int cond, int text)
{
        struct reader r = f->r;
        r.source = f->texts[text].source;
        return reader_at(&r, f->cond_node[cond]);
}

/* A block is put in many times: its steps are told once. */
static bool is_first(const struct recipe_file *f, int32_t op)
{
        for (int32_t i = 0; i < op; i++)
                if (f->op_node[i] == f->op_node[op] && f->recipe->ops[i].kind == f->recipe->ops[op].kind)
                        return false;
        return true;
}

/* ---- conditions ---- */

static void check_cond(struct recipe_file *f, int32_t i, const struct cond_ranges *ranges)
{
        const struct recipe *recipe = f->recipe;
        const struct recipe_op *op = &recipe->ops[i];
        enum cond_range_answer answer;
        /* `pump_down` waits twice: each wait has a condition of its own. */
        for (int32_t k = 0; k < i; k++)
                if (recipe->ops[k].cond == op->cond)
                        return;
        if (op->cond < 0)
                return;
        answer = cond_range_judge(&recipe->pool, recipe->conds[op->cond].root, ranges);
        if (answer == COND_RANGE_NEVER)
                diag_error(f->r.d, at_cond(f, op->cond, f->op_text[i]),
                    "until: '%s' can never be true, whatever the tool reads", recipe->conds[op->cond].text);
        else if (answer == COND_RANGE_ALWAYS)
                diag_warning(f->r.d, at_cond(f, op->cond, f->op_text[i]),
                    "until: '%s' is always true: nothing is waited for", recipe->conds[op->cond].text);
}

/* ---- guards ---- */

/* Longest time of ops [first, last): all waits to their timeouts. */
static int64_t longest_us(const struct recipe *recipe, int32_t first, int32_t last)
{
        int64_t sum = 0;
        for (int32_t i = first; i < last; i++) {
                const struct recipe_op *op = &recipe->ops[i];
                if (op->kind == RECIPE_REPEAT) {
                        int64_t pass = longest_us(recipe, i + 1, op->jump);
                        sum = time_add(sum, pass > TIME_NEVER / op->count ? TIME_NEVER : pass * op->count);
                        i = op->jump;
                } else if (op->kind == RECIPE_WAIT_UNTIL || op->kind == RECIPE_PURGE_UNTIL ||
                           op->kind == RECIPE_CONFIRM) {
                        sum = time_add(sum, op->timeout_us);
                } else if (op->kind != RECIPE_EXPOSE) {
                        sum = time_add(sum, op->for_us);
                }
        }
        return sum;
}

/* A guard may watch on from one phase to the next: all of them count together. */
static int64_t watched_us(const struct recipe *recipe, const struct recipe_guard *guard)
{
        int64_t sum = 0;
        for (int p = 0; p < recipe->phase_count; p++) {
                int32_t last =
                    p + 1 < recipe->phase_count ? recipe->phases[p + 1].first : recipe->finally_first - 1;
                if (guard->phases >> p & 1)
                        sum = time_add(sum, longest_us(recipe, recipe->phases[p].first, last));
        }
        return sum;
}

/* "tag, within": beside the tolerance by which the loop counts as settled. */
static void check_span(struct recipe_file *f, const struct recipe_guard *guard)
{
        const struct cond_node *n = &f->recipe->pool.nodes[f->recipe->conds[guard->cond].root];
        int number = n->op == COND_WITHIN ? tool_find_loop_of_value(f->tool, n->a) : TOOL_NONE;
        const struct tool_loop *loop = number >= 0 ? &f->tool->loops[number] : NULL;
        if (!loop || n->b != loop->setpoint || loop->tolerance <= 0)
                return;
        if (n->span < loop->tolerance)
                diag_warning(f->r.d, at_cond(f, guard->cond, 0),
                    "within: narrower than the loop's own tolerance: it may act on a loop that is settled");
        else if (n->span > 10 * loop->tolerance)
                diag_warning(f->r.d, at_cond(f, guard->cond, 0),
                    "within: more than ten times the loop's own tolerance: it guards little");
}

static void check_guard(
    struct recipe_file *f, const struct recipe_guard *guard, const struct cond_ranges *ranges)
{
        const struct recipe *recipe = f->recipe;
        const struct cond *cond = &recipe->conds[guard->cond];
        struct diag_at at = at_cond(f, guard->cond, 0);
        enum cond_range_answer answer = cond_range_judge(&recipe->pool, cond->root, ranges);
        if (answer == COND_RANGE_NEVER)
                diag_error(f->r.d, at, "guard: '%s' can never be true: it would act at once", cond->text);
        else if (answer == COND_RANGE_ALWAYS)
                diag_error(f->r.d, at, "guard: '%s' is always true: it would never act", cond->text);
        else if (guard->for_us > 0 && guard->for_us >= watched_us(recipe, guard))
                diag_warning(
                    f->r.d, at, "guard: 'for' is longer than its phases can last: it would never act");
        if (answer == COND_RANGE_EITHER)
                check_span(f, guard);
}

/* ---- times and counts ---- */

static void check_timeout(struct recipe_file *f, int32_t i)
{
        const struct recipe_op *op = &f->recipe->ops[i];
        bool is_wait =
            op->kind == RECIPE_WAIT_UNTIL || op->kind == RECIPE_PURGE_UNTIL || op->kind == RECIPE_CONFIRM;
        char buf[60];
        struct text t;
        if (!is_wait || op->timeout_us <= 3 * day_us)
                return;
        text_init(&t, buf, sizeof buf);
        time_add_duration(&t, op->timeout_us);
        if (op->timeout_us > 30 * day_us)
                diag_error(f->r.d, recipe_file_at_op(f, i), "%s: a timeout of %s is none: at most 30 days",
                    f->op_node[i]->key, buf);
        else
                diag_warning(f->r.d, recipe_file_at_op(f, i), "%s: may wait for %s", f->op_node[i]->key, buf);
}

static void check_nothing(struct recipe_file *f, int32_t i)
{
        const struct recipe_op *op = &f->recipe->ops[i];
        if (op->kind == RECIPE_PURGE && op->for_us == 0)
                diag_warning(f->r.d, recipe_file_at_op(f, i), "purge: 0 s purges nothing");
}

/* A rise by so much would leave the gauge's range before it is told. */
static void check_leak(struct recipe_file *f, int32_t i)
{
        const struct recipe_op *op = &f->recipe->ops[i];
        const struct tool_tag *gauge = &f->tool->tags[f->tool->gauge];
        double rise = op->limit * (double)op->for_us / 1e6;
        if (!gauge->has_valid || rise < gauge->valid_max - gauge->valid_min)
                return;
        diag_error(f->r.d, recipe_file_at_op(f, i),
            "leak_check: no leak could ever be told: within 'for' the pressure may rise beyond what '%s' can "
            "show",
            gauge->name);
}

static void check_finally(struct recipe_file *f)
{
        const struct recipe *recipe = f->recipe;
        int64_t us = longest_us(recipe, recipe->finally_first, recipe->op_count - 1);
        char buf[60];
        struct text t;
        if (us <= day_us)
                return;
        text_init(&t, buf, sizeof buf);
        time_add_duration(&t, us);
        diag_warning(f->r.d, recipe_file_at_op(f, recipe->finally_first),
            "finally: may last %s: so long a stop would take", buf);
}

static void check_thickness(struct recipe_file *f)
{
        const struct recipe *recipe = f->recipe;
        double cycles = (double)(recipe->cycles - recipe->wall_cycles), grown = cycles * recipe->growth_nm;
        char buf[100];
        struct text t;
        if (recipe->thickness_nm <= 0 || recipe->growth_nm <= 0 ||
            fabs(grown - recipe->thickness_nm) <= 0.2 * recipe->thickness_nm)
                return;
        text_init(&t, buf, sizeof buf);
        text_add_number(&t, recipe->thickness_nm, 4);
        text_add(&t, " nm, but %.0f cycles give ", cycles);
        text_add_number(&t, grown, 4);
        diag_warning(f->r.d, (struct diag_at){f->r.source, 0, 0}, "expect: a thickness of %s nm", buf);
}

/* A film takes two half-cycles. */
static void check_film(struct recipe_file *f)
{
        const struct recipe *recipe = f->recipe;
        int first = TOOL_NONE;
        for (int32_t i = 0; i < recipe->finally_first; i++) {
                int line = recipe->ops[i].kind == RECIPE_PULSE ? recipe->ops[i].line : TOOL_NONE;
                if (line >= 0 && first >= 0 && line != first)
                        return;
                first = line >= 0 ? line : first;
        }
        if (first >= 0 && recipe->growth_nm > 0)
                diag_warning(f->r.d, (struct diag_at){f->r.source, 0, 0},
                    "expect: nothing grows by pulses of '%s' alone", f->tool->lines[first].name);
}

static void check_counts(struct recipe_file *f)
{
        const struct recipe *recipe = f->recipe;
        char buf[60];
        struct text t;
        if (recipe->pulses > actuations_max)
                diag_warning(f->r.d, (struct diag_at){f->r.source, 0, 0},
                    "%lld pulses: more than a valve may last (10 million)", (long long)recipe->pulses);
        if (recipe->timed_us <= 30 * day_us)
                return;
        text_init(&t, buf, sizeof buf);
        text_add(&t, "%lld days", (long long)(recipe->timed_us / day_us));
        diag_warning(f->r.d, (struct diag_at){f->r.source, 0, 0},
            "the recipe takes %s: is a count or a unit wrong?", buf);
}

/* Hot sources wait for nobody. */
static void check_hold(struct recipe_file *f)
{
        const struct recipe *recipe = f->recipe;
        for (int32_t i = 0; recipe->hold_us_max > day_us && i < recipe->finally_first; i++) {
                const struct recipe_op *op = &recipe->ops[i];
                int loop = op->kind == RECIPE_SET && !op->is_standby
                               ? tool_find_loop_of_setpoint(f->tool, op->tag)
                               : TOOL_NONE;
                for (int k = 0; loop >= 0 && k < f->tool->line_count; k++) {
                        if (f->tool->lines[k].source != loop ||
                            op->value <= f->tool->tags[op->tag].image[TOOL_IMAGE_STANDBY].value)
                                continue;
                        diag_warning(f->r.d, (struct diag_at){f->r.source, 0, 0},
                            "%s keeps the source '%s' hot",
                            recipe->hold_us_max == TIME_NEVER ? "no 'on_hold': a hold without end"
                                                              : "on_hold: a hold of more than a day",
                            f->tool->tags[f->tool->loops[loop].value].name);
                        return;
                }
        }
}

void recipe_file_check_bounds(struct recipe_file *f)
{
        const struct recipe *recipe = f->recipe;
        struct cond_ranges ranges;
        cond_range_init(&ranges, f->tool);
        for (int32_t i = 0; i < recipe->op_count; i++) {
                check_cond(f, i, &ranges);
                if (!is_first(f, i))
                        continue;
                check_timeout(f, i);
                check_nothing(f, i);
                if (recipe->ops[i].kind == RECIPE_LEAK_CHECK)
                        check_leak(f, i);
        }
        for (int i = 0; i < recipe->guard_count; i++)
                check_guard(f, &recipe->guards[i], &ranges);
        check_finally(f);
        check_thickness(f);
        check_film(f);
        check_counts(f);
        check_hold(f);
}
