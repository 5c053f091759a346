/* The virtual runner's state, shared by the files of its module: virtual.c (effects and events), virtual_samples.c (when
 * and what is sampled). */
#ifndef ALD_SIM_VIRTUAL_STATE_H
#define ALD_SIM_VIRTUAL_STATE_H

#include "ald/sim/pace.h"    /* struct pace */
#include "ald/sim/virtual.h" /* struct virtual_watch */

struct cond_pool;

enum { WRITES_MAX = 512, PAIRS_MAX = 16 };

struct pending_write {
        struct effect_write write;
        int64_t sent_us;
};

struct pair {
        struct effect_pulse pulse;
        bool is_used, is_open, is_revoked, is_closed, is_cut, is_late;
        int64_t closed_us;
};

struct virtual
{
        const struct tool *tool;
        struct core *core;
        struct sim *sim;
        struct virtual_watch watch;
        int64_t now_us, wall_offset_us, due_us;
        int64_t sample_every_us, sample_next_us, sampled_us;
        bool is_sparse;
        struct pace pace;
        double seen_torr;  /* at the last look */
        int64_t window_us; /* sparse: so often is sampled in between what windows look at, 0 = no window */
        int window_count;
        bool is_windowed[TOOL_TAGS_MAX];
        int write_count;
        struct pending_write writes[WRITES_MAX];
        struct pair pairs[PAIRS_MAX];
        struct effects effects;
        struct event event; /* samples that wait for the next turn */
};

/* One turn of the core now. */
void virtual_turn(struct virtual *v, struct event *event);

/* ---- virtual_samples.c ---- */
void virtual_set_pace(struct virtual *v, int64_t sparse_us);
/* Something happened: look soon. */
void virtual_stir(struct virtual *v);
/* What the conditions of a pool look at over time is sampled between the turns. */
void virtual_note_windows(struct virtual *v, const struct cond_pool *pool);
/* Let the physics run to t_us, with samples for windows on the way. */
void virtual_advance(struct virtual *v, int64_t t_us);
/* A turn with the values of now. */
void virtual_send_samples(struct virtual *v);

#endif
