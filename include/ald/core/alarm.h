/* Alarms as ISA-18.2 has them: a state machine as one table, and the bounded list of the alarms of a tool.
 *
 * An alarm tells people and moves nothing: no output, no state of the machine depends on anything in here (T2). The list
 * knows conditions only as true or not true, once a turn; who feeds it decides what that means (a value that is not Good
 * counts as in alarm). */
#ifndef ALD_CORE_ALARM_H
#define ALD_CORE_ALARM_H

#include "ald/core/tool.h" /* struct tool, enum tool_priority */

#include <stdbool.h> /* bool */
#include <stdint.h>  /* int64_t */

enum alarm_state {
        ALARM_NORMAL,
        ALARM_UNACKED,         /* it stands, nobody has acknowledged it */
        ALARM_ACKED,           /* it stands, acknowledged */
        ALARM_RETURNED,        /* gone, not acknowledged */
        ALARM_LATCHED_UNACKED, /* latching: gone, neither acknowledged nor reset */
        ALARM_LATCHED,         /* latching: gone and acknowledged, not reset */
        ALARM_SHELVED,         /* taken off the list by a person for a time */
        ALARM_SUPPRESSED,      /* taken off the list by design, while a condition of the tool file holds */
        ALARM_STATE_COUNT
};

enum alarm_event {
        ALARM_COMES,         /* its condition stands, after its delay */
        ALARM_GOES,          /* its condition is gone, after its delay */
        ALARM_GOES_LATCHING, /* the same for a latching alarm */
        ALARM_ON_ACK,
        ALARM_ON_RESET,
        ALARM_ON_SHELVE,
        ALARM_ON_UNSHELVE, /* by a person, or at expiry */
        ALARM_ON_SUPPRESS,
        ALARM_ON_UNSUPPRESS,
        ALARM_EVENT_COUNT
};

/* The table. An event that means nothing in a state leaves it as it is. */
enum alarm_state alarm_next(enum alarm_state state, enum alarm_event event);
/* "unacknowledged", "latched-unacknowledged". */
const char *alarm_state_name(enum alarm_state state);

enum {
        ALARM_OWN_MAX = 96, /* of the core's own, by id */
        ALARM_MAX = TOOL_ALARMS_MAX + ALARM_OWN_MAX,
        /* ISA-18.2 calls three comings a minute chattering and more than ten alarms in ten minutes a flood, which ends
         * below five in ten minutes. */
        ALARM_CHATTER_COMINGS = 3,
        ALARM_FLOOD_COMINGS = 10,
        ALARM_FLOOD_END = 5
};
#define ALARM_CHATTER_US    INT64_C(60000000)
#define ALARM_QUIET_US      INT64_C(60000000) /* a chattering alarm stands until it was quiet this long */
#define ALARM_FLOOD_US      INT64_C(600000000)
#define ALARM_SHELVE_US_MAX INT64_C(28800000000) /* 8 h */

struct alarm {
        char id[TOOL_NAME_MAX];
        char text[192]; /* what it was when it came */
        char guidance[TOOL_TEXT_MAX];
        uint8_t state;    /* enum alarm_state */
        uint8_t priority; /* enum tool_priority */
        bool is_latching;
        bool is_trip; /* a latched trip: it cannot be shelved */
        bool is_told; /* its coming has an event of its own */
        int64_t on_us, off_us;
        bool stands;    /* its condition, after the delays, whatever the state */
        bool has_stood; /* since it was shelved */
        bool is_chattering;
        int64_t turning_us; /* the condition differs from `stands` since; TIME_NEVER = it does not */
        int64_t came_us, came_wall_us;
        int64_t comings;
        int64_t past_us[ALARM_CHATTER_COMINGS]; /* of the last comings, a ring; INT64_MIN = none */
        int64_t until_us, until_wall_us;        /* shelved */
        char shelved_by[TOOL_NAME_MAX];
        char reason[96];
};

struct alarms {
        int tool_count; /* item[0 .. tool_count): those of the tool file, in its order */
        int count;      /* then the core's own */
        int shelved;    /* how many are */
        bool is_flooded;
        bool is_full;   /* one of the core's own found no place */
        int64_t untold; /* of low priority, in the present flood */
        int past_next;
        int64_t past_us[ALARM_FLOOD_COMINGS + 1]; /* of the last comings of all */
        struct alarm item[ALARM_MAX];
};

/* What a turn brought for one alarm, as bits. */
enum alarm_news {
        ALARM_NEWS_CAME = 1,     /* it is unacknowledged now */
        ALARM_NEWS_WENT = 2,     /* its condition is gone */
        ALARM_NEWS_CHATTERS = 4, /* from now on: said instead of the coming */
        ALARM_NEWS_CALM = 8,     /* it chatters no longer */
        ALARM_NEWS_FLOOD = 16,   /* a flood begins with it */
        ALARM_NEWS_UNTOLD = 32   /* of low priority in a flood: counted, no event of its own */
};

void alarm_init(struct alarms *al, const struct tool *tool);

/* The number of an alarm, -1 when there is none of that id. */
int alarm_find(const struct alarms *al, const char *id);
/* One of the core's own, -1 when there is none. */
int alarm_find_own(const struct alarms *al, const char *id);
/* The same, made where it is missing (normal, of low priority, without delays). The place of one that is normal is given away
 * when all are taken; -1 when none is. */
int alarm_make_own(struct alarms *al, const char *id);

/* Its condition in this turn. `now` times are monotonic, `wall_us` is only kept. Returns bits of enum alarm_news. */
unsigned alarm_feed(
    struct alarms *al, int which, bool is_true, bool is_suppressed, int64_t now_us, int64_t wall_us);

/* Acknowledge; true when there was something to acknowledge. */
bool alarm_ack(struct alarms *al, int which);
/* Reset what is latched and gone. */
void alarm_reset(struct alarms *al, int which);
/* Shelve for for_us (1 to ALARM_SHELVE_US_MAX, asserted). False: a trip, or it is latched and waits for a reset. */
bool alarm_shelve(struct alarms *al, int which, int64_t for_us, const char *by, const char *reason,
    int64_t now_us, int64_t wall_us);
/* End a shelving: it comes back unacknowledged if it stands. Returns bits of enum alarm_news. */
unsigned alarm_unshelve(struct alarms *al, int which, int64_t now_us, int64_t wall_us);
/* An alarm whose shelving is over at now_us (alarm_unshelve() is due), or -1. */
int alarm_find_expired(const struct alarms *al, int64_t now_us);
/* When the clock alone changes the list next, after now_us: a delay, a shelving or a flood is over. TIME_NEVER: never. */
int64_t alarm_deadline(const struct alarms *al, int64_t now_us);
/* True once when a flood has ended; *untold gets how many of low priority were not told. */
bool alarm_flood_ended(struct alarms *al, int64_t now_us, int64_t *untold);

/* It is in alarm, or was and somebody still has to see it: what a count of standing alarms counts. */
bool alarm_is_shown(const struct alarm *a);
bool alarm_is_unacked(const struct alarm *a);

#endif
