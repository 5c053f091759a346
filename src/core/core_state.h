/* The whole state of the core in one flat struct, shared by the files of this ring only. Its only pointers are the
 * tool and the running recipe, both read-only. */
#ifndef ALD_CORE_STATE_H
#define ALD_CORE_STATE_H

#include "ald/base/text.h"      /* TEXT_PRINTF */
#include "ald/core/alarm.h"     /* struct alarms */
#include "ald/core/bypass.h"    /* struct bypass_list */
#include "ald/core/core.h"      /* enum machine_state, struct core_status */
#include "ald/core/drift.h"     /* struct drift */
#include "ald/core/event.h"     /* struct event, struct effects */
#include "ald/core/interlock.h" /* struct interlocks */
#include "ald/core/output.h"    /* struct outputs */
#include "ald/core/position.h"  /* struct position */
#include "ald/core/pulse.h"     /* struct pulse_gauge */
#include "ald/core/recipe.h"    /* struct recipe */
#include "ald/core/snapshot.h"  /* struct snapshot */
#include "ald/core/token.h"     /* struct token */

/* After a step that ended on an event rather than on the clock, a pulse is planned this far ahead, so that its link
 * has it before its open edge. */
#define CORE_ANCHOR_US INT64_C(20000)
/* A pulse that would be handed over later than this after its planned open edge is planned anew, and said so. */
#define CORE_LATE_US INT64_C(5000)
/* A link that is down for longer while an output on it is energised trips (C1). */
#define CORE_LINK_US INT64_C(1000000)
/* A pulse whose end is not reported this long after its planned close trips. */
#define CORE_CLOSE_US INT64_C(500000)
/* Loop lag: counted, alarmed, tripped (R2). */
#define CORE_LAG_US       INT64_C(50000)
#define CORE_LAG_ALARM_US INT64_C(250000)
#define CORE_LAG_TRIP_US  INT64_C(1000000)
#define CORE_LAG_OVER_US  INT64_C(1000000)
/* Heater power needs a Good temperature younger than this (H1). */
#define CORE_HEATER_US INT64_C(3000000)
/* What was moved by hand stays this long after a lapse of control, then goes to standby. */
#define CORE_LAPSE_US INT64_C(60000000)
/* A shutdown waits this long at most for outputs to be confirmed. */
#define CORE_EXIT_US INT64_C(3000000)

/* A leak check: the gas is pumped out for so long before the exhaust closes; the exhaust is shut at the latest so long after its
 * command; each end of the line is the mean of this much of it, but no more than a quarter. */
#define CORE_LEAK_SETTLE_US INT64_C(5000000)
#define CORE_LEAK_CLOSE_US  INT64_C(10000000)
#define CORE_LEAK_MEAN_US   INT64_C(5000000)
/* A step of `finally` that a recipe would let wait for ever ends after this (S3). */
#define CORE_FINALLY_US INT64_C(3600000000)
/* Outputs that are not confirmed for this long are an alarm; V7 trips on what reads back otherwise. */
#define CORE_UNCONFIRMED_US INT64_C(5000000)
/* People are told so long before a hold ends by itself; half its length before when it is short. */
#define CORE_HOLD_WARN_US INT64_C(300000000)
/* A line that is colder than its source wants for this long is an alarm: both heat up from cold together. */
#define CORE_HOT_LINE_US INT64_C(60000000)
/* So many pulses in a row that do not move the gauge are an alarm. */
enum { CORE_FLAT_PULSES = 3 };

/* How an orderly end proceeds (states Stopping and Completing). */
enum stage {
        STAGE_PULSE,   /* the running pulse ends */
        STAGE_PURGE,   /* its purge runs whole */
        STAGE_PROGRAM, /* the recipe's `finally` */
        STAGE_IMAGE    /* the standby image is confirmed */
};

/* The pulse that was handed over last. */
struct core_pulse {
        bool is_live;      /* its end is not yet reported */
        bool is_measuring; /* its pressure is not yet recorded */
        bool is_revoked;   /* it was taken back */
        bool is_manual;    /* opened by hand: an event, no pulse of the run's record */
        bool is_flowing;   /* it opened with the exhaust open, outside of a block that shuts it */
        bool is_rested; /* and the pressure had rested since a flow, the pump or a valve was told otherwise */
        double flow, source; /* set-points of the carrier and of its source as it opened; NaN = none */
        int16_t tag;         /* its valve */
        uint32_t id;
        struct record_pulse record;
        int64_t open_us, close_us; /* monotonic */
};

