/* What the core wants kept, as values; the store turns them into rows (DESIGN.md, Run database).
 *
 * Samples are small and many and may be dropped with a gap record; everything else is kept or no run may start
 * (SAFETY L1, L2). */
#ifndef ALD_CORE_RECORD_H
#define ALD_CORE_RECORD_H

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct recipe;

enum record_kind {
        RECORD_RUN_START,
        RECORD_RUN_STATE, /* the run's state or reason changed */
        RECORD_RUN_END,
        RECORD_CYCLE_START,
        RECORD_CYCLE_END,
        RECORD_PULSE_START, /* handed over */
        RECORD_PULSE_END,   /* edges known */
        RECORD_PULSE_METRICS,
        RECORD_BASE, /* the pressure at a steady flow before or after the pulses of a run */
        RECORD_EVENT,
        RECORD_AUDIT,
        RECORD_SAMPLE,
        RECORD_VALVE, /* a valve opened or closed: what is counted */
        RECORD_BOTTLE /* the bottle of a precursor line was changed */
};

enum record_severity { RECORD_INFO, RECORD_WARNING, RECORD_ALARM, RECORD_TRIP };
const char *record_severity_name(enum record_severity s);

struct record_run {
        const struct recipe *recipe; /* START: borrowed; the store copies what it needs before it returns */
        char state[16];
        char reason[192];
        char user[48]; /* operator */
};

struct record_cycle {
        int64_t n; /* from 1 */
};

struct record_pulse {
        int64_t cycle; /* from 1; 0 outside a cycle */
        char path
            [64]; /* where in the program: "coat[3]", "coat[3]/2"; unique with cycle and attempt within a run */
        int attempt;                                      /* from 1 */
        int outcome;                                      /* enum pulse_outcome */
        int16_t line;                                     /* precursor line of the tool */
        int64_t planned_open_us, planned_width_us;        /* open: wall UTC in records */
        int64_t opened_us, width_us;                      /* opened: wall UTC; -1 = unknown */
        int64_t open_acked_us, closed_us, close_acked_us; /* wall UTC; -1 = unknown */
        bool is_device_timed; /* width_us is what its module was told to time, else that of two writes */
        double pressure_base, pressure_peak, pressure_area; /* gauge's unit, and unit x s; NaN = unknown */
        double pressure_fit; /* the area again, by the shape of a response: what is judged (core/pulse.h) */
        int64_t pressure_decay_us; /* from the close until 1/e of the rise then is left; -1 = unknown */
};

/* wall_us of its record: when it ended. */
struct record_base {
        bool is_after;                 /* the pulses of the run; else before them */
        double flow, pressure, spread; /* means and standard deviation: the carrier's unit, the gauge's */
        int64_t samples;
};

/* One opening is told in two records: OPENED and CLOSED of a valve that stays open, PLANNED and ENDED of a timed one. */
enum record_valve_what {
        RECORD_VALVE_OPENED,
        RECORD_VALVE_CLOSED,
        RECORD_VALVE_PLANNED,
        RECORD_VALVE_ENDED,
        RECORD_VALVE_RENEWED /* it was replaced: its counts begin anew */
};

struct record_valve {
        int16_t tag;  /* the output */
        int16_t line; /* its precursor line, TOOL_NONE = none */
        uint8_t what; /* enum record_valve_what */
        bool
            is_actuation; /* OPENED, ENDED: it opened; false: it was open before the start; it never opened */
        int64_t since_us; /* OPENED, PLANNED: wall UTC */
        int64_t open_us;  /* CLOSED, ENDED: how long it was open; PLANNED: how long it will be */
        double used_umol; /* ENDED: what it took from the bottle, an estimate; 0 = not known */
};

struct record_bottle {
        int16_t line;
        double content_g; /* 0 = not known */
        char lot[96];     /* "" = not said */
};

struct record_event {
        char kind[24]; /* "trip", "hold", "step", "link", "output", "state", "note", "quality", "pulse" */
        int severity;
        char source[48]; /* interlock id, tag or link */
        char text[256];
};

struct record_audit {
        uint32_t uid, pid;
        char user[48];
        char role[12];
        char command[24];
        char arguments[96];
        char state_before[16], state_after[16];
        char result[128]; /* "ok" or the refusal */
};

struct record_sample {
        int16_t tag;
        int16_t quality;
        int64_t t_us; /* wall UTC */
        double value;
};

struct record {
        enum record_kind kind;
        int64_t wall_us; /* when */
        int64_t run_id;  /* 0 = outside a run */
        union {
                struct record_run run;
                struct record_cycle cycle;
                struct record_pulse pulse;
                struct record_base base;
                struct record_event event;
                struct record_audit audit;
                struct record_sample sample;
                struct record_valve valve;
                struct record_bottle bottle;
        } u;
};

#endif
