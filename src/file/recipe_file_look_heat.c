/* Set-points that must not meet: heat without flow, a source hotter than the line behind it, a set-point at which the tool
 * trips, heat in a vented chamber, a source that is hot at the end. */
#include "ald/file/recipe_file_walk.h"

enum { MESSAGE_CAP = 400 };
enum { TOLD_FLOW = 100, TOLD_LINE, TOLD_COOL, TOLD_TRIP, TOLD_ALARM, TOLD_BED, TOLD_AIR, TOLD_VENT = 2000 };

static const char *value_name(const struct recipe_file_walk *w, int loop)
{
        return w->f->tool->tags[w->f->tool->loops[loop].value].name;
}

static const struct recipe_file_want *want_of(const struct recipe_file_walk *w, int loop)
{
        return &w->want[w->f->tool->loops[loop].setpoint];
}

/* "'nb.temperature' (110 degC, of line 12)" */
static void add_loop(const struct recipe_file_walk *w, struct text *t, int loop, int32_t seen_from)
{
        const struct recipe_file_want *want = want_of(w, loop);
        text_add(t, "'%s' (", value_name(w, loop));
        tool_add_value(t, &w->f->tool->tags[w->f->tool->loops[loop].setpoint], want->value);
        if (want->op < 0) {
                text_add(t, ", its standby)");
                return;
        }
        text_add(t, ", ");
        recipe_file_add_line(w->f, t, want->op, seen_from);
        text_add(t, ")");
}

static int32_t later(int32_t a, int32_t b)
{
        return a > b ? a : b;
}

/* ---- heat without flow ---- */

/* The last op that turned a gas off, when all of them are off; -1. */
static int32_t no_flow_since(const struct recipe_file_walk *w)
{
        const struct tool *tool = w->f->tool;
        int32_t since = -1;
        for (int i = 0; i < tool->loop_count; i++) {
                if (tool->loops[i].kind != TOOL_LOOP_FLOW)
                        continue;
                if (want_of(w, i)->value > 0)
                        return -1;
                since = later(since, want_of(w, i)->op);
        }
        return since;
}

static void look_at_flow(struct recipe_file_walk *w)
{
        int32_t since = w->vent < 0 ? no_flow_since(w) : -1; /* a vent lets gas in by its own valve */
        for (int i = 0; since >= 0 && w->expose < 0 && i < w->f->tool->loop_count; i++) {
                const struct recipe_file_want *want = want_of(w, i);
                char buf[MESSAGE_CAP];
                struct text t;
                if (!recipe_file_is_hot(w, i) || recipe_file_was_told(w, TOLD_FLOW, want->op, since))
                        continue;
                int32_t at = later(want->op, since);
                text_init(&t, buf, sizeof buf);
                add_loop(w, &t, i, at);
                if (want->op > since)
                        diag_error(w->f->r.d, recipe_file_at_op(w->f, at),
                            "heat without flow: %s heats while no gas flows", buf);
                else
                        diag_warning(w->f->r.d, recipe_file_at_op(w->f, at),
                            "heat without flow: no gas flows while %s is hot", buf);
        }
}

/* ---- sources and their lines ---- */

/* The source is hot and its line is not, or not enough. */
static bool is_line_cold(const struct recipe_file_walk *w, const struct tool_line *line)
{
        return line->source >= 0 && line->hot_line >= 0 && recipe_file_is_hot(w, line->source) &&
               want_of(w, line->hot_line)->value < want_of(w, line->source)->value + line->hot_line_by;
}

void recipe_file_look_at_line(struct recipe_file_walk *w, int number, int32_t pulse)
{
        const struct tool_line *line = &w->f->tool->lines[number];
        char buf[MESSAGE_CAP];
        struct text t;
        if (!is_line_cold(w, line))
                return;
        int32_t source = want_of(w, line->source)->op, at = later(source, want_of(w, line->hot_line)->op);
        at = pulse >= 0 ? pulse : at;
        if (recipe_file_was_told(w, TOLD_LINE, at, source))
                return;
        text_init(&t, buf, sizeof buf);
        add_loop(w, &t, line->source, at);
        text_add(&t, " is not cooler than its line, ");
        add_loop(w, &t, line->hot_line, at);
        text_add(&t, ", by ");
        text_add_number(&t, line->hot_line_by, 3);
        if (pulse >= 0)
                diag_error(w->f->r.d, recipe_file_at_op(w->f, at),
                    "pulse: %s K: precursor condenses in the line", buf);
        else
                diag_warning(w->f->r.d, recipe_file_at_op(w->f, at),
                    "set: %s K: precursor condenses in the line", buf);
}

