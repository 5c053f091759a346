/* The virtual runner: the core and the simulated tool in virtual time. It drives the very objects of the daemon; only
 * what carries effects out differs. Links answer after a fixed short time.
 *
 * Dense: samples come every sample_us, as from a poll. Sparse: samples come with the turns, at the core's deadlines and at
 * the pace of what happens between (sim/pace.h), so that hours of purge cost little. Every turn then gets values of its own
 * time; what a condition's window looks at (`steady`, `rate`) is also sampled in between, half as often as it gets stale,
 * and comes with the next turn: the core sees the same series, later. */
#ifndef ALD_SIM_VIRTUAL_H
#define ALD_SIM_VIRTUAL_H

#include "ald/core/core.h"  /* struct core */
#include "ald/core/event.h" /* struct record, struct effect */
#include "ald/sim/sim.h"    /* struct sim */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct virtual; /* opaque */

/* What a scenario may watch and disturb. Any pointer may be NULL. */
struct virtual_watch {
        void *ctx;
        void (*record)(void *ctx, const struct record *r);
        void (*reply)(void *ctx, const struct effect_reply *reply);
        /* An output value reached the tool's wire at t_us (both edges of pulses too). */
        void (*wire)(void *ctx, int64_t t_us, int tag, double value, enum cause cause);
        /* After every turn, before its effects are carried out: what went in and what came out. */
        void (*took)(void *ctx, const struct core *core, const struct event *event,
            const struct effects *effects, int64_t due_us);
        /* After every turn. */
        void (*turn)(void *ctx, const struct core *core, int64_t now_us);
        /* Change a sample before the core sees it; false drops it. */
        bool (*tamper)(void *ctx, struct sample *s);
        /* Does this write reach its device? False: it fails. */
        bool (*obeys)(void *ctx, int tag);
        /* Move the edges of a pulse as a busy link would. False: it could not open in time (PULSE_LATE). */
        bool (*move)(void *ctx, struct effect_pulse *pulse);
};

struct virtual_config {
        struct sim_config sim;
        struct core_start start; /* now_us and wall_us are where virtual time begins */
        struct virtual_watch watch;
        int64_t sample_us; /* dense: time between samples, 0 = 50 ms */
        /* > 0: sparse, with turns at most this far apart while nothing moves. start.turn_us_max is filled in. */
        int64_t sparse_us;
};

/* NULL when memory is out. The tool is borrowed. */
struct virtual *virtual_new(const struct tool *tool, const struct virtual_config *config);
void virtual_free(struct virtual *v);
/* Make `to` what `from` is, both of one tool: the same machine at the same time, with a watch of its own. Not from within
 * a watch. */
void virtual_copy(struct virtual *to, const struct virtual *from);

struct core *virtual_core(struct virtual *v);
struct sim *virtual_sim(struct virtual *v);
int64_t virtual_now(const struct virtual *v);

/* Give a command now (reply, if wanted, through the watch). */
void virtual_command(struct virtual *v, const struct command *command);
/* Let an event reach the core now; its time fields are filled in. */
void virtual_event(struct virtual *v, struct event *event);

/* Let what is due next happen, but nothing after t_us. */
void virtual_step(struct virtual *v, int64_t t_us);
/* Run until t_us. */
void virtual_run(struct virtual *v, int64_t t_us);
/* Run until the machine is in `state`, at most until t_us; true when it is. */
bool virtual_run_to(struct virtual *v, enum machine_state state, int64_t t_us);

#endif
