/* The tool as compiled from its file: links, devices, tags, equipment, interlocks, images, access, and the
 * numbers of its simulated twin. Flat, without pointers into the heap: made once by the file ring, then read-only
 * for everyone. Everything is named by small numbers (tag 17, loop 3); names are for people.
 *
 * Values of a tag are in the tag's own unit everywhere (see base/unit.h). */
#ifndef ALD_CORE_TOOL_H
#define ALD_CORE_TOOL_H

#include "ald/base/unit.h" /* struct unit */
#include "ald/core/cond.h" /* struct cond, struct cond_pool */

#include <stdbool.h> /* bool */
#include <stddef.h>  /* size_t */
#include <stdint.h>  /* int16_t, int64_t, uint16_t */

enum {
        TOOL_NAME_MAX = 48, /* bytes of a name with its NUL */
        TOOL_TEXT_MAX = 160,
        TOOL_LINKS_MAX = 8,
        TOOL_DEVICES_MAX = 32,
        TOOL_TAGS_MAX = 256,
        TOOL_LOOPS_MAX = 48,
        TOOL_LINES_MAX = 12,
        TOOL_VALVES_MAX = 32,
        TOOL_INTERLOCKS_MAX = 64,
        TOOL_SETS_MAX = 8,
        TOOL_ALARMS_MAX = 64,
        TOOL_ACCESS_MAX = 32,
        TOOL_HOOKS_MAX = 8,
        TOOL_NONE = -1
};

enum tool_link_kind { TOOL_LINK_TCP, TOOL_LINK_RTU };

/* One connection to one endpoint, served by one worker thread. */
struct tool_link {
        char name[TOOL_NAME_MAX];
        enum tool_link_kind kind;
        char host[64];          /* TCP */
        int port;               /* TCP, 1-65535 */
        char path[64];          /* RTU: /dev/... */
        int baud;               /* RTU */
        char parity;            /* RTU: 'N', 'E', 'O' */
        int stop_bits;          /* RTU: 1 or 2 */
        int64_t timeout_us;     /* response timeout of a call, 10 ms to 5 s */
        int64_t backoff_us_min; /* between attempts to connect, doubled up to _max */
        int64_t backoff_us_max;
        int line;
};

enum tool_byte_order { TOOL_ORDER_ABCD, TOOL_ORDER_CDAB, TOOL_ORDER_BADC, TOOL_ORDER_DCBA };

/* What the outputs of a module do when its watchdog expires. */
enum tool_drives {
        TOOL_DRIVES_LOW,  /* off, 0 */
        TOOL_DRIVES_SAFE, /* each goes to a value set in the module, which is its tag's safe value */
        TOOL_DRIVES_HIGH, /* on (Advantech ADAM-6052: FSV = logic high) */
        TOOL_DRIVES_HOLD  /* they stay as they are */
};

struct tool_register_value {
        int address; /* holding register, on the wire */
        uint16_t value;
};
enum { TOOL_WATCHDOG_WRITES_MAX = 8 };

/* A watchdog inside the module that drives its outputs safe when nobody feeds it; kinds differ by data only (SAFETY.md,
 * device-side watchdog). Addresses are holding registers as on the wire.
 * Arming: see to the setup and the time, reading both back, then feed. Feeding: write the trigger.
 * After expiry it is latched; the restart writes re-arm it, on an operator's reset only. */
struct tool_watchdog {
        bool present;
        int time_register; /* timeout in units of time_unit_us */
        int64_t time_unit_us;
        int64_t timeout_us; /* <= 1 s */
        int64_t feed_us;    /* <= timeout / 3 */
        int trigger_register;
        bool feeds_by_repeat; /* any write feeds; else only a changed word in the trigger */
        int setup_count;      /* what must stand in the module before the time, e.g. which functions feed */
        struct tool_register_value setup[TOOL_WATCHDOG_WRITES_MAX];
        int status_register; /* TOOL_NONE = it has none: exception 4 and the counter tell */
        struct {
                uint16_t off, running, expired; /* of the bits in `mask` */
                uint16_t mask;
        } status;
        int counter_register; /* of its events: a change = it expired; TOOL_NONE = it has none */
        int restart_count;    /* writes that re-arm it; 0 = the next feed does */
        struct tool_register_value restart[TOOL_WATCHDOG_WRITES_MAX];
        enum tool_drives drives;
};

