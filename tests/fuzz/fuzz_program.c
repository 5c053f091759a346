#include "fuzz/fuzz_program.h"

#include "ald/base/time.h"     /* TIME_NEVER */
#include "ald/core/snapshot.h" /* SNAPSHOT_WINDOWS_MAX */

#include <math.h>   /* isfinite */
#include <string.h> /* memchr */

#define OP_CHECK(is, what) FUZZ_CHECK(is, "op %d of kind %d: " what, (int)(op - r->ops), op->kind)

/* ---- Sections, phases, loops ---- */

static bool opens(const struct recipe_op *op)
{
        return op->kind == RECIPE_REPEAT || op->kind == RECIPE_EXPOSE;
}

static bool closes(const struct recipe_op *op)
{
        return op->kind == RECIPE_REPEAT_END || op->kind == RECIPE_EXPOSE_END;
}

/* Blocks open and close in pairs that name each other, within one section and one phase. */
static void check_blocks(const struct recipe *r)
{
        int32_t open[2 * RECIPE_DEPTH_MAX + 2];
        int depth = 0;
        for (int32_t i = 0; i < r->op_count; i++) {
                const struct recipe_op *op = &r->ops[i];
                if (opens(op)) {
                        OP_CHECK(depth < 2 * RECIPE_DEPTH_MAX + 2, "nested too deep");
                        OP_CHECK(op->jump > i && op->jump < r->op_count, "jumps out");
                        OP_CHECK(r->ops[op->jump].kind == op->kind + 1 && r->ops[op->jump].jump == i,
                            "has no end");
                        OP_CHECK(r->ops[op->jump].phase == op->phase, "leaves its phase");
                        open[depth++] = i;
                } else if (closes(op)) {
                        OP_CHECK(depth > 0 && op->jump == open[depth - 1], "ends another block");
                        depth--;
                }
                OP_CHECK(op->kind != RECIPE_END || depth == 0, "a section ends inside a block");
        }
        FUZZ_CHECK(depth == 0, "%d blocks never end", depth);
}

static void check_sections(const struct recipe *r)
{
        FUZZ_CHECK(r->op_count >= 2 && r->op_count <= RECIPE_OPS_MAX, "%d ops", r->op_count);
        FUZZ_CHECK(
            r->finally_first >= 1 && r->finally_first < r->op_count, "finally at %d", r->finally_first);
        for (int32_t i = 0; i < r->op_count; i++) {
                const struct recipe_op *op = &r->ops[i];
                bool is_last = i == r->finally_first - 1 || i == r->op_count - 1;
                OP_CHECK(op->kind <= RECIPE_END, "no such kind");
                OP_CHECK((op->kind == RECIPE_END) == is_last, "an end in the wrong place");
                OP_CHECK(op->source_line >= (is_last ? 0 : 1), "no line");
        }
}

static void check_phases(const struct recipe *r)
{
        int32_t end = r->finally_first - 1;
        FUZZ_CHECK(r->phase_count >= 1 && r->phase_count <= RECIPE_PHASES_MAX, "%d phases", r->phase_count);
        FUZZ_CHECK(r->phases[0].first == 0, "the first phase begins at %d", r->phases[0].first);
        for (int p = 0; p < r->phase_count; p++) {
                int32_t last = p + 1 < r->phase_count ? r->phases[p + 1].first : end;
                FUZZ_CHECK(r->phases[p].name[0] && memchr(r->phases[p].name, '\0', TOOL_NAME_MAX), "a name");
                FUZZ_CHECK(r->phases[p].first <= last && last <= end, "phase %d is out of order", p);
                for (int32_t i = r->phases[p].first; i < last; i++)
                        FUZZ_CHECK(r->ops[i].phase == p, "op %d of phase %d says %d", i, p, r->ops[i].phase);
        }
        for (int32_t i = r->finally_first; i < r->op_count; i++)
                FUZZ_CHECK(r->ops[i].phase == -1, "op %d of finally says phase %d", i, r->ops[i].phase);
}

/* ---- Single ops ---- */

static bool is_known_action(uint8_t action)
{
        return action == TOOL_ACT_HOLD || action == TOOL_ACT_STOP || action == TOOL_ACT_ABORT ||
               action == TOOL_ACT_CONTINUE;
}

