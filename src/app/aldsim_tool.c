#include "ald/app/aldsim_tool.h"

#include "ald/app/aldsim_edges.h" /* aldsim_edges_note */
#include "ald/app/journal.h"      /* journal_say */
#include "ald/base/time.h"        /* TIME_NEVER, time_min */
#include "ald/bus/bus.h"          /* bus_now_us */
#include "ald/sim/fault.h"        /* struct fault, FAULTS_MAX */
#include "ald/sim/module.h"       /* struct module */
#include "ald/sim/pulser.h"       /* struct pulser */

#include <assert.h>  /* assert */
#include <math.h>    /* isfinite */
#include <pthread.h> /* pthread_mutex_t */
#include <stdarg.h>  /* va_list */
#include <stdio.h>   /* vsnprintf */
#include <stdlib.h>  /* calloc, free */

struct aldsim_tool {
        const struct tool *tool;
        double speed;
        int64_t begun_us;
        pthread_mutex_t lock; /* guards everything below */
        struct sim *sim;
        struct module module[TOOL_DEVICES_MAX]; /* of devices with a watchdog */
        struct pulser pulser[TOOL_TAGS_MAX];    /* of outputs that their module times */
        bool told[FAULTS_MAX];                  /* faults whose beginning was reported */
        struct aldsim_edges *edges;             /* NULL: nobody asked; borrowed */
        double shown[TOOL_TAGS_MAX];            /* outputs as the log of edges knows them */
};

/* One line with the real time since the start. */
__attribute__((format(printf, 3, 4))) static void tell(
    const struct aldsim_tool *b, int64_t now_us, const char *fmt, ...)
{
        va_list args;
        char line[256];

        va_start(args, fmt);
        vsnprintf(line, sizeof line, fmt, args);
        va_end(args);
        journal_say("aldsim: %.3f s: %s", (double)(now_us - b->begun_us) * 1e-6, line);
}

/* ---- Time; all of it under the lock. ---- */

static void tell_faults(struct aldsim_tool *b, int64_t now_us)
{
        for (int i = 0; i < sim_fault_count(b->sim); i++) {
                const struct fault *f = sim_fault_at(b->sim, i);

                if (f->is_active == b->told[i])
                        continue;
                b->told[i] = f->is_active;
                tell(b, now_us, "fault %s: %s", f->is_active ? "begins" : "ends", f->spec);
        }
}

static void run_physics(struct aldsim_tool *b, int64_t now_us)
{
        int64_t t_us = (int64_t)((double)(now_us - b->begun_us) * b->speed);

        if (t_us > sim_time_us(b->sim))
                sim_advance(b->sim, t_us);
        tell_faults(b, now_us);
}

/* What changed among a device's outputs, whoever changed it. */
static void note_edges(struct aldsim_tool *b, int device, int64_t t_us)
{
        for (int i = 0; b->edges != NULL && i < b->tool->tag_count; i++) {
                const struct tool_tag *tag = &b->tool->tags[i];
                double value;

                if (!tag->is_output || tag->device != device)
                        continue;
                value = sim_read(b->sim, i);
                if (value != b->shown[i])
                        aldsim_edges_note(b->edges, i, value, t_us);
                b->shown[i] = value;
        }
}

static bool has_watchdog(const struct aldsim_tool *b, int device)
{
        return b->tool->devices[device].watchdog.present;
}

static void expire_watchdog(struct aldsim_tool *b, int device, int64_t now_us)
{
        if (!has_watchdog(b, device) || !module_expire(&b->module[device], now_us))
                return;
        for (int i = 0; i < b->tool->tag_count; i++)
                if (b->tool->tags[i].device == device &&
                    b->tool->devices[device].watchdog.drives != TOOL_DRIVES_HOLD)
                        pulser_cut(&b->pulser[i]);
        sim_device_expire(b->sim, device);
        note_edges(b, device, now_us);
        tell(b, now_us, "watchdog of %s expired%s", b->tool->devices[device].name,
            b->module[device].status == TOOL_WATCHDOG_EXPIRED ? ": it answers nothing until it is restarted"
                                                              : "");
}

