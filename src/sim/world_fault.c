#include "world_state.h" /* struct world */

#include "ald/base/time.h" /* TIME_MS, TIME_NEVER, time_min */

#include <assert.h>   /* assert, static_assert */
#include <inttypes.h> /* PRId64 */
#include <stdio.h>    /* snprintf */

static const char *const wire_names[] = {[WORLD_LATE] = "late",
    [WORLD_LOST] = "lost",
    [WORLD_MUTE] = "mute",
    [WORLD_DUPLICATED] = "duplicated",
    [WORLD_TRUNCATED] = "truncated",
    [WORLD_DRIPPED] = "dripped",
    [WORLD_WRONG_UNIT] = "wrong unit",
    [WORLD_EXCEPTION] = "exception",
    [WORLD_RESET] = "reset",
    [WORLD_REFUSED] = "refused"};
static_assert(sizeof wire_names / sizeof wire_names[0] == WORLD_WIRE_FAULTS, "a name for each");

const char *world_wire_fault_name(enum world_wire_fault kind)
{
        assert((int)kind >= 0 && kind < WORLD_WIRE_FAULTS);
        return wire_names[kind];
}

/* The next time after now at which one begins or ends. */
static void plan_faults(struct world *w)
{
        w->fault_us = TIME_NEVER;
        for (int i = 0; i < w->wire_count; i++) {
                const struct world_wire *f = &w->wires[i].fault;

                if (f->from_us > w->now_us)
                        w->fault_us = time_min(w->fault_us, f->from_us);
                else if (f->until_us > w->now_us)
                        w->fault_us = time_min(w->fault_us, f->until_us);
        }
        for (int i = 0; i < sim_fault_count(w->sim); i++) {
                const struct fault *f = sim_fault_at(w->sim, i);

                if (f->start_us > w->now_us)
                        w->fault_us = time_min(w->fault_us, f->start_us);
                else if (f->end_us > w->now_us)
                        w->fault_us = time_min(w->fault_us, f->end_us);
        }
}

static bool is_on(const struct world *w, const struct world_wire *f)
{
        return f->from_us <= w->now_us && w->now_us < f->until_us;
}

void world_faults_run(struct world *w)
{
        sim_advance(w->sim, w->now_us);
        for (int i = 0; i < sim_fault_count(w->sim); i++) {
                const struct fault *f = sim_fault_at(w->sim, i);

                if (f->is_active == w->told[i])
                        continue;
                w->told[i] = f->is_active;
                world_tell_fault(w, f->spec, f->is_active, f->link, f->device);
        }
        for (int i = 0; i < w->wire_count; i++) {
                const struct world_wire *f = &w->wires[i].fault;

                if (is_on(w, f) == w->wires[i].is_told)
                        continue;
                w->wires[i].is_told = is_on(w, f);
                world_tell_fault(w, w->wires[i].text, w->wires[i].is_told, f->link, f->device);
        }
        plan_faults(w);
}

bool world_fault(struct world *w, const char *spec, char *why, int why_cap)
{
        sim_advance(w->sim, w->now_us);
        if (!sim_fault(w->sim, spec, why, why_cap))
                return false;
        world_faults_run(w);
        return true;
}

static void name_wire(const struct world *w, const struct world_wire *f, char *text)
{
        snprintf(text, WORLD_FAULT_TEXT, "%s on %s/%s, %d in 1000, %" PRId64 " us, %d",
            world_wire_fault_name(f->kind), f->link == TOOL_NONE ? "*" : w->tool->links[f->link].name,
            f->device == TOOL_NONE ? "*" : w->tool->devices[f->device].name, f->per_mille, f->us, f->number);
}

/* A place for one more: a new one, or that of a fault that is over and told. */
static int find_place(const struct world *w)
{
        for (int i = 0; i < w->wire_count; i++)
                if (w->wires[i].fault.until_us <= w->now_us && !w->wires[i].is_told)
                        return i;
        return w->wire_count;
}

bool world_wire(struct world *w, const struct world_wire *fault)
{
        int place = find_place(w);

        assert(fault->kind < WORLD_WIRE_FAULTS && fault->us >= 0);
        assert(fault->link == TOOL_NONE || (fault->link >= 0 && fault->link < w->tool->link_count));
        assert(fault->device == TOOL_NONE || (fault->device >= 0 && fault->device < w->tool->device_count));
        if (place == WORLD_WIRES_MAX)
                return false;
        w->wires[place].fault = *fault;
        w->wires[place].is_told = false;
        name_wire(w, fault, w->wires[place].text);
        if (place == w->wire_count)
                w->wire_count++;
        world_faults_run(w);
        return true;
}

static bool meets(const struct world *w, const struct world_wire *f, int link, int device, bool connects)
{
        if (!is_on(w, f) || (f->link != TOOL_NONE && f->link != link))
                return false;
        if (connects != (f->kind == WORLD_REFUSED))
                return connects && f->kind == WORLD_LOST && f->device == TOOL_NONE;
        if (connects || f->device == TOOL_NONE)
                return true;
        return f->device == device;
}

int world_fault_draw(struct world *w, int link, int device, bool connects)
{
        for (int i = 0; i < w->wire_count; i++)
                if (meets(w, &w->wires[i].fault, link, device, connects) &&
                    random_chance(&w->on_fault, w->wires[i].fault.per_mille))
                        return i;
        return WORLD_NO_FAULT;
}
