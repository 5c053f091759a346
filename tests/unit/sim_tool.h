/* The reference tool as the simulated twin needs it, made by hand: the numbers of config/rotary-ald.yaml. */
#ifndef ALD_TESTS_SIM_TOOL_H
#define ALD_TESTS_SIM_TOOL_H

#include "ald/core/tool.h" /* struct tool */

#include <stdio.h>  /* snprintf */
#include <string.h> /* memset */

enum {
        T_NB,
        T_WATER,
        T_EXHAUST,
        T_PRESSURE,
        T_LID,
        T_EMO,
        T_OVER,
        T_RUNNING,
        T_ATMOSPHERE,
        T_PUMP,
        T_VENT,
        T_FLOW,
        T_FLOW_SP,
        T_CHAMBER,
        T_CHAMBER_SP,
        T_SOURCE,
        T_SOURCE_SP,
        T_LINE,
        T_LINE_SP,
        T_BED,
        T_BED_SP,
        T_COUNT
};
enum { L_CARRIER, L_CHAMBER, L_SOURCE, L_LINE, L_BED, L_COUNT };
enum { D_VALVES, D_PLANT, D_FLOW, D_HEAT, D_MOTOR, D_COUNT };
enum { N_NB, N_WATER, N_COUNT };

static struct tool_tag *sim_tool_tag(
    struct tool *tool, int tag, const char *name, const char *unit, int device)
{
        struct tool_tag *t = &tool->tags[tag];

        snprintf(t->name, sizeof t->name, "%s", name);
        t->unit = unit_find(unit);
        t->is_bit = unit[0] == '\0';
        t->type = t->is_bit ? TOOL_BIT : TOOL_FLOAT32;
        t->scale = 1;
        t->device = (int16_t)device;
        return t;
}

static void sim_tool_output(
    struct tool *tool, int tag, const char *name, const char *unit, int device, double safe, double most)
{
        struct tool_tag *t = sim_tool_tag(tool, tag, name, unit, device);

        t->is_output = true;
        t->is_valve = strstr(name, ".valve") != NULL;
        t->safe = safe;
        t->limit_max = most;
}

static void sim_tool_loop(struct tool *tool, int loop, const char *name, enum tool_loop_kind kind, int value,
    struct tool_sim_loop numbers)
{
        tool->loops[loop] =
            (struct tool_loop){.kind = kind, .value = (int16_t)value, .setpoint = (int16_t)(value + 1)};
        snprintf(tool->loops[loop].name, sizeof tool->loops[loop].name, "%s", name);
        tool->sim.loop[loop] = numbers;
}

static void sim_tool_tags(struct tool *tool)
{
        sim_tool_output(tool, T_NB, "nb.valve", "", D_VALVES, 0, 1);
        sim_tool_output(tool, T_WATER, "water.valve", "", D_VALVES, 0, 1);
        sim_tool_output(tool, T_EXHAUST, "exhaust.valve", "", D_VALVES, 1, 1);
        sim_tool_tag(tool, T_PRESSURE, "chamber.pressure", "Torr", D_PLANT);
        sim_tool_tag(tool, T_LID, "lid.closed", "", D_PLANT);
        sim_tool_tag(tool, T_EMO, "emo.ok", "", D_PLANT);
        sim_tool_tag(tool, T_OVER, "heater.over-temperature", "", D_PLANT);
        sim_tool_tag(tool, T_RUNNING, "pump.running", "", D_PLANT);
        sim_tool_tag(tool, T_ATMOSPHERE, "chamber.atmosphere", "", D_PLANT);
        sim_tool_output(tool, T_PUMP, "pump.run", "", D_PLANT, 1, 1);
        sim_tool_output(tool, T_VENT, "vent.valve", "", D_PLANT, 0, 1);
        sim_tool_tag(tool, T_FLOW, "carrier.flow", "sccm", D_FLOW);
        sim_tool_output(tool, T_FLOW_SP, "carrier.flow.setpoint", "sccm", D_FLOW, 10, 200);
        sim_tool_tag(tool, T_CHAMBER, "chamber.temperature", "degC", D_HEAT);
        sim_tool_output(tool, T_CHAMBER_SP, "chamber.temperature.setpoint", "degC", D_HEAT, 0, 350);
        sim_tool_tag(tool, T_SOURCE, "nb.temperature", "degC", D_HEAT);
        sim_tool_output(tool, T_SOURCE_SP, "nb.temperature.setpoint", "degC", D_HEAT, 0, 140);
        sim_tool_tag(tool, T_LINE, "nb.line.temperature", "degC", D_HEAT);
        sim_tool_output(tool, T_LINE_SP, "nb.line.temperature.setpoint", "degC", D_HEAT, 0, 180);
        sim_tool_tag(tool, T_BED, "bed.speed", "rpm", D_MOTOR)->type = TOOL_INT16;
        sim_tool_output(tool, T_BED_SP, "bed.speed.setpoint", "rpm", D_MOTOR, 0, 10);
}