enum { TOOL_WATCHDOG_OFF = 0, TOOL_WATCHDOG_RUNNING = 1, TOOL_WATCHDOG_EXPIRED = 2 };

enum tool_register { TOOL_COIL, TOOL_DISCRETE, TOOL_INPUT, TOOL_HOLDING };

/* A register that always reads the same: a reply that carries it is this unit's, about this place. */
struct tool_signature {
        bool present;
        enum tool_register reg; /* INPUT or HOLDING */
        int address;
        uint16_t value;
};

/* A unit (slave) on a link. Writes and edges go over `link`; reads over `poll_link` (the same link unless the tool
 * file says otherwise: on TCP precursor valves have a connection without polls). */
struct tool_device {
        char name[TOOL_NAME_MAX];
        int16_t link;
        int16_t poll_link;
        int slave_id;             /* 1-247 (0 and 255 allowed on TCP) */
        int read_words_max;       /* registers in one read, 1-125; coils are read 16 to a word */
        bool write_multiple_only; /* function 16/15 even for one register/coil (Alicat) */
        int64_t pause_us;         /* pause_between_requests */
        int64_t answer_us;        /* `answer`: its typical time to an answer; 0 = not given (link/load.h) */
        int64_t answer_us_max;    /* worst_answer: the latest that an answer may still come; 0 = not known */
        struct tool_signature signature;
        struct tool_watchdog watchdog;
        int16_t
            proof_output; /* an output that may go on and fall for the watchdog's proof; TOOL_NONE = none */
        char profile[TOOL_NAME_MAX]; /* device profile of its keys; empty = none */
        bool is_verified;            /* somebody has tried that profile on hardware */
        int line;
};

enum tool_type { TOOL_BIT, TOOL_INT16, TOOL_UINT16, TOOL_INT32, TOOL_UINT32, TOOL_FLOAT32, TOOL_FLOAT64 };
enum tool_failsafe {
        TOOL_FAILSAFE_NONE,
        TOOL_FAILSAFE_WATCHDOG,
        TOOL_FAILSAFE_DEVICE_TIMED,
        TOOL_FAILSAFE_EXTERNAL
};

/* What an output is, for who may move it when (SAFETY V4). */
enum tool_class {
        TOOL_CLASS_PLAIN,     /* pump, exhaust, vent, motor, heater, inert flow */
        TOOL_CLASS_PRECURSOR, /* a precursor line's valve */
        TOOL_CLASS_REACTIVE   /* a reactive gas: its valve or its flow set-point */
};

/* The three resting images (SAFETY.md, Images). */
enum tool_image { TOOL_IMAGE_HOLD, TOOL_IMAGE_STANDBY, TOOL_IMAGE_ABORT, TOOL_IMAGE_COUNT };
struct tool_image_value {
        bool keep; /* leave the output as it is (only the hold image keeps) */
        double value;
};

/* Where an operator may move an output by hand: `manual` in the tool file. */
enum tool_manual {
        TOOL_MANUAL_OUTSIDE, /* outside a run (the default) */
        TOOL_MANUAL_INSIDE,  /* also in Held, Suspended and Execute */
        TOOL_MANUAL_NEVER
};

/* How a module that times pulses itself is told to: the width in units of its own, then the start; it closes by itself.
 * What has to stand in its registers for that (the mode of the channel, the low time) is `setup`. Addresses are holding
 * registers as on the wire. Writing the output closed ends a pulse early. */
enum { TOOL_PULSE_SETUP_MAX = 8 };
struct tool_pulse {
        bool present;
        int width_register;
        enum tool_type width_type; /* TOOL_UINT16 or TOOL_UINT32 */
        enum tool_byte_order width_order;
        int64_t width_unit_us;
        int setup_count;
        struct {
                int reg;
                uint16_t value;
        } setup[TOOL_PULSE_SETUP_MAX];
        int start_register;
        uint16_t start_value;
        int count_register; /* of whole pulses put out, modulo 65536; TOOL_NONE = it does not count */
};

