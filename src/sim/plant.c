#include "ald/sim/plant.h"

#include "ald/base/unit.h" /* unit_convert, unit_base */
#include "ald/sim/gas.h"   /* gas_step */

#include <assert.h> /* assert */
#include <string.h> /* memset */

/* Thermal inertia: without power a zone falls towards ambient this many times slower than it follows when heated (a
 * chamber with 20 s of lag: 30 min). An assumption; heaters cannot cool. */
static const double cool_over_heat = 90;
/* The hardware cut-out acts this far above the highest set-point, and lets go this far below it. */
static const double cut_out_margin_k = 10, cut_out_release_k = 20;
/* Air through the vent valve fills the chamber with this time constant: slow, not to lift powder. */
static const double vent_tau_s = 20;
/* The soft-start valve passes this part of what the exhaust passes: from the air to 10 Torr in about half a minute, slow
 * enough not to lift powder. An assumption. */
static const double soft_part = 0.01;
/* The lid lifts when the chamber is above the air by this factor. */
static const double relief_over_air = 1.05;
/* Defaults for a tool file that says nothing. */
static const double default_volume_litre = 0.5, default_k = 13.2, default_pump_tau_s = 2,
                    default_air_torr = 760;
static const double default_ambient_degc = 22, default_heat_rate = 20.0 / 60.0;

/* A step is at most this part of the time since the last change. Against steps of 0.1 ms the pressure errs by 6e-6,
 * doses by 6e-5, coverage by 3e-3. */
static const int64_t step_growth = 5;
/* Shortest step, and the longest ones while something moves. */
static const int64_t step_us_min = 1000, step_us_open = 50000, step_us_flow = 50000, step_us_heat = 1000000;

static double or_default(double value, double otherwise)
{
        return value > 0 ? value : otherwise;
}

static void init_heater(
    struct plant_loop *loop, const struct tool_sim_loop *numbers, const struct tool_tag *setpoint)
{
        double tau_s = or_default(numbers->tau_s, 20);

        loop->heater.tau_s = tau_s;
        loop->heater.rate_max = or_default(numbers->rate_max, default_heat_rate);
        loop->heater.cool_tau_s = tau_s * cool_over_heat;
        loop->heater.ambient = numbers->ambient > 0 ? numbers->ambient : default_ambient_degc;
        loop->cut_out_degc =
            unit_convert(setpoint->limit_max, setpoint->unit, unit_base(UNIT_DIM_TEMPERATURE)) +
            cut_out_margin_k;
        loop->value = loop->target = loop->heater.ambient;
}

void plant_init(struct plant *plant, const struct tool *tool, double area_m2, double saturation_umol_m2)
{
        memset(plant, 0, sizeof *plant);
        plant->numbers = tool->sim;
        plant->numbers.volume_litre = or_default(tool->sim.volume_litre, default_volume_litre);
        plant->numbers.k_sccm_torr2 = or_default(tool->sim.k_sccm_torr2, default_k);
        plant->numbers.pump_tau_s = or_default(tool->sim.pump_tau_s, default_pump_tau_s);
        plant->numbers.atmosphere_torr = or_default(tool->sim.atmosphere_torr, default_air_torr);
        plant->loop_count = tool->loop_count;
        plant->line_count = tool->line_count;
        plant->carrier = tool->carrier;
        plant->chamber = tool->chamber;
        plant->area_m2 = area_m2;
        plant->sites_umol = area_m2 * saturation_umol_m2;
        plant->pressure_torr = plant->numbers.atmosphere_torr;
        plant->is_exhaust_open = true;
        for (int i = 0; i < tool->loop_count; i++) {
                struct plant_loop *loop = &plant->loop[i];

                loop->kind = tool->loops[i].kind;
                loop->tau_s = tool->sim.loop[i].tau_s;
                loop->rate_max = tool->sim.loop[i].rate_max;
                loop->is_powered = true;
                if (loop->kind == TOOL_LOOP_HEATER)
                        init_heater(loop, &tool->sim.loop[i], &tool->tags[tool->loops[i].setpoint]);
        }
        for (int i = 0; i < tool->line_count; i++) {
                plant->line[i].source = tool->lines[i].source;
                plant->line[i].numbers = tool->sim.line[i];
                dose_complete(&plant->line[i].numbers);
        }
        plant_touch(plant);
}

void plant_touch(struct plant *plant)
{
        plant->since_us = 0;
        plant->is_quiet = false;
}

double plant_source_degc(const struct plant *plant, int line)
{
        int source = plant->line[line].source;

        assert(line >= 0 && line < plant->line_count);
        return source == TOOL_NONE ? plant->line[line].numbers.bottle_degc : plant->loop[source].value;
}

static double chamber_degc(const struct plant *plant)
{
        return plant->chamber == TOOL_NONE ? default_ambient_degc : plant->loop[plant->chamber].value;
}

/* ---- The gas balance. ---- */

/* How far the way to the pump stands open, 1 = whole. What leaves with the gas leaves by it. */
static double way_out(const struct plant *plant)
{
        double open = plant->is_exhaust_open ? 1 - plant->clog_part : 0;

        return open + (plant->is_soft_open ? soft_part : 0);
}

