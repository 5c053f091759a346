/* Blocks that shut the exhaust, expose and leak check, and what a vent tells the interlocks. Both blocks remember what they
 * found; core_leave_block() puts it back, and every transition of the machine calls it (run.c). */
#include "step.h"

#include "ald/base/time.h" /* TIME_NEVER, time_add, time_min */

#include <assert.h> /* assert */
#include <string.h> /* memset */

/* ---- taking and giving back ---- */

static void take_flow(struct core *core, int loop, double value)
{
        struct core_block *block = &core->block;
        int16_t tag = core->tool->loops[loop].setpoint;

        block->flow[loop].is_taken = true;
        block->flow[loop].wanted = core->outs.out[tag].wanted;
        block->flow[loop].setpoint = core->setpoint[tag];
        core->setpoint[tag] = (struct core_setpoint){.is_set = true, .value = value};
        output_want(&core->outs, tag, value, CAUSE_STEP);
}

/* May the flow go back to `value` in that state? A reactive gas only where V4 lets it, and nothing against a permit. */
static bool may_give_back(const struct core *core, int tag, double value, enum machine_state next)
{
        const struct tool_tag *t = &core->tool->tags[tag];
        int which;

        if (!(value < t->safe) && !(value > t->safe))
                return true;
        if (t->class != TOOL_CLASS_PLAIN && !machine_may_pulse(next))
                return false;
        return interlock_permits(&core->locks, &core->snap, tag, &which);
}

static void give_back(struct core *core, const struct core_block *block, enum machine_state next)
{
        for (int i = 0; i < core->tool->loop_count; i++) {
                int16_t tag = core->tool->loops[i].setpoint;
                const struct core_setpoint *was = &block->flow[i].setpoint;
                double value = was->is_set ? was->value : block->flow[i].wanted;

                if (!block->flow[i].is_taken)
                        continue;
                core->setpoint[tag] = *was;
                if (may_give_back(core, tag, value, next)) {
                        output_want(&core->outs, tag, value, CAUSE_STEP);
                        continue;
                }
                output_want(&core->outs, tag, core->tool->tags[tag].safe, CAUSE_STEP);
                /* The run does not go on without its gas; a resume asks for it anew. */
                if (next == MACHINE_EXECUTE)
                        core_hold(core, false, "%s was not restored: nothing permits it",
                            core->tool->tags[tag].name);
        }
}

static void begin_block(struct core *core, int kind, int32_t op)
{
        memset(&core->block, 0, sizeof core->block);
        core->block.kind = kind;
        core->block.op = op;
}

/* V9's one exception is here: an expose closes the exhaust under a precursor that it then doses. */
static void close_exhaust(struct core *core)
{
        core->block.is_closed = true;
        core->block.closed_us = core->now_us;
        core->snap.is_exposing = core->block.kind == BLOCK_EXPOSE;
        output_want(&core->outs, core->tool->exhaust, 0, CAUSE_STEP);
}

static bool is_half_inside(const struct core *core)
{
        const struct recipe_op *ops = core->recipe->ops;

        return core->has_half && core->half.op > core->block.op && core->half.op < ops[core->block.op].jump;
}

static void leave(struct core *core, enum machine_state next)
{
        struct core_block block = core->block;

        memset(&core->block, 0, sizeof core->block);
        core->snap.is_exposing = false;
        if (block.is_closed) {
                output_want(&core->outs, core->tool->exhaust, 1, CAUSE_STEP);
                if (core->setpoint[core->tool->exhaust].is_set)
                        core->setpoint[core->tool->exhaust].value = 1;
        }
        give_back(core, &block, next);
}

void core_leave_block(struct core *core, enum machine_state next)
{
        if (core->block.kind == BLOCK_NONE)
                return;
        assert(core->recipe != NULL);
        if (core->block.kind == BLOCK_EXPOSE && core->block.is_closed) {
                core_revoke_pulse(core, true, CAUSE_STEP);
                if (is_half_inside(core)) {
                        core->must_repeat = core->is_dose_lost = true;
                        core->is_cut = core->is_cut || core->now_us >= core->pulse.open_us;
                }
        }
        core_log(core, "step", RECORD_INFO, core->recipe->name, "line %d: the exhaust opens, flows as before",
            core->recipe->ops[core->block.op].source_line);
        leave(core, next);
}