/* One value on a device. An input is read; an output is written, and read back at the same place. */
struct tool_tag {
        char name[TOOL_NAME_MAX];
        const struct unit *unit; /* static */
        bool is_output;
        bool is_bit; /* value 0 or 1; shown off/on, or closed/open for a valve */
        bool is_valve;
        int16_t device;
        enum tool_register reg;
        int address; /* on the wire, from 0: address_base is already subtracted */
        enum tool_type type;
        enum tool_byte_order order;
        double scale, offset; /* value = raw * scale + offset, in `unit` */

        int64_t poll_us;   /* period of its poll group */
        int64_t stale_us;  /* older than this = Bad */
        int64_t freeze_us; /* bit-identical for longer = Uncertain; 0 = not watched */
        bool has_valid;
        double valid_min, valid_max; /* outside = Bad */
        bool is_bypassable;          /* input: an engineer may bypass it in the interlocks, for a time (T4) */

        /* Outputs only. */
        enum tool_class class;
        enum tool_manual manual;
        enum tool_failsafe failsafe;
        char failsafe_text[TOOL_TEXT_MAX];
        double limit_min, limit_max; /* a command outside is refused, never clipped */
        double safe;                 /* its safe value */
        bool verify;                 /* compare with what is read back */
        double verify_within;        /* allowed difference, in `unit` */
        int64_t follow_us;           /* T_follow: a difference that lasts longer trips (V7) */
        struct tool_pulse pulse;     /* its module times pulses itself */
        int64_t max_open_us;         /* hard maximum of one opening; 0 = may stay open */
        int64_t lease_us;            /* no turn of the core for this long = safe value */
        struct tool_image_value image[TOOL_IMAGE_COUNT];

        int64_t actuations_max; /* `maintenance`, a bit: people are told beyond so many openings; 0 = never */
        int64_t open_us_max;    /* or when it was open for so long; 0 = never */

        /* Record. */
        int64_t log_us;      /* longest time between stored samples; 0 = every change of sample */
        double log_deadband; /* stored earlier when the value moved by more */
        int line;
};

enum tool_loop_kind { TOOL_LOOP_FLOW, TOOL_LOOP_HEATER, TOOL_LOOP_MOTOR };

/* A process value with its set-point. Recipes name it by the process value's tag. */
struct tool_loop {
        char name[TOOL_NAME_MAX];
        enum tool_loop_kind kind;
        int16_t value;    /* tag read */
        int16_t setpoint; /* tag written */
        double tolerance; /* in the value's unit: within it the loop is settled */
        double ramp_max;  /* unit per second; 0 = no limit */
        double standby;   /* what `standby` means in a recipe: the set-point's standby image */
        bool is_inert;    /* flow: carrier or purge gas */
        /* Heater, the rise test (H1): while the set-point is further above the value than the tolerance, the value rises by
         * rise_by (a difference, value's unit) in every rise_us, or the heater trips. rise_us 0 = not watched. */
        double rise_by;
        int64_t rise_us;
        int64_t
            cool_us; /* heater: without power it loses 63 % of its heat over the room's in this time; 0 = not known */
        /* Flow, motor: value and set-point differ by more than follow_within (value's unit) for no longer than follow_us,
         * else an alarm; a motor trips (M1). follow_us 0 = not watched. */
        double follow_within;
        int64_t follow_us;
        int line;
};

/* A precursor line: one dose is one opening of its valve. */
struct tool_line {
        char name[TOOL_NAME_MAX];
        int16_t valve;
        int16_t source; /* loop that heats the bottle, TOOL_NONE for a bottle at room temperature */
        int64_t pulse_us_min;
        int64_t purge_us_min; /* after its pulse, before another precursor */
        int16_t hot_line;     /* loop that heats the way from the bottle, TOOL_NONE = none */
        double hot_line_by;   /* it stays hotter than the source by this (K), else an alarm */
        double
            gauge_rise; /* a pulse moves the gauge by this much in the mean, else an alarm; 0 = not watched */
        double depletion; /* a change of its pulses' area by this part is to be found; 0 = not watched */
        int64_t
            lead_us; /* a pulse that no schedule foretold is planned so far ahead: calls that share its link are over by
                          * then (link/load.h); 0 = none shares it */
        double width_tolerance_us; /* an edge or a width that is wrong by more is told */
        int64_t
            width_limit_us; /* by more than this the run is held; 0 = tool_width_limit_us() has the rule */
        struct {
                double content_g;   /* when new; 0 = not known */
                double warn_part;   /* people are told when no more than this part of it is left; 0 = never */
                int64_t pulses_max; /* or beyond so many pulses; 0 = never */
        } bottle;
        int line;
};

