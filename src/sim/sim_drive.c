#include "ald/sim/sim.h"

#include "ald/base/unit.h" /* unit_convert, unit_base */

#include "ald/sim/repeat.h"    /* repeat_drove */
#include "ald/link/watchmap.h" /* watchmap_drives */

#include "sim_state.h" /* struct sim */

#include <assert.h> /* assert */
#include <math.h>   /* isfinite */
#include <stddef.h> /* NULL */

/* The first active fault of a kind whose target is `tag` or `loop`; TOOL_NONE on both sides matches. */
const struct fault *sim_fault_on(const struct sim *sim, enum fault_kind kind, int tag, int loop)
{
        for (int i = 0; sim->active_count > 0 && i < sim->fault_count; i++) {
                const struct fault *f = &sim->fault[i];

                if (f->is_active && f->kind == kind && f->tag == tag && f->loop == loop)
                        return f;
        }
        return NULL;
}

bool sim_fault_is_on(const struct sim *sim, enum fault_kind kind)
{
        return sim_fault_on(sim, kind, TOOL_NONE, TOOL_NONE) != NULL;
}

static double amount(const struct sim *sim, enum fault_kind kind, int tag)
{
        const struct fault *f = sim_fault_on(sim, kind, tag, TOOL_NONE);

        return f == NULL ? 0 : f->value;
}

/* Does gas pass the valve behind this output? Without an output the way is always open. */
static bool passes(const struct sim *sim, int tag, bool has_power)
{
        if (tag == TOOL_NONE)
                return true;
        if (sim_fault_on(sim, FAULT_STUCK_OPEN, tag, TOOL_NONE) != NULL)
                return true;
        return sim->held[tag] != 0 && has_power &&
               sim_fault_on(sim, FAULT_STUCK_CLOSED, tag, TOOL_NONE) == NULL;
}

double sim_in_base(const struct tool_tag *tag, double value)
{
        return unit_convert(value, tag->unit, unit_base(tag->unit->dim));
}

static void drive_loop(struct sim *sim, int i, bool has_power, bool is_lid_closed)
{
        const struct tool_loop *loop = &sim->tool->loops[i];
        struct plant_loop *to = &sim->plant.loop[i];

        to->target = sim_in_base(&sim->tool->tags[loop->setpoint], sim->held[loop->setpoint]);
        to->is_stalled = sim_fault_on(sim, FAULT_MOTOR_STALL, TOOL_NONE, i) != NULL ||
                         sim_fault_on(sim, FAULT_FLOW_STUCK, TOOL_NONE, i) != NULL;
        to->is_stuck_on = sim_fault_on(sim, FAULT_HEATER_STUCK_ON, TOOL_NONE, i) != NULL && has_power;
        to->is_powered = true;
        if (loop->kind == TOOL_LOOP_HEATER)
                to->is_powered = has_power && sim_fault_on(sim, FAULT_HEATER_DEAD, TOOL_NONE, i) == NULL;
        if (loop->kind == TOOL_LOOP_MOTOR)
                to->is_powered = has_power && is_lid_closed; /* safe torque off on the lid switch */
}

/* The hardware chain stands between outputs and plant: the emergency-off button takes power from precursor valves,
 * heaters and motor, whatever the registers hold (SAFETY.md, first page). */
void sim_drive(struct sim *sim)
{
        const struct tool *tool = sim->tool;
        struct plant *plant = &sim->plant;
        bool has_power = !sim_fault_is_on(sim, FAULT_EMO);
        bool is_lid_closed = !sim_fault_is_on(sim, FAULT_LID_OPEN);

        for (int i = 0; i < tool->loop_count; i++)
                drive_loop(sim, i, has_power, is_lid_closed);
        for (int i = 0; i < tool->line_count; i++) {
                plant->line[i].is_open = passes(sim, tool->lines[i].valve, has_power);
                plant->line[i].is_empty =
                    sim_fault_on(sim, FAULT_BOTTLE_EMPTY, tool->lines[i].valve, TOOL_NONE) != NULL;
                plant->line[i].lost_part = amount(sim, FAULT_BOTTLE_LOW, tool->lines[i].valve);
        }
        plant->is_pumped = (tool->pump_run == TOOL_NONE || sim->held[tool->pump_run] != 0) &&
                           !sim_fault_is_on(sim, FAULT_PUMP_FAIL);
        plant->is_exhaust_open = passes(sim, tool->exhaust, true);
        plant->is_soft_open = tool->soft != TOOL_NONE && passes(sim, tool->soft, true);
        plant->is_vent_open = tool->vent != TOOL_NONE && passes(sim, tool->vent, true);
        plant->leak_sccm = amount(sim, FAULT_LEAK, TOOL_NONE);
        plant->clog_part = amount(sim, FAULT_CLOG, TOOL_NONE);
        plant_touch(plant);
}

void sim_write(struct sim *sim, int tag, double value)
{
        const struct tool_tag *t = &sim->tool->tags[tag];

        assert(tag >= 0 && tag < sim->tool->tag_count);
        assert(t->is_output && isfinite(value));
        if (t->is_bit)
                value = value != 0;
        if (value == sim->held[tag] || sim_fault_on(sim, FAULT_DEAF, tag, TOOL_NONE) != NULL)
                return;
        sim->held[tag] = value;
        if (sim->repeat != NULL)
                repeat_drove(sim->repeat, tag, value);
        sim_drive(sim);
}

void sim_device_safe(struct sim *sim, int device)
{
        for (int i = 0; i < sim->tool->tag_count; i++)
                if (sim->tool->tags[i].is_output && sim->tool->tags[i].device == device)
                        sim->held[i] = sim->tool->tags[i].safe;
        if (sim->repeat != NULL)
                repeat_forget(sim->repeat);
        sim_drive(sim);
}

void sim_device_expire(struct sim *sim, int device)
{
        const struct tool *tool = sim->tool;

        for (int i = 0; i < tool->tag_count; i++)
                if (tool->tags[i].is_output && tool->tags[i].device == device)
                        watchmap_drives(&tool->devices[device].watchdog, &tool->tags[i], &sim->held[i]);
        if (sim->repeat != NULL)
                repeat_forget(sim->repeat);
        sim_drive(sim);
}
