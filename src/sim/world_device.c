#include "world_state.h" /* struct world */

#include "ald/base/time.h" /* TIME_NEVER, time_min */

#include <assert.h> /* assert */
#include <math.h>   /* isfinite */
#include <stdio.h>  /* snprintf */

/* ---- Notes ---- */

static void tell_output(struct world *w, int tag, enum world_by by)
{
        struct world_note n = world_note(w, WORLD_OUTPUT);

        n.tag = tag;
        n.device = w->tool->tags[tag].device;
        n.value = sim_read(w->sim, tag); /* what it holds now, whatever was asked for */
        n.by = by;
        world_tell(w, &n);
}

static void tell_watchdog(struct world *w, int device)
{
        struct world_note n = world_note(w, WORLD_WATCHDOG);

        n.device = device;
        n.number = w->devices[device].module.status;
        world_tell(w, &n);
}

/* All outputs of a device go where its watchdog, or the loss of its power, lets them; those that moved are told. */
static void drop_outputs(struct world *w, int device, enum world_by by)
{
        double was[TOOL_TAGS_MAX] = {0};

        for (int i = 0; i < w->tool->tag_count; i++)
                if (w->tool->tags[i].is_output && w->tool->tags[i].device == device)
                        was[i] = sim_read(w->sim, i);
        for (int i = 0; i < w->tool->tag_count; i++)
                if (w->tool->tags[i].device == device &&
                    (by != WORLD_BY_WATCHDOG || w->tool->devices[device].watchdog.drives != TOOL_DRIVES_HOLD))
                        pulser_cut(&w->pulsers[i]);
        if (by == WORLD_BY_WATCHDOG)
                sim_device_expire(w->sim, device);
        else
                sim_device_safe(w->sim, device);
        for (int i = 0; i < w->tool->tag_count; i++)
                if (w->tool->tags[i].is_output && w->tool->tags[i].device == device &&
                    was[i] != sim_read(w->sim, i))
                        tell_output(w, i, by);
}

/* ---- What stands behind the registers ---- */

static bool has_watchdog(const struct world *w, int device)
{
        return w->tool->devices[device].watchdog.present;
}

static bool has_power(const struct world *w, int device)
{
        return w->devices[device].off_until_us == INT64_MIN;
}

static void plan_watch(struct world *w)
{
        w->watch_us = TIME_NEVER;
        for (int i = 0; i < w->tool->device_count; i++) {
                if (has_watchdog(w, i))
                        w->watch_us = time_min(w->watch_us, module_deadline_us(&w->devices[i].module));
                if (!has_power(w, i))
                        w->watch_us = time_min(w->watch_us, w->devices[i].off_until_us);
        }
        for (int i = 0; i < w->tool->tag_count; i++)
                w->watch_us = time_min(w->watch_us, pulser_deadline_us(&w->pulsers[i]));
}

/* A module whose watchdog has expired may serve nothing (sim/module.h). */
static int serve(struct world *w, int device, bool is_write)
{
        if (!has_watchdog(w, device))
                return MODULE_OK;
        return module_serve(&w->devices[device].module, is_write, w->now_us);
}

static int read_tag(void *ctx, int tag, double *value)
{
        struct world *w = ctx;
        int exception = serve(w, w->tool->tags[tag].device, false);

        if (exception == MODULE_OK && sim_is_absent(w->sim, tag))
                exception = MODULE_NO_REGISTER;
        if (exception == MODULE_OK)
                *value = sim_read(w->sim, tag);
        plan_watch(w);
        return exception;
}

/* Written closed in the middle of a pulse that its module times, an output closes now. */
static void write_output(struct world *w, int tag, double value)
{
        if (value == w->tool->tags[tag].safe && pulser_cut(&w->pulsers[tag]))
                plan_watch(w);
        sim_write(w->sim, tag, value);
}

static int write_tag(void *ctx, int tag, double value)
{
        struct world *w = ctx;
        int exception = serve(w, w->tool->tags[tag].device, true);

        if (!isfinite(value))
                return MODULE_NO_VALUE;
        plan_watch(w);
        if (exception != MODULE_OK)
                return exception;
        write_output(w, tag, value);
        tell_output(w, tag, WORLD_BY_REQUEST);
        return MODULE_OK;
}

static int read_pulser(void *ctx, int tag, int address, uint16_t *word)
{
        struct world *w = ctx;
        int exception = serve(w, w->tool->tags[tag].device, false);

        if (exception == MODULE_OK)
                exception = pulser_read(&w->pulsers[tag], address, word);
        plan_watch(w);
        return exception;
}

static int write_pulser(void *ctx, int tag, int address, uint16_t word)
{
        struct world *w = ctx;
        int exception = serve(w, w->tool->tags[tag].device, true);
        bool begins = false;

        if (exception == MODULE_OK)
                exception = pulser_write(&w->pulsers[tag], address, word, w->now_us, &begins);
        if (begins) {
                sim_write(w->sim, tag, 1);
                tell_output(w, tag, WORLD_BY_REQUEST);
        }
        plan_watch(w);
        return exception;
}