/* A valve that is no precursor line: exhaust, vent, gas. `open`/`close` in a recipe name it. */
struct tool_valve {
        char name[TOOL_NAME_MAX];
        int16_t tag;
        int line;
};

/* A suspend is an external cause (a house gas, an exhaust): while its condition is true or Bad a run waits in Suspended and
 * goes on by itself once it has been false for for_us. It latches nothing. */
enum tool_interlock_kind { TOOL_TRIP, TOOL_PERMIT, TOOL_EXCLUSIVE, TOOL_SUSPEND };
enum tool_action { TOOL_ACT_NONE, TOOL_ACT_HOLD, TOOL_ACT_STOP, TOOL_ACT_ABORT, TOOL_ACT_CONTINUE };

struct tool_set {
        int16_t tag; /* an output */
        double value;
};

struct tool_interlock {
        char id[TOOL_NAME_MAX];
        enum tool_interlock_kind kind;
        struct cond
            when; /* trip: tripped while true; permit: permitted while true; suspend: waits while true */
        struct cond arm;  /* trip: armed once true; root -1 = always armed */
        int64_t for_us;   /* trip, suspend: how long the condition must hold */
        int64_t grace_us; /* trip, suspend: how long a bad input is borne before it counts as tripped */
        enum tool_action then;
        struct tool_set set[TOOL_SETS_MAX]; /* trip: beyond the image */
        int set_count;
        int16_t outputs[TOOL_VALVES_MAX]; /* permit, exclusive: output tags */
        int output_count;
        int64_t purge_us; /* exclusive: purge_between */
        char guidance[TOOL_TEXT_MAX];
        int line;
};

/* ISA-18.2 priorities. */
enum tool_priority { TOOL_PRIORITY_LOW, TOOL_PRIORITY_MEDIUM, TOOL_PRIORITY_HIGH, TOOL_PRIORITY_CRITICAL };
const char *tool_priority_name(enum tool_priority priority);

/* An alarm of the tool file: it tells people, and moves nothing. */
struct tool_alarm {
        char id[TOOL_NAME_MAX];
        struct cond when;     /* in alarm while true; Bad counts as true (it cannot be told) */
        struct cond suppress; /* suppressed by design while true; root -1 = never */
        int64_t on_us;        /* the condition holds this long first (`for`) */
        int64_t off_us;       /* and is gone this long before the alarm returns (`clear_for`) */
        double
            deadband; /* of a single comparison, in its tag's unit: it returns only this far on the good side */
        enum tool_priority priority;
        bool is_latching; /* stays until acknowledged and reset, though the condition is gone */
        char guidance[TOOL_TEXT_MAX];
        int line;
};

enum tool_role { TOOL_ROLE_NONE, TOOL_ROLE_VIEWER, TOOL_ROLE_OPERATOR, TOOL_ROLE_ENGINEER };
struct tool_access {
        bool is_group;
        char name[TOOL_NAME_MAX]; /* a user or a group of the machine */
        enum tool_role role;
};

/* How a line's vapour reaches the chamber (PROCESS.md, section 4). */
enum tool_delivery { TOOL_DELIVERY_DRAW, TOOL_DELIVERY_THROUGH, TOOL_DELIVERY_BOOST };