static struct gas gas_now(const struct plant *plant, double inflow_sccm, double pump)
{
        const struct tool_sim *n = &plant->numbers;
        struct gas gas = {.volume_litre = n->volume_litre, .inflow_sccm = inflow_sccm};

        gas.viscous_sccm_torr2 = n->k_sccm_torr2 * way_out(plant) * pump;
        if (plant->is_vent_open) {
                gas.linear_sccm_torr = n->volume_litre / (vent_tau_s * GAS_TORR_L_S_PER_SCCM);
                gas.inflow_sccm += gas.linear_sccm_torr * n->atmosphere_torr;
        }
        return gas;
}

/* The pressure half a step ahead, for what depends on it: the flows out of the bottles. */
static double pressure_ahead(const struct plant *plant, double h_s)
{
        struct gas gas = gas_now(plant, plant->inflow_sccm, plant->pump);

        return gas_step(&gas, plant->pressure_torr, h_s / 2);
}

static void step_pressure(struct plant *plant, double inflow_sccm, double pump, double h_s)
{
        double most = plant->numbers.atmosphere_torr * relief_over_air, before;
        struct gas gas;

        plant->inflow_sccm = inflow_sccm > 0 ? inflow_sccm : 0;
        gas = gas_now(plant, plant->inflow_sccm, pump);
        before = plant->pressure_torr;
        plant->pressure_torr = gas_step(&gas, before, h_s);
        if (plant->pressure_torr > most)
                plant->pressure_torr = most;
        plant->torr_s += (before + plant->pressure_torr) / 2 * h_s;
        plant->in_sccm_s += plant->inflow_sccm * h_s;
}

/* ---- Loops. ---- */

static double flow_of(const struct plant *plant, int loop)
{
        return loop == TOOL_NONE || plant->loop[loop].value < 0 ? 0 : plant->loop[loop].value;
}

static void step_heater(const struct plant *plant, struct plant_loop *loop, double h_s)
{
        bool is_powered = loop->is_powered && !plant->is_over_temperature;
        double before = loop->value;

        if (loop->is_stuck_on && !plant->is_over_temperature)
                loop->value += loop->heater.rate_max * h_s;
        else
                loop->value =
                    lag_heat(&loop->heater, before, is_powered ? loop->target : loop->heater.ambient, h_s);
        loop->is_moving = loop->value != before;
}

/* Returns the gas that the flow controllers let in, averaged over the step (sccm). */
static double step_loops(struct plant *plant, double h_s)
{
        double inflow = 0;

        for (int i = 0; i < plant->loop_count; i++) {
                struct plant_loop *loop = &plant->loop[i];
                double target = loop->is_powered ? loop->target : 0, mean;

                if (loop->kind == TOOL_LOOP_HEATER) {
                        step_heater(plant, loop, h_s);
                        continue;
                }
                if (loop->kind == TOOL_LOOP_MOTOR && loop->is_stalled)
                        loop->value = target = 0;
                if (loop->kind == TOOL_LOOP_FLOW && loop->is_stalled)
                        target = loop->value;
                mean = loop->value;
                if (loop->value != target)
                        loop->value = lag_step(loop->value, target, loop->tau_s, loop->rate_max, h_s, &mean);
                loop->is_moving = loop->value != target;
                if (loop->kind == TOOL_LOOP_FLOW && mean > 0) {
                        inflow += mean;
                        loop->passed_sccm_s += mean * h_s;
                }
        }
        return inflow;
}

static void check_cut_out(struct plant *plant)
{
        bool is_hot = false, is_cool = true;

        for (int i = 0; i < plant->loop_count; i++) {
                const struct plant_loop *loop = &plant->loop[i];

                if (loop->kind != TOOL_LOOP_HEATER)
                        continue;
                is_hot = is_hot || loop->value > loop->cut_out_degc;
                is_cool = is_cool && loop->value < loop->cut_out_degc - cut_out_release_k;
        }
        if (plant->is_over_temperature ? is_cool : is_hot) {
                plant->is_over_temperature = !plant->is_over_temperature;
                plant_touch(plant);
        }
}

/* ---- Precursor lines. ---- */

/* What this line took of the sites the others lose in proportion: the ligands of the last half-cycle are exchanged. */
static void cover(struct plant *plant, int line, double taken_umol)
{
        double free_part = 1 - plant->line[line].coverage;
        double part = taken_umol / plant->sites_umol;

        if (free_part <= 0 || part <= 0)
                return;
        if (part > free_part)
                part = free_part;
        for (int i = 0; i < plant->line_count; i++)
                if (i != line)
                        plant->line[i].coverage *= 1 - part / free_part;
        plant->line[line].coverage += part;
}