/* A set-point that the run has put in force. */
struct core_setpoint {
        bool is_set, is_standby;
        double value, ramp; /* ramp: unit per second, 0 = at once */
};

/* A block that shuts the exhaust, an expose or a leak check, and what it found: on every way out the exhaust opens and the
 * flows are as they were. */
struct core_block {
        enum { BLOCK_NONE, BLOCK_EXPOSE, BLOCK_LEAK } kind;
        int32_t op;
        bool is_closed;    /* the exhaust was commanded closed by it */
        int64_t closed_us; /* when */
        struct {
                bool is_taken;
                double wanted;
                struct core_setpoint setpoint;
        } flow[TOOL_LOOPS_MAX];
};

/* The rise of a leak check: means of its first and last readings. */
struct core_leak {
        enum { LEAK_SETTLES, LEAK_CLOSES, LEAK_MEASURES } stage;
        int64_t stage_us, seen_us; /* began at; source time of the last reading taken */
        int count[2];
        double sum[2], sum_us[2];
};

/* A bed that turns to and fro by itself. */
struct core_rotation {
        bool is_on, is_paused; /* paused: it lost a permit, and stands until the resume */
        bool has_ordered, stops;
        int16_t tag;
        double speed, ordered;
        int64_t begun_us, period_us, lead_us;
        int64_t rests_us; /* since when a speed of 0 is ordered */
};

/* What the plausibility checks remember (plausible.c). */
struct core_plausible {
        struct {
                bool is_watched; /* the set-point is further above the value than the tolerance */
                bool is_failed;  /* it did not rise: its set-point stays safe until the reset (H1) */
                double goal;     /* the value reaches this ... */
                int64_t from_us; /* ... within rise_us from here */
        } heater[TOOL_LOOPS_MAX];
        struct {
                int64_t differs_us; /* value and set-point differ since; TIME_NEVER = they do not */
                bool is_alarmed;
                bool
                    is_failed; /* a motor that does not turn: its set-point stays safe until the reset (M1) */
        } follow[TOOL_LOOPS_MAX];
        struct {
                int64_t cold_us; /* colder than it should be since; TIME_NEVER = it is not */
                bool is_cold;
                int flat; /* pulses in a row that did not move the gauge */
        } line[TOOL_LINES_MAX];
        int64_t cut_out_us; /* source time of the last Good word that the over-temperature switch is off */
        int64_t unconfirmed_us; /* some output is not confirmed since; TIME_NEVER = all are */
};

/* A stretch of steady flow; pressures are summed about the first. */
struct core_base_sums {
        int64_t from_us, last_us, samples; /* from: TIME_NEVER = none is under way */
        double about, sum, square, flow_sum;
};

/* What trends remember (trend.c). */
struct core_trend {
        struct core_trend_line {
                struct drift drift;
                int64_t width_us;
                double flow, source; /* set-points that its reference belongs to; NaN = any */
        } line[TOOL_LINES_MAX];
        struct core_base_sums base;
        bool has_last, has_before, has_after; /* last: whole, with nothing between it and now */
        struct record_base last, before, after;
        int64_t last_us, after_us; /* their ends */
        int past_count;
        struct core_past_base past[CORE_PAST_BASES]; /* of runs before, oldest first */
};

/* The proof of a device's watchdog (proof.c). */
enum core_proof_state {
        CORE_PROOF_WANTED, /* not proven since the daemon or the device started */
        CORE_PROOF_LIT,    /* its output is told to go on */
        CORE_PROOF_ORDERED,
        CORE_PROOF_STOPPED, /* called off: the link recovers the watchdog first */
        CORE_PROOF_PASSED,
        CORE_PROOF_FAILED
};
struct core_proof {
        uint8_t state;    /* enum core_proof_state */
        bool is_stale;    /* the device was restarted meanwhile */
        bool is_alarmed;  /* its failure stands as an alarm */
        int64_t since_us; /* its state began; WANTED: not before */
        int64_t began_us,
            ended_us; /* the last one ordered: what was seen of the watchdog between was its doing; 0 = none */
        int64_t measured_us; /* 0 = it did not fall */
        char why[WATCHDOG_WHY_MAX];
};

