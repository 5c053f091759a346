/* What is wrong with a step, given what the steps before it left behind: waits that can only time out, purges that purge
 * nothing, steps that need the pump or the vacuum, heat at the end. */
#include "ald/file/recipe_file_walk.h"

#include "ald/base/time.h" /* time_add_duration */

enum { MESSAGE_CAP = 400, LOOKS_MAX = 16 };
enum { TOLD_WAIT, TOLD_SLOW, TOLD_PURGE, TOLD_PUMP, TOLD_VENTED, TOLD_LIMIT, TOLD_FINALLY, TOLD_OPEN };

void recipe_file_add_wants(const struct recipe_file_walk *w, struct text *t, const struct cond_pool *pool,
    int root, int32_t seen_from)
{
        const struct tool *tool = w->f->tool;
        const char *before = ": ";
        for (int i = 0; i < tool->loop_count; i++) {
                const struct tool_loop *loop = &tool->loops[i];
                const struct recipe_file_want *want = &w->want[loop->setpoint];
                if (!cond_uses_tag(pool, root, loop->value))
                        continue;
                text_add(t, "%s'%s' is told ", before, tool->tags[loop->value].name);
                tool_add_value(t, &tool->tags[loop->setpoint], want->value);
                before = ", ";
                if (want->op < 0) {
                        text_add(t, " (standby, at the start)");
                        continue;
                }
                text_add(t, " by '%s' ", w->f->op_node[want->op]->key);
                recipe_file_add_line(w->f, t, want->op, seen_from);
        }
}

/* ---- waits ---- */

static void look_at_wait(struct recipe_file_walk *w, int32_t i)
{
        const struct recipe *recipe = w->f->recipe;
        const struct recipe_op *op = &recipe->ops[i];
        const struct cond *cond = &recipe->conds[op->cond];
        char buf[MESSAGE_CAP];
        struct text t;
        struct cond_ranges now;
        if (w->looks[op->cond]++ >= LOOKS_MAX) {
                w->looks[op->cond] = LOOKS_MAX;
                return;
        }
        cond_range_init(&now, w->f->tool);
        if (cond_range_judge(&recipe->pool, cond->root, &now) !=
            COND_RANGE_EITHER) /* it is so everywhere: told */
                return;
        now = w->now;
        now.is_exposing_known = true;
        now.is_exposing = w->expose >= 0;
        enum cond_range_answer answer = cond_range_judge(&recipe->pool, cond->root, &now);
        if (answer == COND_RANGE_EITHER || (answer == COND_RANGE_ALWAYS && op->for_us > 0) ||
            recipe_file_was_told(w, TOLD_WAIT, i, -1))
                return;
        text_init(&t, buf, sizeof buf);
        recipe_file_add_wants(w, &t, &recipe->pool, cond->root, i);
        if (answer == COND_RANGE_NEVER)
                diag_error(w->f->r.d, recipe_file_at_op(w->f, i),
                    "%s: '%s' never comes true here, it can only time out%s", w->f->op_node[i]->key,
                    cond->text, buf);
        else
                diag_warning(w->f->r.d, recipe_file_at_op(w->f, i),
                    "%s: '%s' is true here already: nothing is waited for%s", w->f->op_node[i]->key,
                    cond->text, buf);
}

/* A wait for `settled` that is over before the slowest set-point can be there. */
static void look_at_haste(struct recipe_file_walk *w, int32_t i)
{
        const struct tool *tool = w->f->tool;
        const struct recipe *recipe = w->f->recipe;
        const struct recipe_op *op = &recipe->ops[i];
        char buf[MESSAGE_CAP];
        struct text t;
        if (recipe->pool.nodes[recipe->conds[op->cond].root].op != COND_SETTLED)
                return;
        for (int k = 0; k < tool->loop_count; k++) {
                const struct recipe_file_want *want = &w->want[tool->loops[k].setpoint];
                int64_t by = time_add(w->clock_us, op->timeout_us);
                if (want->op < 0 || recipe->ops[want->op].is_standby || want->is_awaited ||
                    by - want->begun_us >= want->least_us || recipe_file_was_told(w, TOLD_SLOW, i, want->op))
                        continue;
                text_init(&t, buf, sizeof buf);
                time_add_duration(&t, want->least_us);
                text_add(&t, " for '%s' ", tool->tags[tool->loops[k].value].name);
                recipe_file_add_line(w->f, &t, want->op, i);
                diag_error(w->f->r.d, recipe_file_at_op(w->f, i),
                    "%s: times out before the set-points can be reached: it takes at least %s",
                    w->f->op_node[i]->key, buf);
        }
}

/* ---- what needs the pump, the flow, the vacuum ---- */

/* The op that last told the output, in this section, when it told it `off`; -1. */
static int32_t off_since(const struct recipe_file_walk *w, int tag, int32_t i)
{
        const struct recipe *recipe = w->f->recipe;
        int32_t section = i >= recipe->finally_first ? recipe->finally_first : 0;
        return tag >= 0 && w->want[tag].op >= section && w->want[tag].value <= 0 ? w->want[tag].op : -1;
}

/* The carrier is what purges, where no other inert gas can. */
static int only_inert(const struct tool *tool)
{
        int inert = 0;
        for (int i = 0; i < tool->loop_count; i++)
                inert += tool->loops[i].is_inert;
        return inert == 1 && tool->carrier >= 0 ? tool->loops[tool->carrier].setpoint : TOOL_NONE;
}

