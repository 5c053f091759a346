/* Equipment of a tool file: what the tags are. */
#include "ald/file/tool_file.h"

#include "ald/base/time.h" /* TIME_MS */

#include <string.h> /* strcmp */

enum kind {
        KIND_FLOW,
        KIND_HEATER,
        KIND_MOTOR,
        KIND_PRECURSOR,
        KIND_VALVE,
        KIND_PUMP,
        KIND_GAUGE,
        KIND_INPUTS
};
static const struct key_word kinds[] = {{"flow", KIND_FLOW}, {"heater", KIND_HEATER}, {"motor", KIND_MOTOR},
    {"precursor", KIND_PRECURSOR}, {"valve", KIND_VALVE}, {"pump", KIND_PUMP}, {"gauge", KIND_GAUGE},
    {"inputs", KIND_INPUTS}, {NULL, 0}};

static const struct keys *const kind_keys[] = {
    [KIND_FLOW] = &tool_file_loop_keys,
    [KIND_HEATER] = &tool_file_loop_keys,
    [KIND_MOTOR] = &tool_file_loop_keys,
    [KIND_PRECURSOR] = &tool_file_line_keys,
    [KIND_VALVE] = &tool_file_valve_keys,
    [KIND_PUMP] = &tool_file_pump_keys,
    [KIND_GAUGE] = &tool_file_gauge_keys,
    [KIND_INPUTS] = &tool_file_safety_keys,
};
const struct shape tool_file_equipment_shape = {
    .kind = SHAPE_FORMS, .words = kinds, .by = "kind", .forms = kind_keys};
static const struct shape rise_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_rise_keys};
static const struct shape follow_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_follow_keys};
static const struct shape bottle_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_bottle_keys};

#define KIND_ROW(type)                                                                                       \
        {                                                                                                    \
                "kind", KEY_WORD, true, KEY_AT(type, kind),                                                  \
                    .words = kinds, .help = "flow, heater, motor, precursor, valve, pump, gauge or inputs"   \
        }

enum loop_role { LOOP_ROLE_NONE, LOOP_ROLE_CHAMBER, LOOP_ROLE_BED };
struct raw_loop {
        int kind, role;
        const struct yaml_node *value, *setpoint, *tolerance, *max_ramp, *rise, *follow;
        bool inert, reactive;
        int64_t cool_lag;
};
static const struct key_word loop_roles[] = {
    {"chamber", LOOP_ROLE_CHAMBER}, {"bed", LOOP_ROLE_BED}, {NULL, 0}};
static const struct key loop_rows[] = {
    KIND_ROW(struct raw_loop),
    {"value", KEY_NODE, true, KEY_NODE_AT(struct raw_loop, value), .holds = &shape_name,
        .help = "tag of the process value: recipes name it"},
    {"setpoint", KEY_NODE, true, KEY_NODE_AT(struct raw_loop, setpoint), .holds = &shape_name,
        .help = "output tag of the set-point"},
    {"tolerance", KEY_NODE, true, KEY_NODE_AT(struct raw_loop, tolerance), .holds = &shape_span,
        .help = "within it the loop is settled"},
    {"max_ramp", KEY_NODE, false, KEY_NODE_AT(struct raw_loop, max_ramp), .holds = &shape_rate,
        .help = "fastest ramp a recipe may ask for"},
    {"rise", KEY_NODE, false, KEY_NODE_AT(struct raw_loop, rise), .holds = &rise_shape,
        .help = "heater: it rises by this in this time below its set-point, or it trips"},
    {"cool_lag", KEY_TIME, false, KEY_AT(struct raw_loop, cool_lag), .min = 1e6, .max = 86400e6,
        .help = "heater: without power it loses 63 % of its heat over the room's in this time"},
    {"follow", KEY_NODE, false, KEY_NODE_AT(struct raw_loop, follow), .holds = &follow_shape,
        .help = "flow, motor: the value is within this of its set-point in this time"},
    {"inert", KEY_BOOL, false, KEY_AT(struct raw_loop, inert), .help = "flow: carrier or purge gas"},
    {"reactive", KEY_BOOL, false, KEY_AT(struct raw_loop, reactive),
        .help = "flow: treated like a precursor"},
    {"role", KEY_WORD, false, KEY_AT(struct raw_loop, role), .words = loop_roles,
        .help = "the chamber's heater, the bed's motor (else found by the name chamber; the only motor)"},
};
const struct keys tool_file_loop_keys = KEYS("loop", loop_rows);

