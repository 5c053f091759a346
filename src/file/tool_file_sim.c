/* The simulated twin of a tool file: numbers of PROCESS.md, section 4. Everything has a default, so that a tool without
 * this section can be simulated, if not well. */
#include "ald/file/tool_file.h"

#include <string.h> /* strcmp */

static const struct shape line_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_sim_line_keys};
static const struct shape lines_shape = {.kind = SHAPE_MAP, .of = &line_shape};
static const struct shape loop_shape = {.kind = SHAPE_KEYS, .keys = &tool_file_sim_loop_keys};
static const struct shape loops_shape = {.kind = SHAPE_MAP, .of = &loop_shape};
static const struct shape vapour_shape = {.kind = SHAPE_LIST, .of = &shape_number, .min = 3, .max = 3};
static const struct shape tails_shape = {.kind = SHAPE_LIST, .of = &shape_time, .min = 2, .max = 2};

struct raw_sim {
        double volume, k, atmosphere, gauge_noise, leak, overlap_limit;
        int64_t pump_lag;
        const struct yaml_node *lines, *loops;
};
static const struct key sim_rows[] = {
    {"volume", KEY_QUANTITY, false, KEY_AT(struct raw_sim, volume), .unit = "L", .min = 1e-3, .max = 1e4,
        .help = "of the chamber"},
    {"k", KEY_QUANTITY, false, KEY_AT(struct raw_sim, k), .unit = "sccm/Torr2", .min = 1e-6, .max = 1e9,
        .help = "of Q = k P^2: flow against pressure"},
    {"pump_lag", KEY_TIME, false, KEY_AT(struct raw_sim, pump_lag), .max = 3600e6,
        .help = "how fast the pump starts"},
    {"atmosphere", KEY_QUANTITY, false, KEY_AT(struct raw_sim, atmosphere), .unit = "Torr", .min = 1,
        .max = 1000, .help = "pressure of the room"},
    {"gauge_noise", KEY_QUANTITY, false, KEY_AT(struct raw_sim, gauge_noise), .unit = "%", .min = 0,
        .max = 50, .help = "rms, of the reading"},
    {"leak", KEY_QUANTITY, false, KEY_AT(struct raw_sim, leak), .unit = "sccm", .min = 0, .max = 1e6,
        .help = "air that leaks in"},
    {"overlap_limit", KEY_QUANTITY, false, KEY_AT(struct raw_sim, overlap_limit), .unit = "%", .min = 0,
        .max = 100,
        .help = "of a precursor's peak: a dry run warns when more is left at the next one's pulse"},
    {"lines", KEY_NODE, false, KEY_NODE_AT(struct raw_sim, lines), .holds = &lines_shape,
        .help = "precursor lines by name"},
    {"loops", KEY_NODE, false, KEY_NODE_AT(struct raw_sim, loops), .holds = &loops_shape,
        .help = "flows, heaters and motors by name"},
};
const struct keys tool_file_sim_keys = KEYS("simulation", sim_rows);

struct raw_line {
        int delivery;
        const struct yaml_node *vapour, *tails;
        double bottle, bottle_temperature, pickup, bottle_flow, boost, conductance, molar_mass, released,
            tail_part, vapour_factor;
};
static const struct key_word deliveries[] = {{"draw", TOOL_DELIVERY_DRAW}, {"through", TOOL_DELIVERY_THROUGH},
    {"boost", TOOL_DELIVERY_BOOST}, {NULL, 0}};
