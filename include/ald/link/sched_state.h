/* The inside of a schedule, shared by sched.c (orders and reports), sched_lapse.c (what time does), sched_pick.c (what is
 * next), sched_dog.c (watchdogs), sched_edge.c (the edges of pulses), sched_timed.c (pulses of modules that time them),
 * sched_call.c (how a call begins), sched_serial.c (what serial lines need besides) and sched_done.c (how it ended). Nobody
 * else includes this. */
#ifndef ALD_LINK_SCHED_STATE_H
#define ALD_LINK_SCHED_STATE_H

#include "ald/link/conn.h"       /* struct conn */
#include "ald/link/gate.h"       /* struct gate */
#include "ald/link/pair.h"       /* struct pair */
#include "ald/link/pollset.h"    /* struct pollset */
#include "ald/link/quarantine.h" /* struct quarantine */
#include "ald/link/sched.h"      /* struct sched_action */
#include "ald/link/timed.h"      /* struct timed */
#include "ald/link/watch.h"      /* struct watch */
#include "ald/link/writeq.h"     /* struct writeq */

enum sched_job {
        SCHED_JOB_NONE,
        SCHED_JOB_CONNECT,
        SCHED_JOB_CLOSE,
        SCHED_JOB_EDGE,
        SCHED_JOB_WRITE,
        SCHED_JOB_OWED,
        SCHED_JOB_TIMED,
        SCHED_JOB_WATCH,
        SCHED_JOB_POLL,
        SCHED_JOB_PROBE
};

/* What is asked of a module that times pulses itself. */
enum sched_timed_job {
        SCHED_TIMED_SETUP,
        SCHED_TIMED_WIDTH,
        SCHED_TIMED_WIDTH_READ,
        SCHED_TIMED_OUTPUT, /* after the end: is it closed? */
        SCHED_TIMED_COUNT   /* and was it one pulse? */
};

/* A safe value that the worker owes on its own duty. */
struct sched_owed {
        bool is_owed;
        bool is_done;  /* `report` waits to be taken */
        uint8_t cause; /* enum cause */
        int64_t retry_us;
        uint64_t report_n; /* its place among the reports */
        struct event_wrote report;
};
#define SCHED_OWED_RETRY_US INT64_C(100000)

/* What is known of one device's manners. */
struct sched_manners {
        int64_t call_us; /* how long its answers take: the longest, forgotten by and by */
        int64_t
            answer_us; /* likewise, of answers alone: a call that had none says nothing of how it answers */
        int64_t ready_us; /* pause_between_requests: not before */
        int64_t quiet_us; /* no polls before: it has been silent repeatedly */
        int silences;     /* in a row */
        int status;       /* of its watchdog as last seen, -1 = not yet */
        bool
            was_off; /* it was off meanwhile, which is told before what it is now: the device was restarted */
        int64_t status_us; /* when it was asked */
        int status_reported;
};

enum { SCHED_REPORTS_MAX = WRITEQ_MAX + SCHED_PAIRS_MAX + 256, SCHED_REPORTS_SPARE = 128 };

struct sched_report_item {
        uint64_t n; /* reports leave in the order in which things ended: the core believes the last one */
        bool is_pulse;
        union {
                struct event_wrote wrote;
                struct event_pulse pulse;
        } u;
};

struct sched {
        const struct tool *tool; /* borrowed */
        const struct tool_link *link;
        int link_index;
        int64_t now_us;
        int64_t turn_us;     /* the core's last turn; INT64_MIN = none */
        bool has_pulses;     /* precursor valves are written over this link */
        int64_t expected_us; /* an open that the core foresees, TIME_NEVER = none */
        int64_t wake_us;     /* while picking: the earliest time at which something may be due */
        bool is_stopping;
        bool is_safe_waiting; /* while picking: a safe value could not be sent yet */

        struct conn conn;
        struct gate gate;
        struct writeq writes;
        struct pair pairs[SCHED_PAIRS_MAX];
        struct pollset polls;
        struct quarantine quarantine;
        int probe_from;        /* so that no unit's silence keeps the others from being asked */
        int64_t foreign_count; /* replies with another signature */
        struct watch watches[TOOL_DEVICES_MAX];
        bool has_watch[TOOL_DEVICES_MAX]; /* written over this link */
        struct sched_manners manners[TOOL_DEVICES_MAX];
        struct timed timed[TOOL_TAGS_MAX]; /* of outputs of this link whose module times pulses */
        int output_count;
        int16_t outputs[TOOL_TAGS_MAX]; /* written over this link */
        struct sched_owed owed[TOOL_TAGS_MAX];

        enum sched_job job; /* under way */
        int job_index;      /* pair, write, tag, device or request */
        int job_device;
        struct quarantine_read job_read; /* count 0: it writes */
        enum sched_timed_job job_timed;
        uint32_t job_id;  /* TIMED: of the pulse */
        double job_value; /* of an edge, a write, an owed safe value */
        bool job_is_cut;  /* its limit was shortened for an edge */

