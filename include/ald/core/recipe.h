/* A compiled recipe: a flat program with bounded loops that the sequencer walks. It is data: made once by the file
 * ring, checked, immutable while it runs, and known by the SHA-256 of its text (SAFETY S5).
 *
 * `use` and parameters are resolved by the compiler; a block's steps appear once per use, with the lines of the
 * block. Time is planned: every op knows the timed length of what follows it in its block, so that "time left" is
 * arithmetic. */
#ifndef ALD_CORE_RECIPE_H
#define ALD_CORE_RECIPE_H

#include "ald/core/cond.h" /* struct cond, struct cond_pool */
#include "ald/core/tool.h" /* TOOL_NAME_MAX, enum tool_action */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* int64_t */

enum {
        RECIPE_OPS_MAX = 4096,
        RECIPE_DEPTH_MAX = 16, /* nested repeats */
        RECIPE_PHASES_MAX = 32,
        RECIPE_GUARDS_MAX = 32,
        RECIPE_PARAMETERS_MAX = 64,
        RECIPE_CONDS_MAX = 128,
        RECIPE_NOTES_MAX = 64,
        RECIPE_RESUME_OPS =
            TOOL_TAGS_MAX + 16 /* what comes before a run that another one began (core/resume.h) */
};
#define RECIPE_CYCLES_MAX INT64_C(100000000)

enum recipe_op_kind {
        RECIPE_SET,         /* tag <- value, now or along a ramp */
        RECIPE_WAIT,        /* for_us */
        RECIPE_WAIT_UNTIL,  /* cond for for_us, timeout_us, otherwise */
        RECIPE_PULSE,       /* line, for_us */
        RECIPE_PURGE,       /* for_us */
        RECIPE_PURGE_UNTIL, /* cond for for_us, timeout_us, otherwise */
        RECIPE_VALVE,       /* tag <- value (open / close) */
        RECIPE_NOTE,        /* note */
        RECIPE_ROTATE, /* tag (bed set-point) <- value (speed), reversed every period_us, stopped around pulses */
        RECIPE_CONFIRM, /* ask the operator `note`; timeout_us, otherwise */
        RECIPE_LEAK_CHECK, /* exhaust closed and flows off for for_us: pressure may rise by `limit` (unit/s), otherwise */
        RECIPE_VENT, /* value 1: vented from here on: disarms what `arm` guards, locks precursors; 0: no longer */
        RECIPE_EXPOSE,     /* exhaust closed and the carrier at `value` up to RECIPE_EXPOSE_END at `jump` */
        RECIPE_EXPOSE_END, /* exhaust open, the flow as it was before */
        RECIPE_REPEAT,     /* at most count times the ops up to its RECIPE_REPEAT_END at `jump` */
        RECIPE_REPEAT_END, /* back to the op after `jump` while passes are left; with cond >= 0: until it is true, and when
                             * no pass is left, otherwise */
        RECIPE_RESUMED, /* on to where `resume` says */
        RECIPE_END      /* end of a section */
};

/* recipe_op.phase of what belongs to no phase. */
enum { RECIPE_IN_FINALLY = -1, RECIPE_IN_RESUME = -2 };

struct recipe_op {
        uint8_t kind;      /* enum recipe_op_kind */
        uint8_t otherwise; /* enum tool_action: what a timeout does */
        bool is_standby;   /* SET: the value came from `standby` or `safe`: not waited for by `settled` */
        bool is_cycle;     /* REPEAT: its passes are the cycles of the run */
        bool is_walls;     /* REPEAT: its cycles coat the walls (`coats: walls`) */
        bool stops;        /* ROTATE: at rest in every pulse, from lead_us before it */
        int16_t phase;     /* index, or RECIPE_IN_FINALLY, RECIPE_IN_RESUME */
        int16_t tag;       /* SET, VALVE, ROTATE: output tag */
        int16_t line;      /* PULSE: precursor line */
        int16_t cond;      /* index into conds, -1 */
        int16_t note;      /* NOTE, CONFIRM: index into notes, -1 */
        int32_t jump;      /* REPEAT <-> REPEAT_END */
        int64_t count;     /* REPEAT: passes, 1 to RECIPE_CYCLES_MAX */
        double value;      /* SET, VALVE, ROTATE, EXPOSE: in the tag's unit */
        double ramp;       /* SET: unit per second, 0 = at once */
        double
            close_below; /* EXPOSE: the exhaust closes once the gauge is below, gauge's unit; 0 = at once */
        double limit; /* EXPOSE: highest pressure, gauge's unit; LEAK_CHECK: rise, gauge's unit per second */
        int64_t period_us; /* ROTATE: reverses this often, 0 = never */
        int64_t lead_us;   /* ROTATE */
        int64_t for_us;
        int64_t timeout_us;  /* EXPOSE: at_most, the longest the exhaust may stay closed */
        int64_t tail_us;     /* timed length of what follows this op up to the end of its block */
        int64_t body_us;     /* REPEAT: timed length of one pass */
        int32_t source_line; /* in `text`, from 1 */
};