static const struct key line_rows[] = {
    {"delivery", KEY_WORD, false, KEY_AT(struct raw_line, delivery), .words = deliveries,
        .help = "how vapour reaches the chamber"},
    {"vapour", KEY_NODE, false, KEY_NODE_AT(struct raw_line, vapour), .holds = &vapour_shape,
        .help = "[a, b, c] of log10 p(Torr) = a - b / (c + T(degC))"},
    {"bottle", KEY_QUANTITY, false, KEY_AT(struct raw_line, bottle), .unit = "L", .min = 1e-6, .max = 1e3,
        .help = "head space"},
    {"bottle_temperature", KEY_QUANTITY, false, KEY_AT(struct raw_line, bottle_temperature), .unit = "degC",
        .min = -100, .max = 500, .help = "of an unheated bottle"},
    {"pickup", KEY_QUANTITY, false, KEY_AT(struct raw_line, pickup), .unit = "%", .min = 0, .max = 100,
        .help = "through: part of saturation reached"},
    {"bottle_flow", KEY_QUANTITY, false, KEY_AT(struct raw_line, bottle_flow), .unit = "sccm", .min = 0,
        .max = 1e6, .help = "through: carrier swept through the bottle"},
    {"boost", KEY_QUANTITY, false, KEY_AT(struct raw_line, boost), .unit = "Torr", .min = 0, .max = 1e5,
        .help = "boost: pressure behind the valve"},
    {"conductance", KEY_QUANTITY, false, KEY_AT(struct raw_line, conductance), .unit = "sccm/Torr", .min = 0,
        .max = 1e9, .help = "of the open valve"},
    {"molar_mass", KEY_QUANTITY, false, KEY_AT(struct raw_line, molar_mass), .unit = "g/mol", .min = 1,
        .max = 1e4, .help = "of the precursor"},
    {"released", KEY_NUMBER, false, KEY_AT(struct raw_line, released), .min = 0, .max = 100,
        .help = "molecules released per molecule adsorbed"},
    {"tails", KEY_NODE, false, KEY_NODE_AT(struct raw_line, tails), .holds = &tails_shape,
        .help = "[fast, slow] decay times of its purge"},
    {"tail_part", KEY_QUANTITY, false, KEY_AT(struct raw_line, tail_part), .unit = "%", .min = 0, .max = 100,
        .help = "slow amplitude against the fast one"},
    {"vapour_factor", KEY_NUMBER, false, KEY_AT(struct raw_line, vapour_factor), .min = 1, .max = 1e3,
        .help = "dry run: the vapour pressure is known within it, either way"},
};
const struct keys tool_file_sim_line_keys = KEYS("simulated line", line_rows);

struct raw_loop {
        int64_t lag;
        const struct yaml_node *max_rate, *ambient;
};
static const struct key loop_rows[] = {
    {"lag", KEY_TIME, false, KEY_AT(struct raw_loop, lag), .max = 86400e6, .help = "of the process value"},
    {"max_rate", KEY_NODE, false, KEY_NODE_AT(struct raw_loop, max_rate), .holds = &shape_rate,
        .help = "fastest change"},
    {"ambient", KEY_NODE, false, KEY_NODE_AT(struct raw_loop, ambient), .holds = &shape_amount,
        .help = "heater: where it goes unpowered"},
};
const struct keys tool_file_sim_loop_keys = KEYS("simulated loop", loop_rows);

static bool want_list(
    struct tool_file *f, const struct yaml_node *node, const char *what, int count, const char *form)
{
        if (node->kind == YAML_LIST && node->count == count)
                return true;
        reader_error(&f->r, node, "%s: takes a list: %s", what, form);
        return false;
}

static void read_vapour(struct tool_file *f, const struct yaml_node *list, struct tool_sim_line *line)
{
        double *const to[] = {&line->vapour_a, &line->vapour_b, &line->vapour_c};
        if (!list || !want_list(f, list, "vapour", (int)vapour_shape.min,
                         "[a, b, c] of log10 p(Torr) = a - b / (c + T(degC))"))
                return;
        line->is_vapour_assumed = false;
        const struct yaml_node *n = list->first;
        for (int i = 0; i < 3; i++, n = n->next)
                reader_number(&f->r, n, "vapour", to[i]);
}

static void read_tails(struct tool_file *f, const struct yaml_node *list, struct tool_sim_line *line)
{
        if (!list || !want_list(f, list, "tails", (int)tails_shape.min, "[fast, slow] times"))
                return;
        const struct yaml_node *n = list->first;
        for (int i = 0; i < 2; i++, n = n->next) {
                int64_t us;
                if (!reader_time(&f->r, n, "tails", &us))
                        continue;
                line->tail_s[i] = (double)us / 1e6;
                if (us == 0)
                        reader_error(&f->r, n, "tails: must be above zero");
        }
}

/* Defaults: water in a bottle at room temperature. */
static struct raw_line default_line(void)
{
        return (struct raw_line){.delivery = TOOL_DELIVERY_DRAW,
            .bottle = 0.05,
            .bottle_temperature = 22,
            .pickup = 90,
            .conductance = 20,
            .molar_mass = 18.015,
            .released = 1,
            .tail_part = 10,
            .vapour_factor = 2};
}

