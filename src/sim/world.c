#include "ald/sim/world.h"

#include "ald/base/time.h" /* TIME_NEVER, time_min */
#include "ald/core/core.h" /* core_free */

#include "world_state.h" /* struct world */

#include <assert.h> /* assert */
#include <stdlib.h> /* calloc, free */

/* ---- What is due ---- */

static int64_t next_time(const struct world *w)
{
        int64_t next_us = time_min(time_min(w->fault_us, w->watch_us), time_min(w->arrive_us, w->restart_us));

        next_us = time_min(next_us, time_min(world_daemon_due(w), world_disk_due(w)));
        for (int i = 0; i < w->tool->link_count; i++)
                next_us = time_min(next_us, world_worker_due(w, i));
        return next_us;
}

/* After its loop has ended the daemon waits for its workers, then for its record. */
static void wind_up(struct world *w)
{
        for (int i = 0; i < w->tool->link_count; i++)
                if (!w->links[i].is_over)
                        return;
        if (!w->disk.is_closing)
                world_disk_close(w);
        if (world_disk_is_closed(w))
                world_daemon_end(w, false);
}

static void restart(struct world *w)
{
        bool has_memory = w->restart_us > w->now_us || world_daemon_start(w);

        assert(has_memory);
        (void)has_memory;
}

/* All that is due now, in a fixed order: what lies outside first. Whatever becomes due by it has its turn in the next
 * round. */
static void happen(struct world *w)
{
        if (w->fault_us <= w->now_us)
                world_faults_run(w);
        if (w->watch_us <= w->now_us)
                world_devices_run(w);
        if (w->arrive_us <= w->now_us)
                world_requests_arrive(w);
        for (int i = 0; i < w->tool->link_count; i++)
                if (w->crash_down_us < 0 && world_worker_due(w, i) <= w->now_us)
                        world_worker_run(w, i);
        if (w->crash_down_us < 0 && world_disk_due(w) <= w->now_us)
                world_disk_run(w);
        if (w->crash_down_us < 0 && world_daemon_due(w) <= w->now_us)
                world_daemon_run(w);
        if (w->crash_down_us < 0 && w->core != NULL && w->is_exiting)
                wind_up(w);
        world_daemon_crash(w);
        restart(w);
}

void world_run(struct world *w, int64_t t_us)
{
        assert(!w->is_happening);
        w->is_happening = true;
        for (int64_t next_us = next_time(w); next_us <= t_us; next_us = next_time(w)) {
                if (next_us > w->now_us)
                        w->now_us = next_us;
                happen(w);
        }
        w->is_happening = false;
        if (t_us > w->now_us)
                w->now_us = t_us;
}

/* ---- Beginning and end ---- */

/* What each stream of numbers is for. */
enum { FOR_WIRE = 1, FOR_FAULT, FOR_WORKER, FOR_LOOP, FOR_DISK };

static bool begin(struct world *w)
{
        w->sim = sim_new(w->tool, &w->config.sim);
        if (w->sim == NULL)
                return false;
        for (int i = 0; i < w->tool->link_count; i++)
                if (!plan_build(&w->links[i].plan, w->tool, i))
                        return false;
        world_devices_init(w);
        return world_daemon_start(w);
}

struct world *world_new(const struct tool *tool, const struct world_config *config)
{
        struct world *w = calloc(1, sizeof *w);

        if (w == NULL)
                return NULL;
        w->config = *config;
        w->tool = tool;
        w->wall_offset_us = config->wall_us;
        w->on_wire = random_split(config->seed, FOR_WIRE);
        w->on_fault = random_split(config->seed, FOR_FAULT);
        w->on_worker = random_split(config->seed, FOR_WORKER);
        w->on_loop = random_split(config->seed, FOR_LOOP);
        w->on_disk = random_split(config->seed, FOR_DISK);
        w->arrive_us = w->fault_us = TIME_NEVER;
        w->crash_down_us = -1;
        w->is_happening = true;
        if (begin(w)) {
                w->is_happening = false;
                world_daemon_crash(w);
                return w;
        }
        world_free(w);
        return NULL;
}

void world_free(struct world *w)
{
        if (w == NULL)
                return;
        core_free(w->core);
        recq_free(w->disk.queue);
        for (int i = 0; i < w->tool->link_count; i++)
                sched_free(w->links[i].sched);
        sim_free(w->sim);
        free(w);
}

/* ---- Reports ---- */

int64_t world_now(const struct world *w)
{
        return w->now_us;
}

int64_t world_wall(const struct world *w)
{
        return w->now_us + w->wall_offset_us;
}

uint64_t world_hash(const struct world *w)
{
        return w->hash;
}

struct sim *world_sim(struct world *w)
{
        sim_advance(w->sim, w->now_us);
        return w->sim;
}

const struct core *world_core(const struct world *w)
{
        return w->core;
}
