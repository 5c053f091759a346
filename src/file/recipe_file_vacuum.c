/* `pump_down`, `vent` and `leak_check`: the chamber between vacuum and the atmosphere. The first two are no steps of the
 * sequencer: they become the set-points, valves and waits that they consist of, each with the step's line. */
#include "ald/file/recipe_file.h"

#include "ald/base/time.h" /* TIME_S */

struct raw_pump_down {
        const struct yaml_node *soft, *until, *flow;
        int64_t timeout;
        int otherwise;
};
static const struct key pump_down_rows[] = {
    {"soft", KEY_NODE, false, KEY_NODE_AT(struct raw_pump_down, soft), .holds = &shape_pressure,
        .help = "the exhaust opens below this pressure, the soft-start valve before"},
    {"until", KEY_NODE, true, KEY_NODE_AT(struct raw_pump_down, until), .holds = &shape_condition,
        .help = "the condition that ends it"},
    {"timeout", KEY_TIME, true, KEY_AT(struct raw_pump_down, timeout), .min = 1, .max = 32e12,
        .help = "longest time of each of its waits"},
    {"flow", KEY_NODE, false, KEY_NODE_AT(struct raw_pump_down, flow), .holds = &shape_flow,
        .help = "carrier meanwhile; else 0"},
    {"else", KEY_WORD, false, KEY_AT(struct raw_pump_down, otherwise), .words = recipe_file_ends,
        .help = "what a timeout does: hold, stop, abort or continue"},
};
const struct keys recipe_file_pump_down_keys = KEYS("pump_down", pump_down_rows);

struct raw_vent {
        const struct yaml_node *flow, *until;
        int64_t timeout;
        int otherwise;
};
static const struct key vent_rows[] = {
    {"flow", KEY_NODE, false, KEY_NODE_AT(struct raw_vent, flow), .holds = &shape_flow,
        .help = "carrier meanwhile; else 0"},
    {"until", KEY_NODE, false, KEY_NODE_AT(struct raw_vent, until), .holds = &shape_condition,
        .help = "the condition that ends it; else the atmosphere switch of the gauge"},
    {"timeout", KEY_TIME, true, KEY_AT(struct raw_vent, timeout), .min = 1, .max = 32e12,
        .help = "longest wait"},
    {"else", KEY_WORD, false, KEY_AT(struct raw_vent, otherwise), .words = recipe_file_ends,
        .help = "what a timeout does: hold, stop, abort or continue"},
};
const struct keys recipe_file_vent_keys = KEYS("vent", vent_rows);

struct raw_leak_check {
        int64_t for_us;
        const struct yaml_node *limit;
        int otherwise;
};
static const struct key leak_check_rows[] = {
    {"for", KEY_TIME, true, KEY_AT(struct raw_leak_check, for_us), .min = 1e6, .max = 86400e6,
        .help = "how long the pressure is watched"},
    {"limit", KEY_NODE, true, KEY_NODE_AT(struct raw_leak_check, limit), .holds = &shape_pressure_rate,
        .help = "fastest rise, a pressure a time"},
    {"else", KEY_WORD, false, KEY_AT(struct raw_leak_check, otherwise), .words = recipe_file_ends,
        .help = "what a leak does: hold, stop, abort or continue"},
};
const struct keys recipe_file_leak_check_keys = KEYS("leak_check", leak_check_rows);

static void add_valve(struct recipe_file *f, const struct yaml_node *node, int tag, bool is_open)
{
        struct recipe_op *op = tag >= 0 ? recipe_file_add_op(f, node, RECIPE_VALVE) : NULL;
        if (!op)
                return;
        op->tag = (int16_t)tag;
        op->value = is_open;
}

static void add_set(struct recipe_file *f, const struct yaml_node *node, int tag, double value)
{
        struct recipe_op *op = tag >= 0 ? recipe_file_add_op(f, node, RECIPE_SET) : NULL;
        if (!op)
                return;
        op->tag = (int16_t)tag;
        op->value = value;
}

static void add_carrier(struct recipe_file *f, const struct yaml_node *node, double flow)
{
        if (f->tool->carrier >= 0)
                add_set(f, node, f->tool->loops[f->tool->carrier].setpoint, flow);
}

static void add_wait(
    struct recipe_file *f, const struct yaml_node *node, int cond, int64_t timeout_us, int otherwise)
{
        struct recipe_op *op = recipe_file_add_op(f, node, RECIPE_WAIT_UNTIL);
        if (!op)
                return;
        op->cond = (int16_t)cond;
        op->timeout_us = timeout_us;
        op->otherwise = (uint8_t)otherwise;
}

static void add_vent(struct recipe_file *f, const struct yaml_node *node, bool is_vented)
{
        struct recipe_op *op = recipe_file_add_op(f, node, RECIPE_VENT);
        if (op)
                op->value = is_vented;
}

static bool may_move_exhaust(struct recipe_file *f, const struct yaml_node *verb)
{
        if (f->is_exposing)
                diag_error(f->r.d, reader_at_key(&f->r, verb),
                    "%s: not inside 'expose', whose exhaust stays closed", verb->key);
        return recipe_file_want_equipment(f, verb, f->tool->exhaust, "exhaust valve") && !f->is_exposing;
}

static bool read_optional_flow(
    struct recipe_file *f, const struct yaml_node *verb, const struct yaml_node *flow, double *value)
{
        *value = 0;
        if (!flow)
                return true;
        return recipe_file_want_equipment(f, verb, f->tool->carrier, "carrier (a flow with 'inert: yes')") &&
               recipe_file_read_flow(f, flow, "flow", value);
}

