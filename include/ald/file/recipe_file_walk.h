/* A compiled program walked before it runs, step by step and each loop twice, with what is known on the way: what every output
 * was last told, and between which values each tag may read by then. A run starts from the standby image, so that what the
 * recipe never moved is known as well; a process value is known once the recipe has waited for it. */
#ifndef ALD_FILE_RECIPE_FILE_WALK_H
#define ALD_FILE_RECIPE_FILE_WALK_H

#include "ald/file/cond_range.h"  /* struct cond_ranges */
#include "ald/file/recipe_file.h" /* struct recipe_file */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* uint8_t, int32_t, int64_t */

/* What an output was told last. */
struct recipe_file_want {
        double value;     /* in the output's unit */
        int32_t op;       /* that told it; -1: the standby image, at the start */
        bool is_rest;     /* `standby` or `safe`, in words or in effect: no more than the standby image */
        bool is_awaited;  /* the recipe has waited for its process value since */
        bool was_hot;     /* a heater: it was above standby at some time before */
        int64_t least_us; /* the shortest time that its process value needs */
        int64_t begun_us; /* on the longest clock */
};

enum { RECIPE_FILE_TOLD_MAX = 128 };
struct recipe_file_told {
        const struct yaml_node *at, *about;
        int what;
};

struct recipe_file_walk {
        struct recipe_file *f;
        struct cond_ranges now; /* what each tag may read */
        struct recipe_file_want want[TOOL_TAGS_MAX];
        int32_t vent;     /* since this op the chamber is vented, -1 = it is not */
        int32_t expose;   /* inside this block, -1 = none */
        int walls;        /* loops that coat the walls and are open */
        int64_t clock_us; /* the longest that the run may have taken: all waits to their timeouts */
        bool is_moved;    /* an output was told something since the outputs were looked at */
        int32_t visits;   /* ops walked over */
        struct recipe_file_told told[RECIPE_FILE_TOLD_MAX]; /* a loop is walked twice, a block put in often */
        int told_count;
        uint8_t looks
            [RECIPE_CONDS_MAX]; /* at a wait for this condition: a daemon compiles recipes too, in bounded time */
};

/* Has this been told of these two steps? From now on it has. */
bool recipe_file_was_told(struct recipe_file_walk *w, int what, int32_t op, int32_t about);
/* Is the loop told to be hotter than at rest? */
bool recipe_file_is_hot(const struct recipe_file_walk *w, int loop);
/* Tags as they read once every process value is at its set-point. */
void recipe_file_range_at_rest(const struct recipe_file_walk *w, struct cond_ranges *out);

/* Append ": 'carrier.flow' is set to 3 sccm by line 12, ..." for each loop that the condition names. */
void recipe_file_add_wants(const struct recipe_file_walk *w, struct text *t, const struct cond_pool *pool,
    int root, int32_t seen_from);

/* The looks at one op, before it takes effect. */
void recipe_file_look(struct recipe_file_walk *w, int32_t op);
/* Parts of it: what the outputs are told while time passes at `op`; heat at a vent; a pulse. */
void recipe_file_look_at_outputs(struct recipe_file_walk *w, int32_t op);
void recipe_file_look_at_vent(struct recipe_file_walk *w, int32_t op);
/* A line colder than its source asks: an error at a pulse (an op), a warning while it only heats (-1). */
void recipe_file_look_at_line(struct recipe_file_walk *w, int line, int32_t pulse);
void recipe_file_look_at_pulse(struct recipe_file_walk *w, int32_t op);
/* The look at the end of the program. */
void recipe_file_look_at_end(struct recipe_file_walk *w);

#endif