static void expire_pulse(struct aldsim_tool *b, int tag, int64_t now_us)
{
        const struct pulser *p = &b->pulser[tag];

        if (!pulser_expire(&b->pulser[tag], now_us))
                return;
        sim_write(b->sim, tag, b->tool->tags[tag].safe);
        note_edges(b, b->tool->tags[tag].device, now_us);
        tell(b, now_us, "%s closed by its module after %.1f ms", b->tool->tags[tag].name,
            (double)(now_us - p->begun_us) * 1e-3);
}

/* When something ends by itself; TIME_NEVER: nothing does. */
static int64_t next_expiry(const struct aldsim_tool *b)
{
        int64_t next_us = TIME_NEVER;

        for (int i = 0; i < b->tool->device_count; i++)
                if (has_watchdog(b, i))
                        next_us = time_min(next_us, module_deadline_us(&b->module[i]));
        for (int i = 0; i < b->tool->tag_count; i++)
                next_us = time_min(next_us, pulser_deadline_us(&b->pulser[i]));
        return next_us;
}

/* Expiries act at their own times, in their order, not when somebody looks. */
static void run_until(struct aldsim_tool *b, int64_t now_us)
{
        for (int i = 0; i < b->tool->device_count; i++)
                b->module[i].is_dead = sim_watchdog_is_dead(b->sim, i);
        for (int64_t t_us = next_expiry(b); t_us <= now_us; t_us = next_expiry(b)) {
                run_physics(b, t_us);
                for (int i = 0; i < b->tool->tag_count; i++)
                        expire_pulse(b, i, t_us);
                for (int i = 0; i < b->tool->device_count; i++)
                        expire_watchdog(b, i, t_us);
        }
        run_physics(b, now_us);
}

static int64_t enter(struct aldsim_tool *b)
{
        int64_t now_us;

        pthread_mutex_lock(&b->lock);
        now_us = bus_now_us();
        run_until(b, now_us);
        return now_us;
}

static void leave(struct aldsim_tool *b)
{
        pthread_mutex_unlock(&b->lock);
}

int64_t aldsim_tool_tick(struct aldsim_tool *b)
{
        int64_t next_us;

        enter(b);
        next_us = next_expiry(b);
        leave(b);
        return next_us;
}

/* ---- What the server asks. ---- */

/* A module whose watchdog has expired may serve nothing (sim/module.h). */
static int serve(struct aldsim_tool *b, int device, bool is_write, int64_t now_us)
{
        return has_watchdog(b, device) ? module_serve(&b->module[device], is_write, now_us) : MODULE_OK;
}

static int read_tag(void *ctx, int tag, double *value)
{
        struct aldsim_tool *b = ctx;
        int status = serve(b, b->tool->tags[tag].device, false, enter(b));

        if (status == MODULE_OK && sim_is_absent(b->sim, tag))
                status = MODULE_NO_REGISTER;
        if (status == MODULE_OK)
                *value = sim_read(b->sim, tag);
        leave(b);
        return status;
}

/* Written closed in the middle of a pulse that the module times, the output closes now. */
static void write_output(struct aldsim_tool *b, int tag, double value, int64_t now_us)
{
        if (value == b->tool->tags[tag].safe && pulser_cut(&b->pulser[tag]))
                tell(b, now_us, "%s closed by its master after %.1f ms", b->tool->tags[tag].name,
                    (double)(now_us - b->pulser[tag].begun_us) * 1e-3);
        sim_write(b->sim, tag, value);
}

static int write_tag(void *ctx, int tag, double value)
{
        struct aldsim_tool *b = ctx;
        int64_t now_us;
        int status;

        if (!isfinite(value))
                return MODULE_NO_VALUE;
        now_us = enter(b);
        status = serve(b, b->tool->tags[tag].device, true, now_us);
        if (status == MODULE_OK)
                write_output(b, tag, value, now_us);
        note_edges(b, b->tool->tags[tag].device, now_us);
        leave(b);
        return status;
}

static int read_pulser(void *ctx, int tag, int address, uint16_t *word)
{
        struct aldsim_tool *b = ctx;
        int status = serve(b, b->tool->tags[tag].device, false, enter(b));

        if (status == MODULE_OK)
                status = pulser_read(&b->pulser[tag], address, word);
        leave(b);
        return status;
}