/* Openings, for the record and to warn by (count.c). */
struct core_counts {
        struct {
                int64_t actuations, open_us; /* of those that are over */
                int64_t since_us;            /* open since, as far as it was seen */
                bool is_open;
                bool is_seen; /* since the start; else is_open is what the record says */
                bool is_told; /* it is beyond a limit */
        } valve[TOOL_TAGS_MAX];
        struct count_bottle bottle[TOOL_LINES_MAX];
        bool is_bottle_told[TOOL_LINES_MAX];
};

struct core_logged {
        int64_t t_us;
        double value;
        uint8_t quality;
};

struct core {
        const struct tool *tool;
        int64_t now_us, wall_us, due_us, turn_us_max;
        int64_t lagged_us; /* when the loop last stood still for too long; INT64_MIN = not yet */
        int64_t lags;      /* turns more than 50 ms late */
        struct snapshot snap;
        struct interlocks locks;
        struct bypass_list bypasses;
        struct outputs outs;
        struct pulse_gauge gauge;

        enum machine_state state;
        int64_t state_us; /* entered at */
        int64_t moved_us; /* the machine took a transition, or the program a step, at */
        bool is_starting_up;
        bool is_shutting_down;
        int64_t interrupted_run;
        char reason[192];

        bool store_ok;
        char store_why[192];
        int64_t next_run_id;
        struct {
                bool is_up, was_down;
                int64_t down_us;
                char why[96];
        } link[TOOL_LINKS_MAX];
        uint8_t watchdog[TOOL_DEVICES_MAX];
        struct core_proof proof[TOOL_DEVICES_MAX];

        /* Who may move outputs, and what they moved. */
        struct token token;
        int64_t standby_us; /* what was moved by hand goes to standby then; TIME_NEVER = it stays */
        char outcome[80];   /* of the present command for the audit record, where "ok" does not say it */

        /* The run. */
        const struct recipe *recipe; /* NULL = none */
        bool is_run_pending;         /* accepted, waits for Idle */
        int64_t run_id;
        char recipe_name[TOOL_NAME_MAX]; /* of the present or last run */
        char operator_name[TOOL_NAME_MAX];
        int64_t run_started_us;
        struct position at;
        bool is_in_program, is_entered;
        int64_t step_us;    /* planned start of the present step */
        int64_t entered_us; /* when it was entered */
        int64_t true_us;    /* since when its condition holds; TIME_NEVER = it does not */
        int64_t waited_us;  /* of its timeout, used up before a hold */
        int64_t recover_us; /* a repeated purge ends then; 0 = none runs */
        int64_t program_due_us;
        int64_t cycle;
        int64_t cycles_begun,
            cycles_ended; /* the last ones recorded: going back to a half-cycle records none again */
        struct core_setpoint setpoint[TOOL_TAGS_MAX];
        int64_t guard_us[RECIPE_GUARDS_MAX]; /* broken since; TIME_NEVER = whole */
        struct position half;                /* the last pulse's place */
        int64_t half_cycle;                  /* its cycle */
        int16_t half_line;                   /* its precursor line */
        bool has_half, must_repeat;
        bool is_cut;        /* that pulse dosed, but not as planned: whether to repeat it may be asked */
        bool is_dose_lost;  /* it was dosed into an expose that was broken off */
        bool is_gas_cut;    /* the hold closed a reactive gas */
        bool is_skipping;   /* the resume goes on behind the step that lost it */
        int attempt;        /* so often was it handed over */
        int32_t reenter;    /* the expose block to close again before the half-cycle, -1 = none */
        int64_t reenter_us; /* since when; 0 = not yet */
        int64_t pass_us[RECIPE_DEPTH_MAX]; /* when the present pass of each loop began */
        int64_t held_us;                   /* when the run left Execute for a hold or suspend */
        char step_why[160];                /* why the step failed; "" = what it waits for */
        bool is_confirmed;                 /* the operator said yes */
        bool is_stopping_after_cycle;
        char stop_reason[192];
        int64_t asked_us; /* when the question was entered that people were told of; TIME_NEVER = none */
        struct core_block block;
        struct core_leak leak;
        struct core_rotation rotation;
        struct core_pulse pulse;
        enum stage stage;
        int64_t stage_us; /* STAGE_PURGE ends; STAGE_IMAGE began */

        int64_t heater_good_us[TOOL_LOOPS_MAX]; /* source time of each heater's last Good temperature */

