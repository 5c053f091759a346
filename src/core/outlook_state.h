/* What the parts of the outlook share. */
#ifndef ALD_CORE_OUTLOOK_STATE_H
#define ALD_CORE_OUTLOOK_STATE_H

#include "ald/core/outlook.h" /* struct outlook_now */

#include "core_state.h" /* struct core, which is only read here */

#include <stdbool.h> /* bool */

/* A time that cannot be told. */
#define OUTLOOK_UNKNOWN INT64_C(-1)

/* How a heater's value goes on, in its tag's unit and seconds. */
struct outlook_curve {
        bool is_known;
        double from;   /* now */
        double goal;   /* its set-point in the end: the value stops there */
        double rate;   /* straight, a second, when lag_s is 0: > 0 up, < 0 down, 0 = it stays */
        double lag_s;  /* > 0: like e^(-t/lag) towards `to` */
        double to;     /* it may lie beyond the goal */
        double slower; /* it goes towards the goal at most this fast, 0 = any: the set-point ramps */
};

/* What was seen of a heater: its way since its set-point was changed last, and how it moved before. */
enum { OUTLOOK_PAST = 150 };
struct outlook_heat {
        double goal;
        bool has_goal;
        int64_t since_us; /* the set-point stands */
        int next, count;
        struct outlook_sample {
                int64_t t_us;
                double value;
        } past[OUTLOOK_PAST];
        double rise;   /* per second, seen before or as the tool file says; 0 = not known */
        double cool_s; /* lag of its fall to the room's temperature, likewise */
        struct outlook_curve curve;
};

/* The heaters at a time to come. */
struct outlook_ahead {
        int64_t t_us; /* from now */
        struct {
                struct outlook_curve curve;
                int64_t from_us; /* where the curve begins */
                bool is_set, is_standby;
        } loop[TOOL_LOOPS_MAX];
};

struct outlook {
        const struct tool *tool;
        struct outlook_now now;
        struct outlook_heat heat[TOOL_LOOPS_MAX];
        int64_t purged_us; /* the longest unbroken purge since this process began */
        struct outlook_ahead ahead;
        struct snapshot then; /* the values at the time that is looked at */
};

/* ---- outlook_heat.c: how each heater moves ---- */
void outlook_init_heat(struct outlook *o);
void outlook_watch_heat(struct outlook *o, const struct core *core);
/* Where the curve is after `s` seconds. */
double outlook_curve_at(const struct outlook_curve *curve, double s);
/* From `from` to another goal, as far as it is known how this heater moves; `ramp` per second, 0 = at once. */
struct outlook_curve outlook_curve_to(
    const struct outlook *o, int loop, double from, double goal, double ramp);

/* ---- outlook_ahead.c: conditions at a time to come ---- */
/* The heaters as they are. */
void outlook_begin_ahead(struct outlook *o, const struct core *core);
/* From the present place on, this heater has another set-point. */
void outlook_set_ahead(struct outlook *o, int loop, double goal, double ramp, bool is_standby);
/* How long after the present place the condition becomes true; OUTLOOK_UNKNOWN. */
int64_t outlook_find_true_us(struct outlook *o, const struct cond_pool *pool, int root);

/* ---- outlook_walk.c: the rest of the run ---- */
/* Go to its end. Its waits that left_us leaves out, 0 without a run; OUTLOOK_UNKNOWN, and then the place is nowhere. */
int64_t outlook_walk(struct outlook *o, const struct core *core);

/* ---- outlook_open.c ---- */
/* After outlook_walk(), which gave `heating_us`. */
void outlook_look_open(struct outlook *o, const struct core *core, int64_t heating_us);

#endif
