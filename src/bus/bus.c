#include "ald/bus/bus.h"

#include "ald/base/text.h"  /* text_init */
#include "ald/bus/ring.h"   /* struct ring */
#include "ald/bus/worker.h" /* struct worker */
#include "ald/link/load.h"  /* load_refuses */

#include <assert.h>      /* assert */
#include <stdio.h>       /* snprintf */
#include <stdlib.h>      /* aligned_alloc, free */
#include <string.h>      /* memset */
#include <sys/eventfd.h> /* eventfd */
#include <time.h>        /* clock_gettime */
#include <unistd.h>      /* write, close */

/* Orders that found a worker's queue full; more than the core makes in two turns. */
enum { REFUSED = 1024 };

struct bus {
        const struct tool *tool; /* borrowed */
        int event_fd;
        int from; /* the worker to ask first for an event, so that none starves */
        struct worker *workers[TOOL_LINKS_MAX];
        struct ring refused; /* of struct event: both ends are in the loop's thread */
};

int64_t bus_now_us(void)
{
        struct timespec ts;
        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* The text of a refusal is kept here: starting happens once, in main. */
static char start_why[480];

/* Once more here: `--link` may have given the tool a slower line than its file was checked with. */
static bool fits(const struct tool *tool)
{
        for (int i = 0; i < tool->link_count; i++) {
                char buf[sizeof start_why - TOOL_NAME_MAX - 8];
                struct text why;
                struct load load;
                text_init(&why, buf, sizeof buf);
                if (!load_refuses(&load, tool, i, &why))
                        continue;
                snprintf(start_why, sizeof start_why, "link %s: %s", tool->links[i].name, buf);
                return false;
        }
        return true;
}

static bool start_workers(struct bus *bus)
{
        for (int i = 0; i < bus->tool->link_count; i++) {
                const struct tool_link *link = &bus->tool->links[i];
                const char *why = "";
                bus->workers[i] = worker_start(bus->tool, i, bus->event_fd, &why);
                if (!bus->workers[i]) {
                        snprintf(start_why, sizeof start_why, "link %s: %s", link->name, why);
                        return false;
                }
        }
        return true;
}

static struct bus *new_bus(const struct tool *tool)
{
        size_t size = (sizeof(struct bus) + 63) / 64 * 64;
        struct bus *bus = aligned_alloc(64, size);
        if (!bus)
                return NULL;
        memset(bus, 0, size);
        bus->tool = tool;
        bus->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (bus->event_fd >= 0 && ring_init(&bus->refused, REFUSED, sizeof(struct event)))
                return bus;
        if (bus->event_fd >= 0)
                close(bus->event_fd);
        free(bus);
        return NULL;
}

struct bus *bus_start(const struct tool *tool, const char **why)
{
        struct bus *bus = new_bus(tool);
        if (!bus) {
                *why = "no memory or no descriptor for the links";
                return NULL;
        }
        if (!fits(tool) || !start_workers(bus)) {
                bus_stop(bus);
                *why = start_why;
                return NULL;
        }
        return bus;
}

bool bus_raise(struct bus *bus, int priority)
{
        bool ok = true;

        for (int i = 0; i < bus->tool->link_count; i++)
                ok = worker_raise(bus->workers[i], priority) && ok;
        return ok;
}

void bus_stop(struct bus *bus)
{
        if (!bus)
                return;
        for (int i = 0; i < bus->tool->link_count;
             i++) /* all at once, then wait: their times do not add up */
                if (bus->workers[i])
                        worker_stop(bus->workers[i]);
        for (int i = 0; i < bus->tool->link_count; i++)
                if (bus->workers[i])
                        worker_join(bus->workers[i]);
        ring_free(&bus->refused);
        close(bus->event_fd);
        free(bus);
}

int bus_fd(const struct bus *bus)
{
        return bus->event_fd;
}

bool bus_next(struct bus *bus, struct event *out)
{
        const struct event *e = ring_peek(&bus->refused);
        if (e) {
                *out = *e;
                ring_release(&bus->refused);
                return true;
        }
        for (int n = 0; n < bus->tool->link_count; n++) {
                int i = (bus->from + n) % bus->tool->link_count;
                e = worker_peek(bus->workers[i]);
                if (!e)
                        continue;
                *out = *e;
                worker_release(bus->workers[i]);
                bus->from = i + 1;
                return true;
        }
        return false;
}

static struct worker *worker_of(struct bus *bus, int tag)
{
        assert(tag >= 0 && tag < bus->tool->tag_count && bus->tool->tags[tag].is_output);
        return bus->workers[bus->tool->devices[bus->tool->tags[tag].device].link];
}

/* Every order ends in a report, also one that found no place. */
static void refuse(struct bus *bus, const struct event *e)
{
        struct event *slot = ring_reserve(&bus->refused);
        uint64_t one = 1;
        if (!slot)
                return; /* the loop neither takes events nor stops ordering: it is beyond being told */
        *slot = *e;
        ring_commit(&bus->refused);
        ssize_t n = write(bus->event_fd, &one, sizeof one);
        (void)n;
}

void bus_write(struct bus *bus, const struct effect_write *w)
{
        struct worker_order order = {.kind = WORKER_WRITE, .u.write = *w};
        if (worker_order(worker_of(bus, w->tag), &order))
                return;
        struct event no = {.kind = EVENT_WROTE};
        no.u.wrote = (struct event_wrote){.tag = w->tag, .cause = w->cause, .id = w->id, .value = w->value};
        refuse(bus, &no);
}

void bus_pulse(struct bus *bus, const struct effect_pulse *p)
{
        struct worker_order order = {.kind = WORKER_PULSE, .u.pulse = *p};
        if (worker_order(worker_of(bus, p->tag), &order))
                return;
        struct event no = {.kind = EVENT_PULSE};
        no.u.pulse = (struct event_pulse){.id = p->id, .tag = p->tag, .outcome = PULSE_REFUSED};
        refuse(bus, &no);
}

void bus_revoke(struct bus *bus, uint32_t id, int tag)
{
        struct worker_order order = {.kind = WORKER_REVOKE, .u.revoke_id = id};
        worker_order(worker_of(bus, tag), &order); /* always taken */
}

void bus_feed(struct bus *bus, int64_t turn_us)
{
        for (int i = 0; i < bus->tool->link_count; i++)
                worker_feed(bus->workers[i], turn_us);
}

void bus_expect(struct bus *bus, int64_t open_us)
{
        for (int i = 0; i < bus->tool->link_count; i++)
                worker_expect(bus->workers[i], open_us);
}

void bus_left_open(struct bus *bus)
{
        struct worker_order order = {.kind = WORKER_LEFT_OPEN};
        for (int i = 0; i < bus->tool->link_count; i++)
                worker_order(bus->workers[i], &order); /* the first of its queue, where there is room */
}

void bus_rearm(struct bus *bus, int device)
{
        assert(device >= 0 && device < bus->tool->device_count);
        struct worker_order order = {.kind = WORKER_REARM, .u.device = device};
        worker_order(bus->workers[bus->tool->devices[device].link], &order);
}

void bus_prove(struct bus *bus, const struct effect_prove *prove)
{
        assert(prove->device >= 0 && prove->device < bus->tool->device_count);
        struct worker_order order = {.kind = WORKER_PROVE, .u.prove = *prove};
        worker_order(bus->workers[bus->tool->devices[prove->device].link], &order); /* the core asks again */
}