struct raw_line {
        int kind;
        const struct yaml_node *valve;
        char source[TOOL_NAME_MAX];
        int64_t min_pulse, min_purge, width_tolerance, width_limit;
        struct tool_file_line_checks checks;
        const struct yaml_node *bottle;
        double depletion;
};
static const struct key line_rows[] = {
    KIND_ROW(struct raw_line),
    {"valve", KEY_NODE, true, KEY_NODE_AT(struct raw_line, valve), .holds = &shape_name,
        .help = "output tag: one dose is one opening"},
    {"source", KEY_NAME, false, KEY_AT(struct raw_line, source), .help = "heater of the bottle"},
    {"min_pulse", KEY_TIME, true, KEY_AT(struct raw_line, min_pulse), .min = 1, .max = 3600e6,
        .help = "shortest opening that the valve follows"},
    {"min_purge", KEY_TIME, true, KEY_AT(struct raw_line, min_purge), .max = 86400e6,
        .help = "after its pulse, before another precursor"},
    {"width_tolerance", KEY_TIME, false, KEY_AT(struct raw_line, width_tolerance), .max = 10e6,
        .help = "a pulse that differs by more is reported"},
    {"width_limit", KEY_TIME, false, KEY_AT(struct raw_line, width_limit), .min = 1, .max = 10e6,
        .help = "a pulse that differs by more holds the run"},
    {"hot_line", KEY_NODE, false, KEY_NODE_AT(struct raw_line, checks.hot_line), .holds = &shape_name,
        .help = "heater of the way from the bottle"},
    {"hot_line_by", KEY_NODE, false, KEY_NODE_AT(struct raw_line, checks.hot_line_by), .holds = &shape_span,
        .help = "it stays hotter than the source by this"},
    {"gauge_rise", KEY_NODE, false, KEY_NODE_AT(struct raw_line, checks.gauge_rise), .holds = &shape_span,
        .help = "a pulse raises the gauge by this in the mean"},
    {"bottle", KEY_NODE, false, KEY_NODE_AT(struct raw_line, bottle), .holds = &bottle_shape,
        .help = "what its bottle holds, and when to tell that it runs out"},
    {"depletion", KEY_QUANTITY, false, KEY_AT(struct raw_line, depletion), .unit = "%", .min = 0, .max = 90,
        .help = "a change of its dose that is to be found; 0 % = none"},
};
const struct keys tool_file_line_keys = KEYS("precursor", line_rows);

enum valve_role {
        VALVE_ROLE_NONE,
        VALVE_ROLE_EXHAUST,
        VALVE_ROLE_VENT,
        VALVE_ROLE_SOFT,
        VALVE_ROLE_GAS,
        VALVE_ROLE_REACTIVE
};
struct raw_valve {
        int kind, role;
        const struct yaml_node *valve;
};
static const struct key_word valve_roles[] = {{"exhaust", VALVE_ROLE_EXHAUST}, {"vent", VALVE_ROLE_VENT},
    {"soft", VALVE_ROLE_SOFT}, {"gas", VALVE_ROLE_GAS}, {"reactive", VALVE_ROLE_REACTIVE}, {NULL, 0}};
static const struct key valve_rows[] = {
    KIND_ROW(struct raw_valve),
    {"valve", KEY_NODE, true, KEY_NODE_AT(struct raw_valve, valve), .holds = &shape_name,
        .help = "output tag"},
    {"role", KEY_WORD, false, KEY_AT(struct raw_valve, role), .words = valve_roles,
        .help = "exhaust, vent, soft (a narrow way round the exhaust valve), gas or reactive"},
};
const struct keys tool_file_valve_keys = KEYS("valve", valve_rows);