/* Does anything stand against closing the exhaust? */
static bool is_close_refused(struct core *core, struct text *why)
{
        int which;

        if (core->tool->exhaust < 0) {
                text_add(why, "the tool has no exhaust valve");
                return true;
        }
        if (interlock_permits(&core->locks, &core->snap, core->tool->exhaust, &which))
                return false;
        interlock_add_reason(why, &core->locks, &core->snap, which);
        return true;
}

/* ---- expose ---- */

/* The gauge's reading, not from before the step (S1). */
static bool is_low_enough(const struct core *core, const struct recipe_op *op)
{
        const struct snapshot_tag *gauge;

        if (!(op->close_below > 0))
                return true;
        if (core->tool->gauge < 0)
                return false;
        gauge = &core->snap.tag[core->tool->gauge];
        return gauge->quality == QUALITY_GOOD && gauge->t_us >= core->entered_us &&
               gauge->value < op->close_below;
}

/* Carrier, exhaust, confirmed: then what is inside begins. The last precursor's own close comes first, and the purge after it: V9
 * excepts what the block doses, not what was dosed before it, by hand too. */
struct step_turn step_expose_turn(struct core *core, const struct recipe_op *op)
{
        int64_t timeout_us = step_timeout(core, op);
        char why[128];
        struct text t;

        if (core->pulse.is_live)
                return step_waits(timeout_us);
        text_init(&t, why, sizeof why);
        if (core->block.kind == BLOCK_NONE && core->now_us < timeout_us &&
            core_closes_purge_path(core, core->tool->exhaust, 0, &t))
                return step_waits(time_min(timeout_us, step_purge_path_us(core)));
        text_init(&t, why, sizeof why);
        if (!core->block.is_closed && is_close_refused(core, &t)) {
                core_leave_block(core, core->state);
                return step_failed(core, TOOL_ACT_HOLD, "the exhaust was not closed: %s", why);
        }
        if (core->block.kind == BLOCK_NONE) {
                begin_block(core, BLOCK_EXPOSE, (int32_t)(op - core->recipe->ops));
                if (core->tool->carrier >= 0)
                        take_flow(core, core->tool->carrier, op->value);
        }
        if (!core->block.is_closed && is_low_enough(core, op) &&
            !core_closes_purge_path(core, core->tool->exhaust, 0, &t))
                close_exhaust(core);
        if (core->block.is_closed && output_is_confirmed(&core->outs, &core->snap, core->tool->exhaust))
                return step_done_now(core);
        if (core->now_us < timeout_us)
                return step_waits(time_min(timeout_us, step_purge_path_us(core)));
        core_leave_block(core, core->state);
        return step_failed(core, TOOL_ACT_HOLD, "the exhaust was not closed in time");
}

void step_expose_describe(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op)
{
        (void)tool;
        (void)r;
        text_add(t, "expose, at most ");
        time_add_duration(t, op->timeout_us);
}

/* The end in order: what was dosed has had its exposure, and a hold from here on leads past the block. */
struct step_turn step_expose_end_turn(struct core *core, const struct recipe_op *op)
{
        (void)op;
        if (core->pulse.is_live)
                return step_waits(TIME_NEVER);
        if (core->block.kind == BLOCK_NONE)
                return (struct step_turn){.is = STEP_DONE, .at_us = core->step_us};
        if (is_half_inside(core) && !core->must_repeat) {
                core->half = core->at;
                core->half_cycle = core->cycle;
        }
        leave(core, core->state);
        return (struct step_turn){.is = STEP_DONE, .at_us = core->step_us};
}

void step_expose_end_describe(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op)
{
        (void)tool;
        (void)r;
        (void)op;
        text_add(t, "end of expose");
}