        struct alarms alarms;
        struct core_plausible plausible;
        struct core_trend trend;

        struct core_counts counts;

        struct core_logged logged[TOOL_TAGS_MAX];
        struct effects *out;
};

/* ---- core.c ---- */
struct effect *core_emit(struct core *core, enum effect_kind kind);
/* Let the snapshot keep the windows that `steady` conditions of a pool look at. */
void core_watch_windows(struct core *core, const struct cond_pool *pool);
/* Latch a trip of the core's own, and act on it when it is new. The cause stands until interlock_clear(). */
void core_trip(
    struct core *core, const char *id, enum tool_action action, const char *guidance, const char *text);
/* The wall time of a monotonic time. */
int64_t core_wall(const struct core *core, int64_t t_us);

/* ---- deadline.c ---- */
/* When the next turn is due, whatever happens until then. */
int64_t core_next_due(const struct core *core);

/* ---- log.c: what goes into the record ---- */
struct record *core_record(struct core *core, enum record_kind kind);
void core_log(struct core *core, const char *kind, enum record_severity severity, const char *source,
    const char *fmt, ...) TEXT_PRINTF(5, 6);
void core_log_run(struct core *core, enum record_kind kind);
void core_log_sample(struct core *core, int tag);

/* ---- alarm_watch.c: alarms of the core's own ---- */
/* The alarm `id` stands or not, as seen in this turn; called again and again, it tells only what changes. It is made on first
 * use; `guidance` and the text are copied when it comes. */
void core_alarm(struct core *core, const char *id, bool stands, enum tool_priority priority,
    const char *guidance, const char *fmt, ...) TEXT_PRINTF(6, 7);
/* Evaluate the alarms of the tool file, show latched trips as alarms, end shelvings and floods. */
void core_watch_alarms(struct core *core);
/* When what waits for people, or for a cause outside the tool, ends by itself, and what follows; TIME_NEVER: it does not. */
int64_t core_expires_us(const struct core *core, enum tool_action *then);
/* Tell what a change of alarm `which` brought (bits of enum alarm_news). */
void core_tell_alarm(struct core *core, int which, unsigned news);

/* ---- plausible.c: what cannot be, whatever the values say ---- */
void core_init_plausible(struct core *core);
void core_watch_plausible(struct core *core);
/* When the next of them is decided by the clock; TIME_NEVER: none. */
int64_t core_plausible_deadline(const struct core *core);
/* A pulse of `line` was measured: area above the base (gauge's unit x s) over span_us. */
void core_judge_gauge(struct core *core, int line, double area, int64_t span_us);
/* Safe set-points where power or motion is not allowed (H1, M1); a run that wanted them holds. */
void core_force_plausible(struct core *core);
/* Does the over-temperature switch, where there is one, let heaters have power (H1)? */
bool core_may_heat(const struct core *core);
/* Latches were reset: heaters and motors may try again, latched alarms that are gone end. */
void core_was_reset(struct core *core);

/* ---- count.c: openings, and what came out of the bottles ---- */
void core_init_counts(struct core *core, const struct counts *before);
/* A write's answer; a pulse handed over (core->pulse), and its end. */
void core_count_write(struct core *core, const struct event_wrote *w);
void core_count_handed_over(struct core *core);
void core_count_pulse(struct core *core, const struct event_pulse *p);
/* What reads back as it was told without an answer to the write; the limits. */
void core_watch_counts(struct core *core);
/* The verbs. */
void core_do_bottle(struct core *core, const struct command *command, struct effect_reply *reply);
void core_do_counters(struct core *core, const struct command *command, struct effect_reply *reply);
/* ---- trend.c: what pulses and base pressures tell from cycle to cycle and from run to run ---- */
void core_init_trend(struct core *core, const struct core_past *past);
/* A run begins. */
void core_begin_trend(struct core *core);
/* Since when nothing but its way out moves the pressure, as far as is known: it may be in the future. */
int64_t core_quiet_us(const struct core *core);
/* What else moves the pressure ends the measurement under way. */
void core_watch_measure(struct core *core);
/* A pulse of `line` is handed over: under what conditions. */
void core_note_conditions(struct core *core, int line);
/* The last pulse, of `line`, was measured. */
void core_judge_trend(struct core *core, int line, const struct pulse_measured *m);
/* A Good sample of the gauge. */
void core_base_sample(struct core *core, int64_t t_us, double value);
/* A pulse of the run is handed over; the run ends: the base pressure is recorded and judged. */
void core_base_before(struct core *core);
void core_base_after(struct core *core);

