/* What goes into the core and what comes out of it, as values.
 *
 *     event (with its time) --> core_step() --> effects, next deadline
 *
 * A runner makes events and carries effects out: the live one (libevent, links, database) and the virtual one
 * (simulated time, simulated tool). All times are monotonic microseconds unless called wall_us. */
#ifndef ALD_CORE_EVENT_H
#define ALD_CORE_EVENT_H

#include "ald/core/record.h" /* struct record */
#include "ald/core/tool.h"   /* enum tool_role */
#include "ald/core/verb.h"   /* enum verb */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

struct recipe;

enum quality { QUALITY_GOOD, QUALITY_UNCERTAIN, QUALITY_BAD };
/* Why a value is not Good. */
enum quality_why {
        QUALITY_WHY_NONE,
        QUALITY_WHY_NEVER,   /* no value yet */
        QUALITY_WHY_STALE,   /* older than stale_after */
        QUALITY_WHY_COMM,    /* the read failed */
        QUALITY_WHY_DEVICE,  /* the device answered with an exception */
        QUALITY_WHY_INVALID, /* NaN, Inf or outside `valid` */
        QUALITY_WHY_FROZEN   /* bit-identical for longer than freeze_after */
};
const char *quality_name(enum quality q);
const char *quality_why_name(enum quality_why why);

/* One value read from a device. `t_us`: when the reply's request was sent (the value is no younger). */
struct sample {
        int16_t tag;
        uint8_t quality; /* enum quality: GOOD or BAD as far as the link knows */
        uint8_t why;
        int64_t t_us;
        double value;
};

enum { EVENT_SAMPLES_MAX = 128 };

/* Why an output is written. Every write carries its cause (SAFETY V5). */
enum cause {
        CAUSE_NONE,
        CAUSE_STARTUP,
        CAUSE_STEP,     /* a recipe step */
        CAUSE_OPERATOR, /* a command by hand */
        CAUSE_IMAGE,    /* hold or standby image */
        CAUSE_TRIP,     /* a trip or abort */
        CAUSE_PERMIT,   /* a permit was lost */
        CAUSE_DEADLINE, /* the close of a pulse, or its maximum open time */
        CAUSE_LEASE,    /* the core was silent */
        CAUSE_GATE,     /* the gate refused */
        CAUSE_SHUTDOWN,
        CAUSE_PROOF, /* the proof of a watchdog: its harmless output goes on, and off again */
        CAUSE_COUNT
};
const char *cause_name(enum cause cause);

/* What became of a pulse (column pulse.outcome). */
enum pulse_outcome {
        PULSE_PENDING,     /* handed over; "open" in a record that a crash left behind */
        PULSE_DONE,        /* both edges acknowledged */
        PULSE_CUT,         /* closed early: trip, permit, hold --now */
        PULSE_REVOKED,     /* taken back before it opened */
        PULSE_REFUSED,     /* the gate or a silent core kept it closed */
        PULSE_FAILED,      /* an edge not acknowledged, a device that did not live through it, or too short */
        PULSE_INTERRUPTED, /* the daemon ended in it */
        PULSE_LATE,        /* its link could not open it in time, so it did not open */
        PULSE_OUTCOME_COUNT
};
const char *pulse_outcome_name(enum pulse_outcome outcome);

enum event_kind {
        EVENT_TICK,     /* only time passes */
        EVENT_SAMPLES,  /* values read */
        EVENT_WROTE,    /* an output write ended */
        EVENT_PULSE,    /* a timed pair ended */
        EVENT_LINK,     /* a link came up or went down */
        EVENT_WATCHDOG, /* a device's watchdog changed */
        EVENT_COMMAND,  /* an operator's command */
        EVENT_STORE     /* whether the record can be kept */
};

struct event_wrote {
        int16_t tag;
        uint8_t cause; /* enum cause: the core's own, or LEASE/GATE/DEADLINE from the worker */
        bool ok;       /* acknowledged by the device */
        bool unasked;  /* the worker wrote a safe value on its own duty */
        uint32_t id;   /* of the effect, 0 when unasked */
        double value;
        int64_t sent_us, acked_us; /* acked_us 0 when not ok */
};

/* Both edges of one pulse. Times are 0 where an edge was not sent or not acknowledged. A module that timed the pulse itself
 * closed it, unseen: close_sent_us is then the start and the width that it was given, close_acked_us when it was found
 * closed, and one pulse more counted. */
struct event_pulse {
        uint32_t id; /* of the effect */
        int16_t tag;
        uint8_t outcome; /* enum pulse_outcome */
        int64_t open_sent_us, open_acked_us;
        int64_t close_sent_us, close_acked_us;
        bool is_device_timed; /* the width is the module's, not that of two writes */
        double
            used_umol; /* what it took from its bottle, as far as the runner can estimate it; 0 = it cannot */
};

struct event_link {
        int16_t link;
        bool up;
        char why[96];
};

/* What a link says of the proof that the core ordered (EFFECT_PROVE). */
enum watchdog_proof {
        WATCHDOG_PROOF_NO_NEWS, /* only the status changed */
        WATCHDOG_PROOF_BROKEN, /* it was broken off, by a lost connection or another write: nothing is known */
        WATCHDOG_PROOF_PASSED, /* the output fell in time, and the watchdog runs again */
        WATCHDOG_PROOF_FAILED,
        WATCHDOG_PROOF_COUNT
};
enum { WATCHDOG_WHY_MAX = 80 };