static void sim_tool_lines(struct tool *tool)
{
        snprintf(tool->lines[N_NB].name, TOOL_NAME_MAX, "nb");
        tool->lines[N_NB].valve = T_NB;
        tool->lines[N_NB].source = L_SOURCE;
        snprintf(tool->lines[N_WATER].name, TOOL_NAME_MAX, "water");
        tool->lines[N_WATER].valve = T_WATER;
        tool->lines[N_WATER].source = TOOL_NONE;
        tool->sim.line[N_NB] = (struct tool_sim_line){.delivery = TOOL_DELIVERY_THROUGH,
            .vapour_a = 9.8,
            .vapour_b = 4350,
            .vapour_c = 273.15,
            .pickup = 1,
            .molar_mass = 318.21,
            .released = 1,
            .tail_s = {0.65, 15},
            .tail_part = 0.1};
        tool->sim.line[N_WATER] = (struct tool_sim_line){.delivery = TOOL_DELIVERY_DRAW,
            .vapour_a = 8.07131,
            .vapour_b = 1730.63,
            .vapour_c = 233.426,
            .bottle_litre = 0.05,
            .bottle_degc = 22,
            .conductance_sccm_torr = 20,
            .molar_mass = 18.015,
            .released = 1.6,
            .tail_s = {0.65, 15},
            .tail_part = 0.1};
}

static void sim_tool_make(struct tool *tool)
{
        static const char *const devices[] = {"valve-io", "plant-io", "flow", "heat", "motor"};

        memset(tool, 0, sizeof *tool);
        tool->tag_count = T_COUNT;
        tool->loop_count = L_COUNT;
        tool->line_count = N_COUNT;
        tool->device_count = D_COUNT;
        tool->link_count = 2;
        snprintf(tool->links[0].name, TOOL_NAME_MAX, "valves");
        snprintf(tool->links[1].name, TOOL_NAME_MAX, "plant");
        for (int i = 0; i < D_COUNT; i++) {
                snprintf(tool->devices[i].name, TOOL_NAME_MAX, "%s", devices[i]);
                tool->devices[i].link = i == D_VALVES ? 0 : 1;
                tool->devices[i].poll_link = 1;
        }
        sim_tool_tags(tool);
        sim_tool_loop(
            tool, L_CARRIER, "carrier", TOOL_LOOP_FLOW, T_FLOW, (struct tool_sim_loop){.tau_s = 0.3});
        sim_tool_loop(tool, L_CHAMBER, "chamber", TOOL_LOOP_HEATER, T_CHAMBER,
            (struct tool_sim_loop){.tau_s = 20, .rate_max = 20.0 / 60, .ambient = 22});
        sim_tool_loop(tool, L_SOURCE, "nb-source", TOOL_LOOP_HEATER, T_SOURCE,
            (struct tool_sim_loop){.tau_s = 15, .rate_max = 10.0 / 60, .ambient = 22});
        sim_tool_loop(tool, L_LINE, "nb-line", TOOL_LOOP_HEATER, T_LINE,
            (struct tool_sim_loop){.tau_s = 15, .rate_max = 20.0 / 60, .ambient = 22});
        sim_tool_loop(
            tool, L_BED, "bed", TOOL_LOOP_MOTOR, T_BED, (struct tool_sim_loop){.tau_s = 0.5, .rate_max = 2});
        tool->loops[L_CARRIER].standby = 10;
        tool->loops[L_CARRIER].is_inert = true;
        sim_tool_lines(tool);
        tool->gauge = T_PRESSURE;
        tool->pump_run = T_PUMP;
        tool->pump_running = T_RUNNING;
        tool->exhaust = T_EXHAUST;
        tool->vent = T_VENT;
        tool->soft = tool->lid = tool->emo = tool->over_temperature = TOOL_NONE;
        tool->carrier = L_CARRIER;
        tool->chamber = L_CHAMBER;
        tool->bed = L_BED;
        tool->atmosphere = T_ATMOSPHERE;
        tool->sim.volume_litre = 0.5;
        tool->sim.k_sccm_torr2 = 13.2;
        tool->sim.pump_tau_s = 2;
        tool->sim.atmosphere_torr = 760;
        tool->sim.gauge_noise_rms = 0.002;
}

#endif