/* So much above its standby a heater counts as cool. */
static const double cool_k = 30;

/* Nothing has waited for the heater to be cool, or for no more than this says. */
static bool may_be_hot(const struct recipe_file_walk *w, int loop)
{
        const struct tool_loop *l = &w->f->tool->loops[loop];
        const struct tool_tag *tag = &w->f->tool->tags[l->setpoint];
        double most = tag->image[TOOL_IMAGE_STANDBY].value +
                      unit_convert_difference(cool_k, unit_base(UNIT_DIM_DIFFERENCE), tag->unit);
        return !want_of(w, loop)->is_awaited || w->now.tag[l->value].high > most;
}

/* A line that is let go while its source may still be hot. */
static void look_at_cooling(struct recipe_file_walk *w, const struct tool_line *line)
{
        if (line->source < 0 || line->hot_line < 0 || recipe_file_is_hot(w, line->source))
                return;
        const struct recipe_file_want *source = want_of(w, line->source), *way = want_of(w, line->hot_line);
        if (!source->was_hot || !may_be_hot(w, line->source) || way->op < source->op || !way->is_rest ||
            recipe_file_was_told(w, TOLD_COOL, source->op, way->op))
                return;
        diag_warning(w->f->r.d, recipe_file_at_op(w->f, later(source->op, way->op)),
            "set: '%s' cools together with its source '%s': precursor condenses in the line: wait for the "
            "source "
            "to be cool first",
            value_name(w, line->hot_line), value_name(w, line->source));
}

/* ---- set-points at which the tool acts ---- */

/* The loop of the condition that the recipe told last; -1: none. */
static int moved_loop(const struct recipe_file_walk *w, int root)
{
        const struct tool *tool = w->f->tool;
        int found = -1;
        for (int i = 0; i < tool->loop_count; i++) {
                bool is_used = cond_uses_tag(&tool->conds, root, tool->loops[i].value);
                if (is_used && want_of(w, i)->op >= 0 &&
                    (found < 0 || want_of(w, i)->op > want_of(w, found)->op))
                        found = i;
        }
        return found;
}

static void look_at_trip(
    struct recipe_file_walk *w, const struct tool_interlock *lock, struct cond_ranges *rest)
{
        const struct cond_pool *pool = &w->f->tool->conds;
        int loop = moved_loop(w, lock->when.root);
        char buf[MESSAGE_CAP];
        struct text t;
        if (lock->kind != TOOL_TRIP || lock->arm.root >= 0 || loop < 0)
                return;
        int32_t at = want_of(w, loop)->op;
        int value = w->f->tool->loops[loop].value;
        double tolerance = w->f->tool->loops[loop].tolerance;
        enum cond_range_answer answer = cond_range_judge(pool, lock->when.root, rest);
        text_init(&t, buf, sizeof buf);
        add_loop(w, &t, loop, at);
        if (answer == COND_RANGE_ALWAYS && !recipe_file_was_told(w, TOLD_TRIP, at, -1))
                diag_error(w->f->r.d, recipe_file_at_op(w->f, at), "set: interlock %s trips at %s: '%s'",
                    lock->id, buf, lock->when.text);
        struct cond_range exact = rest->tag[value];
        rest->tag[value].low -= tolerance;
        rest->tag[value].high += tolerance;
        if (answer == COND_RANGE_NEVER && cond_range_judge(pool, lock->when.root, rest) != COND_RANGE_NEVER &&
            !recipe_file_was_told(w, TOLD_TRIP, at, -1))
                diag_warning(w->f->r.d, recipe_file_at_op(w->f, at),
                    "set: interlock %s trips within the tolerance of %s: '%s'", lock->id, buf,
                    lock->when.text);
        rest->tag[value] = exact;
}

static void look_at_alarm(
    struct recipe_file_walk *w, const struct tool_alarm *alarm, const struct cond_ranges *rest)
{
        const struct cond_pool *pool = &w->f->tool->conds;
        int loop = moved_loop(w, alarm->when.root);
        char buf[MESSAGE_CAP];
        struct text t;
        bool is_suppressed = alarm->suppress.root >= 0 &&
                             cond_range_judge(pool, alarm->suppress.root, rest) != COND_RANGE_NEVER;
        if (loop < 0 || is_suppressed ||
            cond_range_judge(pool, alarm->when.root, rest) != COND_RANGE_ALWAYS ||
            recipe_file_was_told(w, TOLD_ALARM, want_of(w, loop)->op, -1))
                return;
        int32_t at = want_of(w, loop)->op;
        text_init(&t, buf, sizeof buf);
        add_loop(w, &t, loop, at);
        diag_warning(w->f->r.d, recipe_file_at_op(w->f, at), "set: alarm %s stands at %s: '%s'", alarm->id,
            buf, alarm->when.text);
}