/* Numbers of the simulated twin. Units are fixed here, whatever the tags use. */
struct tool_sim_line {
        enum tool_delivery delivery;
        double vapour_a, vapour_b, vapour_c; /* log10 p(Torr) = a - b / (c + T(degC)) */
        bool is_vapour_assumed;              /* water's: the tool file gives none */
        bool is_mass_assumed;                /* its molar mass likewise */
        double bottle_litre;                 /* head space (draw) */
        double bottle_degc;                  /* temperature of an unheated bottle */
        double pickup;                       /* through: part of saturation reached, 0-1 */
        double bottle_flow_sccm; /* through: carrier swept through the bottle; 0 = the line's carrier flow */
        double boost_torr;       /* boost: total pressure behind the valve */
        double conductance_sccm_torr; /* draw, boost: flow per Torr of difference through the open valve */
        double molar_mass;            /* g/mol */
        double released;              /* molecules released per molecule adsorbed */
        double tail_s[2], tail_part;  /* purge tails tau1, tau2 and A2/A1 */
        double vapour_factor;         /* the vapour pressure is known within it, either way */
};
struct tool_sim_loop {
        double tau_s;    /* lag of the process value */
        double rate_max; /* fastest change, unit/s (heaters: heating) */
        double ambient;  /* where it goes unpowered (heaters) */
};
struct tool_sim {
        double volume_litre;    /* 0.5 */
        double k_sccm_torr2;    /* 13.2 */
        double pump_tau_s;      /* how fast the pump comes to speed */
        double atmosphere_torr; /* 760 */
        double gauge_noise_rms; /* part of reading: 0.002 */
        double leak_sccm;
        double
            overlap_part; /* a dry run warns when more than this part of a line's highest content is left at the next
                              * pulse of another: 0.05; 0 = never */
        struct tool_sim_line line[TOOL_LINES_MAX];
        struct tool_sim_loop loop[TOOL_LOOPS_MAX];
};

/* When people may open the tool; told to them, never acted on. */
struct tool_opening {
        struct cond when; /* root -1 = the tool file does not say */
        int64_t purge_us; /* every precursor has been purged for so long since it closed */
};

/* How long samples are kept; 0 = for ever. Events, pulses, audit and rollups always are. */
struct tool_history {
        int64_t samples_us; /* outside of runs */
        int64_t runs_us;    /* within runs: at least samples_us */
};

/* What a hook program can be run on. */
enum tool_notify {
        TOOL_NOTIFY_COMPLETE,
        TOOL_NOTIFY_HELD,
        TOOL_NOTIFY_SUSPENDED,
        TOOL_NOTIFY_STOPPED,
        TOOL_NOTIFY_ABORTED,
        TOOL_NOTIFY_TRIPPED,
        TOOL_NOTIFY_ALARM,
        TOOL_NOTIFY_QUESTION,
        TOOL_NOTIFY_DAEMON, /* it started, or ends */
        TOOL_NOTIFY_COUNT
};
/* "complete", "held" */
const char *tool_notify_name(enum tool_notify what);

/* A program that tells people (app/notify.h). */
struct tool_hook {
        char run[TOOL_TEXT_MAX];     /* absolute path */
        unsigned on;                 /* 1 << enum tool_notify */
        int64_t timeout_us;          /* it is killed then */
        enum tool_priority priority; /* of alarms: the least that it is run on */
        int line, column;            /* of its path */
};

