#include "ald/sim/sim.h"

#include "ald/base/unit.h" /* unit_convert, unit_base */
#include "ald/sim/noise.h" /* noise_normal */

#include "sim_state.h" /* struct sim */

#include <assert.h> /* assert */
#include <math.h>   /* NAN */
#include <stddef.h> /* NULL */

/* Noise of the instruments beside the gauge, rms. Assumptions: a good thermocouple input, a thermal flow sensor. */
static const double heater_noise_k = 0.02, flow_noise_part = 5e-4, motor_noise_part = 2e-3;
/* The pump says "running" above this part of its speed; the atmosphere switch closes above this part of the air. */
static const double running_part = 0.5, atmosphere_part = 0.95;

enum shows sim_input_shows(const struct tool *tool, int tag)
{
        if (tool->tags[tag].is_output)
                return SHOWS_OUTPUT;
        if (tool_find_loop_of_value(tool, tag) != TOOL_NONE)
                return SHOWS_LOOP;
        if (tag == tool->gauge)
                return SHOWS_PRESSURE;
        if (tag == tool->pump_running)
                return SHOWS_PUMP_RUNNING;
        if (tag == tool->atmosphere)
                return SHOWS_ATMOSPHERE;
        if (tag == tool->lid)
                return SHOWS_LID_CLOSED;
        if (tag == tool->emo)
                return SHOWS_EMO_OK;
        if (tag == tool->over_temperature)
                return SHOWS_OVER_TEMPERATURE;
        return SHOWS_NOTHING;
}

static double noise(const struct sim *sim, int tag)
{
        if (sim->is_exact)
                return noise_last_digit((uint64_t)tag, sim->now_us);
        return noise_normal(sim->seed, (uint64_t)tag, sim->now_us);
}

static double loop_shows(const struct sim *sim, int tag)
{
        const struct plant_loop *loop = &sim->plant.loop[sim->loop[tag]];

        switch (loop->kind) {
        case TOOL_LOOP_HEATER:
                return loop->value + heater_noise_k * noise(sim, tag);
        case TOOL_LOOP_FLOW:
                return loop->value * (1 + flow_noise_part * noise(sim, tag));
        case TOOL_LOOP_MOTOR:
                return loop->value * (1 + motor_noise_part * noise(sim, tag));
        }
        return 0;
}

/* What the sensor sees, in the base unit. */
static double sensed(const struct sim *sim, int tag)
{
        const struct plant *plant = &sim->plant;

        switch ((enum shows)sim->shows[tag]) {
        case SHOWS_LOOP:
                return loop_shows(sim, tag);
        case SHOWS_PRESSURE:
                return plant->pressure_torr * (1 + plant->numbers.gauge_noise_rms * noise(sim, tag));
        case SHOWS_PUMP_RUNNING:
                return plant->pump > running_part;
        case SHOWS_ATMOSPHERE:
                return plant->pressure_torr > atmosphere_part * plant->numbers.atmosphere_torr;
        case SHOWS_LID_CLOSED:
                return !sim_fault_is_on(sim, FAULT_LID_OPEN);
        case SHOWS_EMO_OK:
                return !sim_fault_is_on(sim, FAULT_EMO);
        case SHOWS_OVER_TEMPERATURE:
                return plant->is_over_temperature;
        case SHOWS_OUTPUT:
        case SHOWS_NOTHING:
                return 0;
        }
        return 0;
}

/* An instrument's own faults stand between what it senses and what it shows. */
static double distorted(const struct sim *sim, int tag, double value)
{
        const struct fault *f = sim_fault_on(sim, FAULT_DRIFT, tag, TOOL_NONE);

        if (f != NULL)
                value += f->value * (double)(sim->now_us - f->start_us) * 1e-6;
        f = sim_fault_on(sim, FAULT_FROZEN, tag, TOOL_NONE);
        if (f != NULL)
                value = f->held;
        f = sim_fault_on(sim, FAULT_READS, tag, TOOL_NONE);
        if (f != NULL)
                value = f->value;
        return sim_fault_on(sim, FAULT_NAN, tag, TOOL_NONE) != NULL ? NAN : value;
}

double sim_read(const struct sim *sim, int tag)
{
        const struct tool_tag *t = &sim->tool->tags[tag];
        double value;

        assert(tag >= 0 && tag < sim->tool->tag_count);
        if (t->is_output)
                return sim->held[tag];
        value = sensed(sim, tag);
        if (!t->is_bit)
                value = unit_convert(value, unit_base(t->unit->dim), t->unit);
        return sim->active_count > 0 ? distorted(sim, tag, value) : value;
}