/* Heat in air: a source must not be, anything else should not. */
static void look_at_air(struct recipe_file_walk *w, int loop)
{
        const struct tool *tool = w->f->tool;
        int32_t at = want_of(w, loop)->op;
        bool is_source = false;
        if (w->vent < 0 || !recipe_file_is_hot(w, loop) || at < w->vent ||
            recipe_file_was_told(w, TOLD_AIR, at, -1))
                return;
        for (int i = 0; i < tool->line_count; i++)
                is_source = is_source || tool->lines[i].source == loop;
        if (is_source)
                diag_error(w->f->r.d, recipe_file_at_op(w->f, at),
                    "set: no heat for a source after 'vent', before a 'pump_down'");
        else
                diag_warning(w->f->r.d, recipe_file_at_op(w->f, at), "set: '%s' heats a chamber full of air",
                    value_name(w, loop));
}

void recipe_file_look_at_outputs(struct recipe_file_walk *w, int32_t op)
{
        const struct tool *tool = w->f->tool;
        struct cond_ranges rest;
        (void)op;
        if (!w->is_moved)
                return;
        w->is_moved = false;
        look_at_flow(w);
        for (int i = 0; i < tool->line_count; i++) {
                recipe_file_look_at_line(w, i, -1);
                look_at_cooling(w, &tool->lines[i]);
        }
        for (int i = 0; i < tool->loop_count; i++)
                look_at_air(w, i);
        recipe_file_range_at_rest(w, &rest);
        for (int i = 0; i < tool->interlock_count; i++)
                look_at_trip(w, &tool->interlocks[i], &rest);
        for (int i = 0; i < tool->alarm_count; i++)
                look_at_alarm(w, &tool->alarms[i], &rest);
}

/* ---- vents and the end ---- */

/* Heat that air meets: the chamber's, and that of a source. */
static bool minds_air(const struct tool *tool, int loop)
{
        for (int i = 0; i < tool->line_count; i++)
                if (tool->lines[i].source == loop)
                        return true;
        return loop == tool->chamber;
}

static void look_at_bed(struct recipe_file_walk *w, int32_t op, const char *verb)
{
        const struct tool *tool = w->f->tool;
        double speed = tool->bed >= 0 ? want_of(w, tool->bed)->value : 0;
        bool turns = speed < 0 || speed > 0;
        if (turns && want_of(w, tool->bed)->op >= 0 && !recipe_file_was_told(w, TOLD_BED, op, -1))
                diag_warning(w->f->r.d, recipe_file_at_op(w->f, op),
                    "%s: the bed turns meanwhile: powder is thrown about while the gas rushes", verb);
}

void recipe_file_look_at_vent(struct recipe_file_walk *w, int32_t op)
{
        const struct tool *tool = w->f->tool;
        bool is_vent = w->f->recipe->ops[op].value > 0;
        look_at_bed(w, op, is_vent ? "vent" : "pump_down");
        for (int i = 0; is_vent && i < tool->loop_count; i++) {
                const struct recipe_file_want *want = want_of(w, i);
                char buf[MESSAGE_CAP];
                struct text t;
                if (!minds_air(tool, i) || recipe_file_was_told(w, TOLD_VENT + i, op, want->op))
                        continue;
                text_init(&t, buf, sizeof buf);
                add_loop(w, &t, i, op);
                if (recipe_file_is_hot(w, i))
                        diag_error(w->f->r.d, recipe_file_at_op(w->f, op), "vent: with the heat on: %s", buf);
                else if (may_be_hot(w, i))
                        diag_warning(w->f->r.d, recipe_file_at_op(w->f, op),
                            "vent: nothing waits for %s to be cool before air comes in", buf);
        }
}

void recipe_file_look_at_end(struct recipe_file_walk *w)
{
        const struct tool *tool = w->f->tool;
        for (int i = 0; i < tool->loop_count; i++) {
                const struct recipe_file_want *want = want_of(w, i);
                if (!minds_air(tool, i) || !want->was_hot)
                        continue;
                if (recipe_file_is_hot(w, i)) {
                        diag_warning(w->f->r.d, recipe_file_at_op(w->f, want->op),
                            "ends hot: '%s' is not set back before the run ends", value_name(w, i));
                        continue;
                }
                if (!may_be_hot(w, i) || i == tool->chamber)
                        continue;
                diag_warning(w->f->r.d, recipe_file_at_op(w->f, want->op),
                    "ends hot: nothing waits for '%s' to be cool before the run ends and its line cools too",
                    value_name(w, i));
        }
}