static void check_output(const struct recipe *r, const struct recipe_op *op, const struct tool *tool)
{
        OP_CHECK(op->tag >= 0 && op->tag < tool->tag_count, "no such tag");
        const struct tool_tag *tag = &tool->tags[op->tag];
        OP_CHECK(tag->is_output, "its tag is no output");
        OP_CHECK(tag->class == TOOL_CLASS_PRECURSOR ? op->value == 0 : true, "opens a precursor's valve");
        OP_CHECK(isfinite(op->value), "a value");
        if (tag->is_bit)
                OP_CHECK(op->value == 0 || op->value == 1, "a bit");
        else
                OP_CHECK(op->value >= tag->limit_min && op->value <= tag->limit_max, "outside the limits");
        OP_CHECK(isfinite(op->ramp) && op->ramp >= 0, "a ramp");
        int loop = tool_find_loop_of_setpoint(tool, op->tag);
        if (op->ramp > 0)
                OP_CHECK(loop >= 0 && (tool->loops[loop].ramp_max <= 0 ||
                                          op->ramp <= tool->loops[loop].ramp_max * (1 + 1e-9)),
                    "too steep a ramp");
}

static void check_pulse(const struct recipe *r, const struct recipe_op *op, const struct tool *tool)
{
        OP_CHECK(op->line >= 0 && op->line < tool->line_count, "no such line");
        const struct tool_line *line = &tool->lines[op->line];
        OP_CHECK(op->for_us >= line->pulse_us_min && op->for_us > 0, "too short a pulse");
        OP_CHECK(op->for_us <= tool->tags[line->valve].max_open_us, "too long a pulse");
        OP_CHECK(op->phase >= 0, "a pulse in finally");
}

static void check_cond(const struct recipe *r, const struct recipe_op *op)
{
        OP_CHECK(op->cond >= 0 && op->cond < r->cond_count, "no condition");
        OP_CHECK(is_known_action(op->otherwise), "what then?");
}

static void check_waiting(const struct recipe *r, const struct recipe_op *op)
{
        check_cond(r, op);
        OP_CHECK(op->timeout_us > 0 && op->timeout_us < TIME_NEVER && op->for_us < op->timeout_us,
            "it cannot end in time");
}

static void check_repeat(const struct recipe *r, const struct recipe_op *op)
{
        const struct recipe_op *pair = &r->ops[op->jump];
        OP_CHECK(op->count >= 1 && op->count <= RECIPE_CYCLES_MAX && pair->count == op->count, "a count");
        OP_CHECK(pair->is_cycle == op->is_cycle && pair->body_us == op->body_us, "its ends differ");
        if (op->kind == RECIPE_REPEAT_END && op->cond >= 0)
                check_cond(r, op);
}

/* V4: the gauge's own limits are the tool's affair; a bound must be there, and the exhaust must open again. */
static void check_expose(const struct recipe *r, const struct recipe_op *op, const struct tool *tool)
{
        OP_CHECK(tool->exhaust >= 0, "no exhaust to close");
        OP_CHECK(op->timeout_us > 0 && op->timeout_us < TIME_NEVER, "closed for ever");
        OP_CHECK(isfinite(op->limit) && op->limit > 0 && isfinite(op->close_below) && op->close_below >= 0,
            "pressures");
        OP_CHECK(isfinite(op->value) && op->value >= 0, "a flow");
}

static void check_op(const struct recipe *r, const struct recipe_op *op, const struct tool *tool)
{
        OP_CHECK(op->for_us >= 0 && op->timeout_us >= 0 && op->tail_us >= 0 && op->body_us >= 0, "a time");
        OP_CHECK(op->for_us < TIME_NEVER, "an endless step");
        switch ((enum recipe_op_kind)op->kind) {
        case RECIPE_SET:
        case RECIPE_VALVE:
                check_output(r, op, tool);
                return;
        case RECIPE_ROTATE:
                check_output(r, op, tool);
                OP_CHECK(op->period_us >= 0 && op->lead_us >= 0, "a time");
                return;
        case RECIPE_PULSE:
                check_pulse(r, op, tool);
                return;
        case RECIPE_WAIT_UNTIL:
        case RECIPE_PURGE_UNTIL:
                check_waiting(r, op);
                return;
        case RECIPE_NOTE:
        case RECIPE_CONFIRM:
                OP_CHECK(op->note >= 0 && op->note < r->note_count && r->notes[op->note][0], "no words");
                return;
        case RECIPE_LEAK_CHECK:
                OP_CHECK(isfinite(op->limit) && op->limit > 0 && op->for_us > 0, "no limit");
                OP_CHECK(is_known_action(op->otherwise), "what then?");
                return;
        case RECIPE_EXPOSE:
                check_expose(r, op, tool);
                return;
        case RECIPE_REPEAT:
        case RECIPE_REPEAT_END:
                check_repeat(r, op);
                return;
        default:
                return;
        }
}

/* ---- Guards, conditions, sums ---- */

