/* The simulated world's state, shared by the files of its module:
 *   world.c         life, time, what is due next
 *   world_note.c    what is told, and its digest
 *   world_device.c  devices with registers and watchdogs, power, a second master
 *   world_wire.c    calls and requests on their way, and what befalls them
 *   world_fault.c   faults of plant and wires: when they begin and end, whom they meet
 *   world_worker.c  a link's worker about its schedule, as bus/worker.c does it
 *   world_daemon.c  the core and its event loop, as app/live.c does it; crash and restart
 *   world_disk.c    the recorder, as store/store.c and store/writer.c do it */
#ifndef ALD_SIM_WORLD_STATE_H
#define ALD_SIM_WORLD_STATE_H

#include "ald/base/random.h"    /* struct random */
#include "ald/core/event.h"     /* struct event, struct effects */
#include "ald/core/recq.h"      /* struct recq */
#include "ald/core/tool.h"      /* TOOL_*_MAX */
#include "ald/link/plan.h"      /* struct plan */
#include "ald/link/registers.h" /* struct registers */
#include "ald/link/sched.h"     /* struct sched */
#include "ald/sim/fault.h"      /* FAULTS_MAX */
#include "ald/sim/module.h"     /* struct module */
#include "ald/sim/pulser.h"     /* struct pulser */
#include "ald/sim/world.h"      /* struct world_config */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

/* As in bus/worker.c and bus/bus.c: orders in a queue, half of their places for safe values and revokes; events that wait
 * for the loop; orders that found no place. */
enum {
        WORLD_ORDERS = 1024,
        WORLD_ORDERS_URGENT = 512,
        WORLD_EVENTS = 128,
        WORLD_UNTAKEN = 1024,
        WORLD_COMMANDS = 64,  /* given while the loop stands still; more find the socket's buffer full */
        WORLD_REQUESTS = 256, /* on their way to devices; one more is lost */
        WORLD_FAULT_TEXT = 128
};

struct core_start;

/* ---- Wires ---- */

enum { WORLD_NO_FAULT = -1 };

struct world_request {
        int64_t sent_us, arrive_us;
        uint64_t n; /* of its call: an answer to a call that was given up reaches nobody */
        int link, device;
        struct sched_action action;
        int fault; /* enum world_wire_fault that befalls its answer, or WORLD_NO_FAULT */
        int64_t fault_us;
        int number;
        int64_t back_us; /* the way of the answer */
};

/* What a worker waits for. */
struct world_call {
        uint64_t n; /* 0 = it is in no call */
        struct sched_action action;
        int device;                 /* TOOL_NONE: connecting, closing */
        int64_t give_up_us;         /* the call's limit, and what the machine takes to notice it */
        int64_t answer_us;          /* TIME_NEVER = none is on its way */
        struct sched_result result; /* what the answer brings */
};

/* ---- A link's worker ---- */

enum world_order_kind {
        WORLD_ORDER_WRITE,
        WORLD_ORDER_PULSE,
        WORLD_ORDER_REVOKE,
        WORLD_ORDER_REARM,
        WORLD_ORDER_PROVE
};
struct world_order {
        enum world_order_kind kind;
        union {
                struct effect_write write;
                struct effect_pulse pulse;
                uint32_t revoke_id;
                int device;
                struct effect_prove prove;
        } u;
};

struct world_link {
        struct sched *sched; /* NULL while no daemon runs */
        struct plan plan;    /* which tags an answer brings */
        int64_t wake_us;
        bool has_watchdog;
        /* From the loop. */
        int64_t turn_us;     /* INT64_MIN = none yet */
        int64_t expected_us; /* the pulse that the core foresees */
        bool must_revoke, is_stopping;
        int order_head, order_count;
        struct world_order orders[WORLD_ORDERS];
        /* To the loop. */
        bool is_stalled; /* events cannot be handed over */
        int event_head, event_count;
        struct event events[WORLD_EVENTS];
        /* Its own. */
        bool is_ending, is_over;
        int64_t end_by_us;
        /* The connection. */
        bool is_connected;
        int64_t stray_us; /* bytes nobody asked for come then on this connection, TIME_NEVER = none */
        struct world_call call;
};

/* ---- The recorder ---- */

struct world_disk {
        int64_t slow_us;
        bool is_full;
        /* What is on it. */
        int64_t run_last, run_open; /* 0 = none */
        bool was_left_open;         /* by the last event on it */
        bool is_ballast_gone;       /* released when the disk was full, and not made again yet */
        int ballast_left;           /* records for which there is room in its place */
        /* The process' store. */
        struct recq *queue;
        bool is_open, is_ok, is_overrun; /* takes records; last attempt; too many wait */
        bool was_ok;                     /* as last told */
        int starts;                      /* run starts in the queue: each has a copy of its recipe */
        bool is_busy, is_failing, is_closing;
        bool with_samples;         /* this round */
        uint32_t records, samples; /* in the transaction under way */
        int64_t due_us;            /* the transaction ends, or the next look at the queue */
        int64_t samples_due_us, give_up_us;
};

