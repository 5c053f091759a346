/* A pulse that could not open as written, or would open into the wrong state: no permit, no flow, no exhaust (SAFETY V4,
 * V9), a cold source. */
#include "ald/file/recipe_file_walk.h"

enum { MESSAGE_CAP = 400 };
enum { TOLD_SHUT = 200, TOLD_COLD, TOLD_SOON, TOLD_REST, TOLD_DEW, TOLD_PERMIT = 3000 };

static bool names_output(const struct tool_interlock *lock, int output)
{
        for (int i = 0; i < lock->output_count; i++)
                if (lock->outputs[i] == output)
                        return true;
        return false;
}

/* Is there a permit that is never given while the set-points are as they are? Told. */
static bool lacks_permit(struct recipe_file_walk *w, int32_t i)
{
        const struct tool *tool = w->f->tool;
        const struct tool_line *line = &tool->lines[w->f->recipe->ops[i].line];
        struct cond_ranges rest;
        bool lacks = false;
        recipe_file_range_at_rest(w, &rest);
        for (int k = 0; k < tool->interlock_count; k++) {
                const struct tool_interlock *lock = &tool->interlocks[k];
                char buf[MESSAGE_CAP];
                struct text t;
                if (lock->kind != TOOL_PERMIT || !names_output(lock, line->valve) ||
                    cond_range_judge(&tool->conds, lock->when.root, &rest) != COND_RANGE_NEVER)
                        continue;
                lacks = true;
                if (recipe_file_was_told(w, TOLD_PERMIT + k, i, -1))
                        continue;
                text_init(&t, buf, sizeof buf);
                recipe_file_add_wants(w, &t, &tool->conds, lock->when.root, i);
                diag_error(w->f->r.d, recipe_file_at_op(w->f, i),
                    "pulse '%s' may not open here: interlock %s wants '%s'%s", line->name, lock->id,
                    lock->when.text, buf);
        }
        return lacks;
}

/* The op that shut off what carries precursor away, -1 = it flows. */
static int32_t shut_since(const struct recipe_file_walk *w, const char **what)
{
        const struct tool *tool = w->f->tool;
        int32_t since = -1;
        *what = "the exhaust is closed";
        if (tool->exhaust >= 0 && w->want[tool->exhaust].op >= 0 && w->want[tool->exhaust].value <= 0)
                return w->want[tool->exhaust].op;
        *what = "no inert gas flows";
        for (int i = 0; i < tool->loop_count; i++) {
                const struct recipe_file_want *want = &w->want[tool->loops[i].setpoint];
                if (!tool->loops[i].is_inert)
                        continue;
                if (want->value > 0)
                        return -1;
                since = want->op > since ? want->op : since;
        }
        return since;
}

static void look_at_way_out(struct recipe_file_walk *w, int32_t i)
{
        const char *what;
        int32_t since = w->expose < 0 ? shut_since(w, &what) : -1;
        char buf[100];
        struct text t;
        if (since < 0 || recipe_file_was_told(w, TOLD_SHUT, i, since))
                return;
        text_init(&t, buf, sizeof buf);
        recipe_file_add_line(w->f, &t, since, i);
        diag_error(w->f->r.d, recipe_file_at_op(w->f, i),
            "pulse: %s since '%s' %s: to dose into a closed chamber, use 'expose'", what,
            w->f->op_node[since]->key, buf);
}

static void look_at_source(struct recipe_file_walk *w, int32_t i, int loop)
{
        const struct tool *tool = w->f->tool;
        const struct recipe_file_want *want = &w->want[tool->loops[loop].setpoint];
        const char *name = tool->tags[tool->loops[loop].value].name;
        char buf[100];
        struct text t;
        if (recipe_file_is_hot(w, loop) || recipe_file_was_told(w, TOLD_COLD, i, want->op))
                return;
        if (want->op < 0) {
                diag_warning(w->f->r.d, recipe_file_at_op(w->f, i),
                    "pulse: the source is cold: nothing has heated '%s'", name);
                return;
        }
        text_init(&t, buf, sizeof buf);
        recipe_file_add_line(w->f, &t, want->op, i);
        if (want->was_hot)
                diag_error(w->f->r.d, recipe_file_at_op(w->f, i),
                    "pulse: the source is cold: '%s' %s put it back to standby or below", name, buf);
        else
                diag_warning(w->f->r.d, recipe_file_at_op(w->f, i),
                    "pulse: the source is cold: '%s' %s gives it no more than its standby", name, buf);
}

static void look_at_haste(struct recipe_file_walk *w, int32_t i, int loop)
{
        const struct tool *tool = w->f->tool;
        const struct recipe_file_want *want = &w->want[tool->loops[loop].setpoint];
        if (recipe_file_is_hot(w, loop) && !want->is_awaited &&
            !recipe_file_was_told(w, TOLD_SOON, want->op, -1))
                diag_warning(w->f->r.d, recipe_file_at_op(w->f, i),
                    "pulse: nothing has waited for '%s' to reach its set-point",
                    tool->tags[tool->loops[loop].value].name);
}

/* What leaves the line saturated meets walls and powder that are colder than the bottle. */
static void look_at_chamber(struct recipe_file_walk *w, int32_t i, int source)
{
        const struct tool *tool = w->f->tool;
        if (tool->chamber < 0 || tool->chamber == source || !recipe_file_is_hot(w, source))
                return;
        const struct recipe_file_want *chamber = &w->want[tool->loops[tool->chamber].setpoint];
        if (chamber->value < w->want[tool->loops[source].setpoint].value &&
            !recipe_file_was_told(w, TOLD_DEW, i, chamber->op))
                diag_warning(w->f->r.d, recipe_file_at_op(w->f, i),
                    "pulse: '%s' is told less than the source: precursor may condense on the powder",
                    tool->tags[tool->loops[tool->chamber].value].name);
}

static void look_at_bed(struct recipe_file_walk *w, int32_t i)
{
        const struct tool *tool = w->f->tool;
        const struct recipe *recipe = w->f->recipe;
        int tag = tool->bed >= 0 ? tool->loops[tool->bed].setpoint : TOOL_NONE;
        if (tag < 0 || recipe->powder_g <= 0 || w->walls > 0 || w->want[tag].value < 0 ||
            w->want[tag].value > 0 || recipe_file_was_told(w, TOLD_REST, i, -1))
                return;
        diag_warning(w->f->r.d, recipe_file_at_op(w->f, i),
            "pulse: the bed is at rest: the powder of this recipe is not mixed");
}

void recipe_file_look_at_pulse(struct recipe_file_walk *w, int32_t i)
{
        const struct tool *tool = w->f->tool;
        int source = tool->lines[w->f->recipe->ops[i].line].source;
        if (!lacks_permit(w, i)) {
                look_at_way_out(w, i);
                recipe_file_look_at_line(w, w->f->recipe->ops[i].line, i);
        }
        if (source >= 0) {
                look_at_source(w, i, source);
                look_at_haste(w, i, source);
                look_at_chamber(w, i, source);
        }
        if (tool->chamber >= 0 && tool->chamber != source)
                look_at_haste(w, i, tool->chamber);
        look_at_bed(w, i);
}