/* ---- alarm_command.c ---- */
void core_do_ack(struct core *core, const struct command *command, struct effect_reply *reply);
void core_do_shelve(struct core *core, const struct command *command, struct effect_reply *reply);
void core_do_unshelve(struct core *core, const struct command *command, struct effect_reply *reply);

/* ---- run.c: transitions, and what a state does when it is entered ---- */
/* Take the transition that `cause` asks for; false when the table has none from here. `reason` (NULL: keep) is shown
 * and recorded. */
bool core_go(struct core *core, enum machine_cause cause, const char *reason);
/* What was done by hand and what ramps ends; every output goes to what `image` says. */
void core_enter_image(struct core *core, enum tool_image image, enum cause cause);
/* Put what latched trips and lost heaters force over whatever else is wanted. */
void core_apply_forced(struct core *core);
/* The latched trip that sets this output, and to another value; TOOL_NONE = none. */
int core_find_forcing(const struct core *core, int tag, double value);
/* A vented chamber stays as its recipe left it: pumped by no standby or hold, only by the abort image. */
bool core_stays_vented(const struct core *core, int tag, enum tool_image image);
void core_start_run(struct core *core, const struct command *command);
/* A hold asked for by anything but an operator. `cut`: also a pulse that is open. */
void core_hold(struct core *core, bool cut, const char *fmt, ...) TEXT_PRINTF(3, 4);
void core_apply(struct core *core, enum tool_action action, bool cut, const char *reason);
/* The action of a trip that came now. */
void core_act_on_trip(struct core *core, enum tool_action action, const char *why);

/* ---- proof.c: the proof of device watchdogs ---- */
/* What links say of watchdogs. True: the expiry that it tells is the proof's own. */
bool core_fold_proof(struct core *core, const struct event_watchdog *w);
/* Begin proofs, order them, and clean up behind them; after the state has acted. */
void core_prove_watchdogs(struct core *core);
/* A proof is under way, or begins as soon as the outputs are confirmed: the end of a start-up or a reset waits for it. */
bool core_awaits_proof(const struct core *core);
/* Its outputs are left alone now: the proof of its watchdog is under way. */
bool core_is_proving(const struct core *core, int device);
/* What stands against relying on a watchdog that runs: it is not proven. False: it is. */
bool core_refuse_unproven(const struct core *core, int tag, struct effect_reply *reply);
/* What failed may be tried again: an operator has reset. */
void core_prove_again(struct core *core);

/* ---- act.c: what a state does in every turn ---- */
void core_act(struct core *core);

/* ---- pulse_live.c: the pulse that was handed over last ---- */
/* Take it back. `cut`: also when it is open. */
void core_revoke_pulse(struct core *core, bool cut, enum cause cause);
void core_pulse_ended(struct core *core, const struct event_pulse *p);
/* Between its hand-over and its edge the purge before it may break off: the exhaust shuts, the pump stops (V2). */
void core_watch_handed_over(struct core *core);
void core_finish_measure(struct core *core);
/* What people call it. */
const char *core_pulse_name(const struct core *core);

/* ---- pulse_judge.c: what follows from how the pulse went, in this order, its record between them ---- */
/* Tells of edges and a width that are wrong by more than the line's tolerance. True: by more than its limit, and why; a
 * dose that is too short by so much is PULSE_FAILED from here on. */
bool core_judge_edges(struct core *core, struct event_pulse *p, char *why, size_t why_cap);
/* Hold, trip, or repeat. `beyond`: what core_judge_edges() said, NULL = nothing. */
void core_judge_outcome(struct core *core, const struct event_pulse *p, const char *beyond);