static void check_guards(const struct recipe *r)
{
        FUZZ_CHECK(r->guard_count >= 0 && r->guard_count <= RECIPE_GUARDS_MAX, "%d guards", r->guard_count);
        for (int i = 0; i < r->guard_count; i++) {
                const struct recipe_guard *g = &r->guards[i];
                FUZZ_CHECK(g->cond >= 0 && g->cond < r->cond_count, "guard %d without a condition", i);
                FUZZ_CHECK(g->for_us >= 0 && g->phases != 0, "guard %d never watches", i);
                FUZZ_CHECK(r->phase_count == 32 || g->phases >> r->phase_count == 0, "guard %d: phases", i);
                FUZZ_CHECK(is_known_action(g->otherwise) && g->otherwise != TOOL_ACT_CONTINUE, "guard %d", i);
        }
}

/* No two windows of the tool and the recipe are one. */
static void check_windows(const struct recipe *r, const struct tool *tool)
{
        uint32_t seen = 0;
        const struct cond_pool *const pools[] = {&tool->conds, &r->pool};
        for (int p = 0; p < 2; p++) {
                for (int i = 0; i < pools[p]->count; i++) {
                        int slot = pools[p]->nodes[i].slot;
                        FUZZ_CHECK(slot < 0 || (slot < SNAPSHOT_WINDOWS_MAX && !(seen >> slot & 1)),
                            "window %d", slot);
                        seen |= slot < 0 ? 0 : UINT32_C(1) << slot;
                }
        }
}

static void check_conds(const struct recipe *r, const struct tool *tool)
{
        FUZZ_CHECK(r->cond_count >= 0 && r->cond_count <= RECIPE_CONDS_MAX, "%d conditions", r->cond_count);
        for (int i = 0; i < r->cond_count; i++) {
                FUZZ_CHECK(
                    r->conds[i].text[0] && memchr(r->conds[i].text, '\0', COND_TEXT_MAX), "words of %d", i);
                fuzz_check_cond(&r->pool, r->conds[i].root, tool, SNAPSHOT_WINDOWS_MAX);
        }
        check_windows(r, tool);
}

/* Pulses of one walk, each loop's times its count. */
static double pulses_in(const struct recipe *r)
{
        double times[2 * RECIPE_DEPTH_MAX + 4] = {1}, sum = 0;
        int depth = 0;
        for (int32_t i = 0; i < r->finally_first; i++) {
                if (r->ops[i].kind == RECIPE_PULSE)
                        sum += times[depth];
                if (r->ops[i].kind == RECIPE_REPEAT) {
                        times[depth + 1] = times[depth] * (double)r->ops[i].count;
                        depth++;
                }
                depth -= r->ops[i].kind == RECIPE_REPEAT_END;
        }
        return sum;
}

/* Time left behind a step: the next step's length and what is left behind that. */
static void check_tails(const struct recipe *r)
{
        for (int32_t i = 0; i + 1 < r->op_count; i++) {
                const struct recipe_op *op = &r->ops[i], *next = op + 1;
                bool is_timed =
                    next->kind == RECIPE_WAIT || next->kind == RECIPE_PULSE || next->kind == RECIPE_PURGE;
                if (is_timed && !opens(op) && op->kind != RECIPE_END)
                        OP_CHECK(op->tail_us == time_add(next->tail_us, next->for_us), "the time left");
        }
}

static void check_sums(const struct recipe *r)
{
        double pulses = pulses_in(r);
        FUZZ_CHECK(r->timed_us >= 0 && r->timed_us < INT64_C(400000000) * TIME_S, "takes %lld us",
            (long long)r->timed_us);
        FUZZ_CHECK(fabs((double)r->pulses - pulses) <= pulses * 1e-9, "%lld pulses, not %g",
            (long long)r->pulses, pulses);
        FUZZ_CHECK(r->cycles >= 0 && r->wall_cycles >= 0 && r->wall_cycles <= r->cycles,
            "%lld cycles, %lld of walls", (long long)r->cycles, (long long)r->wall_cycles);
        FUZZ_CHECK(r->hold_us_max > 0 && (r->hold_then == TOOL_ACT_STOP || r->hold_then == TOOL_ACT_ABORT),
            "a hold of %lld us", (long long)r->hold_us_max);
}

/* ---- Purges ---- */

enum { STEPS_MAX = 20000 };

static int64_t needed_us(const struct tool *tool, int a, int b)
{
        int64_t between = 0;
        tool_excludes(tool, tool->lines[a].valve, tool->lines[b].valve, &between);
        return between > tool->lines[a].purge_us_min ? between : tool->lines[a].purge_us_min;
}