struct raw_pump {
        int kind;
        const struct yaml_node *run, *running;
};
static const struct key pump_rows[] = {
    KIND_ROW(struct raw_pump),
    {"run", KEY_NODE, false, KEY_NODE_AT(struct raw_pump, run), .holds = &shape_name,
        .help = "output tag that starts it"},
    {"running", KEY_NODE, false, KEY_NODE_AT(struct raw_pump, running), .holds = &shape_name,
        .help = "tag: it runs"},
};
const struct keys tool_file_pump_keys = KEYS("pump", pump_rows);

struct raw_gauge {
        int kind;
        const struct yaml_node *value, *atmosphere;
        double base_drift;
};
static const struct key gauge_rows[] = {
    KIND_ROW(struct raw_gauge),
    {"value", KEY_NODE, true, KEY_NODE_AT(struct raw_gauge, value), .holds = &shape_name,
        .help = "tag of the chamber pressure"},
    {"atmosphere", KEY_NODE, false, KEY_NODE_AT(struct raw_gauge, atmosphere), .holds = &shape_name,
        .help = "tag: chamber at atmosphere"},
    {"base_drift", KEY_QUANTITY, false, KEY_AT(struct raw_gauge, base_drift), .unit = "%", .min = 0,
        .max = 90, .help = "the base pressure may differ from earlier runs' by this; 0 % = by any"},
};
const struct keys tool_file_gauge_keys = KEYS("gauge", gauge_rows);

/* A tag that must be an output (or an input), or TOOL_NONE with an error. */
static int want_tag(struct tool_file *f, const struct yaml_node *node, const char *what, bool is_output)
{
        int tag = node ? tool_file_want_tag(f, node, what) : TOOL_NONE;
        if (tag < 0 || f->tool->tags[tag].is_output == is_output)
                return tag;
        reader_error(&f->r, node,
            is_output ? "%s: '%s' is read only ('access: write' makes an output)"
                      : "%s: '%s' is an output; a value that is read belongs here",
            what, f->tool->tags[tag].name);
        return TOOL_NONE;
}

static int want_bit(struct tool_file *f, const struct yaml_node *node, const char *what, bool is_output)
{
        int tag = want_tag(f, node, what, is_output);
        if (tag < 0 || f->tool->tags[tag].is_bit || !f->tag[tag].has_place)
                return tag;
        reader_error(&f->r, node, "%s: '%s' is no BIT", what, f->tool->tags[tag].name);
        return TOOL_NONE;
}

int tool_file_want_input_bit(struct tool_file *f, const struct yaml_node *node, const char *what)
{
        return want_bit(f, node, what, false);
}

/* An output valve tag that no other equipment has. */
static int want_valve(struct tool_file *f, const struct yaml_node *node)
{
        const struct tool *tool = f->tool;
        int tag = want_bit(f, node, "valve", true);
        if (tag < 0)
                return TOOL_NONE;
        bool is_taken = tool_find_line_of_valve(tool, tag) >= 0;
        for (int i = 0; i < tool->valve_count; i++)
                is_taken = is_taken || tool->valves[i].tag == tag;
        if (!is_taken && tool->tags[tag].is_valve)
                return tag;
        reader_error(&f->r, node,
            is_taken ? "valve: '%s' belongs to other equipment already"
                     : "valve: '%s' is no valve ('valve: yes' is missing at its tag)",
            tool->tags[tag].name);
        return TOOL_NONE;
}

/* One of a kind: the second one is an error. */
static void take_place(
    struct tool_file *f, const struct yaml_node *node, int16_t *place, int what_is, const char *what)
{
        if (what_is < 0)
                return;
        if (*place >= 0)
                diag_error(f->r.d, reader_at_key(&f->r, node), "a second %s: this version knows one", what);
        else
                *place = (int16_t)what_is;
}