/* ---- program.c: walking the recipe ---- */
void core_begin_program(struct core *core, int32_t op);
/* Go on where the half-cycle asks for it after a hold. */
void core_resume_program(struct core *core);
/* Advance as far as time and conditions allow. True: the section is at its end. */
bool core_run_program(struct core *core);
void core_watch_guards(struct core *core);
/* A rotation of this output ends where it stands. TOOL_NONE: of any. */
void core_end_rotation(struct core *core, int tag);
/* Its output was made safe: it stands there until the resume. */
void core_pause_rotation(struct core *core, int tag);
void core_resume_rotation(struct core *core);
/* The rotation's set-point in this turn. */
void core_turn_bed(struct core *core);
/* The planned open edge of the next pulse, as far as the schedule tells it; TIME_NEVER: it does not. */
int64_t core_next_pulse_us(const struct core *core);
/* Does the pulse that is due wait for the bed to rest? Then it is planned anew (M2). */
bool core_awaits_rest(struct core *core);
/* The block's own bounds, and when the next of them is over. */
void core_watch_block(struct core *core);
int64_t core_block_deadline(const struct core *core);
/* Out of the block, whatever the way: exhaust open, flows as they were, as far as the state `next` may move them. A pulse that
 * runs in it is cut, since its dose leaves with the gas. */
void core_leave_block(struct core *core, enum machine_state next);
/* The purge that follows the last pulse, whole. */
int64_t core_purge_us(const struct core *core);

/* ---- step.c: one row per kind of step ---- */
struct step_turn {
        enum { STEP_WAITS, STEP_DONE, STEP_FAILED } is;
        int64_t at_us;           /* DONE: when it ended; WAITS: when to look again at the latest */
        enum tool_action action; /* FAILED */
};
void step_enter(struct core *core, const struct recipe_op *op);
struct step_turn step_turn(struct core *core, const struct recipe_op *op);
void step_describe(
    struct text *t, const struct tool *tool, const struct recipe *r, const struct recipe_op *op);
/* What the step waits for, with live values. */
void step_add_waiting(struct text *t, const struct core *core, const struct recipe_op *op);
/* V9: while a precursor is open, or purged for less than its line asks, the way out and the carrier stay open. */
bool core_closes_purge_path(const struct core *core, int tag, double value, struct text *why);
/* Every set-point that the run put in force is within tolerance. */
enum tri step_settled(const struct core *core, int64_t fresh_us);
/* The confirm step that waits for an answer now, NULL = none. */
const struct recipe_op *core_get_question(const struct core *core);

/* ---- holder.c: who has control ---- */
/* Time passes: control lapses, and what was moved by hand goes to standby. */
void core_watch_control(struct core *core);
/* How many outputs stand away from standby by an operator's word; their names go into `names` (NULL allowed). */
int core_count_by_hand(const struct core *core, struct text *names);
struct token_user core_user(const struct command *command);
void core_take_control(struct core *core, const struct command *command);
void core_refuse_token(const struct core *core, const struct command *command, struct effect_reply *reply);
void core_do_control(struct core *core, const struct command *command, struct effect_reply *reply);

/* ---- manual.c: open, close, set ---- */
/* The verb whose row says who may give this command in which state: `close` of what is no precursor moves an output as
 * `set` does. */
enum verb core_manual_rule(const struct core *core, const struct command *command);
void core_do_open(struct core *core, const struct command *command, struct effect_reply *reply);
void core_do_close(struct core *core, const struct command *command, struct effect_reply *reply);
void core_do_set(struct core *core, const struct command *command, struct effect_reply *reply);
void core_log_manual_pulse(struct core *core, const struct event_pulse *p);

/* ---- bypass.c ---- */
/* End what is over. */
void core_watch_bypasses(struct core *core);
void core_bypass(struct core *core, const struct command *command, struct effect_reply *reply);
void core_unbypass(struct core *core, const struct command *command, struct effect_reply *reply);

/* ---- command.c ---- */
/* Exit codes of the contract, which replies carry. */
enum { CORE_OK = 0, CORE_REFUSED = 3, CORE_NO_PERMISSION = 5 };
void core_command(struct core *core, const struct command *command);
/* Refuse with what stands against it, and what would be accepted. */
void core_refuse(struct effect_reply *reply, const char *text, const char *hint);
/* What stands against a run (permissives): true with the reason in `reply`. */
bool core_refuse_latched(const struct core *core, struct effect_reply *reply);
bool core_refuse_store(const struct core *core, struct effect_reply *reply);
bool core_refuse_links(const struct core *core, struct effect_reply *reply);
bool core_refuse_failsafe(const struct core *core, struct effect_reply *reply);
bool core_refuse_suspended(const struct core *core, struct effect_reply *reply);
/* A resume would need an answer: repeat or skip what was cut. */
bool core_refuse_unasked(const struct core *core, struct effect_reply *reply);

#endif
