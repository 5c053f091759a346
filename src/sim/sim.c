#include "ald/sim/sim.h"

#include "ald/base/text.h"  /* text_add */
#include "ald/base/time.h"  /* TIME_NEVER */
#include "ald/base/unit.h"  /* unit_convert, unit_base */
#include "ald/sim/fault.h"  /* fault_parse */
#include "ald/sim/plant.h"  /* plant_advance */
#include "ald/sim/repeat.h" /* repeat_move */

#include "sim_state.h" /* struct sim */

#include <assert.h> /* assert */
#include <stdlib.h> /* calloc, free */

/* The temperatures of a run (config and recipe of the reference process). */
static const double ready_chamber_degc = 175, ready_source_degc = 110, ready_zone_degc = 130;

/* ---- Beginning. ---- */

static bool is_source(const struct tool *tool, int loop)
{
        for (int i = 0; i < tool->line_count; i++)
                if (tool->lines[i].source == loop)
                        return true;
        return false;
}

static void make_hot(struct sim *sim, int loop)
{
        const struct tool *tool = sim->tool;
        const struct tool_tag *setpoint = &tool->tags[tool->loops[loop].setpoint];
        double degc = loop == tool->chamber   ? ready_chamber_degc
                      : is_source(tool, loop) ? ready_source_degc
                                              : ready_zone_degc;
        double value = unit_convert(degc, unit_base(UNIT_DIM_TEMPERATURE), setpoint->unit);

        if (value > setpoint->limit_max)
                value = setpoint->limit_max;
        sim->held[tool->loops[loop].setpoint] = value;
        sim->plant.loop[loop].value = sim_in_base(setpoint, value);
}

static void make_ready(struct sim *sim)
{
        const struct tool *tool = sim->tool;

        for (int i = 0; i < tool->loop_count; i++)
                if (tool->loops[i].kind == TOOL_LOOP_HEATER)
                        make_hot(sim, i);
        if (tool->carrier != TOOL_NONE) {
                int setpoint = tool->loops[tool->carrier].setpoint;

                sim->held[setpoint] = tool->loops[tool->carrier].standby;
                sim->plant.loop[tool->carrier].value =
                    sim_in_base(&tool->tags[setpoint], sim->held[setpoint]);
        }
        if (tool->pump_run != TOOL_NONE)
                sim->held[tool->pump_run] = 1;
        sim->plant.pump = 1;
}

struct sim *sim_new(const struct tool *tool, const struct sim_config *config)
{
        struct sim *sim = calloc(1, sizeof *sim);
        double saturation =
            config->saturation_umol_m2 > 0 ? config->saturation_umol_m2 : SIM_SATURATION_UMOL_M2;
        double pressure_torr;

        if (sim == NULL)
                return NULL;
        sim->tool = tool;
        sim->seed = config->seed;
        sim->is_exact = config->is_exact;
        sim->repeat = config->may_repeat ? repeat_new() : NULL;
        if (config->may_repeat && sim->repeat == NULL) {
                free(sim);
                return NULL;
        }
        sim->fault_next_us = TIME_NEVER;
        plant_init(&sim->plant, tool, config->powder_m2 > 0 ? config->powder_m2 : 0, saturation);
        for (int i = 0; i < tool->tag_count; i++) {
                sim->shows[i] = (uint8_t)sim_input_shows(tool, i);
                sim->loop[i] = (int16_t)tool_find_loop_of_value(tool, i);
                sim->held[i] = tool->tags[i].is_output ? tool->tags[i].safe : 0;
        }
        if (tool->pump_run != TOOL_NONE)
                sim->held[tool->pump_run] = 0;
        if (config->ready)
                make_ready(sim);
        sim_drive(sim);
        pressure_torr = sim->plant.pressure_torr;
        plant_settle(&sim->plant);
        if (!config->ready)
                sim->plant.pressure_torr = pressure_torr;
        return sim;
}

void sim_free(struct sim *sim)
{
        if (sim == NULL)
                return;
        repeat_free(sim->repeat);
        free(sim);
}

void sim_copy(struct sim *to, const struct sim *from)
{
        struct repeat *repeat = to->repeat;

        assert(to->tool == from->tool);
        *to = *from;
        to->repeat = repeat;
        if (repeat != NULL)
                repeat_forget(repeat);
}

/* ---- Time. ---- */

static void set_active(struct sim *sim, struct fault *f, bool is_active)
{
        if (is_active && f->kind == FAULT_FROZEN)
                f->held = sim_read(sim, f->tag);
        f->is_active = is_active;
        sim->active_count += is_active ? 1 : -1;
}

/* Begin and end the faults that are due; find when the next one is. */
static void turn_faults(struct sim *sim)
{
        sim->fault_next_us = TIME_NEVER;
        for (int i = 0; i < sim->fault_count; i++) {
                struct fault *f = &sim->fault[i];
                bool is_due = f->start_us <= sim->now_us && sim->now_us < f->end_us;

                if (is_due != f->is_active)
                        set_active(sim, f, is_due);
                if (f->start_us > sim->now_us)
                        sim->fault_next_us = time_min(sim->fault_next_us, f->start_us);
                else if (f->end_us > sim->now_us)
                        sim->fault_next_us = time_min(sim->fault_next_us, f->end_us);
        }
        assert(sim->active_count >= 0);
        if (sim->repeat != NULL)
                repeat_forget(sim->repeat);
        sim_drive(sim);
}