static void check_loop_units(struct tool_file *f, const struct yaml_node *node, const struct tool_loop *loop)
{
        const struct tool *tool = f->tool;
        if (loop->value < 0 || loop->setpoint < 0)
                return;
        const struct unit *a = tool->tags[loop->value].unit, *b = tool->tags[loop->setpoint].unit;
        if (a && b && a != b)
                diag_error(f->r.d, reader_at_key(&f->r, node),
                    "equipment '%s': its value is in %s and its set-point in %s: give both the same unit",
                    loop->name, a->name, b->name);
        for (int i = 0; i < tool->loop_count; i++)
                if (tool->loops[i].value == loop->value || tool->loops[i].setpoint == loop->setpoint)
                        diag_error(f->r.d, reader_at_key(&f->r, node),
                            "equipment '%s': '%s' has the same value or set-point already", loop->name,
                            tool->loops[i].name);
}

static void take_loop_role(
    struct tool_file *f, const struct yaml_node *node, const struct raw_loop *raw, int number)
{
        struct tool *tool = f->tool;
        bool is_chamber = raw->role == LOOP_ROLE_CHAMBER || strcmp(node->key, "chamber") == 0;
        if (raw->kind == KIND_FLOW && raw->inert && tool->carrier < 0)
                tool->carrier = (int16_t)number;
        if (raw->kind == KIND_HEATER && is_chamber)
                take_place(f, node, &tool->chamber, number, "chamber heater");
        if (raw->kind == KIND_MOTOR && (raw->role == LOOP_ROLE_BED || tool->bed < 0))
                tool->bed = (int16_t)number;
}

static void read_tolerances(struct tool_file *f, const struct raw_loop *raw, struct tool_loop *loop)
{
        const struct unit *unit = loop->value >= 0 ? f->tool->tags[loop->value].unit : NULL;
        if (!unit)
                return;
        if (raw->tolerance && reader_difference(&f->r, raw->tolerance, "tolerance", unit, &loop->tolerance) &&
            !(loop->tolerance > 0))
                reader_error(
                    &f->r, raw->tolerance, "tolerance: must be above zero, or the loop never settles");
        if (raw->max_ramp)
                reader_rate(&f->r, raw->max_ramp, "max_ramp", unit, &loop->ramp_max);
}

static int read_loop(struct tool_file *f, const struct yaml_node *node, enum kind kind)
{
        struct raw_loop raw = {0};
        struct keys_found found;
        struct tool *tool = f->tool;
        struct tool_loop loop = {.line = node->key_line, .value = TOOL_NONE, .setpoint = TOOL_NONE};
        keys_read(&f->r, node, &tool_file_loop_keys, node->key, &raw, &found);
        if (!tool_file_has_room(f, node, "loops", tool->loop_count, TOOL_LOOPS_MAX))
                return -1;
        text_copy(loop.name, sizeof loop.name, node->key);
        loop.kind = kind == KIND_FLOW     ? TOOL_LOOP_FLOW
                    : kind == KIND_HEATER ? TOOL_LOOP_HEATER
                                          : TOOL_LOOP_MOTOR;
        loop.is_inert = raw.inert;
        loop.cool_us = raw.cool_lag;
        loop.value = (int16_t)want_tag(f, raw.value, "value", false);
        loop.setpoint = (int16_t)want_tag(f, raw.setpoint, "setpoint", true);
        read_tolerances(f, &raw, &loop);
        check_loop_units(f, node, &loop);
        tool_file_read_rise(f, raw.rise, &loop);
        tool_file_read_follow(f, raw.follow, &loop);
        if ((raw.inert || raw.reactive) && kind != KIND_FLOW)
                reader_error(&f->r, keys_node(&found, raw.inert ? "inert" : "reactive"), "%s: only of a flow",
                    raw.inert ? "inert" : "reactive");
        if (raw.cool_lag > 0 && kind != KIND_HEATER)
                reader_error(&f->r, keys_node(&found, "cool_lag"), "cool_lag: only of a heater");
        if (raw.inert && raw.reactive)
                reader_error(
                    &f->r, keys_node(&found, "reactive"), "reactive: a gas is inert or reactive, not both");
        /* A loop with an unknown set-point stays, so that nobody is told that its value has none. */
        f->has_broken_loop = f->has_broken_loop || loop.value < 0;
        if (loop.value < 0)
                return -1;
        if (raw.reactive && loop.setpoint >= 0)
                tool->tags[loop.setpoint].class = TOOL_CLASS_REACTIVE;
        take_loop_role(f, node, &raw, tool->loop_count);
        tool->loops[tool->loop_count] = loop;
        return tool->loop_count++;
}