void core_watch_block(struct core *core)
{
        const struct core_block *block = &core->block;
        const struct recipe_op *op;
        char why[192];
        struct text t;

        if (block->kind != BLOCK_EXPOSE || !block->is_closed)
                return;
        op = &core->recipe->ops[block->op];
        text_init(&t, why, sizeof why);
        text_add(&t, "expose of line %d: ", op->source_line);
        if (core->tool->gauge >= 0 && op->limit > 0 &&
            (!snapshot_is_good(&core->snap, core->tool->gauge) ||
                core->snap.tag[core->tool->gauge].value > op->limit)) {
                snapshot_add_tag(&t, &core->snap, core->tool, core->tool->gauge);
                text_add(&t, ", limit ");
                tool_add_value(&t, &core->tool->tags[core->tool->gauge], op->limit);
        } else if (core->now_us - block->closed_us >= op->timeout_us) {
                text_add(&t, "the exhaust was closed for ");
                time_add_duration(&t, op->timeout_us);
        } else {
                return;
        }
        /* Where the state knows no hold (`finally`), the block ends all the same and the program goes on without it. */
        core_leave_block(core, core->state);
        core_log(core, "expose", RECORD_ALARM, core->recipe->name, "%s", why);
        core_hold(core, true, "%s", why);
}

int64_t core_block_deadline(const struct core *core)
{
        if (core->block.kind != BLOCK_EXPOSE || !core->block.is_closed)
                return TIME_NEVER;
        return time_add(core->block.closed_us, core->recipe->ops[core->block.op].timeout_us);
}

/* ---- leak check ---- */

void step_leak_enter(struct core *core, const struct recipe_op *op)
{
        (void)op;
        memset(&core->leak, 0, sizeof core->leak);
}

/* All gas off, unless a purge still needs it (V9: no exception here). */
static bool begin_leak(struct core *core, const struct recipe_op *op, struct text *why)
{
        if (core->tool->gauge < 0) {
                text_add(why, "the tool has no gauge");
                return false;
        }
        if (is_close_refused(core, why) || core_closes_purge_path(core, core->tool->exhaust, 0, why))
                return false;
        begin_block(core, BLOCK_LEAK, (int32_t)(op - core->recipe->ops));
        for (int i = 0; i < core->tool->loop_count; i++)
                if (core->tool->loops[i].kind == TOOL_LOOP_FLOW)
                        take_flow(core, i, 0);
        core->leak.stage = LEAK_SETTLES;
        core->leak.stage_us = core->now_us;
        return true;
}

static void take_reading(struct core *core, const struct recipe_op *op)
{
        const struct snapshot_tag *gauge = &core->snap.tag[core->tool->gauge];
        struct core_leak *leak = &core->leak;
        int64_t mean_us = time_min(CORE_LEAK_MEAN_US, op->for_us / 4);
        int64_t at_us = gauge->t_us - leak->stage_us;
        int end = at_us <= mean_us ? 0 : at_us >= op->for_us - mean_us ? 1 : -1;

        if (gauge->t_us <= leak->seen_us || at_us < 0)
                return;
        leak->seen_us = gauge->t_us;
        if (end < 0)
                return;
        leak->count[end]++;
        leak->sum[end] += gauge->value;
        leak->sum_us[end] += (double)at_us;
}

/* Rise in the gauge's unit per second. */
static double leak_rate(const struct core_leak *leak)
{
        double first = leak->sum[0] / leak->count[0], last = leak->sum[1] / leak->count[1];
        double over_us = leak->sum_us[1] / leak->count[1] - leak->sum_us[0] / leak->count[0];

        assert(over_us > 0);
        return (last - first) / (over_us / 1e6);
}

static struct step_turn judge_leak(struct core *core, const struct recipe_op *op)
{
        const char *unit = core->tool->tags[core->tool->gauge].unit->name;
        double rate;

        core_leave_block(core, core->state);
        if (core->leak.count[0] == 0 || core->leak.count[1] == 0)
                return step_failed(
                    core, (enum tool_action)op->otherwise, "leak check: the gauge gave too few readings");
        rate = leak_rate(&core->leak);
        core_log(core, "leak", rate > op->limit ? RECORD_ALARM : RECORD_INFO,
            core->tool->tags[core->tool->gauge].name, "rises by %.3g %s/min, limit %.3g %s/min", rate * 60,
            unit, op->limit * 60, unit);
        if (rate > op->limit)
                return step_failed(core, (enum tool_action)op->otherwise,
                    "leak check: rises by %.3g %s/min, limit %.3g %s/min", rate * 60, unit, op->limit * 60,
                    unit);
        return step_done_now(core);
}

static struct step_turn measure_leak(struct core *core, const struct recipe_op *op)
{
        int64_t end_us = time_add(core->leak.stage_us, op->for_us);