/* "the gauge is below `soft`", or -1 with an error told. */
static int read_soft(struct recipe_file *f, const struct yaml_node *verb, const struct yaml_node *soft)
{
        double pressure;
        if (!recipe_file_want_equipment(f, verb, f->tool->gauge, "gauge"))
                return -1;
        if (f->tool->soft < 0) {
                diag_error(f->r.d, reader_at_key(&f->r, soft),
                    "soft: this tool has no soft-start valve (a valve with 'role: soft'): leave 'soft' out "
                    "to pump through the exhaust at once");
                return -1;
        }
        if (!recipe_file_read_pressure(f, soft, "soft", &pressure))
                return -1;
        return recipe_file_make_below(f, soft, f->tool->gauge, pressure);
}

void recipe_file_compile_pump_down(struct recipe_file *f, const struct recipe_file_step *step)
{
        struct raw_pump_down raw = {.otherwise = TOOL_ACT_HOLD};
        struct keys_found found;
        const struct tool *tool = f->tool;
        const struct yaml_node *node = step->verb;
        double flow;
        bool ok = may_move_exhaust(f, node);
        ok = keys_read(&f->r, node, &recipe_file_pump_down_keys, NULL, &raw, &found) && ok;
        ok = read_optional_flow(f, node, raw.flow, &flow) && ok;
        int below = raw.soft ? read_soft(f, node, raw.soft) : -1;
        int until = raw.until ? recipe_file_read_cond(f, raw.until, "until") : -1;
        if (!ok || until < 0 || (raw.soft && below < 0)) {
                recipe_file_add_unknown(f, node);
                return;
        }
        if (!raw.soft && tool->soft >= 0)
                diag_warning(f->r.d, reader_at_key(&f->r, node),
                    "pump_down: without 'soft' the exhaust opens at once, which throws powder about");
        add_vent(f, node, false);
        add_valve(f, node, tool->vent, false);
        if (raw.soft)
                add_valve(f, node, tool->exhaust, false);
        add_carrier(f, node, flow);
        add_set(f, node, tool->pump_run, 1);
        if (raw.soft) {
                add_valve(f, node, tool->soft, true);
                add_wait(f, node, below, raw.timeout, raw.otherwise);
        }
        add_valve(f, node, tool->exhaust, true);
        add_valve(f, node, tool->soft, false);
        add_wait(f, node, until, raw.timeout, raw.otherwise);
}

static int read_vent_until(struct recipe_file *f, const struct yaml_node *verb, const struct yaml_node *until)
{
        if (until)
                return recipe_file_read_cond(f, until, "until");
        if (f->tool->atmosphere >= 0)
                return recipe_file_make_bit(f, verb, f->tool->atmosphere);
        diag_error(f->r.d, reader_at_key(&f->r, verb),
            "vent: 'until' is missing (the gauge of this tool has no atmosphere switch)");
        return -1;
}

static bool may_vent(struct recipe_file *f, const struct yaml_node *verb)
{
        bool ok = may_move_exhaust(f, verb);
        ok = recipe_file_want_equipment(f, verb, f->tool->vent, "vent valve (a valve with 'role: vent')") &&
             ok;
        if (f->phase < 0)
                diag_error(f->r.d, reader_at_key(&f->r, verb),
                    "vent: not in 'finally': it runs after a stop, when the chamber stays as it is");
        return ok && f->phase >= 0;
}

void recipe_file_compile_vent(struct recipe_file *f, const struct recipe_file_step *step)
{
        struct raw_vent raw = {.otherwise = TOOL_ACT_HOLD};
        struct keys_found found;
        const struct tool *tool = f->tool;
        const struct yaml_node *node = step->verb;
        double flow;
        bool ok = may_vent(f, node);
        bool is_read = keys_read(&f->r, node, &recipe_file_vent_keys, NULL, &raw, &found);
        ok = read_optional_flow(f, node, raw.flow, &flow) && is_read && ok;
        int until = is_read ? read_vent_until(f, node, raw.until) : -1;
        if (!ok || until < 0) {
                recipe_file_add_unknown(f, node);
                return;
        }
        add_vent(f, node, true);
        add_carrier(f, node, flow);
        add_valve(f, node, tool->exhaust, false);
        add_valve(f, node, tool->soft, false);
        add_valve(f, node, tool->vent, true);
        add_wait(f, node, until, raw.timeout, raw.otherwise);
        add_valve(f, node, tool->vent, false);
}

void recipe_file_compile_leak_check(struct recipe_file *f, const struct recipe_file_step *step)
{
        struct raw_leak_check raw = {.otherwise = TOOL_ACT_HOLD};
        struct keys_found found;
        const struct yaml_node *node = step->verb;
        double limit = 0;
        bool ok = may_move_exhaust(f, node);
        bool has_gauge = recipe_file_want_equipment(f, node, f->tool->gauge, "gauge");
        ok = keys_read(&f->r, node, &recipe_file_leak_check_keys, NULL, &raw, &found) && has_gauge && ok;
        if (raw.limit && has_gauge)
                ok = reader_rate(&f->r, raw.limit, "limit", f->tool->tags[f->tool->gauge].unit, &limit) && ok;
        struct recipe_op *op = ok ? recipe_file_add_op(f, node, RECIPE_LEAK_CHECK) : NULL;
        if (!ok)
                recipe_file_add_unknown(f, node);
        if (!op)
                return;
        op->for_us = raw.for_us;
        op->limit = limit;
        op->otherwise = (uint8_t)raw.otherwise;
}