static int write_pulser(void *ctx, int tag, int address, uint16_t word)
{
        struct aldsim_tool *b = ctx;
        int64_t now_us = enter(b);
        bool begins = false;
        int status = serve(b, b->tool->tags[tag].device, true, now_us);

        if (status == MODULE_OK)
                status = pulser_write(&b->pulser[tag], address, word, now_us, &begins);
        if (begins)
                sim_write(b->sim, tag, 1);
        note_edges(b, b->tool->tags[tag].device, now_us);
        leave(b);
        return status;
}

static int read_watchdog(void *ctx, int device, int address, uint16_t *word)
{
        struct aldsim_tool *b = ctx;
        int64_t now_us;
        int status;

        assert(has_watchdog(b, device));
        now_us = enter(b);
        status = module_read(&b->module[device], address, word, now_us);
        leave(b);
        return status;
}

static int write_watchdog(void *ctx, int device, int address, uint16_t word)
{
        struct aldsim_tool *b = ctx;
        struct module *module = &b->module[device];
        const char *name = b->tool->devices[device].name;
        int64_t now_us;
        int before, status;

        assert(has_watchdog(b, device));
        now_us = enter(b);
        before = module->status;
        status = module_write(module, address, word, now_us);
        if (before != module->status)
                tell(b, now_us, "watchdog of %s %s: %.3f s", name,
                    before == TOOL_WATCHDOG_OFF ? "started" : "restarted",
                    (double)(module->time * module->map->time_unit_us) * 1e-6);
        leave(b);
        return status;
}

static int64_t reply_delay(void *ctx, int device, bool is_write)
{
        struct aldsim_tool *b = ctx;
        int64_t delay_us;

        enter(b);
        delay_us = sim_wire_delay(b->sim, device, is_write);
        leave(b);
        return delay_us;
}

struct server_tool aldsim_tool_callbacks(struct aldsim_tool *behind)
{
        return (struct server_tool){.ctx = behind,
            .read = read_tag,
            .write = write_tag,
            .read_watchdog = read_watchdog,
            .write_watchdog = write_watchdog,
            .read_pulser = read_pulser,
            .write_pulser = write_pulser,
            .reply_delay = reply_delay};
}

/* ---- Beginning and end. ---- */

struct aldsim_tool *aldsim_tool_new(const struct tool *tool, const struct sim_config *config, double speed)
{
        struct aldsim_tool *b = calloc(1, sizeof *b);

        assert(speed > 0);
        if (b == NULL)
                return NULL;
        b->sim = sim_new(tool, config);
        if (b->sim == NULL) {
                free(b);
                return NULL;
        }
        b->tool = tool;
        b->speed = speed;
        b->begun_us = bus_now_us();
        pthread_mutex_init(&b->lock, NULL);
        for (int i = 0; i < tool->device_count; i++)
                if (tool->devices[i].watchdog.present)
                        module_init(&b->module[i], &tool->devices[i].watchdog);
        for (int i = 0; i < tool->tag_count; i++)
                pulser_init(&b->pulser[i], &tool->tags[i].pulse);
        return b;
}

void aldsim_tool_free(struct aldsim_tool *behind)
{
        if (behind == NULL)
                return;
        sim_free(behind->sim);
        pthread_mutex_destroy(&behind->lock);
        free(behind);
}

bool aldsim_tool_fault(struct aldsim_tool *behind, const char *spec, char *why, int why_cap)
{
        bool ok;

        pthread_mutex_lock(&behind->lock);
        ok = sim_fault(behind->sim, spec, why, why_cap);
        pthread_mutex_unlock(&behind->lock);
        return ok;
}

void aldsim_tool_log_edges(struct aldsim_tool *behind, struct aldsim_edges *edges)
{
        pthread_mutex_lock(&behind->lock);
        for (int i = 0; i < behind->tool->tag_count; i++)
                if (behind->tool->tags[i].is_output)
                        behind->shown[i] = sim_read(behind->sim, i);
        behind->edges = edges;
        pthread_mutex_unlock(&behind->lock);
}