struct recipe_phase {
        char name[TOOL_NAME_MAX];
        int32_t first; /* op */
};

struct recipe_guard {
        uint32_t phases;   /* bit i = phase i */
        int16_t cond;      /* must be true */
        int64_t for_us;    /* broken for longer than this acts */
        uint8_t otherwise; /* enum tool_action */
        int32_t source_line;
};

struct recipe_parameter {
        char name[TOOL_NAME_MAX];
        char value[64]; /* as written: default or --set */
};

/* Where a run stands in its program: the op and the passes of the loops around it (core/position.h). */
struct position {
        int32_t op;
        int32_t depth;
        struct {
                int32_t repeat; /* op of the RECIPE_REPEAT */
                int64_t pass;   /* from 1 */
        } loop[RECIPE_DEPTH_MAX];
};

/* A run that goes on where another one was interrupted (core/resume.h). */
struct recipe_resume {
        int64_t run_id; /* the one that was; 0 = this run begins at the beginning */
        int64_t cycle;  /* its last pulse, as the record names it */
        char path[64];
        int attempt; /* of that pulse, which was not done and is repeated as the next one; 0: done, or skipped: on behind it */
        int64_t cycles_before; /* cycles begun before the one that is gone on with */
        int32_t first;         /* op: the preparation, up to its RECIPE_RESUMED */
        struct position half;  /* that pulse */
        struct position at;    /* where the program goes on: at the pulse, or behind it */
};

struct recipe {
        char name[TOOL_NAME_MAX];
        char title[TOOL_TEXT_MAX];
        char source[TOOL_TEXT_MAX];
        char path[256];  /* as given, for messages only */
        char sha256[65]; /* of `text`, hex */
        char *
            text; /* the file as read, then each included one after a line that names it; NUL-terminated; owned */
        size_t text_len;

        int32_t op_count;
        /* Phases in order, RECIPE_END, then `finally`, RECIPE_END; then, before a resume, its preparation, RECIPE_END. */
        struct recipe_op ops[RECIPE_OPS_MAX + RECIPE_RESUME_OPS];
        int32_t finally_first; /* op where `finally` begins (its RECIPE_END if it is empty) */
        int phase_count;
        struct recipe_phase phases[RECIPE_PHASES_MAX];
        int guard_count;
        struct recipe_guard guards[RECIPE_GUARDS_MAX];
        int cond_count;
        struct cond conds[RECIPE_CONDS_MAX + 1]; /* the last one is the resume's */
        struct cond_pool pool;
        int note_count;
        char notes[RECIPE_NOTES_MAX + 1][TOOL_TEXT_MAX]; /* likewise */
        int parameter_count;
        struct recipe_parameter parameters[RECIPE_PARAMETERS_MAX];

        int64_t hold_us_max; /* on_hold: at_most; TIME_NEVER = without end */
        uint8_t hold_then;   /* enum tool_action after it: STOP or ABORT */
        bool resume_asks;    /* on_hold: resume: ask */

        int64_t cycles;      /* total passes of the is_cycle repeats */
        int64_t wall_cycles; /* of them, those that coat the walls */
        int64_t pulses;      /* total pulses */
        int64_t timed_us;    /* timed length of all phases (waits for conditions count 0) */
        struct recipe_resume resume;

        /* Declared facts, recorded with the run. 0 = not given. */
        char powder_material[TOOL_NAME_MAX], powder_lot[TOOL_NAME_MAX];
        double powder_g, powder_m2_g;
        double growth_nm, thickness_nm;
};

/* Timed length of `finally`; waits for conditions count 0. */
int64_t recipe_finally_us(const struct recipe *recipe);

/* Does this op's wait depend on heat (`settled`, or a heater's temperature)? Then it counts apart from the timed rest. */
bool recipe_waits_for_heat(const struct recipe *recipe, const struct tool *tool, const struct recipe_op *op);

void recipe_free(struct recipe *recipe); /* NULL allowed */

#endif