static int read_line(struct tool_file *f, const struct yaml_node *node)
{
        struct raw_line raw = {.width_tolerance = 5 * TIME_MS, .depletion = 30};
        struct keys_found found;
        struct tool *tool = f->tool;
        bool ok = keys_read(&f->r, node, &tool_file_line_keys, node->key, &raw, &found);
        int valve = want_valve(f, raw.valve);
        if (!tool_file_has_room(f, node, "precursor lines", tool->line_count, TOOL_LINES_MAX))
                return -1;
        struct tool_line *line = &tool->lines[tool->line_count];
        *line = (struct tool_line){
            .valve = (int16_t)valve, .source = TOOL_NONE, .hot_line = TOOL_NONE, .line = node->key_line};
        text_copy(line->name, sizeof line->name, node->key);
        line->pulse_us_min = raw.min_pulse;
        line->purge_us_min = raw.min_purge;
        line->width_tolerance_us = (double)raw.width_tolerance;
        line->width_limit_us = raw.width_limit;
        line->depletion = raw.depletion / 100;
        if (raw.width_limit > 0 && raw.width_limit < raw.width_tolerance)
                reader_error(&f->r, ok ? keys_node(&found, "width_limit") : node,
                    "width_limit: it is below width_tolerance (%g ms): what holds the run is told first",
                    (double)raw.width_tolerance / TIME_MS);
        const struct yaml_node *source = ok ? keys_node(&found, "source") : NULL;
        if (source)
                line->source = (int16_t)tool_file_want_equipment(
                    f, reader_at(&f->r, source), raw.source, TOOL_FILE_LOOP, "heater");
        if (line->source >= 0 && tool->loops[line->source].kind != TOOL_LOOP_HEATER)
                reader_error(&f->r, source, "source: '%s' is no heater", raw.source);
        tool_file_read_line_checks(f, &raw.checks, line);
        tool_file_read_bottle(f, raw.bottle, line);
        if (!ok || valve < 0)
                return -1;
        return tool->line_count++;
}

static int read_valve(struct tool_file *f, const struct yaml_node *node)
{
        struct raw_valve raw = {0};
        struct keys_found found;
        struct tool *tool = f->tool;
        bool ok = keys_read(&f->r, node, &tool_file_valve_keys, node->key, &raw, &found);
        int tag = want_valve(f, raw.valve);
        if (!tool_file_has_room(f, node, "valves", tool->valve_count, TOOL_VALVES_MAX) || !ok || tag < 0)
                return -1;
        struct tool_valve *valve = &tool->valves[tool->valve_count];
        *valve = (struct tool_valve){.tag = (int16_t)tag, .line = node->key_line};
        text_copy(valve->name, sizeof valve->name, node->key);
        if (raw.role == VALVE_ROLE_EXHAUST)
                take_place(f, node, &tool->exhaust, tag, "exhaust valve");
        if (raw.role == VALVE_ROLE_VENT)
                take_place(f, node, &tool->vent, tag, "vent valve");
        if (raw.role == VALVE_ROLE_SOFT)
                take_place(f, node, &tool->soft, tag, "soft-start valve");
        if (raw.role == VALVE_ROLE_REACTIVE)
                tool->tags[tag].class = TOOL_CLASS_REACTIVE;
        return tool->valve_count++;
}

static int read_pump(struct tool_file *f, const struct yaml_node *node)
{
        struct raw_pump raw = {0};
        struct keys_found found;
        keys_read(&f->r, node, &tool_file_pump_keys, node->key, &raw, &found);
        int run = want_bit(f, raw.run, "run", true), running = want_bit(f, raw.running, "running", false);
        if (f->tool->pump_run >= 0 || f->tool->pump_running >= 0) {
                diag_error(f->r.d, reader_at_key(&f->r, node), "a second pump: this version knows one");
                return 0;
        }
        text_copy(f->tool->pump_name, sizeof f->tool->pump_name, node->key);
        f->tool->pump_run = (int16_t)run;
        f->tool->pump_running = (int16_t)running;
        return 0;
}