static void check_gap(const struct recipe *r, const struct recipe_op *op, const struct tool *tool,
    const int64_t since[TOOL_LINES_MAX])
{
        for (int a = 0; a < tool->line_count; a++)
                OP_CHECK(a == op->line || since[a] >= needed_us(tool, a, op->line),
                    "too little purge before a pulse");
}

/* Time that is sure to pass in an op. */
static int64_t sure_us(const struct recipe_op *op)
{
        bool is_time = op->kind == RECIPE_WAIT || op->kind == RECIPE_PURGE || op->kind == RECIPE_WAIT_UNTIL ||
                       op->kind == RECIPE_PURGE_UNTIL || op->kind == RECIPE_LEAK_CHECK;
        return is_time ? op->for_us : 0;
}

/* What the steps before left behind, as far as a recipe alone can know it. */
struct plant_told {
        bool is_vented, is_exposing, is_exhaust_shut, is_pump_off;
};

static void check_state(
    const struct recipe *r, const struct recipe_op *op, const struct tool *tool, struct plant_told *told)
{
        bool wants_vacuum =
            op->kind == RECIPE_PULSE || op->kind == RECIPE_EXPOSE || op->kind == RECIPE_LEAK_CHECK;
        OP_CHECK(!wants_vacuum || (!told->is_vented && !told->is_pump_off), "without vacuum");
        OP_CHECK(op->kind != RECIPE_PULSE || told->is_exposing || !told->is_exhaust_shut,
            "a pulse into a closed chamber");
        if (op->kind == RECIPE_VENT)
                told->is_vented = op->value > 0;
        if (op->kind == RECIPE_EXPOSE || op->kind == RECIPE_EXPOSE_END)
                told->is_exposing = op->kind == RECIPE_EXPOSE;
        if (op->kind == RECIPE_VALVE && op->tag == tool->exhaust)
                told->is_exhaust_shut = op->value <= 0;
        if (op->kind == RECIPE_SET && op->tag == tool->pump_run)
                told->is_pump_off = op->value <= 0;
}

/* `finally` runs after a stop: nothing in it heats. */
static void check_finally(const struct recipe *r, const struct tool *tool)
{
        for (int32_t i = r->finally_first; i < r->op_count; i++) {
                const struct recipe_op *op = &r->ops[i];
                int loop = op->kind == RECIPE_SET ? tool_find_loop_of_setpoint(tool, op->tag) : TOOL_NONE;
                if (loop >= 0 && tool->loops[loop].kind == TOOL_LOOP_HEATER && !op->is_standby)
                        OP_CHECK(op->value <= tool->tags[op->tag].image[TOOL_IMAGE_STANDBY].value, "heat");
        }
}

/* Walk the program as the sequencer would, each loop twice at most (a third pass meets what the second met), for a
 * bounded number of steps. */
static void check_gaps(const struct recipe *r, const struct tool *tool)
{
        static int64_t left[RECIPE_OPS_MAX];
        int64_t since[TOOL_LINES_MAX];
        struct plant_told told = {false, false, false, false};
        int32_t i = 0;
        for (int a = 0; a < TOOL_LINES_MAX; a++)
                since[a] = TIME_NEVER;
        for (int steps = 0; r->ops[i].kind != RECIPE_END && steps < STEPS_MAX; steps++, i++) {
                const struct recipe_op *op = &r->ops[i];
                if (op->kind == RECIPE_REPEAT)
                        left[i] = op->count > 1 ? 1 : 0;
                if (op->kind == RECIPE_REPEAT_END && left[op->jump]-- > 0)
                        i = op->jump;
                if (steps < 2 * RECIPE_OPS_MAX) /* so far the compiler walks */
                        check_state(r, op, tool, &told);
                if (op->kind == RECIPE_PULSE) {
                        check_gap(r, op, tool, since);
                        since[op->line] = 0;
                }
                for (int a = 0; a < TOOL_LINES_MAX; a++)
                        since[a] = time_add(since[a], sure_us(op));
        }
}

void fuzz_check_program(const struct recipe *r, const struct tool *tool)
{
        FUZZ_CHECK(r->name[0] && memchr(r->name, '\0', sizeof r->name), "a recipe without a name");
        check_sections(r);
        check_blocks(r);
        check_phases(r);
        for (int32_t i = 0; i < r->op_count; i++)
                check_op(r, &r->ops[i], tool);
        check_guards(r);
        check_conds(r, tool);
        check_sums(r);
        check_tails(r);
        check_gaps(r, tool);
        check_finally(r, tool);
}