static void keep_line(struct tool_sim_line *to, const struct raw_line *raw)
{
        to->delivery = (enum tool_delivery)raw->delivery;
        to->bottle_litre = raw->bottle;
        to->bottle_degc = raw->bottle_temperature;
        to->pickup = raw->pickup / 100;
        to->bottle_flow_sccm = raw->bottle_flow;
        to->boost_torr = raw->boost;
        to->conductance_sccm_torr = raw->conductance;
        to->molar_mass = raw->molar_mass;
        to->released = raw->released;
        to->tail_part = raw->tail_part / 100;
        to->vapour_factor = raw->vapour_factor;
}

static void read_line(struct tool_file *f, const struct yaml_node *node)
{
        struct raw_line raw = default_line();
        struct keys_found found;
        int index = tool_file_want_equipment(
            f, reader_at_key(&f->r, node), node->key, TOOL_FILE_LINE, "precursor line");
        keys_read(&f->r, node, &tool_file_sim_line_keys, node->key, &raw, &found);
        struct tool_sim_line unused = {0}, *line = index >= 0 ? &f->tool->sim.line[index] : &unused;
        read_vapour(f, raw.vapour, line);
        read_tails(f, raw.tails, line);
        line->is_mass_assumed = node->kind != YAML_MAP || !keys_node(&found, "molar_mass");
        keep_line(line, &raw);
}

static void read_loop(struct tool_file *f, const struct yaml_node *node)
{
        struct raw_loop raw = {0};
        struct keys_found found;
        int index = tool_file_want_equipment(
            f, reader_at_key(&f->r, node), node->key, TOOL_FILE_LOOP, "flow, heater or motor");
        keys_read(&f->r, node, &tool_file_sim_loop_keys, node->key, &raw, &found);
        if (index < 0)
                return;
        const struct unit *unit = f->tool->tags[f->tool->loops[index].value].unit;
        struct tool_sim_loop *loop = &f->tool->sim.loop[index];
        if (raw.lag > 0)
                loop->tau_s = (double)raw.lag / 1e6;
        if (raw.max_rate && unit)
                reader_rate(&f->r, raw.max_rate, "max_rate", unit, &loop->rate_max);
        if (raw.ambient && unit)
                reader_quantity(&f->r, raw.ambient, "ambient", unit, &loop->ambient);
}

static void set_defaults(struct tool *tool)
{
        struct raw_line line = default_line();
        for (int i = 0; i < TOOL_LINES_MAX; i++) {
                struct tool_sim_line *l = &tool->sim.line[i];
                *l = (struct tool_sim_line){.vapour_a = 8.07131,
                    .vapour_b = 1730.63,
                    .vapour_c = 233.426,
                    .is_vapour_assumed = true,
                    .is_mass_assumed = true,
                    .tail_s = {0.65, 15}};
                keep_line(l, &line);
        }
        for (int i = 0; i < tool->loop_count; i++) {
                const struct unit *unit = tool->tags[tool->loops[i].value].unit;
                bool is_heater = tool->loops[i].kind == TOOL_LOOP_HEATER;
                bool is_hot = is_heater && unit && unit->dim == UNIT_DIM_TEMPERATURE;
                tool->sim.loop[i] = (struct tool_sim_loop){.tau_s = is_heater ? 15 : 0.5,
                    .ambient = is_hot ? unit_convert(22, unit_base(UNIT_DIM_TEMPERATURE), unit) : 0};
        }
}

void tool_file_read_simulation(struct tool_file *f, const struct yaml_node *map)
{
        struct raw_sim raw = {.volume = 0.5,
            .k = 13.2,
            .atmosphere = 760,
            .gauge_noise = 0.2,
            .overlap_limit = 5,
            .pump_lag = 2000000};
        struct keys_found found;
        set_defaults(f->tool);
        if (map)
                keys_read(&f->r, map, &tool_file_sim_keys, NULL, &raw, &found);
        struct tool_sim *sim = &f->tool->sim;
        sim->volume_litre = raw.volume;
        sim->k_sccm_torr2 = raw.k;
        sim->pump_tau_s = (double)raw.pump_lag / 1e6;
        sim->atmosphere_torr = raw.atmosphere;
        sim->gauge_noise_rms = raw.gauge_noise / 100;
        sim->leak_sccm = raw.leak;
        sim->overlap_part = raw.overlap_limit / 100;
        if (raw.lines && tool_file_want_map(f, raw.lines, "lines"))
                for (const struct yaml_node *n = raw.lines->first; n; n = n->next)
                        read_line(f, n);
        if (raw.loops && tool_file_want_map(f, raw.loops, "loops"))
                for (const struct yaml_node *n = raw.loops->first; n; n = n->next)
                        read_loop(f, n);
}