struct tool {
        char name[TOOL_NAME_MAX];
        char title[TOOL_TEXT_MAX];
        int link_count, device_count, tag_count, loop_count, line_count, valve_count, interlock_count,
            alarm_count, access_count, hook_count;
        struct tool_link links[TOOL_LINKS_MAX];
        struct tool_device devices[TOOL_DEVICES_MAX];
        struct tool_tag tags[TOOL_TAGS_MAX];
        struct tool_loop loops[TOOL_LOOPS_MAX];
        struct tool_line lines[TOOL_LINES_MAX];
        struct tool_valve valves[TOOL_VALVES_MAX];
        struct tool_interlock interlocks[TOOL_INTERLOCKS_MAX];
        struct tool_alarm alarms[TOOL_ALARMS_MAX];
        struct tool_access access[TOOL_ACCESS_MAX];
        struct tool_hook hooks[TOOL_HOOKS_MAX];
        struct cond_pool conds;
        /* Equipment with one place in the simulated tool and on the screen; TOOL_NONE where the tool has none. */
        char gauge_name[TOOL_NAME_MAX], pump_name[TOOL_NAME_MAX], inputs_name[TOOL_NAME_MAX]; /* "" = none */
        int16_t gauge;            /* tag: chamber pressure */
        double base_drift;        /* the base pressure may differ from earlier runs' by this part; 0 = any */
        int16_t pump_run;         /* output tag */
        int16_t pump_running;     /* input tag */
        int16_t exhaust;          /* output tag: exhaust stop valve */
        int16_t vent;             /* output tag */
        int16_t carrier;          /* loop: the inert carrier flow */
        int16_t chamber;          /* loop: chamber heater */
        int16_t bed;              /* loop: rotary bed */
        int16_t atmosphere;       /* input tag: chamber at atmosphere */
        int16_t soft;             /* output tag: soft-start valve, a narrow way round the exhaust valve */
        int16_t lid;              /* input tag: on = closed */
        int16_t emo;              /* input tag: on = not pressed */
        int16_t over_temperature; /* input tag: on = the cut-out has acted */
        int bypass_max;           /* inputs bypassed at once, 0 = none ever */
        int64_t bypass_us_max;    /* longest bypass, at most 8 h */
        int64_t control_lapse_us; /* the control token lapses this long after its holder's last command */
        struct tool_opening opening;
        struct tool_history history;
        struct tool_sim sim;
};

/* Look-ups by exact name; TOOL_NONE when there is none. */
int tool_find_tag(const struct tool *tool, const char *name);
int tool_find_line(const struct tool *tool, const char *name);
int tool_find_valve(const struct tool *tool, const char *name);
int tool_find_link(const struct tool *tool, const char *name);
int tool_find_device(const struct tool *tool, const char *name);
/* The loop whose process value is this tag / whose set-point is this tag. */
int tool_find_loop_of_value(const struct tool *tool, int tag);
int tool_find_loop_of_setpoint(const struct tool *tool, int tag);
/* The line whose valve is this tag. */
int tool_find_line_of_valve(const struct tool *tool, int tag);
/* Are this output's openings counted? Valves, the pump, and what has `maintenance`. */
bool tool_is_counted(const struct tool *tool, int tag);
/* Does the tool file say how much a pulse of this line takes from its bottle? */
bool tool_knows_delivery(const struct tool *tool, int line);
/* How wrong the width or an edge of a pulse of planned_us may be before the run is held. Unless the tool file says it:
 * ten tolerances, or a fifth of a longer dose. */
int64_t tool_width_limit_us(const struct tool_line *line, int64_t planned_us);

/* The output that people mean by a name: its own, its loop's process value's, or its equipment's (a precursor line, a
 * valve). TOOL_NONE when there is none. */
int tool_find_output(const struct tool *tool, const char *name);
/* What tool_find_output() knows, i from 0, for suggestions: loops by their process value first, since that is how people
 * should name them. NULL past the end. */
const char *tool_output_name(const struct tool *tool, size_t i);
size_t tool_output_names(const struct tool *tool); /* how many */

/* Read a value of `tag` from text: on/off, open/closed (a valve) or a quantity, in the tag's unit. No look at limits.
 * False: `why` says what would be accepted. */
bool tool_read_value(const struct tool_tag *tag, const char *text, double *value, struct text *why);
/* Is the value within the output's limits? False: `why` names them. */
bool tool_check_limits(const struct tool_tag *tag, double value, struct text *why);

/* Write a value of a tag with its unit, "open"/"closed" or "on"/"off". */
void tool_add_value(struct text *t, const struct tool_tag *tag, double value);

/* Must these two outputs never be open together (some exclusion names both)? *purge_us (may be NULL) gets the
 * longest purge_between of those that do. */
bool tool_excludes(const struct tool *tool, int tag_a, int tag_b, int64_t *purge_us);
/* The exclusion that names both and asks for the longest purge; TOOL_NONE when none does. */
int tool_find_exclusion(const struct tool *tool, int tag_a, int tag_b);

/* The devices whose profiles nobody has verified on hardware: "flow (alicat-m), heat (watlow-pm)"; nothing when there are none. */
void tool_add_unverified(struct text *t, const struct tool *tool);

const char *tool_role_name(enum tool_role role);
const char *tool_action_name(enum tool_action action);

#endif