static void move(struct sim *sim, int64_t span_us)
{
        if (sim->repeat != NULL && repeat_move(sim->repeat, &sim->plant, span_us))
                return;
        plant_advance(&sim->plant, span_us);
        if (sim->repeat != NULL)
                repeat_moved(sim->repeat, &sim->plant, span_us);
}

void sim_mark(struct sim *sim)
{
        if (sim->repeat != NULL)
                repeat_mark(sim->repeat, &sim->plant);
}

bool sim_is_repeating(const struct sim *sim)
{
        return sim->repeat != NULL && repeat_is_playing(sim->repeat);
}

void sim_advance(struct sim *sim, int64_t t_us)
{
        assert(t_us >= sim->now_us);
        while (sim->now_us < t_us) {
                int64_t until_us = time_min(t_us, sim->fault_next_us);

                move(sim, until_us - sim->now_us);
                sim->now_us = until_us;
                if (until_us == sim->fault_next_us)
                        turn_faults(sim);
        }
}

int64_t sim_time_us(const struct sim *sim)
{
        return sim->now_us;
}

/* ---- Faults. ---- */

bool sim_fault(struct sim *sim, const char *spec, char *why, int why_cap)
{
        struct fault f;

        if (!fault_parse(&f, sim->tool, spec, why, why_cap))
                return false;
        if (sim->fault_count == FAULTS_MAX) {
                struct text t;

                text_init(&t, why, (size_t)why_cap);
                text_add(
                    &t, "fault '%s': there are %d already, the most that can be given", spec, FAULTS_MAX);
                return false;
        }
        sim->fault[sim->fault_count++] = f;
        turn_faults(sim);
        return true;
}

const char *sim_fault_help(void)
{
        return fault_help();
}

int sim_fault_count(const struct sim *sim)
{
        return sim->fault_count;
}

const struct fault *sim_fault_at(const struct sim *sim, int i)
{
        assert(i >= 0 && i < sim->fault_count);
        return &sim->fault[i];
}

/* A link's fault meets writes of devices that are written over it and reads of those that are polled over it. */
static bool meets(const struct sim *sim, const struct fault *f, int device, bool is_write)
{
        const struct tool_device *d = &sim->tool->devices[device];

        if (f->device != TOOL_NONE)
                return f->device == device;
        return f->link != TOOL_NONE && f->link == (is_write ? d->link : d->poll_link);
}

int64_t sim_wire_delay(const struct sim *sim, int device, bool is_write)
{
        int64_t delay_us = 0;

        assert(device >= 0 && device < sim->tool->device_count);
        for (int i = 0; sim->active_count > 0 && i < sim->fault_count; i++) {
                const struct fault *f = &sim->fault[i];

                if (!f->is_active || !meets(sim, f, device, is_write))
                        continue;
                if (f->kind == FAULT_DROP)
                        return -2;
                if (f->kind == FAULT_SILENT)
                        delay_us = -1;
                else if (f->kind == FAULT_SLOW && delay_us >= 0 && (int64_t)f->value > delay_us)
                        delay_us = (int64_t)f->value;
        }
        return delay_us;
}

bool sim_is_absent(const struct sim *sim, int tag)
{
        assert(tag >= 0 && tag < sim->tool->tag_count);
        for (int i = 0; sim->active_count > 0 && i < sim->fault_count; i++)
                if (sim->fault[i].is_active && sim->fault[i].kind == FAULT_ABSENT && sim->fault[i].tag == tag)
                        return true;
        return false;
}

bool sim_watchdog_is_dead(const struct sim *sim, int device)
{
        for (int i = 0; i < sim_fault_count(sim); i++) {
                const struct fault *f = sim_fault_at(sim, i);

                if (f->is_active && f->kind == FAULT_WATCHDOG_DEAD && f->device == device)
                        return true;
        }
        return false;
}

/* ---- Reports. ---- */

double sim_pressure_torr(const struct sim *sim)
{
        return sim->plant.pressure_torr;
}

void sim_get_gas(const struct sim *sim, struct sim_gas *out)
{
        *out = (struct sim_gas){.torr_s = sim->plant.torr_s, .in_sccm_s = sim->plant.in_sccm_s};
        for (int i = 0; i < sim->tool->loop_count; i++)
                if (sim->tool->loops[i].kind == TOOL_LOOP_FLOW && sim->tool->loops[i].is_inert)
                        out->inert_scc += sim->plant.loop[i].passed_sccm_s / 60;
}

bool sim_is_moving(const struct sim *sim)
{
        const struct plant *plant = &sim->plant;

        for (int i = 0; i < plant->loop_count; i++)
                if (plant->loop[i].is_moving)
                        return true;
        return plant->pump > 0 && plant->pump < 1;
}

void sim_get_line(const struct sim *sim, int line, struct sim_line *out)
{
        const struct plant_line *from = &sim->plant.line[line];

        assert(line >= 0 && line < sim->tool->line_count);
        *out = (struct sim_line){
            .is_open = from->is_open,
            .vapour_torr = dose_vapour_torr(&from->numbers, plant_source_degc(&sim->plant, line)),
            .vapour_sccm = from->is_open ? from->vapour_sccm : 0,
            .residue_umol = from->dose.gas_umol + from->dose.slow_umol,
            .coverage = from->coverage,
            .sites_umol = sim->plant.sites_umol,
            .delivered_umol = from->dose.delivered_umol,
            .adsorbed_umol = from->dose.adsorbed_umol,
            .released_umol = from->dose.released_umol,
            .exposure_torr_s = from->dose.exposure_torr_s,
        };
}