/* Returns what the line adds to the chamber's gas, averaged over the step (sccm). */
static double step_line(struct plant *plant, int i, double ahead_torr, double h_s)
{
        struct plant_line *line = &plant->line[i];
        struct dose_at at = {.h_s = h_s,
            .is_open = line->is_open && !line->is_empty,
            .source_degc = plant_source_degc(plant, i),
            .chamber_torr = ahead_torr,
            .chamber_litre = plant->numbers.volume_litre,
            .clear_part = plant->is_exhaust_open ? 1 : way_out(plant),
            .carrier_sccm = flow_of(plant, plant->carrier)};
        struct dose_bed bed = {.sites_umol = plant->sites_umol,
            .free_part = 1 - line->coverage,
            .area_m2 = plant->area_m2,
            .degc = chamber_degc(plant)};
        struct dose_flow flow = dose_deliver(&line->dose, &line->numbers, &at);
        double gas_umol = 0, taken;

        flow.vapour_sccm *= 1 - line->lost_part;
        taken = dose_spread(&line->dose, &line->numbers, &at, &bed, flow.vapour_sccm, &gas_umol);
        if (plant->sites_umol > 0)
                cover(plant, i, taken);
        line->vapour_sccm = flow.vapour_sccm;
        line->is_resting = !line->is_open && dose_is_at_rest(&line->dose, &line->numbers, at.source_degc);
        line->rest_degc = at.source_degc;
        return flow.other_sccm + gas_umol / GAS_UMOL_S_PER_SCCM / h_s;
}

static bool line_sleeps(const struct plant *plant, int i)
{
        const struct plant_line *line = &plant->line[i];

        return !line->is_open && line->is_resting && line->rest_degc == plant_source_degc(plant, i);
}

static double step_lines(struct plant *plant, double h_s)
{
        double inflow = 0, ahead_torr = -1;

        for (int i = 0; i < plant->line_count; i++) {
                if (line_sleeps(plant, i))
                        continue;
                if (ahead_torr < 0)
                        ahead_torr = pressure_ahead(plant, h_s);
                inflow += step_line(plant, i, ahead_torr, h_s);
        }
        return inflow;
}

/* ---- Steps. ---- */

static int64_t least(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

static int64_t choose_step_us(const struct plant *plant, int64_t left_us)
{
        int64_t step_us = step_us_heat;
        bool is_heating = false;

        for (int i = 0; i < plant->loop_count; i++) {
                if (!plant->loop[i].is_moving)
                        continue;
                is_heating = is_heating || plant->loop[i].kind == TOOL_LOOP_HEATER;
                if (plant->loop[i].kind == TOOL_LOOP_FLOW)
                        step_us = least(step_us, step_us_flow);
        }
        if (plant->is_quiet)
                return is_heating ? least(left_us, step_us_heat) : left_us;
        for (int i = 0; i < plant->line_count; i++)
                if (plant->line[i].is_open)
                        step_us = least(step_us, step_us_open);
        if (plant->since_us / step_growth < step_us)
                step_us = plant->since_us / step_growth;
        if (step_us < step_us_min)
                step_us = step_us_min;
        return least(step_us, left_us);
}

static bool is_quiet(const struct plant *plant, bool is_pump_moving)
{
        if (is_pump_moving)
                return false;
        for (int i = 0; i < plant->loop_count; i++)
                if (plant->loop[i].kind != TOOL_LOOP_HEATER && plant->loop[i].is_moving)
                        return false;
        for (int i = 0; i < plant->line_count; i++)
                if (!line_sleeps(plant, i))
                        return false;
        return true;
}

static void step(struct plant *plant, int64_t step_us)
{
        double h_s = (double)step_us * 1e-6;
        double pump_target = plant->is_pumped ? 1 : 0, pump_mean = plant->pump, inflow;

        plant->since_us += step_us;
        if (plant->pump != pump_target)
                plant->pump =
                    lag_step(plant->pump, pump_target, plant->numbers.pump_tau_s, 0, h_s, &pump_mean);
        inflow = step_loops(plant, h_s) + plant->numbers.leak_sccm + plant->leak_sccm;
        inflow += step_lines(plant, h_s);
        step_pressure(plant, inflow, pump_mean, h_s);
        plant->is_quiet = is_quiet(plant, plant->pump != pump_target);
        check_cut_out(plant);
        assert(plant->pressure_torr >= 0);
}

void plant_advance(struct plant *plant, int64_t span_us)
{
        assert(span_us >= 0);
        while (span_us > 0) {
                int64_t step_us = choose_step_us(plant, span_us);

                step(plant, step_us);
                span_us -= step_us;
        }
}

void plant_settle(struct plant *plant)
{
        struct gas gas;

        plant->inflow_sccm = plant->numbers.leak_sccm;
        for (int i = 0; i < plant->loop_count; i++)
                if (plant->loop[i].kind == TOOL_LOOP_FLOW)
                        plant->inflow_sccm += flow_of(plant, i);
        gas = gas_now(plant, plant->inflow_sccm, plant->pump);
        plant->pressure_torr = gas_steady_torr(&gas);
        if (plant->pressure_torr > plant->numbers.atmosphere_torr)
                plant->pressure_torr = plant->numbers.atmosphere_torr;
        for (int i = 0; i < plant->line_count; i++)
                dose_fill(&plant->line[i].dose, &plant->line[i].numbers, plant_source_degc(plant, i));
        plant_touch(plant);
}