static int read_watchdog(void *ctx, int device, int address, uint16_t *word)
{
        struct world *w = ctx;
        int exception = module_read(&w->devices[device].module, address, word, w->now_us);

        plan_watch(w);
        return exception;
}

static int write_watchdog(void *ctx, int device, int address, uint16_t word)
{
        struct world *w = ctx;
        struct module *module = &w->devices[device].module;
        int before = module->status;
        int exception = module_write(module, address, word, w->now_us);

        if (before != module->status)
                tell_watchdog(w, device);
        plan_watch(w);
        return exception;
}

void world_devices_init(struct world *w)
{
        w->registers = (struct registers){.tool = w->tool,
            .ctx = w,
            .read = read_tag,
            .write = write_tag,
            .read_watchdog = read_watchdog,
            .write_watchdog = write_watchdog,
            .read_pulser = read_pulser,
            .write_pulser = write_pulser};
        for (int i = 0; i < w->tool->device_count; i++) {
                w->devices[i].off_until_us = INT64_MIN;
                if (has_watchdog(w, i))
                        module_init(&w->devices[i].module, &w->tool->devices[i].watchdog);
        }
        for (int i = 0; i < w->tool->tag_count; i++)
                pulser_init(&w->pulsers[i], &w->tool->tags[i].pulse);
        plan_watch(w);
}

int world_find_device(const struct world *w, int link, int slave_id)
{
        for (int i = 0; i < w->tool->device_count; i++) {
                const struct tool_device *d = &w->tool->devices[i];

                if (d->slave_id == slave_id && (d->link == link || d->poll_link == link))
                        return i;
        }
        return TOOL_NONE;
}

static void expire(struct world *w, int device)
{
        if (has_watchdog(w, device))
                w->devices[device].module.is_dead = sim_watchdog_is_dead(w->sim, device);
        if (!has_watchdog(w, device) || !module_expire(&w->devices[device].module, w->now_us))
                return;
        tell_watchdog(w, device);
        drop_outputs(w, device, WORLD_BY_WATCHDOG);
}

int world_device_serve(struct world *w, const struct world_request *q, uint16_t *words)
{
        const struct sched_action *a = &q->action;

        if (!has_power(w, q->device))
                return -1;
        sim_advance(w->sim, w->now_us);
        expire(w, q->device); /* due already where a fault kept it from acting until now */
        if (a->kind == SCHED_READ)
                return registers_read(&w->registers, q->device, a->reg, a->address, a->count, words);
        return registers_write(&w->registers, q->device, a->reg, a->address, a->count, a->words);
}

/* ---- Time ---- */

static void end_pulse(struct world *w, int tag)
{
        if (!pulser_expire(&w->pulsers[tag], w->now_us))
                return;
        sim_write(w->sim, tag, w->tool->tags[tag].safe);
        tell_output(w, tag, WORLD_BY_MODULE);
}

static void tell_power(struct world *w, int device, bool is_off)
{
        char text[WORLD_FAULT_TEXT];

        snprintf(text, sizeof text, "reboot of %s", w->tool->devices[device].name);
        world_tell_fault(w, text, is_off, TOOL_NONE, device);
}

static void power_up(struct world *w, int device)
{
        if (has_power(w, device) || w->devices[device].off_until_us > w->now_us)
                return;
        w->devices[device].off_until_us = INT64_MIN;
        tell_power(w, device, false);
}

void world_devices_run(struct world *w)
{
        sim_advance(w->sim, w->now_us);
        for (int i = 0; i < w->tool->tag_count; i++)
                end_pulse(w, i);
        for (int i = 0; i < w->tool->device_count; i++) {
                expire(w, i);
                power_up(w, i);
        }
        plan_watch(w);
}

/* ---- Faults ---- */

void world_reboot(struct world *w, int device, int64_t off_us)
{
        assert(device >= 0 && device < w->tool->device_count && off_us > 0);
        sim_advance(w->sim, w->now_us);
        if (has_power(w, device))
                tell_power(w, device, true);
        w->devices[device].off_until_us = w->now_us + off_us;
        if (has_watchdog(w, device) && w->devices[device].module.status != TOOL_WATCHDOG_OFF) {
                module_init(&w->devices[device].module, &w->tool->devices[device].watchdog);
                tell_watchdog(w, device);
        }
        drop_outputs(w, device, WORLD_BY_REBOOT);
        for (int i = 0; i < w->tool->tag_count; i++)
                if (w->tool->tags[i].device == device)
                        pulser_init(&w->pulsers[i], &w->tool->tags[i].pulse);
        plan_watch(w);
}

void world_foreign(struct world *w, int tag, double value)
{
        assert(tag >= 0 && tag < w->tool->tag_count && w->tool->tags[tag].is_output && isfinite(value));
        sim_advance(w->sim, w->now_us);
        if (!has_power(w, w->tool->tags[tag].device) ||
            serve(w, w->tool->tags[tag].device, true) != MODULE_OK)
                return;
        plan_watch(w);
        write_output(w, tag, value);
        tell_output(w, tag, WORLD_BY_FOREIGN);
}