struct event_watchdog {
        int16_t device;
        uint8_t status; /* TOOL_WATCHDOG_* */
        uint8_t proof;  /* enum watchdog_proof */
        int32_t count;  /* of its event counter, -1 = it has none, or it was not read yet */
        int64_t
            seen_us; /* when the device was asked; of a proof: what was seen up to here is its own doing */
        int64_t measured_us;        /* of a proof: from the last feed to the fall; 0 = it did not fall */
        char why[WATCHDOG_WHY_MAX]; /* of a proof that did not pass */
};

/* An operator's command as control hands it over. `reply` is echoed in the reply effect. */
struct command {
        uint64_t reply; /* whom to answer; 0 = nobody */
        enum verb verb;
        enum tool_role role; /* of the peer, from its credentials */
        uint32_t uid, pid;
        char user[TOOL_NAME_MAX];
        const struct recipe *recipe; /* run: borrowed until EFFECT_RECIPE_DONE */
        int16_t
            tag; /* open, close, set, bottle, counters: output; bypass, unbypass: input; TOOL_NONE = no such */
        double value;             /* set; bottle: its content in g, 0 = not given */
        int64_t for_us;           /* open, bypass, shelve: --for; 0 = not given */
        bool now;                 /* hold --now */
        bool repeat, skip;        /* resume: what to do with a pulse that was cut */
        bool after_cycle;         /* stop --after-cycle */
        bool force;               /* control take --force */
        char name[TOOL_NAME_MAX]; /* ack, shelve, unshelve: alarm ("" = all); control, counters: action */
        char to[TOOL_NAME_MAX];   /* control release --to USER */
        char reason[96];          /* bypass, shelve; bottle: its lot */
        char text[96];            /* what was asked, for the audit record */
        char refused
            [128]; /* why control could not make sense of it: the core refuses and audits; "" = it could */
};

struct event {
        enum event_kind kind;
        int64_t now_us;  /* monotonic; never earlier than the last event's (asserted) */
        int64_t wall_us; /* UTC at now_us, for records only */
        union {
                struct {
                        int count;
                        int64_t seq; /* of the poll request, increasing per link */
                        struct sample item[EVENT_SAMPLES_MAX];
                } samples;
                struct event_wrote wrote;
                struct event_pulse pulse;
                struct event_link link;
                struct event_watchdog watchdog;
                struct command command;
                struct {
                        bool ok;
                        char why[192];
                } store;
        } u;
};

enum effect_kind {
        EFFECT_WRITE,  /* write an output */
        EFFECT_PULSE,  /* a timed pair: open at open_us, close at close_us */
        EFFECT_REVOKE, /* take a pair back; close at once if it is open */
        EFFECT_FEED, /* this turn evaluated the interlocks: watchdogs may be fed, leases renewed; and what pulse is
                             * foreseen */
        EFFECT_REARM,       /* re-arm a device's watchdog after a reset */
        EFFECT_RECORD,      /* keep this */
        EFFECT_REPLY,       /* answer a command */
        EFFECT_RECIPE_DONE, /* the core no longer reads the recipe */
        EFFECT_READY,       /* first time: outputs confirmed safe or named unconfirmed */
        EFFECT_EXIT,        /* shutdown finished: outputs safe, record closed */
        EFFECT_PROVE /* stop feeding a device's watchdog and time the fall of its proof output, or give that up */
};

struct effect_write {
        uint32_t id;
        int16_t tag;
        uint8_t cause;
        bool is_safe; /* the write goes to the safe value: it pre-empts every queue */
        double value;
};

struct effect_pulse {
        uint32_t id;
        int16_t tag;
        int64_t open_us, close_us;
};

struct effect_prove {
        int16_t device;
        bool stop; /* give it up */
};

struct effect_reply {
        uint64_t reply;
        int code; /* an exit code of the contract: 0 ok, 1 failed, 3 refused, 5 no permission */
        char text[256];
        char interlock[TOOL_NAME_MAX]; /* "" when none */
        char condition[COND_TEXT_MAX];
        char values[192];
        char hint[160];
        int64_t run_id; /* run: its number, else 0 */
};

struct effect {
        enum effect_kind kind;
        union {
                struct effect_write write;
                struct effect_pulse pulse;
                struct {
                        uint32_t id;
                        int16_t tag;
                } revoke;
                int64_t
                    expected_us; /* FEED: when the next pulse will open, as far as it can be told; TIME_NEVER */
                int16_t device; /* REARM */
                struct effect_prove prove;
                struct record record;
                struct effect_reply reply;
                const struct recipe *recipe;
        } u;
};

/* The effects of one turn, in the order in which they must be carried out. */
/* Room for every sample of an event, every output, every alarm, and what a turn's steps log: core.c counts the worst turn. */
enum { EFFECTS_MAX = EVENT_SAMPLES_MAX + TOOL_TAGS_MAX + 1024 };
struct effects {
        int count;
        struct effect item[EFFECTS_MAX];
};

#endif