        if (!snapshot_is_good(&core->snap, core->tool->gauge)) {
                core_leave_block(core, core->state);
                return step_failed(
                    core, (enum tool_action)op->otherwise, "leak check: the gauge cannot be read");
        }
        take_reading(core, op);
        return core->now_us < end_us ? step_waits(end_us) : judge_leak(core, op);
}

struct step_turn step_leak_turn(struct core *core, const struct recipe_op *op)
{
        struct core_leak *leak = &core->leak;
        char why[128];
        struct text t;

        if (core->pulse.is_live)
                return step_waits(TIME_NEVER);
        text_init(&t, why, sizeof why);
        if (core->block.kind == BLOCK_NONE && !begin_leak(core, op, &t))
                return step_failed(core, TOOL_ACT_HOLD, "leak check: the exhaust was not closed: %s", why);
        if (leak->stage == LEAK_SETTLES) {
                if (core->now_us - leak->stage_us < CORE_LEAK_SETTLE_US)
                        return step_waits(leak->stage_us + CORE_LEAK_SETTLE_US);
                /* Somebody may have dosed by hand since (V9). */
                if (core_closes_purge_path(core, core->tool->exhaust, 0, &t))
                        return step_waits(step_purge_path_us(core));
                close_exhaust(core);
                leak->stage = LEAK_CLOSES;
                leak->stage_us = core->now_us;
        }
        if (leak->stage == LEAK_MEASURES)
                return measure_leak(core, op);
        if (output_is_confirmed(&core->outs, &core->snap, core->tool->exhaust)) {
                leak->stage = LEAK_MEASURES;
                leak->stage_us = core->now_us;
                return step_waits(time_add(core->now_us, op->for_us));
        }
        if (core->now_us - leak->stage_us < CORE_LEAK_CLOSE_US)
                return step_waits(leak->stage_us + CORE_LEAK_CLOSE_US);
        core_leave_block(core, core->state);
        return step_failed(
            core, (enum tool_action)op->otherwise, "leak check: the exhaust was not confirmed closed");
}

void step_leak_describe(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op)
{
        (void)r;
        text_add(t, "leak check for ");
        time_add_duration(t, op->for_us);
        if (tool->gauge >= 0)
                text_add(t, ", limit %.3g %s/min", op->limit * 60, tool->tags[tool->gauge].unit->name);
}

void step_gas_add_waiting(struct text *t, const struct core *core, const struct recipe_op *op)
{
        if (core->pulse.is_live) {
                text_add(t, "the running pulse to end");
        } else if (core->block.is_closed && op->kind == RECIPE_EXPOSE) {
                text_add(t, "the exhaust to be confirmed closed");
        } else if (op->kind == RECIPE_EXPOSE && core->block.kind == BLOCK_NONE) {
                (void)core_closes_purge_path(core, core->tool->exhaust, 0, t);
        } else if (op->kind == RECIPE_EXPOSE) {
                snapshot_add_tag(t, &core->snap, core->tool, core->tool->gauge);
                text_add(t, ", wants < ");
                tool_add_value(t, &core->tool->tags[core->tool->gauge], op->close_below);
        } else if (core->leak.stage != LEAK_MEASURES) {
                text_add(t, "flows off and the exhaust closed");
        } else {
                snapshot_add_tag(t, &core->snap, core->tool, core->tool->gauge);
        }
}

/* ---- vent ---- */

void step_vent_enter(struct core *core, const struct recipe_op *op)
{
        bool is_vented = op->value != 0;
        char why[160];
        struct text t;

        /* A vent whose valve has to wait for a purge must not shut the exhaust first: then nothing would purge. */
        text_init(&t, why, sizeof why);
        if (is_vented && !core->locks.is_vented && core->tool->vent >= 0 &&
            !output_is_clear(&core->outs, &core->snap, core->tool->vent, core->now_us, &t)) {
                core_hold(
                    core, false, "%s cannot open yet: %s", core->tool->tags[core->tool->vent].name, why);
                return;
        }
        interlock_vent(&core->locks, is_vented);
        core_log(core, "step", RECORD_WARNING, core->recipe->name, "%s",
            is_vented ? "vented: what `arm` guards is disarmed, precursors are locked"
                      : "pumped down: `arm` arms again");
}

void step_vent_describe(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op)
{
        (void)tool;
        (void)r;
        text_add(t, op->value != 0 ? "vented from here on" : "vented no longer");
}