/* A purge without flow, pump or exhaust counts for no exclusion: the next precursor would never open. */
static void look_at_purge(struct recipe_file_walk *w, int32_t i)
{
        const struct tool *tool = w->f->tool;
        const struct {
                int tag;
                const char *what;
        } needs[] = {{tool->exhaust, "the exhaust is closed"}, {tool->pump_run, "the pump is off"},
            {only_inert(tool), "no carrier flows"}};
        for (size_t k = 0; k < sizeof needs / sizeof needs[0]; k++) {
                int32_t since = off_since(w, needs[k].tag, i);
                char buf[100];
                struct text t;
                if (since < 0)
                        continue;
                text_init(&t, buf, sizeof buf);
                recipe_file_add_line(w->f, &t, since, i);
                if (!recipe_file_was_told(w, TOLD_PURGE, i, since))
                        diag_warning(w->f->r.d, recipe_file_at_op(w->f, i),
                            "purge: nothing is purged: %s since '%s' %s", needs[k].what,
                            w->f->op_node[since]->key, buf);
                return;
        }
}

/* `expose` and `leak_check`. */
static void look_at_vacuum(struct recipe_file_walk *w, int32_t i)
{
        const char *verb = w->f->op_node[i]->key;
        int32_t off = off_since(w, w->f->tool->pump_run, i);
        char buf[100];
        struct text t;
        if (w->vent >= 0 && !recipe_file_was_told(w, TOLD_VENTED, i, -1))
                diag_error(w->f->r.d, recipe_file_at_op(w->f, i),
                    "%s: needs vacuum: after 'vent' a 'pump_down' must come first", verb);
        if (off < 0 || recipe_file_was_told(w, TOLD_PUMP, i, off))
                return;
        text_init(&t, buf, sizeof buf);
        recipe_file_add_line(w->f, &t, off, i);
        diag_error(w->f->r.d, recipe_file_at_op(w->f, i), "%s: needs vacuum: the pump is off since '%s' %s",
            verb, w->f->op_node[off]->key, buf);
}

/* The pressure that an exposure may rise to is one at which the tool would have tripped. */
static void look_at_limit(struct recipe_file_walk *w, int32_t i)
{
        const struct tool *tool = w->f->tool;
        const struct recipe_op *op = &w->f->recipe->ops[i];
        struct cond_ranges ranges = w->now;
        ranges.tag[tool->gauge] = (struct cond_range){op->limit, op->limit, false, false};
        for (int k = 0; k < tool->interlock_count; k++) {
                const struct tool_interlock *lock = &tool->interlocks[k];
                if (lock->kind != TOOL_TRIP || !cond_uses_tag(&tool->conds, lock->when.root, tool->gauge) ||
                    cond_range_judge(&tool->conds, lock->when.root, &ranges) != COND_RANGE_ALWAYS ||
                    recipe_file_was_told(w, TOLD_LIMIT, i, -1))
                        continue;
                diag_error(w->f->r.d, recipe_file_at_op(w->f, i),
                    "expose: 'limit' is beyond interlock %s, which trips at '%s'", lock->id, lock->when.text);
        }
}

/* ---- single steps ---- */

static void look_at_valve(struct recipe_file_walk *w, int32_t i)
{
        const struct recipe_op *op = &w->f->recipe->ops[i];
        if (op->tag != w->f->tool->vent || op->value <= 0 || w->vent >= 0 ||
            recipe_file_was_told(w, TOLD_OPEN, i, -1))
                return;
        diag_warning(w->f->r.d, recipe_file_at_op(w->f, i),
            "open: '%s' lets the atmosphere in with the interlocks armed and the exhaust as it is: 'vent' "
            "does it "
            "in order",
            w->f->tool->tags[op->tag].name);
}

static void look_at_set(struct recipe_file_walk *w, int32_t i)
{
        const struct tool *tool = w->f->tool;
        const struct recipe_op *op = &w->f->recipe->ops[i];
        int loop = tool_find_loop_of_setpoint(tool, op->tag);
        bool is_heat = loop >= 0 && tool->loops[loop].kind == TOOL_LOOP_HEATER && !op->is_standby &&
                       op->value > tool->tags[op->tag].image[TOOL_IMAGE_STANDBY].value;
        if (op->phase >= 0 || !is_heat || recipe_file_was_told(w, TOLD_FINALLY, i, -1))
                return;
        diag_error(w->f->r.d, recipe_file_at_op(w->f, i),
            "set: no heat in 'finally': it runs after a stop, when '%s' goes to standby or below",
            w->f->op_node[i]->key);
}

void recipe_file_look(struct recipe_file_walk *w, int32_t i)
{
        switch ((enum recipe_op_kind)w->f->recipe->ops[i].kind) {
        case RECIPE_SET:
                look_at_set(w, i);
                return;
        case RECIPE_VALVE:
                look_at_valve(w, i);
                return;
        case RECIPE_VENT:
                recipe_file_look_at_vent(w, i);
                return;
        case RECIPE_PULSE:
                recipe_file_look_at_outputs(w, i);
                recipe_file_look_at_pulse(w, i);
                return;
        case RECIPE_PURGE:
        case RECIPE_PURGE_UNTIL:
                look_at_purge(w, i);
                break;
        case RECIPE_EXPOSE:
                look_at_vacuum(w, i);
                look_at_limit(w, i);
                return;
        case RECIPE_LEAK_CHECK: /* takes the flow away itself */
                look_at_vacuum(w, i);
                return;
        case RECIPE_WAIT:
        case RECIPE_WAIT_UNTIL:
        case RECIPE_CONFIRM:
                break;
        default:
                return;
        }
        recipe_file_look_at_outputs(w, i);
        if (w->f->recipe->ops[i].cond < 0)
                return;
        look_at_wait(w, i);
        look_at_haste(w, i);
}