        uint64_t report_n; /* of the next report */
        int report_head, report_count;
        struct sched_report_item reports[SCHED_REPORTS_MAX];
};

void sched_push_pulse(struct sched *s, const struct event_pulse *pulse);
/* A writeq_sink; ctx is the schedule. */
void sched_push_wrote(void *ctx, const struct event_wrote *wrote);
/* End write `i`: not sent, or not acknowledged. `cause` CAUSE_NONE keeps the order's own. */
void sched_fail_write(struct sched *s, int i, enum cause cause, int64_t sent_us);
void sched_owe(struct sched *s, int tag, enum cause cause);
/* The live pair of a tag, or NULL. */
struct pair *sched_pair_of(struct sched *s, int tag);
/* The earliest edge that waits (TIME_NEVER: none). */
int64_t sched_next_edge(const struct sched *s);

/* sched_lapse.c: what time alone changes: pulses that came too late, limits that passed, orders that died. */
void sched_lapse(struct sched *s);
/* Something may be due at t_us; what is due already but cannot be done now is looked at again soon. */
void sched_wake_at(struct sched *s, int64_t t_us);
/* An armed pulse ends without opening. */
void sched_refuse_pulse(struct sched *s, struct pair *p);
/* sched_pick.c: the next action. */
void sched_pick(struct sched *s, struct sched_action *a);
/* sched_edge.c: the first edge that is due. False: none is. */
bool sched_pick_close(struct sched *s, struct sched_action *a);
bool sched_pick_open(struct sched *s, struct sched_action *a);
/* The earliest close that waits (TIME_NEVER: none). */
int64_t sched_next_close(const struct sched *s);
/* An output that only its watchdog makes safe is not energised while that does not run. */
bool sched_is_guarded(const struct sched *s, int tag);
bool sched_is_turn_fresh(const struct sched *s);
/* May `tag` open at at_us, as far as is known now? */
bool sched_may_open(const struct sched *s, int tag, double value, int64_t at_us);
/* sched_timed.c: modules that time pulses themselves. */
void sched_timed_init(struct sched *s);
/* The connection is new. */
void sched_timed_reset(struct sched *s);
/* False: its register holds no such width. */
bool sched_timed_arm(struct sched *s, struct pair *p, const struct effect_pulse *o);
/* Has its module been told all that it needs before the start? Any other pulse needs nothing. */
bool sched_timed_is_ready(const struct sched *s, const struct pair *p);
void sched_timed_fill_start(struct sched *s, struct sched_action *a, int tag);
/* The pair is over, and was not found whole. */
void sched_timed_ended(struct sched *s, const struct pair *p);
/* When the next one that runs is to be asked (TIME_NEVER: none runs). */
int64_t sched_next_check(const struct sched *s);
bool sched_pick_check(struct sched *s, struct sched_action *a);
bool sched_pick_width(struct sched *s, struct sched_action *a);
bool sched_pick_setup(struct sched *s, struct sched_action *a);
void sched_finish_timed(struct sched *s, const struct sched_result *r);
/* sched_call.c: the earliest edge that polls, feeds and other writes keep clear of: one that waits, or is foreseen. */
int64_t sched_next_guarded(const struct sched *s);
/* When a call that begins now must be over: the link's timeout, or `margin_us` before the edge ahead, but
 * `least_us` it has in any case (several edges may be due together). */
int64_t sched_limit_call(const struct sched *s, int64_t edge_us, int64_t margin_us, int64_t least_us);
void sched_begin_call(
    struct sched *s, struct sched_action *a, enum sched_job job, int index, int device, int64_t limit_us);
/* Fill a write of `tag`. False: the value does not fit the register. */
bool sched_fill_write(struct sched *s, struct sched_action *a, int tag, double value);
/* May a call to `device` begin with an edge ahead? Not within its guard window (link/load.h). */
bool sched_fits(struct sched *s, int device);
/* sched_dog.c: the next news of a watchdog. False: there is none. */
bool sched_report_watchdog(struct sched *s, struct event *out);
/* sched_done.c */
/* The output of a pair is known to be closed: the pair ends, or waits for word of its device's watchdog. */
void sched_end_closed(struct sched *s, struct pair *p);
void sched_finish(struct sched *s, const struct sched_result *r);
/* What is owed to a device is due now. */
void sched_hurry_owed(struct sched *s, int device);
/* sched_serial.c. False: a unit of a serial line has no probe. */
bool sched_init_serial(struct sched *s);
/* A unit's probe; one that proves the line. */
void sched_begin_probe(struct sched *s, struct sched_action *a, int device, int64_t limit_us);
bool sched_pick_probe(struct sched *s, struct sched_action *a);
/* A call on a serial line failed, as `why` says; `is_cut`: it was not given its time. */
void sched_note_doubt(struct sched *s, const struct sched_result *r, bool is_cut, const char *why);
/* An answer came, but not from where it was asked: its signature is wrong. */
bool sched_is_foreign(const struct sched *s, enum sched_job job, const struct sched_result *r);

#endif