static int read_gauge(struct tool_file *f, const struct yaml_node *node)
{
        struct raw_gauge raw = {.base_drift = 3};
        struct keys_found found;
        keys_read(&f->r, node, &tool_file_gauge_keys, node->key, &raw, &found);
        int tag = want_tag(f, raw.value, "value", false);
        if (tag >= 0 && f->tool->tags[tag].unit && f->tool->tags[tag].unit->dim != UNIT_DIM_PRESSURE)
                reader_error(&f->r, raw.value, "value: '%s' is no pressure", f->tool->tags[tag].name);
        take_place(f, node, &f->tool->gauge, tag, "gauge");
        text_copy(f->tool->gauge_name, sizeof f->tool->gauge_name, node->key);
        f->tool->base_drift = raw.base_drift / 100;
        int atmosphere = want_bit(f, raw.atmosphere, "atmosphere", false);
        if (f->tool->atmosphere < 0)
                f->tool->atmosphere = (int16_t)atmosphere;
        return 0;
}

static int kind_of(struct tool_file *f, const struct yaml_node *node)
{
        int kind = -1;
        if (node->kind != YAML_MAP) {
                reader_error(&f->r, node, "equipment '%.48s': takes a mapping of keys", node->key);
                return -1;
        }
        const struct yaml_node *given = yaml_node_get(node, "kind");
        if (!given)
                diag_error(f->r.d, reader_at_key(&f->r, node),
                    "equipment '%.48s': 'kind' is missing (flow, heater, motor, precursor, valve, pump, "
                    "gauge or inputs)",
                    node->key);
        else
                keys_word(&f->r, given, "kind", kinds, &kind);
        return kind;
}

static void read_one(struct tool_file *f, const struct yaml_node *node, int kind)
{
        char name[TOOL_NAME_MAX];
        if (!tool_file_take_name(f, node, "equipment", name) ||
            !tool_file_has_room(f, node, "pieces of equipment", f->equipment_count, TOOL_FILE_EQUIPMENT_MAX))
                return;
        struct tool_file_equipment *e = &f->equipment[f->equipment_count++];
        e->name = node->key;
        switch ((enum kind)kind) {
        case KIND_PRECURSOR:
                e->kind = TOOL_FILE_LINE;
                e->index = read_line(f, node);
                break;
        case KIND_VALVE:
                e->kind = TOOL_FILE_VALVE;
                e->index = read_valve(f, node);
                break;
        case KIND_PUMP:
                e->kind = TOOL_FILE_PUMP;
                e->index = read_pump(f, node);
                break;
        case KIND_GAUGE:
                e->kind = TOOL_FILE_GAUGE;
                e->index = read_gauge(f, node);
                break;
        case KIND_INPUTS:
                e->kind = TOOL_FILE_SAFETY;
                e->index = tool_file_read_safety(f, node);
                break;
        default:
                e->kind = TOOL_FILE_LOOP;
                e->index = read_loop(f, node, (enum kind)kind);
        }
}

void tool_file_read_equipment(struct tool_file *f, const struct yaml_node *map)
{
        if (!tool_file_want_map(f, map, "equipment"))
                return;
        /* Precursor lines name their heaters: these come first, wherever they stand. */
        for (const struct yaml_node *n = map->first; n; n = n->next) {
                int kind = kind_of(f, n);
                if (kind >= 0 && kind != KIND_PRECURSOR)
                        read_one(f, n, kind);
        }
        for (const struct yaml_node *n = map->first; n; n = n->next) {
                const struct yaml_node *kind = n->kind == YAML_MAP ? yaml_node_get(n, "kind") : NULL;
                if (kind && kind->text && strcmp(kind->text, "precursor") == 0)
                        read_one(f, n, KIND_PRECURSOR);
        }
}