/* ---- Devices ---- */

struct world_device {
        struct module module; /* of devices with a watchdog */
        int64_t off_until_us; /* without power till then; INT64_MIN = it has power */
};

struct world_refused {
        enum event_kind kind;
        union {
                struct event_wrote wrote;
                struct event_pulse pulse;
        } u;
};

/* ---- All of it ---- */

struct world {
        struct world_config config;
        const struct tool *tool;
        struct sim *sim;
        int64_t now_us, wall_offset_us;
        uint64_t hash;
        /* One stream of numbers for each purpose. */
        struct random on_wire, on_fault, on_worker, on_loop, on_disk;

        /* The daemon. */
        struct core *core; /* NULL while none runs */
        int64_t number;    /* of daemons so far */
        int64_t restart_us;
        bool is_exiting;
        int64_t tick_us, bus_us, store_us;       /* when the loop hears of: time, links, the store */
        int64_t loop_until_us, workers_until_us; /* stand still till then */
        int from;                                /* the link to ask first for an event */
        bool is_happening;                       /* notes are being told */
        int64_t crash_down_us; /* it crashes once that is over, and is down so long; -1 = it does not */
        int refused_head, refused_count;
        struct world_refused refused[WORLD_UNTAKEN];
        int command_count;
        struct command commands[WORLD_COMMANDS];
        struct event event; /* of this runner's own making */
        struct effects effects;
        struct world_link links[TOOL_LINKS_MAX];
        struct world_disk disk;

        /* What is outside. */
        struct registers registers;
        struct world_device devices[TOOL_DEVICES_MAX];
        struct pulser pulsers[TOOL_TAGS_MAX]; /* of outputs that their module times */
        int64_t watch_us; /* the first watchdog or pulse expires, or a device has its power back */
        uint64_t call_n;
        int64_t arrive_us; /* the first request does */
        int request_count;
        struct world_request requests[WORLD_REQUESTS];

        /* Faults. */
        int64_t fault_us;      /* the next one begins or ends */
        bool told[FAULTS_MAX]; /* whose beginning was told */
        int wire_count;
        struct {
                struct world_wire fault;
                bool is_told, is_over;
                char text[WORLD_FAULT_TEXT];
        } wires[WORLD_WIRES_MAX];
};

/* ---- world_note.c ---- */
struct world_note world_note(const struct world *w, enum world_note_kind kind);
void world_tell(struct world *w, const struct world_note *note);
void world_tell_fault(struct world *w, const char *text, bool begins, int link, int device);

/* ---- world_device.c ---- */
void world_devices_init(struct world *w);
int world_find_device(const struct world *w, int link, int slave_id);
/* Watchdogs that expire, power that is back. */
void world_devices_run(struct world *w);
/* Let a device answer a request now. Returns 0 or an exception, -1: it is dead. */
int world_device_serve(struct world *w, const struct world_request *q, uint16_t *words);

/* ---- world_wire.c ---- */
void world_call_begin(struct world *w, int link);
/* When the call under way ends, however it does. */
int64_t world_call_due(const struct world *w, int link);
/* Now. The result is in the call, which is over. */
void world_call_end(struct world *w, int link);
void world_requests_arrive(struct world *w);
void world_disconnect(struct world *w, int link);

/* ---- world_fault.c ---- */
void world_faults_run(struct world *w); /* those that begin or end now */
/* What befalls this request; index of the fault that does, or WORLD_NO_FAULT. `connects`: it is no request yet. */
int world_fault_draw(struct world *w, int link, int device, bool connects);

/* ---- world_worker.c ---- */
bool world_worker_start(struct world *w, int link, bool was_left_open);
void world_worker_order(struct world *w, int link, const struct world_order *order);
void world_worker_feed(struct world *w, int64_t turn_us);
void world_worker_expect(struct world *w, int64_t open_us);
void world_worker_stop(struct world *w, int link);
int64_t world_worker_due(const struct world *w, int link);
void world_worker_run(struct world *w, int link);

/* ---- world_daemon.c ---- */
bool world_daemon_start(struct world *w);
int64_t world_daemon_due(const struct world *w);
void world_daemon_run(struct world *w);
void world_daemon_end(struct world *w, bool is_killed);
void world_daemon_crash(struct world *w); /* if it is to */

/* ---- world_disk.c ---- */
/* A new process opens what is there. */
bool world_disk_open(struct world *w, struct core_start *start);
bool world_disk_post(struct world *w, const struct record *r);
void world_disk_close(struct world *w); /* nothing more comes; it is over when world_disk_is_closed() */
bool world_disk_is_closed(const struct world *w);
void world_disk_drop(struct world *w); /* the process is gone */
int64_t world_disk_due(const struct world *w);
void world_disk_run(struct world *w);
bool world_disk_ok(const struct world *w);
const char *world_disk_why(const struct world *w);

#endif
